//! A partner with pods and a dialer that knows them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringcheck::engine::calls::{CallSearch, StrayCall};
use ringcheck::io::clock::Stopwatch;
use ringcheck::io::dialer::Dialer;
use ringcheck::io::stray_calls::StrayCalls;
use ringcheck::model::{
    AttemptId, AttemptReport, AttemptSpec, CallDirection, CallWish, CellWeights, EdgeName, KeySlot, LocationName,
    PodName, Role, SignatureCells, Timestamp, TokenKind, TokenWish,
};
use ringcheck::partner::twilio::AccountKeys;
use ringcheck::partner_server::{PartnerServer, PartnerSettings, PodSettings};
use ringcheck::plan::read::{FileKind, SourceText, Sources, read_texts};
use ringcheck::plan::{Plan, Probe};
use ringcheck::sim::FaultRule;
use ringcheck::token::OwnNames;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A partner with pods and a dialer that knows them.
pub struct Bed {
    pub partner: PartnerServer,
    /// A probe that waits long, for whoever answers at all.
    pub patient: Arc<Probe>,
    /// A probe that waits a second, for who never answers.
    pub impatient: Arc<Probe>,
    /// A probe for calls.
    pub calling: Arc<Probe>,
    /// A probe for calls over the pods' numbers.
    pub numbers: Arc<Probe>,
    /// A probe for calls in which digits are pressed.
    pub dialling: Arc<Probe>,
    /// A probe for calls to another client of ours.
    pub far: Arc<Probe>,
    plan: Arc<Plan>,
    dialer: Dialer,
    waiting: Arc<Mutex<BTreeMap<AttemptId, oneshot::Sender<AttemptReport>>>>,
    folder: TempDir,
}

/// The latest moment at which a call is cut off: on a quiet machine it is talking by then.
const LATEST: Duration = Duration::from_millis(1500);

/// When call number `serial` is cut off. Most of its steps are in the first tenths of a second, so most
/// moments are there too.
pub fn some_moment(serial: u64) -> Duration {
    LATEST.mul_f64(fastrand::Rng::with_seed(serial).f64().powi(3))
}

pub fn pod_name(number: usize) -> PodName {
    PodName::parse(&format!("pod-{number}")).expect("a name")
}

pub fn account_sid(number: usize) -> String {
    format!("AC{number:032}")
}

impl Bed {
    /// A partner over TLS with so many pods.
    pub async fn start(pods: usize) -> Self {
        Self::with(pods, "").await
    }

    /// The same with more in every pod's file.
    pub async fn with(pods: usize, more: &str) -> Self {
        let rings = (0..pods).map(|pod| (pod_name(pod), rings(pod, "eu-west"))).collect();
        let settings = PartnerSettings { rings, ..PartnerSettings::for_pods((0..pods).map(at_partner).collect()) };
        let partner = PartnerServer::start(settings).await.expect("started");
        let folder = tempfile::tempdir().expect("a folder");
        let ca = partner.ca_pem().expect("over TLS");
        std::fs::write(folder.path().join("ca.pem"), ca).expect("written");
        std::fs::write(folder.path().join("secret"), SECRET).expect("written");
        let plan = Arc::new(plan(&folder, &partner, pods, more));
        let (sender, mut reports) = mpsc::channel::<AttemptReport>(64);
        let dialer = Dialer::start(plan.node.location.name.clone(), sender).expect("started");
        let waiting = Arc::new(Mutex::new(BTreeMap::<AttemptId, oneshot::Sender<AttemptReport>>::new()));
        let known = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Some(report) = reports.recv().await {
                if let Some(sender) = known.lock().expect("not poisoned").remove(&report.id) {
                    drop(sender.send(report));
                }
            }
        });
        let probe =
            |name: &str| Arc::clone(plan.probes.iter().find(|probe| probe.name.as_str() == name).expect("there"));
        let (patient, impatient) = (probe("patient"), probe("impatient"));
        let (calling, numbers, dialling, far) = (probe("calling"), probe("numbers"), probe("dialling"), probe("far"));
        Self { partner, patient, impatient, calling, numbers, dialling, far, plan, dialer, waiting, folder }
    }

    /// Puts a file where the folder of recordings would be: nothing can be kept from now on.
    pub fn close_recordings(&self) {
        let calls = self.folder.path().join("calls");
        std::fs::remove_dir_all(&calls).expect("it was there");
        std::fs::write(calls, "in the way").expect("written");
    }

    /// The names of the recordings that were kept.
    pub fn recordings(&self) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(self.folder.path().join("calls")) else { return Vec::new() };
        let name = |file: std::io::Result<std::fs::DirEntry>| file.expect("an entry").file_name().into_string();
        files.map(|file| name(file).expect("text")).collect()
    }

    pub async fn set_faults(&self, pod: usize, rules: Vec<FaultRule>) {
        self.partner.set_faults(&pod_name(pod), rules).await.expect("possible");
    }

    pub async fn attempt(
        &self,
        pod: usize,
        probe: &Arc<Probe>,
        kind: TokenKind,
        like: SignatureCells,
        serial: u64,
    ) -> AttemptReport {
        let kind_number = u64::from(kind == TokenKind::Access);
        let id = AttemptId(pod as u64 * 1_000_000 + kind_number * 100_000 + serial);
        let spec = AttemptSpec {
            id,
            pod: pod_name(pod),
            probe: probe.name.clone(),
            role: Role::Scheduled,
            token: TokenWish::Fresh {
                kind,
                key: KeySlot(0),
                name_length: 27 + u8::try_from(serial % 3).expect("small"),
                unlike: SignatureCells::default(),
                wanted: CellWeights::each(like),
            },
            edge: EdgeName::parse("ashburn").expect("a name"),
            at: Timestamp::MIN,
            deadline: Timestamp::MAX,
            call: None,
        };
        self.make(spec).await
    }

    /// A test call.
    pub async fn call(&self, pod: usize, wish: CallWish, serial: u64) -> AttemptReport {
        self.make(self.call_spec(pod, wish, serial)).await
    }

    /// A test call over the pod's number.
    pub async fn number_call(&self, pod: usize, wish: CallWish, serial: u64) -> AttemptReport {
        self.make(self.number_spec(pod, wish, serial)).await
    }

    /// A test call in which digits are pressed.
    pub async fn dialled_call(&self, pod: usize, wish: CallWish, serial: u64) -> AttemptReport {
        let spec = self.call_spec(pod, wish, serial);
        self.make(AttemptSpec { probe: self.dialling.name.clone(), ..spec }).await
    }

    /// An attempt that calls over the pod's number.
    pub fn number_spec(&self, pod: usize, wish: CallWish, serial: u64) -> AttemptSpec {
        let spec = self.call_spec(pod, wish, serial);
        AttemptSpec { probe: self.numbers.name.clone(), id: AttemptId(!spec.id.0), ..spec }
    }

    /// A test call to another client of ours.
    pub async fn far_call(&self, pod: usize, wish: CallWish, serial: u64) -> AttemptReport {
        self.make(self.far_spec(pod, wish, serial)).await
    }

    /// How such a call is asked for.
    pub fn far_spec(&self, pod: usize, wish: CallWish, serial: u64) -> AttemptSpec {
        let spec = self.call_spec(pod, wish, serial);
        AttemptSpec { probe: self.far.name.clone(), id: AttemptId(spec.id.0 ^ 0xfa << 40), ..spec }
    }

    /// An attempt that calls.
    pub fn call_spec(&self, pod: usize, wish: CallWish, serial: u64) -> AttemptSpec {
        let direction = u64::from(wish.direction == CallDirection::Inbound);
        AttemptSpec {
            id: AttemptId((pod as u64 + 1) * 0x0001_0203_0405 + direction * 7919 + serial * 104_729),
            pod: pod_name(pod),
            probe: self.calling.name.clone(),
            role: Role::Scheduled,
            token: TokenWish::Fresh {
                kind: TokenKind::Access,
                key: KeySlot(0),
                name_length: 27,
                unlike: SignatureCells::default(),
                wanted: CellWeights::NONE,
            },
            edge: EdgeName::parse("ashburn").expect("a name"),
            at: Timestamp::MIN,
            deadline: Timestamp::MAX,
            call: Some(wish),
        }
    }

    /// A test call of another dialer, which dies with all it has this long after it has begun: how
    /// many calls the pod had up at that moment.
    pub async fn killed_call(self: &Arc<Self>, spec: &AttemptSpec, after: Duration) -> usize {
        let (bed, spec) = (Arc::clone(self), spec.clone());
        let killed = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let dialer = runtime.block_on(async {
                let (reports, _never_read) = mpsc::channel(1);
                let dialer = Dialer::start(bed.plan.node.location.name.clone(), reports).expect("started");
                let watch = Stopwatch::start();
                dialer.dial(spec.clone(), Arc::clone(&bed.plan));
                watch.sleep_until(after).await;
                dialer
            });
            let up = bed.partner.calls_up(&spec.pod);
            // Its tasks and its sockets go with them, wherever they are.
            drop((dialer, runtime));
            up
        });
        killed.await.expect("it does not panic")
    }

    /// A test call of another dialer, which is told to stop this long after it has begun: how many
    /// calls the pod had up at that moment, and what the call reported. All goodbyes are said.
    pub async fn stopped_call(
        &self,
        pod: usize,
        wish: CallWish,
        serial: u64,
        after: Duration,
    ) -> (usize, AttemptReport) {
        let (sender, mut reports) = mpsc::channel(1);
        let dialer = Dialer::start(self.plan.node.location.name.clone(), sender).expect("started");
        let watch = Stopwatch::start();
        dialer.dial(self.call_spec(pod, wish, serial), Arc::clone(&self.plan));
        watch.sleep_until(after).await;
        dialer.stop();
        let up = self.partner.calls_up(&pod_name(pod));
        let report = reports.recv().await.expect("every attempt reports");
        dialer.rest().await;
        (up, report)
    }

    /// Looks for the call that an attempt may have left behind, as a node does that is started again.
    pub async fn seek(&self, spec: &AttemptSpec) -> CallSearch {
        let TokenWish::Fresh { name_length, .. } = spec.token else { panic!("calls have tokens of their own") };
        let left = StrayCall {
            attempt: spec.id,
            direction: spec.call.expect("it is a call").direction,
            name_length,
            edge: spec.edge.clone(),
            since: spec.at,
            over_number: spec.probe == self.numbers.name,
        };
        let pod = self.plan.pod(&spec.pod).expect("it is there");
        StrayCalls::default().end(&self.plan, pod, &[left]).await
    }

    async fn make(&self, spec: AttemptSpec) -> AttemptReport {
        let id = spec.id;
        let (sender, report) = oneshot::channel();
        self.waiting.lock().expect("not poisoned").insert(id, sender);
        self.dialer.dial(spec, Arc::clone(&self.plan));
        report.await.expect("every attempt reports")
    }

    /// Waits until no attempt is under way, and all goodbyes are said.
    pub async fn rest(&self) {
        self.dialer.rest().await;
    }

    /// Stops the partner; fails if that takes longer.
    pub async fn shutdown(self, at_most: Duration) {
        tokio::time::timeout(at_most, self.partner.shutdown()).await.expect("it stops");
    }
}

/// The phone number of a pod.
pub fn number_of(pod: usize) -> String {
    format!("+1500555{:04}", 1000 + pod)
}

/// Who calls it.
pub const CALLER: &str = "+15005550006";

/// The application that rings a client.
const FAR_APPLICATION: &str = "AP00000000000000000000000000000004";

/// What rings which client of a node at this location.
pub fn rings(pod: usize, location: &str) -> BTreeMap<String, String> {
    let names = OwnNames::new(&pod_name(pod), &LocationName::parse(location).expect("a name"));
    [(number_of(pod), names.of_phone_number()), (FAR_APPLICATION.to_owned(), names.of_far_client())].into()
}

pub fn at_partner(number: usize) -> PodSettings {
    let keys = AccountKeys {
        account_sid: account_sid(number),
        api_keys: vec![("SK00000000000000000000000000000001".to_owned(), SecretString::from(SECRET))],
        auth_token: Some(SecretString::from(SECRET)),
    };
    let edge = EdgeName::parse("ashburn").expect("a name");
    PodSettings { name: pod_name(number), keys, edge, port: 0 }
}

fn plan(folder: &TempDir, partner: &PartnerServer, pods: usize, more: &str) -> Plan {
    let file = |kind, path: String, text: String| SourceText { kind, path, text };
    let mut files = vec![file(
        FileKind::Ringcheck,
        "config/ringcheck.toml".to_owned(),
        format!("{}\n[recordings]\npath = \"calls\"\nkeep = 2\n", include_str!("../../config/ringcheck.toml")),
    )];
    for (name, step) in [("patient", "10s"), ("impatient", "1s"), ("calling", "4s")] {
        let text = format!(
            "kind = \"connection\"\nschedule = \"0 * * * * *\"\nhold = \"1s\"\ndeadlines = {{ step = \"{step}\", hangup = \"{step}\" }}\n"
        );
        files.push(file(FileKind::Probe, format!("probes/{name}.toml"), text));
    }
    let text =
        "kind = \"inbound-call\"\nschedule = \"0 0 * * * *\"\ndeadlines = { step = \"4s\" }\n[call]\nto = \"number\"\n";
    files.push(file(FileKind::Probe, "probes/numbers.toml".to_owned(), text.to_owned()));
    let text = "kind = \"outbound-call\"\nschedule = \"0 0 * * * *\"\ndeadlines = { step = \"4s\" }\n[call]\nhold = \"10s\"\ndigits = \"7w8\"\n";
    files.push(file(FileKind::Probe, "probes/dialling.toml".to_owned(), text.to_owned()));
    let text = "kind = \"outbound-call\"\nschedule = \"0 0 * * * *\"\ndeadlines = { step = \"4s\" }\n[call]\nfar_end = \"client\"\n";
    files.push(file(FileKind::Probe, "probes/far.toml".to_owned(), text.to_owned()));
    for number in 0..pods {
        let own = number_of(number);
        let (name, sid) = (pod_name(number), account_sid(number));
        let url = partner.url(&name).expect("there");
        let rest = format!("https://{}", partner.address(&name).expect("there"));
        let text = format!(
            r#"
            name = "{name}"
            public_name = "{name}"
            [partner]
            kind = "twilio"
            account_sid = "{sid}"
            edges = ["ashburn"]
            api_key = {{ sid = "SK00000000000000000000000000000001", secret = {{ file = "secret" }} }}
            auth_token = {{ file = "secret" }}
            application_sid = "AP00000000000000000000000000000003"
            far_application_sid = "{FAR_APPLICATION}"
            signalling = "{url}"
            rest = "{rest}"
            ca_file = "ca.pem"
            [budget]
            call_minutes_per_day = 1000
            [calls]
            allowed_numbers = ["{own}", "{CALLER}"]
            own_number = "{own}"
            caller = "{CALLER}"
            {more}
            "#
        );
        files.push(file(FileKind::Pod, format!("config/pods/{name}.toml"), text));
    }
    let sources = Sources { base: folder.path().to_owned(), files };
    read_texts(&sources).unwrap_or_else(|problems| panic!("{problems}")).plan
}
