//! Commands on their way to the log, and answers on their way back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context as _;
use async_nats::Subscriber;
use async_nats::jetstream::message::PublishMessage;
use futures_util::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::ANSWER;
use super::process::Process;
use crate::error::Error;
use crate::figures::took;
use crate::shard::Entry;

/// How many commands are one message at most: it is shorter than NATS' limit of a megabyte then.
const GROUP: usize = 256;

/// The header with the subject for the answers to a group.
pub(super) const ANSWER_TO: &str = "Presence-Answer-To";
/// The header with the number of a group.
pub(super) const GROUP_NUMBER: &str = "Presence-Group";

/// The request that waits for an answer.
pub(super) type Answer = oneshot::Sender<Result<(), Error>>;

/// A command that waits to be sent.
pub(super) struct Submission {
    pub(super) entry: Entry,
    pub(super) answer: Answer,
}

impl Process {
    /// Sends the commands of a shard to the log: what has come while the last group was stored is the
    /// next group.
    pub(super) async fn send_commands(
        self: Arc<Self>,
        shard: usize,
        mut submissions: mpsc::Receiver<Submission>,
    ) -> anyhow::Result<()> {
        let subject = self.subject("commands", shard);
        let answer_to = self.subject("answers", &self.id);
        let mut connection = self.connection.clone();
        let mut group = Vec::with_capacity(GROUP);
        while submissions.recv_many(&mut group, GROUP).await > 0 {
            let (entries, answers): (Vec<_>, Vec<_>) =
                group.drain(..).map(|s| (s.entry, s.answer)).unzip();
            let number = self.next_group.fetch_add(1, Ordering::Relaxed);
            self.waiting.lock().insert(number, answers);
            connection.mark_unchanged();
            let started = Instant::now();
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
                Ok(_) => {
                    took("presence_log_seconds", started);
                    drop(tokio::spawn(async move {
                        sleep(ANSWER).await;
                        process.waiting.lock().remove(&number);
                    }));
                }
                Err(error) => {
                    tracing::warn!("shard {shard}: a group of commands was not stored: {error:#}");
                    self.waiting.lock().remove(&number);
                }
            }
        }
        Ok(())
    }

    /// Passes answers of owners on to the requests that wait. If NATS is lost, none of them waits any more.
    pub(super) async fn receive_answers(self: Arc<Self>, mut answers: Subscriber) -> anyhow::Result<()> {
        let mut connection = self.connection.clone();
        loop {
            tokio::select! {
                answer = answers.next() => {
                    self.receive_answer(&answer.context("the client of NATS has ended")?.payload);
                }
                changed = connection.changed() => {
                    changed.context("the client of NATS has ended")?;
                    self.waiting.lock().clear();
                }
            }
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
}
