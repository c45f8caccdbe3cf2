// What the playground can start with: questions, and the vectors of the crate.

const MINUTE = 60_000;
export const NINE = Date.parse("2026-11-20T09:00:00Z");
export const at = (minute) => NINE + minute * MINUTE;

const set = (minute, sessionId, availability, activity, expirationDuration) => ({
  at: at(minute),
  action: "setPresence",
  body: { sessionId, availability, activity, expirationDuration },
});

const prefer = (minute, availability, activity, expirationDuration) => ({
  at: at(minute),
  action: "setUserPreferredPresence",
  body: { availability, activity, expirationDuration },
});

const isPresence = (scene, presence) => scene.model.presence(scene.now) === presence;

/**
 * `{ id, title, note, steps, requests, now, isClockSetBack }`. A step is what to do, and whether it is done in a
 * scene.
 */
export const QUESTIONS = [
  {
    id: "away",
    title: "Why am I Away?",
    note: "At 09:00 the laptop said “Available”, for an hour. A session that is not refreshed fades.",
    steps: [
      ["Drag the time label to before 09:05: the user is Available.", (scene) => scene.now < at(5)],
      ["Drag it past 10:00: the session ends, and the user is Offline.", (scene) => scene.now >= at(60) && isPresence(scene, "Offline")],
      ["Choose “keep refreshing” at the laptop, and play: it never fades.", (scene) => scene.refreshed.has("laptop")],
    ],
    requests: [set(0, "laptop", "Available", "Available", "PT1H")],
    now: at(12),
  },
  {
    id: "offline",
    title: "Why am I Offline?",
    note: "The preference was accepted, and it waits: it shows only while a session exists.",
    steps: [
      ["Send “laptop: Available”: the preference shows, not what the laptop says.", (scene) => isPresence(scene, "Busy")],
      ["Then press × beside “laptop”: the preference waits again.", (scene) => scene.record.requests.some(({ action, status }) => action === "clearPresence" && status === 200)],
    ],
    requests: [prefer(0, "Busy", "Busy", "PT2H")],
    now: at(3),
  },
  {
    id: "wins",
    title: "Why does the other session win?",
    note: "The strongest session wins, not the latest.",
    steps: [
      ["Drag the time label past 09:15, the end of the presentation: the call shows.", (scene) => isPresence(scene, "InACall")],
      ["Drag it past 09:32, the end of the call: what the laptop said has faded by then, so the user is Away.", (scene) => isPresence(scene, "Away")],
    ],
    requests: [
      set(0, "meeting room", "DoNotDisturb", "Presenting", "PT15M"),
      set(2, "phone", "Busy", "InACall", "PT30M"),
      set(5, "laptop", "Available", "Available", "PT1H"),
    ],
    now: at(8),
  },
  {
    id: "clock",
    title: "What if the clock is set back?",
    note:
      "The call was set at 09:30, for half an hour. Now the computer's clock is set back: what starts in the future " +
      "moves with it, so nothing lives longer than its lifetime.",
    steps: [
      ["Drag the time label further back: the end of the call moves with it.", (scene) => scene.isClockSetBack && scene.now < at(15)],
      ["Switch off “the computer's clock is wrong”, and drag back: now you look at the past, and no end moves.", (scene) => !scene.isClockSetBack && scene.isPast],
    ],
    requests: [
      set(0, "laptop", "Away", "Away", "PT1H"),
      set(30, "phone", "Busy", "InACall", "PT30M"),
    ],
    now: at(20),
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
  return { id: `vector-${index + 1}`, title, note: "", steps: [], requests, checks, now };
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
