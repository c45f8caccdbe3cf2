//! The effective presence of every combination of up to three sessions and a preference, as a table.

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

/// The ages at which sessions are read. Each has a lifetime of 4 hours.
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
The effective presence by sessions (rows) and preference (columns).
Each session was set for 4 hours. Each preference was set 1 hour ago: for 1 hour and 1 ns, the expired one for 1 hour.
- is Offline/Offline. Every other presence is named by its activity.
";

/// The effective presence without a preference, with an expired one, and with each live one.
type Row = [Presence; 8];

/// S6, S7, S8, S12, P1 to P5, U1, U7, U8.
#[test]
fn every_combination_of_three_sessions_and_a_preference_is_in_the_table() {
    let mut table = String::from(HEAD);
    let aged: Vec<AgedSession> = SessionPresence::ALL.iter().copied().flat_map(aged_sessions).collect();

    write_head(&mut table, "one session, or none");
    write_row(&mut table, "none", row(&[]));
    for session in &aged {
        write_row(&mut table, &session.to_string(), row(&[*session]));
    }

    write_head(&mut table, "more, each by what it shows alone");
    let mut combinations = 1 + aged.len();
    for (alone, rows) in rows_by_what_sessions_show(&aged) {
        let names: Vec<_> = alone.iter().map(|presence| cell(*presence)).collect();
        let name = format!("{:<55}{:>2} ways", names.join(" "), rows.len());
        assert!(rows.iter().all(|row| *row == rows[0]), "{name} has rows that differ");
        write_row(&mut table, &name, rows[0]);
        combinations += rows.len();
    }
    writeln!(table, "\n{combinations} sets of sessions").unwrap();
    assert_golden("states/three-sessions.txt", &table);
}

/// A session of a certain age.
#[derive(Debug, Clone, Copy)]
struct AgedSession {
    claim: SessionPresence,
    age: SignedDuration,
    name: &'static str,
}

impl Display for AgedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", Presence::from(self.claim).activity(), self.name)
    }
}

/// Returns the sessions of one claim. A claim that does not fade has only three ages.
fn aged_sessions(claim: SessionPresence) -> impl Iterator<Item = AgedSession> {
    let ages = AGES.into_iter().enumerate();
    let kept = ages
        .filter(move |(number, _)| claim == SessionPresence::Available || matches!(number, 0 | 5 | 6));
    kept.map(move |(_, (age, name))| AgedSession { claim, age, name })
}

/// Returns the rows of all sets of two and of three sessions, by what each session shows alone,
/// strongest first.
fn rows_by_what_sessions_show(aged: &[AgedSession]) -> BTreeMap<Vec<Presence>, Vec<Row>> {
    let mut folded: BTreeMap<Vec<Presence>, Vec<Row>> = BTreeMap::new();
    for (number, one) in aged.iter().enumerate() {
        for (next, two) in (number..).zip(&aged[number..]) {
            let pair = vec![*one, *two];
            let threes = aged[next..].iter().map(|three| vec![*one, *two, *three]);
            for set in iter::once(pair).chain(threes) {
                let mut alone: Vec<_> = set.iter().map(|session| row(&[*session])[0]).collect();
                alone.sort_by(|one, other| other.cmp(one));
                folded.entry(alone).or_default().push(row(&set));
            }
        }
    }
    folded
}

/// Returns the effective presences, by a read and by a tick, whatever the order of the session ids.
fn row(sessions: &[AgedSession]) -> Row {
    let hour = SignedDuration::HOUR;
    let expired = Some((PreferredPresence::Busy, hour));
    let in_force = |presence| Some((presence, hour + SignedDuration::NANOSECOND));
    let preferences: Vec<_> = [None, expired]
        .into_iter()
        .chain(PreferredPresence::ALL.iter().copied().map(in_force))
        .collect();
    let presences = preferences.into_iter().map(|preferred| {
        let now = at("12:00");
        let reversed: Vec<_> = sessions.iter().rev().copied().collect();
        let [presence, other] =
            [sessions, &reversed].map(|sessions| user(sessions, preferred, now).presence(now));
        assert_eq!(presence, other, "in the other order");
        assert_eq!(user(sessions, preferred, now).tick(now).current, presence, "by a tick");
        presence
    });
    presences.collect::<Vec<_>>().try_into().expect("there are 8 columns")
}

fn user(
    sessions: &[AgedSession],
    preferred: Option<(PreferredPresence, SignedDuration)>,
    now: Timestamp,
) -> PresenceModel<u8> {
    let sessions = (0..).zip(sessions).map(|(id, aged)| {
        let command: Command<u8> = session(id, aged.claim, SignedDuration::hours(4));
        (now - aged.age, command)
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
    let preferred = PreferredPresence::ALL.iter().map(|presence| cell(presence.presence()));
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
