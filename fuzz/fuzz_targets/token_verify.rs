//! Any text gets a verdict; no text is accepted that was not signed; and of what was signed, any
//! claims get one too.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use libfuzzer_sys::fuzz_target;
use ringcheck::model::Timestamp;
use ringcheck::partner::twilio::{AccountKeys, KeyRing};
use secrecy::SecretString;
use sha2::Sha256;

const SECRET: &str = "secret";

fuzz_target!(|data: &[u8]| {
    let ring = KeyRing::new(vec![AccountKeys {
        account_sid: "AC1".to_owned(),
        api_keys: vec![("SK2".to_owned(), SecretString::from(SECRET))],
        auth_token: Some(SecretString::from(SECRET)),
    }]);
    let now = Timestamp::from_millis(1_726_000_000_000);
    if let Ok(text) = std::str::from_utf8(data) {
        // The corpus holds no signature of this secret, and the fuzzer cannot find one.
        assert!(ring.verify(text, now).is_err());
    }
    // Header and payload, divided by the first line end.
    let Some(end) = data.iter().position(|byte| *byte == b'\n') else { return };
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(&data[..end]), URL_SAFE_NO_PAD.encode(&data[end + 1..]));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key");
    mac.update(signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
    if let Ok(token) = ring.verify(&token, now) {
        assert!((1..=86_400).contains(&token.ttl_s));
        assert_eq!(token.account_sid, "AC1");
        assert!(token.expired(now).is_none());
    }
});
