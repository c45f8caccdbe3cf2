//! What a directory allocates and gives back.

#![allow(unsafe_code, reason = "an allocator that counts")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{at, set};
use presence_core::{
    ClearSession, PreferredPresence, PresenceDirectory, SessionExpiration, SessionPresence,
    SetPreferred, SetSession, SignedDuration,
};

const USERS: u64 = 1_000;

/// What one user of one session may take, with the slack of tables that double: about three times
/// what it takes.
const BYTES_A_USER: isize = 400;

/// A tick and a heartbeat of a user who is stored already.
#[test]
fn a_heartbeat_allocates_nothing() {
    let mut users = PresenceDirectory::<String, u64>::new();
    let names = ["ana", "bob", "eve"];
    for name in names {
        let _ = users.apply(name, set(1, SessionPresence::Available, "PT1H"), at("09:00")).unwrap();
        let _ = users.apply(name, SetPreferred::new(PreferredPresence::Busy), at("09:00")).unwrap();
    }
    let before = ALLOCATIONS.get();
    for second in 1..200 {
        let now = at("09:00") + SignedDuration::seconds(second);
        for name in names {
            let expiration = SessionExpiration::new(SignedDuration::hours(1)).unwrap();
            let body = SetSession::new(1, SessionPresence::Available).with_expiration(expiration);
            let _ = users.apply(name, body, now).unwrap();
        }
        assert_eq!(users.tick(now), None);
    }
    assert_eq!(ALLOCATIONS.get(), before);
}

#[test]
fn a_directory_of_nobody_allocates_nothing() {
    let before = ALLOCATIONS.get();
    let users = PresenceDirectory::<u64, u64>::new();
    assert_eq!((ALLOCATIONS.get(), users.len()), (before, 0));
}

/// What is left to ask for is the queue's, which is sorted by time and not by user.
#[test]
fn a_directory_with_memory_for_a_crowd_does_not_grow_for_it() {
    let mut users = PresenceDirectory::<u64, u64>::with_capacity(usize::try_from(USERS).unwrap());
    let before = BYTES.get();
    for user in 0..USERS {
        let _ = users.apply(&user, set(1, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
    }
    let grown = BYTES.get() - before;
    assert!(grown < 32 * isize::try_from(USERS).unwrap(), "{grown} bytes more");
}

/// As many as make the table double just before, with deadlines all over five minutes.
#[test]
fn a_user_of_two_sessions_takes_less_than_160_bytes() {
    let before = BYTES.get();
    let mut users = PresenceDirectory::<u64, u64>::new();
    for user in 0..62_500 {
        let now = at("09:00") + SignedDuration::milliseconds(i64::try_from(user * 5).unwrap());
        for (id, claim) in [(1, SessionPresence::InACall), (2, SessionPresence::Available)] {
            let _ = users.apply(&user, set(id, claim, "PT4H"), now).unwrap();
        }
    }
    let bytes = BYTES.get() - before;
    assert!(bytes < 160 * 62_500, "{bytes} bytes");
}

/// The deadline goes back and forth, so that each second one is earlier than what is queued.
#[test]
fn alternating_lifetimes_keep_memory_within_a_constant_per_user() {
    stays_small(|round| SignedDuration::minutes(if round % 2 == 0 { 240 } else { 5 }));
}

#[test]
fn ever_earlier_deadlines_keep_memory_within_a_constant_per_user() {
    stays_small(|round| SignedDuration::hours(4) - SignedDuration::nanoseconds(2 * round));
    stays_small(|round| SignedDuration::hours(4) - SignedDuration::seconds(10 * round));
}

/// Every second command is a farewell, so that the most that may lie in the queue falls meanwhile.
#[test]
fn ever_earlier_deadlines_of_a_crowd_that_leaves_keep_memory_within_a_constant_per_user() {
    let before = BYTES.get();
    let mut users = PresenceDirectory::<u64, u64>::new();
    let sooner = |users: &mut PresenceDirectory<_, _>, user, sets: i64| {
        let expiration = SignedDuration::hours(4) - SignedDuration::microseconds(sets);
        let body = SetSession::new(1, SessionPresence::Away);
        let body = body.with_expiration(SessionExpiration::new(expiration).unwrap());
        let _ = users.apply(&user, body, at("09:00")).unwrap();
    };
    for user in 0..USERS {
        sooner(&mut users, user, 0);
    }
    for user in 0..USERS / 2 {
        sooner(&mut users, USERS - 1, i64::try_from(user).unwrap());
        let _ = users.apply(&user, ClearSession::new(1), at("09:00")).unwrap();
    }
    for sets in 0..100_000 {
        sooner(&mut users, USERS - 1, 1_000 + sets);
    }
    let bytes = BYTES.get() - before;
    assert!(bytes < BYTES_A_USER * isize::try_from(users.len()).unwrap(), "{bytes} bytes");
}

/// A preference that changes nothing of when the user is to be looked at.
#[test]
fn a_command_that_moves_no_deadline_earlier_leaves_nothing_behind() {
    let mut users = PresenceDirectory::<u64, u64>::new();
    let prefer = |users: &mut PresenceDirectory<_, _>, user, second| {
        let now = at("09:00") + SignedDuration::seconds(second);
        let _ = users.apply(&user, SetPreferred::new(PreferredPresence::Busy), now).unwrap();
    };
    for user in 0..USERS {
        let _ = users.apply(&user, set(1, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
        prefer(&mut users, user, 0);
    }
    let before = BYTES.get();
    for user in 0..USERS {
        prefer(&mut users, user, 1);
        assert_eq!(BYTES.get(), before, "after {user} users");
    }
}

/// They leave the queue and come back to it, one by one, and nobody counts them twice.
#[test]
fn a_crowd_that_fades_together_is_queued_anew_in_one_list_that_grows() {
    let mut users = PresenceDirectory::<u64, u64>::new();
    for user in 0..USERS {
        let _ = users.apply(&user, set(1, SessionPresence::Available, "PT4H"), at("09:00")).unwrap();
    }
    for now in [at("09:05"), at("09:10")] {
        let before = ALLOCATIONS.get();
        while users.tick(now).is_some() {}
        let allocations = ALLOCATIONS.get() - before;
        assert!(allocations <= 10, "{allocations} allocations at {now:?}");
    }
}

#[test]
fn memory_returns_when_a_crowd_leaves() {
    for by_expiry in [true, false] {
        let before = BYTES.get();
        let mut users = PresenceDirectory::<u64, u64>::new();
        for user in 0..20 * USERS {
            let body = set(1, SessionPresence::Away, if user == 0 { "PT4H" } else { "PT1H" });
            let _ = users.apply(&user, body, at("09:00")).unwrap();
        }
        let crowded = BYTES.get() - before;
        if by_expiry {
            while users.tick(at("10:00")).is_some() {}
        } else {
            for user in 1..20 * USERS {
                let _ = users.apply(&user, ClearSession::new(1), at("09:00")).unwrap();
            }
        }
        assert_eq!(users.len(), 1);
        let left = BYTES.get() - before;
        assert!(left < 64 * 1024 && left < crowded / 20, "{left} of {crowded} bytes are left");
        drop(users);
        assert_eq!(BYTES.get(), before);
    }
}

/// Sets everybody again and again, a nanosecond apart, and measures all the while: nothing piles up, and
/// it is not tidied up all the time.
fn stays_small(lifetime: impl Fn(i64) -> SignedDuration) {
    let (before, allocations) = (BYTES.get(), ALLOCATIONS.get());
    let mut users = PresenceDirectory::<u64, u64>::new();
    let mut most = 0;
    for round in 0..100 {
        let now = at("09:00") + SignedDuration::nanoseconds(round);
        let expiration = SessionExpiration::new(lifetime(round)).unwrap();
        for user in 0..USERS {
            let body = SetSession::new(1, SessionPresence::Away).with_expiration(expiration);
            let _ = users.apply(&user, body, now).unwrap();
            most = most.max(BYTES.get() - before);
        }
    }
    let users = isize::try_from(USERS).unwrap();
    println!("{} bytes a user at most", most / users);
    assert!(most < BYTES_A_USER * users, "{} bytes a user", most / users);
    let allocations = ALLOCATIONS.get() - allocations;
    assert!(allocations < 5_000, "{allocations} allocations for 100,000 commands");
}

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts for each thread, as tests run side by side.
struct Counting;

fn count(bytes: usize, sign: isize) {
    BYTES.set(BYTES.get() + sign * bytes.cast_signed());
    ALLOCATIONS.set(ALLOCATIONS.get() + usize::from(sign > 0));
}

// SAFETY: All is left to the system's allocator; the counters have no destructor and never allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: The caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: The caller's contract is the same.
        unsafe { System.dealloc(place, layout) }
    }
}
