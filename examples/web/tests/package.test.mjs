// The package in Node.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { PresenceError, PresenceModel, availability, init, presenceOf, refreshInterval, requestOf } from "presence-core";

import { AVAILABILITY, CLAIMS, PREFERRED, PRESENCES } from "../pkg/words.js";

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
    ["clearPresence", `{"sessionId":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, 400, "InvalidArgument", /^invalid body: nested too deep after 76 characters$/],
    ["clearPresence", { sessionId: [[]] }, 400, "InvalidArgument", /^\[SessionId\]: invalid type: sequence/],
    ["setPresence", session("Busy", "Busy"), 400, "InvalidArgument", /^\[Availability\], \[Activity\]: invalid presence Busy\/Busy, expected /],
    ["setPresence", session("Busy", "Bsy"), 400, "InvalidArgument", /^\[Activity\]: unknown activity, .*, found "Bsy"$/],
    ["setPresence", session("Away", "Away", "PT4M59S"), 400, "InvalidArgument", /^The provided \[ExpirationDuration\] is out of range\.$/],
    ["setPresence", session("Away", "Away", "8:00:00"), 400, "InvalidArgument", /found "8:00:00"$/],
    ["setUserPreferredPresence", session("Busy", "InACall"), 400, "InvalidArgument", /^\[Availability\], \[Activity\]: invalid presence Busy\/InACall/],
    ["getPresence", {}, 400, "InvalidArgument", /^invalid action "getPresence", expected setPresence, clearPresence, setUserPreferredPresence or clearUserPreferredPresence$/],
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
      const isNamed = ({ name, status, message }) => name === "PresenceError" && status === 400 && !message.includes("Error:");
      assert.throws(() => PresenceModel.restore(snapshot), isNamed);
    }
  });
});

describe("what is wrong with a snapshot is named", () => {
  const ana = new PresenceModel();
  ana.setSession({ sessionId: "A", claim: "Away" }, NINE);
  ana.setSession({ sessionId: "B", claim: "Away" }, NINE);
  ana.setPreferred({ presence: "Busy" }, NINE);
  const changed = (change) => {
    const snapshot = ana.snapshot();
    change(snapshot.v1);
    return snapshot;
  };
  const rows = [
    [changed((v1) => (v1.reported = "Focusing")), 'invalid snapshot: invalid presence, found "Focusing"'],
    [changed((v1) => (v1.sessions[1].lifetime = "PT9H")), "invalid snapshot: v1.sessions[1]: lifetime out of range"],
    [changed((v1) => (v1.sessions[1].claim = "Busy")), "invalid snapshot: v1.sessions[1]: invalid presence Busy/Busy, expected Available/Available, Busy/InACall, Busy/InAConferenceCall, DoNotDisturb/Presenting or Away/Away"],
    [changed((v1) => (v1.sessions[0].since = "noon")), 'invalid snapshot: v1.sessions[0]: invalid timestamp, expected one such as 2026-11-20T09:00:00Z, found "noon"'],
    [changed((v1) => (v1.sessions[0].id = 7)), "invalid snapshot: v1.sessions[0]: invalid type: integer `7`, expected a string"],
    [changed((v1) => (v1.sessions[0].id = "\ud800")), 'invalid snapshot: v1.sessions[0].id: "\\ud800" has a lone surrogate'],
    [changed((v1) => (v1.sessions[0].id = 7n)), "invalid snapshot: v1.sessions[0].id: JSON has no bigint"],
    [changed((v1) => delete v1.sessions[1].since), "invalid snapshot: v1.sessions[1]: missing field `since`"],
    [changed((v1) => (v1.sessions[1].id = "A")), "invalid snapshot: duplicate session id"],
    [changed((v1) => (v1.preferred.lifetime = "PT0S")), "invalid snapshot: v1.preferred: lifetime out of range"],
    [changed((v1) => delete v1.preferred), "invalid snapshot: missing field `preferred`"],
    [{ v2: {} }, "invalid snapshot: unknown variant `v2`, expected `v1`"],
    ['{"v1":', "invalid snapshot: expected a value, found the end after 6 characters"],
    ['{"v1":"\ud800"}', 'invalid snapshot: it has a lone surrogate'],
    [`{"v1":{"reported":"Away","sessions":[{"id":"\\ud800"}]}}`, "invalid snapshot: lone surrogate after 50 characters"],
  ];
  for (const [snapshot, message] of rows) {
    test(message, () => assert.throws(() => PresenceModel.restore(snapshot), { name: "PresenceError", status: 400, message }));
  }
});

describe("the package", () => {
  test("is loaded by an import, by require, and init does nothing more", async () => {
    await init();
    await init();
    assert.equal(createRequire(import.meta.url)("presence-core").PresenceModel, PresenceModel);
  });

  test("has a wasm file of less than 150 kB that imports nothing, and the README says how large it is", async () => {
    const wasm = readFileSync(fileURLToPath(import.meta.resolve("presence-core/presence-core.wasm")));
    assert.ok(wasm.length < 150_000);
    assert.deepEqual(WebAssembly.Module.imports(await WebAssembly.compile(wasm)), []);
    const [, size, compressed] = /The wasm file has (\d+) kB, (\d+) kB compressed/.exec(readFileSync(file("../README.md"), "utf8"));
    assert.ok(Math.abs(wasm.length / 1000 - size) <= 2, `${wasm.length}`);
    assert.ok(Math.abs(gzipSync(wasm, { level: 9 }).length / 1000 - compressed) <= 2, `${gzipSync(wasm, { level: 9 }).length}`);
    const bytes = readFileSync(file("../pkg/bytes.js"));
    const [, inside, insideCompressed] = /makes (\d+) kB of it, (\d+) kB compressed/.exec(readFileSync(file("../README.md"), "utf8"));
    assert.ok(Math.abs(bytes.length / 1000 - inside) <= 2, `${bytes.length}`);
    assert.ok(Math.abs(gzipSync(bytes, { level: 9 }).length / 1000 - insideCompressed) <= 2, `${gzipSync(bytes, { level: 9 }).length}`);
  });

  test("is served on the loopback address only, by the command of the README", () => {
    assert.match(readFileSync(file("../README.md"), "utf8"), /http\.server --bind 127\.0\.0\.1 /);
  });

  test("frees a model, by hand and at the end of a block", () => {
    for (const end of ["free", Symbol.dispose]) {
      const ana = new PresenceModel();
      ana[end]();
      assert.throws(() => ana.presence(NINE), { name: "TypeError", message: "the model was freed" });
    }
  });

  test("does not let a model be posted", () => {
    assert.throws(() => structuredClone(new PresenceModel()), { name: "DataCloneError" });
    assert.throws(() => new MessageChannel().port1.postMessage([new PresenceModel()]), { name: "DataCloneError" });
  });
});

describe("a wrong argument is named before anything happens", () => {
  const ana = new PresenceModel();
  const laptop = { sessionId: "laptop", claim: "Away" };
  const rows = [
    [() => ana.setSession(undefined, NINE), TypeError, "invalid session undefined, expected an object with sessionId, claim and expiration"],
    [() => ana.setSession("laptop", NINE), TypeError, 'invalid session "laptop", expected an object with sessionId, claim and expiration'],
    [() => ana.setSession({ sessionId: "laptop" }, NINE), TypeError, "invalid claim undefined, expected Available, InACall, InAConferenceCall, Presenting or Away"],
    [() => ana.setSession({ ...laptop, claim: 3 }, NINE), TypeError, "invalid claim 3, expected Available, InACall, InAConferenceCall, Presenting or Away"],
    [() => ana.setSession({ ...laptop, claim: "Busy" }, NINE), PresenceError, 'invalid claim "Busy", expected Available, InACall, InAConferenceCall, Presenting or Away'],
    [() => ana.setSession({ ...laptop, claim: "toString" }, NINE), PresenceError, 'invalid claim "toString", expected Available, InACall, InAConferenceCall, Presenting or Away'],
    [() => ana.setSession({ ...laptop, sessionId: 7 }, NINE), TypeError, "invalid sessionId 7, expected a string"],
    [() => ana.setSession({ ...laptop, expirationDuration: "PT1H" }, NINE), TypeError, 'unknown field "expirationDuration" of a session, expected sessionId, claim or expiration'],
    [() => ana.setSession({ ...laptop, expiration: 0.5 }, NINE), TypeError, 'invalid expiration 0.5, expected a duration such as "PT1H" or whole milliseconds'],
    [() => ana.setSession({ ...laptop, expiration: 3n }, NINE), TypeError, 'invalid expiration [bigint], expected a duration such as "PT1H" or whole milliseconds'],
    [() => ana.clearSession("laptop", NINE), TypeError, 'invalid session "laptop", expected an object with sessionId'],
    [() => ana.clearSession(laptop, NINE), TypeError, 'unknown field "claim" of a session, expected sessionId'],
    [() => ana.setPreferred("Busy", NINE), TypeError, 'invalid preference "Busy", expected an object with presence and expiration'],
    [() => ana.setPreferred({ presence: "InACall" }, NINE), PresenceError, 'invalid presence "InACall", expected Available, Busy, DoNotDisturb, BeRightBack, Away or OffWork'],
    [() => ana.apply("setPresence", undefined, NINE), TypeError, "invalid body undefined, expected an object or its JSON text"],
    [() => ana.apply(7, {}, NINE), TypeError, "invalid action 7, expected setPresence, clearPresence, setUserPreferredPresence or clearUserPreferredPresence"],
    [() => ana.presence(), TypeError, "invalid time undefined, expected a Date or milliseconds since 1970"],
    [() => ana.presence("9 o'clock"), TypeError, "invalid time \"9 o'clock\", expected a Date or milliseconds since 1970"],
    [() => ana.presence(new Date(NaN)), TypeError, "invalid time Invalid Date, expected a Date or milliseconds since 1970"],
    [() => ana.setSession(laptop), TypeError, "invalid time undefined, expected a Date or milliseconds since 1970"],
    [() => PresenceModel.restore(), TypeError, "invalid snapshot undefined, expected an object or its JSON text"],
    [() => refreshInterval({ claim: "Awya" }), PresenceError, 'invalid claim "Awya", expected Available, InACall, InAConferenceCall, Presenting or Away'],
    [() => availability("Focusing"), PresenceError, 'invalid presence "Focusing", expected Offline, OffWork, Away, BeRightBack, AvailableInactive, Available, Busy, InACall, InAConferenceCall, DoNotDisturb or Presenting'],
    [() => presenceOf("Busy"), TypeError, 'invalid answer "Busy", expected an object with availability and activity'],
    [() => presenceOf({ availability: "Busy" }), TypeError, "invalid activity undefined, expected a string"],
  ];
  for (const [run, type, message] of rows) {
    test(message, () => {
      assert.throws(run, (error) => error instanceof type && error.message === message && (assert.equal(error.message, message), true));
      assert.deepEqual(ana.snapshot(), new PresenceModel().snapshot());
    });
  }

  test("and before init, with the same words", () => {
    const program = `
      import { PresenceModel, presenceOf, requestOf } from "presence-core/slim";
      const ana = new PresenceModel();
      for (const run of [() => ana.setSession({ sessionId: "A" }, 0), () => ana.presence("9"), () => ana.presence(0), () => PresenceModel.restore({})]) {
        try { run(); } catch (error) { console.log(error.message); }
      }
      console.log(presenceOf({ availability: "Busy", activity: "InACall" }), requestOf("clearPresence", { sessionId: "A" }).body);
    `;
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: file(".."), encoding: "utf8" });
    assert.deepEqual(output.trim().split("\n"), [
      "invalid claim undefined, expected Available, InACall, InAConferenceCall, Presenting or Away",
      'invalid time "9", expected a Date or milliseconds since 1970',
      "presence-core is not loaded: await init() first",
      "presence-core is not loaded: await init() first",
      'InACall {"sessionId":"A"}',
    ]);
  });
});

describe("the words in JavaScript are those of the crate", () => {
  test("for claims, preferences and actions", () => {
    for (const activity of PRESENCES) {
      const pair = { availability: AVAILABILITY[activity], activity };
      const accepts = (action) => {
        try {
          new PresenceModel().apply(action, { sessionId: "A", ...pair }, NINE);
          return true;
        } catch {
          return false;
        }
      };
      assert.equal(accepts("setPresence"), CLAIMS.includes(activity), activity);
      assert.equal(accepts("setUserPreferredPresence"), PREFERRED.includes(activity), activity);
    }
    const source = readFileSync(file("../../../src/presence.rs"), "utf8");
    const pairs = [...source.matchAll(/Self::\w+ => "(\w+)\/(\w+)",/g)].map(([, availability, activity]) => [activity, availability]);
    assert.equal(pairs.length, 11);
    assert.deepEqual(AVAILABILITY, Object.fromEntries(pairs));
  });
});

describe("Graph's protocol", () => {
  test("a request has what fetch takes, and the model takes its body", () => {
    const request = requestOf("setPresence", { sessionId: "phone", claim: "InACall", expiration: 5_400_000 });
    assert.deepEqual(request, {
      action: "setPresence",
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"sessionId":"phone","availability":"Busy","activity":"InACall","expirationDuration":"PT5400.000S"}',
    });
    assert.equal(requestOf("setPresence", { sessionId: "A", claim: "Away" }).body, '{"sessionId":"A","availability":"Away","activity":"Away"}');
    assert.equal(requestOf("setUserPreferredPresence", { presence: "OffWork" }).body, '{"availability":"Offline","activity":"OffWork"}');
    assert.equal(requestOf("clearUserPreferredPresence").body, "{}");
    const ana = new PresenceModel();
    assert.equal(ana.apply(request.action, request.body, NINE).changed, "InACall");
    assert.equal(ana.preferred(NINE), null);
  });

  test("an answer is a presence or something else", () => {
    for (const [activity, availability] of Object.entries(AVAILABILITY)) {
      assert.equal(presenceOf({ id: "ana", availability, activity, sequenceNumber: null }), activity);
      assert.equal(presenceOf({ availability: availability.toLowerCase(), activity: activity.toUpperCase() }), activity);
    }
    for (const [availability, activity] of [["Busy", "InAMeeting"], ["BusyIdle", "BusyIdle"], ["Away", "Busy"], ["", ""], ["undefined", "nothing"]]) {
      assert.equal(presenceOf({ availability, activity }), null);
    }
  });
});

describe("the file apart", () => {
  test("is corrected after a wrong one, and read from all it may be in", async () => {
    const wasm = import.meta.resolve("presence-core/presence-core.wasm");
    const bytes = readFileSync(fileURLToPath(wasm));
    const other = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
    const hostile = { get arrayBuffer() { throw undefined; } };
    const values = [undefined, null, 7, "no address", other, bytes.subarray(9), new Response("", { status: 404 }), hostile, {}];
    const wrong = [...values.map((value) => () => value), () => Promise.reject(new Error("offline"))];
    const sources = {
      bytes: () => bytes,
      buffer: () => new Uint8Array(bytes).buffer,
      module: () => new WebAssembly.Module(bytes),
      response: () => new Response(bytes),
      promise: () => Promise.resolve(new Response(bytes)),
      address: () => `data:application/wasm;base64,${bytes.toString("base64")}`,
      URL: () => new URL(`data:application/wasm;base64,${bytes.toString("base64")}`),
    };
    // The modules for pages, of which nothing is loaded in this process.
    const slim = await import("../pkg/slim.js");
    for (const source of wrong) {
      await assert.rejects(async () => slim.init(source()), { name: "TypeError", message: /^cannot load the wasm file: ./ });
    }
    await Promise.all([slim.init(sources.bytes()), slim.init(sources.bytes())]);
    await slim.init(other);
    assert.equal(new slim.PresenceModel().presence(NINE), "Offline");

    const program = (source) => `
      import { readFileSync } from "node:fs";
      import { PresenceModel, init } from "presence-core/slim";
      const bytes = readFileSync(${JSON.stringify(fileURLToPath(wasm))});
      await init((${source})());
      console.log(new PresenceModel().presence(0));`;
    for (const source of Object.values(sources)) {
      assert.equal(execFileSync(process.execPath, ["--input-type=module", "--eval", program(source)], { cwd: file(".."), encoding: "utf8" }), "Offline\n");
    }
  });
});

function session(availability, activity, expirationDuration) {
  return { sessionId: "A", availability, activity, expirationDuration };
}
