//! The newest observations of a pod, kept small, so that an alert can say what it rests on and
//! what separates failing from passing attempts.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::model::{
    AttemptId, EdgeName, KeySlot, Observation, Outcome, Reached, Role, SignatureCells, Symbol, Timestamp, TokenKind,
    TokenShape, Traits, millis,
};
use crate::token::Reach;

use super::{Evidence, FailedToken, Split, Symptom, TraitClass};

/// Observations that are kept: eight minutes at 30 attempts a minute.
const SEEN_MAX: usize = 256;
/// Attempts that an alert names.
pub(super) const NAMED_MAX: usize = 32;
/// Classes that an alert names.
const SPLITS_MAX: usize = 4;
/// Different symptoms that are told apart in a pod's memory; further ones replace the oldest.
const SYMPTOMS_MAX: usize = 8;

/// Different places of the partner that are told apart in a pod's memory; what came out at further
/// ones counts as not known.
const REACHED_MAX: usize = 64;

/// One observation, kept small.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// Which attempt.
    pub attempt: AttemptId,
    /// When it started.
    pub started: Timestamp,
    /// Time to the outcome, in milliseconds.
    pub took_ms: u32,
    /// Why it was made.
    pub role: Role,
    /// How it ended.
    pub result: SeenResult,
    /// Which text: the first attempt that used it.
    pub token: AttemptId,
    kind: TokenKind,
    key: KeySlot,
    name_length: u8,
    edge: EdgeName,
    /// Payload symbols by residue mod 4: bit `residue * 2 + underscore`.
    payload: u8,
    signature: SignatureCells,
    /// Place of its symptom in `Memory::symptoms`, if it failed.
    symptom: u8,
    /// Place in `Memory::reached`, from 1; 0 if it is not known where it came out.
    #[serde(default, skip_serializing_if = "is_zero")]
    reached: u8,
}

fn is_zero(number: &u8) -> bool {
    *number == 0
}

impl Seen {
    /// Its traits again: what its payload looks like follows from what the pod's minter makes.
    pub fn traits(&self, reach: &Reach) -> Option<Traits> {
        let shape = reach.form(self.kind, self.key, self.name_length)?.shape.clone();
        let shape = TokenShape { signature: self.signature, ..shape };
        let (kind, key, name_length, edge) = (self.kind, self.key, self.name_length, self.edge.clone());
        Some(Traits { kind, key, name_length, edge, family: None, shape })
    }
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenResult {
    /// Completed.
    Completed,
    /// Completed, with something not as it should be.
    Degraded,
    /// Failed.
    Failed,
    /// Throttled.
    Throttled,
    /// Lost.
    Lost,
}

impl SeenResult {
    /// Of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Completed { degraded } if degraded.is_empty() => Self::Completed,
            Outcome::Completed { .. } => Self::Degraded,
            Outcome::Failed(_) => Self::Failed,
            Outcome::Throttled { .. } => Self::Throttled,
            Outcome::Lost { .. } => Self::Lost,
        }
    }

    /// The word of [`Outcome::as_str`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Throttled => "throttled",
            Self::Lost => "lost",
        }
    }

    /// True if it says something about the partner: passed or failed.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Completed | Self::Degraded | Self::Failed)
    }
}

/// The newest observations of a pod.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Memory {
    seen: VecDeque<Seen>,
    symptoms: Vec<Symptom>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reached: Vec<Reached>,
}

impl Memory {
    /// Keeps one, of the text that this attempt was the first to use.
    pub fn push(&mut self, observation: &Observation, token: AttemptId) {
        let symptom = observation.outcome.failure().map_or(0, |failure| self.place_of(Symptom::of(failure)));
        if self.seen.len() == SEEN_MAX {
            self.seen.pop_front();
        }
        let reached = self.number_of(&observation.reached);
        let traits = &observation.traits;
        let payload =
            traits.shape.payload.iter().fold(0, |bits, (offset, symbol)| {
                bits | 1 << (offset % 4 * 2 + u16::from(*symbol == Symbol::Underscore))
            });
        self.seen.push_back(Seen {
            attempt: observation.attempt,
            started: observation.started,
            took_ms: u32::try_from(millis(observation.finished.since(observation.started))).unwrap_or(u32::MAX),
            role: observation.role,
            result: SeenResult::of(&observation.outcome),
            token,
            kind: traits.kind,
            key: traits.key,
            name_length: traits.name_length,
            edge: traits.edge.clone(),
            payload,
            signature: traits.shape.signature,
            symptom,
            reached,
        });
    }

    /// All that is kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Seen> {
        self.seen.iter()
    }

    /// Failed and counted scheduled attempts that started at `since` or later.
    pub fn scheduled_since(&self, since: Timestamp) -> (u32, u32) {
        let mut counts = (0, 0);
        for seen in self.seen.iter().rev() {
            if seen.started < since {
                break;
            }
            if seen.role == Role::Scheduled && seen.result.counts() {
                counts.1 += 1;
                counts.0 += u32::from(seen.result == SeenResult::Failed);
            }
        }
        counts
    }

    /// The same for attempts whose tokens a diagnosis has chosen: those that it suspects.
    pub fn chosen_since(&self, since: Timestamp) -> (u32, u32) {
        let chosen = |seen: &&Seen| seen.role == Role::Diagnosis && seen.result.counts();
        let recent = || self.seen.iter().rev().take_while(|seen| seen.started >= since).filter(chosen);
        (count(recent().filter(|seen| seen.result == SeenResult::Failed).count()), count(recent().count()))
    }

    /// The same, for scheduled attempts with tokens of one kind.
    pub fn scheduled_of_kind_since(&self, kind: TokenKind, since: Timestamp) -> (u32, u32) {
        let of_kind = |seen: &&Seen| {
            seen.started >= since && seen.role == Role::Scheduled && seen.result.counts() && seen.kind == kind
        };
        let failed = self.seen.iter().filter(of_kind).filter(|seen| seen.result == SeenResult::Failed).count();
        (count(failed), count(self.seen.iter().filter(of_kind).count()))
    }

    /// The start of the newest failing scheduled attempt that was not alone: one of the two before
    /// it failed as well.
    pub fn last_failure_in_company(&self) -> Option<Timestamp> {
        let scheduled = self.seen.iter().rev().filter(|s| s.role == Role::Scheduled && s.result.counts());
        let failed: Vec<(Timestamp, bool)> = scheduled.map(|s| (s.started, s.result == SeenResult::Failed)).collect();
        let in_company = |three: &&[(Timestamp, bool)]| three[0].1 && three[1..].iter().any(|(_, failed)| *failed);
        failed.windows(3).find(in_company).map(|three| three[0].0)
    }

    /// Failed and counted attempts since then, of any role, whose token is like this one: the same
    /// kind, and a name of the same residue.
    pub fn like_since(&self, token: &FailedToken, since: Timestamp) -> (u32, u32) {
        let like = |seen: &&Seen| {
            seen.started >= since
                && seen.result.counts()
                && seen.kind == token.kind
                && seen.name_length % 3 == token.name_length % 3
        };
        let failed = self.seen.iter().filter(like).filter(|seen| seen.result == SeenResult::Failed).count();
        (count(failed), count(self.seen.iter().filter(like).count()))
    }

    /// What an alert rests on that fires now, for a trouble whose first failing attempt is given,
    /// or else the oldest failing one that started at `since` or later.
    pub fn evidence(&self, first: Option<AttemptId>, since: Timestamp) -> Evidence {
        let relevant: Vec<&Seen> = self.seen.iter().filter(|s| s.started >= since && s.result.counts()).collect();
        let failing: Vec<&Seen> = relevant.iter().copied().filter(|s| s.result == SeenResult::Failed).collect();
        Evidence {
            failed: count(failing.len()),
            of: count(relevant.len()),
            first_failed: first.or_else(|| failing.first().map(|s| s.attempt)).unwrap_or(AttemptId(0)),
            since,
            symptom: self.commonest_symptom(&failing),
            attempts: failing.iter().rev().take(NAMED_MAX).rev().map(|s| s.attempt).collect(),
            splits: splits(&relevant),
        }
    }

    /// True if any attempt failed that started at `since` or later.
    pub fn has_failed_since(&self, since: Timestamp) -> bool {
        self.seen.iter().rev().take_while(|s| s.started >= since).any(|s| s.result == SeenResult::Failed)
    }

    /// The start of the oldest failing scheduled attempt among the last `n` counted ones.
    pub fn oldest_failure_among(&self, n: usize) -> Option<Timestamp> {
        let scheduled = self.seen.iter().rev().filter(|s| s.role == Role::Scheduled && s.result.counts());
        scheduled.take(n).filter(|s| s.result == SeenResult::Failed).last().map(|s| s.started)
    }

    fn place_of(&mut self, symptom: Symptom) -> u8 {
        let place = self.symptoms.iter().position(|known| *known == symptom).unwrap_or_else(|| {
            if self.symptoms.len() == SYMPTOMS_MAX {
                // The oldest one is forgotten; what had it keeps a symptom that is near enough.
                self.symptoms.rotate_left(1);
                self.symptoms.pop();
                for seen in &mut self.seen {
                    seen.symptom = seen.symptom.saturating_sub(1);
                }
            }
            self.symptoms.push(symptom);
            self.symptoms.len() - 1
        });
        u8::try_from(place).unwrap_or(0)
    }

    fn number_of(&mut self, reached: &Reached) -> u8 {
        if reached.is_unknown() {
            return 0;
        }
        let place = self.reached.iter().position(|known| known == reached).or_else(|| {
            if self.reached.len() == REACHED_MAX {
                self.forget_unused_places();
            }
            (self.reached.len() < REACHED_MAX).then(|| {
                self.reached.push(reached.clone());
                self.reached.len() - 1
            })
        });
        place.and_then(|place| u8::try_from(place + 1).ok()).unwrap_or(0)
    }

    fn forget_unused_places(&mut self) {
        let mut kept: Vec<Reached> = Vec::new();
        let mut moved = [0; REACHED_MAX + 1];
        for seen in self.seen.iter_mut().filter(|seen| seen.reached > 0) {
            let old = usize::from(seen.reached);
            if moved[old] == 0
                && let Some(reached) = self.reached.get(old - 1)
            {
                kept.push(reached.clone());
                moved[old] = u8::try_from(kept.len()).unwrap_or(0);
            }
            seen.reached = moved[old];
        }
        self.reached = kept;
    }

    /// Where one came out.
    pub fn reached_of(&self, seen: &Seen) -> Reached {
        let place = usize::from(seen.reached).checked_sub(1);
        place.and_then(|place| self.reached.get(place)).cloned().unwrap_or_default()
    }

    /// What a failing one looked like.
    pub fn symptom_of(&self, seen: &Seen) -> Option<&Symptom> {
        self.symptoms.get(usize::from(seen.symptom)).filter(|_| seen.result == SeenResult::Failed)
    }

    fn commonest_symptom(&self, failing: &[&Seen]) -> Option<Symptom> {
        let mut counts = BTreeMap::new();
        for seen in failing {
            *counts.entry(seen.symptom).or_insert(0u32) += 1;
        }
        let (place, _) = counts.into_iter().max_by_key(|(place, n)| (*n, std::cmp::Reverse(*place)))?;
        self.symptoms.get(usize::from(place)).cloned()
    }
}

/// The classes that separate failing from passing attempts, best first. A class is named only if
/// all of it fails but for noise and it explains most failures; of two that say the same, the
/// wider one comes first.
fn splits(relevant: &[&Seen]) -> Vec<Split> {
    let failed_in_all = relevant.iter().filter(|s| s.result == SeenResult::Failed).count();
    let mut tallies: BTreeMap<TraitClass, (u32, u32)> = BTreeMap::new();
    for seen in relevant {
        for class in classes_of(seen) {
            let tally = tallies.entry(class).or_default();
            tally.1 += 1;
            tally.0 += u32::from(seen.result == SeenResult::Failed);
        }
    }
    separating(tallies, count(failed_in_all), count(relevant.len()))
}

/// Of classes whose failed and counted observations are given, those that separate failing from
/// passing ones, best first. The last two numbers are those of all observations.
pub(super) fn separating(tallies: BTreeMap<TraitClass, (u32, u32)>, all_failed: u32, all: u32) -> Vec<Split> {
    let mut found: Vec<Split> = tallies
        .into_iter()
        .map(|(class, (failed, of))| Split {
            class,
            failed,
            of,
            others_failed: all_failed - failed,
            others_of: all - of,
        })
        .filter(separates)
        .collect();
    found.sort_by(|a, b| contrast(b).total_cmp(&contrast(a)).then(b.of.cmp(&a.of)));
    found.truncate(SPLITS_MAX);
    found
}

/// At least three failures of the class, nine in ten of it fail, and at most one in ten of the
/// others, of which there are at least three.
fn separates(split: &Split) -> bool {
    split.failed >= 3
        && split.failed * 10 >= split.of * 9
        && split.others_of >= 3
        && split.others_failed * 10 <= split.others_of
}

/// Difference of the failing shares, with half an attempt on either side against small numbers.
fn contrast(split: &Split) -> f64 {
    let share = |failed: u32, of: u32| (f64::from(failed) + 0.5) / (f64::from(of) + 1.0);
    share(split.failed, split.of) - share(split.others_failed, split.others_of)
}

fn classes_of(seen: &Seen) -> Vec<TraitClass> {
    let mut classes = vec![
        TraitClass::Kind(seen.kind),
        TraitClass::Key(seen.kind, seen.key),
        TraitClass::NameResidue(seen.kind, seen.name_length % 3),
        TraitClass::Edge(seen.edge.clone()),
    ];
    for residue in 0..4 {
        for (bit, symbol) in [(0, Symbol::Dash), (1, Symbol::Underscore)] {
            if seen.payload >> (residue * 2 + bit) & 1 == 1 {
                classes.push(TraitClass::PayloadSymbol(symbol, residue));
            }
        }
    }
    for symbol in [Symbol::Dash, Symbol::Underscore] {
        if seen.signature.has(symbol) {
            classes.push(TraitClass::SignatureSymbol(symbol));
        }
    }
    classes
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
