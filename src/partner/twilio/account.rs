//! A pod's Twilio account, as configured. Holds references to secrets, never their values.

use std::path::PathBuf;

use crate::model::{EdgeName, SecretRef, TokenKind};

/// A pod's account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// `AC` and 32 hex digits.
    pub account_sid: String,
    /// `AP` and 32 hex digits: the separate test application.
    pub application_sid: Option<String>,
    /// `AP` and 32 hex digits: another one, which rings a client of ours.
    pub far_application_sid: Option<String>,
    /// Where to connect: edge names, first choice first; never empty.
    pub edges: Vec<EdgeName>,
    /// API keys that sign access tokens; several while a key is being rotated.
    pub api_keys: Vec<ApiKey>,
    /// The account's auth token, only where capability tokens are still in use.
    pub auth_token: Option<SecretRef>,
    /// Home region of the API keys, for the header `twr`; `None` for us1.
    pub region: Option<String>,
    /// Connect here instead of the edges' public names (tests, private links): `wss://host:port/signal`
    /// or, only to loopback, `ws://…`.
    pub signalling: Option<String>,
    /// The REST API, where it is not the public one.
    pub rest: Option<String>,
    /// Own certificate authority, PEM.
    pub ca_file: Option<PathBuf>,
}

/// An API key: its public SID and where its secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// `SK` and 32 hex digits.
    pub sid: String,
    /// 32 characters.
    pub secret: SecretRef,
}

impl Account {
    /// An account of which no more is known than its SID: what a token's claims need.
    pub fn with_sid(account_sid: impl Into<String>) -> Self {
        Self {
            account_sid: account_sid.into(),
            application_sid: None,
            far_application_sid: None,
            edges: Vec::new(),
            api_keys: Vec::new(),
            auth_token: None,
            region: None,
            signalling: None,
            rest: None,
            ca_file: None,
        }
    }

    /// How many keys sign tokens of a kind.
    pub fn keys(&self, kind: TokenKind) -> u8 {
        match kind {
            TokenKind::Access => u8::try_from(self.api_keys.len()).unwrap_or(u8::MAX),
            TokenKind::Capability => u8::from(self.auth_token.is_some()),
        }
    }
}

/// The edges that were known when this was written. The SDK takes any name, so others may exist.
pub const KNOWN_EDGES: [&str; 16] = [
    "ashburn",
    "ashburn-ix",
    "dublin",
    "frankfurt",
    "frankfurt-ix",
    "london-ix",
    "roaming",
    "san-jose-ix",
    "sao-paulo",
    "singapore",
    "singapore-ix",
    "sydney",
    "sydney-ix",
    "tokyo",
    "tokyo-ix",
    "umatilla",
];
