//! Why a message was not delivered, and whether trying again can help. The texts go to logs and
//! the API: they hold neither passwords nor secret addresses.

use std::path::PathBuf;
use std::time::Duration;

use crate::engine::DeliveryResult;
use crate::io::secrets::SecretError;
use crate::io::tls::TlsError;

/// Most characters of a receiver's answer that are kept.
const ANSWER_CHARS_MAX: usize = 200;

/// Why a message was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// A password, signing secret or secret address cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The own certificate authority cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The own certificate authority cannot be used for mail.
    #[error("ca_file {} cannot be used; it must be readable and hold certificates in PEM", path.display())]
    MailAuthority {
        /// Which file.
        path: PathBuf,
    },
    /// A setting that cannot work.
    #[error("{0}")]
    Setting(String),
    /// Nothing came in time. Whether the message arrived is not known.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// No connection, or it broke off. Whether the message arrived is not known.
    #[error("could not be reached: {0}")]
    Unreachable(String),
    /// It said no.
    #[error("answered {code}{}{text}", if text.is_empty() { "" } else { ": " })]
    Refused {
        /// The SMTP or HTTP status.
        code: u16,
        /// What it said, shortened.
        text: String,
        /// Whether trying again can help, and when.
        result: DeliveryResult,
    },
    /// No such receiver in the plan any more.
    #[error("is no longer configured")]
    Unknown,
    /// Its queue is full: it has hung for long.
    #[error("its queue is full, {0} messages wait already")]
    QueueFull(usize),
    /// A fault of ours while delivering.
    #[error("the delivery broke off by a fault in ringcheck; please report it")]
    Crashed,
}

impl DeliveryError {
    /// What the engine is told.
    pub fn result(&self) -> DeliveryResult {
        match self {
            // A secret or a file may come back, a network may heal.
            Self::Secret(_) | Self::Tls(_) | Self::MailAuthority { .. } => DeliveryResult::Again(None),
            Self::TimedOut(_) | Self::Unreachable(_) | Self::QueueFull(_) | Self::Crashed => {
                DeliveryResult::Again(None)
            }
            Self::Setting(_) | Self::Unknown => DeliveryResult::Never,
            Self::Refused { result, .. } => result.clone(),
        }
    }
}

/// One short line of what somebody else said, fit for a log.
pub(super) fn shortened(text: &str) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(ANSWER_CHARS_MAX).collect::<String>().trim().to_owned()
}
