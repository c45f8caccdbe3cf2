//! Pages beside the reference.
/// Rules
pub mod rules {}
/// Time
pub mod time {}
/// Persistence
pub mod persistence {}
