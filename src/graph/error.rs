use alloc::string::{String, ToString};
use core::fmt;

use thiserror::Error;

use crate::command::CommandError;
use crate::error::{ExpirationError, TimestampError};
#[cfg(feature = "serde")]
use crate::graph::body::BodyError;
use crate::graph::query::TooManyUserIds;
use crate::presence::PresenceError;

/// The `error.code` of a Graph response.
///
/// | code | status |
/// |---|---|
/// | `InvalidArgument` | 400 |
/// | `Forbidden` | 403 |
/// | `NotFound` | 404 |
/// | `generalException` | 500 |
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
    /// Any other error. No error of this crate has it: a server can use it for its own failures, and a
    /// client reads it for every code that is not known here.
    GeneralException,
}

impl ErrorCode {
    #[cfg(feature = "serde")]
    const ALL: [Self; 4] =
        [Self::InvalidArgument, Self::Forbidden, Self::NotFound, Self::GeneralException];

    /// Returns the code as Graph spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "InvalidArgument",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
            Self::GeneralException => "generalException",
        }
    }

    /// Returns the HTTP status that goes with the code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidArgument => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::GeneralException => 500,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An error as the body of an answer: a code and a text.
///
/// Every error of this crate converts into it. With the feature `serde`, it is written and read as
/// `{"error":{"code":"NotFound","message":"…"}}`.
///
/// ```
/// use presence_core::CommandError;
/// use presence_core::graph::GraphError;
///
/// let error = GraphError::from(CommandError::SessionNotFound);
/// assert_eq!((error.code().as_str(), error.status()), ("NotFound", 404));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Error)]
#[error("{message}")]
pub struct GraphError {
    code: ErrorCode,
    message: String,
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

    /// Returns the text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the HTTP status of the code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.code.status()
    }
}

impl CommandError {
    /// Returns the code of the error.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::SessionNotFound => ErrorCode::NotFound,
            Self::TooManySessions => ErrorCode::Forbidden,
        }
    }
}

macro_rules! invalid_arguments {
    ($($(#[$attribute:meta])? $error:ident),+ $(,)?) => {$(
        $(#[$attribute])?
        impl $error {
            /// Returns [`ErrorCode::InvalidArgument`].
            #[must_use]
            pub const fn code(&self) -> ErrorCode {
                ErrorCode::InvalidArgument
            }
        }
    )+};
}

invalid_arguments! {
    PresenceError,
    ExpirationError,
    TimestampError,
    TooManyUserIds,
    #[cfg(feature = "serde")]
    BodyError,
}

/// Makes errors with a code answers.
macro_rules! answers {
    ($($(#[$attribute:meta])? $error:ident),+ $(,)?) => {$(
        $(#[$attribute])?
        impl $error {
            /// Returns the HTTP status of the code.
            #[must_use]
            pub const fn status(&self) -> u16 {
                self.code().status()
            }
        }

        $(#[$attribute])?
        impl From<$error> for GraphError {
            fn from(error: $error) -> Self {
                Self::new(error.code(), error.to_string())
            }
        }
    )+};
}

answers! {
    CommandError,
    PresenceError,
    ExpirationError,
    TimestampError,
    TooManyUserIds,
    #[cfg(feature = "serde")]
    BodyError,
}

#[cfg(feature = "serde")]
mod form {
    use alloc::borrow::Cow;

    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    use super::{ErrorCode, GraphError};
    use crate::text::name;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Answer<'a> {
        error: Content<'a>,
    }

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Content<'a> {
        code: Cow<'a, str>,
        message: Cow<'a, str>,
    }

    impl Serialize for GraphError {
        fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
            let error = Content { code: self.code.as_str().into(), message: self.message().into() };
            Answer { error }.serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for GraphError {
        /// Reads the error of an answer. A code that is not known is
        /// [`ErrorCode::GeneralException`].
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Answer { error } = Answer::deserialize(deserializer)?;
            let position = name::position(&error.code, &ErrorCode::ALL.map(ErrorCode::as_str));
            let code = position.and_then(|position| ErrorCode::ALL.get(position).copied());
            Ok(Self::new(code.unwrap_or(ErrorCode::GeneralException), error.message))
        }
    }
}
