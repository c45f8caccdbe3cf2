use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};

use time::Timestamp;

use crate::directory::PresenceDirectory;
use crate::directory::queue::{DeadlineQueue, Entry};
use crate::directory::slot::Slot;
use crate::model::PresenceModel;
use crate::text::nanoseconds;

/// Moves.
impl<U, S, H> PresenceDirectory<U, S, H>
where
    U: Clone + Hash + Ord,
    H: BuildHasher,
{
    /// Inserts a user at `now`, and returns the model that it replaces.
    ///
    /// It is an update that reports nothing: it expires the model at `now` (rules
    /// [S6](crate::docs::rules#S6) and [T5](crate::docs::rules#T5)), and what the model has not reported
    /// is due at once. If the user is there already, the new model goes on from what the replaced one
    /// has reported, so that watchers hear of the difference.
    ///
    /// ```
    /// use presence_core::{Presence, PresenceDirectory, SessionPresence, SetSession, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut here = PresenceDirectory::<String, u64>::new();
    /// let mut there = PresenceDirectory::new();
    /// let _ = here.apply("ana", SetSession::new(1, SessionPresence::InACall), now)?;
    /// if let Some(model) = here.remove("ana") {
    ///     assert_eq!(there.insert("ana".to_owned(), model, now), None);
    /// }
    /// assert_eq!(there.presence("ana", now), Presence::InACall);
    /// assert!(here.is_empty() && there.tick(now).is_none());
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    pub fn insert(
        &mut self,
        user: U,
        mut model: PresenceModel<S>,
        now: Timestamp,
    ) -> Option<PresenceModel<S>> {
        let now = nanoseconds::from_timestamp(now);
        let replaced = self.remove(&user);
        if let Some(replaced) = &replaced {
            model.set_reported(replaced.reported());
        }
        model.expire(now);
        if let Some(due_at) = model.due_at(now) {
            self.add(self.users.hash(&user), Slot { user, due_at, model });
        }
        self.latest = self.latest.max(now);
        self.verify();
        replaced
    }

    pub(super) fn add(&mut self, hash: u64, slot: Slot<U, S>) {
        self.queue.push(Entry { at: slot.due_at, hash }, &slot.user);
        self.users.insert(hash, slot);
    }

    /// Removes a user, and returns its model. It reports nothing, and searches at most 512 entries of the
    /// queue.
    pub fn remove<Q>(&mut self, user: &Q) -> Option<PresenceModel<S>>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let slot = self.take(self.users.hash(user), user);
        self.verify();
        slot.map(|slot| slot.model)
    }

    pub(super) fn take<Q>(&mut self, hash: u64, user: &Q) -> Option<Slot<U, S>>
    where
        U: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let slot = self.users.remove(hash, |slot| slot.user.borrow() == user)?;
        self.queue.remove(Entry { at: slot.due_at, hash }, &slot.user);
        Some(slot)
    }

    /// Removes the users for whom `keep` returns false. It reports nothing.
    pub fn retain(&mut self, mut keep: impl FnMut(&U, &PresenceModel<S>) -> bool) {
        self.users.retain(|slot, hash| {
            let is_kept = keep(&slot.user, &slot.model);
            if !is_kept {
                self.queue.remove(Entry { at: slot.due_at, hash }, &slot.user);
            }
            is_kept
        });
        self.verify();
    }

    /// Removes all users. It reports nothing.
    pub fn clear(&mut self) {
        self.users.clear();
        self.queue = DeadlineQueue::new();
        self.verify();
    }
}
