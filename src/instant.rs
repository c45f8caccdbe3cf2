//! Instants as the machine keeps them: nanoseconds since 1970 in 64 bits, saturating (rule T6).

use time::Timestamp;

const NANOSECONDS_IN_SECOND: i64 = 1_000_000_000;

/// Returns the instant, or the nearest one that 64 bits can hold: the years 1677 to 2262.
#[inline]
pub(crate) fn to_nanoseconds(instant: Timestamp) -> i64 {
    let seconds = instant.as_seconds();
    let whole_range = i64::MIN / NANOSECONDS_IN_SECOND..i64::MAX / NANOSECONDS_IN_SECOND;
    if whole_range.contains(&seconds) {
        seconds * NANOSECONDS_IN_SECOND + i64::from(instant.nanosecond())
    } else {
        at_the_edge(instant)
    }
}

#[cold]
fn at_the_edge(instant: Timestamp) -> i64 {
    let nanoseconds = instant.as_nanoseconds();
    let nearest = if nanoseconds < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(nanoseconds).unwrap_or(nearest)
}

/// Returns the public form of an instant; all 64 bits are in its range.
#[inline]
pub(crate) fn from_nanoseconds(instant: i64) -> Timestamp {
    let seconds = instant.div_euclid(NANOSECONDS_IN_SECOND);
    let nanoseconds = instant.rem_euclid(NANOSECONDS_IN_SECOND);
    u32::try_from(nanoseconds)
        .ok()
        .and_then(|nanoseconds| Timestamp::new(seconds, nanoseconds).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
