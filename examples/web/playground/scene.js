// What the page shows: a record, a clock, and the time at which it is looked at.

import { refreshAt } from "./record.js";

export class Scene {
  user = "ana";
  preset = null;
  /** How far the clock has come. */
  clock;
  /** What is looked at: the past, or the time of the clock, or later if that is where it is moved. */
  now;
  /** Whether moving back sets the clock back. */
  isClockSetBack = false;
  /** The sessions that are refreshed automatically. */
  refreshed = new Set();

  constructor(record, now) {
    this.record = record;
    this.clock = this.now = now;
  }

  /** How many requests have come. */
  get count() {
    const { record, now } = this;
    return this.isClockSetBack ? record.requests.length : record.countAt(now);
  }

  get model() {
    return this.record.model(this.count);
  }

  get isPast() {
    return this.now < Math.max(this.clock, this.record.last);
  }

  /** Moves the clock, or looks at the past. */
  moveTo(now) {
    if (now > this.clock) {
      this.#refreshUntil(now);
    }
    if (this.isClockSetBack || now > this.clock) {
      this.clock = now;
    }
    this.now = now;
  }

  /** Sends a request. If the past is looked at, what came later is forgotten. */
  send(action, body) {
    if (!this.isClockSetBack && this.isPast) {
      this.record.truncate(this.count);
    }
    this.clock = this.now;
    const request = this.record.send(action, body, this.now);
    if (action === "clearPresence" && request.status === 200) {
      this.refreshed.delete(JSON.parse(body).sessionId);
    }
    // What a worked example says holds no more.
    this.preset = this.preset?.checks === undefined ? this.preset : null;
    return request;
  }

  #refreshUntil(now) {
    for (let sent = 0; sent < 5000; sent++) {
      const due = [...this.refreshed].map((id) => this.#nextRefresh(id)).sort((one, other) => one.at - other.at);
      if (due.length === 0 || due[0].at > now) {
        return;
      }
      this.clock = Math.max(due[0].at, this.clock);
      this.record.send("setPresence", due[0].body, this.clock);
    }
  }

  #nextRefresh(id) {
    const body = this.record.lastBody(id);
    const session = this.record.model(this.record.requests.length).sessions(this.clock).find((session) => session.id === id);
    return { body, at: session === undefined ? this.clock : refreshAt(body, session.since) };
  }
}
