//! Tokens that a token service may avoid by itself: those of a verified finding, once it is
//! approved, and not for longer than that is true.

use serde::{Deserialize, Serialize};

use crate::diagnosis::{FailShare, Finding, FindingState};
use crate::model::{IncidentNumber, Timestamp};
use crate::plan::AvoidApproval;

use super::pipeline::Engine;
use super::{Record, Turn};

/// What a token service may avoid: the tokens of the incident's finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Avoid {
    /// Since when it is verified that exactly these tokens fail.
    pub since: Timestamp,
    /// The newest approval, which may be over.
    pub approval: Option<Approval>,
}

/// Somebody, or the configuration, has said that tokens may be avoided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Approval {
    /// When.
    pub at: Timestamp,
    /// For how long.
    pub until: Timestamp,
}

impl Avoid {
    /// The end of the approval that is in force at a moment.
    pub fn approved_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.approval.map(|approval| approval.until).filter(|until| *until > now)
    }
}

/// What may be avoided, now that this is found: an approval holds for what it was given for.
pub(super) fn avoidable(
    known: Option<&Finding>,
    avoid: Option<Avoid>,
    finding: &Finding,
    now: Timestamp,
) -> Option<Avoid> {
    let all_fail = finding.fails == Some(FailShare::All) && !finding.predicate.0.is_empty();
    let same = known.is_some_and(|before| before.predicate == finding.predicate);
    let before = avoid.filter(|_| same);
    (finding.state == FindingState::Verified && all_fail)
        .then(|| before.unwrap_or(Avoid { since: now, approval: None }))
}

impl Engine {
    /// Takes a person's approval, if there is by now something to approve.
    pub(super) fn approve_avoid(&mut self, turn: &mut Turn, incident: IncidentNumber, until: Timestamp) {
        let open = self.state.open_incidents().find(|open| open.facts.number == incident);
        let Some(mut facts) = open.map(|open| open.facts.clone()) else { return };
        // What a reader was shown may be newer than what is recorded.
        let known = facts.avoid;
        self.tell_whom(incident);
        self.fill_in(&mut facts);
        let avoid = facts.avoid;
        if avoid != known {
            self.update(turn, facts);
        }
        if avoid.is_some() {
            self.volatile.escalate = true;
            self.commit(turn, Record::AvoidApproved { at: turn.now(), incident, until });
        }
    }

    /// Approves what needs no person, and renews that when half of its time is over.
    pub(super) fn approve_by_itself(&mut self, turn: &mut Turn) {
        let Some(settings) = self.plan.as_ref().map(|plan| plan.node.avoid) else { return };
        if settings.approval != AvoidApproval::Automatic {
            return;
        }
        let (now, until) = (turn.now(), turn.now().plus(settings.expires_after));
        let renewed_before = now.plus(settings.expires_after / 2);
        let due = |avoid: &Avoid| avoid.approved_until(now).is_none_or(|until| until < renewed_before);
        let facts = self.state.open_incidents().map(|incident| &incident.facts);
        let due: Vec<IncidentNumber> =
            facts.filter(|facts| facts.avoid.as_ref().is_some_and(due)).map(|facts| facts.number).collect();
        for incident in due {
            self.commit(turn, Record::AvoidApproved { at: now, incident, until });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::Predicate;
    use crate::model::TokenKind;
    use crate::token::Feature;

    use super::*;

    fn finding(state: FindingState, fails: FailShare, kind: TokenKind) -> Finding {
        Finding { fails: Some(fails), ..Finding::claiming(state, vec![Feature::Kind(kind)]) }
    }

    #[test]
    fn an_approval_holds_for_what_it_was_given_for() {
        use FailShare::{All, Half};
        use FindingState::{AtLeast, Contradicted, Verified};
        use TokenKind::{Access, Capability};
        let [before, now, until] = [1, 2, 3].map(Timestamp::from_millis);
        let approved = Avoid { since: before, approval: Some(Approval { at: before, until }) };
        let fresh = Avoid { since: now, approval: None };
        let known = Some(Box::new(finding(Verified, All, Capability)));
        for (found, expected) in [
            (finding(Verified, All, Capability), Some(approved)),
            (finding(Verified, All, Access), Some(fresh)),
            (finding(Verified, Half, Capability), None),
            (finding(AtLeast, All, Capability), None),
            (finding(Contradicted, All, Capability), None),
            (Finding { predicate: Predicate(Vec::new()), ..finding(Verified, All, Access) }, None),
        ] {
            assert_eq!(avoidable(known.as_deref(), Some(approved), &found, now), expected, "{found:?}");
        }
        assert_eq!(avoidable(None, None, &finding(Verified, All, Access), now), Some(fresh));
    }
}
