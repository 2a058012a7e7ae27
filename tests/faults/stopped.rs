//! Who is told to stop hangs up first: a dialer whatever step its call is in, the built node, and
//! `check`. The next start has nothing to look for.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ringcheck::engine::Record;
use ringcheck::model::{CallDirection, CallStatus, CallWish, Codec, LostReason, MediaPath, Outcome};
use ringcheck::partner_server::{PartnerServer, PartnerSettings};

use crate::bed::{Bed, at_partner, pod_name, some_moment};
use crate::process::{Node, journal, outbound, until, write};

const CALLS: u64 = 100;
/// Calls at a time, each in a pod of its own.
const PODS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls_stopped_at_any_step_are_hung_up_before_they_are_reported() {
    let bed = Bed::start(PODS).await;
    let (next, cut) = (AtomicU64::new(0), AtomicUsize::new(0));
    let workers = (0..PODS).map(|pod| {
        let (bed, next, cut) = (&bed, &next, &cut);
        async move {
            loop {
                let serial = next.fetch_add(1, Ordering::Relaxed);
                if serial >= CALLS {
                    return;
                }
                let direction = CallDirection::ALL[(serial % 2) as usize];
                let wish =
                    CallWish { direction, hold_ms: 60_000, ring_ms: 300, codec: Codec::Pcmu, path: MediaPath::Any };
                let after = some_moment(serial);
                let (up, report) = bed.stopped_call(pod, wish, serial, after).await;
                cut.fetch_add(up, Ordering::Relaxed);
                let stopped = Outcome::Lost { reason: LostReason::Stopped };
                assert_eq!(report.outcome, stopped, "call {serial}, stopped after {after:?}");
                let left = bed.partner.calls_up(&pod_name(pod));
                assert_eq!(left, 0, "call {serial}, stopped after {after:?}, is still up");
            }
        }
    });
    futures_util::future::join_all(workers).await;
    let cut = cut.into_inner();
    println!("{cut} calls were up at the partner when they were stopped");
    assert!(cut >= 10, "only {cut} calls were up: nothing is proven");
}

/// How the calls ended of which the node's journal tells, and how often one was left behind.
fn told(folder: &Path) -> (Vec<Outcome>, usize) {
    let (mut outcomes, mut left) = (Vec::new(), 0);
    for record in journal(folder) {
        match record {
            Record::Observed { observation } if observation.call.is_some() => outcomes.push(observation.outcome),
            Record::CallLeft { .. } | Record::CallsSought { .. } => left += 1,
            _ => {}
        }
    }
    (outcomes, left)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_told_to_stop_hangs_up_and_leaves_nothing_to_be_looked_for() {
    let inbound =
        "kind = \"inbound-call\"\nschedule = \"0 * * * * *\"\n[call]\nhold = \"45s\"\nring_times = [\"0s\"]\n";
    // The partner is asked to call once a minute: one such life is enough.
    for (probe, lives) in [(outbound("*/15 * * * * *", "45s"), 2), (inbound.to_owned(), 1)] {
        let partner = PartnerServer::start(PartnerSettings::for_pods(vec![at_partner(0)])).await.expect("started");
        let pod = pod_name(0);
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &partner, 1, &probe);
        let call = |number: u64| partner.call_status(&pod, &format!("CA{number:032x}"));

        for life in 1..=lives {
            let node = Node::start(folder.path());
            until("a call is up", || call(life) == Some(CallStatus::InProgress)).await;
            node.tell("TERM");
            assert_eq!(node.ended().await, Some(0));
            // The partner has heard it before the node has ended.
            assert_eq!(call(life), Some(CallStatus::Completed), "{probe}");
            let (outcomes, left) = told(folder.path());
            // The facts of the life before are in the snapshot that was written at its end.
            assert_eq!(outcomes, [Outcome::Lost { reason: LostReason::Stopped }], "{probe}");
            assert_eq!(left, 0, "{probe}");
        }
        partner.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_that_is_interrupted_hangs_up() {
    let partner = PartnerServer::start(PartnerSettings::for_pods(vec![at_partner(0)])).await.expect("started");
    let pod = pod_name(0);
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &partner, 1, &outbound("*/15 * * * * *", "45s"));
    let call = || partner.call_status(&pod, &format!("CA{:032x}", 1));
    let check = Node::command("check", folder.path());
    until("a call is up", || call() == Some(CallStatus::InProgress)).await;
    check.tell("INT");
    assert_eq!(check.ended().await, Some(3));
    assert_eq!(call(), Some(CallStatus::Completed));
    partner.shutdown().await;
}
