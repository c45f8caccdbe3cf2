//! Connections: how many there may be, how long they wait, and how they end.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

/// The most connections: 10,000 watchers and as many requests as are handled at once.
const MAX_CONNECTIONS: usize = 12_288;
/// The most connections at the address for operators.
pub(crate) const MAX_OPERATORS: usize = 8;
/// The descriptors that are not for connections: the log, NATS, the listeners, and operators.
const RESERVED: usize = 32;
/// How long a connection may wait for the whole head of its next request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may wait for it while others wait to be accepted. A head comes right after its connection,
/// and this is enough to send a lost packet again.
const SHORT_HEAD_TIMEOUT: Duration = Duration::from_millis(500);
/// How long a peer may take nothing of what was sent to it. A network that is lost for a moment is back by then.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest head: 650 ids as Graph has them fit into the address of a stream of changes. It bounds what a
/// connection holds before its token was checked.
const MAX_HEAD: usize = 32 * 1024;
/// How long it is waited after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);
/// How often it is said at most that connections cannot be accepted.
const WARNING: Duration = Duration::from_secs(10);

/// Lets the process open as many files as it may, and returns how many connections it may have then.
pub(crate) fn max_connections() -> anyhow::Result<usize> {
    let files = rlimit::increase_nofile_limit(u64::MAX).context("reading the limit of open files")?;
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    let connections = files.saturating_sub(RESERVED).min(MAX_CONNECTIONS);
    anyhow::ensure!(connections > 0, "{files} open files (ulimit -n) are too few");
    if connections < MAX_CONNECTIONS {
        tracing::warn!("{files} open files (ulimit -n) are enough for {connections} connections");
    }
    Ok(connections)
}

/// Serves at most `max` connections at once until `stop` changes, and then what they have begun.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    max: usize,
    mut stop: watch::Receiver<()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    http.max_header_size(MAX_HEAD).max_buf_size(MAX_HEAD);
    let service = TowerToHyperService::new(routes);
    let open = GracefulShutdown::new();
    let (slots, full) = (Arc::new(Semaphore::new(max)), watch::Sender::new(()));
    let mut door = Door { listener, slots, full, warned: None };
    loop {
        let (stream, slot) = tokio::select! {
            accepted = door.accept() => accepted,
            _ = stop.changed() => break,
        };
        // Counts requests. Each has a clone until its answer was sent.
        let requests = Arc::new(AtomicUsize::new(0));
        let idle = is_idle_while_full(door.full.subscribe(), Arc::clone(&requests));
        let service = service.clone();
        let service = service_fn(move |request| {
            requests.fetch_add(1, Relaxed);
            let (answer, clone) = (service.call(request), Arc::clone(&requests));
            async move {
                let held = move |error| {
                    let _ = &clone;
                    error
                };
                Ok::<_, Infallible>(answer.await?.map(|body| body.map_err(held)))
            }
        });
        let connection = open.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            tokio::select! {
                result = connection => if let Err(error) = result {
                    tracing::debug!("a connection has ended: {error}");
                },
                () = idle => {}
            }
            drop(slot);
        });
    }
    drop(door);
    open.shutdown().await;
}

/// Waits until a connection has had no request for the short time since another had to wait.
async fn is_idle_while_full(mut full: watch::Receiver<()>, requests: Arc<AtomicUsize>) {
    // Without a door, connections end by themselves.
    while full.changed().await.is_ok() {
        let known = requests.load(Relaxed);
        sleep(SHORT_HEAD_TIMEOUT).await;
        // Here, and in the service of the connection.
        let has_request = Arc::strong_count(&requests) > 2;
        if !has_request && requests.load(Relaxed) == known {
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Where connections come in.
struct Door {
    listener: TcpListener,
    /// One for each connection that may still be accepted.
    slots: Arc<Semaphore>,
    /// Changes while a connection waits for one.
    full: watch::Sender<()>,
    /// When the last warning was.
    warned: Option<Instant>,
}

impl Door {
    /// Accepts the next connection, however long that takes.
    async fn accept(&mut self) -> (TcpStream, OwnedSemaphorePermit) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    configure(&stream);
                    return (stream, self.slot().await);
                }
                // The peer has gone already.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
                    ) => {}
                Err(error) => {
                    self.warn(&error.to_string());
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn slot(&mut self) -> OwnedSemaphorePermit {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return slot;
        }
        self.warn("there are too many, the next one waits");
        loop {
            self.full.send_replace(());
            let slot = Arc::clone(&self.slots).acquire_owned();
            if let Ok(Ok(slot)) = timeout(SHORT_HEAD_TIMEOUT, slot).await {
                return slot;
            }
        }
    }

    fn warn(&mut self, reason: &str) {
        if self.warned.is_none_or(|warned| warned.elapsed() >= WARNING) {
            self.warned = Some(Instant::now());
            tracing::warn!("no connection can be accepted: {reason}");
        }
    }
}

/// Sends events at once, and lets the system end what the peer does not read.
fn configure(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let result = socket.set_tcp_nodelay(true);
    #[cfg(target_os = "linux")]
    let result = result.and_then(|()| socket.set_tcp_user_timeout(Some(WRITE_TIMEOUT)));
    if let Err(error) = result {
        // The peer has gone already.
        tracing::debug!("a connection was not configured: {error}");
    }
}
