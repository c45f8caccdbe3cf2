//! Reads the flags, writes the log, and runs the server.

use clap::Parser;
use presence_graph_server::server::{Flags, run};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A log that cannot be written, as on a full disk, must not end who writes it.
    log.log_internal_errors(false).init();
    run(flags).await
}
