// The entry without the bytes of the wasm file, which `init` is given.

export { PresenceError } from "./error.js";
export { availability, presenceOf, refreshInterval, requestOf } from "./graph.js";
export { PresenceModel } from "./model.js";
export { load as init } from "./wasm.js";
