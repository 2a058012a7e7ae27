//! What the benches share: the example's pods at a rate, as many as wanted, and arguments.

use std::path::Path;
use std::sync::Arc;

use ringcheck::model::{PodName, Share, Timestamp};
use ringcheck::plan::read::{FileKind, SourceText, Sources, read_texts};
use ringcheck::plan::{Budget, Plan, Pod};

/// A Tuesday evening.
pub const START: Timestamp = Timestamp::from_millis(1_726_000_000_000);

/// So many pods like the example's, each with 30 connections a minute and this usual share.
pub fn plan(pods: usize, baseline: f64) -> Plan {
    let file = |kind, path: &str, text: &str| SourceText { kind, path: path.to_owned(), text: text.to_owned() };
    let files = vec![
        file(FileKind::Ringcheck, "config/ringcheck.toml", include_str!("../../config/ringcheck.toml")),
        file(FileKind::Pod, "config/pods/pod-14.toml", include_str!("../../config/pods/pod-14.toml")),
        file(FileKind::Probe, "probes/connection.toml", include_str!("../../probes/connection.toml")),
    ];
    let sources = Sources { base: Path::new("config").to_owned(), files };
    let mut plan = read_texts(&sources).unwrap_or_else(|problems| panic!("{problems}")).plan;
    let example = plan.pods.remove(0);
    plan.pods.clear();
    for number in 1..=pods {
        let mut pod = Pod {
            name: PodName::parse(&format!("pod-{number}")).expect("a name"),
            budget: Budget { connections_per_minute: 30 },
            ..example.as_ref().clone()
        };
        pod.thresholds.device_errors.baseline = Share::clamped(baseline);
        plan.pods.push(Arc::new(pod));
    }
    plan
}

/// The argument with this place, after those that cargo adds; a number.
pub fn argument(place: usize, default: u64) -> u64 {
    let given = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).nth(place);
    given.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("a number, not {text:?}")))
}
