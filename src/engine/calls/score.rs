//! How calls of one direction fare: the newest ones, the failed one that is being looked into, and
//! the proof that it is over.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{AttemptId, CallWish, EdgeName, KeySlot, Observation, ProbeName, Role, Step, Timestamp, TokenKind};
use crate::plan::{CallTarget, FarEnd, KOfN};

use super::super::Evidence;
use super::super::seen::SeenResult;
use super::{CallMemory, CallRules, CallSeen};

/// A failed call is followed by another one so long after its end: four of them last longer than
/// a blip.
const AGAIN_AFTER: Duration = Duration::from_secs(3);
/// So many calls at most follow a failed one.
const AGAIN_MAX: u32 = 8;
/// A call that told nothing is made up for after so long.
const AFTER_NOTHING: Duration = Duration::from_secs(30);
/// While recovery is being proven, a call follows a good one so long after its end.
const RECOVERY_AFTER: Duration = Duration::from_secs(30);
/// Fewest calls in a row that prove a recovery, and most.
const RECOVERY_CALLS: (u32, u32) = (5, 40);
/// Chance at most that so many calls pass in a row though as many fail as before. Each failed call begins a
/// row anew, and an incident has many.
const RECOVERY_DOUBT: f64 = 0.0005;
/// Failures of a direction that never worked before the owner is told.
const BORN_RED_FAILURES: u32 = 3;

/// A call that failed, and how to make another one like it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailedCall {
    /// The attempt.
    pub attempt: AttemptId,
    /// When it started.
    pub started: Timestamp,
    /// Of which probe.
    pub probe: ProbeName,
    /// How it was to go, as far as that can matter to how it failed.
    pub wish: CallWish,
    /// Inbound: what was called.
    #[serde(default)]
    pub to: CallTarget,
    /// Outbound: who answered, or should have.
    #[serde(default)]
    pub far_end: FarEnd,
    /// Kind of its token.
    pub kind: TokenKind,
    /// Which key signed it.
    pub key: KeySlot,
    /// Length of the name in it.
    pub name_length: u8,
    /// Through which edge.
    pub edge: EdgeName,
}

impl FailedCall {
    /// Of an observation that failed.
    pub fn of(observation: &Observation, rules: &CallRules) -> Option<Self> {
        let failure = observation.outcome.failure()?;
        let mut wish = observation.call.as_ref()?.wish;
        // What failed before anybody listened would have failed with the usual hold as well.
        if failure.step < Step::Media
            && let Some(probe) = rules.probes.get(&observation.probe)
        {
            wish.hold_ms = wish.hold_ms.min(probe.hold_ms);
        }
        let sort = rules.probes.get(&observation.probe).map(|probe| (probe.to, probe.far_end));
        let (to, far_end) = sort.unwrap_or_default();
        Some(Self {
            attempt: observation.attempt,
            started: observation.started,
            probe: observation.probe.clone(),
            wish,
            to,
            far_end,
            kind: observation.traits.kind,
            key: observation.traits.key,
            name_length: observation.traits.name_length,
            edge: observation.traits.edge.clone(),
        })
    }

    /// True if a call that went well says that this one would go well, too.
    fn is_like(&self, seen: &CallSeen) -> bool {
        let wish = |wish: &CallWish| (wish.ring_ms, wish.codec, wish.path);
        seen.wish.hold_ms >= self.wish.hold_ms
            && wish(&seen.wish) == wish(&self.wish)
            && (seen.kind, seen.to, seen.far_end) == (self.kind, self.to, self.far_end)
    }
}

/// A failed call that is looked into by further ones like it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Doubt {
    /// The failed call.
    pub of: FailedCall,
    /// Calls that followed it.
    pub made: u32,
    /// When the next one is due.
    pub next_at: Timestamp,
}

/// The proof that failing calls are over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recovery {
    /// A call that failed.
    pub of: FailedCall,
    /// So many calls like it must pass in a row.
    pub needed: u32,
    /// So many have.
    pub passed: u32,
    /// When the next one is due; only after one that passed.
    pub next_at: Option<Timestamp>,
    /// When a call failed last.
    pub failed_last: Timestamp,
    /// When the first of the failed calls began that it fires for.
    #[serde(default)]
    pub since: Timestamp,
}

/// How calls of one direction fare.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct CallScore {
    /// The newest calls.
    pub memory: CallMemory,
    /// True once a call has passed.
    pub worked: bool,
    /// Failed calls while none has ever passed.
    pub red: u32,
    /// Calls before this moment no longer count: they belong to an alert that is over.
    pub counted_from: Timestamp,
    /// The newest failed call, if any.
    pub failed: Option<FailedCall>,
    /// A failed call that is looked into.
    pub doubt: Option<Doubt>,
    /// While the rule fires: the proof that it is over.
    pub recovery: Option<Recovery>,
    /// The newest call that says something about the partner.
    pub last_observed: Option<Timestamp>,
    /// Since when no call is made because the budget is spent.
    pub stopped: Option<Timestamp>,
}

impl CallScore {
    /// A call was asked for.
    pub(super) fn start(&mut self, role: Role, at: Timestamp) {
        self.stopped = None;
        match (role, &mut self.doubt, &mut self.recovery) {
            (Role::Repeat, Some(doubt), _) => {
                doubt.made += 1;
                // Until its result says when: never so long that a lost one ends the matter.
                doubt.next_at = at.plus(AFTER_NOTHING);
            }
            (Role::Recovery, _, Some(recovery)) => recovery.next_at = None,
            _ => {}
        }
    }

    /// A call is over. The caller has left out what says nothing about calls.
    pub(super) fn observe(&mut self, seen: CallSeen, failed: Option<FailedCall>) {
        let finished = seen.finished();
        match seen.result {
            SeenResult::Completed | SeenResult::Degraded => self.passed(&seen, finished),
            SeenResult::Failed => self.failed(&seen, failed, finished),
            SeenResult::Throttled | SeenResult::Lost => return,
        }
        self.last_observed = Some(finished);
        self.memory.push(seen);
    }

    /// So many calls must pass in a row as would hardly do if as many failed as until the last failed one: of
    /// those like the one that is tried, or of all, whichever tells more. But no more than can be afforded.
    pub(super) fn ask_enough(&mut self, rules: &CallRules) {
        let Some(recovery) = &mut self.recovery else { return };
        let affordable = rules.beside_schedule(&recovery.of.probe, &recovery.of.wish).max(RECOVERY_CALLS.0);
        let of_alert = self.memory.iter().filter(|seen| seen.started >= recovery.since);
        let like = of_alert.clone().filter(|seen| recovery.of.is_like(seen));
        recovery.needed = unlikely_row(like).min(unlikely_row(of_alert)).min(affordable);
    }

    fn passed(&mut self, seen: &CallSeen, finished: Timestamp) {
        if !self.worked {
            self.worked = true;
            self.red = 0;
            self.counted_from = seen.started;
        }
        if self.doubt.as_ref().is_some_and(|doubt| doubt.of.is_like(seen)) {
            self.doubt = None;
        }
        if let Some(recovery) = &mut self.recovery {
            recovery.passed += u32::from(recovery.of.is_like(seen));
            recovery.next_at = (recovery.passed < recovery.needed).then(|| finished.plus(RECOVERY_AFTER));
        }
    }

    fn failed(&mut self, seen: &CallSeen, failed: Option<FailedCall>, finished: Timestamp) {
        if !self.worked {
            self.red += 1;
            return;
        }
        if let Some(recovery) = &mut self.recovery {
            recovery.passed = 0;
            recovery.next_at = None;
            recovery.failed_last = finished;
            if let (Some(failed), Role::Scheduled) = (failed, seen.role) {
                recovery.of = failed;
            }
            return;
        }
        let next_at = finished.plus(AGAIN_AFTER);
        match (&mut self.doubt, &failed) {
            (Some(doubt), _) if seen.role != Role::Scheduled => doubt.next_at = next_at,
            (doubt, Some(failed)) => *doubt = Some(Doubt { of: failed.clone(), made: 0, next_at }),
            (_, None) => {}
        }
        if self.doubt.as_ref().is_some_and(|doubt| doubt.made >= AGAIN_MAX) {
            self.doubt = None;
        }
        self.failed = failed.or_else(|| self.failed.take());
    }

    /// The call that is due next beside the schedule, why, and when.
    pub fn next(&self) -> Option<(&FailedCall, Role, Timestamp)> {
        if let Some(recovery) = &self.recovery {
            return recovery.next_at.map(|at| (&recovery.of, Role::Recovery, at));
        }
        let open = self.doubt.as_ref().filter(|doubt| doubt.made < AGAIN_MAX);
        open.map(|doubt| (&doubt.of, Role::Repeat, doubt.next_at))
    }

    /// The newest calls that count, oldest first.
    pub fn counted(&self, n: u32) -> impl Iterator<Item = &CallSeen> + Clone {
        let all = self.memory.since(self.counted_from);
        let skipped = all.clone().count().saturating_sub(n as usize);
        all.skip(skipped)
    }

    /// True if too many of the newest calls failed, over longer than a blip.
    pub fn fires(&self, of: KOfN, persist_ms: i64) -> bool {
        let failed: Vec<&CallSeen> = self.counted(of.n).filter(|seen| seen.has_failed()).collect();
        let span = failed
            .first()
            .zip(failed.last())
            .map_or(0, |(first, last)| last.finished().as_millis() - first.started.as_millis());
        self.worked && failed.len() >= of.k as usize && span >= persist_ms
    }

    /// True if the two newest calls failed.
    pub fn is_building(&self) -> bool {
        self.worked && self.counted(2).filter(|seen| seen.has_failed()).count() == 2
    }

    /// True if it never worked and has failed often enough to tell the owner.
    pub fn is_born_red(&self) -> bool {
        !self.worked && self.red >= BORN_RED_FAILURES
    }

    /// The rule fires: from now on its end is to be proven.
    pub(super) fn fired(&mut self, at: Timestamp, evidence: &Evidence) {
        self.doubt = None;
        let Some(of) = self.failed.clone() else { return };
        let (needed, passed, next_at, since) = (RECOVERY_CALLS.1, 0, None, evidence.since);
        self.recovery = Some(Recovery { of, needed, passed, next_at, failed_last: at, since });
    }

    /// It is over.
    pub(super) fn resolved(&mut self, at: Timestamp) {
        self.recovery = None;
        self.counted_from = at;
    }

    /// True while there are calls that can prove that it is over: not if their probe has left the plan, or
    /// wakes nobody any more.
    pub fn is_provable(&self, rules: &CallRules) -> bool {
        let wakes = |recovery: &Recovery| rules.probes.get(&recovery.of.probe).is_some_and(|probe| probe.pages);
        self.recovery.as_ref().is_some_and(wakes)
    }

    /// True if enough calls have passed in a row, and none has failed for the stable window.
    pub fn is_over(&self, now: Timestamp, stable_ms: i64) -> bool {
        self.recovery.as_ref().is_none_or(|recovery| {
            recovery.passed >= recovery.needed && now.as_millis() - recovery.failed_last.as_millis() >= stable_ms
        })
    }

    /// True if it looks better while the rule still fires.
    pub fn looks_better(&self) -> bool {
        self.recovery.as_ref().is_none_or(|recovery| recovery.passed >= 2)
    }
}

/// So many calls pass in a row by a chance of [`RECOVERY_DOUBT`] at most, if nothing has changed since the last
/// of these that failed. Between the first failed one and that, any share of failing calls was as likely as
/// any other at first (Laplace's rule of succession).
fn unlikely_row<'s>(calls: impl Iterator<Item = &'s CallSeen>) -> u32 {
    let failed: Vec<bool> = calls.map(CallSeen::has_failed).skip_while(|failed| !failed).collect();
    let until = failed.iter().rposition(|failed| *failed).unwrap_or(0);
    let between = failed.get(1..=until).unwrap_or_default();
    let (mut passed, mut all) = (1.0, between.len() as f64 + 2.0);
    passed += between.iter().filter(|failed| !**failed).count() as f64;
    let (mut chance, mut row) = (1.0, 0);
    while chance > RECOVERY_DOUBT && row < RECOVERY_CALLS.1 {
        chance *= passed / all;
        (passed, all, row) = (passed + 1.0, all + 1.0, row + 1);
    }
    row.max(RECOVERY_CALLS.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::calls::memory::seen;

    #[test]
    fn the_fewer_have_failed_the_more_must_pass() {
        let needed = |results: &str| unlikely_row(seen(results).iter());
        assert_eq!(needed("xxxxxxxxxxxx"), 5, "all failed, for long");
        assert_eq!(needed("xxxx"), 13, "all failed, but they were few");
        assert_eq!(needed("...xxxx....."), 13, "before and after says nothing");
        assert_eq!(needed(&"x.".repeat(30)), 13, "every second");
        assert_eq!(needed("x..x..x..x"), 40, "a third of few: no more than can be afforded");
        assert_eq!(needed(""), 40);
    }
}
