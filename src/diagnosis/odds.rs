//! Whether failures gather in a part of the looks: what is left to chance once it is given how many
//! of them failed. So it needs no share of failures, neither inside nor outside, and a fault that
//! hits all looks alike says nothing for any part.

use super::evidence::LOOKS_MAX;

/// By how many times the odds of failing are higher inside, each believed alike: from a share of a
/// tenth that fails there beside a background of one in a hundred, to always there and never else.
const RATIOS: [f64; 4] = [8.0, 64.0, 512.0, 4_096.0];

/// Looks that can stand for each other but for where they came out.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Table {
    /// Looks inside, and those of them that failed.
    pub(super) inside: (usize, usize),
    /// All looks, and those of them that failed.
    pub(super) all: (usize, usize),
}

/// Logarithms of factorials.
#[derive(Clone, Debug)]
pub(super) struct Odds(Vec<f64>);

impl Odds {
    pub(super) fn new() -> Self {
        let mut sum = 0.0;
        let rest = (1..=LOOKS_MAX).map(|number| {
            sum += (number as f64).ln();
            sum
        });
        Self(std::iter::once(0.0).chain(rest).collect())
    }

    /// By how much these tables are likelier if failing is likelier inside than if it is the same
    /// everywhere, in nats.
    pub(super) fn gain(&self, tables: &[Table]) -> f64 {
        let each = RATIOS.map(|ratio| tables.iter().map(|table| self.of_ratio(*table, ratio.ln())).sum::<f64>());
        let best = each.into_iter().fold(f64::NEG_INFINITY, f64::max);
        best + (each.iter().map(|gain| (gain - best).exp()).sum::<f64>() / each.len() as f64).ln()
    }

    /// The same for one table, if the odds are so many times higher inside.
    fn of_ratio(&self, table: Table, ratio: f64) -> f64 {
        let ((inside, hit), (all, failed)) = (table.inside, table.all);
        let outside = all - inside;
        let (least, most) = (failed.saturating_sub(outside), failed.min(inside));
        if least == most {
            return 0.0;
        }
        // Of the ways to fail so often, those with so many inside, each as much likelier as it is.
        let way = |hit: usize| self.ways(inside, hit) + self.ways(outside, failed - hit) + hit as f64 * ratio;
        let best = (least..=most).map(way).fold(f64::NEG_INFINITY, f64::max);
        let sum = best + (least..=most).map(|hit| (way(hit) - best).exp()).sum::<f64>().ln();
        hit as f64 * ratio - sum + self.ways(all, failed)
    }

    pub(super) fn ways(&self, of: usize, chosen: usize) -> f64 {
        self.0[of] - self.0[chosen] - self.0[of - chosen]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(inside: (usize, usize), all: (usize, usize)) -> f64 {
        Odds::new().gain(&[Table { inside, all }])
    }

    #[test]
    fn failures_that_gather_speak_for_it_and_nothing_else_does() {
        assert!(gain((6, 6), (60, 6)) > 11.0, "six failures in a tenth of the looks: {}", gain((6, 6), (60, 6)));
        assert!((1.5..2.5).contains(&gain((6, 1), (60, 1))), "one failure: {}", gain((6, 1), (60, 1)));
        assert!(gain((6, 1), (60, 6)) < 0.5, "spread evenly: {}", gain((6, 1), (60, 6)));
        assert!(gain((6, 0), (60, 6)) < -3.0, "all elsewhere: {}", gain((6, 0), (60, 6)));
    }

    #[test]
    fn what_fails_everywhere_or_nowhere_says_nothing() {
        for all in [(60, 60), (60, 0), (0, 0)] {
            assert!(gain((all.0.min(6), all.1.min(6)), all).abs() < 1e-9, "{all:?}");
        }
        assert!(gain((60, 30), (60, 30)).abs() < 1e-9, "all looks are inside");
    }

    #[test]
    fn it_is_a_fair_bet_where_failures_fall_by_chance() {
        // The mean of the likelihood ratio over all outcomes is 1: it proves nothing by itself.
        let odds = Odds::new();
        let (inside, all, failed) = (7, 40, 9);
        let mean: f64 = (0..=7)
            .map(|hit| {
                let chance = odds.ways(inside, hit) + odds.ways(all - inside, failed - hit) - odds.ways(all, failed);
                (chance + odds.gain(&[Table { inside: (inside, hit), all: (all, failed) }])).exp()
            })
            .sum();
        assert!((mean - 1.0).abs() < 1e-9, "{mean}");
    }
}
