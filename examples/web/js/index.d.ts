/** An availability: the base information of a presence. Graph has these words. */
export type Availability =
  | "Available"
  | "AvailableIdle"
  | "Away"
  | "BeRightBack"
  | "Busy"
  | "BusyIdle"
  | "DoNotDisturb"
  | "Offline"
  | "PresenceUnknown";

/** An activity: the supplement to an availability. Graph has these words. */
export type Activity =
  | "Available"
  | "AvailableInactive"
  | "Away"
  | "BeRightBack"
  | "Busy"
  | "DoNotDisturb"
  | "Focusing"
  | "InACall"
  | "InAConferenceCall"
  | "Inactive"
  | "InAMeeting"
  | "Offline"
  | "OffWork"
  | "OutOfOffice"
  | "PresenceUnknown"
  | "Presenting"
  | "UrgentInterruptionsOnly";

/**
 * A presence that the rules can reach, by its activity, which no other presence has. The function
 * {@link availability} returns the other half of Graph's pair.
 */
export type Presence =
  | "Offline"
  | "OffWork"
  | "Away"
  | "BeRightBack"
  | "AvailableInactive"
  | "Available"
  | "Busy"
  | "InACall"
  | "InAConferenceCall"
  | "DoNotDisturb"
  | "Presenting";

/** A presence that a session may claim (rule S4). */
export type SessionPresence = "Available" | "InACall" | "InAConferenceCall" | "Presenting" | "Away";

/** A presence that a user may prefer (rule U1). `OffWork` appears offline. */
export type PreferredPresence = "Available" | "Busy" | "DoNotDisturb" | "BeRightBack" | "Away" | "OffWork";

/**
 * A point in time: milliseconds since 1970, such as `Date.now()`, or a `Date`.
 *
 * What is returned is always a number of whole milliseconds. The model itself has nanoseconds: the `now` of
 * a call is rounded down, a start is rounded down, and an end is rounded up, so at the end that is
 * returned the change has happened. If every `now` and every lifetime has whole milliseconds, nothing is
 * rounded. The years are 1677 to 2262; a time outside counts as the nearest one inside.
 */
export type Time = number | Date;

/** A lifetime: an `Edm.Duration` such as `"PT1H30M"`, or whole milliseconds. */
export type Expiration = string | number;

/** Creates a session or replaces it. */
export interface SetSession {
  sessionId: string;
  claim: SessionPresence;
  /** 5 minutes to 4 hours. The default is 5 minutes. */
  expiration?: Expiration | null | undefined;
}

/** Removes a session. */
export interface ClearSession {
  sessionId: string;
}

/** Sets the preferred presence. */
export interface SetPreferred {
  presence: PreferredPresence;
  /** Longer than zero. The default is 1 day for Busy and DoNotDisturb, and 7 days for the others. */
  expiration?: Expiration | null | undefined;
}

/** A pair that a session may claim, as Graph writes it. */
export type SessionPair =
  | { availability: "Available"; activity: "Available" }
  | { availability: "Busy"; activity: "InACall" | "InAConferenceCall" }
  | { availability: "DoNotDisturb"; activity: "Presenting" }
  | { availability: "Away"; activity: "Away" };

/** A pair that a user may prefer, as Graph writes it. */
export type PreferredPair =
  | { availability: "Available"; activity: "Available" }
  | { availability: "Busy"; activity: "Busy" }
  | { availability: "DoNotDisturb"; activity: "DoNotDisturb" }
  | { availability: "BeRightBack"; activity: "BeRightBack" }
  | { availability: "Away"; activity: "Away" }
  | { availability: "Offline"; activity: "OffWork" };

/** Graph's bodies, by the name of the action. */
export interface Bodies {
  setPresence: SessionPair & { sessionId: string; expirationDuration?: string | null | undefined };
  clearPresence: { sessionId: string };
  setUserPreferredPresence: PreferredPair & { expirationDuration?: string | null | undefined };
  clearUserPreferredPresence: Record<string, never>;
}

export type Action = keyof Bodies;

/** The result of an update. */
export interface Outcome {
  /** The effective presence that the update before this one reported. */
  previous: Presence;
  /** The effective presence now. */
  current: Presence;
  /** The effective presence if it has changed: publish it. */
  changed: Presence | null;
}

/** A change of the effective presence. */
export interface Change {
  /** The first millisecond at which the presence is in effect. */
  at: number;
  presence: Presence;
}

/** A live session. */
export interface Session {
  id: string;
  /** The presence that the session claims. */
  claim: SessionPresence;
  /** The claim, faded (rule S7). */
  presence: Presence;
  /** When the session was last set or refreshed. */
  since: number;
  /** When the session next fades or expires, unless it is refreshed before. */
  deadline: number;
  /** When the session expires, unless it is refreshed before. */
  expiresAt: number;
}

/** A preference in force. The user is Offline all the same while no session exists. */
export interface Preferred {
  presence: PreferredPresence;
  since: number;
  expiresAt: number;
}

/** The rule that decided an effective presence. */
export type Reason =
  /** No session exists (rule S12). */
  | { kind: "noSession" }
  /** A preference is in force, and a session exists (rules P1 and P4). */
  | { kind: "preferred"; preferred: Preferred }
  /** This session is the strongest (rules P2 and P5). */
  | { kind: "session"; session: Session };

/** Why a user has an effective presence. */
export interface Explanation {
  presence: Presence;
  /** When the effective presence changes if no command comes. */
  until: number | null;
  reason: Reason;
  /** The preference that waits for a session. */
  waiting: Preferred | null;
  /** The live sessions that do not decide, strongest first. */
  others: Session[];
  /** This as a few sentences on one line, with timestamps in UTC. Of the others it names the five strongest. */
  text: string;
}

/** What a model stores, as JSON. Restore it with {@link PresenceModel.restore}. */
export interface Snapshot {
  v1: {
    reported: Presence;
    sessions: { id: string; claim: SessionPresence; since: string; lifetime: string }[];
    preferred: { presence: PreferredPresence; since: string; lifetime: string } | null;
  };
}

/** Graph's code of an error: 400, 403 and 404. */
export type ErrorCode = "InvalidArgument" | "Forbidden" | "NotFound";

/** A rejected command, body or snapshot. It changed nothing. The message is Graph's if Graph has one. */
export class PresenceError extends Error {
  private constructor();
  readonly name: "PresenceError";
  readonly code: ErrorCode;
  /** The HTTP status of the code. */
  readonly status: 400 | 403 | 404;
}

/**
 * What `using ana = new PresenceModel()` needs: at the end of the block, `free` is called. It is there for programs
 * whose `lib` has `Symbol.dispose`.
 */
export type DisposableIfKnown = SymbolConstructor extends { readonly dispose: infer S extends symbol } ? { [dispose in S]: () => void } : {};

export interface PresenceModel extends DisposableIfKnown {}

/**
 * The presence of one user: sessions, a preference, and the presence that was reported last.
 *
 * A worker is sent `model.snapshot()`. `postMessage` of the model itself throws.
 *
 * It has no clock and no timer: every call takes `now`, from a wall clock. Updates change the model:
 * the commands and {@link tick}. Reads change nothing and need no tick before them.
 *
 * Each argument is checked: a value of another type, and a field that is missing or unknown, throw a `TypeError`
 * that says what was expected. A getter that throws is not caught. Whatever throws, the model is as it was.
 *
 * A session id has at most 1,024 bytes, a body 262,144 characters, and a snapshot 1,048,576. What is longer is
 * rejected.
 */
export class PresenceModel {
  /** Creates a user without sessions and without a preference: Offline. */
  constructor();

  /**
   * Restores a snapshot, from an object or its JSON text.
   * @throws {PresenceError} 400 if no model can have stored it. The message names the part that is wrong.
   */
  static restore(snapshot: Snapshot | string): PresenceModel;

  /**
   * Creates a session or replaces it whole (rules S2 to S9). Send it again to keep it: see
   * {@link refreshInterval}.
   * @throws {PresenceError} 400 if the claim or the lifetime is not allowed, 403 if 128 other sessions are
   * live.
   */
  setSession(session: SetSession, now: Time): Outcome;

  /**
   * Removes a session (rules S10 and S11).
   * @throws {PresenceError} 404 if it was never set, was cleared, or has expired.
   */
  clearSession(session: ClearSession, now: Time): Outcome;

  /**
   * Sets the preferred presence (rules U1 to U4). It is in effect only while a session exists.
   * @throws {PresenceError} 400 if the presence or the lifetime is not allowed.
   */
  setPreferred(preferred: SetPreferred, now: Time): Outcome;

  /** Removes the preferred presence. It always succeeds (rule U5). */
  clearPreferred(now: Time): Outcome;

  /**
   * Applies a command as Graph has it: an action, and its body as an object or as the JSON text of the
   * request. For `clearUserPreferredPresence` the text may be empty.
   * @throws {PresenceError} if Graph would reject it.
   */
  apply<A extends Action>(action: A, body: Bodies[A] | string, now: Time): Outcome;

  /** Lets time pass: removes what has expired, and reports what has changed (rule T3). */
  tick(now: Time): Outcome;

  /** Returns the effective presence. */
  presence(now: Time): Presence;

  /** The effective presence that the last update reported. */
  readonly reported: Presence;

  /** Returns when to tick next: when a session fades or anything expires. `null` is never. */
  deadline(now: Time): number | null;

  /** Returns the changes of the effective presence after `now` if no command comes, in order of time. */
  forecast(now: Time): Change[];

  /** Returns the sessions that are live, in the order of their ids. */
  sessions(now: Time): Session[];

  /** Returns the preference that is in force, even if no session exists. */
  preferred(now: Time): Preferred | null;

  /** Explains the effective presence. */
  explain(now: Time): Explanation;

  /** Returns what the model stores, to be kept as JSON. */
  snapshot(): Snapshot;

  /** Returns the snapshot, so that `JSON.stringify(model)` works. */
  toJSON(): Snapshot;

  /** Returns a copy. */
  clone(): PresenceModel;

  /** Ends the model: every later call throws a `TypeError`. It need not be called, because a model holds no memory of the wasm file. */
  free(): void;
}

/** A request for `fetch`: `fetch(`${address}/${request.action}`, request)`. Add your `authorization` to the headers. */
export interface GraphRequest {
  /** The last part of the address, behind `/users/{id}/presence/`. */
  action: Action;
  method: "POST";
  headers: { "content-type": "application/json" };
  /** Graph's body as JSON. {@link PresenceModel.apply} takes it too. */
  body: string;
}

/** What {@link requestOf} makes a request of, by the name of the action. */
export interface Commands {
  setPresence: SetSession;
  clearPresence: ClearSession;
  setUserPreferredPresence: SetPreferred;
  clearUserPreferredPresence: undefined;
}

/**
 * Returns the request for a command. It needs no wasm file.
 * @throws {TypeError} if a field is missing, unknown or of another type.
 * @throws {PresenceError} 400 if a presence is none that a session may claim, or none that a user may prefer.
 */
export function requestOf<A extends Action>(
  action: A,
  ...command: A extends "clearUserPreferredPresence" ? [] : [command: Commands[A]]
): GraphRequest;

/**
 * Reads Graph's answer to a request for a presence. It needs no wasm file.
 *
 * Graph also knows other pairs, such as Busy with InAMeeting from a calendar: for them, and for words that Graph
 * adds, it is `null`. Show `answer.availability` then.
 * @throws {TypeError} if the answer has no availability or no activity.
 */
export function presenceOf(answer: { availability: string; activity: string }): Presence | null;

/**
 * Returns how often to send a session again to keep its claim, in milliseconds: a third of its lifetime, or
 * of the 5 minutes after which an Available session fades if that is shorter.
 * @throws {PresenceError} 400 if the claim or the lifetime is not allowed.
 */
export function refreshInterval(session: { sessionId?: string } & Pick<SetSession, "claim" | "expiration">): number;

/** Returns the availability of a presence: the other half of Graph's pair. It needs no wasm file. */
export function availability(presence: Presence): Availability;

/**
 * Compiles the wasm file, which is in this module. Await it once before anything else is called; further calls are
 * harmless.
 *
 * Without it, the file is compiled when it is needed. The main thread of a page is blocked meanwhile, and browsers
 * from before 2023 refuse that, so a page awaits `init`. In Node and in workers it is not needed.
 */
export function init(): Promise<void>;
