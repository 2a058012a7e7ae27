//! Minting tokens. Pure: time, secret and serial number are arguments.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::{Timestamp, TokenKind, TokenShape};
use crate::token::{TokenText, shape_of, signature_cells};

use super::Account;
use super::claims::Claims;

type HmacSha256 = Hmac<Sha256>;

/// Longest life of a token that may place calls, in seconds: whoever got hold of it could spend
/// money.
pub const OUTGOING_TTL_MAX_S: u32 = 120;

/// How far `nbf` lies back, in seconds: clocks differ.
const NOT_BEFORE_BACK_S: i64 = 60;

/// How much further back candidates may move it, in seconds.
const NOT_BEFORE_SPAN: u64 = 600;

/// Characters of an HS256 signature.
const SIGNATURE_LENGTH: usize = 43;

/// What token to mint.
#[derive(Clone, Copy)]
pub struct MintRequest<'a> {
    /// The account; it gives the SIDs and the region.
    pub account: &'a Account,
    /// The key; it decides the kind.
    pub key: SigningKey<'a>,
    /// The name to be reached under. One of ours.
    pub identity: &'a str,
    /// The application that the token may call, where its shape needs the grant; such a token
    /// lives no longer than [`OUTGOING_TTL_MAX_S`].
    pub outgoing: Option<&'a str>,
    /// The moment of minting.
    pub now: Timestamp,
    /// The longest that it may live, in seconds.
    pub ttl_s: u32,
    /// Makes tokens of the same second differ: each number gives another validity, hence another
    /// signature.
    pub serial: u64,
}

/// With what a token is signed.
#[derive(Clone, Copy)]
pub enum SigningKey<'a> {
    /// An API key signs an access token.
    ApiKey {
        /// `SK` and 32 hex digits.
        sid: &'a str,
        /// Its secret, as it is written.
        secret: &'a [u8],
    },
    /// The account's auth token signs a capability token.
    AuthToken {
        /// The auth token, as it is written.
        secret: &'a [u8],
    },
}

impl SigningKey<'_> {
    /// The kind of token that it signs.
    pub const fn kind(&self) -> TokenKind {
        match self {
            Self::ApiKey { .. } => TokenKind::Access,
            Self::AuthToken { .. } => TokenKind::Capability,
        }
    }

    const fn secret(&self) -> &[u8] {
        match self {
            Self::ApiKey { secret, .. } | Self::AuthToken { secret } => secret,
        }
    }
}

/// Mints one token.
pub fn mint(request: &MintRequest<'_>) -> TokenText {
    mint_best(request, 1, |_| 0)
}

/// Mints the best of so many candidates: the first with the highest score. They differ in `exp`
/// and `nbf` only, so in nothing that the token allows; a score of `u32::MAX` ends the search.
/// With `candidates` at 0 or 1 nothing is searched.
pub fn mint_best(request: &MintRequest<'_>, candidates: u32, mut score: impl FnMut(&TokenShape) -> u32) -> TokenText {
    let validity = Validity::of(request, candidates);
    let mut forge = Forge::new(request);
    if candidates <= 1 {
        return forge.token(validity.candidate(0));
    }
    let mut shape = shape_of(forge.token(validity.candidate(0)).expose());
    let mut best = (0, 0);
    for candidate in 0..candidates {
        // Digits are never symbols, so that only the signature's cells differ.
        shape.signature = signature_cells(forge.signature(validity.candidate(candidate)));
        let points = score(&shape);
        if candidate == 0 || points > best.0 {
            best = (points, candidate);
        }
        if points == u32::MAX {
            break;
        }
    }
    forge.token(validity.candidate(best.1))
}

/// The validities to choose from: pairs of `exp` and `nbf`.
struct Validity {
    latest_exp: i64,
    latest_nbf: i64,
    /// How many values `exp` has.
    exp_span: u64,
    first: u64,
}

impl Validity {
    fn of(request: &MintRequest<'_>, candidates: u32) -> Self {
        let ttl = if request.outgoing.is_some() { request.ttl_s.min(OUTGOING_TTL_MAX_S) } else { request.ttl_s };
        let now = request.now.as_secs();
        Self {
            latest_exp: now.saturating_add(i64::from(ttl)),
            latest_nbf: now.saturating_sub(NOT_BEFORE_BACK_S),
            // At least half of the wanted life is kept.
            exp_span: u64::from(ttl / 2).max(1),
            first: request.serial.wrapping_mul(u64::from(candidates.max(1))),
        }
    }

    /// `exp` and `nbf` of a candidate.
    fn candidate(&self, number: u32) -> (i64, i64) {
        let index = self.first.wrapping_add(u64::from(number)) % (self.exp_span * NOT_BEFORE_SPAN);
        // Both are below 2^32.
        let earlier = |span: u64| i64::try_from(span).unwrap_or(0);
        (
            self.latest_exp.saturating_sub(earlier(index % self.exp_span)),
            self.latest_nbf.saturating_sub(earlier(index / self.exp_span)),
        )
    }
}

/// Signs one text again and again with other numbers in it. What stands before the numbers is
/// hashed once: base64url turns whole groups of three bytes into four characters, so that the
/// payload can be cut at such a group.
struct Forge {
    claims: Claims,
    /// Header, dot, and the part of the payload that never changes, as characters.
    head: String,
    /// The HMAC after `head`.
    hashed: HmacSha256,
    /// Bytes of `claims.before_exp` that are in `head`.
    cut: usize,
    json: Vec<u8>,
    tail: String,
    signature: [u8; SIGNATURE_LENGTH],
}

impl Forge {
    fn new(request: &MintRequest<'_>) -> Self {
        let claims = Claims::of(request);
        let cut = claims.before_exp.len() / 3 * 3;
        let mut head = URL_SAFE_NO_PAD.encode(&claims.header);
        head.push('.');
        URL_SAFE_NO_PAD.encode_string(&claims.before_exp.as_bytes()[..cut], &mut head);
        let mut hashed = HmacSha256::new_from_slice(request.key.secret()).expect("HMAC takes keys of any length");
        hashed.update(head.as_bytes());
        let (json, tail) = (Vec::new(), String::new());
        Self { claims, head, hashed, cut, json, tail, signature: [0; SIGNATURE_LENGTH] }
    }

    /// Fills `tail` and `signature`.
    fn sign(&mut self, (exp, nbf): (i64, i64)) {
        use std::io::Write as _;
        let Claims { before_exp, before_nbf, after_nbf, .. } = &self.claims;
        self.json.clear();
        self.json.extend_from_slice(&before_exp.as_bytes()[self.cut..]);
        write!(self.json, "{exp}{before_nbf}{nbf}{after_nbf}").expect("writing to memory cannot fail");
        self.tail.clear();
        URL_SAFE_NO_PAD.encode_string(&self.json, &mut self.tail);
        let mut hashed = self.hashed.clone();
        hashed.update(self.tail.as_bytes());
        let bytes = hashed.finalize().into_bytes();
        URL_SAFE_NO_PAD.encode_slice(bytes, &mut self.signature).expect("32 bytes make 43 characters");
    }

    fn signature(&mut self, validity: (i64, i64)) -> &str {
        self.sign(validity);
        str::from_utf8(&self.signature).expect("base64url is ASCII")
    }

    fn token(&mut self, validity: (i64, i64)) -> TokenText {
        self.sign(validity);
        let signature = str::from_utf8(&self.signature).expect("base64url is ASCII");
        TokenText::minted(format!("{}{}.{signature}", self.head, self.tail))
    }
}
