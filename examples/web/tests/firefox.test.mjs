// The page and the package in Firefox.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";

import puppeteer from "puppeteer-core";

import { serve } from "./server.mjs";

const WEB = new URL("..", import.meta.url);
const AXE = readFileSync(new URL("node_modules/axe-core/axe.min.js", WEB), "utf8");
const LOG = readFileSync(new URL("../teams-day.jsonl", WEB), "utf8");

let browser;
let server;

before(async () => {
  server = await serve(WEB);
  browser = await puppeteer.launch({ browser: "firefox", executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr" });
});

after(async () => {
  await browser?.close();
  server?.stop();
});

test("the quick start of the README runs in Firefox", async () => {
  const readme = readFileSync(new URL("README.md", WEB), "utf8");
  const [, script] = /```js\n(import \{ PresenceModel, init, refreshInterval \}[^]*?)```/.exec(readme);
  await withPage("", async (page) => {
    const lines = [];
    page.on("console", (message) => lines.push(message.text()));
    await page.evaluate((script) => document.head.append(Object.assign(document.createElement("script"), { type: "module", textContent: script })), script.replace('"presence-core"', '"../pkg/index.js"'));
    await until(() => lines.length === 4);
    assert.deepEqual(lines.slice(0, 3), ["Available", "100000", "Away"]);
    assert.match(lines[3], /^Available until .*because session "laptop"/);
  });
});

test("the figures move by the keyboard and by the mouse in Firefox", async () => {
  await withPage("", async (page) => {
    const presences = () => page.$$eval(".presence", (nodes) => nodes.map((node) => node.dataset.presence));
    assert.deepEqual(await presences(), ["AvailableInactive", "Available", "InACall", "DoNotDisturb", "InACall"]);
    await page.focus(".figure input");
    await page.keyboard.press("PageUp");
    await until(async () => (await presences())[0] === "Away");
    await drag(page, ".figure:nth-of-type(1) .effective .track", 0.5, 0.99);
    await until(async () => (await presences())[0] === "Offline");
  });
});

test("the playground sends, plays, reads a log and restores a link in Firefox", async () => {
  await withPage("playground.html#wins", async (page) => {
    const presence = () => page.$eval("#presence", (node) => node.dataset.presence);
    assert.equal(await presence(), "Presenting");
    await page.click("[data-do=clear]");
    await until(async () => (await presence()) === "Offline");
    await page.click("[data-do=call]");
    await until(async () => (await presence()) === "InACall");
    await drag(page, ".effective .track", 0.3, 0.98);
    await until(async () => (await presence()) === "Offline");
    await page.click("#previous");
    await page.click("#previous");
    await until(async () => (await presence()) === "InACall");
    // Until the state is in the address.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 400)));
    const [address, shown] = [page.url(), await page.$eval(".hand output", (node) => node.textContent)];
    await page.goto(`${server.address}/page/playground.html#nonsense`);
    await page.goto(address);
    await page.waitForSelector("html[data-ready]");
    await until(async () => (await page.$eval(".hand output", (node) => node.textContent)) === shown);
    assert.equal(await presence(), "InACall");
    await page.evaluate((log) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([log], "log.jsonl"));
      dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
    }, LOG);
    await page.waitForSelector("#notice:not([hidden])");
    assert.match(await page.$eval("#notice span", (node) => node.textContent), /The log has 4 users\./);
  });
});

test("the page is accessible in Firefox, and as wide as the window", async () => {
  for (const path of ["", "playground.html#wins"]) {
    for (const width of [1280, 390]) {
      await withPage(path, async (page) => {
        await page.setViewport({ width, height: 844 });
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path}, ${width}`);
        await page.evaluate(AXE);
        const violations = await page.evaluate(async () => (await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] })).violations.map(({ id, nodes }) => `${id} ${nodes[0].html}`));
        assert.deepEqual(violations, []);
      });
    }
  }
});

/** Opens a page, and fails on any error of it. */
async function withPage(path, use) {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  try {
    await page.goto(`${server.address}/page/${path}`);
    await page.waitForSelector("html[data-ready]");
    await use(page);
  } finally {
    await page.close();
    assert.deepEqual(errors, []);
  }
}

/** Drags the mouse from one part of an element to another. */
async function drag(page, selector, from, to) {
  const { x, y, width } = await (await page.$(selector)).boundingBox();
  await page.mouse.move(x + width * from, y + 8);
  await page.mouse.down();
  await page.mouse.move(x + width * to, y + 8, { steps: 4 });
  await page.mouse.up();
}

async function until(condition) {
  for (let tries = 0; !(await condition()); tries++) {
    assert.ok(tries < 200, `${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
