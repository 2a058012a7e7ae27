//! What of a plan the state must know to judge calls: numbers, recorded when a plan is taken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{CallDirection, CallWish, ProbeName, Share, millis};
use crate::plan::{
    CallRule, CallSettings, CallTarget, CallThresholds, FarEnd, KOfN, Plan, Pod, PodCalls, Probe, whole_minutes,
};

/// With the default rule at most so many calls are looked back at.
const LOOK_BACK_MAX: u32 = 16;
/// Fewest failed calls that page by the default rule.
const FAILURES_MIN: u32 = 3;
/// A direction that nobody has looked at for so many rounds is not looked at.
const ROUNDS_MISSED: u32 = 3;
const MINUTES_A_YEAR: f64 = 525_600.0;

/// The rules over the calls of one pod, as numbers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CallRules {
    /// The probes that call here.
    pub probes: BTreeMap<ProbeName, CallProbeRules>,
    /// So many failed calls of so many page, in each direction that is looked at.
    pub failures: BTreeMap<CallDirection, KOfN>,
    /// The usual share of failed calls.
    pub usual: Share,
    /// Rules over how good calls are.
    pub quality: Vec<CallRule>,
    /// Billed minutes in an hour.
    pub minutes_per_hour: u32,
    /// Billed minutes in a day.
    pub minutes_per_day: u32,
    /// Calls in an hour.
    pub calls_per_hour: u32,
}

/// One probe that calls.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallProbeRules {
    /// Which way.
    pub direction: CallDirection,
    /// Legs of a call that are billed apart.
    pub legs: u32,
    /// Inbound: what is called.
    #[serde(default)]
    pub to: CallTarget,
    /// Outbound: who answers.
    #[serde(default)]
    pub far_end: FarEnd,
    /// Its usual hold, in milliseconds.
    pub hold_ms: u32,
    /// Without a call for so long nobody looks, in milliseconds.
    pub silence_ms: i64,
    /// True if its findings may page.
    pub pages: bool,
}

impl CallRules {
    /// True if somebody looks at calls of this direction.
    pub fn looks_at(&self, direction: CallDirection) -> bool {
        self.failures.contains_key(&direction)
    }

    /// Minutes that a call of this probe is billed.
    pub fn price(&self, probe: &ProbeName, wish: &CallWish) -> u32 {
        let legs = self.probes.get(probe).map_or(1, |probe| probe.legs);
        legs * whole_minutes(Duration::from_millis(wish.hold_ms.into()) + CallSettings::AROUND_HOLD)
    }

    /// How many such calls a day the schedule leaves the budget for.
    pub fn beside_schedule(&self, probe: &ProbeName, wish: &CallWish) -> u32 {
        let left = u64::from(self.minutes_per_day) * u64::from(100 - PodCalls::FOR_SCHEDULED) / 100;
        u32::try_from(left).unwrap_or(u32::MAX) / self.price(probe, wish).max(1)
    }

    /// After so long without a call of this direction nobody looks, in milliseconds.
    pub fn silence_ms(&self, direction: CallDirection) -> i64 {
        let of = self.probes.values().filter(|probe| probe.direction == direction);
        of.map(|probe| probe.silence_ms).min().unwrap_or(i64::MAX / 4)
    }
}

/// The rules of a pod over its calls; none if no probe calls there.
pub fn rules_of(plan: &Plan, pod: &Pod) -> Option<CallRules> {
    let calling: Vec<&Arc<Probe>> = plan.probes_of(pod).filter(|probe| probe.call.is_some()).collect();
    if calling.is_empty() {
        return None;
    }
    let mut probes = BTreeMap::new();
    let mut per_minute: BTreeMap<CallDirection, f64> = BTreeMap::new();
    for probe in calling {
        let Some(call) = &probe.call else { continue };
        *per_minute.entry(call.direction).or_default() += probe.calls_per_minute();
        let pace = probe.schedule.shortest_round() / probe.attempts.unwrap_or(1).max(1);
        let rules = CallProbeRules {
            direction: call.direction,
            legs: call.legs(),
            to: call.to,
            far_end: call.far_end,
            hold_ms: u32::try_from(call.hold.as_millis()).unwrap_or(u32::MAX),
            silence_ms: millis(pace * ROUNDS_MISSED + probe.longest()),
            pages: probe.pages,
        };
        probes.insert(probe.name.clone(), rules);
    }
    let thresholds = &pod.thresholds.calls;
    let failures = per_minute.into_iter().map(|(direction, rate)| (direction, failures_of(thresholds, rate))).collect();
    let PodCalls { minutes_per_hour, minutes_per_day, calls_per_hour, .. } = pod.calls;
    let (usual, quality) = (thresholds.baseline, thresholds.rules.clone());
    Some(CallRules { probes, failures, usual, quality, minutes_per_hour, minutes_per_day, calls_per_hour })
}

/// What is written, or the fewest failed calls of so many that keep the promise on false pages and
/// still find a fault that half of the calls meet.
pub fn failures_of(thresholds: &CallThresholds, calls_per_minute: f64) -> KOfN {
    if let Some(written) = thresholds.failures {
        return written;
    }
    let usual = thresholds.baseline.get();
    let keeps = |k: u32, n: u32| {
        false_pages_per_year(KOfN { k, n }, usual, calls_per_minute) <= thresholds.false_pages_per_year
    };
    for k in FAILURES_MIN..=LOOK_BACK_MAX / 2 {
        let longest = (k..=LOOK_BACK_MAX).rev().find(|n| keeps(k, *n));
        if let Some(n) = longest.filter(|n| *n >= 2 * k) {
            return KOfN { k, n };
        }
    }
    KOfN { k: LOOK_BACK_MAX / 2, n: LOOK_BACK_MAX }
}

/// False pages a year at most, if calls fail independently with the usual share: calls that fail
/// while enough of those before them did.
pub fn false_pages_per_year(of: KOfN, usual: f64, calls_per_minute: f64) -> f64 {
    let before = i32::try_from(of.n.saturating_sub(1)).unwrap_or(i32::MAX);
    let needed = i32::try_from(of.k.saturating_sub(1)).unwrap_or(i32::MAX);
    let mut ways = 1.0;
    let mut fewer = 0.0;
    for failed in 0..needed {
        fewer += ways * usual.powi(failed) * (1.0 - usual).powi(before - failed);
        ways *= f64::from(before - failed) / f64::from(failed + 1);
    }
    calls_per_minute * MINUTES_A_YEAR * usual * (1.0 - fewer).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_an_older_version_wrote_are_read() {
        let written = r#"{ "direction": "outbound", "legs": 1, "hold_ms": 5000, "silence_ms": 900000, "pages": true }"#;
        let read: CallProbeRules = serde_json::from_str(written).expect("what is new has a default");
        assert_eq!((read.to, read.far_end), (CallTarget::Client, FarEnd::Application));
    }

    #[test]
    fn the_default_rule_keeps_its_promise() {
        let thresholds = CallThresholds::default();
        // A call every five minutes, 1 % of them failing: four of twelve.
        assert_eq!(failures_of(&thresholds, 0.2), KOfN { k: 4, n: 12 });
        let rate = false_pages_per_year(KOfN { k: 4, n: 12 }, 0.01, 0.2);
        assert!((0.1..0.2).contains(&rate), "{rate}");
        // Three in a row: a millionth of the calls.
        let rate = false_pages_per_year(KOfN { k: 3, n: 3 }, 0.01, 0.2);
        assert!((rate - 0.105).abs() < 0.001, "{rate}");
        // Rare calls need fewer failures, a noisy pod more.
        assert_eq!(failures_of(&thresholds, 1.0 / 60.0).k, 3);
        let noisy = CallThresholds { baseline: Share::clamped(0.05), ..CallThresholds::default() };
        assert!(failures_of(&noisy, 0.2).k > 4);
        let written = CallThresholds { failures: Some(KOfN { k: 2, n: 3 }), ..CallThresholds::default() };
        assert_eq!(failures_of(&written, 0.2), KOfN { k: 2, n: 3 });
    }
}
