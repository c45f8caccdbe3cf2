//! What every public type can do, and that each is accounted for.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{self, Debug, Display, Write};
use std::hash::{BuildHasher, Hash};

use presence_core::{
    Activity, ActivityError, Availability, AvailabilityError, Change, ClearPreferred, ClearSession,
    Command, CommandError, ErrorCode, ExpirationError, Explanation, Forecast, InstantError, Outcome,
    Preferred, PreferredExpiration, PreferredPresence, PreferredPresenceError, Presence,
    PresenceDirectory, PresenceError, PresenceModel, Reason, Session, SessionExpiration,
    SessionPresence, SessionPresenceError, SetPreferred, SetSession, SignedDuration, Tick, Timestamp,
    UserHashBuilder, UserHasher, rfc3339,
};

fn travels<T: Send + Sync + Unpin + Debug + Clone>() {}
fn is_value<T: Send + Sync + Unpin + Debug + Clone + Eq + Hash>() {}
fn is_error<T: Error + Copy + Eq + Hash + Send + Sync + Unpin + 'static>() {}
fn is_word<T: Copy + Eq + Hash + Display + Send + Sync + Unpin>() {}

#[test]
fn every_type_can_be_sent_shared_cloned_and_shown() {
    travels::<PresenceDirectory<String, String>>();
    travels::<Forecast<'static, u64>>();
    travels::<UserHashBuilder>();
    travels::<UserHasher>();
    is_value::<PresenceModel<String>>();
    is_value::<Command<String>>();
    is_value::<SetSession<String>>();
    is_value::<ClearSession<String>>();
    is_value::<SetPreferred>();
    is_value::<ClearPreferred>();
    is_value::<Tick>();
    is_value::<Outcome>();
    is_value::<Change>();
    is_value::<Explanation<'static, String>>();
    is_value::<Reason<'static, String>>();
    is_value::<Session<'static, String>>();
    is_value::<Preferred>();
    is_value::<SessionPresence>();
    is_value::<PreferredPresence>();
}

/// It says nothing of its seed.
#[test]
fn a_hasher_is_shown_by_its_name() {
    assert_eq!(format!("{:?}", UserHashBuilder::default().build_hasher()), "UserHasher { .. }");
}

#[test]
fn users_have_hashes_of_their_own() {
    let hashes = UserHashBuilder::default();
    let of_numbers: BTreeSet<_> = (0..1_000_u64).map(|user| hashes.hash_one(user)).collect();
    let of_texts: BTreeSet<_> = (0..1_000).map(|user| hashes.hash_one(user.to_string())).collect();
    assert_eq!((of_numbers.len(), of_texts.len()), (1_000, 1_000));
}

#[test]
fn words_and_lifetimes_are_copied_and_printed() {
    is_word::<Presence>();
    is_word::<Availability>();
    is_word::<Activity>();
    is_word::<ErrorCode>();
    is_word::<SessionExpiration>();
    is_word::<PreferredExpiration>();
}

#[test]
fn every_error_is_an_error() {
    is_error::<CommandError>();
    is_error::<PresenceError>();
    is_error::<SessionPresenceError>();
    is_error::<PreferredPresenceError>();
    is_error::<AvailabilityError>();
    is_error::<ActivityError>();
    is_error::<ExpirationError>();
    is_error::<InstantError>();
}

/// Wherever the writer has no more room, the error is passed on.
#[test]
fn what_is_shown_tells_of_a_writer_that_fails() {
    let now = rfc3339::parse("2026-11-20T09:00:00.5Z").unwrap();
    let [waiting, preferring, faded] = explained(now);
    let later = now + SignedDuration::minutes(7);
    let texts: [&dyn Display; 7] = [
        &"P1DT2H3M4.05S".parse::<PreferredExpiration>().unwrap(),
        &"PT1H0.5S".parse::<SessionExpiration>().unwrap(),
        &rfc3339::display(now),
        &Presence::InACall,
        &waiting.explain(later),
        &preferring.explain(later),
        &faded.explain(later),
    ];
    for text in texts {
        let length = text.to_string().len();
        for room in 0..length {
            assert!(write!(Room(room), "{text}").is_err(), "{text} in {room} bytes");
        }
        assert!(write!(Room(length), "{text}").is_ok(), "{text}");
    }
}

/// A preference that waits, the same before two sessions, and those alone.
fn explained(now: Timestamp) -> [PresenceModel<u8>; 3] {
    let mut ana = PresenceModel::new();
    let _ = ana.apply(SetPreferred::new(PreferredPresence::Busy), now).unwrap();
    let waiting = ana.clone();
    for id in [1, 2] {
        let body = SetSession::new(id, SessionPresence::Available);
        let _ = ana.apply(body.with_expiration("PT1H".parse().unwrap()), now).unwrap();
    }
    let preferring = ana.clone();
    let _ = ana.apply(ClearPreferred, now).unwrap();
    [waiting, preferring, ana]
}

/// Takes so many bytes.
struct Room(usize);

impl Write for Room {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}

/// A name that is added has to be justified, and one that is dropped to be taken from the page.
#[test]
fn the_page_of_names_lists_just_what_is_public() {
    let exports = include_str!("../src/lib.rs")
        .split(';')
        .filter_map(|item| item.trim().strip_prefix("pub use "))
        .flat_map(|path| path.rsplit("::").next().unwrap().split([',', '{', '}']))
        .chain(include_str!("../src/lib.rs").lines().filter_map(|line| line.strip_prefix("pub mod ")))
        .map(|name| name.trim().trim_end_matches(';'))
        .filter(|name| !name.is_empty());
    let listed = include_str!("../src/docs/names.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .flat_map(|row| row.split('|').next().unwrap().split(','))
        .map(|name| name.trim().trim_matches('`'));
    assert_eq!(listed.collect::<BTreeSet<_>>(), exports.collect::<BTreeSet<_>>());
}
