//! Ownership of shards in a small world: two processes, one or two shards, a few faults, and every order of events.
//!
//! Time goes in seconds. A process polls once in each, and a lease lasts for two.

use std::collections::BTreeMap;
use std::time::Duration;

use presence_graph_server::ownership::{Action, Event, LEASE, Ownership, Record, Survey, Written};
use stateright::{Checker, Model, Property};

/// When the interesting part starts: then each process has its share.
const START: u64 = 3;
/// A shard has an owner that answers this many seconds after the last fault.
const BOUND: u64 = 8;

/// What may happen in the world.
struct World {
    shards: usize,
    faults: u8,
    /// In how many seconds they may happen.
    seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State {
    second: u64,
    faults: u8,
    last_fault: u64,
    /// Whether neither process was told to stop or has crashed.
    is_whole: bool,
    processes: Vec<Option<Process>>,
    /// The keys of the processes: the revision, and when NATS forgets them.
    keys: Vec<Option<(u64, u64)>>,
    records: Vec<Record>,
    revision: u64,
    mail: BTreeMap<(usize, Slot), Letter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Process {
    machine: Ownership,
    has_polled: bool,
    /// The shards that it owns, with the revision of their records, and whether it has left them.
    owners: BTreeMap<usize, (u64, bool)>,
}

/// There is one letter of each kind at a time, and some that are not waited for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Slot {
    Renewal,
    Look,
    Shard(usize),
    Late(usize),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Letter {
    /// Something is asked of NATS.
    Ask(Action),
    /// The owner of a shard frees its record.
    Free(usize, u64),
    /// A process hears something.
    Tell(Event),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Tick,
    Poll(usize),
    Stop(usize),
    Crash(usize),
    /// NATS forgets a key early.
    Forget(usize),
    Deliver(usize, Slot),
    /// A survey misses the other process.
    Miss(usize),
    /// There is no answer in time. What was asked may still happen.
    GiveUp(usize, Slot),
}

impl Model for World {
    type State = State;
    type Action = Step;

    /// Both processes have started, and have their share.
    fn init_states(&self) -> Vec<State> {
        let process = |id: &str| {
            let machine = Ownership::new(id, self.shards);
            Some(Process { machine, has_polled: false, owners: BTreeMap::new() })
        };
        let mut state = State {
            second: 0,
            faults: self.faults,
            last_fault: 0,
            is_whole: true,
            processes: vec![process("0"), process("1")],
            keys: vec![None, None],
            records: vec![Record { owner: None, revision: 0 }; self.shards],
            revision: 0,
            mail: BTreeMap::new(),
        };
        for _ in 0..START {
            for process in 0..2 {
                state.step(Step::Poll(process));
                while let Some((process, slot)) = state.mail.keys().next().cloned() {
                    state.step(Step::Deliver(process, slot));
                }
            }
            state.step(Step::Tick);
        }
        vec![state]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        let faults = state.faults > 0 && state.second < START + self.seconds;
        let waits = state.mail.keys().any(|(_, slot)| !matches!(slot, Slot::Late(_)));
        if !waits && state.processes.iter().flatten().all(|process| process.has_polled) {
            steps.push(Step::Tick);
        }
        for ((process, slot), letter) in &state.mail {
            let is_late = matches!(slot, Slot::Late(_));
            if !is_late || state.second <= START + self.seconds {
                steps.push(Step::Deliver(*process, slot.clone()));
            }
            match letter {
                Letter::Ask(Action::Survey) => steps.push(Step::Miss(*process)),
                Letter::Ask(_) | Letter::Free(..) if faults && !is_late => {
                    steps.push(Step::GiveUp(*process, slot.clone()));
                }
                _ => {}
            }
        }
        for process in 0..2 {
            if state.processes[process].as_ref().is_some_and(|process| !process.has_polled) {
                steps.push(Step::Poll(process));
            }
            if faults {
                if state.is_whole {
                    steps.extend([Step::Stop(process), Step::Crash(process)]);
                }
                if state.keys[process].is_some() {
                    steps.push(Step::Forget(process));
                }
            }
        }
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = state.clone();
        next.step(step);
        Some(next)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.second <= START + self.seconds + BOUND
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("at most one process answers for a shard", |_, state: &State| {
                (0..state.records.len()).all(|shard| state.answering(shard) <= 1)
            }),
            Property::sometimes("one process answers for all", |_, state: &State| {
                state
                    .processes
                    .iter()
                    .flatten()
                    .any(|process| process.owners.len() == state.records.len())
                    && state.processes.iter().flatten().count() == 1
            }),
            Property::always("each shard has an owner again", |_, state: &State| {
                state.second < state.last_fault + BOUND
                    || (0..state.records.len()).all(|shard| state.answering(shard) == 1)
            }),
        ]
    }
}

impl State {
    fn step(&mut self, step: Step) {
        match step {
            Step::Tick => {
                self.second += 1;
                for key in &mut self.keys {
                    let _ = key.take_if(|(_, end)| *end <= self.second);
                }
                self.processes.iter_mut().flatten().for_each(|process| process.has_polled = false);
            }
            Step::Poll(process) => {
                if let Some(process) = &mut self.processes[process] {
                    process.has_polled = true;
                }
                self.tell(process, Event::Poll);
            }
            Step::Stop(process) => {
                self.fault();
                self.is_whole = false;
                self.tell(process, Event::Stop);
            }
            Step::Crash(process) => {
                self.fault();
                self.is_whole = false;
                self.end(process);
            }
            Step::Forget(process) => {
                self.fault();
                self.keys[process] = None;
            }
            Step::Deliver(process, slot) => self.deliver(process, &slot, false),
            Step::Miss(process) => self.deliver(process, &Slot::Look, true),
            Step::GiveUp(process, slot) => {
                self.fault();
                let Some(letter) = self.mail.remove(&(process, slot.clone())) else { return };
                let failure = match &letter {
                    Letter::Ask(Action::Renew(_)) => Event::Renewed(Written::Unknown),
                    Letter::Ask(Action::Survey) => Event::Surveyed(None),
                    Letter::Ask(Action::FindMissing(_)) => Event::MissingFound(None),
                    Letter::Ask(Action::Take(shard, _)) => Event::Taken(*shard, Written::Unknown),
                    Letter::Free(shard, _) => {
                        self.remove_owner(process, *shard);
                        Event::Failed(*shard)
                    }
                    Letter::Ask(_) | Letter::Tell(_) => unreachable!("not a request"),
                };
                self.send_late(process, letter);
                self.send(process, slot, Letter::Tell(failure));
            }
        }
    }

    fn fault(&mut self) {
        self.faults = self.faults.saturating_sub(1);
        self.last_fault = self.second;
    }

    fn send(&mut self, process: usize, slot: Slot, letter: Letter) {
        let before = self.mail.insert((process, slot), letter);
        assert!(before.is_none(), "one letter of a kind at a time");
    }

    /// Sends what may still happen, though nobody waits for it. A question changes nothing.
    fn send_late(&mut self, process: usize, letter: Letter) {
        if !matches!(letter, Letter::Ask(Action::Survey | Action::FindMissing(_))) {
            let slot = (0..=self.mail.len())
                .map(Slot::Late)
                .find(|slot| !self.mail.contains_key(&(process, slot.clone())));
            self.send(process, slot.expect("a number that is free"), letter);
        }
    }

    fn deliver(&mut self, process: usize, slot: &Slot, misses: bool) {
        let Some(letter) = self.mail.remove(&(process, slot.clone())) else { return };
        if matches!(slot, Slot::Late(_)) {
            self.last_fault = self.second;
        }
        let id = process.to_string();
        let event = match letter {
            Letter::Tell(event) => {
                if let Event::Left(shard) | Event::Failed(shard) = event {
                    self.remove_owner(process, shard);
                }
                return self.tell(process, event);
            }
            Letter::Ask(Action::Renew(expected)) => {
                let key = &mut self.keys[process];
                if expected.is_none() || key.map(|(revision, _)| revision) == expected {
                    self.revision += 1;
                    *key = Some((self.revision, self.second + LEASE.as_secs()));
                    Event::Renewed(Written::Revision(self.revision))
                } else {
                    Event::Renewed(Written::Conflict)
                }
            }
            Letter::Ask(Action::Survey) => {
                let listed =
                    |other: &usize| self.keys[*other].is_some() && (!misses || *other == process);
                let alive = (0..2).filter(listed).map(|process| process.to_string()).collect();
                Event::Surveyed(Some(Survey { alive, records: self.records.clone() }))
            }
            Letter::Ask(Action::FindMissing(ids)) => {
                let is_missing = |id: &String| self.keys[id.parse::<usize>().unwrap()].is_none();
                Event::MissingFound(Some(ids.into_iter().filter(is_missing).collect()))
            }
            Letter::Ask(Action::Take(shard, revision)) => {
                Event::Taken(shard, self.swap(shard, revision, Some(id)))
            }
            Letter::Free(shard, revision) => match self.swap(shard, revision, None) {
                Written::Revision(_) => Event::Left(shard),
                Written::Conflict | Written::Unknown => Event::Failed(shard),
            },
            Letter::Ask(_) => unreachable!("not a request"),
        };
        if !matches!(slot, Slot::Late(_)) {
            self.send(process, slot.clone(), Letter::Tell(event));
        }
    }

    fn swap(&mut self, shard: usize, expected: u64, owner: Option<String>) -> Written {
        if self.records[shard].revision != expected {
            return Written::Conflict;
        }
        self.revision += 1;
        self.records[shard] = Record { owner, revision: self.revision };
        Written::Revision(self.revision)
    }

    /// Lets a process handle an event, and carries its actions out.
    fn tell(&mut self, number: usize, event: Event) {
        let now = Duration::from_secs(self.second);
        let Some(process) = &mut self.processes[number] else { return };
        for action in process.machine.handle(event, now) {
            let Some(process) = &mut self.processes[number] else { return };
            match action {
                Action::Own(shard, revision) => drop(process.owners.insert(shard, (revision, false))),
                Action::Leave(shard) => {
                    let (revision, has_left) = process.owners.get_mut(&shard).expect("an owner");
                    *has_left = true;
                    let letter = Letter::Free(shard, *revision);
                    self.send(number, Slot::Shard(shard), letter);
                }
                Action::Abandon(shard) => {
                    // What it asked for may still happen. If it has ended already, that is on its way.
                    let end = Letter::Tell(Event::Failed(shard));
                    match self.mail.remove(&(number, Slot::Shard(shard))) {
                        Some(end @ Letter::Tell(_)) => {
                            self.send(number, Slot::Shard(shard), end);
                        }
                        Some(letter) => {
                            self.send_late(number, letter);
                            self.send(number, Slot::Shard(shard), end);
                        }
                        None => self.send(number, Slot::Shard(shard), end),
                    }
                }
                Action::Renew(_) => self.send(number, Slot::Renewal, Letter::Ask(action)),
                Action::Survey | Action::FindMissing(_) => {
                    self.send(number, Slot::Look, Letter::Ask(action));
                }
                Action::Take(shard, _) => self.send(number, Slot::Shard(shard), Letter::Ask(action)),
            }
        }
        if self.processes[number].as_ref().is_some_and(|process| process.machine.has_stopped()) {
            self.keys[number] = None;
            self.end(number);
        }
    }

    fn remove_owner(&mut self, process: usize, shard: usize) {
        if let Some(process) = &mut self.processes[process] {
            process.owners.remove(&shard);
        }
    }

    /// Ends a process. What it has asked for may still happen.
    fn end(&mut self, process: usize) {
        self.processes[process] = None;
        let slots =
            self.mail.keys().filter(|(of, slot)| *of == process && !matches!(slot, Slot::Late(_)));
        for slot in slots.cloned().collect::<Vec<_>>() {
            if let Some(letter @ (Letter::Ask(_) | Letter::Free(..))) = self.mail.remove(&slot) {
                self.send_late(process, letter);
            }
        }
    }

    /// Returns how many processes answer for a shard.
    fn answering(&self, shard: usize) -> usize {
        let now = Duration::from_secs(self.second);
        let answers = |process: &&Process| {
            process.owners.get(&shard).is_some_and(|(_, has_left)| !has_left)
                && now < process.machine.valid_until()
        };
        self.processes.iter().flatten().filter(answers).count()
    }
}

fn check(world: World) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let name = format!("{} shards, {} faults within {} s", world.shards, world.faults, world.seconds);
    let checker = world.checker().threads(threads).spawn_bfs().join();
    println!("{name}: {} states, {} steps deep", checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
}

#[test]
fn in_every_order_of_events_each_shard_has_one_owner_again() {
    check(World { shards: 1, faults: 1, seconds: 1 });
    if !cfg!(debug_assertions) {
        check(World { shards: 2, faults: 1, seconds: 1 });
        check(World { shards: 1, faults: 2, seconds: 1 });
    }
}
