// The border to the wasm file. Only numbers, texts and bytes cross it, and the wasm file imports nothing.
//
// The wasm file holds one model: the one that was used last. Each model is kept here, as the bytes that the wasm
// file has stored, so whatever happens to the wasm file, each model is as it was.

import { PresenceError } from "./error.js";

const EXPORTS = ["memory", "text", "bytes", "load", "store", "restore", "apply", "tick", "presence", "refresh_interval"];
/** The functions after which the model is another one. */
const UPDATES = ["restore", "apply", "tick"];
/** The bytes of a new model. */
export const NEW = new Uint8Array();
/** How many units become a text at once: they are arguments of one call. */
const CHUNK = 4096;

/** Returns the bytes of the wasm file, if a module of the package has them. */
let file;
/** The compiled file. */
let module;
/** A running file: its exports, and the bytes of the model that it holds. */
let instance;

/** Says where the bytes are. They are compiled by {@link load}, or if that is not awaited, when they are needed. */
export function provide(source) {
  file = source;
}

/** Compiles the wasm file, unless that was done. */
export async function load(source = file?.()) {
  if (module !== undefined) {
    return;
  }
  try {
    const compiled = await compile(await source);
    const { exports } = await WebAssembly.instantiate(compiled);
    if (!EXPORTS.every((name) => name in exports)) {
      throw new TypeError("it is not that of presence-core");
    }
    if (module === undefined) {
      // Old browsers instantiate it only in the background, so the instance is kept.
      [module, instance] = [compiled, { exports, holds: NEW }];
    }
  } catch (cause) {
    throw new TypeError(`cannot load the wasm file: ${cause?.message}`, { cause });
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
 * Calls a function of the wasm file on a model, and returns its value and the model after it. Without a model it is
 * called on any.
 *
 * The instance is taken while the function runs. If the call ends halfway, as when the stack overflows, it is
 * not put back, and the next call starts another one.
 */
export function call(name, model, text, ...numbers) {
  const { exports, holds } = instance ?? start();
  instance = undefined;
  if (model !== undefined && model !== holds) {
    bytesOf(exports, model.length).set(model);
    if (!exports.load()) {
      throw new Error("the bytes of a model are not what was stored");
    }
  }
  const [isAnswer, answer] = run(exports, name, text, numbers);
  const after = isAnswer && UPDATES.includes(name) ? bytesOf(exports, exports.store()).slice() : (model ?? holds);
  instance = { exports, holds: after };
  if (isAnswer) {
    return { value: JSON.parse(answer), model: after };
  }
  throw new PresenceError(...JSON.parse(answer));
}

function start() {
  try {
    module ??= new WebAssembly.Module(file());
  } catch (cause) {
    throw new Error("presence-core is not loaded: await init() first", { cause });
  }
  return { exports: new WebAssembly.Instance(module).exports, holds: NEW };
}

/** Writes a text, calls a function, and returns whether it has an answer or an error, and the text of it. */
function run(exports, name, text, numbers) {
  const units = textOf(exports, text.length);
  for (let index = 0; index < text.length; index++) {
    units[index] = text.charCodeAt(index);
  }
  const length = exports[name](...numbers);
  const answer = textOf(exports, Math.abs(length));
  const parts = [];
  for (let index = 0; index < answer.length; index += CHUNK) {
    parts.push(String.fromCharCode.apply(null, answer.subarray(index, index + CHUNK)));
  }
  return [length >= 0, parts.join("")];
}

function textOf(exports, length) {
  const address = exports.text(length);
  return new Uint16Array(exports.memory.buffer, address, length);
}

function bytesOf(exports, length) {
  const address = exports.bytes(length);
  return new Uint8Array(exports.memory.buffer, address, length);
}
