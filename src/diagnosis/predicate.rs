//! What the failing tokens have in common, as data and in words.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Cell, Segment, Traits};
use crate::token::{Feature, FeatureSet, FeatureSpace};

/// Features that a token must all have; none at all is had by every token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conjunction(pub Vec<Feature>);

impl Conjunction {
    /// True if such a token is meant.
    pub fn holds(&self, traits: &Traits) -> bool {
        self.0.iter().all(|feature| feature.holds(traits))
    }
}

/// Any of these conjunctions; none at all means no token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Predicate(pub Vec<Conjunction>);

impl Predicate {
    /// True if such a token is meant.
    pub fn holds(&self, traits: &Traits) -> bool {
        self.0.iter().any(|conjunction| conjunction.holds(traits))
    }

    /// The same by the numbers of a space; none if it names a feature that the space does not have.
    pub fn numbered(&self, space: &FeatureSpace) -> Option<Vec<FeatureSet>> {
        let set = |conjunction: &Conjunction| {
            conjunction.0.iter().try_fold(FeatureSet::NONE, |mut set, feature| {
                set.insert(space.number(feature)?);
                Some(set)
            })
        };
        self.0.iter().map(set).collect()
    }
}

/// `tokens with "_" at payload offset 3 (mod 4)`, `capability tokens`.
impl fmt::Display for Conjunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |place: Place| self.0.iter().filter(move |feature| Place::of(feature) == place);
        match of(Place::Noun).next() {
            Some(Feature::Kind(kind)) => write!(f, "{kind} tokens")?,
            Some(key @ Feature::Key(kind, _)) => write!(f, "{kind} tokens {key}")?,
            _ => f.write_str("tokens")?,
        }
        for (number, text) in of(Place::With).enumerate() {
            write!(f, " {} {text}", if number == 0 { "with" } else { "and" })?;
        }
        for edge in of(Place::Through) {
            write!(f, " through {edge}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, conjunction) in self.0.iter().enumerate() {
            let or = if number == 0 { "" } else { ", or " };
            write!(f, "{or}{conjunction}")?;
        }
        Ok(())
    }
}

/// Where a feature stands in a phrase.
#[derive(PartialEq, Eq)]
enum Place {
    Noun,
    With,
    Through,
}

impl Place {
    const fn of(feature: &Feature) -> Self {
        match feature {
            Feature::Kind(_) | Feature::Key(..) => Self::Noun,
            Feature::Edge(_) => Self::Through,
            _ => Self::With,
        }
    }
}

/// True if it is about the signature, which is new with every token.
pub(super) const fn is_of_signature(feature: &Feature) -> bool {
    match feature {
        Feature::Symbol(segment, _)
        | Feature::AnySymbol(segment)
        | Feature::AtResidue(segment, ..)
        | Feature::AnyAtResidue(segment, _)
        | Feature::Cell(Cell { segment, .. })
        | Feature::First(segment, _)
        | Feature::Last(segment, _)
        | Feature::Pair(segment, ..) => matches!(segment, Segment::Signature),
        _ => false,
    }
}
