//! A picture of a part of a token: every character a dot, but `-` and `_` as themselves.

use std::fmt::Write as _;

use crate::cli::output::Color;
use crate::model::Symbol;

/// Characters in a row: a multiple of four, so that offsets of one remainder stand in columns.
const ROW: usize = 64;
/// Most rows that are drawn of a part.
const ROWS_MAX: usize = 64;

/// Draws a part, row by row, each with the offset of its first character.
pub(super) fn draw(text: &mut String, part: &[u8], show: bool, color: bool) {
    for (number, row) in part.chunks(ROW).take(ROWS_MAX).enumerate() {
        let mut drawn = String::new();
        for byte in row {
            drawn.push_str(&mark(*byte, show, color));
        }
        let _ = writeln!(text, "  {:>6}  {drawn}", number * ROW);
    }
    if part.len() > ROW * ROWS_MAX {
        let _ = writeln!(text, "          and {} more", part.len() - ROW * ROWS_MAX);
    }
}

/// A signature on one line.
pub(super) fn line(cells: impl Iterator<Item = (u16, Symbol)>, length: u16) -> String {
    let mut drawn = vec![b'.'; usize::from(length)];
    for (offset, symbol) in cells {
        if let Some(place) = drawn.get_mut(usize::from(offset)) {
            *place = symbol.as_char() as u8;
        }
    }
    drawn.into_iter().map(|byte| if byte == b'.' { '·' } else { char::from(byte) }).collect()
}

fn mark(byte: u8, show: bool, color: bool) -> String {
    if let Some(symbol) = Symbol::of(byte) {
        return Color::Red.paint(&symbol.to_string(), color);
    }
    // What is not printed by itself might steer the terminal.
    let plain = if show && byte.is_ascii_graphic() { char::from(byte) } else { '·' };
    plain.to_string()
}
