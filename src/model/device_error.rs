//! What the agent's device would have raised.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The error that the SDK's Device would raise: the folded code that an application sees, with
/// the code that stood on the wire kept beside it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeviceError {
    /// The code that an application sees (for Twilio the SDK folds most to 53000 or 31005).
    pub code: u32,
    /// The SDK's name of it, for example `AccessTokenInvalid`.
    pub name: Cow<'static, str>,
    /// What kind of trouble it is.
    pub class: ErrorClass,
    /// The raw code of the partner's frame, where there was a frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_code: Option<u32>,
}

/// Kinds of device errors (reference: the partner's error catalogue).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorClass {
    /// The partner refused or could not read our credential.
    Token,
    /// Transport or protocol.
    Signalling,
    /// Session description, ICE, DTLS, audio.
    Media,
    /// The user or a policy refused the microphone.
    Permission,
    /// The callee's state, or the client's own request.
    Client,
}
