//! `ringcheck check-config`: everything that is wrong with the configuration, in one go; if
//! nothing is, what it means.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::io::config_files;
use crate::plan::read::{PlanRead, Problems};
use crate::plan::{Plan, Pod};

use super::PlanDirs;
use super::ending::{Ending, Failure};
use super::forecast::{self, AtRate, Group};
use super::globals::Globals;
use super::output::{self, Color, Format};

/// Check the configuration: list every mistake, or show what it means
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck check-config
  ringcheck check-config --config /etc/ringcheck --probes /etc/ringcheck/probes
  ringcheck check-config --without-secrets     in CI, where there are none

Exit codes: 0 all is right, 2 a mistake (each with file:line:column and a hint).")]
pub struct Args {
    #[command(flatten)]
    dirs: PlanDirs,
    /// Do not look whether secrets and certificate files are there
    #[arg(long)]
    without_secrets: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads the plan and prints what it means.
pub fn run(args: &Args, globals: &Globals) -> Result<Ending, Failure> {
    let result = if args.without_secrets {
        config_files::read(&args.dirs.config, &args.dirs.probes)
    } else {
        config_files::load(&args.dirs.config, &args.dirs.probes)
    };
    if args.format == Format::Json {
        output::write_json(&Answer::of(&result))?;
    }
    let read = result?;
    if args.format == Format::Text {
        output::write(&text(&read, globals.color.on(&std::io::stdout())))?;
    }
    Ok(Ending::Well)
}

/// The result for scripts.
#[derive(serde::Serialize)]
struct Answer<'r> {
    problems: Option<&'r Problems>,
    warnings: Option<&'r Problems>,
    pods: Vec<PodAnswer<'r>>,
}

#[derive(serde::Serialize)]
struct PodAnswer<'r> {
    name: &'r str,
    public_name: &'r str,
    probes: Vec<&'r str>,
    attempts_per_minute: f64,
    /// What its thresholds are worth: at its own rate first, then at others.
    forecasts: Vec<Arc<AtRate>>,
}

impl<'r> Answer<'r> {
    fn of(result: &'r Result<PlanRead, Problems>) -> Self {
        match result {
            Err(problems) => Self { problems: Some(problems), warnings: None, pods: Vec::new() },
            Ok(read) => {
                let groups = forecast::groups(&read.plan);
                Self {
                    problems: None,
                    warnings: Some(&read.warnings),
                    pods: read.plan.pods.iter().map(|pod| PodAnswer::of(&read.plan, pod, &groups)).collect(),
                }
            }
        }
    }
}

impl<'r> PodAnswer<'r> {
    fn of(plan: &'r Plan, pod: &'r Pod, groups: &[Group]) -> Self {
        let forecasts = groups.iter().find(|group| group.pods.contains(&pod.name)).map(|group| group.rates.clone());
        Self {
            name: pod.name.as_str(),
            public_name: &pod.public_name,
            probes: plan.probes_of(pod).map(|probe| probe.name.as_str()).collect(),
            attempts_per_minute: attempts_per_minute(plan, pod),
            forecasts: forecasts.unwrap_or_default(),
        }
    }
}

fn attempts_per_minute(plan: &Plan, pod: &Pod) -> f64 {
    pod.attempts_per_minute(plan.probes_of(pod).map(AsRef::as_ref))
}

fn text(read: &PlanRead, color: bool) -> String {
    let mut text = String::new();
    let plan = &read.plan;
    let edges = |pod: &Pod| pod.edges().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let probes = |pod: &Pod| plan.probes_of(pod).map(|probe| probe.name.to_string()).collect::<Vec<_>>().join(", ");
    let mut rows = vec![["pod", "public name", "edges", "probes", "a minute"].map(str::to_owned)];
    for pod in &plan.pods {
        let rate = format!("{:.1}", attempts_per_minute(plan, pod));
        rows.push([pod.name.to_string(), pod.public_name.clone(), edges(pod), probes(pod), rate]);
    }
    output::table(&mut text, &rows, color);
    forecast::text(&mut text, &forecast::groups(plan), color);
    text.push('\n');
    for warning in read.warnings.iter() {
        let _ = writeln!(text, "{} {warning}", Color::Yellow.paint("warning:", color));
    }
    let _ = writeln!(text, "{} {}", Color::Green.paint("right:", color), summary(plan));
    text
}

fn summary(plan: &Plan) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    format!(
        "{}, {}, {}, {}, seen from {}",
        count(plan.pods.len(), "pod"),
        count(plan.probes.len(), "probe"),
        count(plan.receivers.len(), "receiver"),
        count(plan.routes.len(), "route"),
        plan.node.location.name
    )
}
