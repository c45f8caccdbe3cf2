//! Ownership of shards: its rules one by one, and thousands of simulated histories with faults.
//!
//! `cargo test --release --test ownership` runs 100,000 of them. `FIRST=7 HISTORIES=1` runs the history of seed 7 alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use presence_graph_server::ownership::{Action, Event, LEASE, Ownership, Record, Survey, Written};

/// The time of the world, in milliseconds.
type Millis = u64;

/// Each shard has an owner that answers, and no process has more than its share, this long after the last fault.
const BOUND: Millis = 30_000;
/// How long something that was lost is waited for.
const OLD: Millis = OWNER_TIMEOUT + 1_000;
/// How long nothing may change then.
const PEACE: Millis = 8_000;
/// How long a request of an owner waits for its answer.
const OWNER_TIMEOUT: Millis = 5_000;

/// Processes, their keys and the records of shards, and what is under way between them.
struct World {
    random: Rng,
    now: Millis,
    phase: Phase,
    /// What happens next, in order.
    agenda: BTreeMap<(Millis, u64), Happening>,
    next: u64,
    nodes: Vec<Node>,
    /// The keys of the processes: the revision, and when NATS forgets them.
    keys: BTreeMap<String, (u64, Millis)>,
    records: Vec<Record>,
    revision: u64,
    /// Until then NATS is away.
    outage: Millis,
    /// Whether the clocks of processes go at different speeds. Otherwise NATS' clock jumps.
    drift: bool,
    moves: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Faults,
    Healing,
    Peace,
}

/// A process.
struct Node {
    id: String,
    machine: Ownership,
    /// Its clock: when it started, and thousandths of the speed of the world.
    start: Millis,
    speed: u64,
    /// How far NATS is.
    distance: Millis,
    paused_until: Millis,
    gone: bool,
    /// What it waits for.
    waiting: BTreeSet<u64>,
    owners: BTreeMap<usize, Owner>,
}

/// The owner of a shard in a process.
struct Owner {
    task: u64,
    revision: u64,
    /// Whether it must leave the shard.
    leaving: bool,
    /// Whether it answers no more.
    left: bool,
    /// Whether a snapshot is being stored.
    storing: bool,
}

#[derive(Clone)]
enum Happening {
    Poll(usize),
    Event(usize, Event),
    Arrive {
        node: usize,
        request: u64,
        what: Request,
    },
    /// The second half of a survey.
    Read {
        node: usize,
        request: u64,
        survey: Survey,
    },
    Answer {
        node: usize,
        request: u64,
        answer: Answer,
    },
    Snapshot {
        node: usize,
        shard: usize,
        task: u64,
    },
    /// The owner of a shard ends.
    End {
        node: usize,
        shard: usize,
        task: u64,
    },
    Fault,
}

/// What is asked of NATS.
#[derive(Clone)]
enum Request {
    Machine(Action),
    /// An owner stores its shard, or frees it.
    Owner {
        shard: usize,
        task: u64,
        revision: u64,
        frees: bool,
    },
}

#[derive(Clone)]
enum Answer {
    Machine(Event),
    Owner { shard: usize, task: u64, frees: bool, written: Written },
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let shards = random.usize(1..=8);
        let (processes, drift) = (random.usize(3..=8), random.bool());
        let mut world = Self {
            random,
            now: 0,
            phase: Phase::Faults,
            agenda: BTreeMap::new(),
            next: 0,
            nodes: Vec::new(),
            keys: BTreeMap::new(),
            records: vec![Record { owner: None, revision: 0 }; shards],
            revision: 0,
            outage: 0,
            drift,
            moves: Vec::new(),
        };
        for _ in 0..processes {
            world.start();
        }
        world
    }

    /// Plays faults, then waits until each shard has an owner, and then a time in peace.
    fn play(mut self) -> Result<Millis, String> {
        let faults = if self.random.u8(..8) == 0 { 0 } else { self.random.u64(1_000..12_000) };
        if faults > 0 {
            self.at(500, Happening::Fault);
        }
        self.run(faults)?;
        self.phase = Phase::Healing;
        self.outage = self.now;
        for node in 0..self.nodes.len() {
            self.nodes[node].paused_until = self.now;
        }
        if !self.nodes.iter().any(|node| !node.gone) {
            self.start();
        }
        let mut settled = self.now;
        while self.now < settled + OLD {
            self.run(self.now + 100)?;
            if !self.is_settled() {
                settled = self.now;
            }
            if settled > faults + BOUND {
                return Err(format!(
                    "not settled {BOUND} ms after the last fault:\n{}",
                    self.describe()
                ));
            }
        }
        self.phase = Phase::Peace;
        let (moves, end) = (self.moves.len(), self.now + PEACE);
        while self.now < end {
            self.run(self.now + 100)?;
            if self.moves.len() != moves {
                return Err(format!("moved in peace: {:?}", &self.moves[moves..]));
            }
            if !self.is_settled() {
                return Err(format!("unsettled in peace:\n{}", self.describe()));
            }
        }
        Ok(settled - faults)
    }

    fn run(&mut self, until: Millis) -> Result<(), String> {
        while let Some(entry) = self.agenda.first_entry()
            && entry.key().0 < until
        {
            let ((now, _), happening) = self.agenda.pop_first().unwrap();
            self.now = now;
            self.happen(happening);
            for shard in 0..self.records.len() {
                let answering = self.answering(shard);
                if answering.len() > 1 {
                    return Err(format!("{answering:?} answer for shard {shard} at {now}"));
                }
            }
        }
        self.now = until;
        Ok(())
    }

    fn at(&mut self, delay: Millis, happening: Happening) {
        self.next += 1;
        self.agenda.insert((self.now + delay, self.next), happening);
    }

    /// Starts a process.
    fn start(&mut self) {
        let id = format!("process-{}", self.nodes.len());
        let speed = if self.drift { self.random.u64(900..1_100) } else { 1_000 };
        let machine = Ownership::new(&id, self.records.len());
        let distance = self.random.u64(1..70);
        self.nodes.push(Node {
            id,
            machine,
            start: self.now,
            speed,
            distance,
            paused_until: 0,
            gone: false,
            waiting: BTreeSet::new(),
            owners: BTreeMap::new(),
        });
        let poll = self.random.u64(..500);
        self.at(poll, Happening::Poll(self.nodes.len() - 1));
    }

    fn happen(&mut self, happening: Happening) {
        let node = match &happening {
            Happening::Poll(node)
            | Happening::Event(node, _)
            | Happening::Answer { node, .. }
            | Happening::Snapshot { node, .. }
            | Happening::End { node, .. } => Some(*node),
            Happening::Arrive { .. } | Happening::Read { .. } | Happening::Fault => None,
        };
        if let Some(node) = node {
            if self.nodes[node].gone {
                return;
            }
            // A process that is paused finds everything when it goes on.
            let paused = self.nodes[node].paused_until;
            if paused > self.now {
                return self.at(paused - self.now, happening);
            }
        }
        match happening {
            Happening::Poll(node) => {
                let next = 500 + self.random.u64(..20);
                self.at(next, Happening::Poll(node));
                self.tell(node, Event::Poll);
            }
            Happening::Event(node, event) => self.tell(node, event),
            Happening::Arrive { node, request, what } => self.arrive(node, request, what),
            Happening::Read { node, request, mut survey } => {
                let known = survey.records.len();
                survey.records.extend_from_slice(&self.records[known..]);
                let answer = Answer::Machine(Event::Surveyed(Some(survey)));
                self.answer(node, request, answer);
            }
            Happening::Answer { node, request, answer } => {
                if self.nodes[node].waiting.remove(&request) {
                    match answer {
                        Answer::Machine(event) => self.tell(node, event),
                        Answer::Owner { shard, task, frees, written } => {
                            self.tell_owner(node, shard, task, frees, written);
                        }
                    }
                }
            }
            Happening::Snapshot { node, shard, task } => {
                let Some(owner) = self.owner(node, shard, task) else { return };
                if !owner.storing && !owner.leaving {
                    self.store(node, shard, task, false);
                }
                let next = self.random.u64(500..6_000);
                self.at(next, Happening::Snapshot { node, shard, task });
            }
            Happening::End { node, shard, task } => {
                if self.owner(node, shard, task).is_some() {
                    self.nodes[node].owners.remove(&shard);
                    self.tell(node, Event::Failed(shard));
                }
            }
            Happening::Fault => {
                if self.phase == Phase::Faults {
                    self.fault();
                    let next = self.random.u64(..2_000);
                    self.at(next, Happening::Fault);
                }
            }
        }
    }

    fn fault(&mut self) {
        let node = self.random.usize(..self.nodes.len());
        match self.random.u8(..8) {
            0 => {
                self.nodes[node].gone = true;
                self.start();
            }
            1 => self.nodes[node].gone = true,
            2 => self.start(),
            3 | 4 => {
                self.nodes[node].paused_until = self.now + self.random.u64(100..6_000);
            }
            5 => {
                self.at(0, Happening::Event(node, Event::Stop));
                if self.random.bool() {
                    self.start();
                }
            }
            6 => {
                self.outage = self.now + self.random.u64(50..5_000);
                // Owners end when the connection is lost.
                for node in 0..self.nodes.len() {
                    for (shard, task) in self.tasks(node) {
                        let delay = self.random.u64(..100);
                        self.at(delay, Happening::End { node, shard, task });
                    }
                }
            }
            _ if !self.drift => {
                let jump = self.random.u64(500..600_000);
                self.keys.values_mut().for_each(|(_, end)| *end = end.saturating_sub(jump));
            }
            _ => {
                for (shard, task) in self.tasks(node) {
                    self.at(0, Happening::End { node, shard, task });
                }
            }
        }
        if self.nodes.iter().filter(|node| !node.gone).count() < 2 {
            self.start();
        }
    }

    fn tasks(&self, node: usize) -> Vec<(usize, u64)> {
        self.nodes[node].owners.iter().map(|(shard, owner)| (*shard, owner.task)).collect()
    }

    /// Lets a process handle an event, and carries its actions out.
    fn tell(&mut self, node: usize, event: Event) {
        let now = self.clock(node);
        let actions = self.nodes[node].machine.handle(event, now);
        for action in actions {
            match action {
                Action::Own(shard, revision) => {
                    self.next += 1;
                    let task = self.next;
                    let owner = Owner { task, revision, leaving: false, left: false, storing: false };
                    let before = self.nodes[node].owners.insert(shard, owner);
                    assert!(before.is_none(), "a shard has one owner in a process");
                    let next = self.random.u64(500..6_000);
                    self.at(next, Happening::Snapshot { node, shard, task });
                }
                Action::Leave(shard) => {
                    let owner = self.nodes[node].owners.get_mut(&shard).expect("an owner");
                    owner.leaving = true;
                    let (task, storing) = (owner.task, owner.storing);
                    let hangs = self.phase == Phase::Faults && self.random.u8(..8) == 0;
                    if !storing && !hangs {
                        let free = self.random.bool();
                        self.store(node, shard, task, free);
                    }
                }
                Action::Abandon(shard) => {
                    // The owner may have ended by itself: then its end is on the way.
                    if let Some(owner) = self.nodes[node].owners.get(&shard) {
                        let task = owner.task;
                        let delay = self.random.u64(..50);
                        self.at(delay, Happening::End { node, shard, task });
                    }
                }
                action => self.ask(node, Request::Machine(action)),
            }
        }
        let node = &mut self.nodes[node];
        if node.machine.has_stopped() {
            assert!(node.owners.is_empty(), "a process that has stopped owns nothing");
            node.gone = true;
            self.keys.remove(&node.id);
        }
    }

    /// Stores the snapshot of a shard, or frees it.
    fn store(&mut self, node: usize, shard: usize, task: u64, frees: bool) {
        let Some(owner) = self.nodes[node].owners.get_mut(&shard) else { return };
        owner.storing = true;
        owner.left |= frees;
        let revision = owner.revision;
        self.ask(node, Request::Owner { shard, task, revision, frees });
    }

    fn tell_owner(&mut self, node: usize, shard: usize, task: u64, frees: bool, written: Written) {
        if self.owner(node, shard, task).is_none() {
            return;
        }
        let Some(owner) = self.nodes[node].owners.get_mut(&shard) else { return };
        owner.storing = false;
        match written {
            Written::Revision(_) if frees => {
                self.nodes[node].owners.remove(&shard);
                self.tell(node, Event::Left(shard));
            }
            Written::Revision(revision) => {
                owner.revision = revision;
                if owner.leaving {
                    self.store(node, shard, task, true);
                }
            }
            Written::Conflict | Written::Unknown => {
                self.nodes[node].owners.remove(&shard);
                self.tell(node, Event::Failed(shard));
            }
        }
    }

    fn owner(&self, node: usize, shard: usize, task: u64) -> Option<&Owner> {
        self.nodes[node].owners.get(&shard).filter(|owner| owner.task == task)
    }

    /// Sends a request to NATS, and a failure to the process in case there is no answer in time.
    fn ask(&mut self, node: usize, what: Request) {
        self.next += 1;
        let request = self.next;
        self.nodes[node].waiting.insert(request);
        let (failure, timeout) = match &what {
            Request::Machine(action) => {
                let failure = match action {
                    Action::Renew(_) => Event::Renewed(Written::Unknown),
                    Action::Survey => Event::Surveyed(None),
                    Action::FindMissing(_) => Event::MissingFound(None),
                    Action::Take(shard, _) => Event::Taken(*shard, Written::Unknown),
                    _ => unreachable!("not a request"),
                };
                (Answer::Machine(failure), millis(LEASE))
            }
            Request::Owner { shard, task, frees, .. } => {
                let written = Written::Unknown;
                (Answer::Owner { shard: *shard, task: *task, frees: *frees, written }, OWNER_TIMEOUT)
            }
        };
        self.at(timeout, Happening::Answer { node, request, answer: failure });
        if !self.is_lost() {
            let mut delay = self.delay(node);
            // In peace, looking at the others may take its time.
            if matches!(what, Request::Machine(Action::Survey | Action::FindMissing(_)))
                && self.phase == Phase::Peace
                && self.random.bool()
            {
                delay = self.random.u64(..3_000);
            }
            self.at(delay, Happening::Arrive { node, request, what });
        }
    }

    /// Does what was asked of NATS, and sends the answer.
    fn arrive(&mut self, node: usize, request: u64, what: Request) {
        let now = self.now;
        if now < self.outage {
            return;
        }
        self.keys.retain(|_, (_, end)| *end > now);
        let id = self.nodes[node].id.clone();
        let answer = match what {
            Request::Machine(Action::Renew(expected)) => {
                let written = if expected.is_none_or(|expected| {
                    self.keys.get(&id).is_some_and(|(revision, _)| *revision == expected)
                }) {
                    self.revision += 1;
                    self.keys.insert(id, (self.revision, now + millis(LEASE)));
                    Written::Revision(self.revision)
                } else {
                    Written::Conflict
                };
                Answer::Machine(Event::Renewed(written))
            }
            Request::Machine(Action::Survey) => {
                let misses = if self.phase == Phase::Healing { 0.0 } else { 0.05 };
                let random = &mut self.random;
                let alive = self.keys.keys().filter(|_| random.f64() >= misses).cloned().collect();
                // Half of the records are read now, and half later.
                let half = random.usize(..=self.records.len());
                let survey = Survey { alive, records: self.records[..half].to_vec() };
                let delay = self.delay(node);
                return self.at(delay, Happening::Read { node, request, survey });
            }
            Request::Machine(Action::FindMissing(ids)) => {
                let missing = ids.into_iter().filter(|id| !self.keys.contains_key(id)).collect();
                Answer::Machine(Event::MissingFound(Some(missing)))
            }
            Request::Machine(Action::Take(shard, revision)) => {
                Answer::Machine(Event::Taken(shard, self.swap(shard, revision, Some(id))))
            }
            Request::Machine(_) => unreachable!("not a request"),
            Request::Owner { shard, task, revision, frees } => {
                let owner = if frees { None } else { Some(id) };
                let written = self.swap(shard, revision, owner);
                Answer::Owner { shard, task, frees, written }
            }
        };
        self.answer(node, request, answer);
    }

    fn answer(&mut self, node: usize, request: u64, answer: Answer) {
        if self.now >= self.outage && !self.is_lost() {
            let delay = self.delay(node);
            self.at(delay, Happening::Answer { node, request, answer });
        }
    }

    fn swap(&mut self, shard: usize, expected: u64, owner: Option<String>) -> Written {
        let record = &mut self.records[shard];
        if record.revision != expected {
            return Written::Conflict;
        }
        self.revision += 1;
        if record.owner != owner {
            self.moves
                .push(format!("shard {shard} from {:?} to {owner:?} at {}", record.owner, self.now));
        }
        *record = Record { owner, revision: self.revision };
        Written::Revision(self.revision)
    }

    fn is_lost(&mut self) -> bool {
        self.phase == Phase::Faults && self.random.u8(..12) == 0
    }

    fn delay(&mut self, node: usize) -> Millis {
        let distance = self.nodes[node].distance;
        let delay = distance + self.random.u64(..=distance);
        match self.random.u8(..20) {
            0 if self.phase == Phase::Faults => delay + self.random.u64(..5_000),
            1 | 2 if self.phase == Phase::Faults => delay + self.random.u64(..900),
            _ => delay,
        }
    }

    /// Returns the time that the clock of a process shows.
    fn clock(&self, node: usize) -> Duration {
        let node = &self.nodes[node];
        Duration::from_millis((self.now - node.start) * node.speed / 1_000)
    }

    /// Returns the processes that answer for a shard.
    fn answering(&self, shard: usize) -> Vec<&str> {
        let nodes = self.nodes.iter().enumerate().filter(|(number, node)| {
            !node.gone
                && node.owners.get(&shard).is_some_and(|owner| !owner.left)
                && self.clock(*number) < node.machine.valid_until()
        });
        nodes.map(|(_, node)| node.id.as_str()).collect()
    }

    /// Returns whether each shard has its owner, and each process at most its share.
    fn is_settled(&self) -> bool {
        let alive = self.nodes.iter().filter(|node| !node.gone);
        let share = self.records.len().div_ceil(alive.clone().count());
        let keys = self.keys.values().filter(|(_, end)| *end > self.now).count();
        keys == alive.clone().count()
            && alive.clone().all(|node| node.owners.len() <= share)
            && alive.clone().all(|node| node.owners.values().all(|owner| !owner.leaving))
            && (0..self.records.len()).all(|shard| {
                let owner = self.records[shard].owner.as_deref();
                owner.is_some_and(|owner| self.answering(shard) == [owner])
            })
    }

    fn describe(&self) -> String {
        let nodes = self.nodes.iter().filter(|node| !node.gone);
        let machines: Vec<_> = nodes.map(|node| format!("{:?}", node.machine)).collect();
        format!("{}\n{:?}", machines.join("\n"), self.records)
    }
}

fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap()
}

/// Tells a process something at a time in milliseconds.
fn tell(process: &mut Ownership, at: Millis, event: Event) -> Vec<Action> {
    process.handle(event, Duration::from_millis(at))
}

/// A process "me" that has a lease since 0 ms and waits for its first survey.
fn member(shards: usize) -> Ownership {
    let mut me = Ownership::new("me", shards);
    assert_eq!(tell(&mut me, 0, Event::Poll), [Action::Renew(None), Action::Survey]);
    assert_eq!(tell(&mut me, 0, Event::Renewed(Written::Revision(1))), []);
    me
}

/// What a survey finds: the processes that are listed, and owner and revision of each shard.
fn survey(alive: &[&str], records: &[(&str, u64)]) -> Event {
    let record = |(owner, revision): &(&str, u64)| Record {
        owner: Some(owner.to_string()).filter(|owner| !owner.is_empty()),
        revision: *revision,
    };
    let alive = alive.iter().map(ToString::to_string).collect();
    Event::Surveyed(Some(Survey { alive, records: records.iter().map(record).collect() }))
}

fn missing(ids: &[&str]) -> Event {
    Event::MissingFound(Some(ids.iter().map(ToString::to_string).collect()))
}

/// Renews the lease, and returns what follows from a survey and from the keys that are read then.
fn look(me: &mut Ownership, at: Millis, survey: Event, missing: Event) -> Vec<Action> {
    let polled = tell(me, at, Event::Poll);
    assert!(polled.contains(&Action::Survey), "{polled:?}");
    tell(me, at, Event::Renewed(Written::Revision(at)));
    let mut actions = tell(me, at, survey);
    if matches!(actions[..], [Action::FindMissing(_)]) {
        actions = tell(me, at, missing);
    }
    actions
}

#[test]
fn a_shard_that_names_a_process_is_taken_back_whatever_its_share() {
    let mut me = member(2);
    assert_eq!(tell(&mut me, 10, survey(&["me", "you"], &[("", 0), ("you", 1)])), [Action::Take(0, 0)]);
    assert_eq!(tell(&mut me, 20, Event::Taken(0, Written::Revision(5))), [Action::Own(0, 5)]);
    let found = survey(&["me", "you"], &[("me", 5), ("me", 6)]);
    assert_eq!(look(&mut me, 500, found, missing(&[])), [Action::Take(1, 6), Action::Leave(0)]);
}

#[test]
fn an_owner_that_a_listing_misses_keeps_its_shards() {
    let mut me = member(2);
    tell(&mut me, 0, Event::Surveyed(None));
    for at in (500..10_000).step_by(500) {
        let found = survey(&["me"], &[("you", 1), ("you", 2)]);
        assert_eq!(look(&mut me, at, found, missing(&[])), []);
    }
}

#[test]
fn a_shard_is_taken_when_its_owner_was_missing_for_a_whole_lease() {
    let mut me = member(1);
    tell(&mut me, 0, Event::Surveyed(None));
    for at in [500, 1_000, 1_500, 2_000, 2_499] {
        assert_eq!(look(&mut me, at, survey(&["me"], &[("you", 1)]), missing(&["you"])), []);
    }
    let actions = look(&mut me, 2_500, survey(&["me"], &[("you", 1)]), missing(&["you"]));
    assert_eq!(actions, [Action::Take(0, 1)]);
}

#[test]
fn the_lease_is_waited_for_again_if_the_owner_or_its_record_was_there_in_between() {
    for between in [(survey(&["me", "you"], &[("you", 1)]), 1), (survey(&["me"], &[("you", 2)]), 2)] {
        let (found, revision) = between;
        let mut me = member(1);
        tell(&mut me, 0, Event::Surveyed(None));
        let gone = || survey(&["me"], &[("you", revision)]);
        assert_eq!(look(&mut me, 500, survey(&["me"], &[("you", 1)]), missing(&["you"])), []);
        assert_eq!(look(&mut me, 2_400, found, missing(&["you"])), []);
        assert_eq!(look(&mut me, 2_600, gone(), missing(&["you"])), []);
        assert_eq!(look(&mut me, 4_300, gone(), missing(&["you"])), []);
        assert_eq!(look(&mut me, 4_600, gone(), missing(&["you"])), [Action::Take(0, revision)]);
    }
}

#[test]
fn a_new_key_waits_for_what_was_taken_and_owned_by_the_old_one() {
    let mut me = member(2);
    let actions = tell(&mut me, 10, survey(&["me"], &[("", 0), ("", 0)]));
    assert!(
        actions.contains(&Action::Take(0, 0)) && actions.contains(&Action::Take(1, 0)),
        "{actions:?}"
    );
    assert_eq!(tell(&mut me, 20, Event::Taken(0, Written::Revision(1))), [Action::Own(0, 1)]);
    assert_eq!(tell(&mut me, 500, Event::Poll), [Action::Renew(Some(1)), Action::Survey]);
    assert_eq!(tell(&mut me, 510, Event::Renewed(Written::Conflict)), [Action::Abandon(0)]);
    assert_eq!(me.valid_until(), Duration::ZERO);
    assert_eq!(tell(&mut me, 520, Event::Failed(0)), []);
    assert_eq!(tell(&mut me, 530, Event::Taken(1, Written::Revision(2))), [Action::Renew(None)]);
    assert_eq!(me.expected().collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_lease_lasts_from_the_start_of_its_renewal() {
    let mut me = member(1);
    tell(&mut me, 700, Event::Poll);
    tell(&mut me, 1_900, Event::Renewed(Written::Revision(2)));
    assert_eq!(me.valid_until(), Duration::from_millis(2_700));
}

#[test]
fn an_owner_that_was_replaced_is_abandoned() {
    let mut me = member(1);
    tell(&mut me, 10, survey(&["me"], &[("", 0)]));
    tell(&mut me, 20, Event::Taken(0, Written::Revision(5)));
    let old = survey(&["me", "you"], &[("", 4)]);
    assert_eq!(look(&mut me, 500, old, missing(&[])), []);
    let new = survey(&["me", "you"], &[("you", 6)]);
    assert_eq!(look(&mut me, 1_000, new, missing(&[])), [Action::Abandon(0)]);
}

#[test]
fn a_leave_that_hangs_is_given_up_and_not_tried_again_at_once() {
    let mut me = member(2);
    tell(&mut me, 10, survey(&["me"], &[("", 0), ("", 0)]));
    for shard in 0..2 {
        tell(&mut me, 20, Event::Taken(shard, Written::Revision(5)));
    }
    let both = || survey(&["me", "you"], &[("me", 5), ("me", 5)]);
    assert_eq!(look(&mut me, 500, both(), missing(&[])), [Action::Leave(1)]);
    let actions = tell(&mut me, 5_500, Event::Poll);
    assert_eq!(actions, [Action::Abandon(1), Action::Renew(Some(500)), Action::Survey]);
    tell(&mut me, 5_510, Event::Failed(1));
    tell(&mut me, 5_510, Event::Renewed(Written::Revision(6)));
    assert_eq!(tell(&mut me, 5_520, both()), [Action::Take(1, 5)]);
    tell(&mut me, 5_530, Event::Taken(1, Written::Revision(7)));
    assert_eq!(look(&mut me, 15_000, both(), missing(&[])), []);
    assert_eq!(look(&mut me, 15_500, both(), missing(&[])), [Action::Leave(1)]);
}

#[test]
fn a_process_that_stops_leaves_everything_and_renews_its_lease_meanwhile() {
    let mut me = member(1);
    tell(&mut me, 10, survey(&["me"], &[("", 0)]));
    tell(&mut me, 20, Event::Taken(0, Written::Revision(5)));
    assert_eq!(tell(&mut me, 30, Event::Stop), [Action::Leave(0)]);
    assert!(!me.has_stopped());
    assert_eq!(tell(&mut me, 500, Event::Poll), [Action::Renew(Some(1))]);
    assert_eq!(tell(&mut me, 510, Event::Left(0)), []);
    assert!(me.has_stopped());
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |value| value.parse().expect("a number"))
}

#[test]
fn after_faults_each_shard_has_one_owner_again_and_keeps_it_in_peace() {
    let first = number("FIRST", 0);
    let histories = number("HISTORIES", if cfg!(debug_assertions) { 1_000 } else { 100_000 });
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let slowest = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                scope.spawn(move || {
                    let seeds = (first..first + histories).filter(|seed| seed % threads == part);
                    let settled = seeds.map(|seed| {
                        World::new(seed).play().unwrap_or_else(|fault| panic!("history {seed}: {fault}"))
                    });
                    settled.max().unwrap_or(0)
                })
            })
            .collect();
        parts.into_iter().map(|part| part.join().expect("no fault")).max().unwrap_or(0)
    });
    println!("{histories} histories: settled at most {slowest} ms after the last fault");
}
