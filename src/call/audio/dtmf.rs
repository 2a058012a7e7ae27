//! Digits as they sound (ITU-T Q.23): making them, and hearing them.

use std::f64::consts::TAU;

use super::frame::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ};
use super::goertzel::{Bank, Bin};

/// Frequencies of the rows and of the columns, in hertz.
const HZ: [u32; 8] = [697, 770, 852, 941, 1209, 1336, 1477, 1633];
/// The digits, row by row.
const KEYS: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
/// Amplitude of each of the two: together some -16 dBov.
const PART: f64 = 5200.0;
/// Mean square from which on a digit is heard: -46 dBov.
const AUDIBLE: f32 = 27_000.0;
/// Share of a frame's power that row and column together must have.
const SHARE: f32 = 0.6;
/// Share that the weaker one must have: a tone alone is no digit.
const WEAKER: f32 = 0.1;
/// Frames in a row that make a digit: 40 ms (Q.24).
const FRAMES: u32 = 2;
/// Most digits that are kept, the newest.
const HEARD_MAX: usize = 64;

/// Frame `number` of a digit that sounds; silence for what is no digit.
pub fn digit_frame(digit: char, number: u64) -> Frame {
    let place = KEYS.iter().enumerate().find_map(|(row, keys)| Some((row, keys.iter().position(|key| *key == digit)?)));
    let Some((row, column)) = place else { return [0; FRAME_SAMPLES] };
    let hz = [HZ[row], HZ[4 + column]].map(f64::from);
    let start = number * FRAME_SAMPLES as u64;
    std::array::from_fn(|n| {
        let t = (start + n as u64) as f64 / f64::from(SAMPLE_RATE_HZ);
        hz.iter().map(|hz| PART * (TAU * hz * t).sin()).sum::<f64>() as i16
    })
}

/// Hears digits.
#[derive(Clone, Debug)]
pub struct DigitEar {
    bank: Bank<8>,
    /// The digit that sounds, and for how many frames.
    sounding: Option<(char, u32)>,
    heard: String,
}

impl DigitEar {
    /// An ear that has heard none yet.
    pub fn new() -> Self {
        Self { bank: Bank::new(HZ), sounding: None, heard: String::new() }
    }

    /// A frame is played out.
    pub fn hear(&mut self, frame: Option<&Frame>) {
        let digit = frame.and_then(|frame| self.digit(frame));
        self.sounding = match (digit, self.sounding) {
            (Some(new), Some((old, frames))) if new == old => Some((old, frames.saturating_add(1))),
            (Some(new), _) => Some((new, 1)),
            (None, _) => None,
        };
        if let Some((digit, FRAMES)) = self.sounding {
            if self.heard.len() == HEARD_MAX {
                self.heard.remove(0);
            }
            self.heard.push(digit);
        }
    }

    /// The digits that were heard, in order.
    pub fn heard(&self) -> &str {
        &self.heard
    }

    fn digit(&self, frame: &Frame) -> Option<char> {
        let power = frame.iter().map(|&sample| f32::from(sample).powi(2)).sum::<f32>() / FRAME_SAMPLES as f32;
        let parts = self.bank.measure(frame).map(Bin::power);
        let loudest = |from: usize| (from..from + 4).max_by(|a, b| parts[*a].total_cmp(&parts[*b]));
        let (row, column) = (loudest(0)?, loudest(4)?);
        let (both, weaker) = (parts[row] + parts[column], parts[row].min(parts[column]));
        (power >= AUDIBLE && both >= SHARE * power && weaker >= WEAKER * power).then(|| KEYS[row][column - 4])
    }
}

impl Default for DigitEar {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::audio::{OpusDecoder, OpusEncoder, decode_frame, encode_frame};
    use crate::call::audio::{SILENCE, ToneId, ToneSource};

    fn dialled(digits: &str) -> Vec<Frame> {
        let one = |digit| (0..6).map(move |n| digit_frame(digit, n)).chain([SILENCE; 3]);
        digits.chars().flat_map(one).collect()
    }

    #[test]
    fn every_digit_is_heard_once_in_either_codec() {
        let all = "1234567890*#ABCD";
        let (mut plain, mut pcmu, mut opus) = (DigitEar::new(), DigitEar::new(), DigitEar::new());
        let (mut encoder, mut decoder) = (OpusEncoder::new(), OpusDecoder::new());
        for frame in dialled(all) {
            plain.hear(Some(&frame));
            pcmu.hear(decode_frame(&encode_frame(&frame)).as_ref());
            opus.hear(decoder.decode(Some(&encoder.encode(&frame))).as_ref());
        }
        assert_eq!([plain.heard(), pcmu.heard(), opus.heard()], [all; 3]);
    }

    #[test]
    fn a_digit_is_heard_wherever_frames_begin() {
        let samples: Vec<i16> = [[SILENCE; 1].as_flattened(), dialled("159").as_flattened()].concat();
        for shift in (0..FRAME_SAMPLES).step_by(7) {
            let mut ear = DigitEar::new();
            for frame in samples[shift..].as_chunks::<FRAME_SAMPLES>().0 {
                ear.hear(Some(frame));
            }
            assert_eq!(ear.heard(), "159", "{shift}");
        }
    }

    #[test]
    fn our_tones_are_no_digits() {
        let mut ear = DigitEar::new();
        for id in 0..40 {
            (0..400).for_each(|n| ear.hear(Some(ToneSource::new(ToneId(id * 1571)).frame(n))));
        }
        ear.hear(None);
        assert_eq!(ear.heard(), "");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut ear = DigitEar::new();
        dialled(&"12".repeat(100)).iter().for_each(|frame| ear.hear(Some(frame)));
        assert_eq!(ear.heard(), "12".repeat(32));
    }
}
