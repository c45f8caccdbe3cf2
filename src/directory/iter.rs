use alloc::vec;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::iter::{Flatten, FusedIterator};

use hashbrown::HashTable;
use time::Timestamp;

use crate::directory::slot::Slot;
use crate::directory::{PresenceDirectory, UserHashBuilder};
use crate::model::{Outcome, PresenceModel};

/// The users of a directory and their models in an arbitrary order, from
/// [`PresenceDirectory::iter`](crate::PresenceDirectory::iter).
pub struct Iter<'a, U, S> {
    pub(super) slots: Flatten<vec::IntoIter<&'a HashTable<Slot<U, S>>>>,
    pub(super) len: usize,
}

impl<U, S> Clone for Iter<'_, U, S> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone(), len: self.len }
    }
}

impl<'a, U, S> Iterator for Iter<'a, U, S> {
    type Item = (&'a U, &'a PresenceModel<S>);

    fn next(&mut self) -> Option<Self::Item> {
        let slot = self.slots.next()?;
        self.len -= 1;
        Some((&slot.user, &slot.model))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl<U, S> ExactSizeIterator for Iter<'_, U, S> {}

impl<U, S> FusedIterator for Iter<'_, U, S> {}

impl<U: fmt::Debug, S: fmt::Debug> fmt::Debug for Iter<'_, U, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The users of a directory and their models in an arbitrary order, taken out of it.
pub struct IntoIter<U, S> {
    pub(super) slots: Flatten<vec::IntoIter<HashTable<Slot<U, S>>>>,
    pub(super) len: usize,
}

impl<U, S> Iterator for IntoIter<U, S> {
    type Item = (U, PresenceModel<S>);

    fn next(&mut self) -> Option<Self::Item> {
        let slot = self.slots.next()?;
        self.len -= 1;
        Some((slot.user, slot.model))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl<U, S> ExactSizeIterator for IntoIter<U, S> {}

impl<U, S> FusedIterator for IntoIter<U, S> {}

impl<U, S> fmt::Debug for IntoIter<U, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The changes until a timestamp, from [`PresenceDirectory::changes_until`].
#[must_use = "iterators are lazy and do nothing unless consumed"]
#[derive(Debug)]
pub struct ChangesUntil<'a, U, S, H = UserHashBuilder> {
    pub(super) directory: &'a mut PresenceDirectory<U, S, H>,
    pub(super) until: Timestamp,
}

impl<U, S, H> Iterator for ChangesUntil<'_, U, S, H>
where
    U: Clone + Hash + Ord,
    H: BuildHasher,
{
    type Item = (Timestamp, U, Outcome);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let deadline = self.directory.next_deadline();
            let now = deadline.map_or(self.until, |deadline| deadline.min(self.until));
            if let Some((user, outcome)) = self.directory.tick(now) {
                return Some((now, user, outcome));
            }
            if now >= self.until {
                return None;
            }
        }
    }
}

impl<U, S, H> FusedIterator for ChangesUntil<'_, U, S, H>
where
    U: Clone + Hash + Ord,
    H: BuildHasher,
{
}
