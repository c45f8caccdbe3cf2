//! TODO
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
pub use crate::directory::{PresenceDirectory, UserHashBuilder, UserHasher};
pub use crate::error::{ErrorCode, ExpirationError, PresenceError, TimestampError};
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

/// The text form of timestamps: `YYYY-MM-DDThh:mm:ss[.fraction]Z`, with 1 to 9 digits in the fraction.
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
