//! What each resource does, for requests that come alone and in batches.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{self, State};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use percent_encoding::percent_decode_str;
use presence_core::graph::{Body, GetPresencesByUserId, MAX_USER_IDS, UserPresence, UserPresences};
use presence_core::{
    ClearPreferred, ClearSession, Command, Presence, SetPreferred, SetSession, Timestamp, timestamp,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::auth::{Auth, Caller};
use crate::batch::Batch;
use crate::error::Error;
use crate::path::{Action, Resource, User};
use crate::service::Service;
use crate::shard::{Entry, MAX_ID, SessionId, Time};
use crate::stream;

/// How many batches are answered at once, so that their requests are about as many as may come alone.
static BATCHES: Semaphore = Semaphore::const_new(100);

/// The parts that requests need.
pub(crate) struct App {
    /// The users.
    pub(crate) service: Service,
    /// Who may do what.
    pub(crate) auth: Auth,
    /// Whether the time of a request is what its header `x-now` says.
    pub(crate) clock_in_header: bool,
    /// What `/metrics` shows.
    pub(crate) metrics: PrometheusHandle,
}

/// Returns all routes, without limits and without the bodies of errors.
pub(crate) fn routes(app: Arc<App>) -> Router {
    Router::new().fallback(answer).with_state(app)
}

/// Answers a request.
async fn answer(State(app): State<Arc<App>>, request: extract::Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    // The layers have read it, and have limited it.
    let body =
        to_bytes(body, usize::MAX).await.map_err(|_| Error::invalid("the body ends too early"))?;
    let request = Request::from_parts(parts, body);
    match Resource::parse(request.uri().path())? {
        Resource::Batch if request.method() == Method::POST => batch(&app, &request).await,
        resource => respond(&app, resource, &request).await,
    }
}

/// Answers many requests in one. Each has the rights of its caller.
async fn batch(app: &App, request: &Request<Bytes>) -> Result<Response, Error> {
    let _permit = BATCHES.try_acquire().map_err(|_| Error::busy())?;
    let batch = Batch::read(json_of(request)?)?;
    let root = request.uri().path().rsplit_once('/').map_or("", |(root, _)| root);
    let token = request.headers().get(header::AUTHORIZATION);
    let answers = batch.run(root, request.headers(), async |mut part: Request<Bytes>| {
        if part.headers().get(header::AUTHORIZATION) == token {
            part.extensions_mut().extend(request.extensions().clone());
        }
        let response = match Resource::parse(part.uri().path()) {
            Ok(Resource::Changes) => Err(Error::invalid("a batch cannot contain the stream of changes")),
            Ok(resource) => respond(app, resource, &part).await,
            Err(error) => Err(error),
        };
        response.into_response()
    });
    Ok(Json(answers.await).into_response())
}

/// Answers a request that is not a batch.
async fn respond(app: &App, resource: Resource, request: &Request<Bytes>) -> Result<Response, Error> {
    let methods = resource.methods();
    if !methods.split(", ").any(|method| method == request.method().as_str()) {
        let error = Error::of_status(StatusCode::METHOD_NOT_ALLOWED);
        return Ok(([(header::ALLOW, methods)], error).into_response());
    }
    let context = Context::of(app, request)?;
    match resource {
        Resource::Presence(user) => presence(app, &context, user).await,
        Resource::Action(user, action) => act(app, &context, user, action, request).await,
        Resource::Presences => presences(app, &context, request).await,
        Resource::Changes => changes(app, &context, request).await,
        Resource::Batch => Err(Error::invalid("a batch cannot contain a batch")),
        Resource::Missing => {
            let text = "this server has no status messages, locations and subscriptions";
            Err(Error::new(StatusCode::NOT_IMPLEMENTED, text))
        }
        Resource::Why(user) => why(app, &context, user, request.headers()).await,
    }
}

/// The caller of a request and its time.
struct Context {
    caller: Arc<Caller>,
    /// The time, if it is in the header.
    at: Option<Timestamp>,
}

impl Context {
    /// Reads the caller and the time of a request.
    fn of(app: &App, request: &Request<Bytes>) -> Result<Self, Error> {
        let headers = request.headers();
        // The token was checked before the body was read, but not one that a part of a batch brings.
        let caller = match request.extensions().get::<Arc<Caller>>() {
            Some(caller) => Arc::clone(caller),
            None => Arc::new(app.auth.caller(headers)?),
        };
        let at = if app.clock_in_header {
            let at = headers.get("x-now").and_then(|value| value.to_str().ok());
            let at = at.ok_or_else(|| Error::invalid("the header x-now is missing"))?;
            Some(timestamp::parse(at)?)
        } else {
            None
        };
        Ok(Self { caller, at })
    }

    /// Returns the id of a user.
    fn id_of(&self, user: User) -> Result<String, Error> {
        let id = match user {
            User::Me => self.caller.me()?.to_owned(),
            User::Id(id) => id,
        };
        check_id(&id)?;
        Ok(id)
    }
}

async fn presence(app: &App, context: &Context, user: User) -> Result<Response, Error> {
    let id = context.id_of(user)?;
    let presences = presences_of(app, context, std::slice::from_ref(&id)).await?;
    let presence = presences.first().copied().unwrap_or(Presence::Offline);
    Ok(Json(UserPresence::new(id, presence)).into_response())
}

async fn act(
    app: &App,
    context: &Context,
    user: User,
    action: Action,
    request: &Request<Bytes>,
) -> Result<Response, Error> {
    let id = context.id_of(user)?;
    context.caller.may_write(&id)?;
    let command: Command<SessionId> = match action {
        Action::SetPresence => read_body::<SetSession<SessionId>>(request)?.into(),
        Action::ClearPresence => read_body::<ClearSession<SessionId>>(request)?.into(),
        Action::SetUserPreferredPresence => read_body::<SetPreferred>(request)?.into(),
        Action::ClearUserPreferredPresence => read_body::<ClearPreferred>(request)?.into(),
    };
    if let Command::SetSession(SetSession { session_id, .. })
    | Command::ClearSession(ClearSession { session_id, .. }) = &command
    {
        context.caller.may_use_session(session_id.as_str())?;
    }
    let shard = app.service.shard_of(&id);
    let entry = Entry { user: Some(id), command, at: context.at.map(Time) };
    app.service.apply(shard, entry).await?;
    Ok(StatusCode::OK.into_response())
}

async fn presences(app: &App, context: &Context, request: &Request<Bytes>) -> Result<Response, Error> {
    let ids = read_body::<GetPresencesByUserId<String>>(request)?.into_ids();
    let presences = presences_of(app, context, &ids).await?;
    Ok(Json(ids.into_iter().zip(presences).collect::<UserPresences<String>>()).into_response())
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
async fn why(app: &App, context: &Context, user: User, headers: &HeaderMap) -> Result<Response, Error> {
    let id = context.id_of(user)?;
    context.caller.may_read(&id)?;
    let_time_pass(app, context, std::slice::from_ref(&id)).await?;
    let (text, explanation) = app.service.why(&id, context.at).await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.starts_with("text/plain")) {
        return Ok(format!("{text}\n").into_response());
    }
    let explanation: Value = serde_json::from_str(&explanation).unwrap_or_default();
    Ok(Json(json!({ "id": id, "text": text, "explanation": explanation })).into_response())
}

/// Streams the changes of users.
async fn changes(app: &App, context: &Context, request: &Request<Bytes>) -> Result<Response, Error> {
    let ids = watched_ids(request.uri().query().unwrap_or_default())?;
    for id in &ids {
        context.caller.may_read(id)?;
    }
    let (at, expires) = (context.at, context.caller.expires());
    let changes = stream::changes(&app.service, ids, request.headers(), at, expires).await?;
    Ok(changes.into_response())
}

/// Reads the ids of the users to watch. `ids` is a list, and `id` is one id as a whole. Both can come
/// again.
///
/// What clients encode differently is an error: an id of `ids` with a comma, or with a space at an end,
/// and a plus, which is a space in forms.
fn watched_ids(query: &str) -> Result<HashSet<String>, Error> {
    let mut ids = HashSet::new();
    for parameter in query.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let is_list = name.eq_ignore_ascii_case("ids");
        if !is_list && !name.eq_ignore_ascii_case("id") {
            continue;
        }
        if value.contains('+') {
            return Err(Error::invalid("write a plus in an id as %2B, and a space as %20"));
        }
        for id in value.split(|letter| is_list && letter == ',') {
            let id = percent_decode_str(id).decode_utf8();
            let id = id.map_err(|_| Error::invalid("an id in the query is not UTF-8"))?;
            if is_list && (id.contains(',') || id.trim() != id) {
                let text =
                    "separate ids with a comma that is not encoded, and without a space, or repeat id=";
                return Err(Error::invalid(text));
            }
            check_id(&id)?;
            ids.insert(id.into_owned());
        }
    }
    match ids.len() {
        0 => Err(Error::invalid("the query needs ids, such as ?ids=ana,bob")),
        1..=MAX_USER_IDS => Ok(ids),
        _ => Err(Error::invalid(format!("too many ids, expected at most {MAX_USER_IDS}"))),
    }
}

/// Reads a body.
fn read_body<B>(request: &Request<Bytes>) -> Result<B, Error>
where
    Body<B>: DeserializeOwned,
{
    let body: Body<B> = serde_json::from_slice(json_of(request)?)
        .map_err(|error| Error::invalid(format!("invalid body: {error}")))?;
    Ok(body.check()?)
}

/// Returns the JSON of a body, without the byte order mark that it may start with. A body that says
/// nothing is an object without fields, whatever its content type is.
fn json_of(request: &Request<Bytes>) -> Result<&[u8], Error> {
    let body = request.body().strip_prefix(b"\xEF\xBB\xBF").unwrap_or(request.body());
    if says_nothing(body) {
        return Ok(b"{}");
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        Ok(body)
    } else {
        let text = "the content type must be application/json";
        Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
    }
}

/// Returns whether a body is nothing, `{}` or `null`, with white space of JSON.
fn says_nothing(body: &[u8]) -> bool {
    const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let text = text.trim_matches(SPACE);
    let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    matches!(text, "" | "null") || inside.is_some_and(|text| text.trim_matches(SPACE).is_empty())
}

fn check_id(id: &str) -> Result<(), Error> {
    if (1..=MAX_ID).contains(&id.len()) {
        Ok(())
    } else {
        Err(Error::invalid("a user id has 1 to 256 bytes"))
    }
}
