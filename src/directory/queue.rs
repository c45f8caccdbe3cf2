use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;

/// The length of a bucket, in bits of nanoseconds: 4.3 seconds.
const BUCKET_BITS: u32 = 32;
/// The number of entries whose users are fetched from memory together.
const LOOK_AHEAD: usize = 32;

/// A calendar queue of deadlines. Entries leave in the order of their deadlines and, at one timestamp,
/// in the order of their users.
///
/// An entry that is pushed needs no order yet: it is added to the bucket of its time, and a bucket is
/// sorted when it becomes the first one. An entry names a user by the index of its slot. The queue does
/// not know which entries still count.
#[derive(Debug, Clone)]
pub(super) struct DeadlineQueue<U> {
    /// Entries that were pushed when their bucket had been opened.
    early: BTreeSet<(i64, U, usize)>,
    /// The rest of the bucket that is open, sorted, last first.
    open: Vec<Entry>,
    /// The number of the bucket that is open. All buckets in `later` have higher ones.
    open_number: i64,
    later: BTreeMap<i64, Bucket>,
    /// The deadline of the first entry.
    first: Option<i64>,
    len: usize,
}

/// Unsorted entries. `first` is the deadline of the earliest one.
#[derive(Debug, Clone)]
struct Bucket {
    first: i64,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
#[repr(Rust, packed(4))]
struct Entry {
    /// Nanoseconds from the start of the bucket.
    offset: u32,
    index: usize,
}

impl<U> DeadlineQueue<U> {
    pub(super) const fn new() -> Self {
        Self {
            early: BTreeSet::new(),
            open: Vec::new(),
            open_number: i64::MIN,
            later: BTreeMap::new(),
            first: None,
            len: 0,
        }
    }

    /// Returns the deadline of the first entry.
    #[inline]
    pub(super) fn first(&self) -> Option<i64> {
        self.first
    }

    /// Returns the number of entries, with those that do not count.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the next indices, each of them once.
    pub(super) fn look_ahead(&self) -> Option<impl Iterator<Item = usize>> {
        let next = || self.open.iter().rev().take(LOOK_AHEAD).map(|entry| entry.index);
        self.open.len().is_multiple_of(LOOK_AHEAD).then(next)
    }
}

impl<U: Clone + Ord> DeadlineQueue<U> {
    pub(super) fn push(&mut self, at: i64, user: &U, index: usize) {
        let number = at >> BUCKET_BITS;
        if number <= self.open_number {
            self.len += usize::from(self.early.insert((at, user.clone(), index)));
        } else {
            let bucket = self.later.entry(number).or_insert(Bucket { first: at, entries: Vec::new() });
            bucket.first = bucket.first.min(at);
            bucket.entries.push(Entry { offset: offset_of(at), index });
            self.len += 1;
        }
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
    }

    /// Returns the deadline and the index of the first entry that counts, if it is due by `now`, and
    /// removes those before it that do not. `slot` returns the user at an index, and when it is due.
    pub(super) fn peek<'a>(
        &mut self,
        now: i64,
        slot: impl Fn(usize) -> Option<(&'a U, i64)>,
    ) -> Option<(i64, usize)>
    where
        U: 'a,
    {
        let due = |at, index| slot(index).filter(|(_, due_at)| *due_at == at).map(|(user, _)| user);
        while self.first? <= now {
            if self.open.is_empty() && self.early.is_empty() {
                self.open_next(|index| slot(index).map(|(user, _)| user));
            }
            let open = self.open.last().map(|entry| (self.deadline(*entry), entry.index));
            let early = self.early.first().map(|(at, user, index)| (*at, user, *index));
            match (open, early) {
                (Some((at, index)), _) if !self.counts(at, index, due(at, index)) => self.pop_open(),
                (_, Some((at, user, index))) if due(at, index) != Some(user) => self.pop_early(),
                (Some((at, index)), Some((early_at, early_user, early_index))) => {
                    let is_open_first = (at, due(at, index)) < (early_at, Some(early_user));
                    return Some(if is_open_first { (at, index) } else { (early_at, early_index) });
                }
                (Some((at, index)), None) | (None, Some((at, _, index))) => return Some((at, index)),
                (None, None) => return None,
            }
        }
        None
    }

    /// Returns whether an entry of the open bucket counts, if `user` is the one that is due at its index.
    ///
    /// A user that got the slot after the bucket was sorted is not in order here. It has an early entry.
    fn counts(&self, at: i64, index: usize, user: Option<&U>) -> bool {
        let is_tied = self.early.first().is_some_and(|(early_at, ..)| *early_at == at);
        user.is_some_and(|user| !is_tied || !self.early.contains(&(at, user.clone(), index)))
    }

    /// Removes the entry that `peek` has returned.
    pub(super) fn pop(&mut self, at: i64, index: usize) {
        if self.open.last().is_some_and(|entry| (self.deadline(*entry), entry.index) == (at, index)) {
            self.pop_open();
        } else {
            debug_assert!(self.early.first().is_some_and(|entry| (entry.0, entry.2) == (at, index)));
            self.pop_early();
        }
    }

    fn pop_open(&mut self) {
        self.len -= usize::from(self.open.pop().is_some());
        self.first = self.find_first();
    }

    fn pop_early(&mut self) {
        self.len -= usize::from(self.early.pop_first().is_some());
        self.first = self.find_first();
    }

    fn open_next<'a>(&mut self, user: impl Fn(usize) -> Option<&'a U>)
    where
        U: 'a,
    {
        let Some((number, mut bucket)) = self.later.pop_first() else { return };
        // By deadline first, which is fast; few entries share one.
        bucket.entries.sort_unstable_by_key(|entry| Reverse(entry.offset));
        for tied in bucket.entries.chunk_by_mut(|one, other| one.offset == other.offset) {
            tied.sort_unstable_by(|one, other| user(other.index).cmp(&user(one.index)));
        }
        self.open_number = number;
        self.open = bucket.entries;
    }

    fn find_first(&self) -> Option<i64> {
        let early = self.early.first().map(|(at, ..)| *at);
        let open = self.open.last().map(|entry| self.deadline(*entry));
        let later = || self.later.first_key_value().map(|(_, bucket)| bucket.first);
        early.into_iter().chain(open).min().or_else(later)
    }

    fn deadline(&self, entry: Entry) -> i64 {
        (self.open_number << BUCKET_BITS) + i64::from(entry.offset)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the lower half is meant")]
const fn offset_of(at: i64) -> u32 {
    at as u32
}
