use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::hint::black_box;
use core::mem;
use core::ops::Range;

use hashbrown::HashTable;

use crate::directory::slot::Slot;

/// The number of users in a full table, 7/8 of its slots. Tests make it small.
const FULL: usize = if cfg!(presence_small_shards) { 3 } else { 3584 };
/// The number of users below which a table gives memory back.
const SPARSE: usize = if cfg!(presence_small_shards) { 2 } else { FULL / 8 };
/// The highest number of users in two tables that are merged.
const MERGED: usize = if cfg!(presence_small_shards) { 2 } else { FULL / 4 };
/// The number of users that are fetched from memory together.
pub(super) const GROUP: usize = 32;
/// The length that an index may always have.
const FIRST_INDEX: usize = if cfg!(presence_small_shards) { 4 } else { 32 };
/// The number of entries in a range from which it is split without a longer index.
const LEAST_RANGE: usize = 8;
/// The highest number of entries in `index` for each table.
const INDEX_LIMIT: usize = if cfg!(presence_small_shards) { 4 } else { 32 };
/// The number of high bits of a hash that the tables use.
const TAG_BITS: u32 = 7;

/// The users of a directory, in many small hash tables.
///
/// This is extendible hashing. The first bits of a hash, after the seven that the tables use, select an
/// entry of `index`, which names a table. Each table has a range of adjacent entries. When it is full,
/// the upper part of its range goes to a new table; when two neighbours are nearly empty, they are
/// merged. So no call moves more users than fit into a table.
///
/// If all users had the same hash, splitting would not separate them. The index is therefore limited,
/// and then a table grows beyond `FULL`.
#[derive(Debug, Clone)]
pub(super) struct Shards<U, S, H> {
    /// The number of a table for every prefix of the hashes. The length is a power of two.
    index: Vec<u32>,
    /// How far a hash is shifted to get an entry of `index`.
    shift: u32,
    tables: Vec<HashTable<Slot<U, S>>>,
    /// The entries of `index` that name each table.
    ranges: Vec<Range<usize>>,
    len: usize,
    /// The number of users that memory is kept for.
    reserved: usize,
    /// The number of tables that were made for them.
    reserved_tables: usize,
    hasher: H,
}

/// Where a user is, until a user is added or removed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    table: usize,
    bucket: usize,
}

impl<U, S, H> Shards<U, S, H> {
    pub(super) const fn new(hasher: H) -> Self {
        Self {
            index: Vec::new(),
            shift: 0,
            tables: Vec::new(),
            ranges: Vec::new(),
            len: 0,
            reserved: 0,
            reserved_tables: 0,
            hasher,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn tables(&self) -> &[HashTable<Slot<U, S>>] {
        &self.tables
    }

    pub(super) fn into_tables(self) -> Vec<HashTable<Slot<U, S>>> {
        self.tables
    }

    pub(super) fn slots_mut(&mut self) -> impl Iterator<Item = &mut Slot<U, S>> {
        self.tables.iter_mut().flat_map(HashTable::iter_mut)
    }

    /// Reads both ends of the records of up to [`GROUP`] users, so that the processor fetches them from memory at
    /// the same time and not one after the other.
    #[inline(never)]
    pub(super) fn fetch(&self, hashes: impl Iterator<Item = u64>) {
        let mut found = [None; GROUP];
        for (found, hash) in found.iter_mut().zip(hashes) {
            *found = self
                .table(hash)
                .and_then(|table| Some((table, table.find_bucket_index(hash, |_| true)?)));
        }
        for (table, bucket) in found.into_iter().flatten() {
            let slot = table.get_bucket(bucket);
            black_box(slot.map(|slot| (slot.due_at, mem::discriminant(&slot.model.record))));
        }
    }

    /// Returns where a user is that is due at a timestamp and may have a hash: its table's seven bits of it
    /// are equal.
    #[inline]
    pub(super) fn maybe_due(&self, hash: u64, due_at: i64) -> Option<Position> {
        self.find(hash, |slot| slot.due_at == due_at)
    }

    #[inline]
    fn find(&self, hash: u64, matches: impl FnMut(&Slot<U, S>) -> bool) -> Option<Position> {
        let table = self.table_of(hash)?;
        let bucket = self.tables.get(table)?.find_bucket_index(hash, matches)?;
        Some(Position { table, bucket })
    }

    pub(super) fn at(&self, Position { table, bucket }: Position) -> Option<&Slot<U, S>> {
        self.tables.get(table)?.get_bucket(bucket)
    }

    pub(super) fn at_mut(&mut self, Position { table, bucket }: Position) -> Option<&mut Slot<U, S>> {
        self.tables.get_mut(table)?.get_bucket_mut(bucket)
    }

    #[inline]
    fn table(&self, hash: u64) -> Option<&HashTable<Slot<U, S>>> {
        self.tables.get(self.table_of(hash)?)
    }

    #[inline]
    fn table_of(&self, hash: u64) -> Option<usize> {
        self.index.get(self.entry_of(hash)).map(|table| *table as usize)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "an index is shorter than 32 bits")]
    fn entry_of(&self, hash: u64) -> usize {
        ((hash << TAG_BITS) >> self.shift) as usize
    }
}

impl<U: Hash, S, H: BuildHasher> Shards<U, S, H> {
    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, user: &Q) -> u64 {
        self.hasher.hash_one(user)
    }

    /// Returns the users with a hash that are due at a timestamp: more than one only if hashes collide.
    pub(super) fn due(&self, hash: u64, due_at: i64) -> impl Iterator<Item = &Slot<U, S>> {
        let slots = self.table(hash).into_iter().flat_map(move |table| table.iter_hash(hash));
        slots.filter(move |slot| slot.due_at == due_at && self.hash(&slot.user) == hash)
    }

    #[inline]
    pub(super) fn get<Q>(&self, hash: u64, user: &Q) -> Option<&Slot<U, S>>
    where
        U: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.table(hash)?.find(hash, |slot| slot.user.borrow() == user)
    }

    #[inline]
    pub(super) fn get_mut<Q>(&mut self, hash: u64, user: &Q) -> Option<&mut Slot<U, S>>
    where
        U: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let table = self.table_of(hash)?;
        self.tables.get_mut(table)?.find_mut(hash, |slot| slot.user.borrow() == user)
    }

    /// Adds a user that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, slot: Slot<U, S>) {
        let table = self.table_of(hash).unwrap_or_default();
        if self.tables.get(table).is_none_or(|table| table.len() >= FULL) {
            self.split(table);
        }
        let table = self.table_of(hash).and_then(|table| self.tables.get_mut(table));
        debug_assert!(table.is_some(), "the index names a table for every hash");
        let Some(table) = table else { return };
        let hasher = &self.hasher;
        table.insert_unique(hash, slot, |slot| hasher.hash_one(&slot.user));
        self.len += 1;
    }

    pub(super) fn position<Q>(&self, hash: u64, user: &Q) -> Option<Position>
    where
        U: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.find(hash, |slot| slot.user.borrow() == user)
    }

    pub(super) fn remove(&mut self, Position { table, bucket }: Position) -> Option<Slot<U, S>> {
        let entry = self.tables.get_mut(table)?.get_bucket_entry(bucket);
        let (slot, _) = entry.ok()?.remove();
        self.len -= 1;
        self.give_back(table);
        Some(slot)
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Slot<U, S>) -> bool) {
        for table in &mut self.tables {
            table.retain(|slot| keep(slot));
        }
        self.len = self.tables.iter().map(HashTable::len).sum();
        for table in (0..self.tables.len()).rev() {
            self.give_back(table);
        }
    }

    /// Reserves memory for this many users.
    pub(super) fn reserve(&mut self, users: usize) {
        self.reserved = self.reserved.max(users);
        if users == 0 {
            return;
        }
        if self.tables.is_empty() {
            self.split(0);
        }
        let mut table = 0;
        while let Some(range) = self.ranges.get(table) {
            let (range, entries, tables) = (range.len(), self.index.len(), self.tables.len());
            // In two parts, because the product of all users and a range can be too large.
            let share = users / entries * range + users % entries * range / entries;
            if share > FULL * 7 / 8 {
                self.split(table);
            }
            if self.tables.len() > tables {
                continue;
            }
            let hasher = &self.hasher;
            if let Some(slots) = self.tables.get_mut(table) {
                let more = (share + share / 16 + GROUP).saturating_sub(slots.len());
                slots.reserve(more, |slot| hasher.hash_one(&slot.user));
            }
            table += 1;
        }
        self.reserved_tables = self.tables.len();
    }

    /// Moves the users in the upper part of a table's range to a new table, unless the index would be
    /// too long. In an empty directory it creates the first table.
    #[cold]
    fn split(&mut self, table: usize) {
        if self.tables.is_empty() {
            (self.index, self.shift) = (Vec::from([0; 2]), u64::BITS - 1);
            self.tables.push(HashTable::new());
            self.ranges.push(0..2);
            return;
        }
        if self.ranges.get(table).is_none_or(|range| range.len() < LEAST_RANGE) {
            self.double_index();
        }
        let Some(range) = self.ranges.get_mut(table).filter(|range| range.len() > 1) else { return };
        // Not in halves: if all tables were filled alike, all would be half empty at the same time.
        let middle = range.start + (range.len() * 5 / 8);
        let upper = middle..range.end;
        range.end = middle;
        let Some(full) = self.tables.get_mut(table).map(mem::take) else { return };
        let capacity = if full.is_empty() { 0 } else { FULL };
        let mut lower_half = HashTable::with_capacity(capacity);
        let mut upper_half = HashTable::with_capacity(capacity);
        for slot in full {
            let hash = self.hasher.hash_one(&slot.user);
            let half = if self.entry_of(hash) < middle { &mut lower_half } else { &mut upper_half };
            half.insert_unique(hash, slot, |slot| self.hasher.hash_one(&slot.user));
        }
        if let Some(table) = self.tables.get_mut(table) {
            *table = lower_half;
        }
        self.tables.push(upper_half);
        self.ranges.push(upper);
        self.name(self.tables.len() - 1);
    }

    /// Returns memory after users have left a table.
    fn give_back(&mut self, table: usize) {
        if self.len == 0 && self.tables.len() > self.reserved_tables {
            (self.index, self.tables, self.ranges) = (Vec::new(), Vec::new(), Vec::new());
            self.reserve(self.reserved);
        }
        let Some(users) = self.tables.get_mut(table) else { return };
        if users.len() >= SPARSE || self.len < self.reserved {
            return;
        }
        if users.capacity() > GROUP + 4 * users.len() {
            let hasher = &self.hasher;
            users.shrink_to(2 * users.len(), |slot| hasher.hash_one(&slot.user));
        }
        self.merge(table);
    }

    /// Merges a table with the next one or the one before, if both are nearly empty.
    fn merge(&mut self, table: usize) {
        let Some(range) = self.ranges.get(table) else { return };
        let before = range.start.checked_sub(1).and_then(|entry| self.index.get(entry));
        let neighbours = self.index.get(range.end).into_iter().chain(before);
        let users = |table: usize| self.tables.get(table).map_or(0, HashTable::len);
        let is_small = |next: &usize| users(table) + users(*next) <= MERGED;
        let Some(next) = neighbours.map(|next| *next as usize).find(is_small) else { return };
        let Some(moved) = self.tables.get_mut(next).map(mem::take) else { return };
        let hasher = &self.hasher;
        if let Some(users) = self.tables.get_mut(table) {
            for slot in moved {
                users.insert_unique(hasher.hash_one(&slot.user), slot, |slot| {
                    hasher.hash_one(&slot.user)
                });
            }
        }
        let Some(joined) = self.ranges.get(next).cloned() else { return };
        if let Some(range) = self.ranges.get_mut(table) {
            *range = range.start.min(joined.start)..range.end.max(joined.end);
        }
        self.name(table);
        // The last table takes the place of the one that is empty.
        self.tables.swap_remove(next);
        self.ranges.swap_remove(next);
        self.name(next);
        self.halve_index();
    }

    /// Lets the entries of a range name their table.
    fn name(&mut self, table: usize) {
        let Some(range) = self.ranges.get(table).cloned() else { return };
        let number = u32::try_from(table).unwrap_or(u32::MAX);
        debug_assert!(range.end <= self.index.len(), "every range is a part of the index");
        if let Some(entries) = self.index.get_mut(range) {
            entries.fill(number);
        }
    }

    /// Doubles the ranges of all tables, unless the index would be too long.
    fn double_index(&mut self) {
        if self.index.len() >= FIRST_INDEX.max(self.tables.len() * INDEX_LIMIT) {
            return;
        }
        self.index = self.index.iter().flat_map(|table| [*table; 2]).collect();
        self.shift -= 1;
        for range in &mut self.ranges {
            *range = 2 * range.start..2 * range.end;
        }
    }

    /// Halves the ranges of all tables, if the index is too long and no range starts at an odd entry.
    fn halve_index(&mut self) {
        if self.index.len() > FIRST_INDEX.max(self.tables.len() * INDEX_LIMIT)
            && self.ranges.iter().all(|range| range.start % 2 == 0)
        {
            self.index = self.index.iter().step_by(2).copied().collect();
            self.shift += 1;
            for range in &mut self.ranges {
                *range = range.start / 2..range.end / 2;
            }
        }
    }
}
