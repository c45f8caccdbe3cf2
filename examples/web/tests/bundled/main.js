// A program for a bundler.

import { PresenceModel, init } from "presence-core";

await Promise.all([init(), init()]);
const ana = new PresenceModel();
ana.setSession({ sessionId: "phone", claim: "InACall" }, new Date("2026-11-20T09:00:00Z"));
document.querySelector("output").textContent = ana.explain(new Date("2026-11-20T09:01:00Z")).text;
