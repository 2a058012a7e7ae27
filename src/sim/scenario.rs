//! A scenario: a timeline in TOML of what befalls the world, and what is expected of the node.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_spanned::Spanned;

use crate::engine::{Component, ComponentState, Rule};
use crate::model::{PodName, Share, Timestamp};
use crate::plan::read::{hint_for, units};

use super::predicate::{Percent, Predicate};
use super::rule::FaultRule;
use super::world::Mishap;
use super::{Fault, Settings};

/// Largest scenario file, in bytes.
pub const SCENARIO_BYTES_MAX: usize = 1 << 20;
/// Longest time that a scenario can cover.
const LENGTH_MAX: Duration = Duration::from_hours(366 * 24);

/// A scenario, checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// What it is about.
    pub title: String,
    /// The seed unless another is given.
    pub seed: u64,
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Where its config is, relative to its own place.
    pub config: String,
    /// Where its probes are, relative to its own place.
    pub probes: String,
    /// Only these pods of the config; all if empty.
    pub pods: Vec<PodName>,
    /// Every pod that is named anywhere, and where.
    pub named: Vec<(PodName, Spot)>,
    /// Connections a minute in every pod, instead of the config's.
    pub connections_per_minute: Option<u32>,
    /// Failures that are nobody's fault, on the average of a day.
    pub background: Share,
    /// True for the usual bursts and the daily swing beside them.
    pub bursts: bool,
    /// What happens, in order of time.
    pub happenings: Vec<Happening>,
    /// What is expected.
    pub expectations: Vec<Expectation>,
}

/// Something that happens at a moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Happening {
    /// When.
    pub at: Timestamp,
    /// In which pods; in all if empty.
    pub pods: Vec<PodName>,
    /// What.
    pub what: What,
    /// Where it is written.
    pub spot: Spot,
}

/// What can happen.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// A fault begins.
    Fault(FaultRule),
    /// A fault ends: the named one, or all.
    Clear(Option<String>),
    /// Something befalls the node.
    Mishap(Mishap),
}

/// Something that is expected.
#[derive(Clone, PartialEq, Debug)]
pub struct Expectation {
    /// What.
    pub what: Expected,
    /// Not before.
    pub after: Option<Timestamp>,
    /// Not later than.
    pub by: Option<Timestamp>,
    /// Not more often than.
    pub at_most: Option<u32>,
    /// Not at all.
    pub never: bool,
    /// Only messages that name this rule.
    pub rule: Option<Rule>,
    /// Only messages that hold this text.
    pub says: Option<String>,
    /// Only about these pods; about any if empty.
    pub pods: Vec<PodName>,
    /// Where it is written.
    pub spot: Spot,
}

/// A place in a scenario's text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

/// What can be expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// A first page to the voice on-call.
    Page,
    /// A first page to the owner of the monitor.
    OwnerPage,
    /// The end of the last page's incident.
    Resolved,
    /// A public notice.
    Notice,
    /// A component of a pod comes into this state.
    Component(Component, ComponentState),
}

/// What is wrong with a scenario, and where.
#[derive(Clone, PartialEq, Debug)]
pub struct ScenarioProblem {
    /// Where.
    pub spot: Spot,
    /// What is wrong and what to write instead.
    pub what: String,
}

impl fmt::Display for ScenarioProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.spot.line, self.spot.column, self.what)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScenario {
    title: String,
    #[serde(default)]
    seed: u64,
    start: Spanned<String>,
    end: Spanned<String>,
    config: String,
    probes: String,
    #[serde(default)]
    pods: Vec<Spanned<String>>,
    connections_per_minute: Option<Spanned<u32>>,
    background: Option<Percent>,
    #[serde(default)]
    bursts: bool,
    #[serde(default)]
    at: Vec<Spanned<RawHappening>>,
    #[serde(default)]
    expect: Vec<Spanned<RawExpectation>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHappening {
    time: Spanned<String>,
    #[serde(default)]
    pods: Vec<Spanned<String>>,
    fault: Option<Spanned<String>>,
    #[serde(default)]
    when: Predicate,
    share: Option<Percent>,
    #[serde(default, rename = "with")]
    settings: Settings,
    clear: Option<Spanned<String>>,
    network: Option<UpDown>,
    receivers: Option<UpDown>,
    disk: Option<UpDown>,
    #[serde(default)]
    crash: bool,
    pause_until: Option<Spanned<String>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum UpDown {
    Up,
    Down,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpectation {
    what: RawExpected,
    after: Option<Spanned<String>>,
    by: Option<Spanned<String>>,
    at_most: Option<u32>,
    #[serde(default)]
    never: bool,
    rule: Option<Spanned<String>>,
    says: Option<Spanned<String>>,
    #[serde(default)]
    pods: Vec<Spanned<String>>,
    component: Option<Component>,
    state: Option<ComponentState>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum RawExpected {
    Page,
    OwnerPage,
    Resolved,
    Notice,
    Component,
}

/// Collects problems, so that all are told in one go.
struct Checker<'a> {
    text: &'a str,
    start: Timestamp,
    named: Vec<(PodName, Spot)>,
    problems: Vec<ScenarioProblem>,
}

impl Scenario {
    /// Reads a scenario, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<ScenarioProblem>> {
        let mut checker = Checker { text, start: Timestamp::MIN, named: Vec::new(), problems: Vec::new() };
        if text.len() > SCENARIO_BYTES_MAX {
            checker.problem(0, format!("a scenario has at most {SCENARIO_BYTES_MAX} bytes"));
            return Err(checker.problems);
        }
        let raw: RawScenario = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                let place = error.span().map_or(0, |span| span.start);
                checker.problem(place, error.message().to_owned());
                return Err(checker.problems);
            }
        };
        let scenario = checker.scenario(raw);
        if checker.problems.is_empty() { Ok(scenario) } else { Err(checker.problems) }
    }

    /// When the first fault begins.
    pub fn onset(&self) -> Option<Timestamp> {
        self.happenings.iter().find(|h| matches!(h.what, What::Fault(_))).map(|h| h.at)
    }

    /// True if a public notice is expected.
    pub fn names_a_notice(&self) -> bool {
        self.expectations.iter().any(|expectation| expectation.what == Expected::Notice)
    }
}

impl Checker<'_> {
    fn problem(&mut self, byte: usize, what: String) {
        let spot = self.spot(byte);
        self.problems.push(ScenarioProblem { spot, what });
    }

    fn spot(&self, byte: usize) -> Spot {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        Spot { line, column: before[line_start..].chars().count() + 1 }
    }

    fn scenario(&mut self, raw: RawScenario) -> Scenario {
        self.start = self.moment(&raw.start);
        let end = self.moment(&raw.end);
        if end <= self.start {
            self.problem(raw.end.span().start, "`end` must be later than `start`".to_owned());
        }
        if end.since(self.start) > LENGTH_MAX {
            self.problem(raw.end.span().start, "a scenario covers at most 366 days".to_owned());
        }
        if let Some(rate) = raw.connections_per_minute.as_ref().filter(|rate| !(1..=6000).contains(rate.get_ref())) {
            self.problem(rate.span().start, "`connections_per_minute` is 1 to 6000".to_owned());
        }
        let mut happenings: Vec<Happening> =
            raw.at.into_iter().filter_map(|happening| self.happening(happening)).collect();
        happenings.sort_by_key(|happening| happening.at);
        let pods = self.pods(&raw.pods);
        let expectations = raw.expect.into_iter().filter_map(|expectation| self.expectation(expectation)).collect();
        Scenario {
            title: raw.title,
            seed: raw.seed,
            start: self.start,
            end,
            config: raw.config,
            probes: raw.probes,
            pods,
            named: std::mem::take(&mut self.named),
            connections_per_minute: raw.connections_per_minute.map(Spanned::into_inner),
            background: raw.background.map_or(Share::ZERO, Percent::share),
            bursts: raw.bursts,
            happenings,
            expectations,
        }
    }

    /// A moment: RFC 3339, or a length after the start such as `"12m"`.
    fn moment(&mut self, text: &Spanned<String>) -> Timestamp {
        if let Some(at) = Timestamp::parse_rfc3339(text.get_ref()) {
            return at;
        }
        match units::duration(text.get_ref()) {
            Ok(length) if self.start != Timestamp::MIN => self.start.plus(length),
            _ => {
                let what = format!(
                    "{:?} is no moment: write \"2024-09-10T22:57:00Z\", or a length after the start such as \"12m\"",
                    text.get_ref()
                );
                self.problem(text.span().start, what);
                self.start
            }
        }
    }

    fn pods(&mut self, names: &[Spanned<String>]) -> Vec<PodName> {
        let mut pods = Vec::new();
        for name in names {
            match PodName::parse(name.get_ref()) {
                Ok(pod) => {
                    self.named.push((pod.clone(), self.spot(name.span().start)));
                    pods.push(pod);
                }
                Err(error) => self.problem(name.span().start, format!("{:?}: {error}", name.get_ref())),
            }
        }
        pods
    }

    fn happening(&mut self, raw: Spanned<RawHappening>) -> Option<Happening> {
        let place = raw.span().start;
        let raw = raw.into_inner();
        let at = self.moment(&raw.time);
        let pods = self.pods(&raw.pods);
        let mut found = Vec::new();
        if let Some(name) = &raw.fault {
            found.extend(self.fault(name, &raw).map(What::Fault));
        }
        found.extend(raw.clear.as_ref().map(|name| {
            let name = name.get_ref();
            What::Clear((name != "*").then(|| name.clone()))
        }));
        let down = |state: UpDown| state == UpDown::Down;
        let mishaps = [
            raw.network.map(|state| Mishap::Network { down: down(state) }),
            raw.receivers.map(|state| Mishap::Receivers { down: down(state) }),
            raw.disk.map(|state| Mishap::Disk { broken: down(state) }),
            raw.crash.then_some(Mishap::Crash),
            raw.pause_until
                .as_ref()
                .map(|until| Mishap::Pause { pod: pods.first().cloned(), until: self.moment(until) }),
        ];
        found.extend(mishaps.into_iter().flatten().map(What::Mishap));
        if found.len() != 1 {
            let what =
                "an [[at]] has exactly one of `fault`, `clear`, `network`, `receivers`, `disk`, `crash`, `pause_until`";
            if raw.fault.is_none() || found.len() > 1 {
                self.problem(place, what.to_owned());
            }
            return None;
        }
        Some(Happening { at, pods, what: found.remove(0), spot: self.spot(place) })
    }

    fn fault(&mut self, name: &Spanned<String>, raw: &RawHappening) -> Option<FaultRule> {
        let fault = Fault::named(name.get_ref()).map_err(|error| error.to_string());
        let fault = fault.and_then(|fault| fault.with(raw.settings).map_err(|error| error.to_string()));
        let mut when = raw.when.clone();
        when.share = raw.share.or(when.share);
        match fault.and_then(|fault| FaultRule::new(fault, when).map_err(|error| error.to_string())) {
            Ok(rule) => Some(rule),
            Err(what) => {
                self.problem(name.span().start, what);
                None
            }
        }
    }

    fn expectation(&mut self, raw: Spanned<RawExpectation>) -> Option<Expectation> {
        let place = raw.span().start;
        let raw = raw.into_inner();
        if raw.never && (raw.by.is_some() || raw.at_most.is_some()) {
            self.problem(place, "`never` goes with neither `by` nor `at_most`".to_owned());
            return None;
        }
        let what = self.expected(place, &raw)?;
        let told = matches!(what, Expected::Page | Expected::OwnerPage);
        let of_messages = [raw.rule.as_ref().map(|at| ("rule", at)), raw.says.as_ref().map(|at| ("says", at))];
        for (key, written) in of_messages.into_iter().flatten().filter(|_| !told) {
            self.problem(written.span().start, format!("`{key}` goes with \"page\" and \"owner_page\" only"));
        }
        let rule = raw.rule.as_ref().and_then(|name| self.rule(name));
        let pods = self.pods(&raw.pods);
        Some(Expectation {
            what,
            after: raw.after.as_ref().map(|at| self.moment(at)),
            by: raw.by.as_ref().map(|at| self.moment(at)),
            at_most: raw.at_most,
            never: raw.never,
            rule,
            says: raw.says.map(Spanned::into_inner),
            pods,
            spot: self.spot(place),
        })
    }

    fn expected(&mut self, place: usize, raw: &RawExpectation) -> Option<Expected> {
        let plain = match raw.what {
            RawExpected::Page => Some(Expected::Page),
            RawExpected::OwnerPage => Some(Expected::OwnerPage),
            RawExpected::Resolved => Some(Expected::Resolved),
            RawExpected::Notice => Some(Expected::Notice),
            RawExpected::Component => None,
        };
        match (plain, raw.component, raw.state) {
            (Some(what), None, None) => return Some(what),
            (None, Some(component), Some(state)) => return Some(Expected::Component(component, state)),
            (None, ..) => {
                let what = "\"component\" needs `component` and `state`, such as component = \"making_calls\" and \
                            state = \"major_outage\"";
                self.problem(place, what.to_owned());
            }
            (Some(_), ..) => {
                self.problem(place, "`component` and `state` go with what = \"component\" only".to_owned());
            }
        }
        None
    }

    fn rule(&mut self, name: &Spanned<String>) -> Option<Rule> {
        let rule = Rule::try_from(name.get_ref().clone());
        if let Err(error) = &rule {
            let mut known: Vec<&str> = Rule::NAMED.iter().map(|rule| rule.as_str()).collect();
            known.extend(["call_quality_0", "plain_0"]);
            let hint = hint_for(name.get_ref(), &known).map_or_else(String::new, |hint| format!("; {hint}"));
            self.problem(name.span().start, format!("{error}{hint}"));
        }
        rule.ok()
    }
}
