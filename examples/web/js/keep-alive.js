// Keeps a session alive. Intervals are measured with timers and `performance.now()`, which no change of the clock moves.

import { fieldsOf, shown, textOf } from "./checks.js";
import { refreshInterval, requestOf, sessionOf } from "./graph.js";

const SECOND = 1000;
/** How often the two clocks are compared. */
const LOOK_EVERY = 10 * SECOND;
/** How far they may drift apart meanwhile. */
const MAX_DRIFT = 2 * SECOND;
/** A timer that is this late was asleep: in the background, browsers call one once a minute. */
const ASLEEP = 150 * SECOND;
/** How long a request may take. */
const ANSWER_WITHIN = 20 * SECOND;
const FIRST_RETRY = SECOND;
const LAST_RETRY = 60 * SECOND;
/** The longest `Retry-After` that is obeyed. */
const MAX_RETRY_AFTER = 3600 * SECOND;

/** Statuses that a later request may not meet. */
const TRANSIENT = [401, 408, 425, 429];
/** Statuses that hold until something else changes: too many sessions, no right, no such user. */
const REJECTED = [403, 404];

export function onWake(listener) {
  checkFunction(listener, "listener");
  let [wall, monotonic] = [Date.now(), performance.now()];
  const look = (event) => {
    const last = [wall, monotonic];
    [wall, monotonic] = [Date.now(), performance.now()];
    const passed = monotonic - last[1];
    const hasSlept = Math.abs(wall - last[0] - passed) > MAX_DRIFT || passed > ASLEEP || event?.persisted === true;
    if (hasSlept || event !== undefined) {
      listener({ hasSlept });
    }
  };
  const lookIfVisible = (event) => {
    if (document.visibilityState === "visible") {
      look(event);
    }
  };
  const timer = setInterval(() => look(), LOOK_EVERY);
  globalThis.document?.addEventListener("visibilitychange", lookIfVisible);
  globalThis.addEventListener?.("pageshow", look);
  globalThis.addEventListener?.("online", look);
  return () => {
    clearInterval(timer);
    globalThis.document?.removeEventListener("visibilitychange", lookIfVisible);
    globalThis.removeEventListener?.("pageshow", look);
    globalThis.removeEventListener?.("online", look);
  };
}

export function keepAlive(options) {
  const { session, send, shared, onAnswer = () => {} } = fieldsOf(options, "keepAlive", ["session", "send", "shared", "onAnswer"]);
  checkFunction(send, "send");
  checkFunction(onAnswer, "onAnswer");
  if (shared !== undefined) {
    textOf(shared, "shared");
  }
  const kept = new KeptSession(session, send, onAnswer, shared);
  return { set: (changes) => kept.set(changes), stop: () => kept.stop() };
}

function checkFunction(value, name) {
  if (typeof value !== "function") {
    throw new TypeError(`invalid ${name} ${shown(value)}, expected a function`);
  }
}

class KeptSession {
  #session;
  #send;
  #onAnswer;
  #request;
  #interval;
  #tabs;
  #stopWaking;
  #timer;
  #failures = 0;
  /** When to send next, by the monotonic clock. Waiting for less time is allowed unless the server asked for it. */
  #dueAt = -Infinity;
  #notBefore = -Infinity;
  /** The request without an answer. */
  #pending;
  #isChanged = false;
  /** After `stop`, after a request that is wrong, and while the page is hidden for good. */
  #isStopped = false;
  #isHidden = false;

  constructor(session, send, onAnswer, shared) {
    this.#send = send;
    this.#onAnswer = onAnswer;
    this.#claim(session);
    this.#tabs = new Tabs(shared, () => this.#refresh());
    this.#stopWaking = onWake(({ hasSlept }) => this.#wake(hasSlept));
    globalThis.addEventListener?.("pagehide", this.#hide);
    this.#tabs.join();
  }

  set(changes) {
    const { claim, expiration = this.#session.expiration } = fieldsOf(changes, "change", ["claim", "expiration"]);
    this.#claim({ sessionId: this.#session.sessionId, claim, expiration });
    if (!this.#isStopped && !this.#isHidden) {
      this.#isChanged = this.#pending !== undefined;
      this.#tabs.join({ steal: true });
      this.#refresh();
    }
  }

  async stop() {
    if (!this.#end()) {
      return;
    }
    // The clear comes after the last refresh, or the server could apply them the other way round.
    await this.#pending?.done;
    if (this.#tabs.isLast) {
      await this.#clear();
    }
    this.#tabs.leave();
  }

  #claim(session) {
    const checked = sessionOf(session);
    const [request, interval] = [requestOf("setPresence", checked), refreshInterval(checked)];
    [this.#session, this.#request, this.#interval] = [checked, request, interval];
  }

  /** Ends the timers. Returns whether they had not ended. */
  #end() {
    const hadEnded = this.#isStopped;
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#stopWaking();
    globalThis.removeEventListener?.("pagehide", this.#hide);
    return !hadEnded;
  }

  #wake(hasSlept) {
    if (this.#isHidden) {
      this.#isHidden = false;
      this.#dueAt = -Infinity;
      this.#tabs.join();
      return;
    }
    this.#tabs.look();
    if (hasSlept) {
      // The session may have expired, and the connection of a request may be gone.
      this.#pending?.abort();
      this.#pending = undefined;
    }
    if (hasSlept || this.#failures > 0 || performance.now() >= this.#dueAt) {
      this.#refresh();
    }
  }

  #hide = () => {
    this.#isHidden = true;
    clearTimeout(this.#timer);
    this.#pending?.abort();
    this.#pending = undefined;
    if (this.#tabs.isLast) {
      this.#clear({ keepalive: true });
    }
    this.#tabs.leave();
  };

  /** Sends the session, unless a request has no answer yet. */
  async #refresh() {
    const now = performance.now();
    if (this.#isStopped || this.#isHidden || this.#pending !== undefined || !this.#tabs.isLeader) {
      return;
    }
    if (now < this.#notBefore) {
      this.#wait(this.#notBefore - now);
      return;
    }
    clearTimeout(this.#timer);
    this.#isChanged = false;
    const pending = this.#ask(this.#request);
    this.#pending = pending;
    const answer = await pending.done;
    if (this.#pending !== pending) {
      return;
    }
    this.#pending = undefined;
    const [wait, isRetry] = this.#waitAfter(answer, performance.now() - now);
    this.#failures = isRetry ? this.#failures + 1 : 0;
    if (wait === null) {
      this.#end();
      this.#tabs.leave();
    } else if (!this.#isStopped) {
      this.#notBefore = performance.now() + retryAfter(answer);
      this.#wait(wait);
    }
    if (this.#isChanged && !isRetry) {
      this.#refresh();
    }
    this.#report("setPresence", answer, this.#isStopped ? null : wait);
  }

  #wait(milliseconds) {
    clearTimeout(this.#timer);
    this.#dueAt = performance.now() + milliseconds;
    this.#timer = setTimeout(() => this.#refresh(), milliseconds);
  }

  /** Returns how long to wait after an answer, `null` for ever, and whether that is to try again. */
  #waitAfter({ status }, took) {
    if (status >= 200 && status < 300) {
      return [Math.max(this.#interval - took, 0), false];
    }
    if (REJECTED.includes(status)) {
      return [this.#interval, false];
    }
    if (status !== null && status < 500 && !TRANSIENT.includes(status)) {
      return [null, false];
    }
    const backoff = Math.min(FIRST_RETRY * 2 ** this.#failures, LAST_RETRY, this.#interval);
    return [backoff * (0.5 + Math.random() / 2), true];
  }

  async #clear(options) {
    const request = { ...requestOf("clearPresence", { sessionId: this.#session.sessionId }), ...options };
    // A session that is not found has ended already.
    this.#report("clearPresence", await this.#ask(request).done, null);
  }

  #report(action, { status, error }, retryIn) {
    this.#onAnswer({ action, status, error, retryIn });
  }

  /** Sends a request. `done` is its answer, with `null` as the status if there is none in time. */
  #ask(request) {
    const controller = new AbortController();
    const { signal } = controller;
    const late = setTimeout(() => controller.abort(new Error("no answer in time")), ANSWER_WITHIN);
    const aborted = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const sent = (async () => this.#send(request, signal))();
    const done = Promise.race([sent, aborted])
      .then(
        (response) =>
          Number.isInteger(response?.status)
            ? { status: response.status, headers: response.headers }
            : { status: null, error: new TypeError(`send returned ${shown(response)}, expected a response with a status`) },
        (error) => ({ status: null, error }),
      )
      .finally(() => clearTimeout(late));
    return { done, abort: () => controller.abort(new Error("no longer needed")) };
  }
}

/** Returns how long a server asks to wait, in milliseconds. */
function retryAfter({ headers }) {
  const value = headers?.get?.("retry-after") ?? "";
  // The clock here may be wrong, so a date is compared with the server's own.
  const asked = /^\d+$/.test(value) ? value * SECOND : Date.parse(value) - (Date.parse(headers?.get?.("date")) || Date.now());
  return Math.min(Math.max(asked || 0, 0), MAX_RETRY_AFTER);
}

/** The tabs that share a session. One of them holds a lock and sends: the leader. */
class Tabs {
  isLeader = false;
  #name;
  #onLead;
  #locks;
  #leave;
  #hasOthers = false;

  constructor(shared, onLead) {
    this.#name = `presence-core ${shared}`;
    this.#onLead = onLead;
    this.#locks = shared === undefined ? undefined : globalThis.navigator?.locks;
  }

  /** Whether the session ends with this tab. */
  get isLast() {
    return this.isLeader && !this.#hasOthers;
  }

  /** Waits for the lock, or takes it from another tab. */
  join(options = {}) {
    if (this.isLeader) {
      return;
    }
    if (this.#locks === undefined) {
      this.isLeader = true;
      this.#onLead();
      return;
    }
    this.leave();
    const controller = new AbortController();
    const left = new Promise((resolve) => {
      this.#leave = () => {
        controller.abort();
        resolve();
      };
    });
    const lead = () => {
      if (controller.signal.aborted) {
        return undefined;
      }
      this.isLeader = true;
      this.look();
      this.#onLead();
      return left;
    };
    // A lock cannot be stolen and waited for at once.
    const waiting = options.steal ? options : { signal: controller.signal };
    this.#locks.request(this.#name, waiting, lead).catch((error) => {
      if (controller.signal.aborted) {
        return;
      }
      this.isLeader = false;
      if (error.name !== "AbortError") {
        // This page may have no locks, as in a frame of another origin. It sends without them.
        this.#locks = undefined;
      }
      // Otherwise another tab has stolen it.
      this.join();
    });
  }

  leave() {
    this.isLeader = false;
    this.#leave?.();
    this.#leave = undefined;
  }

  /** Looks whether other tabs wait. When the page is hidden there is no time for it. */
  async look() {
    const { pending } = (await this.#locks?.query().catch(() => undefined)) ?? { pending: [] };
    this.#hasOthers = pending.some(({ name }) => name === this.#name);
  }
}
