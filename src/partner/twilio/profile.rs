//! Which SDK we behave as.

use serde::{Deserialize, Serialize};

/// The SDK whose device an attempt stands for. They differ in when they register and in what they
/// make of the partner's error codes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SdkProfile {
    /// `@twilio/voice-sdk` 2.x.
    #[default]
    V2,
    /// `twilio-client` 1.x.
    V1,
}

impl SdkProfile {
    /// The release that we say we are.
    pub const fn release(self) -> &'static str {
        match self {
            Self::V2 => "2.18.5",
            Self::V1 => "1.15.1",
        }
    }

    /// The version of the signalling envelope.
    pub const fn envelope(self) -> &'static str {
        match self {
            Self::V2 => "1.6",
            Self::V1 => "1.5",
        }
    }
}
