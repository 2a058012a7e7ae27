//! The features that can tell a pod's tokens apart, numbered, so that what a token has is a set of
//! bits.

use crate::model::{Cell, EdgeName, KeySlot, Segment, SignatureCells, TokenKind, TokenShape, Traits};

use super::feature::total_length;
use super::{Feature, Form, Reach};

/// A set of features of one [`FeatureSpace`], by number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct FeatureSet(pub [u64; 4]);

impl FeatureSet {
    /// No feature.
    pub const NONE: Self = Self([0; 4]);
    /// Numbers end below this.
    pub const CAPACITY: usize = 256;

    /// Adds a feature; a number past the capacity is passed over.
    pub fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    /// True if the feature is in it.
    pub fn contains(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// What is in either.
    pub fn union(self, other: Self) -> Self {
        self.combined(other, |one, other| one | other)
    }

    /// What is in both.
    pub fn intersection(self, other: Self) -> Self {
        self.combined(other, |one, other| one & other)
    }

    /// What is in this one only.
    pub fn without(self, other: Self) -> Self {
        self.combined(other, |one, other| one & !other)
    }

    /// True if all of it is in the other.
    pub fn is_within(self, other: Self) -> bool {
        self.without(other) == Self::NONE
    }

    /// How many features are in it.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// True if none is in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// The numbers in it, in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(place, word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left = left.checked_sub(1).map(|less| left & less)?;
                Some(place * 64 + bit)
            })
        })
    }

    fn combined(self, other: Self, by: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|place| by(self.0[place], other.0[place])))
    }
}

/// The live features of a pod's reach: each is held by some token that can be made, and not by
/// all. Of features that the same tokens hold, the first stands for all.
#[derive(Clone, Debug)]
pub struct FeatureSpace {
    features: Vec<Feature>,
    /// Features that say the same as another one of this number.
    merged: Vec<(usize, Feature)>,
    /// Numbers from here on depend on the form alone.
    forms_from: usize,
    /// What tokens of each form have because of it; by kind, key and length.
    forms: Vec<(Form, FeatureSet)>,
    /// What each signature cell brings with it, in the order of [`SignatureCells`].
    cells: Vec<FeatureSet>,
}

/// Kind, key and length of name: what a form is found by.
type FormKey = (TokenKind, KeySlot, u8);

const fn key_of(form: &Form) -> FormKey {
    (form.kind, form.key, form.name_length)
}

impl FeatureSpace {
    /// The features that can tell tokens of this reach apart. Should there be more than
    /// [`FeatureSet::CAPACITY`], the last classes of length and payload cells are left out.
    pub fn new(reach: &Reach) -> Self {
        // Any signature can be had with any form, and through any edge.
        let edges = reach.edges().iter().filter(|_| reach.edges().len() > 1).cloned().map(Feature::Edge);
        let mut features: Vec<Feature> = Feature::signature_cells().collect();
        features.extend(of_signatures().chain(edges));
        let forms_from = features.len();
        let mut merged = Vec::new();
        let samples: Vec<Traits> = reach.forms().iter().map(sample).collect();
        let mut patterns: Vec<Vec<bool>> = Vec::new();
        for feature in of_forms(reach) {
            let pattern: Vec<bool> = samples.iter().map(|traits| feature.holds(traits)).collect();
            if pattern.iter().all(|holds| *holds) || !pattern.contains(&true) {
                continue;
            }
            if let Some(same) = patterns.iter().position(|known| *known == pattern) {
                merged.push((forms_from + same, feature));
            } else if features.len() < FeatureSet::CAPACITY {
                patterns.push(pattern);
                features.push(feature);
            }
        }
        let mut space = Self { features, merged, forms_from, forms: Vec::new(), cells: Vec::new() };
        space.forms =
            reach.forms().iter().zip(&samples).map(|(f, traits)| (f.clone(), space.form_set(traits))).collect();
        space.forms.sort_unstable_by_key(|(form, _)| key_of(form));
        space.cells = (0..SignatureCells::COUNT).map(|bit| space.signature_set(SignatureCells(1 << bit))).collect();
        space
    }

    /// The features, by number.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The other features that the same tokens hold as this one.
    pub fn same_as(&self, number: usize) -> impl Iterator<Item = &Feature> {
        self.merged.iter().filter(move |(same, _)| *same == number).map(|(_, feature)| feature)
    }

    /// The number of a feature, or of the one that stands for it; `None` if it tells no tokens
    /// apart.
    pub fn number(&self, feature: &Feature) -> Option<usize> {
        let merged = || self.merged.iter().find(|(_, known)| known == feature).map(|(same, _)| *same);
        self.features.iter().position(|known| known == feature).or_else(merged)
    }

    /// What a token has.
    pub fn set_of(&self, traits: &Traits) -> FeatureSet {
        let place = (traits.kind, traits.key, traits.name_length);
        let known = self.forms.binary_search_by_key(&place, |(form, _)| key_of(form)).map(|at| &self.forms[at]);
        let of_form = match known {
            Ok((form, set)) if same_text(&form.shape, &traits.shape) => *set,
            // Its text is not what it was when the reach was computed: look.
            _ => self.form_set(traits),
        };
        let mut set = of_form;
        let mut left = traits.shape.signature.0;
        while left != 0 {
            if let Some(brings) = self.cells.get(left.trailing_zeros() as usize) {
                set = set.union(*brings);
            }
            left &= left - 1;
        }
        let pairs = traits.shape.signature.pairs();
        (0..4).filter(|pair| pairs >> pair & 1 == 1).for_each(|pair| set.insert(PAIRS_FROM + pair));
        for (number, feature) in self.features[..self.forms_from].iter().enumerate().skip(EDGES_FROM) {
            if feature.holds(traits) {
                set.insert(number);
            }
        }
        set
    }

    fn form_set(&self, traits: &Traits) -> FeatureSet {
        self.holding(traits, self.forms_from..self.features.len())
    }

    /// Without pairs: one cell has none.
    fn signature_set(&self, signature: SignatureCells) -> FeatureSet {
        let shape = TokenShape { signature, ..TokenShape::default() };
        let traits = sample(&Form { kind: TokenKind::Access, key: KeySlot(0), name_length: 0, natural: 0, shape });
        self.holding(&traits, 0..PAIRS_FROM)
    }

    fn holding(&self, traits: &Traits, numbers: std::ops::Range<usize>) -> FeatureSet {
        let mut set = FeatureSet::NONE;
        for number in numbers.filter(|number| self.features[*number].holds(traits)) {
            set.insert(number);
        }
        set
    }
}

fn same_text(one: &TokenShape, other: &TokenShape) -> bool {
    one.payload == other.payload && one.lengths == other.lengths
}

/// A token of a form, without a signature.
fn sample(form: &Form) -> Traits {
    let edge = EdgeName::parse("any").expect("a name");
    let Form { kind, key, name_length, shape, natural: _ } = form.clone();
    Traits { kind, key, name_length, edge, family: None, shape }
}

/// Where the pairs of a signature's symbols begin: after the 84 cells, and what else follows from
/// single cells (any symbol, each of two symbols; the same at each of four remainders).
const PAIRS_FROM: usize = SignatureCells::COUNT as usize + 3 + 12;
/// Where the edges begin: after four pairs.
const EDGES_FROM: usize = PAIRS_FROM + 4;

/// What follows from a signature's cells, pairs last. The first and the last character tell
/// nothing new: one is a cell, the other never a symbol.
fn of_signatures() -> impl Iterator<Item = Feature> {
    let of_symbols = Feature::of_symbols(Segment::Signature).into_iter();
    of_symbols.filter(|f| !matches!(f, Feature::First(..) | Feature::Last(..) | Feature::Pair(..))).chain(pairs())
}

fn pairs() -> impl Iterator<Item = Feature> {
    SignatureCells::PAIRS.into_iter().map(|(first, second)| Feature::Pair(Segment::Signature, first, second))
}

/// What can follow from a form, what says most first.
fn of_forms(reach: &Reach) -> Vec<Feature> {
    let kinds = TokenKind::ALL.map(Feature::Kind);
    let keys = reach.classes().into_iter().map(|(kind, key)| Feature::Key(kind, key));
    let mut features: Vec<Feature> = kinds.into_iter().chain(keys).collect();
    features.extend((0..3).map(Feature::NameResidue));
    let mut symbols = Feature::of_symbols(Segment::Payload);
    // Of two that say the same, where they stand tells more than that they stand.
    symbols.sort_by_key(|feature| !matches!(feature, Feature::AtResidue(..)));
    features.extend(symbols);
    for segment in [Segment::Payload, Segment::Header] {
        features.extend((0..4).map(|residue| Feature::LengthResidue(segment, residue)));
    }
    let mut lengths: Vec<u8> = reach.forms().iter().map(|form| form.name_length).collect();
    lengths.sort_unstable();
    lengths.dedup();
    features.extend(lengths.into_iter().map(Feature::NameLength));
    let mut cells: Vec<_> = TokenKind::ALL.into_iter().flat_map(|kind| reach.payload_cells(kind)).collect();
    cells.sort_unstable();
    cells.dedup();
    let payload = |(offset, symbol)| Feature::Cell(Cell { segment: Segment::Payload, symbol, offset });
    features.extend(cells.into_iter().map(payload));
    let totals = || reach.forms().iter().map(|form| total_length(&form.shape) / u32::from(Feature::LENGTH_STEP));
    let classes = totals().min().unwrap_or(0)..=totals().max().unwrap_or(0);
    features.extend(classes.filter_map(|class| u16::try_from(class).ok()).map(Feature::TotalLength));
    features
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Symbol;
    use crate::token::reach::tests::pod;

    fn words(space: &FeatureSpace, set: FeatureSet) -> Vec<String> {
        set.iter().map(|number| space.features()[number].to_string()).collect()
    }

    #[test]
    fn a_space_holds_what_tells_tokens_apart() {
        let space = FeatureSpace::new(&pod(2, &[24, 25, 26]));
        let of_forms: Vec<String> = space.features()[space.forms_from..].iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(of_forms.join("\n"), @r#"
        access token
        capability token
        signed with API key 1
        signed with API key 2
        name length 0 (mod 3)
        name length 1 (mod 3)
        name length 2 (mod 3)
        "_" at payload offset 3 (mod 4)
        payload length 0 (mod 4)
        payload length 2 (mod 4)
        payload length 3 (mod 4)
        text of 448 characters or more
        "#);
        assert_eq!(space.forms_from, 84 + 3 + 12 + 4 + 2, "cells, symbols, remainders, pairs, edges");
    }

    #[test]
    fn one_name_and_one_key_leave_the_signature() {
        let reach = pod(1, &[24]);
        let one = reach.forms()[..1].to_vec();
        let space = FeatureSpace::new(&Reach::minted(one, reach.edges()[..1].to_vec()));
        assert_eq!(space.features().len(), EDGES_FROM);
    }

    #[test]
    fn many_lengths_do_not_overflow() {
        let lengths: Vec<u8> = (12..=121).collect();
        let space = FeatureSpace::new(&pod(16, &lengths));
        assert_eq!(space.features().len(), FeatureSet::CAPACITY);
        assert!(space.number(&Feature::NameResidue(0)).is_some());
    }

    #[test]
    fn sets_are_sets() {
        let mut set = FeatureSet::NONE;
        [3, 64, 255, 256].iter().for_each(|number| set.insert(*number));
        assert_eq!(set.iter().collect::<Vec<_>>(), [3, 64, 255]);
        assert_eq!(set.len(), 3);
        let mut two = FeatureSet::NONE;
        two.insert(64);
        assert!(two.is_within(set) && !set.is_within(two) && set.contains(255) && !set.contains(256));
        assert_eq!(set.without(two).union(two), set);
        assert_eq!(set.intersection(two), two);
        assert!(two.without(set).is_empty());
    }

    proptest! {
        #[test]
        fn a_set_is_what_each_feature_says(signature: u128, many: bool, form in 0_usize..100, strange: bool) {
            let reach = pod(4, &[24, 25, 26, 27, 30, 31]);
            let space = FeatureSpace::new(&reach);
            let mut traits = sample(&reach.forms()[form % reach.forms().len()]);
            traits.edge = reach.edges()[form % 2].clone();
            let sparse = if many { u128::MAX } else { signature.rotate_left(17) & signature.rotate_left(71) & signature.rotate_left(99) };
            for (offset, symbol) in SignatureCells(signature & sparse).iter() {
                traits.shape.signature.insert(offset, symbol);
            }
            if strange {
                traits.shape.payload.push((9, Symbol::Dash));
            }
            let set = space.set_of(&traits);
            for (number, feature) in space.features().iter().enumerate() {
                prop_assert_eq!(set.contains(number), feature.holds(&traits), "{}", feature);
                prop_assert_eq!(space.number(feature), Some(number));
                for same in space.same_as(number) {
                    prop_assert!(strange || same.holds(&traits) == feature.holds(&traits), "{} = {}", same, feature);
                }
            }
            prop_assert!(words(&space, set).len() as u32 == set.len());
        }
    }
}
