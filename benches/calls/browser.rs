//! The same call by the partner's own SDK in headless Chromium.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::process;

/// The browser, driven by tests/sdk/devices.mjs.
pub struct Browser {
    child: Child,
    asked: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    /// Chromium's own first process: what drives it is not counted.
    chromium: u32,
}

impl Browser {
    /// Starts it with this authority.
    pub fn start(authority: &Path) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk");
        let installed = folder.join("node_modules/puppeteer-core").exists() && Path::new("/usr/bin/chromium").exists();
        assert!(installed, "the SDKs or the browser are not installed: scripts/test.sh install");
        let mut child = Command::new("node")
            .arg(folder.join("devices.mjs"))
            .arg(authority)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let asked = child.stdin.take().expect("piped");
        let mut said = BufReader::new(child.stdout.take().expect("piped")).lines();
        println!("{}", said.next().expect("the browser starts").expect("text"));
        let chromium = process::child_named(child.id(), "chromium").expect("node has started Chromium");
        Self { child, asked, said, chromium }
    }

    /// One call in a fresh page: the CPU time of all of Chromium, and its memory at the end.
    pub fn call(&mut self, page: usize, host: &str, token: &str, hold_ms: u32) -> (Duration, u64) {
        let id = format!("call {page}");
        let request = json!({
            "id": id, "page": page, "sdk": "v2", "host": host, "token": token, "direction": "outbound",
            "codecs": ["pcmu"],
            "holdMs": hold_ms, "silentMs": 30_000,
        });
        let before = process::tree(self.chromium).0;
        writeln!(self.asked, "{request}").expect("it lives");
        let answer = loop {
            let line = self.said.next().expect("the browser lives").expect("text");
            let answer: Value = serde_json::from_str(&line).expect("JSON");
            if answer.get("state").is_none() {
                break answer;
            }
        };
        assert_eq!(answer["wasUp"], true, "{answer}");
        assert!(answer["heard"].as_f64().is_some_and(|heard| heard > 0.0), "{answer}");
        let (after, memory) = process::tree(self.chromium);
        (after - before, memory)
    }

    /// Ends it.
    pub fn end(mut self) {
        drop(self.asked);
        self.child.wait().expect("it ends");
    }
}
