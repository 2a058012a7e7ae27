//! What a further lever would add to `exp` and `nbf`: claims that authorise nothing, made longer or
//! filled with other characters. `docs/cover.md` says what follows.
//! `cargo test --release --lib levers -- --nocapture`

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::{Symbol, Timestamp, TokenKind};
use crate::partner::twilio::{Account, MintRequest, SigningKey, distinct, mint};
use crate::token::{CANDIDATES, shape_of};

/// Names of these lengths: every remainder, and the usual sizes.
const NAME_LENGTHS: std::ops::RangeInclusive<usize> = 4..=40;
/// A further claim, or `jti`, that is up to so many characters longer.
const LONGER_MAX: usize = 24;
/// Characters that a claim may be filled with: all of ASCII that JSON writes as they are.
const FILLERS: std::ops::RangeInclusive<u8> = 0x20..=0x7e;

type Cells = BTreeSet<(u16, Symbol)>;

/// Characters that agents' names are made of. One that a capability token escapes, such as `@`,
/// counts as three.
const PLAIN: &str = "mZ07_-.";

/// The payloads of tokens of one kind, with names of each length made of one character, and of those
/// that may place calls.
fn payloads(kind: TokenKind, character: char) -> Vec<Vec<u8>> {
    let account = Account::with_sid(format!("AC{:032}", 7));
    let key = match kind {
        TokenKind::Access => SigningKey::ApiKey { sid: "SK00000000000000000000000000000008", secret: b"test" },
        TokenKind::Capability => SigningKey::AuthToken { secret: b"test" },
    };
    let outgoing = [None, Some("AP00000000000000000000000000000009")];
    let requests = NAME_LENGTHS.flat_map(|length| outgoing.map(|outgoing| (length, outgoing)));
    let now = Timestamp::from_millis(1_726_009_020_000);
    let payload = |(length, outgoing): (usize, Option<&str>)| {
        let identity = character.to_string().repeat(length);
        let token =
            mint(&MintRequest { account: &account, key, identity: &identity, outgoing, now, ttl_s: 120, serial: 1 });
        let payload = token.expose().split('.').nth(1).expect("three parts").to_owned();
        URL_SAFE_NO_PAD.decode(payload).expect("base64url")
    };
    requests.map(payload).collect()
}

/// The symbols in the text of a payload.
fn cells(payload: &[u8]) -> Cells {
    let text = format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(payload));
    shape_of(&text).payload.into_iter().collect()
}

fn of_all(payloads: impl IntoIterator<Item = Vec<u8>>) -> Cells {
    payloads.into_iter().flat_map(|payload| cells(&payload)).collect()
}

/// With a claim before all others that is filled with one character.
fn filled(payload: &[u8], filler: u8, length: usize) -> Vec<u8> {
    let escaped = serde_json::to_string(&char::from(filler).to_string().repeat(length)).expect("text");
    [format!("{{\"x\":{escaped},").as_bytes(), &payload[1..]].concat()
}

#[test]
fn no_other_lever_reaches_a_cell_that_agents_tokens_have() {
    println!(
        "| tokens | payload cells of agents' tokens | with exp, nbf and lengths of names | more with another lever | of those, agents' |"
    );
    println!("|---|---|---|---|---|");
    for kind in TokenKind::ALL {
        let agents = of_all(PLAIN.chars().flat_map(|character| payloads(kind, character)));
        let payloads = payloads(kind, 'a');
        let reached = of_all(payloads.clone());
        let further = of_all(FILLERS.flat_map(|filler| {
            payloads.iter().flat_map(move |payload| (0..=LONGER_MAX).map(move |length| filled(payload, filler, length)))
        }));
        let more: Cells = further.difference(&reached).copied().collect();
        let of_agents = more.intersection(&agents).count();
        println!(
            "| {kind} | {} | {} | {} | {of_agents} |",
            agents.len(),
            reached.intersection(&agents).count(),
            more.len()
        );
        assert!(agents.is_subset(&reached), "{kind}: the names' lengths are enough");
        assert_eq!(of_agents, 0, "{kind}");
        assert!(!more.is_empty(), "{kind}: they reach others, which no agent's token has");
        let residues: BTreeSet<u16> = further.iter().map(|(offset, _)| offset % 4).collect();
        assert_eq!(residues, BTreeSet::from([3]), "{kind}: ASCII leaves symbols one place of four");
    }
}

#[test]
fn exp_and_nbf_give_more_candidates_than_are_tried() {
    let account = Account::with_sid(format!("AC{:032}", 7));
    for (kind, outgoing, ttl_s) in [
        (TokenKind::Access, None, 3_600),
        (TokenKind::Access, Some("AP00000000000000000000000000000009"), 120),
        (TokenKind::Capability, None, 3_600),
        (TokenKind::Capability, Some("AP00000000000000000000000000000009"), 120),
    ] {
        let key = match kind {
            TokenKind::Access => SigningKey::ApiKey { sid: "SK00000000000000000000000000000008", secret: b"test" },
            TokenKind::Capability => SigningKey::AuthToken { secret: b"test" },
        };
        let now = Timestamp::from_millis(1_726_009_020_000);
        let request = MintRequest { account: &account, key, identity: "agent", outgoing, now, ttl_s, serial: 1 };
        let candidates = distinct(&request);
        println!("{kind}, {ttl_s} s: {candidates} candidates differ in exp and nbf");
        assert!(candidates >= 3 * CANDIDATES, "{kind}: {candidates}");
    }
}
