// The entry with the bytes of the wasm file in it, which needs no configuration anywhere.

import { BASE64 } from "./bytes.js";
import { load, provide } from "./wasm.js";

export { PresenceError } from "./error.js";
export { availability, presenceOf, refreshInterval, requestOf } from "./graph.js";
export { PresenceModel } from "./model.js";

provide(() => Uint8Array.from(atob(BASE64), (char) => char.charCodeAt(0)));

export async function init() {
  await load();
}
