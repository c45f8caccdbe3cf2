//! The serialized forms: Graph's bodies, what is read of a model, and snapshots.
//!
//! Values are read through the constructors that check them. The forms of the crate `time` are not
//! used, because they depend on features that other crates enable.

mod bodies;
mod body;
mod snapshot;
pub(crate) mod text;
mod views;

pub use self::body::{Body, BodyError};
