use core::fmt;

use time::{SignedDuration, Timestamp};

use crate::expiration::PreferredExpiration;
use crate::model::session::Phase;
use crate::presence::PreferredPresence;
use crate::text::{duration, nanoseconds, timestamp};

/// A live preference, from [`PresenceModel::preferred`](crate::PresenceModel::preferred).
///
/// The user stays Offline until a session exists (rule P4).
///
/// With the feature `serde`, it is written and read as `{"presence":…,"since":…,"expiresAt":…}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase")
)]
#[non_exhaustive]
pub struct Preferred {
    /// The presence that the user prefers.
    pub presence: PreferredPresence,
    /// When the preference was set. It is never after the `now` of the read (rule
    /// [T5](crate::docs::rules#T5)).
    #[cfg_attr(feature = "serde", serde(with = "crate::timestamp"))]
    pub since: Timestamp,
    /// When the preference expires (rules [U2](crate::docs::rules#U2) and [U3](crate::docs::rules#U3)).
    #[cfg_attr(feature = "serde", serde(with = "crate::timestamp"))]
    pub expires_at: Timestamp,
}

/// The start and the lifetime of a preference, with its presence, in 17 bytes.
///
/// It stores a lifetime and not an end, so that both move back together when the clock steps back
/// (rule T5).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(Rust, packed)]
pub(crate) struct PreferredLease {
    since: i64,
    lifetime: u64,
    presence: PreferredPresence,
}

impl PreferredLease {
    /// Starts a lease, unless it would end at its start (rule T6).
    pub(crate) fn new(
        presence: PreferredPresence,
        expiration: PreferredExpiration,
        now: i64,
    ) -> Option<Self> {
        let end = i128::from(now) + expiration.duration().whole_nanoseconds();
        let end = i64::try_from(end).unwrap_or(i64::MAX);
        Self::from_parts(presence, now, end.abs_diff(now))
    }

    /// Restores a lease, unless its lifetime is zero or beyond the last timestamp.
    pub(crate) fn from_parts(presence: PreferredPresence, since: i64, lifetime: u64) -> Option<Self> {
        let is_in_range = lifetime > 0 && since.checked_add_unsigned(lifetime).is_some();
        is_in_range.then_some(Self { since, lifetime, presence })
    }

    /// Moves a start in the future to `now` (rule T5).
    #[inline]
    pub(crate) fn clamped(self, now: i64) -> Self {
        Self { since: self.since.min(now), ..self }
    }

    /// Returns what is preferred, or `None` before its start and from its end on (rules P6 and T1).
    #[inline]
    pub(crate) fn phase(self, now: i64) -> Option<Phase> {
        let end = self.end();
        let is_in_force = self.since <= now && now < end;
        is_in_force.then(|| Phase { presence: self.presence().presence(), end: Some(end) })
    }

    /// Returns the preference after a tick at `now`, or `None` if it has expired.
    pub(crate) fn view(self, now: i64) -> Option<Preferred> {
        let lease = self.clamped(now);
        lease.phase(now)?;
        Some(Preferred {
            presence: lease.presence,
            since: nanoseconds::to_timestamp(lease.since),
            expires_at: nanoseconds::to_timestamp(lease.end()),
        })
    }

    #[inline]
    pub(crate) fn presence(self) -> PreferredPresence {
        self.presence
    }

    #[cfg(feature = "serde")]
    pub(crate) fn since(self) -> i64 {
        self.since
    }

    #[cfg(feature = "serde")]
    pub(crate) fn lifetime(self) -> u64 {
        self.lifetime
    }

    #[inline]
    fn end(self) -> i64 {
        self.since.saturating_add_unsigned(self.lifetime)
    }
}

impl fmt::Debug for PreferredLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = timestamp::display(nanoseconds::to_timestamp(self.since));
        write!(f, "{} since {since} for ", self.presence())?;
        duration::write(SignedDuration::nanoseconds_i128(self.lifetime.into()), f)
    }
}
