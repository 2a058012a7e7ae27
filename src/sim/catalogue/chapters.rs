//! All chapters, one after the other.

use super::{Entry, calls, deliveries, registration, signalling, sounds, throttling, token, transport};

const CHAPTERS: [&[Entry]; 8] = [
    token::ENTRIES,
    transport::ENTRIES,
    signalling::ENTRIES,
    registration::ENTRIES,
    throttling::ENTRIES,
    calls::ENTRIES,
    sounds::ENTRIES,
    deliveries::ENTRIES,
];

/// Every fault, by chapter.
pub fn catalogue() -> impl Iterator<Item = &'static Entry> {
    CHAPTERS.iter().copied().flatten()
}
