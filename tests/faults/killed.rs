//! A node that is killed in the middle of a test call leaves none up at the partner, whatever step
//! the call was in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ringcheck::model::{CallDirection, CallWish, Codec, MediaPath};

use crate::bed::{Bed, pod_name};

const CALLS: u64 = 100;
/// Calls at a time, each in a pod of its own.
const PODS: usize = 10;
/// The latest moment of a kill: a call on a quiet machine is talking by then.
const LATEST: Duration = Duration::from_millis(1500);
/// How long the partner may take to see that a client is gone; only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls_killed_at_any_step_leave_none_up() {
    let bed = Arc::new(Bed::start(PODS).await);
    let (next, cut, before) = (AtomicU64::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let workers = (0..PODS).map(|pod| {
        let (bed, next, cut, before) = (&bed, &next, &cut, &before);
        async move {
            loop {
                let serial = next.fetch_add(1, Ordering::Relaxed);
                if serial >= CALLS {
                    return;
                }
                let direction = CallDirection::ALL[(serial % 2) as usize];
                let wish =
                    CallWish { direction, hold_ms: 5000, ring_ms: 300, codec: Codec::Pcmu, path: MediaPath::Any };
                // Most steps are in the first tenths of a second, so most moments are there too.
                let share = fastrand::Rng::with_seed(serial).f64().powi(3);
                let after = LATEST.mul_f64(share);
                let up = bed.killed_call(pod, wish, serial, after).await;
                cut.fetch_add(up, Ordering::Relaxed);
                before.fetch_add(usize::from(up == 0), Ordering::Relaxed);
                none_up(bed, pod, serial, after).await;
            }
        }
    });
    futures_util::future::join_all(workers).await;
    let (cut, before) = (cut.into_inner(), before.into_inner());
    println!("{cut} calls were up at the partner when they were killed, {before} had not come so far");
    assert!(cut >= 10, "only {cut} calls were up: nothing is proven");
    for pod in 0..PODS {
        none_up(&bed, pod, CALLS, Duration::ZERO).await;
    }
}

/// Waits until the partner has no call up in this pod.
async fn none_up(bed: &Bed, pod: usize, serial: u64, after: Duration) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let seen = tokio::time::timeout(PATIENCE, async {
        while bed.partner.calls_up(&pod_name(pod)) > 0 {
            looks.tick().await;
        }
    });
    assert!(seen.await.is_ok(), "call {serial}, killed after {after:?}, is still up");
}
