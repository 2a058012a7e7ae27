//! Test calls on the virtual clock: when they page, when that is over, and what they never touch.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::town::{self, START, incidents, pod, strike, wait};
use crate::engine::calls::CallTrouble;
use crate::engine::{
    Audience, Component, ComponentState, Experience, IncidentState, MissedWhy, Record, Rule, SoughtCalls, State,
};
use crate::model::{CallDirection, Origin, Step, Timestamp};
use crate::plan::read::{FileKind, SourceText, Sources, read_texts};
use crate::plan::{Plan, Pod, Probe, Schedule};
use crate::sim::{FaultRule, Mishap, World};

/// The example's call probes.
fn call_probes() -> Vec<Arc<Probe>> {
    let file = |kind, path: &str, text: &str| SourceText { kind, path: path.to_owned(), text: text.to_owned() };
    let files = vec![
        file(FileKind::Ringcheck, "config/ringcheck.toml", include_str!("../../../config/ringcheck.toml")),
        file(FileKind::Pod, "config/pods/pod-14.toml", include_str!("../../../config/pods/pod-14.toml")),
        file(FileKind::Probe, "probes/connection.toml", include_str!("../../../probes/connection.toml")),
        file(FileKind::Probe, "probes/inbound-call.toml", include_str!("../../../probes/inbound-call.toml")),
        file(FileKind::Probe, "probes/outbound-call.toml", include_str!("../../../probes/outbound-call.toml")),
    ];
    let read = read_texts(&Sources { base: Path::new("config").to_owned(), files }).expect("the example is right");
    read.plan.probes.into_iter().filter(|probe| probe.call.is_some()).collect()
}

pub(super) fn plan(pods: usize, connections_per_minute: u32) -> Plan {
    let mut plan = town::plan(pods, connections_per_minute);
    plan.probes.extend(call_probes());
    plan
}

/// A world of the example's first pods with calls, after half an hour in which all was well.
fn healthy(pods: usize, seed: u64) -> World {
    let mut world = calling(plan(pods, 6), seed);
    world.run_until(START.plus(Duration::from_mins(30)));
    world
}

/// A world that begins now, with its calls.
pub(super) fn calling(plan: Plan, seed: u64) -> World {
    World::calling(Arc::new(plan), START, seed, Origin::some()).journalled()
}

/// A fault of calls in every pod, in place of any other, as users write it; none if empty.
pub(super) fn strike_calls(world: &mut World, rule: &str) -> Timestamp {
    let pods: Vec<_> = world.engine().state().pods.keys().cloned().collect();
    for pod in pods {
        world.clear(&pod, None);
        if !rule.is_empty() {
            world.fault(&pod, toml::from_str::<FaultRule>(rule).expect("a rule"));
        }
    }
    world.now()
}

fn component(world: &World, component: Component) -> (ComponentState, bool) {
    let view = world.engine().view(world.now());
    let found = view.components.iter().find(|status| status.component == component).expect("it is there");
    (found.state, found.looked_at)
}

fn calls(world: &World, direction: CallDirection) -> Vec<Timestamp> {
    let all = world.outside().calls.iter();
    all.filter(|(_, wish)| wish.direction == direction).map(|(at, _)| *at).collect()
}

#[test]
fn agents_who_are_not_heard_are_told_of_and_the_end_is_proven() {
    let mut world = healthy(1, 3);
    assert_eq!(component(&world, Component::MakingCalls), (ComponentState::Operational, true));
    let onset = strike_calls(&mut world, "fault = \"audio-one-way\"\nwhen = { direction = \"outbound\" }");
    wait(&mut world, Duration::from_mins(7));
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open.len(), 1, "{open:#?}");
    let delay = open[0].opened.since(onset);
    assert!(
        delay <= Duration::from_mins(5) + Duration::from_secs(60),
        "the next call and three that follow: {delay:?}"
    );
    let impact = &open[0].pods[0];
    assert_eq!(impact.rules, [Rule::OutboundCalls]);
    let Experience::Calls { direction: Some(CallDirection::Outbound), trouble: CallTrouble::NotHeard, bad, of } =
        impact.experience
    else {
        panic!("{impact:#?}")
    };
    assert!(bad == of && bad >= 4, "{bad} of {of}");
    assert_eq!(component(&world, Component::MakingCalls).0, ComponentState::MajorOutage);
    assert_eq!(component(&world, Component::ReceivingCalls).0, ComponentState::Operational);
    strike_calls(&mut world, "");
    let made = calls(&world, CallDirection::Outbound).len();
    while calls(&world, CallDirection::Outbound).len() == made {
        wait(&mut world, Duration::from_secs(1));
    }
    wait(&mut world, Duration::from_secs(10));
    assert_eq!(incidents(&world, Audience::VoiceOnCall)[0].state, IncidentState::Firing, "one good call is not enough");
    wait(&mut world, Duration::from_mins(8));
    let over = incidents(&world, Audience::VoiceOnCall);
    assert_eq!((over.len(), over[0].state), (1, IncidentState::Resolved), "{over:#?}");
    assert_eq!(component(&world, Component::MakingCalls), (ComponentState::Operational, true));
}

#[test]
fn an_alert_ends_when_nobody_could_prove_its_end_any_more() {
    let mut world = healthy(1, 3);
    strike_calls(&mut world, "fault = \"audio-one-way\"\nwhen = { direction = \"outbound\" }");
    wait(&mut world, Duration::from_mins(7));
    assert_eq!(incidents(&world, Audience::VoiceOnCall)[0].state, IncidentState::Firing);
    let mut silent = plan(1, 6);
    for probe in &mut silent.probes {
        let pages = probe.call.as_ref().is_none_or(|call| call.direction == CallDirection::Inbound);
        *probe = Arc::new(Probe { pages, ..probe.as_ref().clone() });
    }
    world.reload(Arc::new(silent));
    wait(&mut world, Duration::from_mins(1));
    assert_eq!(incidents(&world, Audience::VoiceOnCall)[0].state, IncidentState::Resolved);
    assert_eq!(restored(&world), *world.engine().state());
}

/// 120 hours in which every second call fails: hundreds of rows of good calls that are none of its end.
#[test]
fn a_share_of_failing_calls_is_hardly_ever_over_by_chance() {
    let mut by_chance = 0;
    for seed in 21..45 {
        let mut world = healthy(1, seed);
        strike_calls(&mut world, "fault = \"keys-unanswered\"\nshare = \"50%\"\nwhen = { direction = \"outbound\" }");
        wait(&mut world, Duration::from_hours(5));
        let open = incidents(&world, Audience::VoiceOnCall);
        let newest = open.last().expect("it is found");
        assert_eq!(newest.state, IncidentState::Firing, "seed {seed}: {open:#?}");
        by_chance += open.len() - 1;
        strike_calls(&mut world, "");
        wait(&mut world, Duration::from_mins(25));
        let over = incidents(&world, Audience::VoiceOnCall);
        assert!(over.iter().all(|incident| incident.state == IncidentState::Resolved), "seed {seed}: {over:#?}");
    }
    assert!(by_chance <= 3, "{by_chance} ends that were none");
}

#[test]
fn calls_that_are_cut_at_an_age_are_found_by_long_ones() {
    let mut world = healthy(1, 4);
    let cut = "fault = \"call-cut\"\nwhen = { direction = \"inbound\" }\nwith = { delay_ms = 31000 }";
    strike_calls(&mut world, cut);
    wait(&mut world, Duration::from_hours(3));
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open.len(), 1, "{open:#?}");
    let view = world.engine().view(world.now());
    let impact = &view.incidents[0].pods[0];
    assert_eq!(impact.rules, [Rule::InboundCalls]);
    let Experience::Calls { trouble: CallTrouble::Cut { after_ms }, bad, of, .. } = impact.experience else {
        panic!("{impact:#?}")
    };
    assert!((31_000..33_000).contains(&after_ms), "{after_ms}");
    assert!(bad < of, "short calls go on passing: {bad} of {of}");
    assert!(impact.evidence.splits.iter().any(|split| split.others_failed == 0), "{:#?}", impact.evidence.splits);
    assert_eq!(component(&world, Component::ReceivingCalls).0, ComponentState::PartialOutage);
    assert_eq!(incidents(&world, Audience::VoiceOnCall)[0].state, IncidentState::Firing, "short calls prove nothing");
}

#[test]
fn a_call_that_a_crash_leaves_behind_is_looked_for_once() {
    let mut world = healthy(1, 11);
    let made = calls(&world, CallDirection::Outbound).len();
    // A call lasts some seconds: the crash is in the middle of one.
    while calls(&world, CallDirection::Outbound).len() == made {
        wait(&mut world, Duration::from_secs(1));
    }
    world.befall(Mishap::Crash);
    wait(&mut world, Duration::from_mins(1));
    let left: Vec<_> = world.journal().iter().filter(|fact| matches!(fact, Record::CallLeft { .. })).collect();
    assert_eq!(left.len(), 1, "{left:#?}");
    let is_end = |fact: &&Record| matches!(fact, Record::CallsSought { found: SoughtCalls::Ended { .. }, .. });
    assert_eq!(world.journal().iter().filter(is_end).count(), 1);
    let pod = world.engine().state().pods.values().next().expect("one pod");
    assert_eq!(pod.calls.strays.calls().count(), 0);
    assert!(calls(&world, CallDirection::Outbound).len() > made, "and calls go on");
}

#[test]
fn an_account_is_never_asked_for_more_than_one_call_a_minute() {
    let mut plan = plan(3, 6);
    let crate::plan::PartnerAccount::Twilio(one) = plan.pods[0].partner.clone();
    for place in 1..3 {
        let mut pod = Pod::clone(&plan.pods[place]);
        let crate::plan::PartnerAccount::Twilio(account) = &mut pod.partner;
        account.account_sid.clone_from(&one.account_sid);
        plan.pods[place] = Arc::new(pod);
    }
    let mut world = calling(plan, 5);
    world.run_until(START.plus(Duration::from_mins(30)));
    strike_calls(&mut world, "fault = \"call-not-delivered\"");
    wait(&mut world, Duration::from_mins(30));
    let asked = calls(&world, CallDirection::Inbound);
    assert!(asked.len() > 20, "{}", asked.len());
    assert!(asked.windows(2).all(|two| two[1].since(two[0]) >= Duration::from_secs(60)), "{asked:?}");
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open.len(), 1, "one cause: {open:#?}");
    assert!(matches!(open[0].pods[0].experience, Experience::Calls { trouble: CallTrouble::NotDelivered, .. }));
}

#[test]
fn bad_audio_degrades_the_quality_of_calls_and_nothing_else() {
    let mut world = healthy(1, 6);
    strike_calls(&mut world, "fault = \"audio-loss-20\"");
    wait(&mut world, Duration::from_mins(20));
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open[0].pods[0].rules, [Rule::CallQuality(0)], "{open:#?}");
    assert_eq!(component(&world, Component::CallQuality), (ComponentState::DegradedPerformance, true));
    assert_eq!(component(&world, Component::MakingCalls).0, ComponentState::Operational);
    strike_calls(&mut world, "");
    wait(&mut world, Duration::from_hours(1));
    assert_eq!(incidents(&world, Audience::VoiceOnCall)[0].state, IncidentState::Resolved);
    assert_eq!(component(&world, Component::CallQuality).0, ComponentState::Operational);
}

#[test]
fn a_pod_whose_connections_fail_gets_one_incident() {
    let mut world = healthy(1, 7);
    strike(&mut world, "token-invalid", "");
    wait(&mut world, Duration::from_mins(30));
    let open = incidents(&world, Audience::VoiceOnCall);
    assert_eq!(open.len(), 1, "{open:#?}");
    assert!(open[0].pods[0].rules.iter().all(|rule| !rule.is_of_calls()), "{:?}", open[0].pods[0].rules);
    for hit in Component::ALWAYS {
        assert_eq!(component(&world, hit), (ComponentState::MajorOutage, true));
    }
    world.clear(&pod("pod-14"), None);
    wait(&mut world, Duration::from_mins(30));
    assert_eq!(incidents(&world, Audience::VoiceOnCall).len(), 1);
    assert_eq!(component(&world, Component::MakingCalls), (ComponentState::Operational, true));
}

#[test]
fn what_never_worked_is_the_owners() {
    let mut world = calling(plan(1, 6), 8);
    strike_calls(&mut world, "fault = \"call-server-error\"");
    wait(&mut world, Duration::from_hours(1));
    assert_eq!(incidents(&world, Audience::VoiceOnCall), []);
    let owner = incidents(&world, Audience::MonitorOwner);
    assert_eq!(owner[0].pods[0].rules, [Rule::BornRed], "{owner:#?}");
    assert_eq!(owner[0].symptom.as_ref().map(|symptom| symptom.step), Some(Step::Answer));
    strike_calls(&mut world, "");
    wait(&mut world, Duration::from_mins(15));
    assert_eq!(incidents(&world, Audience::MonitorOwner)[0].state, IncidentState::Resolved);
}

#[test]
fn what_never_worked_is_over_when_it_is_no_longer_tried() {
    let mut world = calling(plan(1, 6), 8);
    strike_calls(&mut world, "fault = \"call-server-error\"");
    wait(&mut world, Duration::from_hours(1));
    assert_eq!(incidents(&world, Audience::MonitorOwner)[0].state, IncidentState::Firing);
    world.reload(Arc::new(town::plan(1, 6)));
    wait(&mut world, Duration::from_mins(2));
    assert_eq!(incidents(&world, Audience::MonitorOwner)[0].state, IncidentState::Resolved);
}

#[test]
fn a_short_outage_leaves_the_days_schedule_alone() {
    let mut plan = plan(1, 6);
    // 24 calls a day in each direction, as many as the budget of 60 minutes allows.
    for probe in &mut plan.probes {
        if probe.call.is_some() {
            let schedule = Schedule::parse("0 0 * * * *").expect("valid");
            *probe = Arc::new(Probe { schedule, ..probe.as_ref().clone() });
        }
    }
    let mut pod_14 = Pod::clone(&plan.pods[0]);
    (pod_14.calls.minutes_per_day, pod_14.calls.minutes_per_hour) = (60, 60);
    plan.pods[0] = Arc::new(pod_14);
    let mut world = calling(plan, 14);
    let day = Timestamp::from_millis((START.as_millis() / 86_400_000 + 1) * 86_400_000);
    world.run_until(day.plus(Duration::from_mins(90)));
    strike_calls(&mut world, "fault = \"keys-unanswered\"\nwhen = { direction = \"outbound\" }");
    world.run_until(day.plus(Duration::from_mins(150)));
    assert_eq!(incidents(&world, Audience::VoiceOnCall).len(), 1);
    strike_calls(&mut world, "");
    world.run_until(day.plus(Duration::from_hours(20)));
    assert_eq!(incidents(&world, Audience::VoiceOnCall)[0].state, IncidentState::Resolved);
    let in_last_hour = world.outside().calls.iter().filter(|(at, _)| *at > day.plus(Duration::from_hours(19))).count();
    assert_eq!(in_last_hour, 2, "one in each direction");
}

#[test]
fn at_the_cap_calls_stop_and_nobody_claims_to_look() {
    let mut plan = plan(1, 6);
    let mut pod_14 = Pod::clone(&plan.pods[0]);
    pod_14.calls.minutes_per_hour = 10;
    plan.pods[0] = Arc::new(pod_14);
    let mut world = calling(plan, 9);
    // START is twelve minutes before a full hour, UTC.
    let hour = Timestamp::from_millis((START.as_millis() / 3_600_000 + 1) * 3_600_000);
    world.run_until(hour.plus(Duration::from_mins(50)));
    let in_hour = world.outside().calls.iter().filter(|(at, _)| *at >= hour).count();
    assert!((6..=8).contains(&in_hour), "eight of ten minutes are for the schedule: {in_hour}");
    for which in Component::ALL {
        assert_eq!(component(&world, which), (ComponentState::Operational, false), "{which:?}");
    }
    let told =
        world.journal().iter().any(|record| matches!(record, Record::SlotsMissed { why: MissedWhy::Budget, .. }));
    assert!(told, "the facts say so");
    assert_eq!(restored(&world), *world.engine().state(), "what was spent survives a restart");
    world.befall(Mishap::Crash);
    wait(&mut world, Duration::from_mins(5));
    assert_eq!(world.outside().calls.iter().filter(|(at, _)| *at >= hour).count(), in_hour);
    wait(&mut world, Duration::from_mins(15));
    assert_eq!(component(&world, Component::MakingCalls), (ComponentState::Operational, true), "a new hour");
}

fn restored(world: &World) -> State {
    let mut state = State::default();
    world.journal().iter().for_each(|record| state.apply(record));
    state
}

#[test]
fn restore_equals_live_in_the_middle_of_everything() {
    let mut world = healthy(2, 10);
    strike_calls(&mut world, "fault = \"audio-silent\"\nshare = \"40%\"\nwhen = { direction = \"inbound\" }");
    for minutes in 0..90 {
        wait(&mut world, Duration::from_secs(61));
        if minutes % 9 == 0 {
            assert_eq!(restored(&world), *world.engine().state(), "after {minutes} minutes");
        }
        if minutes % 30 == 29 {
            world.befall(Mishap::Crash);
        }
    }
    assert!(!incidents(&world, Audience::VoiceOnCall).is_empty(), "two in five are found");
}

#[test]
fn a_dead_network_of_ours_is_not_held_against_calls() {
    let mut world = healthy(1, 11);
    world.befall(Mishap::Network { down: true });
    wait(&mut world, Duration::from_mins(30));
    world.befall(Mishap::Network { down: false });
    wait(&mut world, Duration::from_mins(30));
    assert_eq!(incidents(&world, Audience::VoiceOnCall), []);
}

#[test]
fn the_usual_failures_of_calls_page_nobody() {
    let mut world = calling(plan(1, 6), 12);
    let days = 60;
    world.run_until(START.plus(Duration::from_hours(1)));
    strike_calls(&mut world, "fault = \"keys-unanswered\"\nshare = \"1%\"");
    world.run_until(START.plus(Duration::from_hours(24 * days)));
    assert_eq!(incidents(&world, Audience::VoiceOnCall), []);
    let made = world.outside().calls.len();
    assert!(made > 570 * days as usize, "{made} calls, some of them after a failed one");
}
