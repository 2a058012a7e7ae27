//! An attempt that ends before its time because of us: told to stop, or unable to go on.

use std::time::Duration;

use crate::model::{CallDirection, LostReason, Outcome, Signalling, Step};

use super::connection::{Connection, Phase};

/// How long a device that gives up may wait until its leaving is confirmed.
const LEAVE_MAX: Duration = Duration::from_secs(2);

impl<S: Signalling> Connection<S> {
    /// The attempt shall end now. A device that is registered, or about to be, leaves as ever, but
    /// waits less for the answer; one that is leaving already goes on with it.
    pub(super) fn give_up(&mut self, reason: LostReason) {
        let leave_by = self.elapsed.saturating_add(LEAVE_MAX);
        let is_registered = match self.phase {
            Phase::Over => return,
            Phase::Waiting(Step::Hangup) => {
                self.due = self.due.min(leave_by);
                return;
            }
            Phase::Calling => self.calls(CallDirection::Inbound),
            Phase::Holding => true,
            Phase::Waiting(step) => step == Step::Registered,
        };
        self.abandon_call();
        if !is_registered || !self.open {
            return self.decide(Outcome::Lost { reason });
        }
        self.given_up = Some(reason);
        self.leave();
        self.due = self.due.min(leave_by);
    }

    /// Everything was done, unless it was given up.
    pub(super) fn complete(&mut self) {
        let lost = self.given_up.map(|reason| Outcome::Lost { reason });
        self.decide(lost.unwrap_or(Outcome::completed()));
    }
}
