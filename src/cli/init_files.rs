//! What `ringcheck init` writes.

use std::fmt::Write as _;
use std::path::PathBuf;

/// What is known about the first pod.
pub struct Answers {
    /// Its name.
    pub pod: String,
    /// Its name for the public.
    pub public_name: String,
    /// Its account.
    pub account_sid: String,
    /// A key of its account.
    pub api_key_sid: String,
    /// Where its agents connect.
    pub edge: String,
    /// Where this node is.
    pub location: String,
    /// Who is told.
    pub email: String,
    /// Who the mails are from.
    pub from: String,
    /// Who takes our mails.
    pub smtp_host: String,
    /// As whom we give them.
    pub smtp_user: String,
}

impl Answers {
    /// The environment variable with the API key's secret.
    fn key_variable(&self) -> String {
        format!("{}_API_KEY_SECRET", self.pod.to_uppercase().replace('-', "_"))
    }
}

/// Text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The three files: node, pod, probe.
pub fn files(answers: &Answers) -> [String; 3] {
    [ringcheck(answers), pod(answers), probe()]
}

fn ringcheck(answers: &Answers) -> String {
    let Answers { location, email, from, smtp_host, smtp_user, .. } = answers;
    let [location, email, from] = [location, email, from].map(|text| quoted(text));
    let [smtp_host, smtp_user] = [smtp_host, smtp_user].map(|text| quoted(text));
    format!(
        r#"# Where this node runs and who is told. All keys: docs/configuration.md.

# Where people reach the operator side; used in links in pages.
external_url = "http://127.0.0.1:9870"

[location]
name = {location}
# Nearly always up, and not the partner: when all of them fail, it is our own network.
control = ["https://www.google.com/generate_204", "https://cloudflare.com/cdn-cgi/trace", "tcp://9.9.9.9:53"]

[store]
path = "../var/ringcheck.db"

[http]
# Dashboard, API and metrics. Elsewhere than on loopback it needs operator_token = {{ env = "…" }}.
operator = "127.0.0.1:9870"
# The status page, nothing else.
public = "127.0.0.1:9871"

# Who looks after the monitor itself: our own network, throttling, no data.
[owner]
to = ["oncall"]

[status_page]
title = "Calling status"
url = "http://127.0.0.1:9871"

[[receiver]]
name = "oncall"
kind = "email"
from = {from}
to = [{email}]
host = {smtp_host}
security = "starttls"
user = {smtp_user}
# Secrets are only ever references: an environment variable, or {{ file = "path" }}.
password = {{ env = "SMTP_PASSWORD" }}

[[route]]
severity = "critical"
to = ["oncall"]
"#
    )
}

fn pod(answers: &Answers) -> String {
    let Answers { pod, public_name, account_sid, api_key_sid, edge, .. } = answers;
    let [name, public_name, edge] = [pod, public_name, edge].map(|text| quoted(text));
    let [account_sid, api_key_sid] = [account_sid, api_key_sid].map(|text| quoted(text));
    let variable = answers.key_variable();
    format!(
        r#"# A pod: a slice of the product with a Twilio account of its own. Copy this file for the next one.
name = {name}
# All that the public ever sees of it.
public_name = {public_name}

[partner]
kind = "twilio"
account_sid = {account_sid}
# First choice first.
edges = [{edge}]
api_key = {{ sid = {api_key_sid}, secret = {{ env = "{variable}" }} }}
# Only where agents still use capability tokens:
# auth_token = {{ env = "TWILIO_AUTH_TOKEN" }}

# Connections a minute. 6 is what an unasked monitor may do; ask Twilio before you raise it.
[budget]
connections_per_minute = 6
"#
    )
}

fn probe() -> String {
    r#"# Mint a token, connect, register as the SDK does, leave.
kind = "connection"
# Rounds fall due every minute (second minute hour day month weekday, UTC); attempts are spread
# evenly, as many as the pod's budget gives.
schedule = "0 * * * * *"
"#
    .to_owned()
}

/// What to do now.
pub fn next_steps(answers: &Answers, paths: &[&PathBuf]) -> String {
    let mut text = String::new();
    for path in paths {
        let _ = writeln!(text, "wrote {}", path.display());
    }
    let _ = write!(
        text,
        "
Next:
  export {}=…    the API key's secret
  export SMTP_PASSWORD=…
  ringcheck check-config           all mistakes in one go, and what the rate buys
  ringcheck calibrate {}{}what the partner accepts, each kind of token once
  ringcheck check                  every probe once, now
  ringcheck run
",
        answers.key_variable(),
        answers.pod,
        " ".repeat(13_usize.saturating_sub(answers.pod.len()).max(1)),
    );
    text
}
