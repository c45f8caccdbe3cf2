//! Values whose form is a string.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use time::Timestamp;

use crate::error::{ExpirationError, TimestampError};
use crate::expiration::{PreferredExpiration, SessionExpiration};
use crate::text::timestamp;
use crate::vocabulary::{Activity, ActivityError, Availability, AvailabilityError};

/// The maximum number of characters of a rejected text that an error quotes.
const QUOTED_CHARS: usize = 64;

/// An error of a value whose form is a string.
trait TextError: fmt::Display {
    /// Returns whether the message is complete without the text that was found.
    fn is_complete(&self) -> bool {
        false
    }
}

impl TextError for AvailabilityError {}

impl TextError for ActivityError {}

impl TextError for TimestampError {}

impl TextError for ExpirationError {
    fn is_complete(&self) -> bool {
        match self {
            Self::Malformed => false,
            Self::OutOfRange => true,
        }
    }
}

/// Reads a string and parses it. `expected` completes "invalid type: …, expected".
struct TextVisitor<T> {
    expected: &'static str,
    parsed: PhantomData<T>,
}

impl<T: FromStr<Err: TextError>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_str(text).map_err(|error| {
            if error.is_complete() {
                return E::custom(error);
            }
            match text.char_indices().nth(QUOTED_CHARS).and_then(|(end, _)| text.get(..end)) {
                Some(start) => E::custom(format_args!("{error}, found {start:?}...")),
                None => E::custom(format_args!("{error}, found {text:?}")),
            }
        })
    }
}

macro_rules! texts {
    ($($text:ident: $expected:literal),+ $(,)?) => {$(
        impl Serialize for $text {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $text {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let visitor = TextVisitor { expected: $expected, parsed: PhantomData };
                deserializer.deserialize_str(visitor)
            }
        }
    )+};
}

texts! {
    Availability: "the [Availability] as a string",
    Activity: "the [Activity] as a string",
    SessionExpiration: "the [ExpirationDuration] as a string",
    PreferredExpiration: "the [ExpirationDuration] as a string",
    Text: "a timestamp as a string",
}

/// Serializes a timestamp as text, for `#[serde(with = "presence_core::timestamp")]`.
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
    Text(*timestamp).serialize(serializer)
}

/// Deserializes a timestamp from text, for `#[serde(with = "presence_core::timestamp")]`.
///
/// # Errors
///
/// Those of the deserializer, and the text of [`TimestampError`] with what was found.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    Text::deserialize(deserializer).map(|Text(timestamp)| timestamp)
}

/// A timestamp whose form is a string.
pub(super) struct Text(pub(super) Timestamp);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        timestamp::display(self.0).fmt(f)
    }
}

impl FromStr for Text {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        timestamp::parse(text).map(Self)
    }
}
