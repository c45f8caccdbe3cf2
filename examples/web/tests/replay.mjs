// A replay of a log of commands: what the example `replay` of the crate does with a directory, done here with
// one model for each user.

import { PresenceError, PresenceModel, availability } from "presence-core";

const ACTIONS = ["setPresence", "clearPresence", "setUserPreferredPresence", "clearUserPreferredPresence", "tick"];

/** Replays a log, and returns the records that `replay --json` prints, one for each line. */
export function replay(log) {
  const replay = new Replay();
  for (const [index, line] of log.split("\n").entries()) {
    if (line.trim() !== "") {
      replay.answer(index + 1, line);
    }
  }
  return replay.records;
}

class Replay {
  records = [];
  /** The model of each user, and when it was updated last. */
  #users = new Map();

  answer(line, text) {
    try {
      const request = read(text);
      const at = Date.parse(request.at);
      this.#passTimeUntil(at);
      this.#apply(line, request, at);
    } catch (error) {
      if (!(error instanceof PresenceError)) {
        throw error;
      }
      const { status, code, message } = error;
      this.records.push({ line, status, error: { code, message } });
    }
  }

  #apply(line, request, at) {
    const { user } = request;
    const action = ACTIONS.find((action) => action in request);
    const model = this.#users.get(user)?.model ?? new PresenceModel();
    const outcome = action === "tick" ? model.tick(at) : model.apply(action, request[action], at);
    this.#users.set(user, { model, updated: at });
    const [next] = model.forecast(at);
    this.records.push({
      line,
      status: 200,
      at: timestamp(at),
      user,
      ...pair(outcome.current),
      changed: outcome.changed !== null,
      nextChange: next ? { at: timestamp(next.at), ...pair(next.presence) } : null,
    });
  }

  /** Ticks at each deadline before `at`: in order of time and, at one time, of the users. */
  #passTimeUntil(at) {
    for (;;) {
      const deadlines = [...this.#users]
        .map(([user, { model, updated }]) => ({ user, deadline: model.deadline(updated) }))
        .filter(({ deadline }) => deadline !== null && deadline < at)
        .sort((one, other) => one.deadline - other.deadline || (one.user < other.user ? -1 : 1));
      if (deadlines.length === 0) {
        return;
      }
      const [{ user, deadline }] = deadlines;
      const { model } = this.#users.get(user);
      const { changed } = model.tick(deadline);
      this.#users.set(user, { model, updated: deadline });
      if (changed !== null) {
        this.records.push({ at: timestamp(deadline), user, ...pair(changed) });
      }
    }
  }
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PresenceError("InvalidArgument", 400, error.message);
  }
}

function pair(presence) {
  return { availability: availability(presence), activity: presence };
}

/** Writes a timestamp as Graph does, without zeros at the end. */
function timestamp(milliseconds) {
  return new Date(milliseconds).toISOString().replace(/\.?0*Z$/, "Z");
}
