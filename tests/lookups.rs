//! How often a directory hashes and clones the ids of users.

mod common;
mod counting;

use common::{at, set};
use counting::{CLONES, Counted, CountedHashes, HASHES, crowd};
use presence_core::{PresenceDirectory, SessionPresence, SignedDuration};

/// A user id is cloned when it is stored, and for a change that is reported of a user that stays.
#[test]
fn a_refresh_clones_no_user() {
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

/// A report owns its user.
#[test]
fn a_user_that_is_reported_is_cloned_once() {
    let mut users = crowd(10);
    let clones = CLONES.get();
    while users.tick(at("13:00")).is_some() {}
    assert_eq!((users.len(), CLONES.get()), (0, clones + 10));
}

/// Users move when the table shrinks, each of them only a few times.
#[test]
fn a_crowd_that_leaves_is_hashed_a_few_times_only() {
    let mut users = PresenceDirectory::<u32, u8, _>::with_hasher(CountedHashes);
    for user in 0..2_001 {
        let _ = users.apply(&user, set(0, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
    }
    let before = HASHES.get();
    for user in 0..2_001 {
        assert!(users.remove(&user).is_some());
    }
    let hashes = HASHES.get() - before;
    assert!(hashes < 2 * 2_001, "{hashes} hashes");
}

/// Around the sizes at which the table grows and shrinks, users come and go without end.
#[test]
fn no_pattern_of_coming_and_going_hashes_more_than_a_few_times_a_call() {
    let mut worst = 0;
    for size in [1, 7, 64, 65, 112, 113, 260, 448, 449, 1_000] {
        for swing in [1, 2, size / 2 + 1, size * 3 / 4 + 1, size] {
            let mut users = PresenceDirectory::<u32, u8, _>::with_hasher(CountedHashes);
            let (mut calls, before) = (0, HASHES.get());
            // The oldest leave, so that each gap is in another slot.
            let (mut first, mut next) = (0, 0);
            let mut set_to = |users: &mut PresenceDirectory<u32, u8, _>, size: u32| {
                while next - first < size {
                    let body = set(0, SessionPresence::Away, "PT4H");
                    let _ = users.apply(&next, body, at("09:00")).unwrap();
                    (next, calls) = (next + 1, calls + 1);
                }
                while next - first > size {
                    assert!(users.remove(&first).is_some());
                    (first, calls) = (first + 1, calls + 1);
                }
            };
            set_to(&mut users, size);
            for _ in 0..4_000 / swing {
                set_to(&mut users, size - swing.min(size));
                set_to(&mut users, size);
            }
            let hashes = HASHES.get() - before;
            assert!(hashes < 6 * calls, "{hashes} hashes for {calls} calls, {size} by {swing}");
            worst = worst.max(hashes * 100 / calls);
        }
    }
    println!("{worst} hashes for 100 calls at most");
}

/// A user that is replaced again and again stays in a table of the same size.
#[test]
fn inserting_over_a_user_hashes_a_few_times_only() {
    let mut users = PresenceDirectory::<u32, u8, _>::with_hasher(CountedHashes);
    for user in 0..448 {
        let _ = users.apply(&user, set(0, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
    }
    let before = HASHES.get();
    for user in (0..448).cycle().take(5_000) {
        let model = users.get(&user).unwrap().clone();
        assert!(users.insert(user, model, at("09:00")).is_some());
    }
    let hashes = HASHES.get() - before;
    assert!(hashes < 6 * 5_000, "{hashes} hashes");
}
