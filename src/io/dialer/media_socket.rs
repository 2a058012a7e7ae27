//! The socket that a call's media go over. While a call is set up it is waited for. While audio
//! flows it is only looked into when frames of ours are made, and the system tells when
//! each datagram came: that is more exact than waking up for it, and on a busy machine our own
//! lateness is not taken for jitter of theirs.

use std::io::{self, IoSliceMut};
use std::net::{self, IpAddr, SocketAddr};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, UNIX_EPOCH};

use nix::sys::socket::sockopt::ReceiveTimestamp;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};
use nix::sys::time::{TimeVal, TimeValLike as _};
use tokio::net::UdpSocket;

use crate::io::clock;

/// The largest datagram that is read, in bytes; media and handshakes stay below an Ethernet frame.
const DATAGRAM_MAX: usize = 2048;

/// The socket that a call's media go over.
pub(super) struct MediaSocket {
    socket: Socket,
    buffer: Box<[u8]>,
    /// Where the system tells when a datagram came.
    told: Vec<u8>,
}

/// How the socket is read.
enum Socket {
    /// The runtime is woken by what comes.
    Awaited(UdpSocket),
    /// Nobody is woken.
    Polled(net::UdpSocket),
    /// The system took it back.
    Gone,
}

impl MediaSocket {
    /// A socket on this address of ours, on any free port.
    pub(super) async fn open(local: IpAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::new(local, 0)).await?;
        // Where the system cannot tell, a datagram came when it was taken.
        setsockopt(&socket, ReceiveTimestamp, &true).ok();
        let (buffer, told) = (vec![0; DATAGRAM_MAX].into_boxed_slice(), nix::cmsg_space!(TimeVal));
        Ok(Self { socket: Socket::Awaited(socket), buffer, told })
    }

    /// Where it is.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        match &self.socket {
            Socket::Awaited(socket) => socket.local_addr(),
            Socket::Polled(socket) => socket.local_addr(),
            Socket::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Sends a datagram. One that cannot be sent is lost, as any may be.
    pub(super) async fn send(&self, to: SocketAddr, bytes: &[u8]) {
        match &self.socket {
            // Waits until the socket may be written to: a fresh one says that it may not.
            Socket::Awaited(socket) => socket.send_to(bytes, to).await.ok(),
            Socket::Polled(socket) => socket.send_to(bytes, to).ok(),
            Socket::Gone => None,
        };
    }

    /// Waits for the next datagram: from where, and its length in [`MediaSocket::bytes`].
    pub(super) async fn receive(&mut self) -> (SocketAddr, usize) {
        self.socket.be_awaited();
        let Socket::Awaited(socket) = &self.socket else { return std::future::pending().await };
        loop {
            // An error tells that an earlier datagram met a closed port, which says nothing.
            if let Ok((length, from)) = socket.recv_from(&mut self.buffer).await {
                return (from, length);
            }
        }
    }

    /// The last datagram that was received, of this length.
    pub(super) fn bytes(&self, length: usize) -> &[u8] {
        &self.buffer[..length.min(DATAGRAM_MAX)]
    }

    /// The next datagram that has come, and how long ago; `None` if there is none.
    pub(super) fn take(&mut self) -> Option<(SocketAddr, &[u8], Duration)> {
        self.socket.be_polled();
        let Socket::Polled(socket) = &self.socket else { return None };
        let (length, from, ago) = {
            let mut into = [IoSliceMut::new(&mut self.buffer)];
            let (fd, told) = (socket.as_raw_fd(), Some(self.told.as_mut_slice()));
            let message = recvmsg::<SockaddrStorage>(fd, &mut into, told, MsgFlags::MSG_DONTWAIT).ok()?;
            let ago = message.cmsgs().ok().and_then(|mut all| all.find_map(ago));
            (message.bytes, message.address.and_then(address)?, ago.unwrap_or_default())
        };
        Some((from, &self.buffer[..length], ago))
    }
}

impl Socket {
    fn be_awaited(&mut self) {
        if let Self::Polled(_) = self
            && let Self::Polled(socket) = std::mem::replace(self, Self::Gone)
        {
            *self = UdpSocket::from_std(socket).map_or(Self::Gone, Self::Awaited);
        }
    }

    fn be_polled(&mut self) {
        if let Self::Awaited(_) = self
            && let Self::Awaited(socket) = std::mem::replace(self, Self::Gone)
        {
            *self = socket.into_std().map_or(Self::Gone, Self::Polled);
        }
    }
}

fn ago(told: ControlMessageOwned) -> Option<Duration> {
    match told {
        ControlMessageOwned::ScmTimestamp(at) => {
            let since = Duration::from_micros(at.num_microseconds().unsigned_abs());
            Some(clock::ago(UNIX_EPOCH.checked_add(since)?))
        }
        _ => None,
    }
}

fn address(from: SockaddrStorage) -> Option<SocketAddr> {
    let v4 = from.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    v4.or_else(|| from.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::clock::Stopwatch;

    #[tokio::test]
    async fn a_datagram_is_taken_with_its_own_time_and_waited_for_again_later() {
        let mut socket = MediaSocket::open(IpAddr::from([127, 0, 0, 1])).await.expect("a port");
        let far = MediaSocket::open(IpAddr::from([127, 0, 0, 1])).await.expect("a port");
        let (here, there) = (socket.address().expect("open"), far.address().expect("open"));

        far.send(here, b"awaited").await;
        let (from, length) = socket.receive().await;
        assert_eq!((from, socket.bytes(length)), (there, &b"awaited"[..]));

        assert!(socket.take().is_none());
        let watch = Stopwatch::start();
        far.send(here, b"first").await;
        let between = watch.time();
        far.send(here, b"second").await;
        let mut came = Vec::new();
        while let Some((from, bytes, ago)) = socket.take() {
            assert_eq!(from, there);
            came.push((bytes.to_vec(), watch.time().saturating_sub(ago)));
        }
        let [(first, at_first), (second, at_second)] = <[_; 2]>::try_from(came).expect("two");
        assert_eq!((first.as_slice(), second.as_slice()), (&b"first"[..], &b"second"[..]));
        // The system's clock counts microseconds, ours nanoseconds.
        assert!(at_first <= between + Duration::from_micros(1), "{at_first:?}, {between:?}");
        assert!(at_second + Duration::from_micros(1) >= between, "{at_second:?}, {between:?}");

        socket.send(there, b"polled").await;
        far.send(here, b"awaited again").await;
        let (_, length) = socket.receive().await;
        assert_eq!(socket.bytes(length), b"awaited again");
    }
}
