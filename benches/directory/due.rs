use presence_core::{PresenceDirectory, SessionPresence, SignedDuration, Timestamp};

use crate::Size;
use crate::harness::{Clock, Row, Times, consume};
use crate::ids::{Id, UserId};
use crate::population::{Visit, arrivals, count, lifetime};
use crate::setup::compare;
use crate::variant::{Floor, Naive, Variant};

/// A late tick that reports a change of every user.
pub(crate) struct DueCase {
    name: &'static str,
    claim: SessionPresence,
    lifetime: SignedDuration,
    /// How often every session is refreshed before the silence.
    heartbeats: u32,
}

impl DueCase {
    pub(crate) const ALL: [Self; 3] = [
        Self {
            name: "fading",
            claim: SessionPresence::Available,
            lifetime: SignedDuration::HOUR,
            heartbeats: 0,
        },
        Self {
            name: "expiring",
            claim: SessionPresence::InACall,
            lifetime: SignedDuration::minutes(5),
            heartbeats: 0,
        },
        Self {
            name: "moved",
            claim: SessionPresence::InACall,
            lifetime: SignedDuration::minutes(15),
            heartbeats: 1,
        },
    ];

    /// Runs one late loop over all users. The times are for one changed user.
    pub(crate) fn measure<U: UserId, S: Id>(&self, visits: &[Visit<U>], size: &Size) -> Row {
        let mut floor = Floor::<U>::new(size.users);
        let mut times = Times::new();
        for _ in 0..size.due_rounds {
            let (mut ours, mut naive) = (PresenceDirectory::<U, S>::new(), Naive::<U, S>::new());
            let late = self.prepare(visits, &mut ours);
            self.prepare(visits, &mut naive);
            let mut changes = 0;
            times.round(
                visits.len(),
                &mut [
                    &mut || {
                        while let Some(change) = ours.tick(late) {
                            consume(change);
                            changes += 1;
                        }
                    },
                    &mut || floor.write_all(visits.iter().map(|visit| (visit.name(), late))),
                    &mut || naive.tick(late).into_iter().for_each(consume),
                ],
            );
            assert_eq!(changes, visits.len(), "one change for each user");
        }
        let row = Row::default().text("op", "tick_due").text("case", self.name);
        compare::<U, S, Naive<U, S>>(row, visits.len(), &times, size.goal(4.0))
    }

    /// Lets all users arrive within five minutes, and visits them in random order within five more.
    /// Returns a timestamp at which everything is overdue.
    fn prepare<U: UserId, S: Id>(
        &self,
        visits: &[Visit<U>],
        variant: &mut impl Variant<U, S>,
    ) -> Timestamp {
        let users = count(visits);
        let spread = SignedDuration::minutes(5);
        let mut clock = Clock::with_step(spread / users.cast_signed());
        for (visit, now) in arrivals::<U>(users).zip(clock.batch(visits.len())) {
            consume(variant.set(visit.request(0, SessionPresence::InACall, now)));
        }
        let lifetime = lifetime(self.lifetime);
        for _ in 0..=self.heartbeats {
            for (visit, now) in visits.iter().zip(clock.batch(visits.len())) {
                for which in [0, 1] {
                    let request = visit.request(which, self.claim, now).with_lifetime(lifetime);
                    consume(variant.set(request));
                }
            }
        }
        clock.now() + SignedDuration::minutes(15)
    }
}
