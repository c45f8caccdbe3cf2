//! Feeds a log of commands to one directory, and prints every answer, every change and the last state.
//!
//! A line in is one entry of the log: `{"sequence":7,"at":"…","user":"ana","setPresence":{…}}`. A tick is of all
//! users, so its `user` is ignored. A line out is one of
//! - `{"sequence":7,"status":200}`, the answer to a command;
//! - `{"sequence":7,"at":"…","id":"ana","availability":"…","activity":"…"}`, a change, and the entry that reported it;
//! - `{"id":"ana","model":{…}}`, the state of a user after the last entry, in the order of the users.

use std::error::Error;
use std::io::{self, BufWriter, Write};

use presence_core::{
    Activity, Availability, Command, Outcome, PresenceDirectory, PresenceModel, Timestamp, timestamp,
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
struct ReportedChange<'a> {
    sequence: u64,
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
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut users = PresenceDirectory::<String, String>::new();
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lines() {
        let Entry { sequence, at, user, command } = serde_json::from_str(&line?)?;
        for (at, user, outcome) in users.changes_until(at) {
            print_change(&mut out, sequence, at, &user, outcome)?;
        }
        if matches!(command, Command::Tick(_)) {
            continue;
        }
        let status = match users.apply(user.as_str(), command, at) {
            Ok(outcome) => {
                print_change(&mut out, sequence, at, &user, outcome)?;
                200
            }
            Err(error) => error.status(),
        };
        print(&mut out, &Answer { sequence, status })?;
    }
    let mut states: Vec<_> = users.iter().map(|(id, model)| State { id, model }).collect();
    states.sort_unstable_by_key(|state| state.id);
    for state in states {
        print(&mut out, &state)?;
    }
    Ok(out.flush()?)
}

fn print_change(
    out: &mut impl Write,
    sequence: u64,
    at: Timestamp,
    id: &str,
    outcome: Outcome,
) -> io::Result<()> {
    let Some(presence) = outcome.changed() else { return Ok(()) };
    let (availability, activity) = (presence.availability(), presence.activity());
    print(out, &ReportedChange { sequence, at, id, availability, activity })
}

fn print(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    writeln!(out)
}
