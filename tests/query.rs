//! The question about many users, and its answer.

use presence_core::graph::{GetPresencesByUserId, MAX_USER_IDS, UserPresence, UserPresences};
use presence_core::{Presence, PresenceDirectory, SessionPresence, SetSession, Timestamp};

#[test]
fn a_query_has_at_most_650_ids() {
    assert_eq!(MAX_USER_IDS, 650);
    for (count, accepted) in [(0, true), (1, true), (650, true), (651, false), (10_000, false)] {
        let ids: Vec<_> = (0..count).collect();
        let query = GetPresencesByUserId::new(ids.clone());
        assert_eq!(query.is_ok(), accepted, "{count}");
        match query {
            Ok(query) => {
                assert_eq!(query.ids(), ids);
                assert_eq!(query.into_ids(), ids);
            }
            Err(error) => assert_eq!(error.to_string(), "too many [Ids], expected at most 650"),
        }
    }
}

/// Users come in the order of the ids, also twice and if nothing is known of them.
#[test]
fn a_directory_answers_a_query() {
    let now = Timestamp::UNIX_EPOCH;
    let mut users = PresenceDirectory::<String, u64>::new();
    let _ = users.apply("ana", SetSession::new(1, SessionPresence::InACall), now).unwrap();
    let query = GetPresencesByUserId::new(vec!["bob", "ana", "bob"]).unwrap();
    let presences = users.presences(query.ids().iter().copied(), now);
    let answer: UserPresences<_> = query.ids().iter().copied().zip(presences).collect();
    let ana = UserPresence::new("ana", Presence::InACall);
    let bob = UserPresence::new("bob", Presence::Offline);
    assert_eq!(answer, UserPresences { value: vec![bob, ana, bob] });
}

#[cfg(feature = "serde")]
mod forms {
    use presence_core::Presence;
    use presence_core::graph::{Body, GetPresencesByUserId, UserPresence, UserPresences};
    use serde_json::{Value, json};

    /// The body of Graph's documents.
    #[test]
    fn a_query_is_read_and_written() {
        let text =
            r#"{"ids":["fa8bf3dc-eca7-46b7-bad1-db199b62afc3","66825e03-7ef5-42da-9069-724602c31f6b"]}"#;
        let query: GetPresencesByUserId<String> = serde_json::from_str(text).unwrap();
        assert_eq!(query.ids().len(), 2);
        assert_eq!(serde_json::to_string(&query).unwrap(), text);
        let body: Body<GetPresencesByUserId<String>> = serde_json::from_str(text).unwrap();
        assert_eq!(body.check().as_ref(), Ok(&query));
        let bytes = postcard::to_allocvec(&query).unwrap();
        assert_eq!(postcard::from_bytes(&bytes).as_ref(), Ok(&query));

        let borrowed: Body<GetPresencesByUserId<&str>> = serde_json::from_str(text).unwrap();
        assert_eq!(borrowed.check().unwrap().ids(), query.ids());
        let empty: GetPresencesByUserId<u64> = serde_json::from_str(r#"{"ids":[]}"#).unwrap();
        assert!(empty.ids().is_empty());
    }

    #[test]
    fn an_invalid_query_is_rejected_with_these_texts() {
        let ids = |count: usize| json!({ "ids": (0..count).collect::<Vec<_>>() });
        let rows = [
            (ids(651), "too many [Ids], expected at most 650"),
            (ids(10_000), "too many [Ids], expected at most 650"),
            (json!({}), "[Ids]: The Ids field is required."),
            (json!({ "ids": null }), "[Ids]: The Ids field is required."),
            (json!({ "id": [1] }), "[Ids]: The Ids field is required."),
            (json!({ "ids": 5 }), "[Ids]: invalid type: integer `5`, expected a list"),
            (json!({ "ids": {} }), "[Ids]: invalid type: map, expected a list"),
            (json!({ "ids": [1, null] }), "[Ids]: invalid type: null, expected u64"),
            (json!({ "ids": [1, "A"] }), "[Ids]: invalid type: string \"A\", expected u64"),
            (json!([[1]]), "invalid type: sequence, expected an object"),
            (json!(null), "invalid type: null, expected an object"),
        ];
        for (body, message) in rows {
            let error = serde_json::from_value::<GetPresencesByUserId<u64>>(body.clone()).unwrap_err();
            assert_eq!(error.to_string(), message, "{body}");
            let body: Body<GetPresencesByUserId<u64>> = serde_json::from_value(body).unwrap();
            let error = body.check().unwrap_err();
            assert_eq!((error.to_string().as_str(), error.status()), (message, 400));
        }
        assert!(serde_json::from_value::<GetPresencesByUserId<usize>>(ids(650)).is_ok());
        let body: Body<GetPresencesByUserId<usize>> = serde_json::from_value(ids(650)).unwrap();
        assert_eq!(body.check().unwrap().into_ids(), (0..650).collect::<Vec<_>>());
        let bytes = postcard::to_allocvec(&(0..651_u64).collect::<Vec<_>>()).unwrap();
        let body: Body<GetPresencesByUserId<u64>> = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(body.check().unwrap_err().to_string(), "too many [Ids], expected at most 650");
    }

    /// The answer of Graph's documents.
    #[test]
    fn an_answer_is_serialized() {
        let answer: UserPresences<_> =
            [("ana", Presence::Busy), ("bob", Presence::AvailableInactive)].into_iter().collect();
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"value":[{"id":"ana","availability":"Busy","activity":"Busy"},{"id":"bob","availability":"Available","activity":"AvailableInactive"}]}"#
        );
        assert_eq!(
            serde_json::to_string(&UserPresence::new(7, Presence::Offline)).unwrap(),
            r#"{"id":7,"availability":"Offline","activity":"Offline"}"#
        );
        let none: UserPresences<u64> = [].into_iter().collect();
        assert_eq!(serde_json::to_string(&none).unwrap(), r#"{"value":[]}"#);
        let resource: Value = serde_json::to_value(answer.value[1]).unwrap();
        assert_eq!(serde_json::from_value::<Presence>(resource).unwrap(), Presence::AvailableInactive);
    }

    /// Any of Graph's words in any case, a word of tomorrow, and fields that are not ours.
    #[test]
    fn a_client_reads_what_graph_answers() {
        let rows = [
            ("Busy", "InACall", Some(Presence::InACall), "Busy", "InACall"),
            ("busy", "inACall", Some(Presence::InACall), "Busy", "InACall"),
            ("Busy", "InAMeeting", None, "Busy", "InAMeeting"),
            ("DoNotDisturb", "Focusing", None, "DoNotDisturb", "Focusing"),
            ("Available", "InACall", None, "Available", "InACall"),
            ("PresenceUnknown", "PresenceUnknown", None, "PresenceUnknown", "PresenceUnknown"),
            ("Busy", "InAHologram", None, "Busy", "PresenceUnknown"),
            ("Elsewhere", "InACall", None, "PresenceUnknown", "InACall"),
            ("", "", None, "PresenceUnknown", "PresenceUnknown"),
        ];
        for (availability, activity, presence, first, second) in rows {
            let text = format!(
                r##"{{"@odata.context":"#users","id":"ana","Availability":"{availability}","activity":"{activity}","statusMessage":{{"x":[null]}},"sequenceNumber":null}}"##
            );
            let ana: UserPresence<String> = serde_json::from_str(&text).unwrap();
            assert_eq!(ana.presence(), presence, "{text}");
            assert_eq!((ana.availability.as_str(), ana.activity.as_str()), (first, second), "{text}");
            let body: Body<UserPresence<String>> = serde_json::from_str(&text).unwrap();
            assert_eq!(body.check(), Ok(ana));
            let list = format!(r##"{{"@odata.context":"#x","value":[{text},{text}]}}"##);
            let list: UserPresences<&str> = serde_json::from_str(&list).unwrap();
            assert!(list.value.len() == 2 && list.value.iter().all(|user| user.presence() == presence));
        }
        let rows = [
            (r#"{"availability":"Busy","activity":"Busy"}"#, "[Id]: The Id field is required."),
            (r#"{"id":"a","activity":"Busy"}"#, "[Availability]: The Availability field is required."),
            (
                r#"{"id":"a","availability":"Busy","activity":null}"#,
                "[Activity]: The Activity field is required.",
            ),
            (
                r#"{"id":"a","id":"b","availability":"Busy","activity":"Busy"}"#,
                "[Id]: The Id field comes twice.",
            ),
            (
                r#"{"id":"a","availability":5,"activity":"Busy"}"#,
                "[Availability]: invalid type: integer `5`, expected a string",
            ),
            ("[]", "invalid type: sequence, expected an object"),
        ];
        for (text, message) in rows {
            let body: Body<UserPresence<String>> = serde_json::from_str(text).unwrap();
            assert_eq!(body.check().unwrap_err().to_string(), message);
        }
    }
}
