//! The bodies of requests: read whole before their routes see them, inflated, and bounded in time and size.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use futures_util::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::error::Error;

/// The longest body, as it is sent and as it is inflated: 650 ids of 256 bytes fit.
const MAX_BODY: usize = 256 * 1024;
/// How many bytes the bodies of all requests take together: the longest one of 256 requests.
const MAX_BODIES: usize = 256 * MAX_BODY;
/// How long the body of a request may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of a rejected body is read, so that the connection stays usable.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;

/// The room that the bodies of all requests share, in bytes.
pub(crate) struct Bodies(Arc<Semaphore>);

impl Bodies {
    /// Creates the room.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_BODIES)))
    }

    /// Reads and inflates a body. It has its room until the permit is dropped.
    ///
    /// # Errors
    ///
    /// 413 if it is too long, 408 if it does not come in time, 400 if it ends too early or cannot be
    /// inflated, and 429 if there is no room.
    pub(crate) async fn read(
        &self,
        incoming: &mut Incoming,
        coding: Coding,
    ) -> Result<(Bytes, OwnedSemaphorePermit), Error> {
        let mut room = self.room(0)?;
        let mut body = Vec::new();
        if incoming.announced() > MAX_BODY {
            return Err(too_large());
        }
        while let Some(chunk) = incoming.next().await? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(too_large());
            }
            room.merge(self.room(chunk.len())?);
            body.extend_from_slice(&chunk);
        }
        let body = match coding {
            Coding::Identity => body,
            Coding::Gzip | Coding::Deflate => {
                let inflated = coding.inflate(&body)?;
                room.merge(self.room(inflated.len())?);
                inflated
            }
        };
        Ok((Bytes::from(body), room))
    }

    fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Error> {
        let bytes = u32::try_from(bytes).map_err(|_| too_large())?;
        Arc::clone(&self.0).try_acquire_many_owned(bytes).map_err(|_| Error::busy())
    }
}

/// A body that is still to be read, until its time is over.
pub(crate) struct Incoming {
    stream: BodyDataStream,
    end: Instant,
}

impl Incoming {
    /// Starts the time of a body.
    pub(crate) fn new(body: Body) -> Self {
        Self { stream: body.into_data_stream(), end: Instant::now() + BODY_TIMEOUT }
    }

    /// Reads on in the background and keeps nothing. The answer need not wait for it, and arrives: a
    /// connection that is closed before all of it was read would be reset.
    pub(crate) fn discard(mut self) {
        if self.stream.size_hint().1 == Some(0) {
            return;
        }
        tokio::spawn(async move {
            let mut discarded = 0;
            while discarded < MAX_DISCARDED
                && let Ok(Some(chunk)) = self.next().await
            {
                discarded += chunk.len();
            }
        });
    }

    /// Returns the length that the head names, or 0.
    fn announced(&self) -> usize {
        self.stream.size_hint().0
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match timeout_at(self.end, self.stream.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
            Ok(Some(Err(_))) => Err(Error::new(StatusCode::BAD_REQUEST, "the body ends too early")),
            Err(_) => Err(Error::of_status(StatusCode::REQUEST_TIMEOUT)),
        }
    }
}

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As it is.
    Identity,
    /// One or more members of gzip.
    Gzip,
    /// zlib, or the bare deflate that some clients send by the same name.
    Deflate,
}

impl Coding {
    /// Returns the coding that the headers name.
    ///
    /// # Errors
    ///
    /// 415 for any other coding, and for more than one.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Error> {
        let mut found = Self::Identity;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            let names = value.to_str().map_err(|_| unsupported())?;
            for name in names.split(',').map(|name| name.trim().to_ascii_lowercase()) {
                let coding = match name.as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    _ => return Err(unsupported()),
                };
                if found != Self::Identity {
                    return Err(unsupported());
                }
                found = coding;
            }
        }
        Ok(found)
    }

    /// Inflates a body. An empty one stays empty.
    fn inflate(self, body: &[u8]) -> Result<Vec<u8>, Error> {
        let mut inflated = Vec::new();
        let whole = match self {
            _ if body.is_empty() => true,
            Self::Identity => return Ok(body.to_vec()),
            Self::Gzip => {
                let limit = MAX_BODY as u64 + 1;
                MultiGzDecoder::new(body).take(limit).read_to_end(&mut inflated).is_ok()
            }
            Self::Deflate => {
                inflated.reserve_exact(MAX_BODY + 1);
                let mut zlib = Decompress::new(has_zlib_header(body));
                let status = zlib.decompress_vec(body, &mut inflated, FlushDecompress::Finish);
                matches!(status, Ok(Status::StreamEnd)) && zlib.total_in() == body.len() as u64
            }
        };
        if inflated.len() > MAX_BODY {
            return Err(too_large());
        }
        if !whole {
            return Err(Error::new(StatusCode::BAD_REQUEST, "the body cannot be inflated"));
        }
        inflated.shrink_to_fit();
        Ok(inflated)
    }
}

/// Returns whether a body starts as zlib does. No encoder starts a bare deflate so.
fn has_zlib_header(body: &[u8]) -> bool {
    let [method, flags, ..] = body else { return false };
    method & 0x0F == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
}

fn too_large() -> Error {
    Error::of_status(StatusCode::PAYLOAD_TOO_LARGE)
}

fn unsupported() -> Error {
    let text = "the content encoding must be gzip or deflate, and only one";
    Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
}
