//! The peer, frame by frame.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::*;
use crate::model::{EdgeName, Timestamp, TokenKind};
use crate::partner::twilio::{
    Account, AccountKeys, ClientFrame, KeyRing, MintRequest, SdkProfile, ServerFrame, SigningKey, mint,
};
use crate::sim::{Fault, FaultRule, Node, Predicate};
use crate::token::TokenText;

const NOW: Timestamp = Timestamp::from_millis(1_726_009_020_000);
const SECRET: &str = "a secret for tests";

fn account() -> Account {
    Account::with_sid(format!("AC{:032}", 7))
}

fn token(kind: TokenKind, identity: &str, now: Timestamp) -> TokenText {
    let secret = SECRET.as_bytes();
    let key = match kind {
        TokenKind::Access => SigningKey::ApiKey { sid: "SK00000000000000000000000000000008", secret },
        TokenKind::Capability => SigningKey::AuthToken { secret },
    };
    let (account, outgoing) = (account(), Some("AP00000000000000000000000000000009"));
    mint(&MintRequest { account: &account, key, identity, outgoing, now, ttl_s: 120, serial: 1 })
}

fn peer(rules: &[FaultRule]) -> Peer {
    let keys = KeyRing::new(vec![AccountKeys {
        account_sid: account().account_sid,
        api_keys: vec![("SK00000000000000000000000000000008".to_owned(), SecretString::from(SECRET))],
        auth_token: Some(SecretString::from(SECRET)),
    }]);
    let edge = EdgeName::parse("dublin").expect("a name");
    let place = Place { edge, family: None, node: Node::of(1, 1) };
    Peer::new(Arc::new(keys), Faults::Rules(rules.into()), place, NOW)
}

fn rule(name: &str, when: &str) -> FaultRule {
    let fault = Fault::named(name).expect("known");
    FaultRule::new(fault, Predicate::parse(when).expect("valid")).expect("possible")
}

fn listen(token: Option<TokenText>) -> String {
    ClientFrame::Listen { token, release: None }.to_text(SdkProfile::V2)
}

fn register(audio: bool) -> String {
    ClientFrame::Register { audio }.to_text(SdkProfile::V2)
}

/// What comes out, one word each.
fn drained(peer: &mut Peer) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(output) = peer.poll() {
        words.extend(match output {
            PeerOutput::Text(text) => Some(match ServerFrame::parse(&text, SdkProfile::V2) {
                Ok(ServerFrame::Heartbeat) => "heartbeat".to_owned(),
                Ok(ServerFrame::Connected(welcome)) => {
                    format!("connected {} {}", welcome.identity.unwrap_or_default(), welcome.region.unwrap_or_default())
                }
                Ok(ServerFrame::Ready) => "ready".to_owned(),
                Ok(ServerFrame::Offline) => "offline".to_owned(),
                Ok(ServerFrame::Error(trouble)) => format!("error {}", trouble.code.unwrap_or(0)),
                other => format!("{other:?}"),
            }),
            PeerOutput::Binary(_) => Some("binary".to_owned()),
            PeerOutput::Close(code) => Some(format!("close {code}")),
            PeerOutput::Drop => Some("drop".to_owned()),
            PeerOutput::Note(_)
            | PeerOutput::Ring(_)
            | PeerOutput::Across(_)
            | PeerOutput::OpenMedia(_)
            | PeerOutput::Datagram { .. }
            | PeerOutput::CloseMedia(_) => None,
        });
    }
    words
}

#[test]
fn a_device_comes_and_goes() {
    for kind in TokenKind::ALL {
        let mut peer = peer(&[]);
        peer.received(NOW, &listen(Some(token(kind, "rc_a", NOW))));
        assert_eq!(drained(&mut peer), ["connected rc_a EU_IRELAND"]);
        peer.received(NOW, &register(true));
        peer.received(NOW, &register(true));
        assert_eq!(drained(&mut peer), ["ready", "ready"], "a repeat is answered too");
        peer.received(NOW, &listen(Some(token(kind, "rc_a", NOW))));
        assert_eq!(drained(&mut peer), ["connected rc_a EU_IRELAND"], "a new token on the same socket");
        peer.received(NOW, &register(false));
        assert_eq!(drained(&mut peer), ["offline"]);
    }
}

#[test]
fn register_waits_for_the_token() {
    let mut peer = peer(&[]);
    peer.received(NOW, &register(true));
    assert_eq!(drained(&mut peer), [""; 0]);
    peer.received(NOW, &listen(Some(token(TokenKind::Access, "rc_a", NOW))));
    assert_eq!(drained(&mut peer), ["connected rc_a EU_IRELAND", "ready"]);
}

#[test]
fn heartbeats_come_every_ten_seconds_and_a_token_in_time_is_asked_for() {
    let mut peer = peer(&[]);
    let mut beats = 0;
    while let Some(at) = peer.wake() {
        peer.timeout(at);
        beats += drained(&mut peer).iter().filter(|word| *word == "heartbeat").count();
    }
    assert!(peer.has_ended());
    assert_eq!(beats, 2, "at 10 s and 20 s; at 30 s it is sent away");
}

#[test]
fn tokens_are_validated_for_real() {
    let good = token(TokenKind::Access, "rc_a", NOW);
    let mut broken = good.expose().to_owned();
    let changed = if broken.ends_with('A') { "E" } else { "A" };
    broken.replace_range(broken.len() - 1.., changed);
    for (token, now, said) in [
        (None, NOW, "error 31102"),
        (Some(TokenText::parse("x.y.z").expect("a text")), NOW, "error 31204"),
        (Some(TokenText::parse(&broken).expect("a text")), NOW, "error 31202"),
        (Some(good), NOW.plus(Duration::from_secs(4000)), "error 31202"),
    ] {
        let mut peer = peer(&[]);
        peer.received(now, &listen(token));
        assert_eq!(drained(&mut peer), [said, "close 1000"]);
        assert!(peer.has_ended() && peer.wake().is_none());
    }
}

#[test]
fn a_token_that_ends_is_told_at_the_next_register() {
    let mut peer = peer(&[]);
    peer.received(NOW, &listen(Some(token(TokenKind::Access, "rc_a", NOW))));
    peer.received(NOW, &register(true));
    drained(&mut peer);
    peer.received(NOW.plus(Duration::from_secs(121)), &register(true));
    assert_eq!(drained(&mut peer), ["error 31205", "offline"]);
}

#[test]
fn the_incident_hits_the_same_names_every_time() {
    let incident = rule("parser-wrong-at-residue", r#"kind = "capability""#);
    let incident = FaultRule::new(
        incident
            .fault()
            .with(crate::sim::Settings { part: Some(crate::sim::Part::Payload), ..Default::default() })
            .expect("has it"),
        incident.when().clone(),
    )
    .expect("possible");
    for (kind, name, refused) in [
        (TokenKind::Capability, "bob", true),
        (TokenKind::Capability, "bo", false),
        (TokenKind::Capability, "bobb", false),
        (TokenKind::Access, "bob", false),
    ] {
        for second in 0..5 {
            let now = NOW.plus(Duration::from_secs(second));
            let mut peer = peer(std::slice::from_ref(&incident));
            peer.received(now, &listen(Some(token(kind, name, now))));
            let first = drained(&mut peer).swap_remove(0);
            assert_eq!(first == "error 31204", refused, "{kind} {name}: {first}");
        }
    }
}

#[test]
fn the_first_rule_that_applies_wins_and_the_note_names_it() {
    let rules = [rule("ready-missing", r#"kind = "access""#), rule("closed-1011", r#"name = { length = 4 }"#)];
    let mut peer = peer(&rules);
    peer.received(NOW, &listen(Some(token(TokenKind::Capability, "rc_a", NOW))));
    let mut notes = Vec::new();
    while let Some(output) = peer.poll() {
        if let PeerOutput::Note(note) = output {
            notes.push(note);
        }
    }
    let last = notes.last().expect("a note");
    assert_eq!((last.did, last.code), ("ended before connected", Some(1011)));
    assert_eq!(last.fault.as_deref(), Some("closed-1011 (name of 4 characters)"));
    let json = serde_json::to_string(&notes).expect("plain data");
    assert!(!json.contains("rc_a") && !json.contains("eyJ"), "{json}");
}

#[test]
fn nonsense_is_ignored_for_a_while() {
    let mut peer = peer(&[]);
    for text in ["", "null", "{", "[]", r#"{"type":"invite"}"#, "\u{0}"] {
        peer.received(NOW, text);
    }
    peer.received_binary();
    assert_eq!(drained(&mut peer), [""; 0]);
    for _ in 0..2000 {
        peer.received(NOW, "{");
    }
    assert_eq!(drained(&mut peer), ["close 1008"]);
}
