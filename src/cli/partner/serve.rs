//! `ringcheck partner serve`: plays the partner until it is stopped.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ending::{Ending, Failure};
use crate::cli::output::{self, Format};
use crate::io::{config_files, secrets};
use crate::model::{LocationName, PodName};
use crate::partner::twilio::{Account, AccountKeys};
use crate::partner_server::{CERTIFICATE_NAMES, PartnerServer, PartnerSettings, PodSeen, PodSettings};
use crate::plan::{PartnerAccount, Pod};
use crate::token::OwnNames;

use super::{generated, stage, wait_for};

/// Play the partner until stopped
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Take pods, accounts and keys from this configuration
    #[arg(long, value_name = "DIR", conflicts_with = "generate")]
    config: Option<PathBuf>,
    /// The probes of that configuration
    #[arg(long, value_name = "DIR", default_value = "probes")]
    probes: PathBuf,
    /// Make this many pods with new keys; without --config one is made
    #[arg(long, value_name = "PODS", value_parser = clap::value_parser!(u16).range(1..=200))]
    generate: Option<u16>,
    /// Where the CA certificate is written, and for generated pods their keys and configuration
    #[arg(long, value_name = "DIR", default_value = "var/partner")]
    out: PathBuf,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Port of the first pod, the next ones follow; 0 for any
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Where the control API listens
    #[arg(long, default_value = super::CONTROL)]
    control: SocketAddr,
    /// Speak ws:// without TLS
    #[arg(long)]
    plain: bool,
    /// A name for the certificate, instead of loopback and the partner's public names; repeatable
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Switch faults as this scenario says, counted from the start
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Play the scenario so many times faster
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, requires = "scenario", value_parser = faster)]
    faster: f64,
    /// Decides which connections a share of nodes takes
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Append what was done to whom and why to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// For people or for scripts
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The pods' phone numbers and applications that ring a client, and which one each rings.
pub(super) type Rings = BTreeMap<PodName, BTreeMap<String, String>>;

/// What is said once the partner can be connected to.
#[derive(Serialize)]
struct Started {
    control: Option<String>,
    ca_file: Option<PathBuf>,
    /// Where the pods' configuration and keys were written, if they were made.
    generated: Option<PathBuf>,
    pods: Vec<PodSeen>,
}

pub fn run(args: &Args) -> Result<Ending, Failure> {
    let (pods, rings) = match &args.config {
        Some(config) => configured(config, &args.probes, args.port)?,
        None => generated::pods_and_rings(args.generate.unwrap_or(1), args.port),
    };
    let names = if args.names.is_empty() { CERTIFICATE_NAMES.map(str::to_owned).to_vec() } else { args.names.clone() };
    let settings = PartnerSettings {
        bind: args.bind,
        tls: !args.plain,
        certificate_names: names,
        control: Some(args.control),
        seed: args.seed,
        rings,
        truth: args.truth.clone(),
        ..PartnerSettings::for_pods(pods.clone())
    };
    wait_for(serve(args, settings, &pods))??;
    Ok(Ending::Well)
}

async fn serve(args: &Args, settings: PartnerSettings, pods: &[PodSettings]) -> anyhow::Result<()> {
    let partner = PartnerServer::start(settings).await?;
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make {}", args.out.display()))?;
    let ca_file = partner.ca_pem().map(|pem| written(&args.out.join("ca.pem"), pem)).transpose()?;
    let generated = args.config.is_none().then_some(&args.out);
    if let Some(folder) = generated {
        generated::write(folder, pods, &partner.pods(), ca_file.is_some())?;
    }
    let control = partner.control().map(|address| format!("http://{address}"));
    say(args.format, &Started { control, ca_file, generated: generated.cloned(), pods: partner.pods() })?;
    let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let names: Vec<_> = pods.iter().map(|pod| pod.name.clone()).collect();
    let changes = args.scenario.as_deref().map(|file| stage::changes(file, args.faster)).transpose()?;
    let scenario = async {
        stage::play(&partner, &names, changes.unwrap_or_default()).await?;
        // The partner stays up after the last change.
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        broken = scenario => broken?,
        stopped = tokio::signal::ctrl_c() => stopped.context("cannot wait for Ctrl-C")?,
        _ = terminated.recv() => {}
    }
    partner.shutdown().await;
    Ok(())
}

fn faster(text: &str) -> Result<f64, String> {
    let wrong = || "a number from 0.01 to 10000".to_owned();
    text.parse().ok().filter(|times| (0.01..=10_000.0).contains(times)).ok_or_else(wrong)
}

fn say(format: Format, started: &Started) -> anyhow::Result<()> {
    if format == Format::Json {
        return output::write_json(started);
    }
    let mut text = String::new();
    for pod in &started.pods {
        text.push_str(&format!("{}  {}  account {}\n", pod.name, pod.url, pod.account_sid));
    }
    if let Some(path) = &started.ca_file {
        text.push_str(&format!("CA certificate  {}\n", path.display()));
    }
    if let Some(path) = &started.generated {
        text.push_str(&format!("pods and keys   {}\n", path.display()));
    }
    if let Some(url) = &started.control {
        text.push_str(&format!("control API     {url}\n"));
    }
    output::write(&text)
}

pub(super) fn written(path: &Path, text: &str) -> anyhow::Result<PathBuf> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.to_owned())
}

/// The pods of a configuration, with their keys.
fn configured(config: &Path, probes: &Path, port: u16) -> Result<(Vec<PodSettings>, Rings), Failure> {
    let plan = config_files::read(config, probes)?.plan;
    let location = &plan.node.location.name;
    let rings = plan.pods.iter().map(|pod| (pod.name.clone(), rings(pod, location))).collect();
    let pod = |(number, pod): (usize, &std::sync::Arc<Pod>)| -> Result<PodSettings, Failure> {
        let PartnerAccount::Twilio(account) = &pod.partner;
        let edge = account.edges.first().context("a pod has an edge")?.clone();
        let keys = keys(account).with_context(|| format!("the keys of {}", pod.name))?;
        Ok(PodSettings { name: pod.name.clone(), keys, edge, port: port_of(port, number) })
    };
    let pods: Result<Vec<PodSettings>, Failure> = plan.pods.iter().enumerate().map(pod).collect();
    Ok((pods?, rings))
}

/// What rings a client in a pod, and which one.
fn rings(pod: &Pod, location: &LocationName) -> BTreeMap<String, String> {
    let PartnerAccount::Twilio(account) = &pod.partner;
    let names = OwnNames::new(&pod.name, location);
    let number = pod.calls.own_number.clone().map(|number| (number, names.of_phone_number()));
    let application = account.far_application_sid.clone().map(|sid| (sid, names.of_far_client()));
    number.into_iter().chain(application).collect()
}

/// The port of a pod: the first one's and counting up, or any.
pub(super) fn port_of(first: u16, number: usize) -> u16 {
    match first {
        0 => 0,
        first => first.saturating_add(u16::try_from(number).unwrap_or(u16::MAX)),
    }
}

fn keys(account: &Account) -> anyhow::Result<AccountKeys> {
    let mut api_keys = Vec::new();
    for key in &account.api_keys {
        api_keys.push((key.sid.clone(), secrets::read(&key.secret)?));
    }
    let auth_token = account.auth_token.as_ref().map(secrets::read).transpose()?;
    Ok(AccountKeys { account_sid: account.account_sid.clone(), api_keys, auth_token })
}
