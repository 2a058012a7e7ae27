//! Where `-` and `_` stand in a text, part by part: for people who look at one token.

use crate::model::Symbol;

/// Most parts that are told apart; a token has three. The last one takes the rest.
const PARTS_MAX: usize = 8;

/// What a part of a text looks like. Offsets count bytes from the part's begin.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PartAnatomy {
    /// Its length in bytes.
    pub length: usize,
    /// Where symbols stand.
    pub cells: Vec<(usize, Symbol)>,
    /// Where two symbols stand side by side.
    pub pairs: Vec<(usize, [Symbol; 2])>,
    /// Bytes that base64url does not have.
    pub foreign: usize,
}

impl PartAnatomy {
    /// Of a part's bytes.
    pub fn of(part: &[u8]) -> Self {
        let cells: Vec<_> = part.iter().enumerate().filter_map(|(at, byte)| Some((at, Symbol::of(*byte)?))).collect();
        let adjacent = cells.iter().zip(cells.iter().skip(1)).filter(|((one, _), (next, _))| one + 1 == *next);
        let pairs = adjacent.map(|((at, first), (_, second))| (*at, [*first, *second])).collect();
        let base64url = |byte: &&u8| byte.is_ascii_alphanumeric() || Symbol::of(**byte).is_some();
        let foreign = part.len() - part.iter().filter(base64url).count();
        Self { length: part.len(), cells, pairs, foreign }
    }

    /// The symbol that it begins with, if it does.
    pub fn first(&self) -> Option<Symbol> {
        self.cells.first().filter(|(at, _)| *at == 0).map(|(_, symbol)| *symbol)
    }

    /// The symbol that it ends with, if it does.
    pub fn last(&self) -> Option<Symbol> {
        self.cells.last().filter(|(at, _)| at + 1 == self.length).map(|(_, symbol)| *symbol)
    }
}

/// The parts of a text between its dots, at most eight; any text has one at least.
pub fn parts_of(text: &[u8]) -> Vec<&[u8]> {
    text.splitn(PARTS_MAX, |byte| *byte == b'.').collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_part_tells_where_its_symbols_stand() {
        let part = PartAnatomy::of(b"-_a=-");
        assert_eq!(part.cells, [(0, Symbol::Dash), (1, Symbol::Underscore), (4, Symbol::Dash)]);
        assert_eq!(part.pairs, [(0, [Symbol::Dash, Symbol::Underscore])]);
        assert_eq!((part.first(), part.last(), part.foreign), (Some(Symbol::Dash), Some(Symbol::Dash), 1));
        assert_eq!(PartAnatomy::of(b"abc").last(), None);
        assert_eq!(parts_of(b""), [b""]);
        assert_eq!(parts_of(b"a.b.c.d.e.f.g.h.i.j").last(), Some(&&b"h.i.j"[..]));
    }

    proptest! {
        #[test]
        fn any_bytes_have_parts(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let parts = parts_of(&text);
            prop_assert_eq!(parts.iter().map(|part| part.len() + 1).sum::<usize>(), text.len() + 1);
            for part in parts {
                let anatomy = PartAnatomy::of(part);
                prop_assert!(anatomy.cells.len() + anatomy.foreign <= part.len());
                prop_assert!(anatomy.pairs.len() < anatomy.cells.len().max(1));
            }
        }
    }
}
