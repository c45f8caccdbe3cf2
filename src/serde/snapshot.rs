//! Snapshots of models. Every version that was released is read for ever.
//!
//! Presences are stored as their activities, which no two of them share. Nobody else writes snapshots,
//! so all names and words are exact.

use alloc::vec::Vec;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use time::Timestamp;

use crate::command::MAX_SESSIONS;
use crate::model::PresenceModel;
use crate::model::preference::PreferredLease;
use crate::model::record::Record;
use crate::model::session::Lease;
use crate::presence::{PreferredPresence, Presence, SessionPresence};
use crate::serde::text::{self, Lifetime};
use crate::text::nanoseconds;

#[derive(serde::Serialize, serde::Deserialize)]
enum Snapshot<S> {
    #[serde(rename = "v1")]
    V1(ModelV1<S>),
}

#[derive(serde::Serialize, serde::Deserialize)]
struct ModelV1<S> {
    reported: Stored,
    sessions: Vec<SessionV1<S>>,
    #[serde(deserialize_with = "Option::deserialize")]
    preferred: Option<PreferredV1>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct SessionV1<S> {
    id: S,
    claim: Stored,
    #[serde(with = "crate::timestamp")]
    since: Timestamp,
    lifetime: Lifetime,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct PreferredV1 {
    presence: Stored,
    #[serde(with = "crate::timestamp")]
    since: Timestamp,
    lifetime: Lifetime,
}

/// A presence, written as its activity.
struct Stored(Presence);

impl<S: Serialize> Serialize for PresenceModel<S> {
    /// Writes a snapshot. Equal models write equal snapshots.
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let sessions = self.record.sessions().map(|(id, lease)| SessionV1 {
            id,
            claim: Stored(lease.claim().presence()),
            since: nanoseconds::to_timestamp(lease.since()),
            lifetime: Lifetime::from_nanoseconds(lease.lifetime().unsigned_abs().into()),
        });
        let preferred = self.record.preference().map(|lease| PreferredV1 {
            presence: Stored(lease.presence().presence()),
            since: nanoseconds::to_timestamp(lease.since()),
            lifetime: Lifetime::from_nanoseconds(lease.lifetime().into()),
        });
        let reported = Stored(self.reported());
        Snapshot::V1(ModelV1 { reported, sessions: sessions.collect(), preferred }).serialize(serializer)
    }
}

impl<'de, S: Ord + Deserialize<'de>> Deserialize<'de> for PresenceModel<S> {
    /// Restores a snapshot: a model that answers as the stored one did.
    ///
    /// # Errors
    ///
    /// Those of the deserializer, and what no model can store: an unknown version, a presence that
    /// cannot be reached, claimed or preferred, a lifetime that is zero, too long or past the last
    /// timestamp, a duplicate id, and more than [`MAX_SESSIONS`] sessions.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Snapshot::V1(model) = Snapshot::<S>::deserialize(deserializer)?;
        let ModelV1 { reported: Stored(reported), sessions, preferred } = model;
        if sessions.len() > MAX_SESSIONS {
            return Err(D::Error::custom(format_args!("too many sessions, expected {MAX_SESSIONS}")));
        }
        let mut sessions =
            sessions.into_iter().map(SessionV1::restore).collect::<Result<Vec<_>, _>>()?;
        sessions.sort_by(|(id, _), (other, _)| id.cmp(other));
        if !sessions.is_sorted_by(|(id, _), (next, _)| id < next) {
            return Err(D::Error::custom("duplicate session id"));
        }
        let preference = preferred.map(PreferredV1::restore).transpose()?;
        Ok(Self { record: Record::from_parts(sessions.into_iter(), preference, reported) })
    }
}

impl<S> SessionV1<S> {
    fn restore<E: Error>(self) -> Result<(S, Lease), E> {
        let claim = SessionPresence::try_from(self.claim.0).map_err(E::custom)?;
        let since = nanoseconds::from_timestamp(self.since);
        let lease =
            self.lifetime.nanoseconds().and_then(|lifetime| Lease::from_parts(claim, since, lifetime));
        Ok((self.id, lease.ok_or_else(out_of_range)?))
    }
}

impl PreferredV1 {
    fn restore<E: Error>(self) -> Result<PreferredLease, E> {
        let presence = PreferredPresence::try_from(self.presence.0).map_err(E::custom)?;
        let since = nanoseconds::from_timestamp(self.since);
        let lifetime = self.lifetime.nanoseconds();
        let lease = lifetime.and_then(|lifetime| PreferredLease::from_parts(presence, since, lifetime));
        lease.ok_or_else(out_of_range)
    }
}

fn out_of_range<E: Error>() -> E {
    E::custom("lifetime out of range")
}

impl Serialize for Stored {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        serializer.serialize_str(self.0.activity().as_str())
    }
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::parse(deserializer, "a presence as a string")
    }
}

impl FromStr for Stored {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_named = |presence: &Presence| presence.activity().as_str() == text;
        Presence::ALL.iter().copied().find(is_named).map(Self).ok_or("invalid presence")
    }
}
