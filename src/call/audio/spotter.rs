//! Finds codewords in what is heard.
//!
//! The last frames are kept. With every frame one question: did a cycle end with it? It did if
//! the mark sounds where a cycle would have begun and the symbols since then make a codeword.
//! Wherever the listener's frames begin, a symbol's three frames hold two and a half of its own
//! at least. When it began to a fraction of a frame is then read from how much of each symbol
//! lies in the frames around it.
//!
//! How often something else is taken for ours: of tones of our own alphabet in our own rhythm, one
//! cycle of 2⁴⁰ if all of it is heard, one of 2³² if as much is missing as is allowed; that is
//! once in a hundred years of such tones. Noise is no tone of the alphabet in the first place.

use std::time::Duration;

use super::codeword::LENGTH;
use super::frame::FRAME;
use super::sound::Sound;
use super::tone::{CYCLE_FRAMES, CYCLE_SYMBOLS, CycleMessage, MARK, SYMBOL_FRAMES, TONES};

/// Share of the power of a symbol's frames that its tone must have: as much as at a
/// signal-to-noise ratio of -4 dB. White noise exceeds it once in 10²⁰ symbols.
const SYMBOL_SHARE: f32 = 0.3;

/// How much stronger than any other a symbol's tone must be.
const SYMBOL_LEAD: f32 = 1.5;

/// How many of a codeword's twelve symbols must have been heard: ten. Four of them are then
/// checks of four bits each.
const HEARD_MIN: usize = 10;

/// Frames that are kept: a cycle, and some around it.
const KEPT: usize = CYCLE_FRAMES as usize + 9;

/// Frames in a symbol, as an index.
const SYMBOL: usize = SYMBOL_FRAMES as usize;

/// A cycle that was recognised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spotted {
    /// What it says.
    pub(super) message: CycleMessage,
    /// When its mark began, to a fraction of a frame.
    pub(super) began: Duration,
}

/// What is kept of a frame.
#[derive(Clone, Copy, Debug)]
struct Kept {
    at: Duration,
    power: f32,
    tones: [f32; TONES],
    /// The symbol that ends with this frame, if there is one.
    symbol: Option<u8>,
}

const NOTHING: Kept = Kept { at: Duration::ZERO, power: 0.0, tones: [0.0; TONES], symbol: None };

/// Finds codewords in what is heard.
#[derive(Clone, Debug)]
pub(super) struct Spotter {
    ring: Box<[Kept; KEPT]>,
    /// Frames heard so far.
    heard: u64,
    /// The last cycle recognised, and the frame with which it ended.
    last: Option<(CycleMessage, u64)>,
}

impl Default for Spotter {
    fn default() -> Self {
        Self { ring: Box::new([NOTHING; KEPT]), heard: 0, last: None }
    }
}

impl Spotter {
    /// A frame; answers with the cycle that was recognised with it.
    pub(super) fn hear(&mut self, sound: &Sound, at: Duration) -> Option<Spotted> {
        let slot = (self.heard % KEPT as u64) as usize;
        self.ring[slot] = Kept { at, power: sound.power, tones: sound.tones, symbol: None };
        self.heard += 1;
        self.ring[slot].symbol = self.decide();
        if self.heard < CYCLE_FRAMES || self.symbol_back(CYCLE_SYMBOLS - 1) != Some(MARK) {
            return None;
        }
        let tones: [Option<u8>; LENGTH] = std::array::from_fn(|place| self.symbol_back(LENGTH - 1 - place));
        let message = CycleMessage::of(&tones, HEARD_MIN)?;
        // The same cycle fits one or two frames later as well.
        let again = self.last.is_some_and(|(last, heard)| last == message && self.heard - heard < CYCLE_FRAMES);
        self.last = self.last.filter(|_| again).or(Some((message, self.heard)));
        if again { None } else { Some(Spotted { message, began: self.began(message) }) }
    }

    /// The symbol that ended so many symbols before the last frame.
    fn symbol_back(&self, symbols: usize) -> Option<u8> {
        self.back(symbols * SYMBOL).symbol
    }

    /// The frame so many frames before the last.
    fn back(&self, frames: usize) -> &Kept {
        let frames = frames as u64;
        let newest = self.heard.saturating_sub(1);
        // Before the first frame there was nothing.
        if frames > newest { &NOTHING } else { &self.ring[((newest - frames) % KEPT as u64) as usize] }
    }

    /// Which symbol the last three frames are.
    fn decide(&self) -> Option<u8> {
        let mut sums = [0.0f32; TONES];
        let mut power = 0.0;
        for kept in (0..SYMBOL).map(|frames| self.back(frames)) {
            power += kept.power;
            for (sum, tone) in sums.iter_mut().zip(&kept.tones) {
                *sum += tone;
            }
        }
        let (mut top, mut second) = (0, 0.0f32);
        for (tone, &sum) in sums.iter().enumerate().skip(1) {
            if sum > sums[top] {
                (top, second) = (tone, sums[top]);
            } else {
                second = second.max(sum);
            }
        }
        (sums[top] > 0.0 && sums[top] >= SYMBOL_SHARE * power && sums[top] >= SYMBOL_LEAD * second).then_some(top as u8)
    }

    /// When the cycle that ends about now began. Each tone's amplitude in a frame is the share of
    /// the frame that it fills, so the centre of these amplitudes is the centre of the symbol.
    fn began(&self, message: CycleMessage) -> Duration {
        let first = CYCLE_FRAMES as usize - 1;
        let mut offsets: Vec<f32> = Vec::with_capacity(CYCLE_SYMBOLS);
        let data = message.tones();
        let tones: [u8; CYCLE_SYMBOLS] = std::array::from_fn(|i| if i == 0 { MARK } else { data[i - 1] });
        for i in 0..CYCLE_SYMBOLS - 2 {
            let alone = tones[i + 1] != tones[i] && (i == 0 || tones[i - 1] != tones[i]);
            offsets.extend(self.offset(first - i * SYMBOL, usize::from(tones[i])).filter(|_| alone));
        }
        offsets.sort_unstable_by(f32::total_cmp);
        let offset = offsets.get(offsets.len() / 2).copied().unwrap_or(0.0);
        let shift = FRAME.mul_f32(offset.abs());
        let at = self.back(first).at;
        if offset < 0.0 { at.saturating_sub(shift) } else { at.saturating_add(shift) }
    }

    /// By how many frames a symbol began after the frame so far back; nothing if it was not heard
    /// whole.
    fn offset(&self, frames_back: usize, tone: usize) -> Option<f32> {
        let (mut sum, mut moment, mut most) = (0.0f32, 0.0f32, 0.0f32);
        for frame in -2i32..=4 {
            let Some(back) = frames_back.checked_add_signed(-frame as isize) else { continue };
            let amplitude = self.back(back).tones[tone].sqrt();
            sum += amplitude;
            moment += amplitude * (frame as f32 + 0.5);
            most = most.max(amplitude);
        }
        // Three frames' worth of tone, or some of it is missing or somebody else's.
        (most > 0.0 && (2.8..3.3).contains(&(sum / most))).then(|| moment / sum - SYMBOL as f32 / 2.0)
    }
}
