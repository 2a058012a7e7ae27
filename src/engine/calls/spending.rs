//! What a pod's test calls have been billed: in this hour and this day of the clock, in UTC.

use serde::{Deserialize, Serialize};

use crate::model::{Role, Timestamp};
use crate::plan::PodCalls;

use super::CallRules;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What a pod's test calls have been billed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Spending {
    hour: i64,
    minutes_of_hour: u32,
    calls_of_hour: u32,
    day: i64,
    minutes_of_day: u32,
    calls_of_day: u32,
    /// What of it the schedule did not make.
    #[serde(default)]
    beside: Beside,
}

/// What calls beside the schedule have been billed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
struct Beside {
    minutes_of_hour: u32,
    calls_of_hour: u32,
    minutes_of_day: u32,
}

impl Spending {
    /// True if a call of this price may be made: scheduled ones leave some for those that follow a
    /// failed one, and those take nothing from the schedule until a cap is reached.
    pub fn allows(&self, now: Timestamp, price: u32, rules: &CallRules, role: Role) -> bool {
        let now = self.at(now);
        let beside = now.beside;
        let fits = |used: u32, of_them: u32, more: u32, cap: u32| {
            let scheduled = u64::from(used.saturating_sub(of_them) + more) * 100;
            let leaves_some = scheduled <= u64::from(cap) * u64::from(PodCalls::FOR_SCHEDULED);
            used + more <= cap && (role != Role::Scheduled || leaves_some)
        };
        fits(now.minutes_of_hour, beside.minutes_of_hour, price, rules.minutes_per_hour)
            && fits(now.minutes_of_day, beside.minutes_of_day, price, rules.minutes_per_day)
            && fits(now.calls_of_hour, beside.calls_of_hour, 1, rules.calls_per_hour)
    }

    /// A call was asked for.
    pub(super) fn spend(&mut self, at: Timestamp, price: u32, role: Role) {
        *self = self.at(at);
        if role != Role::Scheduled {
            self.beside.minutes_of_hour += price;
            self.beside.minutes_of_day += price;
            self.beside.calls_of_hour += 1;
        }
        self.minutes_of_hour += price;
        self.minutes_of_day += price;
        self.calls_of_hour += 1;
        self.calls_of_day += 1;
    }

    /// A call that began at `at` turned out to be cheaper by so many minutes.
    pub(super) fn give_back(&mut self, at: Timestamp, minutes: u32, role: Role) {
        let beside = if role == Role::Scheduled { 0 } else { minutes };
        if at.as_millis().div_euclid(HOUR_MS) == self.hour {
            self.minutes_of_hour = self.minutes_of_hour.saturating_sub(minutes);
            self.beside.minutes_of_hour = self.beside.minutes_of_hour.saturating_sub(beside);
        }
        if at.as_millis().div_euclid(DAY_MS) == self.day {
            self.minutes_of_day = self.minutes_of_day.saturating_sub(minutes);
            self.beside.minutes_of_day = self.beside.minutes_of_day.saturating_sub(beside);
        }
    }

    /// Minutes and calls of the hour under way, and of the day.
    pub fn used(&self, now: Timestamp) -> [(u32, u32); 2] {
        let now = self.at(now);
        [(now.minutes_of_hour, now.calls_of_hour), (now.minutes_of_day, now.calls_of_day)]
    }

    /// The same in the hour and day of a moment: what was spent in earlier ones is over.
    fn at(&self, now: Timestamp) -> Self {
        let (hour, day) = (now.as_millis().div_euclid(HOUR_MS), now.as_millis().div_euclid(DAY_MS));
        let mut same = *self;
        if hour > self.hour {
            let beside = Beside { minutes_of_hour: 0, calls_of_hour: 0, ..same.beside };
            same = Self { hour, minutes_of_hour: 0, calls_of_hour: 0, beside, ..same };
        }
        if day > self.day {
            let beside = Beside { minutes_of_day: 0, ..same.beside };
            same = Self { day, minutes_of_day: 0, calls_of_day: 0, beside, ..same };
        }
        same
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Share;

    /// Ten minutes an hour and fifteen a day.
    fn rules() -> CallRules {
        CallRules {
            probes: BTreeMap::new(),
            failures: BTreeMap::new(),
            usual: Share::ZERO,
            quality: Vec::new(),
            minutes_per_hour: 10,
            minutes_per_day: 15,
            calls_per_hour: 100,
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(20 * DAY_MS + ms)
    }

    #[test]
    fn scheduled_calls_leave_a_fifth_and_a_new_hour_is_a_new_budget() {
        let rules = rules();
        let mut spending = Spending::default();
        for _ in 0..4 {
            assert!(spending.allows(at(5), 2, &rules, Role::Scheduled));
            spending.spend(at(5), 2, Role::Scheduled);
        }
        assert!(!spending.allows(at(6), 1, &rules, Role::Scheduled), "eight of ten are for the schedule");
        assert!(spending.allows(at(6), 2, &rules, Role::Repeat));
        assert!(!spending.allows(at(6), 3, &rules, Role::Repeat));
        assert!(spending.allows(at(HOUR_MS), 4, &rules, Role::Scheduled), "a new hour");
        assert!(!spending.allows(at(HOUR_MS), 5, &rules, Role::Scheduled), "twelve of fifteen a day");
        spending.give_back(at(5), 2, Role::Scheduled);
        assert_eq!(spending.used(at(7)), [(6, 4), (6, 4)]);
        assert_eq!(spending.used(at(DAY_MS)), [(0, 0), (0, 0)]);
    }

    #[test]
    fn what_follows_a_failed_call_takes_nothing_from_the_schedule() {
        let rules = rules();
        let mut spending = Spending::default();
        spending.spend(at(5), 6, Role::Scheduled);
        spending.spend(at(5), 2, Role::Recovery);
        assert!(spending.allows(at(6), 2, &rules, Role::Scheduled), "eight of ten, without what followed");
        spending.spend(at(6), 1, Role::Recovery);
        assert!(!spending.allows(at(6), 2, &rules, Role::Scheduled), "no more than ten in all");
        spending.give_back(at(6), 1, Role::Recovery);
        spending.spend(at(7), 2, Role::Scheduled);
        assert!(!spending.allows(at(7), 1, &rules, Role::Recovery));
        assert!(spending.allows(at(HOUR_MS), 4, &rules, Role::Scheduled), "a new hour, and twelve of fifteen a day");
    }
}
