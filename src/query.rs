use alloc::vec::Vec;

use thiserror::Error;

use crate::error::invalid_argument;
use crate::presence::Presence;

/// The maximum number of ids in one [`GetPresencesByUserId`].
pub const MAX_USER_IDS: usize = 650;

/// A question about many users: Graph's `getPresencesByUserId`. `U` is the type of user ids.
///
/// With the feature `serde`, it is written as `{"ids":[…]}`.
///
/// ```
/// use presence_core::{GetPresencesByUserId, Presence, PresenceDirectory, Timestamp, UserPresences};
///
/// let users = PresenceDirectory::<String, u64>::new();
/// let query = GetPresencesByUserId::new(vec!["ana", "bob"])?;
/// let presences = users.presences(query.ids().iter().copied(), Timestamp::UNIX_EPOCH);
/// let answer: UserPresences<&str> = query.ids().iter().copied().zip(presences).collect();
/// assert_eq!(answer.value[1].presence, Presence::Offline);
/// # #[cfg(feature = "serde")]
/// assert_eq!(
///     serde_json::to_string(&answer).unwrap(),
///     r#"{"value":[{"id":"ana","availability":"Offline","activity":"Offline"},{"id":"bob","availability":"Offline","activity":"Offline"}]}"#
/// );
/// # Ok::<(), presence_core::TooManyUserIds>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GetPresencesByUserId<U> {
    ids: Vec<U>,
}

impl<U> GetPresencesByUserId<U> {
    /// Asks about these users.
    ///
    /// # Errors
    ///
    /// [`TooManyUserIds`] for more than [`MAX_USER_IDS`].
    pub fn new(ids: Vec<U>) -> Result<Self, TooManyUserIds> {
        if ids.len() > MAX_USER_IDS { Err(TooManyUserIds) } else { Ok(Self { ids }) }
    }

    /// Returns the ids.
    #[must_use]
    pub fn ids(&self) -> &[U] {
        &self.ids
    }

    /// Returns the ids.
    #[must_use]
    pub fn into_ids(self) -> Vec<U> {
        self.ids
    }
}

/// The effective presence of a user, as Graph's presence resource.
///
/// With the feature `serde`, it is written as `{"id":…,"availability":"Busy","activity":"InACall"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserPresence<U> {
    /// The user id.
    pub id: U,
    /// The effective presence.
    pub presence: Presence,
}

/// The answer to [`GetPresencesByUserId`].
///
/// With the feature `serde`, it is written as `{"value":[…]}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct UserPresences<U> {
    /// The users, in the order of the ids.
    pub value: Vec<UserPresence<U>>,
}

impl<U> FromIterator<(U, Presence)> for UserPresences<U> {
    fn from_iter<I: IntoIterator<Item = (U, Presence)>>(users: I) -> Self {
        Self { value: users.into_iter().map(|(id, presence)| UserPresence { id, presence }).collect() }
    }
}

/// More than [`MAX_USER_IDS`] ids in one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("too many [Ids], expected at most {MAX_USER_IDS}")]
#[non_exhaustive]
pub struct TooManyUserIds;

invalid_argument!(TooManyUserIds);
