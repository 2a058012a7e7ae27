//! The whole node against the partner on real sockets: what it says of the tokens that fail is what
//! it says in virtual time.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use ringcheck::diagnosis::{Finding, FindingState};
use ringcheck::engine::View;
use ringcheck::model::Timestamp;
use ringcheck::node::Node;
use ringcheck::partner_server::{PartnerServer, PartnerSettings};
use ringcheck::plan::Plan;
use ringcheck::plan::read::{FileKind, SourceText, Sources, read_texts};
use ringcheck::sim::{Fault, FaultRule, Predicate, World};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::bed::{SECRET, account_sid, at_partner, pod_name};

/// Ends a test that fails; a good one takes a quarter of it.
const PATIENCE: Duration = Duration::from_mins(3);
/// Attempts that passed before the fault, so that every kind, edge and name has worked.
const HEALTHY: u32 = 60;
/// The same in virtual time.
const HEALTHY_FOR: Duration = Duration::from_mins(1);

/// A fault of the catalogue, when it applies, and what is said of it.
const FAULTS: [(&str, &str, &str); 12] = [
    ("token-invalid", "kind = \"capability\"", "Verified: capability tokens"),
    (
        "token-rejected-20101",
        "payload = { symbol = \"_\", residue = 3 }",
        "Verified: tokens with \"_\" at payload offset 3 (mod 4)",
    ),
    (
        "token-signature-refused",
        "signature = { symbol = \"-\", offset = 11 }",
        "Verified: tokens with \"-\" at signature offset 11",
    ),
    ("token-closed-1008", "name = { residue = 1 }", "Verified: tokens with name length 1 (mod 3)"),
    ("token-invalid-dropped", "signature = { symbol = \"_\" }", "Verified: tokens with \"_\" in the signature"),
    ("token-expired", "signature = { symbol = \"-\", then = \"_\" }", "Verified: tokens with \"-_\" in the signature"),
    (
        "parser-wrong-at-offset",
        "",
        "Verified: tokens with \"-\" at signature offset 11, or tokens with \"_\" at signature offset 11",
    ),
    (
        "parser-wrong-at-residue",
        "",
        "Verified: tokens with \"-\" or \"_\" at signature offset 3 (mod 4), \
         or tokens with \"_\" at payload offset 3 (mod 4)",
    ),
    (
        "parser-fails",
        "",
        "Verified: tokens with \"-\" or \"_\" in the signature, or tokens with \"_\" at payload offset 3 (mod 4)",
    ),
    (
        "parser-maps-dash-only",
        "",
        "Verified: tokens with \"_\" at payload offset 3 (mod 4), or tokens with \"_\" in the signature",
    ),
    ("parser-maps-underscore-only", "", "Verified: tokens with \"-\" in the signature"),
    ("token-unauthorised", "share = \"30%\"", "NoTokenTrait: "),
];

fn rule(fault: &str, when: &str) -> FaultRule {
    FaultRule::new(Fault::named(fault).expect("in the catalogue"), Predicate::parse(when).expect("valid"))
        .expect("it fits")
}

/// Of several alternatives it is chance which is found first.
fn in_words(finding: &Finding) -> String {
    let mut alternatives: Vec<String> = finding.predicate.0.iter().map(ToString::to_string).collect();
    alternatives.sort();
    format!("{:?}: {}", finding.state, alternatives.join(", or "))
}

/// What is settled about the only incident of the voice on-call.
fn settled(finding: Option<&Finding>) -> Option<String> {
    finding.filter(|f| matches!(f.state, FindingState::Verified | FindingState::NoTokenTrait)).map(in_words)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_names_the_tokens_that_fail_as_it_does_in_virtual_time() {
    let partner = PartnerServer::start(PartnerSettings::for_pods((0..FAULTS.len()).map(at_partner).collect()));
    let partner = Arc::new(partner.await.expect("started"));
    let controls: Vec<TcpListener> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let controls: Arc<Vec<TcpListener>> = Arc::new(controls);
    let mut tasks = JoinSet::new();
    for (number, (fault, when, said)) in FAULTS.into_iter().enumerate() {
        let (partner, controls) = (Arc::clone(&partner), Arc::clone(&controls));
        tasks.spawn(async move {
            let folder = tempfile::tempdir().expect("a folder");
            let plan = plan(&folder, &partner, number, &controls);
            let simulated = in_virtual_time(plan.clone(), fault, when);
            let found = tokio::time::timeout(PATIENCE, on_real_sockets(plan, &partner, number, fault, when)).await;
            let found = found.unwrap_or_else(|_| "nothing in time".to_owned());
            (found != said || simulated.as_deref() != Some(said))
                .then(|| format!("{fault} {when}:\n  real    {found}\n  virtual {simulated:?}"))
        });
    }
    let wrong: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn on_real_sockets(plan: Plan, partner: &PartnerServer, number: usize, fault: &str, when: &str) -> String {
    let node = Node::start(plan, None).await.expect("it starts");
    let mut view = node.view.clone();
    let passed = |view: &View| {
        let healthy = |pod: &ringcheck::engine::PodView| {
            pod.recent.0 == 0 && pod.recent.1 >= HEALTHY && pod.cover.as_ref().is_some_and(is_walked)
        };
        view.pods.first().is_some_and(healthy).then_some(())
    };
    see(&mut view, passed).await;
    partner.set_faults(&pod_name(number), vec![rule(fault, when)]).await.expect("possible");
    let said = see(&mut view, |view| {
        let findings = view.incidents.iter().filter_map(|facts| facts.finding.as_deref());
        findings.into_iter().find_map(|finding| settled(Some(finding)))
    });
    let said = said.await;
    node.stop().await;
    said
}

/// True once every length of name has had its turn with every kind.
fn is_walked(cover: &ringcheck::engine::CoverView) -> bool {
    cover.sets.iter().filter(|ages| ages.set == ringcheck::token::CoverSet::Names).all(|ages| ages.never == 0)
}

/// Waits for a picture in which something is to be seen.
async fn see<T>(view: &mut watch::Receiver<Arc<View>>, what: impl Fn(&View) -> Option<T>) -> T {
    loop {
        let seen = what(&view.borrow_and_update());
        if let Some(seen) = seen {
            return seen;
        }
        view.changed().await.expect("the node lives");
    }
}

fn in_virtual_time(plan: Plan, fault: &str, when: &str) -> Option<String> {
    let start = Timestamp::from_millis(1_726_000_000_000);
    let pod = plan.pods[0].name.clone();
    let mut world = World::new(Arc::new(plan), start, 7);
    world.run_until(start.plus(HEALTHY_FOR));
    world.fault(&pod, rule(fault, when));
    let until = world.now().plus(Duration::from_mins(10));
    while world.now() < until {
        world.run_until(world.now().plus(Duration::from_secs(1)));
        let incidents = world.engine().state().incidents.values();
        if let Some(said) = incidents.filter_map(|incident| settled(incident.facts.finding.as_deref())).next() {
            return Some(said);
        }
    }
    None
}

/// A plan of one pod at ten connections a second.
fn plan(folder: &TempDir, partner: &PartnerServer, number: usize, controls: &[TcpListener]) -> Plan {
    std::fs::write(folder.path().join("ca.pem"), partner.ca_pem().expect("over TLS")).expect("written");
    std::fs::write(folder.path().join("secret"), SECRET).expect("written");
    std::fs::write(folder.path().join("webhook"), format!("whsec_{}", "sesame".repeat(6))).expect("written");
    let [one, other] = [0, 1].map(|place| controls[place].local_addr().expect("it is bound"));
    let node = format!(
        r#"
        external_url = "http://127.0.0.1:9870"
        location = {{ name = "here", control = ["tcp://{one}", "tcp://{other}"] }}
        store = {{ path = "{store}" }}
        http = {{ operator = "127.0.0.1:0", public = "127.0.0.1:0" }}
        owner = {{ to = ["hook"] }}
        receiver = [{{ name = "hook", kind = "webhook", url = "http://{one}/", secret = {{ file = "webhook" }} }}]
        route = [{{ severity = "critical", to = ["hook"] }}]
        [status_page]
        title = "Calls"
        url = "http://127.0.0.1:9871"
        "#,
        store = folder.path().join("ringcheck.db").display(),
    );
    let (name, sid) = (pod_name(number), account_sid(number));
    let url = partner.url(&name).expect("there");
    let pod = format!(
        r#"
        name = "{name}"
        public_name = "{name}"
        [partner]
        kind = "twilio"
        account_sid = "{sid}"
        application_sid = "AP00000000000000000000000000000001"
        edges = ["ashburn"]
        api_key = {{ sid = "SK00000000000000000000000000000001", secret = {{ file = "secret" }} }}
        auth_token = {{ file = "secret" }}
        signalling = "{url}"
        ca_file = "ca.pem"
        [budget]
        connections_per_minute = 600
        "#
    );
    let probe = "kind = \"connection\"\nschedule = \"0 * * * * *\"\nhold = \"100ms\"\n";
    let file = |kind, path: &str, text: &str| SourceText { kind, path: path.to_owned(), text: text.to_owned() };
    let files = vec![
        file(FileKind::Ringcheck, "config/ringcheck.toml", &node),
        file(FileKind::Pod, "config/pods/pod.toml", &pod),
        file(FileKind::Probe, "probes/connection.toml", probe),
    ];
    let sources = Sources { base: folder.path().to_owned(), files };
    read_texts(&sources).unwrap_or_else(|problems| panic!("{problems}")).plan
}
