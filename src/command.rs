use thiserror::Error;
use time::SignedDuration;

use crate::expiration::{PreferredExpiration, SessionExpiration};
use crate::fading;
use crate::presence::{PreferredPresence, SessionPresence};

/// The maximum number of live sessions of one user. Expired sessions do not count. Not specified by
/// Graph.
pub const MAX_SESSIONS: usize = 128;

/// A command for one user.
///
/// | command | Graph's action |
/// |---|---|
/// | [`SetSession`] | `setPresence` |
/// | [`ClearSession`] | `clearPresence` |
/// | [`SetPreferred`] | `setUserPreferredPresence` |
/// | [`ClearPreferred`] | `clearUserPreferredPresence` |
/// | [`Tick`] | none |
///
/// `S` is the type of session ids. With the feature `serde`, it is written as an object with one field:
/// the name of the action, with its body. Other fields are passed over when it is read, so in JSON it can be
/// flattened into an envelope.
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
#[non_exhaustive]
pub enum Command<S> {
    /// Creates a session or replaces it.
    SetSession(SetSession<S>),
    /// Removes a session.
    ClearSession(ClearSession<S>),
    /// Sets the preferred presence.
    SetPreferred(SetPreferred),
    /// Removes the preferred presence.
    ClearPreferred(ClearPreferred),
    /// Lets time pass.
    Tick(Tick),
}

/// Creates a session or replaces it whole: Graph's `setPresence` (rules [S2](crate::docs::rules#S2) to
/// [S9](crate::docs::rules#S9)).
///
/// In a body, a missing or null `expirationDuration` means the default, and unknown fields are
/// ignored. If `S` is `String`, the empty text is a session id like any other. Not specified by Graph.
///
/// ```
/// use presence_core::{SessionExpiration, SessionPresence, SetSession, SignedDuration};
///
/// let body = SetSession::new("phone", SessionPresence::InACall)
///     .with_expiration(SessionExpiration::new(SignedDuration::HOUR)?); // or "PT1H".parse()?
/// # #[cfg(feature = "serde")]
/// assert_eq!(
///     serde_json::from_str::<SetSession<&str>>(
///         r#"{"sessionId":"phone","availability":"Busy","activity":"InACall","expirationDuration":"PT1H"}"#
///     ).unwrap(),
///     body
/// );
/// # Ok::<(), presence_core::ExpirationError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SetSession<S> {
    /// The session id.
    pub session_id: S,
    /// The presence that the session claims.
    pub claim: SessionPresence,
    /// The lifetime of the session.
    pub expiration: SessionExpiration,
}

impl<S> SetSession<S> {
    /// Claims a presence for the default lifetime of 5 minutes (rule [S5](crate::docs::rules#S5)).
    pub const fn new(session_id: S, claim: SessionPresence) -> Self {
        Self { session_id, claim, expiration: SessionExpiration::MIN }
    }

    /// Sets the lifetime. If the client crashes, others see its claim for up to this long.
    #[must_use]
    pub fn with_expiration(self, expiration: SessionExpiration) -> Self {
        Self { expiration, ..self }
    }

    /// Returns how often a client should send the command again to keep its claim.
    ///
    /// It is a third of the lifetime, or of the 5 minutes after which an Available session fades if
    /// that is shorter (rules [S5](crate::docs::rules#S5) and [S7](crate::docs::rules#S7)), so one lost
    /// request does no harm. Not specified by Graph. Measure the interval with a monotonic clock, such
    /// as `std::time::Instant`.
    ///
    /// ```
    /// use presence_core::{SessionPresence, SetSession, SignedDuration};
    ///
    /// let hour = "PT1H".parse()?;
    /// let available = SetSession::new("phone", SessionPresence::Available).with_expiration(hour);
    /// assert_eq!(available.refresh_interval(), SignedDuration::seconds(100));
    /// let call = SetSession::new("phone", SessionPresence::InACall).with_expiration(hour);
    /// assert_eq!(call.refresh_interval(), SignedDuration::minutes(20));
    /// # Ok::<(), presence_core::ExpirationError>(())
    /// ```
    #[must_use]
    pub fn refresh_interval(&self) -> SignedDuration {
        SignedDuration::nanoseconds(fading::lasts(self.claim, self.expiration) / 3)
    }
}

/// Removes a session: Graph's `clearPresence` (rules [S10](crate::docs::rules#S10) and
/// [S11](crate::docs::rules#S11)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ClearSession<S> {
    /// The session id.
    pub session_id: S,
}

impl<S> ClearSession<S> {
    /// Names the session to remove.
    pub const fn new(session_id: S) -> Self {
        Self { session_id }
    }
}

/// Sets the preferred presence: Graph's `setUserPreferredPresence` (rules [U1](crate::docs::rules#U1) to
/// [U4](crate::docs::rules#U4)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SetPreferred {
    /// The presence that the user prefers.
    pub presence: PreferredPresence,
    /// The lifetime of the preference.
    pub expiration: PreferredExpiration,
}

impl SetPreferred {
    /// Prefers a presence for its default lifetime of 1 or 7 days (rule [U2](crate::docs::rules#U2)).
    #[must_use]
    pub const fn new(presence: PreferredPresence) -> Self {
        Self { presence, expiration: PreferredExpiration::default_for(presence) }
    }

    /// Sets the lifetime.
    #[must_use]
    pub fn with_expiration(self, expiration: PreferredExpiration) -> Self {
        Self { expiration, ..self }
    }
}

/// Removes the preferred presence: Graph's `clearUserPreferredPresence`. Applying it never fails (rule
/// [U5](crate::docs::rules#U5)).
///
/// The body is `{}`. Graph's SDK for Python sends no body at all, which is not JSON: a server should
/// accept it without parsing it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ClearPreferred;

/// Lets time pass, as a command (rule [T3](crate::docs::rules#T3)).
///
/// It is meant for logs and streams of commands, and for one user of a directory. A model also has
/// [`PresenceModel::tick`](crate::PresenceModel::tick), which cannot fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Tick;

macro_rules! from_bodies {
    ($($command:ident: $body:ty),+ $(,)?) => {$(
        impl<S> From<$body> for Command<S> {
            fn from(body: $body) -> Self {
                Self::$command(body)
            }
        }
    )+};
}

from_bodies! {
    SetSession: SetSession<S>,
    ClearSession: ClearSession<S>,
    SetPreferred: SetPreferred,
    ClearPreferred: ClearPreferred,
    Tick: Tick,
}

/// Why a command was rejected. A rejected command changes nothing (rule [T4](crate::docs::rules#T4)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The session to clear does not exist or has expired (rule [S11](crate::docs::rules#S11)).
    #[error("session not found: it was never set, was cleared, or has expired")]
    SessionNotFound,
    /// The user has [`MAX_SESSIONS`] live sessions.
    #[error("too many sessions, expected at most {MAX_SESSIONS} live ones")]
    TooManySessions,
}
