//! How long the steps of an attempt may take.

use std::time::Duration;

use super::Step;

/// How long each step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Every step that is not named apart.
    pub step: Duration,
    /// Leaving; nobody waits for it, so it is short.
    pub hangup: Duration,
}

impl Deadlines {
    /// 5 s a step as the SDK waits for its socket, 1 s for leaving.
    pub const DEFAULT: Self = Self { step: Duration::from_secs(5), hangup: Duration::from_secs(1) };

    /// The longest that dns, tcp, tls and upgrade may take together: the SDK gives up a socket
    /// that is not open by then, however the time was spent, so an agent could not work either.
    pub const OPENING: Duration = Duration::from_secs(5);

    /// The deadline of one step.
    pub const fn of(&self, step: Step) -> Duration {
        match step {
            Step::Hangup => self.hangup,
            _ => self.step,
        }
    }

    /// The longest that opening a socket can take: its four steps, and no longer than
    /// [`Self::OPENING`].
    pub fn opening(&self) -> Duration {
        (self.step * 4).min(Self::OPENING)
    }

    /// The longest that a connection attempt can take: mint, two edges to open, `connected`,
    /// `registered`, the hold, and leaving.
    pub fn connection(&self, hold: Duration) -> Duration {
        self.step * 3 + self.opening() * 2 + hold + self.hangup
    }

    /// The longest until another client of ours waits to be called: mint, two edges to open, `connected`,
    /// `registered`.
    pub fn registration(&self) -> Duration {
        self.step * 3 + self.opening() * 2
    }

    /// The longest that an attempt with a test call can take: a connection, the call's own steps
    /// (asked for, ringing, answer, path, keys, media, and what the partner says of it afterwards),
    /// ring, hold, and hanging up.
    pub fn call(&self, ring: Duration, hold: Duration) -> Duration {
        self.connection(Duration::ZERO) + self.step * 7 + ring + hold + self.hangup
    }
}
