// The package in a bundle: Vite finds the wasm file by itself.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";
import { build } from "vite";

import { serve } from "./server.mjs";

const DIST = new URL("../target/bundled/", import.meta.url);

test("a bundle runs in a browser", async () => {
  await build({
    root: fileURLToPath(new URL("bundled", import.meta.url)),
    logLevel: "error",
    build: { outDir: fileURLToPath(DIST), emptyOutDir: true, target: "es2022" },
  });
  const assets = readdirSync(new URL("assets", DIST));
  assert.equal(assets.filter((name) => name.endsWith(".wasm")).length, 1, assets.join(", "));

  const server = await serve(DIST);
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(server.address);
    await page.waitForFunction(() => document.querySelector("output").textContent !== "");
    assert.match(await page.locator("output").innerText(), /^InACall until 2026-11-20T09:05:00Z, because session "phone" /);
  } finally {
    await browser.close();
    server.stop();
  }
});
