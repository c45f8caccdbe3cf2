//! The replay as a page to read: a row for each command and each change, and the days as strips.

use std::io::{self, Write};
use std::iter::repeat_n;
use std::mem;

use presence_core::{Change, Command, Timestamp};
use time::Date;

use crate::input::{Action, Request};
use crate::strips::Strips;
use crate::{Rejection, Report, Update};

/// The widths of the columns. The last one, the next change, has no fixed width.
const TIME: usize = 9;
pub(crate) const USER: usize = 9;
const COMMAND: usize = 36;
const PRESENCE: usize = 33;

const SESSION_ID: usize = 8;
/// The width of the rows of an error message, and how much of it is printed.
const MESSAGE_ROW: usize = 61;
const MESSAGE: usize = 240;

pub(crate) struct Page<W> {
    out: W,
    ink: Ink,
    /// The day of the last row.
    day: Option<Date>,
    strips: Strips,
}

impl<W: Write> Page<W> {
    pub(crate) fn new(out: W, ink: Ink) -> Self {
        Self { out, ink, day: None, strips: Strips::default() }
    }

    /// Prints the row of an update.
    fn update(&mut self, command: &str, update: &Update<'_>) -> io::Result<()> {
        self.strips.change(update.user, update.at, update.outcome.current);
        let current = update.outcome.current.activity();
        let (tone, presence) = match update.outcome.changed() {
            Some(_) => (Tone::Plain, format!("{} -> {current}", update.outcome.previous.activity())),
            None => (Tone::Quiet, format!("still {current}")),
        };
        let next = update.next.map(next_change).unwrap_or_default();
        self.row(tone, update.at, update.user, command, &format!("{presence:<PRESENCE$}  {next}"))
    }

    fn row(
        &mut self,
        tone: Tone,
        at: Timestamp,
        user: &str,
        command: &str,
        rest: &str,
    ) -> io::Result<()> {
        self.turn_to(at.date())?;
        let (user, command) = (fit(user, USER), fit(command, COMMAND));
        let row = format!("{:<TIME$} {user}  {command}  {rest}", clock_face(at));
        self.ink.line(&mut self.out, tone, &row)
    }

    /// Prints a row of a rejection without a time and a user.
    fn bare_row(&mut self, command: &str, rest: &str) -> io::Result<()> {
        let row = format!("{:<TIME$} {:<USER$}  {}  {rest}", "", "", fit(command, COMMAND));
        self.ink.line(&mut self.out, Tone::Wrong, &row)
    }

    /// Prints a heading, unless the last row has the same day.
    fn turn_to(&mut self, day: Date) -> io::Result<()> {
        if self.day == Some(day) {
            return Ok(());
        }
        if self.day.replace(day).is_some() {
            writeln!(self.out)?;
        }
        self.ink.line(&mut self.out, Tone::Loud, &format!("{} {day}, UTC", day.weekday()))?;
        let heading = format!(
            "{:<TIME$} {:<USER$}  {:<COMMAND$}  {:<PRESENCE$}  next change",
            "time", "user", "command", "presence"
        );
        self.ink.line(&mut self.out, Tone::Quiet, &heading)
    }
}

impl<W: Write> Report for Page<W> {
    fn due(&mut self, update: &Update<'_>) -> io::Result<()> {
        self.update("(time passes)", update)
    }

    fn accepted(&mut self, _: u64, command: &Command<String>, update: &Update<'_>) -> io::Result<()> {
        self.update(&in_short(command), update)
    }

    fn rejected(&mut self, line: u64, rejection: &Rejection<'_>) -> io::Result<()> {
        let Rejection { request, command, code, message } = rejection;
        let mut rows = wrap(&format!("{} {code}: {message}", code.status()), MESSAGE_ROW).into_iter();
        let first = rows.next().unwrap_or_default();
        match request {
            Some(request) => {
                self.strips.pass(&request.user, request.at);
                let command = match command {
                    Some(command) => in_short(command),
                    None => format!("{} (line {line})", verb(request)),
                };
                self.row(Tone::Wrong, request.at, &request.user, &command, &first)?;
            }
            None => self.bare_row(&format!("(line {line})"), &first)?,
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

/// Writes the next change without its day, because it is at most 4 hours away.
fn next_change(change: Change) -> String {
    format!("{} {}", clock_face(change.at), change.presence.activity())
}

fn in_short(command: &Command<String>) -> String {
    match command {
        Command::SetSession(body) => {
            let session_id = fit(&body.session_id, SESSION_ID);
            let claim = body.claim.presence().activity();
            format!("set {session_id} {claim} {}", lifetime(&body.expiration))
        }
        Command::ClearSession(body) => format!("clear {}", fit(&body.session_id, SESSION_ID)),
        Command::SetPreferred(body) => {
            let preferred = body.presence.presence().activity();
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

/// Whether the page is coloured.
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
    /// Writes a line without the spaces at its end.
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

/// Escapes a text, and cuts it with an ellipsis or pads it to a width.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let mut fitted = String::with_capacity(width);
    let mut used = 0;
    let mut cut = (0, 0);
    for c in text.chars().flat_map(escaped) {
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

/// Breaks a message between its words into rows of at most this width.
fn wrap(message: &str, width: usize) -> Vec<String> {
    let text = fit(message, MESSAGE);
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

/// Escapes characters that are invisible or move the cursor. Quotes and backslashes stay as they are.
fn escaped(c: char) -> impl Iterator<Item = char> {
    c.escape_debug().skip(usize::from(matches!(c, '"' | '\'' | '\\')))
}

/// Returns how many columns of a terminal a character takes: two for East Asian characters and emoji.
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
