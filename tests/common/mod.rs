//! What the test files share: a day on the clock, and short forms of commands.

#![allow(dead_code, reason = "no test file uses all of it")]

use presence_core::{
    Command, PreferredPresence, Presence, PresenceModel, SessionPresence, SetPreferred, SetSession,
    SignedDuration, Timestamp,
};
use proptest::test_runner::{Config, RngSeed};

/// The day of all clock faces, 2026-11-20, in seconds since 1970.
const MIDNIGHT: i64 = 1_795_132_800;

/// Returns the timestamp of a clock face, `hh:mm` or `hh:mm:ss`. `33:00` is 9 o'clock on the next day.
pub(crate) fn at(face: &str) -> Timestamp {
    let seconds = face.split(':').chain(["0"]).take(3).fold(0, |total, part| {
        total * 60 + part.parse::<i64>().unwrap_or_else(|_| panic!("not a clock face: {face}"))
    });
    Timestamp::from_seconds(MIDNIGHT + seconds).unwrap()
}

/// Returns the timestamp one nanosecond earlier.
pub(crate) fn just_before(timestamp: Timestamp) -> Timestamp {
    timestamp - SignedDuration::NANOSECOND
}

/// Returns the timestamp one nanosecond later.
pub(crate) fn just_after(timestamp: Timestamp) -> Timestamp {
    timestamp + SignedDuration::NANOSECOND
}

/// Returns the timestamp this many nanoseconds after 1970.
pub(crate) fn nanosecond(since_1970: i64) -> Timestamp {
    Timestamp::from_nanoseconds(since_1970.into()).unwrap()
}

pub(crate) fn set<S>(session_id: S, claim: SessionPresence, lifetime: &str) -> SetSession<S> {
    SetSession::new(session_id, claim).with_expiration(lifetime.parse().unwrap())
}

pub(crate) fn prefer(presence: PreferredPresence, lifetime: &str) -> SetPreferred {
    SetPreferred::new(presence).with_expiration(lifetime.parse().unwrap())
}

/// Applies a command that must be accepted, and returns the effective presence.
pub(crate) fn apply<S: Ord>(
    user: &mut PresenceModel<S>,
    command: impl Into<Command<S>>,
    now: Timestamp,
) -> Presence {
    user.apply(command, now).unwrap().current
}

/// Returns a configuration that tries a property on the same values each time.
pub(crate) fn deterministic() -> Config {
    Config { failure_persistence: None, rng_seed: RngSeed::Fixed(0), ..Config::default() }
}
