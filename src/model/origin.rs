//! The moment from which a call's times count.

use std::time::{Duration, Instant};

/// The moment from which a call's times count. The media library wants moments of the machine's
/// clock; it is given this one, which came in from outside, and what was added to it. No clock is
/// read here, and only differences matter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin(Instant);

impl Origin {
    /// From this moment on.
    pub const fn new(at: Instant) -> Self {
        Self(at)
    }

    /// The moment so long after it.
    pub fn after(self, elapsed: Duration) -> Instant {
        self.0 + elapsed
    }

    /// How long after it a moment is; zero if it is before.
    pub fn until(self, at: Instant) -> Duration {
        at.saturating_duration_since(self.0)
    }

    /// An origin so much later.
    pub fn later(self, by: Duration) -> Self {
        Self(self.after(by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Origin {
        /// Some moment: only differences matter.
        pub fn some() -> Self {
            Self(Instant::now())
        }
    }
}
