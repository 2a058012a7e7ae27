//! While one trait is suspected, two of three scheduled attempts carry it, and the third goes on
//! with the cover as if nothing were: a suspicion must not hide another fault.

use crate::model::{CellWeights, EdgeName, Segment, SignatureCells, TokenWish};
use crate::token::{Feature, Form, Reach};

/// One in so many attempts is left to the cover alone.
const COVER_ONE_IN: u64 = 3;
/// Of a trait that so many cells bring, a token with the cover's weights has one anyway.
const WIDE: u32 = 16;
/// What the cover's weights are divided by where one cell must be there.
const YIELD: u8 = 4;

/// True if the scheduled attempt with this number carries the suspected trait.
pub(super) const fn is_focused(made: u64) -> bool {
    !made.is_multiple_of(COVER_ONE_IN)
}

/// The wish, changed as little as possible so that its token has the trait.
pub(super) fn carry(feature: &Feature, (wish, edge): (TokenWish, EdgeName), reach: &Reach) -> (TokenWish, EdgeName) {
    if let Feature::Edge(wanted) = feature {
        return (wish, wanted.clone());
    }
    let TokenWish::Fresh { kind, key, name_length, unlike, wanted } = wish else { return (wish, edge) };
    if let Feature::Pair(Segment::Signature, first, second) = *feature {
        // It is the pair wherever it stands.
        let mut wanted = pressed(wanted, SignatureCells::NONE);
        wanted.set_pair((first, second), CellWeights::MAX);
        return (TokenWish::Fresh { kind, key, name_length, unlike, wanted }, edge);
    }
    if let Some(cells) = feature.signature_cells_that_bring() {
        let wanted = if cells.0.count_ones() >= WIDE { wanted } else { pressed(wanted, cells) };
        return (TokenWish::Fresh { kind, key, name_length, unlike, wanted }, edge);
    }
    // The nearest form that has it: one that differs in as little as possible, in turn.
    let distance = |form: &Form| {
        (form.kind != kind, form.key != key, form.name_length != name_length, form.name_length.abs_diff(name_length))
    };
    let having = reach.forms().iter().filter(|form| form.has(feature));
    match having.min_by_key(|form| distance(form)) {
        Some(form) => {
            let Form { kind, key, name_length, .. } = *form;
            (TokenWish::Fresh { kind, key, name_length, unlike, wanted }, edge)
        }
        None => (wish, edge),
    }
}

/// Weights under which a token has one of these cells, or another pair, if it can be had at all.
fn pressed(weights: CellWeights, cells: SignatureCells) -> CellWeights {
    let mut pressed = CellWeights::NONE;
    for (offset, symbol) in SignatureCells(u128::MAX).iter() {
        pressed.set(offset, symbol, weights.get(offset, symbol) / YIELD);
    }
    for (offset, symbol) in cells.iter() {
        pressed.set(offset, symbol, CellWeights::MAX);
    }
    for (pair, weight) in SignatureCells::PAIRS.into_iter().zip(weights.pairs()) {
        pressed.set_pair(pair, weight / YIELD);
    }
    pressed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cell, KeySlot, Symbol, TokenKind, TokenShape};

    fn reach() -> Reach {
        let form = |kind, name_length, payload: &[(u16, Symbol)]| Form {
            kind,
            key: KeySlot(0),
            name_length,
            natural: 0,
            shape: TokenShape { payload: payload.to_vec(), lengths: [36, 200, 43], ..TokenShape::default() },
        };
        let forms = vec![
            form(TokenKind::Access, 24, &[]),
            form(TokenKind::Access, 25, &[]),
            form(TokenKind::Capability, 24, &[(183, Symbol::Underscore)]),
            form(TokenKind::Capability, 25, &[]),
        ];
        Reach::minted(forms, vec![EdgeName::parse("ashburn").expect("a name")])
    }

    fn carried(feature: Feature) -> (TokenKind, u8, CellWeights, EdgeName) {
        let wish = TokenWish::Fresh {
            kind: TokenKind::Access,
            key: KeySlot(0),
            name_length: 25,
            unlike: SignatureCells::NONE,
            wanted: CellWeights::each(SignatureCells(0b11)),
        };
        let (wish, edge) = carry(&feature, (wish, EdgeName::parse("ashburn").expect("a name")), &reach());
        let TokenWish::Fresh { kind, name_length, wanted, .. } = wish else { panic!("a fresh one was wished for") };
        (kind, name_length, wanted, edge)
    }

    #[test]
    fn a_form_is_changed_as_little_as_possible() {
        assert_eq!(carried(Feature::Kind(TokenKind::Capability)).0, TokenKind::Capability);
        assert_eq!(carried(Feature::Kind(TokenKind::Capability)).1, 25);
        assert_eq!(carried(Feature::NameResidue(0)).1, 24);
        let (kind, length, ..) = carried(Feature::Symbol(Segment::Payload, Symbol::Underscore));
        assert_eq!((kind, length), (TokenKind::Capability, 24));
        let dublin = EdgeName::parse("dublin").expect("a name");
        assert_eq!(carried(Feature::Edge(dublin.clone())).3, dublin);
    }

    #[test]
    fn a_cell_weighs_more_than_the_cover() {
        let cell = Cell { segment: Segment::Signature, symbol: Symbol::Underscore, offset: 7 };
        let (_, length, wanted, _) = carried(Feature::Cell(cell));
        assert_eq!((length, wanted.get(7, Symbol::Underscore)), (25, CellWeights::MAX));
        assert_eq!(wanted.get(0, Symbol::Dash), 0, "1 of 15 yields");
        let wide = carried(Feature::Symbol(Segment::Signature, Symbol::Dash)).2;
        assert_eq!(wide.get(0, Symbol::Dash), 1, "comes anyway");
        let pair = carried(Feature::Pair(Segment::Signature, Symbol::Dash, Symbol::Underscore)).2;
        assert_eq!((pair.pairs(), pair.get(7, Symbol::Dash)), ([0, CellWeights::MAX, 0, 0], 0), "wherever it stands");
    }
}
