//! Compact formats: postcard, which has no names, and CBOR, which has.
//!
//! What postcard and JSON write of commands and outcomes is in `tests/compact`. `UPDATE_GOLDEN=1 cargo
//! test --test compact` rewrites it.

#![cfg(feature = "serde")]

mod common;
#[path = "common/golden.rs"]
mod golden;

use std::fmt::{Debug, Write};
use std::slice;

use ciborium::Value;
use common::{at, prefer, set};
use golden::assert_golden;
use presence_core::graph::{Body, GetPresencesByUserId, UserPresence, UserPresences};
use presence_core::{
    Change, ClearPreferred, ClearSession, Command, Explanation, Outcome, Preferred, PreferredExpiration,
    PreferredPresence, Presence, PresenceModel, Session, SessionExpiration, SessionPresence,
    SetPreferred, SetSession, SignedDuration, Tick, Timestamp, timestamp,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const PHONE: &str = "22553876-f5ab-4529-bffb-cfe50aa89f87";

/// A line of a log, as the page of persistence shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    #[serde(with = "timestamp")]
    at: Timestamp,
    user: String,
    command: Command<String>,
}

fn commands() -> [Command<String>; 6] {
    [
        set(PHONE.to_owned(), SessionPresence::Available, "PT1H").into(),
        set(PHONE.to_owned(), SessionPresence::InACall, "PT5M0.000000001S").into(),
        ClearSession::new(PHONE.to_owned()).into(),
        prefer(PreferredPresence::DoNotDisturb, "PT8H").into(),
        ClearPreferred.into(),
        Tick.into(),
    ]
}

/// In JSON, and in postcard as hexadecimal digits with their number.
#[test]
fn logged_commands_are_as_pinned() {
    let mut text = String::new();
    for command in commands() {
        let line = Line { at: at("09:00"), user: "ana".to_owned(), command };
        write_forms(&mut text, &line);
    }
    assert_golden("compact/commands.txt", &text);
}

#[test]
fn outcomes_are_as_pinned() {
    let mut user = PresenceModel::new();
    let mut text = String::new();
    for command in commands() {
        if let Ok(outcome) = user.apply(command, at("09:00")) {
            write_forms(&mut text, &outcome);
        }
    }
    assert_golden("compact/outcomes.txt", &text);
}

/// The form of a model is pinned by the tests of snapshots. These are sizes on the page of persistence.
#[test]
fn the_sizes_on_the_page_of_persistence_are_right() {
    let now = at("09:00") + SignedDuration::nanoseconds(123_456_789);
    let ids = ["22553876-f5ab-4529-bffb-cfe50aa89f87", "fa8bf3dc-eca7-46b7-bad1-db199b62afc3"];
    let set = |id: usize, claim| set(ids[id].to_owned(), claim, "PT1H");
    let model = |commands: &[Command<String>]| {
        let mut model = PresenceModel::<String>::new();
        for command in commands {
            let _ = model.apply(command.clone(), now).unwrap();
        }
        model
    };
    let one: Command<String> = set(0, SessionPresence::Available).into();
    let two: Command<String> = set(1, SessionPresence::InACall).into();
    let preferred: Command<String> = SetPreferred::new(PreferredPresence::DoNotDisturb).into();
    let rows = [
        ("the model of one session", model(slice::from_ref(&one))),
        ("of two sessions", model(&[one.clone(), two.clone()])),
        ("of a preference alone", model(slice::from_ref(&preferred))),
        ("of two sessions and a preference", model(&[one.clone(), two, preferred])),
    ];
    for (name, model) in rows {
        assert_sizes(name, &model);
    }
    let outcome = PresenceModel::new().apply(one.clone(), now).unwrap();
    assert_sizes("its outcome", &outcome);
    assert_sizes("a line of the log", &Line { at: now, user: "ana".to_owned(), command: one });
}

fn assert_sizes<T: Serialize>(name: &str, value: &T) {
    const PAGE: &str = include_str!("../src/docs/persistence.md");
    let (json, postcard) = (serde_json::to_vec(value).unwrap(), postcard::to_allocvec(value).unwrap());
    let row = format!("| {name} | {} | {} |", json.len(), postcard.len());
    assert!(PAGE.contains(&row), "{row}");
}

fn write_forms<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &mut String, value: &T) {
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
    let bytes = postcard::to_allocvec(value).unwrap();
    assert_eq!(&postcard::from_bytes::<T>(&bytes).unwrap(), value);
    let hexadecimal = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    writeln!(text, "{json}\n{}: {hexadecimal}\n", bytes.len()).unwrap();
}

/// In nanoseconds, in commands as in snapshots.
#[test]
fn timestamps_and_lifetimes_are_integers() {
    let nine = 1_795_165_200_000_000_000_i64;
    let hour = 3_600_000_000_000_u64;
    let line = Line {
        at: at("09:00"),
        user: "ana".to_owned(),
        command: set("a".to_owned(), SessionPresence::InACall, "PT1H").into(),
    };
    let expected = (nine, "ana", 0_u32, ("a", "Busy", "InACall", hour));
    assert_eq!(postcard::to_allocvec(&line).unwrap(), postcard::to_allocvec(&expected).unwrap());
    let expected = ("Away", "Away", 24 * hour);
    let preferred = prefer(PreferredPresence::Away, "P1D");
    assert_eq!(postcard::to_allocvec(&preferred).unwrap(), postcard::to_allocvec(&expected).unwrap());

    let longest = PreferredExpiration::new(SignedDuration::MAX).unwrap();
    let bytes = postcard::to_allocvec(&longest).unwrap();
    assert_eq!(postcard::from_bytes(&bytes), Ok(SignedDuration::MAX.whole_nanoseconds().unsigned_abs()));
    assert_eq!(postcard::from_bytes(&bytes), Ok(longest));
    for out_of_range in [0, SignedDuration::MAX.whole_nanoseconds().unsigned_abs() + 1, u128::MAX] {
        let bytes = postcard::to_allocvec(&out_of_range).unwrap();
        assert!(postcard::from_bytes::<PreferredExpiration>(&bytes).is_err(), "{out_of_range}");
        assert!(postcard::from_bytes::<SessionExpiration>(&bytes).is_err(), "{out_of_range}");
    }
}

/// T6
#[test]
fn a_timestamp_out_of_range_is_the_nearest_in_range() {
    #[derive(Serialize, Deserialize)]
    struct At(#[serde(with = "timestamp")] Timestamp);

    for (at, stored) in
        [(Timestamp::MIN, i64::MIN), (Timestamp::UNIX_EPOCH, 0), (Timestamp::MAX, i64::MAX)]
    {
        let bytes = postcard::to_allocvec(&At(at)).unwrap();
        assert_eq!(postcard::from_bytes(&bytes), Ok(stored));
        let At(read) = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(read.as_nanoseconds(), i128::from(stored));
    }
}

/// Commands, bodies, answers and what is read of a model.
#[test]
fn everything_is_read_back_from_every_format() {
    for command in commands() {
        survives_body(&command);
        survives(&Line { at: at("09:00"), user: String::new(), command });
    }
    survives_body(&set(u128::MAX, SessionPresence::Away, "PT4H"));
    survives_body(&set((1_u8, Some("a".to_owned())), SessionPresence::Away, "PT5M"));
    survives_body(&SetPreferred::new(PreferredPresence::OffWork));
    survives_body(&GetPresencesByUserId::new(vec!["ana".to_owned(), String::new()]).unwrap());
    for presence in Presence::ALL {
        survives_body(presence);
        survives_body(&UserPresence::new("ana".to_owned(), *presence));
    }
    survives(
        &[(7_u64, Presence::Busy), (8, Presence::Away)].into_iter().collect::<UserPresences<u64>>(),
    );

    let mut user = PresenceModel::new();
    let expiration = PreferredExpiration::new(SignedDuration::MAX).unwrap();
    let preferred = SetPreferred::new(PreferredPresence::Busy).with_expiration(expiration);
    survives::<Outcome>(&user.apply(preferred, at("09:00")).unwrap());
    for id in ["laptop", "phone"] {
        let body = set(id.to_owned(), SessionPresence::Available, "PT1H");
        survives::<Outcome>(&user.apply(body, at("09:00")).unwrap());
    }
    for now in [at("09:00"), at("09:07"), at("23:00")] {
        survives::<Vec<Change>>(&user.forecast(now).collect());
        survives::<Vec<Session<String>>>(&user.sessions(now).map(|session| session.cloned()).collect());
        survives::<Option<Preferred>>(&user.preferred(now));
        survives::<Explanation<String>>(&user.explain(now).cloned());
        survives(&user);
    }
    let _ = user.apply(ClearPreferred, at("09:00")).unwrap();
    survives::<Explanation<String>>(&user.explain(at("09:00")).cloned());
}

fn survives_body<T>(value: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
    Body<T>: DeserializeOwned,
{
    survives(value);
    let body: Body<T> = serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap();
    assert_eq!(body.check().as_ref(), Ok(value));
    let body: Body<T> = postcard::from_bytes(&postcard::to_allocvec(value).unwrap()).unwrap();
    assert_eq!(body.check().as_ref(), Ok(value));
    let body: Body<T> = ciborium::from_reader(cbor(value).as_slice()).unwrap();
    assert_eq!(body.check().as_ref(), Ok(value));
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    assert_eq!(&serde_json::from_str::<T>(&serde_json::to_string(value).unwrap()).unwrap(), value);
    assert_eq!(&postcard::from_bytes::<T>(&postcard::to_allocvec(value).unwrap()).unwrap(), value);
    assert_eq!(&ciborium::from_reader::<T, _>(cbor(value).as_slice()).unwrap(), value);
}

fn cbor<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

/// Borrowed from the bytes that hold it.
#[test]
fn a_borrowed_id_is_read_from_postcard() {
    let body = set(PHONE, SessionPresence::Away, "PT1H");
    let bytes = postcard::to_allocvec(&body).unwrap();
    assert_eq!(postcard::from_bytes::<SetSession<&str>>(&bytes), Ok(body));
    let read: Body<SetSession<&str>> = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(read.check(), Ok(body));
}

/// W1, W2: in a format that has names, errors are those of the body.
#[test]
fn a_body_in_cbor_is_read_as_graph_reads_it() {
    let text = |text: &str| Value::Text(text.to_owned());
    let read = |fields: Vec<(&str, Value)>| {
        let fields = fields.into_iter().map(|(name, value)| (text(name), value)).collect();
        let body: Body<SetSession<String>> =
            ciborium::from_reader(cbor(&Value::Map(fields)).as_slice()).unwrap();
        body.check().map_err(|error| error.to_string())
    };
    let hour = 3_600_000_000_000_u64;
    let fields = |rest: Vec<(&'static str, Value)>| {
        let valid =
            [("AVAILABILITY", text("busy")), ("activity", text("INACALL")), ("x", Value::Array(vec![]))];
        valid.into_iter().chain(rest).collect::<Vec<_>>()
    };
    let body = set("a".to_owned(), SessionPresence::InACall, "PT1H");
    assert_eq!(
        read(fields(vec![
            ("SessionId", text("a")),
            ("expirationduration", Value::Integer(hour.into()))
        ])),
        Ok(body)
    );
    let body = SetSession::new("a".to_owned(), SessionPresence::InACall);
    assert_eq!(
        read(fields(vec![("sessionId", text("a")), ("expirationDuration", Value::Null)])),
        Ok(body)
    );
    let rows = [
        (vec![], "[SessionId]: The SessionId field is required."),
        (vec![("sessionId", Value::Null)], "[SessionId]: The SessionId field is required."),
        (
            vec![("sessionId", text("a")), ("SESSIONID", text("a"))],
            "[SessionId]: The SessionId field comes twice.",
        ),
        (
            vec![("sessionId", Value::Integer(7.into()))],
            "[SessionId]: invalid type: integer `7`, expected a string",
        ),
        (
            vec![("sessionId", text("a")), ("expirationDuration", Value::Integer(7.into()))],
            "The provided [ExpirationDuration] is out of range.",
        ),
    ];
    for (rest, message) in rows {
        assert_eq!(read(fields(rest)), Err(message.to_owned()));
    }
    let late =
        read(fields(vec![("sessionId", Value::Array(vec![Value::Null])), ("activity", Value::Null)]));
    assert!(late.is_err());
    let null = ciborium::from_reader::<Body<SetSession<String>>, _>(cbor(&Value::Null).as_slice());
    assert!(null.is_err(), "no object is an error of the format");
}

/// They are read to their end, and never taken for something else.
#[test]
fn bytes_that_are_cut_off_are_rejected() {
    for command in commands() {
        let bytes = postcard::to_allocvec(&command).unwrap();
        for length in 0..bytes.len() {
            let read = postcard::from_bytes::<Body<Command<String>>>(&bytes[..length]);
            assert!(read.is_err() || read.unwrap().check().is_err(), "{command:?} in {length} bytes");
        }
    }
    assert!(postcard::from_bytes::<Command<String>>(&[5]).is_err());
    assert!(postcard::from_bytes::<Command<String>>(&[255; 10]).is_err());
}
