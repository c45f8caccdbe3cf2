use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::hash::{BuildHasher, Hash};
use core::mem;
use core::ops::Bound;

use crate::directory::shards::{GROUP, Position, Shards};

/// The highest number of entries in a bucket.
const FULL: usize = if cfg!(presence_small_shards) { 4 } else { 1024 };
/// The number of entries that do not count that is not worth a sweep.
const SPARE: usize = if cfg!(presence_small_shards) { 2 } else { 64 };

/// A calendar queue of deadlines.
///
/// An entry names a user by its hash. It counts if a user with that hash is due at exactly its
/// deadline. So the queue needs no update when users move in memory or leave.
///
/// Entries lie unsorted in buckets of adjacent deadlines. A full bucket is split at its median. The first
/// bucket is opened when it comes due: its entries are sorted by deadline. Users that share a deadline are
/// looked up and sorted too. So no call sorts more entries than fit into a bucket, unless more are due at
/// one timestamp.
#[derive(Debug, Clone)]
pub(super) struct DeadlineQueue<U> {
    /// The rest of the bucket that was opened last, sorted, last first.
    open: Vec<Entry>,
    /// Users that are due by `open_until`: those that share a deadline, and those that were pushed after
    /// the bucket was opened. All of them count.
    early: BTreeSet<Due<U>>,
    /// The last deadline of the open bucket. All entries in `later` are after it.
    open_until: i64,
    /// The other buckets, by start. A bucket ends before the next one starts, and none is empty.
    later: BTreeMap<Entry, Bucket>,
    /// The number of entries in `later`.
    later_len: usize,
    /// The bucket that was swept last.
    swept: Entry,
    first: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) at: i64,
    pub(super) hash: u64,
}

/// An entry with its user. The order is that of reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Due<U> {
    at: i64,
    user: U,
    hash: u64,
}

/// Unsorted entries, none of them before `first`.
#[derive(Debug, Clone)]
struct Bucket {
    first: i64,
    entries: Vec<Entry>,
}

impl Entry {
    /// The entry before all others.
    const MIN: Self = Self { at: i64::MIN, hash: 0 };
}

impl<U> DeadlineQueue<U> {
    pub(super) const fn new() -> Self {
        Self {
            open: Vec::new(),
            early: BTreeSet::new(),
            open_until: i64::MIN,
            later: BTreeMap::new(),
            later_len: 0,
            swept: Entry::MIN,
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
            if self.early.len().is_multiple_of(FULL) {
                self.close_late();
            }
        } else {
            self.push_later(Entry { at, hash });
        }
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
    }

    /// Removes an entry that does not count any more, if it is in `early`: otherwise one tick would have
    /// to skip all of them.
    pub(super) fn forget(&mut self, at: i64, hash: u64, user: &U) {
        if at <= self.open_until && !self.early.is_empty() {
            self.early.remove(&Due { at, user: user.clone(), hash });
            self.first = self.find_first();
        }
    }

    /// Puts what is due after the earlier part of `early` back into buckets. Otherwise one far deadline in
    /// the open bucket would let `early` grow with the users.
    #[cold]
    fn close_late(&mut self) {
        let Some(until) = self.early.iter().nth_back(FULL / 2).map(|due| due.at) else { return };
        self.open_until = until;
        while self.early.last().is_some_and(|due| due.at > until) {
            let Some(Due { at, hash, .. }) = self.early.pop_last() else { return };
            self.push_later(Entry { at, hash });
        }
        let late = self.open.partition_point(|entry| entry.at > until);
        for entry in self.open.drain(..late).collect::<Vec<_>>() {
            self.push_later(entry);
        }
    }

    fn push_later(&mut self, entry: Entry) {
        self.later_len += 1;
        while let Some((_, bucket)) = self.later.range_mut(..=entry).next_back() {
            if bucket.entries.len() < FULL {
                bucket.first = bucket.first.min(entry.at);
                bucket.entries.push(entry);
                return;
            }
            let before = bucket.entries.len();
            let upper = bucket.split();
            self.later_len -= before - bucket.entries.len();
            if let Some((start, upper)) = upper {
                self.later_len += upper.entries.len();
                self.later.insert(start, upper);
            }
        }
        let start = Entry { at: self.open_until.saturating_add(1).min(entry.at), hash: 0 };
        self.later.insert(start, Bucket { first: entry.at, entries: Vec::from([entry]) });
    }

    /// Takes out the first entry by `now` that counts, and returns where its user is.
    pub(super) fn pop<S, H: BuildHasher>(
        &mut self,
        now: i64,
        users: &Shards<U, S, H>,
    ) -> Option<(Entry, Position)> {
        while self.first? <= now {
            let early = self.early.first().map(|due| due.at);
            let due = match self.open.last().map(|entry| entry.at) {
                None if early.is_none() => {
                    self.open_next();
                    None
                }
                Some(at) if early.is_none_or(|early| at <= early) => self.pop_open(at, early, users),
                Some(_) | None => self.pop_early(users),
            };
            self.first = self.find_first();
            if due.is_some() {
                return due;
            }
        }
        None
    }

    /// Opens the next bucket.
    #[cold]
    fn open_next(&mut self) {
        let Some((_, Bucket { mut entries, .. })) = self.later.pop_first() else { return };
        let Some(first) = entries.iter().map(|entry| entry.at).min() else { return };
        while let Some(next) = self.later.first_entry().filter(|next| next.key().at == first) {
            entries.extend(next.remove().entries);
        }
        // The last deadline may go on in the next bucket, and is opened with that. If more than fits
        // into a bucket is due at the first deadline, nothing else is opened.
        let next = self.later.first_key_value().map(|(start, _)| start.at);
        let end = if entries.len() > FULL { first.checked_add(1) } else { next };
        if let Some(at) = end {
            let rest: Vec<_> = entries.extract_if(.., |entry| entry.at >= at).collect();
            if let Some(first) = rest.iter().map(|entry| entry.at).min() {
                self.later.insert(Entry { at, hash: 0 }, Bucket { first, entries: rest });
            }
        }
        debug_assert!(!entries.is_empty(), "the first deadline is opened");
        self.later_len -= entries.len();
        entries.sort_unstable_by_key(|entry| Reverse(entry.at));
        self.open_until = entries.first().map_or(first, |last| last.at);
        self.open = entries;
    }

    fn pop_early<S, H: BuildHasher>(&mut self, users: &Shards<U, S, H>) -> Option<(Entry, Position)> {
        let Due { at, user, hash } = self.early.pop_first()?;
        let position = users.position(hash, &user)?;
        debug_assert!(users.at(position).is_some_and(|slot| slot.due_at == at), "all in `early` count");
        Some((Entry { at, hash }, position))
    }

    /// Takes out the first entry of the open bucket. If several users may be due then, all of them go to
    /// `early`.
    fn pop_open<S, H: BuildHasher>(
        &mut self,
        at: i64,
        early: Option<i64>,
        users: &Shards<U, S, H>,
    ) -> Option<(Entry, Position)> {
        if self.open.len().is_multiple_of(GROUP) {
            users.fetch(self.open.iter().rev().map(|entry| entry.hash));
        }
        let entry = self.open.pop()?;
        let is_tied = early == Some(at) || self.open.last().is_some_and(|next| next.at == at);
        if !is_tied {
            if self.open.is_empty() {
                self.open = Vec::new();
            }
            // No other user is due then, so this one has the hash.
            return Some((entry, users.maybe_due(entry.hash, at)?));
        }
        self.open.push(entry);
        let tied = self.open.iter().rev().take_while(|entry| entry.at == at).count();
        self.move_to_early(tied, users);
        None
    }

    /// Looks up the users of the first entries of the open bucket, and moves them to `early`.
    fn move_to_early<S, H: BuildHasher>(&mut self, entries: usize, users: &Shards<U, S, H>) {
        let rest = self.open.split_off(self.open.len().saturating_sub(entries));
        for group in rest.chunks(GROUP) {
            users.fetch(group.iter().map(|entry| entry.hash));
            for Entry { at, hash } in group.iter().copied() {
                let due = users.due(hash, at).map(|slot| Due { at, user: slot.user.clone(), hash });
                self.early.extend(due);
            }
        }
        if self.open.is_empty() {
            self.open = Vec::new();
        }
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
        self.move_to_early(SPARE.min(self.open.len()), users);
        let mut examined = 0;
        while examined < SPARE {
            let from = (Bound::Excluded(self.swept), Bound::Unbounded);
            let Some((start, bucket)) = self.later.range_mut(from).next() else { break };
            let (start, before) = (*start, bucket.entries.len());
            bucket.entries.retain(|entry| users.maybe_due(entry.hash, entry.at).is_some());
            bucket.dedup();
            bucket.entries.shrink_to(2 * bucket.entries.len());
            self.later_len -= before - bucket.entries.len();
            if bucket.entries.is_empty() {
                self.later.remove(&start);
            }
            examined += before;
            self.swept = start;
        }
        if examined < SPARE {
            self.swept = Entry::MIN;
        }
        self.first = self.find_first();
    }

    fn find_first(&self) -> Option<i64> {
        let early = self.early.first().map(|due| due.at);
        let open = self.open.last().map(|entry| entry.at);
        let later = || self.later.first_key_value().map(|(_, bucket)| bucket.first);
        early.into_iter().chain(open).min().or_else(later)
    }
}

impl Bucket {
    /// Sorts the entries, and keeps at most two of those that are equal: they may be of different users.
    fn dedup(&mut self) {
        self.entries.sort_unstable();
        let (mut previous, mut copies) = (None, 0);
        self.entries.retain(|entry| {
            copies = if previous.replace(*entry) == Some(*entry) { copies + 1 } else { 0 };
            copies < 2
        });
    }

    /// Moves the upper half to another bucket, and returns it with its start, unless there is room after
    /// equal entries are removed.
    #[cold]
    fn split(&mut self) -> Option<(Entry, Self)> {
        let middle = self.entries.len() / 2;
        let (_, median, _) = self.entries.select_nth_unstable(middle);
        let start = *median;
        let mut upper: Vec<_> = self.entries.extract_if(.., |entry| *entry >= start).collect();
        if self.entries.is_empty() {
            // Half of the entries are equal to the first one.
            mem::swap(&mut self.entries, &mut upper);
            self.dedup();
            if self.entries.len() < FULL {
                return None;
            }
            upper = self.entries.split_off(middle);
        }
        self.entries.shrink_to_fit();
        upper.shrink_to_fit();
        let start = upper.iter().min().copied()?;
        Some((start, Self { first: start.at, entries: upper }))
    }
}
