//! A node that is killed in the middle of a test call leaves none up at the partner, whatever step
//! the call was in: the partner sees that the client is gone, or, if it goes on all the same, the
//! search ends the call that a node makes when it is started again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ringcheck::engine::calls::CallSearch;
use ringcheck::model::{AttemptSpec, CallDirection, CallWish, Codec, MediaPath};
use ringcheck::sim::{Fault, FaultRule};

use crate::bed::{Bed, pod_name, some_moment};

const CALLS: u64 = 100;
/// Calls at a time, each in a pod of its own.
const PODS: usize = 10;
/// How long the partner may take to see that a client is gone; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take to end a call that it was asked to end: less than any call takes to ring out.
const ORDERED: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Calls of each sort that must have been up when they were killed; else nothing is proven.
const UP_AT_LEAST: usize = 10;

/// The sorts of calls that are killed.
#[derive(Clone, Copy)]
enum Sort {
    Placed,
    Received,
    OverNumber,
}

impl Sort {
    const ALL: [Self; 3] = [Self::Placed, Self::Received, Self::OverNumber];

    fn spec(self, bed: &Bed, pod: usize, serial: u64) -> AttemptSpec {
        let direction = match self {
            Self::Placed => CallDirection::Outbound,
            Self::Received | Self::OverNumber => CallDirection::Inbound,
        };
        let wish = CallWish { direction, hold_ms: 5000, ring_ms: 300, codec: Codec::Pcmu, path: MediaPath::Any };
        match self {
            Self::Placed | Self::Received => bed.call_spec(pod, wish, serial),
            Self::OverNumber => bed.number_spec(pod, wish, serial),
        }
    }
}

/// Calls that were killed: of each sort, how many were up and how many had not come so far.
#[derive(Default)]
struct Killed {
    up: [AtomicUsize; 3],
    before: [AtomicUsize; 3],
}

impl Killed {
    fn count(&self, sort: Sort, is_up: bool) {
        let counts = if is_up { &self.up } else { &self.before };
        counts[sort as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn check(self) {
        let [placed, received, over_number] = self.up.map(AtomicUsize::into_inner);
        let before: usize = self.before.map(AtomicUsize::into_inner).iter().sum();
        println!(
            "up at the partner when they were killed: {placed} calls placed, {received} received, {over_number} over \
             the number; {before} had not come so far"
        );
        for up in [placed, received, over_number] {
            assert!(up >= UP_AT_LEAST, "only {up} calls were up: nothing is proven");
        }
    }
}

/// Kills a hundred calls of all sorts, and does `after` with each before the next one of its pod.
async fn kill_all(bed: &Arc<Bed>, after: impl AsyncFn(&AttemptSpec, &str)) {
    let (next, killed) = (AtomicU64::new(0), Killed::default());
    let workers = (0..PODS).map(|pod| {
        let (next, killed, after) = (&next, &killed, &after);
        async move {
            loop {
                let serial = next.fetch_add(1, Ordering::Relaxed);
                if serial >= CALLS {
                    return;
                }
                let sort = Sort::ALL[(serial % 3) as usize];
                let spec = sort.spec(bed, pod, serial);
                let up = bed.killed_call(&spec, some_moment(serial)).await;
                killed.count(sort, up > 0);
                after(&spec, &format!("call {serial}, killed after {:?}", some_moment(serial))).await;
            }
        }
    });
    futures_util::future::join_all(workers).await;
    for pod in 0..PODS {
        assert_eq!(bed.partner.calls_up(&pod_name(pod)), 0, "pod {pod}");
    }
    killed.check();
}

/// Waits until the partner has no call up in this pod.
async fn none_up(bed: &Bed, spec: &AttemptSpec, within: Duration, which: &str) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let seen = tokio::time::timeout(within, async {
        while bed.partner.calls_up(&spec.pod) > 0 {
            looks.tick().await;
        }
    });
    assert!(seen.await.is_ok(), "{which}, is still up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls_killed_at_any_step_end_with_their_client() {
    let bed = Arc::new(Bed::start(PODS).await);
    kill_all(&bed, async |spec, which| none_up(&bed, spec, PATIENCE, which).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls_killed_at_any_step_are_found_and_ended_where_the_partner_keeps_them_up() {
    let bed = Arc::new(Bed::start(PODS).await);
    let rules =
        ["call-left-up", "delivered-call-left-up"].map(|name| FaultRule::always(Fault::named(name).expect("known")));
    for pod in 0..PODS {
        bed.set_faults(pod, rules.to_vec()).await;
    }
    let ended = AtomicUsize::new(0);
    kill_all(&bed, async |spec, which| {
        match bed.seek(spec).await {
            CallSearch::Ended(calls) => ended.fetch_add(calls as usize, Ordering::Relaxed),
            search => panic!("{which}: {search:?}"),
        };
        none_up(&bed, spec, ORDERED, which).await;
    })
    .await;
    let ended = ended.into_inner();
    println!("{ended} of them were found up and ended");
    assert!(ended >= 3 * UP_AT_LEAST, "only {ended} were found up: nothing is proven");
}
