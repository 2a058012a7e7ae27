//! The rules that can fire, by the names that pages, metrics and the API use.

use serde::{Deserialize, Serialize};

use crate::model::CallDirection;

/// A rule over a pod's observations, or over ourselves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Rule {
    /// A: everything started in a span failed or is overdue.
    Outage,
    /// B: one token fails again and again while its contrasts pass.
    TokenBound,
    /// C: the share of failures is too large to be chance (CUSUM).
    Share,
    /// C2: nine of the last fifteen failed.
    HeavyShare,
    /// D: tokens with one trait fail more often than chance explains.
    Trait,
    /// F: three short blips within a quarter of an hour.
    Flapping,
    /// The owner's plain rule with this position in the pod's list.
    Plain(u8),
    /// Too many of the last calls that agents place failed.
    OutboundCalls,
    /// Too many of the last calls to agents failed.
    InboundCalls,
    /// Too many of the last calls are beyond the limit of the rule with this position.
    CallQuality(u8),
    /// No observation for too long: we do not look.
    NoData,
    /// A kind, key or edge that has never worked here fails.
    BornRed,
    /// The partner asks us to slow down.
    Throttled,
    /// Our own network is down.
    Location,
    /// The edge's certificate ends soon.
    Certificate,
    /// Fewer observations than the owner asked for.
    TooFew,
    /// ringcheck itself is in trouble.
    Ringcheck,
}

/// Whom a rule wakes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The voice on-call: agents cannot work.
    VoiceOnCall,
    /// The owner of the monitor: we cannot look, or something will break soon.
    MonitorOwner,
}

/// A rule's name that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("no rule is called {0:?}")]
pub struct UnknownRule(String);

impl From<Rule> for String {
    /// The name; a plain rule's has its position, so that a map can have it as a key.
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Plain(place) => format!("plain_{place}"),
            Rule::CallQuality(place) => format!("call_quality_{place}"),
            named => named.as_str().to_owned(),
        }
    }
}

impl TryFrom<String> for Rule {
    type Error = UnknownRule;
    fn try_from(name: String) -> Result<Self, UnknownRule> {
        if let Some(place) = name.strip_prefix("plain_").and_then(|place| place.parse().ok()) {
            return Ok(Self::Plain(place));
        }
        if let Some(place) = name.strip_prefix("call_quality_").and_then(|place| place.parse().ok()) {
            return Ok(Self::CallQuality(place));
        }
        Self::NAMED.into_iter().find(|rule| rule.as_str() == name).ok_or(UnknownRule(name))
    }
}

impl Rule {
    /// Every rule but the owner's own.
    pub const NAMED: [Self; 15] = [
        Self::Outage,
        Self::TokenBound,
        Self::Share,
        Self::HeavyShare,
        Self::Trait,
        Self::Flapping,
        Self::OutboundCalls,
        Self::InboundCalls,
        Self::NoData,
        Self::BornRed,
        Self::Throttled,
        Self::Location,
        Self::Certificate,
        Self::TooFew,
        Self::Ringcheck,
    ];

    /// Whom it wakes.
    pub const fn audience(self) -> Audience {
        match self {
            Self::Outage
            | Self::TokenBound
            | Self::Share
            | Self::HeavyShare
            | Self::Trait
            | Self::Flapping
            | Self::Plain(_)
            | Self::OutboundCalls
            | Self::InboundCalls
            | Self::CallQuality(_) => Audience::VoiceOnCall,
            Self::NoData
            | Self::BornRed
            | Self::Throttled
            | Self::Location
            | Self::Certificate
            | Self::TooFew
            | Self::Ringcheck => Audience::MonitorOwner,
        }
    }

    /// The rule over failed calls of a direction.
    pub const fn of_failing_calls(direction: CallDirection) -> Self {
        match direction {
            CallDirection::Outbound => Self::OutboundCalls,
            CallDirection::Inbound => Self::InboundCalls,
        }
    }

    /// The direction whose failed calls it counts, if it does that.
    pub const fn failing_calls(self) -> Option<CallDirection> {
        match self {
            Self::OutboundCalls => Some(CallDirection::Outbound),
            Self::InboundCalls => Some(CallDirection::Inbound),
            _ => None,
        }
    }

    /// True if it looks at calls; what is counted of connections is none of its business.
    pub const fn is_of_calls(self) -> bool {
        matches!(self, Self::OutboundCalls | Self::InboundCalls | Self::CallQuality(_))
    }

    /// True if it says that agents cannot connect.
    pub fn is_of_connections(self) -> bool {
        self.audience() == Audience::VoiceOnCall && !self.is_of_calls()
    }

    /// The name in metrics, JSON and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::TokenBound => "token_bound",
            Self::Share => "share",
            Self::HeavyShare => "heavy_share",
            Self::Trait => "trait",
            Self::Flapping => "flapping",
            Self::Plain(_) => "plain",
            Self::OutboundCalls => "outbound_calls",
            Self::InboundCalls => "inbound_calls",
            Self::CallQuality(_) => "call_quality",
            Self::NoData => "no_data",
            Self::BornRed => "born_red",
            Self::Throttled => "throttled",
            Self::Location => "location",
            Self::Certificate => "certificate",
            Self::TooFew => "too_few",
            Self::Ringcheck => "ringcheck",
        }
    }
}
