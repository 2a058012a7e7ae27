//! The only place that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::{Origin, Timestamp, millis};

/// The longest sleep before the wall clock is read again: after a jump of the clock, what was due
/// is late by no more than this.
const RECHECK: Duration = Duration::from_secs(1);

/// The time of day. It may jump when somebody sets the clock.
pub fn now() -> Timestamp {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp::from_millis(millis(since)),
        Err(before) => Timestamp::from_millis(-millis(before.duration())),
    }
}

/// How long ago the system's clock said so; zero if that is still to come.
pub fn ago(at: SystemTime) -> Duration {
    SystemTime::now().duration_since(at).unwrap_or_default()
}

/// Sleeps until the time of day is `at`; returns at once if that is past.
pub async fn sleep_until(at: Timestamp) {
    loop {
        let left = at.since(now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(RECHECK)).await;
    }
}

/// Measures how long things take; never jumps.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to count.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The start itself, for machines that reckon from it. Says nothing about the time of day.
    pub fn origin(self) -> Origin {
        Origin::new(self.0)
    }

    /// Time since the start.
    pub fn time(self) -> Duration {
        self.0.elapsed()
    }

    /// How much time has passed by another stopwatch at the moment at which so much has by this one.
    pub fn as_told_by(self, other: Self, elapsed: Duration) -> Duration {
        self.0.checked_add(elapsed).map_or(Duration::MAX, |at| at.saturating_duration_since(other.0))
    }

    /// Sleeps until this much time has passed since the start; returns at once if it has.
    pub async fn sleep_until(self, elapsed: Duration) {
        match self.0.checked_add(elapsed) {
            Some(at) => tokio::time::sleep_until(at.into()).await,
            None => std::future::pending().await,
        }
    }
}
