use alloc::vec::Vec;

use crate::presence::Presence;
use crate::vocabulary::{Activity, Availability};

/// The presence of a user: Graph's presence resource.
///
/// A server writes what [`new`](Self::new) creates. A client reads what Graph or a server has written: any of
/// Graph's words, in any pair. [`presence`](Self::presence) says which of the 11 presences of this crate
/// it is.
///
/// With the feature `serde`, it is written and read as
/// `{"id":…,"availability":"Busy","activity":"InACall"}`. A word that is not known is read as
/// `PresenceUnknown`, so a word that Graph adds does not break a client. Unknown fields are passed over.
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use presence_core::graph::UserPresence;
/// use presence_core::{Activity, Availability, Presence};
///
/// let call = r#"{"id":"ana","availability":"Busy","activity":"InACall","sequenceNumber":"A7"}"#;
/// let ana: UserPresence<&str> = serde_json::from_str(call).unwrap();
/// assert_eq!(ana, UserPresence::new("ana", Presence::InACall));
/// assert_eq!(ana.presence(), Some(Presence::InACall));
///
/// let meeting = r#"{"id":"ana","availability":"Busy","activity":"InAMeeting"}"#;
/// let ana: UserPresence<&str> = serde_json::from_str(meeting).unwrap();
/// assert_eq!((ana.availability, ana.activity), (Availability::Busy, Activity::InAMeeting));
/// assert_eq!(ana.presence(), None);
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UserPresence<U> {
    /// The user id.
    pub id: U,
    /// The base information.
    pub availability: Availability,
    /// The supplement.
    pub activity: Activity,
}

impl<U> UserPresence<U> {
    /// Creates the resource of a user with this effective presence.
    pub const fn new(id: U, presence: Presence) -> Self {
        Self { id, availability: presence.availability(), activity: presence.activity() }
    }

    /// Returns which of the 11 presences it is, if it is one of them.
    #[must_use]
    pub fn presence(&self) -> Option<Presence> {
        Presence::try_from((self.availability, self.activity)).ok()
    }
}

/// The answer to [`GetPresencesByUserId`](crate::graph::GetPresencesByUserId).
///
/// With the feature `serde`, it is written and read as `{"value":[…]}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UserPresences<U> {
    /// The users, in the order of the ids.
    pub value: Vec<UserPresence<U>>,
}

impl<U> FromIterator<(U, Presence)> for UserPresences<U> {
    fn from_iter<I: IntoIterator<Item = (U, Presence)>>(users: I) -> Self {
        Self { value: users.into_iter().map(|(id, presence)| UserPresence::new(id, presence)).collect() }
    }
}

#[cfg(feature = "serde")]
mod form {
    use core::convert::Infallible;
    use core::str::FromStr;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};

    use super::UserPresence;
    use crate::graph::body::{BodyError, Read, read_checked, read_directly};
    use crate::graph::form::{Id, Value, form};
    use crate::serde::text;
    use crate::vocabulary::{Activity, Availability};

    form! {
        UserPresenceForm<U> {
            id = "id": U,
            availability = "availability": Lenient<Availability>,
            activity = "activity": Lenient<Activity>,
        }
    }

    impl<U> UserPresenceForm<Id<U>> {
        fn check(&mut self) -> Result<UserPresence<U>, BodyError> {
            let Id(id) = self.id.required()?;
            let Lenient(availability) = self.availability.required()?;
            let Lenient(activity) = self.activity.required()?;
            Ok(UserPresence { id, availability, activity })
        }
    }

    impl<U: Serialize> Serialize for UserPresence<U> {
        fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
            UserPresenceForm::of(&self.id, Lenient(self.availability), Lenient(self.activity))
                .serialize(serializer)
        }
    }

    read_checked! {
        UserPresence<U>: UserPresenceForm<Id<U>>, UserPresenceForm::check;
    }

    /// A word that may be unknown.
    #[derive(serde::Serialize)]
    struct Lenient<T>(T);

    macro_rules! lenient {
        ($($word:ident),+) => {$(
            impl FromStr for Lenient<$word> {
                type Err = Infallible;

                fn from_str(word: &str) -> Result<Self, Self::Err> {
                    Ok(Self(word.parse().unwrap_or($word::PresenceUnknown)))
                }
            }

            impl<'de> Deserialize<'de> for Lenient<$word> {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    text::parse(deserializer, "a string")
                }
            }

            impl Value<'_> for Lenient<$word> {}
        )+};
    }

    lenient!(Availability, Activity);
}
