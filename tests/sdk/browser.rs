//! The real SDKs in a real browser, as a process that is asked and answers line by line.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{broadcast, oneshot};

/// What an application beside the SDK saw of one connection attempt.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen {
    pub(crate) errors: Vec<Raised>,
    pub(crate) states: Vec<String>,
}

/// An error that the SDK's device raised.
#[derive(Debug, Deserialize)]
pub(crate) struct Raised {
    pub(crate) code: u32,
    /// 2.x: the error's name. 1.x: the code of its `twilioError`.
    pub(crate) detail: serde_json::Value,
}

/// One call to be made, or to be waited for.
pub(crate) struct Call<'a> {
    pub(crate) id: &'a str,
    pub(crate) page: usize,
    pub(crate) sdk: &'a str,
    pub(crate) host: &'a str,
    pub(crate) token: &'a str,
    pub(crate) direction: &'a str,
    /// In the order in which the SDK is to prefer them; 1.x is not asked.
    pub(crate) codecs: &'a [&'a str],
}

/// What an application beside the SDK saw and heard of one call.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Heard {
    pub(crate) errors: Vec<Raised>,
    pub(crate) states: Vec<String>,
    /// Share of the time in which the agent heard its own voice come back.
    pub(crate) heard: f64,
    /// True if the call was still up when it was hung up.
    pub(crate) was_up: bool,
    /// How speech was coded, as the SDK 2.x tells it.
    pub(crate) codec: Option<String>,
}

/// The browser.
pub(crate) struct Browser {
    child: Child,
    requests: tokio::sync::Mutex<ChildStdin>,
    waiting: Waiting,
    states: broadcast::Sender<(String, String)>,
}

/// States that a listener may be behind with.
const STATES_MAX: usize = 1024;

type Waiting = Arc<Mutex<BTreeMap<String, oneshot::Sender<serde_json::Value>>>>;

impl Browser {
    /// Starts it; `authority` is the PEM file of the certificate authority that it trusts.
    pub(crate) async fn start(authority: &Path) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk");
        assert!(
            folder.join("node_modules/puppeteer-core").exists() && Path::new("/usr/bin/chromium").exists(),
            "the SDKs or the browser are not installed: scripts/test.sh install"
        );
        let mut child = Command::new("node")
            .arg(folder.join("devices.mjs"))
            .arg(authority)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let requests = tokio::sync::Mutex::new(child.stdin.take().expect("it is piped"));
        let mut answers = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let hello = answers.next_line().await.expect("it can be read").expect("the browser starts");
        println!("{hello}");
        let waiting = Waiting::default();
        let answered = Arc::clone(&waiting);
        let states = broadcast::Sender::new(STATES_MAX);
        let told = states.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = answers.next_line().await {
                let answer: serde_json::Value = serde_json::from_str(&line).expect("an answer is JSON");
                let id = answer["id"].as_str().expect("an answer has an id").to_owned();
                if let Some(state) = answer["state"].as_str() {
                    told.send((id, state.to_owned())).ok();
                    continue;
                }
                let asker = answered.lock().expect("nobody panics with it").remove(&id);
                asker.expect("it was asked for").send(answer).ok();
            }
            // Whoever still waits is told by the end of its channel.
            answered.lock().expect("nobody panics with it").clear();
        });
        Self { child, requests, waiting, states }
    }

    /// One call of a real device in the page of this number. `meanwhile` is given the states that
    /// devices get into, each with its request's id.
    pub(crate) async fn call(
        &self,
        call: &Call<'_>,
        meanwhile: impl AsyncFnOnce(broadcast::Receiver<(String, String)>),
    ) -> Heard {
        let Call { id, page, sdk, host, token, direction, codecs } = *call;
        let request = serde_json::json!({
            "id": id, "page": page, "sdk": sdk, "host": host, "token": token, "direction": direction,
            "codecs": codecs, "holdMs": 4000, "silentMs": 6000,
        });
        let states = self.states.subscribe();
        let (answer, ()) = tokio::join!(self.ask(id, &request), meanwhile(states));
        serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{id}: {error}: {answer}"))
    }

    async fn ask(&self, id: &str, request: &serde_json::Value) -> serde_json::Value {
        let (asker, answer) = oneshot::channel();
        self.waiting.lock().expect("nobody panics with it").insert(id.to_owned(), asker);
        self.requests.lock().await.write_all(format!("{request}\n").as_bytes()).await.expect("the browser lives");
        answer.await.unwrap_or_else(|_| panic!("{id}: the browser has died"))
    }

    /// One connection attempt of a real device in the page of this number.
    pub(crate) async fn attempt(&self, id: &str, page: usize, sdk: &str, host: &str, token: &str) -> Seen {
        let request =
            serde_json::json!({ "id": id, "page": page, "sdk": sdk, "host": host, "token": token, "leave": true });
        let answer = self.ask(id, &request).await;
        serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{id}: {error}: {answer}"))
    }

    /// Closes it properly.
    pub(crate) async fn close(mut self) {
        drop(self.requests);
        self.child.wait().await.expect("it ends");
    }
}
