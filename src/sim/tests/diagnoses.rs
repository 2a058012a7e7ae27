//! What the engine says of faults of a token's text, in words, in virtual time.

use std::sync::Arc;
use std::time::Duration;

use super::town::*;
use crate::diagnosis::{FailShare, Finding, FindingState};
use crate::engine::{Approval, Audience, Avoid, Command, Engine, Input, NotifyReason, Record};
use crate::model::{IncidentNumber, Timestamp};
use crate::plan::{AvoidApproval, AvoidSettings};
use crate::sim::{Weather, World};

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

/// Two wide faults at once look like a share of all tokens; a parser that knows standard base64 only
/// is both, in payload and signature.
#[test]
fn a_parsers_mistakes_are_named_and_not_taken_for_a_share() {
    let in_both =
        "Verified: tokens with \"-\" or \"_\" in the signature, or tokens with \"_\" at payload offset 3 (mod 4)";
    let mut exact = 0;
    for seed in 0..12 {
        let mut world = healthy(1, 30, seed);
        strike(&mut world, "parser-fails", "");
        let finding = settled(&mut world, Duration::from_mins(20)).expect("something");
        assert_ne!(finding.state, FindingState::NoTokenTrait, "seed {seed}");
        exact += u32::from(format!("{:?}: {}", finding.state, finding.predicate) == in_both);
    }
    assert!(exact >= 10, "{exact} of 12 in both parts");
}

/// The partner says which of its nodes it is, so that a fault on a tenth of them is named for the
/// node: with the token's trait, or with none.
#[test]
fn a_fault_on_a_tenth_of_the_nodes_is_named_for_the_node() {
    for (when, words) in [
        (r#"share = "10%""#, "NoTokenTrait:  through gateway gw-0"),
        (r#"share = "10%", kind = "capability""#, "Verified: capability tokens through gateway gw-0"),
        (
            r#"share = "10%", payload = { symbol = "_", residue = 3 }"#,
            "Verified: tokens with \"_\" at payload offset 3 (mod 4) through gateway gw-0",
        ),
    ] {
        for seed in 0..3 {
            let mut world = healthy(1, 30, seed).in_weather(Weather::background(0.01));
            let onset = strike(&mut world, "token-invalid", when);
            let located = |world: &World| {
                incidents(world, Audience::VoiceOnCall).pop()?.finding?.place?.places.map(|places| places.to_string())
            };
            while located(&world).is_none() && world.now().since(onset) < Duration::from_hours(1) {
                wait(&mut world, Duration::from_secs(2));
            }
            let located_after = world.now().since(onset).as_secs();
            let finding = settled(&mut world, Duration::from_hours(1)).expect("something");
            println!(
                "{when} seed {seed}: located after {located_after} s, settled after {} s",
                world.now().since(onset).as_secs()
            );
            let place = finding.place.clone().and_then(|place| place.places).expect("a place");
            assert_eq!(format!("{:?}: {} through {place}", finding.state, finding.predicate), words, "seed {seed}");
            // How many come out there is reckoned from the few looks until it was named.
            let near = |fails| matches!(fails, FailShare::Tenth | FailShare::Quarter);
            assert!(finding.fails.is_none_or(near), "{:?}", finding.fails);
        }
    }
}

#[test]
fn a_fault_in_one_pod_only_is_said_to_spare_the_others() {
    let mut world = healthy(3, 30, 5);
    let pods: Vec<_> = world.engine().state().pods.keys().cloned().collect();
    world.fault(&pods[0], fault("token-invalid", r#"kind = "capability""#));
    let finding = settled(&mut world, Duration::from_mins(20)).expect("something");
    assert_eq!(finding.predicate.to_string(), "capability tokens");
    let spared = finding.spared.expect("two pods are well");
    assert_eq!((spared.pods, spared.looks.failed), (pods[1..].to_vec(), 0));
}

/// What may be avoided by the state of the only incident.
fn avoid(engine: &Engine) -> Option<Avoid> {
    let mut incidents = engine.state().incidents.values();
    incidents.rfind(|incident| incident.facts.audience == Audience::VoiceOnCall)?.facts.avoid
}

#[test]
fn avoiding_takes_an_approval_that_survives_and_ends() {
    let mut world = healthy(1, 30, 3);
    strike(&mut world, "token-invalid", r#"kind = "capability""#);
    settled(&mut world, Duration::from_mins(20));
    let facts = incidents(&world, Audience::VoiceOnCall).pop().expect("an incident");
    assert_eq!(avoid(world.engine()).map(|avoid| avoid.approval), Some(None), "it waits for a person");

    let (now, until) = (world.now(), world.now().plus(Duration::from_hours(2)));
    let command = |incident| Input::Command(Command::ApproveAvoid { incident, until });
    let mut engine = Engine::restore(world.engine().state().clone());
    engine.handle(now, Input::Planned(Arc::new(plan(1, 30))));
    let turn = engine.handle(now, command(IncidentNumber(facts.number.0 + 1)));
    assert!(!turn.records.iter().any(|record| matches!(record, Record::AvoidApproved { .. })), "no such incident");
    engine.handle(now, command(facts.number));
    let approved = avoid(&engine).expect("approved");
    assert_eq!((approved.approval, approved.approved_until(now)), (Some(Approval { at: now, until }), Some(until)));
    assert_eq!(approved.approved_until(until), None);

    let restored = Engine::restore(engine.state().clone());
    assert_eq!(avoid(&restored), Some(approved), "a restart forgets nothing");
    let mut state = engine.state().clone();
    state.apply(&Record::IncidentResolved { at: now, number: facts.number });
    assert_eq!(avoid(&Engine::restore(state)), None, "it ends with the incident");
}

#[test]
fn webhooks_are_told_of_approvals_that_renew_themselves() {
    let mut plan = plan(1, 30);
    plan.node.avoid = AvoidSettings { approval: AvoidApproval::Automatic, expires_after: Duration::from_mins(10) };
    let mut world = World::new(Arc::new(plan), START, 3).journalled();
    wait(&mut world, Duration::from_mins(30));
    strike(&mut world, "token-invalid", r#"kind = "capability""#);
    settled(&mut world, Duration::from_mins(20));
    wait(&mut world, Duration::from_mins(1));
    let until = |world: &World| -> Option<Timestamp> { avoid(world.engine())?.approved_until(world.now()) };
    let first = until(&world).expect("approved");
    wait(&mut world, Duration::from_mins(6));
    let renewed = until(&world).expect("still approved");
    assert!(renewed > first, "renewed");
    wait(&mut world, Duration::from_mins(1));
    let told = |world: &World, until| -> Vec<String> {
        let delivered = world.outside().delivered.iter().map(|delivered| &delivered.notification);
        let of = |avoid: Option<Avoid>| avoid.and_then(|avoid| avoid.approval).map(|approval| approval.until);
        let learned = delivered.filter(|told| told.reason == NotifyReason::Learned && of(told.incident.avoid) == until);
        learned.map(|told| told.receiver.to_string()).collect()
    };
    assert!(told(&world, Some(first)).contains(&"oncall-hook".to_owned()), "with the news that it is verified");
    assert_eq!(told(&world, Some(renewed)), ["oncall-hook"], "people are not told of a renewal");

    let pods: Vec<_> = world.engine().state().pods.keys().cloned().collect();
    pods.iter().for_each(|pod| world.clear(pod, None));
    wait(&mut world, Duration::from_mins(30));
    assert_eq!(until(&world), None);
}
