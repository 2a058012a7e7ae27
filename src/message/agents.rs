//! What agents experience.

use crate::engine::{Experience, IncidentFacts, PodImpact, Symptom};
use crate::model::{Share, Timestamp, TokenKind};

use super::calls;
use super::diagnosis;
use super::fault::capital;
use super::hit::Hit;
use super::place::named;
use super::subject_matter::SubjectMatter;

/// Kinds of experience that a page tells apart before it points to the dashboard.
const KINDS_SHOWN_MAX: usize = 4;
/// An interval wider than this says little more than "some".
const WIDE: f64 = 0.3;
/// Pods named with one kind of experience.
const NAMED_MAX: usize = 5;

/// For the first line: `No agent can connect`.
pub(super) fn short(facts: &IncidentFacts) -> String {
    if let Some(known) = Hit::of_all(facts, false) {
        return known;
    }
    match worst(facts) {
        Some(Experience::NobodyConnects) => "No agent can connect".to_owned(),
        Some(Experience::SomeAgents { share, kind }) => format!("{} cannot connect", capital(&some(share, kind))),
        Some(Experience::SomeConnections { share }) => format!("{} of connections fail", percent(share)),
        Some(Experience::ComesAndGoes) => "Connections break again and again".to_owned(),
        Some(Experience::Calls { direction, trouble, .. }) => capital(&calls::meet(direction, trouble)),
        Some(Experience::NotAffected) => "Agents can work".to_owned(),
        Some(Experience::Unknown) | None => "We cannot tell whether agents can connect".to_owned(),
    }
}

/// Once it is over: `22 to 51 % of the agents could not connect`.
pub(super) fn past(facts: &IncidentFacts) -> String {
    if let Some(known) = Hit::of_all(facts, true) {
        return known;
    }
    match worst(facts) {
        Some(Experience::NobodyConnects) => "No agent could connect".to_owned(),
        Some(Experience::SomeAgents { share, kind }) => {
            format!("{} could not connect", capital(&some(share, kind)))
        }
        Some(Experience::SomeConnections { share }) => format!("{} of connections failed", percent(share)),
        Some(Experience::ComesAndGoes) => "Connections broke again and again".to_owned(),
        Some(Experience::Calls { direction, trouble, bad, of }) => {
            format!("{}, {}", capital(&calls::met(direction, trouble)), calls::counted(bad, of))
        }
        Some(Experience::NotAffected) => "Agents could work".to_owned(),
        Some(Experience::Unknown) | None => "We could not tell whether agents could connect".to_owned(),
    }
}

/// For the body.
pub(super) fn long(facts: &IncidentFacts) -> Vec<String> {
    let groups = groups(facts);
    let several = groups.len() > 1;
    let mut lines: Vec<String> = groups
        .iter()
        .take(KINDS_SHOWN_MAX)
        .map(|group| {
            let place =
                if several { format!("{}: ", named(group.pods.iter().copied(), NAMED_MAX)) } else { String::new() };
            let text = match group.hit {
                Some(hit) => hit.sentence(),
                None => sentence(group.experience, diagnosis::is_in_signature(facts)),
            };
            format!("{place}{text}")
        })
        .collect();
    match SubjectMatter::of(facts) {
        SubjectMatter::Calls => {}
        matter => return for_owner(matter, facts, lines),
    }
    let hurt = |e: Experience| !matches!(e, Experience::NotAffected | Experience::Unknown);
    if groups.iter().any(|group| hurt(group.experience)) {
        lines.extend(
            facts.symptom.as_ref().filter(|_| !are_calls_bad(facts)).map(|symptom| what_they_see(symptom, facts)),
        );
    }
    lines
}

fn sentence(experience: Experience, in_signature: bool) -> String {
    match experience {
        Experience::NobodyConnects => "No agent can connect: no calls out, no calls in.".to_owned(),
        Experience::SomeAgents { share, kind } => {
            let who = if in_signature { "with the token they have now" } else { "always the same ones" };
            format!("{} cannot connect, {who}. The others can work.", capital(&some(share, kind)))
        }
        Experience::SomeConnections { share } => {
            format!("{} of connections fail, for any agent. Trying again can help.", percent(share))
        }
        Experience::ComesAndGoes => {
            "Connections break for short moments, again and again. Agents drop out and come back.".to_owned()
        }
        Experience::Calls { direction, trouble, bad, of } => {
            format!("{}, {}. They can connect.", capital(&calls::meet(direction, trouble)), calls::counted(bad, of))
        }
        Experience::NotAffected => "Agents can work, as far as we see.".to_owned(),
        Experience::Unknown => "Not known: we cannot look.".to_owned(),
    }
}

/// `22 to 46 % of the agents with capability tokens`. While the interval is too wide to plan with,
/// the words come first: `some agents with capability tokens (16 to 75 %)`.
fn some((low, high): (Share, Share), kind: Option<TokenKind>) -> String {
    let holders = kind.map_or_else(String::new, |kind| format!(" with {kind} tokens"));
    if low == Share::ZERO && high == Share::ONE {
        return format!("some agents{holders} (share not known yet)");
    }
    let percent = percent((low, high));
    if high.get() - low.get() > WIDE {
        return format!("some agents{holders} ({})", percent.to_lowercase());
    }
    format!("{percent} of the agents{holders}")
}

/// What a trouble of the monitor means for agents: mostly that nobody would notice theirs.
fn for_owner(matter: SubjectMatter, facts: &IncidentFacts, found: Vec<String>) -> Vec<String> {
    let text = match matter {
        SubjectMatter::Calls => return found,
        SubjectMatter::BornRed => "Not known. This has never worked here, so it may be our own set-up.",
        SubjectMatter::Throttled => {
            "Not affected by this. But we look less often there: a real fault would show later."
        }
        SubjectMatter::NoData | SubjectMatter::TooFew => "Not known. A real fault there would show late or not at all.",
        SubjectMatter::Certificate => return vec![before_it_ends(facts)],
        SubjectMatter::Network => "Not known. From here we cannot look, so nothing is held against the partner.",
        SubjectMatter::Own(_) => "Not affected by this. But a real fault may show late or not at all.",
    };
    vec![text.to_owned()]
}

/// How long is left before a certificate ends.
fn before_it_ends(facts: &IncidentFacts) -> String {
    match first_to_end(facts) {
        Some(end) if end > facts.opened => {
            let days = end.since(facts.opened).as_secs() / 86_400;
            let left = if days == 1 { "1 day is".to_owned() } else { format!("{days} days are") };
            format!("Not affected yet. {left} left; from {} UTC on no agent can connect.", end.date_and_clock())
        }
        Some(end) => format!("It ended {} UTC: devices that check it cannot connect.", end.date_and_clock()),
        None => "Not affected yet. On the day the certificate ends, no agent can connect.".to_owned(),
    }
}

/// When the first certificate of a pod hit ends, where that is what the incident is about.
pub(super) fn first_to_end(facts: &IncidentFacts) -> Option<Timestamp> {
    facts.pods.iter().filter_map(|impact| impact.certificate_ends).min()
}

/// What the agent's device shows of the failure.
fn what_they_see(symptom: &Symptom, facts: &IncidentFacts) -> String {
    match &symptom.device_error {
        Some((code, name)) => format!("Their device raises error {code} ({name})."),
        None if calls::is_about_calls(facts) => calls::unseen().to_owned(),
        None => "Their device raises no error: agents see nothing, it waits for ever.".to_owned(),
    }
}

struct Group<'a> {
    experience: Experience,
    /// Whom it hits, where that need not be estimated.
    hit: Option<Hit>,
    pods: Vec<&'a PodImpact>,
}

/// The kinds of experience, worst first; estimated shares of one kind are put together.
fn groups(facts: &IncidentFacts) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for impact in &facts.pods {
        let (experience, hit) = (impact.experience, Hit::of(facts, impact));
        match groups.iter_mut().find(|group| same_kind(group.experience, experience) && group.hit == hit) {
            Some(group) => {
                group.experience = widened(group.experience, experience);
                group.pods.push(impact);
            }
            None => groups.push(Group { experience, hit, pods: vec![impact] }),
        }
    }
    groups.sort_by_key(|group| badness(group.experience));
    groups
}

/// The worst experience, with the estimates of all pods that have it.
fn worst(facts: &IncidentFacts) -> Option<Experience> {
    let all = facts.pods.iter().map(|impact| impact.experience);
    let worst = all.clone().min_by_key(|experience| badness(*experience))?;
    all.filter(|experience| same_kind(worst, *experience)).reduce(widened)
}

fn same_kind(one: Experience, other: Experience) -> bool {
    match (one, other) {
        (
            Experience::Calls { direction: a, trouble: one, .. },
            Experience::Calls { direction: b, trouble: other, .. },
        ) => (a, one.as_str()) == (b, other.as_str()),
        _ => badness(one) == badness(other),
    }
}

/// True if calls are made, badly: no device shows that.
fn are_calls_bad(facts: &IncidentFacts) -> bool {
    let bad = |e: Experience| matches!(e, Experience::Calls { trouble, .. } if !trouble.is_failure());
    facts.pods.iter().all(|impact| bad(impact.experience))
}

const fn badness(experience: Experience) -> u8 {
    match experience {
        Experience::NobodyConnects => 0,
        Experience::SomeAgents { .. } => 1,
        Experience::SomeConnections { .. } => 2,
        Experience::Calls { trouble, .. } if trouble.is_failure() => 3,
        Experience::ComesAndGoes => 4,
        Experience::Calls { .. } => 5,
        Experience::Unknown => 6,
        Experience::NotAffected => 7,
    }
}

fn widened(one: Experience, other: Experience) -> Experience {
    let hull = |a: (Share, Share), b: (Share, Share)| {
        let low = if b.0 < a.0 { b.0 } else { a.0 };
        (low, if b.1 > a.1 { b.1 } else { a.1 })
    };
    match (one, other) {
        (Experience::SomeAgents { share: a, kind: one }, Experience::SomeAgents { share: b, kind: other }) => {
            Experience::SomeAgents { share: hull(a, b), kind: if one == other { one } else { None } }
        }
        (Experience::SomeConnections { share: a }, Experience::SomeConnections { share: b }) => {
            Experience::SomeConnections { share: hull(a, b) }
        }
        (Experience::Calls { direction, trouble, bad, of }, Experience::Calls { bad: more_bad, of: of_more, .. }) => {
            Experience::Calls { direction, trouble, bad: bad + more_bad, of: of + of_more }
        }
        _ => one,
    }
}

/// `27 to 40 %`; `about 33 %` where both ends round to one number.
pub(super) fn percent((low, high): (Share, Share)) -> String {
    let whole = |share: Share| (share.get() * 100.0).round();
    match (whole(low), whole(high)) {
        (_, high) if high < 1.0 => "Under 1 %".to_owned(),
        (low, high) if low < 1.0 => format!("Up to {high:.0} %"),
        (low, high) if (low - high).abs() < 0.5 => format!("About {low:.0} %"),
        (low, high) => format!("{low:.0} to {high:.0} %"),
    }
}
