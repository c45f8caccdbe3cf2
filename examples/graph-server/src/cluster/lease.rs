//! Who owns what: each process that is alive owns its share of the shards.
//!
//! A process is alive while its key is in the bucket of processes, which forgets keys after 3 seconds. The
//! key of a shard names its owner and its snapshot. It is only ever changed by compare-and-swap, so a
//! process that takes a shard also ends the power of the owner before it to store or purge anything.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::kv::UpdateErrorKind;
use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::process::Process;
use super::{ANSWER, LEASE, owner};
use crate::figures::{count_shards, count_users, lease_renewed};

/// How often a process renews its lease and looks at the others.
const POLL: Duration = Duration::from_millis(500);

/// The key of a shard: its owner and its snapshot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// The process that owns the shard.
    pub(super) owner: Option<String>,
    /// The sequence number that the snapshot contains.
    pub(super) sequence: u64,
    /// The name of the snapshot, if there is one.
    pub(super) object: Option<String>,
}

/// The lease of this process: until when it may answer.
#[derive(Clone)]
pub(super) struct Lease(watch::Receiver<Instant>);

impl Lease {
    /// Returns whether the process may still answer.
    pub(super) fn is_valid(&self) -> bool {
        Instant::now() < *self.0.borrow()
    }
}

/// A shard that this process owns.
struct Held {
    task: JoinHandle<anyhow::Result<()>>,
    stop: watch::Sender<bool>,
    /// The revision of the record by which it was taken.
    revision: u64,
}

/// What this process has.
struct Keeper {
    process: Arc<Process>,
    /// The revision of the key of this process, if it is alive.
    revision: Option<u64>,
    valid_until: watch::Sender<Instant>,
    held: BTreeMap<usize, Held>,
}

/// Renews the lease of this process and takes and leaves shards, until the service stops.
pub(super) async fn keep(process: Arc<Process>, mut stop: watch::Receiver<bool>) {
    let valid_until = watch::Sender::new(Instant::now());
    let mut keeper = Keeper { process, revision: None, valid_until, held: BTreeMap::new() };
    let mut polls = interval(POLL);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !*stop.borrow() {
        tokio::select! {
            _ = polls.tick() => {
                match timeout(LEASE, keeper.poll()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!("keeping shards: {error:#}"),
                    Err(_) => tracing::warn!("keeping shards: NATS does not answer"),
                }
                keeper.drop_lost().await;
            }
            _ = stop.changed() => {}
        }
    }
    let shards: Vec<_> = keeper.held.keys().copied().collect();
    keeper.leave(&shards).await;
    let _ = keeper.process.processes.delete(&keeper.process.id).await;
}

impl Keeper {
    async fn poll(&mut self) -> anyhow::Result<()> {
        self.renew().await?;
        let alive: HashSet<String> = self.process.processes.keys().await?.try_collect().await?;
        let records = self.records().await?;
        let id = self.process.id.clone();

        for (number, (record, revision)) in records.iter().enumerate() {
            if let Some(held) = self.held.get(&number)
                && record.owner.as_ref() != Some(&id)
                && *revision > held.revision
            {
                tracing::warn!("shard {number} was taken");
                self.abandon(number).await;
            }
        }
        let share = records.len().div_ceil(alive.len().max(1));
        let surplus: Vec<_> = self.held.keys().copied().skip(share).collect();
        self.leave(&surplus).await;

        // Processes that take shards at once begin at different ones.
        let offset = crate::shard::shard_of(&id, records.len());
        for number in (0..records.len()).map(|number| (number + offset) % records.len()) {
            let Some((record, revision)) = records.get(number) else { continue };
            let free = record.owner.as_ref().is_none_or(|owner| !alive.contains(owner) || *owner == id);
            if free
                && !surplus.contains(&number)
                && !self.held.contains_key(&number)
                && self.held.len() < share
            {
                self.take(number, record.clone(), *revision).await?;
            }
        }
        count_shards(self.held.len());
        let owned = self.process.owned.iter().filter_map(|owned| owned.read().clone());
        count_users(owned.map(|owned| owned.users()).sum());
        Ok(())
    }

    /// Renews the key of this process. If it has expired, others may own the shards by now.
    async fn renew(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let process = Arc::clone(&self.process);
        let (key, processes) = (&process.id, &process.processes);
        if let Some(revision) = self.revision {
            match processes.update(key, Vec::new().into(), revision).await {
                Ok(revision) => self.revision = Some(revision),
                Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                    tracing::warn!("the lease of this process has expired");
                    self.revision = None;
                }
                Err(error) => return Err(error.into()),
            }
        }
        if self.revision.is_none() {
            for number in self.held.keys().copied().collect::<Vec<_>>() {
                self.abandon(number).await;
            }
            self.revision = Some(processes.put(key, Vec::new().into()).await?);
        }
        let _ = self.valid_until.send_replace(started + LEASE);
        lease_renewed();
        Ok(())
    }

    /// Reads the records of all shards.
    async fn records(&self) -> anyhow::Result<Vec<(Record, u64)>> {
        let shards = &self.process.shards;
        try_join_all((0..self.process.owned.len()).map(async |number| {
            match shards.entry(number.to_string()).await? {
                Some(entry) => Ok((serde_json::from_slice(&entry.value)?, entry.revision)),
                None => Ok((Record::default(), 0)),
            }
        }))
        .await
    }

    /// Takes a shard, unless another process is quicker.
    async fn take(&mut self, number: usize, mut record: Record, revision: u64) -> anyhow::Result<()> {
        record.owner = Some(self.process.id.clone());
        let Some(revision) = self.process.swap(number, &record, revision).await? else { return Ok(()) };
        tracing::info!("shard {number} is owned by this process");
        let (stop, stopped) = watch::channel(false);
        let lease = Lease(self.valid_until.subscribe());
        let process = Arc::clone(&self.process);
        let task = tokio::spawn(owner::own(process, number, record, revision, lease, stopped));
        self.held.insert(number, Held { task, stop, revision });
        Ok(())
    }

    /// Stores shards and leaves them to others.
    async fn leave(&mut self, numbers: &[usize]) {
        for number in numbers {
            if let Some(held) = self.held.get(number) {
                let _ = held.stop.send(true);
            }
        }
        for number in numbers {
            if let Some(mut held) = self.held.remove(number) {
                match timeout(ANSWER, &mut held.task).await {
                    Ok(Ok(Ok(()))) => tracing::info!("shard {number} was left to others"),
                    Ok(Ok(Err(error))) => tracing::warn!("leaving shard {number}: {error:#}"),
                    Ok(Err(_)) | Err(_) => {
                        held.task.abort();
                        tracing::warn!("leaving shard {number} took too long");
                    }
                }
            }
        }
    }

    /// Stops to own a shard at once.
    async fn abandon(&mut self, number: usize) {
        if let Some(held) = self.held.remove(&number) {
            held.task.abort();
            let _ = held.task.await;
        }
    }

    /// Drops shards whose task has failed. They are taken again at the next poll.
    async fn drop_lost(&mut self) {
        let ended = self.held.iter().filter(|(_, held)| held.task.is_finished());
        for number in ended.map(|(number, _)| *number).collect::<Vec<_>>() {
            if let Some(held) = self.held.remove(&number) {
                match held.task.await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!("shard {number}: {error:#}"),
                    Err(error) => tracing::error!("shard {number}: {error}"),
                }
            }
        }
    }
}

impl Process {
    /// Writes the record of a shard if it has this revision, and returns the new one.
    pub(super) async fn swap(
        &self,
        number: usize,
        record: &Record,
        revision: u64,
    ) -> anyhow::Result<Option<u64>> {
        let value = serde_json::to_vec(record)?;
        match self.shards.update(number.to_string(), value.into(), revision).await {
            Ok(revision) => Ok(Some(revision)),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
