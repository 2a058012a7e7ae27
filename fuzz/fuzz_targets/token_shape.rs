//! Any text has a shape, and the shape tells every symbol that it can.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringcheck::model::{Symbol, TokenShape};
use ringcheck::token::{TOKEN_TEXT_MAX, TokenText, shape_of};

fuzz_target!(|text: &str| {
    let shape = shape_of(text);
    let parts: Vec<&str> = text.split('.').chain(["", "", ""]).take(3).collect();
    for (length, part) in shape.lengths.iter().zip(&parts) {
        assert_eq!(usize::from(*length), part.len().min(usize::from(u16::MAX)));
    }
    for (offset, symbol) in &shape.payload {
        assert_eq!(Symbol::of(parts[1].as_bytes()[usize::from(*offset)]), Some(*symbol));
    }
    for (offset, symbol) in shape.signature.iter() {
        assert_eq!(Symbol::of(parts[2].as_bytes()[usize::from(offset)]), Some(symbol));
    }
    let symbols = |part: &str, until| part.bytes().take(until).filter(|byte| Symbol::of(*byte).is_some()).count();
    assert_eq!(shape.signature.iter().count(), symbols(parts[2], 42));
    let in_payload = symbols(parts[1], usize::from(u16::MAX) + 1);
    assert_eq!(shape.payload.len(), in_payload.min(TokenShape::PAYLOAD_CELLS_MAX));
    if let Ok(token) = TokenText::parse(text) {
        assert!(token.expose().len() <= TOKEN_TEXT_MAX);
        let shown = format!("{token}{token:?}");
        assert!(token.expose().len() < 16 || !shown.contains(token.expose()));
    }
});
