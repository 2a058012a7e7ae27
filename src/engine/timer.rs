//! What time alone brings about. One table for everything, so that the next wake is its first row.

use crate::model::{AttemptId, CallDirection, PodName, Timestamp};

use super::{DeliveryId, Wake};

/// A thing that falls due.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Timer {
    /// The next attempt of a lane, by its place.
    Slot(usize),
    /// The next call of a call lane, by its place.
    CallSlot(usize),
    /// A pod's next call beside the schedule.
    CallAgain(PodName, CallDirection),
    /// A pod's next follow-up, or the end of waiting for one.
    FollowUp(PodName),
    /// An attempt becomes overdue.
    Overdue(PodName, AttemptId),
    /// An attempt becomes lost.
    Lost(PodName, AttemptId),
    /// A delivery is tried again.
    Retry(DeliveryId),
    /// Windows, pauses, promises and hysteresis are looked at.
    Sweep,
}

impl Timer {
    /// Why the engine wants to be called.
    pub const fn wake(&self) -> Wake {
        match self {
            Self::Slot(_) | Self::CallSlot(_) => Wake::ScheduleSlot,
            Self::FollowUp(_) | Self::CallAgain(..) => Wake::FollowUp,
            Self::Overdue(..) | Self::Lost(..) => Wake::AttemptOverdue,
            Self::Retry(_) => Wake::DeliveryRetry,
            Self::Sweep => Wake::Deadline,
        }
    }
}

/// The table of timers, in order of time.
#[derive(Default, Debug)]
pub struct Timers(std::collections::BTreeSet<(Timestamp, Timer)>);

impl Timers {
    /// Sets one.
    pub fn set(&mut self, at: Timestamp, timer: Timer) {
        self.0.insert((at, timer));
    }

    /// Takes one back.
    pub fn clear(&mut self, at: Timestamp, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    /// Takes the first one that is due at `now`.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        if self.0.first()?.0 > now {
            return None;
        }
        self.0.pop_first()
    }

    /// Keeps those that `keep` wants.
    pub fn retain(&mut self, keep: impl Fn(&Timer) -> bool) {
        self.0.retain(|(_, timer)| keep(timer));
    }

    /// When a call lane's next call is due.
    pub fn call_slot(&self, place: usize) -> Option<Timestamp> {
        self.0.iter().find(|(_, timer)| *timer == Timer::CallSlot(place)).map(|(at, _)| *at)
    }

    /// When a lane's next attempt is due.
    pub fn slot(&self, place: usize) -> Option<Timestamp> {
        self.0.iter().find(|(_, timer)| *timer == Timer::Slot(place)).map(|(at, _)| *at)
    }

    /// The next moment, and why.
    pub fn next(&self) -> Option<(Timestamp, Wake)> {
        self.0.first().map(|(at, timer)| (*at, timer.wake()))
    }
}
