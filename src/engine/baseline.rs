//! What a pod's failures usually are: measured over seven days, by the worst hour of the day, so
//! that a busy hour's ordinary failures do not page.

use serde::{Deserialize, Serialize};

use crate::model::{Share, Timestamp};

const HOUR_MS: i64 = 3_600_000;
/// Hours that are remembered: seven days.
const HOURS_MAX: usize = 168;
/// Hours that must have been measured before the measurement is used.
const HOURS_MIN: usize = 24;
/// A new measurement is made this often.
const MEASURE_EVERY_MS: i64 = 24 * HOUR_MS;
/// Fewest attempts in an hour of the day for its share to count.
const ATTEMPTS_MIN: u32 = 200;

/// Hourly counts of scheduled attempts in quiet times.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Baseline {
    hours: Vec<Hour>,
    measured: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Hour {
    /// Hours since the epoch.
    hour: i64,
    failed: u32,
    of: u32,
}

impl Baseline {
    /// Counts one scheduled attempt; what happens while an alert is up is not usual.
    pub fn observe(&mut self, at: Timestamp, failed: bool, quiet: bool) {
        if !quiet {
            return;
        }
        let hour = at.as_millis().div_euclid(HOUR_MS);
        if self.hours.last().is_none_or(|last| last.hour < hour) {
            if self.hours.len() == HOURS_MAX {
                self.hours.remove(0);
            }
            self.hours.push(Hour { hour, failed: 0, of: 0 });
        }
        if let Some(last) = self.hours.last_mut() {
            last.of += 1;
            last.failed += u32::from(failed);
        }
    }

    /// True when a new measurement is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.hours.len() >= HOURS_MIN
            && self.measured.is_none_or(|at| now.as_millis() - at.as_millis() >= MEASURE_EVERY_MS)
    }

    /// The share in the worst hour of the day, over the days remembered.
    pub fn measure(&self) -> Option<Share> {
        let mut by_hour = [(0u64, 0u64); 24];
        for hour in &self.hours {
            let place = usize::try_from(hour.hour.rem_euclid(24)).unwrap_or(0);
            by_hour[place].0 += u64::from(hour.failed);
            by_hour[place].1 += u64::from(hour.of);
        }
        let shares = by_hour.iter().filter(|(_, of)| *of >= u64::from(ATTEMPTS_MIN));
        shares.filter_map(|(failed, of)| Share::of(*failed, *of)).max_by(|a, b| a.get().total_cmp(&b.get()))
    }

    /// A measurement was taken.
    pub fn measured(&mut self, at: Timestamp) {
        self.measured = Some(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_hour_of_the_day_counts() {
        let mut baseline = Baseline::default();
        for hour in 0..72 {
            for n in 0..300 {
                let at = Timestamp::from_millis(hour * HOUR_MS + n * 12_000);
                let every = if hour % 24 == 9 { 50 } else { 100 };
                baseline.observe(at, n % every == 0, true);
            }
        }
        assert!(baseline.is_due(Timestamp::from_millis(72 * HOUR_MS)));
        assert_eq!(baseline.measure(), Share::of(2, 100));
        baseline.measured(Timestamp::from_millis(72 * HOUR_MS));
        assert!(!baseline.is_due(Timestamp::from_millis(95 * HOUR_MS)));
    }

    #[test]
    fn what_happens_during_an_alert_is_not_usual() {
        let mut baseline = Baseline::default();
        baseline.observe(Timestamp::from_millis(0), true, false);
        assert_eq!(baseline, Baseline::default());
    }
}
