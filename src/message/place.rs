//! Where: pods, named while they are few.

use crate::engine::{IncidentFacts, IncidentState, PodImpact, WhoseVerdict};

/// Pods that a headline names; more are counted.
const NAMED_IN_HEADLINE_MAX: usize = 3;
/// Pods that the body names.
const NAMED_IN_BODY_MAX: usize = 20;

/// `pod-14, pod-18 and pod-23`; the first few, and how many more.
pub(super) fn named<'a>(pods: impl ExactSizeIterator<Item = &'a PodImpact>, max: usize) -> String {
    let more = pods.len().saturating_sub(max);
    let mut names: Vec<String> = pods.take(max).map(|impact| impact.pod.to_string()).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    joined(&names)
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn joined(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

/// For the first line: `pod-14 and pod-18`, `all 30 pods`, `12 of 30 pods`.
pub(super) fn short(facts: &IncidentFacts) -> String {
    let hit = facts.pods.len();
    if hit <= NAMED_IN_HEADLINE_MAX {
        let all = if hit > 1 && is_all(facts) { format!(" (all {hit} pods)") } else { String::new() };
        format!("{}{all}{}", named(facts.pods.iter(), NAMED_IN_HEADLINE_MAX), so_far(facts))
    } else if is_all(facts) {
        format!("all {hit} pods")
    } else {
        format!("{hit} of {} pods{}", facts.pods_watched, so_far(facts))
    }
}

/// True if the fault seems to be everybody's, though not every pod has shown it yet.
pub(super) fn may_spread(facts: &IncidentFacts) -> bool {
    facts.state == IncidentState::Firing && facts.whose.verdict == WhoseVerdict::Partner && !is_all(facts)
}

fn so_far(facts: &IncidentFacts) -> &'static str {
    if may_spread(facts) && !facts.pods.is_empty() { " so far" } else { "" }
}

/// For the body.
pub(super) fn long(facts: &IncidentFacts) -> Vec<String> {
    let mut lines = Vec::new();
    if facts.pods.is_empty() {
        lines.push(format!("This location, {}.", facts.location));
        return lines;
    }
    let hit = facts.pods.len();
    let of = match facts.pods_watched {
        1 => "the only pod that is watched".to_owned(),
        watched if is_all(facts) => format!("all {watched} pods that are watched"),
        watched => format!("{hit} of {watched} pods that are watched"),
    };
    let so_far = so_far(facts);
    lines.push(format!(
        "{}{so_far} ({of}). Seen from {}.",
        named(facts.pods.iter(), NAMED_IN_BODY_MAX),
        facts.location
    ));
    lines.extend(joined_later(facts));
    lines.extend(recovered(facts));
    lines
}

fn is_all(facts: &IncidentFacts) -> bool {
    facts.pods.len() >= facts.pods_watched as usize
}

/// Pods that came to the incident after it was opened.
fn joined_later(facts: &IncidentFacts) -> Option<String> {
    let later: Vec<String> = facts
        .pods
        .iter()
        .filter(|impact| impact.fired > facts.opened)
        .take(NAMED_IN_BODY_MAX)
        .map(|impact| format!("{} at {}", impact.pod, impact.fired.clock()))
        .collect();
    (!later.is_empty()).then(|| format!("Hit after the first: {} UTC.", joined(&later)))
}

/// Pods that are well again while others are not.
fn recovered(facts: &IncidentFacts) -> Option<String> {
    if facts.state == IncidentState::Resolved {
        return None;
    }
    let well: Vec<String> = facts
        .pods
        .iter()
        .filter_map(|impact| impact.resolved.map(|at| format!("{} at {}", impact.pod, at.clock())))
        .take(NAMED_IN_BODY_MAX)
        .collect();
    (!well.is_empty()).then(|| format!("Well again: {} UTC.", joined(&well)))
}
