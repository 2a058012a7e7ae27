//! What the demo needs otherwise than production: the example's own config and probes, with short
//! windows, loopback addresses and a high rate. Every difference is listed and printed.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use secrecy::SecretString;

use crate::model::{CallDirection, PodName, SecretRef, TokenKind, humane};
use crate::partner::twilio::AccountKeys;
use crate::plan::read::{FileKind, SourceText, Sources, read_texts};
use crate::plan::{
    Budget, CallSettings, ControlTarget, Email, IceSettings, PartnerAccount, Plan, Pod, PodCalls, Probe, Receiver,
    ReceiverKind, Route, Schedule, SmtpSecurity, StoreSettings,
};

/// The example, as it is in the repository.
const FILES: [(FileKind, &str, &str); 7] = [
    (FileKind::Ringcheck, "config/ringcheck.toml", include_str!("../../../config/ringcheck.toml")),
    (FileKind::Pod, "config/pods/pod-14.toml", include_str!("../../../config/pods/pod-14.toml")),
    (FileKind::Pod, "config/pods/pod-18.toml", include_str!("../../../config/pods/pod-18.toml")),
    (FileKind::Pod, "config/pods/pod-23.toml", include_str!("../../../config/pods/pod-23.toml")),
    (FileKind::Probe, "probes/connection.toml", include_str!("../../../probes/connection.toml")),
    (FileKind::Probe, "probes/inbound-call.toml", include_str!("../../../probes/inbound-call.toml")),
    (FileKind::Probe, "probes/outbound-call.toml", include_str!("../../../probes/outbound-call.toml")),
];

/// Connections a minute in each pod.
const RATE: u32 = 120;
/// How long all must be well before an alert is resolved.
const STABLE: Duration = Duration::from_secs(15);
/// Audio of a test call is listened to for so long.
const CALL_HOLD: Duration = Duration::from_secs(3);
/// Test calls that a pod may make in an hour; each is one billed minute, if anybody billed it.
const CALLS_PER_HOUR: u32 = 600;
/// A notice is opened so long after an incident.
const NOTICE_AFTER: Duration = Duration::from_secs(5);

/// One thing that the demo has otherwise.
pub struct Difference {
    /// What.
    pub what: &'static str,
    /// In the example's files.
    pub production: String,
    /// In the demo.
    pub demo: String,
}

/// The example's plan.
pub fn example() -> anyhow::Result<Plan> {
    let files = FILES.iter().map(|(kind, path, text)| SourceText {
        kind: *kind,
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    });
    let sources = Sources { base: Path::new("config").to_owned(), files: files.collect() };
    read_texts(&sources).map(|read| read.plan).map_err(|problems| anyhow!("{problems}"))
}

/// Where the demo's own world is.
pub struct Stage<'a> {
    /// A folder of the demo's, for the store, keys and certificate.
    pub folder: &'a Path,
    /// Where the partner's pods are reached.
    pub signalling: &'a dyn Fn(&PodName) -> Option<String>,
    /// Where the REST API of the partner's pods is.
    pub rest: &'a dyn Fn(&PodName) -> Option<String>,
    /// The partner's certificate authority.
    pub ca_file: &'a Path,
    /// Where mail goes.
    pub mail: SocketAddr,
    /// Two things that answer and are not the partner.
    pub controls: [SocketAddr; 2],
    /// The listeners: the example's, or any free port.
    pub fixed_ports: bool,
}

/// Throw-away keys for a pod of the example, and the files that hold them.
pub fn keys(pod: &Pod, folder: &Path) -> anyhow::Result<(AccountKeys, PartnerAccount)> {
    let PartnerAccount::Twilio(account) = &pod.partner;
    let mut account = account.clone();
    let keep = |name: String| -> anyhow::Result<(SecretString, SecretRef)> {
        let secret: String = std::iter::repeat_with(fastrand::alphanumeric).take(32).collect();
        let path = folder.join(name);
        std::fs::write(&path, &secret).with_context(|| format!("cannot write {}", path.display()))?;
        Ok((secret.into(), SecretRef::File(path)))
    };
    let mut api_keys = Vec::new();
    for (place, key) in account.api_keys.iter_mut().enumerate() {
        let (secret, reference) = keep(format!("{}-key-{place}", pod.name))?;
        key.secret = reference;
        api_keys.push((key.sid.clone(), secret));
    }
    let mut auth_token = None;
    if account.auth_token.is_some() {
        let (secret, reference) = keep(format!("{}-auth-token", pod.name))?;
        account.auth_token = Some(reference);
        auth_token = Some(secret);
    }
    let keys = AccountKeys { account_sid: account.account_sid.clone(), api_keys, auth_token };
    Ok((keys, PartnerAccount::Twilio(account)))
}

/// The example's plan on the demo's stage, and how it differs.
pub fn lay_over(
    mut plan: Plan,
    accounts: &[(PodName, PartnerAccount)],
    stage: &Stage<'_>,
) -> anyhow::Result<(Plan, Vec<Difference>)> {
    let mut differences = Vec::new();
    let mut differ = |what, production: String, demo: String| {
        if production != demo {
            differences.push(Difference { what, production, demo });
        }
    };
    if let Some(pod) = plan.pods.first() {
        let of_pod = |budget: Budget| format!("{} in each pod", budget.connections_per_minute);
        differ("connections a minute", of_pod(pod.budget), of_pod(Budget { connections_per_minute: RATE }));
        differ("well before resolved", humane(pod.thresholds.stable), humane(STABLE));
        let of_pod = |calls: u32| format!("{calls} an hour at most in each pod");
        differ("test calls", of_pod(pod.calls.calls_per_hour), of_pod(CALLS_PER_HOUR));
    }
    differ("partner", "the edges of Twilio".to_owned(), "a simulated partner on loopback".to_owned());
    differ("keys", "environment variables".to_owned(), "made up for this run".to_owned());
    for pod in &mut plan.pods {
        *pod = Arc::new(demo_pod(pod, accounts, stage)?);
    }
    for probe in &mut plan.probes {
        let (what, [production, demo], changed) = demo_probe(probe)?;
        differ(what, production, demo);
        *probe = Arc::new(changed);
    }
    let notice_after = [plan.node.status_page.notice_after, NOTICE_AFTER].map(humane);
    let [production, demo] = notice_after;
    differ("public notice after", production, demo);
    plan.node.status_page.notice_after = NOTICE_AFTER;
    differ("receivers", "an SMTP server and a webhook".to_owned(), "a mailbox on loopback".to_owned());
    receivers(&mut plan, stage)?;
    plan.node.location.control = stage.controls.map(|at| ControlTarget::Tcp(at.to_string())).to_vec();
    differ("control targets", "on the internet".to_owned(), "on loopback".to_owned());
    plan.node.store = StoreSettings { path: stage.folder.join("ringcheck.db"), ..plan.node.store };
    differ("store", "var/ringcheck.db".to_owned(), "a folder that is removed at the end".to_owned());
    if !stage.fixed_ports {
        // Chosen before the node starts, so that the links in the page lead to them.
        [plan.node.http.operator, plan.node.http.public] = free_addresses().context("no port is free")?;
    }
    plan.node.external_url = format!("http://{}", plan.node.http.operator);
    plan.node.status_page.url = format!("http://{}", plan.node.http.public);
    Ok((plan, differences))
}

/// The addresses of the monitor's owner.
pub fn owner(plan: &Plan) -> Vec<String> {
    let addresses = |receiver: &Arc<Receiver>| match &receiver.kind {
        ReceiverKind::Email(email) => email.to.clone(),
        ReceiverKind::Webhook(_) => Vec::new(),
    };
    plan.node.owner.to.iter().flat_map(addresses).collect()
}

/// Two addresses that nobody listens on. Both are held until both are known, so that they differ.
fn free_addresses() -> std::io::Result<[SocketAddr; 2]> {
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (one, other) = (free()?, free()?);
    Ok([one.local_addr()?, other.local_addr()?])
}

/// A probe as the demo has it, and how it differs.
fn demo_probe(probe: &Probe) -> anyhow::Result<(&'static str, [String; 2], Probe)> {
    let every = |cron: &str| Schedule::parse(cron).map_err(|error| anyhow!("{error}"));
    let Some(call) = &probe.call else {
        let schedule = every("*/5 * * * * *")?;
        let said = [&probe.schedule, &schedule].map(Schedule::to_string);
        return Ok(("rounds", said, Probe { schedule, ..probe.clone() }));
    };
    // An account is asked to make one of our clients ring once a minute at most.
    let (what, schedule) = match call.direction {
        CallDirection::Outbound => ("calls out", every("*/20 * * * * *")?),
        CallDirection::Inbound => ("calls in", every("0 * * * * *")?),
    };
    let holds = |call: &CallSettings| {
        let longest = call.longest_hold();
        let longer = if longest > call.hold { format!(" to {}", humane(longest)) } else { String::new() };
        format!("{}{longer}", humane(call.hold))
    };
    let ring_times = call.ring_times.iter().copied().take(1).collect();
    let short = CallSettings { hold: CALL_HOLD, long_holds: Vec::new(), ring_times, ..call.clone() };
    let production = format!("{}, held for {}", probe.schedule, holds(call));
    // The incident is about the other kind: calls go on beside it.
    let demo = format!("{schedule}, held for {}, access tokens only", holds(&short));
    let probe = Probe { schedule, kinds: vec![TokenKind::Access], call: Some(short), ..probe.clone() };
    Ok((what, [production, demo], probe))
}

fn demo_pod(pod: &Pod, accounts: &[(PodName, PartnerAccount)], stage: &Stage<'_>) -> anyhow::Result<Pod> {
    let account = accounts.iter().find(|(name, _)| *name == pod.name).map(|(_, account)| account.clone());
    let PartnerAccount::Twilio(mut account) = account.context("every pod has keys")?;
    account.signalling = (stage.signalling)(&pod.name);
    account.rest = (stage.rest)(&pod.name);
    account.ca_file = Some(stage.ca_file.to_owned());
    account.edges.truncate(1);
    let mut thresholds = pod.thresholds.clone();
    thresholds.stable = STABLE;
    Ok(Pod {
        partner: PartnerAccount::Twilio(account),
        budget: Budget { connections_per_minute: RATE },
        calls: PodCalls {
            minutes_per_hour: CALLS_PER_HOUR,
            minutes_per_day: CALLS_PER_HOUR * 24,
            calls_per_hour: CALLS_PER_HOUR,
            ..pod.calls.clone()
        },
        thresholds,
        // All of it stays on this machine.
        ice: IceSettings::default(),
        ..pod.clone()
    })
}

fn receivers(plan: &mut Plan, stage: &Stage<'_>) -> anyhow::Result<()> {
    let mailbox = |receiver: &Receiver| {
        let to = match &receiver.kind {
            ReceiverKind::Email(email) => email.to.clone(),
            ReceiverKind::Webhook(_) => return None,
        };
        let email = Email {
            from: "Ringcheck <ringcheck@example.com>".to_owned(),
            to,
            host: stage.mail.ip().to_string(),
            port: stage.mail.port(),
            security: SmtpSecurity::Loopback,
            auth: None,
            ca_file: None,
        };
        Some(Arc::new(Receiver { name: receiver.name.clone(), kind: ReceiverKind::Email(email), fallback: None }))
    };
    plan.receivers = plan.receivers.iter().filter_map(|receiver| mailbox(receiver)).collect();
    let known = |receiver: &Arc<Receiver>| plan.receivers.iter().find(|known| known.name == receiver.name).cloned();
    let owner = plan.node.owner.to.iter().filter_map(known).collect();
    let on_call = |route: &Route| Route {
        to: route.to.iter().filter_map(known).filter(|to| to.name.as_str() == "voice-oncall").collect(),
        ..route.clone()
    };
    let routes: Vec<Route> = plan.routes.iter().map(on_call).filter(|route| !route.to.is_empty()).collect();
    plan.node.owner.to = owner;
    plan.routes = routes;
    anyhow::ensure!(!plan.routes.is_empty(), "the example has a route to voice-oncall");
    Ok(())
}
