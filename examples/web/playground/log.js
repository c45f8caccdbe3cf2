// The log of a replay: a request on each line, with its time and its user.

import { ACTIONS, Record } from "./record.js";

/** Reads a log: the record of each user, the time of the last line, and how many lines are no requests. */
export function readLog(text) {
  const log = { users: new Map(), last: -Infinity, rejected: 0 };
  for (const line of text.split("\n").filter((line) => line.trim() !== "")) {
    const request = requestOf(line);
    if (request === undefined) {
      log.rejected += 1;
      continue;
    }
    const { user, at, action, body } = request;
    if (!log.users.has(user)) {
      log.users.set(user, new Record(at));
    }
    log.users.get(user).send(action, body, at);
    log.last = Math.max(log.last, at);
  }
  return log;
}

/** Reads a line of a log, or returns `undefined` if it is no request. */
function requestOf(line) {
  try {
    const fields = JSON.parse(line);
    const { at, user } = fields;
    const actions = ACTIONS.filter((action) => action in fields);
    const isRequest = typeof user === "string" && actions.length === 1 && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(at);
    const time = Date.parse(at);
    if (!isRequest || Number.isNaN(time)) {
      return undefined;
    }
    return { user, at: time, action: actions[0], body: JSON.stringify(fields[actions[0]]) };
  } catch {
    return undefined;
  }
}
