//! Snapshots of models: JSON and postcard, with session ids that are texts or numbers.
//!
//! The input is a snapshot. It is rejected, or it is a model that works at every timestamp. Its answers
//! are compared with the rules, read from the JSON form of the model.

#![no_main]

use std::collections::BTreeSet;
use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use presence_core::{
    ClearPreferred, ClearSession, CommandError, MAX_SESSIONS, PreferredExpiration, PreferredPresence,
    Presence, PresenceDirectory, PresenceModel, SessionPresence, SetPreferred, SetSession, Tick,
    Timestamp, timestamp,
};
use serde::de::DeserializeOwned;
use serde::ser::Serialize;
use serde_json::Value;

const MINUTE: i128 = 60_000_000_000;

/// The number of sessions whose boundaries are looked at, and of changes that are compared there.
const LIMIT: usize = 4;

fuzz_target!(|bytes: &[u8]| {
    check::<String>(serde_json::from_slice(bytes).ok());
    check::<u64>(serde_json::from_slice(bytes).ok());
    check::<String>(postcard::from_bytes(bytes).ok());
    check::<u64>(postcard::from_bytes(bytes).ok());
});

trait Id: Serialize + DeserializeOwned + Clone + Default + Ord + Debug {}

impl<S: Serialize + DeserializeOwned + Clone + Default + Ord + Debug> Id for S {}

fn check<S: Id>(model: Option<PresenceModel<S>>) {
    let Some(model) = model else { return };
    check_stored(&model);
    let rules = Rules::new(&model);
    for now in rules.timestamps() {
        check_reads(&model, &rules, now);
        check_updates(&model, now);
        check_in_directory(&model, now);
    }
}

/// Restores a model from its own snapshots.
fn check_stored<S: Id>(model: &PresenceModel<S>) {
    let text = serde_json::to_string(model).unwrap();
    assert_eq!(&serde_json::from_str::<PresenceModel<S>>(&text).unwrap(), model);
    let bytes = postcard::to_allocvec(model).unwrap();
    assert_eq!(&postcard::from_bytes::<PresenceModel<S>>(&bytes).unwrap(), model);
    let _ = format!("{model:?}");
    check_spelling(model);
}

/// Names and words of a snapshot are exact, and its timestamps may have any offset.
fn check_spelling<S: Id>(model: &PresenceModel<S>) {
    let snapshot = serde_json::to_value(model).unwrap();
    let read = |snapshot: Value| serde_json::from_value::<PresenceModel<S>>(snapshot).ok();
    let mut misspelled = snapshot.clone();
    misspelled["v1"]["reported"] = model.reported().activity().as_str().to_lowercase().into();
    assert_eq!(read(misspelled), None);
    let mut misspelled = snapshot.clone();
    let preferred = misspelled["v1"].as_object_mut().unwrap().remove("preferred").unwrap();
    misspelled["v1"]["Preferred"] = preferred;
    assert_eq!(read(misspelled), None);

    let mut moved = snapshot;
    let leases = moved["v1"].as_object_mut().unwrap().values_mut().flat_map(|value| match value {
        Value::Array(sessions) => sessions.iter_mut().collect(),
        lease => vec![lease],
    });
    for since in leases.filter_map(|lease| lease.get_mut("since")) {
        *since = since.as_str().unwrap().replace('Z', "-00:00").replace('T', "t").into();
    }
    assert_eq!(read(moved).as_ref(), Some(model));
}

fn check_reads<S: Id>(model: &PresenceModel<S>, rules: &Rules, now: Timestamp) {
    let updated = nanoseconds(now);
    assert_eq!(model.presence(now), rules.presence(updated, updated));
    let ends = rules.ends(updated);
    assert_eq!(model.deadline(now).map(nanoseconds), ends.first().copied());
    assert!(model.deadline(now).is_none_or(|deadline| deadline > now));

    let mut last = (now, model.presence(now));
    let mut changes = model.forecast(now);
    for at in &ends {
        let presence = rules.presence(updated, *at);
        if presence != last.1 {
            let change = changes.next().expect("a change");
            assert_eq!((nanoseconds(change.at), change.presence), (*at, presence));
            assert!(change.at > last.0);
            last = (change.at, change.presence);
        }
    }
    assert_eq!(changes.next(), None);
    assert_eq!(last.1, Presence::Offline, "the last change");

    let sessions: Vec<_> = model.sessions(now).collect();
    assert!(sessions.is_sorted_by(|one, next| one.id < next.id));
    assert!(sessions.len() <= MAX_SESSIONS);
    for session in &sessions {
        assert!(nanoseconds(session.since) <= updated);
        assert!(updated < nanoseconds(session.deadline));
        assert!(session.deadline <= session.expires_at);
    }
    let explanation = model.explain(now);
    assert_eq!(explanation.presence, model.presence(now));
    assert_eq!(explanation.until, model.forecast(now).next().map(|change| change.at));
    let _ = format!("{explanation}{:?}", explanation.cloned());
    let _ = serde_json::to_string(&explanation).unwrap();
}

fn check_updates<S: Id>(model: &PresenceModel<S>, now: Timestamp) {
    // A tick changes no answer.
    let mut ticked = model.clone();
    let outcome = ticked.tick(now);
    assert_eq!((outcome.previous, outcome.current), (model.reported(), model.presence(now)));
    assert_eq!(ticked.reported(), outcome.current);
    assert_eq!(ticked.deadline(now), model.deadline(now));
    assert!(ticked.forecast(now).take(LIMIT).eq(model.forecast(now).take(LIMIT)));
    assert!(ticked.sessions(now).eq(model.sessions(now)));
    assert_eq!(ticked.preferred(now), model.preferred(now));
    assert_eq!(ticked.explain(now), model.explain(now));
    assert_eq!(ticked.is_empty(), ticked.deadline(now).is_none());
    for change in model.forecast(now).take(LIMIT) {
        assert_eq!(ticked.presence(change.at), change.presence);
    }
    check_stored(&ticked);
    let mut again = ticked.clone();
    assert_eq!(again.tick(now).changed(), None);
    assert_eq!(again, ticked);
    assert_eq!(again.apply(Tick, now).unwrap().changed(), None);
    assert_eq!(again, ticked);

    // The last session by id, and one that may not exist.
    let last = model.sessions(now).last().map(|session| session.id.clone()).unwrap_or_default();
    let live = model.sessions(now).count();
    for id in [last, S::default()] {
        let is_live = model.sessions(now).any(|session| *session.id == id);
        let mut cleared = model.clone();
        let result = cleared.apply(ClearSession::new(id.clone()), now);
        if is_live {
            assert_eq!(result.map(|outcome| outcome.current), Ok(cleared.presence(now)));
            assert_eq!(cleared.sessions(now).count(), live - 1);
        } else {
            assert_eq!(result, Err(CommandError::SessionNotFound));
            assert_eq!(&cleared, model);
        }
        for claim in SessionPresence::ALL {
            let mut set = model.clone();
            let result = set.apply(SetSession::new(id.clone(), *claim), now);
            if live >= MAX_SESSIONS && !is_live {
                assert_eq!(result, Err(CommandError::TooManySessions));
                assert_eq!(&set, model);
                continue;
            }
            assert_eq!(result.map(|outcome| outcome.current), Ok(set.presence(now)));
            let session = set.sessions(now).find(|session| *session.id == id);
            let expected = (nanoseconds(now) < i64::MAX.into()).then_some((*claim, nanoseconds(now)));
            assert_eq!(session.map(|session| (session.claim, nanoseconds(session.since))), expected);
            check_stored(&set);
        }
    }
    for presence in PreferredPresence::ALL {
        for expiration in
            [PreferredExpiration::default_for(*presence), "PT0.000000001S".parse().unwrap()]
        {
            let mut set = model.clone();
            let outcome =
                set.apply(SetPreferred::new(*presence).with_expiration(expiration), now).unwrap();
            assert_eq!(outcome.current, set.presence(now));
            assert_eq!(set.preferred(now).is_some(), nanoseconds(now) < i64::MAX.into());
            assert!(set.deadline(now).is_none_or(|deadline| deadline > now));
        }
    }
    let mut cleared = model.clone();
    assert_eq!(cleared.apply(ClearPreferred, now).unwrap().current, cleared.presence(now));
    assert_eq!(cleared.preferred(now), None);
}

/// A directory reports what the model has not reported, and once.
fn check_in_directory<S: Id>(model: &PresenceModel<S>, now: Timestamp) {
    let mut users = PresenceDirectory::<u8, S>::new();
    assert_eq!(users.insert(0, model.clone(), now), None);
    let mut ticked = model.clone();
    let outcome = ticked.tick(now);
    assert_eq!(users.presence(&0, now), outcome.current);
    assert_eq!(users.tick(now), outcome.changed().map(|_| (0, outcome)));
    assert_eq!(users.tick(now), None);
    assert_eq!(users.get(&0), Some(&ticked).filter(|ticked| !ticked.is_empty()));
    assert_eq!(users.next_deadline(), model.deadline(now));
}

/// The rules of presence for what a model stores.
struct Rules {
    sessions: Vec<Lease>,
    preferred: Option<Lease>,
}

struct Lease {
    presence: Presence,
    since: i128,
    lifetime: i128,
}

impl Rules {
    fn new<S: Serialize>(model: &PresenceModel<S>) -> Self {
        let snapshot = serde_json::to_value(model).unwrap();
        let model = &snapshot["v1"];
        let sessions = model["sessions"].as_array().unwrap();
        let preferred = Some(&model["preferred"]).filter(|preferred| !preferred.is_null());
        Self {
            sessions: sessions.iter().map(|session| Lease::new(&session["claim"], session)).collect(),
            preferred: preferred.map(|preferred| Lease::new(&preferred["presence"], preferred)),
        }
    }

    /// Returns the timestamps to look at: both ends of time and both sides of every boundary.
    fn timestamps(&self) -> BTreeSet<Timestamp> {
        let minimum = i128::from(i64::MIN);
        let maximum = i128::from(i64::MAX);
        let mut near = BTreeSet::from([minimum, 0, maximum]);
        for lease in self.sessions.iter().take(LIMIT).chain(&self.preferred) {
            near.extend([0, 5 * MINUTE, 10 * MINUTE, lease.lifetime].map(|age| lease.since + age));
        }
        let near = near.into_iter().flat_map(|at| [at - 1, at, at + 1]);
        let timestamps = near.map(|at| Timestamp::from_nanoseconds(at).unwrap());
        timestamps.chain([Timestamp::MIN, Timestamp::MAX]).collect()
    }

    /// Returns the effective presence at `at` after an update at `updated`.
    fn presence(&self, updated: i128, at: i128) -> Presence {
        let sessions = self.sessions.iter().filter_map(|lease| {
            let age = lease.age(updated, at)?;
            Some(match lease.presence {
                Presence::Available if age >= 10 * MINUTE => Presence::Away,
                Presence::Available if age >= 5 * MINUTE => Presence::AvailableInactive,
                claim => claim,
            })
        });
        // Rules P2 and P5, strongest first.
        let rank = |presence: &Presence| {
            let order =
                ["Presenting", "InAConferenceCall", "InACall", "Available", "AvailableInactive", "Away"];
            order.iter().position(|activity| *activity == presence.activity().as_str()).unwrap()
        };
        let Some(strongest) = sessions.min_by_key(rank) else { return Presence::Offline };
        let preferred = self.preferred.as_ref().filter(|lease| lease.age(updated, at).is_some());
        preferred.map_or(strongest, |lease| lease.presence)
    }

    /// Returns the timestamps after an update at `updated` at which something fades or expires.
    fn ends(&self, updated: i128) -> BTreeSet<i128> {
        let mut ends = BTreeSet::new();
        for lease in self.sessions.iter().chain(&self.preferred) {
            let since = lease.since.min(updated);
            ends.insert(since + lease.lifetime);
        }
        for lease in self.sessions.iter().filter(|lease| lease.presence == Presence::Available) {
            let fades = [5 * MINUTE, 10 * MINUTE].into_iter().filter(|age| *age < lease.lifetime);
            ends.extend(fades.map(|age| lease.since.min(updated) + age));
        }
        ends.split_off(&(updated + 1))
    }
}

impl Lease {
    fn new(activity: &Value, lease: &Value) -> Self {
        let is_named = |presence: &&Presence| presence.activity().as_str() == activity;
        let lifetime: PreferredExpiration = serde_json::from_value(lease["lifetime"].clone()).unwrap();
        Self {
            presence: *Presence::ALL.iter().find(is_named).unwrap(),
            since: timestamp::parse(lease["since"].as_str().unwrap()).unwrap().as_nanoseconds(),
            lifetime: lifetime.duration().whole_nanoseconds(),
        }
    }

    /// Returns the age at `at`, if the lease has not ended, after an update at `updated`.
    fn age(&self, updated: i128, at: i128) -> Option<i128> {
        let age = at - self.since.min(updated);
        (age < self.lifetime).then_some(age)
    }
}

fn nanoseconds(at: Timestamp) -> i128 {
    at.as_nanoseconds().clamp(i64::MIN.into(), i64::MAX.into())
}
