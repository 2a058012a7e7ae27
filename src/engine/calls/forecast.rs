//! What the rule over failed calls is worth at a pod's rate, and what its calls cost.

use std::time::Duration;

use crate::model::CallDirection;
use crate::plan::{KOfN, Plan, Pod, Probe};

use super::super::forecast::SHARES;
use super::rules::{failures_of, false_pages_per_year};

/// Runs that a delay is the mean of.
const RUNS: u32 = 400;
/// Calls after which a share counts as not found: three days' worth at one in five minutes.
const CALLS_MAX: u32 = 864;
/// Calls of the usual before the fault begins.
const LEAD: u32 = 40;
/// From a call's start to its failure, and to the next one after it.
const AGAIN: [Duration; 2] = [Duration::from_secs(8), Duration::from_secs(60)];
const SEED: u64 = 0x5eed;

/// What the rule of one direction is worth in one pod.
#[derive(Clone, PartialEq, Debug)]
pub struct CallForecast {
    /// Which way.
    pub direction: CallDirection,
    /// Scheduled calls a day.
    pub calls_per_day: f64,
    /// Minutes a day that they are billed.
    pub minutes_per_day: f64,
    /// So many failed calls of so many page.
    pub failures: KOfN,
    /// Mean time from onset to decision for each share of calls that fail; `None` if it is not
    /// found within three days' worth of calls.
    pub delays: [Option<Duration>; 4],
    /// False pages a year at most, from independent failures at the usual share.
    pub false_pages_per_year: f64,
}

/// What the rules over failed calls are worth in a pod, for each direction that is looked at.
pub fn forecast(plan: &Plan, pod: &Pod) -> Vec<CallForecast> {
    CallDirection::ALL.into_iter().filter_map(|direction| of_direction(plan, pod, direction)).collect()
}

fn of_direction(plan: &Plan, pod: &Pod, direction: CallDirection) -> Option<CallForecast> {
    let is_of = |probe: &&Probe| probe.call.as_ref().is_some_and(|call| call.direction == direction);
    let probes: Vec<&Probe> = plan.probes_of(pod).map(AsRef::as_ref).filter(is_of).collect();
    let per_minute: f64 = probes.iter().map(|probe| probe.calls_per_minute()).sum();
    if probes.is_empty() || per_minute <= 0.0 {
        return None;
    }
    let thresholds = &pod.thresholds.calls;
    let failures = failures_of(thresholds, per_minute);
    let usual = thresholds.baseline.get();
    let pace = Duration::from_secs_f64(60.0 / per_minute);
    let again = AGAIN[usize::from(direction == CallDirection::Inbound)];
    Some(CallForecast {
        direction,
        calls_per_day: per_minute * 1440.0,
        minutes_per_day: probes.iter().map(|probe| probe.minutes_per_day()).sum(),
        failures,
        delays: SHARES.map(|share| delay(failures, usual, share, (pace, again))),
        false_pages_per_year: false_pages_per_year(failures, usual, per_minute),
    })
}

/// Mean time to the decision from an onset in the middle of a pace: played, since a failed call is
/// followed by others until one passes.
fn delay(of: KOfN, usual: f64, share: f64, (pace, again): (Duration, Duration)) -> Option<Duration> {
    let mut rng = fastrand::Rng::with_seed(SEED);
    let failing = 1.0 - (1.0 - usual) * (1.0 - share);
    let mut sum = Duration::ZERO;
    for _ in 0..RUNS {
        let mut last: u64 = (0..LEAD).fold(0, |last, _| last << 1 | u64::from(rng.f64() < usual));
        let mask = if of.n >= 64 { u64::MAX } else { (1 << of.n) - 1 };
        // A lead that would have paged is no lead.
        last = if (last & mask).count_ones() >= of.k { 0 } else { last };
        let (mut took, mut found) = (pace / 2, false);
        for _ in 0..CALLS_MAX {
            let failed = rng.f64() < failing;
            last = last << 1 | u64::from(failed);
            if failed && (last & mask).count_ones() >= of.k {
                found = true;
                break;
            }
            took += if failed { again } else { pace };
        }
        if !found {
            return None;
        }
        sum += took;
    }
    Some(sum / RUNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_fault_is_found_by_the_calls_that_follow_the_first() {
        let of = KOfN { k: 4, n: 12 };
        let pace = Duration::from_mins(5);
        let outbound = delay(of, 0.01, 1.0, (pace, AGAIN[0])).expect("found");
        assert!((150..180).contains(&outbound.as_secs()), "{outbound:?}");
        let inbound = delay(of, 0.01, 1.0, (pace, AGAIN[1])).expect("found");
        assert!((300..340).contains(&inbound.as_secs()), "{inbound:?}");
        let quarter = delay(of, 0.01, 0.25, (pace, AGAIN[0])).expect("found");
        assert!((1_800..7_200).contains(&quarter.as_secs()), "{quarter:?}");
        assert_eq!(delay(of, 0.01, 0.02, (pace, AGAIN[0])), None, "two in a hundred are not found");
    }
}
