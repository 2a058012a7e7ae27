//! Plays a scenario and says what came of it.

use std::sync::Arc;

use serde::Serialize;

use crate::engine::{Audience, IncidentState, Notification, NotifyReason, Rule};
use crate::message;
use crate::model::{CallDirection, Origin, PodName, Timestamp};
use crate::plan::{Budget, Plan, Pod};

use super::Behaviour;
use super::scenario::{Expectation, Expected, Happening, Scenario, ScenarioProblem, Spot, What};
use super::story::{self, Calls, Shown, Told};
use super::weather::Weather;
use super::world::World;

/// What came of a scenario. Moments are RFC 3339; absent where nothing happened.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Outcome {
    /// When the first fault began.
    pub onset: Option<String>,
    /// When the first attempt started that a fault made fail.
    pub first_failed_attempt: Option<String>,
    /// When the first page to the voice on-call arrived.
    pub paged: Option<String>,
    /// When the last such incident was resolved.
    pub resolved: Option<String>,
    /// First pages to the voice on-call: one for each incident.
    pub pages: u32,
    /// The pods that were paged about.
    pub pods: Vec<PodName>,
    /// When the first public notice went out, if the scenario names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_notice: Option<Option<String>>,
    /// Facts recorded.
    pub facts: u64,
    /// Attempts made.
    pub attempts: u64,
    /// Test calls, in each direction; empty if no probe calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Calls>,
    /// What people were told, in order.
    pub told: Vec<Told>,
    /// What the status page showed, in order.
    pub components: Vec<Shown>,
    /// The seed.
    pub seed: u64,
    /// Each expectation in words, and whether it held.
    pub expectations: Vec<Held>,
}

/// An expectation, and whether it held.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Held {
    /// In words.
    pub expected: String,
    /// Whether it held.
    pub held: bool,
}

impl Outcome {
    /// True if every expectation held.
    pub fn all_held(&self) -> bool {
        self.expectations.iter().all(|held| held.held)
    }
}

/// The plan that a scenario runs with: the config's, for its pods, at its rate.
///
/// # Errors
/// What of the scenario does not fit the config: all of it, with its place.
pub fn adapt(plan: &Plan, scenario: &Scenario) -> Result<Plan, Vec<ScenarioProblem>> {
    let mut plan = plan.clone();
    let unknown = scenario.named.iter().filter(|(name, _)| plan.pod(name).is_none());
    let mut problems: Vec<ScenarioProblem> =
        unknown.map(|(name, spot)| problem(*spot, format!("the config has no pod {name}"))).collect();
    plan.pods.retain(|pod| scenario.pods.is_empty() || scenario.pods.contains(&pod.name));
    problems.extend(scenario.happenings.iter().filter_map(|happening| strikes_nothing(&plan, happening)));
    problems.extend(scenario.expectations.iter().filter_map(|expectation| never_comes(&plan, expectation)));
    if !problems.is_empty() {
        problems.sort_by_key(|problem| (problem.spot.line, problem.spot.column));
        return Err(problems);
    }
    if let Some(connections_per_minute) = scenario.connections_per_minute {
        for pod in &mut plan.pods {
            *pod = Arc::new(Pod { budget: Budget { connections_per_minute }, ..pod.as_ref().clone() });
        }
    }
    Ok(plan)
}

fn problem(spot: Spot, what: String) -> ScenarioProblem {
    ScenarioProblem { spot, what }
}

/// A fault of calls where nobody calls is a slip of the pen.
fn strikes_nothing(plan: &Plan, happening: &Happening) -> Option<ScenarioProblem> {
    let What::Fault(rule) = &happening.what else { return None };
    let Behaviour::Call(fault) = rule.fault().behaviour() else { return None };
    let strikes = |direction: CallDirection| fault.concerns(direction) && rule.when().holds_towards(direction);
    let hit =
        CallDirection::ALL.into_iter().any(|direction| strikes(direction) && calls(plan, &happening.pods, direction));
    let what = || format!("{} strikes nothing: no probe makes such calls in these pods", rule.fault());
    (!hit).then(|| problem(happening.spot, what()))
}

/// True if a probe calls in this direction in one of these pods, or in any if none is named.
fn calls(plan: &Plan, pods: &[PodName], direction: CallDirection) -> bool {
    let mut named = plan.pods.iter().filter(|pod| pods.is_empty() || pods.contains(&pod.name));
    let calls = |pod: &Arc<Pod>| {
        plan.probes_of(pod).any(|probe| probe.call.as_ref().is_some_and(|call| call.direction == direction))
    };
    named.any(calls)
}

/// An expectation of a rule that no pod has.
fn never_comes(plan: &Plan, expectation: &Expectation) -> Option<ScenarioProblem> {
    let pods = || plan.pods.iter().filter(|pod| expectation.pods.is_empty() || expectation.pods.contains(&pod.name));
    let rule = expectation.rule?;
    let there = match rule {
        Rule::CallQuality(place) => pods().any(|pod| pod.thresholds.calls.rules.len() > usize::from(place)),
        Rule::OutboundCalls | Rule::InboundCalls => {
            rule.failing_calls().is_some_and(|direction| calls(plan, &expectation.pods, direction))
        }
        _ => true,
    };
    (!there).then(|| problem(expectation.spot, format!("no pod has the rule {}", String::from(rule))))
}

/// Plays a scenario with a plan made by [`adapt`]. The media of its calls reckon from `origin`.
pub fn play(scenario: &Scenario, plan: Plan, seed: u64, origin: Origin) -> (Outcome, World) {
    let pods: Vec<PodName> = plan.pods.iter().map(|pod| pod.name.clone()).collect();
    let share = scenario.background.get();
    let weather = if scenario.bursts { Weather::usual(share, seed) } else { Weather::background(share) };
    let external_url = plan.node.external_url.clone();
    let world = World::calling(Arc::new(plan), scenario.start, seed, origin);
    let mut world = world.in_weather(weather).journalled();
    for happening in &scenario.happenings {
        world.run_until(happening.at);
        befall(&mut world, happening, &pods);
    }
    world.run_until(scenario.end);
    (outcome(scenario, &world, seed, &external_url), world)
}

fn befall(world: &mut World, happening: &Happening, all: &[PodName]) {
    let pods = if happening.pods.is_empty() { all } else { &happening.pods };
    match &happening.what {
        What::Fault(rule) => pods.iter().for_each(|pod| world.fault(pod, rule.clone())),
        What::Clear(name) => pods.iter().for_each(|pod| world.clear(pod, name.as_deref())),
        What::Mishap(mishap) => world.befall(mishap.clone()),
    }
}

fn outcome(scenario: &Scenario, world: &World, seed: u64, external_url: &str) -> Outcome {
    let outside = world.outside();
    let pages = first_told(world, Audience::VoiceOnCall, |_| true);
    let mut pods: Vec<PodName> = outside
        .delivered
        .iter()
        .filter(|delivered| delivered.notification.incident.audience == Audience::VoiceOnCall)
        .flat_map(|delivered| delivered.notification.incident.pods.iter().map(|impact| impact.pod.clone()))
        .collect();
    pods.sort();
    pods.dedup();
    let text = |at: Timestamp| at.to_rfc3339();
    Outcome {
        onset: scenario.onset().map(text),
        first_failed_attempt: outside.first_hit.map(text),
        paged: pages.first().copied().map(text),
        resolved: resolved(world).map(text),
        pages: u32::try_from(pages.len()).unwrap_or(u32::MAX),
        pods,
        public_notice: scenario.names_a_notice().then(|| outside.first_notice.map(text)),
        facts: outside.facts,
        attempts: outside.attempts,
        calls: story::calls(world),
        told: story::told(world),
        components: story::components(world),
        seed,
        expectations: scenario.expectations.iter().map(|expectation| check(expectation, world, external_url)).collect(),
    }
}

/// When each incident of an audience was first told of in such words, while it fired.
fn first_told(world: &World, audience: Audience, is_meant: impl Fn(&Notification) -> bool) -> Vec<Timestamp> {
    let mut incidents = Vec::new();
    let mut moments = Vec::new();
    for one in &world.outside().delivered {
        let incident = &one.notification.incident;
        if one.notification.reason != NotifyReason::Resolved
            && incident.audience == audience
            && !incidents.contains(&incident.number)
            && is_meant(&one.notification)
        {
            incidents.push(incident.number);
            moments.push(one.at);
        }
    }
    moments
}

/// True if a message is one that the expectation speaks of.
fn is_meant(expectation: &Expectation, notification: &Notification, external_url: &str) -> bool {
    let impacts = || {
        let pods = notification.incident.pods.iter();
        pods.filter(|impact| expectation.pods.is_empty() || expectation.pods.contains(&impact.pod))
    };
    let about = expectation.pods.is_empty() || impacts().next().is_some();
    let ruled = expectation.rule.is_none_or(|rule| impacts().any(|impact| impact.rules.contains(&rule)));
    about && ruled && says(expectation, notification, external_url)
}

/// True if it holds the text that is asked for, whatever is small or large in it.
fn says(expectation: &Expectation, notification: &Notification, external_url: &str) -> bool {
    expectation.says.as_ref().is_none_or(|text| {
        let page = message::page(notification, external_url);
        format!("{}\n{}", page.subject, page.text).to_lowercase().contains(&text.to_lowercase())
    })
}

/// When the last incident of the voice on-call ended, if none is open.
fn resolved(world: &World) -> Option<Timestamp> {
    let state = world.engine().state();
    let voice = state.incidents.values().map(|i| &i.facts).filter(|facts| facts.audience == Audience::VoiceOnCall);
    if voice.clone().any(|facts| facts.state == IncidentState::Firing) {
        return None;
    }
    voice.filter_map(|facts| facts.resolved).max()
}

fn check(expectation: &Expectation, world: &World, external_url: &str) -> Held {
    let outside = world.outside();
    let told = |audience| first_told(world, audience, |message| is_meant(expectation, message, external_url));
    let moments: Vec<Timestamp> = match expectation.what {
        Expected::Page => told(Audience::VoiceOnCall),
        Expected::OwnerPage => told(Audience::MonitorOwner),
        Expected::Resolved => resolved(world).into_iter().collect(),
        Expected::Notice => outside.first_notice.into_iter().collect(),
        Expected::Component(component, state) => story::shown(world)
            .filter(|shown| (shown.component, shown.state) == (component, state))
            .filter(|shown| expectation.pods.is_empty() || expectation.pods.contains(&shown.pod))
            .map(|shown| shown.at)
            .collect(),
    };
    let in_time = |at: &Timestamp| expectation.by.is_none_or(|by| *at <= by);
    let counted: Vec<&Timestamp> =
        moments.iter().filter(|at| expectation.after.is_none_or(|after| **at >= after)).collect();
    let early = expectation.after.is_some() && !expectation.never && moments.len() > counted.len();
    let held = if expectation.never {
        counted.is_empty()
    } else {
        !early
            && counted.first().is_some_and(|at| in_time(at))
            && expectation.at_most.is_none_or(|most| moments.len() <= most as usize)
    };
    Held { expected: in_words(expectation), held }
}

fn in_words(expectation: &Expectation) -> String {
    let what = match expectation.what {
        Expected::Page => "a page".to_owned(),
        Expected::OwnerPage => "a page to the monitor's owner".to_owned(),
        Expected::Resolved => "the end".to_owned(),
        Expected::Notice => "a public notice".to_owned(),
        Expected::Component(component, state) => {
            format!("{} in {}", story::component_in_words(component), story::state_in_words(state))
        }
    };
    let mut words = if expectation.never { format!("never {what}") } else { what };
    if let Some(rule) = expectation.rule {
        words.push_str(&format!(" by {}", String::from(rule)));
    }
    if let Some(text) = &expectation.says {
        words.push_str(&format!(" that says \"{text}\""));
    }
    if !expectation.pods.is_empty() {
        let names: Vec<&str> = expectation.pods.iter().map(PodName::as_str).collect();
        words.push_str(&format!(" about {}", names.join(" or ")));
    }
    if let Some(after) = expectation.after {
        words.push_str(&format!(" not before {after}"));
    }
    if let Some(by) = expectation.by {
        words.push_str(&format!(" by {by}"));
    }
    if let Some(most) = expectation.at_most {
        words.push_str(&format!(", at most {most}"));
    }
    words
}
