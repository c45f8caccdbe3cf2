//! What surrounds every route: limits, times, request ids, the bodies of errors, and metrics.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::error_handling::HandleErrorLayer;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use tokio::time::{Instant as Deadline, timeout_at};
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use uuid::Uuid;

use crate::error::Error;
use crate::path::Resource;

/// How many requests are handled at once. The next ones are told to come again.
const CONCURRENT: usize = 2_048;
/// How long a request takes at most, with its body.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the body of a request may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest body: 650 ids of 256 bytes fit.
const MAX_BODY: usize = 256 * 1024;
/// How much of a longer body is read, so that the connection stays usable.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// Surrounds all routes.
pub fn layers(routes: Router) -> Router {
    routes.layer(
        ServiceBuilder::new()
            .layer(TraceLayer::new_for_http().on_failure(()))
            .layer(from_fn(answer))
            .layer(CatchPanicLayer::new())
            .layer(HandleErrorLayer::new(async |_| Error::busy()))
            .layer(LoadShedLayer::new())
            .layer(GlobalConcurrencyLimitLayer::new(CONCURRENT))
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
            .layer(from_fn(read_body)),
    )
}

/// Gives the answer its ids, writes the body of an error, and counts.
async fn answer(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let path = Resource::parse(request.uri().path()).map_or("other", |resource| resource.name());
    let client_request_id = request.headers().get(CLIENT_REQUEST_ID).cloned();
    let request_id = Uuid::new_v4().to_string();

    let mut response = next.run(request).await;

    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let error = response.extensions_mut().remove::<Error>();
        let error = error.unwrap_or_else(|| Error::of_status(status));
        let client = client_request_id.as_ref().and_then(|id| id.to_str().ok());
        let body = error.body(&request_id, client);
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(axum::http::header::CONTENT_LENGTH);
        parts.headers.remove(axum::http::header::CONTENT_TYPE);
        response = (parts, axum::Json(body)).into_response();
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(value) = client_request_id {
        response.headers_mut().insert(CLIENT_REQUEST_ID, value);
    }
    let status = status.as_str().to_owned();
    metrics::counter!("presence_requests_total", "path" => path, "status" => status).increment(1);
    metrics::histogram!("presence_request_seconds", "path" => path).record(started.elapsed());
    response
}

/// Reads the body before the route sees the request, so that an early error leaves nothing unread.
async fn read_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut stream = body.into_data_stream();
    let mut body = Vec::new();
    let mut read = 0;
    let end = Deadline::now() + BODY_TIMEOUT;
    loop {
        match timeout_at(end, stream.next()).await {
            Ok(None) => break,
            Ok(Some(Ok(chunk))) => {
                read += chunk.len();
                if read <= MAX_BODY {
                    body.extend_from_slice(&chunk);
                } else if read > MAX_DISCARDED {
                    break;
                }
            }
            Ok(Some(Err(_))) => {
                return Error::new(StatusCode::BAD_REQUEST, "the body ends too early").into_response();
            }
            Err(_) => return Error::of_status(StatusCode::REQUEST_TIMEOUT).into_response(),
        }
    }
    if read > MAX_BODY {
        return Error::of_status(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    }
    next.run(Request::from_parts(parts, Body::from(Bytes::from(body)))).await
}
