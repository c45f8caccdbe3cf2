//! The question about many users, and its answer.

use presence_core::{
    GetPresencesByUserId, MAX_USER_IDS, Presence, PresenceDirectory, SessionPresence, SetSession,
    Timestamp, UserPresence, UserPresences,
};

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
    let ana = UserPresence { id: "ana", presence: Presence::InACall };
    let bob = UserPresence { id: "bob", presence: Presence::Offline };
    assert_eq!(answer, UserPresences { value: vec![bob, ana, bob] });
}
