//! The status page as HTML: sober, quick, and true for somebody who reads it on a phone while
//! calls fail. Only public names; grey where nobody looks.

use std::time::Duration;

use askama::Template;

use crate::engine::{Component, ComponentState, ComponentStatus, Notice, NoticeStage, View};
use crate::message::{Language, notice_text, notice_title};
use crate::model::{Timestamp, humane};
use crate::plan::StatusPageSettings;

use super::assets::STATUS_CSS;
use super::phrase;
use super::statuspage::notice_id;

/// How far back past notices are shown.
const HISTORY: Duration = Duration::from_hours(14 * 24);

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    lang: &'static str,
    title: &'a str,
    style: &'static str,
    mood: &'static str,
    icon: &'static str,
    headline: &'static str,
    detail: String,
    open: Vec<Said>,
    pods: Vec<Pod<'a>>,
    components: Vec<&'static str>,
    some_grey: bool,
    past: Vec<Said>,
    checked: String,
    checked_rfc3339: String,
}

struct Pod<'a> {
    name: &'a str,
    states: Vec<State>,
}

struct State {
    component: &'static str,
    class: &'static str,
    text: &'static str,
}

struct Said {
    id: String,
    title: String,
    when: String,
    updates: Vec<Update>,
}

struct Update {
    stage: &'static str,
    body: String,
    next: String,
    at: String,
    at_rfc3339: String,
}

/// The status page of a state.
pub(super) fn page(view: &View, settings: &StatusPageSettings, now: Timestamp) -> String {
    let open = |notice: &&Notice| notice.stage() != NoticeStage::Resolved && !notice.updates.is_empty();
    let recent = |notice: &&Notice| {
        notice.stage() == NoticeStage::Resolved
            && notice.updates.last().is_some_and(|update| now.since(update.at) <= HISTORY)
    };
    let (mood, headline, detail) = overall(view);
    let page = Page {
        lang: Language::English.code(),
        title: &settings.title,
        style: STATUS_CSS,
        mood,
        icon: match mood {
            "ok" => "%231a7f4b",
            "major" => "%23c8281f",
            "minor" => "%23b26a00",
            _ => "%23707a87",
        },
        headline,
        detail,
        open: view.notices.iter().filter(open).map(|notice| Said::of(notice, view)).collect(),
        pods: pods(&view.components),
        components: shown(&view.components).map(phrase::component).collect(),
        some_grey: view.components.iter().any(|component| !component.looked_at),
        past: view.notices.iter().filter(recent).map(|notice| Said::of(notice, view)).collect(),
        checked: view.at.date_and_clock()[..16].to_owned(),
        checked_rfc3339: view.at.to_rfc3339(),
    };
    page.render().expect("every value of the page is text that is there")
}

/// Colour, headline, and one more sentence.
fn overall(view: &View) -> (&'static str, &'static str, String) {
    let components = &view.components;
    let looked = components.iter().filter(|component| component.looked_at).count();
    let worst = components.iter().map(|component| component.state).max();
    let Some(worst) = worst else {
        return ("unknown", "Not checked yet", "Our monitoring has not started.".to_owned());
    };
    let hit = components.iter().filter(|component| component.state != ComponentState::Operational);
    let mut places: Vec<&str> = hit.map(|component| component.public_name.as_str()).collect();
    places.dedup();
    let pods = {
        let mut names: Vec<&str> = components.iter().map(|component| component.public_name.as_str()).collect();
        names.dedup();
        names.len()
    };
    let place = if places.len() == pods && pods > 1 { "All regions".to_owned() } else { places.join(", ") };
    match worst {
        _ if looked == 0 && worst == ComponentState::Operational => {
            ("unknown", "Not checked at the moment", "Our monitoring is not looking, so we cannot tell.".to_owned())
        }
        ComponentState::Operational if looked < components.len() => {
            ("ok", "No known problems", "Some parts are not checked at the moment.".to_owned())
        }
        ComponentState::Operational => ("ok", "All calls are working", String::new()),
        ComponentState::DegradedPerformance => ("minor", "Calls are working, with problems", place),
        ComponentState::PartialOutage => ("major", "Some calls are not working", place),
        ComponentState::MajorOutage if places.len() == pods => ("major", "Calls are not working", place),
        ComponentState::MajorOutage => ("major", "Calls are not working in some regions", place),
    }
}

/// The pods in the order of their components.
fn pods(components: &[ComponentStatus]) -> Vec<Pod<'_>> {
    let of_pod = |of_pod: &'_ [ComponentStatus]| -> Vec<State> {
        let state = |component: Component| {
            let known = of_pod.iter().find(|status| status.component == component);
            known.map_or_else(|| State::not_looked_at(component), State::of)
        };
        shown(components).map(state).collect()
    };
    let pods = components.chunk_by(|one, other| one.public_name == other.public_name);
    pods.map(|pod| Pod { name: &pod[0].public_name, states: of_pod(pod) }).collect()
}

/// The components that any pod has.
fn shown(components: &[ComponentStatus]) -> impl Iterator<Item = Component> {
    Component::ALL.into_iter().filter(|one| components.iter().any(|status| status.component == *one))
}

impl State {
    const fn not_looked_at(component: Component) -> Self {
        Self { component: phrase::component(component), class: "grey", text: "Not checked" }
    }

    fn of(status: &ComponentStatus) -> Self {
        let component = phrase::component(status.component);
        if !status.looked_at {
            return Self::not_looked_at(status.component);
        }
        let class = match status.state {
            ComponentState::Operational => "ok",
            ComponentState::DegradedPerformance => "minor",
            ComponentState::PartialOutage => "part",
            ComponentState::MajorOutage => "major",
        };
        Self { component, class, text: phrase::component_state(status.state) }
    }
}

impl Said {
    fn of(notice: &Notice, view: &View) -> Self {
        let resolved = notice.stage() == NoticeStage::Resolved;
        let end = notice.updates.last().filter(|_| resolved).map(|update| update.at);
        let began = &notice.started.date_and_clock()[..16];
        Self {
            id: notice_id(notice, view),
            title: notice_title(notice, Language::English),
            when: match end {
                Some(end) => format!("{began} UTC, for {}", rough(end.since(notice.started))),
                None => format!("Since {began} UTC"),
            },
            updates: notice.updates.iter().rev().map(|update| Update::of(notice, update)).collect(),
        }
    }
}

/// A length in whole minutes: nobody outside needs the seconds.
fn rough(length: Duration) -> String {
    humane(Duration::from_secs(length.as_secs().div_ceil(60).max(1) * 60)).replace("60 s", "1 min")
}

impl Update {
    fn of(notice: &Notice, update: &crate::engine::NoticeUpdate) -> Self {
        let text = notice_text(notice, update, Language::English);
        Self {
            stage: match update.stage {
                NoticeStage::Investigating => "Investigating",
                NoticeStage::Identified => "Identified",
                NoticeStage::Monitoring => "Monitoring",
                NoticeStage::Resolved => "Resolved",
            },
            body: text.body,
            next: text.next,
            at: update.at.date_and_clock()[..16].to_owned(),
            at_rfc3339: update.at.to_rfc3339(),
        }
    }
}
