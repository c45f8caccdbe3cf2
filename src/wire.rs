//! Graph's wire form, by way of `serde`.
//!
//! Every value is read through the constructor that checks it, and never by the forms of the crate
//! `time`, which change with features that other crates switch on.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use time::Timestamp;

use crate::{
    Activity, ActivityError, Availability, AvailabilityError, Change, ClearPreferred, ClearSession,
    ExpirationError, Explanation, InstantError, Preferred, PreferredExpiration, PreferredPresence,
    Presence, Reason, Session, SessionExpiration, SessionPresence, SetPreferred, SetSession, Tick,
    rfc3339,
};

/// How much of a text that was refused is repeated in the error.
const QUOTED_CHARS: usize = 64;

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "S: Deserialize<'de>"))]
struct SetSessionBody<S> {
    #[serde(default, deserialize_with = "deserialize_session_id")]
    session_id: Option<S>,
    availability: Option<Availability>,
    activity: Option<Activity>,
    expiration_duration: Option<SessionExpiration>,
}

impl<S: Serialize> Serialize for SetSession<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let presence = Presence::from(self.presence);
        SetSessionBody {
            session_id: Some(&self.session_id),
            availability: Some(presence.availability()),
            activity: Some(presence.activity()),
            expiration_duration: Some(self.expiration),
        }
        .serialize(serializer)
    }
}

impl<'de, S: Deserialize<'de>> Deserialize<'de> for SetSession<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body: SetSessionBody<S> = object(deserializer)?;
        let session_id = required(body.session_id, "SessionId")?;
        let presence = pair(body.availability, body.activity)?;
        let expiration = body.expiration_duration.unwrap_or_default();
        Ok(Self::new(session_id, presence).with_expiration(expiration))
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "S: Deserialize<'de>"))]
struct ClearSessionBody<S> {
    #[serde(default, deserialize_with = "deserialize_session_id")]
    session_id: Option<S>,
}

impl<S: Serialize> Serialize for ClearSession<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        ClearSessionBody { session_id: Some(&self.session_id) }.serialize(serializer)
    }
}

impl<'de, S: Deserialize<'de>> Deserialize<'de> for ClearSession<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body: ClearSessionBody<S> = object(deserializer)?;
        required(body.session_id, "SessionId").map(Self::new)
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetPreferredBody {
    availability: Option<Availability>,
    activity: Option<Activity>,
    expiration_duration: Option<PreferredExpiration>,
}

impl Serialize for SetPreferred {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let presence = Presence::from(self.presence);
        SetPreferredBody {
            availability: Some(presence.availability()),
            activity: Some(presence.activity()),
            expiration_duration: Some(self.expiration),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SetPreferred {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body: SetPreferredBody = object(deserializer)?;
        let presence: PreferredPresence = pair(body.availability, body.activity)?;
        let expiration = body.expiration_duration.unwrap_or(presence.default_expiration());
        Ok(Self::new(presence).with_expiration(expiration))
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct EmptyBody {}

macro_rules! empty_bodies {
    ($($body:ident),+) => {$(
        impl Serialize for $body {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                EmptyBody {}.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $body {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                object(deserializer).map(|EmptyBody {}| Self)
            }
        }
    )+};
}

empty_bodies!(ClearPreferred, Tick);

#[derive(serde::Serialize, serde::Deserialize)]
struct PresenceBody {
    availability: Option<Availability>,
    activity: Option<Activity>,
}

macro_rules! pairs {
    ($($presence:ident),+) => {$(
        impl Serialize for $presence {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                let presence = Presence::from(*self);
                PresenceBody {
                    availability: Some(presence.availability()),
                    activity: Some(presence.activity()),
                }
                .serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $presence {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let body: PresenceBody = object(deserializer)?;
                pair(body.availability, body.activity)
            }
        }
    )+};
}

pairs!(Presence, SessionPresence, PreferredPresence);

impl Serialize for Change {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut change = serializer.serialize_struct("Change", 3)?;
        change.serialize_field("at", &Rfc3339(self.at))?;
        change.serialize_field("availability", &self.presence.availability())?;
        change.serialize_field("activity", &self.presence.activity())?;
        change.end()
    }
}

/// Reads an object, and in a text no list of the values of its fields, which `serde` takes too.
fn object<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    if deserializer.is_human_readable() {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    } else {
        T::deserialize(deserializer)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields))
    }
}

/// An instant, where a field of a struct is written.
struct Rfc3339(Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        serialize_instant(&self.0, serializer)
    }
}

impl<S: Serialize> Serialize for Session<'_, S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut session = serializer.serialize_struct("Session", 6)?;
        session.serialize_field("id", self.id)?;
        session.serialize_field("claim", &self.claim)?;
        session.serialize_field("presence", &self.presence)?;
        session.serialize_field("since", &Rfc3339(self.since))?;
        session.serialize_field("deadline", &Rfc3339(self.deadline))?;
        session.serialize_field("expiresAt", &Rfc3339(self.expires_at))?;
        session.end()
    }
}

impl Serialize for Preferred {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut preferred = serializer.serialize_struct("Preferred", 3)?;
        preferred.serialize_field("presence", &self.presence)?;
        preferred.serialize_field("since", &Rfc3339(self.since))?;
        preferred.serialize_field("expiresAt", &Rfc3339(self.expires_at))?;
        preferred.end()
    }
}

impl<S: Serialize> Serialize for Explanation<'_, S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut explanation = serializer.serialize_struct("Explanation", 5)?;
        explanation.serialize_field("presence", &self.presence)?;
        explanation.serialize_field("until", &self.until.map(Rfc3339))?;
        explanation.serialize_field("reason", &self.reason)?;
        explanation.serialize_field("waiting", &self.waiting)?;
        explanation.serialize_field("others", &self.others)?;
        explanation.end()
    }
}

impl<S: Serialize> Serialize for Reason<'_, S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        match self {
            Self::NoSession => serializer.serialize_unit_variant("Reason", 0, "noSession"),
            Self::Preferred(preferred) => {
                serializer.serialize_newtype_variant("Reason", 1, "preferred", preferred)
            }
            Self::Session(session) => {
                serializer.serialize_newtype_variant("Reason", 2, "session", session)
            }
        }
    }
}

fn required<T, E: Error>(value: Option<T>, field: &str) -> Result<T, E> {
    value.ok_or_else(|| E::custom(format_args!("[{field}]: The {field} field is required.")))
}

fn pair<T, E: Error>(availability: Option<Availability>, activity: Option<Activity>) -> Result<T, E>
where
    T: TryFrom<(Availability, Activity), Error: fmt::Display>,
{
    let pair = (required(availability, "Availability")?, required(activity, "Activity")?);
    T::try_from(pair).map_err(E::custom)
}

fn deserialize_session_id<'de, S, D>(deserializer: D) -> Result<Option<S>, D::Error>
where
    S: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer)
        .map_err(|error| D::Error::custom(format_args!("[SessionId]: {error}")))
}

/// Writes an instant, for `#[serde(with = "presence_core::rfc3339")]`.
///
/// # Errors
///
/// Those of the serializer.
///
/// ```
/// use presence_core::{Timestamp, rfc3339};
///
/// #[derive(serde::Serialize)]
/// struct Entry {
///     #[serde(with = "rfc3339")]
///     at: Timestamp,
/// }
///
/// let entry = Entry { at: Timestamp::UNIX_EPOCH };
/// assert_eq!(serde_json::to_string(&entry)?, r#"{"at":"1970-01-01T00:00:00Z"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn serialize_instant<T: Serializer>(instant: &Timestamp, serializer: T) -> Result<T::Ok, T::Error> {
    serializer.collect_str(&rfc3339::display(*instant))
}

/// Reads an instant, for `#[serde(with = "presence_core::rfc3339")]`.
///
/// # Errors
///
/// Those of the deserializer, and the text of [`InstantError`] with what was read.
///
/// ```
/// use presence_core::{Timestamp, rfc3339};
///
/// #[derive(serde::Deserialize)]
/// struct Entry {
///     #[serde(with = "rfc3339")]
///     at: Timestamp,
/// }
///
/// let entry = serde_json::from_str::<Entry>(r#"{"at":"1970-01-01T00:00:00Z"}"#)?;
/// assert_eq!(entry.at, Timestamp::UNIX_EPOCH);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn deserialize_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    deserializer.deserialize_str(Reader(PhantomData::<Instant>)).map(|Instant(instant)| instant)
}

struct Instant(Timestamp);

impl FromStr for Instant {
    type Err = InstantError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        rfc3339::parse(text).map(Self)
    }
}

/// A value that is written as a string.
trait Text: FromStr<Err: Refusal> {
    const EXPECTED: &'static str;
}

impl Text for Instant {
    const EXPECTED: &'static str = "an instant as a string";
}

macro_rules! texts {
    ($($text:ident: $expected:literal),+ $(,)?) => {$(
        impl Text for $text {
            const EXPECTED: &'static str = $expected;
        }

        impl Serialize for $text {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $text {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Reader(PhantomData))
            }
        }
    )+};
}

texts! {
    Availability: "the [Availability] as a string",
    Activity: "the [Activity] as a string",
    SessionExpiration: "the [ExpirationDuration] as a string",
    PreferredExpiration: "the [ExpirationDuration] as a string",
}

/// An error of a value that is written as a string.
trait Refusal: fmt::Display + Sized {
    /// Words the error, as a rule with what was read.
    fn refuse<E: Error>(self, text: &str) -> E {
        quoting(&self, text)
    }
}

impl Refusal for AvailabilityError {}

impl Refusal for ActivityError {}

impl Refusal for InstantError {}

impl Refusal for ExpirationError {
    /// What is out of range is told in Graph's words, and no others.
    fn refuse<E: Error>(self, text: &str) -> E {
        match self {
            Self::Malformed => quoting(&self, text),
            Self::OutOfRange => E::custom(self),
        }
    }
}

struct Reader<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::from_str(text).map_err(|error| error.refuse(text))
    }
}

fn quoting<E: Error>(error: &impl fmt::Display, text: &str) -> E {
    match text.char_indices().nth(QUOTED_CHARS).and_then(|(end, _)| text.get(..end)) {
        Some(start) => E::custom(format_args!("{error}: {start:?}...")),
        None => E::custom(format_args!("{error}: {text:?}")),
    }
}
