//! What every combination of up to three sessions and a preference shows, as a table to check by eye.

mod common;
#[path = "common/golden.rs"]
mod golden;
mod reference;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};
use std::iter;

use common::at;
use golden::assert_golden;
use presence_core::{
    Command, PreferredPresence, Presence, PresenceModel, SessionPresence, SignedDuration, Timestamp,
};
use reference::histories::{preference, session};

/// All sessions are granted four hours, and looked at when they are this old.
const AGES: [(SignedDuration, &str); 7] = [
    (SignedDuration::ZERO, "0"),
    (SignedDuration::new(299, 999_999_999), "5 min - 1 ns"),
    (SignedDuration::minutes(5), "5 min"),
    (SignedDuration::new(599, 999_999_999), "10 min - 1 ns"),
    (SignedDuration::minutes(10), "10 min"),
    (SignedDuration::new(14_399, 999_999_999), "4 h - 1 ns"),
    (SignedDuration::hours(4), "4 h"),
];

const HEAD: &str = "\
What is seen at an instant, by sessions (rows) and preference (columns).
Each session was set for 4 hours, each preference 1 hour ago: for 1 hour and 1 ns, but the expired one for 1 hour.
- is Offline/Offline, OffWork is Offline/OffWork; all else is told by its activity.
";

/// Which presence is seen with no preference, with one that has expired, and with each in force.
type Row = [Presence; 8];

/// S6, S7, S8, S12, P1 to P5, U1, U7, U8.
#[test]
fn every_combination_of_three_sessions_and_a_preference_is_in_the_table() {
    let mut table = String::from(HEAD);
    let lives: Vec<Life> = SessionPresence::ALL.into_iter().flat_map(lives).collect();

    write_head(&mut table, "one session, or none");
    write_row(&mut table, "none", row(&[]));
    for life in &lives {
        write_row(&mut table, &life.to_string(), row(&[*life]));
    }

    write_head(&mut table, "more, each by what it shows alone");
    let mut combinations = 1 + lives.len();
    for (alone, rows) in folded(&lives) {
        let names: Vec<_> = alone.iter().map(|presence| cell(*presence)).collect();
        let name = format!("{:<55}{:>2} ways", names.join(" "), rows.len());
        assert!(rows.iter().all(|row| *row == rows[0]), "{name} is not one row");
        write_row(&mut table, &name, rows[0]);
        combinations += rows.len();
    }
    writeln!(table, "\n{combinations} sets of sessions").unwrap();
    assert_golden("states/three-sessions.txt", &table);
}

/// A session of a certain age.
#[derive(Debug, Clone, Copy)]
struct Life {
    claim: SessionPresence,
    age: SignedDuration,
    name: &'static str,
}

impl Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", Presence::from(self.claim).activity(), self.name)
    }
}

/// Returns the stages of life of a claim; what does not fade has but three.
fn lives(claim: SessionPresence) -> impl Iterator<Item = Life> {
    let ages = AGES.into_iter().enumerate();
    let kept = ages
        .filter(move |(number, _)| claim == SessionPresence::Available || matches!(number, 0 | 5 | 6));
    kept.map(move |(_, (age, name))| Life { claim, age, name })
}

/// Returns the rows of all sets of two and of three sessions, by what each session shows alone,
/// greatest first.
fn folded(lives: &[Life]) -> BTreeMap<Vec<Presence>, Vec<Row>> {
    let mut folded: BTreeMap<Vec<Presence>, Vec<Row>> = BTreeMap::new();
    for (number, one) in lives.iter().enumerate() {
        for (next, two) in (number..).zip(&lives[number..]) {
            let pair = vec![*one, *two];
            let threes = lives[next..].iter().map(|three| vec![*one, *two, *three]);
            for set in iter::once(pair).chain(threes) {
                let mut alone: Vec<_> = set.iter().map(|life| row(&[*life])[0]).collect();
                alone.sort_by(|one, other| other.cmp(one));
                folded.entry(alone).or_default().push(row(&set));
            }
        }
    }
    folded
}

/// Returns what is seen, by reading and by ticking, whatever the order of the sessions' ids.
fn row(lives: &[Life]) -> Row {
    let hour = SignedDuration::HOUR;
    let expired = Some((PreferredPresence::Busy, hour));
    let in_force = |presence| Some((presence, hour + SignedDuration::NANOSECOND));
    let preferences: Vec<_> =
        [None, expired].into_iter().chain(PreferredPresence::ALL.map(in_force)).collect();
    let seen = preferences.into_iter().map(|preferred| {
        let now = at("12:00");
        let backwards: Vec<_> = lives.iter().rev().copied().collect();
        let [seen, other] = [lives, &backwards].map(|lives| user(lives, preferred, now).presence(now));
        assert_eq!(seen, other, "in the other order");
        assert_eq!(user(lives, preferred, now).tick(now).current, seen, "by a tick");
        seen
    });
    seen.collect::<Vec<_>>().try_into().expect("there are 8 columns")
}

fn user(
    lives: &[Life],
    preferred: Option<(PreferredPresence, SignedDuration)>,
    now: Timestamp,
) -> PresenceModel<u8> {
    let sessions = (0..).zip(lives).map(|(id, life)| {
        let command: Command<u8> = session(id, life.claim, SignedDuration::hours(4));
        (now - life.age, command)
    });
    let preferred = preferred
        .map(|(presence, lifetime)| (now - SignedDuration::HOUR, preference(presence, lifetime)));
    let mut commands: Vec<_> = sessions.chain(preferred).collect();
    commands.sort_by_key(|(since, _)| *since);
    let mut user = PresenceModel::new();
    for (since, command) in commands {
        let _ = user.apply(command, since).unwrap();
    }
    user
}

fn write_head(table: &mut String, rows: &str) {
    let preferred = PreferredPresence::ALL.map(|presence| cell(presence.into()));
    let columns: Vec<_> = ["no preference", "an expired one"].into_iter().chain(preferred).collect();
    table.push('\n');
    write_cells(table, rows, &columns);
    table.push_str(&"-".repeat(152));
    table.push('\n');
}

fn write_row(table: &mut String, name: &str, row: Row) {
    write_cells(table, name, &row.map(cell));
}

fn write_cells(table: &mut String, name: &str, cells: &[&str]) {
    let widths = [18, 18, 10, 5, 13, 12, 5, 7];
    let mut line = format!("{name:<64}");
    for (cell, width) in cells.iter().zip(widths) {
        write!(line, "{cell:<width$}").unwrap();
    }
    writeln!(table, "{}", line.trim_end()).unwrap();
}

fn cell(presence: Presence) -> &'static str {
    if presence == Presence::Offline { "-" } else { presence.activity().as_str() }
}
