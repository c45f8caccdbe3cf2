use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::hash::{BuildHasher, Hash};
use core::mem;

use crate::directory::shards::{GROUP, Shards};

/// The highest number of entries in a bucket, unless they share one deadline.
const FULL: usize = if cfg!(presence_small_shards) { 4 } else { 1024 };
/// The number of entries that do not count that is not worth a sweep.
const SPARE: usize = 64;

/// A calendar queue of deadlines.
///
/// An entry names a user by its hash. It counts if a user with that hash is due at exactly its
/// deadline. So the queue needs no update when users move in memory or leave.
///
/// Entries lie unsorted in buckets of adjacent times. The first bucket is opened when it comes due: its
/// users are looked up, and sorted by deadline and user. A full bucket is split at its median deadline,
/// so no call sorts more entries than fit into one.
#[derive(Debug, Clone)]
pub(super) struct DeadlineQueue<U> {
    /// The rest of the bucket that was opened last, sorted, last first.
    open: Vec<Due<U>>,
    /// Entries up to `open_until` that were pushed after the bucket was opened.
    early: BTreeSet<Due<U>>,
    /// The last deadline of the open bucket. All entries in `later` are after it.
    open_until: i64,
    /// The other buckets, by start. A bucket ends where the next one starts; those with equal starts
    /// are numbered, and all but the last of them have entries at the start only.
    later: BTreeMap<(i64, u32), Bucket>,
    /// The number of entries in `later`.
    later_len: usize,
    /// The bucket that is swept next.
    sweep_from: (i64, u32),
    first: Option<i64>,
}

/// A user who is due. The order is that of reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due<U> {
    pub(super) at: i64,
    pub(super) user: U,
    pub(super) hash: u64,
}

/// Unsorted entries, none of them before `first`.
#[derive(Debug, Clone)]
struct Bucket {
    first: i64,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: i64,
    hash: u64,
}

impl<U> DeadlineQueue<U> {
    pub(super) const fn new() -> Self {
        Self {
            open: Vec::new(),
            early: BTreeSet::new(),
            open_until: i64::MIN,
            later: BTreeMap::new(),
            later_len: 0,
            sweep_from: (i64::MIN, 0),
            first: None,
        }
    }

    /// Returns the deadline of the first entry, whether or not it counts.
    #[inline]
    pub(super) fn first(&self) -> Option<i64> {
        self.first
    }

    /// Returns the number of entries, with those that do not count.
    fn len(&self) -> usize {
        self.open.len() + self.early.len() + self.later_len
    }
}

impl<U: Clone + Hash + Ord> DeadlineQueue<U> {
    pub(super) fn push(&mut self, at: i64, hash: u64, user: &U) {
        if at <= self.open_until {
            self.early.insert(Due { at, user: user.clone(), hash });
        } else {
            self.push_later(Entry { at, hash });
        }
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
    }

    fn push_later(&mut self, entry: Entry) {
        self.later_len += 1;
        while let Some((key, bucket)) = self.later.range_mut(..=(entry.at, u32::MAX)).next_back() {
            if bucket.entries.len() < FULL {
                bucket.first = bucket.first.min(entry.at);
                bucket.entries.push(entry);
                return;
            }
            let (key, upper) = bucket.split(*key);
            self.later.insert(key, upper);
        }
        let start = self.open_until.saturating_add(1).min(entry.at);
        self.later.insert((start, 0), Bucket { first: entry.at, entries: Vec::from([entry]) });
    }

    /// Takes out the first user who is due by `now`. The user may have been updated or removed since.
    pub(super) fn pop<S, H: BuildHasher>(
        &mut self,
        now: i64,
        users: &Shards<U, S, H>,
    ) -> Option<Due<U>> {
        while self.first? <= now {
            let due = match (self.open.last(), self.early.first()) {
                (Some(open), Some(early)) if early < open => self.early.pop_first(),
                (Some(_), _) => self.open.pop(),
                (None, Some(_)) => self.early.pop_first(),
                (None, None) => {
                    self.open_next(users);
                    None
                }
            };
            if self.open.is_empty() {
                self.open = Vec::new();
            }
            self.first = self.find_first();
            if due.is_some() {
                return due;
            }
        }
        None
    }

    /// Opens the next bucket: looks its users up, and sorts them.
    #[cold]
    fn open_next<S, H: BuildHasher>(&mut self, users: &Shards<U, S, H>) {
        let Some(((start, _), Bucket { mut entries, first })) = self.later.pop_first() else { return };
        while let Some(next) = self.later.first_entry().filter(|next| next.key().0 == start) {
            entries.extend(next.remove().entries);
        }
        self.later_len -= entries.len();
        self.open_until = entries.iter().map(|entry| entry.at).max().unwrap_or(first);
        self.open = Vec::with_capacity(entries.len());
        entries.sort_unstable_by_key(|entry| Reverse(entry.at));
        for group in entries.chunks(GROUP) {
            users.fetch(group.iter().map(|entry| entry.hash));
            for Entry { at, hash } in group.iter().copied() {
                let due = users.due(hash, at).map(|slot| Due { at, user: slot.user.clone(), hash });
                self.open.extend(due);
            }
        }
        // Few users share a deadline. Colliding hashes find some of them twice.
        for tied in self.open.chunk_by_mut(|one, other| one.at == other.at) {
            tied.sort_unstable_by(|one, other| other.cmp(one));
        }
        self.open.dedup();
    }

    /// Removes entries that do not count, from one bucket a call, if they outnumber the users. Every
    /// call that pushes an entry or removes a user ends with it.
    pub(super) fn tidy<S, H: BuildHasher>(&mut self, users: &Shards<U, S, H>) {
        if users.len() == 0 {
            *self = Self::new();
        } else if self.len() > SPARE + 2 * users.len() {
            self.sweep(users);
        }
    }

    #[cold]
    fn sweep<S, H: BuildHasher>(&mut self, users: &Shards<U, S, H>) {
        if self.early.len() > FULL.max(users.len()) || self.later.is_empty() {
            self.close();
        }
        let mut examined = 0;
        while examined < SPARE {
            let Some((key, bucket)) = self.later.range_mut(self.sweep_from..).next() else { break };
            let (key, before) = (*key, bucket.entries.len());
            bucket.entries.retain(|entry| users.maybe_due(entry.hash, entry.at).next().is_some());
            bucket.entries.shrink_to(2 * bucket.entries.len());
            self.later_len -= before - bucket.entries.len();
            if bucket.entries.is_empty() {
                self.later.remove(&key);
            }
            examined += before;
            self.sweep_from = (key.0, key.1 + 1);
        }
        if examined < SPARE {
            self.sweep_from = (i64::MIN, 0);
        }
        self.first = self.find_first();
    }

    fn find_first(&self) -> Option<i64> {
        let early = self.early.first().map(|due| due.at);
        let open = self.open.last().map(|due| due.at);
        let later = || self.later.first_key_value().map(|(_, bucket)| bucket.first);
        early.into_iter().chain(open).min().or_else(later)
    }

    /// Puts the open bucket back.
    fn close(&mut self) {
        self.open_until = i64::MIN;
        let open = mem::take(&mut self.open).into_iter().chain(mem::take(&mut self.early));
        for Due { at, hash, .. } in open {
            self.push_later(Entry { at, hash });
        }
    }
}

impl Bucket {
    /// Moves the upper half to another bucket, and returns it with its start.
    #[cold]
    fn split(&mut self, (start, number): (i64, u32)) -> ((i64, u32), Self) {
        let middle = self.entries.len() / 2;
        let (_, median, _) = self.entries.select_nth_unstable_by_key(middle, |entry| entry.at);
        let mut at = median.at;
        if self.first == at {
            // Half of the entries are at the first deadline.
            let after = self.entries.iter().map(|entry| entry.at).filter(|after| *after > at).min();
            let Some(after) = after else {
                let number = if start == at { number + 1 } else { 0 };
                let entries = if start == at { Vec::new() } else { mem::take(&mut self.entries) };
                return ((at, number), Self { first: at, entries });
            };
            at = after;
        }
        let (lower, upper): (Vec<_>, Vec<_>) = self.entries.iter().partition(|entry| entry.at < at);
        self.entries = lower;
        ((at, 0), Self { first: at, entries: upper })
    }
}
