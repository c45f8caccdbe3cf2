//! Which web pages may send requests.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowHeaders, CorsLayer};
use url::Url;

use crate::error::Error;
use crate::layers::{CLIENT_REQUEST_ID, REQUEST_ID};

/// What a browser says of the page that sends a request.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// How long a browser may keep the answer to a preflight.
const PREFLIGHT_AGE: Duration = Duration::from_secs(3_600);

/// Reads the origin of a page from its URL, as browsers write it.
pub(crate) fn origin_of(url: &str) -> anyhow::Result<HeaderValue> {
    let origin = Url::parse(url).context("expected a URL such as https://app.example")?.origin();
    ensure!(origin.is_tuple(), "a page at this URL has no origin");
    Ok(HeaderValue::from_str(&origin.ascii_serialization())?)
}

/// Lets the scripts of pages with these origins send requests and read the answers.
pub(crate) fn cors(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([REQUEST_ID, CLIENT_REQUEST_ID, header::RETRY_AFTER, header::WWW_AUTHENTICATE])
        .max_age(PREFLIGHT_AGE)
}

/// Rejects what other pages than those with these origins send, if the service has no keys: a browser on
/// this machine reaches it for every page that it shows.
pub(crate) async fn reject_foreign(
    State(origins): State<Arc<[HeaderValue]>>,
    request: Request,
    next: Next,
) -> Response {
    match check(&request, &origins) {
        Ok(()) => next.run(request).await,
        Err(text) => Error::new(StatusCode::FORBIDDEN, text).into_response(),
    }
}

fn check(request: &Request, origins: &[HeaderValue]) -> Result<(), &'static str> {
    let headers = request.headers();
    let hosts = headers.get_all(header::HOST).iter().map(HeaderValue::as_bytes);
    let hosts: Vec<_> =
        hosts.chain(request.uri().authority().map(|host| host.as_str().as_bytes())).collect();
    // A name that its owner points to this machine makes a page of the same name one of ours.
    if !hosts.iter().all(|host| is_loopback(host)) {
        return Err("without keys, the header Host must be localhost or an address of it");
    }
    let origin = headers.get(header::ORIGIN);
    if origin.is_some_and(|origin| origins.contains(origin)) {
        return Ok(());
    }
    let own = match (headers.get(SEC_FETCH_SITE), origin) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => {
            hosts.iter().any(|host| origin.as_bytes().strip_prefix(b"http://") == Some(host))
        }
        (None, None) => true,
    };
    if own { Ok(()) } else { Err("without keys, other web pages need --allow-origin") }
}

/// Returns whether a host, which may have a port, is this machine.
fn is_loopback(host: &[u8]) -> bool {
    let Ok(host) = Authority::try_from(host) else { return false };
    let name = host.host().trim_end_matches('.').to_ascii_lowercase();
    match name.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name == "localhost" || name.ends_with(".localhost"),
    }
}
