//! TLS towards the partner: always verified, never resumed, so that every attempt sees the whole
//! handshake and the certificate of the moment.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore};

use crate::model::{CertificateSeen, FailureReason, Timestamp};

/// Why no TLS configuration could be made: our own fault, never the partner's.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file with the certificate authority cannot be read.
    #[error("ca_file {path} cannot be read: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds no certificate that can be a trust anchor.
    #[error("ca_file {path} holds no usable certificate (PEM, BEGIN CERTIFICATE): {why}")]
    NoCertificate {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The library refuses its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] rustls::Error),
}

/// TLS configurations, one per certificate authority, made once and again when the file changes.
#[derive(Default)]
pub struct Tls {
    made: Mutex<BTreeMap<Option<PathBuf>, Made>>,
}

struct Made {
    file_changed: Option<SystemTime>,
    config: Arc<ClientConfig>,
}

impl Tls {
    /// The configuration that trusts `ca_file` and nothing else, or the public authorities.
    pub fn config(&self, ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
        let file_changed = ca_file.map(changed).transpose()?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let key = ca_file.map(Path::to_owned);
        if let Some(known) = made.get(&key)
            && known.file_changed == file_changed
        {
            return Ok(Arc::clone(&known.config));
        }
        let config = Arc::new(client_config(roots(ca_file)?)?);
        warm_up(&config)?;
        made.insert(key, Made { file_changed, config: Arc::clone(&config) });
        Ok(config)
    }
}

fn changed(path: &Path) -> Result<SystemTime, TlsError> {
    let file = |source| TlsError::File { path: path.to_owned(), source };
    std::fs::metadata(path).map_err(file)?.modified().map_err(file)
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = ca_file else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    let pem = std::fs::read(path).map_err(|source| TlsError::File { path: path.to_owned(), source })?;
    let unusable = |why: String| TlsError::NoCertificate { path: path.to_owned(), why };
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("none found".to_owned()));
    }
    Ok(roots)
}

fn client_config(roots: RootCertStore) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A resumed session would show neither the certificate nor the time of a whole handshake.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Begins a handshake and drops it: the first one in a process takes some 45 ms for the self-tests
/// of the cryptography, which must not count as the partner's time.
fn warm_up(config: &Arc<ClientConfig>) -> Result<(), TlsError> {
    let name = ServerName::try_from("warm-up.invalid").expect("this is a valid name");
    ClientConnection::new(Arc::clone(config), name)?;
    Ok(())
}

/// What a failed handshake means.
pub fn reason(error: &io::Error) -> FailureReason {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(why)) => certificate_reason(why),
        Some(_) => FailureReason::TlsFailed,
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => FailureReason::ConnectionReset,
            _ => FailureReason::TlsFailed,
        },
    }
}

fn certificate_reason(why: &CertificateError) -> FailureReason {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => FailureReason::CertificateExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            FailureReason::CertificateNotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            FailureReason::CertificateWrongName
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => FailureReason::CertificateUntrusted,
        _ => FailureReason::TlsFailed,
    }
}

/// The end of life of the certificate that was shown, if it can be read.
pub fn certificate_seen(chain: Option<&[CertificateDer<'_>]>) -> Option<CertificateSeen> {
    let leaf = chain?.first()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(leaf).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    Some(CertificateSeen { not_after: Timestamp::from_millis(seconds.saturating_mul(1000)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_made_once_and_again_when_the_file_changes() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ca.pem");
        let tls = Tls::default();
        assert!(matches!(tls.config(Some(&path)), Err(TlsError::File { .. })));
        std::fs::write(&path, "nothing").expect("written");
        assert!(matches!(tls.config(Some(&path)), Err(TlsError::NoCertificate { .. })));

        let authority = rcgen::generate_simple_self_signed(vec!["a".to_owned()]).expect("made");
        std::fs::write(&path, authority.cert.pem()).expect("written");
        let first = tls.config(Some(&path)).expect("usable");
        assert!(Arc::ptr_eq(&first, &tls.config(Some(&path)).expect("usable")));

        let later = changed(&path).expect("known") + std::time::Duration::from_secs(9);
        std::fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(later)).expect("touched");
        assert!(!Arc::ptr_eq(&first, &tls.config(Some(&path)).expect("usable")));
        assert!(tls.config(None).is_ok());
    }
}
