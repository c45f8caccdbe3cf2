//! The replay as records, one JSON object a line.

use std::io::{self, Write};

use presence_core::{Activity, Availability, Change, Command, Timestamp, rfc3339};
use serde::Serialize;

use crate::{Refusal, Report, Sight};

pub(crate) struct JsonRecords<W> {
    out: W,
}

impl<W: Write> JsonRecords<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out }
    }

    fn write(&mut self, record: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, record)?;
        self.out.write_all(b"\n")
    }
}

impl<W: Write> Report for JsonRecords<W> {
    fn asked(&mut self, _: &Command<String>) {}

    fn due(&mut self, sight: &Sight<'_>) -> io::Result<()> {
        self.write(&DueRecord {
            at: sight.at,
            user: sight.user,
            availability: sight.outcome.current.availability(),
            activity: sight.outcome.current.activity(),
        })
    }

    fn obeyed(&mut self, line: u64, sight: &Sight<'_>) -> io::Result<()> {
        self.write(&ObeyedRecord {
            line,
            status: 200,
            at: sight.at,
            user: sight.user,
            availability: sight.outcome.current.availability(),
            activity: sight.outcome.current.activity(),
            changed: sight.outcome.changed().is_some(),
            next_change: sight.next,
        })
    }

    fn refused(&mut self, line: u64, refusal: &Refusal<'_>) -> io::Result<()> {
        let error = ErrorBody { code: refusal.code.as_str(), message: &refusal.message };
        self.write(&RefusedRecord { line, status: refusal.code.status(), error })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[derive(Serialize)]
struct DueRecord<'a> {
    #[serde(with = "rfc3339")]
    at: Timestamp,
    user: &'a str,
    availability: Availability,
    activity: Activity,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ObeyedRecord<'a> {
    line: u64,
    status: u16,
    #[serde(with = "rfc3339")]
    at: Timestamp,
    user: &'a str,
    availability: Availability,
    activity: Activity,
    changed: bool,
    next_change: Option<Change>,
}

#[derive(Serialize)]
struct RefusedRecord<'a> {
    line: u64,
    status: u16,
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'static str,
    message: &'a str,
}
