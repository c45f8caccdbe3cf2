//! An error as Graph words it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use presence_core::graph::BodyError;
use presence_core::{CommandError, Timestamp, TimestampError, timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An error: the status, Graph's code, and a text.
///
/// As a response it has no body yet: the outermost layer writes it, with the ids of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// Graph's code.
    pub code: String,
    /// The text.
    pub message: String,
}

impl Error {
    /// Creates an error. The code follows from the status.
    #[must_use]
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let code = match status {
            StatusCode::BAD_REQUEST => "InvalidArgument",
            StatusCode::UNAUTHORIZED => "InvalidAuthenticationToken",
            StatusCode::FORBIDDEN => "Forbidden",
            StatusCode::NOT_FOUND => "ResourceNotFound",
            StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
            StatusCode::REQUEST_TIMEOUT => "RequestTimeout",
            StatusCode::PAYLOAD_TOO_LARGE => "RequestEntityTooLarge",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "UnsupportedMediaType",
            StatusCode::FAILED_DEPENDENCY => "FailedDependency",
            StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
            StatusCode::NOT_IMPLEMENTED => "NotImplemented",
            StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
            _ => "InternalServerError",
        };
        Self { status: status.as_u16(), code: code.to_owned(), message: message.into() }
    }

    /// A request that breaks a rule of the server.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Too many requests are waiting. The command was not accepted.
    #[must_use]
    pub fn busy() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests, try again later")
    }

    /// The service cannot answer now.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// Returns the error of a response that a library made.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        let message = match status {
            StatusCode::NOT_FOUND => "no such path",
            StatusCode::METHOD_NOT_ALLOWED => "method not allowed, see the header Allow",
            StatusCode::REQUEST_TIMEOUT => "the body did not come in time",
            StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
            StatusCode::SERVICE_UNAVAILABLE => "no answer in time: a command may have been accepted",
            _ => status.canonical_reason().unwrap_or("error"),
        };
        Self::new(status, message)
    }

    /// Returns the body of the answer, with the ids of the request.
    #[must_use]
    pub fn body(&self, request_id: &str, client_request_id: Option<&str>) -> Value {
        json!({ "error": { "code": self.code, "message": self.message, "innerError": {
            "date": timestamp::display(Timestamp::now()).to_string(),
            "request-id": request_id,
            "client-request-id": client_request_id.unwrap_or(request_id),
        }}})
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                let value = HeaderValue::from_static(r#"Bearer realm="", error="invalid_token""#);
                headers.insert(header::WWW_AUTHENTICATE, value);
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Takes the code, the status and the text of errors of the crate.
macro_rules! from_graph_errors {
    ($($error:ident),+) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                let (status, code) = (error.status(), error.code().as_str().to_owned());
                Self { status, code, message: error.to_string() }
            }
        }
    )+};
}

from_graph_errors!(BodyError, CommandError, TimestampError);
