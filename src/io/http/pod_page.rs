//! One pod with its newest attempts, and one attempt with its steps.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::engine::{PodView, View};
use crate::io::store::{AttemptQuery, RecordedAttempt};
use crate::model::{AttemptReport, Segment, Timestamp, TokenShape};

use super::cover::CoverRow;
use super::dashboard::{Frame, PodRow, render};
use super::operator::Desk;
use super::{api, chart, phrase};

/// Attempts on a pod's page.
const SHOWN: u32 = 100;

#[derive(Template)]
#[template(path = "pod.html")]
struct PodPage {
    frame: Frame,
    row: PodRow,
    baseline: String,
    in_flight: u32,
    probes: Vec<(String, String)>,
    certificates: Vec<(String, i64)>,
    calls: Vec<(String, String)>,
    /// Whether tokens are chosen, and how long ago what was looked at; empty before the first plan.
    steered: bool,
    cover: Vec<CoverRow>,
    attempts: Vec<AttemptRow>,
    unreadable: String,
}

struct AttemptRow {
    id: String,
    at: String,
    class: &'static str,
    outcome: String,
    role: &'static str,
    kind: String,
    edge: String,
    took_ms: String,
}

#[derive(Template)]
#[template(path = "attempt.html")]
struct AttemptPage {
    frame: Frame,
    id: String,
    pod: String,
    probe: String,
    role: &'static str,
    started: String,
    took_ms: String,
    class: &'static str,
    outcome: String,
    timeline: String,
    steps: Vec<(&'static str, &'static str, String)>,
    kind: String,
    key: u16,
    name_length: u8,
    edge: String,
    cells: String,
    lengths: String,
    partner: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "missing.html")]
struct MissingPage {
    frame: Frame,
    what: String,
}

/// A page that says what is not there.
pub(super) fn missing(view: &View, now: Timestamp, what: &str) -> Response {
    let page = render(&MissingPage { frame: Frame::of(view, now), what: what.to_owned() });
    (StatusCode::NOT_FOUND, page).into_response()
}

pub(super) async fn show(State(desk): State<Desk>, Path(name): Path<String>) -> Response {
    let view = desk.view();
    let now = (desk.operator.now)();
    let Some(pod) = view.pods.iter().find(|pod| pod.name.as_str() == name) else {
        return missing(&view, now, "There is no pod of this name in the present plan.");
    };
    let query = AttemptQuery { pod: Some(pod.name.clone()), outcome: None, before: None, limit: SHOWN };
    let found = api::read(&desk, move |history| history.attempts(&query)).await;
    let (attempts, unreadable) = match found {
        Ok(found) => (found, String::new()),
        Err(error) => (Vec::new(), error),
    };
    pod_page(&view, now, &name, &attempts, unreadable)
}

/// The page of a pod that is in the view.
pub(super) fn pod_page(
    view: &View,
    now: Timestamp,
    name: &str,
    found: &[RecordedAttempt],
    unreadable: String,
) -> Response {
    let Some(pod) = view.pods.iter().find(|pod| pod.name.as_str() == name) else {
        return missing(view, now, "There is no pod of this name in the present plan.");
    };
    let next = |at: Option<Timestamp>| at.map_or_else(|| "none".to_owned(), |at| phrase::relative(at, now));
    render(&PodPage {
        frame: Frame::of(view, now),
        row: PodRow::of(pod, view, now),
        baseline: pod.baseline.to_string(),
        in_flight: pod.in_flight,
        probes: pod.probes.iter().map(|probe| (probe.name.to_string(), next(probe.next))).collect(),
        certificates: pod.certificate_days.iter().map(|(edge, days)| (edge.to_string(), *days)).collect(),
        calls: calls(pod, now),
        steered: pod.cover.as_ref().is_some_and(|cover| cover.steered),
        cover: pod.cover.iter().flat_map(|cover| &cover.sets).map(|ages| CoverRow::of(ages, now)).collect(),
        attempts: found.iter().map(AttemptRow::of).collect(),
        unreadable,
    })
}

/// What is known of a pod's test calls: label and words.
fn calls(pod: &PodView, now: Timestamp) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for call in &pod.calls {
        let mut words = vec![format!("{} of {} failed", call.recent.0, call.recent.1)];
        words.extend(call.set_up_ms.map(|ms| format!("set up in {ms} ms")));
        words.extend(call.delivery_ms.map(|ms| format!("arrive in {ms} ms")));
        words.extend(call.mos_centi.map(|mos| format!("score {:.1}", f64::from(mos) / 100.0)));
        match call.stopped {
            Some(at) => words.push(format!("none since {}: the budget is spent", phrase::relative(at, now))),
            None if !call.looked_at => words.push("not looked at".to_owned()),
            None => {}
        }
        rows.push((format!("Calls {}", call.direction), words.join(", ")));
    }
    if let Some(budget) = pod.call_budget {
        let ((hour, of_hour), (day, of_day)) = (budget.hour, budget.day);
        let words = format!("{hour} of {of_hour} minutes this hour, {day} of {of_day} today (UTC)");
        rows.push(("Call budget".to_owned(), words));
    }
    rows
}

pub(super) async fn show_attempt(State(desk): State<Desk>, Path(id): Path<String>) -> Response {
    let (view, now) = (desk.view(), (desk.operator.now)());
    let Some(id) = api::attempt_id(&id) else {
        return missing(&view, now, "An attempt\u{2019}s id has 16 hexadecimal digits.");
    };
    match api::read(&desk, move |history| history.attempt(id)).await {
        Ok(Some(attempt)) => attempt_page(&view, now, &attempt),
        Ok(None) => missing(&view, now, "This attempt is not, or no longer, in the store."),
        Err(error) => missing(&view, now, &error),
    }
}

/// The page of an attempt.
pub(super) fn attempt_page(view: &View, now: Timestamp, attempt: &RecordedAttempt) -> Response {
    let AttemptReport { id, started, outcome, traits, steps, partner, .. } = &attempt.report;
    let timings: Vec<(&'static str, f64)> =
        steps.iter().map(|timing| (timing.step.as_str(), timing.took.as_secs_f64() * 1000.0)).collect();
    let failed = outcome.failure().map(|failure| failure.step.as_str());
    let address = partner.address.map(|address| address.to_string());
    render(&AttemptPage {
        frame: Frame::of(view, now),
        id: id.to_string(),
        pod: attempt.pod.to_string(),
        probe: attempt.probe.to_string(),
        role: phrase::role(attempt.role),
        started: started.to_rfc3339(),
        took_ms: took_ms(&attempt.report),
        class: outcome.as_str(),
        outcome: phrase::outcome(outcome),
        timeline: chart::timeline(&timings, failed),
        steps: steps
            .iter()
            .map(|timing| (timing.step.as_str(), phrase::step(timing.step), millis(timing.took.as_secs_f64() * 1000.0)))
            .collect(),
        kind: traits.kind.to_string(),
        key: u16::from(traits.key.0) + 1,
        name_length: traits.name_length,
        edge: traits.edge.to_string(),
        cells: cells(&traits.shape),
        lengths: traits.shape.lengths.map(|length| length.to_string()).join(" + "),
        partner: [
            ("Gateway", partner.gateway.clone()),
            ("Region", partner.region.clone()),
            ("Edge reached", partner.edge.clone()),
            ("Address", address),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect(),
    })
}

/// Where `-` and `_` stand in a token, in words: the text itself is never kept.
fn cells(shape: &TokenShape) -> String {
    let payload = shape.payload.iter().map(|(offset, symbol)| (Segment::Payload, *offset, *symbol));
    let signature = shape.signature.iter().map(|(offset, symbol)| (Segment::Signature, offset, symbol));
    let told: Vec<String> = payload
        .chain(signature)
        .map(|(segment, offset, symbol)| {
            let segment = if segment == Segment::Payload { "payload" } else { "signature" };
            format!("\u{201c}{symbol}\u{201d} {segment} {offset}")
        })
        .collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

fn took_ms(report: &AttemptReport) -> String {
    millis(report.finished.since(report.started).as_secs_f64() * 1000.0)
}

fn millis(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

impl AttemptRow {
    fn of(attempt: &RecordedAttempt) -> Self {
        let report = &attempt.report;
        Self {
            id: report.id.to_string(),
            at: report.started.clock(),
            class: report.outcome.as_str(),
            outcome: phrase::outcome(&report.outcome),
            role: phrase::role(attempt.role),
            kind: report.traits.kind.to_string(),
            edge: report.traits.edge.to_string(),
            took_ms: took_ms(report),
        }
    }
}
