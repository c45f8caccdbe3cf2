use alloc::vec::Vec;

use thiserror::Error;

/// The maximum number of ids in one [`GetPresencesByUserId`].
pub const MAX_USER_IDS: usize = 650;

/// A question about many users: Graph's `getPresencesByUserId`. `U` is the type of user ids.
///
/// With the feature `serde`, it is written as `{"ids":[…]}`.
///
/// ```
/// use presence_core::graph::{GetPresencesByUserId, UserPresences};
/// use presence_core::{Presence, PresenceDirectory, Timestamp};
///
/// let users = PresenceDirectory::<String, u64>::new();
/// let query = GetPresencesByUserId::new(vec!["ana", "bob"])?;
/// let presences = users.presences(query.ids().iter().copied(), Timestamp::UNIX_EPOCH);
/// let answer: UserPresences<&str> = query.ids().iter().copied().zip(presences).collect();
/// assert_eq!(answer.value[1].presence(), Some(Presence::Offline));
/// # #[cfg(feature = "serde")]
/// assert_eq!(
///     serde_json::to_string(&answer).unwrap(),
///     r#"{"value":[{"id":"ana","availability":"Offline","activity":"Offline"},{"id":"bob","availability":"Offline","activity":"Offline"}]}"#
/// );
/// # Ok::<(), presence_core::graph::TooManyUserIds>(())
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

/// More than [`MAX_USER_IDS`] ids in one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("too many [Ids], expected at most {MAX_USER_IDS}")]
#[non_exhaustive]
pub struct TooManyUserIds;

#[cfg(feature = "serde")]
mod form {
    use alloc::vec::Vec;
    use core::fmt;
    use core::marker::PhantomData;

    use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
    use serde::ser::{Serialize, Serializer};

    use super::{GetPresencesByUserId, MAX_USER_IDS};
    use crate::graph::body::{BodyError, Read, read_checked, read_directly};
    use crate::graph::form::{Value, form};

    form! {
        IdsForm<L> {
            ids = "ids": L,
        }
    }

    impl<U> IdsForm<Ids<U>> {
        fn check(&mut self) -> Result<GetPresencesByUserId<U>, BodyError> {
            let Ids(ids) = self.ids.required()?;
            GetPresencesByUserId::new(ids).map_err(BodyError::new)
        }
    }

    impl<U: Serialize> Serialize for GetPresencesByUserId<U> {
        fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
            IdsForm::of(self.ids()).serialize(serializer)
        }
    }

    read_checked! {
        GetPresencesByUserId<U>: IdsForm<Ids<U>>, IdsForm::check;
    }

    /// A list of ids, up to the first one that is too many.
    struct Ids<U>(Vec<U>);

    impl<'de, U: Deserialize<'de>> Deserialize<'de> for Ids<U> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_seq(IdsVisitor(PhantomData))
        }
    }

    impl<'de, U: Deserialize<'de>> Value<'de> for Ids<U> {}

    struct IdsVisitor<U>(PhantomData<U>);

    impl<'de, U: Deserialize<'de>> Visitor<'de> for IdsVisitor<U> {
        type Value = Ids<U>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ids<U>, A::Error> {
            let mut ids = Vec::new();
            while let Some(id) = list.next_element()? {
                if ids.len() <= MAX_USER_IDS {
                    ids.push(id);
                }
            }
            Ok(Ids(ids))
        }
    }
}
