//! Changes on their way from owners to the watchers of all processes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::message::Message;
use futures_util::StreamExt;
use parking_lot::Mutex;
use presence_core::Timestamp;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::sleep;

use super::process::{Process, place_of, read};
use crate::figures::Counted;
use crate::shard::Change;
use crate::watch::event_id;

/// How many changes are one message at most: it is shorter than NATS' limit of a megabyte then, whatever the
/// ids of the users are.
const MESSAGE: usize = 512;
/// How many changes of a shard may wait to be published. If more do, the log holds the rest: the owner applies
/// no other command until there is room.
const BACKLOG: usize = 262_144;
/// How many ids of events each message has. It is more than [`MESSAGE`].
const IDS_PER_MESSAGE: u64 = 1 << 16;
/// How long to wait before something is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The changes of a shard that wait to be published.
pub(super) struct Outbox {
    waiting: Mutex<VecDeque<(Change, Counted)>>,
    /// Wakes the publisher.
    added: Notify,
    /// The number of the last change that was published.
    published: watch::Sender<u64>,
}

impl Outbox {
    /// Creates an outbox for the changes after the one with this number.
    pub(super) fn new(published: u64) -> Arc<Self> {
        let published = watch::Sender::new(published);
        Arc::new(Self { waiting: Mutex::default(), added: Notify::new(), published })
    }

    /// Adds changes. It never waits: commands go on while changes wait.
    pub(super) fn add(&self, changes: Vec<Change>) {
        let changes = changes.into_iter();
        let counted = changes.map(|change| (change, Counted::new("presence_changes_waiting")));
        self.waiting.lock().extend(counted);
        self.added.notify_one();
    }

    /// Returns whether no other command may be applied now.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.lock().len() >= BACKLOG
    }

    /// Waits until there is room.
    pub(super) async fn room(&self) {
        let _ = self.published.subscribe().wait_for(|_| !self.is_full()).await;
    }

    /// Waits until a change was published, and all before it.
    pub(super) async fn published(&self, number: u64) {
        let _ = self.published.subscribe().wait_for(|published| *published >= number).await;
    }

    /// Returns the next message, and the number of its last change.
    fn message(&self) -> Option<(serde_json::Result<Vec<u8>>, u64)> {
        let waiting = self.waiting.lock();
        let changes: Vec<_> = waiting.iter().take(MESSAGE).map(|(change, _)| change).collect();
        Some((serde_json::to_vec(&changes), changes.last()?.number))
    }

    /// Removes the changes up to one that was published.
    fn remove(&self, number: u64) {
        let mut waiting = self.waiting.lock();
        let count = waiting.partition_point(|(change, _)| change.number <= number);
        waiting.drain(..count);
        drop(waiting);
        self.published.send_replace(number);
    }
}

impl Process {
    /// Publishes the changes of a shard, one message after the other. So the changes that are in the stream
    /// have no gap, and a reader can drop repeats by their numbers.
    pub(super) async fn publish(
        self: Arc<Self>,
        shard: usize,
        outbox: Arc<Outbox>,
    ) -> anyhow::Result<()> {
        let subject = self.subject("changes", shard);
        loop {
            while let Some((message, last)) = outbox.message() {
                let message = message?;
                let stored =
                    async { self.jetstream.publish(subject.clone(), message.into()).await?.await };
                match stored.await {
                    Ok(_) => outbox.remove(last),
                    // It may be stored twice then.
                    Err(error) => {
                        tracing::warn!("shard {shard}: changes wait to be published: {error:#}");
                        sleep(PAUSE).await;
                    }
                }
            }
            outbox.added.notified().await;
        }
    }

    /// Gives the changes of all processes to the watchers of this one. It says when it has read those that
    /// there were before.
    pub(super) async fn follow_changes(
        self: Arc<Self>,
        caught_up: oneshot::Sender<()>,
    ) -> anyhow::Result<()> {
        let mut connection = self.connection.clone();
        let mut reader = Reader { caught_up: Some(caught_up), ..Reader::default() };
        loop {
            connection.mark_unchanged();
            tokio::select! {
                result = self.follow_changes_once(&mut reader) => {
                    tracing::warn!("following changes: {:#}", result.err().unwrap_or_else(|| anyhow::anyhow!("it ended")));
                    sleep(PAUSE).await;
                }
                changed = connection.changed() => changed.context("the client of NATS has ended")?,
            }
        }
    }

    async fn follow_changes_once(&self, reader: &mut Reader) -> anyhow::Result<()> {
        let state = self.changes.get_info().await?.state;
        let (first, last) = (state.first_sequence.max(1), state.last_sequence);
        if first > reader.next {
            // At the start, and after a while without NATS.
            reader.next = first;
            self.hub.forget(before(first));
        }
        let mut messages = read(&self.changes, self.subject("changes", "*"), reader.next).await?;
        loop {
            if reader.next > last
                && let Some(caught_up) = reader.caught_up.take()
            {
                let _ = caught_up.send(());
            }
            let message = messages.next().await.context("the changes ended")??;
            self.receive_changes(&message, reader)?;
        }
    }

    /// Gives the changes of a message to the watchers.
    fn receive_changes(&self, message: &Message, reader: &mut Reader) -> anyhow::Result<()> {
        let (sequence, accepted) = place_of(message)?;
        if sequence < reader.next {
            return Ok(());
        }
        if sequence > reader.next {
            // Messages have gone before they were read.
            self.hub.forget(before(sequence));
        }
        reader.next = sequence + 1;
        let changes: Vec<Change> = serde_json::from_slice(&message.payload).unwrap_or_else(|error| {
            tracing::error!("message {sequence} of the changes cannot be read: {error}");
            Vec::new()
        });
        let last = reader.numbers.entry(message.subject.to_string()).or_default();
        for (number, change) in (sequence * IDS_PER_MESSAGE..).zip(changes) {
            if change.number > *last {
                *last = change.number;
                self.hub.publish(event_id(number, accepted), change);
            }
        }
        Ok(())
    }
}

/// Returns an id that is before those of a message. No event has it.
fn before(sequence: u64) -> u128 {
    event_id(sequence * IDS_PER_MESSAGE - 1, Timestamp::now())
}

/// How far this process has read the changes.
#[derive(Default)]
struct Reader {
    /// The sequence number of the next message.
    next: u64,
    /// The number of the last change of each shard, by subject, to drop repeats.
    numbers: HashMap<String, u64>,
    /// Tells once that the messages that there were before have been read.
    caught_up: Option<oneshot::Sender<()>>,
}
