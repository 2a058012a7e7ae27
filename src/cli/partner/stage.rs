//! A scenario on real sockets: its faults are switched on and off at their moments, counted from
//! when the partner started. What befalls the node (`network`, `crash` …) is virtual time's alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use crate::io::clock;
use crate::model::PodName;
use crate::partner_server::PartnerServer;
use crate::sim::FaultRule;
use crate::sim::scenario::{Scenario, What};

/// One change of one pod's faults.
pub(super) struct Change {
    after: Duration,
    pods: Vec<PodName>,
    what: What,
}

/// The changes of a scenario file, in order; `faster` divides all times.
pub(super) fn changes(file: &Path, faster: f64) -> anyhow::Result<Vec<Change>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let scenario = Scenario::parse(&text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("{}:{problem}", file.display())).collect();
        anyhow!(lines.join("\n"))
    })?;
    let change = |happening: crate::sim::scenario::Happening| {
        let after = happening.at.since(scenario.start).div_f64(faster);
        let concerns_us = !matches!(happening.what, What::Mishap(_));
        concerns_us.then_some(Change { after, pods: happening.pods, what: happening.what })
    };
    Ok(scenario.happenings.into_iter().filter_map(change).collect())
}

/// Plays them; ends with the last one.
pub(super) async fn play(partner: &PartnerServer, all: &[PodName], changes: Vec<Change>) -> anyhow::Result<()> {
    let began = clock::now();
    let mut rules: BTreeMap<PodName, Vec<FaultRule>> = BTreeMap::new();
    for change in changes {
        clock::sleep_until(began.plus(change.after)).await;
        for pod in if change.pods.is_empty() { all } else { &change.pods } {
            let of_pod = rules.entry(pod.clone()).or_default();
            match &change.what {
                What::Fault(rule) => of_pod.push(rule.clone()),
                What::Clear(name) => {
                    of_pod.retain(|rule| name.as_deref().is_some_and(|name| rule.fault().name() != name));
                }
                What::Mishap(_) => {}
            }
            partner.set_faults(pod, of_pod.clone()).await.with_context(|| format!("cannot switch faults of {pod}"))?;
            tracing::info!(%pod, faults = of_pod.len(), "the scenario goes on");
        }
    }
    Ok(())
}
