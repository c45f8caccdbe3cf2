use core::iter::FusedIterator;
use core::mem;

use time::Timestamp;

use crate::model::PresenceModel;
use crate::model::session::Phase;
use crate::presence::Presence;
use crate::text::nanoseconds;

/// The changes of the effective presence if no command comes, from [`PresenceModel::forecast`].
///
/// ```
/// use presence_core::{Presence, PresenceModel, SessionPresence, SetSession, Timestamp};
///
/// let now = Timestamp::UNIX_EPOCH;
/// let mut ana = PresenceModel::new();
/// let hour = "PT1H".parse()?;
/// let _ = ana.apply(SetSession::new(1, SessionPresence::Available).with_expiration(hour), now)?;
/// let future: Vec<_> =
///     ana.forecast(now).map(|change| (change.at.as_seconds() / 60, change.presence)).collect();
/// assert_eq!(
///     future,
///     [(5, Presence::AvailableInactive), (10, Presence::Away), (60, Presence::Offline)]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Forecast<'a, S> {
    pub(super) model: &'a PresenceModel<S>,
    pub(super) updated: i64,
    pub(super) phase: Phase,
}

impl<S> Clone for Forecast<'_, S> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<S> Iterator for Forecast<'_, S> {
    type Item = Change;

    fn next(&mut self) -> Option<Change> {
        loop {
            let at = self.phase.end?;
            let next = self.model.phase(self.updated, at);
            let previous = mem::replace(&mut self.phase, next);
            if next.presence != previous.presence {
                return Some(Change { at: nanoseconds::to_timestamp(at), presence: next.presence });
            }
        }
    }
}

impl<S> FusedIterator for Forecast<'_, S> {}

/// A change of the effective presence.
///
/// With the feature `serde`, it is written and read as
/// `{"at":"2026-11-20T09:05:00Z","availability":"Away","activity":"Away"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Change {
    /// The first timestamp at which the presence is in effect.
    pub at: Timestamp,
    /// The new effective presence.
    pub presence: Presence,
}
