//! When the newest looks were made: looks are counted, people want hours and minutes.

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// Looks whose moments are kept: more than the cover leaves anything waiting, with sixteen keys.
const KEPT: u32 = 1_024;

/// The moments of the newest looks, in whole seconds, by the number of the look.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Moments(Vec<u32>);

impl Moments {
    /// The look with this number, one more than the one before, was made.
    pub(super) fn note(&mut self, look: u32, at: Timestamp) {
        let place = place_of(look);
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        self.0[place] = u32::try_from(at.as_secs()).unwrap_or(0);
    }

    /// When it was made; of one that is too old to be known, the moment of the oldest one known:
    /// it was made no later. `newest` is the number of the newest look.
    pub(super) fn of(&self, look: u32, newest: u32) -> Option<Timestamp> {
        let oldest = newest.saturating_sub(KEPT - 1);
        let known = self.0.get(place_of(look.max(oldest))).copied().filter(|secs| *secs > 0)?;
        Some(Timestamp::from_millis(i64::from(known) * 1_000))
    }
}

fn place_of(look: u32) -> usize {
    usize::try_from(look % KEPT).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_known_and_older_ones_are_at_least_as_old() {
        let at = |secs: u32| Timestamp::from_millis(i64::from(secs) * 1_000);
        let mut moments = Moments::default();
        assert_eq!(moments.of(1, 1), None, "kept since later");
        for look in 1..=3 * KEPT {
            moments.note(look, at(100 + look));
        }
        let newest = 3 * KEPT;
        assert_eq!(moments.of(newest, newest), Some(at(100 + newest)));
        assert_eq!(moments.of(newest - KEPT + 1, newest), Some(at(101 + newest - KEPT)));
        assert_eq!(moments.of(5, newest), moments.of(newest - KEPT + 1, newest));
    }
}
