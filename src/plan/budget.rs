//! How much a pod may be asked.

use serde::{Deserialize, Serialize};

/// What may be spent in one pod, over all locations.
///
/// The number is an average: up to [`Budget::FOLLOW_UPS_SAVED`] follow-ups are saved up while all
/// is well and may be spent within seconds of a failure. They are paid back: until the reserve is
/// full again, every fifth scheduled attempt is left out and added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Connections a minute, 1 to 6000.
    pub connections_per_minute: u32,
}

impl Budget {
    /// What an unasked monitor may do: raised by the owner of the partner account.
    pub const START: Self = Self { connections_per_minute: 6 };
    /// Most connections a minute that can be configured.
    pub const CONNECTIONS_PER_MINUTE_MAX: u32 = 6000;
    /// Follow-ups that are saved up while all is well: three whole sequences after a failure.
    pub const FOLLOW_UPS_SAVED: u32 = 36;
    /// While the reserve is not full, one in so many scheduled attempts is given to it.
    pub const RESERVE_ONE_IN: u64 = 5;
}
