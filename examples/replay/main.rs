//! Replays a log of commands through a [`PresenceDirectory`], driven as a server drives it, and prints
//! the effective presences.
//!
//! A line of the log is a JSON object: a timestamp, a user, and one command under Graph's name for it,
//! with Graph's body.
//!
//! ```json
//! {"at":"2026-11-20T09:00:00Z","user":"ana","setPresence":{"sessionId":"phone","availability":"Available","activity":"Available"}}
//! ```
//!
//! Try `cargo run --example replay -- examples/teams-day.jsonl`.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use presence_core::graph::ErrorCode;
use presence_core::{Change, Command, Explanation, Outcome, PresenceDirectory, Timestamp, timestamp};
use serde::Serialize;

use crate::input::{Line, Lines, Request};
use crate::json::JsonRecords;
use crate::page::{Ink, Page};
use crate::svg::Svg;

mod input;
mod json;
mod lanes;
mod page;
mod strips;
mod svg;

const USAGE: &str = "usage: replay [--json] [--explain USER@TIMESTAMP] [--svg PICTURE] FILE|-";

const HELP: &str = "
Replays a log of presence commands. Prints each command with its answer, each change that comes due
between two commands, and at the end each user's day as a strip.

FILE has one JSON object per line, such as
  {\"at\":\"2026-11-20T09:00:00Z\",\"user\":\"ana\",\"tick\":{}}
with one of setPresence, clearPresence, setUserPreferredPresence, clearUserPreferredPresence and
tick, and Microsoft Graph's body for it. If FILE is -, the standard input is read.

  --json                    print records, one JSON object per line
  --explain USER@TIMESTAMP  print instead the reason for a user's presence at a timestamp, such as
                            ana@2026-11-20T09:30:00Z, after all lines up to the first later one
  --svg PICTURE             draw instead a picture of each user's day, into this file; if there is one
                            user, draw the preference and each session too
  --help                    print this text

Colours appear only on a terminal, and not if NO_COLOR is set. The exit status is 0 if all input was
read, even if lines were rejected, and 2 if it could not be read.
";

fn main() -> ExitCode {
    let result = match Invocation::read(env::args_os().skip(1)) {
        Ok(Invocation::Help) => help().map_err(Failure::Write),
        Ok(Invocation::Replay { form, source }) => replay(form, &source),
        Ok(Invocation::Draw { picture, source }) => draw(&picture, &source),
        Ok(Invocation::Explain { question, form, source }) => explain(&question, form, &source),
        Err(message) => Err(Failure::Usage(message)),
    };
    let message = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Write(error)) if error.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Err(Failure::Write(error)) => format!("cannot write: {error}"),
        Err(Failure::Read(source, error)) => format!("cannot read {}: {error}", source.display()),
        Err(Failure::Usage(message)) => format!("{message}\n{USAGE}"),
    };
    // If this cannot be written either, there is still the exit status.
    let _ = writeln!(io::stderr(), "replay: {message}");
    ExitCode::from(2)
}

enum Failure {
    Usage(String),
    Read(OsString, io::Error),
    Write(io::Error),
}

enum Invocation {
    Help,
    Replay { form: Form, source: OsString },
    Draw { picture: OsString, source: OsString },
    Explain { question: Question, form: Form, source: OsString },
}

/// A user and a timestamp of which to explain the presence.
struct Question {
    user: String,
    at: Timestamp,
}

#[derive(Clone, Copy)]
enum Form {
    Page,
    JsonRecords,
}

impl Invocation {
    /// Reads the arguments. An error says what is wrong with them.
    fn read(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut form = Form::Page;
        let mut question = None;
        let mut picture = None;
        let mut source = None;
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--help" | "-h") => return Ok(Self::Help),
                Some("--json") => form = Form::JsonRecords,
                Some("--explain") => question = Some(Question::read(arguments.next())?),
                Some("--svg") => picture = Some(arguments.next().ok_or("--svg needs PICTURE")?),
                Some(option) if option.starts_with('-') && option != "-" => {
                    return Err(format!("unknown option {option:?}"));
                }
                Some(_) | None if source.is_some() => return Err("more than one FILE".to_owned()),
                Some(_) | None => source = Some(argument),
            }
        }
        let source = source.ok_or("no FILE (- is the standard input)")?;
        Ok(match (question, picture) {
            (Some(question), None) => Self::Explain { question, form, source },
            (None, Some(picture)) => Self::Draw { picture, source },
            (None, None) => Self::Replay { form, source },
            (Some(_), Some(_)) => return Err("--explain and --svg exclude each other".to_owned()),
        })
    }
}

impl Question {
    fn read(argument: Option<OsString>) -> Result<Self, String> {
        let argument = argument.ok_or("--explain needs USER@TIMESTAMP")?;
        let (user, at) = argument
            .to_str()
            .and_then(|question| question.rsplit_once('@'))
            .ok_or_else(|| format!("--explain needs USER@TIMESTAMP, found {}", argument.display()))?;
        let at = timestamp::parse(at).map_err(|error| format!("{error}, found {at:?}"))?;
        Ok(Self { user: user.to_owned(), at })
    }
}

fn help() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{USAGE}")?;
    out.write_all(HELP.as_bytes())
}

fn replay(form: Form, source: &OsString) -> Result<(), Failure> {
    let input = open(source).map_err(|error| Failure::Read(source.clone(), error))?;
    play(source, input, report(form))
}

fn draw(picture: &OsString, source: &OsString) -> Result<(), Failure> {
    let input = open(source).map_err(|error| Failure::Read(source.clone(), error))?;
    let out = File::create(picture).map_err(Failure::Write)?;
    play(source, input, Box::new(Svg::new(BufWriter::new(out))))
}

/// Answers each line of the log.
fn play(source: &OsString, input: Box<dyn Read>, report: Box<dyn Report>) -> Result<(), Failure> {
    let unreadable = |error| Failure::Read(source.clone(), error);
    let mut lines = Lines::new(input);
    let mut replay = Replay::new(report);
    loop {
        if lines.is_drained() {
            replay.report.flush().map_err(Failure::Write)?;
        }
        let Some((number, line)) = lines.next().map_err(unreadable)? else {
            return replay.report.end().map_err(Failure::Write);
        };
        replay.answer(number, line).map_err(Failure::Write)?;
    }
}

fn explain(question: &Question, form: Form, source: &OsString) -> Result<(), Failure> {
    let unreadable = |error| Failure::Read(source.clone(), error);
    let mut lines = Lines::new(open(source).map_err(unreadable)?);
    let mut replay = Replay::new(Box::new(Silence));
    while let Some((number, line)) = lines.next().map_err(unreadable)? {
        if Request::read(line).is_ok_and(|request| request.at > question.at) {
            break;
        }
        replay.answer(number, line).map_err(Failure::Write)?;
    }
    let Question { user, at } = question;
    let explanation = replay.directory.explain(user.as_str(), *at);
    let mut out = io::stdout().lock();
    match form {
        Form::Page => writeln!(out, "{}: {explanation}", user.escape_debug()),
        Form::JsonRecords => {
            let record = ExplanationRecord { at: *at, user, explanation };
            serde_json::to_writer(&mut out, &record)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(out))
        }
    }
    .map_err(Failure::Write)
}

#[derive(Serialize)]
struct ExplanationRecord<'a> {
    #[serde(with = "timestamp")]
    at: Timestamp,
    user: &'a str,
    explanation: Explanation<&'a String>,
}

fn open(source: &OsString) -> io::Result<Box<dyn Read>> {
    Ok(if source == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(Path::new(source))?)
    })
}

fn report(form: Form) -> Box<dyn Report> {
    let stdout = io::stdout().lock();
    let is_coloured =
        stdout.is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let out = BufWriter::with_capacity(64 * 1024, stdout);
    match form {
        Form::Page if is_coloured => Box::new(Page::new(out, Ink::Coloured)),
        Form::Page => Box::new(Page::new(out, Ink::Plain)),
        Form::JsonRecords => Box::new(JsonRecords::new(out)),
    }
}

/// A directory, and the report of what happens in it.
struct Replay {
    directory: PresenceDirectory<String, String>,
    report: Box<dyn Report>,
}

impl Replay {
    fn new(report: Box<dyn Report>) -> Self {
        Self { directory: PresenceDirectory::new(), report }
    }

    /// Answers a line: lets time pass until its timestamp, and then applies its command.
    fn answer(&mut self, line_number: u64, line: Line<'_>) -> io::Result<()> {
        let request = match Request::read(line) {
            Ok(request) => request,
            Err(message) => {
                return self.report.rejected(line_number, &Rejection::invalid(None, message));
            }
        };
        self.pass_time_until(request.at)?;
        let command = match request.command() {
            Ok(command) => command,
            Err(message) => {
                return self.report.rejected(line_number, &Rejection::invalid(Some(&request), message));
            }
        };
        match self.directory.apply(&*request.user, command.clone(), request.at) {
            Ok(outcome) => {
                let update = self.update(&request.user, outcome, request.at);
                self.report.accepted(line_number, &command, &update)
            }
            Err(error) => {
                let rejection = Rejection {
                    request: Some(&request),
                    command: Some(&command),
                    code: error.code(),
                    message: error.to_string(),
                };
                self.report.rejected(line_number, &rejection)
            }
        }
    }

    /// Ticks at each deadline before `at`, and not at `at`: what is due then is part of the answer to
    /// the command.
    ///
    /// `changes_until` does not do that. It also ticks at its end, which is a step of the clock if the
    /// log goes back in time, and it borrows the directory, in which `update` looks up what comes next.
    fn pass_time_until(&mut self, at: Timestamp) -> io::Result<()> {
        while let Some(due) = self.directory.next_deadline()
            && due < at
        {
            while let Some((user, outcome)) = self.directory.tick(due) {
                let update = self.update(&user, outcome, due);
                self.report.due(&update)?;
            }
        }
        Ok(())
    }

    fn update<'a>(&self, user: &'a str, outcome: Outcome, at: Timestamp) -> Update<'a> {
        let next = self.directory.get(user).and_then(|model| model.forecast(at).next());
        Update { at, user, outcome, next }
    }
}

/// Prints what happens in a replay. By default it prints nothing.
trait Report {
    /// Reports a change that came due without a command.
    fn due(&mut self, _: &Update<'_>) -> io::Result<()> {
        Ok(())
    }

    /// Reports the answer to the command of a line.
    fn accepted(&mut self, _line: u64, _: &Command<String>, _: &Update<'_>) -> io::Result<()> {
        Ok(())
    }

    fn rejected(&mut self, _line: u64, _: &Rejection<'_>) -> io::Result<()> {
        Ok(())
    }

    /// Writes what is buffered, before a wait for more input.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Silence;

impl Report for Silence {}

/// What an update did for one user, and what comes next if no command does.
struct Update<'a> {
    at: Timestamp,
    user: &'a str,
    outcome: Outcome,
    next: Option<Change>,
}

/// Why a line is rejected, and as much of it as could be read.
struct Rejection<'a> {
    request: Option<&'a Request<'a>>,
    command: Option<&'a Command<String>>,
    code: ErrorCode,
    message: String,
}

impl<'a> Rejection<'a> {
    /// Rejects a line that is no request, or whose body is invalid.
    fn invalid(request: Option<&'a Request<'a>>, message: String) -> Self {
        Self { request, command: None, code: ErrorCode::InvalidArgument, message }
    }
}
