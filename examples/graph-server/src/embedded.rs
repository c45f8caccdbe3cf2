//! One process: the log and the snapshots are tables of one file, and every commit is one transaction.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use parking_lot::{Mutex, RwLock};
use presence_core::{CommandError, Timestamp};
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::error::Error;
use crate::figures::{in_crate, show, took};
use crate::shard::{Applied, Entry, Question, Reply, Shard, TICK, Time};
use crate::watch::{Hub, event_id};

/// Groups by sequence number.
const LOG: TableDefinition<u64, &[u8]> = TableDefinition::new("log");
/// The stored form of each shard.
const SNAPSHOTS: TableDefinition<u64, &[u8]> = TableDefinition::new("snapshots");

/// How many commands may wait for a commit. The next ones are told to come again.
const QUEUE: usize = 16_384;
/// How many commands one transaction commits at most.
const COMMIT: usize = 4_096;
/// One shard is stored after this many entries, all of them in turn. So the log holds at most this many
/// entries for each shard.
const ENTRIES_PER_SNAPSHOT: usize = 16_384;

/// The users of this process, and the way to its log.
pub(crate) struct Embedded {
    shards: Arc<[RwLock<Shard>]>,
    clock: Arc<Clock>,
    submissions: mpsc::Sender<Submission>,
}

/// A command that waits for its commit.
struct Submission {
    shard: usize,
    entry: Entry,
    answer: oneshot::Sender<Result<(), CommandError>>,
}

/// The thread that commits and applies.
pub(crate) struct Writer {
    database: Database,
    shards: Arc<[RwLock<Shard>]>,
    submissions: mpsc::Receiver<Submission>,
    hub: Arc<Hub>,
    clock: Arc<Clock>,
    /// Whether shards tick by the clock of the system.
    ticks: bool,
    last_tick: Option<Instant>,
    /// The sequence number of the last group.
    sequence: u64,
    /// The sequence number that each stored shard contains.
    stored: Vec<u64>,
    entries_since_snapshot: usize,
}

/// The clock of the log: that of the system, but it never goes backwards. Reads and commands have the same.
struct Clock(Mutex<Timestamp>);

impl Clock {
    fn now(&self) -> Timestamp {
        let latest = &mut *self.0.lock();
        *latest = Timestamp::now().max(*latest);
        *latest
    }
}

/// A group of entries in the log.
#[derive(Serialize, Deserialize)]
struct Group {
    shard: usize,
    accepted: Time,
    entries: Vec<Entry>,
}

/// Opens the folder, restores the shards, and returns the writer, which must be run.
pub(crate) fn open(folder: &Path, shards: usize, ticks: bool) -> anyhow::Result<(Embedded, Writer)> {
    std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let path = folder.join("presence.redb");
    let database = Database::create(&path).with_context(|| format!("opening {}", path.display()))?;

    let transaction = database.begin_write()?;
    {
        transaction.open_table(LOG)?;
        let mut snapshots = transaction.open_table(SNAPSHOTS)?;
        if snapshots.is_empty()? {
            let empty = Shard::default().encode(0)?;
            for shard in 0..shards as u64 {
                snapshots.insert(shard, empty.as_slice())?;
            }
        }
        let found = snapshots.len()?;
        anyhow::ensure!(found == shards as u64, "the folder has {found} shards and not {shards}");
    }
    transaction.commit()?;

    let started = Instant::now();
    let mut restored: Vec<Shard> = Vec::with_capacity(shards);
    let transaction = database.begin_read()?;
    for snapshot in transaction.open_table(SNAPSHOTS)?.iter()? {
        let (number, bytes) = snapshot?;
        let shard = Shard::decode(bytes.value()).with_context(|| format!("shard {}", number.value()))?;
        restored.push(shard);
    }
    let stored: Vec<u64> = restored.iter().map(Shard::sequence).collect();
    let newest = stored.iter().copied().max().unwrap_or(0);
    // Until here, some shards have their changes in the snapshot, so the history would have gaps.
    let unknown = restored.iter().map(|shard| shard.number_after(newest)).max().unwrap_or(0);
    let hub = Hub::new(event_id(unknown, Timestamp::now()));
    let mut sequence = newest;
    let mut time = restored.iter().filter_map(Shard::time).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let mut replayed = 0;
    for group in transaction.open_table(LOG)?.iter()? {
        let (number, bytes) = group?;
        let Group { shard, accepted, entries } = postcard::from_bytes(bytes.value())?;
        (sequence, time) = (number.value(), accepted.0);
        let shard = restored.get_mut(shard).context("an entry for a shard that does not exist")?;
        if sequence > shard.sequence() {
            replayed += entries.len();
            let changes = shard.apply(sequence, accepted.0, entries).changes;
            for change in changes.into_iter().filter(|change| change.number > unknown) {
                hub.publish(event_id(change.number, accepted.0), change);
            }
        }
    }
    drop(transaction);
    let users: usize = restored.iter().map(Shard::users).sum();
    tracing::info!("restored {users} users and {replayed} later commands in {:.1?}", started.elapsed());

    let shards: Arc<[_]> = restored.into_iter().map(RwLock::new).collect();
    let (sender, submissions) = mpsc::channel(QUEUE);
    let clock = Arc::new(Clock(Mutex::new(time)));
    let embedded =
        Embedded { shards: Arc::clone(&shards), clock: Arc::clone(&clock), submissions: sender };
    let writer = Writer {
        database,
        shards,
        submissions,
        hub,
        clock,
        ticks,
        last_tick: None,
        sequence,
        stored,
        entries_since_snapshot: replayed,
    };
    Ok((embedded, writer))
}

impl Embedded {
    /// Commits an entry and applies it.
    pub(crate) async fn apply(&self, shard: usize, entry: Entry) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        let submission = Submission { shard, entry, answer };
        self.submissions.try_send(submission).map_err(|_| Error::busy())?;
        Ok(answered.await.map_err(|_| Error::unavailable("the service stops"))??)
    }

    /// Answers a question about users of one shard, at `at` or now.
    pub(crate) fn ask(&self, shard: usize, question: &Question, at: Option<Timestamp>) -> Reply {
        let shard = self.shards[shard].read();
        in_crate(|| shard.answer(question, at.unwrap_or_else(|| shard.now(self.clock.now()))))
    }

    /// Returns whether the log can be written.
    pub(crate) fn is_healthy(&self) -> bool {
        !self.submissions.is_closed()
    }
}

impl Writer {
    /// Returns the changes.
    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Commits and applies until the service has stopped. If the file cannot be written, what waits is not
    /// answered, and the process must end: what is in the file is right.
    pub(crate) fn run(mut self, runtime: &Handle) -> anyhow::Result<()> {
        let mut waiting = Vec::with_capacity(COMMIT);
        loop {
            let received = runtime.block_on(async {
                timeout(TICK, self.submissions.recv_many(&mut waiting, COMMIT)).await
            });
            if received == Ok(0) {
                return Ok(());
            }
            self.commit(std::mem::take(&mut waiting))?;
        }
    }

    /// Commits what waits and the ticks that are due, applies them, and answers.
    fn commit(&mut self, waiting: Vec<Submission>) -> anyhow::Result<()> {
        let now = self.clock.now();
        let accepted = Time(now);
        let mut groups: BTreeMap<usize, (Vec<Entry>, Vec<_>)> = BTreeMap::new();
        for Submission { shard, entry, answer } in waiting {
            let (entries, answers) = groups.entry(shard).or_default();
            entries.push(entry);
            answers.push(answer);
        }
        for shard in self.due_shards(now) {
            // A command lets time pass too.
            groups.entry(shard).or_insert_with(|| (vec![Entry::tick(None)], Vec::new()));
        }
        if groups.is_empty() {
            return Ok(());
        }

        let started = Instant::now();
        let transaction = self.database.begin_write()?;
        let mut committed = Vec::with_capacity(groups.len());
        let last = self.sequence;
        {
            let mut log = transaction.open_table(LOG)?;
            for (shard, (entries, answers)) in groups {
                self.sequence += 1;
                self.entries_since_snapshot += entries.len();
                let group = Group { shard, accepted, entries };
                log.insert(self.sequence, postcard::to_stdvec(&group)?.as_slice())?;
                committed.push((self.sequence, group, answers));
            }
            if self.entries_since_snapshot >= ENTRIES_PER_SNAPSHOT
                && let Some((oldest, _)) = self.stored.iter().enumerate().min_by_key(|(_, at)| **at)
            {
                self.entries_since_snapshot = 0;
                let started = Instant::now();
                let mut snapshots = transaction.open_table(SNAPSHOTS)?;
                let bytes = self.shards[oldest].read().encode(last)?;
                snapshots.insert(oldest as u64, bytes.as_slice())?;
                self.stored[oldest] = last;
                let contained = self.stored.iter().copied().min().unwrap_or(0);
                log.retain_in(..=contained, |_, _| false)?;
                took("presence_snapshot_seconds", started);
            }
            show("presence_log_groups", usize::try_from(log.len()?).unwrap_or(usize::MAX));
        }
        transaction.commit()?;
        took("presence_log_seconds", started);

        for (sequence, Group { shard, entries, .. }, answers) in committed {
            let mut shard = self.shards[shard].write();
            let Applied { answers: results, changes } =
                in_crate(|| shard.apply(sequence, accepted.0, entries));
            drop(shard);
            for change in changes {
                self.hub.publish(event_id(change.number, now), change);
            }
            for (answer, result) in answers.into_iter().zip(results) {
                // The caller may have gone.
                let _ = answer.send(result);
            }
        }
        metrics::counter!("presence_commits_total").increment(1);
        Ok(())
    }

    /// Returns the shards that must tick now.
    fn due_shards(&mut self, now: Timestamp) -> Vec<usize> {
        if !self.ticks || self.last_tick.is_some_and(|last| last.elapsed() < TICK) {
            return Vec::new();
        }
        self.last_tick = Some(Instant::now());
        let shards = self.shards.iter().map(RwLock::read).enumerate();
        let due = shards.filter(|(_, shard)| shard.is_due(now)).map(|(number, _)| number).collect();
        show("presence_users", self.shards.iter().map(|shard| shard.read().users()).sum());
        due
    }
}
