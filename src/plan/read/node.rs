//! `config/ringcheck.toml`.

use crate::model::LocationName;
use crate::plan::{
    AvoidApproval, AvoidSettings, ControlTarget, HttpSettings, LocationSettings, RecordingSettings, Severity,
    StatusPageSettings, StoreSettings,
};

use super::receiver::ReceiverDraft;
use super::table::{Placed, Table};

/// A node's settings whose names are not resolved yet. A part that is wrong is missing.
pub struct NodeDraft {
    /// For links.
    pub external_url: Option<String>,
    /// Where it probes from.
    pub location: Option<LocationSettings>,
    /// Where it remembers.
    pub store: Option<StoreSettings>,
    /// Where it listens.
    pub http: Option<HttpSettings>,
    /// Who is told about the monitor itself.
    pub owner: Vec<Placed<String>>,
    /// What the public sees.
    pub status_page: Option<StatusPageSettings>,
    /// What a token service is told to avoid.
    pub avoid: Option<AvoidSettings>,
    /// Which calls are kept; nothing is off.
    pub recordings: Option<RecordingSettings>,
    /// Who can be told.
    pub receivers: Vec<ReceiverDraft>,
    /// Who is told of what.
    pub routes: Vec<RouteDraft>,
}

/// A route whose names are not resolved yet.
pub struct RouteDraft {
    /// Incidents of this severity or worse.
    pub severity: Severity,
    /// Of these pods.
    pub pods: Vec<Placed<String>>,
    /// To whom.
    pub to: Vec<Placed<String>>,
}

impl NodeDraft {
    /// Reads the whole file.
    pub fn read(table: &Table<'_>) -> Self {
        Self {
            external_url: table.text("external_url").map(without_slash),
            location: table.table("location").and_then(|table| location(&table)),
            store: table.table("store").and_then(|table| store(&table)),
            http: table.table("http").and_then(|table| http(&table)),
            owner: table.table("owner").map(|table| table.texts("to")).unwrap_or_default(),
            status_page: table.table("status_page").and_then(|table| status_page(&table)),
            avoid: table.table("avoid").and_then(|table| avoid(&table)),
            recordings: table
                .has("recordings")
                .then(|| table.table("recordings"))
                .flatten()
                .and_then(|table| recordings(&table)),
            receivers: table.tables("receiver").iter().map(ReceiverDraft::read).collect(),
            routes: table.tables("route").iter().map(route).collect(),
        }
    }
}

fn without_slash(url: String) -> String {
    url.trim_end_matches('/').to_owned()
}

fn location(table: &Table<'_>) -> Option<LocationSettings> {
    let targets = table.texts("control");
    let distinct: std::collections::BTreeSet<&str> = targets.iter().map(|target| target.value.as_str()).collect();
    if distinct.len() < targets.len() {
        table.mistake("control", "a control target is there twice", "two different ones are needed at least");
    }
    let control = targets.into_iter().map(|target| match target.value.strip_prefix("tcp://") {
        Some(address) => ControlTarget::Tcp(address.trim_end_matches('/').to_owned()),
        None => ControlTarget::Http(target.value),
    });
    let control = control.collect();
    Some(LocationSettings { name: LocationName::parse(&table.text("name")?).ok()?, control })
}

fn store(table: &Table<'_>) -> Option<StoreSettings> {
    let (path, retention, disk) = (table.path("path"), table.duration("retention"), table.bytes("disk_max"));
    Some(StoreSettings { path: path?, retention: retention?, disk_max_bytes: disk? })
}

fn http(table: &Table<'_>) -> Option<HttpSettings> {
    let (operator, public) = (table.listen("operator"), table.listen("public"));
    let operator_token = table.secret("operator_token");
    if operator.is_some_and(|address| !address.ip().is_loopback()) && !table.has("operator_token") {
        table.mistake(
            "operator",
            "the operator side would be open to everybody who can reach it",
            "add operator_token, or listen on 127.0.0.1 behind a proxy that asks who it is",
        );
    }
    // Port 0 asks the system for a free one, so two of them do not collide.
    if operator == public && operator.is_some_and(|address| address.port() != 0) {
        table.mistake("public", "both sides listen on the same address", "give public a port of its own");
    }
    Some(HttpSettings { operator: operator?, operator_token, public: public? })
}

fn status_page(table: &Table<'_>) -> Option<StatusPageSettings> {
    let (title, url, notice_after) = (table.text("title"), table.text("url"), table.duration("notice_after"));
    Some(StatusPageSettings { title: title?, url: without_slash(url?), notice_after: notice_after? })
}

fn avoid(table: &Table<'_>) -> Option<AvoidSettings> {
    let approval = match table.text("approval").as_deref() {
        Some("automatic") => AvoidApproval::Automatic,
        _ => AvoidApproval::Required,
    };
    Some(AvoidSettings { approval, expires_after: table.duration("expires_after")? })
}

fn recordings(table: &Table<'_>) -> Option<RecordingSettings> {
    let (path, keep, longest) = (table.path("path"), table.integer("keep"), table.duration("longest"));
    Some(RecordingSettings { path: path?, keep: keep?, longest: longest? })
}

fn route(table: &Table<'_>) -> RouteDraft {
    let severity = match table.text("severity").as_deref() {
        Some("critical") => Severity::Critical,
        _ => Severity::Warning,
    };
    RouteDraft { severity, pods: table.texts("pods"), to: table.texts("to") }
}
