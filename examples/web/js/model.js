// The model of one user. `index.d.ts` documents it.

import { bodyOf, snapshotOf, timeOf, wordOf } from "./checks.js";
import { PresenceError, invalid } from "./error.js";
import { requestOf } from "./graph.js";
import { NEW, call } from "./wasm.js";
import { ACTIONS } from "./words.js";

/** What a new model stores. */
const EMPTY = { reported: "Offline", sessions: [], preferred: null };

export class PresenceModel {
  /** The bytes of the model, `undefined` after `free`. They are replaced, not changed, so no update is half done. */
  #bytes = NEW;

  /** A function of the object itself, so that `postMessage` rejects it, which else would send an empty object. */
  toJSON = () => this.snapshot();

  static restore(snapshot) {
    const model = new PresenceModel();
    model.#bytes = restored(snapshotOf(snapshot));
    return model;
  }

  setSession(session, now) {
    return this.#request("setPresence", session, now);
  }

  clearSession(session, now) {
    return this.#request("clearPresence", session, now);
  }

  setPreferred(preference, now) {
    return this.#request("setUserPreferredPresence", preference, now);
  }

  clearPreferred(now) {
    return this.#request("clearUserPreferredPresence", undefined, now);
  }

  apply(action, body, now) {
    const position = ACTIONS.indexOf(wordOf(action, "action", ACTIONS));
    return this.#update("apply", bodyOf(action, body), position, timeOf(now));
  }

  tick(now) {
    return this.#update("tick", "", timeOf(now));
  }

  presence(now) {
    return this.#read("presence", now);
  }

  get reported() {
    return call("reported", this.#stored(), "").value;
  }

  deadline(now) {
    return this.#read("deadline", now);
  }

  forecast(now) {
    return this.#read("forecast", now);
  }

  sessions(now) {
    return this.#read("sessions", now);
  }

  preferred(now) {
    return this.#read("preferred", now);
  }

  explain(now) {
    return this.#read("explain", now);
  }

  snapshot() {
    return call("snapshot", this.#stored(), "").value;
  }

  clone() {
    const model = new PresenceModel();
    model.#bytes = this.#stored();
    return model;
  }

  free() {
    this.#bytes = undefined;
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.free();
  }

  #request(action, command, now) {
    return this.apply(action, requestOf(action, command).body, now);
  }

  #update(name, text, ...numbers) {
    const { value, model } = call(name, this.#stored(), text, ...numbers);
    this.#bytes = model;
    return value;
  }

  #read(name, now) {
    return call(name, this.#stored(), "", timeOf(now)).value;
  }

  #stored() {
    if (this.#bytes === undefined) {
      throw new TypeError("the model was freed");
    }
    return this.#bytes;
  }
}

/** Restores a snapshot, or says which part of it is wrong. */
function restored(text) {
  try {
    return call("restore", undefined, text).model;
  } catch (error) {
    // Where a text is no JSON is named already.
    throw error instanceof PresenceError && !/ characters$/.test(error.message) ? (partError(text) ?? error) : error;
  }
}

/** Restores the sessions and the preference one by one, and returns the first error. */
function partError(text) {
  const { sessions, preferred } = parsed(text)?.v1 ?? {};
  const parts = Array.isArray(sessions) ? sessions.map((session, index) => [`sessions[${index}]`, { sessions: [session] }]) : [];
  if (preferred !== undefined) {
    parts.push(["preferred", { preferred }]);
  }
  for (const [path, part] of parts) {
    try {
      call("restore", undefined, JSON.stringify({ v1: { ...EMPTY, ...part } }));
    } catch (error) {
      if (!(error instanceof PresenceError)) {
        throw error;
      }
      return invalid(error.message.replace(": ", `: v1.${path}: `));
    }
  }
  return undefined;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
