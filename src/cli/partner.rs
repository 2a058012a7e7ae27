//! `ringcheck partner`: the simulated partner on real sockets, and the switch of its faults.

mod generated;
mod serve;
mod stage;
mod switch;

use clap::Subcommand;
use serde::Serialize;

use crate::sim::{Settings, catalogue};

use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::output::{self, Format};

/// Where the control API listens unless set.
const CONTROL: &str = "127.0.0.1:9873";

/// Play the partner on this machine, with faults that can be switched on
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck partner serve --generate 3
  ringcheck partner serve --config config --probes probes
  ringcheck partner serve --config config --scenario scenarios/2024-09-10.toml --faster 60
  ringcheck partner faults
  ringcheck partner fault pod-1 token-invalid
  ringcheck partner fault pod-1 parser-fails --when 'kind = \"capability\"' --share 33%
  ringcheck partner clear pod-1")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Serve(serve::Args),
    Faults(FaultsArgs),
    Fault(switch::FaultArgs),
    Clear(switch::ClearArgs),
}

/// List every fault by name
#[derive(Debug, clap::Args)]
struct FaultsArgs {
    /// For people or for scripts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One fault, for scripts.
#[derive(Serialize)]
struct Line {
    name: &'static str,
    group: &'static str,
    does: &'static str,
    parameters: Vec<&'static str>,
}

pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    match &args.what {
        What::Serve(args) => serve::run(args),
        What::Faults(args) => faults(args, globals),
        What::Fault(args) => switch::fault(args),
        What::Clear(args) => switch::clear(args),
    }
}

fn faults(args: &FaultsArgs, globals: &Globals) -> Result<Ending, Failure> {
    let lines = catalogue().map(|entry| Line {
        name: entry.name,
        group: entry.group.as_str(),
        does: entry.does,
        parameters: Settings::of(entry.behaviour),
    });
    match args.format {
        Format::Json => output::write_json(&lines.collect::<Vec<_>>())?,
        Format::Text => {
            let heading = ["FAULT", "GROUP", "PARAMETERS", "WHAT THE PARTNER DOES"].map(str::to_owned);
            let row = |line: Line| {
                [line.name.to_owned(), line.group.to_owned(), line.parameters.join(", "), line.does.to_owned()]
            };
            let rows: Vec<_> = std::iter::once(heading).chain(lines.map(row)).collect();
            let mut text = String::new();
            output::table(&mut text, &rows, globals.color.on(&std::io::stdout()));
            output::write(&text)?;
        }
    }
    Ok(Ending::Well)
}

/// Runs something that waits.
fn wait_for<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    use anyhow::Context;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    Ok(runtime.context("cannot start the runtime")?.block_on(work))
}
