//! What attempts are answered in virtual time. The courses come from the real attempt machine
//! against the real peer ([`super::outcome`]); here they only become quick to look up.

use std::time::Duration;

use crate::model::{Outcome, TokenKind, Traits};

use super::Fault;
use super::behaviour::Behaviour;
use super::outcome::{Outcomes, usual_settings};
use super::predicate::Node;
use super::rule::FaultRule;
use super::twilio::refusal_of;

/// The fault that a dead network of our own looks like from inside.
const DEAD_NETWORK: &str = "tcp-silence";
/// The fault that a failure which is nobody's fault looks like.
const BACKGROUND: &str = "tcp-reset";

/// Answers.
pub struct Answers {
    outcomes: Outcomes,
    healthy: (Duration, Outcome),
    background: (Duration, Outcome),
    unreachable: (Duration, Outcome),
}

impl Default for Answers {
    fn default() -> Self {
        let mut outcomes = Outcomes::new(usual_settings());
        let mut course = |met: Option<Behaviour>| {
            let course = outcomes.course(&[met], TokenKind::Access);
            (course.took, course.finding.outcome.clone())
        };
        let of_fault = |name: &str| Fault::named(name).ok().map(|fault| fault.behaviour());
        let healthy = course(None);
        let background = course(of_fault(BACKGROUND));
        let unreachable = course(of_fault(DEAD_NETWORK));
        Self { outcomes, healthy, background, unreachable }
    }
}

impl Answers {
    /// Nothing is wrong.
    pub fn healthy(&self) -> (Duration, Outcome) {
        self.healthy.clone()
    }

    /// A single failure that is nobody's fault.
    pub fn background(&self) -> (Duration, Outcome) {
        self.background.clone()
    }

    /// Our own network is down.
    pub fn unreachable(&self) -> (Duration, Outcome) {
        self.unreachable.clone()
    }

    /// What the first rule that applies makes of an attempt; transport before session.
    pub fn of(&mut self, rules: &[FaultRule], traits: &Traits, node: Node) -> Option<(Duration, Outcome)> {
        let transport = rules.iter().find_map(|rule| rule.transport(&traits.edge, traits.family, node));
        let behaviour = match transport {
            Some(fault) => Behaviour::Transport(fault),
            None => {
                let fault = rules.iter().find_map(|rule| rule.session(traits, node))?;
                Behaviour::Session(refusal_of(fault, &traits.shape))
            }
        };
        let course = self.outcomes.course(&[Some(behaviour)], traits.kind);
        Some((course.took, course.finding.outcome.clone()))
    }
}
