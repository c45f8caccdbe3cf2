//! Carries out in NATS what [`Ownership`] decides: the key of this process, the records and the owners.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_nats::jetstream::kv::UpdateErrorKind;
use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::owner;
use super::process::{Process, last_of};
use crate::figures::{lease_renewed, show};
use crate::ownership::{self, Action, Event, LEASE, Ownership, POLL, Survey, Written};

/// How long records that were read are used again if none was written since. A server of NATS that is behind may
/// have given an old one.
const RECORDS_AGE: Duration = Duration::from_secs(5);

/// The record of a shard: its owner and its snapshot.
#[derive(Debug, Default, Serialize, Deserialize)]
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
pub(super) struct Lease(Arc<Mutex<Instant>>);

impl Lease {
    /// Creates a lease that has ended.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Returns whether the process may still answer.
    pub(super) fn is_valid(&self) -> bool {
        Instant::now() < *self.0.lock()
    }
}

/// The records as a survey found them, to be used again.
pub(super) struct Records {
    read: Instant,
    /// The last sequence number of their stream before they were read.
    last: u64,
    all: Vec<ownership::Record>,
}

/// What the state machine is connected to.
struct Keeper {
    process: Arc<Process>,
    /// What is under way, and the owners of shards.
    events: JoinSet<Event>,
    owners: BTreeMap<usize, Reins>,
}

/// The way to end the owner of a shard.
struct Reins {
    stop: watch::Sender<bool>,
    task: AbortHandle,
}

/// Renews the lease of this process and takes and leaves shards, until the service stops, or the streams in NATS are
/// not those of the start any more.
pub(super) async fn keep(process: Arc<Process>, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut ownership = Ownership::new(&process.id, process.owned.len());
    let mut keeper =
        Keeper { process: Arc::clone(&process), events: JoinSet::new(), owners: BTreeMap::new() };
    let mut polls = interval(POLL);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lost = std::pin::pin!(process.lost());
    let mut stopping = false;
    while !ownership.has_stopped() {
        let event = tokio::select! {
            _ = polls.tick() => {
                let owned = process.owned.iter().filter_map(|owned| owned.read().clone());
                show("presence_users", owned.map(|owned| owned.users()).sum());
                Event::Poll
            }
            _ = stop.changed(), if !stopping => {
                stopping = true;
                Event::Stop
            }
            Some(event) = keeper.events.join_next() => event.context("keeping shards")?,
            error = &mut lost => return Err(error),
        };
        if let Event::Left(shard) | Event::Failed(shard) = event {
            keeper.owners.remove(&shard);
        }
        if let Event::Renewed(Written::Revision(_)) = event {
            lease_renewed();
        }
        let actions = ownership.handle(event, started.elapsed());
        // First, so that nobody answers by a lease that has lapsed.
        *process.lease.0.lock() = started + ownership.valid_until();
        for action in actions {
            keeper.carry_out(action);
        }
        *process.expected.lock() = ownership.expected().collect();
        show("presence_shards", keeper.owners.len());
    }
    // The key goes at once, and not with a marker, so that the others take everything now.
    let key = process.processes.stream.purge().filter(process.key(&process.id));
    let _ = timeout(LEASE, key.into_future()).await;
    Ok(())
}

impl Keeper {
    fn carry_out(&mut self, action: Action) {
        let process = Arc::clone(&self.process);
        match action {
            Action::Renew(revision) => self.ask(
                "renewing the lease",
                async move { Ok(Event::Renewed(process.renew(revision).await?)) },
                Event::Renewed(Written::Unknown),
            ),
            Action::Survey => self.ask(
                "looking at the shards",
                async move { Ok(Event::Surveyed(Some(process.survey().await?))) },
                Event::Surveyed(None),
            ),
            Action::FindMissing(ids) => self.ask(
                "looking for owners",
                async move { Ok(Event::MissingFound(Some(process.find_missing(ids).await?))) },
                Event::MissingFound(None),
            ),
            Action::Take(shard, revision) => self.ask(
                "taking a shard",
                async move { Ok(Event::Taken(shard, process.take(shard, revision).await?)) },
                Event::Taken(shard, Written::Unknown),
            ),
            Action::Own(shard, revision) => {
                tracing::info!("shard {shard} is owned by this process");
                let (stop, stopped) = watch::channel(false);
                let task = tokio::spawn(owner::own(process, shard, revision, stopped));
                self.owners.insert(shard, Reins { stop, task: task.abort_handle() });
                self.events.spawn(async move {
                    match task.await {
                        Ok(Ok(())) => {
                            tracing::info!("shard {shard} was left to others");
                            return Event::Left(shard);
                        }
                        Ok(Err(error)) => tracing::warn!("shard {shard}: {error:#}"),
                        Err(error) if error.is_cancelled() => {
                            tracing::warn!("shard {shard} was abandoned");
                        }
                        Err(error) => tracing::error!("shard {shard}: {error}"),
                    }
                    Event::Failed(shard)
                });
            }
            Action::Leave(shard) => {
                if let Some(owner) = self.owners.get(&shard) {
                    let _ = owner.stop.send(true);
                }
            }
            Action::Abandon(shard) => {
                if let Some(owner) = self.owners.get(&shard) {
                    if *owner.stop.borrow() {
                        tracing::warn!("leaving shard {shard} takes too long");
                    }
                    owner.task.abort();
                }
            }
        }
    }

    /// Asks NATS for something, and tells of a failure if there is no answer in time.
    fn ask(
        &mut self,
        what: &'static str,
        request: impl Future<Output = anyhow::Result<Event>> + Send + 'static,
        failure: Event,
    ) {
        if !self.process.is_connected() {
            self.events.spawn(std::future::ready(failure));
            return;
        }
        self.events.spawn(async move {
            let answer = timeout(LEASE, request).await.context("NATS does not answer");
            answer.flatten().unwrap_or_else(|error| {
                tracing::warn!("{what}: {error:#}");
                failure
            })
        });
    }
}

impl Process {
    /// Returns the subject of the key of a process.
    pub(super) fn key(&self, id: &str) -> String {
        format!("{}{id}", self.processes.prefix)
    }

    async fn renew(&self, revision: Option<u64>) -> anyhow::Result<Written> {
        let Some(revision) = revision else {
            return Ok(Written::Revision(self.processes.put(&self.id, "".into()).await?));
        };
        match self.processes.update(&self.id, "".into(), revision).await {
            Ok(revision) => Ok(Written::Revision(revision)),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => {
                tracing::warn!("the lease of this process has lapsed");
                Ok(Written::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Lists the processes, and reads all records.
    async fn survey(&self) -> anyhow::Result<Survey> {
        // The subjects of a stream cost no consumer, which a listing of keys does.
        let subjects = self.processes.stream.info_with_subjects(self.key(">"));
        let (records, subjects) =
            tokio::try_join!(self.records(), async { anyhow::Ok(subjects.await?) })?;
        let subjects: Vec<(String, usize)> = subjects.try_collect().await?;
        let ids =
            subjects.iter().filter_map(|(subject, _)| subject.strip_prefix(&self.processes.prefix));
        Ok(Survey { alive: ids.map(str::to_owned).collect(), records })
    }

    /// Reads the records of all shards, if one was written since they were read.
    async fn records(&self) -> anyhow::Result<Vec<ownership::Record>> {
        let last = self.shards.stream.get_info().await?.state.last_sequence;
        if let Some(known) = &*self.records.lock()
            && known.last == last
            && known.read.elapsed() < RECORDS_AGE
        {
            return Ok(known.all.clone());
        }
        let read = Instant::now();
        let records = try_join_all((0..self.owned.len()).map(async |number| {
            anyhow::Ok(match self.shards.entry(number.to_string()).await? {
                Some(entry) => {
                    let Record { owner, .. } = serde_json::from_slice(&entry.value)?;
                    ownership::Record { owner, revision: entry.revision }
                }
                None => ownership::Record { owner: None, revision: 0 },
            })
        }));
        let records = records.await?;
        *self.records.lock() = Some(Records { read, last, all: records.clone() });
        Ok(records)
    }

    /// Returns which of these processes have no key.
    async fn find_missing(&self, ids: BTreeSet<String>) -> anyhow::Result<BTreeSet<String>> {
        let found = ids.into_iter().map(async |id| {
            let key = last_of(&self.processes.stream, &self.key(&id)).await?;
            anyhow::Ok(key.is_none().then_some(id))
        });
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }

    /// Writes this process into the record of a shard if it has this revision.
    async fn take(&self, number: usize, revision: u64) -> anyhow::Result<Written> {
        let (mut record, found) = self.record(number).await?;
        if found != revision {
            return Ok(Written::Conflict);
        }
        match &record.owner {
            Some(owner) if *owner == self.id => tracing::info!("shard {number}: taking it back"),
            Some(owner) => tracing::info!("shard {number}: taking it from {owner}"),
            None => {}
        }
        record.owner = Some(self.id.clone());
        let written = self.swap(number, &record, revision).await?;
        Ok(written.map_or(Written::Conflict, Written::Revision))
    }

    /// Reads the record of a shard and its revision.
    pub(super) async fn record(&self, number: usize) -> anyhow::Result<(Record, u64)> {
        let subject = format!("{}{number}", self.shards.prefix);
        Ok(match last_of(&self.shards.stream, &subject).await? {
            Some(message) => (serde_json::from_slice(&message.payload)?, message.sequence),
            None => (Record::default(), 0),
        })
    }

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
