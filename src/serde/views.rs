//! What is read of a model, if its form is not that of its fields.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use time::Timestamp;

use crate::model::Change;
use crate::presence::Presence;
use crate::vocabulary::{Activity, Availability};

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Change")]
struct ChangeForm {
    #[serde(with = "crate::timestamp")]
    at: Timestamp,
    availability: Availability,
    activity: Activity,
}

impl Serialize for Change {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let (availability, activity) = (self.presence.availability(), self.presence.activity());
        ChangeForm { at: self.at, availability, activity }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ChangeForm { at, availability, activity } = ChangeForm::deserialize(deserializer)?;
        let presence = Presence::try_from((availability, activity)).map_err(D::Error::custom)?;
        Ok(Self { at, presence })
    }
}
