//! The lines of the log, and the requests in them.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use presence_core::graph::Body;
use presence_core::{ClearPreferred, ClearSession, Command, SetPreferred, SetSession, Tick, Timestamp};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The longest line that is read, in bytes without its end. A longer line is rejected and skipped.
const MAX_LINE: usize = 1024 * 1024;
const BUFFER: usize = 64 * 1024;
/// The byte order mark with which some programs start a file. It is no part of the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Reads the log line by line, with one line in memory.
pub(crate) struct Lines<R> {
    source: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source: BufReader::with_capacity(BUFFER, source), line: Vec::new(), number: 0 }
    }

    /// Reads the next line that is not blank, and returns it with its number.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        while self.read()? {
            if self.line.len() > MAX_LINE {
                return Ok(Some((self.number, Line::TooLong)));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some((self.number, Line::Text(&self.line))));
            }
        }
        Ok(None)
    }

    /// Returns whether reading the next line may block.
    pub(crate) fn is_drained(&self) -> bool {
        self.source.buffer().is_empty()
    }

    /// Reads one line without its end, or the start of one that is too long. Returns false at the end of
    /// the log.
    fn read(&mut self) -> io::Result<bool> {
        self.line.clear();
        let mut start = self.source.by_ref().take((BYTE_ORDER_MARK.len() + MAX_LINE) as u64 + 1);
        if start.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(false);
        }
        self.number += 1;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() > MAX_LINE {
            self.source.skip_until(b'\n')?;
        }
        if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(true)
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Line<'a> {
    Text(&'a [u8]),
    TooLong,
}

/// A line whose timestamp, user and action could be read. The body is read later.
pub(crate) struct Request<'a> {
    pub(crate) at: Timestamp,
    pub(crate) user: Cow<'a, str>,
    pub(crate) action: Action,
    body: &'a RawValue,
}

impl<'a> Request<'a> {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// The reason for which the line is not a request.
    pub(crate) fn read(line: Line<'a>) -> Result<Self, String> {
        let Line::Text(line) = line else {
            return Err(format!("the line is longer than {MAX_LINE} bytes"));
        };
        let Ok(line) = str::from_utf8(line) else {
            return Err("the line is not UTF-8".to_owned());
        };
        if !line.trim_ascii_start().starts_with('{') {
            return Err("the line is not a JSON object".to_owned());
        }
        let record: Record = serde_json::from_str(line).map_err(|error| reason(&error))?;

        let bodies = [
            (Action::SetSession, record.set_presence),
            (Action::ClearSession, record.clear_presence),
            (Action::SetPreferred, record.set_user_preferred_presence),
            (Action::ClearPreferred, record.clear_user_preferred_presence),
            (Action::Tick, record.tick),
        ];
        let mut found = bodies.into_iter().filter_map(|(action, body)| Some((action, body?)));
        match (found.next(), found.next()) {
            (Some((action, body)), None) => Ok(Self { at: record.at, user: record.user, action, body }),
            (None, _) => Err("the line has no command".to_owned()),
            (Some(_), Some(_)) => Err("the line has more than one command".to_owned()),
        }
    }

    /// Reads the body and checks it.
    ///
    /// # Errors
    ///
    /// The reason for which the body is rejected, in Graph's words if Graph has them.
    pub(crate) fn command(&self) -> Result<Command<String>, String> {
        match self.action {
            Action::SetSession => read_body::<SetSession<String>>(self.body),
            Action::ClearSession => read_body::<ClearSession<String>>(self.body),
            Action::SetPreferred => read_body::<SetPreferred>(self.body),
            Action::ClearPreferred => read_body::<ClearPreferred>(self.body),
            Action::Tick => read_body::<Tick>(self.body),
        }
    }
}

fn read_body<'a, T>(body: &'a RawValue) -> Result<Command<String>, String>
where
    T: Into<Command<String>>,
    Body<T>: Deserialize<'a>,
{
    let body: Body<T> = serde_json::from_str(body.get()).map_err(|error| reason(&error))?;
    body.check().map(T::into).map_err(|error| error.to_string())
}

#[derive(Clone, Copy)]
pub(crate) enum Action {
    SetSession,
    ClearSession,
    SetPreferred,
    ClearPreferred,
    Tick,
}

/// A line as it is written. A body may be any JSON value, `null` too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(with = "presence_core::timestamp")]
    at: Timestamp,
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    set_presence: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    clear_presence: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    set_user_preferred_presence: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    clear_user_preferred_presence: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    tick: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// Returns the text of an error without the line and the column that `serde_json` adds. They do not
/// count from the start of the log.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(reason) => reason.to_owned(),
        None => text,
    }
}
