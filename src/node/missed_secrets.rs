//! Who misses a secret. One that cannot be read is a trouble of ours until everybody has theirs.

use std::collections::BTreeSet;

use crate::io::receiver::{DeliveryError, Finished};
use crate::model::{AttemptReport, KeySlot, LostReason, Outcome, PodName, ReceiverName, TokenKind};
use crate::plan::Plan;

/// Somebody who needs a secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum User {
    /// A pod's key.
    Key(PodName, TokenKind, KeySlot),
    /// A receiver's password, signing secret or secret address.
    Receiver(ReceiverName),
}

/// Those who miss theirs.
#[derive(Default)]
pub(super) struct MissedSecrets {
    users: BTreeSet<User>,
    told: bool,
}

impl MissedSecrets {
    /// An attempt was made, or could not be.
    pub(super) fn attempted(&mut self, pod: &PodName, report: &AttemptReport) {
        let misses = report.outcome == Outcome::Lost { reason: LostReason::Secret };
        self.note(User::Key(pod.clone(), report.traits.kind, report.traits.key), misses);
    }

    /// A message was delivered, or could not be.
    pub(super) fn delivered(&mut self, finished: &Finished) {
        let misses = matches!(finished.said, Err(DeliveryError::Secret(_)));
        self.note(User::Receiver(finished.receiver.clone()), misses);
    }

    fn note(&mut self, user: User, misses: bool) {
        if misses {
            self.users.insert(user);
        } else {
            self.users.remove(&user);
        }
    }

    /// Who is no longer in the plan misses nothing.
    pub(super) fn forget_what_is_gone(&mut self, plan: &Plan) {
        self.users.retain(|user| match user {
            User::Key(pod, kind, slot) => plan.pod(pod).is_some_and(|pod| slot.0 < pod.keys(*kind)),
            User::Receiver(name) => plan.receivers.iter().any(|receiver| receiver.name == *name),
        });
    }

    /// Whether somebody misses one, if that is not as it was told last.
    pub(super) fn changed(&mut self) -> Option<bool> {
        let now = !self.users.is_empty();
        let was = std::mem::replace(&mut self.told, now);
        (now != was).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::engine::{DeliveryId, NotifyReason};
    use crate::io::secrets::SecretError;

    use super::*;

    fn finished(receiver: &str, said: Result<String, DeliveryError>) -> Finished {
        Finished {
            id: DeliveryId("1".to_owned()),
            receiver: ReceiverName::parse(receiver).expect("a name"),
            kind: "email",
            reason: NotifyReason::First,
            said,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn it_is_told_once_and_taken_back_when_everybody_has_theirs() {
        let mut missed = MissedSecrets::default();
        let unset = || Err(DeliveryError::Secret(SecretError::NotSet("PASSWORD".to_owned())));
        let other = || Err(DeliveryError::Crashed);
        for (receiver, said, changed) in [
            ("mail", Ok(String::new()), None),
            ("mail", unset(), Some(true)),
            ("hook", unset(), None),
            ("mail", other(), None),
            ("hook", Ok(String::new()), Some(false)),
        ] {
            missed.delivered(&finished(receiver, said));
            assert_eq!(missed.changed(), changed, "{receiver}");
        }
    }
}
