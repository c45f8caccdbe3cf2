// The program that builds the package.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const BUILD = fileURLToPath(new URL("../build.mjs", import.meta.url));

/** Builds with this program in place of `rustc`, and returns what is said. */
function build(rustc) {
  const folder = mkdtempSync(join(tmpdir(), "presence-"));
  try {
    if (rustc !== undefined) {
      writeFileSync(join(folder, "rustc"), rustc);
      chmodSync(join(folder, "rustc"), 0o755);
    }
    const { status, stderr } = spawnSync(process.execPath, [BUILD], { env: { PATH: folder }, encoding: "utf8" });
    return [status, stderr];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("without the target for WebAssembly, nothing is compiled and the build says what is missing", () => {
  const message = "Rust has no target wasm32-unknown-unknown here: rustup target add wasm32-unknown-unknown\n";
  assert.deepEqual(build("#!/bin/sh\necho /nowhere\n"), [1, message]);
});

test("without Rust, the build says so", () => {
  assert.deepEqual(build(undefined), [1, "Rust is missing: see https://rustup.rs\n"]);
});
