//! PCMU: the mu-law of ITU-T G.711, as RTP payload type 0 carries it (RFC 3551).

use super::frame::{FRAME_SAMPLES, Frame};

/// 20 ms of PCMU.
pub type PcmuFrame = [u8; FRAME_SAMPLES];

/// The code of silence.
pub const PCMU_SILENCE: u8 = 0xff;

/// What is added to a 14-bit magnitude so that segments begin at powers of two.
const BIAS: i16 = 33;

/// Largest 14-bit magnitude that has a code of its own.
const CLIP: i16 = 8158;

const DECODED: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = expand(code as u8);
        code += 1;
    }
    table
};

/// The sample of a code.
pub fn decode(code: u8) -> i16 {
    DECODED[usize::from(code)]
}

/// The code of a sample. Of the 16 bits 14 count, as in G.711.
pub fn encode(sample: i16) -> u8 {
    let sample = sample >> 2;
    let sign = if sample < 0 { 0x7f } else { 0xff };
    let magnitude = sample.abs().min(CLIP) + BIAS;
    let segment = 10 - magnitude.leading_zeros();
    let step = (magnitude >> (segment + 1)) & 0x0f;
    sign ^ ((segment as u8) << 4 | step as u8)
}

/// The codes of a frame.
pub fn encode_frame(frame: &Frame) -> PcmuFrame {
    frame.map(encode)
}

/// The samples of a payload of 20 ms, or nothing if it has another length.
pub fn decode_frame(payload: &[u8]) -> Option<Frame> {
    let codes: &PcmuFrame = payload.try_into().ok()?;
    Some(codes.map(decode))
}

const fn expand(code: u8) -> i16 {
    let code = !code;
    let magnitude = ((((code & 0x0f) as i16) << 3) + 0x84) << ((code & 0x70) >> 4);
    if code & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `audioop.ulaw2lin` of CPython 3.11, codes 0 to 255.
    const DECODED_BY_AUDIOOP: [i16; 256] = [
        -32124, -31100, -30076, -29052, -28028, -27004, -25980, -24956, -23932, -22908, -21884, -20860, -19836, -18812,
        -17788, -16764, -15996, -15484, -14972, -14460, -13948, -13436, -12924, -12412, -11900, -11388, -10876, -10364,
        -9852, -9340, -8828, -8316, -7932, -7676, -7420, -7164, -6908, -6652, -6396, -6140, -5884, -5628, -5372, -5116,
        -4860, -4604, -4348, -4092, -3900, -3772, -3644, -3516, -3388, -3260, -3132, -3004, -2876, -2748, -2620, -2492,
        -2364, -2236, -2108, -1980, -1884, -1820, -1756, -1692, -1628, -1564, -1500, -1436, -1372, -1308, -1244, -1180,
        -1116, -1052, -988, -924, -876, -844, -812, -780, -748, -716, -684, -652, -620, -588, -556, -524, -492, -460,
        -428, -396, -372, -356, -340, -324, -308, -292, -276, -260, -244, -228, -212, -196, -180, -164, -148, -132,
        -120, -112, -104, -96, -88, -80, -72, -64, -56, -48, -40, -32, -24, -16, -8, 0, 32124, 31100, 30076, 29052,
        28028, 27004, 25980, 24956, 23932, 22908, 21884, 20860, 19836, 18812, 17788, 16764, 15996, 15484, 14972, 14460,
        13948, 13436, 12924, 12412, 11900, 11388, 10876, 10364, 9852, 9340, 8828, 8316, 7932, 7676, 7420, 7164, 6908,
        6652, 6396, 6140, 5884, 5628, 5372, 5116, 4860, 4604, 4348, 4092, 3900, 3772, 3644, 3516, 3388, 3260, 3132,
        3004, 2876, 2748, 2620, 2492, 2364, 2236, 2108, 1980, 1884, 1820, 1756, 1692, 1628, 1564, 1500, 1436, 1372,
        1308, 1244, 1180, 1116, 1052, 988, 924, 876, 844, 812, 780, 748, 716, 684, 652, 620, 588, 556, 524, 492, 460,
        428, 396, 372, 356, 340, 324, 308, 292, 276, 260, 244, 228, 212, 196, 180, 164, 148, 132, 120, 112, 104, 96,
        88, 80, 72, 64, 56, 48, 40, 32, 24, 16, 8, 0,
    ];

    /// `audioop.lin2ulaw` of CPython 3.11.
    const ENCODED_BY_AUDIOOP: &[(i16, u8)] = &[
        (-32768, 0),
        (-32767, 0),
        (-32636, 0),
        (-32124, 0),
        (-32000, 0),
        (-16385, 15),
        (-10000, 28),
        (-8000, 32),
        (-1234, 74),
        (-1000, 78),
        (-132, 111),
        (-100, 114),
        (-33, 122),
        (-9, 125),
        (-8, 126),
        (-5, 126),
        (-4, 126),
        (-3, 126),
        (-1, 126),
        (0, 255),
        (1, 255),
        (3, 255),
        (4, 254),
        (5, 254),
        (8, 254),
        (9, 254),
        (33, 251),
        (100, 242),
        (132, 239),
        (1000, 206),
        (1234, 202),
        (8000, 160),
        (10000, 156),
        (16385, 143),
        (32000, 128),
        (32123, 128),
        (32124, 128),
        (32636, 128),
        (32767, 128),
    ];

    #[test]
    fn every_code_decodes_as_elsewhere() {
        for (code, sample) in (0..=255).zip(DECODED_BY_AUDIOOP) {
            assert_eq!(decode(code), sample, "code {code}");
        }
    }

    #[test]
    fn samples_encode_as_elsewhere() {
        for &(sample, code) in ENCODED_BY_AUDIOOP {
            assert_eq!(encode(sample), code, "sample {sample}");
        }
        // All 65,536 at once: FNV-1a over the codes, computed in Python.
        let hash = (i16::MIN..=i16::MAX)
            .map(encode)
            .fold(0xcbf2_9ce4_8422_2325u64, |hash, code| (hash ^ u64::from(code)).wrapping_mul(0x0100_0000_01b3));
        assert_eq!(hash, 15_415_298_121_806_098_065);
    }

    #[test]
    fn a_code_comes_back_as_itself() {
        for code in 0..=255 {
            // There are two zeros; the negative one is the code next to it.
            assert_eq!(encode(decode(code)), if code == 0x7f { PCMU_SILENCE } else { code });
        }
    }

    #[test]
    fn a_payload_of_another_length_is_no_frame() {
        assert_eq!(decode_frame(&[PCMU_SILENCE; 160]), Some([0; 160]));
        assert_eq!(decode_frame(&[0; 159]), None);
        assert_eq!(decode_frame(&[]), None);
    }

    proptest! {
        /// Half a step of the segment, two bits that are cut off, and the clipped end.
        #[test]
        fn the_error_is_half_a_step(sample in any::<i16>()) {
            let error = (i32::from(decode(encode(sample))) - i32::from(sample)).abs();
            let bound = if i32::from(sample).abs() > 32_124 { 700 } else { i32::from(sample).abs() / 32 + 8 };
            prop_assert!(error <= bound, "{} off by {}", sample, error);
        }
    }
}
