//! Deadlines, in order. It knows nothing of models, tables or hashers.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// The highest number of entries in a list.
///
/// With 1,024, a deadline that moves earlier takes 1.15 to 1.3 times as long, because a list is searched;
/// with 256, a new entry takes 1.2 times as long, because the map of lists is larger.
const FULL: usize = if cfg!(presence_small_shards) { 4 } else { 512 };

/// An exact queue of deadlines: one entry for each user, which is removed if it no longer counts.
///
/// ```text
/// tied    09:05:00  ana, bob, eve    users that have come due at one timestamp, in order (rule O1)
/// first   09:05:01 … 09:05:07        the entries that are due first, sorted
/// later   09:05:08 … 09:05:15        lists of entries by their starts, unsorted
///         09:05:16 … 09:05:20
///         09:05:21 …
/// ```
///
/// - All entries of a list are before the start of the next one. A list that has become full is split at
///   its median, and an empty one is removed. If the first list is empty, the next one is sorted and
///   takes its place.
/// - An entry names its user by a hash, which is enough if no other user is due at that timestamp. If
///   several are, their entries become users when they come due, so that they can be sorted. A deadline is
///   in `tied` or in the lists, never in both.
///
/// No call sorts, moves or searches more than a list, except that all users of one deadline become users
/// at the same time. Only entries that are equal, of users with the same hash and deadline, can make a
/// list longer.
#[derive(Debug, Clone)]
pub(super) struct DeadlineQueue<U> {
    /// The users that have come due at a deadline, and their hashes. No map of users is empty.
    tied: BTreeMap<i64, BTreeMap<U, u64>>,
    /// Sorted, last first. It is empty only if `later` is.
    first: Vec<Entry>,
    /// The other lists, by a start that is not after their entries. None is empty.
    later: BTreeMap<Entry, Vec<Entry>>,
}

/// A user that is due at a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) at: i64,
    pub(super) hash: u64,
}

/// What a queue returns of a user that is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due<U> {
    pub(super) entry: Entry,
    /// `None` if no other user is due at this timestamp.
    pub(super) user: Option<U>,
}

impl<U> DeadlineQueue<U> {
    pub(super) const fn new() -> Self {
        Self { tied: BTreeMap::new(), first: Vec::new(), later: BTreeMap::new() }
    }

    /// Returns the first deadline.
    #[inline]
    pub(super) fn first(&self) -> Option<i64> {
        let first = self.first.last().map(|entry| entry.at);
        match self.tied.first_key_value() {
            None => first,
            Some((tied, _)) => Some(first.map_or(*tied, |first| first.min(*tied))),
        }
    }

    /// Returns the entries of the first list, last first.
    #[inline]
    pub(super) fn first_list(&self) -> &[Entry] {
        &self.first
    }

    /// Lets the next list be the first one, if that has become empty.
    fn open(&mut self) {
        if self.first.is_empty() {
            self.first = self.later.pop_first().map_or_else(Vec::new, |(_, list)| list);
            self.first.sort_unstable_by(last_first);
        }
    }

    /// Moves all entries at the first deadline into the first list.
    fn gather(&mut self, at: i64) {
        while self.first.first().is_some_and(|last| last.at == at)
            && let Some(next) = self.later.first_entry()
            && next.key().at == at
        {
            let mut list = next.remove();
            self.first.extend(list.extract_if(.., |entry| entry.at == at));
            if let Some(start) = list.iter().min() {
                self.later.insert(*start, list);
            }
        }
    }
}

impl<U: Clone + Ord> DeadlineQueue<U> {
    /// Adds an entry. The user is cloned only if others are due at the same timestamp now.
    pub(super) fn push(&mut self, entry: Entry, user: &U) {
        if let Some(users) = self.tied.get_mut(&entry.at) {
            users.insert(user.clone(), entry.hash);
            return;
        }
        let upper = if let Some((_, list)) = self.later.range_mut(..=entry).next_back() {
            list.push(entry);
            split_if_full(list)
        } else {
            let position = self.first.partition_point(|other| *other > entry);
            self.first.insert(position, entry);
            let upper = split_if_full(&mut self.first);
            if upper.is_some() {
                self.first.sort_unstable_by(last_first);
            }
            upper
        };
        self.later.extend(upper);
    }

    /// Removes an entry that is there. It searches one list.
    pub(super) fn remove(&mut self, entry: Entry, user: &U) {
        if let Some(users) = self.tied.get_mut(&entry.at) {
            users.remove(user);
            if users.is_empty() {
                self.tied.remove(&entry.at);
            }
        } else if let Some((start, list)) = self.later.range_mut(..=entry).next_back() {
            let start = *start;
            let position = list.iter().position(|other| *other == entry);
            debug_assert!(position.is_some(), "every user has an entry");
            if let Some(position) = position {
                list.swap_remove(position);
            }
            if list.is_empty() {
                self.later.remove(&start);
            } else if list.len() <= list.capacity() / 4 {
                list.shrink_to(2 * list.len());
            }
        } else {
            let position = self.first.binary_search_by(|other| last_first(other, &entry));
            debug_assert!(position.is_ok(), "every user has an entry");
            if let Ok(position) = position {
                self.first.remove(position);
            }
            self.open();
        }
    }

    /// Takes out the first user that is due by `now`. `users_of` looks up the users of entries.
    pub(super) fn pop(
        &mut self,
        now: i64,
        users_of: impl FnOnce(&[Entry]) -> BTreeMap<U, u64>,
    ) -> Option<Due<U>> {
        let at = self.first().filter(|first| *first <= now)?;
        self.gather(at);
        if let Some(entry) = self.first.pop_if(|entry| entry.at == at) {
            let mut entries = Vec::new();
            while let Some(other) = self.first.pop_if(|entry| entry.at == at) {
                entries.push(other);
            }
            self.open();
            if entries.is_empty() {
                return Some(Due { entry, user: None });
            }
            entries.push(entry);
            self.tied.insert(at, users_of(&entries));
        }
        let mut users = self.tied.first_entry()?;
        let (user, hash) = users.get_mut().pop_first()?;
        if users.get().is_empty() {
            users.remove();
        }
        Some(Due { entry: Entry { at, hash }, user: Some(user) })
    }

    /// Asserts that the entries are those of these users, and that everything is in order.
    pub(super) fn verify<'u>(&self, users: impl Iterator<Item = (Entry, &'u U)>)
    where
        U: 'u,
    {
        let (mut expected, mut tied) = (Vec::new(), 0);
        for (entry, user) in users {
            match self.tied.get(&entry.at) {
                None => expected.push(entry),
                Some(users) => {
                    assert_eq!(users.get(user), Some(&entry.hash), "a user that is due is in `tied`");
                    tied += 1;
                }
            }
        }
        assert_eq!(self.tied.values().map(BTreeMap::len).sum::<usize>(), tied, "users in `tied`");
        assert!(self.tied.values().all(|users| !users.is_empty()), "no map of users is empty");
        assert!(self.first.is_sorted_by(|entry, next| entry >= next), "the first list is sorted");
        assert!(!self.first.is_empty() || self.later.is_empty(), "a list comes first");
        let (mut found, mut last) = (self.first.clone(), self.first.first());
        for (start, list) in &self.later {
            assert!(last < Some(start), "lists do not overlap");
            assert!(list.iter().all(|entry| entry >= start), "a start is not after its entries");
            last = list.iter().max();
            assert!(last.is_some(), "no list is empty");
            found.extend(list);
        }
        let is_long = |list: &Vec<Entry>| list.len() > FULL && list.iter().min() != list.iter().max();
        assert!(!self.later.values().any(is_long) && !is_long(&self.first), "no list is too long");
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "one entry for each user");
    }
}

fn last_first(entry: &Entry, other: &Entry) -> Ordering {
    other.cmp(entry)
}

/// Moves the upper half of a list that is too long to another one, and returns it with its start. The
/// entries are in no order afterwards.
fn split_if_full(list: &mut Vec<Entry>) -> Option<(Entry, Vec<Entry>)> {
    if list.len() <= FULL {
        return None;
    }
    let middle = list.len() / 2;
    let start = *list.select_nth_unstable(middle).1;
    let mut upper = list.split_off(middle);
    // Equal entries stay together: a removal finds any of them.
    upper.extend(list.extract_if(.., |entry| *entry == start));
    if list.is_empty() {
        *list = upper.extract_if(.., |entry| *entry == start).collect();
    }
    let start = *upper.iter().min()?;
    list.shrink_to_fit();
    Some((start, upper))
}
