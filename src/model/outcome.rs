use crate::presence::Presence;

/// The result of an update. Publish what [`changed`](Self::changed) returns: it is not reported again.
///
/// With the feature `serde`, it is written and read as `{"previous":…,"current":…}`.
///
/// ```
/// use presence_core::{Presence, PresenceModel, SessionPresence, SetSession, Timestamp};
///
/// let now = Timestamp::UNIX_EPOCH;
/// let mut ana = PresenceModel::new();
/// let call = SetSession::new("phone", SessionPresence::InACall);
/// assert_eq!(ana.apply(call, now)?.changed(), Some(Presence::InACall));
/// assert_eq!(ana.apply(call, now)?.changed(), None);
/// # Ok::<(), presence_core::CommandError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
#[must_use = "a change that is not published is lost"]
pub struct Outcome {
    /// The effective presence that the previous update reported.
    pub previous: Presence,
    /// The effective presence that this update reports.
    pub current: Presence,
}

impl Outcome {
    /// Returns the effective presence if it has changed, or `None`.
    #[must_use]
    pub fn changed(&self) -> Option<Presence> {
        (self.previous != self.current).then_some(self.current)
    }
}
