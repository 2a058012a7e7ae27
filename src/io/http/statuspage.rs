//! The public state in the shape of Statuspage's read API, which many tools understand. One
//! field is added to it: `looked_at`, false where nobody looks, since that vocabulary has no grey;
//! such a component keeps its last proven state.

use serde::Serialize;

use crate::engine::{ComponentState, ComponentStatus, Notice, NoticeStage, View};
use crate::message::{Language, notice_text, notice_title};
use crate::model::{StableHasher, Timestamp};
use crate::plan::StatusPageSettings;

use super::phrase;

/// Everything that the public may know.
#[derive(Serialize, Clone, PartialEq)]
pub(super) struct Summary {
    pub(super) page: Page,
    pub(super) status: Status,
    pub(super) components: Vec<Component>,
    /// All notices in `incidents.json`; only open ones in the summary.
    pub(super) incidents: Vec<Incident>,
    pub(super) scheduled_maintenances: [(); 0],
}

#[derive(Serialize, Clone, PartialEq)]
pub(super) struct Page {
    id: String,
    name: String,
    url: String,
    time_zone: &'static str,
    updated_at: String,
}

#[derive(Serialize, Clone, PartialEq)]
pub(super) struct Status {
    /// `none`, `minor`, `major`, `critical`.
    pub(super) indicator: &'static str,
    pub(super) description: &'static str,
}

#[derive(Serialize, Clone, PartialEq)]
pub(super) struct Component {
    id: String,
    pub(super) name: String,
    pub(super) status: ComponentState,
    created_at: String,
    updated_at: String,
    position: usize,
    description: Option<String>,
    showcase: bool,
    start_date: Option<String>,
    group_id: Option<String>,
    page_id: String,
    group: bool,
    only_show_if_degraded: bool,
    pub(super) looked_at: bool,
}

#[derive(Serialize, Clone, PartialEq)]
pub(super) struct Incident {
    id: String,
    name: String,
    pub(super) status: NoticeStage,
    impact: &'static str,
    shortlink: String,
    page_id: String,
    created_at: String,
    updated_at: String,
    started_at: String,
    monitoring_at: Option<String>,
    resolved_at: Option<String>,
    components: Vec<Component>,
    /// Newest first, as Statuspage has them.
    incident_updates: Vec<Update>,
}

#[derive(Serialize, Clone, PartialEq)]
struct Update {
    id: String,
    incident_id: String,
    status: NoticeStage,
    body: String,
    display_at: String,
    created_at: String,
    updated_at: String,
    affected_components: Vec<Affected>,
}

#[derive(Serialize, Clone, PartialEq)]
struct Affected {
    code: String,
    name: String,
    old_status: ComponentState,
    new_status: ComponentState,
}

impl Summary {
    /// Everything that the public may know of a state, with all notices that are remembered.
    pub(super) fn of(view: &View, settings: &StatusPageSettings) -> Self {
        let page_id = public_id(StableHasher::new("public page").text(&settings.url));
        let components: Vec<Component> =
            view.components.iter().enumerate().map(|(place, status)| Component::of(status, place, &page_id)).collect();
        let incidents: Vec<Incident> = view
            .notices
            .iter()
            .filter(|notice| !notice.updates.is_empty())
            .map(|notice| Incident::of(notice, view, &components, settings, &page_id))
            .collect();
        let changed = view.components.iter().map(|component| component.since);
        let said = view.notices.iter().filter_map(|notice| notice.updates.last()).map(|update| update.at);
        let updated_at = changed.chain(said).max().unwrap_or_default().to_rfc3339();
        let page = Page {
            id: page_id,
            name: settings.title.clone(),
            url: settings.url.clone(),
            time_zone: "Etc/UTC",
            updated_at,
        };
        Self { page, status: Status::of(&view.components), components, incidents, scheduled_maintenances: [] }
    }
}

impl Status {
    /// One sentence about everything. Where nobody looks, nothing is claimed to be well.
    pub(super) fn of(components: &[ComponentStatus]) -> Self {
        let worst = components.iter().map(|component| component.state).max().unwrap_or(ComponentState::Operational);
        let all_down = components.iter().all(|component| component.state == ComponentState::MajorOutage);
        let (indicator, description) = match worst {
            ComponentState::Operational if components.iter().any(|c| c.looked_at) => {
                let all = components.iter().all(|component| component.looked_at);
                ("none", if all { "All Systems Operational" } else { "No Known Problems, Not Everything Is Checked" })
            }
            ComponentState::Operational => ("none", "Not Currently Checked"),
            ComponentState::DegradedPerformance => ("minor", "Partially Degraded Service"),
            ComponentState::MajorOutage if all_down => ("critical", "Major System Outage"),
            ComponentState::PartialOutage | ComponentState::MajorOutage => ("major", "Partial System Outage"),
        };
        Self { indicator, description }
    }
}

impl Component {
    fn of(status: &ComponentStatus, place: usize, page_id: &str) -> Self {
        let since = status.since.to_rfc3339();
        Self {
            id: component_id(status),
            name: format!("{}: {}", status.public_name, phrase::component(status.component)),
            status: status.state,
            created_at: since.clone(),
            updated_at: since,
            position: place + 1,
            description: (!status.looked_at)
                .then(|| "Not currently checked; this is the last proven state.".to_owned()),
            showcase: true,
            start_date: None,
            group_id: None,
            page_id: page_id.to_owned(),
            group: false,
            only_show_if_degraded: false,
            looked_at: status.looked_at,
        }
    }
}

impl Incident {
    fn of(
        notice: &Notice,
        view: &View,
        components: &[Component],
        settings: &StatusPageSettings,
        page_id: &str,
    ) -> Self {
        let id = notice_id(notice, view);
        let first = notice.updates.first().map_or(notice.started, |update| update.at);
        let reached = |stage| notice.updates.iter().find(|update| update.stage == stage).map(|u| u.at.to_rfc3339());
        let hit = view.components.iter().zip(components);
        let hit = hit.filter(|(status, _)| notice.all_pods || notice.public_names.contains(&status.public_name));
        let hit: Vec<Component> = hit.map(|(_, component)| component.clone()).collect();
        let during = if notice.everybody { ComponentState::MajorOutage } else { ComponentState::PartialOutage };
        let affected = |stage| {
            let new_status = if stage == NoticeStage::Resolved { ComponentState::Operational } else { during };
            let old_status = if stage == NoticeStage::Resolved { during } else { ComponentState::Operational };
            let affected =
                |c: &Component| Affected { code: c.id.clone(), name: c.name.clone(), old_status, new_status };
            hit.iter().map(affected).collect()
        };
        let updates = notice.updates.iter().enumerate().rev().map(|(place, update)| {
            let text = notice_text(notice, update, Language::English);
            let at = update.at.to_rfc3339();
            Update {
                id: format!("{id}-{}", place + 1),
                incident_id: id.clone(),
                status: update.stage,
                body: if text.next.is_empty() { text.body } else { format!("{} {}", text.body, text.next) },
                display_at: at.clone(),
                created_at: at.clone(),
                updated_at: at,
                affected_components: affected(update.stage),
            }
        });
        Self {
            name: notice_title(notice, Language::English),
            status: notice.stage(),
            impact: if notice.everybody { "critical" } else { "major" },
            shortlink: format!("{}/#{id}", settings.url.trim_end_matches('/')),
            page_id: page_id.to_owned(),
            created_at: first.to_rfc3339(),
            updated_at: notice.updates.last().map_or(first, |update| update.at).to_rfc3339(),
            started_at: notice.started.to_rfc3339(),
            monitoring_at: reached(NoticeStage::Monitoring),
            resolved_at: reached(NoticeStage::Resolved),
            components: hit.clone(),
            incident_updates: updates.collect(),
            id,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.status != NoticeStage::Resolved
    }
}

/// A notice's public id. The incident's number stays ours: it would tell how many there were.
pub(super) fn notice_id(notice: &Notice, view: &View) -> String {
    let location = view.location.as_ref().map_or("", |location| location.as_str());
    let hash = StableHasher::new("public notice").text(location).number(u64::from(notice.incident.0));
    public_id(hash.number(notice.started.as_millis().cast_unsigned()))
}

/// A component's public id, from what is public of it.
fn component_id(status: &ComponentStatus) -> String {
    public_id(StableHasher::new("public component").text(&status.public_name).text(phrase::component(status.component)))
}

/// Twelve letters and digits, as Statuspage's ids are.
fn public_id(hash: StableHasher) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut rest = hash.finish();
    (0..12)
        .map(|_| {
            let digit = DIGITS[(rest % 36) as usize];
            rest /= 36;
            char::from(digit)
        })
        .collect()
}

/// Nothing is looked at any more: what a state becomes when it is too old to be true.
pub(super) fn gone_grey(view: &View, at: Timestamp) -> View {
    let mut grey = view.clone();
    grey.at = at;
    for component in &mut grey.components {
        component.looked_at = false;
    }
    grey
}
