//! The JSON that the API answers with (`docs/api.md`). Shapes of their own: what the engine keeps
//! may change, what scripts read may only grow. Times are RFC 3339, ids of attempts hexadecimal.

use serde::{Serialize, Serializer};

use crate::engine::calls::CallView;
use crate::engine::{
    AlertState, AlertView, Audience, Component, ComponentState, ComponentStatus, Evidence, Experience, IncidentFacts,
    IncidentState, Notice, NoticeStage, PodImpact, PodView, Rule, Split, Symptom, Verdict, View, Whose, WhoseVerdict,
};
use crate::io::store::RecordedAttempt;
use crate::message::{AffectedData, DiagnosisData};
use crate::model::{AttemptId, AttemptReport, CallDirection, Outcome, Role, Share, Timestamp, TokenKind, Traits};
use crate::plan::Severity;

use super::cover::CoverAnswer;
use super::phrase;

/// A moment as RFC 3339.
#[derive(Clone, Copy)]
pub(super) struct Moment(Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

pub(super) fn moment(at: Timestamp) -> Moment {
    Moment(at)
}

fn hex(id: AttemptId) -> String {
    id.to_string()
}

/// A list, with the moment for which it is true.
#[derive(Serialize)]
pub(super) struct Listed<T> {
    at: Moment,
    items: Vec<T>,
    /// Where the next page begins, if there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_before: Option<Moment>,
}

impl<T> Listed<T> {
    pub(super) fn new(view: &View, items: impl IntoIterator<Item = T>) -> Self {
        Self { at: moment(view.at), items: items.into_iter().collect(), next_before: None }
    }

    pub(super) fn page(mut self, next_before: Option<Timestamp>) -> Self {
        self.next_before = next_before.map(moment);
        self
    }
}

#[derive(Serialize)]
pub(super) struct PodAnswer {
    name: String,
    public_name: String,
    verdict: Verdict,
    since: Moment,
    paused_until: Option<Moment>,
    recent: RecentAnswer,
    baseline: Share,
    share_bound_used: Share,
    in_flight: u32,
    last_observed: Option<Moment>,
    certificates: Vec<CertificateAnswer>,
    probes: Vec<ProbeAnswer>,
    outcomes: Vec<MarkAnswer>,
    cover: Option<CoverAnswer>,
    /// Its test calls; absent where no probe calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<PodCallsAnswer>,
}

#[derive(Serialize)]
struct PodCallsAnswer {
    directions: Vec<CallsOfDirection>,
    /// Billed minutes, and calls: used, and how many may be.
    minutes_of_hour: (u32, u32),
    minutes_of_day: (u32, u32),
    calls_of_hour: (u32, u32),
}

#[derive(Serialize)]
struct CallsOfDirection {
    direction: CallDirection,
    failed: u32,
    of: u32,
    /// So many failed calls of so many page.
    pages_at: (u32, u32),
    looked_at: bool,
    budget_spent_since: Option<Moment>,
    last_observed: Option<Moment>,
    set_up_ms: Option<u32>,
    delivery_ms: Option<u32>,
    mos: Option<f64>,
    loss: Option<f64>,
}

impl PodCallsAnswer {
    fn of(pod: &PodView) -> Option<Self> {
        let budget = pod.call_budget?;
        let direction = |call: &CallView| CallsOfDirection {
            direction: call.direction,
            failed: call.recent.0,
            of: call.recent.1,
            pages_at: (call.rule.k, call.rule.n),
            looked_at: call.looked_at,
            budget_spent_since: call.stopped.map(moment),
            last_observed: call.last.map(moment),
            set_up_ms: call.set_up_ms,
            delivery_ms: call.delivery_ms,
            mos: call.mos_centi.map(|mos| f64::from(mos) / 100.0),
            loss: call.loss_permille.map(|loss| f64::from(loss) / 1000.0),
        };
        Some(Self {
            directions: pod.calls.iter().map(direction).collect(),
            minutes_of_hour: budget.hour,
            minutes_of_day: budget.day,
            calls_of_hour: budget.calls,
        })
    }
}

#[derive(Serialize)]
struct RecentAnswer {
    failed: u32,
    of: u32,
    minutes: u32,
}

#[derive(Serialize)]
struct CertificateAnswer {
    edge: String,
    days_left: i64,
}

#[derive(Serialize)]
struct ProbeAnswer {
    name: String,
    next: Option<Moment>,
}

#[derive(Serialize)]
struct MarkAnswer {
    at: Moment,
    outcome: &'static str,
    took_ms: u32,
}

impl PodAnswer {
    pub(super) fn of(pod: &PodView, view: &View) -> Self {
        let certificates = pod.certificate_days.iter();
        Self {
            name: pod.name.to_string(),
            public_name: pod.public_name.clone(),
            verdict: pod.verdict,
            since: moment(pod.since),
            paused_until: pod.paused_until.max(view.paused_until).map(moment),
            recent: RecentAnswer { failed: pod.recent.0, of: pod.recent.1, minutes: 5 },
            baseline: pod.baseline,
            share_bound_used: pod.cusum,
            in_flight: pod.in_flight,
            last_observed: pod.last_observed.map(moment),
            certificates: certificates
                .map(|(edge, days)| CertificateAnswer { edge: edge.to_string(), days_left: *days })
                .collect(),
            probes: pod
                .probes
                .iter()
                .map(|probe| ProbeAnswer { name: probe.name.to_string(), next: probe.next.map(moment) })
                .collect(),
            outcomes: pod
                .outcomes
                .iter()
                .map(|mark| MarkAnswer { at: moment(mark.at), outcome: mark.outcome, took_ms: mark.took_ms })
                .collect(),
            calls: PodCallsAnswer::of(pod),
            cover: pod.cover.as_ref().map(|cover| CoverAnswer::of(cover, view.at)),
        }
    }
}

#[derive(Serialize)]
pub(super) struct AlertAnswer {
    pod: Option<String>,
    rule: Rule,
    audience: Audience,
    state: AlertState,
    since: Moment,
    incident: Option<u32>,
    experience: Option<ExperienceAnswer>,
    evidence: Option<EvidenceAnswer>,
}

impl AlertAnswer {
    pub(super) fn of(alert: &AlertView) -> Self {
        Self {
            pod: alert.pod.as_ref().map(ToString::to_string),
            rule: alert.rule,
            audience: alert.audience,
            state: alert.state,
            since: moment(alert.since),
            incident: alert.incident.map(|number| number.0),
            experience: alert.experience.map(|experience| ExperienceAnswer::of(&experience)),
            evidence: alert.evidence.as_ref().map(EvidenceAnswer::of),
        }
    }
}

#[derive(Serialize)]
struct ExperienceAnswer {
    kind: &'static str,
    /// The only kind of token that fails, if it is one kind: the share is among its holders.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_kind: Option<TokenKind>,
    /// Ends of the 95 % interval of the share hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<(Share, Share)>,
    /// What agents meet in calls, and in how many test calls of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<CallsAnswer>,
    text: String,
}

#[derive(Serialize)]
struct CallsAnswer {
    /// Absent for both directions.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<CallDirection>,
    trouble: &'static str,
    bad: u32,
    of: u32,
}

impl ExperienceAnswer {
    fn of(experience: &Experience) -> Self {
        let token_kind = match experience {
            Experience::SomeAgents { kind, .. } => *kind,
            _ => None,
        };
        let (kind, share) = match experience {
            Experience::NobodyConnects => ("nobody_connects", None),
            Experience::SomeAgents { share, .. } => ("some_agents", Some(*share)),
            Experience::SomeConnections { share } => ("some_connections", Some(*share)),
            Experience::ComesAndGoes => ("comes_and_goes", None),
            Experience::Calls { .. } => ("calls", None),
            Experience::NotAffected => ("not_affected", None),
            Experience::Unknown => ("unknown", None),
        };
        let calls = match *experience {
            Experience::Calls { direction, trouble, bad, of } => {
                Some(CallsAnswer { direction, trouble: trouble.as_str(), bad, of })
            }
            _ => None,
        };
        Self { kind, token_kind, share, calls, text: phrase::experience(experience) }
    }
}

#[derive(Serialize)]
struct SymptomAnswer {
    step: &'static str,
    reason: String,
    wire_code: Option<u32>,
    device_error: Option<DeviceErrorAnswer>,
}

#[derive(Serialize)]
struct DeviceErrorAnswer {
    code: u32,
    name: String,
}

impl SymptomAnswer {
    fn of(symptom: &Symptom) -> Self {
        Self {
            step: symptom.step.as_str(),
            reason: symptom.reason.to_string(),
            wire_code: symptom.wire_code,
            device_error: symptom
                .device_error
                .as_ref()
                .map(|(code, name)| DeviceErrorAnswer { code: *code, name: name.clone() }),
        }
    }
}

#[derive(Serialize)]
struct EvidenceAnswer {
    failed: u32,
    of: u32,
    first_failed: String,
    since: Moment,
    symptom: Option<SymptomAnswer>,
    attempts: Vec<String>,
    splits: Vec<SplitAnswer>,
}

impl EvidenceAnswer {
    fn of(evidence: &Evidence) -> Self {
        Self {
            failed: evidence.failed,
            of: evidence.of,
            first_failed: hex(evidence.first_failed),
            since: moment(evidence.since),
            symptom: evidence.symptom.as_ref().map(SymptomAnswer::of),
            attempts: evidence.attempts.iter().copied().map(hex).collect(),
            splits: evidence.splits.iter().map(SplitAnswer::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct SplitAnswer {
    class: String,
    failed: u32,
    of: u32,
    others_failed: u32,
    others_of: u32,
}

impl SplitAnswer {
    fn of(split: &Split) -> Self {
        let Split { failed, of, others_failed, others_of, .. } = *split;
        Self { class: phrase::class(&split.class), failed, of, others_failed, others_of }
    }
}

#[derive(Serialize)]
pub(super) struct IncidentAnswer {
    number: u32,
    dedup_key: String,
    subject: String,
    audience: Audience,
    severity: Severity,
    state: IncidentState,
    location: String,
    opened: Moment,
    resolved: Option<Moment>,
    first_failure: Moment,
    first_failed: String,
    symptom: Option<SymptomAnswer>,
    diagnosis: Option<DiagnosisData>,
    pods_watched: u32,
    pods: Vec<ImpactAnswer>,
    whose: WhoseAnswer,
    configured: Option<Moment>,
    trouble: Option<crate::engine::Trouble>,
    runbooks: Vec<String>,
}

impl IncidentAnswer {
    pub(super) fn of(incident: &IncidentFacts) -> Self {
        Self {
            number: incident.number.0,
            dedup_key: incident.dedup_key.clone(),
            subject: incident.subject.clone(),
            audience: incident.audience,
            severity: incident.severity,
            state: incident.state,
            location: incident.location.to_string(),
            opened: moment(incident.opened),
            resolved: incident.resolved.map(moment),
            first_failure: moment(incident.first_failure),
            first_failed: hex(incident.first_failed),
            symptom: incident.symptom.as_ref().map(SymptomAnswer::of),
            diagnosis: DiagnosisData::of(incident),
            pods_watched: incident.pods_watched,
            pods: incident.pods.iter().map(|impact| ImpactAnswer::of(incident, impact)).collect(),
            whose: WhoseAnswer::of(&incident.whose),
            configured: incident.configured.map(moment),
            trouble: incident.trouble,
            runbooks: incident.runbooks.clone(),
        }
    }
}

#[derive(Serialize)]
struct ImpactAnswer {
    pod: String,
    rules: Vec<Rule>,
    fired: Moment,
    resolved: Option<Moment>,
    experience: ExperienceAnswer,
    affected: Option<AffectedData>,
    evidence: EvidenceAnswer,
}

impl ImpactAnswer {
    fn of(incident: &IncidentFacts, impact: &PodImpact) -> Self {
        Self {
            pod: impact.pod.to_string(),
            rules: impact.rules.clone(),
            fired: moment(impact.fired),
            resolved: impact.resolved.map(moment),
            experience: ExperienceAnswer::of(&impact.experience),
            affected: AffectedData::of(incident, impact),
            evidence: EvidenceAnswer::of(&impact.evidence),
        }
    }
}

#[derive(Serialize)]
struct WhoseAnswer {
    verdict: WhoseVerdict,
    sure: Share,
    /// Control targets that answered, of how many.
    controls: Option<(u8, u8)>,
    healthy_pods: u32,
    text: String,
}

impl WhoseAnswer {
    fn of(whose: &Whose) -> Self {
        Self {
            verdict: whose.verdict.clone(),
            sure: whose.sure,
            controls: whose.controls,
            healthy_pods: whose.healthy_pods,
            text: phrase::whose(whose),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ComponentAnswer {
    pod: String,
    public_name: String,
    component: Component,
    state: ComponentState,
    since: Moment,
    looked_at: bool,
}

impl ComponentAnswer {
    pub(super) fn of(status: &ComponentStatus) -> Self {
        Self {
            pod: status.pod.to_string(),
            public_name: status.public_name.clone(),
            component: status.component,
            state: status.state,
            since: moment(status.since),
            looked_at: status.looked_at,
        }
    }
}

#[derive(Serialize)]
pub(super) struct NoticeAnswer {
    incident: u32,
    started: Moment,
    stage: NoticeStage,
    public_names: Vec<String>,
    everybody: bool,
    all_pods: bool,
    updates: Vec<UpdateAnswer>,
}

#[derive(Serialize)]
struct UpdateAnswer {
    at: Moment,
    stage: NoticeStage,
    next_by: Option<Moment>,
}

impl NoticeAnswer {
    pub(super) fn of(notice: &Notice) -> Self {
        let updates = notice.updates.iter();
        Self {
            incident: notice.incident.0,
            started: moment(notice.started),
            stage: notice.stage(),
            public_names: notice.public_names.clone(),
            everybody: notice.everybody,
            all_pods: notice.all_pods,
            updates: updates
                .map(|u| UpdateAnswer { at: moment(u.at), stage: u.stage, next_by: u.next_by.map(moment) })
                .collect(),
        }
    }
}

#[derive(Serialize)]
pub struct AttemptAnswer {
    id: String,
    pod: String,
    probe: String,
    role: Role,
    started: Moment,
    finished: Moment,
    #[serde(flatten)]
    outcome: Outcome,
    steps: Vec<StepAnswer>,
    traits: Traits,
    certificate_not_after: Option<Moment>,
    partner: crate::model::PartnerSaid,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Box<crate::model::CallFacts>>,
}

#[derive(Serialize)]
struct StepAnswer {
    step: &'static str,
    took_ms: f64,
}

impl AttemptAnswer {
    /// The attempt as it was recorded.
    pub fn of(attempt: &RecordedAttempt) -> Self {
        let AttemptReport { id, started, finished, outcome, traits, steps, certificate, partner, call } =
            &attempt.report;
        Self {
            id: hex(*id),
            pod: attempt.pod.to_string(),
            probe: attempt.probe.to_string(),
            role: attempt.role,
            started: moment(*started),
            finished: moment(*finished),
            outcome: outcome.clone(),
            steps: steps
                .iter()
                .map(|timing| StepAnswer {
                    step: timing.step.as_str(),
                    took_ms: timing.took.as_micros() as f64 / 1000.0,
                })
                .collect(),
            traits: traits.clone(),
            certificate_not_after: certificate.map(|seen| moment(seen.not_after)),
            partner: partner.clone(),
            call: call.clone(),
        }
    }
}

/// What a live update tells: enough to see that something changed, not the whole state.
#[derive(Serialize)]
pub(super) struct PulseAnswer {
    at: Moment,
    facts: u64,
    pods: Vec<PodPulse>,
    alerts_firing: usize,
    incidents_open: usize,
}

#[derive(Serialize)]
struct PodPulse {
    name: String,
    verdict: Verdict,
    failed: u32,
    of: u32,
}

impl PulseAnswer {
    pub(super) fn of(view: &View) -> Self {
        Self {
            at: moment(view.at),
            facts: view.facts,
            pods: view
                .pods
                .iter()
                .map(|pod| PodPulse {
                    name: pod.name.to_string(),
                    verdict: pod.verdict,
                    failed: pod.recent.0,
                    of: pod.recent.1,
                })
                .collect(),
            alerts_firing: view.alerts.iter().filter(|alert| alert.state == AlertState::Firing).count(),
            incidents_open: view.incidents.iter().filter(|i| i.state == IncidentState::Firing).count(),
        }
    }
}
