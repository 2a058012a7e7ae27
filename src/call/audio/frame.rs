//! The unit in which audio is sent, played out and looked at.

use std::time::Duration;

/// Samples a second. Telephony's 8 kHz, mono, whatever the codec carries on the wire.
pub const SAMPLE_RATE_HZ: u32 = 8000;

/// Samples in a frame.
pub const FRAME_SAMPLES: usize = 160;

/// Length of a frame.
pub const FRAME: Duration = Duration::from_millis(20);

/// When frame `number` begins, counted from the beginning of frame 0.
pub fn frame_start(number: u64) -> Duration {
    FRAME.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX))
}

/// 20 ms of audio: 16-bit linear samples at 8 kHz.
pub type Frame = [i16; FRAME_SAMPLES];

/// A frame of nothing.
pub const SILENCE: Frame = [0; FRAME_SAMPLES];
