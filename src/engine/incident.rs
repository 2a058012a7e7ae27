//! Alerts become incidents: those of one cause make one, over all pods.

use std::time::Duration;

use crate::diagnosis::Finding;
use crate::model::{
    CallDirection, ErrorClass, IncidentNumber, LocationName, OwnServerTrouble, PodName, Share, Timestamp,
};
use crate::plan::Severity;

use super::attribution::{Clues, PodCount, judge};
use super::calls::judging;
use super::pipeline::Engine;
use super::pod_state::{Alert, PodState};
use super::state::Incident;
use super::{
    Audience, Experience, IncidentFacts, IncidentState, PodImpact, Record, Rule, Symptom, Trouble, Turn, Whose,
    WhoseVerdict,
};

/// Alerts that fire within this time of an incident's opening belong to it even if their symptom
/// differs: one cause often shows several faces.
const ONE_CAUSE_WITHIN_MS: i64 = 60_000;
/// So long after its newest alert an incident is looked at with every sweep …
const LOOK_CLOSELY_FOR: Duration = Duration::from_mins(2);
/// … and this often afterwards.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Whose fault is judged on what was seen from so long before the first failure on.
const LEAD_MS: i64 = 500;

impl Engine {
    /// Stage 4: opens, widens and closes incidents.
    pub(super) fn escalate(&mut self, turn: &mut Turn) {
        let loose: Vec<(PodName, Rule)> = self.firing_without_incident();
        for (pod, rule) in loose {
            self.join_or_open(turn, &pod, rule);
        }
        let own: Vec<Rule> = self.state.own_alerts.keys().copied().collect();
        for rule in own {
            if !self.state.open_incidents().any(|incident| is_own(&incident.facts, rule)) {
                self.open_own(turn, rule);
            }
        }
        self.begin_diagnoses(turn);
        self.refresh(turn);
        self.approve_by_itself(turn);
        self.close_what_is_over(turn);
        self.end_diagnoses();
    }

    fn firing_without_incident(&self) -> Vec<(PodName, Rule)> {
        let mut loose = Vec::new();
        for (name, pod) in self.state.pods.iter() {
            for rule in pod.firing() {
                let held = self.state.open_incidents().any(|incident| {
                    incident.facts.pods.iter().any(|impact| impact.pod == *name && impact.rules.contains(&rule))
                });
                if !held {
                    loose.push((name.clone(), rule));
                }
            }
        }
        // In the order in which they fired, so that the first one gives the incident its name.
        loose.sort_by_key(|(name, rule)| self.alert(name, *rule).map(|alert| alert.since));
        loose
    }

    fn alert(&self, pod: &PodName, rule: Rule) -> Option<&Alert> {
        self.state.pods.get(pod)?.alerts.get(&rule)
    }

    fn join_or_open(&mut self, turn: &mut Turn, name: &PodName, rule: Rule) {
        let Some(alert) = self.alert(name, rule).cloned() else { return };
        let (Some(evidence), Some(experience)) = (alert.evidence, alert.experience) else { return };
        let joins = |incident: &&Incident| belongs(&incident.facts, name, rule, evidence.symptom.as_ref(), alert.since);
        let impact = PodImpact {
            pod: name.clone(),
            rules: vec![rule],
            fired: alert.since,
            resolved: None,
            experience,
            evidence: evidence.clone(),
            stable: self.stable_of(name),
            certificate_ends: self.first_certificate_end(name).filter(|_| rule == Rule::Certificate),
            affected: None,
        };
        let open = self.state.open_incidents().find(joins).map(|incident| incident.facts.clone());
        if let Some(mut facts) = open {
            widen(&mut facts, impact);
            self.update(turn, facts);
        } else {
            self.open(turn, rule, impact);
        }
    }

    fn stable_of(&self, name: &PodName) -> Option<Duration> {
        let ms = self.state.pods.get(name)?.rules.stable_ms;
        u64::try_from(ms).ok().map(Duration::from_millis)
    }

    fn first_certificate_end(&self, name: &PodName) -> Option<Timestamp> {
        self.state.pods.get(name)?.certificates.values().min().copied()
    }

    fn open(&mut self, turn: &mut Turn, rule: Rule, impact: PodImpact) {
        let Some(plan) = self.plan.clone() else { return };
        let (first_failure, first_failed) = (impact.evidence.since, impact.evidence.first_failed);
        let mut facts = self.blank(turn.now(), &plan.node.location.name, rule.audience());
        facts.severity = severity_of(rule);
        facts.first_failure = first_failure;
        facts.first_failed = first_failed;
        facts.symptom = impact.evidence.symptom.clone();
        facts.subject = subject_of(rule, &impact);
        facts.pods.push(impact);
        self.fill_in(&mut facts);
        self.commit(turn, Record::IncidentOpened { incident: Box::new(facts) });
    }

    fn open_own(&mut self, turn: &mut Turn, rule: Rule) {
        let Some(plan) = self.plan.clone() else { return };
        let Some(since) = self.state.own_alerts.get(&rule).and_then(|alert| alert.evidence.as_ref()).map(|e| e.since)
        else {
            return;
        };
        let mut facts = self.blank(turn.now(), &plan.node.location.name, Audience::MonitorOwner);
        facts.first_failure = since;
        facts.trouble = if rule == Rule::Location {
            Some(Trouble::Network)
        } else {
            self.state.troubles.keys().copied().find(|what| *what != Trouble::Network)
        };
        let (verdict, subject) = if rule == Rule::Location {
            (WhoseVerdict::Location, format!("{} has no network: pods are not looked at", plan.node.location.name))
        } else {
            (WhoseVerdict::Ringcheck, "ringcheck itself is in trouble".to_owned())
        };
        facts.subject = subject;
        let controls = self.state.controls.map(|(answered, of, _)| (answered, of));
        facts.whose = Whose { verdict, sure: Share::ONE, controls, healthy_pods: 0 };
        self.commit(turn, Record::IncidentOpened { incident: Box::new(facts) });
    }

    fn blank(&self, now: Timestamp, location: &LocationName, audience: Audience) -> IncidentFacts {
        let number = IncidentNumber(self.state.incidents_opened + 1);
        IncidentFacts {
            number,
            dedup_key: format!("ringcheck/{location}/{}/{}", now.as_millis(), number.0),
            audience,
            severity: Severity::Warning,
            state: IncidentState::Firing,
            location: location.clone(),
            opened: now,
            resolved: None,
            first_failure: now,
            first_failed: crate::model::AttemptId(0),
            symptom: None,
            pods: Vec::new(),
            pods_watched: u32::try_from(self.state.pods.len()).unwrap_or(u32::MAX),
            whose: Whose { verdict: WhoseVerdict::Ringcheck, sure: Share::ZERO, controls: None, healthy_pods: 0 },
            configured: self.state.configured,
            trouble: None,
            subject: String::new(),
            finding: None,
            avoid: None,
            remedies: Vec::new(),
            runbooks: Vec::new(),
        }
    }

    /// Looks at open incidents anew: what the evidence says by now, and whose fault it seems.
    fn refresh(&mut self, turn: &mut Turn) {
        let open: Vec<IncidentFacts> = self.state.open_incidents().map(|incident| incident.facts.clone()).collect();
        for known in open {
            if known.pods.is_empty() || !self.is_worth_a_look(&known, turn.now()) {
                continue;
            }
            let mut facts = known.clone();
            self.tell_whom(facts.number);
            self.fill_in(&mut facts);
            // Counts move with every attempt; only what a reader would call news is a fact.
            if is_news(&known, &facts) {
                self.update(turn, facts);
            }
        }
    }

    /// A young incident, or one that has just grown, is looked at with every sweep; an old one now
    /// and then.
    fn is_worth_a_look(&mut self, facts: &IncidentFacts, now: Timestamp) -> bool {
        let newest = facts.pods.iter().map(|impact| impact.fired).max().unwrap_or(facts.opened);
        let looked = self.volatile.looked_at.get(&facts.number).copied().unwrap_or(Timestamp::MIN);
        let worth = now.since(newest) < LOOK_CLOSELY_FOR || now.since(looked) >= LOOK_EVERY;
        if worth {
            self.volatile.looked_at.insert(facts.number, now);
        }
        worth
    }

    pub(super) fn update(&mut self, turn: &mut Turn, facts: IncidentFacts) {
        self.commit(turn, Record::IncidentUpdated { incident: Box::new(facts) });
    }

    /// Evidence, experience, runbooks and whose fault, from the state as it is.
    pub(super) fn fill_in(&self, facts: &mut IncidentFacts) {
        if let Some(finding) = self.finding(facts) {
            self.fill_in_whom(facts, &finding);
            facts.avoid = super::avoid::avoidable(facts.finding.as_deref(), facts.avoid, &finding, self.volatile.now);
            facts.finding = Some(Box::new(finding));
        }
        for impact in &mut facts.pods {
            let Some(pod) = self.state.pods.get(&impact.pod) else { continue };
            if impact.resolved.is_some() {
                continue;
            }
            let since = impact.evidence.since;
            if let Some(rule) = worst_rule(&impact.rules).filter(|rule| rule.is_of_calls()) {
                let fresh = judging::evidence_of(pod, rule, self.volatile.now);
                if fresh.failed > 0 {
                    impact.experience = judging::experience_of(pod, rule, &fresh);
                    impact.evidence = fresh;
                }
                continue;
            }
            let fresh = pod.memory.evidence(Some(impact.evidence.first_failed), since);
            if fresh.failed > 0 {
                impact.evidence = fresh;
                if let Some(rule) = worst_rule(&impact.rules) {
                    impact.experience = super::alert::experience_of(pod, rule, since);
                }
            }
        }
        if let Some(plan) = &self.plan {
            let runbooks = facts.pods.iter().filter_map(|impact| plan.pod(&impact.pod)?.runbook.clone());
            facts.runbooks = runbooks.fold(Vec::new(), |mut known, one| {
                if !known.contains(&one) {
                    known.push(one);
                }
                known
            });
        }
        if facts.audience == Audience::VoiceOnCall {
            facts.whose = self.whose(facts);
        }
    }

    fn whose(&self, facts: &IncidentFacts) -> Whose {
        let since = Timestamp::from_millis(facts.first_failure.as_millis() - LEAD_MS);
        let of_calls = directions_of(facts);
        let count = |(name, pod): (&PodName, &PodState)| {
            let hit = facts.pods.iter().any(|impact| impact.pod == *name);
            if let Some(directions) = &of_calls {
                let (failed, of) = pod.calls.failed_since(directions, since);
                let usual = pod.rules.calls.as_ref().map_or(0.01, |rules| rules.usual.get());
                return PodCount { failed, of, usual, hit };
            }
            let (failed, of) = pod.memory.scheduled_since(since);
            PodCount { failed, of, usual: pod.rules.cusum.usual.get() / 1.5, hit }
        };
        let pods: Vec<PodCount> = self.state.pods.iter().map(count).collect();
        let controls = self.state.controls.map(|(answered, of, _)| (answered, of));
        let split = facts.pods.iter().find_map(|impact| impact.evidence.splits.first().map(|split| &split.class));
        let clues = Clues {
            symptom: facts.symptom.as_ref(),
            class: facts.symptom.as_ref().and_then(|symptom| symptom.class),
            split,
            total: facts.pods.iter().any(|impact| impact.experience == Experience::NobodyConnects),
            own_server: of_calls.and_then(|directions| self.own_server(facts, &directions, since)),
        };
        judge(&pods, controls, &clues)
    }

    /// The trouble with servers of the hit pods' own, if it explains what fails in each of them.
    fn own_server(
        &self,
        facts: &IncidentFacts,
        directions: &[CallDirection],
        since: Timestamp,
    ) -> Option<OwnServerTrouble> {
        let of = |impact: &PodImpact| self.state.pods.get(&impact.pod)?.calls.own_server_since(directions, since);
        let troubles: Option<Vec<OwnServerTrouble>> = facts.pods.iter().map(of).collect();
        troubles?.first().copied()
    }

    fn close_what_is_over(&mut self, turn: &mut Turn) {
        let open: Vec<IncidentFacts> = self.state.open_incidents().map(|incident| incident.facts.clone()).collect();
        for mut facts in open {
            let mut changed = false;
            for impact in &mut facts.pods {
                let state = self.state.pods.get(&impact.pod);
                let firing = state.is_some_and(|pod| pod.firing().any(|rule| impact.rules.contains(&rule)));
                if !firing && impact.resolved.is_none() {
                    impact.resolved = Some(turn.now());
                    changed = true;
                } else if firing && impact.resolved.is_some() {
                    impact.resolved = None;
                    changed = true;
                }
            }
            let over = if facts.pods.is_empty() {
                !self.state.own_alerts.keys().any(|rule| is_own(&facts, *rule))
            } else {
                facts.pods.iter().all(|impact| impact.resolved.is_some())
            };
            let number = facts.number;
            if changed {
                self.update(turn, facts);
            }
            if over {
                self.commit(turn, Record::IncidentResolved { at: turn.now(), number });
            }
        }
    }
}

/// The directions of calls that an incident is about, if it is about nothing but calls.
fn directions_of(facts: &IncidentFacts) -> Option<Vec<CallDirection>> {
    let rules: Vec<Rule> = facts.pods.iter().flat_map(|impact| impact.rules.iter().copied()).collect();
    let all_of_calls = !rules.is_empty() && rules.iter().all(|rule| rule.is_of_calls());
    all_of_calls.then(|| rules.into_iter().filter_map(Rule::failing_calls).collect())
}

/// True if an alert belongs to this incident: the same pod, or the same symptom, or the same moment.
fn belongs(facts: &IncidentFacts, pod: &PodName, rule: Rule, symptom: Option<&Symptom>, fired: Timestamp) -> bool {
    if facts.audience != rule.audience() || facts.pods.is_empty() {
        return false;
    }
    if rule.audience() == Audience::MonitorOwner {
        return facts.pods.iter().any(|impact| impact.rules.contains(&rule));
    }
    let same_pod = facts.pods.iter().any(|impact| impact.pod == *pod);
    let same_symptom = symptom.is_some() && facts.symptom.as_ref() == symptom;
    let same_moment = fired.as_millis() - facts.opened.as_millis() <= ONE_CAUSE_WITHIN_MS;
    same_pod || same_symptom || same_moment
}

fn widen(facts: &mut IncidentFacts, impact: PodImpact) {
    facts.first_failure = facts.first_failure.min(impact.evidence.since);
    if facts.symptom.is_none() {
        facts.symptom.clone_from(&impact.evidence.symptom);
    }
    match facts.pods.iter_mut().find(|known| known.pod == impact.pod) {
        Some(known) => {
            known.rules.extend(impact.rules);
            known.resolved = None;
            known.experience = impact.experience;
        }
        None => facts.pods.push(impact),
    }
}

fn is_own(facts: &IncidentFacts, rule: Rule) -> bool {
    facts.pods.is_empty() && (facts.trouble == Some(Trouble::Network)) == (rule == Rule::Location)
}

/// True if a reader of both would call the second one news.
fn is_news(known: &IncidentFacts, fresh: &IncidentFacts) -> bool {
    let said = |facts: &IncidentFacts| super::state::Said::of(facts);
    let first_split = |facts: &IncidentFacts| {
        facts.pods.iter().find_map(|impact| impact.evidence.splits.first().map(|split| split.class.clone()))
    };
    let claim = |facts: &IncidentFacts| {
        let place = |finding: &Finding| finding.place.as_ref().map(|place| (place.state, place.places.clone()));
        facts.finding.as_ref().map(|finding| (finding.predicate.clone(), place(finding), finding.spared.is_some()))
    };
    said(known) != said(fresh)
        || first_split(known) != first_split(fresh)
        || claim(known) != claim(fresh)
        || known.avoid != fresh.avoid
        || known.pods.iter().zip(&fresh.pods).any(|(known, fresh)| known.affected != fresh.affected)
        || known.runbooks != fresh.runbooks
}

fn severity_of(rule: Rule) -> Severity {
    match rule.audience() {
        Audience::VoiceOnCall => Severity::Critical,
        Audience::MonitorOwner => Severity::Warning,
    }
}

/// Of several rules, the one that says most about what agents experience.
fn worst_rule(rules: &[Rule]) -> Option<Rule> {
    rules.iter().copied().min()
}

/// The middle of the subject line. It never changes after opening, so it claims nothing that
/// later evidence could take back.
fn subject_of(rule: Rule, impact: &PodImpact) -> String {
    let refused = impact.evidence.symptom.as_ref().is_some_and(|symptom| symptom.class == Some(ErrorClass::Token));
    let what = match rule {
        Rule::OutboundCalls => "Agents' calls fail",
        Rule::InboundCalls => "Calls to agents fail",
        Rule::CallQuality(_) => "Agents' calls are bad",
        Rule::Outage => "Agents cannot connect",
        Rule::TokenBound => "Calls fail for some agents",
        Rule::Share | Rule::HeavyShare | Rule::Trait | Rule::Plain(_) => "Connections fail for a share of agents",
        Rule::Flapping => "Connections come and go",
        Rule::NoData | Rule::TooFew => return format!("{} is not looked at", impact.pod),
        Rule::BornRed => return format!("{}: something that never worked fails", impact.pod),
        Rule::Throttled => return format!("The partner asks us to slow down in {}", impact.pod),
        Rule::Certificate => return format!("A certificate in {} ends soon", impact.pod),
        Rule::Location | Rule::Ringcheck => "The monitor is in trouble",
    };
    let why = if refused { ": partner refuses tokens" } else { "" };
    format!("{what}{why}")
}
