//! Failures that fuzzing has found, as plain tests.

use std::hash::{BuildHasherDefault, Hasher};
use std::iter;

use presence_core::{
    PreferredExpiration, PreferredPresence, PresenceDirectory, SessionPresence, SetPreferred,
    SetSession, SignedDuration, Timestamp,
};

/// A hasher that gives every user the same hash, so a new user takes the slot of the last that left.
#[derive(Default)]
struct Collisions;

impl Hasher for Collisions {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, _: &[u8]) {}
}

type Users = PresenceDirectory<u8, u8, BuildHasherDefault<Collisions>>;

/// Sets a user who is Busy by preference and in a call after it.
fn set(users: &mut Users, user: u8, preferred: i64, now: i64) {
    let expiration = PreferredExpiration::new(SignedDuration::seconds(preferred)).unwrap();
    let preference = SetPreferred::new(PreferredPresence::Busy).with_expiration(expiration);
    let _ = users.apply(&user, SetSession::new(0, SessionPresence::InACall), second(now)).unwrap();
    let _ = users.apply(&user, preference, second(now)).unwrap();
}

fn changed(users: &mut Users, now: i64) -> Vec<u8> {
    iter::from_fn(|| users.tick(second(now))).map(|(user, _)| user).collect()
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_seconds(second).unwrap()
}

/// Rule O1. The first change sorts the deadlines of the seconds after it.
#[test]
fn a_user_in_the_slot_of_a_removed_one_is_reported_in_its_own_order() {
    let mut users = Users::with_hasher(BuildHasherDefault::default());
    for (user, preferred) in [(0, 100), (1, 101), (5, 101)] {
        set(&mut users, user, preferred, 0);
    }
    assert_eq!(changed(&mut users, 100), [0]);
    assert!(users.remove(&1).is_some());
    set(&mut users, 9, 1, 100);
    assert_eq!(changed(&mut users, 101), [5, 9]);
}

/// Rule O1. All three deadlines come after the sorting.
#[test]
fn a_user_in_the_slot_of_a_removed_one_that_came_late_is_reported_in_its_own_order() {
    let mut users = Users::with_hasher(BuildHasherDefault::default());
    set(&mut users, 0, 100, 0);
    assert_eq!(changed(&mut users, 100), [0]);
    set(&mut users, 1, 1, 100);
    set(&mut users, 5, 1, 100);
    assert!(users.remove(&1).is_some());
    set(&mut users, 9, 1, 100);
    assert_eq!(changed(&mut users, 101), [5, 9]);
}

/// Rule O1. The user in the slot has no deadline then, but its id does not hold back others.
#[test]
fn a_user_in_the_slot_of_a_removed_one_does_not_change_the_order_of_others() {
    let mut users = Users::with_hasher(BuildHasherDefault::default());
    for (user, preferred) in [(0, 100), (1, 101), (2, 101)] {
        set(&mut users, user, preferred, 0);
    }
    assert_eq!(changed(&mut users, 100), [0]);
    assert!(users.remove(&1).is_some());
    set(&mut users, 9, 1000, 100);
    set(&mut users, 3, 1, 100);
    assert_eq!(changed(&mut users, 101), [2, 3]);
}
