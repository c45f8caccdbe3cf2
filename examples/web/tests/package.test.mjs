// The package in Node.

import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { PresenceError, PresenceModel, availability, init, refreshInterval } from "presence-core";

import { replay } from "./replay.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NINE = Date.parse("2026-11-20T09:00:00Z");

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

describe("the sample day", () => {
  const log = readFileSync(file("../../teams-day.jsonl"), "utf8");
  const golden = readFileSync(file("../../../tests/replay/teams-day.jsonl"), "utf8");

  test("is replayed as the crate replays it", () => {
    const expected = golden.trim().split("\n");
    const actual = replay(log).map((record) => JSON.stringify(record));
    assert.equal(actual.length, expected.length);
    for (const [index, line] of expected.entries()) {
      if (JSON.parse(line).error?.message === "EOF while parsing an object") {
        // The line is no JSON, so the message is that of the reader of JSON.
        const { status, error } = JSON.parse(actual[index]);
        assert.deepEqual([status, error.code], [400, "InvalidArgument"]);
      } else {
        assert.equal(actual[index], line);
      }
    }
  });
});

describe("commands", () => {
  test("are objects", () => {
    const ana = new PresenceModel();
    const outcome = ana.setSession({ sessionId: "phone", claim: "InACall", expiration: HOUR }, NINE);
    assert.deepEqual(outcome, { previous: "Offline", current: "InACall", changed: "InACall" });
    assert.equal(ana.setPreferred({ presence: "Busy" }, NINE).changed, "Busy");
    assert.equal(ana.preferred(NINE).expiresAt, NINE + DAY);
    assert.equal(ana.clearPreferred(NINE).changed, "InACall");
    assert.equal(ana.clearSession({ sessionId: "phone" }, NINE).changed, "Offline");
  });

  test("are Graph's bodies, as objects and as texts", () => {
    const bodies = [
      ["setPresence", { sessionId: "A", availability: "Busy", activity: "InACall", expirationDuration: "PT1H" }],
      ["setUserPreferredPresence", { availability: "Offline", activity: "OffWork" }],
      ["clearUserPreferredPresence", {}],
      ["clearPresence", { sessionId: "A" }],
    ];
    const [objects, texts] = [new PresenceModel(), new PresenceModel()];
    for (const [action, body] of bodies) {
      objects.apply(action, body, NINE);
      texts.apply(action, JSON.stringify(body), NINE);
      assert.deepEqual(objects.snapshot(), texts.snapshot());
    }
    assert.equal(texts.apply("clearUserPreferredPresence", "", NINE).changed, null);
  });

  test("take lifetimes in milliseconds and as durations", () => {
    const lifetimes = [5 * MINUTE, "PT5M", null, undefined];
    for (const expiration of lifetimes) {
      const ana = new PresenceModel();
      ana.setSession({ sessionId: "A", claim: "Away", expiration }, NINE);
      assert.equal(ana.deadline(NINE), NINE + 5 * MINUTE);
    }
    const ana = new PresenceModel();
    ana.setPreferred({ presence: "Away", expiration: 1 }, NINE);
    assert.equal(ana.preferred(NINE).expiresAt, NINE + 1);
    ana.setPreferred({ presence: "Away", expiration: 1e21 }, NINE);
    assert.equal(new Date(ana.preferred(NINE).expiresAt).getUTCFullYear(), 2262);
    assert.throws(() => ana.setPreferred({ presence: "Away", expiration: NaN }, NINE), TypeError);
    assert.throws(() => ana.setPreferred({ presence: "Away", expiration: 0.5 }, NINE), TypeError);
  });
});

describe("a rejected command changes nothing and throws Graph's error", () => {
  const cases = [
    ["clearPresence", { sessionId: "B" }, 404, "NotFound", /^session not found/],
    ["clearPresence", {}, 400, "InvalidArgument", /^\[SessionId\]: The SessionId field is required\.$/],
    ["clearPresence", '{"sessionId":null}', 400, "InvalidArgument", /^\[SessionId\]: The SessionId/],
    ["clearPresence", '{"sessionId":7}', 400, "InvalidArgument", /^\[SessionId\]: invalid type: integer `7`, expected a string$/],
    ["clearPresence", '{"sessionId":', 400, "InvalidArgument", /^invalid body: /],
    ["clearPresence", "", 400, "InvalidArgument", /^invalid body: /],
    ["clearPresence", ["A"], 400, "InvalidArgument", /^invalid type: sequence, expected an object$/],
    ["clearPresence", null, 400, "InvalidArgument", /^invalid type: null, expected an object$/],
    ["clearPresence", { sessionId: "\ud800" }, 400, "InvalidArgument", /surrogate/],
    ["clearPresence", `{"sessionId":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, 400, "InvalidArgument", /^\[SessionId\]: invalid type: sequence/],
    ["setPresence", session("Busy", "Busy"), 400, "InvalidArgument", /^\[Availability\], \[Activity\]: invalid presence Busy\/Busy, expected /],
    ["setPresence", session("Busy", "Bsy"), 400, "InvalidArgument", /^\[Activity\]: unknown activity, .*, found "Bsy"$/],
    ["setPresence", session("Away", "Away", "PT4M59S"), 400, "InvalidArgument", /^The provided \[ExpirationDuration\] is out of range\.$/],
    ["setPresence", session("Away", "Away", "8:00:00"), 400, "InvalidArgument", /found "8:00:00"$/],
    ["setUserPreferredPresence", session("Busy", "InACall"), 400, "InvalidArgument", /^\[Availability\], \[Activity\]: invalid presence Busy\/InACall/],
    ["getPresence", {}, 400, "InvalidArgument", /^invalid action "getPresence", expected one such as setPresence$/],
  ];
  for (const [action, body, status, code, message] of cases) {
    test(`${action} ${JSON.stringify(body)?.slice(0, 60)}`, () => {
      const ana = new PresenceModel();
      ana.setSession({ sessionId: "A", claim: "Available" }, NINE);
      const before = ana.snapshot();
      assert.throws(
        () => ana.apply(action, body, NINE + 1),
        (error) => {
          assert.ok(error instanceof PresenceError && error instanceof Error);
          assert.match(error.message, message);
          assert.deepEqual([error.name, error.code, error.status], ["PresenceError", code, status]);
          return true;
        },
      );
      assert.deepEqual(ana.snapshot(), before);
    });
  }

  test("the 129th live session", () => {
    const ana = new PresenceModel();
    for (let id = 0; id < 128; id++) {
      ana.setSession({ sessionId: `${id}`, claim: "Away" }, NINE);
    }
    const more = () => ana.setSession({ sessionId: "one more", claim: "Away" }, NINE);
    assert.throws(more, { name: "PresenceError", code: "Forbidden", status: 403 });
    assert.equal(ana.sessions(NINE).length, 128);
  });

  test("a presence that is none", () => {
    const ana = new PresenceModel();
    assert.throws(() => ana.setSession({ sessionId: "A", claim: "Bsy" }, NINE), { status: 400 });
    assert.throws(() => ana.setSession({ sessionId: "A", claim: "Busy" }, NINE), { status: 400 });
    assert.throws(() => availability("Focusing"), { status: 400, code: "InvalidArgument" });
  });
});

describe("reads", () => {
  const ana = new PresenceModel();
  ana.setSession({ sessionId: "laptop", claim: "Available", expiration: "PT1H" }, NINE);
  ana.setSession({ sessionId: "phone", claim: "Away", expiration: "PT2H" }, NINE);

  test("change nothing and need no tick", () => {
    const before = ana.snapshot();
    assert.equal(ana.presence(NINE + 5 * MINUTE - 1), "Available");
    assert.equal(ana.presence(NINE + 5 * MINUTE), "AvailableInactive");
    assert.equal(ana.deadline(NINE), NINE + 5 * MINUTE);
    assert.deepEqual(ana.forecast(NINE), [
      { at: NINE + 5 * MINUTE, presence: "AvailableInactive" },
      { at: NINE + 10 * MINUTE, presence: "Away" },
      { at: NINE + 2 * HOUR, presence: "Offline" },
    ]);
    assert.deepEqual(ana.sessions(NINE + 6 * MINUTE), [
      {
        id: "laptop",
        claim: "Available",
        presence: "AvailableInactive",
        since: NINE,
        deadline: NINE + 10 * MINUTE,
        expiresAt: NINE + HOUR,
      },
      { id: "phone", claim: "Away", presence: "Away", since: NINE, deadline: NINE + 2 * HOUR, expiresAt: NINE + 2 * HOUR },
    ]);
    assert.equal(ana.preferred(NINE), null);
    assert.deepEqual(ana.snapshot(), before);
  });

  test("explain in data and in words", () => {
    const { text, ...data } = ana.explain(NINE);
    const [laptop, phone] = ana.sessions(NINE);
    assert.deepEqual(data, {
      presence: "Available",
      until: NINE + 5 * MINUTE,
      reason: { kind: "session", session: laptop },
      waiting: null,
      others: [phone],
    });
    assert.match(text, /^Available until 2026-11-20T09:05:00Z, because session "laptop" claims it\. AvailableInactive after that\./);

    const bob = new PresenceModel();
    assert.deepEqual(bob.explain(NINE).reason, { kind: "noSession" });
    bob.setPreferred({ presence: "Busy" }, NINE);
    assert.deepEqual(bob.explain(NINE).waiting, { presence: "Busy", since: NINE, expiresAt: NINE + DAY });
    bob.setSession({ sessionId: "phone", claim: "InACall" }, NINE);
    assert.deepEqual(bob.explain(NINE).reason, { kind: "preferred", preferred: bob.preferred(NINE) });
  });

  test("nothing to come is null and an empty list", () => {
    const nobody = new PresenceModel();
    assert.deepEqual([nobody.deadline(NINE), nobody.forecast(NINE), nobody.sessions(NINE)], [null, [], []]);
  });

  test("the interval of refreshing is a third of what a claim lasts", () => {
    assert.equal(refreshInterval({ claim: "Available", expiration: "PT1H" }), 100_000);
    assert.equal(refreshInterval({ claim: "InACall", expiration: HOUR }), 20 * MINUTE);
    assert.equal(refreshInterval({ claim: "InACall" }), 100_000);
    assert.throws(() => refreshInterval({ claim: "InACall", expiration: 1 }), { status: 400 });
  });
});

describe("time", () => {
  test("is a Date or milliseconds", () => {
    const [dates, numbers] = [new PresenceModel(), new PresenceModel()];
    dates.setSession({ sessionId: "A", claim: "Away" }, new Date(NINE));
    numbers.setSession({ sessionId: "A", claim: "Away" }, NINE);
    assert.deepEqual(dates.snapshot(), numbers.snapshot());
  });

  test("is rejected if it is none", () => {
    const ana = new PresenceModel();
    for (const now of [undefined, null, NaN, Infinity, "2026-11-20T09:00:00Z", new Date(NaN), 5n, {}]) {
      assert.throws(() => ana.presence(now), TypeError);
      assert.throws(() => ana.tick(now), TypeError);
      assert.throws(() => ana.apply("clearUserPreferredPresence", {}, now), TypeError);
    }
  });

  test("is rounded so that a start has started and an end has ended", () => {
    const ana = PresenceModel.restore({
      v1: {
        reported: "Away",
        sessions: [{ id: "A", claim: "Away", since: "2026-11-20T09:00:00.000000001Z", lifetime: "PT5M" }],
        preferred: null,
      },
    });
    const [session] = ana.sessions(NINE + 1);
    assert.deepEqual([session.since, session.expiresAt], [NINE, NINE + 5 * MINUTE + 1]);
    assert.equal(ana.deadline(NINE + 1), NINE + 5 * MINUTE + 1);
    assert.equal(ana.presence(NINE + 5 * MINUTE), "Away");
    assert.equal(ana.presence(NINE + 5 * MINUTE + 0.9), "Away");
    assert.equal(ana.tick(ana.deadline(NINE + 1)).changed, "Offline");
  });

  test("saturates in the years 1677 and 2262", () => {
    for (const now of [-8.64e15, -1e300, 8.64e15, 1e300]) {
      const ana = new PresenceModel();
      ana.setSession({ sessionId: "A", claim: "Away" }, now);
      ana.tick(NINE);
      ana.tick(now);
    }
  });

  test("may step back: nothing lives longer than its lifetime", () => {
    const ana = new PresenceModel();
    ana.setSession({ sessionId: "A", claim: "InACall" }, NINE);
    ana.tick(NINE - HOUR);
    assert.equal(ana.deadline(NINE - HOUR), NINE - HOUR + 5 * MINUTE);
  });
});

describe("a snapshot", () => {
  const ana = new PresenceModel();
  ana.setSession({ sessionId: "phone", claim: "InACall", expiration: "PT5M" }, NINE);
  ana.setPreferred({ presence: "Busy" }, NINE);

  test("has the form of the crate's documentation", () => {
    assert.deepEqual(ana.snapshot(), {
      v1: {
        reported: "Busy",
        sessions: [{ id: "phone", claim: "InACall", since: "2026-11-20T09:00:00Z", lifetime: "PT5M" }],
        preferred: { presence: "Busy", since: "2026-11-20T09:00:00Z", lifetime: "P1D" },
      },
    });
  });

  test("is read as the crate wrote it", () => {
    const pinned = readFileSync(file("../../../tests/snapshot/v1.json"), "utf8");
    assert.deepEqual(PresenceModel.restore(pinned).snapshot(), JSON.parse(pinned));
  });

  test("is restored from an object, from JSON and from a copy", () => {
    for (const same of [PresenceModel.restore(ana.snapshot()), PresenceModel.restore(JSON.stringify(ana)), ana.clone()]) {
      assert.deepEqual(same.snapshot(), ana.snapshot());
      assert.equal(same.reported, "Busy");
      same.tick(NINE + DAY);
      assert.equal(ana.reported, "Busy");
    }
  });

  test("is rejected if no model can have stored it", () => {
    const { v1 } = ana.snapshot();
    const [session] = v1.sessions;
    const snapshots = [
      "",
      "{}",
      null,
      { v2: v1 },
      { v1: { ...v1, reported: "Focusing" } },
      { v1: { ...v1, sessions: [session, session] } },
      { v1: { ...v1, sessions: [{ ...session, lifetime: "PT4H1M" }] } },
      { v1: { ...v1, sessions: [{ ...session, claim: "Busy" }] } },
      { v1: { ...v1, sessions: Array.from({ length: 129 }, (_, id) => ({ ...session, id: `${id}` })) } },
    ];
    for (const snapshot of snapshots) {
      assert.throws(() => PresenceModel.restore(snapshot), { name: "PresenceError", status: 400 });
    }
  });
});

describe("the package", () => {
  test("is loaded by an import, by require, and init does nothing more", async () => {
    await init();
    await init();
    assert.equal(createRequire(import.meta.url)("presence-core").PresenceModel, PresenceModel);
  });

  test("has a wasm file of less than 150 kB that imports only what its bindings need", async () => {
    const wasm = fileURLToPath(import.meta.resolve("presence-core/presence-core.wasm"));
    assert.ok(statSync(wasm).size < 150_000);
    const module = await WebAssembly.compile(readFileSync(wasm));
    const names = WebAssembly.Module.imports(module).map(({ module }) => module);
    assert.deepEqual([...new Set(names)], ["./presence_core_bindings_bg.js"]);
  });

  test("frees a model", () => {
    const ana = new PresenceModel();
    ana.free();
    assert.throws(() => ana.presence(NINE));
  });
});

function session(availability, activity, expirationDuration) {
  return { sessionId: "A", availability, activity, expirationDuration };
}
