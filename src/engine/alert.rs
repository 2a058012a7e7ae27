//! From observations to alerts: inactive, pending, firing, and back only when recovery is proven.

use crate::model::{AttemptId, PodName, Share, Timestamp};
use crate::plan::{PlainRule, Thresholds};

use super::calls::judging;
use super::estimate::share_of;
use super::outage::FLAPPING_WITHIN;
use super::pipeline::Engine;
use super::pod_state::PodState;
use super::timer::Timer;
use super::{AlertState, Audience, Evidence, Experience, Record, Rule, Trouble, Turn, Verdict};

/// Control targets are asked again after this long while something looks wrong.
const CONTROLS_AGAIN_MS: i64 = 10_000;
/// Control targets are asked this often while all is well.
const CONTROLS_USUAL_MS: i64 = 60_000;
/// Fewest tokens like the failing one that must have passed in a row: while a quarter of the
/// partner's nodes still fail, a run this long comes once in two hours.
const RECOVERIES_PASSED_MIN: u32 = 18;
/// Our own network must have been down this long before its owner is told.
const NETWORK_DOWN_MS: i64 = 20_000;
/// Any other trouble of ours.
const TROUBLE_MS: i64 = 5_000;
/// Less than this of the share rule's bound used up, a sum has worn off.
const WORN_OFF: f64 = 0.25;
/// Scheduled attempts that the share rule's first failure is looked for in.
const SHARE_LOOK_BACK: usize = 120;

/// The rules of every pod, in the order in which they are judged; the owner's plain ones follow.
const RULES: [Rule; 11] = [
    Rule::Outage,
    Rule::TokenBound,
    Rule::Share,
    Rule::HeavyShare,
    Rule::Trait,
    Rule::Flapping,
    Rule::BornRed,
    Rule::Throttled,
    Rule::NoData,
    Rule::TooFew,
    Rule::Certificate,
];

/// Whether a rule's condition holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    No,
    Building,
    Met,
}

/// What becomes of a rule's alert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    Fires,
    Pends,
    IsDropped,
    IsResolved,
}

impl Engine {
    /// Stage 3: looks at every pod that something happened to, and at all of them in a sweep.
    pub(super) fn evaluate(&mut self, turn: &mut Turn) {
        let pods: Vec<PodName> = if self.volatile.sweeping {
            self.state.pods.keys().cloned().collect()
        } else {
            std::mem::take(&mut self.volatile.touched)
        };
        for pod in &pods {
            self.evaluate_pod(turn, pod);
        }
        // Emptied at the end of the turn; its room is used again.
        self.volatile.touched = pods;
        if self.volatile.sweeping {
            self.evaluate_ourselves(turn);
        }
    }

    fn evaluate_pod(&mut self, turn: &mut Turn, name: &PodName) {
        let Some(pod) = self.state.pods.get(name) else { return };
        let suspicious = pod.follow_up.is_some() || pod.outage.failures() > 0 || !pod.alerts.is_empty();
        let judged = suspicious
            || self.volatile.sweeping
            || pod.rules.plain.iter().any(wakes_voice)
            || pod.cusum.fill(&pod.rules.cusum) > 0.5
            || pod.trait_firing().is_some();
        let at_rest = !suspicious && !self.volatile.sweeping && pod.bound.is_none() && pod.verdict == verdict_of(pod);
        // Almost every observation ends here: nothing of what follows would do anything.
        if at_rest && !(judged && self.next_change(name, pod, 0, turn.now()).is_some()) {
            return;
        }
        self.suspect_our_network(turn, name);
        self.measure_baseline(turn, name);
        if judged {
            self.judge(turn, name);
        }
        if self.volatile.sweeping {
            self.judge_calls(turn, name);
        }
        self.follow_up_due(turn, name);
        self.recovery_due(turn, name);
        self.diagnosis_due(turn, name);
        self.say_verdict(turn, name);
    }

    /// Makes the changes one by one: each may alter the conditions of the rules after it.
    fn judge(&mut self, turn: &mut Turn, name: &PodName) {
        let mut from = 0;
        while let Some(pod) = self.state.pods.get(name)
            && let Some((place, rule, change)) = self.next_change(name, pod, from, turn.now())
        {
            self.make(turn, name, rule, change);
            from = place + 1;
        }
    }

    /// The first rule from place `from` on whose alert changes, and its place.
    fn next_change(
        &self,
        name: &PodName,
        pod: &PodState,
        from: usize,
        now: Timestamp,
    ) -> Option<(usize, Rule, Change)> {
        let mut rules = rules_of(pod).enumerate().skip(from);
        rules.find_map(|(place, rule)| Some((place, rule, self.change(name, pod, rule, now)?)))
    }

    fn change(&self, name: &PodName, pod: &PodState, rule: Rule, now: Timestamp) -> Option<Change> {
        // A dead network of ours says nothing about the partner.
        let muted = rule.audience() == Audience::VoiceOnCall && self.state.network_is_down();
        let condition = if muted { Condition::No } else { self.condition(pod, rule, now) };
        transition(pod, rule, condition, || !muted && self.is_over(name, pod, rule, now))
    }

    pub(super) fn make(&mut self, turn: &mut Turn, name: &PodName, rule: Rule, change: Change) {
        let (at, pod) = (turn.now(), name.clone());
        match change {
            Change::Fires => self.fire(turn, name, rule),
            Change::Pends => self.commit(turn, Record::AlertPending { at, pod, rule }),
            Change::IsDropped => self.commit(turn, Record::AlertDropped { at, pod, rule }),
            Change::IsResolved => {
                self.volatile.escalate = true;
                self.commit(turn, Record::AlertResolved { at, pod: Some(pod), rule });
            }
        }
    }

    fn condition(&self, pod: &PodState, rule: Rule, now: Timestamp) -> Condition {
        let met = |met: bool| if met { Condition::Met } else { Condition::No };
        match rule {
            Rule::Outage if pod.outage.fires(pod.rules.persist_ms) => Condition::Met,
            Rule::Outage if pod.outage.is_building() => Condition::Building,
            Rule::TokenBound => match &pod.follow_up {
                Some(follow_up) if follow_up.fires() => Condition::Met,
                Some(follow_up) if follow_up.is_building() => Condition::Building,
                _ => Condition::No,
            },
            Rule::Share => met(pod.cusum.fires(&pod.rules.cusum)),
            Rule::HeavyShare => met(pod.cusum.is_heavy()),
            // What another rule says of all attempts, every trait of theirs would say again.
            Rule::Trait if others_fire(pod) => Condition::No,
            Rule::Trait => met(pod.trait_firing().is_some()),
            Rule::Flapping => met(pod.is_flapping(now)),
            Rule::BornRed => met(pod.has_born_red()),
            Rule::Throttled => met(pod.slow_until.is_some_and(|until| until > now)),
            Rule::NoData => met(self.is_blind(pod, now)),
            Rule::Plain(place) => met(self.plain_holds(pod, usize::from(place), now)),
            Rule::TooFew => met(self.any_plain(pod, now, |rule| matches!(rule, PlainRule::TooFew { .. }))),
            Rule::Certificate => {
                met(self.any_plain(pod, now, |rule| matches!(rule, PlainRule::CertificateDays { .. })))
            }
            // Calls are judged apart.
            Rule::OutboundCalls | Rule::InboundCalls | Rule::CallQuality(_) => Condition::No,
            Rule::Outage | Rule::Location | Rule::Ringcheck => Condition::No,
        }
    }

    fn any_plain(&self, pod: &PodState, now: Timestamp, wanted: fn(&PlainRule) -> bool) -> bool {
        let rules = pod.rules.plain.iter().enumerate();
        rules.filter(|(_, rule)| wanted(rule)).any(|(place, _)| self.plain_holds(pod, place, now))
    }

    fn plain_holds(&self, pod: &PodState, place: usize, now: Timestamp) -> bool {
        let Some(rule) = pod.rules.plain.get(place) else { return false };
        if let PlainRule::CertificateDays { days } = rule {
            let limit = i64::from(*days) * 86_400_000;
            return pod.certificates.values().any(|end| end.as_millis() - now.as_millis() < limit);
        }
        let watched_for = now.as_millis() - pod.verdict_since.as_millis();
        let young = matches!(rule, PlainRule::TooFew { window, .. } if watched_for < crate::model::millis(*window));
        !young && pod.plain.holds(place, rule, now)
    }

    /// True if nobody has looked for too long, though somebody should have.
    fn is_blind(&self, pod: &PodState, now: Timestamp) -> bool {
        if self.state.is_paused(pod, now) || pod.cursors.is_empty() {
            return false;
        }
        let last = pod.last_observed.unwrap_or(pod.component_since);
        now.as_millis() - last.as_millis() > pod.rules.silence_ms
    }

    fn fire(&mut self, turn: &mut Turn, name: &PodName, rule: Rule) {
        let now = turn.now();
        let Some(pod) = self.state.pods.get(name) else { return };
        let evidence = evidence_of(pod, rule, now);
        let experience = match rule.is_of_calls() {
            true => judging::experience_of(pod, rule, &evidence),
            false => experience_of(pod, rule, evidence.since),
        };
        self.volatile.escalate = true;
        let record = Record::AlertFiring { at: now, pod: Some(name.clone()), rule, evidence, experience };
        self.commit(turn, record);
        if rule == Rule::TokenBound {
            self.commit(turn, Record::FollowUpsEnded { at: now, pod: name.clone() });
        }
        self.ask_controls(turn, CONTROLS_AGAIN_MS);
    }

    /// True while a diagnosis still looks for what fails too often, or knows it to be rare, and the sum
    /// has not worn off: a fault of few tokens on few nodes leaves minutes without a failure.
    fn is_undecided(&self, name: &PodName, pod: &PodState) -> bool {
        self.is_rare_or_unknown(name) && pod.cusum.fill(&pod.rules.cusum) > WORN_OFF
    }

    /// Recovery is proven: all has been well for the whole stable window, with enough attempts, and
    /// tokens like the failing one pass again.
    fn is_over(&self, name: &PodName, pod: &PodState, rule: Rule, now: Timestamp) -> bool {
        let Some(alert) = pod.alerts.get(&rule) else { return false };
        match rule {
            Rule::BornRed => pod.has_no_red() && !pod.calls.is_red(pod.rules.calls.as_ref()),
            Rule::Throttled | Rule::NoData => true,
            _ if rule.audience() == Audience::MonitorOwner => true,
            _ => {
                let window = now.minus(std::time::Duration::from_millis(pod.rules.stable_ms.unsigned_abs()));
                alert.since < window
                    && is_well_since(pod, window)
                    && (rule != Rule::TokenBound || bound_is_well(pod, window))
                    && (rule != Rule::Trait || !pod.has_suspected_trait())
                    && (!matches!(rule, Rule::Share | Rule::Trait) || !self.is_undecided(name, pod))
                    && (rule != Rule::Flapping
                        || pod.blips.last().is_none_or(|at| now.since(*at) > FLAPPING_WITHIN / 3))
            }
        }
    }

    fn suspect_our_network(&mut self, turn: &mut Turn, name: &PodName) {
        let suspicious = self.state.pods.get(name).is_some_and(|pod| pod.outage.failures() >= 2 || pod.is_hit());
        let every = if suspicious || self.state.network_is_down() { CONTROLS_AGAIN_MS } else { CONTROLS_USUAL_MS };
        if suspicious || self.volatile.sweeping {
            self.ask_controls(turn, every);
        }
    }

    fn measure_baseline(&mut self, turn: &mut Turn, name: &PodName) {
        let now = turn.now();
        let (Some(state), Some(plan)) = (self.state.pods.get(name), &self.plan) else { return };
        if !self.volatile.sweeping || !state.baseline.is_due(now) || !state.alerts.is_empty() {
            return;
        }
        let (Some(baseline), Some(pod)) = (state.baseline.measure(), plan.pod(name)) else { return };
        let cusum = super::tuning::cusum_of(pod, baseline);
        let traits = Some(super::tuning::traits_cusum_of(pod, baseline));
        self.commit(turn, Record::BaselineMeasured { at: now, pod: name.clone(), baseline, cusum, traits });
    }

    fn say_verdict(&mut self, turn: &mut Turn, name: &PodName) {
        let Some(pod) = self.state.pods.get(name) else { return };
        let verdict = verdict_of(pod);
        if verdict != pod.verdict {
            self.volatile.escalate = true;
            self.commit(turn, Record::VerdictChanged { at: turn.now(), pod: name.clone(), verdict });
        }
    }

    /// Troubles of our own: the network, and everything else.
    fn evaluate_ourselves(&mut self, turn: &mut Turn) {
        let now = turn.now();
        let since = |wanted: fn(&Trouble) -> bool| {
            self.state.troubles.iter().filter(|(what, _)| wanted(what)).map(|(_, at)| *at).min()
        };
        let network = since(|what| *what == Trouble::Network);
        let other = since(|what| *what != Trouble::Network);
        for (rule, since, patience) in
            [(Rule::Location, network, NETWORK_DOWN_MS), (Rule::Ringcheck, other, TROUBLE_MS)]
        {
            let fires = since.is_some_and(|at| now.as_millis() - at.as_millis() >= patience);
            let firing = self.state.own_alerts.contains_key(&rule);
            if fires && !firing {
                let evidence = Evidence {
                    failed: 0,
                    of: 0,
                    first_failed: AttemptId(0),
                    since: since.unwrap_or(now),
                    symptom: None,
                    attempts: Vec::new(),
                    splits: Vec::new(),
                };
                let experience = Experience::Unknown;
                self.volatile.escalate = true;
                self.commit(turn, Record::AlertFiring { at: now, pod: None, rule, evidence, experience });
            } else if firing && since.is_none() {
                self.volatile.escalate = true;
                self.commit(turn, Record::AlertResolved { at: now, pod: None, rule });
            }
        }
        if self.state.network_is_down() {
            self.volatile.timers.set(now.plus(std::time::Duration::from_secs(1)), Timer::Sweep);
        }
    }
}

/// What becomes of a rule's alert; `is_over` tells whether one that fires may end.
pub(super) fn transition(
    pod: &PodState,
    rule: Rule,
    condition: Condition,
    is_over: impl FnOnce() -> bool,
) -> Option<Change> {
    match (condition, pod.alerts.get(&rule).map(|alert| alert.state)) {
        (Condition::Met, None | Some(AlertState::Pending)) => Some(Change::Fires),
        (Condition::Building, None) => Some(Change::Pends),
        (Condition::No, Some(AlertState::Pending)) => Some(Change::IsDropped),
        (Condition::No | Condition::Building, Some(AlertState::Firing)) => is_over().then_some(Change::IsResolved),
        _ => None,
    }
}

/// The rules of a pod, in the order in which they are judged.
fn rules_of(pod: &PodState) -> impl Iterator<Item = Rule> {
    let plain = pod.rules.plain.iter().enumerate().filter(|(_, rule)| wakes_voice(rule));
    RULES.into_iter().chain(plain.map(|(place, _)| Rule::Plain(u8::try_from(place).unwrap_or(u8::MAX))))
}

/// True for plain rules over calls; the others say something about us or about later.
fn wakes_voice(rule: &PlainRule) -> bool {
    !matches!(rule, PlainRule::TooFew { .. } | PlainRule::CertificateDays { .. })
}

/// The observations that a rule's alert rests on.
fn evidence_of(pod: &PodState, rule: Rule, now: Timestamp) -> Evidence {
    let window = |length: std::time::Duration| now.minus(length);
    if rule.is_of_calls() {
        return judging::evidence_of(pod, rule, now);
    }
    if rule == Rule::BornRed
        && let Some(of_calls) = judging::born_red_evidence(pod, now)
    {
        return of_calls;
    }
    match rule {
        Rule::Outage => pod.memory.evidence(None, pod.outage.since().unwrap_or(now)),
        Rule::TokenBound => match &pod.follow_up {
            Some(follow_up) => pod.memory.evidence(Some(follow_up.of.attempt), follow_up.of.started),
            None => pod.memory.evidence(None, now),
        },
        Rule::Flapping => pod.memory.evidence(None, window(FLAPPING_WITHIN)),
        Rule::NoData => pod.memory.evidence(None, pod.last_observed.unwrap_or(pod.component_since)),
        _ => pod.memory.evidence(None, pod.memory.oldest_failure_among(SHARE_LOOK_BACK).unwrap_or(now)),
    }
}

/// What agents experience, by rule and by what was seen since the trouble began.
pub(super) fn experience_of(pod: &PodState, rule: Rule, since: Timestamp) -> Experience {
    let (failed, of) = pod.memory.scheduled_since(since);
    let connections = || {
        if of >= 6 && failed == of {
            return Experience::NobodyConnects;
        }
        Experience::SomeConnections { share: share_of(failed, of) }
    };
    match rule {
        Rule::Outage => Experience::NobodyConnects,
        Rule::TokenBound => some_agents(pod, since),
        Rule::Share | Rule::HeavyShare | Rule::Trait => connections(),
        Rule::Plain(place) => match pod.rules.plain.get(usize::from(place)) {
            Some(PlainRule::ShareInWindow { .. } | PlainRule::KOfN { .. } | PlainRule::Consecutive { .. }) => {
                connections()
            }
            Some(PlainRule::Latency { .. } | PlainRule::TooFew { .. } | PlainRule::CertificateDays { .. }) | None => {
                Experience::NotAffected
            }
        },
        Rule::OutboundCalls | Rule::InboundCalls | Rule::CallQuality(_) => {
            judging::experience_of(pod, rule, &judging::evidence_of(pod, rule, since))
        }
        Rule::Flapping => Experience::ComesAndGoes,
        Rule::NoData | Rule::TooFew => Experience::Unknown,
        Rule::BornRed | Rule::Throttled | Rule::Location | Rule::Certificate | Rule::Ringcheck => {
            Experience::NotAffected
        }
    }
}

/// A token-bound fault: which share of agents, and whether only holders of one kind are hit.
fn some_agents(pod: &PodState, since: Timestamp) -> Experience {
    let kind = pod.bound.as_ref().map(|bound| bound.token.kind).or(pod.follow_up.as_ref().map(|f| f.of.kind));
    let Some(kind) = kind else { return Experience::SomeAgents { share: (Share::ZERO, Share::ONE), kind: None } };
    let (all_failed, all) = pod.memory.scheduled_since(since);
    let (failed, of) = pod.memory.scheduled_of_kind_since(kind, since);
    let only_this_kind = all > of && all_failed == failed;
    if only_this_kind {
        return Experience::SomeAgents { share: share_of(failed, of), kind: Some(kind) };
    }
    Experience::SomeAgents { share: share_of(all_failed, all), kind: None }
}

/// True if a rule over all attempts of the pod fires.
fn others_fire(pod: &PodState) -> bool {
    pod.firing().any(|rule| rule != Rule::Trait && rule.is_of_connections())
}

fn verdict_of(pod: &PodState) -> Verdict {
    let mut worst = if pod.last_observed.is_none() { Verdict::NoData } else { Verdict::Healthy };
    for rule in pod.firing() {
        let verdict = match rule {
            Rule::Outage => Verdict::Failing,
            Rule::Flapping => Verdict::Flapping,
            Rule::NoData => Verdict::NoData,
            _ if rule.audience() == Audience::VoiceOnCall => Verdict::Partial,
            _ => continue,
        };
        worst = match (worst, verdict) {
            (Verdict::Healthy | Verdict::NoData, found) => found,
            (known, found) => known.max(found),
        };
    }
    worst
}

/// Enough attempts since then, no more failures than usual, and only lone ones. Tokens that a
/// diagnosis suspects count here: a fault of few tokens is hardly seen among the others.
fn is_well_since(pod: &PodState, since: Timestamp) -> bool {
    let (failed, of) = pod.memory.scheduled_since(since);
    let (failed_too, of_chosen) = pod.memory.chosen_since(since);
    let failed = failed + failed_too;
    let usual = f64::from(of + of_chosen) * pod.rules.cusum.usual.get();
    let allowed = usual + 2.0 * usual.sqrt() + 0.5;
    let lone = pod.memory.last_failure_in_company().is_none_or(|at| at < since);
    of >= Thresholds::RECOVERY_ATTEMPTS_MIN && f64::from(failed) <= allowed && lone && pod.outage.failures() < 2
}

/// Tokens like the failing one pass: a long run of recovery attempts, and no more than a single
/// failure of any attempt like it in the whole window.
fn bound_is_well(pod: &PodState, since: Timestamp) -> bool {
    pod.bound.as_ref().is_none_or(|bound| {
        let (failed, _) = pod.memory.like_since(&bound.token, since);
        failed <= 1 && !pod.bound_still_fails() && bound.passed_in_a_row >= RECOVERIES_PASSED_MIN
    })
}
