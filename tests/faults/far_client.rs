//! Test calls from one client of ours to another, on real sockets: both are heard, or it is told who
//! was not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringcheck::call::{CallSettings, Settings};
use ringcheck::engine::calls::CallSearch;
use ringcheck::io::clock::Stopwatch;
use ringcheck::model::{
    AttemptReport, CallDirection, CallWish, Codec, FailureReason, FarHears, HeardSound, MediaPath, Outcome, Step,
    TokenKind,
};
use ringcheck::sim::{CallSort, Fault, FaultRule, Outcomes, usual_settings};

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

/// One way each: who does not hear is told the right way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_heard_is_told_apart_from_who_does_not_hear() {
    let bed = Bed::start(2).await;
    let (not_heard, deaf) = tokio::join!(
        call(&bed, 0, named("audio-one-way"), Codec::Pcmu),
        call(&bed, 1, named("audio-silent"), Codec::Pcmu)
    );
    assert_eq!(failure(&not_heard), Some((Step::Media, FailureReason::NotHeard)), "{not_heard:?}");
    let audio = not_heard.call.as_ref().and_then(|call| call.audio.as_ref()).expect("media flowed");
    assert_eq!((audio.heard, audio.far_hears), (HeardSound::OurTone, FarHears::No));

    assert_eq!(failure(&deaf), Some((Step::Media, FailureReason::Silence)), "{deaf:?}");
    let audio = deaf.call.as_ref().and_then(|call| call.audio.as_ref()).expect("media flowed");
    assert_eq!((audio.heard, audio.far_hears), (HeardSound::Silence, FarHears::Yes));
    bed.rest().await;
    assert_eq!([0, 1].map(|pod| bed.partner.calls_up(&pod_name(pod))), [0, 0]);
    bed.shutdown(Duration::from_secs(10)).await;
}

/// The application's own silence is one thing, that of the client which it rings another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_rings_is_told_apart_from_an_application_that_never_answers() {
    let bed = Bed::start(3).await;
    let (never_rang, nobody, unanswered) = tokio::join!(
        call(&bed, 0, named("far-never-rings"), Codec::Pcmu),
        call(&bed, 1, named("far-nobody-there"), Codec::Pcmu),
        call(&bed, 2, named("call-unanswered"), Codec::Pcmu)
    );
    for report in [&never_rang, &nobody] {
        assert_eq!(failure(report), Some((Step::Media, FailureReason::FarNeverRang)), "{report:?}");
        let far = report.call.as_ref().and_then(|call| call.far.as_ref()).expect("there was another client");
        assert_eq!((&far.sid, &far.failure), (&None, &None), "it waited in vain");
    }
    assert_eq!(failure(&unanswered), Some((Step::Answer, FailureReason::NoAnswer)), "{unanswered:?}");
    bed.rest().await;
    assert_eq!([0, 1, 2].map(|pod| bed.partner.calls_up(&pod_name(pod))), [0, 0, 0]);
    bed.shutdown(Duration::from_secs(10)).await;
}

/// Trouble of the other client is never told as trouble of the device under test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_client_that_cannot_register_is_told_of_by_itself() {
    let bed = Bed::start(1).await;
    let report = call(&bed, 0, named("ready-missing"), Codec::Pcmu).await;
    assert_eq!(failure(&report), Some((Step::Registered, FailureReason::FarClient)), "{report:?}");
    let far = report.call.and_then(|call| call.far).expect("there was another client");
    let own = far.failure.map(|failure| (failure.step, failure.reason));
    assert_eq!(own, Some((Step::Registered, FailureReason::NoAnswer)));
    assert_eq!(report.steps.len(), 1, "the one that calls never began: {:?}", report.steps);
    bed.shutdown(Duration::from_secs(10)).await;
}

/// The partner keeps both legs up when the process of both clients is killed: all of them are found by our
/// names and ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_legs_that_a_kill_leaves_up_are_ended() {
    let bed = Arc::new(Bed::start(1).await);
    bed.set_faults(0, named("call-left-up").map(FaultRule::always).into_iter().collect()).await;
    let spec = bed.far_spec(0, wish(Codec::Pcmu), 7);
    let mut after = Duration::from_millis(500);
    // On a busy machine it takes longer until both legs are up.
    let up = loop {
        let up = bed.killed_call(&spec, after).await;
        if up >= 2 || after > Duration::from_secs(4) {
            break up;
        }
        after *= 2;
    };
    assert!(up >= 2, "{up} legs were up");
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while bed.partner.truth(10_000).iter().filter(|line| line.contains("client left")).count() < 2 {
        looks.tick().await;
    }
    assert!(bed.partner.calls_up(&pod_name(0)) >= 2, "they would go on for hours");
    let search = bed.seek(&spec).await;
    assert!(matches!(search, CallSearch::Ended(ended) if ended >= 1), "{search:?}");
    assert_eq!(bed.partner.calls_up(&pod_name(0)), 0);
}

fn in_virtual_time(fault: Fault) -> Outcome {
    let usual = CallSort::ToFarClient.usual(wish(Codec::Pcmu), Stopwatch::start().origin());
    let call = CallSettings { step: Duration::from_secs(4), ..usual };
    let settings = Settings { call: Some(call), ..usual_settings() };
    Outcomes::new(settings).course(&[Some(fault.behaviour())], TokenKind::Access).finding.outcome.clone()
}

/// Every fault of calls that agents place, met by a call to another client: real sockets and virtual time
/// say the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_placed_calls_ends_the_same_between_two_clients() {
    const PODS: usize = 12;
    let bed = Bed::start(PODS).await;
    let placed = |fault: &Fault| fault.entry().group.calls() == Some(CallDirection::Outbound);
    let (queue, wrong) = (Mutex::new(Fault::all().filter(placed).collect::<Vec<_>>()), Mutex::new(Vec::new()));
    let workers = (0..PODS).map(|pod| {
        let (bed, queue, wrong) = (&bed, &queue, &wrong);
        async move {
            loop {
                let Some(fault) = queue.lock().expect("not poisoned").pop() else { return };
                let report = call(bed, pod, Some(fault), Codec::Pcmu).await;
                let expected = in_virtual_time(fault);
                let reason = |outcome: &Outcome| outcome.failure().map(|failure| (failure.step, failure.reason));
                let same = reason(&report.outcome) == reason(&expected);
                if !same || report.outcome.is_completed() != expected.is_completed() {
                    let found = format!("{fault}:\n  real    {:?}\n  virtual {expected:?}", report.outcome);
                    wrong.lock().expect("not poisoned").push(found);
                }
            }
        }
    });
    futures_util::future::join_all(workers).await;
    let wrong = wrong.into_inner().expect("not poisoned");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    bed.shutdown(Duration::from_secs(10)).await;
}
