//! Failures that are nobody's fault: a background of single ones, short bursts, and the daily
//! swing of both. What a healthy pod is measured in.

use crate::model::Timestamp;

const DAY_MS: i64 = 86_400_000;

/// Failures that are nobody's fault.
#[derive(Clone, PartialEq, Debug)]
pub struct Weather {
    /// Share of attempts that fail, on the average of a day.
    background: f64,
    /// How far the background swings up and down over a day, as a share of itself.
    swing: f64,
    /// Bursts: how often, how long, what share fails.
    bursts: Vec<Burst>,
    /// Where this pod's bursts lie; no two pods have them at the same time.
    phase: u64,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Burst {
    every_ms: i64,
    lasts_ms: i64,
    share: f64,
}

impl Weather {
    /// Nothing ever fails.
    pub const fn calm() -> Self {
        Self { background: 0.0, swing: 0.0, bursts: Vec::new(), phase: 0 }
    }

    /// Single failures only, all alike at every hour.
    pub fn background(share: f64) -> Self {
        Self { background: share, ..Self::calm() }
    }

    /// Single failures that swing by half over the day, a total blip of 5 s a day and one of 20 s a
    /// week in which 30 % fail: the weather of the published tables.
    pub fn usual(share: f64, phase: u64) -> Self {
        let daily = Burst { every_ms: DAY_MS, lasts_ms: 5_000, share: 1.0 };
        let weekly = Burst { every_ms: 7 * DAY_MS, lasts_ms: 20_000, share: 0.3 };
        Self { background: share, swing: 0.5, bursts: vec![daily, weekly], phase }
    }

    /// True if an attempt at this moment fails.
    pub fn fails(&self, at: Timestamp, rng: &mut fastrand::Rng) -> bool {
        if self.background == 0.0 && self.bursts.is_empty() {
            return false;
        }
        let ms = at.as_millis();
        for (place, burst) in self.bursts.iter().enumerate() {
            if burst.covers(ms, self.phase, place as u64) && rng.f64() < burst.share {
                return true;
            }
        }
        let of_day = ms.rem_euclid(DAY_MS) as f64 / DAY_MS as f64;
        let swing = 1.0 + self.swing * (of_day * std::f64::consts::TAU).sin();
        rng.f64() < self.background * swing
    }
}

impl Burst {
    /// Each stretch of `every_ms` has one burst, at a place of its own.
    fn covers(&self, ms: i64, phase: u64, place: u64) -> bool {
        let (stretch, within) = (ms.div_euclid(self.every_ms), ms.rem_euclid(self.every_ms));
        let hash = crate::model::StableHasher::new("burst").number(phase).number(place).number(stretch.cast_unsigned());
        let room = u64::try_from(self.every_ms - self.lasts_ms).unwrap_or(1);
        let start = i64::try_from(hash.finish() % room).unwrap_or(0);
        (start..start + self.lasts_ms).contains(&within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_weather_has_what_it_promises() {
        let weather = Weather::usual(0.01, 9);
        let mut rng = fastrand::Rng::with_seed(3);
        let (mut failed, mut longest, mut run) = (0u32, 0, 0);
        let days = 30;
        let step = 2_000;
        for n in 0..days * DAY_MS / step {
            let fails = weather.fails(Timestamp::from_millis(n * step), &mut rng);
            failed += u32::from(fails);
            run = if fails { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        let share = f64::from(failed) / (days * DAY_MS / step) as f64;
        assert!((share - 0.01).abs() < 0.0005, "{share}");
        assert!((2..=4).contains(&longest), "a burst of 5 s holds two or three attempts: {longest}");
    }
}
