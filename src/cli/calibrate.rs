//! `ringcheck calibrate POD`: what this pod's partner accepts, tried slowly and once each.

use std::sync::Arc;
use std::time::Duration;

use crate::plan::{Budget, Plan, Pod};

use super::attempts::{Wanted, name_lengths};
use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::trial::{self, Trial, TrialArgs};

/// Try each kind of token with each key, edge and name length of a pod once, slowly
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck calibrate pod-18
  ringcheck calibrate pod-18 --per-minute 30

What has never worked in a pod says nothing when it fails: run this once before a pod's pages
go to the voice on-call, and after its keys or edges have changed. It ends early when the
partner asks us to slow down.

Exit codes: 0 all completed, 1 an attempt failed or was throttled, 2 a mistake in the
configuration, 3 an attempt could not be made at all (and none failed), or it was told to stop:
SIGTERM and Ctrl-C hang up what is under way; a second one ends it at once.")]
pub struct Args {
    /// The pod
    #[arg(value_name = "POD")]
    pod: String,
    /// Attempts a minute; the pod's budget is the limit
    #[arg(long, value_name = "N", default_value_t = Budget::START.connections_per_minute, value_parser = clap::value_parser!(u32).range(1..))]
    per_minute: u32,
    #[command(flatten)]
    trial: TrialArgs,
}

/// Makes the attempts and prints what they found.
pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    trial::carry_out(&args.trial, globals, |plan| {
        let pod = trial::pod(plan, &args.pod)?;
        let per_minute = args.per_minute.min(pod.budget.connections_per_minute).max(1);
        Ok(Trial { wanted: wanted(plan, &pod), pace: Duration::from_mins(1) / per_minute })
    })
}

/// One probe is enough: they all connect alike. The one with the most kinds tells the most.
fn wanted(plan: &Plan, pod: &Arc<Pod>) -> Vec<Wanted> {
    let probe = plan.probes_of(pod).filter(|probe| probe.call.is_none()).max_by_key(|probe| probe.kinds.len());
    probe.map_or_else(Vec::new, |probe| Wanted::all(pod, probe, pod.edges(), name_lengths(pod)))
}
