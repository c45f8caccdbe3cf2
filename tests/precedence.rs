//! Precedence: of the preference over the sessions, and among the sessions.

mod common;

use common::{apply, at, just_before, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, PreferredPresence, Presence, PresenceModel, SessionPresence,
};

/// What a session can show, weakest first: its claim, and when it was set to show it at 09:10.
const STATES: [(Presence, SessionPresence, &str); 7] = [
    (Presence::Away, SessionPresence::Away, "09:10"),
    (Presence::Away, SessionPresence::Available, "09:00"),
    (Presence::AvailableInactive, SessionPresence::Available, "09:05"),
    (Presence::Available, SessionPresence::Available, "09:10"),
    (Presence::InACall, SessionPresence::InACall, "09:10"),
    (Presence::InAConferenceCall, SessionPresence::InAConferenceCall, "09:10"),
    (Presence::Presenting, SessionPresence::Presenting, "09:10"),
];

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// P2, P3, P5, S1: all triples of states, with all ids, set in all orders. The maximum is commutative,
/// associative and idempotent.
#[test]
fn the_strongest_session_decides_whatever_its_id_and_the_order_of_setting() {
    let states = || 0..STATES.len();
    let triples = states().flat_map(|a| states().flat_map(move |b| states().map(move |c| [a, b, c])));
    for triple in triples {
        let strongest = STATES[*triple.iter().max().unwrap()].0;
        for ids in ORDERS {
            for order in ORDERS {
                let effective = aggregate(triple, ids, order);
                assert_eq!(effective, strongest, "{triple:?} as {ids:?} in the order {order:?}");
            }
        }
    }
}

fn aggregate(triple: [usize; 3], ids: [usize; 3], order: [usize; 3]) -> Presence {
    let mut in_order = order.map(|index| (ids[index], STATES[triple[index]]));
    in_order.sort_by_key(|(_, (_, _, face))| *face);
    let mut user = PresenceModel::new();
    for (id, (_, claim, face)) in in_order {
        apply(&mut user, set(id, claim, "PT4H"), at(face));
    }
    user.presence(at("09:10"))
}

/// P2, P5
#[test]
fn presences_are_ordered_by_precedence() {
    assert!(STATES.is_sorted_by_key(|(presence, _, _)| presence));
    assert!(Presence::ALL.is_sorted_by(|less, more| less < more));
}

/// P3: halves of two sessions are never combined.
#[test]
fn the_strongest_session_gives_both_halves_of_the_pair() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::InAConferenceCall, "PT1H"), at("09:00"));
    let effective = apply(&mut user, set("B", SessionPresence::Presenting, "PT1H"), at("09:00"));
    assert_eq!(effective.to_string(), "DoNotDisturb/Presenting");
    let effective = apply(&mut user, ClearSession::new("B"), at("09:00"));
    assert_eq!(effective.to_string(), "Busy/InAConferenceCall");
}

/// P1, U1: every preference and every session, also a session that ranks higher.
#[test]
fn a_preference_overrides_every_session() {
    let rows = [
        (PreferredPresence::Available, Presence::Available),
        (PreferredPresence::Busy, Presence::Busy),
        (PreferredPresence::DoNotDisturb, Presence::DoNotDisturb),
        (PreferredPresence::BeRightBack, Presence::BeRightBack),
        (PreferredPresence::Away, Presence::Away),
        (PreferredPresence::OffWork, Presence::OffWork),
    ];
    assert_eq!(rows.map(|(preferred, _)| preferred), PreferredPresence::ALL);
    for (preferred, effective) in rows {
        for (session, claim, face) in STATES {
            let mut user = PresenceModel::new();
            apply(&mut user, set("A", claim, "PT4H"), at(face));
            assert_eq!(user.presence(at("09:10")), session);
            assert_eq!(
                apply(&mut user, prefer(preferred, "P1D"), at("09:10")),
                effective,
                "over {session}"
            );
            assert_eq!(user.presence(at("12:59")), effective, "over {session}");
        }
    }
}

/// P4: it waits for a session, takes effect, and waits again.
#[test]
fn a_preference_takes_effect_only_while_a_session_exists() {
    let mut user = PresenceModel::new();
    assert_eq!(apply(&mut user, prefer(PreferredPresence::Busy, "P1D"), at("09:00")), Presence::Offline);
    assert_eq!(apply(&mut user, set("A", SessionPresence::Away, "PT5M"), at("10:00")), Presence::Busy);
    assert_eq!(user.presence(just_before(at("10:05"))), Presence::Busy);
    assert_eq!(user.presence(at("10:05")), Presence::Offline);
    assert_eq!(apply(&mut user, set("B", SessionPresence::Away, "PT5M"), at("11:00")), Presence::Busy);
    assert_eq!(apply(&mut user, ClearSession::new("B"), at("11:01")), Presence::Offline);
    assert!(user.preferred(at("11:01")).is_some());
}

/// P6: the sessions as they are then, not as they were when the preference was set.
#[test]
fn the_sessions_decide_again_when_the_preference_is_cleared() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    apply(&mut user, set("B", SessionPresence::Presenting, "PT1H"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Busy, "P1D"), at("09:00"));
    apply(&mut user, ClearSession::new("B"), at("09:01"));
    let cleared_at = |now| apply(&mut user.clone(), ClearPreferred, at(now));
    assert_eq!(cleared_at("09:04"), Presence::Available);
    assert_eq!(cleared_at("09:05"), Presence::AvailableInactive);
    assert_eq!(cleared_at("09:10"), Presence::Away);
    assert_eq!(cleared_at("10:00"), Presence::Offline);
}

/// P6, U3: the sessions as they are then.
#[test]
fn the_sessions_decide_again_when_the_preference_expires() {
    let mut user = PresenceModel::new();
    apply(&mut user, set("A", SessionPresence::Available, "PT1H"), at("09:00"));
    apply(&mut user, prefer(PreferredPresence::Busy, "PT5M"), at("09:00"));
    apply(&mut user, set("B", SessionPresence::Away, "PT4H"), at("09:01"));
    assert_eq!(user.presence(just_before(at("09:05"))), Presence::Busy);
    assert_eq!(user.presence(at("09:05")), Presence::AvailableInactive);
}
