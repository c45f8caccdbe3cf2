// The log of a replay: a request on each line, with its time and its user. It is read in pieces.

import { ACTIONS, MAX_TIME, MIN_TIME, Record } from "./record.js";

/** A longer line is no request: no body is as long. */
const MAX_LINE = 1 << 19;
const MAX_LINES = 500_000;
/** How long the page may be kept busy, in milliseconds. */
const SLICE = 8;
/** RFC 3339. The seconds and the month are left to `Date`. */
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

/** Lets the page do what it has to do, when it has been kept busy for long enough. */
class Breaks {
  #since = performance.now();

  /** Waits a moment, if it is time. Throws if the work was stopped. */
  async take(signal, onBreak) {
    if (performance.now() - this.#since > SLICE) {
      onBreak();
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
      this.#since = performance.now();
    }
  }
}

/** What was read of a log: the requests of each user, and what was not read. */
export class Log {
  /** `{ at, action, body, line }` by user. */
  users = new Map();
  /** `{ line, at }` of each line that is later than all before it: then time passes for all users. */
  #latest = [];
  lines = 0;
  rejected = 0;
  /** Why the first line that is no request is none. */
  firstReason = "";
  first = Infinity;
  last = -Infinity;
  isCut = false;
  #number = 0;
  #names;

  /** The users in order. */
  get names() {
    this.#names ??= [...this.users.keys()].sort();
    return this.#names;
  }

  /** Reads a file. Throws if the work was stopped: what was read until then is kept. */
  async read(file, signal, onProgress) {
    const breaks = new Breaks();
    let bytes = 0;
    const count = new TransformStream({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        controller.enqueue(chunk);
      },
    });
    const reader = file.stream().pipeThrough(count).pipeThrough(new TextDecoderStream()).getReader();
    const tell = () => onProgress((bytes / file.size) * (read === 0 ? 1 : Math.min(done / read, 1)));
    let rest = "";
    let isLong = false;
    let [done, read] = [0, 0];
    for (;;) {
      const { value = "", done: isLast } = await reader.read();
      read += value.length;
      const lines = (rest + value).split("\n");
      rest = isLast ? "" : lines.pop();
      for (const line of lines) {
        done += line.length + 1;
        if (this.lines === MAX_LINES && line.trim() !== "") {
          this.isCut = true;
          return;
        }
        this.#take(isLong ? null : line);
        isLong = false;
        await breaks.take(signal, tell);
      }
      await breaks.take(signal, tell);
      if (rest.length > MAX_LINE) {
        done += rest.length;
        [rest, isLong] = ["", true];
      }
      if (isLast) {
        return;
      }
    }
  }

  #take(line) {
    this.#number += 1;
    if (line?.trim() === "") {
      return;
    }
    this.lines += 1;
    const found = line === null || line.length > MAX_LINE ? "it is too long" : requestOf(line);
    if (typeof found === "string") {
      this.rejected += 1;
      this.firstReason ||= `line ${this.#number}: ${found}`;
      return;
    }
    const { user, at, action, body } = found;
    if (!this.users.has(user)) {
      this.users.set(user, []);
    }
    this.users.get(user).push({ at, action, body, line: this.lines });
    if (at > this.last) {
      this.#latest.push({ line: this.lines, at });
    }
    this.first = Math.min(this.first, at);
    this.last = Math.max(this.last, at);
  }

  /** Returns the record of a user. Throws if the work was stopped. */
  async record(user, signal, onProgress) {
    const breaks = new Breaks();
    const requests = this.users.get(user);
    const record = new Record(requests[0].at);
    let next = 0;
    for (const [index, { at, action, body, line }] of requests.entries()) {
      let passed = -Infinity;
      for (; this.#latest[next]?.line < line; next++) {
        passed = this.#latest[next].at;
      }
      // What has ended since the request before is gone, even if the log steps back behind it.
      if (index > 0 && at < passed) {
        record.pass(passed - 1);
      }
      record.send(action, body, at);
      await breaks.take(signal, () => onProgress(index / requests.length));
    }
    return record;
  }
}

/** Reads a line of a log, or returns why it is no request. */
function requestOf(line) {
  let fields;
  try {
    fields = JSON.parse(line);
  } catch {
    return "it is no JSON";
  }
  if (typeof fields?.user !== "string" || /\p{Surrogate}/u.test(fields.user)) {
    return "it has no user";
  }
  const actions = ACTIONS.filter((action) => Object.hasOwn(fields, action));
  if (actions.length !== 1) {
    return actions.length === 0 ? "it has no command" : "it has two commands";
  }
  const { tick = {} } = fields;
  if (typeof tick !== "object" || tick === null || Array.isArray(tick)) {
    return "its tick is no object";
  }
  const at = timeOf(fields.at);
  if (Number.isNaN(at)) {
    return "its time is no timestamp of RFC 3339";
  }
  if (at < MIN_TIME || at >= MAX_TIME) {
    return "its time is not in the years 1900 to 2199";
  }
  try {
    return { user: fields.user, at, action: actions[0], body: JSON.stringify(fields[actions[0]]) };
  } catch {
    return "it is nested too deep";
  }
}

/** Reads a timestamp. `Date` makes the first of March of a 29th of February that does not exist. */
function timeOf(text) {
  const [, year, month, day] = TIMESTAMP.exec(text) ?? [];
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return day <= days ? Date.parse(text.toUpperCase()) : NaN;
}
