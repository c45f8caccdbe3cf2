// The playground in Chromium.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { serve } from "./server.mjs";

const WEB = new URL("..", import.meta.url);
const read = (path) => readFileSync(new URL(path, WEB), "utf8");
const AXE = read("node_modules/axe-core/axe.min.js");
const LOG = read("../teams-day.jsonl");
const SHOTS = fileURLToPath(new URL("shots/", WEB));

let browser;
let server;

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  server = await serve(WEB);
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  server?.stop();
});

describe("presets", () => {
  const table = read("playground/vectors.txt").trim();

  test("are the crate's vectors", () => {
    const source = read("../../tests/vectors.rs");
    assert.equal(/const VECTORS: &str = "([^"]*)"/.exec(source)[1].trim(), table);
  });

  test("show what the vectors say", async () => {
    await withPage({}, async (page) => {
      const vectors = table.split("\n\n");
      for (const vector of vectors) {
        const [title, ...rows] = vector.split("\n");
        await page.selectOption("#vectors", { label: title });
        const checks = page.locator("#checks button");
        assert.equal(await checks.count(), rows.length, title);
        assert.equal(await page.locator("#checks .right").count(), rows.length, title);
        // The rows without a command, which no later command of the same time follows.
        for (const [row, text] of rows.entries()) {
          const [, command, , pair] = text.split("|").map((cell) => cell.trim());
          if (command === "" || row === rows.length - 1) {
            await checks.nth(row).click();
            assert.equal(await presence(page), pair.split("/")[1], `${title}: ${text}`);
          }
        }
      }
    });
  });

  test("answer the questions", async () => {
    await withPage({}, async (page) => {
      assert.equal(await presence(page), "Away");
      assert.match(await sentence(page), /because session "laptop" was last refreshed at 09:00\. Offline after that\./);
      await page.getByRole("button", { name: "Why am I Offline?" }).click();
      assert.equal(await presence(page), "Offline");
      assert.match(await sentence(page), /no session exists\. The preference Busy waits for one until 11:00/);
      await page.getByRole("button", { name: "Why does the other session win?" }).click();
      assert.equal(await presence(page), "Presenting");
      assert.match(await sentence(page), /because session "room" .* Other sessions: "phone" \(InACall\), "laptop" \(Available\)/);
      await page.getByRole("button", { name: "What if the clock is set back?" }).click();
      assert.equal(await presence(page), "InACall");
      assert.match(await sentence(page), /InACall until 09:50, because session "phone" claims it/);
    });
  });
});

describe("the clock", () => {
  test("is dragged: the band and the sentence change", async () => {
    await withPage({}, async (page) => {
      const past = () => page.locator(".effective .bar.past").evaluateAll((bars) => bars.map((bar) => bar.classList[1]));
      const ahead = () => page.locator(".effective .bar.ahead").evaluateAll((bars) => bars.map((bar) => bar.classList[1]));
      assert.deepEqual([await past(), await ahead()], [["Available", "AvailableInactive", "Away"], ["Away", "Offline"]]);
      const before = await sentence(page);

      await drag(page, "09:30", "10:03");
      assert.equal(await presence(page), "Offline");
      assert.deepEqual([await past(), await ahead()], [["Available", "AvailableInactive", "Away", "Offline"], ["Offline"]]);

      await drag(page, "10:03", "09:02");
      assert.equal(await presence(page), "Available");
      assert.deepEqual([await past(), await ahead()], [["Available"], ["Available", "AvailableInactive", "Away", "Offline"]]);
      assert.notEqual(await sentence(page), before);
    });
  });

  test("is a slider for the keyboard and for screen readers", async () => {
    await withPage({}, async (page) => {
      const slider = page.getByRole("slider", { name: "Clock" });
      assert.equal(await slider.getAttribute("aria-valuetext"), "09:12 UTC, Away");
      await slider.focus();
      await page.keyboard.press("ArrowLeft");
      assert.equal(await slider.getAttribute("aria-valuetext"), "09:11 UTC, Away");
      await page.keyboard.press("PageDown");
      assert.equal(await slider.getAttribute("aria-valuetext"), "09:01 UTC, Available");
      await page.keyboard.press("Shift+ArrowRight");
      assert.equal(await slider.getAttribute("aria-valuetext"), "09:01:01 UTC, Available");
    });
  });

  test("jumps to the changes", async () => {
    await withPage({}, async (page) => {
      const next = page.getByRole("button", { name: "Next change" });
      const previous = page.getByRole("button", { name: "Previous change" });
      await next.click();
      assert.deepEqual([await presence(page), await clock(page)], ["Offline", "10:00"]);
      await previous.click();
      await previous.click();
      assert.deepEqual([await presence(page), await clock(page)], ["AvailableInactive", "09:05"]);
    });
  });

  test("plays, and refreshes a session on the way", async () => {
    await withPage({}, async (page) => {
      await page.getByLabel("Keep refreshing laptop").check();
      assert.equal(await presence(page), "Available");
      await page.selectOption("#speed", "3600");
      await page.getByRole("button", { name: "Play" }).click();
      await page.waitForFunction(() => document.querySelectorAll("#requests li").length > 40);
      await page.getByRole("button", { name: "Pause" }).click();
      assert.equal(await presence(page), "Available");
      const statuses = await page.locator("#requests li").allInnerTexts();
      assert.ok(statuses.every((row) => row.includes("set laptop Available PT1H") && row.includes("200")));
    });
  });

  test("is set back: what starts in the future moves with it", async () => {
    await withPage({}, async (page) => {
      await page.getByRole("button", { name: "What if the clock is set back?" }).click();
      assert.match(await lane(page, "phone"), /ends 09:50 · InACall/);
      await drag(page, "09:20", "09:10");
      assert.match(await lane(page, "phone"), /ends 09:40 · InACall/);
      await page.getByLabel("looks at the past").check();
      assert.match(await lane(page, "laptop"), /ends 10:00 · Away/);
      assert.equal(await presence(page), "Away");
    });
  });
});

describe("requests", () => {
  test("show their body, and the status that comes back", async () => {
    await withPage({}, async (page) => {
      await page.fill("#session", "phone");
      await page.selectOption("#pair", "Busy/InACall");
      await page.fill("#expiration", "PT5M");
      assert.equal(await page.locator("#path").innerText(), "POST /users/ana/presence/setPresence");
      assert.deepEqual(JSON.parse(await page.inputValue("#body")), {
        sessionId: "phone",
        availability: "Busy",
        activity: "InACall",
        expirationDuration: "PT5M",
      });
      await page.getByRole("button", { name: "Send at 09:12" }).click();
      assert.equal(await page.locator("#answer").innerText(), "→ 200");
      assert.equal(await presence(page), "InACall");
      assert.match(await lane(page, "phone"), /ends 09:17 · InACall/);
      await page.getByRole("button", { name: "Refresh laptop" }).click();
      assert.equal(JSON.parse(await page.inputValue("#body")).sessionId, "laptop");
      await page.getByRole("button", { name: "Clear phone" }).click();
      assert.equal(await presence(page), "Available");
    });
  });

  test("that are rejected show Graph's error and change nothing", async () => {
    await withPage({}, async (page) => {
      const rejected = [
        ["setPresence", '{"sessionId":"laptop","availability":"Busy","activity":"Busy"}', "400", /"code":"InvalidArgument","message":"\[Availability\], \[Activity\]: invalid presence Busy\/Busy, /],
        ["setPresence", '{"sessionId":"laptop","availability":"Away","activity":"Away","expirationDuration":"PT1M"}', "400", /The provided \[ExpirationDuration\] is out of range\./],
        ["clearPresence", "{}", "400", /\[SessionId\]: The SessionId field is required\./],
        ["clearPresence", '{"sessionId":"tablet"}', "404", /"code":"NotFound","message":"session not found/],
        ["setUserPreferredPresence", "no JSON", "400", /invalid body: /],
      ];
      await page.locator("#snapshot summary").click();
      // The page hears of it a moment later.
      await page.waitForFunction(() => document.querySelector("#stored").value !== "");
      const before = [await page.inputValue("#stored"), await sentence(page), await presence(page)];
      for (const [action, body, status, message] of rejected) {
        await page.selectOption("#action", action);
        await page.fill("#body", body);
        await page.locator("#form .primary").click();
        const answer = await page.locator("#answer").innerText();
        assert.ok(answer.startsWith(`→ ${status} {"error":`), answer);
        assert.match(answer, message);
        assert.deepEqual([await page.inputValue("#stored"), await sentence(page), await presence(page)], before);
      }
      assert.equal(await page.locator("#requests .bad").count(), rejected.length * 2);
    });
  });

  test("that are sent in the past replace what came later, and Back brings it back", async () => {
    await withPage({}, async (page) => {
      await page.getByRole("button", { name: "Why does the other session win?" }).click();
      await settled(page);
      await drag(page, "09:08", "09:01");
      assert.equal(await page.locator("#warning").isVisible(), true);
      await page.selectOption("#action", "clearPresence");
      await page.fill("#session", "room");
      await page.locator("#form .primary").click();
      assert.equal(await presence(page), "Offline");
      assert.equal(await page.locator("#requests li").count(), 2);
      await settled(page);
      await page.goBack();
      await page.waitForFunction(() => document.querySelectorAll("#requests li").length === 3);
      assert.equal(await presence(page), "Presenting");
    });
  });
});

describe("the state", () => {
  test("is in the address: a link restores it", async () => {
    await withPage({}, async (page) => {
      await page.getByRole("button", { name: "Why does the other session win?" }).click();
      await page.getByLabel("Keep refreshing laptop").check();
      await drag(page, "09:08", "09:40");
      await settled(page);
      const seen = [await presence(page), await sentence(page), await clock(page), await page.locator("#requests").innerText()];
      const address = page.url();
      assert.ok(address.length < 1500, `${address.length} characters`);
      await withPage({ address }, async (other) => {
        const restored = [await presence(other), await sentence(other), await clock(other), await other.locator("#requests").innerText()];
        assert.deepEqual(restored, seen);
        assert.equal(await other.getByLabel("Keep refreshing laptop").isChecked(), true);
      });
    });
  });

  test("is a preset if the address cannot be read", async () => {
    await withPage({ address: `${server.address}/playground/#nonsense` }, async (page) => {
      assert.equal(await presence(page), "Away");
      assert.match(await page.locator("#shared").innerText(), /could not be read/);
    });
  });

  test("starts from a snapshot, unless no model can have stored it", async () => {
    await withPage({}, async (page) => {
      await page.locator("#snapshot summary").click();
      await page.waitForFunction(() => document.querySelector("#stored").value !== "");
      await page.fill("#stored", read("../../tests/snapshot/v1.json"));
      await page.getByRole("button", { name: "Start from this snapshot" }).click();
      assert.equal(await page.locator("#restored").innerText(), "Restored.");
      await page.fill("#stored", '{"v1":{}}');
      await page.getByRole("button", { name: "Start from this snapshot" }).click();
      assert.match(await page.locator("#restored").innerText(), /^invalid snapshot: /);
    });
  });
});

describe("the log of a replay", () => {
  const golden = read("../../tests/replay/teams-day.jsonl").trim().split("\n").map((line) => JSON.parse(line));

  test("is dropped on the page, and each of its users looked at", async () => {
    await withPage({}, async (page) => {
      await dropLog(page, LOG);
      assert.equal(await page.locator("#loaded").textContent(), "4 users. 1 line could not be read.");
      const users = [...new Set(golden.map(({ user }) => user).filter(Boolean))].sort();
      assert.deepEqual(await page.locator("#users option").allInnerTexts(), users);
      const lines = LOG.split("\n");
      for (const user of users) {
        await page.selectOption("#users", user);
        const answers = golden.filter(({ line }) => line !== undefined && lines[line - 1].includes(`"user":"${user}"`));
        const readable = answers.filter(({ error }) => error?.message !== "EOF while parsing an object");
        const rows = await page.locator("#requests li").evaluateAll((rows) =>
          rows.reverse().map((row) => [row.querySelector("svg")?.classList[0] ?? null, Number(row.innerText.slice(-3))]),
        );
        assert.deepEqual(rows, readable.map(({ activity, status }) => [activity ?? null, status]), user);

        // The changes between the requests: the sentence and the presence, at their times.
        for (const change of golden.filter((record) => record.user === user && record.line === undefined)) {
          await goTo(page, change.at.slice(11, 19));
          assert.equal(await presence(page), change.activity, `${user} ${change.at}`);
        }
      }
    });
  });

  test("without a request in it is none", async () => {
    await withPage({}, async (page) => {
      await dropLog(page, "hello\n{}\n");
      assert.equal(await page.locator("#loaded").textContent(), "No requests were found in it.");
      assert.equal(await presence(page), "Away");
    });
  });
});

describe("the page", () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      test(`is accessible, and fits: ${colorScheme}, ${width} pixels wide`, async () => {
        await withPage({ colorScheme, viewport: { width, height: 900 } }, async (page) => {
          const states = {
            away: () => page.getByRole("button", { name: "Why am I Away?" }).click(),
            wins: () => page.getByRole("button", { name: "Why does the other session win?" }).click(),
            vector: () => page.selectOption("#vectors", { index: 11 }),
            log: () => dropLog(page, LOG),
          };
          for (const [name, open] of Object.entries(states)) {
            await open();
            await page.screenshot({ path: `${SHOTS}${name}-${colorScheme}-${width}.png`, fullPage: true });
            const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert.ok(overflow <= 0, `${name} is ${overflow} pixels too wide`);
            await page.evaluate(AXE);
            const { violations } = await page.evaluate("axe.run()");
            assert.deepEqual(violations.map(({ id, nodes }) => `${name}: ${id} ${nodes[0].html}`), []);
          }
        });
      });
    }
  }

  test("is operated by the keyboard alone", async () => {
    await withPage({}, async (page) => {
      const reached = new Set();
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press("Tab");
        reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("aria-label") || document.activeElement.textContent.trim()));
      }
      for (const control of ["vectors", "play", "handle", "Refresh laptop", "Clear laptop", "Keep refreshing laptop", "action", "body", "file", "share"]) {
        assert.ok(control === "file" || reached.has(control), control);
      }
    });
  });
});

/** Opens the page, and fails on any error on the console. */
async function withPage({ address = `${server.address}/playground/`, ...options }, use) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const errors = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.stack));
  page.on("requestfailed", (request) => errors.push(`${request.url()} failed`));
  try {
    await page.goto(address);
    await page.waitForSelector("html[data-ready]", { state: "attached" });
    await use(page);
  } finally {
    await context.close();
    assert.deepEqual(errors, []);
  }
}

function presence(page) {
  return page.locator("#presence").getAttribute("data-presence");
}

function sentence(page) {
  return page.locator("#why").innerText();
}

function clock(page) {
  return page.locator("#hand output").innerText();
}

function lane(page, name) {
  return page.locator(`[data-key="session ${name}"] .label`).innerText();
}

/** Drags the clock with the mouse, from one clock face to another. */
async function drag(page, from, to) {
  const { x, width, y } = await page.locator(".effective .track").boundingBox();
  const place = (face) =>
    page.evaluate((face) => {
      const { min, max } = document.querySelector("#handle");
      const at = Date.parse(`${new Date(Number(min)).toISOString().slice(0, 10)}T${face}:00Z`);
      return (at - min) / (max - min);
    }, face);
  await page.mouse.move(x + width * (await place(from)), y + 10);
  await page.mouse.down();
  await page.mouse.move(x + width * (await place(to)), y + 10, { steps: 5 });
  await page.mouse.up();
}

/** Moves the clock to a time, as assistive technology does. */
async function goTo(page, face) {
  await page.evaluate((face) => {
    const handle = document.querySelector("#handle");
    const day = new Date(Number(handle.min)).toISOString().slice(0, 10);
    handle.step = "any";
    handle.value = Date.parse(`${day}T${face}Z`);
    handle.dispatchEvent(new Event("input"));
  }, face);
}

async function dropLog(page, log) {
  await page.evaluate((log) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([log], "log.jsonl"));
    dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
  }, log);
  await page.waitForFunction(() => document.querySelector("#loaded").textContent !== "");
}

/** Waits until the state is in the address. */
async function settled(page) {
  await page.waitForTimeout(400);
}
