//! What is left to do at TURN servers after a call: waits until they have taken back what they
//! gave, and asks again if an answer is lost. Nobody waits for it but whoever says goodbye.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::IceTrouble;

use super::paths::{PathOutput, Paths};

/// What is to be sent to a server.
#[derive(PartialEq, Eq, Debug)]
pub enum ToServer {
    /// From the call's own socket.
    Datagram(SocketAddr, Vec<u8>),
    /// On the connection to this server (its number in the list).
    Stream(usize, Vec<u8>),
}

/// What is left to do at TURN servers after a call.
pub struct RelayFarewell {
    paths: Paths,
}

impl RelayFarewell {
    /// The rest of a call's paths; `None` if servers owe us nothing and we owe them nothing.
    pub(super) fn of(paths: Paths) -> Option<Self> {
        paths.owes().then_some(Self { paths })
    }

    /// True if all is given back.
    pub fn is_over(&self) -> bool {
        !self.paths.owes()
    }

    /// The next thing to send; `None` when drained.
    pub fn poll(&mut self) -> Option<ToServer> {
        loop {
            match self.paths.poll()? {
                PathOutput::Datagram(to, bytes) => return Some(ToServer::Datagram(to, bytes)),
                PathOutput::Stream(number, bytes) => return Some(ToServer::Stream(number, bytes)),
                // Packets that still come are for nobody.
                _ => {}
            }
        }
    }

    /// When [`RelayFarewell::timeout`] wants to come; `None` when over.
    pub fn wake(&self) -> Option<Duration> {
        self.paths.wake()
    }

    /// A datagram came on the call's own socket.
    pub fn datagram(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        self.paths.datagram(now, from, bytes);
    }

    /// Bytes came on the connection to a server.
    pub fn bytes(&mut self, now: Duration, server: usize, bytes: &[u8]) {
        self.paths.stream(now, server, bytes);
    }

    /// The connection to a server has ended, and what it had given with it.
    pub fn ended(&mut self, now: Duration, server: usize) {
        self.paths.stream_ended(now, server, IceTrouble::Ended);
    }

    /// Time has come to [`RelayFarewell::wake`].
    pub fn timeout(&mut self, now: Duration) {
        self.paths.timeout(now);
    }
}
