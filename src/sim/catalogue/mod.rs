//! Every fault by the name that users switch it by.

mod chapters;
mod entry;
mod registration;
mod signalling;
mod throttling;
mod token;
mod transport;

pub use chapters::catalogue;
pub use entry::{Entry, Expected, Group};
