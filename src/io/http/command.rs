//! What an operator can change: pausing and resuming, and how any such request is read. A script
//! sends JSON and gets JSON; a form of the dashboard sends itself and gets the page back.

use std::time::Duration;

use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engine::{Command, Input};
use crate::model::PodName;

use super::api::refuse;
use super::operator::Desk;

/// The longest pause: a forgotten one must end by itself.
pub const PAUSE_MAX: Duration = Duration::from_hours(7 * 24);

/// What pausing and resuming are asked with.
#[derive(Deserialize, Serialize, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct PauseRequest {
    /// Which pod; all if absent, empty or `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// For how long: `90s`, `30m`, `2h`, `1d`; at most seven days. Only for pausing.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub length: Option<String>,
}

pub(super) async fn pause(State(desk): State<Desk>, request: Request) -> Response {
    obey(&desk, request, |request, pod| {
        let length = request.length.as_deref().ok_or("for: say how long, like \"2h\"")?;
        let length = parse_length(length).ok_or("for: write a length like 90s, 30m, 2h or 1d, at most 7d")?;
        Ok(Command::Pause { pod, until: (desk.operator.now)().plus(length) })
    })
    .await
}

pub(super) async fn resume(State(desk): State<Desk>, request: Request) -> Response {
    obey(&desk, request, |request, pod| match request.length {
        Some(_) => Err("for: a resume has no length"),
        None => Ok(Command::Resume { pod }),
    })
    .await
}

async fn obey(
    desk: &Desk,
    request: Request,
    command: impl FnOnce(&PauseRequest, Option<PodName>) -> Result<Command, &'static str>,
) -> Response {
    let (request, is_form) = match read::<PauseRequest>(request).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let pod = match request.pod.as_deref() {
        None | Some("" | "all") => None,
        Some(name) => match desk.view().pods.iter().find(|pod| pod.name.as_str() == name) {
            Some(pod) => Some(pod.name.clone()),
            None => return refuse(StatusCode::NOT_FOUND, "there is no pod of this name"),
        },
    };
    let back = pod.as_ref().map_or_else(|| "/".to_owned(), |pod| format!("/pods/{pod}"));
    let mut answer = serde_json::json!({ "pod": pod.as_ref().map(PodName::as_str) });
    let command = match command(&request, pod) {
        Ok(command) => command,
        Err(why) => return refuse(StatusCode::BAD_REQUEST, why),
    };
    if let Command::Pause { until, .. } = &command {
        answer["until"] = until.to_rfc3339().into();
    }
    if desk.operator.engine.try_send(Input::Command(command)).is_err() {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the engine is busy or stopping; try again");
    }
    if is_form { Redirect::to(&back).into_response() } else { (StatusCode::ACCEPTED, Json(answer)).into_response() }
}

/// What is asked for, and whether a form of a page asks.
pub(super) async fn read<T: DeserializeOwned>(request: Request) -> Result<(T, bool), Response> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let form = Form::from_request(request, &()).await;
        return form.map(|Form(read)| (read, true)).map_err(|r| refuse(r.status(), r.body_text()));
    }
    let json = Json::from_request(request, &()).await;
    json.map(|Json(read)| (read, false)).map_err(|r| refuse(r.status(), r.body_text()))
}

/// A length like `90s`, `30m`, `2h`, `1d`; from one second to [`PAUSE_MAX`].
pub fn parse_length(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let secs = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = text[..text.len() - 1].parse().ok()?;
    let length = Duration::from_secs(number.checked_mul(secs)?);
    (Duration::from_secs(1)..=PAUSE_MAX).contains(&length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_a_unit_and_an_end() {
        for (text, secs) in [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800)] {
            assert_eq!(parse_length(text), Some(Duration::from_secs(secs)), "{text}");
        }
        for bad in ["", "s", "0s", "8d", "2", "-1h", "1w", "99999999999999999999h", "2hé"] {
            assert_eq!(parse_length(bad), None, "{bad}");
        }
    }
}
