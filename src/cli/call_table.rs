//! What is known of test calls, as a table beside that of the attempts.

use crate::model::{CallAudio, CallDirection, CallFacts, FailureReason, FarHears, HeardSound, Step};

use super::attempts::{Made, Round};
use super::output;

/// The steps of a call that have a column.
const STEPS: [Step; 6] = [Step::Invite, Step::Ringing, Step::Answer, Step::Ice, Step::Dtls, Step::Media];
/// Columns: pod, direction and codec, the steps, the path, what is heard both ways, mouth to ear, loss, score, the
/// call's id.
const COLUMNS: usize = 2 + STEPS.len() + 7;

/// The table of the calls in a round; nothing if there was none.
pub fn text(round: &Round, color: bool) -> String {
    let calls: Vec<[String; COLUMNS]> =
        round.made.iter().filter_map(|made| Some(row(made, made.report.call.as_deref()?))).collect();
    if calls.is_empty() {
        return String::new();
    }
    let heading = [
        "pod",
        "call",
        "invite",
        "ringing",
        "answer",
        "ice",
        "dtls",
        "media",
        "path",
        "we hear",
        "we are heard",
        "echo",
        "loss",
        "mos",
        "the partner's id",
    ];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(calls);
    let mut text = "\n".to_owned();
    output::table(&mut text, &rows, color);
    text
}

fn row(made: &Made, facts: &CallFacts) -> [String; COLUMNS] {
    let audio = facts.audio.as_ref();
    let step = |number: usize| {
        let timing = made.report.steps.iter().find(|timing| timing.step == STEPS[number]);
        timing.map_or_else(nothing, |timing| format!("{:.1}", timing.took.as_secs_f64() * 1000.0))
    };
    let of_audio = |tell: fn(&CallAudio) -> Option<String>| audio.and_then(tell).unwrap_or_else(nothing);
    [
        made.wanted.pod.name.to_string(),
        format!("{} {}", facts.wish.direction, facts.wish.codec.as_str()),
        step(0),
        step(1),
        step(2),
        step(3),
        step(4),
        step(5),
        facts.path.map_or_else(nothing, |path| path.to_string()),
        audio.map_or_else(nothing, |audio| heard(audio.heard, facts.far.is_some()).to_owned()),
        of_audio(|audio| Some(far_hears(audio.far_hears).to_owned())),
        of_audio(mouth_to_ear),
        of_audio(|audio| Some(format!("{:.1} %", f64::from(audio.loss_permille) / 10.0))),
        of_audio(|audio| Some(format!("{:.2}", f64::from(audio.mos_centi) / 100.0))),
        facts.sid.clone().unwrap_or_else(nothing),
    ]
}

/// There and back, or where another client of ours is the far end, one way.
fn mouth_to_ear(audio: &CallAudio) -> Option<String> {
    let one_way = || audio.one_way_ms.map(|ms| format!("{ms} one way"));
    audio.round_trip_ms.map(|ms| ms.to_string()).or_else(one_way)
}

fn nothing() -> String {
    "-".to_owned()
}

/// With another client of ours at the far end it is that one's tone that is to be heard.
const fn heard(sound: HeardSound, from_other: bool) -> &'static str {
    match sound {
        HeardSound::OurTone if from_other => "the other client",
        HeardSound::OurTone => "our tone",
        HeardSound::ForeignTone => "another call",
        HeardSound::OtherSound => "other sound",
        HeardSound::Silence => "silence",
        HeardSound::Nothing => "nothing",
    }
}

const fn far_hears(far: FarHears) -> &'static str {
    match far {
        FarHears::Yes => "yes",
        FarHears::No => "no",
        FarHears::Unknown => "not known",
    }
}

/// What an agent would notice of a call that failed once it was a call; `None` where the SDK's
/// errors, or its silence, are all there is.
pub fn agent_notices(direction: CallDirection, reason: FailureReason) -> Option<&'static str> {
    Some(match reason {
        FailureReason::NoAudio | FailureReason::Silence => "hears nothing",
        FailureReason::NotHeard => "is not heard",
        FailureReason::FarNotHeard => "does not hear the other side",
        FailureReason::FarNeverRang => "reaches nobody",
        FailureReason::WrongAudio => "hears another call",
        FailureReason::AudioDied => "hears nothing any more",
        FailureReason::HungUp => "is cut off",
        FailureReason::NotDelivered | FailureReason::DeliveredElsewhere | FailureReason::StuckQueued => "is not called",
        FailureReason::DeliveredTwice => "is called twice",
        FailureReason::Cancelled => "is not called for long enough",
        FailureReason::NoPath | FailureReason::NoKeys => "hears nothing",
        FailureReason::RestStatus(_) | FailureReason::RestMalformed => "is not called",
        FailureReason::NoAnswer if direction == CallDirection::Outbound => "waits for ever",
        _ => return None,
    })
}
