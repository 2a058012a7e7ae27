//! How much of one frequency is in a block of samples: Goertzel's algorithm, for one frequency
//! and for a bank of them in one pass.

use std::f64::consts::TAU;

use super::frame::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};

/// Mean square that a sine of this frequency contributes to the block: a sine of amplitude `a`
/// over a whole number of its periods gives a² / 2. Zero for an empty block.
pub fn power(samples: &[i16], frequency_hz: f64) -> f64 {
    let omega = TAU * frequency_hz / f64::from(SAMPLE_RATE_HZ);
    let coefficient = 2.0 * omega.cos();
    let (mut last, mut before) = (0.0, 0.0);
    for &sample in samples {
        (last, before) = (f64::from(sample) + coefficient * last - before, last);
    }
    let square = last * last + before * before - coefficient * last * before;
    if samples.is_empty() { 0.0 } else { 2.0 * square / (samples.len() as f64).powi(2) }
}

/// What a frame holds of one frequency: a complex amplitude, referred to the frame's first sample.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Bin {
    /// In phase with a cosine that begins with the frame; the unit is half an amplitude.
    pub re: f32,
    /// In quadrature to it.
    pub im: f32,
}

impl Bin {
    /// Mean square that this frequency contributes, as [`power`] counts it.
    pub fn power(self) -> f32 {
        2.0 * (self.re * self.re + self.im * self.im)
    }
}

/// A bank of `N` frequencies that looks at whole frames. One pass over the samples serves all of
/// them, side by side, which the compiler turns into vector instructions.
#[derive(Clone, Debug)]
pub struct Bank<const N: usize> {
    coefficients: [f32; N],
    /// e^-jω: from the filter's two states to a complex amplitude.
    step: [(f32, f32); N],
    /// e^-jω(n-1) / n: turns the amplitude back to the frame's beginning and takes the mean.
    turn: [(f32, f32); N],
}

impl<const N: usize> Bank<N> {
    /// A bank of these frequencies, in hertz. Single precision is good for -100 dB as long as
    /// they keep away from 0 and 4000 Hz by 100 Hz or more.
    pub fn new(frequencies_hz: [u32; N]) -> Self {
        let omegas = frequencies_hz.map(|hz| TAU * f64::from(hz) / f64::from(SAMPLE_RATE_HZ));
        let length = FRAME_SAMPLES as f64;
        let turn = |omega: f64| -> (f32, f32) {
            let angle = omega * (length - 1.0);
            ((angle.cos() / length) as f32, (-angle.sin() / length) as f32)
        };
        Self {
            coefficients: omegas.map(|omega| (2.0 * omega.cos()) as f32),
            step: omegas.map(|omega| (omega.cos() as f32, -omega.sin() as f32)),
            turn: omegas.map(turn),
        }
    }

    /// What the frame holds of each frequency.
    pub fn measure(&self, frame: &Frame) -> [Bin; N] {
        let (mut last, mut before) = ([0.0f32; N], [0.0f32; N]);
        for &sample in frame {
            let sample = f32::from(sample);
            for ((last, before), coefficient) in last.iter_mut().zip(&mut before).zip(&self.coefficients) {
                let next = coefficient * *last + (sample - *before);
                *before = *last;
                *last = next;
            }
        }
        std::array::from_fn(|i| {
            let ((step_re, step_im), (turn_re, turn_im)) = (self.step[i], self.turn[i]);
            let (re, im) = (last[i] - step_re * before[i], -step_im * before[i]);
            Bin { re: re * turn_re - im * turn_im, im: re * turn_im + im * turn_re }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A block whose spectrum was computed in Python by the sum that defines it.
    fn block() -> Frame {
        std::array::from_fn(|n| ((n as i32 * 7919 + 13) % 2001 - 1000) as i16)
    }

    /// Frequency, mean square, real and imaginary part.
    const BY_DEFINITION: [(f64, f64, f64, f64); 5] = [
        (697.0, 33_779.058_791, -114.120_23, -62.177_991),
        (1050.0, 6_696.862_354, -56.012_017, 14.528_767),
        (1950.0, 87.021_099, 1.908_618, 6.314_09),
        (2225.5, 1_584.748_341, -17.917_465, 21.710_334),
        (2950.0, 121.099_299, -7.394_523, -2.422_949),
    ];

    #[test]
    fn one_frequency_is_as_by_definition() {
        for (frequency, expected, _, _) in BY_DEFINITION {
            assert!((power(&block(), frequency) - expected).abs() < 1e-4, "{frequency} Hz");
        }
        assert_eq!(power(&[], 1000.0), 0.0);
    }

    #[test]
    fn a_bank_is_as_by_definition() {
        let bank = Bank::new([697, 1050, 1950, 2950]);
        let expected = BY_DEFINITION.iter().filter(|(frequency, ..)| *frequency != 2225.5);
        for (bin, (frequency, power, re, im)) in bank.measure(&block()).iter().zip(expected) {
            assert!((f64::from(bin.re) - re).abs() < 2e-3, "{frequency} Hz: {bin:?}");
            assert!((f64::from(bin.im) - im).abs() < 2e-3, "{frequency} Hz: {bin:?}");
            assert!((f64::from(bin.power()) - power).abs() < 0.5, "{frequency} Hz: {bin:?}");
        }
    }

    #[test]
    fn a_sine_has_half_the_square_of_its_amplitude() {
        let sine: Frame = std::array::from_fn(|n| (10_000.0 * (TAU * 1500.0 * n as f64 / 8000.0).sin()).round() as i16);
        assert!((power(&sine, 1500.0) / 5e7 - 1.0).abs() < 1e-3);
        assert!(power(&sine, 1550.0) < 100.0);
    }

    proptest! {
        #[test]
        fn no_samples_can_confuse_it(samples in prop::collection::vec(any::<i16>(), 160), hz in 0u32..=4000) {
            let frame: Frame = samples.try_into().expect("160 samples");
            let bin = Bank::new([hz]).measure(&frame)[0];
            prop_assert!(bin.power().is_finite() && power(&frame, f64::from(hz)) >= -1e-3);
        }
    }
}
