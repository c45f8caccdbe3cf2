//! Watchers: each gets the changes of its users, in order, from a bounded history and then live.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use presence_core::Timestamp;
use tokio::sync::mpsc;

use crate::figures::Counted;
use crate::shard::Change;

/// How many changes are kept for watchers that come back.
pub const HISTORY: usize = 65_536;

/// How many changes may wait for a slow watcher before it is dropped, and how many of those that it has
/// missed are looked up at once.
const BACKLOG: usize = 1_024;

/// How many watchers there may be.
const MAX_WATCHERS: usize = 10_000;

/// Returns the id of an event: its number, and then when the log accepted it, in nanoseconds since 1970.
///
/// The time tells histories apart. If a backup is restored, other events have the numbers that were given after it,
/// and no event has the time. Of two histories that share an event, all before it is the same.
#[must_use]
pub fn event_id(number: u64, accepted: Timestamp) -> u128 {
    let nanoseconds = u64::try_from(accepted.as_nanoseconds()).unwrap_or(0);
    u128::from(number) << 64 | u128::from(nanoseconds)
}

/// A change, with its place in the order of all changes that this process sees.
#[derive(Debug)]
pub struct Event {
    /// Rises with each event.
    pub id: u128,
    /// The change.
    pub change: Change,
}

/// The watchers and the latest changes.
pub struct Hub(Mutex<State>);

struct State {
    /// The latest changes, in order.
    history: VecDeque<Arc<Event>>,
    /// How many changes are not in the history any more. So the first in it has this place.
    dropped: u64,
    /// The id of the latest event that is not in the history any more.
    forgotten: u128,
    /// The users that are watched or in the history.
    users: HashMap<Arc<str>, User>,
    /// The watchers. One without a sender gets no live changes: not yet, or not any more.
    watchers: HashMap<u64, Option<mpsc::Sender<Arc<Event>>>>,
    next_watcher: u64,
}

/// What the hub knows of a user.
#[derive(Default)]
struct User {
    /// The places of its changes in the history. So coming back costs what was missed, and not the history.
    changes: VecDeque<u64>,
    /// The watchers that get its changes.
    watchers: HashSet<u64>,
}

/// The changes for one watcher.
pub struct Subscription {
    /// If it is not known what the watcher has missed: the id of the event after which it starts. The
    /// presences of its users must be read, after this call.
    pub reset: Option<u128>,
    hub: Arc<Hub>,
    watcher: u64,
    users: Vec<Arc<str>>,
    /// The id of the last event that was looked up.
    seen: u128,
    missed: VecDeque<Arc<Event>>,
    /// The changes from now on, once there is nothing left to look up.
    live: Option<mpsc::Receiver<Arc<Event>>>,
    _counted: Counted,
}

/// Why a subscription ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The watcher was too slow, and has missed a change.
    Slow,
    /// The service stops, or has itself missed changes.
    Closed,
}

impl Hub {
    /// Creates a hub without history. Events up to `forgotten` are not known.
    #[must_use]
    pub fn new(forgotten: u128) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            history: VecDeque::new(),
            dropped: 0,
            forgotten,
            users: HashMap::new(),
            watchers: HashMap::new(),
            next_watcher: 0,
        })))
    }

    /// Gives a change to its watchers, with this id or, if there was a higher one, with the next.
    pub fn publish(&self, id: u128, change: Change) {
        let state = &mut *self.0.lock();
        if state.history.len() == HISTORY {
            state.drop_first();
        }
        let id = id.max(state.latest() + 1);
        let place = state.dropped + state.history.len() as u64;
        let user = match state.users.get_mut(change.user.as_str()) {
            Some(user) => user,
            None => state.users.entry(Arc::from(change.user.as_str())).or_default(),
        };
        user.changes.push_back(place);
        let event = Arc::new(Event { id, change });
        for watcher in &user.watchers {
            // A watcher without room has missed a change, so it gets no other.
            if let Some(watcher) = state.watchers.get_mut(watcher)
                && let Some(sender) = watcher
                && sender.try_send(Arc::clone(&event)).is_err()
            {
                *watcher = None;
                metrics::counter!("presence_watchers_slow_total").increment(1);
            }
        }
        state.history.push_back(event);
        metrics::counter!("presence_changes_total").increment(1);
    }

    /// Starts to watch users, after the event that the watcher has seen last.
    ///
    /// It returns `None` if there are too many watchers.
    #[must_use]
    pub fn subscribe(
        self: &Arc<Self>,
        users: HashSet<String>,
        seen: Option<u128>,
    ) -> Option<Subscription> {
        let state = &mut *self.0.lock();
        if state.watchers.len() >= MAX_WATCHERS {
            return None;
        }
        let watcher = state.next_watcher;
        state.next_watcher += 1;
        state.watchers.insert(watcher, None);
        let latest = state.latest();
        let known = seen.is_none_or(|seen| state.knows(seen));
        if !known {
            metrics::counter!("presence_watchers_reset_total").increment(1);
        }
        let mut subscription = Subscription {
            reset: (!known).then_some(latest),
            hub: Arc::clone(self),
            watcher,
            users: users.into_iter().map(Arc::from).collect(),
            seen: seen.filter(|_| known).unwrap_or(latest),
            missed: VecDeque::new(),
            live: None,
            _counted: Counted::new("presence_watchers"),
        };
        subscription.look_up(state).ok()?;
        Some(subscription)
    }

    /// Forgets the history, because events up to `id` were missed, and ends all subscriptions.
    pub fn forget(&self, id: u128) {
        let state = &mut *self.0.lock();
        state.dropped += state.history.len() as u64;
        state.forgotten = id;
        state.history.clear();
        state.users.clear();
        state.watchers.clear();
    }

    /// Ends all subscriptions.
    pub fn close(&self) {
        self.0.lock().watchers.clear();
    }
}

impl State {
    /// Returns the id of the latest event.
    fn latest(&self) -> u128 {
        self.history.back().map_or(self.forgotten, |event| event.id)
    }

    /// Returns whether all events after the one with this id are in the history. It must be an id that this
    /// history gave.
    fn knows(&self, id: u128) -> bool {
        id == self.forgotten || self.history.binary_search_by_key(&id, |event| event.id).is_ok()
    }

    /// Returns the place of the first change after the event `seen`.
    fn place_after(&self, seen: u128) -> u64 {
        self.dropped + self.history.partition_point(|event| event.id <= seen) as u64
    }

    /// Returns the change at a place, if it is in the history.
    fn at(&self, place: u64) -> Option<&Arc<Event>> {
        self.history.get(usize::try_from(place.checked_sub(self.dropped)?).ok()?)
    }

    /// Drops the first change of the history.
    fn drop_first(&mut self) {
        let Some(event) = self.history.pop_front() else { return };
        self.dropped += 1;
        self.forgotten = event.id;
        let user = event.change.user.as_str();
        if let Some(known) = self.users.get_mut(user) {
            known.changes.pop_front();
            if known.is_empty() {
                self.users.remove(user);
            }
        }
    }
}

impl User {
    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.watchers.is_empty()
    }
}

impl Subscription {
    /// Returns the next event.
    ///
    /// # Errors
    ///
    /// At the end, the reason of it.
    pub async fn next(&mut self) -> Result<Arc<Event>, End> {
        loop {
            if let Some(event) = self.missed.pop_front() {
                return Ok(event);
            }
            if let Some(live) = &mut self.live {
                return live.recv().await.ok_or_else(|| self.end());
            }
            let hub = Arc::clone(&self.hub);
            self.look_up(&mut hub.0.lock())?;
        }
    }

    /// Looks up the next changes that the watcher has missed. If these are all, it goes on live.
    fn look_up(&mut self, state: &mut State) -> Result<(), End> {
        if !state.watchers.contains_key(&self.watcher) {
            return Err(End::Closed);
        }
        if self.seen < state.forgotten {
            metrics::counter!("presence_watchers_slow_total").increment(1);
            return Err(End::Slow);
        }
        let first = state.place_after(self.seen);
        let mut places = Vec::new();
        for user in self.users.iter().filter_map(|user| state.users.get(user)) {
            let from = user.changes.partition_point(|place| *place < first);
            places.extend(user.changes.range(from..));
        }
        if places.len() > BACKLOG {
            places.select_nth_unstable(BACKLOG);
            places.truncate(BACKLOG);
        } else {
            self.go_live(state);
        }
        places.sort_unstable();
        self.missed = places.iter().filter_map(|place| state.at(*place).cloned()).collect();
        self.seen = self.missed.back().map_or(self.seen, |event| event.id);
        Ok(())
    }

    fn go_live(&mut self, state: &mut State) {
        for user in &mut self.users {
            // The id is kept once, however many watch the user.
            if let Some((known, _)) = state.users.get_key_value(user) {
                *user = Arc::clone(known);
            }
            state.users.entry(Arc::clone(user)).or_default().watchers.insert(self.watcher);
        }
        let (sender, receiver) = mpsc::channel(BACKLOG);
        state.watchers.insert(self.watcher, Some(sender));
        self.live = Some(receiver);
    }

    /// Returns why there are no more live changes.
    fn end(&self) -> End {
        let is_known = self.hub.0.lock().watchers.contains_key(&self.watcher);
        if is_known { End::Slow } else { End::Closed }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let state = &mut *self.hub.0.lock();
        state.watchers.remove(&self.watcher);
        for user in &self.users {
            if let Some(known) = state.users.get_mut(user) {
                known.watchers.remove(&self.watcher);
                if known.is_empty() {
                    state.users.remove(user);
                }
            }
        }
    }
}
