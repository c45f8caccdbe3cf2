//! Graph's `$batch`: up to 20 requests in the body of one.
//!
//! The requests are answered in rounds: first those that depend on no other, side by side, then those
//! that depend on these, and so on. A request that depends on one that failed is not sent, and is answered
//! with 424. The texts of the errors of a whole batch are Graph's, if Graph has one.

use std::collections::{BTreeMap, HashSet};

use axum::body::{Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use crate::error::Error;

/// How many requests a batch has at most.
const MAX_REQUESTS: usize = 20;

/// The requests of a batch, in rounds.
#[derive(Debug)]
pub struct Batch {
    rounds: Vec<Vec<Part>>,
}

/// One request of a batch. Clients of .NET may write the names with a capital.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(alias = "Id")]
    id: String,
    #[serde(alias = "Method")]
    method: String,
    #[serde(alias = "Url")]
    url: String,
    #[serde(alias = "Headers")]
    headers: Option<BTreeMap<String, String>>,
    #[serde(alias = "Body")]
    body: Option<Box<RawValue>>,
    #[serde(alias = "DependsOn")]
    depends_on: Option<Vec<String>>,
}

/// The answers to a batch.
#[derive(Debug, Serialize)]
pub struct Answers {
    responses: Vec<Answer>,
}

/// The answer to one request of a batch.
#[derive(Debug, Serialize)]
struct Answer {
    id: String,
    status: u16,
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

impl Batch {
    /// Reads the body of a batch.
    ///
    /// # Errors
    ///
    /// 400 if it has no requests or too many, or if they cannot be told apart or put in order.
    pub fn read(body: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Body {
            #[serde(alias = "Requests")]
            requests: Vec<Part>,
        }

        let requests = serde_json::from_slice::<Body>(body).map(|body| body.requests);
        let Some(mut waiting) = requests.ok().filter(|requests| !requests.is_empty()) else {
            return Err(bad("Invalid batch payload format."));
        };
        if waiting.len() > MAX_REQUESTS {
            return Err(bad("Number of requests inside batch exceed the limit."));
        }
        let mut keys = HashSet::new();
        for Part { id, body, headers, .. } in &waiting {
            if !keys.insert(key(id)) {
                return Err(bad(format!("Request Id {id} has to be unique in a batch.")));
            }
            let mut names = headers.iter().flat_map(BTreeMap::keys);
            if body.is_some() && !names.any(|name| name.eq_ignore_ascii_case("content-type")) {
                return Err(bad(format!(
                    "Write request id : {id} does not contain Content-Type header or body."
                )));
            }
        }
        let mut rounds = Vec::new();
        let mut earlier = HashSet::new();
        while !waiting.is_empty() {
            let (round, later): (Vec<Part>, _) = waiting
                .into_iter()
                .partition(|part: &Part| part.dependencies().all(|id| earlier.contains(&id)));
            if round.is_empty() {
                return Err(bad(
                    "a request depends on an id that the batch does not have, or on itself",
                ));
            }
            earlier.extend(round.iter().map(|part| key(&part.id)));
            rounds.push(round);
            waiting = later;
        }
        Ok(Self { rounds })
    }

    /// Answers each request with `answer`. The URLs are relative to `root`, such as `/v1.0`. Each request
    /// has the headers of the batch, unless it has its own.
    pub async fn run<F>(
        self,
        root: &str,
        headers: &HeaderMap,
        answer: impl Fn(Request<Bytes>) -> F,
    ) -> Answers
    where
        F: Future<Output = Response>,
    {
        let mut failed = HashSet::new();
        let mut responses = Vec::new();
        for round in self.rounds {
            let answers = join_all(round.into_iter().map(async |part| {
                let request = if part.dependencies().any(|id| failed.contains(&id)) {
                    let text = "a request that this one depends on has failed";
                    Err(Error::new(StatusCode::FAILED_DEPENDENCY, text))
                } else {
                    part.request(root, headers)
                };
                let own = request.as_ref().map_or(headers, Request::headers).get("client-request-id");
                let client_id = own.and_then(|id| id.to_str().ok()).map(str::to_owned);
                let response = match request {
                    Ok(request) => answer(request).await,
                    Err(error) => error.into_response(),
                };
                Answer::new(part.id, client_id.as_deref(), response).await
            }));
            let answers = answers.await;
            failed.extend(
                answers.iter().filter(|answer| answer.status >= 400).map(|answer| key(&answer.id)),
            );
            responses.extend(answers);
        }
        Answers { responses }
    }
}

impl Part {
    /// Returns the keys of the requests that this one depends on.
    fn dependencies(&self) -> impl Iterator<Item = String> {
        self.depends_on.iter().flatten().map(|id| key(id))
    }

    /// Returns the request as if it came alone.
    ///
    /// # Errors
    ///
    /// 400 if its method, its URL or a header is none.
    fn request(&self, root: &str, headers: &HeaderMap) -> Result<Request<Bytes>, Error> {
        // Graph's SDK for Python writes whole URLs.
        let uri: Result<Uri, _> = if self.url.starts_with("http://") || self.url.starts_with("https://")
        {
            self.url.parse()
        } else {
            format!("{root}/{}", self.url.strip_prefix('/').unwrap_or(&self.url)).parse()
        };
        let body = self.body.as_ref().map_or("", |body| body.get());
        let mut request = Request::new(Bytes::copy_from_slice(body.as_bytes()));
        *request.uri_mut() = uri.map_err(|_| Error::invalid("the url is not valid"))?;
        *request.method_mut() = Method::from_bytes(self.method.to_ascii_uppercase().as_bytes())
            .map_err(|_| Error::invalid("the method is not valid"))?;
        request.headers_mut().clone_from(headers);
        for (name, value) in self.headers.iter().flatten() {
            let (name, value) =
                HeaderName::try_from(name)
                    .ok()
                    .zip(HeaderValue::try_from(value).ok())
                    .ok_or_else(|| Error::invalid(format!("the header {name} is not valid")))?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }
}

impl Answer {
    /// Takes the answer to a request apart. The body of an error is written here.
    async fn new(id: String, client_id: Option<&str>, response: Response) -> Self {
        let (mut parts, body) = response.into_parts();
        let body = if let Some(error) = parts.extensions.remove::<Error>() {
            parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            to_raw_value(&error.body(&Uuid::new_v4().to_string(), client_id)).ok()
        } else {
            // All of it is in memory already. What is not JSON is a text.
            let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let text = Some(text).filter(|text| !text.is_empty());
            text.and_then(|text| {
                RawValue::from_string(text.clone()).or_else(|_| to_raw_value(&text)).ok()
            })
        };
        let headers = parts.headers.iter().filter_map(|(name, value)| {
            Some((capitalized(name.as_str()), value.to_str().ok()?.to_owned()))
        });
        Self { id, status: parts.status.as_u16(), headers: headers.collect(), body }
    }
}

/// Returns the name of a header as Graph writes it. Its SDKs look for `Content-Type` with this case.
fn capitalized(name: &str) -> String {
    let mut is_start = true;
    let capital = |letter: char| {
        let was_start = std::mem::replace(&mut is_start, letter == '-');
        if was_start { letter.to_ascii_uppercase() } else { letter }
    };
    name.chars().map(capital).collect()
}

/// Returns what two ids have in common if they are the same. Graph compares them without regard to case.
fn key(id: &str) -> String {
    id.to_ascii_lowercase()
}

fn bad(message: impl Into<String>) -> Error {
    Error { code: "BadRequest".to_owned(), ..Error::invalid(message) }
}
