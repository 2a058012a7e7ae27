//! Every fault by the name that users switch it by.

mod calls;
mod chapters;
mod deliveries;
mod entry;
mod registration;
mod signalling;
mod sounds;
mod throttling;
mod token;
mod transport;

pub use chapters::catalogue;
pub use entry::{Entry, Expected, Group};
