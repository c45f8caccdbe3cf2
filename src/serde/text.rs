//! Values whose form is a string in human-readable formats.
//!
//! Timestamps and lifetimes are integers of nanoseconds in all other formats.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use time::{SignedDuration, Timestamp};

use crate::error::{ExpirationError, TimestampError};
use crate::expiration::{PreferredExpiration, SessionExpiration};
use crate::text::{duration, nanoseconds, timestamp};
use crate::vocabulary::{Activity, Availability};

/// The maximum number of characters of a rejected text that an error quotes.
const QUOTED_CHARS: usize = 64;

/// Reads a string and parses it. `expected` completes "invalid type: …, expected".
#[inline]
pub(crate) fn parse<'de, T, D>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(TextVisitor::new(expected))
}

pub(crate) struct TextVisitor<T> {
    expected: &'static str,
    parsed: PhantomData<T>,
}

impl<T> TextVisitor<T> {
    pub(crate) const fn new(expected: &'static str) -> Self {
        Self { expected, parsed: PhantomData }
    }
}

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    #[inline]
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_str(text).map_err(|error| {
            match text.char_indices().nth(QUOTED_CHARS).and_then(|(end, _)| text.get(..end)) {
                Some(start) => E::custom(format_args!("{error}, found {start:?}...")),
                None => E::custom(format_args!("{error}, found {text:?}")),
            }
        })
    }
}

macro_rules! words {
    ($($word:ident),+) => {$(
        impl Serialize for $word {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $word {
            #[inline]
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                parse(deserializer, "a string")
            }
        }
    )+};
}

words!(Availability, Activity);

/// A lifetime that is not checked: its text is an `Edm.Duration`, but it may be out of range.
pub(crate) struct Lifetime(Result<SignedDuration, ExpirationError>);

impl Lifetime {
    pub(crate) fn from_nanoseconds(nanoseconds: u128) -> Self {
        Self(duration::from_nanoseconds(nanoseconds))
    }

    /// Returns the nanoseconds, `None` if it is negative or longer than the range of timestamps.
    pub(crate) fn nanoseconds(&self) -> Option<u64> {
        u64::try_from(self.0.ok()?.whole_nanoseconds()).ok()
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        duration::write(self.0.map_err(|_| fmt::Error)?, f)
    }
}

impl FromStr for Lifetime {
    type Err = ExpirationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match duration::parse(text) {
            Err(ExpirationError::Malformed) => Err(ExpirationError::Malformed),
            duration => Ok(Self(duration)),
        }
    }
}

impl Serialize for Lifetime {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            let duration = self.0.map_err(serde::ser::Error::custom)?;
            serializer.serialize_u128(duration.whole_nanoseconds().unsigned_abs())
        }
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            parse(deserializer, "a duration as a string")
        } else {
            u128::deserialize(deserializer).map(Self::from_nanoseconds)
        }
    }
}

macro_rules! lifetimes {
    ($($expiration:ident),+) => {$(
        impl From<$expiration> for Lifetime {
            fn from(expiration: $expiration) -> Self {
                Self(Ok(expiration.duration()))
            }
        }

        impl TryFrom<Lifetime> for $expiration {
            type Error = ExpirationError;

            fn try_from(Lifetime(duration): Lifetime) -> Result<Self, Self::Error> {
                duration.and_then(Self::new)
            }
        }

        impl Serialize for $expiration {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                Lifetime::from(*self).serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $expiration {
            #[inline]
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Lifetime::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
            }
        }
    )+};
}

lifetimes!(SessionExpiration, PreferredExpiration);

/// Serializes a timestamp, for `#[serde(with = "presence_core::timestamp")]`: as text in human-readable
/// formats, and as an integer of nanoseconds since 1970 in all others.
///
/// # Errors
///
/// Those of the serializer.
///
/// ```
/// use presence_core::{Timestamp, timestamp};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Entry {
///     #[serde(with = "timestamp")]
///     at: Timestamp,
/// }
///
/// let text = r#"{"at":"1970-01-01T00:00:00Z"}"#;
/// let entry: Entry = serde_json::from_str(text)?;
/// assert_eq!(entry.at, Timestamp::UNIX_EPOCH);
/// assert_eq!(serde_json::to_string(&entry)?, text);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn serialize<T: Serializer>(timestamp: &Timestamp, serializer: T) -> Result<T::Ok, T::Error> {
    TimestampForm(*timestamp).serialize(serializer)
}

/// Deserializes a timestamp, for `#[serde(with = "presence_core::timestamp")]`: from text in
/// human-readable formats, and from an integer of nanoseconds since 1970 in all others.
///
/// # Errors
///
/// Those of the deserializer, and the text of [`TimestampError`] with what was
/// found.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    TimestampForm::deserialize(deserializer).map(|TimestampForm(timestamp)| timestamp)
}

/// A timestamp as it is written and read.
struct TimestampForm(Timestamp);

impl fmt::Display for TimestampForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        timestamp::display(self.0).fmt(f)
    }
}

impl FromStr for TimestampForm {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        timestamp::parse(text).map(Self)
    }
}

impl Serialize for TimestampForm {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(nanoseconds::from_timestamp(self.0))
        }
    }
}

impl<'de> Deserialize<'de> for TimestampForm {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            parse(deserializer, "a timestamp as a string")
        } else {
            i64::deserialize(deserializer).map(nanoseconds::to_timestamp).map(Self)
        }
    }
}

/// Timestamps that may be absent, for `#[serde(with = "…")]`.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Timestamp, TimestampForm};

    #[expect(clippy::ref_option, reason = "serde passes the field")]
    pub(crate) fn serialize<T: Serializer>(
        timestamp: &Option<Timestamp>,
        serializer: T,
    ) -> Result<T::Ok, T::Error> {
        timestamp.map(TimestampForm).serialize(serializer)
    }

    #[inline]
    pub(crate) fn deserialize<'de, D>(deserializer: D) -> Result<Option<Timestamp>, D::Error>
    where
        D: Deserializer<'de>,
    {
        Ok(Option::deserialize(deserializer)?.map(|TimestampForm(timestamp)| timestamp))
    }
}
