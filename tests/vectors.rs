//! The worked examples of the rules, as one table.
//!
//! The columns are the timestamp, the command, its HTTP status, the effective presence, and the number
//! of changes reported so far. A timestamp is in minutes from `t0`, with seconds after a colon. `t5-` is
//! a nanosecond before `t5`, and `t0 to t60 by 4` repeats the row every four minutes.

mod common;

use common::{at, just_before, prefer, set};
use presence_core::{
    ClearPreferred, ClearSession, Command, PreferredExpiration, PreferredPresence, PresenceError,
    PresenceModel, SessionExpiration, SessionPresence, SetPreferred, SetSession, SignedDuration,
    Timestamp,
};

const VECTORS: &str = "
1 a user is Offline before the first session (S12)
  t0                 |                                        |     | Offline/Offline             |

2 preferring without a session is accepted and has no effect (P4, S2)
  t0                 | prefer Busy/Busy                       | 200 | Offline/Offline             | 0

3 the preference takes effect when a session comes (P1, P4)
  t0                 | prefer Busy/Busy                       | 200 | Offline/Offline             | 0
  t1-                |                                        |     | Offline/Offline             | 0
  t1                 | set A Available/Available PT1H         | 200 | Busy/Busy                   | 1

4 a session of the default lifetime expires and never fades (S5, S7, T2)
  t0                 | set A Available/Available              | 200 | Available/Available         |
  t4:59              |                                        |     | Available/Available         |
  t5-                |                                        |     | Available/Available         |
  t5                 |                                        |     | Offline/Offline             |

5 an Available session fades twice and expires (S6, S7, T1)
  t0                 | set A Available/Available PT1H         | 200 | Available/Available         |
  t5-                |                                        |     | Available/Available         |
  t5                 |                                        |     | Available/AvailableInactive |
  t10-               |                                        |     | Available/AvailableInactive |
  t10                |                                        |     | Away/Away                   |
  t60-               |                                        |     | Away/Away                   |
  t60                |                                        |     | Offline/Offline             |

6 a session of ten minutes is never Away (T2)
  t0                 | set A Available/Available PT10M        | 200 | Available/Available         |
  t9:59              |                                        |     | Available/AvailableInactive |
  t10-               |                                        |     | Available/AvailableInactive |
  t10                |                                        |     | Offline/Offline             |

7 setting a session again restarts its fading (S9)
  t0                 | set A Available/Available PT1H         | 200 | Available/Available         |
  t4                 | set A Available/Available PT1H         | 200 | Available/Available         |
  t8:59              |                                        |     | Available/Available         |
  t9-                |                                        |     | Available/Available         |
  t9                 |                                        |     | Available/AvailableInactive |

8 an Available session outranks an Away one until it is Away itself (P2, P5)
  t0                 | set A Away/Away PT1H                   | 200 | Away/Away                   |
  t0                 | set B Available/Available PT1H         | 200 | Available/Available         |
  t9                 |                                        |     | Available/AvailableInactive |
  t10                |                                        |     | Away/Away                   |

9 presenting outranks a call (P2, P3, S10)
  t0                 | set A Busy/InACall PT1H                | 200 | Busy/InACall                |
  t0                 | set B DoNotDisturb/Presenting PT1H     | 200 | DoNotDisturb/Presenting     |
  t1                 | clear B                                | 200 | Busy/InACall                |

10 a conference call outranks a call (P5)
  t0                 | set A Busy/InACall PT1H                | 200 | Busy/InACall                |
  t0                 | set B Busy/InAConferenceCall PT1H      | 200 | Busy/InAConferenceCall      |

10 in the other order too (P2)
  t0                 | set B Busy/InAConferenceCall PT1H      | 200 | Busy/InAConferenceCall      |
  t0                 | set A Busy/InACall PT1H                | 200 | Busy/InAConferenceCall      |

11 a preferred Offline is OffWork while a session exists (U8)
  t0                 | prefer Offline/OffWork                 | 200 | Offline/Offline             |
  t0                 | set A Available/Available PT1H         | 200 | Offline/OffWork             |
  t1                 | clear A                                | 200 | Offline/Offline             |

12 DoNotDisturb is preferred for a day (U2, P6)
  t0                 | prefer DoNotDisturb/DoNotDisturb       | 200 | Offline/Offline             |
  t0 to t1380 by 60  | set A Busy/InACall PT4H                | 200 | DoNotDisturb/DoNotDisturb   |
  t1439:59           |                                        |     | DoNotDisturb/DoNotDisturb   |
  t1440-             |                                        |     | DoNotDisturb/DoNotDisturb   |
  t1440              |                                        |     | Busy/InACall                |

13 Away is preferred for a week (U2, P6)
  t0                 | prefer Away/Away                       | 200 | Offline/Offline             |
  t0 to t10020 by 60 | set A Busy/InACall PT4H                | 200 | Away/Away                   |
  t10079:59          |                                        |     | Away/Away                   |
  t10080-            |                                        |     | Away/Away                   |
  t10080             |                                        |     | Busy/InACall                |

14 a session that was never set is not found (S11)
  t0                 | clear A                                | 404 | Offline/Offline             |

14 a session that was cleared is not found (S10, S11)
  t0                 | set A Busy/InACall                     | 200 | Busy/InACall                |
  t1                 | clear A                                | 200 | Offline/Offline             |
  t1                 | clear A                                | 404 | Offline/Offline             |

14 a session is found a nanosecond before its expiry (S6)
  t0                 | set A Busy/InACall                     | 200 | Busy/InACall                |
  t5-                | clear A                                | 200 | Offline/Offline             |

14 a session is not found at its expiry (S6, S11, T2)
  t0                 | set A Busy/InACall                     | 200 | Busy/InACall                |
  t5                 | clear A                                | 404 | Offline/Offline             |

14 a session is not found after its expiry (S11)
  t0                 | set A Busy/InACall                     | 200 | Busy/InACall                |
  t6                 | clear A                                | 404 | Offline/Offline             |

15 clearing the preference always succeeds (U5)
  t0                 | prefer Busy/Busy                       | 200 | Offline/Offline             |
  t1                 | prefer nothing                         | 200 | Offline/Offline             |
  t1                 | prefer nothing                         | 200 | Offline/Offline             |

16 a session lives for 5 minutes to 4 hours (S5)
  t0                 | set A Busy/InACall PT4M59S             | 400 | Offline/Offline             |
  t0                 | set A Busy/InACall PT4H0M1S            | 400 | Offline/Offline             |
  t0                 | set A Busy/InACall PT5M                | 200 | Busy/InACall                |
  t5                 | set A Busy/InACall PT4H                | 200 | Busy/InACall                |
  t245-              |                                        |     | Busy/InACall                |
  t245               |                                        |     | Offline/Offline             |

17 a session claims one of five pairs (S4)
  t0                 | set A Busy/Busy                        | 400 | Offline/Offline             |
  t0                 | set A DoNotDisturb/DoNotDisturb        | 400 | Offline/Offline             |
  t0                 | set A Available/InACall                | 400 | Offline/Offline             |
  t0                 | set A Offline/OffWork                  | 400 | Offline/Offline             |
  t0                 | set A Busy/InAMeeting                  | 400 | Offline/Offline             |

18 a user prefers one of six pairs (U1)
  t0                 | set A Away/Away                        | 200 | Away/Away                   |
  t0                 | prefer Busy/InACall                    | 400 | Away/Away                   |
  t0                 | prefer Offline/Offline                 | 400 | Away/Away                   |
  t0                 | prefer DoNotDisturb/Presenting         | 400 | Away/Away                   |

19 a preferred Available does not fade (U7)
  t0                 | prefer Available/Available             | 200 | Offline/Offline             |
  t0                 | set A Available/Available PT4H         | 200 | Available/Available         |
  t30                |                                        |     | Available/Available         |

20 a session that is refreshed in time is one change (S9)
  t0 to t60 by 4     | set A Busy/InACall PT5M                | 200 | Busy/InACall                | 1

21 words are read in any case (W1)
  t0                 | set A busy/INACALL PT1H                | 200 | Busy/InACall                |
  t30                | prefer offline/offWork                 | 200 | Offline/OffWork             |

22 a session id is read exactly (W1)
  t0                 | set A Busy/InACall                     | 200 | Busy/InACall                |
  t0                 | clear a                                | 404 | Busy/InACall                |
";

/// Bodies as they are posted.
#[cfg(feature = "serde")]
const BODIES: &str = r#"
21 names of actions and fields are read in any case (W1)
  t0  | {"SETPRESENCE":{"SessionId":"A","AVAILABILITY":"busy","Activity":"inACall","expirationduration":"PT1H"}} | 200 | Busy/InACall |
  t30 |                                                                                                          |     | Busy/InACall |
  t30 | {"ClearPresence":{"sessionid":"A"}}                                                                      | 200 | Offline/Offline |

22 durations are read exactly, in a field of any spelling (W1)
  t0  | {"setPresence":{"sessionId":"A","availability":"Away","activity":"Away","ExpirationDuration":"PT9H"}}    | 400 | Offline/Offline |
  t0  | {"setPresence":{"sessionId":"A","availability":"Away","activity":"Away","ExpirationDuration":"pt1h"}}    | 400 | Offline/Offline |

23 a field that comes twice is rejected (W2)
  t0  | {"setPresence":{"sessionId":"A","SessionID":"B","availability":"Away","activity":"Away"}}                | 400 | Offline/Offline |
  t0  | {"setPresence":{"sessionId":"A","availability":"Away","AVAILABILITY":"Away","activity":"Away"}}          | 400 | Offline/Offline |
  t0  | {"clearPresence":{"sessionId":"A","sessionid":null}}                                                     | 400 | Offline/Offline |
"#;

/// S1 to S12, P1 to P6, U1 to U8, T1, T2, T4: each row of the table.
#[test]
fn the_vectors_hold() {
    for vector in vectors() {
        play(vector, Ticks::None);
    }
}

/// T3: ticks change no effective presence, only which update reports it.
#[test]
fn the_vectors_hold_under_ticks() {
    for vector in vectors() {
        play(vector, Ticks::EveryRow);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Ticks {
    None,
    EveryRow,
}

fn vectors() -> impl Iterator<Item = &'static str> {
    let vectors = VECTORS.trim().split("\n\n");
    #[cfg(feature = "serde")]
    let vectors = vectors.chain(BODIES.trim().split("\n\n"));
    vectors
}

fn play(vector: &'static str, ticks: Ticks) {
    let (title, rows) = vector.split_once('\n').unwrap();
    let mut user = PresenceModel::new();
    let mut changes = 0;
    for row in rows.lines() {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let &[timestamps, command, status, presence, reported] = cells.as_slice() else {
            panic!("not five cells: {row}");
        };
        for now in self::timestamps(timestamps) {
            if ticks == Ticks::EveryRow {
                changes += usize::from(user.tick(now).changed().is_some());
            }
            if !command.is_empty() {
                let before = user.clone();
                let result = self::command(command)
                    .and_then(|command| user.apply(command, now).map_err(|error| error.status()));
                assert_eq!(result.err().unwrap_or(200).to_string(), status, "{title}\n{row}");
                match result {
                    Ok(outcome) => {
                        assert_eq!(outcome.current.to_string(), presence, "{title}\n{row}");
                        changes += usize::from(outcome.changed().is_some());
                    }
                    Err(_) => assert_eq!(user, before, "{title}\n{row}"),
                }
            }
            assert_eq!(user.presence(now).to_string(), presence, "{title}\n{row}");
        }
        if !reported.is_empty() {
            assert_eq!(changes.to_string(), reported, "{title}\n{row}");
        }
    }
}

/// Reads `t5`, `t4:59`, `t5-` or `t0 to t60 by 4`.
fn timestamps(text: &str) -> Vec<Timestamp> {
    let timestamp = |text: &str| {
        let (minutes, seconds) = text.split_once(':').unwrap_or((text, "0"));
        at(&format!("9:{}:{seconds}", minutes.strip_prefix('t').unwrap()))
    };
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        [first, "to", last, "by", step] => {
            let step = SignedDuration::minutes(step.parse().unwrap());
            let next = |now: &Timestamp| Some(*now + step).filter(|next| *next <= timestamp(last));
            std::iter::successors(Some(timestamp(first)), next).collect()
        }
        [only] => {
            vec![
                only.strip_suffix('-')
                    .map_or_else(|| timestamp(only), |end| just_before(timestamp(end))),
            ]
        }
        _ => panic!("not a timestamp: {text}"),
    }
}

/// Reads a command, or returns the status with which it is rejected.
fn command(text: &'static str) -> Result<Command<&'static str>, u16> {
    #[cfg(feature = "serde")]
    if text.starts_with('{') {
        let body: presence_core::graph::Body<_> = serde_json::from_str(text).unwrap();
        return body.check().map_err(|error| error.status());
    }
    let words: Vec<_> = text.split_whitespace().collect();
    Ok(match *words.as_slice() {
        ["set", id, pair] => SetSession::new(id, claim(pair)?).into(),
        ["set", id, pair, lifetime] => {
            lifetime.parse::<SessionExpiration>().map_err(|error| error.status())?;
            set(id, claim(pair)?, lifetime).into()
        }
        ["clear", id] => ClearSession::new(id).into(),
        ["prefer", "nothing"] => ClearPreferred.into(),
        ["prefer", pair] => SetPreferred::new(preference(pair)?).into(),
        ["prefer", pair, lifetime] => {
            lifetime.parse::<PreferredExpiration>().map_err(|error| error.status())?;
            prefer(preference(pair)?, lifetime).into()
        }
        _ => panic!("not a command: {text}"),
    })
}

fn claim(pair: &str) -> Result<SessionPresence, u16> {
    pair.parse().map_err(rejected_pair)
}

fn preference(pair: &str) -> Result<PreferredPresence, u16> {
    pair.parse().map_err(rejected_pair)
}

/// Returns the status of a pair of known words.
fn rejected_pair(error: PresenceError) -> u16 {
    assert!(matches!(error, PresenceError::NotAccepted { .. }), "{error}");
    error.status()
}
