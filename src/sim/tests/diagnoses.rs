//! What the engine says of faults of a token's text, in words, in virtual time.

use std::time::Duration;

use super::town::*;
use crate::diagnosis::{Finding, FindingState};
use crate::engine::Audience;
use crate::sim::World;

/// The world's finding once it is settled, or at the latest after this time.
fn settled(world: &mut World, within: Duration) -> Option<Finding> {
    let until = world.now().plus(within);
    loop {
        let finding = incidents(world, Audience::VoiceOnCall).pop().and_then(|facts| facts.finding);
        let found = finding
            .as_ref()
            .is_some_and(|finding| matches!(finding.state, FindingState::Verified | FindingState::NoTokenTrait));
        if found || world.now() >= until {
            return finding.map(|finding| *finding);
        }
        wait(world, Duration::from_secs(2));
    }
}

/// What is said of a fault with this condition, in the example's first pods.
fn said(pods: usize, when: &str, seed: u64) -> String {
    let mut world = healthy(pods, 30, seed);
    let onset = strike(&mut world, "token-invalid", when);
    match settled(&mut world, Duration::from_mins(20)) {
        Some(finding) => {
            let after = world.now().since(onset).as_secs();
            println!(
                "{when}: {:?} {} after {after} s, {:?} {:?}",
                finding.state, finding.predicate, finding.inside, finding.outside
            );
            format!("{:?}: {}", finding.state, finding.predicate)
        }
        None => "nothing".to_owned(),
    }
}

#[test]
fn the_faults_of_a_text_are_named() {
    for (when, words) in [
        (r#"kind = "capability""#, "Verified: capability tokens"),
        (r#"payload = { symbol = "_", residue = 3 }"#, "Verified: tokens with \"_\" at payload offset 3 (mod 4)"),
        (r#"signature = { symbol = "-", offset = 11 }"#, "Verified: tokens with \"-\" at signature offset 11"),
        (r#"share = "25%""#, "NoTokenTrait: "),
    ] {
        assert_eq!(said(1, when, 3), words, "{when}");
    }
}
