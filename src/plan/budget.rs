//! How much a pod may be asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What may be spent in one pod, over all locations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Connections a minute, 1 to 6000. A fifth of it is kept for follow-ups.
    pub connections_per_minute: u32,
}

impl Budget {
    /// What an unasked monitor may do (design §5): raised by the owner of the partner account.
    pub const START: Self = Self { connections_per_minute: 6 };
    /// Most connections a minute that can be configured.
    pub const CONNECTIONS_PER_MINUTE_MAX: u32 = 6000;
    /// Follow-ups that may be saved up while all is well: three whole sequences after a failure.
    pub const FOLLOW_UPS_SAVED_MAX: u32 = 42;

    /// Scheduled attempts a minute: four fifths of the budget, at least one.
    pub fn scheduled_per_minute(self) -> u32 {
        (self.connections_per_minute - self.follow_ups_reserve_tenths() / 10).max(1)
    }

    /// Follow-ups a minute that the reserve grows by, in tenths: a fifth of the budget.
    pub fn follow_ups_reserve_tenths(self) -> u32 {
        self.connections_per_minute * 2
    }

    /// The time between two scheduled attempts.
    pub fn pace(self) -> Duration {
        Duration::from_millis(60_000 / u64::from(self.scheduled_per_minute()))
    }
}
