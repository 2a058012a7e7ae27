//! A read-only picture of everything, for dashboard, API, status page and metrics. Published
//! after turns; whoever reads it never touches the engine.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{EdgeName, IncidentNumber, LocationName, PodName, ProbeName, Share, Timestamp};

use crate::token::CoverAges;

use super::calls::{CallBudgetView, CallView};
use super::{Audience, ComponentStatus, Evidence, Experience, IncidentFacts, Notice, Rule};

/// How a pod is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody has looked, or not enough.
    #[default]
    NoData,
    /// All is well.
    Healthy,
    /// It fails for some.
    Partial,
    /// It comes and goes.
    Flapping,
    /// It fails for all.
    Failing,
}

impl Verdict {
    /// The word in JSON, metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoData => "no_data",
            Self::Healthy => "healthy",
            Self::Partial => "partial",
            Self::Flapping => "flapping",
            Self::Failing => "failing",
        }
    }
}

/// Everything, as it is now.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct View {
    /// When this picture was taken.
    pub at: Timestamp,
    /// Seen from here; absent before the first plan.
    pub location: Option<LocationName>,
    /// The pods, by name.
    pub pods: Vec<PodView>,
    /// Alerts that are pending or firing.
    pub alerts: Vec<AlertView>,
    /// Open incidents, then the newest closed ones, at most 50; newest first.
    pub incidents: Vec<IncidentFacts>,
    /// What the public sees of the pods.
    pub components: Vec<ComponentStatus>,
    /// Open notices, then the newest closed ones, at most 50; newest first.
    pub notices: Vec<Notice>,
    /// Control targets that answered, of how many; absent before they were asked.
    pub controls: Option<(u8, u8)>,
    /// Messages that wait to be delivered.
    pub outbox: u32,
    /// When everything is paused, until when.
    pub paused_until: Option<Timestamp>,
    /// When the configuration was last changed.
    pub configured: Option<Timestamp>,
    /// How long an approval of what a token service may avoid lasts; absent before the first plan.
    pub avoid_expires_after: Option<Duration>,
    /// Facts recorded since the node's first start.
    pub facts: u64,
}

/// One pod, as it is now.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PodView {
    /// Its name.
    pub name: PodName,
    /// Its public name.
    pub public_name: String,
    /// How it is.
    pub verdict: Verdict,
    /// Since when.
    pub since: Timestamp,
    /// Paused until.
    pub paused_until: Option<Timestamp>,
    /// Scheduled attempts in the last five minutes: failed, of how many.
    pub recent: (u32, u32),
    /// Its usual share of failures, as the rules take it.
    pub baseline: Share,
    /// How much of the share rule's bound is used up, 0 to 1.
    pub cusum: Share,
    /// Attempts that are under way.
    pub in_flight: u32,
    /// The newest outcomes of scheduled attempts, oldest first, at most 60.
    pub outcomes: Vec<OutcomeMark>,
    /// Its probes.
    pub probes: Vec<ProbeView>,
    /// Days until the certificate of an edge ends, by edge, as last seen.
    pub certificate_days: Vec<(EdgeName, i64)>,
    /// When it was last looked at.
    pub last_observed: Option<Timestamp>,
    /// Its test calls, for each direction that is looked at.
    pub calls: Vec<CallView>,
    /// What they have been billed, and may be; absent where no probe calls.
    pub call_budget: Option<CallBudgetView>,
    /// How far what its tokens can hold is covered; absent before the first plan.
    pub cover: Option<CoverView>,
}

/// How far the cover of a pod is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CoverView {
    /// True if tokens are chosen; false where they come from elsewhere and chance decides.
    pub steered: bool,
    /// By set of places: with any kind and key first, then with each.
    pub sets: Vec<CoverAges>,
}

/// One outcome on the dashboard's strip.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OutcomeMark {
    /// When the attempt started.
    pub at: Timestamp,
    /// `completed`, `degraded`, `failed`, `throttled`, `lost`.
    pub outcome: &'static str,
    /// How long it took to the outcome, in milliseconds.
    pub took_ms: u32,
}

/// One probe in one pod.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ProbeView {
    /// Its name.
    pub name: ProbeName,
    /// When its next attempt falls due.
    pub next: Option<Timestamp>,
}

/// An alert that is pending or firing.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AlertView {
    /// In which pod; absent for location and ringcheck.
    pub pod: Option<PodName>,
    /// Which rule.
    pub rule: Rule,
    /// Whom it wakes.
    pub audience: Audience,
    /// Pending or firing.
    pub state: AlertState,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// Its incident, once it has one.
    pub incident: Option<IncidentNumber>,
    /// What it rests on, once it fires.
    pub evidence: Option<Evidence>,
    /// What agents experience, once it fires.
    pub experience: Option<Experience>,
}

/// As Alertmanager and Prometheus have it; inactive alerts are not listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// The condition holds, not long enough yet.
    Pending,
    /// It has fired.
    Firing,
}
