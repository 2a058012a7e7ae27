//! The partner's own SDKs, in a real browser, against the simulator on real sockets: they
//! register, and under every fault of the catalogue they raise exactly the device errors, in
//! order, that our device predicts, and are registered or not as it predicts. What an attempt of
//! the probe tells is the beginning of that list: it decides at the first frame that says so and
//! does not wait for what the SDK still raises afterwards. The test authority stands in the
//! browser's own certificate store, so that certificate faults are the browser's to refuse.

#[path = "sdk/browser.rs"]
mod browser;
#[path = "sdk/calls.rs"]
mod calls;
#[path = "sdk/prediction.rs"]
mod prediction;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ringcheck::io::clock;
use ringcheck::model::{EdgeName, PodName, TokenKind};
use ringcheck::partner::twilio::{Account, AccountKeys, KeyRing, MintRequest, SdkProfile, SigningKey, mint};
use ringcheck::partner_server::{PartnerServer, PartnerSettings, PodSettings};
use ringcheck::sim::twilio::refusal_of;
use ringcheck::sim::{Behaviour, Fault, FaultRule, Outcomes, SessionFault, usual_settings};
use ringcheck::token::{TokenText, shape_of};
use secrecy::SecretString;

use browser::{Browser, Seen};
use prediction::{Prediction, predict};

/// Pods of the partner and pages of the browser, one for one: a fault of one pod, or a socket
/// that hangs there, does not hold up the others.
const PAGES: usize = 8;
const KEY_SID: &str = "SK00000000000000000000000000000002";
const KEY: &str = "sesame of the api key";
const AUTH_TOKEN: &str = "sesame of the account";
/// Tokens among which one is looked for that a parser's mistake matters for.
const SERIALS: u64 = 400;

/// One browser at a time: two of them would take each other's processor, and the SDKs have timers.
pub(crate) static ONE_BROWSER: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// One fault (or none) and one SDK.
#[derive(Clone, Copy)]
struct Case {
    fault: Option<Fault>,
    profile: SdkProfile,
}

impl Case {
    fn fault_name(&self) -> &'static str {
        self.fault.map_or("(none)", |fault| fault.name())
    }

    fn sdk(&self) -> &'static str {
        match self.profile {
            SdkProfile::V2 => "v2",
            SdkProfile::V1 => "v1",
        }
    }

    /// 2.x lives on access tokens; 1.x, where it is still in use, on capability tokens.
    fn kind(&self) -> TokenKind {
        match self.profile {
            SdkProfile::V2 => TokenKind::Access,
            SdkProfile::V1 => TokenKind::Capability,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_sdks_raise_what_we_predict() {
    let _alone = ONE_BROWSER.lock().await;
    let pods: Vec<PodName> = (0..PAGES).map(|n| PodName::parse(&format!("sdk-{n}")).expect("a name")).collect();
    let partner = PartnerServer::start(PartnerSettings::for_pods(pods.iter().map(pod_settings).collect()))
        .await
        .expect("the partner starts");
    let authority = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk-authority.pem");
    std::fs::write(&authority, partner.ca_pem().expect("it has TLS")).expect("written");
    let browser = Browser::start(&authority).await;

    let cases = Mutex::new(cases());
    let rows = Mutex::new(Vec::new());
    let workers = pods.iter().enumerate().map(|(page, pod)| {
        let (partner, browser, cases, rows) = (&partner, &browser, &cases, &rows);
        async move {
            while let Some(case) = next(cases) {
                let row = compare(partner, browser, page, pod, case).await;
                rows.lock().expect("nobody panics with it").push(row);
            }
        }
    });
    futures_util::future::join_all(workers).await;
    browser.close().await;
    partner.shutdown().await;

    let mut rows = rows.into_inner().expect("nobody panics with it");
    rows.sort_by_key(|row| (row.agrees, row.text.clone()));
    rows.iter().for_each(|row| println!("{}", row.text));
    let wrong = rows.iter().filter(|row| !row.agrees).count();
    assert_eq!(wrong, 0, "{wrong} of {} differ", rows.len());
}

fn next(cases: &Mutex<VecDeque<Case>>) -> Option<Case> {
    cases.lock().expect("nobody panics with it").pop_front()
}

/// Every fault with both SDKs, and both without a fault.
fn cases() -> VecDeque<Case> {
    let faults =
        std::iter::once(None).chain(Fault::all().filter(|fault| fault.entry().group.calls().is_none()).map(Some));
    faults.flat_map(|fault| [SdkProfile::V2, SdkProfile::V1].map(|profile| Case { fault, profile })).collect()
}

struct Row {
    agrees: bool,
    text: String,
}

async fn compare(partner: &PartnerServer, browser: &Browser, page: usize, pod: &PodName, case: Case) -> Row {
    let keys = Arc::new(KeyRing::new(vec![account_keys(pod)]));
    let (token, expected) = token_and_prediction(case, pod, &keys);
    partner.set_faults(pod, case.fault.map(FaultRule::always).into_iter().collect()).await.expect("it can have it");
    let host = partner.address(pod).expect("it is a pod").to_string();
    let id = format!("{} {}", case.fault_name(), case.sdk());
    let seen = browser.attempt(&id, page, case.sdk(), &host, token.expose()).await;

    let predicted: Vec<String> = expected.errors.iter().map(|error| says(case, error.code, &error.name)).collect();
    let raised: Vec<String> =
        seen.errors.iter().map(|error| says(case, error.code, error.detail.as_str().unwrap_or_default())).collect();
    let registered = seen.states.iter().any(|state| state == "registered");
    let told = probe_tells(case, &token);
    let agrees = predicted == raised
        && registered == expected.registered
        && is_well(case, &seen)
        && told.iter().zip(&predicted).all(|(told, predicted)| told == predicted)
        && told.len() <= predicted.len();
    let list = |list: &[String]| if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
    let presence = |registered: bool| if registered { "registered" } else { "never registered" };
    let mut text = format!("{:<29} {} ", case.fault_name(), case.sdk());
    let (word, seen) =
        (if agrees { "agree " } else { "DIFFER" }, format!("{}; {}", list(&raised), presence(registered)));
    text.push_str(&format!("{word} {seen}"));
    if !agrees {
        let predicted = format!("{}; {}", list(&predicted), presence(expected.registered));
        text.push_str(&format!(" | predicted: {predicted} | an attempt tells: {}", list(&told)));
    }
    Row { agrees, text }
}

/// The device errors that a failed attempt of the probe tells, as the simulated partner has it.
/// The probe behaves as 2.x.
fn probe_tells(case: Case, token: &TokenText) -> Vec<String> {
    if case.profile != SdkProfile::V2 {
        return Vec::new();
    }
    let met = case.fault.map(|fault| match fault.behaviour() {
        Behaviour::Session(fault) => Behaviour::Session(refusal_of(fault, &shape_of(token.expose()))),
        other => other,
    });
    let mut outcomes = Outcomes::new(usual_settings());
    let outcome = &outcomes.course(&[met], case.kind()).finding.outcome;
    let errors = outcome.failure().map(|failure| failure.device_errors.as_slice()).unwrap_or_default();
    errors.iter().map(|error| says(case, error.code, &error.name)).collect()
}

/// Without a fault the device registers and leaves.
fn is_well(case: Case, seen: &Seen) -> bool {
    case.fault.is_some() || seen.states == ["registered", "unregistered"]
}

/// An error as both sides are compared: 2.x by code and name, 1.x by code (it has no names).
fn says(case: Case, code: u32, name: &str) -> String {
    match case.profile {
        SdkProfile::V2 => format!("{code} {name}"),
        SdkProfile::V1 => code.to_string(),
    }
}

/// A token, and what it leads to; where a parser's mistake depends on the token's text, one that
/// it matters for.
fn token_and_prediction(case: Case, pod: &PodName, keys: &Arc<KeyRing>) -> (TokenText, Prediction) {
    let picky = case.fault.is_some_and(|f| matches!(f.behaviour(), Behaviour::Session(SessionFault::Misparse(_))));
    let now = clock::now();
    let account = account(pod);
    let key = match case.kind() {
        TokenKind::Access => SigningKey::ApiKey { sid: KEY_SID, secret: KEY.as_bytes() },
        TokenKind::Capability => SigningKey::AuthToken { secret: AUTH_TOKEN.as_bytes() },
    };
    let identities = ["rc_sdk", "rc_sdk_1", "rc_sdk_12"];
    let candidates = (0..SERIALS).map(|serial| {
        let identity = identities[usize::try_from(serial % 3).expect("small")];
        mint(&MintRequest { account: &account, key, identity, outgoing: None, now, ttl_s: 3600, serial })
    });
    let mut last = None;
    for token in candidates {
        let prediction = predict(case.fault, case.profile, &token, keys, now);
        if !picky || !prediction.errors.is_empty() {
            return (token, prediction);
        }
        last = Some((token, prediction));
    }
    last.expect("there are candidates")
}

fn pod_settings(pod: &PodName) -> PodSettings {
    let edge = EdgeName::parse("ashburn").expect("a name");
    PodSettings { name: pod.clone(), keys: account_keys(pod), edge, port: 0 }
}

fn account_keys(pod: &PodName) -> AccountKeys {
    AccountKeys {
        account_sid: account(pod).account_sid,
        api_keys: vec![(KEY_SID.to_owned(), SecretString::from(KEY))],
        auth_token: Some(SecretString::from(AUTH_TOKEN)),
    }
}

fn account(pod: &PodName) -> Account {
    let number: u32 = pod.as_str().trim_start_matches("sdk-").parse().expect("it ends in a number");
    Account::with_sid(format!("AC{number:032}"))
}
