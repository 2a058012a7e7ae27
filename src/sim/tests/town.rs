//! Worlds to test in: the example's pods at a rate.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Audience, IncidentFacts, NotifyReason, Record};
use crate::model::{PodName, Timestamp};
use crate::plan::read::{FileKind, SourceText, Sources, read_texts};
use crate::plan::{Budget, Plan, Pod};
use crate::sim::{Fault, FaultRule, Predicate, World};

/// Receivers of the example that a critical incident goes to, over both of its routes.
pub(super) const RECEIVERS: usize = 3;
/// A Tuesday evening.
pub(super) const START: Timestamp = Timestamp::from_millis(1_726_000_000_000);

/// The example's plan, for its first pods, at a rate.
pub(super) fn plan(pods: usize, connections_per_minute: u32) -> Plan {
    let file = |kind, path: &str, text: &str| SourceText { kind, path: path.to_owned(), text: text.to_owned() };
    let files = vec![
        file(FileKind::Ringcheck, "config/ringcheck.toml", include_str!("../../../config/ringcheck.toml")),
        file(FileKind::Pod, "config/pods/pod-14.toml", include_str!("../../../config/pods/pod-14.toml")),
        file(FileKind::Pod, "config/pods/pod-18.toml", include_str!("../../../config/pods/pod-18.toml")),
        file(FileKind::Pod, "config/pods/pod-23.toml", include_str!("../../../config/pods/pod-23.toml")),
        file(FileKind::Probe, "probes/connection.toml", include_str!("../../../probes/connection.toml")),
    ];
    let sources = Sources { base: Path::new("config").to_owned(), files };
    let mut plan = read_texts(&sources).expect("the example is right").plan;
    plan.pods.truncate(pods);
    for pod in &mut plan.pods {
        *pod = Arc::new(Pod { budget: Budget { connections_per_minute }, ..pod.as_ref().clone() });
    }
    plan
}

/// A world of the example's first pods, after ten healthy minutes.
pub(super) fn healthy(pods: usize, connections_per_minute: u32, seed: u64) -> World {
    let mut world = World::new(Arc::new(plan(pods, connections_per_minute)), START, seed).journalled();
    // Another moment within the schedule for each seed.
    let shift = Duration::from_millis(seed.wrapping_mul(7_919) % 60_000);
    world.run_until(START.plus(Duration::from_mins(10) + shift));
    world
}

pub(super) fn pod(name: &str) -> PodName {
    PodName::parse(name).expect("valid")
}

/// A fault of the catalogue with a condition, as users write it.
pub(super) fn fault(name: &str, when: &str) -> FaultRule {
    let when = if when.is_empty() { Predicate::default() } else { Predicate::parse(when).expect("valid") };
    FaultRule::new(Fault::named(name).expect("in the catalogue"), when).expect("fits")
}

/// Switches a fault on in every pod, now; returns the moment.
pub(super) fn strike(world: &mut World, name: &str, when: &str) -> Timestamp {
    let pods: Vec<PodName> = world.engine().state().pods.keys().cloned().collect();
    for pod in pods {
        world.fault(&pod, fault(name, when));
    }
    world.now()
}

pub(super) fn wait(world: &mut World, length: Duration) {
    world.run_until(world.now().plus(length));
}

/// Incidents of an audience, in the order of their opening.
pub(super) fn incidents(world: &World, audience: Audience) -> Vec<IncidentFacts> {
    let all = world.engine().state().incidents.values().map(|incident| incident.facts.clone());
    all.filter(|facts| facts.audience == audience).collect()
}

/// When each incident of the voice on-call was opened, from the journal.
pub(super) fn opened(world: &World) -> Vec<Timestamp> {
    let of_record = |record: &Record| match record {
        Record::IncidentOpened { incident } if incident.audience == Audience::VoiceOnCall => Some(incident.opened),
        _ => None,
    };
    world.journal().iter().filter_map(of_record).collect()
}

/// First pages that receivers took, repeats counted once.
pub(super) fn first_pages(world: &World) -> usize {
    let mut ids: Vec<_> = world
        .outside()
        .delivered
        .iter()
        .map(|delivered| &delivered.notification)
        .filter(|n| n.reason == NotifyReason::First && n.incident.audience == Audience::VoiceOnCall)
        .map(|n| (n.incident.number, n.receiver.clone()))
        .collect();
    ids.sort();
    ids.dedup();
    ids.len()
}
