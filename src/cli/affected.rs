//! `ringcheck affected`: whom the tokens of an incident hit, of the names on standard input.
//! The names stay here: the node is only asked which tokens fail.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use crate::diagnosis::{Chance, FindingState, Predicate};
use crate::io::config_files;
use crate::model::{EdgeName, KeySlot, PodName, Share, TokenKind, Traits};
use crate::plan::{Plan, Pod};

use super::PlanDirs;
use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::input::{Input, InputArgs};
use super::operator::OperatorArgs;
use super::output::{self, Format};

/// The longest name, in characters; the partner takes 121.
const NAME_CHARACTERS_MAX: usize = 255;

/// Print which agents an incident hits, of the names on standard input
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck affected 42 < names.txt
  ringcheck affected 42 --format json < names.txt

One name (identity) a line. The node is asked what fails; the names are compared with it on this
machine, with the configuration here. They are not stored and not sent anywhere.
Exit codes: 0 nobody is hit, 1 somebody is, 2 a mistake in configuration, arguments or names, 3 the
node cannot be reached, or does not know yet which tokens fail.")]
pub struct Args {
    /// Number of the incident
    #[arg(value_name = "INCIDENT")]
    incident: u32,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    dirs: PlanDirs,
    #[command(flatten)]
    operator: OperatorArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What is read of the node's answer.
#[derive(Deserialize)]
struct IncidentAnswer {
    diagnosis: Option<DiagnosisAnswer>,
    pods: Vec<HitPod>,
}

#[derive(Deserialize)]
struct DiagnosisAnswer {
    state: FindingState,
    predicate: Predicate,
    tokens: Option<String>,
    fails: Option<f64>,
}

#[derive(Deserialize)]
struct HitPod {
    pod: String,
}

/// The result as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    incident: u32,
    state: FindingState,
    tokens: Option<&'a str>,
    fails: Option<f64>,
    names: &'a [Affected<'a>],
}

/// A name that is hit.
#[derive(Debug, PartialEq, Serialize)]
struct Affected<'a> {
    name: &'a str,
    hit: Vec<Hit>,
}

/// Tokens of a name that are hit.
#[derive(Debug, PartialEq, Serialize)]
struct Hit {
    pod: PodName,
    kind: TokenKind,
    key: KeySlot,
    /// Through these edges.
    edges: Vec<EdgeName>,
    /// How likely such a token is among those that fail: 1 if each is.
    chance: Share,
}

/// Reads the names and prints those that are hit.
pub fn run(args: &Args, _: &Globals) -> Result<Ending, Failure> {
    let plan = config_files::read(&args.dirs.config, &args.dirs.probes)?.plan;
    let (diagnosis, pods) = ask(args, &plan)?;
    let input = args.input.read()?;
    let names = names(&input)?;
    let hit = affected(&diagnosis.predicate, &pods, &names);
    match args.format {
        Format::Text => {
            eprint!("{}", caution(&diagnosis, &hit));
            output::write(&hit.iter().map(|hit| format!("{}\n", hit.name)).collect::<String>())?;
        }
        Format::Json => output::write_json(&Answer {
            incident: args.incident,
            state: diagnosis.state,
            tokens: diagnosis.tokens.as_deref(),
            fails: diagnosis.fails,
            names: &hit,
        })?,
    }
    Ok(Ending::well_if(hit.is_empty()))
}

/// What fails, and in which pods whose tokens can be known here.
fn ask(args: &Args, plan: &Plan) -> Result<(DiagnosisAnswer, Vec<Arc<Pod>>), Failure> {
    let number = args.incident;
    let reply = args.operator.get(&format!("/api/v1/incidents/{number}"))?;
    match reply.status {
        StatusCode::NOT_FOUND => return Err(Failure::Usage(reply.refusal().to_owned())),
        status if !status.is_success() => {
            return Err(anyhow!("the node refused: {}", reply.refusal()).into());
        }
        _ => {}
    }
    let answer: IncidentAnswer =
        serde_json::from_value(reply.body).context("the node answered, and not as this ringcheck does")?;
    let diagnosis = answer.diagnosis.filter(|diagnosis| !diagnosis.predicate.0.is_empty());
    let diagnosis = diagnosis.ok_or_else(|| anyhow!("it is not known which tokens incident {number} hits"))?;
    let known = |hit: &HitPod| PodName::parse(&hit.pod).ok().and_then(|name| plan.pod(&name).cloned());
    let pods: Vec<Arc<Pod>> =
        answer.pods.iter().filter_map(known).filter(|pod| !pod.forms_of_name("a").is_empty()).collect();
    if pods.is_empty() {
        let why = "is not in this configuration, or its tokens come from an endpoint and their text cannot be foreseen";
        return Err(Failure::Usage(format!("each pod of incident {number} {why}")));
    }
    Ok((diagnosis, pods))
}

/// The names; a line that is none is not repeated: it may be something else.
fn names(input: &Input) -> Result<Vec<&str>, Failure> {
    let lines = input.lines().zip(1..).map(|(line, number): (_, u64)| {
        let wrong = |what: &str| Failure::Usage(format!("name {number} {what}"));
        let name = std::str::from_utf8(line).map_err(|_| wrong("is not UTF-8"))?;
        let fits = name.chars().nth(NAME_CHARACTERS_MAX).is_none();
        fits.then_some(name).ok_or_else(|| wrong("is longer than 255 characters"))
    });
    lines.collect()
}

/// Those of the names whose tokens the predicate can hit.
fn affected<'a>(predicate: &Predicate, pods: &[Arc<Pod>], names: &[&'a str]) -> Vec<Affected<'a>> {
    let mut chance = Chance::of(predicate);
    let of_name = |name: &&'a str| {
        let hit: Vec<Hit> = pods.iter().flat_map(|pod| hits(&mut chance, pod, name)).collect();
        (!hit.is_empty()).then_some(Affected { name, hit })
    };
    names.iter().filter_map(of_name).collect()
}

fn hits(chance: &mut Chance<'_>, pod: &Pod, name: &str) -> Vec<Hit> {
    let mut hits = Vec::new();
    for form in pod.forms_of_name(name) {
        let (kind, key, name_length) = (form.kind, form.key, form.name_length);
        let mut hit = Hit { pod: pod.name.clone(), kind, key, edges: Vec::new(), chance: Share::ZERO };
        for edge in pod.edges() {
            let shape = form.shape.clone();
            let share = chance.hits(&Traits { kind, key, name_length, edge: edge.clone(), family: None, shape });
            if share > Share::ZERO {
                hit.edges.push(edge.clone());
                hit.chance = if share > hit.chance { share } else { hit.chance };
            }
        }
        if !hit.edges.is_empty() {
            hits.push(hit);
        }
    }
    hits
}

/// What a list of names alone would not tell; for standard error.
fn caution(diagnosis: &DiagnosisAnswer, hit: &[Affected<'_>]) -> String {
    let mut lines = format!("Hit are {}.\n", diagnosis.predicate);
    if diagnosis.state != FindingState::Verified {
        lines.push_str("This is not verified: more may be hit.\n");
    }
    let chances = hit.iter().flat_map(|hit| &hit.hit).map(|hit| hit.chance.get());
    let greatest = chances.fold(0.0, f64::max);
    if greatest > 0.0 && greatest < 1.0 {
        lines.push_str(&format!(
            "Each new token of these names is hit with a chance of {:.1} %; a fresh one may pass.\n",
            greatest * 100.0
        ));
    }
    if let Some(fails) = diagnosis.fails.filter(|fails| *fails < 1.0) {
        lines.push_str(&format!("Of what is hit about {:.0} % fails.\n", fails * 100.0));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn pod_18() -> Vec<Arc<Pod>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let read = config_files::read(&root.join("config"), &root.join("probes")).expect("the example is right");
        read.plan.pods.iter().filter(|pod| pod.name.as_str() == "pod-18").cloned().collect()
    }

    fn predicate(data: &str) -> Predicate {
        serde_json::from_str(data).expect("data")
    }

    #[test]
    fn names_are_hit_by_what_their_tokens_look_like() {
        let pods = pod_18();
        let list: Vec<String> = (20..32).map(|length| format!("agent_{}", "x".repeat(length - 6))).collect();
        let names: Vec<&str> = list.iter().map(String::as_str).collect();
        let lengths = |data: &str| -> Vec<usize> {
            affected(&predicate(data), &pods, &names).iter().map(|hit| hit.name.len()).collect()
        };
        let all: Vec<usize> = (20..32).collect();
        for (data, expected) in [
            ("[]", &[][..]),
            (r#"[[{"name_residue":1}]]"#, &[22, 25, 28, 31]),
            (r#"[[{"name_length":24}],[{"name_length":30}]]"#, &[24, 30]),
            (r#"[[{"kind":"capability"}]]"#, &all),
            (r#"[[{"edge":"nowhere"}]]"#, &[]),
            (r#"[[{"at_residue":["signature","-",3]}]]"#, &all),
        ] {
            assert_eq!(lengths(data), expected, "{data}");
        }
        // The fault of September 2024: which names it hits follows from their length mod 3.
        let hit = lengths(r#"[[{"kind":"capability"},{"at_residue":["payload","_",3]}]]"#);
        let residues: std::collections::BTreeSet<usize> = hit.iter().map(|length| length % 3).collect();
        assert_eq!((hit.len(), residues.len()), (4, 1), "{hit:?}");
    }

    #[test]
    fn each_hit_kind_and_key_is_told_with_its_chance() {
        let pods = pod_18();
        let hit = affected(&predicate(r#"[[{"kind":"capability"}]]"#), &pods, &["agent_1"]);
        let classes: Vec<_> = hit[0].hit.iter().map(|hit| (hit.kind, hit.key, hit.chance.get())).collect();
        assert_eq!(classes, [(TokenKind::Capability, KeySlot(0), 1.0)]);
        assert_eq!(hit[0].hit[0].edges, pods[0].edges());
        let cell = r#"[[{"cell":{"segment":"signature","symbol":"-","offset":11}}]]"#;
        let hit = affected(&predicate(cell), &pods, &["agent_1"]);
        let keys: usize = TokenKind::ALL.into_iter().map(|kind| usize::from(pods[0].keys(kind))).sum();
        assert_eq!(hit[0].hit.len(), keys);
        assert!(hit[0].hit.iter().all(|hit| (0.01..0.022).contains(&hit.chance.get())), "{hit:?}");
    }

    #[test]
    fn lines_that_are_no_names_are_refused_and_not_repeated() {
        let read = |text: &str| names(&Input::from(text.as_bytes().to_vec())).map(|names| names.join(" "));
        assert_eq!(read("a\r\n\nb").ok().as_deref(), Some("a b"));
        let error = read(&format!("a\n{}\n", "s".repeat(256))).expect_err("no name");
        assert_eq!(error.to_string(), "name 2 is longer than 255 characters");
        let latin = Input::from(b"M\xfcller".to_vec());
        assert_eq!(names(&latin).expect_err("no name").to_string(), "name 1 is not UTF-8");
    }
}
