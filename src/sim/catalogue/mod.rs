//! Every fault by the name that users switch it by.

mod entry;
mod registration;
mod signalling;
mod throttling;
mod token;
mod transport;

pub use entry::{Entry, Expected, Group};

/// Every fault, by chapter.
pub fn catalogue() -> impl Iterator<Item = &'static Entry> {
    CHAPTERS.iter().copied().flatten()
}

const CHAPTERS: [&[Entry]; 5] =
    [token::ENTRIES, transport::ENTRIES, signalling::ENTRIES, registration::ENTRIES, throttling::ENTRIES];
