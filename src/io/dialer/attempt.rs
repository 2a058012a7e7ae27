//! One attempt from its spec to its report.

use std::sync::Arc;
use std::time::Duration;

use crate::call::audio::ToneId;
use crate::call::{CallSettings, Connection, Finding, OtherClient, Route, Settings};
use crate::io::clock::{self, Stopwatch};
use crate::io::minter::Minted;
use crate::io::not_done::NotDone;
use crate::io::partner_rest::{PartnerRest, RestClient};
use crate::io::recordings;
use crate::io::{resolver, tls};
use crate::model::{
    AttemptReport, AttemptSpec, CallDirection, Degradation, EdgeName, Failure, LostReason, NumberCall, Outcome,
    PartnerSaid, StableHasher, Step, StepTiming, Timestamp, Traits,
};
use crate::partner::twilio::{Account, Device, Endpoint, ORIGIN, SdkProfile, USER_AGENT};
use crate::plan::{CallTarget, FarEnd, PartnerAccount, Plan, Pod, Probe};

use super::Equipment;
use super::far_client;
use super::goodbye::Goodbye;
use super::line::{Line, Way};
use super::paths::IceSource;
use super::stop::Stop;

/// How long the partner may take to make us ring: it queues what comes faster than one call a second.
const CALL_DELIVERY: Duration = Duration::from_secs(20);

/// What the id of another client's tone differs in from our own.
const OTHER_TONE: u16 = 0x5555;

/// Makes one attempt: its report, and what is left to be said to the partner after it.
pub(super) async fn make(
    equipment: &Equipment,
    spec: &AttemptSpec,
    plan: &Plan,
    started: Timestamp,
    mut stop: Stop,
) -> (AttemptReport, Vec<Goodbye>) {
    let (Some(pod), Some(probe)) = (plan.pod(&spec.pod), plan.probe(&spec.probe)) else {
        // Taken out of the plan in the meantime: nobody waits for an answer.
        return (lost(spec, started, LostReason::NoReport), Vec::new());
    };
    let watch = Stopwatch::start();
    let minted = tokio::select! {
        biased;
        () = stop.told() => Err(NotDone::Lost(LostReason::Stopped)),
        minted = Box::pin(equipment.minter.mint(spec, pod, probe.call.as_ref(), probe.deadlines.of(Step::Mint))) => minted,
    };
    let mint = StepTiming { step: Step::Mint, took: watch.time() };
    let minted = match minted {
        Ok(minted) => minted,
        Err(why) => return (not_minted(spec, started, mint, why), Vec::new()),
    };
    let ways = match ways(equipment, spec, pod) {
        Ok(ways) => ways,
        Err(reason) => return (lost(spec, started, reason), Vec::new()),
    };
    let ice = ice_source(equipment, spec, pod, probe);
    let call = call_settings(spec, plan, (pod, probe), watch, ice.is_some());
    // Boxed, so that attempts that call nobody take no more memory for it.
    let far = tokio::select! {
        biased;
        () = stop.told() => Err(LostReason::Stopped),
        far = Box::pin(far_client::of(equipment, call.as_ref(), (pod, probe), &minted, &ways)) => far,
    };
    let far = match far {
        Ok(far) => far,
        Err(reason) => return (lost(spec, started, reason), Vec::new()),
    };
    let settings = Settings { call, ..settings(probe, &ways, minted.register) };
    let rest = rest(equipment, spec, pod, probe, &minted);
    let Minted { text, shape, kind, key, name_length, .. } = minted;
    let near = || {
        let machine = Connection::new(Device::new(text, SdkProfile::default()), settings, clock::now());
        Line::new(machine, &ways, &equipment.resolver, stop).with_rest(rest).with_servers(ice)
    };
    let run = match far {
        Some(far) => Box::pin(far.run(near, equipment)).await,
        None => near().run().await.map(|(finding, goodbye)| (finding, goodbye.into_iter().collect())),
    };
    match run {
        Ok((mut finding, goodbyes)) => {
            keep_recording(plan, spec, started, &mut finding).await;
            let edge = ways.get(finding.route).map_or(&spec.edge, |way| &way.edge).clone();
            let traits = Traits { kind, key, name_length, edge, family: finding.family, shape };
            (report(spec, started, mint, traits, finding), goodbyes)
        }
        Err(reason) => (lost(spec, started, reason), Vec::new()),
    }
}

pub(super) fn settings(probe: &Probe, ways: &[Way], register: bool) -> Settings {
    let route =
        |way: &Way| Route { dns: resolver::known_without_asking(&way.endpoint.host).is_none(), tls: way.tls.is_some() };
    Settings {
        deadlines: probe.deadlines,
        hold: probe.hold,
        register,
        routes: ways.iter().map(route).collect(),
        call: None,
    }
}

/// The call that the attempt shall make, if any. Its tone and its ids follow from the attempt's id.
fn call_settings(
    spec: &AttemptSpec,
    plan: &Plan,
    (pod, probe): (&Pod, &Probe),
    watch: Stopwatch,
    servers: bool,
) -> Option<CallSettings> {
    let wish = spec.call?;
    let id = spec.id.0;
    Some(CallSettings {
        wish,
        record: plan.node.recordings.as_ref().map_or(Duration::ZERO, |settings| settings.longest),
        digits: probe.call.as_ref().and_then(|call| call.digits.clone()),
        tone: tone_of(id),
        temporary: temporary_sid(id),
        marker: format!("rc={id:016x}"),
        number: number_call(pod, probe),
        other: other_client(probe, tone_of(id)),
        origin: watch.origin(),
        step: probe.deadlines.step,
        delivery: CALL_DELIVERY,
        servers,
    })
}

/// Whose audio the calls with this id are.
fn tone_of(id: u64) -> ToneId {
    ToneId((id ^ id >> 16 ^ id >> 32 ^ id >> 48) as u16)
}

/// The other client of ours that the call shall go to, if it shall go to one. Its tone follows from this one.
fn other_client(probe: &Probe, tone: ToneId) -> Option<OtherClient> {
    let call = probe.call.as_ref()?;
    let is_called = call.direction == CallDirection::Outbound && call.far_end == FarEnd::Client;
    is_called.then_some(OtherClient { tone: ToneId(tone.0 ^ OTHER_TONE), calls_as: None })
}

/// The pod's number, if the call shall go over it.
fn number_call(pod: &Pod, probe: &Probe) -> Option<NumberCall> {
    probe.call.as_ref().filter(|call| call.to == CallTarget::Number)?;
    Some(NumberCall { number: pod.calls.own_number.clone()?, caller: pod.calls.caller.clone()? })
}

/// The device's own id of a call, as the SDK writes it: `TJS` and a UUID of version 4.
fn temporary_sid(id: u64) -> String {
    let more = StableHasher::new("call").number(id).finish();
    let (a, b, c) = (id >> 32, id >> 16 & 0xffff, id & 0xfff);
    format!("TJS{a:08x}-{b:04x}-4{c:03x}-8{:03x}-{:012x}", more >> 52, more & 0xffff_ffff_ffff)
}

/// The partner's REST API, for a call that it shall make ring.
fn rest(equipment: &Equipment, spec: &AttemptSpec, pod: &Pod, probe: &Probe, minted: &Minted) -> Option<PartnerRest> {
    spec.call.filter(|call| call.direction == CallDirection::Inbound)?;
    let PartnerAccount::Twilio(account) = &pod.partner;
    let client = rest_client(equipment, account, spec, probe);
    Some(PartnerRest::new(client, minted.identity.clone()?, pod.calls.allowed_numbers.clone()))
}

fn rest_client(equipment: &Equipment, account: &Account, spec: &AttemptSpec, probe: &Probe) -> RestClient {
    let (tls, resolver) = (Arc::clone(&equipment.tls), Arc::clone(&equipment.resolver));
    RestClient::new(tls, resolver, account.clone(), spec.edge.clone(), probe.deadlines.step)
}

/// Where the servers come from that help a call to find paths, if there are any.
fn ice_source<'a>(equipment: &Equipment, spec: &AttemptSpec, pod: &'a Pod, probe: &Probe) -> Option<IceSource<'a>> {
    spec.call.filter(|_| pod.ice.any())?;
    let PartnerAccount::Twilio(account) = &pod.partner;
    let deadline = probe.deadlines.step;
    let rest = pod.ice.from_partner.then(|| rest_client(equipment, account, spec, probe));
    // Without it a server that wants TLS cannot be spoken to, and the call says so.
    let own = |error: &tls::TlsError| tracing::warn!(pod = %pod.name, %error, "cannot speak TLS to TURN servers");
    let tls = equipment.tls.config(pod.ice.ca_file.as_deref()).inspect_err(own).ok();
    Some(IceSource { settings: &pod.ice, rest, tls, deadline })
}

/// The way to the wanted edge, and to the one after it if that is another place.
fn ways(equipment: &Equipment, spec: &AttemptSpec, pod: &Pod) -> Result<Vec<Way>, LostReason> {
    let PartnerAccount::Twilio(account) = &pod.partner;
    let mut ways = vec![way(equipment, account, &spec.edge)?];
    if let Some(next) = next_edge(&account.edges, &spec.edge) {
        let next = way(equipment, account, next)?;
        if next.endpoint != ways[0].endpoint {
            ways.push(next);
        }
    }
    Ok(ways)
}

fn next_edge<'a>(edges: &'a [EdgeName], edge: &EdgeName) -> Option<&'a EdgeName> {
    let at = edges.iter().position(|known| known == edge)?;
    let next = &edges[(at + 1) % edges.len()];
    (next != edge).then_some(next)
}

fn way(equipment: &Equipment, account: &Account, edge: &EdgeName) -> Result<Way, LostReason> {
    let ours = |error: &dyn std::fmt::Display| {
        tracing::warn!(%edge, %error, "cannot connect to this edge");
        LostReason::Secret
    };
    let endpoint = Endpoint::of(account, edge).map_err(|error| ours(&error))?;
    let tls = if endpoint.tls {
        let config = equipment.tls.config(account.ca_file.as_deref());
        Some(config.map_err(|error| ours(&error))?)
    } else {
        None
    };
    Ok(Way { edge: edge.clone(), endpoint, tls, origin: ORIGIN, user_agent: USER_AGENT })
}

/// Keeps the audio of a bad call, if that is wished for. Nothing that goes wrong with it hurts the
/// attempt.
async fn keep_recording(plan: &Plan, spec: &AttemptSpec, started: Timestamp, finding: &mut Finding) {
    let samples = std::mem::take(&mut finding.recording);
    let bad = match &finding.outcome {
        Outcome::Failed(_) => true,
        Outcome::Completed { degraded } => degraded.iter().any(Degradation::is_of_audio),
        Outcome::Throttled { .. } | Outcome::Lost { .. } => false,
    };
    let (Some(settings), Some(call)) = (plan.node.recordings.clone(), &mut finding.call) else { return };
    if samples.is_empty() || !bad {
        return;
    }
    let name = recordings::file_name(spec, started);
    let written = {
        let name = name.clone();
        tokio::task::spawn_blocking(move || recordings::keep(&settings, &name, &samples)).await
    };
    match written.unwrap_or_else(|died| Err(std::io::Error::other(died))) {
        Ok(()) => call.recording = Some(name),
        Err(error) => {
            call.recording_failed = true;
            tracing::warn!(pod = %spec.pod, %error, "the recording of a bad call could not be kept");
        }
    }
}

fn report(spec: &AttemptSpec, started: Timestamp, mint: StepTiming, traits: Traits, finding: Finding) -> AttemptReport {
    AttemptReport {
        id: spec.id,
        started,
        finished: clock::now().max(started),
        outcome: finding.outcome,
        traits,
        steps: std::iter::once(mint).chain(finding.steps).collect(),
        certificate: finding.certificate,
        partner: finding.partner,
        call: finding.call,
    }
}

fn not_minted(spec: &AttemptSpec, started: Timestamp, mint: StepTiming, why: NotDone) -> AttemptReport {
    let outcome = match why {
        NotDone::Lost(reason) => Outcome::Lost { reason },
        NotDone::Failed(reason) => {
            let (step, wire_code, device_errors) = (Step::Mint, None, Vec::new());
            Outcome::Failed(Failure { step, reason, wire_code, device_errors })
        }
    };
    AttemptReport { outcome, steps: vec![mint], ..lost(spec, started, LostReason::NoReport) }
}

/// The report of an attempt that tells nothing.
pub(super) fn lost(spec: &AttemptSpec, started: Timestamp, reason: LostReason) -> AttemptReport {
    AttemptReport {
        id: spec.id,
        started,
        finished: clock::now().max(started),
        outcome: Outcome::Lost { reason },
        traits: spec.traits_asked_for(),
        steps: Vec::new(),
        certificate: None,
        partner: PartnerSaid::default(),
        call: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_after_the_wanted_one_is_the_fallback() {
        let edge = |name| EdgeName::parse(name).expect("a name");
        let edges = [edge("ashburn"), edge("dublin")];
        assert_eq!(next_edge(&edges, &edge("ashburn")), Some(&edge("dublin")));
        assert_eq!(next_edge(&edges, &edge("dublin")), Some(&edge("ashburn")));
        assert_eq!(next_edge(&edges[..1], &edge("ashburn")), None);
        assert_eq!(next_edge(&edges, &edge("tokyo")), None);
    }
}
