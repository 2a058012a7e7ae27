//! Rule A and the blips of rule F: everything that was started since some moment has failed.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Timestamp, millis};

/// Fewest attempts that must have failed (scheduled and follow-ups).
const FAILURES_MIN: u32 = 6;
/// With so many failing in a row the alert is pending.
const PENDING_FROM: u32 = 3;
/// Starts that are remembered one by one; older ones of the same run are only counted.
const STARTS_MAX: usize = 64;
/// A blip is at least so many failures …
const BLIP_FAILURES_MIN: u32 = 4;
/// … over at least this long.
const BLIP_LENGTH_MIN_MS: i64 = 1_500;
/// Rule F: so many blips …
pub const FLAPPING_BLIPS: usize = 3;
/// … within this long.
pub const FLAPPING_WITHIN: Duration = Duration::from_mins(15);

/// The failing attempts that were started after the last one that passed.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct OutageRun {
    /// Starts of failing attempts, in order; the newest ones if there are many.
    starts: VecDeque<Timestamp>,
    /// How many earlier ones were dropped from `starts`.
    earlier: u32,
    /// The first start of the run, when it is no longer in `starts`.
    first: Option<Timestamp>,
    /// The latest start of an attempt that passed.
    last_pass: Option<Timestamp>,
}

/// A run that ended by a pass and was too short to be an outage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blip {
    /// The first failing start.
    pub since: Timestamp,
    /// How many failed.
    pub failures: u32,
}

impl OutageRun {
    /// An attempt that started at `start` failed, or is overdue.
    pub fn fail(&mut self, start: Timestamp) {
        if self.last_pass.is_some_and(|pass| pass >= start) {
            return;
        }
        let place = self.starts.partition_point(|s| *s <= start);
        self.starts.insert(place, start);
        if self.starts.len() > STARTS_MAX
            && let Some(oldest) = self.starts.pop_front()
        {
            self.earlier += 1;
            self.first.get_or_insert(oldest);
        }
    }

    /// The attempt that started at `start` gave a result after all: it is no longer overdue.
    pub fn retract(&mut self, start: Timestamp) {
        if let Ok(place) = self.starts.binary_search(&start) {
            self.starts.remove(place);
        }
    }

    /// An attempt that started at `start` passed. Returns the blip that this ends, if it is one.
    pub fn pass(&mut self, start: Timestamp) -> Option<Blip> {
        if self.last_pass.is_none_or(|pass| pass < start) {
            self.last_pass = Some(start);
        }
        if self.starts.is_empty() {
            return None;
        }
        let ended = self.starts.partition_point(|s| *s <= start);
        if ended == 0 {
            return None;
        }
        let since = self.first.unwrap_or(self.starts[0]);
        let failures = self.earlier + u32::try_from(ended).unwrap_or(u32::MAX);
        let length = self.starts[ended - 1].as_millis() - since.as_millis();
        self.starts.drain(..ended);
        self.earlier = 0;
        self.first = None;
        (failures >= BLIP_FAILURES_MIN && length >= BLIP_LENGTH_MIN_MS).then_some(Blip { since, failures })
    }

    /// Forgets the run: what was seen through a dead network of ours says nothing.
    pub fn reset(&mut self) {
        self.starts.clear();
        self.earlier = 0;
        self.first = None;
    }

    /// When the run began, if there is one.
    pub fn since(&self) -> Option<Timestamp> {
        self.first.or_else(|| self.starts.front().copied())
    }

    /// How many failed in it.
    pub fn failures(&self) -> u32 {
        self.earlier + u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// True if the alert should be pending.
    pub fn is_building(&self) -> bool {
        self.failures() >= PENDING_FROM
    }

    /// Rule A: enough failures, over at least `persist_ms`.
    pub fn fires(&self, persist_ms: i64) -> bool {
        self.failures() >= FAILURES_MIN && self.length_ms() >= persist_ms
    }

    /// The moment from which `fires` can hold, for the follow-ups to aim at.
    pub fn ripe_at(&self, persist: Duration) -> Option<Timestamp> {
        self.since().map(|since| since.plus(persist))
    }

    fn length_ms(&self) -> i64 {
        match (self.since(), self.starts.back()) {
            (Some(since), Some(last)) => millis(last.since(since)),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn an_outage_needs_six_failures_over_eight_seconds() {
        let mut run = OutageRun::default();
        for ms in [0, 2_000, 4_000, 6_000, 7_999] {
            run.fail(at(ms));
            assert!(!run.fires(8_000));
        }
        run.fail(at(8_000));
        assert!(run.fires(8_000));
    }

    #[test]
    fn a_pass_that_started_in_between_cuts_the_run() {
        let mut run = OutageRun::default();
        for ms in [0, 2_000, 4_000, 6_000] {
            run.fail(at(ms));
        }
        assert_eq!(run.pass(at(4_500)), None, "three failures are too few for a blip");
        assert_eq!((run.failures(), run.since()), (1, Some(at(6_000))));
        for ms in [7_000, 8_000, 9_000] {
            run.fail(at(ms));
        }
        assert_eq!(run.pass(at(9_500)), Some(Blip { since: at(6_000), failures: 4 }));
    }

    #[test]
    fn a_pass_from_before_the_run_does_not_end_it() {
        let mut run = OutageRun::default();
        run.fail(at(2_000));
        assert_eq!(run.pass(at(1_000)), None);
        assert_eq!(run.failures(), 1);
    }

    #[test]
    fn a_late_result_takes_the_overdue_mark_back() {
        let mut run = OutageRun::default();
        run.fail(at(1));
        run.fail(at(2));
        run.retract(at(1));
        assert_eq!(run.failures(), 1);
        assert_eq!(run.since(), Some(at(2)));
    }

    #[test]
    fn a_long_run_keeps_its_beginning() {
        let mut run = OutageRun::default();
        for n in 0..500 {
            run.fail(at(n * 1_000));
        }
        assert_eq!(run.since(), Some(at(0)));
        assert_eq!(run.failures(), 500);
        let blip = run.pass(at(600_000)).expect("a long one");
        assert_eq!((blip.since, blip.failures), (at(0), 500));
    }
}
