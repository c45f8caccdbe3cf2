// The words of Graph that a program writes. A test compares them with the wasm file.

/** The availability of each presence, by its activity. */
export const AVAILABILITY = {
  Offline: "Offline",
  OffWork: "Offline",
  Away: "Away",
  BeRightBack: "BeRightBack",
  AvailableInactive: "Available",
  Available: "Available",
  Busy: "Busy",
  InACall: "Busy",
  InAConferenceCall: "Busy",
  DoNotDisturb: "DoNotDisturb",
  Presenting: "DoNotDisturb",
};

export const PRESENCES = Object.keys(AVAILABILITY);

/** What a session may claim (rule S4). */
export const CLAIMS = ["Available", "InACall", "InAConferenceCall", "Presenting", "Away"];

/** What a user may prefer (rule U1). */
export const PREFERRED = ["Available", "Busy", "DoNotDisturb", "BeRightBack", "Away", "OffWork"];

/** The actions. The wasm file knows them by their positions. */
export const ACTIONS = ["setPresence", "clearPresence", "setUserPreferredPresence", "clearUserPreferredPresence"];

/** The fields of bodies. */
export const FIELDS = ["sessionId", "availability", "activity", "expirationDuration"];
