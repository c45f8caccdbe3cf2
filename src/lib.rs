//! Presence, such as "Available", "In a call" or "Away", by the rules that Microsoft Graph documents.
//!
//! - [`PresenceModel`] is one user: apply commands with a timestamp, and read the effective presence, what
//!   changed, and when to check next.
//! - [`PresenceDirectory`] is many users with one deadline.
//! - The commands are Graph's bodies: [`SetSession`], [`ClearSession`], [`SetPreferred`] and
//!   [`ClearPreferred`]. [`graph`] is the rest of Graph's protocol: bodies with typed errors, and answers.
//!
//! The crate has no clock, no threads and no I/O. Every call takes `now`; nothing is read from the outside.
//!
//! ```sh
//! cargo add presence-core --features std  # the feature is for `Timestamp::now()`
//! ```
//!
//! The minimum Rust version is 1.88. The crate is `no_std`: it needs `alloc`, and has no `unsafe` code.
//!
//! # One user
//!
//! ```
//! use presence_core::{Presence, PresenceModel, SessionPresence, SetSession, SignedDuration, timestamp};
//!
//! let nine = timestamp::parse("2026-11-20T09:00:00Z")?;
//! let mut ana = PresenceModel::new();
//! let outcome = ana.apply(SetSession::new("phone", SessionPresence::InACall), nine)?;
//! assert_eq!(outcome.changed(), Some(Presence::InACall)); // publish it
//!
//! let deadline = ana.deadline(nine).unwrap(); // tick then, unless the phone refreshes its session
//! assert_eq!(deadline, nine + SignedDuration::minutes(5));
//! assert_eq!(ana.tick(deadline).changed(), Some(Presence::Offline));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A server
//!
//! Many users are a [`PresenceDirectory`]. A server does six things in a loop:
//!
//! 1. Wait for a request, or for the next deadline.
//! 2. Read the clock, once for all that follows.
//! 3. Tick until no user has changed any more.
//! 4. Apply the command.
//! 5. Commit the models of these users, if you store them, and then publish the changes.
//! 6. Answer the request.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
//! use std::time::Duration;
//!
//! use presence_core::{Command, CommandError, Outcome, Presence, PresenceDirectory, Timestamp};
//!
//! struct Request {
//!     user: String,
//!     command: Command<String>,
//!     answer: Sender<Result<Outcome, CommandError>>,
//! }
//!
//! fn serve(requests: &Receiver<Request>, publish: impl Fn(&str, Presence)) {
//!     let mut users = PresenceDirectory::<String, String>::new();
//!     loop {
//!         let timeout = users.timeout(Timestamp::now(), Duration::from_secs(60));
//!         let request = requests.recv_timeout(timeout); // 1
//!         let now = Timestamp::now(); // 2
//!         while let Some((user, outcome)) = users.tick(now) {
//!             publish(&user, outcome.current); // 3, and 5 for these users
//!         }
//!         match request {
//!             Ok(Request { user, command, answer }) => {
//!                 let result = users.apply(user.as_str(), command, now); // 4
//!                 if let Some(presence) = result.ok().and_then(|outcome| outcome.changed()) {
//!                     publish(&user, presence); // 5
//!                 }
//!                 let _ = answer.send(result); // 6
//!             }
//!             Err(RecvTimeoutError::Timeout) => {}
//!             Err(RecvTimeoutError::Disconnected) => return,
//!         }
//!     }
//! }
//! # }
//! ```
//!
//! [`docs::directories`] says more about the loop, and [`docs::persistence`] has the same loop with a store.
//!
//! # Guide
//!
//! | page | answers |
//! |---|---|
//! | [`docs::rules`] | What does it do, exactly? |
//! | [`docs::time`] | Which `now` do I pass, and when do I tick? |
//! | [`docs::directories`] | How do I build a server? |
//! | [`graph`] | How do I speak Graph's protocol? |
//! | [`docs::persistence`] | How do I store it, and restore it? |
//! | [`docs::why`] | Why is it built this way? |
//! | [`docs::coming_from`] | What is it called in Graph, XMPP, SIP or a status column? |
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `serde` | yes | Graph's bodies, snapshots of models, and the form of everything that is read |
//! | `std` | no | `Timestamp::now()`, and conversions from `std::time::SystemTime` |
//!
//! If the compiler finds no associated function `now` for `Timestamp`, the feature `std` is missing. Its message does not
//! say so.
//!
//! # Without an operating system
//!
//! On a Cortex-M4 (`thumbv7em-none-eabi`), with `lto = true`, without the feature `serde`, and with numbers of 32 bits
//! as ids, the commands and reads of the crate take about:
//!
//! | | code, `opt-level = "z"` | code, `opt-level = "s"` | heap |
//! |---|---|---|---|
//! | a model | 13 kB | 20 kB | none for up to two sessions, or for a preference alone; otherwise one block for the sessions |
//! | a directory | 50 kB | 60 kB | none if it is empty, 484 bytes for one user, 105 to 150 bytes a user for 10 to 10,000 users (on 64 bits) |
//!
//! A model links in no panics but those about memory. A directory also links in checks that fail only if the crate is
//! wrong: of its own indices, of the standard library's ordered maps, vectors and sorting, and of `hashbrown`.
//!
//! # Stability
//!
//! Before 1.0 a minor version may change any public name; after that, only a major version. Enums and structs that
//! Graph may add to are `#[non_exhaustive]`. Every snapshot that a release has written is read by all
//! later ones. Minor versions may raise the minimum Rust version.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::todo,
    clippy::unimplemented,
    clippy::unreachable,
    clippy::unwrap_used
)]

extern crate alloc;

mod command;
mod directory;
pub mod docs;
mod error;
mod expiration;
mod fading;
pub mod graph;
mod model;
mod presence;
#[cfg(feature = "serde")]
mod serde;
mod text;
mod vocabulary;

pub use time::{SignedDuration, Timestamp};

pub use crate::command::{
    ClearPreferred, ClearSession, Command, CommandError, MAX_SESSIONS, SetPreferred, SetSession, Tick,
};
pub use crate::directory::{PresenceDirectory, UserHashBuilder, UserHasher};
pub use crate::error::{ExpirationError, TimestampError};
pub use crate::expiration::{PreferredExpiration, SessionExpiration};
pub use crate::model::{Change, Explanation, Outcome, Preferred, PresenceModel, Reason, Session};
pub use crate::presence::{PreferredPresence, Presence, PresenceError, SessionPresence};
pub use crate::vocabulary::{Activity, Availability};

/// The iterators of models and directories.
pub mod iter {
    pub use crate::directory::{ChangesUntil, IntoIter, Iter, Presences};
    pub use crate::model::{Forecast, Sessions};
}

/// Tests the code of the README.
#[cfg(all(doctest, feature = "serde", feature = "std"))]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The text form of timestamps: RFC 3339.
///
/// [`Timestamp`] itself displays as seconds since 1970 and does not parse. Use these functions.
///
/// What RFC 3339 allows is read, except a second 60: any offset from UTC, and letters in either case. One
/// form is written: `YYYY-MM-DDThh:mm:ss[.fraction]Z`, with 1 to 9 digits in the fraction. With the
/// feature `serde`, the module can be named in `#[serde(with = "presence_core::timestamp")]`: timestamps are then
/// text in human-readable formats, and nanoseconds since 1970 in others.
///
/// ```
/// use presence_core::timestamp;
///
/// let at = timestamp::parse("2026-11-20T09:00:00.250Z")?;
/// assert_eq!(at.as_milliseconds(), 1_795_165_200_250);
/// assert_eq!(timestamp::display(at).to_string(), "2026-11-20T09:00:00.25Z");
/// assert_eq!(timestamp::parse("2026-11-20T10:00:00.250+01:00"), Ok(at));
/// # Ok::<(), presence_core::TimestampError>(())
/// ```
pub mod timestamp {
    #[cfg(feature = "serde")]
    pub use crate::serde::text::{deserialize, serialize};
    pub use crate::text::timestamp::{Display, display, parse};
}
