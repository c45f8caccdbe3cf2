//! Many processes: `JetStream` of NATS is the log and the store.
//!
//! ```text
//! request ──► presence.commands.<shard> ──► owner of the shard ──► presence.answers.<process> ──► answer
//!             (stream: stored, stamped)       │ applies in order
//!                                             ├──► presence.changes.<user>  (stream) ──► watchers
//!                                             └──► snapshots (object store), then the log is purged
//! read ─────► presence.questions.<shard> ───► owner of the shard ──► answer
//! ```

mod lease;
mod owner;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use async_nats::client::Client;
use async_nats::connection::State;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::object_store::{self, ObjectStore};
use async_nats::jetstream::stream::{self, DiscardPolicy, Stream};
use async_nats::jetstream::{self, kv};
use async_nats::{ConnectOptions, Event, Subscriber};
use clap::Args;
use futures_util::StreamExt;
use parking_lot::{Mutex, RwLock};
use presence_core::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use self::owner::Owned;
use crate::error::Error;
use crate::shard::{Change, Entry, Question, Reply, Time};
use crate::watch::{HISTORY, Hub};

/// How long a process lives for the others after it was heard of.
const LEASE: Duration = Duration::from_secs(3);
/// How long a command waits for its owner, and a publication for its acknowledgement.
const ANSWER: Duration = Duration::from_secs(5);
/// How many commands of a shard may wait to be sent. The next ones are told to come again.
const QUEUE: usize = 2_048;
/// How many commands are one message at most: it is shorter than NATS' limit of a megabyte then.
const GROUP: usize = 256;
/// How long changes are kept in their stream.
const CHANGES_AGE: Duration = Duration::from_secs(3600);
/// The most messages that wait in the log, should there be no owner.
const MAX_LOG: i64 = 1_000_000;

/// The header with the subject for the answers to a group.
const ANSWER_TO: &str = "Presence-Answer-To";
/// The header with the number of a group.
const GROUP_NUMBER: &str = "Presence-Group";

/// How to reach the other processes.
#[derive(Debug, Args)]
pub struct ClusterFlags {
    /// The server of NATS, for many processes, such as `nats://127.0.0.1:4222`
    #[arg(long, value_name = "URL")]
    pub nats: Option<String>,
    /// On how many servers of NATS each message is stored
    #[arg(long, value_name = "N", default_value_t = 1)]
    replicas: usize,
}

/// One process of many.
pub struct Cluster {
    process: Arc<Process>,
    /// Commands by shard.
    submissions: Vec<mpsc::Sender<Submission>>,
    leases: Mutex<Option<JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

/// What the tasks of this process share.
struct Process {
    /// The id of this process among the others.
    id: String,
    client: Client,
    jetstream: jetstream::Context,
    commands: Stream,
    changes: Stream,
    snapshots: ObjectStore,
    /// The owner and the snapshot of each shard.
    shards: kv::Store,
    /// The processes that are alive.
    processes: kv::Store,
    /// The shards that this process owns.
    owned: Box<[RwLock<Option<Arc<Owned>>>]>,
    hub: Arc<Hub>,
    /// Groups of commands that wait for their owner.
    waiting: Mutex<HashMap<u64, Vec<Answer>>>,
    next_group: AtomicU64,
    /// Rises with each connection to NATS and each loss of it.
    connection: watch::Receiver<u64>,
    /// Whether shards tick by the clock of the system.
    ticks: bool,
}

type Answer = oneshot::Sender<Result<(), Error>>;

/// A command that waits to be sent.
struct Submission {
    entry: Entry,
    answer: Answer,
}

impl Cluster {
    /// Connects, creates what is missing in NATS, and starts to own shards.
    ///
    /// # Errors
    ///
    /// If the streams were created with another number of shards.
    pub async fn start(flags: &ClusterFlags, shards: usize, ticks: bool) -> anyhow::Result<Self> {
        let (connections, connection) = watch::channel(0);
        let client = ConnectOptions::new()
            .retry_on_initial_connect()
            .ping_interval(LEASE)
            .reconnect_delay_callback(|attempts| Duration::from_millis(50 * attempts.min(10) as u64))
            .event_callback(move |event| {
                if matches!(event, Event::Connected | Event::Disconnected) {
                    connections.send_modify(|number| *number += 1);
                }
                tracing::info!("NATS: {event}");
                std::future::ready(())
            })
            .connect(flags.nats.as_deref().unwrap_or_default())
            .await?;
        let jetstream = ContextBuilder::new().timeout(ANSWER).ack_timeout(ANSWER).build(client.clone());
        let process = loop {
            match Process::new(&client, &jetstream, flags.replicas, shards, connection.clone(), ticks)
                .await
            {
                Ok(process) => break Arc::new(process),
                Err(error) => tracing::warn!("waiting for NATS: {error:#}"),
            }
            sleep(Duration::from_secs(1)).await;
        };
        let found =
            process.commands.cached_info().config.metadata.get("shards").cloned().unwrap_or_default();
        anyhow::ensure!(found == shards.to_string(), "the log has {found} shards and not {shards}");

        let answers = process.client.subscribe(format!("presence.answers.{}", process.id)).await?;
        tokio::spawn(Arc::clone(&process).receive_answers(answers));
        let submissions = (0..shards).map(|shard| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            tokio::spawn(Arc::clone(&process).send_commands(shard, receiver));
            sender
        });
        let submissions = submissions.collect();
        tokio::spawn(Arc::clone(&process).give_up());
        tokio::spawn(Arc::clone(&process).follow_changes());
        let (stop, stopped) = watch::channel(false);
        let leases = tokio::spawn(lease::keep(Arc::clone(&process), stopped));
        Ok(Self { process, submissions, leases: Mutex::new(Some(leases)), stop })
    }

    /// Stores an entry in the log, and waits for the answer of its owner.
    ///
    /// # Errors
    ///
    /// The rejection of the command. 429: it was not stored. 503: it may have been stored.
    pub async fn apply(&self, shard: usize, entry: Entry) -> Result<(), Error> {
        if !self.is_healthy() {
            return Err(Error::unavailable("NATS cannot be reached"));
        }
        let (answer, answered) = oneshot::channel();
        let submissions = self.submissions.get(shard).ok_or_else(Error::busy)?;
        submissions.try_send(Submission { entry, answer }).map_err(|_| Error::busy())?;
        match timeout(ANSWER, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::unavailable("NATS was lost: the command may have been accepted")),
            Err(_) => {
                Err(Error::unavailable("the owner did not answer: the command may have been accepted"))
            }
        }
    }

    /// Asks the owner of a shard.
    ///
    /// # Errors
    ///
    /// 503 if there is no owner now.
    pub async fn ask(
        &self,
        shard: usize,
        question: &Question,
        at: Option<Timestamp>,
    ) -> Result<Reply, Error> {
        let owned = self.process.owned.get(shard).and_then(|owned| owned.read().clone());
        if let Some(owned) = owned {
            return owned.answer(question, at);
        }
        if !self.is_healthy() {
            return Err(Error::unavailable("NATS cannot be reached"));
        }
        let payload = postcard::to_stdvec(&(question, at.map(Time)))
            .map_err(|error| Error::unavailable(error.to_string()))?;
        let subject = format!("presence.questions.{shard}");
        let reply = timeout(ANSWER, self.process.client.request(subject, payload.into())).await;
        let Ok(Ok(reply)) = reply else {
            return Err(Error::unavailable("the users have no owner now"));
        };
        postcard::from_bytes::<Result<Reply, Error>>(&reply.payload)
            .unwrap_or_else(|error| Err(Error::unavailable(error.to_string())))
    }

    /// Returns the number of shards.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.submissions.len()
    }

    /// Returns the changes.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.process.hub
    }

    /// Returns whether NATS can be reached.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.process.client.connection_state() == State::Connected
    }

    /// Stores the shards of this process and leaves them to others.
    pub async fn stop(&self) {
        let _ = self.stop.send(true);
        let leases = self.leases.lock().take();
        if let Some(leases) = leases {
            let _ = leases.await;
        }
    }
}

impl Process {
    async fn new(
        client: &Client,
        jetstream: &jetstream::Context,
        num_replicas: usize,
        shards: usize,
        connection: watch::Receiver<u64>,
        ticks: bool,
    ) -> anyhow::Result<Self> {
        let commands = jetstream
            .get_or_create_stream(stream::Config {
                name: "presence-commands".to_owned(),
                subjects: vec!["presence.commands.*".to_owned()],
                max_messages: MAX_LOG,
                discard: DiscardPolicy::New,
                num_replicas,
                metadata: HashMap::from([("shards".to_owned(), shards.to_string())]),
                ..stream::Config::default()
            })
            .await?;
        let changes = jetstream
            .get_or_create_stream(stream::Config {
                name: "presence-changes".to_owned(),
                subjects: vec!["presence.changes.*".to_owned()],
                max_age: CHANGES_AGE,
                num_replicas,
                ..stream::Config::default()
            })
            .await?;
        let shards_config =
            kv::Config { bucket: "presence-shards".to_owned(), num_replicas, ..kv::Config::default() };
        let processes_config = kv::Config {
            bucket: "presence-processes".to_owned(),
            max_age: LEASE,
            num_replicas,
            ..kv::Config::default()
        };
        let snapshots_config = object_store::Config {
            bucket: "presence-snapshots".to_owned(),
            num_replicas,
            ..object_store::Config::default()
        };
        let state = changes.get_info().await?.state;
        let history = state.last_sequence.saturating_sub(HISTORY as u64);
        Ok(Self {
            id: client.new_inbox().trim_start_matches("_INBOX.").to_owned(),
            client: client.clone(),
            jetstream: jetstream.clone(),
            commands,
            changes,
            snapshots: jetstream.create_object_store(snapshots_config).await?,
            shards: jetstream.create_key_value(shards_config).await?,
            processes: jetstream.create_key_value(processes_config).await?,
            owned: (0..shards).map(|_| RwLock::new(None)).collect(),
            hub: Hub::new(history.max(state.first_sequence.saturating_sub(1))),
            waiting: Mutex::default(),
            next_group: AtomicU64::new(0),
            connection,
            ticks,
        })
    }

    /// Sends the commands of a shard to the log: what has come while the last group was stored is the
    /// next group.
    async fn send_commands(self: Arc<Self>, shard: usize, mut submissions: mpsc::Receiver<Submission>) {
        let subject = format!("presence.commands.{shard}");
        let answer_to = format!("presence.answers.{}", self.id);
        let mut connection = self.connection.clone();
        let mut group = Vec::with_capacity(GROUP);
        while submissions.recv_many(&mut group, GROUP).await > 0 {
            let (entries, answers): (Vec<_>, Vec<_>) =
                group.drain(..).map(|s| (s.entry, s.answer)).unzip();
            let number = self.next_group.fetch_add(1, Ordering::Relaxed);
            self.waiting.lock().insert(number, answers);
            connection.mark_unchanged();
            let stored = async {
                let message = PublishMessage::build()
                    .payload(serde_json::to_vec(&entries)?.into())
                    .header(ANSWER_TO, answer_to.as_str())
                    .header(GROUP_NUMBER, number.to_string().as_str());
                anyhow::Ok(self.jetstream.send_publish(subject.clone(), message).await?.await?)
            };
            let stored = tokio::select! {
                stored = stored => stored,
                _ = connection.changed() => Err(anyhow::anyhow!("NATS was lost")),
            };
            let process = Arc::clone(&self);
            match stored {
                // Who waits for longer has got an answer already.
                Ok(_) => drop(tokio::spawn(async move {
                    sleep(ANSWER).await;
                    process.waiting.lock().remove(&number);
                })),
                Err(error) => {
                    tracing::warn!("shard {shard}: a group of commands was not stored: {error:#}");
                    self.waiting.lock().remove(&number);
                }
            }
        }
    }

    /// If NATS is lost, nobody waits for an answer.
    async fn give_up(self: Arc<Self>) {
        let mut connection = self.connection.clone();
        while connection.changed().await.is_ok() {
            self.waiting.lock().clear();
        }
    }

    /// Passes answers of owners on to the requests that wait.
    async fn receive_answers(self: Arc<Self>, mut answers: Subscriber) {
        while let Some(message) = answers.next().await {
            self.receive_answer(&message.payload);
        }
    }

    fn receive_answer(&self, payload: &[u8]) {
        let Ok((number, results)) = postcard::from_bytes::<(u64, Vec<Result<(), Error>>)>(payload)
        else {
            tracing::error!("an answer cannot be read");
            return;
        };
        let answers = self.waiting.lock().remove(&number).unwrap_or_default();
        for (answer, result) in answers.into_iter().zip(results) {
            let _ = answer.send(result);
        }
    }

    /// Gives the changes of all processes to the watchers of this one.
    async fn follow_changes(self: Arc<Self>) {
        let mut connection = self.connection.clone();
        loop {
            connection.mark_unchanged();
            tokio::select! {
                result = self.follow_changes_once() => {
                    tracing::warn!("following changes: {:#}", result.err().unwrap_or_else(|| anyhow::anyhow!("it ended")));
                    sleep(Duration::from_secs(1)).await;
                }
                _ = connection.changed() => {}
            }
        }
    }

    async fn follow_changes_once(&self) -> anyhow::Result<()> {
        let next = self.hub.latest() + 1;
        let first = self.changes.get_info().await?.state.first_sequence;
        if first > next {
            self.hub.forget(first - 1);
        }
        let mut messages = self
            .changes
            .create_consumer(pull::OrderedConfig {
                deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
                ..pull::OrderedConfig::default()
            })
            .await?
            .messages()
            .await?;
        while let Some(message) = messages.next().await {
            let message = message?;
            let info = message.info().map_err(|error| anyhow::anyhow!(error))?;
            let change: Change = serde_json::from_slice(&message.payload).context("reading a change")?;
            if info.stream_sequence > self.hub.latest() {
                self.hub.publish(info.stream_sequence, change);
            }
        }
        Ok(())
    }
}
