//! An attempt's result as the engine counts it.

use serde::{Deserialize, Serialize};

use super::{AttemptId, CallFacts, Outcome, PodName, ProbeName, Reached, Timestamp, Traits};

/// An attempt's outcome and traits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Observation {
    /// Which attempt.
    pub attempt: AttemptId,
    /// In which pod.
    pub pod: PodName,
    /// Of which probe.
    pub probe: ProbeName,
    /// Why it was made.
    pub role: Role,
    /// When it was started.
    pub started: Timestamp,
    /// When its outcome was known.
    pub finished: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// What a fault could depend on.
    pub traits: Traits,
    /// Where at the partner it came out.
    #[serde(default, skip_serializing_if = "Reached::is_unknown")]
    pub reached: Reached,
    /// What is known of the test call, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Box<CallFacts>>,
}

/// Why an attempt is made. Follow-ups never count in shares: they are chosen because of a failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// By the probe's schedule.
    Scheduled,
    /// The token that failed, again.
    Repeat,
    /// A token as unlike the failing one as can be.
    Contrast,
    /// A token that tells most about what separates failing from passing ones.
    Diagnosis,
    /// A fresh token like the failing one, to see whether recovery is real.
    Recovery,
}
