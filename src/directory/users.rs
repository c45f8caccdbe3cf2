use alloc::collections::BTreeMap;
use alloc::vec;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::hint::black_box;
use core::iter::Flatten;
use core::mem;
use core::ptr;

use hashbrown::HashTable;

use crate::directory::queue::Entry;
use crate::directory::shards::Shards;
use crate::directory::slot::Slot;

/// The number of users that are fetched from memory together: more than a processor waits for at a time.
pub(super) const GROUP: usize = 32;

/// The users of a directory, found by their ids or by entries of the queue.
#[derive(Debug, Clone)]
pub(super) struct Users<U, S, H> {
    shards: Shards<Slot<U, S>>,
    len: usize,
    hasher: H,
}

impl<U, S, H> Users<U, S, H> {
    pub(super) const fn new(hasher: H) -> Self {
        Self { shards: Shards::new(), len: 0, hasher }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn slots(&self) -> Flatten<vec::IntoIter<&HashTable<Slot<U, S>>>> {
        self.shards.tables().into_iter().flatten()
    }

    pub(super) fn into_slots(self) -> Flatten<vec::IntoIter<HashTable<Slot<U, S>>>> {
        self.shards.into_tables().into_iter().flatten()
    }

    pub(super) fn clear(&mut self) {
        (self.shards, self.len) = (Shards::new(), 0);
    }

    /// Reads both ends of the records of up to [`GROUP`] users, so that the processor fetches them from memory at
    /// the same time and not one after the other.
    #[inline(never)]
    pub(super) fn fetch(&self, hashes: impl Iterator<Item = u64>) {
        let mut found = [None; GROUP];
        for (found, hash) in found.iter_mut().zip(hashes) {
            let table = self.shards.table(hash);
            *found = table.and_then(|table| Some((table, table.find_bucket_index(hash, |_| true)?)));
        }
        for (table, bucket) in found.into_iter().flatten() {
            let slot = table.get_bucket(bucket);
            black_box(slot.map(|slot| (slot.due_at, mem::discriminant(&slot.model.record))));
        }
    }

    /// Returns the user of an entry, provided that no other user is due at that timestamp.
    ///
    /// A table compares seven bits of a hash, so only the timestamp tells users apart that agree in them.
    #[inline]
    pub(super) fn due_alone(&mut self, Entry { at, hash }: Entry) -> Option<&mut Slot<U, S>> {
        self.shards.table_mut(hash)?.find_mut(hash, |slot| slot.due_at == at)
    }
}

impl<U: Hash, S, H: BuildHasher> Users<U, S, H> {
    #[inline]
    pub(super) fn hash<Q: Hash + ?Sized>(&self, user: &Q) -> u64 {
        self.hasher.hash_one(user)
    }

    /// Returns the queue's entry for a user.
    pub(super) fn entry(&self, slot: &Slot<U, S>) -> Entry {
        Entry { at: slot.due_at, hash: self.hash(&slot.user) }
    }

    /// Returns the users of entries, with their hashes.
    pub(super) fn due(&self, entries: &[Entry]) -> BTreeMap<U, u64>
    where
        U: Clone + Ord,
    {
        let entries = entries.chunks(GROUP).flat_map(|group| {
            self.fetch(group.iter().map(|entry| entry.hash));
            group
        });
        let users = entries.flat_map(|entry| {
            let slots = self.shards.table(entry.hash).into_iter();
            let slots = slots.flat_map(|table| table.iter_hash(entry.hash));
            // Several, if they have the same hash.
            let slots = slots.filter(|slot| self.entry(slot) == *entry);
            slots.map(|slot| (slot.user.clone(), entry.hash))
        });
        users.collect()
    }

    #[inline]
    pub(super) fn get<Q>(&self, hash: u64, user: &Q) -> Option<&Slot<U, S>>
    where
        U: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.shards.table(hash)?.find(hash, |slot| slot.user.borrow() == user)
    }

    #[inline]
    pub(super) fn get_mut<Q>(&mut self, hash: u64, user: &Q) -> Option<&mut Slot<U, S>>
    where
        U: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.shards.table_mut(hash)?.find_mut(hash, |slot| slot.user.borrow() == user)
    }

    /// Adds a user that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, slot: Slot<U, S>) {
        self.shards.insert(hash, slot, &|slot| self.hasher.hash_one(&slot.user));
        self.len += 1;
    }

    /// Removes the user that matches.
    pub(super) fn remove(
        &mut self,
        hash: u64,
        matches: impl FnMut(&Slot<U, S>) -> bool,
    ) -> Option<Slot<U, S>> {
        let slot = self.shards.remove(hash, matches, |slot| self.hasher.hash_one(&slot.user))?;
        self.len -= 1;
        if self.len == 0 {
            self.clear();
        }
        Some(slot)
    }

    /// Removes the users for whom `keep` returns false. It may change a user, but not its id.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Slot<U, S>, u64) -> bool) {
        let Self { shards, len, hasher } = self;
        let rehash = |slot: &Slot<U, S>| hasher.hash_one(&slot.user);
        shards.retain(
            &mut |slot| {
                let is_kept = keep(slot, rehash(slot));
                *len -= usize::from(!is_kept);
                is_kept
            },
            &rehash,
        );
        if self.len == 0 {
            self.clear();
        }
    }

    /// Asserts that every user is in the table for its hash, and that all of them are counted.
    pub(super) fn verify(&self) {
        let mut len = 0;
        for table in self.shards.tables() {
            for slot in table {
                let expected = self.shards.table(self.hash(&slot.user));
                assert!(expected.is_some_and(|expected| ptr::eq(expected, table)), "a user is found");
                len += 1;
            }
        }
        assert_eq!(len, self.len, "the number of users");
    }
}
