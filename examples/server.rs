//! A small presence server, whole: threads and channels of `std`, and one loop that owns a
//! [`PresenceDirectory`].
//!
//! ```text
//! crowd ───Request───► server ───Notice───► herald ───Notice───► watchers
//!   ▲                  sleeps until its     knows who
//!   └─────Answer────── next deadline        watches whom
//! ```
//!
//! The crowd plays a few thousand users for four seconds. As lifetimes are minutes at least, the
//! clock of this server runs 600 times as fast as that of the machine, so a session fades after half
//! a second; a [`SPEED`] of 1 is the real thing. To stop, the crowd hangs up: each thread ends when
//! those who talk to it have.
//!
//! Try `cargo run --release --example server`.

use std::collections::HashMap;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use presence_core::{
    ClearPreferred, ClearSession, Command, CommandError, Outcome, PreferredExpiration,
    PreferredPresence, Presence, PresenceDirectory, SessionExpiration, SessionPresence, SetPreferred,
    SetSession, SignedDuration, Timestamp,
};

/// How many times as fast as the machine's the clock runs.
const SPEED: i32 = 600;
/// How long the crowd talks, in real time.
const RUN: Duration = Duration::from_secs(4);
const CROWDS: u32 = 4;
const USERS_PER_CROWD: u32 = 1000;
/// How long a crowd waits after each answer, in real time.
const PAUSE: Duration = Duration::from_micros(500);
const WATCHERS: u32 = 4;
/// How long the server sleeps at most, in real time, so that it notices a step of the clock.
const MAX_SLEEP: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let clock = Clock::start();
    let started = Instant::now();
    let (requests, asked) = mpsc::channel();
    let (notices, told) = mpsc::channel();
    let (watchers, watched): (Vec<_>, Vec<_>) = (0..WATCHERS).map(|_| mpsc::channel()).unzip();

    let report = thread::scope(|scope| {
        let server = scope.spawn(move || Server::new(clock, notices).run(&asked));
        scope.spawn(move || Herald::new(&watchers).run(&told));
        let watchers: Vec<_> = watched
            .into_iter()
            .map(|notices| scope.spawn(move || Watcher::default().run(clock, &notices)))
            .collect();
        let crowds: Vec<_> = (0..CROWDS)
            .map(|number| {
                let requests = requests.clone();
                scope.spawn(move || Crowd::new(number).run(&requests, started + RUN))
            })
            .collect();
        drop(requests);
        Report {
            crowds: crowds.into_iter().map(|crowd| crowd.join().unwrap()).collect(),
            served: server.join().unwrap(),
            watchers: watchers.into_iter().map(|watcher| watcher.join().unwrap()).collect(),
        }
    });

    report.print(started.elapsed());
    if report.gaps() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The clock that the server goes by: a wall clock, which may step.
#[derive(Clone, Copy)]
struct Clock {
    started: Timestamp,
}

impl Clock {
    fn start() -> Self {
        Self { started: wall_clock() }
    }

    fn now(self) -> Timestamp {
        self.started.saturating_add((wall_clock() - self.started).saturating_mul(SPEED))
    }

    /// Returns how long it is until an instant, in real time: nothing if that is past.
    fn until(self, at: Timestamp) -> Duration {
        real_time(at - self.now())
    }

    /// Returns for how long an instant has been past, in real time.
    fn since(self, at: Timestamp) -> Duration {
        real_time(self.now() - at)
    }
}

/// Reads the clock of the machine, as `Timestamp::now()` does where the crate `time` has its
/// feature `std`.
fn wall_clock() -> Timestamp {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => Timestamp::UNIX_EPOCH + since,
        Err(error) => Timestamp::UNIX_EPOCH - error.duration(),
    }
}

fn real_time(span: SignedDuration) -> Duration {
    Duration::try_from(span / SPEED).unwrap_or_default()
}

/// The one thread that knows who is what. It needs no lock, as nobody else touches the directory.
struct Server {
    directory: PresenceDirectory<String, u64>,
    clock: Clock,
    notices: Sender<Notice>,
    changes: usize,
}

/// What the server counted.
struct Served {
    changes: usize,
    stored: usize,
}

/// A command for one user, and where the answer goes.
struct Request {
    user: String,
    command: Command<u64>,
    reply: Sender<Result<Outcome, CommandError>>,
}

/// A change that observers are to be told.
#[derive(Clone)]
struct Notice {
    user: String,
    outcome: Outcome,
    /// When it fell due, if no command brought it about.
    due: Option<Timestamp>,
}

impl Server {
    fn new(clock: Clock, notices: Sender<Notice>) -> Self {
        Self { directory: PresenceDirectory::new(), clock, notices, changes: 0 }
    }

    fn run(mut self, requests: &Receiver<Request>) -> Served {
        loop {
            let request = requests.recv_timeout(self.sleep());
            let now = self.clock.now();
            self.pass_time(now);
            match request {
                Ok(request) => self.answer(request, now),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Served { changes: self.changes, stored: self.directory.len() };
                }
            }
        }
    }

    fn sleep(&self) -> Duration {
        let due = self.directory.next_deadline();
        due.map_or(MAX_SLEEP, |due| self.clock.until(due).min(MAX_SLEEP))
    }

    fn answer(&mut self, request: Request, now: Timestamp) {
        let Request { user, command, reply } = request;
        let answer = self.directory.apply(user.as_str(), command, now);
        // Whoever does not wait for the answer has hung up.
        let _ = reply.send(answer);
        if let Ok(outcome) = answer
            && outcome.changed().is_some()
        {
            self.tell(Notice { user, outcome, due: None });
        }
    }

    fn pass_time(&mut self, now: Timestamp) {
        loop {
            let due = self.directory.next_deadline();
            let Some((user, outcome)) = self.directory.tick(now) else { return };
            self.tell(Notice { user, outcome, due });
        }
    }

    fn tell(&mut self, notice: Notice) {
        self.changes += 1;
        // The herald outlives the server, unless it has panicked.
        let _ = self.notices.send(notice);
    }
}

/// The thread that hands each change to those who watch the user.
///
/// Here nobody subscribes while it runs. Where they do, let them ask the server: one that reads the
/// presence and passes the subscription on down the channel of the changes leaves no gap between.
struct Herald {
    watchers: HashMap<String, Vec<Sender<Notice>>>,
}

impl Herald {
    /// Gives every user two watchers.
    fn new(watchers: &[Sender<Notice>]) -> Self {
        let pairs = watchers.iter().zip(watchers.iter().cycle().skip(1)).cycle();
        let users = (0..CROWDS * USERS_PER_CROWD).map(user);
        let watchers = users.zip(pairs.map(|(one, other)| vec![one.clone(), other.clone()]));
        Self { watchers: watchers.collect() }
    }

    fn run(self, notices: &Receiver<Notice>) {
        for notice in notices {
            for watcher in self.watchers.get(&notice.user).into_iter().flatten() {
                // A watcher that has left needs no notice.
                let _ = watcher.send(notice.clone());
            }
        }
    }
}

fn user(number: u32) -> String {
    format!("user-{number}")
}

/// One who keeps a board of the users it is told of.
#[derive(Default)]
struct Watcher {
    board: HashMap<String, Presence>,
    heard: usize,
    /// How often a change did not start where the one before it had ended.
    gaps: usize,
    /// How late the changes were that came by themselves.
    latencies: Vec<Duration>,
}

impl Watcher {
    fn run(mut self, clock: Clock, notices: &Receiver<Notice>) -> Self {
        for Notice { user, outcome, due } in notices {
            self.heard += 1;
            self.latencies.extend(due.map(|due| clock.since(due)));
            let shown = self.board.insert(user, outcome.current).unwrap_or_default();
            self.gaps += usize::from(shown != outcome.previous);
        }
        self
    }
}

/// Some of the users, who ask for one thing after the other.
struct Crowd {
    users: Range<u32>,
    dice: Dice,
    refused: usize,
    /// How long the answers took.
    latencies: Vec<Duration>,
}

impl Crowd {
    fn new(number: u32) -> Self {
        let first = number * USERS_PER_CROWD;
        Self {
            users: first..first + USERS_PER_CROWD,
            dice: Dice(number),
            refused: 0,
            latencies: Vec::new(),
        }
    }

    fn run(mut self, requests: &Sender<Request>, end: Instant) -> Self {
        let (reply, answers) = mpsc::channel();
        while Instant::now() < end {
            let user = user(self.users.start + self.dice.roll(USERS_PER_CROWD));
            let request = Request { user, command: self.command(), reply: reply.clone() };
            let asked = Instant::now();
            if requests.send(request).is_err() {
                break;
            }
            let Ok(answer) = answers.recv() else { break };
            self.latencies.push(asked.elapsed());
            self.refused += usize::from(answer.is_err());
            thread::sleep(PAUSE);
        }
        self
    }

    fn command(&mut self) -> Command<u64> {
        let dice = &mut self.dice;
        let device = u64::from(dice.roll(2));
        match dice.roll(10) {
            0..6 => {
                let expiration = SessionExpiration::new(dice.minutes(5..60)).unwrap();
                let claim = dice.choose(&SessionPresence::ALL);
                SetSession::new(device, claim).with_expiration(expiration).into()
            }
            6 => ClearSession::new(device).into(),
            7..9 => {
                let expiration = PreferredExpiration::new(dice.minutes(1..10)).unwrap();
                let presence = dice.choose(&PreferredPresence::ALL);
                SetPreferred::new(presence).with_expiration(expiration).into()
            }
            _ => ClearPreferred.into(),
        }
    }
}

/// Numbers that look like chance; a linear congruential generator.
struct Dice(u32);

impl Dice {
    /// Returns a number below `sides`.
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % sides
    }

    fn minutes(&mut self, range: Range<u32>) -> SignedDuration {
        let minutes = range.start + self.roll(range.end - range.start);
        SignedDuration::minutes(minutes.into())
    }

    fn choose<T: Copy>(&mut self, values: &[T]) -> T {
        let sides = u32::try_from(values.len()).unwrap();
        values[self.roll(sides) as usize]
    }
}

/// What everybody counted.
struct Report {
    crowds: Vec<Crowd>,
    served: Served,
    watchers: Vec<Watcher>,
}

impl Report {
    fn print(&self, elapsed: Duration) {
        let requests = self.crowds.iter().flat_map(|crowd| &crowd.latencies);
        let changes = self.watchers.iter().flat_map(|watcher| &watcher.latencies);
        let refused: usize = self.crowds.iter().map(|crowd| crowd.refused).sum();
        let heard: usize = self.watchers.iter().map(|watcher| watcher.heard).sum();

        let minutes = (elapsed * SPEED.unsigned_abs()).as_secs() / 60;
        println!("ran       {elapsed:.1?}, in which the clock ran {minutes} min");
        println!(
            "users     {}, {} of them still stored",
            grouped(CROWDS as usize * USERS_PER_CROWD as usize),
            grouped(self.served.stored)
        );
        println!(
            "requests  {}, {} of them refused",
            grouped(requests.clone().count()),
            grouped(refused)
        );
        println!(
            "changes   {}, told {} times to {WATCHERS} watchers, with {} gaps",
            grouped(self.served.changes),
            grouped(heard),
            grouped(self.gaps())
        );
        println!();
        println!("{:<34} {:>10} {:>10} {:>10}", "latency", "p50", "p99", "max");
        print_latencies("from a request to its answer", requests);
        print_latencies("from a deadline to its watcher", changes);
    }

    fn gaps(&self) -> usize {
        self.watchers.iter().map(|watcher| watcher.gaps).sum()
    }
}

fn print_latencies<'a>(name: &str, latencies: impl Iterator<Item = &'a Duration>) {
    let mut sorted: Vec<_> = latencies.copied().collect();
    sorted.sort_unstable();
    let percentile = |percent: usize| {
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    };
    println!(
        "{name:<34} {:>10.1?} {:>10.1?} {:>10.1?}",
        percentile(50),
        percentile(99),
        percentile(100)
    );
}

/// Writes a number with a comma before every third digit from the end.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}
