//! When a probe's rounds fall due: the `cron` crate in UTC, behind a parser of our own.
//!
//! The crate counts weekdays from Sunday = 1, where every other cron counts 0 or 7; so weekdays
//! are written by name here and numbers are refused. Seconds come first. Time zones are not
//! offered: across a clock change the crate repeats, drops or reorders slots.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::model::{Timestamp, millis};

/// When a probe's rounds fall due, in UTC.
#[derive(Clone)]
pub struct Schedule {
    text: String,
    cron: cron::Schedule,
}

/// Why a schedule was refused, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not six fields.
    #[error("a schedule has six fields, seconds first: \"0 * * * * *\" is every minute; this has {0}")]
    Fields(usize),
    /// A weekday as a number.
    #[error("write weekdays by name (MON-FRI): numbers mean different days in different crons")]
    WeekdayNumber,
    /// A field makes no sense.
    #[error("{0}")]
    Syntax(String),
    /// No moment ever matches.
    #[error("no moment in the next four years matches")]
    Never,
}

impl Schedule {
    /// Reads six fields: second, minute, hour, day of month, month, weekday by name.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        if fields.len() != 6 {
            return Err(ScheduleError::Fields(fields.len()));
        }
        if fields[5].bytes().any(|b| b.is_ascii_digit()) {
            return Err(ScheduleError::WeekdayNumber);
        }
        let cron =
            cron::Schedule::from_str(&fields.join(" ")).map_err(|error| ScheduleError::Syntax(error.to_string()))?;
        let schedule = Self { text: fields.join(" "), cron };
        // A fixed moment: whether a schedule is possible must not depend on when it is read.
        schedule.next_after(Timestamp::from_millis(1_767_225_600_000)).ok_or(ScheduleError::Never)?;
        Ok(schedule)
    }

    /// The first slot after `at`, if there is one within four years.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let next = Timestamp::from_chrono(self.cron.after(&at.to_chrono()).next()?);
        (next.since(at) < Duration::from_hours(4 * 366 * 24)).then_some(next)
    }

    /// The time from the slot at `slot` to the one after it; a day if there is none.
    pub fn round_length(&self, slot: Timestamp) -> Duration {
        self.next_after(slot).map_or(Duration::from_hours(24), |next| next.since(slot))
    }

    /// The shortest time between two slots among the next 64 after a fixed moment.
    pub fn shortest_round(&self) -> Duration {
        let mut at = Timestamp::from_millis(1_767_225_600_000);
        let mut shortest = Duration::from_hours(24);
        for _ in 0..64 {
            let Some(next) = self.next_after(at) else { break };
            let Some(after) = self.next_after(next) else { break };
            shortest = shortest.min(after.since(next));
            at = next;
        }
        debug_assert!(millis(shortest) > 0);
        shortest
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cron {}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_fall_due_in_utc() {
        let minute = Schedule::parse("0 * * * * *").expect("valid");
        let at = Timestamp::parse_rfc3339("2026-03-29T00:59:30Z").expect("valid");
        assert_eq!(minute.next_after(at).map(|t| t.to_rfc3339()).as_deref(), Some("2026-03-29T01:00:00.000Z"));
        assert_eq!(minute.round_length(at), Duration::from_secs(30));
        assert_eq!(minute.shortest_round(), Duration::from_mins(1));
    }

    #[test]
    fn what_would_surprise_is_refused() {
        assert_eq!(Schedule::parse("* * * * *"), Err(ScheduleError::Fields(5)));
        assert_eq!(Schedule::parse("0 0 9 * * 1"), Err(ScheduleError::WeekdayNumber));
        assert_eq!(Schedule::parse("0 0 0 31 2 *"), Err(ScheduleError::Never));
        assert!(matches!(Schedule::parse("0 61 * * * *"), Err(ScheduleError::Syntax(_))));
        assert!(Schedule::parse("0 0 9 * * MON-FRI").is_ok());
    }
}
