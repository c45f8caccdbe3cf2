//! Items in many small hash tables. It knows nothing of users, and does not hash.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;
use core::ops::Range;

use hashbrown::HashTable;

/// The number of items in a full table: 7/8 of 4,096 places, after which the table itself would double.
/// Tables of half the size are twice as many to find an item in, and tables of twice the size take twice as
/// long to split.
const FULL: usize = if cfg!(presence_small_shards) { 3 } else { 3584 };
/// The number of items below which a table gives memory back. Until then it is likely to be needed again.
const SPARSE: usize = if cfg!(presence_small_shards) { 2 } else { FULL / 8 };
/// The places that a table may keep: a table of a few items is not worth a new one.
const SPARE: usize = 32;
/// The length that an index may always have: with fewer entries, the first tables could only be halved.
const FIRST_INDEX: usize = if cfg!(presence_small_shards) { 4 } else { 32 };
/// The longest index: 512 KiB. To double it, half of that is copied, which takes less time than a split.
const LAST_INDEX: usize = if cfg!(presence_small_shards) { 16 } else { 1 << 17 };
/// The entries that an index may have for each of its nodes. More are not needed, unless many items have
/// the same hash, and then no index is long enough.
const ENTRIES_A_NODE: usize = if cfg!(presence_small_shards) { 4 } else { 32 };
/// The shortest range that can be split unevenly.
const LEAST_RANGE: usize = 8;
/// The high bits of a hash that a table uses itself.
const TAG_BITS: u32 = 7;

/// Items in many small hash tables.
///
/// This is extendible hashing, in levels. Some bits of a hash select an entry of `index`, which names a table:
///
/// ```text
/// index   0 0 0 0 0 1 1 1 2 2 2 2 2 2 2 2
/// nodes   0: table   1: table   2: shards, with an index for the bits that follow
/// ```
///
/// - The entries that name a table are its range. If the table is full, the upper part of its range goes to
///   a new table.
/// - If the range is too short for that, the index is doubled.
/// - If the index must not be longer, shards of its own take the place of the table.
///
/// So no call moves more items than fit into a table, or copies more than an index. A table that has become
/// empty frees its memory and keeps its range.
///
/// If many items have the same hash, splitting does not separate them. Then a table grows beyond `FULL`.
#[derive(Debug, Clone)]
pub(super) struct Shards<T> {
    index: Index,
    nodes: Vec<Node<T>>,
}

#[derive(Debug, Clone)]
enum Node<T> {
    Table(HashTable<T>),
    Shards(Box<Shards<T>>),
}

/// The number of a node for every value of some bits of a hash.
#[derive(Debug, Clone)]
struct Index {
    /// As many as a power of two, or none.
    numbers: Vec<u32>,
    /// The number of lower bits in a hash.
    shift: u32,
}

impl<T> Shards<T> {
    pub(super) const fn new() -> Self {
        Self { index: Index { numbers: Vec::new(), shift: u64::BITS - TAG_BITS }, nodes: Vec::new() }
    }

    /// Adds an item that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, item: T, rehash: &impl Fn(&T) -> u64) {
        let new = self.nodes.len();
        let Some(node) = self.nodes.get_mut(self.index.number(hash)) else {
            let mut table = HashTable::new();
            table.insert_unique(hash, item, rehash);
            self.index.numbers.push(0);
            return self.nodes.push(Node::Table(table));
        };
        let table = match node {
            Node::Shards(shards) => return shards.insert(hash, item, rehash),
            Node::Table(table) => table,
        };
        if table.len() < FULL {
            table.insert_unique(hash, item, rehash);
            return;
        }
        self.index.lengthen(hash, ENTRIES_A_NODE * new);
        let range = self.index.range(hash);
        if range.len() < LEAST_RANGE && self.index.is_longest() {
            let index = Index { numbers: Vec::from([0]), shift: self.index.shift };
            let mut shards = Self { index, nodes: Vec::from([Node::Table(mem::take(table))]) };
            shards.insert(hash, item, rehash);
            *node = Node::Shards(Box::new(shards));
        } else if range.len() > 1 {
            // Not in halves: if all tables were filled alike, all would be half empty at the same time.
            let upper = range.start + range.len() * 5 / 8..range.end;
            let items = mem::replace(table, HashTable::with_capacity(FULL)).into_iter().chain([item]);
            let mut upper_table = HashTable::with_capacity(FULL);
            for item in items {
                let hash = rehash(&item);
                let is_upper = upper.contains(&self.index.position(hash));
                let part = if is_upper { &mut upper_table } else { &mut *table };
                part.insert_unique(hash, item, rehash);
            }
            self.index.rename(upper, new);
            self.nodes.push(Node::Table(upper_table));
        } else {
            table.insert_unique(hash, item, rehash);
        }
    }

    /// Removes the item that matches.
    pub(super) fn remove(
        &mut self,
        hash: u64,
        matches: impl FnMut(&T) -> bool,
        rehash: impl Fn(&T) -> u64,
    ) -> Option<T> {
        let table = self.table_mut(hash)?;
        let (item, _) = table.find_entry(hash, matches).ok()?.remove();
        give_back(table, rehash);
        Some(item)
    }

    /// Removes the items for which `keep` returns false.
    pub(super) fn retain(&mut self, keep: &mut impl FnMut(&mut T) -> bool, rehash: &impl Fn(&T) -> u64) {
        for node in &mut self.nodes {
            match node {
                Node::Table(table) => {
                    table.retain(&mut *keep);
                    give_back(table, rehash);
                }
                Node::Shards(shards) => shards.retain(keep, rehash),
            }
        }
    }

    /// Returns the table for a hash, `None` if there are no tables.
    #[inline]
    pub(super) fn table(&self, hash: u64) -> Option<&HashTable<T>> {
        match self.nodes.get(self.index.number(hash))? {
            Node::Table(table) => Some(table),
            Node::Shards(shards) => shards.lower_table(hash),
        }
    }

    /// Kept apart so that the common look-up is small enough to inline.
    #[cold]
    #[inline(never)]
    fn lower_table(&self, hash: u64) -> Option<&HashTable<T>> {
        self.table(hash)
    }

    /// Returns the table for a hash, `None` if there are no tables.
    #[inline]
    pub(super) fn table_mut(&mut self, hash: u64) -> Option<&mut HashTable<T>> {
        match self.nodes.get_mut(self.index.number(hash))? {
            Node::Table(table) => Some(table),
            Node::Shards(shards) => shards.lower_table_mut(hash),
        }
    }

    #[cold]
    #[inline(never)]
    fn lower_table_mut(&mut self, hash: u64) -> Option<&mut HashTable<T>> {
        self.table_mut(hash)
    }

    pub(super) fn tables(&self) -> Vec<&HashTable<T>> {
        let tables = self.nodes.iter().flat_map(|node| match node {
            Node::Table(table) => Vec::from([table]),
            Node::Shards(shards) => shards.tables(),
        });
        tables.collect()
    }

    pub(super) fn into_tables(self) -> Vec<HashTable<T>> {
        let tables = self.nodes.into_iter().flat_map(|node| match node {
            Node::Table(table) => Vec::from([table]),
            Node::Shards(shards) => shards.into_tables(),
        });
        tables.collect()
    }
}

impl Index {
    /// Returns the number of the node for a hash: 0 if there are no nodes yet.
    #[inline]
    fn number(&self, hash: u64) -> usize {
        self.numbers.get(self.position(hash)).map_or(0, |number| *number as usize)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "an index is shorter than 32 bits")]
    fn position(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize & self.numbers.len().wrapping_sub(1)
    }

    /// Returns the entries that name the same node as the one for a hash.
    fn range(&self, hash: u64) -> Range<usize> {
        let position = self.position(hash);
        let (before, after) = self.numbers.split_at(position);
        let is_same = |number: &&u32| after.first() == Some(*number);
        let start = position - before.iter().rev().take_while(is_same).count();
        start..position + after.iter().take_while(is_same).count()
    }

    /// Doubles the index until the range for a hash can be split unevenly, unless it would have too many
    /// entries.
    fn lengthen(&mut self, hash: u64, limit: usize) {
        let limit = limit.clamp(FIRST_INDEX, LAST_INDEX);
        while self.range(hash).len() < LEAST_RANGE && self.numbers.len() < limit && self.shift > 0 {
            self.numbers = self.numbers.iter().flat_map(|number| [*number; 2]).collect();
            self.shift -= 1;
        }
    }

    /// Returns whether the index must not be doubled, and there are bits for another one.
    fn is_longest(&self) -> bool {
        self.numbers.len() == LAST_INDEX && self.shift > 0
    }

    /// Lets entries name a node.
    #[expect(clippy::cast_possible_truncation, reason = "there are no more nodes than entries")]
    fn rename(&mut self, range: Range<usize>, number: usize) {
        for named in self.numbers.iter_mut().take(range.end).skip(range.start) {
            *named = number as u32;
        }
    }
}

/// Returns memory of a table that items have left.
fn give_back<T>(table: &mut HashTable<T>, rehash: impl Fn(&T) -> u64) {
    if table.len() < SPARSE && table.capacity() > SPARE + 4 * table.len() {
        table.shrink_to(2 * table.len(), rehash);
    }
}
