//! Test calls from one client of ours to another, on real sockets: both are heard, or it is told who
//! was not.

use std::time::Duration;

use ringcheck::model::{
    AttemptReport, CallDirection, CallWish, Codec, FailureReason, FarHears, HeardSound, MediaPath, Step,
};
use ringcheck::sim::{Fault, FaultRule};

use crate::bed::{Bed, pod_name};

/// Times that a call is made whose own machine was too slow to say anything about quality.
const TRIES: u64 = 4;

const fn wish(codec: Codec) -> CallWish {
    CallWish { direction: CallDirection::Outbound, hold_ms: 5000, ring_ms: 0, codec, path: MediaPath::Any }
}

/// A call under these faults whose quality could be judged: on a busy machine another one is made.
pub(crate) async fn call(bed: &Bed, pod: usize, fault: Option<Fault>, codec: Codec) -> AttemptReport {
    bed.set_faults(pod, fault.map(FaultRule::always).into_iter().collect()).await;
    for serial in 0..TRIES {
        let report = bed.far_call(pod, wish(codec), serial).await;
        let audio = report.call.as_ref().and_then(|call| call.audio.as_ref());
        if serial + 1 == TRIES || audio.is_none_or(|audio| audio.own_lag_ms == 0) {
            return report;
        }
    }
    unreachable!("the last try is returned")
}

fn named(name: &str) -> Option<Fault> {
    Some(Fault::named(name).expect("known"))
}

fn failure(report: &AttemptReport) -> Option<(Step, FailureReason)> {
    report.outcome.failure().map(|failure| (failure.step, failure.reason))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_of_ours_hear_each_other() {
    let bed = Bed::start(1).await;
    for codec in Codec::ALL {
        let report = call(&bed, 0, None, codec).await;
        assert!(report.outcome.is_completed(), "{codec:?}: {report:?}");
        let facts = report.call.expect("it was a call");
        let audio = facts.audio.expect("media flowed");
        assert_eq!((audio.heard, audio.far_hears), (HeardSound::OurTone, FarHears::Yes), "{codec:?}");
        let far = facts.far.expect("there was another client");
        let there = far.audio.expect("media flowed there too");
        assert_eq!(there.heard, HeardSound::OurTone, "{codec:?}");
        // Nothing comes back, so nothing is known of both ways together.
        assert!(audio.one_way_ms.is_some() && there.one_way_ms.is_some(), "{audio:?}\n{there:?}");
        assert!(audio.round_trip_ms.is_none() && there.round_trip_ms.is_none());
        assert!(facts.sid.is_some() && far.sid.is_some() && facts.sid != far.sid, "two legs");
        bed.rest().await;
        assert_eq!(bed.partner.calls_up(&pod_name(0)), 0, "neither leg");
    }
    bed.shutdown(Duration::from_secs(10)).await;
}
