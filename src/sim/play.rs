//! Plays a scenario and says what came of it.

use std::sync::Arc;

use serde::Serialize;

use crate::engine::{Audience, IncidentState, NotifyReason};
use crate::model::{PodName, Timestamp};
use crate::plan::{Budget, Plan, Pod};

use super::scenario::{Expectation, Expected, Happening, Scenario, What};
use super::weather::Weather;
use super::world::{Delivered, World};

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
pub fn adapt(plan: &Plan, scenario: &Scenario) -> Result<Plan, String> {
    if let Some(unknown) = scenario.pods.iter().find(|name| plan.pod(name).is_none()) {
        return Err(format!("the config has no pod {unknown}"));
    }
    // Nothing answers calls in scenarios yet.
    let mut plan = plan.clone().without_calls();
    plan.pods.retain(|pod| scenario.pods.is_empty() || scenario.pods.contains(&pod.name));
    if let Some(connections_per_minute) = scenario.connections_per_minute {
        for pod in &mut plan.pods {
            *pod = Arc::new(Pod { budget: Budget { connections_per_minute }, ..pod.as_ref().clone() });
        }
    }
    Ok(plan)
}

/// Plays a scenario with a plan made by [`adapt`].
pub fn play(scenario: &Scenario, plan: Plan, seed: u64) -> (Outcome, World) {
    let pods: Vec<PodName> = plan.pods.iter().map(|pod| pod.name.clone()).collect();
    let share = scenario.background.get();
    let weather = if scenario.bursts { Weather::usual(share, seed) } else { Weather::background(share) };
    let mut world = World::new(Arc::new(plan), scenario.start, seed).in_weather(weather).journalled();
    for happening in &scenario.happenings {
        world.run_until(happening.at);
        befall(&mut world, happening, &pods);
    }
    world.run_until(scenario.end);
    (outcome(scenario, &world, seed), world)
}

fn befall(world: &mut World, happening: &Happening, all: &[PodName]) {
    let pods = if happening.pods.is_empty() { all } else { &happening.pods };
    match &happening.what {
        What::Fault(rule) => pods.iter().for_each(|pod| world.fault(pod, rule.clone())),
        What::Clear(name) => pods.iter().for_each(|pod| world.clear(pod, name.as_deref())),
        What::Mishap(mishap) => world.befall(mishap.clone()),
    }
}

fn outcome(scenario: &Scenario, world: &World, seed: u64) -> Outcome {
    let outside = world.outside();
    let pages = first_pages(&outside.delivered, Audience::VoiceOnCall);
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
        seed,
        expectations: scenario.expectations.iter().map(|expectation| check(expectation, world)).collect(),
    }
}

/// When each incident of an audience was first told of.
fn first_pages(delivered: &[Delivered], audience: Audience) -> Vec<Timestamp> {
    let mut incidents = Vec::new();
    let mut moments = Vec::new();
    for one in delivered {
        let incident = &one.notification.incident;
        if one.notification.reason == NotifyReason::First
            && incident.audience == audience
            && !incidents.contains(&incident.number)
        {
            incidents.push(incident.number);
            moments.push(one.at);
        }
    }
    moments
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

fn check(expectation: &Expectation, world: &World) -> Held {
    let outside = world.outside();
    let moments: Vec<Timestamp> = match expectation.what {
        Expected::Page => first_pages(&outside.delivered, Audience::VoiceOnCall),
        Expected::OwnerPage => first_pages(&outside.delivered, Audience::MonitorOwner),
        Expected::Resolved => resolved(world).into_iter().collect(),
        Expected::Notice => outside.first_notice.into_iter().collect(),
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
        Expected::Page => "a page",
        Expected::OwnerPage => "a page to the monitor's owner",
        Expected::Resolved => "the end",
        Expected::Notice => "a public notice",
    };
    let mut words = if expectation.never { format!("never {what}") } else { what.to_owned() };
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
