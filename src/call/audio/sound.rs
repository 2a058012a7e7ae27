//! What one frame sounds like.

use super::frame::{FRAME_SAMPLES, Frame};
use super::goertzel::{Bank, Bin};
use super::tone::{FREQUENCIES_HZ, TONES};

/// Mean square from which on anything is audible: -50 dBov (-44 dBm0). Comfort noise and the idle
/// noise of lines are usually below it.
const AUDIBLE: f32 = 10_737.0;

/// Mean square from which on a tone of ours is heard: -66 dBov, where PCMU still has steps.
const TONE_AUDIBLE: f32 = 270.0;

/// Share of a frame's power that its two strongest tones must have for it to be a tone of our
/// alphabet. A frame that holds half of one symbol and half of the next has 0.5; at a
/// signal-to-noise ratio of 0 dB a whole one has 0.5. White noise exceeds it once in 3·10⁸ frames.
const TONE_SHARE: f32 = 0.35;

/// A sample this far from zero is at full scale: the outermost code of PCMU, or beyond.
const FULL_SCALE: u16 = 32_124;

/// What one frame sounds like.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Sound {
    /// False if there was no frame.
    pub(super) present: bool,
    /// Mean square without the direct current.
    pub(super) power: f32,
    /// What there is of each tone.
    pub(super) bins: [Bin; TONES],
    /// Mean square of each tone.
    pub(super) tones: [f32; TONES],
    /// The strongest tone.
    pub(super) top: usize,
    /// Mean square of the two strongest tones together.
    top_two: f32,
    /// Samples at full scale.
    pub(super) clipped: u32,
}

impl Sound {
    /// True if it is mostly a tone of our alphabet, or two that follow each other.
    pub(super) fn is_tone(&self) -> bool {
        self.power >= TONE_AUDIBLE && self.top_two >= TONE_SHARE * self.power
    }

    /// True if an agent would hear it.
    pub(super) fn audible(&self) -> bool {
        self.power >= AUDIBLE || self.is_tone()
    }
}

/// The first stage of an ear.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    bank: Bank<TONES>,
}

impl Listener {
    pub(super) fn new() -> Self {
        Self { bank: Bank::new(FREQUENCIES_HZ) }
    }

    pub(super) fn listen(&self, frame: Option<&Frame>) -> Sound {
        let Some(frame) = frame else { return Sound::default() };
        let (power, clipped) = overall(frame);
        if power < TONE_AUDIBLE {
            return Sound { present: true, power, clipped, ..Sound::default() };
        }
        let bins = self.bank.measure(frame);
        let tones = bins.map(Bin::power);
        let (mut top, mut second) = (0, 0.0);
        for (tone, &power) in tones.iter().enumerate().skip(1) {
            if power > tones[top] {
                (top, second) = (tone, tones[top]);
            } else if power > second {
                second = power;
            }
        }
        Sound { present: true, power, bins, tones, top, top_two: tones[top] + second, clipped }
    }
}

/// Mean square without the direct current, and the samples at full scale.
fn overall(frame: &Frame) -> (f32, u32) {
    let (mut sum, mut squares, mut clipped) = (0i32, 0u64, 0u32);
    for &sample in frame {
        sum += i32::from(sample);
        squares += u64::from(sample.unsigned_abs()).pow(2);
        clipped += u32::from(sample.unsigned_abs() >= FULL_SCALE);
    }
    let mean = f64::from(sum) / FRAME_SAMPLES as f64;
    let power = squares as f64 / FRAME_SAMPLES as f64 - mean * mean;
    (power.max(0.0) as f32, clipped)
}
