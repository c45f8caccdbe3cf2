// The lanes of a picture, and a hand that moves the clock.

import { firstAfter, runs } from "./picture.js";
import { clockFace, dayOf, element, inWords, sign, write } from "./words.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS = [1, 5, 15, 30].map((seconds) => seconds * SECOND).concat([MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY]);
const TICKS = [1, 2, 5, 10, 15, 30]
  .map((minutes) => minutes * MINUTE)
  .concat([1, 2, 4, 6, 12].map((hours) => hours * HOUR))
  .concat([1, 2, 7, 14, 30, 91, 365, 3650, 36500].map((days) => days * DAY));
const MIN_SPAN = 5 * MINUTE;
const MAX_SPAN = 400 * 365 * DAY;
/** More bars than this are not made: what is narrower than two, four or more pixels is merged then. */
const MAX_BARS = 2000;
/** Requests within so many pixels have one dot. */
const MARK = 10;
/** How long the hand is at rest before the lanes say what they show, in milliseconds. */
const QUIET = 150;
/** How many bars of a lane are read out. */
const MAX_SPOKEN = 12;
/** A finger that has moved so far drags, and does not scroll. */
const DRAGGED = 8;

export class Timeline {
  from = 0;
  to = HOUR;
  #width = 0;
  #now = 0;
  #onMove;
  #requestsName;
  #cancel = () => {};
  #axis = element("div", { class: "ticks", "aria-hidden": "true" });
  #rows = element("div", { class: "rows" });
  #ahead = element("div", { class: "ahead" });
  #handle = element("input", { type: "range" });
  #face = element("output");
  #hand = element("div", { class: "hand", "aria-hidden": "true" }, this.#face);
  #area = element("div", { class: "area" }, this.#handle, this.#hand);
  /** The rows by their keys. */
  #made = new Map();
  /** What was shown when the lanes were drawn. */
  #drawn = "";
  /** The rows whose words are still those from before. */
  #unspoken = new Set();
  #speaking = 0;

  /** `onMove(now, isDragging)` is called when the user moves the clock, and `onResize()` when the lanes are to be drawn again. */
  constructor(root, { name, requestsName, onMove, onResize }) {
    this.#requestsName = requestsName;
    this.#onMove = onMove;
    this.#handle.setAttribute("aria-label", name);
    this.#rows.append(element("div", { class: "ahead-area", "aria-hidden": "true" }, this.#ahead));
    root.replaceChildren(this.#axis, this.#rows, this.#area);
    this.#handle.addEventListener("input", () => onMove(this.#handle.valueAsNumber, false));
    this.#handle.addEventListener("keydown", (event) => this.#press(event));
    this.#rows.addEventListener("pointerdown", (event) => event.target.closest(".track") && this.#drag(event));
    this.#rows.addEventListener("pointerover", (event) => this.#name(event.target.closest(".bar")));
    this.#hand.addEventListener("pointerdown", (event) => this.#drag(event));
    this.#width = this.#area.clientWidth;
    new ResizeObserver(() => {
      if (this.#width !== this.#area.clientWidth) {
        this.#width = this.#area.clientWidth;
        this.cancel();
        onResize();
      }
    }).observe(this.#area);
  }

  /** Ends a drag, as if it had never begun. */
  cancel() {
    this.#cancel();
  }

  focus() {
    this.#handle.focus({ preventScroll: true, focusVisible: false });
  }

  get span() {
    return this.to - this.from;
  }

  /** Returns the bars that are seen in the span of time. */
  seen(bars) {
    const first = firstAfter(bars, this.from);
    let end = first;
    while (bars[end]?.from < this.to) {
      end += 1;
    }
    return bars.slice(first, end);
  }

  /** Shows a span of time, with a margin. */
  show(from, to) {
    const span = Math.min(Math.max((to - from) * 1.1, MIN_SPAN), MAX_SPAN);
    this.from = Math.floor(from - span * 0.04);
    this.to = this.from + span;
  }

  zoom(factor, now) {
    const span = Math.min(Math.max(this.span * factor, MIN_SPAN), MAX_SPAN);
    const part = Math.min(Math.max((now - this.from) / this.span, 0.1), 0.9);
    this.from = Math.floor(now - span * part);
    this.to = this.from + span;
  }

  /** Moves the span of time so that `now` is inside, with a part of it ahead. */
  follow(now, ahead = 0.02) {
    const span = this.span;
    if (now < this.from + span * 0.02) {
      this.from = Math.floor(now - span * 0.1);
    } else if (now > this.to - span * ahead) {
      this.from = Math.ceil(now - span * 0.88);
    }
    this.to = this.from + span;
  }

  /**
   * Draws lanes `{ key, name, title, kind, bars, text, tools }`, and requests if there are any. Only what has changed is
   * touched: a row whose `bars` are the same array is not drawn again.
   */
  draw({ now, presence, lanes, requests, version }) {
    this.#drawHand(now, presence);
    this.#arrange(lanes, requests !== undefined);
    for (const { key, text, tools } of lanes) {
      this.#label(this.#made.get(key), text, tools);
    }
    const span = this.#shown();
    const isMoved = this.#drawn !== span;
    this.#drawn = span;
    if (isMoved) {
      this.#axis.replaceChildren(...this.#ticks());
    }
    if (isMoved || lanes.some(({ key, bars }) => this.#made.get(key).bars !== bars)) {
      this.#drawLanes(lanes);
    }
    if (requests !== undefined) {
      this.#drawRequests(requests, `${span} ${version}`);
    }
    if (this.#unspoken.size > 0) {
      clearTimeout(this.#speaking);
      this.#speaking = setTimeout(() => this.#speak(), QUIET);
    }
  }

  /** Says in words what the lanes show, when the hand is at rest. */
  #speak() {
    for (const { track, name, runs } of this.#unspoken) {
      track.setAttribute("aria-label", `${name}: ${spoken(runs, this.from)}`);
    }
    this.#unspoken.clear();
  }

  /** Names the bar that is pointed at. */
  #name(bar) {
    for (const { track, runs } of this.#made.values()) {
      if (track === bar?.parentElement) {
        bar.title = named(runs[[...track.children].indexOf(bar)], this.from);
      }
    }
  }

  /** What is the same as long as bars stay where they are. */
  #shown() {
    return `${this.from} ${this.to} ${this.#width}`;
  }

  #drawHand(now, presence) {
    this.#now = now;
    if (this.#drawn !== this.#shown()) {
      const step = STEPS.findLast((step) => step <= this.span / 60) ?? SECOND;
      Object.assign(this.#handle, { min: this.from, max: this.to, step });
    }
    this.#handle.value = now;
    this.#handle.setAttribute("aria-valuetext", `${clockFace(now, this.from)} UTC, ${inWords(presence)}`);
    const part = (now - this.from) / this.span;
    const place = `${Math.min(Math.max(part, 0), 1) * 100}%`;
    this.#hand.hidden = part < 0 || part > 1;
    // Both are as wide as the lanes, and are moved without drawing the lanes again.
    this.#hand.style.transform = this.#ahead.style.transform = `translateX(${place})`;
    write(this.#face, clockFace(now, this.from));
    // Near an edge the face stays inside.
    this.#face.style.translate = part < 0.06 ? "calc(50% - 0.75rem)" : part > 0.94 ? "calc(0.75rem - 50%)" : "";
  }

  #press(event) {
    const step = Number(this.#handle.step);
    const moves = {
      ArrowLeft: -step,
      ArrowDown: -step,
      ArrowRight: step,
      ArrowUp: step,
      PageDown: -step * 10,
      PageUp: step * 10,
    };
    const move = moves[event.key];
    if (move !== undefined && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.#onMove(this.#now + (event.shiftKey ? Math.sign(move) * SECOND : move), false);
    }
  }

  /** Follows a pointer. A finger on a lane may want to scroll: then the browser cancels, and nothing was moved. */
  #drag(event) {
    if (event.button !== 0) {
      return;
    }
    const before = this.#now;
    const { left, width } = this.#area.getBoundingClientRect();
    const [from, span] = [this.from, this.span];
    const timeAt = (x) => {
      const part = Math.min(Math.max((x - left) / width, 0), 1);
      return Math.round((from + part * span) / SECOND) * SECOND;
    };
    let isDragging = event.pointerType !== "touch" || this.#hand.contains(event.target);
    const end = (time) => {
      for (const [type, listener] of Object.entries(listeners)) {
        removeEventListener(type, listener);
      }
      this.#cancel = () => {};
      if (isDragging) {
        this.#onMove(time, false);
      }
    };
    const follow = ({ type, pointerId, pointerType, clientX, buttons }) => {
      if (pointerId !== event.pointerId) {
        return;
      }
      isDragging ||= Math.abs(clientX - event.clientX) > DRAGGED || type === "pointerup";
      // The end of a drag with the mouse can be lost.
      if (type === "pointermove" && (buttons !== 0 || pointerType !== "mouse")) {
        if (isDragging) {
          this.#onMove(timeAt(clientX), true);
        }
      } else {
        end(type === "pointercancel" ? before : timeAt(clientX));
      }
    };
    const listeners = { pointermove: follow, pointerup: follow, pointercancel: follow };
    this.cancel();
    this.#cancel = () => end(before);
    for (const [type, listener] of Object.entries(listeners)) {
      addEventListener(type, listener);
    }
    if (isDragging) {
      event.preventDefault();
      this.focus();
      this.#onMove(timeAt(event.clientX), true);
    }
    if (event.isTrusted) {
      // So the browser need not find out for each move where it is.
      event.target.setPointerCapture(event.pointerId);
    }
  }

  /** Keeps these rows, in this order. A row that is in its place is not touched, so it keeps the focus. */
  #arrange(lanes, hasRequests) {
    const wanted = [...lanes, ...(hasRequests ? [{ key: "requests", name: this.#requestsName, kind: "marks" }] : [])];
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, { root }] of this.#made) {
      if (!keys.has(key)) {
        root.remove();
        this.#made.delete(key);
      }
    }
    // Behind what covers the future.
    let place = this.#rows.firstElementChild.nextElementSibling;
    for (const { key, name, title = name, kind } of wanted) {
      if (!this.#made.has(key)) {
        this.#made.set(key, makeRow(key, name, title, kind));
      }
      const { root } = this.#made.get(key);
      if (place === root) {
        place = place.nextElementSibling;
      } else {
        this.#rows.insertBefore(root, place);
      }
    }
  }

  #label(row, text, tools) {
    write(row.text, text);
    if (row.tools !== tools) {
      row.tools?.remove();
      row.label.append(...(tools === undefined ? [] : [tools]));
      row.tools = tools;
    }
  }

  #drawLanes(lanes) {
    const width = Math.max(Math.round(this.#width), 1);
    let size = 1;
    let drawn;
    for (; ; size *= 2) {
      drawn = lanes.map(({ bars }) => runs(bars, this.from, this.to, Math.ceil(width / size)));
      if (size > 32 || drawn.reduce((sum, { length }) => sum + length, 0) <= MAX_BARS) {
        break;
      }
    }
    for (const [index, { key, name, bars }] of lanes.entries()) {
      const row = this.#made.get(key);
      row.bars = bars;
      const seen = drawn[index].map((run) => ({ ...run, x: run.x * size, width: run.width * size }));
      const shape = `${this.#drawn} ${seen.map(({ x, from, to, presence, isWaiting, isEnd }) => `${x} ${from} ${to} ${presence} ${isWaiting} ${isEnd}`)}`;
      if (row.shape !== shape) {
        Object.assign(row, { shape, name, runs: seen });
        fillTrack(row.track, seen, width);
        this.#unspoken.add(row);
      }
    }
  }

  #ticks() {
    const fitting = Math.max(this.#width / 88, 2);
    const step = TICKS.find((step) => this.span / step <= fitting) ?? TICKS.at(-1);
    const ticks = [];
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      const part = (at - this.from) / this.span;
      // At an edge there is no room for the words.
      if (part * this.#width > 24 && (1 - part) * this.#width > 24) {
        const isDay = at % DAY === 0;
        const tick = element("span", {}, isDay ? dayOf(at, this.span > 300 * DAY ? undefined : at) : clockFace(at));
        tick.style.left = `${part * 100}%`;
        ticks.push(tick);
      }
    }
    return ticks;
  }

  #drawRequests(requests, shape) {
    const row = this.#made.get("requests");
    if (row.bars === requests && row.shape === shape) {
      return;
    }
    Object.assign(row, { bars: requests, shape });
    const places = new Map();
    for (const request of requests) {
      if (request.at >= this.from && request.at <= this.to) {
        const place = Math.floor(((request.at - this.from) / this.span) * (this.#width / MARK));
        const found = places.get(place) ?? { first: request, count: 0, rejected: 0 };
        found.count += 1;
        found.rejected += request.status === 200 ? 0 : 1;
        places.set(place, found);
      }
    }
    row.track.replaceChildren(...[...places.values()].map((found) => this.#mark(found)));
    row.track.setAttribute("aria-label", `${this.#requestsName}: ${requests.length}`);
  }

  #mark({ first, count, rejected }) {
    const { at, action, status } = first;
    const one = `${clockFace(at)} ${action}: ${status}`;
    const title = count === 1 ? one : `${count} requests from ${clockFace(at)} on${rejected === 0 ? "" : `, ${rejected} rejected`}`;
    const mark = element("span", { class: `mark ${rejected === 0 ? "accepted" : "rejected"}`, title });
    mark.style.left = `${((at - this.from) / this.span) * 100}%`;
    return mark;
  }
}

function makeRow(key, name, title, kind) {
  const text = element("small");
  const label = element("div", { class: "label" }, element("b", { title }, name), text);
  const track = element("div", { class: "track", role: "img", "aria-label": name });
  const root = element("div", { class: `row ${kind}`, "data-key": key }, label, track);
  return { root, label, text, tools: undefined, track, bars: undefined, shape: undefined, runs: [] };
}

/** Puts bars in a track, one behind another. Bars that are there are used again. */
function fillTrack(track, runs, pixels) {
  while (track.childElementCount > runs.length) {
    track.lastElementChild.remove();
  }
  let end = 0;
  for (const [index, run] of runs.entries()) {
    const bar = track.children[index] ?? track.appendChild(element("div"));
    look(bar, run);
    bar.style.marginLeft = `${((run.x - end) / pixels) * 100}%`;
    bar.style.width = `${(run.width / pixels) * 100}%`;
    end = run.x + run.width;
  }
}

/** Makes a bar look like a run, with a sign and a name if there is room. */
function look(bar, { width, presence, isWaiting, isEnd }) {
  const name = inWords(presence);
  const room = width < 4 ? "line" : width < 18 ? "tiny" : width < name.length * 9 + 40 ? "narrow" : "wide";
  const look = `bar ${presence} ${room}${isWaiting ? " waiting" : ""}${isEnd ? " ends" : ""}`;
  if (bar.className !== look) {
    bar.className = look;
    bar.replaceChildren(...(room === "narrow" || room === "wide" ? [sign(presence)] : []), ...(room === "wide" ? [element("span", {}, name)] : []));
  }
}

function named({ presence, from, to, hidden }, now) {
  const end = to === Infinity ? "" : ` to ${clockFace(to, now)}`;
  return `${inWords(presence)}, ${clockFace(from, now)}${end}${hidden === 0 ? "" : `, and ${hidden} shorter`}`;
}

function spoken(runs, now) {
  const parts = runs
    .slice(0, MAX_SPOKEN)
    .map(({ from, to, presence, isWaiting, isEnd }) => `${inWords(presence)} from ${clockFace(from, now)}${isEnd ? ` to ${clockFace(to, now)}` : ""}${isWaiting ? ", waiting" : ""}`);
  const rest = runs.length - parts.length;
  return parts.length === 0 ? "nothing" : parts.join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}
