//! The traits of the public types, and the list of the public names.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{self, Debug, Display, Write};
use std::hash::{BuildHasher, Hash};
use std::iter::FusedIterator;
use std::slice;

use presence_core::graph::{
    ErrorCode, GetPresencesByUserId, GraphError, TooManyUserIds, UserPresence, UserPresences,
};
use presence_core::iter::{ChangesUntil, Forecast, IntoIter, Iter, Presences, Sessions};
use presence_core::{
    Activity, Availability, Change, ClearPreferred, ClearSession, Command, CommandError,
    ExpirationError, Explanation, Outcome, Preferred, PreferredExpiration, PreferredPresence, Presence,
    PresenceDirectory, PresenceError, PresenceModel, Reason, Session, SessionExpiration,
    SessionPresence, SetPreferred, SetSession, SignedDuration, Tick, Timestamp, TimestampError,
    UserHashBuilder, UserHasher, timestamp,
};

fn is_sent_and_shared<T: Send + Sync + Unpin + Debug>() {}
fn is_value<T: Send + Sync + Unpin + Debug + Clone + Eq + Hash>() {}
fn is_copied<T: Copy>() {}
fn is_error<T: Error + Copy + Eq + Hash + Send + Sync + Unpin + 'static>() {}
fn is_displayed<T: Copy + Eq + Hash + Display + Send + Sync + Unpin>() {}
fn is_iterator<T: FusedIterator + Send + Sync + Unpin + Debug>() {}

#[test]
fn every_type_can_be_sent_shared_and_debugged() {
    is_sent_and_shared::<PresenceDirectory<String, String>>();
    is_sent_and_shared::<UserHashBuilder>();
    is_sent_and_shared::<UserHasher>();
    is_sent_and_shared::<timestamp::Display>();
    is_value::<PresenceModel<String>>();
    is_value::<Command<String>>();
    is_value::<SetSession<String>>();
    is_value::<ClearSession<String>>();
    is_value::<SetPreferred>();
    is_value::<ClearPreferred>();
    is_value::<Tick>();
    is_value::<Outcome>();
    is_value::<Change>();
    is_value::<Explanation<String>>();
    is_value::<Explanation<&String>>();
    is_value::<Reason<String>>();
    is_value::<Session<String>>();
    is_value::<Preferred>();
    is_value::<GetPresencesByUserId<String>>();
    is_value::<UserPresence<String>>();
    is_value::<UserPresences<String>>();
    is_value::<GraphError>();
    is_copied::<Command<u64>>();
    is_copied::<Reason<&String>>();
    is_copied::<Session<&String>>();
    is_copied::<UserPresence<&String>>();
    is_copied::<timestamp::Display>();
}

#[test]
fn every_iterator_is_fused_and_can_be_debugged() {
    is_iterator::<Forecast<'static, u64>>();
    is_iterator::<Sessions<'static, u64>>();
    is_iterator::<Iter<'static, String, u64>>();
    is_iterator::<IntoIter<String, u64>>();
    is_iterator::<ChangesUntil<'static, String, u64>>();
    // It is as fused as the users that it is given.
    is_sent_and_shared::<Presences<'static, u64, u64, UserHashBuilder, slice::Iter<'static, u64>>>();
}

#[test]
fn iterators_and_directories_can_be_cloned() {
    fn is_cloned<T: Clone>() {}
    is_cloned::<PresenceDirectory<String, String>>();
    is_cloned::<UserHashBuilder>();
    is_cloned::<UserHasher>();
    is_cloned::<Forecast<'static, NotCloned>>();
    is_cloned::<Sessions<'static, NotCloned>>();
    is_cloned::<Iter<'static, NotCloned, NotCloned>>();
    is_cloned::<Presences<'static, u64, u64, UserHashBuilder, slice::Iter<'static, u64>>>();
}

/// An iterator that borrows needs no bounds to be cloned.
struct NotCloned;

/// It does not reveal its seed.
#[test]
fn a_hasher_is_debugged_by_its_name() {
    assert_eq!(format!("{:?}", UserHashBuilder::default().build_hasher()), "UserHasher { .. }");
}

#[test]
fn users_have_different_hashes() {
    let hashes = UserHashBuilder::default();
    let of_numbers: BTreeSet<_> = (0..1_000_u64).map(|user| hashes.hash_one(user)).collect();
    let of_texts: BTreeSet<_> = (0..1_000).map(|user| hashes.hash_one(user.to_string())).collect();
    assert_eq!((of_numbers.len(), of_texts.len()), (1_000, 1_000));
}

#[test]
fn words_pairs_and_lifetimes_are_copied_and_displayed() {
    is_displayed::<Presence>();
    is_displayed::<SessionPresence>();
    is_displayed::<PreferredPresence>();
    is_displayed::<Availability>();
    is_displayed::<Activity>();
    is_displayed::<ErrorCode>();
    is_displayed::<SessionExpiration>();
    is_displayed::<PreferredExpiration>();
}

#[test]
fn every_error_is_an_error() {
    is_error::<CommandError>();
    is_error::<PresenceError>();
    is_error::<ExpirationError>();
    is_error::<TimestampError>();
    is_error::<TooManyUserIds>();
}

/// The two types of the feature `serde`.
#[cfg(feature = "serde")]
#[test]
fn a_body_is_a_value_and_its_error_is_an_error() {
    use presence_core::graph::{Body, BodyError};

    fn is_error<T: Error + Clone + Eq + Hash + Send + Sync + Unpin + 'static>() {}
    fn is_compared<T: Send + Sync + Unpin + Debug + Clone + Eq>() {}
    is_error::<BodyError>();
    is_compared::<Body<SetSession<String>>>();
}

/// However many bytes fit.
#[test]
fn displaying_passes_the_errors_of_the_writer_on() {
    let now = timestamp::parse("2026-11-20T09:00:00.5Z").unwrap();
    let [waiting, preferred, faded] = models(now);
    let later = now + SignedDuration::minutes(7);
    let texts: [&dyn Display; 9] = [
        &"P1DT2H3M4.05S".parse::<PreferredExpiration>().unwrap(),
        &"PT1H0.5S".parse::<SessionExpiration>().unwrap(),
        &timestamp::display(now),
        &Presence::InACall,
        &SessionPresence::InACall,
        &PreferredPresence::OffWork,
        &waiting.explain(later),
        &preferred.explain(later),
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

/// Returns users with a preference, with a preference and two sessions, and with two sessions.
fn models(now: Timestamp) -> [PresenceModel<u8>; 3] {
    let mut ana = PresenceModel::new();
    let _ = ana.apply(SetPreferred::new(PreferredPresence::Busy), now).unwrap();
    let waiting = ana.clone();
    for id in [1, 2] {
        let body = SetSession::new(id, SessionPresence::Available);
        let _ = ana.apply(body.with_expiration("PT1H".parse().unwrap()), now).unwrap();
    }
    let preferred = ana.clone();
    let _ = ana.apply(ClearPreferred, now).unwrap();
    [waiting, preferred, ana]
}

/// A writer for this many bytes.
struct Room(usize);

impl Write for Room {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}

const LIB: &str = include_str!("../src/lib.rs");

/// Readers see them as one list.
#[test]
fn the_root_has_at_most_34_names() {
    let mut names = exports(LIB);
    names.retain(|name| *name != "Readme");
    assert!(names.len() <= 34, "{} names: {names:?}", names.len());
}

#[test]
fn the_guide_lists_every_page() {
    let listed: Vec<_> = LIB
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`docs::")?.split_once('`'))
        .map(|(page, _)| page)
        .collect();
    assert_eq!(listed, exports(include_str!("../src/docs/mod.rs")));
}

/// Returns the public names of a file, in order.
fn exports(source: &str) -> Vec<&str> {
    let items = source.split("\npub ").skip(1);
    let names = items.flat_map(|item| match item.split_once(' ').unwrap() {
        ("use", path) => {
            let path = path.split(';').next().unwrap();
            let names = path.rsplit("::").next().unwrap();
            names.split([',', '{', '}']).map(str::trim).filter(|name| !name.is_empty()).collect()
        }
        ("mod" | "struct", name) => vec![name.split([';', '<', ' ']).next().unwrap()],
        (other, _) => panic!("not a public name: {other}"),
    });
    names.collect()
}
