//! What a pod's test calls may cost, and which numbers they may have to do with.

/// What a pod's test calls may cost, and which numbers they may have to do with.
///
/// Minutes are as billed: every leg of a call is rounded up to a whole one. Hours and days are the
/// clock's, in UTC. Scheduled calls stop when they have used [`PodCalls::FOR_SCHEDULED`] of a cap; what is left is
/// for the calls that follow a failed one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodCalls {
    /// Minutes in an hour.
    pub minutes_per_hour: u32,
    /// Minutes in a day.
    pub minutes_per_day: u32,
    /// Calls in an hour.
    pub calls_per_hour: u32,
    /// The only phone numbers that may be called, or be shown as calling.
    pub allowed_numbers: Vec<String>,
    /// The pod's phone number that leads to its clients.
    pub own_number: Option<String>,
    /// The number that originated calls come from; a client name of ours if absent.
    pub caller: Option<String>,
}

impl PodCalls {
    /// Percent of each cap that scheduled calls may use.
    pub const FOR_SCHEDULED: u32 = 80;
    /// Minutes in a day until more are allowed.
    pub const MINUTES_PER_DAY: u32 = 60;
}

impl Default for PodCalls {
    fn default() -> Self {
        Self {
            minutes_per_hour: 60,
            minutes_per_day: Self::MINUTES_PER_DAY,
            calls_per_hour: 60,
            allowed_numbers: Vec::new(),
            own_number: None,
            caller: None,
        }
    }
}
