//! Calls of a pod as dashboard, API and metrics show them.

use serde::Serialize;

use crate::model::{CallDirection, Timestamp};
use crate::plan::KOfN;

use super::super::pod_state::PodState;
use super::{CallRules, CallSeen};

/// How calls of one direction fare.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CallView {
    /// Which way.
    pub direction: CallDirection,
    /// Of the newest calls that its rule looks at: failed, of how many.
    pub recent: (u32, u32),
    /// So many failed ones of so many page.
    pub rule: KOfN,
    /// False while nobody looks: the budget is spent, or no call has come to an end for long.
    pub looked_at: bool,
    /// Since when no call is made because the budget is spent.
    pub stopped: Option<Timestamp>,
    /// When a call last told something about the partner.
    pub last: Option<Timestamp>,
    /// Median time to be set up, in milliseconds.
    pub set_up_ms: Option<u32>,
    /// Median time to arrive, in milliseconds.
    pub delivery_ms: Option<u32>,
    /// Median opinion score, times a hundred.
    pub mos_centi: Option<u32>,
    /// Median of the packets lost, in thousandths.
    pub loss_permille: Option<u32>,
}

/// What calls of a pod have been billed, and what they may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct CallBudgetView {
    /// Minutes in the hour under way, and how many may be.
    pub hour: (u32, u32),
    /// Minutes in the day under way (UTC), and how many may be.
    pub day: (u32, u32),
    /// Calls in the hour under way, and how many may be.
    pub calls: (u32, u32),
}

/// Calls of a pod, for each direction that is looked at.
pub fn calls(pod: &PodState, now: Timestamp) -> Vec<CallView> {
    let Some(rules) = &pod.rules.calls else { return Vec::new() };
    rules.failures.iter().map(|(direction, rule)| view(pod, rules, *direction, *rule, now)).collect()
}

/// The budget of a pod's calls; none if no probe calls there.
pub fn budget(pod: &PodState, now: Timestamp) -> Option<CallBudgetView> {
    let rules = pod.rules.calls.as_ref()?;
    let [hour, day] = pod.calls.spending.used(now);
    Some(CallBudgetView {
        hour: (hour.0, rules.minutes_per_hour),
        day: (day.0, rules.minutes_per_day),
        calls: (hour.1, rules.calls_per_hour),
    })
}

fn view(pod: &PodState, rules: &CallRules, direction: CallDirection, rule: KOfN, now: Timestamp) -> CallView {
    let score = pod.calls.score(direction);
    let newest: Vec<&CallSeen> = score.into_iter().flat_map(|score| score.counted(rule.n)).collect();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let middle = |of: fn(&CallSeen) -> Option<u32>| {
        let mut found: Vec<u32> = newest.iter().filter_map(|seen| of(seen)).collect();
        found.sort_unstable();
        found.get(found.len() / 2).copied()
    };
    CallView {
        direction,
        recent: (count(newest.iter().filter(|seen| seen.has_failed()).count()), count(newest.len())),
        rule,
        looked_at: pod.calls.is_looked_at(direction, rules, now),
        stopped: score.and_then(|score| score.stopped),
        last: score.and_then(|score| score.last_observed),
        set_up_ms: middle(|seen| seen.set_up_ms),
        delivery_ms: middle(|seen| seen.delivery_ms),
        mos_centi: middle(|seen| seen.mos_centi.map(u32::from)),
        loss_permille: middle(|seen| seen.loss_permille.map(u32::from)),
    }
}
