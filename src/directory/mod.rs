//! Many users.

mod hasher;
mod iter;
mod moves;
mod queue;
mod reads;
mod shards;
mod slot;
mod ticks;
mod users;

use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use time::Timestamp;

pub use self::hasher::{UserHashBuilder, UserHasher};
pub use self::iter::{ChangesUntil, IntoIter, Iter};
pub use self::reads::Presences;

use self::queue::{DeadlineQueue, Entry};
use self::slot::Slot;
use self::users::Users;
use crate::command::{Command, CommandError, SetSession};
use crate::expiration::SessionExpiration;
use crate::fading;
use crate::model::session::Lease;
use crate::model::{Outcome, PresenceModel};
use crate::presence::SessionPresence;
use crate::text::nanoseconds;

/// The presences of many users, with one deadline.
///
/// A directory is a map from users to models. It answers as one [`PresenceModel`] for each user would,
/// and its methods are of the same kinds.
/// - *Updates* change a user's presence: [`apply`](Self::apply) for one user, [`tick`](Self::tick) and
///   [`changes_until`](Self::changes_until) for all of them.
/// - *Reads* change nothing and need no tick before them: [`presence`](Self::presence),
///   [`presences`](Self::presences), [`explain`](Self::explain), [`get`](Self::get) and
///   [`iter`](Self::iter).
/// - [`next_deadline`](Self::next_deadline) and [`timeout`](Self::timeout) return when to tick.
/// - *Moves* carry users from one directory to another, or to and from a store:
///   [`insert`](Self::insert) and [`remove`](Self::remove). Users are independent, so any split over
///   directories reports the same changes (rule [O2](crate::docs::rules#O2)).
///
/// `U` is the type of user ids, `S` the type of session ids, and `H` hashes users. `U` is `Ord`
/// because changes at one timestamp are reported in the order of the users (rule
/// [O1](crate::docs::rules#O1)). No answer depends on the hasher. A user without sessions and without a
/// preference is removed at the next tick, or by the command that leaves it so.
///
/// # Time
///
/// The page [`docs::time`](crate::docs::time) is the contract. A step of the clock concerns all users:
/// - A tick more than one minute before the latest update of any user moves every start that is in the
///   future to its `now` (rule [T5](crate::docs::rules#T5)). No other update visits every user.
/// - A tick at most one minute before it does not, because two threads may read the clock in one
///   order and call in the other. An inactive user may then be seen for up to one minute too long.
///
/// A wrong timestamp in a command or an insert concerns its own user only (rule
/// [T7](crate::docs::rules#T7)).
///
/// Threads that share a directory must therefore read clocks that agree to within a minute.
///
/// ```
/// use presence_core::{
///     Presence, PresenceDirectory, SessionPresence, SetSession, SignedDuration, Timestamp,
/// };
///
/// let nine = Timestamp::UNIX_EPOCH;
/// let mut users = PresenceDirectory::<String, u64>::new();
/// let call = SetSession::new(1, SessionPresence::InACall);
/// assert_eq!(users.apply("ana", call, nine)?.changed(), Some(Presence::InACall));
/// assert_eq!(users.presence("ana", nine), Presence::InACall);
///
/// let five_past = nine + SignedDuration::minutes(5);
/// assert_eq!(users.next_deadline(), Some(five_past));
/// let (user, outcome) = users.tick(five_past).unwrap();
/// assert_eq!((user.as_str(), outcome.current), ("ana", Presence::Offline));
/// assert!(users.tick(five_past).is_none() && users.is_empty());
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Clone)]
pub struct PresenceDirectory<U, S, H = UserHashBuilder> {
    users: Users<U, S, H>,
    queue: DeadlineQueue<U>,
    /// The latest `now` of any update since a tick last noticed that the clock has stepped back. No start that
    /// is stored is after it.
    latest: i64,
}

impl<U, S> PresenceDirectory<U, S> {
    /// Creates an empty directory. It allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<U, S, H: Default> Default for PresenceDirectory<U, S, H> {
    fn default() -> Self {
        Self::with_hasher(H::default())
    }
}

impl<U, S, H> PresenceDirectory<U, S, H> {
    /// Creates an empty directory with the given hasher.
    ///
    /// ```
    /// use std::hash::RandomState;
    ///
    /// use presence_core::PresenceDirectory;
    ///
    /// // The standard library's hasher resists users who choose their ids to slow down a server.
    /// let users = PresenceDirectory::<String, u64, _>::with_hasher(RandomState::new());
    /// assert!(users.is_empty());
    /// ```
    #[must_use]
    pub const fn with_hasher(hasher: H) -> Self {
        Self { users: Users::new(hasher), queue: DeadlineQueue::new(), latest: i64::MIN }
    }

    /// Returns when to tick next.
    ///
    /// No change comes before it without a command. It is never before the latest `now` of any update,
    /// so a tick at it is never taken for a step of the clock (rule [T7](crate::docs::rules#T7)). It can
    /// be early after refreshes: the tick then reports nothing, and the next deadline is later. `None`
    /// means that nothing changes without a command. (The deadline of a model is exact.)
    ///
    /// It cannot know that the clock has been set, so wake up once a minute anyway:
    /// [`timeout`](Self::timeout) does that.
    #[inline]
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let first = self.queue.first()?;
        Some(nanoseconds::to_timestamp(first.max(self.latest)))
    }

    /// Returns how long to wait until [`next_deadline`](Self::next_deadline), at most `limit`.
    ///
    /// A limit of one minute bounds how late a step of the clock is noticed.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use presence_core::{PresenceDirectory, SessionPresence, SetSession, SignedDuration, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let minute = Duration::from_secs(60);
    /// let mut users = PresenceDirectory::<String, u64>::new();
    /// let _ = users.apply("ana", SetSession::new(1, SessionPresence::InACall), now)?;
    /// assert_eq!(users.timeout(now, minute), minute);
    /// assert_eq!(users.timeout(now + SignedDuration::seconds(299), minute), Duration::from_secs(1));
    /// assert_eq!(users.timeout(now + SignedDuration::HOUR, minute), Duration::ZERO);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn timeout(&self, now: Timestamp, limit: Duration) -> Duration {
        let now = nanoseconds::from_timestamp(now);
        self.queue.first().map_or(limit, |first| {
            let wait = i128::from(first.max(self.latest)) - i128::from(now);
            Duration::from_nanos(u64::try_from(wait).unwrap_or(0)).min(limit)
        })
    }
}

/// Updates.
impl<U, S, H> PresenceDirectory<U, S, H>
where
    U: Clone + Hash + Ord,
    S: Ord,
    H: BuildHasher,
{
    /// Applies a command for one user, as [`PresenceModel::apply`] does.
    ///
    /// It reports nothing of other users: tick before it. If `U` is `String`, pass a `&str`; if it is a
    /// type of your own, pass a `&U`. The user is cloned only when it is stored for the first time. A command
    /// that moves the user's deadline earlier searches at most 512 entries of the queue.
    ///
    /// # Errors
    ///
    /// Those of [`PresenceModel::apply`]. A rejected command changes nothing (rule
    /// [T4](crate::docs::rules#T4)).
    #[inline]
    pub fn apply<Q>(
        &mut self,
        user: &Q,
        command: impl Into<Command<S>>,
        now: Timestamp,
    ) -> Result<Outcome, CommandError>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = U> + ?Sized,
    {
        let now = nanoseconds::from_timestamp(now);
        let result = match command.into() {
            Command::SetSession(SetSession { session_id, claim, expiration }) => {
                // Passed as scalars: passing the struct spills it to the stack (2.4x instead of 1.7x).
                match self.refresh(user, &session_id, claim, expiration, now) {
                    Some(outcome) => Ok(outcome),
                    None => self.update(user, SetSession { session_id, claim, expiration }.into(), now),
                }
            }
            command => self.update(user, command, now),
        };
        self.verify();
        result
    }

    /// Applies the command that servers get most: it sets a session that exists, of a user for whom
    /// nothing has ended since the last update, and no deadline becomes earlier.
    fn refresh<Q>(
        &mut self,
        user: &Q,
        session_id: &S,
        claim: SessionPresence,
        expiration: SessionExpiration,
        now: i64,
    ) -> Option<Outcome>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let hash = self.users.hash(user);
        let slot = self.users.get_mut(hash, user)?;
        if !slot.is_current(self.latest, now) {
            return None;
        }
        if now.checked_add(fading::lasts(claim, expiration))? < slot.due_at {
            return None;
        }
        let lease = Lease::new(claim, expiration, now)?;
        let outcome = slot.model.refresh(session_id, lease, now)?;
        self.latest = now;
        Some(outcome)
    }

    fn update<Q>(&mut self, user: &Q, command: Command<S>, now: i64) -> Result<Outcome, CommandError>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = U> + ?Sized,
    {
        let hash = self.users.hash(user);
        let Some(slot) = self.users.get_mut(hash, user) else {
            return self.update_new(user, hash, command, now);
        };
        let (outcome, deadline) = slot.model.update(command, now)?;
        match deadline {
            None => drop(self.take(hash, user)),
            Some(deadline) if deadline < slot.due_at || slot.due_at <= now => {
                self.queue.remove(Entry { at: slot.due_at, hash }, &slot.user);
                slot.due_at = deadline;
                self.queue.push(Entry { at: deadline, hash }, &slot.user);
            }
            Some(_) => {}
        }
        self.latest = self.latest.max(now);
        Ok(outcome)
    }

    /// Applies a command for a user that is not stored.
    #[cold]
    fn update_new<Q>(
        &mut self,
        user: &Q,
        hash: u64,
        command: Command<S>,
        now: i64,
    ) -> Result<Outcome, CommandError>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = U> + ?Sized,
    {
        let mut model = PresenceModel::new();
        let (outcome, deadline) = model.update(command, now)?;
        if let Some(due_at) = deadline {
            self.add(hash, Slot { user: user.to_owned(), due_at, model });
        }
        self.latest = self.latest.max(now);
        Ok(outcome)
    }
}

impl<U, S, H> PresenceDirectory<U, S, H>
where
    U: Clone + Hash + Ord,
    H: BuildHasher,
{
    /// Asserts what is assumed of the data. It is for tests with small tables and a few hundred users.
    #[inline]
    fn verify(&self) {
        if cfg!(presence_small_shards) && self.len() < 400 {
            self.queue.verify(self.users.slots().map(|slot| (self.users.entry(slot), &slot.user)));
            self.users.verify();
            for slot in self.users.slots().filter(|slot| slot.is_current(self.latest, self.latest)) {
                assert_eq!(slot.presence(self.latest), slot.model.reported(), "nothing is due");
            }
        }
    }
}
