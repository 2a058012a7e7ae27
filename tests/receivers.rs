//! Mails and webhooks against parts that are not ours: a mail server (aiosmtpd) with TLS, and the
//! Standard Webhooks library. Needs python3 and the packages of `tests/receivers/requirements.txt`,
//! which it installs into `target/`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use ringcheck::engine::{
    Audience, DeliveryId, DeliveryResult, IncidentFacts, IncidentState, Notification, NotifyReason, Whose, WhoseVerdict,
};
use ringcheck::io::receiver::{DeliveryError, EmailSender, Outbox, WebhookSender};
use ringcheck::io::tls::Tls;
use ringcheck::model::{AttemptId, IncidentNumber, LocationName, ReceiverName, SecretRef, Share, Timestamp};
use ringcheck::plan::{
    AvoidApproval, AvoidSettings, Email, HttpSettings, LocationSettings, NodeSettings, Owner, Plan, Receiver,
    ReceiverKind, SecretOrText, Severity, SmtpSecurity, StatusPageSettings, StoreSettings, Webhook,
};

const URL: &str = "https://ringcheck.example.com";
/// Long enough for a busy machine; only tests that fail wait so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The Python of a private environment that has the packages.
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("receivers-venv");
    let requirements = here("requirements.txt");
    let python = folder.join("bin/python");
    let done = folder.join("requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).expect("reads");
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        return python;
    }
    let run = |command: &mut Command| {
        let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}; these tests need python3"));
        assert!(
            status.success(),
            "{command:?} failed; these tests need python3-venv and the packages in {requirements:?}"
        );
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements));
    std::fs::write(done, wanted).expect("writes");
    python
});

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/receivers").join(file)
}

/// A running mail server.
struct MailServer {
    child: Child,
    folder: TempDir,
    lines: mpsc::Receiver<Value>,
    port: u16,
}

impl MailServer {
    fn start(mode: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(&*PYTHON)
            .arg(here("smtp_server.py"))
            .arg(mode)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It complains about clients that hang up, which is what they are here for.
            .stderr(Stdio::null())
            .spawn()
            .expect("python starts");
        let output = BufReader::new(child.stdout.take().expect("is piped"));
        let (tell, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).expect("the server speaks JSON"));
            }
        });
        let first: Value = lines.recv_timeout(PATIENCE).expect("the server says its port");
        let port = first["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        Self { child, folder, lines, port }
    }

    /// What it has seen since it was last asked: all up to the mark that it writes when told to.
    fn seen(&self) -> (Vec<String>, Vec<Value>) {
        let (mut recipients, mut mails) = (Vec::new(), Vec::new());
        self.child.stdin.as_ref().expect("is piped").write_all(b"mark\n").expect("writes");
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("the server answers");
            match line["rcpt"].as_str() {
                _ if line["mark"] == true => break,
                Some(address) => recipients.push(address.to_owned()),
                None => mails.push(line),
            }
        }
        recipients.sort();
        (recipients, mails)
    }

    fn email(&self, security: SmtpSecurity, to: &[&str]) -> Email {
        Email {
            from: "ringcheck <ringcheck@mon.example.com>".to_owned(),
            to: to.iter().map(|address| (*address).to_owned()).collect(),
            host: "localhost".to_owned(),
            port: self.port,
            security,
            auth: None,
            ca_file: Some(self.folder.path().join("ca.pem")),
        }
    }

    fn secret(&self, name: &str, value: &str) -> SecretRef {
        secret(&self.folder, name, value)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn secret(folder: &TempDir, name: &str, value: &str) -> SecretRef {
    let path = folder.path().join(name);
    std::fs::write(&path, value).expect("writes");
    SecretRef::File(path)
}

fn facts(state: IncidentState) -> IncidentFacts {
    let opened = Timestamp::parse_rfc3339("2024-09-10T22:57:51Z").expect("a time");
    let end = opened.plus(Duration::from_secs(2820));
    IncidentFacts {
        number: IncidentNumber(42),
        dedup_key: "ringcheck/eu-west/42".to_owned(),
        audience: Audience::VoiceOnCall,
        severity: Severity::Critical,
        state,
        location: LocationName::parse("eu-west").expect("a name"),
        opened,
        resolved: (state == IncidentState::Resolved).then_some(end),
        first_failure: opened.minus(Duration::from_secs(47)),
        first_failed: AttemptId(7),
        symptom: None,
        pods: Vec::new(),
        pods_watched: 3,
        whose: Whose {
            verdict: WhoseVerdict::Partner,
            sure: Share::clamped(0.97),
            controls: Some((2, 2)),
            healthy_pods: 0,
        },
        configured: None,
        trouble: None,
        subject: "Calls fail for some agents: partner refuses tokens – überall".to_owned(),
        finding: None,
        avoid: None,
        remedies: Vec::new(),
        runbooks: Vec::new(),
    }
}

fn notification(sequence: u32, state: IncidentState, receiver: &str) -> Notification {
    let incident = facts(state);
    Notification {
        id: DeliveryId(format!("rc-eu-west-42-{}-{sequence}-{receiver}", incident.opened.as_millis())),
        receiver: ReceiverName::parse(receiver).expect("a name"),
        reason: if sequence == 1 { NotifyReason::First } else { NotifyReason::Resolved },
        sequence,
        at: incident.resolved.unwrap_or(incident.opened),
        instead_of: None,
        incident,
    }
}

fn first() -> Notification {
    notification(1, IncidentState::Firing, "voice-oncall")
}

async fn send(email: &Email) -> Result<String, DeliveryError> {
    EmailSender::new().deliver(&first(), email, URL).await
}

fn result(sent: Result<String, DeliveryError>) -> DeliveryResult {
    sent.map_or_else(|error| error.result(), |_| DeliveryResult::Delivered)
}

#[tokio::test]
async fn mail_goes_over_tls_and_starttls_with_a_password() {
    for (mode, security) in [("tls", SmtpSecurity::Tls), ("starttls", SmtpSecurity::StartTls)] {
        let server = MailServer::start(mode);
        let mut email = server.email(security, &["oncall@example.com"]);
        email.auth = Some(("ringcheck".to_owned(), server.secret("password", "correct horse\n")));
        let said = send(&email).await.expect("is taken");
        assert!(said.contains("queued as 4711"), "{said}");
        let (_, mails) = server.seen();
        assert_eq!(mails.len(), 1);
        assert_eq!((&mails[0]["encrypted"], &mails[0]["user"]), (&json!(true), &json!("ringcheck")));
        assert_eq!(mails[0]["envelope_from"], "ringcheck@mon.example.com");

        email.auth = Some(("ringcheck".to_owned(), server.secret("password", "battery staple")));
        let error = send(&email).await.expect_err("is refused");
        assert_eq!(error.result(), DeliveryResult::Never);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("535") && !shown.contains("battery"), "{shown}");

        email.ca_file = None;
        let error = send(&email).await.expect_err("the public authorities do not know this server");
        assert_eq!(error.result(), DeliveryResult::Again(None));
        assert!(error.to_string().contains("certificate"), "{error}");
        email.auth = Some(("ringcheck".to_owned(), SecretRef::File("/nonexistent/password".into())));
        assert_eq!(result(send(&email).await), DeliveryResult::Again(None));
        assert_eq!(server.seen().1.len(), 0);
    }
}

#[tokio::test]
async fn tls_is_never_given_up() {
    let server = MailServer::start("plain");
    for security in [SmtpSecurity::StartTls, SmtpSecurity::Tls] {
        let sent = send(&server.email(security, &["oncall@example.com"])).await;
        assert_eq!(result(sent), DeliveryResult::Again(None));
    }
    let mut email = server.email(SmtpSecurity::Loopback, &["oncall@example.com"]);
    email.host = "mail.example.com".to_owned();
    assert_eq!(result(send(&email).await), DeliveryResult::Never);
    let mut email = server.email(SmtpSecurity::Loopback, &["oncall@example.com"]);
    email.auth = Some(("ringcheck".to_owned(), server.secret("password", "correct horse")));
    assert_eq!(result(send(&email).await), DeliveryResult::Never);
    assert_eq!(server.seen(), (vec![], vec![]));
}

#[tokio::test]
async fn mails_of_one_incident_make_one_thread() {
    let server = MailServer::start("plain");
    let email = server.email(SmtpSecurity::Loopback, &["oncall@example.com", "Lead <lead@example.com>"]);
    // Two senders, as after a restart: nothing is remembered, and yet the ids are the same.
    for notification in [first(), first(), notification(2, IncidentState::Resolved, "voice-oncall")] {
        EmailSender::new().deliver(&notification, &email, URL).await.expect("is taken");
    }
    let (_, mails) = server.seen();
    assert_eq!(mails.len(), 6);
    let header = |mail: &Value, name: &str| mail["headers"][name].as_str().unwrap_or_default().to_owned();
    let mut ids = BTreeMap::<String, u32>::new();
    for mail in &mails {
        assert_eq!(
            header(mail, "Subject"),
            "[ringcheck #42] Calls fail for some agents: partner refuses tokens – überall"
        );
        assert_eq!(header(mail, "References"), "<rc-eu-west-42-1726009071000.root@mon.example.com>");
        assert_eq!(header(mail, "In-Reply-To"), header(mail, "References"));
        assert_eq!(header(mail, "Auto-Submitted"), "auto-generated");
        assert_eq!(header(mail, "X-Auto-Response-Suppress"), "All");
        assert_eq!(header(mail, "List-Unsubscribe"), "", "an unsubscribe button on a page is a hazard");
        assert_eq!(mail["type"], "multipart/alternative");
        assert_eq!((&mail["parts"][0][0], &mail["parts"][1][0]), (&json!("text/plain"), &json!("text/html")));
        assert!(mail["parts"][0][1].as_str().is_some_and(|text| text.contains(&format!("{URL}/incidents/42"))));
        assert!(mail["bytes"].as_u64().is_some_and(|bytes| bytes < 100_000));
        assert_eq!(mail["mail"].as_array().map(Vec::len), Some(1), "one address each");
        *ids.entry(header(mail, "Message-ID")).or_default() += 1;
    }
    assert_eq!(ids.values().copied().collect::<Vec<_>>(), [2, 2, 1, 1], "{ids:?}");
    assert!(ids.keys().all(|id| id.starts_with("<rc-eu-west-42-") && id.ends_with("@mon.example.com>")));
    assert_eq!(header(&mails[0], "Date"), "Tue, 10 Sep 2024 22:57:51 +0000");
    assert_eq!((header(&mails[0], "Importance"), header(&mails[5], "Importance")), ("high".to_owned(), String::new()));
    assert_eq!(header(&mails[5], "X-Ringcheck-State"), "resolved");
}

#[tokio::test]
async fn one_refused_address_stops_no_other_and_a_retry_writes_to_nobody_twice() {
    let server = MailServer::start("plain");
    let sender = EmailSender::new();
    let email = server.email(SmtpSecurity::Loopback, &["never@example.com", "later@example.com", "oncall@example.com"]);
    let error = sender.deliver(&first(), &email, URL).await.expect_err("one address is for later");
    assert_eq!(error.result(), DeliveryResult::Again(None));
    assert_eq!(error.to_string(), "answered 451: 4.2.1 mailbox busy");
    let (asked, mails) = server.seen();
    assert_eq!(asked, ["later@example.com", "never@example.com", "oncall@example.com"]);
    assert_eq!(mails.len(), 1);
    assert_eq!(result(sender.deliver(&first(), &email, URL).await), DeliveryResult::Again(None));
    assert_eq!(server.seen(), (vec!["later@example.com".to_owned()], vec![]));

    let some = server.email(SmtpSecurity::Loopback, &["never@example.com", "oncall@example.com"]);
    let said = send(&some).await.expect("somebody was told");
    assert!(said.contains("never@example.com refused for good: answered 550: 5.1.1 no such mailbox"), "{said}");
    let nobody = server.email(SmtpSecurity::Loopback, &["never@example.com"]);
    assert_eq!(result(send(&nobody).await), DeliveryResult::Never);
}

#[tokio::test]
async fn an_unknown_outcome_is_tried_again_with_the_same_id() {
    let server = MailServer::start("plain");
    let sender = EmailSender::new();
    let email = server.email(SmtpSecurity::Loopback, &["drop@example.com"]);
    for _ in 0..2 {
        assert_eq!(result(sender.deliver(&first(), &email, URL).await), DeliveryResult::Again(None));
    }
    let (_, mails) = server.seen();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0]["headers"]["Message-ID"], mails[1]["headers"]["Message-ID"]);
}

#[tokio::test]
async fn a_server_that_hangs_or_is_gone_is_left_after_the_deadline() {
    let server = MailServer::start("plain");
    let sender = EmailSender::new().with_deadline(Duration::from_millis(500));
    let email = server.email(SmtpSecurity::Loopback, &["hang@example.com"]);
    let error = sender.deliver(&first(), &email, URL).await.expect_err("hangs");
    assert!(matches!(error, DeliveryError::TimedOut(_)), "{error}");
    assert_eq!(error.result(), DeliveryResult::Again(None));
    drop(server);
    assert_eq!(result(sender.deliver(&first(), &email, URL).await), DeliveryResult::Again(None));
}

/// One request that a webhook receiver got.
type Request = (HeaderMap, Bytes);

/// A webhook receiver that answers every request alike and keeps what it got.
async fn webhook_server(
    status: u16,
    header: Option<(&'static str, &'static str)>,
) -> (String, Arc<Mutex<Vec<Request>>>) {
    let got: Arc<Mutex<Vec<Request>>> = Arc::default();
    let answer = move |State(got): State<Arc<Mutex<Vec<Request>>>>, headers: HeaderMap, body: Bytes| async move {
        got.lock().expect("not poisoned").push((headers, body));
        if status == 0 {
            std::future::pending::<()>().await;
        }
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().expect("a header"));
        }
        (StatusCode::from_u16(status).expect("a status"), headers)
    };
    let app = Router::new().fallback(answer).with_state(Arc::clone(&got));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let url = format!("http://{}/hook?sig=s3cr3t", listener.local_addr().expect("has one"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, got)
}

const SECRETS: [&str; 2] =
    ["whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="];

fn webhook(folder: &TempDir, url: &str) -> Webhook {
    let secrets = SECRETS.iter().enumerate().map(|(n, text)| secret(folder, &format!("key{n}"), text));
    Webhook { url: SecretOrText::Secret(secret(folder, "url", url)), secrets: secrets.collect(), ca_file: None }
}

fn poster() -> WebhookSender {
    WebhookSender::new(Arc::new(Tls::default()))
}

#[tokio::test]
async fn webhooks_are_accepted_by_the_standard_library_under_old_and_new_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let (url, got) = webhook_server(204, None).await;
    let webhook = webhook(&folder, &url);
    for _ in 0..2 {
        assert_eq!(poster().deliver(&first(), &webhook, URL).await.expect("is taken"), "204");
    }
    let got = got.lock().expect("not poisoned").clone();
    assert_eq!(got[0].0["webhook-id"], got[1].0["webhook-id"]);
    assert_eq!(got[0].0["webhook-id"], "rc-eu-west-42-1726009071000-1-voice-oncall");
    assert_eq!(got[0].1, got[1].1, "a repeat has the same body");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema_path()).expect("reads")).expect("is JSON");
    for secret in SECRETS {
        let (headers, body) = &got[0];
        let headers: BTreeMap<&str, &str> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("is text"))).collect();
        let asked = json!({
            "secret": secret, "headers": headers, "schema": schema,
            "body": std::str::from_utf8(body).expect("is text"),
        });
        let mut child =
            Command::new(&*PYTHON).arg(here("verify_webhook.py")).stdin(Stdio::piped()).spawn().expect("python starts");
        child.stdin.take().expect("is piped").write_all(asked.to_string().as_bytes()).expect("writes");
        assert!(child.wait().expect("ends").success(), "the library refuses {asked}");
    }
}

#[tokio::test]
async fn the_answer_decides_what_happens_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let again = |secs| DeliveryResult::Again(Some(Duration::from_secs(secs)));
    for (status, header, expected) in [
        (200, None, DeliveryResult::Delivered),
        (302, Some(("location", "http://127.0.0.1:1/")), DeliveryResult::Never),
        (400, None, DeliveryResult::Never),
        (410, None, DeliveryResult::Never),
        (429, Some(("retry-after", "30")), again(30)),
        (503, Some(("retry-after", "Tue, 31 Dec 2199 23:59:59 GMT")), again(600)),
        (500, None, DeliveryResult::Again(None)),
    ] {
        let (url, got) = webhook_server(status, header).await;
        let sent = poster().deliver(&first(), &webhook(&folder, &url), URL).await;
        if let Err(error) = &sent {
            assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error:?}");
        }
        assert_eq!(result(sent), expected, "{status}");
        assert_eq!(got.lock().expect("not poisoned").len(), 1);
    }
}

#[tokio::test]
async fn secret_addresses_are_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let (hanging, _) = webhook_server(0, None).await;
    for (url, expected) in [
        ("http://127.0.0.1:1/hook?sig=s3cr3t", DeliveryResult::Again(None)),
        ("https://s3cr3t.invalid/", DeliveryResult::Again(None)),
        ("ftp://s3cr3t.example.com/", DeliveryResult::Never),
        ("s3cr3t", DeliveryResult::Never),
        (&hanging, DeliveryResult::Again(None)),
    ] {
        let poster = poster().with_deadline(Duration::from_millis(500));
        let error = poster.deliver(&first(), &webhook(&folder, url), URL).await.expect_err("fails");
        assert_eq!(error.result(), expected, "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error:?}");
    }
}

fn plan(receivers: Vec<Receiver>) -> Plan {
    let any = "127.0.0.1:0".parse().expect("an address");
    Plan {
        node: NodeSettings {
            external_url: URL.to_owned(),
            location: LocationSettings { name: LocationName::parse("eu-west").expect("a name"), control: Vec::new() },
            store: StoreSettings { path: "unused.db".into(), retention: Duration::ZERO, disk_max_bytes: 0 },
            http: HttpSettings { operator: any, operator_token: None, public: any },
            owner: Owner { to: Vec::new() },
            status_page: StatusPageSettings { title: String::new(), url: String::new(), notice_after: Duration::ZERO },
            avoid: AvoidSettings { approval: AvoidApproval::Required, expires_after: Duration::ZERO },
            recordings: None,
        },
        pods: Vec::new(),
        probes: Vec::new(),
        receivers: receivers.into_iter().map(Arc::new).collect(),
        routes: Vec::new(),
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (hanging, _) = webhook_server(0, None).await;
    let (well, got) = webhook_server(200, None).await;
    let receiver = |name: &str, url: &str| Receiver {
        name: ReceiverName::parse(name).expect("a name"),
        kind: ReceiverKind::Webhook(Webhook { url: SecretOrText::Text(url.to_owned()), ..webhook(&folder, url) }),
        fallback: None,
    };
    let plan = plan(vec![receiver("hanging", &hanging), receiver("well", &well)]);
    let (tell, mut finished) = tokio::sync::mpsc::channel(8);
    let senders = (EmailSender::new(), poster().with_deadline(Duration::from_secs(5)));
    let mut outbox = Outbox::with_senders(senders.0, senders.1, tell);
    for name in ["hanging", "hanging", "gone", "well", "well"] {
        outbox.deliver(Box::new(notification(1, IncidentState::Firing, name)), &plan);
    }
    let mut results = Vec::new();
    for _ in 0..4 {
        let finished = finished.recv().await.expect("is told");
        results.push((finished.receiver.to_string(), finished.kind, finished.result()));
    }
    results[..3].sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [
        ("gone", "unknown", DeliveryResult::Never),
        ("well", "webhook", DeliveryResult::Delivered),
        ("well", "webhook", DeliveryResult::Delivered),
        ("hanging", "webhook", DeliveryResult::Again(None)),
    ];
    assert_eq!(results, expected.map(|(name, kind, result)| (name.to_owned(), kind, result)));
    assert_eq!(got.lock().expect("not poisoned").len(), 2);
}

fn schema_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/webhook.schema.json")
}

#[test]
fn the_documented_schema_is_the_real_one() {
    let schema = schemars::schema_for!(ringcheck::message::IncidentEvent);
    let schema = format!("{}\n", serde_json::to_string_pretty(&schema).expect("is JSON"));
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(schema_path(), &schema).expect("writes");
    }
    let written = std::fs::read_to_string(schema_path()).expect("is there");
    assert!(written == schema, "run `UPDATE_SCHEMAS=1 cargo test --test receivers` and look at the change");
}
