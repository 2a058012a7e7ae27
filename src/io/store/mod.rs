//! What a node remembers, in one SQLite file: the journal of facts, snapshots of the state that
//! follows from them, and the history of attempts that the API shows. Everything here is
//! synchronous and belongs to one thread, the engine's; HTTP reads through [`HistoryReader`].

mod database;
mod error;
mod history;
mod history_reader;
mod journal;
mod salvage;
mod schema;
mod snapshot;
#[cfg(test)]
mod tests;
mod unsaved_tail;

pub use database::{Damage, Opened, Store};
pub use error::StoreError;
pub use history::Swept;
pub use history_reader::{AttemptQuery, HistoryReader, OutcomeFilter, RecordedAttempt};
pub use journal::ReadBack;
