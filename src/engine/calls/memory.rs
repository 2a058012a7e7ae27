//! The newest calls of one direction, kept small, so that a rule can look back at them and an
//! alert can say what it rests on.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::model::{
    AttemptId, CallWish, Degradation, FailureReason, FarHears, HeardSound, Observation, Outcome, OwnServerTrouble,
    PathTaken, Role, Timestamp, TokenKind, millis,
};
use crate::plan::{CallLimit, CallTarget, FarEnd, KOfN};

use super::super::seen::{NAMED_MAX, SeenResult, separating};
use super::super::{Evidence, Split, Symptom, TraitClass};

/// One call, kept small.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallSeen {
    /// Which attempt.
    pub attempt: AttemptId,
    /// When it started.
    pub started: Timestamp,
    /// Time to the outcome, in milliseconds.
    pub took_ms: u32,
    /// Why it was made: by schedule, again after a failed one, or to see whether that is over.
    pub role: Role,
    /// How it was to go.
    pub wish: CallWish,
    /// Inbound: what was called.
    #[serde(default)]
    pub to: CallTarget,
    /// Outbound: who answered, or should have.
    #[serde(default)]
    pub far_end: FarEnd,
    /// Kind of its token.
    pub kind: TokenKind,
    /// How it ended.
    pub result: SeenResult,
    /// What its failure looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symptom: Option<Symptom>,
    /// Time to be set up, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_up_ms: Option<u32>,
    /// Time to arrive, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_ms: Option<u32>,
    /// Opinion score, times a hundred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mos_centi: Option<u16>,
    /// Packets lost, in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_permille: Option<u16>,
    /// Whether only one side heard the other, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_way: Option<bool>,
    /// The path that its media took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathTaken>,
    /// True if its audio was not as it should be.
    #[serde(default)]
    pub poor: bool,
    /// In which ways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaws: Vec<Degradation>,
    /// What of a server that the pod's file names stood in the way of the path that was demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_server: Option<OwnServerTrouble>,
    /// How long after it was connected its audio stopped, if it did, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_ms: Option<u32>,
}

impl CallSeen {
    /// Of an observation, if it was a call.
    pub fn of(observation: &Observation) -> Option<Self> {
        let call = observation.call.as_ref()?;
        let failure = observation.outcome.failure();
        let flaws: Vec<Degradation> = match &observation.outcome {
            Outcome::Completed { degraded } => degraded.iter().copied().filter(Degradation::is_of_audio).collect(),
            Outcome::Failed(_) | Outcome::Throttled { .. } | Outcome::Lost { .. } => Vec::new(),
        };
        let one_way = match (failure.map(|failure| failure.reason), &call.audio) {
            (Some(FailureReason::NotHeard), _) => Some(true),
            (_, Some(audio)) => match (audio.heard, audio.far_hears) {
                (HeardSound::OurTone, FarHears::Yes) => Some(false),
                (HeardSound::OurTone, FarHears::No) => Some(true),
                (HeardSound::Nothing | HeardSound::Silence, FarHears::Yes) => Some(true),
                _ => None,
            },
            _ => None,
        };
        // Where another client of ours listens too, the worse of the two counts.
        let there = call.far.as_ref().and_then(|far| far.audio.as_ref());
        let both = || call.audio.iter().chain(there);
        Some(Self {
            attempt: observation.attempt,
            started: observation.started,
            took_ms: u32::try_from(millis(observation.finished.since(observation.started))).unwrap_or(u32::MAX),
            role: observation.role,
            wish: call.wish,
            to: CallTarget::default(),
            far_end: FarEnd::default(),
            kind: observation.traits.kind,
            result: SeenResult::of(&observation.outcome),
            symptom: failure.map(Symptom::of),
            set_up_ms: call.set_up_ms,
            delivery_ms: call.delivery_ms,
            mos_centi: both().map(|audio| audio.mos_centi).min(),
            loss_permille: both().map(|audio| audio.loss_permille).max(),
            one_way,
            path: call.path,
            poor: !flaws.is_empty(),
            flaws,
            own_server: failure
                .filter(|failure| failure.reason == FailureReason::NoPath)
                .and_then(|_| OwnServerTrouble::in_the_way(call.wish.path, &call.servers)),
            stopped_ms: both().filter_map(|audio| audio.stopped_ms).min(),
        })
    }

    /// True if it failed.
    pub fn has_failed(&self) -> bool {
        self.result == SeenResult::Failed
    }

    /// When it was over.
    pub fn finished(&self) -> Timestamp {
        self.started.plus(std::time::Duration::from_millis(self.took_ms.into()))
    }

    /// About how long after its answer it was over, in milliseconds.
    pub fn talked_ms(&self) -> u32 {
        let before = self.set_up_ms.unwrap_or(0) + self.delivery_ms.unwrap_or(0) + self.wish.ring_ms;
        self.took_ms.saturating_sub(before)
    }

    /// Whether it is beyond a limit; nothing if that was not measured.
    pub fn is_beyond(&self, limit: CallLimit) -> Option<bool> {
        let longer = |took: Option<u32>, than: std::time::Duration| took.map(|ms| i64::from(ms) > millis(than));
        match limit {
            CallLimit::SetUp(than) => longer(self.set_up_ms, than),
            CallLimit::Delivery(than) => longer(self.delivery_ms, than),
            CallLimit::Mos(than) => self.mos_centi.map(|mos| mos < than),
            CallLimit::Loss(than) => self.loss_permille.map(|loss| loss > than),
            CallLimit::OneWay => self.one_way,
            CallLimit::Degraded => (!self.has_failed()).then_some(self.poor),
        }
    }
}

/// The newest calls of one direction.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct CallMemory(VecDeque<CallSeen>);

impl CallMemory {
    /// Keeps one.
    pub fn push(&mut self, seen: CallSeen) {
        if self.0.len() == KOfN::N_MAX as usize {
            self.0.pop_front();
        }
        self.0.push_back(seen);
    }

    /// All that is kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &CallSeen> + Clone {
        self.0.iter()
    }

    /// Those that were over after a moment, oldest first.
    pub fn since(&self, moment: Timestamp) -> impl DoubleEndedIterator<Item = &CallSeen> + Clone {
        self.0.iter().filter(move |seen| seen.finished() > moment)
    }
}

/// The trouble with a server of our own, if every one of these failed calls has it; the newest one's.
pub fn own_server<'s>(failed: impl Iterator<Item = &'s CallSeen>) -> Option<OwnServerTrouble> {
    let (mut newest, mut found) = (Timestamp::MIN, None);
    for seen in failed {
        let trouble = seen.own_server?;
        if seen.started >= newest {
            (newest, found) = (seen.started, Some(trouble));
        }
    }
    found
}

/// When the trouble began among these calls, oldest first: at the failed one from which on they exceed the
/// share of a rule by most (Page's cumulative sum, read backwards). A stray one long before does not count.
pub fn onset<'s>(calls: impl Iterator<Item = &'s CallSeen>, of: KOfN) -> Option<Timestamp> {
    let calls: Vec<&CallSeen> = calls.collect();
    let (passed, failed) = (-i64::from(of.k), i64::from(of.n) - i64::from(of.k));
    let (mut sum, mut most) = (0, None);
    for seen in calls.into_iter().rev() {
        sum += if seen.has_failed() { failed } else { passed };
        // Of equals the first.
        if seen.has_failed() && most.is_none_or(|(known, _)| sum >= known) {
            most = Some((sum, seen.started));
        }
    }
    most.map(|(_, at)| at)
}

/// What an alert rests on whose bad calls among these are given by `bad`: from the first of them on that
/// began at `since` or later.
pub fn evidence<'s>(
    calls: impl Iterator<Item = &'s CallSeen> + Clone,
    since: Timestamp,
    bad: impl Fn(&CallSeen) -> bool,
    now: Timestamp,
) -> Evidence {
    let before = calls.clone();
    let of_alert = calls.skip_while(|seen| seen.started < since);
    let relevant: Vec<&CallSeen> = of_alert.skip_while(|seen| !bad(seen)).collect();
    let failing: Vec<&CallSeen> = relevant.iter().copied().filter(|seen| bad(seen)).collect();
    let mut symptoms: Vec<(&Symptom, usize)> = Vec::new();
    for symptom in failing.iter().filter_map(|seen| seen.symptom.as_ref()) {
        match symptoms.iter_mut().find(|(known, _)| *known == symptom) {
            Some((_, count)) => *count += 1,
            None => symptoms.push((symptom, 1)),
        }
    }
    // What passed before tells as well what separates failing from passing calls.
    let all: Vec<&CallSeen> = before.collect();
    Evidence {
        failed: count(failing.len()),
        of: count(relevant.len()),
        first_failed: failing.first().map_or(AttemptId(0), |seen| seen.attempt),
        since: failing.first().map_or(now, |seen| seen.started),
        symptom: symptoms.iter().max_by_key(|(_, count)| *count).map(|(symptom, _)| (*symptom).clone()),
        attempts: failing.iter().rev().take(NAMED_MAX).rev().map(|seen| seen.attempt).collect(),
        splits: splits(&all, &bad),
    }
}

/// The classes of calls that separate bad from good ones, best first.
fn splits(calls: &[&CallSeen], bad: &impl Fn(&CallSeen) -> bool) -> Vec<Split> {
    let all_failed = count(calls.iter().filter(|seen| bad(seen)).count());
    let mut tallies: BTreeMap<TraitClass, (u32, u32)> = BTreeMap::new();
    for class in classes(calls) {
        let of: Vec<&&CallSeen> = calls.iter().filter(|seen| is_in(&class, seen)).collect();
        let failed = of.iter().filter(|seen| bad(seen)).count();
        tallies.insert(class, (count(failed), count(of.len())));
    }
    separating(tallies, all_failed, count(calls.len()))
}

fn classes(calls: &[&CallSeen]) -> std::collections::BTreeSet<TraitClass> {
    let of_call = |seen: &&CallSeen| {
        [
            TraitClass::CallHold(seen.wish.hold_ms),
            TraitClass::CallRing(seen.wish.ring_ms),
            TraitClass::CallCodec(seen.wish.codec),
            TraitClass::CallTo(seen.to),
            TraitClass::CallFarEnd(seen.far_end),
            TraitClass::Kind(seen.kind),
        ]
    };
    calls.iter().flat_map(of_call).collect()
}

/// Calls that hold or ring at least as long are in the class of the shorter one.
fn is_in(class: &TraitClass, seen: &CallSeen) -> bool {
    match class {
        TraitClass::CallHold(ms) => seen.wish.hold_ms >= *ms,
        TraitClass::CallRing(ms) => seen.wish.ring_ms >= *ms,
        TraitClass::CallCodec(codec) => seen.wish.codec == *codec,
        TraitClass::CallTo(to) => seen.to == *to,
        TraitClass::CallFarEnd(far) => seen.far_end == *far,
        TraitClass::Kind(kind) => seen.kind == *kind,
        _ => false,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub(super) use tests::seen;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CallDirection, Codec, IceService, IceTrouble, MediaPath};

    /// Call number `n`, one a minute; every second one goes over the number, and fails.
    fn call(n: i64) -> CallSeen {
        let over_number = n % 2 == 0;
        CallSeen {
            attempt: AttemptId(n.unsigned_abs()),
            started: Timestamp::from_millis(n * 60_000),
            took_ms: 20_000,
            role: Role::Scheduled,
            wish: CallWish {
                direction: CallDirection::Inbound,
                hold_ms: 5000,
                ring_ms: 0,
                codec: Codec::Pcmu,
                path: MediaPath::Any,
            },
            to: if over_number { CallTarget::Number } else { CallTarget::Client },
            far_end: FarEnd::Application,
            kind: TokenKind::Access,
            result: if over_number { SeenResult::Failed } else { SeenResult::Completed },
            symptom: None,
            set_up_ms: None,
            delivery_ms: None,
            mos_centi: None,
            loss_permille: None,
            one_way: None,
            path: None,
            poor: false,
            flaws: Vec::new(),
            own_server: None,
            stopped_ms: None,
        }
    }

    /// Calls that failed (`x`) and passed (`.`), one a minute.
    pub(in crate::engine::calls) fn seen(results: &str) -> Vec<CallSeen> {
        let result = |failed| if failed { SeenResult::Failed } else { SeenResult::Completed };
        let of = |(n, kind): (i64, char)| CallSeen { result: result(kind == 'x'), ..call(n) };
        (0..).zip(results.chars()).map(of).collect()
    }

    #[test]
    fn a_server_of_ours_is_to_blame_only_if_it_explains_every_failed_call() {
        let refused = |code| OwnServerTrouble { service: IceService::Stun, trouble: IceTrouble::Refused(code) };
        let hit = |n, code| CallSeen { own_server: Some(refused(code)), ..call(n) };
        let found = |calls: &[CallSeen]| own_server(calls.iter());
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[hit(4, 486), hit(6, 401), hit(2, 403)]), Some(refused(401)), "the newest");
        assert_eq!(found(&[hit(2, 401), call(4)]), None, "another call failed without it");
    }

    #[test]
    fn the_trouble_begins_where_failures_become_too_many() {
        let four_of_16 = KOfN { k: 4, n: 16 };
        let began = |results: &str| onset(seen(results).iter(), four_of_16).map(|at| at.as_millis() / 60_000);
        assert_eq!(began("......"), None);
        assert_eq!(began("......xxxx"), Some(6));
        assert_eq!(began("x.........xxxx"), Some(10), "a stray one before");
        assert_eq!(began("x...x...x...x"), Some(0), "a quarter all along");
        assert_eq!(began("x.xx......"), Some(0), "what passes afterwards changes nothing");
    }

    #[test]
    fn it_is_seen_that_only_calls_over_the_number_fail() {
        let calls: Vec<CallSeen> = (0..12).map(call).collect();
        let found = evidence(calls.iter(), Timestamp::MIN, CallSeen::has_failed, Timestamp::from_millis(0));
        let split = found.splits.first().expect("a class separates them");
        assert_eq!(split.class, TraitClass::CallTo(CallTarget::Number), "{:#?}", found.splits);
        assert_eq!((split.failed, split.of, split.others_failed), (6, 6, 0));
    }

    #[test]
    fn it_is_seen_that_only_calls_to_another_client_fail() {
        let far_end = |n: i64| if n % 2 == 0 { FarEnd::Client } else { FarEnd::Application };
        let to = CallTarget::Client;
        let calls: Vec<CallSeen> = (0..12).map(|n| CallSeen { far_end: far_end(n), to, ..call(n) }).collect();
        let found = evidence(calls.iter(), Timestamp::MIN, CallSeen::has_failed, Timestamp::from_millis(0));
        let split = found.splits.first().expect("a class separates them");
        assert_eq!(split.class, TraitClass::CallFarEnd(FarEnd::Client), "{:#?}", found.splits);
    }
}
