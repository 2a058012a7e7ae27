//! When a pod's calls are bad: rules over the last calls of a direction.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{CallDirection, Share};

/// When a pod's calls are bad.
#[derive(Clone, Debug, PartialEq)]
pub struct CallThresholds {
    /// So many failed calls of so many page, in either direction; computed from the rest if absent.
    pub failures: Option<KOfN>,
    /// False pages that are accepted, in a pod-year and direction.
    pub false_pages_per_year: f64,
    /// What share of calls usually fails.
    pub baseline: Share,
    /// Rules over how good calls are.
    pub rules: Vec<CallRule>,
}

/// So many of the last so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KOfN {
    /// How many.
    pub k: u32,
    /// Of how many, at most [`KOfN::N_MAX`].
    pub n: u32,
}

impl KOfN {
    /// Calls that a rule looks back at most.
    pub const N_MAX: u32 = 64;
}

/// A rule over how good calls are: so many of the last calls are beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRule {
    /// Calls of which direction; of both if absent.
    pub direction: Option<CallDirection>,
    /// Beyond which limit.
    pub limit: CallLimit,
    /// How many.
    pub of: KOfN,
}

/// What makes a call a bad one, though it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallLimit {
    /// It took longer to be set up.
    SetUp(Duration),
    /// It took longer to arrive.
    Delivery(Duration),
    /// Its opinion score (times a hundred) was lower.
    Mos(u16),
    /// More packets were lost, in thousandths.
    Loss(u16),
    /// Only one side heard the other.
    OneWay,
    /// Its audio was not as it should be: holes, too quiet, distorted, late, slow, lossy.
    Degraded,
}

impl CallLimit {
    /// The word in config and texts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetUp(_) => "set_up",
            Self::Delivery(_) => "delivery",
            Self::Mos(_) => "mos",
            Self::Loss(_) => "loss",
            Self::OneWay => "one_way",
            Self::Degraded => "degraded",
        }
    }
}

impl Default for CallThresholds {
    fn default() -> Self {
        let degraded = CallRule { direction: None, limit: CallLimit::Degraded, of: KOfN { k: 4, n: 8 } };
        Self { failures: None, false_pages_per_year: 0.2, baseline: Share::clamped(0.01), rules: vec![degraded] }
    }
}
