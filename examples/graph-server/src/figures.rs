//! What `/metrics` shows.

use std::time::{Duration, Instant, SystemTime};

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
pub(crate) fn count_users(users: usize) {
    metrics::gauge!("presence_users").set(to_f64(users));
}

/// Shows how many shards this process owns.
pub(crate) fn count_shards(shards: usize) {
    metrics::gauge!("presence_shards").set(to_f64(shards));
}

/// Shows how many groups of the log a restart would apply.
pub(crate) fn count_groups(groups: u64) {
    metrics::gauge!("presence_log_groups").set(to_f64(usize::try_from(groups).unwrap_or(usize::MAX)));
}

/// Shows that `more` changes wait to be published.
pub(crate) fn changes_wait(more: usize) {
    metrics::gauge!("presence_changes_waiting").increment(to_f64(more));
}

/// Shows that `fewer` changes wait to be published.
pub(crate) fn changes_wait_no_more(fewer: usize) {
    metrics::gauge!("presence_changes_waiting").decrement(to_f64(fewer));
}

/// Shows that the log took this long to store a group.
pub(crate) fn log_stored(started: Instant) {
    metrics::histogram!("presence_log_seconds").record(started.elapsed());
}

/// Shows that a shard took this long to be stored.
pub(crate) fn snapshot_stored(started: Instant) {
    metrics::histogram!("presence_snapshot_seconds").record(started.elapsed());
}

/// Shows that the lease of this process was renewed now.
pub(crate) fn lease_renewed() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    metrics::gauge!("presence_lease_renewed_timestamp_seconds").set(now.as_secs_f64());
}

/// One of many in a gauge, for as long as it lives.
pub(crate) struct Counted(&'static str);

impl Counted {
    pub(crate) fn new(gauge: &'static str) -> Self {
        metrics::gauge!(gauge).increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!(self.0).decrement(1.0);
    }
}

#[allow(clippy::cast_precision_loss, reason = "a float is all that a gauge takes")]
fn to_f64(count: usize) -> f64 {
    count as f64
}
