use core::iter::{self, FusedIterator};
use core::mem;

use time::Timestamp;

use crate::preferred::StoredPreferred;
use crate::session::{Grant, Stage};
use crate::sessions::Sessions;
use crate::stored::Stored;
use crate::{
    ClearSession, Command, CommandError, Preferred, Presence, Session, SetPreferred, SetSession, instant,
};

/// How many live sessions one user may have; expired ones do not count.
///
/// ```
/// use presence_core::{
///     CommandError, MAX_SESSIONS, PresenceModel, SessionPresence, SetSession, Timestamp,
/// };
///
/// let now = Timestamp::UNIX_EPOCH;
/// let mut ana = PresenceModel::new();
/// for id in 0..MAX_SESSIONS {
///     let _ = ana.apply(SetSession::new(id, SessionPresence::Available), now)?;
/// }
/// let one_more = SetSession::new(MAX_SESSIONS, SessionPresence::Available);
/// assert_eq!(ana.apply(one_more, now), Err(CommandError::TooManySessions));
/// # Ok::<(), CommandError>(())
/// ```
pub const MAX_SESSIONS: usize = 128;

/// The presence of one user: sessions, a preference beside them, and what was told last.
///
/// The methods are of three kinds.
/// - *Contacts* change the model: [`apply`](Self::apply) obeys a command and [`tick`](Self::tick)
///   lets time pass. Both tell, by an [`Outcome`], what others saw before and see now.
/// - *Reads* change nothing, and are right at any instant, ticked or not:
///   [`presence`](Self::presence), [`deadline`](Self::deadline), [`forecast`](Self::forecast),
///   [`sessions`](Self::sessions), [`preferred`](Self::preferred) and [`explain`](Self::explain).
/// - [`is_empty`](Self::is_empty) says whether the model can be dropped.
///
/// `S` is the caller's session id; the model only compares it. The rules that are named here and
/// elsewhere are listed [on the first page](crate#the-rules).
///
/// With the feature `serde` a model is written and read as a snapshot: opaque, of a version that is
/// read for ever, and checked when it is restored.
///
/// # Time
///
/// Every method takes the instant `now` at which it happens; the model has no clock. While
/// instants never fall, what is visible is a pure function of the accepted commands and `now`, and
/// ticks only free what has expired (rule T3). A state holds up to its boundary and has changed
/// *at* it (rules T1 and T2). When the clock has stepped back, what was set in what is now the
/// future counts, from the next contact on, as set at that contact, so nothing lives longer than it
/// was granted; reads before that answer as if the contact had come first (rule T5). Instants are
/// exact to the nanosecond in the years 1677 to 2262, and saturate outside (rule T6).
///
/// ```
/// use presence_core::{
///     Presence, PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp,
/// };
///
/// let nine = Timestamp::UNIX_EPOCH;
/// let mut user = PresenceModel::new();
/// let outcome = user.apply(SetSession::new("phone", SessionPresence::InACall), nine)?;
/// assert_eq!(outcome.changed(), Some(Presence::InACall));
///
/// let five_past = nine + SignedDuration::minutes(5);
/// assert_eq!(user.deadline(nine), Some(five_past));
/// assert_eq!(user.presence(five_past - SignedDuration::NANOSECOND), Presence::InACall);
/// assert_eq!(user.presence(five_past), Presence::Offline);
///
/// assert_eq!(user.tick(five_past).changed(), Some(Presence::Offline));
/// assert!(user.is_empty());
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PresenceModel<S> {
    stored: Stored<S>,
}

impl<S> PresenceModel<S> {
    /// Creates a user of whom nothing is known: offline (rule S12).
    ///
    /// ```
    /// use presence_core::{Presence, PresenceModel, Timestamp};
    ///
    /// let nobody = PresenceModel::<u64>::new();
    /// assert_eq!(nobody.presence(Timestamp::UNIX_EPOCH), Presence::Offline);
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { stored: Stored::Sessions(Sessions::new()) }
    }
}

impl<S> Default for PresenceModel<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Ord> PresenceModel<S> {
    /// Obeys a command: expires, fades and aggregates at `now`, and only then does what it says
    /// (rule T2).
    ///
    /// # Errors
    ///
    /// A refused command changes nothing at all (rule T4).
    /// - [`CommandError::SessionNotFound`] where the session to clear does not exist at `now`
    ///   (rule S11).
    /// - [`CommandError::TooManySessions`] where a new session would be the 129th that is live at
    ///   `now`.
    ///
    /// ```
    /// use presence_core::{
    ///     ClearSession, CommandError, Presence, PresenceModel, SessionPresence, SetSession,
    ///     Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let outcome = ana.apply(SetSession::new("phone", SessionPresence::InACall), now)?;
    /// assert_eq!((outcome.previous, outcome.current), (Presence::Offline, Presence::InACall));
    ///
    /// let before = ana.clone();
    /// let refused = ana.apply(ClearSession::new("laptop"), now);
    /// assert_eq!(refused, Err(CommandError::SessionNotFound));
    /// assert_eq!(ana, before);
    /// # Ok::<(), CommandError>(())
    /// ```
    pub fn apply(
        &mut self,
        command: impl Into<Command<S>>,
        now: Timestamp,
    ) -> Result<Outcome, CommandError> {
        self.obey(command.into(), instant::to_nanoseconds(now)).map(|(outcome, _)| outcome)
    }

    /// Obeys a command, and returns the next deadline too.
    pub(crate) fn obey(
        &mut self,
        command: Command<S>,
        now: i64,
    ) -> Result<(Outcome, Option<i64>), CommandError> {
        match command {
            Command::SetSession(body) => self.set_session(body, now)?,
            Command::ClearSession(body) => self.clear_session(&body, now)?,
            Command::SetPreferred(body) => self.set_preferred(body, now),
            Command::ClearPreferred(_) => self.clear_preferred(now),
            Command::Tick(_) => self.contact(now),
        }
        Ok(self.tell(now))
    }

    fn set_session(&mut self, body: SetSession<S>, now: i64) -> Result<(), CommandError> {
        let SetSession { session_id, presence, expiration } = body;
        if self.stored.sessions().grants().len() >= MAX_SESSIONS {
            let live = || self.live(now);
            if live().count() >= MAX_SESSIONS && live().all(|id| *id != session_id) {
                return Err(CommandError::TooManySessions);
            }
        }
        self.contact(now);
        // There is none at the last instant of all, at which every other session has ended too.
        if let Some(grant) = Grant::new(presence, expiration, now) {
            self.stored.sessions_mut().insert(session_id, grant);
        }
        Ok(())
    }

    fn clear_session(&mut self, body: &ClearSession<S>, now: i64) -> Result<(), CommandError> {
        if self.live(now).all(|id| *id != body.session_id) {
            return Err(CommandError::SessionNotFound);
        }
        self.contact(now);
        self.stored.sessions_mut().retain(|id, _| *id != body.session_id);
        Ok(())
    }

    /// Returns the ids of the sessions that are live at a contact.
    fn live(&self, now: i64) -> impl Iterator<Item = &S> {
        let live = move |(id, grant): (_, Grant)| grant.healed(now).stage(now).map(|_| id);
        self.stored.sessions().iter().filter_map(live)
    }
}

impl<S> PresenceModel<S> {
    /// Lets time pass: frees what has expired, and tells what has faded.
    ///
    /// One late tick equals many early ones (rule T3).
    ///
    /// ```
    /// use presence_core::{
    ///     Presence, PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let _ = ana.apply(SetSession::new("phone", SessionPresence::Available), now)?;
    /// let outcome = ana.tick(now + SignedDuration::DAY);
    /// assert_eq!((outcome.previous, outcome.current), (Presence::Available, Presence::Offline));
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    pub fn tick(&mut self, now: Timestamp) -> Outcome {
        self.pass(instant::to_nanoseconds(now)).0
    }

    /// Returns what others see at `now`.
    ///
    /// ```
    /// use presence_core::{
    ///     Presence, PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let hour = "PT1H".parse().unwrap();
    /// let _ =
    ///     ana.apply(SetSession::new(1, SessionPresence::Available).with_expiration(hour), now)?;
    /// let after = |minutes| ana.presence(now + SignedDuration::minutes(minutes));
    /// assert_eq!(
    ///     [after(4), after(5), after(10), after(60)],
    ///     [Presence::Available, Presence::AvailableInactive, Presence::Away, Presence::Offline]
    /// );
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn presence(&self, now: Timestamp) -> Presence {
        let now = instant::to_nanoseconds(now);
        self.effective(now, now).presence
    }

    /// Returns the next instant at which a tick has anything to do if no command comes: a fade or
    /// an expiry, visible or not.
    ///
    /// It is always later than `now`, and `None` where nothing is left that could end.
    ///
    /// ```
    /// use presence_core::{PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let hour = "PT1H".parse().unwrap();
    /// for (id, claim) in
    ///     [("phone", SessionPresence::InACall), ("laptop", SessionPresence::Available)]
    /// {
    ///     let _ = ana.apply(SetSession::new(id, claim).with_expiration(hour), now)?;
    /// }
    /// // The laptop fades behind the call.
    /// assert_eq!(ana.deadline(now), Some(now + SignedDuration::minutes(5)));
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let now = instant::to_nanoseconds(now);
        self.effective(now, now).until.map(instant::from_nanoseconds)
    }

    /// Returns the visible future after `now` if no command comes, in order of time. It ends where
    /// the user goes offline for good.
    ///
    /// A client that sends heartbeats is not silent: to see its own future, run a clone of the model
    /// ahead with the heartbeats to come.
    ///
    /// ```
    /// use presence_core::{
    ///     Availability, PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let _ = ana.apply(SetSession::new(1, SessionPresence::InACall), now)?;
    /// let free =
    ///     ana.forecast(now).find(|change| change.presence.availability() != Availability::Busy);
    /// assert_eq!(free.map(|change| change.at), Some(now + SignedDuration::minutes(5)));
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn forecast(&self, now: Timestamp) -> Forecast<'_, S> {
        let now = instant::to_nanoseconds(now);
        let Effective { presence, until } = self.effective(now, now);
        Forecast { model: self, contact: now, presence, until }
    }

    /// Returns the sessions that are live at `now`, in the order of their ids.
    ///
    /// ```
    /// use presence_core::{PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let hour = "PT1H".parse().unwrap();
    /// let _ = ana.apply(SetSession::new("phone", SessionPresence::InACall), now)?;
    /// let _ =
    ///     ana.apply(SetSession::new("laptop", SessionPresence::Away).with_expiration(hour), now)?;
    /// let soon = now + SignedDuration::minutes(7);
    /// let ending = ana.sessions(now).filter(|session| session.expires_at < soon);
    /// assert_eq!(ending.map(|session| *session.id).collect::<Vec<_>>(), ["phone"]);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    pub fn sessions(&self, now: Timestamp) -> impl Iterator<Item = Session<'_, S>> {
        let now = instant::to_nanoseconds(now);
        self.stored.sessions().iter().filter_map(move |(id, grant)| grant.view(id, now))
    }

    /// Returns the preference that is in force at `now`, visible or not (rules P4 and U6).
    ///
    /// ```
    /// use presence_core::{PreferredPresence, Presence, PresenceModel, SetPreferred, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::<u64>::new();
    /// let _ = ana.apply(SetPreferred::new(PreferredPresence::Busy), now)?;
    /// let preferred = ana.preferred(now).map(|preferred| preferred.presence);
    /// assert_eq!(
    ///     (preferred, ana.presence(now)),
    ///     (Some(PreferredPresence::Busy), Presence::Offline)
    /// );
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn preferred(&self, now: Timestamp) -> Option<Preferred> {
        self.stored.preferred()?.view(instant::to_nanoseconds(now))
    }

    /// Returns whether the model equals a new one: no session and no preference is stored, and
    /// offline is what was told last.
    ///
    /// What has expired is stored until the next contact.
    ///
    /// ```
    /// use presence_core::{ClearSession, PresenceModel, SessionPresence, SetSession, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let _ = ana.apply(SetSession::new("phone", SessionPresence::InACall), now)?;
    /// assert!(!ana.is_empty());
    /// let _ = ana.apply(ClearSession::new("phone"), now)?;
    /// assert!(ana.is_empty() && ana == PresenceModel::new());
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let (ids, _, told) = self.stored.sessions().parts();
        ids.is_empty() && self.stored.preferred().is_none() && told == Presence::Offline
    }

    fn set_preferred(&mut self, body: SetPreferred, now: i64) {
        self.contact(now);
        self.stored.set_preferred(StoredPreferred::new(body.presence, body.expiration, now));
    }

    fn clear_preferred(&mut self, now: i64) {
        self.contact(now);
        self.stored.set_preferred(None);
    }

    /// Moves what lies in the future back to this contact (rule T5), and frees what has expired.
    fn contact(&mut self, now: i64) {
        if !self.is_settled(now) {
            self.settle(now);
        }
    }

    /// Returns whether all that is stored has started by `now`, and nothing has ended.
    #[inline]
    fn is_settled(&self, now: i64) -> bool {
        self.stored.sessions().grants().all(|grant| grant.stage(now).is_some())
            && self.stored.preferred().is_none_or(|preferred| preferred.is_settled(now))
    }

    #[cold]
    fn settle(&mut self, now: i64) {
        let sessions = self.stored.sessions_mut();
        for grant in sessions.parts_mut().1 {
            *grant = grant.healed(now);
        }
        sessions.retain(|_, grant| grant.stage(now).is_some());
        let preferred = self.stored.preferred().map(|preferred| preferred.healed(now));
        self.stored.set_preferred(preferred.filter(|preferred| preferred.is_settled(now)));
    }

    /// Lets time pass, and returns the next deadline too.
    pub(crate) fn pass(&mut self, now: i64) -> (Outcome, Option<i64>) {
        self.contact(now);
        self.tell(now)
    }

    fn tell(&mut self, now: i64) -> (Outcome, Option<i64>) {
        let Effective { presence: current, until } = self.effective(now, now);
        let (_, _, told) = self.stored.sessions_mut().parts_mut();
        (Outcome { previous: mem::replace(told, current), current }, until)
    }

    /// Aggregates (rules P1 to P5) at an instant not before the contact.
    #[inline]
    pub(crate) fn effective(&self, contact: i64, at: i64) -> Effective {
        let grants = self.stored.sessions().grants();
        let stages = grants.filter_map(|grant| grant.healed(contact).stage(at));
        let claimed = stages.reduce(|one, other| Stage {
            presence: one.presence.max(other.presence),
            until: one.until.min(other.until),
        });
        let preferred = self.stored.preferred().and_then(|preferred| preferred.stage(contact, at));
        match (claimed, preferred) {
            (None, None) => Effective { presence: Presence::Offline, until: None },
            (None, Some(preferred)) => {
                Effective { presence: Presence::Offline, until: Some(preferred.until) }
            }
            (Some(claimed), None) => {
                Effective { presence: claimed.presence, until: Some(claimed.until) }
            }
            (Some(claimed), Some(preferred)) => Effective {
                presence: preferred.presence,
                until: Some(claimed.until.min(preferred.until)),
            },
        }
    }
}

#[cfg(feature = "serde")]
impl<S> PresenceModel<S> {
    pub(crate) fn stored(&self) -> &Stored<S> {
        &self.stored
    }

    /// Takes at most [`MAX_SESSIONS`] sessions, in the order of their ids, none twice.
    pub(crate) fn from_stored(stored: Stored<S>) -> Self {
        Self { stored }
    }
}

/// What a directory asks of a model that it stores. Instants that come with a contact may lie before
/// it.
impl<S> PresenceModel<S> {
    /// Sets a session again, if it exists, at an instant up to which nothing has ended and that no
    /// stored start lies after.
    ///
    /// Most of what a server hears are heartbeats, which claim what was claimed before. They have to
    /// be short, for the processor to start on the next one while it waits for memory, so they look
    /// at nothing but their own session.
    #[inline]
    pub(crate) fn set_in_calm(&mut self, session_id: &S, again: Grant, now: i64) -> Option<Outcome>
    where
        S: PartialEq,
    {
        let Stored::Sessions(Sessions::Two(two)) = &mut self.stored else {
            return self.set_one_of_any_in_calm(session_id, again, now);
        };
        let (grant, other, told) = two.split_mut(session_id)?;
        let previous = *told;
        if !grant.is_same(again) {
            *told = other.in_calm_beside(again.in_calm(now), now);
        }
        *grant = again;
        Some(Outcome { previous, current: *told })
    }

    fn set_one_of_any_in_calm(&mut self, session_id: &S, again: Grant, now: i64) -> Option<Outcome>
    where
        S: PartialEq,
    {
        let preferred = self.stored.preferred().map(StoredPreferred::in_calm);
        let (ids, grants, told) = self.stored.sessions_mut().parts_mut();
        let (_, grant) = ids.iter().zip(&mut *grants).find(|(id, _)| *id == session_id)?;
        let is_same = grant.is_same(again);
        *grant = again;
        let previous = *told;
        if !is_same {
            let claimed = || grants.iter().map(|grant| grant.in_calm(now)).max();
            *told = preferred.or_else(claimed).unwrap_or_default();
        }
        Some(Outcome { previous, current: *told })
    }

    /// Heals as a contact does, but tells nothing: returns the user's turn.
    pub(crate) fn heal(&mut self, now: i64) -> Option<i64> {
        self.contact(now);
        self.turn(now)
    }

    /// Returns when there is anything to tell or to do at a contact, or after it.
    pub(crate) fn turn(&self, contact: i64) -> Option<i64> {
        let Effective { presence, until } = self.effective(contact, contact);
        if presence == self.told() { until } else { Some(contact) }
    }

    /// Returns the first fade or expiry at an instant, or after it.
    pub(crate) fn boundary_from(&self, contact: i64, at: i64) -> Option<i64> {
        let before = at.saturating_sub(1);
        let stages = self
            .stored
            .sessions()
            .grants()
            .filter_map(|grant| grant.healed(contact).stage_after(before));
        let preferred =
            self.stored.preferred().and_then(|preferred| preferred.until_after(contact, before));
        stages.map(|stage| stage.until).chain(preferred).min()
    }

    /// Returns whether observers have been told what is visible at an instant.
    pub(crate) fn is_told(&self, contact: i64, at: i64) -> bool {
        self.effective(contact, at).presence == self.told()
    }

    /// Returns what observers have been told.
    #[inline]
    pub(crate) fn told(&self) -> Presence {
        self.stored.sessions().parts().2
    }

    /// Returns the earliest instant at which the last contact can have been: when all that is stored
    /// was there, and what was told was seen.
    pub(crate) fn earliest_contact(&self) -> Option<i64> {
        let since = self.stored.sessions().grants().map(Grant::since);
        let start = since.chain(self.stored.preferred().map(StoredPreferred::since)).max()?;
        let next = |at: &i64| self.boundary_from(start, at.checked_add(1)?);
        let mut stages = iter::successors(Some(start), next).take_while(|at| self.is_settled(*at));
        stages.find(|at| self.is_told(start, *at)).or(Some(start))
    }
}

/// What is visible, and the next instant at which anything ends.
pub(crate) struct Effective {
    pub(crate) presence: Presence,
    pub(crate) until: Option<i64>,
}

/// What a contact did, seen from outside.
///
/// ```
/// use presence_core::{Presence, PresenceModel, SessionPresence, SetSession, Timestamp};
///
/// let now = Timestamp::UNIX_EPOCH;
/// let mut user = PresenceModel::new();
/// let call = SetSession::new("phone", SessionPresence::InACall);
/// assert_eq!(user.apply(call, now)?.changed(), Some(Presence::InACall));
/// assert_eq!(user.apply(call, now)?.changed(), None);
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[must_use = "a change that is not told to others is lost"]
pub struct Outcome {
    /// What was told by the contact before this one, so outcomes chain without a gap.
    pub previous: Presence,
    /// What others see from now on.
    pub current: Presence,
}

impl Outcome {
    /// Returns what observers must be told, if there is anything new to tell.
    #[must_use]
    pub fn changed(&self) -> Option<Presence> {
        (self.previous != self.current).then_some(self.current)
    }
}

/// The visible future of a user if no command comes, from [`PresenceModel::forecast`].
///
/// It is exact: it names every visible change and no other.
///
/// ```
/// use presence_core::{Presence, PresenceModel, SessionPresence, SetSession, Timestamp};
///
/// let now = Timestamp::UNIX_EPOCH;
/// let mut user = PresenceModel::new();
/// let hour = "PT1H".parse().unwrap();
/// let _ =
///     user.apply(SetSession::new(1, SessionPresence::Available).with_expiration(hour), now)?;
/// let future: Vec<_> =
///     user.forecast(now).map(|change| (change.at.as_seconds() / 60, change.presence)).collect();
/// assert_eq!(
///     future,
///     [(5, Presence::AvailableInactive), (10, Presence::Away), (60, Presence::Offline)]
/// );
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Forecast<'a, S> {
    model: &'a PresenceModel<S>,
    contact: i64,
    presence: Presence,
    until: Option<i64>,
}

impl<S> Iterator for Forecast<'_, S> {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        loop {
            let at = self.until?;
            let Effective { presence, until } = self.model.effective(self.contact, at);
            self.until = until;
            if mem::replace(&mut self.presence, presence) != presence {
                return Some(Change { at: instant::from_nanoseconds(at), presence });
            }
        }
    }
}

impl<S> FusedIterator for Forecast<'_, S> {}

/// What a user will show, and from when on.
///
/// With the feature `serde` it is written as
/// `{"at":"2026-11-20T09:05:00Z","availability":"Away","activity":"Away"}`.
///
/// ```
/// use presence_core::{Presence, PresenceModel, SessionPresence, SetSession, Timestamp};
///
/// let now = Timestamp::UNIX_EPOCH;
/// let mut user = PresenceModel::new();
/// let _ = user.apply(SetSession::new(1, SessionPresence::InACall), now)?;
/// let change = user.forecast(now).next().unwrap();
/// assert_eq!((change.at.as_seconds(), change.presence), (300, Presence::Offline));
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Change {
    /// The first instant at which the presence shows.
    pub at: Timestamp,
    /// What will show.
    pub presence: Presence,
}
