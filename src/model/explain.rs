use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use time::Timestamp;

use crate::model::{Preferred, PresenceModel, Session};
use crate::presence::Presence;
use crate::text::timestamp;

/// Why a user has an effective presence, from [`PresenceModel::explain`].
///
/// It answers what people ask: why am I Offline although I set a preference, why am I Away although
/// my session lives for hours, why does the other session win. The text form is a few sentences, with
/// session ids in their `Debug` form. It does not say since when the presence is in effect: keep the
/// timestamps of the changes for that.
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
///     "Offline/Offline, because no session exists. The preference Busy/Busy waits for a session \
///      until 2026-11-21T09:00:00Z."
/// );
///
/// let _ = ana.apply(SetSession::new("phone", SessionPresence::InACall), nine)?;
/// assert_eq!(
///     ana.explain(nine).to_string(),
///     "Busy/Busy until 2026-11-20T09:05:00Z, because it is preferred until 2026-11-21T09:00:00Z, \
///      which overrides every session. Behind it: session \"phone\" is Busy/InACall until \
///      2026-11-20T09:05:00Z."
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
    /// The preference that waits for a session (rules P4 and U6).
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
    /// No session exists (rule S12).
    NoSession,
    /// A preference is live, and a session exists (rules P1 and P4).
    Preferred(Preferred),
    /// No preference is live, and this session is the strongest (rules P2 and P5). Among equals it
    /// is the one with the latest deadline, then the one with the lowest id. Not specified by Graph.
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
    ///     "Busy/InACall until 2026-11-20T09:05:00Z, because session \"phone\" is Busy/InACall until \
    ///      2026-11-20T09:05:00Z."
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
        Explanation { presence: self.presence, until: self.until, reason, waiting: self.waiting, others }
    }
}

impl<S: fmt::Debug> fmt::Display for Explanation<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.presence)?;
        if let Some(until) = self.until {
            write!(f, " until {}", timestamp::display(until))?;
        }
        match &self.reason {
            Reason::NoSession => f.write_str(", because no session exists.")?,
            Reason::Preferred(preferred) => {
                let end = timestamp::display(preferred.expires_at);
                write!(f, ", because it is preferred until {end}, which overrides every session.")?;
            }
            Reason::Session(session) => {
                f.write_str(", because ")?;
                describe(session, f)?;
                f.write_str(".")?;
            }
        }
        if let Some(Preferred { presence, expires_at, .. }) = self.waiting {
            let end = timestamp::display(expires_at);
            write!(f, " The preference {presence} waits for a session until {end}.")?;
        }
        for (index, session) in self.others.iter().enumerate() {
            f.write_str(if index == 0 { " Behind it: " } else { "; " })?;
            describe(session, f)?;
        }
        f.write_str(if self.others.is_empty() { "" } else { "." })
    }
}

/// Writes what a session shows, and until when.
fn describe<S: fmt::Debug>(session: &Session<S>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Session { id, claim, presence, since, deadline, expires_at } = session;
    write!(f, "session {id:?} is {presence}")?;
    if *presence != claim.presence() {
        write!(f, " (faded from {claim}, set at {})", timestamp::display(*since))?;
    }
    write!(f, " until {}", timestamp::display(*deadline))?;
    if deadline < expires_at {
        write!(f, ", then fades, and expires at {}", timestamp::display(*expires_at))?;
    }
    Ok(())
}
