use thiserror::Error;

/// A lifetime that cannot be parsed or is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ExpirationError {
    /// The text is not an `Edm.Duration`.
    #[error("invalid duration, expected one such as PT1H30M or P1D: days are the largest unit")]
    Malformed,
    /// The duration is outside the limits: 5 minutes to 4 hours for a session (rule
    /// [S5](crate::docs::rules#S5)), more than zero for a preference (rule [U3](crate::docs::rules#U3)).
    /// The text is Graph's.
    #[error("The provided [ExpirationDuration] is out of range.")]
    OutOfRange,
}

/// A text that is not a timestamp of RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("invalid timestamp, expected one such as 2026-11-20T09:00:00Z")]
#[non_exhaustive]
pub struct TimestampError;
