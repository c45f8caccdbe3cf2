//! Days of a few users: commands, ticks and moves.

use presence_core::{
    ClearPreferred, ClearSession, Command, PreferredPresence, SessionPresence, SignedDuration, Timestamp,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::{at, nanosecond};
use crate::reference::histories::{forward, forward_from, preference, session, stepping, wild};

/// The number of users.
pub(crate) const USERS: u8 = 6;

/// One thing that happens to a directory.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) now: Timestamp,
    pub(crate) act: Act,
}

#[derive(Debug, Clone)]
pub(crate) enum Act {
    Apply(u8, Command<u8>),
    /// Takes at most this many changes. The rest is left to a later tick.
    Tick(usize),
    /// Removes a user, and inserts its model under the same or another id.
    Move(u8, u8),
}

/// A day on which time does not go backwards, sometimes at an end of the range.
pub(crate) fn forward_day() -> impl Strategy<Value = Vec<Step>> {
    acted(forward())
}

/// A day on which time does not go backwards, far from the ends of the range.
pub(crate) fn ordinary_day() -> impl Strategy<Value = Vec<Step>> {
    acted(forward_from(at("09:00")))
}

/// A day of a clock that steps back and forth, and sometimes shows any timestamp.
pub(crate) fn fickle_day() -> impl Strategy<Value = Vec<Step>> {
    acted(prop_oneof![stepping(), wild()])
}

/// Spreads a history over a few users, with ticks and moves between the commands: often at the
/// timestamp of the command that follows.
fn acted(
    history: impl Strategy<Value = Vec<(Timestamp, Command<u8>)>>,
) -> impl Strategy<Value = Vec<Step>> {
    let before = prop_oneof![
        6 => Just(None),
        3 => select(vec![1, 2, 100, 100]).prop_map(|changes| Some(Act::Tick(changes))),
        1 => (0..USERS, 0..USERS).prop_map(|(from, to)| Some(Act::Move(from, to))),
    ];
    let acts = vec((any::<u8>(), before), 24);
    (history, select(vec![1, 2, USERS]), acts).prop_map(|(history, users, acts)| {
        let steps = history.into_iter().zip(acts).flat_map(|((now, command), (user, before))| {
            let before = before.map(|act| act.among(users));
            let acts = before.into_iter().chain([Act::Apply(user % users, command)]);
            acts.map(move |act| Step { now, act })
        });
        steps.collect()
    })
}

impl Act {
    /// Moves no user beyond the number of users.
    fn among(self, users: u8) -> Self {
        match self {
            Self::Move(from, to) => Self::Move(from % users, to % users),
            Self::Apply(..) | Self::Tick(_) => self,
        }
    }
}

/// A day on which deadlines, a nanosecond apart, at one timestamp, and around the borders of 2^32 ns, also
/// before 1970, are put off, brought forward and cancelled.
pub(crate) fn day_of_odd_deadlines() -> impl Strategy<Value = Vec<Step>> {
    const BUCKET: i64 = 1 << 32;
    let starts = [-3 * BUCKET, -BUCKET + 1, -1, 0, 5, 417_958_000 * BUCKET - 2];
    let gaps = [0, 0, 1, 2, BUCKET - 1, BUCKET, BUCKET + 1, 1_000_000_000];
    let lifetimes = [1, 2, 3, BUCKET - 1, BUCKET, BUCKET + 1, 2 * BUCKET, 3 * BUCKET, 1_000_000_000];
    let act = prop_oneof![
        6 => preferring(&lifetimes),
        1 => (0..USERS).prop_map(|user| Act::Apply(user, ClearPreferred.into())),
        1 => moving(),
        3 => select(vec![1, 2, 100, 100]).prop_map(Act::Tick),
    ];
    online(&starts, vec((select(gaps.to_vec()), act), 1..100))
}

/// A day on which users come and go while most deadlines lie at one of three timestamps.
pub(crate) fn day_of_ties() -> impl Strategy<Value = Vec<Step>> {
    let act = prop_oneof![
        4 => preferring(&[1, 2, 3]),
        2 => (0..USERS).prop_map(|user| Act::Apply(user, away())),
        2 => (0..USERS).prop_map(|user| Act::Apply(user, ClearSession::new(0).into())),
        2 => moving(),
        3 => select(vec![1, 1, 2, 100]).prop_map(Act::Tick),
    ];
    online(&[0], vec((select(vec![0, 0, 0, 1]), act), 1..60))
}

fn preferring(lifetimes: &[i64]) -> impl Strategy<Value = Act> + use<> {
    (0..USERS, select(lifetimes.to_vec())).prop_map(|(user, lifetime)| {
        Act::Apply(user, preference(PreferredPresence::Busy, SignedDuration::nanoseconds(lifetime)))
    })
}

fn moving() -> impl Strategy<Value = Act> {
    (0..USERS, 0..USERS).prop_map(|(from, to)| Act::Move(from, to))
}

fn away() -> Command<u8> {
    session(0, SessionPresence::Away, SignedDuration::hours(4))
}

/// Lets all users come online, then lays out steps by the gaps before them.
fn online<T>(starts: &[i64], steps: T) -> impl Strategy<Value = Vec<Step>> + use<T>
where
    T: Strategy<Value = Vec<(i64, Act)>>,
{
    (select(starts.to_vec()), steps).prop_map(move |(start, steps)| {
        let mut now = nanosecond(start);
        let mut day: Vec<_> =
            (0..USERS).map(|user| Step { now, act: Act::Apply(user, away()) }).collect();
        for (gap, act) in steps {
            now += SignedDuration::nanoseconds(gap);
            day.push(Step { now, act });
        }
        day
    })
}
