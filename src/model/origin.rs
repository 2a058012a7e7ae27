//! Where a call's times count from, and where its chance comes from.

use std::time::{Duration, Instant};

/// Where a call's times count from, and where its chance comes from. The media library wants moments of
/// the machine's clock; it is given this one, which came in from outside, and what was added to it. No
/// clock is read here, and only differences matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    at: Instant,
    repeatable: bool,
}

impl Origin {
    /// From this moment on. Chance is the system's.
    pub const fn new(at: Instant) -> Self {
        Self { at, repeatable: false }
    }

    /// The same, for virtual time: what is left to chance is the same each time. Keys are not; but
    /// never to be used with a far side that is not ours.
    #[must_use]
    pub const fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    /// Whether what is left to chance is to be the same each time.
    pub const fn is_repeatable(self) -> bool {
        self.repeatable
    }

    /// The moment so long after it.
    pub fn after(self, elapsed: Duration) -> Instant {
        self.at + elapsed
    }

    /// How long after it a moment is; zero if it is before.
    pub fn until(self, at: Instant) -> Duration {
        at.saturating_duration_since(self.at)
    }

    /// An origin so much later.
    #[must_use]
    pub fn later(self, by: Duration) -> Self {
        Self { at: self.after(by), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Origin {
        /// Some moment: only differences matter.
        pub fn some() -> Self {
            Self::new(Instant::now()).repeatable()
        }
    }
}
