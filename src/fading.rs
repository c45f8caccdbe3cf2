//! The rule of fading, which stands here and nowhere else.

use crate::expiration::SessionExpiration;
use crate::presence::{Presence, SessionPresence};
use crate::text::nanoseconds::MINUTE;

/// The age at which an Available session becomes `AvailableInactive` (rule S7).
const INACTIVE_AFTER: i64 = 5 * MINUTE;
/// The age at which an Available session becomes `Away` (rule S7).
const AWAY_AFTER: i64 = 10 * MINUTE;
/// The age that no session reaches.
const NEVER: i64 = i64::MAX;

/// Returns what a session shows at an age in nanoseconds, and the age at which that ends.
///
/// | claim | age | shows | rule |
/// |---|---|---|---|
/// | Available | below 5 minutes | Available | S7 |
/// | Available | below 10 minutes | `AvailableInactive` | S7 |
/// | Available | from 10 minutes | Away | S7 |
/// | any other | any | the claim | S8 |
///
/// Fading only lowers a presence, so a claim is the upper bound of what its session shows.
#[inline]
pub(crate) const fn shows(claim: SessionPresence, age: i64) -> (Presence, i64) {
    match claim {
        SessionPresence::Available if age < INACTIVE_AFTER => (Presence::Available, INACTIVE_AFTER),
        SessionPresence::Available if age < AWAY_AFTER => (Presence::AvailableInactive, AWAY_AFTER),
        SessionPresence::Available => (Presence::Away, NEVER),
        SessionPresence::InACall
        | SessionPresence::InAConferenceCall
        | SessionPresence::Presenting
        | SessionPresence::Away => (claim.presence(), NEVER),
    }
}

/// Returns for how many nanoseconds a session shows its claim if it is not refreshed.
#[inline]
pub(crate) fn lasts(claim: SessionPresence, expiration: SessionExpiration) -> i64 {
    let (_, fades_at) = shows(claim, 0);
    debug_assert!(fades_at == NEVER || fades_at <= SessionExpiration::MIN.nanoseconds());
    if fades_at == NEVER { expiration.nanoseconds() } else { fades_at }
}
