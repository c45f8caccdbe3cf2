//! One user.

mod explain;
mod forecast;
mod outcome;
pub(crate) mod preference;
mod reads;
pub(crate) mod record;
pub(crate) mod session;

use alloc::vec::Vec;
use core::fmt;

use time::Timestamp;

pub use self::explain::{Explanation, Reason};
pub use self::forecast::{Change, Forecast};
pub use self::outcome::Outcome;
pub use self::preference::Preferred;
pub use self::reads::Sessions;
pub use self::session::Session;

use self::preference::PreferredLease;
use self::record::Record;
use self::session::{Lease, Phase};
use crate::command::{ClearSession, Command, CommandError, MAX_SESSIONS, SetPreferred, SetSession};
use crate::presence::Presence;
use crate::text::nanoseconds;

/// The presence of one user: sessions, a preference, and the presence that was reported last.
///
/// The *effective presence* is what others see at a timestamp. The *reported presence* is the effective
/// presence that the last update returned.
///
/// The methods are of two kinds.
/// - *Updates* change the model: [`apply`](Self::apply) and [`tick`](Self::tick). Each returns an
///   [`Outcome`] with the effective presence before and after.
/// - *Reads* change nothing and need no tick before them: [`presence`](Self::presence),
///   [`deadline`](Self::deadline), [`expires_at`](Self::expires_at), [`forecast`](Self::forecast),
///   [`sessions`](Self::sessions), [`preferred`](Self::preferred) and [`explain`](Self::explain).
///   [`reported`](Self::reported) and [`is_empty`](Self::is_empty) look at what is stored, so they take
///   no `now`.
///
/// `S` is the type of session ids. The model only compares them. The page
/// [`docs::rules`](crate::docs::rules) lists the rules that are named here.
///
/// With the feature `serde`, a model is written and read as a snapshot: see
/// [`docs::persistence`](crate::docs::persistence).
///
/// # Time
///
/// The model has no clock: every call takes `now`, and the page [`docs::time`](crate::docs::time) is
/// the contract. While time does not go backwards, the effective presence depends only on the accepted
/// commands and `now` (rule [T3](crate::docs::rules#T3)). When the clock steps back, the next update
/// moves every start that is now in the future to its `now`, so nothing lives longer than its lifetime
/// (rule [T5](crate::docs::rules#T5)).
///
/// ```
/// use presence_core::{Presence, PresenceModel, SessionPresence, SetSession, SignedDuration, timestamp};
///
/// let nine = timestamp::parse("2026-11-20T09:00:00Z")?;
/// let mut ana = PresenceModel::new();
/// let outcome = ana.apply(SetSession::new("phone", SessionPresence::InACall), nine)?;
/// assert_eq!(outcome.changed(), Some(Presence::InACall));
///
/// let five_past = nine + SignedDuration::minutes(5);
/// assert_eq!(ana.deadline(nine), Some(five_past));
/// assert_eq!(ana.presence(five_past - SignedDuration::NANOSECOND), Presence::InACall);
/// assert_eq!(ana.presence(five_past), Presence::Offline);
///
/// assert_eq!(ana.tick(five_past).changed(), Some(Presence::Offline));
/// assert!(ana.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PresenceModel<S> {
    pub(crate) record: Record<S>,
}

impl<S> PresenceModel<S> {
    /// Creates a user without sessions and without a preference: Offline (rule
    /// [S12](crate::docs::rules#S12)).
    #[must_use]
    pub const fn new() -> Self {
        Self { record: Record::new() }
    }
}

impl<S: fmt::Debug> fmt::Debug for PresenceModel<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sessions: Vec<_> = self.record.sessions().collect();
        f.debug_struct("PresenceModel")
            .field("reported", &self.reported())
            .field("sessions", &sessions)
            .field("preferred", &self.record.preference())
            .finish()
    }
}

impl<S> Default for PresenceModel<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// Updates.
impl<S: Ord> PresenceModel<S> {
    /// Applies a command at `now`: expires, fades and aggregates first, then does what the command
    /// says (rule [T2](crate::docs::rules#T2)).
    ///
    /// # Errors
    ///
    /// A rejected command changes nothing (rule [T4](crate::docs::rules#T4)).
    /// - [`CommandError::SessionNotFound`] if the session to clear does not exist at `now` (rule
    ///   [S11](crate::docs::rules#S11)).
    /// - [`CommandError::TooManySessions`] if the command would create a session beyond
    ///   [`MAX_SESSIONS`] live ones.
    ///
    /// ```
    /// use presence_core::{
    ///     ClearSession, CommandError, Presence, PresenceModel, SessionPresence, SetSession, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let outcome = ana.apply(SetSession::new("phone", SessionPresence::InACall), now)?;
    /// assert_eq!((outcome.previous, outcome.current), (Presence::Offline, Presence::InACall));
    /// let rejected = ana.apply(ClearSession::new("laptop"), now);
    /// assert_eq!(rejected, Err(CommandError::SessionNotFound));
    /// # Ok::<(), CommandError>(())
    /// ```
    pub fn apply(
        &mut self,
        command: impl Into<Command<S>>,
        now: Timestamp,
    ) -> Result<Outcome, CommandError> {
        self.update(command.into(), nanoseconds::from_timestamp(now)).map(|(outcome, _)| outcome)
    }

    /// Applies a command, and returns the next deadline too.
    pub(crate) fn update(
        &mut self,
        command: Command<S>,
        now: i64,
    ) -> Result<(Outcome, Option<i64>), CommandError> {
        match command {
            Command::SetSession(body) => self.set_session(body, now)?,
            Command::ClearSession(body) => self.clear_session(&body, now)?,
            Command::SetPreferred(body) => self.set_preferred(Some(body), now),
            Command::ClearPreferred(_) => self.set_preferred(None, now),
            Command::Tick(_) => self.expire(now),
        }
        Ok(self.report(now))
    }

    fn set_session(&mut self, body: SetSession<S>, now: i64) -> Result<(), CommandError> {
        let SetSession { session_id, claim, expiration } = body;
        let others = || self.live_ids(now).filter(|id| **id != session_id);
        if self.record.sessions().len() >= MAX_SESSIONS && others().count() >= MAX_SESSIONS {
            return Err(CommandError::TooManySessions);
        }
        self.expire(now);
        let Some(lease) = Lease::new(claim, expiration, now) else {
            debug_assert_eq!(self.record.sessions().len(), 0, "no session lives past the end of time");
            return Ok(());
        };
        match self.record.lease_mut(&session_id) {
            Some(stored) => *stored = lease,
            None => self.record.insert(session_id, lease),
        }
        Ok(())
    }

    fn clear_session(&mut self, body: &ClearSession<S>, now: i64) -> Result<(), CommandError> {
        if self.live_ids(now).all(|id| *id != body.session_id) {
            return Err(CommandError::SessionNotFound);
        }
        self.expire(now);
        self.record.remove(&body.session_id);
        Ok(())
    }

    fn live_ids(&self, now: i64) -> impl Iterator<Item = &S> {
        let live = move |(id, lease): (_, Lease)| lease.clamped(now).phase(now).map(|_| id);
        self.record.sessions().filter_map(live)
    }
}

impl<S> PresenceModel<S> {
    /// Lets time pass until `now`: expires and fades (rules [S6](crate::docs::rules#S6),
    /// [S7](crate::docs::rules#S7) and [U2](crate::docs::rules#U2)).
    ///
    /// One late tick has the effect of many punctual ones (rule [T3](crate::docs::rules#T3)).
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
        self.pass(nanoseconds::from_timestamp(now)).0
    }

    /// Lets time pass, and returns the next deadline too.
    pub(crate) fn pass(&mut self, now: i64) -> (Outcome, Option<i64>) {
        self.expire(now);
        self.report(now)
    }

    fn set_preferred(&mut self, body: Option<SetPreferred>, now: i64) {
        self.expire(now);
        let lease = body.and_then(|body| PreferredLease::new(body.presence, body.expiration, now));
        self.record.set_preference(lease);
    }

    /// Moves starts in the future to `now` (rule T5), and removes what has ended.
    pub(crate) fn expire(&mut self, now: i64) {
        if !self.is_current(now) {
            self.record.expire(now);
        }
        debug_assert!(self.is_current(now), "what is left is live");
    }

    /// Returns whether everything that is stored has started and nothing has ended.
    #[inline]
    fn is_current(&self, now: i64) -> bool {
        self.record.sessions().all(|(_, lease)| lease.phase(now).is_some())
            && self.record.preference().is_none_or(|lease| lease.phase(now).is_some())
    }

    fn report(&mut self, now: i64) -> (Outcome, Option<i64>) {
        let Phase { presence: current, end } = self.phase(now, now);
        (Outcome { previous: self.record.report(current), current }, end)
    }
}

/// What a directory does with the models that it stores.
impl<S> PresenceModel<S> {
    /// Replaces the lease of a session, if it exists, in a model that is current at `now`.
    #[inline]
    pub(crate) fn refresh(&mut self, session_id: &S, lease: Lease, now: i64) -> Option<Outcome>
    where
        S: PartialEq,
    {
        debug_assert!(self.is_current(now), "a refresh is a shortcut for current models");
        let (previous, current) = self.record.refresh(session_id, lease, now)?;
        Some(Outcome { previous, current })
    }

    /// Returns when a tick next has something to do: at `now` if there is something to report.
    pub(crate) fn due_at(&self, now: i64) -> Option<i64> {
        let Phase { presence, end } = self.phase(now, now);
        if presence == self.reported() { end } else { Some(now) }
    }

    /// Takes over what another model has reported.
    pub(crate) fn set_reported(&mut self, reported: Presence) {
        let _ = self.record.report(reported);
    }
}
