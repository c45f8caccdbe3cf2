// The quick start of the README, unchanged, with the package as it is packed: in bundlers, servers, test runners and
// pages. What they are is listed in `consumers/package.json`.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { serve } from "./server.mjs";

const WEB = new URL("..", import.meta.url);
const ROOT = new URL("target/consumers/", WEB);
const MODULES = new URL("node_modules/", ROOT);
const path = (url) => fileURLToPath(url);

/** The first block of JavaScript in the README, as a module and as CommonJS. */
const QUICK_START = /```js\n(.*?)```/s.exec(readFileSync(new URL("README.md", WEB), "utf8"))[1];
const COMMON_JS = QUICK_START.replace(/import (\{.*\}) from (".*");/, "const $1 = require($2);");
const EXPECTED = ["Available", "100000", "Away"];

const PAGE = '<!doctype html><title>Quick start</title><script type="module" src="./main.js"></script>';
const CSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

let browser;

before(async () => {
  mkdirSync(ROOT, { recursive: true });
  cpSync(new URL("consumers/package.json", import.meta.url), new URL("package.json", ROOT));
  run("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"], ROOT);
  const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", path(new URL("pkg", WEB))], ROOT));
  const installed = path(new URL("presence-core", MODULES));
  rmSync(installed, { recursive: true, force: true });
  mkdirSync(installed);
  run("tar", ["-xzf", filename, "-C", installed, "--strip-components=1"], ROOT);
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

after(() => browser?.close());

function run(program, args, folder) {
  const env = { ...process.env, CI: "1", NEXT_TELEMETRY_DISABLED: "1", NO_COLOR: "1", FORCE_COLOR: undefined, NODE_TEST_CONTEXT: undefined };
  return execFileSync(program, args, { cwd: path(folder), env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Writes the files of a program, and returns its folder. */
function program(name, files) {
  const folder = new URL(`${name}/`, ROOT);
  rmSync(folder, { recursive: true, force: true });
  for (const [file, content] of Object.entries({ "package.json": '{ "type": "module" }', ...files })) {
    const target = new URL(file, folder);
    mkdirSync(new URL(".", target), { recursive: true });
    writeFileSync(target, content);
  }
  return folder;
}

const bin = (name) => path(new URL(`.bin/${name}`, MODULES));
const load = (file) => import(new URL(file, MODULES).href);
const require = createRequire(new URL("index.js", ROOT));

function assertRan(text) {
  const lines = text.split("\n").filter((line) => line !== "");
  const start = lines.findIndex((line) => line.includes(EXPECTED[0]) && !line.includes("until"));
  assert.deepEqual(lines.slice(start, start + 3).map((line) => line.trim()), EXPECTED, text);
  assert.match(lines[start + 3], /Available until .*, because session "laptop" claims it\. AvailableInactive after that\.$/);
}

/** A program with two entries of the package, which have to share the wasm file. */
const TWO_ENTRIES = `import { keepAlive } from "presence-core/keep-alive";\n${QUICK_START.replace("start();", "")}
start().then(() => keepAlive({
  session: { sessionId: "laptop", claim: "Away" },
  send: async ({ action }) => console.log("sent", action) ?? { status: 200 },
}));`;

/** Opens a page, and checks what it writes to its console. */
async function assertPageRuns(address, last = "Available until") {
  const page = await browser.newPage();
  try {
    const lines = [];
    const isDone = new Promise((resolve, reject) => {
      page.on("console", (message) => {
        if (message.type() === "log") {
          lines.push(message.text());
          if (lines.some((line) => line.startsWith(last))) {
            resolve();
          }
        }
      });
      page.on("pageerror", reject);
      setTimeout(() => reject(new Error(`the page wrote only ${JSON.stringify(lines)}`)), 60_000).unref();
    });
    await page.goto(address);
    await isDone;
    assertRan(lines.filter((line) => !line.startsWith("[")).join("\n"));
  } finally {
    await page.close();
  }
}

async function assertFolderRuns(folder, headers = {}) {
  const server = await serve(folder, headers);
  try {
    await assertPageRuns(`${server.address}/`);
  } finally {
    server.stop();
  }
}

describe("pages", () => {
  for (const vite of ["vite5", "vite6", "vite7", "vite8"]) {
    test(`${vite}, built`, async () => {
      const root = program(`${vite}-build`, { "index.html": PAGE, "main.js": QUICK_START });
      const { build } = await load(`${vite}/dist/node/index.js`);
      await build({ root: path(root), logLevel: "error", configFile: false });
      await assertFolderRuns(new URL("dist/", root));
    });

    test(`${vite}, its server`, async () => {
      const root = program(`${vite}-dev`, { "index.html": PAGE, "main.js": QUICK_START });
      const { createServer } = await load(`${vite}/dist/node/index.js`);
      const server = await createServer({ root: path(root), logLevel: "error", configFile: false, server: { host: "127.0.0.1", port: 0 } });
      try {
        await server.listen();
        await assertPageRuns(server.resolvedUrls.local[0]);
      } finally {
        await server.close();
      }
    });
  }

  for (const vite of ["vite5", "vite8"]) {
    test(`${vite}, its server, with two entries`, async () => {
      const root = program(`${vite}-entries`, { "index.html": PAGE, "main.js": TWO_ENTRIES });
      const { createServer } = await load(`${vite}/dist/node/index.js`);
      const server = await createServer({ root: path(root), logLevel: "error", configFile: false, server: { host: "127.0.0.1", port: 0 } });
      try {
        await server.listen();
        await assertPageRuns(server.resolvedUrls.local[0], "sent setPresence");
      } finally {
        await server.close();
      }
    });
  }

  test("webpack", async () => {
    const folder = program("webpack", { "dist/index.html": PAGE, "main.js": QUICK_START });
    await webpack({ context: path(folder), entry: "./main.js", output: { path: path(new URL("dist", folder)), filename: "main.js" } });
    await assertFolderRuns(new URL("dist/", folder));
  });

  test("Rollup", async () => {
    const folder = program("rollup", { "dist/index.html": PAGE, "main.js": QUICK_START });
    await rollup({ file: path(new URL("dist/main.js", folder)), format: "es" }, {});
    await assertFolderRuns(new URL("dist/", folder));
  });

  test("esbuild", async () => {
    const folder = program("esbuild", { "dist/index.html": PAGE, "main.js": QUICK_START });
    run(bin("esbuild"), ["main.js", "--bundle", "--outfile=dist/main.js"], folder);
    await assertFolderRuns(new URL("dist/", folder));
  });

  test("Parcel", async () => {
    const folder = program("parcel", { "index.html": PAGE, "main.js": QUICK_START });
    run(bin("parcel"), ["build", "index.html", "--cache-dir=cache", "--no-autoinstall"], folder);
    await assertFolderRuns(new URL("dist/", folder));
  });

  test("without a bundler, under the Content-Security-Policy of the README", async () => {
    assert.ok(readFileSync(new URL("README.md", WEB), "utf8").includes("script-src 'self' 'wasm-unsafe-eval'"));
    const folder = program("plain", { "index.html": PAGE, "main.js": QUICK_START.replace('"presence-core"', '"./presence-core/index.js"') });
    cpSync(new URL("presence-core", MODULES), new URL("presence-core", folder), { recursive: true });
    await assertFolderRuns(folder, { "content-security-policy": CSP });
  });

  test("without a bundler, the file apart", async () => {
    const main = QUICK_START.replace('"presence-core"', '"./presence-core/slim.js"').replace("init()", 'init(new URL("presence-core/presence-core.wasm", import.meta.url))');
    const folder = program("slim", { "index.html": PAGE, "main.js": main });
    cpSync(new URL("presence-core", MODULES), new URL("presence-core", folder), { recursive: true });
    await assertFolderRuns(folder, { "content-security-policy": CSP });
  });

  test("a worker", async () => {
    const main = 'new Worker(new URL("./worker.js", import.meta.url), { type: "module" });';
    const folder = program("worker", { "index.html": PAGE, "main.js": main, "worker.js": QUICK_START });
    const { build } = await load("vite8/dist/node/index.js");
    await build({ root: path(folder), logLevel: "error", configFile: false });
    await assertFolderRuns(new URL("dist/", folder));
  });
});

describe("servers", () => {
  const node = (file, folder) => run(process.execPath, [file], folder);

  for (const [version, executable] of [["20.0", bin("node")], ["of the tests", process.execPath]]) {
    test(`Node ${version}, as a module and as CommonJS`, () => {
      const folder = program("node", { "main.js": QUICK_START, "main.cjs": COMMON_JS });
      assertRan(run(executable, ["main.js"], folder));
      assertRan(run(executable, ["main.cjs"], folder));
    });
  }

  test("Node, with two entries, as a module and as CommonJS", () => {
    const common = TWO_ENTRIES.replaceAll(/import (\{.*\}) from (".*");/g, "const $1 = require($2);");
    const end = "\nsetTimeout(() => process.exit(), 100);";
    const folder = program("node-entries", { "main.js": TWO_ENTRIES + end, "main.cjs": common + end });
    assert.match(node("main.js", folder), /^sent setPresence$/m);
    assert.match(node("main.cjs", folder), /^sent setPresence$/m);
  });

  test("Node, in a worker", () => {
    const main = 'new (require("node:worker_threads").Worker)(require("node:path").join(__dirname, "worker.cjs"));';
    assertRan(node("main.cjs", program("node-worker", { "main.cjs": main, "worker.cjs": COMMON_JS })));
  });

  for (const format of ["esm", "cjs"]) {
    for (const [kind, source] of [["module", QUICK_START], ["CommonJS", COMMON_JS]]) {
      test(`esbuild, ${kind} to ${format}`, () => {
        const folder = program(`esbuild-${format}-${kind}`, { [kind === "module" ? "main.js" : "main.cjs"]: source });
        const extension = format === "cjs" ? "cjs" : "mjs";
        run(bin("esbuild"), [kind === "module" ? "main.js" : "main.cjs", "--bundle", "--platform=node", `--format=${format}`, `--outfile=dist/main.${extension}`], folder);
        assertRan(node(`dist/main.${extension}`, folder));
      });
    }
  }

  test("webpack", async () => {
    const folder = program("webpack-node", { "main.js": QUICK_START });
    await webpack({ context: path(folder), target: "node20", entry: "./main.js", output: { path: path(new URL("dist", folder)), filename: "main.cjs" } });
    assertRan(node("dist/main.cjs", folder));
  });

  test("Rollup", async () => {
    const folder = program("rollup-node", { "main.js": QUICK_START });
    await rollup({ file: path(new URL("dist/main.mjs", folder)), format: "es" }, { exportConditions: ["node"] });
    assertRan(node("dist/main.mjs", folder));
  });

  test("Bun", () => {
    assertRan(run(bin("bun"), ["main.js"], program("bun", { "main.js": QUICK_START })));
  });

  test("Deno", () => {
    assertRan(run(bin("deno"), ["run", "--allow-read", "--no-lock", "--node-modules-dir=manual", "main.js"], program("deno", { "main.js": QUICK_START })));
  });
});

describe("test runners", () => {
  for (const environment of ["node", "jsdom"]) {
    test(`Jest with ${environment}`, () => {
      const main = `test("quick start", async () => {\nconst lines = [];\nconst console = { log: (line) => lines.push(String(line)) };\n${COMMON_JS.replace("start();", "await start();")}\nexpect(lines.slice(0, 3)).toEqual(${JSON.stringify(EXPECTED)});\n});`;
      const folder = program(`jest-${environment}`, { "main.test.cjs": main });
      run(bin("jest"), ["--rootDir=.", `--env=${environment}`, "--testMatch=**/*.test.cjs", "--testPathIgnorePatterns=^$"], folder);
    });
  }

  test("Vitest", () => {
    const main = `import { expect, test } from "vitest";\n${QUICK_START.replace("start();", "")}\ntest("quick start", start);`;
    run(bin("vitest"), ["run", "--root=."], program("vitest", { "main.test.js": main, "vitest.config.js": "export default { test: { include: ['*.test.js'] } };" }));
  });
});

test("Next.js, in a server component, in a client component and with next start", async () => {
  const folder = program("next", {
    "package.json": "{}",
    "next.config.js": "module.exports = { turbopack: { root: require('node:path').join(__dirname, '..') } };",
    "app/layout.js": "export default function Layout({ children }) { return <html><body>{children}</body></html>; }",
    "app/quick-start.js": QUICK_START,
    "app/server/page.js": 'import "../quick-start.js";\nexport const dynamic = "force-dynamic";\nexport default function Page() { return <p>server</p>; }',
    "app/client/page.js": '"use client";\nimport "../quick-start.js";\nexport default function Page() { return <p>client</p>; }',
  });
  run(bin("next"), ["build"], folder);
  const server = spawn(process.execPath, [bin("next"), "start", "--hostname=127.0.0.1", "--port=0"], { cwd: path(folder), env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" } });
  let output = "";
  const wrote = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => pattern.test(output) && resolve(pattern.exec(output));
      server.stdout.on("data", look);
      look();
      setTimeout(() => reject(new Error(`expected ${pattern} in ${output}`)), 60_000).unref();
    });
  server.stdout.on("data", (data) => (output += data));
  server.stderr.on("data", (data) => (output += data));
  try {
    const [address] = await wrote(/http:\/\/127\.0\.0\.1:\d+/);
    assert.match(await (await fetch(`${address}/server`)).text(), /<p>server<\/p>/);
    await wrote(/Available until .* after that\./);
    assertRan(output.slice(output.search(/^Available$/m)));
    await assertPageRuns(`${address}/client`);
  } finally {
    server.kill();
  }
});

describe("the package", () => {
  test("is clean for publint", () => {
    run(bin("publint"), ["--strict", "presence-core"], MODULES);
  });

  test("has types that fit wherever they are resolved", () => {
    run(bin("attw"), ["--pack", "presence-core"], MODULES);
  });
});

async function webpack(options) {
  const stats = await new Promise((resolve, reject) => {
    require("webpack")({ mode: "production", ...options }, (error, stats) => (error === null ? resolve(stats) : reject(error)));
  });
  assert.ok(!stats.hasErrors(), stats.toString());
}

async function rollup(output, options) {
  const [{ rollup }, { nodeResolve }] = await Promise.all([load("rollup/dist/es/rollup.js"), load("@rollup/plugin-node-resolve/dist/es/index.js")]);
  const input = path(new URL(`${output.file.includes("rollup-node") ? "rollup-node" : "rollup"}/main.js`, ROOT));
  const bundle = await rollup({ input, plugins: [nodeResolve(options)] });
  await bundle.write(output);
}
