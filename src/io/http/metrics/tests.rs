//! Names, units and numbers of the metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::{MissedWhy, Record};
use crate::io::http::sample;
use crate::model::{
    CallDirection, CallFacts, CallWish, Codec, LostReason, MediaPath, Observation, Outcome, PodName, ProbeName, Role,
};

use super::counts::{OUTCOMES, PodCounts, ProbeCounts};
use super::{Format, Metrics};

fn name() -> (PodName, ProbeName) {
    (PodName::parse("pod-14").expect("a name"), ProbeName::parse("connection").expect("a name"))
}

/// Metrics of a plan with one pod and one probe.
fn planned() -> Metrics {
    let metrics = Metrics::new(sample::ago(600));
    let (pod, probe) = name();
    let probes = BTreeMap::from([(probe, ProbeCounts::default())]);
    metrics.counts().pods.insert(pod, PodCounts { probes, ..PodCounts::default() });
    let receiver = crate::model::ReceiverName::parse("voice-oncall").expect("a name");
    metrics.counts().receiver(&receiver).integration = "email";
    metrics
}

fn observed(role: Role, outcome: Outcome) -> Record {
    let attempt = sample::attempt();
    Record::Observed {
        observation: Observation {
            attempt: attempt.report.id,
            pod: attempt.pod,
            probe: attempt.probe,
            role,
            started: attempt.report.started,
            finished: attempt.report.finished,
            outcome,
            traits: attempt.report.traits,
            reached: crate::model::Reached::default(),
            call: attempt.report.call,
        },
    }
}

fn page(metrics: &Metrics, format: Format) -> String {
    metrics.render(&Arc::new(sample::incident()), format)
}

fn value(page: &str, sample: &str) -> Option<String> {
    page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ').map(str::to_owned))
}

#[test]
fn everything_begins_at_zero() {
    let page = page(&planned(), Format::Prometheus);
    for outcome in OUTCOMES {
        let name = format!("ringcheck_probes_total{{pod=\"pod-14\",probe=\"connection\",outcome=\"{outcome}\"}}");
        assert_eq!(value(&page, &name).as_deref(), Some("0.0"), "{name}");
    }
    let phase =
        "ringcheck_probe_phase_duration_seconds_count{pod=\"pod-14\",probe=\"connection\",phase=\"registered\"}";
    assert_eq!(value(&page, phase).as_deref(), Some("0"));
    assert!(!page.contains("ringcheck_probe_success{"), "success is not known before the first attempt");
}

#[test]
fn facts_and_reports_are_counted() {
    let metrics = planned();
    let (pod, probe) = name();
    let attempt = sample::attempt();
    let failed = attempt.report.outcome.clone();
    metrics.observe(&[
        observed(Role::Scheduled, Outcome::completed()),
        observed(Role::Scheduled, failed.clone()),
        observed(Role::Repeat, failed),
        observed(Role::Scheduled, Outcome::Lost { reason: LostReason::Crash }),
        Record::SlotsMissed {
            at: sample::NOW,
            probe: probe.clone(),
            pod: pod.clone(),
            from: sample::ago(90),
            until: sample::NOW,
            why: MissedWhy::Paused,
        },
    ]);
    metrics.report(&attempt.report, &pod, &probe);
    let page = page(&metrics, Format::Prometheus);
    for (name, wanted) in [
        ("ringcheck_probes_total{pod=\"pod-14\",probe=\"connection\",outcome=\"failed\"}", "1.0"),
        ("ringcheck_probes_total{pod=\"pod-14\",probe=\"connection\",outcome=\"lost\"}", "1.0"),
        ("ringcheck_follow_ups_total{pod=\"pod-14\",probe=\"connection\",outcome=\"failed\"}", "1.0"),
        ("ringcheck_probe_failures_total{pod=\"pod-14\",probe=\"connection\",phase=\"connected\"}", "2.0"),
        ("ringcheck_device_errors_total{pod=\"pod-14\",code=\"20101\"}", "2.0"),
        ("ringcheck_probe_success{pod=\"pod-14\",probe=\"connection\"}", "0.0"),
        ("ringcheck_missed_seconds_total{pod=\"pod-14\",probe=\"connection\",why=\"paused\"}", "90.0"),
        ("ringcheck_probe_duration_seconds_count{pod=\"pod-14\",probe=\"connection\"}", "1"),
        ("ringcheck_probe_duration_seconds_sum{pod=\"pod-14\",probe=\"connection\"}", "0.179"),
        ("ringcheck_pod_verdict{pod=\"pod-14\",verdict=\"partial\"}", "1.0"),
        ("ringcheck_alerts{audience=\"voice_on_call\",state=\"firing\"}", "1.0"),
        ("ringcheck_incidents_open{audience=\"voice_on_call\"}", "1.0"),
        ("ringcheck_outbox_length", "1.0"),
    ] {
        assert_eq!(value(&page, name).as_deref(), Some(wanted), "{name}");
    }
}

#[test]
fn recordings_that_could_not_be_written_are_counted() {
    let metrics = planned();
    let direction = CallDirection::Outbound;
    let (hold_ms, ring_ms, codec, path) = (5000, 0, Codec::Pcmu, MediaPath::Any);
    let facts = CallFacts::of(CallWish { direction, hold_ms, ring_ms, codec, path });
    for recording_failed in [true, false, true] {
        let Record::Observed { observation } = observed(Role::Scheduled, Outcome::completed()) else { unreachable!() };
        let call = Some(Box::new(CallFacts { recording_failed, ..facts.clone() }));
        metrics.observe(&[Record::Observed { observation: Observation { call, ..observation } }]);
    }
    let name = "ringcheck_call_recordings_failed_total{pod=\"pod-14\",direction=\"outbound\"}";
    assert_eq!(value(&page(&metrics, Format::Prometheus), name).as_deref(), Some("2.0"));
}

#[test]
fn what_is_not_planned_makes_no_series() {
    let metrics = planned();
    let stranger = PodName::parse("gone").expect("a name");
    let attempt = sample::attempt();
    metrics.report(&attempt.report, &stranger, &attempt.probe);
    metrics.observe(&[Record::BlipSeen { at: sample::NOW, pod: stranger, since: sample::NOW, failures: 1 }]);
    assert!(!page(&metrics, Format::Prometheus).contains("gone"));
}

#[test]
fn a_code_from_the_wire_makes_no_series() {
    let metrics = planned();
    let mut failed = sample::attempt().report.outcome;
    if let Outcome::Failed(failure) = &mut failed {
        failure.device_errors[0].code = 987_654;
    }
    metrics.observe(&[observed(Role::Scheduled, failed)]);
    let page = page(&metrics, Format::Prometheus);
    assert!(!page.contains("987654"));
    let other = value(&page, "ringcheck_device_errors_total{pod=\"pod-14\",code=\"other\"}");
    assert_eq!(other.as_deref(), Some("1.0"));
}

/// The rules that `promtool check metrics` holds, and that every family is told of.
#[test]
fn names_follow_the_conventions_and_are_documented() {
    let documented = include_str!("../../../../docs/metrics.md");
    let metrics = planned();
    metrics.observe(&[observed(Role::Scheduled, Outcome::completed())]);
    let page = page(&metrics, Format::Prometheus);
    let mut names = BTreeSet::new();
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("name and type");
        assert!(name.starts_with("ringcheck_"), "{name}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
        for unit in ["_ms", "_milliseconds", "_percent", "_minutes", "_count", "_sum", "_bucket"] {
            assert!(!name.ends_with(unit), "{name}");
        }
        assert!(names.insert(name.to_owned()), "{name} twice");
        assert!(page.contains(&format!("# HELP {name} ")), "{name} has no help");
        let row = documented.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        assert!(row.is_some_and(|row| row.contains(&format!("| {kind} |"))), "docs/metrics.md: {name}, {kind}");
    }
    let told = documented.lines().filter(|line| line.starts_with("| `ringcheck_")).count();
    assert_eq!(told, names.len(), "docs/metrics.md tells of metrics that are not there");
}

#[test]
fn both_formats_say_the_same() {
    let metrics = planned();
    let (open, plain) = (page(&metrics, Format::OpenMetrics), page(&metrics, Format::Prometheus));
    assert!(open.ends_with("# EOF\n") && !plain.contains("# EOF"));
    assert!(open.contains("# TYPE ringcheck_probes counter\n"));
    assert!(plain.contains("# TYPE ringcheck_probes_total counter\n"));
    let samples =
        |page: &str| page.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(samples(&open), samples(&plain));
    assert_eq!(
        Format::wanted(Some("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")),
        Format::OpenMetrics
    );
    assert_eq!(Format::wanted(Some("*/*")), Format::Prometheus);
}

#[test]
fn the_cover_is_told_by_set_and_class() {
    let page = page(&planned(), Format::Prometheus);
    let series = |name: &str, set, kind, key| {
        value(&page, &format!("ringcheck_cover_{name}{{pod=\"pod-14\",set=\"{set}\",kind=\"{kind}\",key=\"{key}\"}}"))
    };
    let cells = |name: &str, kind, key| series(name, "signature_cells", kind, key);
    assert_eq!(cells("places", "any", "any").as_deref(), Some("84.0"));
    assert_eq!(cells("looked_at_places", "capability", "0").as_deref(), Some("83.0"));
    assert_eq!(cells("never_looked_at_places", "capability", "0").as_deref(), Some("1.0"));
    assert_eq!(cells("oldest_look_seconds", "access", "0").as_deref(), Some("102.0"));
    assert_eq!(cells("oldest_look_seconds", "capability", "0"), None, "one never was");
    assert_eq!(series("oldest_look_seconds", "signature_pairs", "any", "any").as_deref(), Some("34.0"));
}
