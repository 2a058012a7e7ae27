//! The sockets of one client's calls.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Datagrams that wait to be looked at; more are lost, as any may be.
const WAITING_MAX: usize = 256;
/// Largest datagram that is read, in bytes.
const DATAGRAM_MAX: usize = 2048;

/// A datagram, and whose it is.
pub(super) struct Datagram {
    pub(super) leg: u32,
    pub(super) from: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

/// The sockets of one client's calls, each with a task that reads it.
pub(super) struct MediaSockets {
    ip: IpAddr,
    sockets: BTreeMap<u32, Arc<UdpSocket>>,
    readers: JoinSet<()>,
    inbox: mpsc::Sender<Datagram>,
    datagrams: mpsc::Receiver<Datagram>,
}

impl MediaSockets {
    pub(super) fn on(ip: IpAddr) -> Self {
        let (inbox, datagrams) = mpsc::channel(WAITING_MAX);
        Self { ip, sockets: BTreeMap::new(), readers: JoinSet::new(), inbox, datagrams }
    }

    /// Opens a call's socket: its address.
    pub(super) async fn open(&mut self, leg: u32) -> io::Result<SocketAddr> {
        let socket = Arc::new(UdpSocket::bind(SocketAddr::new(self.ip, 0)).await?);
        let address = socket.local_addr()?;
        self.sockets.insert(leg, Arc::clone(&socket));
        self.readers.spawn(read(leg, socket, self.inbox.clone()));
        Ok(address)
    }

    pub(super) async fn send(&self, leg: u32, to: SocketAddr, bytes: &[u8]) {
        if let Some(socket) = self.sockets.get(&leg) {
            // One that cannot be sent is lost.
            socket.send_to(bytes, to).await.ok();
        }
    }

    pub(super) fn close(&mut self, leg: u32) {
        self.sockets.remove(&leg);
        if self.sockets.is_empty() {
            self.readers.abort_all();
        }
    }

    /// The next datagram.
    pub(super) async fn next(&mut self) -> Datagram {
        match self.datagrams.recv().await {
            Some(datagram) => datagram,
            // Never: we hold a sender ourselves.
            None => std::future::pending().await,
        }
    }
}

async fn read(leg: u32, socket: Arc<UdpSocket>, inbox: mpsc::Sender<Datagram>) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        // An error tells of an earlier datagram that met a closed port.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        inbox.try_send(Datagram { leg, from, bytes: buffer[..length].to_vec() }).ok();
    }
}
