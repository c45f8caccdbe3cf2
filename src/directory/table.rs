use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::hint::black_box;

use hashbrown::HashTable;
use hashbrown::hash_table::{IntoIter, Iter};

use crate::directory::queue::DeadlineQueue;
use crate::model::PresenceModel;

/// The number of free slots, or of queue entries that do not count, that is not worth a clean-up.
const SPARE: usize = 64;

/// The users of a directory and the queue of their deadlines.
///
/// The queue names a user by the index of its slot. An index is valid until the table grows or
/// shrinks: the queue is rebuilt whenever it does.
#[derive(Debug, Clone)]
pub(super) struct Table<U, S, H> {
    slots: HashTable<Slot<U, S>>,
    queue: DeadlineQueue<U>,
    /// The number of users that memory is kept for.
    reserved: usize,
    /// The highest number of users since the table last shrank.
    peak: usize,
    hasher: H,
}

/// A user. With ids of 8 bytes a slot has 64 bytes, one cache line.
#[derive(Debug, Clone)]
pub(super) struct Slot<U, S> {
    pub(super) user: U,
    /// When the user is looked at next. Of the queue entries for this slot, the one at this timestamp
    /// counts.
    ///
    /// It is after the last update of the user, or at it if there is something to report; and it is
    /// not after the user's deadline. A refresh moves the deadline later and leaves the entry alone.
    pub(super) due_at: i64,
    pub(super) model: PresenceModel<S>,
}

impl<U, S> Slot<U, S> {
    /// Returns whether nothing of the user has ended since the last update, at a `now` that is not
    /// before the latest one.
    #[inline]
    pub(super) fn is_current(&self, latest: i64, now: i64) -> bool {
        latest <= now && now < self.due_at
    }

    /// Passes a deadline at which there is nothing to report: after a refresh, or if what ended was not
    /// visible. Returns the next deadline.
    pub(super) fn pass_silently(&mut self, due_at: i64) -> Option<i64> {
        let next = self.model.due_at(due_at).filter(|next| *next > due_at)?;
        self.model.expire(due_at);
        Some(next)
    }
}

impl<U, S, H> Table<U, S, H> {
    pub(super) fn new(capacity: usize, hasher: H) -> Self {
        Self {
            slots: HashTable::with_capacity(capacity),
            queue: DeadlineQueue::new(),
            reserved: capacity,
            peak: 0,
            hasher,
        }
    }

    #[inline]
    pub(super) fn first_deadline(&self) -> Option<i64> {
        self.queue.first()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn iter(&self) -> Iter<'_, Slot<U, S>> {
        self.slots.iter()
    }

    pub(super) fn into_iter(self) -> IntoIter<Slot<U, S>> {
        self.slots.into_iter()
    }

    pub(super) fn slot_mut(&mut self, index: usize) -> Option<&mut Slot<U, S>> {
        self.slots.get_bucket_mut(index)
    }
}

impl<U: Hash, S, H: BuildHasher> Table<U, S, H> {
    #[inline]
    pub(super) fn find<Q>(&self, user: &Q) -> Option<&Slot<U, S>>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.slots.find(self.hasher.hash_one(user), |slot| slot.user.borrow() == user)
    }

    #[inline]
    pub(super) fn find_mut<Q>(&mut self, user: &Q) -> Option<&mut Slot<U, S>>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.slots.find_mut(self.hasher.hash_one(user), |slot| slot.user.borrow() == user)
    }

    pub(super) fn index<Q>(&self, user: &Q) -> Option<usize>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.slots.find_bucket_index(self.hasher.hash_one(user), |slot| slot.user.borrow() == user)
    }
}

impl<U: Clone + Hash + Ord, S, H: BuildHasher> Table<U, S, H> {
    pub(super) fn reserve(&mut self, additional: usize) {
        self.reserved = self.reserved.max(self.len().saturating_add(additional));
        self.slots.reserve(additional, |slot| self.hasher.hash_one(&slot.user));
        self.rebuild_queue();
    }

    /// Adds a user that is not there yet.
    pub(super) fn insert(&mut self, slot: Slot<U, S>) {
        if self.slots.len() == self.slots.capacity() {
            self.slots.reserve(1, |slot| self.hasher.hash_one(&slot.user));
            self.rebuild_queue();
        }
        let (hash, due_at) = (self.hasher.hash_one(&slot.user), slot.due_at);
        let entry = self.slots.insert_unique(hash, slot, |slot| self.hasher.hash_one(&slot.user));
        let index = entry.bucket_index();
        self.schedule(index, due_at);
        self.peak = self.peak.max(self.len());
    }

    pub(super) fn remove(&mut self, index: usize) -> Option<Slot<U, S>> {
        let (slot, _) = self.slots.get_bucket_entry(index).ok()?.remove();
        self.shrink();
        Some(slot)
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Slot<U, S>) -> bool) {
        self.slots.retain(|slot| keep(slot));
        self.shrink();
    }

    /// Changes every user, and queues all of them again.
    pub(super) fn update_all(&mut self, update: impl Fn(&mut Slot<U, S>)) {
        self.slots.iter_mut().for_each(update);
        self.rebuild_queue();
    }

    /// Sets when a user is looked at next. The entry that counted until now does not any more.
    #[cold]
    #[inline(never)]
    pub(super) fn schedule(&mut self, index: usize, due_at: i64) {
        let Some(slot) = self.slots.get_bucket_mut(index) else { return };
        slot.due_at = due_at;
        self.queue.push(due_at, &slot.user, index);
        if self.queue.len() > SPARE + 2 * self.len() {
            self.rebuild_queue();
        }
    }

    /// Takes the first user out of the queue that is due by `now`, and returns when it was due, with
    /// its index. The caller schedules or removes the user.
    pub(super) fn pop_due(&mut self, now: i64) -> Option<(i64, usize)> {
        let slots = &self.slots;
        let slot = |index| slots.get_bucket(index).map(|slot| (&slot.user, slot.due_at));
        let (due_at, index) = self.queue.peek(now, slot)?;
        if let Some(next) = self.queue.look_ahead() {
            self.fetch(next);
        }
        self.queue.pop(due_at, index);
        Some((due_at, index))
    }

    /// Reads the slots of users who come due together, so that the processor fetches them from memory
    /// at the same time and not one after the other.
    #[inline(never)]
    fn fetch(&self, indices: impl Iterator<Item = usize>) {
        for index in indices {
            let slot = self.slots.get_bucket(index);
            black_box(slot.map(|slot| (slot.due_at, slot.model.reported())));
        }
    }

    /// Returns memory after many users have left.
    fn shrink(&mut self) {
        if self.peak > SPARE + 4 * self.len() {
            self.slots.shrink_to(self.reserved, |slot| self.hasher.hash_one(&slot.user));
            self.peak = self.len();
            self.rebuild_queue();
        }
    }

    /// Queues every user again: without entries that do not count, and by the indices of today.
    #[cold]
    fn rebuild_queue(&mut self) {
        self.queue = DeadlineQueue::new();
        for index in self.slots.iter_buckets() {
            if let Some(slot) = self.slots.get_bucket(index) {
                self.queue.push(slot.due_at, &slot.user, index);
            }
        }
        debug_assert_eq!(self.queue.len(), self.len(), "one entry a user");
    }
}
