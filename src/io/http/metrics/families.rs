//! The families, one line each: name, help, samples. `docs/metrics.md` explains them, and a test
//! keeps the two in step.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::engine::{AlertState, Audience, IncidentState, Rule, Verdict, View};
use crate::model::{PodName, ProbeName, Step, Timestamp};
use crate::token::CoverAges;

use super::super::cover::oldest_look;
use super::counts::{
    Counts, DEVICE_ERROR_CODES, MISSED, OUTCOMES, PHASES, PodCounts, ProbeCounts, ReceiverCounts, TROUBLES,
};
use super::histogram::Histogram;

/// What one scrape sees.
#[derive(Debug)]
pub(super) struct Scrape {
    pub(super) counts: Counts,
    pub(super) view: Arc<View>,
    pub(super) started: Timestamp,
}

pub(super) type Labels<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// Labels from pairs of a name and something that reads as text.
macro_rules! labels {
    ($($name:literal = $value:expr),* $(,)?) => { vec![$(($name, Cow::from($value))),*] };
}

const VERDICTS: [Verdict; 5] =
    [Verdict::NoData, Verdict::Healthy, Verdict::Partial, Verdict::Flapping, Verdict::Failing];
const AUDIENCES: [(Audience, &str); 2] =
    [(Audience::VoiceOnCall, "voice_on_call"), (Audience::MonitorOwner, "monitor_owner")];
const RULES: [Rule; 17] = [
    Rule::Outage,
    Rule::TokenBound,
    Rule::Share,
    Rule::HeavyShare,
    Rule::Trait,
    Rule::Flapping,
    Rule::Plain(0),
    Rule::OutboundCalls,
    Rule::InboundCalls,
    Rule::CallQuality(0),
    Rule::NoData,
    Rule::BornRed,
    Rule::Throttled,
    Rule::Location,
    Rule::Certificate,
    Rule::TooFew,
    Rule::Ringcheck,
];

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page { encoder };
        self.probes(&mut page)?;
        self.pods(&mut page)?;
        self.calls(&mut page)?;
        self.covers(&mut page)?;
        self.alerts(&mut page)?;
        self.deliveries(&mut page)?;
        self.node(&mut page)
    }
}

impl Scrape {
    fn probes(&self, page: &mut Page<'_>) -> fmt::Result {
        let each = || self.counts.pods.iter().flat_map(|(pod, kept)| kept.probes.iter().map(move |(n, p)| (pod, n, p)));
        let outcomes = |of: fn(&ProbeCounts) -> &[u64; OUTCOMES.len()]| {
            each().flat_map(move |(pod, probe, kept)| {
                OUTCOMES
                    .iter()
                    .zip(of(kept))
                    .map(move |(outcome, n)| (of_probe(pod, probe, "outcome", outcome), *n as f64))
            })
        };
        page.gauge(
            "probe_success",
            "1 if the newest scheduled attempt that says something about the partner worked, else 0",
            each()
                .filter_map(|(pod, probe, kept)| Some((probe_labels(pod, probe), f64::from(u8::from(kept.success?))))),
        )?;
        page.counter("probes", "Scheduled attempts by outcome", outcomes(|kept| &kept.scheduled))?;
        page.counter(
            "follow_ups",
            "Attempts made because of a failure, by outcome",
            outcomes(|kept| &kept.follow_ups),
        )?;
        page.histogram(
            "probe_duration_seconds",
            "Time from an attempt's first step to its outcome",
            each().map(|(pod, probe, kept)| (probe_labels(pod, probe), &kept.durations)),
        )?;
        page.histogram(
            "probe_phase_duration_seconds",
            "Time that a step of an attempt took, or was waited for",
            each().flat_map(|(pod, probe, kept)| {
                let seen = |(step, times): &(&Step, &Histogram)| times.count() > 0 || !is_of_calls(**step);
                let phases = PHASES.iter().zip(&kept.phases).filter(seen);
                phases.map(move |(step, histogram)| (of_probe(pod, probe, "phase", step.as_str()), histogram))
            }),
        )?;
        page.counter(
            "probe_failures",
            "Failed attempts, follow-ups too, by the step that was not done",
            each().flat_map(|(pod, probe, kept)| {
                let seen = |(step, n): &(&Step, u64)| *n > 0 || !is_of_calls(**step);
                let phases = PHASES.iter().zip(kept.failed_at).filter(seen);
                phases.map(move |(step, n)| (of_probe(pod, probe, "phase", step.as_str()), n as f64))
            }),
        )?;
        page.counter(
            "missed_periods",
            "Periods in which a probe did not look, by reason",
            each().flat_map(|(pod, probe, kept)| {
                MISSED.iter().zip(kept.missed).map(move |(why, n)| (of_probe(pod, probe, "why", why), n as f64))
            }),
        )?;
        page.counter(
            "missed_seconds",
            "Time in which a probe did not look, by reason",
            each().flat_map(|(pod, probe, kept)| {
                MISSED.iter().zip(kept.missed_seconds).map(move |(why, s)| (of_probe(pod, probe, "why", why), s))
            }),
        )
    }

    fn pods(&self, page: &mut Page<'_>) -> fmt::Result {
        let counted = |of: fn(&PodCounts) -> u64| {
            self.counts.pods.iter().map(move |(pod, kept)| (labels!["pod" = pod.as_str()], of(kept) as f64))
        };
        page.counter(
            "device_errors",
            "Device errors that an agent's application would have got; `none` counts failures in which it gets none",
            self.counts.pods.iter().flat_map(|(pod, kept)| device_errors(pod, kept)),
        )?;
        page.gauge(
            "probe_ssl_earliest_cert_expiry",
            "When the edge's certificate ends, in seconds since the epoch",
            self.counts.pods.iter().flat_map(|(pod, kept)| {
                let edges = kept.certificates.iter();
                edges.map(move |(edge, end)| {
                    (labels!["pod" = pod.as_str(), "edge" = edge.as_str()], end.as_secs() as f64)
                })
            }),
        )?;
        page.counter("blips", "Failures that did not last long enough to page", counted(|kept| kept.blips))?;
        page.counter("slow_downs", "Times that the partner asked us to slow down", counted(|kept| kept.slow_downs))?;
        let each = || self.view.pods.iter().map(|pod| (labels!["pod" = pod.name.as_str()], pod));
        page.gauge(
            "pod_verdict",
            "1 for the pod's present verdict, 0 for the others",
            self.view.pods.iter().flat_map(|pod| {
                VERDICTS.iter().map(move |verdict| {
                    let labels = labels!["pod" = pod.name.as_str(), "verdict" = verdict.as_str()];
                    (labels, f64::from(u8::from(*verdict == pod.verdict)))
                })
            }),
        )?;
        page.gauge(
            "pod_paused",
            "1 while probing of the pod is paused",
            each().map(|(labels, pod)| {
                (labels, f64::from(u8::from(pod.paused_until.or(self.view.paused_until).is_some())))
            }),
        )?;
        page.gauge(
            "pod_baseline_ratio",
            "The pod's usual share of failures, as the rules take it",
            each().map(|(labels, pod)| (labels, pod.baseline.get())),
        )?;
        page.gauge(
            "pod_share_bound_used_ratio",
            "How much of the share rule's bound is used up; it fires at 1",
            each().map(|(labels, pod)| (labels, pod.cusum.get())),
        )?;
        page.gauge(
            "pod_attempts_in_flight",
            "Attempts that are under way",
            each().map(|(labels, pod)| (labels, f64::from(pod.in_flight))),
        )?;
        page.gauge(
            "pod_last_observation_timestamp_seconds",
            "When the pod was last looked at",
            each().filter_map(|(labels, pod)| Some((labels, seconds(pod.last_observed?)))),
        )
    }

    fn covers(&self, page: &mut Page<'_>) -> fmt::Result {
        let each = |of: fn(&CoverAges) -> u32| {
            let sets = self.view.pods.iter().flat_map(|pod| pod.cover.iter().map(move |cover| (pod, cover)));
            let sets = sets.flat_map(|(pod, cover)| cover.sets.iter().map(move |ages| (pod, ages)));
            sets.map(move |(pod, ages)| (cover_labels(&pod.name, ages), f64::from(of(ages))))
        };
        page.gauge("cover_places", "Places that the pod's tokens can hold", each(|ages| ages.reachable))?;
        page.gauge(
            "cover_looked_at_places",
            "Those that were looked at within one period of the cover",
            each(|ages| ages.covered),
        )?;
        page.gauge("cover_never_looked_at_places", "Those that were never looked at", each(|ages| ages.never))?;
        let sets = self.view.pods.iter().flat_map(|pod| pod.cover.iter().map(move |cover| (pod, cover)));
        let sets = sets.flat_map(|(pod, cover)| cover.sets.iter().map(move |ages| (pod, ages)));
        page.gauge(
            "cover_oldest_look_seconds",
            "Time since the place that has waited longest was looked at; absent if one never was",
            sets.filter_map(|(pod, ages)| {
                let age = oldest_look(ages, self.view.at)?;
                Some((cover_labels(&pod.name, ages), age.as_secs_f64()))
            }),
        )
    }

    fn alerts(&self, page: &mut Page<'_>) -> fmt::Result {
        let alerts = &self.view.alerts;
        page.gauge(
            "alerts",
            "Alerts that are pending or firing",
            AUDIENCES.iter().flat_map(|(audience, word)| {
                [(AlertState::Pending, "pending"), (AlertState::Firing, "firing")].map(|(state, name)| {
                    let n = alerts.iter().filter(|a| a.audience == *audience && a.state == state).count();
                    (labels!["audience" = *word, "state" = name], n as f64)
                })
            }),
        )?;
        page.counter(
            "alerts_fired",
            "Alerts that fired",
            self.counts.pods.iter().flat_map(|(pod, kept)| {
                RULES.iter().map(move |rule| {
                    let n: u64 = kept.alerts.iter().filter(|(r, _)| r.as_str() == rule.as_str()).map(|(_, n)| n).sum();
                    (labels!["pod" = pod.as_str(), "rule" = rule.as_str()], n as f64)
                })
            }),
        )?;
        page.gauge(
            "incidents_open",
            "Incidents that are open",
            AUDIENCES.iter().map(|(audience, word)| {
                let open =
                    |i: &&crate::engine::IncidentFacts| i.audience == *audience && i.state == IncidentState::Firing;
                (labels!["audience" = *word], self.view.incidents.iter().filter(open).count() as f64)
            }),
        )?;
        page.counter(
            "incidents_opened",
            "Incidents that were opened",
            AUDIENCES.iter().map(|(audience, word)| {
                let n = self.counts.incidents.get(audience).copied().unwrap_or(0);
                (labels!["audience" = *word], n as f64)
            }),
        )
    }

    fn deliveries(&self, page: &mut Page<'_>) -> fmt::Result {
        let each = |of: fn(&ReceiverCounts) -> u64| {
            self.counts
                .receivers
                .iter()
                .map(move |(name, kept)| (receiver_labels(name.as_str(), kept), of(kept) as f64))
        };
        page.counter("notifications_queued", "Messages that were decided", each(|kept| kept.queued))?;
        page.counter("notifications", "Messages that a receiver took", each(|kept| kept.delivered))?;
        page.counter(
            "notifications_failed",
            "Tries to deliver that did not work; after `again` there is another one",
            self.counts.receivers.iter().flat_map(|(name, kept)| {
                ["again", "never"].iter().zip(kept.failed).map(move |(reason, n)| {
                    let mut labels = receiver_labels(name.as_str(), kept);
                    labels.push(("reason", Cow::from(*reason)));
                    (labels, n as f64)
                })
            }),
        )?;
        page.counter(
            "notifications_abandoned",
            "Messages that were given up at this receiver and went to its fallback, if it has one",
            each(|kept| kept.abandoned),
        )?;
        page.histogram(
            "notification_latency_seconds",
            "Time from the decision to tell somebody until the receiver took the message",
            self.counts.receivers.iter().map(|(name, kept)| (receiver_labels(name.as_str(), kept), &kept.latency)),
        )?;
        page.gauge("outbox_length", "Messages that wait to be delivered", [(vec![], f64::from(self.view.outbox))])
    }

    fn node(&self, page: &mut Page<'_>) -> fmt::Result {
        let (answering, controls) = self.view.controls.unwrap_or((0, 0));
        page.gauge("control_targets", "Control targets that were asked", [(vec![], f64::from(controls))])?;
        page.gauge("control_targets_answering", "Control targets that answered", [(vec![], f64::from(answering))])?;
        page.gauge(
            "trouble",
            "1 while something of ringcheck's own is in trouble",
            TROUBLES.iter().map(|(what, word)| {
                let on = self.counts.troubles.get(what).copied().unwrap_or(false);
                (labels!["what" = *word], f64::from(u8::from(on)))
            }),
        )?;
        page.counter(
            "journal_errors",
            "Turns whose facts could not be journalled",
            [(vec![], self.counts.journal_errors as f64)],
        )?;
        page.counter("facts", "Facts recorded since the node's first start", [(vec![], self.view.facts as f64)])?;
        page.gauge(
            "view_timestamp_seconds",
            "When the engine last published its state",
            (self.view.at != Timestamp::default()).then(|| (vec![], seconds(self.view.at))),
        )?;
        let [worked, failed] = self.counts.reloads;
        page.counter(
            "config_reloads",
            "Reloads of the configuration",
            [(labels!["result" = "success"], worked as f64), (labels!["result" = "failure"], failed as f64)],
        )?;
        // As in Alertmanager: a node that is up has read a configuration.
        let last = f64::from(u8::from(self.counts.reloaded.unwrap_or(true)));
        page.gauge("config_last_reload_successful", "1 unless the newest reload was refused", [(vec![], last)])?;
        page.gauge(
            "config_last_reload_success_timestamp_seconds",
            "When a configuration was last taken",
            self.counts.configured.map(|at| (vec![], seconds(at))),
        )?;
        page.gauge("start_timestamp_seconds", "When this process started", [(vec![], seconds(self.started))])?;
        let version = labels!["version" = env!("CARGO_PKG_VERSION")];
        page.gauge("build_info", "Always 1; what was built", [(version, 1.0)])
    }
}

/// Steps that only calls have: their series begin with the first call, so that probes without
/// calls have none.
const fn is_of_calls(step: Step) -> bool {
    matches!(step, Step::Invite | Step::Ringing | Step::Answer | Step::Ice | Step::Dtls | Step::Media)
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millis() as f64 / 1000.0
}

fn probe_labels<'a>(pod: &'a PodName, probe: &'a ProbeName) -> Labels<'a> {
    labels!["pod" = pod.as_str(), "probe" = probe.as_str()]
}

fn of_probe<'a>(pod: &'a PodName, probe: &'a ProbeName, name: &'static str, value: &'static str) -> Labels<'a> {
    let mut labels = probe_labels(pod, probe);
    labels.push((name, Cow::from(value)));
    labels
}

/// A pod has few kinds and keys, and a class has three sets.
fn cover_labels<'a>(pod: &'a PodName, ages: &'a CoverAges) -> Labels<'a> {
    let (kind, key) = match ages.class {
        Some((kind, key)) => (kind.as_str(), key.0.to_string()),
        None => ("any", "any".to_owned()),
    };
    labels!["pod" = pod.as_str(), "set" = ages.set.as_str(), "kind" = kind, "key" = key]
}

fn receiver_labels<'a>(name: &'a str, kept: &ReceiverCounts) -> Labels<'a> {
    labels!["receiver" = name, "integration" = kept.integration]
}

/// Codes that the pod has never seen are left out, all 46 of them would be 1,400 series of zeros
/// for 30 pods; the commonest ones begin at 0, so that `rate()` sees the first error.
fn device_errors<'a>(pod: &'a PodName, kept: &'a PodCounts) -> impl Iterator<Item = (Labels<'a>, f64)> {
    const FROM_ZERO: [u32; 5] = [20101, 20104, 31000, 31005, 53000];
    let listed = DEVICE_ERROR_CODES.iter().filter_map(move |code| {
        let count = kept.device_errors.listed.get(code).copied();
        let shown = count.or_else(|| FROM_ZERO.contains(code).then_some(0))?;
        Some((labels!["pod" = pod.as_str(), "code" = code.to_string()], shown as f64))
    });
    let rest = [("other", kept.device_errors.other), ("none", kept.device_errors.none)];
    listed.chain(rest.map(|(word, n)| (labels!["pod" = pod.as_str(), "code" = word], n as f64)))
}

/// Writes families.
pub(super) struct Page<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl Page<'_> {
    pub(super) fn gauge<'l>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            match labels.is_empty() {
                true => family.encode_gauge(&value)?,
                false => family.encode_family(&labels)?.encode_gauge(&value)?,
            }
        }
        Ok(())
    }

    /// The name is without the `_total` that its samples get.
    pub(super) fn counter<'l>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'l>, f64)>,
    ) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in samples {
            match labels.is_empty() {
                true => family.encode_counter::<NoLabelSet, f64, f64>(&value, None)?,
                false => family.encode_family(&labels)?.encode_counter::<NoLabelSet, f64, f64>(&value, None)?,
            }
        }
        Ok(())
    }

    pub(super) fn histogram<'l, 'h>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'l>, &'h Histogram)>,
    ) -> fmt::Result {
        let mut family = self.encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, value) in samples {
            let mut sample = family.encode_family(&labels)?;
            sample.encode_histogram::<NoLabelSet>(value.sum(), value.count(), &value.buckets(), None)?;
        }
        Ok(())
    }
}
