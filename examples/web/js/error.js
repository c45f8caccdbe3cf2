/** A rejected command, body or snapshot. It changed nothing. */
export class PresenceError extends Error {
  constructor(code, status, message) {
    super(message);
    this.name = "PresenceError";
    this.code = code;
    this.status = status;
  }
}

/** Returns the error of a value that breaks a rule. */
export function invalid(message) {
  return new PresenceError("InvalidArgument", 400, message);
}
