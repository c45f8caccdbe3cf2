//! The stream of changes, as server-sent events.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::SystemTime;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use presence_core::graph::UserPresence;
use presence_core::{Presence, Timestamp};
use tokio::time::sleep;

use crate::error::Error;
use crate::service::Service;
use crate::watch::End;

/// Streams the changes of users from the event on that the watcher has seen last, until its token expires.
pub(crate) async fn changes(
    service: &Service,
    ids: HashSet<String>,
    headers: &HeaderMap,
    at: Option<Timestamp>,
    expires: Option<SystemTime>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Error> {
    // An id that is no number is none of ours, so it is out of the history.
    let seen = headers.get("last-event-id").map(|id| id.to_str().ok().and_then(|id| id.parse().ok()));
    let seen = seen.map(|id| id.unwrap_or(u128::MAX));
    let users: Vec<_> = ids.iter().cloned().collect();
    let subscription = service.hub().subscribe(ids, seen).ok_or_else(Error::busy)?;
    let mut first = Vec::new();
    if let Some(start) = subscription.reset {
        let presences = service.presences(&users, at).await?;
        first.push(Event::default().event("reset").data("{}"));
        first.extend(users.into_iter().zip(presences).map(|(id, presence)| event(id, presence)));
        // Only the last has an id: a client that has not read it must not come back as if it had.
        let last = first.pop().map(|last| last.id(start.to_string()));
        first.extend(last);
    }
    let live = stream::unfold(Some(subscription), async |subscription| {
        let mut subscription = subscription?;
        match subscription.next().await {
            Ok(found) => {
                let event = event(found.change.user.clone(), found.change.presence);
                Some((event.id(found.id.to_string()), Some(subscription)))
            }
            Err(End::Slow) => Some((Event::default().event("slow").data("{}"), None)),
            Err(End::Closed) => None,
        }
    });
    let end_of_token = async move {
        match expires {
            Some(time) => sleep(time.duration_since(SystemTime::now()).unwrap_or_default()).await,
            None => std::future::pending().await,
        }
    };
    let events = stream::iter(first).chain(live).take_until(Box::pin(end_of_token)).map(Ok);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

fn event(id: String, presence: Presence) -> Event {
    let data = serde_json::to_string(&UserPresence::new(id, presence)).unwrap_or_default();
    Event::default().event("presence").data(data)
}
