//! Histories of one user, with many updates at and near boundaries.

use presence_core::{
    ClearPreferred, ClearSession, Command, PreferredExpiration, PreferredPresence, SessionExpiration,
    SessionPresence, SetPreferred, SetSession, SignedDuration, Tick, Timestamp,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::{at, nanosecond};

const MINUTE: i64 = 60_000_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Commands in order of time: often at one timestamp, or within a nanosecond of the timestamp at which
/// something that was set shortly before fades or expires.
pub(crate) fn forward() -> impl Strategy<Value = Vec<(Timestamp, Command<u8>)>> {
    era().prop_flat_map(forward_from)
}

pub(crate) fn forward_from(era: Timestamp) -> impl Strategy<Value = Vec<(Timestamp, Command<u8>)>> {
    select(vec![1, 2, 5]).prop_flat_map(move |ids| {
        vec((gap(), command(ids)), 1..24).prop_map(move |steps| laid_out(era, steps, Clock::Forward))
    })
}

/// Like [`forward`], with a clock that steps back and forth between the boundaries.
pub(crate) fn stepping() -> impl Strategy<Value = Vec<(Timestamp, Command<u8>)>> {
    (era(), select(vec![1, 2, 5])).prop_flat_map(|(era, ids)| {
        vec((gap(), command(ids)), 1..24).prop_map(move |steps| laid_out(era, steps, Clock::Stepping))
    })
}

/// Like [`stepping`], with a clock that shows any timestamp at times.
pub(crate) fn wild() -> impl Strategy<Value = Vec<(Timestamp, Command<u8>)>> {
    let reading = prop_oneof![3 => Just(None), 1 => wild_reading().prop_map(Some)];
    (stepping(), vec(reading, 24)).prop_map(|(mut history, readings)| {
        for ((now, _), reading) in history.iter_mut().zip(readings) {
            *now = reading.unwrap_or(*now);
        }
        history
    })
}

/// Like [`forward`], but with about `MAX_SESSIONS` sessions at the start.
pub(crate) fn crowded() -> impl Strategy<Value = Vec<(Timestamp, Command<u8>)>> {
    let crowd = (select(vec![60, 127, 128, 129]), select(vec![5, 10, 60]));
    (crowd, vec((gap(), command(135)), 1..12)).prop_map(|((ids, minutes), steps)| {
        let sets = (0..ids).map(|id| {
            let claim = SessionPresence::ALL[usize::from(id) % SessionPresence::ALL.len()];
            let lifetime =
                SignedDuration::minutes(minutes) + SignedDuration::nanoseconds(i64::from(id % 3));
            (at("09:00"), session(id, claim, lifetime))
        });
        sets.chain(laid_out(at("09:00"), steps, Clock::Forward)).collect()
    })
}

/// Any timestamp that a broken clock might show.
pub(crate) fn wild_reading() -> impl Strategy<Value = Timestamp> {
    let edges = [
        Timestamp::MIN,
        nanosecond(i64::MIN),
        nanosecond(i64::MIN + 1),
        nanosecond(-1),
        nanosecond(0),
        nanosecond(i64::MAX - 1),
        nanosecond(i64::MAX),
        Timestamp::MAX,
    ];
    prop_oneof![select(edges.to_vec()), any::<i64>().prop_map(nanosecond)]
}

/// Where a history starts: on the day of all clock faces, around 1970, or at either end of the range.
fn era() -> impl Strategy<Value = Timestamp> {
    let last = nanosecond(i64::MAX);
    let edges = [
        nanosecond(-300_000_000_000),
        nanosecond(i64::MIN),
        last - SignedDuration::minutes(12),
        last - SignedDuration::hours(30),
    ];
    prop_oneof![4 => Just(at("09:00")), 1 => select(edges.to_vec())]
}

/// How long after one of the last three commands the next one comes.
#[derive(Debug, Clone)]
struct Gap {
    /// How many commands lie between.
    anchor: usize,
    /// In nanoseconds, or `None` for the lifetime of what that command set.
    length: Option<i64>,
    /// What is added to the length.
    nudge: i64,
}

/// Whether time goes backwards.
#[derive(Debug, Clone, Copy)]
enum Clock {
    Forward,
    Stepping,
}

fn gap() -> impl Strategy<Value = Gap> {
    let length = prop_oneof![
        4 => select(vec![0, MINUTE, 5 * MINUTE, 10 * MINUTE, HOUR, DAY, 8 * DAY]).prop_map(Some),
        2 => Just(None),
        1 => (0..15 * MINUTE).prop_map(Some),
    ];
    (0..3_usize, length, select(vec![0, 0, -1, 1])).prop_map(|(anchor, length, nudge)| Gap {
        anchor,
        length,
        nudge,
    })
}

fn laid_out(
    era: Timestamp,
    steps: Vec<(Gap, Command<u8>)>,
    clock: Clock,
) -> Vec<(Timestamp, Command<u8>)> {
    let mut history: Vec<(Timestamp, Command<u8>)> = Vec::new();
    for (Gap { anchor, length, nudge }, command) in steps {
        let now = match history.iter().rev().nth(anchor).or(history.last()) {
            None => era,
            Some((since, before)) => {
                let length = length.map_or(lifetime(before), SignedDuration::nanoseconds);
                since.saturating_add(length).saturating_add(SignedDuration::nanoseconds(nudge))
            }
        };
        let latest = history.last().map_or(era, |(latest, _)| *latest);
        let now = match clock {
            Clock::Forward => now.max(latest),
            Clock::Stepping => now,
        };
        history.push((now, command));
    }
    history
}

fn lifetime(command: &Command<u8>) -> SignedDuration {
    match command {
        Command::SetSession(body) => body.expiration.duration(),
        Command::SetPreferred(body) => body.expiration.duration().min(SignedDuration::days(30)),
        _ => SignedDuration::ZERO,
    }
}

pub(crate) fn command(ids: u8) -> impl Strategy<Value = Command<u8>> {
    let preferred = (select(PreferredPresence::ALL.to_vec()), preferred_lifetime())
        .prop_map(|(presence, lifetime)| preference(presence, lifetime));
    prop_oneof![
        6 => (0..ids, claim(), session_lifetime())
            .prop_map(|(id, claim, lifetime)| session(id, claim, lifetime)),
        2 => preferred,
        2 => (0..ids).prop_map(|id| ClearSession::new(id).into()),
        1 => Just(ClearPreferred.into()),
        1 => Just(Tick.into()),
    ]
}

pub(crate) fn claim() -> impl Strategy<Value = SessionPresence> {
    prop_oneof![2 => Just(SessionPresence::Available), 3 => select(SessionPresence::ALL.to_vec())]
}

pub(crate) fn session_lifetime() -> impl Strategy<Value = SignedDuration> {
    let lengths = [
        5 * MINUTE,
        5 * MINUTE + 1,
        7 * MINUTE,
        10 * MINUTE - 1,
        10 * MINUTE,
        10 * MINUTE + 1,
        HOUR,
        4 * HOUR,
    ];
    select(lengths.map(SignedDuration::nanoseconds).to_vec())
}

fn preferred_lifetime() -> impl Strategy<Value = SignedDuration> {
    let lengths = [1, MINUTE, 5 * MINUTE, 7 * MINUTE, 10 * MINUTE, HOUR, DAY, 7 * DAY];
    let endless = SignedDuration::MAX;
    prop_oneof![8 => select(lengths.map(SignedDuration::nanoseconds).to_vec()), 1 => Just(endless)]
}

pub(crate) fn session<S>(id: S, claim: SessionPresence, lifetime: SignedDuration) -> Command<S> {
    SetSession::new(id, claim).with_expiration(SessionExpiration::new(lifetime).unwrap()).into()
}

pub(crate) fn preference<S>(presence: PreferredPresence, lifetime: SignedDuration) -> Command<S> {
    SetPreferred::new(presence).with_expiration(PreferredExpiration::new(lifetime).unwrap()).into()
}
