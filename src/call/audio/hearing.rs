//! What was heard in one direction of a call.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::units::{CentiDb, MilliHz, Millis, Permille};

/// What kind of sound it was. The first that is true of the whole call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// Our tone, with the id of this call and direction.
    OurTone,
    /// A tone of our kind with another id, and never ours: another call's audio, or an old one's.
    ForeignTone,
    /// Something that an agent would hear, but no tone of our kind.
    OtherSound,
    /// Nothing that an agent would hear.
    Silence,
}

/// Mouth-to-ear delay, from the moment at which a frame was given to the sender until it was
/// played out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delay {
    /// The least of any cycle.
    pub min: Millis,
    /// The median over the cycles that were recognised.
    pub median: Millis,
    /// The most of any cycle.
    pub max: Millis,
    /// How much later than the first the last cycle was, in ms; negative if the delay shrank. A
    /// clock that is off by 100 ppm adds 6 ms a minute.
    pub drift_ms: i32,
}

/// What was heard in one direction of a call. Moments count from the beginning of the call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hearing {
    /// What kind of sound it was.
    pub heard: Heard,
    /// When anything audible was heard first.
    pub first_audible: Option<Millis>,
    /// When the tone began that was later recognised as ours.
    pub tone_began: Option<Millis>,
    /// When our id was first recognised.
    pub recognised: Option<Millis>,
    /// When the tone was heard last, if it never came back and at least
    /// [`DEAD_AFTER`](super::DEAD_AFTER) followed.
    pub died: Option<Millis>,
    /// How much of our tone's beginning was never heard: from the moment at which it should have
    /// arrived (sent, and the median delay later) until it was heard.
    pub late_start: Option<Millis>,
    /// How often our id was recognised; about every 780 ms in a sound call.
    pub ours: u32,
    /// How many foreign ids were recognised, at most [`FOREIGN_IDS_MAX`](super::FOREIGN_IDS_MAX).
    pub foreign_ids: u32,
    /// Mouth-to-ear delay, where our source's beginning is known.
    pub delay: Option<Delay>,
    /// Level of the tone in dBov; of everything audible where no tone of ours was heard.
    pub level: Option<CentiDb>,
    /// Level of what was heard before, between and after the tone, in dBov.
    pub background: Option<CentiDb>,
    /// Tone against everything else that sounded at the same time: noise, distortion, echo.
    pub snr: Option<CentiDb>,
    /// By how much the tone is off its frequency.
    pub frequency_error: Option<MilliHz>,
    /// Pauses of 40 ms or more between the tone's beginning and its last sound.
    pub gaps: u32,
    /// Their whole length.
    pub gap_total: Millis,
    /// The longest of them.
    pub gap_longest: Millis,
    /// Share of the time between the tone's beginning and its last sound in which it was missing,
    /// single frames included: choppiness.
    pub missing: Permille,
    /// From the tone's beginning to its last sound.
    pub tone_length: Millis,
    /// Share of samples at full scale, of those in audible frames.
    pub clipped: Permille,
    /// How long anything audible was heard.
    pub audible: Millis,
    /// How long was listened.
    pub listened: Millis,
    /// Frames that were played out without having been received.
    pub concealed: u32,
}

impl Hearing {
    /// Gaps per minute of tone; nothing where there was no tone.
    pub fn gaps_per_minute(&self) -> Option<f64> {
        let minutes = self.tone_length.duration().as_secs_f64() / 60.0;
        (minutes > 0.0).then(|| f64::from(self.gaps) / minutes)
    }

    /// True if our tone was heard at any time.
    pub fn is_ours(&self) -> bool {
        self.heard == Heard::OurTone
    }

    /// How long the direction was without our tone at its end, if it died.
    pub fn dead_for(&self) -> Option<Duration> {
        self.died.map(|died| self.listened.duration().saturating_sub(died.duration()))
    }
}
