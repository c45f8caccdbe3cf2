use core::fmt;
use core::str::FromStr;

use time::SignedDuration;

use crate::error::ExpirationError;
use crate::presence::PreferredPresence;
use crate::text::duration;
use crate::text::nanoseconds::MINUTE;

/// The lifetime of a session: 5 minutes to 4 hours, both included (rule [S5](crate::docs::rules#S5)).
///
/// The default is 5 minutes. The text form is OData's `Edm.Duration`.
///
/// ```
/// use presence_core::{ExpirationError, SessionExpiration, SignedDuration};
///
/// let expiration: SessionExpiration = "PT60M".parse()?;
/// assert_eq!(expiration.duration(), SignedDuration::HOUR);
/// assert_eq!(expiration.to_string(), "PT1H");
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

    /// Creates a lifetime.
    ///
    /// # Errors
    ///
    /// [`ExpirationError::OutOfRange`] below 5 minutes and above 4 hours (rule
    /// [S5](crate::docs::rules#S5)).
    pub const fn new(lifetime: SignedDuration) -> Result<Self, ExpirationError> {
        let nanoseconds = lifetime.whole_nanoseconds();
        if nanoseconds < Self::MIN.nanoseconds as i128 || nanoseconds > Self::MAX.nanoseconds as i128 {
            return Err(ExpirationError::OutOfRange);
        }
        #[expect(clippy::cast_possible_truncation, reason = "4 hours fit into 64 bits")]
        Ok(Self { nanoseconds: nanoseconds as i64 })
    }

    /// Returns the lifetime.
    #[must_use]
    pub const fn duration(self) -> SignedDuration {
        SignedDuration::nanoseconds(self.nanoseconds)
    }

    pub(crate) const fn nanoseconds(self) -> i64 {
        self.nanoseconds
    }
}

impl Default for SessionExpiration {
    fn default() -> Self {
        Self::MIN
    }
}

/// The lifetime of a preference: longer than zero, without an upper limit (rule
/// [U3](crate::docs::rules#U3)).
///
/// The default depends on the presence: see [`PreferredExpiration::default_for`]. The text form is
/// OData's `Edm.Duration`. For a preference that ends at `end`: `new(end - now)`.
///
/// ```
/// use presence_core::{
///     ExpirationError, PreferredExpiration, PreferredPresence, SignedDuration, Timestamp,
/// };
///
/// let expiration: PreferredExpiration = "PT90M".parse()?;
/// assert_eq!(expiration.duration(), SignedDuration::minutes(90));
/// assert_eq!(expiration.to_string(), "PT1H30M");
/// assert_eq!("-PT1H".parse::<PreferredExpiration>(), Err(ExpirationError::OutOfRange));
/// assert_eq!(PreferredExpiration::default_for(PreferredPresence::Away).to_string(), "P7D");
///
/// let (now, end) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + SignedDuration::HOUR);
/// assert_eq!(PreferredExpiration::new(end - now)?.to_string(), "PT1H");
/// # Ok::<(), ExpirationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PreferredExpiration(SignedDuration);

impl PreferredExpiration {
    /// Creates a lifetime.
    ///
    /// # Errors
    ///
    /// [`ExpirationError::OutOfRange`] for zero and below (rule [U3](crate::docs::rules#U3)).
    pub const fn new(lifetime: SignedDuration) -> Result<Self, ExpirationError> {
        if lifetime.is_positive() { Ok(Self(lifetime)) } else { Err(ExpirationError::OutOfRange) }
    }

    /// Returns the default lifetime (rule [U2](crate::docs::rules#U2)): 1 day for `DoNotDisturb` and
    /// `Busy`, 7 days for the others.
    #[must_use]
    pub const fn default_for(presence: PreferredPresence) -> Self {
        Self(match presence {
            PreferredPresence::DoNotDisturb | PreferredPresence::Busy => SignedDuration::DAY,
            PreferredPresence::Available
            | PreferredPresence::BeRightBack
            | PreferredPresence::Away
            | PreferredPresence::OffWork => SignedDuration::WEEK,
        })
    }

    /// Returns the lifetime.
    #[must_use]
    pub const fn duration(self) -> SignedDuration {
        self.0
    }
}

/// Implements the text form of lifetimes.
macro_rules! text {
    ($($expiration:ident),+) => {$(
        impl fmt::Display for $expiration {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                duration::write(self.duration(), f)
            }
        }

        impl FromStr for $expiration {
            type Err = ExpirationError;

            /// Parses an `Edm.Duration` such as `PT1H30M`.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                duration::parse(text).and_then(Self::new)
            }
        }
    )+};
}

text!(SessionExpiration, PreferredExpiration);
