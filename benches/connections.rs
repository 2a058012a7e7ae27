//! What one connection attempt costs the client, beside a bare client of the same libraries that
//! exchanges the same frames with the same server over TLS; and what an open connection holds in
//! memory. Minting happens on a thread of its own and is not counted; nothing is journalled.
//! `cargo bench --bench connections`

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use ringcheck::io::dialer::Dialer;
use ringcheck::io::tls::Tls;
use ringcheck::model::{
    AttemptId, AttemptReport, AttemptSpec, CellWeights, KeySlot, Role, SignatureCells, Timestamp, TokenKind, TokenWish,
};
use ringcheck::plan::Plan;
use ringcheck::plan::read::{FileKind, SourceText, Sources, read_texts};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{accept_async, client_async_with_config};

/// Attempts in one batch.
const BATCH: u64 = 200;
/// Batches of each client, in turn.
const BATCHES: usize = 7;
/// Connections that are held open for the measure of memory.
const HELD: u64 = 400;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--serve") {
        serve(Path::new(&arguments[at + 1]));
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Server::start(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(measure(folder.path(), &mut server));
    server.child.kill().expect("it was running");
    server.child.wait().expect("it ends");
}

async fn measure(folder: &Path, server: &mut Server) {
    let plan = plan(folder, server.port, "0s");
    let (sender, mut reports) = mpsc::channel(64);
    let dialer = Dialer::start(plan.node.location.name.clone(), sender).expect("started");
    let tls = Tls::default().config(Some(&folder.join("ca.pem"))).expect("usable");
    let connector = TlsConnector::from(tls);

    let (mut bare, mut ours) = (Vec::new(), Vec::new());
    for batch in 0..=BATCHES {
        let before = cpu_ns();
        for _ in 0..BATCH {
            bare_client(&connector, server.port).await;
        }
        let between = cpu_ns();
        for number in 0..BATCH {
            dialer.dial(spec(&plan, batch as u64 * BATCH + number), Arc::clone(&plan));
            let report = reports.recv().await.expect("it reports");
            assert!(report.outcome.is_completed(), "{:?}", report.outcome);
            dialer.rest().await;
        }
        let after = cpu_ns();
        // The first batch of each warms up.
        if batch > 0 {
            bare.push((between - before) / BATCH);
            ours.push((after - between) / BATCH);
        }
    }
    server.take_lines(2 * BATCH * (BATCHES as u64 + 1));
    let (bare, ours) = (median(bare), median(ours));
    let ratio = ours as f64 / bare as f64;
    println!("CPU per attempt: bare client {} µs, ours {} µs: {ratio:.2} times", bare / 1000, ours / 1000);
    memory(&dialer, &mut reports, folder, server).await;
}

/// Opens many connections at once, waits until the server has registered all of them, and looks
/// at what has been added to our memory.
async fn memory(dialer: &Dialer, reports: &mut mpsc::Receiver<AttemptReport>, folder: &Path, server: &mut Server) {
    let plan = plan(folder, server.port, "30s");
    let before = resident_bytes();
    for number in 0..HELD {
        dialer.dial(spec(&plan, u64::from(u32::MAX) + number), Arc::clone(&plan));
        // A few at a time, so that the peak of many handshakes at once is not counted.
        while server.registered < number.saturating_sub(8) {
            tokio::task::yield_now().await;
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            server.take_waiting();
        }
    }
    while server.registered < HELD {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        server.take_waiting();
    }
    let each = resident_bytes().saturating_sub(before) / HELD;
    println!("memory per open TLS connection: {:.1} kB ({HELD} of them)", each as f64 / 1000.0);
    drop(reports.try_recv());
}

/// What a bare client does: the same frames, the library's own defaults but for the small buffers.
async fn bare_client(connector: &TlsConnector, port: u16) {
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.expect("connected");
    tcp.set_nodelay(true).expect("set");
    let name = ServerName::try_from("localhost").expect("a name");
    let tls = connector.connect(name, tcp).await.expect("verified");
    let request = format!("wss://localhost:{port}/signal").into_client_request().expect("an address");
    let config = tokio_tungstenite::tungstenite::protocol::WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0);
    let (mut socket, _) = client_async_with_config(request, tls, Some(config)).await.expect("upgraded");
    let token = "x".repeat(460);
    let listen = format!(
        r#"{{"type":"listen","version":"1.6","payload":{{"token":"{token}","reconnectTimeout":0,"browserinfo":{{"p":"browser","v":"2.18.5","plugin":"rtc","browser":{{"platform":"Linux x86_64","userAgent":"Mozilla/5.0"}}}}}}}}"#
    );
    let presence =
        |audio| format!(r#"{{"type":"register","version":"1.6","payload":{{"media":{{"audio":{audio}}}}}}}"#);
    for frame in [listen, presence(true), presence(false)] {
        socket.send(Message::text(frame)).await.expect("sent");
        socket.next().await.expect("answered").expect("a frame");
    }
    socket.close(None).await.expect("closed");
    while let Some(Ok(_)) = socket.next().await {}
}

fn spec(plan: &Plan, number: u64) -> AttemptSpec {
    let cells = SignatureCells::default();
    let (kind, key, name_length) = (TokenKind::Access, KeySlot(0), 24);
    AttemptSpec {
        id: AttemptId(number),
        pod: plan.pods[0].name.clone(),
        probe: plan.probes[0].name.clone(),
        role: Role::Scheduled,
        token: TokenWish::Fresh { kind, key, name_length, unlike: cells, wanted: CellWeights::NONE },
        edge: plan.pods[0].edges()[0].clone(),
        at: Timestamp::MIN,
        deadline: Timestamp::MAX,
        call: None,
    }
}

fn plan(folder: &Path, port: u16, hold: &str) -> Arc<Plan> {
    fs::write(folder.join("secret"), "0123456789abcdef0123456789abcdef").expect("written");
    let pod = format!(
        r#"
        name = "pod-1"
        public_name = "One"
        [partner]
        kind = "twilio"
        account_sid = "AC00000000000000000000000000000001"
        edges = ["ashburn"]
        api_key = {{ sid = "SK00000000000000000000000000000001", secret = {{ file = "secret" }} }}
        signalling = "wss://localhost:{port}/signal"
        ca_file = "ca.pem"
        "#
    );
    let probe = format!("kind = \"connection\"\nschedule = \"0 * * * * *\"\nhold = \"{hold}\"\n");
    let file = |kind, path: &str, text: &str| SourceText { kind, path: path.to_owned(), text: text.to_owned() };
    let files = vec![
        file(FileKind::Ringcheck, "config/ringcheck.toml", include_str!("../config/ringcheck.toml")),
        file(FileKind::Pod, "config/pods/pod-1.toml", &pod),
        file(FileKind::Probe, "probes/connection.toml", &probe),
    ];
    let sources = Sources { base: folder.to_owned(), files };
    Arc::new(read_texts(&sources).unwrap_or_else(|problems| panic!("{problems}")).plan)
}

/// CPU time of this thread, in nanoseconds.
fn cpu_ns() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts it");
    text.split_whitespace().next().and_then(|number| number.parse().ok()).expect("its first number")
}

fn resident_bytes() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").expect("Linux counts it");
    let pages: u64 = text.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("its second number");
    pages * 4096
}

fn median(mut numbers: Vec<u64>) -> u64 {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

/// The server, in a process of its own: neither its time nor its memory is ours.
struct Server {
    child: Child,
    port: u16,
    registered: u64,
    lines: std::sync::mpsc::Receiver<()>,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("known"))
            .arg("--serve")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
        let port = said.next().expect("a line").expect("text").parse().expect("a port");
        let (sender, lines) = std::sync::mpsc::sync_channel(16_384);
        std::thread::spawn(move || count(said, &sender));
        Self { child, port, registered: 0, lines }
    }

    /// Takes the lines of devices that registered before what is measured next.
    fn take_lines(&mut self, number: u64) {
        for _ in 0..number {
            self.lines.recv().expect("the server lives");
        }
        self.registered = 0;
    }

    fn take_waiting(&mut self) {
        self.registered += self.lines.try_iter().count() as u64;
    }
}

fn count(said: Lines<BufReader<ChildStdout>>, lines: &std::sync::mpsc::SyncSender<()>) {
    for _ in said.map_while(Result::ok) {
        if lines.send(()).is_err() {
            return;
        }
    }
}

/// Serves until it is killed: says its port, then a line for every device that registers.
#[tokio::main]
async fn serve(folder: &Path) {
    let acceptor = acceptor(folder);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("bound").port());
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await
                && let Ok(mut socket) = accept_async(stream).await
            {
                while let Some(Ok(message)) = socket.next().await {
                    let Ok(text) = message.to_text() else { continue };
                    let answer = if text.contains("\"listen\"") {
                        r#"{"type":"connected","version":"1.6","payload":{"region":"US_EAST_VIRGINIA","edge":"ashburn"}}"#
                    } else if text.contains("\"audio\":true") {
                        println!("registered");
                        r#"{"type":"ready","version":"1.6","payload":{}}"#
                    } else if text.contains("\"audio\":false") {
                        r#"{"type":"offline","version":"1.6","payload":{}}"#
                    } else {
                        continue;
                    };
                    socket.send(Message::text(answer)).await.ok();
                }
            }
        });
    }
}

/// A new authority in `ca.pem`, and a certificate of it for localhost.
fn acceptor(folder: &Path) -> TlsAcceptor {
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("made")).expect("signed");
    fs::write(folder.join("ca.pem"), authority.pem()).expect("written");
    let key = KeyPair::generate().expect("made");
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = leaf.signed_by(&key, &authority).expect("signed");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("defaults")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("they fit");
    TlsAcceptor::from(Arc::new(config))
}
