//! What a diagnosis says, in facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{AttemptId, PodName, Share};
use crate::token::{Feature, FeatureSet};

use super::FailShare;
use super::evidence::HowFailed;
use super::hypothesis::Hypothesis;
use super::inquiry::Diagnosis;
use super::places::PlaceFinding;
use super::predicate::{Conjunction, Predicate, is_of_signature};
use super::spared::Spared;

/// Symptoms that are told; the rest is counted together under the last of them.
const SYMPTOMS_MAX: usize = 8;

/// How far a diagnosis is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// Not yet known.
    Open,
    /// The predicate fails; whether more does is being tried. Say "at least".
    AtLeast,
    /// The predicate fails, and whatever else tokens can have was seen to pass outside of it; where
    /// only a share fails, it is what the posterior says.
    Verified,
    /// Failures do not depend on the token.
    NoTokenTrait,
    /// What was claimed was wrong; not yet known again.
    Contradicted,
}

/// Looks that failed, of all.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// Failed.
    pub failed: u32,
    /// Failed or passed.
    pub of: u32,
}

impl Counts {
    /// Counts one look more.
    pub fn add(&mut self, failed: bool) {
        self.failed += u32::from(failed);
        self.of += 1;
    }

    /// Those that passed.
    pub const fn passed(self) -> u32 {
        self.of.saturating_sub(self.failed)
    }
}

/// A feature that does not explain the failures: tokens have it and pass.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuledOut {
    /// The feature.
    pub feature: Feature,
    /// Tokens that have it, outside of the predicate.
    pub outside: Counts,
}

/// What separates failing from passing tokens, as far as it is known.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// How far.
    pub state: FindingState,
    /// What fails; nothing where nothing is claimed.
    pub predicate: Predicate,
    /// How often it fails; nothing where nothing is claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails: Option<FailShare>,
    /// The same among looks that came out where it fails, if it depends on that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails_at_place: Option<FailShare>,
    /// Belief in the newest claim (or in that no trait matters), among all hypotheses, if single
    /// failures come independently at `background`.
    pub posterior: Share,
    /// Share of attempts that is taken to fail while nothing is wrong.
    pub background: Share,
    /// Looks at tokens that the predicate names.
    pub inside: Counts,
    /// Looks at all others.
    pub outside: Counts,
    /// Looks again at a token that had failed: all failing means that it sticks to the token.
    pub again: Counts,
    /// Kinds, keys, names, edges and classes of characters that pass.
    pub ruled_out: Vec<RuledOut>,
    /// What failing looked like, most frequent first.
    pub symptoms: Vec<(HowFailed, u32)>,
    /// At which of the partner's places it fails, if it depends on that: all counts but those of
    /// symptoms and pods are then of looks there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceFinding>,
    /// Pods in which the tokens that are claimed to fail pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spared: Option<Spared>,
    /// By pod.
    pub pods: BTreeMap<PodName, Counts>,
}

impl Finding {
    /// How often what is claimed fails, where it fails at all.
    pub fn fails_there(&self) -> Option<FailShare> {
        self.fails_at_place.or(self.fails)
    }
}

#[cfg(test)]
impl Finding {
    /// That tokens with all of these features always fail, for tests; nothing was counted.
    pub fn claiming(state: FindingState, features: Vec<crate::token::Feature>) -> Self {
        Self {
            state,
            predicate: Predicate(vec![Conjunction(features)]),
            fails: Some(FailShare::All),
            fails_at_place: None,
            posterior: Share::ONE,
            background: Share::ZERO,
            inside: Counts::default(),
            outside: Counts::default(),
            again: Counts::default(),
            ruled_out: Vec::new(),
            symptoms: Vec::new(),
            place: None,
            spared: None,
            pods: BTreeMap::new(),
        }
    }
}

impl Diagnosis {
    /// The tokens that are found to fail, as far as that is claimed.
    pub fn predicate(&self) -> Predicate {
        let claimed = self.claimed();
        Predicate(claimed.into_iter().map(|hypothesis| Conjunction(self.family.features_of(hypothesis))).collect())
    }

    /// How often the tokens that are claimed fail, wherever they come out; nothing where nothing is
    /// claimed.
    pub fn fails(&self) -> Option<FailShare> {
        let there = self.fails_there()?;
        Some(self.exposed().map_or(there, |exposed| FailShare::nearest(exposed * there.share())))
    }

    fn fails_there(&self) -> Option<FailShare> {
        let more = self.named().filter(|mass| !mass.hypothesis.is_any());
        more.map(|mass| mass.share()).or((!self.claims.is_empty()).then_some(FailShare::All))
    }

    pub(super) fn claimed(&self) -> Vec<Hypothesis> {
        let more = self.named().filter(|mass| !mass.hypothesis.is_any()).map(|mass| mass.hypothesis);
        self.claims.iter().map(|claim| claim.hypothesis).chain(more).collect()
    }

    /// What can be said now.
    pub fn finding(&self) -> Finding {
        let hypotheses = self.claimed();
        let hit = |set: FeatureSet| hypotheses.iter().any(|hypothesis| hypothesis.hits_set(set));
        let mut counts = [Counts::default(); 2];
        for look in self.here() {
            counts[usize::from(hit(look.features))].add(look.failed.is_some());
        }
        Finding {
            state: self.state(),
            predicate: self.predicate(),
            fails: self.fails(),
            fails_at_place: self.fails_there().filter(|_| self.is_located()),
            posterior: Share::clamped(self.posterior_of_newest()),
            background: Share::clamped(self.noise.background()),
            inside: counts[1],
            outside: counts[0],
            again: self.again_counts(),
            ruled_out: if hypotheses.is_empty() { Vec::new() } else { self.ruled_out(&hit) },
            symptoms: self.symptoms(),
            place: self.place(),
            spared: None,
            pods: self.pods(),
        }
    }

    /// How far it is.
    pub fn state(&self) -> FindingState {
        match self.named() {
            Some(mass) if !mass.hypothesis.is_any() => FindingState::Verified,
            Some(_) if self.claims.is_empty() => FindingState::NoTokenTrait,
            _ if self.is_verified() => FindingState::Verified,
            _ if !self.claims.is_empty() => FindingState::AtLeast,
            _ if self.withdrawn => FindingState::Contradicted,
            _ => FindingState::Open,
        }
    }

    fn posterior_of_newest(&self) -> f64 {
        let best = self.named().or_else(|| self.masses.best()).map_or(0.0, |mass| mass.total());
        // A claim is doubted as far as something else is believed to be there.
        if self.claims.is_empty() || self.named().is_some() { best } else { 1.0 - self.masses.deterministic }
    }

    fn again_counts(&self) -> Counts {
        let mut failed_once: BTreeMap<AttemptId, ()> = BTreeMap::new();
        let mut again = Counts::default();
        for look in self.here() {
            if failed_once.contains_key(&look.token) {
                again.add(look.failed.is_some());
            }
            if look.failed.is_some() {
                failed_once.insert(look.token, ());
            }
        }
        again
    }

    fn ruled_out(&self, hit: &impl Fn(FeatureSet) -> bool) -> Vec<RuledOut> {
        let told = |feature: &Feature| !matches!(feature, Feature::Cell(_)) || !is_of_signature(feature);
        let features = self.family.space.features().iter().enumerate().filter(|(_, feature)| told(feature));
        let counted = features.map(|(number, feature)| {
            let mut outside = Counts::default();
            let looks = self.here();
            for look in looks.filter(|look| look.features.contains(number) && !hit(look.features)) {
                outside.add(look.failed.is_some());
            }
            RuledOut { feature: feature.clone(), outside }
        });
        counted.filter(|ruled| ruled.outside.passed() > ruled.outside.failed).collect()
    }

    fn symptoms(&self) -> Vec<(HowFailed, u32)> {
        let mut counted: BTreeMap<HowFailed, u32> = BTreeMap::new();
        for failed in self.evidence.looks().iter().filter_map(|look| look.failed) {
            *counted.entry(failed).or_default() += 1;
        }
        let mut symptoms: Vec<_> = counted.into_iter().collect();
        symptoms.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        symptoms.truncate(SYMPTOMS_MAX);
        symptoms
    }

    /// Looks at tokens that are claimed to fail, by pod, where they fail.
    pub fn inside_by_pod(&self) -> BTreeMap<PodName, Counts> {
        let claimed = self.claimed();
        let mut pods: BTreeMap<PodName, Counts> = BTreeMap::new();
        for look in self.here().filter(|look| claimed.iter().any(|one| one.hits_set(look.features))) {
            pods.entry(look.pod.clone()).or_default().add(look.failed.is_some());
        }
        pods
    }

    fn pods(&self) -> BTreeMap<PodName, Counts> {
        let mut pods: BTreeMap<PodName, Counts> = BTreeMap::new();
        for look in self.evidence.looks() {
            pods.entry(look.pod.clone()).or_default().add(look.failed.is_some());
        }
        pods
    }
}
