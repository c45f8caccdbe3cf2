// The page in Chromium: the figures, and the playground behind them.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";

import { chromium } from "playwright-core";

import { serve } from "./server.mjs";

const WEB = new URL("..", import.meta.url);
const read = (path) => readFileSync(new URL(path, WEB), "utf8");
const AXE = read("node_modules/axe-core/axe.min.js");
const LOG = read("../teams-day.jsonl");
const SHOTS = fileURLToPath(new URL("shots/", WEB));
const QUESTIONS = ["away", "offline", "wins", "clock"];
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const NINE = Date.parse("2026-11-20T09:00:00Z");
/** How long a large log may take on a busy machine, in milliseconds. */
const LONG = 300_000;

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

describe("the figures", () => {
  const moves = {
    fades: [["08:59", "Offline"], ["09:00", "Available"], ["09:05", "AvailableInactive"], ["09:10", "Away"], ["09:59", "Away"], ["10:00", "Offline"]],
    refreshes: [["09:19", "Available"], ["09:23", "Available"], ["09:24", "AvailableInactive"], ["09:29", "Away"], ["10:19", "Offline"]],
    wins: [["09:09", "Available"], ["09:10", "InACall"], ["09:29", "InACall"], ["09:30", "Available"], ["09:59", "Available"]],
    prefers: [["09:09", "Available"], ["09:10", "DoNotDisturb"], ["09:39", "DoNotDisturb"], ["09:40", "Offline"], ["10:06", "Offline"]],
    "goes-back": [["09:31", "InACall"], ["09:15", "InACall"], ["08:59", "InACall"], ["10:00", "Offline"]],
  };

  for (const [id, steps] of Object.entries(moves)) {
    test(`${id}: the hand shows what the text says`, async () => {
      await withPage("", {}, async (page) => {
        const figure = page.locator(".figure", { has: page.locator(`#${id}`) });
        for (const [face, presence] of steps) {
          await goTo(figure, face);
          assert.equal(await figure.locator(".presence").getAttribute("data-presence"), presence, face);
        }
      });
    });
  }

  test("the call of the clock that is set back lasts half an hour wherever it is set", async () => {
    await withPage("", {}, async (page) => {
      const figure = page.locator(".figure", { has: page.locator("#goes-back") });
      for (const [face, until] of [["09:20", "until 09:50, then Offline"], ["09:10", "until 09:40, then Offline"]]) {
        await goTo(figure, face);
        assert.equal(await figure.locator(".now span").innerText(), until);
      }
    });
  });

  test("are sliders for the keyboard and for screen readers, and lead to the rules and to scenes", async () => {
    await withPage("", {}, async (page) => {
      const slider = page.getByRole("slider", { name: "Clock of “1. A session fades”" });
      assert.equal(await slider.getAttribute("aria-valuetext"), "09:07 UTC, Available, idle");
      await slider.focus();
      await page.keyboard.press("PageUp");
      await page.waitForFunction(() => document.activeElement.getAttribute("aria-valuetext") === "09:17 UTC, Away");
      assert.equal(await page.getByRole("slider").count(), 5);
      const rules = read("../../src/docs/rules.md");
      for (const link of await page.locator(".figure .more a").all()) {
        const [page, anchor] = (await link.getAttribute("href")).split("#");
        assert.ok(page === "playground.html" ? QUESTIONS.includes(anchor) : rules.includes(`id="${anchor}"`), anchor);
      }
      await page.getByRole("link", { name: "Try it in the playground" }).nth(2).click();
      await page.waitForSelector("html[data-ready]", { state: "attached" });
      assert.equal(await presence(page), "Presenting");
    });
  });
});

describe("scenes", () => {
  const table = read("page/vectors.txt").trim();

  test("are the crate's vectors", () => {
    const source = read("../../tests/vectors.rs");
    assert.equal(/const VECTORS: &str = "([^"]*)"/.exec(source)[1].trim(), table);
  });

  test("show what the vectors say", async () => {
    await withPlayground({}, async (page) => {
      for (const vector of table.split("\n\n")) {
        const [title, ...rows] = vector.split("\n");
        await page.selectOption("#presets", { label: title });
        const checks = page.locator("#checks button");
        assert.equal(await checks.count(), rows.length, title);
        assert.equal(await page.locator("#checks .right").count(), rows.length, title);
        // The rows without a command, which no later command of the same time follows.
        for (const [row, text] of rows.entries()) {
          const [, command, , pair] = text.split("|").map((cell) => cell.trim());
          if (command === "" || row === rows.length - 1) {
            await checks.nth(row).click();
            assert.equal(await page.locator("#pair").innerText(), `Graph: ${pair}`, `${title}: ${text}`);
          }
        }
      }
    });
  });

  test("answer the questions", async () => {
    const answers = {
      away: ["Away", /“laptop” said “Available” at 09:00, and not again, so that has faded\./],
      offline: ["Offline", /no session exists\. “Busy” waits for one\.$/],
      wins: ["Presenting", /“meeting room” said “Presenting” at 09:00\. It is the strongest of 3 sessions\./],
      clock: ["InACall", /“phone” said “In a call” at 09:20\./],
    };
    await withPlayground({}, async (page) => {
      for (const [id, [shown, why]] of Object.entries(answers)) {
        await page.selectOption("#presets", id);
        assert.equal(await presence(page), shown);
        assert.match(await sentence(page), why);
      }
    });
  });

  test("have steps, which are ticked off", async () => {
    const done = (page) => page.locator("#steps li").evaluateAll((steps) => steps.map((step) => step.classList.contains("done")));
    await withPlayground({}, async (page) => {
      assert.deepEqual(await done(page), [false, false, false]);
      await goTo(page, "09:04");
      assert.deepEqual(await done(page), [true, false, false]);
      await goTo(page, "10:01");
      await page.getByLabel("Keep refreshing laptop").check();
      assert.deepEqual(await done(page), [true, true, true]);
      await page.selectOption("#presets", "offline");
      await page.getByRole("button", { name: "laptop: Available" }).click();
      await page.getByRole("button", { name: "Clear laptop" }).click();
      assert.deepEqual(await done(page), [true, true]);
      await page.selectOption("#presets", "wins");
      await goTo(page, "09:20");
      await goTo(page, "09:40");
      assert.deepEqual(await done(page), [true, true]);
      await page.selectOption("#presets", "clock");
      await goTo(page, "09:10");
      await page.getByRole("switch", { name: "The computer's clock is wrong" }).uncheck();
      await goTo(page, "09:05");
      assert.deepEqual(await done(page), [true, true]);
    });
  });

  test("name what is on screen, the strongest first", async () => {
    await withPlayground({ hash: "wins" }, async (page) => {
      assert.deepEqual(await page.locator("#strengths li").allInnerTexts(), ["Presenting", "In a call", "Available", "Available, idle", "Away", "Offline"]);
    });
  });
});

describe("the clock", () => {
  test("is drawn and dragged before the browser reports its width", async () => {
    await withPlayground({ init: () => (window.ResizeObserver = class { observe() {} }) }, async (page) => {
      assert.equal(await page.locator(".effective .bar").count(), 4);
      await drag(page, "09:30", "09:02");
      assert.equal(await clock(page), "09:02");
    });
  });

  test("is dragged: the band and the sentence change", async () => {
    await withPlayground({}, async (page) => {
      const bars = () => page.locator(".effective .bar").evaluateAll((bars) => bars.map((bar) => bar.classList[1]));
      assert.deepEqual(await bars(), ["Available", "AvailableInactive", "Away", "Offline"]);
      const before = await sentence(page);
      await drag(page, "09:30", "10:03");
      assert.equal(await presence(page), "Offline");
      await drag(page, "10:03", "09:02");
      assert.equal(await presence(page), "Available");
      assert.deepEqual(await bars(), ["Available", "AvailableInactive", "Away", "Offline"]);
      assert.notEqual(await sentence(page), before);
    });
  });

  test("is a slider for the keyboard and for screen readers", async () => {
    await withPlayground({}, async (page) => {
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
    await withPlayground({}, async (page) => {
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
    await withPlayground({}, async (page) => {
      await page.getByLabel("Keep refreshing laptop").check();
      assert.equal(await presence(page), "Available");
      await page.selectOption("#speed", "3600");
      await page.getByRole("button", { name: "Play" }).click();
      await page.waitForFunction(() => Number(document.querySelector("#counted").textContent) > 60);
      await page.getByRole("button", { name: "Pause" }).click();
      assert.equal(await presence(page), "Available");
      await open(page, "log");
      await settled(page);
      const rows = await requests(page);
      assert.ok(rows.length > 40 && rows.every((row) => row.includes("set laptop Available PT1H") && row.includes("200")));
    });
  });

  test("is set back: what starts in the future moves with it", async () => {
    await withPlayground({ hash: "clock" }, async (page) => {
      assert.match(await lane(page, "phone"), /ends 09:50, said In a call/);
      await drag(page, "09:20", "09:10");
      assert.match(await lane(page, "phone"), /ends 09:40, said In a call/);
      await page.getByRole("switch", { name: "The computer's clock is wrong" }).uncheck();
      await drag(page, "09:10", "09:05");
      assert.match(await lane(page, "laptop"), /ends 10:00, said Away/);
      assert.equal(await presence(page), "Away");
      await page.getByRole("button", { name: "Next change" }).click();
      assert.deepEqual([await presence(page), await clock(page)], ["InACall", "09:10"]);
      await page.getByRole("button", { name: "Next change" }).click();
      assert.deepEqual([await presence(page), await clock(page)], ["Away", "09:40"]);
    });
  });

  test("stays where it is while a finger scrolls, and moves by a tap, along a lane and at the hand", async () => {
    await withPlayground(PHONE, async (page) => {
      const touch = await page.context().newCDPSession(page);
      const send = (type, ...points) => touch.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y]) => ({ x, y })) });
      const { x, y, width, height } = await page.locator(".effective .track").boundingBox();
      const middle = y + height / 2;
      await send("touchStart", [x + width * 0.7, middle]);
      for (let up = 10; up <= 120; up += 10) {
        await send("touchMove", [x + width * 0.7, middle - up]);
      }
      await send("touchEnd");
      assert.equal(await clock(page), "09:12");
      // The page scrolls on for a moment.
      await settled(page);
      assert.ok((await page.evaluate(() => scrollY)) > 50);
      await page.evaluate(() => scrollTo(0, 0));
      await page.waitForFunction(() => scrollY === 0);

      await page.touchscreen.tap(x + width * 0.98, middle);
      assert.equal(await presence(page), "Offline");
      await send("touchStart", [x + width * 0.9, middle]);
      for (let part = 0.9; part >= 0.1; part -= 0.1) {
        await send("touchMove", [x + width * part, middle]);
      }
      await send("touchEnd");
      assert.equal(await presence(page), "Available");
      const hand = await page.locator(".hand output").boundingBox();
      const [handX, handY] = [hand.x + hand.width / 2, hand.y + hand.height / 2];
      await send("touchStart", [handX, handY]);
      await send("touchMove", [x + width * 0.5, handY]);
      await send("touchEnd");
      assert.equal(await presence(page), "Away");
    });
  });

  test("is put back if a drag is cancelled", async () => {
    await withPlayground({}, async (page) => {
      const { x, width, y } = await page.locator(".effective .track").boundingBox();
      await page.mouse.move(x + width * 0.5, y + 10);
      await page.mouse.down();
      await page.mouse.move(x + width * 0.9, y + 10);
      await page.evaluate(() => dispatchEvent(new PointerEvent("pointercancel", { pointerId: 1 })));
      assert.equal(await clock(page), "09:12");
      await page.mouse.up();
    });
  });
});

describe("a move of the hand", () => {
  for (const sessions of [50, 128]) {
    test(`touches only what has changed, with ${sessions} sessions`, async () => {
      await withPlayground({ hash: many(sessions) }, async (page) => {
        assert.equal(await page.locator(".lane").count(), sessions);
        // No session fades or ends between 09:03 and 09:04.
        await goTo(page, "09:03");
        const touched = await touchedBy(page, () => goTo(page, "09:04"));
        assert.ok(touched > 0 && touched <= 12, `${touched} elements`);
      });
    });
  }

  test("draws no lanes that are far off the screen", async () => {
    await withPlayground({ hash: many(128), viewport: { width: 1280, height: 500 } }, async (page) => {
      const drawn = () => page.locator(".lane .track").evaluateAll((tracks) => tracks.filter((track) => track.firstElementChild.checkVisibility({ contentVisibilityAuto: true })).length);
      assert.ok((await drawn()) < 100, `${await drawn()} lanes`);
      const last = page.locator(".lane .bar").last();
      await last.scrollIntoViewIfNeeded();
      await page.waitForFunction((bar) => bar.checkVisibility({ contentVisibilityAuto: true }), await last.elementHandle());
    });
  });

  test("that crosses a request draws the lanes that it changes, and no other", async () => {
    await withPlayground({ hash: many(50) }, async (page) => {
      await page.getByRole("button", { name: "phone: In a call" }).click();
      await goTo(page, "09:11");
      const touched = await touchedBy(page, () => goTo(page, "09:09:50"));
      assert.ok(touched > 0 && touched <= 30, `${touched} elements`);
    });
  });

  test("is drawn once a frame, however many events come", async () => {
    await withPlayground({}, async (page) => {
      const { x, y, width } = await page.locator(".effective .track").boundingBox();
      const draws = await page.evaluate(
        async ([x, y, width]) => {
          const handle = document.querySelector(".area input");
          let draws = 0;
          new MutationObserver(() => (draws += 1)).observe(handle, { attributeFilter: ["aria-valuetext"] });
          const track = document.querySelector(".effective .track");
          const at = (part) => ({ clientX: x + width * part, clientY: y + 5, bubbles: true, pointerId: 1, pointerType: "mouse", buttons: 1 });
          track.dispatchEvent(new PointerEvent("pointerdown", at(0.2)));
          for (let event = 0; event < 200; event++) {
            dispatchEvent(new PointerEvent("pointermove", at(0.2 + event / 400)));
          }
          await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
          dispatchEvent(new PointerEvent("pointercancel", at(0)));
          return draws;
        },
        [x, y, width],
      );
      assert.ok(draws <= 2, `${draws} draws`);
    });
  });
});

describe("requests", () => {
  test("are sent at the hand, beside the lanes that they change", async () => {
    await withPlayground({}, async (page) => {
      await page.getByRole("button", { name: "phone: In a call" }).click();
      assert.equal(await presence(page), "InACall");
      assert.match(await lane(page, "phone"), /^phone\nends 09:42, said In a call\n/);
      await page.getByRole("button", { name: "choose Busy" }).click();
      assert.equal(await presence(page), "Busy");
      await page.getByRole("button", { name: "laptop: Available" }).click();
      assert.equal(await presence(page), "Busy");
      await page.getByRole("button", { name: "clear all" }).click();
      assert.equal(await presence(page), "Offline");
      const [lanes, actions] = [await page.locator(".rows").boundingBox(), await page.locator("#actions").boundingBox()];
      assert.ok(actions.y - (lanes.y + lanes.height) < 24);
    });
  });

  test("show their body, and the status that comes back", async () => {
    await withPlayground({}, async (page) => {
      await open(page, "request");
      await page.fill("#session", "phone");
      await page.selectOption("#pairs", "Busy/InACall");
      await page.fill("#expiration", "PT5M");
      assert.equal(await page.locator("#path").innerText(), "POST /users/ana/presence/setPresence");
      assert.deepEqual(JSON.parse(await page.inputValue("#body")), {
        sessionId: "phone",
        availability: "Busy",
        activity: "InACall",
        expirationDuration: "PT5M",
      });
      await page.getByRole("button", { name: "Send", exact: true }).click();
      assert.equal(await page.locator("#answer").innerText(), "→ 200");
      assert.equal(await presence(page), "InACall");
      assert.match(await lane(page, "phone"), /ends 09:17, said In a call/);
      await page.getByRole("button", { name: "Refresh laptop" }).click();
      assert.equal(JSON.parse(await page.inputValue("#body")).sessionId, "laptop");
      await page.getByRole("button", { name: "Clear phone" }).click();
      assert.equal(await presence(page), "Available");
    });
  });

  test("that are rejected show Graph's error and change nothing", async () => {
    await withPlayground({}, async (page) => {
      const rejected = [
        ["setPresence", '{"sessionId":"laptop","availability":"Busy","activity":"Busy"}', "400", /"code":"InvalidArgument","message":"\[Availability\], \[Activity\]: invalid presence Busy\/Busy, /],
        ["setPresence", '{"sessionId":"laptop","availability":"Away","activity":"Away","expirationDuration":"PT1M"}', "400", /The provided \[ExpirationDuration\] is out of range\./],
        ["clearPresence", "{}", "400", /\[SessionId\]: The SessionId field is required\./],
        ["clearPresence", '{"sessionId":"tablet"}', "404", /"code":"NotFound","message":"session not found/],
        ["setUserPreferredPresence", "no JSON", "400", /invalid body: /],
        ["setPresence", `{"sessionId":"laptop","x":${"[".repeat(40_000)}`, "400", /invalid body: /],
      ];
      await open(page, "request");
      await open(page, "snapshot");
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
      await open(page, "log");
      assert.equal(await page.locator("#requests .bad").count(), rejected.length * 2);
      await settled(page);
      assert.equal(await page.inputValue("#stored"), before[0]);
    });
  });

  test("that are sent in the past replace what came later, and Back brings it back", async () => {
    await withPlayground({ hash: "wins" }, async (page) => {
      await settled(page);
      await drag(page, "09:08", "09:01");
      assert.match(await page.locator("#warning").innerText(), /what came later is forgotten/);
      await page.getByRole("button", { name: "Clear meeting room" }).click();
      assert.equal(await presence(page), "Offline");
      assert.equal(await page.locator("#counted").innerText(), "2");
      await settled(page);
      await page.goBack();
      await page.waitForFunction(() => document.querySelector("#counted").textContent === "3");
      assert.equal(await presence(page), "Presenting");
    });
  });
});

describe("the state", () => {
  test("is in the address: a link restores it", async () => {
    await withPlayground({ hash: "wins" }, async (page) => {
      await page.getByLabel("Keep refreshing laptop").check();
      await drag(page, "09:08", "09:40");
      await settled(page);
      const seen = [await presence(page), await sentence(page), await clock(page), await page.locator("#counted").innerText()];
      const address = page.url();
      assert.ok(address.length < 1500, `${address.length} characters`);
      await withPlayground({ hash: new URL(address).hash.slice(1) }, async (other) => {
        const restored = [await presence(other), await sentence(other), await clock(other), await other.locator("#counted").innerText()];
        assert.deepEqual(restored, seen);
        assert.equal(await other.getByLabel("Keep refreshing laptop").isChecked(), true);
      });
    });
  });

  const state = { user: "ana", start: NINE, requests: [], now: NINE, clock: NINE, refreshed: [], isClockSetBack: false };
  const hostile = {
    "that is no state": "nonsense!",
    "that is half a state": hashOf(state).slice(0, -20),
    "to a time after 2262": hashOf({ ...state, start: 9.3e12, now: 9.3e12, clock: 9.3e12 }),
    "to the last time of JavaScript": hashOf({ ...state, start: 8.64e15, now: 8.64e15, clock: 8.64e15 }),
    "to no time": hashOf({ ...state, now: null }),
    "whose snapshot no model stored": hashOf({ ...state, snapshot: { v1: {} } }),
    "with an action that there is not": hashOf({ ...state, requests: [[0, 99, "{}"]] }),
    "that unpacks to five megabytes": deflateRawSync(Buffer.alloc(5_000_000, " ")).toString("base64url").slice(0, 7000),
    "with a hundred thousand requests": "A".repeat(100_000),
    "that is nested deep": deflateRawSync(JSON.stringify(state).replace('"ana"', `${"[".repeat(30_000)}${"]".repeat(30_000)}`)).toString("base64url"),
  };
  for (const [what, hash] of Object.entries(hostile)) {
    test(`a link ${what} is said to be one, where it is seen`, async () => {
      await withPlayground({ hash }, async (page) => {
        assert.equal(await presence(page), "Away");
        const notice = page.getByRole("alert");
        assert.match(await notice.innerText(), /The link could not be read: .*This is the first scene\./);
        assert.doesNotMatch(await notice.innerText(), /stack|undefined|JSON/);
        assert.ok((await notice.boundingBox()).y < 200);
        await page.getByRole("button", { name: "Close" }).click();
        assert.equal(await notice.isVisible(), false);
      });
    });
  }

  test("starts from a snapshot, unless no model can have stored it", async () => {
    await withPlayground({}, async (page) => {
      await open(page, "snapshot");
      await page.fill("#stored", read("../../tests/snapshot/v1.json"));
      await page.getByRole("button", { name: "Start from this snapshot" }).click();
      assert.equal(await notice(page), "This is the snapshot.");
      await page.fill("#stored", '{"v1":{}}');
      await page.getByRole("button", { name: "Start from this snapshot" }).click();
      assert.match(await notice(page), /^invalid snapshot: /);
    });
  });

  test("of a hostile link never leads to an error later", async () => {
    const ended = '{"sessionId":"x","availability":"Away","activity":"Away","expirationDuration":"PT5M"}';
    const links = [
      { ...state, clock: `${NINE}`, isClockSetBack: true },
      { ...state, clock: Date.UTC(1950, 0), refreshed: ["x"], requests: [[0, 0, ended]], now: NINE + 600_000 },
      { ...state, now: NINE - 3_600_000, requests: [[0, 0, ended]] },
    ];
    for (const link of links) {
      await withPlayground({ hash: hashOf(link) }, async (page) => {
        for (const key of ["PageDown", "ArrowRight", "PageUp", "Home", "End"]) {
          await page.locator(".area input").press(key);
        }
        assert.ok(Number(await page.locator("#counted").innerText()) < 2000);
      });
    }
  });

  test("of a request that was just sent is not lost by Back", async () => {
    await withPlayground({ hash: "wins" }, async (page) => {
      await settled(page);
      await page.getByRole("button", { name: "clear all" }).click();
      await settled(page);
      await page.getByRole("button", { name: "phone: In a call" }).click();
      await page.waitForTimeout(50);
      await page.goBack();
      await page.waitForFunction(() => document.querySelector("#presence").dataset.presence === "Offline");
      await page.goForward();
      await page.waitForFunction(() => document.querySelector("#presence").dataset.presence === "InACall");
    });
  });

  test("has the span of time and the steps that are done", async () => {
    await withPlayground({}, async (page) => {
      await goTo(page, "09:04");
      await goTo(page, "09:20");
      await page.getByRole("button", { name: "Zoom in" }).click();
      await settled(page);
      const shown = (page) => page.evaluate(() => [document.querySelector(".area input").min, document.querySelector(".area input").max, document.querySelectorAll("#steps .done").length]);
      const seen = await shown(page);
      assert.equal(seen[2], 1);
      await withPlayground({ hash: new URL(page.url()).hash.slice(1) }, async (other) => assert.deepEqual(await shown(other), seen));
    });
  });

  test("is not moved by a move that was begun in another scene", async () => {
    await withPlayground({}, async (page) => {
      await page.getByLabel("Keep refreshing laptop").check();
      for (let clicks = 0; clicks < 14; clicks++) {
        await page.getByRole("button", { name: "Zoom out" }).click();
      }
      await page.locator(".area input").press("End");
      await page.selectOption("#presets", "wins");
      await settled(page);
      assert.deepEqual([await presence(page), await clock(page)], ["Presenting", "09:08"]);
    });
  });

  test("is that from before a drag that is cancelled, also if the clock is wrong", async () => {
    await withPlayground({ hash: "clock" }, async (page) => {
      const seen = [await presence(page), await clock(page), await page.locator("#counted").innerText()];
      const { x, width, y } = await page.locator(".effective .track").boundingBox();
      await page.mouse.move(x + width * 0.5, y + 10);
      await page.mouse.down();
      await page.mouse.move(x + width * 0.99, y + 10, { steps: 3 });
      await page.evaluate(() => dispatchEvent(new PointerEvent("pointercancel", { pointerId: 1 })));
      await page.mouse.up();
      assert.deepEqual([await presence(page), await clock(page), await page.locator("#counted").innerText()], seen);
    });
  });

  test("is that of a snapshot that was pasted, also while the clock goes on", async () => {
    await withPlayground({ hash: "wins" }, async (page) => {
      await open(page, "snapshot");
      await page.getByRole("button", { name: "Play" }).click();
      await page.fill("#stored", '{"v1":{"reported":"Offline","sessions":[],"preferred":null}}');
      await page.waitForTimeout(300);
      await page.getByRole("button", { name: "Start from this snapshot" }).click();
      assert.equal(await presence(page), "Offline");
    });
  });

  test("that is too long for a link is said to be", async () => {
    await withPlayground({}, async (page) => {
      await dropLog(page, linesOf(3000, (index) => line(index * 10, "ana", `s${index % 5}`, "InACall")));
      await page.getByRole("button", { name: "Copy a link" }).click();
      assert.match(await notice(page), /A log is not in the address/);
    });
  });
});

describe("the log of a replay", () => {
  const golden = read("../../tests/replay/teams-day.jsonl").trim().split("\n").map((line) => JSON.parse(line));

  test("is dropped on the page, and each of its users looked at", async () => {
    await withPlayground({}, async (page) => {
      await open(page, "log");
      await dropLog(page, LOG);
      assert.match(await notice(page), /1 of \d+ lines could not be read: line \d+: it is no JSON\. The log has 4 users\./);
      const users = [...new Set(golden.map(({ user }) => user).filter(Boolean))].sort();
      assert.deepEqual(await page.locator("#users option").evaluateAll((options) => options.map(({ value }) => value)), users);
      const lines = LOG.split("\n");
      for (const user of users) {
        await page.fill("#user", user);
        await page.locator("#user").press("Enter");
        await page.locator("#user").blur();
        await page.waitForFunction((user) => document.querySelector("#path").textContent.includes(`/${user}/`), user);
        const answers = golden.filter(({ line }) => line !== undefined && lines[line - 1].includes(`"user":"${user}"`));
        const readable = answers.filter(({ error }) => error?.message !== "EOF while parsing an object");
        const rows = await page.locator("#requests li").evaluateAll((rows) =>
          rows.reverse().map((row) => [row.querySelector("svg")?.classList[0] ?? null, Number(row.innerText.slice(-3))]),
        );
        assert.deepEqual(rows, readable.map(({ activity, status }) => [activity ?? null, status]), user);

        // The changes between the requests: the presence, at their times.
        for (const change of golden.filter((record) => record.user === user && record.line === undefined)) {
          await goTo(page, change.at.slice(11, 19));
          assert.equal(await presence(page), change.activity, `${user} ${change.at}`);
        }
      }
      await page.fill("#user", "nobody");
      await page.locator("#user").blur();
      assert.equal(await notice(page), "The log has no user nobody.");
    });
  });

  test("without a request in it is none", async () => {
    await withPlayground({}, async (page) => {
      await dropLog(page, "hello\n{}\n");
      assert.equal(await notice(page), "2 of 2 lines could not be read: line 1: it is no JSON. No requests were found in log.jsonl.");
      assert.equal(await presence(page), "Away");
    });
  });

  test("with a time after 2262 is read without it", async () => {
    await withPlayground({}, async (page) => {
      await dropLog(page, [line(0, "ana", "a", "InACall"), line(0, "ana", "a", "Away").replace("2026", "2263"), line(0, "bob", "a", "Away").replace("2026", "9999")].join("\n"));
      assert.match(await notice(page), /2 of 3 lines could not be read: line 2: its time is not in the years 1900 to 2199\. The log has 1 user\./);
      assert.equal(await presence(page), "InACall");
      await page.getByRole("button", { name: "Next change" }).click();
      assert.equal(await presence(page), "Offline");
    });
  });

  test("of lifetimes that never end is drawn, and zoomed out and played", async () => {
    await withPlayground({}, async (page) => {
      const forever = '{"at":"2199-12-31T23:00:00Z","user":"ana","setUserPreferredPresence":{"availability":"Busy","activity":"Busy","expirationDuration":"P99999999D"}}';
      await dropLog(page, `${forever}\n${line(0, "ana", "a", "Away").replace("2026-11-20", "2199-12-31")}`);
      for (let clicks = 0; clicks < 30; clicks++) {
        await page.getByRole("button", { name: "Zoom out" }).click();
      }
      await page.selectOption("#speed", "3600");
      await page.getByRole("button", { name: "Play" }).click();
      await page.waitForTimeout(1000);
      await page.getByRole("button", { name: "Pause" }).click();
      assert.ok((await page.locator(".ticks span").count()) > 1);
    });
  });

  test("of two weeks of an ordinary laptop is drawn in its colours", async () => {
    await withPlayground({}, async (page) => {
      const day = 24 * 3600;
      // Eight hours a day, refreshed every 100 seconds, and away at noon.
      const times = Array.from({ length: 14 }, (_, index) => Array.from({ length: 288 }, (_, step) => [index * day + step * 100, step % 144 > 130 ? "Away" : "Available"])).flat();
      await dropLog(page, times.map(([second, activity]) => line(second, "ana", "laptop", activity)).join("\n"));
      await page.getByRole("button", { name: "Fit" }).click();
      const shown = await page.locator('[data-key="session laptop"] .bar').evaluateAll((bars) => bars.map((bar) => [bar.classList[1], bar.getBoundingClientRect().width]));
      assert.ok(shown.length >= 28 && shown.length < 400, `${shown.length} bars`);
      for (const presence of ["Available", "Away"]) {
        const width = shown.filter(([name]) => name === presence).reduce((sum, [, width]) => sum + width, 0);
        assert.ok(width > 20, `${presence} has ${width} pixels`);
      }
      const painted = await colorsOf(page, '[data-key="session laptop"] .track');
      assert.ok(painted.greens > 100 && painted.yellows > 20, JSON.stringify(painted));
    });
  });

  test("of 100,000 lines is read in pieces and drawn whole", async () => {
    await withPlayground({}, async (page) => {
      const log = linesOf(100_000, (index) => line(index * 0.8, "ana", `s${index % 50}`, ["Available", "InACall", "Away"][index % 3]));
      await page.evaluate(() => {
        window.parts = new Set();
        const note = () => window.parts.add(document.querySelector("#read").textContent.split(":")[0] + document.querySelector("#progress").value.toFixed(1));
        new MutationObserver(note).observe(document.querySelector("#progress"), { attributes: true });
      });
      await dropLog(page, log, LONG);
      assert.equal(await notice(page), "The log has 1 user.");
      const parts = await page.evaluate(() => [...window.parts]);
      assert.ok(parts.filter((part) => part.startsWith("Reading log")).length >= 3, parts.join());
      assert.ok(parts.filter((part) => part.startsWith("Reading the requests")).length >= 3, parts.join());
      assert.equal(await page.locator("#counted").innerText(), "100000");
      const { from, to } = await page.locator('[data-key="session s7"]').evaluate((row) => {
        const track = row.querySelector(".track").getBoundingClientRect();
        const bars = [...row.querySelectorAll(".bar")].map((bar) => bar.getBoundingClientRect());
        return { from: (bars[0].left - track.left) / track.width, to: (bars.at(-1).right - track.left) / track.width };
      });
      assert.ok(from < 0.1 && to > 0.9, `${from} to ${to}`);
      assert.ok((await page.locator(".bar").count()) < 2500);
      assert.ok((await page.locator(".mark").count()) < 200);
      await goTo(page, "12:00");
      assert.equal(await page.locator("#listed").isHidden(), true, "the list is closed");
      await open(page, "log");
      await page.waitForFunction(() => /^Those around the clock: 13\d+ to 13\d+ of 100000\.$/.test(document.querySelector("#listed").textContent));
    });
  });

  test("is read until it is stopped, and what was read is shown", async () => {
    await withPlayground({}, async (page) => {
      const log = linesOf(300_000, (index) => line(index, `user ${index % 1000}`, "a", "InACall"));
      await drop(page, log);
      await page.locator("#stop").waitFor();
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByRole("alert").waitFor();
      assert.match(await notice(page), /^You stopped after [\d,]+ lines\. The log has 1,000 users\./);
    });
  });

  test("is the last one that was dropped, or what was opened meanwhile", async () => {
    const log = (user) => linesOf(60_000, (index) => line(index, user, "a", "InACall"));
    await withPlayground({}, async (page) => {
      await drop(page, log("ana"));
      await page.locator("#stop").waitFor();
      await dropLog(page, log("bob"), LONG);
      assert.equal(await notice(page), "The log has 1 user.");
      assert.equal(await page.inputValue("#user"), "bob");
      assert.equal(await page.locator("#counted").innerText(), "60000");

      await drop(page, log("zoe"));
      await page.locator("#stop").waitFor();
      await page.selectOption("#presets", "wins");
      await page.locator("#reading").waitFor({ state: "hidden" });
      await settled(page);
      assert.deepEqual([await presence(page), await page.locator("#notice").isVisible()], ["Presenting", false]);
      assert.ok(page.url().length > 60);
    });
  });

  test("that is stopped at its second stage leaves what was shown before", async () => {
    await withPlayground({ hash: "wins" }, async (page) => {
      await drop(page, linesOf(80_000, (index) => line(index, "ana", `s${index % 40}`, "InACall")));
      await page.locator("#stop").waitFor();
      await page.waitForFunction(() => document.querySelector("#read").textContent.startsWith("Reading the requests"), null, { timeout: LONG });
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByRole("alert").waitFor();
      assert.equal(await notice(page), "You stopped: ana is not shown.");
      assert.equal(await presence(page), "Presenting");
      await goTo(page, "09:20");
      await settled(page);
      assert.ok(page.url().length > 60);
    });
  });

  test("is gone when a snapshot is started, and Back finds each log again", async () => {
    await withPlayground({}, async (page) => {
      await dropLog(page, line(0, "ana", "a", "InACall"));
      await settled(page);
      await dropLog(page, line(0, "bob", "b", "Away"));
      await settled(page);
      await page.goBack();
      await page.waitForFunction(() => document.querySelector("#user").value === "ana");
      assert.equal(await presence(page), "InACall");
      await open(page, "snapshot");
      await page.fill("#stored", '{"v1":{"reported":"Offline","sessions":[],"preferred":null}}');
      await page.getByRole("button", { name: "Start from this snapshot" }).click();
      await settled(page);
      assert.equal(await page.locator("#user").isVisible(), false);
      assert.ok(page.url().split("#")[1].length > 60);
    });
  });

  test("with a gap of 40 days is walked through by its changes", async () => {
    await withPlayground({}, async (page) => {
      await dropLog(page, [line(0, "ana", "a", "InACall"), line(40 * 86_400, "ana", "a", "Away")].join("\n"));
      for (const [expected, face] of [["Offline", "10:00"], ["InACall", "09:00"]]) {
        await page.getByRole("button", { name: "Previous change" }).click();
        assert.deepEqual([await presence(page), (await clock(page)).slice(-5)], [expected, face]);
      }
      await page.getByRole("button", { name: "Next change" }).click();
      await page.getByRole("button", { name: "Next change" }).click();
      assert.equal(await presence(page), "Away");
    });
  });

  test("says what it has to say without moving the lanes", async () => {
    await withPlayground({}, async (page) => {
      const { y } = await page.locator(".effective .track").boundingBox();
      await dropLog(page, "no log");
      assert.equal((await page.locator(".effective .track").boundingBox()).y, y);
    });
  });

  test("of an id that turns the text around it leaves the sentence as it is", async () => {
    await withPlayground({}, async (page) => {
      await dropLog(page, line(0, "ana", "\u202Eabc", "InACall"));
      assert.equal(await sentence(page), "“\u2068\uFFFDabc\u2069” said “In a call” at 09:00.");
    });
  });

  test("is what is dropped, and a text is not", async () => {
    await withPlayground({}, async (page) => {
      const isTaken = (kind) =>
        page.evaluate((kind) => {
          const dataTransfer = new DataTransfer();
          kind === "file" ? dataTransfer.items.add(new File(["x"], "x")) : dataTransfer.items.add("x", "text/plain");
          const event = new DragEvent("dragover", { dataTransfer, cancelable: true });
          dispatchEvent(event);
          return event.defaultPrevented;
        }, kind);
      assert.deepEqual([await isTaken("text"), await isTaken("file")], [false, true]);
    });
  });

  test("keeps the name of the user who is shown, and the focus on its requests", async () => {
    await withPlayground({}, async (page) => {
      await dropLog(page, LOG);
      await page.fill("#user", "nobody");
      await page.locator("#user").blur();
      assert.equal(await page.inputValue("#user"), "ana");
      await open(page, "log");
      await page.locator("#requests button").nth(5).focus();
      await page.keyboard.press("Enter");
      await settled(page);
      assert.equal(await page.evaluate(() => document.activeElement.closest("#requests") !== null), true);
    });
  });

  test("with lines that are deep or long has all others", async () => {
    await withPlayground({}, async (page) => {
      const deep = (field) => line(60, "ana", "a", "Away").replace("}}", `,"${field}":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}}`);
      await dropLog(page, [line(0, "ana", "a", "InACall"), deep("x"), deep("expirationDuration"), `{"user":"${"x".repeat(2_000_000)}"}`, line(120, "ana", "b", "Away")].join("\n"));
      assert.match(await notice(page), /The log has 1 user\./);
      assert.equal(await page.locator(".lane").count(), 2);
      for (const button of ["Refresh a", "Clear a"]) {
        await page.getByRole("button", { name: button, exact: true }).click();
      }
    });
  });

  test("of ids that are long, odd or markup is drawn as wide as the page", async () => {
    await withPlayground(PHONE, async (page) => {
      const ids = ["x".repeat(1000), "\u202Etfel ot thgir", "<img src=x onerror=alert(1)>", "a\u202Eb", "🦊".repeat(200), "__proto__", "constructor", " "];
      await dropLog(page, ids.map((id, index) => line(index, id, id, "InACall")).join("\n"));
      for (const id of ids) {
        await page.fill("#user", id);
        await page.locator("#user").blur();
        await page.waitForFunction(() => document.querySelectorAll(".lane").length === 1);
        assert.equal(await overflow(page), 0, id);
        assert.equal(await presence(page), "InACall");
      }
      assert.equal(await page.locator("img").count(), 0);
    });
  });
});

describe("the page", () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      test(`is accessible, and fits: ${colorScheme}, ${width} pixels wide`, async () => {
        const options = { colorScheme, viewport: { width, height: 900 } };
        const check = async (page, name) => {
          await page.screenshot({ path: `${SHOTS}${name}-${colorScheme}-${width}.png`, fullPage: true });
          assert.equal(await overflow(page), 0, name);
          await page.evaluate(AXE);
          const { violations } = await page.evaluate('axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], rules: { "target-size": { enabled: true } } })');
          assert.deepEqual(violations.map(({ id, nodes }) => `${name}: ${id} ${nodes[0].html}`), []);
        };
        await withPage("", options, (page) => check(page, "figures"));
        await withPlayground(options, async (page) => {
          const open = (id) => () => page.selectOption("#presets", id);
          const states = {
            away: open("away"),
            offline: open("offline"),
            wins: open("wins"),
            clock: open("clock"),
            vector: open("vector-12"),
            log: () => dropLog(page, LOG),
            open: async () => {
              for (const summary of await page.locator("summary").all()) {
                await summary.click();
              }
              await page.fill("#body", "{}");
              await page.locator("#form .primary").click();
            },
            notice: () => dropLog(page, "no log"),
            reading: () => page.evaluate(() => (document.querySelector("#reading").hidden = false)),
          };
          for (const [name, change] of Object.entries(states)) {
            await change();
            await check(page, name);
          }
        });
      });
    }
  }

  test("has its lanes on the first screen of a phone, and nothing moves them", async () => {
    await withPlayground(PHONE, async (page) => {
      for (const preset of QUESTIONS) {
        await page.selectOption("#presets", preset);
        const tops = new Set();
        for (const face of ["08:58", "09:03", "09:07", "09:20", "09:45", "10:01"]) {
          await goTo(page, face);
          const { y, height } = await page.locator(".lane .track").first().boundingBox();
          assert.ok(y + height < 844, `${preset}: ${y}`);
          tops.add(`${y} ${await page.locator(".row").count()}`);
        }
        assert.equal(tops.size, 1, `${preset}: ${[...tops]}`);
      }
    });
  });

  test("has targets of 24 pixels, and letters that follow the reader's", async () => {
    for (const path of ["", "playground.html"]) {
      await withPage(path, PHONE, async (page) => {
        for (const summary of await page.locator("summary").all()) {
          await summary.click();
        }
        const small = await page.locator("button, select, input, textarea, summary, nav a, .hand output").evaluateAll((controls) =>
          controls
            .filter((control) => control.checkVisibility() && control.type !== "range")
            .map((control) => (control.type === "checkbox" ? control.parentElement : control))
            .map((control) => [control.outerHTML.slice(0, 60), control.getBoundingClientRect()])
            .filter(([, { width, height }]) => width < 24 || height < 24)
            .map(([html]) => html),
        );
        assert.deepEqual(small, []);
        // A bar has as much text as there is room for.
        const sizes = () => page.locator(":is(p, span, b, strong, small, button, li):not(.timeline *)").evaluateAll((texts) => texts.map((text) => [text.outerHTML.slice(0, 80), Number.parseFloat(getComputedStyle(text).fontSize)]));
        const before = await sizes();
        await page.addStyleTag({ content: "html { font-size: 200%; }" });
        for (const [index, [html, size]] of (await sizes()).entries()) {
          assert.ok(Math.abs(size - before[index][1] * 2) < 0.1, `${html}: ${before[index]}, ${size}`);
        }
      });
    }
  });

  test("has bars in forced colours", async () => {
    await withPlayground({ forcedColors: "active", hash: "wins" }, async (page) => {
      await page.screenshot({ path: `${SHOTS}wins-forced.png`, fullPage: true });
      const bars = await page.locator(".bar").evaluateAll((bars) =>
        bars.map((bar) => {
          const { borderTopWidth, borderTopColor, backgroundColor } = getComputedStyle(bar);
          const track = getComputedStyle(bar.parentElement).backgroundColor;
          return { isSeen: (borderTopWidth !== "0px" && borderTopColor !== track) || backgroundColor !== track, name: bar.className };
        }),
      );
      assert.ok(bars.length > 6);
      assert.deepEqual(bars.filter(({ isSeen }) => !isSeen), []);
    });
  });

  for (const [what, path, answer] of [
    ["is not built", "**/pkg/index.js", { status: 404, body: "" }],
    ["is damaged", "**/pkg/bytes.js", { contentType: "text/javascript", body: 'export const BASE64 = "AGFzbQ==";' }],
  ]) {
    for (const page of ["", "playground.html"]) {
      test(`says that its package ${what}: ${page || "the figures"}`, async () => {
        const context = await browser.newContext();
        const tab = await context.newPage();
        await tab.route(path, (route) => route.fulfill(answer));
        await tab.goto(`${server.address}/page/${page}`);
        await tab.locator("#loading.failed").waitFor();
        assert.match(await tab.locator("#loading").innerText(), /build it and serve the folder, as the README says\. It failed: .{10}/);
        await tab.evaluate(AXE);
        const { violations } = await tab.evaluate('axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] })');
        assert.deepEqual(violations.map(({ id, nodes }) => `${id} ${nodes[0].html}`), []);
        await context.close();
      });
    }
  }

  test("is operated by the keyboard alone", async () => {
    await withPlayground({}, async (page) => {
      const reached = new Set();
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press("Tab");
        reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("aria-label") || document.activeElement.textContent.trim()));
      }
      for (const control of ["presets", "play", "Clock", "Refresh laptop", "Clear laptop", "Keep refreshing laptop", "laptop: Available", "Write a request", "share"]) {
        assert.ok(reached.has(control), `${control}: ${[...reached]}`);
      }
    });
  });
});

/** Opens a page, and fails on any error on its console. `init` runs before the page's own scripts. */
async function withPage(path, { init, ...options }, use) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await page.addInitScript(init ?? (() => {}));
  const errors = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(error.stack));
  page.on("requestfailed", (request) => errors.push(`${request.url()} failed`));
  try {
    await page.goto(`${server.address}/page/${path}`);
    await page.waitForSelector("html[data-ready]", { state: "attached" });
    await use(page);
  } finally {
    await context.close();
    assert.deepEqual(errors, []);
  }
}

function withPlayground({ hash = "", ...options }, use) {
  return withPage(`playground.html#${hash}`, options, use);
}

function presence(page) {
  return page.locator("#presence").getAttribute("data-presence");
}

function sentence(page) {
  return page.locator("#why").innerText();
}

function notice(page) {
  return page.locator("#notice span").innerText();
}

function clock(page) {
  return page.locator(".hand output").innerText();
}

function lane(page, name) {
  return page.locator(`[data-key="session ${name}"] .label`).innerText();
}

function requests(page) {
  return page.locator("#requests li").allInnerTexts();
}

function overflow(page) {
  return page.evaluate(() => Math.max(document.documentElement.scrollWidth - innerWidth, 0));
}

/** Drags the clock with the mouse, from one clock face to another. */
async function drag(page, from, to) {
  const { x, width, y } = await page.locator(".effective .track").boundingBox();
  const place = (face) =>
    page.evaluate((face) => {
      const { min, max } = document.querySelector(".area input");
      const at = Date.parse(`${new Date(Number(min)).toISOString().slice(0, 10)}T${face}:00Z`);
      return (at - min) / (max - min);
    }, face);
  await page.mouse.move(x + width * (await place(from)), y + 10);
  await page.mouse.down();
  await page.mouse.move(x + width * (await place(to)), y + 10, { steps: 5 });
  await page.mouse.up();
}

/** Moves the clock to a time, as assistive technology does, and waits until it is drawn. */
function goTo(scope, face) {
  return scope.locator(".area input").evaluate(async (handle, face) => {
    const day = new Date(Number(handle.min)).toISOString().slice(0, 10);
    handle.step = "any";
    handle.value = Date.parse(`${day}T${face}Z`) || Date.parse(`${day}T${face}:00Z`);
    handle.dispatchEvent(new Event("input"));
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  }, face);
}

/** Returns how many elements are touched, apart from what follows a little later. */
async function touchedBy(page, change) {
  await settled(page);
  await page.evaluate(() => {
    window.touched = new Set();
    window.observer = new MutationObserver((records) => records.forEach(({ target, addedNodes }) => [target, ...addedNodes].forEach((node) => window.touched.add(node))));
    window.observer.observe(document.querySelector("main"), { subtree: true, childList: true, attributes: true, characterData: true });
  });
  await change();
  return page.evaluate(() => {
    window.observer.disconnect();
    return window.touched.size;
  });
}

/** Drops a log, and waits until the page says what it has read. */
async function dropLog(page, log, timeout = undefined) {
  await drop(page, log);
  await page.locator("#notice").waitFor({ timeout });
}

async function drop(page, log) {
  await page.evaluate(() => (document.querySelector("#notice").hidden = true));
  await page.evaluate((log) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([log], "log.jsonl"));
    dispatchEvent(new DragEvent("drop", { dataTransfer, cancelable: true }));
  }, log);
}

function line(second, user, sessionId, activity) {
  const availability = activity === "InACall" ? "Busy" : activity;
  const at = new Date(NINE + second * 1000).toISOString();
  return JSON.stringify({ at, user, setPresence: { sessionId, availability, activity, expirationDuration: "PT1H" } });
}

function linesOf(count, line) {
  return Array.from({ length: count }, (_, index) => line(index)).join("\n");
}

/** The state of a scene with many sessions, at ten past nine. */
function many(sessions) {
  const body = (index) => {
    const activity = ["Available", "InACall", "Away"][index % 3];
    return JSON.stringify({ sessionId: `s${index}`, availability: activity === "InACall" ? "Busy" : activity, activity, expirationDuration: "PT1H" });
  };
  const requests = Array.from({ length: sessions }, (_, index) => [index * 1000, 0, body(index)]);
  const now = NINE + 600_000;
  return hashOf({ user: "ana", start: NINE, requests, now, clock: now, refreshed: [], isClockSetBack: false });
}

function hashOf(state) {
  return deflateRawSync(JSON.stringify(state)).toString("base64url");
}

/** Counts the green and the yellow pixels in the middle of an element. */
async function colorsOf(page, selector) {
  const image = (await page.locator(selector).screenshot()).toString("base64");
  return page.evaluate(async (image) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${image}`)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, Math.floor(bitmap.height * 0.15), bitmap.width, 1);
    let [greens, yellows] = [0, 0];
    for (let index = 0; index < data.length; index += 4) {
      const [red, green, blue] = data.slice(index, index + 3);
      greens += green > red + 30 && green > blue + 30 ? 1 : 0;
      yellows += red > green + 20 && green > blue + 40 ? 1 : 0;
    }
    return { greens, yellows };
  }, image);
}

/** Opens a part of the page that is closed at first, and waits until the page has heard of it and drawn it. */
async function open(page, id) {
  const opened = page.evaluate((id) => new Promise((resolve) => document.getElementById(id).addEventListener("toggle", () => resolve(), { once: true })), id);
  await page.locator(`#${id} summary`).click();
  await opened;
}

/** Waits until the state is in the address: by the page's own clock, so that it is later than what the page waits for. */
async function settled(page) {
  await page.evaluate(() => new Promise((resolve) => setTimeout(() => requestAnimationFrame(() => setTimeout(resolve, 100)), 300)));
}
