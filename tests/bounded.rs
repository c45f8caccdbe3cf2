//! No call does work that grows with the number of users (rule O3): counts of hashes, comparisons and
//! bytes, never times.

mod common;
mod counting;

use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher};

use common::{at, deterministic, prefer, set};
use counting::{BYTES, CountedHashes, HASHES, PEAK, REQUESTED, RETURNED};
use presence_core::{
    ClearPreferred, ClearSession, Command, Outcome, PreferredExpiration, PreferredPresence,
    PresenceDirectory, PresenceModel, SessionExpiration, SessionPresence, SetPreferred, SetSession,
    SignedDuration, Timestamp,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Enough that one table would hash 57,344 users when it grows, and that one bucket, with a thousand
/// users at each timestamp, would be sorted with more comparisons than `COMPARISONS_LIMIT`.
const USERS: u32 = 64_000;

const HASHES_LIMIT: usize = 8_192;
const COMPARISONS_LIMIT: usize = 262_144;
/// The bytes that a call allocates in all, and the bytes that it frees.
const BYTES_LIMIT: usize = 4 << 20;
const BYTES_A_USER: isize = 160;

const HOURS_4: SignedDuration = SignedDuration::hours(4);

#[test]
fn users_that_come_and_refresh_and_leave_one_by_one() {
    let mut users = Measured::new();
    for (step, user) in (0..USERS).enumerate() {
        users.apply(user, away(HOURS_4), nanosecond_at("09:00", step));
    }
    users.read(at("09:00"));
    // All entries are deferred when they come due.
    for (step, user) in shuffled(USERS).enumerate() {
        users.apply(user, away(HOURS_4), nanosecond_at("10:00", step));
    }
    assert_eq!(users.run(at("13:30")), 0);
    // Half of the users leave, one by one, and the others expire.
    for (step, user) in shuffled(USERS).enumerate().step_by(4) {
        users.apply(user, ClearSession::new(0), nanosecond_at("13:30", step));
        users.remove((user + 1) % USERS);
    }
    users.read(at("13:59"));
    let left = users.len();
    assert_eq!(users.run(at("15:00")), left);
    assert_eq!(users.len(), 0);
}

#[test]
fn users_that_move_and_leave_by_a_command() {
    let mut users = Measured::crowd();
    let mut other = Measured::new();
    for user in shuffled(USERS) {
        let model = users.remove(user).unwrap();
        other.insert(user, model, at("09:01"));
    }
    for user in shuffled(USERS) {
        other.apply(user, ClearSession::new(0), at("09:01"));
    }
    assert_eq!((users.len(), other.len()), (0, 0));
}

/// More users than have entries in 4 MiB. Their deadline is queued first, and whatever the guest leaves behind
/// comes before it or after it.
#[test]
fn a_guest_comes_and_goes_beside_users_with_one_deadline() {
    let count = 300_000;
    let mut users = Measured::crowd_of(count);
    for step in 0..1_000 {
        let lifetime = SignedDuration::minutes(5) + SignedDuration::nanoseconds(step);
        users.apply(count, away(lifetime), at("09:00"));
        users.apply(count, ClearSession::new(0), at("09:00"));
    }
    for step in 0..usize::try_from(count / 8 + count + 64).unwrap() {
        users.apply(count, away(HOURS_4), nanosecond_at("09:00:01", step));
        users.apply(count, ClearSession::new(0), nanosecond_at("09:00:01", step));
    }
    assert_eq!(users.call(|users| users.tick(at("09:05:01"))), None);
    for user in 0..3_000 {
        users.apply(count + user, away(HOURS_4), nanosecond_at("09:05:02", 0));
    }
}

/// The first half by ticks at each deadline, the second one by the iterator over the changes.
#[test]
fn a_thousand_users_are_due_at_each_timestamp() {
    let mut users = Measured::new();
    for (step, user) in shuffled(USERS).enumerate() {
        let lifetime = HOURS_4 + SignedDuration::milliseconds(-i64::try_from(step / 1_000).unwrap());
        users.apply(user, away(lifetime), at("09:00"));
    }
    let half = at("13:00") - SignedDuration::milliseconds(i64::from(USERS / 2_000));
    assert_eq!(users.run(half), USERS / 2);
    let mut reported = 0;
    while users.call(|users| users.changes_until(at("14:00")).next()).is_some() {
        reported += 1;
    }
    assert_eq!((reported, users.len()), (USERS / 2, 0));
}

/// Each deadline is before the one that is queued.
#[test]
fn deadlines_come_a_nanosecond_earlier_each_time() {
    for is_open in [false, true] {
        let mut users = Measured::new();
        if is_open {
            users.open_for_ever();
        }
        for round in 0..3 {
            for user in shuffled(USERS) {
                let sooner = i64::from(round * USERS + user);
                let lifetime = HOURS_4 - SignedDuration::nanoseconds(sooner);
                users.apply(user, away(lifetime), at("09:05"));
            }
        }
        users.run(at("14:00"));
    }
}

#[test]
fn lifetimes_alternate() {
    for is_open in [false, true] {
        let mut users = Measured::new();
        if is_open {
            users.open_for_ever();
        }
        for round in 0..3 {
            let lifetime = if round % 2 == 0 { HOURS_4 } else { SignedDuration::minutes(5) };
            for (step, user) in shuffled(USERS).enumerate() {
                users.apply(user, away(lifetime), nanosecond_at("09:05", step + 64_000 * round));
            }
        }
        users.run(at("14:00"));
    }
}

#[test]
fn crowds_come_and_go() {
    for is_open in [false, true] {
        let mut users = Measured::new();
        if is_open {
            users.open_for_ever();
        }
        let crowd = USERS / 3;
        for round in 0..3 {
            for user in 0..crowd {
                users.apply(user + round * crowd / 2, away(HOURS_4), at("09:05"));
            }
            for user in shuffled(crowd) {
                users.remove(user + round * crowd / 2);
            }
        }
    }
}

#[test]
fn preferences_end_in_100_000_years() {
    let mut users = Measured::new();
    for user in shuffled(USERS) {
        users.apply(user, years_100_000(), at("09:00"));
        let lifetime = SignedDuration::seconds(300 + i64::from(user % (USERS / 320)));
        users.apply(user, away(lifetime), at("09:00"));
    }
    users.run(at("14:00"));
    for user in shuffled(USERS) {
        users.apply(user, prefer(PreferredPresence::Busy, "P1D"), at("14:00"));
        users.apply(user, years_100_000(), at("14:00"));
        users.apply(user, ClearPreferred, at("14:00"));
    }
    users.read(at("14:00"));
}

/// The first tick looks each user up and sorts them, once. The calls after it are like any others,
/// whatever the users do.
#[test]
fn all_users_are_due_at_one_timestamp() {
    for then in 0..4 {
        let mut users = Measured::crowd();
        let before = Counts::now();
        assert!(users.users.tick(at("13:00")).is_some());
        let first = before.elapsed();
        assert!(first.hashes <= 2 * USERS as usize, "{first:?}");
        assert!(first.comparisons <= 2 * (USERS * USERS.ilog2()) as usize, "{first:?}");
        match then {
            0 => drop(users.run(at("13:00"))),
            1 => {
                for user in shuffled(USERS) {
                    users.remove(user);
                }
            }
            2 => {
                for user in shuffled(USERS) {
                    users.apply(user, away(HOURS_4), at("13:00"));
                }
                assert_eq!(users.run(at("13:00")), 0);
            }
            _ => users.read(at("13:00")),
        }
    }
}

/// Half of the users leave or are refreshed while all of them are due.
#[test]
fn a_tick_skips_no_users_that_are_due_no_longer() {
    for leave in [false, true] {
        let mut users = Measured::crowd();
        assert!(users.users.tick(at("13:00")).is_some());
        for user in 1..USERS / 2 {
            if leave {
                users.remove(user);
            } else {
                users.apply(user, away(HOURS_4), at("13:00"));
            }
        }
        let before = Counts::now();
        assert_eq!(users.users.tick(at("13:00")).map(|(user, _)| user.0), Some(USERS / 2));
        let counts = before.elapsed();
        assert!(counts.comparisons < 1_000, "{counts:?}");
    }
}

/// Users are inserted over themselves, so that each deadline is queued again.
#[test]
fn users_that_are_inserted_again_and_again_keep_memory_within_a_constant_per_user() {
    for is_tied in [false, true] {
        let before = BYTES.get();
        let mut users = Measured::new();
        let crowd = 20_000;
        for (step, user) in shuffled(crowd).enumerate() {
            let step = if is_tied { 0 } else { step };
            users.apply(user, away(HOURS_4), nanosecond_at("09:00", step));
        }
        let fresh = BYTES.get() - before;
        let mut most = 0;
        for _ in 0..8 {
            for user in shuffled(crowd) {
                let model = users.users.get(&User(user)).unwrap().clone();
                users.insert(user, model, at("09:05"));
            }
            most = most.max(BYTES.get() - before);
        }
        assert!(most < 2 * fresh, "{most} bytes, {fresh} at first");
    }
}

#[test]
fn a_user_with_two_sessions_takes_less_than_160_bytes_at_every_size() {
    takes_less_than_160_bytes_a_user(PresenceDirectory::new(), 200_000);
}

/// A small directory has opened a list with a deadline in 100,000 years, and more users have it then.
#[test]
fn users_that_come_after_a_far_deadline_was_opened_take_no_more_memory() {
    for far in [1, 600, 3_000] {
        let near = bytes_of(|users| come_within_five_minutes(users, 60_000));
        let far_alone = bytes_of(|users| open_far_deadline(users, far));
        let both = bytes_of(|users| {
            open_far_deadline(users, far);
            come_within_five_minutes(users, 60_000);
        });
        assert!(both < far_alone + near + near / 50, "{both} bytes, {near} without {far} others");
    }
}

/// A long session first and a short one second, or the other way round.
#[test]
fn memory_does_not_depend_on_the_order_of_sessions() {
    let sessions = [(1, SessionPresence::InACall), (2, SessionPresence::Available)];
    let bytes = [sessions, [sessions[1], sessions[0]]].map(|sessions| {
        bytes_of(|users| {
            for user in 0..60_000 {
                let now = nanosecond_at("09:00", usize::try_from(user * 5_000).unwrap());
                for (id, claim) in sessions {
                    let _ = users.apply(&user, set(id, claim, "PT4H"), now).unwrap();
                }
            }
        })
    });
    assert!(bytes[0].abs_diff(bytes[1]) < bytes[0].unsigned_abs() / 50, "{bytes:?} bytes");
}

fn open_far_deadline(users: &mut PresenceDirectory<u64, u64>, count: u64) {
    let _ = users.apply(&999_998, years_100_000(), at("08:00")).unwrap();
    let _ = users.apply(&999_999, set(1, SessionPresence::InACall, "PT5M"), at("08:00")).unwrap();
    assert!(users.tick(at("08:05")).is_some() && users.tick(at("08:05")).is_none());
    for user in 1_000_000..1_000_000 + count {
        let _ = users.apply(&user, years_100_000(), at("08:05")).unwrap();
    }
}

fn come_within_five_minutes(users: &mut PresenceDirectory<u64, u64>, count: u64) {
    for user in 0..count {
        let now = nanosecond_at("09:00", usize::try_from(user * 5_000).unwrap());
        let _ = users.apply(&user, set(1, SessionPresence::InACall, "PT4H"), now).unwrap();
    }
}

/// Returns the bytes that a directory holds.
fn bytes_of(fill: impl FnOnce(&mut PresenceDirectory<u64, u64>)) -> isize {
    let before = BYTES.get();
    let mut users = PresenceDirectory::new();
    fill(&mut users);
    BYTES.get() - before
}

/// Measured after every 64th user, with what was allocated meanwhile.
fn takes_less_than_160_bytes_a_user(mut users: PresenceDirectory<u64, u64>, count: u64) {
    let before = BYTES.get();
    for user in 0..count {
        let now = nanosecond_at("09:00", usize::try_from(user * 5_000).unwrap());
        for (id, claim) in [(1, SessionPresence::InACall), (2, SessionPresence::Available)] {
            let _ = users.apply(&user, set(id, claim, "PT4H"), now).unwrap();
        }
        if user % 64 == 0 {
            let peak = PEAK.replace(0) - before;
            let users = isize::try_from(users.len()).unwrap();
            assert!(users < 100_000 || peak < BYTES_A_USER * users, "{peak} bytes for {users} users");
        }
    }
}

#[test]
fn memory_returns_when_a_crowd_has_left() {
    for by in 0..5 {
        let before = BYTES.get();
        let mut users = Measured::crowd();
        let crowded = BYTES.get() - before;
        users.apply(USERS, away(HOURS_4), at("10:00"));
        match by {
            0 => (0..USERS).for_each(|user| drop(users.remove(user))),
            1 => shuffled(USERS).for_each(|user| drop(users.remove(user))),
            2 => shuffled(USERS).for_each(|user| users.apply(user, ClearSession::new(0), at("10:00"))),
            3 => while users.users.tick(at("13:00")).is_some() {},
            _ => {
                let _ = users.users.tick(at("13:00"));
                shuffled(USERS).for_each(|user| drop(users.remove(user)));
            }
        }
        assert_eq!(users.len(), 1);
        let left = BYTES.get() - before;
        assert!(left < 64 * 1_024, "{by}: {left} of {crowded} bytes are left");
        drop(users);
        assert_eq!(BYTES.get(), before);
    }
}

/// O1: dan takes the memory of ann, and bob, cy and dan are due at one timestamp.
#[test]
fn users_in_the_memory_of_others_are_reported_in_order() {
    assert_eq!(log(CountedHashes), ["zoe", "bob", "cy", "dan"]);
    assert_eq!((log(Residues(1)), log(Residues(2))), (log(CountedHashes), log(CountedHashes)));
}

fn log(hasher: impl BuildHasher) -> Vec<&'static str> {
    let mut users = PresenceDirectory::<&str, u8, _>::with_hasher(hasher);
    for (user, lifetime) in [("zoe", "PT5M"), ("ann", "PT4H"), ("bob", "PT4H"), ("cy", "PT4H")] {
        let _ = users.apply(&user, set(0, SessionPresence::Away, lifetime), at("09:00")).unwrap();
    }
    for user in ["ann", "bob", "cy"] {
        let _ = users.apply(&user, prefer(PreferredPresence::Busy, "PT1S"), at("09:05:01")).unwrap();
    }
    let _ = users.apply(&"ann", ClearSession::new(0), at("09:05:01")).unwrap();
    let _ = users.apply(&"ann", ClearPreferred, at("09:05:01")).unwrap();
    let _ = users.apply(&"dan", set(0, SessionPresence::Away, "PT4H"), at("09:05:01")).unwrap();
    let _ = users.apply(&"dan", prefer(PreferredPresence::Busy, "PT1S"), at("09:05:01")).unwrap();
    std::iter::from_fn(|| users.tick(at("09:05:04"))).map(|(user, _)| user).collect()
}

proptest! {
    #![proptest_config(deterministic())]

    /// O1: whatever the hashes, and whatever was fetched. Each user is hashed once to be fetched.
    #[test]
    fn no_answer_depends_on_hashes_or_on_prefetch(
        history in vec((0..24_u8, 0..6_u8, 0..3_i64), 1..200),
    ) {
        let all: Vec<u8> = (0..24).collect();
        let mut expected = PresenceDirectory::<u8, u8, _>::with_hasher(CountedHashes);
        let mut fetched = expected.clone();
        let mut one = PresenceDirectory::<u8, u8, _>::with_hasher(Residues(1));
        let mut two = PresenceDirectory::<u8, u8, _>::with_hasher(Residues(2));
        let mut now = at("09:00");
        for (user, act, minutes) in history {
            now += SignedDuration::minutes(minutes);
            let before = HASHES.get();
            fetched.prefetch(&all);
            prop_assert_eq!(HASHES.get() - before, all.len());
            let answer = act_on(&mut expected, user, act, now);
            prop_assert_eq!(&act_on(&mut fetched, user, act, now), &answer);
            prop_assert_eq!(&act_on(&mut one, user, act, now), &answer);
            prop_assert_eq!(&act_on(&mut two, user, act, now), &answer);
        }
    }
}

/// Returns what a call reports, and the next deadline.
fn act_on<H: BuildHasher>(
    users: &mut PresenceDirectory<u8, u8, H>,
    user: u8,
    act: u8,
    now: Timestamp,
) -> (Vec<(u8, Outcome)>, usize) {
    let outcome = match act {
        0 => users.apply(&user, set(0, SessionPresence::Away, "PT5M"), now).ok(),
        1 => users.apply(&user, set(1, SessionPresence::Available, "PT9M"), now).ok(),
        2 => users.apply(&user, prefer(PreferredPresence::Busy, "PT3M"), now).ok(),
        3 => users.apply(&user, ClearSession::new(0), now).ok(),
        4 => {
            let model = users.remove(&user);
            model.and_then(|model| users.insert(user, model, now));
            None
        }
        _ => return (std::iter::from_fn(|| users.tick(now)).collect(), users.len()),
    };
    (outcome.map(|outcome| (user, outcome)).into_iter().collect(), users.len())
}

/// A hasher of users with this many values.
#[derive(Clone, Copy)]
struct Residues(u64);

struct Residue(DefaultHasher, u64);

impl BuildHasher for Residues {
    type Hasher = Residue;

    fn build_hasher(&self) -> Residue {
        Residue(DefaultHasher::new(), self.0)
    }
}

impl Hasher for Residue {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish() % self.1
    }
}

/// A user id that counts comparisons.
#[derive(Debug, Clone, Copy)]
struct User(u32);

impl Hash for User {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

thread_local! {
    static COMPARISONS: Cell<usize> = const { Cell::new(0) };
}

impl PartialEq for User {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for User {}

impl PartialOrd for User {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for User {
    fn cmp(&self, other: &Self) -> Ordering {
        COMPARISONS.set(COMPARISONS.get() + 1);
        self.0.cmp(&other.0)
    }
}

/// What calls have done.
#[derive(Debug, Clone, Copy)]
struct Counts {
    hashes: usize,
    comparisons: usize,
    allocated: usize,
    freed: usize,
}

impl Counts {
    fn now() -> Self {
        Self {
            hashes: HASHES.get(),
            comparisons: COMPARISONS.get(),
            allocated: REQUESTED.get(),
            freed: RETURNED.get(),
        }
    }

    /// Returns what was done since then.
    fn elapsed(self) -> Self {
        let now = Self::now();
        Self {
            hashes: now.hashes - self.hashes,
            comparisons: now.comparisons - self.comparisons,
            allocated: now.allocated - self.allocated,
            freed: now.freed - self.freed,
        }
    }
}

/// A directory that asserts the bounds of each call.
struct Measured {
    users: PresenceDirectory<User, u8, CountedHashes>,
}

impl Measured {
    fn new() -> Self {
        Self { users: PresenceDirectory::with_hasher(CountedHashes) }
    }

    /// Creates a directory of users who are due at 13:00.
    fn crowd() -> Self {
        Self::crowd_of(USERS)
    }

    fn crowd_of(count: u32) -> Self {
        let mut users = Self::new();
        for user in shuffled(count) {
            users.apply(user, away(HOURS_4), at("09:00"));
        }
        users
    }

    fn len(&self) -> u32 {
        u32::try_from(self.users.len()).unwrap()
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut PresenceDirectory<User, u8, CountedHashes>) -> T) -> T {
        let before = Counts::now();
        let result = call(&mut self.users);
        let counts = before.elapsed();
        assert!(
            counts.hashes <= HASHES_LIMIT
                && counts.comparisons <= COMPARISONS_LIMIT
                && counts.allocated <= BYTES_LIMIT
                && counts.freed <= BYTES_LIMIT,
            "{counts:?}"
        );
        result
    }

    fn apply(&mut self, user: u32, command: impl Into<Command<u8>>, now: Timestamp) {
        let outcome = self.call(|users| users.apply(&User(user), command, now));
        assert!(outcome.is_ok(), "{outcome:?}");
    }

    fn remove(&mut self, user: u32) -> Option<PresenceModel<u8>> {
        self.call(|users| users.remove(&User(user)))
    }

    fn insert(&mut self, user: u32, model: PresenceModel<u8>, now: Timestamp) {
        self.call(|users| users.insert(User(user), model, now));
    }

    /// Ticks at each deadline until a timestamp, and returns how many changes were reported.
    fn run(&mut self, until: Timestamp) -> u32 {
        let mut reported = 0;
        while let Some(now) = self.users.next_deadline().filter(|now| *now <= until) {
            while self.call(|users| users.tick(now)).is_some() {
                reported += 1;
            }
        }
        reported
    }

    /// Reads users one by one, and in groups.
    fn read(&mut self, now: Timestamp) {
        for user in (0..USERS).step_by(97).map(User) {
            let _ = self.call(|users| users.presence(&user, now));
            let _ = self.call(|users| users.explain(&user, now).presence);
            let _ = self.call(|users| users.contains(&user) && users.get(&user).is_some());
            let group: [User; 32] =
                std::array::from_fn(|next| User(user.0 + u32::try_from(next).unwrap()));
            self.call(|users| users.prefetch(&group));
            assert_eq!(self.call(|users| users.presences(&group, now).count()), 32);
        }
    }

    /// Opens a bucket that has a deadline in 100,000 years, so that all others are before its end.
    fn open_for_ever(&mut self) {
        self.apply(USERS, years_100_000(), at("09:00"));
        self.apply(USERS + 1, away(SignedDuration::minutes(5)), at("09:00"));
        assert_eq!(self.run(at("09:05")), 1);
    }
}

fn away(lifetime: SignedDuration) -> SetSession<u8> {
    SetSession::new(0, SessionPresence::Away).with_expiration(SessionExpiration::new(lifetime).unwrap())
}

fn years_100_000() -> SetPreferred {
    let expiration = PreferredExpiration::new(SignedDuration::days(36_525_000)).unwrap();
    SetPreferred::new(PreferredPresence::Busy).with_expiration(expiration)
}

/// Returns each user once.
fn shuffled(users: u32) -> impl Iterator<Item = u32> {
    (0..users).map(move |user| u32::try_from(u64::from(user) * 77_777 % u64::from(users)).unwrap())
}

fn nanosecond_at(face: &str, step: usize) -> Timestamp {
    at(face) + SignedDuration::nanoseconds(i64::try_from(step).unwrap())
}
