//! Moments and lengths of time. The product reads a clock in one place only (`io/clock.rs`);
//! everywhere else time is an argument of this type.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A moment in UTC, in whole milliseconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest moment: before anything that can happen.
    pub const MIN: Self = Self(i64::MIN / 4);
    /// The latest moment: "never" as a deadline.
    pub const MAX: Self = Self(i64::MAX / 4);

    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down: the unit of `exp`, `nbf` and `iat`.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment moved forward, saturating at [`Timestamp::MAX`].
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)).min(Self::MAX.0))
    }

    /// This moment moved back, saturating at [`Timestamp::MIN`].
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(millis(by)).max(Self::MIN.0))
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 in UTC with milliseconds and `Z`.
    pub fn to_rfc3339(self) -> String {
        self.to_chrono().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// Reads RFC 3339 with any offset; finer than a millisecond is cut off.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let moment = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(moment.timestamp_millis()))
    }

    /// The time of day, `22:57:51`, in UTC.
    pub fn clock(self) -> String {
        self.to_chrono().format("%H:%M:%S").to_string()
    }

    /// The day, `2024-09-10`, in UTC.
    pub fn date(self) -> String {
        self.to_chrono().format("%Y-%m-%d").to_string()
    }

    /// Date and time of day, `2024-09-10 22:57:51`, in UTC.
    pub fn date_and_clock(self) -> String {
        self.to_chrono().format("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// The same moment for the calendar library; the epoch if it is out of the calendar's range.
    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// From the calendar library.
    pub fn from_chrono(moment: DateTime<Utc>) -> Self {
        Self(moment.timestamp_millis())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Whole milliseconds of a duration, saturating.
pub fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// A length of time for people: `0.3 s`, `47 s`, `8 min 20 s`, `5 h 12 min`, `6 d 2 h`.
pub fn humane(length: Duration) -> String {
    let secs = length.as_secs();
    match secs {
        0..=9 if length.subsec_millis() == 0 => format!("{secs} s"),
        0..=9 => format!("{:.1} s", length.as_secs_f64()),
        10..=119 => format!("{secs} s"),
        120..=7199 if secs.is_multiple_of(60) => format!("{} min", secs / 60),
        120..=7199 => format!("{} min {} s", secs / 60, secs % 60),
        7200..=172_799 if (secs / 60).is_multiple_of(60) => format!("{} h", secs / 3600),
        7200..=172_799 => format!("{} h {} min", secs / 3600, secs / 60 % 60),
        _ if (secs / 3600).is_multiple_of(24) => format!("{} d", secs / 86_400),
        _ => format!("{} d {} h", secs / 86_400, secs / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_and_prints_rfc_3339() {
        let at = Timestamp::parse_rfc3339("2024-09-10T22:57:00Z").expect("valid");
        assert_eq!(at.as_millis(), 1_726_009_020_000);
        assert_eq!(at.to_rfc3339(), "2024-09-10T22:57:00.000Z");
        assert_eq!(at.clock(), "22:57:00");
        assert_eq!(Timestamp::parse_rfc3339("2024-09-11T00:57:00+02:00"), Some(at));
        assert_eq!(Timestamp::parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn time_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.minus(Duration::MAX), Timestamp::MIN);
        assert_eq!(Timestamp::from_millis(5).since(Timestamp::from_millis(9)), Duration::ZERO);
    }

    #[test]
    fn lengths_read_like_a_person_says_them() {
        let said: Vec<String> = [300, 47_000, 500_000, 7_260_000, 18_720_000, 525_600_000]
            .map(|ms| humane(Duration::from_millis(ms)))
            .into();
        assert_eq!(said, ["0.3 s", "47 s", "8 min 20 s", "2 h 1 min", "5 h 12 min", "6 d 2 h"]);
    }
}
