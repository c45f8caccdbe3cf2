//! Many users: answers, the order of changes, and steps of the clock.

mod common;
mod naive;
mod reference;

use std::time::Duration;

use common::{at, just_after, just_before, nanosecond, prefer, set};
use naive::{SameHash, ticked};
use presence_core::{
    ClearSession, Outcome, PreferredPresence, Presence, PresenceDirectory, PresenceModel,
    SessionPresence, SetSession, SignedDuration, Tick,
};

/// S7, S9, T2: every claim beside every claim, right after a tick at a boundary and around it.
#[test]
fn a_refresh_at_a_boundary_answers_as_a_model() {
    let boundaries = [at("09:05"), at("09:10")];
    let timestamps = boundaries.into_iter().flat_map(|at| [just_before(at), at, just_after(at)]);
    for now in timestamps.chain([at("09:00"), just_before(at("10:00"))]) {
        for &other in SessionPresence::ALL {
            for &before in SessionPresence::ALL {
                for &after in SessionPresence::ALL {
                    let start = [set(0, other, "PT1H"), set(1, before, "PT1H")];
                    let mut users = PresenceDirectory::<u8, u8>::new();
                    let mut model = PresenceModel::new();
                    for body in start {
                        let _ = users.apply(&7, body, at("09:00")).unwrap();
                        let _ = model.apply(body, at("09:00")).unwrap();
                    }
                    let _ = (ticked(&mut users, now), model.tick(now));
                    let refresh = set(1, after, "PT1H");
                    let result = users.apply(&7, refresh, now);
                    assert_eq!(result, model.apply(refresh, now), "{other:?} {before:?} {now:?}");
                    assert_eq!(
                        (users.get(&7), users.presence(&7, now)),
                        (Some(&model), model.presence(now))
                    );
                }
            }
        }
    }
}

/// T6: also a refresh of one of two sessions, whose end would come after the last timestamp.
#[test]
fn a_refresh_near_the_last_timestamp_ends_at_it() {
    let last = nanosecond(i64::MAX);
    let now = last - SignedDuration::minutes(30);
    let (mut users, mut model) = (PresenceDirectory::<u8, u8>::new(), PresenceModel::new());
    for (id, lifetime) in [(0, "PT20M"), (1, "PT20M"), (0, "PT4H"), (1, "PT4H")] {
        let body = set(id, SessionPresence::Available, lifetime);
        assert_eq!(users.apply(&7, body, now), model.apply(body, now));
        assert_eq!(users.get(&7), Some(&model));
    }
    assert_eq!(model.sessions(now).map(|session| session.expires_at).collect::<Vec<_>>(), [last, last]);
}

/// O1: the deadlines are those of what is visible. The preference ends before the sessions do, but a
/// session shows the same.
#[test]
fn a_late_tick_reports_in_the_order_of_the_first_visible_differences() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    for (user, lifetime) in [(1, "PT12M"), (2, "PT7M"), (3, "PT11M"), (4, "PT10M"), (5, "PT7M")] {
        let _ = users.apply(&user, set(7, SessionPresence::Away, lifetime), at("09:00")).unwrap();
    }
    let _ = users.apply(&1, prefer(PreferredPresence::Away, "PT5M"), at("09:00")).unwrap();
    let _ = users.apply(&4, prefer(PreferredPresence::Away, "PT6M"), at("09:00")).unwrap();
    assert_eq!(names(ticked(&mut users, at("09:30"))), [2, 5, 4, 3, 1]);
}

/// O1: it fades unnoticed behind a call, and at the end of the call it differs from what was reported.
#[test]
fn a_late_tick_reports_a_session_that_fades_behind_a_call_at_the_end_of_the_call() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(0, SessionPresence::Available, "PT1H"), at("09:00")).unwrap();
    let _ = users.apply(&1, set(1, SessionPresence::InACall, "PT8M"), at("09:00")).unwrap();
    let _ = users.apply(&2, set(0, SessionPresence::Away, "PT7M"), at("09:00")).unwrap();
    let changes = ticked(&mut users, at("09:09"));
    assert_eq!(currents(changes), [(2, Presence::Offline), (1, Presence::AvailableInactive)]);
}

/// O1: it differed on the way, and the late tick finds it as it was reported.
#[test]
fn a_late_tick_is_silent_about_a_presence_that_has_come_back() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(0, SessionPresence::Available, "PT1H"), at("09:00")).unwrap();
    let _ = users.apply(&1, prefer(PreferredPresence::Away, "PT7M"), at("09:00")).unwrap();
    assert_eq!(users.next_deadline(), Some(at("09:05")));
    let mut punctual = users.clone();
    assert_eq!(ticked(&mut users, at("09:12")), []);
    assert_eq!(users.next_deadline(), Some(at("10:00")));
    let changes: Vec<_> = punctual.changes_until(at("09:12")).collect();
    let changes: Vec<_> = changes.into_iter().map(|(at, _, outcome)| (at, outcome.current)).collect();
    let expected = [(at("09:07"), Presence::AvailableInactive), (at("09:10"), Presence::Away)];
    assert_eq!(changes, expected);
}

/// O1: "z" gets the slot of "a", whose entry in the queue has been sorted already.
#[test]
fn a_user_in_a_slot_that_was_freed_is_reported_in_its_own_order() {
    let call = SetSession::new(0, SessionPresence::InACall);
    let mut users = PresenceDirectory::<&str, u8, _>::with_hasher(SameHash);
    for (user, now) in [("a", at("09:00:02")), ("m", at("09:00:02")), ("x", at("09:00:01"))] {
        let _ = users.apply(&user, call, now).unwrap();
    }
    let mut moved = PresenceModel::new();
    let _ = moved.apply(call, at("09:00:02")).unwrap();

    assert_eq!(names(ticked(&mut users, at("09:05:01"))), ["x"]);
    assert!(users.remove(&"a").is_some());
    assert_eq!(users.insert("z", moved, at("09:05:01")), None);
    assert_eq!(names(ticked(&mut users, at("09:05:02"))), ["m", "z"]);
}

/// O1: the same by commands alone. The entry that "a" has left comes before that of "b".
#[test]
fn a_slot_that_was_freed_does_not_hide_the_users_behind_it() {
    let call = SetSession::new(0, SessionPresence::InACall);
    let mut users = PresenceDirectory::<&str, u8, _>::with_hasher(SameHash);
    for (user, now) in [("a", at("09:00:02")), ("b", at("09:00:02")), ("x", at("09:00:01"))] {
        let _ = users.apply(&user, call, now).unwrap();
    }
    let _ = users.apply(&"m", set(0, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();

    assert_eq!(names(ticked(&mut users, at("09:05:01"))), ["x"]);
    let _ = users.apply(&"m", prefer(PreferredPresence::Busy, "PT1S"), at("09:05:01")).unwrap();
    let _ = users.apply(&"a", ClearSession::new(0), at("09:05:01")).unwrap();
    let _ = users.apply(&"z", call, at("09:05:01")).unwrap();
    assert_eq!(names(ticked(&mut users, at("09:05:02"))), ["b", "m"]);
}

/// The next tick passes it: there is nothing to report.
#[test]
fn removing_a_due_user_clears_its_deadline() {
    let mut users = PresenceDirectory::new();
    for (user, lifetime) in [(1, "PT5M"), (2, "PT5M"), (3, "PT1H")] {
        let _ = users.apply(&user, set(7, SessionPresence::Away, lifetime), at("09:00")).unwrap();
    }
    assert_eq!(users.tick(at("09:05")).map(|(user, _)| user), Some(1));
    assert_eq!(users.next_deadline(), Some(at("09:05")));
    assert!(users.remove(&2).is_some());
    assert_eq!((users.tick(at("09:05")), users.next_deadline()), (None, Some(at("10:00"))));
}

/// The deadline of a user that has been refreshed is early. It is not before an update, and a tick
/// moves it on.
#[test]
fn a_deadline_that_is_early_moves_with_each_update() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(0, SessionPresence::Away, "PT5M"), at("09:00")).unwrap();
    let _ = users.apply(&2, set(0, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
    let _ = users.apply(&1, set(0, SessionPresence::Away, "PT5M"), at("09:03")).unwrap();
    assert_eq!(users.next_deadline(), Some(at("09:05")));
    for now in [just_before(at("09:05")), at("09:05"), just_after(at("09:05"))] {
        let _ = users.apply(&2, set(0, SessionPresence::Away, "PT4H"), now).unwrap();
        assert_eq!(users.next_deadline(), Some(now.max(at("09:05"))));
    }
    assert_eq!(users.tick(just_after(at("09:05"))), None);
    assert_eq!(users.next_deadline(), Some(at("09:08")));
}

/// T3: a command for another user comes first.
#[test]
fn an_overdue_change_is_due_at_the_last_update() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(0, SessionPresence::InACall, "PT5M"), at("09:00")).unwrap();
    let _ = users.apply(&2, set(0, SessionPresence::InACall, "PT1H"), at("09:07")).unwrap();
    assert_eq!(users.next_deadline(), Some(at("09:07")));
    let changes: Vec<_> = users.changes_until(at("09:30")).map(|(at, user, _)| (at, user)).collect();
    assert_eq!(changes, [(at("09:07"), 1)]);
    assert_eq!(users.next_deadline(), Some(at("10:07")));
}

/// T4: a rejected command is no update.
#[test]
fn a_rejected_command_moves_no_deadline() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(0, SessionPresence::InACall, "PT5M"), at("09:00")).unwrap();
    for user in [1, 2] {
        assert!(users.apply(&user, ClearSession::new(9), at("09:10")).is_err());
    }
    assert_eq!((users.next_deadline(), users.len()), (Some(at("09:05")), 1));
}

#[test]
fn changes_until_returns_each_change_with_its_timestamp() {
    let mut users = PresenceDirectory::new();
    let _ = users.apply(&1, set(7, SessionPresence::Available, "PT1H"), at("09:00")).unwrap();
    let _ = users.apply(&2, set(7, SessionPresence::InACall, "PT5M"), at("09:00")).unwrap();
    let _ = users.apply(&3, set(7, SessionPresence::Away, "PT10M"), at("09:00")).unwrap();
    let changes: Vec<_> = users
        .changes_until(at("10:00"))
        .map(|(at, user, outcome)| (at, user, outcome.current))
        .collect();
    assert_eq!(
        changes,
        [
            (at("09:05"), 1, Presence::AvailableInactive),
            (at("09:05"), 2, Presence::Offline),
            (at("09:10"), 1, Presence::Away),
            (at("09:10"), 3, Presence::Offline),
            (at("10:00"), 1, Presence::Offline),
        ]
    );
    assert!(users.is_empty());
}

/// T1: a change at `until` belongs to the iterator, a change after it does not.
#[test]
fn changes_until_stops_at_its_end() {
    let mut users = PresenceDirectory::new();
    let _ = users.apply(&1, set(7, SessionPresence::Available, "PT1H"), at("09:00")).unwrap();
    assert_eq!(users.changes_until(just_before(at("09:05"))).next(), None);
    assert_eq!(users.changes_until(at("09:05")).map(|(at, ..)| at).collect::<Vec<_>>(), [at("09:05")]);
    assert_eq!(users.next_deadline(), Some(at("09:10")));
}

/// T5: half a minute before the session was set, but half an hour before the iterator's end.
#[test]
fn changes_until_is_an_update_at_its_end() {
    let mut users = PresenceDirectory::new();
    let _ = users.apply(&1, set(7, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    assert_eq!(users.changes_until(at("09:30")).next(), None);
    assert_eq!(users.tick(at("08:59:30")), None);
    assert_eq!(users.next_deadline(), Some(at("09:59:30")));
}

#[test]
fn changes_that_were_not_returned_come_with_the_next_iterator() {
    let mut users = PresenceDirectory::new();
    for user in [1, 2, 3] {
        let _ = users.apply(&user, set(7, SessionPresence::InACall, "PT5M"), at("09:00")).unwrap();
    }
    let _ = users.apply(&1, set(8, SessionPresence::Away, "PT7M"), at("09:00")).unwrap();
    let mut changes = Vec::new();
    for most in [0, 1, 1, 100] {
        let some = users.changes_until(at("09:30")).take(most);
        changes.extend(some.map(|(at, user, outcome)| (at, user, outcome.current)));
    }
    assert_eq!(
        changes,
        [
            (at("09:05"), 1, Presence::Away),
            (at("09:05"), 2, Presence::Offline),
            (at("09:05"), 3, Presence::Offline),
            (at("09:07"), 1, Presence::Offline),
        ]
    );
}

#[test]
fn the_timeout_is_the_time_until_the_deadline_within_its_limit() {
    let minute = Duration::from_secs(60);
    let mut users = PresenceDirectory::<u8, u8>::new();
    assert_eq!(users.timeout(at("09:00"), minute), minute);
    assert_eq!(users.timeout(at("09:00"), Duration::MAX), Duration::MAX);
    let _ = users.apply(&1, set(0, SessionPresence::InACall, "PT5M"), at("09:00")).unwrap();
    for (now, timeout) in [
        (at("08:00"), minute),
        (at("09:00"), minute),
        (at("09:04"), minute),
        (just_after(at("09:04")), Duration::from_nanos(59_999_999_999)),
        (at("09:04:30"), Duration::from_secs(30)),
        (just_before(at("09:05")), Duration::from_nanos(1)),
        (at("09:05"), Duration::ZERO),
        (at("33:00"), Duration::ZERO),
    ] {
        assert_eq!(users.timeout(now, minute), timeout, "{now:?}");
        assert_eq!(users.timeout(now, Duration::ZERO), Duration::ZERO);
    }
    assert_eq!(users.timeout(at("08:05"), Duration::MAX), Duration::from_secs(60 * 60));
}

/// It does not lie in the past of the directory, even if the clock that is read is behind.
#[test]
fn the_timeout_of_an_overdue_change_ends_at_the_last_update() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(0, SessionPresence::InACall, "PT5M"), at("09:00")).unwrap();
    let _ = users.apply(&2, Tick, at("09:10")).unwrap();
    assert_eq!(users.timeout(at("09:10"), Duration::MAX), Duration::ZERO);
    assert_eq!(users.timeout(at("09:09:50"), Duration::MAX), Duration::from_secs(10));
}

/// T5: one minute is not yet a step. Without a clamp the session lives that minute longer.
#[test]
fn a_step_back_of_more_than_a_minute_clamps_inactive_users() {
    let minute = SignedDuration::MINUTE;
    for (step, ends) in [
        (SignedDuration::NANOSECOND, at("10:00")),
        (minute, at("10:00")),
        (minute + SignedDuration::NANOSECOND, just_before(at("09:59"))),
        (SignedDuration::HOUR, at("09:00")),
    ] {
        let mut users = PresenceDirectory::<u8, u8>::new();
        let _ = users.apply(&1, set(7, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
        assert_eq!(users.tick(at("09:00") - step), None);
        assert_eq!(users.tick(just_before(ends)), None, "{step:?}");
        assert_eq!(users.next_deadline(), Some(ends), "{step:?}");
        assert_eq!(users.tick(ends).map(|(_, outcome)| outcome.current), Some(Presence::Offline));
    }
}

/// T5: a user that is due by one clock is not yet due by another that is seconds behind. T7: no deadline is
/// before the latest update.
#[test]
fn a_tick_by_a_clock_that_is_a_little_behind_clamps_no_user() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(7, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    let _ = users.apply(&1, prefer(PreferredPresence::Away, "PT20S"), at("09:00:10")).unwrap();
    let _ = users.apply(&2, Tick, at("09:00:40")).unwrap();
    for (deadline, now, change) in [
        ("09:00:40", "09:00:05", None),
        ("09:00:40", "09:00:29", None),
        ("09:00:40", "09:00:30", Some(Presence::InACall)),
    ] {
        assert_eq!(users.next_deadline(), Some(at(deadline)), "{now}");
        assert_eq!(users.tick(at(now)).map(|(_, outcome)| outcome.current), change, "{now}");
    }
    assert_eq!(users.next_deadline(), Some(at("10:00")));
}

/// The preference of user 1 ends unnoticed. User 2 has left, and its deadline with it.
#[test]
fn a_tick_by_a_clock_that_is_a_little_behind_frees_what_has_ended() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, prefer(PreferredPresence::Busy, "PT1M"), at("09:00")).unwrap();
    let _ = users.apply(&2, set(7, SessionPresence::Away, "PT5M"), at("09:00")).unwrap();
    let _ = users.apply(&2, Tick, at("09:05")).unwrap();
    assert_eq!((users.next_deadline(), users.len()), (Some(at("09:05")), 1));
    assert_eq!((users.tick(just_before(at("09:05"))), users.len()), (None, 0));
    assert_eq!((users.tick(at("09:05")), users.next_deadline()), (None, None));
}

/// T5: they add up to a step, because each is measured from the latest update.
#[test]
fn many_small_steps_back_cost_no_more_than_a_minute() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(7, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    let mut now = at("09:00");
    for _ in 0..30 {
        now -= SignedDuration::seconds(50);
        let _ = users.apply(&2, set(7, SessionPresence::InACall, "PT5M"), now).unwrap();
        assert_eq!(users.tick(now), None);
    }
    let end = now + SignedDuration::HOUR + SignedDuration::MINUTE;
    assert_eq!(ticked(&mut users, end).len(), 2);
    assert!(users.is_empty());
}

fn names<U>(changes: Vec<(U, Outcome)>) -> Vec<U> {
    changes.into_iter().map(|(user, _)| user).collect()
}

fn currents(changes: Vec<(u8, Outcome)>) -> Vec<(u8, Presence)> {
    changes.into_iter().map(|(user, outcome)| (user, outcome.current)).collect()
}

/// O1: in a large crowd some users look alike to the tables, which keep seven bits of a hash.
#[test]
fn users_that_share_a_deadline_after_a_refresh_are_reported_once_each_and_in_order() {
    let mut users = PresenceDirectory::<u32, u8>::new();
    for now in [at("09:00"), at("09:04")] {
        for user in 0..3_000 {
            let _ = users.apply(&user, set(0, SessionPresence::Away, "PT5M"), now).unwrap();
        }
    }
    assert_eq!(users.tick(at("09:05")), None);
    let reported: Vec<u32> =
        std::iter::from_fn(|| users.tick(at("09:09"))).map(|(user, _)| user).collect();
    assert!(reported.into_iter().eq(0..3_000) && users.is_empty());
}
