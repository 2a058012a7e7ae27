//! Our audio: a sequence of tones that says whose it is and when it was sent.
//!
//! A cycle of 13 symbols of 60 ms: one that marks the beginning, and twelve that carry 24 bits (16
//! of the id, 8 of the cycle's number) so that any six of them are enough
//! ([`codeword`]). The tone never pauses, so that every pause that is heard was
//! made on the way.
//!
//! - All frequencies are odd multiples of 50 Hz. Thus a frame of 20 ms holds whole periods of
//!   each, every frame begins and ends at a zero crossing and goes over into any other without a
//!   click, any stretch of 20 ms tells them apart exactly, and the advance of phase from one frame
//!   to the next is the frequency error.
//! - They lie between 1050 and 2950 Hz: inside the band of a telephone line, above half of the
//!   highest, so that no harmonic of one is another, and with none in DTMF's lower group, so that
//!   no two make a digit. 1350 and 1650 Hz are left out because they are close to DTMF's upper
//!   group; 2150 Hz because it is close to the 2100 Hz that switch echo cancellers off.
//! - The level is that of ordinary speech on a digital line, so that no automatic gain meddles.

use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::codeword::{self, DATA, LENGTH, ORDER};
use super::frame::{FRAME, Frame, SAMPLE_RATE_HZ};
use super::pcmu::{PcmuFrame, encode_frame};

/// Different tones: sixteen for data, and the one that marks a cycle's beginning.
pub const TONES: usize = 17;

/// The frequency of each tone, in hertz. The last marks a cycle's beginning.
pub const FREQUENCIES_HZ: [u32; TONES] =
    [1050, 1150, 1250, 1450, 1550, 1750, 1850, 2050, 2250, 2350, 2450, 2550, 2650, 2750, 2850, 2950, 1950];

/// The tone that marks a cycle's beginning.
pub(super) const MARK: u8 = ORDER;

/// Frames that a symbol lasts. Two at least are whole wherever the listener's frames begin.
pub const SYMBOL_FRAMES: u64 = 3;

/// Symbols in a cycle: the mark and a codeword.
pub(super) const CYCLE_SYMBOLS: usize = 1 + LENGTH;

/// Frames in a cycle: 780 ms.
pub const CYCLE_FRAMES: u64 = SYMBOL_FRAMES * CYCLE_SYMBOLS as u64;

/// Cycles after which their number begins again: 200 s.
pub(super) const CYCLE_NUMBERS: u64 = 256;

/// Amplitude of the tone: -16.0 dBov, root mean square 5193.
pub const AMPLITUDE: f64 = 7345.0;

/// Turns the alphabet from symbol to symbol, so that a steady tone is no codeword.
const TURN: u8 = 5;

/// Whose audio it is: 16 bits, drawn anew for every call and direction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToneId(pub u16);

/// What a cycle says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CycleMessage {
    /// Whose it is.
    pub(super) id: ToneId,
    /// Which cycle it is, modulo [`CYCLE_NUMBERS`].
    pub(super) number: u8,
}

impl CycleMessage {
    /// The tones of the twelve symbols after the mark.
    pub(super) fn tones(self) -> [u8; LENGTH] {
        let nibble = |of: u16, shift: u32| ((of >> shift) & 0x0f) as u8;
        let (id, number) = (self.id.0, u16::from(self.number));
        // The number lies in the middle, so that a cycle that is cut anywhere loses some of both.
        let data = [nibble(id, 12), nibble(id, 8), nibble(number, 4), nibble(number, 0), nibble(id, 4), nibble(id, 0)];
        let mut place = 0;
        codeword::encode(data).map(|symbol| {
            place += 1;
            (symbol + TURN * place) % ORDER
        })
    }

    /// The message in the tones of the twelve symbols after the mark, of which at least
    /// `heard_min` were heard. A mark among them counts as not heard.
    pub(super) fn of(tones: &[Option<u8>; LENGTH], heard_min: usize) -> Option<Self> {
        let mut place = 0;
        let symbols = tones.map(|tone| {
            place += 1;
            // The alphabet is turned by less than five times its order.
            tone.filter(|&tone| tone < ORDER).map(|tone| (tone + 5 * ORDER - TURN * place) % ORDER)
        });
        let data: [u8; DATA] = codeword::decode(&symbols, heard_min)?;
        let [a, b, high, low, c, d] = data.map(u16::from);
        Some(Self { id: ToneId(a << 12 | b << 8 | c << 4 | d), number: (high << 4 | low) as u8 })
    }
}

/// A tone as samples, and as PCMU.
struct Wave {
    linear: Frame,
    pcmu: PcmuFrame,
}

static WAVES: LazyLock<[Wave; TONES]> = LazyLock::new(|| FREQUENCIES_HZ.map(wave));

fn wave(frequency_hz: u32) -> Wave {
    let linear: Frame = std::array::from_fn(|n| sine(frequency_hz, n));
    Wave { linear, pcmu: encode_frame(&linear) }
}

fn sine(frequency_hz: u32, n: usize) -> i16 {
    let phase = std::f64::consts::TAU * f64::from(frequency_hz) * n as f64 / f64::from(SAMPLE_RATE_HZ);
    (AMPLITUDE * phase.sin()).round() as i16
}

/// The audio that a call sends. What frame `n` is depends on the id and on `n` alone, so a sender
/// that falls behind leaves frames out instead of sending late ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ToneSource {
    id: ToneId,
}

impl ToneSource {
    /// The source of this id.
    pub fn new(id: ToneId) -> Self {
        Self { id }
    }

    /// Whose audio it is.
    pub fn id(self) -> ToneId {
        self.id
    }

    /// Which of the [`FREQUENCIES_HZ`] frame `n` is. A frame is that tone from phase zero.
    pub fn tone(self, n: u64) -> usize {
        let symbol = (n % CYCLE_FRAMES / SYMBOL_FRAMES) as usize;
        let number = (n / CYCLE_FRAMES % CYCLE_NUMBERS) as u8;
        match symbol.checked_sub(1) {
            None => usize::from(MARK),
            Some(place) => usize::from(CycleMessage { id: self.id, number }.tones()[place]),
        }
    }

    /// The samples of frame `n`.
    pub fn frame(self, n: u64) -> &'static Frame {
        &WAVES[self.tone(n)].linear
    }

    /// Frame `n` as PCMU.
    pub fn pcmu(self, n: u64) -> &'static PcmuFrame {
        &WAVES[self.tone(n)].pcmu
    }

    /// The number of the frame that is sent when this much time has passed since frame 0.
    pub fn frame_at(since_first: Duration) -> u64 {
        (since_first.as_nanos() / FRAME.as_nanos()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::audio::{Bank, CentiDb, decode};
    use proptest::prelude::*;

    const DTMF: [u32; 8] = [697, 770, 852, 941, 1209, 1336, 1477, 1633];

    #[test]
    fn frequencies_keep_out_of_each_other_s_way() {
        for (i, hz) in FREQUENCIES_HZ.iter().enumerate() {
            assert!(hz % 100 == 50 && (1000..3000).contains(hz));
            assert!(DTMF.iter().all(|digit| digit.abs_diff(*hz) >= 27), "{hz}");
            assert!(hz.abs_diff(2100) >= 50);
            for other in &FREQUENCIES_HZ[i + 1..] {
                assert!(hz.abs_diff(*other) >= 100);
                assert!((2..4).all(|n| n * hz != *other && n * other != *hz));
            }
        }
    }

    #[test]
    fn the_level_is_16_below_full_scale() {
        let source = ToneSource::new(ToneId(0x1234));
        for n in 0..CYCLE_FRAMES {
            let squares: f64 = source.frame(n).iter().map(|&sample| f64::from(sample).powi(2)).sum();
            assert_eq!(CentiDb::dbov(squares / 160.0), CentiDb(-1600));
        }
    }

    /// No step between samples is larger than the steepest tone makes it, and there is no pause.
    #[test]
    fn there_are_no_clicks() {
        let source = ToneSource::new(ToneId(0xA51C));
        let samples: Vec<i16> = (0..200).flat_map(|n| *source.frame(n)).collect();
        let steepest = AMPLITUDE * std::f64::consts::TAU * 2950.0 / 8000.0;
        for pair in samples.windows(2) {
            assert!(f64::from((i32::from(pair[1]) - i32::from(pair[0])).abs()) <= steepest);
        }
    }

    #[test]
    fn pcmu_is_the_same_sound() {
        let source = ToneSource::new(ToneId(7));
        let bank = Bank::new(FREQUENCIES_HZ);
        for n in 0..CYCLE_FRAMES {
            let bins = bank.measure(&source.pcmu(n).map(decode));
            let loudest = (0..TONES).max_by(|a, b| bins[*a].power().total_cmp(&bins[*b].power()));
            assert_eq!(loudest, Some(source.tone(n)));
        }
    }

    #[test]
    fn a_frame_is_sent_in_its_time() {
        assert_eq!(ToneSource::frame_at(Duration::from_millis(19)), 0);
        assert_eq!(ToneSource::frame_at(Duration::from_millis(780)), CYCLE_FRAMES);
    }

    /// A tone that goes on and on (a stuck codec, a concealed loss) is nobody's.
    #[test]
    fn a_steady_tone_says_nothing() {
        for tone in 0..=MARK {
            assert_eq!(CycleMessage::of(&[Some(tone); LENGTH], 6), None);
        }
    }

    proptest! {
        #[test]
        fn a_cycle_says_whose_it_is(id in any::<u16>(), number in any::<u8>(), lost in prop::collection::btree_set(0usize..LENGTH, 0..=2)) {
            let message = CycleMessage { id: ToneId(id), number };
            let mut tones = message.tones().map(Some);
            for &place in &lost {
                tones[place] = None;
            }
            prop_assert_eq!(CycleMessage::of(&tones, 10), Some(message));
        }

        #[test]
        fn the_mark_stands_at_every_beginning_and_nowhere_else(id in any::<u16>(), n in any::<u64>()) {
            let tone = ToneSource::new(ToneId(id)).tone(n);
            prop_assert_eq!(tone == usize::from(MARK), n % CYCLE_FRAMES < SYMBOL_FRAMES);
        }
    }
}
