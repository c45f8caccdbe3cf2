//! What operators ask, without a token and beside the limits of other requests.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::error::Error;
use crate::routes::App;

/// Returns the routes for operators.
pub(crate) fn operations(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(async |State(app): State<Arc<App>>| app.metrics.render()))
        .with_state(app)
}

async fn health(State(app): State<Arc<App>>) -> Result<&'static str, Error> {
    app.service.health()?;
    Ok("ok\n")
}
