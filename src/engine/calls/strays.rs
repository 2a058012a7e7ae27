//! Calls that were left behind: the node died, or the attempt's task did, while they may have been
//! up. A call that a client places can be given no time limit, so somebody must end it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{
    AttemptId, AttemptSpec, CallDirection, EdgeName, LostReason, Observation, Outcome, PodName, Timestamp,
};
use crate::token::OwnNames;

use super::super::pipeline::Engine;
use super::super::timer::Timer;
use super::super::{Effect, Record, SoughtCalls, Turn};

/// Calls of a pod that are looked for at most; with more, the oldest are given up.
const STRAYS_MAX: usize = 16;
/// When to look again after the first time that it could not be done; each time twice as long …
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// … up to this.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(600);
/// However long the partner asks us to wait, not longer than this.
const PATIENCE_MAX: Duration = Duration::from_secs(3_600);
/// While a call of the same name is up, or a search goes on, it is looked again so often whether it is over.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Looks until a call is given up: some 80 minutes.
const TRIES_MAX: u32 = 14;

/// A call that nobody here holds any more, and that may be up at the partner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StrayCall {
    /// The attempt that was to make it.
    pub attempt: AttemptId,
    /// Which way it went.
    pub direction: CallDirection,
    /// Length of the name that our device had, as it was asked for.
    pub name_length: u8,
    /// Through which edge.
    pub edge: EdgeName,
    /// When the attempt began.
    pub since: Timestamp,
    /// True if it went over the pod's phone number, which rings a client of another name.
    #[serde(default)]
    pub over_number: bool,
}

impl StrayCall {
    /// The call that an attempt may have left behind; nothing if it has seen to its end itself.
    pub(super) fn of(observation: &Observation, over_number: bool) -> Option<Self> {
        let Outcome::Lost { reason } = observation.outcome else { return None };
        let left = matches!(reason, LostReason::Restart | LostReason::NoReport | LostReason::Crash);
        let call = observation.call.as_ref().filter(|_| left)?;
        Some(Self {
            attempt: observation.attempt,
            direction: call.wish.direction,
            name_length: observation.traits.name_length,
            edge: observation.traits.edge.clone(),
            since: observation.started,
            over_number,
        })
    }

    /// True if a call of ours that is under way may be taken for this one.
    fn is_like(&self, spec: &AttemptSpec) -> bool {
        let of_number = |call| call == CallDirection::Inbound && self.over_number;
        let same_name = OwnNames::number_of_call(spec.id) == OwnNames::number_of_call(self.attempt);
        spec.call.is_some_and(|call| same_name || of_number(call.direction))
    }
}

/// The calls of one pod that were left behind.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Strays {
    calls: VecDeque<StrayCall>,
    tries: u32,
    next_at: Option<Timestamp>,
}

impl Strays {
    /// Those that are looked for, oldest first.
    pub fn calls(&self) -> impl Iterator<Item = &StrayCall> {
        self.calls.iter()
    }

    /// One more was left behind.
    pub(in crate::engine) fn left(&mut self, call: StrayCall) {
        if self.calls.len() >= STRAYS_MAX {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
        self.tries = 0;
    }

    /// It was looked for them.
    pub(in crate::engine) fn sought(&mut self, calls: &[AttemptId], found: SoughtCalls) {
        match found {
            SoughtCalls::Ended { .. } | SoughtCalls::GivenUp => {
                self.calls.retain(|call| !calls.contains(&call.attempt));
                (self.tries, self.next_at) = (0, None);
            }
            SoughtCalls::Again { not_before } => {
                self.tries += 1;
                self.next_at = Some(not_before);
            }
        }
    }

    /// What follows when it could not be done, and the partner may have said how long to wait.
    fn after_failure(&self, now: Timestamp, wait: Option<Duration>) -> SoughtCalls {
        if self.tries + 1 >= TRIES_MAX {
            return SoughtCalls::GivenUp;
        }
        let usual = (AGAIN_AFTER * 2_u32.pow(self.tries.min(16))).min(AGAIN_AFTER_MAX);
        let wait = usual.max(wait.unwrap_or_default().min(PATIENCE_MAX));
        SoughtCalls::Again { not_before: now.plus(wait) }
    }
}

/// How looking for calls that were left behind went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallSearch {
    /// None is up any more; so many were.
    Ended(u32),
    /// It could not be done; perhaps later, not before this long.
    Again(Option<Duration>),
    /// It can never be done: the pod has no key for the partner's API, or the names are not ours.
    Never,
}

impl Engine {
    /// Notes the call that an attempt may have left behind, and has it looked for.
    pub(super) fn left_behind(&mut self, turn: &mut Turn, pod: &PodName, call: StrayCall) {
        let now = turn.now();
        self.commit(turn, Record::CallLeft { at: now, pod: pod.clone(), call });
        self.volatile.timers.set(now, Timer::StrayCalls(pod.clone()));
    }

    /// Has the calls looked for that a pod has left behind, one search at a time. Not while the partner
    /// has asked us to slow down, and not while another call is up that has the same name. A pause of
    /// probing does not matter: nothing new is asked for.
    pub(in crate::engine) fn stray_calls_due(&mut self, turn: &mut Turn, name: &PodName) {
        let now = turn.now();
        let Some(pod) = self.state.pods.get(name) else { return };
        let strays = &pod.calls.strays;
        if strays.calls.is_empty() || self.volatile.call_searches.contains(name) {
            return;
        }
        let is_like = |spec: &AttemptSpec| strays.calls.iter().any(|stray| stray.is_like(spec));
        let is_up = pod.in_flight.iter().any(|flight| is_like(&flight.spec));
        let when_over = is_up.then(|| now.plus(LOOK_EVERY));
        let at = [strays.next_at, pod.quiet_until, when_over].into_iter().flatten().max().unwrap_or(now);
        if at > now {
            return self.volatile.timers.set(at, Timer::StrayCalls(name.clone()));
        }
        self.volatile.call_searches.insert(name.clone());
        turn.effects.push(Effect::EndCalls { pod: name.clone(), calls: strays.calls.iter().cloned().collect() });
    }

    /// It was looked for calls that were left behind.
    pub(in crate::engine) fn calls_sought(
        &mut self,
        turn: &mut Turn,
        name: &PodName,
        calls: Vec<AttemptId>,
        search: CallSearch,
    ) {
        let now = turn.now();
        let Some(pod) = self.state.pods.get(name).filter(|_| self.volatile.call_searches.remove(name)) else { return };
        let found = match search {
            CallSearch::Ended(ended) => SoughtCalls::Ended { ended },
            CallSearch::Never => SoughtCalls::GivenUp,
            CallSearch::Again(wait) => pod.calls.strays.after_failure(now, wait),
        };
        self.commit(turn, Record::CallsSought { at: now, pod: name.clone(), calls, found });
        self.stray_calls_due(turn, name);
    }
}
