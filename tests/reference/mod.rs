//! A second implementation of the rules, by brute force and from their text alone.
//!
//! It stores the history and nothing else: every update with its timestamp. Each answer is computed
//! from the whole history.

#![allow(dead_code, reason = "no test file uses all of it")]

pub(crate) mod histories;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::mem;

use presence_core::{
    Command, CommandError, Outcome, Preferred, PreferredPresence, Presence, PresenceModel, Session,
    SessionPresence, SignedDuration, Tick, Timestamp,
};

/// P2, P5: what sessions can show, weakest first.
const PRECEDENCE: [Presence; 6] = [
    Presence::Away,
    Presence::AvailableInactive,
    Presence::Available,
    Presence::InACall,
    Presence::InAConferenceCall,
    Presence::Presenting,
];

/// S7: in nanoseconds, like all numbers here.
const INACTIVE_AFTER: i128 = 5 * 60_000_000_000;
const AWAY_AFTER: i128 = 10 * 60_000_000_000;

/// Not specified by Graph: a 129th live session is rejected.
const MAX_SESSIONS: usize = 128;

/// The history of one user.
#[derive(Debug, Clone)]
pub(crate) struct Reference<S> {
    updates: Vec<(i128, Command<S>)>,
}

/// A live session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LiveSession<S> {
    pub(crate) id: S,
    pub(crate) claim: SessionPresence,
    pub(crate) presence: Presence,
    pub(crate) since: i128,
    pub(crate) expires_at: i128,
}

/// A live preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LivePreference {
    pub(crate) presence: PreferredPresence,
    pub(crate) since: i128,
    pub(crate) expires_at: i128,
}

impl<S: Clone + Ord + Debug> Reference<S> {
    pub(crate) fn new() -> Self {
        Self { updates: Vec::new() }
    }

    /// Adds a command to the history, unless it is rejected (T4).
    pub(crate) fn apply(&mut self, command: Command<S>, now: Timestamp) -> Result<(), CommandError> {
        if let Some(error) = self.rejection(&command, now) {
            return Err(error);
        }
        self.updates.push((nanoseconds(now), command));
        Ok(())
    }

    /// S11, T2: a session that has expired at `now` is not found. The limit counts live sessions only.
    fn rejection(&self, command: &Command<S>, now: Timestamp) -> Option<CommandError> {
        let live: BTreeSet<S> = self.sessions(now).into_iter().map(|session| session.id).collect();
        match command {
            Command::ClearSession(body) if !live.contains(&body.session_id) => {
                Some(CommandError::SessionNotFound)
            }
            Command::SetSession(body)
                if live.len() >= MAX_SESSIONS && !live.contains(&body.session_id) =>
            {
                Some(CommandError::TooManySessions)
            }
            _ => None,
        }
    }

    /// S3, S9, S10: of the commands that name a session, the last one counts.
    pub(crate) fn sessions(&self, now: Timestamp) -> Vec<LiveSession<S>> {
        let ids: BTreeSet<&S> =
            self.updates.iter().filter_map(|(_, command)| session_id(command)).collect();
        let live = ids.into_iter().filter_map(|id| {
            let set = self.updates.iter().rposition(|(_, command)| session_id(command) == Some(id))?;
            let Command::SetSession(body) = &self.updates[set].1 else { return None };
            let (since, expires_at) = self.life(set, body.expiration.duration(), now)?;
            let presence = faded(body.claim, nanoseconds(now) - since);
            Some(LiveSession { id: id.clone(), claim: body.claim, presence, since, expires_at })
        });
        live.collect()
    }

    /// U4, U5, U6: of the commands about the preference, the last one counts.
    pub(crate) fn preferred(&self, now: Timestamp) -> Option<LivePreference> {
        let is_about =
            |command: &_| matches!(command, Command::SetPreferred(_) | Command::ClearPreferred(_));
        let set = self.updates.iter().rposition(|(_, command)| is_about(command))?;
        let Command::SetPreferred(body) = self.updates[set].1 else { return None };
        let (since, expires_at) = self.life(set, body.expiration.duration(), now)?;
        Some(LivePreference { presence: body.presence, since, expires_at })
    }

    /// Returns the start and the end of what update number `set` has set, unless it has ended by `now`.
    ///
    /// S6, T1: it has ended at its end. T5: each update moves a start in its future back, and the end
    /// with it; what has ended at an update stays ended. A read is like an update of a copy. T6: the end
    /// saturates, and what would end at its start is not stored.
    fn life(&self, set: usize, lifetime: SignedDuration, now: Timestamp) -> Option<(i128, i128)> {
        let mut since = self.updates[set].0;
        let lifetime = (since + lifetime.whole_nanoseconds()).min(i64::MAX.into()) - since;
        let updates = self.updates[set..].iter().map(|(updated, _)| *updated);
        for updated in updates.chain([nanoseconds(now)]) {
            since = since.min(updated);
            if updated >= since + lifetime {
                return None;
            }
        }
        Some((since, since + lifetime))
    }

    /// S12, P4: Offline without a session. P1: the preference first. P2, P3, P5: then the strongest session.
    pub(crate) fn presence(&self, now: Timestamp) -> Presence {
        let sessions = self.sessions(now).into_iter().map(|session| session.presence);
        let rank = |presence: &Presence| PRECEDENCE.iter().position(|ranked| ranked == presence);
        match (sessions.max_by_key(rank), self.preferred(now)) {
            (None, _) => Presence::Offline,
            (Some(_), Some(preferred)) => preferred.presence.into(),
            (Some(strongest), None) => strongest,
        }
    }

    /// Returns the timestamps after `now` at which anything fades or ends if no command comes.
    fn boundaries(&self, now: Timestamp) -> BTreeSet<Timestamp> {
        let mut boundaries = BTreeSet::new();
        for session in self.sessions(now) {
            boundaries.insert(session.expires_at);
            if session.claim == SessionPresence::Available {
                let fades = [session.since + INACTIVE_AFTER, session.since + AWAY_AFTER];
                boundaries.extend(fades.into_iter().filter(|fade| *fade < session.expires_at));
            }
        }
        boundaries.extend(self.preferred(now).map(|preferred| preferred.expires_at));
        boundaries.into_iter().filter(|at| *at > nanoseconds(now)).map(timestamp).collect()
    }

    /// Returns when something next fades or ends, whether or not that changes the effective presence.
    pub(crate) fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.boundaries(now).first().copied()
    }

    /// Returns when the last session or preference ends.
    pub(crate) fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.boundaries(now).last().copied()
    }

    /// Returns the changes of the effective presence after `now` if no command comes.
    pub(crate) fn forecast(&self, now: Timestamp) -> Vec<(Timestamp, Presence)> {
        let mut ticked = self.clone();
        ticked.updates.push((nanoseconds(now), Tick.into()));
        let mut current = self.presence(now);
        let phases = self.boundaries(now).into_iter().map(|at| (at, ticked.presence(at)));
        phases.filter(|(_, presence)| mem::replace(&mut current, *presence) != *presence).collect()
    }

    /// Returns the presence that the last update reported.
    pub(crate) fn reported(&self) -> Presence {
        self.updates.last().map_or(Presence::Offline, |(now, _)| self.presence(timestamp(*now)))
    }

    /// Returns whether the last update has left nothing.
    pub(crate) fn is_empty(&self) -> bool {
        let Some(now) = self.updates.last().map(|(now, _)| timestamp(*now)) else { return true };
        self.sessions(now).is_empty() && self.preferred(now).is_none()
    }

    /// Applies a command to a model and to the reference, and compares the results and all reads.
    pub(crate) fn apply_to_both(
        &mut self,
        user: &mut PresenceModel<S>,
        command: Command<S>,
        now: Timestamp,
    ) -> Result<Outcome, CommandError> {
        let previous = self.reported();
        let expected = self.apply(command.clone(), now);
        let actual = user.apply(command, now);
        assert_eq!(actual.map(drop), expected, "whether it is rejected at {now:?}");
        self.assert_reads_agree(user, now);
        if let Ok(outcome) = actual {
            assert_eq!(outcome.previous, previous, "what was reported before {now:?}");
            assert_eq!(outcome.current, user.presence(now), "the outcome at {now:?}");
        }
        actual
    }

    /// Compares every read of a model at `now`.
    pub(crate) fn assert_reads_agree(&self, user: &PresenceModel<S>, now: Timestamp) {
        assert_eq!(user.presence(now), self.presence(now), "the presence at {now:?}");
        assert_eq!(user.deadline(now), self.deadline(now), "the deadline at {now:?}");
        assert_eq!(user.expires_at(now), self.expires_at(now), "when nothing is left at {now:?}");
        let forecast: Vec<_> = user.forecast(now).map(|change| (change.at, change.presence)).collect();
        assert_eq!(forecast, self.forecast(now), "the forecast at {now:?}");
        let sessions: Vec<_> = user.sessions(now).map(LiveSession::from).collect();
        assert_eq!(sessions, self.sessions(now), "the sessions at {now:?}");
        let preferred = user.preferred(now).map(LivePreference::from);
        assert_eq!(preferred, self.preferred(now), "the preference at {now:?}");
        assert_eq!(user.reported(), self.reported(), "what was reported, read at {now:?}");
        assert_eq!(user.is_empty(), self.is_empty(), "whether nothing is left, read at {now:?}");
    }
}

/// S7, S8: only Available fades, whatever its lifetime.
fn faded(claim: SessionPresence, age: i128) -> Presence {
    match claim {
        SessionPresence::Available if age >= AWAY_AFTER => Presence::Away,
        SessionPresence::Available if age >= INACTIVE_AFTER => Presence::AvailableInactive,
        claim => claim.into(),
    }
}

fn session_id<S>(command: &Command<S>) -> Option<&S> {
    match command {
        Command::SetSession(body) => Some(&body.session_id),
        Command::ClearSession(body) => Some(&body.session_id),
        _ => None,
    }
}

/// T6: timestamps saturate.
fn nanoseconds(timestamp: Timestamp) -> i128 {
    timestamp.as_nanoseconds().clamp(i64::MIN.into(), i64::MAX.into())
}

fn timestamp(nanoseconds: i128) -> Timestamp {
    Timestamp::from_nanoseconds(nanoseconds).unwrap()
}

impl<S: Clone> From<Session<&S>> for LiveSession<S> {
    fn from(session: Session<&S>) -> Self {
        Self {
            id: session.id.clone(),
            claim: session.claim,
            presence: session.presence,
            since: nanoseconds(session.since),
            expires_at: nanoseconds(session.expires_at),
        }
    }
}

impl From<Preferred> for LivePreference {
    fn from(preferred: Preferred) -> Self {
        Self {
            presence: preferred.presence,
            since: nanoseconds(preferred.since),
            expires_at: nanoseconds(preferred.expires_at),
        }
    }
}
