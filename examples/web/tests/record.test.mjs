// The records of the page: what they paint, and how they are read from a log.

import assert from "node:assert/strict";
import { test } from "node:test";

import { PresenceModel, init } from "../pkg/index.js";
import { Log } from "../page/log.js";
import { Record } from "../page/record.js";
import { Scene } from "../page/scene.js";
import { runs } from "../page/picture.js";

const MINUTE = 60_000;
const NINE = Date.parse("2026-11-20T09:00:00Z");
const at = (minute) => NINE + minute * MINUTE;

await init();

test("the past and what will come are painted as bars", () => {
  const record = new Record(NINE);
  set(record, 0, "laptop", "Available");
  set(record, 4, "laptop", "Available");
  const { effective, sessions } = record.paint(2, at(10));
  const bars = ["0-9 Available", "9-14 AvailableInactive", "14-34 Away"];
  assert.deepEqual(lane(sessions.get("laptop")), bars);
  assert.deepEqual(lane(effective), [...bars, "34-Infinity Offline"]);
});

test("the past is painted again after the clock was set back", () => {
  const record = new Record(NINE);
  set(record, 10, "phone", "InACall");
  record.send("tick", "", at(20));
  record.send("tick", "", at(5));
  const { effective } = record.paint(3, at(8));
  assert.deepEqual(lane(effective), ["0-5 Offline", "5-35 InACall", "35-Infinity Offline"]);
  assert.equal(record.countAt(at(8)), 3);
  assert.equal(record.countAt(at(4)), 0);
});

test("a preference waits while there is no session", () => {
  const record = new Record(NINE);
  record.send("setUserPreferredPresence", '{"availability":"Busy","activity":"Busy","expirationDuration":"PT30M"}', NINE);
  set(record, 10, "phone", "InACall", "PT10M");
  const { preferred } = record.paint(2, at(12));
  assert.deepEqual(preferred.map(({ from, to, isWaiting }) => [(from - NINE) / MINUTE, (to - NINE) / MINUTE, isWaiting]), [[0, 10, true], [10, 20, false], [20, 30, true]]);
});

test("a rejected request is kept with its error", () => {
  const record = new Record(NINE);
  const { status, error, presence } = record.send("clearPresence", "{}", NINE);
  assert.deepEqual([status, error.error.code, presence], [400, "InvalidArgument", null]);
});

test("a picture says what the models say, after any requests and steps of the clock", () => {
  let compared = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const random = randomOf(seed);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const record = new Record(NINE);
    let time = 0;
    for (let index = 0; index < 80; index++) {
      time = random() < 0.1 ? Math.max(time - Math.floor(random() * 40), 0) : time + Math.floor(random() * 8);
      const id = pick(["a", "b", "c"]);
      const activity = pick(["Available", "Available", "Away", "InACall", "Busy"]);
      const lifetime = pick(["PT5M", "PT7M", "PT12M", "PT40M", undefined]);
      pick([
        () => set(record, time, id, activity, lifetime),
        () => set(record, time, id, activity, lifetime),
        () => record.send("clearPresence", JSON.stringify({ SESSIONID: id }), at(time)),
        () => record.send("setUserPreferredPresence", `{"availability":"Busy","activity":"busy","expirationDuration":"${lifetime ?? "PT9M"}"}`, at(time)),
        () => record.send("clearUserPreferredPresence", "", at(time)),
        () => record.send("tick", "", at(time)),
      ])();
      record.model(Math.floor(random() * record.requests.length));
    }
    for (const [now, isBack] of [[time + 3, false], [time - 7, false], [time - 31, false], [Math.floor(time / 2), false], [time - 3, true], [time - 25, true], [time + 90, true]]) {
      const scene = new Scene(record, at(now));
      scene.isClockSetBack = isBack;
      compared += compare(record, scene.count, now, time + 60);
    }
    // What is forgotten leaves a record as if it had never come.
    const half = at(Math.floor(time / 2));
    const count = record.countAt(half);
    record.truncate(count, half);
    set(record, Math.floor(time / 2), "b", "InACall", "PT6M");
    compared += compare(record, count + 1, Math.floor(time / 2) + 2, time + 60);
  }
  assert.ok(compared > 20_000, `${compared}`);
});

/** Compares a picture with the models, each half minute. */
function compare(record, count, now, to) {
  const picture = record.paint(count, at(now));
  const future = record.model(count).clone();
  future.tick(at(now));
  let compared = 0;
  for (let minute = 0.25; minute < to; minute += 0.5) {
    const time = at(minute);
    const model = minute < now ? record.model(record.requests.slice(0, count).findLastIndex((request) => request.status === 200 && request.at <= time) + 1) : future;
    const said = {
      effective: model.presence(time),
      preferred: model.preferred(time)?.presence,
      sessions: model.sessions(time).map(({ id, presence }) => `${id} ${presence}`),
    };
    const painted = {
      effective: barAt(picture.effective, time),
      preferred: barAt(picture.preferred, time),
      sessions: [...picture.sessions].map(([id, bars]) => `${id} ${barAt(bars, time)}`).filter((text) => !text.endsWith("undefined")).sort(),
    };
    assert.deepEqual(painted, said, `${JSON.stringify(record.requests.slice(0, count).map(({ at: time, action, body, status }) => [(time - NINE) / MINUTE, action, body, status]))} now ${now}, at ${minute}`);
    compared += 1;
  }
  return compared;
}

function barAt(bars, time) {
  const found = bars.filter(({ from, to }) => from <= time && time < to);
  assert.ok(found.length <= 1, JSON.stringify(bars));
  return found[0]?.presence;
}

test("all requests are kept, and each of their models is found again", () => {
  const record = new Record(NINE);
  for (let minute = 0; minute < 5000; minute++) {
    set(record, minute, `session ${minute % 7}`, minute % 2 === 0 ? "Available" : "InACall", "PT5M");
  }
  assert.equal(record.requests.length, 5000);
  for (const count of [0, 1, 31, 32, 33, 2500, 4999, 5000]) {
    const reference = new PresenceModel();
    for (const { action, body, at } of record.requests.slice(0, count)) {
      reference.apply(action, body, at);
    }
    assert.deepEqual(record.model(count).snapshot(), reference.snapshot());
  }
});

test("what has ended by the clock stays gone when the clock is set back", () => {
  const record = new Record(NINE);
  set(record, 0, "phone", "InACall", "PT5M");
  const scene = new Scene(record, NINE);
  scene.setWrong(true);
  // A drag that is not ended yet changes nothing.
  scene.moveTo(at(6));
  scene.moveTo(at(3));
  assert.equal(scene.model.presence(scene.now), "InACall");
  scene.moveTo(at(6));
  scene.settle();
  scene.moveTo(at(3));
  scene.settle();
  assert.equal(scene.model.presence(scene.now), "Offline");
});

test("a scene that is full refreshes nothing any more, and says so", () => {
  const record = new Record(NINE);
  const scene = new Scene(record, NINE);
  for (let index = 0; index < 50; index++) {
    set(record, 0, `s${index}`, "Available");
    scene.refreshed.add(`s${index}`);
  }
  let moves = 0;
  while (!scene.moveTo(at(60 * 24 * 365))) {
    moves += 1;
  }
  assert.deepEqual([scene.isFull, scene.refreshed.size, scene.now, record.requests.length], [true, 0, at(60 * 24 * 365), 100_000]);
  assert.ok(moves < 250);
});

test("a refresh that is rejected is the last one", () => {
  const record = new Record(NINE);
  set(record, 0, "laptop", "Available", "PT5M");
  for (let index = 0; index < 128; index++) {
    set(record, 6, `s${index}`, "InACall", "PT4H");
  }
  const scene = new Scene(record, at(6));
  scene.refreshed.add("laptop");
  assert.equal(scene.moveTo(at(7)), true);
  assert.deepEqual([[...scene.refreshed], record.requests.length, scene.now], [[], 130, at(7)]);
});

test("sessions are refreshed while the clock goes forwards", () => {
  const record = new Record(NINE);
  set(record, 0, "laptop", "Available");
  const scene = new Scene(record, NINE);
  scene.refreshed.add("laptop");
  assert.equal(scene.moveTo(at(60)), true);
  assert.equal(record.requests.length, 37);
  assert.equal(scene.model.presence(scene.now), "Available");
});

test("a session that is refreshed is forgotten with the request that set it", () => {
  const record = new Record(NINE);
  set(record, 0, "laptop", "Available");
  set(record, 10, "phone", "InACall");
  const scene = new Scene(record, at(10));
  scene.refreshed.add("laptop").add("phone");
  scene.moveTo(at(5));
  scene.send("tick", "");
  assert.deepEqual([...scene.refreshed], ["laptop"]);
  assert.equal(scene.moveTo(at(60)), true);
  assert.deepEqual([...record.sessions.keys()], ["laptop"]);
});

test("a snapshot of the future starts when it is restored, as on a server", () => {
  const session = { id: "a", claim: "InACall", since: "2026-11-20T10:00:00Z", lifetime: "PT30M" };
  const record = new Record(NINE, { v1: { reported: "InACall", sessions: [session], preferred: null } });
  for (const minute of [0, 29, 30, 60]) {
    const { effective } = record.paint(0, at(minute));
    assert.equal(record.model(0).presence(at(minute)), minute < 30 ? "InACall" : "Offline");
    assert.deepEqual(lane(effective), ["0-30 InACall", "30-Infinity Offline"]);
  }
});

test("what was before a snapshot is not looked at, and every time has a picture of its own", () => {
  const session = { id: "a", claim: "Available", since: "2026-11-20T08:59:00Z", lifetime: "PT30M" };
  const scene = new Scene(new Record(NINE, { v1: { reported: "Available", sessions: [session], preferred: null } }), NINE);
  scene.moveTo(at(-10));
  assert.equal(scene.now, NINE);
  scene.setWrong(true);
  for (const minute of [-1, -3]) {
    scene.moveTo(at(minute));
    assert.deepEqual(lane(scene.picture.effective)[0], `${minute}-${minute + 5} Available`);
  }
});

test("many refreshes are sent a part at a time", () => {
  const record = new Record(NINE);
  set(record, 0, "laptop", "Available");
  const scene = new Scene(record, NINE);
  scene.refreshed.add("laptop");
  let moves = 1;
  for (; !scene.moveTo(at(60 * 24 * 2)); moves++) {
    assert.ok(record.requests.length <= 501 * moves);
    assert.equal(scene.model.presence(scene.now), "Available");
  }
  assert.deepEqual([moves, scene.now, record.requests.length], [4, at(60 * 24 * 2), 1729]);
});

test("the clock stays in the years 1900 to 2199, wherever it is moved", () => {
  for (const [to, year] of [[9e15, 2200], [-9e15, 1900], [Infinity, 2200]]) {
    const scene = new Scene(new Record(NINE), NINE);
    scene.moveTo(to);
    assert.equal(new Date(scene.now).getUTCFullYear(), year);
    assert.equal(scene.picture.effective.length, 1);
  }
});

test("a pixel shows the presence that is longest in it", () => {
  const bars = [
    { from: 0, to: 30, presence: "Away" },
    { from: 30, to: 31, presence: "Busy" },
    { from: 31, to: 34, presence: "Available" },
    { from: 34, to: 38, presence: "Busy" },
    { from: 50, to: 52, presence: "InACall" },
    { from: 70, to: Infinity, presence: "Offline" },
  ];
  const seen = (from, to, pixels) => runs(bars, from, to, pixels).map(({ x, width, presence, hidden, isEnd }) => [x, width, presence, hidden, isEnd]);
  assert.deepEqual(seen(0, 100, 10), [[0, 3, "Away", 0, false], [3, 1, "Busy", 1, true], [5, 1, "InACall", 0, true], [7, 3, "Offline", 0, false]]);
  assert.deepEqual(seen(0, 100, 1), [[0, 1, "Away", 4, false]]);
  assert.deepEqual(seen(30, 40, 10), [[0, 1, "Busy", 0, false], [1, 3, "Available", 0, false], [4, 4, "Busy", 0, true]]);
  assert.deepEqual(seen(40, 49, 10), []);
});

test("however many bars there are, there are no more runs than pixels, and they cover what the bars cover", () => {
  const random = randomOf(7);
  const bars = [];
  for (let from = 0; bars.length < 100_000; ) {
    const to = from + 1 + Math.floor(random() * 100);
    bars.push({ from, to, presence: ["Away", "Busy", "Available"][Math.floor(random() * 3)] });
    from = random() < 0.3 ? to + Math.floor(random() * 500) : to;
  }
  const end = bars.at(-1).to;
  for (const pixels of [1, 13, 900, 40_000]) {
    const found = runs(bars, 0, end, pixels);
    assert.ok(found.length <= pixels);
    let x = 0;
    for (const run of found) {
      assert.ok(run.x >= x && run.width >= 1, JSON.stringify(run));
      x = run.x + run.width;
    }
    assert.ok(x <= pixels);
  }
});

test("the lines of a log that are no requests are counted, and the first is named", async () => {
  const lines = [
    '{"at":"2026-11-20T09:00:00Z","user":"ana","tick":{}}',
    '{"at":"2026-11-20T09:00:00Z","user":"ana","tick":{},"clearPresence":{}}',
    '{"at":"2026-11-20T09:00:00Z","user":7,"tick":{}}',
    '{"at":"9 o\'clock","user":"ana","tick":{}}',
    "null",
    "",
    '{"at":"2026-11-20T09:30:00.5Z","user":"bob","setPresence":{}}',
  ];
  const { users, last, lines: count, rejected, firstReason } = await logOf(lines.join("\n"));
  assert.deepEqual([[...users.keys()], last, count, rejected], [["ana", "bob"], at(30) + 500, 6, 4]);
  assert.equal(firstReason, "line 2: it has two commands");
});

test("a line of a log may end with a carriage return, and the log begin with a byte order mark", async () => {
  const { users, rejected } = await logOf('\uFEFF{"at":"2026-11-20T09:00:00Z","user":"ana","tick":{}}\r\n{"at":"2026-11-20T09:00:00Z","user":"bob","tick":{}}\r\n');
  assert.deepEqual([[...users.keys()], rejected], [["ana", "bob"], 0]);
});

test("the times of a log are those of RFC 3339, in the years that the page has", async () => {
  const read = async (time) => (await logOf(JSON.stringify({ at: time, user: "ana", tick: {} }))).last;
  for (const time of ["2026-11-20T09:00:00Z", "2026-11-20t10:00:00.000000000+01:00", "2026-11-19T21:30:00-11:30", "2026-11-20T09:00:00.0000z"]) {
    assert.equal(await read(time), NINE, time);
  }
  for (const time of ["2026-11-20", "2026-11-20T09:00Z", "2026-02-29T09:00:00Z", "2026-11-31T09:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T09:00:60Z", "2026-13-01T00:00:00Z", "2026-11-20T09:00:00", "2026-11-20 09:00:00Z", "1899-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 0, null]) {
    assert.equal(await read(time), -Infinity, `${time}`);
  }
});

test("a line that is too long, deep or no JSON is one line", async () => {
  const good = '{"at":"2026-11-20T09:00:00Z","user":"ana","tick":{}}';
  const deep = `{"at":"2026-11-20T09:00:00Z","user":"ana","setPresence":${"[".repeat(50_000)}${"]".repeat(50_000)}}`;
  const long = `{"at":"2026-11-20T09:00:00Z","user":"${"x".repeat(3_000_000)}","tick":{}}`;
  const { users, lines, rejected } = await logOf([long, good, deep, long, long, '{"', good].join("\n"));
  assert.deepEqual([lines, [...users.keys()], users.get("ana").length >= 2, rejected >= 4], [7, ["ana"], true, true]);
});

test("a log with steps back of the clock has what a replay has: what fell due stays gone", async () => {
  const record = await recordOf([
    '{"at":"2026-11-20T09:00:00Z","user":"ana","setPresence":{"sessionId":"a","availability":"Busy","activity":"InACall","expirationDuration":"PT5M"}}',
    '{"at":"2026-11-20T10:00:00Z","user":"bob","tick":{}}',
    '{"at":"2026-11-20T09:02:00Z","user":"ana","tick":{}}',
  ]);
  assert.equal(record.requests.at(-1).presence, "Offline");
});

test("a line that is rejected lets time pass for its own user too, as in a replay", async () => {
  const record = await recordOf([
    '{"at":"2026-11-20T09:00:00Z","user":"ana","setPresence":{"sessionId":"a","availability":"Busy","activity":"InACall","expirationDuration":"PT5M"}}',
    '{"at":"2026-11-20T10:00:00Z","user":"ana","clearPresence":{"sessionId":"b"}}',
    '{"at":"2026-11-20T09:02:00Z","user":"ana","tick":{}}',
  ]);
  assert.equal(record.requests.at(-1).presence, "Offline");
});

test("a user whose lines are all earlier than another's is answered as a replay answers", async () => {
  const record = await recordOf([
    '{"at":"2027-11-20T10:00:00Z","user":"bob","tick":{}}',
    line(0, "a", "Busy", "InACall"),
    line(2, "b", "Available", "Available"),
    line(4, "c", "Away", "Away"),
  ]);
  assert.deepEqual(record.requests.map(({ presence }) => presence), ["InACall", "InACall", "InACall"]);

  function line(minute, sessionId, availability, activity) {
    return JSON.stringify({ at: new Date(at(minute)), user: "ana", setPresence: { sessionId, availability, activity, expirationDuration: "PT5M" } });
  }
});

test("a log of as many lines as are read is whole", async () => {
  const line = '{"at":"2026-11-20T09:00:00Z","user":"ana","tick":{}}\n';
  for (const [count, isCut] of [[500_000, false], [500_001, true]]) {
    const log = await logOf(line.repeat(count));
    assert.deepEqual([log.lines, log.isCut], [500_000, isCut]);
  }
});

test("a tick that is no object, and a user that is no text, are no requests", async () => {
  for (const fields of ['"user":"ana","tick":null', '"user":"ana","tick":[]', '"user":"ana","tick":5', '"user":"\\ud800","tick":{}']) {
    assert.equal((await logOf(`{"at":"2026-11-20T09:00:00Z",${fields}}`)).rejected, 1, fields);
  }
});

test("what waits for most of a pixel is drawn as waiting", () => {
  const bars = [
    { from: 0, to: 95, presence: "Busy", isWaiting: true },
    { from: 95, to: 100, presence: "Busy", isWaiting: false },
  ];
  assert.deepEqual(runs(bars, 0, 100, 1).map(({ isWaiting }) => isWaiting), [true]);
});

test("reading a log can be stopped, and keeps what was read", async () => {
  const line = '{"at":"2026-11-20T09:00:00Z","user":"ana","tick":{}}\n';
  const log = new Log();
  const stop = new AbortController();
  await assert.rejects(log.read(new Blob([line.repeat(200_000)]), stop.signal, (part) => part > 0.1 && stop.abort()), { name: "AbortError" });
  assert.ok(log.lines > 1000 && log.lines < 200_000, `${log.lines}`);
  assert.equal(log.users.get("ana").length, log.lines);
});

async function logOf(text) {
  const log = new Log();
  await log.read(new Blob([text]), new AbortController().signal, () => {});
  return log;
}

/** Reads the requests of ana from the lines of a log. */
async function recordOf(lines) {
  const log = await logOf(lines.join("\n"));
  return log.record("ana", new AbortController().signal, () => {});
}

function set(record, minute, sessionId, activity, expirationDuration = "PT30M") {
  const availability = activity === "InACall" ? "Busy" : activity;
  const body = { sessionId, availability, activity, expirationDuration };
  return record.send("setPresence", JSON.stringify(body), at(minute));
}

/** Shortens bars to their minutes and presences. */
function lane(bars) {
  const minute = (time) => (time - NINE) / MINUTE;
  return bars.map(({ from, to, presence }) => `${minute(from)}-${minute(to)} ${presence}`);
}

/** Returns a function that returns pseudorandom numbers from 0 to 1: those of mulberry32. */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
