//! Making calls: by schedule within the budget, another one after a failed one, and those that
//! prove a recovery.

use std::time::Duration;

use crate::model::{
    AttemptId, AttemptSpec, CallDirection, CallWish, EdgeName, Observation, Outcome, PodName, ProbeName, Role,
    Timestamp, TokenWish,
};
use crate::plan::CallTarget;

use super::super::pipeline::Engine;
use super::super::timer::Timer;
use super::super::{Effect, MissedWhy, Record, Turn};
use super::lane::{CallLane, fresh};
use super::strays::{LOOK_EVERY, StrayCall};

/// A due moment that is dealt with later than this was missed: nobody looked.
const MISSED_AFTER_MS: i64 = 10_000;
/// An account is asked to call one of our clients this often at most; it queues the excess.
const ORIGINATION_EVERY: Duration = Duration::from_secs(60);

impl Engine {
    /// Takes the calls of a new plan.
    pub(in crate::engine) fn plan_calls(&mut self, turn: &mut Turn) {
        let Some(plan) = self.plan.clone() else { return };
        let is_of_calls = |timer: &Timer| matches!(timer, Timer::CallSlot(_) | Timer::CallAgain(..));
        self.volatile.timers.retain(|timer| !is_of_calls(timer));
        self.volatile.call_lanes = CallLane::all(&plan);
        for place in 0..self.volatile.call_lanes.len() {
            self.arm_calls(turn, place);
        }
        let pods: Vec<PodName> = self.state.pods.keys().cloned().collect();
        for pod in &pods {
            for direction in CallDirection::ALL {
                self.call_again_due(turn, pod, direction);
            }
            self.stray_calls_due(turn, pod);
        }
    }

    /// Sets the timer for a lane's next call; calls that fell due while nobody looked are recorded.
    fn arm_calls(&mut self, turn: &mut Turn, place: usize) {
        let now = turn.now();
        let lane = &self.volatile.call_lanes[place];
        let (pod, probe) = (lane.pod.name.clone(), lane.probe.name.clone());
        let cursor = self.state.pods.get(&pod).and_then(|state| state.cursors.get(&probe)).copied();
        let missed = cursor
            .and_then(|cursor| lane.next_due(cursor.at))
            .filter(|due| *due < now.minus(Duration::from_millis(MISSED_AFTER_MS.unsigned_abs())));
        let next = lane.next_due(now);
        if let Some(from) = missed {
            let why = self.why_missed(&pod, now);
            self.commit(turn, Record::SlotsMissed { at: now, probe, pod, from, until: now, why });
        }
        if let Some(next) = next {
            self.volatile.timers.set(next, Timer::CallSlot(place));
        }
    }

    /// A lane's call is due: made, left out, or missed.
    pub(in crate::engine) fn call_slot_due(&mut self, turn: &mut Turn, place: usize, due: Timestamp) {
        let now = turn.now();
        let lane = &self.volatile.call_lanes[place];
        let (name, probe, direction) = (lane.pod.name.clone(), lane.probe.name.clone(), lane.direction());
        let Some(pod) = self.state.pods.get(&name) else { return };
        let made = pod.cursors.get(&probe).map_or(0, |cursor| cursor.made);
        if direction == CallDirection::Inbound
            && let Some(at) = self.origination_allowed(&name).filter(|at| *at > now)
            && self.is_probing(&name, now)
        {
            self.volatile.timers.set(at, Timer::CallSlot(place));
            return;
        }
        if self.volatile.call_searches.contains(&name) {
            return self.volatile.timers.set(now.plus(LOOK_EVERY), Timer::CallSlot(place));
        }
        let (wish, token, edge) = lane.choice(made);
        let price = pod.rules.calls.as_ref().map_or(0, |rules| rules.price(&probe, &wish));
        let affordable =
            pod.rules.calls.as_ref().is_some_and(|rules| pod.calls.spending.allows(now, price, rules, Role::Scheduled));
        let late = now.as_millis() - due.as_millis() > MISSED_AFTER_MS;
        let missed = |why: MissedWhy| Record::SlotsMissed {
            at: now,
            probe: probe.clone(),
            pod: name.clone(),
            from: due,
            until: now,
            why,
        };
        let slow = pod.slow_until.is_some_and(|until| until > now) && made % 2 == 1;
        if self.state.is_paused(pod, now) {
            self.commit(turn, missed(MissedWhy::Paused));
        } else if late {
            self.commit(turn, missed(MissedWhy::Down));
        } else if pod.quiet_until.is_some_and(|until| until > now) || !affordable {
            self.volatile.escalate = true;
            self.commit(turn, missed(MissedWhy::Budget));
        } else if slow || self.is_calling(&name, direction) {
            self.commit(turn, Record::SlotGivenUp { at: due, pod: name.clone(), probe, to_reserve: false });
        } else {
            self.dial_call(turn, place, Role::Scheduled, (wish, token, edge), (due, 0));
        }
        if let Some(next) = self.volatile.call_lanes[place].next_due(due.max(now)) {
            self.volatile.timers.set(next, Timer::CallSlot(place));
        }
    }

    /// The call that is due beside the schedule, if there is one, now or by a timer.
    pub(in crate::engine) fn call_again_due(&mut self, turn: &mut Turn, name: &PodName, direction: CallDirection) {
        let now = turn.now();
        let Some(pod) = self.state.pods.get(name) else { return };
        let (Some(rules), Some(score)) = (&pod.rules.calls, pod.calls.score(direction)) else { return };
        let Some((of, role, at)) = score.next() else { return };
        if self.is_calling(name, direction) || !self.is_probing(name, now) {
            return;
        }
        let allowed = match direction {
            CallDirection::Inbound => self.origination_allowed(name),
            CallDirection::Outbound => None,
        };
        let searched = self.volatile.call_searches.contains(name).then(|| now.plus(LOOK_EVERY));
        let at = [Some(at), allowed, searched].into_iter().flatten().max().unwrap_or(at);
        if at > now {
            self.volatile.timers.set(at, Timer::CallAgain(name.clone(), direction));
            return;
        }
        let affordable = pod.calls.spending.allows(now, rules.price(&of.probe, &of.wish), rules, role);
        let is_lane = |lane: &CallLane| lane.pod.name == *name && lane.probe.name == of.probe;
        let Some(place) = self.volatile.call_lanes.iter().position(is_lane).filter(|_| affordable) else { return };
        let token = fresh(of.kind, of.key, of.name_length);
        let (wish, edge) = (of.wish, of.edge.clone());
        let number = if role == Role::Repeat { 1 } else { 1_000 };
        self.dial_call(turn, place, role, (wish, token, edge), (now, number));
    }

    fn dial_call(
        &mut self,
        turn: &mut Turn,
        place: usize,
        role: Role,
        (wish, token, edge): (CallWish, TokenWish, EdgeName),
        (slot, number): (Timestamp, u32),
    ) {
        let Some(plan) = self.plan.as_ref().filter(|_| !self.volatile.stopping) else { return };
        let lane = &self.volatile.call_lanes[place];
        let (pod, probe, now) = (lane.pod.name.clone(), lane.probe.name.clone(), turn.now());
        let id = AttemptId::of(&plan.node.location.name, &pod, &probe, slot.as_millis(), number);
        let deadline = lane.lost_at(now, &wish);
        let call = Some(wish);
        let spec = AttemptSpec { id, pod: pod.clone(), probe, role, token, edge, at: now, deadline, call };
        self.commit(turn, Record::AttemptStarted { spec: spec.remembered() });
        self.volatile.flights.insert(id, pod);
        self.volatile.timers.set(deadline, Timer::Lost(id));
        turn.effects.push(Effect::Dial(spec));
    }

    /// A call is over.
    pub(in crate::engine) fn observe_call(&mut self, turn: &mut Turn, observation: Observation) {
        let (name, direction) = (observation.pod.clone(), observation.call.as_ref().map(|call| call.wish.direction));
        if let Outcome::Throttled { sign, retry_after_s, .. } = observation.outcome {
            self.slow_down(turn, &name, sign, retry_after_s);
        }
        self.volatile.flights.remove(&observation.attempt);
        let left = StrayCall::of(&observation, self.is_over_number(&name, &observation.probe));
        self.commit(turn, Record::Observed { observation });
        if let Some(call) = left {
            self.left_behind(turn, &name, call);
        }
        self.judge_calls(turn, &name);
        if let Some(direction) = direction {
            self.call_again_due(turn, &name, direction);
        }
        self.touch(&name);
    }

    /// True if the calls of this probe go over a phone number.
    fn is_over_number(&self, pod: &PodName, probe: &ProbeName) -> bool {
        let rules = self.state.pods.get(pod).and_then(|pod| pod.rules.calls.as_ref()?.probes.get(probe));
        rules.is_some_and(|rules| rules.to == CallTarget::Number)
    }

    /// When the account of a pod may next be asked to call one of our clients: pods that share an
    /// account share that.
    fn origination_allowed(&self, name: &PodName) -> Option<Timestamp> {
        let plan = self.plan.as_ref()?;
        let account = plan.pod(name)?.account();
        let same = plan.pods.iter().filter(|pod| pod.account() == account);
        let last = same.filter_map(|pod| self.state.pods.get(&pod.name)?.calls.originated).max();
        last.map(|at| at.plus(ORIGINATION_EVERY))
    }

    fn is_calling(&self, name: &PodName, direction: CallDirection) -> bool {
        self.state.pods.get(name).is_some_and(|pod| {
            pod.in_flight.iter().any(|flight| flight.spec.call.is_some_and(|call| call.direction == direction))
        })
    }

    fn is_probing(&self, name: &PodName, now: Timestamp) -> bool {
        self.state
            .pods
            .get(name)
            .is_some_and(|pod| !self.state.is_paused(pod, now) && pod.quiet_until.is_none_or(|until| until <= now))
    }
}
