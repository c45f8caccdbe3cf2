//! Changes on their way from owners to the watchers of all processes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::process::Process;
use crate::shard::Change;

/// How many changes of a shard are published before their acknowledgements are awaited. A server that syncs
/// each message stores about a thousand a second.
const WAVE: usize = 32;

/// The characters of user ids that stay as they are in a subject.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// A change to be published, or a question whether all before it have been.
pub(super) enum Outgoing {
    Change(Change),
    Flush(oneshot::Sender<()>),
}

impl Process {
    /// Publishes changes, those of one user one after the other.
    pub(super) async fn publish(
        self: Arc<Self>,
        number: usize,
        mut outgoing: mpsc::Receiver<Outgoing>,
    ) -> anyhow::Result<()> {
        let mut received = Vec::with_capacity(WAVE);
        while outgoing.recv_many(&mut received, WAVE).await > 0 {
            let mut users = HashSet::new();
            let mut acks: Vec<PublishAckFuture> = Vec::new();
            for outgoing in received.drain(..) {
                match outgoing {
                    Outgoing::Change(change) => {
                        if !users.insert(change.user.clone()) {
                            acknowledged(&mut acks).await?;
                            users = HashSet::from([change.user.clone()]);
                        }
                        let subject = self.subject("changes", utf8_percent_encode(&change.user, PLAIN));
                        let message = PublishMessage::build()
                            .payload(serde_json::to_vec(&change)?.into())
                            .header(NATS_MESSAGE_ID, format!("{number}-{}", change.number).as_str());
                        acks.push(self.jetstream.send_publish(subject, message).await?);
                    }
                    Outgoing::Flush(flush) => {
                        acknowledged(&mut acks).await?;
                        let _ = flush.send(());
                    }
                }
            }
            acknowledged(&mut acks).await?;
        }
        Ok(())
    }

    /// Gives the changes of all processes to the watchers of this one.
    pub(super) async fn follow_changes(self: Arc<Self>) {
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
            match serde_json::from_slice::<Change>(&message.payload) {
                Ok(change) if info.stream_sequence > self.hub.latest() => {
                    self.hub.publish(info.stream_sequence, change);
                }
                Ok(_) => {}
                Err(error) => tracing::error!("a change cannot be read: {error}"),
            }
        }
        Ok(())
    }
}

/// Waits until all publications are stored.
async fn acknowledged(acks: &mut Vec<PublishAckFuture>) -> anyhow::Result<()> {
    try_join_all(acks.drain(..).map(IntoFuture::into_future)).await?;
    Ok(())
}
