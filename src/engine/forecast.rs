//! What a pod's rules are worth at its rate: expected delays for a share of failures, and expected
//! false pages in a year of nothing but the usual. Computed where there is a formula, else played
//! with the rules' own code under a fixed seed, so that the answer never depends on the hour.

use std::time::Duration;

use crate::plan::{PlainRule, Pod};

use super::bound::attempts_to_fire;
use super::cusum::{CusumScore, HEAVY_FAILURES, HEAVY_OF};
use super::follow_up::{CONTRASTS, PACE, REPEATS};
use super::rules::Cusum;
use super::{Rule, tuning};

/// The shares that delays are told for.
pub const SHARES: [f64; 4] = [0.02, 0.10, 0.25, 1.0];
/// Runs that a played delay is the mean of.
const RUNS: u32 = 400;
/// Attempts after which a played run counts as "not found": six hours at 30 a minute.
const ATTEMPTS_MAX: u32 = 10_800;
/// Attempts of the usual before the fault begins, so that sums are where they usually are.
const LEAD: u32 = 300;
/// Attempts that false pages of plain rules are counted over.
const QUIET_ATTEMPTS: u32 = 2_000_000;
const MINUTES_A_YEAR: f64 = 525_600.0;
/// Time from a connection's start to a refusal.
const ANSWER: Duration = Duration::from_millis(300);
const SEED: u64 = 0x5eed;

/// What one rule is worth in one pod.
#[derive(Clone, PartialEq, Debug)]
pub struct Forecast {
    /// Which rule.
    pub rule: Rule,
    /// What it looks for, in words.
    pub finds: String,
    /// Mean time from onset to decision for each of [`SHARES`]; `None` if it does not find that
    /// share, or not within six hours' worth of attempts.
    pub delays: [Option<Duration>; 4],
    /// Expected false pages a year from independent failures at the usual share.
    pub false_pages_per_year: f64,
}

/// What each rule of a pod is worth, at its configured baseline and rate.
pub fn forecast(pod: &Pod) -> Vec<Forecast> {
    let per_minute = f64::from(pod.budget.connections_per_minute);
    let baseline = pod.thresholds.device_errors.baseline;
    let world = Usual { b: baseline.get(), pace: Duration::from_secs_f64(60.0 / per_minute), per_minute };
    let cusum = tuning::cusum_of(pod, baseline);
    let mut found = vec![outage(pod, &world), token_bound(&world), share(&cusum, &world), heavy(&cusum, &world)];
    for (place, rule) in pod.thresholds.plain.iter().enumerate() {
        found.extend(plain(place, rule, &world));
    }
    found
}

/// The pod when nothing is wrong.
struct Usual {
    b: f64,
    pace: Duration,
    per_minute: f64,
}

impl Usual {
    fn attempts_a_year(&self) -> f64 {
        MINUTES_A_YEAR * self.per_minute
    }

    /// Mean time until `fires` holds, from an onset in the middle of a pace.
    fn delay<S: Clone>(&self, share: f64, fresh: &S, observe: impl Fn(&mut S, bool) -> bool) -> Option<Duration> {
        let mut rng = fastrand::Rng::with_seed(SEED);
        let failing = 1.0 - (1.0 - self.b) * (1.0 - share);
        let mut attempts = 0u64;
        for _ in 0..RUNS {
            let mut score = fresh.clone();
            for _ in 0..LEAD {
                if observe(&mut score, rng.f64() < self.b) {
                    score = fresh.clone();
                }
            }
            let found = (1..=ATTEMPTS_MAX).find(|_| observe(&mut score, rng.f64() < failing))?;
            attempts += u64::from(found);
        }
        let mean = attempts as f64 / f64::from(RUNS) - 0.5;
        Some(self.pace.mul_f64(mean) + ANSWER)
    }

    /// False pages a year, counted over a stretch of the usual.
    fn false_pages<S: Clone>(&self, fresh: &S, observe: impl Fn(&mut S, bool) -> bool) -> f64 {
        let mut rng = fastrand::Rng::with_seed(SEED);
        let mut score = fresh.clone();
        let mut pages = 0u32;
        for _ in 0..QUIET_ATTEMPTS {
            if observe(&mut score, rng.f64() < self.b) {
                pages += 1;
                score = fresh.clone();
            }
        }
        f64::from(pages) * self.attempts_a_year() / f64::from(QUIET_ATTEMPTS)
    }
}

fn outage(pod: &Pod, usual: &Usual) -> Forecast {
    // Follow-ups come every 0.75 s after the first failure, so the span decides and not the pace.
    let delay = usual.pace / 2 + pod.thresholds.persist + PACE / 2 + ANSWER;
    let run = (pod.thresholds.persist.as_secs_f64() / PACE.as_secs_f64()).ceil().max(6.0);
    Forecast {
        rule: Rule::Outage,
        finds: format!("everything fails for {}", crate::model::humane(pod.thresholds.persist)),
        delays: [None, None, None, Some(delay)],
        false_pages_per_year: usual.attempts_a_year() * usual.b.powf(run),
    }
}

fn token_bound(usual: &Usual) -> Forecast {
    let look = PACE * u32::from(REPEATS + CONTRASTS - 1);
    Forecast {
        rule: Rule::TokenBound,
        finds: format!(
            "one token fails 7 of 7 times, others pass: {} after its first failure",
            crate::model::humane(look)
        ),
        delays: [None; 4],
        false_pages_per_year: usual.attempts_a_year() * usual.b.powi(i32::from(REPEATS) + 1),
    }
}

fn share(cusum: &Cusum, usual: &Usual) -> Forecast {
    let observe = |score: &mut CusumScore, failed: bool| {
        score.observe(failed, cusum);
        score.fires(cusum)
    };
    let at = |share: f64| usual.delay(share, &CusumScore::default(), observe);
    let attempts = attempts_to_fire(usual.b.max(1e-9), cusum.step, cusum.bound);
    Forecast {
        rule: Rule::Share,
        finds: format!("a share of {} on top of {}", cusum.detect, cusum.usual),
        delays: SHARES.map(at),
        false_pages_per_year: usual.attempts_a_year() / attempts,
    }
}

fn heavy(cusum: &Cusum, usual: &Usual) -> Forecast {
    let observe = |score: &mut CusumScore, failed: bool| {
        score.observe(failed, cusum);
        score.is_heavy()
    };
    let at = |share: f64| usual.delay(share, &CusumScore::default(), observe);
    // The last one fails and eight of the fourteen before it: 3003 ways.
    let b = usual.b;
    let chance = 3003.0 * b.powi(i32::try_from(HEAVY_FAILURES).unwrap_or(9)) * (1.0 - b).powi(6);
    Forecast {
        rule: Rule::HeavyShare,
        finds: format!("{HEAVY_FAILURES} of the last {HEAVY_OF} fail"),
        delays: SHARES.map(at),
        false_pages_per_year: usual.attempts_a_year() * chance,
    }
}

/// Plain rules over failures; the others have no delay for a share.
fn plain(place: usize, rule: &PlainRule, usual: &Usual) -> Option<Forecast> {
    let number = Rule::Plain(u8::try_from(place).unwrap_or(u8::MAX));
    let (fails, of, finds) = match *rule {
        PlainRule::Consecutive { failures } => (failures, failures, format!("{failures} in a row fail")),
        PlainRule::KOfN { failures, of } => (failures, of.min(64), format!("{failures} of {of} fail")),
        PlainRule::ShareInWindow { share, window, minimum } => {
            let of = (window.as_secs_f64() / usual.pace.as_secs_f64()).max(1.0);
            let fails = (share.get() * of).ceil().max(f64::from(minimum)).max(1.0) as u32;
            let finds = format!("{share} in {} fail, at least {minimum}", crate::model::humane(window));
            (fails, of as u32, finds)
        }
        PlainRule::TooFew { .. } | PlainRule::Latency { .. } | PlainRule::CertificateDays { .. } => return None,
    };
    let observe = move |last: &mut std::collections::VecDeque<bool>, failed: bool| {
        last.push_back(failed);
        if last.len() > of as usize {
            last.pop_front();
        }
        failed && last.iter().filter(|failed| **failed).count() >= fails as usize
    };
    let fresh = std::collections::VecDeque::new();
    Some(Forecast {
        rule: number,
        finds,
        delays: SHARES.map(|share| usual.delay(share, &fresh, observe)),
        false_pages_per_year: usual.false_pages(&fresh, observe),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Share;

    #[test]
    fn the_share_rule_is_as_fast_as_the_published_table_says() {
        // R = 21, H = 164 at b = 1 %, with the burst cap, 30 a minute: 244, 91 and 44 s.
        let usual = Usual { b: 0.01, pace: Duration::from_secs(2), per_minute: 30.0 };
        let cusum = Cusum { step: 21, bound: 164, usual: Share::clamped(0.015), detect: Share::clamped(0.1) };
        let delays = share(&cusum, &usual).delays;
        for (delay, published) in delays.into_iter().skip(1).zip([244.3, 91.2, 43.8]) {
            let delay = delay.expect("found").as_secs_f64();
            assert!((delay / published - 1.0).abs() < 0.1, "{delay} against {published}");
        }
    }

    #[test]
    fn three_in_a_row_is_as_noisy_as_the_published_table_says() {
        let usual = Usual { b: 0.01, pace: Duration::from_secs(2), per_minute: 30.0 };
        let three = plain(0, &PlainRule::Consecutive { failures: 3 }, &usual).expect("has a forecast");
        assert!(three.false_pages_per_year > 5.0 && three.false_pages_per_year < 40.0, "{three:?}");
    }
}
