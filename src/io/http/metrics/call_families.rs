//! The families of test calls.

use std::borrow::Cow;
use std::fmt;

use crate::engine::calls::CallView;
use crate::model::{CallDirection, PodName};

use super::counts::CallCounts;
use super::families::{Labels, Page, Scrape};

impl Scrape {
    pub(super) fn calls(&self, page: &mut Page<'_>) -> fmt::Result {
        let each = || {
            let pods = self.counts.pods.iter();
            pods.flat_map(|(pod, kept)| kept.calls.iter().map(move |(direction, calls)| (of(pod, *direction), calls)))
        };
        let counted = |of: fn(&CallCounts) -> u64| each().map(move |(labels, calls)| (labels, of(calls) as f64));
        page.histogram(
            "call_set_up_seconds",
            "Time that a test call took to be set up",
            each().map(|(labels, calls)| (labels, &calls.set_up)),
        )?;
        page.histogram(
            "call_delivery_seconds",
            "Time from the partner's promise to call until it rang",
            each().filter(|(_, calls)| calls.delivery.count() > 0).map(|(labels, calls)| (labels, &calls.delivery)),
        )?;
        page.counter(
            "call_one_way",
            "Test calls in which only one side heard the other",
            counted(|calls| calls.one_way),
        )?;
        page.counter(
            "call_recordings_failed",
            "Recordings of bad test calls that could not be written",
            counted(|calls| calls.recordings_failed),
        )?;
        page.counter(
            "call_paths",
            "Test calls by the path that their media took",
            each().flat_map(|(labels, calls)| by_path(&labels, calls)),
        )?;
        let views =
            || self.view.pods.iter().flat_map(|pod| pod.calls.iter().map(|call| (of(&pod.name, call.direction), call)));
        let measured = |of: fn(&CallView) -> Option<u32>, unit: f64| {
            views().filter_map(move |(labels, call)| Some((labels, f64::from(of(call)?) / unit)))
        };
        page.gauge(
            "call_mos_score",
            "Median opinion score of the newest test calls (ITU-T G.107)",
            measured(|call| call.mos_centi, 100.0),
        )?;
        page.gauge(
            "call_loss_ratio",
            "Median share of packets lost in the newest test calls",
            measured(|call| call.loss_permille, 1000.0),
        )?;
        page.gauge(
            "call_looked_at",
            "1 while calls of this direction are looked at, else 0",
            views().map(|(labels, call)| (labels, f64::from(u8::from(call.looked_at)))),
        )?;
        self.call_budgets(page)
    }

    fn call_budgets(&self, page: &mut Page<'_>) -> fmt::Result {
        let budgets = || self.view.pods.iter().filter_map(|pod| Some((&pod.name, pod.call_budget?)));
        let windows = move |of: fn(u32, u32) -> u32| {
            budgets().flat_map(move |(pod, budget)| {
                [("hour", budget.hour), ("day", budget.day)].map(|(window, (used, cap))| {
                    let labels: Labels<'_> = vec![("pod", Cow::from(pod.as_str())), ("window", Cow::from(window))];
                    (labels, f64::from(of(used, cap)) * 60.0)
                })
            })
        };
        page.gauge(
            "call_budget_used_seconds",
            "Time that test calls of the hour and day under way are billed, legs rounded up to minutes",
            windows(|used, _| used),
        )?;
        page.gauge(
            "call_budget_left_seconds",
            "What is left of it; scheduled calls stop at a fifth",
            windows(|used, cap| cap.saturating_sub(used)),
        )
    }
}

fn by_path<'a>(labels: &Labels<'a>, calls: &CallCounts) -> Vec<(Labels<'a>, f64)> {
    let of = |path: &'static str| labels.iter().cloned().chain([("path", Cow::from(path))]).collect();
    calls.paths.iter().map(|(path, count)| (of(path.as_str()), *count as f64)).collect()
}

fn of(pod: &PodName, direction: CallDirection) -> Labels<'_> {
    vec![("pod", Cow::from(pod.as_str())), ("direction", Cow::from(direction.as_str()))]
}
