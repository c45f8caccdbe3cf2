//! A directory without a queue and without a table: a map of models.

use std::collections::BTreeMap;
use std::mem;

use presence_core::{Command, CommandError, Presence, PresenceModel, SignedDuration, Timestamp};

type Model = PresenceModel<u8>;

/// What was reported before, and what is in effect now.
pub(crate) type Change = (Presence, Presence);

/// A tick that is earlier than the latest update by more than this is a step of the clock.
const STEP: SignedDuration = SignedDuration::MINUTE;

pub(crate) struct PlainDirectory {
    users: BTreeMap<u8, Stored>,
    /// The latest `now` of any update since the clock last stepped back.
    latest: Timestamp,
}

impl PlainDirectory {
    pub(crate) fn new() -> Self {
        let first = nearest(Timestamp::MIN);
        Self { users: BTreeMap::new(), latest: first }
    }

    pub(crate) fn apply(
        &mut self,
        user: u8,
        command: Command<u8>,
        now: Timestamp,
    ) -> Result<Change, CommandError> {
        let stored = self.users.get(&user);
        let mut model = stored.map_or_else(Model::new, |stored| stored.model.clone());
        let previous = stored.map_or(Presence::Offline, |stored| stored.reported);
        let current = model.apply(command, now)?.current;
        self.store(user, Stored::new(model, current, nearest(now)));
        self.see(now);
        Ok((previous, current))
    }

    /// Reports the first change that is due.
    ///
    /// The order is that of the timestamps at which users begin to differ from what was reported, and
    /// then that of the users. What ends unseen before such a timestamp is removed.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Option<(u8, Change)> {
        if nearest(now) < self.latest.saturating_sub(STEP) {
            self.users.values_mut().for_each(|stored| stored.expire(nearest(now)));
            self.latest = nearest(now);
        }
        self.see(now);
        loop {
            let first = self.first_due(now);
            self.users.retain(|user, stored| {
                let is_before = |end| first.map_or(end <= nearest(now), |first| (end, *user) < first);
                while !stored.is_empty() && is_before(stored.next_end) {
                    stored.expire(stored.next_end);
                }
                !stored.is_empty() || !is_before(stored.next_end)
            });
            let (_, user) = first?;
            let mut stored = self.users.remove(&user)?;
            let (previous, current) = stored.tick(nearest(now));
            self.store(user, stored);
            if previous != current {
                return Some((user, (previous, current)));
            }
        }
    }

    /// Inserts a model over one that was removed.
    pub(crate) fn insert(&mut self, user: u8, model: Model, replaced: Option<&Model>, now: Timestamp) {
        let reported = replaced.unwrap_or(&model).reported();
        let mut stored = Stored::new(model, reported, nearest(now));
        stored.expire(nearest(now));
        self.store(user, stored);
        self.see(now);
    }

    /// Compares a model that was removed, and removes it here.
    pub(crate) fn compare_removed(&mut self, user: u8, model: Option<&Model>) {
        let stored = self.users.remove(&user);
        assert_eq!(stored.is_some(), model.is_some(), "whether user {user} is stored");
        if let (Some(stored), Some(model)) = (stored, model) {
            stored.compare(model);
        }
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&u8) -> bool) {
        self.users.retain(|user, _| keep(user));
    }

    /// Remembers the `now` of an update.
    pub(crate) fn see(&mut self, now: Timestamp) {
        self.latest = self.latest.max(nearest(now));
    }

    fn store(&mut self, user: u8, stored: Stored) {
        if stored.is_empty() {
            self.users.remove(&user);
        } else {
            self.users.insert(user, stored);
        }
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = (&u8, &Stored)> {
        self.users.iter()
    }

    pub(crate) fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Returns when something next ends or is reported.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.users.values().map(|stored| stored.next_end).min()
    }

    pub(crate) fn next_due_of(&self, user: u8) -> Option<Timestamp> {
        self.users.get(&user).map(|stored| stored.next_end)
    }

    /// Returns when the next change is reported, if that is by `now` and the tick is no step of the clock.
    pub(crate) fn first_change(&self, now: Timestamp) -> Option<Timestamp> {
        let due = self.users.values().filter_map(|stored| {
            let due = stored.differs_at?.max(self.latest);
            (due <= nearest(now) && stored.presence(due) != stored.reported).then_some(due)
        });
        due.min()
    }

    fn first_due(&self, now: Timestamp) -> Option<(Timestamp, u8)> {
        let due = self.users.iter().filter_map(|(user, stored)| Some((stored.differs_at?, *user)));
        due.filter(|(at, _)| *at <= nearest(now)).min()
    }
}

/// A user.
#[derive(Clone)]
pub(crate) struct Stored {
    model: Model,
    /// What the directory has reported. The model also counts what only expires it.
    reported: Presence,
    /// The `now` of the last update of the user.
    updated: Timestamp,
    /// The earliest timestamp from the last update on at which the effective presence differs from
    /// what was reported.
    differs_at: Option<Timestamp>,
    /// When something ends, or is reported, or is removed because nothing is left.
    next_end: Timestamp,
}

impl Stored {
    fn new(model: Model, reported: Presence, updated: Timestamp) -> Self {
        let differs_at = if model.presence(updated) == reported {
            model.forecast(updated).next().map(|change| change.at)
        } else {
            Some(updated)
        };
        let end = model.deadline(updated).unwrap_or(updated);
        let next_end = differs_at.map_or(end, |at| at.min(end));
        Self { model, reported, updated, differs_at, next_end }
    }

    /// Lets time pass without a report.
    fn expire(&mut self, now: Timestamp) {
        let mut model = mem::take(&mut self.model);
        let _ = model.tick(now);
        *self = Self::new(model, self.reported, now);
    }

    /// Lets time pass, and reports what is in effect.
    fn tick(&mut self, now: Timestamp) -> Change {
        let mut model = mem::take(&mut self.model);
        let (previous, current) = (self.reported, model.tick(now).current);
        *self = Self::new(model, current, now);
        (previous, current)
    }

    pub(crate) fn presence(&self, now: Timestamp) -> Presence {
        self.model.presence(now)
    }

    /// Returns whether nothing is left, and nothing is left to report.
    fn is_empty(&self) -> bool {
        self.model.deadline(self.updated).is_none() && self.reported == Presence::Offline
    }

    /// Compares everything that is stored.
    pub(crate) fn compare(&self, model: &Model) {
        assert_eq!(model.reported(), self.reported);
        assert!(model.sessions(self.updated).eq(self.model.sessions(self.updated)), "{model:?}");
        assert_eq!(model.preferred(self.updated), self.model.preferred(self.updated));
    }
}

/// Returns the nearest timestamp within 64 bits of nanoseconds.
pub(crate) fn nearest(at: Timestamp) -> Timestamp {
    let nanoseconds = at.as_nanoseconds().clamp(i64::MIN.into(), i64::MAX.into());
    Timestamp::from_nanoseconds(nanoseconds).unwrap()
}
