//! One hypothesis about what the failing tokens have in common.

use crate::token::FeatureSet;

/// The number that every token holds: the hypothesis of one feature, or of none, needs no other.
const ALWAYS: u16 = FeatureSet::CAPACITY as u16;

/// The features of a token, spread out so that one can be asked for without shifting.
pub(super) struct Held([bool; FeatureSet::CAPACITY + 1]);

impl Held {
    pub(super) fn of(set: FeatureSet) -> Self {
        let mut held = [false; FeatureSet::CAPACITY + 1];
        held[usize::from(ALWAYS)] = true;
        for feature in set.iter() {
            held[feature] = true;
        }
        Self(held)
    }
}

/// A token is hit if it has both features; numbers are those of the family's space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Hypothesis {
    first: u16,
    second: u16,
}

impl Hypothesis {
    /// No token trait: any token is hit.
    pub(super) const ANY: Self = Self { first: ALWAYS, second: ALWAYS };

    pub(super) fn single(feature: usize) -> Self {
        Self { first: feature as u16, second: ALWAYS }
    }

    pub(super) fn both(first: usize, second: usize) -> Self {
        Self { first: first as u16, second: second as u16 }
    }

    pub(super) fn is_any(self) -> bool {
        self == Self::ANY
    }

    pub(super) fn hits(self, held: &Held) -> bool {
        held.0[usize::from(self.first)] & held.0[usize::from(self.second)]
    }

    pub(super) fn hits_set(self, set: FeatureSet) -> bool {
        self.features().all(|feature| set.contains(feature))
    }

    /// The numbers of its features: none, one or two.
    pub(super) fn features(self) -> impl Iterator<Item = usize> {
        [self.first, self.second].into_iter().filter(|number| *number != ALWAYS).map(usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hypothesis_hits_tokens_that_have_all_its_features() {
        let mut set = FeatureSet::NONE;
        set.insert(3);
        set.insert(255);
        let held = Held::of(set);
        for (hypothesis, hits) in [
            (Hypothesis::ANY, true),
            (Hypothesis::single(3), true),
            (Hypothesis::single(4), false),
            (Hypothesis::both(3, 255), true),
            (Hypothesis::both(3, 4), false),
        ] {
            assert_eq!(hypothesis.hits(&held), hits);
            assert_eq!(hypothesis.hits_set(set), hits);
        }
        assert_eq!(Hypothesis::both(3, 255).features().collect::<Vec<_>>(), [3, 255]);
    }
}
