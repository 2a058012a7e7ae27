//! Calls whose uneventful parts are left out end as the whole calls do.

use std::time::Duration;

use crate::call::Settings;
use crate::model::{CallDirection, CallWish, Codec, Deadlines, MediaPath, Origin, TokenKind};
use crate::sim::{Behaviour, CallAnswers, CallSort, Course, Expected, Fault, Outcomes, usual_settings};

/// Longer than what is played of a call with a fault at [`AGE`].
const HOLD: Duration = Duration::from_secs(20);
const AGE: Duration = Duration::from_secs(9);
/// A packet may come a frame sooner or later.
const FRAME: Duration = Duration::from_millis(40);

fn whole(wish: CallWish, sort: CallSort, met: Option<Behaviour>) -> Course {
    let call = sort.usual(wish, Origin::some());
    Outcomes::new(Settings { call: Some(call), ..usual_settings() }).course(&[met], TokenKind::Access).clone()
}

fn of_age(fault: Fault) -> Behaviour {
    match fault.behaviour() {
        Behaviour::Call(of_calls) => Behaviour::Call(of_calls.at_age(AGE)),
        other => other,
    }
}

#[test]
fn a_call_that_is_not_played_whole_ends_as_if_it_were() {
    let mut answers = CallAnswers::new(Origin::some());
    let mut wrong = Vec::new();
    let faults = Fault::all().filter(|fault| fault.entry().group.calls().is_some());
    for fault in std::iter::once(None).chain(faults.map(Some)) {
        let direction = fault.and_then(|fault| fault.entry().group.calls()).unwrap_or(CallDirection::Outbound);
        let hold_ms = u32::try_from(HOLD.as_millis()).expect("small");
        let wish = CallWish { direction, hold_ms, ring_ms: 0, codec: Codec::Pcmu, path: MediaPath::Any };
        let met = fault.map(of_age);
        let sort = fault.map_or(CallSort::Plain, |fault| CallSort::hit_by(fault.entry().group));
        let (played, answer) = (whole(wish, sort, met), answers.of(wish, sort, Deadlines::DEFAULT, met));
        let end =
            |outcome| (Expected::of(outcome), crate::model::Outcome::failure(outcome).map(|failure| failure.reason));
        let same = end(&played.finding.outcome) == end(&answer.outcome);
        if !same || played.took.abs_diff(answer.took) > FRAME {
            wrong.push(format!("{fault:?}: {played:#?}\nnot {answer:#?}"));
        }
        assert_eq!(answer.facts.map(|facts| facts.wish), played.finding.call.map(|facts| facts.wish), "{fault:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_call_is_answered_the_same_again() {
    let fault = Fault::named("audio-loss-20").expect("known").behaviour();
    let wish = CallWish {
        direction: CallDirection::Inbound,
        hold_ms: 5000,
        ring_ms: 4000,
        codec: Codec::Pcmu,
        path: MediaPath::Any,
    };
    let answer = || CallAnswers::new(Origin::some()).of(wish, CallSort::Plain, Deadlines::DEFAULT, Some(fault));
    let first = answer();
    assert!(first.facts.as_ref().is_some_and(|facts| facts.audio.is_some()), "{first:?}");
    assert_eq!(first, answer());
}

/// Each time by somebody who has never seen such a call. Where packets are lost, how much later they are sent
/// again is left to chance.
#[test]
fn every_fault_of_calls_is_answered_the_same_again() {
    for fault in Fault::all() {
        let Some(direction) = fault.entry().group.calls() else { continue };
        let wish = CallWish { direction, hold_ms: 5000, ring_ms: 4000, codec: Codec::Pcmu, path: MediaPath::Any };
        let sort = CallSort::hit_by(fault.entry().group);
        let answer = || CallAnswers::new(Origin::some()).of(wish, sort, Deadlines::DEFAULT, Some(fault.behaviour()));
        assert_eq!(answer(), answer(), "{fault:?}");
    }
}
