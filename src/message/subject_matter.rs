//! What an incident is about: agents' calls, or something that keeps us from looking.

use crate::engine::{Audience, IncidentFacts, Rule, Trouble, WhoseVerdict};

/// What an incident is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SubjectMatter {
    /// Agents cannot work.
    Calls,
    /// A kind, key or edge that has never worked here.
    BornRed,
    /// The partner asks us to slow down.
    Throttled,
    /// Nobody has looked for too long.
    NoData,
    /// Fewer looks than the owner asked for.
    TooFew,
    /// A certificate ends soon.
    Certificate,
    /// Our own network.
    Network,
    /// ringcheck itself.
    Own(Option<Trouble>),
}

impl SubjectMatter {
    pub(super) fn of(facts: &IncidentFacts) -> Self {
        if facts.audience == Audience::VoiceOnCall {
            return Self::Calls;
        }
        match facts.trouble {
            Some(Trouble::Network) => return Self::Network,
            Some(other) => return Self::Own(Some(other)),
            None if facts.whose.verdict == WhoseVerdict::Location => return Self::Network,
            None => {}
        }
        let rules = facts.pods.iter().flat_map(|pod| &pod.rules);
        rules.copied().find(|rule| rule.audience() == Audience::MonitorOwner).map_or(Self::Own(None), Self::of_rule)
    }

    fn of_rule(rule: Rule) -> Self {
        match rule {
            Rule::Outage
            | Rule::TokenBound
            | Rule::Share
            | Rule::HeavyShare
            | Rule::Trait
            | Rule::Flapping
            | Rule::Plain(_)
            | Rule::OutboundCalls
            | Rule::InboundCalls
            | Rule::CallQuality(_) => Self::Calls,
            Rule::NoData => Self::NoData,
            Rule::BornRed => Self::BornRed,
            Rule::Throttled => Self::Throttled,
            Rule::Location => Self::Network,
            Rule::Certificate => Self::Certificate,
            Rule::TooFew => Self::TooFew,
            Rule::Ringcheck => Self::Own(None),
        }
    }
}
