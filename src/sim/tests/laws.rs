//! What holds in every world: restore equals live, one first page, nothing lost by a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::town::*;
use crate::engine::{Audience, IncidentState, NotifyReason, State};
use crate::sim::{Mishap, World};

/// Faults that random worlds draw from.
const FAULTS: [(&str, &str); 8] = [
    ("token-invalid", ""),
    ("token-invalid", r#"kind = "capability""#),
    ("token-invalid", r#"kind = "capability", payload = { symbol = "_", residue = 3 }"#),
    ("token-invalid", r#"signature = { symbol = "-", offset = 11 }"#),
    ("connected-missing", r#"share = "40%""#),
    ("tcp-refused", ""),
    ("upgrade-503", r#"share = "15%""#),
    ("token-invalid", r#"key = 0, kind = "access""#),
];

fn restored(world: &World) -> State {
    let mut state = State::default();
    world.journal().iter().for_each(|record| state.apply(record));
    state
}

/// A day in which things happen at random, aimed where it hurts.
fn random_day(seed: u64, crashing: bool) -> World {
    let mut world = healthy(3, 30, seed);
    if crashing {
        world = world.crashing_on_pages(0.3);
    }
    let mut rng = fastrand::Rng::with_seed(seed);
    let pods: Vec<_> = world.engine().state().pods.keys().cloned().collect();
    for _ in 0..6 {
        wait(&mut world, Duration::from_secs(rng.u64(60..1_800)));
        let (name, when) = FAULTS[rng.usize(..FAULTS.len())];
        let hit = 1 + rng.usize(..pods.len());
        pods.iter().take(hit).for_each(|pod| world.fault(pod, fault(name, when)));
        wait(&mut world, Duration::from_secs(rng.u64(5..900)));
        match rng.u32(..8) {
            0 => world.befall(Mishap::Crash),
            1 => world.befall(Mishap::Receivers { down: true }),
            2 => world.befall(Mishap::Network { down: true }),
            _ => {}
        }
        wait(&mut world, Duration::from_secs(rng.u64(5..300)));
        world.befall(Mishap::Receivers { down: false });
        world.befall(Mishap::Network { down: false });
        pods.iter().for_each(|pod| world.clear(pod, None));
    }
    wait(&mut world, Duration::from_mins(45));
    world
}

#[test]
fn a_restart_gives_the_state_that_was_live() {
    for seed in 0..20 {
        let world = random_day(seed, false);
        assert!(restored(&world) == *world.engine().state(), "seed {seed}");
    }
}

#[test]
fn a_snapshot_gives_the_state_that_was_live() {
    let world = random_day(77, false);
    let state = world.engine().state();
    let bytes = serde_json::to_vec(state).expect("a state can be written");
    assert!(serde_json::from_slice::<State>(&bytes).expect("and read") == *state);
}

#[test]
fn the_same_seed_gives_the_same_facts() {
    let (one, two) = (random_day(5, true), random_day(5, true));
    assert!(one.journal() == two.journal());
    assert!(random_day(6, true).journal() != one.journal());
}

#[test]
fn every_incident_has_one_first_page_and_an_end() {
    for seed in 100..120 {
        let world = random_day(seed, false);
        for facts in incidents(&world, Audience::VoiceOnCall) {
            assert_eq!(facts.state, IncidentState::Resolved, "seed {seed} {}", facts.number);
            for reason in [NotifyReason::First, NotifyReason::Resolved] {
                let mut to = BTreeMap::new();
                for delivered in &world.outside().delivered {
                    let n = &delivered.notification;
                    // A fallback is told beside the receiver that it stands in for.
                    if n.incident.number == facts.number && n.reason == reason && n.instead_of.is_none() {
                        *to.entry(n.receiver.clone()).or_insert(0) += 1;
                    }
                }
                assert_eq!(to.len(), RECEIVERS, "seed {seed} {} {reason:?}", facts.number);
                assert!(to.values().all(|n| *n == 1), "seed {seed} {} {reason:?}: {to:?}", facts.number);
            }
        }
        assert!(world.engine().state().outbox.is_empty(), "seed {seed}");
    }
}

/// Processes that die on turns that queue a page, after the facts are in the journal and before
/// anything leaves: each page goes out all the same, and a repeat is recognisable as one.
#[test]
fn no_page_is_lost_by_two_hundred_aimed_crashes() {
    let (mut crashes, mut repeats, mut pages) = (0, 0, 0);
    for seed in 1_000.. {
        let world = random_day(seed, true);
        crashes += world.outside().crashes;
        let mut seen = BTreeSet::new();
        for delivered in &world.outside().delivered {
            pages += 1;
            repeats += u32::from(!seen.insert(delivered.notification.id.clone()));
        }
        for facts in incidents(&world, Audience::VoiceOnCall) {
            let told = |n: &&crate::sim::Delivered| {
                n.notification.incident.number == facts.number && n.notification.reason == NotifyReason::First
            };
            assert!(world.outside().delivered.iter().any(|n| told(&n)), "seed {seed}: {} was never told", facts.number);
        }
        assert!(world.engine().state().outbox.is_empty(), "seed {seed}");
        if crashes >= 200 {
            break;
        }
    }
    println!("{crashes} crashes, {pages} messages, {repeats} of them repeats under the same id");
}

#[test]
fn facts_come_in_order_and_nothing_grows_without_bound() {
    let world = random_day(3, true);
    let mut last = crate::model::Timestamp::MIN;
    for record in world.journal() {
        let incident =
            matches!(record, crate::engine::Record::IncidentUpdated { .. } | crate::engine::Record::SlotGivenUp { .. });
        if !incident {
            assert!(record.at() >= last, "{record:?}");
            last = record.at();
        }
    }
    for pod in world.engine().state().pods.values() {
        assert!(pod.in_flight.len() <= 8);
    }
}
