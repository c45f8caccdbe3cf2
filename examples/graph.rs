//! The presence part of Microsoft Graph's protocol, without a web framework: [`Graph::handle`] takes
//! the method, the path and the body of a request, and returns a status and a body.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /users/{id}/presence/setPresence` | `SetSession` | none |
//! | `POST /users/{id}/presence/clearPresence` | `ClearSession` | none |
//! | `POST /users/{id}/presence/setUserPreferredPresence` | `SetPreferred` | none |
//! | `POST /users/{id}/presence/clearUserPreferredPresence` | `ClearPreferred` or none | none |
//! | `GET /users/{id}/presence` | none | `UserPresence` |
//! | `POST /communications/getPresencesByUserId` | `GetPresencesByUserId` | `UserPresences` |
//!
//! Behind a framework, put the [`Graph`] into a mutex or give it a thread of its own. The framework
//! authorizes requests, limits the length of bodies, and removes the version before the path and the
//! query after it. Ids are compared as they stand in the path, so decode `%` first if clients send it.
//!
//! The requests in `main` are scripted. Try `cargo run --example graph`.

use presence_core::{
    Body, BodyError, ClearPreferred, ClearSession, Command, CommandError, ErrorCode,
    GetPresencesByUserId, MAX_USER_IDS, PresenceDirectory, SetPreferred, SetSession, Timestamp,
    UserPresence, UserPresences, timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Requests: a clock face, a method, a path and a body.
const SCRIPT: [(&str, &str, &str, &[u8]); 26] = [
    (
        "09:00",
        "POST",
        "/users/ana/presence/setPresence",
        br#"{"sessionId":"phone","availability":"Available","activity":"Available","expirationDuration":"PT1H"}"#,
    ),
    ("09:00", "GET", "/users/ana/presence", b""),
    ("09:06", "GET", "/users/ana/presence", b""),
    (
        "09:07",
        "POST",
        "/users/ana/presence/setUserPreferredPresence",
        br#"{"availability":"DoNotDisturb","activity":"DoNotDisturb","expirationDuration":"PT8H"}"#,
    ),
    // Without a lifetime, as Graph's SDKs write it.
    (
        "09:07",
        "POST",
        "/users/bob/presence/setPresence",
        br#"{"sessionId":"web","availability":"Busy","activity":"InACall"}"#,
    ),
    ("09:07", "POST", "/communications/getPresencesByUserId", br#"{"ids":["bob","ana","cleo","bob"]}"#),
    // Without a body, as Graph's SDK for Python sends it.
    ("09:08", "POST", "/users/ana/presence/clearUserPreferredPresence", b""),
    ("09:08", "POST", "/users/ana/presence/clearUserPreferredPresence", b"{}"),
    ("09:08", "GET", "/users/ana/presence", b""),
    ("09:09", "POST", "/users/ana/presence/clearPresence", br#"{"sessionId":"phone"}"#),
    ("09:09", "POST", "/users/ana/presence/clearPresence", br#"{"sessionId":"phone"}"#),
    (
        "09:10",
        "POST",
        "/users/ana/presence/setPresence",
        br#"{"sessionId":"phone","availability":"Busy","activity":"Busy"}"#,
    ),
    (
        "09:10",
        "POST",
        "/users/ana/presence/setPresence",
        br#"{"sessionId":"phone","availability":"Away","activity":"Away","expirationDuration":"PT4M59S"}"#,
    ),
    (
        "09:10",
        "POST",
        "/users/ana/presence/setUserPreferredPresence",
        br#"{"availability":"Away","activity":"Away","expirationDuration":"8:00:00"}"#,
    ),
    ("09:10", "POST", "/users/ana/presence/clearPresence", b"{}"),
    ("09:10", "POST", "/users/ana/presence/clearPresence", br#"{"sessionId":""}"#),
    ("09:10", "POST", "/users/ana/presence/clearPresence", b""),
    ("09:10", "POST", "/users/ana/presence/clearPresence", br#"["phone"]"#),
    ("09:10", "POST", "/users/ana/presence/clearPresence", br#"{"sessionId":"phone","#),
    ("09:10", "POST", "/users/ana/presence/clearPresence", b"{\"sessionId\":\"\xFF\"}"),
    ("09:10", "POST", "/communications/getPresencesByUserId", b"{}"),
    ("09:10", "POST", "/communications/getPresencesByUserId", br#"{"ids":[7]}"#),
    ("09:11", "GET", "/users/ana/presence/setPresence", b""),
    ("09:11", "DELETE", "/users/ana/presence", b""),
    ("09:11", "GET", "/users/ana/manager", b""),
    ("09:11", "GET", "/users//presence", b""),
];

fn main() {
    let mut graph = Graph::default();
    for (clock, method, path, body) in SCRIPT {
        println!("{clock}  {method} {path}");
        print_body(body);
        print_response(&graph.handle(method, path, body, at(clock)));
        println!();
    }

    let (clock, path) = ("09:12", "/communications/getPresencesByUserId");
    let ids = vec!["ana"; MAX_USER_IDS + 1];
    println!("{clock}  POST {path}");
    println!("       ({} ids)", ids.len());
    let body = json!({ "ids": ids }).to_string();
    print_response(&graph.handle("POST", path, body.as_bytes(), at(clock)));
}

fn print_response(response: &Response) {
    println!("    -> {}", response.status);
    print_body(&response.body);
}

fn print_body(body: &[u8]) {
    if !body.is_empty() {
        println!("       {}", String::from_utf8_lossy(body));
    }
}

fn at(clock: &str) -> Timestamp {
    timestamp::parse(&format!("2026-11-20T{clock}:00Z")).expect("the script has valid times")
}

/// The users and their presences.
#[derive(Default)]
struct Graph {
    directory: PresenceDirectory<String, SessionId>,
}

/// A session id that is not empty. Graph answers an empty one as if it were missing.
#[derive(PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct SessionId(String);

impl TryFrom<String> for SessionId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        if id.is_empty() { Err("The SessionId field is required.") } else { Ok(Self(id)) }
    }
}

/// The answer to a request. The body may be empty.
struct Response {
    status: u16,
    body: Vec<u8>,
}

impl Graph {
    fn handle(&mut self, method: &str, path: &str, body: &[u8], now: Timestamp) -> Response {
        // Frees what has expired. Without subscriptions, the changes are not published.
        while self.directory.tick(now).is_some() {}
        match self.answer(method, path, body, now) {
            Ok(response) => response,
            Err(rejection) => rejection.into(),
        }
    }

    fn answer(
        &mut self,
        method: &str,
        path: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let route = Route::find(path).ok_or_else(Rejection::no_such_path)?;
        if method != route.method() {
            return Err(Rejection::method_not_allowed(route.method()));
        }
        match route {
            Route::SetSession(user) => self.apply(user, read::<SetSession<SessionId>>(body)?, now),
            Route::ClearSession(user) => self.apply(user, read::<ClearSession<SessionId>>(body)?, now),
            Route::SetPreferred(user) => self.apply(user, read::<SetPreferred>(body)?, now),
            Route::ClearPreferred(user) if body.is_empty() => self.apply(user, ClearPreferred, now),
            Route::ClearPreferred(user) => self.apply(user, read::<ClearPreferred>(body)?, now),
            Route::Presence(id) => {
                let presence = self.directory.presence(id, now);
                Ok(Response::json(&UserPresence { id, presence }))
            }
            Route::Presences => {
                let query = read::<GetPresencesByUserId<String>>(body)?;
                let presences = self.directory.presences(query.ids(), now);
                let answer: UserPresences<_> = query.ids().iter().zip(presences).collect();
                Ok(Response::json(&answer))
            }
        }
    }

    /// Applies a command. With subscriptions, this would publish the change of the outcome.
    fn apply(
        &mut self,
        user: &str,
        command: impl Into<Command<SessionId>>,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let _ = self.directory.apply(user, command, now)?;
        Ok(Response { status: 200, body: Vec::new() })
    }
}

/// Reads a body and checks it.
fn read<'a, T>(body: &'a [u8]) -> Result<T, Rejection>
where
    Body<T>: Deserialize<'a>,
{
    Ok(serde_json::from_slice::<Body<T>>(body)?.check()?)
}

enum Route<'a> {
    SetSession(&'a str),
    ClearSession(&'a str),
    SetPreferred(&'a str),
    ClearPreferred(&'a str),
    Presence(&'a str),
    Presences,
}

impl<'a> Route<'a> {
    fn find(path: &'a str) -> Option<Self> {
        let segments: Vec<_> = path.split('/').collect();
        match *segments {
            ["", "users", "", ..] => None,
            ["", "users", user, "presence", "setPresence"] => Some(Self::SetSession(user)),
            ["", "users", user, "presence", "clearPresence"] => Some(Self::ClearSession(user)),
            ["", "users", user, "presence", "setUserPreferredPresence"] => {
                Some(Self::SetPreferred(user))
            }
            ["", "users", user, "presence", "clearUserPreferredPresence"] => {
                Some(Self::ClearPreferred(user))
            }
            ["", "users", user, "presence"] => Some(Self::Presence(user)),
            ["", "communications", "getPresencesByUserId"] => Some(Self::Presences),
            _ => None,
        }
    }

    /// Returns the method that is allowed. A 405 should name it in the header `Allow` too.
    fn method(&self) -> &'static str {
        match self {
            Self::SetSession(_)
            | Self::ClearSession(_)
            | Self::SetPreferred(_)
            | Self::ClearPreferred(_)
            | Self::Presences => "POST",
            Self::Presence(_) => "GET",
        }
    }
}

/// Why a request is rejected.
struct Rejection {
    status: u16,
    code: &'static str,
    message: String,
}

impl Rejection {
    fn new(code: ErrorCode, message: String) -> Self {
        Self { status: code.status(), code: code.as_str(), message }
    }

    fn no_such_path() -> Self {
        Self::new(ErrorCode::NotFound, "path not found".to_owned())
    }

    fn method_not_allowed(allowed: &str) -> Self {
        let message = format!("method not allowed, expected {allowed}");
        Self { status: 405, code: "MethodNotAllowed", message }
    }
}

impl From<serde_json::Error> for Rejection {
    fn from(error: serde_json::Error) -> Self {
        Self::new(ErrorCode::InvalidArgument, format!("invalid body: {error}"))
    }
}

impl From<BodyError> for Rejection {
    fn from(error: BodyError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<CommandError> for Rejection {
    fn from(error: CommandError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<Rejection> for Response {
    fn from(Rejection { status, code, message }: Rejection) -> Self {
        Self { status, ..Self::json(&json!({ "error": { "code": code, "message": message } })) }
    }
}

impl Response {
    fn json(value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("strings and presences can be written");
        Self { status: 200, body }
    }
}
