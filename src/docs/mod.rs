//! Pages beside the reference.

#[doc = include_str!("rules.md")]
pub mod rules {}

#[doc = include_str!("time.md")]
pub mod time {}

#[doc = include_str!("directories.md")]
pub mod directories {}

#[doc = include_str!("graph.md")]
pub mod graph {}

#[doc = include_str!("persistence.md")]
pub mod persistence {}

#[doc = include_str!("why.md")]
pub mod why {}

#[doc = include_str!("coming_from.md")]
pub mod coming_from {}

#[doc = include_str!("names.md")]
pub mod names {}
