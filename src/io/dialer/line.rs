//! Carries a connection's machine over a real line: does what it asks and tells it what happened,
//! in time.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::call::{Connection, Finding, Input, Output, PathInput, PathRequest};
use crate::io::clock::Stopwatch;
use crate::io::not_done::NotDone;
use crate::io::partner_rest::{Asking, PartnerRest};
use crate::io::resolver::{Resolver, known_without_asking};
use crate::io::tls;
use crate::model::{EdgeName, FailureReason, IceServer, LostReason, RestAnswer, RestRequest, Signalling, SocketEnd};
use crate::partner::twilio::Endpoint;

use super::goodbye::{CallToEnd, Goodbye};
use super::media_socket::MediaSocket;
use super::other_end::{News, Wire};
use super::paths::{IceSource, PathNews, Paths, PathsGoodbye};
use super::refusal::{self, upgrade_request};
use super::relay_streams::RelayNews;
use super::stop::Stop;
use super::stream::Stream;
use super::tcp;

/// The largest frame that is read, in bytes: a little more than the largest one that the SDK is
/// known to take, so that such a frame is judged by the device and not by the socket.
const FRAME_BYTES_MAX: usize = 17 * 1024 * 1024;

/// What a WebSocket reads at once: more than most frames. The library's default of 128 KiB would be
/// most of the memory that an attempt takes.
const READ_BUFFER_BYTES: usize = 1024;

/// Datagrams that are taken in between two frames of ours: many times what a call's media have. More
/// wait, and are lost once the system has no room for them.
const DATAGRAMS_A_TURN: usize = 64;

/// The way to one edge.
pub(super) struct Way {
    pub(super) edge: EdgeName,
    pub(super) endpoint: Endpoint,
    /// How to speak TLS; `None` for `ws://`.
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) origin: &'static str,
    pub(super) user_agent: &'static str,
}

/// A machine and what it has in its hands.
pub(super) struct Line<'a, S> {
    machine: Connection<S>,
    ways: &'a [Way],
    resolver: &'a Resolver,
    watch: Stopwatch,
    way: usize,
    addresses: Vec<IpAddr>,
    tcp: Option<TcpStream>,
    stream: Option<Stream>,
    socket: Option<WebSocketStream<Stream>>,
    close: Option<u16>,
    /// Where our end of the WebSocket is: media goes out on the same address.
    local: Option<IpAddr>,
    media: Option<MediaSocket>,
    /// When nothing more waited there.
    emptied: Duration,
    paths: Option<Box<Paths<'a>>>,
    rest: Option<PartnerRest>,
    asking: Option<Asking>,
    /// True while the partner is asked to call us.
    ordering: bool,
    /// The word that the attempt shall end.
    stop: Stop,
    /// A call to be ended at the partner, whatever else happens.
    to_end: Option<RestRequest>,
    /// To the line of the other client of ours in the same call.
    wire: Option<Wire>,
}

impl<'a, S: Signalling> Line<'a, S> {
    /// A line for a machine whose routes are these ways.
    pub(super) fn new(machine: Connection<S>, ways: &'a [Way], resolver: &'a Resolver, stop: Stop) -> Self {
        let watch = Stopwatch::start();
        let addresses = Vec::new();
        let (tcp, stream, socket, close) = (None, None, None, None);
        let (local, media, paths, rest, asking, to_end, wire) = (None, None, None, None, None, None, None);
        Self {
            machine,
            ways,
            resolver,
            watch,
            way: 0,
            addresses,
            tcp,
            stream,
            socket,
            close,
            local,
            media,
            emptied: Duration::ZERO,
            paths,
            rest,
            asking,
            ordering: false,
            stop,
            to_end,
            wire,
        }
    }

    /// The same line with the partner's REST API at hand.
    pub(super) fn with_rest(self, rest: Option<PartnerRest>) -> Self {
        Self { rest, ..self }
    }

    /// The same line with the servers that help its call to find paths.
    pub(super) fn with_servers(self, source: Option<IceSource<'a>>) -> Self {
        Self { paths: source.map(|source| Box::new(Paths::new(source))), ..self }
    }

    /// The same line, as one of two in a call between two clients of ours.
    pub(super) fn with_wire(self, wire: Wire) -> Self {
        Self { wire: Some(wire), ..self }
    }

    /// Runs the attempt to its end. `Err` where our own machine is in the way.
    pub(super) async fn run(mut self) -> Result<(Finding, Option<Goodbye>), LostReason> {
        loop {
            match self.machine.poll() {
                Some(Output::Resolve(way)) => self.resolve(way).await?,
                Some(Output::Connect(way)) => self.connect(way).await?,
                Some(Output::Handshake) => self.handshake().await,
                Some(Output::Upgrade) => self.upgrade().await,
                Some(Output::Send(text)) => self.send(text).await,
                Some(Output::Close(code)) => self.close = Some(code),
                Some(Output::OpenMedia) => self.open_media().await,
                Some(Output::Datagram { to, bytes }) => self.send_datagram(to, &bytes).await,
                Some(Output::Path(request)) => self.serve_paths(request),
                Some(Output::Rest(request)) => self.ask_rest(request),
                Some(Output::Waiting) => self.tell_other(News::Waiting),
                Some(Output::Talks(at)) => self.tell_other(News::Talks(self.watch, at)),
                Some(Output::Done(finding)) => {
                    let ordered = self.asking.filter(|_| self.ordering);
                    let to_end = self.rest.and_then(|rest| CallToEnd::of(rest, self.to_end, ordered));
                    let socket = self.socket.zip(self.close);
                    let (watch, media) = (self.watch, self.media);
                    let paths = self.machine.take_farewell().zip(self.paths).map(|(farewell, paths)| {
                        Box::new(PathsGoodbye { farewell, watch, media, streams: paths.into_streams() })
                    });
                    let anything = socket.is_some() || to_end.is_some() || paths.is_some();
                    return Ok((*finding, anything.then_some(Goodbye { socket, to_end, paths })));
                }
                None => self.listen().await,
            }
        }
    }

    fn tell(&mut self, input: Input<'_>) {
        let now = self.watch.time();
        // What came before this, first; but for a frame of ours nothing has to be known.
        if self.machine.talks() && (!matches!(input, Input::Timeout) || self.machine.listens(now)) {
            self.take_datagrams();
        }
        self.machine.handle(now, input);
    }

    /// Tells what came of a step, or what came first.
    fn tell_step(&mut self, done: Result<Result<Input<'static>, NotDone>, Input<'static>>) -> Result<(), LostReason> {
        match done {
            Err(first) => self.tell(first),
            Ok(Ok(input)) => self.tell(input),
            Ok(Err(NotDone::Failed(reason))) => self.tell(Input::CouldNot(reason)),
            Ok(Err(NotDone::Lost(reason))) => return Err(reason),
        }
        Ok(())
    }

    /// What may come before a step is done.
    fn wait(&mut self) -> Wait<'_> {
        Wait { watch: self.watch, wake: self.machine.wake().unwrap_or(Duration::ZERO), stop: &mut self.stop }
    }

    async fn resolve(&mut self, way: usize) -> Result<(), LostReason> {
        let (resolver, ways) = (self.resolver, self.ways);
        let lookup = Box::pin(resolver.lookup(&ways[way].endpoint.host));
        let found = self.wait().until(lookup).await;
        let done = found.map(|found| {
            found.map(|addresses| {
                self.addresses = addresses;
                Input::Resolved
            })
        });
        self.tell_step(done)
    }

    async fn connect(&mut self, way: usize) -> Result<(), LostReason> {
        self.way = way;
        let Endpoint { host, port, .. } = &self.ways[way].endpoint;
        if let Some(known) = known_without_asking(host) {
            self.addresses = known;
        }
        let addresses = std::mem::take(&mut self.addresses);
        let connected = self.wait().until(Box::pin(tcp::connect(&addresses, *port))).await;
        self.addresses = addresses;
        let done = connected.map(|connected| {
            connected.map(|(tcp, address)| {
                self.local = tcp.local_addr().ok().map(|local| local.ip());
                self.tcp = Some(tcp);
                Input::TcpConnected(address)
            })
        });
        self.tell_step(done)
    }

    async fn handshake(&mut self) {
        let way = &self.ways[self.way];
        let name = ServerName::try_from(way.endpoint.host.clone());
        let (Some(tcp), Some(config), Ok(name)) = (self.tcp.take(), &way.tls, name) else {
            return self.tell(Input::CouldNot(FailureReason::TlsFailed));
        };
        // Boxed, as the other steps before the socket is open: what they need is not kept after them.
        let handshake = Box::pin(TlsConnector::from(Arc::clone(config)).connect(name, tcp));
        match self.wait().until(handshake).await {
            Err(first) => self.tell(first),
            Ok(Ok(stream)) => {
                let certificate = tls::certificate_seen(stream.get_ref().1.peer_certificates());
                self.stream = Some(Stream::Tls(Box::new(stream)));
                self.tell(Input::TlsUp(certificate));
            }
            Ok(Err(error)) => self.tell(Input::CouldNot(tls::reason(&error))),
        }
    }

    async fn upgrade(&mut self) {
        let stream = self.stream.take().or_else(|| self.tcp.take().map(Stream::Plain));
        let (Some(stream), Some(request)) = (stream, upgrade_request(&self.ways[self.way])) else {
            return self.tell(Input::CouldNot(FailureReason::NotWebSocket));
        };
        let upgrade = Box::pin(client_async_with_config(request, stream, Some(socket_config())));
        match self.wait().until(upgrade).await {
            Err(first) => self.tell(first),
            Ok(Ok((socket, _))) => {
                self.socket = Some(socket);
                self.tell(Input::Upgraded);
            }
            Ok(Err(error)) => self.tell(refusal::judge(&error)),
        }
    }

    async fn send(&mut self, text: String) {
        let Some(mut socket) = self.socket.take() else { return };
        let sent = self.wait().until(socket.send(Message::text(text))).await;
        self.socket = Some(socket);
        // A connection that cannot be written to is read to its end: the reason may be there.
        if let Err(first) = sent {
            self.tell(first);
        }
    }

    // ---- a call --------------------------------------------------------------------------

    async fn open_media(&mut self) {
        match media_socket(self.local).await {
            Ok((socket, address)) => {
                self.media = Some(socket);
                self.tell(Input::MediaOpen(address));
            }
            // A call may ring here: it must not be left so.
            Err(reason) => self.tell(Input::GiveUp(reason)),
        }
    }

    async fn send_datagram(&mut self, to: SocketAddr, bytes: &[u8]) {
        if let Some(media) = &self.media {
            media.send(to, bytes).await;
        }
    }

    fn serve_paths(&mut self, request: PathRequest) {
        let (resolver, local) = (self.resolver, self.local);
        match (&mut self.paths, request) {
            (Some(paths), PathRequest::Find) => paths.find(resolver, local),
            (Some(paths), PathRequest::Open(server)) => paths.open(server),
            (Some(paths), PathRequest::Send(server, bytes)) => paths.send(server, bytes),
            (Some(paths), PathRequest::Close(server)) => paths.close(server),
            (None, PathRequest::Find) => self.tell(Input::Path(PathInput::Servers(&[]))),
            (None, PathRequest::Open(_) | PathRequest::Send(..) | PathRequest::Close(_)) => {}
        }
    }

    fn tell_path(&mut self, news: PathNews) {
        let servers: Vec<IceServer>;
        let bytes: Vec<u8>;
        self.tell(Input::Path(match news {
            PathNews::Servers(known) => {
                servers = known;
                PathInput::Servers(&servers)
            }
            PathNews::Relay(server, RelayNews::Open(local)) => PathInput::Open(server, local),
            PathNews::Relay(server, RelayNews::Bytes(came)) => {
                bytes = came;
                PathInput::Bytes(server, &bytes)
            }
            PathNews::Relay(server, RelayNews::Ended(trouble)) => PathInput::Ended(server, trouble),
        }));
    }

    fn ask_rest(&mut self, request: RestRequest) {
        match (&self.rest, request) {
            (_, request @ RestRequest::End { .. }) => self.to_end = Some(request),
            (Some(rest), request) => {
                self.ordering = matches!(request, RestRequest::Originate { .. });
                self.asking = Some(rest.ask(&request));
            }
            // No key of the pod's account: nobody at the partner has done anything wrong.
            (None, _) => self.tell(Input::Rest(&RestAnswer::Lost(LostReason::Secret))),
        }
    }

    fn tell_other(&mut self, news: News) {
        if let Some(wire) = &self.wire {
            wire.tell(news);
        }
    }

    fn told_by_other(&mut self, news: News) {
        match news {
            News::Waiting => {}
            News::Talks(watch, at) => self.tell(Input::OtherTalks(watch.as_told_by(self.watch, at))),
            News::Over => self.tell(Input::OtherOver),
        }
    }

    // ---- what comes ----------------------------------------------------------------------

    async fn listen(&mut self) {
        let heard = self.next(self.machine.talks()).await;
        self.take_in(heard);
        // A partner that never stops talking does not stop the clock.
        if self.machine.wake().is_some_and(|wake| wake <= self.watch.time()) {
            self.tell(Input::Timeout);
        }
    }

    /// What comes next. While audio flows nobody waits for the media's socket.
    async fn next(&mut self, talks: bool) -> Heard {
        let wake = self.machine.wake();
        let frame = async {
            match &mut self.socket {
                Some(socket) => socket.next().await,
                None => std::future::pending().await,
            }
        };
        let datagram = async {
            match &mut self.media {
                Some(media) if !talks => media.receive().await,
                _ => std::future::pending().await,
            }
        };
        let answer = async {
            match &mut self.asking {
                Some(asking) => asking.await,
                None => std::future::pending().await,
            }
        };
        let path = async {
            match &mut self.paths {
                Some(paths) => paths.next().await,
                None => std::future::pending().await,
            }
        };
        let news = async {
            match &mut self.wire {
                Some(wire) => wire.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stop.told() => Heard::Stop,
            // First, so that the tone goes out in time whatever comes in.
            () = self.watch.sleep_until(wake.unwrap_or(Duration::ZERO)) => Heard::Nothing,
            (from, length) = datagram => Heard::Datagram(from, length),
            news = path => Heard::Path(news),
            news = news => Heard::Other(news),
            frame = frame => Heard::Frame(frame),
            answer = answer => Heard::Answer(answer),
        }
    }

    fn take_in(&mut self, heard: Heard) {
        match heard {
            Heard::Stop => self.tell(Input::GiveUp(LostReason::Stopped)),
            Heard::Nothing => self.tell(Input::Timeout),
            Heard::Datagram(from, length) => {
                let bytes = self.media.as_ref().map_or(&[][..], |media| media.bytes(length));
                self.machine.handle(self.watch.time(), Input::Datagram(from, bytes));
            }
            Heard::Path(news) => self.tell_path(news),
            Heard::Other(news) => self.told_by_other(news),
            Heard::Answer(answer) => {
                (self.asking, self.ordering) = (None, false);
                self.tell(Input::Rest(&answer));
            }
            Heard::Frame(Some(Ok(message))) => self.take(&message),
            Heard::Frame(Some(Err(error))) => self.tell(unreadable(&error)),
            Heard::Frame(None) => self.tell(Input::Ended(SocketEnd::Broken)),
        }
    }

    /// Takes in what has come to the media's socket while nobody waited for it, each at its own time.
    fn take_datagrams(&mut self) {
        for _ in 0..DATAGRAMS_A_TURN {
            let now = self.watch.time();
            let Some((from, bytes, ago)) = self.media.as_mut().and_then(MediaSocket::take) else {
                self.emptied = now;
                return;
            };
            // Not so long ago that it would have been found before: then the system's clock was set.
            let at = now.saturating_sub(ago).max(self.emptied);
            self.machine.handle(at, Input::Datagram(from, bytes));
        }
    }

    fn take(&mut self, message: &Message) {
        match message {
            Message::Text(text) => self.tell(Input::Text(text.as_str())),
            Message::Binary(_) => self.tell(Input::Foreign),
            Message::Close(frame) => {
                // 1005 is what a browser reports for a close frame without a code.
                let code = frame.as_ref().map_or(1005, |frame| frame.code.into());
                self.tell(Input::Ended(SocketEnd::Closed(code)));
            }
            // The library answers pings by itself, as browsers do.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

/// A socket for media beside the one that has this address.
async fn media_socket(local: Option<IpAddr>) -> Result<(MediaSocket, SocketAddr), LostReason> {
    let local = local.ok_or(LostReason::NoNetwork)?;
    let socket = MediaSocket::open(local).await.map_err(|_| LostReason::NoNetwork)?;
    let address = socket.address().map_err(|_| LostReason::NoNetwork)?;
    Ok((socket, address))
}

/// What ends the wait for a step.
struct Wait<'w> {
    watch: Stopwatch,
    wake: Duration,
    stop: &'w mut Stop,
}

impl Wait<'_> {
    /// Waits for something until the machine wants to be woken or the attempt shall end; `Err` with
    /// what to tell it if that came first.
    async fn until<T>(self, work: impl Future<Output = T>) -> Result<T, Input<'static>> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = self.watch.sleep_until(self.wake) => Err(Input::Timeout),
            () = self.stop.told() => Err(Input::GiveUp(LostReason::Stopped)),
        }
    }
}

fn socket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX))
}

/// What an error of an open WebSocket means.
fn unreadable(error: &tungstenite::Error) -> Input<'static> {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Input::CouldNot(FailureReason::FrameTooLarge),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Input::Ended(SocketEnd::Broken),
        Error::Protocol(_) | Error::Utf8(_) | Error::Capacity(_) | Error::AttackAttempt => {
            Input::CouldNot(FailureReason::MalformedFrame)
        }
        _ => Input::Ended(SocketEnd::Broken),
    }
}

/// What woke a line up.
enum Heard {
    Stop,
    Nothing,
    Datagram(SocketAddr, usize),
    Path(PathNews),
    Other(News),
    Frame(Option<Result<Message, Error>>),
    Answer(RestAnswer),
}
