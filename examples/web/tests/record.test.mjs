// The records of the playground: what they paint, and how they are read from a log.

import assert from "node:assert/strict";
import { test } from "node:test";

import { init } from "../pkg/index.js";
import { readLog } from "../playground/log.js";
import { MAX_REQUESTS, Record } from "../playground/record.js";
import { Scene } from "../playground/scene.js";

const MINUTE = 60_000;
const NINE = Date.parse("2026-11-20T09:00:00Z");

await init();

test("the past and the forecast are painted as bars", () => {
  const record = new Record(NINE);
  set(record, 0, "laptop", "Available");
  set(record, 4, "laptop", "Available");
  const picture = record.paint(2, NINE + 10 * MINUTE, NINE + 60 * MINUTE);
  const bars = ["0-9 Available", "9-10 AvailableInactive", "10-14 AvailableInactive?", "14-34 Away?"];
  assert.deepEqual(lane(picture.sessions.get("laptop")), bars);
  assert.deepEqual(lane(picture.effective), [...bars, "34-60 Offline?"]);
});

test("the past is painted again after the clock was set back", () => {
  const record = new Record(NINE);
  set(record, 10, "phone", "InACall");
  record.send("tick", "", NINE + 20 * MINUTE);
  record.send("tick", "", NINE + 5 * MINUTE);
  const picture = record.paint(3, NINE + 8 * MINUTE, NINE + 60 * MINUTE);
  assert.deepEqual(lane(picture.effective), ["0-5 Offline", "5-8 InACall", "8-35 InACall?", "35-60 Offline?"]);
  assert.equal(record.countAt(NINE + 8 * MINUTE), 3);
  assert.equal(record.countAt(NINE + 4 * MINUTE), 0);
});

test("a preference without a session waits", () => {
  const record = new Record(NINE);
  record.send("setUserPreferredPresence", '{"availability":"Busy","activity":"Busy","expirationDuration":"PT30M"}', NINE);
  set(record, 10, "phone", "InACall");
  const { preferred } = record.paint(2, NINE + 10 * MINUTE, NINE + 60 * MINUTE);
  assert.deepEqual(preferred.map(({ isWaiting }) => isWaiting), [true, false]);
});

test("a rejected request is kept with its error", () => {
  const record = new Record(NINE);
  const { status, error, outcome } = record.send("clearPresence", "{}", NINE);
  assert.deepEqual([status, error.error.code, outcome], [400, "InvalidArgument", null]);
});

test("the oldest of many requests become part of the snapshot", () => {
  const record = new Record(NINE);
  for (let minute = 0; minute <= MAX_REQUESTS; minute++) {
    set(record, minute, "laptop", "Available");
  }
  assert.ok(record.requests.length < MAX_REQUESTS);
  assert.equal(record.snapshot.v1.sessions.length, 1);
  assert.equal(record.model(record.requests.length).presence(record.last), "Available");
});

test("sessions are refreshed while the clock goes forwards", () => {
  const record = new Record(NINE);
  set(record, 0, "laptop", "Available");
  const scene = new Scene(record, NINE);
  scene.refreshed.add("laptop");
  scene.moveTo(NINE + 60 * MINUTE);
  assert.equal(record.requests.length, 37);
  assert.equal(scene.model.presence(scene.now), "Available");
});

test("the lines of a log that are no requests are counted", () => {
  const log = [
    '{"at":"2026-11-20T09:00:00Z","user":"ana","tick":{}}',
    '{"at":"2026-11-20T09:00:00Z","user":"ana","tick":{},"clearPresence":{}}',
    '{"at":"2026-11-20T09:00:00Z","user":7,"tick":{}}',
    '{"at":"9 o\'clock","user":"ana","tick":{}}',
    "null",
    "",
    '{"at":"2026-11-20T09:30:00.5Z","user":"bob","setPresence":{}}',
  ];
  const { users, last, rejected } = readLog(log.join("\n"));
  assert.deepEqual([[...users.keys()], last, rejected], [["ana", "bob"], NINE + 30 * MINUTE + 500, 4]);
});

function set(record, minute, sessionId, activity) {
  const availability = activity === "InACall" ? "Busy" : activity;
  const body = { sessionId, availability, activity, expirationDuration: "PT30M" };
  record.send("setPresence", JSON.stringify(body), NINE + minute * MINUTE);
}

/** Shortens bars to their minutes and presences, with a question mark for a forecast. */
function lane(bars) {
  const minute = (at) => (at - NINE) / MINUTE;
  return bars.map(({ from, to, presence, isForecast }) => `${minute(from)}-${minute(to)} ${presence}${isForecast ? "?" : ""}`);
}
