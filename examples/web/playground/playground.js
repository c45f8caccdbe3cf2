// The page: draws a scene, and does what the user does with it.

import { PresenceError, availability, init } from "../pkg/index.js";
import { decoded, encoded } from "./address.js";
import { readLog } from "./log.js";
import { QUESTIONS, vectors } from "./presets.js";
import { Record } from "./record.js";
import { Scene } from "./scene.js";
import { Timeline, clockFace, element, sign } from "./timeline.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

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

const $ = (selector) => document.querySelector(selector);

let scene;
let timeline;
let worked = [];
/** The records of the users of a log. */
let users = new Map();
let playing = 0;
let answer;

// Presets

function open(preset, how = "push") {
  const record = new Record(preset.requests[0]?.at ?? preset.now);
  for (const { at, action, body } of preset.requests) {
    record.send(action, JSON.stringify(body), at);
  }
  scene = new Scene(record, Math.max(preset.now, record.last));
  scene.preset = preset;
  scene.isClockSetBack = preset.isClockSetBack ?? false;
  scene.moveTo(preset.now);
  users = new Map();
  show();
  saveState(how);
}

/** Shows another scene. */
function show() {
  answer = undefined;
  stop();
  fit();
  timeline.follow(scene.now);
  const { body = "{}" } = scene.record.requests.findLast(({ action, status }) => action === "setPresence" && status === 200) ?? {};
  $("#session").value = JSON.parse(body).sessionId ?? "laptop";
  fillForm();
  render();
}

function fit() {
  const { record, now, clock } = scene;
  const last = Math.max(record.last, now, clock);
  const ends = record.paint(scene.count, now, last + 5 * HOUR);
  const bars = [...ends.sessions.values()].flat();
  const checks = scene.preset?.checks ?? [];
  const to = Math.max(last + 2 * MINUTE, ...bars.map(({ to }) => to), ...checks.map(({ at }) => at));
  timeline.show(record.start, to);
}

/** Compares what a worked example says with what the model says. */
function isRight({ at, status, presence, count }) {
  const { record } = scene;
  if (count === null) {
    return record.model(record.countAt(at)).presence(at) === presence;
  }
  return String(record.requests[count - 1].status) === status && record.model(count).presence(at) === presence;
}

// Drawing

function render() {
  const { record, now, count, model, preset } = scene;
  const explanation = model.explain(now);
  drawPresence(explanation);

  $("#note").textContent = preset?.note ?? "";
  $("#note").hidden = !preset?.note;
  drawChecks();
  for (const button of $("#questions").children) {
    button.setAttribute("aria-current", String(button.dataset.id === preset?.id));
  }
  $("#vectors").value = worked.includes(preset) ? preset.id : "";
  $("#users-label").hidden = users.size === 0;

  const picture = record.paint(count, now, timeline.to);
  const lanes = [];
  const preferred = model.preferred(now);
  if (picture.preferred.length > 0 || preferred !== null) {
    lanes.push({
      key: "preferred",
      name: "Preference",
      bars: picture.preferred,
      text: preferred === null ? "none" : `ends ${clockFace(preferred.expiresAt, now)} · ${preferred.presence}`,
    });
  }
  const live = new Map(model.sessions(now).map((session) => [session.id, session]));
  for (const [id, bars] of picture.sessions) {
    if (bars.length > 0) {
      lanes.push(lane(id, bars, live.get(id)));
    }
  }
  timeline.draw({ now, presence: explanation.presence, picture, lanes, requests: record.requests, count });

  $("#send-at").textContent = clockFace(now);
  $("#sessions").replaceChildren(...[...picture.sessions.keys()].map((id) => element("option", { value: id })));
  $(`#back [value="${scene.isClockSetBack ? "step" : "look"}"]`).checked = true;
  drawWarning();
  drawAnswer();
  drawRequests();
  if ($("#snapshot").open && document.activeElement !== $("#stored")) {
    $("#stored").value = JSON.stringify(model.snapshot(), null, 2);
  }
}

function drawPresence({ presence, until, text }) {
  const shown = $("#presence");
  shown.dataset.presence = presence;
  shown.querySelector("svg").setAttribute("class", presence);
  shown.querySelector("use").setAttribute("href", `#sign-${presence}`);
  shown.querySelector("strong").textContent = presence;
  const [next] = scene.model.forecast(scene.now);
  const then = next === undefined ? "" : `until ${clockFace(until, scene.now)}, then ${next.presence}`;
  shown.querySelector("span").textContent = then || (presence === "Offline" ? "until a session is set" : "");
  if ($("#why").dataset.text !== text) {
    $("#why").dataset.text = text;
    $("#why").replaceChildren(...readable(text));
  }
}

/** Shortens the timestamps of a sentence to clock faces. */
function readable(text) {
  const parts = text.split(/(\d{4}-\d\d-\d\dT[\d:.]+Z)/);
  return parts.map((part, index) =>
    index % 2 === 0 ? part : element("time", { datetime: part, title: part }, clockFace(Date.parse(part), scene.now)),
  );
}

function drawChecks() {
  const checks = scene.preset?.checks;
  $("#checks").hidden = checks === undefined;
  if (checks === undefined || $("#checks").dataset.id === scene.preset.id) {
    return;
  }
  $("#checks").dataset.id = scene.preset.id;
  $("#checks").replaceChildren(
    ...checks.map((check) => {
      const { label, at, command, status, presence } = check;
      const text = [label, command, status === "200" ? "" : status, presence].filter((part) => part !== "").join(" · ");
      const button = element("button", { class: isRight(check) ? "right" : "wrong" }, text);
      button.addEventListener("click", () => move(at));
      return element("li", {}, button);
    }),
  );
}

function lane(id, bars, session) {
  const { now } = scene;
  const ended = bars.map((bar, index) => ({ ...bar, isEnd: bars[index + 1]?.from !== bar.to && bar.to < timeline.to && (bar.isForecast || bar.to < now) }));
  const text = session === undefined ? "does not exist" : `ends ${clockFace(session.expiresAt, now)} · ${session.claim}`;
  return { key: `session ${id}`, name: id, bars: ended, text, tools: tools(id, session !== undefined) };
}

const toolsOf = new Map();

/** Returns the buttons of a session. They are kept, so that they keep the focus. */
function tools(id, isLive) {
  if (!toolsOf.has(id)) {
    const refresh = element("button", { type: "button", title: "Refresh: send it again", "aria-label": `Refresh ${id}` }, "↻");
    const clear = element("button", { type: "button", title: "Clear", "aria-label": `Clear ${id}` }, "×");
    const keep = element("input", { type: "checkbox", "aria-label": `Keep refreshing ${id}` });
    refresh.addEventListener("click", () => send("setPresence", scene.record.lastBody(id) ?? sessionBody(id)));
    clear.addEventListener("click", () => send("clearPresence", JSON.stringify({ sessionId: id })));
    keep.addEventListener("change", () => keepRefreshing(id, keep.checked));
    toolsOf.set(id, { keep, clear, bar: element("div", { class: "tools" }, refresh, clear, element("label", {}, keep, "keep refreshing")) });
  }
  const { bar, keep, clear } = toolsOf.get(id);
  keep.checked = scene.refreshed.has(id);
  clear.disabled = !isLive;
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

function drawRequests() {
  const { record, count } = scene;
  const rows = record.requests.slice(-300).map((request, index, shown) => {
    const { at, action, body, status, outcome, error } = request;
    const after = outcome?.current;
    const isAhead = index + record.requests.length - shown.length >= count;
    const button = element(
      "button",
      { class: isAhead ? "ahead" : "past", title: body },
      element("time", {}, clockFace(at, scene.now)),
      after === undefined ? element("span", { class: "bad" }, "×") : sign(after),
      element("span", {}, inShort(action, body)),
      element("span", { class: status === 200 ? "good" : "bad", title: error?.error.message ?? after }, String(status)),
    );
    button.addEventListener("click", () => move(at));
    return element("li", {}, button);
  });
  $("#requests").replaceChildren(...(rows.length > 0 ? rows.reverse() : [element("li", { class: "empty" }, "None yet.")]));
}

/** Shortens a request to one line. */
function inShort(action, body) {
  let fields = {};
  try {
    fields = JSON.parse(body) ?? {};
  } catch {
    return `${action} ${body}`;
  }
  const { sessionId, activity, expirationDuration } = fields;
  const verb = { setPresence: "set", clearPresence: "clear", setUserPreferredPresence: "prefer", clearUserPreferredPresence: "prefer nothing", tick: "tick" }[action];
  const id = sessionId?.length > 16 ? `${sessionId.slice(0, 8)}…` : sessionId;
  return [verb, id, activity, expirationDuration].filter((word) => word !== undefined).join(" ");
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
    const chosen = $("#pair").value;
    $("#pair").replaceChildren(group("accepted", accepted), group("rejected", rejected));
    $("#pair").value = accepted.includes(chosen) ? chosen : accepted[0];
  }
  fillBody();
}

function fillBody() {
  const action = $("#action").value;
  const [availability, activity] = $("#pair").value.split("/");
  const fields = {
    setPresence: { sessionId: $("#session").value, availability, activity },
    clearPresence: { sessionId: $("#session").value },
    setUserPreferredPresence: { availability, activity },
  }[action] ?? {};
  if ($("#expiration").value !== "" && "availability" in fields) {
    fields.expirationDuration = $("#expiration").value;
  }
  $("#body").value = JSON.stringify(fields, null, 2);
  $("#path").textContent = action === "tick" ? "tick" : `POST /users/${scene.user}/presence/${action}`;
}

function drawWarning() {
  const forgets = !scene.isClockSetBack && scene.count < scene.record.requests.length;
  const isBack = scene.isClockSetBack && scene.now < scene.record.last;
  $("#warning").hidden = !forgets && !isBack;
  $("#warning").textContent = forgets
    ? "You look at the past: what came later is forgotten if you send."
    : "The clock was set back: this request comes after the others, at an earlier time.";
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
  answer = scene.send(action, body);
  if ($("#action").value !== action || $("#body").value !== body) {
    $("#action").value = action;
    fillForm();
    $("#body").value = JSON.stringify(JSON.parse(body), null, 2);
  }
  timeline.follow(scene.now);
  render();
  saveState("push");
}

// The clock

function move(now, isDragging = false) {
  scene.moveTo(now);
  if (!isDragging) {
    timeline.follow(now);
    saveState("replace");
  }
  render();
}

/** Moves to the first change of the effective presence after this time, or to the last one before it. */
function jump(isForwards) {
  const { record, now, isClockSetBack } = scene;
  const at = isClockSetBack ? now : Math.max(now, scene.clock, record.last);
  const count = record.requests.length;
  const changes = record.paint(count, at, at + 30 * DAY).effective.filter((bar, index, bars) => bars[index - 1]?.presence !== bar.presence);
  const times = changes.map(({ from }) => from);
  const found = isForwards ? times.find((time) => time > now) : times.findLast((time) => time < now);
  if (found !== undefined) {
    move(found);
  }
}

function play() {
  if (playing !== 0) {
    stop();
    return;
  }
  let last = performance.now();
  const frame = (time) => {
    const passed = Math.min(time - last, 250) * Number($("#speed").value);
    last = time;
    scene.moveTo(Math.round(scene.now + passed));
    timeline.follow(scene.now, 0.12);
    render();
    playing = requestAnimationFrame(frame);
  };
  playing = requestAnimationFrame(frame);
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
  $("#play").replaceChildren(element("span", { "aria-hidden": "true" }, playing === 0 ? "▶" : "❚❚"), playing === 0 ? " Play" : " Pause");
}

// The state in the address

let saving = 0;
let isPushed = false;

/** Writes the state into the address soon: as a new entry of the browser's history, or in place of the last one. */
function saveState(how) {
  isPushed ||= how === "push";
  clearTimeout(saving);
  saving = setTimeout(writeState, 150);
}

async function writeState() {
  clearTimeout(saving);
  const method = isPushed ? "pushState" : "replaceState";
  isPushed = false;
  const state = await encoded(scene);
  if (location.hash !== `#${state}`) {
    history[method](null, "", `#${state}`);
  }
}

/** Restores the state of the address. Returns whether there was one. */
async function restoreState() {
  const text = location.hash.slice(1);
  if (text === "") {
    return false;
  }
  try {
    scene = await decoded(text, [...QUESTIONS, ...worked]);
  } catch {
    $("#shared").textContent = "The state in the address could not be read.";
    return false;
  }
  users = new Map();
  show();
  return true;
}

async function share() {
  await writeState();
  try {
    await navigator.clipboard.writeText(location.href);
    $("#shared").textContent = "Copied.";
  } catch {
    $("#shared").textContent = "Copy it from the address bar.";
  }
}

// Snapshots and logs

function restoreSnapshot() {
  try {
    const record = new Record(scene.now, $("#stored").value);
    scene = new Scene(record, scene.now);
    $("#restored").textContent = "Restored.";
  } catch (error) {
    if (!(error instanceof PresenceError)) {
      throw error;
    }
    $("#restored").textContent = error.message;
    return;
  }
  show();
  saveState("push");
}

/** Reads the log of a replay, and shows its first user. */
async function openLog(file) {
  const log = readLog(await file.text());
  const names = [...log.users.keys()].sort();
  const unread = log.rejected === 0 ? "" : ` ${log.rejected} ${log.rejected === 1 ? "line" : "lines"} could not be read.`;
  $("#loaded").textContent = names.length === 0 ? "No requests were found in it." : `${names.length} users.${unread}`;
  if (names.length === 0) {
    return;
  }
  users = log.users;
  $("#users").replaceChildren(...names.map((name) => element("option", { value: name }, name)));
  showUser(names[0], log.last);
}

function showUser(name, now = scene.now) {
  scene = new Scene(users.get(name), Math.max(now, users.get(name).last));
  scene.user = name;
  scene.now = now;
  show();
  // The same span of time for each user.
  timeline.show(Math.min(...[...users.values()].map(({ start }) => start)), scene.clock);
  render();
  saveState("push");
}

// The start

function listen() {
  $("#play").addEventListener("click", play);
  $("#next").addEventListener("click", () => jump(true));
  $("#previous").addEventListener("click", () => jump(false));
  $("#closer").addEventListener("click", () => (timeline.zoom(0.5, scene.now), render()));
  $("#farther").addEventListener("click", () => (timeline.zoom(2, scene.now), render()));
  $("#fit").addEventListener("click", () => (fit(), render()));
  $("#back").addEventListener("change", ({ target }) => {
    scene.isClockSetBack = target.value === "step";
    if (scene.isClockSetBack) {
      scene.clock = scene.now;
    }
    render();
    saveState("replace");
  });
  $("#vectors").addEventListener("change", ({ target }) => {
    const preset = worked.find(({ id }) => id === target.value);
    if (preset !== undefined) {
      open(preset);
    }
  });
  $("#users").addEventListener("change", ({ target }) => showUser(target.value));
  $("#action").addEventListener("change", fillForm);
  for (const field of ["#session", "#pair", "#expiration"]) {
    $(field).addEventListener("input", fillBody);
  }
  $("#form").addEventListener("submit", (event) => {
    event.preventDefault();
    send($("#action").value, $("#body").value);
  });
  $("#snapshot").addEventListener("toggle", render);
  $("#restore").addEventListener("click", restoreSnapshot);
  $("#share").addEventListener("click", share);
  $("#file").addEventListener("change", ({ target }) => target.files[0] && openLog(target.files[0]));
  const drop = (event) => {
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
  addEventListener("resize", render);
}

async function start() {
  const [table] = await Promise.all([fetch("vectors.txt").then((response) => response.text()), init()]);
  worked = vectors(table);
  $("#questions").append(
    ...QUESTIONS.map((preset) => {
      const button = element("button", { "data-id": preset.id }, preset.title);
      button.addEventListener("click", () => open(preset));
      return button;
    }),
  );
  $("#vectors").append(...worked.map(({ id, title }) => element("option", { value: id }, title)));
  timeline = new Timeline(move);
  listen();
  if (!(await restoreState())) {
    open(QUESTIONS[0], "replace");
  }
  document.documentElement.dataset.ready = "";
}

await start();
