//! Connections to TURN servers over TCP and TLS. Each has a task of its own, and queues that are
//! bounded both ways: a server that never reads or never stops writing holds up nothing.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::io::not_done::NotDone;
use crate::model::{IceService, IceTrouble, RelayTransport};

use super::ice_servers::{FoundServer, trouble};
use super::stream::Stream;

/// Messages that wait to be written to one server; more are lost, as any packet may be.
const UNWRITTEN_MAX: usize = 128;
/// Pieces of what was read that wait to be looked at; then the server has to wait.
const UNREAD_MAX: usize = 32;
/// What is read at once, in bytes.
const READ_BYTES: usize = 4096;
/// How long the last messages may take to be written.
const FLUSH_MAX: Duration = Duration::from_millis(500);

/// What happened on a connection.
pub(super) enum RelayNews {
    /// It is open, from this address of ours.
    Open(SocketAddr),
    /// Bytes came.
    Bytes(Vec<u8>),
    /// It has ended, or could not be made.
    Ended(IceTrouble),
}

/// The connections of one call.
pub(super) struct RelayStreams {
    writers: BTreeMap<usize, mpsc::Sender<Vec<u8>>>,
    tasks: JoinSet<()>,
    inbox: mpsc::Sender<(usize, RelayNews)>,
    news: mpsc::Receiver<(usize, RelayNews)>,
}

impl RelayStreams {
    pub(super) fn new() -> Self {
        let (inbox, news) = mpsc::channel(UNREAD_MAX);
        Self { writers: BTreeMap::new(), tasks: JoinSet::new(), inbox, news }
    }

    /// Connects to a server; what comes of it is told by [`RelayStreams::next`].
    pub(super) fn open(&mut self, number: usize, to: FoundServer, tls: Option<Arc<ClientConfig>>) {
        let (writer, unwritten) = mpsc::channel(UNWRITTEN_MAX);
        self.writers.insert(number, writer);
        let inbox = self.inbox.clone();
        self.tasks.spawn(async move {
            let ended = run(number, to, tls, unwritten, &inbox).await;
            // Fails when nobody wants to know any more.
            inbox.send((number, RelayNews::Ended(ended))).await.ok();
        });
    }

    /// Queues a message to a server.
    pub(super) fn send(&self, number: usize, bytes: Vec<u8>) {
        if let Some(writer) = self.writers.get(&number) {
            writer.try_send(bytes).ok();
        }
    }

    /// Closes a connection once what waits is written.
    pub(super) fn close(&mut self, number: usize) {
        self.writers.remove(&number);
    }

    /// The next thing that happened, and to which server.
    pub(super) async fn next(&mut self) -> (usize, RelayNews) {
        match self.news.recv().await {
            Some(news) => news,
            // Never: we hold a sender ourselves.
            None => std::future::pending().await,
        }
    }

    /// Closes all of them, in peace if that is quick.
    pub(super) async fn end(mut self) {
        self.writers.clear();
        drop(self.news);
        timeout(FLUSH_MAX, async { while self.tasks.join_next().await.is_some() {} }).await.ok();
    }
}

/// Connects, and carries bytes both ways until one side has had enough: why it ended.
async fn run(
    number: usize,
    to: FoundServer,
    tls: Option<Arc<ClientConfig>>,
    mut unwritten: mpsc::Receiver<Vec<u8>>,
    inbox: &mpsc::Sender<(usize, RelayNews)>,
) -> IceTrouble {
    let (stream, local) = match connect(&to, tls).await {
        Ok(connected) => connected,
        Err(trouble) => return trouble,
    };
    if inbox.send((number, RelayNews::Open(local))).await.is_err() {
        return IceTrouble::Ended;
    }
    let (mut reader, mut writer) = tokio::io::split(stream);
    let reading = async {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match reader.read(&mut buffer).await {
                Ok(length) if length > 0 => {
                    let bytes = buffer[..length].to_vec();
                    if inbox.send((number, RelayNews::Bytes(bytes))).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                }
                Ok(_) | Err(_) => return,
            }
        }
    };
    let writing = async {
        while let Some(bytes) = unwritten.recv().await {
            if writer.write_all(&bytes).await.is_err() {
                return;
            }
        }
        writer.shutdown().await.ok();
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
    IceTrouble::Ended
}

async fn connect(to: &FoundServer, tls: Option<Arc<ClientConfig>>) -> Result<(Stream, SocketAddr), IceTrouble> {
    let address = to.server.address?;
    let not_done = |error: io::Error| trouble(NotDone::of(&error));
    let tcp = TcpStream::connect(address).await.map_err(not_done)?;
    tcp.set_nodelay(true).ok();
    let local = tcp.local_addr().map_err(not_done)?;
    if to.server.service != IceService::Turn(RelayTransport::Tls) {
        return Ok((Stream::Plain(tcp), local));
    }
    let (Some(config), Ok(name)) = (tls, ServerName::try_from(to.host.clone())) else {
        return Err(IceTrouble::TlsFailed);
    };
    let stream = TlsConnector::from(config).connect(name, tcp).await.map_err(|_| IceTrouble::TlsFailed)?;
    Ok((Stream::Tls(Box::new(stream)), local))
}
