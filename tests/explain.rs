//! Explanations of the effective presence.

mod common;

use common::{apply, at, deterministic, just_before, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, PreferredPresence, Presence, PresenceDirectory, PresenceModel, Reason,
    SessionPresence, SignedDuration,
};
use proptest::prelude::*;

/// P4, U6: "I set my preferred presence and am still Offline."
#[test]
fn a_preference_without_a_session_waits() {
    let mut ana = PresenceModel::<&str>::new();
    let _ = ana.apply(prefer(PreferredPresence::Busy, "PT8H"), at("09:00")).unwrap();
    let why = ana.explain(at("12:00"));
    assert_eq!((why.presence, why.until, why.reason), (Presence::Offline, None, Reason::NoSession));
    assert_eq!(why.waiting.map(|preferred| preferred.expires_at), Some(at("17:00")));
    assert_eq!(
        ana.explain(at("12:00")).to_string(),
        "Offline, because no session exists. The preference Busy waits for one until \
         2026-11-20T17:00:00Z."
    );
    assert_eq!(ana.explain(at("17:00")).waiting, None);
}

/// S7: "My expiration is ignored, I am Away after ten minutes."
#[test]
fn a_faded_session_is_explained() {
    let mut ana = PresenceModel::new();
    let _ = ana.apply(set("laptop", SessionPresence::Available, "PT4H"), at("09:00")).unwrap();
    assert_eq!(
        ana.explain(just_before(at("09:05"))).to_string(),
        "Available until 2026-11-20T09:05:00Z, because session \"laptop\" claims it. AvailableInactive \
         after that."
    );
    assert_eq!(
        ana.explain(at("09:10")).to_string(),
        "Away until 2026-11-20T13:00:00Z, because session \"laptop\" was last refreshed at \
         2026-11-20T09:00:00Z. Offline after that."
    );
    apply(&mut ana, set("phone", SessionPresence::InACall, "PT1H"), at("09:07"));
    assert_eq!(
        ana.explain(at("09:07")).to_string(),
        "InACall until 2026-11-20T10:07:00Z, because session \"phone\" claims it. Away after that. \
         Other sessions: \"laptop\" (AvailableInactive)."
    );
}

#[test]
fn a_user_that_never_came_is_explained() {
    let why = PresenceModel::<u8>::new().explain(at("09:00")).to_string();
    assert_eq!(why, "Offline, because no session exists.");
}

/// P2, P5: "Why does the wrong session win?" Among equals the one with the latest deadline wins, then
/// the one with the lowest id.
#[test]
fn the_other_sessions_are_listed_strongest_first() {
    let mut ana = PresenceModel::new();
    for (id, claim, lifetime) in [
        (1, SessionPresence::Away, "PT4H"),
        (2, SessionPresence::InACall, "PT1H"),
        (3, SessionPresence::InACall, "PT2H"),
        (4, SessionPresence::Available, "PT4H"),
        (5, SessionPresence::InACall, "PT2H"),
    ] {
        let _ = ana.apply(set(id, claim, lifetime), at("09:00")).unwrap();
    }
    let why = ana.explain(at("09:00"));
    let Reason::Session(strongest) = why.reason else { panic!("{:?}", why.reason) };
    assert_eq!(*strongest.id, 3);
    assert_eq!(why.others.iter().map(|session| *session.id).collect::<Vec<_>>(), [5, 2, 4, 1]);
    assert_eq!(why.until, Some(at("11:00")));

    apply(&mut ana, ClearSession::new(3), at("09:00"));
    apply(&mut ana, ClearSession::new(5), at("09:00"));
    assert_eq!(
        ana.explain(at("09:00")).to_string(),
        "InACall until 2026-11-20T10:00:00Z, because session 2 claims it. Away after that. Other \
         sessions: 4 (Available), 1 (Away)."
    );
}

#[test]
fn the_text_names_the_five_strongest_of_the_other_sessions() {
    let mut ana = PresenceModel::new();
    let mut ends = Vec::new();
    for id in 0..54 {
        apply(&mut ana, set(id, SessionPresence::Away, "PT4H"), at("09:00"));
        let why = ana.explain(at("09:00"));
        assert_eq!(why.others.len(), id);
        let text = why.to_string();
        ends.push(text.split_once("Offline after that.").unwrap().1.to_owned());
    }
    assert_eq!(ends[0], "");
    assert_eq!(ends[1], " Other sessions: 1 (Away).");
    assert_eq!(ends[5], " Other sessions: 1 (Away), 2 (Away), 3 (Away), 4 (Away), 5 (Away).");
    assert_eq!(
        ends[6],
        " Other sessions: 1 (Away), 2 (Away), 3 (Away), 4 (Away), 5 (Away) and 1 other."
    );
    assert!(ends[53].ends_with("5 (Away) and 48 others."), "{}", ends[53]);
}

#[test]
fn the_text_is_one_line_whatever_the_session_ids() {
    let mut ana = PresenceModel::new();
    for id in ["\n", "\r\n\" is Available.", "\u{2028}\u{2029}\u{85}\u{b}\u{c}\u{1b}[2J\u{202e}"] {
        apply(&mut ana, set(id, SessionPresence::Away, "PT1H"), at("09:00"));
    }
    assert_eq!(
        ana.explain(at("09:00")).to_string(),
        r#"Away until 2026-11-20T10:00:00Z, because session "\n" claims it. Offline after that. "#
            .to_owned()
            + r#"Other sessions: "\r\n\" is Available." (Away), "#
            + r#""\u{2028}\u{2029}\u{85}\u{b}\u{c}\u{1b}[2J\u{202e}" (Away)."#
    );
}

/// P1
#[test]
fn a_preference_in_force_overrides_every_session() {
    let mut ana = PresenceModel::new();
    let _ = ana.apply(set("laptop", SessionPresence::Presenting, "PT1H"), at("09:00")).unwrap();
    let _ = ana.apply(prefer(PreferredPresence::OffWork, "PT30M"), at("09:00")).unwrap();
    assert_eq!(
        ana.explain(at("09:00")).to_string(),
        "OffWork until 2026-11-20T09:30:00Z, because the user prefers to appear offline. Presenting \
         after that. Sessions: \"laptop\" (Presenting)."
    );
    apply(&mut ana, prefer(PreferredPresence::Busy, "PT2H"), at("09:00"));
    assert_eq!(
        ana.explain(at("09:00")).to_string(),
        "Busy until 2026-11-20T10:00:00Z, because the user prefers it until 2026-11-20T11:00:00Z. \
         Offline after that, because no session is left. Sessions: \"laptop\" (Presenting)."
    );
}

/// P1: the end of the preference is no change, because a session shows the same.
#[test]
fn a_preference_that_changes_nothing_when_it_ends_is_explained() {
    let mut ana = PresenceModel::new();
    apply(&mut ana, set("laptop", SessionPresence::Away, "PT1H"), at("09:00"));
    apply(&mut ana, prefer(PreferredPresence::Away, "PT30M"), at("09:00"));
    assert_eq!(
        ana.explain(at("09:00")).to_string(),
        "Away until 2026-11-20T10:00:00Z, because the user prefers it until 2026-11-20T09:30:00Z. \
         Offline after that. Sessions: \"laptop\" (Away)."
    );
}

#[test]
fn a_directory_explains_users_with_and_without_a_model() {
    let mut users = PresenceDirectory::<String, u8>::new();
    let _ = users.apply("ana", set(1, SessionPresence::Away, "PT1H"), at("09:00")).unwrap();
    let ana = users.get("ana").map(|model| model.explain(at("09:30")));
    assert_eq!(Some(users.explain("ana", at("09:30"))), ana);
    assert_eq!(users.explain("bob", at("09:30")), PresenceModel::new().explain(at("09:30")));
}

/// S12, P1, P2: with each of the three reasons.
#[test]
fn a_cloned_explanation_owns_its_session_ids() {
    let mut ana = PresenceModel::new();
    let mut explained = Vec::new();
    apply(&mut ana, prefer(PreferredPresence::Busy, "PT2H"), at("09:00"));
    explained.push(ana.explain(at("09:00")).cloned());
    apply(&mut ana, set(String::from("laptop"), SessionPresence::Away, "PT1H"), at("09:00"));
    apply(&mut ana, set(String::from("phone"), SessionPresence::InACall, "PT1H"), at("09:00"));
    explained.push(ana.explain(at("09:00")).cloned());
    apply(&mut ana, ClearPreferred, at("09:00"));
    explained.push(ana.explain(at("09:00")).cloned());

    let sessions: Vec<_> = ana.sessions(at("09:00")).map(|session| session.cloned()).collect();
    drop(ana);
    let [no_session, by_preference, by_session] = explained.try_into().unwrap();
    assert_eq!((&no_session.reason, &no_session.others), (&Reason::NoSession, &vec![]));
    assert_eq!(no_session.waiting.map(|preferred| preferred.expires_at), Some(at("11:00")));

    let Reason::Preferred(preferred) = by_preference.reason else { panic!("{by_preference:?}") };
    assert_eq!((preferred.presence, preferred.expires_at), (PreferredPresence::Busy, at("11:00")));
    assert_eq!(by_preference.others, [sessions[1].clone(), sessions[0].clone()]);
    assert_eq!((by_preference.presence, by_preference.until), (Presence::Busy, Some(at("10:00"))));

    assert_eq!(by_session.reason, Reason::Session(sessions[1].clone()));
    assert_eq!(by_session.others, [sessions[0].clone()]);
    assert_eq!((by_session.presence, by_session.until), (Presence::InACall, Some(at("10:00"))));
    assert_eq!(
        by_session.to_string(),
        "InACall until 2026-11-20T10:00:00Z, because session \"phone\" claims it. Offline after that. \
         Other sessions: \"laptop\" (Away)."
    );
}

#[cfg(feature = "serde")]
#[test]
fn an_explanation_is_serialized() {
    let mut ana = PresenceModel::new();
    let _ = ana.apply(set("laptop", SessionPresence::Available, "PT1H"), at("09:00")).unwrap();
    let session = r#"{"id":"laptop","claim":{"availability":"Available","activity":"Available"},"presence":{"availability":"Available","activity":"AvailableInactive"},"since":"2026-11-20T09:00:00Z","deadline":"2026-11-20T09:10:00Z","expiresAt":"2026-11-20T10:00:00Z"}"#;
    assert_eq!(
        serde_json::to_string(&ana.explain(at("09:05"))).unwrap(),
        format!(
            r#"{{"presence":{{"availability":"Available","activity":"AvailableInactive"}},"until":"2026-11-20T09:10:00Z","reason":{{"session":{session}}},"waiting":null,"others":[]}}"#
        )
    );
    let _ = ana.apply(prefer(PreferredPresence::Away, "PT10M"), at("09:05")).unwrap();
    let preferred = r#"{"presence":{"availability":"Away","activity":"Away"},"since":"2026-11-20T09:05:00Z","expiresAt":"2026-11-20T09:15:00Z"}"#;
    let why = serde_json::to_string(&ana.explain(at("09:05"))).unwrap();
    assert!(why.contains(&format!(
        r#""reason":{{"preferred":{preferred}}},"waiting":null,"others":[{session}]"#
    )));
    let _ = ana.apply(ClearSession::new("laptop"), at("09:06")).unwrap();
    let why = serde_json::to_string(&ana.explain(at("09:06"))).unwrap();
    assert!(why.contains(&format!(r#""reason":"noSession","waiting":{preferred},"others":[]"#)));
}

proptest! {
    #![proptest_config(deterministic())]

    #[test]
    fn an_explanation_agrees_with_presence_and_forecast(
        sessions in proptest::collection::vec((0..6_u64, 0..5_usize, 5..240_i64, 0..30_i64), 0..8),
        preferred in proptest::option::of((0..6_usize, 1..90_i64)),
        later in 0..260_i64,
    ) {
        let mut now = at("09:00");
        let mut ana = PresenceModel::new();
        if let Some((presence, minutes)) = preferred {
            let command = prefer(PreferredPresence::ALL[presence], &format!("PT{minutes}M"));
            let _ = ana.apply(command, now).unwrap();
        }
        for (id, claim, minutes, wait) in sessions {
            now += SignedDuration::minutes(wait);
            let _ = ana.apply(set(id, SessionPresence::ALL[claim], &format!("PT{minutes}M")), now).unwrap();
        }
        now += SignedDuration::minutes(later);
        let why = ana.explain(now);
        prop_assert_eq!(why.cloned().to_string(), why.to_string());
        prop_assert_eq!(why.presence, ana.presence(now));
        let next = ana.forecast(now).next();
        prop_assert_eq!(why.until, next.map(|change| change.at));
        let after = next.map(|change| format!(" {} after that", change.presence.activity()));
        let text = why.to_string();
        prop_assert_eq!(text.contains(" after that"), after.is_some());
        prop_assert!(text.contains(&after.unwrap_or_default()), "{}", text);
        let (decided, strongest) = match why.reason {
            Reason::NoSession => (Presence::Offline, None),
            Reason::Preferred(preferred) => (preferred.presence.into(), None),
            Reason::Session(session) => (session.presence, Some(session)),
            _ => unreachable!(),
        };
        prop_assert_eq!(decided, why.presence);
        let listed: Vec<_> = strongest.into_iter().chain(why.others).collect();
        prop_assert!(listed.is_sorted_by(|one, other| one.presence >= other.presence));
        prop_assert_eq!(listed.len(), ana.sessions(now).count());
        prop_assert!(ana.sessions(now).all(|session| listed.contains(&session)));
    }
}
