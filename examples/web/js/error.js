/** A rejected command, body or snapshot. It changed nothing. */
export class PresenceError extends Error {
  constructor(code, status, message) {
    super(message);
    this.name = "PresenceError";
    this.code = code;
    this.status = status;
  }
}
