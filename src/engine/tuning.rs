//! From a pod as configured to its rules as numbers.

use crate::model::{Share, StableHasher, millis};
use crate::plan::{Plan, Pod, TokenSource};

use super::bound;
use super::pod_state::PodState;
use super::rules::{Cusum, PodRules};

/// Traits of a pod's tokens that can be told apart, roughly: 84 cells of the signature, and some
/// sixty classes.
const TRAITS: f64 = 150.0;

/// The rules of a pod; a baseline that was measured before goes on being used.
pub fn rules_of(plan: &Plan, pod: &Pod, known: Option<&PodState>) -> PodRules {
    let thresholds = &pod.thresholds;
    let baseline = known.and_then(|state| state.baseline.measure()).unwrap_or(thresholds.device_errors.baseline);
    PodRules {
        pod: pod.name.clone(),
        public_name: pod.public_name.clone(),
        persist_ms: millis(thresholds.persist),
        overdue_ms: millis(thresholds.overdue),
        stable_ms: millis(thresholds.stable),
        silence_ms: millis(thresholds.silence),
        cusum: cusum_of(pod, baseline),
        traits: Some(traits_cusum_of(pod, baseline)),
        plain: thresholds.plain.clone(),
        calls: super::calls::rules_of(plan, pod),
    }
}

/// The sequential rule of a pod for a baseline.
pub fn cusum_of(pod: &Pod, baseline: Share) -> Cusum {
    let errors = &pod.thresholds.device_errors;
    let per_minute = f64::from(pod.budget.connections_per_minute);
    bound::tune(errors.detect, errors.false_pages_per_year, baseline, per_minute)
}

/// The sequential rule of each of a pod's traits: all of them together get as many false pages as
/// the pod's own rule.
pub fn traits_cusum_of(pod: &Pod, baseline: Share) -> Cusum {
    let errors = &pod.thresholds.device_errors;
    let per_minute = f64::from(pod.budget.connections_per_minute);
    bound::tune(errors.detect, errors.false_pages_per_year / TRAITS, baseline, per_minute)
}

/// A hash of what a plan says, to tell a change from a restart.
pub fn fingerprint(plan: &Plan) -> u64 {
    // The plan holds references to secrets only, and its debug form names all there is.
    StableHasher::new("plan").text(&format!("{plan:?}")).finish()
}

/// The name lengths of a pod's tokens; empty if an endpoint decides.
pub fn name_lengths(pod: &Pod) -> &[u8] {
    match &pod.tokens {
        TokenSource::Minted { name_lengths, .. } => name_lengths,
        TokenSource::Endpoint(_) => &[],
    }
}
