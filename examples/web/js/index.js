// For browsers and bundlers: the wasm file is fetched by `init`.

import load from "./wasm/presence_core_bindings.js";

export * from "./model.js";

export async function init(source) {
  await load(source && { module_or_path: source });
}
