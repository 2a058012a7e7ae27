//! Attempts that are lost because of ourselves. Too many of them are a trouble of ours: what is not
//! looked at is never the partner's fault, and somebody must know that nobody looks.

use std::collections::VecDeque;

use crate::model::{AttemptReport, LostReason, Outcome};

/// Attempts of a sort that are looked back on.
const LOOKED_BACK: usize = 20;
/// So many of them lost are a trouble; it is over when no more than [`LOST_FEW`] are.
const LOST_MANY: usize = 5;
const LOST_FEW: usize = 1;

/// How the newest attempts of each sort came to their end.
#[derive(Default)]
pub(super) struct LostAttempts {
    connections: Newest,
    calls: Newest,
    told: bool,
}

/// Whether each of the newest was lost.
#[derive(Default)]
struct Newest(VecDeque<bool>);

impl Newest {
    fn note(&mut self, is_lost: bool) {
        if self.0.len() == LOOKED_BACK {
            self.0.pop_front();
        }
        self.0.push_back(is_lost);
    }

    fn lost(&self) -> usize {
        self.0.iter().filter(|is_lost| **is_lost).count()
    }
}

impl LostAttempts {
    /// An attempt has come to its end.
    pub(super) fn attempted(&mut self, report: &AttemptReport) {
        let newest = if report.call.is_some() { &mut self.calls } else { &mut self.connections };
        newest.note(is_our_doing(&report.outcome));
    }

    /// Whether too many are lost, if that is not as it was told last.
    pub(super) fn changed(&mut self) -> Option<bool> {
        let most = self.connections.lost().max(self.calls.lost());
        let now = most >= if self.told { LOST_FEW + 1 } else { LOST_MANY };
        let was = std::mem::replace(&mut self.told, now);
        (now != was).then_some(now)
    }
}

/// Secrets and the network have troubles of their own.
const fn is_our_doing(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Lost { reason: LostReason::Overloaded | LostReason::QueueFull | LostReason::Crash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lost_attempts_are_told_once_and_taken_back_when_few_are() {
        let mut lost = LostAttempts::default();
        let mut told = Vec::new();
        // Every second one, then none.
        for n in 0..60 {
            lost.calls.note(n < 20 && n % 2 == 0);
            told.extend(lost.changed().map(|on| (n, on)));
        }
        assert_eq!(told, [(8, true), (36, false)]);
        let ours = |reason| is_our_doing(&Outcome::Lost { reason });
        assert!(ours(LostReason::Overloaded) && ours(LostReason::Crash));
        assert!(!ours(LostReason::Stopped) && !ours(LostReason::NoNetwork) && !ours(LostReason::Secret));
        assert!(!is_our_doing(&Outcome::completed()));
    }
}
