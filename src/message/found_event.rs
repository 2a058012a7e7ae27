//! A diagnosis as JSON, the same in the webhook and in the API.

use schemars::JsonSchema;
use serde::Serialize;

use crate::diagnosis::{Counts, FailShare, FindingState, PlaceFinding, PlaceState, Spared};
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
    /// At which of the partner's places it fails, if it depends on that; then `inside` and `outside`
    /// count looks there only.
    pub place: Option<PlaceData>,
    /// Pods in which such tokens pass; null while none is known.
    pub spared: Option<SparedData>,
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

/// Pods in which the tokens that fail elsewhere pass.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub struct SparedData {
    /// The first 20 of them.
    pub pods: Vec<String>,
    /// How many there are.
    pub count: u32,
    /// Looks there at such tokens.
    pub looks: CountsData,
}

impl From<&Spared> for SparedData {
    fn from(spared: &Spared) -> Self {
        let pods = spared.pods.iter().map(ToString::to_string).collect();
        Self { pods, count: spared.count, looks: spared.looks.into() }
    }
}

/// At which of the partner's places it fails.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct PlaceData {
    /// `named` (there and nowhere else), `at_least` (there, perhaps elsewhere as well),
    /// `contradicted` (what was named was wrong).
    pub state: &'static str,
    /// `gateway`, `region` or `address`; null if it was contradicted.
    pub sort: Option<&'static str>,
    /// Their names, as the partner writes them.
    pub names: Vec<String>,
    /// Belief in exactly these places, 0 to 1.
    pub posterior: f64,
    /// Looks there, with the tokens that are claimed to fail.
    pub inside: CountsData,
    /// The same at other places of the sort.
    pub outside: CountsData,
    /// How many other places of the sort were seen.
    pub others: u32,
    /// Looks of which it is not known where they came out.
    pub untold: CountsData,
}

impl From<&PlaceFinding> for PlaceData {
    fn from(found: &PlaceFinding) -> Self {
        let places = found.places.as_ref();
        Self {
            state: match found.state {
                PlaceState::AtLeast => "at_least",
                PlaceState::Named => "named",
                PlaceState::Contradicted => "contradicted",
            },
            sort: places.map(|places| places.sort.as_str()),
            names: places.map(|places| places.names.iter().cloned().collect()).unwrap_or_default(),
            posterior: found.posterior.get(),
            inside: found.inside.into(),
            outside: found.outside.into(),
            others: found.others,
            untold: found.untold.into(),
        }
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
            place: found.place.as_ref().map(PlaceData::from),
            spared: found.spared.as_ref().map(SparedData::from),
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
