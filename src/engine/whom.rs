//! Whom a finding hits in each pod, and what helps them: what follows from its predicate. That takes
//! milliseconds, so it is kept until the predicate is another one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnosis::{Affected, Finding, FindingState, Predicate, Remedy};
use crate::model::{IncidentNumber, PodName};
use crate::token::Reach;

use super::IncidentFacts;
use super::pipeline::Engine;

/// What follows from the predicate of an incident's finding.
#[derive(Debug)]
pub(super) struct Whom {
    predicate: Predicate,
    remedies: Vec<Remedy>,
    affected: BTreeMap<PodName, Option<Affected>>,
}

impl Engine {
    /// Works out anew whom an incident hits if what is claimed, or where, is not what it was.
    pub(super) fn tell_whom(&mut self, number: IncidentNumber) {
        let Some(predicate) = self.volatile.diagnoses.open.get(&number).map(|open| open.predicate()) else { return };
        let Some(incident) = self.state.incidents.get(&number) else { return };
        let pods: Vec<PodName> = incident.facts.pods.iter().map(|impact| impact.pod.clone()).collect();
        if predicate.0.is_empty() {
            self.volatile.diagnoses.whom.remove(&number);
            return;
        }
        let known = self.volatile.diagnoses.whom.get(&number).filter(|whom| whom.predicate == predicate);
        if known.is_some_and(|whom| pods.iter().all(|pod| whom.affected.contains_key(pod))) {
            return;
        }
        let family = pods.first().and_then(|pod| self.volatile.diagnoses.families.get(pod)).and_then(Option::as_ref);
        let remedies = match known {
            Some(whom) => whom.remedies.clone(),
            None => family.map(|family| family.remedies(&predicate)).unwrap_or_default(),
        };
        let affected = self.affected(pods, &predicate);
        self.volatile.diagnoses.whom.insert(number, Whom { predicate, remedies, affected });
    }

    /// Pods whose minters can make the same tokens, for agents with the same names, are asked once.
    fn affected(&self, pods: Vec<PodName>, predicate: &Predicate) -> BTreeMap<PodName, Option<Affected>> {
        let mut found: Vec<(Arc<Reach>, Option<Affected>)> = Vec::new();
        let of_pod = |name: PodName| {
            let reach = self.volatile.lanes.iter().find(|lane| lane.pod.name == name).map(|lane| lane.reach.clone());
            let affected = reach.and_then(|reach| {
                let same = found.iter().find(|(known, _)| *known == reach).map(|(_, affected)| *affected);
                same.unwrap_or_else(|| {
                    let affected = Affected::of(&reach, predicate);
                    found.push((reach, affected));
                    affected
                })
            });
            (name, affected)
        };
        pods.into_iter().map(of_pod).collect()
    }

    /// Writes into facts whom their finding hits, as far as that was worked out.
    pub(super) fn fill_in_whom(&self, facts: &mut IncidentFacts, finding: &Finding) {
        let known = matches!(finding.state, FindingState::AtLeast | FindingState::Verified);
        let whom = self.volatile.diagnoses.whom.get(&facts.number);
        let whom = whom.filter(|whom| known && whom.predicate == finding.predicate);
        facts.remedies = whom.map(|whom| whom.remedies.clone()).unwrap_or_default();
        for impact in &mut facts.pods {
            impact.affected = whom.and_then(|whom| whom.affected.get(&impact.pod).copied().flatten());
        }
    }
}
