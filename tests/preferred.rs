//! The preference of one user.

mod common;

use common::{apply, at, just_after, just_before, nanosecond, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, ExpirationError, PreferredExpiration, PreferredPresence, Presence,
    PresenceModel, SessionPresence, SetPreferred, SetSession, SignedDuration, Timestamp,
};

/// U2: a day has 24 hours.
#[test]
fn a_preference_lives_for_a_day_or_a_week_by_default() {
    let rows = [
        (PreferredPresence::Available, SignedDuration::hours(168)),
        (PreferredPresence::Busy, SignedDuration::hours(24)),
        (PreferredPresence::DoNotDisturb, SignedDuration::hours(24)),
        (PreferredPresence::BeRightBack, SignedDuration::hours(168)),
        (PreferredPresence::Away, SignedDuration::hours(168)),
        (PreferredPresence::OffWork, SignedDuration::hours(168)),
    ];
    assert_eq!(rows.map(|(preferred, _)| preferred), PreferredPresence::ALL);
    for (preferred, lifetime) in rows {
        let end = at("09:00") + lifetime;
        let mut user = PresenceModel::new();
        apply(&mut user, SetPreferred::new(preferred), at("09:00"));
        assert_eq!(PreferredExpiration::default_for(preferred).duration(), lifetime, "{preferred:?}");
        assert_eq!(user.preferred(at("09:00")).unwrap().expires_at, end, "{preferred:?}");

        apply(&mut user, set("A", SessionPresence::InACall, "PT4H"), end - SignedDuration::HOUR);
        assert_eq!(user.presence(just_before(end)), Presence::from(preferred));
        assert_eq!(user.presence(end), Presence::InACall, "{preferred:?}");
        assert_eq!(user.preferred(just_before(end)).unwrap().presence, preferred);
        assert_eq!(user.preferred(end), None, "{preferred:?}");
    }
}

/// U3: a nanosecond is enough, and there is no upper bound.
#[test]
fn a_lifetime_is_longer_than_zero() {
    let rows = [
        (SignedDuration::MIN, false),
        (-SignedDuration::NANOSECOND, false),
        (SignedDuration::ZERO, false),
        (SignedDuration::NANOSECOND, true),
        (SignedDuration::days(36_500), true),
        (SignedDuration::MAX, true),
    ];
    for (lifetime, accepted) in rows {
        let expiration = PreferredExpiration::new(lifetime).map(PreferredExpiration::duration);
        let expected = if accepted { Ok(lifetime) } else { Err(ExpirationError::OutOfRange) };
        assert_eq!(expiration, expected, "{lifetime:?}");
    }
}

/// U3, T1: it is live at its start, and has ended at its end.
#[test]
fn a_preference_of_one_nanosecond_is_in_force_for_one() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
    let outcome = user.apply(prefer(PreferredPresence::Away, "PT0.000000001S"), at("09:00")).unwrap();
    assert_eq!(outcome.current, Presence::Away);
    assert_eq!(user.deadline(at("09:00")), Some(just_after(at("09:00"))));
    assert_eq!(user.tick(just_after(at("09:00"))).changed(), Some(Presence::InACall));
}

/// U3, T6: an end past the last timestamp is the last timestamp.
#[test]
fn the_longest_preference_ends_at_the_last_timestamp() {
    let last = nanosecond(i64::MAX);
    let longest = PreferredExpiration::new(SignedDuration::MAX).unwrap();
    for now in [at("09:00"), nanosecond(0), last - SignedDuration::HOUR] {
        let mut user = PresenceModel::new();
        let body = SetPreferred::new(PreferredPresence::Busy).with_expiration(longest);
        let _ = user.apply(body, now).unwrap();
        assert_eq!(user.deadline(now), Some(last));
        assert_eq!(user.preferred(now).unwrap().expires_at, last);

        apply(&mut user, set("A", SessionPresence::Away, "PT4H"), last - SignedDuration::MINUTE);
        assert_eq!(user.presence(just_before(last)), Presence::Busy);
        assert_eq!(user.presence(last), Presence::Offline);
    }
}

/// U3, T6: only a sum past the last timestamp saturates, not a lifetime that fits before it.
#[test]
fn a_preference_from_before_1970_lives_for_its_whole_lifetime() {
    let first = nanosecond(i64::MIN);
    let centuries = SignedDuration::days(400 * 365);
    let body = SetPreferred::new(PreferredPresence::Busy)
        .with_expiration(PreferredExpiration::new(centuries).unwrap());
    let mut user = PresenceModel::<u64>::new();
    apply(&mut user, body, first);
    assert_eq!(user.preferred(first).unwrap().expires_at, first + centuries);
}

/// U4: presence, start and end are all new, also if the end is earlier.
#[test]
fn preferring_again_replaces_the_preference_whole() {
    let mut user = PresenceModel::new();
    apply(&mut user, SetSession::new("A", SessionPresence::InACall), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Busy, "P30D"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Away, "PT1M"), at("09:01"));

    let preferred = user.preferred(at("09:01")).unwrap();
    assert_eq!(preferred.presence, PreferredPresence::Away);
    assert_eq!((preferred.since, preferred.expires_at), (at("09:01"), at("09:02")));
    assert_eq!(user.presence(just_before(at("09:02"))), Presence::Away);
    assert_eq!(user.presence(at("09:02")), Presence::InACall);
}

/// U4, U2: the lifetime that was given before is not the default.
#[test]
fn preferring_again_without_a_lifetime_takes_the_default() {
    let mut user = PresenceModel::<u64>::new();
    apply(&mut user, prefer(PreferredPresence::Busy, "P30D"), at("09:00"));
    apply(&mut user, SetPreferred::new(PreferredPresence::Busy), at("09:00"));
    assert_eq!(user.preferred(at("09:00")).unwrap().expires_at, at("33:00"));
}

/// U5: live, missing or expired. It changes no session.
#[test]
fn clearing_the_preference_always_succeeds() {
    let mut user = PresenceModel::new();
    assert_eq!(apply(&mut user, ClearPreferred, at("09:00")), Presence::Offline);
    apply(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Away, "PT1M"), at("09:00"));
    assert_eq!(apply(&mut user.clone(), ClearPreferred, at("09:02")), Presence::InACall);
    assert_eq!(apply(&mut user, ClearPreferred, at("09:00")), Presence::InACall);
    assert_eq!(user.preferred(at("09:00")), None);
    assert_eq!(apply(&mut user, ClearPreferred, at("09:00")), Presence::InACall);
}

/// U6, T2
#[test]
fn the_lifetime_of_a_preference_runs_without_a_session() {
    let mut user = PresenceModel::new();
    apply(&mut user, prefer(PreferredPresence::Busy, "PT1H"), at("09:00"));
    let connected = |now| apply(&mut user.clone(), SetSession::new("A", SessionPresence::Away), now);
    assert_eq!(connected(just_before(at("10:00"))), Presence::Busy);
    assert_eq!(connected(at("10:00")), Presence::Away);
}

/// U6
#[test]
fn clearing_the_last_session_does_not_clear_the_preference() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Away, "PT1H"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Busy, "PT1H"), at("09:00"));
    let before = user.preferred(at("09:01"));
    apply(&mut user, ClearSession::new("A"), at("09:01"));
    assert_eq!(user.preferred(at("09:01")), before);
    assert!(!user.is_empty());
    assert_eq!(user.deadline(at("09:01")), Some(at("10:00")));
    assert_eq!(apply(&mut user, set("A", SessionPresence::Away, "PT1H"), at("09:02")), Presence::Busy);
}

/// U7: while the session behind it fades.
#[test]
fn a_preferred_available_does_not_fade() {
    let mut user = PresenceModel::new();
    apply(&mut user, prefer(PreferredPresence::Available, "P1D"), at("09:00"));
    apply(&mut user, set("A", SessionPresence::Available, "PT4H"), at("09:00"));
    for now in [at("09:05"), at("09:10"), at("09:30"), just_before(at("13:00"))] {
        assert_eq!(user.presence(now), Presence::Available, "{now:?}");
        assert_eq!(user.tick(now).changed(), None, "{now:?}");
    }
    assert_eq!(user.presence(at("13:00")), Presence::Offline);
}

/// U8: OffWork with a session, Offline without one.
#[test]
fn preferring_offline_is_off_work_while_a_session_exists() {
    let effective = |user: &PresenceModel<&str>, now: Timestamp| user.presence(now).to_string();
    let mut user = PresenceModel::new();
    apply(&mut user, prefer(PreferredPresence::OffWork, "P1D"), at("09:00"));
    assert_eq!(effective(&user, at("09:00")), "Offline/Offline");
    apply(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
    assert_eq!(effective(&user, at("09:00")), "Offline/OffWork");
    assert_eq!(effective(&user, just_before(at("10:00"))), "Offline/OffWork");
    assert_eq!(effective(&user, at("10:00")), "Offline/Offline");
}
