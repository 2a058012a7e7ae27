//! Live updates: one short event whenever the state has changed, at most one a second.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::answer::PulseAnswer;
use super::operator::Desk;

/// Most streams that are open at once; a further one is answered with 503.
pub(super) const STREAMS_MAX: usize = 64;
/// The shortest time between two events of a stream.
const PACE: Duration = Duration::from_secs(1);
/// A comment is sent after so long without an event, so that proxies keep the stream open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `text/event-stream` of `view` events. The stream ends when the node stops.
pub(super) async fn stream(State(desk): State<Desk>) -> Response {
    let Ok(slot) = desk.streams.clone().try_acquire_owned() else {
        let busy = format!("{STREAMS_MAX} live updates are open, more are not served.\n");
        return (StatusCode::SERVICE_UNAVAILABLE, busy).into_response();
    };
    let mut views = desk.operator.view.clone();
    views.mark_changed(); // the first event tells the present state
    let events = stream::unfold((views, slot, false), |(mut views, slot, paced)| async move {
        if paced {
            tokio::time::sleep(PACE).await;
        }
        views.changed().await.ok()?;
        let view = views.borrow_and_update().clone();
        let event = Event::default().event("view").json_data(PulseAnswer::of(&view)).ok()?;
        Some((Ok::<_, Infallible>(event), (views, slot, true)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}
