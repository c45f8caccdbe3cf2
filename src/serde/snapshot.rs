//! Snapshots of models. Every version that was released is read for ever.
//!
//! Presences are stored as their activities, which no two of them share.

use alloc::vec::Vec;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use time::SignedDuration;

use crate::command::MAX_SESSIONS;
use crate::expiration::PreferredExpiration;
use crate::model::PresenceModel;
use crate::model::preference::PreferredLease;
use crate::model::record::Record;
use crate::model::session::Lease;
use crate::presence::{PreferredPresence, Presence, SessionPresence};
use crate::serde::text::Text;
use crate::text::nanoseconds;
use crate::vocabulary::Activity;

#[derive(serde::Serialize, serde::Deserialize)]
enum Snapshot<S> {
    #[serde(rename = "v1")]
    V1(ModelV1<S>),
}

#[derive(serde::Serialize, serde::Deserialize)]
struct ModelV1<S> {
    reported: Activity,
    sessions: Vec<SessionV1<S>>,
    preferred: Option<PreferredV1>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct SessionV1<S> {
    id: S,
    claim: Activity,
    since: Since,
    lifetime: Lifetime,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct PreferredV1 {
    presence: Activity,
    since: Since,
    lifetime: Lifetime,
}

/// A start: text in human-readable formats, nanoseconds since 1970 in others.
struct Since(i64);

impl Serialize for Since {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        if serializer.is_human_readable() {
            Text(nanoseconds::to_timestamp(self.0)).serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let Text(timestamp) = Text::deserialize(deserializer)?;
            Ok(Self(nanoseconds::from_timestamp(timestamp)))
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

/// A lifetime: an `Edm.Duration` in human-readable formats, nanoseconds in others.
struct Lifetime(u64);

impl Serialize for Lifetime {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        if serializer.is_human_readable() {
            PreferredExpiration::new(SignedDuration::nanoseconds_i128(self.0.into()))
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Lifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let lifetime = PreferredExpiration::deserialize(deserializer)?.duration();
            u64::try_from(lifetime.whole_nanoseconds()).map(Self).map_err(|_| out_of_range())
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

impl<S: Serialize> Serialize for PresenceModel<S> {
    /// Writes a snapshot. Equal models write equal snapshots.
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let sessions = self.record.sessions().map(|(id, lease)| SessionV1 {
            id,
            claim: lease.claim().presence().activity(),
            since: Since(lease.since()),
            lifetime: Lifetime(lease.lifetime().unsigned_abs()),
        });
        let preferred = self.record.preference().map(|lease| PreferredV1 {
            presence: lease.presence().presence().activity(),
            since: Since(lease.since()),
            lifetime: Lifetime(lease.lifetime()),
        });
        let reported = self.reported().activity();
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
        let ModelV1 { reported, sessions, preferred } = model;
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
        let reported = presence(reported)?;
        Ok(Self { record: Record::from_parts(sessions.into_iter(), preference, reported) })
    }
}

impl<S> SessionV1<S> {
    fn restore<E: Error>(self) -> Result<(S, Lease), E> {
        let claim = SessionPresence::try_from(presence(self.claim)?).map_err(E::custom)?;
        let lease = Lease::from_parts(claim, self.since.0, self.lifetime.0);
        Ok((self.id, lease.ok_or_else(out_of_range)?))
    }
}

impl PreferredV1 {
    fn restore<E: Error>(self) -> Result<PreferredLease, E> {
        let presence = PreferredPresence::try_from(presence(self.presence)?).map_err(E::custom)?;
        PreferredLease::from_parts(presence, self.since.0, self.lifetime.0).ok_or_else(out_of_range)
    }
}

fn presence<E: Error>(activity: Activity) -> Result<Presence, E> {
    let found = Presence::ALL.iter().copied().find(|presence| presence.activity() == activity);
    found.ok_or_else(|| E::custom(format_args!("invalid presence {activity}")))
}

fn out_of_range<E: Error>() -> E {
    E::custom("lifetime out of range")
}
