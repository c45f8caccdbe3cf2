/** The same as `presence-core`, without the bytes of the wasm file. `init` is given them. */
export * from "./index.js";

/** What the wasm file is read from. The types are those of every environment. */
export type WasmSource =
  | string
  | { readonly href: string }
  | { readonly ok: boolean; arrayBuffer(): Promise<ArrayBuffer> }
  | ArrayBuffer
  | ArrayBufferView
  | WasmModule;

/** A `WebAssembly.Module`, if the environment has one. */
export type WasmModule = typeof globalThis extends { WebAssembly: { Module: new (...args: never[]) => infer M } } ? M : never;

/**
 * Loads the wasm file. Await it once before anything else is called. After it has succeeded, further calls do nothing.
 *
 * The file is `presence-core/presence-core.wasm`. Pass what your bundler or server makes of that: an address as a
 * string or a `URL`, a response, bytes, a `WebAssembly.Module`, or a promise of one of them.
 * @throws {TypeError} if it is another file, or cannot be read. Call it again with the right one.
 */
export function init(source: WasmSource | Promise<WasmSource>): Promise<void>;
