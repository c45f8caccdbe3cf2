// The lanes: draws a picture, and lets the clock be moved.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS = [1, 5, 15, 30].map((seconds) => seconds * SECOND).concat([MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR]);
const TICKS = [1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE).concat([1, 2, 4, 6, 12].map((hours) => hours * HOUR), DAY);
const MIN_SPAN = 5 * MINUTE;
const MAX_SPAN = 60 * DAY;

/** Writes a timestamp as a clock face, with its day if that is not the day of `now`. */
export function clockFace(at, now = at) {
  const iso = new Date(at).toISOString();
  const face = iso.slice(11, at % MINUTE === 0 ? 16 : at % SECOND === 0 ? 19 : 23);
  if (Math.floor(at / DAY) === Math.floor(now / DAY)) {
    return face;
  }
  const day = new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  return `${day}, ${face}`;
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

/** Makes the sign of a presence. */
export function sign(presence) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", presence);
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#sign-${presence}`);
  svg.append(use);
  return svg;
}

export class Timeline {
  from = 0;
  to = HOUR;
  #rows = document.querySelector("#rows");
  #handle = document.querySelector("#handle");
  #hand = document.querySelector("#hand");
  #onMove;
  #now = 0;

  /** `onMove(now)` is called when the user moves the clock. */
  constructor(onMove) {
    this.#onMove = onMove;
    this.#handle.addEventListener("input", () => onMove(this.#handle.valueAsNumber));
    this.#handle.addEventListener("keydown", (event) => this.#press(event));
    this.#rows.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".track") && !event.target.closest(".mark")) {
        this.#drag(event);
      }
    });
    this.#hand.addEventListener("pointerdown", (event) => this.#drag(event));
  }

  get span() {
    return this.to - this.from;
  }

  /** Shows a span of time, with a margin. */
  show(from, to) {
    const span = Math.min(Math.max((to - from) * 1.12, MIN_SPAN), MAX_SPAN);
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

  /** Draws `{ now, picture, lanes, requests, count }`. */
  draw({ now, presence, picture, lanes, requests, count }) {
    this.#drawHand(now, presence);
    const axis = this.#row("axis", "axis", "UTC");
    axis.replaceChildren(...this.#ticks());
    axis.setAttribute("aria-hidden", "true");
    this.#drawBars(this.#row("effective", "effective", "Others see"), "Others see", picture.effective, now);
    this.#setLabel("effective", { text: "the effective presence" });
    for (const { key, name, bars, text, tools } of lanes) {
      this.#drawBars(this.#row(key, "lane", name), name, bars, now);
      this.#setLabel(key, { text, tools });
    }
    const marks = this.#row("marks", "marks", "requests");
    marks.replaceChildren(...this.#marks(requests, count));
    marks.setAttribute("aria-label", `requests: ${requests.length}`);
    this.#arrange(["axis", "effective", ...lanes.map(({ key }) => key), "marks"]);
  }

  #drawHand(now, presence) {
    this.#now = now;
    const step = STEPS.findLast((step) => step <= this.span / 60) ?? SECOND;
    Object.assign(this.#handle, { min: this.from, max: this.to, step, value: now });
    this.#handle.setAttribute("aria-valuetext", `${clockFace(now)} UTC, ${presence}`);
    const part = (now - this.from) / this.span;
    this.#hand.hidden = part < 0 || part > 1;
    this.#hand.style.left = `${part * 100}%`;
    const face = this.#hand.firstElementChild;
    face.textContent = clockFace(now, this.from);
    // Near an edge the face stays inside.
    face.style.translate = part < 0.06 ? "calc(50% - 12px)" : part > 0.94 ? "calc(12px - 50%)" : "";
  }

  #press(event) {
    const step = Number(this.#handle.step);
    const now = this.#now;
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
      this.#onMove(now + (event.shiftKey ? Math.sign(move) * SECOND : move));
    }
  }

  #drag(event) {
    if (event.button !== 0) {
      return;
    }
    event.preventDefault();
    const { left, width } = document.querySelector("#clock").getBoundingClientRect();
    const timeAt = (x) => {
      const part = Math.min(Math.max((x - left) / width, 0), 1);
      return Math.round((this.from + part * this.span) / SECOND) * SECOND;
    };
    const move = ({ clientX }) => this.#onMove(timeAt(clientX), true);
    const stop = ({ clientX }) => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", stop);
      removeEventListener("pointercancel", stop);
      this.#onMove(timeAt(clientX));
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", stop);
    addEventListener("pointercancel", stop);
    this.#handle.focus({ preventScroll: true, focusVisible: false });
    move(event);
  }

  /** Returns the track of a row, which is made if it is not there. */
  #row(key, kind, name) {
    const found = [...this.#rows.children].find((row) => row.dataset.key === key);
    if (found !== undefined) {
      return found.lastElementChild;
    }
    const label = element("div", { class: "label" }, element("b", { title: name }, name), element("small"));
    const track = element("div", { class: "track", role: "img" });
    this.#rows.append(element("div", { class: `row ${kind}`, "data-key": key }, label, track));
    return track;
  }

  /** Keeps these rows, in this order. A row that is in its place is not touched, so it keeps the focus. */
  #arrange(keys) {
    const rows = new Map([...this.#rows.children].map((row) => [row.dataset.key, row]));
    for (const [key, row] of rows) {
      if (!keys.includes(key)) {
        row.remove();
      }
    }
    for (const [index, key] of keys.entries()) {
      if (this.#rows.children[index] !== rows.get(key)) {
        this.#rows.insertBefore(rows.get(key), this.#rows.children[index]);
      }
    }
  }

  #setLabel(key, { text, tools }) {
    const label = [...this.#rows.children].find((row) => row.dataset.key === key).firstElementChild;
    const small = label.querySelector("small");
    if (small.textContent !== text) {
      small.textContent = text;
    }
    const old = label.querySelector(".tools");
    if (tools === undefined) {
      old?.remove();
    } else if (old === null) {
      label.append(tools);
    } else if (old !== tools) {
      old.replaceWith(tools);
    }
  }

  #drawBars(track, name, bars, now) {
    const width = track.clientWidth;
    const seen = bars.filter(({ from, to }) => to > this.from && from < this.to);
    track.replaceChildren(
      ...seen.map((bar) => {
        const start = Math.max((bar.from - this.from) / this.span, 0);
        const end = Math.min((bar.to - this.from) / this.span, 1);
        const pixels = (end - start) * width;
        const classes = ["bar", bar.presence];
        classes.push(bar.isForecast ? "ahead" : "past", bar.isWaiting ? "waiting" : "shown");
        classes.push(bar.isEnd ? "ends" : "goes-on");
        classes.push(pixels < 16 ? "narrow tiny" : pixels < bar.presence.length * 8 + 40 ? "narrow" : "wide");
        const title = `${bar.presence}, ${clockFace(bar.from, now)} to ${clockFace(bar.to, now)}`;
        const made = element("div", { class: classes.join(" "), title }, sign(bar.presence), element("span", {}, bar.presence));
        made.style.left = `${start * 100}%`;
        made.style.width = `${(end - start) * 100}%`;
        return made;
      }),
    );
    const spoken = seen.map(
      ({ from, presence, isWaiting }) => `${presence} from ${clockFace(from, now)}${isWaiting ? ", waiting" : ""}`,
    );
    track.setAttribute("aria-label", `${name}: ${spoken.join("; ") || "nothing"}`);
  }

  #ticks() {
    const fitting = Math.max(this.#rows.querySelector(".axis .track").clientWidth / 84, 3);
    const step = TICKS.find((step) => this.span / step <= fitting) ?? 7 * DAY;
    const ticks = [];
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      const part = (at - this.from) / this.span;
      if (part > 0.02 && part < 0.98) {
        const isDay = at % DAY === 0;
        const tick = element("span", { class: "tick" }, isDay ? clockFace(at, at + DAY).split(",")[0] : clockFace(at));
        tick.style.left = `${part * 100}%`;
        ticks.push(tick);
      }
    }
    return ticks;
  }

  #marks(requests, count) {
    const marks = [];
    for (const [index, { at, action, status }] of requests.entries()) {
      if (at >= this.from && at <= this.to) {
        const classes = `mark ${index < count ? "past" : "ahead"} ${status === 200 ? "accepted" : "rejected"}`;
        const mark = element("span", { class: classes, title: `${clockFace(at)} ${action}: ${status}` });
        mark.style.left = `${((at - this.from) / this.span) * 100}%`;
        marks.push(mark);
      }
    }
    return marks;
  }
}
