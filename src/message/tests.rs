//! What pages and notices read like. The snapshots are the review: read them as the engineer who
//! is woken by them.

use std::time::Duration;

use crate::diagnosis::FindingState::{self, Verified};
use crate::diagnosis::{Affected, Counts, FailShare, Finding};
use crate::engine::calls::CallTrouble;
use crate::engine::{
    Audience, ConfigurationClue, DeliveryId, Evidence, Experience, IncidentFacts, IncidentState, Notice, NoticeMatter,
    NoticeStage, NoticeUpdate, Notification, NotifyReason, PodImpact, Rule, Split, Symptom, TraitClass, Trouble, Whose,
    WhoseVerdict,
};
use crate::model::{
    AttemptId, CallDirection, FailureReason, IceService, IceTrouble, IncidentNumber, LocationName, OwnServerTrouble,
    PodName, ReceiverName, RelayTransport, Segment, Share, Step, Symbol, Timestamp, TokenKind,
};
use crate::plan::Severity;
use crate::token::Feature;

use super::{AffectedData, BODY_BYTES_MAX, Language, Page, agents_hit, event, notice_text, notice_title, page};

const URL: &str = "https://ringcheck.example.com";

fn at(clock: &str) -> Timestamp {
    Timestamp::parse_rfc3339(&format!("2024-09-10T{clock}Z")).expect("a time of day")
}

fn share(percent: f64) -> Share {
    Share::clamped(percent / 100.0)
}

fn refused() -> Symptom {
    Symptom {
        step: Step::Connected,
        reason: FailureReason::Rejected,
        wire_code: Some(31204),
        device_error: Some((20101, "AccessTokenInvalid".to_owned())),
        class: Some(crate::model::ErrorClass::Token),
    }
}

fn silent() -> Symptom {
    Symptom {
        step: Step::Registered,
        reason: FailureReason::NoAnswer,
        wire_code: None,
        device_error: None,
        class: None,
    }
}

fn impact(pod: &str, rule: Rule, experience: Experience, failed: u32, of: u32) -> PodImpact {
    PodImpact {
        pod: PodName::parse(pod).expect("a name"),
        rules: vec![rule],
        fired: at("22:57:51"),
        resolved: None,
        experience,
        evidence: Evidence {
            failed,
            of,
            first_failed: AttemptId(0xfeed),
            since: at("22:57:04"),
            symptom: None,
            attempts: (0..u64::from(of.min(32))).map(AttemptId).collect(),
            splits: Vec::new(),
        },
        stable: Some(Duration::from_mins(5)),
        certificate_ends: None,
        affected: None,
    }
}

fn incident(subject: &str, symptom: Option<Symptom>, pods: Vec<PodImpact>) -> IncidentFacts {
    IncidentFacts {
        number: IncidentNumber(42),
        dedup_key: "ringcheck/eu-west/42".to_owned(),
        audience: Audience::VoiceOnCall,
        severity: Severity::Critical,
        state: IncidentState::Firing,
        location: LocationName::parse("eu-west").expect("a name"),
        opened: at("22:57:51"),
        resolved: None,
        first_failure: at("22:57:04"),
        first_failed: AttemptId(0xfeed),
        symptom,
        pods,
        pods_watched: 3,
        whose: Whose {
            verdict: WhoseVerdict::PartnerForPods,
            sure: share(93.0),
            controls: Some((2, 2)),
            healthy_pods: 2,
        },
        configured: Some(at("22:57:04").minus(Duration::from_secs(6 * 86_400))),
        trouble: None,
        subject: subject.to_owned(),
        finding: None,
        avoid: None,
        remedies: Vec::new(),
        runbooks: vec!["https://wiki.example.com/voice/tokens".to_owned()],
    }
}

fn message(reason: NotifyReason, incident: IncidentFacts) -> Notification {
    Notification {
        id: DeliveryId("rc-eu-west-42-1726009071000-1-voice-oncall".to_owned()),
        receiver: ReceiverName::parse("voice-oncall").expect("a name"),
        reason,
        sequence: if reason == NotifyReason::First { 1 } else { 2 },
        at: if reason == NotifyReason::First { at("22:57:51") } else { at("23:01:10") },
        instead_of: None,
        incident,
    }
}

fn owners(mut facts: IncidentFacts) -> IncidentFacts {
    facts.audience = Audience::MonitorOwner;
    facts.severity = Severity::Warning;
    facts.runbooks.clear();
    facts
}

fn outage() -> IncidentFacts {
    let pods = vec![impact("pod-18", Rule::Outage, Experience::NobodyConnects, 6, 6)];
    incident(
        "Nobody can call: connection refused",
        Some(Symptom {
            step: Step::Tcp,
            reason: FailureReason::ConnectionRefused,
            wire_code: None,
            device_error: Some((31005, "ConnectionError".to_owned())),
            class: Some(crate::model::ErrorClass::Signalling),
        }),
        pods,
    )
}

fn token_bound() -> IncidentFacts {
    let kind = Some(TokenKind::Capability);
    let some = Experience::SomeAgents { share: (share(22.0), share(46.0)), kind };
    let mut pods = vec![
        impact("pod-14", Rule::TokenBound, some, 14, 55),
        impact("pod-18", Rule::TokenBound, some, 9, 30),
        impact("pod-23", Rule::TokenBound, Experience::SomeAgents { share: (share(27.0), share(51.0)), kind }, 8, 29),
    ];
    pods[0].evidence.splits = vec![
        Split {
            class: TraitClass::PayloadSymbol(Symbol::Underscore, 3),
            failed: 14,
            of: 14,
            others_failed: 0,
            others_of: 41,
        },
        Split { class: TraitClass::Kind(TokenKind::Capability), failed: 14, of: 33, others_failed: 0, others_of: 22 },
    ];
    let mut facts = incident("Calls fail for some agents: partner refuses tokens", Some(refused()), pods);
    facts.whose = Whose { verdict: WhoseVerdict::Partner, sure: share(97.4), controls: Some((2, 2)), healthy_pods: 0 };
    facts
}

fn resolved() -> IncidentFacts {
    let mut facts = token_bound();
    facts.state = IncidentState::Resolved;
    facts.resolved = Some(at("23:44:10"));
    for (impact, end) in facts.pods.iter_mut().zip(["23:42:01", "23:43:30", "23:44:10"]) {
        impact.resolved = Some(at(end));
    }
    facts
}

fn wider() -> IncidentFacts {
    let mut facts = token_bound();
    facts.pods[2].fired = at("23:01:09");
    facts.pods[0].resolved = Some(at("23:00:12"));
    facts
}

fn share_of_connections() -> IncidentFacts {
    let some = Experience::SomeConnections { share: (share(16.0), share(36.0)) };
    let mut facts = incident(
        "Calls fail now and then: no answer",
        Some(silent()),
        vec![impact("pod-18", Rule::Share, some, 19, 76)],
    );
    facts.whose.sure = share(71.0);
    facts
}

/// The first pod of three, seconds after the onset: little is known.
fn early() -> IncidentFacts {
    let some = Experience::SomeAgents { share: (share(16.0), share(75.0)), kind: Some(TokenKind::Capability) };
    let mut facts = token_bound();
    facts.pods = vec![PodImpact { experience: some, ..facts.pods[0].clone() }];
    facts.pods[0].evidence.splits.truncate(1);
    facts.whose.sure = share(93.2);
    facts
}

/// The fault is in the signature, which is new with every token.
fn signature() -> IncidentFacts {
    let mut facts = early();
    facts.pods[0].experience = Experience::SomeAgents { share: (share(31.0), share(57.0)), kind: None };
    facts.pods[0].evidence.splits[0].class = TraitClass::SignatureSymbol(Symbol::Dash);
    facts.pods_watched = 1;
    facts
}

/// It is verified which tokens fail, and known what names the agents have.
fn affected(state: FindingState, feature: Feature, fails: FailShare) -> IncidentFacts {
    let mut facts = token_bound();
    let same_agents = !matches!(feature, Feature::Symbol(..));
    for (impact, percent) in facts.pods.iter_mut().zip([33.2, 33.2, 4.6]) {
        impact.affected = Some(Affected { share: share(percent), same_agents });
    }
    let failed = |failed, of| Counts { failed, of };
    facts.finding = Some(Box::new(Finding {
        fails: Some(fails),
        posterior: share(99.8),
        background: share(1.0),
        inside: failed(14, 14),
        outside: failed(0, 41),
        again: failed(3, 3),
        ..Finding::claiming(state, vec![feature])
    }));
    facts
}

fn certificate() -> IncidentFacts {
    let mut pod = impact("pod-18", Rule::Certificate, Experience::NotAffected, 0, 0);
    pod.certificate_ends = Timestamp::parse_rfc3339("2024-09-24T06:00:00Z");
    owners(incident("A certificate in pod-18 ends soon", None, vec![pod]))
}

fn network() -> IncidentFacts {
    let mut facts = owners(incident("Our network at eu-west is down", None, Vec::new()));
    facts.trouble = Some(Trouble::Network);
    facts.whose = Whose { verdict: WhoseVerdict::Location, sure: share(99.5), controls: Some((0, 2)), healthy_pods: 0 };
    facts
}

fn cases() -> Vec<(&'static str, Notification)> {
    let pod = |rule, experience, failed, of| vec![impact("pod-18", rule, experience, failed, of)];
    let comes_and_goes = incident(
        "Calls break again and again",
        Some(Symptom { reason: FailureReason::ConnectionReset, step: Step::Registered, ..refused() }),
        pod(Rule::Flapping, Experience::ComesAndGoes, 9, 60),
    );
    let throttled =
        owners(incident("Partner slows us down", None, pod(Rule::Throttled, Experience::NotAffected, 0, 0)));
    let mut born_red =
        owners(incident("pod-18 has never worked", Some(refused()), pod(Rule::BornRed, Experience::Unknown, 5, 5)));
    born_red.whose.verdict = WhoseVerdict::PodConfiguration(ConfigurationClue::Credentials);
    let no_data = owners(incident("Nobody looks at pod-18", None, pod(Rule::NoData, Experience::Unknown, 0, 0)));
    let silent = incident(
        "Nobody can call: partner does not answer",
        Some(silent()),
        pod(Rule::Outage, Experience::NobodyConnects, 4, 4),
    );
    let mut instead = message(NotifyReason::First, outage());
    instead.instead_of = ReceiverName::parse("voice-lead").ok();
    vec![
        ("outage_of_one_pod", instead),
        ("token_bound_over_three_pods", message(NotifyReason::First, token_bound())),
        ("early", message(NotifyReason::First, early())),
        ("signature", message(NotifyReason::First, signature())),
        ("certificate", message(NotifyReason::First, certificate())),
        ("flapping", message(NotifyReason::First, comes_and_goes)),
        ("share_25_percent", message(NotifyReason::First, share_of_connections())),
        ("silent_outage", message(NotifyReason::First, silent)),
        ("location", message(NotifyReason::First, network())),
        ("throttled", message(NotifyReason::First, throttled)),
        ("born_red", message(NotifyReason::First, born_red)),
        ("no_data", message(NotifyReason::First, no_data)),
        ("resolved", message(NotifyReason::Resolved, resolved())),
        ("wider", message(NotifyReason::Wider, wider())),
        ("affected", message(NotifyReason::Learned, affected(Verified, Feature::NameResidue(0), FailShare::All))),
    ]
}

#[test]
fn who_is_hit_is_said_by_the_names_of_the_agents() {
    use FindingState::{AtLeast, Contradicted};
    let (sticks, each) = (Feature::NameResidue(0), Feature::Symbol(Segment::Signature, Symbol::Dash));
    let said = |state, feature: &Feature, fails| {
        let facts = affected(state, feature.clone(), fails);
        agents_hit(&facts, &facts.pods[2]).unwrap_or_default()
    };
    assert_eq!(
        said(Verified, &sticks, FailShare::All),
        "4.6 % of the agents cannot connect, always the same ones. The others can work."
    );
    assert_eq!(
        said(AtLeast, &sticks, FailShare::All),
        "At least 4.6 % of the agents cannot connect, always the same ones."
    );
    assert_eq!(
        said(Verified, &each, FailShare::All),
        "4.6 % of the tokens are hit: each new one is hit or not by chance, and whoever holds one that is cannot connect."
    );
    assert_eq!(
        said(Verified, &sticks, FailShare::Tenth),
        "0.5 % of connections fail, all of them of the same 4.6 % of the agents. Trying again can help."
    );
    assert_eq!(said(Contradicted, &sticks, FailShare::All), "", "then it is estimated");
    let facts = affected(AtLeast, each, FailShare::Half);
    let expected = AffectedData { share: 0.023, same_agents: false, at_least: true };
    assert_eq!(AffectedData::of(&facts, &facts.pods[2]), Some(expected));
}

#[test]
fn every_page_reads_well_as_text() {
    for (name, notification) in cases() {
        let Page { subject, text, .. } = page(&notification, URL);
        insta::assert_snapshot!(name, format!("Subject: {subject}\n\n{text}"));
    }
}

/// Pages about test calls.
fn of_calls() -> Vec<(&'static str, Notification)> {
    let symptom = |step, reason| Symptom { step, reason, ..silent() };
    let calls = |subject, rule, trouble, direction, (step, reason), (bad, of)| {
        let experience = Experience::Calls { direction, trouble, bad, of };
        incident(subject, Some(symptom(step, reason)), vec![impact("pod-18", rule, experience, bad, of)])
    };
    let (outbound, inbound) = (Some(CallDirection::Outbound), Some(CallDirection::Inbound));
    let not_heard = calls(
        "Agents' calls fail",
        Rule::OutboundCalls,
        CallTrouble::NotHeard,
        outbound,
        (Step::Media, FailureReason::NotHeard),
        (4, 4),
    );
    let mut cut = calls(
        "Calls to agents fail",
        Rule::InboundCalls,
        CallTrouble::Cut { after_ms: 35_200 },
        inbound,
        (Step::Media, FailureReason::HungUp),
        (4, 5),
    );
    let class = TraitClass::CallHold(65_000);
    cut.pods[0].evidence.splits = vec![Split { class, failed: 4, of: 4, others_failed: 0, others_of: 11 }];
    let lost = calls(
        "Calls to agents fail",
        Rule::InboundCalls,
        CallTrouble::NotDelivered,
        inbound,
        (Step::Invite, FailureReason::NotDelivered),
        (4, 4),
    );
    let slow =
        Experience::Calls { direction: outbound, trouble: CallTrouble::SlowSetUp { took_ms: 8_000 }, bad: 3, of: 5 };
    let slow = incident("Agents' calls are bad", None, vec![impact("pod-18", Rule::CallQuality(0), slow, 3, 5)]);
    let mut own_server = calls(
        "Agents' calls fail",
        Rule::OutboundCalls,
        CallTrouble::NoMedia,
        outbound,
        (Step::Ice, FailureReason::NoPath),
        (4, 4),
    );
    let (service, trouble) = (IceService::Turn(RelayTransport::Tls), IceTrouble::Refused(401));
    let clue = ConfigurationClue::OwnServer(OwnServerTrouble { service, trouble });
    own_server.whose.verdict = WhoseVerdict::PodConfiguration(clue);
    let mut over = not_heard.clone();
    (over.state, over.resolved) = (IncidentState::Resolved, Some(at("23:40:00")));
    over.pods[0].resolved = over.resolved;
    vec![
        ("calls_not_heard", message(NotifyReason::First, not_heard)),
        ("calls_cut", message(NotifyReason::First, cut)),
        ("calls_not_delivered", message(NotifyReason::First, lost)),
        ("calls_own_turn_server", message(NotifyReason::First, own_server)),
        ("calls_slow", message(NotifyReason::First, slow)),
        ("calls_over", message(NotifyReason::Resolved, over)),
    ]
}

#[test]
fn every_page_about_calls_reads_well() {
    for (name, notification) in of_calls() {
        let Page { subject, text, .. } = page(&notification, URL);
        insta::assert_snapshot!(name, format!("Subject: {subject}\n\n{text}"));
        let told = serde_json::to_value(event(&notification, URL)).expect("JSON");
        assert_eq!(told["data"]["pods"][0]["experience"]["kind"], "calls", "{told}");
    }
}

#[test]
fn notices_about_calls_read_well() {
    let mut said = String::new();
    for hit in [NoticeMatter::MakingCalls, NoticeMatter::ReceivingCalls, NoticeMatter::Calls, NoticeMatter::CallQuality]
    {
        for everybody in [false, true] {
            let notice = Notice { hit, ..notice(everybody, &[NoticeStage::Investigating]) };
            let text = notice_text(&notice, &notice.updates[0], Language::English);
            said.push_str(&format!("# {}\n{}\n", notice_title(&notice, Language::English), text.body));
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn every_page_reads_well_as_html() {
    for (name, notification) in cases() {
        insta::assert_snapshot!(format!("{name}.html"), page(&notification, URL).html);
    }
}

#[test]
fn html_is_small_and_self_contained() {
    let mut facts = token_bound();
    let pod = facts.pods[0].clone();
    facts.pods = (0..300)
        .map(|n| PodImpact { pod: PodName::parse(&format!("pod-{n}")).expect("a name"), ..pod.clone() })
        .collect();
    facts.pods_watched = 300;
    facts.subject = "<script>alert(1)</script>".to_owned();
    facts.runbooks = vec!["https://wiki.example.com/?a=1&b=\"><img src=x>".to_owned()];
    let page = page(&message(NotifyReason::First, facts), URL);
    assert!(page.html.len() < 100_000 && page.text.len() < 20_000, "{} {}", page.html.len(), page.text.len());
    for forbidden in ["<script", "<img", "<style", "<link", "class="] {
        assert!(!page.html.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn text_and_html_say_the_same() {
    for (name, notification) in cases() {
        let page = page(&notification, URL);
        let html = page.html.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<").replace("&#62;", ">");
        for line in page.text.lines().filter(|line| line.starts_with("- ")) {
            let words = line[2..].split(": https://").next().expect("splits");
            assert!(html.contains(words), "{name}: {words}");
        }
    }
}

#[test]
fn the_subject_never_changes_after_opening() {
    let first = page(&message(NotifyReason::First, token_bound()), URL).subject;
    assert_eq!(first, "[ringcheck #42] Calls fail for some agents: partner refuses tokens");
    assert_eq!(page(&message(NotifyReason::Resolved, resolved()), URL).subject, first);
    let mut odd = token_bound();
    odd.subject = "a\r\nBcc: b".to_owned();
    assert_eq!(super::subject(&odd), "[ringcheck #42] a  Bcc: b");
}

#[test]
fn events_have_a_stable_shape() {
    let told = event(&message(NotifyReason::First, token_bound()), URL);
    insta::assert_snapshot!("event", serde_json::to_string_pretty(&told).expect("is JSON"));
}

#[test]
fn events_name_a_server_of_our_own() {
    let (_, notification) = of_calls().into_iter().find(|(name, _)| *name == "calls_own_turn_server").expect("there");
    let told = serde_json::to_value(event(&notification, URL)).expect("JSON");
    let whose = &told["data"]["whose"];
    let server = serde_json::json!({ "service": "turn-tls", "trouble": "refused", "stun_error": 401 });
    assert_eq!((&whose["clue"], &whose["own_server"]), (&"own_server".into(), &server), "{whose}");
}

#[test]
fn events_stay_small_however_many_pods_are_hit() {
    let mut facts = token_bound();
    let pod = facts.pods[0].clone();
    facts.pods = (0..200)
        .map(|n| PodImpact { pod: PodName::parse(&format!("pod-{n}")).expect("a name"), ..pod.clone() })
        .collect();
    let told = event(&message(NotifyReason::First, facts), URL);
    assert!(serde_json::to_vec(&told).expect("is JSON").len() <= BODY_BYTES_MAX);
    assert_eq!(told.data.pods.len() + told.data.pods_left_out as usize, 200);
    assert!(told.data.pods.len() > 30, "as many as fit: {}", told.data.pods.len());
}

fn notice(everybody: bool, stages: &[NoticeStage]) -> Notice {
    let updates =
        stages.iter().zip(["22:58:51", "23:05:00", "23:40:00", "23:44:10"]).map(|(stage, clock)| NoticeUpdate {
            at: at(clock),
            stage: *stage,
            next_by: (*stage != NoticeStage::Resolved).then(|| at(clock).plus(Duration::from_secs(1800))),
        });
    Notice {
        incident: IncidentNumber(42),
        started: at("22:57:04"),
        public_names: vec!["Europe 2".to_owned(), "Asia 1".to_owned()],
        everybody,
        all_pods: false,
        hit: NoticeMatter::Connections,
        updates: updates.collect(),
    }
}

#[test]
fn notices_read_well() {
    use NoticeStage::{Identified, Investigating, Monitoring, Resolved};
    let mut said = String::new();
    for everybody in [false, true] {
        let notice = notice(everybody, &[Investigating, Identified, Monitoring, Resolved]);
        said.push_str(&format!("# {}\n", notice_title(&notice, Language::English)));
        for update in &notice.updates {
            let text = notice_text(&notice, update, Language::English);
            said.push_str(&format!("{}: {} {}\n", update.stage.as_str(), text.body, text.next));
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn notices_name_neither_partner_nor_code_nor_pod() {
    let notice = notice(false, &[NoticeStage::Investigating, NoticeStage::Identified]);
    for update in &notice.updates {
        let text = notice_text(&notice, update, Language::English);
        let said = format!("{} {}{}", notice_title(&notice, Language::English), text.body, text.next).to_lowercase();
        for forbidden in ["twilio", "partner", "pod-", "token", "error", "#42"] {
            assert!(!said.contains(forbidden), "{forbidden}: {said}");
        }
    }
}
