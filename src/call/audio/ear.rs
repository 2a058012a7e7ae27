//! Listening to one direction of a call: frame by frame as they are played out, to a
//! [`Hearing`] at the end.
//!
//! Four questions are asked of every frame. Is it audible? Is it a tone of our alphabet
//! (`sound`)? Do the tones so far make a codeword (`spotter`)? Is
//! the tone still there (`continuity`)?

use std::time::Duration;

use super::continuity::Continuity;
use super::frame::{FRAME, Frame};
use super::hearing::{Delay, Heard, Hearing};
use super::quality::Quality;
use super::sound::Listener;
use super::spotter::{Spotted, Spotter};
use super::tone::{CYCLE_FRAMES, CYCLE_NUMBERS, ToneId};
use super::units::{Millis, Permille};

/// How long it must have been quiet at the end for a tone to have died.
pub const DEAD_AFTER: Duration = Duration::from_secs(1);

/// Most foreign ids that are told apart.
pub const FOREIGN_IDS_MAX: usize = 8;

/// How much must have been audible for the call not to have been silent.
const SOUND_MIN: Duration = Duration::from_millis(100);

/// How often a foreign id must be recognised before it counts. Ours is one of 65,536; any id would
/// do for a foreign one.
const FOREIGN_SIGHTINGS: u32 = 2;

/// How much earlier than it was sent a cycle may seem to be heard, in microseconds: what is
/// measured is good to a millisecond, and neither side's moments are exact. Such a delay is none.
const EARLY_US: i128 = 100_000;

/// Most cycles whose delay is kept for the median: 13 minutes.
const DELAYS_MAX: usize = 1000;

/// Ids that were recognised once and are remembered in case they come again.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    id: ToneId,
    times: u32,
}

/// An ear at one end of a call. Give it every frame that is played out, in order, then ask.
#[derive(Clone, Debug)]
pub struct Ear {
    id: ToneId,
    source_began: Option<Duration>,
    listener: Listener,
    spotter: Spotter,
    continuity: Continuity,
    quality: Quality,
    frames: u64,
    concealed: u32,
    audible_frames: u64,
    first_audible: Option<Duration>,
    recognised: Option<Duration>,
    ours: u32,
    foreign: Vec<Sighting>,
    delays_ms: Vec<u32>,
    delay_first_last: Option<(i64, i64)>,
    began: Option<Duration>,
    end: Duration,
}

impl Ear {
    /// An ear that waits for this id.
    pub fn new(id: ToneId) -> Self {
        Self {
            id,
            source_began: None,
            listener: Listener::new(),
            spotter: Spotter::default(),
            continuity: Continuity::default(),
            quality: Quality::default(),
            frames: 0,
            concealed: 0,
            audible_frames: 0,
            first_audible: None,
            recognised: None,
            ours: 0,
            foreign: Vec::new(),
            delays_ms: Vec::new(),
            delay_first_last: None,
            began: None,
            end: Duration::ZERO,
        }
    }

    /// The moment at which frame 0 of our source was given to the sender, on the same clock as
    /// the frames that are heard. Without it there is no mouth-to-ear delay.
    pub fn source_began(&mut self, at: Duration) {
        self.source_began = Some(at);
    }

    /// A frame is played out at this moment; nothing, if nothing was received that could be.
    pub fn hear(&mut self, frame: Option<&Frame>, at: Duration) {
        let sound = self.listener.listen(frame);
        self.frames += 1;
        self.concealed += u32::from(frame.is_none());
        self.began.get_or_insert(at);
        self.end = self.end.max(at.saturating_add(FRAME));
        if sound.audible() {
            self.audible_frames += 1;
            self.first_audible.get_or_insert(at);
        }
        self.quality.hear(&sound);
        self.continuity.hear(sound.is_tone(), at);
        if let Some(spotted) = self.spotter.hear(&sound, at) {
            self.spot(spotted, at.saturating_add(FRAME));
        }
    }

    /// True once our id was recognised.
    pub fn has_recognised(&self) -> bool {
        self.recognised.is_some()
    }

    /// What was heard until now.
    pub fn hearing(&self) -> Hearing {
        let listened = self.end.saturating_sub(self.began.unwrap_or(self.end));
        let tone = self.recognised.and_then(|_| self.continuity.told());
        let delay = self.delay();
        let late_start = tone.zip(delay).zip(self.source_began).map(|((tone, delay), source_began)| {
            tone.began.saturating_sub(source_began.saturating_add(delay.median.duration()))
        });
        Hearing {
            heard: self.heard(),
            first_audible: self.first_audible.map(Millis::of),
            tone_began: tone.map(|tone| Millis::of(tone.began)),
            recognised: self.recognised.map(Millis::of),
            died: tone
                .filter(|tone| self.end.saturating_sub(tone.ended) >= DEAD_AFTER)
                .map(|tone| Millis::of(tone.ended)),
            late_start: late_start.map(Millis::of),
            ours: self.ours,
            foreign_ids: self.foreign_ids(),
            delay,
            level: if tone.is_some() { self.quality.tone_level() } else { self.quality.audible_level() },
            background: self.quality.background(),
            snr: tone.and_then(|_| self.quality.snr()),
            frequency_error: tone.and_then(|_| self.quality.frequency_error()),
            gaps: tone.map_or(0, |tone| tone.gaps),
            gap_total: tone.map_or(Millis(0), |tone| Millis::of(tone.gap_total)),
            gap_longest: tone.map_or(Millis(0), |tone| Millis::of(tone.gap_longest)),
            missing: tone.map_or(Permille(0), |tone| Permille::of(tone.missing_frames, tone.frames)),
            tone_length: tone.map_or(Millis(0), |tone| Millis::of(tone.ended.saturating_sub(tone.began))),
            clipped: self.quality.clipped(),
            audible: frames_long(self.audible_frames),
            listened: Millis::of(listened),
            concealed: self.concealed,
        }
    }

    fn heard(&self) -> Heard {
        if self.recognised.is_some() {
            Heard::OurTone
        } else if self.foreign_ids() > 0 {
            Heard::ForeignTone
        } else if frames_long(self.audible_frames).duration() >= SOUND_MIN {
            Heard::OtherSound
        } else {
            Heard::Silence
        }
    }

    fn foreign_ids(&self) -> u32 {
        self.foreign.iter().filter(|sighting| sighting.times >= FOREIGN_SIGHTINGS).count() as u32
    }

    fn spot(&mut self, spotted: Spotted, now: Duration) {
        if spotted.message.id != self.id {
            self.spot_foreign(spotted.message.id);
            return;
        }
        self.ours = self.ours.saturating_add(1);
        self.recognised.get_or_insert(now);
        self.continuity.recognised();
        if let Some(delay) = self.delay_of(spotted) {
            self.note_delay(delay);
        }
    }

    fn spot_foreign(&mut self, id: ToneId) {
        if let Some(sighting) = self.foreign.iter_mut().find(|sighting| sighting.id == id) {
            sighting.times = sighting.times.saturating_add(1);
            return;
        }
        if self.foreign.len() == FOREIGN_IDS_MAX {
            // Rather forget what came once than what came often.
            let Some(once) = self.foreign.iter().position(|sighting| sighting.times < FOREIGN_SIGHTINGS) else {
                return;
            };
            self.foreign.remove(once);
        }
        self.foreign.push(Sighting { id, times: 1 });
    }

    /// How long after it was sent the cycle was heard. Its number says when it was sent, up to
    /// whole rounds of 200 s; the latest such moment that is not after it was heard is meant.
    fn delay_of(&self, spotted: Spotted) -> Option<Duration> {
        let micros = |length: Duration| i128::try_from(length.as_micros()).unwrap_or(i128::MAX / 4);
        let cycle = micros(FRAME) * i128::from(CYCLE_FRAMES);
        let sent = micros(self.source_began?) + cycle * i128::from(spotted.message.number);
        let round = cycle * i128::from(CYCLE_NUMBERS);
        let delay = (micros(spotted.began) - sent + EARLY_US).rem_euclid(round) - EARLY_US;
        Some(Duration::from_micros(u64::try_from(delay).unwrap_or(0)))
    }

    fn note_delay(&mut self, delay: Duration) {
        let micros = delay.as_micros() as i64;
        let first = self.delay_first_last.map_or(micros, |(first, _)| first);
        self.delay_first_last = Some((first, micros));
        if self.delays_ms.len() < DELAYS_MAX {
            self.delays_ms.push(Millis::of(delay).0);
        }
    }

    fn delay(&self) -> Option<Delay> {
        let mut sorted = self.delays_ms.clone();
        sorted.sort_unstable();
        let (first, last) = self.delay_first_last?;
        Some(Delay {
            min: Millis(*sorted.first()?),
            median: Millis(*sorted.get(sorted.len() / 2)?),
            max: Millis(*sorted.last()?),
            drift_ms: ((last - first) / 1000) as i32,
        })
    }
}

/// The length of this many frames.
fn frames_long(frames: u64) -> Millis {
    Millis::of(FRAME.saturating_mul(u32::try_from(frames).unwrap_or(u32::MAX)))
}
