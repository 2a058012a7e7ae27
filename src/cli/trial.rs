//! What `check` and `calibrate` share: attempts that a person asked for are made, told, and make
//! the exit code.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;

use crate::io::config_files;
use crate::model::PodName;
use crate::plan::{Plan, Pod};

use super::PlanDirs;
use super::attempt_table::{self, Answer, Count};
use super::attempts::{self, Round, Wanted};
use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::output::{self, Format};

/// Where the plan is, and how the result is told.
#[derive(Debug, clap::Args)]
pub struct TrialArgs {
    #[command(flatten)]
    dirs: PlanDirs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Attempts to make, in each pod so far apart.
pub struct Trial {
    /// Which.
    pub wanted: Vec<Wanted>,
    /// Time between the end of one and the start of the next in the same pod.
    pub pace: Duration,
}

/// Makes the attempts that `choose` wants of the plan, and prints what they found.
pub fn carry_out(
    args: &TrialArgs,
    globals: &Globals,
    choose: impl FnOnce(&Plan) -> Result<Trial, Failure>,
) -> Result<Ending, Failure> {
    let plan = Arc::new(config_files::load(&args.dirs.config, &args.dirs.probes)?.plan);
    let Trial { wanted, pace } = choose(&plan)?;
    let round = attempts::make(&plan, wanted, pace)?;
    match args.format {
        Format::Json => output::write_json(&Answer::of(&round))?,
        Format::Text => output::write(&attempt_table::text(&round, globals.color.on(&std::io::stdout())))?,
    }
    ending(&round)
}

/// The pod of this name.
pub fn pod(plan: &Plan, name: &str) -> Result<Arc<Pod>, Failure> {
    let found = PodName::parse(name).ok().and_then(|name| plan.pod(&name).cloned());
    found.ok_or_else(|| {
        let known: Vec<&str> = plan.pods.iter().map(|pod| pod.name.as_str()).collect();
        Failure::Usage(format!("there is no pod \"{name}\"; there are: {}", known.join(", ")))
    })
}

fn ending(round: &Round) -> Result<Ending, Failure> {
    if round.stopped {
        return Err(Failure::Own(anyhow!("told to stop before every attempt was made")));
    }
    let Count { failed, throttled, lost, .. } = Count::of(round);
    if failed + throttled > 0 {
        return Ok(Ending::NotWell);
    }
    if lost > 0 {
        let why = "the log says why; nothing is known about the partner";
        return Err(Failure::Own(anyhow!("{lost} of {} attempts could not be made: {why}", round.made.len())));
    }
    Ok(Ending::Well)
}
