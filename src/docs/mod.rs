//! The guide.

#[doc = include_str!("rules.md")]
///
/// # Pictures
///
/// The lane "Others see" is the effective presence of ana. A triangle is a request.
///
/// The life of a session that claims Available for 30 minutes. It is refreshed once, fades twice, and
/// expires (rules [S6](crate::docs::rules#S6), [S7](crate::docs::rules#S7) and [S9](crate::docs::rules#S9)):
///
#[doc = include_str!("pictures/session.svg")]
///
/// A preference over two sessions. It waits for a session, and while one exists it overrides all of them. When
/// it ends, the sessions are in effect as they are then (rules [P1](crate::docs::rules#P1),
/// [P4](crate::docs::rules#P4) and [P6](crate::docs::rules#P6)):
///
#[doc = include_str!("pictures/preference.svg")]
///
/// Appearing offline: the preferred OffWork is in effect while a session exists (rule
/// [U8](crate::docs::rules#U8)):
///
#[doc = include_str!("pictures/appear-offline.svg")]
pub mod rules {}

#[doc = include_str!("time.md")]
pub mod time {}

#[doc = include_str!("directories.md")]
pub mod directories {}

#[doc = include_str!("persistence.md")]
pub mod persistence {}

#[doc = include_str!("why.md")]
pub mod why {}

#[doc = include_str!("coming_from.md")]
pub mod coming_from {}
