//! Two calls of clients that are put through to each other: what one leg of the bridge tells the other.

use std::sync::Arc;

/// What one leg tells the other, which may be another connection's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Across {
    /// The partner's id of the call that it is for.
    pub to: String,
    /// What it is told.
    pub news: AcrossNews,
}

/// What a leg is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AcrossNews {
    /// The other leg's media are ready.
    Connected,
    /// A frame of audio from there, coded.
    Audio(Arc<[u8]>),
    /// The other leg is over.
    Over,
}

/// A leg's part of a bridge.
#[derive(Debug)]
pub(super) struct Bridge {
    /// The partner's id of the other leg.
    pub(super) other: String,
    /// True once the other leg's media are ready.
    pub(super) connected: bool,
}

impl Bridge {
    /// A bridge whose other leg is not there yet.
    pub(super) fn to(other: String) -> Self {
        Self { other, connected: false }
    }

    /// Something for the other leg.
    pub(super) fn across(&self, news: AcrossNews) -> Across {
        Across { to: self.other.clone(), news }
    }
}
