//! A restart after a long downtime, with 300,000 rows that are overdue.
//!
//! The work of a call is counted in hashes, comparisons and bytes, never in time.

mod common;
mod counting;

use std::cell::Cell;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use common::{at, set};
use counting::{CountedHashes, HASHES, REQUESTED};
use presence_core::{
    Outcome, Presence, PresenceDirectory, PresenceModel, SessionPresence, SetSession, SignedDuration,
    Tick, Timestamp,
};

type Users = PresenceDirectory<User, u8, CountedHashes>;

const ROWS: u32 = 300_000;

/// A table has at most 3,584 users when it is split.
const HASHES_LIMIT: usize = 4_096;
const COMPARISONS_LIMIT: usize = 1_024;
const BYTES_LIMIT: usize = 1 << 20;

/// Returns the place of the end of a row among all ends.
type Order = fn(row: u32) -> u32;

const ORDERS: [(&str, Order); 3] = [
    ("first end first", |row| row),
    ("last end first", |row| ROWS - 1 - row),
    ("mixed, a thousand rows with each end", |row| mixed(row) / 3_000 * 3_000 + row % 3),
];

/// O3: as the page about persistence does it. The directory meets no model that is overdue.
#[test]
fn no_call_works_for_other_users_if_each_model_is_ticked_and_then_inserted() {
    for (name, order) in ORDERS {
        assert_bounded(name, order, |users, user, mut model, now| {
            let outcome = model.tick(now);
            users.insert(user, model, now);
            outcome
        });
    }
}

/// O3: by a command for each of them.
#[test]
fn no_call_works_for_other_users_if_each_model_is_inserted_and_then_ticked() {
    let (name, order) = ORDERS[2];
    assert_bounded(name, order, |users, user, model, now| {
        users.insert(user.clone(), model, now);
        users.apply(&user, Tick, now).unwrap()
    });
}

/// The limits bite: this is what both avoid.
#[test]
fn the_first_tick_works_for_all_users_if_all_models_are_inserted_before_it() {
    let (store, now) = (Store::new(), at("18:00"));
    let mut users = Users::with_hasher(CountedHashes);
    for row in 0..ROWS {
        users.insert(User(row), store.model(mixed(row)).0, now);
    }
    let mut tick = Work::default();
    assert!(tick.measure(|| users.tick(now)).is_some());
    assert!(!tick.is_bounded(), "{tick:?}");
}

/// Two rows of three are of users who are gone, and one is of a user who is away by now.
fn assert_bounded(
    name: &str,
    order: Order,
    restore: fn(&mut Users, User, PresenceModel<u8>, Timestamp) -> Outcome,
) {
    let (store, now) = (Store::new(), at("18:00"));
    let mut users = Users::with_hasher(CountedHashes);
    let mut longest = Work::default();
    let mut away = 0;
    for row in 0..ROWS {
        let (model, expected) = store.model(order(row));
        let outcome = longest.measure(|| restore(&mut users, User(row), model, now));
        assert_eq!((outcome.previous, outcome.current), (Presence::Available, expected), "{name}");
        away += usize::from(expected == Presence::Away);
    }
    assert!(away > 99_000, "{name}: {away}");
    assert_eq!(users.len(), away, "{name}: a user who is gone is not kept");
    assert_eq!(longest.measure(|| users.tick(now)), None, "{name}: nothing has piled up");
    assert!(longest.is_bounded(), "{name}: {longest:?}");
}

fn mixed(row: u32) -> u32 {
    u32::try_from(u64::from(row) * 190_027 % u64::from(ROWS)).unwrap()
}

/// The rows as they were stored before the downtime.
struct Store {
    /// Two were set for an hour, one for so long that it is away by now.
    commands: [(SetSession<u8>, Timestamp, Presence); 3],
}

impl Store {
    fn new() -> Self {
        let row = |lifetime, since, now| (set(0, SessionPresence::Available, lifetime), at(since), now);
        let gone = row("PT1H", "09:00", Presence::Offline);
        Self { commands: [row("PT4H", "15:00", Presence::Away), gone, gone] }
    }

    /// Returns the model of a row by the place of its end, and what it shows by now.
    fn model(&self, place: u32) -> (PresenceModel<u8>, Presence) {
        let (command, since, expected) = self.commands[place as usize % 3];
        let mut model = PresenceModel::new();
        let _ = model.apply(command, since + SignedDuration::milliseconds(place.into())).unwrap();
        (model, expected)
    }
}

/// A user id whose comparisons are counted.
#[derive(Debug, Clone, Eq)]
struct User(u32);

thread_local! {
    static COMPARISONS: Cell<usize> = const { Cell::new(0) };
}

impl Hash for User {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for User {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

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

/// The most that any measured call has done.
#[derive(Debug, Default)]
struct Work {
    hashes: usize,
    comparisons: usize,
    bytes: usize,
}

impl Work {
    fn measure<T>(&mut self, call: impl FnOnce() -> T) -> T {
        for counter in [&HASHES, &COMPARISONS, &REQUESTED] {
            counter.set(0);
        }
        let result = call();
        self.hashes = self.hashes.max(HASHES.get());
        self.comparisons = self.comparisons.max(COMPARISONS.get());
        self.bytes = self.bytes.max(REQUESTED.get());
        result
    }

    fn is_bounded(&self) -> bool {
        self.hashes <= HASHES_LIMIT && self.comparisons <= COMPARISONS_LIMIT && self.bytes <= BYTES_LIMIT
    }
}
