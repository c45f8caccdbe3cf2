use presence_core::{
    PreferredPresence, SessionExpiration, SessionPresence, SetSession, SignedDuration, Timestamp,
};

use crate::harness::{Clock, consume};
use crate::ids::{Id, UserId, scattered};
use crate::variant::Variant;

/// The sessions and the preference of each user.
pub(crate) struct Population {
    pub(crate) name: &'static str,
    /// The claims of the sessions. The last one is the call that flips.
    pub(crate) claims: &'static [SessionPresence],
    pub(crate) preference: Option<PreferredPresence>,
}

impl Population {
    pub(crate) const TWO: Self = Self {
        name: "two",
        claims: &[SessionPresence::Available, SessionPresence::InACall],
        preference: None,
    };
    pub(crate) const OTHERS: [Self; 3] = [
        Self { name: "one", claims: &[SessionPresence::InACall], ..Self::TWO },
        Self {
            name: "three",
            claims: &[SessionPresence::Available, SessionPresence::Away, SessionPresence::InACall],
            ..Self::TWO
        },
        Self { name: "preferred", preference: Some(PreferredPresence::Busy), ..Self::TWO },
    ];

    /// Sets all sessions of this many users, one user after another.
    pub(crate) fn arrive<U: UserId, S: Id>(
        &self,
        users: u32,
        clock: &mut Clock,
        variant: &mut impl Variant<U, S>,
    ) {
        for (visit, now) in arrivals::<U>(users).zip(clock.batch(users as usize)) {
            for (which, claim) in self.claims.iter().enumerate() {
                consume(variant.set(visit.request(which, *claim, now)));
            }
        }
    }
}

/// A user to visit, named as in a request.
pub(crate) struct Visit<U> {
    user: U,
    number: u32,
}

impl<U: UserId> Visit<U> {
    fn new(number: u32) -> Self {
        Self { user: U::new(u64::from(number)), number }
    }

    pub(crate) fn name(&self) -> &U::Name {
        self.user.borrow()
    }

    /// Sets a session for the lifetime that its claim has in each population.
    pub(crate) fn request<S: Id>(
        &self,
        which: usize,
        claim: SessionPresence,
        now: Timestamp,
    ) -> Request<'_, U, S> {
        let lifetime = match claim {
            SessionPresence::Available => lifetime(SignedDuration::HOUR),
            _ => SessionExpiration::MAX,
        };
        let session = S::new(u64::from(self.number) << 32 | which as u64);
        let body = SetSession::new(session, claim).with_expiration(lifetime);
        Request { user: self.name(), body, now }
    }
}

/// A session to set.
pub(crate) struct Request<'a, U: UserId, S> {
    pub(crate) user: &'a U::Name,
    pub(crate) body: SetSession<S>,
    pub(crate) now: Timestamp,
}

impl<U: UserId, S> Request<'_, U, S> {
    pub(crate) fn with_lifetime(self, lifetime: SessionExpiration) -> Self {
        Self { body: self.body.with_expiration(lifetime), ..self }
    }
}

/// Returns the users in the order in which they arrive.
pub(crate) fn arrivals<U: UserId>(users: u32) -> impl Iterator<Item = Visit<U>> {
    (0..users).map(Visit::new)
}

/// Returns the users in the random order in which they are visited.
pub(crate) fn visits<U: UserId>(users: u32) -> Vec<Visit<U>> {
    let mut numbers: Vec<u32> = (0..users).collect();
    numbers.sort_by_key(|number| scattered(u64::from(*number) ^ 0x5eed << 40));
    numbers.into_iter().map(Visit::new).collect()
}

pub(crate) fn count<U>(visits: &[Visit<U>]) -> u32 {
    u32::try_from(visits.len()).unwrap_or(u32::MAX)
}

pub(crate) fn lifetime(duration: SignedDuration) -> SessionExpiration {
    SessionExpiration::new(duration).expect("a lifetime within the limits")
}
