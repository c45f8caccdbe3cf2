//! What `/metrics` shows.

use std::time::{Duration, Instant, SystemTime};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::interval;

use crate::tasks::Tasks;

/// The upper ends of the buckets of times, in seconds.
const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 10.0];

/// Starts to count.
pub(crate) fn start(tasks: &Tasks) -> anyhow::Result<PrometheusHandle> {
    let figures = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("seconds".to_owned()), &BUCKETS)?
        .install_recorder()?;
    let upkeep = figures.clone();
    tasks.spawn("the upkeep of the metrics", async move {
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

/// Shows how many there are of something.
#[allow(clippy::cast_precision_loss, reason = "a float is all that a gauge takes")]
pub(crate) fn show(gauge: &'static str, count: usize) {
    metrics::gauge!(gauge).set(count as f64);
}

/// Shows that something took this long.
pub(crate) fn took(histogram: &'static str, started: Instant) {
    metrics::histogram!(histogram).record(started.elapsed());
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
