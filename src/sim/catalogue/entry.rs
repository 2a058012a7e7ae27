//! One fault of the catalogue, and the words to write it down with.

use crate::model::{CallDirection, Outcome, Step};

use super::super::behaviour::{Behaviour, SessionFault};

/// One fault of the catalogue.
#[derive(Debug)]
pub struct Entry {
    /// Its name: kebab-case, a contract with users.
    pub name: &'static str,
    /// Where it belongs.
    pub group: Group,
    /// What the partner does, with the parameters as they are unless set.
    pub does: &'static str,
    /// What it makes the partner do.
    pub behaviour: Behaviour,
    /// How an attempt that it hits ends: a promise that the tests hold against both partners.
    pub expected: Expected,
}

/// The chapters of the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Group {
    /// The token is refused or misread.
    Token,
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
    /// The WebSocket upgrade.
    Upgrade,
    /// Signalling up to `connected`.
    Signalling,
    /// The registration.
    Registration,
    /// The partner asks us to slow down.
    Throttling,
    /// A call of the agent is set up.
    CallSetUp,
    /// Path, keys and the middle of a call.
    CallMedia,
    /// What is heard.
    Sound,
    /// A call of the agent is put through to another client.
    FarClient,
    /// A call to the agent is delivered.
    Delivery,
    /// A call to the agent comes over a phone number.
    Number,
    /// The REST API that orders calls.
    Rest,
}

impl Group {
    /// Every chapter, in order.
    pub const ALL: [Self; 14] = [
        Self::Token,
        Self::Tcp,
        Self::Tls,
        Self::Upgrade,
        Self::Signalling,
        Self::Registration,
        Self::Throttling,
        Self::CallSetUp,
        Self::CallMedia,
        Self::Sound,
        Self::FarClient,
        Self::Delivery,
        Self::Number,
        Self::Rest,
    ];

    /// In which direction a call must go that it can hit; `None` if it hits any connection.
    pub const fn calls(self) -> Option<CallDirection> {
        match self {
            Self::Token
            | Self::Tcp
            | Self::Tls
            | Self::Upgrade
            | Self::Signalling
            | Self::Registration
            | Self::Throttling => None,
            Self::CallSetUp | Self::CallMedia | Self::Sound | Self::FarClient => Some(CallDirection::Outbound),
            Self::Delivery | Self::Number | Self::Rest => Some(CallDirection::Inbound),
        }
    }

    /// Its heading.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Upgrade => "upgrade",
            Self::Signalling => "signalling",
            Self::Registration => "registration",
            Self::Throttling => "throttling",
            Self::CallSetUp => "call set-up",
            Self::CallMedia => "call media",
            Self::Sound => "sound",
            Self::FarClient => "far client",
            Self::Delivery => "delivery",
            Self::Number => "number",
            Self::Rest => "rest",
        }
    }
}

/// How an attempt that a fault hits ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// As if nothing were wrong.
    Completed,
    /// Done, though not as it should be.
    Degraded,
    /// This step is not done.
    Failed(Step),
    /// Throttled at this step.
    Throttled(Step),
}

impl Expected {
    /// How this outcome is told in the catalogue; `None` for an attempt that was lost, which no
    /// fault of the partner's can bring about.
    pub fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::Completed { degraded } if degraded.is_empty() => Some(Self::Completed),
            Outcome::Completed { .. } => Some(Self::Degraded),
            Outcome::Failed(failure) => Some(Self::Failed(failure.step)),
            Outcome::Throttled { step, .. } => Some(Self::Throttled(*step)),
            Outcome::Lost { .. } => None,
        }
    }
}

pub(super) const fn entry(
    name: &'static str,
    group: Group,
    behaviour: Behaviour,
    expected: Expected,
    does: &'static str,
) -> Entry {
    Entry { name, group, does, behaviour, expected }
}

pub(super) const fn session(fault: SessionFault) -> Behaviour {
    Behaviour::Session(fault)
}

/// One frame far above what the protocol ever needs.
pub(super) const LARGE_FRAME_BYTES: u32 = 16 * 1024 * 1024;
