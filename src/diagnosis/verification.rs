//! Trying to prove a claim wrong: every other feature must be seen to pass outside of it.

use fastrand::Rng;

use crate::model::{CellWeights, SignatureCells, TokenWish};
use crate::token::FeatureSet;

use super::ground::Ground;
use super::inquiry::{Claim, Diagnosis};
use super::wish::Wish;

/// A second fault that always fails may be believed up to this, and the claim still be verified.
const DOUBT: f64 = 0.05;
/// How much a cell that was not seen to pass is wanted …
const MISSING: u8 = 7;
/// … and one of two that bring a missing feature only together.
const PAIRED: u8 = CellWeights::MAX;

impl Diagnosis {
    /// Features that some token outside the claims has, and that no passing one had yet.
    pub(super) fn untried(&self) -> FeatureSet {
        let outside = self.family.sample.iter().filter(|set| !self.explains(**set));
        let can_be = outside.fold(FeatureSet::NONE, |sum, set| sum.union(*set));
        let texts = self.texts.values().filter(|text| text.tally.failed < text.tally.looks && !self.explains(text.set));
        texts.fold(can_be, |missing, text| missing.without(text.set))
    }

    /// True if there are claims, and all that could speak against them was tried.
    pub(super) fn is_verified(&self) -> bool {
        !self.claims.is_empty()
            && self.unconfirmed().is_none()
            && self.masses.deterministic < DOUBT
            && self.too_wide().is_none()
            && self.missing.intersection(self.family.tried).is_empty()
    }

    /// A claim of which all failing tokens have more in common than it says, and that more: it may
    /// be too wide.
    fn too_wide(&self) -> Option<(Claim, FeatureSet)> {
        self.claims.iter().find_map(|claim| {
            let others = |set| self.claims.iter().any(|other| other != claim && other.hypothesis.hits_set(set));
            let own = |set: &FeatureSet| claim.hypothesis.hits_set(*set) && !others(*set);
            let can_be = self.family.sample.iter().copied().filter(own).reduce(FeatureSet::intersection)?;
            let failing = self.texts.values().filter(|text| text.tally.always_failed()).map(|text| text.set);
            let common = failing.filter(own).reduce(FeatureSet::intersection)?;
            let more = common.without(can_be).intersection(self.family.tried);
            (!more.is_empty()).then_some((*claim, more))
        })
    }

    /// A token inside a claim that lacks as much as possible of what all failing ones had besides.
    fn narrowing(&self, claim: Claim, more: FeatureSet, rng: &mut Rng) -> Option<Wish> {
        let others: Vec<Claim> = self.claims.iter().copied().filter(|other| *other != claim).collect();
        let mut like = SignatureCells::NONE;
        let mut of_ground = FeatureSet::NONE;
        for feature in claim.hypothesis.features() {
            match self.family.marks[feature].one_way(rng) {
                Some(cells) => like.0 |= cells.0,
                None => of_ground.insert(feature),
            }
        }
        let explained = |set| others.iter().any(|other| other.hypothesis.hits_set(set));
        let fitting = |ground: &&Ground| of_ground.is_within(ground.set) && !explained(ground.set);
        let (first, last) = self.family.grounds.split_at(rng.usize(0..self.family.grounds.len()));
        let grounds = last.iter().chain(first).filter(fitting);
        let ground = grounds.min_by_key(|ground| ground.set.intersection(more).len())?;
        let mut unlike = self.barred_by(&others, ground, rng);
        // Two cells and none of many others are more than a search finds; there luck has to do.
        if like.0.count_ones() < 2 {
            unlike.0 |= more.iter().fold(0, |cells, feature| cells | self.family.marks[feature].single.0);
        }
        unlike.0 &= !like.0;
        let mut wanted = CellWeights::NONE;
        weigh(&mut wanted, like, PAIRED);
        Some(Wish::fresh(ground, wanted, unlike))
    }

    /// What speaks most for or against the claims: a token inside one that may be too wide, or one
    /// outside of all.
    pub(super) fn verifying(&self, rng: &mut Rng) -> Option<Wish> {
        let inside = self.too_wide().and_then(|(claim, more)| self.narrowing(claim, more, rng));
        inside.or_else(|| self.outside(rng))
    }

    /// A token outside the claims that has as much as possible of what was not seen to pass.
    fn outside(&self, rng: &mut Rng) -> Option<Wish> {
        let missing = self.missing;
        let outside = |ground: &&Ground| !self.explains(ground.set);
        let mut best: Option<(u32, &Ground)> = None;
        let start = rng.usize(0..self.family.grounds.len());
        let (first, last) = self.family.grounds.split_at(start);
        for ground in last.iter().chain(first).filter(outside) {
            let has = ground.set.intersection(missing);
            // Name lengths come along with the rest.
            let gain = 8 * has.intersection(self.family.tried).len() + has.len();
            if best.is_none_or(|(most, _)| gain > most) {
                best = Some((gain, ground));
            }
        }
        let (_, ground) = best.filter(|_| !missing.is_empty())?;
        let unlike = self.barred(ground, rng);
        let mut wanted = CellWeights::NONE;
        let mut pairs: Vec<SignatureCells> = Vec::new();
        for marks in missing.iter().map(|feature| &self.family.marks[feature]) {
            if marks.single.0.count_ones() == 1 {
                weigh(&mut wanted, marks.single, MISSING);
            }
            pairs.extend(marks.pairs.iter().filter(|pair| pair.is_disjoint(unlike)));
        }
        if !pairs.is_empty() {
            weigh(&mut wanted, pairs[rng.usize(0..pairs.len())], PAIRED);
        }
        Some(Wish::fresh(ground, wanted, unlike))
    }

    /// Signature cells that would bring a token of this ground into a claim.
    pub(super) fn barred(&self, ground: &Ground, rng: &mut Rng) -> SignatureCells {
        self.barred_by(&self.claims, ground, rng)
    }

    fn barred_by(&self, claims: &[Claim], ground: &Ground, rng: &mut Rng) -> SignatureCells {
        let mut barred = SignatureCells::NONE;
        for claim in claims {
            let open = claim.hypothesis.features().filter(|feature| !ground.set.contains(*feature));
            let ways: Vec<SignatureCells> = open.map(|feature| self.family.marks[feature].single).collect();
            // Without one of them it is not hit; a feature that no cell of a signature brings is never there.
            if !ways.is_empty() && ways.iter().all(|cells| *cells != SignatureCells::NONE) {
                barred.0 |= ways[rng.usize(0..ways.len())].0;
            }
        }
        barred
    }
}

/// Says of each of these cells how much it is wanted.
pub(super) fn weigh(wanted: &mut CellWeights, cells: SignatureCells, weight: u8) {
    for (offset, symbol) in cells.iter() {
        wanted.set(offset, symbol, weight);
    }
}

impl Wish {
    /// A fresh token of this ground.
    pub(super) fn fresh(ground: &Ground, wanted: CellWeights, unlike: SignatureCells) -> Self {
        let traits = &ground.traits;
        let (kind, key, name_length) = (traits.kind, traits.key, traits.name_length);
        let token = TokenWish::Fresh { kind, key, name_length, unlike, wanted };
        Self { token, edge: Some(traits.edge.clone()) }
    }
}
