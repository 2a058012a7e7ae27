//! What a pod's test calls cost, and how soon their rules find a fault.

use std::fmt::Write as _;

use serde::Serialize;

use crate::engine::calls::{CallForecast, forecast};
use crate::engine::forecast::SHARES;
use crate::model::{CallDirection, PodName, humane};
use crate::plan::{Plan, Pod};

use super::output;

/// Calls of one direction in one pod.
#[derive(Serialize, Clone, PartialEq)]
pub(super) struct CallWorth {
    direction: CallDirection,
    calls_per_day: f64,
    /// As billed: every leg rounded up to a whole minute.
    minutes_per_day: f64,
    /// So many failed calls …
    failures: u32,
    /// … of so many page.
    of: u32,
    /// Mean seconds from onset to decision if this share of calls fails; null if it is not found.
    delay_s: Vec<(f64, Option<f64>)>,
    /// At most.
    false_pages_per_year: f64,
}

/// Both directions, as far as they are looked at.
pub(super) fn worth(plan: &Plan, pod: &Pod) -> Vec<CallWorth> {
    forecast(plan, pod).into_iter().map(CallWorth::of).collect()
}

impl CallWorth {
    fn of(forecast: CallForecast) -> Self {
        let tenths = |number: f64| (number * 10.0).round() / 10.0;
        let delays = SHARES.into_iter().zip(forecast.delays);
        Self {
            direction: forecast.direction,
            calls_per_day: tenths(forecast.calls_per_day),
            minutes_per_day: tenths(forecast.minutes_per_day),
            failures: forecast.failures.k,
            of: forecast.failures.n,
            delay_s: delays.map(|(share, delay)| (share, delay.map(|delay| tenths(delay.as_secs_f64())))).collect(),
            false_pages_per_year: (forecast.false_pages_per_year * 1e4).round() / 1e4,
        }
    }

    fn row(&self) -> Vec<String> {
        let delay = |(_, seconds): &(f64, Option<f64>)| {
            seconds.map_or_else(|| "-".to_owned(), |s| humane(std::time::Duration::from_secs_f64(s)))
        };
        let mut row = vec![format!("  {}", self.direction)];
        row.extend(self.delay_s.iter().map(delay));
        row.push(format!("{:.2}", self.false_pages_per_year));
        row.push(format!("{} of {} fail", self.failures, self.of));
        row.push(format!("{:.0}", self.calls_per_day));
        row.push(format!("{:.0}", self.minutes_per_day));
        row
    }
}

/// The tables for people, one for pods with the same calls.
pub(super) fn text(text: &mut String, plan: &Plan, color: bool) {
    let mut groups: Vec<(Vec<CallWorth>, Vec<&PodName>, u32)> = Vec::new();
    for pod in &plan.pods {
        let (worth, cap) = (worth(plan, pod), pod.calls.minutes_per_day);
        match groups.iter_mut().find(|(known, _, of)| *known == worth && *of == cap) {
            _ if worth.is_empty() => {}
            Some((_, names, _)) => names.push(&pod.name),
            None => groups.push((worth, vec![&pod.name], cap)),
        }
    }
    for (worth, names, cap) in groups {
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        let billed: f64 = worth.iter().map(|calls| calls.minutes_per_day).sum();
        let _ = writeln!(
            text,
            "\n{}: test calls, in each pod about {billed:.0} billed minutes a day of {cap} that are allowed",
            names.join(", ")
        );
        let head =
            ["  calls", "2 %", "10 %", "25 %", "all", "false pages a year, at most", "finds", "a day", "minutes"];
        let mut rows: Vec<[String; 9]> = vec![head.map(str::to_owned)];
        rows.extend(worth.iter().filter_map(|calls| calls.row().try_into().ok()));
        output::table(text, &rows, color);
    }
}
