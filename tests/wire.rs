//! Graph's bodies, and the forms of what is read of a model.

#![cfg(feature = "serde")]

mod common;

use std::fmt::Debug;
use std::net::IpAddr;

use common::{apply, at, prefer, set};
use presence_core::graph::{Body, BodyError, ErrorCode};
use presence_core::{
    Activity, Availability, ClearPreferred, ClearSession, Command, Outcome, PreferredExpiration,
    PreferredPresence, Presence, PresenceModel, SessionExpiration, SessionPresence, SetPreferred,
    SetSession, SignedDuration, Tick, Timestamp, timestamp,
};
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const NOT_REACHABLE: &str = "[Availability], [Activity]: invalid presence Busy/InAMeeting, expected Offline/Offline, \
                             Offline/OffWork, Away/Away, BeRightBack/BeRightBack, Available/AvailableInactive, \
                             Available/Available, Busy/Busy, Busy/InACall, Busy/InAConferenceCall, \
                             DoNotDisturb/DoNotDisturb or DoNotDisturb/Presenting";
const PHONE: &str = "22553876-f5ab-4529-bffb-cfe50aa89f87";

/// S2 to S5, S10, U1 to U5: as in the documents, to the letter.
#[test]
fn the_bodies_that_graph_documents_are_read_and_written() {
    same_body(
        r#"{"sessionId":"22553876-f5ab-4529-bffb-cfe50aa89f87","availability":"Available","activity":"Available","expirationDuration":"PT1H"}"#,
        &set(PHONE.to_owned(), SessionPresence::Available, "PT1H"),
    );
    same_body(
        r#"{"sessionId":"22553876-f5ab-4529-bffb-cfe50aa89f87"}"#,
        &ClearSession::new(PHONE.to_owned()),
    );
    same_body(
        r#"{"availability":"DoNotDisturb","activity":"DoNotDisturb","expirationDuration":"PT8H"}"#,
        &prefer(PreferredPresence::DoNotDisturb, "PT8H"),
    );
    same_body("{}", &ClearPreferred);
    same_body("{}", &Tick);
}

/// The field is the name of Graph's action.
#[test]
fn a_command_is_an_object_with_one_field() {
    let rows: [(&str, Command<String>); 5] = [
        (
            r#"{"setPresence":{"sessionId":"A","availability":"Busy","activity":"InACall","expirationDuration":"PT4H"}}"#,
            set("A".to_owned(), SessionPresence::InACall, "PT4H").into(),
        ),
        (r#"{"clearPresence":{"sessionId":"A"}}"#, ClearSession::new("A".to_owned()).into()),
        (
            r#"{"setUserPreferredPresence":{"availability":"Offline","activity":"OffWork","expirationDuration":"P7D"}}"#,
            SetPreferred::new(PreferredPresence::OffWork).into(),
        ),
        (r#"{"clearUserPreferredPresence":{}}"#, ClearPreferred.into()),
        (r#"{"tick":{}}"#, Tick.into()),
    ];
    for (text, command) in rows {
        same_body(text, &command);
    }
}

/// Graph's presence resource has an id too, which is ignored.
#[test]
fn a_presence_is_read_from_a_resource_and_written_as_a_pair() {
    let resource = r#"{"id":"fa8bf3dc-eca7-46b7-bad1-db199b62afc3","availability":"Available","activity":"Available"}"#;
    assert_eq!(read::<Presence>(resource), Ok(Presence::Available));
    for presence in Presence::ALL {
        same(&pair(*presence), presence);
    }
    for claim in SessionPresence::ALL {
        same(&pair(claim.presence()), claim);
    }
    for preferred in PreferredPresence::ALL {
        same(&pair(preferred.presence()), preferred);
    }
}

/// S5, U2
#[test]
fn a_missing_or_null_lifetime_is_the_default() {
    for rest in ["", r#","expirationDuration":null"#] {
        let text = format!(r#"{{"sessionId":"A","availability":"Away","activity":"Away"{rest}}}"#);
        let session = SetSession::new("A".to_owned(), SessionPresence::Away);
        assert_eq!(read::<SetSession<String>>(&text), Ok(session));
        for preferred in PreferredPresence::ALL {
            let text = pair(preferred.presence()).replace('}', &format!("{rest}}}"));
            assert_eq!(read::<SetPreferred>(&text), Ok(SetPreferred::new(*preferred)));
        }
    }
}

/// The order of the fields does not matter either.
#[test]
fn unknown_fields_are_ignored() {
    let text = r#"{"@odata.type":"x","activity":"Away","deep":{"availability":"Busy","list":[1,null]},"availability":"Away","sessionId":"A","SessionIds":7,"tick":{}}"#;
    assert_eq!(read_body(text), Ok(SetSession::new("A".to_owned(), SessionPresence::Away)));
    assert_eq!(read_body(text), Ok(ClearSession::new("A".to_owned())));
    assert_eq!(read_body(text), Ok(SetPreferred::new(PreferredPresence::Away)));
    assert_eq!(read_body(text), Ok(ClearPreferred));
    assert_eq!(read_body(text), Ok(Tick));
    assert_eq!(read(text), Ok(Presence::Away));
}

/// The texts are Graph's if Graph has one.
#[test]
fn an_invalid_body_is_rejected_with_these_texts() {
    let valid = json!({"sessionId": "A", "availability": "Away", "activity": "Away", "expirationDuration": "PT1H"});
    let pair = "[Availability], [Activity]: invalid presence";
    let claims = "expected Available/Available, Busy/InACall, Busy/InAConferenceCall, \
                  DoNotDisturb/Presenting or Away/Away";
    let availabilities = "expected a word such as Available, Busy or Away";
    let activities = "expected a word such as Available, InACall or Away";
    let rows = [
        ("sessionId", None, "[SessionId]: The SessionId field is required."),
        ("sessionId", Some(Value::Null), "[SessionId]: The SessionId field is required."),
        ("sessionId", Some(json!(5)), "[SessionId]: invalid type: integer `5`, expected a string"),
        ("availability", None, "[Availability]: The Availability field is required."),
        ("availability", Some(Value::Null), "[Availability]: The Availability field is required."),
        (
            "availability",
            Some(json!("Lunch")),
            &format!(r#"[Availability]: unknown availability, {availabilities}, found "Lunch""#),
        ),
        (
            "availability",
            Some(json!("")),
            &format!(r#"[Availability]: unknown availability, {availabilities}, found """#),
        ),
        ("availability", Some(json!(5)), "[Availability]: invalid type: integer `5`, expected a string"),
        ("activity", None, "[Activity]: The Activity field is required."),
        ("activity", Some(Value::Null), "[Activity]: The Activity field is required."),
        (
            "activity",
            Some(json!("Lunch\n")),
            &format!(r#"[Activity]: unknown activity, {activities}, found "Lunch\n""#),
        ),
        ("activity", Some(json!(["Away"])), "[Activity]: invalid type: sequence, expected a string"),
        ("activity", Some(json!("Busy")), &format!("{pair} Away/Busy, {claims}")),
        (
            "availability",
            Some(json!("PresenceUnknown")),
            &format!("{pair} PresenceUnknown/Away, {claims}"),
        ),
        (
            "expirationDuration",
            Some(json!("PT4M59S")),
            "The provided [ExpirationDuration] is out of range.",
        ),
        (
            "expirationDuration",
            Some(json!("-PT1H")),
            "The provided [ExpirationDuration] is out of range.",
        ),
        (
            "expirationDuration",
            Some(json!("8:00:00")),
            r#"[ExpirationDuration]: invalid duration, expected one such as PT1H30M or P1D: days are the largest unit, found "8:00:00""#,
        ),
        (
            "expirationDuration",
            Some(json!(3600)),
            "[ExpirationDuration]: invalid type: integer `3600`, expected a duration as a string",
        ),
        (
            "expirationDuration",
            Some(json!({})),
            "[ExpirationDuration]: invalid type: map, expected a duration as a string",
        ),
    ];
    assert_eq!(read(&valid.to_string()), Ok(set("A".to_owned(), SessionPresence::Away, "PT1H")));
    for (field, value, message) in rows {
        let mut body = valid.clone();
        match value {
            Some(value) => body[field] = value,
            None => drop(body.as_object_mut().unwrap().remove(field)),
        }
        assert_eq!(body_rejection::<SetSession<String>>(&body), message, "{body}");
        assert_eq!(
            body_rejection::<Command<String>>(&json!({ "setPresence": body })),
            message,
            "{body}"
        );
    }
}

#[test]
fn the_other_bodies_are_rejected_with_these_texts() {
    let missing = "[SessionId]: The SessionId field is required.";
    assert_eq!(body_rejection::<ClearSession<String>>(&json!({})), missing);
    assert_eq!(body_rejection::<ClearSession<u64>>(&json!({ "sessionId": null })), missing);
    assert_eq!(
        body_rejection::<SetPreferred>(&json!({})),
        "[Availability]: The Availability field is required."
    );
    assert_eq!(
        body_rejection::<SetPreferred>(&json!({"availability": "Busy", "activity": "InACall"})),
        "[Availability], [Activity]: invalid presence Busy/InACall, expected Available/Available, Busy/Busy, \
         DoNotDisturb/DoNotDisturb, BeRightBack/BeRightBack, Away/Away or Offline/OffWork"
    );
    for lifetime in ["PT0S", "-PT1H", "PT0.0000000001S", "P106751991167301D"] {
        let body = json!({"availability": "Busy", "activity": "Busy", "expirationDuration": lifetime});
        let message = "The provided [ExpirationDuration] is out of range.";
        assert_eq!(body_rejection::<SetPreferred>(&body), message, "{lifetime}");
    }
    assert_eq!(
        rejection::<Presence>(&json!({"availability": "Busy", "activity": "InAMeeting"})),
        NOT_REACHABLE
    );
}

/// None of the two is chosen.
#[test]
fn a_field_that_comes_twice_is_rejected() {
    let rows = [
        (r#"{"sessionId":"A","sessionId":"A","availability":"Away","activity":"Away"}"#, "SessionId"),
        (
            r#"{"sessionId":"A","availability":"Away","availability":"Busy","activity":"Away"}"#,
            "Availability",
        ),
        (r#"{"sessionId":"A","availability":"Away","activity":"Away","activity":null}"#, "Activity"),
        (
            r#"{"expirationDuration":null,"sessionId":"A","availability":"Away","activity":"Away","expirationDuration":"PT1H"}"#,
            "ExpirationDuration",
        ),
    ];
    for (text, field) in rows {
        let message = format!("[{field}]: The {field} field comes twice.");
        assert_eq!(read_body::<SetSession<String>>(text).unwrap_err(), message);
        let command = format!(r#"{{"setPresence":{text}}}"#);
        assert_eq!(read_body::<Command<String>>(&command).unwrap_err(), message);
    }
    assert_eq!(
        without_position(
            &read::<Presence>(r#"{"activity":"Away","availability":"Away","activity":"Away"}"#)
                .unwrap_err()
        ),
        "[Activity]: The Activity field comes twice."
    );
    assert_eq!(
        read_body::<ClearSession<String>>(r#"{"sessionId":"A","sessionId":"A"}"#).unwrap_err(),
        "[SessionId]: The SessionId field comes twice."
    );
}

/// Other fields are passed over, whatever they hold.
#[test]
fn a_command_is_exactly_one_known_action() {
    let object = |found: &str| format!("invalid type: {found}, expected an object");
    let none = "no command, expected one of setPresence, clearPresence, setUserPreferredPresence, \
                clearUserPreferredPresence, tick";
    let rows = [
        (r#"{"tick":null}"#, object("null")),
        (r#"{"tick":5}"#, object("integer `5`")),
        (r#"{"tick":[]}"#, object("sequence")),
        (r#"{"clearUserPreferredPresence":null}"#, object("null")),
        (r#"{"setPresence":null}"#, object("null")),
        (r#"{"setPresence":"Away"}"#, object("string \"Away\"")),
        (r#""tick""#, object("string \"tick\"")),
        ("null", object("null")),
        ("[]", object("sequence")),
        ("5", object("integer `5`")),
        ("true", object("boolean `true`")),
        ("{}", none.to_owned()),
        (r#"{"SetSession":{}}"#, none.to_owned()),
        (r#"{"sessionId":"A"}"#, none.to_owned()),
        (
            r#"{"tick":{},"clearUserPreferredPresence":{}}"#,
            "[ClearUserPreferredPresence]: more than one command".to_owned(),
        ),
        (r#"{"tick":{},"tick":{}}"#, "[Tick]: more than one command".to_owned()),
        (r#"{"tick":{},"TICK":5}"#, "[Tick]: more than one command".to_owned()),
        (r#"{"tick":null,"TICK":{}}"#, "[Tick]: more than one command".to_owned()),
    ];
    for (text, message) in rows {
        assert_eq!(read_body::<Command<String>>(text).unwrap_err(), message, "{text}");
    }
    let text = r#"{"at":1e999,"lunch":{"tick":{}},"tick":{"x":[]},"user":"ana"}"#;
    assert_eq!(read_body::<Command<String>>(text), Ok(Tick.into()));
}

/// A command is flattened into the line of a log, in which other fields stand beside it.
#[test]
fn a_command_can_be_flattened_into_an_envelope() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Line<C> {
        #[serde(with = "timestamp")]
        at: Timestamp,
        #[serde(flatten)]
        command: C,
    }
    let text = r#"{"at":"2026-11-20T09:05:00Z","clearPresence":{"sessionId":"A"}}"#;
    let command = Command::from(ClearSession::new("A".to_owned()));
    same(text, &Line { at: at("09:05"), command: command.clone() });
    let text = r#"{"more":1,"CLEARPRESENCE":{"SessionId":"A"},"at":"2026-11-20T09:05:00Z"}"#;
    assert_eq!(
        read::<Line<Command<String>>>(text),
        Ok(Line { at: at("09:05"), command: command.clone() })
    );
    let line: Line<Body<Command<String>>> = serde_json::from_str(text).unwrap();
    assert_eq!(line.command.check(), Ok(command));
    let text = r#"{"CLEARPRESENCE":{"SessionId":[]},"at":"2026-11-20T09:05:00Z"}"#;
    let line: Line<Body<Command<String>>> = serde_json::from_str(text).unwrap();
    assert_eq!(
        line.command.check().unwrap_err().to_string(),
        "[SessionId]: invalid type: sequence, expected a string"
    );
}

/// S4, U1: every pair of words is checked by the constructors.
#[test]
fn a_pair_is_read_if_its_type_accepts_it() {
    for availability in Availability::ALL {
        for activity in Activity::ALL {
            let pair = (*availability, *activity);
            let body = json!({"sessionId": "A", "availability": availability, "activity": activity});
            let claim = SessionPresence::try_from(pair).ok();
            let preferred = PreferredPresence::try_from(pair).ok();
            assert_eq!(read_value::<Presence>(&body), Presence::try_from(pair).ok());
            assert_eq!(read_value::<SessionPresence>(&body), claim);
            assert_eq!(read_value::<PreferredPresence>(&body), preferred);
            assert_eq!(read_value(&body), claim.map(|claim| SetSession::new("A".to_owned(), claim)));
            assert_eq!(read_value(&body), preferred.map(SetPreferred::new));

            let list = json!(["A", availability, activity, null]);
            assert_eq!(read_value::<SetSession<String>>(&list), None);
            let list = json!([availability, activity, null]);
            assert_eq!(read_value::<SetPreferred>(&list), None);
        }
    }
}

/// S5, U3: every lifetime is checked by the constructors.
#[test]
fn a_lifetime_is_read_if_its_type_accepts_it() {
    let texts = [
        "PT0S",
        "PT0.000000001S",
        "PT4M59.999999999S",
        "PT5M",
        "PT4H",
        "PT4H0.000000001S",
        "P999D",
        "-P1D",
        "P",
    ];
    for text in texts {
        assert_eq!(read_value::<SessionExpiration>(&json!(text)), text.parse().ok(), "{text}");
        assert_eq!(read_value::<PreferredExpiration>(&json!(text)), text.parse().ok(), "{text}");
    }
    for other in
        [json!(300), json!(300.5), json!([300, 0]), json!({"secs": 300, "nanos": 0}), json!(null)]
    {
        assert_eq!(read_value::<SessionExpiration>(&other), None, "{other}");
        assert_eq!(read_value::<PreferredExpiration>(&other), None, "{other}");
    }
}

/// S3: field names, words and ids.
#[test]
fn escaped_strings_are_read() {
    let text = r#"{"session\u0049d":"a\u00e9\n\"\ud83d\ude00","availability":"\u0041way","activity":"Awa\u0079","expirationDuration":"PT\u0031H"}"#;
    let body = set("a\u{e9}\n\"\u{1f600}".to_owned(), SessionPresence::Away, "PT1H");
    assert_eq!(read_body(text), Ok(body.clone()));
    assert_eq!(read_body(&serde_json::to_string(&body).unwrap()), Ok(body));
}

/// S3: the empty text is a session id like any other.
#[test]
fn ids_of_any_type_are_read_and_written() {
    same_body(r#"{"sessionId":""}"#, &ClearSession::new(String::new()));
    same_body(r#"{"sessionId":["phone",7]}"#, &ClearSession::new(("phone".to_owned(), 7_u8)));
    same_body(r#"{"clearPresence":{"sessionId":-1}}"#, &Command::from(ClearSession::new(-1_i64)));
    same_body(r#"{"sessionId":18446744073709551615}"#, &ClearSession::new(u64::MAX));
    same_body(r#"{"sessionId":7}"#, &ClearSession::new(Number(7)));
    let device = NumberedDevice { device: "phone".to_owned(), number: 7 };
    same_body(r#"{"sessionId":{"device":"phone","number":7}}"#, &ClearSession::new(device));
    same_body(r#"{"sessionId":"Phone"}"#, &ClearSession::new(Device::Phone));
    same_body(r#"{"sessionId":{"Bot":7}}"#, &ClearSession::new(Device::Bot(7)));
    same_body(r#"{"sessionId":{"Room":[1,"A"]}}"#, &ClearSession::new(Device::Room(1, 'A')));
    same_body(r#"{"sessionId":{"Desk":{"number":7}}}"#, &ClearSession::new(Device::Desk { number: 7 }));
}

/// The first 64 characters.
#[test]
fn an_error_quotes_a_long_text_in_part() {
    for character in ["x", "\u{e9}", "\u{1f600}"] {
        let (whole, long) = (character.repeat(64), character.repeat(10_000));
        let quotes = [format!(r#""{whole}""#), format!(r#""{whole}"..."#), format!(r#""{whole}"..."#)];
        for (text, quote) in [whole.clone(), format!("{whole}{character}"), long].iter().zip(quotes) {
            let text = json!(text);
            assert_eq!(
                rejection::<Availability>(&text),
                format!(
                    "unknown availability, expected a word such as Available, Busy or Away, found {quote}"
                )
            );
            assert_eq!(
                rejection::<Activity>(&text),
                format!(
                    "unknown activity, expected a word such as Available, InACall or Away, found {quote}"
                )
            );
            let malformed = format!(
                "invalid duration, expected one such as PT1H30M or P1D: days are the largest unit, found {quote}"
            );
            assert_eq!(rejection::<SessionExpiration>(&text), malformed);
            assert_eq!(rejection::<PreferredExpiration>(&text), malformed);
            let timestamp =
                format!("invalid timestamp, expected one such as 2026-11-20T09:00:00Z, found {quote}");
            assert_eq!(rejection::<Logged>(&json!({ "at": text })), timestamp);
        }
    }
}

/// An entry of a log.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Logged {
    #[serde(with = "timestamp")]
    at: Timestamp,
}

/// T6
#[test]
fn a_timestamp_is_read_and_written_as_a_string() {
    same(r#"{"at":"2026-11-20T09:05:00Z"}"#, &Logged { at: at("09:05") });
    let late = at("09:05") + SignedDuration::milliseconds(250);
    same(r#"{"at":"2026-11-20T09:05:00.25Z"}"#, &Logged { at: late });
    assert_eq!(
        rejection::<Logged>(&json!({"at": 1_795_165_500})),
        "invalid type: integer `1795165500`, expected a timestamp as a string"
    );
    assert_eq!(
        rejection::<Logged>(&json!({"at": "2026-11-20T09:05:00"})),
        r#"invalid timestamp, expected one such as 2026-11-20T09:00:00Z, found "2026-11-20T09:05:00""#
    );
}

/// T3: the form of a forecast.
#[test]
fn a_change_is_serialized() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Available, "PT7M0.5S"), at("09:00"));
    let changes: Vec<_> = user.forecast(at("09:00")).collect();
    assert_eq!(
        serde_json::to_string(&changes).unwrap(),
        r#"[{"at":"2026-11-20T09:05:00Z","availability":"Available","activity":"AvailableInactive"},{"at":"2026-11-20T09:07:00.5Z","availability":"Offline","activity":"Offline"}]"#
    );
}

/// S4, S5, U1, U3: in JSON and in a compact format.
#[test]
fn every_body_survives_its_text_and_its_bytes() {
    for claim in SessionPresence::ALL {
        for lifetime in ["PT5M", "PT1H0.000000001S", "PT4H"] {
            survives(&set("A".to_owned(), *claim, lifetime));
            survives(&Command::from(set(7_u64, *claim, lifetime)));
        }
    }
    for preferred in PreferredPresence::ALL {
        for lifetime in ["PT0.000000001S", "P30D", "P106751991167300DT15H30M7.999999999S"] {
            survives(&prefer(*preferred, lifetime));
            survives(&Command::<u64>::from(prefer(*preferred, lifetime)));
        }
    }
}

fn survives<T>(value: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
    Body<T>: DeserializeOwned,
{
    same_body(&serde_json::to_string(value).unwrap(), value);
    assert_eq!(postcard::from_bytes::<T>(&postcard::to_allocvec(value).unwrap()).as_ref(), Ok(value));
}

/// However many bytes fit.
#[test]
fn serializing_passes_the_errors_of_the_writer_on() {
    let mut ana = PresenceModel::new();
    let _ = apply(&mut ana, prefer(PreferredPresence::Busy, "PT8H"), at("09:00"));
    assert_errors_are_passed_on(&ana.explain(at("09:00")));
    let _ = apply(&mut ana, set("phone", SessionPresence::Available, "PT1H"), at("09:00"));
    assert_errors_are_passed_on(&ana.explain(at("09:00")));
    let _ = apply(&mut ana, ClearPreferred, at("09:00"));
    assert_errors_are_passed_on(&ana.explain(at("09:00")));
    assert_errors_are_passed_on(&ana.forecast(at("09:00")).collect::<Vec<_>>());
    assert_errors_are_passed_on(&ana);
}

fn assert_errors_are_passed_on<T: Serialize>(value: &T) {
    let mut room = serde_json::to_vec(value).unwrap();
    for length in 0..room.len() {
        assert!(serde_json::to_writer(&mut room[..length], value).is_err());
    }
    assert!(serde_json::to_writer(room.as_mut_slice(), value).is_ok());
}

/// T3
#[test]
fn an_outcome_is_read_and_written() {
    let mut user = PresenceModel::new();
    let outcome = user.apply(set("A", SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    same(
        r#"{"previous":{"availability":"Offline","activity":"Offline"},"current":{"availability":"Busy","activity":"InACall"}}"#,
        &outcome,
    );
    for previous in Presence::ALL {
        for current in Presence::ALL {
            let text = format!(r#"{{"previous":{},"current":{}}}"#, pair(*previous), pair(*current));
            let outcome: Outcome = serde_json::from_str(&text).unwrap();
            assert_eq!((outcome.previous, outcome.current), (*previous, *current));
            assert_eq!(outcome.changed(), (previous != current).then_some(*current));
            assert_eq!(serde_json::to_string(&outcome).unwrap(), text);
            let bytes = postcard::to_allocvec(&outcome).unwrap();
            assert_eq!(postcard::from_bytes(&bytes), Ok(outcome));
        }
    }
    let away = json!({"availability": "Away", "activity": "Away"});
    let meeting = json!({"availability": "Busy", "activity": "InAMeeting"});
    assert_eq!(rejection::<Outcome>(&json!({ "previous": away })), "missing field `current`");
    assert_eq!(rejection::<Outcome>(&json!({ "previous": away, "current": meeting })), NOT_REACHABLE);
}

/// Bodies are objects: a list of the values of their fields is no body.
#[test]
fn only_an_object_is_a_body() {
    fn assert_rejected(list: &Value, rejection: fn(&Value) -> String) {
        let rows = [
            (list, "sequence"),
            (&json!([]), "sequence"),
            (&json!([[[[{}]]]]), "sequence"),
            (&json!(null), "null"),
            (&json!(true), "boolean `true`"),
            (&json!(5), "integer `5`"),
            (&json!(-5), "integer `-5`"),
            (&json!(0.5), "floating point `0.5`"),
            (&json!("Away"), "string \"Away\""),
        ];
        for (value, found) in rows {
            let message = format!("invalid type: {found}, expected an object");
            assert_eq!(rejection(value), message, "{value}");
        }
    }
    assert_rejected(&json!(["A", "Away", "Away", null]), body_rejection::<SetSession<String>>);
    assert_rejected(&json!(["A"]), body_rejection::<ClearSession<String>>);
    assert_rejected(&json!(["Away", "Away", null]), body_rejection::<SetPreferred>);
    assert_rejected(&json!([]), body_rejection::<ClearPreferred>);
    assert_rejected(&json!([]), body_rejection::<Tick>);
    assert_rejected(&json!(["Away", "Away"]), rejection::<Presence>);
    assert_rejected(&json!(["Away", "Away"]), rejection::<SessionPresence>);
    assert_rejected(&json!(["Away", "Away"]), rejection::<PreferredPresence>);
}

/// Values of every JSON type, of the right type and of others.
const VALUES: [&str; 26] = [
    r#""A""#,
    r#""Away""#,
    r#""PT1H""#,
    r#""""#,
    r#""\u0041way""#,
    r#""\ud83d\ude00""#,
    "0",
    "5",
    "-5",
    "300",
    "1.5",
    "-0.0",
    "18446744073709551615",
    "-9223372036854775808",
    "true",
    "null",
    "[]",
    "[1]",
    r#"["phone",7]"#,
    "[[[[{}]]]]",
    "{}",
    r#"{"device":"phone","number":7}"#,
    r#"{"device":"phone","device":"phone"}"#,
    r#"{"A":{"A":[null]}}"#,
    r#"{"sessionId":"A"}"#,
    r#"{"availability":"Away","activity":"Away"}"#,
];

/// [`read_body`] compares: the same value, or the same text of the error.
#[test]
fn a_body_is_read_like_its_type() {
    fn read_all<S>(fields: &str)
    where
        S: DeserializeOwned + PartialEq + Debug,
    {
        let _ = read_body::<SetSession<S>>(fields);
        let _ = read_body::<ClearSession<S>>(fields);
        let _ = read_body::<Command<S>>(&format!(r#"{{"setPresence":{fields}}}"#));
        let _ = read_body::<Command<S>>(&format!(r#"{{"clearPresence":{fields}}}"#));
    }
    for value in VALUES {
        let bodies = [
            value.to_owned(),
            format!(r#"{{"sessionId":{value}}}"#),
            format!(r#"{{"sessionId":{value},"sessionId":{value}}}"#),
            format!(r#"{{"sessionId":{value},"availability":"Away","activity":"Away"}}"#),
            format!(r#"{{"sessionId":"A","availability":{value},"activity":"Away"}}"#),
            format!(r#"{{"availability":"Away","activity":{value},"sessionId":7}}"#),
            format!(
                r#"{{"sessionId":"A","availability":"Away","activity":"Away","expirationDuration":{value}}}"#
            ),
            format!(r#"{{"unknown":{value},"sessionId":7}}"#),
        ];
        for body in &bodies {
            read_all::<String>(body);
            read_all::<u64>(body);
            read_all::<i64>(body);
            read_all::<u8>(body);
            read_all::<f64>(body);
            read_all::<bool>(body);
            read_all::<char>(body);
            read_all::<()>(body);
            read_all::<Option<String>>(body);
            read_all::<Vec<u8>>(body);
            read_all::<(String, u8)>(body);
            read_all::<Number>(body);
            read_all::<NumberedDevice>(body);
            read_all::<Nameless>(body);
            let _ = read_body::<SetPreferred>(body);
            let _ = read_body::<Command<String>>(&format!(r#"{{"setUserPreferredPresence":{body}}}"#));
            let _ = read_body::<ClearPreferred>(body);
            let _ = read_body::<Command<String>>(&format!(r#"{{"clearUserPreferredPresence":{body}}}"#));
            let _ = read_body::<Tick>(body);
            let _ = read_body::<Command<String>>(&format!(r#"{{"tick":{body}}}"#));
        }
    }
}

/// An enum is a text, or an object with one field. JSON has a text of its own for other types.
#[test]
fn a_session_id_can_be_an_enum_in_a_body() {
    let read = |id: &str| {
        let text = format!(r#"{{"sessionId":{id}}}"#);
        let body: Body<ClearSession<Device>> = serde_json::from_str(&text).unwrap();
        let direct = serde_json::from_str::<ClearSession<Device>>(&text).ok();
        let checked = body.check();
        assert_eq!(checked.as_ref().ok(), direct.as_ref(), "{text}");
        checked.map(|body| body.session_id).map_err(|error| error.to_string())
    };
    let unknown = "[SessionId]: unknown variant `Fax`, expected one of `Phone`, `Bot`, `Room`, `Desk`";
    let no_variant = |found| format!("[SessionId]: invalid type: {found}, expected enum Device");
    let not_one_field = "[SessionId]: invalid length, expected 1 fewer";
    let rows = [
        (r#""Phone""#, Ok(Device::Phone)),
        (r#""\u0050hone""#, Ok(Device::Phone)),
        (r#"{"Phone":null}"#, Ok(Device::Phone)),
        (r#"{"Bot":7}"#, Ok(Device::Bot(7))),
        (r#"{"Room":[1,"A"]}"#, Ok(Device::Room(1, 'A'))),
        (r#"{"Desk":{"number":7}}"#, Ok(Device::Desk { number: 7 })),
        (r#""Fax""#, Err(unknown)),
        (r#"{"Fax":1}"#, Err(unknown)),
        (r#"{"Bot":256}"#, Err("[SessionId]: invalid value: integer `256`, expected u8")),
        (r#"{"Bot":null}"#, Err("[SessionId]: invalid type: null, expected u8")),
        (r#"{"Desk":{}}"#, Err("[SessionId]: missing field `number`")),
        (
            r#"{"Room":[1]}"#,
            Err("[SessionId]: invalid length 1, expected tuple variant Device::Room with 2 elements"),
        ),
        ("{}", Err("[SessionId]: invalid type: map, expected enum")),
        (r#"{"Bot":7,"Phone":null}"#, Err(not_one_field)),
        ("5", Err(&no_variant("integer `5`"))),
        ("[]", Err(&no_variant("sequence"))),
        ("null", Err("[SessionId]: The SessionId field is required.")),
    ];
    for (id, expected) in rows {
        assert_eq!(read(id), expected.map_err(str::to_owned), "{id}");
    }
}

/// A text without escapes can be borrowed, with and without a body.
#[test]
fn a_session_id_can_be_borrowed() {
    let text = r#"{"sessionId":"A","availability":"Away","activity":"Away"}"#;
    let expected = SetSession::new("A", SessionPresence::Away);
    assert_eq!(serde_json::from_str::<SetSession<&str>>(text).unwrap(), expected);
    assert_eq!(serde_json::from_str::<Body<SetSession<&str>>>(text).unwrap().check(), Ok(expected));
    let command = format!(r#"{{"setPresence":{text}}}"#);
    let body: Body<Command<&str>> = serde_json::from_str(&command).unwrap();
    assert_eq!(body.check(), Ok(expected.into()));

    let escaped = r#"{"sessionId":"\u0041"}"#;
    let message = "[SessionId]: invalid type: string \"A\", expected a borrowed string";
    let located = serde_json::from_str::<ClearSession<&str>>(escaped).unwrap_err().to_string();
    assert_eq!(without_position(&located), message);
    let body: Body<ClearSession<&str>> = serde_json::from_str(escaped).unwrap();
    assert_eq!(body.check().unwrap_err().to_string(), message);
}

/// An address of the internet is a text in JSON, and bytes in compact formats.
#[test]
fn an_id_knows_whether_the_format_is_read_by_people() {
    let address = IpAddr::from([10, 0, 0, 1]);
    same_body(r#"{"sessionId":"10.0.0.1"}"#, &ClearSession::new(address));
    let text = r#"{"sessionId":"10.0.0.256"}"#;
    assert_eq!(
        read_body::<ClearSession<IpAddr>>(text).unwrap_err(),
        "[SessionId]: invalid IP address syntax"
    );
}

/// Also of 128 bits. JSON must be told of them before it reads them, so it rejects a text in their place.
#[test]
fn ids_of_any_width_are_read() {
    let text = r#"{"sessionId":340282366920938463463374607431768211455}"#;
    same_body(text, &ClearSession::new(u128::MAX));
    same_body(
        r#"{"sessionId":-170141183460469231731687303715884105728}"#,
        &ClearSession::new(i128::MIN),
    );
    same_body(r#"{"sessionId":7}"#, &ClearSession::new(7_u128));
    for text in [r#"{"sessionId":"7"}"#, r#"{"sessionId":[]}"#] {
        assert!(serde_json::from_str::<Body<ClearSession<u128>>>(text).is_err());
    }
    let text = r#"{"sessionId":null}"#;
    let missing = "[SessionId]: The SessionId field is required.";
    assert_eq!(read_body::<ClearSession<u128>>(text).unwrap_err(), missing);

    let text = r#"{"sessionId":18446744073709551616}"#;
    assert_eq!(
        read_body::<ClearSession<u64>>(text).unwrap_err(),
        "[SessionId]: invalid type: floating point `18446744073709552000.0`, expected u64"
    );
}

/// Also if a rule is broken before the text ends.
#[test]
fn invalid_json_is_an_error_of_the_format() {
    let texts = [
        "",
        " ",
        "{",
        "}",
        "nul",
        "[1,2",
        r#""Away"#,
        "{'tick':{}}",
        "{tick:{}}",
        r#"{"tick":{}"#,
        r#"{"tick":{},}"#,
        r#"{"tick":{}} {"tick":{}}"#,
        r#"{"sessionId":null"#,
        r#"{"sessionId":null,"availability":}"#,
        "{\"sessionId\":\"\n\"}",
        r#"{"sessionId":"\x41"}"#,
        r#"{"sessionId":01}"#,
        r#"{"unknown":01}"#,
    ];
    for text in texts {
        let errors = [
            serde_json::from_str::<Body<Command<String>>>(text).err(),
            serde_json::from_str::<Body<SetSession<String>>>(text).err(),
            serde_json::from_str::<Body<ClearPreferred>>(text).err(),
            serde_json::from_str::<Body<Tick>>(text).err(),
        ];
        for error in errors {
            let error = error.unwrap_or_else(|| panic!("{text} was read"));
            assert!(error.is_syntax() || error.is_eof(), "{text}: {error}");
        }
    }
    assert!(serde_json::from_slice::<Body<Tick>>(b"{\"\xff\":0}").is_err());
}

/// A number, a text and a depth that JSON allows and `serde_json` does not read.
#[test]
fn unknown_fields_are_ignored_whatever_they_hold() {
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    for value in ["1e999", r#""\ud800""#, &deep] {
        let body = format!(
            r#"{{"unknown":{value},"sessionId":"A","Activities":{value},"availability":"Away","activity":"Away"}}"#
        );
        assert_eq!(read_body(&body), Ok(SetSession::new("A".to_owned(), SessionPresence::Away)));
        assert_eq!(read_body(&body), Ok(ClearSession::new("A".to_owned())));
        assert_eq!(read_body(&body), Ok(SetPreferred::new(PreferredPresence::Away)));
        assert_eq!(read_body(&body), Ok(ClearPreferred));
        let command = format!(r#"{{"clearPresence":{body}}}"#);
        assert_eq!(read_body(&command), Ok(Command::from(ClearSession::new("A".to_owned()))));

        let known = format!(r#"{{"sessionId":{value}}}"#);
        assert!(serde_json::from_str::<ClearSession<String>>(&known).is_err());
        let body = serde_json::from_str::<Body<ClearSession<String>>>(&known);
        assert!(body.is_err() || body.unwrap().check().is_err());
    }
}

/// Some formats, such as CBOR by `ciborium`, read a null as `None` and not as a unit.
#[test]
fn a_null_of_any_format_is_read_in_a_body() {
    let fields = [
        ("sessionId", Nullable(Some("A"))),
        ("availability", Nullable(Some("Away"))),
        ("activity", Nullable(Some("Away"))),
        ("expirationDuration", Nullable(None)),
    ];
    let expected = SetSession::new("A".to_owned(), SessionPresence::Away);
    let direct = SetSession::deserialize(MapDeserializer::new(fields.into_iter()));
    assert_eq!(direct.as_ref(), Ok(&expected));
    let body = Body::<SetSession<String>>::deserialize(MapDeserializer::new(fields.into_iter()));
    assert_eq!(body.unwrap().check(), Ok(expected));
}

/// A text or a null that is `None`.
#[derive(Clone, Copy)]
struct Nullable(Option<&'static str>);

impl<'de> Deserializer<'de> for Nullable {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Some(text) => visitor.visit_borrowed_str(text),
            None => visitor.visit_none(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Some(_) => visitor.visit_some(self),
            None => visitor.visit_none(),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_> for Nullable {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// S5, S11
#[test]
fn an_error_of_a_body_has_a_code_and_a_status() {
    let text =
        r#"{"sessionId":"A","availability":"Away","activity":"Away","expirationDuration":"PT1M"}"#;
    let body: Body<SetSession<String>> = serde_json::from_str(text).unwrap();
    let error: BodyError = body.clone().check().unwrap_err();
    assert_eq!(error.to_string(), "The provided [ExpirationDuration] is out of range.");
    assert_eq!((error.code(), error.status()), (ErrorCode::InvalidArgument, 400));
    assert!(std::error::Error::source(&error).is_none());
    assert_eq!(body.check(), Err(error));
}

/// A session id with one field and no name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Number(u64);

/// A session id without a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Nameless;

/// A session id with two fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct NumberedDevice {
    device: String,
    number: u8,
}

/// A session id that is one of several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Device {
    Phone,
    Bot(u8),
    Room(u8, char),
    Desk { number: u8 },
}

/// Returns the form of a pair.
fn pair(presence: Presence) -> String {
    let (availability, activity) = (presence.availability(), presence.activity());
    format!(r#"{{"availability":"{availability}","activity":"{activity}"}}"#)
}

/// Checks that a value has this text and no other, in every way to read one.
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str, value: &T) {
    assert_eq!(serde_json::to_string(value).unwrap(), text);
    assert_eq!(read::<T>(text).as_ref(), Ok(value), "{text}");
}

/// Checks that a body has this text and no other, in every way to read one.
fn same_body<T>(text: &str, value: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
    Body<T>: DeserializeOwned,
{
    same(text, value);
    assert_eq!(read_body::<T>(text).as_ref(), Ok(value), "{text}");
}

/// Reads JSON as a string, as bytes and as a stream, which must agree.
fn read<T: DeserializeOwned + PartialEq + Debug>(text: &str) -> Result<T, String> {
    let message = |error: serde_json::Error| error.to_string();
    let read = serde_json::from_str::<T>(text).map_err(message);
    assert_eq!(serde_json::from_slice(text.as_bytes()).map_err(message), read, "{text}");
    assert_eq!(serde_json::from_reader(text.as_bytes()).ok().as_ref(), read.as_ref().ok(), "{text}");
    read
}

/// Reads JSON with and without [`Body`], which must agree, in the text of the error too. Only the text
/// without `Body` has a position.
fn read_body<T>(text: &str) -> Result<T, String>
where
    T: DeserializeOwned + PartialEq + Debug,
    Body<T>: DeserializeOwned,
{
    let direct = read::<T>(text).map_err(|located| without_position(&located).to_owned());
    let bodies: [Body<T>; 3] = [
        serde_json::from_str(text).unwrap(),
        serde_json::from_slice(text.as_bytes()).unwrap(),
        serde_json::from_reader(text.as_bytes()).unwrap(),
    ];
    for body in bodies {
        assert_eq!(body.check().map_err(|error| error.to_string()), direct, "{text}");
    }
    direct
}

fn without_position(message: &str) -> &str {
    message.split(" at line 1 column ").next().unwrap_or_default()
}

fn read_value<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

/// Returns the text of the error of a value that is rejected, as a value and as a text.
fn rejection<T: DeserializeOwned + PartialEq + Debug>(value: &Value) -> String {
    let message = serde_json::from_value::<T>(value.clone()).unwrap_err().to_string();
    let located = read::<T>(&value.to_string()).unwrap_err();
    assert_eq!(without_position(&located), message, "{value}");
    message
}

/// Returns the text of the error of a body that is rejected, as a value and as a text.
fn body_rejection<T>(value: &Value) -> String
where
    T: DeserializeOwned + PartialEq + Debug,
    Body<T>: DeserializeOwned,
{
    let message = rejection::<T>(value);
    assert_eq!(read_body::<T>(&value.to_string()).unwrap_err(), message, "{value}");
    message
}
