//! What is asked for though it should not be, or cannot be had: tokens that cannot be chosen, a
//! budget of next to nothing, a single name, levers that the partner refuses.

use std::sync::Arc;
use std::time::Duration;

use super::town::*;
use crate::engine::{Audience, Experience, PodView, Rule, Verdict};
use crate::model::{KeySlot, TokenKind};
use crate::partner::twilio::ApiKey;
use crate::plan::{AgentNames, PartnerAccount, Plan, Pod, Population, TokenEndpoint, TokenSource};
use crate::sim::{Weather, World};
use crate::token::{CoverAges, CoverSet};

/// The example's first pod at a rate, changed.
fn changed(connections_per_minute: u32, change: impl Fn(&mut Pod)) -> Plan {
    let mut plan = plan(1, connections_per_minute);
    for pod in &mut plan.pods {
        let mut own: Pod = pod.as_ref().clone();
        change(&mut own);
        *pod = Arc::new(own);
    }
    plan
}

fn with_lengths(pod: &mut Pod, lengths: &[u8]) {
    if let TokenSource::Minted { name_lengths, .. } = &mut pod.tokens {
        *name_lengths = lengths.to_vec();
    }
}

fn account(pod: &mut Pod) -> &mut crate::partner::twilio::Account {
    let PartnerAccount::Twilio(account) = &mut pod.partner;
    account
}

fn view(world: &World) -> PodView {
    world.engine().view(world.now()).pods.remove(0)
}

/// How far a set is covered with any kind and key.
fn covered(world: &World, set: CoverSet) -> CoverAges {
    let cover = view(world).cover.expect("a plan was taken");
    cover.sets.into_iter().find(|ages| ages.set == set && ages.class.is_none()).expect("it has such places")
}

#[test]
fn one_connection_a_minute_is_kept_to_and_says_how_long_it_takes() {
    let mut world = World::new(Arc::new(changed(1, |_| {})), START, 1).journalled();
    wait(&mut world, Duration::from_hours(2));
    assert!((115..=121).contains(&world.outside().attempts), "{}", world.outside().attempts);
    let cells = covered(&world, CoverSet::SignatureCells);
    assert_eq!((cells.covered, cells.reachable, cells.never), (84, 84, 0), "in two hours, not in two minutes");
    let oldest = cells.worst[0].at.expect("looked at");
    assert!(world.now().since(oldest) > Duration::from_mins(10), "and nothing else is pretended");
    let (onset, before) = (strike(&mut world, "token-invalid", ""), world.outside().attempts);
    wait(&mut world, Duration::from_mins(10));
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open.len(), 1);
    assert!(open[0].opened.since(onset) <= Duration::from_mins(2), "{:?}", open[0].opened.since(onset));
    assert!(world.outside().attempts - before <= 10 + 36, "what was saved up, and no more");
}

#[test]
fn one_name_and_one_key_are_looked_at_for_what_they_have() {
    let plan = changed(30, |pod| {
        with_lengths(pod, &[24]);
        account(pod).auth_token = None;
    });
    let mut world = World::new(Arc::new(plan), START, 2).journalled();
    wait(&mut world, Duration::from_mins(20));
    let cover = view(&world).cover.expect("a plan was taken");
    let sets: Vec<(CoverSet, u32, u32)> =
        cover.sets.iter().map(|ages| (ages.set, ages.covered, ages.reachable)).collect();
    assert_eq!(
        sets,
        [(CoverSet::SignatureCells, 84, 84), (CoverSet::SignaturePairs, 4, 4), (CoverSet::Names, 1, 1)],
        "no payload cell and no length that could differ"
    );
    let onset = strike(&mut world, "token-invalid", r#"signature = { symbol = "-", offset = 11 }"#);
    wait(&mut world, Duration::from_mins(2));
    let found = opened(&world);
    assert!(found.len() == 1 && found[0].since(onset) <= Duration::from_secs(75), "{found:?}");
}

/// A secret of another length signs as well as any; the partner refuses what it signs.
#[test]
fn a_key_that_never_fitted_is_its_owners_business() {
    let plan = changed(30, |pod| {
        let first = account(pod).api_keys[0].clone();
        account(pod).api_keys.push(ApiKey { sid: first.sid.replace("SK0", "SK1"), ..first });
    });
    let mut world = World::new(Arc::new(plan), START, 3).journalled();
    strike(&mut world, "token-signature-refused", r#"kind = "access", key = 1"#);
    wait(&mut world, Duration::from_mins(30));
    assert_eq!(opened(&world), []);
    let owner = incidents(&world, Audience::MonitorOwner);
    assert_eq!(owner.len(), 1);
    assert_eq!(owner[0].pods[0].rules, [Rule::BornRed]);
    assert_eq!(view(&world).verdict, Verdict::Healthy, "everything else works");
    let cover = view(&world).cover.expect("a plan was taken");
    let with = |key| {
        let class = Some((TokenKind::Access, KeySlot(key)));
        cover.sets.iter().find(|ages| ages.set == CoverSet::SignatureCells && ages.class == class).expect("a class")
    };
    assert!(with(0).covered >= 80 && with(0).never == 0, "{:?}", with(0));
    assert!(with(1).covered < 75, "nothing is steered that has never worked: {:?}", with(1));
}

#[test]
fn a_length_of_name_that_the_partner_never_took_is_its_owners_business() {
    let plan = changed(30, |pod| with_lengths(pod, &[24, 25, 26, 60]));
    let mut world = World::new(Arc::new(plan), START, 4).journalled();
    strike(&mut world, "token-invalid", "name = { length = 60 }");
    wait(&mut world, Duration::from_mins(30));
    assert_eq!(opened(&world), [], "a lever that was never seen to work proves nothing");
    assert_eq!(incidents(&world, Audience::MonitorOwner)[0].pods[0].rules, [Rule::BornRed]);
    let onset = strike(&mut world, "token-invalid", r#"kind = "capability""#);
    wait(&mut world, Duration::from_mins(1));
    let found = opened(&world);
    assert!(found.len() == 1 && found[0].since(onset) <= Duration::from_secs(30), "the rest is judged: {found:?}");
    let pods: Vec<_> = world.engine().state().pods.keys().cloned().collect();
    pods.iter().for_each(|pod| world.clear(pod, None));
    wait(&mut world, Duration::from_mins(30));
    assert!(incidents(&world, Audience::MonitorOwner).iter().all(|facts| facts.resolved.is_some()), "it works now");
}

#[test]
fn tokens_from_elsewhere_are_covered_as_chance_has_it_and_that_is_said() {
    let plan = changed(30, |pod| {
        pod.tokens = TokenSource::Endpoint(TokenEndpoint {
            url: "https://desk.example.com/token".to_owned(),
            headers: Vec::new(),
            pointer: None,
            kind: TokenKind::Access,
            test_agents: true,
            ca_file: None,
        });
    });
    let mut world = World::new(Arc::new(plan), START, 5).in_weather(Weather::background(0.01)).journalled();
    wait(&mut world, Duration::from_hours(1));
    assert!(!view(&world).cover.expect("a plan was taken").steered);
    let cells = covered(&world, CoverSet::SignatureCells);
    // Of the cells that a steered cover would all have looked at, chance brings a third.
    assert!((15..60).contains(&cells.covered), "{}", cells.covered);
    assert!(cells.never < 10, "in an hour nearly every cell came: {}", cells.never);
    assert_eq!(opened(&world), []);
    strike(&mut world, "token-invalid", r#"signature = { symbol = "-", offset = 11 }"#);
    wait(&mut world, Duration::from_mins(30));
    assert_eq!(opened(&world).len(), 1, "later than with chosen tokens, but found");
    let facts = incidents(&world, Audience::VoiceOnCall).remove(0);
    assert_eq!(facts.finding, None, "there is nothing to choose, so nothing is named");
    assert!(matches!(facts.pods[0].experience, Experience::SomeAgents { .. }), "{:?}", facts.pods[0].experience);
}

#[test]
fn whom_a_fault_hits_follows_from_each_pods_own_agents() {
    let row = |kind, length, agents| AgentNames { kind: Some(kind), length, agents, other_characters: 0 };
    let (access, capability) = (TokenKind::Access, TokenKind::Capability);
    let populations = [
        vec![row(access, 24, 90), row(capability, 24, 5), row(capability, 25, 5)],
        vec![row(capability, 24, 30), row(capability, 26, 70)],
        Vec::new(),
    ];
    let mut plan = plan(3, 30);
    for (pod, names) in plan.pods.iter_mut().zip(populations) {
        let mut own: Pod = pod.as_ref().clone();
        if let TokenSource::Minted { population, .. } = &mut own.tokens {
            *population = Population::new(names);
        }
        *pod = Arc::new(own);
    }
    let mut world = World::new(Arc::new(plan), START, 6).journalled();
    wait(&mut world, Duration::from_mins(15));
    strike(&mut world, "token-invalid", r#"payload = { symbol = "_", residue = 3 }"#);
    wait(&mut world, Duration::from_mins(10));
    let facts = incidents(&world, Audience::VoiceOnCall).remove(0);
    let affected: Vec<_> = facts
        .pods
        .iter()
        .map(|impact| {
            let share = impact.affected.map(|affected| (affected.share.get() * 100.0).round());
            (impact.pod.to_string(), share, impact.affected.map(|affected| affected.same_agents))
        })
        .collect();
    let known = |pod: &str, share, same| affected.contains(&(pod.to_owned(), share, same));
    assert!(known("pod-14", Some(5.0), Some(true)), "{affected:?}");
    assert!(known("pod-18", Some(30.0), Some(true)), "{affected:?}");
    assert!(known("pod-23", None, None), "nothing is known of its agents: {affected:?}");
}
