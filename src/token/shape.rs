//! What a token's text looks like, without the text.

use crate::model::{SignatureCells, Symbol, TokenShape};

/// The shape of a text. Any text has one: missing parts have length 0, what follows a third dot is
/// not looked at, and a length above `u16::MAX` counts as that.
pub fn shape_of(text: &str) -> TokenShape {
    let mut parts = text.split('.');
    let [header, payload, signature] = [(); 3].map(|()| parts.next().unwrap_or_default());
    TokenShape {
        signature: signature_cells(signature),
        payload: cells(payload).take(TokenShape::PAYLOAD_CELLS_MAX).collect(),
        lengths: [header, payload, signature].map(|part| u16::try_from(part.len()).unwrap_or(u16::MAX)),
    }
}

/// The cells of a signature's text.
fn signature_cells(signature: &str) -> SignatureCells {
    let mut found = SignatureCells::default();
    for (offset, symbol) in cells(signature).take_while(|(offset, _)| *offset < SignatureCells::OFFSETS) {
        found.insert(offset, symbol);
    }
    found
}

fn cells(part: &str) -> impl Iterator<Item = (u16, Symbol)> {
    (0..=u16::MAX).zip(part.bytes()).filter_map(|(offset, byte)| Some((offset, Symbol::of(byte)?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_are_found_where_they_stand() {
        let shape = shape_of("ey-J.ab-c_.-xy_");
        assert_eq!(
            shape.payload,
            [(2, Symbol::Dash), (4, Symbol::Underscore)],
            "the header's are not cells of interest"
        );
        assert_eq!(shape.signature.iter().collect::<Vec<_>>(), [(0, Symbol::Dash), (3, Symbol::Underscore)]);
        assert_eq!(shape.lengths, [4, 5, 4]);
    }

    #[test]
    fn texts_that_are_no_tokens_have_a_shape_too() {
        assert_eq!(shape_of(""), TokenShape::default());
        assert_eq!(shape_of("abc").lengths, [3, 0, 0]);
        assert_eq!(shape_of("..").lengths, [0, 0, 0]);
        assert_eq!(shape_of("a.b.c.d-").lengths, [1, 1, 1]);
        let long = shape_of(&format!("a.{}.{}", "_".repeat(70_000), "-".repeat(70_000)));
        assert_eq!(long.lengths, [1, u16::MAX, u16::MAX]);
        assert_eq!(long.payload.len(), TokenShape::PAYLOAD_CELLS_MAX);
        assert_eq!(long.signature.0.count_ones(), 42, "one symbol at each of 42 offsets");
    }

    proptest! {
        #[test]
        fn any_text_has_a_shape(text in any::<String>()) {
            let shape = shape_of(&text);
            prop_assert!(shape.payload.len() <= TokenShape::PAYLOAD_CELLS_MAX);
        }

        #[test]
        fn a_shape_tells_every_symbol(header in "[a-z]{1,9}", payload in "[A-Za-z0-9_-]{0,60}", signature in "[A-Za-z0-9_-]{42}") {
            let shape = shape_of(&format!("{header}.{payload}.{signature}A"));
            let mut rebuilt = vec![b'x'; 42];
            for (offset, symbol) in shape.signature.iter() {
                rebuilt[usize::from(offset)] = symbol.as_char() as u8;
            }
            let masked: Vec<u8> = signature.bytes().map(|b| if Symbol::of(b).is_some() { b } else { b'x' }).collect();
            prop_assert_eq!(rebuilt, masked);
            prop_assert_eq!(shape.payload.len(), payload.bytes().filter(|b| Symbol::of(*b).is_some()).count());
        }
    }
}
