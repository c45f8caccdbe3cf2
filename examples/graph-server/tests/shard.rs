//! A shard is a function of its log: stopped anywhere and restored, it answers and changes as before.

use presence_core::{Presence, PresenceModel, SignedDuration, Timestamp};
use presence_graph_server::error::Error;
use presence_graph_server::shard::{
    Change, Entry, FORMAT, Question, Reply, SessionId, Shard, Time, shard_of,
};

/// The stored form of a shard, with the users in order.
type Stored = (u8, u64, Option<i64>, u64, Vec<(String, PresenceModel<SessionId>)>);

/// Groups of entries with their times, some of which go backwards.
fn log(seed: u64) -> Vec<(Timestamp, Vec<Entry>)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut accepted = Timestamp::UNIX_EPOCH;
    let groups = (0..400).map(|_| {
        accepted += SignedDuration::seconds(random.i64(-30..200));
        (accepted, (0..random.usize(1..6)).map(|_| entry(&mut random)).collect())
    });
    groups.collect()
}

fn entry(random: &mut fastrand::Rng) -> Entry {
    let user = ["ana", "bob", "cleo", "dan", "eve"][random.usize(..5)];
    let session = random.u8(..3);
    let claim = [("Available", "Available"), ("Busy", "InACall"), ("Away", "Away")][random.usize(..3)];
    let (availability, activity) = claim;
    let pair = format!(r#""availability":"{availability}","activity":"{activity}""#);
    let command = match random.u8(..10) {
        0 => return Entry::tick(None),
        1 => format!(r#"{{"clearPresence":{{"sessionId":"{session}"}}}}"#),
        2 => r#"{"clearUserPreferredPresence":{}}"#.to_owned(),
        3 => r#"{"setUserPreferredPresence":{"availability":"Busy","activity":"Busy","expirationDuration":"PT9M"}}"#
            .to_owned(),
        _ => format!(r#"{{"setPresence":{{"sessionId":"{session}",{pair},"expirationDuration":"PT20M"}}}}"#),
    };
    serde_json::from_str(&format!(r#"{{"user":"{user}","command":{command},"at":null}}"#)).unwrap()
}

fn stored(shard: &Shard) -> Vec<u8> {
    let bytes = shard.encode(shard.sequence()).unwrap();
    let mut stored: Stored = postcard::from_bytes(&bytes).unwrap();
    stored.4.sort_by(|(left, _), (right, _)| left.cmp(right));
    postcard::to_stdvec(&stored).unwrap()
}

/// Applies a log, and restores the shard from its stored form before the groups for which `restarts` says so.
fn apply(
    log: &[(Timestamp, Vec<Entry>)],
    restarts: impl Fn(usize) -> bool,
) -> (Vec<String>, Vec<Change>, Vec<u8>) {
    let mut shard = Shard::default();
    let (mut answers, mut changes) = (Vec::new(), Vec::new());
    for (number, (accepted, entries)) in log.iter().enumerate() {
        if restarts(number) {
            shard = Shard::decode(&shard.encode(shard.sequence()).unwrap()).unwrap();
        }
        let applied = shard.apply(number as u64 + 1, *accepted, entries.clone());
        answers.extend(applied.answers.iter().map(|answer| format!("{answer:?}")));
        changes.extend(applied.changes);
    }
    (answers, changes, stored(&shard))
}

#[test]
fn a_restored_shard_answers_and_changes_as_before() {
    for seed in 0..20 {
        let log = log(seed);
        let once = apply(&log, |_| false);
        assert!(once.1.len() > 100, "the log changes presences");
        assert_eq!(once, apply(&log, |_| true), "restored before each group, seed {seed}");
        for n in [3, 50, 399] {
            assert_eq!(
                once,
                apply(&log, |number| number == n),
                "restored before group {n}, seed {seed}"
            );
        }
    }
}

#[test]
fn a_shard_in_another_format_is_refused_with_a_sentence() {
    let mut bytes = Shard::default().encode(0).unwrap();
    for (format, is_read) in [(0, false), (1, false), (2, true), (3, false), (255, false)] {
        bytes[0] = format;
        let error = Shard::decode(&bytes).err().map(|error| error.to_string());
        let sentence = format!(
            "the shard is stored in format {format}, and this version of the service reads format 2"
        );
        assert_eq!(error, (!is_read).then_some(sentence));
    }
    assert!(Shard::decode(&[]).is_err());
    assert!(Shard::decode(&bytes[..2]).is_err());
}

#[test]
fn numbers_and_times_of_changes_rise() {
    for seed in 0..20 {
        let (_, changes, _) = apply(&log(seed), |_| false);
        assert!(
            changes.windows(2).all(|pair| pair[0].number < pair[1].number && pair[0].at <= pair[1].at)
        );
    }
}

#[test]
fn entries_are_stored_as_written_in_json_and_in_postcard() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..100 {
        let entry = entry(&mut random);
        assert_eq!(entry, serde_json::from_slice(&serde_json::to_vec(&entry).unwrap()).unwrap());
        assert_eq!(entry, postcard::from_bytes(&postcard::to_stdvec(&entry).unwrap()).unwrap());
    }
}

/// If one of these fails, [`FORMAT`] must rise: processes and streams of versions that differ must not be mixed.
#[test]
fn what_is_stored_and_sent_has_the_form_of_this_format() {
    assert_eq!(FORMAT, 2);
    let entry = r#"{"user":"ana","command":{"clearPresence":{"sessionId":"1"}},"at":null}"#;
    let read: Entry = serde_json::from_str(entry).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), entry);
    assert_eq!(postcard::to_stdvec(&read).unwrap(), b"\x01\x03ana\x01\x011\0");
    let change = r#"{"number":7,"at":"1970-01-01T00:00:01Z","user":"ana","presence":{"availability":"Away","activity":"Away"}}"#;
    let read: Change = serde_json::from_str(change).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), change);
    let question = (Question::Presences(vec!["ana".to_owned()]), Some(Time(Timestamp::UNIX_EPOCH)));
    assert_eq!(postcard::to_stdvec(&question).unwrap(), b"\0\x01\x03ana\x01\0");
    let why = (Question::Why("ana".to_owned()), None::<Time>);
    assert_eq!(postcard::to_stdvec(&why).unwrap(), b"\x01\x03ana\0");
    let reply: Result<_, Error> = Ok(Reply::Presences(vec![Presence::Away]));
    assert_eq!(postcard::to_stdvec(&reply).unwrap(), b"\0\0\x01\x04Away\x04Away");
    let reply: Result<_, Error> = Ok(Reply::Why("a".to_owned(), "{}".to_owned()));
    assert_eq!(postcard::to_stdvec(&reply).unwrap(), b"\0\x01\x01a\x02{}");
    let answers = (1_u64, [Ok(()), Err(Error::invalid("no"))]);
    let expected = b"\x01\0\x01\x90\x03\x0fInvalidArgument\x02no";
    assert_eq!(postcard::to_stdvec(&answers).unwrap(), expected);
}

#[test]
fn the_first_user_is_found_in_the_beginning_of_a_stored_form() {
    let mut shard = Shard::default();
    assert_eq!(Shard::first_user(&shard.encode(0).unwrap()), None);
    for (number, (accepted, entries)) in (1..).zip(log(1)) {
        shard.apply(number, accepted, entries);
    }
    let bytes = shard.encode(shard.sequence()).unwrap();
    let stored: Stored = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(Shard::first_user(&bytes[..60]), Some(stored.4[0].0.clone()));
    for bytes in [&bytes[..5], &[], &[9; 60], &[255; 60]] {
        assert_eq!(Shard::first_user(bytes), None);
    }
}

#[test]
fn the_shard_of_a_user_never_changes() {
    let users = ["", "ana", "fa8bf3dc-eca7-46b7-bad1-db199b62afc3", "ü"];
    assert_eq!(users.map(|user| shard_of(user, 16)), [5, 5, 9, 10]);
}
