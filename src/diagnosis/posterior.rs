//! What is believed of each hypothesis after what was seen.

use crate::token::FeatureSet;

use super::FailShare;
use super::family::Family;
use super::hypothesis::{Held, Hypothesis};
use super::noise::{Gains, Noise, Steps, Tally, nats, steps};

/// Hypotheses so many nats less likely than the best weigh nothing. Half of that loses the right
/// one under noise.
const DEPTH_NATS: f64 = 25.0;
/// Hypotheses with less of the belief than this do not choose the next token.
const NEGLIGIBLE: f64 = 1e-5;
/// Steps of a nat between entries of the table of exponentials: 1/256 nat.
const TABLE_SHIFT: u32 = 8;

/// The evidence for every hypothesis and fail share against "nothing but background", so that a
/// look costs one pass over the family, and takes back exactly what it gave.
#[derive(Clone, Debug)]
pub(super) struct Posterior {
    weights: Vec<Gains>,
    /// Belief that there is anything at all to find.
    something: f64,
}

impl Posterior {
    pub(super) fn new(family: &Family, something: f64) -> Self {
        Self { weights: vec![[0; FailShare::COUNT]; family.len()], something }
    }

    /// Takes in that of one token more was seen.
    pub(super) fn learn(&mut self, family: &Family, noise: Noise, set: FeatureSet, before: Tally, after: Tally) {
        let (old, new) = (noise.gains(before), noise.gains(after));
        let gained: Gains = std::array::from_fn(|share| new[share] - old[share]);
        let held = Held::of(set);
        for (weights, hypothesis) in self.weights.iter_mut().zip(&family.hypotheses) {
            if hypothesis.hits(&held) {
                for (weight, gained) in weights.iter_mut().zip(&gained) {
                    *weight += gained;
                }
            }
        }
    }

    /// The hypotheses that, if they always fail, explain most; those that explain nothing are left
    /// out. With evidence and belief in nats.
    pub(super) fn always_failing(&self, family: &Family, most: usize) -> Vec<(usize, f64)> {
        let all = FailShare::All as usize;
        let logs = self.weights.iter().zip(&family.beliefs).map(|(weights, belief)| weights[all] + belief).enumerate();
        let mut best: Vec<(usize, Steps)> = logs.skip(1).filter(|(_, log)| *log > 0).collect();
        best.sort_by_key(|(place, log)| (std::cmp::Reverse(*log), *place));
        best.truncate(most);
        best.into_iter().map(|(place, log)| (place, nats(log))).collect()
    }

    /// The beliefs, as they are now.
    pub(super) fn masses(&self, family: &Family, exponentials: &Exponentials) -> Masses {
        let nothing = steps((1.0 - self.something).ln());
        let priors = FailShare::EACH.map(|share| steps(share.belief().ln() + self.something.ln()));
        let log = |place: usize, share: usize| self.weights[place][share] + family.beliefs[place] + priors[share];
        let logs = |place: usize| (0..FailShare::COUNT).map(move |share| log(place, share));
        let best = (0..family.len()).flat_map(logs).fold(nothing, Steps::max);
        let mut hypotheses: Vec<Mass> = Vec::new();
        let mut sum = exponentials.of(best, nothing);
        let mut deterministic = 0.0;
        for (place, hypothesis) in family.hypotheses.iter().enumerate() {
            let shares: [f64; FailShare::COUNT] = std::array::from_fn(|share| exponentials.of(best, log(place, share)));
            let of_all = shares.iter().sum::<f64>();
            if of_all > 0.0 {
                sum += of_all;
                deterministic += shares[FailShare::All as usize];
                hypotheses.push(Mass { place, hypothesis: *hypothesis, shares });
            }
        }
        hypotheses.retain(|mass| mass.total() > sum * NEGLIGIBLE);
        for mass in &mut hypotheses {
            mass.shares = mass.shares.map(|share| share / sum);
        }
        let nothing = exponentials.of(best, nothing) / sum;
        Masses { nothing, deterministic: deterministic / sum, hypotheses, evidence: nats(best) + sum.ln() }
    }
}

/// What is believed of one hypothesis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mass {
    pub(super) place: usize,
    pub(super) hypothesis: Hypothesis,
    /// By fail share.
    pub(super) shares: [f64; FailShare::COUNT],
}

impl Mass {
    pub(super) fn total(&self) -> f64 {
        self.shares.iter().sum()
    }

    /// The share of attempts that most probably fails.
    pub(super) fn share(&self) -> FailShare {
        let best = FailShare::EACH.into_iter().zip(self.shares).max_by(|one, other| one.1.total_cmp(&other.1));
        best.map_or(FailShare::All, |(share, _)| share)
    }
}

/// Beliefs that add up to 1, but for what weighs nothing.
#[derive(Clone, Debug)]
pub(super) struct Masses {
    /// That there is nothing but background.
    pub(super) nothing: f64,
    /// That something is there that fails every time.
    pub(super) deterministic: f64,
    /// Of those hypotheses that weigh anything, in the family's order.
    pub(super) hypotheses: Vec<Mass>,
    /// Logarithm of the evidence for all of it together, in nats.
    pub(super) evidence: f64,
}

impl Masses {
    /// The hypothesis that is believed most, apart from "no token trait".
    pub(super) fn best(&self) -> Option<&Mass> {
        let traits = self.hypotheses.iter().filter(|mass| !mass.hypothesis.is_any());
        traits.max_by(|one, other| one.total().total_cmp(&other.total()).then(other.place.cmp(&one.place)))
    }

    /// What is believed of "no token trait".
    pub(super) fn any(&self) -> Option<&Mass> {
        self.hypotheses.first().filter(|mass| mass.hypothesis.is_any())
    }
}

/// A table of exponentials: whole families are weighed after every look.
#[derive(Clone, Debug)]
pub(super) struct Exponentials(Vec<f64>);

impl Exponentials {
    pub(super) fn new() -> Self {
        let entry = nats(1 << TABLE_SHIFT);
        let entries = steps(DEPTH_NATS) >> TABLE_SHIFT;
        Self((0..entries).map(|number| (-(f64::from(number) + 0.5) * entry).exp()).collect())
    }

    /// `e` to the difference; nothing if it is too deep.
    fn of(&self, best: Steps, log: Steps) -> f64 {
        let below = usize::try_from((best - log) >> TABLE_SHIFT).unwrap_or(0);
        self.0.get(below).copied().unwrap_or(0.0)
    }
}
