//! Reading hostile bodies: what it costs, and that it ends.

#![cfg(feature = "serde")]

mod common;
mod counting;

use counting::{BYTES, PEAK};
use presence_core::graph::{Body, GetPresencesByUserId};
use presence_core::{ClearPreferred, ClearSession, Command, SetPreferred, SetSession};
use serde::de::DeserializeOwned;

const LARGE: usize = 200_000;

/// Returns how many bytes were held at once while a body was read, and whether it was accepted.
fn cost<T>(text: &str) -> (isize, Result<(), String>)
where
    Body<T>: DeserializeOwned,
{
    let before = BYTES.get();
    PEAK.set(before);
    let body: Body<T> = serde_json::from_str(text).unwrap();
    let checked = body.check().map(drop).map_err(|error| error.to_string());
    (PEAK.get() - before, checked)
}

/// JSON keeps one byte for each list or object that is open. Nothing else is kept.
#[test]
fn unknown_fields_cost_no_memory() {
    let flat = [
        format!("\"{}\"", "x".repeat(LARGE)),
        format!("[{}1]", "1,".repeat(LARGE)),
        format!("{{{}\"a\":1}}", "\"sessionId\":[null],".repeat(LARGE / 20)),
    ];
    let deep = format!("{}{}", "[".repeat(LARGE), "]".repeat(LARGE));
    for (value, most) in
        flat.iter().map(|value| (value, 256)).chain([(&deep, 2 * LARGE.cast_signed() + 256)])
    {
        let text = format!(
            r#"{{"x":{value},"sessionId":"a","availability":"Away","activity":"Away","y":{value}}}"#
        );
        let costs = [
            cost::<SetSession<String>>(&text),
            cost::<ClearSession<String>>(&text),
            cost::<SetPreferred>(&text),
            cost::<ClearPreferred>(&text),
            cost::<Command<String>>(&format!(r#"{{"at":{value},"setPresence":{text}}}"#)),
        ];
        for (bytes, checked) in costs {
            assert_eq!(checked, Ok(()));
            assert!(bytes <= most, "{bytes} bytes, at most {most}");
        }
    }
}

/// Also a value of a wrong type in a field that is known, and fields that come very often.
#[test]
fn what_is_rejected_costs_no_memory() {
    let list = format!("[{}1]", "1,".repeat(LARGE));
    let (bytes, checked) = cost::<ClearSession<String>>(&format!(r#"{{"sessionId":{list}}}"#));
    assert_eq!(checked.unwrap_err(), "[SessionId]: invalid type: sequence, expected a string");
    assert!(bytes <= 1024, "{bytes} bytes");

    let long = "x".repeat(LARGE);
    let text = format!(r#"{{"availability":"{long}","activity":"Away"}}"#);
    let (bytes, checked) = cost::<SetPreferred>(&text);
    assert!(checked.unwrap_err().starts_with("[Availability]: unknown availability"));
    assert!(bytes <= 4096, "{bytes} bytes");

    let often = r#""SESSIONID":"a","#.repeat(LARGE / 20);
    let (bytes, checked) = cost::<ClearSession<String>>(&format!(r#"{{{often}"x":1}}"#));
    assert_eq!(checked.unwrap_err(), "[SessionId]: The SessionId field comes twice.");
    assert!(bytes <= 1024, "{bytes} bytes");

    let actions = r#""tick":{},"#.repeat(LARGE / 20);
    let (bytes, checked) = cost::<Command<String>>(&format!(r#"{{{actions}"x":1}}"#));
    assert_eq!(checked.unwrap_err(), "[Tick]: more than one command");
    assert!(bytes <= 1024, "{bytes} bytes");
}

/// The list of ids ends at the first one that is too many.
#[test]
fn a_query_of_any_length_holds_at_most_651_ids() {
    let ids = "12345678,".repeat(LARGE / 10);
    let (bytes, checked) = cost::<GetPresencesByUserId<u64>>(&format!(r#"{{"ids":[{ids}1]}}"#));
    assert_eq!(checked.unwrap_err(), "too many [Ids], expected at most 650");
    assert!(bytes <= 16 * 1024, "{bytes} bytes");
    let (bytes, checked) = cost::<GetPresencesByUserId<u64>>(&format!(r#"{{"ids":["a",{ids}1]}}"#));
    assert!(checked.unwrap_err().starts_with("[Ids]: invalid type: string"));
    assert!(bytes <= 1024, "{bytes} bytes");
}

/// An error leaves the text behind it readable, wherever it is.
#[test]
fn an_error_deep_inside_an_id_is_one_of_the_body() {
    type Id = Vec<(String, Option<Vec<u8>>)>;

    let ids = [
        r#"[["a",[1,2,"x",[[]],{"y":[3]}]],["b",null]]"#,
        r#"[["a",[1,2,300]],["b",null]]"#,
        r#"[["a",null,1,2,3],["b",null]]"#,
        r#"[["a"]]"#,
        "[[7,[1]],[[[]]]]",
        r#"{"a":[1]}"#,
        r#"[[["a"],{"b":{"c":[null]}}]]"#,
    ];
    for id in ids {
        for text in [
            format!(r#"{{"sessionId":{id}}}"#),
            format!(r#"{{"x":[1],"sessionId":{id},"y":{{"sessionId":null}}}}"#),
        ] {
            let (_, checked) = cost::<ClearSession<Id>>(&text);
            assert!(checked.unwrap_err().starts_with("[SessionId]: invalid "), "{text}");
        }
    }
    let text = r#"{"sessionId":[["a",[1,2]],["b",null]],"x":1}"#;
    assert_eq!(cost::<ClearSession<Id>>(text).1, Ok(()));
}

/// Fields that are not known, or missing, in a type of the caller that says so.
#[test]
fn an_error_between_a_name_and_its_value_is_one_of_the_body() {
    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is only read")]
    struct Strict {
        device: String,
    }

    let rows = [
        (r#"{"device":"a"}"#, None),
        (r#"{"device":"a","x":[[1]],"y":{}}"#, Some("unknown field `x`, expected `device`")),
        (r#"{"device":"a","device":{"z":[]}}"#, Some("duplicate field `device`")),
        (r#"{"device":[[]],"y":{}}"#, Some("invalid type: sequence, expected a string")),
        ("{}", Some("missing field `device`")),
    ];
    for (id, message) in rows {
        let text = format!(r#"{{"sessionId":{id},"z":[1]}}"#);
        let (_, checked) = cost::<ClearSession<Strict>>(&text);
        assert_eq!(checked.err(), message.map(|message| format!("[SessionId]: {message}")), "{text}");
    }
}
