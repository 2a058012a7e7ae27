//! How the test calls of a probe go, and what each of them is billed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{CallDirection, CallWish, Codec, Digits, MediaPath};

/// How the test calls of a probe go.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSettings {
    /// Which way.
    pub direction: CallDirection,
    /// How long audio is usually listened to.
    pub hold: Duration,
    /// Longer holds and their shares of the calls, longest first: some faults cut calls at an age.
    pub long_holds: Vec<LongHold>,
    /// Inbound: how long it rings before it is answered, in turn; never empty.
    pub ring_times: Vec<Duration>,
    /// How speech is coded, in turn; never empty.
    pub codecs: Vec<Codec>,
    /// Which path media must take.
    pub path: MediaPath,
    /// Outbound: digits that are pressed, and that the far end plays back.
    pub digits: Option<Digits>,
    /// Outbound: who answers.
    pub far_end: FarEnd,
    /// Inbound: what is called.
    pub to: CallTarget,
}

/// A hold that is longer than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongHold {
    /// How long.
    pub hold: Duration,
    /// In how many of a thousand calls.
    pub permille: u16,
}

/// Who answers an outbound test call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FarEnd {
    /// The pod's test application, by itself.
    #[default]
    Application,
    /// Another client of ours, which the test application rings.
    Client,
}

/// What is called to make one of our clients ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallTarget {
    /// The client itself.
    #[default]
    Client,
    /// The pod's phone number, so that carrier, number and webhook are in the path.
    Number,
}

impl FarEnd {
    /// Calls of this sort, in words.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Application => "calls to the test application",
            Self::Client => "calls to another client",
        }
    }
}

impl CallTarget {
    /// Calls of this sort, in words.
    pub const fn described(self) -> &'static str {
        match self {
            Self::Client => "calls to the client itself",
            Self::Number => "calls over the phone number",
        }
    }
}

impl CallSettings {
    /// Listening takes this long unless it is set.
    pub const HOLD: Duration = Duration::from_secs(5);
    /// What an application has to begin with playing digits back, and our tone to be known after it.
    pub const PLAY_BACK: Duration = Duration::from_secs(4);
    /// What a call lasts beside its hold, as it is billed: finding a path, agreeing on keys, hanging up.
    pub const AROUND_HOLD: Duration = Duration::from_secs(3);

    /// How the call number `made` of a probe shall go. Long holds come in their exact shares of a
    /// thousand calls, spread evenly; ring times and codecs in turn, each with each.
    pub fn wish(&self, made: u64) -> CallWish {
        let rings = self.ring_times.len().max(1) as u64;
        let codecs = self.codecs.len().max(1) as u64;
        let ring = self.ring_times.get((made % rings) as usize).copied().unwrap_or_default();
        let codec = self.codecs.get((made / rings % codecs) as usize).copied().unwrap_or(Codec::Pcmu);
        let (direction, path) = (self.direction, self.path);
        CallWish { direction, hold_ms: in_ms(self.hold_of(made)), ring_ms: in_ms(ring), codec, path }
    }

    fn hold_of(&self, made: u64) -> Duration {
        // A step of the golden section visits every place of a thousand once, and no two near each
        // other soon; it begins in the middle, so that the first calls are short.
        let place = (made % 1000 * 617 + 500) % 1000;
        let mut end = 0;
        for long in &self.long_holds {
            end += u64::from(long.permille);
            if place < end {
                return long.hold;
            }
        }
        self.hold
    }

    /// Legs of a call that the partner bills apart. Over a number there are three: ours to the number, the
    /// number's, and the number's to the client.
    pub const fn legs(&self) -> u32 {
        match (self.direction, self.far_end, self.to) {
            (CallDirection::Inbound, _, CallTarget::Number) => 3,
            (CallDirection::Outbound, FarEnd::Client, _) => 2,
            (CallDirection::Outbound, FarEnd::Application, _) | (CallDirection::Inbound, _, CallTarget::Client) => 1,
        }
    }

    /// Minutes that a call with this hold is billed: every leg is rounded up to a whole minute.
    pub fn billed_minutes(&self, hold: Duration) -> u32 {
        self.legs() * whole_minutes(hold + Self::AROUND_HOLD)
    }

    /// The longest hold.
    pub fn longest_hold(&self) -> Duration {
        self.long_holds.iter().map(|long| long.hold).max().unwrap_or_default().max(self.hold)
    }

    /// The longest ring.
    pub fn longest_ring(&self) -> Duration {
        self.ring_times.iter().copied().max().unwrap_or_default()
    }

    /// Minutes that a thousand calls are billed.
    pub fn minutes_of_a_thousand(&self) -> u32 {
        let long: u32 = self.long_holds.iter().map(|long| u32::from(long.permille)).sum();
        let of_long = |one: &LongHold| u32::from(one.permille) * self.billed_minutes(one.hold);
        self.long_holds.iter().map(of_long).sum::<u32>()
            + 1000_u32.saturating_sub(long) * self.billed_minutes(self.hold)
    }
}

/// Whole minutes, rounded up; one at least.
pub fn whole_minutes(length: Duration) -> u32 {
    u32::try_from(length.as_millis().div_ceil(60_000)).unwrap_or(u32::MAX).max(1)
}

fn in_ms(length: Duration) -> u32 {
    u32::try_from(length.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> CallSettings {
        let long = |seconds, permille| LongHold { hold: Duration::from_secs(seconds), permille };
        CallSettings {
            direction: CallDirection::Inbound,
            hold: CallSettings::HOLD,
            long_holds: vec![long(300, 5), long(65, 30), long(35, 50)],
            ring_times: [0, 4, 20].map(Duration::from_secs).to_vec(),
            codecs: vec![Codec::Pcmu, Codec::Opus],
            path: MediaPath::Any,
            digits: None,
            far_end: FarEnd::Application,
            to: CallTarget::Client,
        }
    }

    #[test]
    fn a_thousand_calls_have_the_shares_that_were_asked_for() {
        let settings = settings();
        let holds: Vec<u32> = (0..1000).map(|made| settings.wish(made).hold_ms).collect();
        let count = |ms: u32| holds.iter().filter(|hold| **hold == ms).count();
        assert_eq!([count(300_000), count(65_000), count(35_000), count(5_000)], [5, 30, 50, 915]);
        assert_eq!(holds[0], 5_000, "the first call is a short one");
        let long: Vec<usize> = (0..1000).filter(|place| holds[*place] > 5_000).collect();
        assert!(long.windows(2).all(|two| two[1] - two[0] < 24), "they are spread: {long:?}");
        let pairs: std::collections::BTreeSet<(u32, Codec)> =
            (0..6).map(|made| settings.wish(made)).map(|wish| (wish.ring_ms, wish.codec)).collect();
        assert_eq!(pairs.len(), 6, "every ring time with every codec");
    }

    #[test]
    fn legs_are_rounded_up_to_whole_minutes() {
        let mut settings = settings();
        let billed = |settings: &CallSettings, seconds| settings.billed_minutes(Duration::from_secs(seconds));
        assert_eq!([5, 35, 57, 58, 65, 300].map(|seconds| billed(&settings, seconds)), [1, 1, 1, 2, 2, 6]);
        assert_eq!(settings.minutes_of_a_thousand(), 5 * 6 + 30 * 2 + 50 + 915);
        settings.to = CallTarget::Number;
        assert_eq!([5, 65].map(|seconds| billed(&settings, seconds)), [3, 6]);
    }
}
