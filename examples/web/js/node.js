// For Node: the wasm file is read when the module is imported, so nothing has to be awaited.

import { readFileSync } from "node:fs";

import { initSync } from "./wasm/presence_core_bindings.js";

export * from "./model.js";

const file = new URL("./wasm/presence_core_bindings_bg.wasm", import.meta.url);
initSync({ module: readFileSync(file) });

/** Does nothing here, so that a program can call it everywhere. */
export async function init() {}
