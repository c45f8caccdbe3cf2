//! Graph's bodies, written and read.

#![cfg(feature = "serde")]

mod common;

use std::fmt::Debug;

use common::{at, obey, prefer, set};
use presence_core::{
    Activity, Availability, ClearPreferred, ClearSession, Command, PreferredExpiration,
    PreferredPresence, Presence, PresenceModel, SessionExpiration, SessionPresence, SetPreferred,
    SetSession, SignedDuration, Tick, Timestamp, rfc3339,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const PHONE: &str = "22553876-f5ab-4529-bffb-cfe50aa89f87";

/// S2 to S5, S10, U1 to U5: to the letter, written and read.
#[test]
fn the_bodies_that_graph_documents_are_read_and_written() {
    same(
        r#"{"sessionId":"22553876-f5ab-4529-bffb-cfe50aa89f87","availability":"Available","activity":"Available","expirationDuration":"PT1H"}"#,
        &set(PHONE.to_owned(), SessionPresence::Available, "PT1H"),
    );
    same(
        r#"{"sessionId":"22553876-f5ab-4529-bffb-cfe50aa89f87"}"#,
        &ClearSession::new(PHONE.to_owned()),
    );
    same(
        r#"{"availability":"DoNotDisturb","activity":"DoNotDisturb","expirationDuration":"PT8H"}"#,
        &prefer(PreferredPresence::DoNotDisturb, "PT8H"),
    );
    same("{}", &ClearPreferred);
    same("{}", &Tick);
}

/// The command names are Graph's actions.
#[test]
fn a_command_is_an_object_of_one_field() {
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
        same(text, &command);
    }
}

/// The bodies' table: a presence as Graph returns it has an id, which is ignored.
#[test]
fn a_presence_is_read_from_a_resource_and_written_as_a_pair() {
    let resource = r#"{"id":"fa8bf3dc-eca7-46b7-bad1-db199b62afc3","availability":"Available","activity":"Available"}"#;
    assert_eq!(read::<Presence>(resource), Ok(Presence::Available));
    for presence in Presence::ALL {
        let (availability, activity) = (presence.availability(), presence.activity());
        same(&format!(r#"{{"availability":"{availability}","activity":"{activity}"}}"#), &presence);
    }
    same(r#"{"availability":"Busy","activity":"InACall"}"#, &SessionPresence::InACall);
    same(r#"{"availability":"Offline","activity":"OffWork"}"#, &PreferredPresence::OffWork);
}

/// S5, U2: a lifetime that is missing or null is the default.
#[test]
fn a_lifetime_can_be_missing_or_null() {
    for rest in ["", r#","expirationDuration":null"#] {
        let text = format!(r#"{{"sessionId":"A","availability":"Away","activity":"Away"{rest}}}"#);
        let session = SetSession::new("A".to_owned(), SessionPresence::Away);
        assert_eq!(read::<SetSession<String>>(&text), Ok(session));
        for preferred in PreferredPresence::ALL {
            let presence = Presence::from(preferred);
            let (availability, activity) = (presence.availability(), presence.activity());
            let text = format!(r#"{{"availability":"{availability}","activity":"{activity}"{rest}}}"#);
            assert_eq!(read::<SetPreferred>(&text), Ok(SetPreferred::new(preferred)));
        }
    }
}

/// The bodies' table: what is not known is ignored, wherever it stands; so is the order of fields.
#[test]
fn unknown_fields_are_ignored() {
    let text = r#"{"@odata.type":"x","activity":"Away","deep":{"availability":"Busy","list":[1,null]},"availability":"Away","sessionId":"A","SessionId":7,"tick":{}}"#;
    assert_eq!(read(text), Ok(SetSession::new("A".to_owned(), SessionPresence::Away)));
    assert_eq!(read(text), Ok(ClearSession::new("A".to_owned())));
    assert_eq!(read(text), Ok(SetPreferred::new(PreferredPresence::Away)));
    assert_eq!(read(text), Ok(ClearPreferred));
    assert_eq!(read(text), Ok(Tick));
    assert_eq!(read(text), Ok(Presence::Away));
}

/// The errors' table: Graph's words where Graph has them.
#[test]
fn a_wrong_body_is_refused_in_these_words() {
    let good = json!({"sessionId": "A", "availability": "Away", "activity": "Away", "expirationDuration": "PT1H"});
    let session_only = "only to Available/Available, Busy/InACall, Busy/InAConferenceCall, \
                        DoNotDisturb/Presenting or Away/Away";
    let rows = [
        ("sessionId", None, "[SessionId]: The SessionId field is required."),
        ("sessionId", Some(Value::Null), "[SessionId]: The SessionId field is required."),
        ("sessionId", Some(json!(5)), "[SessionId]: invalid type: integer `5`, expected a string"),
        ("availability", None, "[Availability]: The Availability field is required."),
        ("availability", Some(Value::Null), "[Availability]: The Availability field is required."),
        ("availability", Some(json!("away")), r#"unknown availability: "away""#),
        ("availability", Some(json!("")), r#"unknown availability: """#),
        (
            "availability",
            Some(json!(5)),
            "invalid type: integer `5`, expected the [Availability] as a string",
        ),
        ("activity", None, "[Activity]: The Activity field is required."),
        ("activity", Some(Value::Null), "[Activity]: The Activity field is required."),
        ("activity", Some(json!("Lunch\n")), r#"unknown activity: "Lunch\n""#),
        (
            "activity",
            Some(json!(["Away"])),
            "invalid type: sequence, expected the [Activity] as a string",
        ),
        (
            "activity",
            Some(json!("Busy")),
            &format!("a session cannot be set to Away/Busy, {session_only}"),
        ),
        (
            "availability",
            Some(json!("PresenceUnknown")),
            &format!("a session cannot be set to PresenceUnknown/Away, {session_only}"),
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
            r#"malformed [ExpirationDuration], want one like PT1H30M or P1D: "8:00:00""#,
        ),
        (
            "expirationDuration",
            Some(json!(3600)),
            "invalid type: integer `3600`, expected the [ExpirationDuration] as a string",
        ),
        (
            "expirationDuration",
            Some(json!({})),
            "invalid type: map, expected the [ExpirationDuration] as a string",
        ),
    ];
    assert_eq!(read(&good.to_string()), Ok(set("A".to_owned(), SessionPresence::Away, "PT1H")));
    for (field, value, message) in rows {
        let mut body = good.clone();
        match value {
            Some(value) => body[field] = value,
            None => drop(body.as_object_mut().unwrap().remove(field)),
        }
        assert_eq!(refusal::<SetSession<String>>(&body), message, "{body}");
        assert_eq!(refusal::<Command<String>>(&json!({ "setPresence": body })), message, "{body}");
    }
}

/// The errors' table, for the other bodies.
#[test]
fn a_wrong_body_of_another_kind_is_refused_likewise() {
    let missing = "[SessionId]: The SessionId field is required.";
    assert_eq!(refusal::<ClearSession<String>>(&json!({})), missing);
    assert_eq!(refusal::<ClearSession<u64>>(&json!({ "sessionId": null })), missing);
    assert_eq!(
        refusal::<SetPreferred>(&json!({})),
        "[Availability]: The Availability field is required."
    );
    assert_eq!(
        refusal::<SetPreferred>(&json!({"availability": "Busy", "activity": "InACall"})),
        "Busy/InACall cannot be preferred, only Available/Available, Busy/Busy, \
         DoNotDisturb/DoNotDisturb, BeRightBack/BeRightBack, Away/Away or Offline/OffWork"
    );
    for lifetime in ["PT0S", "-PT1H", "PT0.0000000001S", "P106751991167301D"] {
        let body = json!({"availability": "Busy", "activity": "Busy", "expirationDuration": lifetime});
        let message = "The provided [ExpirationDuration] is out of range.";
        assert_eq!(refusal::<SetPreferred>(&body), message, "{lifetime}");
    }
    assert_eq!(
        refusal::<Presence>(&json!({"availability": "Busy", "activity": "InAMeeting"})),
        "Busy/InAMeeting is not a presence that this machine can reach"
    );
}

/// A field that comes twice is an error, not a choice between the two.
#[test]
fn a_field_can_not_come_twice() {
    let rows = [
        (r#"{"sessionId":"A","sessionId":"A","availability":"Away","activity":"Away"}"#, "sessionId"),
        (
            r#"{"sessionId":"A","availability":"Away","availability":"Busy","activity":"Away"}"#,
            "availability",
        ),
        (r#"{"sessionId":"A","availability":"Away","activity":"Away","activity":null}"#, "activity"),
        (
            r#"{"expirationDuration":null,"sessionId":"A","availability":"Away","activity":"Away","expirationDuration":"PT1H"}"#,
            "expirationDuration",
        ),
    ];
    for (text, field) in rows {
        let message = read::<SetSession<String>>(text).unwrap_err();
        assert!(message.starts_with(&format!("duplicate field `{field}`")), "{message}");
    }
    assert!(read::<Presence>(r#"{"activity":"Away","availability":"Away","activity":"Away"}"#).is_err());
    assert!(read::<ClearSession<String>>(r#"{"sessionId":"A","sessionId":"A"}"#).is_err());
}

/// Neither none nor two, nor another spelling.
#[test]
fn a_command_is_nothing_but_one_known_action() {
    let texts = [
        "",
        "null",
        "{}",
        "[]",
        "5",
        r#""tick""#,
        r#"{"tick":null}"#,
        r#"{"tick":5}"#,
        r#"{"clearUserPreferredPresence":null}"#,
        r#"{"tick":{},"clearUserPreferredPresence":{}}"#,
        r#"{"Tick":{}}"#,
        r#"{"setpresence":{"sessionId":"A","availability":"Away","activity":"Away"}}"#,
        r#"{"SetSession":{"sessionId":"A","availability":"Away","activity":"Away"}}"#,
        r#"{"setPresence":null}"#,
        r#"{"setPresence":"Away"}"#,
        r#"{"sessionId":"A"}"#,
        r#"{"tick":{}} {"tick":{}}"#,
    ];
    for text in texts {
        assert!(read::<Command<String>>(text).is_err(), "{text}");
    }
}

/// S4, U1: no pair gets in that a constructor refuses, by name or by place.
#[test]
fn no_pair_gets_round_its_constructor() {
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

            let (session, preference) =
                (json!(["A", availability, activity, null]), json!([availability, activity, null]));
            assert!(claim.is_some() || read_value::<SetSession<String>>(&session).is_none());
            assert!(preferred.is_some() || read_value::<SetPreferred>(&preference).is_none());
        }
    }
}

/// S5, U3: nor does a lifetime.
#[test]
fn no_lifetime_gets_round_its_constructor() {
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

/// S3: a string is what it says, however it is escaped.
#[test]
fn escaped_strings_are_read() {
    let text = r#"{"session\u0049d":"a\u00e9\n\"\ud83d\ude00","availability":"\u0041way","activity":"Awa\u0079","expirationDuration":"PT\u0031H"}"#;
    let body = set("a\u{e9}\n\"\u{1f600}".to_owned(), SessionPresence::Away, "PT1H");
    assert_eq!(read(text), Ok(body.clone()));
    assert_eq!(read(&serde_json::to_string(&body).unwrap()), Ok(body));
}

/// S3: an id is what the caller says it is; an empty string is one like any other.
#[test]
fn ids_of_any_kind_are_read_and_written() {
    same(r#"{"sessionId":""}"#, &ClearSession::new(String::new()));
    same(r#"{"sessionId":340282366920938463463374607431768211455}"#, &ClearSession::new(u128::MAX));
    same(r#"{"sessionId":["phone",7]}"#, &ClearSession::new(("phone".to_owned(), 7_u8)));
    same(r#"{"clearPresence":{"sessionId":-1}}"#, &Command::from(ClearSession::new(-1_i64)));
    assert_eq!(
        serde_json::from_str::<ClearSession<&str>>(r#"{"sessionId":"A"}"#).unwrap(),
        ClearSession::new("A")
    );
}

/// The errors' table: of a long text only the first 64 characters.
#[test]
fn long_garbage_is_quoted_in_part() {
    for character in ["x", "\u{e9}", "\u{1f600}"] {
        let (whole, long) = (character.repeat(64), character.repeat(10_000));
        let quotes = [format!(r#""{whole}""#), format!(r#""{whole}"..."#), format!(r#""{whole}"..."#)];
        for (garbage, quote) in [whole.clone(), format!("{whole}{character}"), long].iter().zip(quotes) {
            let garbage = json!(garbage);
            assert_eq!(refusal::<Availability>(&garbage), format!("unknown availability: {quote}"));
            assert_eq!(refusal::<Activity>(&garbage), format!("unknown activity: {quote}"));
            let malformed =
                format!("malformed [ExpirationDuration], want one like PT1H30M or P1D: {quote}");
            assert_eq!(refusal::<SessionExpiration>(&garbage), malformed);
            assert_eq!(refusal::<PreferredExpiration>(&garbage), malformed);
            let instant = format!("malformed instant, want one like 2026-11-20T09:00:00Z: {quote}");
            assert_eq!(refusal::<Logged>(&json!({ "at": garbage })), instant);
        }
    }
}

/// T6: an instant beside a command, as a log has it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Logged {
    #[serde(with = "rfc3339")]
    at: Timestamp,
}

/// T6: as the module's functions do it.
#[test]
fn an_instant_is_read_and_written_as_a_string() {
    same(r#"{"at":"2026-11-20T09:05:00Z"}"#, &Logged { at: at("09:05") });
    let late = at("09:05") + SignedDuration::milliseconds(250);
    same(r#"{"at":"2026-11-20T09:05:00.25Z"}"#, &Logged { at: late });
    assert_eq!(
        refusal::<Logged>(&json!({"at": 1_795_165_500})),
        "invalid type: integer `1795165500`, expected an instant as a string"
    );
    assert_eq!(
        refusal::<Logged>(&json!({"at": "2026-11-20T09:05:00+01:00"})),
        r#"malformed instant, want one like 2026-11-20T09:00:00Z: "2026-11-20T09:05:00+01:00""#
    );
}

/// T3: what a forecast names can be sent as it is.
#[test]
fn a_change_is_written() {
    let mut user = PresenceModel::new();
    obey(&mut user, set("A", SessionPresence::Available, "PT7M0.5S"), at("09:00"));
    let future: Vec<_> = user.forecast(at("09:00")).collect();
    assert_eq!(
        serde_json::to_string(&future).unwrap(),
        r#"[{"at":"2026-11-20T09:05:00Z","availability":"Available","activity":"AvailableInactive"},{"at":"2026-11-20T09:07:00.5Z","availability":"Offline","activity":"Offline"}]"#
    );
}

/// S4, S5, U1, U3: what is written is read as the same, whatever is claimed or preferred.
#[test]
fn every_body_survives_its_text_and_its_bytes() {
    for claim in SessionPresence::ALL {
        for lifetime in ["PT5M", "PT1H0.000000001S", "PT4H"] {
            survives(&set("A".to_owned(), claim, lifetime));
            survives(&Command::from(set(7_u64, claim, lifetime)));
        }
    }
    for preferred in PreferredPresence::ALL {
        for lifetime in ["PT0.000000001S", "P30D", "P106751991167300DT15H30M7.999999999S"] {
            survives(&prefer(preferred, lifetime));
            survives(&Command::<u64>::from(prefer(preferred, lifetime)));
        }
    }
}

fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    same(&serde_json::to_string(value).unwrap(), value);
    assert_eq!(postcard::from_bytes::<T>(&postcard::to_allocvec(value).unwrap()).as_ref(), Ok(value));
}

/// Wherever the writer has no more room, the error is passed on.
#[test]
fn what_is_written_tells_of_a_writer_that_fails() {
    let mut ana = PresenceModel::new();
    let _ = obey(&mut ana, prefer(PreferredPresence::Busy, "PT8H"), at("09:00"));
    fits_where_there_is_room(&ana.explain(at("09:00")));
    let _ = obey(&mut ana, set("phone", SessionPresence::Available, "PT1H"), at("09:00"));
    fits_where_there_is_room(&ana.explain(at("09:00")));
    let _ = obey(&mut ana, ClearPreferred, at("09:00"));
    fits_where_there_is_room(&ana.explain(at("09:00")));
    fits_where_there_is_room(&ana.forecast(at("09:00")).collect::<Vec<_>>());
    fits_where_there_is_room(&ana);
}

fn fits_where_there_is_room<T: Serialize>(value: &T) {
    let mut room = serde_json::to_vec(value).unwrap();
    for length in 0..room.len() {
        assert!(serde_json::to_writer(&mut room[..length], value).is_err());
    }
    assert!(serde_json::to_writer(room.as_mut_slice(), value).is_ok());
}

/// Checks that a value has this text and no other, in every way there is to read one.
fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str, value: &T) {
    assert_eq!(serde_json::to_string(value).unwrap(), text);
    assert_eq!(read::<T>(text).as_ref(), Ok(value), "{text}");
}

/// Reads a text as a string, as bytes and as a stream, which must agree.
fn read<T: DeserializeOwned + PartialEq + Debug>(text: &str) -> Result<T, String> {
    let words = |error: serde_json::Error| error.to_string();
    let read = serde_json::from_str(text).map_err(words);
    assert_eq!(serde_json::from_slice(text.as_bytes()).map_err(words), read, "{text}");
    assert_eq!(
        serde_json::from_reader(text.as_bytes()).map_err(words).ok().as_ref(),
        read.as_ref().ok()
    );
    read
}

fn read_value<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

/// Returns how a value is refused, which is the same but for the place when it comes as a text.
fn refusal<T: DeserializeOwned + PartialEq + Debug>(value: &Value) -> String {
    let message = serde_json::from_value::<T>(value.clone()).unwrap_err().to_string();
    let located = read::<T>(&value.to_string()).unwrap_err();
    assert_eq!(located.split(" at line 1 column ").next(), Some(message.as_str()));
    message
}

/// Bodies are objects: a list of the values of their fields is none.
#[test]
fn a_list_is_no_body() {
    for (text, read) in [
        (
            r#"["A","Away","Away",null]"#,
            serde_json::from_str::<SetSession<String>>(r#"["A","Away","Away",null]"#).map(drop),
        ),
        (r#"["A"]"#, serde_json::from_str::<ClearSession<String>>(r#"["A"]"#).map(drop)),
        ("[]", serde_json::from_str::<ClearPreferred>("[]").map(drop)),
        ("[]", serde_json::from_str::<Tick>("[]").map(drop)),
        (r#"["Away","Away"]"#, serde_json::from_str::<Presence>(r#"["Away","Away"]"#).map(drop)),
    ] {
        let message = read.expect_err(text).to_string();
        assert!(message.starts_with("invalid type: sequence, expected an object"), "{message}");
    }
}
