//! What goes into the machine of a connection, and what comes out of it.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::model::{CertificateSeen, FailureReason, LostReason, RestAnswer, RestRequest, SocketEnd};

use super::{Finding, PathInput, PathRequest};

/// What the socket's side did. What does not fit the present step is ignored.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// The name is known.
    Resolved,
    /// TCP is connected.
    TcpConnected(SocketAddr),
    /// TLS is up; with the certificate, if it could be read.
    TlsUp(Option<CertificateSeen>),
    /// The WebSocket is open.
    Upgraded,
    /// The upgrade was answered with an HTTP status, and perhaps with `Retry-After` in seconds.
    HttpRefused {
        /// The status.
        status: u16,
        /// `Retry-After` in seconds.
        retry_after_s: Option<u32>,
    },
    /// The present step cannot be done, or the open WebSocket cannot be read any more.
    CouldNot(FailureReason),
    /// A text frame.
    Text(&'a str),
    /// A frame that the protocol does not have (binary).
    Foreign,
    /// The socket has ended.
    Ended(SocketEnd),
    /// The socket for media is open, at this address.
    MediaOpen(SocketAddr),
    /// A datagram came on it.
    Datagram(SocketAddr, &'a [u8]),
    /// Something happened with the servers that help to find paths for media.
    Path(PathInput<'a>),
    /// The other client of the call begins its tone at this moment, on our own clock.
    OtherTalks(Duration),
    /// The other client, which has called us or was to call us, is done.
    OtherOver,
    /// What the partner's REST API answered to the last [`Output::Rest`] that wants an answer.
    Rest(&'a RestAnswer),
    /// Time has come to [`Connection::wake`](super::Connection::wake).
    Timeout,
    /// We cannot go on, or are told not to: the attempt is lost, and what was begun is ended properly.
    GiveUp(LostReason),
}

/// What to do next.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// Begin with this route (its number): look its name up. What was begun before is void.
    Resolve(usize),
    /// Connect TCP on this route. After [`Output::Resolve`] was answered, or first where there is
    /// no name to look up.
    Connect(usize),
    /// Shake hands over TLS.
    Handshake,
    /// Ask for the WebSocket.
    Upgrade,
    /// Send this text frame. It may hold a token: never log it.
    Send(String),
    /// Close the WebSocket with this code.
    Close(u16),
    /// Open a socket for media (UDP), on the address that the WebSocket has.
    OpenMedia,
    /// Send this datagram on it.
    Datagram {
        /// Where to.
        to: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// Have the servers help that find paths for media.
    Path(PathRequest),
    /// Registered: the other client may call us now.
    Waiting,
    /// Our tone begins at this moment: the other client needs to know.
    Talks(Duration),
    /// Ask the partner's REST API; the answer comes back as [`Input::Rest`], but for
    /// [`RestRequest::End`], for which nobody waits.
    Rest(RestRequest),
    /// It is over. Comes exactly once, and last.
    Done(Box<Finding>),
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve(route) => write!(f, "Resolve({route})"),
            Self::Connect(route) => write!(f, "Connect({route})"),
            Self::Handshake => f.write_str("Handshake"),
            Self::Upgrade => f.write_str("Upgrade"),
            Self::Send(text) => write!(f, "Send({} bytes)", text.len()),
            Self::Close(code) => write!(f, "Close({code})"),
            Self::OpenMedia => f.write_str("OpenMedia"),
            Self::Datagram { to, bytes } => write!(f, "Datagram({to}, {} bytes)", bytes.len()),
            Self::Path(request) => write!(f, "Path({request:?})"),
            Self::Waiting => f.write_str("Waiting"),
            Self::Talks(at) => write!(f, "Talks({at:?})"),
            Self::Rest(request) => write!(f, "Rest({request:?})"),
            Self::Done(finding) => write!(f, "Done({finding:?})"),
        }
    }
}
