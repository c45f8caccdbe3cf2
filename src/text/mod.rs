//! Texts: names, the text forms of time, and the form in which time is computed.

pub(crate) mod duration;
pub(crate) mod name;
pub(crate) mod nanoseconds;
pub(crate) mod timestamp;
