//! Who owns which shard, as one process sees it: events and the time in, actions out. No I/O and no clock.
//!
//! NATS holds two kinds of keys. The *key of a process* says that it is alive: NATS forgets it [`LEASE`]
//! after it was written. The *record of a shard* names its owner, and is only changed by compare-and-swap.
//!
//! # The rules
//!
//! 1. A process answers for the shards that it owns until [`LEASE`] after it began the last renewal of
//!    its key. Without a lease it takes nothing.
//! 2. It renews its key by compare-and-swap. If the key has lapsed, it abandons everything. It writes a new
//!    key when the last of its owners has ended, and nothing is being taken.
//! 3. It takes a shard by compare-and-swap of the record. If the record names this process, it always
//!    does: a leave has failed, or an answer was lost. If the record names nobody, or a process that is
//!    dead, it does while it has less than its share.
//! 4. A process is dead for a shard if its own key was missing for a whole [`LEASE`], while the record of
//!    the shard did not change. A listing of keys proves nothing: it can miss a key that is being renewed.
//! 5. A process leaves what is more than its share. A leave that fails or takes too long is taken back by
//!    rule 3.
//!
//! # Why two processes never answer for the same shard
//!
//! The key of the owner is read after the record. If the key is missing, no renewal succeeds any more, and
//! the last lease of the owner ends within [`LEASE`]; who takes the shard waits as long. If the owner comes
//! back with a new key, it owns nothing. To own the shard again it changes the record, and then the
//! compare-and-swap of the other fails. The clocks of the processes and of NATS may show anything, as long
//! as the clock of each process runs at the right speed.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::shard::shard_of;

/// How long a process lives for the others after it wrote its key. A process that dies is replaced after
/// two of them, which is less than a command waits for its owner.
pub const LEASE: Duration = Duration::from_secs(2);
/// How often [`Event::Poll`] comes. A lease survives three renewals that fail.
pub const POLL: Duration = Duration::from_millis(500);
/// How long leaving a shard may take.
const LEAVE: Duration = Duration::from_secs(5);
/// How many shards are left at once. The others answer meanwhile.
const LEAVES: usize = 16;
/// How long a process keeps what is more than its share after a leave has failed: a shard that cannot be
/// stored now would only start over again and again.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one process knows of the shards, and what it does about them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ownership {
    id: String,
    /// The revision of the key of this process, if it has one.
    key: Option<u64>,
    valid_until: Duration,
    /// When the renewal began that has no answer yet.
    renewal: Option<Duration>,
    look: Look,
    shards: Vec<State>,
    /// Until then nothing is left for its share.
    patience: Duration,
    stopping: bool,
}

/// What happens to a process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Event {
    /// Time has passed. It comes every [`POLL`].
    Poll,
    /// The process is to stop.
    Stop,
    /// The answer to [`Action::Renew`].
    Renewed(Written),
    /// The answer to [`Action::Survey`], if there was one.
    Surveyed(Option<Survey>),
    /// The answer to [`Action::FindMissing`], if there was one: the processes that have no key.
    MissingFound(Option<BTreeSet<String>>),
    /// The answer to [`Action::Take`].
    Taken(usize, Written),
    /// The owner of a shard has ended: the record names nobody.
    Left(usize),
    /// The owner of a shard has ended in any other way.
    Failed(usize),
}

/// What a process has to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Write the key of this process, if it has this revision. Without a revision, write it in any case.
    Renew(Option<u64>),
    /// List the keys of the processes, and read the record of each shard.
    Survey,
    /// Read the keys of these processes.
    FindMissing(BTreeSet<String>),
    /// Write this process into the record of a shard, if it has this revision.
    Take(usize, u64),
    /// Start the owner of a shard, whose record has this revision.
    Own(usize, u64),
    /// Let the owner of a shard store it and free the record. [`Event::Left`] or [`Event::Failed`] follows.
    Leave(usize),
    /// End the owner of a shard at once. [`Event::Failed`] follows.
    Abandon(usize),
}

/// The outcome of a compare-and-swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Written {
    /// It was written, with this revision.
    Revision(u64),
    /// The key has another revision.
    Conflict,
    /// There was no answer. It may be written, now or later.
    Unknown,
}

/// What the keys say. They are not read at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Survey {
    /// The processes that have a key. Some may be missing.
    pub alive: BTreeSet<String>,
    /// The record of each shard.
    pub records: Vec<Record>,
}

/// The record of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// The process that owns the shard.
    pub owner: Option<String>,
    /// The revision, or 0 if there is no record.
    pub revision: u64,
}

/// What a process does to find out about the others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Look {
    Idle,
    Surveying,
    /// The survey is known, and the keys of owners are read that it misses.
    FindingMissing(Survey),
}

/// What a process has to do with a shard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum State {
    /// Another process may own it.
    Other(Option<Missing>),
    /// It has no owner here, and its record may name this process.
    Failed,
    /// It is being taken.
    Taking,
    /// It is owned since its record has this revision.
    Owned(u64),
    /// It is being left to others, since this time.
    Leaving(Duration),
    /// Its owner was told to end at once.
    Ending,
}

/// The owner of a shard has no key, since this time, and the record has this revision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Missing {
    revision: u64,
    since: Duration,
}

impl Ownership {
    /// Creates the state of a process that owns nothing yet.
    #[must_use]
    pub fn new(id: &str, shards: usize) -> Self {
        Self {
            id: id.to_owned(),
            key: None,
            valid_until: Duration::ZERO,
            renewal: None,
            look: Look::Idle,
            shards: vec![State::Other(None); shards],
            patience: Duration::ZERO,
            stopping: false,
        }
    }

    /// Returns what is to be done, in this order. `now` is the time since some start, by a clock that
    /// never goes backwards.
    #[must_use]
    pub fn handle(&mut self, event: Event, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Poll => self.poll(now, &mut actions),
            Event::Stop => {
                self.stopping = true;
                self.leave_surplus(0, now, &mut actions);
            }
            Event::Renewed(written) => self.renewed(written, now, &mut actions),
            Event::Surveyed(survey) => self.surveyed(survey, now, &mut actions),
            Event::MissingFound(missing) => {
                if let Look::FindingMissing(survey) = std::mem::replace(&mut self.look, Look::Idle)
                    && let Some(missing) = missing
                {
                    self.decide(&survey, &missing, now, &mut actions);
                }
            }
            Event::Taken(shard, written) => self.taken(shard, written, now, &mut actions),
            Event::Left(shard) => self.ended(shard, State::Other(None), now, &mut actions),
            Event::Failed(shard) => self.ended(shard, State::Failed, now, &mut actions),
        }
        actions
    }

    /// Returns until when this process may answer for what it owns.
    #[must_use]
    pub fn valid_until(&self) -> Duration {
        self.valid_until
    }

    /// Returns the shards for which this process answers, or should.
    pub fn expected(&self) -> impl Iterator<Item = usize> {
        let states = self.shards.iter().enumerate();
        states.filter_map(|(shard, state)| match state {
            State::Taking | State::Owned(_) | State::Failed | State::Ending => Some(shard),
            State::Other(_) | State::Leaving(_) => None,
        })
    }

    /// Returns whether the process was told to stop, and has nothing more to do.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.stopping && !self.is_busy()
    }

    fn poll(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if self.stopping && now >= self.valid_until {
            self.abandon_all(actions);
        }
        for (shard, state) in self.shards.iter_mut().enumerate() {
            if let State::Leaving(since) = state
                && now >= *since + LEAVE
            {
                *state = State::Ending;
                self.patience = now + PATIENCE;
                actions.push(Action::Abandon(shard));
            }
        }
        self.renew(now, actions);
        if self.look == Look::Idle && !self.stopping {
            self.look = Look::Surveying;
            actions.push(Action::Survey);
        }
    }

    /// Renews the key, or writes a new one if nothing is left of the time of the old one. Rule 2.
    fn renew(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if self.renewal.is_none() && (self.key.is_some() || !self.is_busy()) {
            self.renewal = Some(now);
            actions.push(Action::Renew(self.key));
        }
    }

    fn begin_anew(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if self.key.is_none() {
            self.renew(now, actions);
        }
    }

    fn renewed(&mut self, written: Written, now: Duration, actions: &mut Vec<Action>) {
        let Some(started) = self.renewal.take() else { return };
        match written {
            Written::Revision(revision) => {
                self.key = Some(revision);
                self.valid_until = started + LEASE;
            }
            Written::Conflict => {
                self.key = None;
                self.valid_until = Duration::ZERO;
                self.abandon_all(actions);
                self.renew(now, actions);
            }
            Written::Unknown => {}
        }
    }

    fn surveyed(&mut self, survey: Option<Survey>, now: Duration, actions: &mut Vec<Action>) {
        self.look = Look::Idle;
        let Some(survey) = survey else { return };
        let owners = survey.records.iter().filter_map(|record| record.owner.as_ref());
        let unseen: BTreeSet<_> = owners
            .filter(|owner| **owner != self.id && !survey.alive.contains(*owner))
            .cloned()
            .collect();
        if unseen.is_empty() {
            self.decide(&survey, &unseen, now, actions);
        } else {
            self.look = Look::FindingMissing(survey);
            actions.push(Action::FindMissing(unseen));
        }
    }

    /// Takes and leaves shards by what the keys say.
    fn decide(
        &mut self,
        survey: &Survey,
        missing: &BTreeSet<String>,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        let others = survey.alive.iter().filter(|id| **id != self.id).count();
        let share = self.shards.len().div_ceil(others + 1);
        let mut free = Vec::new();
        for (shard, (state, record)) in self.shards.iter_mut().zip(&survey.records).enumerate() {
            let owner = record.owner.as_ref();
            match state {
                State::Owned(taken) => {
                    if owner != Some(&self.id) && record.revision > *taken {
                        *state = State::Ending;
                        actions.push(Action::Abandon(shard));
                    }
                }
                State::Other(_) | State::Failed if owner == Some(&self.id) => {
                    if now < self.valid_until && !self.stopping {
                        *state = State::Taking;
                        actions.push(Action::Take(shard, record.revision));
                    } else {
                        *state = State::Failed;
                    }
                }
                State::Other(_) | State::Failed => {
                    let known = match state {
                        State::Other(Some(known)) if known.revision == record.revision => {
                            Some(known.since)
                        }
                        _ => None,
                    };
                    let since =
                        owner.filter(|owner| missing.contains(*owner)).map(|_| known.unwrap_or(now));
                    if owner.is_none() || since.is_some_and(|since| now >= since + LEASE) {
                        free.push((shard, record.revision));
                    }
                    *state =
                        State::Other(since.map(|since| Missing { revision: record.revision, since }));
                }
                State::Taking | State::Leaving(_) | State::Ending => {}
            }
        }
        if now < self.valid_until && !self.stopping {
            // Processes that take shards at once begin at different ones.
            let first = shard_of(&self.id, self.shards.len());
            free.sort_by_key(|(shard, _)| (*shard < first, *shard));
            for (shard, revision) in free.into_iter().take(share.saturating_sub(self.count())) {
                self.set(shard, State::Taking);
                actions.push(Action::Take(shard, revision));
            }
        }
        if now >= self.patience {
            self.leave_surplus(share, now, actions);
        }
    }

    fn taken(&mut self, shard: usize, written: Written, now: Duration, actions: &mut Vec<Action>) {
        if self.shards.get(shard) != Some(&State::Taking) {
            return;
        }
        let next = match written {
            Written::Revision(revision) if self.key.is_some() && !self.stopping => {
                actions.push(Action::Own(shard, revision));
                State::Owned(revision)
            }
            Written::Revision(_) | Written::Unknown => State::Failed,
            Written::Conflict => State::Other(None),
        };
        self.set(shard, next);
        self.begin_anew(now, actions);
    }

    fn ended(&mut self, shard: usize, next: State, now: Duration, actions: &mut Vec<Action>) {
        let Some(state) = self.shards.get(shard) else { return };
        if matches!(state, State::Leaving(_)) && next == State::Failed {
            self.patience = now + PATIENCE;
        }
        self.set(shard, next);
        if self.stopping {
            self.leave_surplus(0, now, actions);
        }
        self.begin_anew(now, actions);
    }

    /// Leaves what is more than `share`, a few shards at once. Rule 5.
    fn leave_surplus(&mut self, share: usize, now: Duration, actions: &mut Vec<Action>) {
        let leaving = self.shards.iter().filter(|state| matches!(state, State::Leaving(_))).count();
        let surplus = self.count().saturating_sub(share).min(LEAVES.saturating_sub(leaving));
        let owned = self.shards.iter_mut().enumerate().rev();
        let owned = owned.filter(|(_, state)| matches!(state, State::Owned(_)));
        for (shard, state) in owned.take(surplus) {
            *state = State::Leaving(now);
            actions.push(Action::Leave(shard));
        }
    }

    fn abandon_all(&mut self, actions: &mut Vec<Action>) {
        for (shard, state) in self.shards.iter_mut().enumerate() {
            if matches!(state, State::Owned(_) | State::Leaving(_)) {
                *state = State::Ending;
                actions.push(Action::Abandon(shard));
            }
        }
    }

    fn set(&mut self, shard: usize, state: State) {
        if let Some(slot) = self.shards.get_mut(shard) {
            *slot = state;
        }
    }

    /// Returns how many shards this process has, for its share.
    fn count(&self) -> usize {
        let has = |state: &&State| matches!(state, State::Taking | State::Owned(_));
        self.shards.iter().filter(has).count()
    }

    fn is_busy(&self) -> bool {
        self.shards.iter().any(|state| match state {
            State::Taking | State::Owned(_) | State::Leaving(_) | State::Ending => true,
            State::Other(_) | State::Failed => false,
        })
    }
}
