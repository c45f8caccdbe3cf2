//! Properties of any history of one user, most of them by comparison with the reference.

mod common;
mod reference;

use common::{deterministic, just_before, nanosecond};
use presence_core::{Command, Presence, PresenceModel, SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use reference::Reference;
use reference::histories::{
    claim, crowded, forward, session, session_lifetime, stepping, wild, wild_reading,
};

proptest! {
    #![proptest_config(deterministic())]

    /// T3: after every command, and at each boundary between it and the next command.
    #[test]
    fn the_model_agrees_with_the_reference(history in forward()) {
        assert_agreement_at_and_between_commands(&history);
    }

    /// T5, T6: after every command, with a clock that steps back and forth and shows any timestamp.
    #[test]
    fn the_model_agrees_with_the_reference_whatever_the_clock_does(
        history in prop_oneof![stepping(), wild()], reads in vec(wild_reading(), 2),
    ) {
        let (mut user, mut reference) = (PresenceModel::new(), Reference::new());
        for (now, command) in history {
            let _ = reference.apply_to_both(&mut user, command, now);
            for read in reads.iter().chain(&[saturating_before(now), saturating_after(now)]) {
                reference.assert_reads_agree(&user, *read);
            }
        }
    }

    /// T3, T5, T6: whatever the clock does, and although reads change nothing.
    #[test]
    fn reads_answer_as_if_a_tick_had_come_first(
        history in prop_oneof![stepping(), wild()], read in wild_reading(),
    ) {
        let mut user = PresenceModel::new();
        for (now, command) in history {
            let _ = user.apply(command, now);
            for now in [read, saturating_before(now), saturating_after(now)] {
                let (before, mut ticked) = (user.clone(), user.clone());
                prop_assert_eq!(user.presence(now), ticked.tick(now).current);
                prop_assert_eq!(user.deadline(now), ticked.deadline(now));
                prop_assert_eq!(user.expires_at(now), ticked.expires_at(now));
                prop_assert_eq!(user.preferred(now), ticked.preferred(now));
                prop_assert!(user.sessions(now).eq(ticked.sessions(now)));
                prop_assert!(user.forecast(now).eq(ticked.forecast(now)));
                prop_assert_eq!(user.explain(now), ticked.explain(now));
                prop_assert_eq!(&user, &before);
            }
        }
    }

    /// T3: without ticks, with random ticks and with a tick at every deadline, the answers are the same.
    #[test]
    fn while_time_does_not_go_backwards_ticks_make_no_difference(
        history in forward(), ticks in vec((any::<Index>(), 0..3), 0..12),
    ) {
        let mut unticked = PresenceModel::new();
        let (mut random, mut punctual) = (PresenceModel::new(), PresenceModel::new());
        let mut deadline = None;
        for (number, (now, command)) in history.iter().enumerate() {
            let before = history[..number].last().map_or(*now, |(before, _)| *before);
            for (_, third) in ticks.iter().filter(|(at, _)| at.index(history.len()) == number) {
                let _ = random.tick(before + (*now - before) * *third / 3);
            }
            while let Some(due) = deadline.filter(|due| due <= now) {
                let _ = punctual.tick(due);
                deadline = punctual.deadline(due);
            }
            let expected = unticked.apply(*command, *now);
            for ticked in [&mut random, &mut punctual] {
                let result = ticked.apply(*command, *now);
                prop_assert_eq!(
                    result.map(|outcome| (outcome.current, ticked.deadline(*now))),
                    expected.map(|outcome| (outcome.current, unticked.deadline(*now)))
                );
                prop_assert!(expected.is_err() || *ticked == unticked);
                prop_assert_eq!(ticked.presence(*now), unticked.presence(*now));
                prop_assert!(ticked.forecast(*now).eq(unticked.forecast(*now)));
                prop_assert!(ticked.sessions(*now).eq(unticked.sessions(*now)));
                prop_assert_eq!(ticked.preferred(*now), unticked.preferred(*now));
            }
            deadline = punctual.deadline(*now);
        }
    }

    /// T1, T3: up to the last nanosecond, and the deadline is after `now`.
    #[test]
    fn the_effective_presence_does_not_change_before_the_deadline(
        history in prop_oneof![forward(), wild()], part in 0..1_000_i128,
    ) {
        let mut user = PresenceModel::new();
        for (now, command) in history {
            let Ok(outcome) = user.apply(command, now) else { continue };
            let deadline = user.deadline(now);
            let end = deadline.unwrap_or(Timestamp::MAX);
            prop_assert!(deadline.is_none_or(|deadline| deadline > now), "{:?}", now);
            let span = (end.as_nanoseconds() - now.as_nanoseconds()).max(1);
            let within = now.as_nanoseconds() + span * part / 1_000;
            let within = Timestamp::from_nanoseconds(within).unwrap();
            for read in [now, within, end.max(saturating_after(now)) - SignedDuration::NANOSECOND] {
                prop_assert_eq!(user.presence(read), outcome.current, "{:?}", read);
                prop_assert_eq!(user.deadline(read), deadline, "{:?}", read);
            }
        }
    }

    /// S6, S7: a session has at most three boundaries, a preference one.
    #[test]
    fn ticking_at_deadlines_empties_any_model_in_a_bounded_number_of_steps(history in wild()) {
        let mut user = PresenceModel::new();
        for (now, command) in history {
            let Ok(_) = user.apply(command, now) else { continue };
            let steps = 3 * user.sessions(now).count() + usize::from(user.preferred(now).is_some());
            let (mut copy, mut deadline) = (user.clone(), user.deadline(now));
            for _ in 0..steps {
                let Some(due) = deadline else { break };
                let _ = copy.tick(due);
                deadline = copy.deadline(due);
            }
            prop_assert_eq!(deadline, None);
            prop_assert_eq!(copy, PresenceModel::new());
        }
    }

    /// T1, T5, T6: one nanosecond before it something is left, and at it nothing is.
    #[test]
    fn nothing_is_left_from_expires_at_on_and_something_is_before(
        history in prop_oneof![forward(), wild()], read in wild_reading(),
    ) {
        let mut user = PresenceModel::new();
        for (now, command) in history {
            let _ = user.apply(command, now);
            for now in [read, saturating_before(now), now, saturating_after(now)] {
                let ticked = |now| {
                    let mut copy = user.clone();
                    let _ = copy.tick(now);
                    copy
                };
                let Some(end) = user.expires_at(now) else {
                    prop_assert_eq!(ticked(now), PresenceModel::new());
                    continue;
                };
                prop_assert!(end > now, "{end:?} is not after {now:?}");
                prop_assert!(user.deadline(now).is_some_and(|deadline| deadline <= end));
                prop_assert!(user.forecast(now).all(|change| change.at <= end));
                // The first tick moves starts in the future to `now`.
                let mut updated = ticked(now);
                let _ = updated.tick(just_before(end));
                prop_assert!(!updated.is_empty());
                let _ = updated.tick(end);
                prop_assert_eq!(updated, PresenceModel::new());
            }
        }
    }

    /// T3: every change of the effective presence and no other; a later forecast is the rest of it.
    #[test]
    fn a_forecast_is_exact(history in prop_oneof![forward(), wild()]) {
        let mut user = PresenceModel::new();
        for (now, command) in history {
            let Ok(outcome) = user.apply(command, now) else { continue };
            let forecast: Vec<_> = user.forecast(now).collect();
            prop_assert!(user.forecast(now).clone().eq(forecast.iter().copied()));
            let mut current = outcome.current;
            let mut boundary = user.deadline(now);
            let mut rest = forecast.as_slice();
            while let Some(at) = boundary {
                prop_assert_eq!(user.presence(just_before(at)), current);
                if let [change, after @ ..] = rest && change.at == at {
                    prop_assert_ne!(change.presence, current);
                    (current, rest) = (change.presence, after);
                }
                prop_assert_eq!(user.presence(at), current);
                prop_assert!(user.forecast(at).eq(rest.iter().copied()));
                boundary = user.deadline(at);
            }
            prop_assert_eq!((current, rest), (Presence::Offline, [].as_slice()));
            prop_assert_eq!(user.presence(Timestamp::MAX), Presence::Offline);
        }
    }

    /// T3: `previous` is what the last update reported, whatever the clock does in between.
    #[test]
    fn an_outcome_starts_from_what_the_last_update_reported(
        history in prop_oneof![forward(), wild()],
    ) {
        let mut user = PresenceModel::new();
        let mut reported = Presence::Offline;
        for (now, command) in history {
            prop_assert_eq!(user.reported(), reported);
            let Ok(outcome) = user.apply(command, now) else { continue };
            prop_assert_eq!(outcome.previous, reported);
            prop_assert_eq!(outcome.changed().is_some(), outcome.previous != outcome.current);
            prop_assert_eq!(outcome.changed().unwrap_or(reported), outcome.current);
            reported = outcome.current;
            prop_assert_eq!(user.reported(), reported);
        }
    }

    /// P2, P5: the same sessions under other ids, set in another order at each timestamp.
    #[test]
    fn aggregation_depends_neither_on_the_order_of_setting_nor_on_ids(
        mut sessions in vec((select(vec![0, 0, 300, 301, 600]), claim(), session_lifetime()), 1..8),
        ids in Just((0..8_u8).collect::<Vec<_>>()).prop_shuffle(),
        seconds in 600..2_000_i64,
    ) {
        let after = |seconds| common::at("09:00") + SignedDuration::seconds(seconds);
        sessions.sort_by_key(|(seconds, ..)| *seconds);
        let mut in_order = PresenceModel::new();
        for (id, (seconds, claim, lifetime)) in (0_u8..).zip(&sessions) {
            let _ = in_order.apply(session(id, *claim, *lifetime), after(*seconds)).unwrap();
        }
        sessions.reverse();
        sessions.sort_by_key(|(seconds, ..)| *seconds);
        let mut shuffled = PresenceModel::new();
        for (id, (seconds, claim, lifetime)) in ids.into_iter().zip(&sessions) {
            let _ = shuffled.apply(session(id, *claim, *lifetime), after(*seconds)).unwrap();
        }
        for now in [after(600), after(seconds)] {
            prop_assert_eq!(in_order.presence(now), shuffled.presence(now));
            prop_assert_eq!(in_order.deadline(now), shuffled.deadline(now));
            prop_assert!(in_order.forecast(now).eq(shuffled.forecast(now)));
        }
    }

    /// T4: with either error, at any reading of the clock.
    #[test]
    fn a_rejected_command_leaves_the_model_equal(history in wild()) {
        let mut user = PresenceModel::new();
        for (now, command) in history {
            let before = user.clone();
            if user.apply(command, now).is_err() {
                prop_assert_eq!(&user, &before);
            }
        }
    }

    /// T3: at any reading of the clock.
    #[test]
    fn reading_twice_gives_the_same_and_changes_nothing(
        history in wild(), reads in vec(wild_reading(), 3),
    ) {
        let mut user = PresenceModel::new();
        for (now, command) in history {
            let _ = user.apply(command, now);
        }
        let before = user.clone();
        let read = |user: &PresenceModel<u8>| {
            let at_each = reads.iter().map(|now| {
                let forecast: Vec<_> = user.forecast(*now).collect();
                let sessions: Vec<_> =
                    user.sessions(*now).map(|session| (*session.id, session.presence)).collect();
                let singles = (user.presence(*now), user.deadline(*now), user.preferred(*now));
                (singles, forecast, sessions, user.explain(*now).cloned(), user.reported(), user.is_empty())
            });
            at_each.collect::<Vec<_>>()
        };
        prop_assert_eq!(read(&user), read(&user));
        prop_assert_eq!(read(&user), read(&before));
        prop_assert_eq!(user, before);
    }

    /// T5: from the first update after the last step of the clock on, even if only ticks come.
    #[test]
    fn after_an_update_nothing_lives_longer_than_its_lifetime(
        history in wild(), updated in wild_reading(),
    ) {
        let mut user = PresenceModel::new();
        let mut lifetimes = [SignedDuration::ZERO; 5];
        let mut preferred = SignedDuration::ZERO;
        for (now, command) in history {
            if user.apply(command, now).is_ok() {
                match command {
                    Command::SetSession(body) => {
                        lifetimes[usize::from(body.session_id)] = body.expiration.duration();
                    }
                    Command::SetPreferred(body) => preferred = body.expiration.duration(),
                    _ => {}
                }
            }
        }
        let updated = updated.clamp(nanosecond(i64::MIN), nanosecond(i64::MAX));
        let _ = user.tick(updated);
        for (id, lifetime) in (0_u8..).zip(lifetimes) {
            let end = updated.saturating_add(lifetime);
            prop_assert!(user.sessions(end).all(|session| *session.id != id));
        }
        let end = updated.saturating_add(preferred);
        prop_assert_eq!(user.preferred(end), None);
        let end = updated.saturating_add(lifetimes.into_iter().max().unwrap());
        prop_assert_eq!(user.presence(end), Presence::Offline);
        let end = end.max(updated.saturating_add(preferred));
        let _ = user.tick(end);
        prop_assert_eq!(user.deadline(end), None);
        prop_assert!(user.is_empty());
    }
}

/// S1: around the limit of 128 live sessions.
#[test]
fn the_model_agrees_with_the_reference_around_the_limit_of_sessions() {
    let agrees = |history: Vec<(Timestamp, Command<u8>)>| {
        let (mut user, mut reference) = (PresenceModel::new(), Reference::new());
        let crowd = history.len() - 12.min(history.len());
        for (number, (now, command)) in history.into_iter().enumerate() {
            if number < crowd && user.sessions(now).count() < 120 {
                prop_assert_eq!(user.apply(command, now).map(drop), reference.apply(command, now));
            } else {
                let before = user.clone();
                let rejected = reference.apply_to_both(&mut user, command, now).is_err();
                prop_assert!(!rejected || user == before);
            }
        }
        Ok(())
    };
    let config = deterministic();
    // The reference is slow with many sessions.
    let cases = config.cases.div_ceil(20);
    TestRunner::new(Config { cases, ..config }).run(&crowded(), agrees).unwrap();
}

fn assert_agreement_at_and_between_commands(history: &[(Timestamp, Command<u8>)]) {
    let (mut user, mut reference) = (PresenceModel::new(), Reference::new());
    for (number, (now, command)) in history.iter().enumerate() {
        let _ = reference.apply_to_both(&mut user, *command, *now);
        let next = history.get(number + 1).map_or(Timestamp::MAX, |(next, _)| *next);
        let boundary = reference.deadline(*now);
        let reads = boundary.into_iter().flat_map(|at| [just_before(at), at, saturating_after(at)]);
        for read in reads.chain([saturating_before(next)]).filter(|read| (*now..next).contains(read)) {
            reference.assert_reads_agree(&user, read);
        }
    }
}

/// Returns the timestamp one nanosecond earlier, if there is one.
fn saturating_before(timestamp: Timestamp) -> Timestamp {
    timestamp.saturating_sub(SignedDuration::NANOSECOND)
}

/// Returns the timestamp one nanosecond later, if there is one.
fn saturating_after(timestamp: Timestamp) -> Timestamp {
    timestamp.saturating_add(SignedDuration::NANOSECOND)
}
