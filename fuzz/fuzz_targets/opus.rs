//! A partner that sends anything as Opus, packet by packet, some of them lost: no panic, no index out
//! of bounds, and never more than a frame at a time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringcheck::call::audio::OpusDecoder;

fuzz_target!(|bytes: &[u8]| {
    let mut decoder = OpusDecoder::new();
    let mut rest = bytes;
    // A byte says how long the next packet is; 0 stands for a lost one.
    while let Some((length, after)) = rest.split_first() {
        let (packet, next) = after.split_at(usize::from(*length).min(after.len()));
        decoder.decode((*length > 0).then_some(packet));
        rest = next;
    }
});
