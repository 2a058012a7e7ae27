//! The dialer against partners that misbehave in one way each: the right step, the right reason,
//! and the device errors that an agent's application would get.

#[path = "dialer/partner.rs"]
mod partner;

use std::net::SocketAddr;
use std::sync::Arc;

use ringcheck::io::dialer::Dialer;
use ringcheck::model::{
    AttemptId, AttemptReport, AttemptSpec, CellWeights, KeySlot, Outcome, Role, SignatureCells, Step, Timestamp,
    TokenKind, TokenWish,
};
use ringcheck::plan::Plan;
use ringcheck::plan::read::{FileKind, SourceText, Sources, read_texts};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use partner::{Asked, Frame, Instead, answer, authority, good, nobody, read_head, serve, silence, talk, text, tls};

/// A node with one pod.
struct Bed {
    folder: TempDir,
    plan: Arc<Plan>,
    dialer: Dialer,
    reports: mpsc::Receiver<AttemptReport>,
}

const EDGES: [&str; 2] = ["ashburn", "dublin"];

/// A step's deadline where the partner answers, however busy this machine is.
const PATIENT: &str = "10s";
/// A step's deadline where it never will.
const IMPATIENT: &str = "1s";

impl Bed {
    /// A pod whose partner is at `signalling`.
    fn new(signalling: &str) -> Self {
        Self::with(signalling, "", PATIENT, tempfile::tempdir().expect("a folder"))
    }

    fn with(signalling: &str, more: &str, step: &str, folder: TempDir) -> Self {
        std::fs::write(folder.path().join("secret"), "0123456789abcdef0123456789abcdef\n").expect("written");
        let pod = format!(
            r#"
            name = "pod-1"
            public_name = "One"
            [partner]
            kind = "twilio"
            account_sid = "AC00000000000000000000000000000001"
            edges = ["{}", "{}"]
            api_key = {{ sid = "SK00000000000000000000000000000001", secret = {{ file = "secret" }} }}
            signalling = "{signalling}"
            {more}
            "#,
            EDGES[0], EDGES[1]
        );
        let probe = format!(
            r#"
            kind = "connection"
            schedule = "0 * * * * *"
            deadlines = {{ step = "{step}", hangup = "{step}" }}
            "#
        );
        let node = include_str!("../config/ringcheck.toml").to_owned();
        let file = |kind, path: &str, text| SourceText { kind, path: path.to_owned(), text };
        let files = vec![
            file(FileKind::Ringcheck, "config/ringcheck.toml", node),
            file(FileKind::Pod, "config/pods/pod-1.toml", pod),
            file(FileKind::Probe, "probes/connection.toml", probe),
        ];
        let sources = Sources { base: folder.path().to_owned(), files };
        let plan = read_texts(&sources).unwrap_or_else(|problems| panic!("{problems}")).plan;
        let (sender, reports) = mpsc::channel(8);
        let dialer = Dialer::start(plan.node.location.name.clone(), sender).expect("started");
        Self { folder, plan: Arc::new(plan), dialer, reports }
    }

    fn spec(&self, id: u64) -> AttemptSpec {
        let pod = &self.plan.pods[0];
        let cells = SignatureCells::default();
        AttemptSpec {
            id: AttemptId(id),
            pod: pod.name.clone(),
            probe: self.plan.probes[0].name.clone(),
            role: Role::Scheduled,
            token: TokenWish::Fresh {
                kind: TokenKind::Access,
                key: KeySlot(0),
                name_length: 24,
                unlike: cells,
                wanted: CellWeights::NONE,
            },
            edge: pod.edges()[0].clone(),
            at: Timestamp::MIN,
            deadline: Timestamp::MAX,
            call: None,
        }
    }

    async fn make(&mut self, spec: AttemptSpec) -> AttemptReport {
        self.dialer.dial(spec, Arc::clone(&self.plan));
        self.reports.recv().await.expect("every attempt reports")
    }
}

/// What an attempt against a partner at `signalling` finds.
async fn attempt(signalling: &str, step: &str) -> AttemptReport {
    let mut bed = Bed::with(signalling, "", step, tempfile::tempdir().expect("a folder"));
    let spec = bed.spec(1);
    bed.make(spec).await
}

/// How long to wait for what is expected.
fn step_for(expected: &str) -> &'static str {
    if expected.contains("NoAnswer") || expected.contains("Unconfirmed") { IMPATIENT } else { PATIENT }
}

async fn expect_plain(address: SocketAddr, expected: &str, name: &str) {
    let report = attempt(&format!("ws://{address}/signal"), step_for(expected)).await;
    assert_eq!(said(&report), expected, "{name}");
}

async fn expect_tls(address: SocketAddr, expected: &str, name: &str) {
    let report = attempt(&format!("wss://{address}/signal"), step_for(expected)).await;
    assert_eq!(said(&report), expected, "{name}");
}

async fn expect_talking(instead: Instead, expected: &str, name: &str) {
    let address = serve(move |stream| talk(stream, instead)).await;
    expect_plain(address, expected, name).await;
}

/// An outcome in few words: `failed registered WentOffline wire 31205 [20104]`.
fn said(report: &AttemptReport) -> String {
    match &report.outcome {
        Outcome::Completed { degraded } => format!("completed {degraded:?}"),
        Outcome::Failed(failure) => {
            let codes: Vec<u32> = failure.device_errors.iter().map(|error| error.code).collect();
            let wire = failure.wire_code.map_or(String::new(), |code| format!(" wire {code}"));
            format!("failed {} {:?}{wire} {codes:?}", failure.step, failure.reason)
        }
        Outcome::Throttled { step, sign, retry_after_s } => format!("throttled {step} {sign:?} {retry_after_s:?}"),
        Outcome::Lost { reason } => format!("lost {reason:?}"),
    }
}

#[tokio::test]
async fn a_good_attempt_passes_every_step() {
    let address = serve(|stream| talk(stream, good)).await;
    let report = attempt(&format!("ws://{address}/signal"), PATIENT).await;
    assert_eq!(said(&report), "completed []");
    let steps: Vec<Step> = report.steps.iter().map(|timing| timing.step).collect();
    let expected = [Step::Mint, Step::Tcp, Step::Upgrade, Step::Connected, Step::Registered, Step::Hangup];
    assert_eq!(steps, expected, "an address needs no name server, and loopback no TLS");
    assert_eq!(report.partner.gateway.as_deref(), Some("gw-1"));
    assert_eq!((report.traits.name_length, report.traits.edge.as_str()), (24, EDGES[0]));
    assert_ne!(report.traits.shape.lengths, [0; 3]);
}

#[tokio::test]
async fn what_tcp_and_http_do_wrong() {
    expect_plain(nobody().await, "failed tcp ConnectionRefused [31000, 31005]", "nobody").await;
    expect_plain(serve(silence).await, "failed upgrade NoAnswer []", "silence").await;
    let hang_up = serve(|stream| async move { drop(stream) }).await;
    expect_plain(hang_up, "failed upgrade ConnectionReset [31000, 31005]", "hang up").await;
    for (bytes, expected) in [
        ("HTTP/1.1 429 Too Many\r\nRetry-After: 17\r\n\r\n", "throttled upgrade HttpStatus(429) Some(17)"),
        ("HTTP/1.1 403 Forbidden\r\nRetry-After: 5\r\n\r\n", "throttled upgrade HttpStatus(403) Some(5)"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "failed upgrade HttpStatus(403) [31000, 31005]"),
        ("HTTP/1.1 503 Busy\r\nRetry-After: 5\r\n\r\n", "failed upgrade HttpStatus(503) [31000, 31005]"),
        ("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", "failed upgrade HttpStatus(302) [31000, 31005]"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "failed upgrade NotWebSocket [31000, 31005]"),
        ("HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n", "failed upgrade NotWebSocket [31000, 31005]"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "failed upgrade NotWebSocket [31000, 31005]"),
        ("HTTP/1.1 101 Sw", "failed upgrade ConnectionReset [31000, 31005]"),
    ] {
        let address = serve(move |stream| answer(stream, bytes.as_bytes())).await;
        expect_plain(address, expected, bytes).await;
    }
}

#[tokio::test]
async fn what_the_open_socket_does_wrong() {
    let refused: Instead = |_| vec![text(r#"{"type":"error","payload":{"error":{"code":31204,"message":"no"}}}"#)];
    let slow_down: Instead = |_| vec![text(r#"{"type":"error","payload":{"error":{"code":31206,"retryAfter":9}}}"#)];
    let silent: Instead = |_| Vec::new();
    let half: Instead = |asked| if asked == Asked::Listen { good(asked) } else { Vec::new() };
    let no_offline: Instead = |asked| if asked == Asked::Leave { Vec::new() } else { good(asked) };
    let close_1011: Instead = |_| vec![Frame::Raw(vec![0x88, 2, 0x03, 0xf3])];
    let dropped: Instead = |_| vec![Frame::Drop];
    let reserved: Instead = |_| vec![Frame::Raw(vec![0xff; 16])];
    let no_utf8: Instead = |_| vec![Frame::Raw(vec![0x81, 2, 0xc3, 0x28])];
    let torn: Instead = |_| vec![Frame::Raw(vec![0x81, 100, b'{']), Frame::Drop];
    let garbage: Instead = |asked| [vec![text("not json")], good(asked)].into_iter().flatten().collect();
    let binary: Instead =
        |asked| [vec![Frame::Send(Message::binary(vec![0; 9]))], good(asked)].into_iter().flatten().collect();
    let ping: Instead =
        |asked| [vec![Frame::Send(Message::Ping("x".into()))], good(asked)].into_iter().flatten().collect();
    for (name, instead, expected) in [
        ("refused", refused, "failed connected Rejected wire 31204 [20101]"),
        ("slow down", slow_down, "throttled connected WireCode(31206) Some(9)"),
        ("101 then silence", silent, "failed connected NoAnswer []"),
        ("no ready", half, "failed registered NoAnswer []"),
        ("no offline", no_offline, "completed [LeaveUnconfirmed]"),
        ("close 1011", close_1011, "failed connected Closed(1011) []"),
        ("TCP dropped", dropped, "failed connected ConnectionReset [31005]"),
        ("reserved bits", reserved, "failed connected MalformedFrame [31000, 31005]"),
        ("no UTF-8", no_utf8, "failed connected MalformedFrame [31000, 31005]"),
        ("torn frame", torn, "failed connected ConnectionReset [31005]"),
        ("garbage", garbage, "completed [Garbage]"),
        ("binary", binary, "completed [ForeignFrame]"),
        ("ping", ping, "completed []"),
    ] {
        expect_talking(instead, expected, name).await;
    }
}

#[tokio::test]
async fn large_frames_are_taken_as_the_sdk_takes_them_and_larger_ones_are_not() {
    let large: Instead = |asked| {
        let mut frame = good(asked);
        if asked == Asked::Register {
            let padding = "x".repeat(1 << 20);
            frame.insert(0, text(&format!(r#"{{"type":"unknown","payload":{{"x":"{padding}"}}}}"#)));
        }
        frame
    };
    expect_talking(large, "completed [LargeFrame]", "1 MiB").await;
    // Only the frame's head: 2^40 bytes are to follow.
    let larger: Instead = |_| vec![Frame::Raw(vec![0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0])];
    expect_talking(larger, "failed connected FrameTooLarge []", "1 TiB").await;
}

#[tokio::test]
async fn what_tls_does_wrong() {
    const NOW: partner::Life = (2020, 2090);
    for (name, life, expected) in [
        ("localhost", NOW, "completed []"),
        ("other.example", NOW, "failed tls CertificateWrongName [31000, 31005]"),
        ("localhost", (2001, 2002), "failed tls CertificateExpired [31000, 31005]"),
        ("localhost", (2090, 2091), "failed tls CertificateNotYetValid [31000, 31005]"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let acceptor = tls(folder.path(), name, life);
        let address = serve(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    talk(stream, good).await;
                }
            }
        })
        .await;
        let signalling = format!("wss://localhost:{}/signal", address.port());
        let mut bed = Bed::with(&signalling, "ca_file = \"ca.pem\"", PATIENT, folder);
        let spec = bed.spec(1);
        let report = bed.make(spec.clone()).await;
        assert_eq!(said(&report), expected, "{name} {life:?}");
        if expected == "completed []" {
            let year = report.certificate.map(|seen| seen.not_after.to_rfc3339());
            assert_eq!(year.as_deref(), Some("2090-01-01T00:00:00.000Z"));
            std::fs::write(bed.folder.path().join("ca.pem"), authority().pem()).expect("written");
            let report = bed.make(spec).await;
            assert_eq!(said(&report), "failed tls CertificateUntrusted [31000, 31005]");
        }
    }
}

#[tokio::test]
async fn what_is_not_tls() {
    let garbage = |stream| answer(stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let address = serve(move |mut stream: tokio::net::TcpStream| async move {
        use tokio::io::AsyncWriteExt;
        stream.write_all(b"this is no TLS at all").await.ok();
        silence(stream).await;
    })
    .await;
    expect_tls(address, "failed tls TlsFailed [31000, 31005]", "text").await;
    expect_tls(serve(silence).await, "failed tls NoAnswer []", "silence").await;
    let closed = serve(|stream| async move { drop(stream) }).await;
    expect_tls(closed, "failed tls ConnectionReset [31000, 31005]", "hang up").await;
    // A plain HTTP server never sees an empty line in a ClientHello, and waits.
    expect_tls(serve(garbage).await, "failed tls NoAnswer []", "HTTP").await;
}

#[tokio::test]
async fn the_next_edge_is_taken_when_the_first_cannot_be_opened() {
    let address = serve(|mut stream| async move {
        let mut head = [0; 64];
        let seen = stream.peek(&mut head).await.unwrap_or(0);
        if String::from_utf8_lossy(&head[..seen]).contains(EDGES[0]) {
            answer(stream, b"HTTP/1.1 503 Busy\r\n\r\n").await;
        } else if String::from_utf8_lossy(&head[..seen]).contains(EDGES[1]) {
            talk(stream, good).await;
        } else {
            read_head(&mut stream).await;
        }
    })
    .await;
    let report = attempt(&format!("ws://{address}/{{edge}}"), PATIENT).await;
    assert_eq!(said(&report), "completed [FallbackEdge]");
    assert_eq!(report.traits.edge.as_str(), EDGES[1]);
}

#[tokio::test]
async fn the_same_token_can_be_tried_again() {
    let address = serve(|stream| talk(stream, good)).await;
    let mut bed = Bed::new(&format!("ws://{address}/signal"));
    let first = bed.make(bed.spec(1)).await;
    let again = |of| TokenWish::Same { of: AttemptId(of) };
    let second = bed.make(AttemptSpec { token: again(1), ..bed.spec(2) }).await;
    assert_eq!(second.traits, first.traits);
    let gone = bed.make(AttemptSpec { token: again(9), ..bed.spec(3) }).await;
    assert_eq!(said(&gone), "lost TokenGone");
    let other = bed.make(bed.spec(4)).await;
    assert_eq!(other.traits.shape.lengths[2], 43, "a token of its own");
}

#[tokio::test]
async fn a_follow_up_gets_the_cells_it_wishes() {
    let address = serve(|stream| talk(stream, good)).await;
    let mut bed = Bed::new(&format!("ws://{address}/signal"));
    let first = bed.make(bed.spec(1)).await.traits.shape.signature;
    let wish = |unlike, like| {
        let wanted = CellWeights::each(like);
        let (kind, key, name_length) = (TokenKind::Access, KeySlot(0), 24);
        TokenWish::Fresh { kind, key, name_length, unlike, wanted }
    };
    let unlike = bed.make(AttemptSpec { token: wish(first, SignatureCells::default()), ..bed.spec(2) }).await;
    assert!(unlike.traits.shape.signature.is_disjoint(first));
    let cell = SignatureCells(1 << 17);
    let like = bed.make(AttemptSpec { token: wish(SignatureCells::default(), cell), ..bed.spec(3) }).await;
    assert_eq!(like.traits.shape.signature.0 & cell.0, cell.0);
}

#[tokio::test]
async fn the_product_s_own_token_endpoint_is_a_step_like_others() {
    let partner = serve(|stream| talk(stream, good)).await;
    let endpoint = |bytes: &'static [u8]| serve(move |stream| answer(stream, bytes));
    let large: &'static [u8] = Vec::leak([&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[b'x'; 70_000]].concat());
    for (address, expected) in [
        (endpoint(b"HTTP/1.1 200 OK\r\n\r\n{\"jwt\":\"a.b.c\"}").await, "completed []"),
        (endpoint(b"HTTP/1.1 500 No\r\n\r\n").await, "failed mint TokenEndpointStatus(500) []"),
        (endpoint(b"HTTP/1.1 307 No\r\nLocation: /\r\n\r\n").await, "failed mint TokenEndpointStatus(307) []"),
        (endpoint(b"HTTP/1.1 200 OK\r\n\r\n<html>").await, "failed mint TokenEndpointMalformed []"),
        (endpoint(large).await, "failed mint TokenEndpointMalformed []"),
        (nobody().await, "failed mint ConnectionRefused []"),
        (serve(silence).await, "failed mint NoAnswer []"),
    ] {
        let from = format!("[tokens.from]\nurl = \"http://{address}/token\"\npointer = \"/jwt\"");
        let signalling = format!("ws://{partner}/signal");
        let mut bed = Bed::with(&signalling, &from, step_for(expected), tempfile::tempdir().expect("a folder"));
        let report = bed.make(bed.spec(1)).await;
        assert_eq!(said(&report), expected);
        let registered = report.steps.iter().any(|timing| timing.step == Step::Registered);
        assert!(!registered, "a name that is not ours is never registered");
    }
}

#[tokio::test]
async fn what_we_lack_ourselves_is_lost() {
    let mut bed = Bed::new("ws://127.0.0.1:9/signal");
    std::fs::remove_file(bed.folder.path().join("secret")).expect("removed");
    let report = bed.make(bed.spec(1)).await;
    assert_eq!(said(&report), "lost Secret");
    let mut bed = Bed::with(
        "wss://127.0.0.1:9/signal",
        "ca_file = \"none.pem\"",
        PATIENT,
        tempfile::tempdir().expect("a folder"),
    );
    let report = bed.make(bed.spec(1)).await;
    assert_eq!(said(&report), "lost Secret");
}
