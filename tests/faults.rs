//! Every fault of the catalogue, once over real sockets and once in virtual time: both give the
//! same outcome, and the one that the catalogue promises. And the partner's server itself.

#[path = "faults/bed.rs"]
mod bed;
#[path = "faults/calls.rs"]
mod calls;
#[path = "faults/coturn.rs"]
mod coturn;
#[path = "faults/cut.rs"]
mod cut;
#[path = "faults/diagnosed.rs"]
mod diagnosed;
#[path = "faults/doc.rs"]
mod doc;
#[path = "faults/far_client.rs"]
mod far_client;
#[path = "faults/hostile.rs"]
mod hostile;
#[path = "faults/killed.rs"]
mod killed;
#[path = "faults/left_up.rs"]
mod left_up;
#[path = "faults/nat.rs"]
mod nat;
#[path = "faults/own_server.rs"]
mod own_server;
#[path = "faults/pages.rs"]
mod pages;
#[path = "faults/paths.rs"]
mod paths;
#[path = "faults/process.rs"]
mod process;
#[path = "faults/relays_in_calls.rs"]
mod relays_in_calls;
#[path = "kill/sinks.rs"]
#[expect(dead_code, reason = "the tests of kills receive mail as well")]
mod sinks;
#[path = "faults/stopped.rs"]
mod stopped;
#[path = "faults/switching.rs"]
mod switching;

use std::sync::Arc;
use std::time::Duration;

use ringcheck::call::{Route, Settings};
use ringcheck::model::{AttemptReport, Degradation, Outcome, SignatureCells, Symbol, TokenKind, TokenShape};
use ringcheck::plan::Probe;
use ringcheck::sim::twilio::{Faults, Place};
use ringcheck::sim::{Behaviour, Expected, Fault, FaultRule, Misparse, Node, Outcomes, SessionFault};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use bed::Bed;

/// Attempts that run at the same time.
const AT_ONCE: usize = 8;
/// Tokens that are tried until one has what a parser trips over.
const TOKENS_TRIED: u64 = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_the_same_on_real_sockets_and_in_virtual_time() {
    let faults: Vec<Fault> = Fault::all().filter(|fault| fault.entry().group.calls().is_none()).collect();
    let bed = Arc::new(Bed::start(faults.len()).await);
    for (number, fault) in faults.iter().enumerate() {
        bed.set_faults(number, vec![FaultRule::always(*fault)]).await;
    }
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    for (number, fault) in faults.into_iter().enumerate() {
        for kind in TokenKind::ALL {
            let (bed, places) = (Arc::clone(&bed), Arc::clone(&places));
            tasks.spawn(async move {
                let _place = places.acquire_owned().await.expect("never closed");
                compare(&bed, number, fault, kind).await
            });
        }
    }
    let wrong: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong, in a line; `None` if both agree.
async fn compare(bed: &Bed, pod: usize, fault: Fault, kind: TokenKind) -> Option<String> {
    // A silent partner is waited for; how long does not change what is found.
    let impatient = is_silent(&virtual_outcome(&bed.patient, fault.behaviour(), kind));
    let probe = if impatient { &bed.impatient } else { &bed.patient };
    let report = hit(bed, pod, probe, fault, kind).await;
    let real = report.outcome.clone();
    let simulated = virtual_outcome(probe, met(fault, &report), kind);
    if Expected::of(&real) != Some(fault.expected()) {
        return Some(format!("{fault}, {kind}: {:?} promised, {real:?} found", fault.expected()));
    }
    (real != simulated).then(|| format!("{fault}, {kind}:\n  real    {real:?}\n  virtual {simulated:?}"))
}

/// An attempt whose token the fault hits.
async fn hit(bed: &Bed, pod: usize, probe: &Arc<Probe>, fault: Fault, kind: TokenKind) -> AttemptReport {
    for serial in 0..TOKENS_TRIED {
        let report = bed.attempt(pod, probe, kind, wanted(fault), serial).await;
        if !matches!(met(fault, &report), Behaviour::Session(SessionFault::Misparse(_))) {
            return report;
        }
        assert!(report.outcome.is_completed(), "{fault} does not concern this token: {:?}", report.outcome);
    }
    panic!("no token that {fault} hits came in {TOKENS_TRIED}");
}

/// Signature cells that a parser trips over.
fn wanted(fault: Fault) -> SignatureCells {
    let mut cells = SignatureCells::default();
    let Behaviour::Session(SessionFault::Misparse(misparse)) = fault.behaviour() else { return cells };
    for offset in 0..SignatureCells::OFFSETS {
        for symbol in [Symbol::Dash, Symbol::Underscore] {
            if trips(misparse, offset, symbol) {
                cells.insert(offset, symbol);
            }
        }
    }
    cells
}

fn trips(misparse: Misparse, offset: u16, symbol: Symbol) -> bool {
    let mut shape = TokenShape { lengths: [0, 0, 43], ..TokenShape::default() };
    shape.signature.insert(offset, symbol);
    misparse.code(&shape).is_some()
}

/// What the attempt met, misreadings as the refusal that they lead to.
fn met(fault: Fault, report: &AttemptReport) -> Behaviour {
    let rules = Faults::Rules(Arc::from([FaultRule::always(fault)]));
    let place = Place { edge: report.traits.edge.clone(), family: report.traits.family, node: Node::of(0, 0) };
    rules.behaviour(&report.traits, &place).map_or(fault.behaviour(), |(behaviour, _)| behaviour)
}

fn virtual_outcome(probe: &Probe, met: Behaviour, kind: TokenKind) -> Outcome {
    let settings = Settings {
        deadlines: probe.deadlines,
        hold: probe.hold,
        register: true,
        routes: vec![Route { dns: false, tls: true }],
        call: None,
    };
    Outcomes::new(settings).course(&[Some(met)], kind).finding.outcome.clone()
}

fn is_silent(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Failed(failure) => failure.is_silent(),
        Outcome::Completed { degraded } => degraded.contains(&Degradation::LeaveUnconfirmed),
        Outcome::Throttled { .. } | Outcome::Lost { .. } => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_faults_both_kinds_of_tokens_are_well() {
    let bed = Bed::start(1).await;
    for kind in TokenKind::ALL {
        let report = bed.attempt(0, &bed.patient, kind, SignatureCells::default(), 0).await;
        assert_eq!(report.outcome, Outcome::completed(), "{kind}");
        assert_eq!(report.partner.edge.as_deref(), Some("ashburn"));
        let days = report.certificate.map(|seen| seen.days_left(report.started));
        assert!(days.is_some_and(|days| (299..=300).contains(&days)), "{days:?}");
    }
    bed.shutdown(Duration::from_secs(10)).await;
}
