//! Snapshots of models.

#![cfg(feature = "serde")]

mod common;

use common::{at, deterministic, just_after, just_before, nanosecond, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, Command, MAX_SESSIONS, PreferredExpiration, PreferredPresence,
    Presence, PresenceDirectory, PresenceModel, SessionPresence, SignedDuration, Tick, Timestamp,
    timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Version 1. It never changes.
const V1_JSON: &str = include_str!("snapshot/v1.json");
const V1_POSTCARD: &[u8] = include_bytes!("snapshot/v1.postcard");

/// Such a model has something to report.
#[test]
fn a_model_that_stores_a_session_is_not_empty() {
    let text = r#"{"v1":{"reported":"Offline","sessions":[{"id":1,"claim":"Away","since":"2026-11-20T09:00:00Z","lifetime":"PT1H"}],"preferred":null}}"#;
    let model: PresenceModel<u64> = serde_json::from_str(text).unwrap();
    assert!(!model.is_empty());
}

/// Debug shows what is stored, with readable times.
#[test]
fn a_model_prints_what_it_stores() {
    let mut model = PresenceModel::new();
    let _ = model.apply(set("phone", SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    let _ = model.apply(prefer(PreferredPresence::Away, "P1D"), at("09:05")).unwrap();
    assert_eq!(
        format!("{model:?}"),
        "PresenceModel { reported: Away, sessions: [(\"phone\", Busy/InACall since \
         2026-11-20T09:00:00Z for PT1H)], preferred: Some(Away/Away since 2026-11-20T09:05:00Z for P1D) }"
    );
}

#[test]
fn version_1_is_written_and_read_for_ever() {
    let user = three_sessions_and_a_preference();
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

fn three_sessions_and_a_preference() -> PresenceModel<String> {
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

/// A number above 2^53 is not exact in JavaScript.
#[test]
fn a_snapshot_in_json_contains_no_numbers() {
    fn contains_a_number(value: &Value) -> bool {
        match value {
            Value::Number(_) => true,
            Value::Array(values) => values.iter().any(contains_a_number),
            Value::Object(fields) => fields.values().any(contains_a_number),
            Value::Null | Value::Bool(_) | Value::String(_) => false,
        }
    }
    let mut user = three_sessions_and_a_preference();
    let longest = PreferredExpiration::new(SignedDuration::MAX).unwrap();
    for now in [at("09:02"), nanosecond(i64::MIN), nanosecond(i64::MAX - 1)] {
        let body = prefer(PreferredPresence::Busy, "P1D").with_expiration(longest);
        let _ = user.apply(body, now).unwrap();
        let _ = user.apply(set("tablet".to_owned(), SessionPresence::Away, "PT5M"), now).unwrap();
        let snapshot = serde_json::to_value(&user).unwrap();
        assert!(!contains_a_number(&snapshot), "{snapshot}");
        assert_eq!(serde_json::from_value::<PresenceModel<String>>(snapshot).unwrap(), user);
    }
}

/// A start is an `i64` and a lifetime a `u64`, in nanoseconds.
#[test]
fn a_snapshot_in_a_compact_format_contains_integers() {
    type Stored = (u32, String, Vec<(u64, String, i64, u64)>, Option<(String, i64, u64)>);

    let minute = 60_000_000_000_u64;
    let nine = 1_795_165_200_000_000_000_i64;
    let one_past_nine = nine + 60_000_000_001;
    let sessions = vec![
        ("", "Away", nine, 60 * minute),
        ("laptop", "Available", nine, 240 * minute),
        ("phone", "InACall", nine, 5 * minute + 1),
    ];
    let preferred = Some(("OffWork", one_past_nine, 7 * 24 * 60 * minute));
    let version = 0_u32;
    assert_eq!(postcard::to_allocvec(&(version, "OffWork", sessions, preferred)).unwrap(), V1_POSTCARD);

    for (since, lifetime) in [(i64::MIN, 1), (-1, 240 * minute), (i64::MAX - 1, 1)] {
        let stored: Stored = (
            0,
            "Away".to_owned(),
            vec![(7, "Away".to_owned(), since, lifetime)],
            Some(("Busy".to_owned(), since, i64::MAX.abs_diff(since))),
        );
        let bytes = postcard::to_allocvec(&stored).unwrap();
        let user: PresenceModel<u64> = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(postcard::from_bytes::<Stored>(&postcard::to_allocvec(&user).unwrap()), Ok(stored));
    }
}

#[test]
fn an_empty_model_has_a_snapshot() {
    let empty = PresenceModel::<u64>::new();
    let text = serde_json::to_string(&empty).unwrap();
    assert_eq!(text, r#"{"v1":{"reported":"Offline","sessions":[],"preferred":null}}"#);
    assert_eq!(serde_json::from_str::<PresenceModel<u64>>(&text).unwrap(), empty);
}

/// T3: what was reported last is stored, so an outcome after a restart starts from it.
#[test]
fn a_snapshot_keeps_what_was_reported() {
    let mut user = three_sessions_and_a_preference();
    assert_eq!(user.reported(), Presence::OffWork);
    let text = serde_json::to_string(&user).unwrap();
    let mut restored: PresenceModel<String> = serde_json::from_str(&text).unwrap();
    assert_eq!(restored.reported(), Presence::OffWork);
    let outcome = restored.tick(at("33:00"));
    assert_eq!((outcome.previous, outcome.current), (Presence::OffWork, Presence::Offline));
    assert_eq!(user.tick(at("33:00")), outcome);
    assert_eq!(restored, user);
}

/// S4, S5, U1, U3, T6: what is read is checked as commands are.
#[test]
fn a_snapshot_of_an_impossible_model_is_rejected() {
    type Edit = fn(&mut Value);
    let out_of_range = "lifetime out of range";
    let claims = "expected Available/Available, Busy/InACall, Busy/InAConferenceCall, \
                  DoNotDisturb/Presenting or Away/Away";
    let preferences = "expected Available/Available, Busy/Busy, DoNotDisturb/DoNotDisturb, \
                       BeRightBack/BeRightBack, Away/Away or Offline/OffWork";
    let rows: [(Edit, &str); 27] = [
        (|v| v["reported"] = json!("Focusing"), "invalid presence, found \"Focusing\""),
        (|v| v["reported"] = json!("Lunch"), r#"invalid presence, found "Lunch""#),
        (
            |v| v["sessions"][0]["claim"] = json!("Busy"),
            &format!("invalid presence Busy/Busy, {claims}"),
        ),
        (
            |v| v["sessions"][0]["claim"] = json!("AvailableInactive"),
            &format!("invalid presence Available/AvailableInactive, {claims}"),
        ),
        (|v| v["sessions"][0]["claim"] = json!("InAMeeting"), "invalid presence, found \"InAMeeting\""),
        (|v| v["sessions"][0]["lifetime"] = json!("PT0S"), out_of_range),
        (|v| v["sessions"][0]["lifetime"] = json!("-PT0.000000001S"), out_of_range),
        (|v| v["sessions"][0]["lifetime"] = json!("PT4H0.000000001S"), out_of_range),
        (|v| v["sessions"][0]["lifetime"] = json!("P106751991167300D"), out_of_range),
        (
            |v| v["sessions"][0]["lifetime"] = json!("4:00:00"),
            "invalid duration, expected one such as PT1H30M or P1D: days are the largest unit, found \
             \"4:00:00\"",
        ),
        (
            |v| v["sessions"][0]["lifetime"] = json!(3_600_000_000_000_i64),
            "invalid type: integer `3600000000000`, expected a duration as a string",
        ),
        (|v| v["sessions"][0]["since"] = json!("2262-04-11T23:47:16.854775806Z"), out_of_range),
        (|v| v["sessions"][0]["since"] = json!("9999-12-31T23:59:59Z"), out_of_range),
        (
            |v| v["sessions"][0]["since"] = json!("2026-11-20T09:00:00"),
            "invalid timestamp, expected one such as 2026-11-20T09:00:00Z, found \
             \"2026-11-20T09:00:00\"",
        ),
        (
            |v| v["sessions"][0]["since"] = json!(1_795_165_200_000_000_000_i64),
            "invalid type: integer `1795165200000000000`, expected a timestamp as a string",
        ),
        (|v| v["sessions"][1]["id"] = v["sessions"][0]["id"].clone(), "duplicate session id"),
        (
            |v| v["preferred"]["presence"] = json!("InACall"),
            &format!("invalid presence Busy/InACall, {preferences}"),
        ),
        (
            |v| v["preferred"]["presence"] = json!("OutOfOffice"),
            "invalid presence, found \"OutOfOffice\"",
        ),
        (|v| v["preferred"]["lifetime"] = json!("PT0S"), out_of_range),
        (|v| v["preferred"]["lifetime"] = json!("P213503D"), out_of_range),
        (|v| v["preferred"]["lifetime"] = json!("P213504D"), out_of_range),
        (|v| v["preferred"]["since"] = json!("2262-04-11T23:47:16.854775807Z"), out_of_range),
        (|v| drop(v.as_object_mut().unwrap().remove("reported")), "missing field `reported`"),
        (|v| drop(v.as_object_mut().unwrap().remove("sessions")), "missing field `sessions`"),
        (|v| drop(v.as_object_mut().unwrap().remove("preferred")), "missing field `preferred`"),
        (|v| drop(v["sessions"][0].as_object_mut().unwrap().remove("since")), "missing field `since`"),
        (
            |v| drop(v["preferred"].as_object_mut().unwrap().remove("lifetime")),
            "missing field `lifetime`",
        ),
    ];
    for (edit, message) in rows {
        let mut snapshot: Value = serde_json::from_str(V1_JSON).unwrap();
        edit(&mut snapshot["v1"]);
        let error = serde_json::from_value::<PresenceModel<String>>(snapshot).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

/// S5, U3, T6
#[test]
fn a_compact_snapshot_of_an_impossible_lifetime_is_rejected() {
    let limit = 14_400_000_000_000_u64;
    let is_session = |since: i64, lifetime: u64| {
        let sessions = vec![(7_u64, "Away", since, lifetime)];
        let bytes = postcard::to_allocvec(&(0_u32, "Away", sessions, None::<()>)).unwrap();
        postcard::from_bytes::<PresenceModel<u64>>(&bytes).is_ok()
    };
    assert!(is_session(0, 1) && is_session(0, limit) && is_session(i64::MAX - 1, 1));
    assert!(!is_session(0, 0) && !is_session(0, limit + 1) && !is_session(i64::MAX, 1));
    assert!(!is_session(0, u64::MAX) && !is_session(0, 1 << 63) && !is_session(0, (1 << 48) + 1));

    let is_preference = |since: i64, lifetime: u64| {
        let preferred = Some(("Busy", since, lifetime));
        let bytes = postcard::to_allocvec(&(0_u32, "Away", Vec::<u64>::new(), preferred)).unwrap();
        postcard::from_bytes::<PresenceModel<u64>>(&bytes).is_ok()
    };
    assert!(is_preference(0, 1) && is_preference(0, 1 << 62) && is_preference(i64::MIN, u64::MAX));
    assert!(!is_preference(0, 0) && !is_preference(i64::MAX, 1) && !is_preference(0, u64::MAX));
}

#[test]
fn an_unknown_version_is_rejected() {
    let text = V1_JSON.replace("v1", "v2");
    let error = serde_json::from_str::<PresenceModel<String>>(&text).unwrap_err();
    assert_eq!(error.to_string(), "unknown variant `v2`, expected `v1` at line 2 column 6");
    let bytes = [&[1], &V1_POSTCARD[1..]].concat();
    assert!(postcard::from_bytes::<PresenceModel<String>>(&bytes).is_err());
}

#[test]
fn up_to_128_sessions_are_restored() {
    let snapshot = |count: usize| {
        let session = |id| json!({ "id": id, "claim": "Away", "since": "1970-01-01T00:00:00Z", "lifetime": "PT5M" });
        let sessions: Vec<_> = (0..count).rev().map(session).collect();
        json!({ "v1": { "reported": "Away", "sessions": sessions, "preferred": null } })
    };
    let full: PresenceModel<usize> = serde_json::from_value(snapshot(MAX_SESSIONS)).unwrap();
    let ids: Vec<_> = full.sessions(Timestamp::UNIX_EPOCH).map(|session| *session.id).collect();
    assert_eq!(ids, (0..MAX_SESSIONS).collect::<Vec<_>>());
    let error = serde_json::from_value::<PresenceModel<usize>>(snapshot(MAX_SESSIONS + 1)).unwrap_err();
    assert_eq!(error.to_string(), "too many sessions, expected 128");
}

/// T3, O1
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
        assert_eq!(restored.insert(user, postcard::from_bytes(&bytes).unwrap(), at("09:00")), None);
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
    let claim = proptest::sample::select(SessionPresence::ALL);
    let preferred = proptest::sample::select(PreferredPresence::ALL);
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

    /// At any point of any history.
    #[test]
    fn a_restored_model_goes_on_like_the_original(
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

    /// Random bytes, and snapshots with one byte changed.
    #[test]
    fn any_bytes_are_rejected_or_restore_a_model_that_works(
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        (index, byte) in (0..1_000_usize, any::<u8>()),
        nanoseconds in any::<i64>(),
    ) {
        let damaged = |snapshot: &[u8]| {
            let mut damaged = snapshot.to_vec();
            let index = index % damaged.len();
            damaged[index] = byte;
            damaged
        };
        let now = nanosecond(nanoseconds);
        for bytes in [bytes, damaged(V1_POSTCARD), damaged(V1_JSON.as_bytes())] {
            if let Ok(mut user) = postcard::from_bytes::<PresenceModel<String>>(&bytes) {
                works(&mut user, now)?;
            }
            if let Ok(mut user) = serde_json::from_slice::<PresenceModel<String>>(&bytes) {
                works(&mut user, now)?;
            }
        }
    }

    /// Also a state that no commands lead to.
    #[test]
    fn any_state_is_rejected_or_restores_a_model_that_works(snapshot in state(), now in edge()) {
        let now = nanosecond(now);
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
        let claim = claim.presence().activity();
        json!({ "claim": claim, "since": start(since), "lifetime": duration(lifetime) })
    });
    let preferred = proptest::sample::select(PreferredPresence::ALL.to_vec());
    let preferred = (preferred, edge(), lifetime()).prop_map(|(presence, since, lifetime)| {
        let presence = presence.presence().activity();
        json!({ "presence": presence, "since": start(since), "lifetime": duration(lifetime) })
    });
    let sessions = proptest::collection::vec(session, 0..4);
    (presence(), sessions, proptest::option::of(preferred)).prop_map(
        |(reported, mut sessions, preferred)| {
            for (id, session) in sessions.iter_mut().enumerate() {
                session["id"] = json!(id.to_string());
            }
            json!({ "v1": { "reported": reported, "sessions": sessions, "preferred": preferred } })
        },
    )
}

fn start(nanoseconds: i64) -> String {
    timestamp::display(nanosecond(nanoseconds)).to_string()
}

fn duration(nanoseconds: i64) -> String {
    PreferredExpiration::new(SignedDuration::nanoseconds(nanoseconds)).unwrap().to_string()
}

/// Returns timestamps at either end of the range, and within hours of each other.
fn edge() -> impl Strategy<Value = i64> {
    let hours = 5 * 3_600_000_000_000;
    prop_oneof![
        4 => 0..hours,
        1 => i64::MAX - hours..=i64::MAX,
        1 => i64::MIN..i64::MIN + hours,
        1 => any::<i64>(),
    ]
}

/// Checks that a model is consistent, can be stored, and becomes empty by ticks.
fn works(user: &mut PresenceModel<String>, now: Timestamp) -> Result<(), TestCaseError> {
    let again = postcard::from_bytes(&postcard::to_allocvec(user).unwrap());
    prop_assert_eq!(again.as_ref(), Ok(&*user));
    let mut directory = PresenceDirectory::<u8, String>::new();
    prop_assert_eq!(directory.insert(0, user.clone(), now), None);
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
