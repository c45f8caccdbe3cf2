//! W1, W2: names and words are read without regard to case, and written as Graph spells them.

#[cfg(feature = "serde")]
mod common;
#[cfg(feature = "serde")]
#[path = "reference/bodies.rs"]
mod reference;

use std::fmt::Debug;
use std::str::FromStr;

use presence_core::{
    Activity, Availability, PreferredExpiration, PreferredPresence, Presence, SessionPresence,
};

/// Returns spellings of a name that differ only in the case of ASCII letters.
fn spellings(name: &str) -> [String; 4] {
    let first_changed = |change: fn(&char) -> char| {
        let mut letters = name.chars();
        let first = letters.next().map(|first| change(&first));
        first.into_iter().chain(letters).collect()
    };
    [
        name.to_lowercase(),
        name.to_uppercase(),
        first_changed(char::to_ascii_lowercase),
        first_changed(char::to_ascii_uppercase),
    ]
}

/// Returns texts that look like a name, or that a locale takes for it.
fn look_alikes(name: &str) -> Vec<String> {
    let letters = [
        ('i', '\u{131}'),
        ('I', '\u{130}'),
        ('s', '\u{17f}'),
        ('S', '\u{17f}'),
        ('k', '\u{212a}'),
        ('K', '\u{212a}'),
        ('A', '\u{391}'),
        ('a', '\u{430}'),
        ('B', '\u{412}'),
        ('e', '\u{435}'),
        ('o', '\u{43e}'),
        ('O', '\u{41e}'),
        ('y', '\u{ff59}'),
    ];
    let replaced = letters.into_iter().map(|(letter, other)| name.replace(letter, &other.to_string()));
    let added =
        [format!("\u{feff}{name}"), format!("{name}\u{200b}"), format!("{name} "), format!(" {name}")];
    replaced.filter(|text| text != name).chain(added).collect()
}

fn is_read_in_any_case<T: FromStr + PartialEq + Debug + Copy>(value: T, written: &str)
where
    T::Err: Debug + PartialEq,
{
    for text in spellings(written) {
        assert_eq!(text.parse(), Ok(value), "{text}");
    }
    for text in look_alikes(written) {
        assert!(text.parse::<T>().is_err(), "{text:?}");
    }
}

/// W1
#[test]
fn words_and_pairs_are_parsed_in_any_case() {
    for word in Availability::ALL {
        is_read_in_any_case(*word, word.as_str());
    }
    for word in Activity::ALL {
        is_read_in_any_case(*word, word.as_str());
    }
    for presence in Presence::ALL {
        is_read_in_any_case(*presence, presence.as_str());
    }
    for claim in SessionPresence::ALL {
        is_read_in_any_case(*claim, claim.as_str());
    }
    for preferred in PreferredPresence::ALL {
        is_read_in_any_case(*preferred, preferred.as_str());
    }
}

#[cfg(feature = "serde")]
mod bodies {
    use presence_core::graph::{Body, GetPresencesByUserId};
    use presence_core::{ClearSession, Command, SetPreferred, SetSession, Timestamp};
    use serde::de::DeserializeOwned;

    use presence_core::PresenceModel;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::{Value, json};

    use super::common::{at, deterministic};
    use super::*;

    /// Reads a body in both ways, which must agree.
    fn read<T>(text: &str) -> Result<T, String>
    where
        T: DeserializeOwned + PartialEq + Debug,
        Body<T>: DeserializeOwned,
    {
        let body: Body<T> = serde_json::from_str(text).unwrap();
        let checked = body.check().map_err(|error| error.to_string());
        let direct = serde_json::from_str::<T>(text)
            .map_err(|error| error.to_string().split(" at line ").next().unwrap_or_default().to_owned());
        assert_eq!(direct, checked, "{text}");
        checked
    }

    fn apply(user: &mut PresenceModel<String>, text: &str, now: Timestamp) -> Result<Presence, String> {
        let body: SetSession<String> = read(text)?;
        Ok(user.apply(body, now).unwrap().current)
    }

    /// W1: the lifetime is not lost.
    #[test]
    fn a_lifetime_counts_in_any_spelling_of_its_name() {
        let mut user = PresenceModel::new();
        let text = r#"{"sessionId":"a","availability":"Busy","activity":"InACall","expirationduration":"PT1H"}"#;
        assert_eq!(apply(&mut user, text, at("09:00")), Ok(Presence::InACall));
        assert_eq!(user.presence(at("09:30")), Presence::InACall);
        let text = r#"{"sessionId":"a","availability":"Busy","activity":"InACall","ExpirationDuration":"PT9H"}"#;
        assert_eq!(
            apply(&mut user, text, at("09:00")),
            Err("The provided [ExpirationDuration] is out of range.".to_owned())
        );
    }

    /// W1
    #[test]
    fn names_and_words_are_read_in_any_case() {
        let mut user = PresenceModel::new();
        let text = r#"{"SessionId":"a","AVAILABILITY":"busy","Activity":"inACall"}"#;
        assert_eq!(apply(&mut user, text, at("09:00")), Ok(Presence::InACall));
        let preferred: SetPreferred =
            read(r#"{"availability":"offline","activity":"offWork"}"#).unwrap();
        assert_eq!(preferred.presence, PreferredPresence::OffWork);
        let away: SetPreferred =
            read(r#"{"availability":"doNotDisturb","activity":"doNotDisturb"}"#).unwrap();
        assert_eq!(away.presence, PreferredPresence::DoNotDisturb);
        let query: GetPresencesByUserId<String> = read(r#"{"IDS":["u"]}"#).unwrap();
        assert_eq!(query.ids(), ["u"]);
        let escaped = r#"{"\u0053ession\u0049D":"a"}"#;
        assert_eq!(read::<ClearSession<String>>(escaped), Ok(ClearSession::new("a".to_owned())));
    }

    /// W1: the name of an action too.
    #[test]
    fn a_command_is_read_in_any_case() {
        let rows = [
            r#"{"setPresence":{"sessionId":"a","availability":"Away","activity":"Away"}}"#,
            r#"{"clearPresence":{"sessionId":"a"}}"#,
            r#"{"setUserPreferredPresence":{"availability":"Away","activity":"Away"}}"#,
            r#"{"clearUserPreferredPresence":{}}"#,
            r#"{"tick":{}}"#,
        ];
        for text in rows {
            let (action, rest) = text[2..].split_once('"').unwrap();
            let expected: Command<String> = read(text).unwrap();
            for name in spellings(action) {
                let text = format!("{{\"{name}\"{rest}");
                assert_eq!(read(&text).as_ref(), Ok(&expected), "{text}");
            }
            for name in look_alikes(action) {
                let text = format!("{{\"{name}\"{rest}");
                assert!(read::<Command<String>>(&text).is_err(), "{text}");
            }
        }
    }

    /// W1: ids and durations are values of the caller and of OData.
    #[test]
    fn ids_and_durations_are_read_exactly() {
        let mut user = PresenceModel::new();
        for id in ["a", "A"] {
            let text = format!(r#"{{"sessionId":"{id}","availability":"Away","activity":"Away"}}"#);
            apply(&mut user, &text, at("09:00")).unwrap();
        }
        assert_eq!(user.sessions(at("09:00")).count(), 2);
        let text = r#"{"availability":"Away","activity":"Away","expirationDuration":"pt1h"}"#;
        assert!(read::<SetPreferred>(text).unwrap_err().contains("[ExpirationDuration]"));
    }

    /// W1: letters that are not ASCII are other letters.
    #[test]
    fn a_name_that_looks_alike_is_another_one() {
        for name in look_alikes("expirationDuration") {
            let text = format!(r#"{{"availability":"Away","activity":"Away","{name}":"nonsense"}}"#);
            assert!(read::<SetPreferred>(&text).is_ok(), "{text}");
        }
        for name in look_alikes("sessionId") {
            let text = format!(r#"{{"{name}":"a"}}"#);
            assert!(read::<ClearSession<String>>(&text).is_err(), "{text}");
        }
        for word in look_alikes("Busy") {
            let text = format!(r#"{{"availability":"{word}","activity":"Busy"}}"#);
            assert!(read::<SetPreferred>(&text).is_err(), "{text}");
        }
    }

    /// W2: none of the two counts.
    #[test]
    fn a_field_that_comes_twice_in_any_spelling_is_rejected() {
        let rest = r#""availability":"Away","activity":"Away""#;
        let rows = [
            (format!(r#"{{"sessionId":"a","SessionID":"b",{rest}}}"#), "[SessionId]"),
            (format!(r#"{{"sessionId":"a","sessionId":"a",{rest}}}"#), "[SessionId]"),
            (format!(r#"{{"sessionId":null,"SESSIONID":"a",{rest}}}"#), "[SessionId]"),
            (format!(r#"{{"sessionId":"a","\u0073essionid":[1],{rest}}}"#), "[SessionId]"),
            (format!(r#"{{"sessionId":"a","AVAILABILITY":"Away",{rest}}}"#), "[Availability]"),
            (format!(r#"{{"sessionId":"a","Activity":7,{rest}}}"#), "[Activity]"),
            (
                format!(
                    r#"{{"sessionId":"a","expirationduration":null,"expirationDuration":"PT1H",{rest}}}"#
                ),
                "[ExpirationDuration]",
            ),
        ];
        for (text, field) in rows {
            let message = read::<SetSession<String>>(&text).unwrap_err();
            assert!(message.contains(field) && message.contains("twice"), "{message}");
        }
        let message = read::<GetPresencesByUserId<String>>(r#"{"ids":[],"Ids":[]}"#).unwrap_err();
        assert!(message.contains("[Ids]") && message.contains("twice"), "{message}");
    }

    /// W1, the other way round.
    #[test]
    fn what_is_written_has_the_spelling_of_graph() {
        let text = r#"{"SESSIONID":"a","AVAILABILITY":"BUSY","ACTIVITY":"INACALL","EXPIRATIONDURATION":"PT1H"}"#;
        let body: SetSession<String> = read(text).unwrap();
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"sessionId":"a","availability":"Busy","activity":"InACall","expirationDuration":"PT1H"}"#
        );
        let command: Command<String> = read(&format!(r#"{{"SETPRESENCE":{text}}}"#)).unwrap();
        assert!(serde_json::to_string(&command).unwrap().starts_with(r#"{"setPresence":{"sessionId""#));
    }

    /// Nobody else writes them.
    #[test]
    fn snapshots_are_exact() {
        let text = r#"{"v1":{"reported":"OffWork","sessions":[{"id":"a","claim":"InACall","since":"2026-11-20T09:00:00Z","lifetime":"PT5M"}],"preferred":{"presence":"OffWork","since":"2026-11-20T09:00:00Z","lifetime":"P7D"}}}"#;
        let is_read = |text: &str| serde_json::from_str::<PresenceModel<String>>(text).is_ok();
        assert!(is_read(text));
        for name in [
            "v1",
            "reported",
            "OffWork",
            "sessions",
            "id",
            "claim",
            "InACall",
            "since",
            "lifetime",
            "preferred",
            "presence",
        ] {
            for other in spellings(name).into_iter().filter(|other| other != name) {
                assert!(
                    !is_read(&text.replace(&format!("\"{name}\""), &format!("\"{other}\""))),
                    "{other}"
                );
            }
        }
    }

    fn in_any_case(text: &'static str) -> impl Strategy<Value = String> {
        let letters = text.len();
        proptest::collection::vec(any::<bool>(), letters).prop_map(move |capitals| {
            let letters = text.chars().zip(capitals);
            letters
                .map(|(letter, capital)| if capital { letter.to_ascii_uppercase() } else { letter })
                .collect()
        })
    }

    fn field() -> impl Strategy<Value = (String, Value)> {
        let name = select(vec![
            "sessionid",
            "availability",
            "activity",
            "expirationduration",
            "sessionid ",
            "session\u{131}d",
            "x",
        ]);
        let word = select(vec![
            "available",
            "busy",
            "away",
            "donotdisturb",
            "presenting",
            "inacall",
            "inaconferencecall",
            "b\u{fc}sy",
        ]);
        let exact = select(vec!["PT5M", "PT1H", "PT9H", "pt1h", "a", "A", ""]);
        let other =
            select(vec![json!(null), json!(7), json!(true), json!(["a"]), json!({"sessionId": "a"})]);
        let value = prop_oneof![
            5 => word.prop_flat_map(in_any_case).prop_map(Value::String),
            3 => exact.prop_map(|text| json!(text)),
            1 => other,
        ];
        (name.prop_flat_map(in_any_case), value)
    }

    /// Most of the fields that a body needs, in any case and in any order.
    fn fields() -> impl Strategy<Value = Vec<(String, Value)>> {
        let claim = select(SessionPresence::ALL.to_vec()).prop_flat_map(|claim| {
            let presence = claim.presence();
            let fields = [
                ("availability", presence.availability().as_str()),
                ("activity", presence.activity().as_str()),
            ];
            let fields = fields
                .map(|(name, word)| (in_any_case(name), in_any_case(word).prop_map(Value::String)));
            fields.into_iter().collect::<Vec<_>>()
        });
        let id = in_any_case("sessionid").prop_map(|name| vec![(name, json!("a"))]);
        let rest = proptest::collection::vec(field(), 0..4);
        (claim, id, rest, 0..20_usize).prop_map(|(claim, id, rest, dropped)| {
            let mut fields: Vec<_> = rest.into_iter().chain(claim).chain(id).collect();
            if dropped < fields.len() {
                fields.remove(dropped);
            }
            fields
        })
    }

    proptest! {
        #![proptest_config(deterministic())]

        /// W1, W2: what is accepted, what it means, and which field an error names.
        #[test]
        fn a_body_is_read_as_the_reference_reads_it(fields in fields().prop_shuffle()) {
            let members = fields.iter().map(|(name, value)| format!("{}:{value}", json!(name)));
            let text = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
            match (read::<SetSession<String>>(&text), reference::read(&fields)) {
                (Ok(body), Ok(expected)) => {
                    let activity = body.claim.presence().activity().as_str().to_lowercase();
                    let minutes = body.expiration.duration().whole_minutes();
                    let actual = reference::Expected { session_id: body.session_id, activity, minutes };
                    prop_assert_eq!(actual, expected);
                }
                (Err(message), Err(wrong)) => {
                    let named = wrong.iter().any(|field| message.contains(&format!("[{field}]")));
                    prop_assert!(named, "{}: {} is not about {:?}", text, message, wrong);
                }
                (body, expected) => prop_assert!(false, "{text}: {body:?} is not {expected:?}"),
            }
        }
    }

    /// A wrong type of JSON is an error that names the field, and nothing is lost of the text after it.
    #[test]
    fn a_wrong_type_is_named_with_its_field() {
        fn rejected<T>(text: &str, field: &str)
        where
            T: DeserializeOwned + PartialEq + Debug,
            Body<T>: DeserializeOwned,
        {
            let message = read::<T>(text).unwrap_err();
            assert!(message.contains(field), "{text}: {message}");
        }
        rejected::<GetPresencesByUserId<String>>(r#"{"ids":"u"}"#, "[Ids]: invalid type: string \"u\"");
        rejected::<GetPresencesByUserId<String>>(r#"{"ids":[1]}"#, "[Ids]: invalid type: integer `1`");
        rejected::<GetPresencesByUserId<String>>(r#"{"ids":[null]}"#, "[Ids]: invalid type: null");
        rejected::<GetPresencesByUserId<String>>(
            r#"{"ids":["a",[[1,"x"],{}],{"b":[]}],"x":[]}"#,
            "[Ids]: ",
        );
        for value in ["7", "[[[1]]]", "{\"a\":{\"b\":[]}}", "true", "1.5", "-1"] {
            rejected::<ClearSession<String>>(
                &format!(r#"{{"sessionId":{value},"x":[1]}}"#),
                "[SessionId]: invalid type: ",
            );
            let text = format!(r#"{{"sessionId":"a","availability":{value},"activity":"Away"}}"#);
            rejected::<SetSession<String>>(&text, "[Availability]: invalid type: ");
            let text = format!(r#"{{"sessionId":"a","availability":"Away","activity":{value}}}"#);
            rejected::<SetSession<String>>(&text, "[Activity]: invalid type: ");
            let text = format!(
                r#"{{"expirationDuration":{value},"sessionId":"a","availability":"Away","activity":"Away"}}"#
            );
            rejected::<SetSession<String>>(&text, "[ExpirationDuration]: invalid type: ");
        }
        for body in ["null", "[]", "[1,[2]]", "5", "\"a\"", "true"] {
            rejected::<SetSession<String>>(body, "expected an object");
            rejected::<GetPresencesByUserId<String>>(body, "expected an object");
            rejected::<Command<String>>(body, "expected an object");
        }
    }
}

/// The text is the same for all malformed durations.
#[test]
fn a_duration_in_weeks_is_answered_that_days_are_the_largest_unit() {
    for text in ["P1W", "P1M", "P1Y"] {
        let error = text.parse::<PreferredExpiration>().unwrap_err();
        assert!(error.to_string().contains("days are the largest unit"), "{text}: {error}");
    }
}
