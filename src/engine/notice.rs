//! What the public is told: components and notices in Statuspage's vocabulary.

use serde::{Deserialize, Serialize};

use crate::model::{IncidentNumber, PodName, Timestamp};

/// What of a pod the public sees.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// Agents can call.
    MakingCalls,
    /// Agents can be called.
    ReceivingCalls,
    /// What is heard in calls. Only of pods where test calls are made.
    CallQuality,
}

impl Component {
    /// The components that every pod has, in the order of the page.
    pub const ALWAYS: [Self; 2] = [Self::MakingCalls, Self::ReceivingCalls];
    /// All components that a pod can have, in the order of the page.
    pub const ALL: [Self; 3] = [Self::MakingCalls, Self::ReceivingCalls, Self::CallQuality];
}

/// Statuspage's component states; and our own "not looked at", which is grey.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentState {
    /// All is well.
    Operational,
    /// It works, badly.
    DegradedPerformance,
    /// It fails for some.
    PartialOutage,
    /// It fails for all.
    MajorOutage,
}

/// A component's state and how fresh it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ComponentStatus {
    /// Whose.
    pub pod: PodName,
    /// The public name of the pod.
    pub public_name: String,
    /// Which.
    pub component: Component,
    /// The last proven state.
    pub state: ComponentState,
    /// Since when.
    pub since: Timestamp,
    /// False while nobody looks: grey on our own page.
    pub looked_at: bool,
}

/// A public notice about one incident.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// The incident; the public never sees its number, only an id derived from it.
    pub incident: IncidentNumber,
    /// When the trouble began.
    pub started: Timestamp,
    /// Public names of the pods hit.
    pub public_names: Vec<String>,
    /// True if nobody can call; else some cannot.
    pub everybody: bool,
    /// True if every watched pod is hit.
    pub all_pods: bool,
    /// What of calling is hit.
    #[serde(default)]
    pub hit: NoticeMatter,
    /// What was said, oldest first; never empty.
    pub updates: Vec<NoticeUpdate>,
}

impl Notice {
    /// The stage of the newest update.
    pub fn stage(&self) -> NoticeStage {
        self.updates.last().map_or(NoticeStage::Investigating, |update| update.stage)
    }
}

/// What of calling a notice is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeMatter {
    /// Agents cannot connect, so that they can neither call nor be called.
    #[default]
    Connections,
    /// Calls that agents make.
    MakingCalls,
    /// Calls to agents.
    ReceivingCalls,
    /// Calls of both directions.
    Calls,
    /// What is heard in calls.
    CallQuality,
}

/// One thing that was said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NoticeUpdate {
    /// When.
    pub at: Timestamp,
    /// At which stage.
    pub stage: NoticeStage,
    /// When more is promised.
    pub next_by: Option<Timestamp>,
}

/// Statuspage's incident stages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeStage {
    /// We see it and look for the cause.
    Investigating,
    /// The cause is known.
    Identified,
    /// It looks better; we watch.
    Monitoring,
    /// It is proven to be over.
    Resolved,
}

impl NoticeStage {
    /// Statuspage's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
        }
    }
}
