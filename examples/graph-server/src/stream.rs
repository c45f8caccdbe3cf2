//! The stream of changes, as server-sent events.

use std::collections::HashSet;
use std::convert::Infallible;

use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use presence_core::graph::UserPresence;
use presence_core::{Presence, Timestamp};

use crate::error::Error;
use crate::service::Service;
use crate::watch;

/// Streams the changes of users, from the event on that the watcher has seen last.
pub(crate) async fn changes(
    service: &Service,
    ids: HashSet<String>,
    headers: &HeaderMap,
    at: Option<Timestamp>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Error> {
    // An id that is no number is none of ours, so it is out of the history.
    let seen = headers.get("last-event-id").map(|id| id.to_str().ok().and_then(|id| id.parse().ok()));
    let seen = seen.map(|id| id.unwrap_or(u64::MAX));
    let users: Vec<_> = ids.iter().cloned().collect();
    let subscription = service.hub().subscribe(ids, seen).ok_or_else(Error::busy)?;
    let first: Vec<_> = if let Some(missed) = &subscription.missed {
        missed.iter().map(|event| event_of_change(event)).collect()
    } else {
        let presences = service.presences(&users, at).await?;
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
