//! The built node, killed with SIGKILL in the middle of a call that its partner keeps up: when it is
//! started again, it ends that call, and no other.

use std::time::Duration;

use ringcheck::engine::{Record, SoughtCalls};
use ringcheck::model::{CallStatus, PodName, Timestamp};
use ringcheck::partner_server::{PartnerServer, PartnerSettings};
use ringcheck::sim::{Fault, FaultRule};

use crate::bed::{CALLER, at_partner, number_of, pod_name, rings};
use crate::process::{Node, append, journal, outbound, until, write};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_outlives_a_killed_node_is_ended_when_it_is_started_again() {
    let partner = PartnerServer::start(PartnerSettings::for_pods(vec![at_partner(0)])).await.expect("started");
    let pod = pod_name(0);
    let fault = Fault::named("call-left-up").expect("known");
    partner.set_faults(&pod, vec![FaultRule::always(fault)]).await.expect("possible");
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &partner, 1, &outbound("*/15 * * * * *", "10s"));
    let call = |number: u64| partner.call_status(&pod, &format!("CA{number:032x}"));

    let node = Node::start(folder.path());
    until("a call is up", || call(1) == Some(CallStatus::InProgress)).await;
    let left = || partner.truth(10_000).iter().filter(|line| line.contains("client left")).count();
    let before = left();
    node.kill();
    until("the partner sees that the client is gone", || left() > before).await;
    assert_eq!(call(1), Some(CallStatus::InProgress), "it would go on for hours");

    let node = Node::start(folder.path());
    until("the call is ended", || call(1) == Some(CallStatus::Completed)).await;
    // And the next one is made as ever: nobody ends it but who made it.
    until("another call is up", || call(2) == Some(CallStatus::InProgress)).await;
    until("it is hung up", || call(2) == Some(CallStatus::Completed)).await;
    let ended_by_api = partner.truth(10_000).iter().filter(|line| line.contains("call ended by the API")).count();
    assert_eq!(ended_by_api, 1, "one call was left, and one was ended");
    drop(node);
    partner.shutdown().await;
}

/// The legs of a call over the number, of which the partner's API tells: from our number to the pod's,
/// and on to the client that it rings.
const LEGS: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_over_the_number_that_outlives_a_killed_node_is_ended_with_all_its_legs() {
    let pod = pod_name(0);
    let rings = [(pod.clone(), rings(0, "here"))].into();
    let settings = PartnerSettings { rings, ..PartnerSettings::for_pods(vec![at_partner(0)]) };
    let partner = PartnerServer::start(settings).await.expect("started");
    let fault = Fault::named("delivered-call-left-up").expect("known");
    partner.set_faults(&pod, vec![FaultRule::always(fault)]).await.expect("possible");
    let folder = tempfile::tempdir().expect("a folder");
    let probe = "kind = \"inbound-call\"\nschedule = \"0 * * * * *\"\n[call]\nto = \"number\"\nhold = \"20s\"\n\
                 ring_times = [\"0s\"]\n";
    write(folder.path(), &partner, 1, probe);
    let number = number_of(0);
    let calls = format!(
        "[calls]\nallowed_numbers = [\"{number}\", \"{CALLER}\"]\nown_number = \"{number}\"\ncaller = \"{CALLER}\"\n"
    );
    append(folder.path(), &format!("config/pods/{pod}.toml"), &calls);
    let every_leg = |status| {
        let told = |leg: u64| partner.call_status(&pod, &format!("CA{leg:032x}"));
        (1..=LEGS).all(|leg| told(leg) == Some(status))
    };
    let left = || partner.truth(10_000).iter().filter(|line| line.contains("client left")).count();

    let node = Node::start(folder.path());
    until("a call is up", || every_leg(CallStatus::InProgress)).await;
    let before = left();
    node.kill();
    until("the partner sees that the client is gone", || left() > before).await;
    // The client's own leg may be over with it.
    assert!(partner.calls_up(&pod) > 0, "it would go on for hours");

    let node = Node::start(folder.path());
    until("every leg is ended", || every_leg(CallStatus::Completed)).await;
    drop(node);
    partner.shutdown().await;
}

/// What is wrong with the REST API when it is looked for calls, and how long the search waits then;
/// nothing where it works all the same. `rest-no-call` is left out: an empty list says that no call is
/// up, and nobody can know better.
const API_TROUBLE: [(&str, Option<Duration>); 9] = [
    ("rest-401", Some(Duration::from_secs(5))),
    ("rest-404", Some(Duration::from_secs(5))),
    ("rest-429", Some(Duration::from_secs(30))),
    ("rest-500", Some(Duration::from_secs(5))),
    ("rest-503", Some(Duration::from_secs(5))),
    ("rest-unanswered", Some(Duration::from_secs(5))),
    ("rest-malformed", Some(Duration::from_secs(5))),
    ("rest-reset", Some(Duration::from_secs(5))),
    ("rest-slow", None),
];

/// What the journal says of the search in a pod.
fn search(journal: &[Record], pod: &PodName) -> (Timestamp, Vec<(Timestamp, SoughtCalls)>) {
    let mut left = None;
    let mut found = Vec::new();
    for record in journal {
        match record {
            Record::CallLeft { at, pod: of, .. } if of == pod => {
                assert_eq!(left.replace(*at), None, "one call was left in {pod}");
            }
            Record::CallsSought { at, pod: of, found: search, .. } if of == pod => found.push((*at, *search)),
            _ => {}
        }
    }
    (left.expect("a call was left"), found)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_were_left_up_are_ended_once_the_api_can_be_asked() {
    let pods: Vec<PodName> = (0..API_TROUBLE.len()).map(pod_name).collect();
    let settings = PartnerSettings::for_pods((0..pods.len()).map(at_partner).collect());
    let partner = PartnerServer::start(settings).await.expect("started");
    let fault = |name| vec![FaultRule::always(Fault::named(name).expect("known"))];
    for pod in &pods {
        partner.set_faults(pod, fault("call-left-up")).await.expect("possible");
    }
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &partner, pods.len(), &outbound("0 * * * * *", "290s"));
    let first = |pod| partner.call_status(pod, &format!("CA{:032x}", 1));

    let node = Node::start(folder.path());
    until("a call is up in every pod", || pods.iter().all(|pod| first(pod) == Some(CallStatus::InProgress))).await;
    let said = |what: &str| partner.truth(10_000).iter().filter(|line| line.contains(what)).count();
    let before = said("client left");
    node.kill();
    until("the partner sees that its clients are gone", || said("client left") >= before + pods.len()).await;
    for (pod, (name, _)) in pods.iter().zip(API_TROUBLE) {
        partner.set_faults(pod, fault(name)).await.expect("possible");
    }
    let node = Node::start(folder.path());
    let asked = |pod: &PodName| {
        let of = format!("\"pod\":\"{pod}\"");
        partner.truth(10_000).iter().any(|line| line.contains("REST API asked") && line.contains(&of))
    };
    until("every pod's API was asked", || pods.iter().all(asked)).await;
    for pod in &pods {
        partner.set_faults(pod, Vec::new()).await.expect("possible");
    }
    until("all calls are ended", || pods.iter().all(|pod| first(pod) == Some(CallStatus::Completed))).await;
    until("each by one order", || said("call ended by the API") == pods.len()).await;
    node.tell("TERM");
    assert_eq!(node.ended().await, Some(0));

    let journal = journal(folder.path());
    for (pod, (name, waits)) in pods.iter().zip(API_TROUBLE) {
        let (left, found) = search(&journal, pod);
        let looked = found.first().expect("it was looked for").0;
        if let Some(waits) = waits {
            let SoughtCalls::Again { not_before } = found[0].1 else { panic!("{name}: {found:?}") };
            assert_eq!(not_before, looked.plus(waits), "{name}");
            assert!(found.get(1).is_none_or(|(at, _)| *at >= not_before), "{name}: {found:?}");
        }
        let begun = |record: &Record| match record {
            Record::AttemptStarted { spec } => spec.pod == *pod && spec.call.is_some() && spec.at > left,
            _ => false,
        };
        let meanwhile = journal.iter().filter(|record| begun(record) && record.at() < looked).count();
        assert_eq!(meanwhile, 0, "{name}: a call was made while it was looked for another");
    }
    let is_blame = |record: &&Record| {
        matches!(record, Record::AlertPending { .. } | Record::AlertFiring { .. } | Record::IncidentOpened { .. })
    };
    assert_eq!(journal.iter().filter(is_blame).count(), 0, "the partner has done nothing wrong");
    partner.shutdown().await;
}
