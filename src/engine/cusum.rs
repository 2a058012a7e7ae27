//! Rules C and C2: is the share of failures too large to be chance? A cumulative sum in whole
//! numbers (Page 1954; `docs/deciding.md`), and "nine of the last fifteen" beside it.

use serde::{Deserialize, Serialize};

use super::rules::Cusum;

/// At most so many failures score among the last [`CAP_WINDOW`] attempts: a burst of a few
/// seconds is the outage rule's business and must not fill the sum.
const CAP: u32 = 3;
const CAP_WINDOW: u32 = 10;
/// Rule C2: so many failures …
pub const HEAVY_FAILURES: u32 = 9;
/// … among so many scheduled attempts.
pub const HEAVY_OF: u32 = 15;

/// The sum of one pod, and its last outcomes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct CusumScore {
    score: u32,
    /// Which of the last attempts scored as failures, newest in the lowest bit.
    scored: u32,
    /// Which of the last attempts failed, newest in the lowest bit.
    failed: u64,
    /// How many attempts `failed` knows, at most 64.
    known: u32,
}

impl CusumScore {
    /// Counts one scheduled attempt.
    pub fn observe(&mut self, failed: bool, rule: &Cusum) {
        self.failed = self.failed << 1 | u64::from(failed);
        self.known = (self.known + 1).min(64);
        let recent = self.scored & ((1 << (CAP_WINDOW - 1)) - 1);
        let scores = failed && recent.count_ones() < CAP;
        self.scored = recent << 1 | u32::from(scores);
        if scores {
            self.score = self.score.saturating_add(rule.step).min(rule.bound.saturating_mul(2));
        } else if !failed {
            self.score = self.score.saturating_sub(1);
        }
    }

    /// Forgets what was seen: after an alert is over, or when our own network was down.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Rule C.
    pub fn fires(&self, rule: &Cusum) -> bool {
        self.score >= rule.bound
    }

    /// Rule C2.
    pub fn is_heavy(&self) -> bool {
        self.failed_among(HEAVY_OF) >= HEAVY_FAILURES
    }

    /// How many of the last `n` scheduled attempts failed; `n` is at most 64.
    pub fn failed_among(&self, n: u32) -> u32 {
        let mask = if n >= 64 { u64::MAX } else { (1 << n) - 1 };
        (self.failed & mask).count_ones()
    }

    /// How many scheduled attempts in a row failed, up to now; at most 64.
    pub fn failed_in_a_row(&self) -> u32 {
        self.failed.trailing_ones().min(self.known)
    }

    /// How much of the bound is used up, `0.0..=1.0`.
    pub fn fill(&self, rule: &Cusum) -> f64 {
        (f64::from(self.score) / f64::from(rule.bound.max(1))).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Share;

    const RULE: Cusum = Cusum { step: 21, bound: 164, usual: Share::ZERO, detect: Share::ZERO };

    #[test]
    fn a_burst_scores_three_times_at_most() {
        let mut score = CusumScore::default();
        for _ in 0..9 {
            score.observe(true, &RULE);
        }
        assert!(!score.fires(&RULE));
        assert!((score.fill(&RULE) - 63.0 / 164.0).abs() < 1e-9);
        assert!(score.is_heavy());
        assert_eq!(score.failed_in_a_row(), 9);
    }

    #[test]
    fn a_steady_share_fires_and_passes_wear_it_off() {
        let mut score = CusumScore::default();
        let mut attempts = 0;
        while !score.fires(&RULE) {
            attempts += 1;
            score.observe(attempts % 10 == 0, &RULE);
        }
        assert_eq!(attempts, 130, "each failure adds 21, the nine passes before it take 9");
        for _ in 0..200 {
            score.observe(false, &RULE);
        }
        assert_eq!(score.fill(&RULE), 0.0);
    }
}
