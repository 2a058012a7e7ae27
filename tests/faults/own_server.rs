//! A pod's own TURN server takes its password no more: the built node wakes somebody, and says that it is
//! that server and not the partner.

use std::sync::mpsc;
use std::time::Duration;

use ringcheck::model::CallStatus;
use ringcheck::partner_server::{PartnerServer, PartnerSettings};
use serde_json::Value;

use crate::bed::{at_partner, pod_name};
use crate::coturn::{Coturn, PASSWORD, USER};
use crate::process::{Node, append, outbound, receive_at, until, write};
use crate::sinks::webhook_server;

/// Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(120);
/// The password that is wrong. Nobody is to read it anywhere.
const WRONG: &str = "incorrect-horse-2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_names_the_turn_server_of_ours_that_refuses_us_and_not_the_partner() {
    let coturn = Coturn::start(true).await;
    let partner = PartnerServer::start(PartnerSettings::for_pods(vec![at_partner(0)])).await.expect("started");
    let folder = tempfile::tempdir().expect("a folder");
    let probe = format!("{}path = \"relay-tls\"\n", outbound("*/15 * * * * *", "5s"));
    write(folder.path(), &partner, 1, &probe);
    append(folder.path(), &format!("config/pods/{}.toml", pod_name(0)), &coturn.ice(PASSWORD));
    let (arrivals, arrived) = mpsc::channel();
    receive_at(folder.path(), webhook_server(arrivals).await);

    let node = Node::start(folder.path());
    // What never worked would only be told to whoever set it up.
    let first = format!("CA{:032x}", 1);
    until("a call went well", || partner.call_status(&pod_name(0), &first) == Some(CallStatus::Completed)).await;
    // The file of the password is read for each call.
    coturn.ice(WRONG);
    let page = tokio::task::spawn_blocking(move || arrived.recv_timeout(PATIENCE));
    let page = page.await.expect("it does not panic").expect("somebody is woken");
    let told: Value = serde_json::from_str(&page.content).expect("JSON");
    let incident = &told["data"];
    assert_eq!(incident["whose"]["verdict"], "pod_configuration", "{told:#}");
    assert_eq!(incident["whose"]["clue"], "own_server", "{told:#}");
    let headline = incident["headline"].as_str().unwrap_or_default();
    assert!(headline.contains("our own TURN server"), "{told:#}");
    let text = page.content;
    assert!(!text.contains(WRONG) && !text.contains(USER), "{told:#}");
    node.tell("TERM");
    assert_eq!(node.ended().await, Some(0));
    partner.shutdown().await;
}
