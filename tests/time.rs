//! What the passing of time does, forwards and backwards.

mod common;

use common::{apply, at, just_after, just_before, nanosecond, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, Command, CommandError, PreferredPresence, Presence, PresenceModel,
    SessionPresence, SetPreferred, SetSession, SignedDuration, Tick, Timestamp,
};

/// T1: two fades, an expiry and the end of a preference, off the full second.
#[test]
fn a_state_holds_up_to_its_boundary_and_has_changed_at_it() {
    let start = at("09:00") + SignedDuration::nanoseconds(123_456_789);
    let minutes = |minutes| start + SignedDuration::minutes(minutes);
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Available, "PT20M"), start);
    apply(&mut user, prefer(PreferredPresence::Busy, "PT2M"), start);
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
fn a_command_comes_after_everything_that_ends_at_its_timestamp() {
    let mut user = PresenceModel::new();
    apply(&mut user, SetSession::new("A", SessionPresence::Available), at("09:00"));
    apply(&mut user, set("B", SessionPresence::Away, "PT1H"), at("09:00"));
    let rejected = user.apply(ClearSession::new("A"), at("09:05"));
    assert_eq!(rejected, Err(CommandError::SessionNotFound));
    assert_eq!(apply(&mut user, ClearSession::new("B"), at("09:05")), Presence::Offline);
}

/// T2, S9: at its expiry, or later without a tick before, because its end was not reported.
#[test]
fn setting_a_session_again_when_it_expires_changes_nothing() {
    for now in [just_before(at("09:05")), at("09:05"), at("09:06")] {
        let mut user = PresenceModel::new();
        let body = set("A", SessionPresence::InACall, "PT5M");
        apply(&mut user, body, at("09:00"));
        let outcome = user.apply(body, now).unwrap();
        assert_eq!((outcome.changed(), outcome.current), (None, Presence::InACall), "{now:?}");
        assert_eq!(user.presence(at("09:09")), Presence::InACall, "{now:?}");
    }
}

/// T3: no tick, one tick and a tick every second have the same effect.
#[test]
fn one_late_tick_equals_many_punctual_ones() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Available, "PT12M"), at("09:00"));
    apply(&mut user, set("B", SessionPresence::InACall, "PT5M"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Busy, "PT7M"), at("09:00"));
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

/// T3: at any timestamp, also after a read at a later one.
#[test]
fn reads_change_nothing() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Busy, "PT2H"), at("09:00"));
    let before = user.clone();
    for now in [at("09:30"), at("12:00"), Timestamp::MAX, Timestamp::MIN, at("08:00"), at("09:00")] {
        let _ = (user.presence(now), user.deadline(now), user.preferred(now), user.is_empty());
        let _ = (user.explain(now), user.reported());
        let _ = (user.sessions(now).count(), user.forecast(now).count());
        assert_eq!(user, before, "{now:?}");
    }
    assert_eq!(user.presence(at("09:00")), Presence::Busy);
}

/// T4: with either error.
#[test]
fn a_rejected_command_changes_nothing() {
    let mut user = PresenceModel::new();
    for id in 0..128 {
        apply(&mut user, set(id, SessionPresence::Available, "PT1H"), at("09:00"));
    }
    apply(&mut user, prefer(PreferredPresence::Busy, "PT1H"), at("09:00"));
    let before = user.clone();
    let rejected: [(Command<i32>, _, _); 4] = [
        (ClearSession::new(-1).into(), at("09:01"), CommandError::SessionNotFound),
        (ClearSession::new(0).into(), at("10:00"), CommandError::SessionNotFound),
        (ClearSession::new(-1).into(), at("08:00"), CommandError::SessionNotFound),
        (SetSession::new(128, SessionPresence::Away).into(), at("08:00"), CommandError::TooManySessions),
    ];
    for (command, now, error) in rejected {
        assert_eq!(user.apply(command, now), Err(error), "{command:?}");
        assert_eq!(user, before, "{command:?}");
    }
}

/// T5: a step of any size. Reads before the update already answer so.
#[test]
fn after_a_step_back_everything_lives_for_its_lifetime_and_no_longer() {
    let century = SignedDuration::days(36_525);
    for step in [SignedDuration::NANOSECOND, SignedDuration::MINUTE, SignedDuration::HOUR, century] {
        let mut user = PresenceModel::new();
        apply(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
        apply(&mut user, prefer(PreferredPresence::Busy, "PT30M"), at("09:00"));
        let now = at("09:00") - step;

        for user in [user.clone(), ticked(&user, now)] {
            let session = user.sessions(now).next().unwrap();
            let hour = now + SignedDuration::HOUR;
            assert_eq!((session.since, session.expires_at), (now, hour), "{step:?}");
            let preferred = user.preferred(now).unwrap();
            let half_an_hour = now + SignedDuration::minutes(30);
            assert_eq!((preferred.since, preferred.expires_at), (now, half_an_hour), "{step:?}");
            assert_eq!(user.deadline(now), Some(half_an_hour), "{step:?}");
            let future: Vec<_> = user.forecast(now).map(|change| (change.at, change.presence)).collect();
            assert_eq!(
                future,
                [(half_an_hour, Presence::InACall), (hour, Presence::Offline)],
                "{step:?}"
            );
        }

        let _ = user.tick(now);
        assert_eq!(
            user.presence(just_before(now + SignedDuration::HOUR)),
            Presence::InACall,
            "{step:?}"
        );
        assert_eq!(user.presence(now + SignedDuration::HOUR), Presence::Offline, "{step:?}");
    }
}

/// T5, S7: fading starts at the update too.
#[test]
fn a_session_from_the_future_fades_from_the_update_on() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    let _ = user.tick(at("08:00"));
    let rows = [
        (just_before(at("08:05")), Presence::Available),
        (at("08:05"), Presence::AvailableInactive),
        (at("08:10"), Presence::Away),
        (at("09:00"), Presence::Offline),
    ];
    for (now, presence) in rows {
        assert_eq!(user.presence(now), presence, "{now:?}");
    }
}

/// T5: what was set at or before `now` is not moved.
#[test]
fn a_step_back_moves_only_starts_in_the_future() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("past", SessionPresence::InACall, "PT1H"), at("09:00"));
    apply(&mut user, set("present", SessionPresence::InACall, "PT1H"), at("09:10"));
    apply(&mut user, set("future", SessionPresence::InACall, "PT1H"), at("09:20"));
    let _ = user.tick(at("09:10"));
    let since =
        user.sessions(at("09:30")).map(|session| (*session.id, session.since)).collect::<Vec<_>>();
    let expected = [("future", at("09:10")), ("past", at("09:00")), ("present", at("09:10"))];
    assert_eq!(since, expected);
}

/// T5: every accepted command is an update, and a rejected one is none.
#[test]
fn every_accepted_command_clamps_and_a_rejected_one_does_not() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("B", SessionPresence::Away, "PT4H"), at("08:00"));
    apply(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
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
        apply(&mut user, command, at("07:00"));
        let is_live = |now| user.sessions(now).any(|session| *session.id == "A");
        assert!(is_live(just_before(at("08:00"))) && !is_live(at("08:00")), "{command:?}");
    }
}

/// T5: an update expires, a read does not.
#[test]
fn what_an_update_has_expired_stays_gone() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Busy, "PT30M"), at("09:00"));
    assert_eq!(user.presence(at("10:00")), Presence::Offline);
    assert_eq!(user.presence(at("09:15")), Presence::Busy);
    let _ = user.tick(at("09:45"));
    assert_eq!(user.presence(at("09:15")), Presence::InACall);
    let _ = user.tick(at("10:00"));
    assert_eq!(user.presence(at("09:15")), Presence::Offline);
    assert!(user.is_empty());
}

/// T5, T6: a tick at a wild reading may end something early. After that everything works as before.
#[test]
fn a_wild_tick_does_no_lasting_harm() {
    for wild in wild_readings() {
        let mut user = PresenceModel::new();
        let body = set("A", SessionPresence::Available, "PT1H");
        apply(&mut user, body, at("09:00"));
        apply(&mut user, prefer(PreferredPresence::Busy, "PT1H"), at("09:00"));
        let _ = user.tick(wild);
        let _ = user.tick(at("09:01"));
        assert!(user.deadline(at("09:01")).is_none_or(|deadline| deadline <= at("10:01")), "{wild:?}");
        assert!(ticked(&user, at("10:01")).is_empty(), "{wild:?}");

        apply(&mut user, ClearPreferred, at("09:02"));
        assert_eq!(apply(&mut user, body, at("09:02")), Presence::Available, "{wild:?}");
        assert_eq!(user.presence(at("09:07")), Presence::AvailableInactive, "{wild:?}");
        assert_eq!(user.presence(just_before(at("10:02"))), Presence::Away, "{wild:?}");
        assert_eq!(user.presence(at("10:02")), Presence::Offline, "{wild:?}");
    }
}

/// T5, T6: from the next update on it lives no longer than its lifetime.
#[test]
fn what_was_set_at_a_wild_reading_ends_too() {
    for wild in wild_readings() {
        let mut user = PresenceModel::new();
        apply(&mut user, set("A", SessionPresence::InACall, "PT1H"), wild);
        apply(&mut user, prefer(PreferredPresence::Busy, "PT1H"), wild);
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

/// T6: a sum past the last timestamp is the last timestamp.
#[test]
fn what_would_end_after_the_last_timestamp_ends_at_it() {
    let last = nanosecond(i64::MAX);
    for early in [SignedDuration::NANOSECOND, SignedDuration::MINUTE, SignedDuration::minutes(7)] {
        let mut user = PresenceModel::new();
        let now = last - early;
        apply(&mut user, set("A", SessionPresence::Available, "PT4H"), now);
        apply(&mut user, prefer(PreferredPresence::Away, "P1D"), now);
        assert_eq!(user.sessions(now).next().unwrap().expires_at, last, "{early:?}");
        assert_eq!(user.preferred(now).unwrap().expires_at, last, "{early:?}");
        assert_eq!(user.presence(just_before(last)), Presence::Away, "{early:?}");
        assert_eq!(user.presence(last), Presence::Offline, "{early:?}");
        assert_eq!(user.expires_at(just_before(last)), Some(last), "{early:?}");
        assert_eq!((user.deadline(last), user.expires_at(last)), (None, None), "{early:?}");
    }
}

/// T6: it replaces what was stored.
#[test]
fn what_would_end_at_its_start_is_accepted_and_not_stored() {
    for end_of_time in [nanosecond(i64::MAX), Timestamp::MAX] {
        let mut user = PresenceModel::new();
        apply(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
        apply(&mut user, prefer(PreferredPresence::Busy, "PT1H"), at("09:00"));
        let outcome = user.apply(set("A", SessionPresence::Away, "PT4H"), end_of_time).unwrap();
        assert_eq!((outcome.current, user.deadline(end_of_time)), (Presence::Offline, None));
        let outcome = user.apply(SetPreferred::new(PreferredPresence::Away), end_of_time).unwrap();
        assert_eq!((outcome.current, user.deadline(end_of_time)), (Presence::Offline, None));
        assert!(user.is_empty());
        assert_eq!(user.presence(at("09:30")), Presence::Offline);
    }
}

/// T6: a timestamp outside 64 bits is the nearest one inside.
#[test]
fn timestamps_out_of_range_count_as_the_nearest_in_range() {
    let (first, last) = (nanosecond(i64::MIN), nanosecond(i64::MAX));
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::InACall, "PT5M"), Timestamp::MIN);
    let session = user.sessions(Timestamp::MIN).next().unwrap();
    assert_eq!((session.since, session.expires_at), (first, first + SignedDuration::minutes(5)));
    assert_eq!(user.presence(just_before(first)), Presence::InACall);
    assert_eq!(user.presence(Timestamp::MAX), user.presence(last));
    assert_eq!(user.deadline(Timestamp::MIN), Some(first + SignedDuration::minutes(5)));

    let mut other = PresenceModel::new();
    apply(&mut other, set("A", SessionPresence::InACall, "PT5M"), first);
    assert_eq!(user, other);
}

/// T3: a fade, an expiry or the end of a preference, whether or not the effective presence changes.
#[test]
fn the_deadline_is_when_something_next_fades_or_ends() {
    let mut user = PresenceModel::new();
    assert_eq!(user.deadline(at("09:00")), None);
    apply(&mut user, set("A", SessionPresence::Available, "PT12M"), at("09:00"));
    apply(&mut user, set("B", SessionPresence::Presenting, "PT1H"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Busy, "PT2H"), at("09:00"));
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

/// S6, U6: the last end of all, whether or not it is visible. A refresh moves it, a read does not.
#[test]
fn a_model_expires_when_its_last_session_and_its_preference_have_ended() {
    let mut user = PresenceModel::new();
    assert_eq!(user.expires_at(at("09:00")), None);
    apply(&mut user, set("A", SessionPresence::InACall, "PT1H"), at("09:00"));
    apply(&mut user, set("B", SessionPresence::Away, "PT2H"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Busy, "PT3H"), at("09:00"));
    assert_eq!(user.expires_at(at("09:00")), Some(at("12:00")));
    apply(&mut user, ClearPreferred, at("09:00"));
    assert_eq!(user.expires_at(just_before(at("11:00"))), Some(at("11:00")));
    assert_eq!(user.expires_at(at("11:00")), None);
    assert_eq!(user.expires_at(at("08:00")), Some(at("10:00")), "as if the clock had stepped back (T5)");
    apply(&mut user, set("B", SessionPresence::Away, "PT4H"), at("10:30"));
    assert_eq!(user.expires_at(at("10:30")), Some(at("14:30")));

    // Nothing is live any more, and Offline is still to be reported.
    assert_eq!((user.expires_at(at("14:30")), user.reported()), (None, Presence::Away));
    assert_eq!(user.tick(at("14:30")).changed(), Some(Presence::Offline));
    assert!(user.is_empty());
}

/// T3, S7, P1, P6
#[test]
fn a_forecast_names_every_change_of_the_effective_presence_and_no_other() {
    let mut user = PresenceModel::new();
    assert_eq!(forecast(&user, "09:00"), []);

    apply(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    let fading = [
        (at("09:05"), Presence::AvailableInactive),
        (at("09:10"), Presence::Away),
        (at("10:00"), Presence::Offline),
    ];
    assert_eq!(forecast(&user, "09:00"), fading);
    assert_eq!(forecast(&user, "09:05"), fading[1..]);
    assert_eq!(forecast(&user, "10:00"), []);

    apply(&mut user, set("B", SessionPresence::InACall, "PT7M"), at("09:00"));
    let behind_a_call = [
        (at("09:07"), Presence::AvailableInactive),
        (at("09:10"), Presence::Away),
        (at("10:00"), Presence::Offline),
    ];
    assert_eq!(forecast(&user, "09:00"), behind_a_call);

    apply(&mut user, prefer(PreferredPresence::Away, "PT8M"), at("09:00"));
    let preferred = [
        (at("09:08"), Presence::AvailableInactive),
        (at("09:10"), Presence::Away),
        (at("10:00"), Presence::Offline),
    ];
    assert_eq!(forecast(&user, "09:00"), preferred);

    apply(&mut user, prefer(PreferredPresence::Away, "PT30M"), at("09:00"));
    assert_eq!(forecast(&user, "09:00"), [(at("10:00"), Presence::Offline)]);

    apply(&mut user, prefer(PreferredPresence::OffWork, "P7D"), at("09:00"));
    assert_eq!(forecast(&user, "09:00"), [(at("10:00"), Presence::Offline)]);
}

fn forecast(user: &PresenceModel<&str>, now: &str) -> Vec<(Timestamp, Presence)> {
    user.forecast(at(now)).map(|change| (change.at, change.presence)).collect()
}

/// T3: `previous` is what was reported last, not what was in effect meanwhile.
#[test]
fn an_outcome_skips_what_was_not_reported() {
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
