//! Minting tokens. Pure: time, secret and serial number are arguments.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::{SignatureCells, Symbol, Timestamp, TokenKind, TokenShape};
use crate::token::{TokenText, shape_of};

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
    /// lives no longer than `OUTGOING_TTL_MAX_S`.
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
    let mut forge = Forge::new(Claims::of(request), request.key.secret());
    if candidates <= 1 {
        return forge.token(validity.candidate(0));
    }
    let mut shape = shape_of(forge.token(validity.candidate(0)).expose());
    let mut best = (0, 0);
    for candidate in 0..candidates {
        // Digits are never symbols, so that only the signature's cells differ.
        forge.sign(validity.candidate(candidate));
        shape.signature = cells_of_digest(&forge.digest);
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

/// How many candidates of a request differ: as many as there are pairs of `exp` and `nbf`.
pub fn distinct(request: &MintRequest<'_>) -> u32 {
    u32::try_from(Validity::of(request, 1).exp_span * NOT_BEFORE_SPAN).unwrap_or(u32::MAX)
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
    /// The rest of the payload, as characters.
    tail: Vec<u8>,
    digest: [u8; 32],
}

impl Forge {
    fn new(claims: Claims, secret: &[u8]) -> Self {
        let cut = claims.before_exp.len() / 3 * 3;
        let mut head = URL_SAFE_NO_PAD.encode(&claims.header);
        head.push('.');
        URL_SAFE_NO_PAD.encode_string(&claims.before_exp.as_bytes()[..cut], &mut head);
        let mut hashed = HmacSha256::new_from_slice(secret).expect("HMAC takes keys of any length");
        hashed.update(head.as_bytes());
        Self { claims, head, hashed, cut, json: Vec::new(), tail: Vec::new(), digest: [0; 32] }
    }

    /// Fills `tail` and `digest`. Most of a search's time goes by in here.
    fn sign(&mut self, (exp, nbf): (i64, i64)) {
        let Claims { before_exp, before_nbf, after_nbf, .. } = &self.claims;
        self.json.clear();
        self.json.extend_from_slice(&before_exp.as_bytes()[self.cut..]);
        push_number(&mut self.json, exp);
        self.json.extend_from_slice(before_nbf.as_bytes());
        push_number(&mut self.json, nbf);
        self.json.extend_from_slice(after_nbf.as_bytes());
        self.tail.resize(self.json.len().div_ceil(3) * 4, 0);
        let length = URL_SAFE_NO_PAD.encode_slice(&self.json, &mut self.tail);
        self.tail.truncate(length.expect("three bytes make four characters"));
        let mut hashed = self.hashed.clone();
        hashed.update(&self.tail);
        self.digest = hashed.finalize().into_bytes().into();
    }

    fn token(&mut self, validity: (i64, i64)) -> TokenText {
        self.sign(validity);
        let tail = str::from_utf8(&self.tail).expect("base64url is ASCII");
        TokenText::minted(format!("{}{tail}.{}", self.head, URL_SAFE_NO_PAD.encode(self.digest)))
    }
}

/// Writes a number in decimal.
fn push_number(text: &mut Vec<u8>, number: i64) {
    let mut digits = [b'0'; 20];
    let mut left = number.unsigned_abs();
    let mut begin = digits.len();
    while left > 0 || begin == digits.len() {
        begin -= 1;
        digits[begin] = b'0' + (left % 10) as u8;
        left /= 10;
    }
    if number < 0 {
        text.push(b'-');
    }
    text.extend_from_slice(&digits[begin..]);
}

/// The cells of a signature's text, without the text: `-` is the value 62 of six bits and `_` is
/// 63, so that the upper five bits are ones. Eight values are looked at together.
fn cells_of_digest(digest: &[u8; 32]) -> SignatureCells {
    /// The highest bit of each of eight values.
    const HIGHEST: u64 = 0x8208_2082_0820_0000;
    let mut cells = SignatureCells::NONE;
    for (group, bytes) in (0_u16..).zip(digest.chunks(6)) {
        let mut values = [0; 8];
        values[..bytes.len()].copy_from_slice(bytes);
        let values = u64::from_be_bytes(values);
        let mut symbols = values & values << 1 & values << 2 & values << 3 & values << 4 & HIGHEST;
        while symbols != 0 {
            let before = symbols.leading_zeros();
            symbols &= !(1 << (63 - before));
            let symbol = if values >> (58 - before) & 1 == 1 { Symbol::Underscore } else { Symbol::Dash };
            cells.insert(group * 8 + (before / 6) as u16, symbol);
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use crate::model::SecretRef;
    use crate::partner::twilio::ApiKey;

    use super::*;

    const ACCOUNT: &str = "AC00000000000000000000000000000001";
    const KEY: &str = "SK00000000000000000000000000000002";
    const APPLICATION: &str = "AP00000000000000000000000000000003";
    const NOW: Timestamp = Timestamp::from_millis(1_725_996_400_000);
    /// `exp` and `nbf` of the vectors.
    const VALIDITY: (i64, i64) = (1_726_000_000, 1_725_996_400);

    fn account(region: Option<&str>) -> Account {
        Account {
            account_sid: ACCOUNT.to_owned(),
            application_sid: Some(APPLICATION.to_owned()),
            far_application_sid: None,
            edges: Vec::new(),
            api_keys: vec![ApiKey { sid: KEY.to_owned(), secret: SecretRef::Env("KEY".to_owned()) }],
            auth_token: None,
            region: region.map(str::to_owned),
            signalling: None,
            rest: None,
            ca_file: None,
        }
    }

    fn request<'a>(account: &'a Account, kind: TokenKind, identity: &'a str) -> MintRequest<'a> {
        let key = match kind {
            TokenKind::Access => SigningKey::ApiKey { sid: KEY, secret: b"api-key-secret-example" },
            TokenKind::Capability => SigningKey::AuthToken { secret: b"account-auth-token-example" },
        };
        MintRequest { account, key, identity, outgoing: None, now: NOW, ttl_s: 600, serial: 0 }
    }

    fn parts(token: &TokenText) -> [String; 3] {
        let mut parts = token.expose().split('.');
        [(); 3].map(|()| parts.next().expect("three parts").to_owned())
    }

    fn json(part: &str) -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
    }

    /// Signatures computed by an independent implementation over the same texts.
    #[test]
    fn capability_tokens_match_the_vectors() {
        let account = account(None);
        for (name, underscore, signature) in [
            ("bo", None, "cG1qSdEr5WDfeCbH4zzm4EGkeePwjEPPwilAtUhAvt4"),
            ("bob", Some(147), "7YPiTm1mkz15zLl-lOX2NZldWHBRxHpDDj5vab91oIk"),
            ("bobb", None, "Ht3mXkrSTSJu3Crl896XlFc-kcbQ92CH-r16OvjiRAc"),
        ] {
            let request = MintRequest { outgoing: Some(APPLICATION), ..request(&account, TokenKind::Capability, name) };
            let token = Forge::new(Claims::of(&request), request.key.secret()).token(VALIDITY);
            assert_eq!(parts(&token)[2], signature);
            let cells = shape_of(token.expose()).payload;
            let expected: Vec<_> = underscore.into_iter().map(|at| (at, crate::model::Symbol::Underscore)).collect();
            assert_eq!(cells, expected, "{name}");
        }
    }

    #[test]
    fn access_tokens_match_the_vectors() {
        let account = account(None);
        for (parameter, cell, signature) in [
            ("", "", "F_yqs_uClcxy7ZLvRip1dBqCtdf93pGNFnAbvvSffgI"),
            ("?", "243_", "V5Aa1QwRPfA7A7nXYJvqyit0mX8vZxA20yC_0r0N-IA"),
            ("x?", "", "Tu1G0H5mGGJfbPX79C0rHvlKXLDCCaiwulVzKqGtvTk"),
            (">", "243-", "uCR9cF8b1ZM_wp2P61DOXEqj0ykCf9hPKQwgSBRpsSc"),
            ("~", "243-", "6zQvUk06EU4zQqTmX_k5NtHFE5D_HrJj02yis7YD4Yk"),
            ("xx~", "", "qAgfydM96vRHvP2egDsIcgCW0HGmaQJdI6OPH5Hjv7w"),
        ] {
            let request = MintRequest { outgoing: Some(APPLICATION), ..request(&account, TokenKind::Access, "bob") };
            let mut claims = Claims::of(&request);
            // The vectors carry a parameter for the application; ours never do.
            claims.before_exp = claims.before_exp.replace(
                &format!("\"{APPLICATION}\""),
                &format!("\"{APPLICATION}\",\"params\":{{\"q\":\"{parameter}\"}}"),
            );
            let token = Forge::new(claims, request.key.secret()).token(VALIDITY);
            assert_eq!(parts(&token)[2], signature, "{parameter}");
            let cells: Vec<_> =
                shape_of(token.expose()).payload.iter().map(|(at, symbol)| format!("{at}{symbol}")).collect();
            assert_eq!(cells.concat(), cell);
        }
    }

    #[test]
    fn a_token_says_what_was_asked_and_no_more() {
        let account = account(Some("ie1"));
        let [header, payload, _] = parts(&mint(&request(&account, TokenKind::Access, "rc_a")));
        let header = String::from_utf8(URL_SAFE_NO_PAD.decode(header).expect("base64url")).expect("UTF-8");
        assert_eq!(header, r#"{"alg":"HS256","cty":"twilio-fpa;v=1","twr":"ie1","typ":"JWT"}"#);
        assert_eq!(
            json(&payload),
            serde_json::json!({
                "jti": format!("{KEY}-1725996400"),
                "grants": { "voice": { "incoming": { "allow": true } }, "identity": "rc_a" },
                "iss": KEY, "exp": 1_725_997_000, "nbf": 1_725_996_340, "sub": ACCOUNT,
            })
        );
        let [header, payload, _] = parts(&mint(&request(&account, TokenKind::Capability, "rc_a")));
        assert_eq!(json(&header), serde_json::json!({ "alg": "HS256", "typ": "JWT" }));
        assert_eq!(
            json(&payload),
            serde_json::json!({
                "scope": "scope:client:incoming?clientName=rc_a",
                "iss": ACCOUNT, "exp": 1_725_997_000, "nbf": 1_725_996_340,
            })
        );
    }

    #[test]
    fn a_token_that_may_place_calls_is_short_lived() {
        let account = account(None);
        for kind in TokenKind::ALL {
            let request = MintRequest { outgoing: Some(APPLICATION), ..request(&account, kind, "rc_a") };
            assert_eq!(json(&parts(&mint(&request))[1])["exp"], 1_725_996_520);
        }
    }

    #[test]
    fn a_search_finds_a_signature_that_shares_no_cell() {
        let account = account(None);
        for kind in TokenKind::ALL {
            let request = request(&account, kind, "rc_a");
            let failed = shape_of(mint(&request).expose());
            let unlike = mint_best(&MintRequest { serial: 1, ..request }, 200, |shape| {
                u32::MAX - (shape.signature.0 & failed.signature.0).count_ones()
            });
            assert!(shape_of(unlike.expose()).signature.is_disjoint(failed.signature));
        }
    }

    #[test]
    fn the_search_scores_the_shape_that_the_token_has() {
        let account = account(None);
        let request = MintRequest {
            outgoing: Some(APPLICATION),
            ..request(&account, TokenKind::Capability, "rc_abc") // 6: has `_` in the payload
        };
        let mut seen = Vec::new();
        let token = mint_best(&request, 50, |shape| {
            seen.push(shape.clone());
            shape.signature.0.count_ones()
        });
        assert_eq!(seen.len(), 50);
        let best = seen.iter().map(|shape| shape.signature.0.count_ones()).max().expect("some");
        let first = seen.iter().find(|shape| shape.signature.0.count_ones() == best).expect("the best");
        assert_eq!(shape_of(token.expose()), *first);
        assert_eq!(mint_best(&request, 0, |_| 0).expose(), mint(&request).expose());
    }

    #[test]
    fn tokens_of_one_second_are_all_different() {
        let account = account(None);
        for kind in TokenKind::ALL {
            let request = request(&account, kind, "rc_a");
            let signatures: BTreeSet<String> =
                (0..2_000).map(|serial| parts(&mint(&MintRequest { serial, ..request }))[2].clone()).collect();
            assert_eq!(signatures.len(), 2_000);
        }
    }

    proptest! {
        #[test]
        fn cells_are_those_of_the_text(digest: [u8; 32], ones in 0_usize..32) {
            let mut digest = digest;
            digest[..ones].fill(0xff);
            let text = format!("..{}", URL_SAFE_NO_PAD.encode(digest));
            prop_assert_eq!(cells_of_digest(&digest), shape_of(&text).signature);
        }

        #[test]
        fn numbers_are_written_as_they_are_elsewhere(number: i64, small in -12_i64..12) {
            for number in [number, small, i64::MIN, i64::MAX] {
                let mut text = Vec::new();
                push_number(&mut text, number);
                prop_assert_eq!(text, number.to_string().into_bytes());
            }
        }

        #[test]
        fn validity_stays_within_what_was_asked(
            millis in 0_i64..4_000_000_000_000, ttl_s in 0_u32..=86_400, serial: u64, candidates: u32, number: u32,
        ) {
            let account = account(None);
            let now = Timestamp::from_millis(millis);
            let request = MintRequest { now, ttl_s, serial, ..request(&account, TokenKind::Access, "rc_a") };
            let (exp, nbf) = Validity::of(&request, candidates).candidate(number);
            let left = exp - now.as_secs();
            prop_assert!(left <= i64::from(ttl_s) && left >= i64::from(ttl_s) / 2);
            prop_assert!((now.as_secs() - 660..=now.as_secs() - 60).contains(&nbf));
        }

        #[test]
        fn any_name_and_moment_can_be_minted(identity in any::<String>(), millis: i64, ttl_s: u32, serial: u64) {
            let account = account(None);
            for kind in TokenKind::ALL {
                let now = Timestamp::from_millis(millis);
                let token = mint(&MintRequest { now, ttl_s, serial, ..request(&account, kind, &identity) });
                let said = json(&parts(&token)[1]);
                if kind == TokenKind::Access {
                    prop_assert_eq!(said["grants"]["identity"].as_str(), Some(identity.as_str()));
                }
            }
        }
    }
}
