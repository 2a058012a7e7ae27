//! `ringcheck calibrate POD`: what this pod's partner accepts, tried slowly and once each.

use std::sync::Arc;
use std::time::Duration;

use crate::io::config_files;
use crate::plan::{Budget, Plan, Pod};

use super::PlanDirs;
use super::attempts::{self, Wanted, name_lengths};
use super::check::{ending, pod, print};
use super::command_line::Globals;
use super::ending::{Ending, Failure};
use super::output::Format;

/// Try each kind of token with each key, edge and name length of a pod once, slowly
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck calibrate pod-18
  ringcheck calibrate pod-18 --per-minute 30

What has never worked in a pod says nothing when it fails: run this once before a pod's pages
go to the voice on-call, and after its keys or edges have changed.

Exit codes: 0 all completed, 1 an attempt failed or was throttled, 2 a mistake in the
configuration, 3 an attempt could not be made at all (and none failed).")]
pub struct Args {
    /// The pod
    #[arg(value_name = "POD")]
    pod: String,
    /// Attempts a minute; the pod's budget is the limit
    #[arg(long, value_name = "N", default_value_t = Budget::START.connections_per_minute, value_parser = clap::value_parser!(u32).range(1..))]
    per_minute: u32,
    #[command(flatten)]
    dirs: PlanDirs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Makes the attempts and prints what they found.
pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    let plan = Arc::new(config_files::load(&args.dirs.config, &args.dirs.probes)?.plan);
    let pod = pod(&plan, &args.pod)?;
    let per_minute = args.per_minute.min(pod.budget.connections_per_minute).max(1);
    let pace = Duration::from_mins(1) / per_minute;
    let made = attempts::make(&plan, wanted(&plan, &pod), pace)?;
    print(&made, args.format, globals)?;
    ending(&made)
}

/// One probe is enough: they all connect alike. The one with the most kinds tells the most.
fn wanted(plan: &Plan, pod: &Arc<Pod>) -> Vec<Wanted> {
    let probe = plan.probes_of(pod).max_by_key(|probe| probe.kinds.len());
    probe.map_or_else(Vec::new, |probe| Wanted::all(pod, probe, pod.edges(), name_lengths(pod)))
}
