use core::fmt;

use time::{SignedDuration, Timestamp};

use crate::expiration::SessionExpiration;
use crate::fading;
use crate::presence::{Presence, SessionPresence};
use crate::text::{duration, nanoseconds, timestamp};

/// A live session, from [`PresenceModel::sessions`](crate::PresenceModel::sessions).
///
/// `S` is a reference to the session id while the session is borrowed from a model. [`cloned`]
/// returns a session that owns its id.
///
/// With the feature `serde`, it is written and read as
/// `{"id":…,"claim":…,"presence":…,"since":…,"deadline":…,"expiresAt":…}`.
///
/// [`cloned`]: Self::cloned
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase")
)]
#[non_exhaustive]
pub struct Session<S> {
    /// The session id.
    pub id: S,
    /// The presence that the session claims.
    pub claim: SessionPresence,
    /// What the session shows now: its claim, faded (rule [S7](crate::docs::rules#S7)).
    pub presence: Presence,
    /// When the session was last set or refreshed. After a step of the clock it may have been moved
    /// back, and it is never after the `now` of the read (rule [T5](crate::docs::rules#T5)).
    #[cfg_attr(feature = "serde", serde(with = "crate::timestamp"))]
    pub since: Timestamp,
    /// When the session next fades or expires, unless it is refreshed before.
    #[cfg_attr(feature = "serde", serde(with = "crate::timestamp"))]
    pub deadline: Timestamp,
    /// When the session expires, unless it is refreshed before (rule [S6](crate::docs::rules#S6)).
    #[cfg_attr(feature = "serde", serde(with = "crate::timestamp"))]
    pub expires_at: Timestamp,
}

impl<S: Clone> Session<&S> {
    /// Returns a session that owns its id.
    #[must_use]
    pub fn cloned(&self) -> Session<S> {
        let Self { id, claim, presence, since, deadline, expires_at } = *self;
        Session { id: id.clone(), claim, presence, since, deadline, expires_at }
    }
}

impl<S> Session<S> {
    /// Returns what the session shows at a timestamp before its end (rule S7).
    pub(crate) fn presence_at(&self, at: Timestamp) -> Presence {
        let [at, since] = [at, self.since].map(nanoseconds::from_timestamp);
        fading::shows(self.claim, at.saturating_sub(since)).0
    }
}

/// A presence with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Phase {
    pub(crate) presence: Presence,
    /// When something ends, `None` if nothing ever does.
    pub(crate) end: Option<i64>,
}

impl Phase {
    /// Keeps the stronger presence (rules P2, P3 and P5) and the earlier end.
    #[inline]
    pub(crate) fn beside(self, other: Self) -> Self {
        let end = match (self.end, other.end) {
            (Some(end), Some(other)) => Some(end.min(other)),
            (end, None) | (None, end) => end,
        };
        Self { presence: self.presence.max(other.presence), end }
    }
}

/// The start and the lifetime of a session, with its claim, in 15 bytes.
///
/// It stores a lifetime and not an end, so that both move back together when the clock steps back
/// (rule T5). A lifetime of 4 hours in nanoseconds fits into 48 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(Rust, packed)]
pub(crate) struct Lease {
    since: i64,
    lifetime_low: u32,
    lifetime_high: u16,
    claim: SessionPresence,
}

impl Lease {
    /// Starts a lease, unless it would end at its start (rule T6).
    #[inline]
    pub(crate) fn new(claim: SessionPresence, expiration: SessionExpiration, now: i64) -> Option<Self> {
        let lifetime = match now.checked_add(expiration.nanoseconds()) {
            Some(_) => expiration.nanoseconds(),
            None => i64::MAX - now,
        };
        (lifetime > 0).then(|| Self::pack(claim, now, lifetime))
    }

    /// Restores a lease, unless its lifetime is zero, too long, or beyond the last timestamp.
    #[cfg(feature = "serde")]
    pub(crate) fn from_parts(claim: SessionPresence, since: i64, lifetime: u64) -> Option<Self> {
        let lifetime = i64::try_from(lifetime).ok()?;
        let is_in_range = (1..=SessionExpiration::MAX.nanoseconds()).contains(&lifetime);
        (is_in_range && since.checked_add(lifetime).is_some())
            .then(|| Self::pack(claim, since, lifetime))
    }

    #[inline]
    fn pack(claim: SessionPresence, since: i64, lifetime: i64) -> Self {
        debug_assert!(lifetime > 0 && lifetime <= SessionExpiration::MAX.nanoseconds());
        debug_assert!(since.checked_add(lifetime).is_some());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a lifetime fits into 48 bits"
        )]
        let (lifetime_low, lifetime_high) = (lifetime as u32, (lifetime >> 32) as u16);
        Self { since, lifetime_low, lifetime_high, claim }
    }

    /// Moves a start in the future to `now` (rule T5).
    #[inline]
    pub(crate) fn clamped(self, now: i64) -> Self {
        Self { since: self.since.min(now), ..self }
    }

    /// Returns what the session shows, `None` before its start and from its end on (rules S6 and T1).
    #[inline]
    pub(crate) fn phase(self, now: i64) -> Option<Phase> {
        let lifetime = self.lifetime();
        let age = now.wrapping_sub(self.since);
        if age.cast_unsigned() >= lifetime.cast_unsigned() {
            return None;
        }
        let (presence, end) = fading::shows(self.claim, age);
        Some(Phase { presence, end: Some(self.since + end.min(lifetime)) })
    }

    /// Returns what the session shows, provided that it exists.
    #[inline]
    pub(crate) fn presence(self, now: i64) -> Presence {
        debug_assert!(self.phase(now).is_some(), "the session does not exist");
        fading::shows(self.claim, now - self.since).0
    }

    /// Returns the session as a tick at `now` leaves it, `None` if it has expired.
    pub(crate) fn view<S>(self, id: &S, now: i64) -> Option<Session<&S>> {
        let lease = self.clamped(now);
        let Phase { presence, end } = lease.phase(now)?;
        Some(Session {
            id,
            claim: lease.claim,
            presence,
            since: nanoseconds::to_timestamp(lease.since),
            deadline: nanoseconds::to_timestamp(end?),
            expires_at: nanoseconds::to_timestamp(lease.since + lease.lifetime()),
        })
    }

    pub(crate) fn claim(self) -> SessionPresence {
        self.claim
    }

    #[cfg(feature = "serde")]
    pub(crate) fn since(self) -> i64 {
        self.since
    }

    #[inline]
    pub(crate) fn lifetime(self) -> i64 {
        i64::from(self.lifetime_high) << 32 | i64::from(self.lifetime_low)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = timestamp::display(nanoseconds::to_timestamp(self.since));
        write!(f, "{} since {since} for ", self.claim())?;
        duration::write(SignedDuration::nanoseconds(self.lifetime()), f)
    }
}
