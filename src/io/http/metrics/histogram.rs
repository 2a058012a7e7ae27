//! A histogram with fixed bounds.

use std::time::Duration;

/// Upper bounds in seconds, for an attempt and for its steps: from a local handshake to the
/// longest deadline.
pub(super) const SECONDS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0];

/// Counts of durations; the last place is for everything above the last bound.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    counts: [u64; SECONDS.len() + 1],
    sum: f64,
}

impl Histogram {
    pub(super) fn observe(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = SECONDS.iter().position(|bound| seconds <= *bound).unwrap_or(SECONDS.len());
        self.counts[place] += 1;
        self.sum += seconds;
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Sum in seconds.
    pub(super) const fn sum(&self) -> f64 {
        self.sum
    }

    /// Upper bounds with the count of each bucket alone.
    pub(super) fn buckets(&self) -> Vec<(f64, u64)> {
        SECONDS.iter().copied().chain([f64::INFINITY]).zip(self.counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let mut histogram = Histogram::default();
        for ms in [10, 11, 40_000, 40_001] {
            histogram.observe(Duration::from_millis(ms));
        }
        let counts: Vec<u64> = histogram.buckets().into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(histogram.count(), 4);
    }
}
