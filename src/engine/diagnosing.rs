//! From an incident's looks to what separates failing from passing tokens, and to the next token.
//! The diagnosis itself is `diagnosis/`; here it gets its evidence, its attempts and its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::diagnosis::{Diagnosis, Evidence, FailShare, Family, Finding, FindingState, HowFailed, Look, Wish};
use crate::model::{
    AttemptId, EdgeName, IncidentNumber, Observation, PodName, Role, Share, StableHasher, Timestamp, TokenWish,
};

use crate::token::FeatureSpace;

use super::pipeline::Engine;
use super::pod_state::PodState;
use super::state::Incident;
use super::timer::Timer;
use super::whom::Whom;
use super::{Audience, IncidentFacts, Record, Rule, Turn};

/// Time between two tokens of a diagnosis that the reserve pays.
const PACE: Duration = Duration::from_millis(750);
/// They leave this much of the reserve for a new failure's follow-ups.
const RESERVE_FOR_NEW: u32 = 12;
/// One in so many scheduled attempts stays with the cover while a diagnosis is under way.
const COVER_ONE_IN: u64 = 3;
/// The configured margin of the usual share over the measured one.
const USUAL_MARGIN: f64 = 1.5;
/// After so many looks a diagnosis that has not come to an end is given up: further ones would cost
/// the cover more than they can tell.
const LOOKS_WANTED: usize = 1_000;
/// Looks in which it is looked for a place of the partner though no trait of the token explains it.
const LOOKS_FOR_PLACE: usize = 300;
/// Without a failure for so long, or with so many recovery attempts passing in a row, it looks like
/// the recovery: passes would speak against what was right.
const RECOVERING_AFTER: Duration = Duration::from_mins(2);
const RECOVERING_PASSES: u32 = 4;
/// The same where only a share of few tokens fails: minutes without a failure are usual there.
const RECOVERING_AFTER_RARE: Duration = Duration::from_mins(15);

/// Diagnoses under way, and the families of hypotheses that they choose from. Rebuilt from facts
/// and plan when needed.
#[derive(Default, Debug)]
pub(super) struct Diagnoses {
    pub(super) families: BTreeMap<PodName, Option<Arc<Family>>>,
    pub(super) open: BTreeMap<IncidentNumber, Diagnosis>,
    pub(super) whom: BTreeMap<IncidentNumber, Whom>,
}

impl Diagnoses {
    /// Forgets what followed from the plan before.
    pub(super) fn replan(&mut self) {
        *self = Self::default();
    }
}

/// A look at a token, before it is known whether anybody wants it.
pub(super) struct Glance {
    incident: IncidentNumber,
    look: Look,
}

impl Engine {
    /// What an observation is to the diagnosis of its pod's incident, if there is one.
    pub(super) fn glance(&mut self, observation: &Observation) -> Option<Glance> {
        let (incident, first) = self.diagnosed(&observation.pod)?;
        let pod = self.state.pods.get(&observation.pod)?;
        let flight = pod.in_flight.iter().find(|flight| flight.spec.id == observation.attempt);
        let token = flight.map_or(observation.attempt, |flight| text_of(&flight.spec.token, observation.attempt));
        let failed = observation.outcome.failure().map(HowFailed::of);
        // What never worked says nothing about the trouble, and neither does what told nothing.
        let traits = &observation.traits;
        if failed.is_none() && is_recovering(pod, observation.finished) {
            return None;
        }
        let counts = pod.has_worked(traits.kind, traits.key, traits.name_length, &traits.edge)
            && (failed.is_some() || observation.outcome.is_completed());
        let family = counts.then(|| self.family(&first)).flatten()?;
        let features = family.space().set_of(&observation.traits);
        let pod = observation.pod.clone();
        let reached = observation.reached.clone();
        let look = Look { pod, token, features, reached, failed };
        self.is_wanted(incident, &look).then_some(Glance { incident, look })
    }

    /// A verified diagnosis takes in failures only: a pass may be the recovery, unless it came out
    /// where nothing fails. If no trait of the token explains it, the partner's places may.
    fn is_wanted(&mut self, incident: IncidentNumber, look: &Look) -> bool {
        self.diagnosis(incident).is_some_and(|diagnosis| {
            let looks = diagnosis.evidence().looks().len();
            let failed_or_elsewhere = look.failed.is_some() || diagnosis.is_elsewhere(&look.reached);
            let wanted = match diagnosis.state() {
                FindingState::NoTokenTrait if diagnosis.is_located() => failed_or_elsewhere,
                FindingState::NoTokenTrait => looks < LOOKS_FOR_PLACE && !look.reached.is_unknown(),
                FindingState::Verified => failed_or_elsewhere,
                FindingState::Open | FindingState::AtLeast | FindingState::Contradicted => true,
            };
            wanted && looks < LOOKS_WANTED
        })
    }

    /// Takes in a look.
    pub(super) fn learn(&mut self, turn: &mut Turn, glance: Glance) {
        let Glance { incident, look } = glance;
        // Before the fact, so that a diagnosis that must be rebuilt does not see the look twice.
        if let Some(diagnosis) = self.diagnosis(incident) {
            let before = (diagnosis.state(), diagnosis.is_located());
            diagnosis.observe(look.clone());
            if (diagnosis.state(), diagnosis.is_located()) != before {
                self.volatile.escalate = true;
                self.volatile.looked_at.remove(&incident);
            }
        }
        self.commit(turn, Record::Looked { at: turn.now(), incident, look });
        self.tell_whom(incident);
    }

    /// Begins to diagnose open incidents that a token's traits could explain.
    pub(super) fn begin_diagnoses(&mut self, turn: &mut Turn) {
        let fresh: Vec<IncidentFacts> = self
            .state
            .open_incidents()
            .filter(|incident| incident.evidence.is_none() && is_worth_diagnosing(&incident.facts))
            .map(|incident| incident.facts.clone())
            .collect();
        for facts in fresh {
            let Some(family) = facts.pods.first().and_then(|impact| self.family(&impact.pod)) else { continue };
            let mut evidence = Evidence::about(&family);
            for impact in &facts.pods {
                let looks = self.looks_since(&impact.pod, facts.first_failure, &family);
                looks.into_iter().for_each(|look| evidence.take(look));
            }
            self.commit(turn, Record::DiagnosisBegan { at: turn.now(), incident: facts.number, evidence });
        }
    }

    /// What was seen in a pod before its incident was opened.
    fn looks_since(&self, name: &PodName, since: Timestamp, family: &Family) -> Vec<Look> {
        let (Some(pod), Some(lane)) =
            (self.state.pods.get(name), self.volatile.lanes.iter().find(|lane| lane.pod.name == *name))
        else {
            return Vec::new();
        };
        let seen = pod.memory.iter().filter(|seen| seen.started >= since && seen.result.counts());
        let looks = seen.filter_map(|seen| {
            let traits = seen.traits(&lane.reach)?;
            let failed = pod.memory.symptom_of(seen).map(|symptom| HowFailed {
                step: symptom.step,
                reason: symptom.reason,
                wire_code: symptom.wire_code,
            });
            let features = family.space().set_of(&traits);
            pod.has_worked(traits.kind, traits.key, traits.name_length, &traits.edge).then(|| Look {
                pod: name.clone(),
                token: seen.token,
                features,
                reached: pod.memory.reached_of(seen),
                failed,
            })
        });
        looks.collect()
    }

    /// True if the diagnosis of any incident is under way.
    pub(super) fn is_any_diagnosed(&self) -> bool {
        self.state.open_incidents().any(|incident| incident.evidence.is_some())
    }

    /// The incident of a pod whose diagnosis is under way, and the pod whose tokens it speaks of.
    fn diagnosed(&self, pod: &PodName) -> Option<(IncidentNumber, PodName)> {
        let open = |incident: &&Incident| {
            incident.evidence.is_some()
                && incident.facts.pods.iter().any(|impact| impact.pod == *pod && impact.resolved.is_none())
        };
        let incident = self.state.open_incidents().find(open)?;
        Some((incident.facts.number, incident.facts.pods.first()?.pod.clone()))
    }

    /// The hypotheses about a pod's tokens; none where nothing about them can be chosen.
    fn family(&mut self, pod: &PodName) -> Option<Arc<Family>> {
        let lane = self.volatile.lanes.iter().find(|lane| lane.pod.name == *pod)?;
        let known = self.volatile.diagnoses.families.get(pod);
        if let Some(family) = known {
            return family.clone();
        }
        // Pods whose minters can make the same tokens share one: it is worth some hundred milliseconds.
        let twin = self.volatile.lanes.iter().find_map(|other| {
            let family = self.volatile.diagnoses.families.get(&other.pod.name)?;
            (*other.reach == *lane.reach).then(|| family.clone())
        });
        let family = twin.unwrap_or_else(|| Family::new(FeatureSpace::new(&lane.reach), &lane.reach).map(Arc::new));
        self.volatile.diagnoses.families.insert(pod.clone(), family.clone());
        family
    }

    /// The diagnosis of an incident, as its evidence has it.
    fn diagnosis(&mut self, number: IncidentNumber) -> Option<&mut Diagnosis> {
        if !self.volatile.diagnoses.open.contains_key(&number) {
            let incident = self.state.incidents.get(&number)?;
            let evidence = incident.evidence.clone()?;
            let pod = incident.facts.pods.first()?.pod.clone();
            let seed = StableHasher::new("diagnosis").text(&incident.facts.dedup_key).finish();
            let usual = self.state.pods.get(&pod).map_or(0.0, |pod| pod.rules.cusum.usual.get() / USUAL_MARGIN);
            let family = self.family(&pod)?;
            let diagnosis = Diagnosis::resumed(family, Share::clamped(usual), seed, &evidence);
            self.volatile.diagnoses.open.insert(number, diagnosis);
        }
        self.volatile.diagnoses.open.get_mut(&number)
    }

    /// True while the diagnosis of a pod's incident has not come to an end, or if it has found that
    /// only a share of few tokens fails.
    pub(super) fn is_rare_or_unknown(&self, pod: &PodName) -> bool {
        let open = self.diagnosed(pod).and_then(|(incident, _)| self.volatile.diagnoses.open.get(&incident));
        open.is_some_and(|diagnosis| match diagnosis.state() {
            FindingState::NoTokenTrait => false,
            FindingState::Verified => diagnosis.fails() != Some(FailShare::All),
            FindingState::Open | FindingState::AtLeast | FindingState::Contradicted => {
                diagnosis.evidence().looks().len() < LOOKS_WANTED
            }
        })
    }

    /// What is known by now of what separates failing from passing tokens.
    pub(super) fn finding(&self, facts: &IncidentFacts) -> Option<Finding> {
        let diagnosis = self.volatile.diagnoses.open.get(&facts.number)?;
        let finding = diagnosis.finding();
        let spared = self.spared(facts, diagnosis, &finding);
        Some(Finding { spared, ..finding })
    }

    /// Lets go of diagnoses whose incidents are over.
    pub(super) fn end_diagnoses(&mut self) {
        let state = &self.state;
        let is_open = |number: &IncidentNumber| state.open_incidents().any(|open| open.facts.number == *number);
        self.volatile.diagnoses.open.retain(|number, _| is_open(number));
        self.volatile.diagnoses.whom.retain(|number, _| is_open(number));
    }

    /// The token that the diagnosis of a pod's incident wants next, if it wants one.
    fn wanted_look(&mut self, name: &PodName) -> Option<Wish> {
        let (incident, _) = self.diagnosed(name)?;
        let now = self.volatile.now;
        self.state.pods.get(name).filter(|pod| !is_recovering(pod, now))?;
        let diagnosis = self.diagnosis(incident)?;
        if diagnosis.evidence().looks().len() < LOOKS_WANTED { diagnosis.next() } else { None }
    }

    /// The wish of a due attempt, if the diagnosis may have this one.
    pub(super) fn look_for_slot(
        &mut self,
        name: &PodName,
        made: u64,
        edge: &EdgeName,
    ) -> Option<(TokenWish, EdgeName)> {
        if made.is_multiple_of(COVER_ONE_IN) {
            return None;
        }
        self.look(name, edge)
    }

    /// Asks for a further token besides the schedule, as long as the reserve pays for it.
    pub(super) fn diagnosis_due(&mut self, turn: &mut Turn, name: &PodName) {
        let now = turn.now();
        if self.diagnosed(name).is_none() {
            return;
        }
        let Some(pod) = self.state.pods.get(name) else { return };
        let busy = pod.in_flight.iter().any(|flight| flight.spec.role == Role::Diagnosis) || pod.follow_up.is_some();
        let quiet = pod.quiet_until.is_some_and(|until| until > now);
        if busy || quiet || self.state.is_paused(pod, now) || pod.reserve <= RESERVE_FOR_NEW {
            return;
        }
        let next_at = pod.diagnosed_at.map_or(now, |at| at.plus(PACE));
        if next_at > now {
            self.volatile.timers.set(next_at, Timer::FollowUp(name.clone()));
            return;
        }
        let Some(place) = self.volatile.lanes.iter().position(|lane| lane.pod.name == *name) else { return };
        let edge = self.volatile.lanes[place].pod.edges()[0].clone();
        if let Some((token, edge)) = self.look(name, &edge) {
            self.dial(turn, place, Role::Diagnosis, token, edge, (now, 2_000));
        }
    }

    /// The next token and its way; only over kinds, keys and edges that have worked.
    fn look(&mut self, name: &PodName, edge: &EdgeName) -> Option<(TokenWish, EdgeName)> {
        let wish = self.wanted_look(name)?;
        let edge = wish.edge.unwrap_or_else(|| edge.clone());
        let pod = self.state.pods.get(name)?;
        has_worked(pod, &wish.token, &edge).then_some((wish.token, edge))
    }
}

/// True if what passes now may pass because it is over.
fn is_recovering(pod: &PodState, now: Timestamp) -> bool {
    let passing = pod.bound.as_ref().is_some_and(|bound| bound.passed_in_a_row >= RECOVERING_PASSES);
    let rare = pod.firing().all(|rule| rule == Rule::Trait || rule.audience() == Audience::MonitorOwner);
    let after = if rare { RECOVERING_AFTER_RARE } else { RECOVERING_AFTER };
    passing || !pod.memory.has_failed_since(now.minus(after))
}

fn has_worked(pod: &PodState, token: &TokenWish, edge: &EdgeName) -> bool {
    match token {
        TokenWish::Fresh { kind, key, name_length, .. } => pod.has_worked(*kind, *key, *name_length, edge),
        TokenWish::Same { .. } => true,
    }
}

/// Which text an attempt used: the first attempt that did.
pub(super) const fn text_of(token: &TokenWish, attempt: AttemptId) -> AttemptId {
    match token {
        TokenWish::Same { of } => *of,
        TokenWish::Fresh { .. } => attempt,
    }
}

/// True if only some attempts fail: where all do, tokens have nothing to tell.
fn is_worth_diagnosing(facts: &IncidentFacts) -> bool {
    let some_fail =
        |rule: &Rule| matches!(rule, Rule::TokenBound | Rule::Share | Rule::HeavyShare | Rule::Trait | Rule::Plain(_));
    facts.audience == Audience::VoiceOnCall
        && facts.pods.iter().any(|impact| impact.resolved.is_none() && impact.rules.iter().any(some_fail))
}
