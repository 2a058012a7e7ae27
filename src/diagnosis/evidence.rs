//! What was seen: passes and failures with the features of their tokens.

use serde::{Deserialize, Serialize};

use crate::model::{AttemptId, Failure, FailureReason, PodName, Reached, Step};
use crate::token::FeatureSet;

use super::family::Family;

/// Looks that are kept; then the oldest are forgotten.
pub const LOOKS_MAX: usize = 1_500;
/// Looks that are forgotten at once, so that what is left need not be weighed anew each time.
const FORGOTTEN: usize = 300;

/// How an attempt failed. Failing is failing; what it looked like is only counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct HowFailed {
    /// At which step.
    pub step: Step,
    /// What happened.
    pub reason: FailureReason,
    /// The code in the partner's frame, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_code: Option<u32>,
}

impl HowFailed {
    /// Of a failure.
    pub const fn of(failure: &Failure) -> Self {
        Self { step: failure.step, reason: failure.reason, wire_code: failure.wire_code }
    }
}

/// One attempt that passed or failed. Throttled and lost ones say nothing and are no looks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Look {
    /// In which pod; pods with the same symptom share a diagnosis.
    pub pod: PodName,
    /// Which text: the first attempt that used it.
    pub token: AttemptId,
    /// What the token has, in the family's space.
    #[serde(with = "words")]
    pub features: FeatureSet,
    /// Where at the partner it came out.
    #[serde(default, skip_serializing_if = "Reached::is_unknown")]
    pub reached: Reached,
    /// How it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<HowFailed>,
}

/// The looks of a diagnosis, oldest first. A diagnosis is a function of it: this is all that a
/// snapshot has to keep.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    fingerprint: u64,
    looks: Vec<Look>,
}

impl Evidence {
    /// None yet, about tokens of this family.
    pub fn about(family: &Family) -> Self {
        Self { fingerprint: family.fingerprint(), looks: Vec::new() }
    }

    /// True if its features are numbered as in this family.
    pub fn is_about(&self, family: &Family) -> bool {
        self.fingerprint == family.fingerprint()
    }

    /// All that is kept, oldest first.
    pub fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// Takes in one look; the oldest are forgotten where there is no room.
    pub fn take(&mut self, look: Look) {
        self.make_room();
        self.push(look);
    }

    /// Makes room if there is none; true if something was forgotten.
    pub(super) fn make_room(&mut self) -> bool {
        let full = self.looks.len() >= LOOKS_MAX;
        if full {
            self.looks.drain(..FORGOTTEN);
        }
        full
    }

    pub(super) fn push(&mut self, look: Look) {
        self.looks.push(look);
    }
}

/// Feature sets as their four words.
mod words {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::token::FeatureSet;

    pub(super) fn serialize<S: Serializer>(set: &FeatureSet, serializer: S) -> Result<S::Ok, S::Error> {
        set.0.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FeatureSet, D::Error> {
        <[u64; 4]>::deserialize(deserializer).map(FeatureSet)
    }
}
