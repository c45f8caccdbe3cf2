//! Bytes as commands and timestamps. Every input has a meaning: bytes that are missing are zeros.

use presence_core::{
    ClearPreferred, ClearSession, Command, PreferredExpiration, PreferredPresence, SessionExpiration,
    SessionPresence, SetPreferred, SetSession, SignedDuration, Tick, Timestamp,
};

use crate::plain::{PlainDirectory, nearest};

/// The users to whom most commands go.
pub(crate) const USERS: u8 = 6;
/// The session ids of most commands.
const SESSIONS: u8 = 4;
/// The number of crowds in one history: they take long.
const CROWDS: usize = 2;

const SESSION_LIFETIMES: [&str; 6] = ["PT5M", "PT5M0.000000001S", "PT7M", "PT10M", "PT1H", "PT4H"];
const PREFERRED_LIFETIMES: [&str; 8] =
    ["PT0.000000001S", "PT1S", "PT2S", "PT1M", "PT5M", "PT1H", "P1D", "P106751991DT4H"];
const GAPS: [SignedDuration; 8] = [
    SignedDuration::MINUTE,
    SignedDuration::minutes(2),
    SignedDuration::minutes(5),
    SignedDuration::minutes(10),
    SignedDuration::HOUR,
    SignedDuration::hours(4),
    SignedDuration::DAY,
    SignedDuration::WEEK,
];

pub(crate) struct Input<'a> {
    bytes: &'a [u8],
    now: Timestamp,
    crowds: usize,
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        // 2026-11-20T09:00:00Z.
        let now = Timestamp::from_seconds(1_795_165_200).unwrap();
        Self { bytes, now, crowds: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes a number below `end`, which is at most 256.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*first) % end
    }

    fn choose<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    pub(crate) fn user(&mut self) -> u8 {
        u8::try_from(self.below(USERS.into())).unwrap()
    }

    /// Takes whether there is another crowd.
    pub(crate) fn takes_crowd(&mut self) -> bool {
        self.crowds += 1;
        self.crowds <= CROWDS
    }

    /// Takes the next `now`, from the last one or from a boundary.
    pub(crate) fn now(&mut self, directory: &PlainDirectory) -> Timestamp {
        let nudge = SignedDuration::NANOSECOND;
        let kind = self.below(20);
        let at = match kind {
            0..=5 => self.now,
            6 => self.now.saturating_add(GAPS[self.below(GAPS.len())]),
            7 => self.now.saturating_sub(GAPS[self.below(GAPS.len())]),
            8 => self.now.saturating_add(SignedDuration::seconds(self.seconds())),
            9 => self.now.saturating_sub(SignedDuration::seconds(self.seconds())),
            10 => directory.latest().saturating_sub(SignedDuration::MINUTE),
            11 => directory.latest(),
            12..=15 => directory.next_due().unwrap_or(self.now),
            16 | 17 => directory.next_due_of(self.user()).unwrap_or(self.now),
            18 => self.now.saturating_add(SignedDuration::seconds(1)),
            _ => self.extreme(),
        };
        let at = match self.below(4) {
            0 | 1 => at,
            2 => at.saturating_sub(nudge),
            _ => at.saturating_add(nudge),
        };
        self.now = nearest(at);
        at
    }

    fn seconds(&mut self) -> i64 {
        i64::try_from(self.below(61)).unwrap()
    }

    fn extreme(&mut self) -> Timestamp {
        let nanoseconds = |at: i64| Timestamp::from_nanoseconds(at.into()).unwrap();
        self.choose(&[
            Timestamp::MIN,
            nanoseconds(i64::MIN),
            nanoseconds(-1),
            Timestamp::UNIX_EPOCH,
            Timestamp::from_seconds(1_795_165_200).unwrap(),
            nanoseconds(i64::MAX).saturating_sub(SignedDuration::minutes(12)),
            nanoseconds(i64::MAX),
            Timestamp::MAX,
        ])
    }

    pub(crate) fn command(&mut self) -> Command<u8> {
        let session_id = u8::try_from(self.below(SESSIONS.into())).unwrap();
        match self.below(12) {
            0..=5 => {
                let lifetime: SessionExpiration = self.choose(&SESSION_LIFETIMES).parse().unwrap();
                let claim = self.choose(SessionPresence::ALL);
                SetSession::new(session_id, claim).with_expiration(lifetime).into()
            }
            6 | 7 => ClearSession::new(session_id).into(),
            8 | 9 => {
                let lifetime: PreferredExpiration = self.choose(&PREFERRED_LIFETIMES).parse().unwrap();
                SetPreferred::new(self.choose(PreferredPresence::ALL)).with_expiration(lifetime).into()
            }
            10 => ClearPreferred.into(),
            _ => Tick.into(),
        }
    }
}
