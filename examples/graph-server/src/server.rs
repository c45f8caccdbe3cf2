//! The flags, and what the server is made of.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::auth::AuthFlags;
use crate::cluster::ClusterFlags;
use crate::connections::{MAX_OPERATORS, max_connections, serve};
use crate::figures;
use crate::layers::{layers, limits};
use crate::operations::operations;
use crate::origin::origin_of;
use crate::routes::{App, routes};
use crate::service::Service;
use crate::tasks::Tasks;
use anyhow::Context;
use axum::http::HeaderValue;
use clap::{Parser, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long requests that run may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long it may then take to leave the shards to others, who miss their owner after 3 seconds otherwise.
const LEAVE: Duration = Duration::from_secs(10);

/// Microsoft Graph's presence endpoints.
#[derive(Parser)]
#[command(version)]
pub struct Flags {
    /// The address to listen on. Port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The address of /healthz and /metrics, which are not at the other one then
    #[arg(long, value_name = "ADDRESS")]
    listen_operations: Option<SocketAddr>,
    /// A web page whose scripts may send requests, by the origin of its URL. It can be repeated
    #[arg(long, value_name = "URL", value_parser = origin_of)]
    allow_origin: Vec<HeaderValue>,
    /// The folder of the users, for one process
    #[arg(long, value_name = "FOLDER", default_value = "presence-data")]
    data: PathBuf,
    /// How many shards the users are split over. It is fixed at the first start
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    shards: u16,
    /// Where the time comes from. With "header", a request is at the time of its header x-now
    #[arg(long, value_enum, default_value_t = Clock::System)]
    clock: Clock,
    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    auth: AuthFlags,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Clock {
    System,
    Header,
}

/// Restores the users, and serves until a signal says to stop.
///
/// # Errors
///
/// If the flags, the folder or NATS cannot be used, or if a task has ended that must run.
pub async fn run(flags: Flags) -> anyhow::Result<()> {
    let auth = flags.auth.read()?;
    let mut tasks = Tasks::default();
    auth.reload_on_hangup(&tasks)?;
    let mut addresses = std::iter::once(flags.listen).chain(flags.listen_operations);
    let loopback = addresses.all(|address| address.ip().is_loopback());
    anyhow::ensure!(
        loopback || !auth.is_open(),
        "without --secret or --jwks, everybody may do everything, so the server listens on loopback addresses only"
    );
    let clock_in_header = flags.clock == Clock::Header;
    anyhow::ensure!(loopback || !clock_in_header, "--clock header needs a loopback address");
    if auth.is_open() {
        tracing::warn!("without --secret or --jwks, everybody on this machine may do everything");
    }
    let metrics = figures::start(&tasks)?;

    let shards = usize::from(flags.shards);
    let ticks = !clock_in_header;
    let service = Service::start(&flags.data, &flags.cluster, shards, ticks, &tasks).await?;
    let app = Arc::new(App { service, auth, clock_in_header, metrics });
    let service = &Arc::clone(&app).service;

    let signal = signal_to_stop()?;
    let max = max_connections()?;
    let surround = |routes| layers(routes, &app, &flags.allow_origin);
    let (mut routes, operations) =
        (limits(routes(Arc::clone(&app)), Arc::clone(&app)), operations(Arc::clone(&app)));
    let (stop, stopped) = watch::channel(());
    let mut servers = JoinSet::new();
    if let Some(address) = flags.listen_operations {
        let listener = listen(address).await?;
        tracing::info!("/healthz and /metrics at http://{}", listener.local_addr()?);
        servers.spawn(serve(listener, surround(operations), MAX_OPERATORS, stopped.clone()));
    } else {
        routes = routes.merge(operations);
    }
    let listener = listen(flags.listen).await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    servers.spawn(serve(listener, surround(routes), max, stopped));
    tokio::select! {
        Some(result) = servers.join_next() => result?,
        error = tasks.end() => return Err(error),
        () = signal => {
            tracing::info!("stopping");
            let _ = stop.send(());
            service.hub().close();
            if timeout(GRACE, servers.join_all()).await.is_err() {
                tracing::warn!("ending the connections that go on after {GRACE:?}");
            }
        }
    }
    if timeout(LEAVE, service.stop()).await.is_err() {
        tracing::warn!("stopping without having left all shards after {LEAVE:?}");
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))
}

/// Returns the wait for a signal to stop. From here on, none is missed.
fn signal_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = unix::signal(SignalKind::interrupt())?;
    let mut terminate = unix::signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
