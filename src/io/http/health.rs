//! Health, reload and metrics, where Prometheus' tools have them.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::oneshot;

use super::metrics::Format;
use super::operator::Desk;

/// Somebody wants the configuration to be read again.
#[derive(Debug)]
pub struct ReloadRequest {
    /// Where the result goes: nothing, or every mistake in the configuration as text. The old
    /// plan stays in place when there is one.
    pub reply: oneshot::Sender<Result<(), String>>,
}

/// The process lives.
pub(super) async fn healthy() -> &'static str {
    "ringcheck is healthy.\n"
}

/// A plan was taken: it probes, or would if it were not paused.
pub(super) async fn ready(State(desk): State<Desk>) -> Response {
    if desk.view().location.is_some() {
        return "ringcheck is ready.\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "ringcheck is not ready: no plan has been taken yet.\n").into_response()
}

/// Reads the configuration again; 500 with every mistake if it is refused.
pub(super) async fn reload(State(desk): State<Desk>) -> Response {
    let (reply, answer) = oneshot::channel();
    if desk.operator.reload.try_send(ReloadRequest { reply }).is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "A reload is under way; try again.\n").into_response();
    }
    match answer.await {
        Ok(Ok(())) => "Reloaded.\n".into_response(),
        Ok(Err(mistakes)) => {
            let text =
                format!("The configuration was refused; the old one stays in place.\n\n{}\n", mistakes.trim_end());
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "ringcheck is shutting down.\n").into_response(),
    }
}

/// The metrics, in the format that is asked for.
pub(super) async fn metrics(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    let format = Format::wanted(headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()));
    let page = desk.operator.metrics.render(&desk.view(), format);
    ([(header::CONTENT_TYPE, format.content_type())], page).into_response()
}
