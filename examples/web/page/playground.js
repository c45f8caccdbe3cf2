// The playground: draws a scene, and does what the user does with it.

import { PresenceError, availability, init } from "../pkg/index.js";
import { LinkError, decoded, encoded } from "./address.js";
import { Log } from "./log.js";
import { QUESTIONS, vectors } from "./presets.js";
import { MAX_REQUESTS, Record, fieldsOf } from "./record.js";
import { Scene } from "./scene.js";
import { Timeline } from "./timeline.js";
import { STRENGTH, because, clockFace, element, inWords, short, show, sign, until, write } from "./words.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The pairs in the form, in the order of precedence. The last ones are always rejected. */
const PAIRS = [
  "Available/Available",
  "Busy/InACall",
  "Busy/InAConferenceCall",
  "DoNotDisturb/Presenting",
  "Away/Away",
  "Busy/Busy",
  "DoNotDisturb/DoNotDisturb",
  "BeRightBack/BeRightBack",
  "Offline/OffWork",
  "Available/AvailableInactive",
  "Offline/Offline",
  "Busy/InAMeeting",
];
const ACCEPTED = {
  setPresence: PAIRS.slice(0, 5),
  setUserPreferredPresence: [PAIRS[0], ...PAIRS.slice(4, 9)],
};
/** More lanes of sessions than these are not drawn. A user has at most 128 sessions at a time. */
const MAX_LANES = 128;
/** With more sessions than these, lanes are narrow, and have no buttons. */
const MAX_TOOLS = 16;
/** How many requests around the clock are listed, and how many users are offered. */
const MAX_LISTED = 100;
const MAX_OFFERED = 500;

const $ = (selector) => document.querySelector(selector);

let scene;
let timeline;
let worked = [];
/** The log whose users are looked at. */
let log = null;
let reading = null;
/** Why reading ends if something else is shown. */
const REPLACED = new Error("replaced");
let playing = 0;
let answer;

// Scenes

function open(preset, how = "push") {
  const record = new Record(preset.requests[0]?.at ?? preset.now);
  for (const { at, action, body } of preset.requests) {
    record.send(action, JSON.stringify(body), at);
  }
  const opened = new Scene(record, Math.max(preset.now, record.last));
  opened.preset = preset;
  opened.moveTo(preset.now);
  opened.setWrong(preset.isClockSetBack ?? false);
  showScene(opened, null);
  saveState(how);
}

/** Shows a scene in place of the one before, and of what is being read: one of a log, or of none. */
function showScene(next, itsLog, span = null) {
  reading?.abort(REPLACED);
  timeline.cancel();
  cancelAnimationFrame(frame);
  stop();
  [scene, log, answer, isToldFull, frame, target] = [next, itsLog, undefined, false, 0, null];
  $("#notice").hidden = true;
  $("#user-label").hidden = log === null;
  $("#user").value = scene.user;
  $("#stored").dataset.edited = "";
  if (span === null) {
    fit();
    timeline.follow(scene.now);
  } else {
    Object.assign(timeline, span);
  }
  const latest = scene.record.requests.findLast(({ action, status }) => action === "setPresence" && status === 200);
  $("#session").value = latest?.sessionId ?? "laptop";
  fillForm();
  render();
  list();
}

/** Shows all of the past, and what comes until the sessions have ended. */
function fit() {
  const { record, clock, now, preset } = scene;
  const last = Math.max(record.last, now, clock);
  const first = log === null ? record.start : log.first;
  let end = Math.max(last + 2 * MINUTE, ...(preset?.checks ?? []).map(({ at }) => at));
  for (const bars of record.sessions.values()) {
    end = Math.max(end, Math.min(bars.at(-1)?.to ?? last, last + 5 * HOUR));
  }
  timeline.show(Math.min(first, now), end);
}

/** Compares what a worked example says with what the model says. */
function isRight({ at, status, presence, count }) {
  const { record } = scene;
  if (count === null) {
    return record.model(record.countAt(at)).presence(at) === presence;
  }
  return String(record.requests[count - 1].status) === status && record.model(count).presence(at) === presence;
}

// Drawing. A frame draws what has changed since the last one.

let frame = 0;
let target = null;
let isToldFull = false;

/** Draws the scene in the next frame. */
function renderSoon() {
  if (frame === 0) {
    frame = requestAnimationFrame(() => {
      frame = 0;
      const time = target;
      target = null;
      if (time !== null && !scene.moveTo(time)) {
        // There were too many refreshes on the way for one frame.
        target = time;
        renderSoon();
      }
      render();
    });
  }
}

function render() {
  const { record, now, count, model, preset } = scene;
  const explanation = model.explain(now);
  const { presence } = explanation;
  show($("#presence"), presence);
  write($("#pair"), `Graph: ${availability(presence)}/${presence}`);
  write($("#until"), until(model.forecast(now)[0], now, presence));
  write($("#why"), because(explanation, now));
  write($("#send-at"), clockFace(now, timeline.from));

  const drawn = lanes(model);
  timeline.draw({ now, presence, lanes: drawn, requests: record.requests, version: record.version });
  drawLegend(drawn);
  drawWarning();
  drawGuide(preset);
  write($("#counted"), String(record.requests.length));
  if (scene.isFull && !isToldFull) {
    tellFull();
  }
  countLater(count);
}

function tellFull() {
  isToldFull = true;
  stop();
  notify(`No more than ${MAX_REQUESTS.toLocaleString("en")} requests are sent in a scene, and nothing is refreshed any more. Start again from the snapshot.`);
}

function lanes(model) {
  const { now, picture } = scene;
  const made = [{ key: "effective", name: "Others see", kind: "effective", bars: picture.effective, text: "what colleagues see" }];
  const preferred = model.preferred(now);
  if (scene.record.hasPreference) {
    made.push({
      key: "preferred",
      name: "Preference",
      kind: "lane",
      bars: picture.preferred,
      text: preferred === null ? "none now" : `ends ${clockFace(preferred.expiresAt, now)}, ${inWords(preferred.presence)}`,
    });
  }
  const live = new Map(model.sessions(now).map((session) => [session.id, session]));
  const seen = sessionsSeen();
  const isCompact = seen.length > MAX_TOOLS;
  if ($("#lanes").classList.contains("compact") !== isCompact) {
    $("#lanes").classList.toggle("compact");
  }
  for (const id of seen.slice(0, MAX_LANES)) {
    const session = live.get(id);
    made.push({
      key: `session ${id}`,
      name: short(id, 40),
      title: id.slice(0, 1000),
      kind: "lane",
      bars: picture.sessions.get(id) ?? [],
      text: session === undefined ? "does not exist now" : `ends ${clockFace(session.expiresAt, now)}, said ${inWords(session.claim)}`,
      tools: isCompact ? undefined : tools(id, session !== undefined),
    });
  }
  $("#more").hidden = seen.length <= MAX_LANES;
  write($("#more"), seen.length <= MAX_LANES ? "" : `${seen.length - MAX_LANES} more sessions in this span of time are not drawn.`);
  return made;
}

let sessions = { key: "", record: null, seen: [] };

/** Returns the ids of the sessions that have lanes: of many, those without a bar in the span of time have none. */
function sessionsSeen() {
  const { record } = scene;
  const key = `${record.version} ${timeline.from} ${timeline.span}`;
  if (sessions.record !== record || sessions.key !== key) {
    const seen = [...record.sessions].filter(([, bars]) => record.sessions.size <= 8 || timeline.seen(bars).length > 0);
    sessions = { key, record, seen: seen.map(([id]) => id) };
  }
  return sessions.seen;
}

const toolsOf = new Map();

/** Returns the buttons of a session. They are kept, so that they keep the focus. */
function tools(id, isLive) {
  if (!toolsOf.has(id)) {
    const name = short(id, 40);
    const refresh = element("button", { type: "button", title: "Refresh: send it again", "aria-label": `Refresh ${name}` }, "↻");
    const clear = element("button", { type: "button", title: "Clear", "aria-label": `Clear ${name}` }, "×");
    const keep = element("input", { type: "checkbox", "aria-label": `Keep refreshing ${name}` });
    refresh.addEventListener("click", () => send("setPresence", scene.record.lastBody(id) ?? sessionBody(id)));
    clear.addEventListener("click", () => send("clearPresence", JSON.stringify({ sessionId: id })));
    keep.addEventListener("change", () => keepRefreshing(id, keep.checked));
    toolsOf.set(id, { keep, clear, bar: element("div", { class: "tools" }, refresh, clear, element("label", {}, keep, "keep", element("span", {}, "\u00a0refreshing"))) });
  }
  const { bar, keep, clear } = toolsOf.get(id);
  if (keep.checked !== scene.refreshed.has(id)) {
    keep.checked = scene.refreshed.has(id);
  }
  if (clear.disabled === isLive) {
    clear.disabled = !isLive;
  }
  return bar;
}

/** Returns a body that refreshes a session of the snapshot. */
function sessionBody(id) {
  const { claim } = scene.model.sessions(scene.now).find((session) => session.id === id) ?? { claim: "Available" };
  return JSON.stringify({ sessionId: id, availability: availability(claim), activity: claim, expirationDuration: "PT1H" });
}

function keepRefreshing(id, isKept) {
  if (isKept) {
    // It is sent at once, so that there is a body to send again.
    send("setPresence", scene.record.lastBody(id) ?? sessionBody(id));
    scene.refreshed.add(id);
  } else {
    scene.refreshed.delete(id);
  }
  render();
  saveState("replace");
}

let legend = { picture: null, from: 0, span: 0, presences: "" };

/** Names what is on screen, in order of strength. */
function drawLegend(lanes) {
  const { picture } = scene;
  const { from, span } = timeline;
  if (legend.picture === picture && legend.from === from && legend.span === span) {
    return;
  }
  const seen = new Set();
  for (const { bars } of lanes) {
    for (const { presence } of timeline.seen(bars)) {
      seen.add(presence);
    }
  }
  const presences = STRENGTH.filter((presence) => seen.has(presence));
  const { presences: before } = legend;
  legend = { picture, from, span, presences: presences.join() };
  if (legend.presences !== before) {
    $("#strengths").replaceChildren(...presences.map((presence) => element("li", {}, sign(presence), inWords(presence))));
  }
}

function drawWarning() {
  const forgets = !scene.isClockSetBack && scene.count < scene.record.requests.length;
  const isBack = scene.isClockSetBack && scene.now < scene.record.last;
  write($("#warning"), forgets ? "This is the past: what came later is forgotten if you send." : isBack ? "The clock was set back: what is sent now comes after the other requests, at an earlier time." : "");
}

function drawGuide(preset) {
  write($("#note"), preset?.note ?? "");
  $("#note").hidden = !preset?.note;
  const isNeeded = scene.isClockSetBack || preset?.isClockSetBack === true;
  $("#wrong-label").hidden = !isNeeded;
  if ($("#wrong").checked !== scene.isClockSetBack) {
    $("#wrong").checked = scene.isClockSetBack;
  }
  const id = preset?.id ?? "";
  if ($("#guide").dataset.id !== id) {
    $("#guide").dataset.id = id;
    $("#presets").value = id;
    $("#steps").replaceChildren(...(preset?.steps ?? []).map(([text]) => element("li", {}, text)));
    const checks = preset?.checks ?? [];
    $("#checks").hidden = checks.length === 0;
    $("#checks").replaceChildren(...checks.map((check) => element("li", {}, checkButton(check))));
  }
  for (const [index, [, isDone]] of (preset?.steps ?? []).entries()) {
    const step = $("#steps").children[index];
    if (!scene.done.has(index) && isDone(scene)) {
      scene.done.add(index);
    }
    if (step.classList.contains("done") !== scene.done.has(index)) {
      step.classList.toggle("done");
    }
  }
}

function checkButton(check) {
  const { label, at, command, status, presence } = check;
  const text = [label, command, status === "200" ? "" : status, presence].filter((part) => part !== "").join(" · ");
  const button = element("button", { class: isRight(check) ? "right" : "wrong" }, text);
  button.addEventListener("click", () => move(at, false));
  return button;
}

// What follows the clock a little later: the list of requests and the snapshot.

let counting = 0;
let listed = "";

function countLater(count) {
  if (listKey(count) !== listed) {
    clearTimeout(counting);
    counting = setTimeout(list, 150);
  }
  if ($("#snapshot").open && $("#stored").dataset.edited === "") {
    $("#stored").value = JSON.stringify(scene.model.snapshot(), null, 2);
  }
}

function listKey(count) {
  return `${scene.record.version} ${count} ${timeline.from}`;
}

/** Lists the requests around the clock, the latest first. */
function list() {
  clearTimeout(counting);
  if (!$("#log").open) {
    return;
  }
  const { record, count } = scene;
  listed = listKey(count);
  const { requests } = record;
  const focused = $("#requests").contains(document.activeElement) ? document.activeElement.dataset.index : null;
  const to = Math.min(count + MAX_LISTED / 2, requests.length);
  const from = Math.max(to - MAX_LISTED, 0);
  const rows = requests.slice(from, to).map((request, index) => requestRow(request, from + index, from + index >= count));
  $("#requests").replaceChildren(...(rows.length > 0 ? rows.reverse() : [element("li", { class: "empty" }, "None yet.")]));
  if (focused !== null) {
    ($(`#requests [data-index="${focused}"]`) ?? $("#log summary")).focus({ preventScroll: true });
  }
  $("#listed").hidden = rows.length === requests.length;
  write($("#listed"), `Those around the clock: ${from + 1} to ${to} of ${requests.length}.`);
  $("#sessions").replaceChildren(...[...record.sessions.keys()].slice(0, MAX_OFFERED).map((id) => element("option", { value: id })));
}

function requestRow(request, index, isAhead) {
  const { at, action, body, status, presence, error } = request;
  const button = element(
    "button",
    { class: isAhead ? "later" : "past", title: body.slice(0, 1000), "data-index": index },
    element("time", {}, clockFace(at, timeline.from)),
    presence === null ? element("span", { class: "bad" }, "×") : sign(presence),
    element("span", {}, inShort(action, body)),
    element("span", { class: status === 200 ? "good" : "bad", title: error?.error.message ?? inWords(presence) }, String(status)),
  );
  button.addEventListener("click", () => move(at, false));
  return element("li", {}, button);
}

/** Shortens a request to one line. */
function inShort(action, body) {
  if (body.length > 4000) {
    return `${action}, ${body.length} characters`;
  }
  if (action === "tick" && body === "") {
    return "time passes";
  }
  const { sessionid, activity, expirationduration } = fieldsOf(body);
  const verb = { setPresence: "set", clearPresence: "clear", setUserPreferredPresence: "prefer", clearUserPreferredPresence: "prefer nothing", tick: "tick" }[action];
  const words = [sessionid, activity, expirationduration].filter((word) => typeof word === "string").map((word) => short(word));
  return [verb, ...words].join(" ");
}

// The form

function fillForm() {
  const action = $("#action").value;
  for (const label of document.querySelectorAll("#fields [data-for]")) {
    label.hidden = !label.dataset.for.split(" ").includes(action);
  }
  const accepted = ACCEPTED[action];
  if (accepted !== undefined) {
    const rejected = PAIRS.filter((pair) => !accepted.includes(pair));
    const group = (label, pairs) => element("optgroup", { label }, ...pairs.map((pair) => element("option", {}, pair)));
    const chosen = $("#pairs").value;
    $("#pairs").replaceChildren(group("accepted", accepted), group("rejected", rejected));
    $("#pairs").value = accepted.includes(chosen) ? chosen : accepted[0];
  }
  fillBody();
}

function fillBody() {
  const action = $("#action").value;
  const [availability, activity] = $("#pairs").value.split("/");
  const fields = {
    setPresence: { sessionId: $("#session").value, availability, activity },
    clearPresence: { sessionId: $("#session").value },
    setUserPreferredPresence: { availability, activity },
  }[action] ?? {};
  if ($("#expiration").value !== "" && "availability" in fields) {
    fields.expirationDuration = $("#expiration").value;
  }
  $("#body").value = JSON.stringify(fields, null, 2);
  $("#path").textContent = action === "tick" ? "tick" : `POST /users/${short(scene.user)}/presence/${action}`;
}

function drawAnswer() {
  if (answer === undefined) {
    $("#answer").replaceChildren();
    return;
  }
  const { status, error } = answer;
  const text = error === null ? "" : ` ${JSON.stringify(error)}`;
  $("#answer").replaceChildren(element("b", { class: status === 200 ? "good" : "bad" }, `→ ${status}`), text);
}

/** Sends a request, and shows it in the form with its answer. */
function send(action, body) {
  if (scene.isFull && !scene.isPast) {
    tellFull();
    return;
  }
  answer = scene.send(action, body);
  if ($("#action").value !== action || $("#body").value !== body) {
    $("#action").value = action;
    fillForm();
    $("#body").value = pretty(body);
  }
  drawAnswer();
  if (answer.status !== 200 && !$("#request").open) {
    notify(`The request was rejected: ${answer.error.error.message}`);
  }
  timeline.follow(scene.now);
  render();
  list();
  saveState("push");
}

function pretty(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

/** What the buttons below the lanes send. */
const ACTIONS = {
  available: () => send("setPresence", '{"sessionId":"laptop","availability":"Available","activity":"Available","expirationDuration":"PT1H"}'),
  call: () => send("setPresence", '{"sessionId":"phone","availability":"Busy","activity":"InACall","expirationDuration":"PT30M"}'),
  prefer: () => send("setUserPreferredPresence", '{"availability":"Busy","activity":"Busy","expirationDuration":"PT2H"}'),
  clear() {
    send("clearUserPreferredPresence", "{}");
    for (const { id } of scene.model.sessions(scene.now)) {
      send("clearPresence", JSON.stringify({ sessionId: id }));
    }
  },
};

// The clock

function move(now, isDragging) {
  target = now;
  if (isDragging) {
    renderSoon();
    return;
  }
  target = null;
  const isThere = scene.moveTo(now);
  scene.settle();
  timeline.follow(scene.now);
  render();
  if (!isThere) {
    target = now;
    renderSoon();
  }
  saveState("replace");
}

/** Moves to the first change of the effective presence after this time, or to the last one before it. */
function jump(isForwards) {
  const { record, now, isClockSetBack } = scene;
  const at = isClockSetBack ? now : Math.max(now, scene.clock, record.last);
  const { effective } = record.paint(record.requests.length, at);
  const found = isForwards ? effective.find(({ from }) => from > now) : effective.findLast(({ from }) => from < now);
  if (found !== undefined) {
    move(found.from, false);
  }
}

function play() {
  if (playing !== 0) {
    stop();
    return;
  }
  let last = performance.now();
  const step = (time) => {
    const passed = Math.min(Math.max(time - last, 0), 250) * Number($("#speed").value);
    last = time;
    scene.moveTo(Math.round(scene.now + passed));
    timeline.follow(scene.now, 0.12);
    playing = requestAnimationFrame(step);
    render();
  };
  playing = requestAnimationFrame(step);
  drawPlay();
}

function stop() {
  if (playing !== 0) {
    cancelAnimationFrame(playing);
    playing = 0;
    saveState("replace");
  }
  drawPlay();
}

function drawPlay() {
  $("#play").setAttribute("aria-pressed", String(playing !== 0));
  write($("#play"), playing === 0 ? "▶ Play" : "❚❚ Pause");
}

// The state in the address

let saving = 0;
let isPushed = false;
/** The scenes that are too long for an address, and their logs. The browser's history has their numbers. */
const unwritten = new Map();

/** Writes the state into the address soon: as a new entry of the browser's history, or in place of the last one. */
function saveState(how) {
  isPushed ||= how === "push";
  clearTimeout(saving);
  saving = setTimeout(writeState, isPushed ? 0 : 150);
}

/** Returns whether the state is in the address. It is not if it is too long. */
async function writeState() {
  clearTimeout(saving);
  const method = isPushed ? "pushState" : "replaceState";
  isPushed = false;
  const shown = scene;
  const state = log === null ? await encoded(scene, timeline) : null;
  if (shown !== scene) {
    return false;
  }
  if (state !== null && location.hash.slice(1) !== state) {
    history[method](null, "", `#${state}`);
  } else if (state === null && unwritten.get(history.state)?.scene !== scene) {
    unwritten.set(unwritten.size + 1, { scene, log });
    history[method](unwritten.size, "", "#");
  }
  return state !== null;
}

/** Restores the state of the address: that of a link, or a preset by its name. */
async function restoreState() {
  const text = location.hash.slice(1);
  const presets = [...QUESTIONS, ...worked];
  const preset = presets.find(({ id }) => id === text);
  clearTimeout(saving);
  isPushed = false;
  const kept = text === "" ? unwritten.get(history.state) : undefined;
  if (kept !== undefined) {
    showScene(kept.scene, kept.log);
    return;
  }
  if (text === "" || preset !== undefined) {
    open(preset ?? QUESTIONS[0], "replace");
    return;
  }
  try {
    const { scene: found, span } = await decoded(text, presets);
    showScene(found, null, span);
  } catch (error) {
    open(QUESTIONS[0], "replace");
    const reason = error instanceof LinkError || error instanceof PresenceError ? error.message : "it is damaged";
    notify(`The link could not be read: ${reason}. This is the first scene.`);
  }
}

async function share() {
  if (!(await writeState())) {
    notify(log === null ? "This is too much for a link." : "A log is not in the address: send the file itself.");
    return;
  }
  try {
    await navigator.clipboard.writeText(location.href);
    $("#shared").textContent = "Copied.";
  } catch {
    $("#shared").textContent = "Copy it from the address bar.";
  }
}

/** Says something where it is seen. */
function notify(text) {
  $("#notice").hidden = false;
  write($("#notice span"), text);
}

// Snapshots and logs

function restoreSnapshot() {
  try {
    showScene(new Scene(new Record(scene.now, $("#stored").value), scene.now), null);
  } catch (error) {
    if (!(error instanceof PresenceError)) {
      throw error;
    }
    notify(error.message);
    return;
  }
  notify("This is the snapshot.");
  saveState("push");
}

/** Does work in pieces: shows how far it is, and lets it be stopped. */
async function inPieces(work) {
  reading?.abort(REPLACED);
  const mine = new AbortController();
  reading = mine;
  $("#notice").hidden = true;
  try {
    return await work(mine.signal, (part, text) => {
      $("#reading").hidden = false;
      $("#progress").value = part;
      write($("#read"), text);
    });
  } finally {
    if (reading === mine) {
      reading = null;
      $("#reading").hidden = true;
    }
  }
}

/** Reads the log of a replay, and shows its first user. */
async function openLog(file) {
  const read = new Log();
  let stopped = "";
  try {
    await inPieces((signal, onProgress) =>
      read.read(file, signal, (part) => onProgress(part, `Reading ${short(file.name)}: ${read.lines.toLocaleString("en")} lines`)),
    );
  } catch (error) {
    if (error === REPLACED) {
      return;
    }
    stopped = error.name === "AbortError" ? `You stopped after ${read.lines.toLocaleString("en")} lines. ` : `The file could not be read: ${error.message}. `;
  }
  const { names } = read;
  const cut = read.isCut ? `Only the first ${read.lines.toLocaleString("en")} lines were read. ` : "";
  const unread = read.rejected === 0 ? "" : `${read.rejected.toLocaleString("en")} of ${read.lines.toLocaleString("en")} lines could not be read: ${read.firstReason}. `;
  if (names.length === 0) {
    notify(`${stopped}${unread}No requests were found in ${short(file.name)}.`);
    return;
  }
  const users = names.length === 1 ? "1 user" : `${names.length.toLocaleString("en")} users`;
  await showUser(read, names[0], `${stopped}${cut}${unread}The log has ${users}.`);
}

async function showUser(read, name, text = "") {
  let record;
  try {
    record = await inPieces((signal, onProgress) => read.record(name, signal, (part) => onProgress(part, `Reading the requests of ${short(name)}`)));
  } catch (error) {
    if (error === REPLACED) {
      return;
    }
    if (error.name !== "AbortError") {
      throw error;
    }
    $("#user").value = scene.user;
    notify(`You stopped: ${short(name)} is not shown.`);
    return;
  }
  const next = new Scene(record, read.last);
  next.user = name;
  showScene(next, read);
  $("#users").replaceChildren(...read.names.slice(0, MAX_OFFERED).map((name) => element("option", { value: name })));
  if (text !== "") {
    notify(text);
  }
  saveState("push");
}

// The start

function listen() {
  $("#play").addEventListener("click", play);
  $("#next").addEventListener("click", () => jump(true));
  $("#previous").addEventListener("click", () => jump(false));
  const zoom = (change) => () => {
    change();
    render();
    saveState("replace");
  };
  $("#closer").addEventListener("click", zoom(() => timeline.zoom(0.5, scene.now)));
  $("#farther").addEventListener("click", zoom(() => timeline.zoom(2, scene.now)));
  $("#fit").addEventListener("click", zoom(fit));
  $("#wrong").addEventListener("change", ({ target }) => {
    scene.setWrong(target.checked);
    render();
    saveState("replace");
  });
  $("#actions").addEventListener("click", ({ target }) => ACTIONS[target.dataset.do]?.());
  $("#presets").addEventListener("change", ({ target }) => open([...QUESTIONS, ...worked].find(({ id }) => id === target.value)));
  $("#user").addEventListener("change", ({ target }) => {
    if (log.users.has(target.value)) {
      showUser(log, target.value);
    } else {
      notify(`The log has no user ${short(target.value)}.`);
      target.value = scene.user;
    }
  });
  $("#action").addEventListener("change", fillForm);
  for (const field of ["#session", "#pairs", "#expiration"]) {
    $(field).addEventListener("input", fillBody);
  }
  $("#form").addEventListener("submit", (event) => {
    event.preventDefault();
    send($("#action").value, $("#body").value);
  });
  $("#snapshot").addEventListener("toggle", () => {
    $("#stored").dataset.edited = "";
    render();
  });
  $("#stored").addEventListener("input", () => ($("#stored").dataset.edited = "yes"));
  $("#log").addEventListener("toggle", list);
  $("#restore").addEventListener("click", restoreSnapshot);
  $("#share").addEventListener("click", share);
  $("#stop").addEventListener("click", () => {
    reading?.abort();
    timeline.focus();
  });
  $("#dismiss").addEventListener("click", () => {
    $("#notice").hidden = true;
    timeline.focus();
  });
  $("#file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (file !== undefined) {
      openLog(file);
    }
  });
  const drop = (event) => {
    if (!event.dataTransfer.types.includes("Files")) {
      return;
    }
    event.preventDefault();
    document.body.classList.toggle("dropping", event.type === "dragover");
    const [file] = event.type === "drop" ? event.dataTransfer.files : [];
    if (file !== undefined) {
      openLog(file);
    }
  };
  for (const type of ["dragover", "dragleave", "drop"]) {
    addEventListener(type, drop);
  }
  addEventListener("popstate", restoreState);
}

const [table] = await Promise.all([
  fetch("vectors.txt").then((response) => (response.ok ? response.text() : Promise.reject(new Error("vectors.txt is missing")))),
  init(),
]);
worked = vectors(table);
for (const [group, presets] of [["#questions", QUESTIONS], ["#vectors", worked]]) {
  $(group).append(...presets.map(({ id, title }) => element("option", { value: id }, title)));
}
timeline = new Timeline($("#lanes"), { name: "Clock", requestsName: "Requests", onMove: move, onResize: renderSoon });
listen();
await restoreState();
