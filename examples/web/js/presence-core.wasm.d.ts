import type { WasmSource } from "./slim.js";

/** What a bundler makes of the wasm file. It is for `init` of `presence-core/slim`. */
declare const source: WasmSource;
export default source;
