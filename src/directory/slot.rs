use crate::model::PresenceModel;
use crate::presence::Presence;

/// A user of a directory. With ids of 8 bytes a slot has 64 bytes, as a cache line has, but it can lie in
/// two. So what finds and reads a user lies together.
#[derive(Debug, Clone)]
#[repr(C)]
pub(super) struct Slot<U, S> {
    pub(super) user: U,
    /// When the user is looked at next: the deadline in the queue.
    ///
    /// It is after the last update of the user, or at it if there is something to report; and it is
    /// not after the user's deadline. A refresh moves the deadline later and leaves the queue alone.
    pub(super) due_at: i64,
    pub(super) model: PresenceModel<S>,
}

const _: () = assert!(size_of::<Slot<u64, u64>>() == 64);

impl<U, S> Slot<U, S> {
    /// Returns whether nothing of the user has ended since the last update, at a `now` that is not
    /// before the latest one.
    #[inline]
    pub(super) fn is_current(&self, latest: i64, now: i64) -> bool {
        latest <= now && now < self.due_at
    }

    /// Computes the effective presence. Kept apart so that the common read is small enough to inline.
    #[cold]
    #[inline(never)]
    pub(super) fn presence(&self, now: i64) -> Presence {
        self.model.phase(now, now).presence
    }

    /// Passes a deadline at which there is nothing to report: after a refresh, or if what ended was not
    /// visible. Returns the next deadline.
    pub(super) fn pass_silently(&mut self, due_at: i64) -> Option<i64> {
        let next = self.model.due_at(due_at).filter(|next| *next > due_at)?;
        self.model.expire(due_at);
        Some(next)
    }
}
