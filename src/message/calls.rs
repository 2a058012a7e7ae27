//! Bad calls in words: what agents meet, and what helps.

use std::time::Duration;

use crate::engine::calls::CallTrouble;
use crate::engine::{Experience, IncidentFacts};
use crate::model::{CallDirection, humane};

/// What agents meet, as the beginning of a sentence: `agents can call but are not heard`.
pub fn meet(direction: Option<CallDirection>, trouble: CallTrouble) -> String {
    let inbound = direction == Some(CallDirection::Inbound);
    let text = match trouble {
        CallTrouble::NotPlaced if inbound => "agents cannot be called",
        CallTrouble::NotPlaced => "agents cannot place calls",
        CallTrouble::NotAnswered => "agents' calls ring and are never answered",
        CallTrouble::EndsRinging => "agents' calls ring and then break off",
        CallTrouble::EndsAtAnswer if inbound => "calls to agents break off as soon as they are answered",
        CallTrouble::EndsAtAnswer => "agents' calls break off as soon as they are answered",
        CallTrouble::NotTaken => "calls to agents cannot be started over the partner's REST API",
        CallTrouble::NotDelivered => "calls do not arrive at agents",
        CallTrouble::Elsewhere => "calls to agents are answered somewhere else",
        CallTrouble::Queued => "calls to agents are stuck in the partner's queue",
        CallTrouble::RingsTwice => "calls to agents ring twice",
        CallTrouble::Withdrawn => "calls are withdrawn while they ring at agents",
        CallTrouble::NotAccepted => "calls ring at agents and cannot be accepted",
        CallTrouble::NoMedia => "calls are answered, and nobody hears anything",
        CallTrouble::HearNothing => "agents hear nothing in calls",
        CallTrouble::NotHeard if inbound => "agents can be called but are not heard",
        CallTrouble::NotHeard => "agents can call but are not heard",
        CallTrouble::WrongAudio => "agents hear another call's audio",
        CallTrouble::OneWay => "only one side hears the other in calls",
        CallTrouble::PoorAudio => "calls sound bad",
        CallTrouble::Choppy => "calls sound choppy",
        CallTrouble::TooQuiet => "agents hear the other side far too quietly",
        CallTrouble::Distorted => "calls sound distorted",
        CallTrouble::StartsLate => "the first words of calls are lost: audio starts late",
        CallTrouble::LongDelay => "voices arrive so late in calls that people talk over each other",
        CallTrouble::Cut { after_ms } => return format!("calls are cut after {}", about(after_ms)),
        CallTrouble::AudioStops { after_ms } => return format!("audio stops {} into calls", about(after_ms)),
        CallTrouble::SlowSetUp { took_ms } if inbound => {
            return format!("calls take {} to connect once they are accepted", about(took_ms));
        }
        CallTrouble::SlowSetUp { took_ms } => return format!("calls take {} to be answered", about(took_ms)),
        CallTrouble::LateDelivery { took_ms } => return format!("calls take {} to arrive at agents", about(took_ms)),
    };
    text.to_owned()
}

/// What agents met, once it is over.
pub(super) fn met(direction: Option<CallDirection>, trouble: CallTrouble) -> String {
    let present = meet(direction, trouble);
    let tenses = [
        ("cannot", "could not"),
        ("can ", "could "),
        (" are ", " were "),
        (" do not ", " did not "),
        (" takes ", " took "),
        (" take ", " took "),
        (" ring ", " rang "),
        (" break ", " broke "),
        (" starts ", " started "),
        (" arrive so late", " arrived so late"),
        (" people talk ", " people talked "),
        (" hears ", " heard "),
        (" hear ", " heard "),
        (" sound ", " sounded "),
        (" stops ", " stopped "),
    ];
    tenses.into_iter().fold(present, |text, (now, then)| text.replace(now, then))
}

/// The counts of both sides: `in 4 of 4 test calls`.
pub fn counted(bad: u32, of: u32) -> String {
    format!("in {bad} of {of} test calls")
}

/// What an agent's device makes of it, where it raises no error.
pub(super) const fn unseen() -> &'static str {
    "Their device raises no error: to it the call looks like any other."
}

/// True if an incident is about nothing but calls: connections are well.
pub(super) fn is_about_calls(facts: &IncidentFacts) -> bool {
    !facts.pods.is_empty() && facts.pods.iter().all(|impact| matches!(impact.experience, Experience::Calls { .. }))
}

/// What helps at once, whoever's fault it is.
pub(super) fn advice(facts: &IncidentFacts) -> Option<String> {
    let trouble = facts.pods.iter().find_map(|impact| match impact.experience {
        Experience::Calls { trouble, .. } if impact.resolved.is_none() => Some(trouble),
        _ => None,
    })?;
    let text = match trouble {
        CallTrouble::NotPlaced | CallTrouble::NotAnswered | CallTrouble::EndsRinging | CallTrouble::EndsAtAnswer => {
            "See in the partner's console whether the pod's application, its balance or its limit of calls at once has \
             changed. Let agents call over another way where there is one."
        }
        CallTrouble::NotTaken => {
            "See in the partner's console whether the API key is still valid and what the REST API answers."
        }
        CallTrouble::NotDelivered
        | CallTrouble::Queued
        | CallTrouble::RingsTwice
        | CallTrouble::Withdrawn
        | CallTrouble::NotAccepted => {
            "Send callers another way until calls arrive again: voicemail, call-back, or the numbers of a pod that is well."
        }
        CallTrouble::Elsewhere => {
            "See in the partner's console which device answers calls that are meant for agents: somebody else may be \
             talking to callers. Send callers another way until that is known."
        }
        CallTrouble::NoMedia | CallTrouble::HearNothing | CallTrouble::NotHeard | CallTrouble::OneWay => {
            "Tell agents that calls connect without sound, so that nobody hangs up on a caller. If only one network is \
             hit, look at its firewall: UDP to the partner's media addresses."
        }
        CallTrouble::WrongAudio => {
            "Treat it as a leak: callers may hear each other. Stop calls in these pods, and tell whoever looks after \
             privacy."
        }
        CallTrouble::Cut { .. } | CallTrouble::AudioStops { .. } => {
            "Tell agents that calls end early, so that they note the caller's number first and call back."
        }
        CallTrouble::SlowSetUp { .. } | CallTrouble::LateDelivery { .. } => {
            "Tell agents to wait for slow calls instead of trying again: each new try joins the queue."
        }
        CallTrouble::PoorAudio
        | CallTrouble::Choppy
        | CallTrouble::TooQuiet
        | CallTrouble::Distorted
        | CallTrouble::StartsLate
        | CallTrouble::LongDelay => {
            "Compare with what agents report. If other edges are better, move agents to one of them."
        }
    };
    Some(text.to_owned())
}

fn about(ms: u32) -> String {
    let length = Duration::from_millis(ms.into());
    match length {
        short if short < Duration::from_secs(10) => {
            format!("{} s", format!("{:.1}", short.as_secs_f64()).trim_end_matches(".0"))
        }
        long => format!("about {}", humane(Duration::from_secs(long.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_meet_is_said_in_their_words() {
        let all = [
            CallTrouble::NotPlaced,
            CallTrouble::NotAnswered,
            CallTrouble::EndsRinging,
            CallTrouble::EndsAtAnswer,
            CallTrouble::NotTaken,
            CallTrouble::NotDelivered,
            CallTrouble::Elsewhere,
            CallTrouble::Queued,
            CallTrouble::RingsTwice,
            CallTrouble::Withdrawn,
            CallTrouble::NotAccepted,
            CallTrouble::NoMedia,
            CallTrouble::HearNothing,
            CallTrouble::NotHeard,
            CallTrouble::WrongAudio,
            CallTrouble::Cut { after_ms: 35_400 },
            CallTrouble::AudioStops { after_ms: 4_200 },
            CallTrouble::SlowSetUp { took_ms: 8_000 },
            CallTrouble::LateDelivery { took_ms: 12_000 },
            CallTrouble::OneWay,
            CallTrouble::PoorAudio,
            CallTrouble::Choppy,
            CallTrouble::TooQuiet,
            CallTrouble::Distorted,
            CallTrouble::StartsLate,
            CallTrouble::LongDelay,
        ];
        let mut text = String::new();
        for trouble in all {
            for direction in [Some(CallDirection::Outbound), Some(CallDirection::Inbound)] {
                text.push_str(&format!("{} / {}\n", meet(direction, trouble), met(direction, trouble)));
            }
        }
        insta::assert_snapshot!(text);
    }
}
