//! The clock of the log, as an owner knows it.
//!
//! A command has the time at which NATS accepted it, so reads and ticks need NATS's time too, however wrong
//! the clock of this machine is. The owner knows it from what it receives: the time of the latest message,
//! and what has passed since by the monotonic clock. A message is on its way for a while, so this clock is a
//! little behind that of NATS, and not ahead of it.

use std::time::Instant;

use parking_lot::Mutex;
use presence_core::{SignedDuration, Timestamp};

/// How long a message may be on its way. One that is behind the clock by less does not turn it back. One
/// that is behind by more says that the clock of NATS was set back.
const DELAY: SignedDuration = SignedDuration::seconds(5);

/// The clock of the log.
pub struct Clock(Mutex<Known>);

struct Known {
    /// The time of the message that the clock goes by, and when that was received.
    accepted: Timestamp,
    received: Instant,
    /// The latest time that was read.
    read: Timestamp,
}

impl Clock {
    /// Creates a clock that is at `accepted` now.
    #[must_use]
    pub fn new(accepted: Timestamp, now: Instant) -> Self {
        Self(Mutex::new(Known { accepted, received: now, read: accepted }))
    }

    /// Sets the clock by a message that was received now.
    pub fn set(&self, accepted: Timestamp, now: Instant) {
        let known = &mut *self.0.lock();
        let passed = now.saturating_duration_since(known.received);
        let behind = known.accepted + passed - accepted;
        // The clock goes by the quickest message of the last seconds only, because clocks drift apart.
        if behind <= SignedDuration::ZERO || behind > DELAY || passed >= DELAY.unsigned_abs() {
            (known.accepted, known.received) = (accepted, now);
        }
    }

    /// Returns the time of the log. It goes back only if the clock of NATS was set back.
    pub fn now(&self, now: Instant) -> Timestamp {
        let known = &mut *self.0.lock();
        let time = known.accepted + now.saturating_duration_since(known.received);
        if time >= known.read || known.read - time > DELAY {
            known.read = time;
        }
        known.read
    }
}
