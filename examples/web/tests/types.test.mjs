// The declarations: a program that uses every function is checked by `tsc --strict` and runs.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import * as exported from "presence-core";

const web = fileURLToPath(new URL("..", import.meta.url));
const run = (program, ...args) => execFileSync(program, args, { cwd: web, encoding: "utf8" });

test("a program that uses every function has no type errors and runs", () => {
  run("npx", "tsc", "--strict", "--project", ".");
  const lines = run(process.execPath, "target/ts/program.js").trim().split("\n");
  assert.deepEqual(lines, [
    "404 NotFound session not found: it was never set, was cleared, or has expired",
    "InACall 1200000 clearPresence Busy InACall 1795168800000 1 InACall null InACall phone claims InACall Offline",
  ]);
});

test("the program names everything that the package has", () => {
  const program = readFileSync(new URL("program.ts", import.meta.url), "utf8");
  const methods = Object.getOwnPropertyNames(exported.PresenceModel.prototype);
  for (const name of [...Object.keys(exported), ...methods]) {
    assert.ok(name === "constructor" || program.includes(name), name);
  }
});
