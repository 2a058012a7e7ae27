//! `ringcheck partner fault` and `clear`: switch faults of a running partner by its control API.

use std::collections::BTreeMap;

use anyhow::Context;
use reqwest::{Client, Response};

use crate::cli::ending::{Ending, Failure};
use crate::cli::output;
use crate::sim::{Fault, FaultRule, Percent, Predicate, Settings};

use super::wait_for;

/// Switch a fault of a pod on, beside those that are on
#[derive(Debug, clap::Args)]
pub struct FaultArgs {
    /// Which pod
    pod: String,
    /// Which fault; `ringcheck partner faults` lists them
    fault: String,
    /// When it applies, as in TOML: 'kind = "capability", payload = { symbol = "_", residue = 3 }'
    #[arg(long, value_name = "CONDITIONS")]
    when: Option<String>,
    /// On which share of the partner's nodes, such as 33%
    #[arg(long, value_name = "PERCENT")]
    share: Option<String>,
    /// Parameters, as in TOML: 'offset = 5, symbol = "-"'
    #[arg(long, value_name = "PARAMETERS")]
    with: Option<String>,
    #[command(flatten)]
    control: Control,
}

/// Switch all faults of a pod off
#[derive(Debug, clap::Args)]
pub struct ClearArgs {
    /// Which pod; all if absent
    pod: Option<String>,
    #[command(flatten)]
    control: Control,
}

#[derive(Debug, clap::Args)]
struct Control {
    /// Where the partner's control API listens
    #[arg(long = "control", value_name = "ADDRESS", default_value = super::CONTROL)]
    address: String,
}

impl Control {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

pub fn fault(args: &FaultArgs) -> Result<Ending, Failure> {
    let rule = rule(args).map_err(|error| Failure::Usage(format!("{error:#}")))?;
    let said = format!("{}: {rule}\n", args.pod);
    wait_for(add(args, rule))??;
    output::write(&said)?;
    Ok(Ending::Well)
}

pub fn clear(args: &ClearArgs) -> Result<Ending, Failure> {
    let path = args.pod.as_ref().map_or("/faults".to_owned(), |pod| format!("/faults/{pod}"));
    let url = args.control.url(&path);
    wait_for(async { answered(client()?.delete(url).send().await).await })??;
    output::write(&format!("{}: no faults\n", args.pod.as_deref().unwrap_or("all pods")))?;
    Ok(Ending::Well)
}

fn rule(args: &FaultArgs) -> anyhow::Result<FaultRule> {
    let fault = Fault::named(&args.fault)?;
    let settings = args.with.as_deref().map(Settings::parse).transpose().context("--with")?.unwrap_or_default();
    let when = args.when.as_deref().map(Predicate::parse).transpose().context("--when")?.unwrap_or_default();
    let share = args.share.clone().map(Percent::try_from).transpose().map_err(anyhow::Error::msg).context("--share")?;
    let when = Predicate { share: share.or(when.share), ..when };
    Ok(FaultRule::new(fault.with(settings)?, when)?)
}

async fn add(args: &FaultArgs, rule: FaultRule) -> anyhow::Result<()> {
    let client = client()?;
    let known = answered(client.get(args.control.url("/faults")).send().await).await?;
    let mut known: BTreeMap<String, Vec<FaultRule>> = known.json().await.context("the partner's answer")?;
    let mut rules = known.remove(&args.pod).unwrap_or_default();
    rules.push(rule);
    let url = args.control.url(&format!("/faults/{}", args.pod));
    answered(client.put(url).json(&rules).send().await).await.map(drop)
}

/// A client that takes no detour: the partner is on this machine or near.
fn client() -> anyhow::Result<Client> {
    Client::builder().no_proxy().build().context("cannot set up HTTP")
}

async fn answered(answer: reqwest::Result<Response>) -> anyhow::Result<Response> {
    let answer = answer.context("no partner answers there; is `ringcheck partner serve` running?")?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    let status = answer.status();
    let why = answer.text().await.unwrap_or_default();
    anyhow::bail!("the partner says {status}: {}", why.trim())
}
