//! The steps of an attempt, in the order in which they happen.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One step of an attempt; each is timed and has a deadline of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// A token is minted, or fetched from the product's token endpoint.
    Mint,
    /// The edge's name is looked up.
    Dns,
    /// A TCP connection to the edge.
    Tcp,
    /// The TLS handshake.
    Tls,
    /// The WebSocket upgrade.
    Upgrade,
    /// The partner has validated the token (`connected`).
    Connected,
    /// The device is registered (`ready`).
    Registered,
    /// A call is asked for.
    Invite,
    /// The far side rings.
    Ringing,
    /// The far side has answered.
    Answer,
    /// A path for media is found.
    Ice,
    /// Media keys are agreed.
    Dtls,
    /// Audio flows.
    Media,
    /// The call or the registration is ended properly.
    Hangup,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 14] = [
        Self::Mint,
        Self::Dns,
        Self::Tcp,
        Self::Tls,
        Self::Upgrade,
        Self::Connected,
        Self::Registered,
        Self::Invite,
        Self::Ringing,
        Self::Answer,
        Self::Ice,
        Self::Dtls,
        Self::Media,
        Self::Hangup,
    ];

    /// The name as it stands in metrics, JSON and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Upgrade => "upgrade",
            Self::Connected => "connected",
            Self::Registered => "registered",
            Self::Invite => "invite",
            Self::Ringing => "ringing",
            Self::Answer => "answer",
            Self::Ice => "ice",
            Self::Dtls => "dtls",
            Self::Media => "media",
            Self::Hangup => "hangup",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
