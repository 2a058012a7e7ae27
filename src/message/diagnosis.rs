//! How sure we are that something is broken, what it looks like, and what the failing attempts
//! have in common.

use super::finding;
use crate::engine::{IncidentFacts, IncidentState, PodImpact, Rule, Split, Symptom, TraitClass};
use crate::model::{FailureReason, Step, TokenKind};

/// Pods whose counts a page shows.
const PODS_SHOWN_MAX: usize = 6;
/// Classes that a page shows.
const SPLITS_SHOWN_MAX: usize = 3;

/// How sure: the counts that each pod's alert rests on.
pub(super) fn how_sure(facts: &IncidentFacts) -> Vec<String> {
    let mut lines: Vec<String> = facts.pods.iter().take(PODS_SHOWN_MAX).map(counts).collect();
    if let Some(more) = facts.pods.len().checked_sub(PODS_SHOWN_MAX).filter(|more| *more > 0) {
        lines.push(format!("{more} more pods: see the incident page."));
    }
    lines
}

fn counts(impact: &PodImpact) -> String {
    let evidence = &impact.evidence;
    let rules: Vec<&str> = impact.rules.iter().map(|rule| rule_in_words(*rule)).collect();
    let counted = match evidence.of {
        0 => "no test came to an end".to_owned(),
        of if impact.rules.iter().all(|rule| matches!(rule, Rule::CallQuality(_))) => {
            format!("{} of {of} test calls were beyond the limit", evidence.failed)
        }
        of if impact.rules.iter().all(|rule| rule.is_of_calls()) => {
            format!("{} of {of} test calls failed", evidence.failed)
        }
        of => format!("{} of {of} tests failed", evidence.failed),
    };
    let rules = if rules.is_empty() { String::new() } else { format!(" ({})", rules.join("; ")) };
    format!("{}: {counted}{rules}.", impact.pod)
}

const fn rule_in_words(rule: Rule) -> &'static str {
    match rule {
        Rule::Outage => "everything fails or gets no answer",
        Rule::TokenBound => "one token fails every time, unlike ones pass",
        Rule::Share => "more than chance explains",
        Rule::HeavyShare => "most of the last tests",
        Rule::Trait => "tokens of one kind of shape, more often than chance explains",
        Rule::Flapping => "three short breaks within a quarter of an hour",
        Rule::Plain(_) => "a threshold of your own",
        Rule::OutboundCalls => "too many of the last calls that agents place",
        Rule::InboundCalls => "too many of the last calls to agents",
        Rule::CallQuality(_) => "a limit on calls",
        Rule::NoData => "too long without a result",
        Rule::BornRed => "it has never worked here",
        Rule::Throttled => "the partner asked us to slow down",
        Rule::Location => "no control target answers",
        Rule::Certificate => "the certificate ends soon",
        Rule::TooFew => "fewer tests than you asked for",
        Rule::Ringcheck => "ringcheck is in trouble",
    }
}

/// What the failures look like and what they have in common.
pub(super) fn why(facts: &IncidentFacts) -> Vec<String> {
    let mut lines: Vec<String> =
        facts.symptom.as_ref().map(|symptom| symptom_in_words(symptom, facts.state)).into_iter().collect();
    let found = facts.finding.as_deref().map(finding::found).unwrap_or_default();
    if !found.is_empty() {
        lines.extend(found);
        return lines;
    }
    // One cause makes one set of classes; the pod with the most tests shows it best.
    let clearest = facts.pods.iter().filter(|impact| !impact.evidence.splits.is_empty()).max_by_key(|impact| {
        let split = &impact.evidence.splits[0];
        (split.of + split.others_of, std::cmp::Reverse(impact.pod.clone()))
    });
    if let Some(impact) = clearest {
        let place = if facts.pods.len() > 1 { format!(" ({})", impact.pod) } else { String::new() };
        for (number, split) in impact.evidence.splits.iter().take(SPLITS_SHOWN_MAX).enumerate() {
            // Nobody has tried to prove it wrong yet: it may be more than this.
            let start = if number == 0 { "Hit are at least " } else { "Counted another way: " };
            lines.push(format!("{start}{}{place}.", split_in_words(split)));
        }
    }
    lines
}

/// True if the failing tokens have a character of the signature in common and nothing speaks
/// against it. A signature is new with every token, so that it is not always the same agents.
pub(super) fn is_in_signature(facts: &IncidentFacts) -> bool {
    let mut best = facts.pods.iter().filter_map(|impact| impact.evidence.splits.first());
    best.any(|split| split.others_failed == 0 && matches!(split.class, TraitClass::SignatureSymbol(_)))
}

/// `capability tokens with "_" at payload offset 3 (mod 4): 14 of 14 fail; all others pass, 41 of 41`.
fn split_in_words(split: &Split) -> String {
    let others = match (split.others_failed, split.others_of) {
        (_, 0) => "nothing else was tested".to_owned(),
        (0, of) => format!("all others pass, {of} of {of}"),
        (failed, of) => format!("of the others {failed} of {of} fail"),
    };
    format!("{}: {} of {} fail; {others}", class_in_words(&split.class), split.failed, split.of)
}

/// `capability tokens with "_" at payload offset 3 (mod 4)`.
pub(super) fn class_in_words(class: &TraitClass) -> String {
    match class {
        TraitClass::Kind(kind) => format!("{kind} tokens"),
        TraitClass::Key(TokenKind::Access, slot) => {
            format!("access tokens signed with key no. {}", u32::from(slot.0) + 1)
        }
        TraitClass::Key(TokenKind::Capability, _) => "tokens signed with the auth token".to_owned(),
        TraitClass::NameResidue(kind, residue) => {
            format!("{kind} tokens of agents whose name has a length of {residue} (mod 3)")
        }
        TraitClass::PayloadSymbol(symbol, residue) => {
            format!("tokens with \"{symbol}\" at payload offset {residue} (mod 4)")
        }
        TraitClass::SignatureSymbol(symbol) => format!("tokens with \"{symbol}\" in the signature"),
        TraitClass::Edge(edge) => format!("connections through edge {edge}"),
        TraitClass::CallHold(ms) => format!("calls that last {} or longer", length(*ms)),
        TraitClass::CallRing(ms) => format!("calls that ring for {} or longer", length(*ms)),
        TraitClass::CallTo(to) => to.described().to_owned(),
        TraitClass::CallFarEnd(far) => far.described().to_owned(),
        TraitClass::CallCodec(codec) => format!("calls whose speech is coded in {}", codec.as_str()),
    }
}

fn length(ms: u32) -> String {
    crate::model::humane(std::time::Duration::from_millis(ms.into()))
}

/// `Fails when the partner checks the token (step connected): rejected, partner's code 31204.`
fn symptom_in_words(symptom: &Symptom, state: IncidentState) -> String {
    let fail = if state == IncidentState::Firing { "fail" } else { "failed" };
    let code = symptom.wire_code.map_or_else(String::new, |code| format!(", partner's code {code}"));
    let what = match symptom.reason {
        FailureReason::NoAnswer => "no answer within our deadline".to_owned(),
        reason => reason.to_string(),
    };
    format!("Tests {fail} {} (step {}): {what}{code}.", step_in_words(symptom.step), symptom.step)
}

const fn step_in_words(step: Step) -> &'static str {
    match step {
        Step::Mint => "when a token is made",
        Step::Dns => "when the partner's address is looked up",
        Step::Tcp => "when a connection to the partner is opened",
        Step::Tls => "when the connection is secured",
        Step::Upgrade => "when the signalling session is started",
        Step::Connected => "when the partner checks the token",
        Step::Registered => "when the agent's device is registered",
        Step::Invite => "when a call is placed",
        Step::Ringing => "when the far side should ring",
        Step::Answer => "when the call should be answered",
        Step::Ice => "when a path for audio is sought",
        Step::Dtls => "when the audio is secured",
        Step::Media => "when audio should flow",
        Step::Hangup => "when the call or registration is ended",
    }
}
