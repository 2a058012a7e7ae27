//! What test calls are answered in virtual time: all is well, unless a test has set otherwise.
//! A stand-in for the machine that plays calls step by step.

use std::time::Duration;

use crate::model::{
    CallAudio, CallDirection, CallFacts, CallStatus, CallWish, Degradation, Failure, FailureReason, FarHears,
    HeardSound, Outcome, Step,
};

/// Connecting and registering.
const CONNECTING_MS: u32 = 300;
/// From the invite to the answer, or from accepting to the keys.
const SET_UP_MS: u32 = 700;
/// From the partner's promise until it rings.
const DELIVERY_MS: u32 = 900;
/// Finding a path and agreeing on keys.
const MEDIA_MS: u32 = 250;

/// What befalls calls.
#[derive(Clone, PartialEq, Debug)]
pub struct BadCalls {
    /// Only those of this direction.
    pub direction: Option<CallDirection>,
    /// Only those that are to last at least so long, in milliseconds.
    pub hold_at_least_ms: u32,
    /// In how many of a thousand.
    pub permille: u16,
    /// What happens.
    pub what: CallMishap,
}

/// What happens to a call.
#[derive(Clone, PartialEq, Debug)]
pub enum CallMishap {
    /// It fails at a step.
    Fails(Step, FailureReason),
    /// It is cut at an age.
    CutAfter(Duration),
    /// It goes on, with this and this score (times a hundred).
    Degraded(Degradation, u16),
    /// It takes so much longer to be set up.
    SlowSetUp(Duration),
}

impl BadCalls {
    /// Every call of a direction fails at a step.
    pub const fn fails(direction: CallDirection, step: Step, reason: FailureReason) -> Self {
        let what = CallMishap::Fails(step, reason);
        Self { direction: Some(direction), hold_at_least_ms: 0, permille: 1000, what }
    }

    /// True if it befalls a call that drew this number below a thousand.
    pub fn befalls(&self, wish: &CallWish, drawn: u16) -> bool {
        self.direction.is_none_or(|only| only == wish.direction)
            && wish.hold_ms >= self.hold_at_least_ms
            && drawn < self.permille
    }
}

/// How a call goes that nothing or this befalls: how long it takes, how it ends, what is known.
pub fn answer(wish: CallWish, mishap: Option<&CallMishap>) -> (Duration, Outcome, CallFacts) {
    let mut facts = CallFacts::of(wish);
    let mut outcome = Outcome::completed();
    let mut set_up = SET_UP_MS;
    let mut held = wish.hold_ms;
    let mut audio = well();
    match mishap {
        None => {}
        Some(CallMishap::Fails(step, reason)) => {
            outcome = failed(*step, *reason);
            if *step < Step::Media {
                let took = CONNECTING_MS + if *reason == FailureReason::NoAnswer { 5_000 } else { SET_UP_MS };
                return (ms(took), outcome, facts);
            }
            audio.heard = HeardSound::OurTone;
            audio.far_hears = if *reason == FailureReason::NotHeard { FarHears::No } else { FarHears::Unknown };
        }
        Some(CallMishap::CutAfter(age)) if age.as_millis() < u128::from(held) => {
            held = u32::try_from(age.as_millis()).unwrap_or(held);
            outcome = failed(Step::Media, FailureReason::HungUp);
        }
        Some(CallMishap::CutAfter(_)) => {}
        Some(CallMishap::Degraded(degradation, mos)) => {
            outcome = Outcome::Completed { degraded: vec![*degradation] };
            audio.mos_centi = *mos;
        }
        Some(CallMishap::SlowSetUp(by)) => set_up += u32::try_from(by.as_millis()).unwrap_or(0),
    }
    let delivery = (wish.direction == CallDirection::Inbound).then_some(DELIVERY_MS);
    let took = CONNECTING_MS + delivery.unwrap_or(0) + wish.ring_ms + set_up + MEDIA_MS + held;
    facts.sid = Some("CA00000000000000000000000000000001".to_owned());
    (facts.set_up_ms, facts.delivery_ms) = (Some(set_up), delivery);
    (facts.audio, facts.status) = (Some(audio), Some(CallStatus::Completed));
    (ms(took), outcome, facts)
}

fn failed(step: Step, reason: FailureReason) -> Outcome {
    Outcome::Failed(Failure { step, reason, wire_code: None, device_errors: Vec::new() })
}

const fn well() -> CallAudio {
    CallAudio {
        heard: HeardSound::OurTone,
        far_hears: FarHears::Yes,
        first_sound_ms: Some(180),
        round_trip_ms: Some(160),
        level_decidbov: Some(-180),
        gaps: 0,
        longest_gap_ms: 0,
        clipped_permille: 0,
        loss_permille: 0,
        loss_burst: 0,
        own_lag_ms: 0,
        jitter_us: 900,
        rtt_ms: Some(42),
        mos_centi: 437,
        sdk_mos_centi: 441,
    }
}

fn ms(length: u32) -> Duration {
    Duration::from_millis(length.into())
}
