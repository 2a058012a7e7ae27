//! The owner's plain rules: share in a window, k of n, consecutive, too few, latency.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::model::{Observation, Timestamp, millis};
use crate::plan::PlainRule;

/// Observations that a window keeps at most; with more a window is shorter than asked for.
const WINDOW_MAX: usize = 20_000;
/// Attempts that a k-of-n or a run looks back at most.
const LOOK_BACK_MAX: u32 = 64;
/// Latencies that are kept at most.
const LATENCIES_MAX: usize = 256;

/// The scores of a pod's plain rules, in the order of the rules.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct PlainScores(Vec<Score>);

#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
struct Score {
    /// Moments and results in the window, for rules that have one.
    window: VecDeque<(Timestamp, bool)>,
    failed_in_window: u32,
    /// Last outcomes, newest in the lowest bit.
    failed: u64,
    /// Times to registration in milliseconds, of attempts that passed.
    latencies: VecDeque<u32>,
}

impl PlainScores {
    /// Nothing seen yet.
    pub fn new(rules: &[PlainRule]) -> Self {
        Self(vec![Score::default(); rules.len()])
    }

    /// Counts one scheduled attempt.
    pub fn observe(&mut self, rules: &[PlainRule], observation: &Observation, failed: bool) {
        for (rule, score) in rules.iter().zip(&mut self.0) {
            score.observe(rule, observation, failed);
        }
    }

    /// True if the rule at `place` holds at `now`; `since` is when the pod's first rule was taken.
    pub fn holds(&self, place: usize, rule: &PlainRule, now: Timestamp) -> bool {
        self.0.get(place).is_some_and(|score| score.holds(rule, now))
    }
}

impl Score {
    fn observe(&mut self, rule: &PlainRule, observation: &Observation, failed: bool) {
        self.failed = self.failed << 1 | u64::from(failed);
        match rule {
            PlainRule::ShareInWindow { window, .. } | PlainRule::TooFew { window, .. } => {
                self.window.push_back((observation.started, failed));
                self.failed_in_window += u32::from(failed);
                self.forget_before(observation.started.minus(*window));
            }
            PlainRule::Latency { of, .. } if !failed => {
                let took = millis(observation.finished.since(observation.started));
                self.latencies.push_back(u32::try_from(took).unwrap_or(u32::MAX));
                while self.latencies.len() > (*of as usize).min(LATENCIES_MAX) {
                    self.latencies.pop_front();
                }
            }
            PlainRule::KOfN { .. }
            | PlainRule::Consecutive { .. }
            | PlainRule::Latency { .. }
            | PlainRule::CertificateDays { .. } => {}
        }
    }

    fn forget_before(&mut self, start: Timestamp) {
        while self.window.front().is_some_and(|(at, _)| *at < start) || self.window.len() > WINDOW_MAX {
            if let Some((_, failed)) = self.window.pop_front() {
                self.failed_in_window -= u32::from(failed);
            }
        }
    }

    fn holds(&self, rule: &PlainRule, now: Timestamp) -> bool {
        match rule {
            // The walk below is over what has grown old since the last observation.
            PlainRule::ShareInWindow { minimum, .. } if self.failed_in_window < *minimum => false,
            PlainRule::ShareInWindow { share, window, minimum } => {
                let start = now.minus(*window);
                let old = self.window.iter().take_while(|(at, _)| *at < start);
                let (old_count, old_failed) = old.fold((0, 0), |(n, f), (_, failed)| (n + 1, f + u32::from(*failed)));
                let (of, failed) = (self.window.len() - old_count, self.failed_in_window - old_failed);
                of > 0 && failed >= *minimum && f64::from(failed) >= share.get() * of as f64
            }
            PlainRule::KOfN { failures, of } => {
                let n = (*of).min(LOOK_BACK_MAX);
                let mask = if n == 64 { u64::MAX } else { (1 << n) - 1 };
                (self.failed & mask).count_ones() >= *failures
            }
            PlainRule::Consecutive { failures } => self.failed.trailing_ones() >= *failures,
            PlainRule::TooFew { minimum, window } => {
                // The one that would be enough decides; what is older need not be counted.
                let enough = self.window.len().checked_sub(*minimum as usize);
                let last = enough.and_then(|place| self.window.get(place));
                *minimum > 0 && last.is_none_or(|(at, _)| *at < now.minus(*window))
            }
            PlainRule::Latency { percentile, longer_than, of } => {
                let full = self.latencies.len() >= (*of as usize).min(LATENCIES_MAX);
                full && i64::from(self.percentile(*percentile)) > millis(*longer_than)
            }
            PlainRule::CertificateDays { .. } => false,
        }
    }

    /// The nearest-rank percentile in milliseconds; zero if nothing was measured.
    fn percentile(&self, percent: u8) -> u32 {
        let mut sorted: Vec<u32> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * usize::from(percent)).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or(0)
    }
}
