// The declarations: a program that uses every function is checked by `tsc --strict` and runs.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import * as exported from "presence-core";
import * as keepAlive from "presence-core/keep-alive";

const web = fileURLToPath(new URL("..", import.meta.url));
const run = (program, ...args) => execFileSync(program, args, { cwd: web, encoding: "utf8" });

const PROGRAM = [
  "404 NotFound session not found: it was never set, was cleared, or has expired",
  "setPresence null InACall 1200000 clearPresence Busy InACall 1795168800000 1 InACall null InACall phone claims InACall Offline",
];

test("a program that uses every function has no type errors and runs", () => {
  run("npx", "tsc", "--strict", "--project", ".");
  assert.deepEqual(run(process.execPath, "target/ts/program.js").trim().split("\n"), PROGRAM);
});

test("a program in CommonJS has no type errors and runs", () => {
  const source = readFileSync(new URL("program.ts", import.meta.url), "utf8");
  const [start, end] = [source.indexOf("await init()"), source.indexOf("export function keep")];
  const body = `export async function start() {\n${source.slice(start, end)}\nreturn interval;\n}`.replace("// @ts-expect-error Graph's", "// @ts-expect-error Graph's");
  mkdirSync(new URL("../target/cjs/", import.meta.url), { recursive: true });
  writeFileSync(new URL("../target/cjs/program.cts", import.meta.url), `${source.slice(0, start)}${body}\nstart().then(console.log);\n`);
  run("npx", "tsc", "--strict", "--module", "node20", "--target", "es2022", "--types", "node", "--skipLibCheck", "false", "--ignoreConfig", "target/cjs/program.cts");
  assert.equal(run(process.execPath, "target/cjs/program.cjs"), "1200000\n");
});

test("the declarations need no types of a page, of Node or of a new JavaScript", () => {
  const entries = ["index", "slim", "keep-alive"].map((entry) => `pkg/${entry}.d.ts`);
  run("npx", "tsc", "--strict", "--noEmit", "--lib", "es2022", "--types", "", "--skipLibCheck", "false", "--module", "nodenext", "--ignoreConfig", ...entries);
});

test("the programs of the README have no type errors", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const folder = new URL("../target/readme/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const names = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, program], index) => {
    writeFileSync(new URL(`program-${index}.mts`, folder), program);
    return `target/readme/program-${index}.mts`;
  });
  assert.equal(names.length, 3);
  run("npx", "tsc", "--strict", "--noEmit", "--lib", "es2022,dom", "--types", "", "--module", "nodenext", "--ignoreConfig", ...names);
});

test("the program names everything that the package has", () => {
  const program = readFileSync(new URL("program.ts", import.meta.url), "utf8");
  const methods = Object.getOwnPropertyNames(exported.PresenceModel.prototype);
  for (const name of [...Object.keys(exported), ...Object.keys(keepAlive), ...methods]) {
    assert.ok(name === "constructor" || program.includes(name), name);
  }
});
