//! Signed webhooks.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use reqwest::{Response, StatusCode, Url};
use secrecy::ExposeSecret;

use crate::engine::{DeliveryResult, Notification};
use crate::io::tls::Tls;
use crate::io::{clock, secrets};
use crate::message;
use crate::model::Timestamp;
use crate::plan::{SecretOrText, Webhook};

use super::delivery_error::shortened;
use super::{DeliveryError, SigningKey, sign};

/// How long one try may take in all.
const DEADLINE: Duration = Duration::from_secs(15);
/// The shortest wait that a receiver can ask for.
const RETRY_AFTER_MIN: Duration = Duration::from_secs(1);
/// The longest.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);
/// What the receiver sees as our name.
const NAME: &str = concat!("ringcheck/", env!("CARGO_PKG_VERSION"));

/// Posts signed webhooks.
pub struct WebhookSender {
    tls: Arc<Tls>,
    deadline: Duration,
}

impl WebhookSender {
    /// Posts over these TLS configurations.
    pub fn new(tls: Arc<Tls>) -> Self {
        Self { tls, deadline: DEADLINE }
    }

    /// The same with another deadline for one try.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Posts one message; returns the receiver's status.
    pub async fn deliver(
        &self,
        notification: &Notification,
        webhook: &Webhook,
        external_url: &str,
    ) -> Result<String, DeliveryError> {
        let url = url(&webhook.url)?;
        let keys = webhook
            .secrets
            .iter()
            .map(|secret| SigningKey::parse(&secrets::read(secret)?))
            .collect::<Result<Vec<_>, DeliveryError>>()?;
        let body = serde_json::to_vec(&message::event(notification, external_url))
            .expect("an event has string keys and finite numbers only");
        let at = clock::now().as_secs();
        let request = self
            .client(webhook)?
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, NAME)
            .header("webhook-id", &notification.id.0)
            .header("webhook-timestamp", at)
            .header("webhook-signature", sign(&keys, &notification.id.0, at, &body))
            .body(body);
        match request.send().await {
            Ok(response) => judged(&response),
            Err(error) if error.is_timeout() => Err(DeliveryError::TimedOut(self.deadline)),
            Err(error) => Err(DeliveryError::Unreachable(cause(&error.without_url()))),
        }
    }

    /// Made anew for each try: tries are rare, and certificate authorities may change.
    fn client(&self, webhook: &Webhook) -> Result<reqwest::Client, DeliveryError> {
        let tls = self.tls.config(webhook.ca_file.as_deref())?;
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls.as_ref().clone())
            // A redirect would carry the page and its signature to where nobody sent it.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(self.deadline)
            .build()
            .map_err(|error| DeliveryError::Unreachable(cause(&error.without_url())))
    }
}

fn url(url: &SecretOrText) -> Result<Url, DeliveryError> {
    let parsed = match url {
        SecretOrText::Text(text) => Url::parse(text),
        SecretOrText::Secret(reference) => Url::parse(secrets::read(reference)?.expose_secret()),
    };
    // What was wrong with it is not said: the address may be a secret.
    parsed
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| DeliveryError::Setting("the webhook's url is not an http or https address".to_owned()))
}

/// Nobody follows redirects; a 4xx will not change by itself, except for those that say so.
fn judged(response: &Response) -> Result<String, DeliveryError> {
    let status = response.status();
    if status.is_success() {
        return Ok(status.as_u16().to_string());
    }
    let soon = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    let result = if soon || status.is_server_error() {
        let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        DeliveryResult::Again(header.and_then(|text| retry_after(text, clock::now())))
    } else {
        DeliveryResult::Never
    };
    let text = if status.is_redirection() { "ringcheck follows no redirects; set the final url" } else { "" };
    Err(DeliveryError::Refused { code: status.as_u16(), text: text.to_owned(), result })
}

/// Seconds or an HTTP date, kept between one second and ten minutes.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let wait = match text.trim().parse::<u64>() {
        Ok(secs) => Duration::from_secs(secs),
        Err(_) => {
            let at = DateTime::parse_from_rfc2822(text.trim()).ok()?;
            Timestamp::from_chrono(at.to_utc()).since(now)
        }
    };
    Some(wait.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX))
}

/// The innermost cause: what an operator can act on.
fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    shortened(&inner.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms_and_clamped() {
        let now = Timestamp::parse_rfc3339("2024-09-10T22:57:00Z").expect("a time");
        for (text, secs) in [
            ("30", Some(30)),
            ("0", Some(1)),
            ("86400", Some(600)),
            ("Tue, 10 Sep 2024 22:58:00 GMT", Some(60)),
            ("Tue, 10 Sep 2024 22:00:00 GMT", Some(1)),
            ("soon", None),
            ("-5", None),
        ] {
            assert_eq!(retry_after(text, now), secs.map(Duration::from_secs), "{text}");
        }
    }
}
