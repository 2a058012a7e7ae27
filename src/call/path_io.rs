//! What a call's paths ask of whoever has sockets, and what they are told.

use std::fmt;
use std::net::SocketAddr;

use crate::model::{IceServer, IceTrouble};

/// What happened with the servers that help to find paths for media.
#[derive(Clone, Copy, Debug)]
pub enum PathInput<'a> {
    /// These are they, after [`PathRequest::Find`].
    Servers(&'a [IceServer]),
    /// The connection to one of them (its number in the list) is open, from this address of ours.
    Open(usize, SocketAddr),
    /// Bytes came on it.
    Bytes(usize, &'a [u8]),
    /// It has ended, or could not be made.
    Ended(usize, IceTrouble),
}

/// What is wanted of the servers that help to find paths for media.
#[derive(Clone, PartialEq, Eq)]
pub enum PathRequest {
    /// Find out which there are, and where they are.
    Find,
    /// Connect to this one of them, over TCP or TLS.
    Open(usize),
    /// Send this on the connection to it.
    Send(usize, Vec<u8>),
    /// Close it.
    Close(usize),
}

impl fmt::Debug for PathRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Find => f.write_str("Find"),
            Self::Open(server) => write!(f, "Open({server})"),
            Self::Send(server, bytes) => write!(f, "Send({server}, {} bytes)", bytes.len()),
            Self::Close(server) => write!(f, "Close({server})"),
        }
    }
}
