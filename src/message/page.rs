//! The page: what the on-call engineer reads at three in the morning, as text and as HTML. Both
//! come from the same rows, so that they cannot say different things.

use askama::Template;

use crate::engine::{IncidentFacts, IncidentState, Notification};
use crate::model::{Timestamp, humane};

use super::subject_matter::SubjectMatter;
use super::{advice, agents, diagnosis, fault, headline, place, subject};

/// A page in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The subject, the same for every message of an incident.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part: under 100 kB, no images, no scripts, inline styles only.
    pub html: String,
}

/// One row: a label and its lines.
struct Row {
    label: &'static str,
    lines: Vec<Line>,
}

/// One line, perhaps with a link.
struct Line {
    text: String,
    url: Option<String>,
}

#[derive(Template)]
#[template(path = "page.txt", escape = "none")]
struct TextPart<'a> {
    headline: &'a str,
    state: &'a str,
    rows: &'a [Row],
    incident_url: &'a str,
    dashboard_url: &'a str,
    footer: &'a str,
}

#[derive(Template)]
#[template(path = "page.html")]
struct HtmlPart<'a> {
    subject: &'a str,
    headline: &'a str,
    state: &'a str,
    colour: &'a str,
    rows: &'a [Row],
    incident_url: &'a str,
    dashboard_url: &'a str,
    footer: &'a str,
}

/// Where the operator reads all about an incident.
pub fn incident_url(external_url: &str, facts: &IncidentFacts) -> String {
    format!("{external_url}/incidents/{}", facts.number.0)
}

/// Words one message. `external_url` is the operator side's address, without a trailing slash.
pub fn page(notification: &Notification, external_url: &str) -> Page {
    let facts = &notification.incident;
    let (subject, headline) = (subject(facts), headline(facts, notification.reason));
    let incident_url = incident_url(external_url, facts);
    let dashboard_url = format!("{external_url}/");
    let rows = rows(notification, &incident_url);
    let (state, footer) = (state(facts), footer(notification));
    let text = TextPart {
        headline: &headline,
        state: &state,
        rows: &rows,
        incident_url: &incident_url,
        dashboard_url: &dashboard_url,
        footer: &footer,
    };
    let html = HtmlPart {
        subject: &subject,
        headline: &headline,
        state: &state,
        colour: colour(facts),
        rows: &rows,
        incident_url: &incident_url,
        dashboard_url: &dashboard_url,
        footer: &footer,
    };
    let rendered = "a template over strings writes into a string, which cannot fail";
    Page { text: text.render().expect(rendered), html: html.render().expect(rendered), subject }
}

fn state(facts: &IncidentFacts) -> String {
    match (facts.state, facts.resolved) {
        (IncidentState::Resolved, Some(at)) => format!("RESOLVED {} UTC", at.date_and_clock()),
        (IncidentState::Resolved, None) => "RESOLVED".to_owned(),
        (IncidentState::Firing, _) => {
            format!("FIRING, {}, opened {} UTC", facts.severity.as_str(), facts.opened.date_and_clock())
        }
    }
}

/// Colours that can be read on white and on black.
const fn colour(facts: &IncidentFacts) -> &'static str {
    match (facts.state, facts.severity) {
        (IncidentState::Resolved, _) => "#1a7f37",
        (IncidentState::Firing, crate::plan::Severity::Critical) => "#c0281c",
        (IncidentState::Firing, crate::plan::Severity::Warning) => "#9a6200",
    }
}

fn rows(notification: &Notification, incident_url: &str) -> Vec<Row> {
    let facts = &notification.incident;
    let plain = |label, lines: Vec<String>| Row {
        label,
        lines: lines.into_iter().map(|text| Line { text, url: None }).collect(),
    };
    let matter = SubjectMatter::of(facts);
    let judged = matches!(matter, SubjectMatter::Calls | SubjectMatter::BornRed);
    let firing = facts.state == IncidentState::Firing;
    let mut rows = Vec::new();
    if firing {
        rows.push(plain("Agents", agents::long(facts)));
    } else {
        rows.push(plain("Proof", proof(facts)));
        rows.push(plain("Agents", was(matter, facts)));
    }
    rows.push(plain("Where", place::long(facts)));
    rows.push(plain("Since", since(facts, notification.at)));
    if judged && firing {
        rows.push(plain("How sure", diagnosis::how_sure(facts)));
    }
    if judged || matter == SubjectMatter::Network {
        rows.push(plain("Whose fault", fault::long(facts)));
    }
    rows.push(plain("Why", diagnosis::why(facts)));
    let steps = advice::advice(facts, incident_url).into_iter().map(|step| Line { text: step.text, url: step.url });
    rows.push(Row { label: "Now", lines: steps.collect() });
    rows.retain(|row| !row.lines.is_empty());
    rows
}

fn since(facts: &IncidentFacts, now: Timestamp) -> Vec<String> {
    let end = facts.resolved.unwrap_or(now);
    let so_far = humane(end.since(facts.first_failure));
    let ago = if facts.resolved.is_some() { format!("It lasted {so_far}") } else { format!("{so_far} ago") };
    let judged = matches!(SubjectMatter::of(facts), SubjectMatter::Calls | SubjectMatter::BornRed);
    let word = if judged { "First failed test" } else { "Began" };
    let mut lines = vec![format!("{word} {} UTC. {}.", facts.first_failure.date_and_clock(), fault::capital(&ago))];
    if let Some(configured) = facts.configured {
        let before = facts.first_failure.since(configured);
        lines.push(if configured > facts.first_failure {
            format!("ringcheck's own configuration was changed during it, at {} UTC.", configured.clock())
        } else {
            format!("ringcheck's own configuration had not been changed for {}.", humane(before))
        });
    }
    lines
}

/// What proves that it is over.
fn proof(facts: &IncidentFacts) -> Vec<String> {
    let stable = facts.pods.iter().filter_map(|impact| impact.stable).max();
    let window =
        stable.map_or_else(|| "a whole stable window".to_owned(), |length| format!("{} on end", humane(length)));
    let mut lines = vec![format!("All was well for {window}; one good test would not have been enough.")];
    let ends: Vec<String> = facts
        .pods
        .iter()
        .take(6)
        .filter_map(|impact| impact.resolved.map(|at| format!("{} at {}", impact.pod, at.clock())))
        .collect();
    if !ends.is_empty() {
        lines.push(format!("Proven for {} UTC.", place::joined(&ends)));
    }
    lines
}

/// What agents went through, once it is over.
fn was(matter: SubjectMatter, facts: &IncidentFacts) -> Vec<String> {
    if matter == SubjectMatter::Calls { vec![format!("{} until then.", agents::past(facts))] } else { Vec::new() }
}

fn footer(notification: &Notification) -> String {
    let facts = &notification.incident;
    let message = format!(
        "Message {} about incident {}, from ringcheck at {}.",
        notification.sequence, facts.number, facts.location
    );
    match &notification.instead_of {
        Some(missed) => format!("{message} You get it instead of {missed}, who could not be reached."),
        None => message,
    }
}
