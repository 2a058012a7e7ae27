//! Counting: facts, reports and what the node tells about itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::calls::CallSeen;
use crate::engine::{MissedWhy, Record, View};
use crate::model::{
    AttemptReport, CallDirection, Observation, Outcome, PodName, ProbeName, ReceiverName, Role, Timestamp,
};
use crate::plan::Plan;

use super::counts::{Counts, DELIVERIES_MAX, OUTCOMES, PHASES, PodCounts, ProbeCounts};
use super::exposition::{self, Format};
use super::families::Scrape;

/// The metrics of this process.
#[derive(Debug)]
pub struct Metrics {
    counts: Mutex<Counts>,
    started: Timestamp,
}

/// Why a try to deliver did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryFailure {
    /// Trying again may help.
    Again,
    /// It was refused for good.
    Never,
}

impl Metrics {
    /// Metrics of a process that started at this moment.
    pub fn new(started: Timestamp) -> Self {
        Self { counts: Mutex::default(), started }
    }

    /// A plan was taken: its series begin at 0, those of what is no longer in it end.
    pub fn planned(&self, plan: &Plan, at: Timestamp) {
        let mut counts = self.counts();
        counts.configured = Some(at);
        counts.pods.retain(|name, _| plan.pod(name).is_some());
        for pod in &plan.pods {
            let kept = counts.pods.entry(pod.name.clone()).or_default();
            kept.probes.retain(|name, _| plan.probes_of(pod).any(|probe| probe.name == *name));
            for probe in plan.probes_of(pod) {
                kept.probes.entry(probe.name.clone()).or_default();
            }
            let called = |direction: &CallDirection| {
                plan.probes_of(pod).filter_map(|probe| probe.call.as_ref()).any(|call| call.direction == *direction)
            };
            kept.calls.retain(|direction, _| called(direction));
            for direction in CallDirection::ALL.into_iter().filter(called) {
                kept.calls.entry(direction).or_default();
            }
            kept.certificates.retain(|edge, _| pod.edges().contains(edge));
        }
        counts.receivers.retain(|name, _| plan.receivers.iter().any(|receiver| receiver.name == *name));
        for receiver in &plan.receivers {
            counts.receivers.entry(receiver.name.clone()).or_default().integration = receiver.kind.as_str();
        }
    }

    /// Facts were recorded.
    pub fn observe(&self, records: &[Record]) {
        let mut counts = self.counts();
        for record in records {
            count(&mut counts, record);
        }
    }

    /// An attempt has told how long its steps took.
    pub fn report(&self, report: &AttemptReport, pod: &PodName, probe: &ProbeName) {
        let mut counts = self.counts();
        let Some(kept) = counts.pods.get_mut(pod) else { return };
        if let Some(seen) = &report.certificate {
            kept.certificates.insert(report.traits.edge.clone(), seen.not_after);
        }
        let Some(kept) = kept.probes.get_mut(probe) else { return };
        kept.durations.observe(report.finished.since(report.started));
        for timing in &report.steps {
            if let Some(place) = PHASES.iter().position(|step| *step == timing.step) {
                kept.phases[place].observe(timing.took);
            }
        }
    }

    /// A reload was tried. A refused one leaves the old plan in place.
    pub fn reloaded(&self, worked: bool) {
        let mut counts = self.counts();
        counts.reloaded = Some(worked);
        counts.reloads[usize::from(!worked)] += 1;
    }

    /// A try to deliver a message did not work.
    pub fn delivery_failed(&self, receiver: &ReceiverName, why: DeliveryFailure) {
        if let Some(kept) = self.counts().receivers.get_mut(receiver) {
            kept.failed[usize::from(why == DeliveryFailure::Never)] += 1;
        }
    }

    /// Facts could not be written to the journal.
    pub fn journal_failed(&self) {
        self.counts().journal_errors += 1;
    }

    /// Everything, for a scraper.
    pub fn render(&self, view: &Arc<View>, format: Format) -> String {
        let scrape = Scrape { counts: self.counts().clone(), view: view.clone(), started: self.started };
        exposition::render(scrape, format)
    }

    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        // A panic while counting leaves numbers that are still numbers.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(counts: &mut Counts, record: &Record) {
    match record {
        Record::Observed { observation } => count_observation(counts, observation),
        Record::SlotsMissed { probe, pod, from, until, why, .. } => {
            let place = match why {
                MissedWhy::Paused => 0,
                MissedWhy::Down => 1,
                MissedWhy::Budget => 2,
            };
            if let Some(kept) = counts.probe(pod, probe) {
                kept.missed[place] += 1;
                kept.missed_seconds[place] += until.since(*from).as_secs_f64();
            }
        }
        Record::BlipSeen { pod, .. } => in_pod(counts, pod, |kept| kept.blips += 1),
        Record::SlowedDown { pod, .. } => in_pod(counts, pod, |kept| kept.slow_downs += 1),
        Record::AlertFiring { pod: Some(pod), rule, .. } => {
            in_pod(counts, pod, |kept| *kept.alerts.entry(*rule).or_default() += 1);
        }
        Record::IncidentOpened { incident } => *counts.incidents.entry(incident.audience).or_default() += 1,
        Record::TroubleChanged { what, on, .. } => {
            counts.troubles.insert(*what, *on);
        }
        Record::NotificationQueued { notification } => {
            counts.receiver(&notification.receiver).queued += 1;
            if counts.waiting.len() < DELIVERIES_MAX {
                counts.waiting.insert(notification.id.clone(), (notification.receiver.clone(), notification.at));
            }
        }
        Record::NotificationDelivered { at, id } => {
            if let Some((receiver, queued)) = counts.waiting.remove(id) {
                let kept = counts.receiver(&receiver);
                kept.delivered += 1;
                kept.latency.observe(at.since(queued));
            }
        }
        Record::NotificationAbandoned { id, receiver, .. } => {
            counts.waiting.remove(id);
            counts.receiver(receiver).abandoned += 1;
        }
        // The rest is state: it is read from the view at the scrape.
        _ => {}
    }
}

fn in_pod(counts: &mut Counts, pod: &PodName, count: impl FnOnce(&mut PodCounts)) {
    if let Some(kept) = counts.pods.get_mut(pod) {
        count(kept);
    }
}

/// What a test call tells of itself.
fn count_call(kept: &mut PodCounts, observation: &Observation) {
    let Some(seen) = CallSeen::of(observation) else { return };
    let kept = kept.calls.entry(seen.wish.direction).or_default();
    let length = |ms: u32| std::time::Duration::from_millis(ms.into());
    if let Some(ms) = seen.set_up_ms {
        kept.set_up.observe(length(ms));
    }
    if let Some(ms) = seen.delivery_ms {
        kept.delivery.observe(length(ms));
    }
    let unkept = observation.call.as_ref().is_some_and(|call| call.recording_failed);
    kept.recordings_failed += u64::from(unkept);
    kept.one_way += u64::from(seen.one_way == Some(true));
    if let Some(path) = seen.path {
        *kept.paths.entry(path).or_default() += 1;
    }
}

fn count_observation(counts: &mut Counts, observation: &Observation) {
    in_pod(counts, &observation.pod, |kept| count_call(kept, observation));
    let Observation { pod, probe, role, outcome, .. } = observation;
    let Some(kept) = counts.probe(pod, probe) else { return };
    let place = OUTCOMES.iter().position(|word| *word == outcome.as_str()).expect("every outcome has its counter");
    if *role == Role::Scheduled {
        kept.scheduled[place] += 1;
        note_success(kept, outcome);
    } else {
        kept.follow_ups[place] += 1;
    }
    let Some(failure) = outcome.failure() else { return };
    if let Some(place) = PHASES.iter().position(|step| *step == failure.step) {
        kept.failed_at[place] += 1;
    }
    in_pod(counts, pod, |kept| {
        for error in &failure.device_errors {
            kept.device_errors.count(error.code);
        }
        if failure.device_errors.is_empty() {
            kept.device_errors.none += 1;
        }
    });
}

/// Only what says something about the partner changes the gauge: a throttled or lost attempt is
/// neither a success nor a failure.
fn note_success(kept: &mut ProbeCounts, outcome: &Outcome) {
    match outcome {
        Outcome::Completed { .. } => kept.success = Some(true),
        Outcome::Failed(_) => kept.success = Some(false),
        Outcome::Throttled { .. } | Outcome::Lost { .. } => {}
    }
}
