//! A token's text as an input to the partner's parser: the text itself (a secret), what it looks
//! like (not a secret), and the names that we put into it. Knows no vendor.

mod name;
mod shape;
mod text;

pub use name::{NAME_CHARACTERS_MAX, OwnNames};
pub use shape::shape_of;
pub(crate) use shape::signature_cells;
pub use text::{TOKEN_TEXT_MAX, TokenText, TokenTextError};
