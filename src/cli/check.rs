//! `ringcheck check`: every probe of every pod once, now.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;

use crate::io::config_files;
use crate::model::PodName;
use crate::plan::{Plan, Pod};

use super::PlanDirs;
use super::attempt_table::{self, Answer, Count};
use super::attempts::{self, Made, Wanted, name_lengths};
use super::command_line::Globals;
use super::ending::{Ending, Failure};
use super::output::{self, Format};

/// Try every probe in every pod once, now, with each kind of token and each key
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck check
  ringcheck check pod-18
  ringcheck check --format json | jq '.attempts[] | select(.outcome.outcome != \"completed\")'

Exit codes: 0 all completed, 1 an attempt failed or was throttled, 2 a mistake in the
configuration, 3 an attempt could not be made at all (and none failed).")]
pub struct Args {
    /// Only these pods
    #[arg(value_name = "POD")]
    pods: Vec<String>,
    #[command(flatten)]
    dirs: PlanDirs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Makes the attempts and prints what they found.
pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    let plan = Arc::new(config_files::load(&args.dirs.config, &args.dirs.probes)?.plan);
    let pods = pods(&plan, &args.pods)?;
    let made = attempts::make(&plan, wanted(&plan, &pods), Duration::ZERO)?;
    print(&made, args.format, globals)?;
    ending(&made)
}

fn wanted(plan: &Plan, pods: &[Arc<Pod>]) -> Vec<Wanted> {
    let of_pod = |pod: &Arc<Pod>| {
        let edges = &pod.edges()[..1];
        let lengths = &name_lengths(pod)[..1];
        plan.probes_of(pod).flat_map(|probe| Wanted::all(pod, probe, edges, lengths)).collect::<Vec<_>>()
    };
    pods.iter().flat_map(of_pod).collect()
}

/// The pods of these names; all if there are none.
pub(super) fn pods(plan: &Plan, names: &[String]) -> Result<Vec<Arc<Pod>>, Failure> {
    if names.is_empty() {
        return Ok(plan.pods.clone());
    }
    names.iter().map(|name| pod(plan, name)).collect()
}

/// The pod of this name.
pub(super) fn pod(plan: &Plan, name: &str) -> Result<Arc<Pod>, Failure> {
    let found = PodName::parse(name).ok().and_then(|name| plan.pod(&name).cloned());
    found.ok_or_else(|| {
        let known: Vec<&str> = plan.pods.iter().map(|pod| pod.name.as_str()).collect();
        Failure::Usage(format!("there is no pod \"{name}\"; there are: {}", known.join(", ")))
    })
}

/// Prints attempts as the user wants them.
pub(super) fn print(made: &[Made], format: Format, globals: &Globals) -> anyhow::Result<()> {
    match format {
        Format::Json => output::write_json(&Answer::of(made)),
        Format::Text => output::write(&attempt_table::text(made, globals.color.on(&std::io::stdout()))),
    }
}

/// How a command ends that has made these attempts.
pub(super) fn ending(made: &[Made]) -> Result<Ending, Failure> {
    let Count { failed, throttled, lost, .. } = Count::of(made);
    if failed + throttled > 0 {
        return Ok(Ending::NotWell);
    }
    if lost > 0 {
        let why = "the log says why; nothing is known about the partner";
        return Err(Failure::Own(anyhow!("{lost} of {} attempts could not be made: {why}", made.len())));
    }
    Ok(Ending::Well)
}
