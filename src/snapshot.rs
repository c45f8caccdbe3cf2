//! A model as it is stored: versioned, and checked when it is restored.
//!
//! The form is append-only: a version that was once released is read for ever. Instants and
//! lifetimes are nanoseconds, presences the activities that no two of them share.

use alloc::vec::Vec;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use crate::model::MAX_SESSIONS;
use crate::preferred::StoredPreferred;
use crate::session::Grant;
use crate::sessions::Sessions;
use crate::stored::Stored;
use crate::{Activity, PreferredPresence, Presence, PresenceModel, SessionPresence};

#[derive(serde::Serialize, serde::Deserialize)]
enum Snapshot<S> {
    #[serde(rename = "v1")]
    V1(ModelV1<S>),
}

#[derive(serde::Serialize, serde::Deserialize)]
struct ModelV1<S> {
    told: Activity,
    sessions: Vec<SessionV1<S>>,
    preferred: Option<PreferredV1>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct SessionV1<S> {
    id: S,
    claim: Activity,
    since: i64,
    lifetime: i64,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct PreferredV1 {
    presence: Activity,
    since: i64,
    lifetime: u64,
}

impl<S: Serialize> Serialize for PresenceModel<S> {
    /// Writes a snapshot; equal models write equal ones.
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let (_, _, told) = self.stored().sessions().parts();
        let sessions = self.stored().sessions().iter().map(|(id, grant)| {
            let (claim, since, lifetime) = grant.as_parts();
            SessionV1 { id, claim: Presence::from(claim).activity(), since, lifetime }
        });
        let preferred = self.stored().preferred().map(|preferred| {
            let (presence, since, lifetime) = preferred.as_parts();
            PreferredV1 { presence: Presence::from(presence).activity(), since, lifetime }
        });
        Snapshot::V1(ModelV1 { told: told.activity(), sessions: sessions.collect(), preferred })
            .serialize(serializer)
    }
}

impl<'de, S: Ord + Deserialize<'de>> Deserialize<'de> for PresenceModel<S> {
    /// Restores a snapshot: a model that answers everything as the one that was stored.
    ///
    /// # Errors
    ///
    /// Those of the deserializer, and what no model can be: a version that is not known, a presence
    /// that nobody can reach, claim or prefer, a lifetime of zero or past its limit or the end of
    /// time, two sessions of one id, more than [`MAX_SESSIONS`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Snapshot::V1(model) = Snapshot::<S>::deserialize(deserializer)?;
        let ModelV1 { told, sessions, preferred } = model;
        let told = presence(told)?;
        if sessions.len() > MAX_SESSIONS {
            return Err(D::Error::custom("more sessions than a user may have"));
        }
        let mut sessions =
            sessions.into_iter().map(SessionV1::restore).collect::<Result<Vec<_>, _>>()?;
        sessions.sort_by(|(one, _), (other, _)| one.cmp(other));
        if sessions.iter().zip(sessions.iter().skip(1)).any(|((one, _), (next, _))| one == next) {
            return Err(D::Error::custom("two sessions of one id"));
        }
        let preferred = preferred.map(PreferredV1::restore).transpose()?;
        let mut stored = Stored::Sessions(Sessions::from_parts(sessions, told));
        stored.set_preferred(preferred);
        Ok(Self::from_stored(stored))
    }
}

impl<S> SessionV1<S> {
    fn restore<E: Error>(self) -> Result<(S, Grant), E> {
        let claim = SessionPresence::try_from(presence(self.claim)?).map_err(E::custom)?;
        let grant = Grant::from_parts(claim, self.since, self.lifetime);
        Ok((self.id, grant.ok_or_else(|| out_of_range())?))
    }
}

impl PreferredV1 {
    fn restore<E: Error>(self) -> Result<StoredPreferred, E> {
        let presence = PreferredPresence::try_from(presence(self.presence)?).map_err(E::custom)?;
        StoredPreferred::from_parts(presence, self.since, self.lifetime).ok_or_else(|| out_of_range())
    }
}

fn presence<E: Error>(activity: Activity) -> Result<Presence, E> {
    let reachable = Presence::ALL.into_iter().find(|presence| presence.activity() == activity);
    reachable.ok_or_else(|| E::custom(format_args!("nobody can show as {activity}")))
}

fn out_of_range<E: Error>() -> E {
    E::custom("a lifetime out of range")
}
