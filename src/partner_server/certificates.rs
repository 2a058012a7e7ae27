//! The certificates that the partner shows: a good one, and one for every way of being wrong, by
//! an authority that is made anew at each start.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Datelike;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::model::Timestamp;
use crate::sim::CertificateFault;

/// A good certificate is valid from this many days before the start to this many after it: less
/// than the 398 days that browsers allow.
const GOOD_DAYS: (i64, i64) = (-30, 300);
/// The authority's own life, in days from the start.
const AUTHORITY_DAYS: (i64, i64) = (-365, 3650);
/// A certificate that has run out.
const EXPIRED_DAYS: (i64, i64) = (-90, -2);
/// A certificate whose time has not come.
const FUTURE_DAYS: (i64, i64) = (2, 90);
/// The name in a certificate for another name.
const WRONG_NAME: &str = "somewhere-else.example";

/// Why the certificates could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The names cannot stand in a certificate.
    #[error("cannot make the test certificates")]
    Make(#[from] rcgen::Error),
    /// rustls does not take them.
    #[error("cannot use the test certificates")]
    Use(#[from] rustls::Error),
}

/// The partner's certificates, ready for handshakes.
pub(super) struct Certificates {
    ca_pem: String,
    good: Arc<ServerConfig>,
    faulty: BTreeMap<CertificateFault, Arc<ServerConfig>>,
}

impl Certificates {
    /// An authority and its certificates for these names (DNS names or addresses).
    pub(super) fn make(names: &[String], now: Timestamp) -> Result<Self, CertificateError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("ringcheck partner simulator CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid(&mut params, now, AUTHORITY_DAYS);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let signed = |names: &[String], days| -> Result<Arc<ServerConfig>, CertificateError> {
            let key = KeyPair::generate()?;
            let certificate = leaf(names, now, days)?.signed_by(&key, &ca)?;
            config(certificate.der().clone(), &key)
        };
        let own_key = KeyPair::generate()?;
        let own = leaf(names, now, GOOD_DAYS)?.self_signed(&own_key)?;
        Ok(Self {
            good: signed(names, GOOD_DAYS)?,
            faulty: BTreeMap::from([
                (CertificateFault::Expired, signed(names, EXPIRED_DAYS)?),
                (CertificateFault::NotYetValid, signed(names, FUTURE_DAYS)?),
                (CertificateFault::WrongName, signed(&[WRONG_NAME.to_owned()], GOOD_DAYS)?),
                (CertificateFault::Untrusted, config(own.der().clone(), &own_key)?),
            ]),
            ca_pem: ca.pem(),
        })
    }

    /// The authority's certificate, which clients must trust.
    pub(super) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What to shake hands with.
    pub(super) fn config(&self, fault: Option<CertificateFault>) -> Arc<ServerConfig> {
        let chosen = fault.and_then(|fault| self.faulty.get(&fault)).unwrap_or(&self.good);
        Arc::clone(chosen)
    }
}

fn leaf(names: &[String], now: Timestamp, days: (i64, i64)) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = named("ringcheck partner simulator");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, now, days);
    Ok(params)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn valid(params: &mut CertificateParams, now: Timestamp, (from, to): (i64, i64)) {
    let day = |offset: i64| {
        let date = now.to_chrono() + chrono::TimeDelta::days(offset);
        let small = |number: u32| u8::try_from(number).expect("months and days are small");
        date_time_ymd(date.year(), small(date.month()), small(date.day()))
    };
    params.not_before = day(from);
    params.not_after = day(to);
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> Result<Arc<ServerConfig>, CertificateError> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    // Browsers offer h2 too; an upgrade needs HTTP/1.1.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
