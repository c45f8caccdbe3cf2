//! The sessions of one user.

mod common;

use std::fmt::Debug;

use common::{apply, at, just_after, just_before, nanosecond, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, CommandError, ExpirationError, MAX_SESSIONS, PreferredPresence,
    Presence, PresenceModel, SessionExpiration, SessionPresence, SetSession, SignedDuration, Tick,
};

/// S1: they are listed in the order of their ids.
#[test]
fn a_user_has_any_number_of_sessions() {
    let ids = ["d", "a", "c", "e", "b"];
    let mut user = PresenceModel::new();
    for (number, id) in (1..).zip(ids) {
        apply(&mut user, set(id, SessionPresence::Away, "PT1H"), at("09:00"));
        assert_eq!(user.sessions(at("09:00")).count(), number);
    }
    let listed: Vec<_> = user.sessions(at("09:00")).map(|session| *session.id).collect();
    assert_eq!(listed, ["a", "b", "c", "d", "e"]);
}

/// S1: a model does not depend on how its sessions came about.
#[test]
fn models_with_equal_sessions_are_equal() {
    let claim = |id| set(id, SessionPresence::Away, "PT1H");
    for count in 1..6 {
        for kept in 0..count {
            let mut shrunk = PresenceModel::new();
            for id in 0..count {
                apply(&mut shrunk, claim(id), at("09:00"));
            }
            for id in kept..count {
                apply(&mut shrunk, ClearSession::new(id), at("09:00"));
            }
            let mut grown = PresenceModel::new();
            for id in (0..kept).rev() {
                apply(&mut grown, claim(id), at("09:00"));
            }
            assert_eq!(shrunk, grown, "{kept} of {count}");
        }
    }
}

/// S2: preferring, ticking and rejected commands create no session.
#[test]
fn only_setting_a_session_creates_one() {
    let mut user = PresenceModel::new();
    apply(&mut user, prefer(PreferredPresence::Busy, "P1D"), at("09:00"));
    apply(&mut user, ClearPreferred, at("09:00"));
    apply(&mut user, Tick, at("09:00"));
    user.apply(ClearSession::new("A"), at("09:00")).unwrap_err();
    assert_eq!(user.sessions(at("09:00")).count(), 0);

    apply(&mut user, set("A", SessionPresence::Away, "PT5M"), at("09:00"));
    assert_eq!(user.sessions(at("09:00")).count(), 1);
}

/// S3, S9: claim, fading and expiry are all new.
#[test]
fn setting_a_session_again_replaces_it_whole() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::InACall, "PT4H"), at("09:00"));
    apply(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:30"));

    let session = user.sessions(at("09:36")).next().unwrap();
    assert_eq!((*session.id, session.claim), ("A", SessionPresence::Available));
    assert_eq!(session.presence, Presence::AvailableInactive);
    assert_eq!((session.since, session.expires_at), (at("09:30"), at("10:30")));
    assert_eq!(user.sessions(at("09:36")).count(), 1);
}

/// S4: each claim is the presence of the same name.
#[test]
fn a_session_shows_what_it_claims() {
    let rows = [
        (SessionPresence::Available, Presence::Available),
        (SessionPresence::InACall, Presence::InACall),
        (SessionPresence::InAConferenceCall, Presence::InAConferenceCall),
        (SessionPresence::Presenting, Presence::Presenting),
        (SessionPresence::Away, Presence::Away),
    ];
    assert_eq!(rows.map(|(claim, _)| claim), SessionPresence::ALL);
    for (claim, presence) in rows {
        let mut user = PresenceModel::new();
        assert_eq!(apply(&mut user, SetSession::new("A", claim), at("09:00")), presence);
        let session = user.sessions(at("09:00")).next().unwrap();
        assert_eq!((session.claim, session.presence), (claim, presence));
    }
}

/// S5: both limits are included, a nanosecond past them is not.
#[test]
fn a_session_lives_for_5_minutes_to_4_hours() {
    let (shortest, longest) = (SignedDuration::minutes(5), SignedDuration::hours(4));
    let rows = [
        (SignedDuration::MIN, false),
        (-shortest, false),
        (SignedDuration::ZERO, false),
        (shortest - SignedDuration::NANOSECOND, false),
        (shortest, true),
        (shortest + SignedDuration::NANOSECOND, true),
        (longest - SignedDuration::NANOSECOND, true),
        (longest, true),
        (longest + SignedDuration::NANOSECOND, false),
        (SignedDuration::MAX, false),
    ];
    for (lifetime, accepted) in rows {
        let expiration = SessionExpiration::new(lifetime);
        let expected = if accepted { Ok(lifetime) } else { Err(ExpirationError::OutOfRange) };
        assert_eq!(expiration.map(SessionExpiration::duration), expected, "{lifetime:?}");
    }
    assert_eq!(SessionExpiration::MIN.duration(), shortest);
    assert_eq!(SessionExpiration::MAX.duration(), longest);
    assert_eq!(SessionExpiration::default().duration(), shortest);
}

/// S5, S7: an Available session is refreshed before it fades, however long it lives.
#[test]
fn a_session_that_is_refreshed_at_its_interval_can_lose_one_request() {
    for (claim, lifetime, seconds) in [
        (SessionPresence::Available, "PT5M", 100),
        (SessionPresence::Available, "PT4H", 100),
        (SessionPresence::InACall, "PT5M", 100),
        (SessionPresence::Away, "PT1H", 1_200),
        (SessionPresence::Presenting, "PT4H", 4_800),
    ] {
        let body = set("A", claim, lifetime);
        let interval = body.refresh_interval();
        assert_eq!(interval, SignedDuration::seconds(seconds), "{body:?}");

        let mut user = PresenceModel::new();
        let _ = apply(&mut user, body, at("09:00"));
        let one_is_lost_and_the_next_is_late = at("09:00") + interval * 2 + interval / 2;
        assert_eq!(user.apply(body, one_is_lost_and_the_next_is_late).unwrap().changed(), None);
        assert_eq!(user.presence(just_before(one_is_lost_and_the_next_is_late)), claim.into());
    }
}

/// S6, S11, T1: to the nanosecond, for the shortest, the longest and odd lifetimes.
#[test]
fn a_session_expires_at_the_end_of_its_lifetime() {
    for lifetime in ["PT5M", "PT5M0.000000001S", "PT1H17M", "PT3H59M59.999999999S", "PT4H"] {
        let mut user = PresenceModel::new();
        let body = set("A", SessionPresence::InACall, lifetime);
        apply(&mut user, body, at("09:00"));
        let end = at("09:00") + body.expiration.duration();

        assert_eq!(user.presence(just_before(end)), Presence::InACall, "{lifetime}");
        assert_eq!(user.sessions(just_before(end)).next().unwrap().expires_at, end, "{lifetime}");
        assert!(user.clone().apply(ClearSession::new("A"), just_before(end)).is_ok(), "{lifetime}");

        assert_eq!(user.presence(end), Presence::Offline, "{lifetime}");
        assert_eq!(user.sessions(end).count(), 0, "{lifetime}");
        let rejected = user.apply(ClearSession::new("A"), end);
        assert_eq!(rejected, Err(CommandError::SessionNotFound), "{lifetime}");
    }
}

/// S6: also while other sessions live.
#[test]
fn an_expired_session_counts_for_nothing() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Presenting, "PT5M"), at("09:00"));
    apply(&mut user, set("B", SessionPresence::InACall, "PT6M"), at("09:00"));
    apply(&mut user, set("C", SessionPresence::Away, "PT7M"), at("09:00"));
    let rows = [
        ("09:04", Presence::Presenting, 3),
        ("09:05", Presence::InACall, 2),
        ("09:06", Presence::Away, 1),
        ("09:07", Presence::Offline, 0),
    ];
    for (face, presence, live) in rows {
        let now = at(face);
        assert_eq!((user.presence(now), user.sessions(now).count()), (presence, live), "{face}");
    }
}

/// S7, T1, T2: at 5 and at 10 minutes, whatever the lifetime. Expiry comes first.
#[test]
fn an_available_session_fades_by_its_age_alone() {
    use Presence::{Available, AvailableInactive, Away, Offline};
    let rows = [
        // lifetime,            09:05-,    09:05,             10-,               09:10,   09:10+
        ("PT5M", [Available, Offline, Offline, Offline, Offline]),
        ("PT5M0.000000001S", [Available, AvailableInactive, Offline, Offline, Offline]),
        ("PT10M", [Available, AvailableInactive, AvailableInactive, Offline, Offline]),
        ("PT10M0.000000001S", [Available, AvailableInactive, AvailableInactive, Away, Offline]),
        ("PT1H", [Available, AvailableInactive, AvailableInactive, Away, Away]),
        ("PT4H", [Available, AvailableInactive, AvailableInactive, Away, Away]),
    ];
    let timestamps = [
        just_before(at("09:05")),
        at("09:05"),
        just_before(at("09:10")),
        at("09:10"),
        just_after(at("09:10")),
    ];
    for (lifetime, presences) in rows {
        let mut user = PresenceModel::new();
        apply(&mut user, set("A", SessionPresence::Available, lifetime), at("09:00"));
        assert_eq!(timestamps.map(|now| user.presence(now)), presences, "{lifetime}");
    }
}

/// S7, S10, P4: it can be cleared, and a preference takes effect while it exists.
#[test]
fn a_faded_session_still_exists() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Busy, "P1D"), at("09:00"));
    assert_eq!(user.presence(at("09:30")), Presence::Busy);

    let session = user.sessions(at("09:30")).next().unwrap();
    assert_eq!((session.claim, session.presence), (SessionPresence::Available, Presence::Away));
    assert_eq!(apply(&mut user, ClearSession::new("A"), at("09:30")), Presence::Offline);
}

/// S8
#[test]
fn busy_presenting_and_away_sessions_never_fade() {
    let others = SessionPresence::ALL.iter().filter(|claim| **claim != SessionPresence::Available);
    for claim in others.copied() {
        let mut user = PresenceModel::new();
        let presence = apply(&mut user, set("A", claim, "PT4H"), at("09:00"));
        for now in [at("09:05"), at("09:10"), at("11:00"), just_before(at("13:00"))] {
            assert_eq!(user.presence(now), presence, "{claim:?}");
        }
        assert_eq!(user.deadline(at("09:00")), Some(at("13:00")), "{claim:?}");
        assert_eq!(user.presence(at("13:00")), Presence::Offline, "{claim:?}");
    }
}

/// S9: also with the same claim.
#[test]
fn a_refresh_restarts_fading_and_expiry() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Available, "PT12M"), at("09:00"));
    assert_eq!(user.presence(at("09:11")), Presence::Away);
    apply(&mut user, set("A", SessionPresence::Available, "PT12M"), at("09:11"));
    let rows = [
        (just_before(at("09:16")), Presence::Available),
        (at("09:16"), Presence::AvailableInactive),
        (just_before(at("09:21")), Presence::AvailableInactive),
        (at("09:21"), Presence::Away),
        (just_before(at("09:23")), Presence::Away),
        (at("09:23"), Presence::Offline),
    ];
    for (now, presence) in rows {
        assert_eq!(user.presence(now), presence, "{now:?}");
    }
}

/// S9: the new expiry counts, not the later of the two.
#[test]
fn a_refresh_can_shorten_the_lifetime() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::InACall, "PT4H"), at("09:00"));
    apply(&mut user, set("A", SessionPresence::InACall, "PT5M"), at("09:01"));
    assert_eq!(user.presence(just_before(at("09:06"))), Presence::InACall);
    assert_eq!(user.presence(at("09:06")), Presence::Offline);
}

/// S10: and no other session.
#[test]
fn clearing_a_session_removes_it_at_once() {
    let mut user = PresenceModel::new();
    for (id, claim) in [
        ("A", SessionPresence::Away),
        ("B", SessionPresence::InACall),
        ("C", SessionPresence::Presenting),
        ("D", SessionPresence::Available),
    ] {
        apply(&mut user, set(id, claim, "PT1H"), at("09:00"));
    }
    let rows = [
        ("C", Presence::InACall, vec!["A", "B", "D"]),
        ("B", Presence::Available, vec!["A", "D"]),
        ("D", Presence::Away, vec!["A"]),
        ("A", Presence::Offline, vec![]),
    ];
    for (id, presence, left) in rows {
        assert_eq!(apply(&mut user, ClearSession::new(id), at("09:00")), presence, "{id}");
        let listed: Vec<_> = user.sessions(at("09:00")).map(|session| *session.id).collect();
        assert_eq!(listed, left, "{id}");
    }
    assert!(user.is_empty());
}

/// S11, T4: never set, cleared or expired, while another session lives.
#[test]
fn clearing_a_session_that_does_not_exist_is_rejected_and_changes_nothing() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("cleared", SessionPresence::Away, "PT1H"), at("09:00"));
    apply(&mut user, set("expired", SessionPresence::Away, "PT5M"), at("09:00"));
    apply(&mut user, set("other", SessionPresence::Away, "PT1H"), at("09:00"));
    apply(&mut user, ClearSession::new("cleared"), at("09:01"));
    let before = user.clone();
    for id in ["never", "cleared", "expired", "", "Other"] {
        let rejected = user.apply(ClearSession::new(id), at("09:05"));
        assert_eq!(rejected, Err(CommandError::SessionNotFound), "{id}");
        assert_eq!(user, before, "{id}");
    }
}

/// S12: before the first session and after the last one.
#[test]
fn a_user_without_sessions_is_offline() {
    let mut user = PresenceModel::new();
    assert_eq!(user.presence(at("09:00")), Presence::Offline);
    assert_eq!(user.deadline(at("09:00")), None);
    assert!(user.is_empty());
    assert_eq!(user, PresenceModel::default());

    apply(&mut user, set("A", SessionPresence::Away, "PT1H"), at("09:00"));
    assert!(!user.is_empty());
    assert_eq!(apply(&mut user, ClearSession::new("A"), at("09:00")), Presence::Offline);
    assert!(user.is_empty());
    assert_eq!(user, PresenceModel::new());
}

/// S1, T4: status 403. Not specified by Graph.
#[test]
fn a_129th_live_session_is_rejected() {
    let mut user = with_128_sessions(at("09:00"));
    let before = user.clone();
    let rejected = user.apply(set(128, SessionPresence::Presenting, "PT1H"), at("09:00"));
    assert_eq!(rejected, Err(CommandError::TooManySessions));
    assert_eq!(CommandError::TooManySessions.status(), 403);
    assert_eq!(user, before);
    assert_eq!(user.presence(at("09:00")), Presence::Away);
}

/// S3, S9
#[test]
fn any_of_128_sessions_can_be_refreshed() {
    let mut user = with_128_sessions(at("09:00"));
    for id in [0, 64, 127] {
        apply(&mut user, set(id, SessionPresence::InACall, "PT1H"), at("09:01"));
    }
    assert_eq!(user.sessions(at("09:01")).count(), MAX_SESSIONS);
}

/// S10: the limit does not count cleared sessions.
#[test]
fn clearing_one_of_128_sessions_makes_room_for_one() {
    let mut user = with_128_sessions(at("09:00"));
    apply(&mut user, ClearSession::new(7), at("09:01"));
    apply(&mut user, set(128, SessionPresence::Away, "PT1H"), at("09:01"));
    let rejected = user.apply(set(129, SessionPresence::Away, "PT1H"), at("09:01"));
    assert_eq!(rejected, Err(CommandError::TooManySessions));
}

/// S6: without a tick.
#[test]
fn expired_sessions_do_not_count_towards_the_limit() {
    let mut user = with_128_sessions(at("09:00"));
    let body = set(128, SessionPresence::InACall, "PT1H");
    let early = user.apply(body, just_before(at("10:00")));
    assert_eq!(early, Err(CommandError::TooManySessions));
    assert_eq!(apply(&mut user, body, at("10:00")), Presence::InACall);
    assert_eq!(user.sessions(at("10:00")).count(), 1);
}

/// Returns a user with 128 sessions, 0 to 127, that are Away for an hour.
fn with_128_sessions(now: presence_core::Timestamp) -> PresenceModel<usize> {
    assert_eq!(MAX_SESSIONS, 128);
    let mut user = PresenceModel::new();
    for id in 0..MAX_SESSIONS {
        apply(&mut user, set(id, SessionPresence::Away, "PT1H"), now);
    }
    user
}

/// S3: any type that is `Ord`.
#[test]
fn ids_of_any_type_name_sessions() {
    assert_ids_name_two_sessions("", " ");
    assert_ids_name_two_sessions(String::new(), String::from("\u{0}"));
    assert_ids_name_two_sessions(0_u128, u128::MAX);
    assert_ids_name_two_sessions(("phone", 1), ("phone", 2));
    assert_ids_name_two_sessions([1_u8; 16], [2; 16]);
    assert_ids_name_two_sessions(None, Some(()));
    assert_ids_name_two_sessions(nanosecond(0), nanosecond(1));
}

fn assert_ids_name_two_sessions<S: Ord + Clone + Debug>(one: S, other: S) {
    let mut user = PresenceModel::new();
    apply(&mut user, set(one.clone(), SessionPresence::Away, "PT1H"), at("09:00"));
    let rejected = user.apply(ClearSession::new(other.clone()), at("09:00"));
    assert_eq!(rejected, Err(CommandError::SessionNotFound), "{other:?}");

    apply(&mut user, set(other.clone(), SessionPresence::InACall, "PT1H"), at("09:00"));
    apply(&mut user, set(one.clone(), SessionPresence::Away, "PT1H"), at("09:00"));
    assert_eq!(user.sessions(at("09:00")).count(), 2, "{one:?}");
    assert_eq!(apply(&mut user, ClearSession::new(other), at("09:00")), Presence::Away, "{one:?}");
    assert_eq!(apply(&mut user, ClearSession::new(one), at("09:00")), Presence::Offline);
}

/// S3: the unit type has one value.
#[test]
fn the_unit_type_names_one_session() {
    let mut user = PresenceModel::new();
    apply(&mut user, set((), SessionPresence::Away, "PT1H"), at("09:00"));
    apply(&mut user, set((), SessionPresence::InACall, "PT1H"), at("09:00"));
    assert_eq!(user.sessions(at("09:00")).count(), 1);
}

/// S1: a session that owns its id outlives the model.
#[test]
fn a_cloned_session_owns_its_id() {
    let mut user = PresenceModel::new();
    apply(&mut user, set(String::from("A"), SessionPresence::Available, "PT1H"), at("09:00"));
    let session = user.sessions(at("09:05")).next().unwrap().cloned();
    drop(user);
    assert_eq!((session.id.as_str(), session.claim), ("A", SessionPresence::Available));
    assert_eq!(session.presence, Presence::AvailableInactive);
    assert_eq!((session.since, session.deadline), (at("09:00"), at("09:10")));
    assert_eq!(session.expires_at, at("10:00"));
}

/// S1, S6: expired sessions are stored until the next update, so the upper bound counts them.
#[test]
fn listed_sessions_are_an_iterator_like_any_other() {
    let mut user = PresenceModel::new();
    for (id, lifetime) in [("A", "PT1H"), ("B", "PT5M"), ("C", "PT1H")] {
        apply(&mut user, set(id, SessionPresence::Away, lifetime), at("09:00"));
    }
    let mut sessions = user.sessions(at("09:30"));
    assert_eq!(sessions.size_hint(), (0, Some(3)));
    assert_eq!(sessions.next().map(|session| *session.id), Some("A"));
    let rest = sessions.clone();
    assert_eq!(sessions.next().map(|session| *session.id), Some("C"));
    assert_eq!((sessions.next(), sessions.next()), (None, None));
    assert_eq!(sessions.size_hint(), (0, Some(0)));
    assert_eq!(rest.map(|session| *session.id).collect::<Vec<_>>(), ["C"]);
    let _ = user.tick(at("09:30"));
    assert_eq!(user.sessions(at("09:30")).size_hint(), (0, Some(2)));
}

/// T3: what the last update reported stays reported while time passes.
#[test]
fn a_model_returns_what_it_has_reported() {
    let mut user = PresenceModel::new();
    assert_eq!(user.reported(), Presence::Offline);
    apply(&mut user, set("A", SessionPresence::InACall, "PT5M"), at("09:00"));
    assert_eq!((user.reported(), user.presence(at("09:05"))), (Presence::InACall, Presence::Offline));
    assert!(!user.is_empty());
    user.apply(ClearSession::new("A"), at("09:05")).unwrap_err();
    assert_eq!(user.reported(), Presence::InACall);
    assert_eq!(user.tick(at("09:05")).previous, Presence::InACall);
    assert_eq!(user.reported(), Presence::Offline);
    assert!(user.is_empty());
}
