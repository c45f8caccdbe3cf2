// What has happened to one user: a snapshot to start from, requests with their answers, and the bars they make.

import { PresenceError, PresenceModel, refreshInterval } from "../pkg/index.js";
import { Picture, change, cut, extend, waiting } from "./picture.js";

export const ACTIONS = ["setPresence", "clearPresence", "setUserPreferredPresence", "clearUserPreferredPresence", "tick"];

/** How many requests are sent in a scene, apart from those that it starts with. */
export const MAX_REQUESTS = 100_000;
/** The times that the page takes. The rules know the years 1677 to 2262, and near the ends a lifetime would be cut. */
export const MIN_TIME = Date.UTC(1900, 0);
export const MAX_TIME = Date.UTC(2200, 0);

/** The longest lifetime of a session. */
const MAX_LIFETIME = 4 * 3_600_000;

/** A model is kept after so many requests. The others are made again when they are looked at. */
const EVERY = 32;

export class Record {
  /** The time of the snapshot. */
  start;
  /** `{ at, action, body, sessionId, status, error, presence }`, in the order in which they came. `body` is a text. */
  requests = [];
  /** Counts the changes of this record. */
  version = 0;
  /** `models[n]` is the model after `n * EVERY` requests. */
  #models;
  #latest;
  /** When the latest model was last updated, and when it next changes by itself. */
  #updated;
  #due;
  #found = { count: -1, model: null };
  #history = new Picture();
  /** Whether the history goes on until all has expired. */
  #isWhole = false;
  /** The latest request that set each session: `{ at, body, kind, ends }`. */
  #set = new Map();
  #painted = { key: "" };

  constructor(start, snapshot = undefined) {
    this.start = this.#updated = start;
    this.#latest = snapshot === undefined ? new PresenceModel() : PresenceModel.restore(snapshot);
    // As a server does at its start: what has ended is gone, and what would start in the future starts now.
    this.#latest.tick(start);
    this.#models = [this.#latest];
    this.#due = this.#latest.deadline(start);
    this.#paintFrom(this.#history, this.#latest, start);
  }

  /** The snapshot to start from. */
  get snapshot() {
    return this.#models[0].snapshot();
  }

  /** The first time that can be looked at: what was before a snapshot is not known. */
  get first() {
    return this.#models[0].deadline(this.start) === null ? MIN_TIME : this.start;
  }

  /** The time of the last request. */
  get last() {
    return this.requests.at(-1)?.at ?? this.start;
  }

  /** The bars of each session as far as is known, by ids in the order in which they came. */
  get sessions() {
    return this.#history.sessions;
  }

  /** Whether there is a preference at any time. */
  get hasPreference() {
    return this.#history.preferred.length > 0;
  }

  /** Sends a request to the latest model, and returns it with its answer. */
  send(action, body, at) {
    if (this.#due !== null && this.#due < at) {
      this.#complete();
    }
    const model = this.#latest.clone();
    const request = { at, action, body, sessionId: null, status: 200, error: null, presence: null };
    try {
      const outcome = action === "tick" ? model.tick(at) : model.apply(action, body, at);
      request.presence = outcome.current;
    } catch (error) {
      if (!(error instanceof PresenceError)) {
        throw error;
      }
      request.status = error.status;
      request.error = { error: { code: error.code, message: error.message } };
    }
    this.requests.push(request);
    if (request.status === 200) {
      this.#update(model, request);
    }
    if (this.requests.length % EVERY === 0) {
      this.#models.push(this.#latest);
    }
    this.version += 1;
    return request;
  }

  /** Lets time pass, as a server does: what ends until then is gone, even if the clock is set back after it. */
  pass(until) {
    if (this.#due !== null && this.#due <= until) {
      this.send("tick", "", until);
    }
  }

  /** Notices that the clock was set back, as a server does: what would start in the future starts now. */
  notice(now) {
    if (now < this.#updated) {
      this.send("tick", "", now);
    }
  }

  /** Forgets what came after the first requests, which is all after `now`. */
  truncate(count, now) {
    const model = this.model(count);
    const history = this.#cut(model, now);
    this.requests.length = count;
    this.#models.length = Math.floor(count / EVERY) + 1;
    for (const [id, bars] of history.sessions) {
      if (bars.length === 0) {
        history.sessions.delete(id);
      }
    }
    this.#latest = model;
    this.#history = history;
    this.#isWhole = true;
    this.#updated = this.requests.findLast(({ status }) => status === 200)?.at ?? this.start;
    this.#due = model.deadline(this.#updated);
    this.#found = { count: -1, model: null };
    this.#set.clear();
    for (const request of this.requests) {
      this.#remember(request);
    }
    this.version += 1;
  }

  /**
   * Returns how many requests had come when the clock showed `now` for the last time. A rejected request changes
   * nothing, so a step back of the clock counts from the next accepted one on.
   */
  countAt(now) {
    const { requests } = this;
    let count = requests.findLastIndex(({ at, status }) => status === 200 && at <= now) + 1;
    while (requests[count]?.at <= now) {
      count += 1;
    }
    return count;
  }

  /** Returns the model after the first requests. */
  model(count) {
    if (count === this.requests.length) {
      return this.#latest;
    }
    if (this.#found.count !== count) {
      const kept = Math.floor(count / EVERY);
      const model = this.#models[kept].clone();
      for (const { status, action, body, at } of this.requests.slice(kept * EVERY, count)) {
        if (status === 200) {
          action === "tick" ? model.tick(at) : model.apply(action, body, at);
        }
      }
      this.#found = { count, model };
    }
    return this.#found.model;
  }

  /** Returns the last accepted `setPresence` body of a session. */
  lastBody(sessionId) {
    return this.#set.get(sessionId)?.body;
  }

  /** Returns when a client sends a session again: at once if it has ended. */
  refreshAt(sessionId, clock) {
    const { at, kind, ends } = this.#set.get(sessionId);
    return ends > clock ? Math.min(at, clock) + kind.interval : clock;
  }

  /**
   * Paints what happened until `now`, and what happens after it if no request comes. `count` is how many requests
   * had come. The same picture is returned as long as nothing in it changes.
   */
  paint(count, now) {
    const isWhole = now >= this.#updated;
    const isSame = count < this.requests.length && now >= this.start;
    const key = `${this.version} ${isWhole || `${count} ${isSame || now}`}`;
    if (this.#painted.key !== key) {
      if (isWhole) {
        this.#complete();
      }
      const picture = isWhole ? this.#history.until(Infinity) : this.#cut(this.model(count), now);
      picture.preferred = waiting(picture);
      this.#painted = { key, picture };
    }
    return this.#painted.picture;
  }

  #cut(model, now) {
    const picture = this.#history.until(now);
    this.#paintFrom(picture, model, now);
    paintForecast(picture, model, now);
    return picture;
  }

  #update(model, request) {
    const { at, action, body, presence } = request;
    const history = this.#history;
    this.#latest = model;
    if (at < this.#updated) {
      history.cut(at);
      this.#paintFrom(history, model, at);
    }
    this.#remember(request);
    if (action === "setPresence") {
      const { kind } = this.#set.get(request.sessionId);
      history.set(request.sessionId, at, kind.steps, at);
    } else if (action === "clearPresence") {
      cut(history.sessions.get(request.sessionId), at);
    } else if (action !== "tick") {
      cut(history.preferred, at);
      paintPreference(history, model, at);
    }
    cut(history.effective, at);
    change(history.effective, at, presence);
    this.#updated = at;
    this.#due = model.deadline(at);
    this.#isWhole = false;
  }

  /** Keeps what sets a session, and names the session of a request. */
  #remember(request) {
    const { at, action, body, status } = request;
    if (status !== 200 || (action !== "setPresence" && action !== "clearPresence")) {
      return;
    }
    const fields = fieldsOf(body);
    const { sessionid } = fields;
    request.sessionId = sessionid;
    if (action === "setPresence") {
      const kind = kindOf(fields);
      this.#set.set(sessionid, { at, body, kind, ends: at + kind.steps.at(-1).to });
    } else if (this.#set.has(sessionid)) {
      this.#set.get(sessionid).ends = at;
    }
  }

  #complete() {
    if (!this.#isWhole) {
      this.#isWhole = true;
      paintForecast(this.#history, this.#latest, this.#updated);
    }
  }

  #paintFrom(picture, model, at) {
    for (const { id, claim, since, expiresAt } of model.sessions(at)) {
      picture.set(id, at, stepsOf(claim, expiresAt - since), since);
    }
    paintPreference(picture, model, at);
    change(picture.effective, at, model.presence(at));
  }
}

function paintPreference(picture, model, at) {
  const preferred = model.preferred(at);
  if (preferred !== null) {
    extend(picture.preferred, at, preferred.expiresAt, preferred.presence);
  }
}

function paintForecast(picture, model, now) {
  for (const { at, presence } of model.forecast(now)) {
    change(picture.effective, at, presence);
  }
}

const kinds = new Map();

/** Returns how a body of `setPresence` fades, `{ steps, interval }`, and how often a client sends it again. */
function kindOf({ availability, activity, expirationduration = null }) {
  const key = `${activity} ${expirationduration}`;
  if (!kinds.has(key)) {
    const model = new PresenceModel();
    model.apply("setPresence", { sessionId: "session", availability, activity, expirationDuration: expirationduration }, 0);
    const [{ claim, expiresAt }] = model.sessions(0);
    kinds.set(key, { steps: stepsOf(claim, expiresAt), interval: refreshInterval({ claim, expiration: expiresAt }) });
  }
  return kinds.get(key);
}

const steps = new Map();

/** Returns how a session fades from when it is set: `[{ from, to, presence }]`. */
function stepsOf(claim, lifetime) {
  const key = `${claim} ${lifetime}`;
  if (!steps.has(key)) {
    const model = new PresenceModel();
    // What starts or ends within a millisecond is longer when it is rounded.
    const expiration = Math.min(lifetime, MAX_LIFETIME);
    model.setSession({ sessionId: "session", claim, expiration }, 0);
    const found = [];
    for (let from = 0; from < expiration; from = found.at(-1).to) {
      const [{ presence, deadline }] = model.sessions(from);
      found.push({ from, to: deadline, presence });
    }
    steps.set(key, found);
  }
  return steps.get(key);
}

/** Returns the fields of a body by their names in small letters: Graph reads them without regard to case. */
export function fieldsOf(body) {
  try {
    const fields = Object.create(null);
    for (const [name, value] of Object.entries(JSON.parse(body) ?? {})) {
      fields[name.toLowerCase()] = value;
    }
    return fields;
  } catch {
    return {};
  }
}
