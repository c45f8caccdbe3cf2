use std::collections::HashMap;
use std::mem;

use presence_core::{
    Presence, PresenceDirectory, SessionPresence, SignedDuration, Timestamp, UserHashBuilder,
};

use crate::harness::{Row, Times, consume};
use crate::ids::{Id, UserId};
use crate::population::{Request, Visit};

/// A map from users to their sessions.
pub(crate) trait Variant<U: UserId, S: Id> {
    fn set(&mut self, request: Request<'_, U, S>) -> impl Sized;
    fn presence(&self, user: &U::Name, now: Timestamp) -> Presence;

    /// Sets a batch of sessions, and leaves an empty batch behind.
    ///
    /// All callers share one loop, so the place of a call does not decide what is inlined.
    #[inline(never)]
    fn set_all(&mut self, requests: &mut Vec<Request<'_, U, S>>) {
        for request in requests.drain(..) {
            consume(self.set(request));
        }
    }

    /// Reads a batch of users. All callers share this loop too.
    #[inline(never)]
    fn read_all(&self, visits: &[Visit<U>], timestamps: &[Timestamp]) {
        for (visit, now) in visits.iter().zip(timestamps) {
            consume(self.presence(visit.name(), *now));
        }
    }

    /// Compares ours with this variant, whose times come third.
    fn compare(row: Row, times: &Times) -> Row;
}

impl<U: UserId, S: Id> Variant<U, S> for PresenceDirectory<U, S> {
    #[inline]
    fn set(&mut self, request: Request<'_, U, S>) -> impl Sized {
        self.apply(request.user, request.body, request.now)
    }

    #[inline]
    fn presence(&self, user: &U::Name, now: Timestamp) -> Presence {
        self.presence(user, now)
    }

    fn compare(row: Row, times: &Times) -> Row {
        row.number("of_two", times.ratio(0, 2))
    }
}

/// Records of 128 bytes in a hash map with the hasher of a directory.
pub(crate) struct Floor<U> {
    records: hashbrown::HashMap<U, [u64; 16], UserHashBuilder>,
}

impl<U: UserId> Floor<U> {
    pub(crate) fn new(users: u32) -> Self {
        let records = (0..users).map(|number| (U::new(u64::from(number)), [0; 16])).collect();
        Self { records }
    }

    pub(crate) fn write_all<'a>(&mut self, writes: impl Iterator<Item = (&'a U::Name, Timestamp)>)
    where
        U: 'a,
    {
        for (user, now) in writes {
            if let Some(record) = self.records.get_mut(user) {
                record[0] = now.as_seconds().cast_unsigned();
            }
        }
    }

    pub(crate) fn read_all(&self, visits: &[Visit<U>], timestamps: &[Timestamp]) {
        for (visit, now) in visits.iter().zip(timestamps) {
            consume((self.records.get(visit.name()).map(|record| record[0]), *now));
        }
    }
}

/// A simple implementation of the same task. It has no preferences and no deadlines, and its clock
/// must not step back.
pub(crate) struct Naive<U, S> {
    users: HashMap<U, NaiveUser<S>>,
}

struct NaiveUser<S> {
    sessions: HashMap<S, NaiveSession>,
    reported: Presence,
}

struct NaiveSession {
    claim: SessionPresence,
    since: Timestamp,
    expires_at: Timestamp,
}

impl<U: UserId, S: Id> Naive<U, S> {
    pub(crate) fn new() -> Self {
        Self { users: HashMap::new() }
    }

    /// Returns the users that have changed, with the presences before and after.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Vec<(U, Presence, Presence)> {
        let mut changed = Vec::new();
        self.users.retain(|user, stored| {
            stored.sessions.retain(|_, session| now < session.expires_at);
            let (previous, current) = stored.report(now);
            if previous != current {
                changed.push((user.clone(), previous, current));
            }
            !stored.sessions.is_empty()
        });
        changed
    }
}

impl<U: UserId, S: Id> Variant<U, S> for Naive<U, S> {
    /// Returns the presences before and after.
    fn set(&mut self, request: Request<'_, U, S>) -> impl Sized {
        let Request { user, body, now } = request;
        let expires_at = now + body.expiration.duration();
        let session = NaiveSession { claim: body.claim, since: now, expires_at };
        if let Some(stored) = self.users.get_mut(user) {
            stored.sessions.insert(body.session_id, session);
            return stored.report(now);
        }
        let sessions = HashMap::from([(body.session_id, session)]);
        let mut stored = NaiveUser { sessions, reported: Presence::Offline };
        let change = stored.report(now);
        self.users.insert(user.to_owned(), stored);
        change
    }

    fn presence(&self, user: &U::Name, now: Timestamp) -> Presence {
        self.users.get(user).map_or(Presence::Offline, |stored| stored.presence(now))
    }

    fn compare(row: Row, times: &Times) -> Row {
        row.number("naive_ns", times.nanoseconds(2)).number("speedup", times.ratio(2, 0))
    }
}

impl<S> NaiveUser<S> {
    fn report(&mut self, now: Timestamp) -> (Presence, Presence) {
        let current = self.presence(now);
        (mem::replace(&mut self.reported, current), current)
    }

    fn presence(&self, now: Timestamp) -> Presence {
        let live = self.sessions.values().filter(|session| now < session.expires_at);
        live.map(|session| session.presence(now)).max().unwrap_or(Presence::Offline)
    }
}

impl NaiveSession {
    fn presence(&self, now: Timestamp) -> Presence {
        match (self.claim, now - self.since) {
            (SessionPresence::Available, age) if age >= SignedDuration::minutes(10) => Presence::Away,
            (SessionPresence::Available, age) if age >= SignedDuration::minutes(5) => {
                Presence::AvailableInactive
            }
            (claim, _) => Presence::from(claim),
        }
    }
}

/// A variant that stores nothing, if only ours and the floor are compared.
pub(crate) struct Nothing;

impl<U: UserId, S: Id> Variant<U, S> for Nothing {
    fn set(&mut self, _: Request<'_, U, S>) -> impl Sized {}

    fn presence(&self, _: &U::Name, _: Timestamp) -> Presence {
        Presence::Offline
    }

    fn compare(row: Row, _: &Times) -> Row {
        row
    }
}
