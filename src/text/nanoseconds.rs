//! Time as it is computed and stored: nanoseconds since 1970 in 64 bits, saturating (rule T6).

use time::Timestamp;

const PER_SECOND: i64 = 1_000_000_000;
pub(crate) const MINUTE: i64 = 60 * PER_SECOND;

/// Converts a timestamp, or the nearest one that 64 bits can hold: the years 1677 to 2262.
#[inline]
pub(crate) fn from_timestamp(timestamp: Timestamp) -> i64 {
    let seconds = timestamp.as_seconds();
    let whole_range = i64::MIN / PER_SECOND..i64::MAX / PER_SECOND;
    if whole_range.contains(&seconds) {
        seconds * PER_SECOND + i64::from(timestamp.nanosecond())
    } else {
        saturate(timestamp)
    }
}

#[cold]
fn saturate(timestamp: Timestamp) -> i64 {
    let nanoseconds = timestamp.as_nanoseconds();
    let nearest = if nanoseconds < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(nanoseconds).unwrap_or(nearest)
}

/// Converts nanoseconds. Every value is within the range of [`Timestamp`].
#[inline]
pub(crate) fn to_timestamp(nanoseconds: i64) -> Timestamp {
    let seconds = nanoseconds.div_euclid(PER_SECOND);
    let subsecond = u32::try_from(nanoseconds.rem_euclid(PER_SECOND)).unwrap_or_default();
    let timestamp = Timestamp::new(seconds, subsecond);
    debug_assert!(timestamp.is_ok(), "the range of a timestamp is wider than 64 bits");
    timestamp.unwrap_or(Timestamp::UNIX_EPOCH)
}
