//! The tables of keys, one file for each kind of file that users write.

mod call_rules;
mod pod;
mod probe;
mod ringcheck;

pub use pod::{NAME_LENGTHS, POD};
pub use probe::PROBE;
pub use ringcheck::RINGCHECK;
