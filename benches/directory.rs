//! What a directory of a million users costs, beside a floor and beside what one writes by hand.
//!
//! ```text
//! cargo bench --bench directory [-- [--json] [--quick]]
//! ```
//!
//! # Method
//!
//! Every user is of one population. What is Available lives for one hour, any other claim for four,
//! and a preference for a day, so nothing expires while loops run:
//!
//! | population | sessions of each user | preference |
//! |---|---|---|
//! | `two` | Available and `InACall` | none |
//! | `one` | `InACall` | none |
//! | `three` | Available, Away and `InACall` | none |
//! | `preferred` | as `two` | Busy |
//!
//! Each operation is measured for `two` in three variants:
//! - *ours* is [`PresenceDirectory`];
//! - the *floor* is a hash map of as many records of 128 bytes with the same hasher: one lookup, and
//!   one word written or read. It is what finding a user costs, whatever is then done;
//! - the *naive* one is two nested maps of the standard library: it reckons the presence afresh at
//!   each read and looks at everybody at each tick.
//!
//! All three run in one process over the same users in the same random order, which is not the order
//! in which they came, from a fixed seed. A round is a chunk of operations in each variant, another
//! variant first in each round. Only times of one round are compared: `ratio` is the median over the
//! rounds of ours / floor, `speedup` that of naive / ours, so what else the machine does cancels out.
//! Instants rise by one microsecond an operation and are read before the loop, as a server reads its
//! clock once for a batch; results go into a black box whole. `allocations` are those of ours an
//! operation.
//!
//! For each other population, ours of `two` stands in the place of the naive one: both directories
//! are held at once. `of_two` is the median over the rounds of ours / ours of `two`.
//!
//! | operation | what is done |
//! |---|---|
//! | `heartbeat` | a session is set again as it is: nothing visible changes |
//! | `flip` | a call becomes the other kind of call: others see it each time, but never under a preference |
//! | `read` | what others see is asked for |
//! | `tick_due` | everybody is overdue, and one late loop tells a million changes |
//! | `tick_idle` | a tick with nothing due |
//! | `memory` | live bytes of all that is held, after half a million heartbeats |
//!
//! In `tick_due` the deadlines are spread over five minutes, users in random order, as a living
//! system leaves them, and everybody is built afresh for each round:
//! - `fading`: both sessions fade, each user becomes Away and is queued anew;
//! - `expiring`: both sessions expire, each user goes offline and is removed;
//! - `moved`: as `expiring`, but heartbeats have moved each deadline since it was queued, so each
//!   entry of the queue is looked at twice.
//!
//! # What was tried
//!
//! On two shared cores, paired, at a million users.
//!
//! | what | found |
//! |---|---|
//! | models in the hash table at 80 bytes a place | 182 bytes a user right after the table doubled |
//! | indices into dense lines of 64 bytes, users and queued instants beside them | 115 bytes, and a chain of three misses: heartbeat 3.3 to 4, read 2 |
//! | user, queued instant and model in one place of the hash table | heartbeat 2.4, read 1.2; due users need no hash to leave |
//! | the same in 64 bytes: grants packed, preferences in a box with the sessions | taken: 149 bytes |
//! | such places aligned to lines of the cache | the same within 3 %, and 128 bytes where 96 will do |
//! | a deadline in each outcome | a heartbeat has to look at all sessions: 1.2 to 1.4 times as slow |
//! | a heartbeat that looks at its own session only | taken |
//! | a body passed on by its parts, in registers | taken: heartbeat 1.7, was 2.4 |
//! | choices without branches in a heartbeat | 1.1 times as slow: what is chosen has to wait for memory |
//! | who claims less is not asked how far they have faded | taken: flip 2.0, was 2.4 |
//! | a read that is called, not inlined | 1.2 times as slow; with three places to call from, the compiler does that |
//! | a binary tree of the open stretch | 1.5 times as slow for due users as a sorted list |
//! | 32 due users fetched together | taken: due users cost 0.46 to 0.74 of what they did |
//!
//! What limits a heartbeat is not memory alone. While the look-up waits for it, first for a control
//! byte of the table and then for the place, the processor can only run as far ahead as its window
//! reaches, and what waits fills that window: a heartbeat is 130 instructions with its loop, the
//! floor 40. Once 16-byte moves went through memory that had just been written, no heartbeat began
//! before the one in front had ended.

mod harness;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::process::ExitCode;

use presence_core::{
    PreferredPresence, Presence, PresenceDirectory, SessionExpiration, SessionPresence, SetPreferred,
    SetSession, SignedDuration, Timestamp, UserHashBuilder,
};

use harness::{Clock, Options, Row, Times, consume, float, live_bytes};

const COLUMNS: [&str; 14] = [
    "op",
    "case",
    "users",
    "ns",
    "floor_ns",
    "ratio",
    "goal",
    "met",
    "naive_ns",
    "speedup",
    "of_two",
    "allocations",
    "bytes_per_user",
    "naive_bytes_per_user",
];

fn main() -> ExitCode {
    let options = Options::from_arguments();
    let size = if options.quick { Size::QUICK } else { Size::FULL };
    let heartbeats = [report::<Numbers>(&size, &options), report::<Texts>(&size, &options)];
    if heartbeats == [0.0, 0.0] {
        ExitCode::SUCCESS
    } else {
        eprintln!("a heartbeat has allocated");
        ExitCode::FAILURE
    }
}

/// How much is measured.
struct Size {
    users: u32,
    chunk: usize,
    rounds: usize,
    due_rounds: usize,
    has_goals: bool,
}

impl Size {
    const FULL: Self =
        Self { users: 1_000_000, chunk: 50_000, rounds: 100, due_rounds: 3, has_goals: true };
    const QUICK: Self = Self { users: 20_000, chunk: 5_000, rounds: 8, due_rounds: 2, has_goals: false };

    fn goal(&self, goal: f64) -> Option<f64> {
        self.has_goals.then_some(goal)
    }
}

/// How users and sessions are named.
trait Naming {
    const TITLE: &'static str;
    /// Whether the goals are meant for these names.
    const HAS_GOALS: bool;
    /// How many late ticks are measured at the most: each of them takes seconds to prepare.
    const DUE_ROUNDS: usize;
    /// Which populations are measured beside `two`.
    const OTHERS: &[Population];
    type User: Clone + Hash + Ord + Borrow<Self::Name>;
    type Name: Hash + Eq + ToOwned<Owned = Self::User> + ?Sized;
    type Session: Copy + Ord + Hash;

    fn user(number: u32) -> Self::User;
    fn session(number: u32, which: usize) -> Self::Session;
}

/// `u64` for users and for sessions.
struct Numbers;

impl Naming for Numbers {
    const TITLE: &'static str = "users and sessions named by u64";
    const HAS_GOALS: bool = true;
    const DUE_ROUNDS: usize = 3;
    const OTHERS: &[Population] = &Population::OTHERS;
    type User = u64;
    type Name = u64;
    type Session = u64;

    fn user(number: u32) -> u64 {
        scattered(u64::from(number))
    }

    fn session(number: u32, which: usize) -> u64 {
        scattered(u64::from(number) << 32 | which as u64)
    }
}

/// Texts of 36 characters for users, `u128` for sessions, as GUIDs are written and kept.
struct Texts;

impl Naming for Texts {
    const TITLE: &'static str = "users named by texts of 36 characters, sessions by u128";
    const HAS_GOALS: bool = false;
    const DUE_ROUNDS: usize = 1;
    const OTHERS: &[Population] = &[];
    type User = String;
    type Name = str;
    type Session = u128;

    fn user(number: u32) -> String {
        let (high, low) = (scattered(u64::from(number)), scattered(!u64::from(number)));
        let (first, second, third) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
        format!("{first:08x}-{second:04x}-{third:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
    }

    fn session(number: u32, which: usize) -> u128 {
        let high = Numbers::session(number, which);
        u128::from(high) << 64 | u128::from(scattered(high))
    }
}

/// Turns numbers in a row into numbers all over the place, no two of them the same (`SplitMix64`).
const fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// What is known of each user.
struct Population {
    name: &'static str,
    /// What the sessions claim; the last one is the call that flips.
    claims: &'static [SessionPresence],
    preference: Option<PreferredPresence>,
}

impl Population {
    const TWO: Self = Self {
        name: "two",
        claims: &[SessionPresence::Available, SessionPresence::InACall],
        preference: None,
    };
    const OTHERS: [Self; 3] = [
        Self { name: "one", claims: &[SessionPresence::InACall], ..Self::TWO },
        Self {
            name: "three",
            claims: &[SessionPresence::Available, SessionPresence::Away, SessionPresence::InACall],
            ..Self::TWO
        },
        Self { name: "preferred", preference: Some(PreferredPresence::Busy), ..Self::TWO },
    ];
}

/// A user to visit, as a request names one.
struct Visit<N: Naming> {
    user: N::User,
    number: u32,
}

impl<N: Naming> Visit<N> {
    fn new(number: u32) -> Self {
        Self { user: N::user(number), number }
    }

    fn name(&self) -> &N::Name {
        self.user.borrow()
    }

    /// Sets a session for as long as its claim lives in each population.
    fn request(&self, which: usize, claim: SessionPresence, now: Timestamp) -> Request<'_, N> {
        let lifetime = match claim {
            SessionPresence::Available => lifetime(SignedDuration::HOUR),
            _ => SessionExpiration::MAX,
        };
        let session = N::session(self.number, which);
        Request { user: self.name(), session, claim, lifetime, now }
    }
}

/// Returns the users in the order in which they come.
fn arrivals<N: Naming>(users: u32) -> impl Iterator<Item = Visit<N>> {
    (0..users).map(Visit::new)
}

/// Returns the users in the random order in which they are visited.
fn visits<N: Naming>(users: u32) -> Vec<Visit<N>> {
    let mut numbers: Vec<u32> = (0..users).collect();
    numbers.sort_by_key(|number| scattered(u64::from(*number) ^ 0x5eed << 40));
    numbers.into_iter().map(Visit::new).collect()
}

/// Measures everything under one way of naming, and prints it. Returns the allocations a heartbeat.
fn report<N: Naming>(size: &Size, options: &Options) -> f64 {
    let visits = visits::<N>(size.users);
    let mut world = World::new(&Population::TWO, Naive::new(), size.users);
    let goals = [2.0, 2.2, 1.5].map(|goal| size.goal(goal));
    let (mut rows, mut allocations) = world.measure(&visits, size, goals);
    let idle = world.idle_ticks(size, size.goal(5.0));
    drop(world);
    for population in N::OTHERS {
        let mut world = World::new(population, PresenceDirectory::new(), size.users);
        let (more, its_allocations) = world.measure(&visits, size, [None; 3]);
        rows.extend(more);
        allocations += its_allocations;
    }
    rows.push(idle);
    for users in [size.users / 10, 100] {
        let mut world = World::<N, _>::new(&Population::TWO, Naive::new(), users);
        rows.push(world.idle_ticks(size, None));
    }
    rows.extend(DueCase::ALL.map(|case| tick_due(&case, &visits, size)));
    rows.extend(memory(&visits, size));
    harness::print(N::TITLE, &COLUMNS, &rows, options);
    allocations
}

/// The variants side by side: ours, the floor and another one, which holds the population `two`.
struct World<N: Naming, V> {
    clock: Clock,
    population: &'static Population,
    ours: PresenceDirectory<N::User, N::Session>,
    floor: Floor<N>,
    other: V,
}

impl<N: Naming, V: Variant<N>> World<N, V> {
    fn new(population: &'static Population, mut other: V, users: u32) -> Self {
        let mut clock = Clock::new();
        let mut ours = PresenceDirectory::new();
        arrive::<N>(population, users, &mut clock, &mut ours);
        arrive::<N>(&Population::TWO, users, &mut clock, &mut other);
        if let Some(preference) = population.preference {
            for (visit, now) in arrivals::<N>(users).zip(clock.batch(users as usize)) {
                consume(ours.apply(visit.name(), SetPreferred::new(preference), now));
            }
        }
        Self { clock, population, ours, floor: floor::<N>(users), other }
    }

    /// Measures what is asked of one user at a time. Returns the allocations a heartbeat too.
    fn measure(&mut self, visits: &[Visit<N>], size: &Size, goals: [Option<f64>; 3]) -> (Vec<Row>, f64) {
        let times = [
            ("heartbeat", self.heartbeats(visits, size)),
            ("flip", self.flips(visits, size)),
            ("read", self.reads(visits, size)),
        ];
        let rows = times.iter().zip(goals).map(|((op, times), goal)| {
            let row_of_case = Row::default().text("op", op).text("case", self.population.name);
            row::<N, V>(row_of_case, self.ours.len(), times, goal)
        });
        (rows.collect(), times[0].1.allocations())
    }

    fn heartbeats(&mut self, visits: &[Visit<N>], size: &Size) -> Times {
        self.requests(visits, size, |claims, _, at| (at % claims.len(), claims[at % claims.len()]))
    }

    fn flips(&mut self, visits: &[Visit<N>], size: &Size) -> Times {
        let calls = [SessionPresence::InAConferenceCall, SessionPresence::InACall];
        self.requests(visits, size, |claims, pass, _| (claims.len() - 1, calls[pass % 2]))
    }

    /// Sets one session a visit: `body` returns which one and to what, from what the sessions claim,
    /// how often all users have been visited and the place in the batch.
    fn requests(
        &mut self,
        visits: &[Visit<N>],
        size: &Size,
        body: impl Fn(&[SessionPresence], usize, usize) -> (usize, SessionPresence),
    ) -> Times {
        let Self { clock, population, ours, floor, other } = self;
        let batches = visits.len() / size.chunk;
        let mut times = Times::new();
        for round in 0..size.rounds {
            let instants = clock.batch(size.chunk);
            let [requests, others] = [*population, &Population::TWO].map(|population| {
                let batch = batch(visits, size, round).iter().zip(&instants).enumerate();
                let requests = batch.map(|(at, (visit, now))| {
                    let (which, claim) = body(population.claims, round / batches, at);
                    visit.request(which, claim, *now)
                });
                requests.collect::<Vec<_>>()
            });
            times.round(
                size.chunk,
                &mut [
                    &mut || ours.set_all(&requests),
                    &mut || {
                        for request in &requests {
                            write::<N>(floor, request.user, request.now);
                        }
                    },
                    &mut || other.set_all(&others),
                ],
            );
        }
        times
    }

    fn reads(&mut self, visits: &[Visit<N>], size: &Size) -> Times {
        let Self { clock, ours, floor, other, .. } = self;
        let mut times = Times::new();
        for round in 0..size.rounds {
            let instants = clock.batch(size.chunk);
            let batch = batch(visits, size, round);
            times.round(
                size.chunk,
                &mut [
                    &mut || ours.read_all(batch, &instants),
                    &mut || {
                        for (visit, now) in batch.iter().zip(&instants) {
                            consume((read::<N>(floor, visit.name()), *now));
                        }
                    },
                    &mut || other.read_all(batch, &instants),
                ],
            );
        }
        times
    }
}

impl<N: Naming> World<N, Naive<N>> {
    fn idle_ticks(&mut self, size: &Size, goal: Option<f64>) -> Row {
        let (mut times, mut naive_times) = (Times::new(), Times::new());
        for _ in 0..size.rounds {
            let instants = self.clock.batch(size.chunk);
            let mut ours = || instants.iter().for_each(|now| consume(self.ours.tick(*now)));
            times.round(size.chunk, &mut [&mut ours]);
        }
        for now in self.clock.batch(size.due_rounds) {
            naive_times.round(1, &mut [&mut || consume(self.other.tick(now))]);
        }
        Row::default()
            .text("op", "tick_idle")
            .number("users", float(self.ours.len() as u64))
            .number("ns", times.nanoseconds(0))
            .goal("ns", goal.filter(|_| N::HAS_GOALS))
            .number("naive_ns", naive_times.nanoseconds(0))
            .number("allocations", times.allocations())
    }
}

fn batch<'a, N: Naming>(visits: &'a [Visit<N>], size: &Size, round: usize) -> &'a [Visit<N>] {
    visits.chunks_exact(size.chunk).cycle().nth(round).unwrap_or_default()
}

/// Fills a row from the times of ours, the floor and another variant.
fn row<N: Naming, V: Variant<N>>(row: Row, users: usize, times: &Times, goal: Option<f64>) -> Row {
    let row = row
        .number("users", float(users as u64))
        .number("ns", times.nanoseconds(0))
        .number("floor_ns", times.nanoseconds(1))
        .number("ratio", times.ratio(0, 1))
        .goal("ratio", goal.filter(|_| N::HAS_GOALS));
    V::compare(row, times).number("allocations", times.allocations())
}

fn lifetime(duration: SignedDuration) -> SessionExpiration {
    SessionExpiration::new(duration).expect("a lifetime within the limits")
}

/// A session to set.
struct Request<'a, N: Naming> {
    user: &'a N::Name,
    session: N::Session,
    claim: SessionPresence,
    lifetime: SessionExpiration,
    now: Timestamp,
}

/// What keeps users by their sessions.
trait Variant<N: Naming> {
    fn set(&mut self, request: &Request<'_, N>) -> impl Sized;
    fn presence(&self, user: &N::Name, now: Timestamp) -> Presence;

    /// Sets a batch of sessions. There is one loop for all who call, so that where they are does not
    /// decide what is inlined.
    #[inline(never)]
    fn set_all(&mut self, requests: &[Request<'_, N>]) {
        for request in requests {
            consume(self.set(request));
        }
    }

    /// Reads a batch of users, by one loop for all who call too.
    #[inline(never)]
    fn read_all(&self, visits: &[Visit<N>], instants: &[Timestamp]) {
        for (visit, now) in visits.iter().zip(instants) {
            consume(self.presence(visit.name(), *now));
        }
    }

    /// Compares ours with this variant, whose times come third.
    fn compare(row: Row, times: &Times) -> Row;
}

impl<N: Naming> Variant<N> for PresenceDirectory<N::User, N::Session> {
    #[inline]
    fn set(&mut self, request: &Request<'_, N>) -> impl Sized {
        let body = SetSession::new(request.session, request.claim).with_expiration(request.lifetime);
        self.apply(request.user, body, request.now)
    }

    #[inline]
    fn presence(&self, user: &N::Name, now: Timestamp) -> Presence {
        self.presence(user, now)
    }

    fn compare(row: Row, times: &Times) -> Row {
        row.number("of_two", times.ratio(0, 2))
    }
}

/// Lets everybody come, one after another.
fn arrive<N: Naming>(
    population: &Population,
    users: u32,
    clock: &mut Clock,
    variant: &mut impl Variant<N>,
) {
    for (visit, now) in arrivals::<N>(users).zip(clock.batch(users as usize)) {
        for (which, claim) in population.claims.iter().enumerate() {
            consume(variant.set(&visit.request(which, *claim, now)));
        }
    }
}

/// A late tick that has something to tell of everybody.
struct DueCase {
    name: &'static str,
    claim: SessionPresence,
    lifetime: SignedDuration,
    /// How often everybody is heard of again before the silence.
    heartbeats: u32,
    goal: f64,
}

impl DueCase {
    const ALL: [Self; 3] = [
        Self {
            name: "fading",
            claim: SessionPresence::Available,
            lifetime: SignedDuration::HOUR,
            heartbeats: 0,
            goal: 4.0,
        },
        Self {
            name: "expiring",
            claim: SessionPresence::InACall,
            lifetime: SignedDuration::minutes(5),
            heartbeats: 0,
            goal: 4.0,
        },
        Self {
            name: "moved",
            claim: SessionPresence::InACall,
            lifetime: SignedDuration::minutes(15),
            heartbeats: 1,
            goal: 4.0,
        },
    ];

    /// Five minutes in which everybody comes and calls, and five for each visit in random order.
    fn prepare<N: Naming>(&self, visits: &[Visit<N>], mut set: impl FnMut(Request<'_, N>)) -> Timestamp {
        let users = count(visits);
        let spread = SignedDuration::minutes(5);
        let mut clock = Clock::with_step(spread / users.cast_signed());
        for (visit, now) in arrivals::<N>(users).zip(clock.batch(visits.len())) {
            set(visit.request(0, SessionPresence::InACall, now));
        }
        let lifetime = lifetime(self.lifetime);
        for _ in 0..=self.heartbeats {
            for (visit, now) in visits.iter().zip(clock.batch(visits.len())) {
                for which in [0, 1] {
                    set(Request { lifetime, ..visit.request(which, self.claim, now) });
                }
            }
        }
        clock.now() + SignedDuration::minutes(15)
    }
}

/// Measures one late loop over everybody; all times are for one changed user.
fn tick_due<N: Naming>(case: &DueCase, visits: &[Visit<N>], size: &Size) -> Row {
    let mut floor = floor::<N>(size.users);
    let mut times = Times::new();
    for _ in 0..size.due_rounds.min(N::DUE_ROUNDS) {
        let (mut ours, mut naive) = (PresenceDirectory::new(), Naive::new());
        let late = case.prepare(visits, |request| {
            consume(ours.set(&request));
            consume(naive.set(&request));
        });
        let mut told = 0;
        times.round(
            visits.len(),
            &mut [
                &mut || {
                    while let Some(change) = ours.tick(late) {
                        consume(change);
                        told += 1;
                    }
                },
                &mut || visits.iter().for_each(|visit| write::<N>(&mut floor, visit.name(), late)),
                &mut || naive.tick(late).into_iter().for_each(consume),
            ],
        );
        assert_eq!(told, visits.len(), "one change for each user");
    }
    let row_of_case = Row::default().text("op", "tick_due").text("case", case.name);
    row::<N, Naive<N>>(row_of_case, visits.len(), &times, size.goal(case.goal))
}

/// Counts what is held, by directories that have grown and that were told how many would come.
fn memory<N: Naming>(visits: &[Visit<N>], size: &Size) -> [Row; 2] {
    let grown = bytes_per_user(visits, PresenceDirectory::new);
    let reserved = bytes_per_user(visits, || PresenceDirectory::with_capacity(visits.len()));
    let naive = bytes_per_user(visits, Naive::new);
    [("grown", grown), ("with_capacity", reserved)].map(|(case, bytes)| {
        Row::default()
            .text("op", "memory")
            .text("case", case)
            .number("users", f64::from(size.users))
            .number("bytes_per_user", bytes)
            .goal("bytes_per_user", size.goal(160.0).filter(|_| N::HAS_GOALS))
            .number("naive_bytes_per_user", naive)
    })
}

/// Returns the bytes that are held once everybody has come and every other one has been heard again.
fn bytes_per_user<N: Naming, V: Variant<N>>(visits: &[Visit<N>], new: impl FnOnce() -> V) -> f64 {
    let before = live_bytes();
    let mut users = new();
    let mut clock = Clock::new();
    arrive::<N>(&Population::TWO, count(visits), &mut clock, &mut users);
    for (visit, now) in visits.iter().step_by(2).zip(clock.batch(visits.len())) {
        consume(users.set(&visit.request(1, SessionPresence::InACall, now)));
    }
    float(live_bytes() - before) / f64::from(count(visits))
}

fn count<N: Naming>(visits: &[Visit<N>]) -> u32 {
    u32::try_from(visits.len()).unwrap_or(u32::MAX)
}

/// Records of 128 bytes, found as users are.
type Floor<N> = hashbrown::HashMap<<N as Naming>::User, [u64; 16], UserHashBuilder>;

fn floor<N: Naming>(users: u32) -> Floor<N> {
    (0..users).map(|number| (N::user(number), [0; 16])).collect()
}

#[inline]
fn write<N: Naming>(floor: &mut Floor<N>, user: &N::Name, now: Timestamp) {
    if let Some(record) = floor.get_mut(user) {
        record[0] = now.as_seconds().cast_unsigned();
    }
}

#[inline]
fn read<N: Naming>(floor: &Floor<N>, user: &N::Name) -> Option<u64> {
    floor.get(user).map(|record| record[0])
}

/// What one writes by hand: no preferences, no deadlines, and a clock that never steps back.
struct Naive<N: Naming> {
    users: HashMap<N::User, NaiveUser<N::Session>>,
}

struct NaiveUser<S> {
    sessions: HashMap<S, NaiveSession>,
    told: Presence,
}

struct NaiveSession {
    claim: SessionPresence,
    since: Timestamp,
    expires_at: Timestamp,
}

impl<N: Naming> Naive<N> {
    fn new() -> Self {
        Self { users: HashMap::new() }
    }

    /// Returns everybody who has changed, with what they were and are.
    fn tick(&mut self, now: Timestamp) -> Vec<(N::User, Presence, Presence)> {
        let mut changed = Vec::new();
        self.users.retain(|user, stored| {
            stored.sessions.retain(|_, session| now < session.expires_at);
            let (previous, current) = stored.tell(now);
            if previous != current {
                changed.push((user.clone(), previous, current));
            }
            !stored.sessions.is_empty()
        });
        changed
    }
}

impl<N: Naming> Variant<N> for Naive<N> {
    /// Returns what the user was told to be, and is now.
    fn set(&mut self, request: &Request<'_, N>) -> impl Sized {
        let Request { user, session, claim, lifetime, now } = request;
        let state = NaiveSession { claim: *claim, since: *now, expires_at: *now + lifetime.duration() };
        if let Some(stored) = self.users.get_mut(*user) {
            stored.sessions.insert(*session, state);
            return stored.tell(*now);
        }
        let mut stored = NaiveUser { sessions: HashMap::new(), told: Presence::Offline };
        stored.sessions.insert(*session, state);
        let change = stored.tell(*now);
        self.users.insert(request.user.to_owned(), stored);
        change
    }

    fn presence(&self, user: &N::Name, now: Timestamp) -> Presence {
        self.users.get(user).map_or(Presence::Offline, |stored| stored.presence(now))
    }

    fn compare(row: Row, times: &Times) -> Row {
        row.number("naive_ns", times.nanoseconds(2)).number("speedup", times.ratio(2, 0))
    }
}

impl<S> NaiveUser<S> {
    fn tell(&mut self, now: Timestamp) -> (Presence, Presence) {
        let current = self.presence(now);
        (mem::replace(&mut self.told, current), current)
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
