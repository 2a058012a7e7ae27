//! From the text that users write to a plan that cannot be wrong, or to the list of everything
//! that is wrong with it. Touches no disk: `io/config_files.rs` brings the texts.
//!
//! What may be written stands as data in [`shapes`]; [`table`] holds a text against it and notes
//! every mistake; one file for each kind of file then builds the typed values, and `whole`
//! looks at what only shows when all of them are seen together.

mod address;
mod call;
mod call_checks;
mod ice;
mod nearest;
mod node;
mod pod;
mod probe;
mod problem;
mod receiver;
mod reference;
pub mod scalar;
mod schema;
pub mod shape;
pub mod shapes;
mod source;
pub mod syntax;
pub mod table;
mod texts;
pub mod units;
mod whole;

#[cfg(test)]
mod tests;

pub use nearest::hint_for;
pub use problem::{Place, Problem, Problems};
pub use reference::markdown;
pub use schema::schema;
pub use source::{FileKind, SourceText, Sources};
pub use table::{Placed, Reference};
pub use texts::{PlanRead, read_texts};
