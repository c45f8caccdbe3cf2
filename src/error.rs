use alloc::string::String;
use core::fmt;

use thiserror::Error;

use crate::vocabulary::{Activity, ActivityError, Availability, AvailabilityError};

/// The `error.code` of a Graph response.
///
/// | code | status |
/// |---|---|
/// | `InvalidArgument` | 400 |
/// | `Forbidden` | 403 |
/// | `NotFound` | 404 |
///
/// Every error of this crate has a `code()` and a `status()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A value that breaks a rule.
    InvalidArgument,
    /// A command that would exceed a limit.
    Forbidden,
    /// A command that names something that does not exist.
    NotFound,
}

impl ErrorCode {
    /// Returns the code as Graph spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "InvalidArgument",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
        }
    }

    /// Returns the HTTP status that goes with the code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidArgument => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text or a pair that is not the presence that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum PresenceError {
    /// The text is not two known words with a slash between them.
    #[error("invalid presence, expected an availability and an activity such as Busy/InACall")]
    Malformed,
    /// The pair is not one of the 11 of [`Presence`](crate::Presence).
    #[error("invalid presence {availability}/{activity}, expected a pair such as Busy/InACall")]
    NotReachable {
        /// The first word of the pair.
        availability: Availability,
        /// The second word of the pair.
        activity: Activity,
    },
    /// No session may claim the pair (rule S4).
    #[error(
        "invalid session presence {availability}/{activity}, expected Available/Available, \
         Busy/InACall, Busy/InAConferenceCall, DoNotDisturb/Presenting or Away/Away"
    )]
    NotClaimable {
        /// The first word of the pair.
        availability: Availability,
        /// The second word of the pair.
        activity: Activity,
    },
    /// No user may prefer the pair (rule U1).
    #[error(
        "invalid preferred presence {availability}/{activity}, expected Available/Available, \
         Busy/Busy, DoNotDisturb/DoNotDisturb, BeRightBack/BeRightBack, Away/Away or Offline/OffWork"
    )]
    NotPreferable {
        /// The first word of the pair.
        availability: Availability,
        /// The second word of the pair.
        activity: Activity,
    },
}

/// A lifetime that cannot be parsed or is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ExpirationError {
    /// The text is not an `Edm.Duration`.
    #[error("invalid [ExpirationDuration], expected a duration such as PT1H30M or P1D")]
    Malformed,
    /// The duration is outside the limits: 5 minutes to 4 hours for a session (rule S5), more than zero
    /// for a preference (rule U3). The text is Graph's.
    #[error("The provided [ExpirationDuration] is out of range.")]
    OutOfRange,
}

/// A text that is not a timestamp of the form `YYYY-MM-DDThh:mm:ss[.fraction]Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("invalid timestamp, expected one such as 2026-11-20T09:00:00Z")]
#[non_exhaustive]
pub struct TimestampError;

/// An error as the body of an answer: a code and a text.
///
/// Every error of this crate converts into it. With the feature `serde`, it is written as
/// `{"error":{"code":"NotFound","message":"…"}}`.
///
/// ```
/// use presence_core::{CommandError, GraphError};
///
/// let error = GraphError::from(CommandError::SessionNotFound);
/// assert_eq!((error.code().as_str(), error.status()), ("NotFound", 404));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct GraphError {
    /// The code, which also gives the HTTP status.
    pub code: ErrorCode,
    /// The text.
    pub message: String,
}

impl GraphError {
    /// Creates an error of your own, such as one about the path of a request.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Returns the code.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the HTTP status of the code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code.status()
    }
}

/// Gives errors about values their code.
macro_rules! invalid_argument {
    ($($error:ident),+ $(,)?) => {$(
        impl $error {
            /// Returns [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument).
            #[must_use]
            pub const fn code(&self) -> $crate::error::ErrorCode {
                $crate::error::ErrorCode::InvalidArgument
            }
        }

        $crate::error::graph_error!($error);
    )+};
}

/// Makes an error with a code an answer.
macro_rules! graph_error {
    ($error:ident) => {
        impl $error {
            /// Returns the HTTP status of the code.
            #[must_use]
            pub const fn status(&self) -> u16 {
                self.code().status()
            }
        }

        impl From<$error> for $crate::error::GraphError {
            fn from(error: $error) -> Self {
                Self::new(error.code(), alloc::string::ToString::to_string(&error))
            }
        }
    };
}

pub(crate) use graph_error;
pub(crate) use invalid_argument;

invalid_argument!(AvailabilityError, ActivityError, PresenceError, ExpirationError, TimestampError);
