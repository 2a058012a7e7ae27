//! What goes into the engine and what comes out.

use std::sync::Arc;
use std::time::Duration;

use crate::model::{AttemptId, AttemptReport, AttemptSpec, IncidentNumber, PodName, Timestamp};
use crate::plan::Plan;

use super::calls::{CallSearch, StrayCall};
use super::{DeliveryId, Notification, Record, Trouble};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Only time has passed.
    Tick,
    /// A plan was read; the first one, or one that replaces it.
    Planned(Arc<Plan>),
    /// An attempt is over.
    AttemptFinished(Box<AttemptReport>),
    /// A message was delivered, or not.
    DeliveryFinished {
        /// Which.
        id: DeliveryId,
        /// How it went.
        result: DeliveryResult,
    },
    /// The control targets were asked.
    ControlsChecked {
        /// How many answered.
        answered: u8,
        /// Of how many.
        of: u8,
    },
    /// It was looked for calls that were left behind.
    CallsSought {
        /// In which pod.
        pod: PodName,
        /// Those of which attempts.
        calls: Vec<AttemptId>,
        /// How it went.
        search: CallSearch,
    },
    /// The node is about to stop: nothing is begun any more, only what was begun is taken in.
    Stopping,
    /// An operator wants something.
    Command(Command),
    /// Something of ours is in trouble, or is well again.
    Trouble {
        /// What.
        what: Trouble,
        /// True when it begins, false when it is over.
        on: bool,
    },
}

/// How a delivery went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The receiver took it.
    Delivered,
    /// It did not work; trying again may help, not before this long.
    Again(Option<Duration>),
    /// It will never work (refused for good): use the fallback.
    Never,
}

/// What an operator can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Stop probing at once, in one pod or in all, until then.
    Pause {
        /// In which pod; in all if `None`.
        pod: Option<PodName>,
        /// Until when.
        until: Timestamp,
    },
    /// Go on.
    Resume {
        /// In which pod; in all if `None`.
        pod: Option<PodName>,
    },
    /// Let a token service avoid the tokens that fail; without effect unless that is verified.
    ApproveAvoid {
        /// Those of which incident.
        incident: IncidentNumber,
        /// Until when at the latest.
        until: Timestamp,
    },
}

/// Something that the world shall do. Requested only after the facts are in the journal.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Make an attempt.
    Dial(AttemptSpec),
    /// Tell somebody. Boxed: it is large and rare.
    Deliver(Box<Notification>),
    /// Ask the control targets.
    CheckControls,
    /// Look for these calls of ours at the partner, and end those that are still up.
    EndCalls {
        /// In which pod.
        pod: PodName,
        /// Which.
        calls: Vec<StrayCall>,
    },
}

/// Why the engine wants to be called again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    /// An attempt falls due.
    ScheduleSlot,
    /// A follow-up falls due.
    FollowUp,
    /// An attempt without a result becomes overdue, or lost.
    AttemptOverdue,
    /// A delivery is tried again.
    DeliveryRetry,
    /// A window, a pause or a promise ends.
    Deadline,
}

/// Everything that follows from one input at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    now: Timestamp,
    /// Facts, in order; to be durable before any effect leaves.
    pub records: Vec<Record>,
    /// Requests that follow from the facts.
    pub effects: Vec<Effect>,
    /// When time alone would change something, and why.
    pub wake: Option<(Timestamp, Wake)>,
}

impl Turn {
    /// An empty turn at one moment: every stage of a turn sees the same time.
    pub fn at(now: Timestamp) -> Self {
        Self { now, records: Vec::new(), effects: Vec::new(), wake: None }
    }

    /// The moment.
    pub const fn now(&self) -> Timestamp {
        self.now
    }
}
