//! A diagnosis as JSON, the same in the webhook and in the API.

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnosis::{Counts, FailShare, FindingState};
use crate::engine::{Avoid, IncidentFacts};

use super::finding;

/// What separates failing from passing tokens, as far as it is known.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct DiagnosisData {
    /// `open` (not known yet), `at_least` (claimed, not verified), `verified`, `no_token_trait`
    /// (tokens of every shape fail alike), `contradicted` (a claim was withdrawn).
    pub state: &'static str,
    /// What can be said, for people; empty while `open`.
    pub text: Vec<String>,
    /// Which tokens fail, in words; null where nothing is claimed.
    pub tokens: Option<String>,
    /// The same as data: a list of alternatives, each a list of features that a token must all have.
    pub predicate: serde_json::Value,
    /// Which part of the attempts with such tokens fails: 1 for all, or 0.5, 0.25, 0.1.
    pub fails: Option<f64>,
    /// True if a token that failed once fails again; false if each attempt is drawn anew.
    pub sticks_to_token: Option<bool>,
    /// Belief in it, 0 to 1, if single failures come independently at `background`.
    pub posterior: f64,
    /// Share of attempts that is taken to fail while nothing is wrong.
    pub background: f64,
    /// Looks at such tokens.
    pub inside: CountsData,
    /// Looks at all others.
    pub outside: CountsData,
    /// What helps those hit now, the least effort first.
    pub remedies: Vec<String>,
    /// What a token service may do about it by itself; null while it is not verified which tokens
    /// fail, or if only a share of them does.
    pub avoid: Option<AvoidData>,
}

/// The permission to avoid the tokens that fail. It ends with the incident, and when the diagnosis
/// says otherwise: then this is null.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct AvoidData {
    /// Since when it is verified that these tokens fail, RFC 3339.
    pub since: String,
    /// True once somebody, or the configuration, has approved it; holds until `expires`.
    pub approved: bool,
    /// The end of the approval, RFC 3339; null while there is none.
    pub expires: Option<String>,
}

impl From<Avoid> for AvoidData {
    fn from(avoid: Avoid) -> Self {
        Self {
            since: avoid.since.to_rfc3339(),
            approved: avoid.approval.is_some(),
            expires: avoid.approval.map(|approval| approval.until.to_rfc3339()),
        }
    }
}

/// Looks at tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct CountsData {
    /// Failed.
    pub failed: u32,
    /// Failed or passed.
    pub of: u32,
}

impl From<Counts> for CountsData {
    fn from(counts: Counts) -> Self {
        Self { failed: counts.failed, of: counts.of }
    }
}

impl DiagnosisData {
    /// Of an incident, if it is being diagnosed or was.
    pub fn of(facts: &IncidentFacts) -> Option<Self> {
        let found = facts.finding.as_deref()?;
        let claimed = !found.predicate.0.is_empty();
        Some(Self {
            state: state(found.state),
            text: finding::found(found),
            tokens: claimed.then(|| found.predicate.to_string()),
            predicate: serde_json::to_value(&found.predicate).unwrap_or_default(),
            fails: found.fails.map(FailShare::share),
            sticks_to_token: found.fails.map(FailShare::sticks_to_token),
            posterior: found.posterior.get(),
            background: found.background.get(),
            inside: found.inside.into(),
            outside: found.outside.into(),
            remedies: facts.remedies.iter().map(finding::help).collect(),
            avoid: facts.avoid.map(AvoidData::from),
        })
    }
}

const fn state(state: FindingState) -> &'static str {
    match state {
        FindingState::Open => "open",
        FindingState::AtLeast => "at_least",
        FindingState::Verified => "verified",
        FindingState::NoTokenTrait => "no_token_trait",
        FindingState::Contradicted => "contradicted",
    }
}
