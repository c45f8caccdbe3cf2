//! What every public type can do, and that each is accounted for.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;

use presence_core::{
    Activity, ActivityError, Availability, AvailabilityError, Change, ClearPreferred, ClearSession,
    Command, CommandError, ErrorCode, ExpirationError, Explanation, Forecast, InstantError, Outcome,
    Preferred, PreferredExpiration, PreferredPresence, PreferredPresenceError, Presence,
    PresenceDirectory, PresenceError, PresenceModel, Reason, Session, SessionExpiration,
    SessionPresence, SessionPresenceError, SetPreferred, SetSession, Tick, UserHashBuilder, UserHasher,
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
