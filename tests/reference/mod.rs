//! The rules once more, by brute force and from their text alone.
//!
//! Nothing is stored but the history: every accepted command with its instant, ticks among them.
//! Each answer is worked out from the whole of it.

#![allow(dead_code, reason = "no test file needs all of it")]

pub(crate) mod histories;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::mem;

use presence_core::{
    Command, CommandError, Outcome, Preferred, PreferredPresence, Presence, PresenceModel, Session,
    SessionPresence, SignedDuration, Tick, Timestamp,
};

/// P2, P5: what sessions can show, least first.
const PRECEDENCE: [Presence; 6] = [
    Presence::Away,
    Presence::AvailableInactive,
    Presence::Available,
    Presence::InACall,
    Presence::InAConferenceCall,
    Presence::Presenting,
];

/// S7: in nanoseconds, as all numbers here.
const INACTIVE_AFTER: i128 = 5 * 60_000_000_000;
const AWAY_AFTER: i128 = 10 * 60_000_000_000;

/// The errors' table: a 129th live session is refused.
const SESSIONS_AT_MOST: usize = 128;

/// The history of one user.
#[derive(Debug, Clone)]
pub(crate) struct Reference<S> {
    contacts: Vec<(i128, Command<S>)>,
}

/// A session that is live, as a model shows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LiveSession<S> {
    pub(crate) id: S,
    pub(crate) claim: SessionPresence,
    pub(crate) presence: Presence,
    pub(crate) since: i128,
    pub(crate) expires_at: i128,
}

/// A preference in force, as a model shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct InForce {
    pub(crate) presence: PreferredPresence,
    pub(crate) since: i128,
    pub(crate) expires_at: i128,
}

impl<S: Clone + Ord + Debug> Reference<S> {
    pub(crate) fn new() -> Self {
        Self { contacts: Vec::new() }
    }

    /// Adds a command to the history, unless it is refused (T4).
    pub(crate) fn apply(&mut self, command: Command<S>, now: Timestamp) -> Result<(), CommandError> {
        if let Some(refusal) = self.refusal(&command, now) {
            return Err(refusal);
        }
        self.contacts.push((nanoseconds(now), command));
        Ok(())
    }

    /// S11, T2: what is gone at `now` is not found. The limit counts live sessions only.
    fn refusal(&self, command: &Command<S>, now: Timestamp) -> Option<CommandError> {
        let live: BTreeSet<S> = self.sessions(now).into_iter().map(|session| session.id).collect();
        match command {
            Command::ClearSession(body) if !live.contains(&body.session_id) => {
                Some(CommandError::SessionNotFound)
            }
            Command::SetSession(body)
                if live.len() >= SESSIONS_AT_MOST && !live.contains(&body.session_id) =>
            {
                Some(CommandError::TooManySessions)
            }
            _ => None,
        }
    }

    /// S3, S9, S10: of the commands that name a session, the last one counts.
    pub(crate) fn sessions(&self, now: Timestamp) -> Vec<LiveSession<S>> {
        let ids: BTreeSet<&S> = self.contacts.iter().filter_map(|(_, command)| names(command)).collect();
        let live = ids.into_iter().filter_map(|id| {
            let set = self.contacts.iter().rposition(|(_, command)| names(command) == Some(id))?;
            let Command::SetSession(body) = &self.contacts[set].1 else { return None };
            let (since, expires_at) = self.life(set, body.expiration.duration(), now)?;
            let presence = faded(body.presence, nanoseconds(now) - since);
            Some(LiveSession { id: id.clone(), claim: body.presence, presence, since, expires_at })
        });
        live.collect()
    }

    /// U4, U5, U6: of the commands about the preference, the last one counts.
    pub(crate) fn preferred(&self, now: Timestamp) -> Option<InForce> {
        let is_about =
            |command: &_| matches!(command, Command::SetPreferred(_) | Command::ClearPreferred(_));
        let set = self.contacts.iter().rposition(|(_, command)| is_about(command))?;
        let Command::SetPreferred(body) = self.contacts[set].1 else { return None };
        let (since, expires_at) = self.life(set, body.expiration.duration(), now)?;
        Some(InForce { presence: body.presence, since, expires_at })
    }

    /// From when to when it lives, what contact number `set` has set, unless it is gone by `now`.
    ///
    /// S6, T1: it is gone at its end. T5: each contact moves a start in its future back, and the end
    /// with it; and what a contact has found gone stays gone. A read is such a contact, on a copy.
    /// T6: the end saturates, and what would end at its start never lives.
    fn life(&self, set: usize, lifetime: SignedDuration, now: Timestamp) -> Option<(i128, i128)> {
        let mut since = self.contacts[set].0;
        let granted = (since + lifetime.whole_nanoseconds()).min(i64::MAX.into()) - since;
        let contacts = self.contacts[set..].iter().map(|(contact, _)| *contact);
        for contact in contacts.chain([nanoseconds(now)]) {
            since = since.min(contact);
            if contact >= since + granted {
                return None;
            }
        }
        Some((since, since + granted))
    }

    /// S12, P4: offline without a session. P1: the preference first. P2, P3, P5: else the greatest.
    pub(crate) fn presence(&self, now: Timestamp) -> Presence {
        let sessions = self.sessions(now).into_iter().map(|session| session.presence);
        let rank = |presence: &Presence| PRECEDENCE.iter().position(|ranked| ranked == presence);
        match (sessions.max_by_key(rank), self.preferred(now)) {
            (None, _) => Presence::Offline,
            (Some(_), Some(preferred)) => preferred.presence.into(),
            (Some(claimed), None) => claimed,
        }
    }

    /// The instants after `now` at which anything fades or ends if no command comes.
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
        boundaries.into_iter().filter(|at| *at > nanoseconds(now)).map(instant).collect()
    }

    /// The next instant with anything to do, visible or not.
    pub(crate) fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.boundaries(now).first().copied()
    }

    /// The visible changes after `now` if no command comes.
    pub(crate) fn forecast(&self, now: Timestamp) -> Vec<(Timestamp, Presence)> {
        let mut ticked = self.clone();
        ticked.contacts.push((nanoseconds(now), Tick.into()));
        let mut shown = self.presence(now);
        let futures = self.boundaries(now).into_iter().map(|at| (at, ticked.presence(at)));
        futures.filter(|(_, presence)| mem::replace(&mut shown, *presence) != *presence).collect()
    }

    /// What the last contact told.
    pub(crate) fn told(&self) -> Presence {
        self.contacts.last().map_or(Presence::Offline, |(now, _)| self.presence(instant(*now)))
    }

    /// Whether the last contact has left nothing.
    pub(crate) fn is_empty(&self) -> bool {
        let Some(now) = self.contacts.last().map(|(now, _)| instant(*now)) else { return true };
        self.sessions(now).is_empty() && self.preferred(now).is_none()
    }

    /// Applies a command to a model and to its reference, and compares all that can be seen then.
    pub(crate) fn assert_obeys(
        &mut self,
        user: &mut PresenceModel<S>,
        command: Command<S>,
        now: Timestamp,
    ) -> Result<Outcome, CommandError> {
        let previous = self.told();
        let expected = self.apply(command.clone(), now);
        let actual = user.apply(command, now);
        assert_eq!(actual.map(drop), expected, "whether it is refused at {now:?}");
        self.assert_describes(user, now);
        if let Ok(outcome) = actual {
            assert_eq!(outcome.previous, previous, "what was told before {now:?}");
            assert_eq!(outcome.current, user.presence(now), "the outcome at {now:?}");
        }
        actual
    }

    /// Compares everything that can be read of a model at `now`.
    pub(crate) fn assert_describes(&self, user: &PresenceModel<S>, now: Timestamp) {
        assert_eq!(user.presence(now), self.presence(now), "the presence at {now:?}");
        assert_eq!(user.deadline(now), self.deadline(now), "the deadline at {now:?}");
        let forecast: Vec<_> = user.forecast(now).map(|change| (change.at, change.presence)).collect();
        assert_eq!(forecast, self.forecast(now), "the forecast at {now:?}");
        let sessions: Vec<_> = user.sessions(now).map(LiveSession::from).collect();
        assert_eq!(sessions, self.sessions(now), "the sessions at {now:?}");
        let preferred = user.preferred(now).map(InForce::from);
        assert_eq!(preferred, self.preferred(now), "the preference at {now:?}");
        assert_eq!(user.is_empty(), self.is_empty(), "whether nothing is left at {now:?}");
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

fn names<S>(command: &Command<S>) -> Option<&S> {
    match command {
        Command::SetSession(body) => Some(&body.session_id),
        Command::ClearSession(body) => Some(&body.session_id),
        _ => None,
    }
}

/// T6: instants saturate.
fn nanoseconds(instant: Timestamp) -> i128 {
    instant.as_nanoseconds().clamp(i64::MIN.into(), i64::MAX.into())
}

fn instant(nanoseconds: i128) -> Timestamp {
    Timestamp::from_nanoseconds(nanoseconds).unwrap()
}

impl<S: Clone> From<Session<'_, S>> for LiveSession<S> {
    fn from(session: Session<'_, S>) -> Self {
        Self {
            id: session.id.clone(),
            claim: session.claim,
            presence: session.presence,
            since: nanoseconds(session.since),
            expires_at: nanoseconds(session.expires_at),
        }
    }
}

impl From<Preferred> for InForce {
    fn from(preferred: Preferred) -> Self {
        Self {
            presence: preferred.presence,
            since: nanoseconds(preferred.since),
            expires_at: nanoseconds(preferred.expires_at),
        }
    }
}
