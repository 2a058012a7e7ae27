//! How likely a token is hit before it is signed: what a name, a kind and a key leave to chance.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::model::{Share, SignatureCells, Traits};

use super::ground::{NATURAL, random_signature};
use super::predicate::{Predicate, is_of_signature};

/// Signatures by which a chance is estimated; the standard error of 1/64 is a tenth of it.
const SIGNATURES: usize = 4_096;
/// Seed of the signatures: the same for everybody.
const SEED: u64 = 5;

/// How likely a predicate hits a token whose signature is not known yet.
#[derive(Debug)]
pub struct Chance<'p> {
    predicate: &'p Predicate,
    signatures: Vec<SignatureCells>,
    /// By which conjunctions hold of all but the signature.
    known: BTreeMap<Vec<bool>, Share>,
}

impl<'p> Chance<'p> {
    /// Of this predicate.
    pub fn of(predicate: &'p Predicate) -> Self {
        let mut rng = Rng::with_seed(SEED);
        let signatures = (0..SIGNATURES).map(|_| random_signature(&mut rng, NATURAL)).collect();
        Self { predicate, signatures, known: BTreeMap::new() }
    }

    /// The chance that a token with these traits is hit once it is signed: 1 if every such token
    /// is, 0 if none is. The cells of the traits' own signature are not looked at.
    pub fn hits(&mut self, traits: &Traits) -> Share {
        let rest = |conjunction: &super::Conjunction| {
            let unsigned = conjunction.0.iter().filter(|feature| !is_of_signature(feature));
            unsigned.into_iter().all(|feature| feature.holds(traits))
        };
        let holding: Vec<bool> = self.predicate.0.iter().map(rest).collect();
        if let Some(known) = self.known.get(&holding) {
            return *known;
        }
        let chance = self.estimate(traits, &holding);
        self.known.insert(holding, chance);
        chance
    }

    fn estimate(&self, traits: &Traits, holding: &[bool]) -> Share {
        let left = || self.predicate.0.iter().zip(holding).filter(|(_, holds)| **holds).map(|(left, _)| left);
        if left().any(|conjunction| !conjunction.0.iter().any(is_of_signature)) {
            return Share::ONE;
        }
        let mut signed = traits.clone();
        let hit = self.signatures.iter().filter(|cells| {
            signed.shape.signature = **cells;
            left().any(|conjunction| conjunction.holds(&signed))
        });
        Share::clamped(hit.count() as f64 / SIGNATURES as f64)
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::Conjunction;
    use crate::model::{Cell, EdgeName, KeySlot, Segment, Symbol, TokenKind, TokenShape};
    use crate::token::Feature;

    use super::*;

    #[test]
    fn what_the_signature_decides_is_a_chance() {
        let traits = Traits {
            kind: TokenKind::Capability,
            key: KeySlot(0),
            name_length: 24,
            edge: EdgeName::parse("dublin").expect("a name"),
            family: None,
            shape: TokenShape { payload: vec![(7, Symbol::Underscore)], lengths: [36, 200, 43], ..Default::default() },
        };
        let residue = |residue| Feature::AtResidue(Segment::Payload, Symbol::Underscore, residue);
        let cell = Feature::Cell(Cell { segment: Segment::Signature, symbol: Symbol::Dash, offset: 11 });
        let kind = Feature::Kind(TokenKind::Capability);
        for (predicate, least, most) in [
            (vec![vec![residue(3)]], 1.0, 1.0),
            (vec![vec![residue(2)]], 0.0, 0.0),
            (vec![vec![residue(3), kind.clone()]], 1.0, 1.0),
            (vec![vec![cell.clone()]], 0.01, 0.022),
            (vec![vec![cell.clone(), kind.clone()]], 0.01, 0.022),
            (vec![vec![cell.clone(), Feature::Kind(TokenKind::Access)]], 0.0, 0.0),
            (vec![vec![cell.clone()], vec![kind]], 1.0, 1.0),
            (vec![vec![Feature::AnySymbol(Segment::Signature)]], 0.70, 0.77),
            (vec![vec![]], 1.0, 1.0),
            (vec![], 0.0, 0.0),
        ] {
            let predicate = Predicate(predicate.into_iter().map(Conjunction).collect());
            let mut chance = Chance::of(&predicate);
            let share = chance.hits(&traits).get();
            assert!((least..=most).contains(&share), "{predicate}: {share}");
            assert_eq!(chance.hits(&traits).get(), share, "{predicate}");
        }
    }
}
