//! The built program as a process of its own, with a configuration that leads to a partner of the test.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ringcheck::engine::Record;
use ringcheck::io::store::Store;
use ringcheck::io::{clock, config_files};
use ringcheck::partner_server::PartnerServer;

use crate::bed::{SECRET, account_sid, pod_name};

/// Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Where nobody listens.
const NOBODY: &str = "127.0.0.1:9";

/// Killed with the test, if it has not been before.
pub struct Node(Child);

impl Node {
    /// `ringcheck run` on what [`write`] has written.
    pub fn start(folder: &Path) -> Self {
        Self::command("run", folder)
    }

    /// Another command on the same files.
    pub fn command(name: &str, folder: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_ringcheck"))
            .args([name, "--config"])
            .arg(folder.join("config"))
            .arg("--probes")
            .arg(folder.join("probes"))
            .stdin(Stdio::null())
            .spawn();
        Self(child.expect("it starts"))
    }

    /// With SIGKILL.
    pub fn kill(mut self) {
        self.0.kill().expect("it lives");
        self.0.wait().expect("it is ours");
    }

    /// Tells it with a signal: `TERM`, `INT`.
    pub fn tell(&self, signal: &str) {
        let told = Command::new("kill").args(["-s", signal, &self.0.id().to_string()]).status();
        assert!(told.expect("kill is there").success());
    }

    /// Its exit code, once it has ended by itself.
    pub async fn ended(mut self) -> Option<i32> {
        let ended = tokio::task::spawn_blocking(move || self.0.wait().expect("it is ours").code());
        ended.await.expect("it does not panic")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Waits until it is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let seen = tokio::time::timeout(PATIENCE, async {
        while !is_so() {
            looks.tick().await;
        }
    });
    assert!(seen.await.is_ok(), "{what}: not within {PATIENCE:?}");
}

/// The facts of the journal of a node that has ended.
pub fn journal(folder: &Path) -> Vec<Record> {
    let read = config_files::load(&folder.join("config"), &folder.join("probes")).expect("it is right");
    let (store, _) = Store::open(&read.plan.node.store, clock::now()).expect("nobody else has it");
    let mut records = Vec::new();
    store.read_from(0, |_, record| records.push(record)).expect("it can be read");
    records
}

/// A probe of calls that agents place, on this schedule, which last so long.
pub fn outbound(schedule: &str, hold: &str) -> String {
    format!(
        "kind = \"outbound-call\"\nschedule = \"{schedule}\"\ntokens = {{ kinds = [\"access\"] }}\n[call]\nhold = \"{hold}\"\n"
    )
}

/// Writes more into a file of it.
pub fn append(folder: &Path, file: &str, more: &str) {
    let path = folder.join(file);
    let before = std::fs::read_to_string(&path).expect("it was written");
    std::fs::write(path, format!("{before}{more}")).expect("writes");
}

/// Has its pages go to this endpoint, and not to nobody.
pub fn receive_at(folder: &Path, endpoint: SocketAddr) {
    let path = folder.join("config/ringcheck.toml");
    let before = std::fs::read_to_string(&path).expect("it was written");
    let nobody = format!("url = \"http://{NOBODY}/\"");
    assert!(before.contains(&nobody), "{before}");
    std::fs::write(path, before.replace(&nobody, &format!("url = \"http://{endpoint}/\""))).expect("writes");
}

/// A whole configuration with so many pods at this partner and, beside one of connections, this
/// probe.
pub fn write(folder: &Path, partner: &PartnerServer, pods: usize, probe: &str) {
    for made in ["config/pods", "probes"] {
        std::fs::create_dir_all(folder.join(made)).expect("makes");
    }
    let written = |path: &str, text: &str| std::fs::write(folder.join(path), text).expect("writes");
    written("config/ca.pem", partner.ca_pem().expect("over TLS"));
    written("config/secret", SECRET);
    written("config/hook", &format!("whsec_{}", "sesame".repeat(6)));
    written(
        "config/ringcheck.toml",
        &format!(
            "external_url = \"http://{NOBODY}\"\n[location]\nname = \"here\"\ncontrol = [\"tcp://{at}\", \"tcp://{control}\"]\n\
             [store]\npath = \"../ringcheck.db\"\n[http]\noperator = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\n\
             [owner]\nto = [\"hook\"]\n[status_page]\ntitle = \"Calls\"\nurl = \"http://{NOBODY}\"\n[[receiver]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{NOBODY}/\"\n\
             secret = {{ file = \"hook\" }}\n[[route]]\nseverity = \"critical\"\nto = [\"hook\"]\n",
            at = partner.address(&pod_name(0)).expect("there"),
            control = partner.control().expect("there"),
        ),
    );
    for pod in 0..pods {
        let name = pod_name(pod);
        written(
            &format!("config/pods/{name}.toml"),
            &format!(
                "name = \"{name}\"\npublic_name = \"{name}\"\n[partner]\nkind = \"twilio\"\naccount_sid = \"{sid}\"\n\
             edges = [\"ashburn\"]\napplication_sid = \"AP00000000000000000000000000000003\"\n\
             api_key = {{ sid = \"SK00000000000000000000000000000001\", secret = {{ file = \"secret\" }} }}\n\
             signalling = \"{url}\"\nrest = \"https://{at}\"\nca_file = \"ca.pem\"\n[budget]\nconnections_per_minute = 1\n\
             call_minutes_per_day = 10000\ncall_minutes_per_hour = 400\ncalls_per_hour = 400\n",
                sid = account_sid(pod),
                url = partner.url(&name).expect("there"),
                at = partner.address(&name).expect("there"),
            ),
        );
    }
    written("probes/connection.toml", "kind = \"connection\"\nschedule = \"0 * * * * *\"\n");
    written("probes/calls.toml", probe);
}
