use core::fmt;
use core::str::FromStr;

use time::{SignedDuration, Timestamp};

use crate::{
    Activity, Availability, ExpirationError, Presence, PresenceError, SessionPresenceError, duration,
    instant,
};

/// How long after it was last set an Available session shows `AvailableInactive` (rule S7).
const INACTIVE_AFTER: i64 = 5 * MINUTE;
/// How long after it was last set an Available session shows Away (rule S7).
const AWAY_AFTER: i64 = 10 * MINUTE;
const MINUTE: i64 = 60_000_000_000;

/// What a session may claim (rule S4).
///
/// With the feature `serde` it is read and written as [`Presence`] is.
///
/// ```
/// use presence_core::{Presence, SessionPresence};
///
/// assert_eq!(SessionPresence::try_from(Presence::InACall), Ok(SessionPresence::InACall));
/// assert!(SessionPresence::try_from(Presence::Busy).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SessionPresence {
    /// Available/Available, the only claim that fades (rule S7).
    Available = Presence::Available as isize,
    /// Busy/InACall.
    InACall = Presence::InACall as isize,
    /// Busy/InAConferenceCall.
    InAConferenceCall = Presence::InAConferenceCall as isize,
    /// DoNotDisturb/Presenting.
    Presenting = Presence::Presenting as isize,
    /// Away/Away.
    Away = Presence::Away as isize,
}

impl SessionPresence {
    /// All that may be claimed, in the order of Graph's documents.
    pub const ALL: [Self; 5] =
        [Self::Available, Self::InACall, Self::InAConferenceCall, Self::Presenting, Self::Away];
}

impl From<SessionPresence> for Presence {
    fn from(presence: SessionPresence) -> Self {
        match presence {
            SessionPresence::Available => Self::Available,
            SessionPresence::InACall => Self::InACall,
            SessionPresence::InAConferenceCall => Self::InAConferenceCall,
            SessionPresence::Presenting => Self::Presenting,
            SessionPresence::Away => Self::Away,
        }
    }
}

impl TryFrom<Presence> for SessionPresence {
    type Error = SessionPresenceError;

    /// Finds the claim that is the given presence.
    ///
    /// # Errors
    ///
    /// [`SessionPresenceError`] for the six presences that no session may claim (rule S4).
    fn try_from(presence: Presence) -> Result<Self, Self::Error> {
        Self::try_from((presence.availability(), presence.activity()))
    }
}

impl TryFrom<(Availability, Activity)> for SessionPresence {
    type Error = SessionPresenceError;

    /// Finds the claim that is the given pair.
    ///
    /// # Errors
    ///
    /// [`SessionPresenceError`] for every pair but five (rule S4).
    fn try_from(pair: (Availability, Activity)) -> Result<Self, Self::Error> {
        let refused =
            |PresenceError { availability, activity }| SessionPresenceError { availability, activity };
        let presence = Presence::try_from(pair).map_err(refused)?;
        Self::ALL
            .into_iter()
            .find(|claim| Presence::from(*claim) == presence)
            .ok_or(refused(PresenceError { availability: pair.0, activity: pair.1 }))
    }
}

/// How long a session lives unless it is set again: 5 minutes to 4 hours, both included (rule S5).
///
/// The default is 5 minutes. It is read from and shown as OData's `Edm.Duration`.
///
/// ```
/// use presence_core::{ExpirationError, SessionExpiration, SignedDuration};
///
/// let expiration = "PT1H".parse::<SessionExpiration>()?;
/// assert_eq!(expiration, SessionExpiration::new(SignedDuration::HOUR)?);
/// assert_eq!(SessionExpiration::default().to_string(), "PT5M");
/// assert_eq!("P1D".parse::<SessionExpiration>(), Err(ExpirationError::OutOfRange));
/// # Ok::<(), ExpirationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionExpiration {
    nanoseconds: i64,
}

impl SessionExpiration {
    /// The shortest lifetime, which is also the default: 5 minutes.
    pub const MIN: Self = Self { nanoseconds: 5 * MINUTE };
    /// The longest lifetime: 4 hours.
    pub const MAX: Self = Self { nanoseconds: 4 * 60 * MINUTE };

    /// Accepts a lifetime within the limits.
    ///
    /// # Errors
    ///
    /// [`ExpirationError::OutOfRange`] below 5 minutes and above 4 hours (rule S5).
    ///
    /// ```
    /// use presence_core::{ExpirationError, SessionExpiration, SignedDuration};
    ///
    /// assert_eq!(SessionExpiration::new(SignedDuration::hours(4)), Ok(SessionExpiration::MAX));
    /// assert_eq!(SessionExpiration::new(SignedDuration::DAY), Err(ExpirationError::OutOfRange));
    /// ```
    pub const fn new(lifetime: SignedDuration) -> Result<Self, ExpirationError> {
        let nanoseconds = lifetime.whole_nanoseconds();
        if nanoseconds < Self::MIN.nanoseconds as i128 || nanoseconds > Self::MAX.nanoseconds as i128 {
            return Err(ExpirationError::OutOfRange);
        }
        #[expect(clippy::cast_possible_truncation, reason = "4 hours are within 64 bits")]
        Ok(Self { nanoseconds: nanoseconds as i64 })
    }

    /// Returns the lifetime.
    #[must_use]
    pub const fn duration(self) -> SignedDuration {
        SignedDuration::nanoseconds(self.nanoseconds)
    }
}

impl Default for SessionExpiration {
    fn default() -> Self {
        Self::MIN
    }
}

impl fmt::Display for SessionExpiration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        duration::write(self.duration(), f)
    }
}

impl FromStr for SessionExpiration {
    type Err = ExpirationError;

    /// Reads a lifetime as OData writes durations, such as `PT1H30M`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        duration::parse(text).and_then(Self::new)
    }
}

/// A live session, as [`PresenceModel::sessions`](crate::PresenceModel::sessions) shows it.
///
/// With the feature `serde` it is written as
/// `{"id":…,"claim":…,"presence":…,"since":…,"deadline":…,"expiresAt":…}`.
///
/// ```
/// use presence_core::{
///     Presence, PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp,
/// };
///
/// let now = Timestamp::UNIX_EPOCH;
/// let mut user = PresenceModel::new();
/// let _ = user.apply(SetSession::new("phone", SessionPresence::InACall), now)?;
/// let session = user.sessions(now).next().unwrap();
/// assert_eq!((*session.id, session.presence), ("phone", Presence::InACall));
/// assert_eq!(session.expires_at, now + SignedDuration::minutes(5));
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Session<'a, S> {
    /// The caller's id of the session.
    pub id: &'a S,
    /// What the session claimed when it was last set.
    pub claim: SessionPresence,
    /// What the session counts for now: its claim, faded (rule S7).
    pub presence: Presence,
    /// When the session was last set, also if that was only to keep it as it was; the instant asked for
    /// where that is earlier, as after a step of the clock (rule T5).
    pub since: Timestamp,
    /// By when the session must be set again to stay as it is: its next fade, or its end.
    pub deadline: Timestamp,
    /// When the session will be gone, unless it is set again (rule S6).
    pub expires_at: Timestamp,
}

/// Returns for how many nanoseconds a session stays what it claims, if it is not set again.
#[inline]
pub(crate) fn stays_for(claim: SessionPresence, expiration: SessionExpiration) -> i64 {
    match claim {
        // No lifetime is shorter.
        SessionPresence::Available => INACTIVE_AFTER,
        SessionPresence::InACall
        | SessionPresence::InAConferenceCall
        | SessionPresence::Presenting
        | SessionPresence::Away => expiration.nanoseconds,
    }
}

/// What a session was granted when it was last set, in 15 bytes.
///
/// The lifetime is stored, not the end, so that both move back together when the clock steps back
/// (rule T5); at most 4 hours in nanoseconds, it fits into 48 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(Rust, packed)]
pub(crate) struct Grant {
    since: i64,
    lifetime_low: u32,
    lifetime_high: u16,
    claim: SessionPresence,
}

/// What a session counts for at an instant, and up to when.
pub(crate) struct Stage {
    pub(crate) presence: Presence,
    pub(crate) until: i64,
}

impl Grant {
    /// Returns what is granted at `now`, or nothing where it would end at its start (rule T6).
    pub(crate) fn new(claim: SessionPresence, expiration: SessionExpiration, now: i64) -> Option<Self> {
        let rest = i64::MAX.saturating_sub(now);
        (rest > 0).then(|| Self::pack(claim, now, expiration.nanoseconds.min(rest)))
    }

    /// Returns what is granted at `now`, unless the end of time comes before the end.
    #[inline]
    pub(crate) fn whole(
        claim: SessionPresence,
        expiration: SessionExpiration,
        now: i64,
    ) -> Option<Self> {
        let lifetime = expiration.nanoseconds;
        now.checked_add(lifetime).map(|_| Self::pack(claim, now, lifetime))
    }

    /// Returns a grant, if it has a lifetime and ends before the end of time.
    #[cfg(feature = "serde")]
    pub(crate) fn from_parts(claim: SessionPresence, since: i64, lifetime: i64) -> Option<Self> {
        let is_in_range = (1..=SessionExpiration::MAX.nanoseconds).contains(&lifetime);
        (is_in_range && since.checked_add(lifetime).is_some())
            .then(|| Self::pack(claim, since, lifetime))
    }

    #[inline]
    fn pack(claim: SessionPresence, since: i64, lifetime: i64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "48 bits are enough"
        )]
        let (lifetime_low, lifetime_high) = (lifetime as u32, (lifetime >> 32) as u16);
        Self { since, lifetime_low, lifetime_high, claim }
    }

    #[cfg(feature = "serde")]
    pub(crate) fn as_parts(self) -> (SessionPresence, i64, i64) {
        (self.claim, self.since, self.lifetime())
    }

    /// Returns the grant as it is from a contact on: a start in the future moves back (rule T5).
    #[inline]
    pub(crate) fn healed(self, contact: i64) -> Self {
        Self { since: self.since.min(contact), ..self }
    }

    /// Returns the session of an id as it is shown at a contact, if it still exists then.
    pub(crate) fn view<S>(self, id: &S, contact: i64) -> Option<Session<'_, S>> {
        let healed = self.healed(contact);
        let Stage { presence, until } = healed.stage(contact)?;
        Some(Session {
            id,
            claim: healed.claim,
            presence,
            since: instant::from_nanoseconds(healed.since),
            deadline: instant::from_nanoseconds(until),
            expires_at: instant::from_nanoseconds(healed.since + healed.lifetime()),
        })
    }

    /// Returns the stage of life at an instant: expires first, then fades (rule T2).
    ///
    /// There is none before the start, nor from the end on.
    #[inline]
    pub(crate) fn stage(self, at: i64) -> Option<Stage> {
        let lifetime = self.lifetime();
        let age = at.wrapping_sub(self.since);
        if age.cast_unsigned() >= lifetime.cast_unsigned() {
            return None;
        }
        let (presence, end) = match self.claim {
            SessionPresence::Available if age < INACTIVE_AFTER => (Presence::Available, INACTIVE_AFTER),
            SessionPresence::Available if age < AWAY_AFTER => (Presence::AvailableInactive, AWAY_AFTER),
            SessionPresence::Available => (Presence::Away, lifetime),
            claim => (claim.into(), lifetime),
        };
        Some(Stage { presence, until: self.since + end.min(lifetime) })
    }

    /// Returns what is granted at an instant between its start and its end.
    #[inline]
    pub(crate) fn in_calm(self, at: i64) -> Presence {
        match self.claim {
            SessionPresence::Available if at - self.since >= AWAY_AFTER => Presence::Away,
            SessionPresence::Available if at - self.since >= INACTIVE_AFTER => {
                Presence::AvailableInactive
            }
            claim => claim.into(),
        }
    }

    /// Returns the greater of a presence and what is granted at an instant between start and end.
    #[inline]
    pub(crate) fn in_calm_beside(self, presence: Presence, at: i64) -> Presence {
        // Who fades falls.
        if Presence::from(self.claim) <= presence { presence } else { self.in_calm(at).max(presence) }
    }

    /// Returns the stage that is next after an instant: the first one, if that is still to come.
    #[inline]
    pub(crate) fn stage_after(self, at: i64) -> Option<Stage> {
        self.stage(at.max(self.since))
    }

    /// Returns whether a session that is set again with another grant goes on as it is.
    #[inline]
    pub(crate) fn is_same(self, again: Self) -> bool {
        let is_fresh = || again.since - self.since < INACTIVE_AFTER;
        self.claim == again.claim && (self.claim != SessionPresence::Available || is_fresh())
    }

    #[inline]
    pub(crate) fn since(self) -> i64 {
        self.since
    }

    #[inline]
    fn lifetime(self) -> i64 {
        i64::from(self.lifetime_high) << 32 | i64::from(self.lifetime_low)
    }
}
