//! What came of a call between two clients of ours, from what each of them has found. The one that
//! called is the device under test; the other is only there to be heard and to listen.

use std::time::Duration;

use crate::model::{
    CallAudio, CallDirection, CallFacts, CallWish, Degradation, Failure, FailureReason, FarFacts, FarHears, HeardSound,
    LostReason, MediaPath, Outcome, Step,
};

use super::conversation::{OWN_LAG_MS, depends_on_our_tone, is_much};
use super::{CallSettings, Finding, OtherClient};

/// How the other client of a call takes part in it, which knows whom to expect. Nothing if there is no
/// other client.
pub fn far_settings(near: &CallSettings, calls_as: String) -> Option<CallSettings> {
    let other = OtherClient { tone: near.tone, calls_as: Some(calls_as) };
    Some(CallSettings {
        // Which path its own media take is not looked at.
        wish: CallWish { direction: CallDirection::Inbound, ring_ms: 0, path: MediaPath::Any, ..near.wish },
        digits: None,
        record: Duration::ZERO,
        tone: near.other.as_ref()?.tone,
        temporary: String::new(),
        marker: String::new(),
        number: None,
        other: Some(other),
        origin: near.origin,
        step: near.step,
        delivery: Duration::ZERO,
        servers: false,
    })
}

/// What came of a call whose caller never began, since the other client could not be had ready.
pub fn of_far_alone(wish: CallWish, far: Finding) -> Finding {
    let outcome = match &far.outcome {
        Outcome::Failed(failure) => failed_there(failure),
        // It was ready, or nobody would have waited for the call to be over.
        Outcome::Completed { .. } => Outcome::Lost { reason: LostReason::NoReport },
        Outcome::Throttled { .. } | Outcome::Lost { .. } => far.outcome.clone(),
    };
    let facts = CallFacts { far: Some(Box::new(facts_of(&far))), ..CallFacts::of(wish) };
    Finding { outcome, call: Some(Box::new(facts)), steps: Vec::new(), recording: Vec::new(), ..far }
}

/// What came of a call between two clients: `near` has called, `far` was called or should have been.
/// An error for `far` if our own machine kept it from telling.
pub fn of_both(mut near: Finding, far: Result<Finding, LostReason>) -> Finding {
    let Some(facts) = &mut near.call else { return near };
    let far = match far {
        Ok(far) => far,
        Err(reason) => {
            // Whether we were heard nobody knows, and what was not heard was perhaps never sent.
            if near.outcome.is_completed() || near.outcome.failure().is_some_and(could_be_there) {
                near.outcome = Outcome::Lost { reason };
            }
            return near;
        }
    };
    let there = facts_of(&far);
    if let Some(audio) = &mut facts.audio {
        audio.far_hears = far_hears(there.audio.as_ref());
        // What one does not send in time the other does not hear.
        audio.own_lag_ms += there.audio.as_ref().map_or(0, |audio| audio.own_lag_ms);
    }
    let lag_ms = facts.audio.as_ref().map_or(0, |audio| audio.own_lag_ms);
    near.outcome = outcome(near.outcome, &far.outcome, &there);
    let of_tone = |failure: &Failure| failure.step == Step::Media && depends_on_our_tone(failure.reason);
    if is_much(lag_ms, facts.wish.hold_ms) && near.outcome.failure().is_some_and(of_tone) {
        near.outcome = Outcome::Lost { reason: LostReason::Overloaded };
    }
    if let Outcome::Completed { degraded } = &mut near.outcome
        && lag_ms >= OWN_LAG_MS
    {
        degraded.retain(|what| !what.is_of_audio());
    }
    facts.far = Some(Box::new(there));
    near
}

fn facts_of(far: &Finding) -> FarFacts {
    let call = far.call.as_ref();
    let own = far.outcome.failure().filter(|failure| !is_of_what_it_heard(failure));
    FarFacts {
        sid: call.and_then(|call| call.sid.clone()),
        audio: call.and_then(|call| call.audio.clone()),
        failure: own.cloned(),
    }
}

fn far_hears(audio: Option<&CallAudio>) -> FarHears {
    match audio {
        None => FarHears::Unknown,
        Some(CallAudio { heard: HeardSound::OurTone, .. }) => FarHears::Yes,
        Some(_) => FarHears::No,
    }
}

/// True if its device did its part, and only what it heard was not what it should have been.
const fn is_of_what_it_heard(failure: &Failure) -> bool {
    matches!(
        (failure.step, failure.reason),
        (
            Step::Media,
            FailureReason::NoAudio
                | FailureReason::Silence
                | FailureReason::FarNotHeard
                | FailureReason::WrongAudio
                | FailureReason::AudioDied
        )
    )
}

fn outcome(near: Outcome, far: &Outcome, there: &FarFacts) -> Outcome {
    match near {
        Outcome::Failed(failure) => match far {
            Outcome::Throttled { .. } | Outcome::Lost { .. } if could_be_there(&failure) => far.clone(),
            _ => Outcome::Failed(of_failed(failure, there)),
        },
        Outcome::Completed { degraded } => of_completed(degraded, far),
        Outcome::Throttled { .. } | Outcome::Lost { .. } => near,
    }
}

/// True if the caller's side may have failed only because of what was the matter at the other one.
const fn could_be_there(near: &Failure) -> bool {
    // The application answers by itself: until then it has nothing to do with the other client.
    matches!(
        (near.step, near.reason),
        (
            Step::Ice | Step::Dtls | Step::Media,
            FailureReason::HungUp
                | FailureReason::NoAudio
                | FailureReason::Silence
                | FailureReason::AudioDied
                | FailureReason::FarNotHeard
        )
    )
}

/// Why the caller's side failed: perhaps only because of what was the matter at the other one.
fn of_failed(near: Failure, there: &FarFacts) -> Failure {
    match &there.failure {
        _ if !could_be_there(&near) => near,
        Some(failure) => Failure {
            step: failure.step,
            reason: FailureReason::FarClient,
            wire_code: failure.wire_code,
            device_errors: near.device_errors,
        },
        None if there.sid.is_none() => Failure { reason: FailureReason::FarNeverRang, ..near },
        None => near,
    }
}

/// The caller has heard the other client: did that hear the caller?
fn of_completed(mut degraded: Vec<Degradation>, far: &Outcome) -> Outcome {
    match far {
        Outcome::Completed { degraded: there } => {
            let concerns = |what: &&Degradation| what.is_of_audio() || **what == Degradation::ForeignInvite;
            for what in there.iter().filter(concerns) {
                if !degraded.contains(what) {
                    degraded.push(*what);
                }
            }
            Outcome::Completed { degraded }
        }
        Outcome::Failed(failure) if is_of_what_it_heard(failure) => {
            let reason = match failure.reason {
                kept @ (FailureReason::WrongAudio | FailureReason::AudioDied) => kept,
                _ => FailureReason::NotHeard,
            };
            // No device raises anything when it is not heard.
            Outcome::Failed(Failure { reason, device_errors: Vec::new(), ..failure.clone() })
        }
        Outcome::Failed(failure) => failed_there(failure),
        Outcome::Throttled { .. } | Outcome::Lost { .. } => far.clone(),
    }
}

/// The other client failed at its own part. The device under test has raised nothing.
fn failed_there(failure: &Failure) -> Outcome {
    let Failure { step, wire_code, .. } = *failure;
    Outcome::Failed(Failure { step, reason: FailureReason::FarClient, wire_code, device_errors: Vec::new() })
}
