//! How an attempt ended. "We did not look" is not "down": [`Outcome::Lost`] never counts against
//! the partner, and [`Outcome::Throttled`] is an answer of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{DeviceError, Step};

/// How an attempt ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every step was done; perhaps not well.
    Completed {
        /// What was not as it should be; empty if all was well.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        degraded: Vec<Degradation>,
    },
    /// A step was not done.
    Failed(Failure),
    /// The partner asked us to slow down. Not a failure of the partner.
    Throttled {
        /// At which step.
        step: Step,
        /// By what sign.
        sign: ThrottleSign,
        /// How long it asked us to wait, in seconds, if it said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u32>,
    },
    /// We did not look, or cannot tell. Never counts against the partner.
    Lost {
        /// Why.
        reason: LostReason,
    },
}

impl Outcome {
    /// All well.
    pub const fn completed() -> Self {
        Self::Completed { degraded: Vec::new() }
    }

    /// True if the agent's device would have worked.
    pub const fn is_completed(&self) -> bool {
        matches!(self, Self::Completed { .. })
    }

    /// The failure, if it was one.
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Completed { .. } | Self::Throttled { .. } | Self::Lost { .. } => None,
        }
    }

    /// The word for metrics and tables.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Completed { degraded } if degraded.is_empty() => "completed",
            Self::Completed { .. } => "degraded",
            Self::Failed(_) => "failed",
            Self::Throttled { .. } => "throttled",
            Self::Lost { .. } => "lost",
        }
    }
}

/// A step that was not done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Failure {
    /// Which step.
    pub step: Step,
    /// What happened.
    pub reason: FailureReason,
    /// The code in the partner's frame, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_code: Option<u32>,
    /// What the SDK's Device would have raised, in order; empty where the agent sees nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_errors: Vec<DeviceError>,
}

impl Failure {
    /// True if nothing came back in time; the agent's device would wait for ever.
    pub const fn is_silent(&self) -> bool {
        matches!(self.reason, FailureReason::NoAnswer)
    }
}

/// What happened at the step that was not done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// Nothing came within the step's deadline.
    NoAnswer,
    /// The name does not exist.
    NameNotFound,
    /// The name servers answered with an error.
    NameServer,
    /// TCP: refused.
    ConnectionRefused,
    /// The connection broke off.
    ConnectionReset,
    /// No route to the address.
    Unreachable,
    /// The certificate is past its end.
    CertificateExpired,
    /// The certificate is not valid yet.
    CertificateNotYetValid,
    /// The certificate's issuer is not trusted.
    CertificateUntrusted,
    /// The certificate is for another name.
    CertificateWrongName,
    /// TLS failed in another way.
    TlsFailed,
    /// The upgrade was answered with this HTTP status.
    HttpStatus(u16),
    /// The upgrade was answered with something that is not a WebSocket.
    NotWebSocket,
    /// A frame was not what the protocol allows.
    MalformedFrame,
    /// A frame was larger than the limit.
    FrameTooLarge,
    /// The partner said no, with a code.
    Rejected,
    /// The partner closed the connection, with this WebSocket close code.
    Closed(u16),
    /// The partner ended the stream and asked us not to come back (`close` frame).
    StreamEnded,
    /// The partner took the device offline (`offline` frame).
    WentOffline,
    /// No heartbeat for longer than the SDK waits.
    HeartbeatLost,
    /// The product's token endpoint answered with this HTTP status.
    TokenEndpointStatus(u16),
    /// The product's token endpoint answered with something that is not a token.
    TokenEndpointMalformed,
    /// The far side or the partner ended the call before its time, without a reason.
    HungUp,
    /// The answer's or the invite's session description cannot be used.
    BadDescription,
    /// No path for media was found, or the one there was broke.
    NoPath,
    /// The media keys could not be agreed.
    NoKeys,
    /// No packet of audio came.
    NoAudio,
    /// Packets came, with nothing but silence in them.
    Silence,
    /// Sound came, but it was not the call's own: the far side's voice did not reach us, or ours
    /// did not come back.
    NotHeard,
    /// The tone of another call came: somebody else's audio.
    WrongAudio,
    /// The audio stopped before the call did.
    AudioDied,
    /// The REST API answered with this HTTP status.
    RestStatus(u16),
    /// The REST API's answer could not be read.
    RestMalformed,
    /// The call that was asked for never rang here.
    NotDelivered,
    /// The call that was asked for never rang here, and the partner says that it was answered.
    DeliveredElsewhere,
    /// The call stayed queued at the partner.
    StuckQueued,
    /// The call rang twice.
    DeliveredTwice,
    /// The call was withdrawn while it rang.
    Cancelled,
    /// Our client at the far end could not do its part: it tells why apart.
    FarClient,
    /// The application answered, and our client at the far end never rang.
    FarNeverRang,
    /// Sound came, but our client at the far end was not in it.
    FarNotHeard,
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NoAnswer => "no answer",
            Self::NameNotFound => "name not found",
            Self::NameServer => "name server error",
            Self::ConnectionRefused => "connection refused",
            Self::ConnectionReset => "connection reset",
            Self::Unreachable => "unreachable",
            Self::CertificateExpired => "certificate expired",
            Self::CertificateNotYetValid => "certificate not yet valid",
            Self::CertificateUntrusted => "certificate not trusted",
            Self::CertificateWrongName => "certificate for another name",
            Self::TlsFailed => "TLS handshake failed",
            Self::HttpStatus(status) => return write!(f, "HTTP {status}"),
            Self::NotWebSocket => "not a WebSocket",
            Self::MalformedFrame => "malformed frame",
            Self::FrameTooLarge => "frame too large",
            Self::Rejected => "rejected",
            Self::Closed(code) => return write!(f, "closed with {code}"),
            Self::StreamEnded => "stream ended",
            Self::WentOffline => "went offline",
            Self::HeartbeatLost => "heartbeat lost",
            Self::TokenEndpointStatus(status) => return write!(f, "token endpoint answered HTTP {status}"),
            Self::TokenEndpointMalformed => "token endpoint gave no token",
            Self::HungUp => "hung up early",
            Self::BadDescription => "session description cannot be used",
            Self::NoPath => "no path for media",
            Self::NoKeys => "no media keys",
            Self::NoAudio => "no audio came",
            Self::Silence => "only silence came",
            Self::NotHeard => "not heard by the far side",
            Self::WrongAudio => "another call's audio",
            Self::AudioDied => "audio died in mid-call",
            Self::RestStatus(status) => return write!(f, "REST API answered HTTP {status}"),
            Self::RestMalformed => "REST API gave no call",
            Self::NotDelivered => "never rang",
            Self::DeliveredElsewhere => "answered somewhere else",
            Self::StuckQueued => "stuck in the partner's queue",
            Self::DeliveredTwice => "rang twice",
            Self::Cancelled => "withdrawn while it rang",
            Self::FarClient => "our client at the far end failed",
            Self::FarNeverRang => "never rang at the far client",
            Self::FarNotHeard => "the far client was not heard",
        };
        f.write_str(text)
    }
}

/// Something that was not as it should be, though the agent could work.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Degradation {
    /// A fallback edge had to be taken.
    FallbackEdge,
    /// A frame larger than expected was taken as the SDK takes it.
    LargeFrame,
    /// A frame that does not concern us (a foreign call) was ignored.
    ForeignFrame,
    /// The partner closed the connection properly after registration. The SDK reconnects without
    /// a word, so the agent is away for a moment; the attempt does not, and ends here.
    Reconnected,
    /// An `error` frame came although registration went on.
    ErrorFrame,
    /// Leaving was not confirmed in time.
    LeaveUnconfirmed,
    /// An invite arrived that is not ours; it was left alone.
    ForeignInvite,
    /// Text that is no JSON came; it throws inside the agent's page but the device lives on.
    Garbage,
    /// The call was not confirmed to be over in time.
    HangupUnconfirmed,
    /// The audio had holes.
    Choppy,
    /// The audio was too quiet to be understood well.
    Quiet,
    /// The audio was too loud and distorted.
    Clipped,
    /// The audio began late.
    LateAudio,
    /// The audio took too long from mouth to ear.
    LongDelay,
    /// Too many packets were lost.
    HighLoss,
    /// The opinion score was low.
    LowMos,
    /// The call's status at the partner is not what happened here.
    StatusMismatch,
    /// The digits that were pressed were not played back by the far end.
    DigitsLost,
}

impl Degradation {
    /// True if it is about what is heard in a call.
    pub const fn is_of_audio(&self) -> bool {
        matches!(
            self,
            Self::Choppy
                | Self::Quiet
                | Self::Clipped
                | Self::LateAudio
                | Self::LongDelay
                | Self::HighLoss
                | Self::LowMos
                | Self::DigitsLost
        )
    }
}

/// By what sign the partner asked us to slow down.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThrottleSign {
    /// An HTTP status (429, or 403 with a hint).
    HttpStatus(u16),
    /// A code in a frame (31206, 20429).
    WireCode(u32),
}

/// Why we cannot tell.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostReason {
    /// No report by the engine's deadline: our own fault, never the partner's.
    NoReport,
    /// The node went down while the attempt was under way: nobody knows how it ended.
    Restart,
    /// ringcheck was told to stop; the attempt was ended properly before its time.
    Stopped,
    /// A queue or limit of ours was full.
    QueueFull,
    /// A secret could not be read, or a key is unusable.
    Secret,
    /// The attempt's task died.
    Crash,
    /// The wanted token is no longer known to the minter.
    TokenGone,
    /// This machine has no network of its own.
    NoNetwork,
    /// A limit of our own forbids it: a phone number that is not in the allow-list.
    NotAllowed,
    /// This machine was too busy to send its audio in time: what came back says nothing.
    Overloaded,
}
