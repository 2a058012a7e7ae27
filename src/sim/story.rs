//! What came of a world, as a story: what people were told, what the status page showed, how many
//! calls were made.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::engine::{Component, ComponentState};
use crate::message;
use crate::model::{CallDirection, IncidentNumber, PodName, Timestamp};

use super::world::World;

/// Test calls of one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Calls {
    /// Which way.
    pub direction: CallDirection,
    /// How many were made.
    pub made: u32,
    /// How many of these failed.
    pub failed: u32,
}

/// Something that people were told.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Told {
    /// When the first receiver had it.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// Number of the incident.
    pub incident: u32,
    /// `voice_on_call` or `monitor_owner`.
    pub audience: crate::engine::Audience,
    /// `first`, `wider`, `learned`, `resolved`.
    pub reason: &'static str,
    /// The rules that fired, in all of its pods.
    pub rules: Vec<crate::engine::Rule>,
    /// The pods hit.
    pub pods: Vec<PodName>,
    /// The message's first line.
    pub headline: String,
}

/// A component of the status page that changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Shown {
    /// When.
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// Of which pod.
    pub pod: PodName,
    /// Which.
    pub component: Component,
    /// What it is now.
    pub state: ComponentState,
}

fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339())
}

/// The test calls of a world, in each direction in which one was made.
pub fn calls(world: &World) -> Vec<Calls> {
    let counts = world.outside().calls_ended.iter();
    counts.map(|(direction, (made, failed))| Calls { direction: *direction, made: *made, failed: *failed }).collect()
}

/// Every message once, however many receivers it went to.
pub fn told(world: &World) -> Vec<Told> {
    let mut seen: Vec<(IncidentNumber, u32)> = Vec::new();
    let mut told = Vec::new();
    for delivered in &world.outside().delivered {
        let (notification, incident) = (&delivered.notification, &delivered.notification.incident);
        let id = (incident.number, notification.sequence);
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        let mut rules: Vec<_> = incident.pods.iter().flat_map(|impact| impact.rules.iter().copied()).collect();
        rules.sort();
        rules.dedup();
        told.push(Told {
            at: delivered.at,
            incident: incident.number.0,
            audience: incident.audience,
            reason: notification.reason.as_str(),
            rules,
            pods: incident.pods.iter().map(|impact| impact.pod.clone()).collect(),
            headline: message::headline(incident, notification.reason),
        });
    }
    told
}

/// The components of the status page as they changed, in order.
pub fn components(world: &World) -> Vec<Shown> {
    shown(world).collect()
}

/// The same, one after another: the worst of what connections and calls say of each.
pub(super) fn shown(world: &World) -> impl Iterator<Item = Shown> {
    let mut by_connections: BTreeMap<&PodName, ComponentState> = BTreeMap::new();
    let mut by_calls: BTreeMap<(&PodName, Component), ComponentState> = BTreeMap::new();
    let mut public: BTreeMap<(&PodName, Component), ComponentState> = BTreeMap::new();
    let mut shown = Vec::new();
    for moved in &world.outside().moves {
        match moved.component {
            Some(component) => by_calls.insert((&moved.pod, component), moved.state),
            None => by_connections.insert(&moved.pod, moved.state),
        };
        for component in Component::ALL {
            let of_calls = by_calls.get(&(&moved.pod, component)).copied().unwrap_or(ComponentState::Operational);
            let state = match (component, by_connections.get(&moved.pod)) {
                (Component::CallQuality, _) | (_, None) => of_calls,
                (_, Some(of_connections)) => of_calls.max(*of_connections),
            };
            let before = public.insert((&moved.pod, component), state).unwrap_or(ComponentState::Operational);
            if before != state {
                shown.push(Shown { at: moved.at, pod: moved.pod.clone(), component, state });
            }
        }
    }
    shown.into_iter()
}

/// A component's name on the status page.
pub const fn component_in_words(component: Component) -> &'static str {
    match component {
        Component::MakingCalls => "Making calls",
        Component::ReceivingCalls => "Receiving calls",
        Component::CallQuality => "Call quality",
    }
}

/// A component's state in words.
pub const fn state_in_words(state: ComponentState) -> &'static str {
    match state {
        ComponentState::Operational => "operational",
        ComponentState::DegradedPerformance => "degraded performance",
        ComponentState::PartialOutage => "partial outage",
        ComponentState::MajorOutage => "major outage",
    }
}
