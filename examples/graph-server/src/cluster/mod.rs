//! Many processes: `JetStream` of NATS is the log and the store.
//!
//! ```text
//! request ──► presence.commands.<shard> ──► owner of the shard ──► presence.answers.<process> ──► answer
//!             (stream: stored, stamped)       │ applies in order
//!                                             ├──► presence.changes.<shard> (stream) ──► watchers
//!                                             └──► snapshots (object store), then the log is purged
//! read ─────► presence.questions.<shard> ───► owner of the shard ──► answer
//! ```

mod changes;
pub mod clock;
mod commands;
mod lease;
mod owner;
mod process;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use parking_lot::Mutex;
use presence_core::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::commands::Submission;
use self::process::Process;
use crate::error::Error;
use crate::shard::{Entry, Question, Reply, Time};
use crate::watch::Hub;

/// How long a process lives for the others after it was heard of.
const LEASE: Duration = Duration::from_secs(3);
/// How long a command waits for its owner, and a publication for its acknowledgement.
const ANSWER: Duration = Duration::from_secs(5);
/// How many commands of a shard may wait to be sent. The next ones are told to come again.
const QUEUE: usize = 2_048;

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

impl Cluster {
    /// Connects, creates what is missing in NATS, and starts to own shards.
    ///
    /// # Errors
    ///
    /// If the streams were created with another number of shards.
    pub async fn start(flags: &ClusterFlags, shards: usize, ticks: bool) -> anyhow::Result<Self> {
        let process = Arc::new(Process::connect(flags, shards, ticks).await?);
        let answers = process.client.subscribe(format!("presence.answers.{}", process.id)).await?;
        tokio::spawn(Arc::clone(&process).receive_answers(answers));
        let submissions = (0..shards).map(|shard| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            tokio::spawn(Arc::clone(&process).send_commands(shard, receiver));
            sender
        });
        let submissions = submissions.collect();
        tokio::spawn(Arc::clone(&process).give_up());
        let (caught_up, history) = oneshot::channel();
        tokio::spawn(Arc::clone(&process).follow_changes(caught_up));
        let (stop, stopped) = watch::channel(false);
        let leases = tokio::spawn(lease::keep(Arc::clone(&process), stopped));
        // Watchers get later changes only. If it takes longer, they get some earlier ones.
        let _ = timeout(ANSWER, history).await;
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

    /// Returns the changes.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.process.hub
    }

    /// Returns whether NATS can be reached.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.process.is_connected()
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
