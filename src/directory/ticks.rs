use core::hash::{BuildHasher, Hash};

use time::Timestamp;

use crate::directory::queue::{DeadlineQueue, Due, Entry};
use crate::directory::slot::Slot;
use crate::directory::users::GROUP;
use crate::directory::{ChangesUntil, PresenceDirectory};
use crate::model::Outcome;
use crate::text::nanoseconds;

/// A tick that is earlier than the latest update by more than this is a step of the clock (rule T5):
/// one minute.
const STEP: i64 = nanoseconds::MINUTE;

/// Updates of all users.
impl<U, S, H> PresenceDirectory<U, S, H>
where
    U: Clone + Hash + Ord,
    H: BuildHasher,
{
    /// Lets time pass until `now` for all users. It returns one user that has changed, or `None` if
    /// there is no other.
    ///
    /// Call it until it returns `None`. Changes come in the order in which they came into effect
    /// and, at one timestamp, in the order of the users (rule [O1](crate::docs::rules#O1)). A late tick
    /// reports what is in effect now, and not the changes on the way:
    /// [`changes_until`](Self::changes_until) reports each of them. If nothing is due it costs a few
    /// nanoseconds.
    ///
    /// ```
    /// use presence_core::{PresenceDirectory, SessionPresence, SetSession, SignedDuration, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut users = PresenceDirectory::<u64, u64>::new();
    /// for user in [3, 1, 2] {
    ///     let _ = users.apply(&user, SetSession::new(1, SessionPresence::Away), now)?;
    /// }
    /// let later = now + SignedDuration::HOUR;
    /// let mut offline = Vec::new();
    /// while let Some((user, _)) = users.tick(later) {
    ///     offline.push(user);
    /// }
    /// assert_eq!(offline, [1, 2, 3]);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[inline]
    #[must_use = "a change that is not published is lost"]
    pub fn tick(&mut self, now: Timestamp) -> Option<(U, Outcome)> {
        let now = nanoseconds::from_timestamp(now);
        if now >= self.latest && self.queue.first().is_none_or(|first| now < first) {
            self.latest = now;
            return None;
        }
        let change = self.next_change(now);
        self.verify();
        change
    }

    fn next_change(&mut self, now: i64) -> Option<(U, Outcome)> {
        if now < self.latest.saturating_sub(STEP) {
            self.clamp(now);
        }
        self.latest = self.latest.max(now);
        while let Some(Due { entry: Entry { at, hash }, user }) = self.pop(now) {
            let slot = match &user {
                Some(user) => self.users.get_mut(hash, user),
                None => self.users.due_alone(Entry { at, hash }),
            };
            debug_assert!(slot.is_some(), "an entry is removed with its user");
            let Some(slot) = slot else { continue };
            if let Some(deadline) = slot.pass_silently(at) {
                slot.due_at = deadline;
                self.queue.push(Entry { at: deadline, hash }, &slot.user);
                continue;
            }
            let (outcome, deadline) = slot.model.pass(now);
            let user = match deadline {
                None => {
                    let is_due = |slot: &Slot<U, S>| {
                        slot.due_at == at && user.as_ref().is_none_or(|user| slot.user == *user)
                    };
                    self.users.remove(hash, is_due).map(|slot| slot.user)
                }
                Some(deadline) => {
                    slot.due_at = deadline;
                    self.queue.push(Entry { at: deadline, hash }, &slot.user);
                    Some(slot.user.clone())
                }
            };
            if let Some(user) = user.filter(|_| outcome.changed().is_some()) {
                return Some((user, outcome));
            }
        }
        None
    }

    /// Takes the first user that is due by `now` out of the queue, and lets the next group of users be fetched
    /// from memory once a group.
    fn pop(&mut self, now: i64) -> Option<Due<U>> {
        let before = self.queue.first_list().len() / GROUP;
        let due = self.queue.pop(now, |entries| self.users.due(entries))?;
        let first = self.queue.first_list();
        if first.len() / GROUP != before {
            self.users.fetch(first.iter().rev().map(|entry| entry.hash));
        }
        Some(due)
    }

    /// Clamps every user as of `now`, after a step of the clock (rule T5).
    #[cold]
    fn clamp(&mut self, now: i64) {
        self.queue = DeadlineQueue::new();
        self.users.retain(|slot, hash| {
            slot.model.expire(now);
            slot.due_at = slot.model.due_at(now).unwrap_or(now);
            self.queue.push(Entry { at: slot.due_at, hash }, &slot.user);
            true
        });
        self.latest = now;
    }

    /// Lets time pass until `until` for all users, and returns every change with the timestamp at
    /// which it came into effect.
    ///
    /// It ticks at each [`next_deadline`](Self::next_deadline) in turn, and at last at `until`. A change that
    /// was overdue has the latest `now` of any update as its timestamp, or `until` if that is earlier: for
    /// exact timestamps, consume the changes until `now` before every other update at `now`. The iterator
    /// does nothing unless it is consumed; what it has not returned comes with the next one.
    ///
    /// ```
    /// use presence_core::{
    ///     Presence, PresenceDirectory, SessionPresence, SetSession, SignedDuration, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut users = PresenceDirectory::<&str, u64>::new();
    /// let _ = users.apply(&"ana", SetSession::new(1, SessionPresence::InACall), now)?;
    /// let hour = "PT1H".parse()?;
    /// let available = SetSession::new(2, SessionPresence::Available).with_expiration(hour);
    /// let _ = users.apply(&"bob", available, now)?;
    /// let changes: Vec<_> = users
    ///     .changes_until(now + SignedDuration::minutes(10))
    ///     .map(|(at, user, outcome)| (at.as_seconds(), user, outcome.current))
    ///     .collect();
    /// assert_eq!(
    ///     changes,
    ///     [
    ///         (300, "ana", Presence::Offline),
    ///         (300, "bob", Presence::AvailableInactive),
    ///         (600, "bob", Presence::Away),
    ///     ]
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changes_until(&mut self, until: Timestamp) -> ChangesUntil<'_, U, S, H> {
        ChangesUntil { directory: self, until }
    }
}
