//! One probe in one pod: when its attempts fall due, and which token each shall use. Everything
//! follows from the plan, the clock and a count, so a restart changes nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{
    AttemptIds, EdgeName, LocationName, PodName, SignatureCells, StableHasher, Timestamp, TokenKind, TokenWish, millis,
};
use crate::plan::{Plan, Pod, Probe, TokenSource};
use crate::token::{Cover, CoverWish, Reach};

/// One in so many scheduled attempts goes through a fallback edge first, so that we know it works.
const FALLBACK_EDGE_ONE_IN: u64 = 10;

/// One probe in one pod.
#[derive(Debug)]
pub struct Lane {
    /// The pod.
    pub pod: Arc<Pod>,
    /// The probe.
    pub probe: Arc<Probe>,
    /// Time between two attempts that the budget allows.
    pace: Duration,
    /// Position of the first attempt within a step, by hash: pods do not fall due together.
    phase: u64,
    /// The ids of its attempts.
    pub ids: AttemptIds,
    /// Start of the round under way, its length, attempts in it, and the next of them.
    round: Round,
    /// What tokens its minter can make.
    pub reach: Arc<Reach>,
    /// Kinds the pod has keys for, in the probe's order.
    kinds: Vec<TokenKind>,
}

#[derive(Clone, Copy, Debug)]
struct Round {
    slot: Timestamp,
    length: Duration,
    attempts: u32,
    next: u32,
}

impl Lane {
    /// The lanes of a plan, in order of pod and probe, ready to go on after `now`.
    pub fn all(plan: &Plan, now: Timestamp) -> Vec<Self> {
        let mut lanes = Vec::new();
        for pod in &plan.pods {
            let probes: Vec<_> = plan.probes_of(pod).filter(|probe| probe.call.is_none()).collect();
            let sharing = probes.iter().filter(|probe| probe.attempts.is_none()).count().max(1);
            for probe in probes {
                lanes.extend(Self::new(&plan.node.location.name, pod, probe, sharing, now));
            }
        }
        lanes
    }

    /// A lane, if the pod has a key for any of the probe's kinds.
    fn new(
        location: &LocationName,
        pod: &Arc<Pod>,
        probe: &Arc<Probe>,
        sharing: usize,
        now: Timestamp,
    ) -> Option<Self> {
        let kinds: Vec<_> = match &pod.tokens {
            TokenSource::Endpoint(endpoint) => vec![endpoint.kind],
            TokenSource::Minted { .. } => probe.kinds.iter().copied().filter(|kind| pod.keys(*kind) > 0).collect(),
        };
        if kinds.is_empty() {
            return None;
        }
        let per_minute = f64::from(pod.budget.connections_per_minute) / sharing as f64;
        let phase =
            StableHasher::new("phase").text(location.as_str()).text(pod.name.as_str()).text(probe.name.as_str());
        let mut lane = Self {
            pod: pod.clone(),
            probe: probe.clone(),
            pace: Duration::from_secs_f64(60.0 / per_minute),
            phase: phase.finish(),
            ids: AttemptIds::of(location, &pod.name, &probe.name),
            round: Round { slot: now, length: Duration::ZERO, attempts: 0, next: 0 },
            reach: Arc::new(pod.reach(location)),
            kinds,
        };
        lane.enter(lane.round_at(now));
        Some(lane)
    }

    /// The round under way at `now`: the newest slot that is not later.
    fn round_at(&self, now: Timestamp) -> Timestamp {
        let schedule = &self.probe.schedule;
        let mut slot = schedule.next_after(now.minus(schedule.shortest_round())).unwrap_or(now);
        while let Some(next) = schedule.next_after(slot)
            && next <= now
        {
            slot = next;
        }
        slot
    }

    fn enter(&mut self, slot: Timestamp) {
        let length = self.probe.schedule.round_length(slot);
        let by_budget = (length.as_secs_f64() / self.pace.as_secs_f64() + 1e-6) as u32;
        let attempts = self.probe.attempts.unwrap_or(by_budget).max(1);
        self.round = Round { slot, length, attempts, next: 0 };
    }

    /// The first moment after `after` at which an attempt is due. Moves on; never goes back.
    pub fn next_due(&mut self, after: Timestamp) -> Option<Timestamp> {
        let shortest = Duration::from_millis(u64::try_from(millis(self.pace) * 9 / 10).unwrap_or(0));
        loop {
            while self.round.next < self.round.attempts {
                let due = self.instant(self.round.next);
                let too_soon = self.probe.attempts.is_none() && due.since(after) < shortest && after > self.round.slot;
                if due > after && !too_soon {
                    return Some(due);
                }
                self.round.next += 1;
            }
            let next = self.probe.schedule.next_after(self.round.slot)?;
            self.enter(next);
        }
    }

    fn instant(&self, number: u32) -> Timestamp {
        let length = u64::try_from(millis(self.round.length)).unwrap_or(u64::MAX).max(1);
        let step = (length / u64::from(self.round.attempts)).max(1);
        let offset = u64::from(number) * length / u64::from(self.round.attempts) + self.phase % step;
        self.round.slot.plus(Duration::from_millis(offset))
    }

    /// The token and the first edge of the scheduled attempt number `made`: what was looked at
    /// longest ago. `None` if the cover knows no token of the lane's kinds.
    pub fn choice(&self, made: u64, cover: &Cover) -> Option<(TokenWish, EdgeName)> {
        let CoverWish { kind, key, name_length, wanted } = cover.wish(made, &self.kinds)?;
        let wish = TokenWish::Fresh { kind, key, name_length, unlike: SignatureCells::NONE, wanted };
        Some((wish, self.edge(made).clone()))
    }

    /// The first edge of the scheduled attempt number `made`.
    pub fn edge(&self, made: u64) -> &EdgeName {
        let edges = self.pod.edges();
        let fallbacks = edges.len() as u64 - 1;
        if fallbacks > 0 && made % FALLBACK_EDGE_ONE_IN == FALLBACK_EDGE_ONE_IN - 1 {
            let place = 1 + made / FALLBACK_EDGE_ONE_IN % fallbacks;
            return &edges[usize::try_from(place).unwrap_or(0)];
        }
        &edges[0]
    }

    /// The names of pod and probe.
    pub fn names(&self) -> (&PodName, &crate::model::ProbeName) {
        (&self.pod.name, &self.probe.name)
    }

    /// Kinds that attempts of this lane use.
    pub fn kinds(&self) -> &[TokenKind] {
        &self.kinds
    }

    /// When an attempt that starts at `at` is given up as lost: after all its steps' deadlines,
    /// and some more for our own queues.
    pub fn lost_at(&self, at: Timestamp) -> Timestamp {
        at.plus(self.probe.deadlines.connection(self.probe.hold)).plus(Duration::from_secs(5))
    }
}
