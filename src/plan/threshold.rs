//! A pod's thresholds: when it is broken, and how sure we want to be.

use std::time::Duration;

use crate::model::Share;

use super::CallThresholds;

/// When a pod is broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// The sequential rules over device errors (detection of outages, token-bound faults, shares).
    pub device_errors: DeviceErrors,
    /// Plain rules that the owner adds beside them.
    pub plain: Vec<PlainRule>,
    /// Rules over test calls.
    pub calls: CallThresholds,
    /// How long a fault must last before it pages (design §6: 8 s). A shorter one is a blip.
    pub persist: Duration,
    /// No result for this long after the start counts as failing in the outage rule.
    pub overdue: Duration,
    /// How long all must be well before an alert is resolved; long enough for
    /// [`Thresholds::RECOVERY_ATTEMPTS_MIN`] attempts.
    pub stable: Duration,
    /// No observation for this long is "no data".
    pub silence: Duration,
}

/// The sequential rule: what share is to be detected, and how often it may be wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeviceErrors {
    /// The share of failing attempts that is to be detected, for example 10 %.
    pub detect: Share,
    /// False pages that are accepted, in a pod-year.
    pub false_pages_per_year: f64,
    /// What the pod's failures usually are, until seven days have been measured.
    pub baseline: Share,
}

/// A plain rule over scheduled attempts.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum PlainRule {
    /// At least `share` of the attempts in the last `window` failed, and at least `minimum` did.
    ShareInWindow {
        /// The share.
        share: Share,
        /// The window.
        window: Duration,
        /// Fewest failures.
        minimum: u32,
    },
    /// `failures` of the last `of` attempts failed (`of` is at most 64).
    KOfN {
        /// How many failed.
        failures: u32,
        /// Of how many.
        of: u32,
    },
    /// So many attempts failed in a row.
    Consecutive {
        /// How many.
        failures: u32,
    },
    /// Fewer than `minimum` attempts were observed in the last `window`. Pages the owner of the
    /// monitor: it says something about us.
    TooFew {
        /// Fewest observations.
        minimum: u32,
        /// The window.
        window: Duration,
    },
    /// The `percentile` of the time to registration over the last `of` attempts is longer than
    /// `longer_than`.
    Latency {
        /// Percentile, 50 to 99.
        percentile: u8,
        /// The limit.
        longer_than: Duration,
        /// Over how many attempts (at most 256).
        of: u32,
    },
    /// The edge's certificate ends in fewer days. Pages the owner of the monitor.
    CertificateDays {
        /// Days.
        days: u32,
    },
}

impl Thresholds {
    /// Fewest scheduled attempts in the stable window that prove a recovery.
    pub const RECOVERY_ATTEMPTS_MIN: u32 = 12;

    /// The shortest stable window that can prove a recovery at so many attempts a minute, in whole
    /// seconds; nothing is long enough for a pod without attempts.
    pub fn shortest_stable(attempts_per_minute: f64) -> Duration {
        if attempts_per_minute <= 0.0 {
            return Duration::ZERO;
        }
        let seconds = (f64::from(Self::RECOVERY_ATTEMPTS_MIN) * 60.0 / attempts_per_minute).ceil();
        // A schedule's longest round is below 2^32 seconds.
        Duration::from_secs(seconds as u64)
    }
}

impl Default for Thresholds {
    /// The rules that were computed and simulated; `docs/deciding.md` has the tables.
    fn default() -> Self {
        Self {
            device_errors: DeviceErrors::default(),
            plain: Vec::new(),
            calls: CallThresholds::default(),
            persist: Duration::from_secs(8),
            overdue: Duration::from_millis(2500),
            stable: Duration::from_mins(5),
            silence: Duration::from_mins(5),
        }
    }
}

impl Default for DeviceErrors {
    fn default() -> Self {
        Self { detect: Share::clamped(0.10), false_pages_per_year: 0.2, baseline: Share::clamped(0.01) }
    }
}
