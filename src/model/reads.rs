use core::iter::FusedIterator;

use time::Timestamp;

use crate::model::record::RecordSessions;
use crate::model::session::Phase;
use crate::model::{Forecast, Preferred, PresenceModel, Session};
use crate::presence::Presence;
use crate::text::nanoseconds;

/// Reads.
impl<S> PresenceModel<S> {
    /// Returns the effective presence at `now`.
    ///
    /// ```
    /// use presence_core::{
    ///     Presence, PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let hour = "PT1H".parse()?;
    /// let _ = ana.apply(SetSession::new(1, SessionPresence::Available).with_expiration(hour), now)?;
    /// let after = |minutes| ana.presence(now + SignedDuration::minutes(minutes));
    /// assert_eq!(
    ///     [after(4), after(5), after(10), after(60)],
    ///     [Presence::Available, Presence::AvailableInactive, Presence::Away, Presence::Offline]
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn presence(&self, now: Timestamp) -> Presence {
        let now = nanoseconds::from_timestamp(now);
        self.phase(now, now).presence
    }

    /// Returns when something next fades or expires if no command comes, whether or not that changes
    /// the effective presence.
    ///
    /// It is always after `now`. Returns `None` if no session and no preference is live.
    ///
    /// ```
    /// use presence_core::{PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let hour = "PT1H".parse()?;
    /// for (id, claim) in [("phone", SessionPresence::InACall), ("laptop", SessionPresence::Available)] {
    ///     let _ = ana.apply(SetSession::new(id, claim).with_expiration(hour), now)?;
    /// }
    /// // The laptop fades behind the call.
    /// assert_eq!(ana.deadline(now), Some(now + SignedDuration::minutes(5)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let now = nanoseconds::from_timestamp(now);
        self.phase(now, now).end.map(nanoseconds::to_timestamp)
    }

    /// Returns when nothing of the model is left if no command comes: the latest end of its sessions and
    /// its preference.
    ///
    /// It is always after `now`. Returns `None` if no session and no preference is live: a tick at `now`
    /// leaves the model empty, and may have Offline to report.
    ///
    /// A tick there reports the last change, so a store that publishes it can then forget the model: see
    /// [`docs::persistence`](crate::docs::persistence).
    ///
    /// ```
    /// use presence_core::{
    ///     PreferredPresence, PresenceModel, SessionPresence, SetPreferred, SetSession, SignedDuration,
    ///     Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let _ = ana.apply(SetSession::new(1, SessionPresence::Available), now)?;
    /// let _ = ana.apply(SetPreferred::new(PreferredPresence::Busy), now)?;
    /// // The preference outlives the session.
    /// assert_eq!(ana.deadline(now), Some(now + SignedDuration::minutes(5)));
    /// assert_eq!(ana.expires_at(now), Some(now + SignedDuration::DAY));
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        let ends = self.sessions(now).map(|session| session.expires_at);
        ends.chain(self.preferred(now).map(|preferred| preferred.expires_at)).max()
    }

    /// Returns the changes of the effective presence after `now` if no command comes, in order of
    /// time.
    ///
    /// To include refreshes that will come, apply them to a clone of the model.
    ///
    /// ```
    /// use presence_core::{
    ///     Availability, PresenceModel, SessionPresence, SetSession, SignedDuration, Timestamp,
    /// };
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::new();
    /// let _ = ana.apply(SetSession::new(1, SessionPresence::InACall), now)?;
    /// let free = ana.forecast(now).find(|change| change.presence.availability() != Availability::Busy);
    /// assert_eq!(free.map(|change| change.at), Some(now + SignedDuration::minutes(5)));
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn forecast(&self, now: Timestamp) -> Forecast<'_, S> {
        let now = nanoseconds::from_timestamp(now);
        Forecast { model: self, updated: now, phase: self.phase(now, now) }
    }

    /// Returns the sessions that are live at `now`, in the order of their ids.
    #[must_use]
    pub fn sessions(&self, now: Timestamp) -> Sessions<'_, S> {
        Sessions { record: self.record.sessions(), now: nanoseconds::from_timestamp(now) }
    }

    /// Returns the preference that is live at `now`, even if no session exists (rules
    /// [P4](crate::docs::rules#P4) and [U6](crate::docs::rules#U6)).
    ///
    /// ```
    /// use presence_core::{PreferredPresence, Presence, PresenceModel, SetPreferred, Timestamp};
    ///
    /// let now = Timestamp::UNIX_EPOCH;
    /// let mut ana = PresenceModel::<u64>::new();
    /// let _ = ana.apply(SetPreferred::new(PreferredPresence::Busy), now)?;
    /// assert_eq!(ana.preferred(now).unwrap().presence, PreferredPresence::Busy);
    /// assert_eq!(ana.presence(now), Presence::Offline);
    /// # Ok::<(), presence_core::CommandError>(())
    /// ```
    #[must_use]
    pub fn preferred(&self, now: Timestamp) -> Option<Preferred> {
        self.record.preference()?.view(nanoseconds::from_timestamp(now))
    }

    /// Returns the presence that the last update reported. A new model has reported Offline.
    #[inline]
    #[must_use]
    pub fn reported(&self) -> Presence {
        self.record.reported()
    }

    /// Returns whether the model equals a new one: it stores no session and no preference, and has
    /// reported Offline.
    ///
    /// What has expired is stored until the next update.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let is_stored = self.record.sessions().len() > 0 || self.record.preference().is_some();
        !is_stored && self.reported() == Presence::Offline
    }

    /// Aggregates at `now` (rules P1 to P5, S12 and U8), after an update at `updated`, which is not
    /// after `now`.
    #[inline]
    pub(crate) fn phase(&self, updated: i64, now: i64) -> Phase {
        let phases = self.record.sessions().filter_map(|(_, lease)| lease.clamped(updated).phase(now));
        let sessions = phases.reduce(Phase::beside);
        let preference = self.record.preference().and_then(|lease| lease.clamped(updated).phase(now));
        match (sessions, preference) {
            (None, None) => Phase { presence: Presence::Offline, end: None },
            (None, Some(preference)) => Phase { presence: Presence::Offline, ..preference },
            (Some(sessions), None) => sessions,
            (Some(sessions), Some(preference)) => {
                Phase { presence: preference.presence, ..sessions.beside(preference) }
            }
        }
    }
}

/// The live sessions of a user in the order of their ids, from [`PresenceModel::sessions`].
#[derive(Debug)]
pub struct Sessions<'a, S> {
    record: RecordSessions<'a, S>,
    now: i64,
}

impl<S> Clone for Sessions<'_, S> {
    fn clone(&self) -> Self {
        Self { record: self.record.clone(), now: self.now }
    }
}

impl<'a, S> Iterator for Sessions<'a, S> {
    type Item = Session<&'a S>;

    fn next(&mut self) -> Option<Self::Item> {
        self.record.find_map(|(id, lease)| lease.view(id, self.now))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.record.size_hint().1)
    }
}

impl<S> FusedIterator for Sessions<'_, S> {}
