//! The replay as records, one JSON object per line.

use std::io::{self, Write};

use presence_core::{Activity, Availability, Change, Command, Timestamp, timestamp};
use serde::Serialize;

use crate::{Rejection, Report, Update};

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
    fn due(&mut self, update: &Update<'_>) -> io::Result<()> {
        self.write(&DueRecord {
            at: update.at,
            user: update.user,
            availability: update.outcome.current.availability(),
            activity: update.outcome.current.activity(),
        })
    }

    fn accepted(&mut self, line: u64, _: &Command<String>, update: &Update<'_>) -> io::Result<()> {
        self.write(&AcceptedRecord {
            line,
            status: 200,
            at: update.at,
            user: update.user,
            availability: update.outcome.current.availability(),
            activity: update.outcome.current.activity(),
            changed: update.outcome.changed().is_some(),
            next_change: update.next,
        })
    }

    fn rejected(&mut self, line: u64, rejection: &Rejection<'_>) -> io::Result<()> {
        let error = ErrorBody { code: rejection.code.as_str(), message: &rejection.message };
        self.write(&RejectedRecord { line, status: rejection.code.status(), error })
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
    #[serde(with = "timestamp")]
    at: Timestamp,
    user: &'a str,
    availability: Availability,
    activity: Activity,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AcceptedRecord<'a> {
    line: u64,
    status: u16,
    #[serde(with = "timestamp")]
    at: Timestamp,
    user: &'a str,
    availability: Availability,
    activity: Activity,
    changed: bool,
    next_change: Option<Change>,
}

#[derive(Serialize)]
struct RejectedRecord<'a> {
    line: u64,
    status: u16,
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'static str,
    message: &'a str,
}
