// A page in Chromium keeps a session of the example server alive. The page and the server have the time of the test.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as send } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";
import { PresenceModel, presenceOf } from "presence-core";

import { serve } from "./server.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const PROGRAM = process.env.SERVER ?? fileURLToPath(new URL("../../graph-server/target/debug/presence-graph-server", import.meta.url));
const PAGE = `<!doctype html><title>Client</title><script type="module">
  import { init } from "/pkg/index.js";
  import { keepAlive } from "/pkg/keep-alive.js";
  await init();
  const [user, sessionId, shared] = location.search.slice(1).split(",");
  const address = "/v1.0/users/" + user + "/presence";
  window.kept = keepAlive({
    session: { sessionId, claim: "Available", expiration: "PT1H" },
    send: (request, signal) => fetch(address + "/" + request.action, { ...request, signal }),
    shared,
    onAnswer: ({ action, status }) => window.answers.push(action + " " + status),
  });
</script><script>window.answers = [];</script>`;

let now = Date.parse("2026-11-20T09:00:00Z");
let program;
let folder;
let files;
let proxy;
let browser;
let context;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "presence-"));
  program = spawn(PROGRAM, ["--listen=127.0.0.1:0", "--clock=header", `--data=${folder}`], { stdio: ["ignore", "pipe", "pipe"] });
  const address = await new Promise((resolve, reject) => {
    let output = "";
    const read = (data) => {
      output += data;
      const found = /127\.0\.0\.1:(\d+)/.exec(output);
      if (found !== null) {
        resolve(found[1]);
      }
    };
    program.stdout.on("data", read);
    program.stderr.on("data", read);
    program.on("error", reject);
    program.on("exit", () => reject(new Error(`the server ended: ${output}`)));
  });
  files = await serve(new URL("..", import.meta.url));
  // One origin for the page, the package and the server, whose clock is the header that is added here.
  proxy = createServer((request, response) => {
    if (request.url === "/" || request.url.startsWith("/?")) {
      response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
      return;
    }
    const target = request.url.startsWith("/v1.0") ? `http://127.0.0.1:${address}` : files.address;
    const options = { method: request.method, headers: { ...request.headers, "x-now": new Date(now).toISOString() } };
    request.pipe(
      send(`${target}${request.url}`, options, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      }).on("error", () => response.destroy()),
    );
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  files?.stop();
  proxy?.close();
  proxy?.closeAllConnections();
  program?.kill();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await context?.close();
  context = await browser.newContext();
  await context.clock.install({ time: now - MINUTE });
  await context.clock.pauseAt(now);
});

async function open(...query) {
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${proxy.address().port}/?${query}`);
  return page;
}

async function presence(user) {
  const response = await fetch(`http://127.0.0.1:${proxy.address().port}/v1.0/users/${user}/presence`);
  return presenceOf(await response.json());
}

/** Waits until the server has a presence, while its clock stands still. */
async function until(user, expected) {
  for (let time = 0; time < 200; time++) {
    if ((await presence(user)) === expected) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(await presence(user), expected);
}

/** Lets time pass for the server and for all pages. */
async function pass(milliseconds) {
  for (let passed = 0; passed < milliseconds; passed += 20 * SECOND) {
    now += 20 * SECOND;
    await context.clock.runFor(20 * SECOND);
  }
}

test("a page keeps its session, changes its claim, and clears it when it is closed", async () => {
  const page = await open("ana", "laptop");
  await until("ana", "Available");
  for (let minute = 0; minute < 20; minute++) {
    await pass(MINUTE);
    assert.equal(await presence("ana"), "Available", `after ${minute} minutes`);
  }
  await page.evaluate(() => window.kept.set({ claim: "InACall" }));
  await until("ana", "InACall");
  await page.goto("about:blank");
  await until("ana", "Offline");
});

test("a page that was asleep for three hours sets its session again", async () => {
  await open("bob", "laptop");
  await until("bob", "Available");
  now += 180 * MINUTE;
  await until("bob", "Offline");
  await context.clock.fastForward(180 * MINUTE);
  await context.clock.runFor(15 * SECOND);
  await until("bob", "Available");
});

test("two tabs share a session, which lives until the last one is closed", async () => {
  const tabs = [await open("eve", "app", "shared"), await open("eve", "app", "shared")];
  await until("eve", "Available");
  await pass(2 * MINUTE);
  const sent = await Promise.all(tabs.map((tab) => tab.evaluate(() => window.answers.length)));
  assert.deepEqual(sent.map((count) => count > 0), [true, false]);
  await tabs[1].evaluate(() => window.kept.set({ claim: "Presenting" }));
  await until("eve", "Presenting");
  await pass(MINUTE);
  await tabs[1].goto("about:blank");
  await until("eve", "Available");
  await pass(10 * MINUTE);
  assert.equal(await presence("eve"), "Available");
  await tabs[0].goto("about:blank");
  await until("eve", "Offline");
});

test("a local copy says what the server says", async () => {
  await open("lee", "laptop");
  await until("lee", "Available");
  const copy = new PresenceModel();
  copy.setSession({ sessionId: "laptop", claim: "Available", expiration: "PT1H" }, now);
  for (const minutes of [4, 5, 9, 10, 59, 60]) {
    const at = now + minutes * MINUTE;
    const start = now;
    now = at;
    assert.equal(await presence("lee"), copy.presence(at), `after ${minutes} minutes`);
    now = start;
  }
});
