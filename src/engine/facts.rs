//! What an alert, an incident and a notification rest on. Everything a page says is in here;
//! `message/` only finds the words.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{
    AttemptId, CallDirection, Codec, EdgeName, ErrorClass, Failure, FailureReason, IncidentNumber, KeySlot,
    LocationName, OwnServerTrouble, PodName, ReceiverName, Share, Step, Symbol, Timestamp, TokenKind,
};
use crate::plan::{CallTarget, FarEnd, Severity};

use super::{Audience, Rule};
use crate::diagnosis::{Affected, Finding, Remedy};

/// What a failing attempt looks like from outside. Failures with one symptom have one cause until
/// the evidence says otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Symptom {
    /// The step that was not done.
    pub step: Step,
    /// What happened.
    pub reason: FailureReason,
    /// The partner's code on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_code: Option<u32>,
    /// The last device error that an agent's application gets, as code and name; none where the
    /// agent's device raises nothing and waits for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_error: Option<(u32, String)>,
    /// What kind of trouble that device error is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ErrorClass>,
}

impl Symptom {
    /// The symptom of a failure.
    pub fn of(failure: &Failure) -> Self {
        Self {
            step: failure.step,
            reason: failure.reason,
            wire_code: failure.wire_code,
            device_error: failure.device_errors.last().map(|error| (error.code, error.name.clone().into_owned())),
            class: failure.device_errors.last().map(|error| error.class),
        }
    }
}

/// A class of attempts by one trait, or by two together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraitClass {
    /// A symbol in the payload at an offset with this residue mod 4.
    PayloadSymbol(Symbol, u8),
    /// A symbol anywhere in the signature.
    SignatureSymbol(Symbol),
    /// A kind of token.
    Kind(TokenKind),
    /// A key, by its place in the pod's list, of a kind.
    Key(TokenKind, KeySlot),
    /// Names whose length leaves this residue mod 3, with a kind of token.
    NameResidue(TokenKind, u8),
    /// An edge.
    Edge(EdgeName),
    /// Calls that are listened to for so many milliseconds or longer.
    CallHold(u32),
    /// Calls that ring for so many milliseconds or longer.
    CallRing(u32),
    /// Calls whose speech is coded so.
    CallCodec(Codec),
    /// Inbound calls to the client itself, or over the pod's phone number.
    CallTo(CallTarget),
    /// Outbound calls that the test application answers itself, or another client of ours.
    CallFarEnd(FarEnd),
}

/// How a class of attempts fared against all others, since the trouble began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Split {
    /// The class.
    pub class: TraitClass,
    /// Attempts of the class that failed.
    pub failed: u32,
    /// Attempts of the class.
    pub of: u32,
    /// All other attempts that failed.
    pub others_failed: u32,
    /// All other attempts.
    pub others_of: u32,
}

/// What an alert rests on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// Failures among the observations that the rule looked at.
    pub failed: u32,
    /// Those observations.
    pub of: u32,
    /// The first failed attempt of this trouble.
    pub first_failed: AttemptId,
    /// When that one started.
    pub since: Timestamp,
    /// What the failures look like; the commonest if there are several.
    pub symptom: Option<Symptom>,
    /// Up to 32 attempts that it rests on, newest last.
    pub attempts: Vec<AttemptId>,
    /// Classes that separate failing from passing attempts, best first; at most 4.
    pub splits: Vec<Split>,
}

/// What agents of a pod experience, as far as we can tell.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Experience {
    /// No agent can connect.
    NobodyConnects,
    /// A share of the agents cannot connect, always the same ones.
    SomeAgents {
        /// Our estimate of their share: lower and upper end of the 95 % interval.
        share: (Share, Share),
        /// If only tokens of one kind fail: the share is among agents who hold that kind.
        kind: Option<TokenKind>,
    },
    /// A share of the connections fails, for any agent.
    SomeConnections {
        /// Our estimate of the share: lower and upper end of the 95 % interval.
        share: (Share, Share),
    },
    /// Connections break for short moments, again and again.
    ComesAndGoes,
    /// Agents can connect; their calls fail, or are bad.
    Calls {
        /// Of which direction; of both if absent.
        direction: Option<CallDirection>,
        /// What they meet.
        trouble: super::calls::CallTrouble,
        /// Test calls that did, since the trouble began.
        bad: u32,
        /// All test calls since then.
        of: u32,
    },
    /// Agents can work; something else is wrong.
    NotAffected,
    /// We cannot look.
    Unknown,
}

/// One pod's part in an incident.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PodImpact {
    /// Which pod.
    pub pod: PodName,
    /// The rules that fired here, in order.
    pub rules: Vec<Rule>,
    /// When the first of them fired.
    pub fired: Timestamp,
    /// When its alerts were resolved.
    pub resolved: Option<Timestamp>,
    /// What its agents experience.
    pub experience: Experience,
    /// What the newest alert rests on.
    pub evidence: Evidence,
    /// How long all must be well here before it counts as over; absent in facts of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable: Option<Duration>,
    /// When the pod's first certificate ends, if that is what fired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_ends: Option<Timestamp>,
    /// Whom of its agents the incident's finding hits; absent while there is none, or where it is not
    /// known what names the agents have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affected: Option<Affected>,
}

/// Whose fault it seems to be.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Whose {
    /// The likeliest answer.
    pub verdict: WhoseVerdict,
    /// How sure: the posterior of that answer. Under 90 % a page says "not yet known".
    pub sure: Share,
    /// Control targets that answered and all of them, when last asked after the trouble began.
    pub controls: Option<(u8, u8)>,
    /// Other pods that were looked at in the same time and are healthy.
    pub healthy_pods: u32,
}

impl Whose {
    /// Surer than this, a page says it; else it says "not yet known".
    pub const KNOWN: f64 = 0.9;

    /// True if we are sure enough to say it.
    pub fn is_known(&self) -> bool {
        self.sure.get() >= Self::KNOWN
    }
}

/// Whose fault.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhoseVerdict {
    /// The partner, for all pods.
    Partner,
    /// The partner, for these pods only.
    PartnerForPods,
    /// These pods' own configuration: credentials, application, token endpoint.
    PodConfiguration(ConfigurationClue),
    /// This location's network.
    Location,
    /// ringcheck itself.
    Ringcheck,
}

impl WhoseVerdict {
    /// True if it is a STUN or TURN server that a pod's file names.
    pub const fn is_own_server(&self) -> bool {
        matches!(self, Self::PodConfiguration(ConfigurationClue::OwnServer(_)))
    }
}

/// What points at a pod's own configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigurationClue {
    /// The partner does not know the account or key, or the signature does not fit.
    Credentials,
    /// The test application is wrong.
    Application,
    /// The product's own token endpoint fails.
    TokenEndpoint,
    /// One of the pod's keys fails, the others work.
    OneKey,
    /// A STUN or TURN server that the pod's file names is of no use.
    OwnServer(OwnServerTrouble),
}

/// Everything that is known about one incident; a page is made from it and from nothing else.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct IncidentFacts {
    /// Its number.
    pub number: IncidentNumber,
    /// The key under which receivers merge repeats. Derived from identity, never from time of sending.
    pub dedup_key: String,
    /// Whom it concerns.
    pub audience: Audience,
    /// How bad it is.
    pub severity: Severity,
    /// Firing or resolved.
    pub state: IncidentState,
    /// Seen from here.
    pub location: LocationName,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it was resolved.
    pub resolved: Option<Timestamp>,
    /// The start of the first failed attempt.
    pub first_failure: Timestamp,
    /// That attempt.
    pub first_failed: AttemptId,
    /// What the failures look like.
    pub symptom: Option<Symptom>,
    /// The pods hit, in the order in which they fired. Empty for troubles of location or ringcheck.
    pub pods: Vec<PodImpact>,
    /// All pods that are watched.
    pub pods_watched: u32,
    /// Whose fault it seems to be.
    pub whose: Whose,
    /// When our configuration was last changed, if it ever was while this node remembers.
    pub configured: Option<Timestamp>,
    /// What ringcheck's own trouble is, where it is one.
    pub trouble: Option<super::Trouble>,
    /// The subject line's middle, fixed at opening so that threads hold together.
    pub subject: String,
    /// What separates failing from passing tokens, as far as it is known; boxed because it is large.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<Box<Finding>>,
    /// What a token service may avoid; only while all is verified that it needs to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avoid: Option<super::Avoid>,
    /// What helps those hit now, the least effort first; empty while that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<Remedy>,
    /// Runbooks of the pods hit, without repeats.
    pub runbooks: Vec<String>,
}

/// Firing or resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentState {
    /// Still so.
    Firing,
    /// Proven to be over.
    Resolved,
}

/// Why somebody is told, now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyReason {
    /// A new incident.
    First,
    /// More pods are hit, or it has become worse.
    Wider,
    /// What we know has changed: whose fault, what separates failing from passing.
    Learned,
    /// It is over.
    Resolved,
}

impl NotifyReason {
    /// The word in JSON and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Wider => "wider",
            Self::Learned => "learned",
            Self::Resolved => "resolved",
        }
    }
}

/// One message to one receiver; kept in the outbox until it is delivered or given up.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Notification {
    /// Its id: the same on every try, so that receivers can drop repeats.
    pub id: DeliveryId,
    /// To whom.
    pub receiver: ReceiverName,
    /// Why now.
    pub reason: NotifyReason,
    /// Which message of the incident it is, from 1.
    pub sequence: u32,
    /// When it was decided.
    pub at: Timestamp,
    /// Instead of whom, if this receiver is a fallback.
    pub instead_of: Option<ReceiverName>,
    /// What is to be said.
    pub incident: IncidentFacts,
}

/// The id of one message to one receiver: `rc-<location>-<incident>-<opened ms>-<sequence>-<receiver>`.
/// Made of `a-z 0-9 -`, so that it can stand in a Message-ID and as a `webhook-id`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(pub String);

impl std::fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
