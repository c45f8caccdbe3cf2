//! Pages beside the reference.

#[doc = include_str!("why.md")]
pub mod why {}

#[doc = include_str!("coming_from.md")]
pub mod coming_from {}

#[doc = include_str!("names.md")]
pub mod names {}
