//! What time alone brings about: one table, so that the next wake is its first row, and beside it
//! a queue of attempts that have time to report.

use std::collections::{BTreeSet, VecDeque};

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
    /// Calls that a pod has left behind are looked for.
    StrayCalls(PodName),
    /// A pod's next follow-up, or the end of waiting for one.
    FollowUp(PodName),
    /// An attempt becomes overdue.
    Overdue(AttemptId),
    /// An attempt becomes lost.
    Lost(AttemptId),
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
            Self::StrayCalls(_) => Wake::Deadline,
            Self::Sweep => Wake::Deadline,
        }
    }

    /// True if attempts, or searches, may begin when it falls due.
    pub const fn begins_something(&self) -> bool {
        match self {
            Self::Slot(_) | Self::CallSlot(_) | Self::CallAgain(..) | Self::StrayCalls(_) | Self::FollowUp(_) => true,
            Self::Overdue(_) | Self::Lost(_) | Self::Retry(_) | Self::Sweep => false,
        }
    }
}

/// The timers, in order of time.
#[derive(Default, Debug)]
pub struct Timers {
    table: BTreeSet<(Timestamp, Timer)>,
    /// When each attempt becomes overdue unless it reports before, as almost all do: those stay here
    /// until they are the first. What is begun last is nearly always overdue last.
    overdue: VecDeque<(Timestamp, AttemptId)>,
}

impl Timers {
    /// Sets one.
    pub fn set(&mut self, at: Timestamp, timer: Timer) {
        self.table.insert((at, timer));
    }

    /// Takes one back.
    pub fn clear(&mut self, at: Timestamp, timer: Timer) {
        self.table.remove(&(at, timer));
    }

    /// Lets an attempt become overdue.
    pub fn set_overdue(&mut self, at: Timestamp, id: AttemptId) {
        let later = self.overdue.iter().rev().take_while(|(known, _)| *known > at).count();
        self.overdue.insert(self.overdue.len() - later, (at, id));
    }

    /// Lets go of attempts that are no longer under way, as far as they are next.
    pub fn forget_reported(&mut self, is_under_way: impl Fn(AttemptId) -> bool) {
        while self.overdue.front().is_some_and(|(_, id)| !is_under_way(*id)) {
            self.overdue.pop_front();
        }
    }

    /// Takes the first one that is due at `now`.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, Timer)> {
        if self.next()?.0 > now {
            return None;
        }
        if self.is_overdue_next() {
            return self.overdue.pop_front().map(|(at, id)| (at, Timer::Overdue(id)));
        }
        self.table.pop_first()
    }

    /// Keeps those that `keep` wants.
    pub fn retain(&mut self, keep: impl Fn(&Timer) -> bool) {
        self.table.retain(|(_, timer)| keep(timer));
    }

    /// When a call lane's next call is due.
    pub fn call_slot(&self, place: usize) -> Option<Timestamp> {
        self.table.iter().find(|(_, timer)| *timer == Timer::CallSlot(place)).map(|(at, _)| *at)
    }

    /// When a lane's next attempt is due.
    pub fn slot(&self, place: usize) -> Option<Timestamp> {
        self.table.iter().find(|(_, timer)| *timer == Timer::Slot(place)).map(|(at, _)| *at)
    }

    /// The next moment, and why.
    pub fn next(&self) -> Option<(Timestamp, Wake)> {
        if self.is_overdue_next() {
            return self.overdue.front().map(|(at, _)| (*at, Wake::AttemptOverdue));
        }
        self.table.first().map(|(at, timer)| (*at, timer.wake()))
    }

    fn is_overdue_next(&self) -> bool {
        match (self.overdue.front(), self.table.first()) {
            (Some((overdue, _)), Some((other, _))) => overdue < other,
            (overdue, _) => overdue.is_some(),
        }
    }
}
