//! Properties of any day of a few users: a directory answers as one model a user would.

mod common;
mod naive;
mod reference;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{at, deterministic, nanosecond};
use naive::days::{
    Act, Step, USERS, day_of_odd_deadlines, day_of_ties, fickle_day, forward_day, ordinary_day,
};
use naive::{Naive, SameHash, compare, saturated, ticked};
use presence_core::{
    Outcome, Presence, PresenceDirectory, PresenceModel, SessionPresence, SetSession, SignedDuration,
    Timestamp,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;
use reference::histories::wild_reading;

proptest! {
    #![proptest_config(deterministic())]

    /// S1 to U8 for each user, and O1. No tick is taken for a step of the clock.
    #[test]
    fn a_directory_answers_as_one_model_a_user(day in forward_day()) {
        prop_assert_eq!(compare(&mut PresenceDirectory::new(), &day).steps, 0);
    }

    /// O1: if all users have the same hash.
    #[test]
    fn hashing_does_not_matter(day in forward_day()) {
        prop_assert_eq!(compare(&mut PresenceDirectory::with_hasher(SameHash), &day).steps, 0);
    }

    /// O1: around the borders of the queue's buckets.
    #[test]
    fn deadlines_come_due_as_in_a_sorted_list(day in day_of_odd_deadlines()) {
        prop_assert_eq!(compare(&mut PresenceDirectory::new(), &day).steps, 0);
    }

    /// T5: whatever the clock shows in any call.
    #[test]
    fn a_directory_answers_as_one_model_a_user_whatever_the_clock_does(day in fickle_day()) {
        let _ = compare(&mut PresenceDirectory::new(), &day);
    }

    /// A clone goes on as the original does, at any moment.
    #[test]
    fn a_clone_reports_the_same(day in prop_oneof![forward_day(), fickle_day()], until in wild_reading()) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        for step in day {
            let _ = lived(&mut users, &step);
            let mut clone = users.clone();
            prop_assert_eq!(clone.next_deadline(), users.next_deadline());
            prop_assert!(clone.changes_until(until).eq(users.clone().changes_until(until)));
        }
    }

    /// O1: it is the loop over `next_deadline` and `tick`, also if it is dropped and resumed, and
    /// whatever the clock does.
    #[test]
    fn changes_until_is_the_loop_over_deadlines(
        day in prop_oneof![forward_day(), fickle_day()], dropped in vec(0..4_usize, 48),
    ) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        for (step, dropped) in day.into_iter().zip(dropped) {
            let until = step.now;
            let Act::Tick(_) = step.act else {
                let _ = lived(&mut users, &step);
                continue;
            };
            let (mut looped, mut resumed) = (users.clone(), users.clone());
            let changes: Vec<_> = users.changes_until(until).collect();
            prop_assert_eq!(loop_until(&mut looped, until), changes.as_slice());
            let first: Vec<_> = resumed.changes_until(until).take(dropped).collect();
            let parts: Vec<_> = first.into_iter().chain(resumed.changes_until(until)).collect();
            prop_assert_eq!(parts, changes.as_slice());

            prop_assert!(changes.iter().all(|(at, ..)| *at <= until));
            prop_assert!(changes.is_sorted_by_key(|(at, ..)| *at));
            for other in [&looped, &resumed] {
                prop_assert_eq!(other.next_deadline(), users.next_deadline());
                prop_assert!(other.iter().all(|(user, model)| users.get(user) == Some(model)));
                prop_assert_eq!(other.len(), users.len());
            }
            prop_assert_eq!(users.changes_until(until).next(), None);
        }
    }

    /// T3, O1: it returns what the models forecast, and what is overdue at the latest update.
    #[test]
    fn changes_until_returns_what_the_models_forecast(day in forward_day()) {
        let (mut users, mut naive) = (PresenceDirectory::<u8, u8>::new(), Naive::default());
        for step in day {
            let until = step.now;
            match step.act {
                Act::Apply(user, command) => {
                    let result = users.apply(&user, command, until);
                    prop_assert_eq!(result, naive.apply(user, command, until));
                }
                Act::Move(..) => {}
                Act::Tick(_) => {
                    let mut expected = Vec::new();
                    for (user, model) in &users {
                        expected.extend(forecast(*user, model, naive.latest, saturated(until)));
                    }
                    expected.sort_by_key(|(at, user, ..)| (*at, *user));
                    let changes: Vec<_> = users.changes_until(until).collect();
                    let mut by_user = changes.clone();
                    by_user.sort_by_key(|(at, user, ..)| (*at, *user));
                    prop_assert_eq!(by_user, expected);
                    prop_assert_eq!(naive_until(&mut naive, until), changes);
                }
            }
        }
    }

    /// To the nanosecond, across the whole range.
    #[test]
    fn the_timeout_agrees_with_the_deadline(
        day in fickle_day(), reads in vec(wild_reading(), 4), limit in any::<u64>(),
    ) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        for step in day {
            let _ = lived(&mut users, &step);
            for now in reads.iter().copied().chain([step.now]) {
                for limit in [Duration::from_nanos(limit), Duration::ZERO, Duration::MAX] {
                    let wait = users.next_deadline().map(|next| {
                        let wait = (next - saturated(now)).whole_nanoseconds().max(0);
                        Duration::from_nanos(wait.try_into().unwrap())
                    });
                    let expected = wait.unwrap_or(Duration::MAX).min(limit);
                    prop_assert_eq!(users.timeout(now, limit), expected);
                }
            }
        }
    }

    /// T5: also users that never send a command again.
    #[test]
    fn a_tick_after_a_step_back_of_more_than_a_minute_clamps_every_user(
        day in ordinary_day(), step in 60_000_000_001..=200_000_000_000_000_i64,
    ) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        let mut latest = at("09:00");
        for step in day {
            if lived(&mut users, &step).is_some() {
                latest = step.now;
            }
        }
        let now = latest - SignedDuration::nanoseconds(step);
        let mut expected: BTreeMap<u8, _> =
            users.iter().map(|(user, model)| (*user, model.clone())).collect();
        let changes: Vec<_> =
            expected.iter_mut().map(|(user, model)| (*user, model.tick(now))).collect();
        let changed = changes.into_iter().filter(|(_, outcome)| outcome.changed().is_some());
        prop_assert_eq!(ticked(&mut users, now), changed.collect::<Vec<_>>());
        expected.retain(|_, model| !model.is_empty());
        prop_assert_eq!(users.len(), expected.len());
        for (user, model) in &expected {
            prop_assert_eq!(users.get(user), Some(model));
        }
        for _ in 0..300 {
            let Some(next) = users.next_deadline() else { break };
            let _ = ticked(&mut users, next);
            prop_assert!(users.next_deadline().is_none_or(|later| later > next));
        }
        prop_assert!(users.is_empty() && users.next_deadline().is_none());
    }

    /// T5: in whichever call it comes, and if no other command of the user does.
    #[test]
    fn one_wild_reading_keeps_no_user_online(
        day in ordinary_day(), position in 0..48_usize, ahead in 61..100_000_000_i64, call in 0..7_u8,
        user in 0..USERS,
    ) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        let mut reported = BTreeMap::new();
        let mut now = at("09:00");
        let length = day.len();
        for (number, step) in day.into_iter().enumerate() {
            now = step.now;
            if number == position % length {
                let wild = now + SignedDuration::seconds(ahead);
                reported.extend(read_wildly(call, &mut users, user, wild, now));
            }
            reported.extend(lived(&mut users, &step).unwrap_or_default());
        }
        for minute in 0..=4 * 60 {
            reported.extend(currents(ticked(&mut users, now + SignedDuration::minutes(minute))));
        }
        prop_assert!(reported.values().all(|presence| *presence == Presence::Offline), "{reported:?}");
        prop_assert!(users.iter().all(|(_, model)| model.reported() == Presence::Offline));
    }

    /// T5: threads whose clocks disagree by less than a minute.
    #[test]
    fn steps_of_less_than_a_minute_cost_at_most_that_minute(
        day in ordinary_day(), late in vec(0..=60_000_000_000_i64, 48),
    ) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        let mut reported = BTreeMap::new();
        let mut now = at("09:00");
        for (mut step, late) in day.into_iter().zip(late) {
            step.now -= SignedDuration::nanoseconds(late);
            now = step.now;
            reported.extend(lived(&mut users, &step).unwrap_or_default());
            let ends = users.iter().flat_map(|(_, model)| model.sessions(now).map(|it| it.expires_at));
            let last = now + SignedDuration::hours(4);
            prop_assert!(ends.max().is_none_or(|end| end <= last));
        }
        for minute in 0..=4 * 60 + 1 {
            reported.extend(currents(ticked(&mut users, now + SignedDuration::minutes(minute))));
        }
        prop_assert!(reported.values().all(|presence| *presence == Presence::Offline), "{reported:?}");
        prop_assert!(users.iter().all(|(_, model)| model.reported() == Presence::Offline));
    }
}

proptest! {
    // It takes more days to meet all ways in which slots can be used again.
    #![proptest_config(Config { cases: 4 * deterministic().cases, ..deterministic() })]

    /// O1: if users get the slots that others have just left.
    #[test]
    fn slots_that_are_used_again_do_not_matter(day in day_of_ties()) {
        prop_assert_eq!(compare(&mut PresenceDirectory::with_hasher(SameHash), &day).steps, 0);
    }
}

/// Takes one step. Returns what it reports, or `None` if it is no update.
fn lived(users: &mut PresenceDirectory<u8, u8>, step: &Step) -> Option<Vec<(u8, Presence)>> {
    let Step { now, act } = step;
    match act {
        Act::Apply(user, command) => {
            let outcome = users.apply(user, *command, *now).ok()?;
            Some(vec![(*user, outcome.current)])
        }
        Act::Tick(changes) => {
            Some(currents(std::iter::from_fn(|| users.tick(*now)).take(*changes).collect()))
        }
        Act::Move(from, to) => {
            let model = users.remove(from)?;
            users.insert(*to, model, *now);
            let reported = users.get(to).map(PresenceModel::reported).unwrap_or_default();
            // A host that removes a user publishes that it is Offline.
            Some(vec![(*from, Presence::Offline), (*to, reported)])
        }
    }
}

/// Gives a wild reading to one of the calls. Returns what it reports.
fn read_wildly(
    call: u8,
    users: &mut PresenceDirectory<u8, u8>,
    user: u8,
    wild: Timestamp,
    now: Timestamp,
) -> Vec<(u8, Presence)> {
    let body = SetSession::new(0, SessionPresence::InACall);
    match call {
        0 => vec![(user, users.apply(&user, body, wild).unwrap().current)],
        1 => currents(users.tick(wild).into_iter().collect()),
        2 => currents(ticked(users, wild)),
        3 => currents(users.changes_until(wild).map(|(_, user, outcome)| (user, outcome)).collect()),
        4 => {
            let _ = (users.presence(&user, wild), users.explain(&user, wild));
            let _ = users.timeout(wild, Duration::MAX);
            vec![]
        }
        _ => {
            let mut model = users.remove(&user).unwrap_or_default();
            let outcome = model.apply(body, wild).unwrap();
            users.insert(user, model, if call == 5 { wild } else { now });
            vec![(user, outcome.current)]
        }
    }
}

/// The loop that the documentation of `changes_until` describes.
fn loop_until(users: &mut PresenceDirectory<u8, u8>, until: Timestamp) -> Vec<(Timestamp, u8, Outcome)> {
    let mut changes = Vec::new();
    loop {
        let now = users.next_deadline().map_or(until, |deadline| deadline.min(until));
        while let Some((user, outcome)) = users.tick(now) {
            changes.push((now, user, outcome));
        }
        if now >= until {
            return changes;
        }
    }
}

/// The same loop over the visible changes alone.
fn naive_until(naive: &mut Naive, until: Timestamp) -> Vec<(Timestamp, u8, Outcome)> {
    let mut changes = Vec::new();
    loop {
        let now = naive.next_change().map_or(until, |change| change.min(until));
        while let Some((user, outcome)) = naive.tick(now) {
            changes.push((now, user, outcome));
        }
        if now >= until {
            return changes;
        }
    }
}

/// Returns what is to be reported of a user until a timestamp, if the last update was at `now`.
fn forecast(
    user: u8,
    model: &PresenceModel<u8>,
    now: Timestamp,
    until: Timestamp,
) -> Vec<(Timestamp, u8, Outcome)> {
    let overdue = Some((now, model.presence(now)));
    let future = model.forecast(now).map(|change| (change.at, change.presence));
    let mut previous = model.reported();
    let mut changes = Vec::new();
    for (at, current) in overdue.into_iter().chain(future).take_while(|(at, _)| *at <= until) {
        if current != previous {
            changes.push((at, user, outcome(previous, current)));
        }
        previous = current;
    }
    changes
}

/// Makes an outcome by way of a model, because no other way is public.
fn outcome(previous: Presence, current: Presence) -> Outcome {
    let mut outcome = PresenceModel::<u8>::new().tick(nanosecond(0));
    (outcome.previous, outcome.current) = (previous, current);
    outcome
}

fn currents(changes: Vec<(u8, Outcome)>) -> Vec<(u8, Presence)> {
    changes.into_iter().map(|(user, outcome)| (user, outcome.current)).collect()
}
