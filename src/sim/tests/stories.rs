//! What befalls a pod, and what the on-call engineer gets to know of it.

use std::time::Duration;

use super::town::*;
use crate::engine::{Audience, Experience, IncidentState, Rule, Verdict, WhoseVerdict};
use crate::sim::Mishap;

const UNDERSCORE: &str = r#"kind = "capability", payload = { symbol = "_", residue = 3 }"#;

#[test]
fn a_total_outage_is_one_incident_of_all_pods_and_ends_after_a_stable_window() {
    let mut world = healthy(3, 30, 1);
    let onset = strike(&mut world, "token-invalid", "");
    wait(&mut world, Duration::from_mins(3));
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!(open[0].pods.len(), 3);
    assert!(open[0].opened.since(onset) <= Duration::from_secs(15), "{}", open[0].opened);
    assert_eq!(open[0].pods[0].experience, Experience::NobodyConnects);
    assert_eq!(open[0].whose.verdict, WhoseVerdict::Partner);
    assert!(open[0].whose.is_known());
    let pods: Vec<_> = world.engine().state().pods.keys().cloned().collect();
    pods.iter().for_each(|pod| world.clear(pod, None));
    let cleared = world.now();
    wait(&mut world, Duration::from_mins(20));
    let closed = &incidents(&world, Audience::VoiceOnCall)[0];
    assert_eq!(closed.state, IncidentState::Resolved);
    assert!(closed.resolved.expect("resolved").since(cleared) >= Duration::from_mins(5), "a stable window first");
    assert_eq!(first_pages(&world), RECEIVERS, "one page each");
}

#[test]
fn the_fault_of_september_names_the_tokens_that_fail() {
    let mut world = healthy(3, 30, 2);
    let onset = strike(&mut world, "token-invalid", UNDERSCORE);
    wait(&mut world, Duration::from_mins(2));
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open.len(), 1);
    assert!(open[0].opened.since(onset) <= Duration::from_secs(65));
    let impact = &open[0].pods[0];
    assert!(impact.rules.contains(&Rule::TokenBound), "{impact:#?}");
    assert!(matches!(impact.experience, Experience::SomeAgents { kind: Some(_), .. }), "{impact:#?}");
    let split = impact.evidence.splits.first().expect("the split is clear");
    assert_eq!((split.failed, split.others_failed), (split.of, 0), "{split:?}");
    assert_eq!(world.engine().state().pods[&pod("pod-14")].verdict, Verdict::Partial);
}

#[test]
fn a_blip_is_recorded_and_pages_nobody() {
    let mut world = healthy(1, 30, 3);
    strike(&mut world, "tcp-refused", "");
    wait(&mut world, Duration::from_secs(5));
    world.clear(&pod("pod-14"), None);
    wait(&mut world, Duration::from_mins(10));
    assert_eq!(incidents(&world, Audience::VoiceOnCall), []);
    assert_eq!(world.engine().state().pods[&pod("pod-14")].blips.len(), 1);
}

#[test]
fn blips_again_and_again_are_flapping_with_one_page() {
    let mut world = healthy(1, 30, 4);
    for _ in 0..8 {
        strike(&mut world, "tcp-refused", "");
        wait(&mut world, Duration::from_secs(5));
        world.clear(&pod("pod-14"), None);
        wait(&mut world, Duration::from_secs(55));
    }
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open.len(), 1, "{open:#?}");
    assert_eq!(open[0].pods[0].rules[0], Rule::Flapping);
    assert_eq!(world.engine().state().pods[&pod("pod-14")].verdict, Verdict::Flapping);
}

#[test]
fn our_own_network_wakes_its_owner_and_nobody_else() {
    let mut world = healthy(3, 30, 5);
    world.befall(Mishap::Network { down: true });
    wait(&mut world, Duration::from_mins(5));
    assert_eq!(incidents(&world, Audience::VoiceOnCall), []);
    let owner = incidents(&world, Audience::MonitorOwner);
    assert!(owner.iter().any(|facts| facts.whose.verdict == WhoseVerdict::Location), "{owner:#?}");
    world.befall(Mishap::Network { down: false });
    wait(&mut world, Duration::from_mins(15));
    assert_eq!(incidents(&world, Audience::VoiceOnCall), []);
    assert!(incidents(&world, Audience::MonitorOwner).iter().all(|facts| facts.state == IncidentState::Resolved));
}

#[test]
fn being_throttled_slows_us_down_and_is_not_the_partners_fault() {
    let mut world = healthy(1, 30, 6);
    let before = world.outside().attempts;
    strike(&mut world, "upgrade-429", "");
    wait(&mut world, Duration::from_mins(5));
    assert_eq!(incidents(&world, Audience::VoiceOnCall), []);
    assert_eq!(incidents(&world, Audience::MonitorOwner)[0].pods[0].rules, [Rule::Throttled]);
    assert!(
        world.outside().attempts - before < 60,
        "less than half of the usual: {}",
        world.outside().attempts - before
    );
}

#[test]
fn what_never_worked_wakes_the_owner_only() {
    let mut world = crate::sim::World::new(std::sync::Arc::new(plan(1, 30)), START, 7).journalled();
    strike(&mut world, "token-invalid", r#"kind = "capability""#);
    wait(&mut world, Duration::from_mins(10));
    assert_eq!(incidents(&world, Audience::VoiceOnCall), []);
    let owner = incidents(&world, Audience::MonitorOwner);
    assert_eq!(owner[0].pods[0].rules, [Rule::BornRed]);
    assert_eq!(world.engine().state().pods[&pod("pod-14")].verdict, Verdict::Healthy, "the other kind works");
}

#[test]
fn a_page_waits_for_its_receiver_and_is_not_lost() {
    let mut world = healthy(1, 30, 8);
    world.befall(Mishap::Receivers { down: true });
    strike(&mut world, "token-invalid", "");
    wait(&mut world, Duration::from_mins(4));
    assert_eq!(first_pages(&world), 0);
    world.befall(Mishap::Receivers { down: false });
    wait(&mut world, Duration::from_mins(2));
    assert_eq!(first_pages(&world), RECEIVERS);
}

#[test]
fn a_dead_disk_silences_no_page() {
    let mut world = healthy(1, 30, 9);
    world.befall(Mishap::Disk { broken: true });
    strike(&mut world, "token-invalid", "");
    wait(&mut world, Duration::from_mins(1));
    assert_eq!(first_pages(&world), RECEIVERS);
}

#[test]
fn a_paused_pod_is_not_looked_at_and_says_so() {
    let mut world = healthy(1, 30, 10);
    let until = world.now().plus(Duration::from_hours(2));
    world.befall(Mishap::Pause { pod: None, until });
    let before = world.outside().attempts;
    strike(&mut world, "token-invalid", "");
    wait(&mut world, Duration::from_hours(1));
    assert_eq!(world.outside().attempts, before);
    assert_eq!(incidents(&world, Audience::VoiceOnCall), []);
    assert!(world.engine().view(world.now()).components.iter().all(|component| !component.looked_at));
    wait(&mut world, Duration::from_mins(61));
    assert_eq!(incidents(&world, Audience::VoiceOnCall).len(), 1, "after the pause it looks again");
}

#[test]
fn one_pods_bad_credentials_are_its_own_configuration() {
    let mut world = healthy(3, 30, 11);
    world.fault(&pod("pod-18"), fault("token-signature-refused", ""));
    wait(&mut world, Duration::from_mins(1));
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open.len(), 1);
    assert!(matches!(open[0].whose.verdict, WhoseVerdict::PodConfiguration(_)), "{:?}", open[0].whose);
}

#[test]
fn silence_is_found_although_agents_see_nothing() {
    let mut world = healthy(1, 30, 12);
    let onset = strike(&mut world, "connected-missing", "");
    wait(&mut world, Duration::from_mins(1));
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open.len(), 1);
    assert!(open[0].opened.since(onset) <= Duration::from_secs(15), "{:?}", open[0].opened.since(onset));
}
