//! Validating tokens as the partner does. The simulated partner uses this, so it is as strict as
//! the documents say: what an agent's device could not do with a broken token, we cannot either.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::model::{KeySlot, Timestamp, TokenKind};

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
        let _issued = moment("iat")?;
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
