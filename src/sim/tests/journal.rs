//! Facts as text: what a restart reads back is what was decided.

use std::time::Duration;

use super::town::*;
use crate::engine::{Record, State};
use crate::sim::Mishap;

/// A bit of everything that facts tell of.
fn eventful() -> Vec<Record> {
    let mut world = healthy(3, 30, 11);
    strike(&mut world, "token-invalid", r#"kind = "capability", payload = { symbol = "_", residue = 3 }"#);
    wait(&mut world, Duration::from_mins(3));
    strike(&mut world, "tcp-refused", "");
    wait(&mut world, Duration::from_mins(3));
    for name in ["pod-14", "pod-18", "pod-23"] {
        world.clear(&pod(name), None);
    }
    wait(&mut world, Duration::from_mins(10));
    world.befall(Mishap::Network { down: true });
    wait(&mut world, Duration::from_mins(2));
    world.befall(Mishap::Network { down: false });
    let until = world.now().plus(Duration::from_mins(1));
    world.befall(Mishap::Pause { pod: None, until });
    wait(&mut world, Duration::from_mins(10));
    world.journal().to_vec()
}

#[test]
fn every_fact_is_read_back_as_it_was_written_and_tells_the_same_state() {
    let facts = eventful();
    let (mut told, mut read) = (State::default(), State::default());
    for fact in &facts {
        let text = serde_json::to_string(fact).expect("a fact is JSON");
        let back: Record = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(back, *fact, "{text}");
        told.apply(fact);
        read.apply(&back);
    }
    assert_eq!(read, told);
    let snapshot = serde_json::to_vec(&told).expect("a state is JSON");
    assert_eq!(serde_json::from_slice::<State>(&snapshot).expect("a snapshot can be read"), told);
    assert!(facts.len() > 1_000, "{}", facts.len());
}
