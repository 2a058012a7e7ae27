//! The socket that a call's media go over.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::UdpSocket;

/// The largest datagram that is read, in bytes; media and handshakes stay below an Ethernet frame.
const DATAGRAM_MAX: usize = 2048;

/// The socket that a call's media go over.
pub(super) struct MediaSocket {
    socket: UdpSocket,
    buffer: Box<[u8]>,
}

impl MediaSocket {
    /// A socket on this address of ours, on any free port.
    pub(super) async fn open(local: IpAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::new(local, 0)).await?;
        Ok(Self { socket, buffer: vec![0; DATAGRAM_MAX].into_boxed_slice() })
    }

    /// Where it is.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Sends a datagram. One that cannot be sent is lost, as any may be.
    pub(super) async fn send(&self, to: SocketAddr, bytes: &[u8]) {
        // Waits until the socket may be written to: a fresh one says that it may not.
        self.socket.send_to(bytes, to).await.ok();
    }

    /// The next datagram.
    pub(super) async fn receive(&mut self) -> (SocketAddr, &[u8]) {
        loop {
            // An error tells that an earlier datagram met a closed port, which says nothing.
            if let Ok((length, from)) = self.socket.recv_from(&mut self.buffer).await {
                return (from, &self.buffer[..length]);
            }
        }
    }
}
