//! How much each cell of a signature is wanted, and each pair of symbols next to each other, and how
//! well a signature serves such a wish.

use serde::{Deserialize, Serialize};

use super::{SignatureCells, Symbol};

/// How many cells a signature can have; as an index.
const CELLS: usize = SignatureCells::COUNT as usize;
/// Pairs of symbols next to each other, wherever they stand.
const PAIRS: usize = SignatureCells::PAIRS.len();

/// How much each of the 84 signature cells is wanted: 0 (not at all) to 15; and after them each of
/// [`SignatureCells::PAIRS`]. Written as text, a hexadecimal digit for each in this order, without
/// the zeros at the end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CellWeights([u8; (CELLS + PAIRS) / 2]);

impl CellWeights {
    /// Nothing is wanted.
    pub const NONE: Self = Self([0; (CELLS + PAIRS) / 2]);
    /// The largest weight.
    pub const MAX: u8 = 15;

    /// Each of these cells is wanted, all equally.
    pub fn each(cells: SignatureCells) -> Self {
        let mut weights = Self::NONE;
        for (offset, symbol) in cells.iter() {
            weights.set(offset, symbol, 1);
        }
        weights
    }

    /// What each cell is wanted, in the order of [`SignatureCells`], and each pair of symbols in that
    /// of [`SignatureCells::PAIRS`]; at most [`CellWeights::MAX`].
    pub fn of_all(cells: &[u8; CELLS], pairs: [u8; PAIRS]) -> Self {
        let mut weights = Self::NONE;
        let both = cells.chunks_exact(2).chain(pairs.chunks_exact(2));
        for (weight, both) in weights.0.iter_mut().zip(both) {
            *weight = both[0].min(Self::MAX) | both[1].min(Self::MAX) << 4;
        }
        weights
    }

    /// True if nothing is wanted.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    /// How much a cell is wanted; 0 for what is no cell.
    pub fn get(&self, offset: u16, symbol: Symbol) -> u8 {
        let Some(pair) = self.0[..CELLS / 2].get(usize::from(offset)) else { return 0 };
        if symbol == Symbol::Underscore { pair >> 4 } else { pair & Self::MAX }
    }

    /// Says how much a cell is wanted, at most [`CellWeights::MAX`]; what is no cell is passed over.
    pub fn set(&mut self, offset: u16, symbol: Symbol, weight: u8) {
        if offset < SignatureCells::OFFSETS {
            self.put(usize::from(offset) * 2 + usize::from(symbol == Symbol::Underscore), weight);
        }
    }

    /// How much each pair of symbols is wanted, in the order of [`SignatureCells::PAIRS`].
    pub fn pairs(&self) -> [u8; PAIRS] {
        std::array::from_fn(|pair| self.0[(CELLS + pair) / 2] >> (pair % 2 * 4) & Self::MAX)
    }

    /// Says how much the pair is wanted, at most [`CellWeights::MAX`].
    pub fn set_pair(&mut self, pair: (Symbol, Symbol), weight: u8) {
        if let Some(place) = SignatureCells::PAIRS.iter().position(|known| *known == pair) {
            self.put(CELLS + place, weight);
        }
    }

    fn put(&mut self, place: usize, weight: u8) {
        let shift = place % 2 * 4;
        let both = &mut self.0[place / 2];
        *both = *both & !(Self::MAX << shift) | weight.min(Self::MAX) << shift;
    }
}

impl Default for CellWeights {
    fn default() -> Self {
        Self::NONE
    }
}

impl From<CellWeights> for String {
    fn from(weights: CellWeights) -> Self {
        let digits = weights.0.iter().flat_map(|pair| [pair & CellWeights::MAX, pair >> 4]);
        let text: String = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect();
        text.trim_end_matches('0').to_owned()
    }
}

/// Why a text is not the weights of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("weights are at most 88 hexadecimal digits")]
pub struct WeightsError;

impl TryFrom<String> for CellWeights {
    type Error = WeightsError;

    fn try_from(text: String) -> Result<Self, WeightsError> {
        let mut weights = Self::NONE;
        for (cell, digit) in text.chars().enumerate() {
            let digit = digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(WeightsError)?;
            *weights.0.get_mut(cell / 2).ok_or(WeightsError)? |= digit << (cell % 2 * 4);
        }
        Ok(weights)
    }
}

/// Compares signatures by a wish: the fewest unwanted cells first, then the largest sum of the
/// weights of those that are there. Made once a search, asked for each candidate.
#[derive(Clone, Debug)]
pub struct Fit {
    points: [i16; CELLS],
    pairs: [i16; PAIRS],
    wants_pairs: bool,
    best: i16,
}

impl Fit {
    /// More than the weights of any signature together (42 × 15 and 4 × 15), so that an unwanted cell
    /// cannot be made up for.
    const UNWANTED: i16 = -700;
    /// Makes points of the worst signature (one symbol at each of 42 offsets) positive.
    const FLOOR: i32 = -(Self::UNWANTED as i32) * SignatureCells::OFFSETS as i32;

    /// What is not to be there, and what is.
    pub fn new(unlike: SignatureCells, wanted: CellWeights) -> Self {
        let mut points = [0; CELLS];
        let pairs = wanted.pairs().map(i16::from);
        let mut best = pairs.iter().sum();
        for (offset, pair) in (0_u16..).zip(points.chunks_exact_mut(2)) {
            for (symbol, point) in [Symbol::Dash, Symbol::Underscore].into_iter().zip(&mut *pair) {
                let unwanted = unlike.contains(offset, symbol);
                *point = if unwanted { Self::UNWANTED } else { i16::from(wanted.get(offset, symbol)) };
            }
            // An offset holds one symbol or none.
            best += pair.iter().copied().max().unwrap_or(0).max(0);
        }
        Self { points, pairs, wants_pairs: pairs != [0; PAIRS], best }
    }

    /// True if some signatures serve better than others.
    pub fn tells(&self) -> bool {
        self.wants_pairs || self.points.iter().any(|points| *points != 0)
    }

    /// What each cell counts, in the order of [`SignatureCells`].
    pub const fn points(&self) -> &[i16; CELLS] {
        &self.points
    }

    /// What the pairs of symbols in a signature count together.
    pub fn of_pairs(&self, cells: SignatureCells) -> i32 {
        if !self.wants_pairs {
            return 0;
        }
        let held = cells.pairs();
        let points = (0..).zip(self.pairs).filter(|(pair, _)| held >> pair & 1 == 1);
        points.map(|(_, points)| i32::from(points)).sum()
    }

    /// The most that pairs can count.
    pub fn best_of_pairs(&self) -> i32 {
        self.pairs.into_iter().map(i32::from).sum()
    }

    /// What no signature can exceed: the points of one that holds all that is wanted.
    pub fn best(&self) -> i32 {
        i32::from(self.best)
    }

    /// The sum of the points of a signature's cells and pairs.
    pub fn sum(&self, cells: SignatureCells) -> i32 {
        let mut left = cells.0;
        let mut sum = self.of_pairs(cells);
        while left != 0 {
            // Bits past the last cell are not cells.
            sum += self.points.get(left.trailing_zeros() as usize).copied().map_or(0, i32::from);
            left &= left - 1;
        }
        sum
    }

    /// How well a signature serves; `u32::MAX` if none can serve better.
    pub fn score(&self, cells: SignatureCells) -> u32 {
        let sum = self.sum(cells);
        if sum >= self.best() { u32::MAX } else { u32::try_from(sum + Self::FLOOR).unwrap_or(0) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weights(text: &str) -> CellWeights {
        CellWeights::try_from(text.to_owned()).expect("weights")
    }

    #[test]
    fn weights_are_written_short() {
        assert_eq!(String::from(CellWeights::NONE), "");
        assert_eq!(String::from(weights("0f010000")), "0f01");
        assert_eq!(weights("0f01").get(0, Symbol::Underscore), 15);
        assert_eq!(weights("0f01").get(1, Symbol::Underscore), 1);
        assert_eq!(CellWeights::try_from("1".repeat(89)), Err(WeightsError));
        assert_eq!(CellWeights::try_from("x".to_owned()), Err(WeightsError));
        assert_eq!(CellWeights::NONE.get(42, Symbol::Dash), 0);
    }

    #[test]
    fn unwanted_cells_weigh_more_than_missing_ones() {
        let fit = Fit::new(SignatureCells(0b0001_0001), weights("00fff"));
        let score = |bits| fit.score(SignatureCells(bits));
        assert_eq!(score(0b1000), u32::MAX, "the other wanted cells are unwanted too, or stand at the same offset");
        assert!(score(0b0000) > score(0b1101));
        assert!(score(0b0001) > score(0b1_0001));
    }

    proptest! {
        #[test]
        fn weights_survive_their_text(all in prop::collection::vec(0_u8..=15, 84)) {
            let mut weights = CellWeights::NONE;
            for (cell, weight) in (0_u16..).zip(&all) {
                let symbol = if cell % 2 == 0 { Symbol::Dash } else { Symbol::Underscore };
                weights.set(cell / 2, symbol, *weight);
                prop_assert_eq!(weights.get(cell / 2, symbol), *weight);
            }
            prop_assert_eq!(CellWeights::try_from(String::from(weights)), Ok(weights));
            prop_assert_eq!(CellWeights::of_all(all.as_array().expect("84 of them"), [0; 4]), weights);
        }

        #[test]
        fn pairs_are_what_stands_next_to_each_other(bits: u128, other: u128, wanted: [u8; 4]) {
            let mut cells = SignatureCells::NONE;
            SignatureCells(bits & other).iter().for_each(|(offset, symbol)| cells.insert(offset, symbol));
            let mut weights = CellWeights::NONE;
            let mut sum = 0;
            for (place, (first, second)) in SignatureCells::PAIRS.into_iter().enumerate() {
                let stands = (0..42).any(|at| cells.contains(at, first) && cells.contains(at + 1, second));
                prop_assert_eq!(cells.pairs() >> place & 1 == 1, stands);
                let weight = wanted[place] % 16;
                weights.set_pair((first, second), weight);
                sum += if stands { i32::from(weight) } else { 0 };
            }
            prop_assert_eq!(weights.pairs(), wanted.map(|weight| weight % 16));
            prop_assert_eq!(CellWeights::try_from(String::from(weights)), Ok(weights));
            prop_assert_eq!(Fit::new(SignatureCells::NONE, weights).sum(cells), sum);
            prop_assert_eq!(weights.get(42, Symbol::Dash), 0, "a pair is no cell");
        }

        #[test]
        fn fewer_unwanted_cells_are_better_and_then_a_larger_sum(
            text in "[0-9a-f]{84}", unlike: u128, offsets in prop::collection::vec(0_u8..3, 84),
        ) {
            let (weights, unlike) = (weights(&text), SignatureCells(unlike));
            let fit = Fit::new(unlike, weights);
            let [one, other] = [&offsets[..42], &offsets[42..]].map(|symbols| {
                let mut cells = SignatureCells::NONE;
                for (offset, symbol) in (0..).zip(symbols) {
                    match symbol {
                        1 => cells.insert(offset, Symbol::Dash),
                        2 => cells.insert(offset, Symbol::Underscore),
                        _ => {}
                    }
                }
                let unwanted = cells.shared_with(unlike);
                let wanted = |(offset, symbol)| u32::from(weights.get(offset, symbol));
                let sum = cells.iter().filter(|(o, s)| !unlike.contains(*o, *s)).map(wanted).sum::<u32>();
                (std::cmp::Reverse(unwanted), sum, fit.score(cells))
            });
            prop_assert_eq!((one.0, one.1).cmp(&(other.0, other.1)), one.2.cmp(&other.2));
        }
    }
}
