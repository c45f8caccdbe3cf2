//! Presences as pairs of words.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use crate::graph::body::{BodyError, Read, read_checked, read_directly};
use crate::graph::form::{Field, form};
use crate::presence::{PreferredPresence, Presence, PresenceError, SessionPresence};
use crate::vocabulary::{Activity, Availability};

form! {
    PairForm {
        availability = "availability": Availability,
        activity = "activity": Activity,
    }
}

macro_rules! pairs {
    ($($pair:ident),+) => {$(
        impl Serialize for $pair {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                let presence = Presence::from(*self);
                PairForm::of(presence.availability(), presence.activity()).serialize(serializer)
            }
        }

        read_checked! {
            $pair: PairForm, |form| checked_pair(&mut form.availability, &mut form.activity);
        }
    )+};
}

pairs!(Presence, SessionPresence, PreferredPresence);

pub(super) fn checked_pair<T>(
    availability: &mut Field<Availability>,
    activity: &mut Field<Activity>,
) -> Result<T, BodyError>
where
    T: TryFrom<(Availability, Activity), Error = PresenceError>,
{
    let pair = (availability.required()?, activity.required()?);
    T::try_from(pair)
        .map_err(|error| BodyError::new(format_args!("[Availability], [Activity]: {error}")))
}
