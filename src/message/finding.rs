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
