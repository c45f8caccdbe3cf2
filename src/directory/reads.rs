use core::array;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::iter::Take;

use time::Timestamp;

use crate::directory::users::GROUP;
use crate::directory::{IntoIter, Iter, PresenceDirectory};
use crate::model::{Explanation, PresenceModel};
use crate::presence::Presence;
use crate::text::nanoseconds;

/// Reads.
impl<U, S, H> PresenceDirectory<U, S, H>
where
    U: Hash,
    H: BuildHasher,
{
    /// Returns the effective presence of a user at `now`. A user that is not stored is Offline.
    ///
    /// A tick may not have reported it yet. For a new watcher, apply a [`Tick`](crate::Tick) for the user
    /// instead, and publish the outcome to all watchers.
    #[inline]
    #[must_use]
    pub fn presence<Q>(&self, user: &Q, now: Timestamp) -> Presence
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now = nanoseconds::from_timestamp(now);
        match self.users.get(self.users.hash(user), user) {
            None => Presence::Offline,
            Some(slot) if slot.is_current(self.latest, now) => slot.model.reported(),
            Some(slot) => slot.presence(now),
        }
    }

    /// Returns the effective presences of users at `now`, in the order of the users.
    ///
    /// ```
    /// use presence_core::{Presence, PresenceDirectory, SessionPresence, SetSession, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut users = PresenceDirectory::<String, u64>::new();
    /// let _ = users.apply("ana", SetSession::new(1, SessionPresence::InACall), now)?;
    /// let presences: Vec<_> = users.presences(["ana", "bob"], now).collect();
    /// assert_eq!(presences, [Presence::InACall, Presence::Offline]);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    pub fn presences<'q, Q, I>(&self, users: I, now: Timestamp) -> Presences<'_, U, S, H, I::IntoIter>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'q,
        I: IntoIterator<Item = &'q Q>,
    {
        Presences {
            directory: self,
            users: users.into_iter(),
            now,
            rest: [Presence::Offline; GROUP].into_iter().take(0),
        }
    }

    /// Fetches the records of users from memory, so that the commands or reads that follow find them in
    /// the cache. It is a hint, and changes no answer.
    ///
    /// The processor waits for memory once for a group of users, and not once for each of them. Pass
    /// the users of the next 32 or so commands.
    ///
    /// ```
    /// use presence_core::{PresenceDirectory, SessionPresence, SetSession, Timestamp};
    ///
    /// let mut users = PresenceDirectory::<u64, u64>::new();
    /// let requests = [(7, SessionPresence::InACall), (9, SessionPresence::Available)];
    /// users.prefetch(requests.iter().map(|(user, _)| user));
    /// for (user, claim) in requests {
    ///     let _ = users.apply(&user, SetSession::new(1, claim), Timestamp::UNIX_EPOCH)?;
    /// }
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    pub fn prefetch<'q, Q>(&self, users: impl IntoIterator<Item = &'q Q>)
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'q,
    {
        let mut hashes = users.into_iter().map(|user| self.users.hash(user)).peekable();
        while hashes.peek().is_some() {
            self.users.fetch(hashes.by_ref().take(GROUP));
        }
    }

    /// Explains the effective presence of a user at `now`, as [`PresenceModel::explain`] does.
    #[must_use]
    pub fn explain<Q>(&self, user: &Q, now: Timestamp) -> Explanation<&S>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        S: Ord,
    {
        self.get(user).map_or_else(Explanation::without_model, |model| model.explain(now))
    }

    /// Returns the model of a user, if it is stored.
    #[must_use]
    pub fn get<Q>(&self, user: &Q) -> Option<&PresenceModel<S>>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.users.get(self.users.hash(user), user).map(|slot| &slot.model)
    }

    /// Returns whether a user is stored.
    #[must_use]
    pub fn contains<Q>(&self, user: &Q) -> bool
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get(user).is_some()
    }
}

impl<U, S, H> PresenceDirectory<U, S, H> {
    /// Returns the users that are stored and their models, in an arbitrary order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, U, S> {
        Iter { slots: self.users.slots(), len: self.len() }
    }

    /// Returns how many users are stored.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users.len()
    }

    /// Returns whether no user is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<U: fmt::Debug, S: fmt::Debug, H> fmt::Debug for PresenceDirectory<U, S, H> {
    /// Shows the users and their models.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<'a, U, S, H> IntoIterator for &'a PresenceDirectory<U, S, H> {
    type Item = (&'a U, &'a PresenceModel<S>);
    type IntoIter = Iter<'a, U, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<U, S, H> IntoIterator for PresenceDirectory<U, S, H> {
    type Item = (U, PresenceModel<S>);
    type IntoIter = IntoIter<U, S>;

    fn into_iter(self) -> Self::IntoIter {
        let len = self.len();
        IntoIter { slots: self.users.into_slots(), len }
    }
}

/// The effective presences of a list of users, from [`PresenceDirectory::presences`].
///
/// It reads users in groups, as [`PresenceDirectory::prefetch`] fetches them.
#[must_use = "iterators are lazy and do nothing unless consumed"]
#[derive(Debug, Clone)]
pub struct Presences<'a, U, S, H, I> {
    directory: &'a PresenceDirectory<U, S, H>,
    users: I,
    now: Timestamp,
    /// What was not returned yet of the group that was read last.
    rest: Take<array::IntoIter<Presence, GROUP>>,
}

impl<'q, U, S, H, I, Q> Iterator for Presences<'_, U, S, H, I>
where
    U: Borrow<Q> + Hash,
    H: BuildHasher,
    I: Iterator<Item = &'q Q>,
    Q: Hash + Eq + ?Sized + 'q,
{
    type Item = Presence;

    fn next(&mut self) -> Option<Presence> {
        if let Some(presence) = self.rest.next() {
            return Some(presence);
        }
        let mut users = [None; GROUP];
        let mut len = 0;
        for (place, user) in users.iter_mut().zip(&mut self.users) {
            *place = Some(user);
            len += 1;
        }
        self.directory.prefetch(users.into_iter().flatten());
        let read = |user| self.directory.presence(user, self.now);
        self.rest = users.map(|user| user.map_or(Presence::Offline, read)).into_iter().take(len);
        self.rest.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.users.size_hint();
        (least.saturating_add(self.rest.len()), most.and_then(|most| most.checked_add(self.rest.len())))
    }
}
