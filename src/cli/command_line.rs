//! The command line: what can be asked, and who does it.

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use super::ending::{Ending, Failure, exit_code};
use super::globals::Globals;
use super::logging;
use super::output::Color;
use super::{affected, avoid, calibrate, check, check_config, demo, init, partner, pause, run, schema, sim, token};

/// Finds the calls that fail, says for whom and why, and pages once.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
pub struct CommandLine {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  ringcheck demo             see it find an incident, on this machine
  ringcheck init             write a first configuration
  ringcheck check-config     list every mistake in it

Exit codes: 0 all is well, 1 what was checked is not well, 2 a mistake in configuration or
arguments, 3 ringcheck itself could not do it.";

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Init(init::Args),
    CheckConfig(check_config::Args),
    Calibrate(calibrate::Args),
    Check(check::Args),
    Run(run::Args),
    Pause(pause::Args),
    Affected(affected::Args),
    Avoid(avoid::Args),
    Partner(partner::Args),
    Sim(sim::Args),
    Schema(schema::Args),
    Token(token::Args),
}

impl Command {
    /// The demo tells its story on standard output; log lines would break into it.
    const fn log_level(&self) -> &'static str {
        match self {
            Self::Demo(_) => "error",
            _ => "info",
        }
    }

    fn run(&self, globals: &Globals) -> Result<Ending, Failure> {
        match self {
            Self::Affected(args) => affected::run(args, globals),
            Self::Avoid(args) => avoid::run(args, globals),
            Self::Check(args) => check::run(args, globals),
            Self::Demo(args) => demo::run(args, globals),
            Self::CheckConfig(args) => check_config::run(args, globals),
            Self::Calibrate(args) => calibrate::run(args, globals),
            Self::Init(args) => init::run(args, globals),
            Self::Pause(args) => pause::run(args, globals),
            Self::Run(args) => run::run(args, globals),
            Self::Schema(args) => schema::run(args, globals),
            Self::Partner(args) => partner::run(args, globals),
            Self::Sim(args) => sim::run(args, globals),
            Self::Token(args) => token::run(args, globals),
        }
    }
}

impl CommandLine {
    /// Does what was asked.
    pub fn run(&self) -> Result<Ending, Failure> {
        self.command.run(&self.globals)
    }
}

/// Reads the arguments, does what they ask, and says why where it could not.
pub fn main() -> ExitCode {
    // clap itself ends with 2 on a mistake in the arguments, and with 0 after --help.
    let line = CommandLine::parse();
    let globals = &line.globals;
    let level = globals.log_level.as_deref().unwrap_or_else(|| line.command.log_level());
    let result =
        logging::start(globals.log_format, level, globals.color).map_err(Failure::Usage).and_then(|()| line.run());
    if let Err(failure) = &result {
        let word = Color::Red.paint("error:", globals.color.on(&io::stderr()));
        eprintln!("{word} {failure}");
    }
    exit_code(&result)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        CommandLine::command().debug_assert();
    }
}
