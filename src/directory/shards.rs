use alloc::vec::Vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::hint::black_box;
use core::mem;

use hashbrown::HashTable;

use crate::directory::slot::Slot;

/// The number of users in a full table, 7/8 of its slots. Tests make it small.
const FULL: usize = if cfg!(presence_small_shards) { 3 } else { 3584 };
/// The number of users that are fetched from memory together.
pub(super) const GROUP: usize = 32;
/// The highest number of entries in `index` for each table.
const INDEX_LIMIT: usize = 8;

/// The users of a directory, in many small hash tables.
///
/// This is extendible hashing. The position of a user is a number between 0 and 2³² that depends on its
/// hash. The first `depth` bits of the position select an entry of `index`, which names a table. When a
/// table is full it is split in two by the next bit; when two halves are nearly empty they are merged.
/// So no call moves more users than fit into a table.
///
/// If all users had the same hash, splitting would not separate them. The index is therefore limited,
/// and then a table grows beyond `FULL`.
#[derive(Debug, Clone)]
pub(super) struct Shards<U, S, H> {
    /// For every prefix of `depth` bits, the table of the users whose positions start with it.
    index: Vec<u32>,
    depth: u32,
    tables: Vec<HashTable<Slot<U, S>>>,
    /// For every table, the part of `index` that names it.
    ranges: Vec<Range>,
    len: usize,
    /// The number of tables that are kept when users leave.
    reserved: usize,
    hasher: H,
}

/// The positions that start with the first `depth` bits of `start`.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: u32,
    depth: u32,
}

impl<U, S, H> Shards<U, S, H> {
    pub(super) const fn new(hasher: H) -> Self {
        Self {
            index: Vec::new(),
            depth: 0,
            tables: Vec::new(),
            ranges: Vec::new(),
            len: 0,
            reserved: 0,
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

    /// Returns the users with a hash who are due at a timestamp: more than one only if hashes collide.
    pub(super) fn due_mut(&mut self, hash: u64, due_at: i64) -> impl Iterator<Item = &mut Slot<U, S>> {
        let table = self.table_of(hash);
        let slots =
            self.tables.get_mut(table).into_iter().flat_map(move |table| table.iter_hash_mut(hash));
        slots.filter(move |slot| slot.due_at == due_at)
    }

    /// Reads a word of each of up to [`GROUP`] users, so that the processor fetches them from memory at
    /// the same time and not one after the other.
    #[inline(never)]
    pub(super) fn fetch(&self, hashes: impl Iterator<Item = u64>) {
        let mut found = [None; GROUP];
        for (found, hash) in found.iter_mut().zip(hashes) {
            let table = self.tables.get(self.table_of(hash));
            *found = table.and_then(|table| Some((table, table.find_bucket_index(hash, |_| true)?)));
        }
        for (table, bucket) in found.into_iter().flatten() {
            black_box(table.get_bucket(bucket).map(|slot| slot.due_at));
        }
    }

    #[inline]
    fn table_of(&self, hash: u64) -> usize {
        self.index.get(self.entry_of(position(hash))).map_or(0, |table| *table as usize)
    }

    #[inline]
    fn entry_of(&self, position: u32) -> usize {
        (u64::from(position) >> (u32::BITS - self.depth)) as usize
    }
}

/// Returns where the users with a hash lie between 0 and 2³².
///
/// It uses other bits than the tables do, which use the lowest and the highest ones. The lower half of
/// the hashes takes 19/32 of the positions: tables split when they are full, and if all were filled
/// alike, all would be half empty at the same time.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the bits in the middle are meant")]
const fn position(hash: u64) -> u32 {
    let even = (hash >> 24) as u32;
    let bend = if even <= u32::MAX / 2 { even } else { !even };
    even + (bend >> 3) + (bend >> 4)
}

impl<U: Hash, S, H: BuildHasher> Shards<U, S, H> {
    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, user: &Q) -> u64 {
        self.hasher.hash_one(user)
    }

    #[inline]
    pub(super) fn get<Q>(&self, hash: u64, user: &Q) -> Option<&Slot<U, S>>
    where
        U: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.tables.get(self.table_of(hash))?.find(hash, |slot| slot.user.borrow() == user)
    }

    #[inline]
    pub(super) fn get_mut<Q>(&mut self, hash: u64, user: &Q) -> Option<&mut Slot<U, S>>
    where
        U: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let table = self.table_of(hash);
        self.tables.get_mut(table)?.find_mut(hash, |slot| slot.user.borrow() == user)
    }

    /// Adds a user that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, slot: Slot<U, S>) {
        if self.tables.is_empty() {
            self.add_table(Range { start: 0, depth: 0 }, HashTable::new());
            self.index.push(0);
        }
        let mut table = self.table_of(hash);
        if self.tables.get(table).is_some_and(|table| table.len() >= FULL) && self.split(table) {
            table = self.table_of(hash);
        }
        let Some(table) = self.tables.get_mut(table) else { return };
        let hasher = &self.hasher;
        table.insert_unique(hash, slot, |slot| hasher.hash_one(&slot.user));
        self.len += 1;
    }

    pub(super) fn remove<Q>(&mut self, hash: u64, user: &Q) -> Option<Slot<U, S>>
    where
        U: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let table = self.table_of(hash);
        let entry = self.tables.get_mut(table)?.find_entry(hash, |slot| slot.user.borrow() == user);
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

    /// Splits tables until this many users fit.
    pub(super) fn reserve(&mut self, users: usize) {
        while self.tables.len().max(1) * FULL / 2 < users {
            if self.tables.is_empty() {
                self.add_table(Range { start: 0, depth: 0 }, HashTable::new());
                self.index.push(0);
            }
            for table in 0..self.tables.len() {
                self.split(table);
            }
        }
        let hasher = &self.hasher;
        for table in &mut self.tables {
            table.reserve((FULL / 2).saturating_sub(table.len()), |slot| hasher.hash_one(&slot.user));
        }
        self.reserved = self.reserved.max(self.tables.len());
    }

    /// Splits a table by the next bit of the positions. Returns false if the index would be too large.
    #[cold]
    fn split(&mut self, table: usize) -> bool {
        let Some(range) = self.ranges.get_mut(table) else { return false };
        if range.depth == self.depth && !self.double_index() {
            return false;
        }
        let Some(range) = self.ranges.get_mut(table) else { return false };
        range.depth += 1;
        let lower = *range;
        let upper = Range { start: lower.start | (1 << (u32::BITS - lower.depth)), ..lower };
        let Some(full) = self.tables.get_mut(table).map(mem::take) else { return false };
        let capacity = if full.len() < FULL { 0 } else { FULL };
        let mut halves = [HashTable::with_capacity(capacity), HashTable::with_capacity(capacity)];
        let [lower_half, upper_half] = &mut halves;
        for slot in full {
            let hash = self.hasher.hash_one(&slot.user);
            let half = if position(hash) < upper.start { &mut *lower_half } else { &mut *upper_half };
            half.insert_unique(hash, slot, |slot| self.hasher.hash_one(&slot.user));
        }
        let [lower_half, upper_half] = halves;
        if let Some(table) = self.tables.get_mut(table) {
            *table = lower_half;
        }
        let upper_table = self.add_table(upper, upper_half);
        self.point(upper, upper_table);
        true
    }

    /// Returns memory after users have left a table.
    fn give_back(&mut self, table: usize) {
        let Some(users) = self.tables.get(table) else { return };
        if users.len() >= FULL / 8 || self.tables.len() <= self.reserved {
            return;
        }
        if self.len == 0 {
            (self.index, self.depth) = (Vec::new(), 0);
            (self.tables, self.ranges) = (Vec::new(), Vec::new());
            return;
        }
        if users.capacity() > GROUP + 4 * users.len() {
            let hasher = &self.hasher;
            if let Some(users) = self.tables.get_mut(table) {
                users.shrink_to(2 * users.len(), |slot| hasher.hash_one(&slot.user));
            }
        }
        self.merge(table);
    }

    /// Merges a table with the other half of its range, if both are nearly empty.
    fn merge(&mut self, table: usize) {
        let Some(range) = self.ranges.get(table).copied().filter(|range| range.depth > 0) else {
            return;
        };
        let other_start = range.start ^ (1 << (u32::BITS - range.depth));
        let Some(other) = self.index.get(self.entry_of(other_start)).map(|other| *other as usize) else {
            return;
        };
        let is_half = self.ranges.get(other).is_some_and(|other| other.depth == range.depth);
        let users = |table: usize| self.tables.get(table).map_or(0, HashTable::len);
        if !is_half || users(table) + users(other) > FULL / 4 {
            return;
        }
        let merged = Range { start: range.start.min(other_start), depth: range.depth - 1 };
        let Some(moved) = self.tables.get_mut(other).map(mem::take) else { return };
        let hasher = &self.hasher;
        if let Some(users) = self.tables.get_mut(table) {
            for slot in moved {
                users.insert_unique(hasher.hash_one(&slot.user), slot, |slot| {
                    hasher.hash_one(&slot.user)
                });
            }
        }
        if let Some(range) = self.ranges.get_mut(table) {
            *range = merged;
        }
        self.point(merged, table);
        self.remove_table(other);
        self.halve_index();
    }

    fn add_table(&mut self, range: Range, table: HashTable<Slot<U, S>>) -> usize {
        self.tables.push(table);
        self.ranges.push(range);
        self.tables.len() - 1
    }

    /// Removes a table that `index` no longer names. The last table takes its place.
    fn remove_table(&mut self, table: usize) {
        self.tables.swap_remove(table);
        self.ranges.swap_remove(table);
        if let Some(range) = self.ranges.get(table).copied() {
            self.point(range, table);
        }
    }

    /// Lets the entries of a range name a table.
    fn point(&mut self, range: Range, table: usize) {
        let first = self.entry_of(range.start);
        let entries = 1 << (self.depth - range.depth);
        let table = u32::try_from(table).unwrap_or(u32::MAX);
        if let Some(entries) = self.index.get_mut(first..first + entries) {
            entries.fill(table);
        }
    }

    /// Lets the index distinguish one more bit. Returns false if it would be too large.
    fn double_index(&mut self) -> bool {
        if self.depth == u32::BITS || self.index.len() * 2 > self.tables.len() * INDEX_LIMIT {
            return false;
        }
        self.index = self.index.iter().flat_map(|table| [*table, *table]).collect();
        self.depth += 1;
        true
    }

    /// Undoes doublings that no table needs any more.
    fn halve_index(&mut self) {
        if self.index.len() > self.tables.len() * INDEX_LIMIT
            && self.ranges.iter().all(|range| range.depth < self.depth)
        {
            self.index = self.index.iter().step_by(2).copied().collect();
            self.depth -= 1;
        }
    }
}
