//! One call probe in one pod: when its calls fall due and with which token each is made. All of it
//! follows from the plan, the clock and a count.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    CallDirection, CallWish, CellWeights, EdgeName, KeySlot, SignatureCells, StableHasher, Timestamp, TokenKind,
    TokenWish, millis,
};
use crate::plan::{CallSettings, Plan, Pod, Probe, TokenSource};

/// One call probe in one pod.
#[derive(Debug)]
pub struct CallLane {
    /// The pod.
    pub pod: Arc<Pod>,
    /// The probe.
    pub probe: Arc<Probe>,
    /// How its calls go.
    pub settings: CallSettings,
    /// Position of the first call within a step, by hash: pods do not call together.
    phase: u64,
    /// Kinds and keys of the pod, in the probe's order.
    keys: Vec<(TokenKind, KeySlot)>,
}

impl CallLane {
    /// The lanes of a plan, in order of pod and probe.
    pub fn all(plan: &Plan) -> Vec<Self> {
        let of_pod = |pod: &Arc<Pod>| {
            let lanes = plan.probes_of(pod).filter_map(|probe| Self::new(plan, pod, probe));
            lanes.collect::<Vec<_>>()
        };
        plan.pods.iter().flat_map(of_pod).collect()
    }

    fn new(plan: &Plan, pod: &Arc<Pod>, probe: &Arc<Probe>) -> Option<Self> {
        let settings = probe.call.clone()?;
        let kinds = match &pod.tokens {
            TokenSource::Endpoint(endpoint) => vec![endpoint.kind],
            TokenSource::Minted { .. } => probe.kinds.clone(),
        };
        let keys_of = |kind: TokenKind| (0..pod.keys(kind)).map(move |key| (kind, KeySlot(key)));
        let keys: Vec<_> = kinds.into_iter().flat_map(keys_of).collect();
        let location = plan.node.location.name.as_str();
        let phase =
            StableHasher::new("call phase").text(location).text(pod.name.as_str()).text(probe.name.as_str()).finish();
        (!keys.is_empty()).then(|| Self { pod: pod.clone(), probe: probe.clone(), settings, phase, keys })
    }

    /// Which way its calls go.
    pub fn direction(&self) -> CallDirection {
        self.settings.direction
    }

    /// The first moment after `after` at which a call is due.
    pub fn next_due(&self, after: Timestamp) -> Option<Timestamp> {
        let schedule = &self.probe.schedule;
        let mut slot = schedule.next_after(after.minus(schedule.shortest_round() * 2)).unwrap_or(after);
        loop {
            if let Some(due) = self.moments(slot).find(|due| *due > after) {
                return Some(due);
            }
            slot = schedule.next_after(slot)?;
        }
    }

    /// The moments of a round, in order.
    fn moments(&self, slot: Timestamp) -> impl Iterator<Item = Timestamp> {
        let length = u64::try_from(millis(self.probe.schedule.round_length(slot))).unwrap_or(u64::MAX).max(1);
        let calls = u64::from(self.probe.attempts.unwrap_or(1).max(1));
        let offset = self.phase % (length / calls).max(1);
        (0..calls).map(move |number| slot.plus(Duration::from_millis(number * length / calls + offset)))
    }

    /// How the call number `made` goes, with which token, through which edge: the slowest of what
    /// goes in turn.
    pub fn choice(&self, made: u64) -> (CallWish, TokenWish, EdgeName) {
        let turns = (self.settings.ring_times.len() * self.settings.codecs.len()).max(1) as u64;
        let (kind, key) = self.keys[(made / turns % self.keys.len() as u64) as usize];
        let lengths = super::super::tuning::name_lengths(&self.pod);
        let name_length = lengths.get((made % lengths.len().max(1) as u64) as usize).copied().unwrap_or(0);
        (self.settings.wish(made), fresh(kind, key, name_length), self.pod.edges()[0].clone())
    }

    /// When a call that starts at `at` is given up as lost: after all its steps' deadlines, and
    /// some more for our own queues.
    pub fn lost_at(&self, at: Timestamp, wish: &CallWish) -> Timestamp {
        let of = |ms: u32| Duration::from_millis(ms.into());
        let longest = self.probe.longest_call(&self.settings, of(wish.ring_ms), of(wish.hold_ms));
        at.plus(longest + Duration::from_secs(5))
    }
}

/// A fresh token, nothing of whose text is wished for.
pub fn fresh(kind: TokenKind, key: KeySlot, name_length: u8) -> TokenWish {
    TokenWish::Fresh { kind, key, name_length, unlike: SignatureCells::NONE, wanted: CellWeights::NONE }
}
