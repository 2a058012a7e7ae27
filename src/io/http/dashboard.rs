//! The dashboard: what somebody sees who was woken a minute ago. Worst first, in words before
//! numbers; what is not known is said to be not known.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};

use crate::engine::{AlertState, AlertView, IncidentFacts, IncidentState, PodView, Verdict, View};
use crate::model::{Timestamp, humane};

use super::assets::{ADDRESSES, Addresses};
use super::call_cell::{self, CallWords};
use super::operator::Desk;
use super::{chart, phrase};

/// A picture older than this is said to be old.
pub(super) const STALE_AFTER: Duration = Duration::from_mins(5);
/// Certificates with fewer days left are marked.
const CERTIFICATE_DAYS_LOW: i64 = 21;
/// Closed incidents on the dashboard; the API has up to 50.
const CLOSED_SHOWN: usize = 12;

/// What every page of the operator side shows around its content.
pub(super) struct Frame {
    pub(super) addresses: &'static Addresses,
    pub(super) location: String,
    /// When the picture was taken.
    pub(super) at: String,
    pub(super) at_rfc3339: String,
    /// `ok`, `bad`, `warn` or `unknown`: the colour of the page's icon and headline.
    pub(super) mood: &'static str,
    pub(super) icon: &'static str,
    pub(super) banners: Vec<Banner>,
}

/// Something that must not be overlooked.
pub(super) struct Banner {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

impl Frame {
    pub(super) fn of(view: &View, now: Timestamp) -> Self {
        let mood = mood(view);
        Self {
            addresses: &ADDRESSES,
            location: view.location.as_ref().map_or_else(|| "no plan yet".to_owned(), ToString::to_string),
            at: view.at.date_and_clock(),
            at_rfc3339: view.at.to_rfc3339(),
            mood,
            // `#` and quotes are escaped as a data address wants it.
            icon: match mood {
                "ok" => "%231a7f4b",
                "bad" => "%23c8281f",
                "warn" => "%23b26a00",
                _ => "%23707a87",
            },
            banners: banners(view, now),
        }
    }
}

fn mood(view: &View) -> &'static str {
    let worst = view.pods.iter().map(|pod| urgency(pod.verdict)).max().unwrap_or(0);
    let incident = view.incidents.iter().any(|incident| incident.state == IncidentState::Firing);
    match (worst, incident) {
        (3.., _) => "bad",
        (2, _) | (_, true) => "warn",
        (0, _) => "unknown",
        (_, false) if view.pods.iter().any(|pod| pod.verdict == Verdict::NoData) => "unknown",
        _ => "ok",
    }
}

/// Worse is higher; "no data" is more urgent than "healthy" in a list, but no outage.
const fn urgency(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NoData => 0,
        Verdict::Healthy => 1,
        Verdict::Flapping => 2,
        Verdict::Partial => 3,
        Verdict::Failing => 4,
    }
}

fn banners(view: &View, now: Timestamp) -> Vec<Banner> {
    let mut banners = Vec::new();
    let mut say = |kind, text: String| banners.push(Banner { kind, text });
    if view.location.is_some() && now.since(view.at) > STALE_AFTER {
        say(
            "bad",
            format!("This picture is {} old: the engine has not published a newer one.", humane(now.since(view.at))),
        );
    }
    if let Some(until) = view.paused_until {
        let left = phrase::relative(until, now);
        say(
            "paused",
            format!("Probing is paused everywhere until {} UTC ({left}). Nobody looks.", until.date_and_clock()),
        );
    }
    let paused: Vec<&str> =
        view.pods.iter().filter(|pod| pod.paused_until.is_some()).map(|pod| pod.name.as_str()).collect();
    if view.paused_until.is_none() && !paused.is_empty() {
        say("paused", format!("Probing is paused in {}.", paused.join(", ")));
    }
    match view.controls {
        Some((0, of)) if of > 0 => {
            say("bad", format!("None of the {of} control targets answers: this location's own network is down."));
        }
        Some((answered, of)) if answered < of => {
            say("warn", format!("{answered} of {of} control targets answer."));
        }
        _ => {}
    }
    banners
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Page {
    frame: Frame,
    headline: String,
    detail: String,
    open: Vec<IncidentCard>,
    pods: Vec<PodRow>,
    /// True if any pod has test calls; else nothing is said of them.
    any_calls: bool,
    alerts: Vec<AlertRow>,
    closed: Vec<IncidentCard>,
    facts: u64,
    outbox: u32,
    controls: String,
    configured: String,
    all_paused: bool,
}

struct IncidentCard {
    number: u32,
    subject: String,
    severity: &'static str,
    pods: String,
    opened: String,
    opened_rfc3339: String,
    lasted: String,
    experience: String,
    whose: String,
}

/// One pod as a row.
pub(super) struct PodRow {
    pub(super) name: String,
    pub(super) public_name: String,
    pub(super) verdict: &'static str,
    pub(super) verdict_class: &'static str,
    pub(super) since: String,
    pub(super) since_title: String,
    pub(super) strip: String,
    pub(super) recent: String,
    pub(super) recent_bad: bool,
    pub(super) gauge: String,
    pub(super) bound: String,
    pub(super) next: String,
    pub(super) certificate: String,
    pub(super) certificate_low: bool,
    pub(super) seen: String,
    pub(super) paused: String,
    calls: Vec<CallWords>,
}

struct AlertRow {
    pod: String,
    rule: String,
    state: &'static str,
    since: String,
    incident: Option<u32>,
    counts: String,
    audience: &'static str,
}

pub(super) async fn show(State(desk): State<Desk>) -> Response {
    page(&desk.view(), (desk.operator.now)())
}

/// The dashboard of a state.
pub(super) fn page(view: &View, now: Timestamp) -> Response {
    let firing = |incident: &&IncidentFacts| incident.state == IncidentState::Firing;
    let (headline, detail) = headline(view);
    let mut pods: Vec<&PodView> = view.pods.iter().collect();
    // Worst first; "no data" stands after trouble and before what is well.
    pods.sort_by_key(|pod| {
        std::cmp::Reverse(if pod.verdict == Verdict::NoData { 15 } else { urgency(pod.verdict) * 10 })
    });
    render(&Page {
        frame: Frame::of(view, now),
        headline,
        detail,
        open: view.incidents.iter().filter(firing).map(|incident| IncidentCard::of(incident, now)).collect(),
        pods: pods.into_iter().map(|pod| PodRow::of(pod, view, now)).collect(),
        any_calls: view.pods.iter().any(|pod| !pod.calls.is_empty()),
        alerts: view.alerts.iter().map(|alert| AlertRow::of(alert, now)).collect(),
        closed: view
            .incidents
            .iter()
            .filter(|incident| !firing(incident))
            .take(CLOSED_SHOWN)
            .map(|incident| IncidentCard::of(incident, now))
            .collect(),
        facts: view.facts,
        outbox: view.outbox,
        controls: view.controls.map_or_else(|| "not asked yet".to_owned(), |(n, of)| format!("{n} of {of} answer")),
        configured: view
            .configured
            .map_or_else(|| "no change remembered".to_owned(), |at| format!("changed {}", phrase::relative(at, now))),
        all_paused: view.paused_until.is_some(),
    })
}

/// A template as an answer. That it renders is held by tests: only a broken template could fail.
pub(super) fn render(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            (axum::http::StatusCode::INTERNAL_SERVER_ERROR, "The page could not be made; the log says why.\n")
                .into_response()
        }
    }
}

/// One sentence about everything, and a second one where it helps.
fn headline(view: &View) -> (String, String) {
    if view.pods.is_empty() {
        return ("Nothing is watched yet".to_owned(), "No plan has been taken.".to_owned());
    }
    let count = |verdict| view.pods.iter().filter(|pod| pod.verdict == verdict).count();
    let parts: Vec<String> = [
        (Verdict::Failing, "failing"),
        (Verdict::Partial, "partly failing"),
        (Verdict::Flapping, "flapping"),
        (Verdict::NoData, "without data"),
    ]
    .into_iter()
    .filter_map(|(verdict, word)| Some(count(verdict)).filter(|n| *n > 0).map(|n| format!("{n} {word}")))
    .collect();
    let all = view.pods.len();
    if parts.is_empty() {
        let told = match all {
            1 => "The pod is healthy".to_owned(),
            2 => "Both pods are healthy".to_owned(),
            all => format!("All {all} pods are healthy"),
        };
        return (told, "Agents can connect.".to_owned());
    }
    let rest = match count(Verdict::Healthy) {
        0 => String::new(),
        1 => "The other one is healthy.".to_owned(),
        healthy => format!("{healthy} are healthy."),
    };
    match parts.as_slice() {
        [one] if all == 1 => (format!("The pod is {}", &one[2..]), rest),
        [one] => (one.replacen(' ', &format!(" of {all} pods "), 1), rest),
        _ => (format!("Of {all} pods: {}", parts.join(", ")), rest),
    }
}

impl IncidentCard {
    fn of(incident: &IncidentFacts, now: Timestamp) -> Self {
        let pods: Vec<&str> = incident.pods.iter().map(|impact| impact.pod.as_str()).collect();
        let whole = pods.len() as u32 == incident.pods_watched && pods.len() > 1;
        let experience = incident.pods.last().map(|impact| phrase::experience(&impact.experience));
        let trouble = incident.trouble.map(|trouble| phrase::trouble(trouble).to_owned());
        Self {
            number: incident.number.0,
            subject: incident.subject.clone(),
            severity: incident.severity.as_str(),
            pods: match pods.len() {
                0 => String::new(),
                _ if whole => format!("{} (all pods)", pods.join(", ")),
                _ => pods.join(", "),
            },
            opened: incident.opened.date_and_clock(),
            opened_rfc3339: incident.opened.to_rfc3339(),
            lasted: humane(incident.resolved.unwrap_or(now).since(incident.first_failure)),
            experience: trouble.or(experience).unwrap_or_default(),
            whose: phrase::whose(&incident.whose),
        }
    }
}

impl PodRow {
    pub(super) fn of(pod: &PodView, view: &View, now: Timestamp) -> Self {
        let next = pod.probes.iter().filter_map(|probe| probe.next).min();
        let paused = pod.paused_until.max(view.paused_until);
        let certificate = pod.certificate_days.iter().map(|(_, days)| *days).min();
        let (failed, of) = pod.recent;
        Self {
            name: pod.name.to_string(),
            public_name: pod.public_name.clone(),
            verdict: phrase::verdict(pod.verdict),
            verdict_class: pod.verdict.as_str(),
            since: humane(now.since(pod.since)),
            since_title: pod.since.to_rfc3339(),
            strip: chart::strip(&pod.outcomes),
            recent: if of == 0 { "none".to_owned() } else { format!("{failed} of {of}") },
            recent_bad: failed > 0,
            gauge: chart::gauge(pod.cusum, "share rule"),
            bound: pod.cusum.to_string(),
            next: match (paused, next) {
                (Some(_), _) => "paused".to_owned(),
                (None, Some(next)) => phrase::relative(next, now),
                (None, None) => "none".to_owned(),
            },
            certificate: certificate.map_or_else(|| "\u{2013}".to_owned(), |days| format!("{days} d")),
            certificate_low: certificate.is_some_and(|days| days < CERTIFICATE_DAYS_LOW),
            seen: pod.last_observed.map_or_else(|| "never".to_owned(), |at| phrase::relative(at, now)),
            paused: paused.map(Timestamp::date_and_clock).unwrap_or_default(),
            calls: call_cell::words(pod, view),
        }
    }
}

impl AlertRow {
    fn of(alert: &AlertView, now: Timestamp) -> Self {
        Self {
            pod: alert.pod.as_ref().map(ToString::to_string).unwrap_or_default(),
            rule: phrase::rule(alert.rule),
            state: match alert.state {
                AlertState::Pending => "pending",
                AlertState::Firing => "firing",
            },
            since: humane(now.since(alert.since)),
            incident: alert.incident.map(|number| number.0),
            counts: alert.evidence.as_ref().map(phrase::counts).unwrap_or_default(),
            audience: match alert.audience {
                crate::engine::Audience::VoiceOnCall => "voice on-call",
                crate::engine::Audience::MonitorOwner => "monitor owner",
            },
        }
    }
}
