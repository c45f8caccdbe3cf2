// A program that uses every function. `tsc --strict` checks its types, and the test runs it.

import {
  type Action,
  type Activity,
  type Availability,
  type Bodies,
  type Change,
  type ErrorCode,
  type Explanation,
  type GraphRequest,
  type Outcome,
  type Preferred,
  type PreferredPresence,
  type Presence,
  PresenceError,
  PresenceModel,
  type Session,
  type SessionPresence,
  type SetSession,
  type Snapshot,
  type Time,
  availability,
  init,
  presenceOf,
  refreshInterval,
  requestOf,
} from "presence-core";
import { type KeptSession, type Report, keepAlive, onWake } from "presence-core/keep-alive";
import { type WasmSource, init as initSlim } from "presence-core/slim";

await init();

const now: Time = new Date("2026-11-20T09:00:00Z");
const ana = new PresenceModel();
const phone: SetSession = { sessionId: "phone", claim: "InACall", expiration: "PT1H" };

const outcome: Outcome = ana.setSession(phone, now);
const changed: Presence | null = outcome.changed;
const interval: number = refreshInterval(phone);
ana.setPreferred({ presence: "DoNotDisturb", expiration: 60_000 }, now);
ana.clearPreferred(now);

const body: Bodies["setPresence"] = { sessionId: "laptop", availability: "Available", activity: "Available" };
ana.apply("setPresence", body, now);
ana.apply("setUserPreferredPresence", { availability: "Offline", activity: "OffWork" }, now);
ana.apply("clearUserPreferredPresence", {}, now);
ana.apply("clearPresence", '{"sessionId":"laptop"}', now);
const action: Action = "clearPresence";
// @ts-expect-error No session can claim Busy/Busy.
const unclaimable: Bodies["setPresence"] = { sessionId: "laptop", availability: "Busy", activity: "Busy" };
// @ts-expect-error No user can prefer a call.
const unpreferable: PreferredPresence = "InACall";

const request: GraphRequest = requestOf("setPresence", phone);
requestOf("clearUserPreferredPresence");
// @ts-expect-error Graph's name of the field is not the one of this package.
const misnamed: SetSession = { sessionId: "phone", claim: "InACall", expirationDuration: "PT1H" };
const meeting: Presence | null = presenceOf({ availability: "Busy", activity: "InAMeeting" });

export function keep(): KeptSession {
  const send = async (request: GraphRequest, signal: AbortSignal) => fetch(`https://example.org/${request.action}`, { ...request, signal });
  const kept = keepAlive({ session: phone, send, shared: "ana phone", onAnswer: ({ status, retryIn }: Report) => console.log(status, retryIn) });
  kept.set({ claim: "Away" });
  onWake(({ hasSlept }) => void (hasSlept && ana.tick(Date.now())));
  return kept;
}

export async function load(source: WasmSource): Promise<void> {
  await initSlim(source);
  await initSlim(fetch("presence-core.wasm"));
  await initSlim(new Uint8Array());
  await initSlim((await import("presence-core/presence-core.wasm")).default);
}

const presence: Presence = ana.presence(Number(now));
const half: Availability = availability(presence);
const activity: Activity = presence;
const deadline: number | null = ana.deadline(now);
const forecast: Change[] = ana.forecast(now);
const sessions: Session[] = ana.sessions(now);
const claim: SessionPresence | undefined = sessions.at(0)?.claim;
const preferred: Preferred | null = ana.preferred(now);
const reported: Presence = ana.reported;

const explanation: Explanation = ana.explain(now);
const why: string = reason(explanation);

/** Says why. Without a `default`, so that every reason must be there. */
function reason({ reason, text }: Explanation): string {
  switch (reason.kind) {
    case "noSession":
      return text;
    case "preferred":
      return `${reason.preferred.presence} is preferred until ${new Date(reason.preferred.expiresAt).toISOString()}`;
    case "session":
      return `${reason.session.id} claims ${reason.session.claim}`;
  }
}

try {
  ana.clearSession({ sessionId: "laptop" }, now);
} catch (error) {
  if (!(error instanceof PresenceError)) {
    throw error;
  }
  const code: ErrorCode = error.code;
  const status: 400 | 403 | 404 = error.status;
  console.log(status, code, error.message);
}

const snapshot: Snapshot = ana.snapshot();
const restored: PresenceModel = PresenceModel.restore(snapshot);
const copy: PresenceModel = PresenceModel.restore(JSON.stringify(restored.clone().toJSON()));
ana.free();
{
  using short = new PresenceModel();
  short.tick(now);
}
const end: Presence | null = copy.tick(Number(now) + 3_600_000).changed;

console.log(request.action, meeting, changed, interval, action, half, activity, deadline, forecast.length, claim, preferred, reported, why, end);
