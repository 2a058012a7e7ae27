//! How far the cover is: how long ago the places that a pod's tokens can hold were looked at.

use serde::Serialize;

use crate::model::{Cell, KeySlot, Segment, SignatureCells, Timestamp, TokenKind};

use super::super::{CoverPeriod, Feature};
use super::{Cover, LENGTH_REFERENCE, PAYLOAD_REFERENCE, reference};

/// A set of places that are looked at equally often.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CoverSet {
    /// The 84 cells of a signature.
    SignatureCells,
    /// Pairs of symbols next to each other in a signature.
    SignaturePairs,
    /// The payload cells that tokens can have.
    PayloadCells,
    /// Lengths of name with a kind and key.
    Names,
    /// Lengths of name and text with any kind and key, and their remainders.
    Lengths,
}

impl CoverSet {
    /// The word in JSON and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignatureCells => "signature_cells",
            Self::SignaturePairs => "signature_pairs",
            Self::PayloadCells => "payload_cells",
            Self::Names => "names",
            Self::Lengths => "lengths",
        }
    }
}

/// Places of a set that are named, those looked at longest ago first.
const WORST_NAMED: usize = 3;

/// How far one set is covered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CoverAges {
    /// Which set.
    pub set: CoverSet,
    /// With tokens of this kind and key only; with any if absent.
    pub class: Option<(TokenKind, KeySlot)>,
    /// Places that tokens can hold.
    pub reachable: u32,
    /// Those that were looked at within the last `period` looks.
    pub covered: u32,
    /// Those that were never looked at.
    pub never: u32,
    /// In so many looks of the pod a steered cover comes round.
    pub period: u32,
    /// The places that were looked at longest ago, the oldest look first.
    pub worst: Vec<PlaceAge>,
}

/// When one place was last looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PlaceAge {
    /// The place.
    pub what: Feature,
    /// Looks since then; none if it never was.
    pub looks: Option<u32>,
    /// When, as far as it is remembered.
    pub at: Option<Timestamp>,
}

/// The places of one set, by the number of their last look.
struct Places {
    set: CoverSet,
    class: Option<(TokenKind, KeySlot)>,
    looked: Vec<u32>,
}

impl Cover {
    /// True if signatures can be chosen: each cell is looked at in its time, and not by chance.
    pub const fn is_steered(&self) -> bool {
        self.steered
    }

    /// How far each set is covered: with any kind and key first, then with each.
    pub fn ages(&self) -> Vec<CoverAges> {
        self.sets().iter().map(|places| self.ages_of(places)).collect()
    }

    fn ages_of(&self, places: &Places) -> CoverAges {
        let period = self.period_of(places.set, places.class.is_some());
        let count = |wanted: &dyn Fn(u32) -> bool| {
            u32::try_from(places.looked.iter().filter(|looked| wanted(**looked)).count()).unwrap_or(u32::MAX)
        };
        let mut worst: Vec<(u32, usize)> = Vec::with_capacity(WORST_NAMED + 1);
        for (place, looked) in places.looked.iter().enumerate() {
            let rank = worst.partition_point(|(known, _)| known <= looked);
            if rank < WORST_NAMED {
                worst.insert(rank, (*looked, place));
                worst.truncate(WORST_NAMED);
            }
        }
        CoverAges {
            set: places.set,
            class: places.class,
            reachable: count(&|_| true),
            covered: count(&|looked| looked > 0 && self.age(looked) <= period),
            never: count(&|looked| looked == 0),
            period,
            worst: worst.into_iter().filter_map(|(looked, place)| self.age_of(places, place, looked)).collect(),
        }
    }

    fn age_of(&self, places: &Places, place: usize, looked: u32) -> Option<PlaceAge> {
        let what = match places.set {
            CoverSet::SignatureCells => Feature::signature_cells().nth(place)?,
            CoverSet::SignaturePairs => {
                let (first, second) = *SignatureCells::PAIRS.get(place)?;
                Feature::Pair(Segment::Signature, first, second)
            }
            CoverSet::PayloadCells => {
                let (offset, symbol) = self.payload.get(place)?.cell;
                Feature::Cell(Cell { segment: Segment::Payload, symbol, offset })
            }
            CoverSet::Lengths => self.lengths.get(place)?.what.clone(),
            CoverSet::Names => {
                let class = self.classes.iter().find(|class| Some((class.kind, class.key)) == places.class)?;
                Feature::NameLength(class.lengths.get(place)?.characters)
            }
        };
        let known = looked > 0;
        let at = known.then(|| self.moments.of(looked, self.clock.saturating_sub(1))).flatten();
        Some(PlaceAge { what, looks: known.then(|| self.age(looked)), at })
    }

    /// Every set that has a place. A single kind and key says nothing of its own.
    fn sets(&self) -> Vec<Places> {
        let any = |set, looked| Places { set, class: None, looked };
        let mut sets = vec![
            any(CoverSet::SignatureCells, self.cells.clone()),
            any(CoverSet::SignaturePairs, self.pairs.to_vec()),
            any(CoverSet::PayloadCells, self.payload.iter().map(|known| known.looked).collect()),
            any(CoverSet::Lengths, self.lengths.iter().map(|known| known.looked).collect()),
        ];
        for known in &self.classes {
            let class = Some((known.kind, known.key));
            if self.classes.len() > 1 {
                sets.push(Places { set: CoverSet::SignatureCells, class, looked: known.cells.clone() });
                sets.push(Places { set: CoverSet::SignaturePairs, class, looked: known.pairs.to_vec() });
            }
            // Where we do not choose the name there is no length to walk.
            if self.steered {
                let looked = known.lengths.iter().map(|length| length.looked).collect();
                sets.push(Places { set: CoverSet::Names, class, looked });
            }
        }
        sets.retain(|places| !places.looked.is_empty());
        sets
    }

    /// In how many looks every place of a set has its turn, if tokens are steered.
    fn period_of(&self, set: CoverSet, with_class: bool) -> u32 {
        let period = CoverPeriod::of(u32::try_from(self.classes.len()).unwrap_or(u32::MAX), 3);
        let forms: usize = self.classes.iter().map(|class| class.lengths.len()).sum();
        let twice = |looks: usize| u32::try_from(looks.saturating_mul(2)).unwrap_or(u32::MAX);
        match set {
            CoverSet::SignatureCells | CoverSet::SignaturePairs if with_class => period.cell_with_class,
            CoverSet::SignatureCells | CoverSet::SignaturePairs => period.cell,
            CoverSet::PayloadCells => twice(reference(PAYLOAD_REFERENCE, self.payload.len())),
            CoverSet::Lengths => twice(reference(LENGTH_REFERENCE, self.lengths.len())),
            CoverSet::Names => twice(forms.max(4)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{EdgeName, Symbol, TokenShape, Traits};
    use crate::token::Reach;
    use crate::token::reach::tests::pod;

    use super::*;

    fn token(kind: TokenKind, name_length: u8, signature: &[(u16, Symbol)]) -> Traits {
        let edge = EdgeName::parse("ashburn").expect("a name");
        let shape = TokenShape { signature: signature.iter().copied().collect(), ..TokenShape::default() };
        Traits { kind, key: KeySlot(0), name_length, edge, family: None, shape }
    }

    fn set(cover: &Cover, set: CoverSet, class: Option<(TokenKind, KeySlot)>) -> CoverAges {
        cover.ages().into_iter().find(|ages| (ages.set, ages.class) == (set, class)).expect("a set of it")
    }

    #[test]
    fn the_oldest_look_and_what_is_covered_are_told() {
        let mut cover = Cover::new(&pod(1, &[24, 25, 26]));
        let access = Some((TokenKind::Access, KeySlot(0)));
        let oldest = |ages: &CoverAges| ages.worst.first().map(|place| (place.looks, place.at));
        let fresh = set(&cover, CoverSet::SignatureCells, None);
        assert_eq!((fresh.reachable, fresh.covered, fresh.never), (84, 0, 84));
        assert_eq!((fresh.worst.len(), oldest(&fresh)), (WORST_NAMED, Some((None, None))));
        let all: Vec<(u16, Symbol)> = SignatureCells(u128::MAX).iter().collect();
        cover.look(&token(TokenKind::Access, 24, &all), true, Timestamp::from_millis(1_000_000));
        cover.look(&token(TokenKind::Access, 25, &all[1..]), true, Timestamp::from_millis(1_060_000));
        let cells = set(&cover, CoverSet::SignatureCells, access);
        assert_eq!((cells.covered, cells.never), (84, 0));
        assert_eq!(oldest(&cells), Some((Some(2), Some(Timestamp::from_millis(1_000_000)))));
        assert_eq!(cells.worst[0].what.to_string(), "\"-\" at signature offset 0");
        let other = set(&cover, CoverSet::SignatureCells, Some((TokenKind::Capability, KeySlot(0))));
        assert_eq!((other.covered, other.never), (0, 84), "a look with one kind is none with another");
        assert_eq!(set(&cover, CoverSet::SignaturePairs, None).covered, 4);
        let names = set(&cover, CoverSet::Names, access);
        assert_eq!((names.reachable, names.covered, names.never), (3, 2, 1));
    }

    #[test]
    fn tokens_from_elsewhere_have_the_cells_of_their_signature() {
        let cover = Cover::new(&Reach::foreign(TokenKind::Access, Vec::new()));
        assert!(!cover.is_steered());
        let sets: Vec<CoverSet> = cover.ages().into_iter().map(|ages| ages.set).collect();
        assert_eq!(sets, [CoverSet::SignatureCells, CoverSet::SignaturePairs]);
    }
}
