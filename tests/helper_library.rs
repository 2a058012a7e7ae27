//! Our tokens against the partner's official helper library (PyPI `twilio`): to the letter the
//! same where both are asked for the same, and accepted in both directions. The library is
//! installed into `target/` on the first run; without python, its venv module or the package
//! index these tests fail, they are never skipped.

#[path = "python/environment.rs"]
mod environment;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

use ringcheck::model::{KeySlot, SecretRef, Timestamp, TokenKind};
use ringcheck::partner::twilio::{
    Account, AccountKeys, ApiKey, KeyRing, MintRequest, SigningKey, VerifiedToken, mint, mint_best,
};
use secrecy::SecretString;
use serde_json::{Value, json};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const KEY: &str = "SK00000000000000000000000000000002";
const APPLICATION: &str = "AP00000000000000000000000000000003";
const KEY_SECRET: &str = "an-api-key-secret-of-32-characters";
const AUTH_TOKEN: &str = "an-auth-token-with-32-characters";

/// The python of an environment that has the library.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| environment::python("helper-library", "requirements.txt"))
}

/// Secrets and tokens go over standard input: arguments are visible to everybody.
fn ask(question: &Value) -> Vec<Value> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/helper_library.py");
    let mut child = Command::new(python())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    child.stdin.take().expect("piped").write_all(question.to_string().as_bytes()).expect("python reads");
    let output = child.wait_with_output().expect("python ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the script prints JSON")
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_millis(i64::try_from(since.as_millis()).expect("before the year 292 million"))
}

fn account(region: Option<&str>) -> Account {
    Account {
        application_sid: Some(APPLICATION.to_owned()),
        far_application_sid: None,
        api_keys: vec![ApiKey { sid: KEY.to_owned(), secret: SecretRef::Env("KEY".to_owned()) }],
        region: region.map(str::to_owned),
        ..Account::with_sid(ACCOUNT)
    }
}

fn ring() -> KeyRing {
    KeyRing::new(vec![AccountKeys {
        account_sid: ACCOUNT.to_owned(),
        api_keys: vec![(KEY.to_owned(), SecretString::from(KEY_SECRET))],
        auth_token: Some(SecretString::from(AUTH_TOKEN)),
    }])
}

/// A token of ours, with what the library has to be asked for to make the same one.
struct Ours {
    kind: TokenKind,
    token: String,
    options: Value,
}

fn ours() -> Vec<Ours> {
    // First, for it may take longer than a token lives.
    python();
    let now = now();
    let mut all = Vec::new();
    for kind in TokenKind::ALL {
        for (name, serial) in [("rc_a", 0), ("rc_pod_18_eu_west_7xx", 41), ("rc_abc", u64::MAX)] {
            for outgoing in [None, Some(APPLICATION)] {
                for region in [None, Some("ie1")] {
                    let account = account(region);
                    let key = match kind {
                        TokenKind::Access => SigningKey::ApiKey { sid: KEY, secret: KEY_SECRET.as_bytes() },
                        TokenKind::Capability => SigningKey::AuthToken { secret: AUTH_TOKEN.as_bytes() },
                    };
                    let request =
                        MintRequest { account: &account, key, identity: name, outgoing, now, ttl_s: 600, serial };
                    let steered = mint_best(&request, 100, |shape| shape.signature.0.count_ones());
                    for token in [mint(&request), steered] {
                        all.push(our(kind, token.expose(), &request));
                    }
                }
            }
        }
    }
    all
}

fn our(kind: TokenKind, token: &str, request: &MintRequest<'_>) -> Ours {
    let claims = claims(token);
    let now = request.now.as_secs();
    let scopes = if request.outgoing.is_some() { json!(["outgoing", "incoming"]) } else { json!(["incoming"]) };
    let mut voice = json!({ "incoming_allow": true });
    if let Some(application) = request.outgoing {
        voice["outgoing_application_sid"] = json!(application);
    }
    let options = json!({
        "kind": kind, "now": now, "account_sid": ACCOUNT, "identity": request.identity,
        "nbf": claims["nbf"], "ttl": claims["exp"].as_i64().expect("a number") - now,
        "key_sid": KEY, "secret": secret(kind), "region": request.account.region, "voice": voice,
        "application_sid": request.outgoing, "scopes": scopes,
    });
    Ours { kind, token: token.to_owned(), options }
}

fn secret(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Access => KEY_SECRET,
        TokenKind::Capability => AUTH_TOKEN,
    }
}

fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).expect("three parts");
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

#[test]
fn our_tokens_are_the_librarys_to_the_letter() {
    let ours = ours();
    let options: Vec<&Value> = ours.iter().map(|one| &one.options).collect();
    let theirs = ask(&json!({ "mint": options }));
    assert_eq!(theirs.len(), ours.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(theirs.as_str(), Some(ours.token.as_str()), "{}", ours.options);
    }
}

#[test]
fn the_library_decodes_our_tokens_to_the_same_claims() {
    let ours = ours();
    let asked: Vec<Value> =
        ours.iter().map(|one| json!({ "kind": one.kind, "token": one.token, "secret": secret(one.kind) })).collect();
    let decoded = ask(&json!({ "decode": asked }));
    assert_eq!(decoded.len(), ours.len());
    for (ours, decoded) in ours.iter().zip(decoded) {
        assert_eq!(decoded["payload"], claims(&ours.token));
        let cty = matches!(ours.kind, TokenKind::Access).then_some("twilio-fpa;v=1");
        assert_eq!(decoded["headers"]["cty"].as_str(), cty);
        assert!(ring().verify(&ours.token, now()).is_ok(), "and we accept it too");
    }
}

/// What the library is asked for, and what we must find in it.
fn theirs(now: i64) -> Vec<(Value, Result<VerifiedToken, u32>)> {
    let token = |kind, ttl_s: u32| VerifiedToken {
        kind,
        account_sid: ACCOUNT.to_owned(),
        identity: Some("rc_a".to_owned()),
        key: KeySlot(0),
        expires_s: now + i64::from(ttl_s),
        ttl_s,
        incoming: true,
        outgoing: Some(APPLICATION.to_owned()),
    };
    let access = |change: Value| {
        let voice = json!({ "incoming_allow": true, "outgoing_application_sid": APPLICATION });
        let mut options = json!({
            "kind": "access", "now": now, "ttl": 3600, "account_sid": ACCOUNT, "key_sid": KEY, "secret": KEY_SECRET,
            "identity": "rc_a", "voice": voice,
        });
        for (key, value) in change.as_object().expect("an object") {
            options[key] = value.clone();
        }
        options
    };
    let capability = |scopes: Value, identity: &str| {
        json!({
            "kind": "capability", "now": now, "ttl": 3600, "account_sid": ACCOUNT, "secret": AUTH_TOKEN,
            "identity": identity, "application_sid": APPLICATION, "scopes": scopes,
        })
    };
    let with_params = |mut options: Value| {
        options["params"] = json!({ "pod": "7", "q": "a b~?>/é" });
        options
    };
    let (a, c) = (token(TokenKind::Access, 3600), token(TokenKind::Capability, 3600));
    let mobile = json!({
        "incoming_allow": true, "outgoing_application_sid": APPLICATION,
        "outgoing_application_params": { "q": "?>~" }, "push_credential_sid": "CR1", "endpoint_id": "e",
    });
    vec![
        (access(json!({})), Ok(a.clone())),
        (access(json!({ "region": "ie1" })), Ok(a.clone())),
        (access(json!({ "nbf": null })), Ok(a.clone())),
        (access(json!({ "voice": mobile, "chat": "IS1" })), Ok(a.clone())),
        (access(json!({ "voice": { "incoming_allow": true } })), Ok(VerifiedToken { outgoing: None, ..a.clone() })),
        (access(json!({ "voice": {} })), Ok(VerifiedToken { outgoing: None, incoming: false, ..a.clone() })),
        (access(json!({ "identity": null })), Ok(VerifiedToken { identity: None, ..a.clone() })),
        (
            access(json!({ "identity": "zoë+ö@例え" })),
            Ok(VerifiedToken { identity: Some("zoë+ö@例え".to_owned()), ..a }),
        ),
        (access(json!({ "ttl": 86_400 })), Ok(token(TokenKind::Access, 86_400))),
        (access(json!({ "ttl": 86_401 })), Err(31207)),
        (access(json!({ "ttl": -1 })), Err(31202)),
        (access(json!({ "nbf": now + 60 })), Err(31202)),
        (access(json!({ "secret": "another-secret-of-32-characters-" })), Err(31202)),
        (access(json!({ "key_sid": "SK9" })), Err(31202)),
        (access(json!({ "account_sid": "AC9" })), Err(31203)),
        (access(json!({ "voice": null, "chat": "IS1" })), Err(31201)),
        (capability(json!(["outgoing", "incoming"]), "rc_a"), Ok(c.clone())),
        (capability(json!(["incoming", "outgoing"]), "rc_a"), Ok(c.clone())),
        (with_params(capability(json!(["outgoing", "incoming", "events"]), "rc_a")), Ok(c.clone())),
        (capability(json!(["incoming"]), "rc_a"), Ok(VerifiedToken { outgoing: None, ..c.clone() })),
        (capability(json!(["outgoing"]), "rc_a"), Ok(VerifiedToken { incoming: false, identity: None, ..c.clone() })),
        (
            capability(json!(["incoming", "outgoing"]), "zoë & b+c@d"),
            Ok(VerifiedToken { identity: Some("zoë & b+c@d".to_owned()), ..c }),
        ),
        (capability(json!(["events"]), "rc_a"), Err(31201)),
    ]
}

#[test]
fn we_judge_the_librarys_tokens_rightly() {
    let now = now();
    let cases = theirs(now.as_secs());
    let options: Vec<&Value> = cases.iter().map(|(options, _)| options).collect();
    let tokens = ask(&json!({ "mint": options }));
    assert_eq!(tokens.len(), cases.len());
    for ((options, expected), token) in cases.iter().zip(tokens) {
        let found = ring().verify(token.as_str().expect("a token"), now).map_err(|refusal| refusal.code);
        assert_eq!(found, *expected, "{options}");
    }
}
