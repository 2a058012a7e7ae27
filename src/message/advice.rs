//! What to do now: only what the facts speak for.

use crate::engine::{
    ConfigurationClue, Experience, IncidentFacts, IncidentState, PodImpact, Split, TraitClass, Trouble, WhoseVerdict,
};
use crate::model::TokenKind;

use super::calls;
use super::diagnosis::{class_in_words, is_in_signature};
use super::finding;
use super::place::named;
use super::subject_matter::SubjectMatter;

/// Passing attempts of the other class from which on it is worth advising to switch to it.
const ENOUGH_PASSED: u32 = 5;
/// Pods that one piece of advice names.
const PODS_NAMED_MAX: usize = 5;
/// Runbooks that a page names.
const RUNBOOKS_MAX: usize = 3;

/// One thing to do, perhaps with a link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) text: String,
    pub(super) url: Option<String>,
}

fn step(text: impl Into<String>) -> Step {
    Step { text: text.into(), url: None }
}

/// What to do now, in order.
pub(super) fn advice(facts: &IncidentFacts, incident_url: &str) -> Vec<Step> {
    if facts.state == IncidentState::Resolved {
        return vec![step("Nothing. ringcheck goes on looking.")];
    }
    let runbooks = facts.runbooks.iter().take(RUNBOOKS_MAX);
    let mut steps: Vec<Step> =
        runbooks.map(|url| Step { text: "Follow the runbook".to_owned(), url: Some(url.clone()) }).collect();
    match SubjectMatter::of(facts) {
        SubjectMatter::Calls => {
            steps.extend(remedy(facts).or_else(|| way_round(facts)));
            let is_own_server = facts.whose.verdict.is_own_server();
            // What helps against the partner's trouble does not help here.
            steps.extend(calls::advice(facts).filter(|_| !is_own_server).map(step));
            steps.extend(by_fault(facts, incident_url));
        }
        matter => steps.extend(for_owner(matter, facts)),
    }
    steps
}

/// What the diagnosis knows to help, the least effort first.
fn remedy(facts: &IncidentFacts) -> Option<Step> {
    facts.remedies.first().map(|remedy| step(finding::help(remedy)))
}

/// What passes where the rest fails can be switched to.
fn way_round(facts: &IncidentFacts) -> Option<Step> {
    let mut splits = facts
        .pods
        .iter()
        .filter(|impact| impact.resolved.is_none())
        .flat_map(|impact| &impact.evidence.splits)
        .filter(|split| split.others_failed == 0 && split.others_of >= ENOUGH_PASSED);
    let other_kind =
        || [TokenKind::Capability, TokenKind::Access].into_iter().find_map(|kind| switch_kind(facts, kind));
    splits.find_map(switch).or_else(other_kind).or_else(|| mint_again(facts)).map(step)
}

/// Some tokens of one kind fail and none of the other: `Switch pod-14 to access tokens …`.
fn switch_kind(facts: &IncidentFacts, failing: TokenKind) -> Option<String> {
    let hit = |impact: &&PodImpact| {
        let only = matches!(impact.experience, Experience::SomeAgents { kind: Some(kind), .. } if kind == failing);
        only && impact.resolved.is_none()
    };
    let pods: Vec<&PodImpact> = facts.pods.iter().filter(hit).collect();
    let other = match failing {
        TokenKind::Capability => TokenKind::Access,
        TokenKind::Access => TokenKind::Capability,
    };
    let named = named(pods.iter().copied(), PODS_NAMED_MAX);
    let text =
        format!("Switch {named} to {other} tokens, if you can: only {failing} tokens fail, {other} tokens pass.");
    (!pods.is_empty()).then_some(text)
}

/// What the payload says about an agent stays with a fresh token; the signature does not.
fn mint_again(facts: &IncidentFacts) -> Option<String> {
    let text =
        "A fresh token can help: the fault is in the signature, which is new each time. Let those hit sign in again.";
    is_in_signature(facts).then(|| text.to_owned())
}

fn switch(split: &Split) -> Option<String> {
    let passed = format!("{} of {} pass", split.others_of, split.others_of);
    match &split.class {
        TraitClass::Key(TokenKind::Access, _) => {
            Some(format!("Sign tokens with another key than {}: {passed}.", key_only(&split.class)))
        }
        TraitClass::Edge(edge) => Some(format!("Move agents from edge {edge} to another one: {passed}.")),
        _ => None,
    }
}

fn key_only(class: &TraitClass) -> String {
    class_in_words(class).replace("access tokens signed with ", "")
}

fn by_fault(facts: &IncidentFacts, incident_url: &str) -> Vec<Step> {
    let ticket = |text: &str| Step { text: text.to_owned(), url: Some(incident_url.to_owned()) };
    match &facts.whose.verdict {
        WhoseVerdict::Partner | WhoseVerdict::PartnerForPods => {
            vec![ticket("Open a ticket with the partner; times, codes and counts for it")]
        }
        WhoseVerdict::PodConfiguration(clue) => {
            vec![step(for_configuration(*clue)), ticket("The attempts that failed")]
        }
        WhoseVerdict::Location | WhoseVerdict::Ringcheck => {
            vec![step(format!("Check the network of {} before you blame the partner.", facts.location))]
        }
    }
}

const fn for_configuration(clue: ConfigurationClue) -> &'static str {
    match clue {
        ConfigurationClue::Credentials => {
            "Compare the account, API key and auth token in the pod's file with the partner's console: was a key revoked or rotated?"
        }
        ConfigurationClue::Application => "Check the application (application_sid) in the partner's console.",
        ConfigurationClue::TokenEndpoint => "Look at the product's token endpoint: its logs and its last deployment.",
        ConfigurationClue::OneKey => "Look at that key in the partner's console: was it revoked or rotated?",
        ConfigurationClue::OwnServer(_) => {
            "Look at the server that [ice] in the pod's file names: its log, its certificate, its credentials. Agents are hit as far as their application names the same server."
        }
    }
}

fn for_owner(matter: SubjectMatter, facts: &IncidentFacts) -> Vec<Step> {
    let text = match matter {
        SubjectMatter::Calls => return Vec::new(),
        SubjectMatter::BornRed => {
            "Check the credentials, edges and application in the pod's file with `ringcheck check`: it has not worked here once."
        }
        SubjectMatter::Throttled => {
            "Lower connections_per_minute in the pod's [budget], or ask the partner for a higher limit."
        }
        SubjectMatter::NoData => "See whether probing is paused, the budget spent, or the node short of CPU or memory.",
        SubjectMatter::TooFew => "See whether probing is paused or the pod's budget too small for this threshold.",
        SubjectMatter::Certificate => "Tell whoever renews this certificate. Calls fail on the day it ends.",
        SubjectMatter::Network => {
            return vec![step(format!(
                "Look after the network of {}. Pods are judged again once it is back.",
                facts.location
            ))];
        }
        SubjectMatter::Own(trouble) => for_trouble(trouble),
    };
    vec![step(text)]
}

const fn for_trouble(trouble: Option<Trouble>) -> &'static str {
    match trouble {
        Some(Trouble::Journal) => "Free some space on the disk of the store, and see that it can be written to.",
        Some(Trouble::Store) => "Look at the disk. The damaged file was kept beside the new one.",
        Some(Trouble::Facts) => {
            "See if an older ringcheck was started on a newer one's store. If not, report it: alerts may be out of date."
        }
        Some(Trouble::Receiver) => "Check the receiver's address, password and server; the log says what it answered.",
        Some(Trouble::Secret) => "See that the variable or file named in the log exists and can be read by ringcheck.",
        Some(Trouble::Attempts) => "Look at the node's log and load: tests vanish without a result.",
        Some(Trouble::Network) => "Look after this location's network.",
        None => "Look at the node's log.",
    }
}
