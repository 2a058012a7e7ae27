//! How few tokens could hold all 84 cells of a signature.

use crate::model::SignatureCells;

/// Only signatures with so many cells are weighed one by one.
const DENSE: usize = 6;
/// Rounds of weighing: more raise the bound by less than a hundredth.
const ROUNDS: u32 = 1_000;
/// By how much the cells of the dearest signature become cheaper in a round.
const CHEAPER: f64 = 0.98;
/// Cells of a signature; as an index.
const CELLS: usize = SignatureCells::COUNT as usize;

/// Fewer signatures than this cannot hold all cells, whichever are taken. By duality: if each cell
/// has a price and no signature is worth more than 1, all prices together are a bound. In each
/// round the cells of the signature that is worth most become cheaper; the best bound is kept.
pub(super) fn lower_bound(signatures: &[u128]) -> u64 {
    let dense: Vec<u128> = signatures.iter().copied().filter(|cells| cells.count_ones() as usize >= DENSE).collect();
    let mut prices = [1.0_f64; CELLS];
    let mut bound = 0.0_f64;
    for _ in 0..ROUNDS {
        let (mut most, mut dearest) = (0.0, 0);
        for signature in &dense {
            let worth = cells_of(*signature).map(|cell| prices[cell]).sum::<f64>();
            if worth > most {
                (most, dearest) = (worth, *signature);
            }
        }
        // The others hold fewer cells, each no dearer than the dearest ones.
        let mut sorted = prices;
        sorted.sort_unstable_by(|one, other| other.total_cmp(one));
        let others = sorted.iter().take(DENSE - 1).sum::<f64>();
        bound = bound.max(prices.iter().sum::<f64>() / f64::max(most, others));
        cells_of(dearest).for_each(|cell| prices[cell] *= CHEAPER);
    }
    // A hair above a whole number is that number.
    (bound - 1e-9).ceil() as u64
}

fn cells_of(signature: u128) -> impl Iterator<Item = usize> {
    let mut left = signature;
    std::iter::from_fn(move || {
        let cell = left.trailing_zeros() as usize;
        left = left.checked_sub(1).map(|less| left & less)?;
        (cell < CELLS).then_some(cell)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_never_above_what_is_possible() {
        // Twelve signatures of seven cells that share none: these twelve and no fewer.
        let twelve: Vec<u128> = (0..12).map(|place| 0x7f << (7 * place)).collect();
        assert_eq!(lower_bound(&twelve), 12);
        assert_eq!(lower_bound(&[(1 << 84) - 1]), 1);
        // Of signatures with five cells at most, seventeen are needed.
        assert_eq!(lower_bound(&[0b1_1111]), 17);
        assert_eq!(lower_bound(&[]), 17);
    }
}
