//! Session ids.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// The maximum length of an id in bytes. It bounds the memory of a model and the text of its snapshot.
const MAX_ID: usize = 1024;

/// A session id: a text of at most [`MAX_ID`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct Id(String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        if id.len() > MAX_ID {
            let length = id.len();
            return Err(D::Error::custom(format_args!(
                "invalid id of {length} bytes, expected at most {MAX_ID}"
            )));
        }
        Ok(Self(id))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
