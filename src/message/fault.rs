//! Whose fault it seems to be, and why we think so.

use crate::engine::{ConfigurationClue, IncidentFacts, WhoseVerdict};
use crate::model::{IceService, IceTrouble, Share};

use super::place;

/// For the first line: `Likely the partner.`
pub(super) fn short(facts: &IncidentFacts) -> String {
    let who = match &facts.whose.verdict {
        WhoseVerdict::Partner | WhoseVerdict::PartnerForPods => "the partner",
        WhoseVerdict::PodConfiguration(ConfigurationClue::OwnServer(of)) => own_server(of.service),
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
        WhoseVerdict::PodConfiguration(ConfigurationClue::OwnServer(of)) => {
            format!(
                "{} that the pod's file names ({}), not the partner: {}",
                own_server(of.service),
                of.service.as_str(),
                server_trouble(of.trouble)
            )
        }
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
        ConfigurationClue::OwnServer(_) => "because a server that the pod's file names is of no use",
    }
}

const fn own_server(service: IceService) -> &'static str {
    match service {
        IceService::Stun => "our own STUN server",
        IceService::Turn(_) | IceService::List => "our own TURN server",
    }
}

/// What is wrong with a server of our own.
fn server_trouble(trouble: IceTrouble) -> String {
    let said = match trouble {
        IceTrouble::NameNotFound => "its name is not found",
        IceTrouble::Unreachable => "it cannot be reached",
        IceTrouble::TlsFailed => "TLS with it fails",
        IceTrouble::NoAnswer => "it does not answer",
        IceTrouble::Malformed => "it does not speak TURN",
        IceTrouble::Ended => "it takes back what it gave",
        IceTrouble::OwnNetwork | IceTrouble::OwnSecret => "it was not asked",
        IceTrouble::Refused(code) => {
            let why = match code {
                401 => ", the credentials in the pod's file are wrong",
                403 => ", it does not relay to the partner's addresses",
                486 | 508 => ", it has no more to give",
                _ => "",
            };
            return format!("it refuses with {code}{why}");
        }
    };
    said.to_owned()
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
