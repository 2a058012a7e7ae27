//! The last of what was heard, sample by sample.

use std::collections::VecDeque;
use std::time::Duration;

use super::frame::{FRAME, FRAME_SAMPLES, Frame, SILENCE};

/// The last frames that were played out, up to a bound. Without one it keeps nothing.
#[derive(Clone, Default, Debug)]
pub struct Recording {
    frames_max: usize,
    samples: VecDeque<i16>,
}

impl Recording {
    /// One of this length at most, in whole frames.
    pub fn new(longest: Duration) -> Self {
        let frames_max = usize::try_from(longest.as_millis() / FRAME.as_millis()).unwrap_or(usize::MAX);
        Self { frames_max, samples: VecDeque::new() }
    }

    /// A frame was played out; silence where none came.
    pub fn hear(&mut self, frame: Option<&Frame>) {
        if self.frames_max == 0 {
            return;
        }
        if self.samples.len() / FRAME_SAMPLES >= self.frames_max {
            self.samples.drain(..FRAME_SAMPLES);
        }
        self.samples.extend(frame.unwrap_or(&SILENCE));
    }

    /// All that is kept, oldest first.
    pub fn samples(self) -> Vec<i16> {
        self.samples.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frames_are_kept_and_holes_are_silence() {
        let mut recording = Recording::new(Duration::from_millis(65));
        for n in 1..=10 {
            recording.hear((n != 9).then_some(&[n; FRAME_SAMPLES]));
        }
        let samples = recording.samples();
        assert_eq!(samples.len(), 3 * FRAME_SAMPLES);
        assert_eq!([samples[0], samples[FRAME_SAMPLES], samples[2 * FRAME_SAMPLES]], [8, 0, 10]);
    }

    #[test]
    fn without_a_length_nothing_is_kept() {
        let mut recording = Recording::default();
        recording.hear(Some(&[7; FRAME_SAMPLES]));
        assert_eq!((recording.samples.capacity(), recording.samples().len()), (0, 0));
    }
}
