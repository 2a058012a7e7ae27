//! E-mail over SMTP: one mail per address, so that one refused address stops no other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use crate::engine::{DeliveryId, DeliveryResult, Notification};
use crate::io::secrets;
use crate::message;
use crate::plan::{Email, SmtpSecurity};

use super::DeliveryError;
use super::delivery_error::shortened;
use super::mail::mail;

/// How long one mail may take, connection included. The library's own timeout covers only the
/// connection; a server that falls silent later would hold us for ever.
const DEADLINE: Duration = Duration::from_secs(30);
/// Mails that are sent at the same time to one server.
const PARALLEL: u32 = 3;
/// Messages whose settled addresses are remembered.
const REMEMBERED_MAX: usize = 256;
/// Answers to a bad user name or password (RFC 4954). Their text is not shown: a server might
/// repeat what it was sent.
const AUTH_CODES: [u16; 4] = [530, 534, 535, 538];

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Sends mails.
pub struct EmailSender {
    deadline: Duration,
    settled: Mutex<Settled>,
}

/// Addresses that need no further try, by message: a retry for one address must not write to the
/// others again. Lost in a restart; the Message-ID is the same then.
#[derive(Default)]
struct Settled {
    /// True where the mail was taken, false where it was refused for good.
    addresses: BTreeMap<DeliveryId, BTreeMap<String, bool>>,
    order: VecDeque<DeliveryId>,
}

impl EmailSender {
    /// Ready to send.
    pub fn new() -> Self {
        Self { deadline: DEADLINE, settled: Mutex::default() }
    }

    /// The same with another deadline for one mail.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Sends one message to all its addresses; returns what the server said for each.
    ///
    /// # Errors
    /// Some address may work later (`Again`; only those are tried then), or every address was
    /// refused for good (`Never`). An address that was refused while another one was served is
    /// no error: it is named in what is returned.
    pub async fn deliver(
        &self,
        notification: &Notification,
        email: &Email,
        external_url: &str,
    ) -> Result<String, DeliveryError> {
        let page = message::page(notification, external_url);
        let transport = transport(email, self.deadline)?;
        let settled = self.settled_addresses(&notification.id);
        let open: BTreeSet<String> = email.to.iter().filter(|address| !settled.contains(*address)).cloned().collect();
        let (page, transport) = (&page, &transport);
        let tries: Vec<(String, Result<String, DeliveryError>)> = stream::iter(open)
            .map(|address: String| async move {
                let sent = match mail(notification, page, &email.from, &address) {
                    Ok(mail) => self.send(transport, mail).await,
                    Err(error) => Err(error),
                };
                (address, sent)
            })
            .buffered(PARALLEL as usize)
            .collect()
            .await;
        // Says QUIT; what a server does then changes nothing any more.
        let _ = timeout(self.deadline, transport.shutdown()).await;
        self.summed_up(&notification.id, tries)
    }

    async fn send(&self, transport: &Transport, mail: Message) -> Result<String, DeliveryError> {
        match timeout(self.deadline, transport.send(mail)).await {
            Err(_) => Err(DeliveryError::TimedOut(self.deadline)),
            Ok(Ok(response)) => Ok(shortened(response.first_line().unwrap_or_default())),
            Ok(Err(error)) => Err(classified(&error, self.deadline)),
        }
    }

    fn summed_up(
        &self,
        id: &DeliveryId,
        tries: Vec<(String, Result<String, DeliveryError>)>,
    ) -> Result<String, DeliveryError> {
        let (mut said, mut again, mut never) = (Vec::new(), None, None);
        for (address, sent) in tries {
            match sent {
                Ok(answer) => {
                    self.settle(id, &address, true);
                    said.push(format!("{address}: {answer}"));
                }
                Err(error) if error.result() == DeliveryResult::Never => {
                    self.settle(id, &address, false);
                    said.push(format!("{address} refused for good: {error}"));
                    never = Some(error);
                }
                Err(error) => again = Some(error),
            }
        }
        match (again, never) {
            (Some(error), _) => Err(error),
            (None, Some(error)) if !self.was_taken(id) => Err(error),
            (None, _) => Ok(said.join("; ")),
        }
    }

    fn settled_addresses(&self, id: &DeliveryId) -> BTreeSet<String> {
        let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.addresses.get(id).map(|addresses| addresses.keys().cloned().collect()).unwrap_or_default()
    }

    fn was_taken(&self, id: &DeliveryId) -> bool {
        let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.addresses.get(id).is_some_and(|addresses| addresses.values().any(|taken| *taken))
    }

    fn settle(&self, id: &DeliveryId, address: &str, taken: bool) {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        if !settled.addresses.contains_key(id) {
            settled.order.push_back(id.clone());
            if settled.order.len() > REMEMBERED_MAX
                && let Some(oldest) = settled.order.pop_front()
            {
                settled.addresses.remove(&oldest);
            }
        }
        settled.addresses.entry(id.clone()).or_default().insert(address.to_owned(), taken);
    }
}

impl Default for EmailSender {
    fn default() -> Self {
        Self::new()
    }
}

/// Made anew for each message: pages are rare, and passwords and certificates may change.
fn transport(email: &Email, deadline: Duration) -> Result<Transport, DeliveryError> {
    let tls = match email.security {
        SmtpSecurity::Tls => Tls::Wrapper(parameters(email)?),
        SmtpSecurity::StartTls => Tls::Required(parameters(email)?),
        SmtpSecurity::Loopback if is_loopback(&email.host) && email.auth.is_none() => Tls::None,
        SmtpSecurity::Loopback => {
            let text = "mail in clear text goes only to a loopback address, and without a password";
            return Err(DeliveryError::Setting(text.to_owned()));
        }
    };
    let mut builder = Transport::builder_dangerous(&email.host)
        .port(email.port)
        .tls(tls)
        .timeout(Some(deadline))
        .pool_config(PoolConfig::new().max_size(PARALLEL));
    if let Some((user, password)) = &email.auth {
        let password = secrets::read(password)?;
        builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
    }
    Ok(builder.build())
}

fn parameters(email: &Email) -> Result<TlsParameters, DeliveryError> {
    let mut builder = TlsParameters::builder(email.host.clone());
    if let Some(path) = &email.ca_file {
        let unusable = || DeliveryError::MailAuthority { path: path.clone() };
        let pem = std::fs::read(path).map_err(|_| unusable())?;
        let authority = Certificate::from_pem(&pem).map_err(|_| unusable())?;
        // The own authority and nothing else, as everywhere in ringcheck.
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    builder.build_rustls().map_err(|error| DeliveryError::Unreachable(error.to_string()))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// 4yz: later. 5yz: never. Anything without an answer: later, outcome unknown.
fn classified(error: &lettre::transport::smtp::Error, deadline: Duration) -> DeliveryError {
    let said = std::error::Error::source(error).map_or_else(String::new, |source| shortened(&source.to_string()));
    let Some(code) = error.status().map(u16::from) else {
        return match said {
            _ if error.is_timeout() => DeliveryError::TimedOut(deadline),
            empty if empty.is_empty() => DeliveryError::Unreachable(shortened(&error.to_string())),
            said => DeliveryError::Unreachable(said),
        };
    };
    let text = if AUTH_CODES.contains(&code) { "user name or password refused".to_owned() } else { said };
    let result = if error.is_permanent() { DeliveryResult::Never } else { DeliveryResult::Again(None) };
    DeliveryError::Refused { code, text, result }
}
