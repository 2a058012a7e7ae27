//! `ringcheck pause`: asks a running node, over its operator API, to stop probing for a while.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde_json::Value;

use crate::io::http::{PauseRequest, parse_length};
use crate::model::Timestamp;

use super::ending::{Ending, Failure};
use super::globals::Globals;
use super::output::{self, Format};

/// How long the node may take to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);

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
    /// Address of the node's operator side
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9870", env = "RINGCHECK_OPERATOR")]
    operator: String,
    /// File with the operator token; else RINGCHECK_OPERATOR_TOKEN is used, if it is set
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let (accepted, answer) = runtime.block_on(ask(args))?;
    match args.format {
        Format::Json => output::write_json(&answer)?,
        Format::Text => output::write(&told(args, accepted, &answer))?,
    }
    Ok(Ending::well_if(accepted))
}

/// The node's answer, and whether it is a yes.
async fn ask(args: &Args) -> anyhow::Result<(bool, Value)> {
    let command = if args.resume { "resume" } else { "pause" };
    let address = format!("{}/api/v1/{command}", args.operator.trim_end_matches('/'));
    let client = reqwest::Client::builder().timeout(ANSWER_DEADLINE).build().context("cannot make a client")?;
    let request = PauseRequest { pod: Some(args.pod.clone()), length: args.length.clone() };
    let mut request = client.post(&address).json(&request);
    if let Some(token) = token(args)? {
        request = request.bearer_auth(token);
    }
    let answer =
        request.send().await.with_context(|| format!("cannot reach {}; is the node running?", args.operator))?;
    let status = answer.status();
    if status == reqwest::StatusCode::UNAUTHORIZED {
        return Err(anyhow!(
            "{} wants its operator token: give --token-file or RINGCHECK_OPERATOR_TOKEN",
            args.operator
        ));
    }
    let text = answer.text().await.with_context(|| format!("no whole answer from {}", args.operator))?;
    let answer = serde_json::from_str(&text)
        .with_context(|| format!("{} answered {status}, and not as ringcheck does", args.operator))?;
    Ok((status.is_success(), answer))
}

/// The operator token; never an argument, since arguments are seen by everybody on the machine.
fn token(args: &Args) -> anyhow::Result<Option<String>> {
    if let Some(path) = &args.token_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        return Ok(Some(text.trim().to_owned()));
    }
    Ok(std::env::var("RINGCHECK_OPERATOR_TOKEN").ok().filter(|token| !token.is_empty()))
}

fn told(args: &Args, accepted: bool, answer: &Value) -> String {
    let place = answer["pod"].as_str().unwrap_or("all pods");
    let until = answer["until"].as_str().and_then(Timestamp::parse_rfc3339);
    match (accepted, until) {
        (false, _) => format!("Refused: {}\n", answer["error"].as_str().unwrap_or("no reason was given")),
        (true, Some(until)) => format!("Probing is paused in {place} until {} UTC.\n", until.date_and_clock()),
        (true, None) if args.resume => format!("Probing goes on in {place}.\n"),
        (true, None) => format!("Probing is paused in {place}.\n"),
    }
}
