//! What commands share that ask a running node: where it is, the token, and the question.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

/// How long the node may take to answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(15);

/// Where the node is.
#[derive(Debug, clap::Args)]
pub struct OperatorArgs {
    /// Address of the node's operator side
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9870",
        env = "RINGCHECK_OPERATOR",
        global = true
    )]
    operator: String,
    /// File with the operator token; else RINGCHECK_OPERATOR_TOKEN is used, if it is set
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
}

/// What the node answered.
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Value,
}

impl Reply {
    /// Why it is a no, for people.
    pub fn refusal(&self) -> &str {
        self.body["error"].as_str().unwrap_or("no reason was given")
    }
}

impl OperatorArgs {
    /// Asks what is.
    pub fn get(&self, path: &str) -> anyhow::Result<Reply> {
        self.wait_for(Method::GET, path, None::<&Value>)
    }

    /// Asks for something to be done.
    pub fn post(&self, path: &str, body: &impl Serialize) -> anyhow::Result<Reply> {
        self.wait_for(Method::POST, path, Some(body))
    }

    fn wait_for(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> anyhow::Result<Reply> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
        runtime.block_on(self.ask(method, path, body))
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> anyhow::Result<Reply> {
        let address = format!("{}{path}", self.operator.trim_end_matches('/'));
        let client = reqwest::Client::builder().timeout(ANSWER_DEADLINE).build().context("cannot make a client")?;
        let mut request = client.request(method, &address);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(token) = self.token()? {
            request = request.bearer_auth(token);
        }
        let answer =
            request.send().await.with_context(|| format!("cannot reach {}; is the node running?", self.operator))?;
        let status = answer.status();
        if status == StatusCode::UNAUTHORIZED {
            return Err(anyhow!(
                "{} wants its operator token: give --token-file or RINGCHECK_OPERATOR_TOKEN",
                self.operator
            ));
        }
        let text = answer.text().await.with_context(|| format!("no whole answer from {}", self.operator))?;
        let body = serde_json::from_str(&text)
            .with_context(|| format!("{} answered {status}, and not as ringcheck does", self.operator))?;
        Ok(Reply { status, body })
    }

    /// The operator token; never an argument, since arguments are seen by everybody on the machine.
    fn token(&self) -> anyhow::Result<Option<String>> {
        if let Some(path) = &self.token_file {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            return Ok(Some(text.trim().to_owned()));
        }
        Ok(std::env::var("RINGCHECK_OPERATOR_TOKEN").ok().filter(|token| !token.is_empty()))
    }
}
