//! `/api/v1`: what is, as JSON. What changes something is in `command.rs`.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::io::store::{AttemptQuery, OutcomeFilter, StoreError};
use crate::model::{AttemptId, PodName, Timestamp};

use super::answer::{AlertAnswer, AttemptAnswer, ComponentAnswer, IncidentAnswer, Listed, NoticeAnswer, PodAnswer};
use super::history::History;
use super::operator::Desk;

/// Observations in one answer when no limit is asked for.
pub(super) const LIMIT_DEFAULT: u32 = 100;
/// Most observations in one answer; `before` pages on.
pub(super) const LIMIT_MAX: u32 = 500;

/// A refusal as JSON: `{"error": "…"}`.
pub(super) fn refuse(status: StatusCode, error: impl Into<String>) -> Response {
    (status, Json(serde_json::json!({ "error": error.into() }))).into_response()
}

/// Everything that has no route.
pub(super) async fn nothing_here() -> Response {
    refuse(StatusCode::NOT_FOUND, "there is nothing at this address; docs/api.md lists what there is")
}

pub(super) async fn pods(State(desk): State<Desk>) -> Response {
    let view = desk.view();
    Json(Listed::new(&view, view.pods.iter().map(|pod| PodAnswer::of(pod, &view)))).into_response()
}

pub(super) async fn pod(State(desk): State<Desk>, Path(name): Path<String>) -> Response {
    let view = desk.view();
    match view.pods.iter().find(|pod| pod.name.as_str() == name) {
        Some(pod) => Json(PodAnswer::of(pod, &view)).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "there is no pod of this name"),
    }
}

pub(super) async fn alerts(State(desk): State<Desk>) -> Response {
    let view = desk.view();
    Json(Listed::new(&view, view.alerts.iter().map(AlertAnswer::of))).into_response()
}

pub(super) async fn incidents(State(desk): State<Desk>) -> Response {
    let view = desk.view();
    Json(Listed::new(&view, view.incidents.iter().map(IncidentAnswer::of))).into_response()
}

pub(super) async fn incident(State(desk): State<Desk>, Path(number): Path<String>) -> Response {
    let view = desk.view();
    match view.incidents.iter().find(|incident| incident.number.0.to_string() == number) {
        Some(incident) => Json(IncidentAnswer::of(incident)).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "no such incident is among the open and the 50 newest closed ones"),
    }
}

pub(super) async fn components(State(desk): State<Desk>) -> Response {
    let view = desk.view();
    Json(Listed::new(&view, view.components.iter().map(ComponentAnswer::of))).into_response()
}

pub(super) async fn notices(State(desk): State<Desk>) -> Response {
    let view = desk.view();
    Json(Listed::new(&view, view.notices.iter().map(NoticeAnswer::of))).into_response()
}

/// What `/api/v1/observations` understands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ObservationsQuery {
    pod: Option<String>,
    outcome: Option<OutcomeFilter>,
    before: Option<String>,
    limit: Option<u32>,
}

impl ObservationsQuery {
    fn parse(self) -> Result<AttemptQuery, String> {
        let pod = self.pod.map(|name| PodName::parse(&name)).transpose().map_err(|error| format!("pod: {error}"))?;
        let before = match self.before {
            Some(text) => {
                let read = Timestamp::parse_rfc3339(&text);
                Some(read.ok_or("before: write a moment as RFC 3339, like 2024-09-10T22:57:00Z")?)
            }
            None => None,
        };
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(format!("limit: 1 to {LIMIT_MAX}"));
        }
        Ok(AttemptQuery { pod, outcome: self.outcome, before, limit })
    }
}

pub(super) async fn observations(
    State(desk): State<Desk>,
    query: Result<Query<ObservationsQuery>, QueryRejection>,
) -> Response {
    let query = query.map_err(|rejection| rejection.body_text()).and_then(|Query(query)| query.parse());
    let query = match query {
        Ok(query) => query,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, why),
    };
    let limit = query.limit;
    match read(&desk, move |history| history.attempts(&query)).await {
        Ok(found) => {
            let full = found.len() >= limit as usize;
            let next = found.last().filter(|_| full).map(|attempt| attempt.report.started);
            Json(Listed::new(&desk.view(), found.iter().map(AttemptAnswer::of)).page(next)).into_response()
        }
        Err(error) => refuse(StatusCode::SERVICE_UNAVAILABLE, error),
    }
}

pub(super) async fn attempt(State(desk): State<Desk>, Path(id): Path<String>) -> Response {
    let Some(id) = attempt_id(&id) else {
        return refuse(StatusCode::NOT_FOUND, "an attempt's id has 16 hexadecimal digits");
    };
    match read(&desk, move |history| history.attempt(id)).await {
        Ok(Some(attempt)) => Json(AttemptAnswer::of(&attempt)).into_response(),
        Ok(None) => refuse(StatusCode::NOT_FOUND, "this attempt is not, or no longer, in the store"),
        Err(error) => refuse(StatusCode::SERVICE_UNAVAILABLE, error),
    }
}

/// The id that 16 hexadecimal digits stand for.
pub(super) fn attempt_id(text: &str) -> Option<AttemptId> {
    let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(text, 16).ok().map(AttemptId)).flatten()
}

/// Asks the history on a thread that may block. The error is for people.
pub(super) async fn read<T: Send + 'static>(
    desk: &Desk,
    ask: impl FnOnce(&dyn History) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, String> {
    let history = desk.operator.history.clone();
    match tokio::task::spawn_blocking(move || ask(history.as_ref())).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(format!("the history cannot be read: {error}")),
        Err(_) => Err("the history cannot be read: the query died".to_owned()),
    }
}
