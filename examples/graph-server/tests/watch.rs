//! Watchers get each change once, in order, and come back where they left.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use presence_core::{Presence, SignedDuration, Timestamp};
use presence_graph_server::shard::{Change, Time};
use presence_graph_server::watch::{End, HISTORY, Hub, Subscription, event_id};

fn change(user: &str) -> Change {
    let at = Time(Timestamp::UNIX_EPOCH);
    Change { number: 0, at, user: user.to_owned(), presence: Presence::Away }
}

fn users(users: &[&str]) -> HashSet<String> {
    users.iter().map(|user| (*user).to_owned()).collect()
}

/// Reads what is there until nothing comes any more, or until the end.
async fn read(subscription: &mut Subscription) -> (Vec<u128>, Option<End>) {
    let mut ids = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_millis(20), subscription.next()).await {
            Ok(Ok(event)) => ids.push(event.id),
            Ok(Err(end)) => return (ids, Some(end)),
            Err(_) => return (ids, None),
        }
    }
}

#[tokio::test]
async fn a_watcher_gets_the_changes_of_its_users() {
    let hub = Hub::new(0);
    let mut subscription = hub.subscribe(users(&["ana", "bob"]), None).unwrap();
    for (id, user) in [(1, "ana"), (2, "cleo"), (3, "bob")] {
        hub.publish(id, change(user));
    }
    assert_eq!(read(&mut subscription).await, (vec![1, 3], None));
    hub.close();
    assert_eq!(read(&mut subscription).await, (vec![], Some(End::Closed)));
}

#[tokio::test]
async fn a_watcher_comes_back_within_the_history() {
    let hub = Hub::new(10);
    let count = HISTORY as u128 + 5;
    for id in 11..11 + count {
        hub.publish(id, change("ana"));
    }
    for (seen, missed) in [
        (14, None), // one change after it is forgotten
        (15, Some(HISTORY)),
        (10 + count - 1_024, Some(1_024)),
        (10 + count - 1_025, Some(1_025)),
        (10 + count, Some(0)),
        (11 + count, None), // an id of another service
    ] {
        let mut subscription = hub.subscribe(users(&["ana"]), Some(seen)).unwrap();
        assert_eq!(subscription.reset, missed.is_none().then_some(10 + count), "after {seen}");
        let expected: Vec<u128> =
            if missed.is_some() { (seen + 1..11 + count).collect() } else { vec![] };
        assert_eq!(read(&mut subscription).await, (expected, None), "after {seen}");
    }
    let mut subscription = hub.subscribe(users(&["ana"]), Some(15)).unwrap();
    assert_eq!(subscription.next().await.unwrap().id, 16);
    hub.publish(0, change("ana"));
    assert_eq!(read(&mut subscription).await.0.last(), Some(&(11 + count)), "and it goes on");
}

/// Each watches other users and left at another event; changes go on meanwhile.
#[tokio::test]
async fn watchers_that_come_back_at_any_event_miss_nothing_and_see_nothing_twice() {
    let mut random = fastrand::Rng::with_seed(22);
    let names: Vec<String> = (0..40).map(|n| format!("user-{n}")).collect();
    let hub = Hub::new(0);
    let mut all: Vec<(u128, usize)> = Vec::new();
    for round in 0..300 {
        for _ in 0..random.usize(0..800) {
            let user = random.usize(..names.len());
            let id = all.last().map_or(1, |(id, _)| id + random.u128(1..4));
            hub.publish(id, change(&names[user]));
            all.push((id, user));
        }
        let Some((latest, _)) = all.last().copied() else { continue };
        let known = &all[all.len().saturating_sub(HISTORY)..];
        let seen = if round % 2 == 0 { latest } else { known[random.usize(..known.len())].0 };
        let watched: HashSet<usize> = (0..random.usize(1..10)).map(|_| random.usize(..40)).collect();
        let ids = watched.iter().map(|user| names[*user].clone()).collect();
        let mut subscription = hub.subscribe(ids, Some(seen)).unwrap();
        let expected: Vec<u128> = known
            .iter()
            .filter(|(id, user)| *id > seen && watched.contains(user))
            .map(|(id, _)| *id)
            .collect();
        let mut found = Vec::new();
        while found.len() < expected.len() {
            found.push(subscription.next().await.unwrap().id);
        }
        assert_eq!(found, expected, "round {round}");
    }
}

#[tokio::test]
async fn a_slow_watcher_is_dropped_after_a_prefix_without_a_gap() {
    let hub = Hub::new(0);
    let mut slow = hub.subscribe(users(&["ana"]), None).unwrap();
    for id in 1..=5_000 {
        hub.publish(id, change("ana"));
    }
    assert_eq!(read(&mut slow).await, ((1..=1_024).collect(), Some(End::Slow)));
}

/// It comes back, reads a little, and stops to read until the rest is out of the history.
#[tokio::test]
async fn a_watcher_that_is_too_slow_to_read_what_it_has_missed_is_dropped() {
    let hub = Hub::new(0);
    for id in 1..=5_000 {
        hub.publish(id, change("ana"));
    }
    let mut slow = hub.subscribe(users(&["ana"]), Some(0)).unwrap();
    assert_eq!(slow.next().await.unwrap().id, 1);
    for id in 5_001..=80_000 {
        hub.publish(id, change("ana"));
    }
    assert_eq!(read(&mut slow).await, ((2..=1_024).collect(), Some(End::Slow)));
}

#[tokio::test]
async fn a_watcher_whose_service_stops_or_has_missed_changes_is_not_called_slow() {
    let hub = Hub::new(0);
    let mut stopped = hub.subscribe(users(&["ana"]), None).unwrap();
    hub.publish(1, change("ana"));
    hub.close();
    assert_eq!(read(&mut stopped).await, (vec![1], Some(End::Closed)));

    let mut cut = hub.subscribe(users(&["ana"]), None).unwrap();
    hub.forget(100);
    assert_eq!(read(&mut cut).await, (vec![], Some(End::Closed)));
    assert_eq!(hub.subscribe(users(&["ana"]), Some(1)).unwrap().reset, Some(100));
}

/// As many come back as there may be, each for other users than those that have filled the history. It would take
/// minutes to look at the history for each.
#[tokio::test]
async fn coming_back_costs_what_was_missed_and_not_the_history() {
    let hub = Hub::new(0);
    for id in 1..=HISTORY as u128 {
        hub.publish(id, change(&format!("other-{}", id % 5_000)));
    }
    let started = Instant::now();
    let mut back: Vec<_> = (0..10_000)
        .map(|n| hub.subscribe(users(&[&format!("user-{n}"), "other-7"]), Some(0)).unwrap())
        .collect();
    assert!(hub.subscribe(users(&["ana"]), None).is_none(), "there are 10,000 watchers");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    for subscription in &mut back {
        assert_eq!(subscription.next().await.unwrap().change.user, "other-7");
    }
}

#[tokio::test]
async fn an_id_with_a_known_number_and_another_time_is_of_another_history() {
    let hub = Hub::new(event_id(0, Timestamp::UNIX_EPOCH));
    let at = |second| Timestamp::UNIX_EPOCH + SignedDuration::seconds(second);
    for (number, second) in [(1, 10), (2, 20), (3, 30)] {
        hub.publish(event_id(number, at(second)), change("ana"));
    }
    let cases = [(0, 0, true), (0, 1, false), (2, 20, true), (2, 19, false), (3, 31, false)];
    for (number, second, is_known) in cases {
        let seen = event_id(number, at(second));
        let subscription = hub.subscribe(users(&["ana"]), Some(seen)).unwrap();
        assert_eq!(subscription.reset.is_none(), is_known, "{number} at {second} s");
    }
    assert!(event_id(2, at(0)) > event_id(1, at(100)), "ids rise with numbers");
}
