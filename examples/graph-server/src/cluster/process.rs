//! What the tasks of a process share: its streams and buckets in NATS, and the shards that it owns.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_nats::client::Client;
use async_nats::connection::State;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::object_store::{self, ObjectStore};
use async_nats::jetstream::stream::{self, DiscardPolicy, Stream};
use async_nats::jetstream::{self, kv};
use async_nats::{ConnectOptions, Event};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio::time::sleep;

use super::commands::Answer;
use super::owner::Owned;
use super::{ANSWER, ClusterFlags, LEASE};
use crate::watch::Hub;

/// The most messages that wait in the log, should there be no owner.
const MAX_LOG: i64 = 1_000_000;
/// How long changes are kept in their stream.
const CHANGES_AGE: Duration = Duration::from_secs(3600);

/// How many bytes of changes are kept. It is more than the history of a process, whatever the ids are, and a
/// process that starts reads all of it.
const CHANGES_BYTES: i64 = 128 << 20;

/// What the tasks of this process share.
pub(super) struct Process {
    /// The id of this process among the others.
    pub(super) id: String,
    pub(super) client: Client,
    pub(super) jetstream: jetstream::Context,
    pub(super) commands: Stream,
    pub(super) changes: Stream,
    pub(super) snapshots: ObjectStore,
    /// The owner and the snapshot of each shard.
    pub(super) shards: kv::Store,
    /// The processes that are alive.
    pub(super) processes: kv::Store,
    /// The shards that this process owns.
    pub(super) owned: Box<[RwLock<Option<Arc<Owned>>>]>,
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
    /// Connects to NATS, and creates what is missing there.
    pub(super) async fn connect(
        flags: &ClusterFlags,
        shards: usize,
        ticks: bool,
    ) -> anyhow::Result<Self> {
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
            let new = Self::new(&client, &jetstream, flags.replicas, shards, connection.clone(), ticks);
            match Box::pin(new).await {
                Ok(process) => break process,
                Err(error) => tracing::warn!("waiting for NATS: {error:#}"),
            }
            sleep(Duration::from_secs(1)).await;
        };
        let found =
            process.commands.cached_info().config.metadata.get("shards").cloned().unwrap_or_default();
        anyhow::ensure!(found == shards.to_string(), "the log has {found} shards and not {shards}");
        Ok(process)
    }

    /// Returns whether NATS can be reached.
    pub(super) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

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
                max_bytes: CHANGES_BYTES,
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
            hub: Hub::new(0),
            waiting: Mutex::default(),
            next_group: AtomicU64::new(0),
            connection,
            ticks,
        })
    }
}
