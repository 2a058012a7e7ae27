//! What agents meet when calls are bad, from what failing test calls look like.

use serde::{Deserialize, Serialize};

use crate::model::{CallDirection, Degradation, FailureReason, Step};
use crate::plan::CallLimit;

use super::CallSeen;

/// What agents meet when calls are bad.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallTrouble {
    /// Calls cannot be placed.
    NotPlaced,
    /// Calls are placed, ring, and are never answered.
    NotAnswered,
    /// Calls are placed, ring, and break off before they are answered.
    EndsRinging,
    /// Calls break off as soon as they are answered.
    EndsAtAnswer,
    /// The partner's REST API starts no calls to agents.
    NotTaken,
    /// Calls do not arrive.
    NotDelivered,
    /// Calls are answered by somebody else.
    Elsewhere,
    /// Calls wait in the partner's queue instead of ringing.
    Queued,
    /// One call rings twice.
    RingsTwice,
    /// Calls are withdrawn while they ring.
    Withdrawn,
    /// Calls ring, and cannot be accepted.
    NotAccepted,
    /// Calls are answered, and no audio can flow either way.
    NoMedia,
    /// Agents hear nothing.
    HearNothing,
    /// Agents hear, and are not heard.
    NotHeard,
    /// Agents hear somebody else's call.
    WrongAudio,
    /// Calls are cut.
    Cut {
        /// So long after they were answered, in milliseconds; the middle of what was seen.
        after_ms: u32,
    },
    /// Audio stops in mid-call.
    AudioStops {
        /// So long after the answer, in milliseconds; the middle of what was seen.
        after_ms: u32,
    },
    /// Calls take long to be set up.
    SlowSetUp {
        /// So long, in milliseconds; the middle of what was seen.
        took_ms: u32,
    },
    /// Calls arrive late.
    LateDelivery {
        /// So long after they were asked for, in milliseconds; the middle of what was seen.
        took_ms: u32,
    },
    /// Only one side hears the other.
    OneWay,
    /// The audio is bad, in no way that stands out.
    PoorAudio,
    /// The audio has holes.
    Choppy,
    /// The audio is too quiet.
    TooQuiet,
    /// The audio is distorted.
    Distorted,
    /// The audio begins late.
    StartsLate,
    /// The audio comes so late that people talk over each other.
    LongDelay,
}

impl CallTrouble {
    /// True if calls fail; else they are made, badly.
    pub const fn is_failure(self) -> bool {
        !matches!(
            self,
            Self::SlowSetUp { .. }
                | Self::LateDelivery { .. }
                | Self::OneWay
                | Self::PoorAudio
                | Self::Choppy
                | Self::TooQuiet
                | Self::Distorted
                | Self::StartsLate
                | Self::LongDelay
        )
    }

    /// True if no call seems to be spared when so many of so many failed. Calls that end too early
    /// are the long ones, and the short ones are not told of here.
    pub const fn spares_none(self, bad: u32, of: u32) -> bool {
        self.is_failure() && bad == of && !matches!(self, Self::Cut { .. } | Self::AudioStops { .. })
    }

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotPlaced => "not_placed",
            Self::NotAnswered => "not_answered",
            Self::EndsRinging => "ends_ringing",
            Self::EndsAtAnswer => "ends_at_answer",
            Self::NotTaken => "not_taken",
            Self::NotDelivered => "not_delivered",
            Self::Elsewhere => "elsewhere",
            Self::Queued => "queued",
            Self::RingsTwice => "rings_twice",
            Self::Withdrawn => "withdrawn",
            Self::NotAccepted => "not_accepted",
            Self::NoMedia => "no_media",
            Self::HearNothing => "hear_nothing",
            Self::NotHeard => "not_heard",
            Self::WrongAudio => "wrong_audio",
            Self::Cut { .. } => "cut",
            Self::AudioStops { .. } => "audio_stops",
            Self::SlowSetUp { .. } => "slow_set_up",
            Self::LateDelivery { .. } => "late_delivery",
            Self::OneWay => "one_way",
            Self::PoorAudio => "poor_audio",
            Self::Choppy => "choppy",
            Self::TooQuiet => "too_quiet",
            Self::Distorted => "distorted",
            Self::StartsLate => "starts_late",
            Self::LongDelay => "long_delay",
        }
    }

    /// What these failed calls look like to agents: the commonest.
    pub fn of_failed(failed: &[&CallSeen]) -> Self {
        let mut counts: std::collections::BTreeMap<Self, usize> = std::collections::BTreeMap::new();
        for seen in failed {
            *counts.entry(Self::of_one(seen)).or_default() += 1;
        }
        let commonest = counts.into_iter().max_by_key(|(_, count)| *count).map_or(Self::NotPlaced, |(what, _)| what);
        let like = |seen: &&&CallSeen| Self::of_one(seen) == commonest;
        let middle_of =
            |length: fn(&CallSeen) -> u32| middle(failed.iter().filter(like).map(|seen| length(seen)).collect());
        match commonest {
            Self::Cut { .. } => Self::Cut { after_ms: middle_of(CallSeen::talked_ms) },
            Self::AudioStops { .. } => {
                Self::AudioStops { after_ms: middle_of(|seen| seen.stopped_ms.unwrap_or_else(|| seen.talked_ms())) }
            }
            other => other,
        }
    }

    /// One failed call; lengths of time are left at zero.
    fn of_one(seen: &CallSeen) -> Self {
        let Some(symptom) = &seen.symptom else { return Self::NotPlaced };
        match symptom.reason {
            FailureReason::NoAudio | FailureReason::Silence => Self::HearNothing,
            FailureReason::NotHeard => Self::NotHeard,
            FailureReason::FarNeverRang => Self::NotDelivered,
            FailureReason::FarClient if symptom.step < Step::Ice => Self::NotDelivered,
            FailureReason::FarNotHeard => Self::HearNothing,
            FailureReason::WrongAudio => Self::WrongAudio,
            FailureReason::AudioDied => Self::AudioStops { after_ms: 0 },
            FailureReason::RestStatus(_) | FailureReason::RestMalformed => Self::NotTaken,
            FailureReason::NotDelivered => Self::NotDelivered,
            FailureReason::DeliveredElsewhere => Self::Elsewhere,
            FailureReason::StuckQueued => Self::Queued,
            FailureReason::DeliveredTwice => Self::RingsTwice,
            FailureReason::Cancelled => Self::Withdrawn,
            reason => Self::at_step(symptom.step, seen.wish.direction, reason),
        }
    }

    fn at_step(step: Step, direction: CallDirection, reason: FailureReason) -> Self {
        use CallDirection::{Inbound, Outbound};
        use FailureReason as R;
        match (step, direction, reason) {
            (Step::Media | Step::Hangup, _, _) => Self::Cut { after_ms: 0 },
            (Step::Ice | Step::Dtls, _, R::HungUp) | (Step::Answer, Outbound, R::BadDescription) => Self::EndsAtAnswer,
            (Step::Ice | Step::Dtls, _, _) => Self::NoMedia,
            (Step::Answer, Outbound, R::NoAnswer) => Self::NotAnswered,
            (Step::Answer, Outbound, _) => Self::EndsRinging,
            (Step::Answer, Inbound, _) => Self::NotAccepted,
            // What the device was told while it waited, not what the REST API was.
            (Step::Invite, Inbound, R::Rejected | R::HungUp | R::WentOffline | R::StreamEnded | R::Closed(_))
            | (Step::Ringing, Inbound, _) => Self::NotDelivered,
            (Step::Invite, Inbound, _) => Self::NotTaken,
            _ => Self::NotPlaced,
        }
    }

    /// What calls beyond a limit are to agents.
    pub fn of_limit(limit: CallLimit, beyond: &[&CallSeen]) -> Self {
        match limit {
            CallLimit::SetUp(_) => {
                Self::SlowSetUp { took_ms: middle(beyond.iter().filter_map(|seen| seen.set_up_ms).collect()) }
            }
            CallLimit::Delivery(_) => {
                Self::LateDelivery { took_ms: middle(beyond.iter().filter_map(|seen| seen.delivery_ms).collect()) }
            }
            CallLimit::OneWay => Self::OneWay,
            CallLimit::Mos(_) | CallLimit::Loss(_) | CallLimit::Degraded => Self::of_flaws(beyond),
        }
    }

    /// What most of these calls have: what people notice first before what only a number says.
    fn of_flaws(beyond: &[&CallSeen]) -> Self {
        let most =
            |flaw: Degradation| beyond.iter().filter(|seen| seen.flaws.contains(&flaw)).count() * 2 > beyond.len();
        let known = [
            (Degradation::Choppy, Self::Choppy),
            (Degradation::Quiet, Self::TooQuiet),
            (Degradation::Clipped, Self::Distorted),
            (Degradation::LongDelay, Self::LongDelay),
            (Degradation::LateAudio, Self::StartsLate),
        ];
        known.into_iter().find(|(flaw, _)| most(*flaw)).map_or(Self::PoorAudio, |(_, trouble)| trouble)
    }
}

/// The median; zero of nothing.
fn middle(mut lengths: Vec<u32>) -> u32 {
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}
