//! A small presence server: threads and channels of `std`, and one loop that owns a
//! [`PresenceDirectory`].
//!
//! ```text
//! clients ───Request───► server ───Notice───► publisher ───Notice───► watchers
//!    ▲                 waits until its       knows the watchers
//!    └─────Answer─────  next deadline         of each user
//! ```
//!
//! The clients play 4,000 users for four seconds. A session lives for 5 minutes at least, so the
//! changes that come without a command are those of preferences, which live for up to a second here. To
//! stop, the clients hang up: a thread ends when all senders of its channel are gone.
//!
//! Try `cargo run --release --features std --example server`.

use std::collections::HashMap;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use presence_core::{
    ClearPreferred, ClearSession, Command, CommandError, Outcome, PreferredExpiration,
    PreferredPresence, Presence, PresenceDirectory, SessionExpiration, SessionPresence, SetPreferred,
    SetSession, SignedDuration, Timestamp,
};

/// How long the clients send requests.
const RUN: Duration = Duration::from_secs(4);
const CLIENTS: u32 = 4;
const USERS_PER_CLIENT: u32 = 1000;
/// How long a client waits after each answer.
const PAUSE: Duration = Duration::from_micros(500);
const WATCHERS: u32 = 4;
/// The longest wait of the server, which bounds how late it notices that the clock was set.
const MAX_WAIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let started = Instant::now();
    let (request_sender, requests) = mpsc::channel();
    let (notice_sender, notices) = mpsc::channel();
    let (watchers, watched): (Vec<_>, Vec<_>) = (0..WATCHERS).map(|_| mpsc::channel()).unzip();

    let report = thread::scope(|scope| {
        let server = scope.spawn(move || Server::new(notice_sender).run(&requests));
        let publisher = scope.spawn(move || Publisher::new(&watchers).run(&notices));
        let watchers: Vec<_> = watched
            .into_iter()
            .map(|notices| scope.spawn(move || Watcher::default().run(&notices)))
            .collect();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let requests = request_sender.clone();
                scope.spawn(move || Client::new(number).run(&requests, started + RUN))
            })
            .collect();
        drop(request_sender);
        Report {
            clients: clients.into_iter().map(|client| client.join().unwrap()).collect(),
            users_left: server.join().unwrap(),
            changes: publisher.join().unwrap(),
            watchers: watchers.into_iter().map(|watcher| watcher.join().unwrap()).collect(),
        }
    });

    report.print(started.elapsed());
    if report.gaps() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The thread that owns the directory. It needs no lock.
struct Server {
    directory: PresenceDirectory<String, u64>,
    notices: Sender<Notice>,
}

/// A command for one user, and the channel for its answer.
struct Request {
    user: String,
    command: Command<u64>,
    reply: Sender<Result<Outcome, CommandError>>,
}

/// A change of one user's effective presence.
#[derive(Clone)]
struct Notice {
    user: String,
    outcome: Outcome,
    /// When the change was due, if it came without a command.
    due: Option<Timestamp>,
}

impl Server {
    fn new(notices: Sender<Notice>) -> Self {
        Self { directory: PresenceDirectory::new(), notices }
    }

    /// Serves until all clients have hung up, and returns how many users are stored then.
    fn run(mut self, requests: &Receiver<Request>) -> usize {
        loop {
            let timeout = self.directory.timeout(Timestamp::now(), MAX_WAIT);
            let request = requests.recv_timeout(timeout);
            // Read after the wait: a timestamp taken when the request was sent could be before the
            // last update.
            let now = Timestamp::now();
            self.pass_time(now);
            match request {
                Ok(request) => self.answer(request, now),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.directory.len(),
            }
        }
    }

    fn pass_time(&mut self, now: Timestamp) {
        for (due, user, outcome) in self.directory.changes_until(now) {
            send(&self.notices, Notice { user, outcome, due: Some(due) });
        }
    }

    fn answer(&mut self, request: Request, now: Timestamp) {
        let Request { user, command, reply } = request;
        let answer = self.directory.apply(user.as_str(), command, now);
        send(&reply, answer);
        if let Ok(outcome) = answer
            && outcome.changed().is_some()
        {
            send(&self.notices, Notice { user, outcome, due: None });
        }
    }
}

/// Sends a message, which is dropped if the receiver has hung up.
fn send<T>(sender: &Sender<T>, message: T) {
    let _ = sender.send(message);
}

/// The thread that passes each change on to the watchers of the user.
///
/// The watchers are fixed here. To let one subscribe, send a `Tick` for the user to the server, and let
/// the server pass the subscription on through the channel of the notices. The watcher starts from the
/// `current` of the answer, and no change is lost between the answer and the first notice.
struct Publisher {
    watchers: HashMap<String, Vec<Sender<Notice>>>,
}

impl Publisher {
    /// Gives every user two watchers.
    fn new(watchers: &[Sender<Notice>]) -> Self {
        let pairs = watchers.iter().zip(watchers.iter().cycle().skip(1)).cycle();
        let users = (0..CLIENTS * USERS_PER_CLIENT).map(user_id);
        let watchers = users.zip(pairs.map(|(one, other)| vec![one.clone(), other.clone()]));
        Self { watchers: watchers.collect() }
    }

    /// Publishes until the server has hung up, and returns how many changes there were.
    fn run(self, notices: &Receiver<Notice>) -> usize {
        let mut changes = 0;
        for notice in notices {
            changes += 1;
            for watcher in self.watchers.get(&notice.user).into_iter().flatten() {
                send(watcher, notice.clone());
            }
        }
        changes
    }
}

fn user_id(number: u32) -> String {
    format!("user-{number}")
}

/// A thread that keeps the presences of the users that it watches.
#[derive(Default)]
struct Watcher {
    presences: HashMap<String, Presence>,
    notices: usize,
    /// How often a change did not start from the presence that the change before it ended with.
    gaps: usize,
    /// How late the changes without a command arrived.
    latencies: Vec<Duration>,
}

impl Watcher {
    fn run(mut self, notices: &Receiver<Notice>) -> Self {
        for Notice { user, outcome, due } in notices {
            self.notices += 1;
            let late = due.map(|due| Duration::try_from(Timestamp::now() - due).unwrap_or_default());
            self.latencies.extend(late);
            let previous = self.presences.insert(user, outcome.current).unwrap_or_default();
            self.gaps += usize::from(previous != outcome.previous);
        }
        self
    }
}

/// A thread that sends one request after the other for its users.
struct Client {
    users: Range<u32>,
    dice: Dice,
    rejected: usize,
    /// How long the answers took.
    latencies: Vec<Duration>,
}

impl Client {
    fn new(number: u32) -> Self {
        let first = number * USERS_PER_CLIENT;
        let users = first..first + USERS_PER_CLIENT;
        Self { users, dice: Dice(number), rejected: 0, latencies: Vec::new() }
    }

    fn run(mut self, requests: &Sender<Request>, end: Instant) -> Self {
        while Instant::now() < end {
            let user = user_id(self.dice.roll(self.users.clone()));
            let (reply, answer) = mpsc::channel();
            let sent = Instant::now();
            send(requests, Request { user, command: self.command(), reply });
            let Ok(answer) = answer.recv() else { break };
            self.latencies.push(sent.elapsed());
            self.rejected += usize::from(answer.is_err());
            thread::sleep(PAUSE);
        }
        self
    }

    fn command(&mut self) -> Command<u64> {
        let dice = &mut self.dice;
        let device = dice.roll(0..2).into();
        match dice.roll(0..10) {
            0..6 => {
                let lifetime = SignedDuration::minutes(dice.roll(5..60).into());
                let expiration = SessionExpiration::new(lifetime).expect("it is within the limits");
                let claim = dice.choose(SessionPresence::ALL);
                SetSession::new(device, claim).with_expiration(expiration).into()
            }
            6 => ClearSession::new(device).into(),
            7..9 => {
                let lifetime = SignedDuration::milliseconds(dice.roll(1..1000).into());
                let expiration = PreferredExpiration::new(lifetime).expect("it is longer than zero");
                let presence = dice.choose(PreferredPresence::ALL);
                SetPreferred::new(presence).with_expiration(expiration).into()
            }
            _ => ClearPreferred.into(),
        }
    }
}

/// Pseudorandom numbers, from a linear congruential generator.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, range: Range<u32>) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        range.start + (self.0 >> 16) % (range.end - range.start)
    }

    fn choose<T: Copy>(&mut self, values: &[T]) -> T {
        let sides = u32::try_from(values.len()).expect("there are few");
        values[self.roll(0..sides) as usize]
    }
}

/// What the threads have counted.
struct Report {
    clients: Vec<Client>,
    users_left: usize,
    changes: usize,
    watchers: Vec<Watcher>,
}

impl Report {
    fn print(&self, elapsed: Duration) {
        let answers = self.clients.iter().flat_map(|client| &client.latencies);
        let due = self.watchers.iter().flat_map(|watcher| &watcher.latencies);
        let rejected: usize = self.clients.iter().map(|client| client.rejected).sum();
        let notices: usize = self.watchers.iter().map(|watcher| watcher.notices).sum();

        println!("ran       {elapsed:.1?}");
        println!(
            "users     {}, {} of them stored at the end",
            grouped(CLIENTS as usize * USERS_PER_CLIENT as usize),
            grouped(self.users_left)
        );
        println!(
            "requests  {}, {} of them rejected",
            grouped(answers.clone().count()),
            grouped(rejected)
        );
        println!(
            "changes   {}, sent {} times to {WATCHERS} watchers, with {} gaps",
            grouped(self.changes),
            grouped(notices),
            grouped(self.gaps())
        );
        println!();
        println!("{:<34} {:>10} {:>10} {:>10}", "latency", "p50", "p99", "max");
        print_latencies("from a request to its answer", answers);
        print_latencies("from a deadline to its watcher", due);
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
