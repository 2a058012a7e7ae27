//! What a token has before it is signed, and what a signature can add.

use fastrand::Rng;

use crate::model::{SignatureCells, Traits};
use crate::token::{FeatureSet, FeatureSpace, Reach};

/// Signature offsets of which one holds a symbol, on average, in a natural token.
pub(super) const NATURAL: u32 = 32;

/// A token without its signature: one of the reach's forms, used through one of its edges.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub(super) traits: Traits,
    /// The features that it has with an empty signature.
    pub(super) set: FeatureSet,
}

impl Ground {
    /// All that a reach has.
    pub(super) fn all(space: &FeatureSpace, reach: &Reach) -> Vec<Self> {
        let places = reach.forms().iter().flat_map(|form| reach.edges().iter().map(move |edge| (form, edge)));
        let grounds = places.map(|(form, edge)| {
            let mut shape = form.shape.clone();
            shape.signature = SignatureCells::NONE;
            let (kind, key, name_length) = (form.kind, form.key, form.name_length);
            let traits = Traits { kind, key, name_length, edge: edge.clone(), family: None, shape };
            Self { set: space.set_of(&traits), traits }
        });
        grounds.collect()
    }

    /// The features that it has when signed so.
    pub(super) fn signed(&self, space: &FeatureSpace, cells: SignatureCells) -> FeatureSet {
        let mut traits = self.traits.clone();
        traits.shape.signature = cells;
        space.set_of(&traits)
    }
}

/// A signature that holds a symbol at one of so many offsets, by chance.
pub(super) fn random_signature(rng: &mut Rng, one_of: u32) -> SignatureCells {
    let mut cells = 0_u128;
    let mut offset = 0;
    while offset < SignatureCells::OFFSETS {
        if rng.u32(0..one_of) == 0 {
            cells |= 1 << (offset * 2 + u16::from(rng.bool()));
        }
        offset += 1;
    }
    SignatureCells(cells)
}

/// Cells of a signature that bring a feature which the ground does not have.
#[derive(Clone, Default, Debug)]
pub(super) struct Marks {
    /// Any of these brings it.
    pub(super) single: SignatureCells,
    /// Where no single one does: each of these pairs brings it.
    pub(super) pairs: Vec<SignatureCells>,
}

impl Marks {
    /// For every feature of the space, in its order. `bare` is any ground.
    pub(super) fn all(space: &FeatureSpace, bare: &Ground) -> Vec<Self> {
        let mut marks = vec![Self::default(); space.features().len()];
        for cell in (0..SignatureCells::COUNT).map(|cell| 1_u128 << cell) {
            for feature in bare.signed(space, SignatureCells(cell)).without(bare.set).iter() {
                marks[feature].single.0 |= cell;
            }
        }
        for first in 0..SignatureCells::COUNT {
            // The two cells of the next offset.
            let next = (first / 2 + 1) * 2;
            for second in (next..next + 2).filter(|second| *second < SignatureCells::COUNT) {
                let both = SignatureCells(1 << first | 1 << second);
                for feature in bare.signed(space, both).without(bare.set).iter() {
                    if marks[feature].single == SignatureCells::NONE {
                        marks[feature].pairs.push(both);
                    }
                }
            }
        }
        marks
    }

    /// Cells that bring the feature, one way of several by chance; none if no signature does.
    pub(super) fn one_way(&self, rng: &mut Rng) -> Option<SignatureCells> {
        let single = self.single.0.count_ones();
        if single > 0 {
            let chosen = rng.u32(0..single);
            let cell = (0..SignatureCells::COUNT).filter(|cell| self.single.0 >> cell & 1 == 1).nth(chosen as usize)?;
            return Some(SignatureCells(1 << cell));
        }
        (!self.pairs.is_empty()).then(|| self.pairs[rng.usize(0..self.pairs.len())])
    }

    /// True if a signature brings the feature at all.
    pub(super) fn is_of_signature(&self) -> bool {
        self.single != SignatureCells::NONE || !self.pairs.is_empty()
    }
}
