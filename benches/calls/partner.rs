//! The simulated partner in a process of its own, so that neither its time nor its memory is ours,
//! and a dialer that knows it.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use ringcheck::io::dialer::Dialer;
use ringcheck::model::{
    AttemptId, AttemptReport, AttemptSpec, CallDirection, CallWish, CellWeights, Codec, EdgeName, KeySlot, MediaPath,
    PodName, Role, SignatureCells, Timestamp, TokenKind, TokenWish,
};
use ringcheck::partner::twilio::{Account, AccountKeys, MintRequest, SigningKey, mint};
use ringcheck::partner_server::{PartnerServer, PartnerSettings, PodSettings};
use ringcheck::plan::read::{FileKind, SourceText, Sources, read_texts};
use ringcheck::plan::{PartnerAccount, Plan};
use secrecy::SecretString;
use tokio::sync::mpsc;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ACCOUNT: &str = "AC00000000000000000000000000000001";
const KEY: &str = "SK00000000000000000000000000000001";
const APPLICATION: &str = "AP00000000000000000000000000000003";
/// Reports that wait to be read.
const REPORTS: usize = 2048;

/// The partner's process.
pub struct Partner {
    child: Child,
    asked: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    /// Where the pod's clients connect.
    pub address: String,
}

impl Partner {
    /// Starts it; it leaves its authority in `ca.pem`.
    pub fn start(folder: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("known"))
            .arg("--serve")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let asked = child.stdin.take().expect("piped");
        let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
        let address = said.next().expect("a line").expect("text");
        Self { child, asked, said, address }
    }

    /// Calls that are up at the partner.
    pub fn calls_up(&mut self) -> usize {
        writeln!(self.asked, "calls").expect("it lives");
        self.said.next().expect("it lives").expect("text").parse().expect("a number")
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it.
    pub fn end(mut self) {
        drop(self.asked);
        self.child.wait().expect("it ends");
    }
}

/// Serves until its input ends: says where, then for every line how many calls are up.
pub fn serve(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let partner = runtime.block_on(PartnerServer::start(PartnerSettings::for_pods(vec![pod()]))).expect("started");
    fs::write(folder.join("ca.pem"), partner.ca_pem().expect("over TLS")).expect("written");
    println!("{}", partner.address(&pod_name()).expect("there"));
    for _ in std::io::stdin().lines().map_while(Result::ok) {
        println!("{}", partner.calls_up(&pod_name()));
    }
}

fn pod_name() -> PodName {
    PodName::parse("pod-1").expect("a name")
}

fn pod() -> PodSettings {
    let keys = AccountKeys {
        account_sid: ACCOUNT.to_owned(),
        api_keys: vec![(KEY.to_owned(), SecretString::from(SECRET))],
        auth_token: None,
    };
    PodSettings { name: pod_name(), keys, edge: EdgeName::parse("ashburn").expect("a name"), port: 0 }
}

/// A token with which the SDK may call.
pub fn sdk_token(client: &Client) -> String {
    let PartnerAccount::Twilio(account) = &client.plan.pods[0].partner;
    let account: &Account = account;
    let key = SigningKey::ApiKey { sid: KEY, secret: SECRET.as_bytes() };
    let (now, outgoing) = (ringcheck::io::clock::now(), Some(APPLICATION));
    let request = MintRequest { account, key, identity: "rc_bench", outgoing, now, ttl_s: 600, serial: 0 };
    mint(&request).expose().to_owned()
}

/// Our side: the dialer of a node.
pub struct Client {
    /// It.
    pub dialer: Dialer,
    /// What it finds.
    pub reports: mpsc::Receiver<AttemptReport>,
    plan: Arc<Plan>,
    next: u64,
}

impl Client {
    /// A dialer for the partner at this address. Needs a runtime.
    pub fn start(folder: &Path, address: &str) -> Self {
        Self::with(folder, address, "")
    }

    /// The same with more in the pod's file.
    pub fn with(folder: &Path, address: &str, more: &str) -> Self {
        let plan = plan(folder, address, more);
        let (sender, reports) = mpsc::channel(REPORTS);
        let dialer = Dialer::start(plan.node.location.name.clone(), sender).expect("started");
        Self { dialer, reports, plan, next: 1 }
    }

    /// Begins an outbound test call that is held so long.
    pub fn call(&mut self, hold_ms: u32) {
        self.call_in(hold_ms, Codec::Pcmu, MediaPath::Any);
    }

    /// The same in this codec and on this path.
    pub fn call_in(&mut self, hold_ms: u32, codec: Codec, path: MediaPath) {
        self.dial(Some(CallWish { direction: CallDirection::Outbound, hold_ms, ring_ms: 0, codec, path }));
    }

    /// Begins a connection attempt.
    pub fn connect(&mut self) {
        self.dial(None);
    }

    fn dial(&mut self, call: Option<CallWish>) {
        let (kind, key, name_length) = (TokenKind::Access, KeySlot(0), 24);
        let (unlike, wanted) = (SignatureCells::default(), CellWeights::NONE);
        // An odd factor, so that every call of a run has a tone of its own.
        let id = AttemptId(self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1);
        self.next += 1;
        let spec = AttemptSpec {
            id,
            pod: self.plan.pods[0].name.clone(),
            probe: self.plan.probes[0].name.clone(),
            role: Role::Scheduled,
            token: TokenWish::Fresh { kind, key, name_length, unlike, wanted },
            edge: self.plan.pods[0].edges()[0].clone(),
            at: Timestamp::MIN,
            deadline: Timestamp::MAX,
            call,
        };
        self.dialer.dial(spec, Arc::clone(&self.plan));
    }
}

fn plan(folder: &Path, address: &str, more: &str) -> Arc<Plan> {
    fs::write(folder.join("secret"), SECRET).expect("written");
    let pod = format!(
        r#"
        name = "pod-1"
        public_name = "One"
        [partner]
        kind = "twilio"
        account_sid = "{ACCOUNT}"
        edges = ["ashburn"]
        api_key = {{ sid = "{KEY}", secret = {{ file = "secret" }} }}
        application_sid = "{APPLICATION}"
        signalling = "wss://{address}/signal"
        rest = "https://{address}"
        ca_file = "ca.pem"
        {more}
        "#
    );
    let probe = "kind = \"connection\"\nschedule = \"0 * * * * *\"\nhold = \"0s\"\n";
    let file = |kind, path: &str, text: &str| SourceText { kind, path: path.to_owned(), text: text.to_owned() };
    let files = vec![
        file(FileKind::Ringcheck, "config/ringcheck.toml", include_str!("../../config/ringcheck.toml")),
        file(FileKind::Pod, "config/pods/pod-1.toml", &pod),
        file(FileKind::Probe, "probes/connection.toml", probe),
    ];
    let sources = Sources { base: folder.to_owned(), files };
    Arc::new(read_texts(&sources).unwrap_or_else(|problems| panic!("{problems}")).plan)
}
