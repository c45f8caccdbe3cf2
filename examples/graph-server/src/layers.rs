//! What surrounds every route: request ids, the bodies of errors, metrics, web pages, and what a request
//! must have before its route sees it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use uuid::Uuid;

use crate::body::{Bodies, Coding, Incoming};
use crate::error::Error;
use crate::origin::{cors, reject_foreign};
use crate::path::Resource;
use crate::routes::App;

/// How many requests are handled at once. The next ones are told to come again.
const CONCURRENT: usize = 2_048;
/// How long a request takes at most after its body has come.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
pub(crate) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// Surrounds all routes. Pages with these origins may send requests.
pub(crate) fn layers(routes: Router, app: &App, origins: &[HeaderValue]) -> Router {
    let mut routes = routes.layer(CatchPanicLayer::new());
    if !origins.is_empty() {
        routes = routes.layer(cors(origins));
    }
    if app.auth.is_open() {
        routes = routes.layer(from_fn_with_state(Arc::from(origins), reject_foreign));
    }
    routes.layer(from_fn(answer))
}

/// Surrounds the routes that need a token, if the service has keys, and that share the limits.
pub(crate) fn limits(routes: Router, app: Arc<App>) -> Router {
    let gate = Gate { app, bodies: Bodies::new(), slots: Semaphore::new(CONCURRENT) };
    routes.layer(from_fn_with_state(Arc::new(gate), admit))
}

/// Gives the answer its ids, writes the body of an error, logs, and counts.
async fn answer(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let path = Resource::parse(request.uri().path()).map_or("other", |resource| resource.name());
    let client_request_id = request.headers().get(CLIENT_REQUEST_ID).cloned();
    let request_id = Uuid::new_v4().to_string();
    let (method, whole_path) = (request.method(), request.uri().path());
    let span = tracing::info_span!("request", id = request_id, %method, path = whole_path);

    let mut response = next.run(request).instrument(span.clone()).await;

    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let error = response.extensions_mut().remove::<Error>();
        let error = error.unwrap_or_else(|| Error::of_status(status));
        if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED {
            tracing::warn!(parent: &span, "{status}: {}", error.message);
        }
        let client = client_request_id.as_ref().and_then(|id| id.to_str().ok());
        let body = error.body(&request_id, client);
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::CONTENT_TYPE);
        response = (parts, axum::Json(body)).into_response();
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(value) = client_request_id {
        response.headers_mut().insert(CLIENT_REQUEST_ID, value);
    }
    tracing::debug!(parent: &span, "{status} after {:?}", started.elapsed());
    let status = status.as_str().to_owned();
    metrics::counter!("presence_requests_total", "path" => path, "status" => status).increment(1);
    metrics::histogram!("presence_request_seconds", "path" => path).record(started.elapsed());
    response
}

/// What requests share before their routes see them.
struct Gate {
    app: Arc<App>,
    bodies: Bodies,
    /// One for each request that may still be handled.
    slots: Semaphore,
}

/// Lets a request through to its route: first its token is checked, then its body is read, and then it takes
/// a slot. So a stranger takes no memory, and a slow body no slot.
async fn admit(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut incoming = Incoming::new(body);
    let admitted = async {
        let caller = gate.app.auth.caller(&parts.headers)?;
        let coding = Coding::of(&parts.headers)?;
        let (body, room) = gate.bodies.read(&mut incoming, coding).await?;
        let slot = gate.slots.try_acquire().map_err(|_| Error::busy())?;
        Ok::<_, Error>((caller, body, (room, slot)))
    };
    let (caller, body, _held) = match admitted.await {
        Ok(admitted) => admitted,
        Err(error) => {
            incoming.discard();
            return error.into_response();
        }
    };
    parts.headers.remove(header::CONTENT_ENCODING);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.extensions.insert(Arc::new(caller));
    let request = Request::from_parts(parts, Body::from(body));
    let answer = timeout(TIMEOUT, next.run(request)).await;
    answer.unwrap_or_else(|_| Error::of_status(StatusCode::SERVICE_UNAVAILABLE).into_response())
}
