use std::time::{Duration, Instant};

use presence_core::{PresenceDirectory, SessionPresence, SetSession, SignedDuration, Timestamp};

use crate::Size;
use crate::harness::{Row, consume};
use crate::ids::{Id, scattered};
use crate::population::lifetime;

/// The number of users that are due at one timestamp.
const TIED: u32 = 1000;
/// The number of runs. The machine interrupts calls, so the longest call is that of the best run.
const RUNS: usize = 3;

/// Measures the longest call while a directory grows, while its users come due, and while they leave.
pub(crate) fn longest(size: &Size) -> Vec<Row> {
    let users = 4 * size.users;
    let runs = [(); RUNS].map(|()| run(users));
    let cases = ["growing", "coming due", "leaving"].into_iter().enumerate();
    let rows = cases.map(|(case, name)| {
        let longest = runs.iter().map(|run| run[case].longest).min().unwrap_or_default();
        let total = runs.iter().map(|run| run[case].total).min().unwrap_or_default();
        Row::default()
            .text("op", "longest call")
            .text("case", name)
            .number("users", f64::from(users))
            .number("mean_ns", total.as_secs_f64() * 1e9 / f64::from(users))
            .number("longest_us", longest.as_secs_f64() * 1e6)
    });
    rows.collect()
}

/// The total and the longest time of calls.
#[derive(Default)]
struct Calls {
    total: Duration,
    longest: Duration,
}

impl Calls {
    fn time<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = call();
        let elapsed = start.elapsed();
        self.total += elapsed;
        self.longest = self.longest.max(elapsed);
        result
    }
}

/// Runs through the life of a directory. At each timestamp a thousand users arrive, so a thousand users
/// come due together later.
fn run(users: u32) -> [Calls; 3] {
    let mut directory = PresenceDirectory::<u64, u64>::new();
    let [mut growing, mut due, mut leaving] = [(); 3].map(|()| Calls::default());
    let hour = lifetime(SignedDuration::HOUR);
    let mut now = Timestamp::UNIX_EPOCH;
    for number in 0..users {
        if number % TIED == 0 {
            now += SignedDuration::MILLISECOND;
        }
        let body = SetSession::new(0, SessionPresence::Available).with_expiration(hour);
        consume(growing.time(|| directory.apply(&u64::new(u64::from(number)), body, now)));
    }
    let faded = now + SignedDuration::minutes(5);
    while let Some(now) = directory.next_deadline().filter(|deadline| *deadline <= faded) {
        while due.time(|| directory.tick(now)).is_some() {}
    }
    let mut order: Vec<u32> = (0..users).collect();
    order.sort_by_key(|number| scattered(u64::from(*number)));
    for number in order {
        consume(leaving.time(|| directory.remove(&u64::new(u64::from(number)))));
    }
    assert!(directory.is_empty(), "all users have left");
    [growing, due, leaving]
}
