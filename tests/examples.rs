//! The examples `client`, `graph` and `server`, run as processes. `replay` has a file of its own.

#[path = "common/example.rs"]
mod example;

use std::process::Command;

use example::executable;

#[test]
fn a_client_knows_its_effective_presence() {
    assert_lines(&run("client"), CLIENT);
}

#[cfg(feature = "serde")]
#[test]
fn requests_are_answered_as_graph_answers_them() {
    assert_lines(&run("graph"), GRAPH);
}

/// The numbers depend on the machine, except that no change is lost.
#[test]
fn a_server_serves_its_clients_and_stops() {
    let report = run("server");
    let starts = [
        "ran ",
        "users     4,000, ",
        "requests  ",
        "changes   ",
        "",
        "latency ",
        "from a request to its answer ",
        "from a deadline to its watcher ",
    ];
    assert_eq!(report.lines().count(), starts.len(), "{report}");
    for (line, start) in report.lines().zip(starts) {
        assert!(line.starts_with(start), "{report}");
    }
    assert!(report.contains(" watchers, with 0 gaps\n"), "{report}");
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

#[cfg(feature = "serde")]
const GRAPH: &str = r#"09:00  POST /users/ana/presence/setPresence
       {"sessionId":"phone","availability":"Available","activity":"Available","expirationDuration":"PT1H"}
    -> 200

09:00  GET /users/ana/presence
    -> 200
       {"id":"ana","availability":"Available","activity":"Available"}

09:06  GET /users/ana/presence
    -> 200
       {"id":"ana","availability":"Available","activity":"AvailableInactive"}

09:07  POST /users/ana/presence/setUserPreferredPresence
       {"availability":"DoNotDisturb","activity":"DoNotDisturb","expirationDuration":"PT8H"}
    -> 200

09:07  POST /users/bob/presence/setPresence
       {"sessionId":"web","availability":"Busy","activity":"InACall"}
    -> 200

09:07  POST /communications/getPresencesByUserId
       {"ids":["bob","ana","cleo","bob"]}
    -> 200
       {"value":[{"id":"bob","availability":"Busy","activity":"InACall"},{"id":"ana","availability":"DoNotDisturb","activity":"DoNotDisturb"},{"id":"cleo","availability":"Offline","activity":"Offline"},{"id":"bob","availability":"Busy","activity":"InACall"}]}

09:08  POST /users/ana/presence/clearUserPreferredPresence
    -> 200

09:08  POST /users/ana/presence/clearUserPreferredPresence
       {}
    -> 200

09:08  GET /users/ana/presence
    -> 200
       {"id":"ana","availability":"Available","activity":"AvailableInactive"}

09:09  POST /users/ana/presence/clearPresence
       {"sessionId":"phone"}
    -> 200

09:09  POST /users/ana/presence/clearPresence
       {"sessionId":"phone"}
    -> 404
       {"error":{"code":"NotFound","message":"session not found: it was never set, was cleared, or has expired"}}

09:10  POST /users/ana/presence/setPresence
       {"sessionId":"phone","availability":"Busy","activity":"Busy"}
    -> 400
       {"error":{"code":"InvalidArgument","message":"invalid session presence Busy/Busy, expected Available/Available, Busy/InACall, Busy/InAConferenceCall, DoNotDisturb/Presenting or Away/Away"}}

09:10  POST /users/ana/presence/setPresence
       {"sessionId":"phone","availability":"Away","activity":"Away","expirationDuration":"PT4M59S"}
    -> 400
       {"error":{"code":"InvalidArgument","message":"The provided [ExpirationDuration] is out of range."}}

09:10  POST /users/ana/presence/setUserPreferredPresence
       {"availability":"Away","activity":"Away","expirationDuration":"8:00:00"}
    -> 400
       {"error":{"code":"InvalidArgument","message":"invalid [ExpirationDuration], expected a duration such as PT1H30M or P1D, found \"8:00:00\""}}

09:10  POST /users/ana/presence/clearPresence
       {}
    -> 400
       {"error":{"code":"InvalidArgument","message":"[SessionId]: The SessionId field is required."}}

09:10  POST /users/ana/presence/clearPresence
       {"sessionId":""}
    -> 400
       {"error":{"code":"InvalidArgument","message":"[SessionId]: The SessionId field is required."}}

09:10  POST /users/ana/presence/clearPresence
    -> 400
       {"error":{"code":"InvalidArgument","message":"invalid body: EOF while parsing a value at line 1 column 0"}}

09:10  POST /users/ana/presence/clearPresence
       ["phone"]
    -> 400
       {"error":{"code":"InvalidArgument","message":"invalid type: sequence, expected an object"}}

09:10  POST /users/ana/presence/clearPresence
       {"sessionId":"phone",
    -> 400
       {"error":{"code":"InvalidArgument","message":"invalid body: EOF while parsing a value at line 1 column 21"}}

09:10  POST /users/ana/presence/clearPresence
       {"sessionId":"�"}
    -> 400
       {"error":{"code":"InvalidArgument","message":"invalid body: invalid unicode code point at line 1 column 15"}}

09:10  POST /communications/getPresencesByUserId
       {}
    -> 400
       {"error":{"code":"InvalidArgument","message":"[Ids]: The Ids field is required."}}

09:10  POST /communications/getPresencesByUserId
       {"ids":[7]}
    -> 400
       {"error":{"code":"InvalidArgument","message":"invalid type: integer `7`, expected a string"}}

09:11  GET /users/ana/presence/setPresence
    -> 405
       {"error":{"code":"MethodNotAllowed","message":"method not allowed, expected POST"}}

09:11  DELETE /users/ana/presence
    -> 405
       {"error":{"code":"MethodNotAllowed","message":"method not allowed, expected GET"}}

09:11  GET /users/ana/manager
    -> 404
       {"error":{"code":"NotFound","message":"path not found"}}

09:11  GET /users//presence
    -> 404
       {"error":{"code":"NotFound","message":"path not found"}}

09:12  POST /communications/getPresencesByUserId
       (651 ids)
    -> 400
       {"error":{"code":"InvalidArgument","message":"too many [Ids], expected at most 650"}}
"#;
