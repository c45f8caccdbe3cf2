use core::fmt;
use core::str::FromStr;

use time::{SignedDuration, Timestamp};

use crate::session::Stage;
use crate::{
    Activity, Availability, ExpirationError, PreferredPresenceError, Presence, PresenceError, duration,
    instant,
};

/// What a user may prefer (rule U1).
///
/// With the feature `serde` it is read and written as [`Presence`] is.
///
/// ```
/// use presence_core::{PreferredPresence, Presence};
///
/// assert_eq!(PreferredPresence::try_from(Presence::OffWork), Ok(PreferredPresence::OffWork));
/// assert!(PreferredPresence::try_from(Presence::InACall).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PreferredPresence {
    /// Available/Available; it does not fade (rule U7).
    Available,
    /// Busy/Busy.
    Busy,
    /// DoNotDisturb/DoNotDisturb.
    DoNotDisturb,
    /// BeRightBack/BeRightBack.
    BeRightBack,
    /// Away/Away.
    Away,
    /// Offline/OffWork: to appear offline (rule U8).
    OffWork,
}

impl PreferredPresence {
    /// All that may be preferred, in the order of Graph's documents.
    pub const ALL: [Self; 6] =
        [Self::Available, Self::Busy, Self::DoNotDisturb, Self::BeRightBack, Self::Away, Self::OffWork];

    /// Returns how long the preference lives where no lifetime is given: a day of 24 hours for
    /// `DoNotDisturb` and `Busy`, 7 such days for the others (rule U2).
    ///
    /// ```
    /// use presence_core::PreferredPresence;
    ///
    /// assert_eq!(PreferredPresence::DoNotDisturb.default_expiration().to_string(), "P1D");
    /// assert_eq!(PreferredPresence::Away.default_expiration().to_string(), "P7D");
    /// ```
    #[must_use]
    pub const fn default_expiration(self) -> PreferredExpiration {
        PreferredExpiration(match self {
            Self::DoNotDisturb | Self::Busy => SignedDuration::DAY,
            Self::Available | Self::BeRightBack | Self::Away | Self::OffWork => SignedDuration::WEEK,
        })
    }
}

impl From<PreferredPresence> for Presence {
    fn from(presence: PreferredPresence) -> Self {
        match presence {
            PreferredPresence::Available => Self::Available,
            PreferredPresence::Busy => Self::Busy,
            PreferredPresence::DoNotDisturb => Self::DoNotDisturb,
            PreferredPresence::BeRightBack => Self::BeRightBack,
            PreferredPresence::Away => Self::Away,
            PreferredPresence::OffWork => Self::OffWork,
        }
    }
}

impl TryFrom<Presence> for PreferredPresence {
    type Error = PreferredPresenceError;

    /// Finds the preference that is the given presence.
    ///
    /// # Errors
    ///
    /// [`PreferredPresenceError`] for the five presences that no user may prefer (rule U1).
    fn try_from(presence: Presence) -> Result<Self, Self::Error> {
        Self::try_from((presence.availability(), presence.activity()))
    }
}

impl TryFrom<(Availability, Activity)> for PreferredPresence {
    type Error = PreferredPresenceError;

    /// Finds the preference that is the given pair.
    ///
    /// # Errors
    ///
    /// [`PreferredPresenceError`] for every pair but six (rule U1).
    fn try_from(pair: (Availability, Activity)) -> Result<Self, Self::Error> {
        let refused =
            |PresenceError { availability, activity }| PreferredPresenceError { availability, activity };
        let presence = Presence::try_from(pair).map_err(refused)?;
        Self::ALL
            .into_iter()
            .find(|preferred| Presence::from(*preferred) == presence)
            .ok_or(refused(PresenceError { availability: pair.0, activity: pair.1 }))
    }
}

/// How long a preference lives: longer than zero, with no upper bound (rule U3).
///
/// The default depends on what is preferred: [`PreferredPresence::default_expiration`]. It is read
/// from and shown as OData's `Edm.Duration`.
///
/// ```
/// use presence_core::{ExpirationError, PreferredExpiration, SignedDuration};
///
/// let expiration = "PT90M".parse::<PreferredExpiration>()?;
/// assert_eq!(expiration.duration(), SignedDuration::minutes(90));
/// assert_eq!(expiration.to_string(), "PT1H30M");
/// assert_eq!("-PT1H".parse::<PreferredExpiration>(), Err(ExpirationError::OutOfRange));
/// # Ok::<(), ExpirationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PreferredExpiration(SignedDuration);

impl PreferredExpiration {
    /// Accepts a lifetime longer than zero.
    ///
    /// # Errors
    ///
    /// [`ExpirationError::OutOfRange`] for zero and below (rule U3).
    ///
    /// ```
    /// use presence_core::{ExpirationError, PreferredExpiration, SignedDuration};
    ///
    /// assert!(PreferredExpiration::new(SignedDuration::NANOSECOND).is_ok());
    /// assert_eq!(PreferredExpiration::new(SignedDuration::ZERO), Err(ExpirationError::OutOfRange));
    /// ```
    pub const fn new(lifetime: SignedDuration) -> Result<Self, ExpirationError> {
        if lifetime.is_positive() { Ok(Self(lifetime)) } else { Err(ExpirationError::OutOfRange) }
    }

    /// Returns the lifetime.
    #[must_use]
    pub const fn duration(self) -> SignedDuration {
        self.0
    }
}

impl fmt::Display for PreferredExpiration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        duration::write(self.0, f)
    }
}

impl FromStr for PreferredExpiration {
    type Err = ExpirationError;

    /// Reads a lifetime as OData writes durations, such as `P1D`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        duration::parse(text).and_then(Self::new)
    }
}

/// A preference in force, as [`PresenceModel::preferred`](crate::PresenceModel::preferred) shows it.
///
/// In force does not mean visible: without a session the user is offline all the same (rule P4).
/// With the feature `serde` it is written as `{"presence":…,"since":…,"expiresAt":…}`.
///
/// ```
/// use presence_core::{
///     PreferredPresence, PresenceModel, SetPreferred, SignedDuration, Timestamp,
/// };
///
/// let now = Timestamp::UNIX_EPOCH;
/// let mut user = PresenceModel::<u64>::new();
/// let _ = user.apply(SetPreferred::new(PreferredPresence::Busy), now)?;
/// let preferred = user.preferred(now).unwrap();
/// assert_eq!(preferred.presence, PreferredPresence::Busy);
/// assert_eq!(preferred.expires_at, now + SignedDuration::DAY);
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Preferred {
    /// What the user prefers.
    pub presence: PreferredPresence,
    /// When it was preferred.
    pub since: Timestamp,
    /// When the preference will be gone (rules U2 and U3).
    pub expires_at: Timestamp,
}

/// A preference as it is stored: a start and a lifetime, as a stored session has them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct StoredPreferred {
    presence: PreferredPresence,
    since: i64,
    lifetime: u64,
}

impl StoredPreferred {
    /// Returns the preference as it is once set, or nothing where it would end at its start
    /// (rule T6).
    pub(crate) fn new(
        presence: PreferredPresence,
        expiration: PreferredExpiration,
        now: i64,
    ) -> Option<Self> {
        let lifetime = expiration.0.whole_nanoseconds();
        let expires_at = i64::try_from(i128::from(now) + lifetime).unwrap_or(i64::MAX);
        Self::from_parts(presence, now, expires_at.abs_diff(now))
    }

    /// Returns a preference, if it has a lifetime and ends before the end of time.
    pub(crate) fn from_parts(presence: PreferredPresence, since: i64, lifetime: u64) -> Option<Self> {
        (lifetime > 0 && since.checked_add_unsigned(lifetime).is_some()).then_some(Self {
            presence,
            since,
            lifetime,
        })
    }

    #[cfg(feature = "serde")]
    pub(crate) fn as_parts(&self) -> (PreferredPresence, i64, u64) {
        (self.presence, self.since, self.lifetime)
    }

    /// Returns whether the preference is in force at `now` and was not set after it.
    pub(crate) fn is_settled(&self, now: i64) -> bool {
        self.since <= now && now < self.expires_at(now)
    }

    /// Moves a start in the future back to the instant of contact (rule T5).
    pub(crate) fn healed(&self, now: i64) -> Self {
        Self { since: self.since.min(now), ..*self }
    }

    pub(crate) fn view(&self, contact: i64) -> Option<Preferred> {
        (contact < self.expires_at(contact)).then(|| Preferred {
            presence: self.presence,
            since: instant::from_nanoseconds(self.since.min(contact)),
            expires_at: instant::from_nanoseconds(self.expires_at(contact)),
        })
    }

    /// Returns what is preferred, in force or not.
    pub(crate) fn in_calm(&self) -> Presence {
        self.presence.into()
    }

    /// Returns what is preferred at an instant not before the contact, and up to when, if it is
    /// still in force then.
    pub(crate) fn stage(&self, contact: i64, at: i64) -> Option<Stage> {
        let until = self.expires_at(contact);
        (at < until).then(|| Stage { presence: self.presence.into(), until })
    }

    /// Returns when the preference expires, if that is after an instant.
    pub(crate) fn until_after(&self, contact: i64, at: i64) -> Option<i64> {
        Some(self.expires_at(contact)).filter(|until| *until > at)
    }

    pub(crate) fn since(&self) -> i64 {
        self.since
    }

    fn expires_at(&self, contact: i64) -> i64 {
        self.since.min(contact).saturating_add_unsigned(self.lifetime)
    }
}
