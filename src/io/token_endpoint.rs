//! Fetches tokens from the product's own token endpoint, since a broken token service looks the
//! same to an agent.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use crate::model::{FailureReason, LostReason};
use crate::plan::TokenEndpoint;
use crate::token::{TOKEN_TEXT_MAX, TokenText};

use super::not_done::NotDone;
use super::tls::Tls;
use super::{answer_body, secrets};

/// The largest answer that is read, in bytes: the largest token and some JSON around it.
const ANSWER_BYTES_MAX: usize = 2 * TOKEN_TEXT_MAX;

/// Asks token endpoints.
pub struct TokenEndpoints {
    tls: Arc<Tls>,
    /// A client for each certificate authority, with the configuration that it was made from.
    clients: Mutex<BTreeMap<Option<PathBuf>, (Arc<rustls::ClientConfig>, reqwest::Client)>>,
}

impl TokenEndpoints {
    /// Ready to ask.
    pub fn new(tls: Arc<Tls>) -> Self {
        Self { tls, clients: Mutex::default() }
    }

    /// Asks an endpoint for a token, within `deadline`.
    pub async fn fetch(&self, endpoint: &TokenEndpoint, deadline: Duration) -> Result<TokenText, NotDone> {
        let headers = headers(endpoint)?;
        let client = self.client(endpoint)?;
        let request = client.post(&endpoint.url).headers(headers);
        let answer = async {
            let answer = request.send().await.map_err(|error| judge(&error))?;
            if !answer.status().is_success() {
                return Err(NotDone::Failed(FailureReason::TokenEndpointStatus(answer.status().as_u16())));
            }
            let body = answer_body::read(answer, ANSWER_BYTES_MAX).await.map_err(|error| judge(&error))?;
            let body = body.ok_or(NotDone::Failed(FailureReason::TokenEndpointMalformed))?;
            token_in(&body, endpoint.pointer.as_deref()).ok_or(NotDone::Failed(FailureReason::TokenEndpointMalformed))
        };
        tokio::time::timeout(deadline, answer).await.unwrap_or(Err(NotDone::Failed(FailureReason::NoAnswer)))
    }

    fn client(&self, endpoint: &TokenEndpoint) -> Result<reqwest::Client, NotDone> {
        let config = self.tls.config(endpoint.ca_file.as_deref()).map_err(|error| {
            tracing::warn!(%error, "cannot ask the token endpoint");
            NotDone::Lost(LostReason::Secret)
        })?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made_from, client)) = clients.get(&endpoint.ca_file)
            && Arc::ptr_eq(made_from, &config)
        {
            return Ok(client.clone());
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(config.as_ref().clone())
            // The headers hold secrets: they go to the configured address and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| {
                tracing::warn!(%error, "cannot ask the token endpoint");
                NotDone::Lost(LostReason::Secret)
            })?;
        clients.insert(endpoint.ca_file.clone(), (config, client.clone()));
        Ok(client)
    }
}

fn headers(endpoint: &TokenEndpoint) -> Result<HeaderMap, NotDone> {
    let mut headers = HeaderMap::new();
    for (name, reference) in &endpoint.headers {
        let value = secrets::read(reference).map_err(|error| {
            tracing::warn!(%error, header = name, "cannot ask the token endpoint");
            NotDone::Lost(LostReason::Secret)
        })?;
        let (Ok(header), Ok(mut value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value.expose_secret()))
        else {
            tracing::warn!(header = name, "this header's name or value is not allowed in HTTP");
            return Err(NotDone::Lost(LostReason::Secret));
        };
        value.set_sensitive(true);
        headers.append(header, value);
    }
    Ok(headers)
}

/// The token in an answer: at a JSON pointer, or the whole body, as it is or as a JSON text.
fn token_in(body: &[u8], pointer: Option<&str>) -> Option<TokenText> {
    let json = serde_json::from_slice::<serde_json::Value>(body);
    let text = match (pointer, &json) {
        (Some(pointer), Ok(json)) => json.pointer(pointer)?.as_str()?,
        (Some(_), Err(_)) => return None,
        (None, Ok(serde_json::Value::String(text))) => text,
        (None, _) => str::from_utf8(body).ok()?,
    };
    TokenText::parse(text).ok()
}

/// What an error of the HTTP client means: the deepest cause that we know.
fn judge(error: &reqwest::Error) -> NotDone {
    NotDone::of_http(error).unwrap_or(NotDone::Failed(if error.is_timeout() {
        FailureReason::NoAnswer
    } else if error.is_connect() {
        // A name that cannot be looked up comes without a cause of its own.
        FailureReason::Unreachable
    } else {
        FailureReason::TokenEndpointMalformed
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_where_the_endpoint_puts_it() {
        for (body, pointer, found) in [
            ("a.b.c\n", None, Some("a.b.c")),
            ("\"a.b.c\"", None, Some("a.b.c")),
            (r#"{"token":"a.b.c"}"#, Some("/token"), Some("a.b.c")),
            (r#"{"token":{"jwt":"a.b.c"}}"#, Some("/token/jwt"), Some("a.b.c")),
            (r#"{"token":7}"#, Some("/token"), None),
            (r#"{"tokens":"a.b.c"}"#, Some("/token"), None),
            ("<html> Sorry </html>", None, None),
            ("<html>", Some("/token"), None),
            ("", None, None),
        ] {
            let token = token_in(body.as_bytes(), pointer);
            assert_eq!(token.as_ref().map(TokenText::expose), found, "{body}");
        }
    }
}
