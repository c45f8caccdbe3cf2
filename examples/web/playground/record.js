// What has happened to one user: a snapshot to start from, and requests with their answers.

import { PresenceError, PresenceModel, refreshInterval } from "../pkg/index.js";

export const ACTIONS = ["setPresence", "clearPresence", "setUserPreferredPresence", "clearUserPreferredPresence", "tick"];

/** A record keeps this many requests. Older ones are part of its snapshot. */
export const MAX_REQUESTS = 2000;

export class Record {
  /** The time of the snapshot. */
  start;
  /** `{ at, action, body, status, error, outcome }`, in the order in which they came. `body` is a text. */
  requests = [];
  /** The model before the first request, and after each request. */
  #models;
  #painted = { count: -1 };

  constructor(start, snapshot = undefined) {
    this.start = start;
    this.#models = [snapshot === undefined ? new PresenceModel() : PresenceModel.restore(snapshot)];
  }

  /** The snapshot to start from. */
  get snapshot() {
    return this.#models[0].snapshot();
  }

  /** The time of the last request. */
  get last() {
    return this.requests.at(-1)?.at ?? this.start;
  }

  /** Sends a request to the last model, and returns it with its answer. */
  send(action, body, at) {
    const model = this.#models.at(-1).clone();
    const request = { at, action, body, status: 200, error: null, outcome: null };
    try {
      request.outcome = action === "tick" ? model.tick(at) : model.apply(action, body, at);
    } catch (error) {
      if (!(error instanceof PresenceError)) {
        throw error;
      }
      request.status = error.status;
      request.error = { error: { code: error.code, message: error.message } };
    }
    this.requests.push(request);
    this.#models.push(model);
    if (this.requests.length > MAX_REQUESTS) {
      this.#fold(MAX_REQUESTS / 2);
    }
    return request;
  }

  /** Forgets the first requests: what they did stays in the snapshot. */
  #fold(count) {
    this.requests.splice(0, count);
    this.#models.splice(0, count);
    this.start = this.requests[0].at;
    this.#painted = { count: -1 };
  }

  /** Forgets what came after the first requests. */
  truncate(count) {
    this.requests.length = count;
    this.#models.length = count + 1;
  }

  /** Returns how many requests had come when the clock showed `now` for the last time. */
  countAt(now) {
    return this.requests.findLastIndex(({ at }) => at <= now) + 1;
  }

  /** Returns the model after the first requests. */
  model(count) {
    return this.#models[count];
  }

  /** Returns the last accepted `setPresence` body of a session. */
  lastBody(sessionId) {
    const isOfSession = ({ action, status, body }) =>
      action === "setPresence" && status === 200 && JSON.parse(body).sessionId === sessionId;
    return this.requests.findLast(isOfSession)?.body;
  }

  /**
   * Paints what the first requests and the time after them have made: up to `now` what happened, and from
   * then on until `end` what will happen if no request comes.
   */
  paint(count, now, end) {
    if (this.#painted.count !== count) {
      this.#painted = { count, picture: this.#past(count) };
    }
    const picture = this.#painted.picture.copy();
    const model = this.#models[count].clone();
    const from = count === 0 ? this.start : this.requests[count - 1].at;
    if (from <= now) {
      picture.walk(model, from, now, false);
    } else {
      picture.cut(now);
    }
    model.tick(now);
    picture.walk(model, now, end, true);
    model.free();
    return picture;
  }

  #past(count) {
    const picture = new Picture();
    let from = this.start;
    for (const [index, { at }] of this.requests.slice(0, count).entries()) {
      picture.walk(this.#models[index], from, at, false);
      picture.cut(at);
      from = at;
    }
    return picture;
  }
}

/** Returns when to send a body again. */
export function refreshAt(body, since) {
  const { activity, expirationDuration } = JSON.parse(body);
  return since + refreshInterval({ claim: activity, expiration: expirationDuration });
}

/** Bars `{ from, to, presence, isForecast }` of the effective presence, the preference and each session. */
class Picture {
  effective = [];
  preferred = [];
  sessions = new Map();

  copy() {
    const copy = new Picture();
    const bars = (lane) => lane.map((bar) => ({ ...bar }));
    copy.effective = bars(this.effective);
    copy.preferred = bars(this.preferred);
    copy.sessions = new Map([...this.sessions].map(([id, lane]) => [id, bars(lane)]));
    return copy;
  }

  /** Lets time pass for a model, from one of its deadlines to the next. */
  walk(model, from, to, isForecast) {
    while (from < to) {
      const until = Math.min(model.deadline(from) ?? to, to);
      const span = { from, to: until, isForecast };
      const sessions = model.sessions(from);
      extend(this.effective, { ...span, presence: model.presence(from) });
      const preferred = model.preferred(from);
      if (preferred !== null) {
        extend(this.preferred, { ...span, presence: preferred.presence, isWaiting: sessions.length === 0 });
      }
      for (const { id, presence } of sessions) {
        if (!this.sessions.has(id)) {
          this.sessions.set(id, []);
        }
        extend(this.sessions.get(id), { ...span, presence });
      }
      from = until;
    }
  }

  /** Removes what is after a time, to which the clock was set back. */
  cut(at) {
    for (const lane of [this.effective, this.preferred, ...this.sessions.values()]) {
      while (lane.at(-1)?.from >= at) {
        lane.pop();
      }
      const last = lane.at(-1);
      if (last !== undefined) {
        last.to = Math.min(last.to, at);
      }
    }
  }
}

function extend(lane, bar) {
  const last = lane.at(-1);
  const isSame =
    last?.to === bar.from &&
    last.presence === bar.presence &&
    last.isForecast === bar.isForecast &&
    last.isWaiting === bar.isWaiting;
  if (isSame) {
    last.to = bar.to;
  } else {
    lane.push(bar);
  }
}
