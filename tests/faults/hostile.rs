//! Clients that misbehave do not hurt the partner: afterwards it serves as before.

use std::net::SocketAddr;
use std::time::Duration;

use ringcheck::partner_server::{PartnerServer, PartnerSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::bed::{at_partner, pod_name};

async fn plain() -> (PartnerServer, SocketAddr) {
    let settings = PartnerSettings { tls: false, control: None, ..PartnerSettings::for_pods(vec![at_partner(0)]) };
    let partner = PartnerServer::start(settings).await.expect("started");
    let address = partner.address(&pod_name(0)).expect("there");
    (partner, address)
}

/// What comes back; at most 64 kB.
async fn said(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    // The partner may have had enough before all is written.
    drop(stream.write_all(bytes).await);
    let mut answer = Vec::new();
    let mut stream = stream.take(64 * 1024);
    drop(timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.expect("it comes to an end"));
    String::from_utf8_lossy(&answer).into_owned()
}

const UPGRADE: &str = "GET /signal HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_client_sends_the_next_one_is_served() {
    let (partner, address) = plain().await;
    let long = vec![b'x'; 200_000];
    let unmasked = [UPGRADE.as_bytes(), &[0x81, 0x02, b'h', b'i']].concat();
    // A frame that says it has 2^62 bytes.
    let huge = [UPGRADE.as_bytes(), &[0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]].concat();
    for bytes in [b"\r\n\r\n".as_slice(), b"\x16\x03\x01\x00\x05hello\r\n\r\n", &long, &unmasked, &huge] {
        said(address, bytes).await;
    }
    let answer = said(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{answer}");
    timeout(Duration::from_secs(10), partner.shutdown()).await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn insights_are_answered_and_forgotten() {
    let (_partner, address) = plain().await;
    for request in [
        "OPTIONS /v4/EndpointEvents HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /v4/EndpointMetrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]",
    ] {
        let answer = said(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_accept_key_is_the_one_of_the_standard() {
    let (_partner, address) = plain().await;
    // A masked close frame after the upgrade, so that the partner ends by itself.
    let bytes = [UPGRADE.as_bytes(), &[0x88, 0x80, 1, 2, 3, 4]].concat();
    let answer = said(address, &bytes).await;
    assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
}
