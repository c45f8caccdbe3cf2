//! Directories under odd ids and under the extremes of time.

mod common;

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use common::{at, nanosecond, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, Command, PreferredPresence, Presence, PresenceDirectory,
    PresenceModel, SessionPresence, SignedDuration, Tick, Timestamp,
};

#[test]
fn empty_and_huge_strings_are_users_and_sessions_like_any_other() {
    let huge = "a".repeat(1 << 20);
    let longer = format!("{huge}a");
    let ids = ["", "\0", " ", "A", "a", "\u{e9}", "e\u{301}", huge.as_str(), longer.as_str()];
    let mut users = PresenceDirectory::<String, String>::new();
    for (index, user) in ids.into_iter().enumerate() {
        for session in [ids[index], ids[0]] {
            let call = set(session.to_owned(), SessionPresence::InACall, "PT1H");
            let _ = users.apply(user, call, at("09:00")).unwrap();
        }
    }
    assert_eq!(users.len(), ids.len());
    for (index, user) in ids.into_iter().enumerate() {
        let mut sessions = vec![ids[0], ids[index]];
        sessions.dedup();
        let model = users.get(user).unwrap();
        assert!(model.sessions(at("09:00")).map(|session| session.id.as_str()).eq(sessions));
    }
    let _ = users.apply(&huge, ClearSession::new(huge.clone()), at("09:01")).unwrap();
    let _ = users.apply(&huge, ClearSession::new(String::new()), at("09:01")).unwrap();
    assert!(!users.contains(&huge));
    assert_eq!(users.presence(&longer, at("09:01")), Presence::InACall);

    let mut sorted: Vec<_> = ids.into_iter().filter(|id| *id != huge).collect();
    sorted.sort_unstable();
    let changes: Vec<_> = users.changes_until(at("10:00")).map(|(_, user, _)| user).collect();
    assert_eq!(changes, sorted);
}

/// All ids are equal, so there is one user with one session.
#[test]
fn ids_without_a_value_are_one_user() {
    let mut users = PresenceDirectory::<(), ()>::new();
    for claim in [SessionPresence::Away, SessionPresence::InACall] {
        let _ = users.apply(&(), set((), claim, "PT1H"), at("09:00")).unwrap();
    }
    assert_eq!((users.len(), users.presence(&(), at("09:00"))), (1, Presence::InACall));
    let _ = users.apply(&(), ClearSession::new(()), at("09:01")).unwrap();
    assert!(users.is_empty());
}

/// An id whose hash is that of all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Alike(u64);

impl Hash for Alike {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// O1: also with a thousand collisions, and after most of them have left.
#[test]
fn users_with_equal_hashes_are_different_users() {
    let mut users = PresenceDirectory::<Alike, u8>::new();
    let mut expected: Vec<u64> = (0..1_000).map(|user| user * 7_919 % 1_000).collect();
    for user in &expected {
        let _ = users.apply(&Alike(*user), set(0, SessionPresence::Away, "PT1H"), at("09:00")).unwrap();
    }
    assert_eq!(users.len(), 1_000);
    for user in (0..1_000).filter(|user| user % 10 != 3) {
        assert!(users.remove(&Alike(user)).is_some(), "{user}");
        assert!(!users.contains(&Alike(user)), "{user}");
    }
    expected.retain(|user| user % 10 == 3);
    expected.sort_unstable();
    let changes: Vec<_> = users.changes_until(at("10:00")).map(|(_, user, _)| user.0).collect();
    assert_eq!(changes, expected);
    assert!(users.is_empty());
}

/// An id with a borrowed form of another type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Name(Box<str>);

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[test]
fn users_are_read_by_any_borrowed_form_of_their_ids() {
    let mut users = PresenceDirectory::<Name, u8>::new();
    let ana = Name("ana".into());
    let _ = users.apply(&ana, set(0, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
    assert_eq!(users.presence("ana", at("09:00")), Presence::InACall);
    assert_eq!(users.explain("ana", at("09:00")).presence, Presence::InACall);
    assert!(users.contains("ana") && users.get("ana").is_some() && users.get("bob").is_none());
    assert!(users.remove("ana").is_some() && users.is_empty());
}

const MIDDLE: i64 = 1_795_165_200_000_000_000;

/// Around both ends of 64 bits, both sides of 1970, and the day of all clock faces.
const NANOSECONDS: [i64; 11] = [
    i64::MIN,
    i64::MIN + 1,
    i64::MIN + 60_000_000_000,
    -1,
    0,
    1,
    MIDDLE,
    i64::MAX - 14_400_000_000_000,
    i64::MAX - 300_000_000_000,
    i64::MAX - 1,
    i64::MAX,
];

fn extremes() -> impl Iterator<Item = Timestamp> + Clone {
    let inside = NANOSECONDS.into_iter().map(nanosecond);
    [Timestamp::MIN].into_iter().chain(inside).chain([Timestamp::MAX])
}

type Users = PresenceDirectory<u8, u8>;

/// The calls that take a `now`.
const CALLS: [fn(&mut Users, Timestamp); 14] = [
    |users, now| apply(users, 1, set(0, SessionPresence::Available, "PT4H"), now),
    |users, now| apply(users, 1, set(1, SessionPresence::InACall, "PT5M"), now),
    |users, now| apply(users, 2, prefer(PreferredPresence::Busy, "P9999999D"), now),
    |users, now| apply(users, 1, ClearSession::new(0), now),
    |users, now| apply(users, 1, ClearPreferred, now),
    |users, now| apply(users, 1, Tick, now),
    |users, now| {
        let _ = users.tick(now);
    },
    |users, now| while users.tick(now).is_some() {},
    |users, now| {
        let _ = users.changes_until(now).next();
    },
    |users, now| {
        let _ = users.changes_until(now).count();
    },
    |users, now| drop(users.insert(3, stored(now), now)),
    |users, now| drop(users.insert(1, stored(at("09:00")), now)),
    |users, now| {
        let model = users.remove(&1).unwrap_or_default();
        drop(users.insert(2, model, now));
    },
    |users, now| drop(users.insert(1, PresenceModel::new(), now)),
];

/// Applies a command that may be rejected.
fn apply(users: &mut Users, user: u8, command: impl Into<Command<u8>>, now: Timestamp) {
    let _ = users.apply(&user, command, now);
}

/// A model of a session and a preference.
fn stored(now: Timestamp) -> PresenceModel<u8> {
    let mut model = PresenceModel::new();
    let _ = model.apply(set(0, SessionPresence::Presenting, "PT4H"), now).unwrap();
    let _ = model.apply(prefer(PreferredPresence::Away, "PT1H"), now).unwrap();
    model
}

/// T5, T6: no pair of calls at extreme timestamps panics, and none keeps a user online: from the next
/// tick on, every session is gone after 4 hours.
#[test]
fn no_pair_of_calls_at_extreme_timestamps_keeps_a_user_online() {
    for first in extremes() {
        for second in extremes() {
            for (number, call) in CALLS.iter().enumerate() {
                for (next, next_call) in CALLS.iter().enumerate() {
                    let mut users = Users::new();
                    call(&mut users, first);
                    next_call(&mut users, second);
                    let case = || format!("calls {number} at {first:?} and {next} at {second:?}");
                    assert_recovers(users, &case);
                }
            }
        }
    }
}

fn assert_recovers(mut users: Users, case: &dyn Fn() -> String) {
    for minutes in [0, 2, 4] {
        let now = nanosecond(MIDDLE) + SignedDuration::minutes(minutes);
        while users.tick(now).is_some() {}
        assert!(users.next_deadline().is_none_or(|next| next > now), "{}", case());
    }
    let end = nanosecond(MIDDLE) + SignedDuration::hours(4) + SignedDuration::minutes(4);
    while users.tick(end).is_some() {}
    for (user, model) in &users {
        assert_eq!(model.sessions(end).count(), 0, "{user} after {}", case());
        assert_eq!(model.reported(), Presence::Offline, "{user} after {}", case());
    }
}

/// T3: reads at any timestamp, after updates at any timestamp, change nothing and agree.
#[test]
fn reads_at_extreme_timestamps_agree_with_the_models() {
    for updated in extremes() {
        let mut users = Users::new();
        for call in CALLS {
            call(&mut users, updated);
            let before = users.clone();
            for now in extremes() {
                for user in 0..5 {
                    let model = users.get(&user).cloned().unwrap_or_default();
                    assert_eq!(users.presence(&user, now), model.presence(now), "{updated:?}, {now:?}");
                    assert_eq!(users.explain(&user, now), model.explain(now), "{updated:?}, {now:?}");
                }
                assert_eq!(users.timeout(now, Duration::ZERO), Duration::ZERO);
                let waits = users.timeout(now, Duration::MAX) < Duration::MAX;
                assert_eq!(waits, users.next_deadline().is_some());
            }
            assert!(users.iter().all(|(user, model)| before.get(user) == Some(model)));
            assert_eq!(users.next_deadline(), before.next_deadline());
        }
    }
}

/// T6: a command whose effect would end at its start is accepted.
#[test]
fn nothing_is_stored_at_the_last_timestamp() {
    for last in [nanosecond(i64::MAX), Timestamp::MAX] {
        let mut users = Users::new();
        let outcome = users.apply(&1, set(0, SessionPresence::InACall, "PT1H"), last).unwrap();
        assert_eq!((outcome.previous, outcome.current), (Presence::Offline, Presence::Offline));
        let outcome = users.apply(&1, prefer(PreferredPresence::Busy, "P1D"), last).unwrap();
        assert_eq!((outcome.previous, outcome.current), (Presence::Offline, Presence::Offline));
        assert_eq!(users.insert(2, stored(at("09:00")), last), None);
        assert_eq!(users.next_deadline(), Some(nanosecond(i64::MAX)), "it has to be reported");
        let (user, outcome) = users.tick(last).unwrap();
        assert_eq!((user, outcome.current), (2, Presence::Offline));
        assert_eq!((users.tick(last), users.next_deadline(), users.len()), (None, None, 0));
    }
}

/// T6: sessions start, move and end there.
#[test]
fn the_first_timestamp_is_like_any_other() {
    for first in [nanosecond(i64::MIN), Timestamp::MIN] {
        let mut users = Users::new();
        let outcome = users.apply(&1, set(0, SessionPresence::InACall, "PT1H"), first).unwrap();
        assert_eq!(outcome.current, Presence::InACall);
        assert_eq!(users.insert(2, stored(at("09:00")), first), None);
        assert_eq!(users.tick(first), None, "the second was inserted as it was reported");
        let end = nanosecond(i64::MIN) + SignedDuration::HOUR;
        assert_eq!(users.next_deadline(), Some(end));
        let changes = users.changes_until(end).map(|(at, user, outcome)| (at, user, outcome.current));
        let expected = [(end, 1, Presence::Offline), (end, 2, Presence::Presenting)];
        assert_eq!(changes.collect::<Vec<_>>(), expected);
    }
}
