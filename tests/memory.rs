//! The memory that a directory takes and gives back.

mod common;
mod counting;

use common::{at, just_before, prefer, set};
use counting::{ALLOCATIONS, BYTES, Counted, CountedHashes, HASHES, crowd};
use presence_core::{
    ClearSession, PreferredPresence, PresenceDirectory, SessionExpiration, SessionPresence,
    SetPreferred, SetSession, SignedDuration,
};

const USERS: u64 = 1_000;

/// The limit for one user with one session, about three times what it takes, because tables grow by
/// doubling.
const BYTES_A_USER: isize = 400;

/// A tick, and a refresh of a user that is stored already.
#[test]
fn a_refresh_allocates_nothing() {
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

/// With one to three sessions, with and without a preference, and also if the effective presence
/// changes.
#[test]
fn a_refresh_hashes_once_and_allocates_nothing() {
    for sessions in 1..=3 {
        for preferring in [false, true] {
            let mut users = PresenceDirectory::<u8, u8, _>::with_hasher(CountedHashes);
            for id in 0..sessions {
                let _ = users.apply(&7, set(id, SessionPresence::Away, "PT4H"), at("09:00")).unwrap();
            }
            if preferring {
                let _ = users.apply(&7, prefer(PreferredPresence::Busy, "PT8H"), at("09:00")).unwrap();
            }
            let (hashes, allocations) = (HASHES.get(), ALLOCATIONS.get());
            for (id, claim, now) in [
                (0, SessionPresence::Away, at("09:00")),
                (sessions - 1, SessionPresence::Away, at("09:01")),
                (0, SessionPresence::InACall, at("09:02")),
                (0, SessionPresence::Away, at("09:03")),
            ] {
                let _ = users.apply(&7, set(id, claim, "PT4H"), now).unwrap();
            }
            let (hashes, allocations) = (HASHES.get() - hashes, ALLOCATIONS.get() - allocations);
            assert_eq!((hashes, allocations), (4, 0), "{sessions} sessions, preferring: {preferring}");
        }
    }
}

#[test]
fn an_empty_directory_allocates_nothing() {
    let before = ALLOCATIONS.get();
    let users = PresenceDirectory::<u64, u64>::new();
    assert_eq!((ALLOCATIONS.get(), users.len()), (before, 0));
}

/// Every day, in whatever way they leave.
#[test]
fn a_crowd_that_comes_and_goes_leaves_no_memory_behind() {
    for day in 0..5 {
        let before = BYTES.get();
        let mut users = PresenceDirectory::<u64, u64>::new();
        for day in [day, day + 1, day] {
            come(&mut users, 20 * USERS, day);
            leave(&mut users, day);
            let left = BYTES.get() - before;
            assert!(left < 1_024, "{left} bytes on day {day}");
        }
    }
}

/// Adds users that are away for four hours from this day on.
fn come(users: &mut PresenceDirectory<u64, u64>, count: u64, day: i64) {
    let now = at("09:00") + SignedDuration::days(day);
    for user in 0..count {
        let _ = users.apply(&user, set(1, SessionPresence::Away, "PT4H"), now).unwrap();
    }
}

/// Removes all users, in another way each day.
fn leave(users: &mut PresenceDirectory<u64, u64>, day: i64) {
    let now = at("13:00") + SignedDuration::days(day);
    let all: Vec<u64> = users.iter().map(|(user, _)| *user).collect();
    match day {
        0 => all.iter().for_each(|user| drop(users.remove(user))),
        1 => users.clear(),
        2 => users.retain(|_, _| false),
        3 => while users.tick(now).is_some() {},
        _ => {
            for user in all {
                let _ = users.apply(&user, ClearSession::new(1), just_before(now)).unwrap();
            }
        }
    }
    assert!(users.is_empty());
}

/// As many as make the table double just before, with deadlines all over five minutes.
#[test]
fn a_user_with_two_sessions_takes_less_than_160_bytes() {
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

/// Every second command removes a user, so that the bound on the queue falls meanwhile.
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

/// A preference that does not change when the user is due.
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

/// They leave the queue and come back to it, one by one. Users that share a deadline are sorted in a
/// tree of nodes of five to eleven.
#[test]
fn a_crowd_that_fades_together_allocates_once_for_every_fifth_user_at_most() {
    let mut users = PresenceDirectory::<u64, u64>::new();
    for user in 0..USERS {
        let _ = users.apply(&user, set(1, SessionPresence::Available, "PT4H"), at("09:00")).unwrap();
    }
    for now in [at("09:05"), at("09:10")] {
        let before = ALLOCATIONS.get();
        while users.tick(now).is_some() {}
        let allocations = ALLOCATIONS.get() - before;
        assert!(allocations <= 200, "{allocations} allocations at {now:?}");
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

#[test]
fn the_memory_of_a_crowd_is_given_back() {
    let (few, _users) = held(|| crowd(10));
    let (left, users) = held(|| {
        let mut users = crowd(2_000);
        for user in 10..2_000 {
            let _ = users.apply(&Counted(user), ClearSession::new(0), at("09:01")).unwrap();
        }
        users
    });
    assert_eq!(users.len(), 10);
    assert!(left < 20 * few, "{left} bytes, {few} for as many users that never were more");

    let (left, users) = held(|| {
        let mut users = crowd(2_000);
        while let Some(now) = users.next_deadline() {
            while users.tick(now).is_some() {}
        }
        users
    });
    assert!(users.is_empty() && left < 20 * few, "{left} bytes");
}

/// The queue holds one entry a user, and a few that do not count.
#[test]
fn no_pattern_of_deadlines_makes_a_directory_grow() {
    let (fresh, _users) = held(|| crowd(100));
    let alternating = |round| SignedDuration::minutes(if round % 2 == 0 { 240 } else { 5 });
    let earlier = |round| SignedDuration::hours(2) - SignedDuration::nanoseconds(2 * round);
    let much_earlier = |round| SignedDuration::hours(2) - SignedDuration::seconds(2 * round);
    let patterns: [fn(i64) -> SignedDuration; 3] = [alternating, earlier, much_earlier];
    for (number, lifetime) in patterns.into_iter().enumerate() {
        let before = BYTES.get();
        let mut users = crowd(100);
        for round in 0..400 {
            let now = at("09:00") + SignedDuration::nanoseconds(round);
            let expiration = SessionExpiration::new(lifetime(round)).unwrap();
            for user in 0..100 {
                let body = SetSession::new(0, SessionPresence::Away).with_expiration(expiration);
                let _ = users.apply(&Counted(user), body, now).unwrap();
            }
            let held = BYTES.get() - before;
            assert!(held < 3 * fresh, "pattern {number}: {held} bytes, {fresh} at the start");
        }
    }
}

/// Sets all users again and again, a nanosecond apart, and measures all the while: nothing piles up, and
/// cleaning up is rare.
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

/// Returns how many bytes a directory holds.
fn held<T>(users: impl FnOnce() -> T) -> (isize, T) {
    let before = BYTES.get();
    let users = users();
    (BYTES.get() - before, users)
}
