//! Twilio Voice for browsers, without sockets: tokens, signalling frames, the SDK's Device as a
//! state machine, its error catalogue, and a pod's account. Facts and their sources are in
//! `docs/twilio.md`.

mod account;

pub use account::{Account, ApiKey};
