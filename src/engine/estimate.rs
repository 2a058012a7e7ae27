//! Shares with their uncertainty.

use crate::model::Share;

/// The 95 % interval of a share of which `failed` of `of` were seen (Wilson 1927).
pub fn share_of(failed: u32, of: u32) -> (Share, Share) {
    const Z: f64 = 1.959_964;
    if of == 0 {
        return (Share::ZERO, Share::ONE);
    }
    let (n, k) = (f64::from(of), f64::from(failed.min(of)));
    let p = k / n;
    let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    (Share::clamped(middle - half), Share::clamped(middle + half))
}

/// Natural logarithm of the probability of `failed` failures in a given order among `of` attempts.
pub fn log_likelihood(failed: u32, of: u32, share: f64) -> f64 {
    let share = share.clamp(1e-9, 1.0 - 1e-9);
    f64::from(failed) * share.ln() + f64::from(of - failed.min(of)) * (1.0 - share).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_agree_with_published_ones() {
        // Wilson score intervals at 95 %: 5 of 10 and 0 of 20.
        let (low, high) = share_of(5, 10);
        assert!((low.get() - 0.2366).abs() < 1e-4 && (high.get() - 0.7634).abs() < 1e-4);
        let (low, high) = share_of(0, 20);
        assert!(low.get() < 1e-9 && (high.get() - 0.1611).abs() < 1e-4);
        assert_eq!(share_of(0, 0), (Share::ZERO, Share::ONE));
    }
}
