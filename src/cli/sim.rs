//! `ringcheck sim`: plays a scenario in virtual time and says what came of it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::output::{self, Color, Format};
use crate::engine::{Audience, ComponentState};
use crate::io::clock::Stopwatch;
use crate::io::config_files;
use crate::model::{PodName, Timestamp, humane};
use crate::sim::World;
use crate::sim::play::{self, Outcome};
use crate::sim::scenario::{Scenario, ScenarioProblem};
use crate::sim::story;

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
    let wrong = |problems: Vec<ScenarioProblem>| {
        let lines = problems.iter().map(|problem| format!("{}:{problem}", args.file.display()));
        Failure::Usage(lines.collect::<Vec<_>>().join("\n"))
    };
    let scenario = Scenario::parse(&text).map_err(wrong)?;
    let base = args.file.parent().unwrap_or(Path::new("."));
    let read = config_files::read(&base.join(&scenario.config), &base.join(&scenario.probes))?;
    let plan = play::adapt(&read.plan, &scenario).map_err(wrong)?;
    let watch = Stopwatch::start();
    let seed = args.seed.unwrap_or(scenario.seed);
    let (outcome, world) = play::play(&scenario, plan, seed, watch.origin());
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
    let calls =
        outcome.calls.iter().map(|calls| format!("{} {}, {} failed", calls.made, calls.direction, calls.failed));
    let calls: Vec<String> = calls.collect();
    if !calls.is_empty() {
        let _ = writeln!(text, "  {:<22}{}", "test calls", calls.join("; "));
    }
    let _ = writeln!(
        text,
        "  {:<22}{} attempts, {} facts, seed {}\n",
        "played", outcome.attempts, outcome.facts, outcome.seed
    );
    text.push_str(&timeline(outcome, color));
    for held in &outcome.expectations {
        let mark = if held.held { Color::Green.paint("held  ", color) } else { Color::Red.paint("BROKEN", color) };
        let _ = writeln!(text, "  {mark}  {}", held.expected);
    }
    text
}

/// Lines of the timeline; what is more is counted.
const LINES_MAX: usize = 40;

/// What people were told and what the status page showed, in order.
fn timeline(outcome: &Outcome, color: bool) -> String {
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    for told in &outcome.told {
        let whom = match told.audience {
            Audience::VoiceOnCall => "on-call",
            Audience::MonitorOwner => "owner",
        };
        lines.push((told.at, format!("{whom:<9}{}", told.headline)));
    }
    for shown in &outcome.components {
        let state = story::state_in_words(shown.state);
        let painted = match shown.state {
            ComponentState::Operational => Color::Green.paint(state, color),
            ComponentState::DegradedPerformance => Color::Yellow.paint(state, color),
            ComponentState::PartialOutage | ComponentState::MajorOutage => Color::Red.paint(state, color),
        };
        lines.push((
            shown.at,
            format!("{:<9}{}: {}, {painted}", "status", shown.pod, story::component_in_words(shown.component)),
        ));
    }
    lines.sort_by_key(|(at, _)| *at);
    let mut text = String::new();
    for (at, line) in lines.iter().take(LINES_MAX) {
        let _ = writeln!(text, "  {}  {line}", Color::Dim.paint(&at.clock(), color));
    }
    if lines.len() > LINES_MAX {
        let _ = writeln!(text, "  and {} more", lines.len() - LINES_MAX);
    }
    if !lines.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(text: &str) -> Result<String, Vec<String>> {
        let lines = |problems: Vec<ScenarioProblem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
        let scenario = Scenario::parse(text).map_err(lines)?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = config_files::read(&root.join("config"), &root.join("probes")).expect("the example is right");
        let plan = play::adapt(&read.plan, &scenario).map_err(lines)?;
        let (outcome, world) = play::play(&scenario, plan, scenario.seed, Stopwatch::start().origin());
        let json = serde_json::to_string_pretty(&outcome.told).expect("is JSON");
        Ok(format!("{}\n{json}\n", in_words(&scenario, &outcome, &world, false)))
    }

    #[test]
    fn a_story_with_calls_reads_well() {
        insta::assert_snapshot!(played(include_str!("../../scenarios/calls-not-heard.toml")).expect("plays"));
    }

    #[test]
    fn mistakes_about_calls_are_told_with_their_place() {
        let top = "title = \"t\"\nstart = \"2026-01-01T00:00:00Z\"\nend = \"1h\"\nconfig = \"c\"\nprobes = \"p\"\n";
        let told = |rest: &str| played(&format!("{top}{rest}")).expect_err(rest).join("\n");
        let mut text = String::new();
        for rest in [
            "[[expect]]\nwhat = \"page\"\nrule = \"outbound_call\"\n",
            "[[expect]]\nwhat = \"notice\"\nsays = \"calls\"\n",
            "[[expect]]\nwhat = \"component\"\ncomponent = \"making_calls\"\n",
            "[[expect]]\nwhat = \"component\"\ncomponent = \"calls\"\nstate = \"operational\"\n",
            "[[expect]]\nwhat = \"page\"\nstate = \"operational\"\n",
            "[[expect]]\nwhat = \"page\"\nrule = \"call_quality_7\"\n",
            "[[expect]]\nwhat = \"page\"\npods = [\"pod-99\"]\n",
            "[[at]]\ntime = \"1m\"\npods = [\"pod-41\"]\nfault = \"call-cut\"\n",
            "[[at]]\ntime = \"1m\"\nfault = \"call-busy\"\nwhen = { direction = \"inbound\" }\n",
            "[[at]]\ntime = \"1m\"\nfault = \"call-cut\"\nwith = { percent = 3 }\n",
        ] {
            let _ = writeln!(text, "{}", told(rest));
        }
        insta::assert_snapshot!(text);
    }
}
