//! States for the tests of pages and routes: the incident of 10 September 2024 as a node with
//! three pods sees it, a quiet day, a large fleet, and names that try to break out.

use std::sync::Arc;
use std::time::Duration;

use crate::diagnosis::{Affected, Conjunction, Counts, FailShare, Finding, FindingState, Predicate, Remedy};
use crate::engine::{
    AlertState, AlertView, Approval, Audience, Avoid, Component, ComponentState, ComponentStatus, CoverView, Evidence,
    Experience, IncidentFacts, IncidentState, Notice, NoticeMatter, NoticeStage, NoticeUpdate, OutcomeMark, PodImpact,
    PodView, ProbeView, Rule, Split, Symptom, TraitClass, Verdict, View, Whose, WhoseVerdict,
};
use crate::io::store::RecordedAttempt;
use crate::model::{
    AttemptId, AttemptReport, Cell, CertificateSeen, DeviceError, EdgeName, ErrorClass, Failure, FailureReason,
    IncidentNumber, KeySlot, LocationName, Outcome, PartnerSaid, PodName, ProbeName, Role, Segment, Share,
    SignatureCells, Step, StepTiming, Symbol, Timestamp, TokenKind, TokenShape, Traits,
};
use crate::plan::{Severity, StatusPageSettings};
use crate::token::{CoverAges, CoverSet, Feature, PlaceAge};

/// 10 September 2024, 23:00:12 UTC.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_726_009_212_000);

pub(super) fn now() -> Timestamp {
    NOW
}

pub(super) fn ago(secs: u64) -> Timestamp {
    NOW.minus(Duration::from_secs(secs))
}

pub(super) fn settings() -> StatusPageSettings {
    StatusPageSettings {
        title: "Example Help Desk voice status".to_owned(),
        url: "https://status.example.com".to_owned(),
        notice_after: Duration::from_mins(1),
    }
}

fn pod_name(name: &str) -> PodName {
    PodName::parse(name).expect("a name")
}

fn edge() -> EdgeName {
    EdgeName::parse("ashburn").expect("a name")
}

/// Sixty outcomes, two seconds apart; every `n`th of the newest `bad` failed.
fn outcomes(bad: usize, n: usize) -> Vec<OutcomeMark> {
    let mark = |place: usize| {
        let failed = n > 0 && place >= 60 - bad && place.is_multiple_of(n);
        let outcome = match place {
            _ if failed => "failed",
            17 => "degraded",
            23 => "lost",
            _ => "completed",
        };
        OutcomeMark { at: ago((60 - place as u64) * 2), outcome, took_ms: 140 + (place as u32 * 37) % 190 }
    };
    (0..60).map(mark).collect()
}

fn pod(name: &str, public_name: &str, verdict: Verdict) -> PodView {
    let (bad, n, recent, cusum) = match verdict {
        Verdict::Failing => (40, 1, (38, 60), 1.0),
        Verdict::Partial => (45, 3, (14, 60), 1.0),
        Verdict::Flapping => (50, 9, (5, 60), 0.62),
        Verdict::Healthy | Verdict::NoData => (0, 0, (0, 60), 0.04),
    };
    PodView {
        name: pod_name(name),
        public_name: public_name.to_owned(),
        verdict,
        since: ago(141),
        paused_until: None,
        recent,
        baseline: Share::clamped(0.008),
        cusum: Share::clamped(cusum),
        in_flight: 1,
        outcomes: outcomes(bad, n),
        probes: vec![ProbeView {
            name: ProbeName::parse("connection").expect("a name"),
            next: Some(ago(0).plus(Duration::from_millis(1400))),
        }],
        certificate_days: vec![(edge(), 61)],
        last_observed: Some(ago(1)),
        calls: Vec::new(),
        call_budget: None,
        cover: Some(cover()),
    }
}

/// A pod with two kinds of tokens, in which one place has never been looked at with one of them.
fn cover() -> CoverView {
    let cell = |offset| Feature::Cell(Cell { segment: Segment::Signature, symbol: Symbol::Dash, offset });
    let looked = |what, looks: u32| PlaceAge { what, looks: Some(looks), at: Some(ago(u64::from(looks) * 2)) };
    let ages = |class, covered, never, period, worst| CoverAges {
        set: CoverSet::SignatureCells,
        class,
        reachable: 84,
        covered,
        never,
        period,
        worst,
    };
    let [access, capability] = TokenKind::ALL.map(|kind| Some((kind, KeySlot(0))));
    let pairs = CoverAges {
        set: CoverSet::SignaturePairs,
        reachable: 4,
        worst: vec![looked(Feature::Pair(Segment::Signature, Symbol::Dash, Symbol::Dash), 17)],
        ..ages(None, 4, 0, 30, Vec::new())
    };
    let never = PlaceAge { what: cell(40), looks: None, at: None };
    let sets = vec![
        ages(None, 84, 0, 30, vec![looked(cell(7), 26), looked(cell(11), 24)]),
        pairs,
        ages(access, 84, 0, 60, vec![looked(cell(9), 51)]),
        ages(capability, 83, 1, 60, vec![never]),
    ];
    CoverView { steered: true, sets }
}

fn components(pods: &[PodView]) -> Vec<ComponentStatus> {
    let states = |pod: &PodView| match pod.verdict {
        Verdict::Failing => ComponentState::MajorOutage,
        Verdict::Partial | Verdict::Flapping => ComponentState::PartialOutage,
        Verdict::Healthy | Verdict::NoData => ComponentState::Operational,
    };
    let each = |pod: &PodView| {
        Component::ALWAYS.map(|component| ComponentStatus {
            pod: pod.name.clone(),
            public_name: pod.public_name.clone(),
            component,
            state: states(pod),
            since: pod.since,
            looked_at: pod.verdict != Verdict::NoData && pod.paused_until.is_none(),
        })
    };
    pods.iter().flat_map(each).collect()
}

/// A node with these pods and nothing else to tell.
pub(super) fn view(pods: Vec<PodView>) -> View {
    View {
        at: ago(0),
        location: Some(LocationName::parse("eu-west").expect("a name")),
        components: components(&pods),
        pods,
        controls: Some((2, 2)),
        configured: Some(ago(6 * 86_400)),
        facts: 184_233,
        ..View::default()
    }
}

/// All is well.
pub(super) fn quiet() -> View {
    let names = [("pod-14", "Europe 1"), ("pod-18", "Europe 2"), ("pod-23", "United States 4")];
    view(names.map(|(name, public_name)| pod(name, public_name, Verdict::Healthy)).into())
}

/// The incident of 10 September 2024, three minutes after it was paged.
pub(super) fn incident() -> View {
    let mut view = view(vec![
        pod("pod-14", "Europe 1", Verdict::Partial),
        pod("pod-18", "Europe 2", Verdict::Partial),
        pod("pod-23", "United States 4", Verdict::Healthy),
    ]);
    view.pods[2].certificate_days = vec![(edge(), 12)];
    let facts = incident_facts();
    view.alerts = vec![
        AlertView {
            pod: Some(pod_name("pod-14")),
            rule: Rule::TokenBound,
            audience: Audience::VoiceOnCall,
            state: AlertState::Firing,
            since: ago(141),
            incident: Some(facts.number),
            evidence: Some(facts.pods[0].evidence.clone()),
            experience: Some(facts.pods[0].experience),
        },
        AlertView {
            pod: Some(pod_name("pod-18")),
            rule: Rule::Share,
            audience: Audience::VoiceOnCall,
            state: AlertState::Pending,
            since: ago(4),
            incident: None,
            evidence: None,
            experience: None,
        },
    ];
    let update =
        |secs, stage| NoticeUpdate { at: ago(secs), stage, next_by: Some(ago(0).plus(Duration::from_mins(28))) };
    view.notices = vec![
        Notice {
            incident: facts.number,
            started: ago(188),
            public_names: vec!["Europe 1".to_owned(), "Europe 2".to_owned()],
            everybody: false,
            all_pods: false,
            hit: NoticeMatter::Connections,
            updates: vec![update(81, NoticeStage::Investigating), update(20, NoticeStage::Identified)],
        },
        past_notice(),
    ];
    let mut closed = incident_facts();
    closed.number = IncidentNumber(41);
    closed.state = IncidentState::Resolved;
    closed.opened = ago(4 * 86_400);
    closed.first_failure = ago(4 * 86_400 + 12);
    closed.resolved = Some(ago(4 * 86_400 - 1260));
    closed.subject = "Calls fail for everybody: no answer from the partner".to_owned();
    closed.pods.truncate(1);
    view.incidents = vec![facts, closed];
    view.outbox = 1;
    view
}

fn past_notice() -> Notice {
    let update = |secs: u64, stage| NoticeUpdate { at: ago(4 * 86_400 - secs), stage, next_by: None };
    Notice {
        incident: IncidentNumber(41),
        started: ago(4 * 86_400 + 12),
        public_names: vec!["Europe 1".to_owned()],
        everybody: true,
        all_pods: false,
        hit: NoticeMatter::Connections,
        updates: vec![
            update(60, NoticeStage::Investigating),
            update(960, NoticeStage::Monitoring),
            update(1260, NoticeStage::Resolved),
        ],
    }
}

/// 14 of the class fail, none of the others.
fn split(class: TraitClass, of: u32, others_of: u32) -> Split {
    Split { class, failed: 14, of, others_failed: 0, others_of }
}

fn incident_facts() -> IncidentFacts {
    let symptom = Symptom {
        step: Step::Connected,
        reason: FailureReason::Rejected,
        wire_code: Some(31_204),
        device_error: Some((20_101, "AccessTokenInvalid".to_owned())),
        class: Some(ErrorClass::Token),
    };
    let evidence = Evidence {
        failed: 14,
        of: 55,
        first_failed: attempt().report.id,
        since: ago(188),
        symptom: Some(symptom.clone()),
        attempts: (0..6).map(|n| AttemptId(0x9a3c_55d1_0042_7e00 + n)).collect(),
        splits: vec![
            split(TraitClass::PayloadSymbol(Symbol::Underscore, 3), 14, 41),
            split(TraitClass::Kind(TokenKind::Capability), 33, 22),
        ],
    };
    let impact = |name: &str, secs| PodImpact {
        pod: pod_name(name),
        rules: vec![Rule::TokenBound],
        fired: ago(secs),
        resolved: None,
        experience: Experience::SomeAgents {
            share: (Share::clamped(0.29), Share::clamped(0.38)),
            kind: Some(TokenKind::Capability),
        },
        evidence: evidence.clone(),
        stable: Some(Duration::from_mins(5)),
        certificate_ends: None,
        affected: None,
    };
    IncidentFacts {
        number: IncidentNumber(42),
        dedup_key: "rc-eu-west-42-1726009071000".to_owned(),
        audience: Audience::VoiceOnCall,
        severity: Severity::Critical,
        state: IncidentState::Firing,
        location: LocationName::parse("eu-west").expect("a name"),
        opened: ago(141),
        resolved: None,
        first_failure: ago(188),
        first_failed: evidence.first_failed,
        symptom: Some(symptom),
        pods: vec![impact("pod-14", 141), impact("pod-18", 139)],
        pods_watched: 3,
        whose: Whose {
            verdict: WhoseVerdict::PartnerForPods,
            sure: Share::clamped(0.962),
            controls: Some((2, 2)),
            healthy_pods: 1,
        },
        configured: Some(ago(6 * 86_400)),
        trouble: None,
        subject: "Calls fail for some agents: partner refuses tokens".to_owned(),
        finding: None,
        avoid: None,
        remedies: Vec::new(),
        runbooks: vec!["https://runbooks.example.com/voice".to_owned()],
    }
}

/// It is verified which tokens the incident hits, and perhaps approved to avoid them until then.
pub(super) fn avoidable(until: Option<Timestamp>) -> View {
    let mut view = incident();
    let failed = |failed, of| Counts { failed, of };
    let facts = &mut view.incidents[0];
    facts.finding = Some(Box::new(Finding {
        state: FindingState::Verified,
        predicate: Predicate(vec![Conjunction(vec![
            Feature::Kind(TokenKind::Capability),
            Feature::AtResidue(Segment::Payload, Symbol::Underscore, 3),
        ])]),
        fails: Some(FailShare::All),
        posterior: Share::clamped(0.998),
        background: Share::clamped(0.01),
        inside: failed(14, 14),
        outside: failed(0, 41),
        again: failed(3, 3),
        ruled_out: Vec::new(),
        symptoms: Vec::new(),
        place: None,
        spared: None,
        fails_at_place: None,
        pods: std::collections::BTreeMap::new(),
    }));
    facts.remedies = vec![Remedy::OtherKind(TokenKind::Access), Remedy::OtherNameLength(1)];
    for (impact, share) in facts.pods.iter_mut().zip([0.0625, 0.31]) {
        impact.affected = Some(Affected { share: Share::clamped(share), same_agents: true });
    }
    let approval = until.map(|until| Approval { at: ago(30), until });
    facts.avoid = Some(Avoid { since: ago(60), approval });
    view.avoid_expires_after = Some(Duration::from_hours(2));
    view
}

/// Everything paused, and one pod that nobody has looked at.
pub(super) fn paused() -> View {
    let mut view = quiet();
    view.paused_until = Some(ago(0).plus(Duration::from_hours(2)));
    view.pods[2].verdict = Verdict::NoData;
    view.pods[2].outcomes.clear();
    view.pods[2].recent = (0, 0);
    view.pods[2].last_observed = None;
    view.components.iter_mut().for_each(|component| component.looked_at = false);
    view
}

/// Thirty pods, one of each trouble among them.
pub(super) fn fleet() -> View {
    let verdict = |n| match n {
        4 => Verdict::Failing,
        11 => Verdict::Partial,
        12 => Verdict::Flapping,
        19 => Verdict::NoData,
        _ => Verdict::Healthy,
    };
    view((1..=30).map(|n| pod(&format!("pod-{n}"), &format!("Region {n}"), verdict(n))).collect())
}

/// Names and texts that try to leave their place.
pub(super) fn hostile() -> View {
    let mut view = incident();
    let evil = "</style><script>alert(1)</script>\"'&<img src=x onerror=alert(1)>";
    view.pods[0].public_name = evil.to_owned();
    view.incidents[0].subject = evil.to_owned();
    view.incidents[0].runbooks = vec!["javascript:alert(1)".to_owned(), format!("https://x/{evil}")];
    view.notices[0].public_names = vec![evil.to_owned()];
    for component in &mut view.components {
        component.public_name = evil.to_owned();
    }
    if let Some(symptom) = &mut view.incidents[0].symptom {
        symptom.device_error = Some((1, evil.to_owned()));
    }
    view
}

/// A failed attempt, as the store has it.
pub(super) fn attempt() -> RecordedAttempt {
    let mut signature = SignatureCells::default();
    signature.insert(4, Symbol::Dash);
    signature.insert(29, Symbol::Underscore);
    let steps = [
        (Step::Mint, 480),
        (Step::Dns, 8_120),
        (Step::Tcp, 31_400),
        (Step::Tls, 64_800),
        (Step::Upgrade, 33_050),
        (Step::Connected, 41_200),
    ];
    let error = DeviceError {
        code: 20_101,
        name: "AccessTokenInvalid".into(),
        class: ErrorClass::Token,
        wire_code: Some(31_204),
    };
    RecordedAttempt {
        pod: pod_name("pod-14"),
        probe: ProbeName::parse("connection").expect("a name"),
        role: Role::Scheduled,
        report: AttemptReport {
            id: AttemptId(0x9a3c_55d1_0042_7e00),
            started: ago(188),
            finished: ago(188).plus(Duration::from_millis(179)),
            outcome: Outcome::Failed(Failure {
                step: Step::Connected,
                reason: FailureReason::Rejected,
                wire_code: Some(31_204),
                device_errors: vec![error],
            }),
            traits: Traits {
                kind: TokenKind::Capability,
                key: KeySlot(0),
                name_length: 18,
                edge: edge(),
                family: None,
                shape: TokenShape { signature, payload: vec![(87, Symbol::Underscore)], lengths: [36, 320, 43] },
            },
            steps: steps.map(|(step, us)| StepTiming { step, took: Duration::from_micros(us) }).into(),
            certificate: Some(CertificateSeen { not_after: ago(0).plus(Duration::from_hours(24 * 61)) }),
            partner: PartnerSaid {
                gateway: Some("gw-7".to_owned()),
                edge: Some("ashburn".to_owned()),
                ..PartnerSaid::default()
            },
            call: None,
        },
    }
}

/// Attempts that went well, with the failed one first.
pub(super) fn attempts() -> Vec<RecordedAttempt> {
    let mut all = vec![attempt()];
    for n in 1..24 {
        let mut one = attempt();
        one.report.id = AttemptId(0x5500_0000_0000_0000 + n);
        one.report.started = ago(188 + n * 2);
        one.report.finished = one.report.started.plus(Duration::from_millis(160 + n * 7 % 90));
        one.report.outcome = Outcome::completed();
        if n % 7 == 0 {
            one.role = Role::Contrast;
            one.report.traits.kind = TokenKind::Access;
        }
        all.push(one);
    }
    all
}

/// A view as it is published.
pub(super) fn published(view: View) -> Arc<View> {
    Arc::new(view)
}
