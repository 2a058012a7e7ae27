//! How much the outcome of one more look is expected to tell.

use crate::token::FeatureSet;

use super::FailShare;
use super::hypothesis::Held;
use super::noise::{Noise, Tally};
use super::posterior::Masses;

/// What knowing the fail share is worth against knowing the predicate.
const OF_SHARE: f64 = 0.2;

/// The chances of a look, for each hypothesis if it hits: made once, asked for each candidate.
pub(super) struct Outlook {
    /// In the order of the masses.
    hits: Vec<Hit>,
    /// Chance of a failure if nothing hits.
    background: f64,
}

/// Belief in a hypothesis, and what it expects of a token that it hits.
#[derive(Clone, Copy, Default)]
struct Hit {
    belief: f64,
    fails: f64,
    /// What is left open if the hypothesis is known, …
    open: f64,
    /// … and if the fail share is known, too.
    share_open: f64,
}

impl Outlook {
    /// Of one more look at a token that was looked at so.
    pub(super) fn of(masses: &Masses, noise: Noise, tally: Tally) -> Self {
        let chances = FailShare::EACH.map(|share| noise.next_inside(tally, share));
        let entropies = chances.map(entropy);
        let hits = masses.hypotheses.iter().map(|mass| {
            let belief = mass.total();
            let mean =
                |of: [f64; FailShare::COUNT]| mass.shares.iter().zip(of).map(|(share, of)| share * of).sum::<f64>();
            let fails = mean(chances);
            Hit { belief, fails, open: belief * entropy(fails / belief), share_open: mean(entropies) }
        });
        Self { hits: hits.collect(), background: noise.next_outside(tally) }
    }

    /// How much the look is expected to tell about hypotheses and fail shares, in nats.
    pub(super) fn information(&self, masses: &Masses, set: FeatureSet) -> f64 {
        let held = Held::of(set);
        let mut sum = Hit::default();
        for (hit, mass) in self.hits.iter().zip(&masses.hypotheses) {
            if mass.hypothesis.hits(&held) {
                sum.belief += hit.belief;
                sum.fails += hit.fails;
                sum.open += hit.open;
                sum.share_open += hit.share_open;
            }
        }
        let spared = (1.0 - sum.belief).max(0.0);
        let before = entropy(sum.fails + spared * self.background);
        let outside = spared * entropy(self.background);
        (1.0 - OF_SHARE) * (before - sum.open - outside) + OF_SHARE * (before - sum.share_open - outside)
    }
}

/// Of an outcome that is a failure with probability `p`, in nats.
fn entropy(p: f64) -> f64 {
    let term = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    term(p) + term(1.0 - p)
}
