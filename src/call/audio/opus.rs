//! Opus (RFC 6716) in 20 ms frames of telephone band, coded and decoded by `ropus`.
//!
//! What is decoded comes from the network, so it is not trusted: a packet has a bound, what it
//! decodes to has one, and a panic of the library costs this packet and the decoder's memory, not
//! the call.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ropus::{Application, Bitrate, Channels, DecodeMode, Decoder, Encoder};

use super::frame::{FRAME_SAMPLES, Frame, SAMPLE_RATE_HZ, SILENCE};

/// Bytes of a packet with one frame at most: the frame's 1275 (RFC 6716 3.4) and the byte that
/// says what it is. What is longer is not decoded.
pub const OPUS_PACKET_MAX: usize = 1276;

/// What we send, in bits a second: what browsers spend on speech.
const BITRATE: u32 = 24_000;

/// Effort of 0 to 10. Tones need none: 31 µs a frame in place of 450.
const COMPLEXITY: u8 = 0;

/// Samples of the longest packet: 120 ms.
const DECODED_MAX: usize = 6 * FRAME_SAMPLES;

/// Lost frames in a row that the decoder is told of; a longer pause is a pause of the sender.
const CONCEALED_MAX: u32 = 5;

/// Codes one direction of a call.
pub struct OpusEncoder(Option<Box<Encoder>>);

impl OpusEncoder {
    /// An encoder for telephone band.
    pub fn new() -> Self {
        let bitrate = Bitrate::try_bits(BITRATE).unwrap_or(Bitrate::Auto);
        // Without the part for speech, which takes a tone for a voice and bends it.
        let encoder = Encoder::builder(SAMPLE_RATE_HZ, Channels::Mono, Application::RestrictedLowDelay)
            .bitrate(bitrate)
            .complexity(COMPLEXITY)
            .vbr(false)
            .build();
        Self(encoder.ok().map(Box::new))
    }

    /// The next frame as a packet; empty if the library refuses it, which it never has.
    pub fn encode(&mut self, frame: &Frame) -> Vec<u8> {
        let mut packet = [0; OPUS_PACKET_MAX];
        let length = self.0.as_mut().and_then(|encoder| encoder.encode(frame, &mut packet).ok()).unwrap_or(0);
        packet[..length.min(OPUS_PACKET_MAX)].to_vec()
    }
}

impl Default for OpusEncoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Decodes one direction of a call, in the order in which it is played.
pub struct OpusDecoder {
    decoder: Option<Box<Decoder>>,
    /// What is left of a packet of more than one frame.
    rest: Vec<i16>,
    lost_in_row: u32,
    spoilt: u64,
}

impl OpusDecoder {
    /// A decoder to telephone band, whatever the sender codes.
    pub fn new() -> Self {
        Self { decoder: fresh(), rest: Vec::new(), lost_in_row: 0, spoilt: 0 }
    }

    /// The frame to play now: of this packet, or of what is left of the one before. Nothing, if the
    /// packet was lost or is none: what is made up for a lost one is not what was said. Packets of
    /// less than a frame are filled up with silence.
    pub fn decode(&mut self, packet: Option<&[u8]>) -> Option<Frame> {
        let Some(packet) = packet.filter(|packet| !packet.is_empty()) else { return self.go_on() };
        self.rest.clear();
        self.lost_in_row = 0;
        if packet.len() > OPUS_PACKET_MAX {
            self.spoilt += 1;
            return None;
        }
        let samples = self.decoded(packet)?;
        self.rest.extend_from_slice(&samples);
        self.take()
    }

    /// Packets that could not be decoded.
    pub fn spoilt(&self) -> u64 {
        self.spoilt
    }

    fn go_on(&mut self) -> Option<Frame> {
        if !self.rest.is_empty() {
            return self.take();
        }
        self.lost_in_row = self.lost_in_row.saturating_add(1);
        if self.lost_in_row <= CONCEALED_MAX {
            self.decoded(&[]);
        }
        None
    }

    /// The samples of a packet; of an empty one what the library makes up.
    fn decoded(&mut self, packet: &[u8]) -> Option<Vec<i16>> {
        let decoder = self.decoder.as_mut()?;
        let decoding = AssertUnwindSafe(|| {
            let mut samples = vec![0; DECODED_MAX];
            let length = decoder.decode(packet, &mut samples, DecodeMode::Normal).ok()?;
            samples.truncate(length);
            Some(samples)
        });
        match catch_unwind(decoding) {
            Ok(Some(samples)) => Some(samples),
            Ok(None) => {
                self.spoilt += 1;
                None
            }
            Err(_) => {
                self.spoilt += 1;
                // Its memory is in no known state.
                self.decoder = fresh();
                None
            }
        }
    }

    fn take(&mut self) -> Option<Frame> {
        let mut frame = SILENCE;
        let length = self.rest.len().min(FRAME_SAMPLES);
        frame[..length].copy_from_slice(&self.rest[..length]);
        self.rest.drain(..length);
        (length > 0).then_some(frame)
    }
}

impl Default for OpusDecoder {
    fn default() -> Self {
        Self::new()
    }
}

fn fresh() -> Option<Box<Decoder>> {
    Decoder::new(SAMPLE_RATE_HZ, Channels::Mono).ok().map(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::audio::{Bank, CentiDb, FREQUENCIES_HZ, TONES, ToneId, ToneSource};
    use proptest::prelude::*;

    /// Packets of our tone, each decoded after it was coded.
    fn there(frames: u64) -> Vec<Frame> {
        let (mut encoder, mut decoder) = (OpusEncoder::new(), OpusDecoder::new());
        let source = ToneSource::new(ToneId(0xC0DE));
        (0..frames).map(|n| decoder.decode(Some(&encoder.encode(source.frame(n)))).expect("a frame")).collect()
    }

    #[test]
    fn our_tone_comes_through() {
        let (source, bank) = (ToneSource::new(ToneId(0xC0DE)), Bank::new(FREQUENCIES_HZ));
        let frames = there(300);
        let loud: f64 = frames[10..].as_flattened().iter().map(|&sample| f64::from(sample).powi(2)).sum();
        let level = CentiDb::dbov(loud / (290.0 * FRAME_SAMPLES as f64));
        assert!((-1650..=-1550).contains(&level.0), "{level}");
        let mut right = 0;
        for n in (1..300).filter(|n| n % 3 == 1) {
            let bins = bank.measure(&frames[n]);
            let loudest = (0..TONES).max_by(|a, b| bins[*a].power().total_cmp(&bins[*b].power()));
            right += u32::from(loudest == Some(source.tone(n as u64)));
        }
        assert_eq!(right, 100, "the middle of every symbol is its tone");
    }

    #[test]
    fn a_packet_is_as_long_as_its_rate() {
        let mut encoder = OpusEncoder::new();
        let packet = encoder.encode(ToneSource::new(ToneId(1)).frame(0));
        assert_eq!(packet.len(), BITRATE as usize / 8 / 50);
    }

    #[test]
    fn a_lost_packet_is_nothing_and_those_after_it_are_heard() {
        let (mut encoder, mut decoder) = (OpusEncoder::new(), OpusDecoder::new());
        let source = ToneSource::new(ToneId(2));
        for n in 0..200 {
            let packet = encoder.encode(source.frame(n));
            let lost = n % 10 == 5;
            assert_eq!(decoder.decode((!lost).then_some(packet.as_slice())).is_none(), lost);
        }
        for _ in 0..100 {
            assert_eq!(decoder.decode(None), None);
        }
        assert_eq!(decoder.spoilt(), 0);
    }

    /// Two frames in one packet (RFC 6716 3.2.3): code 1 behind the same kind.
    #[test]
    fn a_packet_of_two_frames_is_played_as_two() {
        let (mut encoder, mut decoder) = (OpusEncoder::new(), OpusDecoder::new());
        let source = ToneSource::new(ToneId(3));
        let (first, second) = (encoder.encode(source.frame(0)), encoder.encode(source.frame(1)));
        let both = [&[first[0] | 1], &first[1..], &second[1..]].concat();
        assert!(decoder.decode(Some(&both)).is_some());
        assert!(decoder.decode(None).is_some());
        assert!(decoder.decode(None).is_none());
    }

    #[test]
    fn what_is_too_long_is_not_decoded() {
        let mut decoder = OpusDecoder::new();
        assert_eq!(decoder.decode(Some(&[0; OPUS_PACKET_MAX + 1])), None);
        assert_eq!(decoder.spoilt(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn anything_may_come(packets in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..400)), 1..40)) {
            let mut decoder = OpusDecoder::new();
            for packet in &packets {
                decoder.decode(packet.as_deref());
            }
        }

        /// Real packets with some bytes changed, and cut off anywhere.
        #[test]
        fn real_packets_may_be_changed(changes in prop::collection::vec((0usize..60, any::<u8>(), 1usize..=60), 1..60)) {
            let (mut encoder, mut decoder) = (OpusEncoder::new(), OpusDecoder::new());
            let source = ToneSource::new(ToneId(4));
            for (n, (place, byte, length)) in changes.into_iter().enumerate() {
                let mut packet = encoder.encode(source.frame(n as u64));
                packet[place] = byte;
                decoder.decode(Some(&packet[..length]));
            }
        }
    }
}
