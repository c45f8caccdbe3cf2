// A scene as a text for the address of the page.

import { ACTIONS, MAX_TIME, MIN_TIME, Record } from "./record.js";
import { Scene } from "./scene.js";

/** A longer text is not written: programs cut links that are longer. */
const MAX_LENGTH = 8000;
const MAX_REQUESTS = 2000;
/** What a text may unpack to, in bytes. */
const MAX_SIZE = 1 << 20;

/** Why a text is no scene, in plain words. */
export class LinkError extends Error {}

/** Writes a scene and the span of time that is shown, or returns `null` if it is too long for an address. */
export async function encoded(scene, { from, to }) {
  const { record, user, now, clock, refreshed, isClockSetBack, preset, done } = scene;
  if (record.requests.length > MAX_REQUESTS) {
    return null;
  }
  const state = {
    user,
    start: record.start,
    snapshot: record.snapshot,
    requests: record.requests.map(({ at, action, body }) => [at - record.start, ACTIONS.indexOf(action), body]),
    now,
    clock,
    refreshed: [...refreshed],
    isClockSetBack,
    preset: preset?.id,
    done: [...done],
    span: [from, to],
  };
  const bytes = await piped(JSON.stringify(state), new CompressionStream("deflate-raw"));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const text = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return text.length > MAX_LENGTH ? null : text;
}

/** Reads a scene and the span of time, or throws an error if the text is not one. */
export async function decoded(text, presets) {
  if (text.length > MAX_LENGTH) {
    throw new LinkError("it is too long");
  }
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  const state = JSON.parse(new TextDecoder().decode(await piped(bytes, new DecompressionStream("deflate-raw"))));
  if (state.requests.length > MAX_REQUESTS) {
    throw new LinkError("it has too many requests");
  }
  const record = new Record(time(state.start), state.snapshot);
  for (const [after, action, body] of state.requests) {
    record.send(ACTIONS[action], String(body), time(state.start + after));
  }
  const now = time(state.now);
  const scene = new Scene(record, Math.max(time(state.clock), now));
  Object.assign(scene, {
    user: String(state.user),
    now,
    refreshed: new Set(state.refreshed.filter((id) => record.lastBody(id) !== undefined)),
    preset: presets.find(({ id }) => id === state.preset) ?? null,
    done: new Set(state.done),
  });
  scene.setWrong(state.isClockSetBack === true);
  const [from, to] = (state.span ?? [NaN, NaN]).map(Number);
  return { scene, span: from < to && Math.abs(from) < 2 * MAX_TIME && Math.abs(to) < 2 * MAX_TIME ? { from, to } : null };
}

function time(value) {
  if (!Number.isFinite(value) || value < MIN_TIME || value > MAX_TIME) {
    throw new LinkError("its time is not in the years 1900 to 2199");
  }
  return value;
}

/** Sends bytes through a stream, as long as no more than `MAX_SIZE` come out. */
async function piped(content, stream) {
  const parts = [];
  let size = 0;
  const reader = new Blob([content]).stream().pipeThrough(stream).getReader();
  for (;;) {
    const { value: part, done } = await reader.read();
    if (done) {
      break;
    }
    size += part.length;
    if (size > MAX_SIZE) {
      throw new LinkError("it is too long");
    }
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
