//! What the public sees: component states and notices, fed by the incidents.

use std::time::Duration;

use crate::model::{IncidentNumber, PodName, Timestamp, millis};

use super::calls::judging;
use super::pipeline::Engine;
use super::pod_state::PodState;
use super::{
    Audience, Component, ComponentState, Experience, IncidentFacts, IncidentState, Notice, NoticeMatter, NoticeStage,
    NoticeUpdate, Record, Rule, Turn, WhoseVerdict,
};

/// A further update is promised, and kept, this often.
const UPDATE_EVERY: Duration = Duration::from_mins(30);
/// While it looks better, the next word comes sooner.
const MONITORING_FOR: Duration = Duration::from_mins(15);
/// All has been well for this share of the stable window before a notice says "monitoring".
const MONITORING_AFTER_TENTHS: i64 = 4;

impl Engine {
    /// Stage 6: moves components, opens notices, keeps promises.
    pub(super) fn publish(&mut self, turn: &mut Turn) {
        self.move_components(turn);
        let numbers: Vec<IncidentNumber> = self.state.incidents.keys().copied().collect();
        for number in numbers {
            self.tend_notice(turn, number);
        }
    }

    fn move_components(&mut self, turn: &mut Turn) {
        let moves: Vec<(PodName, ComponentState)> = self
            .state
            .pods
            .iter()
            .map(|(name, pod)| (name, pod, component_of(pod)))
            .filter(|(_, pod, state)| pod.component != *state)
            .map(|(name, _, state)| (name.clone(), state))
            .collect();
        for (pod, state) in moves {
            self.commit(turn, Record::ComponentChanged { at: turn.now(), pod, state, component: None });
        }
        self.move_components_of_calls(turn);
    }

    fn move_components_of_calls(&mut self, turn: &mut Turn) {
        let now = turn.now();
        let of_pod = |(name, pod): (&PodName, &PodState)| {
            let moved = |component: Component| {
                let known = pod.calls.components.get(&component).map_or(ComponentState::Operational, |known| known.0);
                let state = judging::component_of(pod, component, now);
                (state != known).then(|| (name.clone(), component, state))
            };
            Component::ALL.into_iter().filter_map(moved).collect::<Vec<_>>()
        };
        let moves: Vec<_> = self.state.pods.iter().flat_map(of_pod).collect();
        for (pod, component, state) in moves {
            let component = Some(component);
            self.commit(turn, Record::ComponentChanged { at: now, pod, state, component });
        }
    }

    fn tend_notice(&mut self, turn: &mut Turn, number: IncidentNumber) {
        let Some(facts) = self.state.incidents.get(&number).map(|incident| incident.facts.clone()) else { return };
        if facts.audience != Audience::VoiceOnCall {
            return;
        }
        match self.state.notices.iter().find(|notice| notice.incident == number).cloned() {
            None => self.open_notice(turn, &facts),
            Some(notice) => self.continue_notice(turn, &facts, &notice),
        }
    }

    fn open_notice(&mut self, turn: &mut Turn, facts: &IncidentFacts) {
        let now = turn.now();
        let Some(plan) = &self.plan else { return };
        let old_enough = millis(now.since(facts.opened)) >= millis(plan.node.status_page.notice_after);
        // The location's own fault is nothing to tell the public.
        let ours = facts.whose.verdict == WhoseVerdict::Location && facts.whose.is_known();
        if facts.state != IncidentState::Firing || !old_enough || ours {
            return;
        }
        let stage = NoticeStage::Investigating;
        let update = NoticeUpdate { at: now, stage, next_by: Some(now.plus(UPDATE_EVERY)) };
        let everybody = facts.pods.iter().all(|impact| match impact.experience {
            Experience::Calls { trouble, bad, of, .. } => trouble.spares_none(bad, of),
            experience => experience == Experience::NobodyConnects,
        });
        let notice = Notice {
            incident: facts.number,
            started: facts.first_failure,
            public_names: self.public_names(facts),
            everybody,
            all_pods: facts.pods.len() == self.state.pods.len(),
            hit: matter_of(facts),
            updates: vec![update],
        };
        self.commit(turn, Record::NoticeOpened { notice });
    }

    fn continue_notice(&mut self, turn: &mut Turn, facts: &IncidentFacts, notice: &Notice) {
        let now = turn.now();
        let stage = notice.stage();
        if stage == NoticeStage::Resolved {
            return;
        }
        let wanted = self.stage_of(facts, stage, now);
        let promised = notice.updates.last().and_then(|update| update.next_by);
        let due = promised.is_some_and(|by| by <= now);
        let public_names = self.public_names(facts);
        if wanted == stage && !due && public_names == notice.public_names {
            return;
        }
        let next_by = match wanted {
            NoticeStage::Resolved => None,
            NoticeStage::Monitoring => Some(now.plus(MONITORING_FOR)),
            NoticeStage::Investigating | NoticeStage::Identified => Some(now.plus(UPDATE_EVERY)),
        };
        let update = NoticeUpdate { at: now, stage: wanted, next_by };
        self.commit(turn, Record::NoticeUpdated { incident: facts.number, update, public_names });
    }

    fn stage_of(&self, facts: &IncidentFacts, stage: NoticeStage, now: Timestamp) -> NoticeStage {
        if facts.state == IncidentState::Resolved {
            return NoticeStage::Resolved;
        }
        if self.looks_better(facts, now) {
            return NoticeStage::Monitoring;
        }
        let split = facts.pods.iter().any(|impact| !impact.evidence.splits.is_empty());
        if facts.whose.is_known() && split || stage == NoticeStage::Identified || stage == NoticeStage::Monitoring {
            return NoticeStage::Identified;
        }
        NoticeStage::Investigating
    }

    /// Nothing but the usual has failed for part of the stable window in any pod that was hit.
    fn looks_better(&self, facts: &IncidentFacts, now: Timestamp) -> bool {
        facts.pods.iter().all(|impact| {
            let Some(pod) = self.state.pods.get(&impact.pod) else { return true };
            if impact.rules.iter().all(|rule| rule.is_of_calls()) {
                return impact.resolved.is_some() || pod.calls.scores().all(|(_, score)| score.looks_better());
            }
            let window = pod.rules.stable_ms * MONITORING_AFTER_TENTHS / 10;
            let since = Timestamp::from_millis(now.as_millis() - window);
            let (failed, of) = pod.memory.scheduled_since(since);
            let (after_onset, not_failing) = (impact.fired < since, !pod.bound_still_fails());
            after_onset
                && not_failing
                && of > 0
                && f64::from(failed) <= f64::from(of) * pod.rules.cusum.usual.get() + 1.0
        })
    }

    fn public_names(&self, facts: &IncidentFacts) -> Vec<String> {
        let name = |pod: &PodName| self.state.pods.get(pod).map(|state| state.rules.public_name.clone());
        facts.pods.iter().filter_map(|impact| name(&impact.pod)).collect()
    }
}

/// What of calling an incident hits, for the public.
fn matter_of(facts: &IncidentFacts) -> NoticeMatter {
    let rules: Vec<Rule> = facts.pods.iter().flat_map(|impact| impact.rules.iter().copied()).collect();
    if rules.iter().any(|rule| !rule.is_of_calls()) {
        return NoticeMatter::Connections;
    }
    match (rules.contains(&Rule::OutboundCalls), rules.contains(&Rule::InboundCalls)) {
        (true, true) => NoticeMatter::Calls,
        (true, false) => NoticeMatter::MakingCalls,
        (false, true) => NoticeMatter::ReceivingCalls,
        (false, false) => NoticeMatter::CallQuality,
    }
}

/// What the public sees of a pod by its connections: the worst that its firing alerts say about agents.
fn component_of(pod: &PodState) -> ComponentState {
    let of_rule = |rule: Rule| match rule {
        Rule::Outage => ComponentState::MajorOutage,
        Rule::TokenBound | Rule::Share | Rule::HeavyShare | Rule::Trait => ComponentState::PartialOutage,
        Rule::Flapping | Rule::Plain(_) => ComponentState::DegradedPerformance,
        Rule::OutboundCalls
        | Rule::InboundCalls
        | Rule::CallQuality(_)
        | Rule::NoData
        | Rule::BornRed
        | Rule::Throttled
        | Rule::Location
        | Rule::Certificate
        | Rule::TooFew
        | Rule::Ringcheck => ComponentState::Operational,
    };
    pod.firing().map(of_rule).max().unwrap_or(ComponentState::Operational)
}
