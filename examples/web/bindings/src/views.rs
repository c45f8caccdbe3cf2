//! What is read of a model, as `index.d.ts` declares it.

use presence_core::{self as core, Presence};
use serde::Serialize;

use crate::id::Id;
use crate::time;

/// Returns the word for a presence: its activity, which no other presence has.
pub(crate) fn word(presence: Presence) -> &'static str {
    presence.activity().as_str()
}

#[derive(Serialize)]
pub(crate) struct Outcome {
    previous: &'static str,
    current: &'static str,
    changed: Option<&'static str>,
}

impl From<core::Outcome> for Outcome {
    fn from(outcome: core::Outcome) -> Self {
        Self {
            previous: word(outcome.previous),
            current: word(outcome.current),
            changed: outcome.changed().map(word),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Change {
    at: i64,
    presence: &'static str,
}

impl From<core::Change> for Change {
    fn from(change: core::Change) -> Self {
        Self { at: time::end(change.at), presence: word(change.presence) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session<'a> {
    id: &'a Id,
    claim: &'static str,
    presence: &'static str,
    since: i64,
    deadline: i64,
    expires_at: i64,
}

impl<'a> From<core::Session<&'a Id>> for Session<'a> {
    fn from(session: core::Session<&'a Id>) -> Self {
        Self {
            id: session.id,
            claim: word(session.claim.presence()),
            presence: word(session.presence),
            since: time::start(session.since),
            deadline: time::end(session.deadline),
            expires_at: time::end(session.expires_at),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preferred {
    presence: &'static str,
    since: i64,
    expires_at: i64,
}

impl From<core::Preferred> for Preferred {
    fn from(preferred: core::Preferred) -> Self {
        Self {
            presence: word(preferred.presence.presence()),
            since: time::start(preferred.since),
            expires_at: time::end(preferred.expires_at),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Explanation<'a> {
    presence: &'static str,
    until: Option<i64>,
    reason: Reason<'a>,
    waiting: Option<Preferred>,
    others: Vec<Session<'a>>,
    text: String,
}

/// A union with `kind` as its discriminant.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Reason<'a> {
    NoSession,
    Preferred { preferred: Preferred },
    Session { session: Session<'a> },
}

impl<'a> From<&core::Explanation<&'a Id>> for Explanation<'a> {
    fn from(explanation: &core::Explanation<&'a Id>) -> Self {
        Self {
            presence: word(explanation.presence),
            until: explanation.until.map(time::end),
            reason: Reason::from(&explanation.reason),
            waiting: explanation.waiting.map(Preferred::from),
            others: explanation.others.iter().copied().map(Session::from).collect(),
            text: explanation.to_string(),
        }
    }
}

impl<'a> From<&core::Reason<&'a Id>> for Reason<'a> {
    fn from(reason: &core::Reason<&'a Id>) -> Self {
        match reason {
            core::Reason::Preferred(preferred) => Self::Preferred { preferred: (*preferred).into() },
            core::Reason::Session(session) => Self::Session { session: (*session).into() },
            // No session exists. The enumeration may grow.
            _ => Self::NoSession,
        }
    }
}
