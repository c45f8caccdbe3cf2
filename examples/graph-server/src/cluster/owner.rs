//! The owner of a shard: it restores the shard, follows its log, answers, publishes and stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_nats::Subscriber;
use async_nats::jetstream::message::Message;
use async_nats::jetstream::object_store::ObjectInfo;
use async_nats::jetstream::response::Response;
use futures_util::{StreamExt, TryStreamExt};
use parking_lot::RwLock;
use presence_core::Timestamp;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::sync::watch;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{MissedTickBehavior, interval};

use super::ANSWER;
use super::changes::Outbox;
use super::clock::Clock;
use super::commands::{ANSWER_TO, GROUP_NUMBER};
use super::lease::{Lease, Record};
use super::process::{Process, last_of, place_of, read};
use crate::error::Error;
use crate::figures::{in_crate, took};
use crate::shard::{Entry, Question, Reply, Shard, TICK, Time, shard_of};

/// A shard is stored after this many entries, or after [`SNAPSHOT_AGE`] if there were any.
const ENTRIES_PER_SNAPSHOT: usize = 16_384;
/// How long a shard may differ from its snapshot. The next owner publishes the changes since then again.
const SNAPSHOT_AGE: Duration = Duration::from_secs(60);

/// A shard that this process owns and that has caught up with its log.
pub(super) struct Owned {
    shard: RwLock<Shard>,
    clock: Clock,
    lease: Lease,
    /// Whether the shard is being left to others.
    left: AtomicBool,
}

impl Owned {
    /// Returns whether nobody else may have answered anything yet. Asked after the answer was found.
    fn may_answer(&self) -> bool {
        self.lease.is_valid() && !self.left.load(Ordering::SeqCst)
    }

    /// Returns how many users are stored.
    pub(super) fn users(&self) -> usize {
        self.shard.read().users()
    }

    /// Answers a question, unless the lease has expired.
    pub(super) fn answer(&self, question: &Question, at: Option<Timestamp>) -> Result<Reply, Error> {
        let shard = self.shard.read();
        let at = at.unwrap_or_else(|| shard.now(self.clock.now(Instant::now())));
        let reply = in_crate(|| shard.answer(question, at));
        if self.may_answer() {
            Ok(reply)
        } else {
            Err(Error::unavailable("the users have no owner now"))
        }
    }
}

/// The owner of one shard.
struct Owner {
    process: Arc<Process>,
    number: usize,
    owned: Arc<Owned>,
    record: Record,
    revision: u64,
    outbox: Arc<Outbox>,
    /// When a tick was put into the log that has not come back yet.
    ticked: Option<Instant>,
    entries_since_snapshot: usize,
    /// When the shard is stored if there were entries.
    next_snapshot: Instant,
    /// The snapshot that is being stored.
    storing: JoinSet<anyhow::Result<(Record, u64)>>,
    /// The publisher and the answers to questions. They end with the owner.
    tasks: JoinSet<anyhow::Result<()>>,
}

/// Owns a shard until it must stop, and then leaves it to others.
pub(super) async fn own(
    process: Arc<Process>,
    number: usize,
    revision: u64,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let (record, found) = process.record(number).await?;
    anyhow::ensure!(found == revision, "the shard was taken");
    let shard = process.restore(&record).await.with_context(|| format!("restoring shard {number}"))?;
    let outbox = Outbox::new(shard.last_change());
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&process).publish(number, Arc::clone(&outbox)));
    // What this owner stores comes later.
    let chunks = process.list_chunks().await?;
    let object = record.object.clone();
    tasks.spawn(Arc::clone(&process).delete_leftovers(number, record.sequence, object, chunks));
    // Shards that were taken together are stored one after another.
    let turn = SNAPSHOT_AGE.as_secs() * (number as u64 + 1) / process.owned.len() as u64;
    let mut owner = Owner {
        owned: Arc::new(Owned {
            shard: RwLock::new(shard),
            clock: Clock::new(Timestamp::UNIX_EPOCH, Instant::now()),
            lease: process.lease.clone(),
            left: AtomicBool::new(false),
        }),
        process,
        number,
        record,
        revision,
        outbox,
        ticked: None,
        entries_since_snapshot: 0,
        next_snapshot: Instant::now() + Duration::from_secs(turn),
        storing: JoinSet::new(),
        tasks,
    };
    owner.follow(stop).await?;
    owner.leave().await
}

impl Owner {
    /// Follows the log of the shard.
    async fn follow(&mut self, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let mut connection = self.process.connection.clone();
        connection.mark_unchanged();
        let subject = self.process.subject("commands", self.number);
        // Whoever owned the shard before answers no more: what it has answered is in the log up to here.
        let last = last_of(&self.process.commands, &subject).await?;
        let end = last.map_or(0, |message| message.sequence);
        let start = self.owned.shard.read().sequence() + 1;
        let mut messages = read(&self.process.commands, subject.clone(), start).await?;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut serves = false;
        loop {
            if !serves && self.owned.shard.read().sequence() >= end {
                serves = true;
                self.serve().await?;
            }
            let has_room = !self.outbox.is_full();
            tokio::select! {
                message = messages.next(), if has_room => self.receive(&message.context("the log ended")??).await?,
                () = self.outbox.room(), if !has_room => {}
                _ = ticks.tick(), if serves => self.tick(&subject).await?,
                Some(stored) = self.storing.join_next() => (self.record, self.revision) = stored??,
                ended = self.tasks.join_next() => ended.context("no publisher")??.context("publishing")?,
                _ = connection.changed() => anyhow::bail!("NATS was lost"),
                _ = stop.changed() => return Ok(()),
            }
            let due = self.entries_since_snapshot >= ENTRIES_PER_SNAPSHOT
                || (self.entries_since_snapshot > 0 && Instant::now() >= self.next_snapshot);
            if due && self.storing.is_empty() {
                let store = self.store()?;
                self.storing.spawn(store);
            }
        }
    }

    /// Applies a group of the log, and answers the process that sent it.
    async fn receive(&mut self, message: &Message) -> anyhow::Result<()> {
        let (sequence, accepted) = place_of(message)?;
        if sequence <= self.owned.shard.read().sequence() {
            return Ok(());
        }
        let entries: Vec<Entry> = serde_json::from_slice(&message.payload).unwrap_or_else(|error| {
            tracing::error!("message {sequence} of the log is not a group of entries: {error}");
            Vec::new()
        });
        self.entries_since_snapshot += entries.len();
        if entries.iter().any(|entry| entry.user.is_none()) {
            self.ticked = None;
        }
        self.owned.clock.set(accepted, Instant::now());
        let applied = {
            let mut shard = self.owned.shard.write();
            in_crate(|| shard.apply(sequence, accepted, entries))
        };

        let headers = message.headers.as_ref();
        let header = |name| headers.and_then(|headers| Some(headers.get(name)?.as_str()));
        let group = header(GROUP_NUMBER).and_then(|group| group.parse::<u64>().ok());
        if let (Some(subject), Some(group)) = (header(ANSWER_TO), group)
            // If the lease has expired, the next owner answers.
            && self.owned.may_answer()
        {
            let answers: Vec<_> =
                applied.answers.into_iter().map(|answer| answer.map_err(Error::from)).collect();
            let payload = postcard::to_stdvec(&(group, answers))?;
            // An answer that is lost is missed by its request alone.
            let _ = self.process.client.publish(subject.to_owned(), payload.into()).await;
        }
        self.outbox.add(applied.changes);
        Ok(())
    }

    /// Puts a tick into the log if one is due and none is on its way.
    async fn tick(&mut self, subject: &str) -> anyhow::Result<()> {
        if self.process.ticks
            && self.ticked.is_none_or(|ticked| ticked.elapsed() >= ANSWER)
            && self.owned.may_answer()
            && self.owned.shard.read().is_due(self.owned.clock.now(Instant::now()))
        {
            let payload = serde_json::to_vec(&[Entry::tick(None)])?;
            // Nobody waits for it: a tick that is lost is followed by the next.
            self.process.client.publish(subject.to_owned(), payload.into()).await?;
            self.ticked = Some(Instant::now());
        }
        Ok(())
    }

    /// Starts to answer questions.
    async fn serve(&mut self) -> anyhow::Result<()> {
        self.owned.clock.set(self.process.log_time().await?, Instant::now());
        let questions =
            self.process.client.subscribe(self.process.subject("questions", self.number)).await?;
        if let Some(owned) = self.process.owned.get(self.number) {
            *owned.write() = Some(Arc::clone(&self.owned));
        }
        self.tasks.spawn(Arc::clone(&self.process).answer_questions(Arc::clone(&self.owned), questions));
        Ok(())
    }

    /// Encodes the shard, and returns the future that stores it once its changes have been published.
    fn store(&mut self) -> anyhow::Result<impl Future<Output = anyhow::Result<(Record, u64)>> + use<>> {
        (self.entries_since_snapshot, self.next_snapshot) = (0, Instant::now() + SNAPSHOT_AGE);
        let shard = self.owned.shard.read();
        let (sequence, last_change) = (shard.sequence(), shard.last_change());
        let bytes = block_in_place(|| shard.encode(sequence))?;
        let (process, outbox, number) =
            (Arc::clone(&self.process), Arc::clone(&self.outbox), self.number);
        let (old, revision) = (self.record.object.clone(), self.revision);
        Ok(async move {
            outbox.published(last_change).await;

            let started = Instant::now();
            let object = format!("{number}-{sequence}-{}", process.id);
            process.snapshots.put(object.as_str(), &mut bytes.as_slice()).await?;
            let record = Record { owner: Some(process.id.clone()), sequence, object: Some(object) };
            let Some(revision) = process.swap(number, &record, revision).await? else {
                process.snapshots.delete(record.object.unwrap_or_default()).await?;
                anyhow::bail!("the shard was taken");
            };

            took("presence_snapshot_seconds", started);
            // From here on the log up to the snapshot is not needed, and nobody else stores another.
            let purge = process.commands.purge().sequence(sequence + 1);
            purge.filter(process.subject("commands", number)).await?;
            if let Some(old) = old.filter(|old| Some(old) != record.object.as_ref()) {
                process.snapshots.delete(old).await?;
            }
            Ok((record, revision))
        })
    }

    /// Stores the shard and leaves it to others.
    async fn leave(&mut self) -> anyhow::Result<()> {
        while let Some(stored) = self.storing.join_next().await {
            (self.record, self.revision) = stored??;
        }
        if self.entries_since_snapshot > 0 {
            (self.record, self.revision) = self.store()?.await?;
        }
        self.owned.left.store(true, Ordering::SeqCst);
        self.record.owner = None;
        self.process
            .swap(self.number, &self.record, self.revision)
            .await?
            .context("the shard was taken")?;
        Ok(())
    }
}

impl Drop for Owner {
    /// Ends the answers, however the owner ends.
    fn drop(&mut self) {
        self.owned.left.store(true, Ordering::SeqCst);
        if let Some(owned) = self.process.owned.get(self.number) {
            let _ = owned.write().take_if(|owned| Arc::ptr_eq(owned, &self.owned));
        }
    }
}

/// What NATS says about the stream of commands, with its own time.
#[derive(Deserialize)]
struct LogTime {
    ts: Time,
}

impl Process {
    /// Restores a shard from its snapshot.
    async fn restore(&self, record: &Record) -> anyhow::Result<Shard> {
        let Some(object) = &record.object else { return Ok(Shard::default()) };
        let started = Instant::now();
        let mut bytes = Vec::new();
        self.snapshots.get(object).await?.read_to_end(&mut bytes).await?;
        // Many users take long, and the lease must be renewed meanwhile.
        let shard = block_in_place(|| Shard::decode(&bytes))?;
        tracing::info!("restored {} users of {object} in {:.1?}", shard.users(), started.elapsed());
        Ok(shard)
    }

    /// Returns the time of the server of NATS that accepts commands.
    async fn log_time(&self) -> anyhow::Result<Timestamp> {
        let stream = &self.commands.cached_info().config.name;
        let answer = self.jetstream.request(format!("STREAM.INFO.{stream}"), &()).await?;
        match answer {
            Response::Ok(LogTime { ts: Time(time) }) => Ok(time),
            Response::Err { error } => Err(error.into()),
        }
    }

    /// Lists the subjects of the chunks of snapshots.
    async fn list_chunks(&self) -> anyhow::Result<Vec<String>> {
        let subjects = self.chunks.info_with_subjects(self.chunk("*")).await?;
        Ok(subjects.map_ok(|(subject, _)| subject).try_collect().await?)
    }

    /// Deletes the snapshots of a shard up to a sequence number, but not the one that its record names: that of
    /// an owner that has died, or an old one. A later owner has a snapshot with a higher sequence number. Of
    /// a snapshot whose owner died while it stored it, there are only chunks: they begin with a user.
    async fn delete_leftovers(
        self: Arc<Self>,
        number: usize,
        last: u64,
        named: Option<String>,
        mut chunks: Vec<String>,
    ) -> anyhow::Result<()> {
        let mut objects = self.snapshots.list().await?;
        while let Some(object) = objects.next().await {
            let ObjectInfo { name, nuid, .. } = object?;
            chunks.retain(|chunk| *chunk != self.chunk(&nuid));
            let mut parts = name.split('-').map(str::parse::<u64>);
            if let (Some(Ok(shard)), Some(Ok(sequence))) = (parts.next(), parts.next())
                && shard == number as u64
                && sequence <= last
                && named.as_ref() != Some(&name)
            {
                self.snapshots.delete(name).await?;
            }
        }
        for chunk in chunks {
            // Another owner may have deleted it meanwhile.
            let Ok(first) = self.chunks.get_first_raw_message_by_subject(&chunk, 1).await else {
                continue;
            };
            let user = Shard::first_user(&first.payload);
            if user.is_some_and(|user| shard_of(&user, self.owned.len()) == number) {
                self.chunks.purge().filter(chunk).await?;
            }
        }
        Ok(())
    }

    /// Answers the questions of other processes.
    async fn answer_questions(
        self: Arc<Self>,
        owned: Arc<Owned>,
        mut questions: Subscriber,
    ) -> anyhow::Result<()> {
        while let Some(message) = questions.next().await {
            let Some(reply) = message.reply else { continue };
            let answer = match postcard::from_bytes::<(Question, Option<Time>)>(&message.payload) {
                Ok((question, at)) => owned.answer(&question, at.map(|Time(at)| at)),
                Err(error) => Err(Error::unavailable(error.to_string())),
            };
            self.client.publish(reply, postcard::to_stdvec(&answer)?.into()).await?;
        }
        Ok(())
    }
}
