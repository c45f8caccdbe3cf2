use alloc::borrow::ToOwned;
use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::hint::black_box;

use hashbrown::HashTable;
use time::Timestamp;

use crate::hasher::UserHashBuilder;
use crate::queue::DeadlineQueue;
use crate::session::{Grant, stays_for};
use crate::{
    Command, CommandError, Explanation, Outcome, Presence, PresenceModel, SessionExpiration,
    SessionPresence, SetSession, instant,
};

/// How far a tick may lie before the latest contact without being taken for a step of the clock
/// (rule T5): one minute.
const STEP: i64 = 60_000_000_000;

/// With so many users the table, which leaves one place in eight free, has 2³² places.
const MAX_USERS: usize = 7 << 29;

/// How many places, or queue entries, may lie idle before it is worth tidying up.
const IDLE: usize = 64;

/// The presences of many users, and the one instant at which any of them has to be looked at next.
///
/// A directory answers as one [`PresenceModel`] for each user would, and its methods are of the
/// same kinds.
/// - *Contacts*: [`apply`](Self::apply) obeys a command for one user; [`tick`](Self::tick) lets time
///   pass for all of them, and returns one changed user a call.
/// - *Reads* change nothing, and are right at any instant, ticked or not:
///   [`presence`](Self::presence), [`presences`](Self::presences), [`explain`](Self::explain),
///   [`get`](Self::get) and [`iter`](Self::iter). [`len`](Self::len) and
///   [`is_empty`](Self::is_empty) count who is stored, and
///   [`next_deadline`](Self::next_deadline) says when to tick.
/// - *Moves*: [`take`](Self::take) and [`insert`](Self::insert) carry users from one directory to
///   another. Users are independent: any split over directories tells the same changes.
///
/// `U` names users, `S` their sessions, and `H` hashes users; no answer depends on the hashing. `U`
/// is `Ord`, for changes at one instant come in the order of users. A user of whom nothing is known
/// is not stored and costs nothing. There is room for 7/8 of 2³² users.
///
/// # Time
///
/// What [`PresenceModel`] says of time holds for each user. A clock that steps back is seen by the
/// directory as a whole, so that also those who never speak again lose what they were not granted
/// (rule T5):
/// - A tick that comes more than one minute before the latest contact heals every user. It takes
///   time for each of them.
/// - One that comes less than that before it heals nobody, for two threads may read the clock in one
///   order and call in the other. A user who stays silent may then be seen for up to one minute
///   longer than was granted, and until the clock is back where it was, what is read at an instant
///   may be behind what has been told.
/// - So let the readers of a clock agree to within a minute, or every tick of the one that is behind
///   heals everybody again.
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
#[derive(Debug, Clone)]
pub struct PresenceDirectory<U, S, H = UserHashBuilder> {
    /// The users, found by their hashes, or by their places until the table grows or shrinks.
    places: HashTable<Place<U, S>>,
    /// How many users there have been since the table last shrank.
    peak: usize,
    queue: DeadlineQueue<U>,
    /// The entry in front of the queue, where at the latest contact there was work to do for it.
    ready: Option<(i64, u32)>,
    /// The latest contact since the last visit.
    latest: i64,
    hasher: H,
}

/// What is stored of a user: one line of the cache, where users and sessions are named by 8 bytes.
#[derive(Debug, Clone)]
struct Place<U, S> {
    user: U,
    /// Which of the entries of the queue for this place counts: the one at this instant.
    ///
    /// While instants do not fall, that entry lies after the last contact with the user, and not
    /// after the user's deadline. A heartbeat moves the deadline later and leaves the entry alone: it
    /// is looked at when it comes due, and put back.
    queued: i64,
    model: PresenceModel<S>,
}

impl<U, S> PresenceDirectory<U, S>
where
    U: Clone + Hash + Ord,
    S: Ord,
{
    /// Creates a directory of nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// Creates a directory with memory for so many users. With more it grows by itself, and moves
    /// everybody each time that it does.
    ///
    /// ```
    /// use presence_core::PresenceDirectory;
    ///
    /// let users = PresenceDirectory::<u64, u64>::with_capacity(1_000_000);
    /// assert!(users.is_empty());
    /// ```
    #[must_use]
    pub fn with_capacity(users: usize) -> Self {
        Self::with_capacity_and_hasher(users, UserHashBuilder::default())
    }
}

impl<U, S, H> Default for PresenceDirectory<U, S, H>
where
    U: Clone + Hash + Ord,
    S: Ord,
    H: BuildHasher + Default,
{
    fn default() -> Self {
        Self::with_hasher(H::default())
    }
}

impl<U, S, H> PresenceDirectory<U, S, H>
where
    U: Clone + Hash + Ord,
    S: Ord,
    H: BuildHasher,
{
    /// Creates a directory of nobody that hashes users as the caller chooses.
    ///
    /// ```
    /// use std::hash::RandomState;
    ///
    /// use presence_core::PresenceDirectory;
    ///
    /// // The standard library's hasher resists those who choose their ids to make a server slow.
    /// let users = PresenceDirectory::<String, u64, _>::with_hasher(RandomState::new());
    /// assert!(users.is_empty());
    /// ```
    #[must_use]
    pub fn with_hasher(hasher: H) -> Self {
        Self::with_capacity_and_hasher(0, hasher)
    }

    /// Creates a directory with memory for so many users, that hashes them as the caller chooses.
    ///
    /// ```
    /// use std::hash::RandomState;
    ///
    /// use presence_core::PresenceDirectory;
    ///
    /// let users =
    ///     PresenceDirectory::<String, u64, _>::with_capacity_and_hasher(1_000, RandomState::new());
    /// assert!(users.is_empty());
    /// ```
    #[must_use]
    pub fn with_capacity_and_hasher(users: usize, hasher: H) -> Self {
        Self {
            places: HashTable::with_capacity(users),
            peak: 0,
            queue: DeadlineQueue::new(),
            ready: None,
            latest: i64::MIN,
            hasher,
        }
    }

    /// Obeys a command for one user, as [`PresenceModel::apply`] does.
    ///
    /// The user is cloned only when it is stored for the first time. Where `U` is `String`, pass a
    /// `&str`; where it is a type of your own, a `&U`.
    ///
    /// It tells nothing of other users: [`tick`](Self::tick) until nothing is due at `now`, and then
    /// obey.
    ///
    /// # Errors
    ///
    /// Those of [`PresenceModel::apply`], and [`CommandError::TooManyUsers`] where a new user would
    /// be one more than 7/8 of 2³². A refused command changes nothing at all (rule T4).
    ///
    /// ```
    /// use presence_core::{
    ///     ClearSession, CommandError, PresenceDirectory, SessionPresence, SetSession, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut users = PresenceDirectory::<String, u64>::new();
    /// let _ = users.apply("ana", SetSession::new(1, SessionPresence::InACall), now)?;
    /// assert_eq!(users.apply("ana", ClearSession::new(2), now), Err(CommandError::SessionNotFound));
    /// assert_eq!(users.apply("bob", ClearSession::new(1), now), Err(CommandError::SessionNotFound));
    /// # Ok::<(), CommandError>(())
    /// ```
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
        let now = instant::to_nanoseconds(now);
        match command.into() {
            Command::SetSession(SetSession { session_id, presence, expiration }) => {
                // By its parts, which go in registers, where the whole body would go through memory.
                if let Some(outcome) = self.set_in_calm(user, &session_id, presence, expiration, now) {
                    return Ok(outcome);
                }
                self.obey(user, SetSession { session_id, presence, expiration }.into(), now)
            }
            command => self.obey(user, command, now),
        }
    }

    /// Sets a session again where nothing else is to be done, which is most of what a server hears.
    fn set_in_calm<Q>(
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
        let hash = self.hasher.hash_one(user);
        let place = self.places.find_mut(hash, |place| place.user.borrow() == user)?;
        if !place.is_calm(self.latest, now) {
            return None;
        }
        let is_quiet = self.queue.first().is_none_or(|first| now < first);
        if !is_quiet || now.checked_add(stays_for(claim, expiration))? < place.queued {
            return None;
        }
        let again = Grant::whole(claim, expiration, now)?;
        let outcome = place.model.set_in_calm(session_id, again, now)?;
        self.latest = now;
        Some(outcome)
    }

    fn obey<Q>(&mut self, user: &Q, command: Command<S>, now: i64) -> Result<Outcome, CommandError>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = U> + ?Sized,
    {
        let place = self
            .index(user)
            .and_then(|index| Some((index, self.places.get_bucket_mut(index as usize)?)));
        let Some((index, place)) = place else { return self.welcome(user, command, now) };
        let (outcome, deadline) = place.model.obey(command, now)?;
        self.latest = self.latest.max(now);
        match deadline {
            None => drop(self.remove(index)),
            // It has come earlier, or the contact has overtaken the user's turn.
            Some(deadline) if deadline < place.queued || place.queued <= now => {
                self.enqueue(index, deadline);
            }
            Some(_) => {}
        }
        self.settle();
        Ok(outcome)
    }

    /// Obeys the first command for a user.
    #[cold]
    fn welcome<Q>(&mut self, user: &Q, command: Command<S>, now: i64) -> Result<Outcome, CommandError>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = U> + ?Sized,
    {
        let mut model = PresenceModel::new();
        let (outcome, deadline) = model.obey(command, now)?;
        if let Some(deadline) = deadline {
            self.add(user.to_owned(), model, deadline).map_err(|_| CommandError::TooManyUsers)?;
        }
        self.latest = self.latest.max(now);
        self.settle();
        Ok(outcome)
    }

    /// Lets time pass up to `now`: returns one user who has changed, or `None` when there is no
    /// other.
    ///
    /// Changes come in the order of the deadlines that brought them about, and at one instant in
    /// the order of users. Call it until it returns `None`; silent work is done on the way, and so
    /// is what a step of the clock asks for. With nothing due it costs next to nothing.
    ///
    /// A late tick tells where a user is by now, once, and not the way there, and a command that
    /// comes before a late tick tells it in its stead. Where each change counts, with the instant at
    /// which it came, tick at each deadline in turn before you obey, and then at `now`, as here.
    ///
    /// ```
    /// use presence_core::{
    ///     Presence, PresenceDirectory, SessionPresence, SetSession, SignedDuration, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut users = PresenceDirectory::<u64, u64>::new();
    /// for user in [3, 1, 2] {
    ///     let _ = users.apply(&user, SetSession::new(1, SessionPresence::Away), now)?;
    /// }
    /// let later = now + SignedDuration::HOUR;
    /// let mut changed = Vec::new();
    /// while let Some(due) = users.next_deadline().filter(|due| *due <= later) {
    ///     while let Some((user, outcome)) = users.tick(due) {
    ///         changed.push((due.as_seconds(), user, outcome.current));
    ///     }
    /// }
    /// while let Some((user, outcome)) = users.tick(later) {
    ///     changed.push((later.as_seconds(), user, outcome.current)); // the clock has stepped back
    /// }
    /// let offline = Presence::Offline;
    /// assert_eq!(changed, [(300, 1, offline), (300, 2, offline), (300, 3, offline)]);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[inline]
    pub fn tick(&mut self, now: Timestamp) -> Option<(U, Outcome)> {
        let now = instant::to_nanoseconds(now);
        if now >= self.latest && self.queue.first().is_none_or(|first| first > now) {
            self.latest = now;
            return None;
        }
        self.next_change(now)
    }

    fn next_change(&mut self, now: i64) -> Option<(U, Outcome)> {
        if now < self.latest.saturating_sub(STEP) {
            self.visit(now);
        }
        self.latest = self.latest.max(now);
        let change = self.work_off(now);
        self.settle();
        change
    }

    /// Does what is due by `now`, up to the first change that has to be told.
    fn work_off(&mut self, now: i64) -> Option<(U, Outcome)> {
        loop {
            let ready = self.ready.take().filter(|(at, _)| *at <= now);
            let (at, index) = ready.or_else(|| self.due(now))?;
            self.queue.pop(at, index);
            let Some(place) = self.places.get_bucket_mut(index as usize) else { continue };
            let (outcome, deadline) = place.model.pass(now);
            let user = match deadline {
                None => self.remove(index).map(|place| place.user),
                Some(deadline) => {
                    let user = place.user.clone();
                    self.enqueue(index, deadline);
                    Some(user)
                }
            };
            if outcome.changed().is_some()
                && let Some(user) = user
            {
                return Some((user, outcome));
            }
        }
    }

    /// Puts back the turns whose users have moved on, so that the first deadline that is told is
    /// one at which there is work, or lies in the future.
    #[cold]
    #[inline(never)]
    fn settle(&mut self) {
        self.ready = self.due(self.latest);
    }

    /// Finds the first user for whom a tick at `now` has anything to do, and leaves the turn of that
    /// user in front.
    fn due(&mut self, now: i64) -> Option<(i64, u32)> {
        loop {
            let places = &self.places;
            let (at, index) =
                self.queue.peek(now, |index| Some(&places.get_bucket(index as usize)?.user))?;
            if let Some(next) = self.queue.look_ahead() {
                self.fetch(next);
            }
            let place = self.places.get_bucket(index as usize).filter(|place| place.queued == at);
            let moved_to = match place.map(|place| (place.model.boundary_from(now, at), place)) {
                None => None,
                Some((Some(boundary), place)) if boundary > at && place.model.is_told(now, at) => {
                    Some(boundary)
                }
                Some(_) => return Some((at, index)),
            };
            self.queue.pop(at, index);
            if let Some(boundary) = moved_to {
                self.enqueue(index, boundary);
            }
        }
    }

    /// Reads what is stored of users who come due together, and does nothing with it: so memory
    /// answers for all of them at once, and not for one after another.
    #[inline(never)]
    fn fetch(&self, next: impl Iterator<Item = u32>) {
        for index in next {
            let place = self.places.get_bucket(index as usize);
            black_box(place.map(|place| (place.queued, place.model.told())));
        }
    }

    /// Heals everybody after a step of the clock (rule T5).
    #[cold]
    fn visit(&mut self, now: i64) {
        for place in &mut self.places {
            place.queued = place.model.heal(now).unwrap_or(now);
        }
        self.latest = now;
        self.ready = None;
        self.rebuild_queue();
    }

    /// Returns what others see of a user at `now`.
    ///
    /// That may be ahead of what has been told. Where somebody begins to watch a user and is to hear of
    /// every later change once, obey a [`Tick`](crate::Tick) for the user instead, tell those who
    /// watch already what it has changed, and the new one what is `current`.
    ///
    /// ```
    /// use presence_core::{
    ///     Presence, PresenceDirectory, SessionPresence, SetSession, SignedDuration, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut users = PresenceDirectory::<String, u64>::new();
    /// let _ = users.apply("ana", SetSession::new(1, SessionPresence::InACall), now)?;
    /// assert_eq!(users.presence("ana", now), Presence::InACall);
    /// assert_eq!(users.presence("ana", now + SignedDuration::HOUR), Presence::Offline);
    /// assert_eq!(users.presence("bob", now), Presence::Offline);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn presence<Q>(&self, user: &Q, now: Timestamp) -> Presence
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let now = instant::to_nanoseconds(now);
        match self.find(user) {
            None => Presence::Offline,
            Some(place) if place.is_calm(self.latest, now) => place.model.told(),
            Some(place) => place.model.effective(now, now).presence,
        }
    }

    /// Returns what others see of each of the given users at `now`, in their order. Of a list of
    /// references, pass `list.iter().copied()`.
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
    pub fn presences<'a, Q>(
        &self,
        users: impl IntoIterator<Item = &'a Q>,
        now: Timestamp,
    ) -> impl Iterator<Item = Presence>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized + 'a,
    {
        users.into_iter().map(move |user| self.presence(user, now))
    }

    /// Says why others see of a user at `now` what they see, as [`PresenceModel::explain`] does.
    ///
    /// ```
    /// use presence_core::{PresenceDirectory, Reason, Timestamp};
    ///
    /// let users = PresenceDirectory::<String, u64>::new();
    /// assert_eq!(users.explain("bob", Timestamp::UNIX_EPOCH).reason, Reason::NoSession);
    /// ```
    #[must_use]
    pub fn explain<Q>(&self, user: &Q, now: Timestamp) -> Explanation<'_, S>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get(user).map_or_else(Explanation::nothing, |model| model.explain(now))
    }

    /// Returns the model of a user, with all that can be read of it, unless nothing is stored.
    ///
    /// ```
    /// use presence_core::{PresenceDirectory, SessionPresence, SetSession, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut users = PresenceDirectory::<String, u64>::new();
    /// let _ = users.apply("ana", SetSession::new(1, SessionPresence::InACall), now)?;
    /// assert_eq!(users.get("ana").map(|model| model.forecast(now).count()), Some(1));
    /// assert_eq!(users.get("bob"), None);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn get<Q>(&self, user: &Q) -> Option<&PresenceModel<S>>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.find(user).map(|place| &place.model)
    }

    /// Returns the users of whom anything is stored, with their models, in no promised order.
    ///
    /// ```
    /// use presence_core::{Presence, PresenceDirectory, SessionPresence, SetSession, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut users = PresenceDirectory::<u64, u64>::new();
    /// for (user, claim) in [(1, SessionPresence::InACall), (2, SessionPresence::Away)] {
    ///     let _ = users.apply(&user, SetSession::new(1, claim), now)?;
    /// }
    /// let in_a_call = users.iter().filter(|(_, model)| model.presence(now) == Presence::InACall);
    /// assert_eq!(in_a_call.count(), 1);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&U, &PresenceModel<S>)> {
        self.places.iter().map(|place| (&place.user, &place.model))
    }

    /// Returns of how many users anything is stored.
    ///
    /// ```
    /// use presence_core::{
    ///     PresenceDirectory, SessionPresence, SetSession, SignedDuration, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut users = PresenceDirectory::<u64, u64>::new();
    /// let _ = users.apply(&1, SetSession::new(1, SessionPresence::InACall), now)?;
    /// assert_eq!(users.len(), 1);
    /// assert!(users.tick(now + SignedDuration::HOUR).is_some());
    /// assert_eq!(users.len(), 0);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns whether nothing is stored of anybody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns when to tick next: at the first change that comes without a command, or earlier, while
    /// instants do not fall.
    ///
    /// Where it is earlier, as after heartbeats and when users have left, the tick finds nothing to
    /// tell and moves it on. It lies in the past only while there is something left to do by then.
    /// Where it is `None`, nothing will happen without a command.
    ///
    /// It cannot say that a clock has stepped: a loop that sleeps until then should wake once a
    /// minute all the same, for a tick with nothing to do is almost free.
    ///
    /// ```
    /// use presence_core::{
    ///     PresenceDirectory, SessionPresence, SetSession, SignedDuration, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut users = PresenceDirectory::<u64, u64>::new();
    /// assert_eq!(users.next_deadline(), None);
    /// for (user, lifetime) in [(1, "PT2H"), (2, "PT1H")] {
    ///     let call = SetSession::new(1, SessionPresence::InACall);
    ///     let _ = users.apply(&user, call.with_expiration(lifetime.parse().unwrap()), now)?;
    /// }
    /// assert_eq!(users.next_deadline(), Some(now + SignedDuration::HOUR));
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.queue.first().map(instant::from_nanoseconds)
    }

    /// Takes a user out, to be inserted elsewhere.
    ///
    /// ```
    /// use presence_core::{Presence, PresenceDirectory, SessionPresence, SetSession, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut here = PresenceDirectory::<String, u64>::new();
    /// let mut there = PresenceDirectory::new();
    /// let _ = here.apply("ana", SetSession::new(1, SessionPresence::InACall), now)?;
    /// if let Some(model) = here.take("ana") {
    ///     there.insert("ana".to_owned(), model);
    /// }
    /// assert_eq!(here.presence("ana", now), Presence::Offline);
    /// assert_eq!(there.presence("ana", now), Presence::InACall);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    pub fn take<Q>(&mut self, user: &Q) -> Option<PresenceModel<S>>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let place = self.remove(self.index(user)?)?;
        self.settle();
        Some(place.model)
    }

    /// Puts a user in, and returns the model that this one replaces, or this one where there are
    /// 7/8 of 2³² users already.
    ///
    /// What the model was told last is kept, so a change that it has missed is told by the next
    /// tick, and nothing is told twice. A model does not keep when it was contacted last, so the
    /// directory goes by when it was set and what it has been told. After a restore from a store,
    /// therefore, tick once at the instant of the snapshot, or later, before you go by
    /// [`next_deadline`](Self::next_deadline).
    ///
    /// ```
    /// use presence_core::{Presence, PresenceDirectory, PresenceModel, SessionPresence, SetSession, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let _ = ana.apply(SetSession::new(1, SessionPresence::InACall), now)?;
    /// let mut users = PresenceDirectory::<u64, u64>::new();
    /// assert_eq!(users.insert(7, ana.clone()), None);
    /// assert_eq!(users.insert(7, PresenceModel::new()), Some(ana)); // nothing is stored of a new model
    /// assert!(users.is_empty());
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    pub fn insert(&mut self, user: U, model: PresenceModel<S>) -> Option<PresenceModel<S>> {
        let replaced = self.take(&user);
        let contact = model.earliest_contact().unwrap_or(self.latest);
        self.latest = self.latest.max(contact);
        let refused = match model.turn(contact) {
            Some(turn) => self.add(user, model, turn).err(),
            None => None,
        };
        self.settle();
        refused.or(replaced)
    }

    #[inline]
    fn find<Q>(&self, user: &Q) -> Option<&Place<U, S>>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.places.find(self.hasher.hash_one(user), |place| place.user.borrow() == user)
    }

    fn index<Q>(&self, user: &Q) -> Option<u32>
    where
        U: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let is_meant = |place: &Place<U, S>| place.user.borrow() == user;
        index(self.places.find_bucket_index(self.hasher.hash_one(user), is_meant)?)
    }

    fn add(&mut self, user: U, model: PresenceModel<S>, queued: i64) -> Result<(), PresenceModel<S>> {
        if self.places.len() >= MAX_USERS {
            return Err(model);
        }
        if self.places.len() == self.places.capacity() {
            self.places.reserve(1, |place| self.hasher.hash_one(&place.user));
            self.rebuild_queue();
        }
        let hash = self.hasher.hash_one(&user);
        let place = Place { user, queued, model };
        let entry = self.places.insert_unique(hash, place, |place| self.hasher.hash_one(&place.user));
        if let Some(index) = index(entry.bucket_index()) {
            self.enqueue(index, queued);
        }
        self.peak = self.peak.max(self.places.len());
        Ok(())
    }

    fn remove(&mut self, index: u32) -> Option<Place<U, S>> {
        let (place, _) = self.places.get_bucket_entry(index as usize).ok()?.remove();
        if self.peak > IDLE + 4 * self.len() {
            self.compact();
        }
        Some(place)
    }

    /// Gives a user's turn a new instant; the entry that stood for the old one no longer counts.
    #[cold]
    #[inline(never)]
    fn enqueue(&mut self, index: u32, at: i64) {
        let Some(place) = self.places.get_bucket_mut(index as usize) else { return };
        place.queued = at;
        self.queue.push(at, &place.user, index);
        if self.queue.len() > IDLE + 2 * self.len() {
            self.rebuild_queue();
        }
    }

    /// Leaves out the entries that no longer count, and tells the others where their users are.
    #[cold]
    fn rebuild_queue(&mut self) {
        self.queue = DeadlineQueue::new();
        for bucket in self.places.iter_buckets() {
            if let Some((place, index)) = self.places.get_bucket(bucket).zip(index(bucket)) {
                self.queue.push(place.queued, &place.user, index);
            }
        }
    }

    /// Gives memory back after a crowd has left.
    #[cold]
    fn compact(&mut self) {
        self.places.shrink_to_fit(|place| self.hasher.hash_one(&place.user));
        self.peak = self.places.len();
        self.rebuild_queue();
    }
}

impl<U, S> Place<U, S> {
    /// Returns whether nothing of the user has ended by `now`, and no instant has fallen.
    #[inline]
    fn is_calm(&self, latest: i64, now: i64) -> bool {
        latest <= now && now < self.queued
    }
}

/// Returns a place as the queue knows it.
fn index(bucket: usize) -> Option<u32> {
    u32::try_from(bucket).ok()
}
