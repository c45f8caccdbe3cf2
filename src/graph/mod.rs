#![doc = include_str!("protocol.md")]

#[cfg(feature = "serde")]
mod body;
#[cfg(feature = "serde")]
mod catch;
#[cfg(feature = "serde")]
mod commands;
mod error;
#[cfg(feature = "serde")]
mod form;
#[cfg(feature = "serde")]
mod pairs;
mod presence;
mod query;

#[cfg(feature = "serde")]
pub use self::body::{Body, BodyError};
pub use self::error::{ErrorCode, GraphError};
pub use self::presence::{UserPresence, UserPresences};
pub use self::query::{GetPresencesByUserId, MAX_USER_IDS, TooManyUserIds};
