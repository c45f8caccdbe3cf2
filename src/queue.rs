use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::mem;

/// The length of a stretch in bits of nanoseconds: 4.3 seconds.
const STRETCH_BITS: u32 = 32;
/// How many users who come due are fetched from memory together.
const LOOK_AHEAD: usize = 32;

/// The instants at which users come due, least first, and at one instant in the order of users.
///
/// Deadlines leave in rising order, so those that lie ahead need no order yet: they are thrown
/// together by stretches of about four seconds, at 8 bytes each, and a stretch is sorted when its
/// turn comes. Users are told apart by the index under which they are stored. An entry whose user
/// has moved on stays until its turn, and is told from one that counts by whoever takes it out.
#[derive(Debug, Clone)]
pub(crate) struct DeadlineQueue<U> {
    /// What was pushed when its stretch had been opened.
    early: BTreeSet<(i64, U, u32)>,
    /// The rest of the stretch that is open, last first.
    open: Vec<Entry>,
    open_number: i64,
    /// The stretches that follow, in no order within.
    later: BTreeMap<i64, Stretch>,
    first: Option<i64>,
    len: usize,
}

#[derive(Debug, Clone)]
struct Stretch {
    first: i64,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Nanoseconds from the start of the stretch.
    offset: u32,
    index: u32,
}

impl<U: Clone + Ord> DeadlineQueue<U> {
    pub(crate) const fn new() -> Self {
        Self {
            early: BTreeSet::new(),
            open: Vec::new(),
            open_number: i64::MIN,
            later: BTreeMap::new(),
            first: None,
            len: 0,
        }
    }

    pub(crate) fn push(&mut self, at: i64, user: &U, index: u32) {
        let number = at >> STRETCH_BITS;
        if number <= self.open_number {
            self.len += usize::from(self.early.insert((at, user.clone(), index)));
        } else {
            let entry = Entry { offset: offset_of(at), index };
            let stretch = self.later.entry(number).or_insert(Stretch { first: at, entries: Vec::new() });
            stretch.first = stretch.first.min(at);
            stretch.entries.push(entry);
            self.len += 1;
        }
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
    }

    /// Returns the first entry if it is due by `now`: its instant and its index. `user` returns who
    /// is stored under an index.
    pub(crate) fn peek<'a>(
        &mut self,
        now: i64,
        user: impl Fn(u32) -> Option<&'a U>,
    ) -> Option<(i64, u32)>
    where
        U: 'a,
    {
        if self.first? > now {
            return None;
        }
        if self.open.is_empty() && self.early.is_empty() {
            self.open_next(&user);
        }
        let open = self.open.last().map(|entry| (self.at(*entry), entry.index));
        let Some((at, early_user, index)) = self.early.first() else { return open };
        match open {
            Some((open_at, open_index)) if (open_at, user(open_index)) < (*at, Some(early_user)) => open,
            _ => Some((*at, *index)),
        }
    }

    /// Takes out the entry that was peeked.
    pub(crate) fn pop(&mut self, at: i64, index: u32) {
        if self.open.last().is_some_and(|entry| (self.at(*entry), entry.index) == (at, index)) {
            self.open.pop();
        } else {
            self.early.pop_first();
        }
        self.len -= 1;
        self.first = self.find_first();
    }

    fn open_next<'a>(&mut self, user: impl Fn(u32) -> Option<&'a U>)
    where
        U: 'a,
    {
        let Some((number, mut stretch)) = self.later.pop_first() else { return };
        // By number alone first, which is quick; few share an instant.
        stretch.entries.sort_unstable_by_key(|entry| Reverse(entry.offset));
        for tied in stretch.entries.chunk_by_mut(|one, other| one.offset == other.offset) {
            tied.sort_unstable_by(|one, other| user(other.index).cmp(&user(one.index)));
        }
        self.open_number = number;
        self.open = mem::take(&mut stretch.entries);
    }

    fn find_first(&self) -> Option<i64> {
        let early = self.early.first().map(|(at, ..)| *at);
        let open = self.open.last().map(|entry| self.at(*entry));
        let later = || self.later.first_key_value().map(|(_, stretch)| stretch.first);
        early.into_iter().chain(open).min().or_else(later)
    }

    fn at(&self, entry: Entry) -> i64 {
        (self.open_number << STRETCH_BITS) + i64::from(entry.offset)
    }

    /// Returns the indices that come next, once for so many of the stretch that is open.
    pub(crate) fn look_ahead(&self) -> Option<impl Iterator<Item = u32> + Clone> {
        let next = || self.open.iter().rev().take(LOOK_AHEAD).map(|entry| entry.index);
        self.open.len().is_multiple_of(LOOK_AHEAD).then(next)
    }

    /// Returns the instant of the first entry.
    #[inline]
    pub(crate) fn first(&self) -> Option<i64> {
        self.first
    }

    /// Returns how many entries there are, with those that no longer count.
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the lower half is meant")]
const fn offset_of(at: i64) -> u32 {
    at as u32
}
