//! From the text that users write to a plan that cannot be wrong, or to the list of everything
//! that is wrong with it. Touches no disk: `io/config_files.rs` brings the texts.

mod problem;
mod source;
pub mod syntax;

pub use problem::{Place, Problem, Problems};
pub use source::{FileKind, SourceText, Sources};
