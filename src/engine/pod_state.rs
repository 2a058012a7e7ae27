//! Everything the engine remembers about one pod. Changed only by `State::apply`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{
    AttemptId, AttemptSpec, EdgeName, KeySlot, Observation, Outcome, ProbeName, Role, Timestamp, TokenKind, TokenWish,
    Traits,
};

use super::baseline::Baseline;
use super::calls::CallState;
use super::cusum::CusumScore;
use super::diagnosing::text_of;
use super::follow_up::{FailedToken, FollowUp};
use super::outage::{FLAPPING_BLIPS, FLAPPING_WITHIN, OutageRun};
use super::plain::PlainScores;
use super::proven::ProvenLengths;
use super::rules::PodRules;
use super::seen::Memory;
use super::trait_scores::{TraitScore, TraitScores};
use crate::token::{Cover, Feature};

use super::{AlertState, ComponentState, Evidence, Experience, Rule, Verdict};
use crate::plan::Budget;

/// Failures of a combination that never worked before the owner is told.
const BORN_RED_FAILURES: u32 = 3;
/// Outcomes of recovery attempts that are remembered.
const RECOVERIES_KEPT: u32 = 8;
/// So many failing ones among them are not noise.
const RECOVERIES_FAILED_BAD: u32 = 2;
/// Blips that are remembered: what rule F needs.
const BLIPS_MAX: usize = 8;

/// One pod.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PodState {
    /// Its rules, as numbers.
    pub rules: PodRules,
    /// The last moment that each probe's schedule has dealt with, and how many attempts it made.
    pub cursors: BTreeMap<ProbeName, Cursor>,
    /// Attempts under way.
    pub in_flight: Vec<InFlight>,
    /// The newest observations.
    pub memory: Memory,
    /// Rule A.
    pub outage: OutageRun,
    /// When everything that its tokens can hold was looked at last; absent before the first plan.
    #[serde(default)]
    pub cover: Option<Cover>,
    /// Rules C and C2.
    pub cusum: CusumScore,
    /// Rule D.
    #[serde(default)]
    pub traits: TraitScores,
    /// Rule B, while a failure is looked into.
    pub follow_up: Option<FollowUp>,
    /// Rule F: ends of the last blips.
    pub blips: Vec<Timestamp>,
    /// The owner's plain rules.
    pub plain: PlainScores,
    /// Alerts that are pending or firing.
    pub alerts: BTreeMap<Rule, Alert>,
    /// How it is.
    pub verdict: Verdict,
    /// Since when.
    pub verdict_since: Timestamp,
    /// Combinations that have worked at least once.
    pub green: BTreeSet<(TokenKind, KeySlot, EdgeName)>,
    /// Combinations that have only failed, and how often.
    pub red: BTreeMap<EdgeName, BTreeMap<TokenKind, BTreeMap<u8, u32>>>,
    /// Lengths of names that have worked; absent in states of before they were told apart: then all
    /// have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lengths: Option<ProvenLengths>,
    /// The usual share of failures.
    pub baseline: Baseline,
    /// The token of a firing token-bound alert, to prove recovery with.
    pub bound: Option<BoundToken>,
    /// When a token of a diagnosis was tried last.
    #[serde(default)]
    pub diagnosed_at: Option<Timestamp>,
    /// Follow-ups saved up.
    pub reserve: u32,
    /// No attempt before (the partner asked us to slow down).
    pub quiet_until: Option<Timestamp>,
    /// Half the pace until.
    pub slow_until: Option<Timestamp>,
    /// Paused until.
    pub paused_until: Option<Timestamp>,
    /// The newest observation that says something about the partner.
    pub last_observed: Option<Timestamp>,
    /// Ends of the edges' certificates.
    pub certificates: BTreeMap<EdgeName, Timestamp>,
    /// Its calls.
    #[serde(default)]
    pub calls: CallState,
    /// What the public sees.
    pub component: ComponentState,
    /// Since when.
    pub component_since: Timestamp,
}

/// How far a probe's schedule has been dealt with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// The last due moment that was attempted, given up or missed.
    pub at: Timestamp,
    /// Scheduled attempts made so far: which token comes next follows from it.
    pub made: u64,
}

/// An attempt under way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InFlight {
    /// What was asked for.
    pub spec: AttemptSpec,
    /// True once it counts as failing for want of a result.
    pub overdue: bool,
}

/// An alert that is pending or firing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Alert {
    /// Pending or firing.
    pub state: AlertState,
    /// Since when.
    pub since: Timestamp,
    /// What it rests on, once it fires.
    pub evidence: Option<Evidence>,
    /// What agents experience, once it fires.
    pub experience: Option<Experience>,
}

/// The token of a firing token-bound alert.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BoundToken {
    /// What failed.
    pub token: FailedToken,
    /// When the next one like it is due.
    pub next_at: Timestamp,
    /// Which of the last ones failed, newest in the lowest bit.
    pub failed: u32,
    /// How many passed in a row.
    pub passed_in_a_row: u32,
}

impl PodState {
    /// A pod that nobody has looked at yet.
    pub fn new(rules: PodRules, now: Timestamp) -> Self {
        Self {
            plain: PlainScores::new(&rules.plain),
            rules,
            cursors: BTreeMap::new(),
            in_flight: Vec::new(),
            memory: Memory::default(),
            outage: OutageRun::default(),
            cover: None,
            cusum: CusumScore::default(),
            traits: TraitScores::default(),
            follow_up: None,
            blips: Vec::new(),
            alerts: BTreeMap::new(),
            verdict: Verdict::NoData,
            verdict_since: now,
            green: BTreeSet::new(),
            red: BTreeMap::new(),
            lengths: Some(ProvenLengths::default()),
            baseline: Baseline::default(),
            bound: None,
            diagnosed_at: None,
            reserve: Budget::FOLLOW_UPS_SAVED,
            quiet_until: None,
            slow_until: None,
            paused_until: None,
            last_observed: None,
            certificates: BTreeMap::new(),
            calls: CallState::default(),
            component: ComponentState::Operational,
            component_since: now,
        }
    }

    /// Takes new rules; what was seen stays.
    pub(super) fn take_rules(&mut self, rules: PodRules) {
        if self.rules.plain != rules.plain {
            self.plain = PlainScores::new(&rules.plain);
        }
        self.rules = rules;
    }

    pub(super) fn start(&mut self, spec: AttemptSpec) {
        if spec.call.is_some() {
            return self.start_call(spec);
        }
        // The cover walks scheduled attempts only: with looks that were chosen because of a failure
        // among its own, it would choose what those leave out, and the sample would not be fair.
        if let (Role::Scheduled, Some(cover), TokenWish::Fresh { kind, key, name_length, .. }) =
            (spec.role, &mut self.cover, spec.token)
        {
            cover.begin(kind, key, name_length);
        }
        match spec.role {
            Role::Scheduled => {
                let cursor = self.cursors.entry(spec.probe.clone()).or_default();
                *cursor = Cursor { at: spec.at, made: cursor.made + 1 };
            }
            Role::Repeat | Role::Contrast => {
                self.reserve = self.reserve.saturating_sub(1);
                if let Some(follow_up) = &mut self.follow_up {
                    follow_up.sent(spec.role, spec.at);
                }
            }
            Role::Diagnosis => {
                self.reserve = self.reserve.saturating_sub(1);
                self.diagnosed_at = Some(spec.at);
            }
            Role::Recovery => {
                self.reserve = self.reserve.saturating_sub(1);
                let pace = super::follow_up::recovery_pace(self.rules.stable_ms);
                if let Some(bound) = &mut self.bound {
                    bound.next_at = spec.at.plus(pace);
                }
            }
        }
        self.in_flight.push(InFlight { spec, overdue: false });
    }

    fn start_call(&mut self, spec: AttemptSpec) {
        if spec.role == Role::Scheduled {
            let cursor = self.cursors.entry(spec.probe.clone()).or_default();
            *cursor = Cursor { at: spec.at, made: cursor.made + 1 };
        }
        if let Some(rules) = &self.rules.calls {
            self.calls.start(&spec, rules);
        }
        self.in_flight.push(InFlight { spec, overdue: false });
    }

    fn observe_call(&mut self, observation: &Observation) {
        self.in_flight.retain(|flight| flight.spec.id != observation.attempt);
        let connections_fail = self.outage.failures() >= 2 || self.alerts.keys().any(|rule| rule.is_of_connections());
        if let Some(rules) = &self.rules.calls {
            self.calls.observe(observation, rules, connections_fail);
        }
    }

    pub(super) fn give_up_slot(&mut self, at: Timestamp, probe: &ProbeName, to_reserve: bool) {
        let cursor = self.cursors.entry(probe.clone()).or_default();
        *cursor = Cursor { at, made: cursor.made + 1 };
        if to_reserve {
            self.reserve = (self.reserve + 1).min(Budget::FOLLOW_UPS_SAVED);
        }
    }

    pub(super) fn overdue(&mut self, id: AttemptId) {
        let Some(place) = self.in_flight.iter().position(|flight| flight.spec.id == id) else { return };
        self.in_flight[place].overdue = true;
        let spec = self.in_flight[place].spec.clone();
        if !self.wish_is_green(&spec) {
            return;
        }
        self.outage.fail(spec.at);
        if let Some(follow_up) = &mut self.follow_up {
            follow_up.failed(spec.role);
        }
    }

    /// Counts an observation. The blip that it ends, if any, is the caller's to record.
    pub(super) fn observe(&mut self, observation: &Observation) {
        if observation.call.is_some() {
            return self.observe_call(observation);
        }
        let place = self.in_flight.iter().position(|flight| flight.spec.id == observation.attempt);
        let flight = place.map(|place| self.in_flight.swap_remove(place));
        let was_overdue = flight.as_ref().is_some_and(|flight| flight.overdue);
        let id = observation.attempt;
        self.memory.push(observation, flight.map_or(id, |flight| text_of(&flight.spec.token, id)));
        match &observation.outcome {
            Outcome::Completed { .. } => self.passed(observation, was_overdue),
            Outcome::Failed(_) => self.failed(observation, was_overdue),
            Outcome::Throttled { .. } | Outcome::Lost { .. } => {
                if was_overdue {
                    self.retract(observation);
                }
            }
        }
        if observation.outcome.is_completed() || observation.outcome.failure().is_some() {
            if let Some(cover) = self.cover.as_mut().filter(|_| observation.role == Role::Scheduled) {
                cover.look(&observation.traits, observation.outcome.is_completed(), observation.finished);
            }
            self.last_observed = Some(observation.finished);
        }
    }

    fn passed(&mut self, observation: &Observation, was_overdue: bool) {
        let traits = &observation.traits;
        if was_overdue {
            self.retract(observation);
        }
        if !self.is_green(traits) {
            self.green.insert((traits.kind, traits.key, traits.edge.clone()));
            self.forget_red(traits);
            if let Some(lengths) = &mut self.lengths {
                lengths.passed(traits.name_length);
            }
        }
        // The blip itself is recorded by the caller, who has looked before.
        self.outage.pass(observation.started);
        self.count(observation, false);
    }

    fn failed(&mut self, observation: &Observation, was_overdue: bool) {
        let traits = &observation.traits;
        if !self.is_green(traits) {
            if self.green.contains(&(traits.kind, traits.key, traits.edge.clone()))
                && let Some(lengths) = &mut self.lengths
            {
                lengths.failed(traits.name_length);
                return;
            }
            let red = self.red.entry(traits.edge.clone()).or_default().entry(traits.kind).or_default();
            *red.entry(traits.key.0).or_default() += 1;
            return;
        }
        if !was_overdue {
            self.outage.fail(observation.started);
            if let Some(follow_up) = &mut self.follow_up {
                follow_up.failed(observation.role);
            }
        }
        self.count(observation, true);
    }

    fn count(&mut self, observation: &Observation, failed: bool) {
        match observation.role {
            Role::Scheduled => {
                self.cusum.observe(failed, &self.rules.cusum);
                if let Some(rule) = &self.rules.traits {
                    self.traits.observe(failed, observation.started, &observation.traits, rule);
                }
                self.baseline.observe(observation.started, failed, self.alerts.is_empty());
                self.plain.observe(&self.rules.plain, observation, failed);
            }
            Role::Repeat | Role::Contrast => {
                if !failed && let Some(follow_up) = &mut self.follow_up {
                    follow_up.passed(observation.role);
                }
            }
            Role::Diagnosis => {}
            Role::Recovery => {
                if let Some(bound) = &mut self.bound {
                    bound.failed = (bound.failed << 1 | u32::from(failed)) & ((1 << RECOVERIES_KEPT) - 1);
                    bound.passed_in_a_row = if failed { 0 } else { bound.passed_in_a_row + 1 };
                }
            }
        }
    }

    fn retract(&mut self, observation: &Observation) {
        self.outage.retract(observation.started);
        if let Some(follow_up) = &mut self.follow_up {
            follow_up.retract(observation.role);
        }
    }

    pub(super) fn blip(&mut self, at: Timestamp) {
        self.blips.push(at);
        if self.blips.len() > BLIPS_MAX {
            self.blips.remove(0);
        }
    }

    /// Forgets what was seen through a dead network of ours.
    pub(super) fn forgive(&mut self) {
        self.outage.reset();
        self.cusum.reset();
        self.traits.reset();
        self.follow_up = None;
    }

    /// True if this combination of kind, key and edge has worked at least once, and this length of
    /// name with any.
    pub fn is_green(&self, traits: &Traits) -> bool {
        self.is_green_through(traits.kind, traits.key, &traits.edge) && self.length_has_worked(traits.name_length)
    }

    /// True if a token with a name of this length has worked, or if names are not ours to choose.
    pub fn length_has_worked(&self, length: u8) -> bool {
        let chosen = self.cover.as_ref().is_some_and(Cover::is_steered);
        self.lengths.as_ref().is_none_or(|lengths| !chosen || lengths.is_green(length))
    }

    /// True if tokens of this kind and key have worked through some edge, and this edge and length of
    /// name with some token: what a diagnosis asks of a combination, since it may want one that is rare.
    pub fn has_worked(&self, kind: TokenKind, key: KeySlot, length: u8, edge: &EdgeName) -> bool {
        let worked = |wanted: &dyn Fn(&(TokenKind, KeySlot, EdgeName)) -> bool| self.green.iter().any(wanted);
        worked(&|(k, s, _)| (*k, *s) == (kind, key)) && worked(&|(_, _, e)| e == edge) && self.length_has_worked(length)
    }

    fn wish_is_green(&self, spec: &AttemptSpec) -> bool {
        let (kind, key, length) = match spec.token {
            TokenWish::Fresh { kind, key, name_length, .. } => (kind, key, name_length),
            // The same token again is only asked for after a green combination failed.
            TokenWish::Same { .. } => return true,
        };
        self.is_green_through(kind, key, &spec.edge) && self.length_has_worked(length)
    }

    /// True if this combination of kind, key and edge has worked at least once.
    pub fn is_green_through(&self, kind: TokenKind, key: KeySlot, edge: &EdgeName) -> bool {
        self.green.iter().any(|(k, s, e)| (*k, *s) == (kind, key) && e == edge)
    }

    fn forget_red(&mut self, traits: &Traits) {
        if let Some(kinds) = self.red.get_mut(&traits.edge) {
            if let Some(keys) = kinds.get_mut(&traits.kind) {
                keys.remove(&traits.key.0);
            }
            kinds.retain(|_, keys| !keys.is_empty());
        }
        self.red.retain(|_, kinds| !kinds.is_empty());
    }

    /// True if a combination, or a direction of calls, that never worked has failed often enough to
    /// tell the owner.
    pub fn has_born_red(&self) -> bool {
        let of_lengths = self.lengths.as_ref().map_or(0, ProvenLengths::most_failures);
        let mut failures = self.red.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
        let of_calls = self.calls.born_red(self.rules.calls.as_ref()).is_some();
        of_calls || of_lengths >= BORN_RED_FAILURES || failures.any(|n| *n >= BORN_RED_FAILURES)
    }

    /// True if no combination and no length has failed that never worked.
    pub fn has_no_red(&self) -> bool {
        self.red.is_empty() && self.lengths.as_ref().is_none_or(|lengths| lengths.most_failures() == 0)
    }

    /// Forgets what failed without ever having worked.
    pub(super) fn forget_all_red(&mut self) {
        self.red.clear();
        self.lengths.iter_mut().for_each(ProvenLengths::forget_red);
    }

    /// Rule D: the trait that fails more often than chance explains, if one does.
    pub fn trait_firing(&self) -> Option<&TraitScore> {
        self.traits.firing(self.rules.traits.as_ref()?)
    }

    /// The trait that more attempts should carry, if one is suspected enough, and no rule over all
    /// attempts has fired: then the diagnosis looks closer, and a focus would only bend the shares.
    pub fn suspected_trait(&self) -> Option<&Feature> {
        let known = self.firing().any(|rule| rule != Rule::Trait && rule.is_of_connections());
        self.traits.focus(self.rules.traits.as_ref()?).filter(|_| !known)
    }

    /// True while a trait is suspected, whatever else is known.
    pub fn has_suspected_trait(&self) -> bool {
        self.rules.traits.as_ref().is_some_and(|rule| self.traits.focus(rule).is_some())
    }

    /// Rule F.
    pub fn is_flapping(&self, now: Timestamp) -> bool {
        let recent = self.blips.iter().filter(|at| now.since(**at) <= FLAPPING_WITHIN).count();
        recent >= FLAPPING_BLIPS
    }

    /// True if tokens like the one of the firing token-bound alert still fail.
    pub fn bound_still_fails(&self) -> bool {
        self.bound.as_ref().is_some_and(|bound| bound.failed.count_ones() >= RECOVERIES_FAILED_BAD)
    }

    /// True while some alert fires that says agents cannot connect.
    pub fn is_hit(&self) -> bool {
        self.firing().any(Rule::is_of_connections)
    }

    /// The rules that fire.
    pub fn firing(&self) -> impl Iterator<Item = Rule> {
        self.alerts.iter().filter(|(_, alert)| alert.state == AlertState::Firing).map(|(rule, _)| *rule)
    }
}
