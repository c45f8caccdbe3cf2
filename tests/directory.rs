//! Many users: what a directory answers is what one model for each user would.

mod common;
mod reference;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{BuildHasher, DefaultHasher, Hasher};
use std::mem;

use common::{at, deterministic, just_after, just_before, nanosecond, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, Command, CommandError, Outcome, PreferredPresence, Presence,
    PresenceDirectory, PresenceModel, SessionPresence, SetSession, SignedDuration, Tick, Timestamp,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use reference::histories::{preference, rising, rising_from, session, stepping, wild};

const USERS: u8 = 6;

/// S7, S9, T2: every claim beside every claim, right after a tick at a boundary and around it.
#[test]
fn a_session_set_again_at_a_boundary_shows_what_a_model_would() {
    let boundaries = [at("09:05"), at("09:10")];
    let instants = boundaries.into_iter().flat_map(|at| [just_before(at), at, just_after(at)]);
    for now in instants.chain([at("09:00"), just_before(at("10:00"))]) {
        for other in SessionPresence::ALL {
            for before in SessionPresence::ALL {
                for after in SessionPresence::ALL {
                    let start = [set(0, other, "PT1H"), set(1, before, "PT1H")];
                    let mut users = PresenceDirectory::<u8, u8>::new();
                    let mut model = PresenceModel::new();
                    for body in start {
                        let _ = users.apply(&7, body, at("09:00")).unwrap();
                        let _ = model.apply(body, at("09:00")).unwrap();
                    }
                    let _ = (drained(&mut users, now), model.tick(now));
                    let again = set(1, after, "PT1H");
                    let told = users.apply(&7, again, now);
                    assert_eq!(told, model.apply(again, now), "{other:?} {before:?} {now:?}");
                    assert_eq!(
                        (users.get(&7), users.presence(&7, now)),
                        (Some(&model), model.presence(now))
                    );
                }
            }
        }
    }
}

/// T6: a heartbeat of one of two sessions, whose end would come after the last instant.
#[test]
fn a_session_set_again_near_the_end_of_time_ends_at_it() {
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

/// T3: it was shown in the old place, and nobody has been told that it ended meanwhile.
#[test]
fn a_change_that_was_missed_on_the_move_is_told_by_the_next_tick() {
    for later in [at("09:05"), at("09:30"), at("33:00")] {
        let (mut here, mut there) = (PresenceDirectory::new(), PresenceDirectory::new());
        let _ = here.apply(&1, set(7, SessionPresence::Available, "PT5M"), at("09:00")).unwrap();
        let _ = there.apply(&2, Tick, later).unwrap();
        let model = here.take(&1).unwrap();
        assert!(here.is_empty());

        assert_eq!(there.insert(1, model), None);
        assert!(there.next_deadline().is_some_and(|at| at <= later));
        let (user, outcome) = there.tick(later).unwrap();
        assert_eq!(
            (user, outcome.previous, outcome.current),
            (1, Presence::Available, Presence::Offline)
        );
        assert_eq!((there.tick(later), there.next_deadline()), (None, None));
        assert!(there.is_empty());
    }
}

/// They come in the order of the deadlines that brought them about, as if nobody had moved.
#[test]
fn changes_that_were_missed_on_the_move_come_in_the_order_of_their_deadlines() {
    let (mut here, mut there) = (PresenceDirectory::new(), PresenceDirectory::new());
    for (user, lifetime) in [(1, "PT12M"), (2, "PT7M"), (3, "PT11M")] {
        let _ = here.apply(&user, set(7, SessionPresence::Away, lifetime), at("09:00")).unwrap();
    }
    // The preference ends unseen, before the session does.
    let _ = here.apply(&4, set(7, SessionPresence::Away, "PT10M"), at("09:00")).unwrap();
    let _ = here.apply(&4, prefer(PreferredPresence::Away, "PT8M"), at("09:00")).unwrap();
    let _ = there.apply(&5, Tick, at("09:20")).unwrap();
    for user in [1, 2, 3, 4] {
        there.insert(user, here.take(&user).unwrap());
    }
    let told: Vec<_> = drained(&mut there, at("09:30")).into_iter().map(|(user, _)| user).collect();
    assert_eq!(told, [2, 4, 3, 1]);
}

/// Nothing says when they were contacted last, but what they were told says that it was not before that
/// showed.
#[test]
fn users_who_are_restored_are_not_due_before_what_they_were_told() {
    let mut users = PresenceDirectory::new();
    let _ = users.apply(&1, set(7, SessionPresence::Available, "PT4H"), at("09:00")).unwrap();
    let _ = users.apply(&2, set(7, SessionPresence::InACall, "PT4H"), at("09:08")).unwrap();
    let _ = users.apply(&3, set(7, SessionPresence::Available, "PT4H"), at("09:00")).unwrap();
    let _ = users.apply(&3, prefer(PreferredPresence::Busy, "PT7M"), at("09:00")).unwrap();
    for ticked in [at("09:09"), at("10:00")] {
        let _ = drained(&mut users, ticked);
        for order in [[1, 2, 3], [3, 2, 1]] {
            let mut restored = PresenceDirectory::new();
            for user in order {
                assert_eq!(restored.insert(user, users.get(&user).unwrap().clone()), None);
            }
            assert_eq!(restored.next_deadline(), users.next_deadline(), "{order:?}, {ticked:?}");
        }
    }
}

/// S6: its end was not seen, as another session claims the same.
#[test]
fn a_session_that_has_ended_unseen_on_the_move_counts_for_nothing() {
    for later in [just_before(at("09:05")), at("09:05"), at("09:06")] {
        let (mut here, mut there) = (PresenceDirectory::<u8, u8>::new(), PresenceDirectory::new());
        for (id, lifetime) in [(0, "PT5M"), (1, "PT7M")] {
            let _ = here.apply(&1, set(id, SessionPresence::InACall, lifetime), at("09:00")).unwrap();
        }
        let _ = there.apply(&2, Tick, later).unwrap();
        assert_eq!(there.insert(1, here.take(&1).unwrap()), None);
        assert_eq!(there.next_deadline(), Some(at("09:05")));
        let outcome = there.apply(&1, set(1, SessionPresence::Available, "PT5M"), later).unwrap();
        let is_over = later >= at("09:05");
        assert_eq!(outcome.current, if is_over { Presence::Available } else { Presence::InACall });
    }
}

/// What was set there, it was set before they came.
#[test]
fn a_preference_that_comes_from_elsewhere_lives_as_long_as_it_was_granted() {
    let mut here = PresenceDirectory::<u8, u8>::new();
    let _ = here.apply(&1, set(7, SessionPresence::InACall, "PT4H"), at("09:00")).unwrap();
    let _ = here.apply(&1, prefer(PreferredPresence::Away, "PT1H"), at("10:00")).unwrap();
    let mut there = PresenceDirectory::new();
    assert_eq!(there.insert(1, here.take(&1).unwrap()), None);
    assert_eq!(there.next_deadline(), Some(at("11:00")));
}

/// What one was told last hides what came before it.
#[test]
fn a_change_that_was_told_before_the_move_does_not_count_as_missed() {
    let (mut here, mut there) = (PresenceDirectory::new(), PresenceDirectory::new());
    let _ = here.apply(&1, set(7, SessionPresence::Available, "PT1H"), at("09:00")).unwrap();
    let _ = here.apply(&2, set(7, SessionPresence::Away, "PT8M"), at("09:00")).unwrap();
    assert_eq!(drained(&mut here, at("09:06")).len(), 1);
    let _ = there.apply(&3, Tick, at("09:20")).unwrap();
    for user in [1, 2] {
        there.insert(user, here.take(&user).unwrap());
    }
    let told: Vec<_> = drained(&mut there, at("09:30")).into_iter().map(|(user, _)| user).collect();
    assert_eq!(told, [2, 1]);
}

/// What was due of somebody who has left is no work.
#[test]
fn who_is_taken_out_while_due_leaves_no_deadline_in_the_past() {
    let mut users = PresenceDirectory::new();
    for (user, lifetime) in [(1, "PT5M"), (2, "PT5M"), (3, "PT1H")] {
        let _ = users.apply(&user, set(7, SessionPresence::Away, lifetime), at("09:00")).unwrap();
    }
    assert_eq!(users.tick(at("09:05")).map(|(user, _)| user), Some(1));
    assert_eq!(users.next_deadline(), Some(at("09:05")));
    assert!(users.take(&2).is_some());
    assert_eq!(users.next_deadline(), Some(at("10:00")));
}

/// T5: a minute is no step yet, and what was not healed lives that minute longer.
#[test]
fn a_step_back_of_more_than_a_minute_heals_the_silent() {
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

/// T5: who is due by one clock is not yet due by another that is seconds behind, and is left alone.
#[test]
fn a_tick_by_a_clock_that_is_a_little_behind_heals_nobody_who_is_due_by_the_other() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(7, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    let _ = users.apply(&1, prefer(PreferredPresence::Away, "PT20S"), at("09:00:10")).unwrap();
    let _ = users.apply(&2, Tick, at("09:00:40")).unwrap();
    for (now, change) in [("09:00:05", None), ("09:00:29", None), ("09:00:30", Some(Presence::InACall))]
    {
        assert_eq!(users.next_deadline(), Some(at("09:00:30")), "{now}");
        assert_eq!(users.tick(at(now)).map(|(_, outcome)| outcome.current), change, "{now}");
    }
}

/// Behind one whose turn passes in silence lies the turn of one who has left at the latest contact.
#[test]
fn a_tick_by_a_clock_that_is_a_little_behind_leaves_no_turn_that_is_over() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, prefer(PreferredPresence::Busy, "PT1M"), at("09:00")).unwrap();
    let _ = users.apply(&2, set(7, SessionPresence::Away, "PT5M"), at("09:00")).unwrap();
    let _ = users.apply(&2, Tick, at("09:05")).unwrap();
    assert_eq!(users.next_deadline(), Some(at("09:01")));
    assert_eq!(users.tick(just_before(at("09:05"))), None);
    assert_eq!((users.next_deadline(), users.len()), (None, 0));
}

/// T5: they add up to a step, as each is measured from the latest contact.
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
    assert_eq!(drained(&mut users, end).len(), 2);
    assert!(users.is_empty());
}

/// The queue holds one entry for each user and but a few that no longer count.
#[test]
fn no_pattern_of_deadlines_makes_a_directory_grow() {
    let fresh = held(&crowd(100));
    let alternating = |round| SignedDuration::minutes(if round % 2 == 0 { 240 } else { 5 });
    let earlier = |round| SignedDuration::hours(2) - SignedDuration::nanoseconds(2 * round);
    let much_earlier = |round| SignedDuration::hours(2) - SignedDuration::seconds(2 * round);
    let patterns: [fn(i64) -> SignedDuration; 3] = [alternating, earlier, much_earlier];
    for (number, lifetime) in patterns.into_iter().enumerate() {
        let mut users = crowd(100);
        for round in 0..400 {
            let now = at("09:00") + SignedDuration::nanoseconds(round);
            for user in 0..100 {
                let command = session(0, SessionPresence::Away, lifetime(round));
                let _ = users.apply(&Counted(user), command, now).unwrap();
            }
            if round % 40 == 0 {
                let held = held(&users);
                assert!(held < 3 * fresh, "pattern {number}: {held} where {fresh} is held afresh");
            }
        }
    }
}

#[test]
fn what_a_crowd_took_is_given_back() {
    let mut users = crowd(2_000);
    let few = held(&crowd(10));
    for user in 10..2_000 {
        let _ = users.apply(&Counted(user), ClearSession::new(0), at("09:01")).unwrap();
    }
    assert_eq!(users.len(), 10);
    assert!(held(&users) < 20 * few, "{} where {few} is held of as many users", held(&users));

    let mut users = crowd(2_000);
    while let Some(now) = users.next_deadline() {
        let _ = drained(&mut users, now);
    }
    assert!(users.is_empty() && held(&users) < 20 * few);
}

/// A user's name is cloned when it is stored, and for a change that is told.
#[test]
fn a_heartbeat_clones_no_user() {
    let clones = CLONES.get();
    let mut users = crowd(10);
    assert_eq!(CLONES.get(), clones + 10);
    let clones = CLONES.get();
    for seconds in 1..1_000 {
        let now = at("09:00") + SignedDuration::seconds(seconds);
        for user in 0..10 {
            let _ = users.apply(&Counted(user), set(0, SessionPresence::Away, "PT4H"), now).unwrap();
        }
        assert_eq!(users.tick(now), None);
    }
    assert_eq!(CLONES.get(), clones);
}

/// Of one session, of two and of more, with and without a preference, and also when what is seen changes.
#[test]
fn a_heartbeat_looks_its_user_up_once() {
    for sessions in 1..4 {
        for preferring in [false, true] {
            let mut users = PresenceDirectory::<u8, u8, _>::with_hasher(CountedHashes);
            for id in 0..sessions {
                let _ = users.apply(&7, set(id, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
            }
            if preferring {
                let _ = users.apply(&7, prefer(PreferredPresence::Busy, "PT8H"), at("09:00")).unwrap();
            }
            let before = HASHES.get();
            for (id, claim, now) in [
                (0, SessionPresence::Away, at("09:00")),
                (sessions - 1, SessionPresence::Away, at("09:01")),
                (0, SessionPresence::InACall, at("09:02")),
                (0, SessionPresence::Away, at("09:03")),
            ] {
                let _ = users.apply(&7, set(id, claim, "PT4H"), now).unwrap();
            }
            assert_eq!(HASHES.get() - before, 4, "of {sessions}, preferring: {preferring}");
        }
    }
}

/// Users are moved when the table shrinks, each but a few times.
#[test]
fn a_crowd_that_leaves_is_hashed_a_few_times_only() {
    let mut users = PresenceDirectory::<u32, u8, _>::with_hasher(CountedHashes);
    for user in 0..2_001 {
        let _ = users.apply(&user, set(0, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
    }
    let before = HASHES.get();
    for user in 0..2_001 {
        assert!(users.take(&user).is_some());
    }
    let hashes = HASHES.get() - before;
    assert!(hashes < 2 * 2_001, "{hashes} hashes");
}

/// A turn that is over for somebody else, who has been put off since, is not left in the past.
#[test]
fn a_heartbeat_at_a_turn_that_is_over_moves_the_deadline_on() {
    let mut users = PresenceDirectory::<u8, u8>::new();
    let _ = users.apply(&1, set(0, SessionPresence::Away, "PT5M"), at("09:00")).unwrap();
    let _ = users.apply(&2, set(0, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
    let _ = users.apply(&1, set(0, SessionPresence::Away, "PT5M"), at("09:03")).unwrap();
    assert_eq!(users.next_deadline(), Some(at("09:05")));
    for now in [just_before(at("09:05")), at("09:05"), just_after(at("09:05"))] {
        let _ = users.apply(&2, set(0, SessionPresence::Away, "PT4H"), now).unwrap();
        let is_over = now >= at("09:05");
        assert_eq!(users.next_deadline(), Some(at(if is_over { "09:08" } else { "09:05" })));
    }
}

fn crowd(users: u32) -> PresenceDirectory<Counted, u8> {
    let mut directory = PresenceDirectory::new();
    for user in 0..users {
        let body = set(0, SessionPresence::Away, "PT4H");
        let _ = directory.apply(&Counted(user), body, at("09:00")).unwrap();
    }
    directory
}

/// Returns how long it takes to spell out all that a directory holds, in bytes.
fn held(users: &PresenceDirectory<Counted, u8>) -> usize {
    format!("{users:?}").len()
}

thread_local! {
    static CLONES: Cell<usize> = const { Cell::new(0) };
    static HASHES: Cell<usize> = const { Cell::new(0) };
}

/// A user whose clones are counted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Counted(u32);

impl Clone for Counted {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        Self(self.0)
    }
}

/// A hasher that counts how often it is asked.
#[derive(Clone)]
struct CountedHashes;

impl BuildHasher for CountedHashes {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        HASHES.set(HASHES.get() + 1);
        DefaultHasher::new()
    }
}

proptest! {
    #![proptest_config(deterministic())]

    /// S1 to U8 for each user, and the order of changes: by deadline, then by user.
    #[test]
    fn a_directory_answers_as_a_model_for_each_user_would(day in day()) {
        compare(PresenceDirectory::new(), &day);
    }

    /// The same of users who all have the same hash.
    #[test]
    fn hashing_does_not_matter(day in day()) {
        compare(PresenceDirectory::with_hasher(Zero), &day);
    }

    /// Deadlines a nanosecond apart, at one instant, and around the borders of 2^32 ns, also before
    /// 1970; put off, brought forward and cancelled.
    #[test]
    fn deadlines_come_due_as_in_a_sorted_list(day in odd_deadlines()) {
        compare(PresenceDirectory::new(), &day);
    }

    /// T5: whatever the clock shows, to whomever of whom.
    #[test]
    fn a_directory_answers_as_models_would_whatever_the_clock_does(day in fickle_day()) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        let mut naive = Naive::default();
        for Step { now, act } in day {
            match act {
                Act::Apply(user, command) => {
                    let answer = users.apply(&user, command, now);
                    prop_assert_eq!(answer, naive.apply(user, command, now));
                }
                Act::Tick(changes) => {
                    for _ in 0..changes {
                        let change = users.tick(now);
                        prop_assert_eq!(change, naive.tick(now));
                        if change.is_none() {
                            break;
                        }
                    }
                }
            }
            for user in 0..USERS {
                for now in [now, naive.latest] {
                    prop_assert_eq!(users.presence(&user, now), naive.presence(user, now));
                }
            }
            let is_due = naive.deadline().is_some_and(|due| due <= naive.latest);
            prop_assert!(is_due || users.next_deadline().is_none_or(|next| next > naive.latest));
        }
    }

    /// Users are independent: moved at any moment, also while a change of theirs is still to be told.
    #[test]
    fn any_split_over_directories_tells_the_same_changes(
        day in day(), moves in vec((0..USERS, 0..3_usize), 48),
    ) {
        let mut whole = PresenceDirectory::<u8, u8>::new();
        let mut parts = [PresenceDirectory::new(), PresenceDirectory::new(), PresenceDirectory::new()];
        let mut homes = [0; USERS as usize];
        for (Step { now, act }, (user, home)) in day.into_iter().zip(moves) {
            let moved = parts[homes[usize::from(user)]].take(&user);
            homes[usize::from(user)] = home;
            if let Some(model) = moved {
                prop_assert_eq!(parts[home].insert(user, model), None);
            }
            match act {
                Act::Apply(user, command) => {
                    let answer = parts[homes[usize::from(user)]].apply(&user, command, now);
                    prop_assert_eq!(answer, whole.apply(&user, command, now));
                }
                Act::Tick(_) => {
                    let mut told: Vec<_> =
                        parts.iter_mut().flat_map(|part| drained(part, now)).collect();
                    let mut expected = drained(&mut whole, now);
                    told.sort_by_key(|(user, _)| *user);
                    expected.sort_by_key(|(user, _)| *user);
                    prop_assert_eq!(told, expected);
                }
            }
            for user in 0..USERS {
                let part = &parts[homes[usize::from(user)]];
                prop_assert_eq!(part.presence(&user, now), whole.presence(&user, now));
                let seen = |users: &PresenceDirectory<u8, u8>| {
                    let model = users.get(&user).cloned().unwrap_or_default();
                    (model.forecast(now).collect::<Vec<_>>(), model.preferred(now), model.deadline(now))
                };
                prop_assert_eq!(seen(part), seen(&whole));
            }
            let is_due = |part: &PresenceDirectory<_, _>| part.next_deadline().is_some_and(|at| at <= now);
            prop_assert!(whole.clone().tick(now).is_none() || parts.iter().any(is_due));
        }
    }

    /// T3: before each command, or before some, to where somebody else is just heard of.
    #[test]
    fn who_has_moved_is_answered_as_if_they_had_not(history in rising(), some in vec(any::<bool>(), 24)) {
        for moves in [vec![true; 24], some] {
            let (mut users, mut model) = (PresenceDirectory::<u8, u8>::new(), PresenceModel::new());
            for ((now, command), moves) in history.iter().zip(moves) {
                if moves {
                    let moved = users.take(&1);
                    users = PresenceDirectory::new();
                    let _ = users.apply(&2, Tick, *now);
                    prop_assert_eq!(moved.and_then(|moved| users.insert(1, moved)), None);
                }
                prop_assert_eq!(users.presence(&1, *now), model.presence(*now));
                prop_assert_eq!(users.apply(&1, *command, *now), model.apply(*command, *now));
                prop_assert_eq!(users.presence(&1, *now), model.presence(*now));
            }
        }
    }

    /// T3: nobody notices that all are taken from one directory to another, once that has been ticked.
    #[test]
    fn a_crowd_that_has_moved_goes_on_as_if_it_had_not(day in day(), first in 0..USERS) {
        let mut here = PresenceDirectory::<u8, u8>::new();
        let mut now = day[0].now;
        for step in day {
            now = step.now;
            if let Act::Apply(user, command) = step.act {
                let _ = here.apply(&user, command, now);
            }
            let _ = drained(&mut here, now);
        }
        let mut there = PresenceDirectory::new();
        for user in (first..USERS).chain(0..first) {
            let moved = here.get(&user).cloned().map(|model| there.insert(user, model));
            prop_assert_eq!(moved.flatten(), None);
        }
        prop_assert_eq!(there.tick(now), None);
        prop_assert_eq!(runs_dry(&mut there, now), runs_dry(&mut here, now));
    }

    /// T5: also those who never speak again.
    #[test]
    fn a_tick_after_a_step_back_of_more_than_a_minute_heals_everybody(
        day in ordinary_day(), step in 60_000_000_001..=200_000_000_000_000_i64,
    ) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        let mut latest = at("09:00");
        for Step { now, act } in day {
            match act {
                Act::Apply(user, command) if users.apply(&user, command, now).is_err() => {}
                Act::Apply(..) => latest = now,
                Act::Tick(changes) => {
                    let _ = tick(&mut users, now, changes);
                    latest = now;
                }
            }
        }
        let now = latest - SignedDuration::nanoseconds(step);
        let mut expected: BTreeMap<u8, _> =
            users.iter().map(|(user, model)| (*user, model.clone())).collect();
        let changes: Vec<_> =
            expected.iter_mut().map(|(user, model)| (*user, model.tick(now))).collect();
        let changed = changes.into_iter().filter(|(_, outcome)| outcome.changed().is_some());
        prop_assert_eq!(drained(&mut users, now), changed.collect::<Vec<_>>());
        expected.retain(|_, model| !model.is_empty());
        prop_assert_eq!(users.len(), expected.len());
        for (user, model) in &expected {
            prop_assert_eq!(users.get(user), Some(model));
        }
        let _ = runs_dry(&mut users, now);
    }

    /// T5: whichever call was given it, and whoever never speaks again.
    #[test]
    fn a_single_wild_reading_keeps_nobody_online(
        day in ordinary_day(), place in 0..48_usize, ahead in 61..100_000_000_i64, call in 0..5_u8, user in 0..USERS,
    ) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        let mut shown = BTreeMap::new();
        let mut now = at("09:00");
        let length = day.len();
        for (number, step) in day.into_iter().enumerate() {
            now = step.now;
            if number == place % length {
                let wild = now + SignedDuration::seconds(ahead);
                given(call, &mut users, &mut shown, user, wild);
            }
            match step.act {
                Act::Apply(user, command) => {
                    if let Ok(outcome) = users.apply(&user, command, now) {
                        shown.insert(user, outcome.current);
                    }
                }
                Act::Tick(changes) => shown.extend(currents(tick(&mut users, now, changes))),
            }
        }
        for minute in 0..=4 * 60 {
            shown.extend(currents(drained(&mut users, now + SignedDuration::minutes(minute))));
        }
        prop_assert!(shown.values().all(|presence| *presence == Presence::Offline), "{:?}", shown);
    }

    /// T5: readers of the clock that disagree by less than a minute.
    #[test]
    fn steps_of_less_than_a_minute_cost_at_most_that_minute(
        day in ordinary_day(), late in vec(0..=60_000_000_000_i64, 48),
    ) {
        let mut users = PresenceDirectory::<u8, u8>::new();
        let mut shown = BTreeMap::new();
        let mut now = at("09:00");
        for (step, late) in day.into_iter().zip(late) {
            now = step.now - SignedDuration::nanoseconds(late);
            match step.act {
                Act::Apply(user, command) => {
                    if let Ok(outcome) = users.apply(&user, command, now) {
                        shown.insert(user, outcome.current);
                    }
                }
                Act::Tick(changes) => shown.extend(currents(tick(&mut users, now, changes))),
            }
            let ends = users.iter().flat_map(|(_, model)| model.sessions(now).map(|it| it.expires_at));
            let last = now + SignedDuration::hours(4);
            prop_assert!(ends.max().is_none_or(|end| end <= last));
        }
        for minute in 0..=4 * 60 + 1 {
            shown.extend(currents(drained(&mut users, now + SignedDuration::minutes(minute))));
        }
        prop_assert!(shown.values().all(|presence| *presence == Presence::Offline), "{:?}", shown);
    }
}

/// One thing that happens to a directory.
#[derive(Debug, Clone)]
struct Step {
    now: Timestamp,
    act: Act,
}

#[derive(Debug, Clone)]
enum Act {
    Apply(u8, Command<u8>),
    /// Takes no more changes than this; the rest is left to a later tick.
    Tick(usize),
}

/// A day on which instants never fall, maybe at an end of time.
fn day() -> impl Strategy<Value = Vec<Step>> {
    acted(rising())
}

/// A day on which instants never fall, far from the ends of time.
fn ordinary_day() -> impl Strategy<Value = Vec<Step>> {
    acted(rising_from(at("09:00")))
}

/// A day of a clock that steps back and forth, and now and then shows anything.
fn fickle_day() -> impl Strategy<Value = Vec<Step>> {
    acted(prop_oneof![stepping(), wild()])
}

/// Spreads a history over a few users, and wakes the directory here and there: often at the instant
/// of the command that follows.
fn acted(
    history: impl Strategy<Value = Vec<(Timestamp, Command<u8>)>>,
) -> impl Strategy<Value = Vec<Step>> {
    let act = (any::<u8>(), select(vec![None, None, None, Some(1), Some(2), Some(100), Some(100)]));
    (history, select(vec![1, 2, USERS]), vec(act, 24)).prop_map(|(history, users, acts)| {
        let steps = history.into_iter().zip(acts).flat_map(|((now, command), (user, changes))| {
            let tick = changes.map(Act::Tick);
            let acts = tick.into_iter().chain([Act::Apply(user % users, command)]);
            acts.map(move |act| Step { now, act })
        });
        steps.collect()
    })
}

/// A day on which all users stay online while what they prefer ends at odd instants.
fn odd_deadlines() -> impl Strategy<Value = Vec<Step>> {
    const STRETCH: i64 = 1 << 32;
    let starts = [-3 * STRETCH, -STRETCH + 1, -1, 0, 5, 417_958_000 * STRETCH - 2];
    let gaps = [0, 0, 1, 2, STRETCH - 1, STRETCH, STRETCH + 1, 1_000_000_000];
    let lifetimes =
        [1, 2, 3, STRETCH - 1, STRETCH, STRETCH + 1, 2 * STRETCH, 3 * STRETCH, 1_000_000_000];
    let act = prop_oneof![
        6 => (0..USERS, select(lifetimes.to_vec())).prop_map(|(user, lifetime)| {
            let lifetime = SignedDuration::nanoseconds(lifetime);
            Act::Apply(user, preference(PreferredPresence::Busy, lifetime))
        }),
        1 => (0..USERS).prop_map(|user| Act::Apply(user, ClearPreferred.into())),
        3 => select(vec![1, 2, 100, 100]).prop_map(Act::Tick),
    ];
    let steps = vec((select(gaps.to_vec()), act), 1..100);
    (select(starts.to_vec()), steps).prop_map(|(start, steps)| {
        let mut now = nanosecond(start);
        let online = session(0, SessionPresence::Away, SignedDuration::hours(4));
        let mut day: Vec<_> =
            (0..USERS).map(|user| Step { now, act: Act::Apply(user, online) }).collect();
        for (gap, act) in steps {
            now += SignedDuration::nanoseconds(gap);
            day.push(Step { now, act });
        }
        day
    })
}

/// One model for each user.
#[derive(Debug)]
struct Naive {
    users: BTreeMap<u8, User>,
    /// The latest contact since the last visit.
    latest: Timestamp,
}

#[derive(Debug, Default)]
struct User {
    model: PresenceModel<u8>,
    /// What the model named at its last contact.
    deadline: Option<Timestamp>,
    told: Presence,
}

impl Default for Naive {
    fn default() -> Self {
        Self { users: BTreeMap::new(), latest: Timestamp::MIN }
    }
}

impl Naive {
    fn apply(
        &mut self,
        user: u8,
        command: Command<u8>,
        now: Timestamp,
    ) -> Result<Outcome, CommandError> {
        let user = self.users.entry(user).or_default();
        let outcome = user.model.apply(command, now)?;
        self.latest = self.latest.max(saturated(now));
        Ok(user.tell(outcome, now))
    }

    fn tick(&mut self, now: Timestamp) -> Option<(u8, Outcome)> {
        let now = saturated(now);
        if now < saturated(self.latest.saturating_sub(SignedDuration::MINUTE)) {
            self.visit(now);
        }
        self.latest = self.latest.max(now);
        loop {
            let deadlines = self.users.iter().filter_map(|(name, user)| Some((user.deadline?, *name)));
            let (_, name) = deadlines.min().filter(|(at, _)| *at <= now)?;
            let user = self.users.get_mut(&name)?;
            let outcome = user.model.tick(now);
            let outcome = user.tell(outcome, now);
            if outcome.changed().is_some() {
                return Some((name, outcome));
            }
        }
    }

    /// T5: heals everybody; who has changed or gone by that comes due at once.
    fn visit(&mut self, now: Timestamp) {
        self.latest = now;
        for user in self.users.values_mut().filter(|user| user.deadline.is_some()) {
            let current = user.model.tick(now).current;
            let is_news = current != user.told || user.model.is_empty();
            user.deadline = if is_news { Some(now) } else { user.model.deadline(now) };
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.users.values().filter_map(|user| user.deadline).min()
    }

    /// Returns when anything is next seen to change, or was and is still to be told.
    fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let of_each = self.users.values().filter_map(|user| {
            let is_told = user.model.presence(now) == user.told;
            if is_told { user.model.forecast(now).next().map(|change| change.at) } else { Some(now) }
        });
        of_each.min()
    }

    fn presence(&self, user: u8, now: Timestamp) -> Presence {
        self.users.get(&user).map_or(Presence::Offline, |user| user.model.presence(now))
    }
}

/// T6: instants saturate.
fn saturated(instant: Timestamp) -> Timestamp {
    instant.clamp(nanosecond(i64::MIN), nanosecond(i64::MAX))
}

impl User {
    fn tell(&mut self, outcome: Outcome, now: Timestamp) -> Outcome {
        let mut told = outcome;
        told.previous = mem::replace(&mut self.told, outcome.current);
        self.deadline = self.model.deadline(now);
        told
    }
}

/// Lives through a day, comparing every answer; then runs from deadline to deadline to the end.
fn compare<H: BuildHasher + Debug>(mut users: PresenceDirectory<u8, u8, H>, day: &[Step]) {
    let mut naive = Naive::default();
    let mut latest = day[0].now;
    for Step { now, act } in day {
        match act {
            Act::Apply(user, command) => {
                let answer = users.apply(user, *command, *now);
                assert_eq!(answer, naive.apply(*user, *command, *now));
                latest = if answer.is_ok() { *now } else { latest };
                assert_same(&users, &naive, latest, *now);
            }
            Act::Tick(changes) => {
                latest = *now;
                for _ in 0..*changes {
                    let change = users.tick(*now);
                    assert_eq!(change, naive.tick(*now));
                    assert_same(&users, &naive, latest, *now);
                    if change.is_none() {
                        assert!(users.next_deadline().is_none_or(|next| next > *now));
                        assert_models(&users, &naive);
                        break;
                    }
                }
            }
        }
    }

    let boundaries = 4 * day.len() + 64 + 2 * usize::from(USERS);
    for _ in 0..boundaries {
        let Some(now) = users.next_deadline() else { break };
        let now = now.max(latest);
        latest = now;
        loop {
            let due = naive.deadline();
            let change = users.tick(now);
            assert_eq!(change, naive.tick(now));
            assert_same(&users, &naive, now, now);
            if change.is_none() {
                break;
            }
            assert!(due.is_some_and(|due| due <= now));
        }
        assert!(users.next_deadline().is_none_or(|next| next > now), "a tick moves the deadline on");
        assert_models(&users, &naive);
    }
    assert_eq!((users.next_deadline(), users.is_empty()), (None, true));
}

/// Compares what can be read after any call, also between the changes of one tick.
fn assert_same<H: BuildHasher>(
    users: &PresenceDirectory<u8, u8, H>,
    naive: &Naive,
    latest: Timestamp,
    now: Timestamp,
) {
    let expected: Vec<_> = (0..USERS).map(|user| naive.presence(user, now)).collect();
    let presences: Vec<_> = (0..USERS).map(|user| users.presence(&user, now)).collect();
    assert_eq!(presences, expected);
    assert!(users.presences(&(0..USERS).collect::<Vec<_>>(), now).eq(expected));
    for later in users.next_deadline().into_iter().flat_map(|at| [just_before(at), at, just_after(at)]) {
        let later = later.max(now);
        for user in 0..USERS {
            assert_eq!(users.presence(&user, later), naive.presence(user, later));
        }
    }

    let stored = (0..USERS).filter(|user| users.get(user).is_some()).count();
    assert_eq!((users.len(), users.is_empty()), (stored, stored == 0));
    assert_eq!(users.iter().count(), stored);

    let next = users.next_deadline();
    if let Some(change) = naive.next_change(latest) {
        assert!(next.is_some_and(|next| next <= change), "{next:?} is later than {change:?}");
    }
    let is_due = naive.deadline().is_some_and(|due| due <= latest);
    assert!(is_due || next.is_none_or(|next| next > latest), "no work is due at {next:?}");
}

/// Compares what is stored, where all that was due is done.
fn assert_models<H: BuildHasher>(users: &PresenceDirectory<u8, u8, H>, naive: &Naive) {
    for (name, user) in &naive.users {
        assert_eq!(users.get(name), Some(&user.model).filter(|model| !model.is_empty()), "{name}");
    }
}

fn tick<U, H>(users: &mut PresenceDirectory<U, u8, H>, now: Timestamp, most: usize) -> Vec<(U, Outcome)>
where
    U: Clone + std::hash::Hash + Ord,
    H: BuildHasher,
{
    std::iter::from_fn(|| users.tick(now)).take(most).collect()
}

fn drained<U, H>(users: &mut PresenceDirectory<U, u8, H>, now: Timestamp) -> Vec<(U, Outcome)>
where
    U: Clone + std::hash::Hash + Ord,
    H: BuildHasher,
{
    tick(users, now, usize::MAX)
}

fn currents(changes: Vec<(u8, Outcome)>) -> impl Iterator<Item = (u8, Presence)> {
    changes.into_iter().map(|(user, outcome)| (user, outcome.current))
}

/// Runs from deadline to deadline until nobody is left, and returns what changes at which.
fn runs_dry(users: &mut PresenceDirectory<u8, u8>, now: Timestamp) -> Vec<(Timestamp, u8, Outcome)> {
    let (mut latest, mut changes) = (now, Vec::new());
    for _ in 0..300 {
        let Some(next) = users.next_deadline() else { break };
        assert!(next > latest);
        latest = next;
        changes.extend(drained(users, next).into_iter().map(|(user, outcome)| (next, user, outcome)));
    }
    assert!(users.is_empty() && users.next_deadline().is_none());
    changes
}

/// Gives a wild reading to one of the calls.
fn given(
    call: u8,
    users: &mut PresenceDirectory<u8, u8>,
    shown: &mut BTreeMap<u8, Presence>,
    user: u8,
    wild: Timestamp,
) {
    let body = SetSession::new(0, SessionPresence::InACall);
    match call {
        0 => {
            let outcome = users.apply(&user, body, wild).unwrap();
            shown.insert(user, outcome.current);
        }
        1 => shown.extend(currents(tick(users, wild, 1))),
        2 => shown.extend(currents(drained(users, wild))),
        3 => {
            let _ = users.presence(&user, wild);
        }
        _ => {
            let mut model = users.take(&user).unwrap_or_default();
            let outcome = model.apply(body, wild).unwrap();
            shown.insert(user, outcome.current);
            users.insert(user, model);
        }
    }
}

/// A hasher for which all users are alike.
#[derive(Debug, Clone, Copy, Default)]
struct Zero;

impl BuildHasher for Zero {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Zero {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, _: &[u8]) {}
}
