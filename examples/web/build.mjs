// Builds the package in `pkg`: compiles the bindings to WebAssembly, and copies what is written by hand.

import { execFileSync } from "node:child_process";
import { existsSync, cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";

const TARGET = "wasm32-unknown-unknown";
/** The largest wasm file that is allowed, in bytes. */
const MAX_SIZE = 150_000;

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const output = { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] };
const run = (program, args, options) => execFileSync(program, args, { stdio: "inherit", ...options });

checkTarget();
rmSync(path("pkg"), { recursive: true, force: true });
mkdirSync(path("pkg"));
const bytes = compile();
copy(bytes);
console.log(`built ${path("pkg")}: the wasm file has ${bytes.length} bytes`);
if (bytes.length >= MAX_SIZE) {
  throw new Error(`the wasm file has ${bytes.length} bytes, expected fewer than ${MAX_SIZE}`);
}

/** Fails at once if Rust cannot compile to WebAssembly, and not after all else is compiled. */
function checkTarget() {
  let library;
  try {
    library = execFileSync("rustc", ["--print", "target-libdir", "--target", TARGET], output).trim();
  } catch {
    fail("Rust is missing: see https://rustup.rs");
  }
  if (!existsSync(library)) {
    fail(`Rust has no target ${TARGET} here: rustup target add ${TARGET}`);
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

/** Compiles the bindings, and returns the wasm file. */
function compile() {
  // No folder of this machine is named in the file.
  const folders = [process.env.CARGO_HOME ?? `${homedir()}/.cargo`, path("../..")];
  const flags = folders.map((folder) => `--remap-path-prefix=${folder.replace(/\/$/, "")}=`).join("\x1f");
  const target = process.env.CARGO_TARGET_DIR ?? path("target");
  const args = ["build", "--release", "--target", TARGET, "--manifest-path", path("bindings/Cargo.toml"), "--target-dir", target];
  run("cargo", args, { env: { ...process.env, CARGO_ENCODED_RUSTFLAGS: flags } });
  const wasm = path("pkg/presence-core.wasm");
  const strip = ["--strip-debug", "--strip-producers", "--strip-target-features"];
  npx("binaryen@132.0.0", "wasm-opt", "-Oz", ...strip, `${target}/${TARGET}/release/presence_core_bindings.wasm`, "-o", wasm);
  return readFileSync(wasm);
}

/** Copies the JavaScript, and makes CommonJS of it in a folder of its own. */
function copy(bytes) {
  const [pkg, cjs] = [path("pkg"), path("pkg/cjs")];
  cpSync(path("js"), pkg, { recursive: true });
  writeFileSync(`${pkg}/bytes.js`, `// The wasm file.\nexport const BASE64 =\n  "${bytes.toString("base64")}";\n`);
  const files = readdirSync(pkg);
  const scripts = files.filter((name) => name.endsWith(".js"));
  npx("esbuild@0.28.2", "esbuild", "--format=cjs", "--platform=node", "--target=es2022", "--log-level=warning", `--outdir=${cjs}`, ...scripts.map((name) => `${pkg}/${name}`));
  for (const name of files.filter((name) => name.endsWith(".d.ts"))) {
    cpSync(`${pkg}/${name}`, `${cjs}/${name}`);
  }
  writeFileSync(`${cjs}/package.json`, '{ "type": "commonjs" }\n');
  // Node has one copy of each module, for `import` and for `require`.
  mkdirSync(`${pkg}/node`);
  for (const entry of ["index", "slim", "keep-alive"]) {
    writeFileSync(`${pkg}/node/${entry}.js`, `export * from "../cjs/${entry}.js";\n`);
  }
  cpSync(path("README.md"), `${pkg}/README.md`);
  for (const license of ["LICENSE-APACHE", "LICENSE-MIT"]) {
    cpSync(path(`../../${license}`), `${pkg}/${license}`);
  }
}

/** Runs a program of a package of npm. */
function npx(name, program, ...args) {
  run("npx", ["--yes", `--package=${name}`, "--", program, ...args], { shell: process.platform === "win32" });
}
