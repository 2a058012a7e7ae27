//! Asks a partner's REST API about test calls. Nothing is ever asked twice: a call that was
//! ordered again would ring again.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use secrecy::ExposeSecret;

use crate::model::{EdgeName, FailureReason, RestAnswer, RestRequest};
use crate::partner::twilio::{Account, REST_ANSWER_MAX, RestCall, rest_answer};

use super::not_done::NotDone;
use super::tls::Tls;
use super::{answer_body, clock, secrets};

/// An answer that is waited for while the attempt goes on.
pub type Asking = Pin<Box<dyn Future<Output = RestAnswer> + Send>>;

/// The REST API as one attempt needs it.
#[derive(Clone)]
pub struct PartnerRest {
    tls: Arc<Tls>,
    account: Account,
    edge: EdgeName,
    identity: String,
    deadline: Duration,
}

impl PartnerRest {
    /// Asks as this account about the device of this name; each answer may take so long.
    pub fn new(tls: Arc<Tls>, account: Account, edge: EdgeName, identity: String, deadline: Duration) -> Self {
        Self { tls, account, edge, identity, deadline }
    }

    /// Asks, once.
    pub fn ask(&self, request: &RestRequest) -> Asking {
        let (this, call) = (self.clone(), RestCall::of(&self.account, &self.edge, &self.identity, request));
        Box::pin(async move {
            let answer = tokio::time::timeout(this.deadline, this.send(call)).await;
            answer.unwrap_or(RestAnswer::NoAnswer)
        })
    }

    async fn send(&self, call: RestCall) -> RestAnswer {
        let Some((client, user, password)) = self.client() else {
            return RestAnswer::Unreachable(FailureReason::Unreachable);
        };
        let request = match call.form {
            Some(form) => client.post(&call.url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form),
            None => client.get(&call.url),
        };
        let sent = request.basic_auth(user, Some(password.expose_secret())).send().await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return RestAnswer::Unreachable(reason(&error)),
        };
        let status = answer.status().as_u16();
        let retry_after_s = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| super::dialer::retry_after_seconds(value.to_str().ok()?, clock::now()));
        let body = match answer_body::read(answer, REST_ANSWER_MAX).await {
            Ok(Some(body)) => body,
            Ok(None) => return RestAnswer::Malformed,
            Err(error) => return RestAnswer::Unreachable(reason(&error)),
        };
        rest_answer(status, retry_after_s, &String::from_utf8_lossy(&body))
    }

    /// A client, and whom to ask as; `None` if something of ours is missing.
    fn client(&self) -> Option<(reqwest::Client, String, secrecy::SecretString)> {
        let missing = |error: &dyn std::fmt::Display| tracing::warn!(%error, "cannot ask the partner's REST API");
        let (user, reference) = match (self.account.api_keys.first(), &self.account.auth_token) {
            (Some(key), _) => (key.sid.clone(), &key.secret),
            (None, Some(token)) => (self.account.account_sid.clone(), token),
            (None, None) => return None,
        };
        let password = secrets::read(reference).inspect_err(|error| missing(error)).ok()?;
        let config = self.tls.config(self.account.ca_file.as_deref()).inspect_err(|error| missing(error)).ok()?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(config.as_ref().clone())
            // The password goes to the configured address and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .build();
        let client = client.inspect_err(|error| missing(error)).ok()?;
        Some((client, user, password))
    }
}

fn reason(error: &reqwest::Error) -> FailureReason {
    match NotDone::of_http(error) {
        Some(NotDone::Failed(reason)) => reason,
        Some(NotDone::Lost(_)) | None => FailureReason::ConnectionReset,
    }
}
