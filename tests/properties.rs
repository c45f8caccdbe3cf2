//! What holds for any history of one user, by comparison with a reference that keeps nothing else.

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
    claim, crowded, rising, session, session_lifetime, stepping, wild, wild_reading,
};

proptest! {
    #![proptest_config(deterministic())]

    /// T3: after every command, and at all instants between it and the next that could matter.
    #[test]
    fn the_model_agrees_with_the_reference(history in rising()) {
        agrees_at_and_between_commands(&history);
    }

    /// T5, T6: after every command of a clock that steps back and forth, and shows anything.
    #[test]
    fn the_model_agrees_with_the_reference_whatever_the_clock_does(
        history in prop_oneof![stepping(), wild()], reads in vec(wild_reading(), 2),
    ) {
        let (mut user, mut reference) = (PresenceModel::new(), Reference::new());
        for (now, command) in history {
            let _ = reference.assert_obeys(&mut user, command, now);
            for read in reads.iter().chain(&[saturating_before(now), saturating_after(now)]) {
                reference.assert_describes(&user, *read);
            }
        }
    }

    /// T3, T5, T6: whatever the clock did, and although the reads change nothing.
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
                prop_assert_eq!(user.preferred(now), ticked.preferred(now));
                prop_assert!(user.sessions(now).eq(ticked.sessions(now)));
                prop_assert!(user.forecast(now).eq(ticked.forecast(now)));
                prop_assert_eq!(&user, &before);
            }
        }
    }

    /// T3: woken never, at random or at every deadline, a user answers the same.
    #[test]
    fn while_instants_never_fall_ticks_cannot_be_observed(
        history in rising(), wakings in vec((any::<Index>(), 0..3), 0..12),
    ) {
        let mut never = PresenceModel::new();
        let (mut often, mut punctual) = (PresenceModel::new(), PresenceModel::new());
        let mut deadline = None;
        for (number, (now, command)) in history.iter().enumerate() {
            let before = history[..number].last().map_or(*now, |(before, _)| *before);
            for (_, third) in wakings.iter().filter(|(at, _)| at.index(history.len()) == number) {
                let _ = often.tick(before + (*now - before) * *third / 3);
            }
            while let Some(due) = deadline.filter(|due| due <= now) {
                let _ = punctual.tick(due);
                deadline = punctual.deadline(due);
            }
            let answer = never.apply(*command, *now);
            for woken in [&mut often, &mut punctual] {
                let told = woken.apply(*command, *now);
                prop_assert_eq!(
                    told.map(|outcome| (outcome.current, woken.deadline(*now))),
                    answer.map(|outcome| (outcome.current, never.deadline(*now)))
                );
                prop_assert!(answer.is_err() || *woken == never);
                prop_assert_eq!(woken.presence(*now), never.presence(*now));
                prop_assert!(woken.forecast(*now).eq(never.forecast(*now)));
                prop_assert!(woken.sessions(*now).eq(never.sessions(*now)));
                prop_assert_eq!(woken.preferred(*now), never.preferred(*now));
            }
            deadline = punctual.deadline(*now);
        }
    }

    /// T1, T3: up to the last nanosecond, and the deadline lies in the future.
    #[test]
    fn nothing_visible_changes_before_the_deadline(
        history in prop_oneof![rising(), wild()], part in 0..1_000_i128,
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

    /// T3: it names every visible change and no other, and a later forecast is the rest of it.
    #[test]
    fn the_forecast_is_exact(history in prop_oneof![rising(), wild()]) {
        let mut user = PresenceModel::new();
        for (now, command) in history {
            let Ok(outcome) = user.apply(command, now) else { continue };
            let forecast: Vec<_> = user.forecast(now).collect();
            let mut shown = outcome.current;
            let mut boundary = user.deadline(now);
            let mut rest = forecast.as_slice();
            while let Some(at) = boundary {
                prop_assert_eq!(user.presence(just_before(at)), shown);
                if let [change, after @ ..] = rest && change.at == at {
                    prop_assert_ne!(change.presence, shown);
                    (shown, rest) = (change.presence, after);
                }
                prop_assert_eq!(user.presence(at), shown);
                prop_assert!(user.forecast(at).eq(rest.iter().copied()));
                boundary = user.deadline(at);
            }
            prop_assert_eq!((shown, rest), (Presence::Offline, [].as_slice()));
            prop_assert_eq!(user.presence(Timestamp::MAX), Presence::Offline);
        }
    }

    /// T3: `previous` is what the contact before told, whatever the clock did in between.
    #[test]
    fn outcomes_chain(history in prop_oneof![rising(), wild()]) {
        let mut user = PresenceModel::new();
        let mut told = Presence::Offline;
        for (now, command) in history {
            let Ok(outcome) = user.apply(command, now) else { continue };
            prop_assert_eq!(outcome.previous, told);
            prop_assert_eq!(outcome.changed().is_some(), outcome.previous != outcome.current);
            prop_assert_eq!(outcome.changed().unwrap_or(told), outcome.current);
            told = outcome.current;
        }
    }

    /// P2, P5: the same sessions under other ids, set in another order at each instant.
    #[test]
    fn aggregation_does_not_depend_on_the_order_of_setting_nor_on_ids(
        mut sessions in vec((select(vec![0, 0, 300, 301, 600]), claim(), session_lifetime()), 1..8),
        ids in Just((0..8_u8).collect::<Vec<_>>()).prop_shuffle(),
        seconds in 600..2_000_i64,
    ) {
        let instant = |seconds| common::at("09:00") + SignedDuration::seconds(seconds);
        sessions.sort_by_key(|(seconds, ..)| *seconds);
        let mut in_order = PresenceModel::new();
        for (id, (seconds, claim, lifetime)) in (0_u8..).zip(&sessions) {
            let _ = in_order.apply(session(id, *claim, *lifetime), instant(*seconds)).unwrap();
        }
        sessions.reverse();
        sessions.sort_by_key(|(seconds, ..)| *seconds);
        let mut shuffled = PresenceModel::new();
        for (id, (seconds, claim, lifetime)) in ids.into_iter().zip(&sessions) {
            let _ = shuffled.apply(session(id, *claim, *lifetime), instant(*seconds)).unwrap();
        }
        for now in [instant(600), instant(seconds)] {
            prop_assert_eq!(in_order.presence(now), shuffled.presence(now));
            prop_assert_eq!(in_order.deadline(now), shuffled.deadline(now));
            prop_assert!(in_order.forecast(now).eq(shuffled.forecast(now)));
        }
    }

    /// T4: of either error, at any reading of the clock.
    #[test]
    fn a_refused_command_leaves_the_model_equal(history in wild()) {
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
                (singles, forecast, sessions, user.is_empty())
            });
            at_each.collect::<Vec<_>>()
        };
        prop_assert_eq!(read(&user), read(&user));
        prop_assert_eq!(read(&user), read(&before));
        prop_assert_eq!(user, before);
    }

    /// T5: from the first contact after the last step on, even if only ticks come.
    #[test]
    fn once_the_clock_is_sane_nothing_outlives_its_grant(history in wild(), contact in wild_reading()) {
        let mut user = PresenceModel::new();
        let mut granted = [SignedDuration::ZERO; 5];
        let mut preferred = SignedDuration::ZERO;
        for (now, command) in history {
            if user.apply(command, now).is_ok() {
                match command {
                    Command::SetSession(body) => {
                        granted[usize::from(body.session_id)] = body.expiration.duration();
                    }
                    Command::SetPreferred(body) => preferred = body.expiration.duration(),
                    _ => {}
                }
            }
        }
        let contact = contact.clamp(nanosecond(i64::MIN), nanosecond(i64::MAX));
        let _ = user.tick(contact);
        for (id, lifetime) in (0_u8..).zip(granted) {
            let end = contact.saturating_add(lifetime);
            prop_assert!(user.sessions(end).all(|session| *session.id != id));
        }
        let end = contact.saturating_add(preferred);
        prop_assert_eq!(user.preferred(end), None);
        let end = contact.saturating_add(granted.into_iter().max().unwrap());
        prop_assert_eq!(user.presence(end), Presence::Offline);
        let end = end.max(contact.saturating_add(preferred));
        let _ = user.tick(end);
        prop_assert_eq!(user.deadline(end), None);
        prop_assert!(user.is_empty());
    }
}

/// S1: around the limit of 128 live sessions.
#[test]
fn the_model_agrees_with_the_reference_in_a_crowd() {
    let agrees = |history: Vec<(Timestamp, Command<u8>)>| {
        let (mut user, mut reference) = (PresenceModel::new(), Reference::new());
        let crowd = history.len() - 12.min(history.len());
        for (number, (now, command)) in history.into_iter().enumerate() {
            if number < crowd && user.sessions(now).count() < 120 {
                prop_assert_eq!(user.apply(command, now).map(drop), reference.apply(command, now));
            } else {
                let before = user.clone();
                let refused = reference.assert_obeys(&mut user, command, now).is_err();
                prop_assert!(!refused || user == before);
            }
        }
        Ok(())
    };
    let config = deterministic();
    // The reference takes its time over many sessions.
    let cases = config.cases.div_ceil(20);
    TestRunner::new(Config { cases, ..config }).run(&crowded(), agrees).unwrap();
}

fn agrees_at_and_between_commands(history: &[(Timestamp, Command<u8>)]) {
    let (mut user, mut reference) = (PresenceModel::new(), Reference::new());
    for (number, (now, command)) in history.iter().enumerate() {
        let _ = reference.assert_obeys(&mut user, *command, *now);
        let next = history.get(number + 1).map_or(Timestamp::MAX, |(next, _)| *next);
        let boundary = reference.deadline(*now);
        let reads = boundary.into_iter().flat_map(|at| [just_before(at), at, saturating_after(at)]);
        for read in reads.chain([saturating_before(next)]).filter(|read| (*now..next).contains(read)) {
            reference.assert_describes(&user, read);
        }
    }
}

/// Returns the instant one nanosecond earlier, where there is one.
fn saturating_before(instant: Timestamp) -> Timestamp {
    instant.saturating_sub(SignedDuration::NANOSECOND)
}

/// Returns the instant one nanosecond later, where there is one.
fn saturating_after(instant: Timestamp) -> Timestamp {
    instant.saturating_add(SignedDuration::NANOSECOND)
}
