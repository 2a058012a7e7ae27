//! What of a plan the state must know to judge: numbers, computed once when a plan is taken or a
//! baseline is measured, and recorded as facts.

use serde::{Deserialize, Serialize};

use crate::model::{PodName, Share};
use crate::plan::PlainRule;

/// The rules of one pod, as numbers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PodRules {
    /// Which pod.
    pub pod: PodName,
    /// Its public name.
    pub public_name: String,
    /// Milliseconds that a fault must last before it pages.
    pub persist_ms: i64,
    /// Milliseconds after which an attempt without a result counts as failing in the outage rule.
    pub overdue_ms: i64,
    /// Milliseconds that all must be well before an alert is resolved.
    pub stable_ms: i64,
    /// Milliseconds without an observation that are "no data".
    pub silence_ms: i64,
    /// The sequential rule.
    pub cusum: Cusum,
    /// The same for each trait: its bound is higher, since there are many of them. Absent in facts
    /// of older versions, which knew no such rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traits: Option<Cusum>,
    /// Rules that the owner added.
    pub plain: Vec<PlainRule>,
    /// Those over its calls; none if no probe calls there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<super::calls::CallRules>,
}

/// The Bernoulli CUSUM in whole numbers (`docs/deciding.md`): a pass takes 1 off, a failure adds
/// `step`, and at `bound` it fires.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cusum {
    /// What a failure adds.
    pub step: u32,
    /// Where it fires.
    pub bound: u32,
    /// The usual share it was computed for, with its margin.
    pub usual: Share,
    /// The share it is tuned to find.
    pub detect: Share,
}
