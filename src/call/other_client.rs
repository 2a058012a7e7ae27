//! What a call does because of the other client of ours that is in it.

use std::time::Duration;

use crate::model::Outcome;

use super::call_settings::OtherClient;
use super::test_call::TestCall;

impl TestCall {
    /// The other client's tone begins at this moment.
    pub(super) fn other_talks(&mut self, at: Duration) {
        self.other_talks = Some(at);
        let Some(talk) = &mut self.talk else { return };
        talk.other_began(at);
        let agreed = talk.began();
        self.hang_up_at = self.hang_up_after(agreed);
    }

    /// The client that has called us is done with the call: what was heard until now counts. One that we
    /// have called may be gone before its time: then deadlines tell, and what is heard.
    pub(super) fn other_over(&mut self, now: Duration) {
        self.now = now;
        if self.settings.caller().is_none() {
            return;
        }
        match (self.over, &self.talk) {
            (true, _) => {}
            (false, Some(_)) => self.judge(),
            (false, None) => self.finish(Outcome::completed()),
        }
    }

    /// When we hang up if our keys were agreed at this moment. Whoever was called stays until the other
    /// client is done; whoever calls listens for as long as wished once the other client talks, and
    /// gives it a step's time until it does.
    pub(super) fn hang_up_after(&self, agreed: Duration) -> Option<Duration> {
        let hold = Duration::from_millis(u64::from(self.settings.wish.hold_ms));
        match (&self.settings.other, self.other_talks) {
            (None, _) => Some(agreed + hold),
            (Some(OtherClient { calls_as: Some(_), .. }), _) => None,
            (Some(_), None) => Some(agreed + hold.max(self.settings.step)),
            (Some(_), Some(talks)) => Some(talks.max(agreed) + hold),
        }
    }
}
