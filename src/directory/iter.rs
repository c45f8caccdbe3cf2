use core::fmt;
use core::iter::FusedIterator;

use hashbrown::hash_table;

use crate::directory::table::Slot;
use crate::model::PresenceModel;

/// The users of a directory and their models in an arbitrary order, from
/// [`PresenceDirectory::iter`](crate::PresenceDirectory::iter).
pub struct Iter<'a, U, S> {
    pub(super) slots: hash_table::Iter<'a, Slot<U, S>>,
}

impl<U, S> Clone for Iter<'_, U, S> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.clone() }
    }
}

impl<'a, U, S> Iterator for Iter<'a, U, S> {
    type Item = (&'a U, &'a PresenceModel<S>);

    fn next(&mut self) -> Option<Self::Item> {
        self.slots.next().map(|slot| (&slot.user, &slot.model))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
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
    pub(super) slots: hash_table::IntoIter<Slot<U, S>>,
}

impl<U, S> Iterator for IntoIter<U, S> {
    type Item = (U, PresenceModel<S>);

    fn next(&mut self) -> Option<Self::Item> {
        self.slots.next().map(|slot| (slot.user, slot.model))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }
}

impl<U, S> ExactSizeIterator for IntoIter<U, S> {}

impl<U, S> FusedIterator for IntoIter<U, S> {}

impl<U, S> fmt::Debug for IntoIter<U, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("len", &self.len()).finish_non_exhaustive()
    }
}
