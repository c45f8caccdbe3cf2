use std::vec;

use presence_core::{PresenceDirectory, SessionPresence, SetPreferred};

use crate::Size;
use crate::harness::{Clock, Row, Times, consume, float};
use crate::ids::{Id, UserId};
use crate::population::{Population, Request, Visit, arrivals};
use crate::variant::{Floor, Naive, Variant};

/// The number of users that are prefetched together.
const GROUP: usize = 32;

/// A directory with one population, the floor, and another variant with the population `two`.
pub(crate) struct Setup<U: UserId, S: Id, V> {
    clock: Clock,
    population: &'static Population,
    ours: PresenceDirectory<U, S>,
    floor: Floor<U>,
    other: V,
}

impl<U: UserId, S: Id, V: Variant<U, S>> Setup<U, S, V> {
    pub(crate) fn new(population: &'static Population, mut other: V, users: u32) -> Self {
        let mut clock = Clock::new();
        let mut ours = PresenceDirectory::new();
        population.arrive(users, &mut clock, &mut ours);
        Population::TWO.arrive(users, &mut clock, &mut other);
        if let Some(preference) = population.preference {
            for (visit, now) in arrivals::<U>(users).zip(clock.batch(users as usize)) {
                consume(ours.apply(visit.name(), SetPreferred::new(preference), now));
            }
        }
        Self { clock, population, ours, floor: Floor::new(users), other }
    }

    /// Measures what concerns one user at a time. Returns the allocations of a heartbeat too.
    pub(crate) fn measure(
        &mut self,
        visits: &[Visit<U>],
        size: &Size,
        goals: [Option<f64>; 3],
    ) -> (Vec<Row>, f64) {
        let times = [
            ("heartbeat", self.heartbeats(visits, size)),
            ("flip", self.flips(visits, size)),
            ("read", self.reads(visits, size)),
        ];
        let rows = times.iter().zip(goals).map(|((op, times), goal)| {
            let row = Row::default().text("op", op).text("case", self.population.name);
            compare::<U, S, V>(row, self.ours.len(), times, goal)
        });
        (rows.collect(), times[0].1.allocations())
    }

    pub(crate) fn heartbeats(&mut self, visits: &[Visit<U>], size: &Size) -> Times {
        self.requests(visits, size, |claims, _, at| (at % claims.len(), claims[at % claims.len()]))
    }

    /// Measures heartbeats in groups whose users are fetched from memory together.
    pub(crate) fn prefetched(&mut self, visits: &[Visit<U>], size: &Size) -> Times {
        let Self { clock, population, ours, floor, .. } = self;
        let claims = population.claims;
        let mut times = Times::new();
        for round in 0..size.rounds {
            let timestamps = clock.batch(size.chunk);
            let visits = batch(visits, size, round).iter().zip(&timestamps).enumerate();
            let requests = visits.map(|(at, (visit, now))| {
                visit.request(at % claims.len(), claims[at % claims.len()], *now)
            });
            let requests: Vec<Request<'_, U, S>> = requests.collect();
            let writes: Vec<_> = requests.iter().map(|request| (request.user, request.now)).collect();
            let mut requests = requests.into_iter();
            times.round(
                size.chunk,
                &mut [&mut || set_in_groups(ours, &mut requests), &mut || {
                    floor.write_all(writes.iter().copied());
                }],
            );
        }
        times
    }

    fn flips(&mut self, visits: &[Visit<U>], size: &Size) -> Times {
        let calls = [SessionPresence::InAConferenceCall, SessionPresence::InACall];
        self.requests(visits, size, |claims, pass, _| (claims.len() - 1, calls[pass % 2]))
    }

    /// Sets one session a visit.
    ///
    /// `session` returns which session, and its new claim. It is given the claims of the population,
    /// the number of the pass over all users, and the position in the batch.
    fn requests(
        &mut self,
        visits: &[Visit<U>],
        size: &Size,
        session: impl Fn(&[SessionPresence], usize, usize) -> (usize, SessionPresence),
    ) -> Times {
        let Self { clock, population, ours, floor, other } = self;
        let batches = visits.len() / size.chunk;
        let mut times = Times::new();
        for round in 0..size.rounds {
            let timestamps = clock.batch(size.chunk);
            let batch = batch(visits, size, round);
            let populations = [*population, *population, &Population::TWO];
            let [mut requests, writes, mut others] = populations.map(|population| {
                let visits = batch.iter().zip(&timestamps).enumerate();
                let requests = visits.map(|(at, (visit, now))| {
                    let (which, claim) = session(population.claims, round / batches, at);
                    visit.request(which, claim, *now)
                });
                requests.collect::<Vec<Request<'_, U, S>>>()
            });
            times.round(
                size.chunk,
                &mut [
                    &mut || ours.set_all(&mut requests),
                    &mut || floor.write_all(writes.iter().map(|write| (write.user, write.now))),
                    &mut || other.set_all(&mut others),
                ],
            );
        }
        times
    }

    pub(crate) fn reads(&mut self, visits: &[Visit<U>], size: &Size) -> Times {
        let Self { clock, ours, floor, other, .. } = self;
        let mut times = Times::new();
        for round in 0..size.rounds {
            let timestamps = clock.batch(size.chunk);
            let batch = batch(visits, size, round);
            times.round(
                size.chunk,
                &mut [
                    &mut || ours.read_all(batch, &timestamps),
                    &mut || floor.read_all(batch, &timestamps),
                    &mut || other.read_all(batch, &timestamps),
                ],
            );
        }
        times
    }
}

/// Sets sessions in groups of 32, each of which is prefetched.
#[inline(never)]
fn set_in_groups<U: UserId, S: Id>(
    ours: &mut PresenceDirectory<U, S>,
    requests: &mut vec::IntoIter<Request<'_, U, S>>,
) {
    while !requests.as_slice().is_empty() {
        ours.prefetch(requests.as_slice().iter().take(GROUP).map(|request| request.user));
        for request in requests.by_ref().take(GROUP) {
            consume(ours.set(request));
        }
    }
}

impl<U: UserId, S: Id> Setup<U, S, Naive<U, S>> {
    pub(crate) fn idle_ticks(&mut self, size: &Size, goal: Option<f64>) -> Row {
        let (mut times, mut naive_times) = (Times::new(), Times::new());
        for _ in 0..size.rounds {
            let timestamps = self.clock.batch(size.chunk);
            let mut ours = || timestamps.iter().for_each(|now| consume(self.ours.tick(*now)));
            times.round(size.chunk, &mut [&mut ours]);
        }
        for now in self.clock.batch(size.due_rounds) {
            naive_times.round(1, &mut [&mut || consume(self.other.tick(now))]);
        }
        Row::default()
            .text("op", "tick_idle")
            .number("users", float(self.ours.len() as u64))
            .number("ns", times.nanoseconds(0))
            .goal("ns", goal)
            .number("naive_ns", naive_times.nanoseconds(0))
            .number("allocations", times.allocations())
    }
}

fn batch<'a, U>(visits: &'a [Visit<U>], size: &Size, round: usize) -> &'a [Visit<U>] {
    visits.chunks_exact(size.chunk).cycle().nth(round).unwrap_or_default()
}

/// Adds the times of ours and the floor to a row.
pub(crate) fn compare_with_floor(row: Row, users: usize, times: &Times, goal: Option<f64>) -> Row {
    row.number("users", float(users as u64))
        .number("ns", times.nanoseconds(0))
        .number("floor_ns", times.nanoseconds(1))
        .number("ratio", times.ratio(0, 1))
        .goal("ratio", goal)
}

/// Adds the times of ours, the floor and another variant to a row.
pub(crate) fn compare<U: UserId, S: Id, V: Variant<U, S>>(
    row: Row,
    users: usize,
    times: &Times,
    goal: Option<f64>,
) -> Row {
    let row = compare_with_floor(row, users, times, goal);
    V::compare(row, times).number("allocations", times.allocations())
}
