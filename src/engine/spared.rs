//! What was seen of the tokens that a finding names, in each pod: not all need be hit.

use std::collections::BTreeMap;

use crate::diagnosis::{Counts, Diagnosis, Finding, Spared};
use crate::model::PodName;
use crate::token::Reach;

use super::IncidentFacts;
use super::pipeline::Engine;
use super::pod_state::PodState;
use super::seen::SeenResult;

/// Pods besides the incident's that are compared.
const COMPARED_MAX: usize = 64;

impl Engine {
    /// Pods in which such tokens pass: of the incident by its looks, of others by what they have
    /// seen since the trouble began.
    pub(super) fn spared(&self, facts: &IncidentFacts, diagnosis: &Diagnosis, finding: &Finding) -> Option<Spared> {
        if finding.predicate.0.is_empty() {
            return None;
        }
        let mut seen: BTreeMap<PodName, Counts> = diagnosis.inside_by_pod();
        let others = self.state.pods.iter().filter(|(name, _)| facts.pods.iter().all(|impact| impact.pod != **name));
        for (name, pod) in others.take(COMPARED_MAX) {
            let lane = self.volatile.lanes.iter().find(|lane| lane.pod.name == *name);
            if let Some(lane) = lane {
                seen.insert(name.clone(), such_tokens(pod, &lane.reach, facts, finding));
            }
        }
        Spared::of(finding, seen.into_iter())
    }
}

fn such_tokens(pod: &PodState, reach: &Reach, facts: &IncidentFacts, finding: &Finding) -> Counts {
    let places = finding.place.as_ref().and_then(|place| place.places.as_ref());
    let recent = pod.memory.iter().rev().take_while(|seen| seen.started >= facts.first_failure);
    let mut counts = Counts::default();
    for seen in recent.filter(|seen| seen.result.counts()) {
        let here = places.is_none_or(|places| places.hold(&pod.memory.reached_of(seen)) == Some(true));
        if here && seen.traits(reach).is_some_and(|traits| finding.predicate.holds(&traits)) {
            counts.add(seen.result == SeenResult::Failed);
        }
    }
    counts
}
