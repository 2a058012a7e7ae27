//! Validating tokens as the partner does. The simulated partner uses this, so it is as strict as
//! the documents say: what an agent's device could not do with a broken token, we cannot either.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::model::{KeySlot, Timestamp, TokenKind};
use crate::token::TOKEN_TEXT_MAX;

use super::claims::form_decoded;
use super::error_catalogue::code;

/// The longest that a token may still live, in seconds.
const LIFE_MAX_S: i64 = 24 * 3600;

/// The header member that makes a token an access token.
const ACCESS_CONTENT_TYPE: &str = "twilio-fpa;v=1";

/// The keys of the accounts that exist.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    accounts: Vec<AccountKeys>,
}

/// The keys of one account.
#[derive(Clone, Debug)]
pub struct AccountKeys {
    /// `AC` and 32 hex digits.
    pub account_sid: String,
    /// API keys: SID and secret.
    pub api_keys: Vec<(String, SecretString)>,
    /// The auth token; without it no capability token of this account is valid.
    pub auth_token: Option<SecretString>,
}

/// A token that is accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedToken {
    /// Its kind.
    pub kind: TokenKind,
    /// Whose it is.
    pub account_sid: String,
    /// The name in it; `None` for an anonymous one.
    pub identity: Option<String>,
    /// Which of the account's keys signed it, in the order of the ring.
    pub key: KeySlot,
    /// When it ends, in seconds since the epoch.
    pub expires_s: i64,
    /// Seconds that were left when it was verified.
    pub ttl_s: u32,
    /// It may be called.
    pub incoming: bool,
    /// The application that it may call.
    pub outgoing: Option<String>,
}

impl VerifiedToken {
    /// The refusal that a registration gets once the token has ended.
    pub fn expired(&self, now: Timestamp) -> Option<Refusal> {
        (now.as_secs() >= self.expires_s)
            .then_some(Refusal { code: code::JWT_EXPIRED, message: "Cannot register. Token is expired" })
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{code} {message}")]
pub struct Refusal {
    /// The code on the wire.
    pub code: u32,
    /// The text on the wire.
    pub message: &'static str,
}

const fn refuse<T>(code: u32, message: &'static str) -> Result<T, Refusal> {
    Err(Refusal { code, message })
}

impl KeyRing {
    /// A ring with these accounts.
    pub const fn new(accounts: Vec<AccountKeys>) -> Self {
        Self { accounts }
    }

    /// Validates a token: structure, header, account, signature, validity, grants; in this order.
    /// Takes any text.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedToken, Refusal> {
        if token.is_empty() {
            return refuse(code::TOKEN_MISSING, "Authorization token missing");
        }
        if token.len() > TOKEN_TEXT_MAX {
            return refuse(code::INVALID_JWT, "JWT is too long");
        }
        let jwt = Jwt::parse(token)?;
        let (account, slot) = self.account(&jwt)?;
        jwt.check_signature(account.secret(jwt.kind, slot))?;
        let (expires_s, ttl_s) = jwt.check_validity(now)?;
        let allowed = match jwt.kind {
            TokenKind::Access => Allowed::by_grants(&jwt.payload)?,
            TokenKind::Capability => Allowed::by_scope(&jwt.payload)?,
        };
        Ok(VerifiedToken {
            kind: jwt.kind,
            account_sid: account.account_sid.clone(),
            identity: allowed.identity,
            key: KeySlot(u8::try_from(slot).unwrap_or(u8::MAX)),
            expires_s,
            ttl_s,
            incoming: allowed.incoming,
            outgoing: allowed.outgoing,
        })
    }

    /// The account and the number of the key.
    fn account(&self, jwt: &Jwt<'_>) -> Result<(&AccountKeys, usize), Refusal> {
        let claim = |name| jwt.payload.get(name).and_then(Value::as_str).unwrap_or_default();
        let sid = match jwt.kind {
            TokenKind::Access => claim("sub"),
            TokenKind::Capability => claim("iss"),
        };
        let Some(account) = self.accounts.iter().find(|account| account.account_sid == sid) else {
            return refuse(code::NO_VALID_ACCOUNT, "No valid account");
        };
        let slot = match jwt.kind {
            TokenKind::Access => account.api_keys.iter().position(|(sid, _)| sid == claim("iss")),
            TokenKind::Capability => account.auth_token.is_some().then_some(0),
        };
        slot.map_or(refuse(code::SIGNATURE, "JWT issuer is unknown"), |slot| Ok((account, slot)))
    }
}

impl AccountKeys {
    fn secret(&self, kind: TokenKind, slot: usize) -> &[u8] {
        let secret = match kind {
            TokenKind::Access => self.api_keys.get(slot).map(|(_, secret)| secret),
            TokenKind::Capability => self.auth_token.as_ref(),
        };
        secret.map(|secret| secret.expose_secret().as_bytes()).unwrap_or_default()
    }
}

/// A token taken apart, not yet believed.
struct Jwt<'a> {
    kind: TokenKind,
    payload: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    fn parse(token: &'a str) -> Result<Self, Refusal> {
        let invalid = refuse(code::INVALID_JWT, "JWT is invalid");
        let Some((signed, signature)) = token.rsplit_once('.') else { return invalid };
        let Some((header, payload)) = signed.split_once('.') else { return invalid };
        let (Some(header), Some(payload)) = (json_part(header), json_part(payload)) else { return invalid };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return invalid };
        let member = |name| header.get(name).and_then(Value::as_str);
        // Asked for by the standard, and the one thing never to be lenient about.
        if member("alg") != Some("HS256") {
            return refuse(code::INVALID_JWT, "JWT algorithm is not supported");
        }
        if member("typ").is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return refuse(code::INVALID_JWT, "JWT type is not supported");
        }
        let kind = match header.get("cty") {
            None => TokenKind::Capability,
            Some(Value::String(cty)) if cty == ACCESS_CONTENT_TYPE => TokenKind::Access,
            Some(_) => return refuse(code::INVALID_JWT, "JWT content type is not supported"),
        };
        Ok(Self { kind, payload, signed, signature })
    }

    fn check_signature(&self, secret: &[u8]) -> Result<(), Refusal> {
        let mut expected = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        expected.update(self.signed.as_bytes());
        expected.verify_slice(&self.signature).or(refuse(code::SIGNATURE, "JWT signature validation failed"))
    }

    /// `exp`, and the seconds left.
    fn check_validity(&self, now: Timestamp) -> Result<(i64, u32), Refusal> {
        let moment = |name| match self.payload.get(name) {
            None => Ok(None),
            // Some helpers write fractions; the cast saturates.
            Some(value) => value
                .as_f64()
                .map_or(refuse(code::INVALID_JWT, "JWT times are numbers"), |seconds| Ok(Some(seconds as i64))),
        };
        let now = now.as_secs();
        let Some(exp) = moment("exp")? else {
            return refuse(code::INVALID_JWT, "JWT has no expiration");
        };
        if exp <= now {
            return refuse(code::SIGNATURE, "JWT Token is expired");
        }
        if moment("nbf")?.is_some_and(|nbf| nbf > now) {
            return refuse(code::SIGNATURE, "JWT Token is not valid yet");
        }
        let left = exp.saturating_sub(now);
        if left > LIFE_MAX_S {
            return refuse(code::EXPIRATION_TOO_LONG, "JWT Token expiration is too long");
        }
        Ok((exp, u32::try_from(left).unwrap_or(0)))
    }
}

/// A part that is base64url of a JSON object.
fn json_part(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// What a token allows.
#[derive(Default)]
struct Allowed {
    identity: Option<String>,
    incoming: bool,
    outgoing: Option<String>,
}

impl Allowed {
    fn by_grants(payload: &Map<String, Value>) -> Result<Self, Refusal> {
        let Some(grants) = payload.get("grants").and_then(Value::as_object) else {
            return refuse(code::AUTHORIZATION, "Token has no grants");
        };
        let Some(voice) = grants.get("voice").and_then(Value::as_object) else {
            return refuse(code::AUTHORIZATION, "Token has no voice grant");
        };
        Ok(Self {
            identity: grants.get("identity").and_then(Value::as_str).map(str::to_owned),
            incoming: voice.get("incoming").and_then(|incoming| incoming.get("allow")) == Some(&Value::Bool(true)),
            outgoing: voice
                .get("outgoing")
                .and_then(|outgoing| outgoing.get("application_sid"))
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    }

    fn by_scope(payload: &Map<String, Value>) -> Result<Self, Refusal> {
        let mut allowed = Self::default();
        let scopes = payload.get("scope").and_then(Value::as_str).unwrap_or_default();
        for scope in scopes.split(' ').filter(|scope| !scope.is_empty()) {
            let Some(("scope", scope)) = scope.split_once(':') else {
                return refuse(code::INVALID_JWT, "JWT scope cannot be read");
            };
            let (right, parameters) = scope.split_once('?').unwrap_or((scope, ""));
            let parameter = |wanted: &str| {
                parameters
                    .split('&')
                    .filter_map(|pair| pair.split_once('='))
                    .find(|(key, _)| *key == wanted)
                    .map(|(_, value)| form_decoded(value))
            };
            match right {
                "client:incoming" => allowed.incoming = true,
                "client:outgoing" => allowed.outgoing = parameter("appSid"),
                _ => continue,
            }
            allowed.identity = parameter("clientName").or(allowed.identity);
        }
        if !allowed.incoming && allowed.outgoing.is_none() {
            return refuse(code::AUTHORIZATION, "Token has no voice capability");
        }
        Ok(allowed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ACCOUNT: &str = "AC00000000000000000000000000000001";
    const KEY: &str = "SK00000000000000000000000000000002";
    const APPLICATION: &str = "AP00000000000000000000000000000003";
    const NOW: Timestamp = Timestamp::from_millis(1_726_000_000_000);

    fn ring() -> KeyRing {
        KeyRing::new(vec![
            AccountKeys { account_sid: "ACother".to_owned(), api_keys: Vec::new(), auth_token: None },
            AccountKeys {
                account_sid: ACCOUNT.to_owned(),
                api_keys: vec![
                    ("SKfirst".to_owned(), SecretString::from("first")),
                    (KEY.to_owned(), SecretString::from("secret")),
                ],
                auth_token: Some(SecretString::from("auth")),
            },
        ])
    }

    fn sign(header: &Value, payload: &Value, secret: &str) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(header), part(payload));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn access_header() -> Value {
        json!({ "alg": "HS256", "cty": "twilio-fpa;v=1", "typ": "JWT" })
    }

    fn access_payload() -> Value {
        json!({
            "jti": "x", "iss": KEY, "sub": ACCOUNT, "exp": 1_726_000_100, "nbf": 1_726_000_000,
            "grants": { "identity": "rc_a", "voice": {
                "incoming": { "allow": true }, "outgoing": { "application_sid": APPLICATION },
            } },
        })
    }

    fn capability(scope: &str) -> String {
        let payload = json!({ "scope": scope, "iss": ACCOUNT, "exp": 1_726_000_100 });
        sign(&json!({ "alg": "HS256", "typ": "JWT" }), &payload, "auth")
    }

    /// The access token with some members of header or payload replaced (null: removed).
    fn changed(header: &Value, payload: &Value) -> String {
        let merge = |mut whole: Value, change: &Value| {
            for (key, value) in change.as_object().expect("an object") {
                match value {
                    Value::Null => whole.as_object_mut().expect("an object").remove(key),
                    value => whole.as_object_mut().expect("an object").insert(key.clone(), value.clone()),
                };
            }
            whole
        };
        sign(&merge(access_header(), header), &merge(access_payload(), payload), "secret")
    }

    fn verdict(token: &str) -> Result<VerifiedToken, u32> {
        ring().verify(token, NOW).map_err(|refusal| refusal.code)
    }

    #[test]
    fn a_good_token_tells_what_it_allows() {
        let token = VerifiedToken {
            kind: TokenKind::Access,
            account_sid: ACCOUNT.to_owned(),
            identity: Some("rc_a".to_owned()),
            key: KeySlot(1),
            expires_s: 1_726_000_100,
            ttl_s: 100,
            incoming: true,
            outgoing: Some(APPLICATION.to_owned()),
        };
        assert_eq!(verdict(&changed(&json!({}), &json!({}))), Ok(token.clone()));
        let both =
            format!("scope:client:outgoing?appSid={APPLICATION}&clientName=rc_a scope:client:incoming?clientName=rc_a");
        let expected = VerifiedToken { kind: TokenKind::Capability, key: KeySlot(0), ..token };
        assert_eq!(verdict(&capability(&both)), Ok(expected.clone()));
        assert_eq!(
            verdict(&capability("scope:stream:subscribe?path=%2Fx scope:client:incoming?clientName=a%20b%2B")),
            Ok(VerifiedToken { identity: Some("a b+".to_owned()), outgoing: None, ..expected.clone() })
        );
        let late = Timestamp::from_millis(1_726_000_100_000);
        assert_eq!(expected.expired(NOW), None);
        assert_eq!(expected.expired(late).map(|refusal| refusal.code), Some(31205));
    }

    #[test]
    fn what_may_be_left_out_or_written_otherwise() {
        for payload in [
            json!({ "nbf": null }),
            json!({ "exp": 1_726_000_000.5 + 60.0, "nbf": 1_725_999_999.5 }),
            json!({ "unknown": [1] }),
            json!({ "grants": { "voice": {} } }),
            json!({ "exp": 1_726_086_400 }),
        ] {
            assert!(verdict(&changed(&json!({}), &payload)).is_ok(), "{payload}");
        }
        assert!(verdict(&changed(&json!({ "typ": null, "twr": "ie1" }), &json!({}))).is_ok());
    }

    #[test]
    fn a_bad_token_is_refused_with_the_partners_code() {
        let good = changed(&json!({}), &json!({}));
        let (signed, signature) = good.rsplit_once('.').expect("three parts");
        let other_secret = sign(&access_header(), &access_payload(), "wrong");
        let payload = |change| changed(&json!({}), &change);
        let header = |change| changed(&change, &json!({}));
        for (what, token, code) in [
            ("nothing", String::new(), 31102),
            ("one part", "abc".to_owned(), 31204),
            ("two parts", signed.to_owned(), 31204),
            ("four parts", format!("{good}.x"), 31204),
            ("padding", format!("{good}="), 31204),
            ("standard base64", format!("{signed}.+{}", &signature[1..]), 31204),
            ("trailing bits", format!("{}B", &good[..good.len() - 1]), 31204),
            ("no object", sign(&access_header(), &json!([]), "secret"), 31204),
            ("alg none", header(json!({ "alg": "none" })), 31204),
            ("another alg", header(json!({ "alg": "HS512" })), 31204),
            ("another typ", header(json!({ "typ": "JWE" })), 31204),
            ("another cty", header(json!({ "cty": "twilio-fpa;v=2" })), 31204),
            ("cty is a number", header(json!({ "cty": 1 })), 31204),
            ("no cty: a capability token of nobody", header(json!({ "cty": null })), 31203),
            ("unknown account", payload(json!({ "sub": "AC2" })), 31203),
            ("no account", payload(json!({ "sub": null })), 31203),
            ("unknown key", payload(json!({ "iss": "SK9" })), 31202),
            ("another key", payload(json!({ "iss": "SKfirst" })), 31202),
            ("another secret", other_secret, 31202),
            ("short signature", format!("{signed}.AAAA"), 31202),
            ("expired", payload(json!({ "exp": 1_726_000_000 })), 31202),
            ("not yet valid", payload(json!({ "nbf": 1_726_000_001 })), 31202),
            ("no exp", payload(json!({ "exp": null })), 31204),
            ("exp is a text", payload(json!({ "exp": "1726000100" })), 31204),
            ("too long", payload(json!({ "exp": 1_726_086_401 })), 31207),
            ("endless", payload(json!({ "exp": 1e300 })), 31207),
            ("no grants", payload(json!({ "grants": null })), 31201),
            ("no voice grant", payload(json!({ "grants": { "chat": {} } })), 31201),
            ("no scope", capability(""), 31201),
            ("scope of something else", capability("scope:stream:subscribe?path=x"), 31201),
            ("scope is garbage", capability("client"), 31204),
        ] {
            assert_eq!(verdict(&token).expect_err(what), code, "{what}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gets_a_verdict(text in any::<String>()) {
            prop_assert!(verdict(&text).is_err());
        }

        #[test]
        fn any_change_of_a_character_is_refused(at in 0_usize..400, other in "[A-Za-z0-9_.-]") {
            let good = changed(&json!({}), &json!({}));
            let at = at % good.len();
            let mut bad = good.clone();
            bad.replace_range(at..=at, &other);
            prop_assert_eq!(verdict(&bad).is_ok(), bad == good);
        }

        #[test]
        fn any_json_gets_a_verdict(header in json_like(), payload in json_like()) {
            let _ = verdict(&sign(&header, &payload, "secret"));
        }
    }

    fn json_like() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            prop_oneof![Just(KEY), Just(ACCOUNT), Just("HS256"), Just("scope:client:incoming?"), Just("%")]
                .prop_map(Value::from),
        ];
        let key = prop_oneof![
            Just("alg"),
            Just("typ"),
            Just("iss"),
            Just("sub"),
            Just("exp"),
            Just("nbf"),
            Just("grants"),
            Just("voice"),
            Just("scope"),
            Just("incoming"),
            Just("outgoing"),
            Just("identity"),
        ];
        leaf.prop_recursive(4, 32, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..8)
                    .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ]
        })
    }
}
