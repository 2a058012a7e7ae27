//! The real SDKs in a real browser, as a process that is asked and answers line by line.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;

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

/// The browser.
pub(crate) struct Browser {
    child: Child,
    requests: tokio::sync::Mutex<ChildStdin>,
    waiting: Waiting,
}

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
        tokio::spawn(async move {
            while let Ok(Some(line)) = answers.next_line().await {
                let answer: serde_json::Value = serde_json::from_str(&line).expect("an answer is JSON");
                let id = answer["id"].as_str().expect("an answer has an id").to_owned();
                let asker = answered.lock().expect("nobody panics with it").remove(&id);
                asker.expect("it was asked for").send(answer).ok();
            }
            // Whoever still waits is told by the end of its channel.
            answered.lock().expect("nobody panics with it").clear();
        });
        Self { child, requests, waiting }
    }

    /// One connection attempt of a real device in the page of this number.
    pub(crate) async fn attempt(&self, id: &str, page: usize, sdk: &str, host: &str, token: &str) -> Seen {
        let (asker, answer) = oneshot::channel();
        self.waiting.lock().expect("nobody panics with it").insert(id.to_owned(), asker);
        let request =
            serde_json::json!({ "id": id, "page": page, "sdk": sdk, "host": host, "token": token, "leave": true });
        self.requests.lock().await.write_all(format!("{request}\n").as_bytes()).await.expect("the browser lives");
        let answer = answer.await.unwrap_or_else(|_| panic!("{id}: the browser has died"));
        serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{id}: {error}: {answer}"))
    }

    /// Closes it properly.
    pub(crate) async fn close(mut self) {
        drop(self.requests);
        self.child.wait().await.expect("it ends");
    }
}
