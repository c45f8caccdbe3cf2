import type { Expiration, GraphRequest, SessionPresence, SetSession } from "./index.js";

/** The part of a `Response` that is read. */
export interface Answer {
  readonly status: number;
  readonly headers?: { get(name: string): string | null };
}

/** An `AbortSignal`, if the environment has them. */
export type Signal = typeof globalThis extends { AbortSignal: { prototype: infer S } } ? S : unknown;

/** A request was answered, or was not. */
export interface Report {
  action: "setPresence" | "clearPresence";
  /** The HTTP status, `null` if there was no answer. */
  status: number | null;
  /** Why there was no answer. */
  error?: unknown;
  /** After how many milliseconds the session is sent again, `null` for never. */
  retryIn: number | null;
}

export interface KeepAliveOptions {
  /** The session to keep. A wrong one throws, as in {@link PresenceModel.setSession}. */
  session: SetSession;
  /**
   * Sends a request, such as `(request, signal) => fetch(`${address}/${request.action}`, { ...request, signal })`.
   * A rejected promise counts as no answer. The signal aborts after 20 seconds, or if the answer is needed no more.
   */
  send(request: GraphRequest & { keepalive?: boolean }, signal: Signal): Promise<Answer>;
  /**
   * The name under which the tabs of this origin share the session, such as the user id and the session id. One
   * of them sends at a time, the one whose claim changed last, and only the last one clears the session. Without a
   * name, each tab has a session id of its own. It needs `navigator.locks`, which pages without HTTPS do not have:
   * there, each tab sends.
   */
  shared?: string | undefined;
  /** Is told of each answer, and of each request without one. */
  onAnswer?(report: Report): void;
}

/** A session that is kept alive. */
export interface KeptSession {
  /** Claims something else, at once. Without an expiration, it stays as it was. After {@link stop} it does nothing. */
  set(changes: { claim: SessionPresence; expiration?: Expiration | null | undefined }): void;
  /** Ends the refreshing and clears the session. The promise ends when the answer is there, or after 20 seconds each. */
  stop(): Promise<void>;
}

/**
 * Sends a session now, and again every {@link refreshInterval}, until it is stopped. `init` must have been awaited.
 *
 * | answer | what follows |
 * |---|---|
 * | 2xx | a refresh after the interval |
 * | none within 20 seconds, 401, 408, 425, 429, 5xx | another try after 1, 2, 4, … seconds, at most 60, less up to a half at random |
 * | 403 or 404: too many sessions, no right, no such user | another try after the interval |
 * | any other | nothing: the request is wrong, and `onAnswer` is told `retryIn: null` |
 *
 * `Retry-After` is obeyed, up to an hour. There is one request at a time. A wake-up and `online` send at once what is due
 * or has failed. `pagehide` clears the session, and it is set again if the page comes back.
 */
export function keepAlive(options: KeepAliveOptions): KeptSession;

/**
 * Calls the listener when the machine may have slept, and returns a function that ends this. Tick a model then.
 *
 * It is called when the page becomes visible, is shown or is online again, and when a look every 10 seconds finds that
 * the clock of `Date.now()` and that of `performance.now()` have drifted apart by more than 2 seconds, or that no look
 * took place for 150. `hasSlept` is true for the last two, and if the page comes back from the browser's cache. A
 * clock that was set looks the same.
 */
export function onWake(listener: (wake: { hasSlept: boolean }) => void): () => void;
