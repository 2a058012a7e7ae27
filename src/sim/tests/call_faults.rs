//! Every fault of calls in virtual time: the real call machine against the real peer, media and
//! all, without sockets.

use crate::call::{CallSettings, Settings};
use crate::model::{
    CallDigits, CallDirection, CallStatus, CallWish, Codec, Degradation, Digits, DigitsWay, FailureReason, FarHears,
    HeardSound, MediaPath, Origin, Outcome, Step, TokenKind,
};
use crate::sim::{Behaviour, CallSort, Course, Expected, Fault, Outcomes, usual_call, usual_settings};

/// Settings of an attempt that calls; how long it rings matters for inbound calls only.
fn calling(direction: CallDirection, codec: Codec) -> Settings {
    let wish = CallWish { direction, hold_ms: 5000, ring_ms: 1000, codec, path: MediaPath::Any };
    let call = usual_call(wish, Origin::some());
    Settings { call: Some(call), ..usual_settings() }
}

fn course(direction: CallDirection, fault: Option<Fault>) -> Course {
    coded(direction, Codec::Pcmu, fault)
}

fn coded(direction: CallDirection, codec: Codec, fault: Option<Fault>) -> Course {
    let met = fault.map(|fault| fault.behaviour());
    Outcomes::new(calling(direction, codec)).course(&[met], TokenKind::Access).clone()
}

/// A call of this sort in this direction.
fn sorted(sort: CallSort, direction: CallDirection, fault: Option<Fault>) -> Course {
    let wish = CallWish { direction, hold_ms: 5000, ring_ms: 1000, codec: Codec::Pcmu, path: MediaPath::Any };
    let call = sort.usual(wish, Origin::some());
    let met = fault.map(|fault| fault.behaviour());
    Outcomes::new(Settings { call: Some(call), ..usual_settings() }).course(&[met], TokenKind::Access).clone()
}

/// A call to the agent over the model's number.
fn over_number(fault: Option<Fault>) -> Course {
    sorted(CallSort::OverNumber, CallDirection::Inbound, fault)
}

#[test]
fn a_call_over_the_number_is_known_by_its_caller_and_by_nothing_else() {
    let sound = over_number(None);
    assert_eq!(sound.finding.outcome, Outcome::completed(), "{:?}", sound.finding);
    assert!(sound.finding.call.expect("it was a call").delivery_ms.is_some());
    let fault = Fault::named("number-caller-changed").expect("known");
    let foreign = over_number(Some(fault));
    let reason = foreign.finding.outcome.failure().map(|failure| (failure.step, failure.reason));
    assert_eq!(reason, Some((Step::Invite, FailureReason::NotDelivered)), "{:?}", foreign.finding);
    // Trouble of numbers is none of calls to the client itself: so the two are told apart.
    for name in ["number-not-routed", "number-webhook-broken", "number-caller-changed"] {
        let fault = Some(Fault::named(name).expect("known"));
        assert_eq!(course(CallDirection::Inbound, fault).finding.outcome, Outcome::completed(), "{name}");
    }
}

#[test]
fn a_sound_call_is_heard_both_ways() {
    for direction in CallDirection::ALL {
        let course = course(direction, None);
        assert_eq!(course.finding.outcome, Outcome::completed(), "{direction}: {:?}", course.finding);
        let facts = course.finding.call.expect("it was a call");
        let audio = facts.audio.expect("media flowed");
        assert_eq!((audio.heard, audio.far_hears), (HeardSound::OurTone, FarHears::Yes), "{direction}");
        assert!(audio.mos_centi > 400 && audio.sdk_mos_centi > 400, "{direction}: {audio:?}");
        assert_eq!((audio.loss_permille, audio.gaps), (0, 0), "{direction}");
        assert!(facts.sid.is_some_and(|sid| sid.starts_with("CA")));
        let steps: Vec<Step> = course.finding.steps.iter().map(|timing| timing.step).collect();
        let rings: &[Step] = &[Step::Invite, Step::Ringing, Step::Answer, Step::Ice, Step::Dtls, Step::Media];
        assert!(steps.windows(rings.len()).any(|part| part == rings), "{direction}: {steps:?}");
        match direction {
            CallDirection::Outbound => assert!(facts.delivery_ms.is_none()),
            CallDirection::Inbound => {
                assert!(facts.delivery_ms.is_some());
                assert!(matches!(facts.status, Some(CallStatus::InProgress | CallStatus::Completed)));
            }
        }
    }
}

#[test]
fn every_fault_of_calls_ends_as_the_catalogue_says() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for fault in Fault::all() {
        let Some(direction) = fault.entry().group.calls() else { continue };
        tried += 1;
        let course = sorted(CallSort::hit_by(fault.entry().group), direction, Some(fault));
        let outcome = &course.finding.outcome;
        if Expected::of(outcome) != Some(fault.expected()) {
            wrong.push(format!("{fault}: {:?}, not {outcome:?}\n   {:?}", fault.expected(), course.finding.call));
        }
    }
    assert!(tried >= 50, "only {tried}");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The same faults are heard through the other codec, loss and noise included.
#[test]
fn every_fault_of_sound_is_heard_in_opus_alike() {
    let mut wrong = Vec::new();
    for direction in CallDirection::ALL {
        let sound = coded(direction, Codec::Opus, None).finding;
        assert_eq!(sound.outcome, Outcome::completed(), "{direction}: {sound:?}");
        let audio = sound.call.and_then(|call| call.audio).expect("media flowed");
        assert_eq!((audio.heard, audio.far_hears, audio.gaps), (HeardSound::OurTone, FarHears::Yes, 0), "{audio:?}");
        assert!(audio.mos_centi > 400, "{audio:?}");
    }
    for fault in Fault::all()
        .filter(|fault| fault.entry().name.starts_with("audio-") || fault.entry().name.starts_with("description-"))
    {
        let course = coded(CallDirection::Outbound, Codec::Opus, Some(fault));
        let outcome = &course.finding.outcome;
        if Expected::of(outcome) != Some(fault.expected()) {
            wrong.push(format!("{fault}: {:?}, not {outcome:?}\n   {:?}", fault.expected(), course.finding.call));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A call that presses digits, which the far end plays back.
fn dialled(codec: Codec, digits: &str, fault: Option<&str>) -> (Outcome, CallDigits) {
    let settings = calling(CallDirection::Outbound, codec);
    let digits = Some(Digits::parse(digits).expect("digits"));
    let call = settings.call.map(|call| CallSettings { digits, ..call });
    let met = fault.map(|name| Fault::named(name).expect("known").behaviour());
    let finding = Outcomes::new(Settings { call, ..settings }).course(&[met], TokenKind::Access).finding.clone();
    let facts = finding.call.expect("it was a call");
    assert_eq!(facts.audio.map(|audio| audio.heard), Some(HeardSound::OurTone), "heard after the digits as well");
    (finding.outcome, facts.digits.expect("digits were pressed"))
}

#[test]
fn digits_are_played_back() {
    for codec in Codec::ALL {
        for digits in ["7", "7w8w9", "0#*", "77"] {
            let (outcome, facts) = dialled(codec, digits, None);
            assert_eq!(facts, CallDigits { way: DigitsWay::Events, played_back: true }, "{codec:?} {digits}");
            assert_eq!(outcome, Outcome::completed(), "{codec:?} {digits}");
        }
    }
}

#[test]
fn without_events_digits_go_on_the_signalling() {
    let (outcome, facts) = dialled(Codec::Pcmu, "7w8", Some("description-without-events"));
    assert_eq!(facts, CallDigits { way: DigitsWay::Signalling, played_back: true });
    assert_eq!(outcome, Outcome::completed());
}

#[test]
fn lost_digits_degrade_a_call() {
    for codec in Codec::ALL {
        let (outcome, facts) = dialled(codec, "78", Some("digits-lost"));
        assert_eq!(facts, CallDigits { way: DigitsWay::Events, played_back: false });
        assert_eq!(outcome, Outcome::Completed { degraded: vec![Degradation::DigitsLost] });
    }
}

#[test]
fn faults_of_media_hit_calls_to_the_agent_alike() {
    for name in ["audio-missing", "audio-one-way", "audio-foreign", "call-cut", "checks-unanswered", "keys-unanswered"]
    {
        let fault = Fault::named(name).expect("known");
        let course = course(CallDirection::Inbound, Some(fault));
        assert_eq!(Expected::of(&course.finding.outcome), Some(fault.expected()), "{name}: {:?}", course.finding);
    }
}

#[test]
fn a_call_without_a_fault_does_not_meet_one_of_connections() {
    assert!(
        Fault::all()
            .filter(|fault| fault.entry().group.calls().is_some())
            .all(|fault| { matches!(fault.behaviour(), Behaviour::Call(_)) })
    );
}
