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
    Available,
    /// Busy/InACall.
    InACall,
    /// Busy/InAConferenceCall.
    InAConferenceCall,
    /// DoNotDisturb/Presenting.
    Presenting,
    /// Away/Away.
    Away,
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
pub struct SessionExpiration(SignedDuration);

impl SessionExpiration {
    /// The shortest lifetime, which is also the default: 5 minutes.
    pub const MIN: Self = Self(SignedDuration::minutes(5));
    /// The longest lifetime: 4 hours.
    pub const MAX: Self = Self(SignedDuration::hours(4));

    /// Accepts a lifetime within the limits.
    ///
    /// # Errors
    ///
    /// [`ExpirationError::OutOfRange`] below 5 minutes and above 4 hours (rule S5).
    pub fn new(lifetime: SignedDuration) -> Result<Self, ExpirationError> {
        if (Self::MIN.0..=Self::MAX.0).contains(&lifetime) {
            Ok(Self(lifetime))
        } else {
            Err(ExpirationError::OutOfRange)
        }
    }

    /// Returns the lifetime.
    #[must_use]
    pub const fn duration(self) -> SignedDuration {
        self.0
    }
}

impl Default for SessionExpiration {
    fn default() -> Self {
        Self::MIN
    }
}

impl fmt::Display for SessionExpiration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        duration::write(self.0, f)
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
/// ```
/// use presence_core::{Presence, PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp};
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
    /// When the session was last set.
    pub since: Timestamp,
    /// When the session will be gone, unless it is set again (rule S6).
    pub expires_at: Timestamp,
}

/// A session as it is stored.
///
/// The lifetime is stored, not the end, so that both move back together when the clock steps back
/// (rule T5). Every answer is asked with the instant of the last *contact*: what was set in its
/// future counts as set at it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StoredSession<S> {
    pub(crate) id: S,
    since: i64,
    lifetime: Lifetime,
    claim: SessionPresence,
}

impl<S> StoredSession<S> {
    /// Returns the session as it is once set, or its id where it would end at its start (rule T6).
    pub(crate) fn new(
        id: S,
        claim: SessionPresence,
        expiration: SessionExpiration,
        now: i64,
    ) -> Result<Self, S> {
        let expires_at = now.saturating_add(instant::nanoseconds_in(expiration.0));
        if expires_at == now {
            return Err(id);
        }
        Ok(Self { id, since: now, lifetime: Lifetime::new(expires_at - now), claim })
    }

    /// Moves a start in the future back to the instant of contact (rule T5).
    pub(crate) fn heal(&mut self, now: i64) {
        self.since = self.since(now);
    }

    pub(crate) fn view(&self, contact: i64) -> Option<Session<'_, S>> {
        Some(Session {
            id: &self.id,
            claim: self.claim,
            presence: self.presence(contact, contact)?,
            since: instant::from_nanoseconds(self.since(contact)),
            expires_at: instant::from_nanoseconds(self.expires_at(contact)),
        })
    }

    /// Returns what the session counts for at an instant not before the contact, if it still
    /// exists: expire first, then fade (rule T2).
    pub(crate) fn presence(&self, contact: i64, at: i64) -> Option<Presence> {
        if at >= self.expires_at(contact) {
            return None;
        }
        let age = at - self.since(contact);
        Some(match self.claim {
            SessionPresence::Available if age >= AWAY_AFTER => Presence::Away,
            SessionPresence::Available if age >= INACTIVE_AFTER => Presence::AvailableInactive,
            claim => claim.into(),
        })
    }

    /// Returns the next instant after `at` at which the session fades or expires.
    pub(crate) fn deadline(&self, contact: i64, at: i64) -> Option<i64> {
        let since = self.since(contact);
        let expires_at = self.expires_at(contact);
        let fades = [INACTIVE_AFTER, AWAY_AFTER].map(|after| since.saturating_add(after));
        fades
            .into_iter()
            .filter(|fade| self.claim == SessionPresence::Available && *fade < expires_at)
            .chain([expires_at])
            .find(|deadline| *deadline > at)
    }

    fn since(&self, contact: i64) -> i64 {
        self.since.min(contact)
    }

    fn expires_at(&self, contact: i64) -> i64 {
        self.since(contact).saturating_add(self.lifetime.nanoseconds())
    }
}

/// At most 4 hours in nanoseconds, little end first: in six bytes, so that a session whose id is a
/// `u64` takes 24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Lifetime([u8; 6]);

impl Lifetime {
    const fn new(nanoseconds: i64) -> Self {
        let [b0, b1, b2, b3, b4, b5, _, _] = nanoseconds.to_le_bytes();
        Self([b0, b1, b2, b3, b4, b5])
    }

    const fn nanoseconds(self) -> i64 {
        let [b0, b1, b2, b3, b4, b5] = self.0;
        i64::from_le_bytes([b0, b1, b2, b3, b4, b5, 0, 0])
    }
}
