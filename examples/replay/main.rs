//! Replays commands with their instants through a [`PresenceDirectory`], the way a server drives
//! it, and prints what an observer sees.
//!
//! A line of input is a JSON object: an instant, a user, and one command under Graph's own name
//! with Graph's own body.
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

use presence_core::{
    Change, Command, ErrorCode, Explanation, Outcome, PresenceDirectory, Timestamp, rfc3339,
};
use serde::Serialize;

use crate::input::{Line, Lines, Request};
use crate::json::JsonRecords;
use crate::page::{Ink, Page};

mod input;
mod json;
mod page;
mod strips;

const USAGE: &str = "usage: replay [--json] [--explain USER@INSTANT] FILE|-";

const HELP: &str = "
Replays presence commands and prints what an observer sees: every command with its answer, every
change that fell due in between, and at the end a strip of each user's day.

FILE has one JSON object a line, such as
  {\"at\":\"2026-11-20T09:00:00Z\",\"user\":\"ana\",\"tick\":{}}
with one of setPresence, clearPresence, setUserPreferredPresence, clearUserPreferredPresence and
tick, and Microsoft Graph's body for it. - is the standard input.

  --json                  print records, one JSON object a line
  --explain USER@INSTANT  print instead why a user shows as they do at an instant, such as
                          ana@2026-11-20T09:30:00Z, after all lines up to the first that is later
  --help                  print this

Colours appear on a terminal only, and never while NO_COLOR is set. The exit status is 0 when all
input was read, whatever was refused, and 2 when it could not be read.
";

fn main() -> ExitCode {
    let done = match Invocation::read(env::args_os().skip(1)) {
        Ok(Invocation::Help) => help().map_err(Failure::Write),
        Ok(Invocation::Replay { form, source }) => replay(form, &source),
        Ok(Invocation::Explain { question, form, source }) => explain(&question, form, &source),
        Err(complaint) => Err(Failure::Usage(complaint)),
    };
    let complaint = match done {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Write(error)) if error.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Err(Failure::Write(error)) => format!("cannot write: {error}"),
        Err(Failure::Read(source, error)) => format!("cannot read {}: {error}", source.display()),
        Err(Failure::Usage(complaint)) => format!("{complaint}\n{USAGE}"),
    };
    // Where not even this can be written, the status says it.
    let _ = writeln!(io::stderr(), "replay: {complaint}");
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
    Explain { question: Question, form: Form, source: OsString },
}

/// Whose presence is to be explained, and when.
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
    /// Reads the arguments, or says what is wrong with them.
    fn read(mut arguments: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut form = Form::Page;
        let mut question = None;
        let mut source = None;
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--help" | "-h") => return Ok(Self::Help),
                Some("--json") => form = Form::JsonRecords,
                Some("--explain") => question = Some(Question::read(arguments.next())?),
                Some(option) if option.starts_with('-') && option != "-" => {
                    return Err(format!("unknown option {option:?}"));
                }
                Some(_) | None if source.is_some() => return Err("more than one FILE".to_owned()),
                Some(_) | None => source = Some(argument),
            }
        }
        let source = source.ok_or("no FILE, and - would be the standard input")?;
        Ok(match question {
            Some(question) => Self::Explain { question, form, source },
            None => Self::Replay { form, source },
        })
    }
}

impl Question {
    fn read(argument: Option<OsString>) -> Result<Self, String> {
        let argument = argument.ok_or("--explain needs USER@INSTANT")?;
        let (user, at) = argument
            .to_str()
            .and_then(|question| question.rsplit_once('@'))
            .ok_or_else(|| format!("{} is not of the form USER@INSTANT", argument.display()))?;
        let at = rfc3339::parse(at).map_err(|error| format!("{error}: {at:?}"))?;
        Ok(Self { user: user.to_owned(), at })
    }
}

fn help() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{USAGE}")?;
    out.write_all(HELP.as_bytes())
}

fn replay(form: Form, source: &OsString) -> Result<(), Failure> {
    let unread = |error| Failure::Read(source.clone(), error);
    let mut lines = Lines::new(open(source).map_err(unread)?);
    let mut replay = Replay::new(report(form));
    loop {
        if lines.is_drained() {
            replay.report.flush().map_err(Failure::Write)?;
        }
        let Some((number, line)) = lines.next().map_err(unread)? else {
            return replay.report.end().map_err(Failure::Write);
        };
        replay.answer(number, line).map_err(Failure::Write)?;
    }
}

fn explain(question: &Question, form: Form, source: &OsString) -> Result<(), Failure> {
    let unread = |error| Failure::Read(source.clone(), error);
    let mut lines = Lines::new(open(source).map_err(unread)?);
    let mut replay = Replay::new(Box::new(Silence));
    while let Some((number, line)) = lines.next().map_err(unread)? {
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
    #[serde(with = "presence_core::rfc3339")]
    at: Timestamp,
    user: &'a str,
    explanation: Explanation<'a, String>,
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

/// The directory, and who is told what happens in it.
struct Replay {
    directory: PresenceDirectory<String, String>,
    report: Box<dyn Report>,
}

impl Replay {
    fn new(report: Box<dyn Report>) -> Self {
        Self { directory: PresenceDirectory::new(), report }
    }

    /// Answers a line: time passes up to its instant, and then its command is obeyed or refused.
    fn answer(&mut self, number: u64, line: Line<'_>) -> io::Result<()> {
        let request = match Request::read(line) {
            Ok(request) => request,
            Err(message) => {
                let code = ErrorCode::InvalidArgument;
                return self.report.refused(number, &Refusal { request: None, code, message });
            }
        };
        self.pass_time_until(request.at)?;
        match self.obey(&request) {
            Ok(outcome) => {
                let sight = sight(&self.directory, &request.user, outcome, request.at);
                self.report.obeyed(number, &sight)
            }
            Err((code, message)) => {
                self.report.refused(number, &Refusal { request: Some(&request), code, message })
            }
        }
    }

    /// Does what falls due before an instant, from deadline to deadline: what falls due *at* the
    /// instant is part of the answer to the command that comes at it.
    fn pass_time_until(&mut self, at: Timestamp) -> io::Result<()> {
        while let Some(due) = self.directory.next_deadline()
            && due < at
        {
            while let Some((user, outcome)) = self.directory.tick(due) {
                self.report.due(&sight(&self.directory, &user, outcome, due))?;
            }
        }
        Ok(())
    }

    fn obey(&mut self, request: &Request<'_>) -> Result<Outcome, (ErrorCode, String)> {
        let command = request.command().map_err(|message| (ErrorCode::InvalidArgument, message))?;
        self.report.asked(&command);
        self.directory
            .apply(&*request.user, command, request.at)
            .map_err(|error| (error.code(), error.to_string()))
    }
}

fn sight<'a>(
    directory: &PresenceDirectory<String, String>,
    user: &'a str,
    outcome: Outcome,
    at: Timestamp,
) -> Sight<'a> {
    let next = directory.get(user).and_then(|model| model.forecast(at).next());
    Sight { at, user, outcome, next }
}

/// What is told while a replay goes on.
trait Report {
    /// Hears what is asked, just before it is obeyed or refused.
    fn asked(&mut self, command: &Command<String>);
    /// Tells a change that fell due by itself.
    fn due(&mut self, sight: &Sight<'_>) -> io::Result<()>;
    fn obeyed(&mut self, line: u64, sight: &Sight<'_>) -> io::Result<()>;
    fn refused(&mut self, line: u64, refusal: &Refusal<'_>) -> io::Result<()>;
    /// Lets out what was told, before a wait for more input.
    fn flush(&mut self) -> io::Result<()>;
    fn end(&mut self) -> io::Result<()>;
}

/// Tells nothing.
struct Silence;

impl Report for Silence {
    fn asked(&mut self, _: &Command<String>) {}

    fn due(&mut self, _: &Sight<'_>) -> io::Result<()> {
        Ok(())
    }

    fn obeyed(&mut self, _: u64, _: &Sight<'_>) -> io::Result<()> {
        Ok(())
    }

    fn refused(&mut self, _: u64, _: &Refusal<'_>) -> io::Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an observer of one user sees at an instant.
struct Sight<'a> {
    at: Timestamp,
    user: &'a str,
    outcome: Outcome,
    next: Option<Change>,
}

/// Why a line was refused; without a request where the line is none.
struct Refusal<'a> {
    request: Option<&'a Request<'a>>,
    code: ErrorCode,
    message: String,
}
