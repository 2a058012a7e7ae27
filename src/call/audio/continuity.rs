//! Whether the tone goes on: its beginning, its gaps, its end.

use std::time::Duration;

use super::frame::FRAME;

/// A tone that is missing this long has a gap: an agent hears it.
const GAP_MIN: Duration = Duration::from_millis(40);

/// As long as nobody has recognised it, a tone that was missing this long has not begun yet:
/// what sounded like it was something else.
const FALSE_START: Duration = Duration::from_secs(1);

/// What there is to tell of a tone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Told {
    /// When it was first heard.
    pub(super) began: Duration,
    /// When it had been heard last.
    pub(super) ended: Duration,
    /// Frames between the two.
    pub(super) frames: u64,
    /// Of these, frames without the tone.
    pub(super) missing_frames: u64,
    /// Gaps between the two.
    pub(super) gaps: u32,
    /// Their whole length.
    pub(super) gap_total: Duration,
    /// The longest.
    pub(super) gap_longest: Duration,
}

/// Whether the tone goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Continuity {
    told: Option<Told>,
    /// Frames without the tone since it was heard last.
    missing: u32,
    recognised: bool,
}

impl Continuity {
    /// A frame with or without the tone.
    pub(super) fn hear(&mut self, tone: bool, at: Duration) {
        let missing = FRAME.saturating_mul(self.missing);
        let begun = self.told.filter(|_| self.recognised || missing < FALSE_START);
        match (begun, tone) {
            (_, false) => self.missing = self.missing.saturating_add(1),
            (None, true) => {
                self.told = Some(Told {
                    began: at,
                    ended: at.saturating_add(FRAME),
                    frames: 1,
                    missing_frames: 0,
                    gaps: 0,
                    gap_total: Duration::ZERO,
                    gap_longest: Duration::ZERO,
                });
                self.missing = 0;
            }
            (Some(mut told), true) => {
                told.ended = at.saturating_add(FRAME);
                told.frames += u64::from(self.missing) + 1;
                told.missing_frames += u64::from(self.missing);
                if missing >= GAP_MIN {
                    told.gaps = told.gaps.saturating_add(1);
                    told.gap_total = told.gap_total.saturating_add(missing);
                    told.gap_longest = told.gap_longest.max(missing);
                }
                self.told = Some(told);
                self.missing = 0;
            }
        }
    }

    /// The tone was recognised as ours: what has begun has begun.
    pub(super) fn recognised(&mut self) {
        self.recognised = true;
    }

    /// What there is to tell.
    pub(super) fn told(&self) -> Option<Told> {
        self.told
    }
}
