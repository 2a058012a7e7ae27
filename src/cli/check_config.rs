//! `ringcheck check-config`: everything that is wrong with the configuration, in one go; if
//! nothing is, what it means.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::io::config_files;
use crate::plan::read::{PlanRead, Problems};
use crate::plan::{PartnerAccount, Plan, Pod, Population, TokenSource, Unseen};
use crate::token::OwnNames;

use super::PlanDirs;
use super::call_forecast::{self, CallWorth};
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
    /// Agents whose names no token of ours is like; null if the names are not known.
    agents_not_looked_at: Option<Unseen>,
    /// What its thresholds are worth: at its own rate first, then at others.
    forecasts: Vec<Arc<AtRate>>,
    /// What its test calls cost, and what their rules are worth.
    calls: Vec<CallWorth>,
    /// The clients that TwiML at the partner must ring.
    rings: Vec<Rings>,
}

/// A client of ours that TwiML at the partner must ring.
#[derive(serde::Serialize)]
struct Rings {
    /// The key in the pod's file.
    key: &'static str,
    /// The phone number or the application.
    of: String,
    /// The client's name.
    client: String,
}

/// The clients that a pod's TwiML must ring, and what must ring them.
fn rings(plan: &Plan, pod: &Pod) -> Vec<Rings> {
    let PartnerAccount::Twilio(account) = &pod.partner;
    let names = OwnNames::new(&pod.name, &plan.node.location.name);
    let far = account.far_application_sid.clone();
    let far = far.map(|of| Rings { key: "far_application_sid", of, client: names.of_far_client() });
    let number = pod.calls.own_number.clone();
    let number = number.map(|of| Rings { key: "own_number", of, client: names.of_phone_number() });
    far.into_iter().chain(number).collect()
}

/// A line for each client that TwiML must ring.
fn tell_rings(text: &mut String, plan: &Plan) {
    let all = plan.pods.iter().flat_map(|pod| rings(plan, pod).into_iter().map(move |rings| (pod, rings)));
    for (place, (pod, Rings { key, of, client })) in all.enumerate() {
        text.push_str(if place == 0 { "\n" } else { "" });
        let _ = writeln!(text, "{}: the TwiML of {key} {of} must ring <Client>{client}</Client>", pod.name);
    }
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
            agents_not_looked_at: unseen(plan, pod),
            forecasts: forecasts.unwrap_or_default(),
            calls: call_forecast::worth(plan, pod),
            rings: rings(plan, pod),
        }
    }
}

fn attempts_per_minute(plan: &Plan, pod: &Pod) -> f64 {
    pod.attempts_per_minute(plan.probes_of(pod).map(AsRef::as_ref))
}

/// Which of the pod's agents no token of ours is like, if their names are known.
fn unseen(plan: &Plan, pod: &Pod) -> Option<Unseen> {
    let TokenSource::Minted { population, .. } = &pod.tokens else { return None };
    let known = Some(population).filter(|population| !Population::is_empty(population));
    known.map(|population| population.unseen(&pod.reach(&plan.node.location.name)))
}

/// A line for each pod whose agents' names are known.
fn tell_unseen(text: &mut String, plan: &Plan) {
    let known = plan.pods.iter().filter_map(|pod| Some((pod, unseen(plan, pod)?)));
    for (place, (pod, unseen)) in known.enumerate() {
        let percent = |agents: u64| format!("{:.1} %", agents as f64 * 100.0 / unseen.agents.max(1) as f64);
        let why = [
            (unseen.kind, "a kind of token that is not minted"),
            (unseen.length, "a length of name that ours do not have"),
            (unseen.characters, "characters that ours do not have"),
        ];
        let why: Vec<String> = why
            .into_iter()
            .filter(|(agents, _)| *agents > 0)
            .map(|(agents, what)| format!("{} {what}", percent(agents)))
            .collect();
        text.push_str(if place == 0 { "\n" } else { "" });
        let _ = match why.is_empty() {
            true => writeln!(text, "{}: our tokens are like those of all {} agents", pod.name, unseen.agents),
            false => writeln!(
                text,
                "{}: {} of {} agents have names that no token of ours is like: not looked at as they are ({})",
                pod.name,
                percent(unseen.any),
                unseen.agents,
                why.join(", ")
            ),
        };
    }
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
    call_forecast::text(&mut text, plan, color);
    tell_unseen(&mut text, plan);
    tell_rings(&mut text, plan);
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::plan::read::{FileKind, SourceText, Sources, read_texts};

    use super::*;

    #[test]
    fn it_says_what_the_plan_means() {
        let pod = format!(
            "{}\n[tokens]\npopulation = [{{ length = 24, agents = 90, other_characters = 2 }}, {{ length = 9, agents = 10 }}]\n",
            include_str!("../../config/pods/pod-14.toml")
        );
        let file = |kind, path: &str, text: &str| SourceText { kind, path: path.to_owned(), text: text.to_owned() };
        let files = vec![
            file(FileKind::Ringcheck, "ringcheck.toml", include_str!("../../config/ringcheck.toml")),
            file(FileKind::Pod, "pod-14.toml", &pod),
            file(FileKind::Probe, "connection.toml", include_str!("../../probes/connection.toml")),
            file(FileKind::Probe, "inbound-call.toml", include_str!("../../probes/inbound-call.toml")),
            file(FileKind::Probe, "outbound-call.toml", include_str!("../../probes/outbound-call.toml")),
        ];
        let read = read_texts(&Sources { base: PathBuf::from("config"), files }).expect("it is right");
        insta::assert_snapshot!(text(&read, false));
        let answer = serde_json::to_value(Answer::of(&Ok(read))).expect("JSON");
        assert_eq!(answer["pods"][0]["agents_not_looked_at"]["any"], 12);
        assert_eq!(answer["pods"][0]["forecasts"][0]["cover"]["kinds_and_keys"], 2);
    }

    #[test]
    fn it_says_which_clients_twiml_must_ring_and_what_two_legs_cost() {
        let file = |kind, path: &str, text: &str| SourceText { kind, path: path.to_owned(), text: text.to_owned() };
        let number =
            "[calls]\nallowed_numbers = [\"+14155550118\"]\nown_number = \"+14155550118\"\ncaller = \"+14155550118\"\n";
        let far = "far_application_sid = \"AP000000000000000000000000000000fa\"\nedges =";
        let pod = include_str!("../../config/pods/pod-14.toml").replace("edges =", far).replace("= 800", "= 2000");
        let outbound = include_str!("../../probes/outbound-call.toml");
        let worth = |outbound: &str| {
            let files = vec![
                file(FileKind::Ringcheck, "ringcheck.toml", include_str!("../../config/ringcheck.toml")),
                file(FileKind::Pod, "pod-14.toml", &format!("{pod}\n{number}")),
                file(FileKind::Probe, "connection.toml", include_str!("../../probes/connection.toml")),
                file(FileKind::Probe, "outbound-call.toml", outbound),
            ];
            let read = read_texts(&Sources { base: PathBuf::from("config"), files }).expect("it is right");
            let answer = serde_json::to_value(Answer::of(&Ok(read))).expect("JSON");
            answer["pods"][0].clone()
        };
        let one = worth(outbound);
        let clients: Vec<_> = [0, 1].map(|place| one["rings"][place]["client"].clone()).into();
        assert_eq!(clients, ["rc_pod_14_eu_west_far", "rc_pod_14_eu_west_number"]);
        let two = worth(&outbound.replace("[call]", "[call]\nfar_end = \"client\""));
        let minutes = |pod: &serde_json::Value| pod["calls"][0]["minutes_per_day"].as_f64().expect("a number");
        assert!((minutes(&two) - 2.0 * minutes(&one)).abs() < 0.2, "{two} and {one}");
    }
}
