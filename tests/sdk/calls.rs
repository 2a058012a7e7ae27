//! The partner's own SDKs place calls and are called against the simulator, with audio that is
//! heard in both directions: what the page hears is its own microphone, sent there and back.
//! Under faults they raise what our probe predicts.

use std::path::Path;

use ringcheck::call::Settings;
use ringcheck::io::clock::{self, Stopwatch};
use ringcheck::model::{CallDirection, CallWish, Codec, MediaPath, PodName, TokenKind};
use ringcheck::partner::twilio::{MintRequest, SigningKey, mint};
use ringcheck::partner_server::{PartnerServer, PartnerSettings};
use ringcheck::sim::{Fault, FaultRule, Outcomes, usual_call, usual_settings};

use crate::browser::{Browser, Call, Heard};
use crate::{AUTH_TOKEN, KEY, KEY_SID, ONE_BROWSER, account, pod_settings};

const APPLICATION: &str = "AP00000000000000000000000000000003";
const NAME: &str = "rc_sdk_call";
/// The fake microphone beeps once a second; so much of the time it is heard at least.
const BEEPS: f64 = 0.05;
/// Faults whose errors come at once. Where a path is missing the SDK restarts ICE first and raises
/// what our probe says (53405) only after half a minute.
const FAULTS: [&str; 14] = [
    "invite-ignored",
    "call-unanswered",
    "ringing-late",
    "call-busy",
    "call-not-found",
    "call-declined",
    "call-bad-application",
    "call-server-error",
    "call-hung-up-ringing",
    "call-error-frame",
    "answer-without-description",
    "description-garbage",
    "call-cut",
    "call-cut-with-error",
];

fn token(pod: &PodName, sdk: &str, direction: CallDirection) -> String {
    let key = match sdk {
        "v1" => SigningKey::AuthToken { secret: AUTH_TOKEN.as_bytes() },
        _ => SigningKey::ApiKey { sid: KEY_SID, secret: KEY.as_bytes() },
    };
    let outgoing = (direction == CallDirection::Outbound).then_some(APPLICATION);
    let (account, now) = (account(pod), clock::now());
    let request = MintRequest { account: &account, key, identity: NAME, outgoing, now, ttl_s: 120, serial: 0 };
    mint(&request).expose().to_owned()
}

/// Has the partner ring the page's device.
async fn ring(host: &str, pod: &PodName, authority: &str) {
    let certificate = reqwest::Certificate::from_pem(authority.as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder().tls_certs_only([certificate]).build().expect("a client");
    let sid = account(pod).account_sid;
    let form = format!("To=client%3A{NAME}&From=client%3Aringcheck&Twiml=%3CResponse%2F%3E&Timeout=10&TimeLimit=30");
    let answer = client
        .post(format!("https://{host}/2010-04-01/Accounts/{sid}/Calls.json"))
        .basic_auth(KEY_SID, Some(KEY))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .expect("answered");
    assert_eq!(answer.status().as_u16(), 201);
}

/// The errors that our probe's failed call tells, as code and name.
fn probe_tells(fault: Fault) -> Vec<String> {
    let wish = CallWish {
        direction: CallDirection::Outbound,
        hold_ms: 4000,
        ring_ms: 0,
        codec: Codec::Pcmu,
        path: MediaPath::Any,
    };
    let call = usual_call(wish, Stopwatch::start().origin());
    let settings = Settings { call: Some(call), ..usual_settings() };
    let mut outcomes = Outcomes::new(settings);
    let outcome = &outcomes.course(&[Some(fault.behaviour())], TokenKind::Access).finding.outcome;
    let errors = outcome.failure().map(|failure| failure.device_errors.as_slice()).unwrap_or_default();
    errors.iter().map(|error| format!("{} {}", error.code, error.name)).collect()
}

fn raised(heard: &Heard) -> Vec<String> {
    heard.errors.iter().map(|error| format!("{} {}", error.code, error.detail.as_str().unwrap_or_default())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_sdks_place_and_receive_calls() {
    let _alone = ONE_BROWSER.lock().await;
    let pod = PodName::parse("sdk-0").expect("a name");
    let partner =
        PartnerServer::start(PartnerSettings::for_pods(vec![pod_settings(&pod)])).await.expect("the partner starts");
    let authority = partner.ca_pem().expect("it has TLS").to_owned();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk-calls-authority.pem");
    std::fs::write(&file, &authority).expect("written");
    let browser = Browser::start(&file).await;
    let host = partner.address(&pod).expect("it is a pod").to_string();

    for (sdk, codecs) in [("v2", ["pcmu", "opus"]), ("v2", ["opus", "pcmu"]), ("v1", ["pcmu", "opus"])] {
        for direction in CallDirection::ALL {
            let (id, token) = (format!("{sdk} {} {direction}", codecs[0]), token(&pod, sdk, direction));
            let direction_name = direction.as_str();
            let call =
                Call { id: &id, page: 0, sdk, host: &host, token: &token, direction: direction_name, codecs: &codecs };
            let heard = browser
                .call(&call, async |mut states| {
                    if direction == CallDirection::Inbound {
                        while states.recv().await.expect("the browser lives") != (id.clone(), "registered".to_owned()) {
                        }
                        ring(&host, &pod, &authority).await;
                    }
                })
                .await;
            println!("{id}: {:?}, heard {:.0} % of the time, {:?}", heard.states, heard.heard * 100.0, raised(&heard));
            assert!(heard.errors.is_empty() && heard.was_up, "{id}: {heard:?}");
            assert!(heard.states.iter().any(|state| state == "accept"), "{id}: {heard:?}");
            let spoken = heard.codec.as_deref().map(str::to_ascii_lowercase);
            assert!(sdk == "v1" || spoken.as_deref() == Some(codecs[0]), "{id}: {heard:?}");
            assert!(heard.heard > BEEPS, "{id}: the agent does not hear its own voice: {heard:?}");
        }
    }

    let mut wrong = Vec::new();
    for name in FAULTS {
        let fault = Fault::named(name).expect("known");
        partner.set_faults(&pod, vec![FaultRule::always(fault)]).await.expect("possible");
        let token = token(&pod, "v2", CallDirection::Outbound);
        let (direction, codecs) = ("outbound", ["pcmu", "opus"].as_slice());
        let call = Call { id: name, page: 0, sdk: "v2", host: &host, token: &token, direction, codecs };
        let heard = browser.call(&call, async |_| {}).await;
        let (raised, predicted) = (raised(&heard), probe_tells(fault));
        let word = if raised == predicted { "agree " } else { "DIFFER" };
        println!("{name:<29} v2 {word} {raised:?} {:?}", heard.states);
        if raised != predicted {
            wrong.push(format!("{name}: {raised:?}, predicted {predicted:?}"));
        }
    }
    browser.close().await;
    partner.shutdown().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
