// What the page can start with: questions, and the vectors of the crate.

const MINUTE = 60_000;
const NINE = Date.parse("2026-11-20T09:00:00Z");

const set = (minute, sessionId, availability, activity, expirationDuration) => ({
  at: NINE + minute * MINUTE,
  action: "setPresence",
  body: { sessionId, availability, activity, expirationDuration },
});

const prefer = (minute, availability, activity, expirationDuration) => ({
  at: NINE + minute * MINUTE,
  action: "setUserPreferredPresence",
  body: { availability, activity, expirationDuration },
});

/** `{ id, title, note, requests, now, checks, isClockSetBack }` */
export const QUESTIONS = [
  {
    id: "away",
    title: "Why am I Away?",
    note:
      "The session of the laptop lives for an hour, but nothing has refreshed it. An Available session fades " +
      "after 5 minutes, and is Away after 10. Drag the clock and look. Then choose “keep refreshing” at the laptop, " +
      "and play.",
    requests: [set(0, "laptop", "Available", "Available", "PT1H")],
    now: NINE + 12 * MINUTE,
  },
  {
    id: "offline",
    title: "Why am I Offline?",
    note:
      "The preference was accepted, and it waits: a preferred presence is in effect only while a session exists. " +
      "Send a setPresence, with any presence.",
    requests: [prefer(0, "Busy", "Busy", "PT2H")],
    now: NINE + 3 * MINUTE,
  },
  {
    id: "wins",
    title: "Why does the other session win?",
    note:
      "The strongest session wins, not the latest: DoNotDisturb, then Busy, Available and Away. Move the clock past " +
      "the end of the presentation, and then past the end of the call.",
    requests: [
      set(0, "room", "DoNotDisturb", "Presenting", "PT15M"),
      set(2, "phone", "Busy", "InACall", "PT30M"),
      set(5, "laptop", "Available", "Available", "PT1H"),
    ],
    now: NINE + 8 * MINUTE,
  },
  {
    id: "clock",
    title: "What if the clock is set back?",
    note:
      "The call was set at 09:30, for half an hour. Now the clock is set back: what starts in the future moves with " +
      "it, so nothing lives longer than its lifetime. Move the clock further back and look at the lane of the phone.",
    requests: [
      set(0, "laptop", "Away", "Away", "PT1H"),
      set(30, "phone", "Busy", "InACall", "PT30M"),
    ],
    now: NINE + 20 * MINUTE,
    isClockSetBack: true,
  },
];

/** Reads the table of the vectors, which is that of `tests/vectors.rs`. */
export function vectors(table) {
  return table.trim().split("\n\n").map(vector);
}

function vector(text, index) {
  const [title, ...lines] = text.split("\n");
  const requests = [];
  const checks = [];
  for (const line of lines) {
    const [times, command, status, presence] = line.split("|").map((cell) => cell.trim());
    for (const at of timestamps(times)) {
      if (command !== "") {
        requests.push({ at, ...request(command) });
      }
    }
    const at = timestamps(times).at(-1);
    const count = command === "" ? null : requests.length;
    checks.push({ label: times, at, command, status, presence: presence.split("/")[1], count });
  }
  const now = checks.at(-1).at;
  return { id: `vector-${index + 1}`, title, note: "", requests, checks, now };
}

/** Reads `t5`, `t4:59`, `t5-`, which is just before, or `t0 to t60 by 4`. */
function timestamps(text) {
  const [first, , last, , step] = text.split(" ");
  const from = timestamp(first);
  if (last === undefined) {
    return [from];
  }
  const count = (timestamp(last) - from) / (step * MINUTE);
  return Array.from({ length: count + 1 }, (_, index) => from + index * step * MINUTE);
}

function timestamp(text) {
  const [, minutes, seconds = "0", before] = /^t(\d+)(?::(\d+))?(-?)$/.exec(text);
  return NINE + minutes * MINUTE + seconds * 1000 - before.length;
}

function request(command) {
  const [verb, ...words] = command.split(" ");
  if (verb === "clear") {
    return { action: "clearPresence", body: { sessionId: words[0] } };
  }
  if (verb === "prefer" && words[0] === "nothing") {
    return { action: "clearUserPreferredPresence", body: {} };
  }
  const sessionId = verb === "set" ? words.shift() : undefined;
  const [availability, activity] = words[0].split("/");
  const action = verb === "set" ? "setPresence" : "setUserPreferredPresence";
  return { action, body: { sessionId, availability, activity, expirationDuration: words[1] } };
}
