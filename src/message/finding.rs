//! What separates failing from passing tokens, in words: never more than was seen.

use crate::diagnosis::{Counts, FailShare, Finding, FindingState, PlaceFinding, PlaceState, Remedy, Spared};
use crate::model::Share;
use crate::token::Feature;

use super::place::joined;

/// Features that are named as ruled out.
const RULED_OUT_SHOWN_MAX: usize = 5;
/// Pods that are named as spared; more are counted.
const SPARED_SHOWN_MAX: usize = 3;
/// Fewer passing tokens rule nothing out.
const RULED_OUT_BY: u32 = 3;

/// The lines about it; none while nothing can be said.
pub(super) fn found(finding: &Finding) -> Vec<String> {
    let place = finding.place.as_ref().and_then(|place| whereabouts(place, finding));
    let (hit, there) = match finding.place.as_ref().and_then(|place| place.places.as_ref()) {
        Some(places) => (format!("Through {places}, hit are"), format!("Through {places} tokens")),
        None => ("Hit are".to_owned(), "No trait of the token explains it: tokens".to_owned()),
    };
    let claim = match finding.state {
        FindingState::Open => None,
        FindingState::AtLeast => {
            Some(format!("{hit} at least {}. What else may be hit is being tried.", counted(finding)))
        }
        FindingState::Verified => Some(match finding.fails_there() {
            None | Some(FailShare::All) => {
                format!("{hit} {}. Every other trait was seen to pass: verified.", counted(finding))
            }
            Some(share) => format!("{hit} {} of {} ({}).", part(share), counted(finding), sureness(finding)),
        }),
        FindingState::NoTokenTrait => {
            let Counts { failed, of } = sum(finding.inside, finding.outside);
            Some(format!("{there} of every kind and shape fail alike, {failed} of {of} ({}).", sureness(finding)))
        }
        FindingState::Contradicted => Some(
            "What was said before about the tokens that are hit has turned out to be wrong. It is looked for anew."
                .to_owned(),
        ),
    };
    let claimed = matches!(finding.state, FindingState::AtLeast | FindingState::Verified);
    let ruled_out = ruled_out(finding).filter(|_| claimed);
    let spared = finding.spared.as_ref().filter(|_| claimed).map(spared);
    [claim, place, spared, ruled_out].into_iter().flatten().collect()
}

/// `Only through gateway gw-3: 14 of 14 such tests fail there, 0 of 60 through 9 other gateways (99.6 % sure).`
fn whereabouts(place: &PlaceFinding, finding: &Finding) -> Option<String> {
    if place.state == PlaceState::Contradicted {
        return Some("What was said before about where at the partner it fails has turned out to be wrong.".to_owned());
    }
    let places = place.places.as_ref()?;
    let least = if place.state == PlaceState::AtLeast { "At least" } else { "Only" };
    let tests = if finding.predicate.0.is_empty() { "tests" } else { "such tests" };
    let others = match place.others {
        0 => format!("; no other {} was seen", places.sort.as_str()),
        1 => format!(", {} of {} through the other one", place.outside.failed, place.outside.of),
        more => {
            format!(", {} of {} through {more} other {}", place.outside.failed, place.outside.of, places.sort.plural())
        }
    };
    let sure = match place.state {
        PlaceState::Named => format!(" ({} % sure)", percent(place.posterior)),
        PlaceState::AtLeast | PlaceState::Contradicted => String::new(),
    };
    let untold = match place.untold.failed {
        0 => String::new(),
        failed => format!(" Of {failed} more that failed it is not known."),
    };
    let Counts { failed, of } = place.inside;
    Some(format!("{least} through {places}: {failed} of {of} {tests} fail there{others}{sure}.{untold}"))
}

/// `capability tokens: 14 of 14 fail; all others pass, 41 of 41`.
fn counted(finding: &Finding) -> String {
    let (inside, outside) = (finding.inside, finding.outside);
    let others = match (outside.failed, outside.of) {
        (_, 0) => "nothing else was tried".to_owned(),
        (0, of) => format!("all others pass, {of} of {of}"),
        (failed, of) => format!("of the others {failed} of {of} fail"),
    };
    format!("{}: {} of {} fail; {others}", finding.predicate, inside.failed, inside.of)
}

const fn part(share: FailShare) -> &'static str {
    match share {
        FailShare::All => "all",
        FailShare::Half | FailShare::HalfOfTokens => "about half",
        FailShare::Quarter | FailShare::QuarterOfTokens => "about a quarter",
        FailShare::Tenth | FailShare::TenthOfTokens => "about a tenth",
    }
}

/// `99.8 % sure, if 1 % fails by chance`.
fn sureness(finding: &Finding) -> String {
    format!("{} % sure, if {} % fails by chance", percent(finding.posterior), percent(finding.background))
}

/// `In pod-15 and pod-16 such tokens pass, 45 of 45.`
fn spared(spared: &Spared) -> String {
    let pods = match spared.pods.len() {
        few if few <= SPARED_SHOWN_MAX && few == spared.count as usize => {
            joined(&spared.pods.iter().map(ToString::to_string).collect::<Vec<_>>())
        }
        _ => format!("{} other pods", spared.count),
    };
    format!("In {pods} such tokens pass, {} of {}.", spared.looks.passed(), spared.looks.of)
}

/// `99.8`, never rounded up.
fn percent(share: Share) -> String {
    format!("{:.1}", (share.get() * 1_000.0).floor() / 10.0).trim_end_matches(".0").to_owned()
}

fn sum(one: Counts, other: Counts) -> Counts {
    Counts { failed: one.failed + other.failed, of: one.of + other.of }
}

/// What was looked at and passes: kinds, keys, lengths mod 3 and edges.
fn ruled_out(finding: &Finding) -> Option<String> {
    let told = |feature: &Feature| {
        matches!(feature, Feature::Kind(_) | Feature::Key(..) | Feature::NameResidue(_) | Feature::Edge(_))
    };
    let passing = finding.ruled_out.iter().filter(|ruled| told(&ruled.feature) && ruled.outside.failed == 0);
    let mut named: Vec<String> = passing
        .filter(|ruled| ruled.outside.of >= RULED_OUT_BY)
        .map(|ruled| format!("{} ({} of {1} pass)", ruled.feature, ruled.outside.of))
        .collect();
    let more = named.len().saturating_sub(RULED_OUT_SHOWN_MAX);
    named.truncate(RULED_OUT_SHOWN_MAX);
    let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
    (!named.is_empty()).then(|| format!("Not the cause by themselves: {}{rest}.", named.join(", ")))
}

/// What helps those hit now: `Use access tokens: none of them is hit.`
pub(super) fn help(remedy: &Remedy) -> String {
    match remedy {
        Remedy::Remint => {
            "A fresh token can help: what is hit is new with each one. Let those hit sign in again.".to_owned()
        }
        other => {
            let text = other.to_string();
            let mut letters = text.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            format!(
                "{}{}, if you can: none of those is hit.",
                first.map(String::from).unwrap_or_default(),
                letters.as_str()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{PlaceSort, Places, Predicate, RuledOut};
    use crate::model::{Segment, Symbol, TokenKind};

    use super::*;

    fn finding(state: FindingState) -> Finding {
        let features =
            vec![Feature::Kind(TokenKind::Capability), Feature::AtResidue(Segment::Payload, Symbol::Underscore, 3)];
        let ruled = |feature, of| RuledOut { feature, outside: Counts { failed: 0, of } };
        Finding {
            posterior: Share::clamped(0.998_7),
            background: Share::clamped(0.01),
            inside: Counts { failed: 14, of: 14 },
            outside: Counts { failed: 0, of: 41 },
            again: Counts { failed: 6, of: 6 },
            ruled_out: vec![
                ruled(Feature::Kind(TokenKind::Access), 22),
                ruled(Feature::NameResidue(1), 2),
                ruled(Feature::NameLength(24), 9),
            ],
            ..Finding::claiming(state, features)
        }
    }

    #[test]
    fn no_more_is_said_than_was_seen() {
        let tokens =
            "capability tokens with \"_\" at payload offset 3 (mod 4): 14 of 14 fail; all others pass, 41 of 41";
        let passing = "Not the cause by themselves: access token (22 of 22 pass).";
        assert_eq!(found(&finding(FindingState::Open)), [""; 0]);
        assert_eq!(
            found(&finding(FindingState::AtLeast)),
            [&format!("Hit are at least {tokens}. What else may be hit is being tried."), passing]
        );
        assert_eq!(
            found(&finding(FindingState::Verified)),
            [&format!("Hit are {tokens}. Every other trait was seen to pass: verified."), passing]
        );
        let on_nodes = Finding { fails: Some(FailShare::Tenth), ..finding(FindingState::Verified) };
        assert_eq!(
            found(&on_nodes)[0],
            format!("Hit are about a tenth of {tokens} (99.8 % sure, if 1 % fails by chance).")
        );
        let none = Finding { predicate: Predicate(Vec::new()), ..finding(FindingState::NoTokenTrait) };
        assert_eq!(
            found(&none),
            [
                "No trait of the token explains it: tokens of every kind and shape fail alike, 14 of 55 (99.8 % sure, if 1 % fails by chance)."
            ]
        );
        assert_eq!(found(&finding(FindingState::Contradicted)).len(), 1);
    }

    fn at(state: PlaceState, names: &[&str], others: u32) -> PlaceFinding {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        PlaceFinding {
            state,
            places: Some(Places { sort: PlaceSort::Gateway, names }),
            posterior: Share::clamped(0.997_9),
            inside: Counts { failed: 14, of: 14 },
            outside: Counts { failed: 0, of: 60 },
            others,
            untold: Counts { failed: 2, of: 3 },
        }
    }

    #[test]
    fn where_it_fails_is_said_with_what_was_seen_elsewhere() {
        let tenth = (Some(FailShare::Tenth), Some(FailShare::All));
        let placed = |state, names: &[&str], others, finding: Finding| {
            found(&Finding { place: Some(at(state, names, others)), ..finding }).join("\n")
        };
        let verified = Finding { fails: tenth.0, fails_at_place: tenth.1, ..finding(FindingState::Verified) };
        let none = |state| Finding { predicate: Predicate(Vec::new()), fails: None, ..finding(state) };
        insta::assert_snapshot!(
            [
                placed(PlaceState::Named, &["gw-3"], 9, verified),
                placed(PlaceState::Named, &["gw-3"], 1, none(FindingState::Open)),
                placed(PlaceState::Named, &["gw-3", "gw-5"], 8, none(FindingState::NoTokenTrait)),
                placed(PlaceState::AtLeast, &["gw-3"], 0, finding(FindingState::AtLeast)),
                placed(PlaceState::Contradicted, &[], 0, none(FindingState::Open)),
            ]
            .join("\n\n")
        );
    }

    #[test]
    fn pods_that_are_spared_are_told() {
        let pod = |number| crate::model::PodName::parse(&format!("pod-{number}")).expect("a name");
        let told = |pods: Vec<crate::model::PodName>, count| {
            let spared = Spared { pods, count, looks: Counts { failed: 1, of: 46 } };
            found(&Finding { spared: Some(spared), ..finding(FindingState::Verified) })[1].clone()
        };
        assert_eq!(told(vec![pod(15), pod(16)], 2), "In pod-15 and pod-16 such tokens pass, 45 of 46.");
        assert_eq!(told((1..5).map(pod).collect(), 29), "In 29 other pods such tokens pass, 45 of 46.");
    }

    #[test]
    fn help_is_a_sentence() {
        assert_eq!(help(&Remedy::OtherKind(TokenKind::Access)), "Use access tokens, if you can: none of those is hit.");
        assert!(help(&Remedy::Remint).starts_with("A fresh token can help"));
    }
}
