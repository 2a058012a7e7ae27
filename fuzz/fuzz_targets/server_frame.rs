//! A partner that sends anything, line by line, at any pace: the device survives it, and a frame
//! that was understood is understood again when it is printed.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use ringcheck::model::{Signalling as _, SocketEnd, Timestamp};
use ringcheck::partner::twilio::{Device, SdkProfile, ServerFrame};
use ringcheck::token::TokenText;

fuzz_target!(|text: &str| {
    for profile in [SdkProfile::V2, SdkProfile::V1] {
        let mut device = Device::new(TokenText::parse("a.b.c").expect("a token"), profile);
        let mut now = Timestamp::from_millis(0);
        device.opened(now);
        device.register(now);
        // A record separator stands between frames, so that a frame may hold a line end.
        for frame in text.split('\u{1e}') {
            now = now.plus(Duration::from_secs(frame.len() as u64 % 16));
            if device.wake().is_some_and(|wake| wake <= now) {
                device.timeout(now);
            }
            device.received(now, frame);
            // One frame makes at most: degraded, an event, and two things to do.
            assert!(std::iter::from_fn(|| device.poll()).count() <= 6);
            if let Ok(read) = ServerFrame::parse(frame, profile)
                && !matches!(read, ServerFrame::Invite(_))
            {
                assert_eq!(ServerFrame::parse(&read.to_text(), profile).as_ref(), Ok(&read));
            }
        }
        device.leave(now);
        device.ended(now, SocketEnd::Broken);
    }
});
