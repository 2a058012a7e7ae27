//! Signatures as Standard Webhooks 1.0.0 has them: HMAC-SHA256 over id, time and body.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

use super::DeliveryError;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// Shortest and longest key, in bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A key to sign with.
#[derive(Debug)]
pub struct SigningKey(SecretSlice<u8>);

impl SigningKey {
    /// Reads `whsec_` and base64; the prefix may be missing.
    pub fn parse(text: &SecretString) -> Result<Self, DeliveryError> {
        let text = text.expose_secret();
        let key = BASE64_STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok();
        match key.filter(|key| KEY_BYTES.contains(&key.len())) {
            Some(key) => Ok(Self(key.into())),
            None => Err(DeliveryError::Setting(
                "a signing secret is not of the form whsec_<base64 of 24 to 64 bytes>".to_owned(),
            )),
        }
    }
}

/// The `webhook-signature` header: one signature per key, so that a receiver may know the old key
/// or the new one. `at` is the second of this try.
pub fn sign(keys: &[SigningKey], id: &str, at: i64, body: &[u8]) -> String {
    let signatures = keys.iter().map(|key| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.0.expose_secret()).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(body);
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    });
    signatures.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<SigningKey, DeliveryError> {
        SigningKey::parse(&SecretString::from(text))
    }

    /// Computed with the standardwebhooks libraries for Python and JavaScript.
    #[test]
    fn signatures_agree_with_the_reference_libraries() {
        let first = key("whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").expect("valid");
        let body = br#"{"type":"pod.page","timestamp":"2026-09-21T14:13:20Z","data":{"pod":"p7"}}"#;
        let signed = sign(std::slice::from_ref(&first), "msg_ringcheck0001", 1_790_000_000, body);
        assert_eq!(signed, "v1,+szKY6cberCimHlmA+Qi2uOxBPdsSH91yWRVez15qHI=");
        let second = key("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyE=").expect("valid without the prefix");
        let both = sign(&[second, first], "msg_ringcheck0001", 1_790_000_000, body);
        assert_eq!(both.split(' ').nth(1), Some(signed.as_str()));
    }

    #[test]
    fn bad_secrets_are_refused_without_being_shown() {
        for bad in ["whsec_AQID", "whsec_hunter2hunter2!", ""] {
            let error = key(bad).expect_err("is refused");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("AQID") && !shown.contains("hunter2"));
        }
    }
}
