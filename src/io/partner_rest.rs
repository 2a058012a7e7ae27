//! Asks a partner's REST API about test calls. Nothing is ever asked twice: a call that was
//! ordered again would ring again.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};

use crate::model::{
    EdgeName, FailureReason, IceTrouble, IceUrl, LostReason, NumberCall, RelayLogin, RestAnswer, RestRequest,
};
use crate::partner::twilio::{Account, REST_ANSWER_MAX, RestCall, ice_servers, rest_answer};

use super::not_done::NotDone;
use super::resolver::{Resolver, known_without_asking};
use super::tls::Tls;
use super::{answer_body, clock, secrets};

/// How what is posted is written.
const FORM: &str = "application/x-www-form-urlencoded";

/// An answer that is waited for while the attempt goes on.
pub type Asking = Pin<Box<dyn Future<Output = RestAnswer> + Send>>;

/// Sends requests to the REST API as one account.
#[derive(Clone)]
pub struct RestClient {
    tls: Arc<Tls>,
    resolver: Arc<Resolver>,
    account: Account,
    edge: EdgeName,
    deadline: Duration,
}

/// What the API said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestReply {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After` in seconds.
    pub retry_after_s: Option<u32>,
    /// The body; empty if it was larger than [`REST_ANSWER_MAX`].
    pub body: String,
}

/// The REST API as one attempt needs it.
#[derive(Clone)]
pub struct PartnerRest {
    client: RestClient,
    identity: String,
    /// The only phone numbers that may be called, or be shown as calling.
    allowed_numbers: Vec<String>,
}

impl PartnerRest {
    /// Asks about the device of this name.
    pub fn new(client: RestClient, identity: String, allowed_numbers: Vec<String>) -> Self {
        Self { client, identity, allowed_numbers }
    }

    /// The last look at what is about to be called, whatever was decided before.
    fn allows(&self, request: &RestRequest) -> bool {
        let RestRequest::Originate { number: Some(NumberCall { number, caller }), .. } = request else { return true };
        self.allowed_numbers.contains(number) && self.allowed_numbers.contains(caller)
    }

    /// Asks, once.
    pub fn ask(&self, request: &RestRequest) -> Asking {
        if !self.allows(request) {
            tracing::error!("a phone number that is not in allowed_numbers was about to be called");
            return Box::pin(std::future::ready(RestAnswer::Lost(LostReason::NotAllowed)));
        }
        let RestClient { account, edge, .. } = &self.client;
        let (client, call) = (self.client.clone(), RestCall::of(account, edge, &self.identity, request));
        Box::pin(async move {
            match client.send(&call).await {
                Ok(RestReply { status, retry_after_s, body }) => rest_answer(status, retry_after_s, &body),
                Err(NotDone::Failed(FailureReason::NoAnswer)) => RestAnswer::NoAnswer,
                Err(NotDone::Failed(reason)) => RestAnswer::Unreachable(reason),
                Err(NotDone::Lost(reason)) => RestAnswer::Lost(reason),
            }
        })
    }
}

impl RestClient {
    /// Asks as this account, through this edge; each answer may take so long.
    pub fn new(tls: Arc<Tls>, resolver: Arc<Resolver>, account: Account, edge: EdgeName, deadline: Duration) -> Self {
        Self { tls, resolver, account, edge, deadline }
    }

    /// Sends a request, once. What is our own fault is told apart from what is the partner's.
    pub async fn send(&self, call: &RestCall) -> Result<RestReply, NotDone> {
        let (user, password) = self.credentials()?;
        let sent = tokio::time::timeout(self.deadline, self.exchange(call, &user, &password));
        sent.await.unwrap_or(Err(NotDone::Failed(FailureReason::NoAnswer)))
    }

    /// The partner's own STUN and TURN servers, with whom they know us as for a while.
    pub async fn ice_servers(&self) -> Result<Vec<(IceUrl, Option<RelayLogin>)>, IceTrouble> {
        match self.send(&RestCall::ice_servers(&self.account, &self.edge)).await {
            Ok(reply) if (200..300).contains(&reply.status) => ice_servers(&reply.body).ok_or(IceTrouble::Malformed),
            Ok(reply) => Err(IceTrouble::Refused(reply.status)),
            Err(NotDone::Failed(FailureReason::NoAnswer)) => Err(IceTrouble::NoAnswer),
            Err(NotDone::Failed(_)) => Err(IceTrouble::Unreachable),
            Err(NotDone::Lost(LostReason::Secret)) => Err(IceTrouble::OwnSecret),
            Err(NotDone::Lost(_)) => Err(IceTrouble::OwnNetwork),
        }
    }

    async fn exchange(&self, call: &RestCall, user: &str, password: &SecretString) -> Result<RestReply, NotDone> {
        let client = self.client(&call.url).await?;
        let request = match &call.form {
            Some(form) => client.post(&call.url).header(CONTENT_TYPE, FORM).body(form.clone()),
            None => client.get(&call.url),
        };
        let answer = request.basic_auth(user, Some(password.expose_secret())).send().await;
        let answer = answer.map_err(|error| judge(&error))?;
        let status = answer.status().as_u16();
        let retry_after_s = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| super::dialer::retry_after_seconds(value.to_str().ok()?, clock::now()));
        let body = answer_body::read(answer, REST_ANSWER_MAX).await.map_err(|error| judge(&error))?;
        let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
        Ok(RestReply { status, retry_after_s, body })
    }

    /// Whom to ask as.
    fn credentials(&self) -> Result<(String, SecretString), NotDone> {
        let (user, reference) = match (self.account.api_keys.first(), &self.account.auth_token) {
            (Some(key), _) => (key.sid.clone(), &key.secret),
            (None, Some(token)) => (self.account.account_sid.clone(), token),
            (None, None) => return Err(ours(&"the pod has neither api_key nor auth_token")),
        };
        Ok((user, secrets::read(reference).map_err(|error| ours(&error))?))
    }

    /// A client for this address. Its name is looked up as those of connections are, so that what is
    /// wrong with it is told in the same words.
    async fn client(&self, url: &str) -> Result<reqwest::Client, NotDone> {
        let config = self.tls.config(self.account.ca_file.as_deref()).map_err(|error| ours(&error))?;
        let url = Url::parse(url).map_err(|error| ours(&error))?;
        let mut client = reqwest::Client::builder()
            .tls_backend_preconfigured(config.as_ref().clone())
            // The password goes to the configured address and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0);
        if let Some(host) = url.host_str().filter(|host| known_without_asking(host).is_none()) {
            let addresses = self.resolver.lookup(host).await?;
            // The client puts the address's own port in place of 0.
            let addresses: Vec<_> = addresses.into_iter().map(|address| (address, 0).into()).collect();
            client = client.resolve_to_addrs(host, &addresses);
        }
        client.build().map_err(|error| ours(&error))
    }
}

/// Something of ours is missing or cannot be used.
fn ours(error: &dyn std::fmt::Display) -> NotDone {
    tracing::warn!(%error, "cannot ask the partner's REST API");
    NotDone::Lost(LostReason::Secret)
}

fn judge(error: &reqwest::Error) -> NotDone {
    NotDone::of_http(error).unwrap_or(NotDone::Failed(FailureReason::ConnectionReset))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::model::{CallStatus, SecretRef};
    use crate::partner::twilio::ApiKey;

    /// Asks at `rest` with the secret in this file.
    async fn asked(rest: String, secret: &std::path::Path, ca_file: Option<std::path::PathBuf>) -> RestAnswer {
        let secret = SecretRef::File(secret.to_owned());
        let api_keys = vec![ApiKey { sid: "SK1".to_owned(), secret }];
        let account = Account { api_keys, rest: Some(rest), ca_file, ..Account::with_sid("AC1") };
        let edge = EdgeName::parse("ashburn").expect("a name");
        let client = RestClient::new(Arc::default(), Arc::default(), account, edge, Duration::from_secs(10));
        PartnerRest::new(client, "rc_x".to_owned(), Vec::new())
            .ask(&RestRequest::Status { sid: "CA1".to_owned() })
            .await
    }

    /// A server that answers one request with these bytes and hangs up.
    async fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            assert!(stream.read(&mut [0; 4096]).await.expect("a request") > 0);
            stream.write_all(answer.as_bytes()).await.expect("written");
        });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn a_number_that_is_not_allowed_is_never_called() {
        let edge = EdgeName::parse("ashburn").expect("a name");
        let account = Account::with_sid("AC1");
        let client = RestClient::new(Arc::default(), Arc::default(), account, edge, Duration::from_secs(10));
        let rest = PartnerRest::new(client, "rc_x".to_owned(), vec!["+15005550001".to_owned()]);
        for (number, caller) in [("+15005550001", "+15005550002"), ("+15005550002", "+15005550001")] {
            let number = Some(NumberCall { number: number.to_owned(), caller: caller.to_owned() });
            let request = RestRequest::Originate { marker: String::new(), number, time_limit_s: 1, timeout_s: 1 };
            assert_eq!(rest.ask(&request).await, RestAnswer::Lost(LostReason::NotAllowed));
        }
    }

    #[tokio::test]
    async fn what_is_ours_is_never_blamed_on_the_partner() {
        let folder = tempfile::tempdir().expect("a folder");
        let (secret, gone) = (folder.path().join("secret"), folder.path().join("gone"));
        std::fs::write(&secret, "sesame").expect("written");
        let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound");
        let nobody = format!("http://{nobody}");
        let lost = RestAnswer::Lost(LostReason::Secret);
        assert_eq!(asked(nobody.clone(), &gone, None).await, lost, "a secret that is not there");
        assert_eq!(asked(nobody.clone(), &secret, Some(gone)).await, lost, "an authority that is not there");
        assert_eq!(asked("http://[".to_owned(), &secret, None).await, lost, "an address that is none");
        let refused = RestAnswer::Unreachable(FailureReason::ConnectionRefused);
        assert_eq!(asked(nobody, &secret, None).await, refused, "nobody is there");
        let cut = server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{").await;
        let reset = RestAnswer::Unreachable(FailureReason::ConnectionReset);
        assert_eq!(asked(cut, &secret, None).await, reset, "half an answer");
        let busy = server("HTTP/1.1 429 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n").await;
        let refused = RestAnswer::Refused { status: 429, retry_after_s: Some(7) };
        assert_eq!(asked(busy, &secret, None).await, refused);
        let good = server("HTTP/1.1 200 OK\r\n\r\n{\"sid\":\"CA1\",\"status\":\"ringing\"}").await;
        let call = RestAnswer::Call { sid: "CA1".to_owned(), status: CallStatus::Ringing };
        assert_eq!(asked(good, &secret, None).await, call);
    }
}
