//! Measures how fast Graph's bodies are read from JSON.
//!
//! ```text
//! cargo bench --bench bodies [-- [--json] [--quick]]
//! ```
//!
//! Each body is read in three variants: as [`Body`], plainly as its own type, and as a [`Derived`] struct of
//! the same fields, which `serde` writes, and which accepts any text in them. The variants take turns in short
//! rounds, and a ratio is the median over the rounds. `benches/README.md` lists the results.

#[expect(dead_code, reason = "the clock, memory and goals belong to the other benches")]
mod harness;

use std::fmt::Debug;
use std::hint::black_box;

use presence_core::graph::{Body, GetPresencesByUserId};
use presence_core::{ClearPreferred, ClearSession, Command, SetPreferred, SetSession};
use serde::de::DeserializeOwned;

use harness::{Options, Row, Times, consume};

const COLUMNS: [&str; 8] =
    ["body", "fields", "body_ns", "plain_ns", "derived_ns", "body_ratio", "plain_ratio", "allocations"];

const ID: &str = "22553876-f5ab-4529-bffb-cfe50aa89f87";

/// What some clients add to a body.
const UNKNOWN: &str =
    r##""@odata.type":"#microsoft.graph.x","when":{"a":[1,2.5,{"b":null}],"c":"text"},"##;

/// The fields of all bodies, unchecked.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "they are only read")]
struct Derived {
    session_id: Option<String>,
    availability: Option<String>,
    activity: Option<String>,
    expiration_duration: Option<String>,
    ids: Option<Vec<String>>,
}

fn main() {
    let options = Options::from_arguments();
    let size =
        if options.quick { Size { chunk: 200, rounds: 6 } } else { Size { chunk: 5_000, rounds: 100 } };
    let rows: Vec<Row> = [("", "documented"), (UNKNOWN, "and unknown")]
        .into_iter()
        .flat_map(|fields| rows(fields, &size))
        .collect();
    harness::print("bodies in JSON", &COLUMNS, &rows, &options);
}

/// How much is measured.
struct Size {
    chunk: usize,
    rounds: usize,
}

fn rows((unknown, fields): (&str, &str), size: &Size) -> [Row; 8] {
    let id = format!(r#""sessionId":"{ID}""#);
    let set = format!(
        r#"{{{unknown}{id},"availability":"Available","activity":"Available","expirationDuration":"PT1H"}}"#
    );
    let call = format!(
        r#"{{{unknown}{id},"availability":"Busy","activity":"InAConferenceCall","expirationDuration":null}}"#
    );
    let clear = format!("{{{unknown}{id}}}");
    let prefer = format!(
        r#"{{{unknown}"availability":"DoNotDisturb","activity":"DoNotDisturb","expirationDuration":"PT8H"}}"#
    );
    let nothing = format!("{{{}}}", unknown.trim_end_matches(','));
    let three = format!(r#"{{{unknown}"ids":["{ID}","{ID}","{ID}"]}}"#);
    [
        row::<SetSession<String>>("setPresence", fields, &set, size),
        row::<SetSession<String>>("setPresence, a call", fields, &call, size),
        row::<ClearSession<String>>("clearPresence", fields, &clear, size),
        row::<SetPreferred>("setUserPreferredPresence", fields, &prefer, size),
        row::<ClearPreferred>("clearUserPreferredPresence", fields, &nothing, size),
        row::<GetPresencesByUserId<String>>("getPresencesByUserId", fields, &three, size),
        row::<Command<String>>("a command to set", fields, &format!(r#"{{"setPresence":{set}}}"#), size),
        row::<Command<String>>("a tick", fields, &format!(r#"{{"tick":{nothing}}}"#), size),
    ]
}

fn row<T>(name: &str, fields: &str, text: &str, size: &Size) -> Row
where
    T: DeserializeOwned + Debug,
    Body<T>: DeserializeOwned,
{
    let repeat = |read: &dyn Fn(&str)| (0..size.chunk).for_each(|_| read(black_box(text)));
    let mut times = Times::new();
    for _ in 0..size.rounds {
        times.round(
            size.chunk,
            &mut [
                &mut || {
                    repeat(&|text| {
                        let body = serde_json::from_str::<Body<T>>(text);
                        consume(body.map(Body::check));
                    });
                },
                &mut || repeat(&|text| consume(serde_json::from_str::<T>(text))),
                &mut || repeat(&|text| consume(serde_json::from_str::<Derived>(text))),
            ],
        );
    }
    Row::default()
        .text("body", name)
        .text("fields", fields)
        .number("body_ns", times.nanoseconds(0))
        .number("plain_ns", times.nanoseconds(1))
        .number("derived_ns", times.nanoseconds(2))
        .number("body_ratio", times.ratio(0, 2))
        .number("plain_ratio", times.ratio(1, 2))
        .number("allocations", times.allocations())
}
