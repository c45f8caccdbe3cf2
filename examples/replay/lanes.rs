//! What each user showed, and when.

use std::collections::BTreeMap;

use presence_core::{Command, Presence, PresenceModel, Timestamp};

/// A presence from one timestamp to another.
pub(crate) struct Bar {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) presence: Presence,
    /// Whether it is a preference that waits for a session.
    pub(crate) waits: bool,
}

pub(crate) struct Lane {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) bars: Vec<Bar>,
    /// When requests have set it.
    pub(crate) requests: Vec<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Effective,
    Preference,
    Session,
}

impl Lane {
    fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { name: name.into(), kind, bars: Vec::new(), requests: Vec::new() }
    }

    /// Extends the last bar, or adds another.
    fn extend(&mut self, from: Timestamp, to: Timestamp, presence: Presence, waits: bool) {
        match self.bars.last_mut() {
            Some(last) if last.to == from && last.presence == presence && last.waits == waits => {
                last.to = to;
            }
            Some(_) | None => self.bars.push(Bar { from, to, presence, waits }),
        }
    }

    /// Removes what is after a timestamp.
    fn cut(&mut self, at: Timestamp) {
        while self.bars.pop_if(|bar| bar.from >= at).is_some() {}
        if let Some(last) = self.bars.last_mut() {
            last.to = last.to.min(at);
        }
        self.requests.retain(|request| *request < at);
    }
}

/// The lanes of a user.
pub(crate) struct Lanes {
    model: PresenceModel<String>,
    now: Timestamp,
    effective: Lane,
    preference: Lane,
    sessions: BTreeMap<String, Lane>,
}

impl Lanes {
    pub(crate) fn new(user: &str, now: Timestamp) -> Self {
        let effective = Lane::new(Kind::Effective, user);
        let preference = Lane::new(Kind::Preference, "Preference");
        Self { model: PresenceModel::new(), now, effective, preference, sessions: BTreeMap::new() }
    }

    /// Applies an accepted command.
    pub(crate) fn apply(&mut self, command: &Command<String>, at: Timestamp) {
        self.pass(at);
        // A model that has taken all commands before accepts what the directory accepted.
        let _ = self.model.apply(command.clone(), at);
        match command {
            Command::SetSession(body) => self.session(&body.session_id).requests.push(at),
            Command::SetPreferred(_) => self.preference.requests.push(at),
            _ => {}
        }
    }

    /// Returns the lane of a session.
    fn session(&mut self, id: &str) -> &mut Lane {
        self.sessions.entry(id.to_owned()).or_insert_with(|| Lane::new(Kind::Session, id))
    }

    /// Lets time pass, from one deadline to the next. If the clock has stepped back, what was later is
    /// painted again.
    pub(crate) fn pass(&mut self, until: Timestamp) {
        if until < self.now {
            self.effective.cut(until);
            self.preference.cut(until);
            self.sessions.values_mut().for_each(|lane| lane.cut(until));
            self.now = until;
        }
        while self.now < until {
            let now = self.now;
            let _ = self.model.tick(now);
            let next = self.model.deadline(now).map_or(until, |deadline| deadline.min(until));
            self.effective.extend(now, next, self.model.presence(now), false);
            if let Some(preferred) = self.model.preferred(now) {
                let waits = self.model.sessions(now).next().is_none();
                self.preference.extend(now, next, preferred.presence.presence(), waits);
            }
            let sessions: Vec<_> = self.model.sessions(now).map(|session| session.cloned()).collect();
            for session in sessions {
                self.session(&session.id).extend(now, next, session.presence, false);
            }
            self.now = next;
        }
    }

    /// Returns the lane of the effective presence.
    pub(crate) fn into_effective(self) -> Lane {
        self.effective
    }

    /// Returns all lanes: the effective presence, the preference if there was one, and the sessions.
    pub(crate) fn into_all(self) -> Vec<Lane> {
        let is_used = |lane: &Lane| !lane.bars.is_empty() || !lane.requests.is_empty();
        let preference = Some(self.preference).filter(is_used);
        let effective = Lane { name: "Others see".to_owned(), ..self.effective };
        [effective].into_iter().chain(preference).chain(self.sessions.into_values()).collect()
    }
}
