//! What separates failing from passing tokens, in words: never more than was seen.

use crate::diagnosis::{Counts, FailShare, Finding, FindingState, Remedy};
use crate::model::Share;
use crate::token::Feature;

/// Features that are named as ruled out.
const RULED_OUT_SHOWN_MAX: usize = 5;
/// Fewer passing tokens rule nothing out.
const RULED_OUT_BY: u32 = 3;

/// The lines about it; none while nothing can be said.
pub(super) fn found(finding: &Finding) -> Vec<String> {
    let claim = match finding.state {
        FindingState::Open => return Vec::new(),
        FindingState::AtLeast => {
            format!("Hit are at least {}. What else may be hit is being tried.", counted(finding))
        }
        FindingState::Verified => match finding.fails {
            None | Some(FailShare::All) => {
                format!("Hit are {}. Every other trait was seen to pass: verified.", counted(finding))
            }
            Some(share) => format!("Hit are {} of {} ({}).", part(share), counted(finding), sureness(finding)),
        },
        FindingState::NoTokenTrait => {
            let Counts { failed, of } = sum(finding.inside, finding.outside);
            return vec![format!(
                "No trait of the token explains it: tokens of every kind and shape fail alike, {failed} of {of} ({}).",
                sureness(finding)
            )];
        }
        FindingState::Contradicted => {
            return vec![
                "What was said before about the tokens that are hit has turned out to be wrong. It is looked for anew."
                    .to_owned(),
            ];
        }
    };
    [Some(claim), ruled_out(finding)].into_iter().flatten().collect()
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
    let percent = |share: Share| format!("{:.1}", (share.get() * 1_000.0).floor() / 10.0);
    let trimmed = |text: String| text.trim_end_matches(".0").to_owned();
    format!(
        "{} % sure, if {} % fails by chance",
        trimmed(percent(finding.posterior)),
        trimmed(percent(finding.background))
    )
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
    use std::collections::BTreeMap;

    use crate::diagnosis::{Conjunction, Predicate, RuledOut};
    use crate::model::{Segment, Symbol, TokenKind};

    use super::*;

    fn finding(state: FindingState) -> Finding {
        let features =
            vec![Feature::Kind(TokenKind::Capability), Feature::AtResidue(Segment::Payload, Symbol::Underscore, 3)];
        let ruled = |feature, of| RuledOut { feature, outside: Counts { failed: 0, of } };
        Finding {
            state,
            predicate: Predicate(vec![Conjunction(features)]),
            fails: Some(FailShare::All),
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
            symptoms: Vec::new(),
            pods: BTreeMap::new(),
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

    #[test]
    fn help_is_a_sentence() {
        assert_eq!(help(&Remedy::OtherKind(TokenKind::Access)), "Use access tokens, if you can: none of those is hit.");
        assert!(help(&Remedy::Remint).starts_with("A fresh token can help"));
    }
}
