//! The picture of everything that dashboard, API, status page and metrics are served from.

use std::time::Duration;

use crate::model::{CallDirection, IncidentNumber, PodName, Role, Share, Timestamp};

use super::pipeline::Engine;
use super::pod_state::{Alert, PodState};
use super::{
    AlertView, Component, ComponentState, ComponentStatus, CoverView, IncidentState, OutcomeMark, PodView, ProbeView,
    Rule, View,
};

/// Outcomes on a pod's strip.
const MARKS_MAX: usize = 60;
/// "Recent" on the dashboard.
const RECENT: Duration = Duration::from_mins(5);

impl Engine {
    /// Everything, as it is at `now`.
    pub fn view(&self, now: Timestamp) -> View {
        let mut incidents: Vec<_> = self.state.incidents.values().map(|incident| incident.facts.clone()).collect();
        incidents.sort_by_key(|facts| (facts.state == IncidentState::Resolved, std::cmp::Reverse(facts.number)));
        for facts in incidents.iter_mut().filter(|facts| facts.state == IncidentState::Firing) {
            self.fill_in(facts);
        }
        let mut notices = self.state.notices.clone();
        notices.reverse();
        View {
            at: now,
            location: self.plan().map(|plan| plan.node.location.name.clone()),
            pods: self.state.pods.iter().map(|(name, pod)| self.pod_view(name, pod, now)).collect(),
            alerts: self.alert_views(),
            incidents,
            components: self.components(now),
            notices,
            controls: self.state.controls.map(|(answered, of, _)| (answered, of)),
            outbox: u32::try_from(self.state.outbox.len()).unwrap_or(u32::MAX),
            paused_until: self.state.paused_until.filter(|until| *until > now),
            configured: self.state.configured,
            avoid_expires_after: self.plan().map(|plan| plan.node.avoid.expires_after),
            facts: self.state.facts,
        }
    }

    fn pod_view(&self, name: &PodName, pod: &PodState, now: Timestamp) -> PodView {
        let marks = pod.memory.iter().rev().filter(|seen| seen.role == Role::Scheduled).take(MARKS_MAX);
        let mut outcomes: Vec<OutcomeMark> = marks
            .map(|seen| OutcomeMark { at: seen.started, outcome: seen.result.as_str(), took_ms: seen.took_ms })
            .collect();
        outcomes.reverse();
        let days = |end: &Timestamp| (end.as_millis() - now.as_millis()).div_euclid(86_400_000);
        PodView {
            name: name.clone(),
            public_name: pod.rules.public_name.clone(),
            verdict: pod.verdict,
            since: pod.verdict_since,
            paused_until: pod.paused_until.filter(|until| *until > now),
            recent: pod.memory.scheduled_since(now.minus(RECENT)),
            baseline: Share::clamped(pod.rules.cusum.usual.get() / 1.5),
            cusum: Share::clamped(pod.cusum.fill(&pod.rules.cusum)),
            in_flight: u32::try_from(pod.in_flight.len()).unwrap_or(u32::MAX),
            outcomes,
            probes: self.probe_views(name),
            certificate_days: pod.certificates.iter().map(|(edge, end)| (edge.clone(), days(end))).collect(),
            last_observed: pod.last_observed,
            calls: super::calls::calls(pod, now),
            call_budget: super::calls::budget(pod, now),
            cover: pod.cover.as_ref().map(|cover| CoverView { steered: cover.is_steered(), sets: cover.ages() }),
        }
    }

    fn probe_views(&self, name: &PodName) -> Vec<ProbeView> {
        let lanes = self.volatile.lanes.iter().enumerate().filter(|(_, lane)| lane.pod.name == *name);
        let connections = lanes
            .map(|(place, lane)| ProbeView { name: lane.probe.name.clone(), next: self.volatile.timers.slot(place) });
        let lanes = self.volatile.call_lanes.iter().enumerate().filter(|(_, lane)| lane.pod.name == *name);
        let calls = lanes.map(|(place, lane)| ProbeView {
            name: lane.probe.name.clone(),
            next: self.volatile.timers.call_slot(place),
        });
        connections.chain(calls).collect()
    }

    fn alert_views(&self) -> Vec<AlertView> {
        let of_pods = self
            .state
            .pods
            .iter()
            .flat_map(|(name, pod)| pod.alerts.iter().map(move |(rule, alert)| (Some(name), *rule, alert)));
        let own = self.state.own_alerts.iter().map(|(rule, alert)| (None, *rule, alert));
        of_pods.chain(own).map(|(pod, rule, alert)| self.alert_view(pod, rule, alert)).collect()
    }

    fn alert_view(&self, pod: Option<&PodName>, rule: Rule, alert: &Alert) -> AlertView {
        AlertView {
            pod: pod.cloned(),
            rule,
            audience: rule.audience(),
            state: alert.state,
            since: alert.since,
            incident: self.incident_of(pod, rule),
            evidence: alert.evidence.clone(),
            experience: alert.experience,
        }
    }

    fn incident_of(&self, pod: Option<&PodName>, rule: Rule) -> Option<IncidentNumber> {
        let holds = |facts: &super::IncidentFacts| match pod {
            Some(pod) => facts.pods.iter().any(|impact| impact.pod == *pod && impact.rules.contains(&rule)),
            None => facts.pods.is_empty(),
        };
        self.state.open_incidents().find(|incident| holds(&incident.facts)).map(|incident| incident.facts.number)
    }

    fn components(&self, now: Timestamp) -> Vec<ComponentStatus> {
        let of_pod = |(name, pod): (&PodName, &PodState)| {
            let silent = pod.last_observed.is_none_or(|at| now.since(at).as_millis() > pod.rules.silence_ms as u128);
            let looked_at = !silent && !self.state.is_paused(pod, now) && !self.state.network_is_down();
            let shown =
                Component::ALL.into_iter().filter(|one| *one != Component::CallQuality || pod.rules.calls.is_some());
            let status = |component: Component| self.component(name, pod, component, looked_at);
            shown.map(status).collect::<Vec<_>>()
        };
        self.state.pods.iter().flat_map(of_pod).collect()
    }

    /// One component: the worst of what connections and calls say of it. A pod whose connections
    /// are hit is hit whether or not anybody calls; else all that looks at it must be looking.
    fn component(&self, name: &PodName, pod: &PodState, component: Component, connecting: bool) -> ComponentStatus {
        let of_calls = pod.calls.components.get(&component).copied();
        let (mut state, mut since) = (pod.component, pod.component_since);
        if component == Component::CallQuality {
            // What nobody can hear is neither good nor bad.
            (state, since) = of_calls.unwrap_or((ComponentState::Operational, pod.component_since));
        } else if let Some(of_calls) = of_calls
            && (of_calls.0 > state || of_calls.0 == state && of_calls.1 > since)
        {
            (state, since) = of_calls;
        }
        let calling = pod.rules.calls.as_ref().is_none_or(|rules| {
            let looked_at = |direction: &CallDirection| {
                !rules.looks_at(*direction) || pod.calls.is_looked_at(*direction, rules, self.volatile.now)
            };
            match component {
                Component::MakingCalls => looked_at(&CallDirection::Outbound),
                Component::ReceivingCalls => looked_at(&CallDirection::Inbound),
                Component::CallQuality => CallDirection::ALL.iter().any(|one| rules.looks_at(*one) && looked_at(one)),
            }
        });
        let known_bad = component != Component::CallQuality && pod.component > ComponentState::Operational;
        let looked_at = connecting && (calling || known_bad);
        let (pod, public_name) = (name.clone(), pod.rules.public_name.clone());
        ComponentStatus { pod, public_name, component, state, since, looked_at }
    }
}
