//! The next token: the one whose outcome is expected to tell most.

use fastrand::Rng;

use crate::model::{CellWeights, EdgeName, Fit, SignatureCells, StableHasher, TokenWish};
use crate::token::FeatureSet;

use super::FailShare;
use super::ground::Ground;
use super::hypothesis::Hypothesis;
use super::inquiry::{CLAIM_SHARE, Diagnosis};
use super::noise::Tally;
use super::outlook::Outlook;
use super::posterior::Mass;
use super::verification::weigh;

/// Candidates as a random agent would have them.
const NATURAL_CANDIDATES: usize = 12;
/// Candidates with some of the cells that are suspected most.
const DENSE_CANDIDATES: usize = 8;
/// Candidates with as many of all suspected cells as can be had.
const WIDE_CANDIDATES: usize = 8;
/// Signatures by which it is foreseen what a search will find.
const FORESEEN: usize = 1_024;
/// Candidates that are hit by one hypothesis and not by another, drawn as they are believed.
const SEPARATING_CANDIDATES: usize = 24;
/// Grounds of which the one is taken that has most of what was not seen to pass.
const GROUNDS_COMPARED: usize = 4;
/// Looks before it is believed that a share of all tokens fails and always the same ones.
const STICKS_LOOKS: usize = 120;
/// Believed more than this, it is tried whether tokens without any symbol pass.
const STICKS_DOUBT: f64 = 0.5;
/// Tries to build one of those.
const TRIES: usize = 6;
/// Cells that a dense candidate wants: more than two together are found by luck only.
const DENSE_CELLS: usize = 3;
/// Out of so many that are suspected most.
const DENSE_SUSPECTS: usize = 12;
/// How much a cell is wanted for what it tells …
const TELLING: u8 = CellWeights::MAX;
/// … and for having been seen to pass: that saves a token when the claim is verified.
const BESIDES: u8 = 1;
/// … if the look then still tells this part of what it would tell without.
const BESIDES_TELLS: f64 = 0.9;

/// A token that is wanted next, and the way it shall take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// Fresh or the same text again.
    pub token: TokenWish,
    /// Through this edge; any, if none is said.
    pub edge: Option<EdgeName>,
}

/// A wish, and what is expected of it.
struct Candidate {
    wish: Wish,
    set: FeatureSet,
    tally: Tally,
}

impl Diagnosis {
    /// The token that tells most now; none if nothing failed, or nothing is left to be told.
    pub fn next(&self) -> Option<Wish> {
        if self.evidence.looks().iter().all(|look| look.failed.is_none()) {
            return None;
        }
        if let Some((of, _)) = self.unconfirmed() {
            return Some(Wish { token: TokenWish::Same { of }, edge: None });
        }
        if self.named().is_some() || self.is_verified() {
            return None;
        }
        let looks = self.evidence.looks().len() as u64;
        let mut rng = Rng::with_seed(StableHasher::new("next token").number(self.seed).number(looks).finish());
        if looks.is_multiple_of(2) && self.may_stick_to_all() {
            return Some(self.bare(&mut rng));
        }
        if !self.claims.is_empty() && self.masses.nothing > 0.5 {
            // Nothing missing and still in doubt: what tells most about the doubt.
            return self.verifying(&mut rng).or_else(|| self.telling(&mut rng));
        }
        self.telling(&mut rng)
    }

    /// What is believed to explain the rest though only a share of it fails.
    pub(super) fn named(&self) -> Option<&Mass> {
        let sure = |mass: &&Mass| mass.total() >= CLAIM_SHARE;
        // Two wide faults at once look like a share of all tokens that sticks to them: that is believed
        // only when many looks have not told them apart.
        let looked_for = self.weighed >= STICKS_LOOKS;
        let is_told = |mass: &&Mass| looked_for || self.all_fail_here(mass) || !mass.share().sticks_to_token();
        let none = self.masses.any().filter(sure).filter(is_told);
        none.or_else(|| self.masses.best().filter(sure))
    }

    /// True if it is believed that a share of all tokens fails and always the same ones.
    fn may_stick_to_all(&self) -> bool {
        self.claims.is_empty()
            && self.masses.any().is_some_and(|mass| {
                mass.total() > STICKS_DOUBT && mass.share().sticks_to_token() && !self.all_fail_here(mass)
            })
    }

    /// True if this is that all tokens fail at the places that were named: nothing else is to be told apart.
    fn all_fail_here(&self, mass: &Mass) -> bool {
        self.whereabouts.named.is_some() && mass.share() == FailShare::All
    }

    /// A token without a symbol in its signature, and with as little else as some: if those pass, it
    /// is not all tokens.
    fn bare(&self, rng: &mut Rng) -> Wish {
        let grounds = (0..GROUNDS_COMPARED).map(|_| &self.family.grounds[rng.usize(0..self.family.grounds.len())]);
        let plainest = grounds.min_by_key(|ground| ground.set.len()).unwrap_or(&self.family.grounds[0]);
        let all: SignatureCells = SignatureCells(u128::MAX).iter().collect();
        Wish::fresh(plainest, CellWeights::NONE, all)
    }

    fn telling(&self, rng: &mut Rng) -> Option<Wish> {
        let suspects = self.suspects();
        let mut candidates: Vec<Candidate> = Vec::new();
        candidates.extend((0..NATURAL_CANDIDATES).map(|_| self.natural(rng)));
        candidates.extend((0..DENSE_CANDIDATES).map(|_| self.dense(&suspects, rng)));
        candidates.extend((0..WIDE_CANDIDATES).map(|_| self.wide(&suspects, rng)));
        candidates.extend(self.again());
        candidates.extend((0..SEPARATING_CANDIDATES).filter_map(|_| self.separating(rng)));
        let fresh = Outlook::of(&self.masses, self.noise, Tally::default());
        let told = candidates.into_iter().map(|candidate| {
            let told = match candidate.tally.looks {
                0 => fresh.information(&self.masses, candidate.set),
                _ => Outlook::of(&self.masses, self.noise, candidate.tally).information(&self.masses, candidate.set),
            };
            (told, candidate)
        });
        let (told, best) = told.max_by(|one, other| one.0.total_cmp(&other.0))?;
        // More cells may hide what the look is for.
        let fuller = self.besides(&best.wish, &suspects, rng);
        let fuller = fuller.filter(|fuller| fresh.information(&self.masses, fuller.set) >= told * BESIDES_TELLS);
        Some(fuller.unwrap_or(best).wish)
    }

    /// The same, and besides cells that nobody suspects and that were not seen to pass.
    fn besides(&self, wish: &Wish, suspects: &[(u128, f64)], rng: &mut Rng) -> Option<Candidate> {
        let TokenWish::Fresh { kind, key, name_length, unlike, mut wanted } = wish.token else { return None };
        let cells = self.missing.iter().map(|feature| self.family.marks[feature].single);
        let suspected = suspects.iter().fold(unlike.0, |all, (cell, _)| all | cell);
        for cell in cells.filter(|cell| cell.0.count_ones() == 1 && cell.0 & suspected == 0) {
            let (offset, symbol) = cell.iter().next()?;
            if wanted.get(offset, symbol) == 0 {
                wanted.set(offset, symbol, BESIDES);
            }
        }
        let place = |ground: &&Ground| {
            let traits = &ground.traits;
            (traits.kind, traits.key, traits.name_length, Some(&traits.edge))
                == (kind, key, name_length, wish.edge.as_ref())
        };
        let ground = self.family.grounds.iter().find(place)?;
        let set = self.foreseen(ground, wanted, unlike, rng);
        Some(Candidate { wish: Wish::fresh(ground, wanted, unlike), set, tally: Tally::default() })
    }

    /// What a search will about find.
    fn foreseen(&self, ground: &Ground, wanted: CellWeights, unlike: SignatureCells, rng: &mut Rng) -> FeatureSet {
        let fit = Fit::new(unlike, wanted);
        let first = rng.usize(0..self.family.signatures.len() - FORESEEN);
        let found = self.family.signatures[first..first + FORESEEN].iter().max_by_key(|cells| fit.sum(**cells));
        ground.signed(&self.family.space, found.copied().unwrap_or_default())
    }

    fn natural(&self, rng: &mut Rng) -> Candidate {
        let ground = self.random_ground(rng);
        let barred = self.barred(ground, rng);
        self.expected(ground, SignatureCells::NONE, barred, CellWeights::NONE, rng)
    }

    /// As many as can be found together of a random half of the cells that are suspected.
    fn wide(&self, suspects: &[(u128, f64)], rng: &mut Rng) -> Candidate {
        let ground = self.random_ground(rng);
        let unlike = self.barred(ground, rng);
        let most = suspects.first().map_or(1.0, |(_, belief)| *belief);
        let mut wanted = CellWeights::NONE;
        for (cell, belief) in suspects.iter().filter(|_| rng.u8(0..4) > 0) {
            // The least suspected one counts a fifth of the most suspected one.
            let weight = (f64::from(TELLING) * belief / most).clamp(3.0, f64::from(TELLING));
            weigh(&mut wanted, SignatureCells(cell & !unlike.0), weight as u8);
        }
        let set = self.foreseen(ground, wanted, unlike, rng);
        Candidate { wish: Wish::fresh(ground, wanted, unlike), set, tally: Tally::default() }
    }

    /// Some of the cells that are suspected, and none of the others.
    fn dense(&self, suspects: &[(u128, f64)], rng: &mut Rng) -> Candidate {
        let ground = self.random_ground(rng);
        let mut unlike = self.barred(ground, rng);
        let mut like = SignatureCells::NONE;
        let suspects = &suspects[..suspects.len().min(DENSE_SUSPECTS)];
        for _ in 0..DENSE_CELLS.min(suspects.len()) {
            let (cell, _) = suspects[rng.usize(0..suspects.len())];
            let offset = cell.trailing_zeros() / 2 * 2;
            if like.0 >> offset & 0b11 == 0 {
                like.0 |= cell & !unlike.0;
            }
        }
        if rng.bool() {
            unlike.0 |= suspects.iter().fold(0, |all, (cell, _)| all | cell) & !like.0;
        }
        self.expected(ground, like, unlike, CellWeights::NONE, rng)
    }

    /// Signature cells that hypotheses speak of, with the belief in those, strongest first.
    fn suspects(&self) -> Vec<(u128, f64)> {
        const SUSPECTS_MAX: usize = 84;
        let mut beliefs = vec![0.0; self.family.marks.len()];
        for mass in &self.masses.hypotheses {
            for feature in mass.hypothesis.features() {
                beliefs[feature] += mass.total();
            }
        }
        let cells = self.family.marks.iter().zip(beliefs).filter(|(marks, _)| marks.single.0.count_ones() == 1);
        let mut cells: Vec<(u128, f64)> = cells.map(|(marks, belief)| (marks.single.0, belief)).collect();
        cells.retain(|(_, belief)| *belief > 1e-4);
        cells.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        cells.truncate(SUSPECTS_MAX);
        cells
    }

    /// The token that failed last, again.
    fn again(&self) -> Option<Candidate> {
        let failing = self.texts.iter().filter(|(_, text)| text.tally.failed > 0 && !self.explains(text.set));
        let (token, text) = failing.max_by_key(|(_, text)| text.last)?;
        let wish = Wish { token: TokenWish::Same { of: *token }, edge: None };
        Some(Candidate { wish, set: text.set, tally: text.tally })
    }

    /// A token that one hypothesis hits and another does not.
    fn separating(&self, rng: &mut Rng) -> Option<Candidate> {
        let hit = self.drawn(rng)?;
        let spared = self.drawn(rng).filter(|spared| *spared != hit);
        for _ in 0..TRIES {
            let Some((ground, like)) = self.inside(hit, rng) else { continue };
            let mut unlike = self.barred(ground, rng);
            if let Some(spared) = spared {
                let open = spared.features().filter(|feature| !ground.set.contains(*feature));
                unlike.0 |= open.fold(0, |cells, feature| cells | self.family.marks[feature].single.0) & !like.0;
            }
            if rng.u8(0..4) == 0 {
                // Symbols of the signature alone may be what decides.
                unlike.0 |= !like.0;
            }
            let candidate = self.expected(ground, like, unlike, CellWeights::NONE, rng);
            let apart = spared.is_none_or(|spared| !spared.hits_set(candidate.set));
            if apart && !self.explains(candidate.set) && hit.hits_set(candidate.set) {
                return Some(candidate);
            }
        }
        None
    }

    /// A hypothesis, drawn as it is believed.
    fn drawn(&self, rng: &mut Rng) -> Option<Hypothesis> {
        let traits = || self.masses.hypotheses.iter().filter(|mass| !mass.hypothesis.is_any());
        let mut left = rng.f64() * traits().map(Mass::total).sum::<f64>();
        for mass in traits() {
            left -= mass.total();
            if left <= 0.0 {
                return Some(mass.hypothesis);
            }
        }
        None
    }

    /// A ground and signature cells that a hypothesis hits together.
    fn inside(&self, hypothesis: Hypothesis, rng: &mut Rng) -> Option<(&Ground, SignatureCells)> {
        let mut like = SignatureCells::NONE;
        let mut of_ground = FeatureSet::NONE;
        for feature in hypothesis.features() {
            let marks = &self.family.marks[feature];
            if marks.is_of_signature() {
                like.0 |= marks.one_way(rng)?.0;
            } else {
                of_ground.insert(feature);
            }
        }
        let fitting = || self.family.grounds.iter().filter(|ground| of_ground.is_within(ground.set));
        let count = fitting().count();
        let tries = (0..GROUNDS_COMPARED).filter_map(|_| fitting().nth(rng.usize(0..count.max(1))));
        let ground = tries.max_by_key(|ground| ground.set.intersection(self.missing).len())?;
        Some((ground, like))
    }

    /// A ground by chance, rather one of which more was not seen to pass.
    fn random_ground(&self, rng: &mut Rng) -> &Ground {
        let grounds = &self.family.grounds;
        let tries = (0..GROUNDS_COMPARED).map(|_| &grounds[rng.usize(0..grounds.len())]);
        tries.max_by_key(|ground| ground.set.intersection(self.missing).len()).expect("some are compared")
    }

    /// What such a wish is expected to bring: the cells that are wanted, and others by luck.
    fn expected(
        &self,
        ground: &Ground,
        like: SignatureCells,
        unlike: SignatureCells,
        mut wanted: CellWeights,
        rng: &mut Rng,
    ) -> Candidate {
        let taken = (0..SignatureCells::OFFSETS).filter(|offset| like.0 >> (offset * 2) & 0b11 != 0);
        let taken = taken.fold(0_u128, |cells, offset| cells | 0b11 << (offset * 2));
        let luck = self.family.signatures[rng.usize(0..self.family.signatures.len())].0 & !taken & !unlike.0;
        let set = ground.signed(&self.family.space, SignatureCells(like.0 | luck));
        weigh(&mut wanted, like, TELLING);
        Candidate { wish: Wish::fresh(ground, wanted, unlike), set, tally: Tally::default() }
    }
}
