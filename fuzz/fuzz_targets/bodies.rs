//! Request bodies: read directly and through [`Body`], against a second description of how Graph reads
//! names.
//!
//! The input is a body. No input makes reading panic. Both ways accept the same bodies, reject the others
//! with the same text, and accept a body in any case as they accept it in Graph's spelling.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use presence_core::graph::{Body, GetPresencesByUserId, UserPresence};
use presence_core::{ClearPreferred, ClearSession, Command, Presence, SetPreferred, SetSession};
use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::Serialize;
use serde_json::Value;

/// The fields of which each counts once at most, in any body.
const FIELDS: [&str; 5] = ["sessionid", "availability", "activity", "expirationduration", "ids"];

fuzz_target!(|bytes: &[u8]| {
    check::<SetSession<String>>(bytes, &FIELDS[..4]);
    check::<SetSession<u64>>(bytes, &FIELDS[..4]);
    compare::<SetSession<u128>>(bytes);
    check::<ClearSession<String>>(bytes, &FIELDS[..1]);
    check::<ClearSession<(String, Option<Vec<bool>>)>>(bytes, &FIELDS[..1]);
    check::<SetPreferred>(bytes, &FIELDS[1..4]);
    check::<ClearPreferred>(bytes, &[]);
    check::<Command<String>>(bytes, &[]);
    check::<GetPresencesByUserId<String>>(bytes, &FIELDS[4..]);
    check::<Presence>(bytes, &FIELDS[1..3]);
    check::<UserPresence<String>>(bytes, &FIELDS[1..3]);

    // A borrowed id is read if the text has no escapes in it.
    let borrowed = compare::<SetSession<&str>>(bytes);
    let owned = compare::<SetSession<String>>(bytes);
    if let Some(borrowed) = borrowed {
        let session_id = borrowed.session_id.to_owned();
        let expected = SetSession::new(session_id, borrowed.claim).with_expiration(borrowed.expiration);
        assert_eq!(owned, Some(expected));
    }

    // Compact forms of any bytes are rejected, or are read back.
    compact::<Command<String>>(bytes);
    compact::<SetSession<u64>>(bytes);
    compact::<GetPresencesByUserId<String>>(bytes);
    compact::<UserPresence<String>>(bytes);
});

/// Compares both ways to read a body. If it is accepted, no field that counts comes twice (rule W2), and it is
/// read back and read in other spellings (rule W1).
fn check<T>(bytes: &[u8], fields: &[&str])
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug,
    Body<T>: DeserializeOwned,
{
    let Some(body) = compare::<T>(bytes) else { return };
    if let Ok(Names(names)) = serde_json::from_slice::<Names>(bytes) {
        for field in fields {
            let count = names.iter().filter(|name| name.to_ascii_lowercase() == *field).count();
            assert!(count <= 1, "{field} comes {count} times");
        }
    }
    let text = serde_json::to_string(&body).unwrap();
    assert_eq!(compare::<T>(text.as_bytes()).as_ref(), Some(&body), "{text}");
    for spell in [str::to_ascii_lowercase, str::to_ascii_uppercase] {
        let text = respell(&serde_json::from_str(&text).unwrap(), spell).to_string();
        assert_eq!(compare::<T>(text.as_bytes()).as_ref(), Some(&body), "{text}");
    }
}

/// The names of the fields of an object, those that come twice too.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Names;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut fields: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, serde::de::IgnoredAny)) = fields.next_entry()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// Changes the case of names and words, and of nothing else.
fn respell(value: &Value, spell: fn(&str) -> String) -> Value {
    let Value::Object(fields) = value else { return value.clone() };
    let respelled = fields.iter().map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("availability" | "activity", Value::String(word)) => Value::String(spell(word)),
            ("sessionId" | "id", value) => value.clone(),
            (_, value) => respell(value, spell),
        };
        (spell(name), value)
    });
    Value::Object(respelled.collect())
}

/// Reads a body both ways.
fn compare<'a, T>(bytes: &'a [u8]) -> Option<T>
where
    T: Deserialize<'a> + PartialEq + Debug,
    Body<T>: Deserialize<'a>,
{
    let direct = serde_json::from_slice::<T>(bytes);
    let body = serde_json::from_slice::<Body<T>>(bytes);
    let Ok(body) = body else {
        // JSON is told of numbers of 128 bits, and then reads nothing else.
        let is_json = serde_json::from_slice::<Value>(bytes).is_ok();
        assert!(!is_json || std::any::type_name::<T>().contains("u128"), "{body:?}");
        assert!(direct.is_err(), "{direct:?}");
        return None;
    };
    match (direct, body.check()) {
        (Ok(direct), Ok(body)) => {
            assert_eq!(direct, body);
            Some(direct)
        }
        (Err(direct), Err(body)) => {
            // Unless the text goes on behind the body, which JSON notices later.
            let direct = direct.to_string();
            let direct = direct.rfind(" at line ").map_or(&*direct, |position| &direct[..position]);
            assert!(direct == body.to_string() || direct == "trailing characters", "{direct}: {body}");
            None
        }
        (direct, body) => panic!("directly: {direct:?}, as a body: {body:?}"),
    }
}

fn compact<T>(bytes: &[u8])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
    Body<T>: DeserializeOwned,
{
    let direct = postcard::from_bytes::<T>(bytes).ok();
    let body = postcard::from_bytes::<Body<T>>(bytes).ok().and_then(|body| body.check().ok());
    assert_eq!(direct, body);
    if let Some(value) = direct {
        assert_eq!(postcard::from_bytes(&postcard::to_allocvec(&value).unwrap()), Ok(value));
    }
}
