//! Paths for media: through coturn in every way, and with servers that are dead, lie, or never end.

use std::net::SocketAddr;
use std::time::Duration;

use ringcheck::model::{
    AttemptReport, CallDirection, CallWish, Codec, FailureReason, FarHears, IceService, IceTrouble, MediaPath, Outcome,
    OwnServerTrouble, PathTaken, RelayTransport, Step,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::bed::{Bed, pod_name};
use crate::coturn::{Coturn, PASSWORD};

const fn wish(direction: CallDirection, path: MediaPath) -> CallWish {
    CallWish { direction, hold_ms: 2000, ring_ms: 0, codec: Codec::Pcmu, path }
}

/// A call of a pod with these servers that demands this path.
async fn call(ice: &str, path: MediaPath) -> AttemptReport {
    let bed = Bed::with(1, ice).await;
    let report = bed.call(0, wish(CallDirection::Outbound, path), 0).await;
    bed.rest().await;
    report
}

pub fn path_of(report: &AttemptReport) -> Option<PathTaken> {
    report.call.as_ref()?.path
}

pub fn trouble_of(report: &AttemptReport, service: IceService) -> Option<IceTrouble> {
    let asked = &report.call.as_ref().expect("it was a call").servers;
    asked.iter().find(|asked| asked.service == service).expect("it was asked").trouble
}

/// The failure of a call whose demanded path is not there.
fn assert_no_path(report: &AttemptReport) {
    let failure = report.outcome.failure().unwrap_or_else(|| panic!("{report:?}"));
    assert_eq!((failure.step, failure.reason), (Step::Ice, FailureReason::NoPath), "{report:?}");
    assert_eq!(path_of(report), None);
}

pub fn assert_heard(report: &AttemptReport, path: PathTaken) {
    assert!(report.outcome.is_completed(), "{report:?}");
    let facts = report.call.as_ref().expect("it was a call");
    assert_eq!(facts.path, Some(path), "{report:?}");
    assert_eq!(facts.audio.as_ref().expect("media flowed").far_hears, FarHears::Yes, "{report:?}");
}

const TURN: [(MediaPath, PathTaken, RelayTransport); 3] = [
    (MediaPath::RelayUdp, PathTaken::RelayUdp, RelayTransport::Udp),
    (MediaPath::RelayTcp, PathTaken::RelayTcp, RelayTransport::Tcp),
    (MediaPath::RelayTls, PathTaken::RelayTls, RelayTransport::Tls),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_heard_through_relays_and_leave_nothing_there() {
    let coturn = Coturn::start(true).await;
    let bed = Bed::with(1, &coturn.ice(PASSWORD)).await;
    for (serial, (path, taken, over)) in (0..).zip(TURN) {
        let directions: &[CallDirection] =
            if over == RelayTransport::Udp { &CallDirection::ALL } else { &[CallDirection::Outbound] };
        for direction in directions {
            let report = bed.call(0, wish(*direction, path), serial).await;
            assert_heard(&report, taken);
            assert_eq!(trouble_of(&report, IceService::Turn(over)), None);
        }
    }
    let report = bed.call(0, wish(CallDirection::Outbound, MediaPath::Relay), 10).await;
    assert!(report.outcome.is_completed() && path_of(&report).is_some_and(|path| path.fulfils(MediaPath::Relay)));
    // Five calls, the last of which was offered three relays.
    bed.rest().await;
    assert!(coturn.made() >= 5, "{}", coturn.made());
    coturn.wait_until_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_demand_the_plain_path_is_taken_and_relays_are_given_back() {
    let coturn = Coturn::start(true).await;
    let report = call(&coturn.ice(PASSWORD), MediaPath::Any).await;
    assert_heard(&report, PathTaken::Host);
    coturn.wait_until_nothing_is_left().await;
    assert_heard(&call("", MediaPath::Host).await, PathTaken::Host);
}

/// On loopback there is no NAT: the world sees us under our own address. So this shows that a STUN
/// server is asked and believed, and not that a NAT is passed; `call/path_tests.rs` has a NAT.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reflexive_path_needs_a_server_that_tells_it() {
    let coturn = Coturn::start(true).await;
    let report = call(&coturn.ice(PASSWORD), MediaPath::Reflexive).await;
    assert_heard(&report, PathTaken::Reflexive);
    assert_eq!(trouble_of(&report, IceService::Stun), None);
    assert_eq!(coturn.made(), 0, "no relay is asked for it");

    let dead = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let address = dead.local_addr().expect("bound");
    let report = call(&format!("[ice]\nservers = [{{ url = \"stun:{address}\" }}]\n"), MediaPath::Reflexive).await;
    assert_no_path(&report);
    assert_eq!(trouble_of(&report, IceService::Stun), Some(IceTrouble::NoAnswer));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_credentials_matter_only_where_the_relay_is_demanded() {
    let coturn = Coturn::start(true).await;
    let ice = coturn.ice("wrong");
    for (path, _, over) in TURN {
        let report = call(&ice, path).await;
        assert_no_path(&report);
        assert_eq!(trouble_of(&report, IceService::Turn(over)), Some(IceTrouble::Refused(401)), "{path}");
        let servers = &report.call.as_ref().expect("it was a call").servers;
        let own = OwnServerTrouble { service: IceService::Turn(over), trouble: IceTrouble::Refused(401) };
        assert_eq!(OwnServerTrouble::in_the_way(path, servers), Some(own), "the pod's file names it");
        let shown = format!("{report:?}");
        assert!(!shown.contains("wrong") && !shown.contains("rc_user"), "{shown}");
    }
    let report = call(&ice, MediaPath::Any).await;
    assert_heard(&report, PathTaken::Host);
    assert_eq!(trouble_of(&report, IceService::Turn(RelayTransport::Udp)), Some(IceTrouble::Refused(401)));
    assert_eq!(coturn.made(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_will_not_reach_the_far_side_is_no_path() {
    let coturn = Coturn::start(false).await;
    for (path, _, over) in TURN {
        let report = call(&coturn.ice(PASSWORD), path).await;
        assert_no_path(&report);
        assert_eq!(trouble_of(&report, IceService::Turn(over)), Some(IceTrouble::Refused(403)), "{path}");
    }
    coturn.wait_until_nothing_is_left().await;
}

/// `[ice]` with one relay at this address, whose login is its own and nobody's.
fn ice(url: &str) -> String {
    format!(
        "[ice]\nservers = [{{ url = \"{url}\", username = {{ file = \"secret\" }}, credential = {{ file = \"secret\" }} }}]\n"
    )
}

async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("a port")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_servers_are_told_apart() {
    let address = nobody().await;
    for (url, path, over, expected) in [
        (format!("turn:{address}"), MediaPath::RelayUdp, RelayTransport::Udp, IceTrouble::NoAnswer),
        (format!("turn:{address}?transport=tcp"), MediaPath::RelayTcp, RelayTransport::Tcp, IceTrouble::Unreachable),
        (format!("turns:{address}"), MediaPath::Relay, RelayTransport::Tls, IceTrouble::Unreachable),
    ] {
        let report = call(&ice(&url), path).await;
        assert_no_path(&report);
        assert_eq!(trouble_of(&report, IceService::Turn(over)), Some(expected), "{url}");
        let report = call(&ice(&url), MediaPath::Any).await;
        assert_heard(&report, PathTaken::Host);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_of_ours_that_is_missing_is_nobody_elses_fault() {
    let ice = "[ice]\nservers = [{ url = \"turn:127.0.0.1:9\", username = { file = \"not-there\" }, \
               credential = { file = \"secret\" } }]\n";
    let report = call(ice, MediaPath::Relay).await;
    assert!(matches!(report.outcome, Outcome::Lost { .. }), "{report:?}");
    assert_heard(&call(ice, MediaPath::Any).await, PathTaken::Host);
}

/// What a hostile server does on a connection.
type Hostile = fn(u64) -> Vec<u8>;

/// Serves every connection with what `next` gives, for ever.
async fn hostile(next: Hostile) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pour(stream, next));
        }
    });
    address
}

async fn pour(mut stream: TcpStream, next: Hostile) {
    let mut buffer = [0; 1024];
    if stream.read(&mut buffer).await.is_err() {
        return;
    }
    for round in 0.. {
        let bytes = next(round);
        if bytes.is_empty() {
            std::future::pending::<()>().await;
        }
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// A STUN message of this type and length.
fn message(kind: [u8; 2], length: u16, fill: u8) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    let mut bytes = vec![kind[0], kind[1], high, low, 0x21, 0x12, 0xa4, 0x42];
    bytes.extend([fill; 12]);
    bytes.extend(vec![fill; usize::from(length)]);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_relays_cost_no_more_than_their_deadline() {
    let cases: [(&str, Hostile, IceTrouble); 5] = [
        ("silence", |_| Vec::new(), IceTrouble::NoAnswer),
        ("another protocol", |_| b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), IceTrouble::Malformed),
        ("an oversized message", |_| message([1, 3], 65_532, 1), IceTrouble::Malformed),
        ("endless indications", |round| message([0, 0x17], 16, round as u8), IceTrouble::NoAnswer),
        ("half a message", |round| if round == 0 { vec![1, 3] } else { Vec::new() }, IceTrouble::NoAnswer),
    ];
    for (name, next, expected) in cases {
        let ice = ice(&format!("turn:{}?transport=tcp", hostile(next).await));
        let report = call(&ice, MediaPath::RelayTcp).await;
        assert_no_path(&report);
        assert_eq!(trouble_of(&report, IceService::Turn(RelayTransport::Tcp)), Some(expected), "{name}");
        // Where nobody demands it the call is as good as without it.
        assert_heard(&call(&ice, MediaPath::Any).await, PathTaken::Host);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_partner_may_list_its_own_servers() {
    let coturn = Coturn::start(true).await;
    let bed = Bed::with(1, "[ice]\nfrom_partner = true\n").await;
    let report = bed.call(0, wish(CallDirection::Outbound, MediaPath::Relay), 0).await;
    assert_no_path(&report);
    bed.partner.set_ice_servers(&pod_name(0), coturn.listed());
    for (path, taken) in [(MediaPath::RelayUdp, PathTaken::RelayUdp), (MediaPath::RelayTcp, PathTaken::RelayTcp)] {
        assert_heard(&bed.call(0, wish(CallDirection::Outbound, path), path as u64).await, taken);
    }
    bed.rest().await;
    coturn.wait_until_nothing_is_left().await;
    bed.shutdown(Duration::from_secs(10)).await;
}
