//! The days as strips: a row for each user, with a cell for each quarter of an hour.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};
use std::mem;
use std::ops::{Range, RangeInclusive};

use presence_core::{Presence, SessionExpiration, SignedDuration, Timestamp};

use crate::page::{Ink, Tone, USER, fit};

/// The length of a cell. Timestamps and durations are whole milliseconds in this module.
const QUARTER: i64 = 15 * 60 * 1000;
const QUARTERS_IN_HOUR: i64 = 4;
const QUARTERS_IN_DAY: i64 = 24 * QUARTERS_IN_HOUR;

/// The effective presences of all users of a replay.
#[derive(Default)]
pub(crate) struct Strips {
    clock: Option<Clock>,
    users: HashMap<String, Strip>,
    /// The days with at least one command or change.
    days: BTreeSet<i64>,
}

impl Strips {
    /// Lets time pass until `at`. The user may be new.
    pub(crate) fn pass(&mut self, user: &str, at: Timestamp) {
        self.strip(user, at);
    }

    /// Lets time pass until `at`, from when on the user has a presence.
    pub(crate) fn change(&mut self, user: &str, at: Timestamp, presence: Presence) {
        let (strip, clock) = self.strip(user, at);
        strip.change(presence, clock);
    }

    fn strip(&mut self, user: &str, at: Timestamp) -> (&mut Strip, &Clock) {
        let at = at.as_milliseconds();
        let clock = self.clock.get_or_insert_with(|| Clock::new(at));
        let is_new_day = day(quarter(at)) != day(quarter(clock.now));
        clock.pass(at);
        if is_new_day || self.days.is_empty() {
            self.days.insert(day(quarter(at)));
        }
        if !self.users.contains_key(user) {
            self.users.insert(user.to_owned(), Strip::new(clock));
        }
        (self.users.get_mut(user).expect("it was inserted"), clock)
    }

    pub(crate) fn print(mut self, out: &mut impl Write, ink: Ink) -> io::Result<()> {
        let Some(clock) = &self.clock else { return Ok(()) };
        let mut strips: Vec<_> = self.users.iter_mut().collect();
        strips.sort_unstable_by_key(|(user, _)| *user);
        for (_, strip) in &mut strips {
            strip.end(clock);
        }

        let covered = quarter(clock.first)..=quarter(clock.last);
        let mut expected = None;
        for day in &self.days {
            print_gap(out, ink, expected.unwrap_or(*day)..*day)?;
            expected = Some(day + 1);
            print_heading(out, ink, *day)?;
            for (user, strip) in &strips {
                strip.print(out, ink, user, *day, &covered)?;
            }
        }
        print_legend(out, ink)
    }
}

/// The latest timestamp, and the way that the clock took to it.
struct Clock {
    now: i64,
    first: i64,
    last: i64,
    /// How often the clock has stepped back.
    steps: u64,
    /// The timestamp before the last step back.
    left: i64,
    /// The timestamp after the last step back.
    landed: i64,
}

impl Clock {
    fn new(at: i64) -> Self {
        Self { now: at, first: at, last: at, steps: 0, left: at, landed: at }
    }

    fn pass(&mut self, at: i64) {
        if at < self.now {
            self.steps += 1;
            (self.left, self.landed) = (self.now, at);
        }
        self.now = at;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }
}

/// The presences of one user. After the clock has stepped back, the cells are painted again.
struct Strip {
    presence: Presence,
    since: i64,
    /// How often the clock had stepped back at `since`.
    steps: u64,
    open: OpenCell,
    /// The quarters before the open one, without those that are Offline.
    cells: BTreeMap<i64, Presence>,
}

impl Strip {
    /// Starts a new user, Offline from the first timestamp on.
    fn new(clock: &Clock) -> Self {
        let (since, steps) = (clock.first, clock.steps);
        let open = OpenCell::new(quarter(since));
        Self { presence: Presence::Offline, since, steps, open, cells: BTreeMap::new() }
    }

    fn change(&mut self, presence: Presence, clock: &Clock) {
        self.catch_up(clock);
        self.presence = presence;
    }

    /// Ends the strip at the last timestamp. If the last quarter has only just begun, its cell is that of
    /// the last presence.
    fn end(&mut self, clock: &Clock) {
        self.catch_up(clock);
        let last = quarter(clock.now);
        if self.open.quarter != last {
            self.close(last);
        }
        if self.open.longest().is_none() {
            self.cells.entry(last).or_insert(self.presence);
        }
        self.close(last + 1);
    }

    /// Paints until now. Of several steps back since the last call, only the last one is followed.
    fn catch_up(&mut self, clock: &Clock) {
        if self.steps != clock.steps {
            self.paint_until(clock.left);
            self.since = clock.landed;
            self.steps = clock.steps;
        }
        self.paint_until(clock.now);
    }

    fn paint_until(&mut self, end: i64) {
        self.skip_until(end);
        while self.since < end {
            let now = quarter(self.since);
            if self.open.quarter != now {
                self.close(now);
            }
            let until = end.min((now + 1) * QUARTER);
            self.open.add(self.presence, until - self.since);
            self.since = until;
        }
    }

    /// Skips the quarters that are surely Offline, of which a log may have millions: any other presence
    /// ends with the longest session.
    fn skip_until(&mut self, end: i64) {
        let start = if self.presence == Presence::Offline {
            quarter(end) * QUARTER
        } else {
            end.saturating_sub(milliseconds(SessionExpiration::MAX.duration()))
        };
        let first_whole = quarter(self.since) + 1;
        if start <= first_whole * QUARTER {
            return;
        }
        self.paint_until(first_whole * QUARTER);
        self.close(quarter(start));
        while let Some((&cell, _)) = self.cells.range(first_whole..quarter(start)).next() {
            self.cells.remove(&cell);
        }
        self.since = start;
    }

    fn close(&mut self, next: i64) {
        let closed = mem::replace(&mut self.open, OpenCell::new(next));
        match closed.longest() {
            None => {}
            Some(Presence::Offline) => {
                self.cells.remove(&closed.quarter);
            }
            Some(presence) => {
                self.cells.insert(closed.quarter, presence);
            }
        }
    }

    fn print(
        &self,
        out: &mut impl Write,
        ink: Ink,
        user: &str,
        day: i64,
        covered: &RangeInclusive<i64>,
    ) -> io::Result<()> {
        let quarters = day * QUARTERS_IN_DAY..(day + 1) * QUARTERS_IN_DAY;
        let cell = |quarter| {
            let painted = self.cells.get(&quarter).copied().unwrap_or_default();
            covered.contains(&quarter).then_some(painted)
        };
        let mut cells: Vec<_> = quarters.map(cell).collect();
        while cells.pop_if(|cell| cell.is_none()).is_some() {}
        write!(out, "{}  ", fit(user, USER))?;
        for alike in cells.chunk_by(|one, other| one == other) {
            print_alike(out, ink, alike)?;
        }
        writeln!(out)
    }
}

/// The quarter that is painted now, and how long each presence has lasted in it.
struct OpenCell {
    quarter: i64,
    lasted: [i64; Presence::ALL.len()],
}

impl OpenCell {
    fn new(quarter: i64) -> Self {
        Self { quarter, lasted: [0; Presence::ALL.len()] }
    }

    fn add(&mut self, presence: Presence, duration: i64) {
        self.lasted[presence as usize] += duration;
    }

    /// Returns the presence that lasted longest, and among equals the one that takes precedence.
    fn longest(&self) -> Option<Presence> {
        let lasted = Presence::ALL.iter().zip(self.lasted).filter(|(_, lasted)| *lasted > 0);
        lasted.max_by_key(|(_, lasted)| *lasted).map(|(presence, _)| *presence)
    }
}

fn quarter(at: i64) -> i64 {
    at.div_euclid(QUARTER)
}

fn day(quarter: i64) -> i64 {
    quarter.div_euclid(QUARTERS_IN_DAY)
}

fn milliseconds(duration: SignedDuration) -> i64 {
    duration.whole_seconds() * 1000
}

/// Prints how many days are between two strips.
fn print_gap(out: &mut impl Write, ink: Ink, days: Range<i64>) -> io::Result<()> {
    match days.end - days.start {
        0 => Ok(()),
        1 => ink.line(out, Tone::Quiet, "\n1 day on which nothing happened"),
        count => ink.line(out, Tone::Quiet, &format!("\n{count} days on which nothing happened")),
    }
}

/// Prints the day, and each hour above the cell in which it starts.
fn print_heading(out: &mut impl Write, ink: Ink, day: i64) -> io::Result<()> {
    let seconds = day * QUARTERS_IN_DAY * QUARTER / 1000;
    let date = Timestamp::from_seconds(seconds).unwrap_or(Timestamp::UNIX_EPOCH).date();
    let hours: Vec<_> = (0..24).map(|hour| format!("{hour:02}")).collect();
    writeln!(out)?;
    ink.line(out, Tone::Loud, &format!("{} {date}, UTC", date.weekday()))?;
    ink.line(out, Tone::Quiet, &format!("{:<USER$}  {}", "", hours.join("  ")))
}

fn print_legend(out: &mut impl Write, ink: Ink) -> io::Result<()> {
    writeln!(out)?;
    for presences in Presence::ALL.chunks(4) {
        let mut indent = USER + 2;
        for presence in presences {
            let name = presence.activity().as_str();
            write!(out, "{:<indent$}", "")?;
            print_alike(out, ink, &[Some(*presence)])?;
            write!(out, " {name}")?;
            indent = 20 - name.len();
        }
        writeln!(out)?;
    }
    let meaning = "One letter per quarter of an hour: the presence that lasted longest in it.";
    ink.line(out, Tone::Quiet, &format!("{:indent$}{meaning}", "", indent = USER + 2))
}

/// Prints cells that are all the same.
fn print_alike(out: &mut impl Write, ink: Ink, cells: &[Option<Presence>]) -> io::Result<()> {
    let (letter, colours) = match cells.first() {
        Some(Some(presence)) => look(*presence),
        Some(None) | None => (' ', ""),
    };
    let letters: String = cells.iter().map(|_| letter).collect();
    match ink {
        Ink::Coloured if !colours.is_empty() => write!(out, "\x1b[{colours}m{letters}\x1b[m"),
        Ink::Coloured | Ink::Plain => write!(out, "{letters}"),
    }
}

/// Returns the letter of a presence, and its colours: green for Available, yellow for Away, red for
/// Busy, purple for DoNotDisturb.
fn look(presence: Presence) -> (char, &'static str) {
    match presence {
        Presence::Offline => ('·', "2"),
        Presence::OffWork => ('o', "38;5;255;48;5;240"),
        Presence::Away => ('w', "38;5;58;48;5;222"),
        Presence::BeRightBack => ('r', "38;5;58;48;5;214"),
        Presence::AvailableInactive => ('a', "38;5;22;48;5;151"),
        Presence::Available => ('A', "38;5;22;48;5;77"),
        Presence::Busy => ('B', "38;5;255;48;5;167"),
        Presence::InACall => ('c', "38;5;255;48;5;160"),
        Presence::InAConferenceCall => ('C', "38;5;255;48;5;124"),
        Presence::DoNotDisturb => ('D', "38;5;255;48;5;97"),
        Presence::Presenting => ('P', "38;5;255;48;5;54"),
        _ => ('?', ""),
    }
}
