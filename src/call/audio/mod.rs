//! The audio of a test call, without sockets and without a clock.
//!
//! What is sent is a [`ToneSource`]: tones that say whose they are and when they were sent. What
//! comes back goes packet by packet through [`Reception`] (what the network did to it), through
//! [`Playout`] (what an agent's client would have played), is decoded ([`FrameDecoder`]), and goes frame
//! by frame into an [`Ear`], which tells at the end what was heard: a [`Hearing`]. [`Rating`] puts delay and loss into the
//! score that planners use, beside the one that the partner's SDK shows.
//!
//! Everything here is a function of its arguments: time and ids come from outside, memory is
//! bounded by named constants, and no input can make it panic.

mod codeword;
mod coding;
mod continuity;
mod dtmf;
mod e_model;
mod ear;
mod frame;
mod goertzel;
mod hearing;
mod opus;
mod pcmu;
mod playout;
mod quality;
mod rating;
mod recording;
mod rtp;
mod sound;
mod spotter;
mod tone;
mod units;

#[cfg(test)]
mod impairment_tests;

pub use coding::{FrameDecoder, FrameEncoder, PAYLOAD_MAX};
pub use dtmf::{DigitEar, digit_frame};
pub use e_model::{CodecImpairment, e_model_mos, e_model_r};
pub use ear::{DEAD_AFTER, Ear, FOREIGN_IDS_MAX};
pub use frame::{FRAME, FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ, SILENCE, frame_start};
pub use goertzel::{Bank, Bin, power};
pub use hearing::{Delay, Heard, Hearing};
pub use opus::{OPUS_PACKET_MAX, OpusDecoder, OpusEncoder};
pub use pcmu::{PCMU_SILENCE, PcmuFrame, decode, decode_frame, encode, encode_frame};
pub use playout::{PLAYOUT_DELAY, Playout, PlayoutCounts};
pub use rating::{Conditions, Rating, sdk_mos};
pub use recording::Recording;
pub use rtp::{Arrival, Reception, ReceptionReport, RtpClock};
pub use tone::{AMPLITUDE, CYCLE_FRAMES, FREQUENCIES_HZ, SYMBOL_FRAMES, TONES, ToneId, ToneSource};
pub use units::{CentiDb, CentiMos, MilliHz, Millis, Permille};
