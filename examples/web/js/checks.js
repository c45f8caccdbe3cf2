// Checks what a program passes, before the wasm file sees it. Getters and proxies run here and nowhere else.

import { invalid } from "./error.js";
import { FIELDS } from "./words.js";

/** The maximum length of a body, in UTF-16 units. */
const MAX_BODY = 1 << 18;
/** The maximum length of a snapshot: more than that of 128 sessions with the longest ids. */
const MAX_SNAPSHOT = 1 << 20;
/** How many values a snapshot may have, and how deep they may be nested. A model stores less than 700, 4 deep. */
const MAX_VALUES = 10_000;
const MAX_DEPTH = 16;

const isObject = (value) => typeof value === "object" && value !== null;

/** Reads the fields of an object, once. There must be no others. */
export function fieldsOf(object, what, names) {
  if (!isObject(object)) {
    throw new TypeError(`invalid ${what} ${shown(object)}, expected an object with ${list(names, "and")}`);
  }
  const fields = {};
  for (const name of Object.keys(object)) {
    if (!names.includes(name)) {
      throw new TypeError(`unknown field ${shown(name)} of a ${what}, expected ${list(names, "or")}`);
    }
  }
  for (const name of names) {
    fields[name] = object[name];
  }
  return fields;
}

export function textOf(value, what) {
  if (typeof value !== "string") {
    throw new TypeError(`invalid ${what} ${shown(value)}, expected a string`);
  }
  return wellFormed(value, what, MAX_BODY);
}

/** Checks that a value is one of a list of words. */
export function wordOf(value, what, words) {
  const message = () => `invalid ${what} ${shown(value)}, expected ${list(words, "or")}`;
  if (typeof value !== "string") {
    throw new TypeError(message());
  }
  if (!words.includes(value)) {
    throw invalid(message());
  }
  return value;
}

/** Reads a lifetime, and writes it as an `Edm.Duration`. Without one it is the default. */
export function durationOf(expiration) {
  if (expiration === null || expiration === undefined || typeof expiration === "string") {
    return expiration ?? undefined;
  }
  if (!Number.isInteger(expiration)) {
    throw new TypeError(`invalid expiration ${shown(expiration)}, expected a duration such as "PT1H" or whole milliseconds`);
  }
  const digits = BigInt(Math.abs(expiration)).toString().padStart(4, "0");
  return `${expiration < 0 ? "-" : ""}PT${digits.slice(0, -3)}.${digits.slice(-3)}S`;
}

/** Reads a time in milliseconds. */
export function timeOf(time) {
  const number = isObject(time) ? dateOf(time) : time;
  if (!Number.isFinite(number)) {
    throw new TypeError(`invalid time ${shown(time)}, expected a Date or milliseconds since 1970`);
  }
  return number;
}

/** Reads a `Date`, of this window or another one. */
function dateOf(object) {
  try {
    return Date.prototype.getTime.call(object);
  } catch {
    return undefined;
  }
}

/** Writes Graph's body for an action as JSON. Fields that no body has are not read. */
export function bodyOf(action, body) {
  if (typeof body === "string") {
    // One of Graph's SDKs sends no body at all.
    return short(body === "" && action === "clearUserPreferredPresence" ? "{}" : body, "body", MAX_BODY);
  }
  if (!isObject(body) || isArray(body)) {
    if (!["number", "boolean"].includes(typeof body) && body !== null && !isArray(body)) {
      throw new TypeError(`invalid body ${shown(body)}, expected an object or its JSON text`);
    }
    return isArray(body) ? "[]" : json(body, "body");
  }
  const fields = [];
  for (const name of Object.keys(body)) {
    if (FIELDS.some((field) => field.toLowerCase() === name.toLowerCase())) {
      const value = body[name];
      if (value !== undefined) {
        // No field is a list or an object, so what is in one does not matter.
        const text = isObject(value) ? (isArray(value) ? "[]" : "{}") : json(value, `body: ${name}`, MAX_BODY);
        fields.push(`${JSON.stringify(name)}:${text}`);
      }
    }
  }
  return short(`{${fields.join(",")}}`, "body", MAX_BODY);
}

/** Writes a snapshot as JSON. */
export function snapshotOf(snapshot) {
  if (typeof snapshot === "string") {
    return short(snapshot, "snapshot", MAX_SNAPSHOT);
  }
  if (snapshot !== null && !isObject(snapshot)) {
    throw new TypeError(`invalid snapshot ${shown(snapshot)}, expected an object or its JSON text`);
  }
  return short(new Writer().write(snapshot, "snapshot", 0), "snapshot", MAX_SNAPSHOT);
}

/** Writes a value as JSON, up to a number of values and characters. */
class Writer {
  #values = 0;
  #length = 0;

  write(value, path, depth) {
    this.#values += 1;
    if (depth > MAX_DEPTH || this.#values > MAX_VALUES) {
      throw invalid(`invalid ${path}: ${depth > MAX_DEPTH ? "nested too deep" : "too large"}`);
    }
    if (isArray(value)) {
      const texts = [];
      for (let index = 0; index < value.length; index++) {
        texts.push(this.write(value[index] ?? null, `${path}[${index}]`, depth + 1));
      }
      return `[${texts.join(",")}]`;
    }
    if (isObject(value)) {
      const texts = [];
      for (const name of Object.keys(value)) {
        const field = value[name];
        if (field !== undefined) {
          const inner = `${path}${depth === 0 ? ": " : "."}${shown(name).slice(1, -1)}`;
          texts.push(`${json(name, path)}:${this.write(field, inner, depth + 1)}`);
        }
      }
      return `{${texts.join(",")}}`;
    }
    const text = json(value, path, MAX_SNAPSHOT - this.#length);
    this.#length += text.length;
    return text;
  }
}

/** Writes a value that has no others in it. */
function json(value, path, max = MAX_BODY) {
  if (typeof value === "string") {
    wellFormed(value, path, max);
  } else if (value !== null && typeof value !== "boolean" && !Number.isFinite(value)) {
    throw invalid(`invalid ${path}: JSON has no ${typeof value === "number" ? value : typeof value}`);
  }
  return JSON.stringify(value);
}

function wellFormed(text, what, max) {
  if (/\p{Surrogate}/u.test(short(text, what, max))) {
    throw invalid(`invalid ${what}: ${shown(text)} has a lone surrogate`);
  }
  return text;
}

function short(text, what, max) {
  if (text.length > max) {
    throw invalid(`invalid ${what}: ${text.length} characters, expected at most ${max}`);
  }
  return text;
}

/** Says what a value is, without running anything of it. */
export function shown(value) {
  switch (typeof value) {
    case "string":
      return value.length > 64 ? `${JSON.stringify(value.slice(0, 64))}...` : JSON.stringify(value);
    case "object":
      return value === null ? "null" : isArray(value) ? "[array]" : Number.isNaN(dateOf(value)) ? "Invalid Date" : "[object]";
    case "number":
    case "boolean":
    case "undefined":
      return String(value);
    default:
      return `[${typeof value}]`;
  }
}

/** Returns whether a value is an array. A proxy that was revoked is none. */
function isArray(value) {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

function list(words, and) {
  const others = words.slice(0, -1).join(", ");
  return others === "" ? words[0] : `${others} ${and} ${words.at(-1)}`;
}
