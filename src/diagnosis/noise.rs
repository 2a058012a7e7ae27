//! How likely what was seen of one token is, inside and outside of a predicate.

use super::FailShare;

/// The least background that is reckoned with: what has never failed may fail all the same.
const BACKGROUND_MIN: f64 = 0.002;
/// The most: above it nothing could be told.
const BACKGROUND_MAX: f64 = 0.2;
/// An attempt that a fault of all attempts applies to passes this often all the same.
const FALSE_PASS: f64 = 0.002;
/// A token fails again and again for a reason that is none of its known features this often.
/// Hence repeats of one token prove that it fails, and say no more about why than a few tokens do.
const ODD_TOKEN: f64 = 1e-4;
/// Steps of a logarithm of a likelihood, in nats: whole numbers add up the same in any order.
const STEPS_PER_NAT: f64 = 65_536.0;

/// The logarithm of a ratio of likelihoods, in steps of 1/65,536 nat. 1,500 looks at the least
/// background come to 9,300 nats: three tenths of what it can hold.
pub(super) type Steps = i32;

/// The number of steps that so many nats are.
pub(super) fn steps(nats: f64) -> Steps {
    // A cast of a float saturates.
    (nats * STEPS_PER_NAT).round() as Steps
}

/// So many steps in nats.
pub(super) fn nats(steps: Steps) -> f64 {
    f64::from(steps) / STEPS_PER_NAT
}

/// By how much each fail share explains a token better than the background does.
pub(super) type Gains = [Steps; FailShare::COUNT];

/// What was seen of one token: the same text may be used again.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Tally {
    pub(super) looks: u16,
    pub(super) failed: u16,
}

impl Tally {
    /// With one look more.
    pub(super) const fn and(self, failed: bool) -> Self {
        Self { looks: self.looks.saturating_add(1), failed: self.failed.saturating_add(failed as u16) }
    }

    /// True if it failed each time.
    pub(super) const fn always_failed(self) -> bool {
        self.looks > 0 && self.failed == self.looks
    }
}

/// The noise model: single failures come independently at a known background; a fault of all
/// attempts is passed by rarely; a fault of a share draws a node for each attempt or each token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    background: f64,
}

impl Noise {
    pub(super) fn new(background: f64) -> Self {
        Self { background: background.clamp(BACKGROUND_MIN, BACKGROUND_MAX) }
    }

    pub(super) const fn background(self) -> f64 {
        self.background
    }

    /// What a token's looks say for each fail share, against the background.
    pub(super) fn gains(self, tally: Tally) -> Gains {
        let outside = self.outside(tally).ln();
        FailShare::EACH.map(|share| steps(self.inside(tally, share).ln() - outside))
    }

    /// How likely the next look at a token fails if the fault does not apply to it.
    pub(super) fn next_outside(self, tally: Tally) -> f64 {
        self.outside(tally.and(true)) / self.outside(tally)
    }

    /// The same if it does.
    pub(super) fn next_inside(self, tally: Tally, share: FailShare) -> f64 {
        self.inside(tally.and(true), share) / self.inside(tally, share)
    }

    fn outside(self, tally: Tally) -> f64 {
        (1.0 - ODD_TOKEN) * run(tally, self.background) + ODD_TOKEN * run(tally, 1.0 - FALSE_PASS)
    }

    fn inside(self, tally: Tally, share: FailShare) -> f64 {
        let hit = share.share();
        if share.sticks_to_token() {
            // The background hits those that the fault spares, too.
            hit * run(tally, 1.0 - FALSE_PASS) + (1.0 - hit) * run(tally, self.background)
        } else {
            let fails = hit * (1.0 - FALSE_PASS);
            let fails = fails + (1.0 - fails) * self.background;
            (1.0 - ODD_TOKEN) * run(tally, fails) + ODD_TOKEN * run(tally, 1.0 - FALSE_PASS)
        }
    }
}

/// How likely these looks are, in their order, if each fails with probability `p`.
fn run(tally: Tally, p: f64) -> f64 {
    let passed = tally.looks - tally.failed;
    (p.powi(i32::from(tally.failed)) * (1.0 - p).powi(i32::from(passed))).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(failed: u16, looks: u16) -> Tally {
        Tally { looks, failed }
    }

    #[test]
    fn one_look_says_what_its_likelihood_says() {
        let gains = Noise::new(0.01).gains(tally(1, 1)).map(nats);
        assert!((gains[0] - (0.995_f64 / 0.0101).ln()).abs() < 0.01, "{gains:?}");
        assert!((gains[3] - (0.109_f64 / 0.0101).ln()).abs() < 0.02, "{gains:?}");
        assert!((gains[3] - gains[6]).abs() < 0.02, "node or token: one look cannot tell");
        let gains = Noise::new(0.01).gains(tally(0, 1)).map(nats);
        assert!(gains[0] < -5.2 && gains[3] > -0.11 && gains[3] < -0.10, "{gains:?}");
    }

    #[test]
    fn repeats_prove_the_token_and_not_its_features() {
        let noise = Noise::new(0.01);
        let three = nats(noise.gains(tally(3, 3))[0]);
        let thirty = nats(noise.gains(tally(30, 30))[0]);
        assert!(three > 9.0 && thirty < 9.3, "{three} {thirty}");
    }

    #[test]
    fn repeats_tell_a_token_that_sticks_from_a_node_that_is_drawn_anew() {
        let noise = Noise::new(0.01);
        let [again, passed] = [tally(3, 3), tally(1, 3)].map(|seen| noise.gains(seen).map(nats));
        assert!(again[5] - again[2] > 2.0, "{again:?}");
        assert!(passed[2] - passed[5] > 2.5, "{passed:?}");
    }

    #[test]
    fn the_next_look_follows_from_those_before() {
        let noise = Noise::new(0.01);
        let fresh = Tally::default();
        assert!((noise.next_outside(fresh) - 0.0101).abs() < 1e-4);
        assert!((noise.next_inside(fresh, FailShare::Quarter) - 0.256).abs() < 0.002);
        assert!(noise.next_inside(tally(2, 2), FailShare::QuarterOfTokens) > 0.98);
        assert!(noise.next_outside(tally(4, 4)) > 0.98, "an odd token, not bad luck");
    }
}
