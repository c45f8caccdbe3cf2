//! The example `replay`, run as a process.
//!
//! Its output for the sample day is in `tests/replay`. `UPDATE_GOLDEN=1 cargo test --test replay`
//! rewrites it.

#![cfg(feature = "serde")]

#[path = "common/example.rs"]
mod example;
#[path = "common/golden.rs"]
mod golden;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::slice;
use std::thread;

use example::executable;
use golden::assert_golden;
use presence_core::Presence;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/teams-day.jsonl");
const MIB: usize = 1024 * 1024;

#[test]
fn the_page_of_the_sample_day_is_as_pinned() {
    assert_golden("replay/teams-day.txt", &text(&run(&[SAMPLE], b"")));
}

#[test]
fn the_records_of_the_sample_day_are_as_pinned() {
    assert_golden("replay/teams-day.jsonl", &text(&run(&["--json", SAMPLE], b"")));
}

/// The pictures of the README and of the rules page. Each is beside its log.
#[test]
fn the_pictures_are_as_pinned() {
    let logs = [
        "examples/teams-day",
        "src/docs/pictures/session",
        "src/docs/pictures/preference",
        "src/docs/pictures/appear-offline",
    ];
    for log in logs {
        let picture = draw(&fs::read(package().join(format!("{log}.jsonl"))).unwrap());
        assert_golden(&format!("../{log}.svg"), &picture);
        // A blank line would end it in Markdown.
        assert!(picture.lines().all(|line| !line.trim().is_empty()), "{log}");
    }
}

#[test]
fn the_title_of_a_picture_says_what_it_shows() {
    let title = |input: &[String]| {
        let picture = draw(input.join("\n").as_bytes());
        let (title, _) = picture.split_once("</title>").unwrap();
        let title = title.split_once("<title>").unwrap().1.to_owned();
        assert!(picture.contains(&format!(r#"<text class="title" x="16" y="32">{title}</text>"#)));
        title
    };
    let prefer =
        line("09:01", "ana", r#""setUserPreferredPresence":{"availability":"Busy","activity":"Busy"}"#);
    let set = set("09:00", "ana", "Available", "PT30M");
    let phone = set.replace("\"it\"", "\"phone\"");
    assert_eq!(title(&[]), "What others see of nobody");
    assert_eq!(title(&[tick("09:00", "ana")]), "What others see of ana");
    assert_eq!(title(slice::from_ref(&set)), "A session of ana");
    assert_eq!(title(&[set.clone(), phone.clone()]), "2 sessions of ana");
    assert_eq!(title(slice::from_ref(&prefer)), "A preference of ana");
    assert_eq!(title(&[set.clone(), prefer.clone()]), "A preference over a session of ana");
    assert_eq!(title(&[set, phone, prefer]), "A preference over 2 sessions of ana");
    let ticks = |users: &[&str]| users.iter().map(|user| tick("09:00", user)).collect::<Vec<_>>();
    assert_eq!(title(&ticks(&["bob", "ana"])), "What others see of ana and bob");
    assert_eq!(title(&ticks(&["ana", "bob", "cem"])), "What others see of ana, bob and cem");
    let many: Vec<_> = (10..30).map(|number| tick("09:00", &format!("user-{number}"))).collect();
    assert_eq!(title(&many), "What others see of 20 users");
}

#[test]
fn a_picture_is_described_in_words() {
    let one = [set("09:00", "ana", "Available", "PT30M"), tick("09:12", "ana")];
    assert_eq!(
        description(&one),
        "Friday 2026-11-20, UTC. Others see: Available from 09:00 to 09:05, AvailableInactive from 09:05 to \
         09:10, Away from 09:10 to 09:12. it: Available from 09:00 to 09:05, AvailableInactive from 09:05 to \
         09:10, Away from 09:10 to 09:12."
    );
    let long: Vec<_> =
        (0..14).map(|hour| set(&format!("{hour:02}:00"), "ana", "InACall", "PT10M")).collect();
    assert_eq!(
        description(&long),
        "Friday 2026-11-20, UTC. Others see: Offline for 10 h 50 min, InACall for 2 h 10 min. it: InACall for \
         2 h 10 min."
    );
}

/// Contrasts as the Web Content Accessibility Guidelines compute them: 3 for shapes, 4.5 for texts.
#[test]
fn bars_stand_out_from_the_track_and_texts_from_bars() {
    let picture = draw(tick("09:00", "ana").as_bytes());
    let (light, dark) = picture.split_once("prefers-color-scheme:dark").unwrap();
    let (dark, classes) = dark.split_once("}}").unwrap();
    for (form, tones) in [("light", light), ("dark", dark)] {
        let tone =
            |value: String| match value.strip_prefix("var(--").and_then(|name| name.strip_suffix(')')) {
                Some(name) => value_of(tones, name),
                None => value,
            };
        let [track, page] = ["track", "page"].map(|name| value_of(tones, name));
        for presence in Presence::ALL {
            let name = presence.activity().as_str();
            let class =
                classes.lines().find(|line| line.contains("--fill") && is_of(line, name)).unwrap();
            let [fill, edge, on] = ["fill", "edge", "on"].map(|part| tone(value_of(class, part)));
            for background in [&track, &page] {
                let contrast = contrast(&edge, background);
                assert!(contrast >= 3.0, "{form}: the edge of {name} has {contrast:.2}");
            }
            let contrast = contrast(&on, &fill);
            assert!(contrast >= 4.5, "{form}: the text of {name} has {contrast:.2}");
        }
        for name in ["text", "quiet"] {
            assert!(contrast(&value_of(tones, name), &page) >= 4.5, "{form}: {name}");
        }
    }
}

#[test]
fn a_picture_of_one_user_has_lanes_for_the_preference_and_the_sessions() {
    let prefer = r#""setUserPreferredPresence":{"availability":"Busy","activity":"Busy"}"#;
    let one = [set("09:00", "ana", "Available", "PT30M"), line("09:10", "ana", prefer)];
    assert_eq!(lanes(&one), ["Others see", "Preference", "it"]);
    let two = [set("09:00", "ana", "Available", "PT30M"), tick("09:10", "bob")];
    assert_eq!(lanes(&two), ["ana", "bob"]);
}

#[test]
fn a_picture_is_painted_again_after_the_clock_has_stepped_back() {
    let input = [set("09:00", "ana", "InACall", "PT2H"), tick("10:00", "ana"), tick("09:30", "ana")];
    let picture = draw(input.join("\n").as_bytes());
    // The call until 09:30, of 60 minutes in 608 pixels.
    let call = r#"<rect class="bar" x="16.5" y="120.5" width="302.5" height="43" rx="2"/>"#;
    assert!(picture.contains(call), "{picture}");
}

#[test]
fn names_are_escaped_in_a_picture() {
    let picture = draw(line("09:00", r"<b>&\u001b\n\u202e", r#""tick":{}"#).as_bytes());
    assert!(
        picture.contains(r"<title>What others see of &lt;b&gt;&amp;\u{1b}\n\u{…</title>"),
        "{picture}"
    );
    assert!(!picture.contains(|c: char| c.is_control() && c != '\n'));
}

#[test]
fn any_log_is_drawn() {
    for at in ["0001-01-01T00:00:00Z", "1677-09-21T00:12:43.1Z", "9999-12-31T23:59:59.999999999Z"] {
        let tick = format!(r#"{{"at":"{at}","user":"ana","tick":{{}}}}"#);
        for input in [vec![tick.clone()], vec![set("09:00", "ana", "Available", "PT4H"), tick]] {
            assert!(draw(input.join("\n").as_bytes()).ends_with("</svg>\n"), "{at}");
        }
    }
    assert!(draw(b"").ends_with("</svg>\n"));
    assert!(draw(b"nonsense").ends_with("</svg>\n"));
}

#[test]
fn a_dash_reads_the_standard_input() {
    let sample = fs::read(SAMPLE).unwrap();
    assert_eq!(text(&run(&["--json", "-"], &sample)), text(&run(&["--json", SAMPLE], b"")));
}

#[test]
fn records_have_the_documented_form() {
    let input = [
        r#"{"at":"2026-11-20T09:00:00Z","user":"ana","setPresence":{"sessionId":"22553876-f5ab-4529-bffb-cfe50aa89f87","availability":"Available","activity":"Available","expirationDuration":"PT1H"}}"#,
        "",
        r#"{"at":"2026-11-20T09:06:00Z","user":"ana","clearPresence":{"sessionId":"another"}}"#,
        r#"{"at":"2026-11-20T09:06:00Z","user":"ana","clearPresence":{}}"#,
        r#"{"at":"2026-11-20T09:06:00Z","user":"ana","clearPresence":{"sessionId":"22553876-f5ab-4529-bffb-cfe50aa89f87"}}"#,
    ];
    let output = [
        r#"{"line":1,"status":200,"at":"2026-11-20T09:00:00Z","user":"ana","availability":"Available","activity":"Available","changed":true,"nextChange":{"at":"2026-11-20T09:05:00Z","availability":"Available","activity":"AvailableInactive"}}"#,
        r#"{"at":"2026-11-20T09:05:00Z","user":"ana","availability":"Available","activity":"AvailableInactive"}"#,
        r#"{"line":3,"status":404,"error":{"code":"NotFound","message":"session not found: it was never set, was cleared, or has expired"}}"#,
        r#"{"line":4,"status":400,"error":{"code":"InvalidArgument","message":"[SessionId]: The SessionId field is required."}}"#,
        r#"{"line":5,"status":200,"at":"2026-11-20T09:06:00Z","user":"ana","availability":"Offline","activity":"Offline","changed":true,"nextChange":null}"#,
    ];
    assert_eq!(records(&input.join("\n")), output);
}

/// As Python and databases write them. What is printed is in UTC.
#[test]
fn a_line_may_have_any_offset() {
    let input = [
        r#"{"at":"2026-11-20T09:00:00+00:00","user":"ana","setPresence":{"sessionId":"a","availability":"Away","activity":"Away"}}"#,
        r#"{"at":"2026-11-20T05:03:00.25-04:00","user":"ana","tick":{}}"#,
        r#"{"at":"2026-11-20t10:04:00z","user":"ana","tick":{}}"#,
    ];
    let output = [
        r#"{"line":1,"status":200,"at":"2026-11-20T09:00:00Z","user":"ana","availability":"Away","activity":"Away","changed":true,"nextChange":{"at":"2026-11-20T09:05:00Z","availability":"Offline","activity":"Offline"}}"#,
        r#"{"line":2,"status":200,"at":"2026-11-20T09:03:00.25Z","user":"ana","availability":"Away","activity":"Away","changed":false,"nextChange":{"at":"2026-11-20T09:05:00Z","availability":"Offline","activity":"Offline"}}"#,
        r#"{"at":"2026-11-20T09:05:00Z","user":"ana","availability":"Offline","activity":"Offline"}"#,
        r#"{"line":3,"status":200,"at":"2026-11-20T10:04:00Z","user":"ana","availability":"Offline","activity":"Offline","changed":false,"nextChange":null}"#,
    ];
    assert_eq!(records(&input.join("\n")), output);
}

/// W1: the body is read as Graph reads it, although the line is not.
#[test]
fn a_body_is_read_in_any_case() {
    let body = r#""setPresence":{"SessionId":"a","AVAILABILITY":"busy","Activity":"inACall","expirationduration":"PT1H"}"#;
    let twice =
        r#""setPresence":{"sessionId":"a","SessionID":"b","availability":"Away","activity":"Away"}"#;
    let input = [line("09:00", "ana", body), line("09:30", "ana", twice), tick("09:59", "ana")];
    assert_eq!(happenings(&input), ["1: 09:00 ana InACall", "2: 400", "3: 09:59 ana InACall"]);
}

/// Windows PowerShell writes one by default.
#[test]
fn a_byte_order_mark_at_the_start_of_the_log_is_passed_over() {
    let first = set("09:00", "ana", "InACall", "PT1H");
    let second = tick("09:30", "ana");
    let expected = ["1: 09:00 ana InACall", "2: 09:30 ana InACall"];
    assert_eq!(happenings(&[format!("\u{feff}{first}"), second.clone()]), expected);
    assert_eq!(happenings(&[format!("\u{feff} {first}"), second.clone()]), expected);
    // It is a blank line if nothing else is in it.
    let blank = happenings(&["\u{feff}".to_owned(), first.clone()]);
    assert_eq!(blank, ["2: 09:00 ana InACall"]);
    // Only one, and only there.
    assert_eq!(happenings(&[format!("\u{feff}\u{feff}{first}")]), ["1: 400"]);
    assert_eq!(
        happenings(&[first.clone(), format!("\u{feff}{second}")]),
        ["1: 09:00 ana InACall", "2: 400"]
    );
    assert_eq!(records("\u{feff}"), [""; 0]);
}

#[test]
fn changes_come_due_before_the_command_and_in_order_of_time() {
    let input = [
        set("09:00", "ana", "Available", "PT10M"),
        set("09:01", "bob", "Available", "PT10M"),
        tick("09:30", "ana"),
    ];
    assert_eq!(
        happenings(&input),
        [
            "1: 09:00 ana Available",
            "2: 09:01 bob Available",
            "09:05 ana AvailableInactive",
            "09:06 bob AvailableInactive",
            "09:10 ana Offline",
            "09:11 bob Offline",
            "3: 09:30 ana Offline",
        ]
    );
}

/// What is due at the timestamp of a command is part of the command's answer.
#[test]
fn a_session_refreshed_when_it_would_expire_makes_no_blip() {
    let input = [
        set("09:00", "ana", "Available", "PT5M"),
        set("09:05", "ana", "Available", "PT5M"),
        set("09:10", "bob", "Available", "PT5M"),
    ];
    assert_eq!(
        happenings(&input),
        ["1: 09:00 ana Available", "2: 09:05 ana Available", "3: 09:10 bob Available"]
    );
}

#[test]
fn time_passes_before_a_body_is_rejected() {
    let bodies = [r#""setPresence":null"#, r#""setPresence":5"#, r#""setPresence":{"sessionId":7}"#];
    for body in bodies {
        let input = [set("09:00", "ana", "Available", "PT5M"), line("09:30", "bob", body)];
        assert_eq!(
            happenings(&input),
            ["1: 09:00 ana Available", "09:05 ana Offline", "2: 400"],
            "{body}"
        );
    }
}

#[test]
fn no_time_passes_for_a_line_that_is_no_command() {
    let lines = [
        "nonsense".to_owned(),
        line("09:30", "bob", r#""setPresense":{}"#),
        line("09:30", "bob", r#""tick":{},"clearUserPreferredPresence":{}"#),
        line("09:30", "bob", r#""tick":{},"tick":{}"#),
        line("09:30", "bob", r#""at":"2026-11-20T09:31:00Z","tick":{}"#),
        r#"{"at":"2026-11-20T09:30:00","user":"bob","tick":{}}"#.to_owned(),
        r#"{"At":"2026-11-20T09:30:00Z","user":"bob","tick":{}}"#.to_owned(),
        line("09:30", "bob", r#""Tick":{}"#),
        r#"{"at":"2026-11-20T09:30:00Z","user":null,"tick":{}}"#.to_owned(),
        r#"{"at":"2026-11-20T09:30:00Z","tick":{}}"#.to_owned(),
        r#"["2026-11-20T09:30:00Z","bob",null,null,null,null,{}]"#.to_owned(),
    ];
    for line in lines {
        let input = [set("09:00", "ana", "Available", "PT5M"), line.clone()];
        assert_eq!(happenings(&input), ["1: 09:00 ana Available", "2: 400"], "{line}");
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let input = [line("09:00", "ana", r#""trace":[1e999,{}],"tick":{"why":null}"#)];
    assert_eq!(happenings(&input), ["1: 09:00 ana Offline"]);
}

#[test]
fn unknown_fields_of_a_body_are_ignored_whatever_they_hold() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for value in ["null", "1e999", r#""\ud800""#, &deep] {
        let bodies = [
            format!(
                r#""setPresence":{{"why":{value},"sessionId":"A","availability":"Away","activity":"Away"}}"#
            ),
            format!(r#""clearPresence":{{"why":{value},"sessionId":"A"}}"#),
            format!(
                r#""setUserPreferredPresence":{{"why":{value},"availability":"Away","activity":"Away"}}"#
            ),
            format!(r#""clearUserPreferredPresence":{{"why":{value}}}"#),
            format!(r#""tick":{{"why":{value}}}"#),
        ];
        assert_eq!(
            happenings(&bodies.map(|body| line("09:00", "ana", &body))),
            [
                "1: 09:00 ana Away",
                "2: 09:00 ana Offline",
                "3: 09:00 ana Offline",
                "4: 09:00 ana Offline",
                "5: 09:00 ana Offline",
            ],
            "{value}"
        );
    }
}

/// Rule T5: what has expired stays gone.
#[test]
fn an_earlier_line_is_applied_at_its_own_timestamp() {
    let input = [
        set("09:00", "ana", "Available", "PT5M"),
        set("12:00", "bob", "InACall", "PT1H"),
        tick("09:02", "ana"),
        tick("09:02", "bob"),
        tick("10:30", "ana"),
        tick("12:30", "ana"),
    ];
    assert_eq!(
        happenings(&input),
        [
            "1: 09:00 ana Available",
            "09:05 ana Offline",
            "2: 12:00 bob InACall",
            "3: 09:02 ana Offline",
            "4: 09:02 bob InACall",
            "5: 10:30 ana Offline",
            "12:00 bob Offline",
            "6: 12:30 ana Offline",
        ]
    );
}

/// There is no tick at the timestamp of a line, so the call is not clamped (rule T5).
#[test]
fn an_earlier_line_changes_no_other_user() {
    let input = [
        set("12:00", "bob", "InACall", "PT1H"),
        tick("09:02", "ana"),
        tick("10:30", "ana"),
        tick("14:00", "ana"),
    ];
    assert_eq!(
        happenings(&input),
        [
            "1: 12:00 bob InACall",
            "2: 09:02 ana Offline",
            "3: 10:30 ana Offline",
            "13:00 bob Offline",
            "4: 14:00 ana Offline",
        ]
    );
}

/// `serde_json` counts lines and columns from the start of the text that it reads, which is a line or
/// a body.
#[test]
fn messages_name_no_place_in_a_line() {
    let bodies = ["7", r#"{"sessionId":7}"#, r#"{"sessionId":"\ud800"}"#, r#"{"sessionId":1e999}"#];
    let mut lines =
        bodies.map(|body| line("09:00", "ana", &format!(r#""clearPresence":{body}"#))).to_vec();
    lines.extend([tick("09", "ana"), r#"{"at":"#.to_owned(), "{,}".to_owned()]);
    let records = records(&lines.join("\n"));
    assert_eq!(records.len(), lines.len());
    for record in records {
        assert!(record.contains(r#""status":400"#), "{record}");
        assert!(!record.contains(" line ") && !record.contains(" column "), "{record}");
    }
}

#[test]
fn any_bytes_are_answered_line_by_line() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let lines: [&[u8]; 17] = [
        b"\xEF\xBB\xBF{}",
        b"\0\0\0",
        b"\xFF\xFE{\0}\0",
        b"",
        b" \t \r",
        deep.as_bytes(),
        b"{\"at\":",
        b"null",
        b"{}",
        b"{\"at\":1e999999,\"user\":\"ana\",\"tick\":{}}",
        b"{\"at\":\"2026-11-20T09:00:00Z\",\"user\":\"\xC3\",\"tick\":{}}",
        b"{\"at\":\"2026-11-20T09:00:00Z\",\"user\":\"\\ud800\",\"tick\":{}}",
        b"{\"at\":\"2026-11-20T09:00:00Z\",\"user\":\"ana\",\"tick\":{}} {}",
        b"{\"at\":\"2026-11-20T09:00:00Z\",\"user\":\"ana\",\"tick\":{}}\r",
        &[
            b"{\"at\":\"2026-11-20T09:00:00Z\",\"user\":\"\\u0000\",\"x\":",
            deep.as_bytes(),
            b",\"tick\":{}}",
        ]
        .concat(),
        b"\r{\"at\":\"0001-01-01T00:00:00Z\",\"user\":\"\",\"tick\":{}}",
        b"{\"at\":\"9999-12-31T23:59:59.999999999Z\",\"user\":\"ana\",\"tick\":{}}",
    ];
    let input = lines.join(&b'\n');

    let statuses: Vec<_> = text(&run(&["--json", "-"], &input))
        .lines()
        .map(|record| {
            let record: serde_json::Value = serde_json::from_str(record).unwrap();
            format!("{}: {}", record["line"], record["status"])
        })
        .collect();
    assert_eq!(
        statuses,
        [
            "1: 400", "2: 400", "3: 400", "6: 400", "7: 400", "8: 400", "9: 400", "10: 400", "11: 400",
            "12: 400", "13: 400", "14: 200", "15: 200", "16: 200", "17: 200",
        ]
    );
    assert!(!text(&run(&["-"], &input)).contains(|c: char| c.is_control() && c != '\n'));
}

#[test]
fn a_line_of_more_than_a_mebibyte_is_rejected_and_skipped() {
    let padded = |length: usize| {
        let line = tick("09:00", "ana");
        format!("{line}{}", " ".repeat(length - line.len()))
    };
    let input = [padded(MIB), padded(MIB + 1), padded(5 * MIB), tick("09:01", "ana"), padded(MIB + 1)];
    let expected = ["1: 09:00 ana Offline", "2: 400", "3: 400", "4: 09:01 ana Offline", "5: 400"];
    assert_eq!(happenings(&input), expected);
    let mut marked = input;
    marked[0].insert(0, '\u{feff}');
    assert_eq!(happenings(&marked), expected);
    marked[0].push(' ');
    assert_eq!(happenings(&marked)[0], "1: 400");
    for excess in 1..6 {
        let input = [padded(MIB + excess), tick("09:01", "ana")];
        assert_eq!(happenings(&input), ["1: 400", "2: 09:01 ana Offline"], "{excess}");
    }
}

#[test]
fn control_characters_are_escaped_on_the_page() {
    let body = r#"{"sessionId":"\u0007\u001b[31m","availability":"Away","activity":"Away"}"#;
    let input = line("09:00", r"\u001b[2J\u202e\n", &format!(r#""setPresence":{body}"#));
    let page = text(&run(&["-"], input.as_bytes()));
    assert_eq!(
        page.lines().nth(2),
        Some(
            r"09:00:00  \u{1b}[2…  set \u{7}\u… Away 5m                  Offline -> Away                    09:05:00 Offline"
        )
    );
    assert!(!page.contains(|c: char| c.is_control() && c != '\n'));
}

#[test]
fn a_cell_has_the_presence_that_lasted_longest_in_its_quarter() {
    let input = [
        tick("08:50", "bob"),
        set("09:08", "ana", "InACall", "PT1H"),
        set("09:24", "ana", "Presenting", "PT1H"),
        set("09:25", "ana", "Away", "PT1H"),
        set("09:41", "ana", "InACall", "PT10M"),
        tick("10:10", "bob"),
    ];
    assert_eq!(strips(&input), [strip("ana", "08:45", "··cw··"), strip("bob", "08:45", "······")]);
}

#[test]
fn a_strip_is_painted_again_after_the_clock_has_stepped_back() {
    let input = [
        set("09:00", "ana", "InACall", "PT2H"),
        tick("10:00", "ana"),
        set("09:15", "ana", "Presenting", "PT15M"),
        tick("09:30", "ana"),
    ];
    assert_eq!(strips(&input), [strip("ana", "09:00", "cPcc·")]);
}

#[test]
fn days_on_which_nothing_happened_are_counted() {
    let input = [
        r#"{"at":"2026-11-20T23:50:00Z","user":"ana","tick":{}}"#,
        r#"{"at":"2026-11-23T00:10:00Z","user":"ana","tick":{}}"#,
    ];
    let page = text(&run(&["-"], input.join("\n").as_bytes()));
    assert!(page.contains("\n2 days on which nothing happened\n"), "{page}");
    assert_eq!(page.matches("\nana ").count(), 2, "{page}");
}

#[test]
fn no_input_prints_nothing() {
    assert_eq!(text(&run(&["-"], b"")), "");
    assert_eq!(text(&run(&["--json", "-"], b"\n\n")), "");
}

#[test]
fn bad_usage_and_unreadable_files_exit_with_status_2() {
    let invocations: [(&[&str], &str); 9] = [
        (&[], "no FILE"),
        (&["--jsno", SAMPLE], "unknown option \"--jsno\""),
        (&[SAMPLE, SAMPLE], "more than one FILE"),
        (&["--json"], "no FILE"),
        (&[SAMPLE, "--svg"], "--svg needs PICTURE"),
        (&["--svg", "no-such-folder/day.svg", SAMPLE], "cannot write: "),
        (&["--svg", "day.svg", "--explain", "ana@2026-11-20T07:50:00Z", SAMPLE], "--explain and --svg "),
        (&["no-such-file.jsonl"], "cannot read no-such-file.jsonl: "),
        (&[env!("CARGO_MANIFEST_DIR")], "cannot read "),
    ];
    for (arguments, message) in invocations {
        let output = start(arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.starts_with(&format!("replay: {message}")), "{stderr}");
    }
}

#[test]
fn explain_prints_an_explanation_and_no_replay() {
    assert_eq!(
        text(&run(&["--explain", "dana@2026-11-20T07:50:00Z", SAMPLE], b"")),
        "dana: Offline, because no session exists. The preference Available waits for one until \
         2026-11-20T11:40:00Z.\n"
    );
    assert_eq!(
        text(&run(&["--json", "--explain", "no@body@2026-11-20T07:50:00Z", SAMPLE], b"")),
        concat!(
            r#"{"at":"2026-11-20T07:50:00Z","user":"no@body","explanation":{"#,
            r#""presence":{"availability":"Offline","activity":"Offline"},"until":null,"#,
            r#""reason":"noSession","waiting":null,"others":[]}}"#,
            "\n"
        )
    );
    for question in ["dana", "dana@9 o'clock", ""] {
        assert_eq!(start(&["--explain", question, SAMPLE], b"").status.code(), Some(2), "{question}");
    }
}

#[test]
fn help_exits_with_status_0() {
    assert!(text(&run(&["--help"], b"")).starts_with("usage: replay [--json] "));
}

#[test]
fn a_closed_output_ends_it_without_an_error() {
    let mut replay = Command::new(executable("replay"))
        .args(["--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = replay.stdin.take().unwrap();
    let mut stdout = replay.stdout.take().unwrap();
    stdin.write_all(format!("{}\n", tick("09:00", "ana")).as_bytes()).unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    drop(stdout);
    // It may exit before all of this is written.
    let _ = stdin.write_all(format!("{}\n", tick("09:00", "ana")).repeat(10_000).as_bytes());
    drop(stdin);
    let output = replay.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

fn line(clock: &str, user: &str, command: &str) -> String {
    format!(r#"{{"at":"2026-11-20T{clock}:00Z","user":"{user}",{command}}}"#)
}

fn tick(clock: &str, user: &str) -> String {
    line(clock, user, r#""tick":{}"#)
}

fn set(clock: &str, user: &str, activity: &str, expiration: &str) -> String {
    let availability = match activity {
        "InACall" => "Busy",
        "Presenting" => "DoNotDisturb",
        other => other,
    };
    line(
        clock,
        user,
        &format!(
            r#""setPresence":{{"sessionId":"it","availability":"{availability}","activity":"{activity}","expirationDuration":"{expiration}"}}"#
        ),
    )
}

fn records(input: &str) -> Vec<String> {
    text(&run(&["--json", "-"], input.as_bytes())).lines().map(str::to_owned).collect()
}

/// Shortens each record to `line: clock user activity`, without the line if the change came without a
/// command, and each rejection to `line: status`.
fn happenings(input: &[String]) -> Vec<String> {
    let shorten = |record: String| {
        let record: serde_json::Value = serde_json::from_str(&record).unwrap();
        let line = record["line"].as_u64().map(|line| format!("{line}: ")).unwrap_or_default();
        match record["at"].as_str() {
            Some(at) => {
                let word = |field: &str| record[field].as_str().unwrap().to_owned();
                format!("{line}{} {} {}", &at[11..16], word("user"), word("activity"))
            }
            None => format!("{line}{}", record["status"]),
        }
    };
    records(&input.join("\n")).into_iter().map(shorten).collect()
}

/// Returns the strips of the one day of the page.
fn strips(input: &[String]) -> Vec<String> {
    let page = text(&run(&["-"], input.join("\n").as_bytes()));
    let strips = page.lines().skip_while(|line| !line.contains(" 00  01  02 ")).skip(1);
    strips.take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Returns a strip as the page has it, with cells from a clock face on.
fn strip(user: &str, clock: &str, cells: &str) -> String {
    let (hours, minutes) = clock.split_once(':').unwrap();
    let before = hours.parse::<usize>().unwrap() * 4 + minutes.parse::<usize>().unwrap() / 15;
    format!("{user:<11}{:<before$}{cells}", "")
}

/// Draws the picture of a log.
fn draw(input: &[u8]) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name = format!("{:?}.svg", thread::current().id());
    let picture = folder.join(name.replace(['(', ')'], "-"));
    let output = run(&["--svg", picture.to_str().unwrap(), "-"], input);
    assert_eq!(text(&output), "");
    let drawn = fs::read_to_string(&picture).unwrap();
    fs::remove_file(picture).unwrap();
    drawn
}

/// Returns the names of the lanes of a picture.
fn lanes(input: &[String]) -> Vec<String> {
    let picture = draw(input.join("\n").as_bytes());
    let names = picture.lines().filter_map(|line| {
        let text = line.strip_prefix(r#"<text class="label" "#)?;
        text.split_once('>')?.1.strip_suffix("</text>")
    });
    names.map(str::to_owned).collect()
}

fn description(input: &[String]) -> String {
    let picture = draw(input.join("\n").as_bytes());
    let (description, _) = picture.split_once("</desc>").unwrap();
    description.split_once("<desc>").unwrap().1.to_owned()
}

/// Returns whether the selectors of a rule have a class.
fn is_of(rule: &str, class: &str) -> bool {
    let selectors = rule.split('{').next().unwrap_or_default();
    selectors.split(',').any(|selector| selector.ends_with(&format!(".{class}")))
}

/// Returns the value of a variable.
fn value_of(declarations: &str, name: &str) -> String {
    let (_, value) = declarations.split_once(&format!("--{name}:")).unwrap();
    value.split([';', '}', '\n']).next().unwrap().to_owned()
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Returns the relative luminance of a colour such as `#2f7d32` or `#fff`.
fn luminance(colour: &str) -> f64 {
    let digits: Vec<_> = colour.trim_start_matches('#').chars().collect();
    let size = digits.len() / 3;
    let parts = digits.chunks(size).map(|part| {
        let part: String = part.iter().cycle().take(2).collect();
        let part = f64::from(u8::from_str_radix(&part, 16).unwrap()) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    parts.zip([0.2126, 0.7152, 0.0722]).map(|(part, weight)| part * weight).sum()
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Runs the example, which must read all of its input and report no error.
fn run(arguments: &[&str], input: &[u8]) -> Output {
    let output = start(arguments, input);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    output
}

fn start(arguments: &[&str], input: &[u8]) -> Output {
    let mut replay = Command::new(executable("replay"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = replay.stdin.take().unwrap();
    thread::scope(|scope| {
        // After bad usage it exits at once, which closes its input.
        scope.spawn(move || stdin.write_all(input).ok());
        replay.wait_with_output().unwrap()
    })
}
