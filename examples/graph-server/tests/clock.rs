//! An owner knows the time of the log from what it receives, whatever the clock of its machine says.

use std::time::{Duration, Instant};

use presence_core::{SignedDuration, Timestamp};
use presence_graph_server::cluster::clock::Clock;

/// A clock, with NATS' time as milliseconds since 1970 and the machine's as milliseconds since the start.
struct Case {
    clock: Clock,
    start: Instant,
}

impl Case {
    fn new() -> Self {
        let start = Instant::now();
        Self { clock: Clock::new(Timestamp::UNIX_EPOCH, start), start }
    }

    fn receive(&self, sent: i64, at: u64) {
        let sent = Timestamp::UNIX_EPOCH + SignedDuration::milliseconds(sent);
        self.clock.set(sent, self.start + Duration::from_millis(at));
    }

    fn now(&self, at: u64) -> i128 {
        self.clock.now(self.start + Duration::from_millis(at)).as_nanoseconds() / 1_000_000
    }
}

#[test]
fn it_is_the_time_of_the_latest_message_and_what_has_passed_since() {
    let case = Case::new();
    case.receive(1_000_000, 10);
    assert_eq!(case.now(10), 1_000_000);
    assert_eq!(case.now(510), 1_000_500);
    case.receive(1_000_700, 600);
    assert_eq!(case.now(700), 1_000_800);
}

#[test]
fn a_late_message_does_not_turn_it_back() {
    let case = Case::new();
    case.receive(1_000_000, 0);
    case.receive(1_000_000, 900);
    assert_eq!(case.now(1_000), 1_001_000);
}

#[test]
fn a_log_that_is_read_again_sets_it_to_the_last_message() {
    let case = Case::new();
    for sent in [1_000_000, 1_600_000, 9_000_000] {
        case.receive(sent, 3);
    }
    assert_eq!(case.now(3), 9_000_000);
}

#[test]
fn it_follows_a_clock_of_nats_that_is_set_forward_or_back() {
    let case = Case::new();
    case.receive(1_000_000, 0);
    assert_eq!(case.now(100), 1_000_100);
    case.receive(1_600_200, 200);
    assert_eq!(case.now(300), 1_600_300);
    case.receive(1_000_400, 400);
    assert_eq!(case.now(500), 1_000_500);
}

#[test]
fn a_clock_that_drifts_is_corrected_and_reads_never_go_back_by_it() {
    let case = Case::new();
    let (mut at, mut last) = (0, 0);
    // The machine's clock is quicker than NATS' by a tenth.
    while at < 600_000 {
        case.receive(i64::try_from(at * 10 / 11).unwrap(), at);
        let now = case.now(at + 50);
        assert!(now >= last, "{now} after {last}");
        assert!(now - i128::from(at * 10 / 11) < 1_000, "{now} at {at}");
        last = now;
        at += 100;
    }
}

#[test]
fn a_delay_turns_no_read_back() {
    let case = Case::new();
    let mut random = fastrand::Rng::with_seed(8);
    let (mut received, mut last) = (0, 0);
    for sent in (0..600_000).step_by(20) {
        received = u64::max(received, sent + random.u64(0..400));
        case.receive(i64::try_from(sent).unwrap(), received);
        let now = case.now(received);
        assert!(now >= last && now <= i128::from(received), "{now} after {last} at {received}");
        last = now;
    }
}
