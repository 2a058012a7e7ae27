//! One connection up to the WebSocket: TCP, TLS, HTTP, with every fault that strikes there.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, rustls};

use crate::model::{AddressFamily, EdgeName, StableHasher};
use crate::sim::twilio::{Faults, Note, Place};
use crate::sim::{Node, TcpFault, TlsFault, TransportFault, UpgradeFault};

use super::listener::Pod;
use super::request::{Request, plain, switching};
use super::{rest, socket};

/// The path of the WebSocket.
const PATH: &str = "/signal";
/// How long a client may take for its hello, its handshake and its request, each.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a fault of silence lasts at most.
const SILENCE_MAX: Duration = Duration::from_secs(600);
/// A record that holds the first half of a server's hello.
const HALF_HELLO: [u8; 11] = [0x16, 0x03, 0x03, 0x00, 0x7a, 0x02, 0x00, 0x00, 0x76, 0x03, 0x03];
/// A fatal alert: handshake failure.
const ALERT: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28];
/// Bytes that are neither TLS nor HTTP.
const GARBAGE: &[u8] = b"\x00\x01\x02 220 mail.example ESMTP ready \xff\xfe\r\n\r\n";

/// A stream whose TCP connection can be dropped without the goodbyes of the layers above.
pub(super) trait Droppable: AsyncRead + AsyncWrite + Unpin + Send {
    /// The TCP connection below.
    fn tcp(&mut self) -> &mut TcpStream;
}

impl Droppable for TcpStream {
    fn tcp(&mut self) -> &mut TcpStream {
        self
    }
}

impl Droppable for TlsStream<TcpStream> {
    fn tcp(&mut self) -> &mut TcpStream {
        self.get_mut().0
    }
}

/// One connection with what is known of it.
pub(super) struct Client<'a> {
    pub(super) pod: &'a Pod,
    pub(super) number: u64,
    pub(super) place: Place,
    pub(super) faults: Faults,
}

/// Serves one connection from its acceptance to its end.
pub(super) async fn serve(pod: &Pod, stream: TcpStream) {
    let number = pod.next_connection();
    let family =
        stream.peer_addr().ok().map(|address| if address.is_ipv4() { AddressFamily::V4 } else { AddressFamily::V6 });
    let connection = StableHasher::new("connection").text(pod.name.as_str()).number(number).finish();
    let node = Node::of(pod.seed, connection);
    let place = Place { edge: pod.edge.clone(), family, node };
    let faults = Faults::Rules(Arc::clone(&pod.switch.borrow().rules));
    // Frames are small and answers are waited for.
    drop(stream.set_nodelay(true));
    Client { pod, number, place, faults }.tcp(stream).await;
}

impl Client<'_> {
    pub(super) fn note(&self, note: &Note) {
        self.pod.truth.write(&self.pod.name, self.number, note);
    }

    /// The transport fault that applies, noted if it is one of those that are asked for.
    fn fault<T>(&self, pick: impl Fn(TransportFault) -> Option<(T, &'static str)>) -> Option<T> {
        let (fault, rule) = self.faults.transport(&self.place)?;
        let (fault, did) = pick(fault)?;
        self.note(&Note::of(did).because(Some(rule)));
        Some(fault)
    }

    async fn tcp(mut self, mut stream: TcpStream) {
        let fault = self.fault(|fault| match fault {
            TransportFault::Tcp(fault @ TcpFault::Reset) => Some((fault, "tcp reset")),
            TransportFault::Tcp(fault) => Some((fault, "tcp silent")),
            TransportFault::Tls(_) | TransportFault::Upgrade(_) => None,
        });
        match (fault, &self.pod.certificates) {
            (Some(TcpFault::Reset), _) => {
                // Earlier, some clients would take it for a connection that never was.
                drop(timeout(PATIENCE, stream.peek(&mut [0])).await);
                drop(stream.set_zero_linger());
            }
            (Some(TcpFault::Silence | TcpFault::Refused), _) => hold(&mut stream).await,
            (None, Some(_)) => self.tls(stream).await,
            (None, None) => self.http(stream).await,
        }
    }

    async fn tls(&mut self, stream: TcpStream) {
        let acceptor = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream);
        let Ok(Ok(start)) = timeout(PATIENCE, acceptor).await else { return };
        if let Some(edge) = start.client_hello().server_name().and_then(edge_of) {
            self.place.edge = edge;
        }
        let fault = self.fault(|fault| match fault {
            TransportFault::Tls(fault) => Some((fault, tls_word(fault))),
            TransportFault::Tcp(_) | TransportFault::Upgrade(_) => None,
        });
        let mut tcp = start.io;
        let certificate = match fault {
            Some(TlsFault::Garbage) => return last_words(&mut tcp, GARBAGE).await,
            Some(TlsFault::Alert) => return last_words(&mut tcp, &ALERT).await,
            Some(TlsFault::Hangup) => return last_words(&mut tcp, &[]).await,
            Some(TlsFault::HalfOpen) => {
                drop(tcp.write_all(&HALF_HELLO).await);
                return hold(&mut tcp).await;
            }
            Some(TlsFault::Certificate(fault)) => Some(fault),
            None => None,
        };
        let Some(certificates) = &self.pod.certificates else { return };
        let start = tokio_rustls::StartHandshake::from_parts(start.accepted, tcp);
        let handshake = start.into_stream(certificates.config(certificate));
        if let Ok(Ok(stream)) = timeout(PATIENCE, handshake).await {
            self.http(stream).await;
        }
    }

    async fn http(&mut self, mut stream: impl Droppable) {
        let Ok(Ok(Some(request))) = timeout(PATIENCE, Request::read(&mut stream)).await else { return };
        let host = request.header("host").map(|host| host.split(':').next().unwrap_or(host));
        if let Some(edge) = host.and_then(edge_of) {
            self.place.edge = edge;
        }
        let Some(key) = request.websocket_key().filter(|_| request.path() == PATH) else {
            if !rest::serve(self, &mut stream, &request).await {
                other_request(&mut stream, &request).await;
            }
            return;
        };
        let fault = self.fault(|fault| match fault {
            TransportFault::Upgrade(fault) => Some((fault, upgrade_word(fault))),
            TransportFault::Tcp(_) | TransportFault::Tls(_) => None,
        });
        let answer = match fault {
            None => switching(key),
            Some(UpgradeFault::WrongAccept) => switching("not the key that was sent"),
            Some(UpgradeFault::Hang) => return hold(&mut stream).await,
            Some(UpgradeFault::Hangup) => return last_words(&mut stream, &[]).await,
            Some(UpgradeFault::Garbage) => return last_words(&mut stream, GARBAGE).await,
            Some(UpgradeFault::Status { status, retry_after_s }) => {
                let retry: Vec<_> = retry_after_s.map(|s| ("Retry-After", s.to_string())).into_iter().collect();
                return last_words(&mut stream, plain(status, &retry, "simulated\n").as_bytes()).await;
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_ok() && stream.flush().await.is_ok() {
            socket::serve(self, stream, request.rest).await;
        }
    }
}

/// What is no WebSocket: SDKs ask and post about calls, which is answered and forgotten.
async fn other_request(stream: &mut impl Droppable, request: &Request) {
    let insights = request.path().starts_with("/v4/Endpoint") && matches!(request.method(), "OPTIONS" | "POST");
    let answer = if insights {
        let headers = [
            ("Access-Control-Allow-Origin", "*".to_owned()),
            ("Access-Control-Allow-Methods", "POST, OPTIONS".to_owned()),
            ("Access-Control-Allow-Headers", "content-type, x-twilio-token".to_owned()),
        ];
        plain(200, &headers, "")
    } else {
        plain(404, &[], "not found\n")
    };
    // A body that is not read would turn the answer's end into a reset.
    let body = request.body_length().saturating_sub(request.rest.len());
    drop(timeout(PATIENCE, discard(stream, body)).await);
    last_words(stream, answer.as_bytes()).await;
}

/// Reads and forgets so many bytes.
async fn discard(stream: &mut impl Droppable, mut left: usize) {
    let mut buffer = [0; 4096];
    while left > 0 {
        let most = left.min(buffer.len());
        match stream.read(&mut buffer[..most]).await {
            Ok(0) | Err(_) => return,
            Ok(read) => left -= read,
        }
    }
}

/// Sends something and ends the connection in order.
async fn last_words(stream: &mut impl Droppable, words: &[u8]) {
    if stream.write_all(words).await.is_ok() && stream.shutdown().await.is_ok() {
        drop(timeout(PATIENCE, discard(stream, usize::MAX)).await);
    }
}

/// Says nothing until the client leaves.
async fn hold(stream: &mut impl Droppable) {
    drop(timeout(SILENCE_MAX, discard(stream, usize::MAX)).await);
}

/// The edge in a public name such as `voice-js.ashburn.twilio.com`; `roaming` is no edge.
fn edge_of(host: &str) -> Option<EdgeName> {
    let edge = host.strip_prefix("voice-js.")?.strip_suffix(".twilio.com")?;
    EdgeName::parse(edge).ok().filter(|edge| edge.as_str() != "roaming")
}

const fn tls_word(fault: TlsFault) -> &'static str {
    match fault {
        TlsFault::Certificate(_) => "bad certificate shown",
        TlsFault::Garbage => "garbage in the handshake",
        TlsFault::HalfOpen => "half a handshake",
        TlsFault::Alert => "alert in the handshake",
        TlsFault::Hangup => "closed in the handshake",
    }
}

const fn upgrade_word(fault: UpgradeFault) -> &'static str {
    match fault {
        UpgradeFault::Status { .. } => "upgrade refused",
        UpgradeFault::Hang => "upgrade unanswered",
        UpgradeFault::Garbage => "upgrade answered with garbage",
        UpgradeFault::WrongAccept => "upgrade answered wrongly",
        UpgradeFault::Hangup => "closed at the upgrade",
    }
}
