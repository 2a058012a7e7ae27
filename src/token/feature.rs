//! Yes-or-no properties of a token as it is sent: what a fault of the partner's could depend on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{Cell, EdgeName, KeySlot, Segment, SignatureCells, Symbol, TokenKind, TokenShape, Traits};

/// One property. Traits know no cells of the header, so that nothing of the header holds but what
/// its length tells.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// It is of this kind.
    Kind(TokenKind),
    /// It is of this kind and this of the pod's keys signed it.
    Key(TokenKind, KeySlot),
    /// The name in it has so many characters.
    NameLength(u8),
    /// The length of the name has this remainder mod 3.
    NameResidue(u8),
    /// The symbol stands anywhere in the segment.
    Symbol(Segment, Symbol),
    /// Either symbol stands anywhere in the segment.
    AnySymbol(Segment),
    /// The symbol stands at an offset with this remainder mod 4.
    AtResidue(Segment, Symbol, u8),
    /// Either symbol stands at an offset with this remainder mod 4.
    AnyAtResidue(Segment, u8),
    /// The symbol stands at this very place.
    Cell(Cell),
    /// The segment begins with the symbol.
    First(Segment, Symbol),
    /// The segment ends with the symbol.
    Last(Segment, Symbol),
    /// The first symbol stands right before the second one, somewhere in the segment.
    Pair(Segment, Symbol, Symbol),
    /// The length of the segment has this remainder mod 4.
    LengthResidue(Segment, u8),
    /// The whole text has at least so many times [`Feature::LENGTH_STEP`] characters.
    TotalLength(u16),
    /// Traffic entered the partner there.
    Edge(EdgeName),
}

impl Feature {
    /// Width of a class of total lengths, in characters.
    pub const LENGTH_STEP: u16 = 16;

    /// True if a token with these traits has the property.
    pub fn holds(&self, traits: &Traits) -> bool {
        match self {
            Self::Kind(kind) => traits.kind == *kind,
            Self::Key(kind, key) => (traits.kind, traits.key) == (*kind, *key),
            Self::NameLength(length) => traits.name_length == *length,
            Self::NameResidue(residue) => traits.name_residue() == *residue,
            Self::Edge(edge) => traits.edge == *edge,
            of_the_text => of_the_text.holds_of(&traits.shape),
        }
    }

    /// True if the text has the property, as far as the text tells; false for the others.
    pub(super) fn holds_of(&self, shape: &TokenShape) -> bool {
        let any = |segment, wanted: &dyn Fn(u16, Symbol) -> bool| cells(shape, segment).any(|(at, of)| wanted(at, of));
        match self {
            Self::Symbol(segment, symbol) => any(*segment, &|_, of| of == *symbol),
            Self::AnySymbol(segment) => any(*segment, &|_, _| true),
            Self::AtResidue(segment, symbol, residue) => {
                any(*segment, &|at, of| of == *symbol && at % 4 == u16::from(*residue))
            }
            Self::AnyAtResidue(segment, residue) => any(*segment, &|at, _| at % 4 == u16::from(*residue)),
            Self::Cell(Cell { segment, symbol, offset }) => any(*segment, &|at, of| of == *symbol && at == *offset),
            Self::First(segment, symbol) => any(*segment, &|at, of| of == *symbol && at == 0),
            Self::Last(segment, symbol) => {
                let last = length(shape, *segment).checked_sub(1);
                any(*segment, &|at, of| of == *symbol && Some(at) == last)
            }
            Self::Pair(segment, first, second) => any(*segment, &|at, of| {
                of == *first
                    && cells(shape, *segment).any(|(next, of)| of == *second && at.checked_add(1) == Some(next))
            }),
            Self::LengthResidue(segment, residue) => length(shape, *segment) % 4 == u16::from(*residue),
            Self::TotalLength(class) => total_length(shape) >= u32::from(*class) * u32::from(Self::LENGTH_STEP),
            Self::Kind(_) | Self::Key(..) | Self::NameLength(_) | Self::NameResidue(_) | Self::Edge(_) => false,
        }
    }

    /// The signature cells any one of which gives a token this feature; `None` if it does not follow
    /// from a single cell of the signature.
    pub fn signature_cells_that_bring(&self) -> Option<SignatureCells> {
        let having = |wanted: &dyn Fn(u16, Symbol) -> bool| {
            let all = SignatureCells(u128::MAX).iter();
            Some(all.filter(|(offset, symbol)| wanted(*offset, *symbol)).collect::<SignatureCells>())
        };
        match *self {
            Self::AnySymbol(Segment::Signature) => having(&|_, _| true),
            Self::Symbol(Segment::Signature, only) => having(&|_, symbol| symbol == only),
            Self::AnyAtResidue(Segment::Signature, residue) => having(&|at, _| at % 4 == u16::from(residue)),
            Self::AtResidue(Segment::Signature, only, residue) => {
                having(&|at, symbol| symbol == only && at % 4 == u16::from(residue))
            }
            Self::First(Segment::Signature, only) => having(&|at, symbol| symbol == only && at == 0),
            Self::Cell(Cell { segment: Segment::Signature, symbol: only, offset }) => {
                having(&|at, symbol| symbol == only && at == offset)
            }
            _ => None,
        }
    }

    /// Every feature that a token with these traits has but classes of total length, which say little
    /// that the length of its name does not.
    pub fn all_of(traits: &Traits) -> Vec<Self> {
        let mut features = vec![
            Self::Kind(traits.kind),
            Self::Key(traits.kind, traits.key),
            Self::NameLength(traits.name_length),
            Self::NameResidue(traits.name_residue()),
            Self::Edge(traits.edge.clone()),
        ];
        for segment in [Segment::Payload, Segment::Signature] {
            let mut of_cells = Self::of_symbols(segment);
            of_cells.retain(|feature| feature.holds(traits));
            features.extend(of_cells);
            let here = cells(&traits.shape, segment);
            features.extend(here.map(|(offset, symbol)| Self::Cell(Cell { segment, symbol, offset })));
        }
        let residue = length(&traits.shape, Segment::Payload) % 4;
        features.extend(u8::try_from(residue).map(|residue| Self::LengthResidue(Segment::Payload, residue)));
        features
    }

    /// The features that a text's symbols can have in this segment, other than cells.
    pub fn of_symbols(segment: Segment) -> Vec<Self> {
        const BOTH: [Symbol; 2] = [Symbol::Dash, Symbol::Underscore];
        let mut features = vec![Self::AnySymbol(segment)];
        features.extend(BOTH.map(|symbol| Self::Symbol(segment, symbol)));
        features.extend((0..4).map(|residue| Self::AnyAtResidue(segment, residue)));
        for symbol in BOTH {
            features.extend((0..4).map(|residue| Self::AtResidue(segment, symbol, residue)));
            features.extend(BOTH.map(|second| Self::Pair(segment, symbol, second)));
            features.extend([Self::First(segment, symbol), Self::Last(segment, symbol)]);
        }
        features
    }

    /// The 84 cells of a signature.
    pub fn signature_cells() -> impl Iterator<Item = Self> {
        SignatureCells(u128::MAX)
            .iter()
            .map(|(offset, symbol)| Self::Cell(Cell { segment: Segment::Signature, symbol, offset }))
    }
}

/// The characters of the whole text, with both dots.
pub(super) fn total_length(shape: &TokenShape) -> u32 {
    shape.lengths.iter().map(|length| u32::from(*length)).sum::<u32>() + 2
}

fn length(shape: &TokenShape, segment: Segment) -> u16 {
    shape.lengths[match segment {
        Segment::Header => 0,
        Segment::Payload => 1,
        Segment::Signature => 2,
    }]
}

/// Where symbols stand; those of a header are not known.
fn cells(shape: &TokenShape, segment: Segment) -> impl Iterator<Item = (u16, Symbol)> + '_ {
    let payload = if segment == Segment::Payload { shape.payload.as_slice() } else { &[] };
    let signature = if segment == Segment::Signature { shape.signature } else { SignatureCells::NONE };
    payload.iter().copied().chain(signature.iter())
}

const fn name_of(segment: Segment) -> &'static str {
    match segment {
        Segment::Header => "header",
        Segment::Payload => "payload",
        Segment::Signature => "signature",
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "{kind} token"),
            Self::Key(TokenKind::Access, KeySlot(slot)) => write!(f, "signed with API key {}", slot.saturating_add(1)),
            Self::Key(TokenKind::Capability, _) => write!(f, "signed with the auth token"),
            Self::NameLength(length) => write!(f, "name of {length} characters"),
            Self::NameResidue(residue) => write!(f, "name length {residue} (mod 3)"),
            Self::Symbol(segment, symbol) => write!(f, "\"{symbol}\" in the {}", name_of(*segment)),
            Self::AnySymbol(segment) => write!(f, "\"-\" or \"_\" in the {}", name_of(*segment)),
            Self::AtResidue(segment, symbol, residue) => {
                write!(f, "\"{symbol}\" at {} offset {residue} (mod 4)", name_of(*segment))
            }
            Self::AnyAtResidue(segment, residue) => {
                write!(f, "\"-\" or \"_\" at {} offset {residue} (mod 4)", name_of(*segment))
            }
            Self::Cell(Cell { segment, symbol, offset }) => {
                write!(f, "\"{symbol}\" at {} offset {offset}", name_of(*segment))
            }
            Self::First(segment, symbol) => write!(f, "\"{symbol}\" first in the {}", name_of(*segment)),
            Self::Last(segment, symbol) => write!(f, "\"{symbol}\" last in the {}", name_of(*segment)),
            Self::Pair(segment, first, second) => write!(f, "\"{first}{second}\" in the {}", name_of(*segment)),
            Self::LengthResidue(segment, residue) => write!(f, "{} length {residue} (mod 4)", name_of(*segment)),
            Self::TotalLength(class) => {
                write!(f, "text of {} characters or more", u32::from(*class) * u32::from(Self::LENGTH_STEP))
            }
            Self::Edge(edge) => write!(f, "edge {edge}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::shape_of;

    fn traits(text: &str) -> Traits {
        Traits {
            kind: TokenKind::Capability,
            key: KeySlot(0),
            name_length: 25,
            edge: EdgeName::parse("dublin").expect("a name"),
            family: None,
            shape: shape_of(text),
        }
    }

    /// True for what a dash at the beginning of a signature brings.
    fn said_of_signature(feature: &Feature) -> bool {
        feature.to_string().contains("signature") && !matches!(feature, Feature::Pair(..) | Feature::Last(..))
    }

    /// Which of the features of symbols hold.
    fn said(segment: Segment, text: &str) -> Vec<String> {
        let traits = traits(text);
        let holding = Feature::of_symbols(segment).into_iter().filter(|feature| feature.holds(&traits));
        holding.map(|feature| feature.to_string()).collect()
    }

    #[test]
    fn a_text_has_the_features_of_its_symbols() {
        assert_eq!(said(Segment::Payload, "h.abc.-_"), [""; 0]);
        assert_eq!(
            said(Segment::Payload, "h.abc_-x-.s"),
            [
                "\"-\" or \"_\" in the payload",
                "\"-\" in the payload",
                "\"_\" in the payload",
                "\"-\" or \"_\" at payload offset 0 (mod 4)",
                "\"-\" or \"_\" at payload offset 2 (mod 4)",
                "\"-\" or \"_\" at payload offset 3 (mod 4)",
                "\"-\" at payload offset 0 (mod 4)",
                "\"-\" at payload offset 2 (mod 4)",
                "\"-\" last in the payload",
                "\"_\" at payload offset 3 (mod 4)",
                "\"_-\" in the payload",
            ]
        );
        assert_eq!(said(Segment::Signature, "h.p.-x").len(), 5);
        assert_eq!(said(Segment::Header, "-_.p.s"), [""; 0], "not known of the header");
    }

    #[test]
    fn all_features_of_a_token_hold_of_it() {
        let traits = traits("h.abc_-x-.-y");
        let features = Feature::all_of(&traits);
        assert!(features.iter().all(|feature| feature.holds(&traits)));
        assert_eq!(features.len(), 5 + 11 + 3 + 5 + 1 + 1);
        let brought =
            |feature: &Feature| feature.signature_cells_that_bring().is_some_and(|c| c.contains(0, Symbol::Dash));
        assert!(features.iter().all(|feature| brought(feature) == said_of_signature(feature)), "{features:?}");
        let distinct: std::collections::BTreeSet<_> = features.iter().collect();
        assert_eq!(distinct.len(), features.len());
    }

    #[test]
    fn the_other_features_are_said_in_words() {
        let traits = traits(&format!("{}.{}.{}", "h".repeat(36), "p".repeat(121), "s".repeat(43)));
        for (feature, words, holds) in [
            (Feature::Kind(TokenKind::Capability), "capability token", true),
            (Feature::Key(TokenKind::Capability, KeySlot(0)), "signed with the auth token", true),
            (Feature::Key(TokenKind::Access, KeySlot(0)), "signed with API key 1", false),
            (Feature::NameLength(25), "name of 25 characters", true),
            (Feature::NameResidue(1), "name length 1 (mod 3)", true),
            (Feature::LengthResidue(Segment::Payload, 1), "payload length 1 (mod 4)", true),
            (Feature::TotalLength(12), "text of 192 characters or more", true),
            (Feature::TotalLength(13), "text of 208 characters or more", false),
            (Feature::Edge(EdgeName::parse("ashburn").expect("a name")), "edge ashburn", false),
        ] {
            assert_eq!((feature.to_string().as_str(), feature.holds(&traits)), (words, holds));
            let text = serde_json::to_string(&feature).expect("plain data");
            assert_eq!(serde_json::from_str::<Feature>(&text).expect("what was written"), feature);
        }
        assert_eq!(Feature::signature_cells().count(), 84);
    }
}
