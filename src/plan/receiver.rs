//! Who can be told, and who is told of what.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::ReceiverName;

use super::SecretRef;

/// Somebody who can be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    /// Its name.
    pub name: ReceiverName,
    /// How.
    pub kind: ReceiverKind,
    /// Who is told instead when this one cannot be reached.
    pub fallback: Option<ReceiverName>,
}

/// How somebody is told.
#[derive(Clone, Debug, PartialEq)]
pub enum ReceiverKind {
    /// E-mail.
    Email(Email),
    /// A signed webhook.
    Webhook(Webhook),
}

impl ReceiverKind {
    /// The word in config and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
        }
    }
}

/// E-mail over SMTP. One mail per address, so that one refused address stops no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Sender; its domain also ends the Message-IDs.
    pub from: String,
    /// Addresses, at least one.
    pub to: Vec<String>,
    /// The submission server's name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: SmtpSecurity,
    /// User name and password.
    pub auth: Option<(String, SecretRef)>,
    /// Own certificate authority.
    pub ca_file: Option<PathBuf>,
}

/// How an SMTP connection is secured. There is no opportunistic mode: it can be stripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (port 465).
    Tls,
    /// STARTTLS, required (port 587).
    StartTls,
    /// Clear text; only to a loopback address, without a password.
    Loopback,
}

/// A webhook signed as Standard Webhooks 1.0.0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Where to; may point anywhere, private networks too: the operator configured it.
    pub url: SecretOrText,
    /// `whsec_…` secrets; the first signs, all sign during a rotation. At least one.
    pub secrets: Vec<SecretRef>,
    /// Own certificate authority.
    pub ca_file: Option<PathBuf>,
}

/// A value that may itself be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretOrText {
    /// Written openly.
    Text(String),
    /// Kept elsewhere.
    Secret(SecretRef),
}

/// How bad something is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing in working hours.
    Warning,
    /// Somebody must act now.
    Critical,
}

impl Severity {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Who is told of incidents that the voice on-call must know.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Incidents of this severity or worse.
    pub severity: Severity,
    /// Only incidents of these pods; of all if empty.
    pub pods: Vec<crate::model::PodName>,
    /// To whom.
    pub to: Vec<Arc<Receiver>>,
}
