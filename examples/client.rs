//! A client that keeps a [`PresenceModel`] of its own user. It knows the effective presence, and until
//! when it lasts, without asking the server.
//!
//! The client applies each command that it posts to its model too. From the model it learns when to
//! refresh its session, what the presence is while it is offline, and whether its session expired while
//! the laptop was asleep.
//!
//! The day is scripted and takes no time. A real client waits for its next deadline, and passes
//! `Timestamp::now()` (feature `std`) with each command and tick.
//!
//! Try `cargo run --example client`.

use std::mem;

use presence_core::{
    ClearSession, Command, CommandError, Outcome, PreferredPresence, Presence, PresenceModel,
    SessionExpiration, SessionPresence, SetPreferred, SetSession, SignedDuration, Timestamp, timestamp,
};

/// What happens, and when by the client's clock, which is put back once.
const SCRIPT: [(&str, &str, Event); 12] = [
    ("09:00", "signs in", Event::Connect),
    ("09:20", "takes a call", Event::Claim(SessionPresence::InACall)),
    ("09:45", "hangs up", Event::Claim(SessionPresence::Available)),
    ("13:30", "prefers Busy for 90 minutes", Event::Prefer(PreferredPresence::Busy, "PT1H30M")),
    ("15:11", "loses its connection", Event::Disconnect),
    ("15:41", "reconnects, refreshes its session", Event::Connect),
    ("16:01", "falls asleep, the lid is closed", Event::Sleep),
    ("17:31", "wakes up, sets its session again", Event::Connect),
    ("18:00", "loses its connection", Event::Disconnect),
    ("17:01", "has its clock put back an hour", Event::StepBack),
    ("17:20", "reconnects, refreshes its session", Event::Connect),
    ("17:40", "signs out", Event::SignOut),
];

#[derive(Clone, Copy)]
enum Event {
    Connect,
    Claim(SessionPresence),
    Prefer(PreferredPresence, &'static str),
    Disconnect,
    Sleep,
    StepBack,
    SignOut,
}

fn main() -> Result<(), CommandError> {
    println!("time      the client                         posted  effective presence");
    let lifetime = SessionExpiration::new(SignedDuration::HOUR).expect("an hour is allowed");
    let session = SetSession::new("laptop", SessionPresence::Available).with_expiration(lifetime);
    let mut client = Client::new(session);
    let mut now = at("00:00");
    for (clock, what, event) in SCRIPT {
        let next = at(clock);
        client.wait(now, next)?;
        let _ = client.handle(event, next)?;
        client.print(what, next);
        now = next;
    }
    Ok(())
}

fn at(clock: &str) -> Timestamp {
    timestamp::parse(&format!("2026-11-20T{clock}:00Z")).expect("the script has valid times")
}

#[derive(Clone)]
struct Client {
    /// The user as the server has it, as far as this client can know.
    model: PresenceModel<&'static str>,
    /// What a refresh posts.
    session: SetSession<&'static str>,
    state: State,
    /// The number of commands posted since the last line was printed.
    posted: usize,
}

#[derive(Clone, Copy)]
enum State {
    SignedOut,
    Connected,
    Disconnected,
    Asleep { since: Timestamp },
}

impl Client {
    fn new(session: SetSession<&'static str>) -> Self {
        Self { model: PresenceModel::new(), session, state: State::SignedOut, posted: 0 }
    }

    /// Does what is due before `until`, and nothing while the laptop is asleep.
    fn wait(&mut self, mut now: Timestamp, until: Timestamp) -> Result<(), CommandError> {
        while !matches!(self.state, State::Asleep { .. })
            && let Some(due) = self.deadline(now)
            && due < until
        {
            now = due;
            if self.update(now)?.changed().is_some() {
                self.print("(time passes)", now);
            }
        }
        Ok(())
    }

    fn handle(&mut self, event: Event, now: Timestamp) -> Result<Outcome, CommandError> {
        match event {
            Event::Connect => {
                self.print_missed(now);
                self.state = State::Connected;
                self.post(self.session, now)
            }
            Event::Claim(claim) => {
                self.session.claim = claim;
                self.post(self.session, now)
            }
            Event::Prefer(presence, lifetime) => {
                let expiration = lifetime.parse().expect("the script has valid lifetimes");
                self.post(SetPreferred::new(presence).with_expiration(expiration), now)
            }
            Event::Disconnect => {
                self.state = State::Disconnected;
                Ok(self.model.tick(now))
            }
            Event::Sleep => {
                self.state = State::Asleep { since: now };
                Ok(self.model.tick(now))
            }
            // The tick moves every start that is now in the future to `now` (rule T5).
            Event::StepBack => Ok(self.model.tick(now)),
            Event::SignOut => {
                self.state = State::SignedOut;
                self.post(ClearSession::new(self.session.session_id), now)
            }
        }
    }

    /// Posts a refresh if one is due, and otherwise only lets time pass.
    fn update(&mut self, now: Timestamp) -> Result<Outcome, CommandError> {
        if self.refresh_deadline(now).is_some_and(|due| due <= now) {
            self.post(self.session, now)
        } else {
            Ok(self.model.tick(now))
        }
    }

    /// Posts a command, which here is only counted, and applies it to the model.
    ///
    /// It expects that the server accepts the command too. A real client handles the answer.
    fn post(
        &mut self,
        command: impl Into<Command<&'static str>>,
        now: Timestamp,
    ) -> Result<Outcome, CommandError> {
        self.posted += 1;
        self.model.apply(command, now)
    }

    /// Returns when there is something to do next if no event comes.
    fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.refresh_deadline(now).into_iter().chain(self.model.deadline(now)).min()
    }

    /// Returns when to refresh the session, which may be in the past.
    ///
    /// It is computed from the session's start in the model, so it is also right after the clock has
    /// stepped back.
    fn refresh_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let State::Connected = self.state else { return None };
        let session = self.model.sessions(now).find(|session| *session.id == self.session.session_id);
        Some(session.map_or(now, |session| session.since + self.session.refresh_interval()))
    }

    /// Returns the next change of the effective presence within a day if no event comes.
    ///
    /// The model's forecast has no commands in it, but a connected client keeps refreshing its session.
    /// Its future is that of a clone, which need not wait between refreshes.
    fn next_change(&self, now: Timestamp) -> Option<(Timestamp, Presence)> {
        let State::Connected = self.state else {
            return self.model.forecast(now).next().map(|change| (change.at, change.presence));
        };
        let mut ahead = self.clone();
        let mut at = now;
        loop {
            at = ahead.deadline(at).filter(|due| *due < now + SignedDuration::DAY)?;
            if let Some(presence) = ahead.update(at).ok()?.changed() {
                return Some((at, presence));
            }
        }
    }

    fn print(&mut self, what: &str, now: Timestamp) {
        let posted = mem::take(&mut self.posted);
        let presence = self.model.presence(now).activity();
        let until = match self.next_change(now) {
            Some((at, next)) => format!(" until {}, then {}", clock_face(at), next.activity()),
            None => String::new(),
        };
        println!("{:<8}  {what:<33}  {posted:>6}  {presence}{until}", clock_face(now));
    }

    /// Prints the changes that came while the laptop was asleep.
    fn print_missed(&self, now: Timestamp) {
        let State::Asleep { since } = self.state else { return };
        for change in self.model.forecast(since).take_while(|change| change.at <= now) {
            let presence = change.presence.activity();
            println!("{:<8}  {:<33}  {:>6}  {presence}", clock_face(change.at), "(asleep)", "");
        }
    }
}

fn clock_face(at: Timestamp) -> String {
    match at.as_hms() {
        (hour, minute, 0) => format!("{hour:02}:{minute:02}"),
        (hour, minute, second) => format!("{hour:02}:{minute:02}:{second:02}"),
    }
}
