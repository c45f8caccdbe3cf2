use time::SignedDuration;

use crate::{PreferredExpiration, PreferredPresence, SessionExpiration, SessionPresence, session};

/// What can happen to one user.
///
/// | command | Graph's action |
/// |---|---|
/// | [`SetSession`] | `setPresence` |
/// | [`ClearSession`] | `clearPresence` |
/// | [`SetPreferred`] | `setUserPreferredPresence` |
/// | [`ClearPreferred`] | `clearUserPreferredPresence` |
/// | [`Tick`] | none: the clock has moved on |
///
/// `S` is the caller's session id. With the feature `serde` a command is read and written as an
/// object of one field, the action's name with its body.
///
/// ```
/// use presence_core::{Command, SessionPresence, SetSession};
///
/// let command = Command::from(SetSession::new("phone", SessionPresence::Available));
/// # #[cfg(feature = "serde")]
/// assert_eq!(
///     serde_json::to_string(&command)?,
///     r#"{"setPresence":{"sessionId":"phone","availability":"Available","activity":"Available","expirationDuration":"PT5M"}}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Command<S> {
    /// Creates a session, or replaces it whole.
    #[cfg_attr(feature = "serde", serde(rename = "setPresence"))]
    SetSession(SetSession<S>),
    /// Removes a session.
    #[cfg_attr(feature = "serde", serde(rename = "clearPresence"))]
    ClearSession(ClearSession<S>),
    /// Prefers a presence.
    #[cfg_attr(feature = "serde", serde(rename = "setUserPreferredPresence"))]
    SetPreferred(SetPreferred),
    /// Prefers none.
    #[cfg_attr(feature = "serde", serde(rename = "clearUserPreferredPresence"))]
    ClearPreferred(ClearPreferred),
    /// Lets time pass.
    #[cfg_attr(feature = "serde", serde(rename = "tick"))]
    Tick(Tick),
}

/// The body of Graph's `setPresence`: creates a session, or replaces it whole (rules S2 to S9).
///
/// In a body, a lifetime that is missing or null is the default, and fields that are not known are
/// ignored. What is wrong is told in Graph's words where Graph has them, and is always
/// [`InvalidArgument`](crate::ErrorCode::InvalidArgument). `serde_json` adds the place to its errors:
/// take that off before you answer.
///
/// `S` is the caller's session id. Where it is `String`, the empty one names a session like any other.
/// A type of your own can refuse it while it is read; what it says comes after `[SessionId]: `.
///
/// ```
/// use presence_core::{SessionExpiration, SessionPresence, SetSession};
///
/// let body = SetSession::new("phone", SessionPresence::InACall)
///     .with_expiration("PT1H".parse::<SessionExpiration>()?);
/// # #[cfg(feature = "serde")]
/// assert_eq!(
///     serde_json::from_str::<SetSession<&str>>(
///         r#"{"sessionId":"phone","availability":"Busy","activity":"InACall","expirationDuration":"PT1H"}"#
///     ).unwrap(),
///     body
/// );
///
/// # #[cfg(feature = "serde")] {
/// let refused = serde_json::from_str::<SetSession<&str>>(r#"{"sessionId":null}"#).unwrap_err();
/// let place = format!(" at line {} column {}", refused.line(), refused.column());
/// assert_eq!(
///     refused.to_string().trim_end_matches(&place),
///     "[SessionId]: The SessionId field is required."
/// );
/// # }
/// # Ok::<(), presence_core::ExpirationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SetSession<S> {
    /// The caller's id of the session.
    pub session_id: S,
    /// What the session claims.
    pub presence: SessionPresence,
    /// How long the session lives unless it is set again.
    pub expiration: SessionExpiration,
}

impl<S> SetSession<S> {
    /// Claims a presence for the default lifetime of 5 minutes (rule S5).
    pub fn new(session_id: S, presence: SessionPresence) -> Self {
        Self { session_id, presence, expiration: SessionExpiration::default() }
    }

    /// Sets the lifetime: for so long others see the claim of a client that has crashed.
    #[must_use]
    pub fn with_expiration(self, expiration: SessionExpiration) -> Self {
        Self { expiration, ..self }
    }

    /// Returns how often a client should set the session again to stay as it is: after a third of the
    /// time for which that lasts, so that one lost request does no harm, and the next may be late.
    ///
    /// That time is the lifetime, or the 5 minutes after which an Available session fades where
    /// that is less (rules S5 and S7). (ours) A client measures it by a clock that is never set, such
    /// as `std::time::Instant`.
    ///
    /// ```
    /// use presence_core::{SessionPresence, SetSession, SignedDuration};
    ///
    /// let hour = "PT1H".parse().unwrap();
    /// let available = SetSession::new("phone", SessionPresence::Available).with_expiration(hour);
    /// assert_eq!(available.refresh_interval(), SignedDuration::seconds(100));
    /// let call = SetSession::new("phone", SessionPresence::InACall).with_expiration(hour);
    /// assert_eq!(call.refresh_interval(), SignedDuration::minutes(20));
    /// ```
    #[must_use]
    pub fn refresh_interval(&self) -> SignedDuration {
        SignedDuration::nanoseconds(session::stays_for(self.presence, self.expiration) / 3)
    }
}

/// The body of Graph's `clearPresence`: removes a session (rules S10 and S11).
///
/// ```
/// use presence_core::ClearSession;
///
/// let body = ClearSession::new("phone");
/// # #[cfg(feature = "serde")]
/// assert_eq!(serde_json::to_string(&body)?, r#"{"sessionId":"phone"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ClearSession<S> {
    /// The caller's id of the session.
    pub session_id: S,
}

impl<S> ClearSession<S> {
    /// Names the session to remove.
    pub fn new(session_id: S) -> Self {
        Self { session_id }
    }
}

/// The body of Graph's `setUserPreferredPresence`: prefers a presence (rules U1 to U4).
///
/// ```
/// use presence_core::{PreferredPresence, SetPreferred};
///
/// let body = SetPreferred::new(PreferredPresence::Away);
/// assert_eq!(body.expiration.to_string(), "P7D");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SetPreferred {
    /// What the user prefers.
    pub presence: PreferredPresence,
    /// How long the preference lives.
    pub expiration: PreferredExpiration,
}

impl SetPreferred {
    /// Prefers a presence for its default lifetime: 1 or 7 days (rule U2).
    #[must_use]
    pub fn new(presence: PreferredPresence) -> Self {
        Self { presence, expiration: presence.default_expiration() }
    }

    /// Sets the lifetime.
    #[must_use]
    pub fn with_expiration(self, expiration: PreferredExpiration) -> Self {
        Self { expiration, ..self }
    }
}

/// The body of Graph's `clearUserPreferredPresence`: prefers nothing; never refused (rule U5).
///
/// On the wire it is `{}`. Graph's SDK for Python posts no body at all instead: a server should take
/// that for this command, without reading it.
///
/// ```
/// use presence_core::{ClearPreferred, Presence, PresenceModel, Timestamp};
///
/// let mut user = PresenceModel::<u64>::new();
/// let outcome = user.apply(ClearPreferred, Timestamp::UNIX_EPOCH)?;
/// assert_eq!(outcome.current, Presence::Offline);
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ClearPreferred;

/// Lets time pass: frees what has expired and tells what has faded (rule T3).
///
/// [`PresenceModel::tick`](crate::PresenceModel::tick) does the same and cannot be refused; the
/// command is for logs and streams of commands, and for one user of a directory: see
/// [`PresenceDirectory::presence`](crate::PresenceDirectory::presence).
///
/// ```
/// use presence_core::{Command, Tick};
///
/// # #[cfg(feature = "serde")]
/// assert_eq!(serde_json::to_string(&Command::<u64>::from(Tick))?, r#"{"tick":{}}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Tick;

impl<S> From<SetSession<S>> for Command<S> {
    fn from(body: SetSession<S>) -> Self {
        Self::SetSession(body)
    }
}

impl<S> From<ClearSession<S>> for Command<S> {
    fn from(body: ClearSession<S>) -> Self {
        Self::ClearSession(body)
    }
}

impl<S> From<SetPreferred> for Command<S> {
    fn from(body: SetPreferred) -> Self {
        Self::SetPreferred(body)
    }
}

impl<S> From<ClearPreferred> for Command<S> {
    fn from(body: ClearPreferred) -> Self {
        Self::ClearPreferred(body)
    }
}

impl<S> From<Tick> for Command<S> {
    fn from(body: Tick) -> Self {
        Self::Tick(body)
    }
}
