//! The built node, killed with SIGKILL in the middle of a call that its partner keeps up: when it is
//! started again, it ends that call, and no other.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ringcheck::model::{CallStatus, PodName};
use ringcheck::partner_server::{PartnerServer, PartnerSettings};
use ringcheck::sim::{Fault, FaultRule};

use crate::bed::{SECRET, account_sid, at_partner, pod_name};

/// Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Killed with the test, if it has not been before.
struct Node(Child);

impl Node {
    fn start(folder: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_ringcheck"))
            .args(["run", "--config"])
            .arg(folder.join("config"))
            .arg("--probes")
            .arg(folder.join("probes"))
            .stdin(Stdio::null())
            .spawn();
        Self(child.expect("it starts"))
    }

    fn kill(mut self) {
        self.0.kill().expect("it lives");
        self.0.wait().expect("it is ours");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let seen = tokio::time::timeout(PATIENCE, async {
        while !is_so() {
            looks.tick().await;
        }
    });
    assert!(seen.await.is_ok(), "{what}: not within {PATIENCE:?}");
}

fn write(folder: &Path, partner: &PartnerServer, pod: &PodName) {
    for made in ["config/pods", "probes"] {
        std::fs::create_dir_all(folder.join(made)).expect("makes");
    }
    let written = |path: &str, text: &str| std::fs::write(folder.join(path), text).expect("writes");
    written("config/ca.pem", partner.ca_pem().expect("over TLS"));
    written("config/secret", SECRET);
    written("config/hook", &format!("whsec_{}", "sesame".repeat(6)));
    let nobody = "127.0.0.1:9";
    written(
        "config/ringcheck.toml",
        &format!(
            "external_url = \"http://{nobody}\"\n[location]\nname = \"here\"\ncontrol = [\"tcp://{at}\", \"tcp://{control}\"]\n\
             [store]\npath = \"../ringcheck.db\"\n[http]\noperator = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\n\
             [owner]\nto = [\"hook\"]\n[status_page]\ntitle = \"Calls\"\nurl = \"http://{nobody}\"\n[[receiver]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{nobody}/\"\n\
             secret = {{ file = \"hook\" }}\n[[route]]\nseverity = \"critical\"\nto = [\"hook\"]\n",
            at = partner.address(pod).expect("there"),
            control = partner.control().expect("there"),
        ),
    );
    written(
        "config/pods/pod.toml",
        &format!(
            "name = \"{pod}\"\npublic_name = \"{pod}\"\n[partner]\nkind = \"twilio\"\naccount_sid = \"{sid}\"\n\
             edges = [\"ashburn\"]\napplication_sid = \"AP00000000000000000000000000000003\"\n\
             api_key = {{ sid = \"SK00000000000000000000000000000001\", secret = {{ file = \"secret\" }} }}\n\
             signalling = \"{url}\"\nrest = \"https://{at}\"\nca_file = \"ca.pem\"\n[budget]\nconnections_per_minute = 1\n\
             call_minutes_per_day = 10000\ncall_minutes_per_hour = 400\ncalls_per_hour = 400\n",
            sid = account_sid(0),
            url = partner.url(pod).expect("there"),
            at = partner.address(pod).expect("there"),
        ),
    );
    written("probes/connection.toml", "kind = \"connection\"\nschedule = \"0 * * * * *\"\n");
    written(
        "probes/outbound.toml",
        "kind = \"outbound-call\"\nschedule = \"*/15 * * * * *\"\ntokens = { kinds = [\"access\"] }\n[call]\nhold = \"10s\"\n",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_outlives_a_killed_node_is_ended_when_it_is_started_again() {
    let partner = PartnerServer::start(PartnerSettings::for_pods(vec![at_partner(0)])).await.expect("started");
    let pod = pod_name(0);
    let fault = Fault::named("call-left-up").expect("known");
    partner.set_faults(&pod, vec![FaultRule::always(fault)]).await.expect("possible");
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &partner, &pod);
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
