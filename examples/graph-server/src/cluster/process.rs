//! What the tasks of a process share: its streams and buckets in NATS, and the shards that it owns.

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::client::Client;
use async_nats::connection::State;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::context::{ContextBuilder, GetStreamErrorKind};
use async_nats::jetstream::message::{Message, StreamMessage};
use async_nats::jetstream::object_store::{self, ObjectStore};
use async_nats::jetstream::stream::{self, DiscardPolicy, LastRawMessageErrorKind, Stream};
use async_nats::jetstream::{self, ErrorCode, kv};
use async_nats::{ConnectError, ConnectErrorKind, Event, ServerInfo};
use futures_util::StreamExt;
use parking_lot::{Mutex, RwLock};
use presence_core::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

use super::commands::Answer;
use super::lease::{Lease, Records};
use super::owner::Owned;
use super::{ANSWER, ClusterFlags};
use crate::ownership::LEASE;
use crate::shard::FORMAT;
use crate::watch::{Hub, event_id};

/// The most messages that wait in the log, should there be no owner.
const MAX_LOG: i64 = 1_000_000;
/// How long changes are kept in their stream.
const CHANGES_AGE: Duration = Duration::from_secs(3600);
/// The oldest version of NATS that has all that is used here.
const OLDEST: (u32, u32) = (2, 10);
/// The size of messages that NATS must take: a full group of commands is smaller.
const MAX_PAYLOAD: usize = 1 << 20;
/// The most shards and the most processes. NATS takes 1,000 consumers of a stream. A shard has one of the
/// log, a process one of the changes, and for 30 seconds there may be that of an owner that has gone.
const MOST: usize = 500;
/// How often the streams are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// How many bytes of changes are kept. It is more than the history of a process, whatever the ids are, and a
/// process that starts reads all of it.
const CHANGES_BYTES: i64 = 128 << 20;

/// What the tasks of this process share.
pub(super) struct Process {
    /// The id of this process among the others.
    pub(super) id: String,
    /// What all names in NATS begin with.
    prefix: String,
    pub(super) client: Client,
    pub(super) jetstream: jetstream::Context,
    pub(super) commands: Stream,
    pub(super) changes: Stream,
    pub(super) snapshots: ObjectStore,
    /// The stream of the snapshots.
    pub(super) chunks: Stream,
    /// The owner and the snapshot of each shard.
    pub(super) shards: kv::Store,
    /// The processes that are alive.
    pub(super) processes: kv::Store,
    /// The shards that this process owns.
    pub(super) owned: Box<[RwLock<Option<Arc<Owned>>>]>,
    pub(super) lease: Lease,
    /// The shards for which this process answers, or should.
    pub(super) expected: Mutex<Vec<usize>>,
    /// The records that were read last.
    pub(super) records: Mutex<Option<Records>>,
    pub(super) hub: Arc<Hub>,
    /// Groups of commands that wait for their owner.
    pub(super) waiting: Mutex<HashMap<u64, Vec<Answer>>>,
    pub(super) next_group: AtomicU64,
    /// Rises with each connection to NATS and each loss of it.
    pub(super) connection: watch::Receiver<u64>,
    /// Whether shards tick by the clock of the system.
    pub(super) ticks: bool,
}

impl Process {
    /// Connects to NATS, and creates what is missing there. It waits for NATS, unless that cannot do what is needed.
    pub(super) async fn connect(
        flags: &ClusterFlags,
        shards: usize,
        ticks: bool,
    ) -> anyhow::Result<Self> {
        anyhow::ensure!(shards <= MOST, "many processes have at most {MOST} shards: NATS takes no more");
        let (connections, connection) = watch::channel(0);
        let client = loop {
            let connections = connections.clone();
            let options = flags.options().await?.event_callback(move |event| {
                if matches!(event, Event::Connected | Event::Disconnected) {
                    connections.send_modify(|number| *number += 1);
                }
                tracing::info!("NATS: {event}");
                std::future::ready(())
            });
            match options.connect(flags.nats.as_slice()).await {
                Ok(client) => break client,
                Err(error) if is_final(&error) => return Err(error).context("connecting to NATS"),
                Err(error) => tracing::warn!("waiting for NATS: {:#}", anyhow::Error::from(error)),
            }
            sleep(Duration::from_secs(1)).await;
        };
        check(&client.server_info())?;
        let jetstream = ContextBuilder::new().timeout(ANSWER).ack_timeout(ANSWER).build(client.clone());
        let process = loop {
            let new = Self::new(&client, &jetstream, flags, shards, connection.clone(), ticks);
            match Box::pin(new).await {
                Ok(process) => break process,
                Err(error) => tracing::warn!("waiting for NATS: {error:#}"),
            }
            sleep(Duration::from_secs(1)).await;
        };
        let metadata = &process.commands.cached_info().config.metadata;
        let found = |name| metadata.get(name).map_or("(none)", String::as_str);
        anyhow::ensure!(
            found("format") == FORMAT.to_string(),
            "the streams in NATS have format {}, and this version of the service has format {FORMAT}",
            found("format")
        );
        anyhow::ensure!(
            found("shards") == shards.to_string(),
            "the log has {} shards and not {shards}",
            found("shards")
        );
        let alive = process.processes.stream.info_with_subjects(process.key(">")).await?.count().await;
        anyhow::ensure!(alive < MOST, "there are {alive} processes already: NATS takes no more");
        Ok(process)
    }

    /// Returns whether NATS can be reached.
    pub(super) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Returns a subject of this service.
    pub(super) fn subject(&self, kind: &str, of: impl Display) -> String {
        format!("{}.{kind}.{of}", self.prefix)
    }

    /// Returns the subject of the chunks of a snapshot.
    pub(super) fn chunk(&self, nuid: &str) -> String {
        format!("$O.{}-snapshots.C.{nuid}", self.prefix)
    }

    /// Waits until NATS has lost what it had when this process started, and returns what it is.
    ///
    /// State, answers and the numbers of events depend on the log, so nothing can go on without it.
    pub(super) async fn lost(&self) -> anyhow::Error {
        let (shards, processes) = (&self.shards.stream, &self.processes.stream);
        let mut known = [&self.commands, &self.changes, &self.chunks, shards, processes].map(|stream| {
            let info = stream.cached_info();
            (info.config.name.clone(), info.created, info.state.last_sequence)
        });
        loop {
            sleep(LOOK).await;
            for (name, created, last_sequence) in &mut known {
                match self.jetstream.get_stream(name.as_str()).await {
                    Ok(stream) => {
                        let found = stream.cached_info();
                        if found.created != *created || found.state.last_sequence < *last_sequence {
                            return anyhow::anyhow!(
                                "the stream {name} in NATS is not the one of the start any more: start again"
                            );
                        }
                        *last_sequence = found.state.last_sequence;
                    }
                    Err(error) => {
                        if let GetStreamErrorKind::JetStream(error) = error.kind()
                            && error.error_code() == ErrorCode::STREAM_NOT_FOUND
                        {
                            return anyhow::anyhow!("NATS has lost the stream {name}: start again");
                        }
                    }
                }
            }
        }
    }

    async fn new(
        client: &Client,
        jetstream: &jetstream::Context,
        flags: &ClusterFlags,
        shards: usize,
        connection: watch::Receiver<u64>,
        ticks: bool,
    ) -> anyhow::Result<Self> {
        let (prefix, num_replicas) = (&flags.nats_prefix, flags.replicas);
        let commands = jetstream
            .get_or_create_stream(stream::Config {
                name: format!("{prefix}-commands"),
                subjects: vec![format!("{prefix}.commands.*")],
                max_messages: MAX_LOG,
                discard: DiscardPolicy::New,
                num_replicas,
                metadata: HashMap::from([
                    ("format".to_owned(), FORMAT.to_string()),
                    ("shards".to_owned(), shards.to_string()),
                ]),
                ..stream::Config::default()
            })
            .await?;
        let changes = jetstream
            .get_or_create_stream(stream::Config {
                name: format!("{prefix}-changes"),
                subjects: vec![format!("{prefix}.changes.*")],
                max_age: CHANGES_AGE,
                max_bytes: CHANGES_BYTES,
                num_replicas,
                ..stream::Config::default()
            })
            .await?;
        let shards_config =
            kv::Config { bucket: format!("{prefix}-shards"), num_replicas, ..kv::Config::default() };
        let processes_config = kv::Config {
            bucket: format!("{prefix}-processes"),
            max_age: LEASE,
            num_replicas,
            ..kv::Config::default()
        };
        let snapshots_config = object_store::Config {
            bucket: format!("{prefix}-snapshots"),
            num_replicas,
            ..object_store::Config::default()
        };
        let snapshots = jetstream.create_object_store(snapshots_config).await?;
        let chunks = jetstream.get_stream(format!("OBJ_{prefix}-snapshots")).await?;
        Ok(Self {
            id: client.new_inbox().trim_start_matches("_INBOX.").to_owned(),
            prefix: prefix.clone(),
            client: client.clone(),
            jetstream: jetstream.clone(),
            commands,
            changes,
            snapshots,
            chunks,
            shards: jetstream.create_key_value(shards_config).await?,
            processes: jetstream.create_or_update_key_value(processes_config).await?,
            owned: (0..shards).map(|_| RwLock::new(None)).collect(),
            lease: Lease::new(),
            expected: Mutex::default(),
            records: Mutex::default(),
            hub: Hub::new(event_id(0, Timestamp::now())),
            waiting: Mutex::default(),
            next_group: AtomicU64::new(0),
            connection,
            ticks,
        })
    }
}

/// Returns the last message of a subject. The leader of the stream is asked, because others may be behind.
pub(super) async fn last_of(stream: &Stream, subject: &str) -> anyhow::Result<Option<StreamMessage>> {
    match stream.get_last_raw_message_by_subject(subject).await {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads a stream, from a sequence number on, as far as it is about a subject.
pub(super) async fn read(
    stream: &Stream,
    filter_subject: String,
    start_sequence: u64,
) -> anyhow::Result<pull::Ordered> {
    let deliver_policy = DeliverPolicy::ByStartSequence { start_sequence };
    let config =
        pull::OrderedConfig { filter_subject, deliver_policy, ..pull::OrderedConfig::default() };
    Ok(stream.create_consumer(config).await?.messages().await?)
}

/// Returns the sequence number of a message, and when NATS accepted it.
pub(super) fn place_of(message: &Message) -> anyhow::Result<(u64, Timestamp)> {
    let info = message.info().map_err(|error| anyhow::anyhow!(error))?;
    let accepted = Timestamp::from_nanoseconds(info.published.unix_timestamp_nanos())?;
    Ok((info.stream_sequence, accepted))
}

/// Returns whether it is useless to connect again. TLS says by "invalid data" that it does not accept the other side.
fn is_final(error: &ConnectError) -> bool {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation
        | ConnectErrorKind::Authentication
        | ConnectErrorKind::ServerParse
        | ConnectErrorKind::Tls => true,
        _ => source.is_some_and(|source| source.kind() == io::ErrorKind::InvalidData),
    }
}

/// Checks that a server of NATS can do what is needed.
fn check(server: &ServerInfo) -> anyhow::Result<()> {
    let ServerInfo { version, max_payload, jetstream, .. } = server;
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let (major, minor) = OLDEST;
    anyhow::ensure!(found >= OLDEST, "NATS is version {version}: it must be {major}.{minor} or later");
    anyhow::ensure!(
        *max_payload >= MAX_PAYLOAD,
        "NATS takes messages of {max_payload} bytes: its max_payload must be {MAX_PAYLOAD} or more"
    );
    anyhow::ensure!(*jetstream, "NATS runs without JetStream");
    Ok(())
}
