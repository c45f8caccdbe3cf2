//! The sessions of one user.

mod common;

use std::fmt::Debug;

use common::{at, just_after, just_before, nanosecond, obey, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, CommandError, ExpirationError, MAX_SESSIONS, PreferredPresence,
    Presence, PresenceModel, SessionExpiration, SessionPresence, SetSession, SignedDuration, Tick,
};

/// S1: they stand side by side, in the order of their ids.
#[test]
fn a_user_has_any_number_of_sessions() {
    let ids = ["d", "a", "c", "e", "b"];
    let mut user = PresenceModel::new();
    for (number, id) in (1..).zip(ids) {
        obey(&mut user, set(id, SessionPresence::Away, "PT1H"), at("09:00"));
        assert_eq!(user.sessions(at("09:00")).count(), number);
    }
    let listed: Vec<_> = user.sessions(at("09:00")).map(|session| *session.id).collect();
    assert_eq!(listed, ["a", "b", "c", "d", "e"]);
}

/// S1: how a set of sessions came about leaves no trace in it.
#[test]
fn equal_sets_of_sessions_are_equal_values() {
    let claim = |id| set(id, SessionPresence::Away, "PT1H");
    for crowd in 1..6 {
        for kept in 0..crowd {
            let mut shrunk = PresenceModel::new();
            for id in 0..crowd {
                obey(&mut shrunk, claim(id), at("09:00"));
            }
            for id in kept..crowd {
                obey(&mut shrunk, ClearSession::new(id), at("09:00"));
            }
            let mut grown = PresenceModel::new();
            for id in (0..kept).rev() {
                obey(&mut grown, claim(id), at("09:00"));
            }
            assert_eq!(shrunk, grown, "{kept} of {crowd}");
        }
    }
}

/// S2: preferring, ticking and being refused create no session.
#[test]
fn only_setting_a_session_creates_one() {
    let mut user = PresenceModel::new();
    obey(&mut user, prefer(PreferredPresence::Busy, "P1D"), at("09:00"));
    obey(&mut user, ClearPreferred, at("09:00"));
    obey(&mut user, Tick, at("09:00"));
    user.apply(ClearSession::new("A"), at("09:00")).unwrap_err();
    assert_eq!(user.sessions(at("09:00")).count(), 0);

    obey(&mut user, set("A", SessionPresence::Away, "PT5M"), at("09:00"));
    assert_eq!(user.sessions(at("09:00")).count(), 1);
}

/// S3, S9: state, fade clock and expiry are all new.
#[test]
fn setting_a_session_again_replaces_it_whole() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::InACall, "PT4H"), at("09:00"));
    obey(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:30"));

    let session = user.sessions(at("09:36")).next().unwrap();
    assert_eq!((*session.id, session.claim), ("A", SessionPresence::Available));
    assert_eq!(session.presence, Presence::AvailableInactive);
    assert_eq!((session.since, session.expires_at), (at("09:30"), at("10:30")));
    assert_eq!(user.sessions(at("09:36")).count(), 1);
}

/// S4: each claim shows as the pair of the same name, and is what the session says of itself.
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
    for (claim, shown) in rows {
        let mut user = PresenceModel::new();
        assert_eq!(obey(&mut user, SetSession::new("A", claim), at("09:00")), shown);
        let session = user.sessions(at("09:00")).next().unwrap();
        assert_eq!((session.claim, session.presence), (claim, shown));
    }
}

/// S5: both ends are included, a nanosecond beyond them is not.
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

/// S5, S7: Available for no more than 5 minutes, however long the session lives.
#[test]
fn a_session_that_is_set_again_at_its_refresh_interval_can_lose_one_request() {
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
        let _ = obey(&mut user, body, at("09:00"));
        let one_is_lost_and_the_next_is_late = at("09:00") + interval * 2 + interval / 2;
        assert_eq!(user.apply(body, one_is_lost_and_the_next_is_late).unwrap().changed(), None);
        assert_eq!(user.presence(just_before(one_is_lost_and_the_next_is_late)), claim.into());
    }
}

/// S6, S11, T1: to the nanosecond, at the shortest and the longest lifetime and at odd ones.
#[test]
fn a_session_is_gone_when_its_lifetime_is_over() {
    for lifetime in ["PT5M", "PT5M0.000000001S", "PT1H17M", "PT3H59M59.999999999S", "PT4H"] {
        let mut user = PresenceModel::new();
        let body = set("A", SessionPresence::InACall, lifetime);
        obey(&mut user, body, at("09:00"));
        let end = at("09:00") + body.expiration.duration();

        assert_eq!(user.presence(just_before(end)), Presence::InACall, "{lifetime}");
        assert_eq!(user.sessions(just_before(end)).next().unwrap().expires_at, end, "{lifetime}");
        assert!(user.clone().apply(ClearSession::new("A"), just_before(end)).is_ok(), "{lifetime}");

        assert_eq!(user.presence(end), Presence::Offline, "{lifetime}");
        assert_eq!(user.sessions(end).count(), 0, "{lifetime}");
        let refused = user.apply(ClearSession::new("A"), end);
        assert_eq!(refused, Err(CommandError::SessionNotFound), "{lifetime}");
    }
}

/// S6: an expired session counts for nothing, also while others live.
#[test]
fn an_expired_session_no_longer_counts() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::Presenting, "PT5M"), at("09:00"));
    obey(&mut user, set("B", SessionPresence::InACall, "PT6M"), at("09:00"));
    obey(&mut user, set("C", SessionPresence::Away, "PT7M"), at("09:00"));
    let rows = [
        ("09:04", Presence::Presenting, 3),
        ("09:05", Presence::InACall, 2),
        ("09:06", Presence::Away, 1),
        ("09:07", Presence::Offline, 0),
    ];
    for (face, shown, live) in rows {
        assert_eq!((user.presence(at(face)), user.sessions(at(face)).count()), (shown, live), "{face}");
    }
}

/// S7, T1, T2: from 5 and from 10 minutes, whatever the lifetime, and expiry comes first.
#[test]
fn only_the_age_of_an_available_session_fades_it() {
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
    let instants = [
        just_before(at("09:05")),
        at("09:05"),
        just_before(at("09:10")),
        at("09:10"),
        just_after(at("09:10")),
    ];
    for (lifetime, shown) in rows {
        let mut user = PresenceModel::new();
        obey(&mut user, set("A", SessionPresence::Available, lifetime), at("09:00"));
        assert_eq!(instants.map(|now| user.presence(now)), shown, "{lifetime}");
    }
}

/// S7, S10: it can be cleared, and it keeps a preference visible.
#[test]
fn a_faded_session_still_exists() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    obey(&mut user, prefer(PreferredPresence::Busy, "P1D"), at("09:00"));
    assert_eq!(user.presence(at("09:30")), Presence::Busy);

    let session = user.sessions(at("09:30")).next().unwrap();
    assert_eq!((session.claim, session.presence), (SessionPresence::Available, Presence::Away));
    assert_eq!(obey(&mut user, ClearSession::new("A"), at("09:30")), Presence::Offline);
}

/// S8: for as long as they live.
#[test]
fn busy_presenting_and_away_sessions_never_fade() {
    for claim in SessionPresence::ALL.into_iter().filter(|claim| *claim != SessionPresence::Available) {
        let mut user = PresenceModel::new();
        let shown = obey(&mut user, set("A", claim, "PT4H"), at("09:00"));
        for now in [at("09:05"), at("09:10"), at("11:00"), just_before(at("13:00"))] {
            assert_eq!(user.presence(now), shown, "{claim:?}");
        }
        assert_eq!(user.deadline(at("09:00")), Some(at("13:00")), "{claim:?}");
        assert_eq!(user.presence(at("13:00")), Presence::Offline, "{claim:?}");
    }
}

/// S9: with the same state too.
#[test]
fn setting_a_session_again_restarts_both_clocks() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::Available, "PT12M"), at("09:00"));
    assert_eq!(user.presence(at("09:11")), Presence::Away);
    obey(&mut user, set("A", SessionPresence::Available, "PT12M"), at("09:11"));
    let rows = [
        (just_before(at("09:16")), Presence::Available),
        (at("09:16"), Presence::AvailableInactive),
        (just_before(at("09:21")), Presence::AvailableInactive),
        (at("09:21"), Presence::Away),
        (just_before(at("09:23")), Presence::Away),
        (at("09:23"), Presence::Offline),
    ];
    for (now, shown) in rows {
        assert_eq!(user.presence(now), shown, "{now:?}");
    }
}

/// S9: the new expiry counts, not the later one of the two.
#[test]
fn setting_a_session_again_can_shorten_its_life() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::InACall, "PT4H"), at("09:00"));
    obey(&mut user, set("A", SessionPresence::InACall, "PT5M"), at("09:01"));
    assert_eq!(user.presence(just_before(at("09:06"))), Presence::InACall);
    assert_eq!(user.presence(at("09:06")), Presence::Offline);
}

/// S10: and only that one.
#[test]
fn clearing_a_session_removes_it_at_once() {
    let mut user = PresenceModel::new();
    for (id, claim) in [
        ("A", SessionPresence::Away),
        ("B", SessionPresence::InACall),
        ("C", SessionPresence::Presenting),
        ("D", SessionPresence::Available),
    ] {
        obey(&mut user, set(id, claim, "PT1H"), at("09:00"));
    }
    let rows = [
        ("C", Presence::InACall, vec!["A", "B", "D"]),
        ("B", Presence::Available, vec!["A", "D"]),
        ("D", Presence::Away, vec!["A"]),
        ("A", Presence::Offline, vec![]),
    ];
    for (id, shown, left) in rows {
        assert_eq!(obey(&mut user, ClearSession::new(id), at("09:00")), shown, "{id}");
        let listed: Vec<_> = user.sessions(at("09:00")).map(|session| *session.id).collect();
        assert_eq!(listed, left, "{id}");
    }
    assert!(user.is_empty());
}

/// S11, T4: never set, cleared already, expired; and another session is none.
#[test]
fn clearing_what_does_not_exist_is_refused_and_changes_nothing() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("cleared", SessionPresence::Away, "PT1H"), at("09:00"));
    obey(&mut user, set("expired", SessionPresence::Away, "PT5M"), at("09:00"));
    obey(&mut user, set("other", SessionPresence::Away, "PT1H"), at("09:00"));
    obey(&mut user, ClearSession::new("cleared"), at("09:01"));
    let before = user.clone();
    for id in ["never", "cleared", "expired", "", "Other"] {
        let refused = user.apply(ClearSession::new(id), at("09:05"));
        assert_eq!(refused, Err(CommandError::SessionNotFound), "{id}");
        assert_eq!(user, before, "{id}");
    }
}

/// S12: before the first session and after the last.
#[test]
fn a_user_without_sessions_is_offline() {
    let mut user = PresenceModel::new();
    assert_eq!(user.presence(at("09:00")), Presence::Offline);
    assert_eq!(user.deadline(at("09:00")), None);
    assert!(user.is_empty());
    assert_eq!(user, PresenceModel::default());

    obey(&mut user, set("A", SessionPresence::Away, "PT1H"), at("09:00"));
    assert!(!user.is_empty());
    assert_eq!(obey(&mut user, ClearSession::new("A"), at("09:00")), Presence::Offline);
    assert!(user.is_empty());
    assert_eq!(user, PresenceModel::new());
}

/// S1, T4: the errors' table gives the 129th status 403.
#[test]
fn a_129th_live_session_is_refused() {
    let mut user = crowd(at("09:00"));
    let before = user.clone();
    let refused = user.apply(set(128, SessionPresence::Presenting, "PT1H"), at("09:00"));
    assert_eq!(refused, Err(CommandError::TooManySessions));
    assert_eq!(user, before);
    assert_eq!(user.presence(at("09:00")), Presence::Away);
}

/// S3: at the limit too.
#[test]
fn any_of_128_sessions_can_be_set_again() {
    let mut user = crowd(at("09:00"));
    for id in [0, 64, 127] {
        obey(&mut user, set(id, SessionPresence::InACall, "PT1H"), at("09:01"));
    }
    assert_eq!(user.sessions(at("09:01")).count(), MAX_SESSIONS);
}

/// S10: the limit counts what is there, not what was.
#[test]
fn clearing_one_of_128_sessions_makes_room_for_one() {
    let mut user = crowd(at("09:00"));
    obey(&mut user, ClearSession::new(7), at("09:01"));
    obey(&mut user, set(128, SessionPresence::Away, "PT1H"), at("09:01"));
    let refused = user.apply(set(129, SessionPresence::Away, "PT1H"), at("09:01"));
    assert_eq!(refused, Err(CommandError::TooManySessions));
}

/// S6: they are not counted from the instant of their expiry on, ticked or not.
#[test]
fn expired_sessions_do_not_count_towards_the_limit() {
    let mut user = crowd(at("09:00"));
    let body = set(128, SessionPresence::InACall, "PT1H");
    let early = user.apply(body, just_before(at("10:00")));
    assert_eq!(early, Err(CommandError::TooManySessions));
    assert_eq!(obey(&mut user, body, at("10:00")), Presence::InACall);
    assert_eq!(user.sessions(at("10:00")).count(), 1);
}

/// Returns a user of 128 sessions, 0 to 127, that are Away for an hour.
fn crowd(now: presence_core::Timestamp) -> PresenceModel<usize> {
    assert_eq!(MAX_SESSIONS, 128);
    let mut user = PresenceModel::new();
    for id in 0..MAX_SESSIONS {
        obey(&mut user, set(id, SessionPresence::Away, "PT1H"), now);
    }
    user
}

/// S3: what can be ordered can name a session.
#[test]
fn ids_of_any_kind_name_sessions() {
    names("", " ");
    names(String::new(), String::from("\u{0}"));
    names(0_u128, u128::MAX);
    names(("phone", 1), ("phone", 2));
    names([1_u8; 16], [2; 16]);
    names(None, Some(()));
    names(nanosecond(0), nanosecond(1));
}

fn names<S: Ord + Clone + Debug>(one: S, other: S) {
    let mut user = PresenceModel::new();
    obey(&mut user, set(one.clone(), SessionPresence::Away, "PT1H"), at("09:00"));
    let refused = user.apply(ClearSession::new(other.clone()), at("09:00"));
    assert_eq!(refused, Err(CommandError::SessionNotFound), "{other:?}");

    obey(&mut user, set(other.clone(), SessionPresence::InACall, "PT1H"), at("09:00"));
    obey(&mut user, set(one.clone(), SessionPresence::Away, "PT1H"), at("09:00"));
    assert_eq!(user.sessions(at("09:00")).count(), 2, "{one:?}");
    assert_eq!(obey(&mut user, ClearSession::new(other), at("09:00")), Presence::Away, "{one:?}");
    assert_eq!(obey(&mut user, ClearSession::new(one), at("09:00")), Presence::Offline);
}

/// S12: the one id of the unit type makes a user of one session.
#[test]
fn the_unit_type_names_one_session() {
    let mut user = PresenceModel::new();
    obey(&mut user, set((), SessionPresence::Away, "PT1H"), at("09:00"));
    obey(&mut user, set((), SessionPresence::InACall, "PT1H"), at("09:00"));
    assert_eq!(user.sessions(at("09:00")).count(), 1);
}
