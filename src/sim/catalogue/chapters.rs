//! All chapters, one after the other.

use super::{Entry, registration, signalling, throttling, token, transport};

const CHAPTERS: [&[Entry]; 5] =
    [token::ENTRIES, transport::ENTRIES, signalling::ENTRIES, registration::ENTRIES, throttling::ENTRIES];

/// Every fault, by chapter.
pub fn catalogue() -> impl Iterator<Item = &'static Entry> {
    CHAPTERS.iter().copied().flatten()
}
