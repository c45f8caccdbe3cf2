// The border to the wasm file. Only numbers and texts cross it, and the wasm file imports nothing.
//
// The wasm file holds one model: the one that was used last. Models are kept as snapshots, which are texts, so
// whatever happens to the wasm file, each model is as it was.

import { PresenceError } from "./error.js";

const EXPORTS = ["memory", "buffer", "restore", "apply", "tick", "presence", "refresh_interval"];
/** How many units become a text at once: they are arguments of one call. */
const CHUNK = 4096;

/** Returns the wasm file's bytes, if a module of the package has them. */
let bytes;
/** The compiled file. */
let module;
/** A running file: its exports, and the snapshot of the model that it holds. */
let instance;

/** Says where the bytes are. They are compiled by {@link load}, or if that is not awaited, when they are needed. */
export function provide(source) {
  bytes = source;
}

/** Compiles the wasm file, unless that was done. */
export async function load(source = bytes?.()) {
  if (module !== undefined) {
    return;
  }
  try {
    const compiled = await compile(await source);
    const { exports } = await WebAssembly.instantiate(compiled);
    if (!EXPORTS.every((name) => name in exports)) {
      throw new TypeError("another wasm file");
    }
    module ??= compiled;
  } catch (cause) {
    throw new TypeError(`init expects the wasm file of presence-core: ${cause?.message}`, { cause });
  }
}

/** Compiles an address, a response, bytes, or what is compiled. */
async function compile(source) {
  if (source instanceof WebAssembly.Module) {
    return source;
  }
  if (typeof source === "string" || source instanceof URL) {
    return compile(await fetch(source));
  }
  if (typeof source?.arrayBuffer === "function") {
    if (source.ok === false) {
      throw new TypeError(`status ${source.status}`);
    }
    return WebAssembly.compile(await source.arrayBuffer());
  }
  return WebAssembly.compile(source);
}

/**
 * Calls a function of the wasm file on the model of a snapshot, and returns its value and the snapshot after it.
 *
 * The instance is taken while the function runs. If the call ends halfway, as when the stack overflows, it is
 * not put back, and the next call starts another one.
 */
export function call(name, snapshot, text, ...numbers) {
  const { exports, holds } = instance ?? start();
  instance = undefined;
  if (snapshot !== undefined && snapshot !== holds) {
    run(exports, "restore", snapshot, []);
  }
  const [isAnswer, answer] = run(exports, name, text, numbers);
  const before = snapshot ?? holds;
  const [value, after = before] = isAnswer ? answer.split("\n") : [answer];
  instance = { exports, holds: after };
  if (isAnswer) {
    return { value: JSON.parse(value), snapshot: after };
  }
  throw new PresenceError(...JSON.parse(answer));
}

function start() {
  try {
    module ??= new WebAssembly.Module(bytes());
  } catch (cause) {
    throw new Error("presence-core is not loaded: await init() first", { cause });
  }
  return { exports: new WebAssembly.Instance(module).exports, holds: undefined };
}

/** Writes a text, calls a function, and returns whether it has an answer or an error, and the text of it. */
function run(exports, name, text, numbers) {
  const units = room(exports, text.length);
  for (let index = 0; index < text.length; index++) {
    units[index] = text.charCodeAt(index);
  }
  const length = exports[name](...numbers);
  const answer = room(exports, Math.abs(length));
  const parts = [];
  for (let index = 0; index < answer.length; index += CHUNK) {
    parts.push(String.fromCharCode.apply(null, answer.subarray(index, index + CHUNK)));
  }
  return [length >= 0, parts.join("")];
}

function room(exports, length) {
  const address = exports.buffer(length);
  return new Uint16Array(exports.memory.buffer, address, length);
}
