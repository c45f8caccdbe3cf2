//! What is read of a model or a directory, if its form is not that of its fields.

use serde::Deserialize;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::error::GraphError;
use crate::model::{Change, Explanation, Outcome};
use crate::presence::Presence;
use crate::query::UserPresence;
use crate::serde::bodies::object;
use crate::serde::text::Text;

#[derive(serde::Deserialize)]
#[serde(rename = "Outcome")]
struct OutcomeForm {
    previous: Presence,
    current: Presence,
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let OutcomeForm { previous, current } = object(deserializer)?;
        Ok(Self { previous, current })
    }
}

impl Serialize for Change {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut change = serializer.serialize_struct("Change", 3)?;
        change.serialize_field("at", &Text(self.at))?;
        change.serialize_field("availability", &self.presence.availability())?;
        change.serialize_field("activity", &self.presence.activity())?;
        change.end()
    }
}

impl<S: Serialize> Serialize for Explanation<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut explanation = serializer.serialize_struct("Explanation", 5)?;
        explanation.serialize_field("presence", &self.presence)?;
        explanation.serialize_field("until", &self.until.map(Text))?;
        explanation.serialize_field("reason", &self.reason)?;
        explanation.serialize_field("waiting", &self.waiting)?;
        explanation.serialize_field("others", &self.others)?;
        explanation.end()
    }
}

impl Serialize for GraphError {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        #[derive(serde::Serialize)]
        struct Form<'a> {
            code: &'static str,
            message: &'a str,
        }
        let mut answer = serializer.serialize_struct("GraphError", 1)?;
        answer.serialize_field("error", &Form { code: self.code.as_str(), message: &self.message })?;
        answer.end()
    }
}

impl<U: Serialize> Serialize for UserPresence<U> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut user = serializer.serialize_struct("UserPresence", 3)?;
        user.serialize_field("id", &self.id)?;
        user.serialize_field("availability", &self.presence.availability())?;
        user.serialize_field("activity", &self.presence.activity())?;
        user.end()
    }
}
