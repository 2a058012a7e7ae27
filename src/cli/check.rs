//! `ringcheck check`: every probe of every pod once, now.

use std::sync::Arc;
use std::time::Duration;

use crate::plan::{Plan, Pod};

use super::attempts::{Wanted, name_lengths};
use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::trial::{self, Trial, TrialArgs};

/// Try every probe in every pod once, now, with each kind of token and each key
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck check
  ringcheck check pod-18
  ringcheck check --format json | jq '.attempts[] | select(.outcome != \"completed\")'

A pod whose partner asks us to slow down is left alone at once: the rest is not tried there.

Exit codes: 0 all completed, 1 an attempt failed or was throttled, 2 a mistake in the
configuration, 3 an attempt could not be made at all (and none failed), or it was told to stop:
SIGTERM and Ctrl-C hang up what is under way; a second one ends it at once.")]
pub struct Args {
    /// Only these pods
    #[arg(value_name = "POD")]
    pods: Vec<String>,
    #[command(flatten)]
    trial: TrialArgs,
}

/// Makes the attempts and prints what they found.
pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    trial::carry_out(&args.trial, globals, |plan| {
        let wanted = pods(plan, &args.pods)?.iter().flat_map(|pod| wanted(plan, pod)).collect();
        Ok(Trial { wanted, pace: Duration::ZERO })
    })
}

fn wanted(plan: &Plan, pod: &Arc<Pod>) -> Vec<Wanted> {
    let (edges, lengths) = (&pod.edges()[..1], &name_lengths(pod)[..1]);
    plan.probes_of(pod).flat_map(|probe| Wanted::all(pod, probe, edges, lengths)).collect()
}

/// The pods of these names; all if there are none.
fn pods(plan: &Plan, names: &[String]) -> Result<Vec<Arc<Pod>>, Failure> {
    if names.is_empty() {
        return Ok(plan.pods.clone());
    }
    names.iter().map(|name| trial::pod(plan, name)).collect()
}
