//! Attempts: what comes in about them, when they are due, overdue, lost, and what is tried next.

use std::sync::Arc;

use crate::model::{
    AttemptId, AttemptReport, AttemptSpec, CallFacts, CellWeights, EdgeName, LostReason, Observation, Outcome, PodName,
    Reached, Role, SignatureCells, ThrottleSign, Timestamp, TokenKind, TokenWish,
};
use crate::plan::{Budget, Plan};
use crate::token::Cover;

use super::focus;
use super::follow_up::{CONTRASTS_MAX, FailedToken, PACE};
use super::lane::Lane;
use super::pipeline::Engine;
use super::pod_state::{InFlight, PodState};
use super::timer::Timer;
use super::{Command, DeliveryResult, Effect, Input, MissedWhy, Record, Rule, Trouble, Turn};

/// A due moment that is dealt with later than this was missed: nobody looked.
const MISSED_AFTER_MS: i64 = 10_000;
/// How long to keep quiet when the partner asks us to slow down and does not say how long.
const QUIET_DEFAULT_S: u32 = 60;
/// However long it says, not longer than this.
const QUIET_MAX_S: u32 = 3_600;
/// How long the pace is halved after keeping quiet.
const SLOW_FOR_S: u64 = 600;
/// A follow-up that gave no result by then is not waited for.
const FOLLOW_UP_PATIENCE_MS: i64 = 15_000;
/// With so much of the share rule's bound used up, no scheduled attempt is given up.
const SUSPICIOUS_FILL: f64 = 0.2;
/// Recovery attempts leave this much of the reserve for a new failure's follow-ups.
const RESERVE_FOR_NEW: u32 = 12;

impl Engine {
    /// Stage 1: takes in what happened.
    pub(super) fn admit(&mut self, turn: &mut Turn, input: Input) {
        match input {
            Input::Tick => {}
            Input::Planned(plan) => self.take_plan(turn, plan),
            Input::AttemptFinished(report) => self.finished(turn, *report),
            Input::DeliveryFinished { id, result } => self.delivery_finished(turn, &id, &result),
            Input::ControlsChecked { answered, of } => self.controls_checked(turn, answered, of),
            Input::CallsSought { pod, calls, search } => self.calls_sought(turn, &pod, calls, search),
            Input::Stopping => self.volatile.stopping = true,
            Input::Command(Command::Pause { pod, until }) => {
                self.volatile.escalate = true;
                self.commit(turn, Record::Paused { at: turn.now(), pod, until });
            }
            Input::Command(Command::Resume { pod }) => {
                self.volatile.escalate = true;
                self.commit(turn, Record::Resumed { at: turn.now(), pod });
            }
            Input::Command(Command::ApproveAvoid { incident, until }) => self.approve_avoid(turn, incident, until),
            Input::Trouble { what, on } => self.trouble(turn, what, on),
        }
    }

    fn take_plan(&mut self, turn: &mut Turn, plan: Arc<Plan>) {
        let now = turn.now();
        let pods =
            plan.pods.iter().map(|pod| super::tuning::rules_of(&plan, pod, self.state.pods.get(&pod.name))).collect();
        let fingerprint = super::tuning::fingerprint(&plan);
        self.commit(turn, Record::PlanAdopted { at: now, pods, fingerprint });
        self.volatile.timers.retain(|timer| !matches!(timer, Timer::Slot(_)));
        self.volatile.flights.retain(|_, pod| self.state.pods.contains_key(pod));
        self.volatile.lanes = Lane::all(&plan, now);
        self.volatile.diagnoses.replan();
        self.plan_covers(turn);
        self.plan = Some(plan);
        if std::mem::take(&mut self.volatile.restored) {
            self.close_attempts_of_before(turn);
            self.redeliver(turn);
        }
        for place in 0..self.volatile.lanes.len() {
            self.arm(turn, place);
        }
        self.plan_calls(turn);
        self.volatile.escalate = true;
    }

    /// Tells each pod's cover what tokens there are now; what it knows stays.
    fn plan_covers(&mut self, turn: &mut Turn) {
        for place in 0..self.volatile.lanes.len() {
            let lane = &self.volatile.lanes[place];
            let (name, mut cover) = (lane.pod.name.clone(), Cover::new(&lane.reach));
            let known = self.state.pods.get(&name).and_then(|pod| pod.cover.as_ref());
            if let Some(known) = known {
                cover.inherit(known);
            }
            if known != Some(&cover) {
                self.commit(turn, Record::CoverPlanned { at: turn.now(), pod: name, cover: Box::new(cover) });
            }
        }
    }

    /// What was under way when the node went down has no result: that is our fault.
    fn close_attempts_of_before(&mut self, turn: &mut Turn) {
        let flights: Vec<InFlight> = self.state.pods.values().flat_map(|pod| pod.in_flight.iter().cloned()).collect();
        for flight in flights {
            self.observe_lost(turn, &flight.spec, LostReason::Restart);
        }
    }

    /// Sets the timer for a lane's next attempt; a gap since the last one is recorded as missed.
    fn arm(&mut self, turn: &mut Turn, place: usize) {
        let now = turn.now();
        let (pod, probe) = {
            let (pod, probe) = self.volatile.lanes[place].names();
            (pod.clone(), probe.clone())
        };
        let cursor = self.state.pods.get(&pod).and_then(|state| state.cursors.get(&probe)).copied();
        let last = cursor.map_or(now, |cursor| cursor.at);
        if let Some(cursor) = cursor
            && now.as_millis() - cursor.at.as_millis() > MISSED_AFTER_MS.max(self.pace_ms(place) * 2)
        {
            let why = self.why_missed(&pod, now);
            let from = cursor.at;
            self.commit(turn, Record::SlotsMissed { at: now, probe, pod, from, until: now, why });
        }
        if let Some(due) = self.volatile.lanes[place].next_due(last.max(now)) {
            self.volatile.timers.set(due, Timer::Slot(place));
        }
    }

    fn pace_ms(&self, place: usize) -> i64 {
        60_000 / i64::from(self.volatile.lanes[place].pod.budget.connections_per_minute)
    }

    pub(super) fn why_missed(&self, pod: &PodName, now: Timestamp) -> MissedWhy {
        let Some(pod) = self.state.pods.get(pod) else { return MissedWhy::Down };
        let paused =
            [self.state.paused_until, pod.paused_until].iter().flatten().any(|until| until.since(now).is_zero());
        if paused { MissedWhy::Paused } else { MissedWhy::Down }
    }

    /// A lane's attempt is due: made, given up, or missed.
    pub(super) fn slot_due(&mut self, turn: &mut Turn, place: usize, due: Timestamp) {
        let now = turn.now();
        let (pod_name, probe) = self.volatile.lanes[place].names();
        let Some(pod) = self.state.pods.get(pod_name) else { return };
        let made = pod.cursors.get(probe).map_or(0, |cursor| cursor.made);
        let quiet = pod.quiet_until.is_some_and(|until| until > now);
        if self.state.is_paused(pod, now) || quiet || now.as_millis() - due.as_millis() > MISSED_AFTER_MS {
            let why = match (quiet, self.state.is_paused(pod, now)) {
                (true, _) => MissedWhy::Budget,
                (_, true) => MissedWhy::Paused,
                _ => MissedWhy::Down,
            };
            let (pod, probe) = (pod_name.clone(), probe.clone());
            self.commit(turn, Record::SlotsMissed { at: now, probe, pod, from: due, until: now, why });
        } else if pod.slow_until.is_some_and(|until| until > now) && made % 2 == 1 {
            self.give_up_slot(turn, place, due, false);
        } else if pays_back(pod) && made % Budget::RESERVE_ONE_IN == 0 {
            self.give_up_slot(turn, place, due, true);
        } else {
            self.attempt_due(turn, place, made, due);
        }
        if let Some(next) = self.volatile.lanes[place].next_due(due.max(Timestamp::from_millis(now.as_millis() - 1))) {
            self.volatile.timers.set(next, Timer::Slot(place));
        }
    }

    /// The attempt itself: for the diagnosis of an open incident, for a suspected trait, or as the
    /// cover has it.
    fn attempt_due(&mut self, turn: &mut Turn, place: usize, made: u64, due: Timestamp) {
        let lane = &self.volatile.lanes[place];
        let Some(pod) = self.state.pods.get(&lane.pod.name) else { return };
        let Some((token, edge)) = pod.cover.as_ref().and_then(|cover| lane.choice(made, cover)) else { return };
        let suspected = pod.suspected_trait().filter(|_| focus::is_focused(made));
        let (token, edge) = match suspected {
            Some(feature) => focus::carry(feature, (token, edge), &lane.reach),
            None => (token, edge),
        };
        if self.is_any_diagnosed() {
            let (name, first) = (lane.pod.name.clone(), lane.edge(made).clone());
            if let Some((token, edge)) = self.look_for_slot(&name, made, &first) {
                // The slot goes to the reserve, which pays for the look.
                self.give_up_slot(turn, place, due, true);
                return self.dial(turn, place, Role::Diagnosis, token, edge, (due, 0));
            }
        }
        self.dial(turn, place, Role::Scheduled, token, edge, (due, 0));
    }

    fn give_up_slot(&mut self, turn: &mut Turn, place: usize, due: Timestamp, to_reserve: bool) {
        let (pod, probe) = self.volatile.lanes[place].names();
        let (pod, probe) = (pod.clone(), probe.clone());
        self.commit(turn, Record::SlotGivenUp { at: due, pod, probe, to_reserve });
    }

    pub(super) fn dial(
        &mut self,
        turn: &mut Turn,
        place: usize,
        role: Role,
        token: TokenWish,
        edge: EdgeName,
        id: (Timestamp, u32),
    ) {
        if self.volatile.stopping {
            return;
        }
        let lane = &self.volatile.lanes[place];
        let (pod, probe) = (lane.pod.name.clone(), lane.probe.name.clone());
        let now = turn.now();
        let id = lane.ids.id(id.0.as_millis(), id.1);
        let deadline = lane.lost_at(now);
        let spec = AttemptSpec { id, pod, probe, role, token, edge, at: now, deadline, call: None };
        self.commit(turn, Record::AttemptStarted { spec: spec.remembered() });
        self.volatile.flights.insert(id, spec.pod.clone());
        if let Some(state) = self.state.pods.get(&spec.pod) {
            let overdue = now.plus(std::time::Duration::from_millis(state.rules.overdue_ms.unsigned_abs()));
            self.volatile.timers.set_overdue(overdue, id);
        }
        turn.effects.push(Effect::Dial(spec));
    }

    /// Asks for what the pod's look into a failure wants next.
    pub(super) fn follow_up_due(&mut self, turn: &mut Turn, name: &PodName) {
        let now = turn.now();
        let Some(pod) = self.state.pods.get(name) else { return };
        let Some(follow_up) = &pod.follow_up else { return };
        let patience_over = now.as_millis() - follow_up.next_at.as_millis() > FOLLOW_UP_PATIENCE_MS;
        // While everything fails, go on until the outage is old enough to be one.
        let unripe = pod.outage.is_building() && !pod.outage.fires(pod.rules.persist_ms);
        if follow_up.is_over() && !follow_up.fires() && !unripe || patience_over {
            self.commit(turn, Record::FollowUpsEnded { at: now, pod: name.clone() });
            return;
        }
        let more = unripe && follow_up.contrasts_sent < CONTRASTS_MAX;
        let Some(role) = follow_up.next_role().or(more.then_some(Role::Contrast)) else {
            let give_up = follow_up.next_at.plus(std::time::Duration::from_millis(FOLLOW_UP_PATIENCE_MS as u64 + 1));
            self.volatile.timers.set(give_up, Timer::FollowUp(name.clone()));
            return;
        };
        if follow_up.next_at > now {
            let at = follow_up.next_at;
            self.volatile.timers.set(at, Timer::FollowUp(name.clone()));
            return;
        }
        let (of, number) = (follow_up.of.clone(), u32::from(follow_up.repeats_sent + follow_up.contrasts_sent) + 1);
        let place = self.lane_of(name, &of);
        if pod.reserve == 0 || self.state.is_paused(pod, now) || place.is_none() {
            self.commit(turn, Record::FollowUpsEnded { at: now, pod: name.clone() });
            return;
        }
        let (token, edge) = match role {
            Role::Repeat => (TokenWish::Same { of: of.attempt }, of.edge.clone()),
            _ => self.contrast_of(pod, &of, number, place.unwrap_or(0)),
        };
        self.dial(turn, place.unwrap_or(0), role, token, edge, (of.started, number));
        self.volatile.timers.set(now.plus(PACE), Timer::FollowUp(name.clone()));
    }

    /// While a token-bound alert fires: tokens like the one that failed, to see whether it is over.
    pub(super) fn recovery_due(&mut self, turn: &mut Turn, name: &PodName) {
        let now = turn.now();
        let Some(pod) = self.state.pods.get(name) else { return };
        let Some(bound) = &pod.bound else { return };
        let quiet = pod.quiet_until.is_some_and(|until| until > now);
        if bound.next_at > now || quiet || self.state.is_paused(pod, now) || pod.reserve <= RESERVE_FOR_NEW {
            return;
        }
        let of = bound.token.clone();
        let Some(place) = self.lane_of(name, &of) else { return };
        let like = TokenWish::Fresh {
            kind: of.kind,
            key: of.key,
            name_length: of.name_length,
            unlike: SignatureCells::NONE,
            wanted: CellWeights::each(of.cells),
        };
        self.dial(turn, place, Role::Recovery, like, of.edge, (now, 1_000));
    }

    fn lane_of(&self, pod: &PodName, of: &FailedToken) -> Option<usize> {
        self.volatile.lanes.iter().position(|lane| lane.pod.name == *pod && lane.probe.name == of.probe)
    }

    /// A token as unlike the failing one as the pod allows: another kind, key, length of name and
    /// edge, all of which have worked before, and no common cell.
    fn contrast_of(&self, pod: &PodState, of: &FailedToken, number: u32, place: usize) -> (TokenWish, EdgeName) {
        let lane = &self.volatile.lanes[place];
        let worked = |kind: TokenKind| pod.green.iter().filter(move |(k, _, _)| *k == kind);
        let other_kind = lane.kinds().iter().copied().find(|kind| *kind != of.kind && worked(*kind).next().is_some());
        let kind = other_kind.unwrap_or(of.kind);
        // Prefer another key and another edge; among those that worked, in turn.
        let mut options: Vec<_> = worked(kind).collect();
        options.sort_by_key(|(_, key, edge)| (kind == of.kind && *key == of.key, *edge == of.edge));
        let (key, edge) = options.first().map_or((of.key, of.edge.clone()), |(_, key, edge)| (*key, edge.clone()));
        let lengths = super::tuning::name_lengths(&lane.pod).iter().copied();
        let lengths: Vec<u8> = lengths.filter(|length| pod.length_has_worked(*length)).collect();
        let others: Vec<u8> = lengths.iter().copied().filter(|length| length % 3 != of.name_length % 3).collect();
        let from = if others.is_empty() { &lengths } else { &others };
        let name_length = from.get(number as usize / 2 % from.len().max(1)).copied().unwrap_or(of.name_length);
        (TokenWish::Fresh { kind, key, name_length, unlike: of.cells, wanted: CellWeights::NONE }, edge)
    }

    fn finished(&mut self, turn: &mut Turn, report: AttemptReport) {
        let name = self.volatile.flights.remove(&report.id);
        let Some((name, pod)) = name.and_then(|name| self.state.pods.get(&name).map(|pod| (name, pod))) else {
            self.volatile.reports_dropped += 1;
            return;
        };
        let Some(flight) = pod.in_flight.iter().find(|flight| flight.spec.id == report.id) else {
            self.volatile.reports_dropped += 1;
            return;
        };
        if flight.overdue || flight.spec.call.is_some() {
            self.volatile.timers.clear(flight.spec.deadline, Timer::Lost(report.id));
        }
        let (probe, role, started) = (flight.spec.probe.clone(), flight.spec.role, flight.spec.at);
        let wish = flight.spec.call;
        if let Some(certificate) = report.certificate {
            self.certificate_seen(turn, &name, &report.traits.edge, certificate.not_after);
        }
        // A call that went well and tells nothing of itself was not made.
        let untold = wish.is_some() && report.call.is_none() && report.outcome.is_completed();
        let outcome = if untold { Outcome::Lost { reason: LostReason::NoReport } } else { report.outcome };
        let outcome = self.as_seen_from_here(outcome);
        // The engine's own clock says when an attempt started: the order of starts is what rule A
        // rests on.
        let observation = Observation {
            attempt: report.id,
            pod: name,
            probe,
            role,
            started,
            finished: turn.now(),
            outcome,
            traits: report.traits,
            reached: Reached::of(&report.partner),
            call: report.call.filter(|_| wish.is_some()).or_else(|| wish.map(CallFacts::of).map(Box::new)),
        };
        self.observe(turn, observation);
    }

    /// Through a dead network of ours nothing can be said about the partner.
    fn as_seen_from_here(&self, outcome: Outcome) -> Outcome {
        if self.state.network_is_down() && outcome.failure().is_some() {
            return Outcome::Lost { reason: LostReason::NoNetwork };
        }
        outcome
    }

    fn observe(&mut self, turn: &mut Turn, observation: Observation) {
        if observation.call.is_some() {
            return self.observe_call(turn, observation);
        }
        let now = turn.now();
        let name = observation.pod.clone();
        let Some(pod) = self.state.pods.get(&name) else { return };
        if observation.outcome.is_completed() {
            // Whether this pass ends a blip must be seen before it is counted.
            let runs = pod.outage.failures() > 0;
            let blip = if runs { pod.outage.clone().pass(observation.started) } else { None };
            let too_long = |since: Timestamp| now.as_millis() - since.as_millis() > pod.rules.persist_ms * 4;
            if let Some(blip) = blip.filter(|blip| !too_long(blip.since) && !pod.is_hit()) {
                let record =
                    Record::BlipSeen { at: now, pod: name.clone(), since: blip.since, failures: blip.failures };
                self.commit(turn, record);
            }
        }
        if let Outcome::Throttled { sign, retry_after_s, .. } = observation.outcome {
            self.slow_down(turn, &name, sign, retry_after_s);
        }
        let failing = self.failed_token(&observation);
        let glance = self.glance(&observation);
        self.commit(turn, Record::Observed { observation });
        if let Some(glance) = glance {
            self.learn(turn, glance);
        }
        if let Some(of) = failing {
            self.begin_follow_ups(turn, &name, of);
        }
        self.touch(&name);
    }

    fn failed_token(&self, observation: &Observation) -> Option<FailedToken> {
        observation.outcome.failure()?;
        if observation.role != Role::Scheduled {
            return None;
        }
        Some(FailedToken {
            attempt: observation.attempt,
            started: observation.started,
            probe: observation.probe.clone(),
            kind: observation.traits.kind,
            key: observation.traits.key,
            name_length: observation.traits.name_length,
            edge: observation.traits.edge.clone(),
            cells: observation.traits.shape.signature,
        })
    }

    /// A failure is looked into at once, unless another one is, or the trouble is known already.
    fn begin_follow_ups(&mut self, turn: &mut Turn, name: &PodName, of: FailedToken) {
        let Some(pod) = self.state.pods.get(name) else { return };
        let known = pod.alerts.contains_key(&Rule::TokenBound) && pod.bound.is_some()
            || pod.firing().any(|rule| rule == Rule::Outage) && pod.outage.is_building();
        let green = pod.is_green_through(of.kind, of.key, &of.edge) && pod.length_has_worked(of.name_length);
        let quiet = pod.quiet_until.is_some_and(|until| until > turn.now());
        if pod.follow_up.is_none() && !known && green && !quiet && pod.reserve > 0 && !self.state.network_is_down() {
            self.commit(turn, Record::FollowUpsBegan { at: turn.now(), pod: name.clone(), of });
        }
    }

    pub(super) fn slow_down(
        &mut self,
        turn: &mut Turn,
        name: &PodName,
        _sign: ThrottleSign,
        retry_after_s: Option<u32>,
    ) {
        let quiet = u64::from(retry_after_s.unwrap_or(QUIET_DEFAULT_S).min(QUIET_MAX_S));
        let now = turn.now();
        let quiet_until = now.plus(std::time::Duration::from_secs(quiet));
        let slow_until = quiet_until.plus(std::time::Duration::from_secs(SLOW_FOR_S));
        self.commit(turn, Record::SlowedDown { at: now, pod: name.clone(), quiet_until, slow_until });
    }

    fn certificate_seen(&mut self, turn: &mut Turn, name: &PodName, edge: &EdgeName, not_after: Timestamp) {
        let known = self.state.pods.get(name).and_then(|pod| pod.certificates.get(edge));
        if known != Some(&not_after) {
            let (pod, edge) = (name.clone(), edge.clone());
            self.commit(turn, Record::CertificateSeen { at: turn.now(), pod, edge, not_after });
        }
    }

    /// An attempt has given no result for longer than it should need.
    pub(super) fn attempt_overdue(&mut self, turn: &mut Turn, id: AttemptId) {
        let Some(spec) = self.flight(id) else { return };
        self.volatile.timers.set(spec.deadline, Timer::Lost(id));
        self.commit(turn, Record::AttemptOverdue { at: turn.now(), pod: spec.pod.clone(), id });
        let name = spec.pod;
        if spec.role == Role::Scheduled
            && let TokenWish::Fresh { kind, key, name_length, .. } = spec.token
        {
            let cells = SignatureCells::NONE;
            let (attempt, started) = (id, spec.at);
            let of =
                FailedToken { attempt, started, probe: spec.probe, kind, key, name_length, edge: spec.edge, cells };
            self.begin_follow_ups(turn, &name, of);
        }
        self.touch(&name);
    }

    /// An attempt has not reported at all: our own fault.
    pub(super) fn attempt_lost(&mut self, turn: &mut Turn, id: AttemptId) {
        let Some(spec) = self.flight(id) else { return };
        self.volatile.flights.remove(&id);
        self.observe_lost(turn, &spec, LostReason::NoReport);
    }

    fn observe_lost(&mut self, turn: &mut Turn, spec: &AttemptSpec, reason: LostReason) {
        let observation = Observation {
            attempt: spec.id,
            pod: spec.pod.clone(),
            probe: spec.probe.clone(),
            role: spec.role,
            started: spec.at,
            finished: turn.now(),
            outcome: Outcome::Lost { reason },
            traits: spec.traits_asked_for(),
            reached: Reached::default(),
            call: spec.call.map(CallFacts::of).map(Box::new),
        };
        self.observe(turn, observation);
    }

    /// What an attempt of this run of the node that is under way was asked to be.
    fn flight(&self, id: AttemptId) -> Option<AttemptSpec> {
        let pod = self.state.pods.get(self.volatile.flights.get(&id)?)?;
        pod.in_flight.iter().find(|flight| flight.spec.id == id).map(|flight| flight.spec.clone())
    }

    fn controls_checked(&mut self, turn: &mut Turn, answered: u8, of: u8) {
        let now = turn.now();
        self.volatile.escalate = true;
        if self.state.controls.is_none_or(|(a, o, _)| (a, o) != (answered, of)) {
            self.commit(turn, Record::ControlsChanged { at: now, answered, of });
        }
        self.trouble(turn, Trouble::Network, of > 0 && answered == 0);
    }

    fn trouble(&mut self, turn: &mut Turn, what: Trouble, on: bool) {
        if self.state.troubles.contains_key(&what) != on {
            self.volatile.escalate = true;
            self.commit(turn, Record::TroubleChanged { at: turn.now(), what, on });
        }
    }

    fn delivery_finished(&mut self, turn: &mut Turn, id: &super::DeliveryId, result: &DeliveryResult) {
        self.volatile.escalate = true;
        self.settle(turn, id, result);
    }
}

/// True if the pod's next fifth slot goes to the reserve: not in the middle of a suspicion, when
/// every scheduled attempt counts; it is paid back when the suspicion is over, or has fired.
fn pays_back(pod: &PodState) -> bool {
    let suspicious = pod.cusum.fill(&pod.rules.cusum) > SUSPICIOUS_FILL && pod.firing().next().is_none();
    pod.reserve < Budget::FOLLOW_UPS_SAVED && !suspicious
}
