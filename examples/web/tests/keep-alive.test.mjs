// A session that is kept alive, through what happens to computers.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { init } from "presence-core";
import { keepAlive, onWake } from "presence-core/keep-alive";

import { Locks, Server, World } from "./world.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const LAPTOP = { sessionId: "laptop", claim: "Available", expiration: "PT1H" };

await init();

let world;
let server;
let restore;
let reports;

beforeEach(() => {
  world = new World();
  restore = world.install();
  server = new Server(world);
  reports = [];
});

afterEach(() => restore());

function keep(options = {}) {
  return keepAlive({ session: LAPTOP, send: server.send, onAnswer: (report) => reports.push(report), ...options });
}

/** Lets time pass, and checks the presence every 5 seconds. */
async function passWith(presence, milliseconds) {
  for (let passed = 0; passed < milliseconds; passed += 5 * SECOND) {
    await world.pass(5 * SECOND);
    assert.equal(server.presence, presence, new Date(world.now).toISOString());
  }
}

describe("a session is kept", () => {
  test("for eight hours, with a request every 100 seconds", async () => {
    keep();
    await world.pass(SECOND);
    await passWith("Available", 8 * HOUR);
    assert.ok(Math.abs(server.requests.length - 288) <= 2, `${server.requests.length}`);
    assert.equal(server.mostOpen, 1);
  });

  test("in a background tab, whose timers run once a minute", async () => {
    keep();
    await world.pass(SECOND);
    world.throttle = MINUTE;
    document.visibilityState = "hidden";
    await passWith("Available", 3 * HOUR);
  });

  for (const [what, step] of [["back by 1 h 10", -70 * MINUTE], ["forward by 9 h", 9 * HOUR]]) {
    test(`while the clock is set ${what}`, async () => {
      keep();
      await passWith("Available", 10 * MINUTE);
      world.wallError = step;
      await passWith("Available", HOUR);
      world.wallError = 0;
      await passWith("Available", HOUR);
      assert.ok(server.requests.length <= 81, `${server.requests.length}`);
    });
  }

  test("from ten seconds after three hours of sleep on", async () => {
    keep();
    await passWith("Available", 10 * MINUTE);
    world.sleep(3 * HOUR);
    assert.equal(server.presence, "Offline");
    await world.pass(11 * SECOND);
    await passWith("Available", HOUR);
  });

  test("at once after a sleep in which the monotonic clock went on", async () => {
    keep();
    await passWith("Available", 10 * MINUTE);
    world.sleep(3 * HOUR, true);
    await world.pass(SECOND);
    assert.equal(server.presence, "Available");
  });

  test("at once if the page becomes visible after a sleep", async () => {
    keep();
    await passWith("Available", 10 * MINUTE);
    world.sleep(3 * HOUR);
    await world.dispatch("visibilitychange");
    await world.pass(SECOND);
    assert.equal(server.presence, "Available");
  });

  test("although a sleep cuts a request off", async () => {
    keep();
    await passWith("Available", 10 * MINUTE);
    server.fault = () => new Promise(() => {});
    await world.pass(105 * SECOND);
    assert.equal(server.open, 1);
    world.sleep(3 * HOUR);
    server.fault = () => undefined;
    await world.dispatch("online");
    await world.pass(SECOND);
    assert.equal(server.presence, "Available");
  });

  test("although every second answer is lost", async () => {
    let count = 0;
    server.fault = () => (count++ % 2 === 0 ? new Promise(() => {}) : undefined);
    keep();
    await world.pass(25 * SECOND);
    await passWith("Available", 2 * HOUR);
    assert.equal(server.mostOpen, 1);
    assert.ok(server.requests.length < 150, `${server.requests.length}`);
  });

  test("without more requests if the page becomes visible again and again", async () => {
    keep();
    for (let time = 0; time < 600; time++) {
      await world.dispatch("visibilitychange");
      await world.dispatch("online");
      await world.dispatch("pageshow", { persisted: false });
      await world.pass(SECOND);
    }
    assert.ok(server.requests.length <= 7, `${server.requests.length}`);
  });
});

describe("after an answer", () => {
  test("that says the server is busy, it waits longer each time", async () => {
    server.fault = () => ({ status: 503 });
    keep();
    await world.pass(10 * MINUTE);
    const waits = reports.map(({ retryIn }) => retryIn / SECOND);
    const limits = [1, 2, 4, 8, 16, 32, 60, 60, 60];
    for (const [index, longest] of limits.entries()) {
      assert.ok(waits[index] >= longest / 2 && waits[index] <= longest, `${index}: ${waits[index]}`);
    }
    assert.ok(limits.some((longest, index) => waits[index] < longest * 0.99), "they are random");
    server.fault = () => undefined;
    await world.dispatch("online");
    await world.pass(SECOND);
    assert.equal(server.presence, "Available");
  });

  const late = new Map([["retry-after", "Fri, 20 Nov 2026 09:04:00 GMT"], ["date", "Fri, 20 Nov 2026 09:00:00 GMT"]]);
  for (const headers of [new Map([["retry-after", "240"]]), late]) {
    test(`with ${JSON.stringify([...headers])}, it waits that long, whatever its clock says`, async () => {
      world.wallError = -9 * HOUR;
      server.fault = () => ({ status: 429, headers });
      keep();
      await world.pass(SECOND);
      server.fault = () => undefined;
      await world.dispatch("online");
      await world.pass(238 * SECOND);
      assert.equal(server.requests.length, 1);
      await world.pass(2 * SECOND);
      assert.equal(server.presence, "Available");
    });
  }

  for (const value of ["1e99", "-5", "soon", "99999999999999999999", ""]) {
    test(`with Retry-After ${JSON.stringify(value)}, it goes on within the hour`, async () => {
      server.fault = () => ({ status: 503, headers: { get: (name) => (name === "retry-after" ? value : null) } });
      keep();
      await world.pass(SECOND);
      server.fault = () => undefined;
      await world.pass(HOUR);
      assert.equal(server.presence, "Available");
    });
  }

  for (const status of [403, 404]) {
    test(`with status ${status}, it says so and tries again after the interval`, async () => {
      server.fault = () => ({ status });
      keep();
      await world.pass(9 * MINUTE);
      assert.equal(server.requests.length, 6);
      assert.deepEqual([reports[0].status, reports[0].retryIn], [status, 100 * SECOND]);
    });
  }

  test("with status 400, it says so and ends", async () => {
    server.fault = () => ({ status: 400 });
    const kept = keep();
    await world.pass(HOUR);
    assert.equal(server.requests.length, 1);
    assert.deepEqual(reports, [{ action: "setPresence", status: 400, error: undefined, retryIn: null }]);
    kept.set({ claim: "Away" });
    await kept.stop();
    assert.equal(server.requests.length, 1);
  });

  test("that is none, it says why", async () => {
    const thrown = new TypeError("fetch failed");
    const sends = [() => Promise.reject(thrown), () => { throw thrown; }, () => undefined, () => ({ status: "200" })];
    for (const send of sends) {
      const kept = keep({ send });
      await world.pass(SECOND / 4);
      const { status, error } = reports.at(-1);
      assert.equal(status, null);
      assert.ok(error instanceof TypeError);
      kept.stop();
    }
  });
});

describe("the claim", () => {
  test("changes at once, and the last one counts", async () => {
    const kept = keep();
    await world.pass(SECOND);
    kept.set({ claim: "InACall" });
    await world.pass(10);
    kept.set({ claim: "Presenting" });
    kept.set({ claim: "Away", expiration: "PT2H" });
    await world.pass(SECOND);
    assert.equal(server.presence, "Away");
    assert.equal(server.mostOpen, 1);
    assert.equal(server.requests.length, 3);
    await passWith("Away", 3 * HOUR);
  });

  test("keeps its lifetime", async () => {
    const kept = keep();
    await world.pass(SECOND);
    kept.set({ claim: "InACall" });
    await world.pass(SECOND);
    assert.equal(JSON.parse(server.requests.at(-1).body).expirationDuration, "PT1H");
    assert.throws(() => kept.set({ claim: "Away", expiration: "PT1S" }), { status: 400 });
    await passWith("InACall", HOUR);
    assert.equal(server.requests.length, 5);
  });

  test("is checked", () => {
    assert.throws(() => keep({ session: { sessionId: "A", claim: "Busy" } }), { status: 400 });
    assert.throws(() => keep({ session: { claim: "Away" } }), TypeError);
    assert.throws(() => keep({ send: undefined }), /invalid send undefined, expected a function/);
    assert.throws(() => keep({ onanswer: () => {} }), /unknown field "onanswer"/);
    assert.throws(() => keep({ shared: 7 }), /invalid shared 7, expected a string/);
    assert.throws(() => keepAlive(), /invalid keepAlive undefined, expected an object with session, send, shared and onAnswer/);
    assert.throws(() => onWake(), /invalid listener undefined, expected a function/);
    assert.throws(() => keep().set({ claim: "Bsy" }), { status: 400 });
    assert.throws(() => keep().set({ claim: "Away", sessionId: "B" }), TypeError);
  });
});

describe("the end", () => {
  test("clears the session after the last refresh", async () => {
    const kept = keep();
    await world.pass(10);
    const stopped = kept.stop();
    await world.pass(SECOND);
    await stopped;
    assert.equal(server.presence, "Offline");
    assert.deepEqual(server.requests.map(({ action }) => action), ["setPresence", "clearPresence"]);
    await world.pass(HOUR);
    assert.equal(server.requests.length, 2);
    assert.equal(server.mostOpen, 1);
  });

  test("does not wait for ever", async () => {
    const kept = keep();
    await world.pass(SECOND);
    server.fault = () => new Promise(() => {});
    let isStopped = false;
    kept.stop().then(() => (isStopped = true));
    await world.pass(21 * SECOND);
    assert.ok(isStopped);
    assert.deepEqual([reports.at(-1).action, reports.at(-1).status], ["clearPresence", null]);
  });

  test("of a page clears the session, and it is set again if the page comes back", async () => {
    keep();
    await world.pass(SECOND);
    await world.dispatch("pagehide", { persisted: true });
    await world.pass(SECOND);
    assert.equal(server.presence, "Offline");
    assert.equal(server.requests.at(-1).keepalive, true);
    world.sleep(2 * HOUR);
    await world.dispatch("pageshow", { persisted: true });
    await world.pass(SECOND);
    assert.equal(server.presence, "Available");
    assert.equal(server.requests.length, 3);
    await passWith("Available", HOUR);
  });
});

describe("tabs that share a session", () => {
  beforeEach(() => Object.defineProperty(globalThis, "navigator", { value: { locks: new Locks() }, configurable: true }));
  afterEach(() => delete globalThis.navigator);

  test("send once, and go on when one is closed", async () => {
    const tabs = [1, 2, 3].map(() => keep({ shared: "ana laptop" }));
    await world.pass(SECOND);
    await passWith("Available", HOUR);
    assert.ok(server.requests.length <= 38, `${server.requests.length}`);
    for (const tab of tabs.slice(0, 2)) {
      await tab.stop();
      await world.pass(SECOND);
      await passWith("Available", HOUR);
    }
    assert.equal(server.count("clearPresence"), 0);
    const stopped = tabs[2].stop();
    await world.pass(SECOND);
    await stopped;
    assert.equal(server.presence, "Offline");
    assert.equal(server.count("clearPresence"), 1);
  });

  test("show the claim that changed last", async () => {
    const [first, second] = [1, 2].map(() => keep({ shared: "ana laptop" }));
    await world.pass(SECOND);
    second.set({ claim: "InACall" });
    await world.pass(SECOND);
    await passWith("InACall", HOUR);
    first.set({ claim: "Presenting" });
    await world.pass(SECOND);
    await passWith("Presenting", HOUR);
    first.stop();
    await world.pass(SECOND);
    await passWith("InACall", 10 * MINUTE);
  });

  test("send without locks where there are none", async () => {
    const denied = async () => {
      throw new DOMException("denied", "SecurityError");
    };
    Object.defineProperty(globalThis, "navigator", { value: { locks: { request: denied, query: denied } }, configurable: true });
    const kept = keep({ shared: "ana laptop" });
    await world.pass(SECOND);
    await passWith("Available", HOUR);
    kept.set({ claim: "Away" });
    await world.pass(SECOND);
    assert.equal(server.presence, "Away");
  });

  test("are others if they have another name", async () => {
    keep({ shared: "ana laptop" });
    keep({ shared: "bob laptop" });
    await world.pass(SECOND);
    assert.equal(server.count("setPresence"), 2);
  });
});

test("a wake-up is noticed once", async () => {
  const wakes = [];
  const stop = onWake((wake) => wakes.push(wake.hasSlept));
  await world.pass(10 * MINUTE);
  assert.deepEqual(wakes, []);
  world.sleep(HOUR);
  await world.pass(10 * MINUTE);
  assert.deepEqual(wakes, [true]);
  await world.dispatch("online");
  document.visibilityState = "hidden";
  await world.dispatch("visibilitychange");
  assert.deepEqual(wakes, [true, false]);
  world.sleep(HOUR, true);
  await world.pass(10 * MINUTE);
  await world.dispatch("pageshow", { persisted: true });
  await world.dispatch("pageshow", { persisted: false });
  assert.deepEqual(wakes, [true, false, true, true, false]);
  stop();
  world.sleep(HOUR);
  await world.dispatch("online");
  await world.pass(10 * MINUTE);
  assert.equal(wakes.length, 5);
});
