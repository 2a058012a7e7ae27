//! What a pod's thresholds and rate buy: how soon a fault is paged, and how often for nothing.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::engine::forecast::{self, Forecast, SHARES};
use crate::model::{PodName, humane};
use crate::plan::{Budget, PlainRule, Plan, Pod, Thresholds};
use crate::token::CoverPeriod;

use super::output;

/// Rates that are shown beside a pod's own, in connections a minute: unasked, asked, agreed.
const RATES: [u32; 3] = [6, 30, 120];
/// Pods that one heading names.
const NAMED_MAX: usize = 6;

/// Pods with the same settings, and what these are worth at their own rate and at others.
pub(super) struct Group {
    /// The pods.
    pub(super) pods: Vec<PodName>,
    /// Their own rate first.
    pub(super) rates: Vec<Arc<AtRate>>,
    usual: String,
}

/// What the settings are worth at one rate.
#[derive(Debug, Serialize)]
pub(super) struct AtRate {
    connections_per_minute: u32,
    /// Every cell is looked at once with each kind and key in this time.
    cover_period_s: f64,
    cover: CoverTimes,
    rules: Vec<RuleWorth>,
}

/// Seconds until a place of the tokens' text has been looked at, in 99 of 100 cases.
#[derive(Debug, Serialize)]
struct CoverTimes {
    /// Pairs of kind and key.
    kinds_and_keys: u32,
    cell_s: f64,
    cell_with_kind_and_key_s: f64,
    /// A cell with one kind and key and one remainder of the name's length.
    three_at_once_s: f64,
    /// A cell on a tenth of the partner's nodes.
    tenth_of_nodes_s: f64,
}

/// What a pod's tokens are combined of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Combinations {
    kinds_and_keys: u32,
    /// Remainders mod 3 of the names' lengths.
    remainders: u32,
}

#[derive(Debug, Serialize)]
struct RuleWorth {
    rule: String,
    finds: String,
    /// Mean seconds from onset to decision if this share fails; null if it is not found.
    delay_s: [ShareDelay; 4],
    false_pages_per_year: f64,
}

#[derive(Debug, Serialize)]
struct ShareDelay {
    share: f64,
    seconds: Option<f64>,
}

/// The groups of a plan, in the order of their first pods.
pub(super) fn groups(plan: &Plan) -> Vec<Group> {
    let mut groups: Vec<(String, Group)> = Vec::new();
    for pod in &plan.pods {
        let combinations = combinations(plan, pod);
        let key = what_matters(pod, combinations);
        if let Some((_, group)) = groups.iter_mut().find(|(known, _)| *known == key) {
            group.pods.push(pod.name.clone());
            continue;
        }
        let own = pod.budget.connections_per_minute;
        let rates = std::iter::once(own).chain(RATES.into_iter().filter(|rate| *rate != own));
        let rates = rates.map(|rate| Arc::new(AtRate::of(pod, rate, combinations))).collect();
        let usual = pod.thresholds.device_errors.baseline.to_string();
        groups.push((key, Group { pods: vec![pod.name.clone()], rates, usual }));
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Pods with the same of this have the same forecast.
fn what_matters(pod: &Pod, combinations: Combinations) -> String {
    let Thresholds { device_errors, persist, plain, .. } = &pod.thresholds;
    let counted = |rule: &&PlainRule| {
        let counts = matches!(rule, PlainRule::Consecutive { .. } | PlainRule::KOfN { .. });
        counts || matches!(rule, PlainRule::ShareInWindow { .. })
    };
    let plain: Vec<&PlainRule> = plain.iter().filter(counted).collect();
    format!("{:?} {device_errors:?} {persist:?} {plain:?} {combinations:?}", pod.budget)
}

/// What the pod's probes go through.
fn combinations(plan: &Plan, pod: &Pod) -> Combinations {
    let mut kinds: Vec<_> = plan
        .probes_of(pod)
        .filter(|probe| probe.call.is_none())
        .flat_map(|probe| probe.kinds.iter().copied())
        .collect();
    kinds.sort();
    kinds.dedup();
    let kinds_and_keys = kinds.into_iter().map(|kind| u32::from(pod.keys(kind))).sum();
    let reach = pod.reach(&plan.node.location.name);
    let has = |remainder: &u8| reach.forms().iter().any(|form| form.name_length % 3 == *remainder);
    Combinations { kinds_and_keys, remainders: u32::from((0..3).filter(has).count() as u8) }
}

impl AtRate {
    fn of(pod: &Pod, connections_per_minute: u32, combinations: Combinations) -> Self {
        let pod = Pod { budget: Budget { connections_per_minute }, ..pod.clone() };
        let cover = CoverTimes::of(connections_per_minute, combinations);
        let rules = forecast::forecast(&pod).into_iter().map(RuleWorth::of).collect();
        Self { connections_per_minute, cover_period_s: cover.cell_with_kind_and_key_s, cover, rules }
    }

    /// The first rule to find the share of this place in [`SHARES`].
    fn soonest(&self, place: usize) -> Option<f64> {
        self.rules.iter().filter_map(|rule| rule.delay_s[place].seconds).min_by(f64::total_cmp)
    }

    fn in_short(&self) -> String {
        let mut found = Vec::new();
        for (place, share) in SHARES.into_iter().enumerate() {
            let delay = self.soonest(place).map_or_else(|| "not found".to_owned(), in_words);
            found.push(format!("{} {delay}", failing(share)));
        }
        format!("at {} a minute: {}; tokens: {}", self.connections_per_minute, found.join(", "), self.cover.in_short())
    }
}

impl CoverTimes {
    fn of(connections_per_minute: u32, combinations: Combinations) -> Self {
        let Combinations { kinds_and_keys, remainders } = combinations;
        let period = CoverPeriod::of(kinds_and_keys, remainders);
        let pace = Duration::from_mins(1) / connections_per_minute.max(1);
        Self {
            kinds_and_keys,
            cell_s: tenths(pace * period.cell),
            cell_with_kind_and_key_s: tenths(pace * period.cell_with_class),
            three_at_once_s: tenths(pace * period.three),
            tenth_of_nodes_s: tenths(pace * period.tenth_of_nodes),
        }
    }

    fn in_short(&self) -> String {
        let cell = in_words(self.cell_s);
        match self.kinds_and_keys {
            0 | 1 => format!("any cell within {cell}"),
            classes => {
                let each = in_words(self.cell_with_kind_and_key_s);
                format!("any cell within {cell}, with each of {classes} kinds and keys within {each}")
            }
        }
    }

    fn in_full(&self) -> String {
        format!(
            "{}\n  in 99 % of cases: three things at once within {}, a cell on a tenth of the partner's nodes within {}",
            self.in_short(),
            in_words(self.three_at_once_s),
            in_words(self.tenth_of_nodes_s)
        )
    }
}

impl RuleWorth {
    fn of(forecast: Forecast) -> Self {
        let delay = |place: usize| ShareDelay { share: SHARES[place], seconds: forecast.delays[place].map(tenths) };
        Self {
            rule: String::from(forecast.rule),
            delay_s: [delay(0), delay(1), delay(2), delay(3)],
            false_pages_per_year: (forecast.false_pages_per_year * 1e6).round() / 1e6,
            finds: forecast.finds,
        }
    }
}

/// Seconds, to a tenth: the mean of some hundred runs knows no more.
fn tenths(length: Duration) -> f64 {
    (length.as_secs_f64() * 10.0).round() / 10.0
}

fn in_words(seconds: f64) -> String {
    humane(Duration::from_secs_f64(seconds))
}

fn failing(share: f64) -> String {
    if share >= 1.0 { "all".to_owned() } else { format!("{:.0} %", share * 100.0) }
}

/// The tables for people.
pub(super) fn text(text: &mut String, groups: &[Group], color: bool) {
    let _ =
        writeln!(text, "\nMean time from the onset of a fault to the decision, by the share of connections that fail:");
    for group in groups {
        let Some((own, others)) = group.rates.split_first() else { continue };
        let mut names: Vec<&str> = group.pods.iter().take(NAMED_MAX).map(PodName::as_str).collect();
        let more = format!("{} more", group.pods.len().saturating_sub(NAMED_MAX));
        if group.pods.len() > NAMED_MAX {
            names.push(&more);
        }
        let (names, rate, usual) = (names.join(", "), own.connections_per_minute, &group.usual);
        let _ = writeln!(text, "\n{names}: {rate} connections a minute, {usual} of them usually fail");
        output::table(text, &rows(own), color);
        let _ = writeln!(text, "  tokens: {}", own.cover.in_full());
        for other in others {
            let _ = writeln!(text, "  {}", other.in_short());
        }
    }
}

fn rows(own: &AtRate) -> Vec<[String; 7]> {
    let shares = SHARES.map(failing);
    let [a, b, c, d] = shares;
    let mut rows = vec![["  rule".to_owned(), a, b, c, d, "false pages a year".to_owned(), "finds".to_owned()]];
    for rule in &own.rules {
        let delay = |place: usize| rule.delay_s[place].seconds.map_or_else(|| "-".to_owned(), in_words);
        let pages = match rule.false_pages_per_year {
            few if few < 0.01 => "under 0.01".to_owned(),
            some if some < 10.0 => format!("{some:.2}"),
            many => format!("{many:.0}"),
        };
        let name = format!("  {}", rule.rule);
        rows.push([name, delay(0), delay(1), delay(2), delay(3), pages, rule.finds.clone()]);
    }
    rows
}
