//! The presence part of Microsoft Graph's protocol, without a web framework: [`Graph::handle`] takes
//! the method, the path and the body of a request, and returns a status and a body.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /users/{id}/presence/setPresence` | `SetSession` | nothing |
//! | `POST /users/{id}/presence/clearPresence` | `ClearSession` | nothing |
//! | `POST /users/{id}/presence/setUserPreferredPresence` | `SetPreferred` | nothing |
//! | `POST /users/{id}/presence/clearUserPreferredPresence` | `ClearPreferred`, or nothing | nothing |
//! | `GET /users/{id}/presence` | | a presence with its id |
//! | `POST /communications/getPresencesByUserId` | `{"ids":[...]}`, 650 at most | `{"value":[...]}` |
//!
//! Behind a framework, lock the [`Graph`] or give it a thread of its own, and leave to the framework
//! what comes before: who may ask, the version in front of the path and the query behind it, how long
//! a body may be. An id is compared as it stands in the path; decode it first where clients send `%`.
//! Every body that is not empty is JSON.
//!
//! The dialogue that `main` plays is scripted. Try `cargo run --example graph`.

use presence_core::{
    ClearPreferred, ClearSession, Command, CommandError, ErrorCode, Presence, PresenceDirectory,
    SetPreferred, SetSession, Timestamp, rfc3339,
};
use serde::{Deserialize, Serialize};

/// How many users one request may ask for.
const MAX_IDS: usize = 650;

/// What is asked, and when: a clock face, a method, a path and a body.
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
    // As Graph's SDKs do, without the lifetime that is not given.
    (
        "09:07",
        "POST",
        "/users/bob/presence/setPresence",
        br#"{"sessionId":"web","availability":"Busy","activity":"InACall"}"#,
    ),
    ("09:07", "POST", "/communications/getPresencesByUserId", br#"{"ids":["bob","ana","cleo","bob"]}"#),
    // As Graph's SDK for Python does, without a body.
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
        let response = graph.handle(method, path, body, instant(clock));
        println!("    -> {}", response.status);
        print_body(&response.body);
        println!();
    }

    let ids = vec!["ana"; MAX_IDS + 1];
    let body = serde_json::to_vec(&serde_json::json!({ "ids": ids })).unwrap();
    println!("09:12  POST /communications/getPresencesByUserId");
    println!("       ({} ids)", ids.len());
    let path = "/communications/getPresencesByUserId";
    let response = graph.handle("POST", path, &body, instant("09:12"));
    println!("    -> {}", response.status);
    print_body(&response.body);
}

fn print_body(body: &[u8]) {
    if !body.is_empty() {
        println!("       {}", String::from_utf8_lossy(body));
    }
}

fn instant(clock: &str) -> Timestamp {
    rfc3339::parse(&format!("2026-11-20T{clock}:00Z")).unwrap()
}

/// The users, and the requests that may be made of them.
#[derive(Default)]
struct Graph {
    directory: PresenceDirectory<String, SessionId>,
}

/// The id of a session. To Graph an empty one is as good as none.
#[derive(PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct SessionId(String);

impl TryFrom<String> for SessionId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        if id.is_empty() { Err("The SessionId field is required.") } else { Ok(Self(id)) }
    }
}

/// The answer to a request; without a body where there is nothing to say.
struct Response {
    status: u16,
    body: Vec<u8>,
}

impl Graph {
    fn handle(&mut self, method: &str, path: &str, body: &[u8], now: Timestamp) -> Response {
        // Frees what has expired. Nobody subscribes here, so the changes are told to nobody.
        while self.directory.tick(now).is_some() {}
        match self.answer(method, path, body, now) {
            Ok(response) => response,
            Err(refusal) => refusal.into(),
        }
    }

    fn answer(
        &mut self,
        method: &str,
        path: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Response, Refusal> {
        let route = Route::find(path).ok_or_else(Refusal::no_such_path)?;
        if method != route.method() {
            return Err(Refusal::method_not_allowed(route.method()));
        }
        match route {
            Route::SetSession(user) => self.obey(user, read::<SetSession<SessionId>>(body)?, now),
            Route::ClearSession(user) => self.obey(user, read::<ClearSession<SessionId>>(body)?, now),
            Route::SetPreferred(user) => self.obey(user, read::<SetPreferred>(body)?, now),
            Route::ClearPreferred(user) if body.is_empty() => self.obey(user, ClearPreferred, now),
            Route::ClearPreferred(user) => self.obey(user, read::<ClearPreferred>(body)?, now),
            Route::Presence(id) => {
                let presence = self.directory.presence(id, now);
                Ok(Response::json(&UserPresence { id, presence }))
            }
            Route::Presences => {
                let ids = read::<Ids>(body)?.ids;
                if ids.len() > MAX_IDS {
                    let message = format!("{} ids are too many, want {MAX_IDS} at most", ids.len());
                    return Err(Refusal::invalid(message));
                }
                let presences = ids.iter().zip(self.directory.presences(&ids, now));
                let value = presences.map(|(id, presence)| UserPresence { id, presence }).collect();
                Ok(Response::json(&UserPresences { value }))
            }
        }
    }

    /// Obeys a command. Where somebody subscribes, here is a change that they are to be told.
    fn obey(
        &mut self,
        user: &str,
        command: impl Into<Command<SessionId>>,
        now: Timestamp,
    ) -> Result<Response, Refusal> {
        let _ = self.directory.apply(user, command, now)?;
        Ok(Response { status: 200, body: Vec::new() })
    }
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

    /// Returns the one method that is allowed, which the header `Allow` of a 405 should name.
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

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    let text = str::from_utf8(body).map_err(|_| Refusal::invalid("the body is not UTF-8"))?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Refusal::invalid("the body is not a JSON object"));
    }
    serde_json::from_str(text).map_err(|error| Refusal::invalid(reason(&error)))
}

/// Returns the text of an error without the place in the body, which `serde_json` adds to it.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(reason) => reason.to_owned(),
        None => text,
    }
}

#[derive(Deserialize)]
struct Ids {
    ids: Vec<String>,
}

#[derive(Serialize)]
struct UserPresence<'a> {
    id: &'a str,
    #[serde(flatten)]
    presence: Presence,
}

#[derive(Serialize)]
struct UserPresences<'a> {
    value: Vec<UserPresence<'a>>,
}

/// Why a request is not obeyed.
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { status: code.status(), code: code.as_str(), message: message.into() }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    fn no_such_path() -> Self {
        Self::new(ErrorCode::NotFound, "there is nothing at this path")
    }

    fn method_not_allowed(allowed: &str) -> Self {
        let message = format!("the method is not allowed here, only {allowed}");
        Self { status: 405, code: "MethodNotAllowed", message }
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<Refusal> for Response {
    fn from(Refusal { status, code, message }: Refusal) -> Self {
        let error = ErrorBody { code, message };
        Self { status, ..Self::json(&ErrorResponse { error }) }
    }
}

#[derive(Serialize)]
struct ErrorResponse {
    error: ErrorBody,
}

#[derive(Serialize)]
struct ErrorBody {
    code: &'static str,
    message: String,
}

impl Response {
    fn json(value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).expect("words and texts can be written");
        Self { status: 200, body }
    }
}
