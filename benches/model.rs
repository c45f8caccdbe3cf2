//! Measures one user whose model is in the cache, beside a loop over plain integers.
//!
//! ```text
//! cargo bench --bench model [-- [--json] [--quick]]
//! ```
//!
//! Every operation is measured in two variants: a [`PresenceModel`], and *plain*, a vector of integers
//! that is walked in the tightest simple way under the same rules. The variants take turns in short
//! rounds, and a ratio is the median over the rounds. `benches/README.md` explains the method and the
//! operations, and lists the results.

#[expect(dead_code, reason = "memory and goals belong to the other bench")]
mod harness;

use std::mem;

use presence_core::{
    ClearPreferred, PreferredPresence, Presence, PresenceModel, SessionExpiration, SessionPresence,
    SetPreferred, SetSession, SignedDuration, Timestamp,
};

use harness::{Clock, Options, Row, Times, consume, float};

const COLUMNS: [&str; 6] = ["op", "sessions", "ns", "plain_ns", "ratio", "allocations"];

fn main() {
    let options = Options::from_arguments();
    let size = if options.quick {
        Size { chunk: 1_000, rounds: 8 }
    } else {
        Size { chunk: 20_000, rounds: 100 }
    };
    let rows: Vec<Row> = [1, 2, 4, 16].into_iter().flat_map(|sessions| rows(sessions, &size)).collect();
    harness::print("one user in the cache", &COLUMNS, &rows, &options);
}

/// How much is measured.
struct Size {
    chunk: usize,
    rounds: usize,
}

fn rows(sessions: u64, size: &Size) -> [Row; 6] {
    let mut user = User::new(sessions);
    let last = sessions - 1;
    [
        user.row(
            "read",
            size,
            |ours, now, _| consume(ours.presence(now)),
            |plain, now, _| consume(plain.effective(now)),
        ),
        user.row(
            "heartbeat",
            size,
            |ours, now, at| consume(ours.apply(body(at & last), now)),
            |plain, now, at| consume(plain.set(lease(at & last), now)),
        ),
        user.row(
            "flip",
            size,
            |ours, now, at| {
                let claim =
                    [SessionPresence::InAConferenceCall, SessionPresence::Presenting][parity(at)];
                let mut body = body(0);
                body.claim = claim;
                consume(ours.apply(body, now));
            },
            |plain, now, at| {
                let claim = [Presence::InAConferenceCall, Presence::Presenting][parity(at)];
                consume(plain.set(Lease { claim, ..lease(0) }, now));
            },
        ),
        user.row(
            "prefer",
            size,
            |ours, now, at| {
                consume(if parity(at) == 0 {
                    ours.apply(SetPreferred::new(PreferredPresence::Busy), now)
                } else {
                    ours.apply(ClearPreferred, now)
                });
            },
            |plain, now, at| {
                consume(plain.prefer((parity(at) == 0).then_some((Presence::Busy, now + DAY)), now));
            },
        ),
        user.row(
            "tick_idle",
            size,
            |ours, now, _| consume(ours.tick(now)),
            |plain, now, _| consume(plain.tick(now)),
        ),
        user.row(
            "forecast",
            size,
            |ours, now, _| ours.forecast(now).for_each(consume),
            |plain, now, _| plain.forecast(now),
        ),
    ]
}

fn parity(at: u64) -> usize {
    usize::from(at & 1 == 1)
}

/// The two variants side by side.
struct User {
    sessions: u64,
    clock: Clock,
    ours: PresenceModel<u64>,
    plain: Plain,
}

impl User {
    fn new(sessions: u64) -> Self {
        let mut user =
            Self { sessions, clock: Clock::new(), ours: PresenceModel::new(), plain: Plain::default() };
        for (id, now) in (0..sessions).zip(user.clock.batch(MAX)) {
            consume(user.ours.apply(body(id), now));
            consume(user.plain.set(lease(id), nanoseconds(now)));
        }
        user
    }

    /// Times one operation in both variants. It is given the timestamp and the number of the call.
    fn row(
        &mut self,
        op: &str,
        size: &Size,
        ours: impl Fn(&mut PresenceModel<u64>, Timestamp, u64),
        plain: impl Fn(&mut Plain, i64, u64),
    ) -> Row {
        let mut times = Times::new();
        for _ in 0..size.rounds {
            let timestamps = self.clock.batch(size.chunk);
            let plain_timestamps: Vec<i64> = timestamps.iter().copied().map(nanoseconds).collect();
            times.round(
                size.chunk,
                &mut [
                    &mut || {
                        for (at, now) in (0..).zip(&timestamps) {
                            ours(&mut self.ours, *now, at);
                        }
                    },
                    &mut || {
                        for (at, now) in (0..).zip(&plain_timestamps) {
                            plain(&mut self.plain, *now, at);
                        }
                    },
                ],
            );
        }
        Row::default()
            .text("op", op)
            .number("sessions", float(self.sessions))
            .number("ns", times.nanoseconds(0))
            .number("plain_ns", times.nanoseconds(1))
            .number("ratio", times.ratio(0, 1))
            .number("allocations", times.allocations())
    }
}

/// The highest number of sessions that is measured.
const MAX: usize = 16;

/// Returns the command that sets a session as it is.
fn body(id: u64) -> SetSession<u64> {
    if id & 1 == 0 {
        SetSession::new(id, SessionPresence::InACall).with_expiration(SessionExpiration::MAX)
    } else {
        let hour = SessionExpiration::new(SignedDuration::HOUR).unwrap_or_default();
        SetSession::new(id, SessionPresence::Available).with_expiration(hour)
    }
}

/// Returns the same session in integers.
fn lease(id: u64) -> Lease {
    if id & 1 == 0 {
        Lease { id, since: 0, lifetime: 4 * HOUR, claim: Presence::InACall }
    } else {
        Lease { id, since: 0, lifetime: HOUR, claim: Presence::Available }
    }
}

fn nanoseconds(timestamp: Timestamp) -> i64 {
    timestamp.as_seconds() * 1_000_000_000 + i64::from(timestamp.nanosecond())
}

const MINUTE: i64 = 60_000_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// One user in plain integers.
#[derive(Default)]
struct Plain {
    sessions: Vec<Lease>,
    /// The preferred presence, and its end.
    preferred: Option<(Presence, i64)>,
    reported: Presence,
}

/// A session. Its claim holds and fades from `since` on.
#[derive(Clone, Copy)]
struct Lease {
    id: u64,
    since: i64,
    lifetime: i64,
    claim: Presence,
}

/// The presence before, the presence now, and when something ends next.
type Change = (Presence, Presence, Option<i64>);

impl Plain {
    fn set(&mut self, lease: Lease, now: i64) -> Change {
        let lease = Lease { since: now, ..lease };
        match self.sessions.iter_mut().find(|stored| stored.id == lease.id) {
            Some(stored) => *stored = lease,
            None => self.sessions.push(lease),
        }
        self.report(now)
    }

    fn prefer(&mut self, preferred: Option<(Presence, i64)>, now: i64) -> Change {
        self.preferred = preferred;
        self.report(now)
    }

    fn tick(&mut self, now: i64) -> Change {
        self.sessions.retain(|stored| now - stored.since < stored.lifetime);
        self.preferred = self.preferred.filter(|(_, until)| now < *until);
        self.report(now)
    }

    fn report(&mut self, now: i64) -> Change {
        let (current, until) = self.effective(now);
        (mem::replace(&mut self.reported, current), current, until)
    }

    fn effective(&self, now: i64) -> (Presence, Option<i64>) {
        let (mut presence, mut until) = (Presence::Offline, i64::MAX);
        for stored in &self.sessions {
            let age = now - stored.since;
            if age >= stored.lifetime {
                continue;
            }
            let (shows, end) = match stored.claim {
                Presence::Available if age < 5 * MINUTE => (Presence::Available, 5 * MINUTE),
                Presence::Available if age < 10 * MINUTE => (Presence::AvailableInactive, 10 * MINUTE),
                Presence::Available => (Presence::Away, stored.lifetime),
                claim => (claim, stored.lifetime),
            };
            presence = presence.max(shows);
            until = until.min(stored.since + end.min(stored.lifetime));
        }
        if let Some((preferred, expires_at)) = self.preferred.filter(|(_, until)| now < *until) {
            until = until.min(expires_at);
            if presence != Presence::Offline {
                presence = preferred;
            }
        }
        (presence, (until < i64::MAX).then_some(until))
    }

    fn forecast(&self, now: i64) {
        let (mut current, mut until) = self.effective(now);
        while let Some(at) = until {
            let (presence, next) = self.effective(at);
            if mem::replace(&mut current, presence) != presence {
                consume((at, presence));
            }
            until = next;
        }
    }
}
