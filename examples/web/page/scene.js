// What the page shows: a record, a clock, and the time at which it is looked at.

import { MAX_REQUESTS, MAX_TIME, MIN_TIME } from "./record.js";

/** How many requests are sent in one go while the clock goes forwards. */
const MAX_SENT = 500;

export class Scene {
  user = "ana";
  preset = null;
  /** The steps of the preset that were done. */
  done = new Set();
  /** How far the clock has come. */
  clock;
  /** What is looked at: the past, or the time of the clock, or later if that is where it is moved. */
  now;
  /** Whether the computer's clock is wrong: moving back sets it back, and does not look at the past. */
  isClockSetBack = false;
  /** The sessions that are refreshed automatically. */
  refreshed = new Set();
  /** Where the last move ended, if the clock is wrong. */
  #settled;
  /** How many requests are kept. */
  #most;

  constructor(record, now) {
    this.record = record;
    this.clock = this.now = this.#settled = now;
    this.#most = record.requests.length + MAX_REQUESTS;
  }

  /** How many requests have come. */
  get count() {
    const { record, now } = this;
    return this.isClockSetBack ? record.requests.length : record.countAt(now);
  }

  get model() {
    return this.record.model(this.count);
  }

  get picture() {
    return this.record.paint(this.count, this.now);
  }

  get isPast() {
    return this.now < Math.max(this.clock, this.record.last);
  }

  /** No more requests are kept. */
  get isFull() {
    return this.record.requests.length >= this.#most;
  }

  /** Moves the clock, or looks at the past. Returns whether it has come as far, or has to be moved again. */
  moveTo(time) {
    const first = this.isClockSetBack ? MIN_TIME : this.record.first;
    const now = Math.min(Math.max(time, first), MAX_TIME);
    const isThere = now <= this.clock || this.#refreshUntil(now);
    this.now = isThere ? now : this.clock;
    if (this.isClockSetBack || this.now > this.clock) {
      this.clock = this.now;
    }
    return isThere;
  }

  /** Ends a move. If it has set the clock back, what had ended is gone, and what would start in the future starts now. */
  settle() {
    if (this.isClockSetBack) {
      if (this.now < this.#settled) {
        this.record.pass(this.#settled);
      }
      this.record.notice(this.now);
      this.#settled = this.now;
    }
  }

  /** Says that the computer's clock is wrong: it shows what is looked at. Or that it is right again. */
  setWrong(isWrong) {
    this.isClockSetBack = isWrong;
    if (isWrong) {
      this.#settled = this.clock;
      this.clock = this.now;
      this.settle();
    }
  }

  /** Sends a request. If the past is looked at, what came later is forgotten. */
  send(action, body) {
    if (!this.isClockSetBack && this.isPast) {
      this.record.truncate(this.count, this.now);
      this.refreshed = new Set([...this.refreshed].filter((id) => this.record.lastBody(id) !== undefined));
    }
    this.clock = this.now;
    const request = this.record.send(action, body, this.now);
    if (action === "clearPresence" && request.status === 200) {
      this.refreshed.delete(request.sessionId);
    }
    // What a worked example says holds no more.
    this.preset = this.preset?.checks === undefined ? this.preset : null;
    return request;
  }

  #refreshUntil(now) {
    for (let sent = 0; this.refreshed.size > 0; sent++) {
      if (this.isFull) {
        this.refreshed.clear();
        break;
      }
      const due = [...this.refreshed].map((id) => ({ id, at: this.record.refreshAt(id, this.clock) }));
      const { id, at } = due.reduce((first, other) => (other.at < first.at ? other : first));
      if (at > now) {
        return true;
      }
      if (sent === MAX_SENT) {
        return false;
      }
      this.clock = Math.max(at, this.clock);
      if (this.record.send("setPresence", this.record.lastBody(id), this.clock).status !== 200) {
        this.refreshed.delete(id);
      }
    }
    return true;
  }
}
