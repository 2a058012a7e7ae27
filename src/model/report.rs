//! What an attempt is asked to be, and what it tells.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    AttemptId, CallFacts, CallWish, EdgeName, KeySlot, Outcome, PodName, ProbeName, Role, Step, Timestamp, TokenKind,
    TokenShape, TokenWish, Traits,
};

/// One attempt to make; everything the minter and the dialer need to know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AttemptSpec {
    /// Its id.
    pub id: AttemptId,
    /// In which pod.
    pub pod: PodName,
    /// Of which probe.
    pub probe: ProbeName,
    /// Why.
    pub role: Role,
    /// With which token.
    pub token: TokenWish,
    /// Through which edge first.
    pub edge: EdgeName,
    /// When it starts.
    pub at: Timestamp,
    /// When the engine gives it up as lost; later than the sum of what the steps may take.
    pub deadline: Timestamp,
    /// The test call to make; `None` to connect only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallWish>,
}

impl AttemptSpec {
    /// What is kept of it: all but what only the minter needs.
    pub fn remembered(&self) -> Self {
        Self { token: self.token.remembered(), ..self.clone() }
    }

    /// What is known of a token that never came to be, or of whose text nothing was told: what was
    /// asked for. Of the same token again only the earlier attempt knew more.
    pub fn traits_asked_for(&self) -> Traits {
        let (kind, key, name_length) = match self.token {
            TokenWish::Fresh { kind, key, name_length, .. } => (kind, key, name_length),
            TokenWish::Same { .. } => (TokenKind::Access, KeySlot(0), 0),
        };
        Traits { kind, key, name_length, edge: self.edge.clone(), family: None, shape: TokenShape::default() }
    }
}

/// What an attempt tells when it is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AttemptReport {
    /// Which attempt.
    pub id: AttemptId,
    /// When its first step began.
    pub started: Timestamp,
    /// When its outcome was known.
    pub finished: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// What a fault could depend on.
    pub traits: Traits,
    /// The steps that were done or begun, in order, with how long each took.
    pub steps: Vec<StepTiming>,
    /// The certificate that the edge showed, if it came that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateSeen>,
    /// What the partner said about itself.
    #[serde(default)]
    pub partner: PartnerSaid,
    /// What is known of the test call, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Box<CallFacts>>,
}

/// One step's time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StepTiming {
    /// Which step.
    pub step: Step,
    /// How long it took, or how long we waited for it.
    #[serde(with = "micros")]
    pub took: Duration,
}

/// The end of the certificate's life, as the edge showed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CertificateSeen {
    /// `notAfter` of the leaf.
    pub not_after: Timestamp,
}

impl CertificateSeen {
    /// Whole days left at `now`; negative when it is past.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        (self.not_after.as_millis() - now.as_millis()).div_euclid(86_400_000)
    }
}

/// What the partner said about where we are connected; evidence for its support.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct PartnerSaid {
    /// The gateway's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The region, in the partner's long form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The edge it says we reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<String>,
    /// The address that we connected to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<std::net::SocketAddr>,
}

mod micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(length: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(length.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_micros)
    }
}
