//! Faults are switched while the partner runs, by its handle and by HTTP, and what was done is
//! told without tokens.

use ringcheck::model::{Outcome, SignatureCells, TokenKind};
use ringcheck::partner_server::SwitchError;
use ringcheck::sim::{Fault, FaultRule, Predicate};

use super::bed::{Bed, pod_name};

async fn outcome(bed: &Bed, kind: TokenKind, serial: u64) -> Outcome {
    bed.attempt(0, &bed.patient, kind, SignatureCells::default(), serial).await.outcome
}

fn always(name: &str) -> FaultRule {
    FaultRule::always(Fault::named(name).expect("known"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_come_and_go_and_a_refused_port_comes_back() {
    let bed = Bed::start(2).await;
    for (serial, name) in ["tcp-refused", "token-invalid", "tcp-refused"].into_iter().enumerate() {
        let serial = serial as u64 * 2;
        bed.set_faults(0, vec![always(name)]).await;
        assert!(outcome(&bed, TokenKind::Access, serial).await.failure().is_some(), "{name}");
        let other = bed.attempt(1, &bed.patient, TokenKind::Access, SignatureCells::default(), serial).await;
        assert_eq!(other.outcome, Outcome::completed(), "the other pod has no {name}");
        bed.set_faults(0, Vec::new()).await;
        assert_eq!(outcome(&bed, TokenKind::Access, serial + 1).await, Outcome::completed(), "after {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_of_one_kind_leaves_the_other_alone() {
    let bed = Bed::start(1).await;
    let when = Predicate::parse(r#"kind = "capability""#).expect("valid");
    let rule = FaultRule::new(Fault::named("token-invalid").expect("known"), when).expect("possible");
    bed.set_faults(0, vec![rule]).await;
    assert_eq!(outcome(&bed, TokenKind::Access, 0).await, Outcome::completed());
    let failed = outcome(&bed, TokenKind::Capability, 0).await;
    assert_eq!(failed.failure().and_then(|failure| failure.wire_code), Some(31204));

    let truth = bed.partner.truth(100).join("\n");
    assert!(
        truth.contains(r#""did":"token refused","code":31204,"fault":"token-invalid (capability tokens)""#),
        "{truth}"
    );
    assert!(!truth.contains("eyJ") && !truth.contains("rc_"), "no tokens, no names: {truth}");
}

#[tokio::test]
async fn what_cannot_be_on_real_sockets_is_refused() {
    let bed = Bed::start(1).await;
    let when = Predicate::parse(r#"share = "5%""#).expect("valid");
    let shared = FaultRule::new(Fault::named("tcp-refused").expect("known"), when).expect("possible");
    assert_eq!(bed.partner.set_faults(&pod_name(0), vec![shared]).await, Err(SwitchError::RefusedByShare));
    let error = bed.partner.set_faults(&pod_name(7), Vec::new()).await.expect_err("there is none");
    assert_eq!(error.to_string(), "no pod is called pod-7; there are pod-0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_switches_too() {
    let bed = Bed::start(1).await;
    let base = format!("http://{}", bed.partner.control().expect("there"));
    let client = reqwest::Client::builder().no_proxy().build().expect("made");
    let put = |body: &'static str| {
        client.put(format!("{base}/faults/pod-0")).header("content-type", "application/json").body(body).send()
    };
    let answer = put(r#"[{"fault":"closed-1011","when":{"kind":"access"}}]"#).await.expect("answered");
    assert_eq!(answer.status(), 204);
    let failed = outcome(&bed, TokenKind::Access, 0).await;
    assert_eq!(failed.failure().map(|failure| failure.reason.to_string()).as_deref(), Some("closed with 1011"));

    let answer = put(r#"[{"fault":"closed-1012"}]"#).await.expect("answered");
    assert_eq!(answer.status(), 422);
    let why = answer.text().await.expect("a text");
    assert!(why.contains(r#"did you mean "closed-1011"?"#) || why.contains("did you mean"), "{why}");

    let faults = client.get(format!("{base}/faults")).send().await.expect("answered").text().await.expect("a text");
    assert_eq!(faults, r#"{"pod-0":[{"fault":"closed-1011","when":{"kind":"access"}}]}"#);
    let cleared = client.delete(format!("{base}/faults/pod-0")).send().await.expect("answered");
    assert_eq!(cleared.status(), 204);
    assert_eq!(outcome(&bed, TokenKind::Access, 1).await, Outcome::completed());
    for path in ["/pods", "/catalogue", "/truth?last=5"] {
        let answer = client.get(format!("{base}{path}")).send().await.expect("answered");
        assert_eq!(answer.status(), 200, "{path}");
    }
}
