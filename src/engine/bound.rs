//! Where the CUSUM fires: the bound that gives a wanted number of false pages a year, computed
//! exactly. `docs/deciding.md` derives it.
//!
//! The chain: S goes down by one on a pass (not below zero) and up by `step` on a failure; it
//! fires at `bound`. With T(i) the mean number of attempts from S = i to firing at failure share
//! b, T(i) = 1 + (1-b) T(max(0,i-1)) + b T(i+step). Each T(i) is a + (1-d) T(i-1) with a and d
//! that follow from those above, so one walk from the bound down to zero gives T(0).

use crate::model::Share;

use super::rules::Cusum;

/// The smallest usual share that is assumed: below it, single blips would fill the sum.
const USUAL_FLOOR: f64 = 0.005;
/// The usual share is taken with this margin: a baseline that drifts by half must not page.
const USUAL_MARGIN: f64 = 1.5;
/// What is detected is at least so many times the usual share, else no bound is short enough.
const DETECT_OVER_USUAL: f64 = 3.3;
/// No bound is searched beyond this; with it the sum needs tens of thousands of failures.
const BOUND_MAX: u32 = 20_000;
const MINUTES_A_YEAR: f64 = 525_600.0;

/// The CUSUM that finds `detect` on top of a usual share `baseline` at `per_minute` attempts,
/// with at most `false_pages_per_year` in a year of nothing but the usual.
pub fn tune(detect: Share, false_pages_per_year: f64, baseline: Share, per_minute: f64) -> Cusum {
    let usual = (USUAL_MARGIN * baseline.get().max(USUAL_FLOOR)).min(0.25);
    let found = detect.get().max(DETECT_OVER_USUAL * usual).min(0.95);
    let step = step(usual, found);
    let wanted = MINUTES_A_YEAR * per_minute.max(0.01) / false_pages_per_year.max(1e-6);
    let (mut low, mut high) = (1, BOUND_MAX);
    while low < high {
        let middle = u32::midpoint(low, high);
        if attempts_to_fire(usual, step, middle) >= wanted {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Cusum { step, bound: low, usual: Share::clamped(usual), detect: Share::clamped(found) }
}

/// What a failure adds, in units of what a pass takes off: the ratio of the log-likelihood ratios.
fn step(usual: f64, found: f64) -> u32 {
    let pass = -((1.0 - found) / (1.0 - usual)).ln();
    let failure = (found / usual).ln();
    ((failure / pass).round() as u32).max(1)
}

/// Mean attempts from S = 0 until S reaches `bound`, when a share `failing` of them fails.
pub fn attempts_to_fire(failing: f64, step: u32, bound: u32) -> f64 {
    let b = failing;
    let step = step as usize;
    let bound = bound as usize;
    // a[i] and d[i] of T(i) = a[i] + (1 - d[i]) T(i-1), for i in 1..bound.
    let mut a = vec![0.0; bound];
    let mut d = vec![0.0; bound];
    for i in (1..bound).rev() {
        let (above, drop) = through(&a, &d, i, i + step, bound);
        let scale = 1.0 - b + b * drop;
        a[i] = (1.0 + b * above) / scale;
        d[i] = b * drop / scale;
    }
    let (above, drop) = through(&a, &d, 0, step, bound);
    (1.0 + b * above) / (b * drop)
}

/// T(`from`) = `sum` + (1 - `drop`) T(`to`): the maps between two states, applied one after the
/// other. From the bound on T is zero.
fn through(a: &[f64], d: &[f64], to: usize, from: usize, bound: usize) -> (f64, f64) {
    if from >= bound {
        return (0.0, 1.0);
    }
    let (mut sum, mut kept, mut drop) = (0.0, 1.0, 0.0);
    for i in (to + 1..=from).rev() {
        sum += kept * a[i];
        drop += kept * d[i];
        kept *= 1.0 - d[i];
    }
    (sum, drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn false_pages(failing: f64, step: u32, bound: u32) -> f64 {
        MINUTES_A_YEAR * 30.0 / attempts_to_fire(failing, step, bound)
    }

    #[test]
    fn known_bounds_are_found_again() {
        // Usual share, share to find, step, bound: solved independently as one linear system.
        for (usual, found, want_step, want_bound) in
            [(0.01, 0.10, 24, 154), (0.01, 0.05, 39, 338), (0.03, 0.10, 16, 192), (0.002, 0.05, 65, 284)]
        {
            assert_eq!(step(usual, found), want_step);
            let pages = false_pages(usual, want_step, want_bound);
            assert!(pages <= 0.2 && pages > 0.17, "{usual} {found}: {pages}");
            assert!(
                false_pages(usual, want_step, want_bound - 4) > 0.2,
                "{usual} {found}: the bound is not the smallest"
            );
        }
    }

    #[test]
    fn the_default_rule_is_the_computed_one() {
        let cusum = tune(Share::clamped(0.10), 0.2, Share::clamped(0.01), 30.0);
        assert_eq!((cusum.step, cusum.bound), (21, 164));
        assert!((cusum.usual.get() - 0.015).abs() < 1e-9);
    }

    #[test]
    fn a_small_chain_agrees_with_counting_by_hand() {
        // Fires on the first failure: 1/b attempts.
        assert!((attempts_to_fire(0.1, 5, 5) - 10.0).abs() < 1e-9);
        // Two failures in a row: (1 - b^2) / (b^2 (1 - b)) attempts.
        let b: f64 = 0.2;
        let two = (1.0 - b * b) / (b * b * (1.0 - b));
        assert!((attempts_to_fire(b, 1, 2) - two).abs() < 1e-9);
    }
}
