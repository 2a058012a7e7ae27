//! A client that sends anything: the simulated partner reads it, and reads again what it prints.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringcheck::partner::twilio::{ClientFrame, SdkProfile};

fuzz_target!(|text: &str| {
    let frame = ClientFrame::parse(text);
    if let ClientFrame::Listen { token: Some(token), .. } = &frame {
        assert!(token.expose().len() < 16 || !format!("{token:?}").contains(token.expose()));
    }
    for profile in [SdkProfile::V2, SdkProfile::V1] {
        let again = ClientFrame::parse(&frame.to_text(profile));
        assert_eq!(std::mem::discriminant(&again), std::mem::discriminant(&frame));
    }
});
