//! What the routes need of the engine, for one process and for many.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::try_join_all;
use presence_core::{Presence, Timestamp};
use tokio::runtime::Handle;

use crate::cluster::{Cluster, ClusterFlags};
use crate::embedded::{self, Embedded};
use crate::error::Error;
use crate::figures::Counted;
use crate::shard::{Entry, Question, Reply, shard_of};
use crate::tasks::Tasks;
use crate::watch::Hub;

/// The users, here or on many processes.
pub(crate) struct Service {
    log: Log,
    shards: usize,
    hub: Arc<Hub>,
}

/// Where commands go to and answers come from.
enum Log {
    /// All users are in this process.
    Embedded(Embedded),
    /// This process owns some of the users.
    Cluster(Cluster),
}

impl Service {
    /// Joins other processes if there are URLs of NATS, or restores the users of a folder.
    pub(crate) async fn start(
        folder: &Path,
        cluster: &ClusterFlags,
        shards: usize,
        ticks: bool,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        if cluster.nats.is_empty() {
            let (embedded, writer) = embedded::open(folder, shards, ticks)?;
            let hub = Arc::clone(writer.hub());
            let runtime = Handle::current();
            tasks.spawn_thread("the writer", move || writer.run(&runtime));
            return Ok(Self { log: Log::Embedded(embedded), shards, hub });
        }
        let cluster = Cluster::start(cluster, shards, ticks, tasks).await?;
        let hub = Arc::clone(cluster.hub());
        Ok(Self { log: Log::Cluster(cluster), shards, hub })
    }

    /// Stores an entry in the log of a shard, and applies it. 429 says that it was not stored, and 503 that it
    /// may have been.
    pub(crate) async fn apply(&self, shard: usize, entry: Entry) -> Result<(), Error> {
        let _waiting = Counted::new("presence_commands_waiting");
        match &self.log {
            Log::Embedded(embedded) => embedded.apply(shard, entry).await,
            Log::Cluster(cluster) => cluster.apply(shard, entry).await,
        }
    }

    /// Answers a question about users of one shard, at `at` or now.
    async fn ask(
        &self,
        shard: usize,
        question: Question,
        at: Option<Timestamp>,
    ) -> Result<Reply, Error> {
        match &self.log {
            Log::Embedded(embedded) => Ok(embedded.ask(shard, &question, at)),
            Log::Cluster(cluster) => cluster.ask(shard, &question, at).await,
        }
    }

    /// Checks that this process can answer for all that it owns, or should.
    pub(crate) fn health(&self) -> Result<(), Error> {
        match &self.log {
            Log::Embedded(embedded) if embedded.is_healthy() => Ok(()),
            Log::Embedded(_) => Err(Error::unavailable("the log cannot be written")),
            Log::Cluster(cluster) => cluster.health(),
        }
    }

    /// Leaves what this process owns to others.
    pub(crate) async fn stop(&self) {
        match &self.log {
            Log::Embedded(_) => {}
            Log::Cluster(cluster) => cluster.stop().await,
        }
    }

    /// Returns the shard of a user.
    pub(crate) fn shard_of(&self, user: &str) -> usize {
        shard_of(user, self.shards)
    }

    /// Returns the changes.
    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Returns the effective presences of users, in their order.
    pub(crate) async fn presences(
        &self,
        users: &[String],
        at: Option<Timestamp>,
    ) -> Result<Vec<Presence>, Error> {
        let mut places: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, user) in users.iter().enumerate() {
            places.entry(self.shard_of(user)).or_default().push(place);
        }
        let replies = try_join_all(places.iter().map(|(shard, places)| {
            let users = places.iter().filter_map(|place| users.get(*place).cloned()).collect();
            self.ask(*shard, Question::Presences(users), at)
        }));
        let mut presences = vec![Presence::Offline; users.len()];
        for (places, reply) in places.values().zip(replies.await?) {
            let Reply::Presences(found) = reply else { continue };
            for (place, presence) in places.iter().zip(found) {
                if let Some(slot) = presences.get_mut(*place) {
                    *slot = presence;
                }
            }
        }
        Ok(presences)
    }

    /// Explains a user in words and as JSON.
    pub(crate) async fn why(
        &self,
        user: &str,
        at: Option<Timestamp>,
    ) -> Result<(String, String), Error> {
        match self.ask(self.shard_of(user), Question::Why(user.to_owned()), at).await? {
            Reply::Why(text, json) => Ok((text, json)),
            Reply::Presences(_) => Err(Error::unavailable("the answer is to another question")),
        }
    }
}
