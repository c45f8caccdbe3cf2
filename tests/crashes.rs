//! The server of the page about persistence loses nothing, wherever its process dies.
//!
//! The store, the watchers and the clients are simulated, and outlive the process. The process dies before
//! and after each of its steps, and starts again from the rows. The steps can also be done in a wrong order,
//! which must be noticed.

#![cfg(feature = "serde")]

mod common;
/// The code of the page, word for word.
#[expect(unreachable_pub, reason = "the page shows it to other programs")]
#[path = "crashes/server.rs"]
mod server;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::mem;
use std::rc::Rc;

use common::{at, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, Command, CommandError, Outcome, PreferredPresence, Presence,
    PresenceModel, SessionPresence, SignedDuration, Timestamp,
};

use server::{Outside, Row, Server};

type Model = PresenceModel<String>;
type Answer = Result<Outcome, CommandError>;

const HISTORIES: u64 = 250;
const EVENTS: usize = 150;
const USERS: [&str; 5] = ["ana", "bob", "cem", "dana", "eve"];
/// One step in so many is the last of its process.
const STEPS_IN_LIFE: u64 = 25;

#[test]
fn nothing_is_lost_wherever_the_process_dies() {
    let mut deaths = BTreeMap::new();
    for seed in 0..HISTORIES {
        let history = run(seed, None).unwrap_or_else(|violation| panic!("seed {seed}: {violation:?}"));
        for (death, count) in history {
            *deaths.entry(death).or_insert(0) += count;
        }
    }
    let places = [
        (Work::Command, Step::Apply),
        (Work::Command, Step::Commit),
        (Work::Command, Step::Publish),
        (Work::Command, Step::Answer),
        (Work::Tick, Step::Apply),
        (Work::Tick, Step::Commit),
        (Work::Tick, Step::Publish),
        (Work::Sweep, Step::Delete),
        (Work::Restart, Step::Publish),
    ];
    for (work, step) in places {
        // In memory, after the step `Apply` is before the next one.
        let sides = if step == Step::Apply { &[Side::Before][..] } else { &[Side::Before, Side::After] };
        for side in sides {
            let count = deaths.get(&(work, step, *side)).copied().unwrap_or(0);
            assert!(count > 20, "{count} deaths: {side:?} {step:?} of {work:?}");
        }
    }
    assert!(deaths.values().sum::<u64>() > 10 * HISTORIES, "{deaths:?}");
}

/// The table of the page.
#[test]
fn each_wrong_order_is_noticed() {
    for (mistake, loss) in [
        (Mistake::PublishThenCommit, Loss::WrongPicture),
        (Mistake::AnswerThenCommit, Loss::LostAnswer),
        (Mistake::AnswerThenPublish, Loss::EarlyAnswer),
        (Mistake::DeleteThenPublish, Loss::WrongPicture),
    ] {
        assert_noticed(mistake, loss);
    }
}

#[test]
fn a_restart_that_publishes_only_what_has_changed_is_noticed() {
    assert_noticed(Mistake::SilentRestart, Loss::WrongPicture);
}

#[test]
fn a_store_that_forgets_rows_by_itself_is_noticed() {
    assert_noticed(Mistake::ForgetfulStore, Loss::WrongPicture);
}

/// While time does not go backwards, the older rows mean the same.
#[test]
fn a_server_that_stores_no_ticks_loses_nothing() {
    for seed in 0..HISTORIES {
        run(seed, Some(Mistake::NoTicks))
            .unwrap_or_else(|violation| panic!("seed {seed}: {violation:?}"));
    }
}

#[test]
fn a_row_that_cannot_be_read_shows_offline_and_does_not_stop_the_restart() {
    let world = World::immortal();
    let mut server = Server::start(Rc::clone(&world), at("09:00")).unwrap();
    for user in ["ana", "bob", "cem"] {
        let call = set("phone".to_owned(), SessionPresence::InACall, "PT1H");
        server.handle(0, user, call.into(), at("09:00")).unwrap();
    }
    world.borrow_mut().rows.get_mut("bob").unwrap().snapshot.truncate(9);
    let server = Server::start(Rc::clone(&world), at("09:30")).unwrap();
    assert_eq!(server.users.len(), 2);
    let pictures = &world.borrow().watchers;
    assert_eq!(pictures[0]["ana"], Presence::InACall);
    assert_eq!(pictures[0]["bob"], Presence::Offline);
    assert_eq!(pictures[0]["cem"], Presence::InACall);
}

/// A preference that ends without a session changes nothing that is reported.
#[test]
fn a_row_goes_when_nothing_of_its_user_is_left_even_if_nothing_was_reported() {
    let world = World::immortal();
    let mut server = Server::start(Rc::clone(&world), at("09:00")).unwrap();
    server.handle(0, "ana", prefer(PreferredPresence::Busy, "PT1H").into(), at("09:00")).unwrap();
    server.sweep(common::just_before(at("10:00"))).unwrap();
    assert!(world.borrow().rows.contains_key("ana"));
    server.sweep(at("10:00")).unwrap();
    assert!(world.borrow().rows.is_empty());
}

/// T5: the tick at 09:00 moves the start of the session from 10:00, and the row does not know it.
#[test]
fn a_session_can_live_until_the_end_of_its_row_if_a_step_of_the_clock_was_not_stored() {
    let world = World::immortal();
    let mut server = Server::start(Rc::clone(&world), at("10:00")).unwrap();
    let call = set("phone".to_owned(), SessionPresence::InACall, "PT1H");
    server.handle(0, "ana", call.into(), at("10:00")).unwrap();
    server.tick(at("09:00")).unwrap();
    assert_eq!(server.users.presence("ana", at("10:00")), Presence::Offline);

    let restarted = Server::start(Rc::clone(&world), at("09:50")).unwrap();
    assert_eq!(restarted.users.presence("ana", at("10:00")), Presence::InACall);
    assert_eq!(world.borrow().rows["ana"].expires_at, at("11:00"));
    assert_eq!(restarted.users.presence("ana", at("11:00")), Presence::Offline);
}

#[test]
fn the_page_shows_the_server_that_is_tested() {
    let page = include_str!("../src/docs/persistence.md").replace("\r\n", "\n");
    let server = include_str!("crashes/server.rs").replace("\r\n", "\n");
    assert!(page.contains(&server), "copy tests/crashes/server.rs into src/docs/persistence.md");
}

fn assert_noticed(mistake: Mistake, loss: Loss) {
    let is_noticed = |seed| run(seed, Some(mistake)).is_err_and(|violation| violation.loss == loss);
    assert!((0..HISTORIES).any(is_noticed), "{mistake:?} does not show as {loss:?}");
}

/// What a server can do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    PublishThenCommit,
    AnswerThenCommit,
    AnswerThenPublish,
    /// The commit deletes the row of an empty model.
    DeleteThenPublish,
    /// A restart publishes what it finds changed, and nothing else.
    SilentRestart,
    /// A row goes by itself at its end.
    ForgetfulStore,
    /// Only commands are stored. This is no mistake while time does not go backwards.
    NoTicks,
}

/// What has gone wrong, and with whom.
#[derive(Debug)]
#[expect(dead_code, reason = "the fields are printed if a test fails")]
struct Violation {
    loss: Loss,
    user: String,
    now: Timestamp,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// A watcher sees what the model does not say.
    WrongPicture,
    /// A command that was answered is undone.
    LostAnswer,
    /// A command is answered before the watchers see it.
    EarlyAnswer,
    /// A user is online after the end of every lease.
    BeyondLease,
}

/// What the process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Restart,
    Command,
    Tick,
    Sweep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Apply,
    Commit,
    Publish,
    Answer,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Before,
    After,
}

/// The end of the process.
#[derive(Debug)]
struct Death;

/// How often the process has died where.
type Deaths = BTreeMap<(Work, Step, Side), u64>;

/// Runs a history, and returns where the process died.
fn run(seed: u64, mistake: Option<Mistake>) -> Result<Deaths, Violation> {
    let mut history = History::new(seed, mistake);
    for _ in 0..EVENTS {
        history.event()?;
    }
    history.end()
}

/// A history of commands, deaths and restarts.
struct History {
    world: Rc<RefCell<World>>,
    server: Option<Server<Rc<RefCell<World>>>>,
    now: Timestamp,
    random: Random,
    /// What each user can be. There are two possibilities after a command without an answer.
    possible: BTreeMap<&'static str, Vec<Model>>,
    /// The latest end of any session that was ever asked for.
    lease_ends: BTreeMap<&'static str, Timestamp>,
    /// The commands that will be sent again.
    unanswered: Vec<(&'static str, Command<String>)>,
    requests: u64,
}

impl History {
    fn new(seed: u64, mistake: Option<Mistake>) -> Self {
        let now = at("09:00");
        Self {
            world: World::new(mistake, Random(seed)),
            server: None,
            now,
            random: Random(!seed),
            possible: USERS.map(|user| (user, vec![Model::new()])).into(),
            lease_ends: USERS.map(|user| (user, now)).into(),
            unanswered: Vec::new(),
            requests: 0,
        }
    }

    /// Something happens.
    fn event(&mut self) -> Result<(), Violation> {
        self.now += self.random.pause();
        self.restart()?;
        let is_alive = match self.random.below(12) {
            0 => self.pass_time().and_then(|()| self.sweep()),
            1 | 2 => self.pass_time(),
            3 => self.pass_time().map(|()| self.watch()),
            _ => self.command()?,
        };
        if is_alive.is_err() {
            self.server = None;
        }
        self.check()
    }

    /// Restarts the process, if it is dead, until it lives.
    fn restart(&mut self) -> Result<(), Violation> {
        if self.server.is_some() {
            return Ok(());
        }
        while self.server.is_none() {
            self.now += self.random.pause();
            let world = Rc::clone(&self.world);
            world.borrow_mut().work(Work::Restart, self.now);
            let server = Server::start(Rc::clone(&world), self.now);
            self.server = server.and_then(|server| world.borrow_mut().finish().map(|()| server)).ok();
        }
        self.check_restored()?;
        self.check()
    }

    fn pass_time(&mut self) -> Result<(), Death> {
        let Some(server) = &mut self.server else { return Err(Death) };
        self.world.borrow_mut().work(Work::Tick, self.now);
        self.world.borrow_mut().live(Step::Apply, Side::Before)?;
        server.tick(self.now)?;
        self.world.borrow_mut().finish()
    }

    fn sweep(&mut self) -> Result<(), Death> {
        let Some(server) = &mut self.server else { return Err(Death) };
        self.world.borrow_mut().work(Work::Sweep, self.now);
        server.sweep(self.now)?;
        self.world.borrow_mut().finish()
    }

    /// Adds a watcher of some users. It reads the presences that it does not know yet.
    fn watch(&mut self) {
        let Some(server) = &self.server else { return };
        let users: Vec<_> = USERS.into_iter().filter(|_| self.random.below(2) == 0).collect();
        let picture =
            users.iter().map(|user| ((*user).to_owned(), server.users.presence(*user, self.now)));
        self.world.borrow_mut().watchers.push(picture.collect());
    }

    /// A client sends a command. If it gets no answer, it dies with the process, or sends the command again.
    fn command(&mut self) -> Result<Result<(), Death>, Violation> {
        let again = if self.random.below(2) == 0 { self.unanswered.pop() } else { None };
        let (user, command) = again.unwrap_or_else(|| self.random.command());
        self.requests += 1;
        let sent = self.send(user, &command);
        let answer = self.world.borrow_mut().answers.remove(&self.requests);
        if let Some(violation) = self.world.borrow_mut().violation.take() {
            return Err(violation);
        }
        if answer.is_none() && self.random.below(2) == 0 {
            self.unanswered.push((user, command.clone()));
        }
        self.expect(user, &command, answer)?;
        Ok(sent)
    }

    fn send(&mut self, user: &'static str, command: &Command<String>) -> Result<(), Death> {
        self.pass_time()?;
        let Some(server) = &mut self.server else { return Err(Death) };
        self.world.borrow_mut().work(Work::Command, self.now);
        self.world.borrow_mut().sender = user;
        self.world.borrow_mut().live(Step::Apply, Side::Before)?;
        server.handle(self.requests, user, command.clone(), self.now)?;
        self.world.borrow_mut().finish()
    }

    /// Applies a command to what a user can be. Without an answer, it may or may not have been applied.
    fn expect(
        &mut self,
        user: &'static str,
        command: &Command<String>,
        answer: Option<Answer>,
    ) -> Result<(), Violation> {
        if let Command::SetSession(body) = command {
            let end = self.lease_ends.entry(user).or_insert(self.now);
            *end = self.now.saturating_add(body.expiration.duration()).max(*end);
        }
        let possible = self.possible.entry(user).or_default();
        let mut after = Vec::new();
        for model in possible.drain(..) {
            let mut obedient = model.clone();
            let result = obedient.apply(command.clone(), self.now);
            match answer {
                None => after.extend([model, obedient]),
                Some(answer) if answer.is_ok() == result.is_ok() => after.push(obedient),
                Some(_) => {}
            }
        }
        *possible = after;
        if possible.is_empty() {
            return Err(violation(Loss::LostAnswer, user, self.now, format!("{answer:?}")));
        }
        Ok(())
    }

    /// Checks that each user is what the answered commands say.
    fn check_restored(&mut self) -> Result<(), Violation> {
        let Some(server) = &self.server else { return Ok(()) };
        let empty = Model::new();
        for (user, possible) in &mut self.possible {
            let model = server.users.get(*user).unwrap_or(&empty);
            let stored = |model: &Model| {
                let sessions: Vec<_> =
                    model.sessions(self.now).map(|session| session.cloned()).collect();
                (sessions, model.preferred(self.now))
            };
            possible.retain(|expected| stored(expected) == stored(model));
            possible.truncate(1);
            if possible.is_empty() {
                return Err(violation(Loss::LostAnswer, user, self.now, format!("{model:?}")));
            }
        }
        Ok(())
    }

    /// Checks that each watcher sees what the models say, and nobody beyond a lease.
    fn check(&self) -> Result<(), Violation> {
        let Some(server) = &self.server else { return Ok(()) };
        for picture in &self.world.borrow().watchers {
            for (user, seen) in picture {
                let presence = server.users.presence(user.as_str(), self.now);
                if *seen != presence {
                    let text = format!("{seen} is seen, {presence} is right");
                    return Err(violation(Loss::WrongPicture, user, self.now, text));
                }
                if *seen != Presence::Offline && self.lease_ends[user.as_str()] <= self.now {
                    return Err(violation(Loss::BeyondLease, user, self.now, seen.to_string()));
                }
            }
        }
        Ok(())
    }

    /// Restarts once more. Then all sessions and preferences end, and no row is left.
    fn end(mut self) -> Result<Deaths, Violation> {
        self.server = None;
        self.world.borrow_mut().is_mortal = false;
        self.restart()?;
        self.now += SignedDuration::days(8);
        self.sweep().expect("it is immortal");
        self.check()?;
        let world = self.world.borrow();
        assert!(world.rows.is_empty(), "{:?}", world.rows.keys());
        assert!(world.watchers.iter().flat_map(BTreeMap::values).all(|seen| *seen == Presence::Offline));
        Ok(world.deaths.clone())
    }
}

fn violation(loss: Loss, user: &str, now: Timestamp, text: String) -> Violation {
    Violation { loss, user: user.to_owned(), now, text }
}

/// What outlives the process.
struct World {
    rows: BTreeMap<String, Row>,
    /// What each watcher sees. The first one watches everybody from the start.
    watchers: Vec<BTreeMap<String, Presence>>,
    answers: BTreeMap<u64, Answer>,
    mistake: Option<Mistake>,
    /// The steps that a wrong order does later.
    delayed: Vec<Effect>,
    violation: Option<Violation>,
    is_mortal: bool,
    random: Random,
    work: Work,
    now: Timestamp,
    /// The user of the command that is applied.
    sender: &'static str,
    deaths: Deaths,
}

/// A step with what it does.
enum Effect {
    Commit(Vec<Row>),
    Publish(String, Presence),
    Answer(u64, Answer),
    Delete(Timestamp),
}

impl World {
    fn new(mistake: Option<Mistake>, random: Random) -> Rc<RefCell<Self>> {
        let everybody = USERS.map(|user| (user.to_owned(), Presence::Offline));
        Rc::new(RefCell::new(Self {
            rows: BTreeMap::new(),
            watchers: vec![everybody.into()],
            answers: BTreeMap::new(),
            mistake,
            delayed: Vec::new(),
            violation: None,
            is_mortal: true,
            random,
            sender: "",
            work: Work::Restart,
            now: at("09:00"),
            deaths: Deaths::new(),
        }))
    }

    fn immortal() -> Rc<RefCell<Self>> {
        let world = Self::new(None, Random(0));
        world.borrow_mut().is_mortal = false;
        world
    }

    fn work(&mut self, work: Work, now: Timestamp) {
        self.delayed.clear();
        (self.work, self.now) = (work, now);
    }

    /// Returns whether the process lives on.
    fn live(&mut self, step: Step, side: Side) -> Result<(), Death> {
        if self.is_mortal && self.random.below(STEPS_IN_LIFE) == 0 {
            *self.deaths.entry((self.work, step, side)).or_insert(0) += 1;
            return Err(Death);
        }
        Ok(())
    }

    /// Does a step, at once or, in a wrong order, later.
    fn effect(&mut self, effect: Effect) -> Result<(), Death> {
        if order(self.mistake).is_empty() {
            return self.perform(effect);
        }
        self.delayed.push(effect);
        Ok(())
    }

    /// Does what was delayed, in the wrong order.
    fn finish(&mut self) -> Result<(), Death> {
        let order = order(self.mistake);
        let mut effects = mem::take(&mut self.delayed);
        effects.sort_by_key(|effect| order.iter().position(|step| *step == effect.step()));
        effects.into_iter().try_for_each(|effect| self.perform(effect))
    }

    fn perform(&mut self, effect: Effect) -> Result<(), Death> {
        let step = effect.step();
        self.live(step, Side::Before)?;
        match effect {
            Effect::Commit(_)
                if self.mistake == Some(Mistake::NoTicks) && self.work != Work::Command => {}
            Effect::Commit(rows) => rows.into_iter().for_each(|row| self.write(row)),
            Effect::Publish(user, presence) => self.show(&user, presence),
            Effect::Answer(request, answer) => self.reply(request, answer),
            Effect::Delete(now) => self.rows.retain(|_, row| row.expires_at > now),
        }
        self.live(step, Side::After)
    }

    fn write(&mut self, row: Row) {
        if self.mistake == Some(Mistake::DeleteThenPublish) && row.expires_at <= self.now {
            self.rows.remove(&row.user);
        } else {
            self.rows.insert(row.user.clone(), row);
        }
    }

    fn show(&mut self, user: &str, presence: Presence) {
        let is_silent = self.mistake == Some(Mistake::SilentRestart) && self.work == Work::Restart;
        if is_silent && self.reported(user) == Some(presence) {
            return;
        }
        let seen = self.watchers.iter_mut().filter_map(|picture| picture.get_mut(user));
        seen.for_each(|seen| *seen = presence);
    }

    fn reply(&mut self, request: u64, answer: Answer) {
        self.answers.insert(request, answer);
        let Ok(outcome) = answer else { return };
        let mut seen = self.watchers.iter().filter_map(|picture| picture.get(self.sender));
        if let Some(seen) = seen.find(|seen| **seen != outcome.current) {
            let text = format!("{seen} is seen, {outcome:?} is answered");
            self.violation = Some(violation(Loss::EarlyAnswer, self.sender, self.now, text));
        }
    }

    /// Returns what the row of a user says was reported.
    fn reported(&self, user: &str) -> Option<Presence> {
        let model: Model = serde_json::from_str(&self.rows.get(user)?.snapshot).ok()?;
        Some(model.reported())
    }
}

/// Returns the order of the steps if it is wrong.
fn order(mistake: Option<Mistake>) -> &'static [Step] {
    match mistake {
        Some(Mistake::PublishThenCommit) => &[Step::Publish, Step::Commit, Step::Answer, Step::Delete],
        Some(Mistake::AnswerThenCommit) => &[Step::Answer, Step::Commit, Step::Publish, Step::Delete],
        Some(Mistake::AnswerThenPublish) => &[Step::Commit, Step::Answer, Step::Publish, Step::Delete],
        Some(
            Mistake::DeleteThenPublish
            | Mistake::SilentRestart
            | Mistake::ForgetfulStore
            | Mistake::NoTicks,
        )
        | None => &[],
    }
}

impl Effect {
    fn step(&self) -> Step {
        match self {
            Self::Commit(_) => Step::Commit,
            Self::Publish(..) => Step::Publish,
            Self::Answer(..) => Step::Answer,
            Self::Delete(_) => Step::Delete,
        }
    }
}

impl Outside for Rc<RefCell<World>> {
    type Error = Death;

    fn rows(&mut self) -> Result<Vec<Row>, Death> {
        let mut world = self.borrow_mut();
        let now = world.now;
        if world.mistake == Some(Mistake::ForgetfulStore) {
            world.rows.retain(|_, row| row.expires_at > now);
        }
        Ok(world.rows.values().map(copy).collect())
    }

    fn commit(&mut self, rows: Vec<Row>) -> Result<(), Death> {
        self.borrow_mut().effect(Effect::Commit(rows))
    }

    fn delete_expired(&mut self, now: Timestamp) -> Result<(), Death> {
        self.borrow_mut().effect(Effect::Delete(now))
    }

    fn publish(&mut self, user: &str, presence: Presence) -> Result<(), Death> {
        self.borrow_mut().effect(Effect::Publish(user.to_owned(), presence))
    }

    fn answer(&mut self, request: u64, answer: Answer) -> Result<(), Death> {
        self.borrow_mut().effect(Effect::Answer(request, answer))
    }
}

fn copy(row: &Row) -> Row {
    Row { user: row.user.clone(), snapshot: row.snapshot.clone(), expires_at: row.expires_at }
}

/// The generator `SplitMix64`: the same numbers for the same seed.
struct Random(u64);

impl Random {
    /// Returns a number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[usize::try_from(self.below(values.len() as u64)).unwrap()]
    }

    /// Returns how long nothing happens: mostly minutes, sometimes hours or days.
    fn pause(&mut self) -> SignedDuration {
        let (unit, count) =
            self.pick(&[(1, 1), (1, 60), (60, 5), (60, 5), (60, 8), (3600, 5), (86_400, 9)]);
        SignedDuration::seconds(unit * i64::try_from(self.below(count)).unwrap())
    }

    fn command(&mut self) -> (&'static str, Command<String>) {
        let user = self.pick(&USERS);
        let session_id = self.pick(&["laptop", "phone", "tablet"]).to_owned();
        let command = match self.below(8) {
            0..4 => {
                let lifetime = self.pick(&["PT5M", "PT10M", "PT1H", "PT4H"]);
                set(session_id, self.pick(SessionPresence::ALL), lifetime).into()
            }
            4 | 5 => ClearSession::new(session_id).into(),
            6 => prefer(self.pick(PreferredPresence::ALL), self.pick(&["PT2M", "PT1H", "P1D"])).into(),
            _ => ClearPreferred.into(),
        };
        (user, command)
    }
}
