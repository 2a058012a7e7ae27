//! `ringcheck pause`: asks a running node, over its operator API, to stop probing for a while.

use serde_json::Value;

use crate::io::http::{PauseRequest, parse_length};
use crate::model::Timestamp;

use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::operator::OperatorArgs;
use super::output::{self, Format};

/// Stop probing at once, in one pod or in all, for a while
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringcheck pause pod-18 --for 2h
  ringcheck pause all --for 30m
  ringcheck pause pod-18 --resume

A paused pod pages nobody and is grey on the status page. A pause ends by itself.
Exit codes: 0 done, 1 the node refused, 2 a mistake in the arguments, 3 the node cannot be reached.")]
pub struct Args {
    /// Which pod, or `all`
    #[arg(value_name = "POD|all", default_value = "all")]
    pod: String,
    /// For how long: 90s, 30m, 2h, 1d; at most 7d
    #[arg(long = "for", value_name = "LENGTH", required_unless_present = "resume", conflicts_with = "resume")]
    length: Option<String>,
    /// End the pause now
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    operator: OperatorArgs,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Asks the node and prints what it answers.
pub fn run(args: &Args, _: &Globals) -> Result<Ending, Failure> {
    if let Some(length) = &args.length {
        parse_length(length)
            .ok_or_else(|| Failure::Usage(format!("--for {length}: write 90s, 30m, 2h or 1d, at most 7d")))?;
    }
    let command = if args.resume { "resume" } else { "pause" };
    let request = PauseRequest { pod: Some(args.pod.clone()), length: args.length.clone() };
    let reply = args.operator.post(&format!("/api/v1/{command}"), &request)?;
    let accepted = reply.status.is_success();
    match args.format {
        Format::Json => output::write_json(&reply.body)?,
        Format::Text if accepted => output::write(&told(args, &reply.body))?,
        Format::Text => output::write(&format!("Refused: {}\n", reply.refusal()))?,
    }
    Ok(Ending::well_if(accepted))
}

fn told(args: &Args, answer: &Value) -> String {
    let place = answer["pod"].as_str().unwrap_or("all pods");
    let until = answer["until"].as_str().and_then(Timestamp::parse_rfc3339);
    match until {
        Some(until) => format!("Probing is paused in {place} until {} UTC.\n", until.date_and_clock()),
        None if args.resume => format!("Probing goes on in {place}.\n"),
        None => format!("Probing is paused in {place}.\n"),
    }
}
