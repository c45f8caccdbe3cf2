// Words and signs for what a model returns.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** The presences in order of strength, in plain words, with the shape of their signs. */
const PRESENCES = {
  Presenting: ["Presenting", '<circle class="disc" cx="8" cy="8" r="7"/><path class="ink" d="M8 11.2V5.2M5.4 7.6 8 5l2.6 2.6"/>'],
  DoNotDisturb: ["Do not disturb", '<circle class="disc" cx="8" cy="8" r="7"/><path class="ink" d="M4.8 8h6.4"/>'],
  InAConferenceCall: ["In a conference call", '<circle class="disc" cx="8" cy="8" r="7"/><path class="ink dots" d="M5 8h0M8 8h0M11 8h0"/>'],
  InACall: ["In a call", '<circle class="disc" cx="8" cy="8" r="7"/><path class="ink" d="M5.3 5.2c-.3 3 2.6 5.8 5.5 5.5l.2-1.5-1.7-.8-.9.9c-.8-.4-1.4-1-1.8-1.8l.9-.9-.8-1.6z"/>'],
  Busy: ["Busy", '<circle class="disc" cx="8" cy="8" r="7"/>'],
  Available: ["Available", '<circle class="disc" cx="8" cy="8" r="7"/><path class="ink" d="M4.8 8.3 7 10.5l4.3-4.6"/>'],
  AvailableInactive: ["Available, idle", '<circle class="ring" cx="8" cy="8" r="6"/><path class="ring" d="M5.2 8.2 7.2 10.2l3.7-4"/>'],
  BeRightBack: ["Be right back", '<circle class="disc" cx="8" cy="8" r="7"/><path class="ink" d="M11 10.6V8.2H5.2M7.3 6 5.1 8.2l2.2 2.2"/>'],
  Away: ["Away", '<circle class="disc" cx="8" cy="8" r="7"/><path class="ink" d="M8 4.4V8l2.4 2"/>'],
  OffWork: ["Off work", '<circle class="ring" cx="8" cy="8" r="6"/>'],
  Offline: ["Offline", '<circle class="ring" cx="8" cy="8" r="6"/><path class="ring" d="M5.9 5.9l4.2 4.2M10.1 5.9l-4.2 4.2"/>'],
};

export const STRENGTH = Object.keys(PRESENCES);

export function inWords(presence) {
  return PRESENCES[presence][0];
}

/** Makes an element with these attributes and children. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    made.setAttribute(attribute, value);
  }
  made.append(...children);
  return made;
}

/** Sets the text of an element, unless it has it. */
export function write(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

const signs = new Map();

/** Makes the sign of a presence. */
export function sign(presence) {
  if (!signs.has(presence)) {
    signs.set(presence, makeSign(presence));
  }
  return signs.get(presence).cloneNode(true);
}

function makeSign(presence) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", presence);
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.innerHTML = PRESENCES[presence][1];
  return svg;
}

/** Shows a presence in an element: its sign and its name. */
export function show(node, presence) {
  if (node.dataset.presence !== presence) {
    node.dataset.presence = presence;
    node.replaceChildren(sign(presence), element("strong", {}, inWords(presence)));
  }
}

/** Writes a time as a clock face, with its day and its year if they are not those of `now`. */
export function clockFace(at, now = at) {
  const time = new Date(at);
  const iso = time.toISOString();
  const face = iso.slice(11, at % MINUTE === 0 ? 16 : at % SECOND === 0 ? 19 : 23);
  if (Math.floor(at / DAY) === Math.floor(now / DAY)) {
    return face;
  }
  return `${dayOf(at, now)}, ${face}`;
}

/** Writes the day of a time, with its year unless that is the year of `now`. */
export function dayOf(at, now) {
  const time = new Date(at);
  const year = now !== undefined && time.getUTCFullYear() === new Date(now).getUTCFullYear() ? undefined : "numeric";
  return time.toLocaleDateString("en-GB", { day: "numeric", month: "short", year, timeZone: "UTC" });
}

/** Letters that may turn the text around them. */
const TURNING = /[\p{Bidi_Control}\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** Shortens an id, and keeps it from turning the text around it. */
export function short(id, length = 24) {
  const units = id.length > length ? [...id.slice(0, 2 * length), ...id.slice(-12)] : id;
  const text = units.length > length ? `${units.slice(0, length - 8).join("")}…${units.slice(-6).join("")}` : id;
  return TURNING.test(text) ? `\u2068${text.replace(/\p{Bidi_Control}/gu, "\uFFFD")}\u2069` : text;
}

/** Says why a user has a presence, in at most three sentences. */
export function because({ presence, reason, waiting, others }, now) {
  if (reason.kind === "preferred") {
    const { since } = reason.preferred;
    return `The user chose this at ${clockFace(since, now)}. It is shown while there is a session.`;
  }
  if (reason.kind === "noSession") {
    const waits = waiting === null ? "" : ` “${inWords(waiting.presence)}” waits for one.`;
    return `No device or app says that the user is there: no session exists.${waits}`;
  }
  const { id, claim, since } = reason.session;
  const said = `“${short(id)}” said “${inWords(claim)}” at ${clockFace(since, now)}`;
  const rest = others.length === 0 ? "" : ` It is the strongest of ${others.length + 1} sessions.`;
  return claim === presence ? `${said}.${rest}` : `${said}, and not again, so that has faded.${rest}`;
}

/** Says until when a presence lasts, and what comes then: the change `next`, if there is one. */
export function until(next, now, presence) {
  if (next === undefined) {
    return presence === "Offline" ? "until a session starts" : "";
  }
  return `until ${clockFace(next.at, now)}, then ${inWords(next.presence)}`;
}
