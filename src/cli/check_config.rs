//! `ringcheck check-config`: everything that is wrong with the configuration, in one go.

use crate::io::config_files;
use crate::plan::read::{Problems, syntax};

use super::PlanDirs;
use super::command_line::Globals;
use super::ending::{Ending, Failure};
use super::output;

/// Check the configuration and list every mistake
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck check-config
  ringcheck check-config --config /etc/ringcheck --probes /etc/ringcheck/probes")]
pub struct Args {
    #[command(flatten)]
    dirs: PlanDirs,
}

pub fn run(args: &Args, _globals: &Globals) -> Result<Ending, Failure> {
    let sources = config_files::bring(&args.dirs.config, &args.dirs.probes)?;
    let mut problems = Problems::default();
    for file in &sources.files {
        syntax::parse(file, &mut problems);
    }
    if !problems.is_empty() {
        return Err(Failure::Config(problems.sorted()));
    }
    output::write(&format!("{} files: the syntax is right\n", sources.files.len()))?;
    Ok(Ending::Well)
}
