//! How the tone sounds: level, noise, frequency, clipping.

use std::f64::consts::TAU;

use super::frame::{FRAME, FRAME_SAMPLES};
use super::sound::Sound;
use super::units::{CentiDb, MilliHz, Permille};

/// A sum of mean squares over frames.
#[derive(Clone, Copy, Default, Debug)]
struct PowerSum {
    sum: f64,
    frames: u64,
}

impl PowerSum {
    fn add(&mut self, power: f32) {
        self.sum += f64::from(power);
        self.frames += 1;
    }

    fn level(self) -> Option<CentiDb> {
        (self.frames > 0).then(|| CentiDb::dbov(self.sum / self.frames as f64))
    }
}

/// How the tone sounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Quality {
    /// The last two frames; a symbol's middle is judged when its end is known.
    before: [Sound; 2],
    /// The tone of frames that hold nothing else.
    tone: PowerSum,
    /// Everything in these frames.
    with_tone: PowerSum,
    /// Everything in frames that are audible.
    audible: PowerSum,
    /// Everything in frames without a tone of ours.
    background: PowerSum,
    /// Sum of the advances of phase from one frame of a tone to the next, as complex numbers that
    /// are as long as the tone is strong.
    advance: (f64, f64),
    clipped: u64,
}

impl Quality {
    pub(super) fn hear(&mut self, sound: &Sound) {
        if sound.audible() {
            self.audible.add(sound.power);
            self.clipped += u64::from(sound.clipped);
        }
        if sound.present && !sound.is_tone() {
            self.background.add(sound.power);
        }
        let [first, middle] = self.before;
        let steady = [&first, &middle, sound].iter().all(|s| s.is_tone() && s.top == sound.top);
        if steady {
            self.judge(&first, &middle);
        }
        self.before = [middle, *sound];
    }

    /// The middle one of three frames of the same tone holds nothing else.
    fn judge(&mut self, before: &Sound, middle: &Sound) {
        self.tone.add(middle.tones[middle.top]);
        self.with_tone.add(middle.power);
        let (old, new) = (before.bins[middle.top], middle.bins[middle.top]);
        self.advance.0 += f64::from(new.re * old.re + new.im * old.im);
        self.advance.1 += f64::from(new.im * old.re - new.re * old.im);
    }

    /// Hertz by which the tone is too high.
    fn shift_hz(&self) -> Option<f64> {
        (self.tone.frames > 0).then(|| self.advance.1.atan2(self.advance.0) / (TAU * FRAME.as_secs_f64()))
    }

    /// Hertz by which the tone is too high, thousandths; up to 25 Hz can be told.
    pub(super) fn frequency_error(&self) -> Option<MilliHz> {
        self.shift_hz().map(|hz| MilliHz((hz * 1000.0).round() as i32))
    }

    /// The tone's mean square, made good for what a frequency error hides from its bin.
    fn tone_power(&self) -> f64 {
        let x = std::f64::consts::PI * self.shift_hz().unwrap_or(0.0) * FRAME.as_secs_f64();
        let seen = if x.abs() < 1e-6 { 1.0 } else { (x.sin() / x).powi(2) };
        self.tone.sum / seen
    }

    /// Level of the tone.
    pub(super) fn tone_level(&self) -> Option<CentiDb> {
        (self.tone.frames > 0).then(|| CentiDb::dbov(self.tone_power() / self.tone.frames as f64))
    }

    /// Level of everything audible.
    pub(super) fn audible_level(&self) -> Option<CentiDb> {
        self.audible.level()
    }

    /// Level of frames without a tone of ours.
    pub(super) fn background(&self) -> Option<CentiDb> {
        self.background.level()
    }

    /// The tone against everything else in its frames.
    pub(super) fn snr(&self) -> Option<CentiDb> {
        let tone = self.tone_power();
        (self.tone.frames > 0).then(|| CentiDb::of_powers(tone, (self.with_tone.sum - tone).max(0.0)))
    }

    /// Share of samples at full scale, of those that are audible.
    pub(super) fn clipped(&self) -> Permille {
        Permille::of(self.clipped, self.audible.frames * FRAME_SAMPLES as u64)
    }
}
