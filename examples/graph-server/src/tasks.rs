//! What must run as long as the process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use anyhow::anyhow;
use futures_util::FutureExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Tasks and threads that must run as long as the process: if one ends, however that is, the process must end.
pub struct Tasks {
    ended: UnboundedSender<anyhow::Error>,
    ends: UnboundedReceiver<anyhow::Error>,
}

impl Default for Tasks {
    fn default() -> Self {
        let (ended, ends) = unbounded_channel();
        Self { ended, ends }
    }
}

impl Tasks {
    /// Starts a task. `what` is what it does.
    pub fn spawn(
        &self,
        what: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let ended = self.ended.clone();
        tokio::spawn(async move {
            // It fails only if the process ends already, here and below.
            let _ = ended.send(why(what, AssertUnwindSafe(task).catch_unwind().await));
        });
    }

    /// Starts a thread. `what` is what it does.
    pub fn spawn_thread(
        &self,
        what: &'static str,
        run: impl FnOnce() -> anyhow::Result<()> + Send + 'static,
    ) {
        let ended = self.ended.clone();
        thread::spawn(move || {
            let _ = ended.send(why(what, catch_unwind(AssertUnwindSafe(run))));
        });
    }

    /// Waits until one of them has ended, and returns why.
    pub async fn end(&mut self) -> anyhow::Error {
        self.ends.recv().await.unwrap_or_else(|| anyhow!("there are no tasks"))
    }
}

/// Returns why a task has ended. The place of a panic is in the log already.
fn why(what: &str, result: thread::Result<anyhow::Result<()>>) -> anyhow::Error {
    match result {
        Ok(Ok(())) => anyhow!("{what} has ended"),
        Ok(Err(error)) => error.context(format!("{what} has failed")),
        Err(_) => anyhow!("{what} has panicked"),
    }
}
