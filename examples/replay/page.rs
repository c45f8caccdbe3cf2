//! The replay as a page for people: a row for everything that happens, and the days as strips.

use std::io::{self, Write};
use std::iter::repeat_n;
use std::mem;

use presence_core::{Change, Command, Presence, Timestamp};
use time::Date;

use crate::input::{Action, Request};
use crate::strips::Strips;
use crate::{Refusal, Report, Sight};

/// The widths of the columns; the last, what comes next, is as wide as it is.
const TIME: usize = 9;
pub(crate) const USER: usize = 9;
const ASKED: usize = 36;
const SHOWS: usize = 33;
const NEXT: usize = 26;

const SESSION: usize = 8;
/// How much of a reason is shown, in columns.
const REASON: usize = 240;

pub(crate) struct Page<W> {
    out: W,
    ink: Ink,
    day: Option<Date>,
    /// The command that is being obeyed, in short; empty where there is none.
    asked: String,
    strips: Strips,
}

impl<W: Write> Page<W> {
    pub(crate) fn new(out: W, ink: Ink) -> Self {
        Self { out, ink, day: None, asked: String::new(), strips: Strips::default() }
    }

    fn row(
        &mut self,
        tone: Tone,
        at: Timestamp,
        user: &str,
        asked: &str,
        shows: &str,
    ) -> io::Result<()> {
        self.turn_to(at.date())?;
        let (user, asked) = (fit(user, USER), fit(asked, ASKED));
        let row = format!("{:<TIME$} {user}  {asked}  {shows}", clock_face(at));
        self.ink.line(&mut self.out, tone, &row)
    }

    /// Writes a row of a refusal that has no instant and no user.
    fn bare_row(&mut self, asked: &str, shows: &str) -> io::Result<()> {
        let row = format!("{:<TIME$} {:<USER$}  {}  {shows}", "", "", fit(asked, ASKED));
        self.ink.line(&mut self.out, Tone::Wrong, &row)
    }

    /// Starts a new page for a day that is not the last row's.
    fn turn_to(&mut self, day: Date) -> io::Result<()> {
        if self.day == Some(day) {
            return Ok(());
        }
        if self.day.replace(day).is_some() {
            writeln!(self.out)?;
        }
        self.ink.line(&mut self.out, Tone::Loud, &format!("{} {day}, UTC", day.weekday()))?;
        let (user, asked, shows) = (fit("user", USER), fit("asked", ASKED), fit("shows", SHOWS));
        self.ink.line(
            &mut self.out,
            Tone::Quiet,
            &format!("{:<TIME$} {user}  {asked}  {shows}  next", "time"),
        )
    }

    fn sight(&mut self, sight: &Sight<'_>, asked: &str) -> io::Result<()> {
        self.strips.show(sight.user, sight.at, sight.outcome.current);
        let current = sight.outcome.current.activity();
        let (tone, shows) = match sight.outcome.changed() {
            Some(_) => (Tone::Plain, format!("{} -> {current}", sight.outcome.previous.activity())),
            None => (Tone::Quiet, format!("still {current}")),
        };
        let next = sight.next.map(next).unwrap_or_default();
        self.row(tone, sight.at, sight.user, asked, &format!("{shows:<SHOWS$}  {next}"))
    }
}

impl<W: Write> Report for Page<W> {
    fn asked(&mut self, command: &Command<String>) {
        self.asked = in_short(command);
    }

    fn due(&mut self, sight: &Sight<'_>) -> io::Result<()> {
        self.sight(sight, "(time passes)")
    }

    fn obeyed(&mut self, _: u64, sight: &Sight<'_>) -> io::Result<()> {
        let asked = mem::take(&mut self.asked);
        self.sight(sight, &asked)
    }

    fn refused(&mut self, line: u64, refusal: &Refusal<'_>) -> io::Result<()> {
        let known = mem::take(&mut self.asked);
        let reason = format!("{} {}: {}", refusal.code.status(), refusal.code, refusal.message);
        let mut rows = wrap(&reason, SHOWS + 2 + NEXT).into_iter();
        let first = rows.next().unwrap_or_default();
        match refusal.request {
            Some(request) => {
                self.strips.pass(&request.user, request.at);
                let unread = || format!("{} ? (line {line})", verb(request));
                let asked = if known.is_empty() { unread() } else { known };
                self.row(Tone::Wrong, request.at, &request.user, &asked, &first)?;
            }
            None => self.bare_row(&format!("? (line {line})"), &first)?,
        }
        rows.try_for_each(|row| self.bare_row("", &row))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        mem::take(&mut self.strips).print(&mut self.out, self.ink)?;
        self.out.flush()
    }
}

fn clock_face(at: Timestamp) -> String {
    let (hour, minute, second, nanosecond) = at.as_hms_nano();
    let more = if nanosecond == 0 { "" } else { "…" };
    format!("{hour:02}:{minute:02}:{second:02}{more}")
}

/// Writes what comes next; without a day, as nothing that shows is more than 4 hours away.
fn next(change: Change) -> String {
    format!("{} {}", clock_face(change.at), change.presence.activity())
}

fn in_short(command: &Command<String>) -> String {
    match command {
        Command::SetSession(body) => {
            let session = fit(&body.session_id, SESSION);
            let claim = Presence::from(body.presence).activity();
            format!("set {session} {claim} {}", lifetime(&body.expiration))
        }
        Command::ClearSession(body) => format!("clear {}", fit(&body.session_id, SESSION)),
        Command::SetPreferred(body) => {
            let preferred = Presence::from(body.presence).activity();
            format!("prefer {preferred} {}", lifetime(&body.expiration))
        }
        Command::ClearPreferred(_) => "prefer nothing".to_owned(),
        Command::Tick(_) => "tick".to_owned(),
        _ => "?".to_owned(),
    }
}

/// Shortens `PT1H30M` to `1h30m`.
fn lifetime(duration: &impl ToString) -> String {
    duration.to_string().to_lowercase().replace(['p', 't'], "")
}

fn verb(request: &Request<'_>) -> &'static str {
    match request.action {
        Action::SetSession => "set",
        Action::ClearSession => "clear",
        Action::SetPreferred => "prefer",
        Action::ClearPreferred => "prefer nothing",
        Action::Tick => "tick",
    }
}

/// Whether the page has colours.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Ink {
    Plain,
    Coloured,
}

#[derive(Clone, Copy)]
pub(crate) enum Tone {
    Loud,
    Plain,
    Quiet,
    Wrong,
}

impl Ink {
    /// Writes a line, without the spaces at its end.
    pub(crate) fn line(self, out: &mut impl Write, tone: Tone, text: &str) -> io::Result<()> {
        let text = text.trim_end();
        let style = match tone {
            Tone::Loud => "1",
            Tone::Plain => "",
            Tone::Quiet => "2",
            Tone::Wrong => "31",
        };
        if self == Self::Plain || style.is_empty() {
            writeln!(out, "{text}")
        } else {
            writeln!(out, "\x1b[{style}m{text}\x1b[m")
        }
    }
}

/// Makes a text of anyone's harmless, and exactly so wide: it is cut with an ellipsis or padded.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.bytes().take(width + 1).all(|byte| matches!(byte, b' '..=b'~')) {
        return match text.get(..width - 1) {
            Some(start) if text.len() > width => format!("{start}…"),
            Some(_) | None => format!("{text:<width$}"),
        };
    }
    let mut fitted = String::with_capacity(width);
    let mut used = 0;
    let mut cut = (0, 0);
    for c in text.chars().flat_map(harmless) {
        let next = used + columns(c);
        if next > width {
            fitted.truncate(cut.0);
            fitted.push('…');
            used = cut.1 + 1;
            break;
        }
        fitted.push(c);
        used = next;
        if used < width {
            cut = (fitted.len(), used);
        }
    }
    fitted.extend(repeat_n(' ', width - used));
    fitted
}

/// Breaks a reason between its words, into rows of at most so many columns.
fn wrap(reason: &str, width: usize) -> Vec<String> {
    let text = fit(reason, REASON);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.len() - 1;
        let used: usize = lines[line].chars().map(columns).sum();
        let needed: usize = word.chars().map(columns).sum();
        if used == 0 {
            lines[line].push_str(fit(word, width).trim_end());
        } else if used + 1 + needed <= width {
            lines[line].push(' ');
            lines[line].push_str(word);
        } else {
            lines.push(fit(word, width).trim_end().to_owned());
        }
    }
    lines
}

/// Escapes all that does not show or moves what shows; what is escaped already stays as it is.
fn harmless(c: char) -> impl Iterator<Item = char> {
    c.escape_debug().skip(usize::from(matches!(c, '"' | '\'' | '\\')))
}

/// Returns how many columns a character takes on a terminal: two for what East Asia writes, and
/// for pictures.
fn columns(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115F}'
        | '\u{2E80}'..='\u{A4CF}'
        | '\u{AC00}'..='\u{D7A3}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{FE30}'..='\u{FE6F}'
        | '\u{FF00}'..='\u{FF60}'
        | '\u{FFE0}'..='\u{FFE6}'
        | '\u{1F300}'..='\u{1F64F}'
        | '\u{1F680}'..='\u{1F6FF}'
        | '\u{1F900}'..='\u{1F9FF}'
        | '\u{20000}'..='\u{3FFFD}' => 2,
        _ => 1,
    }
}
