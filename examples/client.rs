//! A client that keeps a [`PresenceModel`] of its own user, and so knows what others see, and until
//! when, without asking the server.
//!
//! The model obeys each command that goes to the server. From it follows all that such a client
//! does by itself: when to set its session again, what to show while it is cut off, and that a session
//! which ended while the laptop slept has to be set anew.
//!
//! The day is scripted, and nobody waits for it. Try `cargo run --example client`.

use std::mem;

use presence_core::{
    ClearSession, Command, CommandError, Outcome, PreferredPresence, Presence, PresenceModel,
    SessionExpiration, SessionPresence, SetPreferred, SetSession, SignedDuration, Timestamp, rfc3339,
};

/// What happens, and when by the clock of the client, which is put back once.
const SCRIPT: [(&str, &str, Event); 12] = [
    ("09:00", "signs in", Event::GoesOnline),
    ("09:20", "takes a call", Event::Claims(SessionPresence::InACall)),
    ("09:45", "hangs up", Event::Claims(SessionPresence::Available)),
    ("13:30", "prefers Busy for 90 minutes", Event::Prefers(PreferredPresence::Busy, "PT1H30M")),
    ("15:11", "is cut off", Event::IsCutOff),
    ("15:41", "is back, sets its session again", Event::GoesOnline),
    ("16:01", "falls asleep, the lid is closed", Event::FallsAsleep),
    ("17:31", "wakes, sets its session again", Event::GoesOnline),
    ("18:00", "is cut off", Event::IsCutOff),
    ("17:01", "sees its clock put back an hour", Event::ClockStepsBack),
    ("17:20", "is back, sets its session again", Event::GoesOnline),
    ("17:40", "signs out", Event::SignsOut),
];

#[derive(Clone, Copy)]
enum Event {
    GoesOnline,
    Claims(SessionPresence),
    Prefers(PreferredPresence, &'static str),
    IsCutOff,
    FallsAsleep,
    ClockStepsBack,
    SignsOut,
}

fn main() -> Result<(), CommandError> {
    println!("time      the client                       posted  others see");
    let lifetime = SessionExpiration::new(SignedDuration::HOUR).unwrap();
    let session = SetSession::new("laptop", SessionPresence::Available).with_expiration(lifetime);
    let mut client = Client::new(session);
    let mut now = instant("00:00");
    for (clock, what, event) in SCRIPT {
        let at = instant(clock);
        client.wait(now, at)?;
        let _ = client.meet(event, at)?;
        client.print(what, at);
        now = at;
    }
    Ok(())
}

fn instant(clock: &str) -> Timestamp {
    rfc3339::parse(&format!("2026-11-20T{clock}:00Z")).unwrap()
}

#[derive(Clone)]
struct Client {
    /// What others see of the user, as far as this client can tell by its own clock.
    model: PresenceModel<&'static str>,
    /// What a heartbeat sends.
    session: SetSession<&'static str>,
    state: State,
    /// What a real client posts to the server; here it is only counted, line by line.
    outbox: Vec<Command<&'static str>>,
}

#[derive(Clone, Copy)]
enum State {
    SignedOut,
    Online,
    CutOff,
    Asleep { since: Timestamp },
}

impl Client {
    fn new(session: SetSession<&'static str>) -> Self {
        Self { model: PresenceModel::new(), session, state: State::SignedOut, outbox: Vec::new() }
    }

    /// Does what falls due before an instant; nothing while the client is asleep.
    fn wait(&mut self, from: Timestamp, until: Timestamp) -> Result<(), CommandError> {
        let mut now = from;
        while !matches!(self.state, State::Asleep { .. })
            && let Some(due) = self.due(now)
            && due < until
        {
            now = due;
            if self.act(now)?.changed().is_some() {
                self.print("(time passes)", now);
            }
        }
        Ok(())
    }

    /// Sends a heartbeat if one is due, or else only lets time pass.
    fn act(&mut self, now: Timestamp) -> Result<Outcome, CommandError> {
        if self.heartbeat(now).is_some_and(|due| due <= now) {
            self.send(self.session, now)
        } else {
            Ok(self.model.tick(now))
        }
    }

    fn meet(&mut self, event: Event, now: Timestamp) -> Result<Outcome, CommandError> {
        match event {
            Event::GoesOnline => {
                self.print_missed(now);
                self.state = State::Online;
                self.send(self.session, now)
            }
            Event::Claims(presence) => {
                self.session.presence = presence;
                self.send(self.session, now)
            }
            Event::Prefers(presence, lifetime) => {
                let expiration = lifetime.parse().unwrap();
                self.send(SetPreferred::new(presence).with_expiration(expiration), now)
            }
            Event::IsCutOff => {
                self.state = State::CutOff;
                Ok(self.model.tick(now))
            }
            Event::FallsAsleep => {
                self.state = State::Asleep { since: now };
                Ok(self.model.tick(now))
            }
            // A contact at the earlier instant heals all that was set later (rule T5).
            Event::ClockStepsBack => Ok(self.model.tick(now)),
            Event::SignsOut => {
                self.state = State::SignedOut;
                self.send(ClearSession::new(self.session.session_id), now)
            }
        }
    }

    /// Sends a command, and supposes that the server obeys it: a server that refuses has the model
    /// put right by what it answers.
    fn send(
        &mut self,
        command: impl Into<Command<&'static str>>,
        now: Timestamp,
    ) -> Result<Outcome, CommandError> {
        let command = command.into();
        self.outbox.push(command);
        self.model.apply(command, now)
    }

    /// Returns when there is anything to do next, if nothing happens before.
    fn due(&self, now: Timestamp) -> Option<Timestamp> {
        self.heartbeat(now).into_iter().chain(self.model.deadline(now)).min()
    }

    /// Returns when the session has to be set again, which may be in the past.
    ///
    /// It is no timer of its own: it follows from when the model has the session set, so that it is
    /// right after a step of the clock too.
    fn heartbeat(&self, now: Timestamp) -> Option<Timestamp> {
        match self.state {
            State::Online => {
                let set = self.model.sessions(now).find(|set| *set.id == self.session.session_id);
                Some(set.map_or(now, |set| set.since + self.session.refresh_interval()))
            }
            State::SignedOut | State::CutOff | State::Asleep { .. } => None,
        }
    }

    fn print(&mut self, what: &str, now: Timestamp) {
        let posted = mem::take(&mut self.outbox).len();
        let shown = self.model.presence(now).activity();
        let until = match self.next_change(now) {
            Some((at, next)) => format!(" until {}, then {}", face(at), next.activity()),
            None => String::new(),
        };
        println!("{:<8}  {what:<31}  {posted:>6}  {shown}{until}", face(now));
    }

    /// Tells what others saw while the client was asleep.
    fn print_missed(&self, now: Timestamp) {
        let State::Asleep { since } = self.state else { return };
        for change in self.model.forecast(since).take_while(|change| change.at <= now) {
            let shown = change.presence.activity();
            println!("{:<8}  {:<31}  {:>6}  {shown}", face(change.at), "(asleep)", "");
        }
    }

    /// Returns what others will see next, and from when on, if nothing happens for a day.
    ///
    /// The model's forecast supposes that nobody acts. A client that is online does: its future is
    /// that of a copy, which need not wait for its heartbeats, and whose outbox nobody empties.
    fn next_change(&self, now: Timestamp) -> Option<(Timestamp, Presence)> {
        let State::Online = self.state else {
            return self.model.forecast(now).next().map(|change| (change.at, change.presence));
        };
        let mut ahead = self.clone();
        let mut at = now;
        loop {
            at = ahead.due(at).filter(|due| *due < now + SignedDuration::DAY)?;
            if let Some(presence) = ahead.act(at).ok()?.changed() {
                return Some((at, presence));
            }
        }
    }
}

fn face(at: Timestamp) -> String {
    match at.as_hms() {
        (hour, minute, 0) => format!("{hour:02}:{minute:02}"),
        (hour, minute, second) => format!("{hour:02}:{minute:02}:{second:02}"),
    }
}
