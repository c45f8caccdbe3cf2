//! The examples `client` and `server`, run as processes. `replay` has a file of its own.

#[path = "common/example.rs"]
mod example;

use std::process::Command;

use example::executable;

#[test]
fn a_client_knows_its_effective_presence() {
    assert_lines(&run("client"), CLIENT);
}

#[test]
fn a_server_answers_and_publishes_changes() {
    assert_lines(&run("server"), SERVER);
}

fn assert_lines(actual: &str, expected: &str) {
    for (number, (actual, expected)) in (1..).zip(actual.lines().zip(expected.lines())) {
        assert_eq!(actual, expected, "line {number}");
    }
    assert_eq!(actual.lines().count(), expected.lines().count());
}

fn run(example: &str) -> String {
    let output = Command::new(executable(example)).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

const CLIENT: &str = "\
time      the client                         posted  effective presence
09:00     signs in                                1  Available
09:20     takes a call                           12  InACall
09:45     hangs up                                2  Available
13:30     prefers Busy for 90 minutes           135  Busy until 15:00, then Available
15:00     (time passes)                          55  Available
15:11     loses its connection                    6  Available until 15:15, then AvailableInactive
15:15     (time passes)                           0  AvailableInactive until 15:20, then Away
15:20     (time passes)                           0  Away until 16:10, then Offline
15:41     reconnects, refreshes its session       1  Available
16:01     falls asleep, the lid is closed        11  Available until 16:04:20, then AvailableInactive
16:04:20  (asleep)                                   AvailableInactive
16:09:20  (asleep)                                   Away
16:59:20  (asleep)                                   Offline
17:31     wakes up, sets its session again        1  Available
18:00     loses its connection                   17  Available until 18:04:20, then AvailableInactive
17:01     has its clock put back an hour          0  Available until 17:06, then AvailableInactive
17:06     (time passes)                           0  AvailableInactive until 17:11, then Away
17:11     (time passes)                           0  Away until 18:01, then Offline
17:20     reconnects, refreshes its session       1  Available
17:40     signs out                              12  Offline
";

const SERVER: &str = "\
ana: 200
bob: 404 session not found: it was never set, was cleared, or has expired
ana: 200
ana is Busy/InACall
ana is DoNotDisturb/DoNotDisturb
ana is Busy/InACall
";
