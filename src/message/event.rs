//! The JSON that machines are told: the body of the signed webhook. Its shape is public
//! (`docs/webhook.md`) and separate from the engine's own, which may change.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::{
    Audience, ConfigurationClue, Experience, IncidentFacts, IncidentState, Notification, NotifyReason, PodImpact,
    Split, Symptom, TraitClass, Whose, WhoseVerdict,
};
use crate::model::{CallDirection, FailureReason, IceTrouble, OwnServerTrouble, Share, Timestamp};

use super::calls;
use super::diagnosis::class_in_words;
use super::{AffectedData, DiagnosisData};
use super::{headline, incident_url, subject};

/// The largest body, in bytes (Standard Webhooks asks to stay under 20 kB). What does not fit is
/// left out: first attempt ids, then classes, then pods, whose number is then given.
pub const BODY_BYTES_MAX: usize = 20_000;
/// Attempt ids that are given for a pod.
const ATTEMPTS_MAX: usize = 4;

/// One event about an incident.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct IncidentEvent {
    /// `ringcheck.incident.opened`, `.widened`, `.learned` or `.resolved`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When it was decided to tell this, RFC 3339 in UTC. The same on every retry.
    pub timestamp: String,
    /// The incident as it was known then.
    pub data: IncidentData,
}

/// All that is told about an incident.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct IncidentData {
    /// Its number on this node.
    pub number: u32,
    /// The same for every event of this incident; merge on it.
    pub dedup_key: String,
    /// Which message about it this is, from 1.
    pub sequence: u32,
    /// `firing` or `resolved`.
    pub state: &'static str,
    /// `critical` or `warning`.
    pub severity: &'static str,
    /// `voice_on_call` (agents cannot work) or `monitor_owner` (ringcheck cannot look).
    pub audience: &'static str,
    /// The mail's subject; the same for every event of this incident.
    pub subject: String,
    /// One line that says it all, for people.
    pub headline: String,
    /// The incident's page for operators.
    pub url: String,
    /// Seen from this location.
    pub location: String,
    /// When it was opened, RFC 3339.
    pub opened: String,
    /// When it was proven to be over, RFC 3339; null while it fires.
    pub resolved: Option<String>,
    /// When the first failed attempt began, RFC 3339.
    pub first_failure: String,
    /// That attempt's id, 16 hex digits.
    pub first_failed_attempt: String,
    /// What the failures look like; null where nothing has failed.
    pub symptom: Option<SymptomData>,
    /// What separates failing from passing tokens; null where that is not looked for.
    pub diagnosis: Option<DiagnosisData>,
    /// Whose fault it seems to be.
    pub whose: WhoseData,
    /// The pods hit, in the order in which they were; empty for troubles of location or ringcheck.
    pub pods: Vec<PodData>,
    /// Pods that were left out to keep the body small.
    pub pods_left_out: u32,
    /// Pods that are watched.
    pub pods_watched: u32,
    /// What of ringcheck itself is in trouble: `journal`, `store`, `facts`, `receiver`, `secret`,
    /// `network`, `attempts`; null if it is not about ringcheck.
    pub trouble: Option<String>,
    /// When ringcheck's configuration was last changed, RFC 3339.
    pub configured: Option<String>,
    /// Runbooks of the pods hit.
    pub runbooks: Vec<String>,
    /// The receiver that could not be reached, if this one is told in its place.
    pub instead_of: Option<String>,
}

/// What failures look like.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct SymptomData {
    /// The step that was not done, for example `connected`.
    pub step: &'static str,
    /// What happened, for example `rejected`, `no_answer`, `http_status`.
    pub reason: String,
    /// The number that belongs to the reason (an HTTP status, a WebSocket close code).
    pub reason_number: Option<u16>,
    /// The partner's code on the wire.
    pub wire_code: Option<u32>,
    /// What the agent's device raises; null where it raises nothing and waits for ever.
    pub device_error: Option<DeviceErrorData>,
}

/// An error of the agent's device.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct DeviceErrorData {
    /// Its code.
    pub code: u32,
    /// The SDK's name of it.
    pub name: String,
}

/// Whose fault it seems to be.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct WhoseData {
    /// `partner`, `partner_for_pods`, `pod_configuration`, `location`, `ringcheck`.
    pub verdict: &'static str,
    /// With `pod_configuration`: `credentials`, `application`, `token_endpoint`, `one_key`, `own_server`.
    pub clue: Option<&'static str>,
    /// With `own_server`: which server that the pod's own file names, and what is wrong with it.
    pub own_server: Option<OwnServerData>,
    /// How sure, 0 to 1; under 0.9 read it as "not yet known".
    pub sure: f64,
    /// Control targets that answered; null if they were not asked.
    pub controls_answered: Option<u8>,
    /// Control targets in all.
    pub controls: Option<u8>,
    /// Other pods that are healthy.
    pub healthy_pods: u32,
}

/// A server that the pod's own file names, and that is of no use.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct OwnServerData {
    /// What it was asked for: `stun`, `turn-udp`, `turn-tcp`, `turn-tls`.
    pub service: &'static str,
    /// What is wrong: `name_not_found`, `unreachable`, `tls_failed`, `no_answer`, `refused`, `malformed`, `ended`.
    pub trouble: String,
    /// With `refused`: its STUN error code, 401 for wrong credentials.
    pub stun_error: Option<u16>,
}

/// One pod's part.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct PodData {
    /// Its name.
    pub name: String,
    /// The rules that fired, for example `outage`, `token_bound`, `share`.
    pub rules: Vec<&'static str>,
    /// When the first of them fired, RFC 3339.
    pub fired: String,
    /// When it was proven to be well again, RFC 3339.
    pub resolved: Option<String>,
    /// What its agents experience.
    pub experience: ExperienceData,
    /// Which share of its agents is hit, by its configured population; null while it is not known
    /// which tokens fail, or where no population is configured.
    pub affected: Option<AffectedData>,
    /// Failed attempts among those that the newest alert rests on.
    pub failed: u32,
    /// Those attempts.
    pub of: u32,
    /// Ids of some of them, newest last; at most 4.
    pub attempts: Vec<String>,
    /// What separates failing from passing attempts, best first. "So far": not proven.
    pub splits: Vec<SplitData>,
}

/// What agents experience.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct ExperienceData {
    /// `nobody_connects`, `some_agents` (always the same), `some_connections` (any agent),
    /// `comes_and_goes`, `calls` (agents connect; their calls fail or are bad), `not_affected`,
    /// `unknown`.
    pub kind: &'static str,
    /// With `some_agents`, if only tokens of one kind fail: `capability` or `access`. The share is
    /// then among the agents who hold tokens of that kind. Null if it is among all agents.
    pub token_kind: Option<String>,
    /// Lower end of the 95 % interval of the share hit, 0 to 1.
    pub share_low: Option<f64>,
    /// Its upper end.
    pub share_high: Option<f64>,
    /// With `calls`: what agents meet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<CallsData>,
}

/// What agents meet in calls.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct CallsData {
    /// `outbound`, `inbound`; null for both.
    pub direction: Option<&'static str>,
    /// `not_placed`, `not_answered`, `ends_ringing`, `ends_at_answer`, `not_taken`, `not_delivered`,
    /// `elsewhere`, `queued`, `rings_twice`, `withdrawn`, `not_accepted`, `no_media`,
    /// `hear_nothing`, `not_heard`, `wrong_audio`, `cut`, `audio_stops`, `slow_set_up`,
    /// `late_delivery`, `one_way`, `poor_audio`, `choppy`, `too_quiet`, `distorted`, `starts_late`,
    /// `long_delay`.
    pub trouble: &'static str,
    /// The same for people.
    pub text: String,
    /// Test calls that met it since it began.
    pub bad: u32,
    /// All test calls since then.
    pub of: u32,
}

/// How a class of attempts fared against all others.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub struct SplitData {
    /// Which class: `kind`, `key`, `name_residue`, `payload_symbol`, `signature_symbol`, `edge`.
    pub class: &'static str,
    /// The class in words.
    pub text: String,
    /// Attempts of the class that failed.
    pub failed: u32,
    /// Attempts of the class.
    pub of: u32,
    /// Other attempts that failed.
    pub others_failed: u32,
    /// Other attempts.
    pub others_of: u32,
}

/// The event for one message.
pub fn event(notification: &Notification, external_url: &str) -> IncidentEvent {
    let mut event = whole(notification, external_url);
    for trim in [drop_attempts, drop_splits] {
        if size(&event) <= BODY_BYTES_MAX {
            return event;
        }
        event.data.pods.iter_mut().for_each(trim);
    }
    while size(&event) > BODY_BYTES_MAX && event.data.pods.pop().is_some() {
        event.data.pods_left_out += 1;
    }
    event
}

fn drop_attempts(pod: &mut PodData) {
    pod.attempts.clear();
}

fn drop_splits(pod: &mut PodData) {
    pod.splits.clear();
}

fn size(event: &IncidentEvent) -> usize {
    serde_json::to_string(event).map_or(usize::MAX, |text| text.len())
}

fn whole(notification: &Notification, external_url: &str) -> IncidentEvent {
    let facts = &notification.incident;
    let data = IncidentData {
        number: facts.number.0,
        dedup_key: facts.dedup_key.clone(),
        sequence: notification.sequence,
        state: match facts.state {
            IncidentState::Firing => "firing",
            IncidentState::Resolved => "resolved",
        },
        severity: facts.severity.as_str(),
        audience: match facts.audience {
            Audience::VoiceOnCall => "voice_on_call",
            Audience::MonitorOwner => "monitor_owner",
        },
        subject: subject(facts),
        headline: headline(facts, notification.reason),
        url: incident_url(external_url, facts),
        location: facts.location.to_string(),
        opened: facts.opened.to_rfc3339(),
        resolved: facts.resolved.map(Timestamp::to_rfc3339),
        first_failure: facts.first_failure.to_rfc3339(),
        first_failed_attempt: facts.first_failed.to_string(),
        symptom: facts.symptom.as_ref().map(symptom),
        diagnosis: DiagnosisData::of(facts),
        whose: whose(&facts.whose),
        pods: facts.pods.iter().map(|impact| pod(facts, impact)).collect(),
        pods_left_out: 0,
        pods_watched: facts.pods_watched,
        trouble: facts.trouble.and_then(word),
        configured: facts.configured.map(Timestamp::to_rfc3339),
        runbooks: facts.runbooks.clone(),
        instead_of: notification.instead_of.as_ref().map(ToString::to_string),
    };
    IncidentEvent { kind: kind(notification.reason), timestamp: notification.at.to_rfc3339(), data }
}

const fn kind(reason: NotifyReason) -> &'static str {
    match reason {
        NotifyReason::First => "ringcheck.incident.opened",
        NotifyReason::Wider => "ringcheck.incident.widened",
        NotifyReason::Learned => "ringcheck.incident.learned",
        NotifyReason::Resolved => "ringcheck.incident.resolved",
    }
}

fn symptom(symptom: &Symptom) -> SymptomData {
    let (reason, reason_number) = reason(symptom.reason);
    SymptomData {
        step: symptom.step.as_str(),
        reason,
        reason_number,
        wire_code: symptom.wire_code,
        device_error: symptom.device_error.clone().map(|(code, name)| DeviceErrorData { code, name }),
    }
}

/// The reason's word and number: `{"http_status":503}` becomes two plain fields.
fn reason(reason: FailureReason) -> (String, Option<u16>) {
    let number = match reason {
        FailureReason::HttpStatus(number)
        | FailureReason::Closed(number)
        | FailureReason::TokenEndpointStatus(number) => Some(number),
        _ => None,
    };
    (word(reason).unwrap_or_default(), number)
}

/// The word under which an enum's variant is serialised.
fn word(value: impl Serialize) -> Option<String> {
    match serde_json::to_value(value).ok()? {
        serde_json::Value::String(word) => Some(word),
        serde_json::Value::Object(fields) => fields.into_iter().next().map(|(word, _)| word),
        _ => None,
    }
}

fn whose(whose: &Whose) -> WhoseData {
    let (verdict, clue) = match &whose.verdict {
        WhoseVerdict::Partner => ("partner", None),
        WhoseVerdict::PartnerForPods => ("partner_for_pods", None),
        WhoseVerdict::PodConfiguration(clue) => ("pod_configuration", Some(clue_word(*clue))),
        WhoseVerdict::Location => ("location", None),
        WhoseVerdict::Ringcheck => ("ringcheck", None),
    };
    WhoseData {
        verdict,
        clue,
        own_server: match &whose.verdict {
            WhoseVerdict::PodConfiguration(ConfigurationClue::OwnServer(of)) => Some(own_server(*of)),
            _ => None,
        },
        sure: rounded(whose.sure),
        controls_answered: whose.controls.map(|(answered, _)| answered),
        controls: whose.controls.map(|(_, of)| of),
        healthy_pods: whose.healthy_pods,
    }
}

fn own_server(of: OwnServerTrouble) -> OwnServerData {
    let stun_error = match of.trouble {
        IceTrouble::Refused(code) => Some(code),
        _ => None,
    };
    OwnServerData { service: of.service.as_str(), trouble: word(of.trouble).unwrap_or_default(), stun_error }
}

const fn clue_word(clue: ConfigurationClue) -> &'static str {
    match clue {
        ConfigurationClue::Credentials => "credentials",
        ConfigurationClue::Application => "application",
        ConfigurationClue::TokenEndpoint => "token_endpoint",
        ConfigurationClue::OneKey => "one_key",
        ConfigurationClue::OwnServer(_) => "own_server",
    }
}

fn pod(facts: &IncidentFacts, impact: &PodImpact) -> PodData {
    let evidence = &impact.evidence;
    let newest = evidence.attempts.len().saturating_sub(ATTEMPTS_MAX);
    PodData {
        name: impact.pod.to_string(),
        rules: impact.rules.iter().map(|rule| rule.as_str()).collect(),
        fired: impact.fired.to_rfc3339(),
        resolved: impact.resolved.map(Timestamp::to_rfc3339),
        experience: experience(impact.experience),
        affected: AffectedData::of(facts, impact),
        failed: evidence.failed,
        of: evidence.of,
        attempts: evidence.attempts[newest..].iter().map(ToString::to_string).collect(),
        splits: evidence.splits.iter().map(split).collect(),
    }
}

fn experience(experience: Experience) -> ExperienceData {
    let (kind, share) = match experience {
        Experience::NobodyConnects => ("nobody_connects", None),
        Experience::SomeAgents { share, .. } => ("some_agents", Some(share)),
        Experience::SomeConnections { share } => ("some_connections", Some(share)),
        Experience::ComesAndGoes => ("comes_and_goes", None),
        Experience::Calls { .. } => ("calls", None),
        Experience::NotAffected => ("not_affected", None),
        Experience::Unknown => ("unknown", None),
    };
    let (share_low, share_high) = (share.map(|share| rounded(share.0)), share.map(|share| rounded(share.1)));
    let token_kind = match experience {
        Experience::SomeAgents { kind, .. } => kind.map(|kind| kind.to_string()),
        _ => None,
    };
    let calls = match experience {
        Experience::Calls { direction, trouble, bad, of } => Some(CallsData {
            direction: direction.map(CallDirection::as_str),
            trouble: trouble.as_str(),
            text: calls::meet(direction, trouble),
            bad,
            of,
        }),
        _ => None,
    };
    ExperienceData { kind, token_kind, share_low, share_high, calls }
}

/// Three digits: more would pretend a precision that no share here has.
fn rounded(share: Share) -> f64 {
    (share.get() * 1000.0).round() / 1000.0
}

fn split(split: &Split) -> SplitData {
    let class = match split.class {
        TraitClass::Kind(_) => "kind",
        TraitClass::Key(..) => "key",
        TraitClass::NameResidue(..) => "name_residue",
        TraitClass::PayloadSymbol(..) => "payload_symbol",
        TraitClass::SignatureSymbol(_) => "signature_symbol",
        TraitClass::Edge(_) => "edge",
        TraitClass::CallHold(_) => "call_hold",
        TraitClass::CallRing(_) => "call_ring",
        TraitClass::CallTo(_) => "call_to",
        TraitClass::CallFarEnd(_) => "call_far_end",
        TraitClass::CallCodec(_) => "call_codec",
    };
    SplitData {
        class,
        text: class_in_words(&split.class),
        failed: split.failed,
        of: split.of,
        others_failed: split.others_failed,
        others_of: split.others_of,
    }
}
