//! What a fault makes the partner do to a test call.

use std::time::Duration;

use crate::model::CallDirection;

/// What a fault makes the partner do to a test call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CallFault {
    /// While a call of the agent is set up.
    SetUp(SetUpFault),
    /// While a call to the agent is delivered.
    Delivery(DeliveryFault),
    /// In the session description that the partner sends.
    Description(DescriptionFault),
    /// On the path of the media, or with its keys.
    Path(PathFault),
    /// In what is heard.
    Sound(SoundFault),
    /// Once audio flows.
    MidCall(MidCallFault),
    /// On the way of a call from a phone number to a client.
    Number(NumberFault),
    /// In the REST API.
    Rest(RestFault),
    /// Where an application rings another client.
    Far(FarFault),
}

impl CallFault {
    /// True if it can strike calls of this direction.
    pub const fn concerns(self, direction: CallDirection) -> bool {
        match self {
            Self::SetUp(_) | Self::Far(_) => matches!(direction, CallDirection::Outbound),
            Self::Delivery(_) | Self::Number(_) | Self::Rest(_) => matches!(direction, CallDirection::Inbound),
            Self::Description(_) | Self::Path(_) | Self::Sound(_) | Self::MidCall(_) => true,
        }
    }

    /// True if it makes a call stay up when its client is gone.
    pub const fn outlives_client(&self) -> bool {
        matches!(self, Self::SetUp(SetUpFault::OutlivesClient) | Self::Delivery(DeliveryFault::OutlivesClient))
    }

    /// The age of the call's audio at which it strikes, if it strikes at one.
    pub const fn age(self) -> Option<Duration> {
        match self {
            Self::Path(PathFault::StopsAfter(age))
            | Self::Sound(SoundFault::Dies(age) | SoundFault::Stops(age))
            | Self::MidCall(
                MidCallFault::Cut(age)
                | MidCallFault::CutWith(age, _)
                | MidCallFault::Dropped(age)
                | MidCallFault::ErrorFrame(age, _)
                | MidCallFault::ForeignHangup(age),
            ) => Some(age),
            _ => None,
        }
    }

    /// The same fault at another age; as it is if it strikes at none.
    #[must_use]
    pub const fn at_age(self, age: Duration) -> Self {
        match self {
            Self::Path(PathFault::StopsAfter(_)) => Self::Path(PathFault::StopsAfter(age)),
            Self::Sound(SoundFault::Dies(_)) => Self::Sound(SoundFault::Dies(age)),
            Self::Sound(SoundFault::Stops(_)) => Self::Sound(SoundFault::Stops(age)),
            Self::MidCall(fault) => Self::MidCall(match fault {
                MidCallFault::Cut(_) => MidCallFault::Cut(age),
                MidCallFault::CutWith(_, code) => MidCallFault::CutWith(age, code),
                MidCallFault::Dropped(_) => MidCallFault::Dropped(age),
                MidCallFault::ErrorFrame(_, code) => MidCallFault::ErrorFrame(age, code),
                MidCallFault::ForeignHangup(_) => MidCallFault::ForeignHangup(age),
            }),
            other => other,
        }
    }
}

/// Trouble on the way of a call from a phone number to a client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NumberFault {
    /// The carrier does not find the number.
    NotRouted,
    /// The number's webhook gives no TwiML: the call is answered, and nobody rings.
    WebhookBroken,
    /// The carrier shows another number as the caller.
    CallerChanged,
    /// The carrier takes this much longer.
    Slow(Duration),
}

/// Trouble where an application that has answered rings another client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FarFault {
    /// Nobody is rung, and the tone goes on.
    NeverRings,
    /// Nobody is rung, and the call is hung up this much later.
    NobodyThere(Duration),
    /// It rings this much later.
    RingsLate(Duration),
    /// It rings and is answered, and the two are not put through to each other.
    NotConnected,
}

/// Trouble while a call of the agent is set up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SetUpFault {
    /// The invite is never answered.
    Ignored,
    /// It rings for ever.
    NoAnswer,
    /// `ringing` comes this much later.
    RingingLate(Duration),
    /// `answer` comes this much after `ringing`.
    AnswerLate(Duration),
    /// `answer` comes without `ringing`.
    NoRinging,
    /// `hangup` with this code in place of `ringing`.
    Refused(u32),
    /// `hangup` with this code after `ringing`.
    RefusedRinging(u32),
    /// `hangup` without a reason after `ringing`.
    HungUpRinging,
    /// An `error` frame with this code in place of `ringing`.
    ErrorFrame(u32),
    /// `answer` without a session description.
    AnswerEmpty,
    /// TCP is dropped in place of `ringing`.
    Dropped,
    /// The call stays up when the client is gone.
    OutlivesClient,
}

/// Trouble while a call to the agent is delivered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DeliveryFault {
    /// The call stays queued.
    StuckQueued,
    /// It is said to ring, and does not.
    NeverRings,
    /// It rings this much later.
    RingsLate(Duration),
    /// It rings twice.
    RingsTwice,
    /// It rings at another client, who answers.
    RingsElsewhere,
    /// It is withdrawn this long after it began to ring.
    Cancelled(Duration),
    /// The invite has no session description.
    InviteEmpty,
    /// It is hung up as soon as it is answered.
    HungUpAnswered,
    /// The API says that nobody answered, whatever happened.
    StatusLies,
    /// The call stays up when the client is gone.
    OutlivesClient,
}

/// Trouble in the session description that the partner sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DescriptionFault {
    /// Text that is no description.
    Garbage,
    /// A description that is cut off.
    Truncated,
    /// No codec that the client speaks.
    NoCodec,
    /// No events for digits.
    NoEvents,
    /// A fingerprint that is not the certificate's.
    WrongFingerprint,
    /// No address to send to.
    NoCandidates,
    /// An address at which nobody answers.
    DeadCandidate,
    /// Credentials that the checks will not have.
    WrongCredentials,
}

/// Trouble on the path of the media, or with its keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PathFault {
    /// Checks are never answered.
    ChecksUnanswered,
    /// Checks are answered this much later than asked for.
    ChecksLate(Duration),
    /// The key agreement is never answered.
    KeysUnanswered,
    /// The key agreement is answered with garbage.
    KeysGarbage,
    /// Everything stops this long after the keys were agreed.
    StopsAfter(Duration),
}

/// Trouble in what is heard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SoundFault {
    /// No packet is ever sent.
    NoPackets,
    /// Packets of silence.
    Silence,
    /// The agent is not heard: nothing comes back, though the far side itself is heard.
    NotHeard,
    /// Another call's tone.
    ForeignTone,
    /// A ring-back tone and nothing else.
    RingBack,
    /// Noise on top of what comes back, at this level below full scale, in dB.
    Noise(u8),
    /// This much quieter, in dB.
    Quiet(u8),
    /// Eight times as loud.
    Clipped,
    /// Sound begins this much later; until then comfort noise.
    Late(Duration),
    /// Silence from this long after the beginning on.
    Dies(Duration),
    /// Packets stop this long after the beginning.
    Stops(Duration),
    /// Three frames of every ten are left out.
    Choppy,
    /// This share of the packets is lost, in percent.
    Loss(u8),
    /// This share of the packets is lost, ten in a row, in percent.
    BurstLoss(u8),
    /// Packets are delayed by up to this long.
    Jitter(Duration),
    /// What comes back is delayed by this long.
    Delay(Duration),
    /// Every tenth packet overtakes the one before it.
    Reordered,
    /// Every packet comes twice.
    Doubled,
    /// Digits that the agent presses are not taken.
    DigitsLost,
}

/// Trouble once audio flows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MidCallFault {
    /// The call is hung up at this age.
    Cut(Duration),
    /// The call is hung up at this age, with this code.
    CutWith(Duration, u32),
    /// TCP is dropped at this age.
    Dropped(Duration),
    /// An `error` frame with this code at this age; the call goes on.
    ErrorFrame(Duration, u32),
    /// `hangup` of a call that is not ours at this age.
    ForeignHangup(Duration),
}

/// Trouble in the REST API.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RestFault {
    /// Answered with this HTTP status.
    Status {
        /// The status.
        status: u16,
        /// `Retry-After` in seconds.
        retry_after_s: Option<u32>,
    },
    /// Answered this much later.
    Late(Duration),
    /// Never answered.
    Hang,
    /// Answered with something that is no JSON.
    Garbage,
    /// Answered with JSON that is no call.
    NoCall,
    /// Answered with nothing.
    Empty,
    /// The connection is reset in place of an answer.
    Reset,
}
