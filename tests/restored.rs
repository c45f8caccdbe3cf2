//! Models that are restored from snapshots into a directory, however odd they are.

#![cfg(feature = "serde")]

mod common;
mod naive;
mod reference;

use common::{at, deterministic, just_after, just_before, nanosecond};
use naive::{saturated, ticked};
use presence_core::{
    PreferredExpiration, PreferredPresence, Presence, PresenceDirectory, PresenceModel, SessionPresence,
    SignedDuration, Timestamp, timestamp,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use reference::histories::{forward_from, wild_reading};
use serde_json::{Value, json};

/// The session is clamped and the preference is not: it has ended.
#[test]
fn a_session_that_starts_in_2262_beside_a_preference_that_has_ended() {
    let model = json!({"v1": {
        "reported": "Offline",
        "sessions": [
            {"id": 1, "claim": "InACall", "since": "2262-04-11T00:00:00Z", "lifetime": "PT1H"},
        ],
        "preferred": {"presence": "Busy", "since": "1677-09-22T00:00:00Z", "lifetime": "P1D"},
    }});
    let model: PresenceModel<u8> = serde_json::from_value(model).unwrap();
    let mut users = PresenceDirectory::<&str, u8>::new();
    assert_eq!(users.insert("ana", model, at("09:00")), None);
    assert_eq!(users.presence("ana", at("09:00")), Presence::InACall);
    assert_eq!(users.next_deadline(), Some(at("09:00")));
    let changes: Vec<_> = users
        .changes_until(at("33:00"))
        .map(|(at, _, outcome)| (at, outcome.previous, outcome.current))
        .collect();
    let expected = [
        (at("09:00"), Presence::Offline, Presence::InACall),
        (at("10:00"), Presence::InACall, Presence::Offline),
    ];
    assert_eq!(changes, expected);
    assert!(users.is_empty());
}

/// At the `now` of the restore: a tick at its end would be a step of the clock.
#[test]
fn a_session_that_ended_in_1677_is_reported_at_once() {
    let model = json!({"v1": {
        "reported": "Presenting",
        "sessions": [
            {"id": 1, "claim": "Presenting", "since": "1677-09-22T00:00:00Z", "lifetime": "PT1H"},
        ],
        "preferred": null,
    }});
    let model: PresenceModel<u8> = serde_json::from_value(model).unwrap();
    let mut users = PresenceDirectory::<&str, u8>::new();
    assert_eq!(users.insert("ana", model, at("09:00")), None);
    assert_eq!(users.next_deadline(), Some(at("09:00")));
    let (_, outcome) = users.tick(at("09:00")).unwrap();
    assert_eq!((outcome.previous, outcome.current), (Presence::Presenting, Presence::Offline));
    assert_eq!((users.next_deadline(), users.len()), (None, 0));
}

/// A model that has reported what no session and no preference claims.
#[test]
fn a_model_that_has_reported_a_presence_without_a_cause_is_corrected() {
    for reported in Presence::ALL {
        let model = json!({"v1": {
            "reported": reported.activity().as_str(), "sessions": [], "preferred": null,
        }});
        let model: PresenceModel<u8> = serde_json::from_value(model).unwrap();
        let mut users = PresenceDirectory::<&str, u8>::new();
        assert_eq!(users.insert("ana", model, at("09:00")), None);
        assert_eq!(users.presence("ana", at("09:00")), Presence::Offline);
        let change = users.tick(at("09:00")).map(|(_, outcome)| (outcome.previous, outcome.current));
        let expected = (*reported, Presence::Offline);
        assert_eq!(change, Some(expected).filter(|(previous, current)| previous != current));
        assert!(users.is_empty() && users.next_deadline().is_none());
    }
}

proptest! {
    #![proptest_config(deterministic())]

    /// T3, T5, T6: after a restore at any `now`, a directory answers as the model does after a tick.
    #[test]
    fn a_restored_model_answers_as_it_does_after_a_tick(
        models in vec(model(), 1..4), now in now(), reads in vec(wild_reading(), 3),
        history in forward_from(at("09:00")),
    ) {
        let mut users = PresenceDirectory::<usize, u8>::new();
        let mut expected = models.clone();
        for (user, (model, expected)) in models.iter().zip(&mut expected).enumerate() {
            prop_assert_eq!(users.insert(user, model.clone(), now), None);
            let _ = expected.tick(now);
        }
        assert_answers(&users, &expected, &reads);
        assert_answers(&users, &expected, &boundaries(&expected, saturated(now)));
        prop_assert!(users.next_deadline().is_none_or(|next| next >= saturated(now)));

        // Each reports once what it has not reported yet, in the order of the users.
        let changes = ticked(&mut users, now).into_iter();
        let changes: Vec<_> =
            changes.map(|(user, outcome)| (user, outcome.previous, outcome.current)).collect();
        let differing = models.iter().zip(&expected).enumerate().filter_map(|(user, (model, ticked))| {
            let (previous, current) = (model.reported(), ticked.reported());
            (previous != current).then_some((user, previous, current))
        });
        prop_assert_eq!(changes, differing.collect::<Vec<_>>());
        assert_models(&users, &expected);

        // The history is moved to `now`.
        for (step, (face, command)) in history.into_iter().enumerate() {
            let later = saturated(now).saturating_add(face - at("09:00"));
            if step % 2 == 0 {
                let _ = ticked(&mut users, later);
                for model in &mut expected {
                    let _ = model.tick(later);
                }
                assert_models(&users, &expected);
            }
            let user = step % expected.len();
            let result = users.apply(&user, command, later);
            prop_assert_eq!(
                result.map(|outcome| outcome.current),
                expected[user].apply(command, later).map(|outcome| outcome.current)
            );
            assert_answers(&users, &expected, &boundaries(&expected, saturated(later)));
        }
        let _ = users.changes_until(Timestamp::MAX).count();
        prop_assert!(users.is_empty() && users.next_deadline().is_none());
    }
}

/// Any model that a snapshot can hold, with starts and lifetimes from all over the range.
fn model() -> impl Strategy<Value = PresenceModel<u8>> {
    let session = (select(SessionPresence::ALL.to_vec()), since(), session_lifetime());
    let preferred = (select(PreferredPresence::ALL.to_vec()), since(), preferred_lifetime());
    let reported = select(Presence::ALL.to_vec());
    let parts = (reported, btree_map(0..5_u8, session, 0..5), proptest::option::of(preferred));
    let is_in_range = |since: i64, lifetime: i64| since.checked_add(lifetime).is_some();
    parts.prop_filter_map(
        "a lifetime past the last timestamp",
        move |(reported, sessions, preferred)| {
            let sessions =
                sessions.into_iter().filter(|(_, (_, since, lifetime))| is_in_range(*since, *lifetime));
            let sessions = sessions.map(|(id, (claim, since, lifetime))| {
                let mut session = lease(since, lifetime.unsigned_abs());
                session["id"] = json!(id);
                session["claim"] = json!(claim.presence().activity().as_str());
                session
            });
            let preferred = preferred.map(|(presence, since, lifetime)| {
                let mut preferred = lease(since, lifetime);
                preferred["presence"] = json!(presence.presence().activity().as_str());
                preferred
            });
            let snapshot = json!({"v1": {
                "reported": reported.activity().as_str(),
                "sessions": sessions.collect::<Vec<_>>(),
                "preferred": preferred,
            }});
            serde_json::from_value(snapshot).ok()
        },
    )
}

fn lease(since: i64, lifetime: u64) -> Value {
    let (seconds, nanoseconds) = (lifetime / 1_000_000_000, lifetime % 1_000_000_000);
    let lifetime = SignedDuration::new(seconds.try_into().unwrap(), nanoseconds.try_into().unwrap());
    json!({
        "since": timestamp::display(nanosecond(since)).to_string(),
        "lifetime": PreferredExpiration::new(lifetime).unwrap().to_string(),
    })
}

/// In nanoseconds: around the timestamps at which models are restored, and anywhere.
fn since() -> impl Strategy<Value = i64> {
    const MINUTE: i64 = 60_000_000_000;
    let nine = i64::try_from(at("09:00").as_nanoseconds()).unwrap();
    let edges = [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 4 * 60 * MINUTE, i64::MAX - 1];
    prop_oneof![
        4 => (-15..=15_i64, -1..=1_i64).prop_map(move |(minutes, nudge)| nine + minutes * MINUTE + nudge),
        2 => select(edges.to_vec()),
        1 => any::<i64>(),
    ]
}

fn session_lifetime() -> impl Strategy<Value = i64> {
    const MINUTE: i64 = 60_000_000_000;
    let lifetimes = [1, 2, MINUTE, 5 * MINUTE, 7 * MINUTE, 10 * MINUTE, 60 * MINUTE, 240 * MINUTE];
    prop_oneof![4 => select(lifetimes.to_vec()), 1 => 1..=240 * MINUTE]
}

fn preferred_lifetime() -> impl Strategy<Value = u64> {
    const MINUTE: u64 = 60_000_000_000;
    let lifetimes = [1, MINUTE, 7 * MINUTE, 24 * 60 * MINUTE, 1 << 63, u64::MAX];
    prop_oneof![4 => select(lifetimes.to_vec()), 1 => 1..=u64::MAX]
}

/// When models are restored: on the day of all clock faces, or anywhere.
fn now() -> impl Strategy<Value = Timestamp> {
    prop_oneof![2 => Just(at("09:00")), 1 => wild_reading()]
}

/// Returns the timestamps around all boundaries of the models from `now` on.
fn boundaries(models: &[PresenceModel<u8>], now: Timestamp) -> Vec<Timestamp> {
    let mut reads = vec![now];
    for model in models {
        let mut boundary = model.deadline(now);
        while let Some(at) = boundary {
            reads.extend([just_before(at), at, just_after(at)]);
            boundary = model.deadline(at);
        }
    }
    reads
}

/// Compares what can be read, except what was reported.
fn assert_answers(
    users: &PresenceDirectory<usize, u8>,
    expected: &[PresenceModel<u8>],
    reads: &[Timestamp],
) {
    for (user, expected) in expected.iter().enumerate() {
        let model = users.get(&user).cloned().unwrap_or_default();
        for now in reads {
            assert_eq!(users.presence(&user, *now), expected.presence(*now), "{user} at {now:?}");
            assert_eq!(users.explain(&user, *now), expected.explain(*now), "{user} at {now:?}");
            assert!(model.forecast(*now).eq(expected.forecast(*now)), "{user} at {now:?}");
            assert_eq!(model.deadline(*now), expected.deadline(*now), "{user} at {now:?}");
        }
    }
}

/// Compares what is stored, if all that was due has been reported.
fn assert_models(users: &PresenceDirectory<usize, u8>, expected: &[PresenceModel<u8>]) {
    for (user, expected) in expected.iter().enumerate() {
        assert_eq!(users.get(&user), Some(expected).filter(|model| !model.is_empty()), "{user}");
    }
}
