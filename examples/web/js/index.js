// For browsers and bundlers: the wasm file is fetched by `init`.

import load from "./wasm/presence_core_bindings.js";

export * from "./model.js";

let loading;

export async function init(source) {
  loading ??= load(source && { module_or_path: source }).catch((error) => {
    loading = undefined;
    throw error;
  });
  await loading;
}
