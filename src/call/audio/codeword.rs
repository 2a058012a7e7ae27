//! The check in a tone sequence: six symbols of four bits become twelve, and any six of the
//! twelve are enough to get the six back. What more than six are heard, all of it must agree.
//!
//! A Reed-Solomon code over GF(16) in its plainest form: a polynomial of degree five through the
//! six data symbols at the points 1 to 6, read off again at the points 7 to 12. Symbols that were
//! not heard are left out; there is no correcting of wrong ones, because a sound that is not ours
//! must not be bent until it fits.

/// Symbols that carry data.
pub(super) const DATA: usize = 6;

/// Symbols in a codeword.
pub(super) const LENGTH: usize = 12;

/// Values of a symbol.
pub(super) const ORDER: u8 = 16;

/// Powers of the generator 2 under x^4 + x + 1.
const EXP: [u8; 15] = [1, 2, 4, 8, 3, 6, 12, 11, 5, 10, 7, 14, 15, 13, 9];

/// Exponents of the field's elements; zero has none.
const LOG: [u8; 16] = [0, 0, 1, 4, 2, 8, 5, 10, 3, 14, 9, 7, 6, 13, 11, 12];

/// The codeword of six data symbols, each in `0..16`.
pub(super) fn encode(data: [u8; DATA]) -> [u8; LENGTH] {
    let known = data.map(|symbol| symbol % ORDER);
    let places: [usize; DATA] = std::array::from_fn(|place| place);
    std::array::from_fn(|place| value_at(&places, &known, place))
}

/// The data of a codeword of which at least `heard_min` symbols were heard, if all of them agree.
pub(super) fn decode(symbols: &[Option<u8>; LENGTH], heard_min: usize) -> Option<[u8; DATA]> {
    let mut places = [0; DATA];
    let mut known = [0; DATA];
    let heard = symbols.iter().enumerate().filter_map(|(place, symbol)| symbol.map(|symbol| (place, symbol)));
    if heard.clone().count() < heard_min.max(DATA) || heard.clone().any(|(_, symbol)| symbol >= ORDER) {
        return None;
    }
    for (slot, (place, symbol)) in heard.clone().take(DATA).enumerate() {
        places[slot] = place;
        known[slot] = symbol;
    }
    let agree = heard.skip(DATA).all(|(place, symbol)| value_at(&places, &known, place) == symbol);
    agree.then(|| std::array::from_fn(|place| value_at(&places, &known, place)))
}

/// Lagrange's formula: the value at a place of the polynomial through six known places.
fn value_at(places: &[usize; DATA], known: &[u8; DATA], place: usize) -> u8 {
    if let Some(slot) = places.iter().position(|&known_place| known_place == place) {
        return known[slot];
    }
    let mut value = 0;
    for (&own, &symbol) in places.iter().zip(known) {
        // In this field subtraction is exclusive or; places never meet, so nothing is zero.
        let others = places.iter().filter(|&&other| other != own);
        let weight =
            others.fold(0, |sum, &other| sum + log(point(place) ^ point(other)) + 15 - log(point(own) ^ point(other)));
        if symbol != 0 {
            value ^= EXP[(weight + log(symbol)) % 15];
        }
    }
    value
}

/// The field's element at which a place is evaluated.
fn point(place: usize) -> u8 {
    place as u8 + 1
}

fn log(element: u8) -> usize {
    usize::from(LOG[usize::from(element)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_field_is_one() {
        for (exponent, &element) in EXP.iter().enumerate() {
            assert_eq!(log(element), exponent);
        }
        for pair in EXP.windows(2) {
            let doubled = pair[0] << 1;
            assert_eq!(pair[1], if doubled >= 16 { doubled ^ 0b1_0011 } else { doubled });
        }
    }

    /// Any two codewords differ in seven places of twelve: the most that is possible.
    #[test]
    fn a_single_changed_symbol_changes_seven() {
        let zero = encode([0; DATA]);
        for place in 0..DATA {
            let mut data = [0; DATA];
            data[place] = 9;
            let differing = encode(data).iter().zip(zero).filter(|(one, other)| **one != *other).count();
            assert_eq!(differing, LENGTH - DATA + 1);
        }
    }

    #[test]
    fn vectors_of_an_independent_computation() {
        // scripts: Python, polynomial by Gaussian elimination over GF(16), then evaluated.
        assert_eq!(encode([1, 2, 3, 4, 5, 6]), VECTOR_1);
        assert_eq!(encode([15, 0, 7, 9, 1, 12]), VECTOR_2);
    }

    const VECTOR_1: [u8; LENGTH] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const VECTOR_2: [u8; LENGTH] = [15, 0, 7, 9, 1, 12, 4, 4, 5, 0, 1, 15];

    proptest! {
        #[test]
        fn any_six_symbols_are_enough(data in prop::array::uniform6(0u8..16), lost in prop::collection::btree_set(0usize..LENGTH, 0..=6)) {
            let mut heard = encode(data).map(Some);
            for &place in &lost {
                heard[place] = None;
            }
            prop_assert_eq!(decode(&heard, DATA), Some(data));
            prop_assert_eq!(decode(&heard, LENGTH), lost.is_empty().then_some(data));
        }

        #[test]
        fn a_wrong_symbol_is_refused(data in prop::array::uniform6(0u8..16), place in 0usize..LENGTH, by in 1u8..16) {
            let mut heard = encode(data).map(Some);
            heard[place] = heard[place].map(|symbol| symbol ^ by);
            prop_assert_eq!(decode(&heard, DATA), None);
        }

        #[test]
        fn anything_may_be_asked(symbols in prop::array::uniform12(prop::option::of(any::<u8>())), min in 0usize..20) {
            decode(&symbols, min);
        }
    }
}
