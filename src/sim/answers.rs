//! What attempts are answered in virtual time. The courses come from the real attempt machine
//! against the real peer ([`super::outcome`]); here they only become quick to look up.

use std::time::Duration;

use crate::model::{CallDirection, Outcome, PartnerSaid, TokenKind, Traits};

use super::behaviour::{Behaviour, TcpFault, TransportFault};
use super::outcome::{Course, Outcomes};
use super::predicate::Node;
use super::rule::FaultRule;
use super::twilio::refusal_of;
use super::usual::usual_settings;

/// What an attempt gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// How long that takes.
    pub took: Duration,
    /// How it ends.
    pub outcome: Outcome,
    /// True if the partner has said which of its nodes it was.
    pub told_node: bool,
}

impl Answer {
    fn of(course: &Course) -> Self {
        let told_node = course.finding.partner.gateway.is_some();
        Self { took: course.took, outcome: course.finding.outcome.clone(), told_node }
    }

    /// What the partner has said about itself, if this node was it.
    pub fn said_by(&self, node: Node) -> PartnerSaid {
        PartnerSaid { gateway: self.told_node.then(|| node.gateway()), ..PartnerSaid::default() }
    }
}

/// Answers.
pub struct Answers {
    outcomes: Outcomes,
    healthy: Answer,
    background: Answer,
    unreachable: Answer,
}

impl Default for Answers {
    fn default() -> Self {
        let mut outcomes = Outcomes::new(usual_settings());
        let mut course = |met: Option<Behaviour>| Answer::of(outcomes.course(&[met], TokenKind::Access));
        let healthy = course(None);
        let background = course(Some(background()));
        let unreachable = course(Some(dead_network()));
        Self { outcomes, healthy, background, unreachable }
    }
}

impl Answers {
    /// Nothing is wrong.
    pub fn healthy(&self) -> Answer {
        self.healthy.clone()
    }

    /// A single failure that is nobody's fault.
    pub fn background(&self) -> Answer {
        self.background.clone()
    }

    /// Our own network is down.
    pub fn unreachable(&self) -> Answer {
        self.unreachable.clone()
    }

    /// What the first rule that applies makes of an attempt; transport before session.
    pub fn of(&mut self, rules: &[FaultRule], traits: &Traits, node: Node) -> Option<Answer> {
        let met = met(rules, traits, node)?;
        Some(Answer::of(self.outcomes.course(&[Some(met)], traits.kind)))
    }

    /// What an attempt with a call meets: whatever keeps it from connecting, then what befalls the
    /// call, then what is odd about the connection.
    pub fn met_by_call(
        &mut self,
        rules: &[FaultRule],
        traits: &Traits,
        node: Node,
        direction: CallDirection,
    ) -> Option<Behaviour> {
        let connecting = met(rules, traits, node);
        let breaks = connecting
            .is_some_and(|met| !self.outcomes.course(&[Some(met)], traits.kind).finding.outcome.is_completed());
        if breaks {
            return connecting;
        }
        let calling = rules.iter().find_map(|rule| rule.call(traits, node, direction));
        calling.map(Behaviour::Call).or(connecting)
    }
}

/// What the first rule that applies makes a connection meet; transport before session.
fn met(rules: &[FaultRule], traits: &Traits, node: Node) -> Option<Behaviour> {
    let transport = rules.iter().find_map(|rule| rule.transport(&traits.edge, traits.family, node));
    transport.map(Behaviour::Transport).or_else(|| {
        let fault = rules.iter().find_map(|rule| rule.session(traits, node))?;
        Some(Behaviour::Session(refusal_of(fault, &traits.shape)))
    })
}

/// What a failure that is nobody's fault looks like.
pub(super) const fn background() -> Behaviour {
    Behaviour::Transport(TransportFault::Tcp(TcpFault::Reset))
}

/// What a dead network of our own looks like from inside.
pub(super) const fn dead_network() -> Behaviour {
    Behaviour::Transport(TransportFault::Tcp(TcpFault::Silence))
}
