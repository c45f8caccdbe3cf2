//! Presence, such as "Available", "In a call" or "Away", by the rules that Microsoft Graph documents.
//!
//! - [`PresenceModel`] is one user: apply commands with a timestamp, and read the effective presence, what
//!   changed, and when to check next.
//! - [`PresenceDirectory`] is many users with one deadline.
//! - The commands are Graph's bodies: [`SetSession`], [`ClearSession`], [`SetPreferred`] and
//!   [`ClearPreferred`]. Read them as `Body`, which returns typed errors.
//!
//! The crate has no clock, no threads and no I/O. Every call takes `now`; nothing is read from the outside.
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
//! # Guide
//!
//! | page | answers |
//! |---|---|
//! | [`docs::rules`] | What does it do, exactly? |
//! | [`docs::time`] | Which `now` do I pass, and when do I tick? |
//! | [`docs::directories`] | How do I build a server? |
//! | [`docs::graph`] | How do I speak Graph's protocol? |
//! | [`docs::persistence`] | How do I store it, and restore it? |
//! | [`docs::why`] | Why is it built this way? |
//! | [`docs::coming_from`] | What is it called in Graph, XMPP, SIP or a status column? |
//! | [`docs::names`] | What is each public name for? |
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `serde` | yes | Graph's bodies, snapshots of models, and the form of everything that is read |
//! | `std` | no | `Timestamp::now()`, and conversions from `std::time::SystemTime` |
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
pub mod directory;
pub mod docs;
mod error;
mod expiration;
mod fading;
mod model;
mod presence;
mod query;
#[cfg(feature = "serde")]
mod serde;
mod text;
mod vocabulary;

pub use time::{SignedDuration, Timestamp};

pub use crate::command::{
    ClearPreferred, ClearSession, Command, CommandError, MAX_SESSIONS, SetPreferred, SetSession, Tick,
};
#[doc(inline)]
pub use crate::directory::{PresenceDirectory, UserHashBuilder, UserHasher};
pub use crate::error::{ErrorCode, ExpirationError, GraphError, PresenceError, TimestampError};
pub use crate::expiration::{PreferredExpiration, SessionExpiration};
pub use crate::model::{
    Change, Explanation, Forecast, Outcome, Preferred, PresenceModel, Reason, Session, Sessions,
};
pub use crate::presence::{PreferredPresence, Presence, SessionPresence};
pub use crate::query::{
    GetPresencesByUserId, MAX_USER_IDS, TooManyUserIds, UserPresence, UserPresences,
};
#[cfg(feature = "serde")]
pub use crate::serde::{Body, BodyError};
pub use crate::vocabulary::{Activity, ActivityError, Availability, AvailabilityError};

/// Tests the code of the README.
#[cfg(all(doctest, feature = "serde", feature = "std"))]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The text form of timestamps: `YYYY-MM-DDThh:mm:ss[.fraction]Z`, with 1 to 9 digits in the fraction.
///
/// [`Timestamp`] itself displays as seconds since 1970 and does not parse. Use these functions.
///
/// It is the part of RFC 3339 in which a timestamp has one form: capitals, no offset, no second 60.
/// With the feature `serde`, the module can be named in `#[serde(with = "presence_core::timestamp")]`.
///
/// ```
/// use presence_core::timestamp;
///
/// let at = timestamp::parse("2026-11-20T09:00:00.250Z")?;
/// assert_eq!(at.as_milliseconds(), 1_795_165_200_250);
/// assert_eq!(timestamp::display(at).to_string(), "2026-11-20T09:00:00.25Z");
/// # Ok::<(), presence_core::TimestampError>(())
/// ```
pub mod timestamp {
    #[cfg(feature = "serde")]
    pub use crate::serde::text::{deserialize, serialize};
    pub use crate::text::timestamp::{Display, display, parse};
}
