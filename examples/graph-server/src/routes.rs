//! Graph's paths, and what each of them does.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query, RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{Stream, StreamExt, stream};
use metrics_exporter_prometheus::PrometheusHandle;
use presence_core::graph::{Body, GetPresencesByUserId, MAX_USER_IDS, UserPresence, UserPresences};
use presence_core::{
    ClearPreferred, ClearSession, Command, Presence, SetPreferred, SetSession, Timestamp, timestamp,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::auth::{Auth, Caller};
use crate::error::Error;
use crate::service::Service;
use crate::shard::{Entry, MAX_ID, SessionId, Time};
use crate::watch;

/// The parts that requests need.
pub struct App {
    /// The users.
    pub service: Service,
    /// Who may do what.
    pub auth: Auth,
    /// Whether the time of a request is what its header `x-now` says.
    pub clock_in_header: bool,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
}

/// Returns all routes, without limits and without the bodies of errors.
pub fn routes(app: Arc<App>) -> Router {
    let graph = Router::new()
        .merge(routes_of_user("/users/{id}/presence"))
        .merge(routes_of_user("/me/presence"))
        .route("/communications/presences/{id}", get(presence))
        .route("/communications/presences/changes", get(changes))
        .route("/communications/getPresencesByUserId", post(presences));
    Router::new()
        .nest("/v1.0", graph.clone())
        .nest("/beta", graph)
        .route("/why/{id}", get(why))
        .fallback(async || Error::of_status(StatusCode::NOT_FOUND))
        .with_state(app)
}

fn routes_of_user(path: &str) -> Router<Arc<App>> {
    Router::new()
        .route(path, get(presence))
        .route(&format!("{path}/setPresence"), post(act::<SetSession<SessionId>>))
        .route(&format!("{path}/clearPresence"), post(act::<ClearSession<SessionId>>))
        .route(&format!("{path}/setUserPreferredPresence"), post(act::<SetPreferred>))
        .route(&format!("{path}/clearUserPreferredPresence"), post(act::<ClearPreferred>))
}

/// The caller of a request and its time.
struct Context {
    caller: Arc<Caller>,
    /// The time, if it is in the header.
    at: Option<Timestamp>,
}

impl FromRequestParts<Arc<App>> for Context {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        // The token was checked before the body was read.
        let caller = match parts.extensions.get::<Arc<Caller>>() {
            Some(caller) => Arc::clone(caller),
            None => Arc::new(app.auth.caller(&parts.headers)?),
        };
        let at = if app.clock_in_header {
            let at = parts.headers.get("x-now").and_then(|value| value.to_str().ok());
            let at = at.ok_or_else(|| invalid("the header x-now is missing"))?;
            Some(timestamp::parse(at)?)
        } else {
            None
        };
        Ok(Self { caller, at })
    }
}

/// The user of a request, from `{id}` in the path or, under `/me`, from the token.
struct User {
    id: String,
    context: Context,
}

impl FromRequestParts<Arc<App>> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Error> {
        let context = Context::from_request_parts(parts, app).await?;
        let path = RawPathParams::from_request_parts(parts, app).await;
        let path = path.map_err(|_| invalid("the id in the path is not UTF-8"))?;
        let id = match path.iter().next() {
            Some((_, id)) => id.to_owned(),
            None => context.caller.me()?.to_owned(),
        };
        check_id(&id)?;
        Ok(Self { id, context })
    }
}

/// The four actions.
async fn act<B>(
    State(app): State<Arc<App>>,
    user: User,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(), Error>
where
    B: Into<Command<SessionId>>,
    Body<B>: DeserializeOwned,
{
    let User { id, context: Context { caller, at } } = user;
    caller.may_write(&id)?;
    let command = read_body::<B>(&headers, &body)?.into();
    match &command {
        Command::SetSession(SetSession { session_id, .. })
        | Command::ClearSession(ClearSession { session_id, .. }) => {
            caller.may_use_session(session_id.as_str())?;
        }
        _ => {}
    }
    let shard = app.service.shard_of(&id);
    app.service.apply(shard, Entry { user: Some(id), command, at: at.map(Time) }).await
}

async fn presence(State(app): State<Arc<App>>, user: User) -> Result<Json<UserPresence<String>>, Error> {
    let User { id, context } = user;
    let presences = presences_of(&app, &context, std::slice::from_ref(&id)).await?;
    let presence = presences.first().copied().unwrap_or(Presence::Offline);
    Ok(Json(UserPresence::new(id, presence)))
}

async fn presences(
    State(app): State<Arc<App>>,
    context: Context,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<UserPresences<String>>, Error> {
    let ids = read_body::<GetPresencesByUserId<String>>(&headers, &body)?.into_ids();
    let presences = presences_of(&app, &context, &ids).await?;
    Ok(Json(ids.into_iter().zip(presences).collect()))
}

/// Reads users whom the caller may read.
async fn presences_of(app: &App, context: &Context, ids: &[String]) -> Result<Vec<Presence>, Error> {
    for id in ids {
        check_id(id)?;
        context.caller.may_read(id)?;
    }
    let_time_pass(app, context, ids).await?;
    app.service.presences(ids, context.at).await
}

/// If the clock is in the header, ticks the shards of users, which otherwise tick by themselves.
async fn let_time_pass(app: &App, context: &Context, ids: &[String]) -> Result<(), Error> {
    if let Some(at) = context.at {
        for shard in ids.iter().map(|id| app.service.shard_of(id)).collect::<HashSet<_>>() {
            app.service.apply(shard, Entry::tick(Some(Time(at)))).await?;
        }
    }
    Ok(())
}

/// Explains a user.
async fn why(State(app): State<Arc<App>>, user: User, headers: HeaderMap) -> Result<Response, Error> {
    let User { id, context } = user;
    context.caller.may_read(&id)?;
    let_time_pass(&app, &context, std::slice::from_ref(&id)).await?;
    let (text, explanation) = app.service.why(&id, context.at).await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.starts_with("text/plain")) {
        return Ok(format!("{text}\n").into_response());
    }
    let explanation: Value = serde_json::from_str(&explanation).unwrap_or_default();
    Ok(Json(json!({ "id": id, "text": text, "explanation": explanation })).into_response())
}

#[derive(Deserialize)]
struct ChangesQuery {
    ids: String,
}

/// Streams the changes of users as server-sent events.
async fn changes(
    State(app): State<Arc<App>>,
    context: Context,
    query: Result<Query<ChangesQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Error> {
    let Query(query) = query.map_err(|_| invalid("the query needs ids, such as ?ids=ana,bob"))?;
    let ids: HashSet<String> = query.ids.split(',').map(str::to_owned).collect();
    if ids.len() > MAX_USER_IDS {
        return Err(invalid(format!("too many ids, expected at most {MAX_USER_IDS}")));
    }
    for id in &ids {
        check_id(id)?;
        context.caller.may_read(id)?;
    }
    // An id that is no number is none of ours, so it is out of the history.
    let seen = headers.get("last-event-id").map(|id| id.to_str().ok().and_then(|id| id.parse().ok()));
    let seen = seen.map(|id| id.unwrap_or(u64::MAX));
    let users: Vec<_> = ids.iter().cloned().collect();
    let subscription = app.service.hub().subscribe(ids, seen).ok_or_else(Error::busy)?;
    let first: Vec<_> = if let Some(missed) = &subscription.missed {
        missed.iter().map(|event| event_of_change(event)).collect()
    } else {
        let presences = app.service.presences(&users, context.at).await?;
        let states = users.into_iter().zip(presences);
        let states = states.map(|(id, presence)| event(subscription.start, id, presence));
        std::iter::once(Event::default().event("reset").data("{}")).chain(states).collect()
    };
    let live = stream::unfold(Some(subscription), async |subscription| {
        let mut subscription = subscription?;
        match subscription.next().await {
            Some(event) => Some((event_of_change(&event), Some(subscription))),
            None => Some((Event::default().event("slow").data("{}"), None)),
        }
    });
    Ok(Sse::new(stream::iter(first).chain(live).map(Ok)).keep_alive(KeepAlive::default()))
}

fn event_of_change(event: &watch::Event) -> Event {
    self::event(event.id, event.change.user.clone(), event.change.presence)
}

fn event(number: u64, id: String, presence: Presence) -> Event {
    let data = serde_json::to_string(&UserPresence::new(id, presence)).unwrap_or_default();
    Event::default().id(number.to_string()).event("presence").data(data)
}

/// Reads a body, without the byte order mark that it may start with. An empty one is an object without
/// fields, as Graph's SDK for Python sends it.
fn read_body<B>(headers: &HeaderMap, body: &[u8]) -> Result<B, Error>
where
    Body<B>: DeserializeOwned,
{
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let body = if body.is_empty() { b"{}" } else { body };
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if body != b"{}" && !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        let text = "the content type must be application/json";
        return Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let body: Body<B> =
        serde_json::from_slice(body).map_err(|error| invalid(format!("invalid body: {error}")))?;
    Ok(body.check()?)
}

fn check_id(id: &str) -> Result<(), Error> {
    if (1..=MAX_ID).contains(&id.len()) { Ok(()) } else { Err(invalid("a user id has 1 to 256 bytes")) }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(StatusCode::BAD_REQUEST, message)
}
