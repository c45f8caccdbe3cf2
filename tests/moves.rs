//! Users that move between directories, and to and from a store.

mod common;
mod naive;
mod reference;

use std::collections::BTreeMap;

use common::{at, deterministic, just_before, prefer, set};
use naive::days::{Act, Step, USERS, forward_day};
use naive::{saturated, ticked};
use presence_core::{
    Outcome, PreferredPresence, Presence, PresenceDirectory, PresenceModel, SessionPresence,
    SignedDuration, Tick, Timestamp,
};
use proptest::collection::vec;
use proptest::prelude::*;
use reference::histories::forward;

/// O2: the laptop of ana fades behind the call at 300 s, long before the last update of the directory
/// into which she moves.
#[test]
fn a_move_is_not_taken_for_a_step_of_the_clock() {
    let second = |seconds| at("09:00") + SignedDuration::seconds(seconds);
    let mut here = PresenceDirectory::<&str, u8>::new();
    let _ = here.apply(&"ana", set(1, SessionPresence::Available, "PT1H"), second(0)).unwrap();
    let _ = here.apply(&"ana", set(2, SessionPresence::InACall, "PT1H"), second(0)).unwrap();
    assert_eq!(here.tick(second(500)), None);

    let mut there = PresenceDirectory::new();
    let _ = there.apply(&"bob", set(3, SessionPresence::InACall, "PT5M"), second(490)).unwrap();
    assert_eq!(there.insert("ana", here.remove(&"ana").unwrap(), second(500)), None);
    let mut changes = Vec::new();
    while let Some(now) = there.next_deadline() {
        changes.extend(
            ticked(&mut there, now).into_iter().map(|(user, outcome)| (now, user, outcome.current)),
        );
    }
    let expected = [(second(790), "bob", Presence::Offline), (second(3600), "ana", Presence::Offline)];
    assert_eq!(changes, expected);
}

/// T3: it was reported in the old directory, and it has ended since.
#[test]
fn a_change_that_was_missed_on_the_move_is_due_at_once() {
    for later in [at("09:05"), at("09:30"), at("33:00")] {
        let (mut here, mut there) = (PresenceDirectory::new(), PresenceDirectory::new());
        let _ = here.apply(&1, set(7, SessionPresence::Available, "PT5M"), at("09:00")).unwrap();
        let model = here.remove(&1).unwrap();
        assert!(here.is_empty());

        assert_eq!(there.insert(1, model, later), None);
        assert_eq!((there.next_deadline(), there.len()), (Some(later), 1));
        assert_eq!(there.presence(&1, later), Presence::Offline);
        let (user, outcome) = there.tick(later).unwrap();
        assert_eq!(
            (user, outcome.previous, outcome.current),
            (1, Presence::Available, Presence::Offline)
        );
        assert_eq!((there.tick(later), there.next_deadline()), (None, None));
        assert!(there.is_empty());
    }
}

/// O1: they are due at the `now` of the insert, whenever they would have been due without the move.
#[test]
fn changes_that_were_missed_on_the_move_come_in_the_order_of_the_inserts() {
    let (mut here, mut there) = (PresenceDirectory::new(), PresenceDirectory::new());
    for (user, lifetime) in [(1, "PT12M"), (2, "PT7M"), (3, "PT11M"), (4, "PT10M")] {
        let _ = here.apply(&user, set(7, SessionPresence::Away, lifetime), at("09:00")).unwrap();
    }
    for (user, now) in [(4, "09:20"), (2, "09:20"), (1, "09:21"), (3, "09:19")] {
        assert_eq!(there.insert(user, here.remove(&user).unwrap(), at(now)), None);
    }
    assert_eq!(there.next_deadline(), Some(at("09:21")), "the latest insert (rule T7)");
    let users: Vec<_> = ticked(&mut there, at("09:30")).into_iter().map(|(user, _)| user).collect();
    assert_eq!(users, [3, 2, 4, 1]);
}

/// The deadline of a restored user is that of the stored one, in whatever order they come.
#[test]
fn users_that_are_restored_after_a_tick_have_the_same_deadlines() {
    let mut users = PresenceDirectory::new();
    let _ = users.apply(&1, set(7, SessionPresence::Available, "PT4H"), at("09:00")).unwrap();
    let _ = users.apply(&2, set(7, SessionPresence::InACall, "PT4H"), at("09:08")).unwrap();
    let _ = users.apply(&3, set(7, SessionPresence::Available, "PT4H"), at("09:00")).unwrap();
    let _ = users.apply(&3, prefer(PreferredPresence::Busy, "PT7M"), at("09:00")).unwrap();
    for now in [at("09:09"), at("10:00")] {
        let _ = ticked(&mut users, now);
        for order in [[1, 2, 3], [3, 2, 1]] {
            let mut restored = PresenceDirectory::new();
            for user in order {
                assert_eq!(restored.insert(user, users.get(&user).unwrap().clone(), now), None);
            }
            assert_eq!(restored.next_deadline(), users.next_deadline(), "{order:?}, {now:?}");
        }
    }
}

/// S6: the end of the first session is not visible, because the second one claims the same.
#[test]
fn a_session_that_has_ended_on_the_move_counts_for_nothing() {
    for later in [just_before(at("09:05")), at("09:05"), at("09:06")] {
        let (mut here, mut there) = (PresenceDirectory::<u8, u8>::new(), PresenceDirectory::new());
        for (id, lifetime) in [(0, "PT5M"), (1, "PT7M")] {
            let _ = here.apply(&1, set(id, SessionPresence::InACall, lifetime), at("09:00")).unwrap();
        }
        assert_eq!(there.insert(1, here.remove(&1).unwrap(), later), None);
        let is_over = later >= at("09:05");
        let deadline = at(if is_over { "09:07" } else { "09:05" });
        assert_eq!((there.next_deadline(), there.tick(later)), (Some(deadline), None));
        let outcome = there.apply(&1, set(1, SessionPresence::Available, "PT5M"), later).unwrap();
        assert_eq!(outcome.current, if is_over { Presence::Available } else { Presence::InACall });
    }
}

/// U6: it was set there before it came here.
#[test]
fn a_preference_that_moves_ends_when_it_would_have_ended() {
    let mut here = PresenceDirectory::<u8, u8>::new();
    let _ = here.apply(&1, set(7, SessionPresence::InACall, "PT4H"), at("09:00")).unwrap();
    let _ = here.apply(&1, prefer(PreferredPresence::Away, "PT1H"), at("10:00")).unwrap();
    let mut there = PresenceDirectory::new();
    assert_eq!(there.insert(1, here.remove(&1).unwrap(), at("10:30")), None);
    assert_eq!((there.next_deadline(), there.tick(at("10:30"))), (Some(at("11:00")), None));
    assert_eq!(there.tick(at("11:00")).map(|(_, outcome)| outcome.current), Some(Presence::InACall));
}

/// An insert is an update, so what is overdue at either directory is due at its `now`.
#[test]
fn timestamps_of_changes_need_a_run_before_a_move_and_changes_do_not() {
    let (mut here, mut there) = (PresenceDirectory::<&str, u8>::new(), PresenceDirectory::new());
    let _ = here.apply(&"ana", set(0, SessionPresence::InACall, "PT5M"), at("09:00")).unwrap();
    let _ = there.apply(&"bob", set(0, SessionPresence::InACall, "PT6M"), at("09:00")).unwrap();
    let (mut old, mut new) = (here.clone(), there.clone());

    assert_eq!(there.insert("ana", here.remove(&"ana").unwrap(), at("09:10")), None);
    let moved: Vec<_> = there.changes_until(at("09:10")).collect();

    let mut run: Vec<_> = old.changes_until(at("09:10")).collect();
    run.extend(new.changes_until(at("09:10")));
    assert_eq!(old.remove(&"ana"), None, "nothing is left to move");

    let timestamps = |changes: &[(Timestamp, &'static str, Outcome)]| {
        changes.iter().map(|(now, user, _)| (*user, *now)).collect::<Vec<_>>()
    };
    assert_eq!(timestamps(&run), [("ana", at("09:05")), ("bob", at("09:06"))]);
    assert_eq!(timestamps(&moved), [("bob", at("09:10")), ("ana", at("09:10"))]);
    let outcomes = |changes: Vec<(_, &'static str, Outcome)>| {
        changes.into_iter().map(|(_, user, outcome)| (user, outcome)).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(outcomes(moved), outcomes(run));
}

#[test]
fn a_change_that_was_reported_before_the_move_is_not_reported_again() {
    let (mut here, mut there) = (PresenceDirectory::new(), PresenceDirectory::new());
    let _ = here.apply(&1, set(7, SessionPresence::Available, "PT1H"), at("09:00")).unwrap();
    let _ = here.apply(&2, set(7, SessionPresence::Away, "PT8M"), at("09:00")).unwrap();
    assert_eq!(ticked(&mut here, at("09:06")).len(), 1);
    let _ = here.apply(&3, set(7, SessionPresence::Available, "PT1H"), at("09:12")).unwrap();
    for user in [1, 2, 3] {
        there.insert(user, here.remove(&user).unwrap(), at("09:15"));
    }
    let changes = ticked(&mut there, at("09:15")).into_iter();
    let changes: Vec<_> =
        changes.map(|(user, outcome)| (user, outcome.previous, outcome.current)).collect();
    assert_eq!(
        changes,
        [(1, Presence::AvailableInactive, Presence::Away), (2, Presence::Away, Presence::Offline),]
    );
}

/// An insert is an update: a deadline before it moves to its `now`.
#[test]
fn the_deadline_after_an_insert_is_not_before_its_now() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(0, SessionPresence::Away, "PT5M"), at("09:00")).unwrap();
    assert_eq!(users.next_deadline(), Some(at("09:05")));
    assert_eq!(users.insert(2, PresenceModel::new(), at("09:10")), None, "nothing is stored");
    assert_eq!((users.next_deadline(), users.len()), (Some(at("09:10")), 1));

    let mut model = PresenceModel::new();
    let _ = model.apply(set(0, SessionPresence::InACall, "PT5M"), at("09:09")).unwrap();
    assert_eq!(users.insert(2, model, at("09:11")), None);
    assert_eq!(users.next_deadline(), Some(at("09:11")));
    assert_eq!(ticked(&mut users, at("09:11")).len(), 1);
    assert_eq!(users.next_deadline(), Some(at("09:14")));
}

/// T5: its start moves to the `now` of the insert.
#[test]
fn an_insert_clamps_a_session_that_starts_in_the_future() {
    let mut model = PresenceModel::<u8>::new();
    let _ = model.apply(set(0, SessionPresence::InACall, "PT1H"), at("09:30")).unwrap();
    let mut users = PresenceDirectory::new();
    assert_eq!(users.insert(1, model, at("09:00")), None);
    assert_eq!(users.next_deadline(), Some(at("10:00")));
    assert_eq!(users.get(&1).unwrap().sessions(at("09:30")).next().unwrap().since, at("09:00"));
}

/// Watchers know what the replaced model has reported, so the new one goes on from there.
#[test]
fn a_model_that_replaces_another_goes_on_from_what_that_has_reported() {
    let mut call = PresenceModel::<u8>::new();
    let _ = call.apply(set(0, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    let mut away = PresenceModel::new();
    let _ = away.apply(set(1, SessionPresence::Away, "PT1H"), at("09:00")).unwrap();

    let mut users = PresenceDirectory::new();
    assert_eq!(users.insert(1, call.clone(), at("09:00")), None);
    assert_eq!(users.tick(at("09:00")), None, "a call was reported before the insert");
    assert_eq!(users.insert(1, away.clone(), at("09:01")), Some(call.clone()));
    assert_eq!(users.get(&1).map(PresenceModel::reported), Some(Presence::InACall));
    assert_eq!(users.next_deadline(), Some(at("09:01")));
    assert_eq!(outcomes(&mut users, at("09:01")), [(Presence::InACall, Presence::Away)]);

    // Replaced again before that is reported, and back again: no change remains.
    assert!(users.insert(1, call.clone(), at("09:02")).is_some());
    assert!(users.insert(1, away.clone(), at("09:02")).is_some());
    assert_eq!((outcomes(&mut users, at("09:02")), users.get(&1)), (vec![], Some(&away)));

    // By a command, the change is reported at once.
    assert_eq!(users.insert(1, call, at("09:03")), Some(away));
    let outcome = users.apply(&1, Tick, at("09:03")).unwrap();
    assert_eq!((outcome.previous, outcome.current), (Presence::Away, Presence::InACall));
}

#[test]
fn an_empty_model_that_replaces_another_is_stored_until_it_is_reported() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(0, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    let replaced = users.insert(1, PresenceModel::new(), at("09:01")).unwrap();
    assert_eq!(replaced.sessions(at("09:01")).count(), 1);
    assert_eq!((users.len(), users.presence(&1, at("09:01"))), (1, Presence::Offline));
    assert_eq!(outcomes(&mut users, at("09:01")), [(Presence::InACall, Presence::Offline)]);
    assert_eq!((users.tick(at("10:00")), users.next_deadline(), users.len()), (None, None, 0));

    // A user that was Offline is gone at once.
    let _ = users.apply(&1, prefer(PreferredPresence::Busy, "PT1H"), at("10:02")).unwrap();
    assert!(users.insert(1, PresenceModel::new(), at("10:03")).is_some());
    assert!(users.is_empty());
}

/// Also if it is overdue, so that it holds what has ended.
#[test]
fn the_model_that_is_replaced_or_removed_is_returned_unchanged() {
    let mut model = PresenceModel::<u8>::new();
    let _ = model.apply(set(0, SessionPresence::InACall, "PT5M"), at("09:00")).unwrap();
    let _ = model.apply(set(1, SessionPresence::Available, "PT1H"), at("09:00")).unwrap();
    let mut users = PresenceDirectory::new();
    assert_eq!(users.insert(1, model.clone(), at("09:00")), None);
    assert_eq!(users.clone().remove(&1), Some(model.clone()));
    assert_eq!(users.insert(1, PresenceModel::new(), at("09:30")), Some(model));
    assert_eq!(users.remove(&2), None);
}

proptest! {
    #![proptest_config(deterministic())]

    /// O2: by the loop that ticks before each command, late or punctual.
    #[test]
    fn a_split_that_ticks_reports_what_one_directory_reports(
        day in forward_day(), moves in moves(), is_punctual in any::<bool>(),
    ) {
        let run = if is_punctual { punctual } else { late };
        let mut split = Split::new(run);
        let mut whole = Split::new(run);
        for (Step { now, act }, (user, home)) in day.iter().zip(moves) {
            let Act::Apply(name, command) = act else { continue };
            split.run_all(*now);
            whole.run_all(*now);
            split.move_to(user, home, *now);
            let result = split.part(*name).apply(name, *command, *now);
            prop_assert_eq!(result, whole.part(*name).apply(name, *command, *now));
        }
        split.run_all(Timestamp::MAX);
        whole.run_all(Timestamp::MAX);
        prop_assert_eq!(split.merged(), whole.merged());
        prop_assert!(split.parts.iter().chain(&whole.parts).all(PresenceDirectory::is_empty));
    }

    /// O2: by the loop over the changes, in which each directory runs only when it has to.
    #[test]
    fn a_split_that_returns_each_change_reports_what_one_directory_reports(
        day in forward_day(), moves in moves(),
    ) {
        let mut split = Split::new(each);
        let mut whole = Split::new(each);
        let mut models = vec![PresenceModel::new(); USERS.into()];
        for (Step { now, act }, (user, home)) in day.iter().zip(moves) {
            let Act::Apply(name, command) = act else { continue };
            split.run(split.homes[usize::from(user)], *now);
            split.run(home, *now);
            split.move_to(user, home, *now);
            split.run(split.homes[usize::from(*name)], *now);
            whole.run(0, *now);
            let result = split.part(*name).apply(name, *command, *now);
            prop_assert_eq!(result, whole.part(*name).apply(name, *command, *now));
            let model = &mut models[usize::from(*name)];
            prop_assert_eq!(result.is_ok(), model.apply(*command, *now).is_ok());
            for (user, model) in (0..USERS).zip(&models) {
                let stored = split.part(user).get(&user).cloned().unwrap_or_default();
                prop_assert!(stored.sessions(*now).eq(model.sessions(*now)), "no start has moved");
                prop_assert_eq!(stored.preferred(*now), model.preferred(*now));
            }
        }
        split.run_all(Timestamp::MAX);
        whole.run_all(Timestamp::MAX);
        prop_assert_eq!(split.merged(), whole.merged());
        prop_assert!(split.parts.iter().chain(&whole.parts).all(PresenceDirectory::is_empty));
    }

    /// O2: a tick before a move makes no difference, because the model keeps what was reported.
    #[test]
    fn a_move_without_a_tick_loses_no_change(day in forward_day(), moves in moves()) {
        let mut split = Split::new(late);
        let mut whole = PresenceDirectory::<u8, u8>::new();
        for (Step { now, act }, (user, home)) in day.into_iter().zip(moves) {
            split.move_to(user, home, now);
            match act {
                Act::Apply(user, command) => {
                    let result = split.part(user).apply(&user, command, now);
                    prop_assert_eq!(result, whole.apply(&user, command, now));
                }
                Act::Tick(_) => {
                    split.run_all(now);
                    let changes = ticked(&mut whole, now).into_iter();
                    let mut expected: Vec<_> =
                        changes.map(|(user, outcome)| (now, user, outcome)).collect();
                    expected.sort_by_key(|(_, user, _)| *user);
                    prop_assert_eq!(split.merged(), expected);
                    split.changes.clear();
                }
                Act::Move(..) => {}
            }
            for user in 0..USERS {
                let part = split.part(user);
                prop_assert_eq!(part.presence(&user, now), whole.presence(&user, now));
                let reads = |users: &PresenceDirectory<u8, u8>| {
                    let model = users.get(&user).cloned().unwrap_or_default();
                    (model.forecast(now).collect::<Vec<_>>(), model.preferred(now), model.deadline(now))
                };
                prop_assert_eq!(reads(part), reads(&whole));
            }
            let is_due = |part: &PresenceDirectory<_, _>| part.next_deadline().is_some_and(|at| at <= now);
            prop_assert!(whole.clone().tick(now).is_none() || split.parts.iter().any(is_due));
        }
    }

    /// T3: before each command, or before some, to a new directory that another user has updated.
    #[test]
    fn a_user_that_moves_before_commands_answers_as_one_that_never_does(
        history in forward(), some in vec(any::<bool>(), 24),
    ) {
        for moves in [vec![true; 24], some] {
            let (mut users, mut model) = (PresenceDirectory::<u8, u8>::new(), PresenceModel::new());
            for ((now, command), moves) in history.iter().zip(moves) {
                if moves {
                    let moved = users.remove(&1);
                    users = PresenceDirectory::new();
                    let _ = users.apply(&2, Tick, *now);
                    prop_assert_eq!(moved.and_then(|moved| users.insert(1, moved, *now)), None);
                    let next = users.next_deadline();
                    prop_assert!(next.is_none_or(|next| next >= saturated(*now)));
                }
                prop_assert_eq!(users.presence(&1, *now), model.presence(*now));
                prop_assert_eq!(users.apply(&1, *command, *now), model.apply(*command, *now));
                prop_assert_eq!(users.presence(&1, *now), model.presence(*now));
            }
        }
    }

    /// T3: to a new directory, in any order, after the old one has run dry.
    #[test]
    fn a_crowd_that_moves_goes_on_as_if_it_had_not(day in forward_day(), first in 0..USERS) {
        let mut here = PresenceDirectory::<u8, u8>::new();
        let mut now = day[0].now;
        for step in day {
            now = step.now;
            if let Act::Apply(user, command) = step.act {
                let _ = here.apply(&user, command, now);
            }
            let _ = ticked(&mut here, now);
        }
        let mut there = PresenceDirectory::new();
        for user in (first..USERS).chain(0..first) {
            let model = here.get(&user).cloned();
            prop_assert_eq!(model.and_then(|model| there.insert(user, model, now)), None);
        }
        prop_assert_eq!(there.tick(now), None);
        prop_assert_eq!(punctual(&mut there, Timestamp::MAX), punctual(&mut here, Timestamp::MAX));
        prop_assert!(there.is_empty() && here.is_empty());
    }

    /// The outcomes of a user chain, whatever is inserted over it, by whatever clock.
    #[test]
    fn outcomes_chain_over_replaced_models(
        day in naive::days::fickle_day(), stored in vec(any::<u8>(), 48),
    ) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        let mut reported = vec![Presence::Offline; USERS.into()];
        let mut store = vec![PresenceModel::new()];
        for (Step { now, act }, number) in day.into_iter().zip(stored) {
            let chains = |reported: &mut Vec<Presence>, user: u8, outcome: Outcome| {
                let previous = std::mem::replace(&mut reported[usize::from(user)], outcome.current);
                previous == outcome.previous
            };
            match act {
                Act::Apply(user, command) => {
                    let result = users.apply(&user, command, now);
                    prop_assert!(result.is_err() || chains(&mut reported, user, result.unwrap()));
                    store.extend(users.get(&user).cloned());
                }
                Act::Tick(changes) => {
                    for (user, outcome) in std::iter::from_fn(|| users.tick(now)).take(changes) {
                        prop_assert!(chains(&mut reported, user, outcome));
                    }
                }
                Act::Move(_, user) => {
                    let model = store[usize::from(number) % store.len()].clone();
                    let before = users.get(&user).cloned();
                    let inserted = model.reported();
                    prop_assert_eq!(&users.insert(user, model, now), &before);
                    if before.is_none() {
                        reported[usize::from(user)] = inserted;
                    }
                    let expected = reported[usize::from(user)];
                    let stored = users.get(&user).map(PresenceModel::reported);
                    prop_assert_eq!(stored.unwrap_or_default(), expected);
                }
            }
        }
    }
}

/// Moves of a user to one of three directories.
fn moves() -> impl Strategy<Value = Vec<(u8, usize)>> {
    vec((0..USERS, 0..3_usize), 48)
}

/// A change with the timestamp of the tick that has reported it.
type Report = (Timestamp, u8, Outcome);

type Run = fn(&mut PresenceDirectory<u8, u8>, Timestamp) -> Vec<Report>;

/// Users in three directories.
#[derive(Debug)]
struct Split {
    parts: [PresenceDirectory<u8, u8>; 3],
    /// The directory of each user.
    homes: [usize; USERS as usize],
    run: Run,
    changes: Vec<Report>,
}

impl Split {
    fn new(run: Run) -> Self {
        let parts = std::array::from_fn(|_| PresenceDirectory::new());
        Self { parts, homes: [0; USERS as usize], run, changes: Vec::new() }
    }

    fn part(&mut self, user: u8) -> &mut PresenceDirectory<u8, u8> {
        &mut self.parts[self.homes[usize::from(user)]]
    }

    /// Runs one directory dry.
    fn run(&mut self, part: usize, now: Timestamp) {
        let part = &mut self.parts[part];
        self.changes.extend((self.run)(part, now));
        assert!(part.next_deadline().is_none_or(|next| next > now));
    }

    fn run_all(&mut self, now: Timestamp) {
        for part in 0..self.parts.len() {
            self.run(part, now);
        }
    }

    fn move_to(&mut self, user: u8, home: usize, now: Timestamp) {
        let moved = self.part(user).remove(&user);
        self.homes[usize::from(user)] = home;
        if let Some(model) = moved {
            assert_eq!(self.part(user).insert(user, model, now), None);
            let next = self.part(user).next_deadline();
            assert!(next.is_none_or(|next| next >= saturated(now)), "{next:?} is before {now:?}");
        }
    }

    fn merged(&self) -> Vec<Report> {
        let mut changes = self.changes.clone();
        changes.sort_by_key(|(now, user, _)| (*now, *user));
        changes
    }
}

/// Ticks at `now` alone.
fn late(users: &mut PresenceDirectory<u8, u8>, now: Timestamp) -> Vec<Report> {
    ticked(users, now).into_iter().map(|(user, outcome)| (now, user, outcome)).collect()
}

/// Ticks at each deadline, and at `now`.
fn punctual(users: &mut PresenceDirectory<u8, u8>, now: Timestamp) -> Vec<Report> {
    let mut changes = Vec::new();
    while let Some(deadline) = users.next_deadline().filter(|deadline| *deadline < now) {
        changes.extend(late(users, deadline));
    }
    changes.extend(late(users, now));
    changes
}

fn each(users: &mut PresenceDirectory<u8, u8>, now: Timestamp) -> Vec<Report> {
    users.changes_until(now).collect()
}

fn outcomes(users: &mut PresenceDirectory<u8, u8>, now: Timestamp) -> Vec<(Presence, Presence)> {
    let changes = ticked(users, now).into_iter();
    changes.map(|(_, outcome)| (outcome.previous, outcome.current)).collect()
}
