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
pub struct Service {
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
    /// Restores the users of a folder.
    ///
    /// # Errors
    ///
    /// Those of [`embedded::open`].
    pub fn embedded(folder: &Path, shards: usize, ticks: bool, tasks: &Tasks) -> anyhow::Result<Self> {
        let (embedded, writer) = embedded::open(folder, shards, ticks)?;
        let hub = Arc::clone(writer.hub());
        let runtime = Handle::current();
        tasks.spawn_thread("the writer", move || writer.run(&runtime));
        Ok(Self { log: Log::Embedded(embedded), shards, hub })
    }

    /// Joins other processes.
    ///
    /// # Errors
    ///
    /// Those of [`Cluster::start`].
    pub async fn cluster(
        flags: &ClusterFlags,
        shards: usize,
        ticks: bool,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        let cluster = Cluster::start(flags, shards, ticks, tasks).await?;
        let hub = Arc::clone(cluster.hub());
        Ok(Self { log: Log::Cluster(cluster), shards, hub })
    }

    /// Stores an entry in the log of a shard, and applies it.
    ///
    /// # Errors
    ///
    /// The rejection of the command. 429: it was not stored. 503: it may have been stored.
    pub async fn apply(&self, shard: usize, entry: Entry) -> Result<(), Error> {
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
    ///
    /// # Errors
    ///
    /// 503 with the reason.
    pub fn health(&self) -> Result<(), Error> {
        match &self.log {
            Log::Embedded(embedded) if embedded.is_healthy() => Ok(()),
            Log::Embedded(_) => Err(Error::unavailable("the log cannot be written")),
            Log::Cluster(cluster) => cluster.health(),
        }
    }

    /// Leaves what this process owns to others.
    pub async fn stop(&self) {
        match &self.log {
            Log::Embedded(_) => {}
            Log::Cluster(cluster) => cluster.stop().await,
        }
    }

    /// Returns the shard of a user.
    #[must_use]
    pub fn shard_of(&self, user: &str) -> usize {
        shard_of(user, self.shards)
    }

    /// Returns the changes.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Returns the effective presences of users, in their order.
    ///
    /// # Errors
    ///
    /// 503 if the owner of a shard does not answer.
    pub async fn presences(
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
    ///
    /// # Errors
    ///
    /// 503 if the owner of the shard does not answer.
    pub async fn why(&self, user: &str, at: Option<Timestamp>) -> Result<(String, String), Error> {
        match self.ask(self.shard_of(user), Question::Why(user.to_owned()), at).await? {
            Reply::Why(text, json) => Ok((text, json)),
            Reply::Presences(_) => Err(Error::unavailable("the owner of the user runs another version")),
        }
    }
}
