//! Pods in which the tokens that fail elsewhere pass.

use serde::{Deserialize, Serialize};

use crate::model::PodName;

use super::finding::{Counts, Finding};

/// Pods that are named; all are counted.
const NAMED_MAX: usize = 20;
/// Fewest looks in a pod.
const LOOKS_MIN: u32 = 3;
/// That the pod has nothing but background must be so many times likelier than that it is hit.
const LIKELIER: f64 = 20.0;
/// A fault of all attempts is passed by this often at least.
const PASSES: f64 = 0.02;
/// Where nothing ever fails, this often it may all the same.
const BACKGROUND_MIN: f64 = 0.002;

/// Pods that a finding does not hit, with the looks that say so.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Spared {
    /// The first of them, by name.
    pub pods: Vec<PodName>,
    /// How many there are.
    pub count: u32,
    /// Looks there at tokens that the finding names.
    pub looks: Counts,
}

impl Spared {
    /// Of pods with what was seen there of the tokens that the finding names, those that it does
    /// not hit; none while nothing is claimed.
    pub fn of(finding: &Finding, seen: impl Iterator<Item = (PodName, Counts)>) -> Option<Self> {
        if finding.predicate.0.is_empty() || finding.inside.failed == 0 {
            return None;
        }
        let fails = (f64::from(finding.inside.failed) / f64::from(finding.inside.of)).min(1.0 - PASSES);
        let background = finding.background.get().clamp(BACKGROUND_MIN, fails);
        let is_spared = |counts: &Counts| {
            let of_failures = f64::from(counts.failed) * (background / fails).ln();
            let of_passes = f64::from(counts.passed()) * ((1.0 - background) / (1.0 - fails)).ln();
            counts.of >= LOOKS_MIN && of_failures + of_passes >= LIKELIER.ln()
        };
        let mut spared = Self { pods: Vec::new(), count: 0, looks: Counts::default() };
        for (pod, counts) in seen.filter(|(_, counts)| is_spared(counts)) {
            if spared.pods.len() < NAMED_MAX {
                spared.pods.push(pod);
            }
            spared.count += 1;
            spared.looks = Counts { failed: spared.looks.failed + counts.failed, of: spared.looks.of + counts.of };
        }
        (spared.count > 0).then_some(spared)
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{FindingState, Predicate};
    use crate::model::{Share, TokenKind};
    use crate::token::Feature;

    use super::*;

    fn finding(failed: u32, of: u32) -> Finding {
        let claimed = Finding::claiming(FindingState::Verified, vec![Feature::Kind(TokenKind::Access)]);
        Finding { background: Share::clamped(0.01), inside: Counts { failed, of }, ..claimed }
    }

    #[test]
    fn a_pod_is_spared_when_enough_passes_there() {
        let pod = PodName::parse("pod-15").expect("a name");
        for (inside, (failed, of), spared) in [
            ((14, 14), (0, 2), false),
            ((14, 14), (0, 3), true),
            ((14, 14), (1, 12), true),
            ((14, 14), (3, 3), false),
            ((10, 100), (0, 20), false),
            ((10, 100), (0, 40), true),
            ((10, 100), (4, 40), false),
            ((0, 10), (0, 40), false),
        ] {
            let seen = std::iter::once((pod.clone(), Counts { failed, of }));
            let found = Spared::of(&finding(inside.0, inside.1), seen);
            assert_eq!(found.is_some(), spared, "{inside:?} {failed} of {of}");
        }
        let nothing = Finding { predicate: Predicate(Vec::new()), ..finding(14, 14) };
        assert_eq!(Spared::of(&nothing, std::iter::once((pod, Counts { failed: 0, of: 40 }))), None);
    }
}
