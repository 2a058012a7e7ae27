//! Ways of misreading a token's text, decided from its shape alone, so that the fast model and
//! the peer on the wire cannot differ. The tests hold each against a decoder that really has the
//! mistake.

use serde::{Deserialize, Serialize};

use crate::model::{SignatureCells, Symbol, TokenShape};

/// The wire code when the payload cannot be read (31204, "JWT is invalid").
const CODE_UNREADABLE: u32 = 31204;
/// The wire code when the signature is read as another one (31202).
const CODE_SIGNATURE: u32 = 31202;

/// A parser's mistake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Misparse {
    /// What is wrong in it.
    pub wrong: Wrong,
    /// Which part of the token it reads with the mistake.
    pub part: Part,
    /// Only for this one of the two characters; both if absent.
    pub symbol: Option<Symbol>,
}

/// The kinds of mistakes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Wrong {
    /// Knows standard base64 only and fails on a character that it does not have.
    Fails,
    /// Drops characters that it does not know.
    Drops,
    /// Wrong only where the character stands at this offset of the part.
    AtOffset(u16),
    /// Wrong only where the character stands at an offset with this residue mod 4.
    AtResidue(u16),
    /// Wrong only in the part's last group of up to four characters.
    InLastGroup,
    /// Wrong only from this offset on.
    Past(u16),
    /// Demands padding: fails on every part whose length is no multiple of four.
    DemandsPadding,
    /// Encodes what it read again, in standard base64, and compares.
    Compares,
}

/// Which part of a token is misread. Headers never hold either character.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The payload.
    Payload,
    /// The signature.
    Signature,
    /// Both.
    Both,
}

impl Misparse {
    /// The code with which a token of this shape is refused; `None` if the mistake does not
    /// matter for it. The payload is read first.
    pub fn code(&self, shape: &TokenShape) -> Option<u32> {
        let [_, payload_length, signature_length] = shape.lengths;
        let payload = matches!(self.part, Part::Payload | Part::Both);
        if payload && self.hits(shape.payload.iter().copied(), payload_length) {
            return Some(CODE_UNREADABLE);
        }
        let signature = matches!(self.part, Part::Signature | Part::Both);
        (signature && self.hits(SignatureCells::iter(shape.signature), signature_length))
            .then(|| if self.fails_early() { CODE_UNREADABLE } else { CODE_SIGNATURE })
    }

    /// True if the mistake shows while decoding, so that the signature is never compared.
    fn fails_early(&self) -> bool {
        matches!(self.wrong, Wrong::Fails | Wrong::DemandsPadding | Wrong::Compares)
    }

    fn hits(&self, mut cells: impl Iterator<Item = (u16, Symbol)>, length: u16) -> bool {
        if self.wrong == Wrong::DemandsPadding {
            return !length.is_multiple_of(4);
        }
        let last_group = length.saturating_sub(1) / 4 * 4;
        cells.any(|(offset, symbol)| {
            self.symbol.is_none_or(|only| only == symbol)
                && match self.wrong {
                    Wrong::Fails | Wrong::Drops | Wrong::Compares => true,
                    Wrong::AtOffset(at) => offset == at,
                    Wrong::AtResidue(residue) => offset % 4 == residue,
                    Wrong::InLastGroup => offset >= last_group,
                    Wrong::Past(start) => offset >= start,
                    Wrong::DemandsPadding => false,
                }
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::alphabet;
    use base64::engine::general_purpose::{
        GeneralPurpose, GeneralPurposeConfig, PAD, STANDARD_NO_PAD, URL_SAFE_NO_PAD,
    };

    use super::*;

    /// The part's bytes as a parser with the mistake reads them; `None` if it fails.
    fn misread(wrong: Wrong, symbol: Option<Symbol>, text: &str) -> Option<Vec<u8>> {
        let last_group = text.len().saturating_sub(1) / 4 * 4;
        let concerns = |at: usize, c: char| {
            Symbol::of(c as u8).is_some_and(|s| symbol.is_none_or(|only| only == s))
                && match wrong {
                    Wrong::AtOffset(offset) => at == usize::from(offset),
                    Wrong::AtResidue(residue) => at % 4 == usize::from(residue),
                    Wrong::InLastGroup => at >= last_group,
                    Wrong::Past(start) => at >= usize::from(start),
                    _ => true,
                }
        };
        let right = |c: char| match c {
            '-' => '+',
            '_' => '/',
            other => other,
        };
        // 'A' stands for any other value that a wrong table may give.
        let standard: String = text
            .char_indices()
            .filter(|(at, c)| !(wrong == Wrong::Drops && concerns(*at, *c)))
            .map(|(at, c)| match wrong {
                Wrong::Fails if concerns(at, c) => c,
                Wrong::Fails | Wrong::Drops | Wrong::DemandsPadding | Wrong::Compares => right(c),
                _ if concerns(at, c) => 'A',
                _ => right(c),
            })
            .collect();
        let lenient = GeneralPurpose::new(
            &alphabet::STANDARD,
            GeneralPurposeConfig::new()
                .with_decode_allow_trailing_bits(true)
                .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
        );
        match wrong {
            Wrong::DemandsPadding => GeneralPurpose::new(&alphabet::STANDARD, PAD).decode(standard).ok(),
            Wrong::Compares => {
                let bytes = lenient.decode(standard).ok()?;
                let again: String = STANDARD_NO_PAD.encode(&bytes);
                let differs = text.char_indices().any(|(at, c)| concerns(at, c) && again.as_bytes()[at] != c as u8);
                (!differs).then_some(bytes)
            }
            _ => lenient.decode(standard).ok(),
        }
    }

    fn shape_of(payload: &str, signature: &str) -> TokenShape {
        let mut shape = TokenShape::default();
        let length = |text: &str| u16::try_from(text.len()).expect("short");
        shape.lengths = [36, length(payload), length(signature)];
        for (at, byte) in payload.bytes().enumerate() {
            shape.payload.extend(Symbol::of(byte).map(|symbol| (u16::try_from(at).expect("short"), symbol)));
        }
        for (at, byte) in signature.bytes().enumerate() {
            if let Some(symbol) = Symbol::of(byte) {
                shape.signature.insert(u16::try_from(at).expect("short"), symbol);
            }
        }
        shape
    }

    #[test]
    fn the_shape_alone_tells_what_a_really_wrong_parser_does() {
        let mut random = fastrand::Rng::with_seed(17);
        let wrongs = [
            Wrong::Fails,
            Wrong::Drops,
            Wrong::AtOffset(11),
            Wrong::AtResidue(3),
            Wrong::InLastGroup,
            Wrong::Past(32),
            Wrong::DemandsPadding,
            Wrong::Compares,
        ];
        let (mut hit, mut passed) = (0, 0);
        for _ in 0..500 {
            let payload: Vec<u8> = (0..random.usize(40..60)).map(|_| random.u8(..)).collect();
            let signature: Vec<u8> = (0..32).map(|_| random.u8(..)).collect();
            let (p, s) = (URL_SAFE_NO_PAD.encode(&payload), URL_SAFE_NO_PAD.encode(&signature));
            let shape = shape_of(&p, &s);
            for wrong in wrongs {
                for symbol in [None, Some(Symbol::Dash), Some(Symbol::Underscore)] {
                    for (part, text, bytes) in [(Part::Payload, &p, &payload), (Part::Signature, &s, &signature)] {
                        let refused = Misparse { wrong, part, symbol }.code(&shape).is_some();
                        let read_wrong = misread(wrong, symbol, text).as_ref() != Some(bytes);
                        assert_eq!(refused, read_wrong, "{wrong:?} {symbol:?} {part:?} {text}");
                        hit += u32::from(refused);
                        passed += u32::from(!refused);
                    }
                }
            }
        }
        assert!(hit > 1000 && passed > 1000, "both sides are seen: {hit}, {passed}");
    }
}
