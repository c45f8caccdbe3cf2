//! Graph's bodies and pairs.

use core::fmt;
use core::marker::PhantomData;

use alloc::vec::Vec;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::command::{ClearPreferred, ClearSession, SetPreferred, SetSession, Tick};
use crate::error::PresenceError;
use crate::expiration::{PreferredExpiration, SessionExpiration};
use crate::presence::{PreferredPresence, Presence, SessionPresence};
use crate::query::GetPresencesByUserId;
use crate::vocabulary::{Activity, Availability};

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "S: Deserialize<'de>"))]
struct SetSessionForm<S> {
    #[serde(default, deserialize_with = "deserialize_session_id")]
    session_id: Option<S>,
    availability: Option<Availability>,
    activity: Option<Activity>,
    expiration_duration: Option<SessionExpiration>,
}

impl<S: Serialize> Serialize for SetSession<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let presence = self.claim.presence();
        SetSessionForm {
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
        let form: SetSessionForm<S> = object(deserializer)?;
        let session_id = required(form.session_id, "SessionId")?;
        let claim = pair(form.availability, form.activity)?;
        let expiration = form.expiration_duration.unwrap_or_default();
        Ok(Self::new(session_id, claim).with_expiration(expiration))
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "S: Deserialize<'de>"))]
struct ClearSessionForm<S> {
    #[serde(default, deserialize_with = "deserialize_session_id")]
    session_id: Option<S>,
}

impl<S: Serialize> Serialize for ClearSession<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        ClearSessionForm { session_id: Some(&self.session_id) }.serialize(serializer)
    }
}

impl<'de, S: Deserialize<'de>> Deserialize<'de> for ClearSession<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form: ClearSessionForm<S> = object(deserializer)?;
        required(form.session_id, "SessionId").map(Self::new)
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetPreferredForm {
    availability: Option<Availability>,
    activity: Option<Activity>,
    expiration_duration: Option<PreferredExpiration>,
}

impl Serialize for SetPreferred {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let presence = self.presence.presence();
        SetPreferredForm {
            availability: Some(presence.availability()),
            activity: Some(presence.activity()),
            expiration_duration: Some(self.expiration),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SetPreferred {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form: SetPreferredForm = object(deserializer)?;
        let body = Self::new(pair(form.availability, form.activity)?);
        Ok(match form.expiration_duration {
            Some(expiration) => body.with_expiration(expiration),
            None => body,
        })
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct EmptyForm {}

macro_rules! empty_bodies {
    ($($body:ident),+) => {$(
        impl Serialize for $body {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                EmptyForm {}.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $body {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                object(deserializer).map(|EmptyForm {}| Self)
            }
        }
    )+};
}

empty_bodies!(ClearPreferred, Tick);

#[derive(serde::Serialize, serde::Deserialize)]
struct PairForm {
    availability: Option<Availability>,
    activity: Option<Activity>,
}

macro_rules! pairs {
    ($($pair:ident),+) => {$(
        impl Serialize for $pair {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                let presence = Presence::from(*self);
                let availability = Some(presence.availability());
                PairForm { availability, activity: Some(presence.activity()) }.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $pair {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let form: PairForm = object(deserializer)?;
                pair(form.availability, form.activity)
            }
        }
    )+};
}

pairs!(Presence, SessionPresence, PreferredPresence);

#[derive(serde::Serialize, serde::Deserialize)]
struct IdsForm<L> {
    ids: Option<L>,
}

impl<U: Serialize> Serialize for GetPresencesByUserId<U> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        IdsForm { ids: Some(self.ids()) }.serialize(serializer)
    }
}

impl<'de, U: Deserialize<'de>> Deserialize<'de> for GetPresencesByUserId<U> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form: IdsForm<Vec<U>> = object(deserializer)?;
        Self::new(required(form.ids, "Ids")?).map_err(D::Error::custom)
    }
}

/// Reads an object, and no list of the values of its fields, which `serde` would also accept.
pub(super) fn object<'de, T, D>(deserializer: D) -> Result<T, D::Error>
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

fn required<T, E: Error>(value: Option<T>, field: &str) -> Result<T, E> {
    value.ok_or_else(|| E::custom(format_args!("[{field}]: The {field} field is required.")))
}

fn pair<T, E: Error>(availability: Option<Availability>, activity: Option<Activity>) -> Result<T, E>
where
    T: TryFrom<(Availability, Activity), Error = PresenceError>,
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
