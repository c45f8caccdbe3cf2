use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use time::Timestamp;

use crate::{Preferred, Presence, PresenceModel, Session, rfc3339};

/// Why a user shows as they do, and what stands behind it.
///
/// It answers what people ask: why do I show Offline although I set a preference, why am I Away
/// although my session lives for hours, why does the other session win. It is shown as a few
/// sentences, with the ids of sessions as `Debug` shows them.
///
/// With the feature `serde` it is written as
/// `{"presence":…,"until":…,"reason":…,"waiting":…,"others":[…]}`, and the reason as `"noSession"`,
/// `{"preferred":…}` or `{"session":…}`.
///
/// Since when a user shows so is not known here: who wants to say that keeps the instants of the
/// changes that were told.
///
/// ```
/// use presence_core::{
///     PreferredPresence, PresenceModel, Reason, SessionPresence, SetPreferred, SetSession, Timestamp,
/// };
///
/// let nine = Timestamp::from_seconds(1_795_165_200).unwrap();
/// let mut ana = PresenceModel::new();
/// let _ = ana.apply(SetPreferred::new(PreferredPresence::Busy), nine)?;
/// let why = ana.explain(nine);
/// assert_eq!(why.reason, Reason::NoSession);
/// assert_eq!(
///     why.to_string(),
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
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Explanation<'a, S> {
    /// What is visible, as [`PresenceModel::presence`] says.
    pub presence: Presence,
    /// When something else will be visible if no command comes, as [`PresenceModel::forecast`]
    /// says.
    pub until: Option<Timestamp>,
    /// The rule that decided, and what it chose.
    pub reason: Reason<'a, S>,
    /// The preference that waits for a session, and until when it is kept (rules P4 and U6).
    pub waiting: Option<Preferred>,
    /// The live sessions that lose, the strongest first.
    pub others: Vec<Session<'a, S>>,
}

/// The rule that decided what is visible.
///
/// ```
/// use presence_core::{PresenceModel, Reason, SessionPresence, SetSession, Timestamp};
///
/// let now = Timestamp::UNIX_EPOCH;
/// let mut ana = PresenceModel::new();
/// let _ = ana.apply(SetSession::new("phone", SessionPresence::InACall), now)?;
/// let Reason::Session(session) = ana.explain(now).reason else { unreachable!() };
/// assert_eq!(*session.id, "phone");
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason<'a, S> {
    /// No session exists (rule S12).
    NoSession,
    /// A preference is in force, and a session exists (rules P1 and P4).
    Preferred(Preferred),
    /// No preference is in force, and this session is the strongest (rules P2 and P5); of equals the
    /// one that stays as it is for longest, then the one with the least id. (ours)
    ///
    /// Where its presence is not its claim, it has faded (rule S7).
    Session(Session<'a, S>),
}

impl<S: Ord> PresenceModel<S> {
    /// Says why others see at `now` what they see, and what stands behind it.
    ///
    /// ```
    /// use presence_core::{PresenceModel, SessionPresence, SetSession, Timestamp};
    ///
    /// let nine = Timestamp::from_seconds(1_795_165_200).unwrap();
    /// let mut ana = PresenceModel::new();
    /// let _ = ana.apply(SetSession::new("phone", SessionPresence::InACall), nine)?;
    /// assert_eq!(
    ///     ana.explain(nine).to_string(),
    ///     "Busy/InACall until 2026-11-20T09:05:00Z, because session \"phone\" is Busy/InACall until \
    ///      2026-11-20T09:05:00Z."
    /// );
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn explain(&self, now: Timestamp) -> Explanation<'_, S> {
        Explanation::new(self, now)
    }
}

impl<'a, S: Ord> Explanation<'a, S> {
    fn new(model: &'a PresenceModel<S>, now: Timestamp) -> Self {
        let mut others: Vec<_> = model.sessions(now).collect();
        others.sort_by_key(|session| (Reverse(session.presence), Reverse(session.deadline), session.id));
        let (reason, waiting) = match (model.preferred(now), others.is_empty()) {
            (preferred, true) => (Reason::NoSession, preferred),
            (Some(preferred), false) => (Reason::Preferred(preferred), None),
            (None, false) => (Reason::Session(others.remove(0)), None),
        };
        let until = model.forecast(now).next().map(|change| change.at);
        Self { presence: model.presence(now), until, reason, waiting, others }
    }
}

impl<S> Explanation<'_, S> {
    /// Explains a user of whom nothing is known.
    pub(crate) fn nothing() -> Self {
        Self {
            presence: Presence::Offline,
            until: None,
            reason: Reason::NoSession,
            waiting: None,
            others: Vec::new(),
        }
    }
}

impl<S: fmt::Debug> fmt::Display for Explanation<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.presence)?;
        if let Some(until) = self.until {
            write!(f, " until {}", rfc3339::display(until))?;
        }
        match &self.reason {
            Reason::NoSession => f.write_str(", because no session exists.")?,
            Reason::Preferred(preferred) => {
                let end = rfc3339::display(preferred.expires_at);
                write!(f, ", because it is preferred until {end}, which overrides every session.")?;
            }
            Reason::Session(session) => write!(f, ", because {}.", Words(session))?,
        }
        if let Some(preferred) = self.waiting {
            let (presence, end) =
                (Presence::from(preferred.presence), rfc3339::display(preferred.expires_at));
            write!(f, " The preference {presence} waits for a session until {end}.")?;
        }
        for (index, session) in self.others.iter().enumerate() {
            f.write_str(if index == 0 { " Behind it: " } else { "; " })?;
            write!(f, "{}", Words(session))?;
        }
        f.write_str(if self.others.is_empty() { "" } else { "." })
    }
}

/// What a session counts for, and up to when.
struct Words<'a, 'b, S>(&'a Session<'b, S>);

impl<S: fmt::Debug> fmt::Display for Words<'_, '_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Session { id, claim, presence, since, deadline, expires_at }) = *self;
        let claim = Presence::from(*claim);
        write!(f, "session {id:?} is {presence}")?;
        if *presence != claim {
            write!(f, " (faded from {claim}, set at {})", rfc3339::display(*since))?;
        }
        write!(f, " until {}", rfc3339::display(*deadline))?;
        if deadline < expires_at {
            write!(f, ", when it fades, and lives until {}", rfc3339::display(*expires_at))?;
        }
        Ok(())
    }
}
