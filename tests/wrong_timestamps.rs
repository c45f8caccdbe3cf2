//! T7: a wrong timestamp in a command or an insert concerns its own user only.

mod common;

use common::{at, set};
use presence_core::{
    Presence, PresenceDirectory, PresenceModel, SessionPresence, SignedDuration, Timestamp, timestamp,
};

const USERS: u32 = if cfg!(presence_small_shards) { 10 } else { 1_000 };
/// The user whose command has a wrong timestamp.
const OTHER: u32 = USERS;

type Users = PresenceDirectory<u32, u8>;

/// Lets time pass until a timestamp.
type Pass = fn(&mut Users, Timestamp);

/// The loops that people write.
const LOOPS: [(&str, Pass); 3] = [
    ("tick", tick),
    ("changes_until", |users, now| users.changes_until(now).for_each(drop)),
    ("tick at next_deadline", |users, now| {
        while let Some(deadline) = users.next_deadline().filter(|deadline| *deadline <= now) {
            tick(users, deadline);
        }
        tick(users, now);
    }),
];

fn tick(users: &mut Users, now: Timestamp) {
    while users.tick(now).is_some() {}
}

/// Timestamps that are wrong at 09:00.
fn wrong() -> [Timestamp; 9] {
    let nanosecond = SignedDuration::NANOSECOND;
    [
        timestamp::parse("1970-01-01T00:00:00Z").unwrap(),
        Timestamp::MIN,
        at("08:00"),
        at("08:58"),
        at("08:59") - nanosecond,
        at("09:01") + nanosecond,
        at("10:00"),
        timestamp::parse("2200-01-01T00:00:00Z").unwrap(),
        Timestamp::MAX,
    ]
}

#[test]
fn a_command_with_a_wrong_timestamp_takes_nobody_else_offline() {
    let other = set(7, SessionPresence::Available, "PT1H");
    for wrong in wrong() {
        for (name, pass) in LOOPS {
            assert_nobody_else_goes_offline(name, pass, wrong, |users| {
                let _ = users.apply(&OTHER, other, wrong).unwrap();
            });
        }
    }
}

#[test]
fn an_insert_with_a_wrong_timestamp_takes_nobody_else_offline() {
    for wrong in wrong() {
        for (name, pass) in LOOPS {
            for set_at in [at("09:00"), wrong] {
                assert_nobody_else_goes_offline(name, pass, wrong, |users| {
                    let mut model = PresenceModel::new();
                    let _ = model.apply(set(7, SessionPresence::InACall, "PT1H"), set_at).unwrap();
                    assert_eq!(users.insert(OTHER, model, wrong), None);
                });
            }
        }
    }
}

/// The loop runs before the wrong timestamp too, and other users are refreshed after it.
fn assert_nobody_else_goes_offline(name: &str, pass: Pass, wrong: Timestamp, err: impl Fn(&mut Users)) {
    for runs_before in [false, true] {
        let mut users = Users::new();
        for user in 0..USERS {
            let _ = users.apply(&user, set(7, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
        }
        if runs_before {
            pass(&mut users, at("09:00"));
        }
        err(&mut users);
        for now in ["09:01", "09:30", "09:59"] {
            pass(&mut users, at(now));
            for user in 0..USERS {
                let presence = users.presence(&user, at(now));
                assert_eq!(presence, Presence::InACall, "{user} at {now}: {name} after {wrong:?}");
                let reported = users.get(&user).map(PresenceModel::reported);
                assert_eq!(reported, Some(Presence::InACall), "{user} at {now}: {name} after {wrong:?}");
            }
        }
        // All are offline on time, the one with the wrong timestamp too.
        pass(&mut users, at("10:00"));
        assert!((0..USERS).all(|user| !users.contains(&user)), "{name} after {wrong:?}");
        pass(&mut users, at("11:00"));
        assert!(users.is_empty(), "{name} after {wrong:?}");
    }
}

/// A tick at a deadline is never a step of the clock, whatever timestamps came before.
#[test]
fn no_deadline_is_before_the_latest_timestamp() {
    for wrong in wrong() {
        let mut users = Users::new();
        let _ = users.apply(&1, set(7, SessionPresence::InACall, "PT1H"), at("09:00")).unwrap();
        let _ = users.apply(&OTHER, set(7, SessionPresence::InACall, "PT5M"), wrong).unwrap();
        let latest = wrong.max(at("09:00"));
        let last = Timestamp::from_nanoseconds(i64::MAX.into()).unwrap();
        while let Some(deadline) = users.next_deadline() {
            assert!(deadline >= latest.min(last), "{deadline:?} is before {latest:?}");
            tick(&mut users, deadline);
        }
        assert!(users.is_empty());
    }
}
