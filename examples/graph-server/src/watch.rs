//! Watchers: each gets the changes of its users, in order, from a bounded history and then live.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::shard::Change;

/// How many changes are kept for watchers that come back.
pub const HISTORY: usize = 65_536;

/// How many changes may wait for a slow watcher before it is dropped.
const BACKLOG: usize = 1_024;

/// How many watchers there may be.
const MAX_WATCHERS: usize = 10_000;

/// A change, with its place in the order of all changes that this process sees.
#[derive(Debug)]
pub struct Event {
    /// Rises with each event.
    pub id: u64,
    /// The change.
    pub change: Change,
}

/// The watchers and the latest changes.
pub struct Hub(Mutex<State>);

struct State {
    history: VecDeque<Arc<Event>>,
    /// The id of the latest event that is not in the history any more.
    forgotten: u64,
    /// The number of the latest change of each user in the history, to drop repeats.
    latest: HashMap<String, u64>,
    watchers: HashMap<u64, mpsc::Sender<Arc<Event>>>,
    /// Who watches a user.
    watched: HashMap<String, HashSet<u64>>,
    next_watcher: u64,
}

/// The changes for one watcher. It ends if the watcher is too slow, or the service stops.
pub struct Subscription {
    /// The changes since the last one that the watcher has seen, or `None` if they are not known.
    pub missed: Option<Vec<Arc<Event>>>,
    /// The id of the latest event at the start.
    pub start: u64,
    receiver: mpsc::Receiver<Arc<Event>>,
    hub: Arc<Hub>,
    watcher: u64,
    users: HashSet<String>,
}

impl Hub {
    /// Creates a hub without history. Events up to `forgotten` are not known.
    #[must_use]
    pub fn new(forgotten: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            history: VecDeque::new(),
            forgotten,
            latest: HashMap::new(),
            watchers: HashMap::new(),
            watched: HashMap::new(),
            next_watcher: 0,
        })))
    }

    /// Gives a change to its watchers, with this id or, if there was a higher one, with the next. A
    /// change that comes again is dropped.
    pub fn publish(&self, id: u64, change: Change) {
        let state = &mut *self.0.lock();
        let id = id.max(state.start() + 1);
        if state.latest.get(&change.user).is_some_and(|last| *last >= change.number) {
            return;
        }
        if state.history.len() == HISTORY
            && let Some(Event { id, change }) = state.history.pop_front().as_deref()
        {
            state.forgotten = *id;
            if state.latest.get(&change.user) == Some(&change.number) {
                state.latest.remove(&change.user);
            }
        }
        state.latest.insert(change.user.clone(), change.number);
        let event = Arc::new(Event { id, change });
        state.history.push_back(Arc::clone(&event));
        let watchers = state.watched.get(&event.change.user).into_iter().flatten();
        for watcher in watchers {
            // A watcher without room has missed a change, so it gets no other.
            if let Some(sender) = state.watchers.get(watcher)
                && sender.try_send(Arc::clone(&event)).is_err()
            {
                state.watchers.remove(watcher);
            }
        }
        metrics::counter!("presence_changes_total").increment(1);
    }

    /// Starts to watch users, after the event that the watcher has seen last.
    ///
    /// It returns `None` if there are too many watchers.
    #[must_use]
    pub fn subscribe(
        self: &Arc<Self>,
        users: HashSet<String>,
        seen: Option<u64>,
    ) -> Option<Subscription> {
        let state = &mut *self.0.lock();
        if state.watchers.len() >= MAX_WATCHERS {
            return None;
        }
        let start = state.start();
        let seen = seen.unwrap_or(start);
        let missed = (state.forgotten..=start).contains(&seen).then(|| {
            let from = state.history.partition_point(|event| event.id <= seen);
            let missed = state.history.range(from..);
            missed.filter(|event| users.contains(&event.change.user)).cloned().collect()
        });
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let watcher = state.next_watcher;
        state.next_watcher += 1;
        state.watchers.insert(watcher, sender);
        for user in &users {
            state.watched.entry(user.clone()).or_default().insert(watcher);
        }
        metrics::gauge!("presence_watchers").increment(1.0);
        Some(Subscription { missed, start, receiver, hub: Arc::clone(self), watcher, users })
    }

    /// Returns the id of the latest event.
    #[must_use]
    pub fn latest(&self) -> u64 {
        self.0.lock().start()
    }

    /// Forgets the history, because events up to `id` were missed, and ends all subscriptions.
    pub fn forget(&self, id: u64) {
        let state = &mut *self.0.lock();
        state.forgotten = id;
        state.history.clear();
        state.latest.clear();
        state.watchers.clear();
    }

    /// Ends all subscriptions.
    pub fn close(&self) {
        self.0.lock().watchers.clear();
    }
}

impl State {
    /// Returns the id of the latest event.
    fn start(&self) -> u64 {
        self.history.back().map_or(self.forgotten, |event| event.id)
    }
}

impl Subscription {
    /// Returns the next event.
    pub async fn next(&mut self) -> Option<Arc<Event>> {
        self.receiver.recv().await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let state = &mut *self.hub.0.lock();
        state.watchers.remove(&self.watcher);
        for user in &self.users {
            if let Some(watchers) = state.watched.get_mut(user) {
                watchers.remove(&self.watcher);
                if watchers.is_empty() {
                    state.watched.remove(user);
                }
            }
        }
        metrics::gauge!("presence_watchers").decrement(1.0);
    }
}
