#![doc = include_str!("../README.md")]
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
mod duration;
mod error;
mod explanation;
mod hasher;
mod instant;
mod model;
mod preferred;
mod presence;
mod queue;
pub mod rfc3339;
mod session;
mod sessions;
#[cfg(feature = "serde")]
mod snapshot;
mod stored;
#[cfg(feature = "serde")]
mod wire;

pub use time::{SignedDuration, Timestamp};

pub use crate::command::{ClearPreferred, ClearSession, Command, SetPreferred, SetSession, Tick};
pub use crate::directory::PresenceDirectory;
pub use crate::error::{
    ActivityError, AvailabilityError, CommandError, ErrorCode, ExpirationError, InstantError,
    PreferredPresenceError, PresenceError, SessionPresenceError,
};
pub use crate::explanation::{Explanation, Reason};
pub use crate::hasher::{UserHashBuilder, UserHasher};
pub use crate::model::{Change, Forecast, MAX_SESSIONS, Outcome, PresenceModel};
pub use crate::preferred::{Preferred, PreferredExpiration, PreferredPresence};
pub use crate::presence::{Activity, Availability, Presence};
pub use crate::session::{Session, SessionExpiration, SessionPresence};
