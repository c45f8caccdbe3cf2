//! Watchers get each change once, in order, and come back where they left.

use std::collections::HashSet;

use presence_core::{Presence, Timestamp};
use presence_graph_server::shard::{Change, Time};
use presence_graph_server::watch::{HISTORY, Hub, Subscription};

fn change(number: u64, user: &str) -> Change {
    let at = Time(Timestamp::UNIX_EPOCH);
    Change { number, at, user: user.to_owned(), presence: Presence::Away }
}

fn users(users: &[&str]) -> HashSet<String> {
    users.iter().map(|user| (*user).to_owned()).collect()
}

fn missed(subscription: &Subscription) -> Option<Vec<u64>> {
    subscription.missed.as_ref().map(|events| events.iter().map(|event| event.id).collect())
}

#[tokio::test]
async fn a_watcher_gets_the_changes_of_its_users() {
    let hub = Hub::new(0);
    let mut subscription = hub.subscribe(users(&["ana", "bob"]), None).unwrap();
    for (id, user) in [(1, "ana"), (2, "cleo"), (3, "bob")] {
        hub.publish(id, change(id, user));
    }
    assert_eq!(subscription.next().await.unwrap().id, 1);
    assert_eq!(subscription.next().await.unwrap().id, 3);
    hub.close();
    assert!(subscription.next().await.is_none());
}

#[tokio::test]
async fn repeats_are_dropped() {
    let hub = Hub::new(0);
    for (id, number) in [(1, 70), (2, 80), (3, 70), (4, 80), (5, 90)] {
        hub.publish(id, change(number, "ana"));
    }
    assert_eq!(missed(&hub.subscribe(users(&["ana"]), Some(0)).unwrap()), Some(vec![1, 2, 5]));
}

#[tokio::test]
async fn a_watcher_comes_back_within_the_history() {
    let hub = Hub::new(10);
    let count = HISTORY as u64 + 5;
    for id in 11..11 + count {
        hub.publish(id, change(id, "ana"));
    }
    let resume =
        |seen| missed(&hub.subscribe(users(&["ana"]), Some(seen)).unwrap()).map(|ids| ids.len());
    assert_eq!(resume(14), None, "one change after it is forgotten");
    assert_eq!(resume(15), Some(HISTORY));
    assert_eq!(resume(10 + count), Some(0));
    assert_eq!(resume(11 + count), None, "an id of another service");
}

#[tokio::test]
async fn a_slow_watcher_is_dropped() {
    let hub = Hub::new(0);
    let mut slow = hub.subscribe(users(&["ana"]), None).unwrap();
    for id in 1..=5_000 {
        hub.publish(id, change(id, "ana"));
    }
    let mut read = 0;
    while slow.next().await.is_some() {
        read += 1;
    }
    assert!((1..5_000).contains(&read), "{read} changes were kept for it");
}
