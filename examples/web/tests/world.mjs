// A computer with two clocks, timers, a page and tabs, and a server that answers by the true time.

import { PresenceModel } from "presence-core";

const { setImmediate } = globalThis;

/** Lets every promise that can go on do so. */
const settle = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

export class World {
  /** The true time, and how far the clock of the computer is from it. */
  now = Date.parse("2026-11-20T09:00:00Z");
  wallError = 0;
  /** The monotonic clock, which may stand still while the computer sleeps. */
  monotonic = 5000;
  /** In the background, timers run once in this many milliseconds. */
  throttle = 1;
  #timers = new Map();
  #ids = 0;
  #listeners = new Map();

  /** Puts this world in place of the real one, and returns a function that puts that back. */
  install() {
    const { setTimeout, clearTimeout, setInterval, clearInterval, performance } = globalThis;
    const dateNow = Date.now;
    const now = performance.now;
    const set = (run, milliseconds = 0, every) => {
      this.#timers.set(++this.#ids, { at: this.monotonic + Math.max(milliseconds, 1), run, every });
      return this.#ids;
    };
    const clear = (id) => this.#timers.delete(id);
    Object.assign(globalThis, {
      setTimeout: set,
      clearTimeout: clear,
      setInterval: (run, milliseconds) => set(run, milliseconds, milliseconds),
      clearInterval: clear,
      addEventListener: (type, listener) => this.#listen(type, listener),
      removeEventListener: (type, listener) => this.#listeners.get(type)?.delete(listener),
    });
    globalThis.document = { visibilityState: "visible", addEventListener, removeEventListener };
    Date.now = () => Math.floor(this.now + this.wallError);
    performance.now = () => this.monotonic;
    return () => {
      Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
      delete globalThis.addEventListener;
      delete globalThis.removeEventListener;
      delete globalThis.document;
      Date.now = dateNow;
      performance.now = now;
    };
  }

  #listen(type, listener) {
    if (!this.#listeners.has(type)) {
      this.#listeners.set(type, new Set());
    }
    this.#listeners.get(type).add(listener);
  }

  async dispatch(type, fields = {}) {
    for (const listener of [...(this.#listeners.get(type) ?? [])]) {
      listener({ type, ...fields });
    }
    await settle();
  }

  /** Lets time pass while the computer is awake. */
  async pass(milliseconds) {
    await settle();
    const end = this.monotonic + milliseconds;
    for (;;) {
      const due = [...this.#timers].map(([id, timer]) => ({ id, ...timer, at: this.#throttled(timer.at) }));
      const [next] = due.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at || one.id - other.id);
      if (next === undefined) {
        break;
      }
      this.#move(Math.max(next.at - this.monotonic, 0));
      const { every, run } = this.#timers.get(next.id);
      this.#timers.delete(next.id);
      if (every !== undefined) {
        this.#timers.set(next.id, { at: this.monotonic + every, run, every });
      }
      run();
      await settle();
    }
    this.#move(end - this.monotonic);
  }

  #throttled(at) {
    return Math.ceil(at / this.throttle) * this.throttle;
  }

  #move(milliseconds) {
    this.monotonic += milliseconds;
    this.now += milliseconds;
  }

  /** Sleeps: no timer runs. On some systems the monotonic clock does. */
  sleep(milliseconds, isMonotonicRunning = false) {
    this.now += milliseconds;
    this.monotonic += isMonotonicRunning ? milliseconds : 0;
  }
}

/** A server with one user. Its clock is right. */
export class Server {
  model = new PresenceModel();
  /** `{ at, action, body, keepalive }`. */
  requests = [];
  /** How many requests have no answer, and the most there were. */
  open = 0;
  mostOpen = 0;
  /** What it does with a request: a function that returns an answer, or `undefined` for that of the model. */
  fault = () => undefined;

  constructor(world) {
    this.world = world;
  }

  get presence() {
    return this.model.presence(this.world.now);
  }

  send = async (request, signal) => {
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    try {
      return await Promise.race([this.#answer(request), new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))]);
    } finally {
      this.open -= 1;
    }
  };

  async #answer({ action, body, keepalive = false }) {
    this.requests.push({ at: this.world.now, action, body, keepalive });
    const fault = this.fault({ action, body });
    if (fault !== undefined) {
      return fault;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    try {
      this.model.apply(action, body, this.world.now);
      return { status: 200 };
    } catch ({ status }) {
      return { status };
    }
  }

  count(action) {
    return this.requests.filter((request) => request.action === action).length;
  }
}

/** The locks of a browser, for tabs that are several models of a page in one world. */
export class Locks {
  #held = new Map();
  #pending = [];

  request(name, { signal, steal = false }, run) {
    return new Promise((resolve, reject) => {
      const lock = { name, run, resolve, reject };
      if (steal) {
        this.#held.get(name)?.reject(new DOMException("stolen", "AbortError"));
        this.#hold(lock);
        return;
      }
      this.#pending.push(lock);
      signal?.addEventListener("abort", () => {
        this.#pending = this.#pending.filter((other) => other !== lock);
        reject(signal.reason);
      });
      this.#next(name);
    });
  }

  async query() {
    return { pending: this.#pending.map(({ name }) => ({ name })) };
  }

  #next(name) {
    const lock = this.#pending.find((lock) => lock.name === name);
    if (lock !== undefined && !this.#held.has(name)) {
      this.#pending = this.#pending.filter((other) => other !== lock);
      this.#hold(lock);
    }
  }

  async #hold(lock) {
    this.#held.set(lock.name, lock);
    await null;
    lock.resolve(await lock.run({ name: lock.name }));
    if (this.#held.get(lock.name) === lock) {
      this.#held.delete(lock.name);
      this.#next(lock.name);
    }
  }
}
