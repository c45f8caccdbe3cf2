use core::fmt;

use thiserror::Error;

use crate::model::MAX_SESSIONS;
use crate::{Activity, Availability};

/// What a refusal is called on the wire, as Graph's `error.code` has it.
///
/// | code | status |
/// |---|---|
/// | `InvalidArgument` | 400 |
/// | `NotFound` | 404 |
/// | `Forbidden` | 403 |
///
/// ```
/// use presence_core::{CommandError, ErrorCode};
///
/// let refused = CommandError::SessionNotFound;
/// assert_eq!(refused.code(), ErrorCode::NotFound);
/// assert_eq!((refused.code().as_str(), refused.status()), ("NotFound", 404));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A value that no rule accepts.
    InvalidArgument,
    /// What the command names does not exist.
    NotFound,
    /// The command would pass a limit.
    Forbidden,
}

impl ErrorCode {
    /// Returns the code as Graph spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "InvalidArgument",
            Self::NotFound => "NotFound",
            Self::Forbidden => "Forbidden",
        }
    }

    /// Returns the HTTP status that goes with the code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidArgument => 400,
            Self::NotFound => 404,
            Self::Forbidden => 403,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A command that was refused, and so changed nothing (rule T4).
///
/// ```
/// use presence_core::{ClearSession, CommandError, PresenceModel, Timestamp};
///
/// let mut user = PresenceModel::new();
/// let refused = user.apply(ClearSession::new("phone"), Timestamp::UNIX_EPOCH);
/// assert_eq!(refused, Err(CommandError::SessionNotFound));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The session to clear was never set, is cleared already, or has expired (rule S11).
    #[error("the session does not exist or has expired")]
    SessionNotFound,
    /// The user holds as many live sessions as one user may: [`MAX_SESSIONS`].
    #[error("the user has {MAX_SESSIONS} live sessions, and no more are allowed")]
    TooManySessions,
    /// The directory holds as many users as it can: 7/8 of 2³².
    #[error("the directory is full")]
    TooManyUsers,
}

impl CommandError {
    /// Returns the code of the refusal on the wire.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::SessionNotFound => ErrorCode::NotFound,
            Self::TooManySessions | Self::TooManyUsers => ErrorCode::Forbidden,
        }
    }

    /// Returns the HTTP status that goes with [`code`](Self::code).
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code().status()
    }
}

/// Two words that Graph knows, but that are none of the 11 pairs of [`Presence`](crate::Presence).
///
/// ```
/// use presence_core::{Activity, Availability, Presence};
///
/// let error = Presence::try_from((Availability::Busy, Activity::InAMeeting)).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "Busy/InAMeeting is not a presence that this machine can reach"
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("{availability}/{activity} is not a presence that this machine can reach")]
#[non_exhaustive]
pub struct PresenceError {
    /// The first half of the pair.
    pub availability: Availability,
    /// The second half of the pair.
    pub activity: Activity,
}

/// A pair that no session may claim (rule S4).
///
/// ```
/// use presence_core::{Presence, SessionPresence};
///
/// let error = SessionPresence::try_from(Presence::Busy).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "a session cannot be set to Busy/Busy, only to Available/Available, Busy/InACall, \
///      Busy/InAConferenceCall, DoNotDisturb/Presenting or Away/Away"
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error(
    "a session cannot be set to {availability}/{activity}, only to Available/Available, \
     Busy/InACall, Busy/InAConferenceCall, DoNotDisturb/Presenting or Away/Away"
)]
#[non_exhaustive]
pub struct SessionPresenceError {
    /// The first half of the pair.
    pub availability: Availability,
    /// The second half of the pair.
    pub activity: Activity,
}

/// A pair that no user may prefer (rule U1).
///
/// ```
/// use presence_core::{PreferredPresence, Presence};
///
/// let error = PreferredPresence::try_from(Presence::Offline).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "Offline/Offline cannot be preferred, only Available/Available, Busy/Busy, \
///      DoNotDisturb/DoNotDisturb, BeRightBack/BeRightBack, Away/Away or Offline/OffWork"
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error(
    "{availability}/{activity} cannot be preferred, only Available/Available, Busy/Busy, \
     DoNotDisturb/DoNotDisturb, BeRightBack/BeRightBack, Away/Away or Offline/OffWork"
)]
#[non_exhaustive]
pub struct PreferredPresenceError {
    /// The first half of the pair.
    pub availability: Availability,
    /// The second half of the pair.
    pub activity: Activity,
}

/// A word that is no [`Availability`].
///
/// ```
/// use presence_core::Availability;
///
/// assert_eq!(
///     "available".parse::<Availability>().unwrap_err().to_string(),
///     "unknown availability"
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("unknown availability")]
#[non_exhaustive]
pub struct AvailabilityError;

/// A word that is no [`Activity`].
///
/// ```
/// use presence_core::Activity;
///
/// assert_eq!("Lunch".parse::<Activity>().unwrap_err().to_string(), "unknown activity");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("unknown activity")]
#[non_exhaustive]
pub struct ActivityError;

/// A lifetime that can't be read or is not allowed.
///
/// ```
/// use presence_core::{ExpirationError, SessionExpiration};
///
/// assert_eq!("5 minutes".parse::<SessionExpiration>(), Err(ExpirationError::Malformed));
/// assert_eq!("PT4M59S".parse::<SessionExpiration>(), Err(ExpirationError::OutOfRange));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ExpirationError {
    /// The text is no duration as OData writes them.
    #[error("malformed [ExpirationDuration], want one like PT1H30M or P1D")]
    Malformed,
    /// A duration, but one that rule S5 or U3 refuses.
    #[error("The provided [ExpirationDuration] is out of range.")]
    OutOfRange,
}

/// A text that is no instant of the form `YYYY-MM-DDThh:mm:ss[.fraction]Z`.
///
/// ```
/// use presence_core::rfc3339;
///
/// let error = rfc3339::parse("2026-11-20T09:00:00+01:00").unwrap_err();
/// assert_eq!(error.to_string(), "malformed instant, want one like 2026-11-20T09:00:00Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("malformed instant, want one like 2026-11-20T09:00:00Z")]
#[non_exhaustive]
pub struct InstantError;

macro_rules! invalid_argument {
    ($($error:ident),+) => {$(
        impl $error {
            /// Returns [`ErrorCode::InvalidArgument`].
            #[must_use]
            pub const fn code(&self) -> ErrorCode {
                ErrorCode::InvalidArgument
            }

            /// Returns the HTTP status that goes with [`code`](Self::code): 400.
            #[must_use]
            pub const fn status(&self) -> u16 {
                self.code().status()
            }
        }
    )+};
}

invalid_argument!(
    PresenceError,
    SessionPresenceError,
    PreferredPresenceError,
    AvailabilityError,
    ActivityError,
    ExpirationError,
    InstantError
);
