//! The two lines that a phone shows on its lock screen: the subject, and the first line.

use crate::engine::{IncidentFacts, IncidentState, NotifyReason, Trouble};
use crate::model::humane;

use super::subject_matter::SubjectMatter;
use super::{agents, calls, fault, place};

/// The subject: the same for every message of an incident, or mail programs would split the
/// thread. So it is made only of what was fixed at opening; the state stands in the body.
pub fn subject(facts: &IncidentFacts) -> String {
    let middle: String = facts.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("[ringcheck {}] {middle}", facts.number)
}

/// The first line, which says it all: what, where, since when, whose fault.
pub fn headline(facts: &IncidentFacts, reason: NotifyReason) -> String {
    if facts.state == IncidentState::Resolved {
        return over(facts);
    }
    let start = match reason {
        NotifyReason::First | NotifyReason::Resolved => "",
        NotifyReason::Wider => "Now wider: ",
        NotifyReason::Learned => "News: ",
    };
    let since = facts.first_failure.clock();
    match SubjectMatter::of(facts) {
        SubjectMatter::Calls => {
            let (what, place) = (agents::short(facts), place::short(facts));
            let what = if start.is_empty() { what } else { lower(&what) };
            let comma = if place::may_spread(facts) { "," } else { "" };
            format!("{start}{what} in {place}{comma} since {since} UTC. {}", fault::short(facts))
        }
        matter => format!("{start}{} (since {since} UTC).", for_owner(matter, facts)),
    }
}

fn over(facts: &IncidentFacts) -> String {
    let lasted = facts.resolved.map_or_else(String::new, |end| {
        let length = humane(end.since(facts.first_failure));
        format!(" after {length} ({} to {} UTC)", facts.first_failure.clock(), end.clock())
    });
    match SubjectMatter::of(facts) {
        SubjectMatter::Calls if calls::is_about_calls(facts) => {
            format!("Over: calls are well again in {}{lasted}.", place::short(facts))
        }
        SubjectMatter::Calls => format!("Over: agents can connect again in {}{lasted}.", place::short(facts)),
        matter => format!("Over{lasted}. It was: {}.", lower(&for_owner(matter, facts))),
    }
}

/// What is wrong, for the owner of the monitor.
fn for_owner(matter: SubjectMatter, facts: &IncidentFacts) -> String {
    let place = place::short(facts);
    match matter {
        SubjectMatter::Calls => agents::short(facts),
        SubjectMatter::BornRed => format!("Something in {place} has failed from its very first test on"),
        SubjectMatter::Throttled => format!("The partner asks ringcheck to slow down in {place}"),
        SubjectMatter::NoData => format!("No test of {place} has come to an end"),
        SubjectMatter::TooFew => format!("Fewer tests than you asked for in {place}"),
        SubjectMatter::Certificate => {
            let end = agents::first_to_end(facts);
            let day = end.map_or_else(|| "soon".to_owned(), |at| format!("on {}", at.date()));
            format!("The partner's certificate ends {day}, seen in {place}")
        }
        SubjectMatter::Network => format!("The network of our location {} is down", facts.location),
        SubjectMatter::Own(trouble) => own_trouble(trouble).to_owned(),
    }
}

const fn own_trouble(trouble: Option<Trouble>) -> &'static str {
    match trouble {
        Some(Trouble::Journal) => {
            "ringcheck cannot save its journal; pages still go out, but may repeat after a restart"
        }
        Some(Trouble::Store) => "ringcheck's store was damaged and begun anew",
        Some(Trouble::Facts) => "ringcheck could not read back all that it had stored",
        Some(Trouble::Receiver) => "A receiver of pages cannot be reached",
        Some(Trouble::Secret) => "ringcheck cannot read one of its secrets",
        Some(Trouble::Network) => "The network of our location is down",
        Some(Trouble::Attempts) => "ringcheck loses tests without a result",
        None => "ringcheck is in trouble",
    }
}

/// The first letter small, unless the word is a name or a number.
fn lower(text: &str) -> String {
    if text.starts_with("ringcheck") {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
