//! The queue of deadlines alone, against a sorted list of users.

extern crate alloc;

mod common;
#[path = "../src/directory/queue.rs"]
mod queue;

use std::collections::{BTreeMap, BTreeSet};

use common::deterministic;
use proptest::collection::vec;
use proptest::prelude::*;
use queue::{DeadlineQueue, Due, Entry};

/// A queue, and the users that are in it by deadline.
struct Both {
    queue: DeadlineQueue<u16>,
    expected: BTreeSet<(i64, u16)>,
    deadlines: BTreeMap<u16, i64>,
    /// The number of different hashes.
    hashes: u64,
}

impl Both {
    fn new(hashes: u64) -> Self {
        let (expected, deadlines) = (BTreeSet::new(), BTreeMap::new());
        Self { queue: DeadlineQueue::new(), expected, deadlines, hashes }
    }

    fn entry(&self, at: i64, user: u16) -> Entry {
        entry(self.hashes, at, user)
    }

    /// Queues a user at another deadline, or for the first time.
    fn set(&mut self, user: u16, at: i64) {
        self.remove(user);
        self.queue.push(self.entry(at, user), &user);
        self.expected.insert((at, user));
        self.deadlines.insert(user, at);
    }

    fn remove(&mut self, user: u16) {
        if let Some(at) = self.deadlines.remove(&user) {
            self.queue.remove(self.entry(at, user), &user);
            self.expected.remove(&(at, user));
        }
    }

    /// Users that share a deadline come in order, and a user that is alone is named by its hash.
    fn pop(&mut self, now: i64) -> bool {
        let Self { expected, hashes, .. } = self;
        let due = self.queue.pop(now, |entries| {
            let at = entries[0].at;
            let users = expected.range((at, 0)..=(at, u16::MAX)).map(|(_, user)| *user);
            users.map(|user| (user, entry(*hashes, at, user).hash)).collect()
        });
        let Some((at, user)) = self.expected.first().copied().filter(|(at, _)| *at <= now) else {
            assert_eq!(due, None, "at {now}");
            return false;
        };
        let Due { entry, user: named } = due.expect("a user that is due");
        assert_eq!(entry, self.entry(at, user));
        let is_alone = self.expected.range((at, 0)..=(at, u16::MAX)).count() == 1;
        assert!(named == Some(user) || (named.is_none() && is_alone), "{named:?}, not {user}");
        self.expected.remove(&(at, user));
        self.deadlines.remove(&user);
        true
    }

    fn verify(&self) {
        self.queue.verify(self.expected.iter().map(|(at, user)| (self.entry(*at, *user), user)));
        assert_eq!(self.queue.first(), self.expected.first().map(|(at, _)| *at));
        let next = self.queue.first_list().last().map(|entry| entry.at);
        assert!(next >= self.queue.first() || next.is_none(), "the first list is not before the first");
    }
}

fn entry(hashes: u64, at: i64, user: u16) -> Entry {
    Entry { at, hash: u64::from(user).wrapping_mul(0x9e37_79b9_7f4a_7c15) % hashes }
}

#[derive(Debug, Clone)]
enum Act {
    Set(u16, i64),
    Remove(u16),
    Pop(i64, usize),
    /// Many users at adjacent deadlines, or at one.
    Crowd(u16, i64, i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let at =
        || prop_oneof![8 => 0..40_i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN), 2 => 0..1_000_000_i64];
    let act = prop_oneof![
        6 => (0..40_u16, at()).prop_map(|(user, at)| Act::Set(user, at)),
        2 => (0..40_u16).prop_map(Act::Remove),
        2 => (at(), 0..6_usize).prop_map(|(now, times)| Act::Pop(now, times)),
        1 => (1..900_u16, at(), 0..3_i64).prop_map(|(users, at, step)| Act::Crowd(users, at, step)),
    ];
    vec(act, 1..40)
}

proptest! {
    #![proptest_config(deterministic())]

    /// With hashes that differ, with some that collide, and with one for all.
    #[test]
    fn it_returns_what_a_sorted_list_does(
        acts in acts(), hashes in prop_oneof![Just(u64::MAX), Just(7), Just(1)],
    ) {
        let mut both = Both::new(hashes);
        for act in acts {
            match act {
                Act::Set(user, at) => both.set(user, at),
                Act::Remove(user) => both.remove(user),
                Act::Pop(now, times) => { let _ = (0..times).all(|_| both.pop(now)); },
                Act::Crowd(users, at, step) => {
                    // Quadratic if hashes collide.
                    let users = if hashes == u64::MAX { users } else { users % 30 };
                    for user in 0..users {
                        both.set(40 + user, at.saturating_add(step * i64::from(user)));
                    }
                }
            }
            both.verify();
        }
        while both.pop(i64::MAX) {}
        both.verify();
    }
}

#[test]
fn a_crowd_at_one_deadline_and_its_neighbours_come_in_order() {
    let mut both = Both::new(u64::MAX);
    for user in 0..3_000 {
        both.set(user, 10);
    }
    for (user, at) in [(5_000, 9), (5_001, 11), (5_002, i64::MAX), (5_003, i64::MIN)] {
        both.set(user, at);
    }
    both.verify();
    for removed in (0..3_000).step_by(3) {
        both.remove(removed);
    }
    both.verify();
    // They have come due, and more users join and leave them.
    assert!(both.pop(10) && both.pop(10) && both.pop(10));
    both.set(4_000, 10);
    both.set(2_999, 8);
    both.remove(2_000);
    both.verify();
    while both.pop(i64::MAX) {}
    assert_eq!(both.queue.first(), None);
}

/// An entry is removed from the first list, and from others until they are empty.
#[test]
fn users_leave_from_everywhere() {
    for order in 0..3 {
        let mut both = Both::new(u64::MAX);
        for user in 0..5_000 {
            both.set(user, i64::from(user));
        }
        let leave: Vec<u16> = match order {
            0 => (0..5_000).collect(),
            1 => (0..5_000).rev().collect(),
            _ => (0..5_000).map(|user| user * 7 % 5_000).collect(),
        };
        for (number, user) in leave.into_iter().enumerate() {
            both.remove(user);
            if number % 100 == 0 {
                both.verify();
            }
        }
        assert_eq!(both.queue.first(), None);
    }
}
