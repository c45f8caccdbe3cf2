// The model of one user. `index.d.ts` documents it.

import { PresenceError } from "./error.js";
import { Model, availability, refreshInterval as interval } from "./wasm/presence_core_bindings.js";

export { PresenceError, availability };

export class PresenceModel {
  #model;

  constructor() {
    this.#model = create();
  }

  static restore(snapshot) {
    return new PresenceModel().#with(Model.restore(parsed(snapshot, "snapshot")));
  }

  setSession({ sessionId, claim, expiration }, now) {
    return this.apply("setPresence", { sessionId, ...body(claim, expiration) }, now);
  }

  clearSession({ sessionId }, now) {
    return this.apply("clearPresence", { sessionId }, now);
  }

  setPreferred({ presence, expiration }, now) {
    return this.apply("setUserPreferredPresence", body(presence, expiration), now);
  }

  clearPreferred(now) {
    return this.apply("clearUserPreferredPresence", {}, now);
  }

  apply(action, body, now) {
    const at = milliseconds(now);
    // One of Graph's SDKs sends no body at all.
    const isEmpty = body === "" && action === "clearUserPreferredPresence";
    return this.#model.apply(action, flat(isEmpty ? {} : parsed(body, "body")), at);
  }

  tick(now) {
    return this.#model.tick(milliseconds(now));
  }

  presence(now) {
    return this.#model.presence(milliseconds(now));
  }

  get reported() {
    return this.#model.reported();
  }

  deadline(now) {
    return this.#model.deadline(milliseconds(now));
  }

  forecast(now) {
    return this.#model.forecast(milliseconds(now));
  }

  sessions(now) {
    return this.#model.sessions(milliseconds(now));
  }

  preferred(now) {
    return this.#model.preferred(milliseconds(now));
  }

  explain(now) {
    return this.#model.explain(milliseconds(now));
  }

  snapshot() {
    return this.#model.snapshot();
  }

  toJSON() {
    return this.snapshot();
  }

  clone() {
    return new PresenceModel().#with(this.#model.clone());
  }

  free() {
    this.#model.free();
  }

  #with(model) {
    this.#model.free();
    this.#model = model;
    return this;
  }
}

export function refreshInterval({ claim, expiration }) {
  return interval({ sessionId: "", ...body(claim, expiration) });
}

function create() {
  try {
    return new Model();
  } catch (cause) {
    throw new Error("presence-core is not loaded, await init() first", { cause });
  }
}

/** Returns the fields of Graph's body for a presence and a lifetime. */
function body(presence, expiration) {
  const expirationDuration = typeof expiration === "number" ? duration(expiration) : expiration;
  return { availability: availability(presence), activity: presence, expirationDuration };
}

/** Writes whole milliseconds as an `Edm.Duration`. */
function duration(milliseconds) {
  if (!Number.isInteger(milliseconds)) {
    throw new TypeError(`invalid lifetime ${milliseconds}, expected whole milliseconds`);
  }
  const digits = BigInt(Math.abs(milliseconds)).toString().padStart(4, "0");
  return `${milliseconds < 0 ? "-" : ""}PT${digits.slice(0, -3)}.${digits.slice(-3)}S`;
}

/** Reads a JSON text. Anything else is returned as it is. */
function parsed(value, what) {
  if (typeof value !== "string") {
    return value;
  }
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new PresenceError("InvalidArgument", 400, `invalid ${what}: ${error.message}`);
  }
}

/** Empties the lists and objects in a body: no field has one, and they could be nested without end. */
function flat(body) {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return body;
  }
  const fields = Object.entries(body).map(([name, value]) => {
    if (typeof value === "string" && /\p{Surrogate}/u.test(value)) {
      throw new PresenceError("InvalidArgument", 400, `invalid body: ${name} has a lone surrogate`);
    }
    const isNested = typeof value === "object" && value !== null;
    return [name, isNested ? (Array.isArray(value) ? [] : {}) : value];
  });
  return Object.fromEntries(fields);
}

function milliseconds(time) {
  const number = typeof time?.getTime === "function" ? time.getTime() : time;
  if (typeof number !== "number" || !Number.isFinite(number)) {
    throw new TypeError("invalid time, expected a Date or milliseconds since 1970");
  }
  return number;
}
