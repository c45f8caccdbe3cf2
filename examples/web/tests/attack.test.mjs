// Hostile values, thousands of times each, while another model has to answer rightly.

import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { PresenceError, PresenceModel, refreshInterval, requestOf, presenceOf } from "presence-core";

const MINUTE = 60_000;
const NINE = Date.parse("2026-11-20T09:00:00Z");
const TIMES = 2000;
const BODY = { sessionId: "A", availability: "Busy", activity: "InACall" };

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

const witness = new PresenceModel();
witness.setSession({ sessionId: "phone", claim: "InACall", expiration: "PT1H" }, NINE);

const victim = new PresenceModel();
victim.setSession({ sessionId: "laptop", claim: "Available" }, NINE);
const unharmed = victim.snapshot();

function assertBothAnswer() {
  assert.equal(witness.presence(NINE + MINUTE), "InACall");
  assert.equal(witness.sessions(NINE)[0].id, "phone");
  assert.equal(witness.tick(NINE + MINUTE).current, "InACall");
  assert.deepEqual(victim.snapshot(), unharmed);
  assert.equal(victim.presence(NINE), "Available");
}

afterEach(assertBothAnswer);
after(async () => {
  collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertBothAnswer();
});

/** Attacks many times, and checks that each error is one that JavaScript threw. */
function attack(run, isExpected = isRejection) {
  for (let time = 0; time < TIMES; time++) {
    assert.throws(() => run(time), isExpected);
  }
}

const isRejection = (error) => error instanceof TypeError || error instanceof PresenceError;

const deep = (depth) => {
  let value = [];
  for (let level = 0; level < depth; level++) {
    value = level % 2 === 0 ? [value] : { value };
  }
  return value;
};

describe("nested values", () => {
  const text = `${"[".repeat(5000)}${"]".repeat(5000)}`;

  test("in bodies are rejected", () => {
    attack(() => victim.apply("setPresence", text, NINE));
    attack(() => victim.apply("setPresence", `{"sessionId":${text}}`, NINE));
    attack(() => victim.apply("setPresence", { ...BODY, sessionId: deep(5000) }, NINE));
    attack(() => victim.apply("setPresence", deep(5000), NINE));
  });

  test("in snapshots are rejected", () => {
    attack(() => PresenceModel.restore(text));
    attack(() => PresenceModel.restore(`{"v1":${text}}`));
    const nested = deep(5000);
    attack(() => PresenceModel.restore(nested));
    attack(() => PresenceModel.restore({ v1: { ...unharmed.v1, sessions: nested } }));
    const round = { v1: {} };
    round.v1.sessions = [round];
    attack(() => PresenceModel.restore(round));
  });

  test("in the other arguments are rejected", () => {
    const nested = deep(5000);
    attack(() => victim.setSession(nested, NINE));
    attack(() => victim.setSession({ sessionId: nested, claim: "Away" }, NINE));
    attack(() => victim.presence(nested));
    attack(() => refreshInterval({ claim: nested }));
    attack(() => presenceOf(nested));
  });
});

describe("objects that run code", () => {
  class Thrown {}
  const explode = () => {
    throw new Thrown();
  };
  const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, explode]));
  const getters = (object) =>
    Object.defineProperties({}, Object.fromEntries(Object.keys(object).map((name) => [name, { get: explode, enumerable: true }])));
  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };

  test("may throw, and their exception arrives", () => {
    const isThrown = (error) => error instanceof Thrown;
    for (const make of [getters, (object) => new Proxy(object, traps)]) {
      attack(() => victim.apply("setPresence", make(BODY), NINE), isThrown);
      attack(() => victim.setSession(make({ sessionId: "A", claim: "Away" }), NINE), isThrown);
      attack(() => PresenceModel.restore(make(unharmed)), isThrown);
      attack(() => refreshInterval(make({ claim: "Away" })), isThrown);
      attack(() => requestOf("clearPresence", make({ sessionId: "A" })), isThrown);
      attack(() => presenceOf(make({ activity: "Away", availability: "Away" })), isThrown);
    }
  });

  test("are not run if they are a time, a word or an id", () => {
    const hostile = { [Symbol.toPrimitive]: explode, toString: explode, valueOf: explode, getTime: explode, toJSON: explode };
    for (const value of [hostile, new Proxy({}, traps), new Proxy(() => {}, traps), revoked()]) {
      attack(() => victim.presence(value));
      attack(() => victim.tick(value));
      attack(() => victim.apply(value, BODY, NINE));
      attack(() => victim.setSession({ sessionId: value, claim: "Away" }, NINE));
      attack(() => victim.setSession({ sessionId: "A", claim: value }, NINE));
      attack(() => victim.setSession({ sessionId: "A", claim: "Away", expiration: value }, NINE));
      attack(() => victim.setPreferred({ presence: value }, NINE));
    }
    attack(() => victim.apply("setPresence", revoked(), NINE));
    attack(() => PresenceModel.restore(revoked()));
  });

  test("may call the model, and may free it", () => {
    for (let time = 0; time < TIMES; time++) {
      const ana = new PresenceModel();
      const outcome = ana.apply(
        "setPresence",
        {
          ...BODY,
          get sessionId() {
            ana.setSession({ sessionId: "B", claim: "Away" }, NINE);
            return ana.sessions(NINE)[0].id + witness.presence(NINE);
          },
        },
        NINE,
      );
      assert.deepEqual(outcome, { previous: "Away", current: "InACall", changed: "InACall" });
      assert.deepEqual(ana.sessions(NINE).map(({ id }) => id), ["B", "BInACall"]);
      const free = { ...BODY, get availability() { return ana.free(), "Busy"; } };
      assert.throws(() => ana.apply("setPresence", free, NINE), TypeError);
    }
  });

  test("may have no end", () => {
    const endless = new Proxy({}, { ownKeys: () => ["v1"], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: () => endless });
    const long = new Proxy([], { get: (target, name) => (name === "length" ? 2 ** 32 - 1 : 7) });
    attack(() => PresenceModel.restore(endless));
    for (let time = 0; time < 20; time++) {
      assert.throws(() => PresenceModel.restore(long), /too large/);
    }
  });
});

describe("values that JSON does not have", () => {
  const values = [NaN, Infinity, 1n, 10n ** 400n, Symbol("A"), () => {}, new Date(NaN)];

  test("are rejected in bodies and snapshots", () => {
    const [session] = unharmed.v1.sessions;
    for (const value of values.slice(0, 6)) {
      attack(() => victim.apply("setPresence", value, NINE));
      attack(() => victim.apply("setPresence", { ...BODY, expirationDuration: value }, NINE));
      attack(() => PresenceModel.restore(value));
      attack(() => PresenceModel.restore({ v1: { ...unharmed.v1, sessions: [{ ...session, id: value }] } }));
    }
  });

  test("are rejected as times and lifetimes", () => {
    for (const value of values) {
      attack(() => victim.presence(value));
      attack(() => victim.setSession({ sessionId: "A", claim: "Away", expiration: value }, NINE));
    }
  });

  test("are rejected as halves of characters", () => {
    const [session] = unharmed.v1.sessions;
    for (const id of ["\ud800", "a\udc00", "\udc00\ud800"]) {
      const escaped = `{"sessionId":"\\u${id.charCodeAt(0).toString(16)}"}`;
      attack(() => victim.setSession({ sessionId: id, claim: "Away" }, NINE), /surrogate/);
      attack(() => victim.apply("clearPresence", { sessionId: id }, NINE), /surrogate/);
      attack(() => victim.apply("clearPresence", `{"sessionId":"${id}"}`, NINE), /surrogate/);
      attack(() => PresenceModel.restore({ v1: { ...unharmed.v1, sessions: [{ ...session, id }] } }), /surrogate/);
      attack(() => PresenceModel.restore(`{"v1":{"reported":"${id}"`), /surrogate/);
      if (id.length === 1) {
        attack(() => victim.apply("clearPresence", escaped, NINE), /surrogate/);
      }
    }
  });
});

test("texts that are too long are rejected", () => {
  const long = "x".repeat(3e6);
  attack(() => victim.setSession({ sessionId: long, claim: "Away" }, NINE), PresenceError);
  attack(() => victim.apply("setPresence", long, NINE), PresenceError);
  attack(() => victim.apply("setPresence", { ...BODY, sessionId: long }, NINE), PresenceError);
  attack(() => victim.apply(long, BODY, NINE), PresenceError);
  attack(() => PresenceModel.restore(long), PresenceError);
  attack(() => victim.setSession({ sessionId: "ä".repeat(513), claim: "Away" }, NINE), /1026 bytes, expected at most 1024/);
  assert.throws(() => PresenceModel.restore({ v1: Array(1e6).fill(long) }), PresenceError);
});

test("the longest ids fit into a snapshot", () => {
  const [session] = unharmed.v1.sessions;
  const sessions = Array.from({ length: 128 }, (_, id) => ({ ...session, id: `${id}`.padStart(1024, "\u0001") }));
  const snapshot = { v1: { ...unharmed.v1, sessions } };
  const ana = PresenceModel.restore(snapshot);
  assert.deepEqual(PresenceModel.restore(JSON.stringify(ana)).snapshot(), ana.snapshot());
  assert.equal(ana.sessions(NINE).length, 128);
});

test("a model that was freed throws", () => {
  const ana = new PresenceModel();
  ana.free();
  ana.free();
  attack(() => ana.presence(NINE), /freed/);
  attack(() => ana.tick(NINE), /freed/);
  attack(() => ana.setSession({ sessionId: "A", claim: "Away" }, NINE), /freed/);
  attack(() => ana.snapshot(), /freed/);
  attack(() => ana.reported, /freed/);
  attack(() => ana.clone(), /freed/);
  attack(() => JSON.stringify(ana), /freed/);
});

test("a method of another object throws", () => {
  const { presence, apply } = PresenceModel.prototype;
  for (const other of [undefined, {}, Object.create(PresenceModel.prototype), new Proxy(victim, {})]) {
    attack(() => presence.call(other, NINE));
    attack(() => apply.call(other, "setPresence", BODY, NINE));
  }
});

test("a stack that overflows in a call changes nothing", () => {
  const ana = witness.clone();
  const { Instance } = WebAssembly;
  let starts = 0;
  WebAssembly.Instance = class extends Instance {
    constructor(...args) {
      super(...args);
      starts += 1;
    }
  };
  const dive = (time) => {
    let above = 0;
    try {
      above = dive(time) + 1;
    } catch {}
    // The nearer the end of the stack, the earlier in a call this fails.
    if (above < 4000 && above % 13 === time % 13) {
      try {
        ana.setSession({ sessionId: "phone", claim: "InACall", expiration: "PT1H" }, NINE);
        ana.explain(NINE);
      } catch (error) {
        assert.ok(error instanceof RangeError, error);
      }
    }
    return above;
  };
  for (let time = 0; time < 150; time++) {
    const after = (count) => (count === 0 ? dive(time) : after(count - 1));
    after(time);
    assert.deepEqual(ana.snapshot(), witness.snapshot());
  }
  WebAssembly.Instance = Instance;
  assert.ok(starts > 30, `${starts}`);
});

test("fifty thousand models leave no memory behind", () => {
  const models = Array.from({ length: 1000 }, () => witness.clone());
  collectGarbage();
  const before = process.memoryUsage().rss;
  for (let time = 0; time < 50_000; time++) {
    const ana = models[time % 1000].clone();
    if (time % 10 === 0) {
      ana.setSession({ sessionId: `${time}`, claim: "Away" }, NINE);
    }
  }
  collectGarbage();
  assert.ok(process.memoryUsage().rss - before < 100e6);
  assert.ok(models.every((model) => model.presence(NINE) === "InACall"));
});

test("a body is read as the crate reads it", () => {
  const ana = new PresenceModel();
  const rows = [
    ['{"sessionId":"A","SESSIONID":"B"}', "[SessionId]: The SessionId field comes twice."],
    ['{"sessionId":"A","sessionId":"B"}', "[SessionId]: The SessionId field comes twice."],
    ['{"sessionId":1.5}', "[SessionId]: invalid type: floating point `1.5`, expected a string"],
    ['{"sessionId":-7}', "[SessionId]: invalid type: integer `-7`, expected a string"],
    ['{"sessionId":true}', "[SessionId]: invalid type: boolean `true`, expected a string"],
    ['"A"', 'invalid type: string "A", expected an object'],
    ["{", "invalid body: expected a name, found the end after 1 characters"],
    ['{"sessionId":"A"', "invalid body: expected a comma or the end of a list or an object, found the end after 16 characters"],
    ['{"sessionId":"A"} x', "invalid body: expected the end, found 'x' after 18 characters"],
    ['{"sessionId":01}', "invalid body: leading zero after 15 characters"],
    ['{"sessionId":"\\x"}', "invalid body: unknown escape after 15 characters"],
    ['{"sessionId":"\t"}', "invalid body: control character in a string after 14 characters"],
    ['{"sessionId":"\\u00e"}', "invalid body: expected four digits, found '0' after 16 characters"],
    ['{"sessionId":nul}', "invalid body: expected a value, found 'n' after 13 characters"],
    ['{"x":1e999,"sessionId":[{"y":-0.5E-3}]}', "[SessionId]: invalid type: sequence, expected a string"],
  ];
  for (const [text, message] of rows) {
    assert.throws(() => ana.apply("clearPresence", text, NINE), { name: "PresenceError", status: 400, message }, text);
  }
  ana.apply("setPresence", ' {"sessionid" : "\\ud83d\\ude00\\u0000\\n/\\/é", "x":[{},[],1e5],\r\n"Availability":"away","activity":"AWAY"}\t', NINE);
  assert.equal(ana.sessions(NINE)[0].id, "😀\0\n//é");
});

test("a text is JSON for the wasm file if it is for JavaScript", () => {
  const seeds = [
    '{"sessionId":"A","x":[1,-2.5e+3,0,{"y":null,"z":[true,false,[]]}],"é":"\\u00e9\\n\\\\\\"\\ud83d\\ude00"}',
    ' [ {} , "" , 10 , -0.0 , 1E5 ] ',
    '{"a":{"b":{"c":"d"}},"e":[[],[[]]]}',
  ];
  const alphabet = ['"', "\\", "u", "{", "}", "[", "]", ",", ":", "0", "1", "-", ".", "e", "+", "t", "n", " ", "\t", "\n", "\0", "é", "\u2028", "\ufeff", "\u007f"];
  let state = 7;
  const random = (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const ana = new PresenceModel();
  const counts = [0, 0];
  for (let time = 0; time < 20_000; time++) {
    const chars = [...seeds[random(seeds.length)]];
    for (let change = random(3); change >= 0; change--) {
      chars.splice(random(chars.length + 1), random(3), ...Array.from({ length: random(3) }, () => alphabet[random(alphabet.length)]));
    }
    const text = chars.join("");
    let isJson = true;
    try {
      JSON.parse(text);
    } catch {
      isJson = false;
    }
    let message = "";
    try {
      ana.apply("clearPresence", text, NINE);
    } catch (error) {
      ({ message } = error);
    }
    if (!message.includes("surrogate")) {
      assert.equal(!message.startsWith("invalid body: "), isJson, `${JSON.stringify(text)}: ${message}`);
      counts[Number(isJson)] += 1;
    }
  }
  assert.ok(counts.every((count) => count > 1000), `${counts}`);
});
