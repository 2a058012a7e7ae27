//! A direction of a call as it is coded on the wire, in whichever codec.

use crate::model::Codec;

use super::frame::Frame;
use super::opus::{OPUS_PACKET_MAX, OpusDecoder, OpusEncoder};
use super::pcmu::{decode_frame, encode_frame};

/// Bytes of a payload at most; what is longer is not kept.
pub const PAYLOAD_MAX: usize = OPUS_PACKET_MAX;

/// Codes frames, in order.
pub enum FrameEncoder {
    /// Without a memory.
    Pcmu,
    /// With one.
    Opus(OpusEncoder),
}

impl FrameEncoder {
    /// One for this codec.
    pub fn new(codec: Codec) -> Self {
        match codec {
            Codec::Pcmu => Self::Pcmu,
            Codec::Opus => Self::Opus(OpusEncoder::new()),
        }
    }

    /// The payload of the next frame.
    pub fn encode(&mut self, frame: &Frame) -> Vec<u8> {
        match self {
            Self::Pcmu => encode_frame(frame).to_vec(),
            Self::Opus(encoder) => encoder.encode(frame),
        }
    }
}

/// Decodes payloads in the order in which they are played.
pub enum FrameDecoder {
    /// Without a memory.
    Pcmu,
    /// With one.
    Opus(OpusDecoder),
}

impl FrameDecoder {
    /// One for this codec.
    pub fn new(codec: Codec) -> Self {
        match codec {
            Codec::Pcmu => Self::Pcmu,
            Codec::Opus => Self::Opus(OpusDecoder::new()),
        }
    }

    /// The frame to play now; `None` as payload where none came. Nothing, if there is none.
    pub fn decode(&mut self, payload: Option<&[u8]>) -> Option<Frame> {
        match self {
            Self::Pcmu => decode_frame(payload?),
            Self::Opus(decoder) => decoder.decode(payload),
        }
    }
}
