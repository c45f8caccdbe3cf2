//! Measures a directory of a million users, beside a floor and a naive implementation.
//!
//! ```text
//! cargo bench --bench directory [-- [--json] [--quick] [--users N]]
//! ```
//!
//! Every operation is measured in three variants: a [`PresenceDirectory`], the *floor*, which is one
//! lookup in a hash map, and the *naive* one, two nested maps of the standard library. The variants
//! take turns in short rounds, and a ratio is the median over the rounds. `benches/README.md` explains
//! the method and the columns, and lists the results.

extern crate alloc;

#[path = "../harness/mod.rs"]
mod harness;
#[allow(dead_code, reason = "tests verify it")]
#[path = "../../src/directory/queue.rs"]
mod queue;

mod deadlines;
mod due;
mod ids;
mod longest;
mod memory;
mod population;
mod setup;
mod variant;

use std::process::ExitCode;

use presence_core::PresenceDirectory;

use deadlines::deadlines;
use due::DueCase;
use harness::{Options, Row};
use ids::{Id, UserId};
use longest::longest;
use memory::{bytes_per_user, memory};
use population::{Population, visits};
use setup::{Setup, compare_with_floor};
use variant::{Naive, Nothing};

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

const ID_COLUMNS: [&str; 8] = [
    "user_id",
    "session_id",
    "heartbeat_ns",
    "heartbeat_ratio",
    "read_ns",
    "read_ratio",
    "allocations",
    "bytes_per_user",
];

const SCALE_COLUMNS: [&str; 8] = [
    "users",
    "heartbeat_ns",
    "heartbeat_ratio",
    "read_ns",
    "read_ratio",
    "prefetched_ns",
    "prefetched_ratio",
    "bytes_per_user",
];

const QUEUE_COLUMNS: [&str; 6] = ["op", "entries", "ns", "set_ns", "ratio", "allocations"];

const LONGEST_COLUMNS: [&str; 5] = ["op", "case", "users", "mean_ns", "longest_us"];

fn main() -> ExitCode {
    let options = Options::from_arguments();
    let size = if options.quick { Size::QUICK } else { Size::FULL };
    if let Some(users) = options.users {
        harness::print("scale", &SCALE_COLUMNS, &[row_of_scale(users, &size)], &options);
        return ExitCode::SUCCESS;
    }
    let texts_size = Size { due_rounds: 1, has_goals: false, ..size };
    let mut allocations = report::<u64, u64>(&size, &Population::OTHERS, &options);
    allocations += report::<String, u128>(&texts_size, &[], &options);
    allocations += report_ids(&size, &options);
    harness::print("queue", &QUEUE_COLUMNS, &deadlines(&size), &options);
    let sizes = [size.users / 1000, size.users / 100, size.users / 10, size.users, 10 * size.users];
    let scale = sizes.map(|users| row_of_scale(users, &size));
    harness::print("scale", &SCALE_COLUMNS, &scale, &options);
    harness::print("longest calls", &LONGEST_COLUMNS, &longest(&size), &options);
    if allocations == 0.0 {
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
    /// Each round of late ticks takes seconds to prepare.
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

/// Measures all operations with one pair of id types. Returns the allocations of a heartbeat.
fn report<U: UserId, S: Id>(size: &Size, others: &'static [Population], options: &Options) -> f64 {
    let visits = visits::<U>(size.users);
    let mut setup = Setup::new(&Population::TWO, Naive::<U, S>::new(), size.users);
    let goals = [2.0, 2.2, 1.5].map(|goal| size.goal(goal));
    let (mut rows, mut allocations) = setup.measure(&visits, size, goals);
    let prefetched = setup.prefetched(&visits, size);
    let row = Row::default().text("op", "prefetched").text("case", Population::TWO.name);
    rows.push(compare_with_floor(row, visits.len(), &prefetched, size.goal(1.4)));
    let idle = setup.idle_ticks(size, size.goal(5.0));
    drop(setup);
    for population in others {
        let mut setup = Setup::new(population, PresenceDirectory::<U, S>::new(), size.users);
        let (more, its_allocations) = setup.measure(&visits, size, [None; 3]);
        rows.extend(more);
        allocations += its_allocations;
    }
    rows.push(idle);
    for users in [size.users / 10, 100] {
        let mut setup = Setup::new(&Population::TWO, Naive::<U, S>::new(), users);
        rows.push(setup.idle_ticks(size, None));
    }
    rows.extend(DueCase::ALL.map(|case| case.measure::<U, S>(&visits, size)));
    rows.push(memory::<U, S>(&visits, size));
    let title = format!("user ids: {}, session ids: {}", U::NAME, S::NAME);
    harness::print(&title, &COLUMNS, &rows, options);
    allocations
}

/// Compares types of ids. Returns the allocations of a heartbeat.
fn report_ids(size: &Size, options: &Options) -> f64 {
    let (rows, allocations): (Vec<Row>, Vec<f64>) = [
        row_of_ids::<u64, u64>(size),
        row_of_ids::<u128, u128>(size),
        row_of_ids::<String, u128>(size),
        row_of_ids::<String, String>(size),
    ]
    .into_iter()
    .unzip();
    harness::print("ids", &ID_COLUMNS, &rows, options);
    allocations.iter().sum()
}

fn row_of_ids<U: UserId, S: Id>(size: &Size) -> (Row, f64) {
    let visits = visits::<U>(size.users);
    let mut setup = Setup::new(&Population::TWO, Naive::<U, S>::new(), size.users);
    let (heartbeats, reads) = (setup.heartbeats(&visits, size), setup.reads(&visits, size));
    drop(setup);
    let row = Row::default()
        .text("user_id", U::NAME)
        .text("session_id", S::NAME)
        .number("heartbeat_ns", heartbeats.nanoseconds(0))
        .number("heartbeat_ratio", heartbeats.ratio(0, 1))
        .number("read_ns", reads.nanoseconds(0))
        .number("read_ratio", reads.ratio(0, 1))
        .number("allocations", heartbeats.allocations())
        .number("bytes_per_user", bytes_per_user(&visits, PresenceDirectory::<U, S>::new));
    (row, heartbeats.allocations())
}

/// Measures a directory of this many users.
fn row_of_scale(users: u32, size: &Size) -> Row {
    let size = Size { users, chunk: size.chunk.min(users as usize), ..*size };
    let visits = visits::<u64>(users);
    let mut setup = Setup::<u64, u64, _>::new(&Population::TWO, Nothing, users);
    let (heartbeats, reads) = (setup.heartbeats(&visits, &size), setup.reads(&visits, &size));
    let prefetched = setup.prefetched(&visits, &size);
    drop(setup);
    Row::default()
        .number("users", f64::from(users))
        .number("heartbeat_ns", heartbeats.nanoseconds(0))
        .number("heartbeat_ratio", heartbeats.ratio(0, 1))
        .number("read_ns", reads.nanoseconds(0))
        .number("read_ratio", reads.ratio(0, 1))
        .number("prefetched_ns", prefetched.nanoseconds(0))
        .number("prefetched_ratio", prefetched.ratio(0, 1))
        .number("bytes_per_user", bytes_per_user(&visits, PresenceDirectory::<u64, u64>::new))
}
