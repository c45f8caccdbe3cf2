use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use time::Timestamp;

use crate::model::{Preferred, PresenceModel, Session};
use crate::presence::{PreferredPresence, Presence};
use crate::text::timestamp;

/// Why a user has an effective presence, from [`PresenceModel::explain`].
///
/// It answers what people ask: why am I Offline although I set a preference, why am I Away although
/// my session lives for hours, why does the other session win. It does not say since when the presence
/// is in effect: keep the timestamps of the changes for that.
///
/// The text form is a few sentences on one line. A presence is named by its activity, and a session by the
/// `Debug` form of its id. Of the other sessions it names the five strongest.
///
/// [`cloned`](Self::cloned) returns an explanation that owns its session ids.
///
/// With the feature `serde`, it is written and read as
/// `{"presence":…,"until":…,"reason":…,"waiting":…,"others":[…]}`. The reason is `"noSession"`,
/// `{"preferred":…}` or `{"session":…}`.
///
/// ```
/// use presence_core::{
///     PreferredPresence, PresenceModel, Reason, SessionPresence, SetPreferred, SetSession, timestamp,
/// };
///
/// let nine = timestamp::parse("2026-11-20T09:00:00Z")?;
/// let mut ana = PresenceModel::new();
/// let _ = ana.apply(SetPreferred::new(PreferredPresence::Busy), nine)?;
/// let explanation = ana.explain(nine);
/// assert_eq!(explanation.reason, Reason::NoSession);
/// assert_eq!(
///     explanation.to_string(),
///     "Offline, because no session exists. The preference Busy waits for one until \
///      2026-11-21T09:00:00Z."
/// );
///
/// let _ = ana.apply(SetSession::new("phone", SessionPresence::InACall), nine)?;
/// assert_eq!(
///     ana.explain(nine).to_string(),
///     "Busy until 2026-11-20T09:05:00Z, because the user prefers it until 2026-11-21T09:00:00Z. \
///      Offline after that, because no session is left. Sessions: \"phone\" (InACall)."
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Explanation<S> {
    /// The effective presence.
    pub presence: Presence,
    /// When the effective presence changes if no command comes.
    #[cfg_attr(feature = "serde", serde(with = "crate::serde::text::option"))]
    pub until: Option<Timestamp>,
    /// The rule that decided, and what it chose.
    pub reason: Reason<S>,
    /// The preference that waits for a session (rules [P4](crate::docs::rules#P4) and
    /// [U6](crate::docs::rules#U6)).
    pub waiting: Option<Preferred>,
    /// The live sessions that do not decide, strongest first.
    pub others: Vec<Session<S>>,
}

/// The rule that decided an effective presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase")
)]
#[non_exhaustive]
pub enum Reason<S> {
    /// No session exists (rule [S12](crate::docs::rules#S12)).
    NoSession,
    /// A preference is live, and a session exists (rules [P1](crate::docs::rules#P1) and
    /// [P4](crate::docs::rules#P4)).
    Preferred(Preferred),
    /// No preference is live, and this session is the strongest (rules [P2](crate::docs::rules#P2) and
    /// [P5](crate::docs::rules#P5)). Among equals it is the one with the latest deadline, then the one
    /// with the lowest id. Not specified by Graph.
    Session(Session<S>),
}

impl<S: Ord> PresenceModel<S> {
    /// Explains the effective presence at `now`.
    ///
    /// ```
    /// use presence_core::{PresenceModel, SessionPresence, SetSession, timestamp};
    ///
    /// let nine = timestamp::parse("2026-11-20T09:00:00Z")?;
    /// let mut ana = PresenceModel::new();
    /// let _ = ana.apply(SetSession::new("phone", SessionPresence::InACall), nine)?;
    /// assert_eq!(
    ///     ana.explain(nine).to_string(),
    ///     "InACall until 2026-11-20T09:05:00Z, because session \"phone\" claims it. Offline after that."
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn explain(&self, now: Timestamp) -> Explanation<&S> {
        let mut others: Vec<_> = self.sessions(now).collect();
        others.sort_by_key(|session| (Reverse(session.presence), Reverse(session.deadline), session.id));
        let (reason, waiting) = match (self.preferred(now), others.is_empty()) {
            (preferred, true) => (Reason::NoSession, preferred),
            (Some(preferred), false) => (Reason::Preferred(preferred), None),
            (None, false) => (Reason::Session(others.remove(0)), None),
        };
        let until = self.forecast(now).next().map(|change| change.at);
        Explanation { presence: self.presence(now), until, reason, waiting, others }
    }
}

impl<S> Explanation<S> {
    /// Explains a user without a model.
    pub(crate) const fn without_model() -> Self {
        Self {
            presence: Presence::Offline,
            until: None,
            reason: Reason::NoSession,
            waiting: None,
            others: Vec::new(),
        }
    }
}

impl<S: Clone> Explanation<&S> {
    /// Returns an explanation that owns its session ids.
    #[must_use]
    pub fn cloned(&self) -> Explanation<S> {
        let reason = match &self.reason {
            Reason::NoSession => Reason::NoSession,
            Reason::Preferred(preferred) => Reason::Preferred(*preferred),
            Reason::Session(session) => Reason::Session(session.cloned()),
        };
        let others = self.others.iter().map(Session::cloned).collect();
        let Self { presence, until, waiting, .. } = *self;
        Explanation { presence, until, reason, waiting, others }
    }
}

/// How many sessions the text names beside the one that decides.
const NAMED: usize = 5;

impl<S: fmt::Debug> fmt::Display for Explanation<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.presence.activity())?;
        if let Some(until) = self.until {
            write!(f, " until {}", timestamp::display(until))?;
        }
        self.write_reason(f)?;
        if let Some(next) = self.until.map(|until| self.presence(until)) {
            write!(f, " {} after that", next.activity())?;
            f.write_str(if self.outlives_sessions() { ", because no session is left." } else { "." })?;
        }
        if let Some(waiting) = self.waiting {
            let (preference, end) = (waiting.presence.presence().activity(), waiting.expires_at);
            write!(f, " The preference {preference} waits for one until {}.", timestamp::display(end))?;
        }
        self.write_others(f)
    }
}

impl<S: fmt::Debug> Explanation<S> {
    fn write_reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(", because ")?;
        match &self.reason {
            Reason::NoSession => f.write_str("no session exists")?,
            Reason::Preferred(Preferred { presence, expires_at, .. }) => {
                let is_offline = *presence == PreferredPresence::OffWork;
                write!(f, "the user prefers {}", if is_offline { "to appear offline" } else { "it" })?;
                if self.until != Some(*expires_at) {
                    write!(f, " until {}", timestamp::display(*expires_at))?;
                }
            }
            Reason::Session(Session { id, claim, presence, since, .. }) => {
                if *presence == claim.presence() {
                    write!(f, "session {id:?} claims it")?;
                } else {
                    write!(f, "session {id:?} was last refreshed at {}", timestamp::display(*since))?;
                }
            }
        }
        f.write_str(".")
    }

    fn write_others(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Session { id, presence, .. }) in self.others.iter().take(NAMED).enumerate() {
            f.write_str(match (index, &self.reason) {
                (0, Reason::Preferred(_)) => " Sessions: ",
                (0, Reason::Session(_) | Reason::NoSession) => " Other sessions: ",
                _ => ", ",
            })?;
            write!(f, "{id:?} ({})", presence.activity())?;
        }
        match self.others.len().saturating_sub(NAMED) {
            0 if self.others.is_empty() => Ok(()),
            0 => f.write_str("."),
            1 => f.write_str(" and 1 other."),
            count => write!(f, " and {count} others."),
        }
    }

    /// Returns the effective presence at a later timestamp, from the sessions and the preference that are
    /// named (rules P1, P2 and P5).
    fn presence(&self, at: Timestamp) -> Presence {
        let (preferred, decides) = match &self.reason {
            Reason::NoSession => (None, None),
            Reason::Preferred(preferred) => (Some(preferred), None),
            Reason::Session(session) => (None, Some(session)),
        };
        let live = decides.into_iter().chain(&self.others).filter(|session| at < session.expires_at);
        let Some(strongest) = live.map(|session| session.presence_at(at)).max() else {
            return Presence::Offline;
        };
        let preferred = preferred.filter(|preferred| at < preferred.expires_at);
        preferred.map_or(strongest, |preferred| preferred.presence.presence())
    }

    /// Returns whether the preference that decides is live when the last session ends.
    fn outlives_sessions(&self) -> bool {
        match self.reason {
            Reason::Preferred(preferred) => self.until.is_some_and(|until| until < preferred.expires_at),
            Reason::NoSession | Reason::Session(_) => false,
        }
    }
}
