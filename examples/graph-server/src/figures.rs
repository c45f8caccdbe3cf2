//! What `/metrics` shows.

use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::interval;

/// The upper ends of the buckets of times, in seconds.
const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 10.0];

/// Starts to count.
///
/// # Errors
///
/// If it was started before.
pub fn start() -> anyhow::Result<PrometheusHandle> {
    let figures = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("seconds".to_owned()), &BUCKETS)?
        .install_recorder()?;
    let upkeep = figures.clone();
    tokio::spawn(async move {
        let mut interval = interval(Duration::from_secs(5));
        loop {
            interval.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(figures)
}

/// Calls the crate, and counts for how long.
pub(crate) fn in_crate<T>(call: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = call();
    let nanoseconds = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    metrics::counter!("presence_crate_nanoseconds_total").increment(nanoseconds);
    result
}

/// Shows how many users this process holds.
#[allow(clippy::cast_precision_loss, reason = "a float is all that a gauge takes")]
pub(crate) fn count_users(users: usize) {
    metrics::gauge!("presence_users").set(users as f64);
}

/// Shows how many shards this process owns.
#[allow(clippy::cast_precision_loss, reason = "a float is all that a gauge takes")]
pub(crate) fn count_shards(shards: usize) {
    metrics::gauge!("presence_shards").set(shards as f64);
}
