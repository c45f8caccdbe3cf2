//! What the passing of time does, forwards and backwards.

mod common;

use common::{at, just_after, just_before, nanosecond, obey, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, Command, CommandError, PreferredPresence, Presence, PresenceModel,
    SessionPresence, SetPreferred, SetSession, SignedDuration, Tick, Timestamp,
};

/// T1: a fade, an expiry and the end of a preference, each on a nanosecond of its own.
#[test]
fn a_state_holds_up_to_its_boundary_and_has_changed_at_it() {
    let start = at("09:00") + SignedDuration::nanoseconds(123_456_789);
    let minutes = |minutes| start + SignedDuration::minutes(minutes);
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::Available, "PT20M"), start);
    obey(&mut user, prefer(PreferredPresence::Busy, "PT2M"), start);
    let rows = [
        (minutes(2), Presence::Busy, Presence::Available),
        (minutes(5), Presence::Available, Presence::AvailableInactive),
        (minutes(10), Presence::AvailableInactive, Presence::Away),
        (minutes(20), Presence::Away, Presence::Offline),
    ];
    for (boundary, before, after) in rows {
        assert_eq!(user.tick(just_before(boundary)).current, before, "{boundary:?}");
        assert_eq!(user.deadline(just_before(boundary)), Some(boundary));
        assert_eq!(user.tick(boundary).changed(), Some(after), "{boundary:?}");
    }
}

/// T2: expire, fade, aggregate, and only then the command.
#[test]
fn a_command_finds_the_user_as_the_instant_left_them() {
    let mut user = PresenceModel::new();
    obey(&mut user, SetSession::new("A", SessionPresence::Available), at("09:00"));
    obey(&mut user, set("B", SessionPresence::Away, "PT1H"), at("09:00"));
    let refused = user.apply(ClearSession::new("A"), at("09:05"));
    assert_eq!(refused, Err(CommandError::SessionNotFound));
    assert_eq!(obey(&mut user, ClearSession::new("B"), at("09:05")), Presence::Offline);
}

/// T2, S9: set again at the instant of its expiry, or late and unticked, it was never told of as gone.
#[test]
fn a_session_set_again_when_it_expires_makes_no_visible_change() {
    for now in [just_before(at("09:05")), at("09:05"), at("09:06")] {
        let mut user = PresenceModel::new();
        let body = set("A", SessionPresence::InACall, "PT5M");
        obey(&mut user, body, at("09:00"));
        let outcome = user.apply(body, now).unwrap();
        assert_eq!((outcome.changed(), outcome.current), (None, Presence::InACall), "{now:?}");
        assert_eq!(user.presence(at("09:09")), Presence::InACall, "{now:?}");
    }
}

/// T3: no tick, one tick and a tick every second leave the same.
#[test]
fn one_late_tick_equals_many_early_ones() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::Available, "PT12M"), at("09:00"));
    obey(&mut user, set("B", SessionPresence::InACall, "PT5M"), at("09:00"));
    obey(&mut user, prefer(PreferredPresence::Busy, "PT7M"), at("09:00"));
    let mut ticked = user.clone();
    for second in 0..15 * 60 {
        let now = at("09:00") + SignedDuration::seconds(second);
        let often = ticked.tick(now);
        let mut late = user.clone();
        let once = late.tick(now);
        assert_eq!((once.current, late.deadline(now)), (often.current, ticked.deadline(now)), "{now:?}");
        assert_eq!(user.presence(now), often.current, "{now:?}");
        assert_eq!(late, ticked, "{now:?}");
    }
    assert!(ticked.is_empty());
}

/// T3: a read at any instant, also after one at a later instant, leaves the model as it was.
#[test]
fn reads_change_nothing() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    obey(&mut user, prefer(PreferredPresence::Busy, "PT2H"), at("09:00"));
    let before = user.clone();
    for now in [at("09:30"), at("12:00"), Timestamp::MAX, Timestamp::MIN, at("08:00"), at("09:00")] {
        let _ = (user.presence(now), user.deadline(now), user.preferred(now), user.is_empty());
        let _ = (user.sessions(now).count(), user.forecast(now).count());
        assert_eq!(user, before, "{now:?}");
    }
    assert_eq!(user.presence(at("09:00")), Presence::Busy);
}

/// T4: the refusal of either kind.
#[test]
fn a_refused_command_changes_nothing() {
    let mut user = PresenceModel::new();
    for id in 0..128 {
        obey(&mut user, set(id, SessionPresence::Available, "PT1H"), at("09:00"));
    }
    obey(&mut user, prefer(PreferredPresence::Busy, "PT1H"), at("09:00"));
    let before = user.clone();
    let refused: [(Command<i32>, _, _); 4] = [
        (ClearSession::new(-1).into(), at("09:01"), CommandError::SessionNotFound),
        (ClearSession::new(0).into(), at("10:00"), CommandError::SessionNotFound),
        (ClearSession::new(-1).into(), at("08:00"), CommandError::SessionNotFound),
        (SetSession::new(128, SessionPresence::Away).into(), at("08:00"), CommandError::TooManySessions),
    ];
    for (command, now, error) in refused {
        assert_eq!(user.apply(command, now), Err(error), "{command:?}");
        assert_eq!(user, before, "{command:?}");
    }
}

/// T5: by however much; reads before the contact know it already.
#[test]
fn after_a_step_back_everything_lives_as_long_as_it_was_granted_and_no_longer() {
    let century = SignedDuration::days(36_525);
    for step in [SignedDuration::NANOSECOND, SignedDuration::MINUTE, SignedDuration::HOUR, century] {
        let mut user = PresenceModel::new();
        obey(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
        obey(&mut user, prefer(PreferredPresence::Busy, "PT30M"), at("09:00"));
        let contact = at("09:00") - step;

        for user in [user.clone(), ticked(&user, contact)] {
            let session = user.sessions(contact).next().unwrap();
            let hour = contact + SignedDuration::HOUR;
            assert_eq!((session.since, session.expires_at), (contact, hour), "{step:?}");
            let preferred = user.preferred(contact).unwrap();
            let half_an_hour = contact + SignedDuration::minutes(30);
            assert_eq!((preferred.since, preferred.expires_at), (contact, half_an_hour), "{step:?}");
            assert_eq!(user.deadline(contact), Some(half_an_hour), "{step:?}");
            let future: Vec<_> =
                user.forecast(contact).map(|change| (change.at, change.presence)).collect();
            assert_eq!(
                future,
                [(half_an_hour, Presence::InACall), (hour, Presence::Offline)],
                "{step:?}"
            );
        }

        let _ = user.tick(contact);
        assert_eq!(
            user.presence(just_before(contact + SignedDuration::HOUR)),
            Presence::InACall,
            "{step:?}"
        );
        assert_eq!(user.presence(contact + SignedDuration::HOUR), Presence::Offline, "{step:?}");
    }
}

/// T5, S7: the fade clock starts at the contact too.
#[test]
fn a_session_from_the_future_fades_from_the_contact_on() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    let _ = user.tick(at("08:00"));
    let rows = [
        (just_before(at("08:05")), Presence::Available),
        (at("08:05"), Presence::AvailableInactive),
        (at("08:10"), Presence::Away),
        (at("09:00"), Presence::Offline),
    ];
    for (now, shown) in rows {
        assert_eq!(user.presence(now), shown, "{now:?}");
    }
}

/// T5: what was set at or before the contact stays where it is.
#[test]
fn a_step_back_moves_only_what_lies_in_the_future() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("past", SessionPresence::InACall, "PT1H"), at("09:00"));
    obey(&mut user, set("present", SessionPresence::InACall, "PT1H"), at("09:10"));
    obey(&mut user, set("future", SessionPresence::InACall, "PT1H"), at("09:20"));
    let _ = user.tick(at("09:10"));
    let since =
        user.sessions(at("09:30")).map(|session| (*session.id, session.since)).collect::<Vec<_>>();
    let expected = [("future", at("09:10")), ("past", at("09:00")), ("present", at("09:10"))];
    assert_eq!(since, expected);
}

/// T5: every accepted command is a contact, and a refused one is none.
#[test]
fn every_accepted_command_heals_and_no_refused_one_does() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("B", SessionPresence::Away, "PT4H"), at("08:00"));
    obey(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
    let accepted: [Command<&str>; 6] = [
        set("B", SessionPresence::Away, "PT1H").into(),
        set("C", SessionPresence::Away, "PT1H").into(),
        ClearSession::new("B").into(),
        prefer(PreferredPresence::Away, "PT1H").into(),
        ClearPreferred.into(),
        Tick.into(),
    ];
    let _ = user.apply(ClearSession::new("never"), at("07:00")).unwrap_err();
    assert_eq!(user.sessions(at("09:59")).next().unwrap().since, at("09:00"));
    for command in accepted {
        let mut user = user.clone();
        obey(&mut user, command, at("07:00"));
        let is_live = |now| user.sessions(now).any(|session| *session.id == "A");
        assert!(is_live(just_before(at("08:00"))) && !is_live(at("08:00")), "{command:?}");
    }
}

/// T5: freed at a contact, not at a read.
#[test]
fn what_was_freed_stays_gone_and_what_was_only_read_as_gone_does_not() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
    obey(&mut user, prefer(PreferredPresence::Busy, "PT30M"), at("09:00"));
    assert_eq!(user.presence(at("10:00")), Presence::Offline);
    assert_eq!(user.presence(at("09:15")), Presence::Busy);
    let _ = user.tick(at("09:45"));
    assert_eq!(user.presence(at("09:15")), Presence::InACall);
    let _ = user.tick(at("10:00"));
    assert_eq!(user.presence(at("09:15")), Presence::Offline);
    assert!(user.is_empty());
}

/// T5, T6: a tick at the wildest of readings frees at most; then all is as with a new user.
#[test]
fn no_reading_of_the_clock_poisons_a_user() {
    for wild in wild_readings() {
        let mut user = PresenceModel::new();
        let body = set("A", SessionPresence::Available, "PT1H");
        obey(&mut user, body, at("09:00"));
        obey(&mut user, prefer(PreferredPresence::Busy, "PT1H"), at("09:00"));
        let _ = user.tick(wild);
        let _ = user.tick(at("09:01"));
        assert!(user.deadline(at("09:01")).is_none_or(|deadline| deadline <= at("10:01")), "{wild:?}");
        assert!(ticked(&user, at("10:01")).is_empty(), "{wild:?}");

        obey(&mut user, ClearPreferred, at("09:02"));
        assert_eq!(obey(&mut user, body, at("09:02")), Presence::Available, "{wild:?}");
        assert_eq!(user.presence(at("09:07")), Presence::AvailableInactive, "{wild:?}");
        assert_eq!(user.presence(just_before(at("10:02"))), Presence::Away, "{wild:?}");
        assert_eq!(user.presence(at("10:02")), Presence::Offline, "{wild:?}");
    }
}

/// T5, T6: what a command sets at the wildest of readings lives no longer than granted after it.
#[test]
fn what_was_set_at_a_wild_reading_ends_too() {
    for wild in wild_readings() {
        let mut user = PresenceModel::new();
        obey(&mut user, set("A", SessionPresence::InACall, "PT1H"), wild);
        obey(&mut user, prefer(PreferredPresence::Busy, "PT1H"), wild);
        let _ = user.tick(at("09:00"));
        assert!(user.deadline(at("09:00")).is_none_or(|deadline| deadline <= at("10:00")), "{wild:?}");
        let _ = user.tick(at("10:00"));
        assert!(user.is_empty(), "{wild:?}");
    }
}

fn wild_readings() -> [Timestamp; 8] {
    let (first, last) = (nanosecond(i64::MIN), nanosecond(i64::MAX));
    let minute = SignedDuration::MINUTE;
    [
        Timestamp::MIN,
        first,
        just_after(first),
        first + minute,
        last - minute,
        just_before(last),
        last,
        Timestamp::MAX,
    ]
}

/// T6: a sum beyond the last instant is the last instant.
#[test]
fn what_would_end_after_the_last_instant_ends_at_it() {
    let last = nanosecond(i64::MAX);
    for early in [SignedDuration::NANOSECOND, SignedDuration::MINUTE, SignedDuration::minutes(7)] {
        let mut user = PresenceModel::new();
        let now = last - early;
        obey(&mut user, set("A", SessionPresence::Available, "PT4H"), now);
        obey(&mut user, prefer(PreferredPresence::Away, "P1D"), now);
        assert_eq!(user.sessions(now).next().unwrap().expires_at, last, "{early:?}");
        assert_eq!(user.preferred(now).unwrap().expires_at, last, "{early:?}");
        assert_eq!(user.presence(just_before(last)), Presence::Away, "{early:?}");
        assert_eq!(user.presence(last), Presence::Offline, "{early:?}");
        assert_eq!(user.deadline(last), None, "{early:?}");
    }
}

/// T6: it is no error, and it takes the place of what was there.
#[test]
fn what_would_end_at_its_start_is_accepted_and_not_stored() {
    for end_of_time in [nanosecond(i64::MAX), Timestamp::MAX] {
        let mut user = PresenceModel::new();
        obey(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
        obey(&mut user, prefer(PreferredPresence::Busy, "PT1H"), at("09:00"));
        let outcome = user.apply(set("A", SessionPresence::Away, "PT4H"), end_of_time).unwrap();
        assert_eq!((outcome.current, user.deadline(end_of_time)), (Presence::Offline, None));
        let outcome = user.apply(SetPreferred::new(PreferredPresence::Away), end_of_time).unwrap();
        assert_eq!((outcome.current, user.deadline(end_of_time)), (Presence::Offline, None));
        assert!(user.is_empty());
        assert_eq!(user.presence(at("09:30")), Presence::Offline);
    }
}

/// T6: instants outside 64 bits are the nearest inside.
#[test]
fn instants_far_away_count_as_the_nearest_that_fit() {
    let (first, last) = (nanosecond(i64::MIN), nanosecond(i64::MAX));
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::InACall, "PT5M"), Timestamp::MIN);
    let session = user.sessions(Timestamp::MIN).next().unwrap();
    assert_eq!((session.since, session.expires_at), (first, first + SignedDuration::minutes(5)));
    assert_eq!(user.presence(just_before(first)), Presence::InACall);
    assert_eq!(user.presence(Timestamp::MAX), user.presence(last));
    assert_eq!(user.deadline(Timestamp::MIN), Some(first + SignedDuration::minutes(5)));

    let mut other = PresenceModel::new();
    obey(&mut other, set("A", SessionPresence::InACall, "PT5M"), first);
    assert_eq!(user, other);
}

/// T3: a fade and an expiry count, visible or not, and so does the end of a preference.
#[test]
fn the_deadline_is_the_next_instant_with_anything_to_do() {
    let mut user = PresenceModel::new();
    assert_eq!(user.deadline(at("09:00")), None);
    obey(&mut user, set("A", SessionPresence::Available, "PT12M"), at("09:00"));
    obey(&mut user, set("B", SessionPresence::Presenting, "PT1H"), at("09:00"));
    obey(&mut user, prefer(PreferredPresence::Busy, "PT2H"), at("09:00"));
    let rows = [
        (at("09:00"), Some(at("09:05"))),
        (just_before(at("09:05")), Some(at("09:05"))),
        (at("09:05"), Some(at("09:10"))),
        (at("09:10"), Some(at("09:12"))),
        (at("09:12"), Some(at("10:00"))),
        (at("10:00"), Some(at("11:00"))),
        (just_before(at("11:00")), Some(at("11:00"))),
        (at("11:00"), None),
        (Timestamp::MAX, None),
    ];
    for (now, deadline) in rows {
        assert_eq!(user.deadline(now), deadline, "{now:?}");
        assert_eq!(ticked(&user, now).deadline(now), deadline, "{now:?}");
    }
}

/// T3, S7, P1, P6: every visible change and no other.
#[test]
fn the_forecast_names_what_will_be_seen() {
    let mut user = PresenceModel::new();
    assert_eq!(forecast(&user, "09:00"), []);

    obey(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    let fading = [
        (at("09:05"), Presence::AvailableInactive),
        (at("09:10"), Presence::Away),
        (at("10:00"), Presence::Offline),
    ];
    assert_eq!(forecast(&user, "09:00"), fading);
    assert_eq!(forecast(&user, "09:05"), fading[1..]);
    assert_eq!(forecast(&user, "10:00"), []);

    obey(&mut user, set("B", SessionPresence::InACall, "PT7M"), at("09:00"));
    let called = [
        (at("09:07"), Presence::AvailableInactive),
        (at("09:10"), Presence::Away),
        (at("10:00"), Presence::Offline),
    ];
    assert_eq!(forecast(&user, "09:00"), called);

    obey(&mut user, prefer(PreferredPresence::Away, "PT8M"), at("09:00"));
    let preferred = [
        (at("09:08"), Presence::AvailableInactive),
        (at("09:10"), Presence::Away),
        (at("10:00"), Presence::Offline),
    ];
    assert_eq!(forecast(&user, "09:00"), preferred);

    obey(&mut user, prefer(PreferredPresence::Away, "PT30M"), at("09:00"));
    assert_eq!(forecast(&user, "09:00"), [(at("10:00"), Presence::Offline)]);

    obey(&mut user, prefer(PreferredPresence::OffWork, "P7D"), at("09:00"));
    assert_eq!(forecast(&user, "09:00"), [(at("10:00"), Presence::Offline)]);
}

fn forecast(user: &PresenceModel<&str>, now: &str) -> Vec<(Timestamp, Presence)> {
    user.forecast(at(now)).map(|change| (change.at, change.presence)).collect()
}

/// T3: `previous` is what was told, not what was visible meanwhile.
#[test]
fn outcomes_chain_over_what_nobody_told() {
    let mut user = PresenceModel::new();
    let outcome = user.apply(set("A", SessionPresence::Available, "PT5M"), at("09:00")).unwrap();
    assert_eq!((outcome.previous, outcome.current), (Presence::Offline, Presence::Available));
    let outcome = user.apply(set("B", SessionPresence::Away, "PT5M"), at("12:00")).unwrap();
    assert_eq!((outcome.previous, outcome.current), (Presence::Available, Presence::Away));
    assert_eq!(outcome.changed(), Some(Presence::Away));
    let outcome = user.tick(at("12:00"));
    assert_eq!(
        (outcome.previous, outcome.current, outcome.changed()),
        (Presence::Away, Presence::Away, None)
    );
}

fn ticked<S: Ord + Clone>(user: &PresenceModel<S>, now: Timestamp) -> PresenceModel<S> {
    let mut copy = user.clone();
    let _ = copy.tick(now);
    copy
}
