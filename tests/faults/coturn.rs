//! Debian's coturn on loopback: a TURN server that is not ours.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

pub const USER: &str = "rc_user";
pub const PASSWORD: &str = "correct-horse-1";

/// How long coturn may take for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running coturn; ends with this value.
pub struct Coturn {
    _child: Child,
    log: Arc<Mutex<Vec<String>>>,
    lines: watch::Receiver<usize>,
    port: u16,
    tls_port: u16,
    folder: TempDir,
}

impl Coturn {
    /// One that relays to loopback, or, with `false`, to nobody there.
    pub async fn start(relays_to_loopback: bool) -> Self {
        Self::with(if relays_to_loopback { &["--allow-loopback-peers"] } else { &[] }).await
    }

    /// One with these options more.
    pub async fn with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        write_certificates(folder.path(), "localhost");
        let (port, tls_port) = (free_port(), free_port());
        let file = |name: &str| folder.path().join(name).display().to_string();
        let mut command = Command::new("turnserver");
        command
            .args(["-n", "-v", "-L", "127.0.0.1", "-E", "127.0.0.1", "-r", "test", "-m", "1"])
            .args(["--lt-cred-mech", "--no-dtls", "--no-cli", "--simple-log", "--log-file", "stdout"])
            .args(["-u", &format!("{USER}:{PASSWORD}"), "-p", &port.to_string()])
            .args(["--tls-listening-port", &tls_port.to_string()])
            .args(["--cert", &file("cert.pem"), "--pkey", &file("key.pem")])
            .args(["--pidfile", &file("pid"), "--userdb", &file("db")])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("Debian's coturn is installed");
        let output = child.stdout.take().expect("it is piped");
        let log = Arc::new(Mutex::new(Vec::new()));
        let (count, lines) = watch::channel(0);
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            let mut output = BufReader::new(output).lines();
            while let Ok(Some(line)) = output.next_line().await {
                kept.lock().expect("not poisoned").push(line);
                count.send_modify(|count| *count += 1);
            }
        });
        let coturn = Self { _child: child, log, lines, port, tls_port, folder };
        coturn.wait_for(|log| log.iter().any(|line| line.contains("UDP listener opened"))).await;
        coturn
    }

    /// The pod's `[ice]` with this server under every transport, known by this password.
    pub fn ice(&self, password: &str) -> String {
        let login = self.login(password);
        let (port, tls_port, ca) = (self.port, self.tls_port, self.folder.path().join("ca.pem"));
        format!(
            "[ice]\nca_file = \"{}\"\nservers = [{{ url = \"stun:127.0.0.1:{port}\" }}, \
             {{ url = \"turn:127.0.0.1:{port}\", {login} }}, \
             {{ url = \"turn:127.0.0.1:{port}?transport=tcp\", {login} }}, \
             {{ url = \"turns:localhost:{tls_port}\", {login} }}]\n",
            ca.display()
        )
    }

    /// The pod's `[ice]` with this server alone, reached at another address that leads to it.
    pub fn ice_behind(&self, url: &str) -> String {
        format!("[ice]\nservers = [{{ url = \"{url}\", {} }}]\n", self.login(PASSWORD))
    }

    fn login(&self, password: &str) -> String {
        let file = |name: &str, text: &str| {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path.display().to_string()
        };
        let (user, password) = (file("user", USER), file("password", password));
        format!("username = {{ file = \"{user}\" }}, credential = {{ file = \"{password}\" }}")
    }

    /// Where it is, over UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The same servers as the partner would list them, reached without TLS.
    pub fn listed(&self) -> serde_json::Value {
        let turn = |query: &str| {
            let url = format!("turn:127.0.0.1:{}{query}", self.port);
            serde_json::json!({ "url": url, "urls": url, "username": USER, "credential": PASSWORD })
        };
        serde_json::json!([turn("?transport=udp"), turn("?transport=tcp")])
    }

    /// How many allocations were made so far.
    pub fn made(&self) -> usize {
        sessions(&self.log.lock().expect("not poisoned"), &[": new, "]).len()
    }

    /// How often an allocation was refreshed so far, and how often a nonce had grown old.
    pub fn refreshed(&self) -> (usize, usize) {
        let log = self.log.lock().expect("not poisoned");
        let refreshed = log.iter().filter(|line| line.contains(": refreshed, ") && !line.contains("lifetime=0"));
        (refreshed.count(), log.iter().filter(|line| line.contains("error 438")).count())
    }

    /// Waits until every allocation that was made is gone.
    pub async fn wait_until_nothing_is_left(&self) {
        self.wait_for(|log| {
            let gone = sessions(log, &["lifetime=0", ": delete:", ": closed"]);
            sessions(log, &[": new, "]).iter().all(|session| gone.contains(session))
        })
        .await;
    }

    async fn wait_for(&self, holds: impl Fn(&[String]) -> bool) {
        let mut lines = self.lines.clone();
        let waited = timeout(PATIENCE, async {
            while !holds(&self.log.lock().expect("not poisoned")) {
                lines.changed().await.expect("coturn runs");
            }
        });
        let log = || self.log.lock().expect("not poisoned").join("\n");
        assert!(waited.await.is_ok(), "coturn says:\n{}", log());
    }
}

/// The ids of the sessions in whose lines one of these stands.
fn sessions(log: &[String], any: &[&str]) -> Vec<String> {
    let lines = log.iter().filter(|line| any.iter().any(|word| line.contains(word)));
    let id = |line: &String| Some(line.split_once("session ")?.1.split_once(':')?.0.to_owned());
    lines.filter_map(id).collect()
}

/// A port that was free for UDP and TCP a moment ago.
fn free_port() -> u16 {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    loop {
        let tcp = TcpListener::bind(any).expect("a port");
        let address = tcp.local_addr().expect("bound");
        if UdpSocket::bind(address).is_ok() {
            return address.port();
        }
    }
}

/// A key and a certificate for this name or address, and the authority that has signed it.
pub fn write_certificates(folder: &Path, name: &str) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("made")).expect("signed");
    let key = KeyPair::generate().expect("made");
    let leaf = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let certificate = leaf.signed_by(&key, &authority).expect("signed");
    for (name, text) in [("ca.pem", authority.pem()), ("cert.pem", certificate.pem()), ("key.pem", key.serialize_pem())]
    {
        std::fs::write(folder.join(name), text).expect("written");
    }
}
