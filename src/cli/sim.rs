//! `ringcheck sim`: plays a scenario in virtual time and says what came of it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::output::{self, Color, Format};
use crate::io::clock::Stopwatch;
use crate::io::config_files;
use crate::model::{PodName, Timestamp, humane};
use crate::sim::World;
use crate::sim::play::{self, Outcome};
use crate::sim::scenario::Scenario;

/// Play a scenario in virtual time: a five-hour incident in well under a second
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The scenario, a TOML file
    file: PathBuf,
    /// Seed of everything that is random, instead of the scenario's
    #[arg(long)]
    seed: Option<u64>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  ringcheck sim scenarios/2024-09-10.toml
  ringcheck sim scenarios/2024-09-10.toml --seed 42 --format json

Exit codes: 0 every expectation held, 1 one did not, 2 the scenario or its config is wrong.";

/// Plays it.
pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let scenario = Scenario::parse(&text).map_err(|problems| {
        let lines = problems.iter().map(|problem| format!("{}:{problem}", args.file.display()));
        Failure::Usage(lines.collect::<Vec<_>>().join("\n"))
    })?;
    let base = args.file.parent().unwrap_or(Path::new("."));
    let read = config_files::read(&base.join(&scenario.config), &base.join(&scenario.probes))?;
    let plan = play::adapt(&read.plan, &scenario).map_err(|what| Failure::Own(anyhow!(what)))?;
    let watch = Stopwatch::start();
    let (outcome, world) = play::play(&scenario, plan, args.seed.unwrap_or(scenario.seed));
    match args.format {
        Format::Json => output::write_json(&outcome)?,
        Format::Text => {
            let color = globals.color.on(&std::io::stdout());
            output::write(&in_words(&scenario, &outcome, &world, color))?;
            tracing::info!(took = ?watch.time(), attempts = outcome.attempts, "played");
        }
    }
    Ok(Ending::well_if(outcome.all_held()))
}

/// The result for people: what happened when, then each expectation.
fn in_words(scenario: &Scenario, outcome: &Outcome, world: &World, color: bool) -> String {
    let mut text = format!("{}\n\n", Color::Bold.paint(&scenario.title, color));
    let onset = scenario.onset();
    let mut line = |what: &str, at: Option<Timestamp>| {
        let said = match (at, onset) {
            (None, _) => "-".to_owned(),
            (Some(at), Some(onset)) if at > onset => {
                format!("{} UTC  {} after the onset", at.date_and_clock(), humane(at.since(onset)))
            }
            (Some(at), _) => format!("{} UTC", at.date_and_clock()),
        };
        let _ = writeln!(text, "  {what:<22}{said}");
    };
    let moment = |text: &Option<String>| text.as_deref().and_then(Timestamp::parse_rfc3339);
    line("onset", onset);
    line("first failed attempt", moment(&outcome.first_failed_attempt));
    line("paged", moment(&outcome.paged));
    line("public notice", world.outside().first_notice);
    line("resolved", moment(&outcome.resolved));
    let pods: Vec<&str> = outcome.pods.iter().map(PodName::as_str).collect();
    let _ = writeln!(text, "  {:<22}{} ({})", "first pages", outcome.pages, pods.join(", "));
    let _ = writeln!(
        text,
        "  {:<22}{} attempts, {} facts, seed {}\n",
        "played", outcome.attempts, outcome.facts, outcome.seed
    );
    for held in &outcome.expectations {
        let mark = if held.held { Color::Green.paint("held  ", color) } else { Color::Red.paint("BROKEN", color) };
        let _ = writeln!(text, "  {mark}  {}", held.expected);
    }
    text
}
