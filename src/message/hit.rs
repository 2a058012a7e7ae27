//! Whom a fault of the tokens hits in a pod, by what is known of the names of its agents: a share
//! that follows from what was found, and not an estimate from how many attempts fail.

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnosis::{FailShare, FindingState};
use crate::engine::{Experience, IncidentFacts, PodImpact};

use super::fault::capital;

/// Whom a finding hits in one pod.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Hit {
    /// Share of the agents' tokens that the predicate names.
    share: f64,
    same_agents: bool,
    /// Not verified yet: more may be hit.
    at_least: bool,
    fails: FailShare,
}

/// The agents of a pod whom the fault hits, by the configured population of the pod.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, JsonSchema)]
pub struct AffectedData {
    /// Share of the agents' tokens that fail, 0 to 1.
    pub share: f64,
    /// True if it is always the same agents; false if each new token may be hit or not.
    pub same_agents: bool,
    /// True while it is not verified: then it is at least so many.
    pub at_least: bool,
}

impl AffectedData {
    /// Of one pod's part in an incident; none while it is not known which tokens fail, or what tokens
    /// the agents have.
    pub fn of(facts: &IncidentFacts, impact: &PodImpact) -> Option<Self> {
        let hit = Hit::of(facts, impact)?;
        let share = (hit.failing() * 10_000.0).round() / 10_000.0;
        Some(Self { share, same_agents: hit.same_agents, at_least: hit.at_least })
    }
}

/// What the agents of a pod experience, as a sentence; none where it has to be estimated.
pub fn agents_hit(facts: &IncidentFacts, impact: &PodImpact) -> Option<String> {
    Hit::of(facts, impact).map(Hit::sentence)
}

impl Hit {
    pub(super) fn of(facts: &IncidentFacts, impact: &PodImpact) -> Option<Self> {
        let finding = facts.finding.as_deref()?;
        let at_least = match finding.state {
            FindingState::Verified => false,
            FindingState::AtLeast => true,
            FindingState::Open | FindingState::NoTokenTrait | FindingState::Contradicted => return None,
        };
        let some = matches!(impact.experience, Experience::SomeAgents { .. } | Experience::SomeConnections { .. });
        let affected = impact.affected.filter(|_| some)?;
        let fails = finding.fails.unwrap_or(FailShare::All);
        Some(Self { share: affected.share.get(), same_agents: affected.same_agents, at_least, fails })
    }

    /// Share of all the agents' connections that fail.
    fn failing(self) -> f64 {
        self.share * self.fails.share()
    }

    /// For the first line, over all pods: `4.6 to 33 % of the agents cannot connect`. None unless it
    /// is known of each of them.
    pub(super) fn of_all(facts: &IncidentFacts, past: bool) -> Option<String> {
        let mut hits: Vec<Self> = facts.pods.iter().map(|impact| Self::of(facts, impact)).collect::<Option<_>>()?;
        hits.sort_by(|one, other| one.share.total_cmp(&other.share));
        let (least, most) = (hits.first()?, hits.last()?);
        let (low, high) = (percent(least.of_whom()), percent(most.of_whom()));
        let range = if low == high { high } else { format!("{} to {high}", low.trim_end_matches(" %")) };
        Some(most.with_amount(&range, past))
    }

    /// `33 % of the agents cannot connect`.
    fn short(self) -> String {
        self.with_amount(&percent(self.of_whom()), false)
    }

    fn with_amount(self, amount: &str, past: bool) -> String {
        let (cannot, fail) = if past { ("could not connect", "failed") } else { ("cannot connect", "fail") };
        let least = if self.at_least { "at least " } else { "" };
        let what = if self.is_agents() { format!("of the agents {cannot}") } else { format!("of connections {fail}") };
        capital(&format!("{least}{amount} {what}"))
    }

    /// True if it is a share of agents, and not of connections.
    fn is_agents(self) -> bool {
        self.same_agents && self.fails == FailShare::All
    }

    fn of_whom(self) -> f64 {
        if self.is_agents() { self.share } else { self.failing() }
    }

    /// With what an agent can expect.
    pub(super) fn sentence(self) -> String {
        let others = if self.at_least { "" } else { " The others can work." };
        if self.fails != FailShare::All {
            let whose = if self.same_agents {
                format!("all of them of the same {} of the agents", percent(self.share))
            } else {
                "for any agent".to_owned()
            };
            return format!("{}, {whose}. Trying again can help.", self.short());
        }
        if self.same_agents {
            return format!("{}, always the same ones.{others}", self.short());
        }
        let least = if self.at_least { "at least " } else { "" };
        capital(&format!(
            "{least}{} of the tokens are hit: each new one is hit or not by chance, and whoever holds one that is cannot connect.",
            percent(self.share)
        ))
    }
}

/// `33 %`, `1.6 %`.
fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent < 0.1 => "under 0.1 %".to_owned(),
        percent if percent < 9.95 => format!("{percent:.1} %").replace(".0 %", " %"),
        percent => format!("{percent:.0} %"),
    }
}
