//! Time as JavaScript has it: milliseconds since 1970.

use presence_core::{SignedDuration, Timestamp};

/// The last millisecond that the crate tells apart, in the year 2262 (rule T6).
const LAST: i64 = i64::MAX / 1_000_000;

/// Reads a finite number of milliseconds, rounded down.
pub(crate) fn from_js(milliseconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates, as the crate does")]
    let milliseconds = milliseconds.floor() as i64;
    Timestamp::from_milliseconds(milliseconds.clamp(-LAST, LAST)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Rounds a start down, so that what has started has.
pub(crate) fn start(timestamp: Timestamp) -> i64 {
    timestamp.as_milliseconds()
}

/// Rounds an end up, so that what has ended has: a tick then is never too early.
pub(crate) fn end(timestamp: Timestamp) -> i64 {
    timestamp.saturating_add(SignedDuration::nanoseconds(999_999)).as_milliseconds()
}
