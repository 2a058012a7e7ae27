//! When calls are bad: a rule over failed calls in each direction, and the owner's over how good
//! they are. Their alerts fire, and end, like all others.

use crate::model::{PodName, Timestamp};
use crate::plan::CallRule;

use super::super::alert::{Change, Condition, transition};
use super::super::pipeline::Engine;
use super::super::pod_state::PodState;
use super::super::{Component, ComponentState, Evidence, Experience, Rule, Turn};
use super::{CallScore, CallSeen, CallTrouble, memory};

impl Engine {
    /// Looks at the rules over the calls of a pod.
    pub(in crate::engine) fn judge_calls(&mut self, turn: &mut Turn, name: &PodName) {
        let Some(pod) = self.state.pods.get(name) else { return };
        for rule in rules_of(pod) {
            let change = self.state.pods.get(name).and_then(|pod| self.call_change(pod, rule, turn.now()));
            if let Some(change) = change {
                self.make(turn, name, rule, change);
            }
        }
    }

    fn call_change(&self, pod: &PodState, rule: Rule, now: Timestamp) -> Option<Change> {
        let muted = self.state.network_is_down();
        let condition = if muted { Condition::No } else { condition(pod, rule) };
        transition(pod, rule, condition, || !muted && is_over(pod, rule, now))
    }
}

/// The rules over the calls of a pod; also those whose calls are no longer made, while they fire.
fn rules_of(pod: &PodState) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    if let Some(of_calls) = &pod.rules.calls {
        rules.extend(of_calls.failures.keys().map(|direction| Rule::of_failing_calls(*direction)));
        rules
            .extend((0..of_calls.quality.len()).map(|place| Rule::CallQuality(u8::try_from(place).unwrap_or(u8::MAX))));
    }
    rules.extend(pod.alerts.keys().copied().filter(|rule| rule.is_of_calls()));
    rules.sort();
    rules.dedup();
    rules
}

fn condition(pod: &PodState, rule: Rule) -> Condition {
    let Some(rules) = &pod.rules.calls else { return Condition::No };
    if let Some(quality) = quality_of(pod, rule) {
        let beyond = pod.calls.measured(quality).iter().filter(|seen| is_beyond(seen, quality)).count();
        return if beyond >= quality.of.k as usize { Condition::Met } else { Condition::No };
    }
    let found = rule.failing_calls().and_then(|direction| {
        let (score, of) = (pod.calls.score(direction)?, rules.failures.get(&direction)?);
        Some(match score {
            // Once it fires its end is proven, however many of the newest calls are of before.
            score if score.recovery.is_some() => Condition::No,
            score if score.fires(*of, pod.rules.persist_ms) => Condition::Met,
            score if score.is_building() => Condition::Building,
            _ => Condition::No,
        })
    });
    found.unwrap_or(Condition::No)
}

/// Recovery is proven by calls. A rule that the plan no longer has is over.
fn is_over(pod: &PodState, rule: Rule, now: Timestamp) -> bool {
    let Some(alert) = pod.alerts.get(&rule) else { return false };
    if let Some(direction) = rule.failing_calls() {
        let Some(rules) = pod.rules.calls.as_ref().filter(|rules| rules.looks_at(direction)) else { return true };
        let is_over = |score: &CallScore| score.is_over(now, pod.rules.stable_ms) || !score.is_provable(rules);
        return pod.calls.score(direction).is_none_or(is_over);
    }
    let Some(quality) = quality_of(pod, rule) else { return true };
    let measured = pod.calls.measured(quality);
    let beyond = measured.iter().filter(|seen| is_beyond(seen, quality)).count();
    let newest_is_well = measured.last().is_none_or(|seen| !is_beyond(seen, quality));
    let old_enough = now.as_millis() - alert.since.as_millis() >= pod.rules.stable_ms;
    old_enough && newest_is_well && beyond <= quality.of.k as usize / 3
}

fn quality_of(pod: &PodState, rule: Rule) -> Option<&CallRule> {
    let Rule::CallQuality(place) = rule else { return None };
    pod.rules.calls.as_ref()?.quality.get(usize::from(place))
}

fn is_beyond(seen: &CallSeen, rule: &CallRule) -> bool {
    seen.is_beyond(rule.limit) == Some(true)
}

/// The calls that an alert rests on.
pub(in crate::engine) fn evidence_of(pod: &PodState, rule: Rule, now: Timestamp) -> Evidence {
    if let Some(quality) = quality_of(pod, rule) {
        let measured = pod.calls.measured(quality);
        return memory::evidence(measured.into_iter(), Timestamp::MIN, |seen| is_beyond(seen, quality), now);
    }
    let looked_at = rule.failing_calls().and_then(|direction| {
        let (score, rules) = (pod.calls.score(direction)?, pod.rules.calls.as_ref()?);
        // While it fires all that came since belongs to it.
        let (n, since) = match (&score.recovery, rules.failures.get(&direction)) {
            (None, Some(of)) => (of.n, memory::onset(score.counted(of.n), *of)),
            (recovery, _) => (u32::MAX, recovery.as_ref().map(|recovery| recovery.since)),
        };
        Some(memory::evidence(score.counted(n), since.unwrap_or(Timestamp::MIN), CallSeen::has_failed, now))
    });
    looked_at.unwrap_or_else(|| memory::evidence(std::iter::empty(), Timestamp::MIN, CallSeen::has_failed, now))
}

/// The calls of a direction that never worked.
pub(in crate::engine) fn born_red_evidence(pod: &PodState, now: Timestamp) -> Option<Evidence> {
    let score = pod.calls.born_red(pod.rules.calls.as_ref())?;
    Some(memory::evidence(score.memory.iter(), Timestamp::MIN, CallSeen::has_failed, now))
}

/// What agents meet while a rule over calls fires.
pub(in crate::engine) fn experience_of(pod: &PodState, rule: Rule, evidence: &Evidence) -> Experience {
    let (bad, of) = (evidence.failed, evidence.of);
    if let Some(quality) = quality_of(pod, rule) {
        let measured = pod.calls.measured(quality);
        let beyond: Vec<&CallSeen> = measured.into_iter().filter(|seen| is_beyond(seen, quality)).collect();
        let trouble = CallTrouble::of_limit(quality.limit, &beyond);
        return Experience::Calls { direction: quality.direction, trouble, bad, of };
    }
    let direction = rule.failing_calls();
    let score = direction.and_then(|direction| pod.calls.score(direction));
    let failed = |score: &CallScore| {
        let failed: Vec<&CallSeen> = score.counted(u32::MAX).filter(|seen| seen.has_failed()).collect();
        CallTrouble::of_failed(&failed)
    };
    let trouble = score.map_or(CallTrouble::NotPlaced, failed);
    Experience::Calls { direction, trouble, bad, of }
}

/// What the public sees of one component by the calls alone.
pub(in crate::engine) fn component_of(pod: &PodState, component: Component, now: Timestamp) -> ComponentState {
    let of_rule = |rule: Rule| {
        if !rule.is_of_calls() || component_hit(pod, rule) != Some(component) {
            return ComponentState::Operational;
        }
        match experience_of(pod, rule, &evidence_of(pod, rule, now)) {
            Experience::Calls { trouble, bad, of, .. } if trouble.spares_none(bad, of) => ComponentState::MajorOutage,
            Experience::Calls { trouble, .. } if trouble.is_failure() => ComponentState::PartialOutage,
            _ => ComponentState::DegradedPerformance,
        }
    };
    pod.firing().map(of_rule).max().unwrap_or(ComponentState::Operational)
}

/// The component that a rule over calls speaks of.
fn component_hit(pod: &PodState, rule: Rule) -> Option<Component> {
    use crate::model::CallDirection::{Inbound, Outbound};
    use crate::plan::CallLimit;
    match rule {
        Rule::OutboundCalls => Some(Component::MakingCalls),
        Rule::InboundCalls => Some(Component::ReceivingCalls),
        Rule::CallQuality(_) => quality_of(pod, rule).map(|quality| match (quality.limit, quality.direction) {
            (CallLimit::SetUp(_), Some(Outbound) | None) => Component::MakingCalls,
            (CallLimit::SetUp(_), Some(Inbound)) | (CallLimit::Delivery(_), _) => Component::ReceivingCalls,
            _ => Component::CallQuality,
        }),
        _ => None,
    }
}
