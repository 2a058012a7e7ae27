//! Everything the engine remembers about the calls of one pod. Changed only by `State::apply`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{AttemptSpec, CallDirection, Observation, Outcome, OwnServerTrouble, Step, Timestamp};
use crate::plan::{CallRule, whole_minutes};

use super::super::{Component, ComponentState, Evidence, Rule};
use super::memory::own_server;
use super::{CallRules, CallScore, CallSeen, FailedCall, Spending, Strays};

/// Everything the engine remembers about the calls of one pod.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct CallState {
    /// How each direction fares.
    scores: BTreeMap<CallDirection, CallScore>,
    /// What calls have been billed.
    pub spending: Spending,
    /// When the partner was asked last to call one of our clients.
    #[serde(default)]
    pub originated: Option<Timestamp>,
    /// What the public sees of calls by themselves, and since when.
    #[serde(default)]
    pub components: BTreeMap<Component, (ComponentState, Timestamp)>,
    /// Calls that may still be up though nobody here holds them any more.
    #[serde(default)]
    pub strays: Strays,
}

impl CallState {
    /// How calls of a direction fare; nothing if none was ever asked for.
    pub fn score(&self, direction: CallDirection) -> Option<&CallScore> {
        self.scores.get(&direction)
    }

    /// How each direction fares of which a call was ever asked for.
    pub fn scores(&self) -> impl Iterator<Item = (CallDirection, &CallScore)> {
        self.scores.iter().map(|(direction, score)| (*direction, score))
    }

    /// A call was asked for; it is billed as it was wished for until more is known.
    pub fn start(&mut self, spec: &AttemptSpec, rules: &CallRules) {
        let Some(wish) = &spec.call else { return };
        self.spending.spend(spec.at, rules.price(&spec.probe, wish), spec.role);
        if wish.direction == CallDirection::Inbound {
            self.originated = Some(spec.at);
        }
        self.scores.entry(wish.direction).or_default().start(spec.role, spec.at);
    }

    /// A call is over. One that failed before it was a call says nothing of calls while
    /// connections fail as well.
    pub fn observe(&mut self, observation: &Observation, rules: &CallRules, connections_fail: bool) {
        let Some(mut seen) = CallSeen::of(observation) else { return };
        let probe = rules.probes.get(&observation.probe);
        (seen.to, seen.far_end) = probe.map(|probe| (probe.to, probe.far_end)).unwrap_or_default();
        let price = rules.price(&observation.probe, &seen.wish);
        let legs = probe.map_or(1, |probe| probe.legs);
        let cheaper = price.saturating_sub(billed(observation, price, legs));
        self.spending.give_back(observation.started, cheaper, observation.role);
        let before_the_call = observation.outcome.failure().is_some_and(|failure| failure.step <= Step::Registered);
        let pages = probe.is_some_and(|probe| probe.pages);
        if pages && !(before_the_call && connections_fail) {
            let failed = FailedCall::of(observation, rules);
            let score = self.scores.entry(seen.wish.direction).or_default();
            score.observe(seen, failed);
            score.ask_enough(rules);
        }
    }

    /// No call is made because the budget is spent.
    pub fn stop(&mut self, direction: CallDirection, at: Timestamp) {
        self.scores.entry(direction).or_default().stopped.get_or_insert(at);
    }

    /// A rule fires.
    pub fn fired(&mut self, rule: Rule, at: Timestamp, evidence: &Evidence, rules: Option<&CallRules>) {
        let Some(rules) = rules else { return };
        if let Some(score) = rule.failing_calls().and_then(|direction| self.scores.get_mut(&direction)) {
            score.fired(at, evidence);
            score.ask_enough(rules);
        }
    }

    /// A rule no longer fires.
    pub fn resolved(&mut self, rule: Rule, at: Timestamp) {
        if let Some(score) = rule.failing_calls().and_then(|direction| self.scores.get_mut(&direction)) {
            score.resolved(at);
        }
    }

    /// Failed and all calls of these directions that started at `since` or later.
    pub fn failed_since(&self, directions: &[CallDirection], since: Timestamp) -> (u32, u32) {
        let mut counts = (0, 0);
        for score in directions.iter().filter_map(|direction| self.scores.get(direction)) {
            for seen in score.memory.iter().filter(|seen| seen.started >= since) {
                counts.1 += 1;
                counts.0 += u32::from(seen.has_failed());
            }
        }
        counts
    }

    /// The trouble with a server of the pod's own that is in the way of all calls of these directions
    /// that failed since then; the newest call's.
    pub fn own_server_since(&self, directions: &[CallDirection], since: Timestamp) -> Option<OwnServerTrouble> {
        let scores = directions.iter().filter_map(|direction| self.scores.get(direction));
        let failed =
            scores.flat_map(|score| score.memory.iter()).filter(|seen| seen.started >= since && seen.has_failed());
        own_server(failed)
    }

    /// A direction that never worked and has failed often enough to tell the owner.
    pub fn born_red(&self, rules: Option<&CallRules>) -> Option<&CallScore> {
        self.looked_at(rules).find(|score| score.is_born_red())
    }

    /// True while a direction that never worked fails.
    pub fn is_red(&self, rules: Option<&CallRules>) -> bool {
        self.looked_at(rules).any(|score| !score.worked && score.red > 0)
    }

    /// The directions that the plan still looks at.
    fn looked_at(&self, rules: Option<&CallRules>) -> impl Iterator<Item = &CallScore> {
        let planned = move |direction: CallDirection| rules.is_some_and(|rules| rules.looks_at(direction));
        self.scores().filter(move |(direction, _)| planned(*direction)).map(|(_, score)| score)
    }

    /// The newest calls that a rule over quality looks at and that have what it measures, oldest
    /// first.
    pub fn measured(&self, rule: &CallRule) -> Vec<&CallSeen> {
        let directions = CallDirection::ALL.into_iter().filter(|one| rule.direction.is_none_or(|only| only == *one));
        let scores = directions.filter_map(|direction| self.scores.get(&direction));
        let mut calls: Vec<&CallSeen> =
            scores.flat_map(|score| score.memory.iter()).filter(|seen| seen.is_beyond(rule.limit).is_some()).collect();
        calls.sort_by_key(|seen| (seen.finished(), seen.attempt));
        calls.split_off(calls.len().saturating_sub(rule.of.n as usize))
    }

    /// True if somebody looks at calls of a direction: lately, and not stopped by the budget.
    pub fn is_looked_at(&self, direction: CallDirection, rules: &CallRules, now: Timestamp) -> bool {
        self.scores.get(&direction).is_some_and(|score| {
            let fresh = |at: Timestamp| now.as_millis() - at.as_millis() <= rules.silence_ms(direction);
            score.stopped.is_none() && score.last_observed.is_some_and(fresh)
        })
    }
}

/// Minutes that a call is billed after all: none that was not answered, and never more than was
/// reckoned with.
fn billed(observation: &Observation, price: u32, legs: u32) -> u32 {
    let took = Duration::from_millis(
        u64::try_from(observation.finished.as_millis() - observation.started.as_millis()).unwrap_or(0),
    );
    match &observation.outcome {
        // Where the other client of ours failed, the application had perhaps answered already.
        Outcome::Failed(failure) if failure.step <= Step::Answer && !was_answered(observation) => 0,
        Outcome::Throttled { .. } => 0,
        Outcome::Failed(_) | Outcome::Completed { .. } => (legs * whole_minutes(took)).min(price),
        Outcome::Lost { .. } => price,
    }
}

fn was_answered(observation: &Observation) -> bool {
    observation
        .call
        .as_ref()
        .is_some_and(|call| call.wish.direction == CallDirection::Outbound && call.set_up_ms.is_some())
}
