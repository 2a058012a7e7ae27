//! A test call: how it shall go, and what came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Failure, MediaPath, PathTaken, ServerAsked};

/// Which way a call goes, seen from the agent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallDirection {
    /// The agent calls.
    Outbound,
    /// The agent is called.
    Inbound,
}

impl CallDirection {
    /// Both directions.
    pub const ALL: [Self; 2] = [Self::Outbound, Self::Inbound];

    /// The name in config, metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

impl fmt::Display for CallDirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How speech is coded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// G.711 mu-law, 8 kHz: what the SDK prefers.
    Pcmu,
    /// Opus, 48 kHz.
    Opus,
}

impl Codec {
    /// All of them, the one that the SDK prefers first.
    pub const ALL: [Self; 2] = [Self::Pcmu, Self::Opus];

    /// Samples in 20 ms, in the codec's clock.
    pub const fn samples_a_frame(self) -> u32 {
        match self {
            Self::Pcmu => 160,
            Self::Opus => 960,
        }
    }

    /// This one and no other.
    pub const fn alone(self) -> &'static [Self] {
        match self {
            Self::Pcmu => &[Self::Pcmu],
            Self::Opus => &[Self::Opus],
        }
    }

    /// The name in config, metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pcmu => "pcmu",
            Self::Opus => "opus",
        }
    }
}

/// How a test call shall go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct CallWish {
    /// Which way.
    pub direction: CallDirection,
    /// How long audio is listened to before we hang up, in milliseconds.
    pub hold_ms: u32,
    /// Inbound: how long it rings before it is answered, in milliseconds.
    pub ring_ms: u32,
    /// How speech shall be coded.
    pub codec: Codec,
    /// Which path its media must take.
    #[serde(default, skip_serializing_if = "MediaPath::is_any")]
    pub path: MediaPath,
}

/// What is known of a test call once it is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallFacts {
    /// How it was to go.
    pub wish: CallWish,
    /// The partner's id of it (`CA…`), for the partner's support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Outbound: from the invite to the answer. Inbound: from accepting to the keys. In
    /// milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_up_ms: Option<u32>,
    /// Inbound: from the partner's promise to make it ring until it rang, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_ms: Option<u32>,
    /// What was heard; absent if media never flowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<CallAudio>,
    /// The call's status as the partner tells it, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<CallStatus>,
    /// What became of the digits that were pressed; absent if none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<CallDigits>,
    /// The name of its recording in the folder of recordings, if it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<String>,
    /// True if it was to be kept, and could not be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recording_failed: bool,
    /// The path that its media took; absent if none was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathTaken>,
    /// The servers that were asked for paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<ServerAsked>,
    /// What another client of ours at the far end saw of it, if one was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far: Option<Box<FarFacts>>,
}

/// What another client of ours at the far end saw of a call.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct FarFacts {
    /// The partner's id of its leg; absent if it never rang there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What it heard of us; absent if its media never flowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<CallAudio>,
    /// What its own device failed at, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What became of the digits of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallDigits {
    /// How they went.
    pub way: DigitsWay,
    /// True if the far end played them back: it has got them.
    pub played_back: bool,
}

/// How digits go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DigitsWay {
    /// As telephone events beside the audio (RFC 4733).
    Events,
    /// On the signalling: the far side did not agree to events.
    Signalling,
}

impl CallFacts {
    /// Nothing is known yet.
    pub const fn of(wish: CallWish) -> Self {
        Self {
            wish,
            sid: None,
            set_up_ms: None,
            delivery_ms: None,
            audio: None,
            status: None,
            digits: None,
            recording: None,
            recording_failed: false,
            path: None,
            servers: Vec::new(),
            far: None,
        }
    }
}

/// The audio of a call, both ways, in numbers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallAudio {
    /// What we heard.
    pub heard: HeardSound,
    /// Whether the far side heard us, as its echo or our client there tells.
    pub far_hears: FarHears,
    /// From being connected to the first sound, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_sound_ms: Option<u32>,
    /// Mouth to ear and back, in milliseconds: how long our tone took to come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_ms: Option<u32>,
    /// Mouth to ear, in milliseconds, where the tone came from another client of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_way_ms: Option<u32>,
    /// Level of what was heard, in dBov times ten (0 is full scale; -160 is -16 dBov).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_decidbov: Option<i16>,
    /// From being connected until our tone stopped, if it stopped before the call did, in
    /// milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_ms: Option<u32>,
    /// Holes in what should have been heard, of 40 ms or more.
    pub gaps: u32,
    /// The longest hole, in milliseconds.
    pub longest_gap_ms: u32,
    /// Samples at full scale, in thousandths.
    pub clipped_permille: u16,
    /// Packets that did not come, in thousandths of those that should have.
    pub loss_permille: u16,
    /// Most packets missing in a row.
    pub loss_burst: u32,
    /// Interarrival jitter (RFC 3550), in microseconds.
    pub jitter_us: u32,
    /// To the far side and back by RTCP or STUN, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<u32>,
    /// How long our own side was late with audio, in all, in milliseconds. With 100 or more of it
    /// nothing is said about the quality of the call: it may be our own machine's.
    #[serde(default)]
    pub own_lag_ms: u32,
    /// Opinion score by the E-model (ITU-T G.107), times a hundred: 100 to 450.
    pub mos_centi: u16,
    /// Opinion score by the SDK's own formula, times a hundred.
    pub sdk_mos_centi: u16,
}

/// What was heard, all in all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeardSound {
    /// The tone of this call: our own as it comes back, or that of our client at the far end.
    OurTone,
    /// A tone of ringcheck with another id: another call's audio.
    ForeignTone,
    /// Sound, but no tone of ours.
    OtherSound,
    /// Packets of silence.
    Silence,
    /// No packets.
    Nothing,
}

/// Whether the far side heard us.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FarHears {
    /// Our tone came back, or our client there heard it.
    Yes,
    /// It was audible itself, but our tone did not come back; or our client there did not hear it.
    No,
    /// Not known: nothing was heard from there, and no client of ours is there.
    Unknown,
}

/// The status of a call at the partner.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallStatus {
    /// Not rung yet.
    Queued,
    /// Ringing.
    Ringing,
    /// Answered.
    InProgress,
    /// Ended after having been answered.
    Completed,
    /// Callee busy.
    Busy,
    /// Could not be made.
    Failed,
    /// Not answered.
    NoAnswer,
    /// Withdrawn before it was answered.
    Canceled,
    /// Something that we do not know.
    #[serde(other)]
    Unknown,
}

impl CallStatus {
    /// The partner's own word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
            Self::Unknown => "unknown",
        }
    }
}
