//! What a user has: a folder, a simulated partner, a node, and somebody who takes its pages.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use serde_json::Value;
use tokio::runtime::Runtime;

const BINARY: &str = env!("CARGO_BIN_EXE_ringcheck");
/// Looked again after so long, while waiting for another process.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder under `target/tmp/product/`, which stays.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("product").join(name);
    std::fs::create_dir_all(&folder).expect("makes");
    folder
}

pub fn ringcheck(args: &[&str]) -> Output {
    Command::new(BINARY).args(args).current_dir(root()).stdin(Stdio::null()).output().expect("it starts")
}

/// Keeps what a command wrote.
pub fn keep(name: &str, output: &Output) {
    let folder = folder("output");
    std::fs::write(folder.join(format!("{name}.out")), &output.stdout).expect("writes");
    std::fs::write(folder.join(format!("{name}.err")), &output.stderr).expect("writes");
}

/// Waits for another process; the bound only ends a test that fails.
#[expect(clippy::disallowed_methods, reason = "other processes tell nobody when they are ready")]
pub fn until(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < patience, "{what}: not within {patience:?}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A process that ends with the test.
pub struct Process(Child);

impl Process {
    /// `kill -9`.
    pub fn kill(&mut self) {
        self.0.kill().expect("it lives");
        self.0.wait().expect("it is ours");
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.0.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Its exit code after SIGTERM.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.0.wait().expect("it is ours").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A partner of three pods and the configuration of a node that watches it.
pub struct Bed {
    pub config: PathBuf,
    folder: PathBuf,
    operator: SocketAddr,
    public: SocketAddr,
    control: String,
    partner: Process,
    pages: Arc<Mutex<Vec<Value>>>,
    runtime: Runtime,
    _controls: TcpListener,
}

impl Bed {
    pub fn start(name: &str) -> Self {
        let folder = folder(name);
        std::fs::remove_dir_all(&folder).expect("it is ours");
        let config = folder.join("config");
        std::fs::create_dir_all(&config).expect("makes");
        let runtime = Runtime::new().expect("a runtime");
        let (partner, control) = partner(&config);
        let controls = TcpListener::bind("127.0.0.1:0").expect("a port");
        let pages = Arc::<Mutex<Vec<Value>>>::default();
        let webhook = runtime.block_on(webhook(pages.clone()));
        let bed = Self {
            operator: free_port(),
            public: free_port(),
            config,
            folder,
            control,
            partner,
            pages,
            runtime,
            _controls: controls,
        };
        let at = bed._controls.local_addr().expect("it is bound");
        std::fs::write(bed.config.join("webhook.secret"), format!("whsec_{}", "sesame".repeat(6))).expect("writes");
        let text = format!(
            "external_url = \"http://{operator}\"\n[location]\nname = \"here\"\ncontrol = [\"tcp://{at}\", \"tcp://{webhook}\"]\n\
             [store]\npath = \"../ringcheck.db\"\n[http]\noperator = \"{operator}\"\npublic = \"{public}\"\n\
             [owner]\nto = [\"hook\"]\n[status_page]\ntitle = \"Calls\"\nurl = \"http://{public}\"\n\
             [[receiver]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://{webhook}/\"\n\
             secret = {{ file = \"webhook.secret\" }}\n[[route]]\nseverity = \"critical\"\nto = [\"hook\"]\n",
            operator = bed.operator,
            public = bed.public,
        );
        std::fs::write(bed.config.join("ringcheck.toml"), text).expect("writes");
        for number in 1..=3 {
            let file = bed.config.join(format!("pods/pod-{number}.toml"));
            let text = std::fs::read_to_string(&file).expect("it was generated");
            std::fs::write(&file, format!("{text}\n[budget]\nconnections_per_minute = 60\n")).expect("writes");
        }
        bed
    }

    /// The example's probe of connections alone: the simulated partner answers no calls yet.
    fn probes(&self) -> PathBuf {
        let folder = self.folder.join("probes");
        std::fs::create_dir_all(&folder).expect("makes");
        std::fs::copy(root().join("probes/connection.toml"), folder.join("connection.toml")).expect("copies");
        folder
    }

    /// Starts the node; its log has that name.
    pub fn run(&self, name: &str) -> Process {
        let log = File::create(self.folder.join(format!("{name}.log"))).expect("makes");
        let child = Command::new(BINARY)
            .args(["run", "--config", &self.config.display().to_string(), "--probes"])
            .arg(self.probes())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("clones"))
            .stderr(log)
            .spawn();
        let process = Process(child.expect("it starts"));
        until("the node answers", Duration::from_secs(30), || self.ask("GET", self.operator, "/-/ready").0 == 200);
        process
    }

    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(format!("{name}.log"))).expect("reads")
    }

    pub fn operator(&self) -> String {
        format!("http://{}", self.operator)
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", self.operator, path)
    }

    pub fn post(&self, path: &str) -> (u16, String) {
        self.ask("POST", self.operator, path)
    }

    pub fn get_public(&self, path: &str) -> (u16, String) {
        self.ask("GET", self.public, path)
    }

    pub fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).1).unwrap_or_default()
    }

    /// What receivers took, each id once.
    pub fn pages(&self) -> Vec<Value> {
        self.pages.lock().expect("not poisoned").clone()
    }

    /// Status 0 if nobody answers.
    fn ask(&self, method: &str, at: SocketAddr, path: &str) -> (u16, String) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        self.runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().expect("a client");
            let Ok(answer) = client.request(method, format!("http://{at}{path}")).send().await else {
                return (0, String::new());
            };
            (answer.status().as_u16(), answer.text().await.unwrap_or_default())
        })
    }

    /// Makes attempts with a command that says in JSON what they found; its exit code and answer.
    pub fn attempts(&self, args: &[&str]) -> (Option<i32>, Value) {
        let (config, probes) = (self.config.display().to_string(), self.probes().display().to_string());
        let output = ringcheck(&[args, &["--config", &config, "--probes", &probes, "--format", "json"]].concat());
        keep(&format!("{}-{}", args[0], self.folder.file_name().expect("it has one").display()), &output);
        let said = String::from_utf8_lossy(&output.stderr);
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}")))
    }

    /// Somebody has put another key into a pod's file.
    pub fn lose_key(&self, pod: &str) {
        std::fs::write(self.config.join(format!("{pod}.key")), "another-key-than-the-partner-has").expect("writes");
    }

    /// Writes a fact into the store of a node that is stopped.
    pub fn write_fact(&self, fact: &str) {
        let store = rusqlite::Connection::open(self.folder.join("ringcheck.db")).expect("opens");
        let seq = "SELECT max(seq) + 1 FROM (SELECT seq FROM journal UNION SELECT seq FROM snapshot)";
        let written = store.execute(&format!("INSERT INTO journal (seq, at, fact) VALUES (({seq}), 0, ?1)"), [fact]);
        assert_eq!(written.expect("writes"), 1);
    }

    /// Switches faults of the partner.
    pub fn partner_says(&self, args: &[&str]) {
        let output = ringcheck(&[&["partner"], args, &["--control", &self.control]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The process list and all that was written hold no secret.
    pub fn tells_no_secret(&self, node: &Process) {
        self.keep_everything();
        let mut written = BTreeMap::new();
        for process in [node, &self.partner] {
            let arguments = std::fs::read(format!("/proc/{}/cmdline", process.0.id())).expect("it runs");
            written
                .insert(format!("arguments of {}", process.0.id()), String::from_utf8_lossy(&arguments).into_owned());
        }
        for kept in std::fs::read_dir(&self.folder).expect("reads").flatten().filter(|kept| kept.path().is_file()) {
            let text = std::fs::read(kept.path()).expect("reads");
            written.insert(kept.path().display().to_string(), String::from_utf8_lossy(&text).into_owned());
        }
        let mut secrets = vec!["sesame".to_owned(), "eyJ".to_owned()];
        for (number, what) in (1..=3).flat_map(|number| [(number, "key"), (number, "auth")]) {
            secrets.push(std::fs::read_to_string(self.config.join(format!("pod-{number}.{what}"))).expect("reads"));
        }
        for (place, text) in &written {
            let found = secrets.iter().position(|secret| text.contains(secret.trim()));
            assert_eq!(found, None, "a secret stands in {place}");
        }
    }

    /// Writes every answer beside the logs.
    pub fn keep_everything(&self) {
        let paths = ["/", "/pods/pod-1", "/incidents/1", "/api/v1/pods", "/api/v1/observations", "/api/v1/incidents"];
        let paths = paths.into_iter().chain(["/api/v1/alerts", "/api/v1/components", "/api/v1/notices", "/metrics"]);
        let mut kept = String::new();
        for path in paths {
            kept.push_str(&format!("GET {path}\n{}\n", self.get(path).1));
        }
        for path in ["/", "/api/v2/summary.json", "/api/v2/incidents.json"] {
            kept.push_str(&format!("GET public {path}\n{}\n", self.get_public(path).1));
        }
        for page in self.pages() {
            kept.push_str(&format!("page\n{page:#}\n"));
        }
        std::fs::write(self.folder.join("answers.txt"), kept).expect("writes");
    }
}

/// A simulated partner, once it can be connected to, and its control address.
fn partner(config: &Path) -> (Process, String) {
    let mut child = Command::new(BINARY)
        .args(["partner", "serve", "--generate", "3", "--control", "127.0.0.1:0", "--format", "json", "--out"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut output = BufReader::new(child.stdout.take().expect("is piped"));
    let process = Process(child);
    let mut text = String::new();
    let started: Value = loop {
        assert!(output.read_line(&mut text).expect("reads") > 0, "the partner has ended: {text}");
        if let Ok(started) = serde_json::from_str(&text) {
            break started;
        }
    };
    // Whoever writes into a closed pipe dies; it writes nothing more.
    let control = started["control"].as_str().expect("a control address").trim_start_matches("http://").to_owned();
    (process, control)
}

async fn webhook(pages: Arc<Mutex<Vec<Value>>>) -> SocketAddr {
    let take = |State(pages): State<Arc<Mutex<Vec<Value>>>>, body: Bytes| async move {
        pages.lock().expect("not poisoned").push(serde_json::from_slice(&body).expect("is JSON"));
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(take).with_state(pages)).await });
    address
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free")
}
