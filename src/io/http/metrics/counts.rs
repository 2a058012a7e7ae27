//! What is counted since the start of the process.

use std::collections::BTreeMap;

use crate::engine::{Audience, DeliveryId, Rule, Trouble};
use crate::model::{CallDirection, EdgeName, PathTaken, PodName, ProbeName, ReceiverName, Step, Timestamp};

use super::histogram::Histogram;

/// Outcomes, in the order of the counters.
pub(super) const OUTCOMES: [&str; 5] = ["completed", "degraded", "failed", "throttled", "lost"];

/// Reasons for not looking, in the order of the counters.
pub(super) const MISSED: [&str; 3] = ["paused", "down", "budget"];

/// The steps of an attempt.
pub(super) const PHASES: [Step; 14] = Step::ALL;

/// Everything that can be in trouble of ours, with its word.
pub(super) const TROUBLES: [(Trouble, &str); 7] = [
    (Trouble::Journal, "journal"),
    (Trouble::Store, "store"),
    (Trouble::Facts, "facts"),
    (Trouble::Receiver, "receiver"),
    (Trouble::Secret, "secret"),
    (Trouble::Network, "network"),
    (Trouble::Attempts, "attempts"),
];

/// Codes of device errors that have a series of their own; all others are `other`, so that a
/// partner cannot make series by sending codes.
pub(super) const DEVICE_ERROR_CODES: [u32; 46] = [
    20101, 20104, 20151, 31000, 31001, 31002, 31003, 31005, 31008, 31009, 31100, 31101, 31102, 31103, 31104, 31105,
    31107, 31201, 31202, 31203, 31204, 31205, 31206, 31207, 31208, 31209, 31210, 31211, 31212, 31400, 31401, 31402,
    31404, 31429, 31480, 31486, 31530, 31603, 53000, 53001, 53400, 53402, 53404, 53405, 53407, 31901,
];

/// Most deliveries whose start is remembered for the latency; older ones are not measured.
pub(super) const DELIVERIES_MAX: usize = 4096;

#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) pods: BTreeMap<PodName, PodCounts>,
    pub(super) receivers: BTreeMap<ReceiverName, ReceiverCounts>,
    /// When messages that wait were decided.
    pub(super) waiting: BTreeMap<DeliveryId, (ReceiverName, Timestamp)>,
    pub(super) incidents: BTreeMap<Audience, u64>,
    pub(super) troubles: BTreeMap<Trouble, bool>,
    pub(super) journal_errors: u64,
    pub(super) reloads: [u64; 2],
    /// Whether the newest reload worked; none before the first.
    pub(super) reloaded: Option<bool>,
    /// When a configuration was last taken.
    pub(super) configured: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct PodCounts {
    pub(super) probes: BTreeMap<ProbeName, ProbeCounts>,
    pub(super) device_errors: DeviceErrorCounts,
    pub(super) alerts: BTreeMap<Rule, u64>,
    pub(super) blips: u64,
    pub(super) slow_downs: u64,
    pub(super) certificates: BTreeMap<EdgeName, Timestamp>,
    pub(super) calls: BTreeMap<CallDirection, CallCounts>,
}

/// Test calls of one direction.
#[derive(Clone, Debug, Default)]
pub(super) struct CallCounts {
    pub(super) set_up: Histogram,
    pub(super) delivery: Histogram,
    pub(super) one_way: u64,
    pub(super) recordings_failed: u64,
    /// By the path that media took.
    pub(super) paths: BTreeMap<PathTaken, u64>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ProbeCounts {
    pub(super) scheduled: [u64; OUTCOMES.len()],
    pub(super) follow_ups: [u64; OUTCOMES.len()],
    /// Whether the newest scheduled attempt that says something about the partner worked.
    pub(super) success: Option<bool>,
    pub(super) durations: Histogram,
    pub(super) phases: [Histogram; PHASES.len()],
    pub(super) failed_at: [u64; PHASES.len()],
    pub(super) missed: [u64; MISSED.len()],
    pub(super) missed_seconds: [f64; MISSED.len()],
}

/// Device errors by code. A code that is not in the list is `other`; a failure that raises none,
/// so that the agent sees nothing, is `none`.
#[derive(Clone, Debug, Default)]
pub(super) struct DeviceErrorCounts {
    pub(super) listed: BTreeMap<u32, u64>,
    pub(super) other: u64,
    pub(super) none: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ReceiverCounts {
    pub(super) integration: &'static str,
    pub(super) queued: u64,
    pub(super) delivered: u64,
    pub(super) abandoned: u64,
    /// Tries that did not work: worth trying again, refused for good.
    pub(super) failed: [u64; 2],
    pub(super) latency: Histogram,
}

impl DeviceErrorCounts {
    pub(super) fn count(&mut self, code: u32) {
        if DEVICE_ERROR_CODES.contains(&code) {
            *self.listed.entry(code).or_default() += 1;
        } else {
            self.other += 1;
        }
    }
}

impl Counts {
    /// The counters of a probe in a pod, if both are in the plan. Late results of a removed pod
    /// must not bring its series back.
    pub(super) fn probe(&mut self, pod: &PodName, probe: &ProbeName) -> Option<&mut ProbeCounts> {
        self.pods.get_mut(pod)?.probes.get_mut(probe)
    }

    /// The counters of a receiver. One that the plan no longer has still delivers what waits.
    pub(super) fn receiver(&mut self, receiver: &ReceiverName) -> &mut ReceiverCounts {
        self.receivers.entry(receiver.clone()).or_default()
    }
}
