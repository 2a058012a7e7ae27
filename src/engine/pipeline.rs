//! The machine: state, plan, timers, and the order of the stages of a turn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{AttemptId, IncidentNumber, PodName, Timestamp};
use crate::plan::Plan;

use super::calls::CallLane;
use super::diagnosing::Diagnoses;
use super::dispatches::Dispatches;
use super::lane::Lane;
use super::state::State;
use super::timer::{Timer, Timers};
use super::{Effect, Input, Record, Turn};

/// Time-driven conditions are looked at this often while something is up …
const SWEEP_BUSY_MS: i64 = 1_000;
/// … and this often while all is well.
const SWEEP_QUIET_MS: i64 = 10_000;

/// Decides. See the module's doc.
#[derive(Debug)]
pub struct Engine {
    pub(super) plan: Option<Arc<Plan>>,
    pub(super) state: State,
    pub(super) volatile: Volatile,
}

/// What need not survive a restart: it is rebuilt from plan and state, or of no worth afterwards.
#[derive(Default, Debug)]
pub(super) struct Volatile {
    /// The latest moment seen; time never goes back.
    pub now: Timestamp,
    pub timers: Timers,
    pub lanes: Vec<Lane>,
    pub call_lanes: Vec<CallLane>,
    /// Diagnoses under way.
    pub diagnoses: Diagnoses,
    /// In which pod each attempt of this run of the node is under way.
    pub flights: BTreeMap<AttemptId, PodName>,
    /// Pods whose calls that were left behind are being looked for.
    pub call_searches: BTreeSet<PodName>,
    /// Pods that something happened to in this turn.
    pub touched: Vec<PodName>,
    /// Messages handed out, and how often.
    pub dispatches: Dispatches,
    /// When the control targets were asked last.
    pub controls_asked: Option<Timestamp>,
    /// Attempts that a previous run of this node had under way are closed with the first plan.
    pub restored: bool,
    /// When the next sweep is due.
    pub sweep_at: Timestamp,
    /// True in the turn in which a sweep is due.
    pub sweeping: bool,
    /// When each open incident was looked at last.
    pub looked_at: BTreeMap<IncidentNumber, Timestamp>,
    /// Reports of attempts that nobody waits for: late, double or foreign.
    pub reports_dropped: u64,
    /// True once the node is about to stop: nothing is begun any more.
    pub stopping: bool,
    /// True once anything changed that incidents or messages may follow from.
    pub escalate: bool,
}

impl Default for Engine {
    fn default() -> Self {
        Self::restore(State::default())
    }
}

impl Engine {
    /// Goes on from what a journal told. The first input should be the plan.
    pub fn restore(state: State) -> Self {
        let volatile = Volatile { restored: true, now: Timestamp::MIN, escalate: true, ..Volatile::default() };
        Self { plan: None, state, volatile }
    }

    /// Everything it knows.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The plan in force.
    pub fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }

    /// Reports that nobody waited for: late, double, foreign.
    pub fn reports_dropped(&self) -> u64 {
        self.volatile.reports_dropped
    }

    /// Takes one input at one moment and returns everything that follows from it.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Turn {
        // Time that runs backwards is ignored here, once.
        let now = now.max(self.volatile.now);
        self.volatile.now = now;
        let mut turn = Turn::at(now);
        self.admit(&mut turn, input);
        self.fall_due(&mut turn);
        self.evaluate(&mut turn);
        if self.volatile.escalate || self.volatile.sweeping {
            self.escalate(&mut turn);
            self.notify(&mut turn);
            self.publish(&mut turn);
        }
        self.finish(&mut turn);
        turn
    }

    /// Takes in a fact: the only way to change the state.
    pub(super) fn commit(&mut self, turn: &mut Turn, record: Record) {
        self.state.apply(&record);
        turn.records.push(record);
    }

    pub(super) fn touch(&mut self, pod: &PodName) {
        if !self.volatile.touched.contains(pod) {
            self.volatile.touched.push(pod.clone());
        }
    }

    /// Deals with every timer that is due, in order of time.
    fn fall_due(&mut self, turn: &mut Turn) {
        while let Some((at, timer)) = self.volatile.timers.pop_due(turn.now()) {
            match timer {
                timer if self.volatile.stopping && timer.begins_something() => {}
                Timer::Slot(lane) => self.slot_due(turn, lane, at),
                Timer::CallSlot(lane) => self.call_slot_due(turn, lane, at),
                Timer::CallAgain(pod, direction) => self.call_again_due(turn, &pod, direction),
                Timer::StrayCalls(pod) => self.stray_calls_due(turn, &pod),
                Timer::FollowUp(pod) => self.touch(&pod),
                Timer::Overdue(id) => self.attempt_overdue(turn, id),
                Timer::Lost(id) => self.attempt_lost(turn, id),
                Timer::Retry(id) => self.retry_due(turn, &id),
                Timer::Sweep => self.volatile.sweeping = true,
            }
        }
    }

    fn finish(&mut self, turn: &mut Turn) {
        if self.volatile.sweeping || self.volatile.sweep_at == Timestamp::default() {
            let busy = self.is_busy(turn.now());
            let every = if busy { SWEEP_BUSY_MS } else { SWEEP_QUIET_MS };
            self.volatile.sweep_at = Timestamp::from_millis(turn.now().as_millis() + every);
            self.volatile.timers.set(self.volatile.sweep_at, Timer::Sweep);
        } else if self.volatile.escalate && self.volatile.sweep_at.since(turn.now()).as_millis() > SWEEP_BUSY_MS as u128
        {
            self.volatile.timers.clear(self.volatile.sweep_at, Timer::Sweep);
            self.volatile.sweep_at = Timestamp::from_millis(turn.now().as_millis() + SWEEP_BUSY_MS);
            self.volatile.timers.set(self.volatile.sweep_at, Timer::Sweep);
        }
        self.volatile.sweeping = false;
        self.volatile.escalate = false;
        self.volatile.touched.clear();
        let Volatile { timers, flights, .. } = &mut self.volatile;
        timers.forget_reported(|id| flights.contains_key(&id));
        turn.wake = timers.next();
    }

    fn is_busy(&self, now: Timestamp) -> bool {
        self.state.open_incidents().next().is_some()
            || !self.state.own_alerts.is_empty()
            || !self.state.troubles.is_empty()
            || self.state.pods.values().any(|pod| {
                !pod.alerts.is_empty() || pod.quiet_until.is_some_and(|at| at > now) || self.state.is_paused(pod, now)
            })
    }

    /// Asks the control targets, unless that was done a moment ago.
    pub(super) fn ask_controls(&mut self, turn: &mut Turn, not_within_ms: i64) {
        let recently =
            self.volatile.controls_asked.is_some_and(|at| turn.now().as_millis() - at.as_millis() < not_within_ms);
        if !recently {
            self.volatile.controls_asked = Some(turn.now());
            turn.effects.push(Effect::CheckControls);
        }
    }
}
