//! Facts as phrases for the dashboard and the API: short ones, for somebody who is in a hurry.

use std::time::Duration;

use crate::engine::{
    Component, ComponentState, ConfigurationClue, Evidence, Experience, Rule, TraitClass, Trouble, Verdict, Whose,
    WhoseVerdict,
};
use crate::message::calls;
use crate::model::{LostReason, Outcome, Role, Share, Step, Timestamp, humane};

/// What agents experience, as a sentence.
pub(super) fn experience(experience: &Experience) -> String {
    match experience {
        Experience::NobodyConnects => "No agent can connect.".to_owned(),
        Experience::SomeAgents { share, kind } => {
            let holders = kind.map(|kind| format!(" who hold {kind} tokens")).unwrap_or_default();
            format!("{} of the agents{holders} cannot connect, always the same ones.", interval(*share))
        }
        Experience::SomeConnections { share } => {
            format!("{} of the connections fail, for any agent.", interval(*share))
        }
        Experience::ComesAndGoes => "Connections break for short moments, again and again.".to_owned(),
        Experience::Calls { direction, trouble, bad, of } => {
            let met = calls::meet(*direction, *trouble);
            format!("{}{}, {}.", met[..1].to_uppercase(), &met[1..], calls::counted(*bad, *of))
        }
        Experience::NotAffected => "Agents can work.".to_owned(),
        Experience::Unknown => "Not known: we cannot look.".to_owned(),
    }
}

/// `20 to 41 %`, or one number where both ends read the same.
fn interval((low, high): (Share, Share)) -> String {
    let (low, high) = (low.to_string(), high.to_string());
    if low == high {
        return format!("About {high}");
    }
    format!("{} to {high}", low.trim_end_matches(" %"))
}

/// Whose fault it seems to be, as a sentence.
pub(super) fn whose(whose: &Whose) -> String {
    let who = match &whose.verdict {
        WhoseVerdict::Partner => "the partner, for all pods",
        WhoseVerdict::PartnerForPods => "the partner, but not in all pods",
        WhoseVerdict::PodConfiguration(ConfigurationClue::Credentials) => "this pod's credentials",
        WhoseVerdict::PodConfiguration(ConfigurationClue::Application) => "this pod's application setting",
        WhoseVerdict::PodConfiguration(ConfigurationClue::TokenEndpoint) => "the product's token endpoint",
        WhoseVerdict::PodConfiguration(ConfigurationClue::OneKey) => "one of this pod's keys",
        WhoseVerdict::PodConfiguration(ConfigurationClue::OwnServer(_)) => "this pod's own STUN or TURN server",
        WhoseVerdict::Location => "the network of our own location",
        WhoseVerdict::Ringcheck => "ringcheck itself",
    };
    if whose.verdict == WhoseVerdict::Ringcheck {
        // This is known, not inferred.
        return "ringcheck itself.".to_owned();
    }
    // Certainty is never claimed: 99.97 % would read as 100 %.
    let percent = (whose.sure.get() * 100.0).floor().min(99.0);
    if !whose.is_known() {
        format!("Not yet known; most likely {who} ({percent:.0} %).")
    } else {
        let mut chars = who.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase()).into_iter();
        format!("{} ({percent:.0} % sure).", first.chain(chars).collect::<String>())
    }
}

/// The counts behind an alert.
pub(super) fn counts(evidence: &Evidence) -> String {
    format!("{} of {} failed", evidence.failed, evidence.of)
}

/// A class of attempts.
pub(super) fn class(class: &TraitClass) -> String {
    match class {
        TraitClass::Kind(kind) => format!("{kind} tokens"),
        TraitClass::Key(kind, slot) => format!("{kind} tokens signed with key {}", slot.0 + 1),
        TraitClass::NameResidue(kind, residue) => {
            format!("{kind} tokens of names whose length leaves {residue} when divided by 3")
        }
        TraitClass::PayloadSymbol(symbol, residue) => {
            format!("tokens with \u{201c}{symbol}\u{201d} at a payload offset that leaves {residue} when divided by 4")
        }
        TraitClass::SignatureSymbol(symbol) => format!("tokens with \u{201c}{symbol}\u{201d} in the signature"),
        TraitClass::Edge(edge) => format!("edge {edge}"),
        TraitClass::CallHold(ms) => format!("calls that last {} or longer", in_words(*ms)),
        TraitClass::CallRing(ms) => format!("calls that ring for {} or longer", in_words(*ms)),
        TraitClass::CallTo(to) => to.described().to_owned(),
        TraitClass::CallFarEnd(far) => far.described().to_owned(),
        TraitClass::CallCodec(codec) => format!("calls coded in {}", codec.as_str()),
    }
}

fn in_words(ms: u32) -> String {
    humane(Duration::from_millis(ms.into()))
}

/// A rule, for people.
pub(super) fn rule(rule: Rule) -> String {
    let text = match rule {
        Rule::Outage => "everything fails",
        Rule::TokenBound => "bound to tokens",
        Rule::Share => "share of failures",
        Rule::HeavyShare => "heavy share of failures",
        Rule::Trait => "failures of one trait",
        Rule::Flapping => "comes and goes",
        Rule::Plain(place) => return format!("own rule {}", u16::from(place) + 1),
        Rule::OutboundCalls => "calls that agents place",
        Rule::InboundCalls => "calls to agents",
        Rule::CallQuality(place) => return format!("call rule {}", u16::from(place) + 1),
        Rule::NoData => "no data",
        Rule::BornRed => "never worked here",
        Rule::Throttled => "asked to slow down",
        Rule::Location => "our own network",
        Rule::Certificate => "certificate ends soon",
        Rule::TooFew => "too few observations",
        Rule::Ringcheck => "ringcheck itself",
    };
    text.to_owned()
}

/// A verdict, for people.
pub(super) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NoData => "No data",
        Verdict::Healthy => "Healthy",
        Verdict::Partial => "Partial",
        Verdict::Flapping => "Flapping",
        Verdict::Failing => "Failing",
    }
}

/// A component, for people.
pub(super) const fn component(component: Component) -> &'static str {
    match component {
        Component::MakingCalls => "Making calls",
        Component::ReceivingCalls => "Receiving calls",
        Component::CallQuality => "Call quality",
    }
}

/// A component's state, for people.
pub(super) const fn component_state(state: ComponentState) -> &'static str {
    match state {
        ComponentState::Operational => "Operational",
        ComponentState::DegradedPerformance => "Degraded performance",
        ComponentState::PartialOutage => "Partial outage",
        ComponentState::MajorOutage => "Major outage",
    }
}

/// A trouble of our own, as a sentence.
pub(super) const fn trouble(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Journal => "The journal cannot be written. Paging goes on.",
        Trouble::Store => "The store was damaged and was begun anew.",
        Trouble::Receiver => "A receiver cannot be reached.",
        Trouble::Secret => "A secret cannot be read.",
        Trouble::Network => "All control targets of this location fail.",
        Trouble::Facts => "Stored facts could not be read back.",
        Trouble::Attempts => "Attempts end without a result.",
    }
}

/// Why an attempt was made.
pub(super) const fn role(role: Role) -> &'static str {
    match role {
        Role::Scheduled => "scheduled",
        Role::Repeat => "the failing token again",
        Role::Contrast => "a token unlike the failing one",
        Role::Diagnosis => "a token chosen to tell the fault",
        Role::Recovery => "a fresh token like the failing one",
    }
}

/// What a step is to somebody who does not know the wire.
pub(super) const fn step(step: Step) -> &'static str {
    match step {
        Step::Mint => "token",
        Step::Dns => "name lookup",
        Step::Tcp => "TCP",
        Step::Tls => "TLS",
        Step::Upgrade => "WebSocket",
        Step::Connected => "token accepted",
        Step::Registered => "registered",
        Step::Hangup => "leave",
        other => other.as_str(),
    }
}

/// How an attempt ended, in some words.
pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed { degraded } if degraded.is_empty() => "completed".to_owned(),
        Outcome::Completed { degraded } => {
            let what: Vec<String> = degraded.iter().map(word).collect();
            format!("completed, degraded: {}", what.join(", "))
        }
        Outcome::Failed(failure) => {
            let wire = failure.wire_code.map(|code| format!(", wire {code}")).unwrap_or_default();
            let errors: Vec<String> = failure.device_errors.iter().map(|e| format!("{} {}", e.code, e.name)).collect();
            let agent = if errors.is_empty() {
                "the agent sees nothing".to_owned()
            } else {
                format!("the agent\u{2019}s device gets {}", errors.join(", then "))
            };
            format!("failed at {}: {}{wire}; {agent}", failure.step, failure.reason)
        }
        Outcome::Throttled { step, .. } => format!("asked to slow down at {step}"),
        Outcome::Lost { reason } => format!("not looked: {}", lost(*reason)),
    }
}

const fn lost(reason: LostReason) -> &'static str {
    match reason {
        LostReason::NoReport => "no report in time",
        LostReason::Restart => "ringcheck restarted",
        LostReason::Stopped => "ringcheck was told to stop",
        LostReason::QueueFull => "a queue of ours was full",
        LostReason::Secret => "a secret could not be read",
        LostReason::Crash => "the attempt\u{2019}s task died",
        LostReason::TokenGone => "the token is no longer known",
        LostReason::NotAllowed => "a phone number is not in allowed_numbers",
        LostReason::NoNetwork => "this machine has no network",
        LostReason::Overloaded => "this machine was too busy for its own audio",
    }
}

/// The word that a value has in JSON, with spaces.
fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word.replace('_', " "),
        Ok(serde_json::Value::Object(fields)) => {
            fields.keys().map(|key| key.replace('_', " ")).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// A moment seen from another: `47 s ago`, `in 2 s`, `now`.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    let whole = |length: Duration| {
        let secs = length.as_secs();
        if secs < 10 { format!("{secs} s") } else { humane(length) }
    };
    match at.as_millis() - now.as_millis() {
        ..-999 => format!("{} ago", whole(now.since(at))),
        -999..1000 => "now".to_owned(),
        _ => format!("in {}", whole(at.since(now))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(share: f64, verdict: WhoseVerdict) -> Whose {
        Whose { verdict, sure: Share::clamped(share), controls: None, healthy_pods: 0 }
    }

    #[test]
    fn certainty_is_not_claimed() {
        assert_eq!(whose(&sure(0.9997, WhoseVerdict::Partner)), "The partner, for all pods (99 % sure).");
        let unsure = whose(&sure(0.62, WhoseVerdict::Location));
        assert_eq!(unsure, "Not yet known; most likely the network of our own location (62 %).");
    }

    #[test]
    fn a_share_is_told_with_its_uncertainty() {
        let share = (Share::clamped(0.21), Share::clamped(0.47));
        assert_eq!(
            experience(&Experience::SomeAgents { share, kind: None }),
            "21 to 47 % of the agents cannot connect, always the same ones."
        );
        let share = (Share::ONE, Share::ONE);
        assert_eq!(
            experience(&Experience::SomeConnections { share }),
            "About 100 % of the connections fail, for any agent."
        );
    }

    #[test]
    fn moments_read_from_now() {
        let now = Timestamp::from_millis(100_000);
        let said = [40_000, 98_000, 99_500, 102_300].map(|ms| relative(Timestamp::from_millis(ms), now));
        assert_eq!(said, ["60 s ago", "2 s ago", "now", "in 2 s"]);
    }
}
