// A scene as a text for the address of the page.

import { ACTIONS, Record } from "./record.js";
import { Scene } from "./scene.js";

/** Writes a scene. */
export async function encoded(scene) {
  const { record, user, now, clock, refreshed, isClockSetBack, preset } = scene;
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
  };
  const bytes = await piped(JSON.stringify(state), new CompressionStream("deflate-raw"));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Reads a scene, or throws an error if the text is not one. */
export async function decoded(text, presets) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  const state = JSON.parse(new TextDecoder().decode(await piped(bytes, new DecompressionStream("deflate-raw"))));
  const record = new Record(time(state.start), state.snapshot);
  for (const [after, action, body] of state.requests) {
    record.send(ACTIONS[action], String(body), time(state.start + after));
  }
  const scene = new Scene(record, time(state.clock));
  return Object.assign(scene, {
    user: String(state.user),
    now: time(state.now),
    refreshed: new Set(state.refreshed.filter((id) => record.lastBody(id) !== undefined)),
    isClockSetBack: state.isClockSetBack === true,
    preset: presets.find(({ id }) => id === state.preset) ?? null,
  });
}

/** Returns a time, with which a `Date` can be made. */
function time(value) {
  if (!Number.isFinite(value) || Math.abs(value) > 8e15) {
    throw new RangeError(`invalid time ${value}`);
  }
  return value;
}

async function piped(content, stream) {
  const through = new Blob([content]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(through).arrayBuffer());
}
