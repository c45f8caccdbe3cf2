//! Reads the flags, restores the users, and serves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use presence_graph_server::auth::AuthFlags;
use presence_graph_server::cluster::ClusterFlags;
use presence_graph_server::figures;
use presence_graph_server::layers::layers;
use presence_graph_server::routes::{App, routes};
use presence_graph_server::service::Service;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

/// How long requests that run may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(5);
/// Microsoft Graph's presence endpoints.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// The address to listen on. Port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
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

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let auth = flags.auth.read()?;
    auth.reload_on_hangup()?;
    let loopback = flags.listen.ip().is_loopback();
    anyhow::ensure!(
        loopback || !auth.is_open(),
        "without --secret or --jwks, everybody may do everything, so --listen must be a loopback address"
    );
    let clock_in_header = flags.clock == Clock::Header;
    anyhow::ensure!(loopback || !clock_in_header, "--clock header needs a loopback address");
    if auth.is_open() {
        tracing::warn!("without --secret or --jwks, everybody on this machine may do everything");
    }
    let metrics = figures::start()?;

    let shards = usize::from(flags.shards);
    let (failed, failure) = oneshot::channel();
    let service = if flags.cluster.nats.is_some() {
        Service::cluster(&flags.cluster, shards, !clock_in_header).await?
    } else {
        let (service, writer) = Service::embedded(&flags.data, shards, !clock_in_header)?;
        let runtime = Handle::current();
        // The receiver has gone if the service stops.
        std::thread::spawn(move || failed.send(writer.run(&runtime)));
        service
    };
    let app = Arc::new(App { service, auth, clock_in_header, metrics });
    let service = &Arc::clone(&app).service;

    let listener = TcpListener::bind(flags.listen)
        .await
        .with_context(|| format!("listening on {}", flags.listen))?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, layers(routes(app))).with_graceful_shutdown(async {
        let _ = stopped.await;
    });
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        result = &mut server => result??,
        Ok(result) = failure => result.context("writing the log")?,
        () = signal_to_stop() => {
            tracing::info!("stopping");
            let _ = stop.send(());
            service.hub().close();
            let _ = tokio::time::timeout(GRACE, server).await;
        }
    }
    service.stop().await;
    Ok(())
}

/// Waits for the signal to stop.
async fn signal_to_stop() {
    let Ok(mut terminate) = unix::signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
