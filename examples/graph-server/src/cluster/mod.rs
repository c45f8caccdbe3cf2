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

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::{ConnectOptions, ServerAddr};
use clap::Args;
use percent_encoding::percent_decode_str;
use presence_core::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use self::commands::Submission;
use self::process::Process;
use crate::error::Error;
use crate::ownership::LEASE;
use crate::shard::{Entry, Question, Reply, Time};
use crate::tasks::Tasks;
use crate::watch::Hub;

/// How long a command waits for its owner, and a publication for its acknowledgement. It is longer than it takes to
/// replace an owner that has died.
const ANSWER: Duration = Duration::from_secs(8);
/// How many commands of a shard may wait to be sent. The next ones are told to come again.
const QUEUE: usize = 2_048;

/// How to reach the other processes.
#[derive(Debug, Args)]
pub(crate) struct ClusterFlags {
    /// The servers of NATS, for many processes, such as `nats://127.0.0.1:4222`, with commas between
    /// them. A URL may have a user and a password, or a token: then set the variable and not the flag
    #[arg(
        long,
        value_name = "URLS",
        value_delimiter = ',',
        env = "PRESENCE_NATS",
        hide_env_values = true
    )]
    pub(crate) nats: Vec<ServerAddr>,
    /// A file with the credentials of a user (a JWT and its seed)
    #[arg(long, value_name = "FILE", conflicts_with = "nats_nkey")]
    nats_creds: Option<PathBuf>,
    /// A file with the seed of an nkey
    #[arg(long, value_name = "FILE")]
    nats_nkey: Option<PathBuf>,
    /// A file with the certificates that sign those of NATS. Then NATS must speak TLS
    #[arg(long, value_name = "FILE")]
    nats_ca: Option<PathBuf>,
    /// A file with the certificate of this process, for NATS
    #[arg(long, value_name = "FILE", requires = "nats_key")]
    nats_cert: Option<PathBuf>,
    /// A file with the key of that certificate
    #[arg(long, value_name = "FILE", requires = "nats_cert")]
    nats_key: Option<PathBuf>,
    /// What the names in NATS begin with: services with different prefixes share one NATS
    #[arg(long, value_name = "NAME", default_value = "presence", value_parser = prefix)]
    nats_prefix: String,
    /// On how many servers of NATS each message is stored
    #[arg(long, value_name = "N", default_value_t = 1)]
    replicas: usize,
}

/// Reads a prefix: it is a part of names of streams and of subjects.
fn prefix(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !text.is_empty() && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("it has letters, digits, - and _ only".to_owned())
    }
}

impl ClusterFlags {
    /// Returns how to connect to NATS.
    async fn options(&self) -> anyhow::Result<ConnectOptions> {
        let mut options = ConnectOptions::new()
            .name("presence-graph-server")
            .ping_interval(LEASE)
            .reconnect_delay_callback(|attempts| Duration::from_millis(50 * attempts.min(10) as u64));
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        if let Some((name, server)) =
            self.nats.iter().find_map(|server| Some((server.username()?, server)))
        {
            options = match server.password() {
                Some(password) => options.user_and_password(decode(name), decode(password)),
                None => options.token(decode(name)),
            };
        }
        if let Some(file) = &self.nats_creds {
            let context = || format!("reading {}", file.display());
            options = options.credentials_file(file).await.with_context(context)?;
        }
        if let Some(file) = &self.nats_nkey {
            let seed =
                std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            options = options.nkey(seed.trim().to_owned());
        }
        if let Some(file) = &self.nats_ca {
            options = options.add_root_certificates(file.clone()).require_tls(true);
        }
        if let (Some(certificate), Some(key)) = (&self.nats_cert, &self.nats_key) {
            options = options.add_client_certificate(certificate.clone(), key.clone()).require_tls(true);
        }
        Ok(options)
    }
}

/// One process of many.
pub(crate) struct Cluster {
    process: Arc<Process>,
    /// Commands by shard.
    submissions: Vec<mpsc::Sender<Submission>>,
    stop: watch::Sender<bool>,
}

impl Cluster {
    /// Connects, creates what is missing in NATS, and starts what owns shards.
    pub(crate) async fn start(
        flags: &ClusterFlags,
        shards: usize,
        ticks: bool,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        let process = Arc::new(Box::pin(Process::connect(flags, shards, ticks)).await?);
        let answers = process.client.subscribe(process.subject("answers", &process.id)).await?;
        tasks.spawn("receiving answers", Arc::clone(&process).receive_answers(answers));
        let submissions = (0..shards).map(|shard| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            tasks.spawn("sending commands", Arc::clone(&process).send_commands(shard, receiver));
            sender
        });
        let submissions = submissions.collect();
        let (caught_up, history) = oneshot::channel();
        tasks.spawn("following changes", Arc::clone(&process).follow_changes(caught_up));
        let (stop, stopped) = watch::channel(false);
        tasks.spawn("keeping shards", lease::keep(Arc::clone(&process), stopped));
        // Watchers get later changes only. If it takes longer, they get some earlier ones.
        let _ = timeout(ANSWER, history).await;
        Ok(Self { process, submissions, stop })
    }

    /// Stores an entry in the log, and waits for the answer of its owner.
    pub(crate) async fn apply(&self, shard: usize, entry: Entry) -> Result<(), Error> {
        self.reach()?;
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
    pub(crate) async fn ask(
        &self,
        shard: usize,
        question: &Question,
        at: Option<Timestamp>,
    ) -> Result<Reply, Error> {
        let owned = self.process.owned.get(shard).and_then(|owned| owned.read().clone());
        if let Some(owned) = owned {
            return owned.answer(question, at);
        }
        self.reach()?;
        let payload = postcard::to_stdvec(&(question, at.map(Time)))
            .map_err(|error| Error::unavailable(error.to_string()))?;
        let subject = self.process.subject("questions", shard);
        let reply = timeout(ANSWER, self.process.client.request(subject, payload.into())).await;
        let Ok(Ok(reply)) = reply else {
            return Err(Error::unavailable("the users have no owner now"));
        };
        postcard::from_bytes::<Result<Reply, Error>>(&reply.payload)
            .unwrap_or_else(|error| Err(Error::unavailable(error.to_string())))
    }

    /// Returns the changes.
    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.process.hub
    }

    /// Checks that each shard that this process owns, or should, is answered for.
    pub(crate) fn health(&self) -> Result<(), Error> {
        self.reach()?;
        if !self.process.lease.is_valid() {
            return Err(Error::unavailable("NATS does not renew the lease of this process"));
        }
        let answers =
            |shard: &usize| self.process.owned.get(*shard).is_some_and(|owned| owned.read().is_some());
        let expected = self.process.expected.lock();
        match expected.iter().filter(|shard| !answers(shard)).count() {
            0 => Ok(()),
            missing => {
                let all = expected.len();
                Err(Error::unavailable(format!(
                    "{missing} of {all} shards of this process do not answer"
                )))
            }
        }
    }

    fn reach(&self) -> Result<(), Error> {
        if self.process.is_connected() {
            Ok(())
        } else {
            Err(Error::unavailable("NATS cannot be reached"))
        }
    }

    /// Stores the shards of this process and leaves them to others.
    pub(crate) async fn stop(&self) {
        let _ = self.stop.send(true);
        self.stop.closed().await;
    }
}
