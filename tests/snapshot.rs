//! Models that are stored and restored.

#![cfg(feature = "serde")]

mod common;

use common::{at, deterministic, just_after, just_before, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, Command, MAX_SESSIONS, PreferredPresence, Presence, PresenceDirectory,
    PresenceModel, SessionPresence, SignedDuration, Tick, Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What version 1 looks like, for ever.
const V1_JSON: &str = include_str!("snapshot/v1.json");
const V1_POSTCARD: &[u8] = include_bytes!("snapshot/v1.postcard");

#[test]
fn version_1_is_written_and_read_for_ever() {
    let user = somebody();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshot");
        std::fs::write(format!("{folder}/v1.json"), serde_json::to_string_pretty(&user).unwrap() + "\n")
            .unwrap();
        std::fs::write(format!("{folder}/v1.postcard"), postcard::to_allocvec(&user).unwrap()).unwrap();
    }
    assert_eq!(serde_json::to_string_pretty(&user).unwrap(), V1_JSON.trim_end());
    assert_eq!(serde_json::from_str::<PresenceModel<String>>(V1_JSON).unwrap(), user);
    assert_eq!(postcard::to_allocvec(&user).unwrap(), V1_POSTCARD);
    assert_eq!(postcard::from_bytes::<PresenceModel<String>>(V1_POSTCARD).unwrap(), user);
}

fn somebody() -> PresenceModel<String> {
    let mut user = PresenceModel::new();
    for (id, claim, lifetime) in [
        ("laptop", SessionPresence::Available, "PT4H"),
        ("phone", SessionPresence::InACall, "PT5M0.000000001S"),
        ("", SessionPresence::Away, "PT1H"),
    ] {
        let _ = user.apply(set(id.to_owned(), claim, lifetime), at("09:00")).unwrap();
    }
    let _ = user.apply(prefer(PreferredPresence::OffWork, "P7D"), just_after(at("09:01"))).unwrap();
    user
}

#[test]
fn nobody_is_a_snapshot_too() {
    let nobody = PresenceModel::<u64>::new();
    let text = serde_json::to_string(&nobody).unwrap();
    assert_eq!(text, r#"{"v1":{"told":"Offline","sessions":[],"preferred":null}}"#);
    assert!(serde_json::from_str::<PresenceModel<u64>>(&text).unwrap().is_empty());
}

/// S4, S5, U1, U3, T6: no restoring gets round a constructor.
#[test]
fn what_no_model_can_be_is_refused() {
    type Spoil = fn(&mut Value);
    let spoils: [(Spoil, &str); 17] = [
        (|v| v["told"] = json!("Focusing"), "nobody can show as Focusing"),
        (|v| v["told"] = json!("Lunch"), "unknown activity"),
        (|v| v["sessions"][0]["claim"] = json!("Busy"), "a session cannot be set to Busy/Busy"),
        (|v| v["sessions"][0]["claim"] = json!("AvailableInactive"), "a session cannot be set to"),
        (|v| v["sessions"][0]["claim"] = json!("InAMeeting"), "nobody can show as InAMeeting"),
        (|v| v["sessions"][0]["lifetime"] = json!(0), "a lifetime out of range"),
        (|v| v["sessions"][0]["lifetime"] = json!(-1), "a lifetime out of range"),
        (
            |v| v["sessions"][0]["lifetime"] = json!(4 * 3_600_000_000_000_i64 + 1),
            "a lifetime out of range",
        ),
        (|v| v["sessions"][0]["since"] = json!(i64::MAX - 1), "a lifetime out of range"),
        (|v| v["sessions"][0]["since"] = json!(0.5), "invalid type"),
        (|v| v["sessions"][1]["id"] = v["sessions"][0]["id"].clone(), "two sessions of one id"),
        (|v| v["preferred"]["presence"] = json!("InACall"), "cannot be preferred"),
        (|v| v["preferred"]["presence"] = json!("OutOfOffice"), "nobody can show as OutOfOffice"),
        (|v| v["preferred"]["lifetime"] = json!(0), "a lifetime out of range"),
        (|v| v["preferred"]["since"] = json!(i64::MAX), "a lifetime out of range"),
        (|v| v["preferred"]["lifetime"] = json!(u64::MAX), "a lifetime out of range"),
        (|v| drop(v.as_object_mut().unwrap().remove("sessions")), "missing field `sessions`"),
    ];
    for (spoil, message) in spoils {
        let mut snapshot: Value = serde_json::from_str(V1_JSON).unwrap();
        spoil(&mut snapshot["v1"]);
        let refused = serde_json::from_value::<PresenceModel<String>>(snapshot).unwrap_err();
        assert!(refused.to_string().contains(message), "{refused} is not {message}");
    }
}

#[test]
fn a_version_that_is_not_known_is_refused() {
    let text = V1_JSON.replace("v1", "v2");
    let refused = serde_json::from_str::<PresenceModel<String>>(&text).unwrap_err();
    assert!(refused.to_string().starts_with("unknown variant `v2`, expected `v1`"), "{refused}");
    let bytes = [&[1], &V1_POSTCARD[1..]].concat();
    assert!(postcard::from_bytes::<PresenceModel<String>>(&bytes).is_err());
}

#[test]
fn a_crowd_of_sessions_is_restored_up_to_the_limit() {
    let snapshot = |count: usize| {
        let session = |id| json!({ "id": id, "claim": "Away", "since": 0, "lifetime": 1 });
        let sessions: Vec<_> = (0..count).rev().map(session).collect();
        json!({ "v1": { "told": "Away", "sessions": sessions, "preferred": null } })
    };
    let full: PresenceModel<usize> = serde_json::from_value(snapshot(MAX_SESSIONS)).unwrap();
    let ids: Vec<_> = full.sessions(Timestamp::UNIX_EPOCH).map(|session| *session.id).collect();
    assert_eq!(ids, (0..MAX_SESSIONS).collect::<Vec<_>>());
    assert!(serde_json::from_value::<PresenceModel<usize>>(snapshot(MAX_SESSIONS + 1)).is_err());
}

/// T3: a long downtime is a late tick.
#[test]
fn a_directory_is_stored_and_restored_user_by_user() {
    let mut running = PresenceDirectory::<u64, String>::new();
    for user in 0..100 {
        let lifetime = format!("PT{}M", 5 + user % 60);
        let _ = running
            .apply(&user, set("phone".to_owned(), SessionPresence::Available, &lifetime), at("09:00"))
            .unwrap();
    }
    let stored: Vec<_> =
        running.iter().map(|(user, model)| (*user, postcard::to_allocvec(model).unwrap())).collect();
    let mut restored = PresenceDirectory::<u64, String>::new();
    for (user, bytes) in stored.into_iter().rev() {
        assert_eq!(restored.insert(user, postcard::from_bytes(&bytes).unwrap()), None);
    }
    assert_eq!(restored.next_deadline(), Some(at("09:05")));
    for now in [just_before(at("09:05")), at("09:05"), at("09:31"), at("12:00")] {
        loop {
            let change = running.tick(now);
            assert_eq!(restored.tick(now), change);
            assert_eq!(restored.next_deadline(), running.next_deadline());
            if change.is_none() {
                break;
            }
        }
    }
    assert!(restored.is_empty());
}

fn commands() -> impl Strategy<Value = Vec<(Command<u64>, i64)>> {
    let claim = proptest::sample::select(SessionPresence::ALL.as_slice());
    let preferred = proptest::sample::select(PreferredPresence::ALL.as_slice());
    let lifetime = proptest::sample::select(["PT5M", "PT10M", "PT1H", "PT4H"].as_slice());
    let command = prop_oneof![
        6 => (0..5_u64, claim, lifetime.clone()).prop_map(|(id, claim, lifetime)| set(id, claim, lifetime).into()),
        1 => (0..5_u64).prop_map(|id| ClearSession::new(id).into()),
        2 => (preferred, lifetime).prop_map(|(presence, lifetime)| prefer(presence, lifetime).into()),
        1 => Just(ClearPreferred.into()),
        1 => Just(Tick.into()),
    ];
    let step = prop_oneof![6 => 0..20_i64, 1 => 100..400_i64, 1 => -30..0_i64];
    proptest::collection::vec((command, step), 0..20)
}

proptest! {
    #![proptest_config(deterministic())]

    /// Restored in the middle of any history, a model goes on as the original does.
    #[test]
    fn a_restored_model_answers_as_the_original_for_ever_after(
        before in commands(), after in commands(), later in 0..1000_i64
    ) {
        let mut now = at("09:00");
        let mut user = PresenceModel::new();
        for (command, minutes) in before {
            now += SignedDuration::minutes(minutes);
            let _ = user.apply(command, now);
        }
        let text: PresenceModel<u64> = serde_json::from_str(&serde_json::to_string(&user).unwrap()).unwrap();
        let mut restored: PresenceModel<u64> =
            postcard::from_bytes(&postcard::to_allocvec(&user).unwrap()).unwrap();
        prop_assert_eq!(&restored, &user);
        prop_assert_eq!(text, restored.clone());
        now += SignedDuration::minutes(later);
        for (command, minutes) in after {
            now += SignedDuration::minutes(minutes);
            prop_assert_eq!(restored.apply(command, now), user.apply(command, now));
            prop_assert!(restored.forecast(now).eq(user.forecast(now)));
        }
        prop_assert_eq!(restored, user);
    }

    /// Whatever is read is refused, or is a model that works at any instant.
    #[test]
    fn any_bytes_are_refused_or_make_a_model_that_works(
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        (place, byte) in (0..200_usize, any::<u8>()),
        nanoseconds in any::<i64>(),
    ) {
        let mut damaged = V1_POSTCARD.to_vec();
        if let Some(victim) = damaged.get_mut(place) {
            *victim = byte;
        }
        let now = Timestamp::from_nanoseconds(nanoseconds.into()).unwrap();
        for bytes in [bytes, damaged] {
            if let Ok(mut user) = postcard::from_bytes::<PresenceModel<String>>(&bytes) {
                works(&mut user, now)?;
            }
            if let Ok(mut user) = serde_json::from_slice::<PresenceModel<String>>(&bytes) {
                works(&mut user, now)?;
            }
        }
    }

    /// The same of what is well formed, and no commands need ever have led to.
    #[test]
    fn any_state_is_refused_or_makes_a_model_that_works(snapshot in state(), now in edge()) {
        let now = Timestamp::from_nanoseconds(now.into()).unwrap();
        if let Ok(mut user) = serde_json::from_value::<PresenceModel<String>>(snapshot) {
            works(&mut user, now)?;
        }
    }
}

fn state() -> impl Strategy<Value = Value> {
    let presence = || proptest::sample::select(Presence::ALL.to_vec()).prop_map(Presence::activity);
    let claim = proptest::sample::select(SessionPresence::ALL.to_vec());
    let lifetime = || {
        let minute = 60_000_000_000_i64;
        prop_oneof![1..=240 * minute, proptest::sample::select(vec![1, 5 * minute, 240 * minute])]
    };
    let session = (claim, edge(), lifetime()).prop_map(|(claim, since, lifetime)| {
        let claim = Presence::from(claim).activity();
        json!({ "claim": claim, "since": since, "lifetime": lifetime })
    });
    let preferred = proptest::sample::select(PreferredPresence::ALL.to_vec());
    let preferred = (preferred, edge(), lifetime()).prop_map(|(presence, since, lifetime)| {
        json!({ "presence": Presence::from(presence).activity(), "since": since, "lifetime": lifetime })
    });
    let sessions = proptest::collection::vec(session, 0..4);
    (presence(), sessions, proptest::option::of(preferred)).prop_map(
        |(told, mut sessions, preferred)| {
            for (id, session) in sessions.iter_mut().enumerate() {
                session["id"] = json!(id.to_string());
            }
            json!({ "v1": { "told": told, "sessions": sessions, "preferred": preferred } })
        },
    )
}

/// Instants at either end of time, and within hours of each other.
fn edge() -> impl Strategy<Value = i64> {
    let hours = 5 * 3_600_000_000_000;
    prop_oneof![
        4 => 0..hours,
        1 => i64::MAX - hours..=i64::MAX,
        1 => i64::MIN..i64::MIN + hours,
        1 => any::<i64>(),
    ]
}

fn works(user: &mut PresenceModel<String>, now: Timestamp) -> Result<(), TestCaseError> {
    let again = postcard::from_bytes(&postcard::to_allocvec(user).unwrap());
    prop_assert_eq!(again.as_ref(), Ok(&*user));
    let mut directory = PresenceDirectory::<u8, String>::new();
    prop_assert_eq!(directory.insert(0, user.clone()), None);
    while directory.tick(now).is_some() {}
    for session in user.sessions(now) {
        prop_assert!(session.since <= now && now < session.expires_at);
        prop_assert!(session.expires_at - session.since <= SignedDuration::hours(4));
    }
    let mut steps = 0;
    let _ = user.tick(now);
    let mut deadline = user.deadline(now);
    prop_assert_eq!(
        directory.get(&0).map_or(Presence::Offline, |model| model.presence(now)),
        user.presence(now)
    );
    while let Some(at) = deadline {
        let _ = user.tick(at);
        deadline = user.deadline(at);
        steps += 1;
    }
    prop_assert!(user.is_empty() && steps <= 3 * MAX_SESSIONS + 1);
    Ok(())
}
