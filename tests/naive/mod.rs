//! A second implementation of a directory: one model a user, searched from end to end at every call.

#![allow(dead_code, reason = "no test file uses all of it")]

pub(crate) mod days;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, Hasher};

use presence_core::{
    Command, CommandError, Outcome, Presence, PresenceDirectory, PresenceModel, SignedDuration,
    Timestamp,
};

use crate::common::{just_after, just_before, nanosecond};
use days::{Act, Step, USERS};

/// The users that are stored.
#[derive(Debug)]
pub(crate) struct Naive {
    users: BTreeMap<u8, User>,
    /// The latest `now` of any update since the clock last stepped back.
    pub(crate) latest: Timestamp,
    /// How many ticks were taken for a step of the clock.
    pub(crate) steps: usize,
}

#[derive(Debug)]
struct User {
    model: PresenceModel<u8>,
    reported: Presence,
    /// The `now` of the last update of this user.
    updated: Timestamp,
}

impl Default for Naive {
    fn default() -> Self {
        let first = nanosecond(i64::MIN);
        Self { users: BTreeMap::new(), latest: first, steps: 0 }
    }
}

impl Naive {
    pub(crate) fn apply(
        &mut self,
        user: u8,
        command: Command<u8>,
        now: Timestamp,
    ) -> Result<Outcome, CommandError> {
        let now = saturated(now);
        let (mut model, reported) = match self.users.get(&user) {
            None => (PresenceModel::new(), Presence::Offline),
            Some(user) => (user.model.clone(), user.reported),
        };
        let mut outcome = model.apply(command, now)?;
        outcome.previous = reported;
        self.see(now);
        self.store(user, User { model, reported: outcome.current, updated: now });
        Ok(outcome)
    }

    /// O1: the first user that has changed, by the deadline that caused the change, then by user.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Option<(u8, Outcome)> {
        let now = saturated(now);
        if now < saturated(self.latest.saturating_sub(SignedDuration::MINUTE)) {
            self.clamp(now);
        }
        self.see(now);
        let expected = self.first_to_report(now);
        let change = self.pass(now);
        assert_eq!(change.map(|(name, _)| name), expected, "the order of changes at {now:?}");
        change
    }

    /// Passes whatever ends by `now`, one timestamp and one user at a time, until one has changed.
    fn pass(&mut self, now: Timestamp) -> Option<(u8, Outcome)> {
        loop {
            let events = self.users.iter().map(|(name, user)| (user.next_event(), *name));
            let (at, name) = events.min().filter(|(at, _)| *at <= now)?;
            let mut user = self.users.remove(&name)?;
            if user.model.presence(at) == user.reported {
                let _ = user.model.tick(at);
                self.store(name, User { updated: at, ..user });
                continue;
            }
            let mut outcome = user.model.tick(now);
            outcome.previous = user.reported;
            self.store(name, User { reported: outcome.current, updated: now, ..user });
            if outcome.changed().is_some() {
                return Some((name, outcome));
            }
        }
    }

    /// The formal rule: a user's key is the earliest timestamp from its last update on at which the
    /// effective presence differs from what was reported. Ties are ordered by user.
    fn first_to_report(&self, now: Timestamp) -> Option<u8> {
        let is_news = |user: &User| user.model.presence(now.max(user.updated)) != user.reported;
        let keys = self.users.iter().filter(|(_, user)| is_news(user));
        let keys = keys.filter_map(|(name, user)| Some((user.next_change()?, *name)));
        keys.min().filter(|(key, _)| *key <= now).map(|(_, name)| name)
    }

    /// T5: every start in the future moves to `now`. A difference that this makes is due at once.
    fn clamp(&mut self, now: Timestamp) {
        self.steps += 1;
        self.latest = now;
        for user in self.users.values_mut() {
            let _ = user.model.tick(now);
            user.updated = now;
        }
    }

    /// Returns whether it replaces a user.
    pub(crate) fn insert(&mut self, user: u8, mut model: PresenceModel<u8>, now: Timestamp) -> bool {
        let now = saturated(now);
        let replaced = self.users.remove(&user);
        let reported = replaced.as_ref().map_or(model.reported(), |replaced| replaced.reported);
        let _ = model.tick(now);
        self.see(now);
        if model.presence(now) != reported || model.deadline(now).is_some() {
            self.users.insert(user, User { model, reported, updated: now });
        }
        replaced.is_some()
    }

    pub(crate) fn remove(&mut self, user: u8) -> bool {
        self.users.remove(&user).is_some()
    }

    /// Stores a user that has just been updated, unless nothing is left of it.
    fn store(&mut self, name: u8, user: User) {
        let is_left = user.model.deadline(user.updated).is_some();
        if is_left {
            self.users.insert(name, user);
        } else {
            self.users.remove(&name);
        }
    }

    fn see(&mut self, now: Timestamp) {
        self.latest = self.latest.max(now);
    }

    /// Returns when the first change comes without a command, or the latest `now` if that is overdue.
    pub(crate) fn next_change(&self) -> Option<Timestamp> {
        let changes = self.users.values().filter_map(User::next_change);
        changes.min().map(|change| change.max(self.latest))
    }

    pub(crate) fn presence(&self, user: u8, now: Timestamp) -> Presence {
        self.users.get(&user).map_or(Presence::Offline, |user| user.model.presence(now))
    }

    /// Compares all that can be read at `now`.
    pub(crate) fn assert_reads_agree<H: BuildHasher>(
        &self,
        users: &PresenceDirectory<u8, u8, H>,
        now: Timestamp,
    ) {
        let expected: Vec<_> = (0..USERS).map(|user| self.presence(user, now)).collect();
        assert!(users.presences(&(0..USERS).collect::<Vec<_>>(), now).eq(expected.iter().copied()));
        for user in 0..USERS {
            assert_eq!(users.presence(&user, now), expected[usize::from(user)], "{user} at {now:?}");
            assert_eq!(users.contains(&user), self.users.contains_key(&user), "{user} at {now:?}");
        }
        assert_eq!((users.len(), users.is_empty()), (self.users.len(), self.users.is_empty()));
        for (name, user) in users {
            let naive = &self.users[name];
            assert_eq!(user.reported(), naive.reported, "{name} at {now:?}");
            assert!(user.sessions(now).eq(naive.model.sessions(now)), "{name} at {now:?}");
            assert_eq!(user.preferred(now), naive.model.preferred(now), "{name} at {now:?}");
        }
    }

    /// Compares what is stored, if all that was due has been reported.
    pub(crate) fn assert_models_agree<H: BuildHasher>(&self, users: &PresenceDirectory<u8, u8, H>) {
        for (name, user) in &self.users {
            let mut stored = users.get(name).cloned().expect("a user that is stored here too");
            // By a clock that is behind, a difference that an insert made is not due yet. The model
            // here has been ticked all the same.
            if user.is_news() {
                assert_eq!(stored.tick(user.updated).previous, user.reported, "{name}");
            }
            assert_eq!(stored, user.model, "{name}");
        }
        assert_eq!(users.len(), self.users.len());
    }

    /// T7: it is not before the latest update, and not after the next change.
    pub(crate) fn assert_deadline_fits(&self, next: Option<Timestamp>) {
        assert!(next.is_none_or(|next| next >= self.latest), "{next:?} is before {:?}", self.latest);
        if let Some(change) = self.next_change() {
            assert!(next.is_some_and(|next| next <= change), "{next:?} is after {change:?}");
        }
    }
}

impl User {
    /// Returns whether an insert or a step of the clock made a difference that is not reported yet.
    fn is_news(&self) -> bool {
        self.model.presence(self.updated) != self.reported
    }

    /// Returns when anything ends, visible or not, or the last update if that left something to do.
    fn next_event(&self) -> Timestamp {
        self.model.deadline(self.updated).filter(|_| !self.is_news()).unwrap_or(self.updated)
    }

    fn next_change(&self) -> Option<Timestamp> {
        let change = self.model.forecast(self.updated).next().map(|change| change.at);
        if self.is_news() { Some(self.updated) } else { change }
    }
}

/// T6: timestamps saturate.
pub(crate) fn saturated(timestamp: Timestamp) -> Timestamp {
    timestamp.clamp(nanosecond(i64::MIN), nanosecond(i64::MAX))
}

/// Lives through a day and compares every answer; then runs from deadline to deadline until no user is
/// left.
pub(crate) fn compare<H: BuildHasher>(users: &mut PresenceDirectory<u8, u8, H>, day: &[Step]) -> Naive {
    let mut naive = Naive::default();
    for Step { now, act } in day {
        match act {
            Act::Apply(user, command) => {
                let result = users.apply(user, *command, *now);
                assert_eq!(result, naive.apply(*user, *command, *now), "{user} at {now:?}");
            }
            Act::Tick(changes) => {
                for _ in 0..*changes {
                    let change = users.tick(*now);
                    assert_eq!(change, naive.tick(*now), "{now:?}");
                    if change.is_none() {
                        assert_ran_dry(users, &naive, *now);
                        break;
                    }
                    naive.assert_deadline_fits(users.next_deadline());
                    naive.assert_reads_agree(users, *now);
                }
            }
            Act::Move(from, to) => {
                let moved = users.remove(from);
                assert_eq!(moved.is_some(), naive.remove(*from));
                naive.assert_deadline_fits(users.next_deadline());
                if let Some(model) = moved {
                    let replaced = users.insert(*to, model.clone(), *now);
                    assert_eq!(replaced.is_some(), naive.insert(*to, model, *now));
                }
            }
        }
        naive.assert_deadline_fits(users.next_deadline());
        naive.assert_reads_agree(users, *now);
        for later in
            users.next_deadline().into_iter().flat_map(|at| [just_before(at), at, just_after(at)])
        {
            naive.assert_reads_agree(users, later.max(*now));
        }
    }

    let boundaries = 20 * day.len() + 64;
    for _ in 0..boundaries {
        let Some(now) = users.next_deadline() else { break };
        naive.assert_deadline_fits(Some(now));
        loop {
            let change = users.tick(now);
            assert_eq!(change, naive.tick(now), "{now:?}");
            naive.assert_reads_agree(users, now);
            if change.is_none() {
                break;
            }
            naive.assert_deadline_fits(users.next_deadline());
        }
        assert_ran_dry(users, &naive, now);
    }
    assert_eq!((users.next_deadline(), users.len()), (None, 0));
    naive
}

/// A tick that reports nothing has done all that was due.
fn assert_ran_dry<H: BuildHasher>(users: &PresenceDirectory<u8, u8, H>, naive: &Naive, now: Timestamp) {
    assert!(users.next_deadline().is_none_or(|next| next > saturated(now)), "it has moved on");
    naive.assert_deadline_fits(users.next_deadline());
    naive.assert_models_agree(users);
}

/// Ticks until nothing more has changed.
pub(crate) fn ticked<U, H>(users: &mut PresenceDirectory<U, u8, H>, now: Timestamp) -> Vec<(U, Outcome)>
where
    U: Clone + Hash + Ord,
    H: BuildHasher,
{
    std::iter::from_fn(|| users.tick(now)).collect()
}

/// A hasher that gives every user the same hash.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SameHash;

impl BuildHasher for SameHash {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for SameHash {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, _: &[u8]) {}
}
