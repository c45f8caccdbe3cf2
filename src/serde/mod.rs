//! The serialized forms of values, of what is read of a model, and of snapshots.
//!
//! Values are read through the constructors that check them. The forms of the crate `time` are not
//! used, because they depend on features that other crates enable.

mod snapshot;
pub(crate) mod text;
mod views;
