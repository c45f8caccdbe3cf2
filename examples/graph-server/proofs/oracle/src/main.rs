//! Feeds a log of commands to one directory, and prints every answer, every change and the last state.
//!
//! A line in is one entry of the log: `{"sequence":7,"at":"…","user":"ana","setPresence":{…}}`. A tick is of all
//! users, so its `user` is ignored. A line out is one of
//! - `{"sequence":7,"status":200}`, the answer to a command;
//! - `{"at":"…","id":"ana","availability":"…","activity":"…"}`, a change;
//! - `{"id":"ana","model":{…},"explanation":{…}}`, the state of a user after the last entry, in the order of the users.
//!
//! With the argument `snapshot` it reads the stored form of a shard, and prints `{"id":"ana","model":{…}}` for each user.

use std::env;
use std::error::Error;
use std::io::{self, BufWriter, Read, Write};

use presence_core::{
    Activity, Availability, Command, Explanation, Outcome, PresenceDirectory, PresenceModel, Timestamp,
    timestamp,
};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Entry {
    sequence: u64,
    #[serde(with = "timestamp")]
    at: Timestamp,
    user: String,
    #[serde(flatten)]
    command: Command<String>,
}

#[derive(Serialize)]
struct Answer {
    sequence: u64,
    status: u16,
}

#[derive(Serialize)]
struct Change<'a> {
    #[serde(with = "timestamp")]
    at: Timestamp,
    id: &'a str,
    availability: Availability,
    activity: Activity,
}

#[derive(Serialize)]
struct State<'a> {
    id: &'a str,
    model: &'a PresenceModel<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation<&'a String>>,
}

/// The stored form of a shard.
#[derive(Deserialize)]
struct Snapshot {
    _format: u8,
    _sequence: u64,
    _time: Option<Time>,
    _last_change: u64,
    users: Vec<(String, PresenceModel<String>)>,
}

#[derive(Deserialize)]
struct Time(
    #[serde(with = "timestamp")]
    #[expect(dead_code, reason = "only read past")]
    Timestamp,
);

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(io::stdout().lock());
    match env::args().nth(1).as_deref() {
        Some("snapshot") => print_snapshot(&mut out)?,
        _ => replay(&mut out)?,
    }
    Ok(out.flush()?)
}

fn replay(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut users = PresenceDirectory::<String, String>::new();
    let mut end = Timestamp::UNIX_EPOCH;
    for line in io::stdin().lines() {
        let Entry { sequence, at, user, command } = serde_json::from_str(&line?)?;
        end = at;
        for (at, user, outcome) in users.changes_until(at) {
            print_change(out, at, &user, outcome)?;
        }
        if matches!(command, Command::Tick(_)) {
            continue;
        }
        let status = match users.apply(user.as_str(), command, at) {
            Ok(outcome) => {
                print_change(out, at, &user, outcome)?;
                200
            }
            Err(error) => error.status(),
        };
        print(out, &Answer { sequence, status })?;
    }
    let mut states: Vec<_> = users.iter().collect();
    states.sort_unstable_by_key(|(id, _)| *id);
    for (id, model) in states {
        print(out, &State { id, model, explanation: Some(model.explain(end)) })?;
    }
    Ok(())
}

fn print_change(out: &mut impl Write, at: Timestamp, id: &str, outcome: Outcome) -> io::Result<()> {
    let Some(presence) = outcome.changed() else { return Ok(()) };
    let (availability, activity) = (presence.availability(), presence.activity());
    print(out, &Change { at, id, availability, activity })
}

fn print_snapshot(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let snapshot: Snapshot = postcard::from_bytes(&bytes)?;
    for (id, model) in &snapshot.users {
        print(out, &State { id, model, explanation: None })?;
    }
    Ok(())
}

fn print(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    writeln!(out)
}
