//! Request bodies: read directly and through [`Body`].
//!
//! The input is a body. No input makes reading panic, both ways accept the same bodies, and they
//! reject the others with the same text.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use presence_core::{
    Body, BodyError, ClearPreferred, ClearSession, Command, GetPresencesByUserId, SetPreferred,
    SetSession,
};
use serde::de::{Deserialize, DeserializeOwned};
use serde::ser::Serialize;

fuzz_target!(|bytes: &[u8]| {
    check::<SetSession<String>>(bytes);
    check::<SetSession<u64>>(bytes);
    check::<ClearSession<String>>(bytes);
    check::<SetPreferred>(bytes);
    check::<ClearPreferred>(bytes);
    check::<Command<String>>(bytes);
    check::<GetPresencesByUserId<String>>(bytes);

    // A borrowed id is read if the text has no escapes in it.
    let borrowed = compare::<SetSession<&str>>(bytes);
    let owned = compare::<SetSession<String>>(bytes);
    if let Some(borrowed) = borrowed {
        let session_id = borrowed.session_id.to_owned();
        let expected = SetSession::new(session_id, borrowed.claim).with_expiration(borrowed.expiration);
        assert_eq!(owned, Some(expected));
    }
});

/// Compares both ways to read a body, and reads it back if it is accepted.
fn check<T>(bytes: &[u8])
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug,
    Body<T>: DeserializeOwned,
{
    if let Some(body) = compare::<T>(bytes) {
        let text = serde_json::to_string(&body).unwrap();
        assert_eq!(compare::<T>(text.as_bytes()), Some(body), "{text}");
    }
}

/// Reads a body both ways.
fn compare<'a, T>(bytes: &'a [u8]) -> Option<T>
where
    T: Deserialize<'a> + PartialEq + Debug,
    Body<T>: Deserialize<'a>,
{
    let direct = serde_json::from_slice::<T>(bytes);
    let body = serde_json::from_slice::<Body<T>>(bytes);
    // What is ignored may hold values that cannot be read, such as 1e999.
    let is_json = serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
    assert!(body.is_ok() || !is_json, "{body:?}");
    let Ok(body) = body else {
        assert!(direct.is_err(), "{direct:?}");
        return None;
    };
    match (direct, body.check()) {
        (Ok(direct), Ok(body)) => {
            assert_eq!(direct, body);
            Some(direct)
        }
        (Err(direct), Err(body)) => {
            if is_json {
                compare_texts(&direct, &body);
            }
            None
        }
        (direct, body) => panic!("directly: {direct:?}, as a body: {body:?}"),
    }
}

/// Compares the texts of two errors.
///
/// Both come from `serde`, but JSON has its own words for fractions, and for a command that is not an
/// object with one field.
fn compare_texts(direct: &serde_json::Error, body: &BodyError) {
    let (direct, body) = (direct.to_string(), body.to_string());
    let direct = direct.rfind(" at line ").map_or(&*direct, |position| &direct[..position]);
    let (direct_field, direct) = split_field(direct);
    let (body_field, body) = split_field(&body);
    assert_eq!(direct_field, body_field);

    if let (Some(direct), Some(body)) = (unexpected_fraction(direct), unexpected_fraction(body)) {
        assert_eq!(direct, body);
    } else if body != "expected an object with one field" {
        assert_eq!(direct, body);
    }
}

/// Splits a text into the field that it starts with, such as `[SessionId]: `, and the rest.
fn split_field(text: &str) -> (&str, &str) {
    match text.find("]: ") {
        Some(position) if text.starts_with('[') => text.split_at(position + 3),
        _ => ("", text),
    }
}

/// Returns the number in a text about a number that is not expected, and what is expected.
fn unexpected_fraction(text: &str) -> Option<(f64, &str)> {
    let (number, expected) = text.strip_prefix("invalid type: floating point `")?.split_once('`')?;
    Some((number.parse().ok()?, expected))
}
