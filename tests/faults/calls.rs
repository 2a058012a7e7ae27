//! Test calls on real sockets: media over UDP, orders over HTTPS. Every fault of calls ends there
//! as it does in virtual time, and leaves no call up at the partner.

use std::sync::Mutex;
use std::time::Duration;

use ringcheck::call::{CallSettings, Settings};
use ringcheck::io::clock::Stopwatch;
use ringcheck::model::{
    AttemptReport, CallDigits, CallDirection, CallFacts, CallWish, Codec, Degradation, DigitsWay, FarHears, HeardSound,
    MediaPath, Outcome, TokenKind,
};
use ringcheck::sim::{CallAnswers, CallSort, Expected, Fault, FaultRule, Outcomes, usual_settings};

use crate::bed::Bed;

/// Pods, and so calls at a time: a fault of one pod does not hold up the others.
const PODS: usize = 12;
/// Times that a call is made whose own machine was too slow to say anything about quality.
const TRIES: u64 = 4;

const fn wish(direction: CallDirection) -> CallWish {
    CallWish { direction, hold_ms: 5000, ring_ms: 1000, codec: Codec::Pcmu, path: MediaPath::Any }
}

fn lagged(report: &AttemptReport) -> bool {
    let audio = report.call.as_ref().and_then(|call| call.audio.as_ref());
    audio.is_some_and(|audio| audio.own_lag_ms > 0)
}

/// A call whose quality could be judged: on a busy machine another one is made.
async fn call(bed: &Bed, pod: usize, direction: CallDirection, sort: CallSort) -> AttemptReport {
    for serial in 0..TRIES {
        let report = match sort {
            CallSort::Plain => bed.call(pod, wish(direction), serial).await,
            CallSort::OverNumber => bed.number_call(pod, wish(direction), serial).await,
            CallSort::ToFarClient => bed.far_call(pod, wish(direction), serial).await,
        };
        if !lagged(&report) || serial + 1 == TRIES {
            return report;
        }
    }
    unreachable!("the last try is returned")
}

pub(crate) fn in_virtual_time(direction: CallDirection, fault: Fault) -> Outcome {
    let origin = Stopwatch::start().origin();
    let usual = CallSort::hit_by(fault.entry().group).usual(wish(direction), origin);
    let call = CallSettings { step: Duration::from_secs(4), ..usual };
    let settings = Settings { call: Some(call), ..usual_settings() };
    Outcomes::new(settings).course(&[Some(fault.behaviour())], TokenKind::Access).finding.outcome.clone()
}

/// What must be the same: all of a failure, and whether a call was sound. Which of several signs
/// of bad sound cross their limits depends on the machine too.
fn comparable(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Completed { degraded } if !degraded.is_empty() => {
            Outcome::Completed { degraded: vec![Degradation::Garbage] }
        }
        other => other.clone(),
    }
}

async fn compare(bed: &Bed, pod: usize, fault: Fault) -> Option<String> {
    let direction = fault.entry().group.calls().expect("a fault of calls");
    bed.set_faults(pod, vec![FaultRule::always(fault)]).await;
    let report = call(bed, pod, direction, CallSort::hit_by(fault.entry().group)).await;
    let virtual_outcome = in_virtual_time(direction, fault);
    let own_fault = lagged(&report) && matches!(fault.expected(), Expected::Degraded | Expected::Completed);
    if own_fault && report.outcome.is_completed() {
        // Nothing can be said about quality on a machine that is this busy.
        return None;
    }
    if Expected::of(&report.outcome) != Some(fault.expected()) {
        return Some(format!("{fault}: {:?} promised, {report:?} found", fault.expected()));
    }
    let (real, expected) = (comparable(&report.outcome), comparable(&virtual_outcome));
    (real != expected).then(|| format!("{fault}:\n  real    {real:?}\n  virtual {expected:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_heard_both_ways_on_real_sockets() {
    let bed = Bed::start(1).await;
    for direction in CallDirection::ALL {
        let report = call(&bed, 0, direction, CallSort::Plain).await;
        assert!(report.outcome.is_completed(), "{direction}: {report:?}");
        let facts = report.call.expect("it was a call");
        let audio = facts.audio.expect("media flowed");
        assert_eq!((audio.heard, audio.far_hears), (HeardSound::OurTone, FarHears::Yes), "{direction}");
        assert!(facts.sid.is_some_and(|sid| sid.starts_with("CA")), "{direction}");
        assert_eq!(facts.delivery_ms.is_some(), direction == CallDirection::Inbound);
    }
    bed.shutdown(Duration::from_secs(10)).await;
}

/// Only bad calls are kept, and only where our own tone was heard: never a stranger's voice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_calls_in_which_our_tone_was_heard_are_kept() {
    let bed = Bed::start(1).await;
    let mut kept = Vec::new();
    for (fault, is_kept) in [
        (None, false),
        (Some("audio-foreign"), false),
        (Some("audio-silent"), false),
        (Some("audio-dies"), true),
        (Some("audio-stops"), true),
        (Some("audio-dies"), true),
    ] {
        let rules = fault.map(|name| FaultRule::always(Fault::named(name).expect("known")));
        bed.set_faults(0, rules.into_iter().collect()).await;
        let report = bed.call(0, wish(CallDirection::Outbound), kept.len() as u64 + 10).await;
        let name = report.call.as_ref().and_then(|call| call.recording.clone());
        assert_eq!(name.is_some(), is_kept, "{fault:?}: {report:?}");
        kept.extend(name);
        kept.sort();
        let newest = &kept[kept.len().saturating_sub(2)..];
        let mut there = bed.recordings();
        there.sort();
        assert_eq!(there, newest, "{fault:?}");
    }
    // The fault of before is still there, and the call is as bad; only the disk is worse.
    bed.close_recordings();
    let call = bed.call(0, wish(CallDirection::Outbound), 99).await.call.expect("it was a call");
    assert_eq!((call.recording, call.recording_failed), (None, true));
    bed.shutdown(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digits_are_pressed_beside_the_audio_and_played_back_unless_they_are_lost() {
    let bed = Bed::start(1).await;
    for (fault, played_back) in [(None, true), (Some("digits-lost"), false)] {
        let rules = fault.map(|name| FaultRule::always(Fault::named(name).expect("known")));
        bed.set_faults(0, rules.into_iter().collect()).await;
        let wish = CallWish { hold_ms: 10_000, ..wish(CallDirection::Outbound) };
        let mut report = bed.dialled_call(0, wish, 0).await;
        for serial in 1..TRIES {
            if lagged(&report) {
                report = bed.dialled_call(0, wish, serial).await;
            }
        }
        let facts = report.call.as_ref().expect("it was a call");
        assert_eq!(facts.digits, Some(CallDigits { way: DigitsWay::Events, played_back }), "{fault:?}: {report:?}");
        let lost = match &report.outcome {
            Outcome::Completed { degraded } => degraded.contains(&Degradation::DigitsLost),
            other => panic!("{fault:?}: {other:?}"),
        };
        assert_eq!(lost, !played_back && !lagged(&report), "{fault:?}: {report:?}");
    }
    bed.shutdown(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_over_the_pods_number_is_heard_both_ways() {
    let bed = Bed::start(1).await;
    let report = call(&bed, 0, CallDirection::Inbound, CallSort::OverNumber).await;
    assert!(report.outcome.is_completed(), "{report:?}");
    let facts = report.call.expect("it was a call");
    let audio = facts.audio.expect("media flowed");
    assert_eq!((audio.heard, audio.far_hears), (HeardSound::OurTone, FarHears::Yes));
    assert!(facts.delivery_ms.is_some());
    assert_eq!(bed.partner.calls_up(&crate::bed::pod_name(0)), 0, "neither the client's leg nor the number's");
    bed.shutdown(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_of_calls_ends_the_same_on_real_sockets() {
    let bed = Bed::start(PODS).await;
    let faults: Vec<Fault> = Fault::all().filter(|fault| fault.entry().group.calls().is_some()).collect();
    let (queue, wrong) = (Mutex::new(faults.clone()), Mutex::new(Vec::new()));
    let workers = (0..PODS).map(|pod| {
        let (bed, queue, wrong) = (&bed, &queue, &wrong);
        async move {
            loop {
                let Some(fault) = queue.lock().expect("not poisoned").pop() else { return };
                let found = compare(bed, pod, fault).await;
                wrong.lock().expect("not poisoned").extend(found);
            }
        }
    });
    futures_util::future::join_all(workers).await;
    let wrong = wrong.into_inner().expect("not poisoned");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), faults.len(), wrong.join("\n"));
    bed.shutdown(Duration::from_secs(10)).await;
}

/// What a scenario knows of a call is what the real node knows of it, but for the milliseconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_knows_of_a_call_what_the_real_node_knows() {
    let bed = Bed::start(1).await;
    let mut answers = CallAnswers::new(Stopwatch::start().origin());
    for name in ["audio-one-way", "audio-stops", "call-cut", "keys-unanswered"] {
        let fault = Fault::named(name).expect("known");
        bed.set_faults(0, vec![FaultRule::always(fault)]).await;
        for direction in CallDirection::ALL {
            let report = call(&bed, 0, direction, CallSort::Plain).await;
            let answer = answers.of(wish(direction), CallSort::Plain, bed.calling.deadlines, Some(fault.behaviour()));
            assert_eq!(report.outcome, answer.outcome, "{name}, {direction}");
            let (real, played) = (report.call.expect("a call"), answer.facts.expect("a call"));
            let heard = |facts: &CallFacts| facts.audio.as_ref().map(|audio| (audio.heard, audio.far_hears));
            let stopped = |facts: &CallFacts| facts.audio.as_ref().is_some_and(|audio| audio.stopped_ms.is_some());
            let known = |facts: &CallFacts| {
                let times = (facts.set_up_ms.is_some(), facts.delivery_ms.is_some());
                (facts.wish, facts.sid.is_some(), times, heard(facts), stopped(facts), facts.status)
            };
            assert_eq!(known(&real), known(&played), "{name}, {direction}");
        }
    }
    bed.shutdown(Duration::from_secs(10)).await;
}
