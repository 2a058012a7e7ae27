//! Cells that no token of a pod can hold, counted, and why not.

use serde::Serialize;

use crate::model::{SignatureCells, Symbol, TokenKind};
use crate::token::Reach;

/// Some cells that cannot exist.
#[derive(Serialize, PartialEq, Eq, Debug)]
pub(super) struct Missing {
    /// Which part of which tokens.
    pub(super) place: String,
    /// Which of its cells.
    pub(super) cells: String,
    /// How many these are, over all offsets that the part has.
    pub(super) count: usize,
    /// Why.
    pub(super) why: &'static str,
}

const LAST: &str = "the last of 43 characters carries 4 bits only";
const ASCII: &str = "ASCII has its highest bit at 0, which keeps these characters below 62";
const NONE: &str = "no `>` or `~` stands in what our tokens say, and names have letters, digits and underscores";
const NO_QUESTION: &str = "no `?` stands in what these tokens say";
const QUESTION: &str = "`?` stands nowhere else in what our tokens say, with the lengths of names that are configured";

/// All of them, by kind.
pub(super) fn missing(reach: &Reach) -> Vec<Missing> {
    let last = SignatureCells::OFFSETS;
    let mut all =
        vec![Missing { place: "signature".to_owned(), cells: format!("- and _ at {last}"), count: 2, why: LAST }];
    for kind in TokenKind::ALL {
        let forms = reach.forms().iter().filter(|form| form.kind == kind);
        let Some(longest) = forms.map(|form| usize::from(form.shape.lengths[1])).max() else { continue };
        let held = reach.payload_cells(kind);
        let count = |aligned: bool, symbol: Symbol| {
            let offsets = (0..longest).filter(|offset| (offset % 4 == 3) == aligned).count();
            let here = |(offset, of): &&(u16, Symbol)| *of == symbol && (offset % 4 == 3) == aligned;
            offsets.saturating_sub(held.iter().filter(here).count())
        };
        let place = format!("payload of {kind} tokens");
        let mut add = |cells: &str, count: usize, why: &'static str| {
            if count > 0 {
                all.push(Missing { place: place.clone(), cells: cells.to_owned(), count, why });
            }
        };
        let unaligned = count(false, Symbol::Dash) + count(false, Symbol::Underscore);
        add("- and _ at 0, 1 and 2 mod 4", unaligned, ASCII);
        add("- at 3 mod 4", count(true, Symbol::Dash), NONE);
        let (elsewhere, why) = match held.is_empty() {
            true => ("_ at 3 mod 4", NO_QUESTION),
            false => ("_ at other offsets of 3 mod 4", QUESTION),
        };
        add(elsewhere, count(true, Symbol::Underscore), why);
    }
    all
}
