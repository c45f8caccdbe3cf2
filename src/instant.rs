//! Instants as the machine keeps them: nanoseconds since 1970 in 64 bits, saturating (rule T6).

use time::{SignedDuration, Timestamp};

/// Returns the instant, or the nearest one that 64 bits can hold: the years 1677 to 2262.
pub(crate) fn to_nanoseconds(instant: Timestamp) -> i64 {
    let nanoseconds = instant.as_nanoseconds();
    let nearest = if nanoseconds < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(nanoseconds).unwrap_or(nearest)
}

/// Returns the public form of an instant; all 64 bits are in its range.
pub(crate) const fn from_nanoseconds(instant: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::nanoseconds(instant))
}

/// Returns a duration in nanoseconds, or the nearest that 64 bits can hold: 292 years.
pub(crate) fn nanoseconds_in(duration: SignedDuration) -> i64 {
    let nanoseconds = duration.whole_nanoseconds();
    let nearest = if nanoseconds < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(nanoseconds).unwrap_or(nearest)
}
