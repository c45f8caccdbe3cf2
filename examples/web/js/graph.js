// Graph's requests and answers, without a model.

import { bodyOf, durationOf, fieldsOf, shown, textOf, wordOf } from "./checks.js";
import { ACTIONS, AVAILABILITY, CLAIMS, PREFERRED, PRESENCES } from "./words.js";
import { call } from "./wasm.js";

export function availability(presence) {
  return AVAILABILITY[wordOf(presence, "presence", PRESENCES)];
}

export function requestOf(action, command) {
  wordOf(action, "action", ACTIONS);
  const body = JSON.stringify(FIELDS_OF[action](command));
  return { action, method: "POST", headers: { "content-type": "application/json" }, body };
}

const FIELDS_OF = {
  setPresence(session) {
    const { sessionId, claim, expiration } = sessionOf(session);
    return { sessionId: textOf(sessionId, "sessionId"), ...pairOf(wordOf(claim, "claim", CLAIMS), expiration) };
  },
  clearPresence(session) {
    return { sessionId: textOf(fieldsOf(session, "session", ["sessionId"]).sessionId, "sessionId") };
  },
  setUserPreferredPresence(preference) {
    const { presence, expiration } = fieldsOf(preference, "preference", ["presence", "expiration"]);
    return pairOf(wordOf(presence, "presence", PREFERRED), expiration);
  },
  clearUserPreferredPresence() {
    return {};
  },
};

/** Reads the fields of a session that is set. */
export function sessionOf(session) {
  return fieldsOf(session, "session", ["sessionId", "claim", "expiration"]);
}

function pairOf(presence, expiration) {
  return { availability: AVAILABILITY[presence], activity: presence, expirationDuration: durationOf(expiration) };
}

export function presenceOf(answer) {
  if (typeof answer !== "object" || answer === null) {
    throw new TypeError(`invalid answer ${shown(answer)}, expected an object with availability and activity`);
  }
  const activity = textOf(answer.activity, "activity").toLowerCase();
  const availability = textOf(answer.availability, "availability").toLowerCase();
  const presence = PRESENCES.find((presence) => presence.toLowerCase() === activity);
  return AVAILABILITY[presence]?.toLowerCase() === availability ? presence : null;
}

export function refreshInterval(session) {
  const { claim, expiration } = sessionOf(session);
  const { body } = requestOf("setPresence", { sessionId: "", claim, expiration });
  return call("refresh_interval", undefined, bodyOf("setPresence", body)).value;
}
