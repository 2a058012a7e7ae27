//! Rule B: a failing token is tried again, alone and between contrasts. A token that fails again
//! and again while everything unlike it passes is a fault of the token's kind, key or shape, and
//! pages, however small its share of all attempts is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{AttemptId, EdgeName, KeySlot, ProbeName, Role, SignatureCells, Timestamp, TokenKind};

/// Repeats of the same token after its first failure; all must fail (seven of seven).
pub const REPEATS: u8 = 6;
/// Contrasts between the repeats.
pub const CONTRASTS: u8 = 5;
/// With so many no more are asked for, even while an outage is not old enough yet.
pub const CONTRASTS_MAX: u8 = CONTRASTS + 3;
/// Fewest contrasts that must have passed.
const CONTRASTS_PASSED_MIN: u8 = 4;
/// Most contrasts that may have failed.
const CONTRASTS_FAILED_MAX: u8 = 1;
/// Time between two follow-ups.
pub const PACE: Duration = Duration::from_millis(750);
/// While a token-bound alert fires, tokens like the failing one are tried this often in a stable
/// window …
const RECOVERIES_IN_WINDOW: u64 = 30;
/// … but no faster than this …
const RECOVERY_PACE_MIN_MS: u64 = 500;
/// … and no slower.
const RECOVERY_PACE_MAX_MS: u64 = 10_000;

/// Time between two tokens like the failing one, for a stable window of so many milliseconds.
pub fn recovery_pace(stable_ms: i64) -> Duration {
    let pace = stable_ms.unsigned_abs() / RECOVERIES_IN_WINDOW;
    Duration::from_millis(pace.clamp(RECOVERY_PACE_MIN_MS, RECOVERY_PACE_MAX_MS))
}

/// The token that failed, as far as we know it: enough to ask for it again, or for another that
/// is like it or unlike it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FailedToken {
    /// The attempt that failed.
    pub attempt: AttemptId,
    /// When it started.
    pub started: Timestamp,
    /// Of which probe.
    pub probe: ProbeName,
    /// Kind of its token.
    pub kind: TokenKind,
    /// Its key.
    pub key: KeySlot,
    /// Length of its name.
    pub name_length: u8,
    /// Its edge.
    pub edge: EdgeName,
    /// Cells of its signature; none while the attempt has not reported.
    pub cells: SignatureCells,
}

/// The look into one failure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FollowUp {
    /// What failed.
    pub of: FailedToken,
    /// When the next follow-up is due.
    pub next_at: Timestamp,
    /// Repeats asked for.
    pub repeats_sent: u8,
    /// Repeats that failed or are overdue.
    pub repeats_failed: u8,
    /// True once a repeat passed: the failure was not the token's.
    pub repeat_passed: bool,
    /// Contrasts asked for.
    pub contrasts_sent: u8,
    /// Contrasts that passed.
    pub contrasts_passed: u8,
    /// Contrasts that failed or are overdue.
    pub contrasts_failed: u8,
}

impl FollowUp {
    /// Begins at once.
    pub fn of(of: FailedToken, now: Timestamp) -> Self {
        Self {
            of,
            next_at: now,
            repeats_sent: 0,
            repeats_failed: 0,
            repeat_passed: false,
            contrasts_sent: 0,
            contrasts_passed: 0,
            contrasts_failed: 0,
        }
    }

    /// What is to be tried next: repeat first, then contrast and repeat in turn; `None` when all
    /// have been asked for.
    pub fn next_role(&self) -> Option<Role> {
        if self.repeats_sent <= self.contrasts_sent && self.repeats_sent < REPEATS {
            Some(Role::Repeat)
        } else if self.contrasts_sent < CONTRASTS {
            Some(Role::Contrast)
        } else {
            None
        }
    }

    /// One was asked for.
    pub fn sent(&mut self, role: Role, now: Timestamp) {
        match role {
            Role::Repeat => self.repeats_sent += 1,
            Role::Contrast => self.contrasts_sent += 1,
            Role::Scheduled | Role::Diagnosis | Role::Recovery => return,
        }
        self.next_at = now.plus(PACE);
    }

    /// One failed, or is overdue.
    pub fn failed(&mut self, role: Role) {
        match role {
            Role::Repeat => self.repeats_failed += 1,
            Role::Contrast => self.contrasts_failed += 1,
            Role::Scheduled | Role::Diagnosis | Role::Recovery => {}
        }
    }

    /// One that was overdue has given a result: its failure is taken back before that counts.
    pub fn retract(&mut self, role: Role) {
        match role {
            Role::Repeat => self.repeats_failed = self.repeats_failed.saturating_sub(1),
            Role::Contrast => self.contrasts_failed = self.contrasts_failed.saturating_sub(1),
            Role::Scheduled | Role::Diagnosis | Role::Recovery => {}
        }
    }

    /// One passed.
    pub fn passed(&mut self, role: Role) {
        match role {
            Role::Repeat => self.repeat_passed = true,
            Role::Contrast => self.contrasts_passed += 1,
            Role::Scheduled | Role::Diagnosis | Role::Recovery => {}
        }
    }

    /// Rule B.
    pub fn fires(&self) -> bool {
        !self.repeat_passed
            && self.repeats_failed >= REPEATS
            && self.contrasts_passed >= CONTRASTS_PASSED_MIN
            && self.contrasts_failed <= CONTRASTS_FAILED_MAX
    }

    /// True if the alert should be pending: half of the repeats failed, no contrast speaks against it.
    pub fn is_building(&self) -> bool {
        !self.repeat_passed && self.repeats_failed >= REPEATS / 2 && self.contrasts_failed <= CONTRASTS_FAILED_MAX
    }

    /// True if nothing more can come of it: the token passed, or everything was asked and answered.
    pub fn is_over(&self) -> bool {
        let answered = self.repeats_failed + self.contrasts_passed + self.contrasts_failed;
        self.repeat_passed || (self.next_role().is_none() && answered >= REPEATS + CONTRASTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed_token() -> FailedToken {
        FailedToken {
            attempt: AttemptId(1),
            started: Timestamp::from_millis(0),
            probe: ProbeName::parse("connection").expect("valid"),
            kind: TokenKind::Capability,
            key: KeySlot(0),
            name_length: 15,
            edge: EdgeName::parse("ashburn").expect("valid"),
            cells: SignatureCells::NONE,
        }
    }

    fn play(contrast_fails: u8, repeat_fails: bool) -> (FollowUp, Vec<Role>) {
        let mut follow_up = FollowUp::of(failed_token(), Timestamp::from_millis(300));
        let mut order = Vec::new();
        while let Some(role) = follow_up.next_role() {
            follow_up.sent(role, follow_up.next_at);
            let fails = if role == Role::Repeat { repeat_fails } else { follow_up.contrasts_sent <= contrast_fails };
            if fails {
                follow_up.failed(role)
            } else {
                follow_up.passed(role)
            }
            order.push(role);
            if follow_up.is_over() {
                break;
            }
        }
        (follow_up, order)
    }

    #[test]
    fn seven_of_seven_with_passing_contrasts_fires() {
        let (follow_up, order) = play(0, true);
        assert!(follow_up.fires() && follow_up.is_over());
        assert_eq!(order.len(), 11);
        assert_eq!(order[..3], [Role::Repeat, Role::Contrast, Role::Repeat]);
        assert_eq!(follow_up.next_at, Timestamp::from_millis(300 + 11 * 750));
    }

    #[test]
    fn a_lone_failure_costs_one_follow_up() {
        let (follow_up, order) = play(0, false);
        assert!(!follow_up.fires());
        assert_eq!(order, [Role::Repeat]);
    }

    #[test]
    fn failing_contrasts_speak_against_the_token() {
        assert!(play(1, true).0.fires());
        assert!(!play(2, true).0.fires());
    }
}
