//! Histories of a few users in a directory.
//!
//! The input is decoded into commands, ticks, moves and reads at timestamps near the boundaries. If the
//! first byte is even, the clock also steps back, and a directory is compared with a plain map of
//! models, once with the default hasher and once with one that makes all users collide. If it is
//! odd, three directories, between which users move, are compared with one.

#![no_main]

mod input;
mod plain;

use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::iter;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use presence_core::{
    Command, Outcome, PresenceDirectory, PresenceModel, SessionPresence, SetSession, SignedDuration,
    Timestamp,
};

use crate::input::{Input, USERS};
use crate::plain::{PlainDirectory, nearest};

type Model = PresenceModel<u8>;

/// The number of steps of one history.
const STEPS: usize = 300;
/// The number of users that come together. It makes the table grow and shrink.
const CROWD: u8 = 90;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    if first.is_multiple_of(2) {
        compare_with_models(Input::new(rest), PresenceDirectory::new());
        let hasher = BuildHasherDefault::<Collisions>::default();
        compare_with_models(Input::new(rest), PresenceDirectory::with_hasher(hasher));
    } else {
        compare_with_three(Input::new(rest), first / 2 % 2 == 1);
    }
});

/// A hasher that gives every user the same hash.
#[derive(Default)]
struct Collisions;

impl Hasher for Collisions {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, _: &[u8]) {}
}

/// Runs a history in a directory and in a plain one.
fn compare_with_models<H: BuildHasher + Clone>(
    mut input: Input,
    directory: PresenceDirectory<u8, u8, H>,
) {
    let mut both = Both { directory, plain: PlainDirectory::new() };
    let mut removed = vec![Model::new()];
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let now = input.now(&both.plain);
        both.step(&mut input, &mut removed, now);
        both.compare(now);
    }
    let end = both.plain.latest();
    for now in [end, end.saturating_add(SignedDuration::HOUR), Timestamp::MAX] {
        both.tick_dry(now);
    }
    assert!(both.directory.is_empty());
}

/// A directory and what it is compared with.
struct Both<H> {
    directory: PresenceDirectory<u8, u8, H>,
    plain: PlainDirectory,
}

impl<H: BuildHasher + Clone> Both<H> {
    fn step(&mut self, input: &mut Input, removed: &mut Vec<Model>, now: Timestamp) {
        match input.below(25) {
            0..=8 => {
                let (user, command) = (input.user(), input.command());
                self.apply(user, command, now);
            }
            9..=11 => drop(self.tick(now)),
            12 | 13 => self.tick_dry(now),
            14 | 15 => self.changes_until(now),
            16 | 17 => {
                let user = input.user();
                let model = self.directory.remove(&user);
                self.plain.compare_removed(user, model.as_ref());
                removed.extend(model);
            }
            18 => {
                let (user, model) = (input.user(), removed[input.below(removed.len())].clone());
                self.insert(user, model, now);
            }
            19 => {
                let (user, other) = (input.user(), input.user());
                let model = self.directory.get(&other).cloned().unwrap_or_default();
                self.insert(user, model, now);
            }
            20 => {
                let modulus = input.below(6) + 1;
                let is_kept = |user: &u8| !usize::from(*user).is_multiple_of(modulus);
                self.directory.retain(|user, _| is_kept(user));
                self.plain.retain(is_kept);
            }
            21 if input.below(2) == 0 => self.directory = self.directory.clone(),
            21 => {
                self.directory.clear();
                self.plain.retain(|_| false);
            }
            22 if input.takes_crowd() => {
                let command = input.command();
                (0..CROWD).for_each(|user| self.apply(USERS + user, command, now));
            }
            23 if input.takes_crowd() => self.apply_to_all_sessions(input.user(), now),
            _ if input.takes_crowd() => {
                let user = input.user();
                let commands = [input.command(), input.command()];
                let rows = commands.iter().cycle().take(usize::from(CROWD) * 2);
                rows.for_each(|command| self.apply(user, *command, now));
            }
            _ => {}
        }
    }

    fn apply(&mut self, user: u8, command: Command<u8>, now: Timestamp) {
        let expected = self.plain.apply(user, command, now);
        assert_eq!(self.directory.apply(&user, command, now).map(pair), expected);
    }

    /// Sets more sessions than a user may have.
    fn apply_to_all_sessions(&mut self, user: u8, now: Timestamp) {
        for id in 0..130 {
            let claim = SessionPresence::ALL[usize::from(id) % SessionPresence::ALL.len()];
            self.apply(user, SetSession::new(id, claim).into(), now);
        }
    }

    fn insert(&mut self, user: u8, model: Model, now: Timestamp) {
        let replaced = self.directory.insert(user, model.clone(), now);
        self.plain.compare_removed(user, replaced.as_ref());
        self.plain.insert(user, model, replaced.as_ref(), now);
    }

    fn tick(&mut self, now: Timestamp) -> Option<(u8, Outcome)> {
        let change = self.directory.tick(now);
        let expected = self.plain.tick(now);
        assert_eq!(
            change.map(|(user, outcome)| (user, pair(outcome))),
            expected,
            "the change at {now:?}"
        );
        if change.is_none() {
            let next = self.directory.next_deadline();
            assert!(next.is_none_or(|next| next > nearest(now)), "a dry tick leaves nothing due");
        }
        change
    }

    fn tick_dry(&mut self, now: Timestamp) {
        while self.tick(now).is_some() {}
    }

    /// Ticks at each deadline until `until`.
    fn changes_until(&mut self, until: Timestamp) {
        let mut expected = Vec::new();
        let mut copy = self.directory.clone();
        loop {
            let now = self.directory.next_deadline().map_or(until, |next| next.min(until));
            // While time does not go backwards, a change has the timestamp at which it came into effect.
            let punctual = (nearest(now) >= self.plain.latest()).then(|| self.plain.first_change(now));
            let change = self.tick(now);
            if let Some(punctual) = punctual {
                assert_eq!(change.map(|_| nearest(now)), punctual);
            }
            match change {
                Some((user, outcome)) => expected.push((now, user, outcome)),
                None if now >= until => break,
                None => {}
            }
        }
        assert!(copy.changes_until(until).eq(expected));
    }

    /// Compares everything that can be read.
    fn compare(&self, now: Timestamp) {
        let Self { directory, plain } = self;
        assert_eq!(directory.len(), plain.users().count());
        assert!(directory.iter().all(|(user, _)| plain.users().any(|(other, _)| other == user)));
        for (user, stored) in plain.users() {
            let model = directory.get(user).expect("the user is stored");
            stored.compare(model);
            for now in [now, plain.latest()] {
                assert_eq!(
                    directory.presence(user, now),
                    stored.presence(now),
                    "user {user} at {now:?}"
                );
            }
        }
        for user in 0..USERS {
            assert_eq!(directory.contains(&user), directory.get(&user).is_some());
            assert_eq!(directory.explain(&user, now).presence, directory.presence(&user, now));
        }

        let next = directory.next_deadline();
        let latest = plain.latest();
        assert!(next.is_none_or(|next| next >= latest), "{next:?} is before {latest:?} (rule T7)");
        if let Some(due) = plain.next_due() {
            let next = next.expect("a deadline");
            assert!(next <= due.max(latest), "{next:?} is after {due:?}");
        }
        let limit = Duration::from_mins(1);
        let wait = next.map_or(limit, |next| (next - nearest(now)).try_into().unwrap_or_default());
        assert_eq!(directory.timeout(now, limit), wait.min(limit));
    }
}

fn pair(outcome: Outcome) -> plain::Change {
    (outcome.previous, outcome.current)
}

/// Runs a history in one directory and in three, while time does not go backwards. With `is_punctual`,
/// every change is reported at its timestamp.
fn compare_with_three(mut input: Input, is_punctual: bool) {
    let mut split = Split::default();
    let mut homes = [0, 1, 2].into_iter().cycle().take(USERS.into()).collect::<Vec<_>>();
    // Its deadlines are the boundaries that the input aims at.
    let mut plain = PlainDirectory::new();
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let now = input.now(&plain).max(plain.latest());
        while plain.tick(now).is_some() {}
        if is_punctual {
            split.changes_until(now);
        }
        let (action, user) = (input.below(8), input.user());
        let home = &mut homes[usize::from(user)];
        match action {
            0..=4 => {
                let command = input.command();
                let result = split.three[*home].apply(&user, command, now);
                assert_eq!(split.one.apply(&user, command, now), result);
                assert_eq!(plain.apply(user, command, now).is_ok(), result.is_ok());
            }
            5 => split.tick_dry(now),
            _ => {
                let target = input.below(3);
                if let Some(model) = split.three[*home].remove(&user) {
                    let bytes = postcard::to_allocvec(&model).unwrap();
                    let model = postcard::from_bytes(&bytes).unwrap();
                    assert_eq!(split.three[target].insert(user, model, now), None);
                }
                *home = target;
            }
        }
        for (user, home) in (0..USERS).zip(&homes) {
            assert_eq!(split.one.presence(&user, now), split.three[*home].presence(&user, now));
        }
    }
    split.tick_dry(plain.latest());
    split.changes_until(Timestamp::MAX);
    assert!(split.one.is_empty() && split.three.iter().all(PresenceDirectory::is_empty));
}

/// One directory and three that share its users.
#[derive(Default)]
struct Split {
    one: PresenceDirectory<u8, u8>,
    three: [PresenceDirectory<u8, u8>; 3],
}

impl Split {
    /// Compares the changes of a late tick. Their order depends on the moves before it.
    fn tick_dry(&mut self, now: Timestamp) {
        let dry = |users: &mut PresenceDirectory<u8, u8>| {
            iter::from_fn(|| users.tick(now)).collect::<Vec<_>>()
        };
        let mut expected = dry(&mut self.one);
        expected.sort_by_key(|(user, _)| *user);
        let mut changes: Vec<_> = self.three.iter_mut().flat_map(dry).collect();
        changes.sort_by_key(|(user, _)| *user);
        assert_eq!(changes, expected);
    }

    /// Compares the changes of punctual ticks, with their timestamps and in their order.
    fn changes_until(&mut self, until: Timestamp) {
        let mut changes: Vec<_> =
            self.three.iter_mut().flat_map(|users| users.changes_until(until)).collect();
        changes.sort_by_key(|(at, user, _)| (*at, *user));
        assert!(self.one.changes_until(until).eq(changes));
    }
}
