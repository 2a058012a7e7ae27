//! One incident with everything that is known about it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::engine::{IncidentFacts, IncidentState, PodImpact, Split, View};
use crate::message::{DiagnosisData, agents_hit};
use crate::model::{Timestamp, humane};

use super::dashboard::{Frame, render};
use super::operator::Desk;
use super::{phrase, pod_page};

#[derive(Template)]
#[template(path = "incident.html")]
struct Page {
    frame: Frame,
    number: u32,
    subject: String,
    severity: &'static str,
    firing: bool,
    opened: String,
    opened_rfc3339: String,
    first_failure: String,
    first_failed: String,
    found_after: String,
    resolved: String,
    lasted: String,
    location: String,
    symptom: String,
    whose: String,
    controls: String,
    healthy_pods: u32,
    configured: String,
    trouble: String,
    /// What separates failing from passing tokens, and what helps those hit.
    found: Vec<String>,
    helps: Vec<String>,
    avoid: Option<AvoidState>,
    runbooks: Vec<String>,
    pods: Vec<Impact>,
    pods_watched: u32,
    notices: Vec<Said>,
}

/// Whether token services may avoid the tokens that fail.
struct AvoidState {
    /// Until when that is approved; empty while it waits for somebody.
    approved_until: String,
    /// How long an approval lasts.
    lasts: String,
}

struct Impact {
    pod: String,
    rules: String,
    fired: String,
    resolved: String,
    experience: String,
    counts: String,
    splits: Vec<SplitRow>,
    attempts: Vec<String>,
}

struct SplitRow {
    class: String,
    failed: u32,
    of: u32,
    others_failed: u32,
    others_of: u32,
}

/// What the public was told, and when.
struct Said {
    at: String,
    stage: &'static str,
    next_by: String,
}

pub(super) async fn show(State(desk): State<Desk>, Path(number): Path<String>) -> Response {
    let view = desk.view();
    let now = (desk.operator.now)();
    match view.incidents.iter().find(|incident| incident.number.0.to_string() == number) {
        Some(incident) => page(incident, &view, now),
        None => pod_page::missing(&view, now, "This incident is not among the open and the newest closed ones."),
    }
}

/// The page of an incident.
pub(super) fn page(incident: &IncidentFacts, view: &View, now: Timestamp) -> Response {
    let diagnosis = DiagnosisData::of(incident);
    let notice = view.notices.iter().find(|notice| notice.incident == incident.number);
    render(&Page {
        frame: Frame::of(view, now),
        number: incident.number.0,
        subject: incident.subject.clone(),
        severity: incident.severity.as_str(),
        firing: incident.state == IncidentState::Firing,
        opened: incident.opened.date_and_clock(),
        opened_rfc3339: incident.opened.to_rfc3339(),
        first_failure: incident.first_failure.date_and_clock(),
        first_failed: incident.first_failed.to_string(),
        found_after: humane(incident.opened.since(incident.first_failure)),
        resolved: incident.resolved.map(Timestamp::date_and_clock).unwrap_or_default(),
        lasted: humane(incident.resolved.unwrap_or(now).since(incident.first_failure)),
        location: incident.location.to_string(),
        symptom: symptom(incident),
        whose: phrase::whose(&incident.whose),
        controls: incident
            .whose
            .controls
            .map(|(n, of)| format!("{n} of {of} control targets answered."))
            .unwrap_or_default(),
        healthy_pods: incident.whose.healthy_pods,
        configured: incident.configured.map_or_else(
            || "No change of our configuration is known.".to_owned(),
            |at| format!("Our configuration was last changed {} before.", humane(incident.first_failure.since(at))),
        ),
        trouble: incident.trouble.map(|trouble| phrase::trouble(trouble).to_owned()).unwrap_or_default(),
        found: diagnosis.as_ref().map(|found| found.text.clone()).unwrap_or_default(),
        helps: diagnosis.map(|found| found.remedies).unwrap_or_default(),
        avoid: AvoidState::of(incident, view, now),
        runbooks: incident.runbooks.iter().filter(|link| is_web(link)).cloned().collect(),
        pods: incident.pods.iter().map(|impact| Impact::of(incident, impact)).collect(),
        pods_watched: incident.pods_watched,
        notices: notice.map(|notice| notice.updates.iter().map(Said::of).collect()).unwrap_or_default(),
    })
}

/// Only such links are made: `javascript:` in a config must not become one.
fn is_web(link: &str) -> bool {
    link.starts_with("https://") || link.starts_with("http://")
}

fn symptom(incident: &IncidentFacts) -> String {
    let Some(symptom) = &incident.symptom else { return String::new() };
    let wire = symptom.wire_code.map(|code| format!(" (wire {code})")).unwrap_or_default();
    let agent = match &symptom.device_error {
        Some((code, name)) => format!("the agent\u{2019}s device gets {code} {name}"),
        None => "the agent\u{2019}s device gets no error and waits".to_owned(),
    };
    format!("Attempts stop at {}: {}{wire}; {agent}.", symptom.step, symptom.reason)
}

impl AvoidState {
    fn of(incident: &IncidentFacts, view: &View, now: Timestamp) -> Option<Self> {
        let avoid = incident.avoid.filter(|_| incident.state == IncidentState::Firing)?;
        let until = avoid.approved_until(now).map(|until| format!("{} UTC", until.date_and_clock()));
        Some(Self { approved_until: until.unwrap_or_default(), lasts: humane(view.avoid_expires_after?) })
    }
}

impl Impact {
    fn of(incident: &IncidentFacts, impact: &PodImpact) -> Self {
        let rules: Vec<String> = impact.rules.iter().map(|rule| phrase::rule(*rule)).collect();
        Self {
            pod: impact.pod.to_string(),
            rules: rules.join(", "),
            fired: impact.fired.clock(),
            resolved: impact.resolved.map(Timestamp::clock).unwrap_or_default(),
            experience: agents_hit(incident, impact).unwrap_or_else(|| phrase::experience(&impact.experience)),
            counts: phrase::counts(&impact.evidence),
            splits: impact.evidence.splits.iter().map(SplitRow::of).collect(),
            attempts: impact.evidence.attempts.iter().map(ToString::to_string).collect(),
        }
    }
}

impl SplitRow {
    fn of(split: &Split) -> Self {
        let Split { failed, of, others_failed, others_of, .. } = *split;
        Self { class: phrase::class(&split.class), failed, of, others_failed, others_of }
    }
}

impl Said {
    fn of(update: &crate::engine::NoticeUpdate) -> Self {
        Self {
            at: update.at.date_and_clock(),
            stage: update.stage.as_str(),
            next_by: update.next_by.map(Timestamp::clock).unwrap_or_default(),
        }
    }
}
