//! Whose fault it seems to be, and why we think so.

use crate::engine::{ConfigurationClue, IncidentFacts, WhoseVerdict};
use crate::model::Share;

use super::place;

/// For the first line: `Likely the partner.`
pub(super) fn short(facts: &IncidentFacts) -> String {
    let who = match &facts.whose.verdict {
        WhoseVerdict::Partner | WhoseVerdict::PartnerForPods => "the partner",
        WhoseVerdict::PodConfiguration(_) => "our own configuration",
        WhoseVerdict::Location => "our own network",
        WhoseVerdict::Ringcheck => "ringcheck itself",
    };
    if facts.whose.is_known() { format!("It seems to be {who}.") } else { format!("Cause not yet known, maybe {who}.") }
}

/// For the body.
pub(super) fn long(facts: &IncidentFacts) -> Vec<String> {
    let sure = whole_percent(facts.whose.sure);
    let who = verdict(facts);
    let first = if facts.whose.is_known() {
        format!("{} ({sure} sure).", capital(&who))
    } else {
        format!("Not yet known. Likeliest: {who} ({sure}).")
    };
    let mut lines = vec![first];
    let grounds = grounds(facts);
    if !grounds.is_empty() {
        lines.push(grounds.join(" "));
    }
    lines
}

fn verdict(facts: &IncidentFacts) -> String {
    match &facts.whose.verdict {
        // The others may follow in seconds, and what the page lists must not contradict this.
        WhoseVerdict::Partner if place::may_spread(facts) => "the partner, likely in more pods than so far".to_owned(),
        WhoseVerdict::Partner => "the partner, for all pods".to_owned(),
        WhoseVerdict::PartnerForPods => match facts.pods.len() {
            1 => "the partner, in this pod only".to_owned(),
            _ => "the partner, in these pods only".to_owned(),
        },
        WhoseVerdict::PodConfiguration(clue) => format!("our own configuration, {}", self::clue(*clue)),
        WhoseVerdict::Location => format!("the network of our location {}", facts.location),
        WhoseVerdict::Ringcheck => "ringcheck itself".to_owned(),
    }
}

const fn clue(clue: ConfigurationClue) -> &'static str {
    match clue {
        ConfigurationClue::Credentials => "because the partner does not accept this pod's account or key",
        ConfigurationClue::Application => "because the pod's test application is wrong",
        ConfigurationClue::TokenEndpoint => "because the product's own token endpoint fails",
        ConfigurationClue::OneKey => "because one of the pod's keys fails and the others work",
    }
}

/// What speaks for the verdict.
fn grounds(facts: &IncidentFacts) -> Vec<String> {
    let mut grounds = Vec::new();
    let hit = facts.pods.len();
    if hit > 1 && matches!(facts.whose.verdict, WhoseVerdict::Partner | WhoseVerdict::PartnerForPods) {
        grounds.push(format!("{hit} pods with partner accounts of their own are hit."));
    }
    match facts.whose.healthy_pods {
        0 => {}
        1 => grounds.push("Another pod is healthy.".to_owned()),
        more => grounds.push(format!("{more} other pods are healthy.")),
    }
    match facts.whose.controls {
        Some((answered, of)) if answered == of => {
            grounds.push(format!("Our network works: all {of} control targets answer."));
        }
        Some((0, of)) => grounds.push(format!("None of the {of} control targets answers.")),
        Some((answered, of)) => grounds.push(format!("{answered} of {of} control targets answer.")),
        None => grounds.push("The control targets have not been asked yet.".to_owned()),
    }
    grounds
}

/// Never `100 %`: nobody is that sure.
fn whole_percent(share: Share) -> String {
    match (share.get() * 100.0).floor() {
        high if high >= 99.0 => "over 99 %".to_owned(),
        low => format!("{low:.0} %"),
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
