//! The built node, killed with SIGKILL in the middle of a call that its partner keeps up: when it is
//! started again, it ends that call, and no other.

use ringcheck::model::CallStatus;
use ringcheck::partner_server::{PartnerServer, PartnerSettings};
use ringcheck::sim::{Fault, FaultRule};

use crate::bed::{at_partner, pod_name};
use crate::process::{Node, outbound, until, write};

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
