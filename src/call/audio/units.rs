//! Measures as they are reported: whole numbers of a stated unit, so that two reports can be
//! compared for equality and read back exactly as they were written.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds, saturating at 49 days.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u32);

impl Millis {
    /// Whole milliseconds of a duration, rounded down.
    pub fn of(length: Duration) -> Self {
        Self(u32::try_from(length.as_millis()).unwrap_or(u32::MAX))
    }

    /// The same length for arithmetic.
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::from(self.0))
    }
}

/// Hundredths of a decibel, or of a dBov where a level is meant: -1600 is -16 dB.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CentiDb(pub i16);

impl CentiDb {
    /// The least that is told of a ratio or a level: -120 dB.
    pub const MIN: Self = Self(-12_000);
    /// The most that is told of a ratio: 120 dB.
    pub const MAX: Self = Self(12_000);

    /// Ten times the decimal logarithm of a ratio of powers, held within [`CentiDb::MIN`] and
    /// [`CentiDb::MAX`].
    pub fn of_powers(part: f64, whole: f64) -> Self {
        if part.is_nan() || part <= 0.0 {
            return Self::MIN;
        }
        let centi = 1000.0 * (part / whole).log10();
        Self(centi.round().clamp(f64::from(Self::MIN.0), f64::from(Self::MAX.0)) as i16)
    }

    /// The level of a mean square in dBov: 0 is a square wave of full scale, and a sine of full
    /// scale has -3.01 dBov (RFC 6465).
    pub fn dbov(mean_square: f64) -> Self {
        Self::of_powers(mean_square, FULL_SCALE_POWER)
    }

    /// The number in decibels.
    pub fn db(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl fmt::Display for CentiDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} dB", self.db())
    }
}

/// Mean square of 0 dBov.
pub(super) const FULL_SCALE_POWER: f64 = 32_768.0 * 32_768.0;

/// Thousandths of a hertz.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MilliHz(pub i32);

/// Thousandths of a whole, `0..=1000`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permille(pub u16);

impl Permille {
    /// `part` of `whole`, rounded to the nearest; of nothing it is nothing.
    pub fn of(part: u64, whole: u64) -> Self {
        let whole = u128::from(whole);
        let part = u128::from(part).min(whole);
        Self((part * 1000 + whole / 2).checked_div(whole).map_or(0, |share| share as u16))
    }

    /// The share in `0.0..=1.0`.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// Hundredths of a mean opinion score, `100..=450`: 437 is a MOS of 4.37.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CentiMos(pub u16);

impl CentiMos {
    /// The nearest hundredth to a MOS; not-a-number is the worst.
    pub fn of(mos: f64) -> Self {
        Self((mos.max(1.0) * 100.0).round().clamp(100.0, 450.0) as u16)
    }

    /// The number in `1.0..=4.5`.
    pub fn mos(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl fmt::Display for CentiMos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.mos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_dbov() {
        assert_eq!(CentiDb::dbov(FULL_SCALE_POWER), CentiDb(0));
        assert_eq!(CentiDb::dbov(FULL_SCALE_POWER / 2.0), CentiDb(-301));
        assert_eq!(CentiDb::dbov(0.0), CentiDb::MIN);
        assert_eq!(CentiDb::dbov(f64::NAN), CentiDb::MIN);
        assert_eq!(CentiDb::of_powers(1.0, 0.0), CentiDb::MAX);
        assert_eq!(CentiDb(-1604).to_string(), "-16.0 dB");
    }

    #[test]
    fn shares_round_and_never_leave_their_range() {
        assert_eq!(Permille::of(1, 3), Permille(333));
        assert_eq!(Permille::of(2, 3), Permille(667));
        assert_eq!(Permille::of(5, 0), Permille(0));
        assert_eq!(Permille::of(u64::MAX, u64::MAX), Permille(1000));
        assert_eq!(Permille::of(9, 3), Permille(1000));
    }

    #[test]
    fn a_score_is_held_in_its_range() {
        assert_eq!(CentiMos::of(4.409), CentiMos(441));
        assert_eq!(CentiMos::of(f64::NAN), CentiMos(100));
        assert_eq!(CentiMos::of(9.0), CentiMos(450));
        assert_eq!(CentiMos(100).to_string(), "1.00");
    }
}
