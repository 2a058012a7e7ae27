//! Rule D: the same cumulative sum as rule C, kept for every trait that a failing token had. A
//! fault that hits few tokens of one trait, on few of the partner's nodes, drowns in the share of
//! all attempts and stands out in its trait's.

use serde::{Deserialize, Serialize};

use crate::model::{SignatureCells, Timestamp, Traits};
use crate::token::Feature;

use super::rules::Cusum;

/// A trait's sum takes one failure in so many milliseconds: a burst is the outage rule's business.
const SCORES_EVERY_MS: i64 = 10_000;
/// Traits that can hold a score at once; beyond that the smallest one is forgotten. A token has
/// some forty, and a score wears off.
const SCORED_MAX: usize = 512;
/// A trait with so much of its bound used up gets more attempts (focus).
const FOCUS_FILL: f64 = 0.25;

/// The sums of one pod's traits; only those above zero are kept.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub struct TraitScores {
    scores: Vec<TraitScore>,
}

/// The sum of one trait.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TraitScore {
    /// The trait.
    pub feature: Feature,
    /// Its sum: a failure adds the rule's step, a pass takes one off.
    pub score: u32,
    /// When a failure scored last.
    scored: Timestamp,
    /// The signature cells any of which brings the trait, where it follows from one: most traits are
    /// such, and this is looked at with every attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brought_by: Option<SignatureCells>,
}

impl TraitScore {
    fn holds(&self, traits: &Traits) -> bool {
        match self.brought_by {
            Some(cells) => !cells.is_disjoint(traits.shape.signature),
            None => self.feature.holds(traits),
        }
    }
}

impl TraitScores {
    /// Counts one scheduled attempt that started at `at`.
    pub fn observe(&mut self, failed: bool, at: Timestamp, traits: &Traits, rule: &Cusum) {
        if failed {
            for feature in Feature::all_of(traits) {
                self.fail(feature, at, rule);
            }
        } else if !self.scores.is_empty() {
            for known in &mut self.scores {
                known.score -= u32::from(known.holds(traits));
            }
            self.scores.retain(|known| known.score > 0);
        }
    }

    fn fail(&mut self, feature: Feature, at: Timestamp, rule: &Cusum) {
        let place = self.scores.binary_search_by(|known| known.feature.cmp(&feature));
        let place = match place {
            Ok(place) => {
                let known = &mut self.scores[place];
                if at.as_millis() - known.scored.as_millis() >= SCORES_EVERY_MS {
                    known.score = known.score.saturating_add(rule.step).min(rule.bound.saturating_mul(2));
                    known.scored = at;
                }
                return;
            }
            Err(place) => place,
        };
        if self.scores.len() >= SCORED_MAX {
            let Some(weakest) = (0..self.scores.len()).min_by_key(|place| self.scores[*place].score) else { return };
            self.scores.remove(weakest);
            return self.fail(feature, at, rule);
        }
        let brought_by = feature.signature_cells_that_bring();
        self.scores.insert(place, TraitScore { feature, score: rule.step, scored: at, brought_by });
    }

    /// The trait whose sum is at the bound or above, the highest first.
    pub fn firing(&self, rule: &Cusum) -> Option<&TraitScore> {
        self.strongest().filter(|known| known.score >= rule.bound)
    }

    /// The trait that more attempts should carry, if one has used up enough of its bound.
    pub fn focus(&self, rule: &Cusum) -> Option<&Feature> {
        let known = self.strongest()?;
        (f64::from(known.score) >= FOCUS_FILL * f64::from(rule.bound)).then_some(&known.feature)
    }

    fn strongest(&self) -> Option<&TraitScore> {
        // Of equals the first: order of features, so that the same facts give the same answer.
        self.scores.iter().reduce(|best, known| if known.score > best.score { known } else { best })
    }

    /// Forgets what was seen: after an alert is over, or when our own network was down.
    pub fn reset(&mut self) {
        self.scores.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EdgeName, KeySlot, Share, Symbol, TokenKind, TokenShape};

    const RULE: Cusum = Cusum { step: 21, bound: 60, usual: Share::ZERO, detect: Share::ZERO };

    fn traits(cells: &[(u16, Symbol)]) -> Traits {
        Traits {
            kind: TokenKind::Access,
            key: KeySlot(0),
            name_length: 24,
            edge: EdgeName::parse("ashburn").expect("a name"),
            family: None,
            shape: TokenShape { signature: cells.iter().copied().collect(), ..TokenShape::default() },
        }
    }

    #[test]
    fn a_trait_fires_when_others_pass_and_wears_off() {
        let (hit, spared) = (traits(&[(7, Symbol::Dash)]), traits(&[(8, Symbol::Underscore)]));
        let mut scores = TraitScores::default();
        for round in 0..3 {
            let at = Timestamp::from_millis(round * 60_000);
            for _ in 0..30 {
                scores.observe(false, at, &spared, &RULE);
            }
            assert!(scores.firing(&RULE).is_none());
            scores.observe(true, at, &hit, &RULE);
        }
        let firing = scores.firing(&RULE).expect("three failures with one cell, no pass");
        assert_eq!((firing.score, firing.holds(&hit), firing.holds(&spared)), (63, true, false));
        assert!(scores.focus(&RULE).is_some());
        for _ in 0..63 {
            scores.observe(false, Timestamp::from_millis(200_000), &hit, &RULE);
        }
        assert_eq!(scores, TraitScores::default());
    }

    #[test]
    fn a_burst_scores_once() {
        let mut scores = TraitScores::default();
        for second in 0..9 {
            scores.observe(true, Timestamp::from_millis(second * 1_000), &traits(&[]), &RULE);
        }
        assert!(scores.firing(&RULE).is_none());
    }
}
