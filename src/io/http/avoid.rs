//! `/api/v1/avoid`: which tokens a token service may avoid by itself, and the approval of it.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};

use crate::diagnosis::{Predicate, Remedy};
use crate::engine::{Command, IncidentFacts, IncidentState, Input};
use crate::model::{IncidentNumber, Timestamp};

use super::answer::{Moment, moment};
use super::api::refuse;
use super::command;
use super::operator::Desk;

/// What an approval is asked with.
#[derive(Deserialize, Serialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    /// The tokens of which incident.
    pub incident: u32,
}

#[derive(Serialize)]
struct AvoidAnswer {
    at: Moment,
    avoid: Vec<AvoidItem>,
    waiting: Vec<AvoidItem>,
}

/// Tokens that fail, and what to do about them.
#[derive(Serialize)]
struct AvoidItem {
    incident: u32,
    pods: Vec<String>,
    tokens: String,
    predicate: Predicate,
    remedies: Vec<RemedyAnswer>,
    since: Moment,
    approved: bool,
    expires: Option<Moment>,
}

#[derive(Serialize)]
struct RemedyAnswer {
    text: String,
    remedy: Remedy,
}

impl AvoidItem {
    /// Of an incident, if it is verified which tokens fail.
    fn of(facts: &IncidentFacts, now: Timestamp) -> Option<Self> {
        let (avoid, finding) = (facts.avoid.as_ref()?, facts.finding.as_ref()?);
        if facts.state != IncidentState::Firing {
            return None;
        }
        let expires = avoid.approved_until(now);
        let remedies = facts.remedies.iter();
        Some(Self {
            incident: facts.number.0,
            pods: facts.pods.iter().filter(|hit| hit.resolved.is_none()).map(|hit| hit.pod.to_string()).collect(),
            tokens: finding.predicate.to_string(),
            predicate: finding.predicate.clone(),
            remedies: remedies
                .map(|remedy| RemedyAnswer { text: remedy.to_string(), remedy: remedy.clone() })
                .collect(),
            since: moment(avoid.since),
            approved: expires.is_some(),
            expires: expires.map(moment),
        })
    }
}

pub(super) async fn show(State(desk): State<Desk>) -> Response {
    let (view, now) = (desk.view(), (desk.operator.now)());
    let items = view.incidents.iter().filter_map(|facts| AvoidItem::of(facts, now));
    let (avoid, waiting) = items.partition(|item| item.approved);
    Json(AvoidAnswer { at: moment(view.at), avoid, waiting }).into_response()
}

/// A script sends JSON and gets JSON; the form of an incident's page gets the page back.
pub(super) async fn approve(State(desk): State<Desk>, request: Request) -> Response {
    let (request, is_form) = match command::read::<ApproveRequest>(request).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let incident = IncidentNumber(request.incident);
    let view = desk.view();
    let is_open = |facts: &&IncidentFacts| facts.number == incident && facts.state == IncidentState::Firing;
    let Some(facts) = view.incidents.iter().find(is_open) else {
        return refuse(StatusCode::NOT_FOUND, "there is no open incident of this number");
    };
    if facts.avoid.is_none() {
        let why = "there is nothing to approve: it is not verified which tokens of this incident always fail";
        return refuse(StatusCode::CONFLICT, why);
    }
    let Some(length) = view.avoid_expires_after else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the node has no plan yet; try again");
    };
    let until = (desk.operator.now)().plus(length);
    if desk.operator.engine.try_send(Input::Command(Command::ApproveAvoid { incident, until })).is_err() {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the engine is busy or stopping; try again");
    }
    if is_form {
        return Redirect::to(&format!("/incidents/{}", incident.0)).into_response();
    }
    let answer = serde_json::json!({ "incident": incident.0, "until": until.to_rfc3339() });
    (StatusCode::ACCEPTED, Json(answer)).into_response()
}
